#include "outcomes/domain/statistics.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "gmock/gmock.h"

namespace ipt::outcomes {
namespace {

using Pairs = std::vector<std::pair<double, double>>;

PairMoments MomentsOf(const Pairs& pairs) {
  PairMoments moments;
  for (const auto& [first, last] : pairs) moments.Add(first, last);
  return moments;
}

// Scores with the fractions that prorating makes.
rc::Gen<Pairs> AnyPairs() {
  const auto score =
      rc::gen::map(rc::gen::pair(rc::gen::inRange(-900, 900), rc::gen::inRange(1, 10)),
                   [](std::pair<int, int> parts) { return parts.first * 9.0 / parts.second; });
  return rc::gen::container<Pairs>(rc::gen::pair(score, score));
}

TEST(MomentsTest, AreTheTextbooksOnes) {
  Moments moments;
  EXPECT_EQ(moments.mean(), 0);
  EXPECT_EQ(moments.variance(), std::nullopt);
  for (const double value : {2, 4, 4, 4, 5, 5, 7, 9}) moments.Add(value);
  EXPECT_EQ(moments.count(), 8);
  EXPECT_EQ(moments.mean(), 5);
  EXPECT_DOUBLE_EQ(*moments.variance(), 32.0 / 7);
  EXPECT_DOUBLE_EQ(*moments.standard_deviation(), std::sqrt(32.0 / 7));
}

TEST(MomentsTest, OneValueHasNoVarianceAndEqualOnesHaveNone) {
  Moments moments;
  moments.Add(3.7);
  EXPECT_EQ(moments.variance(), std::nullopt);
  moments.Add(3.7);
  EXPECT_EQ(moments.variance(), 0);
}

// Where sums of squares of floating point numbers would cancel to nothing.
TEST(MomentsTest, DoNotCancelFarFromZero) {
  Moments moments;
  for (int i = 0; i < 1'000'000; ++i) moments.Add(9'999 + 0.001 * (i % 2));
  EXPECT_NEAR(*moments.variance() * 1e6, 0.25, 1e-6);
}

RC_GTEST_PROP(MomentsPropertyTest, PartsMergeToTheWholeToTheLastBit, ()) {
  const Pairs pairs = *AnyPairs();
  const PairMoments whole = MomentsOf(pairs);
  std::vector<PairMoments> parts(*rc::gen::inRange<size_t>(1, 6));
  for (const auto& [first, last] : pairs) {
    parts[*rc::gen::inRange<size_t>(0, parts.size())].Add(first, last);
  }
  PairMoments merged;
  for (const PairMoments& part : parts) merged.Merge(part);
  RC_ASSERT(merged == whole);
  RC_ASSERT(merged.covariance() == whole.covariance());
}

RC_GTEST_PROP(MomentsPropertyTest, AgreeWithTwoPasses, ()) {
  const Pairs pairs = *rc::gen::suchThat(AnyPairs(), [](const Pairs& p) { return p.size() > 1; });
  const double n = static_cast<double>(pairs.size());
  double first_mean = 0;
  double last_mean = 0;
  for (const auto& [first, last] : pairs) {
    first_mean += first / n;
    last_mean += last / n;
  }
  double variance = 0;
  double covariance = 0;
  double difference = 0;
  for (const auto& [first, last] : pairs) {
    variance += std::pow(first - first_mean, 2) / (n - 1);
    covariance += (first - first_mean) * (last - last_mean) / (n - 1);
    difference += std::pow((last - last_mean) - (first - first_mean), 2) / (n - 1);
  }
  const PairMoments moments = MomentsOf(pairs);
  // Values are kept to a millionth.
  auto near = [](double a, double b) { return std::abs(a - b) <= 1e-2 + 1e-7 * std::abs(b); };
  RC_ASSERT(near(moments.first().mean(), first_mean));
  RC_ASSERT(near(*moments.first().variance(), variance));
  RC_ASSERT(near(*moments.covariance(), covariance));
  RC_ASSERT(near(*moments.difference_variance(), difference));
}

// The four examples of Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
TEST(WilsonIntervalTest, ReproducesNewcombesTable) {
  const auto expect = [](int64_t hits, int64_t of, double low, double high) {
    const ConfidenceInterval interval = *WilsonInterval(hits, of);
    EXPECT_NEAR(interval.low, low, 0.00005) << hits << " of " << of;
    EXPECT_NEAR(interval.high, high, 0.00005) << hits << " of " << of;
  };
  expect(81, 263, 0.2553, 0.3662);
  expect(15, 148, 0.0624, 0.1605);
  expect(0, 20, 0.0000, 0.1611);
  expect(1, 29, 0.0061, 0.1718);
}

TEST(WilsonIntervalTest, NobodyHasNone) { EXPECT_EQ(WilsonInterval(0, 0), std::nullopt); }

RC_GTEST_PROP(WilsonIntervalPropertyTest, LiesWithinZeroAndOneAroundTheRate, ()) {
  const int64_t of = *rc::gen::inRange<int64_t>(1, 1'000'000);
  const int64_t hits =
      *rc::gen::element<int64_t>(0, 1, of / 2, of - 1, of, *rc::gen::inRange<int64_t>(0, of));
  const ConfidenceInterval interval = *WilsonInterval(hits, of);
  const double rate = static_cast<double>(hits) / static_cast<double>(of);
  RC_ASSERT(0 <= interval.low && interval.low <= rate);
  RC_ASSERT(rate <= interval.high && interval.high <= 1);
  RC_ASSERT(interval.low < interval.high);
  // As wide from the other side.
  const ConfidenceInterval misses = *WilsonInterval(of - hits, of);
  RC_ASSERT(std::abs(misses.low - (1 - interval.high)) < 1e-12);
}

TEST(PrePostEffectSizeTest, IsTheMeanDropInStandardDeviationsOfTheFirst) {
  const PairMoments pairs =
      MomentsOf({{18, 9}, {15, 8}, {21, 15}, {12, 10}, {16, 4}, {14, 13}, {20, 12}, {19, 6}});
  const EffectSize effect = *PrePostEffectSize(pairs, false);
  EXPECT_EQ(effect.pairs, 8);
  EXPECT_EQ(effect.first_mean, 16.875);
  EXPECT_EQ(effect.last_mean, 9.625);
  EXPECT_NEAR(effect.first_standard_deviation, 3.136764, 1e-6);
  EXPECT_NEAR(effect.last_standard_deviation, 3.662064, 1e-6);
  EXPECT_NEAR(effect.d, 2.311299, 1e-6);
  // By hand: var(last - first) = 18.214286 and var(first) = 9.839286, so that the variance of d is
  // 18.214286 / (9.839286 * 7) + 2.311299^2 / 14 = 0.646033.
  EXPECT_NEAR(effect.interval.low, 0.735955, 1e-6);
  EXPECT_NEAR(effect.interval.high, 3.886644, 1e-6);
}

TEST(PrePostEffectSizeTest, TurnsItsSignWhereHigherIsBetter) {
  const PairMoments pairs = MomentsOf({{20, 60}, {30, 50}, {40, 55}});
  EXPECT_LT(PrePostEffectSize(pairs, false)->d, 0);
  const EffectSize better = *PrePostEffectSize(pairs, true);
  EXPECT_EQ(better.d, -PrePostEffectSize(pairs, false)->d);
  EXPECT_LT(better.interval.low, better.d);
  EXPECT_GT(better.interval.high, better.d);
}

TEST(PrePostEffectSizeTest, IsNotThereWithoutASpreadOfFirstScores) {
  EXPECT_EQ(PrePostEffectSize(PairMoments(), false), std::nullopt);
  EXPECT_EQ(PrePostEffectSize(MomentsOf({{10, 5}}), false), std::nullopt);
  EXPECT_EQ(PrePostEffectSize(MomentsOf({{10, 5}, {10, 7}}), false), std::nullopt);
}

// The stated 95 % against samples of a known effect, with a larger spread after than before, where
// intervals that assume equal variances, or divide by another n, are off.
TEST(PrePostEffectSizeTest, ItsIntervalHoldsTheTrueEffectAsOftenAsItSays) {
  constexpr double kTrue = 1.2;
  constexpr int kSamples = 4'000;
  std::mt19937_64 random(20'260'101);
  std::normal_distribution<double> normal;
  int held = 0;
  for (int sample = 0; sample < kSamples; ++sample) {
    PairMoments pairs;
    for (int i = 0; i < 60; ++i) {
      const double first = normal(random);
      const double last = 0.5 * 1.5 * first + 1.5 * std::sqrt(0.75) * normal(random) - kTrue;
      pairs.Add(first, last);
    }
    const EffectSize effect = *PrePostEffectSize(pairs, false);
    held += effect.interval.low <= kTrue && kTrue <= effect.interval.high;
  }
  EXPECT_GT(held, 0.935 * kSamples);
  EXPECT_LT(held, 0.965 * kSamples);
}

}  // namespace
}  // namespace ipt::outcomes
