// Waiting for what other threads bring about.
#pragma once

#include <chrono>
#include <thread>

namespace ipt::testing {

// Looks again every few milliseconds, for as long as a loaded machine may take: a minute of
// waiting alone, however long looking takes. False: it never was so.
template <int kEveryMs = 1, typename Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 60'000 / kEveryMs; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(kEveryMs));
  }
  return false;
}

}  // namespace ipt::testing
