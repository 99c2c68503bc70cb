// Findings and the profile, against numbers of sessions that were written down by hand.

#include "formulation/domain/findings.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "formulation/domain/adherence.h"
#include "formulation/domain/policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/formulation/courses.h"
#include "tests/support/status_matchers.h"

namespace ipt::formulation {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Not;

// Of a variant's usual course: the last sessions of its phases, its midpoint, and the last session
// that leaves two.
struct Lengths {
  const char* variant;
  int initial;
  int middle;
  int sessions;
  int midpoint;
  int two_left;
};
constexpr Lengths kVariants[] = {
    {"ipc-6", 2, 5, 6, 3, 4},
    {"ipsrt", 4, 32, 36, 18, 34},
    {"ipt-a-12", 4, 9, 12, 6, 10},
    {"ipt-b-8", 2, 7, 8, 4, 6},
    {"ipt-ed-20", 4, 17, 20, 10, 18},
    {"ipt-group-8", 1, 7, 8, 4, 6},
    {"ipt-institute-12", 3, 10, 12, 6, 10},
    {"ipt-m", 1, 23, 24, 12, 22},
    {"ipt-ptsd-14", 3, 11, 14, 7, 12},
    {"ipt-uk-16", 4, 12, 16, 8, 14},
    {"ipt-wmk-12", 3, 9, 12, 6, 10},
    {"ipt-wmk-16", 3, 13, 16, 8, 14},
};

constexpr char kArea[] = "split-up";

// A course that keeps to its protocol as late as it may, and what a test takes away from it.
struct Course {
  explicit Course(const Lengths& of, int attended)
      : protocol(*ResolveProtocol(Shipped(), of.variant, "")),
        course(CourseOf(of.variant, attended)) {
    records.course_id = course.course_id;
    const Area& area = *protocol.FindArea("ROLE_DISPUTE");
    for (int number = 1; number <= attended; ++number) {
      RecordedWork& work = records.work.emplace_back();
      work.session_id = SessionId(number);
      work.techniques = {protocol.techniques.front().code};
      work.focus_work = {{.problem_area_id = kArea, .strategies = {area.strategies[0].code}}};
      for (const Task& task : protocol.tasks) {
        const int due = task.due.by == DueBy::kEachSession ? number
                        : task.phase == Phase::kInitial    ? std::min(of.initial, 4)
                        : task.code == kMidpointReview     ? of.midpoint
                        : task.code == kTerminationRaised  ? of.two_left
                        : task.phase == Phase::kMiddle     ? of.middle
                                                           : of.sessions;
        if (due == number) work.tasks.push_back({task.code, TaskWorkState::kDone});
      }
    }
    const int agreed_in = std::min(of.initial, 4);
    if (attended < agreed_in) return;
    AgreedFormulation& agreed = records.agreed.emplace_back();
    agreed.number = 1;
    agreed.agreed_on = DayOfSession(agreed_in);
    agreed.focus = {{.problem_area_id = kArea,
                     .position = FocusPosition::kPrimary,
                     .kind = ProblemAreaKind::kRoleDispute}};
    agreed.goals = {{.goal_id = "g1", .problem_area_id = kArea}};
    agreed.contract = {.sessions = of.sessions, .weeks = of.sessions, .cadence_days = 7};
    agreed.has_contract = true;
    records.goals = {{.goal_id = "g1",
                      .problem_area_id = kArea,
                      .state = GoalState::kActive,
                      .state_time = At(DayOfSession(agreed_in))}};
  }

  void Undo(absl::string_view task) {
    for (RecordedWork& work : records.work) {
      std::erase_if(work.tasks, [&](const TaskWork& done) { return done.task == task; });
    }
  }
  void Unrecord(int number) {
    std::erase_if(records.work,
                  [&](const RecordedWork& work) { return work.session_id == SessionId(number); });
  }
  RecordedWork& Work(int number) {
    return *std::find_if(records.work.begin(), records.work.end(), [&](const RecordedWork& work) {
      return work.session_id == SessionId(number);
    });
  }
  courses::CopiedSession& Session(int number) { return course.sessions[number - 1]; }
  void Close() {
    course.state = courses::CopiedCourseState::kCompleted;
    course.closed_at = At(DayOfSession(20));
  }

