#include "outcomes/domain/change.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "gmock/gmock.h"
#include "tests/outcomes/domain/measures.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using testing::HasBadFields;

TEST(CaseTest, IsReachedAtTheCutOff) {
  EXPECT_EQ(IsCase(Phq9(), 9), false);
  EXPECT_EQ(IsCase(Phq9(), 10), true);
  EXPECT_EQ(IsCase(Gad7(), 7), false);
  EXPECT_EQ(IsCase(Gad7(), 8), true);
  EXPECT_EQ(IsCase(ChangeRules(), 27), std::nullopt);
}

TEST(CaseTest, LiesBelowWhereHigherIsBetter) {
  EXPECT_EQ(IsCase(Who5(), 52), false);
  EXPECT_EQ(IsCase(Who5(), 50), true);
  ChangeRules below = Who5();
  below.cut_off->inclusive = false;
  EXPECT_EQ(IsCase(below, 50), false);
  EXPECT_EQ(IsCase(below, 48), true);
}

TEST(RemissionTest, IsBelowFiveOnPhq9AndAtMostSevenOnHamD) {
  EXPECT_EQ(IsRemitted(Phq9(), 4), true);
  EXPECT_EQ(IsRemitted(Phq9(), 5), false);
  ChangeRules ham_d;
  ham_d.remission = Limit{7, true};
  EXPECT_EQ(IsRemitted(ham_d, 7), true);
  EXPECT_EQ(IsRemitted(ham_d, 8), false);
  EXPECT_EQ(IsRemitted(ChangeRules(), 0), std::nullopt);
}

TEST(ReliableVerdictTest, TheNhssPointsCountWhenReached) {
  EXPECT_EQ(ReliableVerdictOf(Phq9(), 15, 10), ReliableVerdict::kUnchanged);
  EXPECT_EQ(ReliableVerdictOf(Phq9(), 15, 9), ReliableVerdict::kImproved);
  EXPECT_EQ(ReliableVerdictOf(Phq9(), 10, 15), ReliableVerdict::kUnchanged);
  EXPECT_EQ(ReliableVerdictOf(Phq9(), 10, 16), ReliableVerdict::kDeteriorated);
  EXPECT_EQ(ReliableVerdictOf(Gad7(), 10, 7), ReliableVerdict::kUnchanged);
  EXPECT_EQ(ReliableVerdictOf(Gad7(), 10, 6), ReliableVerdict::kImproved);
  EXPECT_EQ(ReliableVerdictOf(Gad7(), 10, 13), ReliableVerdict::kUnchanged);
  EXPECT_EQ(ReliableVerdictOf(Gad7(), 10, 14), ReliableVerdict::kDeteriorated);
}

TEST(ReliableVerdictTest, TurnsWhereHigherIsBetter) {
  EXPECT_EQ(ReliableVerdictOf(Who5(), 40, 49), ReliableVerdict::kUnchanged);
  EXPECT_EQ(ReliableVerdictOf(Who5(), 40, 50), ReliableVerdict::kImproved);
  EXPECT_EQ(ReliableVerdictOf(Who5(), 40, 30), ReliableVerdict::kDeteriorated);
}

TEST(ReliableVerdictTest, AStrictOneMustBePassed) {
  ChangeRules rules;
  rules.reliable_change = ReliableChangeRule{.points = 6, .inclusive = false, .rule_set = "x"};
  EXPECT_EQ(ReliableVerdictOf(rules, 15, 9), ReliableVerdict::kUnchanged);
  EXPECT_EQ(ReliableVerdictOf(rules, 15, 8), ReliableVerdict::kImproved);
}

TEST(ReliableVerdictTest, TenthsOfAPointKeepTheirBoundary) {
  ChangeRules rules;
  rules.reliable_change = ReliableChangeRule{.points = 0.3, .inclusive = true, .rule_set = "x"};
  ASSERT_LT(3.3 - 3.0, 0.3);  // in floating point
  EXPECT_EQ(ReliableVerdictOf(rules, 3.3, 3.0), ReliableVerdict::kImproved);
  rules.reliable_change->inclusive = false;
  ASSERT_GT(8.5 - 8.2, 0.3);
  EXPECT_EQ(ReliableVerdictOf(rules, 3.3, 3.0), ReliableVerdict::kUnchanged);
  EXPECT_EQ(ReliableVerdictOf(rules, 8.5, 8.2), ReliableVerdict::kUnchanged);
}

TEST(ResponseTest, IsADropOfHalfOrMore) {
  const auto response = [](double first, double last) {
    return EvaluateChange(Phq9(), first, last).response;
  };
  EXPECT_EQ(response(20, 10), true);
  EXPECT_EQ(response(20, 11), false);
  EXPECT_EQ(response(15, 7), true);
  EXPECT_EQ(response(15, 8), false);
  EXPECT_EQ(response(10, 20), false);
  EXPECT_EQ(response(0, 0), std::nullopt);  // nothing to drop
  EXPECT_EQ(EvaluateChange(ChangeRules(), 20, 10).response, std::nullopt);
}

