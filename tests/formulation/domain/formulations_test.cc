#include "formulation/domain/formulations.h"

#include <string>
#include <utility>
#include <vector>

#include "formulation/domain/course_access.h"
#include "formulation/domain/reasons.h"
#include "tests/formulation/formulation_fixture.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FormulationsTest : public FormulationTest {
 protected:
  AgreeCommand Agreeing() {
    return {.if_revision = PendingRevision(),
            .agreed_on = DayOfSession(4),
            .agreed_by = AgreementParty::kPatient,
            .mode = AgreementMode::kInSession,
            .session_id = "s4"};
  }
  absl::StatusOr<CourseFormulation> Agree(const AgreeCommand& command) {
    return AgreeFormulation(tx_, ctx_, course_, Present(), command);
  }
};

TEST_F(FormulationsTest, TheFirstSaveMakesTheDraftAndTellsOfIt) {
  const auto saved = Save(Complete());
  ASSERT_THAT(saved, IsOk());
  EXPECT_FALSE(saved->conflict.has_value());
  EXPECT_EQ(saved->formulation, Present());
  EXPECT_EQ(Present().pending->content, Complete());
  EXPECT_EQ(Present().pending->caller, "ana@north");
  EXPECT_EQ(Present().state(), FormulationState::kDraft);
  const DraftChanged& told = tx_.Last<DraftChanged>();
  EXPECT_EQ(told.state, FormulationState::kDraft);
  EXPECT_EQ(told.number, 0);
  EXPECT_FALSE(told.focus.has_value());
}

TEST_F(FormulationsTest, ASaveOverAnotherOnesIsAnsweredWithBothAndWritesNothing) {
  Must(Save(Complete()));
  const int64_t base = PendingRevision();
  FormulationContent theirs = Complete();
  theirs.patient_narrative = "Theirs.";
  Must(Save(theirs));
  const CourseFormulation before = Present();
  tx_.events.clear();
  FormulationContent mine = Complete();
  mine.patient_narrative = "Mine.";
  for (const int64_t stale : {base, int64_t{0}, int64_t{-1}}) {
    const auto answer = SaveDraft(tx_, ctx_, ids_, ShippedSet(), course_, Present(), {stale, mine});
    ASSERT_THAT(answer, IsOk());
    ASSERT_TRUE(answer->conflict.has_value());
    EXPECT_EQ(answer->conflict->mine, mine);
    EXPECT_EQ(answer->conflict->theirs, *before.pending);
    EXPECT_THAT(answer->conflict->differences,
                ElementsAre(FieldChange{"patient_narrative", FieldChangeKind::kChanged, "Theirs.",
                                        "Mine."}));
  }
  EXPECT_EQ(Present(), before);
  EXPECT_THAT(tx_.events, IsEmpty());
}

TEST_F(FormulationsTest, ASaveToADraftThatIsGoneIsRefused) {
  Must(Save(Complete()));
  const int64_t base = PendingRevision();
  Must(Discard());
  EXPECT_THAT(SaveDraft(tx_, ctx_, ids_, ShippedSet(), course_, Present(), {base, Complete()}),
              StatusIs(absl::StatusCode::kAborted));
}

TEST_F(FormulationsTest, LinksAreGivenIdsThatStay) {
  FormulationContent content = Complete();
  content.links.push_back({.explanation = "More."});
  Must(Save(content));
  EXPECT_EQ(Present().pending->content.links[0].id, "l1");
  EXPECT_EQ(Present().pending->content.links[1].id, "new-1");
}

TEST_F(FormulationsTest, TheFocusIsBoundedByProtocolAndPolicy) {
  FormulationContent content = Complete();
  content.focus.push_back({"mourning", "Both."});
  EXPECT_THAT(Save(content), IsOk());
  FormulationPolicy policy{.clinic_id = "north", .max_focus_areas = 1};
  Must(tx_.PutPolicy(policy, ctx_.now));
  EXPECT_THAT(Save(content), HasBadFields("content.focus"));
  EXPECT_EQ(Present().pending->content.focus.size(), 2u);
}

