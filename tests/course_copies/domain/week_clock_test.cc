// The copy's weeks are scheduling's.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "course_copies/domain/course_copies.h"
#include "scheduling/domain/week_clock.h"

namespace ipt::courses {
namespace {

using absl::CivilDay;

const CivilDay kStart(2026, 3, 2);

RC_GTEST_PROP(WeekClockPropertyTest, TheCopyCountsAsSchedulingDoes, ()) {
  CopiedCourse course;
  course.duration_weeks = *rc::gen::inRange(1, 20);
  std::vector<scheduling::Pause> pauses;
  const int count = *rc::gen::inRange(0, 5);
  for (int i = 0; i < count; ++i) {
    const CivilDay first = kStart + *rc::gen::inRange(-20, 200);
    const CivilDay last = first + *rc::gen::inRange(0, 40);
    scheduling::Pause pause;
    pause.days = {first, last};
    pauses.push_back(pause);
    course.pauses.push_back({first, last});
  }
  std::sort(course.pauses.begin(), course.pauses.end(),
            [](const CopiedPause& a, const CopiedPause& b) { return a.first_day < b.first_day; });
  const scheduling::WeekClock clock(kStart, course.duration_weeks, pauses,
                                    *rc::gen::inRange(0, 60));
  course.start_day = kStart;
  course.deadline_day = clock.deadline_day();
  for (int day = -3; day < 300; ++day) {
    RC_ASSERT(course.WeekOf(kStart + day) == clock.WeekNumber(kStart + day));
  }
  for (int week = 1; week < 30; ++week) {
    const CivilDay first = course.FirstDayOfWeek(kStart, week);
    RC_ASSERT(clock.WeekNumber(first) == week);
    RC_ASSERT(clock.WeekNumber(first + 1) == week);
  }
}

TEST(CopiedWeeksTest, NoWeekBeginsInAPause) {
  CopiedCourse course;
  course.duration_weeks = 4;
  course.start_day = kStart;
  course.pauses = {{kStart + 7, kStart + 9}};
  course.deadline_day = kStart + 30;
  EXPECT_EQ(course.WeekOf(kStart + 6), 1);
  EXPECT_EQ(course.WeekOf(kStart + 7), 2);
  EXPECT_EQ(course.WeekOf(kStart + 9), 2);
  EXPECT_EQ(course.FirstDayOfWeek(kStart, 2), kStart + 10);
  EXPECT_EQ(course.FirstDayOfWeek(kStart, 3), kStart + 17);
  // The clinic's cap let one day of it through.
  course.deadline_day = kStart + 28;
  EXPECT_EQ(course.FirstDayOfWeek(kStart, 2), kStart + 8);
  // Nothing is known of its end.
  course.deadline_day.reset();
  EXPECT_EQ(course.FirstDayOfWeek(kStart, 2), kStart + 10);
  course.start_day.reset();
  EXPECT_EQ(course.WeekOf(kStart), 0);
}

}  // namespace
}  // namespace ipt::courses
