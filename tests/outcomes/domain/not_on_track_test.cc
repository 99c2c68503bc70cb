#include "outcomes/domain/not_on_track.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/outcomes/domain/measures.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ::ipt::testing::HasBadFields;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct At {
  int day;
  int sessions;
  double value;
};

// The score on day d is "s<d>".
TrackVerdict Evaluate(const NotOnTrackRules& rules, const std::vector<At>& scores,
                      const ChangeRules& change = Phq9(), int planned = 16) {
  std::vector<TrackPoint> points;
  for (const At& at : scores) {
    points.push_back({.score_id = absl::StrCat("s", at.day),
                      .completed_at = absl::UnixEpoch() + absl::Hours(24 * at.day),
                      .value = at.value,
                      .elapsed_days = at.day,
                      .sessions = at.sessions});
  }
  return EvaluateTrack(rules, change, planned, points);
}

NotOnTrackRules None() {
  NotOnTrackRules rules;
  rules.early_response.clear();
  rules.worsening.reset();
  rules.midpoint.reset();
  rules.late_response.reset();
  return rules;
}

NotOnTrackRules EarlyOnly() {
  NotOnTrackRules rules = None();
  rules.early_response = {EarlyResponseRule()};
  return rules;
}

std::vector<std::string> Raised(const TrackVerdict& verdict) {
  std::vector<std::string> raised;
  for (const Signal& signal : verdict.signals) {
    raised.push_back(absl::StrCat(signal.rule.id, "@", signal.raised_by));
  }
  return raised;
}

TEST(EarlyResponseTest, AsksFromDay28AndSession3On) {
  EXPECT_THAT(Raised(Evaluate(EarlyOnly(), {{0, 1, 20}, {27, 4, 20}})), IsEmpty());
  EXPECT_THAT(Raised(Evaluate(EarlyOnly(), {{0, 1, 20}, {28, 2, 20}})), IsEmpty());
  EXPECT_THAT(Raised(Evaluate(EarlyOnly(), {{0, 1, 20}, {28, 3, 20}})),
              ElementsAre("early-response@s28"));
}

TEST(EarlyResponseTest, AFallOfExactlyTwentyPercentIsEnough) {
  EXPECT_THAT(Raised(Evaluate(EarlyOnly(), {{0, 1, 20}, {28, 4, 16}})), IsEmpty());
  EXPECT_THAT(Raised(Evaluate(EarlyOnly(), {{0, 1, 20}, {28, 4, 17}})),
              ElementsAre("early-response@s28"));
  // 20 % of 15 is 3, though 0.2 * 15 is a little more in floating point.
  EXPECT_THAT(Raised(Evaluate(EarlyOnly(), {{0, 1, 15}, {28, 4, 12}})), IsEmpty());
}

TEST(EarlyResponseTest, IsForCasesOnly) {
  EXPECT_THAT(Evaluate(EarlyOnly(), {{0, 1, 9}, {28, 4, 9}}).skipped,
              ElementsAre(SkippedRule{{"early-response", 1}, RuleSkipped::kFirstNotSevere}));
  EXPECT_THAT(Raised(Evaluate(EarlyOnly(), {{0, 1, 10}, {28, 4, 9}})),
              ElementsAre("early-response@s28"));
  NotOnTrackRules rules = EarlyOnly();
  rules.early_response[0].least_severe_first = 15;
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 14}, {28, 4, 14}})), IsEmpty());
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 15}, {28, 4, 15}})),
              ElementsAre("early-response@s28"));
}

TEST(EarlyResponseTest, IptAsksForAnotherFallOfAdolescents) {
  NotOnTrackRules rules = None();
  rules.early_response = {IptAdolescentRule()};
  ChangeRules ham_d;
  ham_d.remission = Limit{7, true};  // which has no cut-off of caseness
  // 16.2 % of 20 is 3.24.
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 0, 20}, {28, 0, 17}}, ham_d)),
              ElementsAre("ipt-a-week-4@s28"));
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 0, 20}, {28, 0, 16}}, ham_d)), IsEmpty());
}

TEST(SignalTest, IsClearedByTheScoreThatEndsItAndMayComeAgain) {
  const TrackVerdict verdict =
      Evaluate(EarlyOnly(), {{0, 1, 20}, {28, 4, 19}, {35, 5, 18}, {42, 6, 12}, {49, 7, 18}});
  ASSERT_EQ(verdict.signals.size(), 2u);
  EXPECT_EQ(verdict.signals[0].raised_by, "s28");
  EXPECT_EQ(verdict.signals[0].cleared_by, "s42");
  EXPECT_EQ(verdict.signals[0].cleared_at, absl::UnixEpoch() + absl::Hours(24 * 42));
  EXPECT_EQ(verdict.signals[1].raised_by, "s49");
  EXPECT_EQ(verdict.signals[1].cleared_by, "");
  EXPECT_EQ(verdict.signals[1].cleared_at, std::nullopt);
}

