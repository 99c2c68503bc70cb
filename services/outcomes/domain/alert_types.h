// An alert, its routing and its listeners, as the domain has them. Plain values.
//
// Enumerations are numbered as the contract numbers them. Where another part of outcomes owns an
// enumeration (facts that could not be checked, why a measurement was taken back, a signal's level)
// an alert keeps its number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ipt::outcomes {

enum class AlertKind { kUnspecified = 0, kRiskItem, kRiskScore, kRiskUnknown, kReview };
enum class AlertState { kUnspecified = 0, kOpen, kEscalated, kAcknowledged, kResolved };
enum class AlertBasis { kUnspecified = 0, kStands, kCorrected, kEnteredInError };
enum class EscalationReason {
  kUnspecified = 0,
  kNotAcknowledged,
  kRecipientAway,
  kByHand,
  kNotResolved,
  kTransferred
};
enum class ResolutionOutcome {
  kUnspecified = 0,
  kRiskAssessed,
  kReferredToCrisisCare,
  kCoveredByPlan,
  kAsked,
  kAnswerMistaken,
  kMeasurementInError,
  kReviewed,
  kOther
};
enum class AlertChangeKind {
  kUnspecified = 0,
  kRaised,
  kAcknowledged,
  kEscalated,
  kReassigned,
  kResolved,
  kReopened,
  kBasisChanged,
  kVerified
};
enum class CoverageState { kUnspecified = 0, kCovered, kPartly, kNobody };

// Urgent, and escalated: all but REVIEW.
inline bool IsRisk(AlertKind kind) {
  return kind == AlertKind::kRiskItem || kind == AlertKind::kRiskScore ||
         kind == AlertKind::kRiskUnknown;
}

// One of both; none where nobody is named.
struct AlertRecipient {
  std::string therapist_id{};
  std::string desk{};

  bool empty() const { return therapist_id.empty() && desk.empty(); }
  friend auto operator<=>(const AlertRecipient&, const AlertRecipient&) = default;
};

// The desk of a clinic that has named nobody.
inline constexpr char kDutyDesk[] = "duty";

// As scheduling has them.
struct AlertPatient {
  std::string system{};
  std::string value{};
  friend bool operator==(const AlertPatient&, const AlertPatient&) = default;
};

struct AlertResolution {
  ResolutionOutcome outcome = ResolutionOutcome::kUnspecified;
  std::string note{};
  absl::Time time{};
  std::string caller{};
  friend bool operator==(const AlertResolution&, const AlertResolution&) = default;
};

struct AlertChange {
  absl::Time time{};
  AlertChangeKind kind = AlertChangeKind::kUnspecified;
  std::string caller{};  // empty: the service itself
  std::string note{};
  AlertRecipient assignee{};  // after it
  EscalationReason escalation_reason = EscalationReason::kUnspecified;
  friend bool operator==(const AlertChange&, const AlertChange&) = default;
};

// The first change is kept, and of the others so many.
inline constexpr size_t kAlertChangesKept = 99;

struct Alert {
  std::string clinic_id{};
  std::string course_id{};
  std::string alert_id{};
  AlertKind kind = AlertKind::kUnspecified;
  AlertState state = AlertState::kUnspecified;
  std::optional<AlertPatient> patient{};
  std::string measurement_id{};
  int measurement_revision = 0;
  std::string instrument_id{};
  int instrument_version = 0;
  std::string rule{};
  int rule_version = 0;
  std::string item{};
  std::optional<double> points{};
  int signal_level = 0;
  std::optional<absl::Time> completed{};
  absl::Time raised{};
  // The course's therapist when it was raised or since; empty: not known. Whose routing it follows.
  std::string therapist_id{};
  AlertRecipient owner{};
  AlertRecipient assignee{};
  int level = 0;
  // The routing's step that brought it to its assignee, from 0; -1: none has yet.
  int step = -1;
  std::optional<absl::Time> escalate{};  // when it goes on by itself; nullopt: never
  std::optional<absl::Time> acknowledged{};
  std::string acknowledged_by{};
  std::optional<AlertResolution> resolution{};
  AlertBasis basis = AlertBasis::kUnspecified;
  int measurement_error = 0;
  std::optional<absl::Time> first_sent{};  // moves no revision
  std::vector<int> unverified{};
  std::vector<AlertChange> changes{};
  int64_t revision = 0;
  absl::Time updated{};

  friend bool operator==(const Alert&, const Alert&) = default;
};

struct AlertStep {
  int after_minutes = 0;
  // Empty: the cover. Only of routings that state no steps.
  AlertRecipient to{};
  friend bool operator==(const AlertStep&, const AlertStep&) = default;
};

// As stated, a clinic's or one therapist's; what is empty is inherited (alert_routing.h).
struct AlertRouting {
  std::string clinic_id{};
  std::string therapist_id{};  // empty: the clinic's
  AlertRecipient owner{};
  std::vector<AlertRecipient> cover{};
  std::vector<AlertStep> steps{};
  std::optional<int> resolve_minutes{};
  std::optional<absl::Time> away_until{};
  int64_t revision = 0;  // 0: stated by nobody
  absl::Time updated{};
  friend bool operator==(const AlertRouting&, const AlertRouting&) = default;
};

// What holds: a therapist's own routing over the clinic's over the suite's.
struct RoutingInForce {
  AlertRecipient owner{};               // empty: the course's therapist
  std::vector<AlertRecipient> cover{};  // never empty
  std::vector<AlertStep> steps{};       // never empty
  int resolve_minutes = 0;              // 0: never
};

// What scheduling's copy says of a therapist at an instant.
struct TherapistPresence {
  // False: nothing is known of the clinic's therapists, and each is taken to be there.
  bool known = false;
  bool exists = false;
  bool active = false;
  std::optional<absl::Time> away_until{};  // in time off that ends then
  absl::Time as_of{};
  bool current = false;  // the copy is not behind
};

struct AlertListener {
  std::string listener_id{};
  std::string clinic_id{};
  std::string label{};
  std::string caller{};
  std::vector<AlertRecipient> recipients{};  // empty: all
  absl::Time since{};
  absl::Time last_response{};
  absl::Time expires{};
  friend bool operator==(const AlertListener&, const AlertListener&) = default;
};

struct AlertCounts {
  int64_t unacknowledged = 0;  // of risk
  std::optional<absl::Time> oldest_unacknowledged{};
  int64_t unsent = 0;
  int64_t unresolved = 0;  // acknowledged, and not resolved
};

struct AlertCoverage {
  std::string clinic_id{};
  absl::Time as_of{};
  CoverageState state = CoverageState::kUnspecified;
  std::optional<absl::Time> since{};
  std::vector<AlertListener> listeners{};
  std::vector<AlertRecipient> unheard{};
  AlertCounts counts{};
  int uncovered_minutes_week = 0;
};

inline std::string AlertName(absl::string_view clinic, absl::string_view course,
                             absl::string_view alert) {
  return absl::StrCat("clinics/", clinic, "/courses/", course, "/alerts/", alert);
}
// `therapist` empty: the clinic's.
inline std::string AlertRoutingName(absl::string_view clinic, absl::string_view therapist) {
  return therapist.empty()
             ? absl::StrCat("clinics/", clinic, "/alertRouting")
             : absl::StrCat("clinics/", clinic, "/therapists/", therapist, "/alertRouting");
}

// Resource types in google.rpc.ResourceInfo.
inline constexpr char kAlertType[] = "ipt.outcomes/Alert";
inline constexpr char kAlertRoutingType[] = "ipt.outcomes/AlertRouting";

}  // namespace ipt::outcomes
