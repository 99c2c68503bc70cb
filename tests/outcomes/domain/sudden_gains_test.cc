#include "outcomes/domain/sudden_gains.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ::testing::IsEmpty;
using Series = std::vector<std::optional<double>>;

constexpr std::nullopt_t kNone = std::nullopt;
const SuddenGainRules kBdi{.least_drop = 7};
const SuddenGainRules kPhq9{.least_drop = 6};

TEST(SuddenGainsTest, ReproducesTheWorkedExample) {
  const std::vector<SuddenGain> gains = FindSuddenGains(kBdi, {32, 31, 33, 5, 6, 7}, true);
  ASSERT_EQ(gains.size(), 1u);
  EXPECT_EQ(gains[0].before, 2u);
  EXPECT_EQ(gains[0].state, GainState::kGain);
  EXPECT_EQ(gains[0].drop, 28);
  EXPECT_EQ(gains[0].mean_before - gains[0].mean_after, 26);
  EXPECT_DOUBLE_EQ(gains[0].critical_difference, 2.776);
  EXPECT_TRUE(gains[0].settled);
}

TEST(SuddenGainsTest, TheDropMustReachTheCutOff) {
  EXPECT_EQ(FindSuddenGains(kPhq9, {20, 20, 20, 14, 14, 14}, true).size(), 1u);
  EXPECT_THAT(FindSuddenGains(kPhq9, {20, 20, 20, 15, 15, 15}, true), IsEmpty());
}

TEST(SuddenGainsTest, TheDropMustBeAQuarterOfTheScoreBefore) {
  EXPECT_EQ(FindSuddenGains(kPhq9, {24, 24, 24, 18, 18, 18}, true).size(), 1u);
  EXPECT_THAT(FindSuddenGains(kPhq9, {25, 25, 25, 19, 19, 19}, true), IsEmpty());
}

// The means differ by 6, the pooled deviation is s of (x - d, x, x + d), which is d: of three a
// side, 6 > 2.776 d up to d = 2.16.
TEST(SuddenGainsTest, TheMeansMustDifferByMoreThanTTimesThePooledDeviation) {
  const auto gains = [](double d) {
    const Series series = {20 - d, 20.0, 20 + d, 14 - d, 14 + d, 14.0};
    for (const SuddenGain& gain : FindSuddenGains(kPhq9, series, true)) {
      if (gain.before == 2) return true;
    }
    return false;
  };
  EXPECT_TRUE(gains(2.16));
  EXPECT_FALSE(gains(2.17));
}

// One missing: df 3, t 3.182; one on each side: df 2, t 4.303.
TEST(SuddenGainsTest, MissingScoresTakeTheirT) {
  const auto critical = [](const Series& series) {
    const std::vector<SuddenGain> gains = FindSuddenGains(kPhq9, series, true);
    return gains.size() == 1 ? gains[0].critical_difference : -1;
  };
  // Pooled variances: (2 + 2) / 4 = 1; (0.5 + 2) / 3; (0.5 + 0.5) / 2.
  EXPECT_DOUBLE_EQ(critical({19, 20, 21, 5, 6, 7}), 2.776);
  EXPECT_DOUBLE_EQ(critical({kNone, 20, 21, 5, 6, 7}), 3.182 * std::sqrt(2.5 / 3));
  EXPECT_DOUBLE_EQ(critical({19, 20, 21, 5, kNone, 6}), 3.182 * std::sqrt(2.5 / 3));
  EXPECT_DOUBLE_EQ(critical({20, kNone, 21, 5, 6}), 4.303 * std::sqrt(0.5));
}

TEST(SuddenGainsTest, TwoScoresASideAreTheLeast) {
  EXPECT_THAT(FindSuddenGains(kPhq9, {20, 10, 10, 10}, true), IsEmpty());
  EXPECT_THAT(FindSuddenGains(kPhq9, {kNone, kNone, 20, 10, 10, 10}, true), IsEmpty());
  EXPECT_THAT(FindSuddenGains(kPhq9, {20, 20, 20, 10}, true), IsEmpty());
  EXPECT_THAT(FindSuddenGains(kPhq9, {20, 20, kNone, 10, 10}, true), IsEmpty());
}

TEST(SuddenGainsTest, IsUndecidedUntilTwoLaterScores) {
  std::vector<SuddenGain> gains = FindSuddenGains(kPhq9, {20, 21, 20, 10}, false);
  ASSERT_EQ(gains.size(), 1u);
  EXPECT_EQ(gains[0].state, GainState::kUndecided);
  EXPECT_FALSE(gains[0].settled);
  gains = FindSuddenGains(kPhq9, {20, 21, 20, 10, 10}, false);
  ASSERT_EQ(gains.size(), 1u);
  EXPECT_EQ(gains[0].state, GainState::kGain);
  EXPECT_FALSE(gains[0].settled);
  gains = FindSuddenGains(kPhq9, {20, 21, 20, 10, 10, 11}, false);
  ASSERT_EQ(gains.size(), 1u);
  EXPECT_TRUE(gains[0].settled);
  // What did not last is none.
  EXPECT_THAT(FindSuddenGains(kPhq9, {20, 21, 20, 10, 20, 21}, false), IsEmpty());
  // Two missing after it: never to be told.
  EXPECT_THAT(FindSuddenGains(kPhq9, {20, 21, 20, 10, kNone, kNone, 9}, false), IsEmpty());
}

TEST(SuddenGainsTest, NothingToGainFromZeroOrInAnEmptySeries) {
  EXPECT_THAT(FindSuddenGains(kPhq9, {}, false), IsEmpty());
  EXPECT_THAT(FindSuddenGains(kPhq9, {20}, false), IsEmpty());
  EXPECT_THAT(FindSuddenGains(kPhq9, {0, 0, 0, 0, 0, 0}, false), IsEmpty());
}

RC_GTEST_PROP(SuddenGainsPropertyTest, LaterSessionsDoNotChangeWhatIsSettled, ()) {
  const Series whole = *rc::gen::container<Series>(
      rc::gen::map(rc::gen::inRange(-5, 28), [](int score) -> std::optional<double> {
        if (score < 0) return std::nullopt;
        return score;
      }));
  const size_t size = *rc::gen::inRange<size_t>(0, whole.size() + 1);
  const Series start(whole.begin(), whole.begin() + size);
  const std::vector<SuddenGain> later = FindSuddenGains(kPhq9, whole, true);
  for (const SuddenGain& gain : FindSuddenGains(kPhq9, start, false)) {
    RC_ASSERT(gain.drop >= 6 && gain.share >= 0.25);
    if (!gain.settled) continue;
    RC_ASSERT(gain.state == GainState::kGain);
    RC_ASSERT(std::find(later.begin(), later.end(), gain) != later.end());
  }
}

TEST(CheckSuddenGainRulesTest, NamesEveryBadField) {
  FieldViolations bad;
  CheckSuddenGainRules({.least_drop = 0, .least_share = 2}, BetterWhen::kLower,
                       bad.In("sudden_gains"));
  EXPECT_THAT(bad.ToStatus(),
              testing::HasBadFields("sudden_gains.least_drop", "sudden_gains.least_share"));
  FieldViolations higher;
  CheckSuddenGainRules(kPhq9, BetterWhen::kHigher, higher.In("sudden_gains"));
  EXPECT_THAT(higher.ToStatus(), testing::HasBadFields("sudden_gains"));
}

}  // namespace
}  // namespace ipt::outcomes
