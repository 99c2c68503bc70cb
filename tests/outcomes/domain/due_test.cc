#include "outcomes/domain/due.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using absl::CivilDay;
using absl::CivilHour;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

const CivilDay kStart(2026, 3, 2);  // a Monday

absl::Time At(const absl::TimeZone& zone, CivilDay day, int hour = 10) {
  return absl::FromCivil(CivilHour(day) + hour, zone);
}

// Weekly sessions at 10:00 from kStart on.
PlanCourse Weekly(int sessions, const std::string& zone = "Europe/London") {
  PlanCourse course;
  course.indication = "depression";
  course.zone = Zone(zone);
  course.clock_start = kStart;
  for (int i = 0; i < sessions; ++i) {
    course.sessions.push_back({.start = At(course.zone, kStart + 7 * i),
                               .number = i + 1,
                               .phase = i < 3   ? "initial"
                                        : i < 6 ? "middle"
                                                : "termination"});
  }
  return course;
}

Plan Every(PlanTiming timing, int every_weeks = 0, std::vector<int> months = {}) {
  return {.items = {{.measure = "phq-9",
                     .indications = {},
                     .timing = timing,
                     .every_weeks = every_weeks,
                     .months = std::move(months),
                     .days_before = 0,
                     .grace_days = 0}}};
}

std::vector<std::string> States(const std::vector<Occasion>& occasions) {
  std::vector<std::string> states;
  for (const Occasion& occasion : occasions) {
    const char* const kNames[] = {"upcoming", "due", "overdue", "done", "missed"};
    states.push_back(absl::StrCat(occasion.number, " ", kNames[static_cast<int>(occasion.state)]));
  }
  return states;
}

PlanAnswer Answered(absl::Time at, std::optional<int> session = std::nullopt) {
  return {.measure = "phq-9", .completed_at = at, .session_number = session};
}

TEST(EverySessionTest, IsDueOnItsDayAndOverdueAfterIt) {
  const PlanCourse course = Weekly(2);
  const Plan plan = Every(PlanTiming::kEverySession);
  const auto at = [&](absl::Time now) { return States(OccasionsOf(plan, course, {}, now)); };
  const absl::Time midnight = At(course.zone, kStart, 0);
  EXPECT_THAT(at(midnight - absl::Seconds(1)), ElementsAre("1 upcoming"));
  EXPECT_THAT(at(midnight), ElementsAre("1 due", "2 upcoming"));
  EXPECT_THAT(at(At(course.zone, kStart + 1, 0) - absl::Seconds(1)),
              ElementsAre("1 due", "2 upcoming"));
  EXPECT_THAT(at(At(course.zone, kStart + 1, 0)), ElementsAre("1 overdue", "2 upcoming"));
  EXPECT_THAT(at(At(course.zone, kStart + 7, 0)), ElementsAre("1 missed", "2 due"));
  EXPECT_THAT(at(At(course.zone, kStart + 30, 0)), ElementsAre("1 missed", "2 overdue"));
}

TEST(EverySessionTest, DaysBeforeAndGraceMoveItsEnds) {
  const PlanCourse course = Weekly(1);
  Plan plan = Every(PlanTiming::kEverySession);
  plan.items[0].days_before = 2;
  plan.items[0].grace_days = 1;
  const Occasion occasion = OccasionsOf(plan, course, {}, absl::UnixEpoch())[0];
  EXPECT_EQ(occasion.day, kStart);
  EXPECT_EQ(occasion.opens, At(course.zone, kStart - 2, 0));
  EXPECT_EQ(occasion.overdue_from, At(course.zone, kStart + 2, 0));
  EXPECT_EQ(occasion.ends, std::nullopt);
}

