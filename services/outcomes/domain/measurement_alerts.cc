#include "outcomes/domain/measurement_alerts.h"

#include <utility>

#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

AlertKind KindOf(const HeldRisk& risk) {
  if (risk.outcome == RiskOutcome::kUnknown) return AlertKind::kRiskUnknown;
  return risk.item.empty() ? AlertKind::kRiskScore : AlertKind::kRiskItem;
}

}  // namespace

std::string TherapistOf(const courses::CourseAnswer& course) {
  return course.course.has_value() ? course.course->therapist_id : "";
}

AlertCause CauseOf(const Measurement& measurement, std::string therapist_id) {
  AlertCause cause{.clinic_id = measurement.clinic_id,
                   .course_id = measurement.course_id,
                   .therapist_id = std::move(therapist_id),
                   .measurement_id = measurement.measurement_id,
                   .measurement_revision = measurement.revision_number,
                   .instrument_id = measurement.instrument_id,
                   .instrument_version = measurement.instrument_version,
                   .completed = measurement.complete_time};
  for (const UnverifiedFact fact : measurement.unverified) {
    cause.unverified.push_back(static_cast<int>(fact));
  }
  return cause;
}

absl::Status RaiseFor(OutcomesTx& tx, const CallContext& ctx, IdSource& ids,
                      std::string therapist_id, Measurement& measurement) {
  const AlertCause cause = CauseOf(measurement, std::move(therapist_id));
  std::vector<AlertFinding> findings;
  std::vector<HeldRisk*> raising;
  for (HeldRisk& risk : measurement.risks) {
    if (risk.outcome == RiskOutcome::kBelow) continue;
    raising.push_back(&risk);
    findings.push_back(
        {.kind = KindOf(risk), .rule = risk.rule, .item = risk.item, .points = risk.points});
  }
  IPT_ASSIGN_OR_RETURN(std::vector<std::string> alerts,
                       RaiseAlerts(tx.alerts(), ids, cause, findings, ctx.now));
  for (size_t i = 0; i < raising.size(); ++i) raising[i]->alert_id = std::move(alerts[i]);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> NoteTakenBack(OutcomesTx& tx, const CallContext& ctx,
                                                       const Measurement& measurement) {
  IPT_ASSIGN_OR_RETURN(
      const std::vector<Alert> open,
      ChangeBasis(tx.alerts(),
                  {.clinic_id = measurement.clinic_id,
                   .course_id = measurement.course_id,
                   .measurement_id = measurement.measurement_id,
                   .basis = AlertBasis::kEnteredInError,
                   .error = static_cast<int>(measurement.entered_in_error->reason)},
                  ctx.now));
  std::vector<std::string> ids;
  for (const Alert& alert : open) ids.push_back(alert.alert_id);
  return ids;
}

}  // namespace ipt::outcomes