  // A year after its begin, where nothing else is said.
  std::vector<Finding> Findings(absl::Time now = At(absl::CivilDay(2027, 1, 5))) const {
    const CourseView view = *CourseView::Of(course, protocol);
    return EvaluateFindings({view, records, protocol, policy}, now);
  }
  std::vector<std::string> Ids(absl::Time now = At(absl::CivilDay(2027, 1, 5))) const {
    std::vector<std::string> ids;
    for (const Finding& finding : Findings(now)) ids.push_back(finding.finding_id);
    return ids;
  }
  Finding Only() const {
    const std::vector<Finding> all = Findings();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? Finding() : all[0];
  }
  ProtocolAdherence Adherence() const {
    const CourseView view = *CourseView::Of(course, protocol);
    return EvaluateAdherence({view, records, protocol, policy});
  }

  const Protocol protocol;
  courses::CopiedCourse course;
  CourseRecords records;
  FormulationPolicy policy;
};

const Lengths& Uk16() { return kVariants[9]; }
const Lengths& Wmk12() { return kVariants[10]; }

TEST(FindingsTest, ACourseThatKeepsToItsProtocolHasNoneAtAnyLength) {
  for (const Lengths& of : kVariants) {
    for (int attended = 0; attended <= of.sessions; ++attended) {
      EXPECT_THAT(Course(of, attended).Ids(), IsEmpty()) << of.variant << " " << attended;
    }
  }
}

TEST(FindingsTest, TheFocusIsToBeAgreedByItsSessionOrBeforeTheMiddlePhase) {
  for (const Lengths& of : kVariants) {
    const int shows = std::min(4, of.initial + 1);
    Course before(of, shows - 1);
    before.records.agreed.clear();
    EXPECT_THAT(before.Ids(), Not(Contains("FOCUS_NOT_AGREED"))) << of.variant;
    Course at(of, shows);
    at.records.agreed.clear();
    const std::vector<Finding> all = at.Findings();
    ASSERT_THAT(all, Contains(Field(&Finding::rule, FindingRule::kFocusNotAgreed))) << of.variant;
    const Finding& finding = all[0];
    EXPECT_EQ(finding.severity, FindingSeverity::kOverdue);
    EXPECT_EQ(finding.session_number, shows) << of.variant;
    EXPECT_EQ(finding.due_session_number, std::min(4, of.initial)) << of.variant;
    EXPECT_EQ(finding.since_day, DayOfSession(shows));
    EXPECT_EQ(finding.phase, Phase::kInitial);
  }
}

TEST(FindingsTest, ThePolicySaysByWhichSessionTheFocusIsToBeAgreed) {
  Course course(Uk16(), 2);
  course.policy.focus_by_session = 2;
  course.records.agreed.clear();
  EXPECT_THAT(course.Ids(), Contains("FOCUS_NOT_AGREED"));
  course.policy.focus_by_session = 3;
  EXPECT_THAT(course.Ids(), Not(Contains("FOCUS_NOT_AGREED")));
  // No policy puts it off beyond the initial phase.
  Course later(Uk16(), 5);
  later.records.agreed.clear();
  later.policy.focus_by_session = 9;
  EXPECT_THAT(later.Ids(), Contains("FOCUS_NOT_AGREED"));
}

TEST(FindingsTest, TheMidpointReviewIsMissedOneSessionAfterIts) {
  for (const Lengths& of : kVariants) {
    Course before(of, of.midpoint);
    before.Undo(kMidpointReview);
    EXPECT_THAT(before.Ids(), IsEmpty()) << of.variant;
    Course at(of, of.midpoint + 1);
    at.Undo(kMidpointReview);
    const Finding finding = at.Only();
    EXPECT_EQ(finding.finding_id, "MIDPOINT_REVIEW_MISSED") << of.variant;
    EXPECT_EQ(finding.session_number, of.midpoint + 1);
    EXPECT_EQ(finding.due_session_number, of.midpoint);
    at.policy.midpoint_grace_sessions = 2;
    EXPECT_THAT(at.Ids(), IsEmpty()) << of.variant;
    before.policy.midpoint_grace_sessions = 0;
    EXPECT_EQ(before.Only().session_number, of.midpoint) << of.variant;
  }
}

TEST(FindingsTest, GraceIsCountedInAttendedSessions) {
  Course course(Uk16(), 10);
  course.Undo(kMidpointReview);
  course.Session(9).state = courses::CopiedSessionState::kNoShow;
  EXPECT_EQ(course.Only().session_number, 10);
}

TEST(FindingsTest, TheEndingIsToBeRaisedWithTwoSessionsLeft) {
  for (const Lengths& of : kVariants) {
    Course before(of, of.two_left - 1);
    before.Undo(kTerminationRaised);
    EXPECT_THAT(before.Ids(), IsEmpty()) << of.variant;
    Course at(of, of.two_left);
    at.Undo(kTerminationRaised);
    const Finding finding = at.Only();
    EXPECT_EQ(finding.finding_id, "TERMINATION_NOT_RAISED") << of.variant;
    EXPECT_EQ(finding.due_session_number, of.two_left);
    EXPECT_EQ(finding.since_day, DayOfSession(of.two_left));
  }
}

TEST(FindingsTest, ThePolicySaysWithHowManyLeftTheEndingIsRaised) {
  Course course(Wmk12(), 8);
  course.Undo(kTerminationRaised);
  EXPECT_THAT(course.Ids(), IsEmpty());
  course.policy.termination_sessions_before_end = 4;
  EXPECT_EQ(course.Only().due_session_number, 8);
  course.policy.termination_sessions_before_end = 3;
  EXPECT_THAT(course.Ids(), IsEmpty());
}

TEST(FindingsTest, AMissedSessionThatUsesOneUpLeavesFewer) {
  Course course(Wmk12(), 10);
  course.Undo(kTerminationRaised);
  course.Session(10).state = courses::CopiedSessionState::kNoShow;
  course.Unrecord(10);
  EXPECT_EQ(course.Only().session_id, "s10");
}

TEST(FindingsTest, TasksOfAPhaseAreOverdueOnceItsLastSessionWasAttended) {
  struct Task {
    const char* code;
    Phase phase;
  };
  for (const Lengths& of : kVariants) {
    for (const Task& task : {Task{"TIMELINE", Phase::kInitial},
                             {"DIAGNOSIS", Phase::kInitial},
                             {"INTERPERSONAL_INVENTORY", Phase::kInitial},
                             {"PROGRESS_REVIEW", Phase::kEnding},
                             {"GRIEF_OF_ENDING", Phase::kEnding}}) {
      const int due = task.phase == Phase::kInitial ? of.initial : of.sessions;
      Course before(of, due - 1);
      before.Undo(task.code);
      EXPECT_THAT(before.Ids(), IsEmpty()) << of.variant << " " << task.code;
      Course at(of, due);
      at.Undo(task.code);
      const Finding finding = at.Only();
      EXPECT_EQ(finding.finding_id, absl::StrCat("TASK_OVERDUE:", task.code)) << of.variant;
      EXPECT_EQ(finding.task, task.code);
      EXPECT_EQ(finding.phase, task.phase);
      EXPECT_EQ(finding.due_session_number, due) << of.variant;
      EXPECT_EQ(finding.session_number, due) << of.variant;
    }
  }
}

TEST(FindingsTest, WhatIsStoredSaysThatATaskIsDone) {
  Course course(Uk16(), 16);
  course.Undo("GOALS");
  course.Undo("CONTRACT");
  EXPECT_THAT(course.Ids(), IsEmpty());
  course.records.agreed[0].has_contract = false;
  EXPECT_THAT(course.Ids(), ElementsAre("TASK_OVERDUE:CONTRACT"));
  course.records.agreed[0].has_contract = true;
  course.Undo("RELAPSE_PLAN");
  EXPECT_THAT(course.Ids(), ElementsAre("TASK_OVERDUE:RELAPSE_PLAN"));
  course.records.plan_given_on = DayOfSession(16);
  EXPECT_THAT(course.Ids(), IsEmpty());
}

TEST(FindingsTest, VoluntaryTasksAreNeverOverdue) {
  Course course({"ipt-institute-12", 3, 10, 12, 6, 10}, 12);
  course.Undo("SICK_ROLE");
  EXPECT_THAT(course.Ids(), IsEmpty());
  course.Undo("MAINTENANCE_CONTRACT");
  EXPECT_THAT(course.Ids(), ElementsAre("TASK_OVERDUE:MAINTENANCE_CONTRACT"));
}

TEST(FindingsTest, AProposalWaitsOnceASessionWasHeldOnALaterDay) {
  Course course(Uk16(), 4);
  course.records.proposed_time = At(DayOfSession(4), 8);
  EXPECT_THAT(course.Ids(), IsEmpty());
  course.records.proposed_time = At(DayOfSession(4) - 1, 23);
  const Finding finding = course.Only();
  EXPECT_EQ(finding.finding_id, "PROPOSAL_WAITING");
  EXPECT_EQ(finding.severity, FindingSeverity::kReview);
  EXPECT_EQ(finding.session_id, "s4");
}

TEST(FindingsTest, WorkIsMissedAfterTwoSessionsInARowAndTheirDays) {
  Course course(Uk16(), 7);
  course.Unrecord(7);
  EXPECT_THAT(course.Ids(), IsEmpty());
  course.Unrecord(6);
  const Finding finding = course.Only();
  EXPECT_EQ(finding.finding_id, "WORK_NOT_RECORDED");
  EXPECT_EQ(finding.severity, FindingSeverity::kReview);
  EXPECT_EQ(finding.session_id, "s7");
  EXPECT_EQ(finding.since_day, DayOfSession(7) + 3);
  EXPECT_THAT(course.Ids(At(DayOfSession(7) + 2, 23)), IsEmpty());
  EXPECT_THAT(course.Ids(At(DayOfSession(7) + 3, 0)), ElementsAre("WORK_NOT_RECORDED"));
  course.policy.record_days = 0;
  EXPECT_THAT(course.Ids(At(DayOfSession(7), 12)), ElementsAre("WORK_NOT_RECORDED"));
  course.policy.unrecorded_in_a_row = 3;
  EXPECT_THAT(course.Ids(), IsEmpty());
}

TEST(FindingsTest, ARecordEndsARowOfMissingOnes) {
  Course course(Uk16(), 7);
  course.Unrecord(4);
  course.Unrecord(5);
  course.Unrecord(6);
  EXPECT_THAT(course.Ids(), Not(Contains("WORK_NOT_RECORDED")));
}

TEST(FindingsTest, AMiddleSessionWithoutAStrategyOfTheFocusIsToBeLookedAt) {
  Course course(Uk16(), 6);
  course.Work(6).focus_work[0].strategies.clear();
  Finding finding = course.Only();
  EXPECT_EQ(finding.finding_id, "SESSION_WITHOUT_FOCUS_WORK");
  EXPECT_EQ(finding.session_id, "s6");
  EXPECT_EQ(finding.phase, Phase::kMiddle);
  course.policy.without_focus_work_in_a_row = 2;
  EXPECT_THAT(course.Ids(), IsEmpty());
  course.Work(5).focus_work[0].problem_area_id = "another";
  finding = course.Only();
  EXPECT_EQ(finding.session_id, "s6");
  EXPECT_EQ(finding.since_day, DayOfSession(6));
  // Sessions of the initial phase are none of these.
  course.policy.without_focus_work_in_a_row = 3;
  course.Work(4).focus_work.clear();
  EXPECT_THAT(course.Ids(), IsEmpty());
}

TEST(FindingsTest, WorkCountsOnTheAreaThatWasTheFocusOnThatDay) {
  Course course(Uk16(), 8);
  AgreedFormulation later = course.records.agreed[0];
  later.number = 2;
  later.agreed_on = DayOfSession(8);
  later.focus[0].problem_area_id = "mourning";
  later.goals[0].problem_area_id = "mourning";
  course.records.agreed.push_back(later);
  EXPECT_THAT(course.Ids(), ElementsAre("SESSION_WITHOUT_FOCUS_WORK"));
  course.Work(8).focus_work[0].problem_area_id = "mourning";
  EXPECT_THAT(course.Ids(), IsEmpty());
  // The sessions before were of the former focus.
  EXPECT_EQ(course.Adherence().middle_sessions_with_focus_work, (Fraction{4, 4}));
}

TEST(FindingsTest, OnlyTheLastRecordedSessionIsLookedAtForTechniques) {
  Course course(Uk16(), 6);
  course.Work(5).techniques.clear();
  EXPECT_THAT(course.Ids(), IsEmpty());
  course.Unrecord(6);
  const Finding finding = course.Only();
  EXPECT_EQ(finding.finding_id, "SESSION_WITHOUT_TECHNIQUE");
  EXPECT_EQ(finding.severity, FindingSeverity::kInfo);
  EXPECT_EQ(finding.session_id, "s5");
}

TEST(FindingsTest, AContractDiffersFromThePlanInWhatBothSay) {
  Course course(Uk16(), 6);
  TreatmentContract& contract = course.records.agreed[0].contract;
  contract = {};
  EXPECT_THAT(course.Ids(), IsEmpty());
  contract.sessions = 12;
  EXPECT_EQ(course.Only().finding_id, "CONTRACT_DIFFERS");
  EXPECT_EQ(course.Only().severity, FindingSeverity::kInfo);
  contract = {.weeks = 20};
  EXPECT_THAT(course.Ids(), ElementsAre("CONTRACT_DIFFERS"));
  contract = {.cadence_days = 14};
  EXPECT_THAT(course.Ids(), ElementsAre("CONTRACT_DIFFERS"));
  course.course.cadence_days = 0;
  EXPECT_THAT(course.Ids(), IsEmpty());
}

TEST(FindingsTest, AFocusNeedsAGoalThatIsActiveOrReached) {
  Course course(Uk16(), 6);
  for (const auto& [state, left] :
       std::vector<std::pair<GoalState, bool>>{{GoalState::kActive, true},
                                               {GoalState::kAchieved, true},
                                               {GoalState::kPartlyAchieved, true},
                                               {GoalState::kNotAchieved, false},
                                               {GoalState::kAbandoned, false},
                                               {GoalState::kProposed, false}}) {
    course.records.goals[0].state = state;
    EXPECT_EQ(course.Ids().empty(), left) << static_cast<int>(state);
  }
  course.records.goals[0].state_time = At(DayOfSession(6));
  const Finding finding = course.Only();
  EXPECT_EQ(finding.finding_id, "FOCUS_WITHOUT_GOAL:split-up");
  EXPECT_EQ(finding.problem_area_id, kArea);
  EXPECT_EQ(finding.since_day, DayOfSession(6));
}

TEST(FindingsTest, GoalsAreLeftOpenOnceTheCourseIsClosed) {
  Course course(Wmk12(), 12);
  EXPECT_THAT(course.Ids(), IsEmpty());
  course.Close();
  const Finding finding = course.Only();
  EXPECT_EQ(finding.finding_id, "GOALS_LEFT_OPEN");
  EXPECT_EQ(finding.since_day, DayOfSession(20));
  course.records.goals[0].state = GoalState::kAchieved;
  EXPECT_THAT(course.Ids(), IsEmpty());
}

TEST(FindingsTest, ARuleThatIsOffFindsNothing) {
  Course course(Uk16(), 16);
  course.records = {};
  const std::vector<Finding> all = course.Findings();
  EXPECT_FALSE(all.empty());
  for (const Finding& finding : all) course.policy.disabled_rules.push_back(finding.rule);
  EXPECT_THAT(course.Ids(), IsEmpty());
}

TEST(FindingsTest, TheGreatestSeverityComesFirstThenByRule) {
  Course course(Uk16(), 16);
  course.Close();
  for (RecordedWork& work : course.records.work) work = {.session_id = work.session_id};
  const std::vector<Finding> all = course.Findings();
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const Finding& a, const Finding& b) {
    return std::make_pair(-static_cast<int>(a.severity), a.rule) <
           std::make_pair(-static_cast<int>(b.severity), b.rule);
  }));
  EXPECT_EQ(all.front().rule, FindingRule::kMidpointReviewMissed);
  EXPECT_EQ(all.back().rule, FindingRule::kGoalsLeftOpen);
}

