// A circuit breaker: after some failures in a row it refuses calls at once, and lets one through
// now and then to see whether they succeed again. Knows no clock and no network.
//
// Thread-safe.
#pragma once

#include <functional>
#include <mutex>

#include "absl/time/time.h"

namespace ipt::peer {

struct BreakerOptions {
  int failures = 5;                               // in a row that open it
  absl::Duration first_pause = absl::Seconds(1);  // until the first trial
  absl::Duration longest_pause = absl::Seconds(15);
};

class Breaker {
 public:
  // `random` gives 0 to 1: what a pause is spread by, so that replicas do not try in step.
  Breaker(BreakerOptions options, std::function<double()> random);

  // Whether a call may go out. While it is open: one trial after each pause, whose outcome is to be
  // told. A trial that nobody tells of frees its place after another pause.
  bool Allow(absl::Time now);
  // Something was answered. True if that closed it.
  bool Succeeded();
  // Nothing was answered. True if that opened it.
  bool Failed(absl::Time now);

  bool open() const;
  // When the next trial may go out; the past while it is closed.
  absl::Time next_trial() const;

 private:
  void Pause(absl::Time now);

  const BreakerOptions options_;
  const std::function<double()> random_;
  mutable std::mutex mutex_;
  int failures_ = 0;
  bool open_ = false;
  absl::Duration pause_;
  absl::Time next_trial_ = absl::InfinitePast();
};

}  // namespace ipt::peer