TEST(FallShareTest, IsOfTheFirstScore) {
  EXPECT_EQ(FallShare(BetterWhen::kLower, 20, 15), 0.25);
  EXPECT_EQ(FallShare(BetterWhen::kLower, 20, 25), -0.25);
  EXPECT_EQ(FallShare(BetterWhen::kLower, 0, 5), std::nullopt);
  EXPECT_EQ(FallShare(BetterWhen::kHigher, 20, 15), std::nullopt);
}

TEST(SignificantChangeTest, RecoveredIsReliableAndCrossed) {
  EXPECT_EQ(SignificantChangeOf(Phq9(), 15, 9), SignificantChange::kRecovered);
  EXPECT_EQ(SignificantChangeOf(Phq9(), 16, 10), SignificantChange::kImproved);
  EXPECT_EQ(SignificantChangeOf(Phq9(), 14, 9), SignificantChange::kUnchanged);  // crossed only
  EXPECT_EQ(SignificantChangeOf(Phq9(), 9, 3), SignificantChange::kImproved);    // never a case
  EXPECT_EQ(SignificantChangeOf(Phq9(), 9, 15), SignificantChange::kDeteriorated);
  EXPECT_EQ(SignificantChangeOf(Who5(), 40, 60), SignificantChange::kRecovered);
  ChangeRules none = Phq9();
  none.cut_off.reset();
  EXPECT_EQ(SignificantChangeOf(none, 15, 3), SignificantChange::kNotEvaluated);
  none = Phq9();
  none.reliable_change.reset();
  EXPECT_EQ(SignificantChangeOf(none, 15, 3), SignificantChange::kNotEvaluated);
}

TEST(EvaluateChangeTest, PutsAllTogether) {
  const ChangeResult result = EvaluateChange(Phq9(), 16, 4);
  EXPECT_EQ(result.improvement, 12);
  EXPECT_EQ(result.fall_share, 0.75);
  EXPECT_EQ(result.case_at_first, true);
  EXPECT_EQ(result.case_at_last, false);
  EXPECT_EQ(result.response, true);
  EXPECT_EQ(result.remission, true);
  EXPECT_EQ(result.reliable, ReliableVerdict::kImproved);
  EXPECT_EQ(result.significant, SignificantChange::kRecovered);
  EXPECT_EQ(EvaluateChange(Who5(), 60, 40).improvement, -20);
}

RC_GTEST_PROP(ChangePropertyTest, NeverBothBetterAndWorse, ()) {
  const int first = *rc::gen::inRange(0, 28);
  const int last = *rc::gen::inRange(0, 28);
  ChangeRules rules = Phq9();
  rules.reliable_change->points = *rc::gen::inRange(1, 10);
  rules.reliable_change->inclusive = *rc::gen::arbitrary<bool>();
  const ReliableVerdict there = ReliableVerdictOf(rules, first, last);
  const ReliableVerdict back = ReliableVerdictOf(rules, last, first);
  RC_ASSERT((there == ReliableVerdict::kImproved) == (back == ReliableVerdict::kDeteriorated));
  RC_ASSERT((there == ReliableVerdict::kUnchanged) == (back == ReliableVerdict::kUnchanged));
  // A mirrored measure says the same.
  ChangeRules mirrored = rules;
  mirrored.better = BetterWhen::kHigher;
  RC_ASSERT(ReliableVerdictOf(mirrored, 27 - first, 27 - last) == there);
}

// ---- Jacobson and Truax

TEST(NormSetTest, KeepsThePrintedDigits) {
  const NormSet norms{.standard_deviation = 10.5,
                      .reliability = 0.931,
                      .clinical = std::nullopt,
                      .functional = std::nullopt};
  EXPECT_NEAR(StandardError(norms), 2.7581, 0.00005);
  EXPECT_NEAR(DifferenceError(norms), 3.9006, 0.00005);
  EXPECT_NEAR(ReliableChangeOf(norms).points, 7.6451, 0.00006);
  EXPECT_FALSE(ReliableChangeOf(norms).inclusive);
}