TEST_F(FormulationsTest, WhatCouldNotBeSavedAnyMoreIsNotProposed) {
  FormulationContent content = Complete();
  content.focus.push_back({"mourning", "Both."});
  content.goal_ids.push_back("g-mourning");
  Must(Save(content));
  FormulationPolicy policy{.clinic_id = "north", .max_focus_areas = 1};
  Must(tx_.PutPolicy(policy, ctx_.now));
  EXPECT_THAT(Propose(), HasBadFields("content.focus"));
  policy.max_focus_areas = 2;
  Must(tx_.PutPolicy(policy, ctx_.now));
  const LifeEvent before = *tx_.GetLifeEvent("north", "k1", "fall");
  LifeEvent after = before;
  after.kind = LifeEventKind::kOther;
  Must(ChangeLifeEvent(tx_, ctx_, before, after, 0));
  EXPECT_THAT(Propose(), HasBadFields("content.links[0].symptom_event"));
  EXPECT_EQ(Present().state(), FormulationState::kDraft);
  Must(ChangeLifeEvent(tx_, ctx_, after, before, 0));
  EXPECT_THAT(Propose(), IsOk());
}

TEST_F(FormulationsTest, WithdrawingNeedsAReason) {
  Must(Save(Complete()));
  Must(Propose());
  for (const std::string& reason : {std::string(), std::string(257, 'x')}) {
    EXPECT_THAT(WithdrawProposal(tx_, ctx_, Present(), PendingRevision(), reason),
                HasBadFields("reason"));
  }
  EXPECT_THAT(WithdrawProposal(tx_, ctx_, Present(), PendingRevision(), std::string(256, 'x')),
              IsOk());
  EXPECT_EQ(tx_.Last<ProposalWithdrawn>().number, 1);
}

TEST_F(FormulationsTest, AnAgreementSaysWhenWhoHowAndInWhichSession) {
  Must(Save(Complete()));
  Must(Propose());
  EXPECT_THAT(Agree({.if_revision = PendingRevision()}),
              HasBadFields("agreed_on", "agreed_by", "mode"));
  AgreeCommand command = Agreeing();
  command.agreed_on = DayOfSession(8) + 2;  // tomorrow
  command.mode = AgreementMode::kByTelephone;
  EXPECT_THAT(Agree(command), HasBadFields("agreed_on", "session"));
  command = Agreeing();
  command.session_id = "nowhere";
  EXPECT_THAT(Agree(command), StatusIs(absl::StatusCode::kNotFound));
  const auto agreed = Agree(Agreeing());
  ASSERT_THAT(agreed, IsOk());
  EXPECT_EQ(*agreed->current->agreement, (Agreement{.agreed_on = DayOfSession(4),
                                                    .agreed_by = AgreementParty::kPatient,
                                                    .mode = AgreementMode::kInSession,
                                                    .session_id = "s4",
                                                    .session_number = 4,
                                                    .record_time = ctx_.now,
                                                    .caller = "ana@north"}));
  const FormulationAgreed& told = tx_.Last<FormulationAgreed>();
  EXPECT_EQ(told.number, 1);
  EXPECT_EQ(told.state, FormulationState::kAgreed);
  EXPECT_EQ(told.focus->primary_kind, ProblemAreaKind::kRoleDispute);
}

