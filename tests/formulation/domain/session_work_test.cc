#include "formulation/domain/session_work.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "formulation/domain/policy.h"
#include "formulation/domain/reasons.h"
#include "formulation/domain/session_guide.h"
#include "tests/formulation/formulation_fixture.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class SessionWorkTest : public FormulationTest {
 protected:
  SessionWorkTest()
      : protocol_(*ShippedSet().Find("ipt-uk-16--ipt-uk")),
        dispute_(*protocol_.FindArea("ROLE_DISPUTE")) {}

  SessionWork Get(const std::string& session) {
    return *tx_.GetSessionWork("north", "k1", session);
  }
  absl::StatusOr<SessionWork> Record(const std::string& session, SessionWork work,
                                     int64_t if_revision = 0) {
    return RecordSessionWork(tx_, ctx_, ShippedSet(), course_, Get(session), std::move(work),
                             if_revision);
  }
  SessionGuide Guide(const std::string& session) { return Guide(session, protocol_); }
  SessionGuide Guide(const std::string& session, const Protocol& protocol) {
    records_ = (*tx_.ListCourseRecords("north", {"k1"}))[0];
    areas_ = *tx_.ListProblemAreas("north", "k1");
    const CourseView view = *CourseView::Of(course_, protocol);
    return GuideFor({view, records_, protocol, policy_}, areas_, *course_.FindSession(session),
                    ctx_.now);
  }
  static std::vector<std::string> TasksOf(const SessionGuide& guide) {
    std::vector<std::string> codes;
    for (const TaskProgress& task : guide.tasks) codes.push_back(task.task->code);
    return codes;
  }

  const Protocol& protocol_;
  const Area& dispute_;
  FormulationPolicy policy_;
  CourseRecords records_;
  std::vector<ProblemArea> areas_;
};

TEST_F(SessionWorkTest, CodesAreThoseOfTheCoursesProtocolEachOnce) {
  const std::string technique = protocol_.techniques[0].code;
  const std::string strategy = dispute_.strategies[0].code;
  SessionWork work;
  work.tasks = {{"TIMELINE", TaskWorkState::kDone, ""},
                {"TIMELINE", TaskWorkState::kBegun, ""},
                {"NO_SUCH", TaskWorkState::kUnspecified, ""}};
  work.focus_work = {{"row", {strategy, strategy, "NO_SUCH"}, ""},
                     {"row", {}, ""},
                     {"nowhere", {"NO_SUCH"}, ""},
                     {"mourning", {strategy}, ""}};
  work.techniques = {technique, technique, "SOCIAL_RHYTHM"};
  EXPECT_THAT(
      Record("s5", work),
      HasBadFields(
          "session_work.tasks[1].task", "session_work.tasks[2].task", "session_work.tasks[2].state",
          "session_work.focus_work[0].strategies[1]", "session_work.focus_work[0].strategies[2]",
          "session_work.focus_work[1].problem_area", "session_work.focus_work[2].problem_area",
          "session_work.focus_work[3].strategies[0]", "session_work.techniques[1]",
          "session_work.techniques[2]"));
  EXPECT_EQ(Get("s5").stamp.revision, 0);
}

TEST_F(SessionWorkTest, CodesThatWereRecordedMayStay) {
  SessionWork held = Get("s5");
  held.tasks = {{"FORMER", TaskWorkState::kDone, ""}};
  held.focus_work = {{"row", {"FORMER"}, ""}};
  held.techniques = {"FORMER"};
  Must(tx_.PutSessionWork(held, ctx_.now));
  SessionWork after = Get("s5");
  after.process_notes = "More.";
  EXPECT_THAT(Record("s5", after), IsOk());
  EXPECT_THAT(Record("s6", after),
              HasBadFields("session_work.tasks[0].task", "session_work.focus_work[0].strategies[0]",
                           "session_work.techniques[0]"));
}

TEST_F(SessionWorkTest, AllTextsTogetherAreBounded) {
  SessionWork work;
  work.process_notes = std::string(8000, 'x');
  work.mood_and_events = work.tryouts_agreed = std::string(4000, 'x');
  EXPECT_THAT(Record("s5", work), IsOk());
  work.tryouts_reviewed = "x";
  EXPECT_THAT(Record("s5", work), HasBadFields("session_work"));
}

TEST_F(SessionWorkTest, OnlyASessionThatWasHeldHasWork) {
  EXPECT_THAT(Record("s9", {}), FailsWith(kPrecondition, reason::kSessionNotHeld));
  EXPECT_THAT(Record("nowhere", {}), StatusIs(absl::StatusCode::kNotFound));
  course_.sessions[4].state = courses::CopiedSessionState::kNoShow;
  EXPECT_THAT(Record("s5", {}), FailsWith(kPrecondition, reason::kSessionNotHeld));
  course_.sessions[4].state = courses::CopiedSessionState::kBooked;
  EXPECT_THAT(Record("s5", {}), IsOk());
}

