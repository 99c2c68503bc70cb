#include "scheduling/domain/availability.h"

#include <algorithm>
#include <utility>

#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

LocalDays DaysOf(const Interval& window, const absl::TimeZone& zone) {
  return LocalDays(zone, LocalDay(window.start, zone), LocalDay(window.end, zone));
}

// Calls visit(day_index, weekly_window, span) for each window of each day, by start.
template <typename Visit>
void ForEachWindow(const LocalDays& days, const std::vector<WeeklyWindow>& windows, Visit visit) {
  std::array<std::vector<const WeeklyWindow*>, 7> of_weekday;
  for (const WeeklyWindow& window : windows) {
    of_weekday[static_cast<int>(window.day) - 1].push_back(&window);
  }
  for (auto& list : of_weekday) {
    std::sort(list.begin(), list.end(), [](const WeeklyWindow* a, const WeeklyWindow* b) {
      return a->start_minute < b->start_minute;
    });
  }
  if (days.size() == 0) return;
  int weekday = static_cast<int>(WeekdayOf(days.day(0))) - 1;
  for (int i = 0; i < days.size(); ++i, weekday = (weekday + 1) % 7) {
    for (const WeeklyWindow* window : of_weekday[weekday]) {
      const Interval span{days.Bound(i, window->start_minute), days.Bound(i, window->end_minute)};
      if (span.start < span.end) visit(i, *window, span);
    }
  }
}

// The spans that touch the window, each widened to the front by `before`.
IntervalSet SpansIn(const Interval& window, const std::vector<Interval>& spans,
                    absl::Duration before = absl::ZeroDuration()) {
  std::vector<Interval> kept;
  kept.reserve(spans.size());
  for (const Interval& span : spans) {
    const absl::Time start = span.start - before;
    if (start < window.end && span.end > window.start) kept.push_back({start, span.end});
  }
  return IntervalSet(std::move(kept));
}

// The days that touch those of the window, as spans of instants.
IntervalSet DaySpansIn(const LocalDays& days, const absl::TimeZone& zone,
                       std::vector<DayRange> in) {
  std::vector<Interval> spans;
  for (const DayRange& range : in) {
    if (range.last < days.day(0) || range.first >= days.day(days.size())) continue;
    spans.push_back(SpanOfDays(range, zone));
  }
  return IntervalSet(std::move(spans));
}

}  // namespace

void ApplyCourse(const Course& course, const absl::TimeZone& zone,
                 const std::vector<Session>& sessions, CalendarInputs& inputs) {
  inputs.course_zone = zone;
  inputs.patient_windows = course.preferred_windows;
  inputs.session_minutes = course.session_minutes;
  inputs.pauses.clear();
  for (const Pause& pause : course.pauses) {
    if (pause.days.first <= pause.days.last) inputs.pauses.push_back(pause.days);
  }
  inputs.own_sessions.clear();
  for (const Session& session : sessions) {
    if (session.blocking && session.state != SessionState::kCancelled) {
      inputs.own_sessions.push_back(
          {session.interval.start, std::max(session.interval.end, session.blocked_until)});
    }
  }
}

Availability::Availability(const CalendarInputs& inputs, Interval window)
    : therapist_zone_(inputs.therapist_zone),
      window_(window),
      length_(absl::Minutes(inputs.session_minutes)),
      buffer_(absl::Minutes(inputs.buffer_minutes)),
      slot_(absl::Minutes(inputs.slot_minutes)),
      time_off_(SpansIn(window, inputs.time_off)),
      therapist_busy_(SpansIn(window, inputs.therapist_busy, buffer_)),
      patient_busy_(SpansIn(window, inputs.patient_busy)) {
  if (!inputs.own_sessions.empty()) {
    therapist_busy_ = Union(therapist_busy_, SpansIn(window, inputs.own_sessions, buffer_));
    patient_busy_ = Union(patient_busy_, SpansIn(window, inputs.own_sessions));
  }
  const LocalDays course_days = DaysOf(window, inputs.course_zone);
  pauses_ = DaySpansIn(course_days, inputs.course_zone, inputs.pauses);
  if (!inputs.patient_windows.empty()) {
    patient_windows_.emplace();
    ForEachWindow(
        course_days, inputs.patient_windows,
        [this](int, const WeeklyWindow&, const Interval& span) { patient_windows_->Add(span); });
  }
  std::vector<DayRange> holidays;
  holidays.reserve(inputs.holidays.size());
  for (const absl::CivilDay day : inputs.holidays) holidays.push_back({day, day});
  holidays_ = DaySpansIn(DaysOf(window, inputs.clinic_zone), inputs.clinic_zone, holidays);

  if (!inputs.therapist_active) return;
  const LocalDays days = DaysOf(window, inputs.therapist_zone);
  grid_.reserve(days.size() * (inputs.working_hours.size() / 7 + 1));
  IntervalSet& hours = left_[kHours];
  ForEachWindow(
      days, inputs.working_hours, [&](int i, const WeeklyWindow& weekly, const Interval& span) {
        hours.Add(span);
        grid_.push_back(
            {span, !days.clock_change(i), days.day(i), weekly.start_minute, weekly.end_minute});
      });
  for (const Interval& extra : inputs.extra_hours) {
    if (extra.start >= extra.end || extra.end <= window.start || extra.start >= window.end)
      continue;
    hours.Add(extra);
    GridWindow grid;
    grid.span = extra;
    grid_.push_back(grid);
  }
  auto by_start = [](const GridWindow& a, const GridWindow& b) {
    return a.span.start < b.span.start;
  };
  if (!std::is_sorted(grid_.begin(), grid_.end(), by_start)) {
    std::sort(grid_.begin(), grid_.end(), by_start);
  }
  for (const GridWindow& grid : grid_) {
    longest_grid_ = std::max(longest_grid_, grid.span.end - grid.span.start);
  }
  left_[kPauses] = Subtract(left_[kHours], pauses_);
  left_[kHolidays] = Subtract(left_[kPauses], holidays_);
  left_[kTimeOff] = Subtract(left_[kHolidays], time_off_);
  left_[kTherapistBusy] = Subtract(left_[kTimeOff], therapist_busy_);
  left_[kPatient] = Subtract(left_[kTherapistBusy], patient_busy_);
  if (patient_windows_) left_[kPatient] = Intersect(left_[kPatient], *patient_windows_);
}

