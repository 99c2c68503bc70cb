// The bounded pool that runs what may block. A full queue refuses at once, so that overload is told
// to clients instead of being hidden in latency.
//
// Thread-safe. The destructor runs what is queued, then joins.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ipt::rpc {

class Executor {
 public:
  using Task = std::function<void()>;

  Executor(int threads, size_t queue_limit);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // False when the queue is full or the executor is stopping: the task was not taken.
  bool TryPost(Task task);

  // Takes nothing more, runs what is queued, joins. Idempotent.
  void Stop();

  size_t queued() const;
  // Nothing is queued or running.
  bool idle() const;

 private:
  void Work();

  const size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> queue_;
  int running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ipt::rpc
