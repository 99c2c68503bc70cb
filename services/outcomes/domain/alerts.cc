#include "outcomes/domain/alerts.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/alert_routing.h"
#include "outcomes/domain/own_work.h"
#include "outcomes/domain/reasons.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

constexpr int kOtherOpen = 20;
constexpr int kAbsentAtOnce = 1000;

std::string NameOf(const Alert& alert) {
  return AlertName(alert.clinic_id, alert.course_id, alert.alert_id);
}

absl::string_view WordOf(AlertState state) {
  switch (state) {
    case AlertState::kOpen:
      return "OPEN";
    case AlertState::kEscalated:
      return "ESCALATED";
    case AlertState::kAcknowledged:
      return "ACKNOWLEDGED";
    case AlertState::kResolved:
      return "RESOLVED";
    case AlertState::kUnspecified:
      break;
  }
  return "UNSPECIFIED";
}

absl::Status Refuse(const Alert& alert, absl::string_view what) {
  return FailedPrecondition(reason::kAlertState, NameOf(alert), what,
                            {{"state", std::string(WordOf(alert.state))}});
}

void AddChange(Alert& alert, AlertChange change) {
  change.assignee = alert.assignee;
  alert.changes.push_back(std::move(change));
  if (alert.changes.size() > kAlertChangesKept + 1) {
    alert.changes.erase(alert.changes.begin() + 1);
  }
}

// The event and the audit note of a row that was written.
absl::Status Tell(AlertTx& tx, const Alert& alert, AlertEvent::Kind kind, absl::Time now) {
  AlertEvent event;
  event.kind = kind;
  event.alert = alert;
  IPT_ASSIGN_OR_RETURN(event.other_open,
                       OtherOpenAlerts(tx, alert.clinic_id, alert.course_id, alert.alert_id));
  tx.log().NoteChanged(NameOf(alert));
  return tx.Emit(event, now);
}

// Writes a locked alert as it is now.
absl::Status Save(AlertTx& tx, Alert& alert, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(const bool written, tx.UpdateAlert(alert, now));
  if (!written) {
    return Aborted(::ipt::reason::kStoreConflict, "the alert was changed meanwhile: try again");
  }
  return Tell(tx, alert, AlertEvent::Kind::kChanged, now);
}

// What a change of the answer says of an alert that was raised for one. No alert leaves its state
// by it.
absl::Status SetBasis(AlertTx& tx, Alert& alert, AlertBasis basis, int error, absl::Time now) {
  if (alert.basis == basis && alert.measurement_error == error) return absl::OkStatus();
  alert.basis = basis;
  alert.measurement_error = error;
  AddChange(alert, {.time = now, .kind = AlertChangeKind::kBasisChanged});
  return Save(tx, alert, now);
}

bool SameRule(const Alert& alert, const AlertFinding& finding) {
  return alert.kind == finding.kind && alert.rule == finding.rule && alert.item == finding.item;
}

bool Graver(const AlertFinding& finding, const Alert& alert) {
  if (!finding.points.has_value() || !alert.points.has_value()) return false;
  return finding.low_is_grave ? *finding.points < *alert.points : *finding.points > *alert.points;
}

// The alert that the finding has already; nullptr: none.
const Alert* FindHeld(const std::vector<Alert>& before, const AlertFinding& finding) {
  for (const Alert& alert : before) {
    if (!SameRule(alert, finding) || Graver(finding, alert)) continue;
    // One that was dealt with as an answer that was gone says nothing of the answer that came back.
    if (alert.state == AlertState::kResolved && alert.basis != AlertBasis::kStands) continue;
    return &alert;
  }
  return nullptr;
}

const Alert* FindReview(const std::vector<Alert>& before, const AlertFinding& finding) {
  for (const Alert& alert : before) {
    if (HasReview(alert, finding)) return &alert;
  }
  return nullptr;
}