TEST_F(SessionWorkTest, TheFirstRecordIsToldAsSuchAndAStaleEtagIsRefused) {
  const auto first = Record("s5", {.mood_and_events = "Low."});
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->caller, "ana@north");
  EXPECT_TRUE(tx_.Last<SessionWorkChanged>().first);
  EXPECT_EQ(tx_.Last<SessionWorkChanged>().id, "s5");
  const auto second = Record("s5", {.mood_and_events = "Better."}, first->stamp.revision);
  ASSERT_THAT(second, IsOk());
  EXPECT_FALSE(tx_.Last<SessionWorkChanged>().first);
  EXPECT_THAT(Record("s5", {}, first->stamp.revision), StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(Get("s5").mood_and_events, "Better.");
}

TEST_F(SessionWorkTest, AnEndingHasContactsWithNamesAndBoundedTexts) {
  const Termination none = *tx_.GetTermination("north", "k1");
  Termination ending;
  ending.contacts = {{"GP practice", ""}, {" ", "Call them."}};
  EXPECT_THAT(UpdateTermination(tx_, ctx_, none, ending, 0),
              HasBadFields("termination.contacts[1].display_name"));
  ending.contacts.clear();
  ending.plan_steps = std::vector<std::string>(64, std::string(500, 'x'));
  const auto written = UpdateTermination(tx_, ctx_, none, ending, 0);
  ASSERT_THAT(written, IsOk());
  EXPECT_EQ(tx_.Told<TerminationChanged>(), 1);
  ending.gains = "x";
  EXPECT_THAT(UpdateTermination(tx_, ctx_, *written, ending, 0), HasBadFields("termination"));
  EXPECT_THAT(UpdateTermination(tx_, ctx_, *written, {}, written->stamp.revision + 1),
              StatusIs(absl::StatusCode::kAborted));
}

TEST_F(SessionWorkTest, TheEndingWasRaisedInTheFirstSessionThatSaysSo) {
  const CourseView view = *CourseView::Of(course_, protocol_);
  CourseRecords records;
  const CourseFacts facts{view, records, protocol_, policy_};
  EXPECT_EQ(WhenRaised(facts), EndingRaised());
  records.work = {{.session_id = "s8", .tasks = {{"TERMINATION_RAISED", TaskWorkState::kDone}}},
                  {.session_id = "s7", .tasks = {{"TERMINATION_RAISED", TaskWorkState::kDone}}},
                  {.session_id = "s6", .tasks = {{"TERMINATION_RAISED", TaskWorkState::kBegun}}}};
  EXPECT_EQ(WhenRaised(facts), (EndingRaised{"s7", 9}));
}

// -------------------------------------------------------------------------------------- the guide

TEST_F(SessionWorkTest, AGuideSaysWhereTheCourseIs) {
  course_.deadline_day = absl::CivilDay(2026, 4, 26);
  EXPECT_EQ(Guide("s9").standing, (CourseStanding{.session_number = 9,
                                                  .planned_sessions = 16,
                                                  .sessions_left = 7,
                                                  .week_number = 9,
                                                  .duration_weeks = 16,
                                                  .phase = Phase::kMiddle,
                                                  .mid_course_session = 8,
                                                  .termination_session = 13,
                                                  .deadline_day = absl::CivilDay(2026, 4, 26)}));
}

TEST_F(SessionWorkTest, AGuideListsTasksOfEachSessionThenOverdueThenOpenOnes) {
  const SessionGuide guide = Guide("s9");
  EXPECT_THAT(TasksOf(guide),
              ElementsAre("MOOD_REVIEW", "FOCUS_WORK", "RISK_ASSESSMENT", "SYMPTOM_REVIEW",
                          "DIAGNOSIS", "MEDICATION_REVIEW", "PSYCHOEDUCATION", "SICK_ROLE",
                          "TIMELINE", "INTERPERSONAL_INVENTORY", "FOCUS_SELECTION", "FORMULATION",
                          "GOALS", "CONTRACT", "MIDPOINT_REVIEW"));
  EXPECT_EQ(guide.tasks[2].state, TaskState::kOverdue);
  // In the second session what is due by the fourth is open, and nothing overdue.
  for (const TaskProgress& task : Guide("s2").tasks) {
    EXPECT_EQ(task.state, TaskState::kOpen) << task.task->code;
  }
  EXPECT_THAT(TasksOf(Guide("s2")), Not(::testing::Contains("MOOD_REVIEW")));
}

