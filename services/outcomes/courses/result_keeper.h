// Makes courses' stale results anew in the background, so that a report finds nearly all of them
// made, and tells followers of events what has changed, in the transaction that keeps a result. A
// report makes those that it finds stale itself: nothing but events depends on this, and its speed.
// Every replica has one; what one has made, another finds made.
//
// One thread. Ends with Stop().
#pragma once

#include <atomic>
#include <optional>

#include "absl/status/status.h"
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

  // One look at all that is stale. The first error; a course whose result cannot be made is passed
  // over. What the thread does, and tests.
  absl::Status KeepOnce();

 private:
  absl::Time Deadline() const { return clock_.Now() + absl::Seconds(10); }

  OutcomesStore& store_;
  const Catalog& catalog_;
  const Clock& clock_;
  bool failing_ = false;
  std::atomic<bool> stopping_ = false;
  std::optional<server::Periodic> periodic_;
};

}  // namespace ipt::outcomes
