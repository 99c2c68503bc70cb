// Whatever is measured, corrected and taken back, and however much time passes: no alert that is
// not resolved goes, and each risk answer that stands has one.
#include <map>
#include <set>

#include "outcomes/alerts/alert_keeper.h"
#include "rapidcheck/gtest.h"
#include "tests/outcomes/alert_fixture.h"

namespace ipt::outcomes {
namespace {

struct Store : AlertTestBase {
  Store() : AlertTestBase(storage::Dialect::kSqlite) {}
  using AlertTestBase::clock_;
  using AlertTestBase::ids_;
  using AlertTestBase::Read;
  using AlertTestBase::Ref;
  using AlertTestBase::store_;
  using AlertTestBase::therapists_;
  using AlertTestBase::Write;
};

// q9 as it is answered: -1 left out, else 0 to 3; and whether the total is beyond its limit.
struct Form {
  int q9 = 0;
  bool high = false;

  std::vector<AlertFinding> Findings() const {
    std::vector<AlertFinding> findings;
    if (q9 < 0) {
      findings.push_back({.kind = AlertKind::kRiskUnknown, .rule = "q9", .item = "q9"});
    } else if (q9 > 0) {
      findings.push_back({.kind = AlertKind::kRiskItem,
                          .rule = "q9",
                          .item = "q9",
                          .points = static_cast<double>(q9)});
    }
    if (high) findings.push_back({.kind = AlertKind::kRiskScore, .rule = "total", .points = 24});
    return findings;
  }
};

struct Measured {
  int revision = 1;
  bool taken_back = false;
};

RC_GTEST_PROP(AlertsPropertyTest, NoSequenceOfMeasurementsAndCorrectionsRemovesAnAlert, ()) {
  Store s;
  Metrics metrics("test", "1");
  AlertMetrics alert_metrics(metrics);
  AlertKeeper keeper(s.store_, s.clock_, alert_metrics);
  std::vector<Measured> measured;
  std::map<std::string, AlertState> known;
  std::set<std::string> resolved;

  const auto record = [&](size_t index) {
    Measured& m = measured[index];
    const Form form{.q9 = *rc::gen::inRange(-1, 4), .high = *rc::gen::arbitrary<bool>()};
    const AlertCause cause{
        .clinic_id = "north",
        .course_id = "k1",
        .therapist_id = *rc::gen::elementOf(std::vector<std::string>{"ann", "bea", ""}),
        .measurement_id = absl::StrCat("m", index),
        .measurement_revision = m.revision,
        .instrument_id = "phq-9",
        .instrument_version = 1};
    const auto findings = form.Findings();
    const auto raised = s.Write(
        [&](AlertTx& tx) { return RaiseAlerts(tx, s.ids_, cause, findings, s.clock_.Now()); });
    RC_ASSERT(raised.ok());
    RC_ASSERT(raised->size() == findings.size());
    for (size_t i = 0; i < findings.size(); ++i) {
      const auto alert =
          s.Read([&](AlertReader& reader) { return reader.GetAlert("north", "k1", (*raised)[i]); });
      RC_ASSERT(alert.ok());
      RC_ASSERT(alert->basis == AlertBasis::kStands);
      RC_ASSERT(alert->kind == findings[i].kind);
      // Not less grave than the answer, and open, unless a person has dealt with that answer.
      RC_ASSERT(alert->points.value_or(0) >= findings[i].points.value_or(0));
      if (!resolved.contains(alert->alert_id)) RC_ASSERT(alert->state != AlertState::kResolved);
    }
  };
  const auto pick = [&](const std::vector<std::string>& ids) { return *rc::gen::elementOf(ids); };

  const int steps = *rc::gen::inRange(1, 25);
  for (int step = 0; step < steps; ++step) {
    s.clock_.Advance(absl::Minutes(*rc::gen::inRange(0, 40)));
    std::vector<std::string> unresolved;
    for (const auto& [id, state] : known) {
      if (state != AlertState::kResolved) unresolved.push_back(id);
    }
    switch (*rc::gen::inRange(0, 7)) {
      case 0:
      case 1:
        measured.emplace_back();
        record(measured.size() - 1);
        break;
      case 2: {
        if (measured.empty()) break;
        const size_t index = *rc::gen::inRange<size_t>(0, measured.size());
        if (measured[index].taken_back) break;
        ++measured[index].revision;
        record(index);
        break;
      }
      case 3: {
        if (measured.empty()) break;
        const size_t index = *rc::gen::inRange<size_t>(0, measured.size());
        if (measured[index].taken_back) break;
        measured[index].taken_back = true;
        RC_ASSERT(s.Write([&](AlertTx& tx) {
                     return ChangeBasis(tx,
                                        {.clinic_id = "north",
                                         .course_id = "k1",
                                         .measurement_id = absl::StrCat("m", index),
                                         .error = 1},
                                        s.clock_.Now());
                   }).ok());
        break;
      }
      case 4:
        RC_ASSERT(keeper.EscalateOnce().ok());
        break;
      case 5: {
        if (unresolved.empty()) break;
        RC_ASSERT(s.Write([&](AlertTx& tx) {
                     return Acknowledge(tx, s.Ref(pick(unresolved)), "x", "", s.clock_.Now());
                   }).ok());
        break;
      }
      case 6: {
        if (unresolved.empty()) break;
        const std::string id = pick(unresolved);
        RC_ASSERT(s.Write([&](AlertTx& tx) {
                     return Resolve(tx, s.Ref(id), ResolutionOutcome::kCoveredByPlan, "x", "",
                                    s.clock_.Now());
                   }).ok());
        resolved.insert(id);
        break;
      }
    }
    const auto all = s.Read([&](AlertReader& reader) {
      return reader.ListAlerts("north",
                               {.states = {AlertState::kOpen, AlertState::kEscalated,
                                           AlertState::kAcknowledged, AlertState::kResolved}},
                               std::nullopt, 1000);
    });
    RC_ASSERT(all.ok());
    std::map<std::string, AlertState> now;
    for (const Alert& alert : *all) {
      now[alert.alert_id] = alert.state;
      RC_ASSERT((alert.state == AlertState::kResolved) == resolved.contains(alert.alert_id));
      // It goes on some time.
      RC_ASSERT(alert.escalate.has_value() == (alert.state != AlertState::kResolved));
      RC_ASSERT(!alert.assignee.empty());
    }
    for (const auto& [id, state] : known) RC_ASSERT(now.contains(id));
    known = std::move(now);
  }
}

}  // namespace
}  // namespace ipt::outcomes
