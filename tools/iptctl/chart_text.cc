#include "iptctl/chart_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "iptctl/outcome_words.h"
#include "iptctl/svg.h"

namespace ipt::ctl {
namespace {

struct ChartGlyphs {
  const char *dot, *end, *hollow, *cross, *path, *cut, *edge, *axis, *corner, *floor, *tick;
  const char *attended, *booked, *missed, *review, *now, *alert, *asks, *span, *rule, *ellipsis;
  const char* pause;
};
constexpr ChartGlyphs kUnicodeChart{"●", "◉", "○", "×", "·", "╌", "┄", "│", "└", "─", "┴",
                                    "●", "○", "×", "△", "▲", "◆", "◇", "─", "─", "…", "░"};
constexpr ChartGlyphs kAsciiChart{"*", "@", "o", "x", ".", "-", "~", "|", "+", "-",   "+",
                                  "*", "o", "x", "r", "R", "!", "?", "-", "-", "...", ":"};

// A picture of cells: later marks lie over earlier ones.
class CellGrid {
 public:
  CellGrid(int width, int height)
      : width_(width),
        cells_(height, std::vector<std::pair<std::string, Color>>(width, {" ", Color::kNone})) {}

  bool Inside(int row, int column) const {
    return row >= 0 && row < static_cast<int>(cells_.size()) && column >= 0 && column < width_;
  }
  void Put(int row, int column, absl::string_view glyph, Color color) {
    if (Inside(row, column)) cells_[row][column] = {std::string(glyph), color};
  }
  bool Blank(int row, int column) const {
    return Inside(row, column) && cells_[row][column].first == " ";
  }
  // Character by character, only where there is room for all of it.
  bool Write(int row, int column, absl::string_view text, Color color) {
    const int wide = static_cast<int>(text.size());  // ASCII
    for (int i = -1; i <= wide; ++i) {
      const bool edge = i < 0 || i == wide;
      if (edge ? Inside(row, column + i) && !Soft(row, column + i)
               : !Inside(row, column + i) || !Soft(row, column + i)) {
        return false;
      }
    }
    for (int i = 0; i < wide; ++i) Put(row, column + i, text.substr(i, 1), color);
    return true;
  }
  void Soften(absl::string_view glyph) { soft_.emplace_back(glyph); }

  std::string Row(int row, const Paint& paint) const {
    std::string out, run;
    Color color = Color::kNone;
    for (const auto& [glyph, painted] : cells_[row]) {
      if (painted != color) {
        absl::StrAppend(&out, paint(color, run));
        run.clear();
        color = painted;
      }
      run += glyph;
    }
    return absl::StrCat(out, paint(color, run));
  }

 private:
  // What a label may lie over.
  bool Soft(int row, int column) const {
    const std::string& glyph = cells_[row][column].first;
    return glyph == " " || std::find(soft_.begin(), soft_.end(), glyph) != soft_.end();
  }

  int width_;
  std::vector<std::vector<std::pair<std::string, Color>>> cells_;
  std::vector<std::string> soft_;
};

class ChartPrint {
 public:
  ChartPrint(const CourseChart& chart, const ChartTextStyle& style)
      : chart_(chart),
        style_(style),
        glyphs_(style.ascii ? kAsciiChart : kUnicodeChart),
        width_(std::max(50, style.width)),
        right_(width_ >= 76 ? 19 : 0),
        plot_(width_ - kLeft - right_) {}

  std::string Draw() {
    const std::string title = absl::StrCat("Outcomes of ", Printable(chart_.course));
    Line(style_.paint(Color::kBold, Clip(title, width_, glyphs_.ellipsis)));
    for (const std::string& note : chart_.notes) Paragraph(note, 0, Color::kYellow);
    Line("");
    DrawLanes();
    for (const ChartSeries& series : chart_.series) DrawSeries(series);
    if (chart_.series.empty()) Line("No measure was recorded yet.");
    DrawEvents();
    DrawLegend();
    return std::move(out_);
  }

 private:
  static constexpr int kLeft = 10;
  static constexpr int kRows = 12;

