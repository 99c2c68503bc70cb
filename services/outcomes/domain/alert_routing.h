// To whom an alert goes: what routings say together, who covers, and who is next. Nothing is
// written here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "outcomes/domain/alert_tx.h"
#include "outcomes/domain/alert_types.h"
#include "platform/errors/field_violations.h"

namespace ipt::outcomes {

inline constexpr int kDefaultAfterMinutes = 15;
inline constexpr int kDefaultResolveMinutes = 1440;
inline constexpr int kMaxAfterMinutes = 10080;
inline constexpr int kMaxResolveMinutes = 43200;
inline constexpr size_t kMaxCover = 10;
inline constexpr size_t kMaxSteps = 10;

// A routing that states no cover or no steps has the clinic's, and a clinic without any the
// suite's: the duty desk, and the cover after 15 minutes.
RoutingInForce InForce(const std::optional<AlertRouting>& clinic,
                       const std::optional<AlertRouting>& therapist);

// Bad fields of a routing, by the contract's names.
void CheckRouting(const AlertRouting& routing, FieldViolations& bad);
// A desk's id, or a therapist's that scheduling may know; exactly one of both.
void CheckRecipient(const AlertRecipient& recipient, FieldViolations& bad);

// Looks up what deciding needs, each thing once. Of one transaction and one instant.
class AlertRouter {
 public:
  // `reader` outlives it.
  AlertRouter(AlertReader& reader, std::string clinic_id, absl::Time now)
      : reader_(reader), clinic_id_(std::move(clinic_id)), now_(now) {}

  // Of the courses of this therapist; empty: the clinic's.
  absl::StatusOr<RoutingInForce> RoutingOf(const std::string& therapist_id);
  // A desk never is.
  absl::StatusOr<bool> IsAway(const AlertRecipient& recipient);
  absl::StatusOr<TherapistPresence> PresenceOf(const std::string& therapist_id);

  // Whose a new alert of this therapist's course is (empty: not known), with whom it is, and when
  // it goes on unless it is acknowledged.
  struct Place {
    AlertRecipient owner{};
    AlertRecipient assignee{};
    std::optional<absl::Time> escalate{};
  };
  absl::StatusOr<Place> PlaceNew(AlertKind kind, const std::string& therapist_id);
  // The same for an owner who is given.
  absl::StatusOr<Place> PlaceWith(AlertKind kind, const std::string& therapist_id,
                                  const AlertRecipient& owner);

  // Where an alert goes next, and by which step.
  struct Next {
    AlertRecipient to{};
    int step = -1;
    std::optional<absl::Time> escalate{};
  };
  // The routing's next step whose recipient is there; after the last one, its recipient again.
  absl::StatusOr<Next> NextStep(const Alert& alert);
  // The recipient is away: of one whom no step has brought, the cover; else the next step.
  absl::StatusOr<Next> NextForAbsent(const Alert& alert);
  // When an alert that is at `step` from now on goes on.
  absl::StatusOr<std::optional<absl::Time>> DueFrom(const Alert& alert, int step);
  // When one that is acknowledged now goes on unless it is resolved; nullopt: never.
  absl::StatusOr<std::optional<absl::Time>> ResolveBy(const Alert& alert);

 private:
  // The first of the cover, then of the steps, who is there; else the duty desk.
  absl::StatusOr<AlertRecipient> Cover(const RoutingInForce& routing);
  absl::StatusOr<std::optional<AlertRouting>> Stated(const std::string& therapist_id);

  AlertReader& reader_;
  const std::string clinic_id_;
  const absl::Time now_;
  std::map<std::string, std::optional<AlertRouting>> stated_;
  std::map<std::string, bool> away_;
};

// ------------------------------------------------------------------------------------- use cases

struct RoutingView {
  std::optional<AlertRouting> stated{};
  RoutingInForce in_force{};
  // Of a therapist's only.
  bool owner_away = false;
  TherapistPresence presence{};
};
// `therapist_id` empty: the clinic's.
absl::StatusOr<RoutingView> GetRouting(AlertReader& reader, const std::string& clinic_id,
                                       const std::string& therapist_id, absl::Time now);

// States a routing: what `edit` makes of the one that is stated (of a therapist without one, of the
// clinic's). Refused: ETAG_MISMATCH where `if_revision` (0: any) is not the stated one's. What
// waits with a therapist who is away by it goes on at once.
absl::StatusOr<RoutingView> SetRouting(
    AlertTx& tx, const std::string& clinic_id, const std::string& therapist_id, int64_t if_revision,
    absl::FunctionRef<absl::StatusOr<AlertRouting>(const AlertRouting& before)> edit,
    absl::Time now);
// Takes a therapist's own routing away.
absl::StatusOr<RoutingView> ResetRouting(AlertTx& tx, const std::string& clinic_id,
                                         const std::string& therapist_id, absl::Time now);

}  // namespace ipt::outcomes