TEST(EverySessionTest, AnAnswerInItsTimeOrBoundToItIsTheOne) {
  const PlanCourse course = Weekly(3);
  const Plan plan = Every(PlanTiming::kEverySession);
  const absl::Time now = At(course.zone, kStart + 14, 12);
  EXPECT_THAT(States(OccasionsOf(plan, course, {Answered(At(course.zone, kStart + 8))}, now)),
              ElementsAre("1 missed", "2 done", "3 due"));
  // A paper form of session 1, dated late: it is the first's, and not the second's.
  const std::vector<Occasion> occasions =
      OccasionsOf(plan, course, {Answered(At(course.zone, kStart + 8), 1)}, now);
  EXPECT_THAT(States(occasions), ElementsAre("1 done", "2 missed", "3 due"));
  EXPECT_EQ(occasions[0].done_at, At(course.zone, kStart + 8));
  // Of another measure: none's.
  PlanAnswer other = Answered(At(course.zone, kStart + 8));
  other.measure = "gad-7";
  EXPECT_THAT(States(OccasionsOf(plan, course, {other}, now)),
              ElementsAre("1 missed", "2 missed", "3 due"));
}

TEST(EverySessionTest, OfTwoOnOneDayTheFirstGivesWayWhenItHasBegun) {
  PlanCourse course = Weekly(1);
  course.sessions.push_back(
      {.start = At(course.zone, kStart, 15), .number = 2, .phase = "initial"});
  const Plan plan = Every(PlanTiming::kEverySession);
  const std::vector<PlanAnswer> answers = {Answered(At(course.zone, kStart, 9)),
                                           Answered(At(course.zone, kStart, 14))};
  EXPECT_THAT(States(OccasionsOf(plan, course, answers, At(course.zone, kStart, 16))),
              ElementsAre("1 done", "2 done"));
  EXPECT_THAT(States(OccasionsOf(plan, course, {answers[0]}, At(course.zone, kStart, 16))),
              ElementsAre("1 done", "2 due"));
}

TEST(EveryWeeksTest, CountsFromTheClocksStart) {
  const PlanCourse course = Weekly(10);
  const Plan plan = Every(PlanTiming::kEveryWeeks, 4);
  const absl::Time now = At(course.zone, kStart + 28, 9);
  EXPECT_THAT(States(OccasionsOf(plan, course, {Answered(At(course.zone, kStart))}, now)),
              ElementsAre("0 done", "4 due", "8 upcoming"));
  EXPECT_THAT(States(OccasionsOf(plan, course, {}, now - absl::Hours(10))),
              ElementsAre("0 overdue", "4 upcoming"));
  PlanCourse not_started = course;
  not_started.clock_start.reset();
  EXPECT_THAT(OccasionsOf(plan, not_started, {}, now), IsEmpty());
}

TEST(PhaseChangeTest, IsTheFirstSessionOfEachPhase) {
  const PlanCourse course = Weekly(8);
  const std::vector<Occasion> occasions =
      OccasionsOf(Every(PlanTiming::kPhaseChange), course, {}, At(course.zone, kStart + 42, 11));
  EXPECT_THAT(States(occasions), ElementsAre("1 missed", "2 missed", "3 due"));
  EXPECT_EQ(occasions[1].phase, "middle");
  EXPECT_EQ(occasions[1].day, kStart + 21);
  EXPECT_EQ(occasions[2].phase, "termination");
}

TEST(FollowUpTest, IsMonthsAfterTheClose) {
  PlanCourse course = Weekly(4);
  const Plan plan = Every(PlanTiming::kFollowUp, 0, {3, 6, 12});
  EXPECT_THAT(OccasionsOf(plan, course, {}, At(course.zone, kStart + 400)), IsEmpty());
  course.closed = CivilDay(2026, 8, 31);
  std::vector<Occasion> occasions =
      OccasionsOf(plan, course, {}, At(course.zone, CivilDay(2027, 2, 28), 0));
  EXPECT_THAT(States(occasions), ElementsAre("3 missed", "6 due", "12 upcoming"));
  EXPECT_EQ(occasions[0].day, CivilDay(2026, 11, 30));
  EXPECT_EQ(occasions[1].day, CivilDay(2027, 2, 28));
  EXPECT_EQ(occasions[2].day, CivilDay(2027, 8, 31));
  occasions = OccasionsOf(plan, course, {}, At(course.zone, CivilDay(2030, 1, 1)));
  EXPECT_THAT(States(occasions), ElementsAre("3 missed", "6 missed", "12 overdue"));
}