  void Line(absl::string_view text) {
    absl::StrAppend(&out_, absl::StripTrailingAsciiWhitespace(text), "\n");
  }
  void Paragraph(const std::string& text, int indent, Color color) {
    const std::string lines = Wrap(Printable(text), indent, width_);
    for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
      Line(style_.paint(color, Clip(line, width_, glyphs_.ellipsis)));  // of one long word
    }
  }
  std::string Margin(absl::string_view text) const {
    return absl::StrCat(PadLeft(text, kLeft - 2), "  ");
  }
  int Column(ChartDay at) const {
    const double share = (at - chart_.first) / (chart_.last - chart_.first);
    return std::clamp(static_cast<int>(share * plot_), 0, plot_ - 1);
  }

  void DrawLanes() {
    if (!chart_.phases.empty()) {
      CellGrid lane(plot_, 1);
      for (const ChartSpan& phase : chart_.phases) {
        const int begin = Column(phase.first), end = Column(phase.last - 0.01);
        for (int c = begin; c <= end; ++c) lane.Put(0, c, glyphs_.span, Color::kDim);
        lane.Put(0, begin, glyphs_.axis, Color::kDim);
        const std::string name = phase.name.substr(0, std::max(0, end - begin - 1));
        for (size_t i = 0; i < name.size(); ++i) {
          lane.Put(0, begin + 1 + static_cast<int>(i), name.substr(i, 1), Color::kBlue);
        }
      }
      for (const ChartSpan& pause : chart_.pauses) {
        if (pause.last < chart_.first || pause.first > chart_.last) continue;
        for (int c = Column(pause.first); c <= Column(pause.last - 0.01); ++c) {
          lane.Put(0, c, glyphs_.pause, Color::kDim);
          pauses_ = true;
        }
      }
      Line(absl::StrCat(Margin("phase"), lane.Row(0, style_.paint)));
    }
    const auto lane = [this](absl::string_view name, const auto& items, auto glyph) {
      if (items.empty()) return;
      CellGrid grid(plot_, 1);
      for (const auto& item : items) {
        const std::pair<const char*, Color> mark = glyph(item);
        grid.Put(0, Column(item.at), mark.first, mark.second);
      }
      Line(absl::StrCat(Margin(name), grid.Row(0, style_.paint)));
    };
    lane("sessions", chart_.sessions, [this](const ChartSession& session) {
      switch (session.attendance) {
        case ChartAttendance::kAttended:
          return std::make_pair(glyphs_.attended, Color::kGreen);
        case ChartAttendance::kNoShow:
          return std::make_pair(glyphs_.missed, Color::kRed);
        default:
          return std::make_pair(glyphs_.booked, Color::kCyan);
      }
    });
    lane("review", chart_.signals, [this](const ChartSignal& signal) {
      return std::make_pair(signal.now ? glyphs_.now : glyphs_.review, Color::kYellow);
    });
    lane("alerts", chart_.alerts, [this](const ChartAlert& alert) {
      return std::make_pair(alert.unknown ? glyphs_.asks : glyphs_.alert,
                            alert.open ? Color::kRed : Color::kDim);
    });
  }

