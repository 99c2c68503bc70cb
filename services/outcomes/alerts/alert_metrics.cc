#include "outcomes/alerts/alert_metrics.h"

namespace ipt::outcomes {

AlertMetrics::AlertMetrics(Metrics& metrics)
    : raised_item(metrics.Counter("ipt_alerts_raised_total",
                                  "Alerts raised, by what they are about.",
                                  {{"kind", "risk_item"}})),
      raised_score(metrics.Counter("ipt_alerts_raised_total",
                                   "Alerts raised, by what they are about.",
                                   {{"kind", "risk_score"}})),
      raised_unknown(metrics.Counter("ipt_alerts_raised_total",
                                     "Alerts raised, by what they are about.",
                                     {{"kind", "risk_unknown"}})),
      raised_review(metrics.Counter("ipt_alerts_raised_total",
                                    "Alerts raised, by what they are about.",
                                    {{"kind", "review"}})),
      not_acknowledged(metrics.Counter("ipt_alerts_escalated_total",
                                       "Alerts that the service passed on by itself, by why.",
                                       {{"why", "not_acknowledged"}})),
      not_resolved(metrics.Counter("ipt_alerts_escalated_total",
                                   "Alerts that the service passed on by itself, by why.",
                                   {{"why", "not_resolved"}})),
      away(metrics.Counter("ipt_alerts_escalated_total",
                           "Alerts that the service passed on by itself, by why.",
                           {{"why", "recipient_away"}})),
      unacknowledged_now(
          metrics.Gauge("ipt_alerts_unacknowledged", "Risk alerts that nobody has acknowledged.")),
      oldest_unacknowledged(metrics.Gauge("ipt_alert_oldest_unacknowledged_seconds",
                                          "How long the oldest of them waits; 0: there is none.")),
      unsent_now(
          metrics.Gauge("ipt_alerts_unsent", "Of them, those that were sent to no listener yet.")),
      unresolved_now(metrics.Gauge("ipt_alerts_unresolved",
                                   "Risk alerts that are acknowledged and not resolved.")),
      listeners_now(metrics.Gauge("ipt_alert_listeners",
                                  "Streams that listen to risk alerts, on all replicas.")),
      uncovered_clinics(metrics.Gauge("ipt_alert_uncovered_clinics",
                                      "Clinics whose risk alerts nobody listens to.")),
      partly_covered_clinics(
          metrics.Gauge("ipt_alert_partly_covered_clinics",
                        "Clinics where some recipient of risk alerts is heard by nobody.")),
      errors(metrics.Counter("ipt_alert_keeper_errors_total",
                             "Rounds of the alerts' background work that failed.")) {}

void AlertMetrics::CountRaised(const std::array<int, 5>& raised) {
  raised_item.Increment(raised[1]);
  raised_score.Increment(raised[2]);
  raised_unknown.Increment(raised[3]);
  raised_review.Increment(raised[4]);
}

}  // namespace ipt::outcomes
