#include "formulation/domain/course_access.h"

#include "absl/functional/function_ref.h"
#include "formulation/domain/names.h"
#include "formulation/domain/reasons.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/zone/time_zone.h"

namespace ipt::formulation {
namespace {

using courses::CopiedCourse;
using courses::CopiedSession;
using courses::CopiedSessionState;
using courses::CourseAnswer;

constexpr absl::Duration kAskAgainAfter = absl::Seconds(5);

absl::Status SchedulingAway(const CourseAnswer& answer) {
  if (absl::IsUnavailable(answer.why)) return answer.why;
  return Unavailable(reason::kPeerUnavailable,
                     "scheduling, which has the course, cannot be asked now: try again",
                     kAskAgainAfter);
}

// Scheduling is asked once more where what it said before does not have the session that is
// `wanted`: it may have been booked, or its attendance recorded, since.
absl::StatusOr<CourseAnswer> FindCourseWith(
    courses::CourseDirectory& courses, const CallContext& ctx, absl::string_view course_id,
    absl::string_view session_id,
    absl::FunctionRef<bool(const CopiedCourse&, const CopiedSession&)> wanted) {
  IPT_ASSIGN_OR_RETURN(CourseAnswer answer,
                       courses.FindCourse(ctx.clinic_id, course_id, {}, ctx.now, ctx.deadline));
  if (session_id.empty() || answer.known != CourseAnswer::Known::kVerified) return answer;
  const CopiedSession* session = answer.course->FindSession(session_id);
  if (session != nullptr && wanted(*answer.course, *session)) return answer;
  return courses.FindCourse(ctx.clinic_id, course_id, {.max_age = absl::ZeroDuration()}, ctx.now,
                            ctx.deadline);
}

}  // namespace

absl::StatusOr<CourseAnswer> FindCourse(courses::CourseDirectory& courses, const CallContext& ctx,
                                        absl::string_view course_id, absl::string_view session_id) {
  return FindCourseWith(courses, ctx, course_id, session_id,
                        [](const CopiedCourse&, const CopiedSession&) { return true; });
}

absl::StatusOr<CourseAnswer> FindCourseToWrite(courses::CourseDirectory& courses,
                                               const CallContext& ctx, absl::string_view course_id,
                                               absl::string_view session_id) {
  return FindCourseWith(courses, ctx, course_id, session_id,
                        [&](const CopiedCourse& course, const CopiedSession& session) {
                          return RefuseNotHeld(course, session, ctx.now).ok();
                        });
}

absl::StatusOr<CourseAnswer> FindCourseToRead(courses::CourseDirectory& courses,
                                              const CallContext& ctx, absl::string_view course_id) {
  IPT_ASSIGN_OR_RETURN(CourseAnswer answer, FindCourse(courses, ctx, course_id));
  IPT_RETURN_IF_ERROR(RefuseAbsent(answer, ctx.clinic_id, course_id));
  return answer;
}

absl::string_view VariantOf(const CourseAnswer& answer) {
  return answer.course.has_value() ? absl::string_view(answer.course->variant_id) : "";
}

absl::Status RefuseAbsent(const CourseAnswer& answer, absl::string_view clinic_id,
                          absl::string_view course_id) {
  if (answer.known != CourseAnswer::Known::kAbsent) return absl::OkStatus();
  return NotFound(kCourseType, CourseName(clinic_id, course_id));
}

absl::StatusOr<const courses::CopiedCourse*> CourseToWrite(const CourseAnswer& answer,
                                                           absl::string_view clinic_id,
                                                           absl::string_view course_id) {
  IPT_RETURN_IF_ERROR(RefuseAbsent(answer, clinic_id, course_id));
  if (answer.known != CourseAnswer::Known::kVerified) return SchedulingAway(answer);
  return &*answer.course;
}

absl::StatusOr<const courses::CopiedCourse*> CourseToRead(const CourseAnswer& answer,
                                                          absl::string_view clinic_id,
                                                          absl::string_view course_id) {
  IPT_RETURN_IF_ERROR(RefuseAbsent(answer, clinic_id, course_id));
  if (!answer.course.has_value()) return SchedulingAway(answer);
  return &*answer.course;
}

absl::StatusOr<const courses::CopiedSession*> SessionOf(const courses::CopiedCourse& course,
                                                        absl::string_view session_id) {
  const courses::CopiedSession* session = course.FindSession(session_id);
  if (session == nullptr) {
    return NotFound(kSessionType, SessionName(course.clinic_id, course.course_id, session_id));
  }
  return session;
}

absl::Status RefuseNotHeld(const courses::CopiedCourse& course,
                           const courses::CopiedSession& session, absl::Time now) {
  const char* state = nullptr;
  if (session.state == CopiedSessionState::kNoShow) state = "NO_SHOW";
  if (session.state == CopiedSessionState::kCancelled) state = "CANCELLED";
  if (session.state == CopiedSessionState::kBooked && session.start > now) state = "BOOKED";
  if (state == nullptr) return absl::OkStatus();
  return FailedPrecondition(
      reason::kSessionNotHeld, SessionName(course.clinic_id, course.course_id, session.session_id),
      "the session was not held: correct its attendance in scheduling first, or wait until it has "
      "begun",
      {{"state", state}});
}

absl::StatusOr<absl::CivilDay> DayIn(const courses::CopiedCourse& course, absl::Time time) {
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
  return absl::CivilDay(zone.At(time).cs);
}

}  // namespace ipt::formulation