  void DrawSeries(const ChartSeries& series) {
    Line("");
    const std::string name = Clip(Printable(series.name), width_ / 2, glyphs_.ellipsis);
    const std::string about =
        absl::StrCat("  ", series.respondent, series.higher_is_better ? "; higher is better" : "");
    Line(absl::StrCat(
        style_.paint(Color::kBold, name),
        style_.paint(Color::kDim, Clip(about, width_ - DisplayWidth(name), glyphs_.ellipsis))));
    Paragraph(series.verdict, 0, Color::kNone);
    CellGrid grid(plot_, kRows);
    grid.Soften(glyphs_.path);
    grid.Soften(glyphs_.cut);
    grid.Soften(glyphs_.edge);
    const double span = series.maximum - series.minimum;
    const auto row_of = [&](double score) {
      return std::clamp(
          static_cast<int>(std::lround((series.maximum - score) / span * (kRows - 1))), 0,
          kRows - 1);
    };
    std::vector<std::string> margins(kRows), bands(kRows);
    for (const double tick : ScoreTicks(series.minimum, series.maximum, 5)) {
      margins[row_of(tick)] = ShortNumber(tick, 3);
    }
    if (series.corridor.has_value()) {
      int begin = 0;
      for (const ChartPoint& point : series.points) {
        if (point.first) begin = Column(point.at);
      }
      for (const double edge : {series.corridor->first, series.corridor->second}) {
        for (int c = begin; c < plot_; ++c) grid.Put(row_of(edge), c, glyphs_.edge, Color::kDim);
      }
      corridors_ = true;
    }
    if (series.cut_off.has_value()) {
      const int row = row_of(*series.cut_off);
      for (int c = 0; c < plot_; ++c) grid.Put(row, c, glyphs_.cut, Color::kRed);
      margins[row] = absl::StrCat("cut ", ShortNumber(*series.cut_off, 3));
      cut_offs_ = true;
    }
    for (const ChartBand& band : series.bands) {
      std::string& line = bands[row_of((band.lowest + band.highest) / 2)];
      absl::StrAppend(&line, line.empty() ? "" : ", ", Printable(band.name));
    }
    DrawPath(series, row_of, grid);
    DrawMarks(series, row_of, grid);
    for (int row = 0; row < kRows; ++row) {
      std::string line =
          absl::StrCat(PadLeft(margins[row], kLeft - 2), " ",
                       style_.paint(Color::kDim, glyphs_.axis), grid.Row(row, style_.paint));
      if (right_ > 0) {
        absl::StrAppend(&line, " ",
                        style_.paint(Color::kDim, Clip(bands[row], right_ - 2, glyphs_.ellipsis)));
      }
      Line(line);
    }
    DrawAxis();
  }

  template <typename RowOf>
  void DrawPath(const ChartSeries& series, const RowOf& row_of, CellGrid& grid) const {
    const ChartPoint* last = nullptr;
    for (const ChartPoint& point : series.points) {
      if (!point.counts() || !point.score.has_value()) continue;
      if (last != nullptr) {
        const int from = Column(last->at), to = Column(point.at);
        for (int c = from + 1; c < to; ++c) {
          const double share = static_cast<double>(c - from) / (to - from);
          const double score = *last->score + share * (*point.score - *last->score);
          grid.Put(row_of(score), c, glyphs_.path, Color::kBlue);
        }
      }
      last = &point;
    }
  }

  template <typename RowOf>
  void DrawMarks(const ChartSeries& series, const RowOf& row_of, CellGrid& grid) {
    for (const bool counts : {false, true}) {
      for (const ChartPoint& point : series.points) {
        if (point.counts() != counts) continue;
        const int column = Column(point.at);
        if (!point.score.has_value()) {
          grid.Put(kRows - 1, column, glyphs_.cross, Color::kDim);
          invalids_ = true;
          continue;
        }
        const bool end = point.first || point.last;
        grid.Put(row_of(*point.score), column,
                 !counts ? glyphs_.hollow
                 : end   ? glyphs_.end
                         : glyphs_.dot,
                 counts ? Color::kBlue : Color::kDim);
        excluded_ = excluded_ || !counts;
      }
    }
    for (const bool ends : {true, false}) {
      for (const ChartPoint& point : series.points) {
        if (!point.counts() || !point.score.has_value()) continue;
        if ((point.first || point.last) != ends) continue;
        const std::string text = ShortNumber(*point.score, 1);
        const int row = row_of(*point.score), column = Column(point.at);
        const int wide = static_cast<int>(text.size());
        const Color color = ends ? Color::kBold : Color::kNone;
        if (grid.Write(row - 1, column - wide / 2, text, color) ||
            grid.Write(row + 1, column - wide / 2, text, color) ||
            grid.Write(row, column + 2, text, color)) {
          continue;
        }
        grid.Write(row, column - wide - 1, text, color);
      }
    }
  }

  void DrawAxis() {
    std::string rule = absl::StrCat(std::string(kLeft - 1, ' '), glyphs_.corner);
    const std::vector<ChartTick> ticks = TicksOf(chart_, plot_ / 14);
    CellGrid line(plot_, 3);
    for (int c = 0; c < plot_; ++c) line.Put(0, c, glyphs_.floor, Color::kDim);
    bool weeks = false;
    for (const ChartTick& tick : ticks) {
      const int column = Column(tick.at);
      line.Put(0, column, glyphs_.tick, Color::kDim);
      // Beneath the tick, and inside at the right end.
      line.Write(1, std::min(column, plot_ - static_cast<int>(tick.day.size())), tick.day,
                 Color::kNone);
      if (!tick.week.empty()) {
        weeks = line.Write(2, std::min(column, plot_ - static_cast<int>(tick.week.size())),
                           tick.week, Color::kDim) ||
                weeks;
      }
    }
    Line(absl::StrCat(style_.paint(Color::kDim, rule), line.Row(0, style_.paint)));
    Line(absl::StrCat(std::string(kLeft, ' '), line.Row(1, style_.paint)));
    if (weeks) Line(absl::StrCat(std::string(kLeft, ' '), line.Row(2, style_.paint)));
  }

