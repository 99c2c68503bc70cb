// Courses that may not be on track: rules over a measure's series, each with an id and a version on
// every signal that it raises. A signal says "review", never "stop": a class of late responders
// shows little change of PHQ-9 until session 6 (Saunders, n = 4394).
//
// On by default (all of the numbers are settings):
//   early-response      first score a case; from day 28 and session 3 on, a fall below 20 %: AMBER
//   reliable-worsening  worse than at first by a reliable change, at once: RED
//   midpoint            from half of the planned sessions on, no reliable improvement: AMBER
//   late-response       from week 12 on, a fall below 50 % and still a case: consider a change
//   no-measure          three due measures missed in a row
// Off by default, since they are of other treatments, ages or places:
//   early-response with IptAdolescentRule()  a fall below 16.2 % by week 4 (HAM-D, IPT-A, n = 63;
//                       Gunlicks-Stoessel and Mufson 2011)
//   cut-points          PHQ-9 at 17 or more in week 4, 13 in week 9, 9 in week 14 (CBT, not IPT)
//   points-by-week      primary care: a fall of 5 points or more by week 4 to 6 is adequate, 2 to 4
//                       doubtful, 1 or less inadequate
//   expected-bound      above what the site's own courses with such a start had by then; only from
//                       a number of courses on that the site must set
//
// A rule is evaluated at every score of the treatment after the first one. A signal is raised by
// the score at which its condition begins to hold, and cleared by the one at which it no longer
// does. Where a rule has nothing more to say (points-by-week after its weeks) its signal stays.
//
// Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "outcomes/domain/change.h"
#include "platform/errors/field_violations.h"

namespace ipt::outcomes {

enum class SignalLevel { kAmber, kRed };

struct RuleName {
  std::string id;
  int version = 1;
  friend bool operator==(const RuleName&, const RuleName&) = default;
};

struct EarlyResponseRule {
  RuleName name{"early-response", 1};
  // The least severe first score that the rule is for; unset, a case by the measure's cut-off
  // (PHQ-9: 10).
  std::optional<double> least_severe_first;
  int from_day = 28;
  int from_session = 3;
  double least_fall = 0.20;  // share of the first score
  SignalLevel level = SignalLevel::kAmber;
};

// By week 4, a fall below 16.2 % of HAM-D. Whatever the first score: the study has no least one,
// and HAM-D no cut-off of caseness to go by.
EarlyResponseRule IptAdolescentRule();

struct WorseningRule {
  RuleName name{"reliable-worsening", 1};
  // Also against the best score since the first, not only against the first.
  bool against_best = false;
  SignalLevel level = SignalLevel::kRed;
};

struct MidpointRule {
  RuleName name{"midpoint", 1};
  SignalLevel level = SignalLevel::kAmber;
};

struct LateResponseRule {
  RuleName name{"late-response", 1};
  int from_day = 84;
  double least_fall = 0.50;
  SignalLevel level = SignalLevel::kAmber;
};

struct CutPoint {
  int from_day = 0;     // until the next cut point's
  double at_least = 0;  // at it or worse
};
struct CutPointRule {
  RuleName name{"cut-points", 1};
  std::vector<CutPoint> points;  // by day
  SignalLevel level = SignalLevel::kAmber;
};
CutPointRule Phq9CbtCutPoints();

struct PointsByWeekRule {
  RuleName name{"points-by-week", 1};
  int from_day = 28;
  int to_day = 42;
  double adequate = 5;  // less is doubtful
  double doubtful = 2;  // less is inadequate
  SignalLevel level = SignalLevel::kAmber;
};

// What courses that began between the two scores had at a session: worse than the bound is unusual.
struct ExpectedBound {
  double first_from = 0;
  double first_to = 0;  // included
  int session = 0;
  double bound = 0;
  int courses = 0;  // that the bound was made of
};
struct ExpectedBoundRule {
  RuleName name{"expected-bound", 1};
  int least_courses = 0;  // a row of fewer is refused
  std::vector<ExpectedBound> bounds;
  SignalLevel level = SignalLevel::kAmber;
};

struct NotOnTrackRules {
  std::vector<EarlyResponseRule> early_response = {EarlyResponseRule()};
  std::optional<WorseningRule> worsening = WorseningRule();
  std::optional<MidpointRule> midpoint = MidpointRule();
  std::optional<LateResponseRule> late_response = LateResponseRule();
  std::optional<CutPointRule> cut_points;
  std::optional<PointsByWeekRule> points_by_week;
  std::optional<ExpectedBoundRule> expected_bound;
};

// Adds a violation for each field that cannot be; ids must be set, and differ.
void CheckNotOnTrackRules(const NotOnTrackRules& rules, FieldViolations bad);

// One score of the treatment, in completed-at order.
struct TrackPoint {
  std::string score_id;
  absl::Time completed_at;
  double value = 0;
  // Since the week clock's start (the day of the first attended session): nullopt before there is
  // one.
  std::optional<int> elapsed_days;
  int sessions = 0;  // attended up to then, that day's among them
};

struct Signal {
  RuleName rule;
  SignalLevel level = SignalLevel::kAmber;
  std::string wording;  // begins with "review"; no scores in it
  std::string raised_by;
  absl::Time raised_at;
  std::string cleared_by;  // empty while it holds
  std::optional<absl::Time> cleared_at;
  friend bool operator==(const Signal&, const Signal&) = default;
};

enum class RuleSkipped {
  kNoReliableChange,  // the measure has no reliable-change value
  kNoCutOff,
  kHigherIsBetter,  // a fall is not defined
  kFirstNotSevere,  // the first score is below what the rule is for
  kNoPlan,          // the number of planned sessions is not known
};

struct SkippedRule {
  RuleName rule;
  RuleSkipped why = RuleSkipped::kNoReliableChange;
  friend bool operator==(const SkippedRule&, const SkippedRule&) = default;
};

struct TrackVerdict {
  std::vector<Signal> signals;  // by raised_at
  // What could not be asked of this measure or course, so that no signal is not taken for "fine".
  std::vector<SkippedRule> skipped;
};

// Too many measures that were due and that nobody recorded: no measure is a signal, too.
struct NoMeasureRule {
  RuleName name{"no-measure", 1};
  int in_a_row = 3;
  SignalLevel level = SignalLevel::kAmber;
};

// An occasion on which a measure was asked for, once it is missed or answered.
struct AskedPoint {
  bool missed = false;
  absl::Time at{};         // since when it cannot be made up for, or when it was completed
  std::string score_id{};  // where answered
};

// `points` by the days that they were for. Raised by no score.
std::vector<Signal> EvaluateMissed(const NoMeasureRule& rule,
                                   const std::vector<AskedPoint>& points);

// `points` by completed_at, the first one being the course's first score. `planned_sessions` is 0
// where it is not known.
TrackVerdict EvaluateTrack(const NotOnTrackRules& rules, const ChangeRules& change,
                           int planned_sessions, const std::vector<TrackPoint>& points);

}  // namespace ipt::outcomes
