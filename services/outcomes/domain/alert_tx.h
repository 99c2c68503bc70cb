// The port through which alerts reach the store: what they read and write within one transaction.
// OutcomesTx hands it out as alerts(), for raising within a measurement's transaction; AlertStore
// opens transactions of alerts alone. Errors, threads and lifetimes are as the store's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "outcomes/domain/alert_types.h"
#include "platform/transaction/write_log.h"

namespace ipt::outcomes {

// What alerts know of scheduling: answered from this service's copy of it, in the transaction.
class AlertDirectory {
 public:
  virtual ~AlertDirectory() = default;

  virtual absl::StatusOr<TherapistPresence> Presence(absl::string_view clinic_id,
                                                     absl::string_view therapist_id,
                                                     absl::Time now) = 0;
  // Therapists with an open course, by id: those who could have an alert.
  virtual absl::StatusOr<std::vector<std::string>> TherapistsWithCourses(
      absl::string_view clinic_id, int limit) = 0;
  // Clinics that measure, or could: by id, after the given one.
  virtual absl::StatusOr<std::vector<std::string>> Clinics(absl::string_view after_id,
                                                           int limit) = 0;
};

struct AlertFilter {
  std::string course_id{};           // empty: all
  std::vector<AlertState> states{};  // empty: all but RESOLVED
  std::vector<AlertKind> kinds{};    // empty: all
  std::vector<AlertRecipient> assignees{};
  std::optional<absl::Time> raised_from{};
  std::optional<absl::Time> raised_before{};
  std::string measurement_id{};
};
// Keyset position: the last one returned.
struct AlertCursor {
  absl::Time raised{};
  std::string alert_id{};
};

class AlertReader {
 public:
  virtual ~AlertReader() = default;

  // NOT_FOUND where there is none of this course.
  virtual absl::StatusOr<Alert> GetAlert(absl::string_view clinic_id, absl::string_view course_id,
                                         absl::string_view alert_id) = 0;
  // By (raised, alert_id).
  virtual absl::StatusOr<std::vector<Alert>> ListAlerts(absl::string_view clinic_id,
                                                        const AlertFilter& filter,
                                                        const std::optional<AlertCursor>& after,
                                                        int limit) = 0;
  // Ids of the course's alerts that are not resolved, newest first.
  virtual absl::StatusOr<std::vector<std::string>> OpenAlertIds(absl::string_view clinic_id,
                                                                absl::string_view course_id,
                                                                int limit) = 0;
  // When the next alert is to be passed on; nullopt: none is.
  virtual absl::StatusOr<std::optional<absl::Time>> NextEscalation() = 0;
  // Clinic and id of therapists who have risk alerts that are not acknowledged, in order.
  virtual absl::StatusOr<std::vector<std::pair<std::string, std::string>>> TherapistsWithAlerts(
      int limit) = 0;
  // Of the whole store where `clinic_id` is empty.
  virtual absl::StatusOr<AlertCounts> CountAlerts(absl::string_view clinic_id) = 0;

  // nullopt: none is stated. `therapist_id` empty: the clinic's.
  virtual absl::StatusOr<std::optional<AlertRouting>> FindRouting(
      absl::string_view clinic_id, absl::string_view therapist_id) = 0;
  // Therapists' own, by therapist_id.
  virtual absl::StatusOr<std::vector<AlertRouting>> ListRoutings(absl::string_view clinic_id,
                                                                 absl::string_view after_id,
                                                                 int limit) = 0;

  // Those that have not run out by `now`, by (since, id).
  virtual absl::StatusOr<std::vector<AlertListener>> ListListeners(absl::string_view clinic_id,
                                                                   absl::Time now) = 0;
  // With whom alerts of risk are that are not resolved, in no order.
  virtual absl::StatusOr<std::vector<AlertRecipient>> OpenAssignees(absl::string_view clinic_id,
                                                                    int limit) = 0;
  // The state that a clinic's coverage was last found in, and since when; nullopt: never looked at.
  struct CoverageRow {
    CoverageState state = CoverageState::kUnspecified;
    absl::Time since{};
  };
  virtual absl::StatusOr<std::optional<CoverageRow>> FindCoverage(absl::string_view clinic_id) = 0;
  // How long nobody listened between two instants.
  virtual absl::StatusOr<absl::Duration> Uncovered(absl::string_view clinic_id, absl::Time from,
                                                   absl::Time to) = 0;
  // Clinics that have alerts, routings, listeners or were looked at before, by id, after the given
  // one.
  virtual absl::StatusOr<std::vector<std::string>> AlertClinics(absl::string_view after_id,
                                                                int limit) = 0;
  // Clinics whose coverage was last found to be this.
  virtual absl::StatusOr<int64_t> CountCoverage(CoverageState state) = 0;
  // Listeners of the whole store.
  virtual absl::StatusOr<int64_t> CountListeners(absl::Time now) = 0;

