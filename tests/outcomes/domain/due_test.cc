#include "outcomes/domain/due.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"

namespace ipt::outcomes {
namespace {

using absl::CivilDay;
using absl::CivilHour;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kLastScoreDays = 14;
const CivilDay kStart(2026, 3, 2);  // a Monday

absl::TimeZone Zone(const std::string& name = "Europe/London") {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

absl::Time At(CivilDay day, int hour = 10, const absl::TimeZone& zone = Zone()) {
  return absl::FromCivil(CivilHour(day) + hour, zone);
}

courses::CopiedSession& AddSession(courses::CopiedCourse& course, CivilDay day,
                                   courses::CopiedSessionState state) {
  int number = 1;
  for (const courses::CopiedSession& session : course.sessions) {
    number = std::max(number, session.number + 1);
  }
  courses::CopiedSession& session = course.sessions.emplace_back();
  session.session_id = absl::StrCat("s", number);
  session.number = number;
  session.start = At(day);
  session.end = session.start + absl::Minutes(50);
  session.state = state;
  session.uses_session = true;
  session.week = static_cast<int>((day - kStart) / 7) + 1;
  return session;
}

// So many weekly sessions from kStart on were attended, and so many after them are booked.
courses::CopiedCourse Weekly(int attended, int booked, int planned) {
  courses::CopiedCourse course;
  course.state =
      attended > 0 ? courses::CopiedCourseState::kActive : courses::CopiedCourseState::kPlanned;
  course.planned_sessions = planned;
  course.duration_weeks = planned;
  course.phases = {{1, 1, 3}, {2, 4, planned - 3}, {3, planned - 2, planned}};
  if (attended > 0) {
    course.start_day = kStart;
    course.deadline_day = kStart + (7 * planned - 1);
  }
  for (int i = 0; i < attended + booked; ++i) {
    AddSession(course, kStart + 7 * i,
               i < attended ? courses::CopiedSessionState::kAttended
                            : courses::CopiedSessionState::kBooked);
  }
  return course;
}

void Close(courses::CopiedCourse& course, CivilDay day, int reason = 0) {
  course.state = reason == 0 ? courses::CopiedCourseState::kCompleted
                             : courses::CopiedCourseState::kDiscontinued;
  course.closed_at = At(day, 12);
  course.closure_reason = reason;
}

AskedRule Rule(PlanTiming timing, const std::string& id = "r") {
  AskedRule asked;
  asked.rule.id = id;
  asked.rule.instrument_id = "phq-9";
  asked.rule.timing = timing;
  asked.respondent = AnsweredBy::kSelf;
  return asked;
}
AskedRule EveryWeeks(int weeks) {
  AskedRule asked = Rule(PlanTiming::kEveryWeeks);
  asked.rule.weeks = weeks;
  return asked;
}
AskedRule FollowUp(std::vector<int> months) {
  AskedRule asked = Rule(PlanTiming::kFollowUp);
  asked.rule.months = std::move(months);
  return asked;
}

PlanAnswer Answered(CivilDay day, const std::string& session = "", int hour = 9) {
  static int made = 0;
  return {.course_id = "k1",
          .measurement_id = absl::StrCat("m", ++made),
          .instrument_id = "phq-9",
          .respondent = AnsweredBy::kSelf,
          .complete_time = At(day, hour),
          .session_id = session};
}

std::vector<Occasion> Occasions(const std::vector<AskedRule>& rules,
                                const courses::CopiedCourse& course, CivilDay today,
                                const std::vector<PlanAnswer>& answers = {}) {
  return OccasionsOf(rules, course, Zone(), answers, kLastScoreDays, today);
}

// "7 due": of the day a week after kStart; "~" where it is projected.
std::vector<std::string> States(const std::vector<Occasion>& occasions) {
  const char* const kNames[] = {"?", "upcoming", "due", "overdue", "missed", "done"};
  std::vector<std::string> states;
  for (const Occasion& occasion : occasions) {
    states.push_back(absl::StrCat(occasion.projected ? "~" : "", occasion.day - kStart, " ",
                                  kNames[static_cast<int>(occasion.state)]));
  }
  return states;
}

TEST(EverySessionTest, OpensThreeDaysBeforeAndIsOverdueTheDayAfter) {
  const courses::CopiedCourse course = Weekly(0, 2, 2);
  const auto on = [&](int day) {
    return States(Occasions({Rule(PlanTiming::kEverySession)}, course, kStart + day));
  };
  EXPECT_THAT(on(-4), ElementsAre("0 upcoming", "7 upcoming"));
  EXPECT_THAT(on(-3), ElementsAre("0 due", "7 upcoming"));
  EXPECT_THAT(on(0), ElementsAre("0 due", "7 upcoming"));
  EXPECT_THAT(on(1), ElementsAre("0 overdue", "7 upcoming"));
  EXPECT_THAT(on(3), ElementsAre("0 overdue", "7 upcoming"));
  EXPECT_THAT(on(4), ElementsAre("0 missed", "7 due"));
  EXPECT_THAT(on(30), ElementsAre("0 missed", "7 overdue"));
}

TEST(EverySessionTest, SaysItsDays) {
  const courses::CopiedCourse course = Weekly(0, 2, 2);
  AskedRule rule = Rule(PlanTiming::kEverySession);
  rule.rule.open_days_before = 1;
  rule.rule.grace_days = 2;
  const Occasion occasion = Occasions({rule}, course, kStart)[0];
  EXPECT_EQ(occasion.open_day, kStart - 1);
  EXPECT_EQ(occasion.day, kStart);
  EXPECT_EQ(occasion.overdue_day, kStart + 2);
  EXPECT_EQ(occasion.missed_day, kStart + 6);
  EXPECT_EQ(occasion.session_id, "s1");
  EXPECT_EQ(occasion.week_number, 1);
  EXPECT_FALSE(occasion.projected);
}

TEST(EverySessionTest, AnAnswerCountsForItsSessionElseForWhatCouldBeAnswered) {
  const courses::CopiedCourse course = Weekly(3, 0, 3);
  const std::vector<AskedRule> rules = {Rule(PlanTiming::kEverySession)};
  const CivilDay today = kStart + 14;
  EXPECT_THAT(States(Occasions(rules, course, today, {Answered(kStart + 6)})),
              ElementsAre("0 missed", "7 done", "14 due"));
  // A paper form of the first session, dated late.
  const PlanAnswer paper = Answered(kStart + 8, "s1");
  const std::vector<Occasion> occasions = Occasions(rules, course, today, {paper});
  EXPECT_THAT(States(occasions), ElementsAre("0 done", "7 missed", "14 due"));
  EXPECT_EQ(occasions[0].measurement_id, paper.measurement_id);
  // Before it could be answered, and without its session.
  EXPECT_THAT(States(Occasions(rules, course, today, {Answered(kStart - 4)})),
              ElementsAre("0 missed", "7 missed", "14 due"));
  // Bound to a session that asks for nothing: by its day.
  EXPECT_THAT(States(Occasions(rules, course, today, {Answered(kStart + 5, "cancelled")})),
              ElementsAre("0 missed", "7 done", "14 due"));
}

TEST(EverySessionTest, TheSameMeasureOfTheSamePersonCounts) {
  const courses::CopiedCourse course = Weekly(1, 0, 1);
  const auto with = [&](const std::string& instrument, AnsweredBy respondent) {
    PlanAnswer answer = Answered(kStart);
    answer.instrument_id = instrument;
    answer.respondent = respondent;
    return States(Occasions({Rule(PlanTiming::kEverySession)}, course, kStart, {answer}));
  };
  EXPECT_THAT(with("phq-9", AnsweredBy::kSelf), ElementsAre("0 done"));
  EXPECT_THAT(with("phq-9", AnsweredBy::kClinicianRead), ElementsAre("0 done"));
  EXPECT_THAT(with("phq-9", AnsweredBy::kProxy), ElementsAre("0 due"));
  EXPECT_THAT(with("phq-9", AnsweredBy::kClinicianRated), ElementsAre("0 due"));
  EXPECT_THAT(with("gad-7", AnsweredBy::kSelf), ElementsAre("0 due"));
}

TEST(EverySessionTest, OnlySessionsThatTakePlaceAsk) {
  courses::CopiedCourse course = Weekly(1, 0, 4);
  AddSession(course, kStart + 7, courses::CopiedSessionState::kNoShow);
  AddSession(course, kStart + 9, courses::CopiedSessionState::kCancelled).number = 0;
  AddSession(course, kStart + 14, courses::CopiedSessionState::kAttended);
  AddSession(course, kStart + 15, courses::CopiedSessionState::kAttended).number =
      0;  // an assessment
  AddSession(course, kStart + 21, courses::CopiedSessionState::kBooked);
  EXPECT_THAT(States(Occasions({Rule(PlanTiming::kEverySession)}, course, kStart + 15)),
              ElementsAre("0 missed", "14 overdue", "21 upcoming"));
}

TEST(EverySessionTest, SessionsCloseTogetherHaveTheirOwnDays) {
  courses::CopiedCourse course = Weekly(1, 0, 3);
  AddSession(course, kStart + 2, courses::CopiedSessionState::kBooked);
  AddSession(course, kStart + 2, courses::CopiedSessionState::kBooked).start += absl::Hours(5);
  const std::vector<AskedRule> rules = {Rule(PlanTiming::kEverySession)};
  EXPECT_THAT(States(Occasions(rules, course, kStart)), ElementsAre("0 due", "2 upcoming"));
  EXPECT_THAT(States(Occasions(rules, course, kStart + 1)), ElementsAre("0 missed", "2 due"));
}

TEST(EverySessionTest, AnAnswerDoesNotGoWithASessionThatIsMoved) {
  courses::CopiedCourse course = Weekly(2, 1, 4);
  const std::vector<AskedRule> rules = {Rule(PlanTiming::kEverySession)};
  const std::vector<PlanAnswer> answers = {Answered(kStart + 13, "s3")};
  EXPECT_THAT(States(Occasions(rules, course, kStart + 14, answers)),
              ElementsAre("0 missed", "7 missed", "14 done", "~21 upcoming"));
  // Three weeks later that answer tells nothing; it counts where it could be given then.
  course.sessions[2].start = At(kStart + 35);
  EXPECT_THAT(States(Occasions(rules, course, kStart + 33, answers)),
              ElementsAre("0 missed", "7 done", "35 due", "~42 upcoming"));
}

TEST(EverySessionTest, OfSeveralFormsTheOneCompletedLastCounts) {
  const courses::CopiedCourse course = Weekly(1, 0, 1);
  const auto counted = [&](const std::vector<PlanAnswer>& answers) {
    return Occasions({Rule(PlanTiming::kEverySession)}, course, kStart, answers)[0].measurement_id;
  };
  for (const char* session : {"", "s1"}) {
    const PlanAnswer first = Answered(kStart, session, 9), second = Answered(kStart, session, 11);
    EXPECT_EQ(counted({first, second}), second.measurement_id) << session;
    const PlanAnswer other = Answered(kStart, *session == 0 ? "s1" : "", 10);
    EXPECT_EQ(counted({first, other, second}), second.measurement_id) << session;
    EXPECT_EQ(counted({first, other}), other.measurement_id) << session;
  }
}

TEST(CatchUpTest, NeverIsMissedOnceItIsOverdue) {
  AskedRule rule = Rule(PlanTiming::kEverySession);
  rule.rule.catch_up = CatchUp::kNever;
  rule.rule.grace_days = 2;
  const courses::CopiedCourse course = Weekly(1, 0, 1);
  EXPECT_THAT(States(Occasions({rule}, course, kStart + 1)), ElementsAre("0 due"));
  EXPECT_THAT(States(Occasions({rule}, course, kStart + 2)), ElementsAre("0 missed"));
}

TEST(CatchUpTest, AlwaysStaysDueUntilTheCourseEnds) {
  AskedRule rule = Rule(PlanTiming::kEverySession);
  rule.rule.catch_up = CatchUp::kAlways;
  courses::CopiedCourse course = Weekly(3, 0, 3);
  EXPECT_THAT(States(Occasions({rule}, course, kStart + 14)),
              ElementsAre("0 overdue", "7 overdue", "14 due"));
  // Loose answers, a day each: the newest first, then what is left.
  const std::vector<PlanAnswer> answers = {Answered(kStart + 14), Answered(kStart + 14, "", 15),
                                           Answered(kStart + 15)};
  EXPECT_THAT(States(Occasions({rule}, course, kStart + 15, answers)),
              ElementsAre("0 overdue", "7 done", "14 done"));
  Close(course, kStart + 20);
  EXPECT_THAT(States(Occasions({rule}, course, kStart + 20)), Each(::testing::EndsWith("overdue")));
  EXPECT_THAT(States(Occasions({rule}, course, kStart + 21)), Each(::testing::EndsWith("missed")));
}

TEST(CatchUpTest, AVoluntaryOneIsNeverOverdue) {
  AskedRule rule = Rule(PlanTiming::kEverySession);
  rule.rule.voluntary = true;
  const courses::CopiedCourse course = Weekly(2, 0, 2);
  const std::vector<Occasion> occasions = Occasions({rule}, course, kStart + 40);
  EXPECT_THAT(States(occasions), ElementsAre("0 missed", "7 due"));
  EXPECT_EQ(occasions[1].overdue_day, std::nullopt);
}

TEST(CatchUpTest, CountsWhatWasMissedInARow) {
  const courses::CopiedCourse course = Weekly(5, 0, 5);
  const auto rows = [&](CatchUp catch_up, const std::vector<PlanAnswer>& answers) {
    AskedRule rule = Rule(PlanTiming::kEverySession);
    rule.rule.catch_up = catch_up;
    std::vector<int> counts;
    for (const Occasion& occasion : Occasions({rule}, course, kStart + 28, answers)) {
      counts.push_back(occasion.missed_in_a_row);
    }
    return counts;
  };
  EXPECT_THAT(rows(CatchUp::kUntilNext, {}), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(rows(CatchUp::kUntilNext, {Answered(kStart + 7)}), ElementsAre(0, 1, 0, 1, 2));
  EXPECT_THAT(rows(CatchUp::kAlways, {}), ElementsAre(0, 1, 2, 3, 4));
}

TEST(CatchUpTest, WhatWasBeforeTheRuleIsNotMissing) {
  const courses::CopiedCourse course = Weekly(4, 0, 4);
  AskedRule rule = Rule(PlanTiming::kEverySession);
  rule.rule.since = At(kStart + 14, 8);
  const std::vector<Occasion> occasions =
      Occasions({rule}, course, kStart + 21, {Answered(kStart, "s1")});
  EXPECT_THAT(States(occasions), ElementsAre("0 done", "14 missed", "21 due"));
  EXPECT_EQ(occasions[2].missed_in_a_row, 1);
}

TEST(EveryWeeksTest, CountsFromTheFirstWeekOn) {
  const courses::CopiedCourse course = Weekly(5, 0, 12);
  const std::vector<Occasion> occasions =
      Occasions({EveryWeeks(4)}, course, kStart + 28, {Answered(kStart)});
  EXPECT_THAT(States(occasions), ElementsAre("0 done", "28 due", "56 upcoming"));
  EXPECT_EQ(occasions[1].week_number, 5);
  EXPECT_EQ(occasions[1].session_id, "");
  // An open course is asked on after its deadline.
  EXPECT_THAT(Occasions({EveryWeeks(4)}, course, kStart + 100), SizeIs(4));
}

TEST(EveryWeeksTest, DaysOfPausesDoNotCount) {
  courses::CopiedCourse course = Weekly(2, 0, 4);
  course.pauses = {{kStart + 10, kStart + 16}, {kStart + 14, kStart + 18}};
  course.deadline_day = kStart + 27 + 9;
  const std::vector<Occasion> occasions = Occasions({EveryWeeks(1)}, course, kStart + 12);
  EXPECT_THAT(States(occasions),
              ElementsAre("0 missed", "7 overdue", "23 upcoming", "30 upcoming"));
  EXPECT_EQ(occasions[2].week_number, 3);
}

TEST(EveryWeeksTest, IsAProjectionUntilTheCourseHasStarted) {
  courses::CopiedCourse course = Weekly(0, 1, 3);
  EXPECT_THAT(States(Occasions({EveryWeeks(1)}, course, kStart - 2)),
              ElementsAre("~0 due", "~7 upcoming", "~14 upcoming"));
  course.sessions.clear();
  EXPECT_THAT(States(Occasions({EveryWeeks(1)}, course, kStart)),
              ElementsAre("~0 upcoming", "~7 upcoming", "~14 upcoming"));
}

// Attendance was never recorded: the week clock has not begun.
TEST(EveryWeeksTest, ACourseThatNeverStartedIsNotBehind) {
  courses::CopiedCourse course = Weekly(0, 1, 3);
  const auto on = [&](int day, const std::vector<PlanAnswer>& answers = {}) {
    return States(Occasions({EveryWeeks(1)}, course, kStart + day, answers));
  };
  EXPECT_THAT(on(0), ElementsAre("~0 due", "~7 upcoming", "~14 upcoming"));
  EXPECT_THAT(on(1), ElementsAre("~0 upcoming", "~7 upcoming", "~14 upcoming"));
  EXPECT_THAT(on(15), ElementsAre("~0 upcoming", "~7 upcoming", "~14 upcoming"));
  EXPECT_THAT(on(15, {Answered(kStart)}), ElementsAre("~0 done", "~7 upcoming", "~14 upcoming"));
}

TEST(BaselineTest, CanBeMadeUpForUntilTheSecondSession) {
  const courses::CopiedCourse course = Weekly(1, 1, 8);
  for (const CatchUp catch_up : {CatchUp::kUnspecified, CatchUp::kUntilNext, CatchUp::kAlways}) {
    AskedRule rule = Rule(PlanTiming::kBaseline);
    rule.rule.catch_up = catch_up;
    EXPECT_THAT(States(Occasions({rule}, course, kStart)), ElementsAre("0 due"));
    EXPECT_THAT(States(Occasions({rule}, course, kStart + 6)), ElementsAre("0 overdue"));
    EXPECT_THAT(States(Occasions({rule}, course, kStart + 7)), ElementsAre("0 missed"));
  }
  EXPECT_THAT(States(Occasions({Rule(PlanTiming::kBaseline)}, course, kStart + 7,
                               {Answered(kStart - 3, "s1")})),
              ElementsAre("0 done"));
}

// The first appointment was missed, and nobody says so; the patient came a week later.
TEST(BaselineTest, IsOfTheFirstSessionThatTookPlace) {
  courses::CopiedCourse course = Weekly(0, 1, 8);
  courses::CopiedSession& came =
      AddSession(course, kStart + 7, courses::CopiedSessionState::kAttended);
  came.number = 1;
  course.sessions[0].number = 2;
  course.start_day = kStart + 7;
  AddSession(course, kStart + 14, courses::CopiedSessionState::kBooked);
  const auto on = [&](int day, const std::vector<PlanAnswer>& answers = {}) {
    return States(Occasions({Rule(PlanTiming::kBaseline)}, course, kStart + day, answers));
  };
  EXPECT_THAT(on(8), ElementsAre("7 overdue"));
  EXPECT_THAT(on(8, {Answered(kStart + 7, "s2")}), ElementsAre("7 done"));
  EXPECT_THAT(on(13), ElementsAre("7 overdue"));
  EXPECT_THAT(on(14), ElementsAre("7 missed"));
  // For its own measure it asks all the same.
  EXPECT_THAT(States(Occasions({Rule(PlanTiming::kEverySession)}, course, kStart + 8))[0],
              "0 missed");
}

// So many weekly sessions were attended; the second of them was held, or not: nobody says.
courses::CopiedCourse WithUnrecorded(int attended, int planned) {
  courses::CopiedCourse course = Weekly(attended + 1, 0, planned);
  course.sessions[1].state = courses::CopiedSessionState::kBooked;
  for (size_t i = 2; i < course.sessions.size(); ++i) --course.sessions[i].number;
  course.sessions[1].number = attended + 1;
  return course;
}

TEST(PhaseChangeTest, IsTheFirstSessionOfEachPhase) {
  courses::CopiedCourse course = Weekly(4, 0, 8);
  EXPECT_THAT(States(Occasions({Rule(PlanTiming::kPhaseChange)}, course, kStart + 22)),
              ElementsAre("0 missed", "21 overdue", "~35 upcoming"));
  // The session that would have begun it was missed.
  course.sessions[3].state = courses::CopiedSessionState::kNoShow;
  AddSession(course, kStart + 28, courses::CopiedSessionState::kBooked);
  EXPECT_THAT(States(Occasions({Rule(PlanTiming::kPhaseChange)}, course, kStart + 22)),
              ElementsAre("0 overdue", "28 upcoming", "~35 upcoming"));
}

TEST(MidCourseTest, IsAtTheSessionOfTheReview) {
  EXPECT_THAT(States(Occasions({Rule(PlanTiming::kMidCourse)}, Weekly(4, 0, 7), kStart + 21)),
              ElementsAre("21 due"));
  EXPECT_THAT(States(Occasions({Rule(PlanTiming::kMidCourse)}, Weekly(4, 0, 9), kStart + 21)),
              ElementsAre("~28 upcoming"));
}

TEST(MidCourseTest, IsNotAtASessionThatNobodyRecorded) {
  const std::vector<AskedRule> rules = {Rule(PlanTiming::kMidCourse)};
  EXPECT_THAT(States(Occasions(rules, WithUnrecorded(5, 12), kStart + 35)),
              ElementsAre("~42 upcoming"));
  EXPECT_THAT(States(Occasions(rules, WithUnrecorded(6, 12), kStart + 42)), ElementsAre("42 due"));
  EXPECT_THAT(States(Occasions(rules, WithUnrecorded(9, 12), kStart + 63)),
              ElementsAre("42 overdue"));
}

TEST(PhaseChangeTest, IsNotAtASessionThatNobodyRecorded) {
  AskedRule rule = Rule(PlanTiming::kPhaseChange);
  rule.rule.catch_up = CatchUp::kNever;
  const auto with = [&](int attended) {
    courses::CopiedCourse course = WithUnrecorded(attended, 16);
    course.phases = {{1, 1, 4}, {2, 5, 12}, {3, 13, 16}};
    return States(Occasions({rule}, course, kStart + 7 * attended));
  };
  EXPECT_THAT(with(5), ElementsAre("0 missed", "35 due", "~84 upcoming"));
  EXPECT_THAT(with(8), ElementsAre("0 missed", "35 missed", "~84 upcoming"));
  EXPECT_THAT(with(13), ElementsAre("0 missed", "35 missed", "91 due"));
}

TEST(EndTest, IsAtTheLastSession) {
  const std::vector<AskedRule> rules = {Rule(PlanTiming::kEnd)};
  EXPECT_THAT(States(Occasions(rules, Weekly(3, 1, 4), kStart + 14)), ElementsAre("21 upcoming"));
  EXPECT_THAT(States(Occasions(rules, Weekly(3, 0, 5), kStart + 14)), ElementsAre("~28 upcoming"));
  courses::CopiedCourse early = Weekly(3, 1, 8);
  Close(early, kStart + 20, 1);
  EXPECT_THAT(States(Occasions(rules, early, kStart + 20)), ElementsAre("14 overdue"));
  // As long after its last session as a score can be its last.
  EXPECT_THAT(States(Occasions(rules, early, kStart + 28)), ElementsAre("14 overdue"));
  EXPECT_THAT(States(Occasions(rules, early, kStart + 29)), ElementsAre("14 missed"));
  EXPECT_THAT(States(Occasions(rules, early, kStart + 60, {Answered(kStart + 28)})),
              ElementsAre("14 done"));
  // Until it was closed it could be made up for.
  courses::CopiedCourse late = Weekly(3, 0, 8);
  Close(late, kStart + 50, 1);
  EXPECT_THAT(States(Occasions(rules, late, kStart + 50)), ElementsAre("14 overdue"));
  EXPECT_THAT(States(Occasions(rules, late, kStart + 51)), ElementsAre("14 missed"));
  courses::CopiedCourse never = Weekly(0, 1, 8);
  Close(never, kStart - 1, 8);
  EXPECT_THAT(Occasions(rules, never, kStart), IsEmpty());
}

TEST(CloseTest, BookedSessionsAfterItAskForNothing) {
  courses::CopiedCourse course = Weekly(2, 3, 5);
  Close(course, kStart + 8);
  EXPECT_THAT(States(Occasions({Rule(PlanTiming::kEverySession)}, course, kStart + 9)),
              ElementsAre("0 missed", "7 overdue"));
  EXPECT_THAT(States(Occasions({EveryWeeks(1)}, course, kStart + 30)),
              ElementsAre("0 missed", "7 missed"));
}

TEST(CloseTest, AfterADeathOrAnErrorNothingIsAsked) {
  const std::vector<AskedRule> rules = {Rule(PlanTiming::kEverySession), FollowUp({3})};
  for (const int reason : {courses::kClosedDeceased, courses::kClosedEnteredInError}) {
    courses::CopiedCourse course = Weekly(4, 0, 8);
    Close(course, kStart + 22, reason);
    EXPECT_THAT(Occasions(rules, course, kStart + 22), IsEmpty());
  }
}

TEST(CloseTest, WithoutTreatmentNothingIsAskedAndAnswersStay) {
  courses::CopiedCourse course = Weekly(0, 2, 8);
  Close(course, kStart + 8, 8);
  std::vector<AskedRule> rules = {Rule(PlanTiming::kBaseline), Rule(PlanTiming::kEverySession),
                                  EveryWeeks(1), FollowUp({1})};
  EXPECT_THAT(Occasions(rules, course, kStart + 9), IsEmpty());
  EXPECT_THAT(States(Occasions(rules, course, kStart + 9, {Answered(kStart, "s1")})),
              ElementsAre("0 done"));
}

TEST(FollowUpTest, IsMonthsAfterTheEnd) {
  courses::CopiedCourse course = Weekly(4, 0, 4);
  const std::vector<AskedRule> rules = {FollowUp({12, 3, 6})};
  EXPECT_THAT(Occasions(rules, course, kStart + 400), IsEmpty());
  Close(course, CivilDay(2026, 8, 31));
  std::vector<Occasion> occasions = Occasions(rules, course, CivilDay(2027, 2, 14));
  ASSERT_THAT(occasions, SizeIs(3));
  EXPECT_EQ(occasions[0].day, CivilDay(2026, 11, 30));
  EXPECT_EQ(occasions[0].open_day, CivilDay(2026, 11, 16));
  EXPECT_EQ(occasions[0].overdue_day, CivilDay(2026, 12, 28));
  EXPECT_EQ(occasions[0].state, OccasionState::kMissed);
  EXPECT_EQ(occasions[1].day, CivilDay(2027, 2, 28));
  EXPECT_EQ(occasions[1].state, OccasionState::kDue);
  EXPECT_EQ(occasions[1].follow_up_months, 6);
  EXPECT_EQ(occasions[1].week_number, 0);
  EXPECT_EQ(occasions[2].day, CivilDay(2027, 8, 31));
  EXPECT_EQ(occasions[2].state, OccasionState::kUpcoming);
  // The last has no next one, and is missed in the end.
  const auto last_on = [&](CivilDay day) { return Occasions(rules, course, day).back().state; };
  EXPECT_EQ(last_on(CivilDay(2027, 8, 31) + kLastFollowUpDays - 1), OccasionState::kOverdue);
  EXPECT_EQ(last_on(CivilDay(2027, 8, 31) + kLastFollowUpDays), OccasionState::kMissed);
}

TEST(FollowUpTest, OpensAfterTheEndOnly) {
  courses::CopiedCourse course = Weekly(4, 0, 4);
  AskedRule rule = FollowUp({1});
  rule.rule.open_days_before = 31;
  Close(course, CivilDay(2026, 4, 1));
  EXPECT_THAT(Occasions({rule}, course, CivilDay(2026, 4, 1))[0].open_day, CivilDay(2026, 4, 2));
}

TEST(FollowUpTest, AMonthThatIsNewAsksFromThenOn) {
  courses::CopiedCourse course = Weekly(4, 0, 4);
  Close(course, CivilDay(2026, 4, 1));
  AskedRule rule = FollowUp({1, 2, 3});
  rule.rule.months_since = {{2, At(CivilDay(2026, 6, 20))}, {3, At(CivilDay(2026, 6, 20))}};
  std::vector<int> months;
  for (const Occasion& occasion : Occasions({rule}, course, CivilDay(2026, 6, 20))) {
    months.push_back(occasion.follow_up_months);
  }
  EXPECT_THAT(months, ElementsAre(1, 3));
}

TEST(FollowUpTest, OfNoTreatmentThereIsNone) {
  courses::CopiedCourse course = Weekly(0, 1, 4);
  Close(course, kStart - 1, 8);
  EXPECT_THAT(Occasions({FollowUp({3})}, course, kStart + 90), IsEmpty());
}

TEST(MonthsAfterTest, KeepsToTheMonthsLastDay) {
  EXPECT_EQ(MonthsAfter(CivilDay(2026, 1, 15), 3), CivilDay(2026, 4, 15));
  EXPECT_EQ(MonthsAfter(CivilDay(2026, 10, 31), 4), CivilDay(2027, 2, 28));
  EXPECT_EQ(MonthsAfter(CivilDay(2027, 11, 30), 3), CivilDay(2028, 2, 29));
  EXPECT_EQ(MonthsAfter(CivilDay(2028, 2, 29), 12), CivilDay(2029, 2, 28));
  EXPECT_EQ(MonthsAfter(CivilDay(2026, 12, 31), 6), CivilDay(2027, 6, 30));
}

TEST(ProjectionTest, TheAgreedCadenceIsThePace) {
  courses::CopiedCourse course = Weekly(2, 0, 4);
  course.cadence_days = 10;
  EXPECT_THAT(States(Occasions({Rule(PlanTiming::kEverySession)}, course, kStart + 8)),
              ElementsAre("0 missed", "7 overdue", "~17 upcoming", "~27 upcoming"));
}

TEST(ProjectionTest, SessionsNotBookedComeAtTheAgreedPaceAndAreNotDue) {
  courses::CopiedCourse course = Weekly(2, 0, 4);
  course.duration_weeks = 8;  // every fortnight
  const std::vector<AskedRule> rules = {Rule(PlanTiming::kEverySession)};
  const std::vector<Occasion> occasions = Occasions(rules, course, kStart + 8);
  EXPECT_THAT(States(occasions),
              ElementsAre("0 missed", "7 overdue", "~21 upcoming", "~35 upcoming"));
  EXPECT_EQ(occasions[2].session_id, "");
  EXPECT_EQ(occasions[2].week_number, 4);
  // Never in the past, never in a pause; and what is not booked takes nobody's place.
  course.pauses = {{kStart + 30, kStart + 39}};
  EXPECT_THAT(States(Occasions(rules, course, kStart + 30)),
              ElementsAre("0 missed", "7 overdue", "~40 upcoming", "~54 upcoming"));
}

TEST(OnceTest, WhatTwoRulesAskForOnOneDayIsAskedForByTheFirst) {
  const courses::CopiedCourse course = Weekly(2, 0, 2);
  std::vector<AskedRule> rules = {Rule(PlanTiming::kBaseline, "first"),
                                  Rule(PlanTiming::kEverySession, "each")};
  const std::vector<Occasion> occasions = Occasions(rules, course, kStart + 7);
  ASSERT_THAT(States(occasions), ElementsAre("0 missed", "7 due"));
  EXPECT_EQ(occasions[0].rule, 0u);
  EXPECT_EQ(occasions[1].rule, 1u);
  EXPECT_EQ(occasions[1].missed_in_a_row, 1);
  rules[0].respondent = AnsweredBy::kProxy;
  EXPECT_THAT(Occasions(rules, course, kStart + 7), SizeIs(3));
  rules[0].respondent = AnsweredBy::kSelf;
  rules[0].rule.instrument_id = "gad-7";
  EXPECT_THAT(Occasions(rules, course, kStart + 7), SizeIs(3));
}

TEST(OnceTest, WhatHasADayGoesBeforeAProjection) {
  // Sessions every fortnight, of which the third is not booked.
  courses::CopiedCourse course = Weekly(1, 0, 3);
  course.duration_weeks = 6;
  AddSession(course, kStart + 7, courses::CopiedSessionState::kAttended);
  const std::vector<AskedRule> rules = {Rule(PlanTiming::kEverySession, "each"), EveryWeeks(3)};
  const std::vector<Occasion> occasions = Occasions(rules, course, kStart + 21);
  ASSERT_THAT(States(occasions), ElementsAre("0 missed", "7 overdue", "21 due"));
  EXPECT_EQ(occasions[2].rule, 1u);
}

TEST(OnceTest, OneAnswerServesEveryRuleThatWaits) {
  const courses::CopiedCourse course = Weekly(5, 0, 5);
  std::vector<AskedRule> rules = {Rule(PlanTiming::kEverySession), EveryWeeks(4)};
  rules[1].respondent = AnsweredBy::kClinicianRead;
  const std::vector<Occasion> occasions =
      Occasions(rules, course, kStart + 30, {Answered(kStart + 26, "s5")});
  ASSERT_THAT(occasions, SizeIs(7));
  EXPECT_EQ(States(occasions)[4], "28 done");
  EXPECT_EQ(States(occasions)[6], "28 done");
  EXPECT_EQ(occasions[6].rule, 1u);
}

// 23:30 in New York is the next day in UTC; the course's day counts.
TEST(ZoneTest, TheDayIsTheCoursesOwn) {
  const absl::TimeZone zone = Zone("America/New_York");
  courses::CopiedCourse course;
  course.state = courses::CopiedCourseState::kPlanned;
  course.planned_sessions = 1;
  course.duration_weeks = 1;
  AddSession(course, kStart, courses::CopiedSessionState::kBooked).start =
      absl::FromCivil(absl::CivilMinute(2026, 12, 31, 23, 30), zone);
  const std::vector<AskedRule> rules = {Rule(PlanTiming::kEverySession)};
  const std::vector<Occasion> occasions =
      OccasionsOf(rules, course, zone, {}, kLastScoreDays, CivilDay(2026, 12, 31));
  EXPECT_EQ(occasions[0].day, CivilDay(2026, 12, 31));
  PlanAnswer answer = Answered(kStart);
  answer.complete_time = absl::FromCivil(absl::CivilMinute(2026, 12, 31, 23, 45), zone);
  EXPECT_EQ(
      OccasionsOf(rules, course, zone, {answer}, kLastScoreDays, CivilDay(2027, 1, 1))[0].state,
      OccasionState::kDone);
}

// ---- Promises

RC_GTEST_PROP(DuePropertyTest, OneOccasionOfARuleIsOpenAtATime, ()) {
  courses::CopiedCourse course =
      Weekly(*rc::gen::inRange(0, 10), *rc::gen::inRange(0, 4), *rc::gen::inRange(7, 20));
  if (course.sessions.size() > 1 && *rc::gen::arbitrary<bool>()) {
    course.sessions[1].state = courses::CopiedSessionState::kBooked;  // never recorded
  }
  if (*rc::gen::arbitrary<bool>()) Close(course, kStart + *rc::gen::inRange(0, 100));
  if (*rc::gen::arbitrary<bool>()) {
    const CivilDay first = kStart + *rc::gen::inRange(0, 50);
    course.pauses = {{first, first + *rc::gen::inRange(0, 20)}};
  }
  std::vector<AskedRule> rules = {Rule(PlanTiming::kEverySession),
                                  EveryWeeks(*rc::gen::inRange(1, 6)),
                                  Rule(PlanTiming::kBaseline),
                                  Rule(PlanTiming::kPhaseChange),
                                  Rule(PlanTiming::kMidCourse),
                                  Rule(PlanTiming::kEnd),
                                  FollowUp({1, 3})};
  const CivilDay today = kStart + *rc::gen::inRange(-10, 250);
  std::vector<PlanAnswer> answers;
  const int count = *rc::gen::inRange(0, 6);
  for (int i = 0; i < count; ++i) {
    answers.push_back(Answered(today - *rc::gen::inRange(0, 120)));
  }
  for (AskedRule& rule : rules) {
    rule.rule.open_days_before = *rc::gen::inRange(0, 32);
    rule.rule.grace_days = *rc::gen::inRange(1, 63);
    rule.rule.voluntary = *rc::gen::arbitrary<bool>();
    const auto open = [](const Occasion& occasion) {
      return occasion.state == OccasionState::kDue || occasion.state == OccasionState::kOverdue;
    };
    std::vector<Occasion> occasions = Occasions({rule}, course, today, answers);
    for (size_t i = 0; i < occasions.size(); ++i) {
      const Occasion& occasion = occasions[i];
      RC_ASSERT(occasion.open_day <= occasion.day);
      RC_ASSERT(occasion.missed_day.value_or(CivilDay::max()) > occasion.day);
      RC_ASSERT((occasion.state == OccasionState::kDone) == !occasion.measurement_id.empty());
      // RC_ASSERT looks at both sides of an ||.
      if (i > 0) RC_ASSERT(occasions[i - 1].day < occasion.open_day);
    }
    RC_ASSERT(std::count_if(occasions.begin(), occasions.end(), open) <= 1);
    // Nothing is asked for right after it was answered.
    std::vector<PlanAnswer> with = answers;
    with.push_back(Answered(today));
    occasions = Occasions({rule}, course, today, with);
    RC_ASSERT(std::none_of(occasions.begin(), occasions.end(), open));
  }
}

}  // namespace
}  // namespace ipt::outcomes
