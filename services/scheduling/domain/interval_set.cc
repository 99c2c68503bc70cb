#include "scheduling/domain/interval_set.h"

#include <algorithm>
#include <utility>

namespace ipt::scheduling {
namespace {

bool StartsBefore(const Interval& a, const Interval& b) { return a.start < b.start; }

// Appends an interval that starts no earlier than the last one, merging the two if they touch.
void Append(std::vector<Interval>& out, const Interval& next) {
  if (next.start >= next.end) return;
  if (!out.empty() && next.start <= out.back().end) {
    out.back().end = std::max(out.back().end, next.end);
  } else {
    out.push_back(next);
  }
}

// The first interval that ends after `instant`.
std::vector<Interval>::const_iterator FirstEndingAfter(const std::vector<Interval>& intervals,
                                                       absl::Time instant) {
  return std::upper_bound(intervals.begin(), intervals.end(), instant,
                          [](absl::Time t, const Interval& i) { return t < i.end; });
}

}  // namespace

IntervalSet::IntervalSet(std::vector<Interval> intervals) {
  if (!std::is_sorted(intervals.begin(), intervals.end(), StartsBefore)) {
    std::sort(intervals.begin(), intervals.end(), StartsBefore);
  }
  intervals_.reserve(intervals.size());
  for (const Interval& interval : intervals) Append(intervals_, interval);
}

void IntervalSet::Add(Interval interval) {
  if (interval.start >= interval.end) return;
  if (intervals_.empty() || interval.start >= intervals_.back().start) {
    Append(intervals_, interval);
    return;
  }
  // All that touch the interval become one with it.
  auto first = std::lower_bound(intervals_.begin(), intervals_.end(), interval.start,
                                [](const Interval& i, absl::Time t) { return i.end < t; });
  auto last = first;
  while (last != intervals_.end() && last->start <= interval.end) {
    interval.start = std::min(interval.start, last->start);
    interval.end = std::max(interval.end, last->end);
    ++last;
  }
  if (first == last) {
    intervals_.insert(first, interval);
  } else {
    *first = interval;
    intervals_.erase(first + 1, last);
  }
}

void IntervalSet::Remove(Interval interval) {
  if (!Overlaps(interval)) return;
  IntervalSet hole;
  hole.Add(interval);
  *this = Subtract(*this, hole);
}

bool IntervalSet::Contains(absl::Time instant) const {
  auto it = FirstEndingAfter(intervals_, instant);
  return it != intervals_.end() && it->start <= instant;
}

bool IntervalSet::Contains(Interval interval) const {
  auto it = FirstEndingAfter(intervals_, interval.start);
  return it != intervals_.end() && it->start <= interval.start && interval.end <= it->end;
}

bool IntervalSet::Overlaps(Interval interval) const {
  if (interval.start >= interval.end) return false;
  auto it = FirstEndingAfter(intervals_, interval.start);
  return it != intervals_.end() && it->start < interval.end;
}

IntervalSet Union(const IntervalSet& a, const IntervalSet& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  IntervalSet out;
  out.intervals_.reserve(a.intervals_.size() + b.intervals_.size());
  auto i = a.intervals_.begin();
  auto j = b.intervals_.begin();
  while (i != a.intervals_.end() || j != b.intervals_.end()) {
    const bool take_a =
        j == b.intervals_.end() || (i != a.intervals_.end() && i->start <= j->start);
    Append(out.intervals_, take_a ? *i++ : *j++);
  }
  return out;
}

IntervalSet Intersect(const IntervalSet& a, const IntervalSet& b) {
  IntervalSet out;
  auto i = a.intervals_.begin();
  auto j = b.intervals_.begin();
  while (i != a.intervals_.end() && j != b.intervals_.end()) {
    const Interval common{std::max(i->start, j->start), std::min(i->end, j->end)};
    if (common.start < common.end) out.intervals_.push_back(common);
    if (i->end < j->end) {
      ++i;
    } else {
      ++j;
    }
  }
  return out;
}

IntervalSet Subtract(const IntervalSet& a, const IntervalSet& b) {
  if (b.empty()) return a;
  IntervalSet out;
  out.intervals_.reserve(a.intervals_.size() + b.intervals_.size());
  auto hole = b.intervals_.begin();
  for (const Interval& interval : a.intervals_) {
    absl::Time start = interval.start;
    while (hole != b.intervals_.end() && hole->end <= start) ++hole;
    for (auto h = hole; h != b.intervals_.end() && h->start < interval.end; ++h) {
      if (start < h->start) out.intervals_.push_back({start, h->start});
      start = std::max(start, h->end);
    }
    if (start < interval.end) out.intervals_.push_back({start, interval.end});
  }
  return out;
}

}  // namespace ipt::scheduling
