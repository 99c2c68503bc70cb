// Whether a course will end in time: both clocks, and where the sessions left would fall.
//
// Placement. Booked sessions stay where they are, unless they have lost their place: those ahead
// that by now lie on a holiday or outside their therapist's hours (time off, or having left, too),
// other than by override, are placed anew. Each of the others goes, one after another, to
// the earliest free start that the cadence allows: sessions have places at least cadence_days
// apart, and a session lies within cadence_tolerance_days of its place. A session held or booked is
// its own place; between two booked sessions only what keeps this distance to both is placed. At
// most one session a local day. A course without an attended or booked session starts with its
// first placed one, on the earliest day from which it fits best; one with a booked but no attended
// session gets none placed before the first booked one.
//
// State. OVERDUE: the deadline has passed. ON_TRACK: so placed, all end by the deadline. AT_RISK:
// they do only with fewer days between them (at most one a day). INFEASIBLE: not even then. Booked
// sessions that end after the deadline do not fit. More free time never makes the state worse.
//
// Pure: the same inputs at the same instant give the same answer.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "scheduling/domain/availability.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// Gives the calendar of the course's therapist and patient: at least every span that overlaps the
// window. May include the course's own sessions. Called at most twice, the second time with a
// longer window when the first one does not decide (sessions fit only later than expected).
using CalendarLoader = absl::FunctionRef<absl::StatusOr<CalendarInputs>(Interval window)>;

struct ForecastRequest {
  const Course& course;
  const Variant& variant;
  const std::vector<Session>& sessions;  // all of the course, by start
  absl::TimeZone zone;                   // the course's
  int pause_cap_days = PolicyDefaults::kPauseCapDays;
  absl::Time now;
};

struct CourseOutlook {
  CourseState state = CourseState::kUnspecified;
  CourseProgress progress;
  std::optional<Forecast> forecast;  // open courses only
  // Until then the same sessions and calendars give the same outlook but for free time that passes:
  // the next local midnight or the end of the next booked session. Closed courses: forever.
  absl::Time valid_until;
};

// Does not ask the loader for closed courses (their progress stands at the closing) and for open
// ones of which nothing is left. Fails only with the loader's error.
absl::StatusOr<CourseOutlook> ComputeOutlook(const ForecastRequest& request, CalendarLoader load);

// Computes the outlook, stores it in the course (state, progress, forecast, valid_until) and
// numbers the sessions. Returns the indices of the sessions whose number, phase or week changed.
absl::StatusOr<std::vector<size_t>> RefreshDerived(const Variant& variant,
                                                   const absl::TimeZone& zone, int pause_cap_days,
                                                   absl::Time now, Course& course,
                                                   std::vector<Session>& sessions,
                                                   CalendarLoader load);

}  // namespace ipt::scheduling
