// The events of a store as they are committed, for all followers of this process: one thread runs
// the relay (PostgreSQL), learns of new positions, and wakes those whose clinic has some. It learns
// of them by a wake (of commits here, and of other replicas where Redis is shared), and by polling
// all the same.
//
// Thread-safe. The destructor waits for the thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/cache/wake.h"
#include "platform/observability/metrics.h"
#include "platform/storage/database.h"
#include "platform/storage/outbox.h"
#include "platform/time/clock.h"

namespace ipt::events {

class Feed {
 public:
  struct Options {
    std::string topic = "events";  // of wakes: one a service
    absl::Duration poll = absl::Milliseconds(100);
    absl::Duration idle_poll = absl::Seconds(1);  // while nobody follows
  };

  // How far a follower of one clinic may read. Consistent: beyond `newest` the clinic has nothing
  // up to `end`.
  struct Mark {
    std::string epoch{};
    int64_t end = 0;
    int64_t purged = 0;
    int64_t newest = 0;
  };

  // Made by Follow; the follower is not woken any more once it is destroyed.
  class Follower {
   public:
    ~Follower();
    Mark mark() const;

   private:
    friend class Feed;
    Follower(Feed& feed, std::string clinic_id, std::function<void()> wake)
        : feed_(feed), clinic_id_(std::move(clinic_id)), wake_(std::move(wake)) {}

    Feed& feed_;
    const std::string clinic_id_;
    const std::function<void()> wake_;
    storage::outbox::FeedState begun_;  // what it saw itself, which the thread may see later
    int64_t newest_ = 0;
  };

  // All of them outlive the feed.
  Feed(storage::Database& db, const Clock& clock, cache::Wake& wake, Metrics& metrics,
       Options options);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  void Start();
  void Stop();

  // Of the store, as last looked at; empty before. Never blocks.
  std::string epoch() const;

  // Something was committed here. Never blocks.
  void OnCommitted();

  // Begins to follow, from the store's state of now: the first mark() is no older, and all that was
  // committed before has its position, so that whoever follows from there on is not told of it.
  absl::StatusOr<std::unique_ptr<Follower>> Follow(const std::string& clinic_id,
                                                   std::function<void()> wake, absl::Time deadline);

  // A page of events after `after` and up to `upto`.
  absl::StatusOr<storage::outbox::Page> Read(absl::string_view clinic_id, int64_t after,
                                             int64_t upto, absl::Time deadline);

  // Deletes events that are older than `keep`, in batches.
  absl::Status Purge(absl::Duration keep);

  // For followers to count what they tell.
  prometheus::Counter& told() { return told_; }

 private:
  void Run();
  // Gives positions to all that is committed and has none (PostgreSQL).
  absl::Status PlaceWaiting(absl::Time deadline, storage::outbox::IfBusy if_busy);
  // Looks once: places what waits, and takes over what is new.
  absl::Status Look();
  void Ring();
  storage::CallOptions Within(absl::Duration time) const;

  storage::Database& db_;
  const Clock& clock_;
  cache::Wake& wake_;
  const Options options_;
  prometheus::Counter& told_;
  prometheus::Counter& placed_;
  prometheus::Counter& errors_;
  prometheus::Counter& purged_;

  mutable std::mutex mutex_;
  std::condition_variable woken_;
  bool rung_ = false;
  bool stopping_ = false;
  storage::outbox::FeedState state_;
  std::set<Follower*> followers_;
  std::unique_ptr<cache::Wake::Listener> listener_;
  std::thread thread_;
};

}  // namespace ipt::events
