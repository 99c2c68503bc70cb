#include "iptctl/chart_svg.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "iptctl/outcome_words.h"
#include "iptctl/svg.h"

namespace ipt::ctl {
namespace {

struct Box {
  double left, top, right, bottom;
  bool Meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

// Rows for things that lie on a line and may be as wide as they like: the first row with room.
class LaneRows {
 public:
  int Place(double left, double right) {
    for (size_t row = 0; row < ends_.size(); ++row) {
      if (ends_[row] <= left) {
        ends_[row] = right;
        return static_cast<int>(row);
      }
    }
    ends_.push_back(right);
    return static_cast<int>(ends_.size()) - 1;
  }
  int count() const { return static_cast<int>(ends_.size()); }

 private:
  std::vector<double> ends_;
};

// A band's name in at most two lines that fit.
std::vector<std::string> BandLines(const std::string& name, double width, double font, bool two) {
  if (TextWidth(name, font) <= width || !two) return {ClipToWidth(name, width, font)};
  std::string first, second;
  for (absl::string_view word : absl::StrSplit(name, ' ', absl::SkipEmpty())) {
    std::string& line = second.empty() && (first.empty() ||
                                           TextWidth(absl::StrCat(first, " ", word), font) <= width)
                            ? first
                            : second;
    absl::StrAppend(&line, line.empty() ? "" : " ", word);
  }
  if (second.empty()) return {ClipToWidth(first, width, font)};
  return {ClipToWidth(first, width, font), ClipToWidth(second, width, font)};
}

class ChartDrawing {
 public:
  ChartDrawing(const CourseChart& chart, const SvgStyle& style)
      : chart_(chart), style_(style), narrow_(style.width < 500) {
    frame_.left = narrow_ ? 56 : 78;
    frame_.right = style.width - (narrow_ ? 62 : 132);
    frame_.first = chart.first;
    frame_.last = chart.last;
    font_ = narrow_ ? 10 : 11;
    ticks_ = TicksOf(chart, static_cast<int>((frame_.right - frame_.left) / (narrow_ ? 62 : 84)));
  }

  std::string Draw() {
    y_ = 8;
    if (style_.heading) DrawHeading();
    DrawLimitNames();
    lanes_top_ = y_ - 3;
    DrawPhases();
    DrawSessions();
    DrawSignals();
    DrawAlerts();
    lanes_bottom_ = y_ - 4;
    y_ += 10;
    for (const ChartSeries& series : chart_.series) DrawSeries(series);
    if (chart_.series.empty()) DrawNothing();
    DrawLimits();
    DrawLegend();
    return SvgFile(out_, style_.width, y_ + 4, style_.id,
                   absl::StrCat("Outcomes of ", chart_.course), DescribeChart(chart_), style_.css);
  }

 private:
  double X(ChartDay at) const { return frame_.X(at); }
  std::string Small(absl::string_view more = "") const {
    return absl::StrCat(narrow_ ? "tiny" : "small", more.empty() ? "" : " ", more);
  }

  void DrawHeading() {
    out_.Label(frame_.left - (narrow_ ? 42 : 66), y_ + 14,
               ClipToWidth(absl::StrCat("Outcomes of ", chart_.course), style_.width - 20, 15),
               "head");
    y_ += 28;
    for (const std::string& note : chart_.notes) {
      out_.Label(frame_.left - (narrow_ ? 42 : 66), y_ + 8,
                 ClipToWidth(note, style_.width - 20, font_), Small("muted"));
      y_ += 16;
    }
  }

  void LaneName(absl::string_view name, double y) {
    out_.Label(frame_.left - 8, y, name, Small("muted"), "end");
  }

  void DrawLimitNames() {
    if (chart_.limits.empty()) return;
    LaneRows rows;
    for (const ChartLimit& limit : chart_.limits) {
      const std::string text =
          narrow_ ? limit.name : absl::StrCat(limit.name, " ", ShortDay(DayNamed(limit)));
      const double half = TextWidth(text, font_) / 2;
      const double middle = std::clamp(X(limit.at), frame_.left + half,
                                       std::max(frame_.left + half, style_.width - half - 4));
      const int row = rows.Place(middle - half - 3, middle + half + 3);
      out_.Label(middle, y_ + 10 + 13 * row, text, Small(), "middle");
    }
    y_ += 13 * rows.count() + 5;
  }