TEST(FindingsTest, AFindingSaysWhatItWasHeldAgainst) {
  Course course(Uk16(), 6);
  course.policy.version = 7;
  course.Undo("TIMELINE");
  const Finding finding = course.Only();
  EXPECT_EQ(finding.protocol_id, "ipt-uk-16--ipt-uk");
  EXPECT_EQ(finding.protocol_version, Shipped().version);
  EXPECT_EQ(finding.policy_version, 7);
  EXPECT_EQ(finding.course_id, "k1");
  EXPECT_EQ(finding.therapist_id, "ana");
}

// ------------------------------------------------------------------------------------ the profile

TEST(AdherenceTest, ACourseThatKeepsToItsProtocolHasAllOfIt) {
  for (const Lengths& of : kVariants) {
    Course course(of, of.sessions);
    course.Close();
    const ProtocolAdherence profile = course.Adherence();
    EXPECT_EQ(profile.focus_agreed_in_time, AdherenceVerdict::kYes) << of.variant;
    EXPECT_EQ(profile.formulation_before_middle, AdherenceVerdict::kYes) << of.variant;
    EXPECT_EQ(profile.midpoint_review_in_time, AdherenceVerdict::kYes) << of.variant;
    EXPECT_EQ(profile.ending_raised_in_time, AdherenceVerdict::kYes) << of.variant;
    EXPECT_EQ(profile.sessions_left_when_ending_raised, 2) << of.variant;
    EXPECT_EQ(profile.focus_agreed_session_number, std::min(of.initial, 4)) << of.variant;
    EXPECT_EQ(profile.sessions_recorded, (Fraction{of.sessions, of.sessions}));
    const int middle = of.middle - of.initial;
    EXPECT_EQ(profile.middle_sessions_with_focus_work, (Fraction{middle, middle})) << of.variant;
    EXPECT_EQ(profile.sessions_with_technique, (Fraction{of.sessions, of.sessions}));
    for (const PhaseAdherence& phase : profile.phases) {
      EXPECT_EQ(phase.done, phase.expected) << of.variant << static_cast<int>(phase.phase);
      EXPECT_EQ(phase.late + phase.missing + phase.open, 0) << of.variant;
    }
  }
}

