// A set of instants as sorted, disjoint, half-open intervals. Intervals that touch are one. All
// operations but construction are linear or better. A value type, as thread-safe as a vector.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

class IntervalSet {
 public:
  IntervalSet() = default;
  // In any order, overlapping or not; empty and inverted intervals hold nothing.
  explicit IntervalSet(std::vector<Interval> intervals);

  const std::vector<Interval>& intervals() const { return intervals_; }
  bool empty() const { return intervals_.empty(); }

  // Appending in order of time costs O(1).
  void Add(Interval interval);
  void Remove(Interval interval);

  bool Contains(absl::Time instant) const;
  // Whether all of a non-empty interval lies in the set.
  bool Contains(Interval interval) const;
  bool Overlaps(Interval interval) const;

  friend IntervalSet Union(const IntervalSet& a, const IntervalSet& b);
  friend IntervalSet Intersect(const IntervalSet& a, const IntervalSet& b);
  friend IntervalSet Subtract(const IntervalSet& a, const IntervalSet& b);
  friend bool operator==(const IntervalSet&, const IntervalSet&) = default;

 private:
  std::vector<Interval> intervals_;
};

}  // namespace ipt::scheduling