  void DrawEvents() {
    const auto list = [this](absl::string_view heading, const auto& items, Color color) {
      if (items.empty()) return;
      Line("");
      Line(style_.paint(Color::kBold, heading));
      for (const auto& item : items) Paragraph(item.text, 2, color);
    };
    list("Signals", chart_.signals, Color::kNone);
    list("Alerts", chart_.alerts, Color::kNone);
    bool heading = false;
    for (const ChartSeries& series : chart_.series) {
      for (const ChartPoint& point : series.points) {
        if (point.counts()) continue;
        if (!std::exchange(heading, true)) {
          Line("");
          Line(style_.paint(Color::kBold, "Scores that do not count"));
        }
        Paragraph(absl::StrCat(series.name, ", ", point.text), 2, Color::kNone);
      }
    }
    if (!chart_.limits.empty()) {
      std::vector<std::string> parts;
      for (const ChartLimit& limit : chart_.limits) {
        parts.push_back(absl::StrCat(limit.name, " ", IsoDay(DayNamed(limit))));
      }
      Line("");
      Paragraph(absl::StrJoin(parts, ", "), 0, Color::kNone);
    }
    if (!chart_.score_choice.empty()) {
      Line("");
      Paragraph(chart_.score_choice, 0, Color::kDim);
    }
  }

  void DrawLegend() {
    std::vector<std::string> parts;
    const auto explain = [&](bool shown, const char* glyph, absl::string_view text) {
      if (shown) parts.push_back(absl::StrCat(glyph, " ", text));
    };
    const auto any = [](const auto& items, auto wanted) {
      return std::any_of(items.begin(), items.end(), wanted);
    };
    bool dots = false;
    for (const ChartSeries& series : chart_.series) dots = dots || !series.points.empty();
    explain(dots, glyphs_.dot, "score");
    explain(dots, glyphs_.end, "first, last");
    explain(excluded_, glyphs_.hollow, "does not count");
    explain(invalids_, glyphs_.cross, "no score");
    explain(cut_offs_, glyphs_.cut, "cut-off of caseness");
    explain(corridors_, glyphs_.edge, "reliable change from the first");
    explain(any(chart_.signals, [](const ChartSignal& s) { return !s.now; }), glyphs_.review,
            "review");
    explain(any(chart_.signals, [](const ChartSignal& s) { return s.now; }), glyphs_.now,
            "review now");
    explain(any(chart_.alerts, [](const ChartAlert& a) { return !a.unknown; }), glyphs_.alert,
            "alert");
    explain(any(chart_.alerts, [](const ChartAlert& a) { return a.unknown; }), glyphs_.asks,
            "risk unknown: ask");
    const auto attendance = [](ChartAttendance wanted) {
      return [wanted](const ChartSession& session) { return session.attendance == wanted; };
    };
    explain(any(chart_.sessions, attendance(ChartAttendance::kBooked)), glyphs_.booked,
            "session booked");
    explain(any(chart_.sessions, attendance(ChartAttendance::kNoShow)), glyphs_.missed,
            "did not come");
    explain(pauses_, glyphs_.pause, "pause");
    if (parts.empty()) return;
    Line("");
    Paragraph(absl::StrJoin(parts, "   "), 0, Color::kDim);
  }

  const CourseChart& chart_;
  const ChartTextStyle& style_;
  const ChartGlyphs& glyphs_;
  const int width_, right_, plot_;
  std::string out_;
  bool excluded_ = false, invalids_ = false, cut_offs_ = false, corridors_ = false;
  bool pauses_ = false;
};

}  // namespace

std::string ChartText(const CourseChart& chart, const ChartTextStyle& style) {
  return ChartPrint(chart, style).Draw();
}

}  // namespace ipt::ctl
