// A messaging gateway that sends nothing: takes reminders by StreamReminders, and completes each
// batch as SENT as soon as it has it, in one message, granting as many credits again. So a stream
// has `credits` reminders under way, and the server leases them in batches of that size.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ipt-load/connection.h"
#include "ipt-load/histogram.h"

namespace ipt::load {

struct DeliverOptions {
  std::vector<std::string> clinics;  // their ids; streams take turns among them
  int streams = 8;
  int credits = 100;      // of each stream
  int64_t reminders = 0;  // ends once so many are done; 0: by time
  absl::Duration warmup = absl::Seconds(2);
  absl::Duration duration = absl::Seconds(10);
};

struct DeliverResult {
  absl::Duration measured;
  int64_t done = 0;                        // APPLIED within `measured`
  int64_t leased = 0;                      // all, warm-up too
  std::map<std::string, int64_t> refused;  // completions that were not APPLIED, by verdict
  std::vector<std::string> errors;         // how streams ended that should not have
  Histogram completion;                    // from a completion of a batch to its verdicts
  Histogram lateness;  // of first attempts that fell due while streams were open

  bool ok() const { return errors.empty() && refused.empty() && done > 0; }
};

DeliverResult Deliver(const Connections& connections, const DeliverOptions& options);

}  // namespace ipt::load
