#include "outcomes/domain/review_alerts.h"

#include <algorithm>

#include "outcomes/domain/alerts.h"
#include "outcomes/domain/outcomes.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

ReviewLevel LevelOf(const Signal& signal) {
  return signal.level == SignalLevel::kRed ? ReviewLevel::kRed : ReviewLevel::kAmber;
}

bool WasRaised(const std::vector<Alert>& alerts, const Signal& signal) {
  return std::any_of(alerts.begin(), alerts.end(), [&](const Alert& alert) {
    return alert.kind == AlertKind::kReview && alert.rule == signal.rule.id &&
           alert.measurement_id == signal.raised_by;
  });
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
  AlertCause cause{.clinic_id = outcomes.clinic_id,
                   .course_id = outcomes.course_id,
                   .measurement_id = signal.raised_by,
                   .measurement_revision = raised_by->revision_number,
                   .instrument_id = raised_by->instrument_id,
                   .instrument_version = raised_by->instrument_version,
                   .completed = raised_by->complete_time};
  if (outcomes.course.course.has_value()) {
    cause.therapist_id = outcomes.course.course->therapist_id;
  }
  for (const UnverifiedFact fact : raised_by->unverified) {
    cause.unverified.push_back(static_cast<int>(fact));
  }
  const AlertFinding finding{.kind = AlertKind::kReview,
                             .rule = signal.rule.id,
                             .rule_version = signal.rule.version,
                             .points = placed->score.value,
                             .signal_level = static_cast<int>(LevelOf(signal))};
  return RaiseAlerts(tx.alerts(), ids, cause, {finding}, now).status();
}

}  // namespace

absl::StatusOr<int> RaiseReviews(OutcomesTx& tx, IdSource& ids, const Catalog& catalog,
                                 const OutcomePolicy& policy, const CourseAnswer& course,
                                 const Measurement& written, absl::Time now) {
  if (policy.no_review_alerts || written.instrument_id != WatchedInstrument(policy)) {
    return 0;
  }
  const ReviewLevel least = policy.review_alert_level == ReviewLevel::kUnspecified
                                ? ReviewLevel::kRed
                                : policy.review_alert_level;
  IPT_ASSIGN_OR_RETURN(
      const CourseOutcomes outcomes,
      LoadOutcomes(tx, catalog, written.clinic_id,
                   {.course_id = written.course_id, .instrument_id = written.instrument_id},
                   course));
  int raised = 0;
  for (const ScaleSeries& series : outcomes.series) {
    if (!series.watched) continue;
    for (const Signal& signal : series.trajectory.track.signals) {
      if (!signal.cleared_by.empty() || LevelOf(signal) < least) continue;
      if (WasRaised(outcomes.alerts, signal)) continue;
      IPT_RETURN_IF_ERROR(Raise(tx, ids, outcomes, series, signal, now));
      ++raised;
    }
  }
  return raised;
}

}  // namespace ipt::outcomes
