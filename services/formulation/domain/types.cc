#include "formulation/domain/types.h"

#include "absl/algorithm/container.h"

namespace ipt::formulation {

absl::string_view CodeOf(ProblemAreaKind kind) {
  switch (kind) {
    case ProblemAreaKind::kGrief:
      return "GRIEF";
    case ProblemAreaKind::kRoleDispute:
      return "ROLE_DISPUTE";
    case ProblemAreaKind::kRoleTransition:
      return "ROLE_TRANSITION";
    case ProblemAreaKind::kInterpersonalDeficits:
      return "INTERPERSONAL_DEFICITS";
    case ProblemAreaKind::kGriefForTheHealthySelf:
      return "GRIEF_FOR_THE_HEALTHY_SELF";
    case ProblemAreaKind::kUnspecified:
      break;
  }
  return "";
}

absl::string_view CodeOf(DisputeStage stage) {
  switch (stage) {
    case DisputeStage::kRenegotiation:
      return "RENEGOTIATION";
    case DisputeStage::kImpasse:
      return "IMPASSE";
    case DisputeStage::kDissolution:
      return "DISSOLUTION";
    case DisputeStage::kUnspecified:
      break;
  }
  return "";
}

const FocusSnapshot* FormulationSnapshot::FindArea(absl::string_view problem_area_id) const {
  const auto found = absl::c_find_if(
      problem_areas, [&](const FocusSnapshot& a) { return a.problem_area_id == problem_area_id; });
  return found == problem_areas.end() ? nullptr : &*found;
}

const GoalSnapshot* FormulationSnapshot::FindGoal(absl::string_view goal_id) const {
  const auto found =
      absl::c_find_if(goals, [&](const GoalSnapshot& g) { return g.goal_id == goal_id; });
  return found == goals.end() ? nullptr : &*found;
}

const LifeEventSnapshot* FormulationSnapshot::FindLifeEvent(absl::string_view life_event_id) const {
  const auto found = absl::c_find_if(
      life_events, [&](const LifeEventSnapshot& e) { return e.life_event_id == life_event_id; });
  return found == life_events.end() ? nullptr : &*found;
}

FormulationState CourseFormulation::state() const {
  if (current.has_value()) return FormulationState::kAgreed;
  if (!pending.has_value()) return FormulationState::kNone;
  return pending->state == RevisionState::kProposed ? FormulationState::kProposed
                                                    : FormulationState::kDraft;
}

std::optional<CourseFocus> FocusOf(const CourseFormulation& formulation) {
  if (!formulation.current.has_value()) return std::nullopt;
  const FormulationRevision& current = *formulation.current;
  CourseFocus focus{.clinic_id = formulation.clinic_id,
                    .course_id = formulation.course_id,
                    .agreed_on = current.agreement->agreed_on,
                    .revision_number = current.number,
                    .first_primary_kind = formulation.first_primary_kind,
                    .revision = current.stamp.revision};
  for (const FocusSnapshot& area : current.snapshot.problem_areas) {
    if (area.position == FocusPosition::kPrimary) focus.primary_kind = area.kind;
    if (area.position == FocusPosition::kSecondary) focus.secondary_kind = area.kind;
  }
  return focus;
}

}  // namespace ipt::formulation
