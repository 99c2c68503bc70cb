#include "scheduling/domain/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using absl::CivilDay;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum SessionState;

const CivilDay kMonday(2026, 1, 5);

class PlannerTest : public ::testing::Test {
 protected:
  absl::Time T(CivilDay day, int hour, int minute = 0) const {
    return At(day, hour, minute, zone_);
  }

  CoursePlan Plan(absl::Time earliest, int count = 0) {
    return PlanCourse({course_, DefaultVariant(), sessions_, zone_, 28, earliest, count},
                      calendar_);
  }

  std::vector<PlanVerdict> Verdicts(const CoursePlan& plan) {
    std::vector<PlanVerdict> verdicts;
    for (const PlannedSession& session : plan.sessions) verdicts.push_back(session.verdict);
    return verdicts;
  }

  void Attend(int count) {
    for (int i = 0; i < count; ++i) {
      sessions_.push_back(SessionAt(T(kMonday + 7 * i, 9), kAttended));
    }
  }

  absl::TimeZone zone_ = Zone("Europe/London");
  Course course_ = WeeklyCourse("Europe/London");
  std::vector<Session> sessions_;
  CalendarInputs calendar_ = Calendar(Zone("Europe/London"), OfficeHours(9, 17));
};

TEST_F(PlannerTest, KeepsOneWeekdayAndTimeFromTheEarliestFinish) {
  const CoursePlan plan = Plan(T(kMonday - 2, 12));
  ASSERT_THAT(plan.sessions, SizeIs(16));
  EXPECT_EQ(plan.unplaced_sessions, 0);
  EXPECT_EQ(plan.day, Weekday::kMonday);
  EXPECT_EQ(plan.minute_of_day, 540);
  EXPECT_EQ(plan.finish_day, kMonday + 105);
  EXPECT_EQ(plan.deadline_day, kMonday + 111);
  EXPECT_EQ(plan.slack_days, 6);
  for (int i = 0; i < 16; ++i) {
    const PlannedSession& session = plan.sessions[i];
    EXPECT_EQ(session.interval.start, T(kMonday + 7 * i, 9));  // over the change of 29 March
    EXPECT_EQ(session.session_number, i + 1);
    EXPECT_EQ(session.verdict, PlanVerdict::kOnPattern);
    EXPECT_THAT(session.reasons, IsEmpty());
    EXPECT_THAT(session.alternatives, SizeIs(5));
  }
  EXPECT_EQ(plan.sessions[12].phase, Phase::kTermination);
  EXPECT_EQ(plan.sessions[1].alternatives[0], T(kMonday + 7, 9, 15));
}

TEST_F(PlannerTest, GoesOnAsTheCourseHasGone) {
  for (int i = 0; i < 4; ++i) {
    sessions_.push_back(SessionAt(T(kMonday + 2 + 7 * i, 10, 30), kAttended));
  }
  const CoursePlan plan = Plan(T(kMonday + 24, 8));
  EXPECT_EQ(plan.day, Weekday::kWednesday);
  EXPECT_EQ(plan.minute_of_day, 630);
  EXPECT_EQ(plan.sessions.front().interval.start, T(kMonday + 30, 10, 30));
  EXPECT_EQ(plan.sessions.front().session_number, 5);
  EXPECT_EQ(plan.unplaced_sessions, 0);
  EXPECT_THAT(Verdicts(plan), Each(PlanVerdict::kOnPattern));
}

TEST_F(PlannerTest, TakesAnotherTimeThenAnotherDay) {
  Attend(4);
  calendar_.therapist_busy = {{T(kMonday + 35, 8), T(kMonday + 35, 10)}};
  calendar_.holidays = {kMonday + 42};
  const CoursePlan plan = Plan(T(kMonday + 22, 8));
  ASSERT_THAT(plan.sessions, SizeIs(12));
  EXPECT_EQ(plan.sessions[1].interval.start, T(kMonday + 35, 10));
  EXPECT_EQ(plan.sessions[1].verdict, PlanVerdict::kOtherTime);
  EXPECT_THAT(plan.sessions[1].reasons, ElementsAre(DeviationReason::kTherapistBooked));
  EXPECT_EQ(plan.sessions[2].interval.start, T(kMonday + 43, 9));
  EXPECT_EQ(plan.sessions[2].verdict, PlanVerdict::kOtherDay);
  EXPECT_THAT(plan.sessions[2].reasons, ElementsAre(DeviationReason::kHoliday));
  EXPECT_EQ(plan.sessions[3].verdict, PlanVerdict::kOnPattern);
}

