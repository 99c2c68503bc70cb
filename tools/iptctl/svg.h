// Pictures and pages as text: a writer of well-formed XML (SVG, and HTML that is XML, too), and
// what both kinds of charts share: numbers, widths of text, one style for light, dark and paper.
//
// Pure. Everything that is given as text is escaped; only Raw() is taken as it is.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace ipt::ctl {

// For element content and quoted attributes: escaped, and free of characters that XML forbids or
// that would turn the direction of what follows.
std::string XmlText(absl::string_view text);

// As few digits as say it, at most `digits` behind the point: "12", "-0.5", never "-0".
std::string ShortNumber(double value, int digits = 1);

// About how wide a text is, in pixels, at a size of font. Errs on the wide side.
double TextWidth(absl::string_view text, double font);
// `text` cut to that width, with "…" where it was cut.
std::string ClipToWidth(absl::string_view text, double width, double font);

using Attributes = std::vector<std::pair<absl::string_view, std::string>>;

class Markup {
 public:
  void Open(absl::string_view tag, const Attributes& attributes = {});
  // The innermost one. REQUIRES: one is open.
  void Close();
  void Text(absl::string_view text);
  // <tag ...>text</tag>
  void Element(absl::string_view tag, absl::string_view text, const Attributes& attributes = {});
  // <tag .../>; in HTML only of elements that never have content.
  void Empty(absl::string_view tag, const Attributes& attributes = {});
  // Well-formed markup.
  void Raw(absl::string_view markup);
  // All of it. REQUIRES: nothing is open.
  std::string Finish();

 private:
  void Begin(absl::string_view tag, const Attributes& attributes);

  std::string out_;
  std::vector<std::string> open_;
};

// An SVG's inner part. Coordinates are pixels of its viewBox, written with one digit.
class Canvas : public Markup {
 public:
  void Line(double x1, double y1, double x2, double y2, absl::string_view css);
  void Rect(double x, double y, double width, double height, const Attributes& attributes);
  // `anchor`: start, middle or end.
  void Label(double x, double y, absl::string_view text, absl::string_view css,
             absl::string_view anchor = "start");
  void Circle(double x, double y, double radius, absl::string_view css);
  void Path(const std::string& d, absl::string_view css);
  // A group with a tooltip, which is its text alternative; closed by Close().
  void Titled(absl::string_view title, const Attributes& attributes = {});
};

// Corners "x,y" of a triangle, a diamond or a cross around a point, as a path.
std::string TrianglePath(double x, double y, double size);
std::string DiamondPath(double x, double y, double size);
std::string CrossPath(double x, double y, double size);
std::string ArrowPath(double x, double y, double size);  // to the right

// The whole SVG. `id` makes its inner ids unique in a page; `css`: with its own style, as a file of
// its own needs it.
std::string SvgFile(Canvas& canvas, double width, double height, absl::string_view id,
                    absl::string_view title, absl::string_view description, bool css);

// What the charts' classes look like, on a screen and on paper.
std::string ChartCss();

}  // namespace ipt::ctl