absl::StatusOr<Alert> LockCurrent(AlertTx& tx, const AlertRef& ref) {
  IPT_ASSIGN_OR_RETURN(Alert alert, tx.LockAlert(ref.clinic_id, ref.course_id, ref.alert_id));
  if (ref.if_revision != 0 && ref.if_revision != alert.revision) {
    return EtagMismatch(kAlertType, NameOf(alert));
  }
  return alert;
}

void Unacknowledge(Alert& alert) {
  alert.acknowledged.reset();
  alert.acknowledged_by.clear();
}

// To its owner (or who covers them), to be acknowledged, from the first step on.
absl::Status BeginAnew(AlertRouter& router, Alert& alert, const AlertRecipient& owner) {
  IPT_ASSIGN_OR_RETURN(const AlertRouter::Place place,
                       router.PlaceWith(alert.kind, alert.therapist_id, owner));
  alert.owner = place.owner;
  alert.assignee = place.assignee;
  alert.escalate = place.escalate;
  alert.state = AlertState::kOpen;
  alert.level = 0;
  alert.step = -1;
  Unacknowledge(alert);
  return absl::OkStatus();
}

void PassOn(Alert& alert, AlertRouter::Next next, EscalationReason reason, absl::string_view caller,
            absl::string_view note, absl::Time now) {
  alert.assignee = std::move(next.to);
  alert.step = next.step;
  alert.escalate = next.escalate;
  alert.state = AlertState::kEscalated;
  ++alert.level;
  Unacknowledge(alert);
  AddChange(alert, {.time = now,
                    .kind = AlertChangeKind::kEscalated,
                    .caller = std::string(caller),
                    .note = std::string(note),
                    .escalation_reason = reason});
}

// What the service passes on by itself. Whoever was first has written another revision.
absl::StatusOr<bool> PassOnByItself(AlertTx& tx, Alert& alert, AlertRouter::Next next,
                                    EscalationReason reason, absl::Time now) {
  PassOn(alert, std::move(next), reason, "", "", now);
  IPT_ASSIGN_OR_RETURN(const bool written, tx.UpdateAlert(alert, now));
  if (!written) return false;
  IPT_RETURN_IF_ERROR(Tell(tx, alert, AlertEvent::Kind::kChanged, now));
  IPT_RETURN_IF_ERROR(AuditOwnWork(tx.log(), alert.clinic_id, NameOf(alert), kEscalateMethod, now));
  return true;
}

absl::Status CheckKnown(AlertRouter& router, const AlertRecipient& recipient,
                        absl::string_view field) {
  FieldViolations bad;
  FieldViolations at = bad.In(field);
  CheckRecipient(recipient, at);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  if (recipient.therapist_id.empty()) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(const TherapistPresence presence, router.PresenceOf(recipient.therapist_id));
  if (presence.known && presence.current && !presence.exists) {
    at.Add("therapist", "is no therapist of this clinic");
  }
  return bad.ToStatus();
}

// Of one whose therapist nobody knew. Its owner gets it, unless it was taken on or passed on.
absl::Status LearnTherapist(AlertRouter& router, const std::string& therapist_id, Alert& alert) {
  alert.therapist_id = therapist_id;
  IPT_ASSIGN_OR_RETURN(const AlertRouter::Place place, router.PlaceNew(alert.kind, therapist_id));
  const bool given = std::any_of(
      alert.changes.begin(), alert.changes.end(),
      [](const AlertChange& change) { return change.kind == AlertChangeKind::kReassigned; });
  if (!given && alert.state == AlertState::kOpen && alert.level == 0) {
    alert.owner = place.owner;
    alert.assignee = place.assignee;
  }
  return absl::OkStatus();
}

}  // namespace

bool HasReview(const Alert& alert, const AlertFinding& finding) {
  return SameRule(alert, finding) && alert.signal_level >= finding.signal_level;
}

