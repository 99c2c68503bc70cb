// A clinic's report, from course results and what became of the courses: counts and flow,
// completion, drop-out, attendance, pre-post effect sizes, rates with their intervals, by group,
// beside published results.
//
// One pass: a ReportTally adds course after course and keeps no row, and tallies of parts merge to
// the very tally of the whole, so that a report can be made in parts, in any order.
//
// Outcomes are of courses that ended in the period and had started (a session attended). Three
// populations of a measure stand side by side, since leaving out those who left flatters:
//   paired      all with a first and a last score
//   completers  of these, completed or finished early by agreement
//   itt         all with a first score, the last one that there is carried forward (LOCF)
// Response and remission are of those who were a case at first, where the measure has a cut-off.
//
// Small numbers are suppressed as suppression.h says. How many have a first score or a pair is of
// the data and not of anybody's outcome: it is shown unless it is itself small. A rate's interval
// is Wilson's; of attendance there is none, since appointments of one course are not independent.
// The effect size and its interval are statistics.h's.
//
// Values; not synchronized.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "outcomes/domain/course_result.h"
#include "outcomes/domain/published.h"
#include "outcomes/domain/recovery.h"
#include "outcomes/domain/statistics.h"
#include "platform/errors/field_violations.h"

namespace ipt::outcomes {

enum class CourseEnd {
  kOpen,
  kCompleted,
  kAgreedEarly,  // finished early by agreement: never a drop-out
  kDroppedOut,   // ended by the patient, without agreement
  kOther,        // referred on, moved away, not suitable, deceased
};

// What counts as drop-out; rates differ by it, so that every rate says which it is.
enum class DropOutDefinition {
  // Ended without agreement, before the contracted number of sessions; of courses that had started.
  kBeforeContracted,
  // Ended with less than half of the contracted sessions, agreed early finishes aside; of courses
  // that had started.
  kUnderHalf,
  // Ended in any other way than completed or agreed; of all courses that ended.
  kAnyNonCompletion,
};
inline constexpr int kDropOutDefinitions = 3;

// What a report needs to know of a course besides its result. Courses entered in error are the
// caller's to leave out.
struct ReportedCourse {
  std::string group;  // of what the report is by; empty without grouping
  bool opened_in_period = false;
  bool ended_in_period = false;
  CourseEnd end = CourseEnd::kOpen;  // kOpen unless ended_in_period
  int contracted_sessions = 0;
  int attended = 0;  // treatment sessions
  int no_shows = 0;
  int late_cancellations = 0;
  int cancellations = 0;  // in time
};

// Whether a course that has ended is a drop-out, and is counted at all.
bool IsDropOut(DropOutDefinition definition, const ReportedCourse& course);
bool CountsForDropOut(DropOutDefinition definition, const ReportedCourse& course);

// The measures that recovery is over. Of the anxiety measures, the first that the course has a
// pair of, else the first that it has at all.
struct RecoveryMeasures {
  std::string depression;
  std::vector<std::string> anxiety;
};

struct MeasureTally {
  BetterWhen better = BetterWhen::kLower;
  std::set<std::string> rules;  // the names of MeasureResult::rules
  PairMoments paired;
  PairMoments completers;
  PairMoments itt;
  int64_t cases = 0;          // paired, a case at first
  int64_t not_cases = 0;      // paired, with a cut-off
  int64_t carried_cases = 0;  // not paired, a case at first
  int64_t carried_not_cases = 0;
  Rate response;  // paired
  Rate response_itt;
  Rate remission;
  Rate remission_itt;
  int64_t reliable_of = 0;
  int64_t reliably_improved = 0;
  int64_t reliably_unchanged = 0;
  int64_t reliably_deteriorated = 0;
  int64_t significant_of = 0;
  int64_t significant_recovered = 0;
  int64_t significant_improved = 0;
  int64_t significant_unchanged = 0;
  int64_t significant_deteriorated = 0;

  void Add(const MeasureResult& result, bool completer);
  void Merge(const MeasureTally& other);
  friend bool operator==(const MeasureTally&, const MeasureTally&) = default;
};

// Of one group.
struct GroupTally {
  int64_t courses = 0;
  int64_t opened = 0;
  int64_t ended = 0;
  int64_t started = 0;  // of the ended
  // Of the started and ended, as the next three.
  int64_t completed = 0;
  int64_t agreed_early = 0;
  int64_t dropped_out = 0;
  int64_t ended_otherwise = 0;
  std::array<Rate, kDropOutDefinitions> drop_out;
  int64_t attended = 0;  // appointments, of all courses
  int64_t no_shows = 0;
  int64_t late_cancellations = 0;
  int64_t cancellations = 0;
  std::map<std::string, MeasureTally, std::less<>> measures;
  RecoveryTally recovery;

