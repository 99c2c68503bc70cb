// What the service does by itself, on both engines: each alert goes on at its minute, once, whoever
// looks; and whether a clinic is heard is known.
#include "outcomes/alerts/alert_keeper.h"

#include <thread>

#include "platform/errors/status_macros.h"
#include "tests/outcomes/alert_fixture.h"

namespace ipt::outcomes {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AlertKeeperTest : public AlertTest {
 protected:
  // One round, and whether it told anything.
  bool Look() {
    const int64_t before = Count("outbox");
    EXPECT_OK(keeper_.EscalateOnce());
    return Count("outbox") != before;
  }
  void Listen(const std::string& id, std::vector<AlertRecipient> recipients = {},
              const std::string& clinic = "north") {
    ASSERT_OK(Write([&](AlertTx& tx) {
      return tx.PutListener({.listener_id = id,
                             .clinic_id = clinic,
                             .label = id,
                             .caller = "pager",
                             .recipients = std::move(recipients),
                             .since = clock_.Now(),
                             .last_response = clock_.Now(),
                             .expires = clock_.Now() + kListenerLife});
    }));
  }
  AlertCoverage Coverage(const std::string& clinic = "north") {
    const auto coverage =
        Read([&](AlertReader& reader) { return FindCoverage(reader, clinic, clock_.Now()); });
    EXPECT_OK(coverage);
    return coverage.value_or(AlertCoverage());
  }
  absl::Status Ack(const std::string& id) {
    return Write(
               [&](AlertTx& tx) { return Acknowledge(tx, Ref(id), "dr-jones", "", clock_.Now()); })
        .status();
  }

