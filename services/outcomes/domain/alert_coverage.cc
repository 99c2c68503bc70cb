#include "outcomes/domain/alert_coverage.h"

#include <algorithm>
#include <set>

#include "outcomes/domain/alert_routing.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

constexpr int kMostRecipients = 1000;
constexpr int kMostRoutings = 1000;
constexpr size_t kMostUnheard = 100;

void AddRouting(const RoutingInForce& routing, std::set<AlertRecipient>& expected) {
  if (!routing.owner.empty()) expected.insert(routing.owner);
  expected.insert(routing.cover.begin(), routing.cover.end());
  for (const AlertStep& step : routing.steps) {
    if (!step.to.empty()) expected.insert(step.to);
  }
}

struct Found {
  CoverageState state = CoverageState::kUnspecified;
  std::vector<AlertListener> listeners{};
  std::vector<AlertRecipient> unheard{};
  std::optional<AlertReader::CoverageRow> row{};
};

absl::StatusOr<Found> Look(AlertReader& reader, absl::string_view clinic_id, absl::Time now) {
  Found found;
  IPT_ASSIGN_OR_RETURN(found.listeners, reader.ListListeners(clinic_id, now));
  IPT_ASSIGN_OR_RETURN(found.row, reader.FindCoverage(clinic_id));
  // Who listens for all leaves nobody out, whoever there is.
  const bool all = std::any_of(found.listeners.begin(), found.listeners.end(),
                               [](const AlertListener& one) { return one.recipients.empty(); });
  if (!all) {
    IPT_ASSIGN_OR_RETURN(const auto expected, ExpectedRecipients(reader, clinic_id, now));
    found.unheard = Unheard(found.listeners, expected);
  }
  if (found.listeners.empty()) {
    found.state = CoverageState::kNobody;
  } else {
    found.state = found.unheard.empty() ? CoverageState::kCovered : CoverageState::kPartly;
  }
  return found;
}

absl::StatusOr<AlertCoverage> Describe(AlertReader& reader, absl::string_view clinic_id,
                                       Found found, absl::Time now) {
  AlertCoverage coverage;
  coverage.clinic_id = std::string(clinic_id);
  coverage.as_of = now;
  coverage.state = found.state;
  if (found.row.has_value()) {
    coverage.since = found.row->state == found.state ? found.row->since : now;
  }
  coverage.listeners = std::move(found.listeners);
  coverage.unheard = std::move(found.unheard);
  if (coverage.unheard.size() > kMostUnheard) coverage.unheard.resize(kMostUnheard);
  IPT_ASSIGN_OR_RETURN(coverage.counts, reader.CountAlerts(clinic_id));
  IPT_ASSIGN_OR_RETURN(const absl::Duration uncovered,
                       reader.Uncovered(clinic_id, now - kCoverageWeek, now));
  coverage.uncovered_minutes_week = static_cast<int>(uncovered / absl::Minutes(1));
  return coverage;
}

}  // namespace

std::vector<AlertRecipient> Unheard(const std::vector<AlertListener>& listeners,
                                    const std::vector<AlertRecipient>& expected) {
  std::set<AlertRecipient> heard;
  for (const AlertListener& listener : listeners) {
    if (listener.recipients.empty()) return {};
    heard.insert(listener.recipients.begin(), listener.recipients.end());
  }
  std::vector<AlertRecipient> unheard;
  for (const AlertRecipient& recipient : expected) {
    if (!heard.contains(recipient)) unheard.push_back(recipient);
  }
  return unheard;
}

absl::StatusOr<std::vector<AlertRecipient>> ExpectedRecipients(AlertReader& reader,
                                                               absl::string_view clinic_id,
                                                               absl::Time now) {
  std::set<AlertRecipient> expected;
  IPT_ASSIGN_OR_RETURN(const auto assignees, reader.OpenAssignees(clinic_id, kMostRecipients));
  expected.insert(assignees.begin(), assignees.end());
  AlertRouter router(reader, std::string(clinic_id), now);
  IPT_ASSIGN_OR_RETURN(const RoutingInForce clinic, router.RoutingOf(""));
  AddRouting(clinic, expected);
  IPT_ASSIGN_OR_RETURN(const auto own, reader.ListRoutings(clinic_id, "", kMostRoutings));
  for (const AlertRouting& routing : own) {
    IPT_ASSIGN_OR_RETURN(const RoutingInForce held, router.RoutingOf(routing.therapist_id));
    AddRouting(held, expected);
  }
  IPT_ASSIGN_OR_RETURN(const auto therapists,
                       reader.directory().TherapistsWithCourses(clinic_id, kMostRecipients));
  for (const std::string& therapist_id : therapists) {
    const auto found = std::find_if(own.begin(), own.end(), [&](const AlertRouting& routing) {
      return routing.therapist_id == therapist_id;
    });
    const AlertRecipient& owner = found != own.end() ? found->owner : clinic.owner;
    if (owner.empty()) expected.insert({.therapist_id = therapist_id});
  }
  return std::vector<AlertRecipient>(expected.begin(), expected.end());
}

absl::StatusOr<AlertCoverage> FindCoverage(AlertReader& reader, absl::string_view clinic_id,
                                           absl::Time now) {
  IPT_ASSIGN_OR_RETURN(Found found, Look(reader, clinic_id, now));
  return Describe(reader, clinic_id, std::move(found), now);
}

absl::StatusOr<bool> CoverageMoved(AlertReader& reader, absl::string_view clinic_id,
                                   absl::Time now) {
  IPT_ASSIGN_OR_RETURN(const Found found, Look(reader, clinic_id, now));
  return !found.row.has_value() || found.row->state != found.state;
}

absl::StatusOr<CoverageState> UpdateCoverage(AlertTx& tx, absl::string_view clinic_id,
                                             absl::Time now) {
  IPT_ASSIGN_OR_RETURN(Found found, Look(tx, clinic_id, now));
  if (found.row.has_value() && found.row->state == found.state) {
    return CoverageState::kUnspecified;
  }
  const AlertReader::CoverageRow to{.state = found.state, .since = now};
  IPT_ASSIGN_OR_RETURN(const bool moved, tx.MoveCoverage(clinic_id, found.row, to));
  if (!moved) return CoverageState::kUnspecified;
  found.row = to;
  AlertEvent event;
  event.kind = AlertEvent::Kind::kCoverage;
  IPT_ASSIGN_OR_RETURN(event.coverage, Describe(tx, clinic_id, std::move(found), now));
  IPT_RETURN_IF_ERROR(tx.Emit(event, now));
  return to.state;
}

}  // namespace ipt::outcomes