  void DrawPhases() {
    if (chart_.phases.empty()) return;
    constexpr double kHeight = 17;
    LaneName("Phase", y_ + 12);
    int index = 0;
    for (const ChartSpan& phase : chart_.phases) {
      const double left = X(phase.first), right = X(std::min(phase.last, chart_.last));
      out_.Titled(absl::StrCat("Phase: ", phase.name));
      out_.Rect(left, y_, right - left, kHeight,
                {{"class", index++ % 2 == 0 ? "phase" : "phase2"}});
      std::string text = phase.name;
      if (TextWidth(text, font_) > right - left - 6) {
        text = right - left > 26 ? ClipToWidth(text, right - left - 6, font_) : text.substr(0, 1);
      }
      if (right - left > 10) out_.Label((left + right) / 2, y_ + 12.5, text, Small(), "middle");
      out_.Close();
    }
    for (const ChartSpan& pause : chart_.pauses) {
      const double left = std::max(frame_.left, X(pause.first));
      const double right = std::min(frame_.right, X(pause.last));
      if (right <= left) continue;
      out_.Titled(pause.name);
      out_.Rect(left, y_, right - left, kHeight,
                {{"fill", absl::StrCat("url(#", style_.id, "-hatch)")}});
      out_.Close();
      pauses_ = true;
    }
    y_ += kHeight + 6;
  }

  void DrawSessions() {
    if (chart_.sessions.empty()) return;
    LaneName("Sessions", y_ + 10);
    double free_from = -1e9;
    for (const ChartSession& session : chart_.sessions) {
      const double x = X(session.at), y = y_ + 6;
      out_.Titled(session.text);
      if (session.attendance == ChartAttendance::kNoShow) {
        out_.Path(CrossPath(x, y, 3.2), "cross");
      } else {
        out_.Circle(x, y, narrow_ ? 2.8 : 3.6,
                    session.attendance == ChartAttendance::kAttended ? "sat" : "hollow");
      }
      attendances_.insert(session.attendance);
      if (session.number > 0) {
        const std::string number = absl::StrCat(session.number);
        const double half = TextWidth(number, 10) / 2;
        if (x - half >= free_from) {
          out_.Label(x, y_ + 22, number, "tiny muted", "middle");
          free_from = x + half + 3;
        }
      }
      out_.Close();
    }
    y_ += 30;
  }

  void DrawSignals() {
    if (chart_.signals.empty()) return;
    LaneName("Review", y_ + 11);
    LaneRows rows;
    for (const ChartSignal& signal : chart_.signals) {
      const double x = X(signal.at);
      const double end = signal.end.has_value() ? X(*signal.end) : frame_.right;
      const double wide = TextWidth(signal.label, font_);
      // The name goes to the right of the mark, or to its left where there is no room.
      const bool to_left = x + 11 + wide > style_.width - 4;
      const double left = to_left ? x - 11 - wide : x - 8;
      const int row = rows.Place(left, std::max(end, to_left ? x + 8 : x + 12 + wide) + 6);
      const double y = y_ + 7 + 17 * row;
      out_.Titled(signal.text);
      out_.Line(x, y + 7, end, y + 7, "stands");
      if (signal.end.has_value()) {
        out_.Line(end, y + 3, end, y + 9, "stands");
      } else {
        out_.Path(ArrowPath(end + 5, y + 7, 4), "reviewnow");
      }
      out_.Path(TrianglePath(x, y, 5), signal.now ? "reviewnow" : "review");
      if (to_left) {
        out_.Label(x - 9, y + 3.5, signal.label, Small("halo"), "end");
      } else {
        out_.Label(x + 10, y + 3.5, signal.label, Small("halo"));
      }
      out_.Close();
    }
    y_ += 17 * rows.count() + 6;
  }

