#include "course_copies/link/course_proto.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ipt/common/v1/identifier.pb.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/content_hash.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"

namespace ipt::courses {
namespace {

namespace pb = ::ipt::scheduling::v1;

constexpr char kCoursePattern[] = "clinics/{clinic}/courses/{course}";
constexpr char kSessionPattern[] = "clinics/{clinic}/courses/{course}/sessions/{session}";
constexpr char kTherapistPattern[] = "clinics/{clinic}/therapists/{therapist}";
constexpr char kTimeOffPattern[] = "clinics/{clinic}/therapists/{therapist}/timeOff/{time_off}";

absl::Status Strange(absl::string_view what) {
  return Internal(absl::StrCat("scheduling tells a ", what, " that this release cannot read"));
}

// The ids of a name of this clinic.
absl::StatusOr<std::vector<std::string>> Ids(const std::string& name, absl::string_view pattern,
                                             absl::string_view clinic_id) {
  if (!rpc::MatchesPattern(name, pattern, false)) return Strange("name");
  std::vector<std::string> ids = rpc::IdsOf(name);
  if (ids[0] != clinic_id) return Strange("name of another clinic");
  return ids;
}

// Reads times and days; any that is none is found at the end.
class Reader {
 public:
  absl::Time Time(const google::protobuf::Timestamp& time) {
    return rpc::ReadTime(time, bad_, "time").value_or(absl::UnixEpoch());
  }
  absl::CivilDay Day(const google::type::Date& date) {
    return rpc::ReadDay(date, bad_, "day").value_or(absl::CivilDay());
  }
  absl::Status status() const { return bad_.empty() ? absl::OkStatus() : Strange("time or day"); }

 private:
  FieldViolations bad_;
};

// Equal for the same identifier in the same clinic, and for no other.
std::string PatientHash(const ipt::common::v1::Identifier& patient, absl::string_view clinic_id) {
  ipt::common::v1::Identifier of_clinic = patient;
  of_clinic.set_system(absl::StrCat("clinics/", clinic_id, " ", patient.system()));
  return absl::BytesToHexString(rpc::ContentHash(of_clinic));
}

}  // namespace

absl::StatusOr<CopiedCourse> CopyOf(const pb::Course& course, absl::string_view clinic_id) {
  IPT_ASSIGN_OR_RETURN(const auto ids, Ids(course.name(), kCoursePattern, clinic_id));
  IPT_ASSIGN_OR_RETURN(const auto therapist, Ids(course.therapist(), kTherapistPattern, clinic_id));
  Reader read;
  CopiedCourse copy;
  copy.clinic_id = ids[0];
  copy.course_id = ids[1];
  copy.patient_hash = PatientHash(course.patient(), clinic_id);
  copy.therapist_id = therapist[1];
  copy.variant_id = course.variant();
  copy.indication = static_cast<int>(course.indication());
  const pb::CourseProgress& progress = course.progress();
  const bool started = !progress.start_projected() && progress.has_start_date();
  copy.state = static_cast<CopiedCourseState>(course.state());
  if (copy.state == CopiedCourseState::kPaused) {
    copy.state = started ? CopiedCourseState::kActive : CopiedCourseState::kPlanned;
  }
  if (course.has_closure()) {
    copy.closed_at = read.Time(course.closure().time());
    copy.closure_reason = static_cast<int>(course.closure().reason());
    copy.drop_out = course.closure().drop_out();
    copy.closed_early = course.closure().early();
  }
  copy.time_zone = course.time_zone();
  copy.planned_sessions = course.planned_sessions();
  copy.duration_weeks = course.duration_weeks();
  copy.cadence_days = course.cadence_days();
  if (course.has_create_time()) copy.create_time = read.Time(course.create_time());
  if (started) {
    copy.start_day = read.Day(progress.start_date());
    copy.deadline_day = read.Day(progress.deadline_date());
  }
  for (const pb::Pause& pause : course.pauses()) {
    copy.pauses.push_back({read.Day(pause.first_day()), read.Day(pause.last_day())});
  }
  for (const pb::PhaseSpan& span : progress.phases()) {
    copy.phases.push_back(
        {static_cast<int>(span.phase()), span.first_session(), span.last_session()});
  }
  copy.revision = course.revision();
  IPT_RETURN_IF_ERROR(read.status());
  return copy;
}

absl::StatusOr<SessionOfCourse> CopyOf(const pb::Session& session, absl::string_view clinic_id) {
  IPT_ASSIGN_OR_RETURN(auto ids, Ids(session.name(), kSessionPattern, clinic_id));
  IPT_ASSIGN_OR_RETURN(const auto therapist,
                       Ids(session.therapist(), kTherapistPattern, clinic_id));
  Reader read;
  SessionOfCourse copy;
  copy.course_id = std::move(ids[1]);
  copy.session.session_id = std::move(ids[2]);
  copy.session.therapist_id = therapist[1];
  copy.session.number = session.session_number();
  copy.session.phase = static_cast<int>(session.phase());
  copy.session.week = session.week_number();
  copy.session.start = read.Time(session.start_time());
  copy.session.end = read.Time(session.end_time());
  copy.session.state = static_cast<CopiedSessionState>(session.state());
  copy.session.attendance = static_cast<int>(session.attendance().outcome());
  copy.session.uses_session = session.uses_session();
  copy.session.revision = session.revision();
  IPT_RETURN_IF_ERROR(read.status());
  return copy;
}

absl::StatusOr<CopiedTherapist> CopyOf(const pb::Therapist& therapist,
                                       absl::string_view clinic_id) {
  IPT_ASSIGN_OR_RETURN(auto ids, Ids(therapist.name(), kTherapistPattern, clinic_id));
  CopiedTherapist copy;
  copy.clinic_id = std::move(ids[0]);
  copy.therapist_id = std::move(ids[1]);
  copy.active = therapist.active();
  copy.revision = therapist.revision();
  return copy;
}

absl::StatusOr<TimeOffOfTherapist> CopyOf(const pb::TimeOff& time_off,
                                          absl::string_view clinic_id) {
  IPT_ASSIGN_OR_RETURN(auto ids, Ids(time_off.name(), kTimeOffPattern, clinic_id));
  Reader read;
  TimeOffOfTherapist copy;
  copy.therapist_id = std::move(ids[1]);
  copy.time_off.time_off_id = std::move(ids[2]);
  copy.time_off.start = read.Time(time_off.start_time());
  copy.time_off.end = read.Time(time_off.end_time());
  copy.time_off.revision = time_off.revision();
  IPT_RETURN_IF_ERROR(read.status());
  return copy;
}

}  // namespace ipt::courses
