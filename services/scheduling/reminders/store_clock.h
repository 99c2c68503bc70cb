// The clock of the store, as far as this process knows it: replicas whose own clocks differ must
// not differ in what is due.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "platform/time/clock.h"

namespace ipt::scheduling {

// Thread-safe. `own` outlives it.
class StoreClock final : public Clock {
 public:
  explicit StoreClock(const Clock& own) : own_(own) {}

  absl::Time Now() const override { return own_.Now() + offset(); }
  // What the store said, asked between these two instants of the own clock.
  void Learn(absl::Time before, absl::Time store, absl::Time after);
  // How far the store is ahead.
  absl::Duration offset() const { return absl::Microseconds(offset_us_.load()); }

 private:
  const Clock& own_;
  std::atomic<int64_t> offset_us_{0};
};

}  // namespace ipt::scheduling
