// Alerts: raised, and what becomes of them. Only a person takes one on or resolves it; no later
// answer, no correction and no restart does. Each function runs in the caller's transaction, in
// which it leaves the alert's row, its event and its audit notes.
//
// Raising, for whoever records a measurement:
//
//   IPT_ASSIGN_OR_RETURN(const std::vector<std::string> alerts,
//                        RaiseAlerts(tx.alerts(), ids, cause, findings, ctx.now));
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "outcomes/domain/alert_tx.h"
#include "outcomes/domain/alert_types.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {

// ----------------------------------------------------------------------------------------- raising

// What alerts are raised for: one revision of a measurement, or for REVIEW a course.
struct AlertCause {
  std::string clinic_id{};
  std::string course_id{};
  std::optional<AlertPatient> patient{};  // nullopt: not known here
  std::string therapist_id{};             // the course's; empty: not known
  std::string measurement_id{};           // empty: REVIEW without one
  int measurement_revision = 0;           // from 1; beyond it a correction
  std::string instrument_id{};
  int instrument_version = 0;
  std::optional<absl::Time> completed{};
  std::vector<int> unverified{};  // numbers of ipt.outcomes.v1.UnverifiedFact
};

// A rule that fired, or that could not be looked at (kRiskUnknown).
struct AlertFinding {
  AlertKind kind = AlertKind::kUnspecified;
  std::string rule{};
  int rule_version = 0;            // REVIEW only
  std::string item{};              // empty: about a score
  std::optional<double> points{};  // unset for kRiskUnknown
  // Fewer points are graver.
  bool low_is_grave = false;
  int signal_level = 0;  // REVIEW: number of ipt.outcomes.v1.SignalLevel
};

// Raises an alert for each finding, at once and whatever else the measurement says. Returns the id
// of each finding's alert, in order.
//
// A measurement is called with once a revision, with all its risk findings, also with none. Of a
// correction, an answer that is the same or less grave than what an alert of this measurement was
// raised for has that alert still; a graver one, and one that had none, raises another. Alerts of
// answers that are gone stay, and say so (basis). REVIEW findings come in a call of their own; one
// whose course has an alert of this rule and level that is not resolved has that one.
absl::StatusOr<std::vector<std::string>> RaiseAlerts(AlertTx& tx, IdSource& ids,
                                                     const AlertCause& cause,
                                                     const std::vector<AlertFinding>& findings,
                                                     absl::Time now);

// Whether a REVIEW finding has the alert, which is not resolved, instead of one of its own.
bool HasReview(const Alert& alert, const AlertFinding& finding);

// A measurement was taken back: its alerts stay, and say so. `error` is the number of
// ipt.outcomes.v1.EnteredInErrorReason.
struct BasisChange {
  std::string clinic_id{};
  std::string course_id{};
  std::string measurement_id{};
  AlertBasis basis = AlertBasis::kEnteredInError;
  int error = 0;
};
// Returns those that are not resolved, oldest first.
absl::StatusOr<std::vector<Alert>> ChangeBasis(AlertTx& tx, const BasisChange& change,
                                               absl::Time now);

// What could not be checked was checked: the alerts of this measurement (empty: of the course) that
// are not resolved learn patient and therapist. One that the cover has because nobody knew the
// therapist goes to its owner, unless it was taken on or passed on meanwhile; its time runs on.
absl::Status VerifyAlerts(AlertTx& tx, const AlertCause& cause, absl::Time now);

// The course went from one therapist to another. Alerts that are not resolved and were the former's
// go with it, to be acknowledged.
absl::Status TransferAlerts(AlertTx& tx, absl::string_view clinic_id, absl::string_view course_id,
                            absl::string_view from_therapist, absl::string_view to_therapist,
                            absl::Time now);

// The course is this therapist's, as scheduling says: its alerts that are not resolved become that
// therapist's, as above, whoever's they were, or nobody's as long as the course was not known.
absl::Status FollowCourse(AlertTx& tx, absl::string_view clinic_id, absl::string_view course_id,
                          const std::string& therapist_id, absl::Time now);

// Ids of the course's other alerts that are not resolved, newest first, at most 20.
absl::StatusOr<std::vector<std::string>> OtherOpenAlerts(AlertReader& reader,
                                                         absl::string_view clinic_id,
                                                         absl::string_view course_id,
                                                         absl::string_view alert_id);

// ------------------------------------------------------------------------------------- by a person

// Which alert, and what its caller had last seen of it (0: any revision).
struct AlertRef {
  std::string clinic_id{};
  std::string course_id{};
  std::string alert_id{};
  int64_t if_revision = 0;
};

// Refused: ETAG_MISMATCH; ALERT_STATE (FAILED_PRECONDITION) where the state does not allow it.
// `caller` is the token's subject.
absl::StatusOr<Alert> Acknowledge(AlertTx& tx, const AlertRef& ref, absl::string_view caller,
                                  absl::string_view note, absl::Time now);
absl::StatusOr<Alert> Resolve(AlertTx& tx, const AlertRef& ref, ResolutionOutcome outcome,
                              absl::string_view caller, absl::string_view note, absl::Time now);
// `to` empty: the routing's next step.
absl::StatusOr<Alert> EscalateByHand(AlertTx& tx, const AlertRef& ref, const AlertRecipient& to,
                                     absl::string_view caller, absl::string_view note,
                                     absl::Time now);
absl::StatusOr<Alert> Reassign(AlertTx& tx, const AlertRef& ref, const AlertRecipient& owner,
                               absl::string_view caller, absl::string_view note, absl::Time now);
absl::StatusOr<Alert> Reopen(AlertTx& tx, const AlertRef& ref, absl::string_view caller,
                             absl::string_view note, absl::Time now);

// ---------------------------------------------------------------------------------- by the service

struct EscalationResult {
  int escalated = 0;
  int not_resolved = 0;  // of them, because they were not resolved in time
  bool more = false;
};
// Passes on what is due by `now`, at most `most`: each once, however many replicas look.
absl::StatusOr<EscalationResult> EscalateDue(AlertTx& tx, absl::Time now, int most);

// Clinic and id of therapists who are away and have alerts that wait to be acknowledged.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> FindAbsent(AlertReader& reader,
                                                                            absl::Time now,
                                                                            int most);
// Passes on what waits with this therapist, at most `most`; nothing where they are not away.
absl::StatusOr<EscalationResult> EscalateAbsent(AlertTx& tx, absl::string_view clinic_id,
                                                absl::string_view therapist_id, absl::Time now,
                                                int most);

}  // namespace ipt::outcomes