TEST(AdherenceTest, VerdictsFollowTheSessionsOneByOne) {
  using V = AdherenceVerdict;
  // WMK, 12 sessions: nothing done but work recorded.
  const std::vector<std::vector<V>> expected = {
      // focus by 4, before the middle (4), midpoint (6 and one), ending (10)
      {V::kNotYet, V::kNotYet, V::kNotYet, V::kNotYet},  // 0
      {V::kNotYet, V::kNotYet, V::kNotYet, V::kNotYet},  // 1
      {V::kNotYet, V::kNotYet, V::kNotYet, V::kNotYet},  // 2
      {V::kNotYet, V::kNotYet, V::kNotYet, V::kNotYet},  // 3
      {V::kNotYet, V::kNo, V::kNotYet, V::kNotYet},      // 4
      {V::kNo, V::kNo, V::kNotYet, V::kNotYet},          // 5
      {V::kNo, V::kNo, V::kNotYet, V::kNotYet},          // 6
      {V::kNo, V::kNo, V::kNo, V::kNotYet},              // 7
      {V::kNo, V::kNo, V::kNo, V::kNotYet},              // 8
      {V::kNo, V::kNo, V::kNo, V::kNotYet},              // 9
      {V::kNo, V::kNo, V::kNo, V::kNo},                  // 10
      {V::kNo, V::kNo, V::kNo, V::kNo},                  // 11
      {V::kNo, V::kNo, V::kNo, V::kNo},                  // 12
  };
  for (int attended = 0; attended <= 12; ++attended) {
    Course course(Wmk12(), attended);
    course.records.agreed.clear();
    for (RecordedWork& work : course.records.work) work.tasks.clear();
    const ProtocolAdherence profile = course.Adherence();
    EXPECT_THAT((std::vector<V>{profile.focus_agreed_in_time, profile.formulation_before_middle,
                                profile.midpoint_review_in_time, profile.ending_raised_in_time}),
                ::testing::ElementsAreArray(expected[attended]))
        << attended;
  }
}