TEST_F(SessionWorkTest, WhatIsDoneIsNotAskedForAgainBesideInTheSessionItself) {
  SessionWork work;
  work.tasks = {{"TIMELINE", TaskWorkState::kDone, ""}};
  Must(Record("s3", work));
  EXPECT_THAT(TasksOf(Guide("s4")), Not(::testing::Contains("TIMELINE")));
  EXPECT_THAT(TasksOf(Guide("s3")), ::testing::Contains("TIMELINE"));
  EXPECT_TRUE(Guide("s3").work_recorded);
  EXPECT_FALSE(Guide("s4").work_recorded);
}

TEST_F(SessionWorkTest, OpenTasksComeByWhenTheyAreDue) {
  course_ = CourseOf("ipt-uk-16", 12);
  AgreeOn(Complete());
  const SessionGuide guide = Guide("s13");
  int due = 0;
  std::vector<std::string> open;
  for (const TaskProgress& task : guide.tasks) {
    if (task.state != TaskState::kOpen || task.of_each_session()) continue;
    open.push_back(task.task->code);
    EXPECT_GE(task.due_session_number, due);
    due = task.due_session_number;
  }
  EXPECT_EQ(open.front(), "TERMINATION_RAISED");
  EXPECT_EQ(open.size(), 5u);
}

TEST_F(SessionWorkTest, WithoutAgreementThereIsNoFocus) {
  EXPECT_THAT(Guide("s9").focus, IsEmpty());
  Must(Save(Complete()));
  EXPECT_THAT(Guide("s9").focus, IsEmpty());
}

TEST_F(SessionWorkTest, AFocusOffersTheStagesStrategiesFirst) {
  AgreeOn(Complete());
  const std::vector<const Strategy*> any = dispute_.StrategiesIn(Phase::kMiddle);
  GuideFocus focus = Guide("s9").focus.at(0);
  EXPECT_EQ(focus.kind_display_name, dispute_.name);
  EXPECT_EQ(focus.strategies.size(), any.size());
  ProblemArea row = *tx_.GetProblemArea("north", "k1", "row");
  row.role_dispute = RoleDisputeDetail{.stage = DisputeStage::kImpasse};
  Must(tx_.UpdateProblemArea(row, ctx_.now));
  focus = Guide("s9").focus.at(0);
  EXPECT_EQ(focus.dispute_stage, DisputeStage::kImpasse);
  EXPECT_LT(focus.strategies.size(), any.size());
  EXPECT_THAT(focus.strategies[0].strategy->stages, ::testing::Contains("IMPASSE"));
  EXPECT_EQ(focus.questions, dispute_.QuestionsIn(Phase::kMiddle, "IMPASSE"));
  EXPECT_EQ(focus.techniques, dispute_.TechniquesIn(Phase::kMiddle, "IMPASSE"));
}

TEST_F(SessionWorkTest, EarlierWorkOnAFocusIsCounted) {
  AgreeOn(Complete());
  const std::string strategy = dispute_.StrategiesIn(Phase::kMiddle)[0]->code;
  for (const char* session : {"s5", "s7"}) {
    SessionWork work;
    work.focus_work = {{"row", {strategy}, ""}};
    Must(Record(session, work));
  }
  EXPECT_EQ(Guide("s9").focus[0].strategies[0].sessions_used, 2);
  EXPECT_EQ(Guide("s9").focus[0].last_worked_session_number, 7);
  EXPECT_EQ(Guide("s7").focus[0].strategies[0].sessions_used, 1);
  EXPECT_EQ(Guide("s5").focus[0].last_worked_session_number, 0);
}

TEST_F(SessionWorkTest, EarlierWorkIsCountedAlsoOnAFocusThatTheTraditionLeavesOut) {
  AgreeOn(Complete("alone"));
  SessionWork work;
  work.focus_work = {
      {"alone",
       {protocol_.FindArea("INTERPERSONAL_DEFICITS")->StrategiesIn(Phase::kMiddle)[0]->code},
       ""}};
  Must(Record("s7", work));
  const Protocol& without = *ShippedSet().For("ipt-uk-16", {.tradition = "IPT_INSTITUTE"}).protocol;
  ASSERT_EQ(without.FindArea("INTERPERSONAL_DEFICITS"), nullptr);
  const SessionGuide guide = Guide("s9", without);
  EXPECT_THAT(guide.focus.at(0).strategies, IsEmpty());
  EXPECT_EQ(guide.focus[0].last_worked_session_number, 7);
}

