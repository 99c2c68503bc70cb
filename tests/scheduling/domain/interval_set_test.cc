#include "scheduling/domain/interval_set.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <bitset>

namespace ipt::scheduling {
namespace {

constexpr int kSpan = 64;
using Bits = std::bitset<kSpan>;

absl::Time T(int t) { return absl::FromUnixSeconds(t); }
Interval I(int start, int end) { return {T(start), T(end)}; }

std::vector<Interval> AnyIntervals() {
  const auto pairs = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, kSpan + 1), rc::gen::inRange(0, kSpan + 1)));
  std::vector<Interval> intervals;
  for (auto [start, end] : pairs) intervals.push_back(I(start, end));
  return intervals;
}

Bits BitsOf(const std::vector<Interval>& intervals) {
  Bits bits;
  for (const Interval& i : intervals) {
    for (auto t = absl::ToUnixSeconds(i.start); t < absl::ToUnixSeconds(i.end); ++t) bits.set(t);
  }
  return bits;
}

void AssertCanonical(const IntervalSet& set) {
  const auto& intervals = set.intervals();
  for (size_t i = 0; i < intervals.size(); ++i) {
    RC_ASSERT(intervals[i].start < intervals[i].end);
    if (i > 0) RC_ASSERT(intervals[i - 1].end < intervals[i].start);
  }
}

RC_GTEST_PROP(IntervalSetTest, BehavesAsASetOfInstants, ()) {
  const std::vector<Interval> in_a = AnyIntervals();
  const std::vector<Interval> in_b = AnyIntervals();
  const IntervalSet a(in_a);
  const IntervalSet b(in_b);
  const Bits bits_a = BitsOf(in_a);
  const Bits bits_b = BitsOf(in_b);
  for (const auto& [set, bits] :
       {std::pair(a, bits_a), std::pair(Union(a, b), bits_a | bits_b),
        std::pair(Intersect(a, b), bits_a & bits_b), std::pair(Subtract(a, b), bits_a & ~bits_b)}) {
    AssertCanonical(set);
    RC_ASSERT(BitsOf(set.intervals()) == bits);
  }
  IntervalSet step;
  for (const Interval& i : in_a) step.Add(i);
  RC_ASSERT(step == a);
  for (const Interval& i : in_b) step.Remove(i);
  RC_ASSERT(step == Subtract(a, b));

  const int start = *rc::gen::inRange(0, kSpan);
  const int end = *rc::gen::inRange(start + 1, kSpan + 1);
  const Bits probe = BitsOf({I(start, end)});
  RC_ASSERT(a.Contains(I(start, end)) == ((bits_a & probe) == probe));
  RC_ASSERT(a.Overlaps(I(start, end)) == (bits_a & probe).any());
  RC_ASSERT(a.Contains(T(start)) == bits_a.test(start));
}

TEST(IntervalSetTest, MergesWhatTouches) {
  EXPECT_EQ(IntervalSet({I(5, 9), I(1, 5)}).intervals(), std::vector<Interval>{I(1, 9)});
  EXPECT_TRUE(IntervalSet({I(3, 3), I(5, 2)}).empty());
}

}  // namespace
}  // namespace ipt::scheduling
