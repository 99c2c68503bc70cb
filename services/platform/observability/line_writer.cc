#include "platform/observability/line_writer.h"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ipt::log {
namespace {

using std::chrono::milliseconds;

// How long lines gather before they are written.
constexpr milliseconds kGather(5);
// A buffer that one burst made larger is given back.
constexpr size_t kKeptCapacity = size_t{256} << 10;
// How often a writer that waits for room looks whether it is to stop.
constexpr milliseconds kLook(100);
// How much longer the line that says how many were lost may take.
constexpr milliseconds kTellTime(250);

bool IsFile(int fd) {
  struct stat info = {};
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

// What a descriptor that says that it has room takes without blocking; whole lines where they fit,
// so that lines of others who write to the same pipe come between ours and not into them.
absl::string_view Portion(absl::string_view text) {
  if (text.size() <= PIPE_BUF) return text;
  const size_t end = text.rfind('\n', PIPE_BUF - 1);
  return text.substr(0, end == absl::string_view::npos ? PIPE_BUF : end + 1);
}

}  // namespace

LineWriter::LineWriter(int fd, TellLost tell_lost, size_t most_waiting, milliseconds last_words)
    : fd_(fd),
      never_full_(IsFile(fd)),
      tell_lost_(std::move(tell_lost)),
      most_waiting_(most_waiting),
      last_words_(last_words),
      thread_([this] { Run(); }) {}

LineWriter::~LineWriter() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    write_until_ = std::chrono::steady_clock::now() + last_words_;
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
    int64_t lost = std::exchange(lost_, 0);
    lock.unlock();
    const absl::string_view unwritten = Write(writing, milliseconds(0));
    lost += std::count(unwritten.begin(), unwritten.end(), '\n');
    if (lost > 0) Write(tell_lost_(lost) + "\n", kTellTime);
    if (writing.capacity() > kKeptCapacity) std::string().swap(writing);
    lock.lock();
    if (last && waiting_.empty()) return;
  }
}

absl::string_view LineWriter::Write(absl::string_view text, milliseconds extra_time) {
  while (!text.empty()) {
    if (!never_full_ && !AwaitRoom(extra_time)) break;
    const absl::string_view portion = never_full_ ? text : Portion(text);
    const ssize_t written = write(fd_, portion.data(), portion.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {  // another writer took the room
      std::this_thread::sleep_for(milliseconds(1));
    } else if (errno != EINTR) {
      break;
    }
  }
  return text;
}

// By poll() rather than in write(), which nothing ends.
bool LineWriter::AwaitRoom(milliseconds extra_time) {
  while (true) {
    milliseconds wait = kLook;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) {
        wait = std::min(kLook, std::chrono::duration_cast<milliseconds>(
                                   write_until_ + extra_time - std::chrono::steady_clock::now()));
        if (wait <= milliseconds(0)) return false;
      }
    }
    pollfd room = {fd_, POLLOUT, 0};
    if (poll(&room, 1, static_cast<int>(wait.count())) > 0) return true;
  }
}

}  // namespace ipt::log
