// When work has to end, on the clock that cannot be set.
#pragma once

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"
#include "platform/storage/database.h"
#include "platform/time/clock.h"

namespace ipt::storage {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;

inline constexpr SteadyTime kNoLimit = SteadyTime::max();

inline SteadyTime After(absl::Duration duration) {
  if (duration >= absl::Hours(24 * 365)) return kNoLimit;
  return SteadyClock::now() + absl::ToChronoNanoseconds(duration);
}

inline absl::Duration Since(SteadyTime start) {
  return absl::FromChrono(SteadyClock::now() - start);
}

// The call's deadline.
inline SteadyTime DeadlineOf(const CallOptions& options, const Clock& clock) {
  if (options.deadline == absl::InfiniteFuture()) return kNoLimit;
  return After(options.deadline - clock.Now());
}

}  // namespace ipt::storage
