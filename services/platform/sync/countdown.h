// Waits until something was done a number of times, on other threads. Of std's parts, which
// ThreadSanitizer sees through (Debian's Abseil is not built for it).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace ipt {

class Countdown {
 public:
  explicit Countdown(size_t count) : left_(count) {}

  void Done() {
    std::lock_guard<std::mutex> lock(mutex_);
    // Under the lock: the waiter may destroy this as soon as it can take it.
    if (--left_ == 0) zero_.notify_all();
  }
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    zero_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable zero_;
  size_t left_;
};

}  // namespace ipt
