// Writes lines to a file descriptor, behind the back of those who log: they append to a buffer, and
// one thread writes what gathered within some milliseconds at once. A line a system call, and a
// switch of threads a line, would cost more than all else that is done for a call.
//
// Thread-safe. Nobody waits: where the descriptor takes no more (a full pipe), the buffer grows up
// to its limit, and further lines are lost and counted. A process that is killed loses the last few
// milliseconds; the destructor writes all, or what is taken within its time: a pipe that nobody
// reads holds up no stop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"

namespace ipt::log {

class LineWriter {
 public:
  // `tell_lost` makes the line that says how many were lost, written as soon as there is room.
  using TellLost = std::function<std::string(int64_t)>;

  static constexpr size_t kMostWaiting = size_t{8} << 20;  // bytes
  static constexpr std::chrono::milliseconds kLastWords{2000};

  // The destructor writes for at most about `last_words`.
  LineWriter(int fd, TellLost tell_lost, size_t most_waiting = kMostWaiting,
             std::chrono::milliseconds last_words = kLastWords);
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // `line` comes without its end.
  void Add(absl::string_view line);

 private:
  void Run();
  // Returns what was not written: the time was over, or nobody is left to read.
  absl::string_view Write(absl::string_view text, std::chrono::milliseconds extra_time);
  bool AwaitRoom(std::chrono::milliseconds extra_time);

  const int fd_;
  const bool never_full_;  // a file
  const TellLost tell_lost_;
  const size_t most_waiting_;
  const std::chrono::milliseconds last_words_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::string waiting_;
  int64_t lost_ = 0;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point write_until_;  // once it is stopping
  std::thread thread_;                                 // the last member: it uses the others
};

}  // namespace ipt::log