  Metrics metrics_{"test", "1"};
  AlertMetrics alert_metrics_{metrics_};
  AlertKeeper keeper_{store_, clock_, alert_metrics_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(AlertKeeperTest);

// ---------------------------------------------------------------------------------------
// escalation

TEST_P(AlertKeeperTest, ByDefaultGoesToTheCoverAfterFifteenMinutesAndAgain) {
  const std::string id = RaiseOne();
  clock_.Advance(absl::Minutes(15) - absl::Microseconds(1));
  EXPECT_FALSE(Look());
  EXPECT_EQ(Get(id).state, AlertState::kOpen);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_TRUE(Look());
  const Alert first = Get(id);
  EXPECT_EQ(first.state, AlertState::kEscalated);
  EXPECT_EQ(first.assignee, Desk("duty"));
  EXPECT_EQ(first.owner, Therapist("ann"));
  EXPECT_EQ(first.level, 1);
  EXPECT_EQ(first.escalate, clock_.Now() + absl::Minutes(15));
  EXPECT_EQ(first.changes.back().escalation_reason, EscalationReason::kNotAcknowledged);
  EXPECT_EQ(first.changes.back().caller, "");
  EXPECT_FALSE(Look());
  clock_.Advance(absl::Minutes(15));
  EXPECT_TRUE(Look());
  EXPECT_EQ(Get(id).assignee, Desk("duty"));
  EXPECT_EQ(Get(id).level, 2);
  EXPECT_EQ(alert_metrics_.not_acknowledged.Value(), 2);
  EXPECT_EQ(Count("audit_entries WHERE caller = 'ipt-outcomes' AND action = 2"), 2);
}

TEST_P(AlertKeeperTest, GoesThroughTheStepsAndStaysWithTheLast) {
  AlertRouting routing;
  routing.steps = {{.after_minutes = 1, .to = Desk("one")},
                   {.after_minutes = 10, .to = Therapist("two")},
                   {.after_minutes = 60, .to = Desk("three")}};
  State(routing);
  const std::string id = RaiseOne();
  const std::vector<std::pair<int, AlertRecipient>> way = {
      {1, Desk("one")}, {10, Therapist("two")}, {60, Desk("three")}, {60, Desk("three")}};
  int level = 0;
  for (const auto& [minutes, to] : way) {
    clock_.Advance(absl::Minutes(minutes) - absl::Microseconds(1));
    EXPECT_FALSE(Look());
    clock_.Advance(absl::Microseconds(1));
    EXPECT_TRUE(Look());
    EXPECT_EQ(Get(id).assignee, to);
    EXPECT_EQ(Get(id).level, ++level);
  }
}

// Minutes are elapsed minutes: clocks that are put on or back move nothing.
TEST_P(AlertKeeperTest, AcrossAChangeOfClocks) {
  for (const absl::CivilMinute local :
       {absl::CivilMinute(2026, 3, 29, 0, 55), absl::CivilMinute(2026, 10, 25, 0, 55)}) {
    // London: 00:55 UTC or BST, five minutes before the change at 01:00 UTC.
    const bool spring = local.month() == 3;
    clock_.Set(absl::FromCivil(local, absl::UTCTimeZone()));
    const std::string id = RaiseOne();
    EXPECT_EQ(Get(id).escalate, clock_.Now() + absl::Minutes(15));
    clock_.Advance(absl::Minutes(15) - absl::Microseconds(1));
    EXPECT_FALSE(Look()) << (spring ? "spring" : "autumn");
    clock_.Advance(absl::Microseconds(1));
    EXPECT_TRUE(Look());
    EXPECT_EQ(Get(id).level, 1);
    ASSERT_OK(Write([&](AlertTx& tx) {
      return Resolve(tx, Ref(id), ResolutionOutcome::kRiskAssessed, "dr-jones", "", clock_.Now());
    }));
  }
}

TEST_P(AlertKeeperTest, WhatIsAcknowledgedGoesOnWhenItIsNotResolvedInTime) {
  AlertRouting routing;
  routing.resolve_minutes = 90;
  routing.steps = {{.after_minutes = 5, .to = Desk("one")},
                   {.after_minutes = 5, .to = Desk("two")}};
  State(routing);
  const std::string id = RaiseOne();
  clock_.Advance(absl::Minutes(5));
  EXPECT_TRUE(Look());
  ASSERT_OK(Ack(id));
  clock_.Advance(absl::Minutes(90) - absl::Microseconds(1));
  EXPECT_FALSE(Look());
  clock_.Advance(absl::Microseconds(1));
  EXPECT_TRUE(Look());
  const Alert alert = Get(id);
  EXPECT_EQ(alert.state, AlertState::kEscalated);
  EXPECT_EQ(alert.assignee, Desk("two"));
  EXPECT_EQ(alert.acknowledged, std::nullopt);
  EXPECT_EQ(alert.changes.back().escalation_reason, EscalationReason::kNotResolved);
  EXPECT_EQ(alert_metrics_.not_resolved.Value(), 1);
  EXPECT_EQ(alert_metrics_.not_acknowledged.Value(), 1);
}

TEST_P(AlertKeeperTest, WhatIsResolvedOrForReviewStays) {
  const std::string resolved = RaiseOne();
  ASSERT_OK(Write([&](AlertTx& tx) {
    return Resolve(tx, Ref(resolved), ResolutionOutcome::kRiskAssessed, "x", "", clock_.Now());
  }));
  RaiseOne({.kind = AlertKind::kReview, .rule = "midpoint", .signal_level = 2});
  clock_.Advance(absl::Hours(24 * 60));
  EXPECT_FALSE(Look());
}

TEST_P(AlertKeeperTest, ARestartLosesNoTime) {
  const std::string id = RaiseOne();
  clock_.Advance(absl::Hours(5));
  db_.Reopen();
  SqlAlertStore store(*db_, encoder_, OpenDirectory(), [] {});
  AlertKeeper keeper(store, clock_, alert_metrics_);
  ASSERT_OK(keeper.EscalateOnce());
  ASSERT_OK_AND_ASSIGN(Alert alert, [&]() -> absl::StatusOr<Alert> {
    absl::StatusOr<Alert> found = Internal("none");
    IPT_RETURN_IF_ERROR(store.Read(absl::InfiniteFuture(), [&](AlertReader& reader) {
      found = reader.GetAlert("north", "k1", id);
      return found.status();
    }));
    return found;
  }());
  // Once, though twenty times have passed: from when it came to its recipient.
  EXPECT_EQ(alert.level, 1);
  EXPECT_EQ(alert.escalate, clock_.Now() + absl::Minutes(15));
}

TEST_P(AlertKeeperTest, TwoWhoLookAtOncePassEachAlertOnOnce) {
  constexpr int kAlerts = 60;
  std::vector<std::string> ids;
  for (int i = 0; i < kAlerts; ++i) ids.push_back(RaiseOne());
  const std::unique_ptr<storage::Database> other_db = db_.OpenAnother();
  SqlAlertStore other_store(*other_db, encoder_, OpenDirectory(), [] {});
  AlertMetrics other_metrics(metrics_);
  AlertKeeper other(other_store, clock_, other_metrics);
  clock_.Advance(absl::Minutes(15));
  absl::Status first;
  absl::Status second;
  std::thread one([&] { first = keeper_.EscalateOnce(); });
  std::thread two([&] { second = other.EscalateOnce(); });
  one.join();
  two.join();
  EXPECT_OK(first);
  EXPECT_OK(second);
  // What one had in hand, the other passed over: a later round leaves nothing.
  ASSERT_OK(keeper_.EscalateOnce());
  for (const std::string& id : ids) {
    const Alert alert = Get(id);
    EXPECT_EQ(alert.level, 1);
    EXPECT_THAT(alert.changes, SizeIs(2));
  }
  EXPECT_EQ(Count("outbox WHERE kind = 'ALERT_CHANGED'"), kAlerts);
}

TEST_P(AlertKeeperTest, AnAcknowledgementAndAnEscalationAtOnceAreBothSeen) {
  for (int i = 0; i < 20; ++i) {
    const std::string id = RaiseOne();
    clock_.Advance(absl::Minutes(15));
    absl::Status acked;
    absl::Status escalated;
    std::thread one([&] { acked = Ack(id); });
    std::thread two([&] { escalated = keeper_.EscalateOnce(); });
    one.join();
    two.join();
    EXPECT_OK(acked);
    EXPECT_OK(escalated);
    // Whoever was first: the person has it.
    EXPECT_EQ(Get(id).state, AlertState::kAcknowledged);
  }
}

// -------------------------------------------------------------------------------------------
// absence

TEST_P(AlertKeeperTest, AnOwnerWhoIsAwayIsCoveredFromTheStart) {
  therapists_.Add("ann", true, start_ + absl::Hours(8));
  therapists_.Add("bea", false);
  therapists_.Add("cyd");
  AlertRouting routing;
  routing.cover = {Therapist("bea"), Therapist("nobody"), Therapist("cyd"), Desk("duty")};
  State(routing);
  const Alert alert = Get(RaiseOne());
  EXPECT_EQ(alert.owner, Therapist("ann"));
  EXPECT_EQ(alert.assignee, Therapist("cyd"));
  EXPECT_EQ(alert.state, AlertState::kOpen);
  EXPECT_EQ(alert.level, 0);
  // An unknown therapist, one whom the clinic does not have.
  EXPECT_EQ(Get(RaiseOne(Q9(1), "")).owner, Therapist("cyd"));
  EXPECT_EQ(Get(RaiseOne(Q9(1), "nobody")).assignee, Therapist("cyd"));
  EXPECT_EQ(Get(RaiseOne(Q9(1), "bea")).assignee, Therapist("cyd"));
}

TEST_P(AlertKeeperTest, WhereNobodyCoversTheDutyDeskDoes) {
  therapists_.Add("ann", false);
  AlertRouting routing;
  routing.cover = {Therapist("ann")};
  routing.steps = {{.after_minutes = 5, .to = Therapist("ann")}};
  State(routing);
  const std::string id = RaiseOne();
  EXPECT_EQ(Get(id).assignee, Desk("duty"));
  clock_.Advance(absl::Minutes(5));
  EXPECT_TRUE(Look());
  EXPECT_EQ(Get(id).assignee, Desk("duty"));
  EXPECT_EQ(Get(id).level, 1);
}

TEST_P(AlertKeeperTest, WhoGoesAwayPassesOnAtTheBoundaryOfTheirTimeOff) {
  const std::string id = RaiseOne();
  const std::string taken = RaiseOne();
  ASSERT_OK(Ack(taken));
  therapists_.Add("ann", true, clock_.Now() + absl::Hours(1));
  EXPECT_TRUE(Look());
  const Alert alert = Get(id);
  EXPECT_EQ(alert.assignee, Desk("duty"));
  EXPECT_EQ(alert.state, AlertState::kEscalated);
  EXPECT_EQ(alert.changes.back().escalation_reason, EscalationReason::kRecipientAway);
  EXPECT_EQ(alert.escalate, clock_.Now() + absl::Minutes(15));
  EXPECT_EQ(Get(taken).state, AlertState::kAcknowledged);  // somebody has it
  EXPECT_EQ(alert_metrics_.away.Value(), 1);
  EXPECT_FALSE(Look());
  // Back at the very end of it.
  clock_.Advance(absl::Hours(1) - absl::Microseconds(1));
  EXPECT_EQ(Get(RaiseOne()).assignee, Desk("duty"));
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(Get(RaiseOne()).assignee, Therapist("ann"));
}

TEST_P(AlertKeeperTest, AStepWhoseRecipientIsAwayIsPassedOver) {
  therapists_.Add("ann");
  therapists_.Add("two", false);
  AlertRouting routing;
  routing.steps = {{.after_minutes = 5, .to = Desk("one")},
                   {.after_minutes = 5, .to = Therapist("two")},
                   {.after_minutes = 5, .to = Desk("three")}};
  State(routing);
  const std::string id = RaiseOne();
  for (const char* desk : {"one", "three"}) {
    clock_.Advance(absl::Minutes(5));
    EXPECT_TRUE(Look());
    EXPECT_EQ(Get(id).assignee, Desk(desk));
  }
  EXPECT_EQ(Get(id).level, 2);
}

TEST_P(AlertKeeperTest, AStepsRecipientWhoGoesAwayPassesOnToTheNext) {
  therapists_.Add("ann");
  therapists_.Add("one");
  AlertRouting routing;
  routing.steps = {{.after_minutes = 5, .to = Therapist("one")},
                   {.after_minutes = 5, .to = Desk("two")}};
  State(routing);
  const std::string id = RaiseOne();
  clock_.Advance(absl::Minutes(5));
  EXPECT_TRUE(Look());
  therapists_.by_id["one"].active = false;
  EXPECT_TRUE(Look());
  EXPECT_EQ(Get(id).assignee, Desk("two"));
  EXPECT_EQ(Get(id).changes.back().escalation_reason, EscalationReason::kRecipientAway);
}

TEST_P(AlertKeeperTest, AStatedAbsenceTakesEffectAtOnceWhateverSchedulingSays) {
  therapists_.Add("ann");
  const std::string id = RaiseOne();
  AlertRouting own;
  own.therapist_id = "ann";
  own.away_until = clock_.Now() + absl::Minutes(30);
  State(own);
  EXPECT_EQ(Get(id).assignee, Desk("duty"));  // no round of the keeper was needed
  EXPECT_EQ(Get(id).changes.back().escalation_reason, EscalationReason::kRecipientAway);
  clock_.Advance(absl::Minutes(30) - absl::Microseconds(1));
  EXPECT_EQ(Get(RaiseOne()).assignee, Desk("duty"));
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(Get(RaiseOne()).assignee, Therapist("ann"));
}

TEST_P(AlertKeeperTest, ATherapistsOwnRoutingAndAClinicsOwner) {
  AlertRouting clinic;
  clinic.owner = Desk("intake");
  State(clinic);
  EXPECT_EQ(Get(RaiseOne()).owner, Desk("intake"));
  AlertRouting own;
  own.therapist_id = "ann";
  own.steps = {{.after_minutes = 2, .to = Therapist("supervisor")}};
  State(own);
  const std::string id = RaiseOne();
  EXPECT_EQ(Get(id).owner, Therapist("ann"));
  clock_.Advance(absl::Minutes(2));
  EXPECT_TRUE(Look());
  EXPECT_EQ(Get(id).assignee, Therapist("supervisor"));
  EXPECT_EQ(Get(RaiseOne(Q9(1), "bea")).owner, Desk("intake"));
}

TEST_P(AlertKeeperTest, AlertsFollowANewRoutingFromTheirNextStep) {
  const std::string id = RaiseOne();
  AlertRouting routing;
  routing.steps = {{.after_minutes = 3, .to = Desk("new")}};
  State(routing);
  clock_.Advance(absl::Minutes(3));
  EXPECT_FALSE(Look());  // its time was set by the one before
  clock_.Advance(absl::Minutes(12));
  EXPECT_TRUE(Look());
  EXPECT_EQ(Get(id).assignee, Desk("new"));
  EXPECT_EQ(Get(id).escalate, clock_.Now() + absl::Minutes(3));
}

// ------------------------------------------------------------------------------------------
// coverage

TEST_P(AlertKeeperTest, NobodyListensIsShownCountedAndTold) {
  therapists_.clinics = {"north", "south"};
  ASSERT_OK(keeper_.CoverageOnce());
  EXPECT_EQ(Coverage().state, CoverageState::kNobody);
  EXPECT_EQ(Coverage().since, start_);
  EXPECT_EQ(Count("outbox WHERE kind = 'COVERAGE_CHANGED'"), 2);
  ASSERT_OK(keeper_.MeasureOnce());
  EXPECT_EQ(alert_metrics_.uncovered_clinics.Value(), 2);
  EXPECT_EQ(alert_metrics_.listeners_now.Value(), 0);

  clock_.Advance(absl::Minutes(90));
  EXPECT_EQ(Coverage().uncovered_minutes_week, 90);
  Listen("pager");
  ASSERT_OK(keeper_.CoverageOnce());
  EXPECT_EQ(Coverage().state, CoverageState::kCovered);
  EXPECT_EQ(Coverage().since, clock_.Now());
  EXPECT_EQ(Count("outbox WHERE kind = 'COVERAGE_CHANGED'"), 3);
  ASSERT_OK(keeper_.MeasureOnce());
  EXPECT_EQ(alert_metrics_.uncovered_clinics.Value(), 1);
  EXPECT_EQ(alert_metrics_.listeners_now.Value(), 1);

  // Its connection dies without a word: counted out after two heartbeats.
  clock_.Advance(kListenerLife - absl::Microseconds(1));
  ASSERT_OK(keeper_.CoverageOnce());
  EXPECT_EQ(Coverage().state, CoverageState::kCovered);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_LE(kListenerLife, absl::Seconds(30));
  ASSERT_OK(keeper_.CoverageOnce());
  EXPECT_EQ(Coverage().state, CoverageState::kNobody);
  EXPECT_EQ(Coverage().uncovered_minutes_week, 90);
  clock_.Advance(absl::Minutes(10));
  EXPECT_EQ(Coverage().uncovered_minutes_week, 100);
  // A week later, what lay before it is out of sight.
  clock_.Advance(kCoverageWeek);
  EXPECT_EQ(Coverage().uncovered_minutes_week, 7 * 1440);
}

TEST_P(AlertKeeperTest, PartlyIsWhenSomebodyIsHeardByNobody) {
  therapists_.with_courses = {"ann", "bea"};
  Listen("pager", {Desk("duty"), Therapist("ann")});
  AlertCoverage coverage = Coverage();
  EXPECT_EQ(coverage.state, CoverageState::kPartly);
  EXPECT_THAT(coverage.unheard, ElementsAre(Therapist("bea")));
  Listen("bea", {Therapist("bea")});
  EXPECT_EQ(Coverage().state, CoverageState::kCovered);
  EXPECT_THAT(Coverage().listeners, SizeIs(2));
  // A routing, and an alert, bring others in.
  AlertRouting routing;
  routing.steps = {{.after_minutes = 5, .to = Desk("lead")}};
  State(routing);
  EXPECT_THAT(Coverage().unheard, ElementsAre(Desk("lead")));
  const std::string id = RaiseOne();
  ASSERT_OK(Write([&](AlertTx& tx) {
    return EscalateByHand(tx, Ref(id), Desk("crisis"), "x", "y", clock_.Now());
  }));
  EXPECT_THAT(Coverage().unheard, ElementsAre(Desk("crisis"), Desk("lead")));
  EXPECT_EQ(Coverage().counts.unacknowledged, 1);
  Listen("all");
  EXPECT_THAT(Coverage().unheard, IsEmpty());
  EXPECT_EQ(Coverage().state, CoverageState::kCovered);
}

TEST_P(AlertKeeperTest, AChangeOfCoverageIsKeptByOne) {
  therapists_.clinics = {"north"};
  const std::unique_ptr<storage::Database> other_db = db_.OpenAnother();
  SqlAlertStore other_store(*other_db, encoder_, OpenDirectory(), [] {});
  AlertKeeper other(other_store, clock_, alert_metrics_);
  std::thread one([&] { EXPECT_OK(keeper_.CoverageOnce()); });
  std::thread two([&] { EXPECT_OK(other.CoverageOnce()); });
  one.join();
  two.join();
  EXPECT_EQ(Count("outbox WHERE kind = 'COVERAGE_CHANGED'"), 1);
  EXPECT_EQ(Count("alert_uncovered"), 1);
}

TEST_P(AlertKeeperTest, AllClinicsAreLookedAt) {
  for (int i = 0; i < 250; ++i) therapists_.clinics.push_back(absl::StrCat("c", 1000 + i));
  ASSERT_OK(keeper_.CoverageOnce());
  EXPECT_EQ(Count("alert_coverage"), 250);
}

TEST_P(AlertKeeperTest, MeasuresWhatWaits) {
  const std::string id = RaiseOne();
  const std::string taken = RaiseOne();
  ASSERT_OK(Ack(taken));
  clock_.Advance(absl::Seconds(90));
  ASSERT_OK(keeper_.MeasureOnce());
  EXPECT_EQ(alert_metrics_.unacknowledged_now.Value(), 1);
  EXPECT_EQ(alert_metrics_.oldest_unacknowledged.Value(), 90);
  EXPECT_EQ(alert_metrics_.unsent_now.Value(), 1);
  EXPECT_EQ(alert_metrics_.unresolved_now.Value(), 1);
  ASSERT_OK(Ack(id));
  ASSERT_OK(keeper_.MeasureOnce());
  EXPECT_EQ(alert_metrics_.unacknowledged_now.Value(), 0);
  EXPECT_EQ(alert_metrics_.oldest_unacknowledged.Value(), 0);
}

}  // namespace
}  // namespace ipt::outcomes
