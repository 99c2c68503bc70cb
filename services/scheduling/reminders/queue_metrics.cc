#include "scheduling/reminders/queue_metrics.h"

#include <vector>

namespace ipt::scheduling {
namespace {

// Seconds. A reminder is on time within one; one that an outage held back may be hours late.
const std::vector<double>& LatenessBuckets() {
  static const auto* const buckets = new std::vector<double>{
      0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400};
  return *buckets;
}

}  // namespace

QueueMetrics::QueueMetrics(Metrics& metrics)
    : leased(metrics.Counter("ipt_reminders_leased_total", "Reminders given to gateways.")),
      acked(metrics.Counter("ipt_reminders_acked_total", "Reminders acknowledged as sent.")),
      retried(metrics.Counter("ipt_reminders_retried_total",
                              "Attempts that gateways refused and that are tried again.")),
      dead(metrics.Counter("ipt_reminders_dead_total", "Reminders that became dead letters.")),
      lapsed(metrics.Counter("ipt_reminders_lapsed_total",
                             "Leases that ended without a word of their gateway.")),
      too_late(metrics.Counter("ipt_reminders_too_late_total",
                               "Reminders never sent because their time had passed.")),
      lateness(metrics.Histogram("ipt_reminder_lateness_seconds",
                                 "From a reminder's due time to its first lease.",
                                 LatenessBuckets())),
      due_now(metrics.Gauge("ipt_reminders_due", "Reminders that are due and not leased.")),
      leased_now(metrics.Gauge("ipt_reminders_leased", "Reminders in the hands of gateways.")),
      dead_now(metrics.Gauge("ipt_reminders_dead", "Dead letters, to be replayed or dropped.")),
      depth(metrics.Gauge("ipt_reminder_queue_depth", "Entries of the due-index.")),
      oldest_overdue(metrics.Gauge("ipt_reminder_oldest_overdue_seconds",
                                   "How long the oldest due reminder waits; 0: none does. Clinics "
                                   "whose sending is paused are left out.")),
      clock_offset(metrics.Gauge("ipt_store_clock_offset_seconds",
                                 "How far the store's clock is ahead of this process'.")),
      fallback_claims(
          metrics.Counter("ipt_reminder_fallback_claims_total",
                          "Claims that looked in SQL because the due-index was away or full.")),
      rebuilds(metrics.Counter("ipt_reminder_index_rebuilds_total",
                               "Times that the due-index of a clinic was rebuilt from SQL.")),
      mended_added(metrics.Counter("ipt_reminder_index_mended_total",
                                   "Differences of the due-index from SQL that were mended.",
                                   {{"way", "added"}})),
      mended_removed(metrics.Counter("ipt_reminder_index_mended_total",
                                     "Differences of the due-index from SQL that were mended.",
                                     {{"way", "removed"}})),
      changes_dropped(
          metrics.Counter("ipt_reminder_index_changes_dropped_total",
                          "Changes that did not reach the due-index; the auditor mends them.")),
      errors(metrics.Counter("ipt_reminder_keeper_errors_total",
                             "Rounds of the queue's background work that failed.")) {}

}  // namespace ipt::scheduling