absl::StatusOr<std::vector<std::string>> RaiseAlerts(AlertTx& tx, IdSource& ids,
                                                     const AlertCause& cause,
                                                     const std::vector<AlertFinding>& findings,
                                                     absl::Time now) {
  const bool review = !findings.empty() && findings.front().kind == AlertKind::kReview;
  std::vector<Alert> before;
  if (review) {
    IPT_ASSIGN_OR_RETURN(before, tx.LockAlertsOf(cause.clinic_id, cause.course_id, ""));
  } else if (cause.measurement_revision > 1) {
    IPT_ASSIGN_OR_RETURN(before,
                         tx.LockAlertsOf(cause.clinic_id, cause.course_id, cause.measurement_id));
    std::erase_if(before, [](const Alert& alert) { return !IsRisk(alert.kind); });
  }
  std::vector<std::string> result;
  std::optional<AlertRouter> router;
  for (const AlertFinding& finding : findings) {
    const Alert* held = review ? FindReview(before, finding) : FindHeld(before, finding);
    if (held != nullptr) {
      result.push_back(held->alert_id);
      continue;
    }
    if (!router.has_value()) router.emplace(tx, cause.clinic_id, now);
    IPT_ASSIGN_OR_RETURN(AlertRouter::Place place,
                         router->PlaceNew(finding.kind, cause.therapist_id));
    Alert alert;
    alert.clinic_id = cause.clinic_id;
    alert.course_id = cause.course_id;
    alert.alert_id = ids.NewUuid();
    alert.kind = finding.kind;
    alert.state = AlertState::kOpen;
    alert.patient = cause.patient;
    alert.measurement_id = cause.measurement_id;
    alert.measurement_revision = cause.measurement_revision;
    alert.instrument_id = cause.instrument_id;
    alert.instrument_version = cause.instrument_version;
    alert.rule = finding.rule;
    alert.rule_version = finding.rule_version;
    alert.item = finding.item;
    alert.points = finding.points;
    alert.signal_level = finding.signal_level;
    alert.completed = cause.completed;
    alert.raised = now;
    alert.therapist_id = cause.therapist_id;
    alert.owner = std::move(place.owner);
    alert.assignee = std::move(place.assignee);
    alert.escalate = place.escalate;
    alert.basis = AlertBasis::kStands;
    alert.unverified = cause.unverified;
    AddChange(alert, {.time = now, .kind = AlertChangeKind::kRaised});
    IPT_RETURN_IF_ERROR(tx.InsertAlert(alert, now));
    IPT_RETURN_IF_ERROR(Tell(tx, alert, AlertEvent::Kind::kRaised, now));
    result.push_back(alert.alert_id);
  }
  if (review) return result;
  for (Alert& alert : before) {
    const bool stands =
        std::any_of(findings.begin(), findings.end(),
                    [&](const AlertFinding& finding) { return SameRule(alert, finding); });
    // One that was resolved keeps what it was resolved by: the answer that came back has its own.
    if (stands && alert.state == AlertState::kResolved) continue;
    IPT_RETURN_IF_ERROR(
        SetBasis(tx, alert, stands ? AlertBasis::kStands : AlertBasis::kCorrected, 0, now));
  }
  return result;
}

absl::StatusOr<std::vector<Alert>> ChangeBasis(AlertTx& tx, const BasisChange& change,
                                               absl::Time now) {
  IPT_ASSIGN_OR_RETURN(std::vector<Alert> alerts,
                       tx.LockAlertsOf(change.clinic_id, change.course_id, change.measurement_id));
  for (Alert& alert : alerts) {
    IPT_RETURN_IF_ERROR(SetBasis(tx, alert, change.basis, change.error, now));
  }
  std::erase_if(alerts, [](const Alert& alert) { return alert.state == AlertState::kResolved; });
  return alerts;
}