TEST(MonthsAfterTest, KeepsToTheMonthsLastDay) {
  EXPECT_EQ(MonthsAfter(CivilDay(2026, 1, 15), 3), CivilDay(2026, 4, 15));
  EXPECT_EQ(MonthsAfter(CivilDay(2026, 10, 31), 4), CivilDay(2027, 2, 28));
  EXPECT_EQ(MonthsAfter(CivilDay(2027, 11, 30), 3), CivilDay(2028, 2, 29));
  EXPECT_EQ(MonthsAfter(CivilDay(2028, 2, 29), 12), CivilDay(2029, 2, 28));
  EXPECT_EQ(MonthsAfter(CivilDay(2026, 12, 31), 6), CivilDay(2027, 6, 30));
}

TEST(CloseTest, LeavesTimeToCatchUp) {
  PlanCourse course = Weekly(4);
  course.closed = kStart + 21;
  Plan plan = Every(PlanTiming::kEverySession);
  plan.catch_up_days = 14;
  const auto at = [&](CivilDay day) {
    return States(OccasionsOf(plan, course, {}, At(course.zone, day, 0))).back();
  };
  EXPECT_EQ(at(kStart + 21), "4 due");
  EXPECT_EQ(at(kStart + 35), "4 overdue");
  EXPECT_EQ(at(kStart + 36), "4 missed");
  // Booked sessions after the close are none.
  course.closed = kStart + 20;
  EXPECT_EQ(at(kStart + 25), "3 overdue");
}

TEST(CloseTest, AFollowUpEndsCatchingUp) {
  PlanCourse course = Weekly(4);
  course.closed = kStart + 21;
  Plan plan = Every(PlanTiming::kEveryWeeks, 1);
  plan.catch_up_days = 60;
  plan.items.push_back(Every(PlanTiming::kFollowUp, 0, {1}).items[0]);
  const absl::Time follow_up = At(course.zone, MonthsAfter(kStart + 21, 1), 0);
  EXPECT_THAT(States(OccasionsOf(plan, course, {}, follow_up - absl::Seconds(1))),
              ElementsAre("0 missed", "1 missed", "2 missed", "3 overdue", "1 upcoming"));
  EXPECT_THAT(States(OccasionsOf(plan, course, {}, follow_up)),
              ElementsAre("0 missed", "1 missed", "2 missed", "3 missed", "1 due"));
}

TEST(IndicationTest, ChoosesTheItems) {
  PlanCourse course = Weekly(1);
  Plan plan = Every(PlanTiming::kEverySession);
  plan.items[0].indications = {"perinatal-depression", "depression"};
  EXPECT_EQ(OccasionsOf(plan, course, {}, At(course.zone, kStart)).size(), 1u);
  plan.items[0].indications = {"ptsd"};
  EXPECT_THAT(OccasionsOf(plan, course, {}, At(course.zone, kStart)), IsEmpty());
}

TEST(DueNowTest, AsksOnceForAMeasureTheOverdueFirst) {
  const PlanCourse course = Weekly(6);
  Plan plan = Every(PlanTiming::kEverySession);
  plan.items.push_back(Every(PlanTiming::kEveryWeeks, 2).items[0]);
  plan.items.push_back(plan.items[0]);
  plan.items[2].measure = "gad-7";
  // Session 3's are due; that of week 2 is, too; session 2's have given way.
  std::vector<Occasion> due =
      DueNow(OccasionsOf(plan, course, {}, At(course.zone, kStart + 14, 12)));
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].measure, "phq-9");
  EXPECT_EQ(due[1].measure, "gad-7");
  // One answer serves both items.
  due = DueNow(OccasionsOf(plan, course, {Answered(At(course.zone, kStart + 14, 9))},
                           At(course.zone, kStart + 14, 12)));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].measure, "gad-7");
  // A day later the sessions' are overdue.
  due = DueNow(OccasionsOf(plan, course, {}, At(course.zone, kStart + 15, 12)));
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].state, OccasionState::kOverdue);
}

