// The queue of reminders: the store's truth behind a due-index that may be lost at any time.
//
//   commit -> OnQueueChanged -> index      Take -> ids that are due by the index
//   the keeper compares both all the time  the store's compare-and-set decides -> Settle -> index
//
// The index holds ids only. What it hands out is tried in SQL, and what it forgot SQL brings back:
// while it is away, is being rebuilt, or did not take all that it was told (it may be full), Take
// says so and the store looks by itself.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/cache/due_index.h"
#include "platform/cache/wake.h"
#include "platform/server/periodic.h"
#include "platform/time/clock.h"
#include "scheduling/domain/delivery.h"
#include "scheduling/domain/queue_listener.h"
#include "scheduling/reminders/queue_metrics.h"

namespace ipt::scheduling {

// How much of the queue the index holds; what is due later waits in SQL.
inline constexpr absl::Duration kIndexHorizon = absl::Hours(48);

class ReminderQueue final : public QueueListener {
 public:
  // All of them outlive it. `clock` is the store's. The listener is told by Start() on.
  ReminderQueue(cache::DueIndex& index, cache::Wake& wake, const Clock& clock,
                QueueMetrics& metrics);
  ~ReminderQueue() override;

  // The index is asked for this epoch's contents; empty (at first): it is not asked at all.
  void SetEpoch(const std::string& epoch);
  std::string epoch() const;
  // Called when a clinic's index has to be rebuilt.
  void OnRebuildNeeded(std::function<void(const std::string& clinic)> rebuild);

  // The index did not take something of the clinic's: until all that is due was brought back into
  // it, the store is asked.
  void MarkIncomplete(const std::string& clinic);
  // Names the last such mark; 0: there is none.
  int64_t IncompleteMark(const std::string& clinic) const;
  // All that is due is in the index. Nothing, where it was marked again since.
  void Unmark(const std::string& clinic, int64_t mark);

  // Ids that are due, to be leased in the store next.
  struct Batch {
    std::string clinic_id;
    // nullopt: the store must look for itself.
    std::optional<std::vector<std::string>> ids;
    std::vector<cache::DueEntry> entries;
    std::string index_lease;
    // When there is more to take.
    absl::Time next;
  };
  // `by_channel`: the index does not know of channels.
  Batch Take(absl::string_view clinic_id, int most, bool by_channel);
  // What became of it. nullptr: nothing was leased, and it is not known why.
  void Settle(const Batch& batch, const LeaseResult* result);

  void OnQueueChanged(const std::vector<QueueChange>& changes) override;
  // Counts what words about leases did, and feeds the index.
  void OnWords(const WordResult& result);

  // `heard` is called, on any thread, when a reminder of the clinic may have fallen due.
  class Watch;
  std::unique_ptr<Watch> WatchClinic(const std::string& clinic_id, std::function<void()> heard);

  cache::DueIndex& index() { return index_; }
  const Clock& clock() const { return clock_; }
  QueueMetrics& metrics() { return metrics_; }

  // Writes what was told to the index so far; for tests.
  void Flush();

 private:
  void Feed();
  void Heard(absl::string_view clinic_id);

  cache::DueIndex& index_;
  cache::Wake& wake_;
  const Clock& clock_;
  QueueMetrics& metrics_;

  mutable std::mutex mutex_;
  std::string epoch_;
  std::function<void(const std::string&)> rebuild_;
  std::vector<QueueChange> changes_;                         // not yet in the index
  absl::flat_hash_map<std::string, absl::Time> hold_until_;  // clinics that may not lease now
  absl::flat_hash_map<std::string, int64_t> incomplete_;     // clinics by their last mark
  int64_t marks_ = 0;

  std::mutex feeding_;
  std::mutex watches_mutex_;  // held while watchers are told
  absl::flat_hash_map<std::string, std::vector<Watch*>> watches_;
  std::unique_ptr<cache::Wake::Listener> listener_;
  server::Periodic feeder_;
};

class ReminderQueue::Watch {
 public:
  ~Watch();

 private:
  friend class ReminderQueue;
  Watch(ReminderQueue& queue, std::string clinic_id, std::function<void()> heard);
  ReminderQueue& queue_;
  const std::string clinic_id_;
  const std::function<void()> heard_;
};

}  // namespace ipt::scheduling
