#include "platform/storage/group_commit.h"

#include <algorithm>
#include <condition_variable>
#include <utility>
#include <vector>

#include "platform/errors/error.h"
#include "platform/storage/sql_error.h"

namespace ipt::storage {

// Lives on its thread's stack. `state` is guarded by `mutex` once the request is in the queue; it
// leaves the queue under GroupCommit's mutex, by being run, promoted or given up.
struct GroupCommit::Request : Write {
  enum State { kWaiting, kLeader, kDone };

  explicit Request(Write write) : Write(std::move(write)) {}

  // Notified inside the lock: as soon as the lock is let go, this object may be gone.
  void Wake(State to) {
    std::lock_guard<std::mutex> lock(mutex);
    state = to;
    woken.notify_one();
  }

  std::mutex mutex;
  std::condition_variable woken;
  State state = kWaiting;
};

GroupCommit::GroupCommit(int max_batch, int max_waiting, RunBatch run, StorageObserver* observer)
    : max_batch_(max_batch), max_waiting_(max_waiting), run_(std::move(run)), observer_(observer) {}

absl::Status GroupCommit::Run(Body body, SteadyTime deadline, absl::Duration statement_timeout) {
  Request own(Write{body, deadline, statement_timeout, absl::OkStatus()});
  std::unique_lock<std::mutex> lock(mutex_);
  if (!taken_) {
    taken_ = true;
    Lead(own, lock);
    return own.result;
  }
  if (waiting_.size() >= max_waiting_) {
    return ResourceExhausted(reason::kOverloaded, "too many writes wait for the store",
                             absl::Seconds(1));
  }
  waiting_.push_back(&own);
  if (observer_ != nullptr) observer_->OnWriteQueue(waiting_.size());
  lock.unlock();

  std::unique_lock<std::mutex> own_lock(own.mutex);
  const auto woken = [&] { return own.state != Request::kWaiting; };
  if (deadline == kNoLimit) {
    own.woken.wait(own_lock, woken);
  } else if (!own.woken.wait_until(own_lock, deadline, woken)) {
    own_lock.unlock();
    lock.lock();
    const auto place = std::find(waiting_.begin(), waiting_.end(), &own);
    if (place != waiting_.end()) {
      waiting_.erase(place);
      return SqlError(SqlErrorKind::kTimeout, "writer wait");
    }
    lock.unlock();
    own_lock.lock();
    own.woken.wait(own_lock, woken);  // its turn came in the meantime
  }
  const Request::State state = own.state;
  own_lock.unlock();
  if (state == Request::kLeader) {
    lock.lock();
    Lead(own, lock);
  }
  return own.result;
}

void GroupCommit::Lead(Request& own, std::unique_lock<std::mutex>& lock) {
  std::vector<Request*> requests = {&own};
  while (requests.size() < max_batch_ && !waiting_.empty()) {
    requests.push_back(waiting_.front());
    waiting_.pop_front();
  }
  lock.unlock();

  const std::vector<Write*> writes(requests.begin(), requests.end());
  run_(writes);

  // The next leader first: it starts while the others are being woken.
  lock.lock();
  Request* next = nullptr;
  if (waiting_.empty()) {
    taken_ = false;
  } else {
    next = waiting_.front();
    waiting_.pop_front();
  }
  if (observer_ != nullptr) observer_->OnWriteQueue(waiting_.size());
  lock.unlock();
  if (next != nullptr) next->Wake(Request::kLeader);
  for (size_t i = 1; i < requests.size(); ++i) requests[i]->Wake(Request::kDone);
}

}  // namespace ipt::storage
