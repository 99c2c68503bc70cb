// Makes courses' stale results anew in the background, so that a report finds nearly all of them
// made, and tells followers of events what has changed, in the transaction that keeps a result. A
// report makes a few that it finds stale itself, and asks to be tried again where they are many.
// Every replica has one; what one has made, another finds made.
//
// One thread. Ends with Stop(). Wake is thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "platform/server/periodic.h"
#include "platform/time/clock.h"

namespace ipt::outcomes {

class ResultKeeper {
 public:
  // All of them outlive it.
  ResultKeeper(OutcomesStore& store, const Catalog& catalog, const Clock& clock)
      : store_(store), catalog_(catalog), clock_(clock) {}
  ~ResultKeeper() { Stop(); }

  void Start();
  void Stop();

  // This clinic's are wanted now: at once, and before all others'.
  void Wake(absl::string_view clinic_id);

  // One look at all that is stale. The first error; a course whose result cannot be made is passed
  // over. What the thread does, and tests.
  absl::Status KeepOnce() { return Keep(/*by_rules=*/true); }

 private:
  // Makes what `list` finds after the course `after`, a page at a time. The first error.
  using List = absl::FunctionRef<absl::StatusOr<std::vector<StaleResult>>(OutcomesReader&,
                                                                          const StaleResult&)>;
  absl::Status KeepAll(StaleResult after, List list);
  // What changed since it was made: of one clinic, or (empty) all.
  absl::Status KeepChanged(const std::string& clinic_id);
  // What was made by other rules than today's; the same.
  absl::Status KeepOutdated(const std::string& clinic_id);
  // Both, of the clinics that are wanted.
  absl::Status KeepWanted();
  absl::Status Keep(bool by_rules);
  bool IsWanted();

  absl::Time Deadline() const { return clock_.Now() + absl::Seconds(10); }

  OutcomesStore& store_;
  const Catalog& catalog_;
  const Clock& clock_;
  bool failing_ = false;
  int looks_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  // of what follows
  std::set<std::string> wanted_;
  std::unique_ptr<server::Periodic> periodic_;
};

}  // namespace ipt::outcomes