TEST(WorseningTest, IsRedAtOnceFromAReliableRiseOn) {
  NotOnTrackRules rules = None();
  rules.worsening = WorseningRule();
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 10}, {7, 2, 15}})), IsEmpty());
  const TrackVerdict verdict = Evaluate(rules, {{0, 1, 10}, {7, 2, 16}});
  EXPECT_THAT(Raised(verdict), ElementsAre("reliable-worsening@s7"));
  EXPECT_EQ(verdict.signals[0].level, SignalLevel::kRed);
  // Whichever way the measure goes.
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 40}, {7, 2, 31}}, Who5())), IsEmpty());
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 40}, {7, 2, 30}}, Who5())),
              ElementsAre("reliable-worsening@s7"));
}

TEST(WorseningTest, MayAlsoBeHeldAgainstTheBestScore) {
  NotOnTrackRules rules = None();
  rules.worsening = WorseningRule();
  const std::vector<At> relapse = {{0, 1, 20}, {7, 2, 8}, {14, 3, 13}, {21, 4, 14}};
  EXPECT_THAT(Raised(Evaluate(rules, relapse)), IsEmpty());
  rules.worsening->against_best = true;
  EXPECT_THAT(Raised(Evaluate(rules, relapse)), ElementsAre("reliable-worsening@s21"));
}

TEST(MidpointTest, AsksForReliableImprovementFromHalfOfTheSessionsOn) {
  NotOnTrackRules rules = None();
  rules.midpoint = MidpointRule();
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 20}, {49, 7, 20}})), IsEmpty());
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 20}, {56, 8, 15}})), ElementsAre("midpoint@s56"));
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 20}, {56, 8, 14}})), IsEmpty());
  // Of an odd number, the greater half.
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 20}, {21, 3, 20}}, Phq9(), 7)), IsEmpty());
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 20}, {28, 4, 20}}, Phq9(), 7)),
              ElementsAre("midpoint@s28"));
}

TEST(LateResponseTest, AsksForHalfOrNoCaseFromWeekTwelveOn) {
  NotOnTrackRules rules = None();
  rules.late_response = LateResponseRule();
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 24}, {83, 12, 20}})), IsEmpty());
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 24}, {84, 12, 13}})),
              ElementsAre("late-response@s84"));
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 24}, {84, 12, 12}})), IsEmpty());  // half
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 12}, {84, 12, 9}})), IsEmpty());   // no case
  EXPECT_THAT(Raised(Evaluate(rules, {{0, 1, 12}, {84, 12, 10}})),
              ElementsAre("late-response@s84"));
}

TEST(CutPointTest, HoldUntilTheNextOne) {
  NotOnTrackRules rules = None();
  rules.cut_points = Phq9CbtCutPoints();
  const auto raised = [&rules](int day, double value) {
    return !Evaluate(rules, {{0, 1, 20}, {day, 1, value}}).signals.empty();
  };
  EXPECT_FALSE(raised(27, 27));
  EXPECT_TRUE(raised(28, 17));
  EXPECT_FALSE(raised(28, 16));
  EXPECT_FALSE(raised(62, 16));
  EXPECT_TRUE(raised(63, 13));
  EXPECT_FALSE(raised(63, 12));
  EXPECT_FALSE(raised(97, 12));
  EXPECT_TRUE(raised(98, 9));
  EXPECT_FALSE(raised(98, 8));
}

TEST(PointsByWeekTest, TellsDoubtfulFromInadequate) {
  NotOnTrackRules rules = None();
  rules.points_by_week = PointsByWeekRule();
  const auto wording = [&rules](int day, double value) {
    const TrackVerdict verdict = Evaluate(rules, {{0, 1, 20}, {day, 1, value}});
    return verdict.signals.empty() ? std::string() : verdict.signals[0].wording;
  };
  EXPECT_EQ(wording(27, 20), "");
  EXPECT_EQ(wording(28, 15), "");  // 5 points
  EXPECT_THAT(wording(28, 16), ::testing::HasSubstr("doubtful"));
  EXPECT_THAT(wording(42, 18), ::testing::HasSubstr("doubtful"));    // 2 points
  EXPECT_THAT(wording(42, 19), ::testing::HasSubstr("inadequate"));  // 1 point
  EXPECT_EQ(wording(43, 20), "");
  // After its weeks the rule has nothing to say, so that the signal stays.
  EXPECT_EQ(Evaluate(rules, {{0, 1, 20}, {42, 6, 20}, {49, 7, 5}}).signals[0].cleared_by, "");
}

TEST(ExpectedBoundTest, IsOfASessionAndAStart) {
  NotOnTrackRules rules = None();
  rules.expected_bound = ExpectedBoundRule();
  rules.expected_bound->least_courses = 100;
  rules.expected_bound->bounds = {{15, 20, 5, 14, 240}};
  const auto raised = [&rules](double first, int session, double value) {
    return !Evaluate(rules, {{0, 1, first}, {30, session, value}}).signals.empty();
  };
  EXPECT_TRUE(raised(15, 5, 15));
  EXPECT_TRUE(raised(20, 5, 15));
  EXPECT_FALSE(raised(20, 5, 14));
  EXPECT_FALSE(raised(20, 6, 20));
  EXPECT_FALSE(raised(21, 5, 20));
  EXPECT_FALSE(raised(14, 5, 20));
}

