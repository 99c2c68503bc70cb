// Asks for a service's health again and again, and tells when it changed and how long answers took.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ipt-load/connection.h"
#include "ipt-load/histogram.h"

namespace ipt::load {

struct HealthHistory {
  struct Change {
    absl::Duration after;  // from the beginning
    std::string state;     // SERVING, NOT_SERVING, or the code of a call that failed
  };
  std::vector<Change> changes;  // the first is the state at the beginning
  Histogram latency;
};

// `service`: empty for the server itself. Ends early once `stop` says so.
HealthHistory WatchHealth(const Connections& connections, const std::string& service,
                          absl::Duration duration, absl::Duration every,
                          const std::function<bool()>& stop);

}  // namespace ipt::load