TEST_F(SessionWorkTest, TechniquesOfTheFocusComeFirst) {
  AgreeOn(Complete());
  const SessionGuide guide = Guide("s9");
  EXPECT_EQ(guide.techniques.size(), protocol_.techniques.size());
  bool rest = false;
  for (const Technique* technique : guide.techniques) {
    const bool of_focus =
        std::find(guide.focus[0].techniques.begin(), guide.focus[0].techniques.end(),
                  technique->code) != guide.focus[0].techniques.end();
    EXPECT_FALSE(rest && of_focus) << technique->code;
    rest = rest || !of_focus;
  }
  EXPECT_TRUE(rest);
}

TEST_F(SessionWorkTest, ASessionThatUsesUpNoneHasNoTasks) {
  AgreeOn(Complete());
  course_.sessions[8].state = courses::CopiedSessionState::kCancelled;
  course_.sessions[8].number = 0;
  const SessionGuide guide = Guide("s9");
  EXPECT_EQ(guide.standing.session_number, 0);
  EXPECT_FALSE(guide.standing.phase.has_value());
  EXPECT_EQ(guide.standing.sessions_left, 8);
  EXPECT_THAT(guide.tasks, IsEmpty());
  EXPECT_FALSE(guide.focus.at(0).strategies.empty());
}

TEST_F(SessionWorkTest, AGuideCitesWhatItRestsOn) {
  AgreeOn(Complete());
  const SessionGuide guide = Guide("s9");
  for (const GuideStrategy& strategy : guide.focus[0].strategies) {
    for (const std::string& key : strategy.strategy->basis.sources) {
      EXPECT_TRUE(std::any_of(guide.sources.begin(), guide.sources.end(),
                              [&](const Source* source) { return source->key == key; }))
          << key;
    }
  }
}

// ------------------------------------------------------------------------------------- the policy

TEST_F(SessionWorkTest, APolicyHasBoundsAndATraditionThatThereIs) {
  const FormulationPolicy before = *tx_.GetPolicy("north");
  FormulationPolicy after{.tradition = "NO_SUCH",
                          .max_focus_areas = 3,
                          .focus_by_session = 0,
                          .termination_sessions_before_end = 11,
                          .unrecorded_in_a_row = 21,
                          .record_days = 32,
                          .without_focus_work_in_a_row = 0,
                          .midpoint_grace_sessions = 11};
  after.disabled_rules = {FindingRule::kTaskOverdue, FindingRule::kTaskOverdue,
                          FindingRule::kUnspecified, static_cast<FindingRule>(12)};
  EXPECT_THAT(UpdatePolicy(tx_, ctx_, Shipped(), before, after, 0),
              HasBadFields("policy.tradition", "policy.max_focus_areas", "policy.focus_by_session",
                           "policy.termination_sessions_before_end", "policy.unrecorded_in_a_row",
                           "policy.record_days", "policy.without_focus_work_in_a_row",
                           "policy.midpoint_grace_sessions", "policy.disabled_rules[1]",
                           "policy.disabled_rules[2]", "policy.disabled_rules[3]"));
  after = {.tradition = "WMK",
           .max_focus_areas = 1,
           .focus_by_session = 20,
           .termination_sessions_before_end = 1,
           .unrecorded_in_a_row = 1,
           .record_days = 0,
           .without_focus_work_in_a_row = 20,
           .midpoint_grace_sessions = 0};
  const auto written = UpdatePolicy(tx_, ctx_, Shipped(), before, after, 0);
  ASSERT_THAT(written, IsOk());
  EXPECT_EQ(written->version, 1);
  EXPECT_EQ(tx_.Last<PolicyChanged>().policy, *written);
  EXPECT_THAT(UpdatePolicy(tx_, ctx_, Shipped(), *written, after, written->stamp.revision - 1),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(UpdatePolicy(tx_, ctx_, Shipped(), *written, after, 0)->version, 2);
}

TEST_F(SessionWorkTest, APolicyChoosesTheProtocol) {
  FormulationPolicy policy;
  EXPECT_EQ(ShippedSet().For("ipt-uk-16", policy).protocol->id, "ipt-uk-16--ipt-uk");
  policy.tradition = "WMK";
  EXPECT_EQ(ShippedSet().For("ipt-uk-16", policy).protocol->id, "ipt-uk-16--wmk");
  policy.tradition = "NO_LONGER_THERE";
  EXPECT_EQ(ShippedSet().For("ipt-uk-16", policy).protocol->id, "ipt-uk-16--ipt-uk");
  const CourseProtocol none = ShippedSet().For("no-such", policy);
  EXPECT_EQ(none.protocol, nullptr);
  EXPECT_TRUE(none.Has(ProblemAreaKind::kGriefForTheHealthySelf));
  EXPECT_EQ(none.MaxFocus(policy), 2);
}

}  // namespace
}  // namespace ipt::formulation