absl::Status VerifyAlerts(AlertTx& tx, const AlertCause& cause, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(std::vector<Alert> alerts,
                       tx.LockAlertsOf(cause.clinic_id, cause.course_id, cause.measurement_id));
  AlertRouter router(tx, cause.clinic_id, now);
  for (Alert& alert : alerts) {
    if (alert.state == AlertState::kResolved) continue;
    const Alert before = alert;
    alert.unverified = cause.unverified;
    if (cause.patient.has_value()) alert.patient = cause.patient;
    if (alert.therapist_id.empty() && !cause.therapist_id.empty()) {
      IPT_RETURN_IF_ERROR(LearnTherapist(router, cause.therapist_id, alert));
    }
    if (alert == before) continue;
    AddChange(alert, {.time = now, .kind = AlertChangeKind::kVerified});
    IPT_RETURN_IF_ERROR(Save(tx, alert, now));
  }
  return absl::OkStatus();
}

absl::Status TransferAlerts(AlertTx& tx, absl::string_view clinic_id, absl::string_view course_id,
                            absl::string_view from_therapist, absl::string_view to_therapist,
                            absl::Time now) {
  IPT_ASSIGN_OR_RETURN(std::vector<Alert> alerts, tx.LockAlertsOf(clinic_id, course_id, ""));
  AlertRouter router(tx, std::string(clinic_id), now);
  const AlertRecipient former{.therapist_id = std::string(from_therapist)};
  for (Alert& alert : alerts) {
    if (alert.therapist_id != from_therapist) continue;
    const bool owned = alert.owner == former;
    const bool assigned = alert.assignee == former;
    alert.therapist_id = std::string(to_therapist);
    if (owned) {
      IPT_ASSIGN_OR_RETURN(const AlertRouter::Place place,
                           router.PlaceNew(alert.kind, alert.therapist_id));
      alert.owner = place.owner;
    }
    if (assigned) {
      IPT_ASSIGN_OR_RETURN(
          const AlertRouter::Place place,
          router.PlaceWith(
              alert.kind, alert.therapist_id,
              owned ? alert.owner : AlertRecipient{.therapist_id = alert.therapist_id}));
      PassOn(alert, {.to = place.assignee, .step = -1, .escalate = place.escalate},
             EscalationReason::kTransferred, "", "", now);
    }
    if (!assigned && owned) {
      AddChange(alert, {.time = now, .kind = AlertChangeKind::kReassigned});
    }
    IPT_RETURN_IF_ERROR(Save(tx, alert, now));
  }
  return absl::OkStatus();
}