  void DrawAlerts() {
    if (chart_.alerts.empty()) return;
    LaneName("Alerts", y_ + 11);
    // Marks that would lie on one another become one, with their number.
    struct Cluster {
      double x;
      std::vector<const ChartAlert*> alerts;
    };
    std::vector<Cluster> clusters;
    for (const ChartAlert& alert : chart_.alerts) {
      const double x = X(alert.at);
      if (clusters.empty() || x - clusters.back().x > 13) clusters.push_back({x, {}});
      clusters.back().alerts.push_back(&alert);
    }
    for (size_t i = 0; i < clusters.size(); ++i) {
      const Cluster& cluster = clusters[i];
      std::vector<std::string> texts;
      bool unknown = true, open = false;
      for (const ChartAlert* alert : cluster.alerts) {
        texts.push_back(alert->text);
        unknown = unknown && alert->unknown;
        open = open || alert->open;
        risks_ = risks_ || !alert->unknown;
        unknowns_ = unknowns_ || alert->unknown;
      }
      opens_ = opens_ || open;
      const double y = y_ + 8;
      out_.Titled(absl::StrJoin(texts, ". "));
      out_.Path(DiamondPath(cluster.x, y, 5.5), unknown ? "asks" : "alert");
      if (open) out_.Path(DiamondPath(cluster.x, y, 8.5), "openalert");
      const size_t count = cluster.alerts.size();
      const double room = i + 1 < clusters.size() ? clusters[i + 1].x - cluster.x : 99;
      if (count > 1 && room > 26) {
        out_.Label(cluster.x + 10, y + 4, absl::StrCat("×", count), Small(), "start");
      }
      out_.Close();
    }
    y_ += 24;
  }

  void DrawSeries(const ChartSeries& series) {
    const double text_left = narrow_ ? 8 : 12;
    out_.Label(text_left, y_ + 13, ClipToWidth(series.name, style_.width * 0.6, 17), "head");
    const double name_width = std::min(TextWidth(series.name, 17), style_.width * 0.6);
    const std::string who =
        absl::StrCat(series.respondent, series.higher_is_better ? "; higher is better" : "");
    if (text_left + name_width + 10 + TextWidth(who, font_) < style_.width - 8) {
      out_.Label(text_left + name_width + 10, y_ + 13, who, Small("muted"));
      y_ += 18;
    } else {
      out_.Label(text_left, y_ + 28, ClipToWidth(who, style_.width - 16, font_), Small("muted"));
      y_ += 33;
    }
    DrawVerdict(series.verdict, text_left);
    const double height = std::max<double>(narrow_ ? 190 : 210, 14.0 * series.bands.size());
    frame_.top = y_ + 12;
    frame_.bottom = frame_.top + height;
    frame_.minimum = series.minimum;
    frame_.maximum = series.maximum;
    DrawBands(series);
    DrawGrid(series);
    DrawCorridor(series);
    DrawCutOff(series);
    DrawCourse(series);
    DrawPoints(series);
    plots_.emplace_back(frame_.top, frame_.bottom);
    y_ = frame_.bottom;
    DrawTicks(&series == &chart_.series.back());
    y_ += 18;
  }

  // In as many lines as it needs.
  void DrawVerdict(const std::string& verdict, double left) {
    std::string line;
    const double room = style_.width - left - 8;
    const auto put = [&] {
      out_.Label(left, y_ + 11, ClipToWidth(line, room, font_), Small());
      y_ += 14;
    };
    for (absl::string_view word : absl::StrSplit(verdict, ' ')) {
      const std::string longer = absl::StrCat(line, line.empty() ? "" : " ", word);
      if (!line.empty() && TextWidth(longer, font_) > room) {
        put();
        line = std::string(word);
      } else {
        line = longer;
      }
    }
    put();
  }

