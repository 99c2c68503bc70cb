#include "outcomes/domain/review_alerts.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "outcomes/domain/alerts.h"
#include "outcomes/domain/measurement_alerts.h"
#include "outcomes/domain/outcomes.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

ReviewLevel LevelOf(const Signal& signal) {
  return signal.level == SignalLevel::kRed ? ReviewLevel::kRed : ReviewLevel::kAmber;
}

AlertFinding FindingOf(const Signal& signal) {
  return {.kind = AlertKind::kReview,
          .rule = signal.rule.id,
          .rule_version = signal.rule.version,
          .signal_level = static_cast<int>(LevelOf(signal))};
}

// The alert that was raised at the signal's beginning.
const Alert* RaisedFor(const std::vector<Alert>& alerts, const Signal& signal) {
  const auto found = std::find_if(alerts.begin(), alerts.end(), [&](const Alert& alert) {
    return alert.kind == AlertKind::kReview && alert.rule == signal.rule.id &&
           alert.measurement_id == signal.raised_by;
  });
  return found == alerts.end() ? nullptr : &*found;
}

absl::Status Raise(OutcomesTx& tx, IdSource& ids, const CourseOutcomes& outcomes,
                   const ScaleSeries& series, const Signal& signal, absl::Time now) {
  const auto& scores = series.trajectory.scores;
  const auto placed = std::find_if(scores.begin(), scores.end(), [&](const PlacedScore& score) {
    return score.score.id == signal.raised_by;
  });
  const auto raised_by =
      std::find_if(outcomes.measurements.begin(), outcomes.measurements.end(),
                   [&](const Measurement& m) { return m.measurement_id == signal.raised_by; });
  const AlertCause cause = CauseOf(*raised_by, TherapistOf(outcomes.course));
  AlertFinding finding = FindingOf(signal);
  finding.points = placed->score.value;
  return RaiseAlerts(tx.alerts(), ids, cause, {finding}, now).status();
}

}  // namespace

const Alert* ReviewAlertOf(const std::vector<Alert>& alerts, const Signal& signal) {
  if (const Alert* raised = RaisedFor(alerts, signal); raised != nullptr) return raised;
  if (!signal.cleared_by.empty()) return nullptr;
  const auto held =
      std::find_if(alerts.begin(), alerts.end(), [finding = FindingOf(signal)](const Alert& alert) {
        return alert.state != AlertState::kResolved && HasReview(alert, finding);
      });
  return held == alerts.end() ? nullptr : &*held;
}

absl::StatusOr<int> RaiseReviews(OutcomesTx& tx, IdSource& ids, const Catalog& catalog,
                                 const OutcomePolicy& policy, const courses::CourseAnswer& course,
                                 const Measurement& written, absl::Time now) {
  if (policy.no_review_alerts || written.instrument_id != WatchedInstrument(policy)) {
    return 0;
  }
  const ReviewLevel least = policy.review_alert_level == ReviewLevel::kUnspecified
                                ? ReviewLevel::kRed
                                : policy.review_alert_level;
  OutcomeInput input{
      .clinic_id = written.clinic_id,
      .query = {.course_id = written.course_id, .instrument_id = written.instrument_id},
      .policy = policy,
      .course = course};
  IPT_ASSIGN_OR_RETURN(input.measurements, MeasurementsOf(tx, written.clinic_id, input.query,
                                                          policy.DuplicateWindow()));
  IPT_ASSIGN_OR_RETURN(input.instruments,
                       AllInstruments(tx, catalog, written.clinic_id, written.instrument_id));
  IPT_ASSIGN_OR_RETURN(const CourseOutcomes outcomes, EvaluateOutcomes(std::move(input)));
  std::optional<std::vector<Alert>> alerts;  // read once there is a signal
  int passed_on = 0;
  for (const ScaleSeries& series : outcomes.series) {
    if (!series.watched) continue;
    for (const Signal& signal : series.trajectory.track.signals) {
      if (!signal.cleared_by.empty() || LevelOf(signal) < least) continue;
      if (!alerts.has_value()) {
        IPT_ASSIGN_OR_RETURN(alerts, AlertsOf(tx, written.clinic_id, written.course_id));
      }
      if (RaisedFor(*alerts, signal) != nullptr) continue;
      IPT_RETURN_IF_ERROR(Raise(tx, ids, outcomes, series, signal, now));
      ++passed_on;
    }
  }
  return passed_on;
}

}  // namespace ipt::outcomes
