#include "outcomes/domain/binding.h"

#include <algorithm>

#include "absl/time/civil_time.h"
#include "outcomes/domain/names.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/zone/time_zone.h"

namespace ipt::outcomes {
namespace {

// How long before its session a form may be completed that does not name it.
constexpr int kDaysBefore = 3;

// The session of that day, or the next one within some days; sessions are by start.
const courses::CopiedSession* SessionNear(const courses::CopiedCourse& course,
                                          const absl::TimeZone& zone, absl::CivilDay day) {
  for (const courses::CopiedSession& session : course.sessions) {
    if (session.state != courses::CopiedSessionState::kBooked &&
        session.state != courses::CopiedSessionState::kAttended) {
      continue;
    }
    const absl::CivilDay of = absl::CivilDay(zone.At(session.start).cs);
    if (of >= day && of <= day + kDaysBefore) return &session;
  }
  return nullptr;
}

// The phase that the sessions used up to an instant lie in.
int PhaseAt(const courses::CopiedCourse& course, absl::Time time) {
  int number = 0;
  for (const courses::CopiedSession& session : course.sessions) {
    if (session.IsTreatment() && session.start <= time) number = std::max(number, session.number);
  }
  for (const courses::CopiedPhase& phase : course.phases) {
    if (number >= phase.first_session && number <= phase.last_session) return phase.phase;
  }
  return 0;
}

CoursePart OccasionAt(const courses::CopiedCourse& course, absl::Time time) {
  if (course.closed() && course.closed_at.has_value() && time > *course.closed_at) {
    return CoursePart::kFollowUp;
  }
  for (const courses::CopiedSession& session : course.sessions) {
    if (session.IsTreatment() && session.start <= time) return CoursePart::kTreatment;
  }
  return CoursePart::kBeforeTreatment;
}

}  // namespace

absl::StatusOr<courses::CourseAnswer> FindCourseOf(courses::CourseDirectory* courses,
                                                   const CallContext& ctx,
                                                   absl::string_view course_id,
                                                   absl::string_view session_id) {
  if (courses == nullptr) return courses::CourseAnswer();
  IPT_ASSIGN_OR_RETURN(courses::CourseAnswer answer,
                       courses->FindCourse(ctx.clinic_id, course_id, {}, ctx.now, ctx.deadline));
  if (session_id.empty() || answer.known != courses::CourseAnswer::Known::kVerified ||
      answer.course->FindSession(session_id) != nullptr) {
    return answer;
  }
  // It may have been booked since: only scheduling can say that there is none.
  return courses->FindCourse(ctx.clinic_id, course_id, {.max_age = absl::ZeroDuration()}, ctx.now,
                             ctx.deadline);
}

absl::Status BindToCourse(const courses::CourseAnswer& answer, Measurement& m) {
  if (answer.known == courses::CourseAnswer::Known::kAbsent) {
    return NotFound(kCourseType, CourseName(m.clinic_id, m.course_id));
  }
  m.unverified.clear();
  m.binding_problem = BindingProblem::kNone;
  m.session_number = m.week_number = m.phase = 0;
  m.occasion = CoursePart::kUnspecified;
  const bool verified = answer.known == courses::CourseAnswer::Known::kVerified;
  const courses::CopiedCourse* course = answer.course.has_value() ? &*answer.course : nullptr;

  const courses::CopiedSession* session = nullptr;
  if (course != nullptr) {
    IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course->time_zone));
    const absl::CivilDay day = absl::CivilDay(zone.At(m.complete_time).cs);
    session =
        m.session_id.empty() ? SessionNear(*course, zone, day) : course->FindSession(m.session_id);
    if (session == nullptr && !m.session_id.empty() && verified) {
      return NotFound(kSessionType, SessionName(m.clinic_id, m.course_id, m.session_id));
    }
    m.week_number = course->WeekOf(day);
    m.phase = PhaseAt(*course, m.complete_time);
    m.occasion = OccasionAt(*course, m.complete_time);
  } else {
    m.unverified.push_back(UnverifiedFact::kCourse);
  }
  if (session != nullptr) {
    m.session_id = session->session_id;
    m.session_number = session->number;
    m.phase = session->phase;
  } else if (!m.session_id.empty()) {
    m.unverified.push_back(UnverifiedFact::kSession);
  }
  if (!verified) {
    for (const UnverifiedFact fact :
         {UnverifiedFact::kWeek, UnverifiedFact::kCourseState, UnverifiedFact::kTherapist}) {
      m.unverified.push_back(fact);
    }
  }
  return absl::OkStatus();
}

}  // namespace ipt::outcomes