  // A band is from halfway to the one below to halfway to the one above, so that no tint is missing
  // between 9 and 10.
  void DrawBands(const ChartSeries& series) {
    const size_t count = series.bands.size();
    for (size_t i = 0; i < count; ++i) {
      const ChartBand& band = series.bands[i];
      const double low = i == 0 ? series.minimum : (series.bands[i - 1].highest + band.lowest) / 2;
      const double high =
          i + 1 == count ? series.maximum : (band.highest + series.bands[i + 1].lowest) / 2;
      const double top = frame_.Y(high), bottom = frame_.Y(low);
      const std::string text = absl::StrCat(band.name, ", ", ShortNumber(band.lowest, 3), " to ",
                                            ShortNumber(band.highest, 3));
      out_.Titled(text);
      out_.Rect(frame_.left, top, frame_.right - frame_.left, bottom - top,
                {{"class", "tint"},
                 {"fill-opacity",
                  ShortNumber(count < 2 ? 0.05 : 0.02 + 0.26 * band.severity / (count - 1.0), 3)}});
      if (i > 0) out_.Line(frame_.left, bottom, frame_.right + 5, bottom, "grid");
      const double room = style_.width - frame_.right - 12;
      const std::vector<std::string> lines =
          BandLines(band.name, room, font_, bottom - top >= 2 * font_ + 4);
      const double step = font_ + 1.5;
      double y = (top + bottom) / 2 + font_ * 0.36 - step * (lines.size() - 1) / 2;
      for (const std::string& line : lines) {
        out_.Label(frame_.right + 8, y, line, Small("muted"));
        y += step;
      }
      out_.Close();
    }
  }

  void DrawGrid(const ChartSeries& series) {
    const double cut = series.cut_off.has_value() ? frame_.Y(*series.cut_off) : -1e9;
    for (const double score : ScoreTicks(series.minimum, series.maximum, 7)) {
      const double y = frame_.Y(score);
      out_.Line(frame_.left - 4, y, frame_.left, y, "axis");
      // Bands separate by themselves; more lines would only be confused with theirs.
      if (series.bands.empty()) out_.Line(frame_.left, y, frame_.right, y, "grid");
      if (std::abs(y - cut) < font_ + 1) continue;
      out_.Label(frame_.left - 7, y + font_ * 0.36, ShortNumber(score, 3), Small("muted"), "end");
    }
    for (const ChartTick& tick : ticks_) {
      out_.Line(X(tick.at), frame_.top, X(tick.at), frame_.bottom + 4, "grid");
    }
    out_.Line(frame_.left, frame_.top, frame_.left, frame_.bottom, "axis");
    out_.Line(frame_.left, frame_.bottom, frame_.right, frame_.bottom, "axis");
  }

  void DrawCorridor(const ChartSeries& series) {
    if (!series.corridor.has_value()) return;
    const auto first = std::find_if(series.points.begin(), series.points.end(),
                                    [](const ChartPoint& point) { return point.first; });
    if (first == series.points.end()) return;
    const double left = X(first->at);
    const double top = frame_.Y(series.corridor->second), bottom = frame_.Y(series.corridor->first);
    out_.Titled(
        absl::StrCat("Between these lines a score differs from the first one by less than a "
                     "reliable change (",
                     ReliableChangeWords(series.change.reliable_change()), ")."));
    out_.Rect(left, top, frame_.right - left, bottom - top,
              {{"fill", absl::StrCat("url(#", style_.id, "-hatch)")}, {"fill-opacity", "0.28"}});
    out_.Line(left, top, frame_.right, top, "edge");
    out_.Line(left, bottom, frame_.right, bottom, "edge");
    out_.Close();
    corridors_ = true;
  }

  void DrawCutOff(const ChartSeries& series) {
    if (!series.cut_off.has_value()) return;
    const double y = frame_.Y(*series.cut_off);
    out_.Titled(absl::StrCat("Cut-off of caseness: ", series.cut_off_text));
    out_.Line(frame_.left, y, frame_.right, y, "cut");
    out_.Label(frame_.left - 7, y + font_ * 0.36,
               absl::StrCat(narrow_ ? "cut " : "cut-off ", ShortNumber(*series.cut_off, 3)),
               Small("cuttext"), "end");
    out_.Close();
    cut_offs_ = true;
  }