TEST_F(PlannerTest, PassesOverAWeekOfLeaveIfTheDeadlineLetsIt) {
  Attend(4);
  course_.planned_sessions = 15;
  calendar_.time_off = {{T(kMonday + 40, 0), T(kMonday + 47, 0)}};
  const CoursePlan plan = Plan(T(kMonday + 22, 8));
  ASSERT_THAT(plan.sessions, SizeIs(11));
  EXPECT_THAT(Verdicts(plan), Each(PlanVerdict::kOnPattern));
  EXPECT_EQ(plan.sessions[2].interval.start, T(kMonday + 49, 9));
  EXPECT_EQ(plan.slack_days, 6);
}

TEST_F(PlannerTest, LeavesTheCadenceOnlyToMeetTheDeadline) {
  Attend(4);
  calendar_.time_off = {{T(kMonday + 26, 0), T(kMonday + 54, 0)}};
  const CoursePlan plan = Plan(T(kMonday + 22, 8));
  EXPECT_EQ(plan.unplaced_sessions, 0);
  ASSERT_THAT(plan.sessions, SizeIs(12));
  EXPECT_THAT(Verdicts(plan), Contains(PlanVerdict::kOffCadence));
  for (size_t i = 0; i < plan.sessions.size(); ++i) {
    const PlannedSession& session = plan.sessions[i];
    if (session.verdict == PlanVerdict::kOffCadence) {
      EXPECT_THAT(session.reasons, Contains(DeviationReason::kDeadline));
    }
    EXPECT_LE(session.interval.end, T(kMonday + 112, 0));
    if (i > 0) {
      EXPECT_LT(LocalDay(plan.sessions[i - 1].interval.start, zone_),
                LocalDay(session.interval.start, zone_));
    }
  }
}

TEST_F(PlannerTest, SaysHowManyFindNoPlace) {
  Attend(4);
  calendar_.time_off = {{T(kMonday + 22, 0), T(kMonday + 108, 0)}};  // two working days are left
  const CoursePlan plan = Plan(T(kMonday + 22, 8));
  EXPECT_EQ(plan.unplaced_sessions, 10);
  EXPECT_THAT(plan.sessions, SizeIs(2));
}

TEST_F(PlannerTest, BookedSessionsAreFixedPoints) {
  Attend(2);
  sessions_.push_back(SessionAt(T(kMonday + 14, 9)));
  sessions_.push_back(SessionAt(T(kMonday + 29, 15)));
  const CoursePlan plan = Plan(T(kMonday + 8, 8));
  ASSERT_THAT(plan.sessions, SizeIs(12));
  EXPECT_EQ(plan.sessions[0].session_number, 4);  // between the two
  EXPECT_EQ(LocalDay(plan.sessions[0].interval.start, zone_), kMonday + 22);
  EXPECT_EQ(plan.sessions[1].session_number, 6);
  EXPECT_EQ(plan.sessions[1].interval.start, T(kMonday + 36, 15));
}

TEST_F(PlannerTest, StartsNothingBeforeTheFirstBookedSession) {
  sessions_.push_back(SessionAt(T(kMonday + 21, 9)));
  const CoursePlan plan = Plan(T(kMonday, 8));
  ASSERT_THAT(plan.sessions, SizeIs(15));
  EXPECT_EQ(plan.sessions[0].interval.start, T(kMonday + 28, 9));
  EXPECT_EQ(plan.sessions[0].session_number, 2);
  EXPECT_EQ(plan.deadline_day, kMonday + 21 + 111);
}

