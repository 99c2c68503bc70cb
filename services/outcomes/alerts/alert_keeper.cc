#include "outcomes/alerts/alert_keeper.h"

#include <algorithm>
#include <set>
#include <utility>

#include "outcomes/domain/alert_coverage.h"
#include "outcomes/domain/alerts.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"

namespace ipt::outcomes {
namespace {

constexpr absl::Duration kEvery = absl::Seconds(1);
constexpr int kCoverageRounds = 5;
constexpr int kMeasureRounds = 10;
constexpr int kEscalateBatch = 100;
constexpr int kAbsentBatch = 100;
constexpr int kClinicPage = 200;
// Rows that have run out count for nothing, and are deleted now and then.
constexpr int kTidyRounds = 60;

const char* WordOf(CoverageState state) {
  switch (state) {
    case CoverageState::kCovered:
      return "COVERED";
    case CoverageState::kPartly:
      return "PARTLY";
    case CoverageState::kNobody:
      return "NOBODY";
    case CoverageState::kUnspecified:
      break;
  }
  return "UNSPECIFIED";
}

}  // namespace

void AlertKeeper::Start() {
  periodic_.emplace(kEvery, [this] { Round(); });
}

void AlertKeeper::Round() {
  Report("ESCALATION", EscalateOnce(), escalate_failing_);
  if (rounds_ % kCoverageRounds == 0) Report("COVERAGE", CoverageOnce(), coverage_failing_);
  if (rounds_ % kMeasureRounds == 0) Report("MEASURE", MeasureOnce(), measure_failing_);
  ++rounds_;
}

// Once when it begins, once when it is over; the counter has the rest.
void AlertKeeper::Report(const char* what, const absl::Status& status, bool& failing) {
  if (!status.ok()) metrics_.errors.Increment();
  if (!status.ok() && !failing) {
    log::Line(log::Level::kWarning, "alert_keeper_failed",
              {{log::Key::kReason, what}, {log::Key::kDetail, status.message()}});
  }
  failing = !status.ok();
}

absl::Status AlertKeeper::EscalateOnce() {
  const absl::Time now = clock_.Now();
  // Nothing is written where there is nothing to do.
  std::optional<absl::Time> next;
  std::vector<std::pair<std::string, std::string>> absent;
  IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](AlertReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(next, reader.NextEscalation());
    IPT_ASSIGN_OR_RETURN(absent, FindAbsent(reader, now, kAbsentBatch));
    return absl::OkStatus();
  }));
  // Whoever is away first: who is due there goes to somebody who is not.
  for (const auto& [clinic_id, therapist_id] : absent) {
    EscalationResult done{.more = true};
    while (done.more) {
      IPT_RETURN_IF_ERROR(store_.Write(Deadline(), [&](AlertTx& tx) -> absl::Status {
        IPT_ASSIGN_OR_RETURN(done,
                             EscalateAbsent(tx, clinic_id, therapist_id, now, kEscalateBatch));
        return absl::OkStatus();
      }));
      metrics_.away.Increment(done.escalated);
    }
  }
  EscalationResult done{.more = next.has_value() && *next <= now};
  while (done.more) {
    IPT_RETURN_IF_ERROR(store_.Write(Deadline(), [&](AlertTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(done, EscalateDue(tx, now, kEscalateBatch));
      return absl::OkStatus();
    }));
    metrics_.not_acknowledged.Increment(done.escalated - done.not_resolved);
    metrics_.not_resolved.Increment(done.not_resolved);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> AlertKeeper::ClinicsThatMoved() {
  const absl::Time now = clock_.Now();
  std::vector<std::string> moved;
  std::string after;
  bool more = true;
  while (more) {
    IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](AlertReader& reader) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto known, reader.AlertClinics(after, kClinicPage));
      IPT_ASSIGN_OR_RETURN(const auto measuring, reader.directory().Clinics(after, kClinicPage));
      std::set<std::string> clinics(known.begin(), known.end());
      clinics.insert(measuring.begin(), measuring.end());
      // Up to where both pages are complete.
      std::optional<std::string> end;
      for (const auto* page : {&known, &measuring}) {
        if (page->size() < kClinicPage) continue;
        end = end.has_value() ? std::min(*end, page->back()) : page->back();
      }
      for (const std::string& clinic : clinics) {
        if (end.has_value() && clinic > *end) break;
        IPT_ASSIGN_OR_RETURN(const bool has_moved, CoverageMoved(reader, clinic, now));
        if (has_moved) moved.push_back(clinic);
      }
      more = end.has_value();
      if (more) after = *end;
      return absl::OkStatus();
    }));
  }
  return moved;
}

absl::Status AlertKeeper::CoverageOnce() {
  const absl::Time now = clock_.Now();
  IPT_ASSIGN_OR_RETURN(const std::vector<std::string> moved, ClinicsThatMoved());
  for (const std::string& clinic : moved) {
    CoverageState state = CoverageState::kUnspecified;
    IPT_RETURN_IF_ERROR(store_.Write(Deadline(), [&](AlertTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(state, UpdateCoverage(tx, clinic, now));
      return absl::OkStatus();
    }));
    if (state == CoverageState::kUnspecified) continue;  // another replica was first
    log::Line(state == CoverageState::kCovered ? log::Level::kInfo : log::Level::kWarning,
              "alert_coverage", {{log::Key::kClinic, clinic}, {log::Key::kReason, WordOf(state)}});
  }
  if (coverage_rounds_++ % kTidyRounds != 0) return absl::OkStatus();
  return store_.Write(Deadline(), [&](AlertTx& tx) -> absl::Status {
    IPT_RETURN_IF_ERROR(tx.DeleteLapsedListeners(now));
    return tx.PurgeCoverage(now - 2 * kCoverageWeek);
  });
}

absl::Status AlertKeeper::MeasureOnce() {
  const absl::Time now = clock_.Now();
  return store_.Read(Deadline(), [&](AlertReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const AlertCounts counts, reader.CountAlerts(""));
    IPT_ASSIGN_OR_RETURN(const int64_t listeners, reader.CountListeners(now));
    IPT_ASSIGN_OR_RETURN(const int64_t nobody, reader.CountCoverage(CoverageState::kNobody));
    IPT_ASSIGN_OR_RETURN(const int64_t partly, reader.CountCoverage(CoverageState::kPartly));
    metrics_.unacknowledged_now.Set(static_cast<double>(counts.unacknowledged));
    metrics_.oldest_unacknowledged.Set(
        counts.oldest_unacknowledged.has_value()
            ? absl::ToDoubleSeconds(now - *counts.oldest_unacknowledged)
            : 0);
    metrics_.unsent_now.Set(static_cast<double>(counts.unsent));
    metrics_.unresolved_now.Set(static_cast<double>(counts.unresolved));
    metrics_.listeners_now.Set(static_cast<double>(listeners));
    metrics_.uncovered_clinics.Set(static_cast<double>(nobody));
    metrics_.partly_covered_clinics.Set(static_cast<double>(partly));
    return absl::OkStatus();
  });
}

}  // namespace ipt::outcomes
