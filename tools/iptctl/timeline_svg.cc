#include "iptctl/timeline_svg.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "iptctl/formulation_words.h"
#include "iptctl/outcome_words.h"
#include "iptctl/svg.h"

namespace ipt::ctl {
namespace {

namespace f = formulation::v1;

constexpr double kEventFont = 12;
constexpr double kTimelineMargin = 12;
constexpr double kEventRow = 36;  // a line of words, and beneath it the bar
constexpr double kBar = 22;       // from the row's top to the bar's middle
constexpr double kThick = 8;      // of a bar
constexpr double kEventSize = 5.5;
constexpr double kTickRoom = 66;
constexpr int kNear = 548;  // days before the onset that are drawn in full, one and a half years
constexpr std::array<f::LifeEventKind, 10> kKinds = {f::LIFE_EVENT_KIND_LOSS_BY_DEATH,
                                                     f::LIFE_EVENT_KIND_OTHER_LOSS,
                                                     f::LIFE_EVENT_KIND_ROLE_CHANGE,
                                                     f::LIFE_EVENT_KIND_DISPUTE,
                                                     f::LIFE_EVENT_KIND_OTHER,
                                                     f::LIFE_EVENT_KIND_SYMPTOM_ONSET,
                                                     f::LIFE_EVENT_KIND_SYMPTOM_WORSENING,
                                                     f::LIFE_EVENT_KIND_SYMPTOM_IMPROVEMENT,
                                                     f::LIFE_EVENT_KIND_EPISODE,
                                                     f::LIFE_EVENT_KIND_TREATMENT};

bool OfSymptoms(f::LifeEventKind kind) {
  return kind >= f::LIFE_EVENT_KIND_SYMPTOM_ONSET && kind <= f::LIFE_EVENT_KIND_TREATMENT;
}

std::string KindWords(f::LifeEventKind kind) {
  const std::string words = SpokenEnum(kind);
  return words.empty() ? "kind not stated" : words;
}

void DrawMark(double x, double y, f::LifeEventKind kind, Canvas& out) {
  switch (kind) {
    case f::LIFE_EVENT_KIND_LOSS_BY_DEATH:
      return out.Path(CrossPath(x, y, kEventSize), "event loss");
    case f::LIFE_EVENT_KIND_OTHER_LOSS:
      return out.Path(DiamondPath(x, y, kEventSize + 1), "event hollowed");
    case f::LIFE_EVENT_KIND_ROLE_CHANGE:
      return out.Path(DiamondPath(x, y, kEventSize + 1), "event filled");
    case f::LIFE_EVENT_KIND_DISPUTE:
      return out.Path(ArrowPath(x + kEventSize, y, kEventSize + 1), "event filled");
    case f::LIFE_EVENT_KIND_SYMPTOM_ONSET:
      return out.Circle(x, y, kEventSize, "event onset");
    case f::LIFE_EVENT_KIND_SYMPTOM_WORSENING:
      return out.Path(TrianglePath(x, y, -kEventSize - 0.5), "event onset");
    case f::LIFE_EVENT_KIND_SYMPTOM_IMPROVEMENT:
      return out.Path(TrianglePath(x, y, kEventSize + 0.5), "event better");
    case f::LIFE_EVENT_KIND_EPISODE:
      return out.Rect(x - kEventSize, y - kEventSize, 2 * kEventSize, 2 * kEventSize,
                      {{"class", "event onset"}});
    case f::LIFE_EVENT_KIND_TREATMENT:
      return out.Rect(x - kEventSize, y - kEventSize, 2 * kEventSize, 2 * kEventSize,
                      {{"class", "event hollowed"}});
    default:
      return out.Circle(x, y, kEventSize - 1, "event hollowed");
  }
}

struct TimelineItem {
  const f::LifeEvent* event = nullptr;
  absl::CivilDay first, last;  // all of it
  // The days in which it is certain to have been going on; unset: it may have been any.
  std::optional<std::pair<absl::CivilDay, absl::CivilDay>> certain;
  DaySpan start;
  bool lasts = false;  // from a start to an end, or on
  std::string label;
  double x0 = 0, x1 = 0, label_x = 0;
  int row = 0;
};

TimelineItem ItemOf(const f::LifeEvent& event, const DaySpan& start, absl::CivilDay today) {
  TimelineItem item;
  item.event = &event;
  item.start = start;
  item.first = start.first;
  item.last = start.last;
  const std::optional<DaySpan> end = SpanOf(event.end_date());
  if (end.has_value()) {
    item.lasts = true;
    item.last = std::max(end->last, start.last);
    if (start.last < end->first) item.certain = {start.last, end->first};
  } else if (event.ongoing() && start.first <= today) {
    item.lasts = true;
    item.last = std::max(today, start.last);
    if (start.last < today) item.certain = {start.last, today};
  }
  return item;
}

// Days to pixels. Where most of the time lies long before the symptoms, that is drawn closer.
class TimeScale {
 public:
  TimeScale(absl::CivilDay first, absl::CivilDay last, std::optional<absl::CivilDay> onset,
            double x0, double x1)
      : first_(first), last_(last), x0_(x0), x1_(x1) {
    const absl::CivilDay near = onset.value_or(last) - kNear;
    const auto before = near - first, after = last - near;
    if (near > first && before > 1.5 * static_cast<double>(after)) {
      near_ = near;
      break_x_ = x0 + 0.28 * (x1 - x0);
    }
  }