TEST_F(PlannerTest, PlansAsManyAsAsked) {
  const CoursePlan plan = Plan(T(kMonday - 2, 12), 3);
  EXPECT_THAT(plan.sessions, SizeIs(3));
  EXPECT_EQ(plan.unplaced_sessions, 0);
  EXPECT_THAT(Plan(T(kMonday - 2, 12), 99).sessions, SizeIs(16));
}

TEST_F(PlannerTest, NothingToPlanIsAnEmptyPlan) {
  Attend(16);
  CoursePlan plan = Plan(T(kMonday + 106, 8));
  EXPECT_THAT(plan.sessions, IsEmpty());
  EXPECT_EQ(plan.unplaced_sessions, 0);
  EXPECT_EQ(plan.deadline_day, kMonday + 111);
  sessions_.pop_back();
  plan = Plan(T(kMonday + 112, 0));  // the deadline has passed
  EXPECT_THAT(plan.sessions, IsEmpty());
  EXPECT_EQ(plan.unplaced_sessions, 1);
}

TEST_F(PlannerTest, TheDeadlineFollowsFromThePlansStart) {
  calendar_.time_off = {{T(kMonday, 0), T(kMonday + 30, 0)}};
  const CoursePlan plan = Plan(T(kMonday, 8));
  EXPECT_EQ(plan.unplaced_sessions, 0);
  const CivilDay first = LocalDay(plan.sessions.front().interval.start, zone_);
  EXPECT_GE(first, kMonday + 30);
  EXPECT_EQ(plan.deadline_day, first + 111);
}

TEST_F(PlannerTest, KeepsToThePatientsWindows) {
  course_.preferred_windows = {{Weekday::kTuesday, 840, 960}};
  const CoursePlan plan = Plan(T(kMonday, 8));
  EXPECT_EQ(plan.day, Weekday::kTuesday);
  EXPECT_EQ(plan.minute_of_day, 840);
  EXPECT_THAT(Verdicts(plan), Each(PlanVerdict::kOnPattern));
}

TEST_F(PlannerTest, ReportsAStartThatClocksSkip) {
  // Sundays 01:00 do not exist on 29 March 2026.
  calendar_.working_hours = {{Weekday::kSunday, 60, 180}};
  calendar_.slot_minutes = 60;
  course_.preferred_windows = {{Weekday::kSunday, 60, 180}};
  const CivilDay sunday(2026, 3, 1);
  sessions_.push_back(SessionAt(T(sunday, 1), kAttended));
  const CoursePlan plan = Plan(T(sunday, 8));
  const PlannedSession& moved = plan.sessions[3];
  EXPECT_EQ(moved.interval.start, T(CivilDay(2026, 3, 29), 2));
  EXPECT_EQ(moved.verdict, PlanVerdict::kOtherTime);
  EXPECT_THAT(moved.reasons, Contains(DeviationReason::kClockChange));
  EXPECT_EQ(plan.minute_of_day, 60);
}

TEST_F(PlannerTest, FortnightlyCoursesKeepTheirWeekday) {
  course_.cadence_days = 14;
  course_.planned_sessions = 8;
  const CoursePlan plan = Plan(T(kMonday, 8));
  ASSERT_THAT(plan.sessions, SizeIs(8));
  EXPECT_THAT(Verdicts(plan), Each(PlanVerdict::kOnPattern));
  EXPECT_EQ(plan.finish_day, kMonday + 98);
}

TEST_F(PlannerTest, TenDayCadenceKeepsItsTime) {
  course_.cadence_days = 10;
  course_.planned_sessions = 8;
  calendar_.working_hours.push_back({Weekday::kSaturday, 540, 1020});
  calendar_.working_hours.push_back({Weekday::kSunday, 540, 1020});
  const CoursePlan plan = Plan(T(kMonday, 8));
  ASSERT_THAT(plan.sessions, SizeIs(8));
  EXPECT_THAT(Verdicts(plan), Each(PlanVerdict::kOnPattern));
  EXPECT_EQ(plan.finish_day, kMonday + 70);
}

}  // namespace
}  // namespace ipt::scheduling
