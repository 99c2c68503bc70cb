// SQLite's one writer, shared by all who write: whoever finds it free takes it, runs what waits
// together with its own, commits once, and hands the writer to one of those who came meanwhile. No
// thread of its own: a lone write costs no switch of threads, and while one batch is being synced
// to disk the next one gathers. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <mutex>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "platform/observability/trace_context.h"
#include "platform/storage/database.h"
#include "platform/storage/observer.h"
#include "platform/storage/time_limit.h"

namespace ipt::storage {

class GroupCommit {
 public:
  struct Write {
    Body body;
    SteadyTime deadline;
    absl::Duration statement_timeout;  // from when the writer turns to it
    absl::Status result;
    // Of the thread that waits for it, which may be another than the one that runs it.
    const TraceContext* trace = TraceScope::Current();
  };

  // Runs the writes, in their order, and sets their results. Never called twice at a time.
  using RunBatch = std::function<void(absl::Span<Write* const>)>;

  GroupCommit(int max_batch, int max_waiting, RunBatch run, StorageObserver* observer);

  // Returns the write's result once it is durable or rolled back. RESOURCE_EXHAUSTED when too many
  // wait, DEADLINE_EXCEEDED when its turn has not come by `deadline`.
  absl::Status Run(Body body, SteadyTime deadline, absl::Duration statement_timeout);

 private:
  struct Request;  // a Write and the thread that waits for it

  void Lead(Request& own, std::unique_lock<std::mutex>& lock);

  const size_t max_batch_;
  const size_t max_waiting_;
  const RunBatch run_;
  StorageObserver* const observer_;

  std::mutex mutex_;
  bool taken_ = false;
  std::deque<Request*> waiting_;
};

}  // namespace ipt::storage