  double X(absl::CivilDay day) const {
    if (!near_.has_value()) return Between(day, first_, last_, x0_, x1_);
    return day < *near_ ? Between(day, first_, *near_, x0_, break_x_)
                        : Between(day, *near_, last_, break_x_, x1_);
  }

  bool broken() const { return near_.has_value(); }
  double break_x() const { return break_x_; }

  struct Tick {
    double x;
    std::string text;
  };
  std::vector<Tick> Ticks() const {
    std::vector<Tick> ticks;
    if (near_.has_value()) {
      AddTicks(first_, *near_, x0_, break_x_, ticks);
      AddTicks(*near_, last_, break_x_, x1_, ticks);
    } else {
      AddTicks(first_, last_, x0_, x1_, ticks);
    }
    return ticks;
  }

 private:
  static double Between(absl::CivilDay day, absl::CivilDay from, absl::CivilDay to, double x0,
                        double x1) {
    if (to <= from) return (x0 + x1) / 2;
    return x0 + (x1 - x0) * static_cast<double>(day - from) / static_cast<double>(to - from);
  }

  void AddTicks(absl::CivilDay from, absl::CivilDay to, double x0, double x1,
                std::vector<Tick>& ticks) const {
    const double days = static_cast<double>(std::max<absl::civil_diff_t>(1, to - from));
    int months = 1;
    for (const int step : {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000, 12000, 120000}) {
      months = step;
      if (step * 30.4 / days * (x1 - x0) >= kTickRoom) break;
    }
    const auto index = [](absl::CivilMonth month) { return month.year() * 12 + month.month() - 1; };
    const int64_t begin = index(absl::CivilMonth(from));
    for (int64_t at = (begin + months - 1) / months * months;; at += months) {
      const absl::CivilMonth month(at / 12, static_cast<int>(at % 12) + 1);
      const absl::CivilDay day(month);
      if (day > to) return;
      const double x = X(day);
      const bool apart = ticks.empty() || x - ticks.back().x >= kTickRoom * 0.8;
      if (day < from || !apart || x < x0_ + 14 || x > x1_ - 26) continue;
      const f::PartialDate date = [&] {
        f::PartialDate partial;
        partial.mutable_date()->set_year(static_cast<int>(month.year()));
        if (months < 12) partial.mutable_date()->set_month(month.month());
        return partial;
      }();
      ticks.push_back({x, DateWords(date)});
    }
  }

  const absl::CivilDay first_, last_;
  const double x0_, x1_;
  std::optional<absl::CivilDay> near_;
  double break_x_ = 0;
};

class TimelinePicture {
 public:
  TimelinePicture(std::vector<TimelineItem> items, absl::CivilDay today, const TimelineStyle& style)
      : items_(std::move(items)),
        today_(today),
        style_(style),
        scale_(MakeScale(items_, today, style.width)) {}