// ---- Days and clocks

// London goes forward on 29 March 2026 at 01:00, so that this day has 23 hours.
TEST(ClockChangeTest, ADayIsDueFromItsFirstInstantToItsLast) {
  PlanCourse course;
  course.zone = Zone("Europe/London");
  course.sessions = {{.start = At(course.zone, CivilDay(2026, 3, 29)), .number = 1, .phase = ""}};
  const Occasion spring =
      OccasionsOf(Every(PlanTiming::kEverySession), course, {}, absl::UnixEpoch())[0];
  EXPECT_EQ(spring.overdue_from - spring.opens, absl::Hours(23));
  course.sessions = {{.start = At(course.zone, CivilDay(2026, 10, 25)), .number = 1, .phase = ""}};
  const Occasion autumn =
      OccasionsOf(Every(PlanTiming::kEverySession), course, {}, absl::UnixEpoch())[0];
  EXPECT_EQ(autumn.overdue_from - autumn.opens, absl::Hours(25));
}

// Beirut skips midnight of 29 March 2026: the day begins at 01:00.
TEST(ClockChangeTest, ADayWithoutMidnightBeginsAtTheEndOfTheGap) {
  PlanCourse course;
  course.zone = Zone("Asia/Beirut");
  course.sessions = {{.start = At(course.zone, CivilDay(2026, 3, 29)), .number = 1, .phase = ""}};
  const Occasion occasion =
      OccasionsOf(Every(PlanTiming::kEverySession), course, {}, absl::UnixEpoch())[0];
  EXPECT_EQ(absl::FormatTime("%H:%M", occasion.opens, course.zone), "01:00");
  EXPECT_EQ(absl::ToCivilDay(occasion.opens, course.zone), CivilDay(2026, 3, 29));
}

// 23:30 in New York is the next day in UTC; the course's day counts.
TEST(ClockChangeTest, TheDayIsTheCoursesOwn) {
  PlanCourse course;
  course.zone = Zone("America/New_York");
  course.sessions = {
      {.start = absl::FromCivil(absl::CivilMinute(2026, 12, 31, 23, 30), course.zone),
       .number = 1,
       .phase = ""}};
  const Occasion occasion =
      OccasionsOf(Every(PlanTiming::kEverySession), course, {}, absl::UnixEpoch())[0];
  EXPECT_EQ(occasion.day, CivilDay(2026, 12, 31));
  EXPECT_EQ(occasion.overdue_from, absl::FromCivil(CivilDay(2027, 1, 1), course.zone));
}

TEST(ClockChangeTest, WeeksGoOverAYearsEnd) {
  PlanCourse course;
  course.zone = Zone("Europe/London");
  course.clock_start = CivilDay(2026, 12, 21);
  const std::vector<Occasion> occasions = OccasionsOf(Every(PlanTiming::kEveryWeeks, 2), course, {},
                                                      At(course.zone, CivilDay(2027, 1, 4), 0));
  EXPECT_THAT(States(occasions), ElementsAre("0 missed", "2 due", "4 upcoming"));
  EXPECT_EQ(occasions[1].day, CivilDay(2027, 1, 4));
}

// ---- Promises

