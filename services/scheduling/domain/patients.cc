#include "scheduling/domain/patients.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/calendar_loader.h"
#include "scheduling/domain/course_edit.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/reminders.h"

namespace ipt::scheduling {
namespace {

// `field` stands for the identifier in the error.
absl::StatusOr<std::string> LockPatient(SchedulingTx& tx, const CallContext& ctx,
                                        const Identifier& patient, absl::string_view field) {
  IPT_ASSIGN_OR_RETURN(auto id, tx.LockPatient(ctx.clinic_id, patient));
  if (id.has_value()) return *std::move(id);
  return NotFound(kPatientType, absl::StrCat(ClinicName(ctx.clinic_id), "/patients/{", field, "}"));
}

absl::StatusOr<std::vector<std::string>> CoursesOf(SchedulingTx& tx, const CallContext& ctx,
                                                   const Identifier& patient,
                                                   std::vector<CourseState> states = {}) {
  CourseFilter filter;
  filter.patient = patient;
  filter.states = std::move(states);
  IPT_ASSIGN_OR_RETURN(const auto courses, tx.ListCourses(ctx.clinic_id, filter, "", kNoLimit));
  std::vector<std::string> ids;
  for (const Course& course : courses) ids.push_back(course.course_id);
  return ids;
}

// Locks the courses; `ids` in order.
absl::Status Lock(SchedulingTx& tx, const CallContext& ctx, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    IPT_RETURN_IF_ERROR(tx.LockCourse(ctx.clinic_id, id).status());
  }
  return absl::OkStatus();
}

// Saves each course anew: its patient, and the forecast that the patient's free time makes.
absl::Status SaveAll(SchedulingTx& tx, const CallContext& ctx, const std::vector<std::string>& ids,
                     const std::vector<std::string>& changed) {
  for (const std::string& id : ids) {
    IPT_ASSIGN_OR_RETURN(CourseEdit edit, CourseEdit::Open(tx, ctx, id));
    if (std::binary_search(changed.begin(), changed.end(), id)) {
      edit.Note(CourseChangeKind::kPatientChanged);
    } else if (!IsOpen(edit.course.state)) {
      continue;
    }
    IPT_RETURN_IF_ERROR(edit.Save());
  }
  return absl::OkStatus();
}

// The patient's open courses and, where given, `also`.
absl::Status HoldOpen(SchedulingTx& tx, const CallContext& ctx, const Identifier& patient,
                      const std::string& also) {
  IPT_ASSIGN_OR_RETURN(
      std::vector<std::string> ids,
      CoursesOf(tx, ctx, patient,
                {CourseState::kPlanned, CourseState::kActive, CourseState::kPaused}));
  if (!also.empty()) ids.push_back(also);
  std::sort(ids.begin(), ids.end());
  return Lock(tx, ctx, ids);
}

}  // namespace

absl::Status HoldOpenCourses(SchedulingTx& tx, const CallContext& ctx, const Identifier& patient) {
  return HoldOpen(tx, ctx, patient, "");
}

absl::Status HoldOpenCoursesBeside(SchedulingTx& tx, const CallContext& ctx,
                                   const std::string& course_id) {
  Course course;
  std::optional<std::string> held;
  do {  // again where the patient was merged or renamed between the two
    IPT_ASSIGN_OR_RETURN(course, tx.GetCourse(ctx.clinic_id, course_id));
    IPT_ASSIGN_OR_RETURN(held, tx.LockPatient(ctx.clinic_id, course.patient));
  } while (held != course.patient_id);
  return HoldOpen(tx, ctx, course.patient, course_id);
}

absl::StatusOr<PatientCourses> ChangePatientIdentifier(SchedulingTx& tx, const CallContext& ctx,
                                                       const Identifier& from,
                                                       const Identifier& to) {
  IPT_ASSIGN_OR_RETURN(const std::string patient_id, LockPatient(tx, ctx, from, "from"));
  PatientCourses result;
  IPT_ASSIGN_OR_RETURN(result.course_ids, CoursesOf(tx, ctx, from));
  IPT_RETURN_IF_ERROR(Lock(tx, ctx, result.course_ids));
  IPT_RETURN_IF_ERROR(tx.ChangePatientIdentifier(ctx.clinic_id, patient_id, to));
  IPT_RETURN_IF_ERROR(SaveAll(tx, ctx, result.course_ids, result.course_ids));
  IPT_ASSIGN_OR_RETURN(result.revision, tx.log().Revision());
  return result;
}

absl::StatusOr<PatientCourses> MergePatients(SchedulingTx& tx, const CallContext& ctx,
                                             const Identifier& from, const Identifier& into) {
  // In one order, whichever is merged into which.
  if (std::tie(into.system, into.value) < std::tie(from.system, from.value)) {
    IPT_RETURN_IF_ERROR(tx.LockPatient(ctx.clinic_id, into).status());
  }
  IPT_ASSIGN_OR_RETURN(const std::string from_id, LockPatient(tx, ctx, from, "from"));
  IPT_ASSIGN_OR_RETURN(const std::string into_id, LockPatient(tx, ctx, into, "into"));
  IPT_ASSIGN_OR_RETURN(const auto given, CoursesOf(tx, ctx, from));
  PatientCourses result;
  IPT_ASSIGN_OR_RETURN(result.course_ids, CoursesOf(tx, ctx, into));
  result.course_ids.insert(result.course_ids.end(), given.begin(), given.end());
  std::sort(result.course_ids.begin(), result.course_ids.end());
  IPT_RETURN_IF_ERROR(Lock(tx, ctx, result.course_ids));
  IPT_RETURN_IF_ERROR(MergeContactPreferences(tx, ctx, from_id, into_id));
  IPT_RETURN_IF_ERROR(tx.MergePatient(ctx.clinic_id, from_id, into_id));
  IPT_RETURN_IF_ERROR(SaveAll(tx, ctx, result.course_ids, given));
  IPT_ASSIGN_OR_RETURN(result.revision, tx.log().Revision());
  return result;
}

}  // namespace ipt::scheduling
