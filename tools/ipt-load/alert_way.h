// The way of an alert: forms are recorded at a steady rate, whatever the server does (an open
// loop), while this process listens with WatchAlerts; from the instant at which a risk answer was
// to be sent to the one at which the stream has its alert.
//
// All times are from when a call was due: one that had to wait for this process itself counts as
// late. Calls in flight are bounded by their deadline alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ipt-load/closed_loop.h"
#include "ipt-load/connection.h"
#include "ipt-load/forms.h"
#include "ipt-load/histogram.h"

namespace ipt::load {

struct AlertWayOptions {
  std::vector<std::string> clinics;  // their names: one stream each
  double rate = 100;                 // calls a second
  absl::Duration warmup = absl::Seconds(2);
  absl::Duration duration = absl::Seconds(10);
};

struct AlertWayResult {
  absl::Duration measured;
  MethodResult calls;               // due within `measured`
  int64_t raised = 0;               // of them: acknowledged, with a risk answer
  Histogram way;                    // of their alerts
  int64_t missing = 0;              // acknowledged at any time, and their alert never came
  int64_t unverified = 0;           // recorded without scheduling's word
  std::vector<std::string> errors;  // how streams ended that should not have

  bool ok() const {
    return errors.empty() && missing == 0 && calls.error_calls == 0 && calls.latency.total() > 0;
  }
};

// UNAVAILABLE, or what the server says, where a stream does not begin.
absl::StatusOr<AlertWayResult> MeasureAlertWay(const Connections& connections, Forms& forms,
                                               const AlertWayOptions& options);

}  // namespace ipt::load