  std::string Draw() {
    const int happened = LayOut(false), symptoms = LayOut(true);
    const double happened_top = kTimelineMargin + 22;
    const double symptoms_top = happened_top + happened * kEventRow + 30;
    const double bottom = symptoms_top + symptoms * kEventRow + 6;
    DrawGrid(kTimelineMargin + 22, bottom);
    DrawOnsets(happened_top, bottom);
    out_.Label(kTimelineMargin, kTimelineMargin + 10, "What happened", "strong");
    out_.Line(kTimelineMargin, symptoms_top - 24, style_.width - kTimelineMargin, symptoms_top - 24,
              "axis");
    out_.Label(kTimelineMargin, symptoms_top - 8, "Symptoms, episodes, treatment", "strong halo");
    for (const TimelineItem& item : items_) {
      DrawItem(item, (OfSymptoms(item.event->kind()) ? symptoms_top : happened_top) +
                         item.row * kEventRow);
    }
    const double end = DrawLegend(bottom + 42);
    return SvgFile(out_, style_.width, end + kTimelineMargin, style_.id, "Timeline", Description(),
                   style_.css);
  }

 private:
  static TimeScale MakeScale(const std::vector<TimelineItem>& items, absl::CivilDay today,
                             double width) {
    absl::CivilDay first = today, last = today;
    std::optional<absl::CivilDay> onset;
    for (const TimelineItem& item : items) {
      first = std::min(first, item.first);
      last = std::max(last, item.last);
      if (item.event->kind() != f::LIFE_EVENT_KIND_SYMPTOM_ONSET) continue;
      onset = onset.has_value() ? std::min(*onset, item.first) : item.first;
    }
    // A little air, so that marks at the ends are whole.
    const absl::civil_diff_t air = std::max<absl::civil_diff_t>(3, (last - first) / 60);
    return {first - air, last + air, onset, kTimelineMargin, width - kTimelineMargin};
  }

  // Gives the items of one half their rows, each the first in which it touches no other. How many
  // rows that takes.
  int LayOut(bool symptoms) {
    std::vector<std::vector<std::pair<double, double>>> rows;
    for (TimelineItem& item : items_) {
      if (OfSymptoms(item.event->kind()) != symptoms) continue;
      const double room = style_.width - 2 * kTimelineMargin;
      const std::string date = absl::StrCat(" (", DateWords(*item.event), ")");
      item.label = absl::StrCat(
          ClipToWidth(item.event->display_name(), room - TextWidth(date, kEventFont), kEventFont),
          date);
      const double label = std::min(room, TextWidth(item.label, kEventFont));
      item.x0 = scale_.X(item.first);
      item.x1 = scale_.X(item.last + 1);
      item.label_x = std::clamp(item.x0 - kEventSize, kTimelineMargin,
                                std::max(kTimelineMargin, style_.width - kTimelineMargin - label));
      const double low = std::min(item.x0, item.label_x) - kEventSize - 4;
      const double high = std::max(item.x1, item.label_x + label) + kEventSize + 8;
      const auto is_free = [&](const auto& row) {
        return std::none_of(row.begin(), row.end(), [&](const auto& taken) {
          return low < taken.second && taken.first < high;
        });
      };
      auto row = std::find_if(rows.begin(), rows.end(), is_free);
      if (row == rows.end()) row = rows.emplace(rows.end());
      row->emplace_back(low, high);
      item.row = static_cast<int>(row - rows.begin());
    }
    return std::max<int>(1, static_cast<int>(rows.size()));
  }

  void DrawGrid(double top, double bottom) {
    for (const TimeScale::Tick& tick : scale_.Ticks()) {
      out_.Line(tick.x, top, tick.x, bottom, "grid");
      out_.Label(tick.x, bottom + 16, tick.text, "small muted", "middle");
    }
    out_.Line(kTimelineMargin, bottom, style_.width - kTimelineMargin, bottom, "axis");
    if (scale_.broken()) {
      for (const double shift : {-2.0, 2.0}) {
        out_.Line(scale_.break_x() + shift, top, scale_.break_x() + shift, bottom + 4, "axis");
      }
    }
    const double today = scale_.X(today_);
    out_.Line(today, top, today, bottom, "now");
    out_.Label(std::min(today, style_.width - kTimelineMargin), bottom + 31, "today", "small",
               today > style_.width - 60 ? "end" : "middle");
  }

  // Through both halves, so that it is seen what came before.
  void DrawOnsets(double top, double bottom) {
    for (const TimelineItem& item : items_) {
      if (item.event->kind() != f::LIFE_EVENT_KIND_SYMPTOM_ONSET) continue;
      const double x0 = scale_.X(item.start.first), x1 = scale_.X(item.start.last + 1);
      if (x1 - x0 > 3) {
        out_.Rect(x0, top, x1 - x0, bottom - top,
                  {{"fill", absl::StrCat("url(#", style_.id, "-hatch)")}, {"class", "faint"}});
      }
      out_.Line(x0, top, x0, bottom, "cut");
      if (x1 - x0 > 3) out_.Line(x1, top, x1, bottom, "cut");
    }
  }

