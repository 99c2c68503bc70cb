#include "outcomes/rpc/alert_proto.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "ipt/outcomes/v1/event.pb.h"
#include "outcomes/domain/names.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"

namespace ipt::outcomes {

void WriteAlertRecipient(absl::string_view clinic_id, const AlertRecipient& recipient,
                         pb::AlertRecipient* out) {
  if (!recipient.therapist_id.empty()) {
    out->set_therapist(TherapistName(clinic_id, recipient.therapist_id));
  } else {
    out->set_desk(recipient.desk);
  }
}

AlertRecipient ReadAlertRecipient(const pb::AlertRecipient& recipient) {
  AlertRecipient result;
  if (recipient.has_desk()) result.desk = recipient.desk();
  if (!recipient.therapist().empty()) {
    result.therapist_id = rpc::IdsOf(recipient.therapist())[1];
  }
  return result;
}

void WriteAlert(const Alert& alert, const std::vector<std::string>& other_open, pb::Alert* out) {
  out->set_name(AlertName(alert.clinic_id, alert.course_id, alert.alert_id));
  out->set_kind(static_cast<pb::AlertKind>(alert.kind));
  out->set_state(static_cast<pb::AlertState>(alert.state));
  if (alert.patient.has_value()) {
    out->mutable_patient()->set_system(alert.patient->system);
    out->mutable_patient()->set_value(alert.patient->value);
  }
  if (!alert.measurement_id.empty()) {
    out->set_measurement(MeasurementName(alert.clinic_id, alert.course_id, alert.measurement_id));
  }
  out->set_measurement_revision(alert.measurement_revision);
  if (!alert.instrument_id.empty()) {
    out->set_instrument(InstrumentName(alert.clinic_id, alert.instrument_id));
  }
  out->set_instrument_version(alert.instrument_version);
  out->set_rule(alert.rule);
  out->set_rule_version(alert.rule_version);
  out->set_item(alert.item);
  if (alert.points.has_value()) out->set_points(*alert.points);
  out->set_signal_level(static_cast<pb::SignalLevel>(alert.signal_level));
  if (alert.completed.has_value()) rpc::WriteTime(*alert.completed, out->mutable_complete_time());
  rpc::WriteTime(alert.raised, out->mutable_raise_time());
  WriteAlertRecipient(alert.clinic_id, alert.owner, out->mutable_owner());
  WriteAlertRecipient(alert.clinic_id, alert.assignee, out->mutable_assignee());
  out->set_escalation_level(alert.level);
  if (alert.escalate.has_value()) rpc::WriteTime(*alert.escalate, out->mutable_escalate_time());
  if (alert.acknowledged.has_value()) {
    rpc::WriteTime(*alert.acknowledged, out->mutable_acknowledge_time());
  }
  out->set_acknowledged_by(alert.acknowledged_by);
  if (alert.resolution.has_value()) {
    pb::AlertResolution* resolution = out->mutable_resolution();
    resolution->set_outcome(static_cast<pb::ResolutionOutcome>(alert.resolution->outcome));
    resolution->set_note(alert.resolution->note);
    rpc::WriteTime(alert.resolution->time, resolution->mutable_time());
    resolution->set_caller(alert.resolution->caller);
  }
  out->set_basis(static_cast<pb::AlertBasis>(alert.basis));
  out->set_measurement_error(static_cast<pb::EnteredInErrorReason>(alert.measurement_error));
  for (const std::string& id : other_open) {
    out->add_other_open_alerts(AlertName(alert.clinic_id, alert.course_id, id));
  }
  if (alert.first_sent.has_value()) {
    rpc::WriteTime(*alert.first_sent, out->mutable_first_sent_time());
  }
  for (const int fact : alert.unverified) {
    out->add_unverified(static_cast<pb::UnverifiedFact>(fact));
  }
  for (const AlertChange& change : alert.changes) {
    pb::AlertChange* written = out->add_changes();
    rpc::WriteTime(change.time, written->mutable_time());
    written->set_kind(static_cast<pb::AlertChangeKind>(change.kind));
    written->set_caller(change.caller);
    written->set_note(change.note);
    WriteAlertRecipient(alert.clinic_id, change.assignee, written->mutable_assignee());
    written->set_escalation_reason(static_cast<pb::EscalationReason>(change.escalation_reason));
  }
  out->set_etag(rpc::Etag(alert.revision));
  out->set_revision(alert.revision);
  rpc::WriteTime(alert.updated, out->mutable_update_time());
}

void WriteStatedRouting(const AlertRouting& routing, pb::AlertRouting* out) {
  const std::string& clinic = routing.clinic_id;
  if (!routing.owner.empty()) WriteAlertRecipient(clinic, routing.owner, out->mutable_owner());
  for (const AlertRecipient& recipient : routing.cover) {
    WriteAlertRecipient(clinic, recipient, out->add_cover());
  }
  for (const AlertStep& step : routing.steps) {
    pb::EscalationStep* written = out->add_steps();
    written->set_after_minutes(step.after_minutes);
    WriteAlertRecipient(clinic, step.to, written->mutable_to());
  }
  if (routing.resolve_minutes.has_value()) out->set_resolve_minutes(*routing.resolve_minutes);
  if (routing.away_until.has_value()) {
    rpc::WriteTime(*routing.away_until, out->mutable_away_until_time());
  }
}

void WriteRouting(absl::string_view clinic_id, absl::string_view therapist_id,
                  const RoutingInForce& routing, const std::optional<AlertRouting>& stated,
                  pb::AlertRouting* out) {
  AlertRouting shown;
  shown.clinic_id = std::string(clinic_id);
  shown.owner = routing.owner;
  shown.cover = routing.cover;
  shown.steps = routing.steps;
  for (AlertStep& step : shown.steps) {
    if (step.to.empty()) step.to = routing.cover.front();
  }
  shown.resolve_minutes = routing.resolve_minutes;
  if (stated.has_value()) shown.away_until = stated->away_until;
  WriteStatedRouting(shown, out);
  out->set_name(AlertRoutingName(clinic_id, therapist_id));
  out->set_inherited(!therapist_id.empty() && !stated.has_value());
  if (stated.has_value() && stated->revision != 0) {
    out->set_etag(rpc::Etag(stated->revision));
    out->set_revision(stated->revision);
    rpc::WriteTime(stated->updated, out->mutable_update_time());
  }
}

AlertRouting ReadRouting(const pb::AlertRouting& routing, FieldViolations& bad) {
  AlertRouting result;
  if (routing.has_owner()) result.owner = ReadAlertRecipient(routing.owner());
  for (const pb::AlertRecipient& recipient : routing.cover()) {
    result.cover.push_back(ReadAlertRecipient(recipient));
  }
  for (const pb::EscalationStep& step : routing.steps()) {
    result.steps.push_back(
        {.after_minutes = step.after_minutes(), .to = ReadAlertRecipient(step.to())});
  }
  if (routing.has_resolve_minutes()) result.resolve_minutes = routing.resolve_minutes();
  if (routing.has_away_until_time()) {
    result.away_until = rpc::ReadTime(routing.away_until_time(), bad, "away_until_time");
  }
  return result;
}

void WriteCoverage(const AlertCoverage& coverage, pb::AlertCoverage* out) {
  out->set_clinic(ClinicName(coverage.clinic_id));
  rpc::WriteTime(coverage.as_of, out->mutable_as_of_time());
  out->set_state(static_cast<pb::CoverageState>(coverage.state));
  if (coverage.since.has_value()) rpc::WriteTime(*coverage.since, out->mutable_since_time());
  for (const AlertListener& listener : coverage.listeners) {
    pb::AlertListener* written = out->add_listeners();
    written->set_label(listener.label);
    written->set_caller(listener.caller);
    for (const AlertRecipient& recipient : listener.recipients) {
      WriteAlertRecipient(coverage.clinic_id, recipient, written->add_recipients());
    }
    rpc::WriteTime(listener.since, written->mutable_since_time());
    rpc::WriteTime(listener.last_response, written->mutable_last_response_time());
  }
  for (const AlertRecipient& recipient : coverage.unheard) {
    WriteAlertRecipient(coverage.clinic_id, recipient, out->add_unheard_recipients());
  }
  out->set_unacknowledged(coverage.counts.unacknowledged);
  if (coverage.counts.oldest_unacknowledged.has_value()) {
    rpc::WriteTime(*coverage.counts.oldest_unacknowledged,
                   out->mutable_oldest_unacknowledged_time());
  }
  out->set_unsent(coverage.counts.unsent);
  out->set_unresolved(coverage.counts.unresolved);
  out->set_uncovered_minutes_week(coverage.uncovered_minutes_week);
}

AlertEventEncoder::Encoded ProtoAlertEventEncoder::Encode(const AlertEvent& event) const {
  pb::OutcomeEvent out;
  Encoded encoded;
  switch (event.kind) {
    case AlertEvent::Kind::kRaised:
    case AlertEvent::Kind::kChanged: {
      const bool raised = event.kind == AlertEvent::Kind::kRaised;
      pb::Alert* alert = raised ? out.mutable_alert_raised() : out.mutable_alert_changed();
      WriteAlert(event.alert, event.other_open, alert);
      encoded.clinic_id = event.alert.clinic_id;
      encoded.subject = alert->name();
      encoded.kind = raised ? "ALERT_RAISED" : "ALERT_CHANGED";
      break;
    }
    case AlertEvent::Kind::kCoverage:
      WriteCoverage(event.coverage, out.mutable_coverage_changed());
      encoded.clinic_id = event.coverage.clinic_id;
      encoded.subject = out.coverage_changed().clinic();
      encoded.kind = "COVERAGE_CHANGED";
      break;
    case AlertEvent::Kind::kRouting: {
      const AlertRouting& routing = event.routing;
      pb::AlertRouting* written = out.mutable_routing_changed();
      WriteRouting(routing.clinic_id, routing.therapist_id, event.in_force,
                   event.inherited ? std::nullopt : std::optional<AlertRouting>(routing), written);
      encoded.clinic_id = routing.clinic_id;
      encoded.subject = written->name();
      encoded.kind = "ROUTING_CHANGED";
      break;
    }
  }
  encoded.payload = out.SerializeAsString();
  return encoded;
}

}  // namespace ipt::outcomes
