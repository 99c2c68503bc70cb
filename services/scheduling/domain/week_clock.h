// A course's week clock: from its start day to its deadline, pauses left out. The other clock, the
// session number, is in numbering.h; the two never mix.
//
// Pause days move the deadline one for one: each day counts once however many pauses hold it, only
// on or after the start day, only in pauses that begin by the (moved) deadline, and up to the cap.
// So a pause never shortens a deadline. Days that do not move it pass like any other.
//
// Immutable value.
#pragma once

#include <optional>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// Where a course's week clock starts.
struct CourseStart {
  absl::CivilDay day;
  bool projected = true;
};

// The day of the first attended session; without one, projected: the day of the first one booked.
// nullopt when there is neither.
std::optional<CourseStart> FindCourseStart(const std::vector<Session>& sessions,
                                           const absl::TimeZone& zone);

class WeekClock {
 public:
  // `pauses` in any order; those that end before they begin are ignored.
  WeekClock(absl::CivilDay start_day, int weeks, const std::vector<Pause>& pauses,
            int pause_cap_days);

  absl::CivilDay start_day() const { return start_day_; }
  // Last day of the course: start + 7 * weeks - 1 + pause days.
  absl::CivilDay deadline_day() const { return deadline_day_; }
  // First instant that is too late: the start of the day after deadline_day().
  absl::Time Deadline(const absl::TimeZone& zone) const;
  // Days by which pauses have moved the deadline, at most the cap.
  int pause_days() const { return pause_days_; }
  // Pause days that would have moved it but for the cap.
  int days_over_cap() const { return days_over_cap_; }

  // Week of the course, from 1; 0 before its start; goes on after the deadline.
  int WeekNumber(absl::CivilDay day) const;
  // Negative once the deadline has passed.
  int DaysLeft(absl::CivilDay today) const { return static_cast<int>(deadline_day_ - today); }

 private:
  absl::CivilDay start_day_;
  absl::CivilDay deadline_day_;
  int pause_days_ = 0;
  int days_over_cap_ = 0;
  std::vector<DayRange> counted_;  // the days that moved the deadline; sorted, disjoint
};

// Whether a day lies in one of the pauses.
bool InPause(absl::CivilDay day, const std::vector<Pause>& pauses);

// How many days the pauses cover, shared ones once.
int PauseDays(const std::vector<Pause>& pauses);

}  // namespace ipt::scheduling
