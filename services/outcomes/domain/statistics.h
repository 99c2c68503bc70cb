// The numbers of a clinic's report: sums that merge exactly, intervals of rates, effect sizes.
//
// Sums are whole numbers (of millionths of a point), so that a report is the same to the last bit
// however its courses were split and in whatever order the parts were merged. Values that are not
// finite or are beyond kLargestScore must not be added.
//
// Values and pure functions; not synchronized.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/numeric/int128.h"

namespace ipt::outcomes {

inline constexpr double kLargestScore = 10'000;

// The 97.5th percentile of the standard normal distribution: intervals are of 95 %.
inline constexpr double kZ95 = 1.959963984540054;

// Count, mean and sample variance of one series.
class Moments {
 public:
  // REQUIRES: finite, at most kLargestScore in size.
  void Add(double value);
  void Merge(const Moments& other);

  int64_t count() const { return count_; }
  // 0 without values.
  double mean() const;
  // With n - 1; nullopt for fewer than two values.
  std::optional<double> variance() const;
  std::optional<double> standard_deviation() const;

  friend bool operator==(const Moments&, const Moments&) = default;

 private:
  friend class PairMoments;
  int64_t count_ = 0;
  int64_t sum_ = 0;
  absl::int128 squares_ = 0;
};

// Moments of pairs of a first and a last value.
class PairMoments {
 public:
  // REQUIRES: as Moments::Add.
  void Add(double first, double last);
  void Merge(const PairMoments& other);

  int64_t count() const { return first_.count(); }
  const Moments& first() const { return first_; }
  const Moments& last() const { return last_; }
  // With n - 1; nullopt for fewer than two pairs.
  std::optional<double> covariance() const;
  // Of last - first.
  std::optional<double> difference_variance() const;

  friend bool operator==(const PairMoments&, const PairMoments&) = default;

 private:
  Moments first_;
  Moments last_;
  absl::int128 products_ = 0;
};

struct ConfidenceInterval {
  double low = 0;
  double high = 0;
  friend bool operator==(const ConfidenceInterval&, const ConfidenceInterval&) = default;
};

// Wilson's score interval of hits / of (Wilson 1927; method 3 of Newcombe 1998), within [0, 1].
// nullopt when `of` is 0. REQUIRES: 0 <= hits <= of.
std::optional<ConfidenceInterval> WilsonInterval(int64_t hits, int64_t of, double z = kZ95);

// What every effect size of this service is, and says that it is. The NHS's published values are
// computed so; other standardizers (of the change, pooled) give other numbers.
inline constexpr char kEffectSizeMethod[] =
    "pre-post d: (mean of first - mean of last) / standard deviation of first; positive is better";
// Bonett, Psychological Methods 13 (2008), equation 13: the variance of d is
// var(last - first) / (var(first) (n - 1)) + d^2 / (2 (n - 1)), and the interval d +- 1.96 of its
// roots. Chosen over the noncentral t because that one assumes equal variances before and after
// (after treatment they are not), and needs a distribution that no library here provides.
inline constexpr char kEffectIntervalMethod[] =
    "95 %, normal approximation with Bonett's variance (2008, equation 13), unequal variances";

struct EffectSize {
  int64_t pairs = 0;
  double d = 0;
  double first_mean = 0;
  double last_mean = 0;
  double first_standard_deviation = 0;  // the standardizer
  double last_standard_deviation = 0;
  ConfidenceInterval interval;
};

// nullopt for fewer than two pairs, or where all first values are equal. `higher_is_better` turns
// the sign, so that a positive d is an improvement.
std::optional<EffectSize> PrePostEffectSize(const PairMoments& pairs, bool higher_is_better);

}  // namespace ipt::outcomes
