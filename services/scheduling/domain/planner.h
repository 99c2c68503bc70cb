// Proposes the sessions of a course that are still to be booked.
//
// A plan keeps one weekday and local time where it can: of all patterns it takes the one from which
// the sessions deviate least (leaving the weekday or time that the course has kept so far counts as
// deviation, too), then the one with the earliest finish. A session that cannot keep the pattern
// takes another time of its day, then another day within the cadence's tolerance; a place in the
// cadence that has no free time at all is passed over if the deadline lets it, and sessions go off
// cadence (at most one a local day) only if nothing else ends by the deadline. Booked sessions are
// fixed points. If all sessions can be placed before the deadline, one a day, a plan places them
// all. A course that has neither an attended nor a booked session starts with the plan's first one,
// and its deadline follows from it; one with a booked but no attended session gets none before it.
//
// Pure functions.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "scheduling/domain/availability.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// How long after `earliest` a course that has not started may begin.
inline constexpr int kStartSearchDays = 56;

struct PlanRequest {
  const Course& course;
  const Variant& variant;
  const std::vector<Session>& sessions;  // all of the course, by start
  absl::TimeZone zone;                   // the course's
  int pause_cap_days = PolicyDefaults::kPauseCapDays;
  absl::Time earliest;    // the later of now and what the caller asks for
  int session_count = 0;  // 0: all that are neither used nor booked; never more than those
};

// The window of which PlanCourse must know every busy span, absence and holiday. Empty when there
// is nothing to plan.
Interval PlanWindow(const PlanRequest& request);

// `calendar` covers PlanWindow(request); it may include the course's own sessions. What the course
// itself says (ApplyCourse) is taken from the request.
CoursePlan PlanCourse(const PlanRequest& request, CalendarInputs calendar);

}  // namespace ipt::scheduling