TEST(EvaluateTrackTest, SaysWhatCouldNotBeAsked) {
  ChangeRules bare;
  EXPECT_THAT(Evaluate(NotOnTrackRules(), {{0, 1, 20}, {90, 12, 20}}, bare).skipped,
              ElementsAre(SkippedRule{{"early-response", 1}, RuleSkipped::kNoCutOff},
                          SkippedRule{{"reliable-worsening", 1}, RuleSkipped::kNoReliableChange},
                          SkippedRule{{"midpoint", 1}, RuleSkipped::kNoReliableChange},
                          SkippedRule{{"late-response", 1}, RuleSkipped::kNoCutOff}));
  EXPECT_THAT(Evaluate(NotOnTrackRules(), {{0, 1, 20}, {90, 12, 20}}, Who5(), 0).skipped,
              ElementsAre(SkippedRule{{"early-response", 1}, RuleSkipped::kHigherIsBetter},
                          SkippedRule{{"midpoint", 1}, RuleSkipped::kNoPlan},
                          SkippedRule{{"late-response", 1}, RuleSkipped::kHigherIsBetter}));
}

TEST(EvaluateTrackTest, TheDefaultsOnACourseThatStays) {
  const TrackVerdict verdict =
      Evaluate(NotOnTrackRules(),
               {{0, 1, 18}, {7, 2, 24}, {14, 3, 18}, {28, 5, 18}, {56, 9, 17}, {84, 12, 16}});
  EXPECT_THAT(Raised(verdict), ElementsAre("reliable-worsening@s7", "early-response@s28",
                                           "midpoint@s56", "late-response@s84"));
  for (const Signal& signal : verdict.signals) {
    EXPECT_TRUE(absl::StartsWith(signal.wording, "review")) << signal.wording;
    EXPECT_EQ(signal.rule.version, 1);
  }
}

TEST(EvaluateTrackTest, ASingleScoreRaisesNothing) {
  EXPECT_THAT(Evaluate(NotOnTrackRules(), {{84, 12, 27}}).signals, IsEmpty());
  EXPECT_THAT(Evaluate(NotOnTrackRules(), {}).signals, IsEmpty());
}

TEST(EvaluateTrackTest, DaysAreNotCountedBeforeTheFirstAttendedSession) {
  const std::vector<TrackPoint> points = {
      {"a", absl::UnixEpoch(), 20, std::nullopt, 0},
      {"b", absl::UnixEpoch() + absl::Hours(24 * 60), 20, std::nullopt, 5}};
  EXPECT_THAT(EvaluateTrack(EarlyOnly(), Phq9(), 16, points).signals, IsEmpty());
}

TEST(CheckNotOnTrackRulesTest, AcceptsWhatShips) {
  NotOnTrackRules rules;
  rules.early_response.push_back(IptAdolescentRule());
  rules.cut_points = Phq9CbtCutPoints();
  rules.points_by_week = PointsByWeekRule();
  FieldViolations bad;
  CheckNotOnTrackRules(rules, bad.In("rules"));
  EXPECT_TRUE(bad.empty()) << bad.ToStatus();
}

TEST(CheckNotOnTrackRulesTest, NamesEveryBadField) {
  NotOnTrackRules rules;
  rules.early_response[0].least_fall = 0;
  rules.early_response[0].from_day = -1;
  rules.early_response.push_back(EarlyResponseRule());  // the same id again
  rules.worsening->name.version = 0;
  rules.midpoint->name.id = "";
  rules.late_response->least_fall = 1.5;
  rules.cut_points = CutPointRule();
  rules.cut_points->points = {{28, 17}, {28, 13}};
  rules.points_by_week = PointsByWeekRule();
  rules.points_by_week->to_day = 27;
  rules.points_by_week->doubtful = 5;
  rules.expected_bound = ExpectedBoundRule();
  rules.expected_bound->least_courses = 50;
  rules.expected_bound->bounds = {{20, 15, 0, 10, 49}};
  FieldViolations bad;
  CheckNotOnTrackRules(rules, bad.In("rules"));
  EXPECT_THAT(
      bad.ToStatus(),
      HasBadFields("rules.early_response[0].least_fall", "rules.early_response[0].from_day",
                   "rules.early_response[1].id", "rules.worsening.version", "rules.midpoint.id",
                   "rules.late_response.least_fall", "rules.cut_points.points[1].from_day",
                   "rules.points_by_week.to_day", "rules.points_by_week.doubtful",
                   "rules.expected_bound.bounds[0].first_to",
                   "rules.expected_bound.bounds[0].session",
                   "rules.expected_bound.bounds[0].courses"));
}

}  // namespace
}  // namespace ipt::outcomes
