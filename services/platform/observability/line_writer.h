// Writes lines to a file descriptor, behind the back of those who log: they append to a buffer, and
// one thread writes what gathered within some milliseconds at once. A line a system call, and a
// switch of threads a line, would cost more than all else that is done for a call.
//
// Thread-safe. Nobody waits: where the descriptor takes no more (a full pipe), the buffer grows up
// to its limit, and further lines are lost and counted. A process that is killed loses the last few
// milliseconds; the destructor writes all.
#pragma once

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

  LineWriter(int fd, TellLost tell_lost, size_t most_waiting = kMostWaiting);
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // `line` comes without its end.
  void Add(absl::string_view line);

 private:
  void Run();
  void Write(absl::string_view text) const;

  const int fd_;
  const TellLost tell_lost_;
  const size_t most_waiting_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::string waiting_;
  int64_t lost_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace ipt::log