TEST(AdherenceTest, WhereNoWorkIsRecordedItCannotBeTold) {
  Course course(Wmk12(), 12);
  course.records.work.clear();
  const ProtocolAdherence profile = course.Adherence();
  EXPECT_EQ(profile.midpoint_review_in_time, AdherenceVerdict::kNotEvaluated);
  EXPECT_EQ(profile.ending_raised_in_time, AdherenceVerdict::kNotEvaluated);
  EXPECT_EQ(profile.focus_agreed_in_time, AdherenceVerdict::kYes);
  EXPECT_EQ(profile.sessions_recorded, (Fraction{0, 12}));
}

TEST(AdherenceTest, TheFormulationIsAgreedByTheLastSessionAttendedByThatDay) {
  struct Case {
    absl::CivilDay agreed_on;
    int number;
    AdherenceVerdict in_time;
    AdherenceVerdict before_middle;
  };
  for (const Case& c :
       std::vector<Case>{{DayOfSession(1) - 1, 0, AdherenceVerdict::kYes, AdherenceVerdict::kYes},
                         {DayOfSession(4), 4, AdherenceVerdict::kYes, AdherenceVerdict::kYes},
                         {DayOfSession(5) - 1, 4, AdherenceVerdict::kYes, AdherenceVerdict::kYes},
                         {DayOfSession(5), 5, AdherenceVerdict::kNo, AdherenceVerdict::kNo}}) {
    Course course(Uk16(), 8);
    course.records.agreed[0].agreed_on = c.agreed_on;
    const ProtocolAdherence profile = course.Adherence();
    EXPECT_EQ(profile.focus_agreed_session_number, c.number);
    EXPECT_EQ(profile.focus_agreed_in_time, c.in_time) << c.number;
    EXPECT_EQ(profile.formulation_before_middle, c.before_middle) << c.number;
  }
}