  void DrawCourse(const ChartSeries& series) {
    for (const ChartGain& gain : series.gains) {
      const ChartPoint &before = series.points[gain.before], &after = series.points[gain.after];
      if (!before.score.has_value() || !after.score.has_value()) continue;
      out_.Titled(gain.text);
      out_.Line(X(before.at), frame_.Y(*before.score), X(after.at), frame_.Y(*after.score), "gain");
      out_.Close();
      gains_ = true;
    }
    std::string treatment, after;
    const ChartPoint* last = nullptr;
    for (const ChartPoint& point : series.points) {
      if (!point.counts() || !point.score.has_value()) continue;
      const auto place = [this](const ChartPoint& p) {
        return absl::StrCat(ShortNumber(X(p.at)), " ", ShortNumber(frame_.Y(*p.score)));
      };
      if (point.follow_up && last != nullptr) {
        absl::StrAppend(&after, "M", place(*last), "L", place(point));
        follow_ups_ = true;
      } else {
        absl::StrAppend(&treatment, last == nullptr || last->follow_up ? "M" : "L", place(point));
      }
      last = &point;
    }
    if (!treatment.empty()) out_.Path(treatment, "course");
    if (!after.empty()) out_.Path(after, "after");
  }

  void DrawPoints(const ChartSeries& series) {
    const double spacing = (frame_.right - frame_.left) / std::max<size_t>(1, series.points.size());
    const double radius = spacing < 9 ? 2.8 : narrow_ ? 3.6 : 4.2;
    std::vector<Box> taken;
    // Excluded ones first: what counts lies above them.
    for (const bool counts : {false, true}) {
      for (const ChartPoint& point : series.points) {
        if (point.counts() != counts) continue;
        const double x = X(point.at);
        out_.Titled(point.text, {{"class", counts ? "point" : "point excluded"}});
        if (!point.score.has_value()) {
          out_.Path(CrossPath(x, frame_.bottom - 6, 3.5), "cross");
          invalids_ = true;
        } else {
          const double y = frame_.Y(*point.score);
          if (point.first || point.last) out_.Circle(x, y, radius + 3.5, "ring");
          if (!point.reviews.empty()) out_.Path(TrianglePath(x, y - 2, radius + 8), "around");
          out_.Circle(x, y, radius, counts ? "dot" : "hollow");
          taken.push_back({x - radius, y - radius, x + radius, y + radius});
          excluded_ = excluded_ || !counts;
        }
        out_.Close();
      }
    }
    const bool crowded = spacing < 18;
    // The first and the last are always said, the others where there is room.
    for (const bool ends : {true, false}) {
      for (size_t i = 0; i < series.points.size(); ++i) {
        const ChartPoint& point = series.points[i];
        if (!point.score.has_value() || (point.first || point.last) != ends) continue;
        if (!point.counts() && !ends) continue;
        // Of many scores only those that the others lie around.
        if (!ends && crowded && !Turns(series, i)) continue;
        std::string text = ShortNumber(*point.score, 1);
        if (point.first) text = absl::StrCat("first ", text);
        if (point.last) {
          text = absl::StrCat(series.change.last_choice() == outcomes::v1::SCORE_CHOICE_LATEST
                                  ? "latest "
                                  : "last ",
                              text);
        }
        PlaceLabel(series, i, text, ends, radius, taken);
      }
    }
  }

  // Of the score that counts before it, or after it.
  static std::optional<double> Neighbour(const ChartSeries& series, size_t index, int step) {
    for (int i = static_cast<int>(index) + step;
         i >= 0 && i < static_cast<int>(series.points.size()); i += step) {
      if (series.points[i].counts() && series.points[i].score) return series.points[i].score;
    }
    return std::nullopt;
  }

  // Whether scores rose before it and fall after it, or the other way round.
  static bool Turns(const ChartSeries& series, size_t index) {
    const double score = *series.points[index].score;
    const double before = score - Neighbour(series, index, -1).value_or(score);
    const double after = Neighbour(series, index, 1).value_or(score) - score;
    return before * after < 0 || (before != 0 && after == 0);
  }

