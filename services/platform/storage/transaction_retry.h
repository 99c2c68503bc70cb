// The bounded retry of a transaction that lost against others, or whose session broke before its
// commit was sent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>

#include "absl/functional/function_ref.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "platform/storage/observer.h"
#include "platform/storage/time_limit.h"

namespace ipt::storage {

// What became of one run of a transaction.
struct Attempt {
  absl::Status status;
  // Nothing was committed, and the same again may succeed.
  bool again = false;
};

// Runs `attempt` once and up to 3 times more, with jitter, as long as it says so.
inline absl::Status RunWithRetries(SteadyTime deadline, StorageObserver* observer,
                                   absl::FunctionRef<Attempt()> attempt) {
  constexpr int kRetries = 3;
  for (int i = 0;; ++i) {
    Attempt done = attempt();
    if (!done.again || i == kRetries || SteadyClock::now() >= deadline) return done.status;
    if (observer != nullptr) observer->OnRetry();
    thread_local absl::InsecureBitGen random;
    std::this_thread::sleep_for(
        std::chrono::microseconds(absl::Uniform<int64_t>(random, 500, 4000 << (2 * i))));
  }
}

}  // namespace ipt::storage