TEST(AdherenceTest, LateTasksAreCountedApartFromMissingOnes) {
  Course course(Uk16(), 6);
  course.Undo("TIMELINE");
  course.Undo("DIAGNOSIS");
  course.Work(5).tasks.push_back({"TIMELINE", TaskWorkState::kDone});
  course.Work(5).tasks.push_back({"DIAGNOSIS", TaskWorkState::kBegun});
  const PhaseAdherence initial = course.Adherence().phases[0];
  EXPECT_EQ(initial.late, 1);
  EXPECT_EQ(initial.missing, 1);
  EXPECT_EQ(initial.done, initial.expected - 2);
  EXPECT_EQ(initial.span, (PhaseSpan{Phase::kInitial, 1, 4}));
}

TEST(AdherenceTest, TechniquesAreCountedOnceASessionByFamily) {
  Course course(Uk16(), 3);
  for (RecordedWork& work : course.records.work) work.techniques.clear();
  course.Work(1).techniques = {"ROLE_PLAY", "CLARIFICATION"};
  course.Work(2).techniques = {"ROLE_PLAY"};
  course.Work(3).techniques = {"NO_LONGER_THERE"};
  const ProtocolAdherence profile = course.Adherence();
  ASSERT_EQ(profile.techniques.size(), 3u);
  EXPECT_EQ(profile.techniques[0].technique, "ROLE_PLAY");
  EXPECT_EQ(profile.techniques[0].sessions, 2);
  EXPECT_EQ(profile.techniques[2].defined, nullptr);
  const TechniqueFamily family = course.protocol.FindTechnique("ROLE_PLAY")->family;
  EXPECT_THAT(profile.families, Contains(FamilyCount{family, 2, 2}));
  EXPECT_TRUE(std::is_sorted(
      profile.families.begin(), profile.families.end(),
      [](const FamilyCount& a, const FamilyCount& b) { return a.family < b.family; }));
  EXPECT_EQ(profile.sessions_with_technique, (Fraction{3, 3}));
}