  void PlaceLabel(const ChartSeries& series, size_t index, const std::string& text, bool always,
                  double radius, std::vector<Box>& taken) {
    const ChartPoint& point = series.points[index];
    const double x = X(point.at), y = frame_.Y(*point.score);
    const double half = TextWidth(text, font_) / 2;
    const double far = radius + (always ? 7 : 4);
    const double before = Neighbour(series, index, -1).value_or(*point.score);
    const double after = Neighbour(series, index, 1).value_or(*point.score);
    // A label in a valley goes beneath the line, one on a slope to its open side.
    const bool below = before + after > 2 * *point.score;
    const auto box_at = [&](bool under) {
      const double middle = std::clamp(x, frame_.left + half + 2, frame_.right - half);
      const double top = under ? y + far : y - far - font_;
      return Box{middle - half, top, middle + half, top + font_};
    };
    for (const bool under : {below, !below}) {
      const Box box = box_at(under);
      if (box.top < frame_.top - 11 || box.bottom > frame_.bottom - 1) continue;
      const bool free = std::none_of(taken.begin(), taken.end(), [&](const Box& other) {
        // Its own mark aside.
        return box.Meets(other) &&
               !(other.left < x && x < other.right && other.top < y && y < other.bottom);
      });
      if (!free) continue;
      taken.push_back(box);
      out_.Label((box.left + box.right) / 2, box.bottom - 1.5, text,
                 Small(always ? "strong halo" : "halo"), "middle");
      return;
    }
    if (!always) return;
    // Beside it, to the right or to the left.
    const bool right = x + far + 2 * half < frame_.right;
    const double left = right ? x + far : x - far - 2 * half;
    taken.push_back({left, y - font_ / 2, left + 2 * half, y + font_ / 2});
    out_.Label(left, y + font_ * 0.36, text, Small("strong halo"));
  }

  void DrawTicks(bool weeks) {
    bool any_week = false;
    double free_from = 0;
    for (const ChartTick& tick : ticks_) {
      const double half = TextWidth(tick.day, font_) / 2;
      const double x = std::clamp(X(tick.at), half + 2, style_.width - half - 2);
      if (x - half < free_from) continue;
      free_from = x + half + 4;
      out_.Label(x, y_ + 16, tick.day, Small("muted"), "middle");
      if (weeks && !tick.week.empty()) {
        out_.Label(x, y_ + 29, tick.week, Small("muted"), "middle");
        any_week = true;
      }
    }
    y_ += any_week ? 34 : 21;
  }

  void DrawNothing() {
    out_.Rect(frame_.left, y_, frame_.right - frame_.left, 70, {{"class", "track"}});
    out_.Label((frame_.left + frame_.right) / 2, y_ + 39, "No measure was recorded yet.", "muted",
               "middle");
    plots_.emplace_back(y_, y_ + 70);
    y_ += 70;
    DrawTicks(true);
    y_ += 12;
  }

  // Through the lanes and the plots, not through what is written between them.
  void DrawLimits() {
    for (const ChartLimit& limit : chart_.limits) {
      const double x = X(limit.at);
      out_.Titled(limit.name);
      for (const auto& [top, bottom] : plots_) {
        out_.Line(x, top, x, bottom, limit.name == "today" ? "now" : "limit");
      }
      out_.Line(x, lanes_top_, x, lanes_bottom_, limit.name == "today" ? "now" : "limit");
      out_.Close();
    }
  }

