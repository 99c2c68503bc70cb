// The one source of "now". Everything that needs the time takes a Clock, so that tests decide it.
#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace ipt {

// Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

// The machine's clock: the only place that reads it.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace ipt