TEST(AdherenceTest, MissedSessionsCountNowhere) {
  Course course(Uk16(), 8);
  course.Session(6).state = courses::CopiedSessionState::kNoShow;
  EXPECT_EQ(course.Adherence().sessions_recorded, (Fraction{7, 7}));
  EXPECT_EQ(course.Adherence().middle_sessions_with_focus_work, (Fraction{3, 3}));
}

TEST(AdherenceTest, TasksOfEachSessionAreDoneWhereTheyAreInAll) {
  const auto mood = [](const Course& course) {
    const ProtocolAdherence adherence = course.Adherence();
    for (const TaskProgress& task : adherence.phases[1].tasks) {
      if (task.task->code == "MOOD_REVIEW") return task;
    }
    return TaskProgress();
  };
  Course course(Uk16(), 4);
  EXPECT_EQ(mood(course).state, TaskState::kOpen);  // the next session is of the middle phase
  Course none(Uk16(), 2);
  EXPECT_EQ(mood(none).state, TaskState::kUpcoming);
  Course middle(Uk16(), 7);
  middle.Unrecord(6);
  EXPECT_EQ(mood(middle).state, TaskState::kDone);
  EXPECT_EQ(mood(middle).sessions_expected, 2);
  middle.Work(7).tasks.clear();
  EXPECT_EQ(mood(middle).state, TaskState::kOpen);
  EXPECT_EQ(mood(middle).sessions_done, 1);
  middle.Close();
  EXPECT_EQ(mood(middle).state, TaskState::kMissed);
}

TEST(AdherenceTest, TheEndingIsOfferedFromFourSessionsLeftOn) {
  const auto state = [](int attended) {
    Course course(Uk16(), attended);
    course.Undo(kTerminationRaised);
    const ProtocolAdherence adherence = course.Adherence();
    for (const TaskProgress& task : adherence.phases[2].tasks) {
      if (task.task->code == kTerminationRaised) return task.state;
    }
    return TaskState::kUnspecified;
  };
  EXPECT_EQ(state(10), TaskState::kUpcoming);  // session 11 leaves 5
  EXPECT_EQ(state(11), TaskState::kOpen);      // session 12 leaves 4
  EXPECT_EQ(state(13), TaskState::kOpen);
  EXPECT_EQ(state(14), TaskState::kOverdue);
}

}  // namespace
}  // namespace ipt::formulation
