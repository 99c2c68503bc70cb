// Which measures of a course are due, asked of outcomes while a guide is made.
//
// Nobody waits for outcomes longer than is said of DueMeasureSource: what it does not answer in
// time is not known, and said to be so. The calls are made by a few threads of their own, so that a
// guide reads its store meanwhile; where more guides ask than they can serve, the rest does
// without.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "formulation/domain/due_measures.h"
#include "ipt/outcomes/v1/measurement_plan.pb.h"
#include "platform/peer/in_process.h"
#include "platform/peer/peer.h"
#include "platform/time/clock.h"

namespace ipt::formulation {

// The name of the service that is asked, in settings and metrics.
inline constexpr char kOutcomes[] = "outcomes";

// Who asks it, in one process.
peer::LocalCaller CallerOfOutcomes();

// How outcomes is called. An attempt is shorter than the whole, so that one that hangs is counted
// against outcomes, and soon nobody waits; and longer than outcomes itself waits for scheduling.
inline constexpr absl::Duration kAskTime = absl::Seconds(2);
inline peer::PeerOptions PeerOfOutcomes() {
  return {.name = kOutcomes, .call_time = absl::Milliseconds(1500)};
}

// Thread-safe. What it is given outlives it.
class OutcomesMeasures final : public DueMeasureSource {
 public:
  // Has a task run at some time; false where it will not.
  using Post = std::function<bool(std::function<void()>)>;

  OutcomesMeasures(peer::Peer& outcomes, Post post, const Clock& clock)
      : outcomes_(outcomes), post_(std::move(post)), clock_(clock) {}

  std::future<DueMeasures> Ask(DueQuestion question) override;

 private:
  DueMeasures AskNow(const DueQuestion& question, absl::Time asked_at, absl::Time deadline);
  DueMeasures NotTold(const absl::Status& why, const DueQuestion& question, absl::Time asked_at);
  // One log line a cause and hour: what is wrong for one guide is wrong for all.
  void Report(absl::string_view cause, absl::string_view clinic_id, absl::Time now);

  peer::Peer& outcomes_;
  const Post post_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, absl::Time> reported_;  // by cause, and clinic where it is one's
};

// What of an occasion a guide says. INTERNAL where it is none of the course's that this release can
// read.
absl::StatusOr<DueMeasure> CopyOf(const outcomes::v1::DueMeasurement& due,
                                  absl::string_view clinic_id, absl::string_view course_id);

}  // namespace ipt::formulation
