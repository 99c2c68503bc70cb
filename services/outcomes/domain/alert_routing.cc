#include "outcomes/domain/alert_routing.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/alerts.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"

namespace ipt::outcomes {
namespace {

// What an absence passes on in the transaction that states it; the rest follows within a second.
constexpr int kPassedOnAtOnce = 500;

absl::Status TellRouting(AlertTx& tx, const std::string& clinic_id, const std::string& therapist_id,
                         const RoutingView& view, absl::Time now) {
  AlertEvent event;
  event.kind = AlertEvent::Kind::kRouting;
  if (view.stated.has_value()) event.routing = *view.stated;
  event.routing.clinic_id = clinic_id;
  event.routing.therapist_id = therapist_id;
  event.in_force = view.in_force;
  event.inherited = !view.stated.has_value();
  return tx.Emit(event, now);
}

std::optional<absl::Time> TimeAfter(const RoutingInForce& routing, AlertKind kind, int step,
                                    absl::Time from) {
  if (!IsRisk(kind)) return std::nullopt;
  const int last = static_cast<int>(routing.steps.size()) - 1;
  return from + absl::Minutes(routing.steps[std::min(step + 1, last)].after_minutes);
}

}  // namespace

RoutingInForce InForce(const std::optional<AlertRouting>& clinic,
                       const std::optional<AlertRouting>& therapist) {
  RoutingInForce result{.resolve_minutes = kDefaultResolveMinutes};
  for (const auto* stated : {&clinic, &therapist}) {
    if (!stated->has_value()) continue;
    const AlertRouting& routing = **stated;
    result.owner = routing.owner;
    if (!routing.cover.empty()) result.cover = routing.cover;
    if (!routing.steps.empty()) result.steps = routing.steps;
    if (routing.resolve_minutes.has_value()) result.resolve_minutes = *routing.resolve_minutes;
  }
  if (result.cover.empty()) result.cover.push_back({.desk = kDutyDesk});
  if (result.steps.empty()) result.steps.push_back({.after_minutes = kDefaultAfterMinutes});
  return result;
}

void CheckRecipient(const AlertRecipient& recipient, FieldViolations& bad) {
  if (recipient.empty()) {
    bad.Add("recipient", "a therapist or a desk is required");
  } else if (recipient.therapist_id.empty() && !IsValidId(recipient.desk)) {
    bad.Add("desk", "must be 1 to 63 of a-z, 0-9 and \"-\", and begin with a letter or digit");
  }
}

void CheckRouting(const AlertRouting& routing, FieldViolations& bad) {
  if (!routing.owner.empty()) {
    FieldViolations at = bad.In("owner");
    CheckRecipient(routing.owner, at);
  }
  if (routing.cover.size() > kMaxCover) bad.Add("cover", "must be at most 10");
  for (size_t i = 0; i < routing.cover.size(); ++i) {
    FieldViolations at = bad.At("cover", i);
    CheckRecipient(routing.cover[i], at);
    if (std::find(routing.cover.begin(), routing.cover.begin() + static_cast<ptrdiff_t>(i),
                  routing.cover[i]) != routing.cover.begin() + static_cast<ptrdiff_t>(i)) {
      at.Add("", "is named twice");
    }
  }
  if (routing.steps.size() > kMaxSteps) bad.Add("steps", "must be at most 10");
  for (size_t i = 0; i < routing.steps.size(); ++i) {
    FieldViolations at = bad.At("steps", i);
    const AlertStep& step = routing.steps[i];
    if (step.after_minutes < 1 || step.after_minutes > kMaxAfterMinutes) {
      at.Add("after_minutes", "must be 1 to 10080");
    }
    FieldViolations to = at.In("to");
    CheckRecipient(step.to, to);
  }
  if (routing.resolve_minutes.has_value() &&
      (*routing.resolve_minutes < 0 || *routing.resolve_minutes > kMaxResolveMinutes)) {
    bad.Add("resolve_minutes", "must be 0 (never) to 43200");
  }
  if (routing.therapist_id.empty() && routing.away_until.has_value()) {
    bad.Add("away_until_time", "is of a therapist's routing only");
  }
}

absl::StatusOr<std::optional<AlertRouting>> AlertRouter::Stated(const std::string& therapist_id) {
  const auto found = stated_.find(therapist_id);
  if (found != stated_.end()) return found->second;
  IPT_ASSIGN_OR_RETURN(const auto stated, reader_.FindRouting(clinic_id_, therapist_id));
  return stated_.emplace(therapist_id, stated).first->second;
}

absl::StatusOr<RoutingInForce> AlertRouter::RoutingOf(const std::string& therapist_id) {
  IPT_ASSIGN_OR_RETURN(const auto clinic, Stated(""));
  if (therapist_id.empty()) return InForce(clinic, std::nullopt);
  IPT_ASSIGN_OR_RETURN(const auto own, Stated(therapist_id));
  return InForce(clinic, own);
}

absl::StatusOr<TherapistPresence> AlertRouter::PresenceOf(const std::string& therapist_id) {
  return reader_.directory().Presence(clinic_id_, therapist_id, now_);
}

absl::StatusOr<bool> AlertRouter::IsAway(const AlertRecipient& recipient) {
  if (recipient.therapist_id.empty()) return false;
  const auto found = away_.find(recipient.therapist_id);
  if (found != away_.end()) return found->second;
  bool away = false;
  IPT_ASSIGN_OR_RETURN(const auto own, Stated(recipient.therapist_id));
  if (own.has_value() && own->away_until.has_value() && *own->away_until > now_) {
    away = true;
  } else {
    IPT_ASSIGN_OR_RETURN(const TherapistPresence presence, PresenceOf(recipient.therapist_id));
    away = presence.known && (!presence.exists || !presence.active ||
                              (presence.away_until.has_value() && *presence.away_until > now_));
  }
  away_[recipient.therapist_id] = away;
  return away;
}

absl::StatusOr<AlertRecipient> AlertRouter::Cover(const RoutingInForce& routing) {
  for (const AlertRecipient& recipient : routing.cover) {
    IPT_ASSIGN_OR_RETURN(const bool away, IsAway(recipient));
    if (!away) return recipient;
  }
  for (const AlertStep& step : routing.steps) {
    if (step.to.empty()) continue;
    IPT_ASSIGN_OR_RETURN(const bool away, IsAway(step.to));
    if (!away) return step.to;
  }
  return AlertRecipient{.desk = kDutyDesk};
}

absl::StatusOr<AlertRouter::Place> AlertRouter::PlaceNew(AlertKind kind,
                                                         const std::string& therapist_id) {
  IPT_ASSIGN_OR_RETURN(const RoutingInForce routing, RoutingOf(therapist_id));
  AlertRecipient owner = routing.owner;
  if (owner.empty()) owner.therapist_id = therapist_id;
  if (owner.empty()) {
    IPT_ASSIGN_OR_RETURN(owner, Cover(routing));
  }
  return PlaceWith(kind, therapist_id, owner);
}

absl::StatusOr<AlertRouter::Place> AlertRouter::PlaceWith(AlertKind kind,
                                                          const std::string& therapist_id,
                                                          const AlertRecipient& owner) {
  IPT_ASSIGN_OR_RETURN(const RoutingInForce routing, RoutingOf(therapist_id));
  Place place{.owner = owner, .assignee = owner};
  IPT_ASSIGN_OR_RETURN(const bool away, IsAway(owner));
  if (away) {
    IPT_ASSIGN_OR_RETURN(place.assignee, Cover(routing));
  }
  place.escalate = TimeAfter(routing, kind, -1, now_);
  return place;
}

absl::StatusOr<AlertRouter::Next> AlertRouter::NextStep(const Alert& alert) {
  IPT_ASSIGN_OR_RETURN(const RoutingInForce routing, RoutingOf(alert.therapist_id));
  const int last = static_cast<int>(routing.steps.size()) - 1;
  Next next;
  for (int step = std::min(alert.step + 1, last); step <= last && next.to.empty(); ++step) {
    AlertRecipient to = routing.steps[step].to;
    if (to.empty()) {
      IPT_ASSIGN_OR_RETURN(to, Cover(routing));
    }
    IPT_ASSIGN_OR_RETURN(const bool away, IsAway(to));
    next.step = step;
    if (!away) next.to = std::move(to);
  }
  if (next.to.empty()) {
    IPT_ASSIGN_OR_RETURN(next.to, Cover(routing));
  }
  next.escalate = TimeAfter(routing, alert.kind, next.step, now_);
  return next;
}

absl::StatusOr<AlertRouter::Next> AlertRouter::NextForAbsent(const Alert& alert) {
  if (alert.step >= 0) return NextStep(alert);
  IPT_ASSIGN_OR_RETURN(const RoutingInForce routing, RoutingOf(alert.therapist_id));
  Next next;
  IPT_ASSIGN_OR_RETURN(next.to, Cover(routing));
  next.escalate = TimeAfter(routing, alert.kind, next.step, now_);
  return next;
}

absl::StatusOr<std::optional<absl::Time>> AlertRouter::DueFrom(const Alert& alert, int step) {
  IPT_ASSIGN_OR_RETURN(const RoutingInForce routing, RoutingOf(alert.therapist_id));
  return TimeAfter(routing, alert.kind, step, now_);
}

absl::StatusOr<std::optional<absl::Time>> AlertRouter::ResolveBy(const Alert& alert) {
  if (!IsRisk(alert.kind)) return std::optional<absl::Time>();
  IPT_ASSIGN_OR_RETURN(const RoutingInForce routing, RoutingOf(alert.therapist_id));
  if (routing.resolve_minutes == 0) return std::optional<absl::Time>();
  return std::optional<absl::Time>(now_ + absl::Minutes(routing.resolve_minutes));
}

absl::StatusOr<RoutingView> GetRouting(AlertReader& reader, const std::string& clinic_id,
                                       const std::string& therapist_id, absl::Time now) {
  RoutingView view;
  IPT_ASSIGN_OR_RETURN(view.stated, reader.FindRouting(clinic_id, therapist_id));
  AlertRouter router(reader, clinic_id, now);
  IPT_ASSIGN_OR_RETURN(view.in_force, router.RoutingOf(therapist_id));
  if (therapist_id.empty()) return view;
  AlertRecipient owner = view.in_force.owner;
  if (owner.empty()) owner.therapist_id = therapist_id;
  IPT_ASSIGN_OR_RETURN(view.owner_away, router.IsAway(owner));
  if (!owner.therapist_id.empty()) {
    IPT_ASSIGN_OR_RETURN(view.presence, router.PresenceOf(owner.therapist_id));
  }
  return view;
}

absl::StatusOr<RoutingView> SetRouting(
    AlertTx& tx, const std::string& clinic_id, const std::string& therapist_id, int64_t if_revision,
    absl::FunctionRef<absl::StatusOr<AlertRouting>(const AlertRouting& before)> edit,
    absl::Time now) {
  IPT_ASSIGN_OR_RETURN(const auto stated, tx.FindRouting(clinic_id, therapist_id));
  AlertRouting before;
  if (stated.has_value()) {
    before = *stated;
  } else if (!therapist_id.empty()) {
    IPT_ASSIGN_OR_RETURN(const auto clinic, tx.FindRouting(clinic_id, ""));
    if (clinic.has_value()) before = *clinic;
    before.revision = 0;
  }
  if (if_revision != 0 && if_revision != before.revision) {
    return EtagMismatch(kAlertRoutingType, AlertRoutingName(clinic_id, therapist_id));
  }
  IPT_ASSIGN_OR_RETURN(AlertRouting after, edit(before));
  after.clinic_id = clinic_id;
  after.therapist_id = therapist_id;
  after.revision = before.revision;
  IPT_ASSIGN_OR_RETURN(const bool written, tx.PutRouting(after, now));
  if (!written) {
    return Aborted(::ipt::reason::kStoreConflict,
                   "the routing was changed meanwhile: read it again, then retry");
  }
  if (!therapist_id.empty()) {
    IPT_RETURN_IF_ERROR(EscalateAbsent(tx, clinic_id, therapist_id, now, kPassedOnAtOnce).status());
  }
  IPT_ASSIGN_OR_RETURN(RoutingView view, GetRouting(tx, clinic_id, therapist_id, now));
  IPT_RETURN_IF_ERROR(TellRouting(tx, clinic_id, therapist_id, view, now));
  return view;
}

absl::StatusOr<RoutingView> ResetRouting(AlertTx& tx, const std::string& clinic_id,
                                         const std::string& therapist_id, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(const auto stated, tx.FindRouting(clinic_id, therapist_id));
  if (stated.has_value()) IPT_RETURN_IF_ERROR(tx.DeleteRouting(clinic_id, therapist_id));
  IPT_ASSIGN_OR_RETURN(RoutingView view, GetRouting(tx, clinic_id, therapist_id, now));
  if (stated.has_value()) {
    IPT_RETURN_IF_ERROR(TellRouting(tx, clinic_id, therapist_id, view, now));
  }
  return view;
}

}  // namespace ipt::outcomes