  void Add(const ReportedCourse& course, const CourseResult& result,
           const std::optional<RecoveryMeasures>& recovery_of);
  void Merge(const GroupTally& other);
  friend bool operator==(const GroupTally&, const GroupTally&) = default;
};

class ReportTally {
 public:
  explicit ReportTally(std::optional<RecoveryMeasures> recovery = std::nullopt)
      : recovery_(std::move(recovery)) {}

  void Add(const ReportedCourse& course, const CourseResult& result);
  // REQUIRES: made for the same recovery measures.
  void Merge(const ReportTally& other);

  const std::optional<RecoveryMeasures>& recovery() const { return recovery_; }
  const std::map<std::string, GroupTally, std::less<>>& groups() const { return groups_; }
  GroupTally Total() const;

 private:
  std::optional<RecoveryMeasures> recovery_;
  std::map<std::string, GroupTally, std::less<>> groups_;
};

// ---- The report

struct ReportOptions {
  bool by_group = false;
  DropOutDefinition drop_out = DropOutDefinition::kBeforeContracted;
  // The least number of people that may be shown; below 2, nothing is suppressed.
  int least_shown = 5;
};

void CheckReportOptions(const ReportOptions& options, FieldViolations bad);

enum class CellState {
  kShown,
  kSuppressed,  // the numbers are few, or would tell of others that are
  kEmpty,       // nobody to count
};

struct CountCell {
  CellState state = CellState::kEmpty;
  int64_t count = 0;  // of kShown, as all below
};

struct RateCell {
  CellState state = CellState::kEmpty;
  Rate rate;
  double value = 0;  // hits / of
  std::optional<ConfidenceInterval> interval;
};

struct EffectCell {
  CellState state = CellState::kEmpty;  // kEmpty also where all first scores are equal
  EffectSize effect;
};

struct MeasureReport {
  std::string measure;
  // What its courses were held against; more than one where definitions changed in the period.
  std::vector<std::string> rules;
  CountCell with_first;
  CountCell pairs;
  RateCell paired_data;  // pairs, of the started and ended
  EffectCell paired;
  EffectCell completers;
  EffectCell itt;
  RateCell case_at_first;  // of the paired
  RateCell response;
  RateCell response_itt;
  RateCell remission;
  RateCell remission_itt;
  RateCell reliably_improved;  // of the paired, as all below
  RateCell reliably_unchanged;
  RateCell reliably_deteriorated;
  RateCell significant_recovered;
  RateCell significant_improved;
  RateCell significant_unchanged;
  RateCell significant_deteriorated;
};

struct RecoveryReport {
  CountCell finished;
  RateCell paired_data;
  RateCell case_at_start;  // of the finished
  // As published (recovery.h), and of those with an outcome.
  RateCell recovery;
  RateCell reliable_recovery;
  RateCell improvement;
  RateCell no_reliable_change;
  RateCell deterioration;
  RateCell paired_recovery;
  RateCell paired_reliable_recovery;
  RateCell paired_improvement;
  RateCell paired_no_reliable_change;
  RateCell paired_deterioration;
};

struct GroupReport {
  std::string group;
  CountCell courses;
  CountCell opened;
  CountCell ended;
  CountCell started;
  CountCell completed;
  CountCell agreed_early;
  CountCell dropped_out;
  CountCell ended_otherwise;
  RateCell completion;      // completed or agreed, of the started and ended
  RateCell drop_out;        // by ReportOptions::drop_out
  RateCell attendance;      // attended, of attended, missed and cancelled late
  CountCell cancellations;  // in time
  std::vector<MeasureReport> measures;
  std::optional<RecoveryReport> recovery;
};

// A published result and which of the report's numbers it may stand beside.
struct PublishedComparison {
  PublishedResult published;
  std::string measure;  // of the effect; empty for rates
};

struct ClinicReport {
  ReportOptions options;
  GroupReport total;
  std::vector<GroupReport> groups;  // by name
  // Beside total.measures[].itt, drop_out, recovery and paired_data.
  std::vector<PublishedComparison> comparisons;
  // To read, not to compare with.
  std::vector<PublishedResult> context;
  absl::string_view effect_method = kEffectSizeMethod;
  absl::string_view effect_interval_method = kEffectIntervalMethod;
  absl::string_view rate_interval_method = "95 %, Wilson's score interval";
};

ClinicReport BuildClinicReport(const ReportTally& tally, const ReportOptions& options);

}  // namespace ipt::outcomes
