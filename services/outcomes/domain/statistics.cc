#include "outcomes/domain/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace ipt::outcomes {
namespace {

constexpr double kUnits = 1e6;

int64_t Fixed(double value) {
  assert(std::abs(value) <= kLargestScore);
  return std::llround(value * kUnits);
}

// Sum of products about the means, over n - 1. The numerator is exact: n up to 1e8 values of 1e10
// units stay below 2^127.
double Central(int64_t n, absl::int128 products, int64_t sum_a, int64_t sum_b) {
  const absl::int128 numerator =
      absl::int128(n) * products - absl::int128(sum_a) * absl::int128(sum_b);
  return static_cast<double>(numerator) / (kUnits * kUnits) /
         (static_cast<double>(n) * static_cast<double>(n - 1));
}

}  // namespace

void Moments::Add(double value) {
  const int64_t fixed = Fixed(value);
  ++count_;
  sum_ += fixed;
  squares_ += absl::int128(fixed) * absl::int128(fixed);
}

void Moments::Merge(const Moments& other) {
  count_ += other.count_;
  sum_ += other.sum_;
  squares_ += other.squares_;
}

double Moments::mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_) / kUnits;
}

std::optional<double> Moments::variance() const {
  if (count_ < 2) return std::nullopt;
  return Central(count_, squares_, sum_, sum_);
}

std::optional<double> Moments::standard_deviation() const {
  const std::optional<double> squared = variance();
  if (!squared.has_value()) return std::nullopt;
  return std::sqrt(*squared);
}

void PairMoments::Add(double first, double last) {
  first_.Add(first);
  last_.Add(last);
  products_ += absl::int128(Fixed(first)) * absl::int128(Fixed(last));
}

void PairMoments::Merge(const PairMoments& other) {
  first_.Merge(other.first_);
  last_.Merge(other.last_);
  products_ += other.products_;
}

std::optional<double> PairMoments::covariance() const {
  if (count() < 2) return std::nullopt;
  return Central(count(), products_, first_.sum_, last_.sum_);
}

std::optional<double> PairMoments::difference_variance() const {
  if (count() < 2) return std::nullopt;
  // From the exact sums of the differences, since the three variances would cancel inexactly.
  const absl::int128 squares = first_.squares_ + last_.squares_ - absl::int128(2) * products_;
  const int64_t sum = last_.sum_ - first_.sum_;
  return Central(count(), squares, sum, sum);
}

std::optional<ConfidenceInterval> WilsonInterval(int64_t hits, int64_t of, double z) {
  if (of <= 0) return std::nullopt;
  const double n = static_cast<double>(of);
  const double p = static_cast<double>(hits) / n;
  const double z2 = z * z;
  const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = z / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  // At the ends the bound is the rate itself, which rounding would miss.
  return ConfidenceInterval{hits == 0 ? 0 : std::max(0.0, centre - half),
                            hits == of ? 1 : std::min(1.0, centre + half)};
}

std::optional<EffectSize> PrePostEffectSize(const PairMoments& pairs, bool higher_is_better) {
  const std::optional<double> variance = pairs.first().variance();
  if (!variance.has_value() || *variance <= 0) return std::nullopt;
  EffectSize effect;
  effect.pairs = pairs.count();
  effect.first_mean = pairs.first().mean();
  effect.last_mean = pairs.last().mean();
  effect.first_standard_deviation = std::sqrt(*variance);
  effect.last_standard_deviation = *pairs.last().standard_deviation();
  effect.d = (effect.first_mean - effect.last_mean) / effect.first_standard_deviation;
  if (higher_is_better) effect.d = -effect.d;
  const double n1 = static_cast<double>(effect.pairs - 1);
  const double error =
      std::sqrt(*pairs.difference_variance() / (*variance * n1) + effect.d * effect.d / (2 * n1));
  effect.interval = {effect.d - kZ95 * error, effect.d + kZ95 * error};
  return effect;
}

}  // namespace ipt::outcomes
