#include "iptctl/svg.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "iptctl/text.h"

namespace ipt::ctl {
namespace {

size_t CharacterBytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// Of the usual sans serif faces, in parts of the font's size.
double CharacterWidth(absl::string_view character) {
  if (character.size() > 2) return 1;  // wide scripts; also of dashes, which are narrower
  if (character.size() == 2) return 0.62;
  const char c = character[0];
  if (absl::string_view("iljtf.,:;'|!()[] ").find(c) != absl::string_view::npos) return 0.36;
  if (absl::string_view("mwMW%@").find(c) != absl::string_view::npos) return 0.95;
  if (c >= 'A' && c <= 'Z') return 0.72;
  return 0.62;
}

std::string Coordinate(double value) { return ShortNumber(value, 1); }

}  // namespace

std::string XmlText(absl::string_view text) {
  std::string out;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string ShortNumber(double value, int digits) {
  if (!std::isfinite(value)) return "?";
  std::string text = absl::StrFormat("%.*f", digits, value);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

double TextWidth(absl::string_view text, double font) {
  double width = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = std::min(CharacterBytes(text[i]), text.size() - i);
    width += CharacterWidth(text.substr(i, bytes));
    i += bytes;
  }
  return width * font;
}

std::string ClipToWidth(absl::string_view text, double width, double font) {
  if (TextWidth(text, font) <= width) return std::string(text);
  double used = font * 0.8;  // of the ellipsis
  size_t end = 0;
  while (end < text.size()) {
    const size_t bytes = std::min(CharacterBytes(text[end]), text.size() - end);
    used += CharacterWidth(text.substr(end, bytes)) * font;
    if (used > width) break;
    end += bytes;
  }
  return absl::StrCat(absl::StripTrailingAsciiWhitespace(text.substr(0, end)), "…");
}

void Markup::Begin(absl::string_view tag, const Attributes& attributes) {
  absl::StrAppend(&out_, "<", tag);
  for (const auto& [name, value] : attributes) {
    absl::StrAppend(&out_, " ", name, "=\"", XmlText(value), "\"");
  }
}

void Markup::Open(absl::string_view tag, const Attributes& attributes) {
  Begin(tag, attributes);
  out_ += ">";
  open_.emplace_back(tag);
}

void Markup::Close() {
  absl::StrAppend(&out_, "</", open_.back(), ">\n");
  open_.pop_back();
}

void Markup::Text(absl::string_view text) { out_ += XmlText(text); }

void Markup::Element(absl::string_view tag, absl::string_view text, const Attributes& attributes) {
  Open(tag, attributes);
  Text(text);
  Close();
}

void Markup::Empty(absl::string_view tag, const Attributes& attributes) {
  Begin(tag, attributes);
  out_ += "/>\n";
}

void Markup::Raw(absl::string_view markup) { absl::StrAppend(&out_, markup); }

std::string Markup::Finish() {
  while (!open_.empty()) Close();
  return std::move(out_);
}

void Canvas::Line(double x1, double y1, double x2, double y2, absl::string_view css) {
  Empty("line", {{"x1", Coordinate(x1)},
                 {"y1", Coordinate(y1)},
                 {"x2", Coordinate(x2)},
                 {"y2", Coordinate(y2)},
                 {"class", std::string(css)}});
}

void Canvas::Rect(double x, double y, double width, double height, const Attributes& attributes) {
  Attributes all = {{"x", Coordinate(x)},
                    {"y", Coordinate(y)},
                    {"width", Coordinate(std::max(0.0, width))},
                    {"height", Coordinate(std::max(0.0, height))}};
  all.insert(all.end(), attributes.begin(), attributes.end());
  Empty("rect", all);
}

void Canvas::Label(double x, double y, absl::string_view text, absl::string_view css,
                   absl::string_view anchor) {
  Attributes attributes = {{"x", Coordinate(x)}, {"y", Coordinate(y)}, {"class", std::string(css)}};
  if (anchor != "start") attributes.emplace_back("text-anchor", std::string(anchor));
  Element("text", text, attributes);
}

void Canvas::Circle(double x, double y, double radius, absl::string_view css) {
  Empty("circle", {{"cx", Coordinate(x)},
                   {"cy", Coordinate(y)},
                   {"r", Coordinate(radius)},
                   {"class", std::string(css)}});
}

void Canvas::Path(const std::string& d, absl::string_view css) {
  Empty("path", {{"d", d}, {"class", std::string(css)}});
}

void Canvas::Titled(absl::string_view title, const Attributes& attributes) {
  Open("g", attributes);
  Element("title", title);
}

std::string TrianglePath(double x, double y, double size) {
  return absl::StrCat("M", Coordinate(x), " ", Coordinate(y - size), "L", Coordinate(x + size), " ",
                      Coordinate(y + size * 0.8), "H", Coordinate(x - size), "Z");
}

std::string DiamondPath(double x, double y, double size) {
  return absl::StrCat("M", Coordinate(x), " ", Coordinate(y - size), "L", Coordinate(x + size), " ",
                      Coordinate(y), "L", Coordinate(x), " ", Coordinate(y + size), "L",
                      Coordinate(x - size), " ", Coordinate(y), "Z");
}

std::string CrossPath(double x, double y, double size) {
  return absl::StrCat("M", Coordinate(x - size), " ", Coordinate(y - size), "L",
                      Coordinate(x + size), " ", Coordinate(y + size), "M", Coordinate(x - size),
                      " ", Coordinate(y + size), "L", Coordinate(x + size), " ",
                      Coordinate(y - size));
}

std::string ArrowPath(double x, double y, double size) {
  return absl::StrCat("M", Coordinate(x), " ", Coordinate(y), "L", Coordinate(x - size), " ",
                      Coordinate(y - size), "V", Coordinate(y + size), "Z");
}

std::string SvgFile(Canvas& canvas, double width, double height, absl::string_view id,
                    absl::string_view title, absl::string_view description, bool css) {
  Canvas out;
  out.Open("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
                   {"viewBox", absl::StrCat("0 0 ", Coordinate(width), " ", Coordinate(height))},
                   {"width", Coordinate(width)},
                   {"height", Coordinate(height)},
                   {"role", "img"},
                   {"class", "chart"},
                   {"aria-labelledby", absl::StrCat(id, "-t ", id, "-d")}});
  out.Element("title", title, {{"id", absl::StrCat(id, "-t")}});
  out.Element("desc", description, {{"id", absl::StrCat(id, "-d")}});
  if (css) {
    out.Open("style");
    out.Raw(ChartCss());
    out.Close();
  }
  // Hatching says on paper, and to whoever sees no colours, what a tint says on a screen.
  out.Open("defs");
  out.Open("pattern", {{"id", absl::StrCat(id, "-hatch")},
                       {"width", "6"},
                       {"height", "6"},
                       {"patternUnits", "userSpaceOnUse"},
                       {"patternTransform", "rotate(45)"}});
  out.Line(0, 0, 0, 6, "hatch");
  out.Close();
  out.Close();
  out.Rect(0, 0, width, height, {{"class", "paper"}});
  out.Raw(canvas.Finish());
  return out.Finish();
}

std::string ChartCss() {
  // Contrast with the paper: texts at least 7:1 (muted ones 5:1), lines that say something 3:1. No
  // variables: not every viewer of SVG knows them.
  struct Rule {
    const char* selector;
    const char* light;
    const char* dark;  // nullptr: as light
  };
  static constexpr Rule kRules[] = {
      {".paper", "fill:#fff", "fill:#12171d"},
      {".chart text", "font-size:12px;fill:#1c2733", "fill:#e6ebf0"},
      {".chart .small", "font-size:11px", nullptr},
      {".chart .tiny", "font-size:10px", nullptr},
      {".chart .muted", "fill:#52606d", "fill:#a9b4bf"},
      {".chart .strong", "font-weight:600", nullptr},
      {".chart .head", "font-size:15px;font-weight:600", nullptr},
      {".chart .halo", "paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round",
       "stroke:#12171d"},
      {".chart .cuttext", "fill:#8f1d1d", "fill:#ff9b93"},
      {".grid", "stroke:#dde3e9;stroke-width:1", "stroke:#2b343d"},
      {".axis", "stroke:#66727e;stroke-width:1", "stroke:#8794a1"},
      {".tint", "fill:#b0782a", "fill:#d7a14f"},
      {".hatch", "stroke:#66727e;stroke-width:1", "stroke:#8794a1"},
      {".edge", "stroke:#52606d;stroke-width:1;stroke-dasharray:2 3", "stroke:#a9b4bf"},
      {".cut", "stroke:#a32020;stroke-width:1.5;stroke-dasharray:8 3", "stroke:#ff8c84"},
      {".course", "fill:none;stroke:#0b4f8a;stroke-width:2;stroke-linejoin:round",
       "stroke:#74b9f5"},
      {".after", "fill:none;stroke:#0b4f8a;stroke-width:2;stroke-dasharray:5 4", "stroke:#74b9f5"},
      {".gain", "fill:none;stroke:#0b4f8a;stroke-width:6;stroke-opacity:.28;stroke-linecap:round",
       "stroke:#74b9f5"},
      {".dot", "fill:#0b4f8a;stroke:#fff;stroke-width:1.5", "fill:#74b9f5;stroke:#12171d"},
      {".ring", "fill:none;stroke:#0b4f8a;stroke-width:1.5", "stroke:#74b9f5"},
      {".hollow", "fill:#fff;stroke:#52606d;stroke-width:1.5", "fill:#12171d;stroke:#a9b4bf"},
      {".cross", "fill:none;stroke:#52606d;stroke-width:1.75", "stroke:#a9b4bf"},
      {".sat", "fill:#33414e;stroke:none", "fill:#c2ccd6"},
      {".review", "fill:#fff;stroke:#8a5300;stroke-width:1.75;stroke-linejoin:round",
       "fill:#12171d;stroke:#f0b45a"},
      {".reviewnow", "fill:#8a5300;stroke:#8a5300;stroke-width:1.75;stroke-linejoin:round",
       "fill:#f0b45a;stroke:#f0b45a"},
      {".stands", "stroke:#8a5300;stroke-width:1.5", "stroke:#f0b45a"},
      {".alert", "fill:#a32020;stroke:#a32020;stroke-width:1.75", "fill:#ff8c84;stroke:#ff8c84"},
      {".openalert", "fill:none;stroke:#a32020;stroke-width:1.5", "stroke:#ff8c84"},
      {".around", "fill:none;stroke:#8a5300;stroke-width:1.75", "stroke:#f0b45a"},
      {".asks", "fill:#fff;stroke:#a32020;stroke-width:1.75", "fill:#12171d;stroke:#ff8c84"},
      {".phase", "fill:#e9eef3;stroke:#66727e;stroke-width:1", "fill:#232d36;stroke:#8794a1"},
      {".phase2", "fill:#d3dde7;stroke:#66727e;stroke-width:1", "fill:#31404d;stroke:#8794a1"},
      {".now", "stroke:#33414e;stroke-width:1;stroke-dasharray:1 3", "stroke:#c2ccd6"},
      {".limit", "stroke:#33414e;stroke-width:1;stroke-dasharray:6 3 1 3", "stroke:#c2ccd6"},
      {".bar", "fill:#0b4f8a", "fill:#74b9f5"},
      {".bar2", "fill:#8fb3d4", "fill:#3d6a91"},
      {".track", "fill:#e9eef3", "fill:#232d36"},
      {".whisker", "stroke:#0b4f8a;stroke-width:2", "stroke:#74b9f5"},
      {".whisker2", "stroke:#52606d;stroke-width:1.5", "stroke:#a9b4bf"},
      {".mark2", "fill:#fff;stroke:#52606d;stroke-width:1.75", "fill:#12171d;stroke:#a9b4bf"},
      // Circles of closeness, and who is in them: each quality has its colour, its shape, its line.
      {".circle", "fill:none;stroke:#66727e;stroke-width:1", "stroke:#8794a1"},
      {".tinted", "fill:#f3f6f9", "fill:#1a2129"},
      {".self", "fill:#fff;stroke-width:1.5", "fill:#12171d"},
      {".supportive", "fill:#0b6b4f;stroke:#0b6b4f", "fill:#5fd0a5;stroke:#5fd0a5"},
      {".mixed", "fill:#8a5300;stroke:#8a5300", "fill:#f0b45a;stroke:#f0b45a"},
      {".conflictual", "fill:#a32020;stroke:#a32020", "fill:#ff8c84;stroke:#ff8c84"},
      {".distant", "fill:#fff;stroke:#52606d", "fill:#12171d;stroke:#a9b4bf"},
      {".estranged", "fill:none;stroke:#33414e", "stroke:#c2ccd6"},
      {".unstated", "fill:#fff;stroke:#66727e", "fill:#12171d;stroke:#8794a1"},
      {".person", "stroke-width:1.75;stroke-linejoin:round", nullptr},
      {".estranged.person", "stroke-width:2.5", nullptr},
      {".chart .leader", "fill:none;stroke-width:1;stroke-opacity:.8", nullptr},
      {".chart .leader.mixed", "stroke-dasharray:9 3 2 3", nullptr},
      {".chart .leader.conflictual", "stroke-width:1.5;stroke-dasharray:6 3", nullptr},
      {".chart .leader.distant", "stroke-dasharray:2 4", nullptr},
      {".chart .leader.estranged", "stroke-dasharray:1 6", nullptr},
      {".chart .leader.unstated", "stroke-width:.75", nullptr},
      // A timeline's events, and how long they lasted.
      {".event", "stroke-width:1.75;stroke-linejoin:round", nullptr},
      {".event.loss", "fill:none;stroke:#1c2733;stroke-width:2.75", "stroke:#e6ebf0"},
      {".event.filled", "fill:#0b4f8a;stroke:#0b4f8a", "fill:#74b9f5;stroke:#74b9f5"},
      {".event.hollowed", "fill:#fff;stroke:#0b4f8a", "fill:#12171d;stroke:#74b9f5"},
      {".event.onset", "fill:#a32020;stroke:#a32020", "fill:#ff8c84;stroke:#ff8c84"},
      {".event.better", "fill:#fff;stroke:#0b6b4f", "fill:#12171d;stroke:#5fd0a5"},
      {".spanned", "fill:#fff;stroke:#52606d;stroke-width:1", "fill:#12171d;stroke:#a9b4bf"},
      {".about", "stroke-dasharray:3 3", nullptr},
      {".lasting", "fill:#b8c6d4;stroke:#52606d;stroke-width:1", "fill:#44566a;stroke:#a9b4bf"},
      {".faint", "opacity:.35", nullptr},
  };
  std::string out =
      "\n.chart{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,"
      "sans-serif}\n";
  std::string dark = "@media screen and (prefers-color-scheme:dark){\n";
  for (const Rule& rule : kRules) {
    absl::StrAppend(&out, rule.selector, "{", rule.light, "}\n");
    if (rule.dark != nullptr) absl::StrAppend(&dark, rule.selector, "{", rule.dark, "}\n");
  }
  return absl::StrCat(out, dark, "}\n");
}

}  // namespace ipt::ctl
