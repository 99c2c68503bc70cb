#include "scheduling/domain/week_clock.h"

#include <algorithm>

#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

// The pauses' days as sorted, disjoint ranges.
std::vector<DayRange> MergedPauses(const std::vector<Pause>& pauses) {
  std::vector<DayRange> ranges;
  ranges.reserve(pauses.size());
  for (const Pause& pause : pauses) {
    if (pause.days.first <= pause.days.last) ranges.push_back(pause.days);
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const DayRange& a, const DayRange& b) { return a.first < b.first; });
  std::vector<DayRange> merged;
  for (const DayRange& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().last) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

int Length(const DayRange& range) { return static_cast<int>(range.last - range.first) + 1; }

}  // namespace

std::optional<CourseStart> FindCourseStart(const std::vector<Session>& sessions,
                                           const absl::TimeZone& zone) {
  const Session* attended = nullptr;
  const Session* booked = nullptr;
  for (const Session& session : sessions) {
    const Session** first = session.state == SessionState::kAttended ? &attended
                            : session.state == SessionState::kBooked ? &booked
                                                                     : nullptr;
    if (first != nullptr &&
        (*first == nullptr || session.interval.start < (*first)->interval.start)) {
      *first = &session;
    }
  }
  if (attended != nullptr) return CourseStart{LocalDay(attended->interval.start, zone), false};
  if (booked != nullptr) return CourseStart{LocalDay(booked->interval.start, zone), true};
  return std::nullopt;
}

WeekClock::WeekClock(absl::CivilDay start_day, int weeks, const std::vector<Pause>& pauses,
                     int pause_cap_days)
    : start_day_(start_day), deadline_day_(start_day + (7 * weeks - 1)) {
  for (DayRange range : MergedPauses(pauses)) {
    range.first = std::max(range.first, start_day);
    if (range.first > range.last) continue;
    if (range.first > deadline_day_) break;
    const int days = std::min(Length(range), std::max(0, pause_cap_days - pause_days_));
    days_over_cap_ += Length(range) - days;
    if (days == 0) continue;
    pause_days_ += days;
    deadline_day_ += days;
    counted_.push_back({range.first, range.first + (days - 1)});
  }
}

absl::Time WeekClock::Deadline(const absl::TimeZone& zone) const {
  return DayStart(deadline_day_ + 1, zone);
}

int WeekClock::WeekNumber(absl::CivilDay day) const {
  if (day < start_day_) return 0;
  int elapsed = static_cast<int>(day - start_day_);
  for (const DayRange& range : counted_) {
    if (range.first >= day) break;
    elapsed -= static_cast<int>(std::min(day, range.last + 1) - range.first);
  }
  return elapsed / 7 + 1;
}

bool InPause(absl::CivilDay day, const std::vector<Pause>& pauses) {
  return std::any_of(pauses.begin(), pauses.end(), [day](const Pause& pause) {
    return pause.days.first <= day && day <= pause.days.last;
  });
}

int PauseDays(const std::vector<Pause>& pauses) {
  int days = 0;
  for (const DayRange& range : MergedPauses(pauses)) days += Length(range);
  return days;
}

}  // namespace ipt::scheduling
