// Counts durations in buckets of 1.6 % width, from a microsecond to hours. For one thread; merged
// afterwards.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace ipt::load {

class Histogram {
 public:
  void Add(absl::Duration took) {
    const auto us = static_cast<uint64_t>(std::max<int64_t>(0, absl::ToInt64Microseconds(took)));
    const size_t index = Index(us);
    if (index >= counts_.size()) counts_.resize(index + 1);
    ++counts_[index];
    ++total_;
    max_us_ = std::max(max_us_, us);
  }

  void Merge(const Histogram& other) {
    if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
    for (size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    max_us_ = std::max(max_us_, other.max_us_);
  }

  int64_t total() const { return total_; }
  absl::Duration Max() const { return absl::Microseconds(static_cast<int64_t>(max_us_)); }

  // The duration that `share` of all do not exceed, rounded up to its bucket's end; never above the
  // maximum.
  absl::Duration Percentile(double share) const {
    const auto wanted = static_cast<int64_t>(std::max(1.0, share * static_cast<double>(total_)));
    int64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted) {
        return absl::Microseconds(static_cast<int64_t>(std::min(End(i), max_us_)));
      }
    }
    return Max();
  }

 private:
  // Exact below 128; above, 64 buckets for each doubling.
  static size_t Index(uint64_t us) {
    if (us < 128) return us;
    const int shift = std::bit_width(us) - 7;
    return static_cast<size_t>(shift) * 64 + (us >> shift);
  }
  static uint64_t End(size_t index) {
    if (index < 128) return index;
    const size_t shift = index / 64 - 1;
    return ((index % 64 + 65) << shift) - 1;
  }

  std::vector<int64_t> counts_;
  int64_t total_ = 0;
  uint64_t max_us_ = 0;
};

}  // namespace ipt::load
