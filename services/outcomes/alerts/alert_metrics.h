// What operators see of alerts. Made once a process; thread-safe.
#pragma once

#include <array>

#include "platform/observability/metrics.h"

namespace ipt::outcomes {

struct AlertMetrics {
  explicit AlertMetrics(Metrics& metrics);

  // How many of each kind (by its number) a transaction that was committed has raised.
  void CountRaised(const std::array<int, 5>& raised);

  prometheus::Counter& raised_item;
  prometheus::Counter& raised_score;
  prometheus::Counter& raised_unknown;
  prometheus::Counter& raised_review;

  prometheus::Counter& not_acknowledged;
  prometheus::Counter& not_resolved;
  prometheus::Counter& away;

  prometheus::Gauge& unacknowledged_now;
  prometheus::Gauge& oldest_unacknowledged;
  prometheus::Gauge& unsent_now;
  prometheus::Gauge& unresolved_now;
  prometheus::Gauge& listeners_now;
  prometheus::Gauge& uncovered_clinics;
  prometheus::Gauge& partly_covered_clinics;

  prometheus::Counter& errors;
};

}  // namespace ipt::outcomes