  virtual absl::StatusOr<int64_t> CurrentRevision() = 0;

  virtual AlertDirectory& directory() = 0;
};

// What an event says: an alert (raised, or changed), a clinic's coverage, a routing.
struct AlertEvent {
  enum class Kind { kRaised, kChanged, kCoverage, kRouting };
  Kind kind = Kind::kRaised;
  Alert alert{};
  std::vector<std::string> other_open{};  // of its course
  AlertCoverage coverage{};
  AlertRouting routing{};  // as stated, or (inherited) whose it was
  RoutingInForce in_force{};
  bool inherited = false;
};

// Turns an event into what the outbox keeps. Thread-safe. Implemented in rpc/, where protos are.
class AlertEventEncoder {
 public:
  virtual ~AlertEventEncoder() = default;
  struct Encoded {
    std::string clinic_id;
    std::string subject;
    std::string kind;
    std::string payload;
  };
  virtual Encoded Encode(const AlertEvent& event) const = 0;
};

class AlertTx : public AlertReader {
 public:
  // Idempotency, audit and revision of this transaction.
  virtual WriteLog& log() = 0;
  // Appends to the outbox, stamped with `now`.
  virtual absl::Status Emit(const AlertEvent& event, absl::Time now) = 0;

  // As GetAlert, and no other transaction changes the row until this one ends.
  virtual absl::StatusOr<Alert> LockAlert(absl::string_view clinic_id, absl::string_view course_id,
                                          absl::string_view alert_id) = 0;
  // The alerts of a measurement, or (empty) of the course's those that are not resolved; locked, by
  // (raised, alert_id).
  virtual absl::StatusOr<std::vector<Alert>> LockAlertsOf(absl::string_view clinic_id,
                                                          absl::string_view course_id,
                                                          absl::string_view measurement_id) = 0;
  // Those whose `escalate` has come, oldest first; those that another transaction holds are left
  // out.
  virtual absl::StatusOr<std::vector<Alert>> LockDue(absl::Time now, int limit) = 0;
  // Risk that is with this recipient and not acknowledged, by (raised, alert_id); locked, without
  // those that another transaction holds.
  virtual absl::StatusOr<std::vector<Alert>> LockUnacknowledged(absl::string_view clinic_id,
                                                                const AlertRecipient& assignee,
                                                                int limit) = 0;
  // Both set `revision` to this transaction's and `updated` to `now`. Update is of the revision
  // that the alert was read with: false, and nothing written, where it has another one by now.
  virtual absl::Status InsertAlert(Alert& alert, absl::Time now) = 0;
  virtual absl::StatusOr<bool> UpdateAlert(Alert& alert, absl::Time now) = 0;
  // Of those that were sent to nobody yet. Moves no revision.
  virtual absl::Status NoteSent(absl::string_view clinic_id,
                                const std::vector<std::string>& alert_ids, absl::Time now) = 0;

  // Sets `revision` and `updated`. Of the revision that it was read with (0: there was none):
  // false, and nothing written, where it has another one by now.
  virtual absl::StatusOr<bool> PutRouting(AlertRouting& routing, absl::Time now) = 0;
  virtual absl::Status DeleteRouting(absl::string_view clinic_id,
                                     absl::string_view therapist_id) = 0;

  // Inserts, or moves `last_response` and `expires` on.
  virtual absl::Status PutListener(const AlertListener& listener) = 0;
  virtual absl::Status DeleteListener(absl::string_view clinic_id,
                                      absl::string_view listener_id) = 0;
  // Of all clinics; those that ran out before `now`.
  virtual absl::Status DeleteLapsedListeners(absl::Time now) = 0;
  // The state as it is found, and since when, the former's end. NOBODY counts as uncovered from
  // `since`. Returns false where another transaction was first.
  virtual absl::StatusOr<bool> MoveCoverage(absl::string_view clinic_id,
                                            const std::optional<CoverageRow>& from,
                                            const CoverageRow& to) = 0;
  // Forgets spans without listeners that ended before `before`.
  virtual absl::Status PurgeCoverage(absl::Time before) = 0;
};

class AlertStore {
 public:
  virtual ~AlertStore() = default;

  // As OutcomesStore's.
  virtual absl::Status Read(absl::Time deadline,
                            absl::FunctionRef<absl::Status(AlertReader&)> body) = 0;
  virtual absl::Status Write(absl::Time deadline,
                             absl::FunctionRef<absl::Status(AlertTx&)> body) = 0;
};

}  // namespace ipt::outcomes