  void DrawLegend() {
    struct Entry {
      bool shown;
      const char* text;
      int mark;
    };
    const auto sat = [this](ChartAttendance a) { return attendances_.contains(a); };
    bool reviews = false, now = false;
    for (const ChartSignal& signal : chart_.signals) (signal.now ? now : reviews) = true;
    bool dots = false;
    for (const ChartSeries& series : chart_.series) dots = dots || !series.points.empty();
    const Entry entries[] = {
        {dots, "a score that counts; ringed: first and last", 0},
        {excluded_, "does not count (the table says why)", 1},
        {invalids_, "a form without a score", 2},
        {follow_ups_, "follow-up", 3},
        {cut_offs_, "cut-off of caseness", 4},
        {corridors_, "less than a reliable change from the first", 5},
        {gains_, "sudden gain", 6},
        {reviews, "review at the next opportunity", 7},
        {now, "review now", 8},
        {risks_, "alert: risk", 9},
        {unknowns_, "alert: risk unknown, ask", 10},
        {opens_, "framed: not resolved", 11},
        {sat(ChartAttendance::kAttended), "session attended", 12},
        {sat(ChartAttendance::kBooked), "session booked", 13},
        {sat(ChartAttendance::kNoShow), "patient did not come", 14},
        {pauses_, "pause", 15},
    };
    const double begin = narrow_ ? 8 : 12;
    double x = begin;
    y_ += 4;
    for (const Entry& entry : entries) {
      if (!entry.shown) continue;
      const double wide = 30 + TextWidth(entry.text, font_) + 14;
      if (x > begin && x + wide > style_.width) {
        x = begin;
        y_ += 17;
      }
      DrawMark(entry.mark, x + 12, y_ + 7);
      out_.Label(x + 28, y_ + 11, ClipToWidth(entry.text, style_.width - x - 32, font_), Small());
      x += wide;
    }
    y_ += 20;
  }

  void DrawMark(int mark, double x, double y) {
    const std::string hatch = absl::StrCat("url(#", style_.id, "-hatch)");
    switch (mark) {
      case 0:
        out_.Line(x - 11, y, x + 11, y, "course");
        out_.Circle(x, y, 4, "dot");
        break;
      case 1:
        out_.Circle(x, y, 4, "hollow");
        break;
      case 2:
      case 14:
        out_.Path(CrossPath(x, y, 3.4), "cross");
        break;
      case 3:
        out_.Line(x - 11, y, x + 11, y, "after");
        break;
      case 4:
        out_.Line(x - 11, y, x + 11, y, "cut");
        break;
      case 5:
        out_.Rect(x - 11, y - 5, 22, 10, {{"fill", hatch}, {"fill-opacity", "0.28"}});
        out_.Line(x - 11, y - 5, x + 11, y - 5, "edge");
        out_.Line(x - 11, y + 5, x + 11, y + 5, "edge");
        break;
      case 6:
        out_.Line(x - 9, y - 3, x + 9, y + 3, "gain");
        break;
      case 7:
      case 8:
        out_.Path(TrianglePath(x, y, 5), mark == 8 ? "reviewnow" : "review");
        break;
      case 9:
      case 10:
        out_.Path(DiamondPath(x, y, 5.5), mark == 9 ? "alert" : "asks");
        break;
      case 11:
        out_.Path(DiamondPath(x, y, 7), "openalert");
        break;
      case 12:
        out_.Circle(x, y, 3.6, "sat");
        break;
      case 13:
        out_.Circle(x, y, 3.6, "hollow");
        break;
      default:
        out_.Rect(x - 11, y - 5, 22, 10, {{"fill", hatch}});
    }
  }

  const CourseChart& chart_;
  const SvgStyle style_;
  const bool narrow_;
  double font_;
  PlotFrame frame_;
  Canvas out_;
  double y_ = 0, lanes_top_ = 0, lanes_bottom_ = 0;
  std::vector<ChartTick> ticks_;
  std::vector<std::pair<double, double>> plots_;  // top and bottom
  // What the legend has to explain.
  std::set<ChartAttendance> attendances_;
  bool excluded_ = false, invalids_ = false, follow_ups_ = false, cut_offs_ = false;
  bool corridors_ = false, gains_ = false, pauses_ = false;
  bool risks_ = false, unknowns_ = false, opens_ = false;
};

}  // namespace

std::string ChartSvg(const CourseChart& chart, const SvgStyle& style) {
  return ChartDrawing(chart, style).Draw();
}

}  // namespace ipt::ctl