TEST_F(FormulationsTest, ASessionThatWasNotHeldIsNoneToAgreeIn) {
  Must(Save(Complete()));
  Must(Propose());
  AgreeCommand command = Agreeing();
  command.session_id = "s9";  // booked for next week
  auto refused = Agree(command);
  EXPECT_THAT(refused, FailsWith(kPrecondition, reason::kSessionNotHeld));
  EXPECT_EQ(ErrorMetadataOf(refused.status())["state"], "BOOKED");
  for (const auto& [state, name] : std::vector<std::pair<courses::CopiedSessionState, std::string>>{
           {courses::CopiedSessionState::kNoShow, "NO_SHOW"},
           {courses::CopiedSessionState::kCancelled, "CANCELLED"}}) {
    course_.sessions[3].state = state;
    refused = Agree(Agreeing());
    EXPECT_THAT(refused, FailsWith(kPrecondition, reason::kSessionNotHeld));
    EXPECT_EQ(ErrorMetadataOf(refused.status())["state"], name);
  }
  // Attendance need not be recorded yet.
  course_.sessions[3].state = courses::CopiedSessionState::kBooked;
  EXPECT_THAT(Agree(Agreeing()), IsOk());
}

TEST_F(FormulationsTest, NothingIsAgreedBeforeTheCurrentOneWas) {
  AgreeOn(Complete(), DayOfSession(5));
  Must(Revise());
  Must(Propose());
  AgreeCommand command = Agreeing();
  EXPECT_THAT(Agree(command), HasBadFields("agreed_on"));
  command.agreed_on = DayOfSession(5);
  EXPECT_THAT(Agree(command), IsOk());
}

TEST_F(FormulationsTest, ARevisionNeedsItsReason) {
  AgreeOn(Complete());
  const auto revise = [&](RevisionReason reason, const std::string& text) {
    return ReviseFormulation(tx_, ctx_, Present(), Present().current->stamp.revision, reason, text);
  };
  EXPECT_THAT(revise(RevisionReason::kUnspecified, ""), HasBadFields("reason"));
  EXPECT_THAT(revise(RevisionReason::kOther, " "), HasBadFields("reason_text"));
  EXPECT_THAT(revise(RevisionReason::kOther, "We moved."), IsOk());
  EXPECT_EQ(Present().pending->reason_text, "We moved.");
  EXPECT_EQ(tx_.Last<DraftChanged>().focus->primary_kind, ProblemAreaKind::kRoleDispute);
}

TEST_F(FormulationsTest, ADraftIsComparedByWhatItsNamesStandForNow) {
  AgreeOn(Complete());
  Must(Revise());
  Goal goal = *tx_.GetGoal("north", "k1", "g-row");
  goal.description = "To talk";
  Must(tx_.UpdateGoal(goal, ctx_.now));
  EXPECT_THAT(DiffRevisions(*Present().current, *Present().pending, Ground()),
              ElementsAre(FieldChange{"snapshot.goals[g-row].description",
                                      FieldChangeKind::kChanged, "To reach g-row", "To talk"}));
}

// ------------------------------------------------------------------------------------- the course

TEST_F(FormulationsTest, WritesNeedACourseThatSchedulingConfirms) {
  courses::CourseAnswer answer{.known = courses::CourseAnswer::Known::kVerified, .course = course_};
  ASSERT_THAT(CourseToWrite(answer, "north", "k1"), IsOk());
  EXPECT_EQ(*CourseToWrite(answer, "north", "k1"), &*answer.course);
  answer.known = courses::CourseAnswer::Known::kNotVerified;
  const auto away = CourseToWrite(answer, "north", "k1");
  EXPECT_THAT(away, FailsWith(absl::StatusCode::kUnavailable, reason::kPeerUnavailable));
  EXPECT_GT(RetryDelayOf(away.status()), absl::ZeroDuration());
  EXPECT_THAT(CourseToRead(answer, "north", "k1"), IsOk());
  answer.course.reset();
  EXPECT_THAT(CourseToRead(answer, "north", "k1"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(RefuseAbsent(answer, "north", "k1"), IsOk());
  answer.known = courses::CourseAnswer::Known::kAbsent;
  for (const absl::Status& status :
       {CourseToWrite(answer, "north", "k1").status(), RefuseAbsent(answer, "north", "k1"),
        CourseToRead(answer, "north", "k1").status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  }
}

}  // namespace
}  // namespace ipt::formulation
