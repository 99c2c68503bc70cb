// What a course came to, in the few facts that a clinic's report counts: made of the course's
// outcomes and its copy, and kept, so that a report reads one small row a course and no
// measurement.
//
// Values and pure functions; not synchronized.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "outcomes/domain/change.h"
#include "outcomes/domain/drop_out.h"
#include "outcomes/domain/recovery.h"
#include "outcomes/domain/trajectory.h"

namespace ipt::outcomes {

// A day as its number from 1970-01-01 on: tens of thousands are read and compared for a report, and
// few are shown.
class DayNumber {
 public:
  constexpr DayNumber() = default;
  explicit constexpr DayNumber(int number) : number_(number) {}
  // NOLINTNEXTLINE(google-explicit-constructor): the same day.
  constexpr DayNumber(absl::CivilDay day)
      : number_(static_cast<int>(day - absl::CivilDay(1970, 1, 1))) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator absl::CivilDay() const { return absl::CivilDay(1970, 1, 1) + number_; }

  constexpr int number() const { return number_; }
  friend constexpr auto operator<=>(DayNumber, DayNumber) = default;

 private:
  int number_ = 0;
};

// One measure's total over a course. A measure without a score in the episode has no result.
struct MeasureResult {
  std::string instrument_id{};
  // Of the cut-off and the reliable change that it was held against, each once, with commas
  // between.
  std::string rule_sets{};
  BetterWhen better = BetterWhen::kLower;
  double first = 0;  // exact
  double last = 0;   // the first one carried forward where there is none: `paired` tells
  bool paired = false;
  // Between first and last.
  std::optional<bool> case_at_first{};
  std::optional<bool> response{};
  std::optional<bool> remission{};
  ReliableVerdict reliable = ReliableVerdict::kNotEvaluated;
  SignificantChange significant = SignificantChange::kNotEvaluated;
  friend bool operator==(const MeasureResult&, const MeasureResult&) = default;
};

// nullopt where no score counts.
std::optional<MeasureResult> MeasureResultOf(absl::string_view instrument_id,
                                             const MeasureRules& rules, std::string rule_sets,
                                             const Trajectory& trajectory);

// Days are of the course's zone.
struct CourseResult {
  // False: nothing is known of the course in scheduling. Then there is nothing but the number of
  // its measurements, `left_out`, and `closed_day` and `start_day` are the day of the newest one.
  bool known = false;
  bool in_error = false;  // opened by mistake: counts nowhere
  CourseEnd end = CourseEnd::kOpen;
  std::optional<DayNumber> closed_day{};
  // Of the first and the last attended treatment session.
  std::optional<DayNumber> start_day{};
  std::optional<DayNumber> last_day{};
  int planned_sessions = 0;
  int attended_sessions = 0;  // of the treatment
  int attended = 0;           // all sessions, assessments among them
  int missed = 0;             // not come to
  int indication = 0;         // ipt.scheduling.v1.Indication
  int focus = 0;  // the primary one, as CourseFocus has it; 0: none agreed, or not known
  std::string therapist_id{};
  std::string variant_id{};
  std::string baseline_band{};  // of the first score of the measure of depression; empty: none
  int measurements = 0;         // that it is of
  int left_out = 0;             // since what they belong to is not known, or wrong
  RecoveryResult recovery{};
  std::vector<MeasureResult> measures{};

  bool finished() const { return recovery.finished; }
  friend bool operator==(const CourseResult&, const CourseResult&) = default;
};

}  // namespace ipt::outcomes
