// Local time: IANA zones, days and wall-clock times. Everything that turns a civil time into an
// instant in this service goes through here, so that gaps and overlaps are resolved by one rule.
//
// Functions are thread-safe. Only platform/zone touches the machine.
#pragma once

#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "platform/zone/time_zone.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

using ::ipt::LoadZone;
using ::ipt::StoredZone;

enum class LocalTimeKind {
  kUnique,
  kSkipped,   // clocks go forward over it
  kRepeated,  // clocks go back over it
};

struct LocalInstant {
  absl::Time instant;
  LocalTimeKind kind = LocalTimeKind::kUnique;
};

// The instant of a local time by RFC 5545: a skipped one is read with the offset before the gap (so
// 02:30 in a gap of an hour is the instant that clocks call 03:30), a repeated one is its first
// occurrence.
LocalInstant ResolveLocal(absl::CivilSecond local, const absl::TimeZone& zone);

// The first instant of a local day. Where midnight is skipped, the end of the gap; a day that is
// skipped as a whole starts where the next one does.
absl::Time DayStart(absl::CivilDay day, const absl::TimeZone& zone);

// From the first instant of the first day to the end of the last.
Interval SpanOfDays(const DayRange& days, const absl::TimeZone& zone);

absl::CivilDay LocalDay(absl::Time instant, const absl::TimeZone& zone);

// Minutes of the wall clock since 00:00, 0 to 1439.
int MinuteOfDay(absl::Time instant, const absl::TimeZone& zone);

Weekday WeekdayOf(absl::CivilDay day);

// A run of local days of one zone, laid out once so that mapping days and minutes to instants costs
// no zone lookup except on the days on which clocks change. Immutable.
class LocalDays {
 public:
  // Days `first` to `last`, both included; none when last < first.
  LocalDays(const absl::TimeZone& zone, absl::CivilDay first, absl::CivilDay last);

  int size() const { return static_cast<int>(starts_.size()) - 1; }
  absl::CivilDay day(int index) const { return first_ + index; }
  // May lie outside [0, size()).
  int IndexOf(absl::CivilDay day) const { return static_cast<int>(day - first_); }

  // First instant of day `index`; 0 <= index <= size().
  absl::Time start(int index) const { return starts_[index]; }

  // REQUIRES: 0 <= index < size(), 0 <= minute <= 1440.
  LocalInstant At(int index, int minute) const;

  // The instant from which the wall clock of day `index` shows `minute` or later: what a window of
  // hours starts or ends with. Differs from At() in gaps, where it is the gap's end.
  absl::Time Bound(int index, int minute) const;

  // The day that holds `instant`: -1 before the first, size() after the last.
  int IndexAt(absl::Time instant) const;
  // Minutes of the wall clock at `instant`, which lies in day `index`.
  int MinuteAt(int index, absl::Time instant) const;

  // Whether clocks change on day `index`.
  bool clock_change(int index) const { return clock_change_[index]; }

 private:
  absl::TimeZone zone_;
  absl::CivilDay first_;
  std::vector<absl::Time> starts_;  // one more than days
  std::vector<bool> clock_change_;
};

}  // namespace ipt::scheduling