RC_GTEST_PROP(DuePropertyTest, OneOccasionOfAnItemIsOpenAtATime, ()) {
  PlanCourse course = Weekly(*rc::gen::inRange(0, 10),
                             *rc::gen::element<std::string>("Europe/London", "Asia/Beirut"));
  if (*rc::gen::arbitrary<bool>()) course.closed = kStart + *rc::gen::inRange(0, 80);
  Plan plan;
  plan.items = {Every(PlanTiming::kEverySession).items[0],
                Every(PlanTiming::kEveryWeeks, *rc::gen::inRange(1, 6)).items[0],
                Every(PlanTiming::kPhaseChange).items[0],
                Every(PlanTiming::kFollowUp, 0, {1, 3}).items[0]};
  const absl::Time now = At(course.zone, kStart, 0) + absl::Hours(*rc::gen::inRange(-100, 4000));
  std::vector<PlanAnswer> answers;
  const int count = *rc::gen::inRange(0, 6);
  for (int i = 0; i < count; ++i) {
    answers.push_back(Answered(now - absl::Hours(*rc::gen::inRange(0, 3000))));
  }
  for (PlanItem& item : plan.items) {
    item.days_before = *rc::gen::inRange(0, 6);
    Plan one{.items = {item}};
    int open = 0;
    int upcoming = 0;
    const Occasion* before = nullptr;
    const std::vector<Occasion> occasions = OccasionsOf(one, course, answers, now);
    for (const Occasion& occasion : occasions) {
      open += occasion.state == OccasionState::kDue || occasion.state == OccasionState::kOverdue;
      upcoming += occasion.state == OccasionState::kUpcoming;
      RC_ASSERT(occasion.opens < occasion.overdue_from);
      RC_ASSERT((occasion.state == OccasionState::kDone) == occasion.done_at.has_value());
      if (before != nullptr) RC_ASSERT(before->opens <= occasion.opens);
      before = &occasion;
    }
    RC_ASSERT(open <= 1);
    RC_ASSERT(upcoming <= 1);
  }
  // Nothing is asked for right after it was answered.
  answers.push_back(Answered(now));
  RC_ASSERT(DueNow(OccasionsOf(plan, course, answers, now)).empty());
}

TEST(CheckPlanTest, AcceptsWhatIsUsual) {
  Plan plan = Every(PlanTiming::kEverySession);
  plan.items.push_back(Every(PlanTiming::kEveryWeeks, 4).items[0]);
  plan.items.push_back(Every(PlanTiming::kPhaseChange).items[0]);
  plan.items.push_back(Every(PlanTiming::kFollowUp, 0, {3, 6, 12}).items[0]);
  FieldViolations bad;
  CheckPlan(plan, bad.In("plan"));
  EXPECT_TRUE(bad.empty());
}

TEST(CheckPlanTest, NamesEveryBadField) {
  Plan plan = Every(PlanTiming::kEverySession, 2, {3});
  plan.items[0].measure = "";
  plan.items[0].indications = {"ptsd", "ptsd"};
  plan.items.push_back(Every(PlanTiming::kEveryWeeks, 0).items[0]);
  plan.items.push_back(Every(PlanTiming::kEveryWeeks, 1).items[0]);
  plan.items[2].days_before = 7;
  plan.items.push_back(Every(PlanTiming::kFollowUp).items[0]);
  plan.items.push_back(Every(PlanTiming::kFollowUp, 0, {0, 6, 6}).items[0]);
  plan.items[4].grace_days = 28;
  plan.catch_up_days = 93;
  FieldViolations bad;
  CheckPlan(plan, bad.In("plan"));
  EXPECT_THAT(bad.ToStatus(),
              testing::HasBadFields(
                  "plan.items[0].measure", "plan.items[0].indications", "plan.items[0].every_weeks",
                  "plan.items[0].months", "plan.items[1].every_weeks", "plan.items[2].days_before",
                  "plan.items[3].months", "plan.items[4].months[0]", "plan.items[4].months[2]",
                  "plan.items[4].grace_days", "plan.catch_up_days"));
}

}  // namespace
}  // namespace ipt::outcomes
