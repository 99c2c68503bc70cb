#include "formulation/domain/course_records.h"

#include "absl/algorithm/container.h"

namespace ipt::formulation {

const RecordedWork* CourseRecords::FindWork(absl::string_view session_id) const {
  const auto found =
      absl::c_find_if(work, [&](const RecordedWork& w) { return w.session_id == session_id; });
  return found == work.end() ? nullptr : &*found;
}

const AgreedFormulation* CourseRecords::HeldOn(absl::CivilDay day) const {
  // No revision was agreed on an earlier day than the one before it.
  const AgreedFormulation* held = nullptr;
  for (const AgreedFormulation& formulation : agreed) {
    if (formulation.agreed_on <= day) held = &formulation;
  }
  return held;
}

AgreedFormulation AgreedOf(const FormulationRevision& revision) {
  AgreedFormulation agreed{.number = revision.number,
                           .agreed_on = revision.agreement->agreed_on,
                           .contract = revision.content.contract,
                           .has_contract = !revision.content.contract.empty()};
  for (const FocusSnapshot& area : revision.snapshot.problem_areas) {
    if (area.position == FocusPosition::kUnspecified) continue;
    agreed.focus.push_back({.problem_area_id = area.problem_area_id,
                            .position = area.position,
                            .kind = area.kind,
                            .dispute_stage = area.dispute_stage});
  }
  for (const GoalSnapshot& goal : revision.snapshot.goals) {
    agreed.goals.push_back({.goal_id = goal.goal_id, .problem_area_id = goal.problem_area_id});
  }
  agreed.contract.missed_session_policy.clear();
  agreed.contract.here_and_now_focus.clear();
  agreed.contract.practicalities.clear();
  return agreed;
}

RecordedGoal RecordedOf(const Goal& goal) {
  return {.goal_id = goal.goal_id,
          .problem_area_id = goal.problem_area_id,
          .state = goal.state,
          .state_time = goal.changes.empty() ? goal.stamp.create_time : goal.changes.back().time};
}

RecordedWork RecordedOf(const SessionWork& work) {
  RecordedWork recorded{.session_id = work.session_id, .techniques = work.techniques};
  for (const TaskWork& task : work.tasks) {
    recorded.tasks.push_back({.task = task.task, .state = task.state});
  }
  for (const FocusWork& focus : work.focus_work) {
    recorded.focus_work.push_back(
        {.problem_area_id = focus.problem_area_id, .strategies = focus.strategies});
  }
  return recorded;
}

std::optional<absl::Time> ProposedTimeOf(const FormulationRevision& revision) {
  if (revision.state != RevisionState::kProposed) return std::nullopt;
  std::optional<absl::Time> time;
  for (const RevisionChange& change : revision.changes) {
    if (change.kind == RevisionChangeKind::kProposed) time = change.time;
  }
  return time;
}

}  // namespace ipt::formulation