template <typename Visit>
void Availability::VisitStarts(const GridWindow& grid, const Interval& free, absl::Time from,
                               Visit visit) const {
  from = std::max({from, free.start, grid.span.start, window_.start});
  const absl::Time last = std::min(free.end, window_.end) - length_;
  if (from > last) return;
  if (grid.even) {
    absl::Duration rest;
    int64_t steps = absl::IDivDuration(from - grid.span.start, slot_, &rest);
    if (rest > absl::ZeroDuration()) ++steps;
    // Thousands of them, so in plain numbers. All but `last` are whole microseconds.
    const int64_t slot = absl::ToInt64Microseconds(slot_);
    const int64_t end = std::min(absl::ToUnixMicros(last), absl::ToUnixMicros(grid.span.end) - 1);
    for (int64_t start = absl::ToUnixMicros(grid.span.start) + steps * slot; start <= end;
         start += slot) {
      if (!visit(absl::FromUnixMicros(start))) return;
    }
    return;
  }
  const absl::CivilSecond midnight(grid.day);
  const int slot = static_cast<int>(absl::ToInt64Minutes(slot_));
  for (int minute = grid.start_minute; minute < grid.end_minute; minute += slot) {
    const LocalInstant at = ResolveLocal(midnight + 60 * minute, therapist_zone_);
    if (at.kind == LocalTimeKind::kSkipped || at.instant < from || at.instant > last ||
        at.instant >= grid.span.end) {
      continue;
    }
    if (!visit(at.instant)) return;
  }
}

std::vector<absl::Time> Availability::FreeStarts() const {
  const std::vector<Interval>& free = left_[kPatient].intervals();
  std::vector<absl::Time> starts;
  bool sorted = true;
  auto first = free.begin();
  for (const GridWindow& grid : grid_) {
    while (first != free.end() && first->end <= grid.span.start) ++first;
    for (auto it = first; it != free.end() && it->start < grid.span.end; ++it) {
      VisitStarts(grid, *it, absl::InfinitePast(), [&](absl::Time start) {
        if (!starts.empty() && start <= starts.back()) sorted = false;
        starts.push_back(start);
        return true;
      });
    }
  }
  if (!sorted) {
    std::sort(starts.begin(), starts.end());
    starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  }
  return starts;
}

absl::Time Availability::FirstStart(absl::Time from, absl::Time before) const {
  const std::vector<Interval>& free = left_[kPatient].intervals();
  // Windows may overlap, so a later one may have the earlier start.
  auto grid = std::upper_bound(
      grid_.begin(), grid_.end(), from - longest_grid_,
      [](absl::Time t, const GridWindow& window) { return t < window.span.start; });
  absl::Time found = before;
  for (; grid != grid_.end() && grid->span.start < found; ++grid) {
    if (grid->span.end <= from) continue;
    const absl::Time lowest = std::max(from, grid->span.start);
    auto it = std::upper_bound(free.begin(), free.end(), lowest,
                               [](absl::Time t, const Interval& i) { return t < i.end; });
    bool any = false;
    for (; !any && it != free.end() && it->start < std::min(found, grid->span.end); ++it) {
      VisitStarts(*grid, *it, lowest, [&](absl::Time start) {
        any = true;
        found = std::min(found, start);
        return false;
      });
    }
  }
  return found;
}

std::vector<DeviationReason> Availability::Check(Interval session) const {
  std::vector<DeviationReason> reasons;
  auto add_if = [&](bool holds, DeviationReason reason) {
    if (holds) reasons.push_back(reason);
  };
  add_if(pauses_.Overlaps(session), DeviationReason::kPause);
  add_if(holidays_.Overlaps(session), DeviationReason::kHoliday);
  add_if(time_off_.Overlaps(session), DeviationReason::kTimeOff);
  add_if(!left_[kHours].Contains(session), DeviationReason::kOutsideHours);
  add_if(therapist_busy_.Overlaps(session), DeviationReason::kTherapistBooked);
  add_if(patient_busy_.Overlaps(session), DeviationReason::kPatientBooked);
  add_if(patient_windows_ && !patient_windows_->Contains(session),
         DeviationReason::kPatientWindows);
  return reasons;
}

bool Availability::HasRoom(Interval span, Layer layer) const {
  const absl::Time from = std::max(span.start, window_.start);
  const std::vector<Interval>& left = left_[layer].intervals();
  auto it = std::upper_bound(left.begin(), left.end(), from,
                             [](absl::Time t, const Interval& i) { return t < i.end; });
  for (; it != left.end() && it->start < span.end; ++it) {
    const absl::Time start = std::max(from, it->start);
    if (start < span.end && start + length_ <= std::min(it->end, window_.end)) return true;
  }
  return false;
}

std::vector<DeviationReason> CheckSlot(const CalendarInputs& inputs, Interval session) {
  return Availability(inputs, session).Check(session);
}

std::vector<absl::Time> FindFreeStarts(const CalendarInputs& inputs, Interval window) {
  return Availability(inputs, window).FreeStarts();
}

}  // namespace ipt::scheduling
