// Quiet hours: a span of each local day in which nothing is sent. Pure functions, thread-safe.
//
// Read on the recipient's wall clock. On a night on which clocks go back they begin with the first
// occurrence of their start and end with the last one of their end; where clocks skip their start
// or end, the skip's end stands for it. So no instant whose wall clock reads within them is ever
// outside them.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "scheduling/domain/reminder_types.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// The quiet hours that hold `instant`, as instants; nullopt: none do.
std::optional<Interval> QuietHoursAt(const QuietHours& quiet, const absl::TimeZone& zone,
                                     absl::Time instant);

// The first instant after `instant`, which lies outside of them, at which they begin.
absl::Time NextQuietHours(const QuietHours& quiet, const absl::TimeZone& zone, absl::Time instant);

// Sets `next` of a SCHEDULED reminder to the earliest instant from `earliest` on at which it may be
// sent, and quiet_from with it. False when there is none before its not_after: it is too late.
bool SkipQuietHours(Reminder& reminder, absl::Time earliest);

}  // namespace ipt::scheduling
