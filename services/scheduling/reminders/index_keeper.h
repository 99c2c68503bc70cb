// Keeps the queue right in the background: ends leases that ran out and reminders that are too
// late, brings back into the index what is overdue and not in it, rebuilds the index of a clinic
// where it was lost, and compares all of it with SQL, page by page, for ever.
//
// Two threads: the sweep, once a second, which needs SQL alone; and the index's, which Redis may
// hold up. Both end with Stop().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/server/periodic.h"
#include "platform/time/clock.h"
#include "scheduling/domain/store.h"
#include "scheduling/reminders/reminder_queue.h"
#include "scheduling/reminders/store_clock.h"

namespace ipt::scheduling {

class IndexKeeper {
 public:
  // All of them outlive it. `own` is this process' clock, `store_clock` the one that it teaches.
  IndexKeeper(SchedulingStore& store, ReminderQueue& queue, const Clock& own,
              StoreClock& store_clock);
  ~IndexKeeper();

  void Start();
  void Stop();

  // One round of each; what the threads do, and tests.
  absl::Status SweepOnce();
  absl::Status IndexOnce();

 private:
  absl::Time Deadline() const { return own_.Now() + absl::Seconds(30); }
  absl::Status CheckClock();
  absl::Status Rebuild(const std::string& clinic);
  // What was due before this instant, and the index does not know of it. True: that was all.
  absl::StatusOr<bool> BringBack(const std::string& clinic, absl::Time before);
  // Into the index; the clinic is marked where it does not take them.
  absl::Status Put(const std::string& clinic, const std::vector<cache::DueEntry>& entries);
  absl::Status Audit(const std::vector<QueueHead>& clinics);
  absl::StatusOr<bool> AuditPage(const std::string& clinic);
  absl::Status Measure(const std::vector<QueueHead>& heads);
  absl::StatusOr<std::vector<QueueEntry>> Page(const std::string& clinic, absl::Time after,
                                               const std::string& after_id, absl::Time before,
                                               int limit);
  void Report(const char* what, const absl::Status& status, bool& failing);

  SchedulingStore& store_;
  ReminderQueue& queue_;
  const Clock& own_;
  StoreClock& store_clock_;

  // Where the auditor is.
  struct Position {
    std::string clinic;
    bool of_index = false;  // first SQL's pages, then the index's
    absl::Time next = absl::UnixEpoch();
    std::string id;
  };
  Position audit_;
  int rounds_ = 0;  // of the sweep
  bool clock_warned_ = false;
  bool sweep_failing_ = false;
  bool index_failing_ = false;

  std::mutex mutex_;
  std::set<std::string> asked_;  // clinics whose index was found to be lost
  std::optional<server::Periodic> sweeper_;
  std::optional<server::Periodic> indexer_;
};

}  // namespace ipt::scheduling
