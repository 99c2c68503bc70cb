#include "formulation/domain/patient_copy.h"

#include <utility>

#include "formulation/domain/names.h"
#include "formulation/domain/reasons.h"

namespace ipt::formulation {

absl::StatusOr<PatientCopy> PatientCopyOf(const FormulationRevision& revision,
                                          absl::string_view language) {
  if (revision.state == RevisionState::kDraft) {
    return FailedPrecondition(reason::kFormulationState,
                              RevisionName(revision.clinic_id, revision.course_id, revision.number),
                              "a draft is not for the patient: propose it first",
                              {{"state", "DRAFT"}});
  }
  PatientCopy copy{.clinic_id = revision.clinic_id,
                   .course_id = revision.course_id,
                   .number = revision.number,
                   .state = revision.state,
                   .narrative = revision.content.patient_narrative,
                   .contract = revision.content.contract,
                   .language = std::string(language),
                   .revision = revision.stamp.revision};
  if (revision.agreement.has_value()) copy.agreed_on = revision.agreement->agreed_on;
  for (const FocusSnapshot& area : revision.snapshot.problem_areas) {
    if (area.position == FocusPosition::kUnspecified) continue;
    PatientFocus focus{
        .position = area.position, .heading = area.plain_name, .display_name = area.display_name};
    for (const GoalSnapshot& goal : revision.snapshot.goals) {
      if (goal.problem_area_id == area.problem_area_id) focus.goals.push_back(goal.description);
    }
    copy.focus.push_back(std::move(focus));
  }
  return copy;
}

}  // namespace ipt::formulation
