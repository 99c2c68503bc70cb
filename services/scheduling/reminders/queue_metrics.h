// What operators see of the queue of reminders. Made once a process; thread-safe.
#pragma once

#include "platform/observability/metrics.h"

namespace ipt::scheduling {

struct QueueMetrics {
  explicit QueueMetrics(Metrics& metrics);

  prometheus::Counter& leased;
  prometheus::Counter& acked;
  prometheus::Counter& retried;
  prometheus::Counter& dead;
  prometheus::Counter& lapsed;
  prometheus::Counter& too_late;
  prometheus::Histogram& lateness;

  prometheus::Gauge& due_now;
  prometheus::Gauge& leased_now;
  prometheus::Gauge& dead_now;
  prometheus::Gauge& depth;
  prometheus::Gauge& oldest_overdue;
  prometheus::Gauge& clock_offset;

  prometheus::Counter& fallback_claims;
  prometheus::Counter& rebuilds;
  prometheus::Counter& mended_added;
  prometheus::Counter& mended_removed;
  prometheus::Counter& changes_dropped;
  prometheus::Counter& errors;
};

}  // namespace ipt::scheduling