absl::Status FollowCourse(AlertTx& tx, absl::string_view clinic_id, absl::string_view course_id,
                          const std::string& therapist_id, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(const std::vector<std::string> open,
                       tx.OpenAlertIds(clinic_id, course_id, 1));
  if (open.empty()) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(std::vector<Alert> alerts, tx.LockAlertsOf(clinic_id, course_id, ""));
  AlertRouter router(tx, std::string(clinic_id), now);
  std::set<std::string> former;
  for (Alert& alert : alerts) {
    if (!alert.therapist_id.empty()) {
      if (alert.therapist_id != therapist_id) former.insert(alert.therapist_id);
      continue;
    }
    IPT_RETURN_IF_ERROR(LearnTherapist(router, therapist_id, alert));
    AddChange(alert, {.time = now, .kind = AlertChangeKind::kVerified});
    IPT_RETURN_IF_ERROR(Save(tx, alert, now));
  }
  for (const std::string& from : former) {
    IPT_RETURN_IF_ERROR(TransferAlerts(tx, clinic_id, course_id, from, therapist_id, now));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> OtherOpenAlerts(AlertReader& reader,
                                                         absl::string_view clinic_id,
                                                         absl::string_view course_id,
                                                         absl::string_view alert_id) {
  IPT_ASSIGN_OR_RETURN(std::vector<std::string> ids,
                       reader.OpenAlertIds(clinic_id, course_id, kOtherOpen + 1));
  std::erase(ids, alert_id);
  if (ids.size() > kOtherOpen) ids.resize(kOtherOpen);
  return ids;
}

absl::StatusOr<Alert> Acknowledge(AlertTx& tx, const AlertRef& ref, absl::string_view caller,
                                  absl::string_view note, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(Alert alert, LockCurrent(tx, ref));
  if (alert.state == AlertState::kAcknowledged) return alert;
  if (alert.state == AlertState::kResolved) {
    return Refuse(alert, "is resolved: there is nothing to take on; reopen it if that was wrong");
  }
  AlertRouter router(tx, alert.clinic_id, now);
  IPT_ASSIGN_OR_RETURN(alert.escalate, router.ResolveBy(alert));
  alert.state = AlertState::kAcknowledged;
  alert.acknowledged = now;
  alert.acknowledged_by = std::string(caller);
  AddChange(alert, {.time = now,
                    .kind = AlertChangeKind::kAcknowledged,
                    .caller = std::string(caller),
                    .note = std::string(note)});
  IPT_RETURN_IF_ERROR(Save(tx, alert, now));
  return alert;
}

absl::StatusOr<Alert> Resolve(AlertTx& tx, const AlertRef& ref, ResolutionOutcome outcome,
                              absl::string_view caller, absl::string_view note, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(Alert alert, LockCurrent(tx, ref));
  if (alert.state == AlertState::kResolved) {
    return Refuse(alert, "is resolved already: reopen it to resolve it in another way");
  }
  FieldViolations bad;
  if (outcome == ResolutionOutcome::kUnspecified) bad.Add("outcome", "is required");
  if (outcome == ResolutionOutcome::kAsked && alert.kind != AlertKind::kRiskUnknown) {
    bad.Add("outcome", "ASKED is for alerts of kind RISK_UNKNOWN: say what was found");
  }
  if (outcome == ResolutionOutcome::kReviewed && alert.kind != AlertKind::kReview) {
    bad.Add("outcome", "REVIEWED is for alerts of kind REVIEW: say what was found");
  }
  if (outcome == ResolutionOutcome::kOther && note.empty()) {
    bad.Add("note", "is required where the outcome is OTHER");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  alert.state = AlertState::kResolved;
  alert.escalate.reset();
  alert.resolution = AlertResolution{
      .outcome = outcome, .note = std::string(note), .time = now, .caller = std::string(caller)};
  AddChange(alert, {.time = now,
                    .kind = AlertChangeKind::kResolved,
                    .caller = std::string(caller),
                    .note = std::string(note)});
  IPT_RETURN_IF_ERROR(Save(tx, alert, now));
  return alert;
}

absl::StatusOr<Alert> EscalateByHand(AlertTx& tx, const AlertRef& ref, const AlertRecipient& to,
                                     absl::string_view caller, absl::string_view note,
                                     absl::Time now) {
  IPT_ASSIGN_OR_RETURN(Alert alert, LockCurrent(tx, ref));
  if (alert.state == AlertState::kResolved) {
    return Refuse(alert, "is resolved: reopen it to pass it on");
  }
  AlertRouter router(tx, alert.clinic_id, now);
  AlertRouter::Next next;
  if (to.empty()) {
    IPT_ASSIGN_OR_RETURN(next, router.NextStep(alert));
  } else {
    IPT_RETURN_IF_ERROR(CheckKnown(router, to, "to"));
    next.to = to;
    next.step = alert.step;
    IPT_ASSIGN_OR_RETURN(next.escalate, router.DueFrom(alert, alert.step));
  }
  PassOn(alert, std::move(next), EscalationReason::kByHand, caller, note, now);
  IPT_RETURN_IF_ERROR(Save(tx, alert, now));
  return alert;
}

absl::StatusOr<Alert> Reassign(AlertTx& tx, const AlertRef& ref, const AlertRecipient& owner,
                               absl::string_view caller, absl::string_view note, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(Alert alert, LockCurrent(tx, ref));
  if (alert.state == AlertState::kResolved) {
    return Refuse(alert, "is resolved: reopen it to give it another owner");
  }
  AlertRouter router(tx, alert.clinic_id, now);
  IPT_RETURN_IF_ERROR(CheckKnown(router, owner, "owner"));
  IPT_RETURN_IF_ERROR(BeginAnew(router, alert, owner));
  AddChange(alert, {.time = now,
                    .kind = AlertChangeKind::kReassigned,
                    .caller = std::string(caller),
                    .note = std::string(note)});
  IPT_RETURN_IF_ERROR(Save(tx, alert, now));
  return alert;
}

absl::StatusOr<Alert> Reopen(AlertTx& tx, const AlertRef& ref, absl::string_view caller,
                             absl::string_view note, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(Alert alert, LockCurrent(tx, ref));
  if (alert.state != AlertState::kResolved) {
    return Refuse(alert, "is not resolved: there is nothing to undo");
  }
  AlertRouter router(tx, alert.clinic_id, now);
  IPT_RETURN_IF_ERROR(BeginAnew(router, alert, alert.owner));
  alert.resolution.reset();
  AddChange(alert, {.time = now,
                    .kind = AlertChangeKind::kReopened,
                    .caller = std::string(caller),
                    .note = std::string(note)});
  IPT_RETURN_IF_ERROR(Save(tx, alert, now));
  return alert;
}

absl::StatusOr<EscalationResult> EscalateDue(AlertTx& tx, absl::Time now, int most) {
  IPT_ASSIGN_OR_RETURN(std::vector<Alert> due, tx.LockDue(now, most));
  EscalationResult result{.more = static_cast<int>(due.size()) == most};
  std::map<std::string, AlertRouter> routers;
  for (Alert& alert : due) {
    AlertRouter& router =
        routers.try_emplace(alert.clinic_id, tx, alert.clinic_id, now).first->second;
    IPT_ASSIGN_OR_RETURN(AlertRouter::Next next, router.NextStep(alert));
    const EscalationReason reason = alert.state == AlertState::kAcknowledged
                                        ? EscalationReason::kNotResolved
                                        : EscalationReason::kNotAcknowledged;
    IPT_ASSIGN_OR_RETURN(const bool done, PassOnByItself(tx, alert, std::move(next), reason, now));
    if (!done) continue;
    ++result.escalated;
    if (reason == EscalationReason::kNotResolved) ++result.not_resolved;
  }
  return result;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> FindAbsent(AlertReader& reader,
                                                                            absl::Time now,
                                                                            int most) {
  IPT_ASSIGN_OR_RETURN(const auto therapists, reader.TherapistsWithAlerts(kAbsentAtOnce));
  std::vector<std::pair<std::string, std::string>> absent;
  std::map<std::string, AlertRouter> routers;
  for (const auto& [clinic_id, therapist_id] : therapists) {
    if (static_cast<int>(absent.size()) == most) break;
    AlertRouter& router = routers.try_emplace(clinic_id, reader, clinic_id, now).first->second;
    IPT_ASSIGN_OR_RETURN(const bool away, router.IsAway({.therapist_id = therapist_id}));
    if (away) absent.emplace_back(clinic_id, therapist_id);
  }
  return absent;
}

absl::StatusOr<EscalationResult> EscalateAbsent(AlertTx& tx, absl::string_view clinic_id,
                                                absl::string_view therapist_id, absl::Time now,
                                                int most) {
  EscalationResult result;
  AlertRouter router(tx, std::string(clinic_id), now);
  const AlertRecipient absent{.therapist_id = std::string(therapist_id)};
  IPT_ASSIGN_OR_RETURN(const bool away, router.IsAway(absent));
  if (!away) return result;
  IPT_ASSIGN_OR_RETURN(std::vector<Alert> alerts, tx.LockUnacknowledged(clinic_id, absent, most));
  result.more = static_cast<int>(alerts.size()) == most;
  for (Alert& alert : alerts) {
    IPT_ASSIGN_OR_RETURN(AlertRouter::Next next, router.NextForAbsent(alert));
    IPT_ASSIGN_OR_RETURN(const bool done, PassOnByItself(tx, alert, std::move(next),
                                                         EscalationReason::kRecipientAway, now));
    if (done) ++result.escalated;
  }
  return result;
}

}  // namespace ipt::outcomes
