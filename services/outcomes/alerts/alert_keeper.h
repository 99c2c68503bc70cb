// Does in the background what nobody asks for: passes alerts on whose time has come or whose
// recipient is away, and keeps whether each clinic is heard. Every replica has one; what one has
// done, another finds done. All that it goes by is in the store, so a restart loses nothing, and
// nothing here needs Redis.
//
// One thread, once a second. Ends with Stop().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "outcomes/alerts/alert_metrics.h"
#include "outcomes/domain/alert_tx.h"
#include "platform/server/periodic.h"
#include "platform/time/clock.h"

namespace ipt::outcomes {

class AlertKeeper {
 public:
  // All of them outlive it.
  AlertKeeper(AlertStore& store, const Clock& clock, AlertMetrics& metrics)
      : store_(store), clock_(clock), metrics_(metrics) {}
  ~AlertKeeper() { Stop(); }

  void Start();
  void Stop() { periodic_.reset(); }

  // One round of each; what the thread does, and tests.
  absl::Status EscalateOnce();
  absl::Status CoverageOnce();
  absl::Status MeasureOnce();

 private:
  absl::Time Deadline() const { return clock_.Now() + absl::Seconds(30); }
  void Round();
  void Report(const char* what, const absl::Status& status, bool& failing);
  absl::StatusOr<std::vector<std::string>> ClinicsThatMoved();

  AlertStore& store_;
  const Clock& clock_;
  AlertMetrics& metrics_;

  int rounds_ = 0;
  int coverage_rounds_ = 0;
  bool escalate_failing_ = false;
  bool coverage_failing_ = false;
  bool measure_failing_ = false;
  std::optional<server::Periodic> periodic_;
};

}  // namespace ipt::outcomes