  void DrawItem(const TimelineItem& item, double top) {
    const f::LifeEvent& event = *item.event;
    const double y = top + kBar;
    out_.Titled(ItemWords(event));
    out_.Label(item.label_x, top + kEventFont, item.label, "name halo");
    const bool span = item.lasts || item.start.first != item.start.last;
    double at = (item.x0 + item.x1) / 2;
    if (span) {
      const double width = std::max(4.0, item.x1 - item.x0);
      out_.Rect(item.x0, y - kThick / 2, width, kThick,
                {{"class", item.start.about ? "spanned about" : "spanned"}});
      if (item.certain.has_value()) {
        const double from = scale_.X(item.certain->first), to = scale_.X(item.certain->second);
        out_.Rect(from, y - kThick / 2, to - from, kThick, {{"class", "lasting"}});
        at = from;
      } else if (item.lasts) {
        at = item.x0;
      }
      if (event.ongoing()) out_.Path(ArrowPath(item.x1 + 7, y, 6), "lasting");
    } else if (item.start.about) {
      out_.Rect(at - kEventSize - 4, y - kEventSize - 3, 2 * kEventSize + 8, 2 * kEventSize + 6,
                {{"class", "spanned about"}});
    }
    DrawMark(at, y, event.kind(), out_);
    out_.Close();
  }

  double DrawLegend(double y) {
    double x = kTimelineMargin;
    const auto next = [&](const std::string& text) {
      const double needed = 20 + TextWidth(text, kEventFont) + 14;
      if (x > kTimelineMargin && x + needed > style_.width - kTimelineMargin) {
        x = kTimelineMargin;
        y += 20;
      }
      out_.Label(x + 20, y + 4, text, "small muted");
      const double at = x + 7;
      x += needed;
      return at;
    };
    for (const f::LifeEventKind kind : kKinds) {
      if (std::none_of(items_.begin(), items_.end(),
                       [&](const TimelineItem& item) { return item.event->kind() == kind; })) {
        continue;
      }
      const double at = next(KindWords(kind));
      DrawMark(at, y, kind, out_);
    }
    const bool wide = std::any_of(items_.begin(), items_.end(), [](const TimelineItem& item) {
      return item.start.first != item.start.last;
    });
    if (wide) {
      const double at = next("sometime within this span");
      out_.Rect(at - 7, y - 4, 16, kThick, {{"class", "spanned"}});
    }
    if (std::any_of(items_.begin(), items_.end(),
                    [](const TimelineItem& item) { return item.lasts; })) {
      const double at = next("it lasted");
      out_.Rect(at - 7, y - 4, 16, kThick, {{"class", "lasting"}});
    }
    if (scale_.broken()) {
      x = kTimelineMargin;
      y += 20;
      out_.Label(x, y + 4, "Years left of the double line are closer together.", "small muted");
    }
    return y + 8;
  }

  static std::string ItemWords(const f::LifeEvent& event) {
    return absl::StrCat(
        event.display_name(), ": ", KindWords(event.kind()), ", ", DateWords(event),
        event.has_impact() ? absl::StrCat(", impact on mood ", event.impact()) : "");
  }

  std::string Description() const {
    std::string text = "What happened, against what became of the symptoms, by date.";
    for (const TimelineItem& item : items_)
      absl::StrAppend(&text, " ", ItemWords(*item.event), ".");
    return text;
  }

  std::vector<TimelineItem> items_;
  const absl::CivilDay today_;
  const TimelineStyle& style_;
  const TimeScale scale_;
  Canvas out_;
};

}  // namespace

std::string TimelineSvg(const f::InterpersonalInventory& inventory, absl::CivilDay today,
                        const TimelineStyle& style) {
  std::vector<TimelineItem> items;
  for (const f::LifeEvent& event : inventory.life_events()) {
    const std::optional<DaySpan> start = SpanOf(event.start_date());
    if (start.has_value()) items.push_back(ItemOf(event, *start, today));
  }
  if (items.empty()) return "";
  std::stable_sort(items.begin(), items.end(),
                   [](const TimelineItem& a, const TimelineItem& b) { return a.first < b.first; });
  return TimelinePicture(std::move(items), today, style).Draw();
}

}  // namespace ipt::ctl
