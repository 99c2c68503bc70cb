#include "outcomes/domain/course_result.h"

#include <algorithm>
#include <utility>

namespace ipt::outcomes {
namespace {

EndScore EndScoreOf(const ScorePoint& score) {
  return {score.exact, score.value, score.completed_at};
}

auto Place(const std::vector<MeasureResult>& measures, absl::string_view measure) {
  return std::lower_bound(
      measures.begin(), measures.end(), measure,
      [](const MeasureResult& result, absl::string_view id) { return result.measure < id; });
}

}  // namespace

std::optional<MeasureResult> ResultOf(absl::string_view measure, absl::string_view rules_name,
                                      const MeasureRules& rules, const Trajectory& trajectory) {
  if (!trajectory.first.index.has_value()) return std::nullopt;
  MeasureResult result;
  result.measure = std::string(measure);
  result.rules = std::string(rules_name);
  result.better = rules.change.better;
  result.scores = trajectory.counted;
  result.first = EndScoreOf(trajectory.scores[*trajectory.first.index].score);
  result.paired = trajectory.last.index.has_value();
  result.last =
      result.paired ? EndScoreOf(trajectory.scores[*trajectory.last.index].score) : result.first;
  result.change = EvaluateChange(rules.change, result.first.value, result.last.value);
  result.status = StatusOf(rules.change, result.first.value,
                           result.paired ? std::optional<double>(result.last.value) : std::nullopt);
  result.signals = static_cast<int>(trajectory.track.signals.size());
  result.gains = static_cast<int>(
      std::count_if(trajectory.gains.begin(), trajectory.gains.end(),
                    [](const PlacedGain& gain) { return gain.gain.state == GainState::kGain; }));
  return result;
}

void SetMeasure(CourseResult& course, absl::string_view measure,
                std::optional<MeasureResult> result) {
  auto at = course.measures.begin() + (Place(course.measures, measure) - course.measures.begin());
  const bool there = at != course.measures.end() && at->measure == measure;
  if (!result.has_value()) {
    if (there) course.measures.erase(at);
  } else if (there) {
    *at = *std::move(result);
  } else {
    course.measures.insert(at, *std::move(result));
  }
}

void MergeResult(CourseResult& course, const CourseResult& more) {
  for (const MeasureResult& result : more.measures) SetMeasure(course, result.measure, result);
}

const MeasureResult* FindMeasure(const CourseResult& course, absl::string_view measure) {
  const auto at = Place(course.measures, measure);
  return at != course.measures.end() && at->measure == measure ? &*at : nullptr;
}

}  // namespace ipt::outcomes
