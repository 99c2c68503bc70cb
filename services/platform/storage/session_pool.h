// A bounded pool of sessions. Thread-safe. A lease returns its session, or throws it away.
//
// Sessions are made when they are first needed. The one used last is leased first, so that few
// sessions stay warm and the others grow old: beyond `max_age` a session is replaced.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/errors/error.h"
#include "platform/storage/observer.h"
#include "platform/storage/sql_error.h"
#include "platform/storage/time_limit.h"

namespace ipt::storage {

template <typename Session>
class SessionPool {
 private:
  struct Entry {
    std::unique_ptr<Session> session;
    SteadyTime made;
    int generation = 0;
  };

 public:
  using Factory = std::function<absl::StatusOr<std::unique_ptr<Session>>()>;

  class Lease {
   public:
    Lease(SessionPool* pool, Entry entry) : pool_(pool), entry_(std::move(entry)) {}
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), entry_(std::move(other.entry_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->Return(std::move(entry_));
    }

    Session& operator*() { return *entry_.session; }
    Session* operator->() { return entry_.session.get(); }

    // The session broke. Whatever broke it (a restart, a failover) most likely broke all sessions
    // of its time: the idle ones are thrown away with it.
    void Discard() { pool_->Discard(entry_); }

   private:
    SessionPool* pool_;
    Entry entry_;
  };

  SessionPool(int size, absl::Duration max_wait, absl::Duration max_age, Factory factory,
              StorageObserver* observer)
      : size_(size),
        max_wait_(max_wait),
        max_age_(max_age),
        factory_(std::move(factory)),
        observer_(observer) {}

  // RESOURCE_EXHAUSTED when none gets free in time; whatever the factory returns.
  absl::StatusOr<Lease> Acquire(SteadyTime deadline) {
    const SteadyTime start = SteadyClock::now();
    if (start >= deadline) return SqlError(SqlErrorKind::kTimeout, "session wait");
    std::vector<Entry> stale;  // closed after the lock is let go
    std::unique_lock<std::mutex> lock(mutex_);
    if (in_use_ == size_) {
      const SteadyTime limit = std::min(deadline, After(max_wait_));
      if (!Wait(lock, limit)) {
        lock.unlock();
        if (observer_ != nullptr) observer_->OnSessionWait(Since(start), false);
        if (limit == deadline) return SqlError(SqlErrorKind::kTimeout, "session wait");
        return ResourceExhausted(reason::kOverloaded, "all sessions of the store are in use",
                                 absl::Seconds(1));
      }
    }
    ++in_use_;
    if (observer_ != nullptr) {
      observer_->OnSessionWait(Since(start), true);
      observer_->OnSessionsInUse(in_use_);
    }
    while (!idle_.empty()) {
      Entry entry = std::move(idle_.back());
      idle_.pop_back();
      if (Fresh(entry)) return Lease(this, std::move(entry));
      stale.push_back(std::move(entry));
    }
    const int generation = generation_;
    lock.unlock();
    stale.clear();
    absl::StatusOr<std::unique_ptr<Session>> session = factory_();
    if (!session.ok()) {
      Return(Entry{});
      return session.status();
    }
    return Lease(this, Entry{*std::move(session), SteadyClock::now(), generation});
  }

 private:
  bool Wait(std::unique_lock<std::mutex>& lock, SteadyTime limit) {
    const auto free = [&] { return in_use_ < size_; };
    if (limit == kNoLimit) {
      freed_.wait(lock, free);
      return true;
    }
    return freed_.wait_until(lock, limit, free);
  }

  bool Fresh(const Entry& entry) const {
    return entry.generation == generation_ &&
           absl::FromChrono(SteadyClock::now() - entry.made) < max_age_;
  }

  void Return(Entry entry) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      --in_use_;
      if (observer_ != nullptr) observer_->OnSessionsInUse(in_use_);
      if (entry.session != nullptr && Fresh(entry)) idle_.push_back(std::move(entry));
    }
    freed_.notify_one();
  }

  void Discard(Entry& entry) {
    std::vector<Entry> stale;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (entry.generation == generation_) {
        ++generation_;
        stale.swap(idle_);
      }
    }
    entry.session.reset();
    if (observer_ != nullptr) observer_->OnSessionLost();
  }

  const int size_;
  const absl::Duration max_wait_;
  const absl::Duration max_age_;
  const Factory factory_;
  StorageObserver* const observer_;

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Entry> idle_;
  int in_use_ = 0;
  int generation_ = 0;
};

}  // namespace ipt::storage
