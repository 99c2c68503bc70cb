// What a course came to, in the few numbers that a clinic's report sums: kept with the course and
// rewritten in the transaction of every write that changes its scores or its sessions, so that a
// report reads one small row a course and no measurement.
//
// Values and pure functions; not synchronized.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "outcomes/domain/change.h"
#include "outcomes/domain/recovery.h"
#include "outcomes/domain/trajectory.h"

namespace ipt::outcomes {

struct EndScore {
  double exact = 0;
  double value = 0;
  absl::Time completed_at;
  friend bool operator==(const EndScore&, const EndScore&) = default;
};

// One measure of a course. A measure without a score in the episode has no result.
struct MeasureResult {
  std::string measure;  // the instrument's id
  std::string rules;    // the instrument's version and the rule sets that it was held against
  BetterWhen better = BetterWhen::kLower;
  int scores = 0;  // that count, in the episode
  EndScore first;
  // The last one, else the first carried forward: `paired` tells.
  EndScore last;
  bool paired = false;
  // Between first and last; without a pair, of the first carried forward: no change.
  ChangeResult change;
  MeasureStatus status;  // for recovery over two measures
  int signals = 0;       // raised, cleared ones among them
  int gains = 0;
  friend bool operator==(const MeasureResult&, const MeasureResult&) = default;
};

struct CourseResult {
  std::vector<MeasureResult> measures;  // by id, each once
  friend bool operator==(const CourseResult&, const CourseResult&) = default;
};

// nullopt where no score counts.
std::optional<MeasureResult> ResultOf(absl::string_view measure, absl::string_view rules_name,
                                      const MeasureRules& rules, const Trajectory& trajectory);

// Puts a measure's result in its place, or takes it away; the others stay as they are.
void SetMeasure(CourseResult& course, absl::string_view measure,
                std::optional<MeasureResult> result);

// What `more` has replaces what `course` has.
void MergeResult(CourseResult& course, const CourseResult& more);

// nullptr where the course has none.
const MeasureResult* FindMeasure(const CourseResult& course, absl::string_view measure);

}  // namespace ipt::outcomes
