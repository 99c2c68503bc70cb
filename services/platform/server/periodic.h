// Runs a task again and again on a thread of its own, with a pause between runs, until destroyed.
// The destructor waits for a run in progress.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/time/time.h"

namespace ipt::server {

class Periodic {
 public:
  // The first run comes at once.
  Periodic(absl::Duration pause, std::function<void()> task)
      : pause_(pause), task_(std::move(task)), thread_([this] { Run(); }) {}
  ~Periodic() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  // Ends the pause. Thread-safe, never blocks on the task.
  void Kick() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      kicked_ = true;
    }
    wake_.notify_all();
  }
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;

 private:
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!stopping_) {
      kicked_ = false;
      lock.unlock();
      task_();
      lock.lock();
      wake_.wait_for(lock, absl::ToChronoNanoseconds(pause_),
                     [this] { return stopping_ || kicked_; });
    }
  }

  const absl::Duration pause_;
  const std::function<void()> task_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool kicked_ = false;
  std::thread thread_;
};

}  // namespace ipt::server
