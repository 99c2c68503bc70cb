// Checks in the background what could not be checked while scheduling was away. Every replica has
// one; what one has settled, another finds settled. It goes by what is in the store, so a restart
// loses nothing.
//
// One thread. Ends with Stop().
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "platform/server/periodic.h"
#include "platform/time/clock.h"

namespace ipt::outcomes {

class Settler {
 public:
  // All of them outlive it.
  Settler(OutcomesStore& store, const Catalog& catalog, courses::CourseDirectory& courses,
          const Clock& clock)
      : store_(store), catalog_(catalog), courses_(courses), clock_(clock) {}
  ~Settler() { Stop(); }

  void Start();
  void Stop() { periodic_.reset(); }

  // One look at all that is unsettled; ends early where scheduling or the store is away. The first
  // error. What the thread does, and tests.
  absl::Status SettleOnce();

 private:
  absl::Time Deadline() const { return clock_.Now() + absl::Seconds(10); }
  // False: scheduling did not answer.
  absl::StatusOr<bool> Settle(const UnsettledCourse& course);

  OutcomesStore& store_;
  const Catalog& catalog_;
  courses::CourseDirectory& courses_;
  const Clock& clock_;
  bool failing_ = false;
  std::optional<server::Periodic> periodic_;
};

}  // namespace ipt::outcomes
