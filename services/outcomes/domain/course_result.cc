#include "outcomes/domain/course_result.h"

#include <utility>

namespace ipt::outcomes {

std::optional<MeasureResult> MeasureResultOf(absl::string_view instrument_id,
                                             const MeasureRules& rules, std::string rule_sets,
                                             const Trajectory& trajectory) {
  if (!trajectory.first.index.has_value()) return std::nullopt;
  const ScorePoint& first = trajectory.scores[*trajectory.first.index].score;
  const bool paired = trajectory.last.index.has_value();
  const ScorePoint& last = paired ? trajectory.scores[*trajectory.last.index].score : first;
  const ChangeResult change = EvaluateChange(rules.change, first.value, last.value);
  return MeasureResult{.instrument_id = std::string(instrument_id),
                       .rule_sets = std::move(rule_sets),
                       .better = rules.change.better,
                       .first = first.exact,
                       .last = last.exact,
                       .paired = paired,
                       .case_at_first = change.case_at_first,
                       .response = change.response,
                       .remission = change.remission,
                       .reliable = change.reliable,
                       .significant = change.significant};
}

}  // namespace ipt::outcomes
