// Alerts over SQL, on both engines: what raises them, what a person does, and what is refused.
#include <algorithm>

#include "outcomes/domain/reasons.h"
#include "tests/outcomes/alert_fixture.h"

namespace ipt::outcomes {
namespace {

using ::ipt::testing::FailsWith;
using ::ipt::testing::HasBadFields;
using ::ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kRefused = absl::StatusCode::kFailedPrecondition;

class AlertsTest : public AlertTest {
 protected:
  absl::StatusOr<Alert> Ack(const std::string& id, int64_t if_revision = 0) {
    return Write([&](AlertTx& tx) {
      return Acknowledge(tx, Ref(id, if_revision), "dr-jones", "calling now", clock_.Now());
    });
  }
  absl::StatusOr<Alert> Settle(const std::string& id,
                               ResolutionOutcome outcome = ResolutionOutcome::kRiskAssessed,
                               const std::string& note = "", int64_t if_revision = 0) {
    return Write([&](AlertTx& tx) {
      return Resolve(tx, Ref(id, if_revision), outcome, "dr-jones", note, clock_.Now());
    });
  }
  absl::StatusOr<Alert> Pass(const std::string& id, const AlertRecipient& to = {},
                             int64_t if_revision = 0) {
    return Write([&](AlertTx& tx) {
      return EscalateByHand(tx, Ref(id, if_revision), to, "dr-jones", "not mine", clock_.Now());
    });
  }
  absl::StatusOr<Alert> Give(const std::string& id, const AlertRecipient& owner,
                             int64_t if_revision = 0) {
    return Write([&](AlertTx& tx) {
      return Reassign(tx, Ref(id, if_revision), owner, "dr-jones", "hers", clock_.Now());
    });
  }
  absl::StatusOr<Alert> Undo(const std::string& id, int64_t if_revision = 0) {
    return Write([&](AlertTx& tx) {
      return Reopen(tx, Ref(id, if_revision), "dr-jones", "by mistake", clock_.Now());
    });
  }
  static std::vector<AlertChangeKind> Kinds(const Alert& alert) {
    std::vector<AlertChangeKind> kinds;
    for (const AlertChange& change : alert.changes) kinds.push_back(change.kind);
    return kinds;
  }
  int64_t Events(const std::string& kind) {
    return Count(absl::StrCat("outbox WHERE kind = '", kind, "'"));
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(AlertsTest);

// ------------------------------------------------------------------------------------------
// raising

TEST_P(AlertsTest, RaisesOneForEachFindingAndKeepsAllOfIt) {
  ASSERT_OK_AND_ASSIGN(
      const auto ids,
      Raise(Cause(), {Q9(1), {.kind = AlertKind::kRiskScore, .rule = "total-20", .points = 21.5}}));
  ASSERT_THAT(ids, SizeIs(2));
  const Alert item = Get(ids[0]);
  EXPECT_EQ(item.kind, AlertKind::kRiskItem);
  EXPECT_EQ(item.state, AlertState::kOpen);
  EXPECT_EQ(item.patient, (AlertPatient{"urn:mrn", "4711"}));
  EXPECT_EQ(item.measurement_id, "m1");
  EXPECT_EQ(item.measurement_revision, 1);
  EXPECT_EQ(item.instrument_id, "phq-9");
  EXPECT_EQ(item.instrument_version, 1);
  EXPECT_EQ(item.rule, "q9");
  EXPECT_EQ(item.item, "q9");
  EXPECT_EQ(item.points, 1);
  EXPECT_EQ(item.completed, start_ - absl::Minutes(1));
  EXPECT_EQ(item.raised, start_);
  EXPECT_EQ(item.owner, Therapist("ann"));
  EXPECT_EQ(item.assignee, Therapist("ann"));
  EXPECT_EQ(item.level, 0);
  EXPECT_EQ(item.escalate, start_ + absl::Minutes(15));
  EXPECT_EQ(item.basis, AlertBasis::kStands);
  EXPECT_EQ(item.first_sent, std::nullopt);
  EXPECT_GT(item.revision, 0);
  EXPECT_THAT(item.changes,
              ElementsAre(AlertChange{
                  .time = start_, .kind = AlertChangeKind::kRaised, .assignee = Therapist("ann")}));
  const Alert score = Get(ids[1]);
  EXPECT_EQ(score.kind, AlertKind::kRiskScore);
  EXPECT_EQ(score.points, 21.5);
  EXPECT_EQ(score.item, "");
  EXPECT_EQ(Events("ALERT_RAISED"), 2);
}

TEST_P(AlertsTest, AMeasurementWithoutFindingsWritesNothing) {
  ASSERT_OK_AND_ASSIGN(const auto ids, Raise(Cause(), {}));
  EXPECT_THAT(ids, IsEmpty());
  EXPECT_EQ(Count("alerts"), 0);
  EXPECT_EQ(Count("outbox"), 0);
}

TEST_P(AlertsTest, ALaterZeroClearsNothing) {
  const std::string first = RaiseOne(Q9(2));
  clock_.Advance(absl::Hours(24));
  ASSERT_OK(Raise(Cause("m2"), {}));
  EXPECT_EQ(Get(first).state, AlertState::kOpen);
  EXPECT_EQ(Get(first).basis, AlertBasis::kStands);
}

TEST_P(AlertsTest, ARepeatedAnswerRaisesAnother) {
  const std::string first = RaiseOne(Q9(1));
  clock_.Advance(absl::Hours(24));
  const std::string second = RaiseOne(Q9(1));
  EXPECT_NE(first, second);
  ASSERT_OK_AND_ASSIGN(const auto others, Read([&](AlertReader& reader) {
                         return OtherOpenAlerts(reader, "north", "k1", second);
                       }));
  EXPECT_THAT(others, ElementsAre(first));
}

TEST_P(AlertsTest, AnUnansweredItemIsUnknownAndNotZero) {
  const std::string id = RaiseOne(Q9Unknown());
  EXPECT_EQ(Get(id).kind, AlertKind::kRiskUnknown);
  EXPECT_EQ(Get(id).points, std::nullopt);
  EXPECT_TRUE(Get(id).escalate.has_value());
}

TEST_P(AlertsTest, TheSameAnswerOfOneRevisionIsRaisedOnce) {
  ASSERT_OK(Raise(Cause(), {Q9(1)}));
  // As a second run that found nothing of the first would.
  EXPECT_FALSE(Raise(Cause(), {Q9(1)}).ok());
  EXPECT_EQ(Count("alerts"), 1);
}

TEST_P(AlertsTest, ReviewIsNeverUrgentAndHasOneAlertWhileItIsNotResolved) {
  AlertCause cause = Cause("");
  const AlertFinding amber{
      .kind = AlertKind::kReview, .rule = "slow-start", .rule_version = 3, .signal_level = 1};
  AlertFinding red = amber;
  red.signal_level = 2;
  ASSERT_OK_AND_ASSIGN(const auto first, Raise(cause, {amber}));
  EXPECT_EQ(Get(first[0]).escalate, std::nullopt);
  EXPECT_EQ(Get(first[0]).rule_version, 3);
  ASSERT_OK_AND_ASSIGN(const auto again, Raise(cause, {amber}));
  EXPECT_EQ(again, first);
  ASSERT_OK_AND_ASSIGN(const auto graver, Raise(cause, {red}));
  EXPECT_NE(graver, first);
  ASSERT_OK(Settle(graver[0], ResolutionOutcome::kReviewed));
  ASSERT_OK(Settle(first[0], ResolutionOutcome::kReviewed));
  ASSERT_OK_AND_ASSIGN(const auto later, Raise(cause, {amber}));
  EXPECT_NE(later, first);
  // Taken on, it has no time either.
  ASSERT_OK_AND_ASSIGN(const Alert taken, Ack(later[0]));
  EXPECT_EQ(taken.escalate, std::nullopt);
}

// --------------------------------------------------------------------------------------
// corrections

TEST_P(AlertsTest, ACorrectionRaisesWhatComesToLight) {
  ASSERT_OK(Raise(Cause(), {}));
  ASSERT_OK_AND_ASSIGN(const auto ids, Raise(Cause("m1", 2), {Q9(1)}));
  EXPECT_EQ(Get(ids[0]).measurement_revision, 2);
  EXPECT_EQ(Get(ids[0]).state, AlertState::kOpen);
}

TEST_P(AlertsTest, ACorrectionLeavesTheAlertAndSaysSo) {
  ASSERT_OK_AND_ASSIGN(const auto ids, Raise(Cause(), {Q9(2)}));
  ASSERT_OK(Raise(Cause("m1", 2), {}));
  const Alert alert = Get(ids[0]);
  EXPECT_EQ(alert.state, AlertState::kOpen);
  EXPECT_EQ(alert.basis, AlertBasis::kCorrected);
  EXPECT_EQ(alert.escalate, start_ + absl::Minutes(15));
  EXPECT_THAT(Kinds(alert), ElementsAre(AlertChangeKind::kRaised, AlertChangeKind::kBasisChanged));
  EXPECT_EQ(Events("ALERT_CHANGED"), 1);
  // And back again: the same alert stands.
  ASSERT_OK_AND_ASSIGN(const auto back, Raise(Cause("m1", 3), {Q9(2)}));
  EXPECT_EQ(back, ids);
  EXPECT_EQ(Get(ids[0]).basis, AlertBasis::kStands);
}

TEST_P(AlertsTest, AGraverAnswerRaisesAnotherAndALessGraveOneDoesNot) {
  ASSERT_OK_AND_ASSIGN(const auto ids, Raise(Cause(), {Q9(2)}));
  ASSERT_OK_AND_ASSIGN(const auto less, Raise(Cause("m1", 2), {Q9(1)}));
  EXPECT_EQ(less, ids);
  EXPECT_EQ(Get(ids[0]).basis, AlertBasis::kStands);
  ASSERT_OK_AND_ASSIGN(const auto graver, Raise(Cause("m1", 3), {Q9(3)}));
  EXPECT_NE(graver, ids);
  EXPECT_EQ(Get(graver[0]).points, 3);
  EXPECT_EQ(Get(ids[0]).state, AlertState::kOpen);
}

TEST_P(AlertsTest, FewerPointsAreGraverWhereTheRuleSaysSo) {
  const auto total = [](double points) {
    return AlertFinding{
        .kind = AlertKind::kRiskScore, .rule = "who-5", .points = points, .low_is_grave = true};
  };
  ASSERT_OK_AND_ASSIGN(const auto ids, Raise(Cause(), {total(12)}));
  ASSERT_OK_AND_ASSIGN(const auto more, Raise(Cause("m1", 2), {total(13)}));
  EXPECT_EQ(more, ids);
  ASSERT_OK_AND_ASSIGN(const auto fewer, Raise(Cause("m1", 3), {total(4)}));
  EXPECT_NE(fewer, ids);
}

TEST_P(AlertsTest, AnUnknownThatIsAnsweredRaisesTheAnswer) {
  ASSERT_OK_AND_ASSIGN(const auto unknown, Raise(Cause(), {Q9Unknown()}));
  ASSERT_OK_AND_ASSIGN(const auto known, Raise(Cause("m1", 2), {Q9(1)}));
  EXPECT_NE(known, unknown);
  EXPECT_EQ(Get(unknown[0]).basis, AlertBasis::kCorrected);
  EXPECT_EQ(Get(unknown[0]).state, AlertState::kOpen);
}

TEST_P(AlertsTest, AnAnswerThatComesBackAfterItsAlertWasResolvedIsRaisedAnew) {
  ASSERT_OK_AND_ASSIGN(const auto ids, Raise(Cause(), {Q9(1)}));
  ASSERT_OK(Raise(Cause("m1", 2), {}));
  ASSERT_OK(Settle(ids[0], ResolutionOutcome::kAnswerMistaken));
  ASSERT_OK_AND_ASSIGN(const auto back, Raise(Cause("m1", 3), {Q9(1)}));
  EXPECT_NE(back, ids);
  EXPECT_EQ(Get(ids[0]).state, AlertState::kResolved);
  EXPECT_EQ(Get(ids[0]).basis, AlertBasis::kCorrected);
}

TEST_P(AlertsTest, AnAnswerThatWasDealtWithIsNotRaisedByACorrectionOfAnother) {
  ASSERT_OK_AND_ASSIGN(const auto ids, Raise(Cause(), {Q9(1)}));
  ASSERT_OK(Settle(ids[0]));
  ASSERT_OK_AND_ASSIGN(const auto again, Raise(Cause("m1", 2), {Q9(1)}));
  EXPECT_EQ(again, ids);
  EXPECT_EQ(Get(ids[0]).state, AlertState::kResolved);
}

TEST_P(AlertsTest, AMeasurementTakenBackLeavesItsAlerts) {
  ASSERT_OK_AND_ASSIGN(const auto open, Raise(Cause(), {Q9(1)}));
  const BasisChange change{.clinic_id = "north",
                           .course_id = "k1",
                           .measurement_id = "m1",
                           .basis = AlertBasis::kEnteredInError,
                           .error = 1};
  ASSERT_OK_AND_ASSIGN(const auto left,
                       Write([&](AlertTx& tx) { return ChangeBasis(tx, change, clock_.Now()); }));
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left[0].alert_id, open[0]);
  const Alert alert = Get(open[0]);
  EXPECT_EQ(alert.state, AlertState::kOpen);
  EXPECT_EQ(alert.basis, AlertBasis::kEnteredInError);
  EXPECT_EQ(alert.measurement_error, 1);
  EXPECT_TRUE(alert.escalate.has_value());
  EXPECT_EQ(Events("ALERT_CHANGED"), 1);
  ASSERT_OK(Settle(open[0], ResolutionOutcome::kMeasurementInError));
  ASSERT_OK_AND_ASSIGN(const auto none,
                       Write([&](AlertTx& tx) { return ChangeBasis(tx, change, clock_.Now()); }));
  EXPECT_THAT(none, IsEmpty());
}

TEST_P(AlertsTest, TheStoreItselfKeepsWhatIsNotResolved) {
  const std::string open = RaiseOne();
  EXPECT_FALSE(Sql("DELETE FROM alerts").ok());
  EXPECT_EQ(Count("alerts"), 1);
  // Nor can one lose its time.
  EXPECT_FALSE(Sql("UPDATE alerts SET escalate_us = NULL").ok());
  ASSERT_OK(Settle(open));
  EXPECT_OK(Sql("DELETE FROM alerts"));
}

// ------------------------------------------------------------------------------------- by a person

TEST_P(AlertsTest, AcknowledgingStopsTheEscalationAndBeginsTheTimeToResolve) {
  const std::string id = RaiseOne();
  clock_.Advance(absl::Minutes(3));
  ASSERT_OK_AND_ASSIGN(const Alert taken, Ack(id, Get(id).revision));
  EXPECT_EQ(taken.state, AlertState::kAcknowledged);
  EXPECT_EQ(taken.acknowledged, clock_.Now());
  EXPECT_EQ(taken.acknowledged_by, "dr-jones");
  EXPECT_EQ(taken.escalate, clock_.Now() + absl::Minutes(1440));
  EXPECT_EQ(taken, Get(id));
  EXPECT_THAT(taken.changes.back(), (AlertChange{.time = clock_.Now(),
                                                 .kind = AlertChangeKind::kAcknowledged,
                                                 .caller = "dr-jones",
                                                 .note = "calling now",
                                                 .assignee = Therapist("ann")}));
  // Once more: nothing changes, nothing is told.
  const int64_t told = Events("ALERT_CHANGED");
  ASSERT_OK_AND_ASSIGN(const Alert again, Ack(id));
  EXPECT_EQ(again, taken);
  EXPECT_EQ(Events("ALERT_CHANGED"), told);
}

TEST_P(AlertsTest, ResolveMinutesOfZeroAreNever) {
  AlertRouting routing;
  routing.resolve_minutes = 0;
  State(routing);
  ASSERT_OK_AND_ASSIGN(const Alert taken, Ack(RaiseOne()));
  EXPECT_EQ(taken.escalate, std::nullopt);
}

TEST_P(AlertsTest, ResolvesWithOrWithoutAcknowledgement) {
  const std::string taken = RaiseOne();
  ASSERT_OK(Ack(taken));
  for (const std::string& id : {taken, RaiseOne()}) {
    ASSERT_OK_AND_ASSIGN(const Alert alert,
                         Settle(id, ResolutionOutcome::kCoveredByPlan, "plan of May"));
    EXPECT_EQ(alert.state, AlertState::kResolved);
    EXPECT_EQ(alert.escalate, std::nullopt);
    EXPECT_EQ(alert.resolution, (AlertResolution{.outcome = ResolutionOutcome::kCoveredByPlan,
                                                 .note = "plan of May",
                                                 .time = clock_.Now(),
                                                 .caller = "dr-jones"}));
    EXPECT_EQ(alert, Get(id));
  }
}

TEST_P(AlertsTest, AnOutcomeFitsItsAlert) {
  const std::string item = RaiseOne(Q9(1));
  const std::string unknown = RaiseOne(Q9Unknown());
  EXPECT_THAT(Settle(item, ResolutionOutcome::kUnspecified), HasBadFields("outcome"));
  EXPECT_THAT(Settle(item, ResolutionOutcome::kAsked), HasBadFields("outcome"));
  EXPECT_THAT(Settle(item, ResolutionOutcome::kReviewed), HasBadFields("outcome"));
  EXPECT_THAT(Settle(item, ResolutionOutcome::kOther), HasBadFields("note"));
  EXPECT_EQ(Get(item).state, AlertState::kOpen);
  EXPECT_OK(Settle(unknown, ResolutionOutcome::kAsked));
  EXPECT_OK(Settle(item, ResolutionOutcome::kOther, "as agreed"));
}

TEST_P(AlertsTest, PassesOnByHandToTheNextStepOrToSomebodyNamed) {
  AlertRouting routing;
  routing.steps = {{.after_minutes = 5, .to = Desk("duty")},
                   {.after_minutes = 20, .to = Therapist("lead")}};
  State(routing);
  const std::string id = RaiseOne();
  ASSERT_OK(Ack(id));
  clock_.Advance(absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const Alert next, Pass(id));
  EXPECT_EQ(next.state, AlertState::kEscalated);
  EXPECT_EQ(next.assignee, Desk("duty"));
  EXPECT_EQ(next.owner, Therapist("ann"));
  EXPECT_EQ(next.level, 1);
  EXPECT_EQ(next.escalate, clock_.Now() + absl::Minutes(20));
  EXPECT_EQ(next.acknowledged, std::nullopt);
  EXPECT_EQ(next.acknowledged_by, "");
  EXPECT_EQ(next.changes.back().escalation_reason, EscalationReason::kByHand);
  EXPECT_EQ(next.changes.back().note, "not mine");
  ASSERT_OK_AND_ASSIGN(const Alert named, Pass(id, Therapist("bea")));
  EXPECT_EQ(named.assignee, Therapist("bea"));
  EXPECT_EQ(named.level, 2);
  // The steps go on from where they were.
  ASSERT_OK_AND_ASSIGN(const Alert last, Pass(id));
  EXPECT_EQ(last.assignee, Therapist("lead"));
  ASSERT_OK_AND_ASSIGN(const Alert after_the_last, Pass(id));
  EXPECT_EQ(after_the_last.assignee, Therapist("lead"));
  EXPECT_EQ(after_the_last.level, 4);
}

TEST_P(AlertsTest, ANewOwnerBeginsAnew) {
  const std::string id = RaiseOne();
  ASSERT_OK(Pass(id));
  ASSERT_OK(Ack(id));
  clock_.Advance(absl::Minutes(2));
  ASSERT_OK_AND_ASSIGN(const Alert given, Give(id, Therapist("bea")));
  EXPECT_EQ(given.state, AlertState::kOpen);
  EXPECT_EQ(given.owner, Therapist("bea"));
  EXPECT_EQ(given.assignee, Therapist("bea"));
  EXPECT_EQ(given.level, 0);
  EXPECT_EQ(given.acknowledged, std::nullopt);
  EXPECT_EQ(given.escalate, clock_.Now() + absl::Minutes(15));
  EXPECT_EQ(given.changes.back().kind, AlertChangeKind::kReassigned);
}

TEST_P(AlertsTest, NobodyIsNamedWhomTheClinicDoesNotHave) {
  const std::string id = RaiseOne();
  therapists_.Add("ann");
  EXPECT_THAT(Give(id, Therapist("nobody")), HasBadFields("owner.therapist"));
  EXPECT_THAT(Pass(id, Therapist("nobody")), HasBadFields("to.therapist"));
  EXPECT_THAT(Give(id, Desk("No Desk")), HasBadFields("owner.desk"));
  // Where the copy is behind, they may be new.
  therapists_.current = false;
  ASSERT_OK_AND_ASSIGN(const Alert given, Give(id, Therapist("nobody")));
  EXPECT_EQ(given.owner, Therapist("nobody"));
  EXPECT_EQ(given.assignee, Desk("duty"));  // whoever covers, meanwhile
}

TEST_P(AlertsTest, ReopeningUndoesAResolution) {
  const std::string id = RaiseOne();
  ASSERT_OK(Pass(id, Desk("crisis")));
  ASSERT_OK(Settle(id));
  clock_.Advance(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const Alert alert, Undo(id));
  EXPECT_EQ(alert.state, AlertState::kOpen);
  EXPECT_EQ(alert.resolution, std::nullopt);
  EXPECT_EQ(alert.assignee, Therapist("ann"));
  EXPECT_EQ(alert.escalate, clock_.Now() + absl::Minutes(15));
  EXPECT_EQ(alert, Get(id));
  EXPECT_THAT(Kinds(alert), ElementsAre(AlertChangeKind::kRaised, AlertChangeKind::kEscalated,
                                        AlertChangeKind::kResolved, AlertChangeKind::kReopened));
}

TEST_P(AlertsTest, WhatTheStateDoesNotAllowIsRefusedAndChangesNothing) {
  const std::string open = RaiseOne();
  EXPECT_THAT(Undo(open), FailsWith(kRefused, reason::kAlertState));
  const std::string resolved = RaiseOne();
  ASSERT_OK(Settle(resolved));
  const Alert before = Get(resolved);
  EXPECT_THAT(Ack(resolved), FailsWith(kRefused, reason::kAlertState));
  EXPECT_THAT(Settle(resolved), FailsWith(kRefused, reason::kAlertState));
  EXPECT_THAT(Pass(resolved), FailsWith(kRefused, reason::kAlertState));
  const auto given = Give(resolved, Therapist("bea"));
  EXPECT_THAT(given, FailsWith(kRefused, reason::kAlertState));
  EXPECT_EQ(ErrorMetadataOf(given.status()).at("state"), "RESOLVED");
  EXPECT_EQ(Get(resolved), before);
}

TEST_P(AlertsTest, AnOldEtagIsRefusedFirst) {
  const std::string id = RaiseOne();
  const int64_t old = Get(id).revision;
  ASSERT_OK(Pass(id));
  const auto mismatch = FailsWith(absl::StatusCode::kAborted, ::ipt::reason::kEtagMismatch);
  EXPECT_THAT(Ack(id, old), mismatch);
  EXPECT_THAT(Settle(id, ResolutionOutcome::kAsked, "", old), mismatch);
  EXPECT_THAT(Pass(id, {}, old), mismatch);
  EXPECT_THAT(Give(id, Therapist("bea"), old), mismatch);
  EXPECT_THAT(Undo(id, old), mismatch);
  EXPECT_THAT(Ack(id, -1), mismatch);
}

TEST_P(AlertsTest, AnAlertOfAnotherCourseIsNotFound) {
  const std::string id = RaiseOne();
  AlertRef ref = Ref(id);
  ref.course_id = "k2";
  EXPECT_THAT(
      Write([&](AlertTx& tx) { return Acknowledge(tx, ref, "dr-jones", "", clock_.Now()); }),
      StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(AlertsTest, TheFirstChangeAndTheLastOnesAreKept) {
  const std::string id = RaiseOne();
  for (int i = 0; i < 120; ++i) {
    ASSERT_OK(Write([&](AlertTx& tx) {
      return EscalateByHand(tx, Ref(id), Desk("d"), "dr-jones", absl::StrCat(i), clock_.Now());
    }));
  }
  const Alert alert = Get(id);
  ASSERT_THAT(alert.changes, SizeIs(100));
  EXPECT_EQ(alert.changes.front().kind, AlertChangeKind::kRaised);
  EXPECT_EQ(alert.changes[1].note, "21");
  EXPECT_EQ(alert.changes.back().note, "119");
}

// -------------------------------------------------------------------------------------
// verification

TEST_P(AlertsTest, WhatWasNotKnownIsMadeUpFor) {
  AlertCause cause = Cause("m1", 1, "");
  cause.patient.reset();
  cause.unverified = {1, 5};
  ASSERT_OK_AND_ASSIGN(const auto ids, Raise(cause, {Q9(1)}));
  const Alert before = Get(ids[0]);
  EXPECT_EQ(before.owner, Desk("duty"));
  EXPECT_EQ(before.patient, std::nullopt);
  EXPECT_THAT(before.unverified, ElementsAre(1, 5));
  clock_.Advance(absl::Minutes(4));
  ASSERT_OK(Write([&](AlertTx& tx) { return VerifyAlerts(tx, Cause(), clock_.Now()); }));
  const Alert after = Get(ids[0]);
  EXPECT_EQ(after.owner, Therapist("ann"));
  EXPECT_EQ(after.assignee, Therapist("ann"));
  EXPECT_EQ(after.patient, (AlertPatient{"urn:mrn", "4711"}));
  EXPECT_THAT(after.unverified, IsEmpty());
  EXPECT_EQ(after.escalate, before.escalate);  // its time runs on
  EXPECT_EQ(after.changes.back().kind, AlertChangeKind::kVerified);
  // Once more: there is nothing new.
  ASSERT_OK(Write([&](AlertTx& tx) { return VerifyAlerts(tx, Cause(), clock_.Now()); }));
  EXPECT_EQ(Get(ids[0]), after);
}

TEST_P(AlertsTest, MakingUpForItTakesNoAlertFromWhoHasIt) {
  const std::string taken = RaiseOne(Q9(1), "");
  const std::string passed = RaiseOne(Q9(1), "");
  const std::string given = RaiseOne(Q9(1), "");
  ASSERT_OK(Ack(taken));
  ASSERT_OK(Pass(passed, Desk("crisis")));
  ASSERT_OK(Give(given, Desk("crisis")));
  AlertCause cause = Cause("");
  ASSERT_OK(Write([&](AlertTx& tx) { return VerifyAlerts(tx, cause, clock_.Now()); }));
  EXPECT_EQ(Get(taken).assignee, Desk("duty"));
  EXPECT_EQ(Get(taken).state, AlertState::kAcknowledged);
  EXPECT_EQ(Get(passed).assignee, Desk("crisis"));
  EXPECT_EQ(Get(given).owner, Desk("crisis"));
  EXPECT_EQ(Get(given).therapist_id, "ann");
}

TEST_P(AlertsTest, ATransferTakesTheAlertsAlong) {
  const std::string open = RaiseOne();
  const std::string taken = RaiseOne();
  const std::string covered = RaiseOne();
  const std::string resolved = RaiseOne();
  ASSERT_OK(Ack(taken));
  ASSERT_OK(Pass(covered, Desk("duty")));
  ASSERT_OK(Settle(resolved));
  ASSERT_OK(Write(
      [&](AlertTx& tx) { return TransferAlerts(tx, "north", "k1", "ann", "bea", clock_.Now()); }));
  for (const std::string& id : {open, taken}) {
    const Alert alert = Get(id);
    EXPECT_EQ(alert.owner, Therapist("bea"));
    EXPECT_EQ(alert.assignee, Therapist("bea"));
    EXPECT_EQ(alert.state, AlertState::kEscalated);
    EXPECT_EQ(alert.changes.back().escalation_reason, EscalationReason::kTransferred);
    EXPECT_EQ(alert.escalate, start_ + absl::Minutes(15));
  }
  EXPECT_EQ(Get(covered).owner, Therapist("bea"));
  EXPECT_EQ(Get(covered).assignee, Desk("duty"));
  EXPECT_EQ(Get(resolved).owner, Therapist("ann"));
}

TEST_P(AlertsTest, WhoeverHasTheCourseHasItsAlerts) {
  const std::string nobodys = RaiseOne(Q9(1), "");
  const std::string former = RaiseOne();
  const std::string resolved = RaiseOne();
  ASSERT_OK(Settle(resolved));
  const auto follow = [&](const char* course) {
    return Write(
        [&](AlertTx& tx) { return FollowCourse(tx, "north", course, "bea", clock_.Now()); });
  };
  ASSERT_OK(follow("another"));
  EXPECT_EQ(Get(former).owner, Therapist("ann"));
  ASSERT_OK(follow("k1"));
  EXPECT_EQ(Get(nobodys).therapist_id, "bea");
  EXPECT_EQ(Get(nobodys).assignee, Therapist("bea"));
  EXPECT_EQ(Get(nobodys).state, AlertState::kOpen);
  EXPECT_EQ(Get(nobodys).changes.back().kind, AlertChangeKind::kVerified);
  EXPECT_EQ(Get(former).assignee, Therapist("bea"));
  EXPECT_EQ(Get(former).changes.back().escalation_reason, EscalationReason::kTransferred);
  EXPECT_EQ(Get(resolved).owner, Therapist("ann"));
  const Alert before[] = {Get(nobodys), Get(former)};
  ASSERT_OK(follow("k1"));  // told again, as every event of the course does
  EXPECT_EQ(Get(nobodys), before[0]);
  EXPECT_EQ(Get(former), before[1]);
}

// --------------------------------------------------------------------------------------- the store

TEST_P(AlertsTest, ListsByRaiseAndFilters) {
  const std::string a = RaiseOne(Q9(1));
  clock_.Advance(absl::Minutes(1));
  const std::string b = RaiseOne(Q9Unknown(), "bea");
  clock_.Advance(absl::Minutes(1));
  const std::string c = RaiseOne(Q9(3));
  ASSERT_OK(Settle(a));
  const auto list = [&](const AlertFilter& filter,
                        const std::optional<AlertCursor>& after = std::nullopt, int limit = 10) {
    std::vector<std::string> ids;
    const auto alerts =
        Read([&](AlertReader& reader) { return reader.ListAlerts("north", filter, after, limit); });
    EXPECT_OK(alerts);
    for (const Alert& alert : alerts.value_or(std::vector<Alert>())) ids.push_back(alert.alert_id);
    return ids;
  };
  const std::vector<AlertState> all = {AlertState::kOpen, AlertState::kResolved};
  EXPECT_THAT(list({}), ElementsAre(b, c));
  EXPECT_THAT(list({.states = all}), ElementsAre(a, b, c));
  EXPECT_THAT(list({.states = all}, AlertCursor{start_, a}, 1), ElementsAre(b));
  EXPECT_THAT(list({.kinds = {AlertKind::kRiskUnknown}}), ElementsAre(b));
  EXPECT_THAT(list({.assignees = {Therapist("ann"), Desk("x")}}), ElementsAre(c));
  EXPECT_THAT(list({.states = all, .raised_from = start_ + absl::Minutes(1)}), ElementsAre(b, c));
  EXPECT_THAT(list({.states = all, .raised_before = start_ + absl::Minutes(1)}), ElementsAre(a));
  EXPECT_THAT(list({.measurement_id = Get(c).measurement_id}), ElementsAre(c));
  EXPECT_THAT(list({.course_id = "k2"}), IsEmpty());
}

TEST_P(AlertsTest, BeingSentMovesNoRevisionAndOnlyTheFirstTimeCounts) {
  const std::string id = RaiseOne();
  const Alert before = Get(id);
  const auto sent = [&] {
    return Write([&](AlertTx& tx) { return tx.NoteSent("north", {id}, clock_.Now()); });
  };
  clock_.Advance(absl::Seconds(1));
  ASSERT_OK(sent());
  clock_.Advance(absl::Seconds(9));
  ASSERT_OK(sent());
  Alert after = Get(id);
  EXPECT_EQ(after.first_sent, start_ + absl::Seconds(1));
  // A change by whoever read it before does not take that back.
  ASSERT_OK(Ack(id, before.revision));
  EXPECT_EQ(Get(id).first_sent, start_ + absl::Seconds(1));
}

TEST_P(AlertsTest, CountsWhatWaits) {
  const std::string first = RaiseOne();
  clock_.Advance(absl::Minutes(7));
  const std::string second = RaiseOne();
  const std::string taken = RaiseOne();
  RaiseOne({.kind = AlertKind::kReview, .rule = "midpoint"});
  ASSERT_OK(Settle(RaiseOne()));
  ASSERT_OK(Ack(taken));
  ASSERT_OK(Pass(second));
  ASSERT_OK(Write([&](AlertTx& tx) { return tx.NoteSent("north", {first}, clock_.Now()); }));
  for (const char* clinic : {"north", ""}) {
    ASSERT_OK_AND_ASSIGN(const AlertCounts counts,
                         Read([&](AlertReader& reader) { return reader.CountAlerts(clinic); }));
    EXPECT_EQ(counts.unacknowledged, 2);
    EXPECT_EQ(counts.oldest_unacknowledged, start_);
    EXPECT_EQ(counts.unsent, 1);
    EXPECT_EQ(counts.unresolved, 1);
  }
  ASSERT_OK_AND_ASSIGN(const AlertCounts none,
                       Read([&](AlertReader& reader) { return reader.CountAlerts("south"); }));
  EXPECT_EQ(none.unacknowledged, 0);
  EXPECT_EQ(none.oldest_unacknowledged, std::nullopt);
}

}  // namespace
}  // namespace ipt::outcomes
