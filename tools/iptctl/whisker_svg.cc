#include "iptctl/whisker_svg.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "iptctl/course_chart.h"
#include "iptctl/svg.h"

namespace ipt::ctl {
namespace {

constexpr double kRowHeight = 23;
constexpr double kNameHeight = 13;  // of a publication's, which has a line of its own

// What panels of rows have in common: names to the left, numbers to the right, a plot between.
struct RowFrame {
  double width, left, right;
  double font;

  RowFrame(double total, bool numbers) : width(total), font(total < 400 ? 11 : 12) {
    left = total < 400 ? 104 : total < 600 ? 138 : 230;
    right = total - (numbers ? (total < 400 ? 84 : total < 600 ? 122 : 190) : 12);
  }
};

// Its height.
double DrawPanelHead(const std::string& title, const std::string& subtitle, const RowFrame& frame,
                     Canvas& out) {
  double y = 0;
  if (!title.empty()) {
    out.Label(0, 15, ClipToWidth(title, frame.width - 4, 15), "head");
    y += 22;
  }
  if (!subtitle.empty()) {
    out.Label(0, y + 10, ClipToWidth(subtitle, frame.width - 4, 11), "small muted");
    y += 17;
  }
  return y + 4;
}

void DrawRowName(const std::string& name, bool strong, double indent, double y,
                 const RowFrame& frame, Canvas& out) {
  out.Label(indent, y + 4, ClipToWidth(name, frame.left - 12 - indent, frame.font),
            strong ? "small strong" : "small");
}

// In the place of the number.
void DrawMissing(const std::string& why, double y, const RowFrame& frame, Canvas& out) {
  out.Label(frame.left + 4, y + 4, ClipToWidth(why, frame.width - frame.left - 8, 11),
            "small muted missing");
}

std::string RowWords(const std::string& name, bool shown, const std::string& text,
                     const std::string& why_not) {
  return absl::StrCat(name, ": ", shown ? text : why_not);
}

}  // namespace

std::string WhiskerSvg(const WhiskerPanel& panel, double width, absl::string_view id) {
  const RowFrame frame(width, true);
  Canvas out;
  double y = DrawPanelHead(panel.title, panel.subtitle, frame, out);
  double low = 0, high = panel.percent ? 1 : 0.5;
  for (const WhiskerRow& row : panel.rows) {
    if (!row.value.has_value()) continue;
    for (const double end : {*row.value, row.low.value_or(0), row.high.value_or(0)}) {
      low = std::min(low, end);
      high = std::max(high, end);
    }
  }
  const std::vector<double> ticks = ScoreTicks(low, high, width < 400 ? 4 : 6);
  if (!panel.percent) {
    // To round ends.
    const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
    low = std::floor(low / step + 1e-9) * step;
    high = std::ceil(high / step - 1e-9) * step;
  }
  const auto x_of = [&](double value) {
    return frame.left + (value - low) / (high - low) * (frame.right - frame.left);
  };
  const double top = y;
  const auto published = std::count_if(panel.rows.begin(), panel.rows.end(),
                                       [](const WhiskerRow& row) { return row.published; });
  const bool mixed = published > 0 && published < static_cast<int64_t>(panel.rows.size());
  const double bottom =
      top + kRowHeight * panel.rows.size() + kNameHeight * published + (mixed ? 20 : 0);
  for (const double tick : ScoreTicks(low, high, width < 400 ? 4 : 6)) {
    const bool zero = !panel.percent && std::abs(tick) < 1e-9;
    out.Line(x_of(tick), top, x_of(tick), bottom, zero ? "axis" : "grid");
    out.Label(x_of(tick), bottom + 14,
              panel.percent ? absl::StrCat(ShortNumber(tick * 100, 0), tick > 0.999 ? " %" : "")
                            : ShortNumber(tick, 2),
              "tiny muted", "middle");
  }
  const auto all = std::find_if(panel.rows.begin(), panel.rows.end(),
                                [](const WhiskerRow& row) { return row.all && row.value; });
  if (all != panel.rows.end() && panel.rows.size() > 1) {
    out.Line(x_of(*all->value), top, x_of(*all->value), bottom, "now");
  }
  bool ruled = !mixed;
  std::vector<std::string> words;
  for (const WhiskerRow& row : panel.rows) {
    if (row.published && !ruled) {
      ruled = true;
      out.Line(0, y + 4, width, y + 4, "axis");
      out.Label(0, y + 16, "Published, the same kind of number", "tiny muted");
      y += 20;
    }
    if (row.published) y += kNameHeight;
    const double middle = y + kRowHeight / 2;
    words.push_back(RowWords(row.name, row.value.has_value(), row.text, row.why_not));
    out.Titled(words.back(), {{"class", row.value.has_value() ? "row" : "row missing"}});
    if (row.published) {
      out.Label(0, y + 2, ClipToWidth(row.name, width - 4, 11), "small");
    } else {
      DrawRowName(row.name, row.all, 0, middle, frame, out);
    }
    if (row.value.has_value()) {
      if (row.low.has_value() && row.high.has_value()) {
        const char* css = row.published ? "whisker2" : "whisker";
        out.Line(x_of(*row.low), middle, x_of(*row.high), middle, css);
        out.Line(x_of(*row.low), middle - 4, x_of(*row.low), middle + 4, css);
        out.Line(x_of(*row.high), middle - 4, x_of(*row.high), middle + 4, css);
      }
      if (row.published) {
        out.Path(DiamondPath(x_of(*row.value), middle, 5.5), "mark2");
      } else {
        out.Circle(x_of(*row.value), middle, row.all ? 5 : 4.2, "dot");
      }
      out.Label(width - 2, middle + 4, ClipToWidth(row.text, width - frame.right - 8, frame.font),
                "small", "end");
    } else {
      DrawMissing(row.why_not, middle, frame, out);
    }
    out.Close();
    y += kRowHeight;
  }
  return SvgFile(out, width, bottom + 22, id, panel.title.empty() ? "Numbers" : panel.title,
                 absl::StrJoin(words, ". "), false);
}

std::string BarSvg(const BarPanel& panel, double width, absl::string_view id) {
  const RowFrame frame(width, true);
  Canvas out;
  double y = DrawPanelHead(panel.title, panel.subtitle, frame, out);
  if (panel.mark.has_value()) y += 12;
  const double top = y;
  std::vector<std::string> words;
  for (const BarRow& row : panel.rows) {
    const double middle = y + kRowHeight / 2, room = frame.right - frame.left;
    words.push_back(RowWords(row.name, row.share.has_value(), row.text, row.why_not));
    out.Titled(words.back(), {{"class", row.share.has_value() ? "row" : "row missing"}});
    DrawRowName(row.name, !row.part, row.part ? 12 : 0, middle, frame, out);
    if (row.share.has_value()) {
      out.Rect(frame.left, middle - 7, room, 14, {{"class", "track"}});
      out.Rect(frame.left, middle - 7, room * std::clamp(*row.share, 0.0, 1.0), 14,
               {{"class", row.part ? "bar2" : "bar"}});
      out.Label(width - 2, middle + 4, ClipToWidth(row.text, width - frame.right - 8, frame.font),
                "small", "end");
    } else {
      DrawMissing(row.why_not, middle, frame, out);
    }
    out.Close();
    y += kRowHeight;
  }
  if (panel.mark.has_value()) {
    const double x = frame.left + (frame.right - frame.left) * *panel.mark;
    out.Line(x, top - 2, x, y, "limit");
    out.Label(x, top - 5, panel.mark_name, "tiny", "middle");
  }
  return SvgFile(out, width, y + 6, id, panel.title.empty() ? "Numbers" : panel.title,
                 absl::StrJoin(words, ". "), false);
}

}  // namespace ipt::ctl
