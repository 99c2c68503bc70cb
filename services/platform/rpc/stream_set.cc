#include "platform/rpc/stream_set.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"

namespace ipt::rpc {
namespace {

constexpr absl::Duration kFullRetry = absl::Seconds(5);
constexpr absl::Duration kStopRetry = absl::Milliseconds(250);
// Timers are set in the clock's time, which may be stepped: it is looked at this often.
constexpr absl::Duration kLook = absl::Milliseconds(100);

absl::Status Stopping() {
  return Unavailable(reason::kShuttingDown,
                     "the server is stopping; open the stream again, and go on from where it was",
                     kStopRetry);
}

}  // namespace

StreamSet::StreamSet(const Clock& clock, int limit, absl::Duration max_age)
    : clock_(clock), limit_(limit), max_age_(max_age), thread_([this] { Run(); }) {}

StreamSet::~StreamSet() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

absl::Status StreamSet::Enter(std::shared_ptr<Member> stream) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopping_) return Stopping();
  if (static_cast<int>(streams_.size()) >= limit_) {
    return ResourceExhausted(
        reason::kOverloaded,
        absl::StrCat("this server has its ", limit_,
                     " streams open (--max_streams); retry after the stated delay"),
        kFullRetry);
  }
  Member* const key = stream.get();
  streams_[key].stream = std::move(stream);
  return absl::OkStatus();
}

void StreamSet::Leave(Member* stream) {
  std::shared_ptr<Member> last;  // let go without the lock
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = streams_.find(stream);
  if (it == streams_.end()) return;
  last = std::move(it->second.stream);
  timers_.erase({it->second.timer, stream});
  streams_.erase(it);
}

void StreamSet::SetTimer(Member* stream, absl::Time at) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = streams_.find(stream);
  if (it == streams_.end() || it->second.timer == at) return;
  timers_.erase({it->second.timer, stream});
  it->second.timer = at;
  if (at == absl::InfiniteFuture()) return;
  timers_.emplace(at, stream);
  if (timers_.begin()->second == stream) wake_.notify_one();
}

void StreamSet::Stop() {
  std::vector<std::shared_ptr<Member>> all;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    for (const auto& [key, entry] : streams_) all.push_back(entry.stream);
  }
  const absl::Status status = Stopping();
  for (const auto& stream : all) stream->End(status);
}

int StreamSet::open() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int>(streams_.size());
}

void StreamSet::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  std::vector<std::shared_ptr<Member>> due;
  while (!ended_) {
    const absl::Time now = clock_.Now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
      Entry& entry = streams_.at(timers_.begin()->second);
      entry.timer = absl::InfiniteFuture();
      due.push_back(entry.stream);
      timers_.erase(timers_.begin());
    }
    if (!due.empty()) {
      lock.unlock();
      for (const auto& stream : due) stream->OnTimer(now);
      due.clear();
      lock.lock();
      continue;
    }
    if (timers_.empty()) {
      wake_.wait(lock, [this] { return ended_ || !timers_.empty(); });
    } else {
      wake_.wait_for(lock,
                     absl::ToChronoNanoseconds(std::min(kLook, timers_.begin()->first - now)));
    }
  }
}

}  // namespace ipt::rpc
