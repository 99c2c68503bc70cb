#include "platform/observability/line_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace ipt::log {
namespace {

// How long lines gather before they are written.
constexpr auto kGather = std::chrono::milliseconds(5);
// A buffer that one burst made larger is given back.
constexpr size_t kKeptCapacity = size_t{256} << 10;

}  // namespace

LineWriter::LineWriter(int fd, TellLost tell_lost, size_t most_waiting)
    : fd_(fd),
      tell_lost_(std::move(tell_lost)),
      most_waiting_(most_waiting),
      thread_([this] { Run(); }) {}

LineWriter::~LineWriter() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LineWriter::Add(absl::string_view line) {
  bool first = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (waiting_.size() + line.size() >= most_waiting_) {
      ++lost_;
      return;
    }
    first = waiting_.empty();
    waiting_.append(line.data(), line.size()).push_back('\n');
  }
  if (first) wake_.notify_one();
}

void LineWriter::Run() {
  std::string writing;
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    wake_.wait_for(lock, kGather, [this] { return stopping_; });
    const bool last = stopping_;
    writing.clear();
    writing.swap(waiting_);
    const int64_t lost = std::exchange(lost_, 0);
    lock.unlock();
    Write(writing);
    if (lost > 0) Write(tell_lost_(lost) + "\n");
    if (writing.capacity() > kKeptCapacity) std::string().swap(writing);
    lock.lock();
    if (last && waiting_.empty()) return;
  }
}

void LineWriter::Write(absl::string_view text) const {
  while (!text.empty()) {
    const ssize_t written = write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {  // whoever shares the descriptor made it non-blocking
      pollfd room = {fd_, POLLOUT, 0};
      poll(&room, 1, -1);
      continue;
    }
    if (written < 0) return;  // nobody is left to be told
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace ipt::log
