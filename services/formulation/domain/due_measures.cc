#include "formulation/domain/due_measures.h"

#include "absl/algorithm/container.h"
#include "platform/errors/status_macros.h"
#include "platform/zone/time_zone.h"

namespace ipt::formulation {
namespace {

using courses::CopiedCourse;
using courses::CopiedSession;
using courses::CopiedSessionState;

bool TakesPlace(const CopiedSession& session) {
  return session.state == CopiedSessionState::kBooked ||
         session.state == CopiedSessionState::kAttended;
}

// The day of the session before; nullopt: it is the first.
std::optional<absl::CivilDay> DayBefore(const CopiedCourse& course, const CopiedSession& session,
                                        const absl::TimeZone& zone) {
  std::optional<absl::CivilDay> day;
  for (const CopiedSession& other : course.sessions) {
    if (TakesPlace(other) && other.start < session.start) day = absl::ToCivilDay(other.start, zone);
  }
  return day;
}

}  // namespace

bool CanBeDueFor(const CopiedCourse& course, const CopiedSession& session) {
  if (course.closed() || !TakesPlace(session)) return false;
  return session.state == CopiedSessionState::kBooked ||
         absl::c_none_of(course.sessions, [&](const CopiedSession& other) {
           return other.state == CopiedSessionState::kAttended && other.start > session.start;
         });
}

absl::StatusOr<absl::CivilDay> DayOfSession(const CopiedCourse& course,
                                            const CopiedSession& session) {
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
  return absl::ToCivilDay(session.start, zone);
}

absl::StatusOr<std::vector<DueMeasure>> DueFor(const CopiedCourse& course,
                                               const CopiedSession& session,
                                               std::vector<DueMeasure> of_course) {
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
  const absl::CivilDay last_day = absl::ToCivilDay(session.start, zone);
  const std::optional<absl::CivilDay> day_before = DayBefore(course, session, zone);
  std::erase_if(of_course, [&](const DueMeasure& measure) {
    if (measure.session_id == session.session_id) return false;
    if (measure.due_day > last_day) return true;
    if (measure.state == DueMeasureState::kUpcoming) {
      return !measure.session_id.empty() ||
             (day_before.has_value() && measure.due_day <= *day_before);
    }
    const CopiedSession* other = course.FindSession(measure.session_id);
    return other != nullptr && other->start > session.start;
  });
  return of_course;
}

}  // namespace ipt::formulation