// The example of the paper itself: M 40 and 60, SD 7.5, r .80; more is better.
TEST(NormSetTest, ReproducesJacobsonAndTruaxsExample) {
  const NormSet norms{.standard_deviation = 7.5,
                      .reliability = 0.80,
                      .clinical = Norm{40, 7.5},
                      .functional = Norm{60, 7.5}};
  EXPECT_NEAR(StandardError(norms), 3.35, 0.005);
  EXPECT_NEAR(DifferenceError(norms), 4.74, 0.005);
  EXPECT_NEAR(ChangeIndex(norms, 32.5, 47.5), 3.16, 0.005);
  EXPECT_EQ(CutOffOf(norms, BetterWhen::kHigher)->kind, CutOffKind::kC);
  EXPECT_EQ(CutOffOf(norms, BetterWhen::kHigher)->value, 50);
  NormSet one = norms;
  one.functional.reset();
  EXPECT_EQ(CutOffOf(one, BetterWhen::kHigher)->kind, CutOffKind::kA);
  EXPECT_EQ(CutOffOf(one, BetterWhen::kHigher)->value, 55);
  one = norms;
  one.clinical.reset();
  EXPECT_EQ(CutOffOf(one, BetterWhen::kHigher)->kind, CutOffKind::kB);
  EXPECT_EQ(CutOffOf(one, BetterWhen::kHigher)->value, 45);
}

// b takes the functional norm's spread, c weighs each mean with the other's.
TEST(NormSetTest, UnequalSpreadsGoWhereTheyBelong) {
  NormSet norms{.standard_deviation = 5,
                .reliability = 0.9,
                .clinical = Norm{20, 6},
                .functional = Norm{8, 2}};
  // a = 8, b = 12: they overlap.
  EXPECT_EQ(CutOffOf(norms, BetterWhen::kLower)->kind, CutOffKind::kC);
  EXPECT_EQ(CutOffOf(norms, BetterWhen::kLower)->value, (2 * 20.0 + 6 * 8.0) / 8);
  norms.clinical = Norm{30, 6};  // a = 18, beyond b
  EXPECT_EQ(CutOffOf(norms, BetterWhen::kLower)->kind, CutOffKind::kB);
  EXPECT_EQ(CutOffOf(norms, BetterWhen::kLower)->value, 12);
  norms.functional.reset();
  EXPECT_EQ(CutOffOf(norms, BetterWhen::kLower)->value, 18);
  norms.clinical.reset();
  EXPECT_FALSE(CutOffOf(norms, BetterWhen::kLower).has_value());
}

TEST(NormSetTest, WhereTheyJustTouchBAndCAreOne) {
  const NormSet norms{.standard_deviation = 5,
                      .reliability = 0.9,
                      .clinical = Norm{24, 6},
                      .functional = Norm{8, 2}};
  EXPECT_EQ(CutOffOf(norms, BetterWhen::kLower)->value, 12);
}

TEST(NormSetTest, AnIndexOfExactly196IsNotReliable) {
  // Sdiff is 1, so that points are the index.
  const NormSet norms{.standard_deviation = 1,
                      .reliability = 0.5,
                      .clinical = std::nullopt,
                      .functional = std::nullopt};
  ASSERT_NEAR(DifferenceError(norms), 1, 1e-12);
  ChangeRules rules;
  rules.reliable_change = ReliableChangeOf(norms);
  EXPECT_EQ(ReliableVerdictOf(rules, 10, 8.04), ReliableVerdict::kUnchanged);
  EXPECT_EQ(ReliableVerdictOf(rules, 10, 8.03), ReliableVerdict::kImproved);
  EXPECT_EQ(ReliableVerdictOf(rules, 8.04, 10), ReliableVerdict::kUnchanged);
  EXPECT_EQ(ReliableVerdictOf(rules, 8.03, 10), ReliableVerdict::kDeteriorated);
}

// ---- What cannot be

absl::Status Check(const ChangeRules& rules) {
  FieldViolations bad;
  CheckChangeRules(rules, bad.In("rules"));
  return bad.ToStatus();
}

TEST(CheckChangeRulesTest, NamesEveryBadField) {
  EXPECT_TRUE(Check(Phq9()).ok());
  EXPECT_TRUE(Check(Who5()).ok());
  ChangeRules rules = Phq9();
  rules.cut_off->value = std::numeric_limits<double>::quiet_NaN();
  rules.response = 0;
  rules.reliable_change = ReliableChangeRule{.points = 0, .inclusive = true, .rule_set = ""};
  EXPECT_THAT(Check(rules),
              HasBadFields("rules.cut_off.value", "rules.response", "rules.reliable_change.points",
                           "rules.reliable_change.rule_set"));
  rules = Phq9();
  rules.remission->value = 11;  // worse than a case
  EXPECT_THAT(Check(rules), HasBadFields("rules.remission.value"));
  rules = Who5();
  rules.response = 0.5;
  EXPECT_THAT(Check(rules), HasBadFields("rules.response"));
}

TEST(CheckNormSetTest, NamesEveryBadField) {
  FieldViolations bad;
  CheckNormSet({.standard_deviation = 0,
                .reliability = 1,
                .clinical = Norm{10, -1},
                .functional = Norm{12, 3}},
               BetterWhen::kLower, bad.In("norms"));
  EXPECT_THAT(bad.ToStatus(),
              HasBadFields("norms.standard_deviation", "norms.reliability",
                           "norms.clinical.standard_deviation", "norms.functional.mean"));
}

}  // namespace
}  // namespace ipt::outcomes
