#include "scheduling/domain/placement.h"

#include <algorithm>

#include "scheduling/domain/numbering.h"

namespace ipt::scheduling {

FirstFree::FirstFree(const CalendarInputs& inputs, Interval window)
    : availability_(inputs, window),
      days_(inputs.course_zone, LocalDay(window.start, inputs.course_zone),
            LocalDay(window.end, inputs.course_zone)) {
  first_.reserve(size());
  next_free_.assign(size() + 1, size());
  for (int day = 0; day < size(); ++day) {
    first_.push_back(availability_.FirstStart(days_.start(day), days_.start(day + 1)));
  }
  for (int day = size() - 1; day >= 0; --day) {
    next_free_[day] = first_[day] < days_.start(day + 1) ? day : next_free_[day + 1];
  }
}

bool FirstFree::Find(int day, absl::Time not_before, Placement& found) const {
  for (day = NextFree(std::clamp(day, 0, size())); day < size(); day = NextFree(day + 1)) {
    const absl::Time end = days_.start(day + 1);
    found.start =
        first_[day] >= not_before ? first_[day] : availability_.FirstStart(not_before, end);
    found.day = day;
    if (found.start < end) return true;
  }
  return false;
}

FreeDays::FreeDays(const CalendarInputs& inputs, Interval window)
    : FirstFree(inputs, window), starts_(availability().FreeStarts()) {
  first_start_.reserve(size() + 1);
  size_t next = 0;
  for (int day = 0; day < size(); ++day) {
    first_start_.push_back(static_cast<int>(next));
    const absl::Time end = days().start(day + 1);
    while (next < starts_.size() && starts_[next] < end) ++next;
  }
  first_start_.push_back(static_cast<int>(next));
}

std::vector<FixedSession> FixedSessions(const std::vector<Session>& sessions,
                                        const absl::TimeZone& zone, absl::CivilDay first_day) {
  std::vector<FixedSession> fixed;
  for (const Session& session : sessions) {
    if (session.state != SessionState::kBooked && !IsUsed(session)) continue;
    fixed.push_back(
        {static_cast<int>(LocalDay(session.interval.start, zone) - first_day), session.interval});
  }
  return fixed;
}

std::vector<Placement> PlaceEarliest(const PlacementRules& rules,
                                     const std::vector<FixedSession>& fixed, NextStart next) {
  const int cadence = std::max(1, rules.cadence_days);
  const int tolerance = std::clamp(rules.tolerance_days, 0, (cadence - 1) / 2);
  std::vector<Placement> placed;
  placed.reserve(rules.count);

  auto upcoming =
      std::lower_bound(fixed.begin(), fixed.end(), rules.first_day,
                       [](const FixedSession& session, int day) { return session.day < day; });
  bool has_place = upcoming != fixed.begin();
  int place = has_place ? std::prev(upcoming)->day : 0;
  absl::Time not_before = absl::InfinitePast();
  int lowest = rules.first_day;

  while (static_cast<int>(placed.size()) < rules.count) {
    if (has_place && rules.keep_cadence) lowest = std::max(lowest, place + cadence - tolerance);
    Placement found;
    const bool any = next(lowest, not_before, found);
    found.wanted_day = lowest;
    found.place = has_place && rules.keep_cadence ? std::max(place + cadence, found.day - tolerance)
                                                  : found.day;
    if (upcoming != fixed.end()) {
      // Past a fixed session when the free day lies after it, or too close before it.
      const bool fits =
          any && (rules.keep_cadence ? found.place + cadence <= upcoming->day + tolerance
                                     : found.day < upcoming->day);
      if (!fits) {
        const int too_late = upcoming->day + 2 * tolerance - cadence + 1;
        if (rules.passed_over != nullptr && rules.keep_cadence && lowest < too_late) {
          rules.passed_over->emplace_back(lowest, too_late);
        }
        has_place = true;
        place = upcoming->day;
        lowest = std::max(lowest, place + 1);
        ++upcoming;
        continue;
      }
    }
    if (!any || found.start + rules.length > rules.end_by) break;
    placed.push_back(found);
    has_place = true;
    place = found.place;
    lowest = found.day + 1;
    not_before = found.start + rules.length + rules.buffer;
  }
  return placed;
}

std::vector<Placement> PlaceEarliest(PlacementRules rules, const std::vector<FixedSession>& fixed,
                                     const FirstFree& free) {
  rules.length = free.availability().length();
  rules.buffer = free.availability().buffer();
  return PlaceEarliest(rules, fixed, [&free](int day, absl::Time not_before, Placement& found) {
    return free.Find(day, not_before, found);
  });
}

}  // namespace ipt::scheduling
