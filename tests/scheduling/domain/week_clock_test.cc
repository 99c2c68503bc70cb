#include "scheduling/domain/week_clock.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using absl::CivilDay;

const CivilDay kStart(2026, 1, 5);

TEST(WeekClockTest, SixteenWeeksEndOnDay112) {
  const WeekClock clock(kStart, 16, {}, 28);
  EXPECT_EQ(clock.deadline_day(), kStart + 111);
  EXPECT_EQ(clock.Deadline(Zone("Europe/London")), At(kStart + 112, 0, 0, Zone("Europe/London")));
  EXPECT_EQ(clock.WeekNumber(kStart - 1), 0);
  EXPECT_EQ(clock.WeekNumber(kStart), 1);
  EXPECT_EQ(clock.WeekNumber(kStart + 6), 1);
  EXPECT_EQ(clock.WeekNumber(kStart + 7), 2);
  EXPECT_EQ(clock.WeekNumber(kStart + 111), 16);
  EXPECT_EQ(clock.WeekNumber(kStart + 112), 17);
  EXPECT_EQ(clock.DaysLeft(kStart + 111), 0);
  EXPECT_EQ(clock.DaysLeft(kStart + 113), -2);
}

TEST(WeekClockTest, CrossesYearEndAndLeapDay) {
  EXPECT_EQ(WeekClock(CivilDay(2023, 12, 20), 16, {}, 28).deadline_day(), CivilDay(2024, 4, 9));
  EXPECT_EQ(WeekClock(CivilDay(2022, 12, 20), 16, {}, 28).deadline_day(), CivilDay(2023, 4, 10));
}

TEST(WeekClockTest, OverlappingPausesCountOnce) {
  const WeekClock clock(kStart, 16,
                        {PauseOf(kStart + 20, kStart + 29), PauseOf(kStart + 25, kStart + 33),
                         PauseOf(kStart + 20, kStart + 29)},
                        28);
  EXPECT_EQ(clock.pause_days(), 14);
  EXPECT_EQ(clock.deadline_day(), kStart + 111 + 14);
  EXPECT_EQ(clock.WeekNumber(kStart + 20), 3);
  EXPECT_EQ(clock.WeekNumber(kStart + 33), 3);
  EXPECT_EQ(clock.WeekNumber(kStart + 34), 3);
  EXPECT_EQ(clock.WeekNumber(kStart + 35), 4);
  EXPECT_EQ(clock.WeekNumber(clock.deadline_day()), 16);
}

TEST(WeekClockTest, CapBoundsWhatPausesMove) {
  const WeekClock clock(kStart, 16, {PauseOf(kStart + 10, kStart + 49)}, 28);
  EXPECT_EQ(clock.pause_days(), 28);
  EXPECT_EQ(clock.days_over_cap(), 12);
  EXPECT_EQ(clock.deadline_day(), kStart + 111 + 28);
  EXPECT_EQ(clock.WeekNumber(clock.deadline_day()), 16);
}

TEST(WeekClockTest, OnlyPausesWithinTheCourseCount) {
  // Ends before the start; straddles the start; begins after the deadline.
  EXPECT_EQ(WeekClock(kStart, 16, {PauseOf(kStart - 9, kStart - 1)}, 28).pause_days(), 0);
  EXPECT_EQ(WeekClock(kStart, 16, {PauseOf(kStart - 9, kStart + 1)}, 28).pause_days(), 2);
  EXPECT_EQ(WeekClock(kStart, 16, {PauseOf(kStart + 112, kStart + 120)}, 28).pause_days(), 0);
  // The last day still counts, and a pause that an earlier one draws in does, too.
  EXPECT_EQ(WeekClock(kStart, 16, {PauseOf(kStart + 111, kStart + 112)}, 28).pause_days(), 2);
  EXPECT_EQ(WeekClock(kStart, 16,
                      {PauseOf(kStart + 50, kStart + 51), PauseOf(kStart + 113, kStart + 113)}, 28)
                .pause_days(),
            3);
}

// The worked example of docs/scheduling.md, number by number.
TEST(WeekClockTest, KeepsTheDocumentedExample) {
  const CivilDay start(2027, 1, 11);
  std::vector<Pause> pauses;
  EXPECT_EQ(WeekClock(start, 16, pauses, 28).deadline_day(), CivilDay(2027, 5, 2));
  EXPECT_EQ(WeekClock(start, 16, pauses, 28).Deadline(Zone("Europe/London")),
            absl::FromCivil(absl::CivilHour(2027, 5, 2, 23), absl::UTCTimeZone()));
  pauses.push_back({{CivilDay(2027, 2, 15), CivilDay(2027, 2, 28)}, PauseReason::kIllness});
  EXPECT_EQ(WeekClock(start, 16, pauses, 28).deadline_day(), CivilDay(2027, 5, 16));
  pauses.push_back({{CivilDay(2027, 2, 22), CivilDay(2027, 3, 7)}, PauseReason::kTherapistAway});
  const WeekClock two(start, 16, pauses, 28);
  EXPECT_EQ(two.pause_days(), 21);
  EXPECT_EQ(two.deadline_day(), CivilDay(2027, 5, 23));
  EXPECT_EQ(two.WeekNumber(CivilDay(2027, 3, 8)), 6);
  EXPECT_EQ(two.DaysLeft(CivilDay(2027, 3, 8)), 76);
  pauses.push_back({{CivilDay(2027, 4, 5), CivilDay(2027, 4, 18)}, PauseReason::kPatientAway});
  const WeekClock three(start, 16, pauses, 28);
  EXPECT_EQ(three.pause_days(), 28);
  EXPECT_EQ(three.deadline_day(), CivilDay(2027, 5, 30));
}

TEST(FindCourseStartTest, StartsWithTheFirstAttendedSession) {
  const absl::TimeZone london = Zone("Europe/London");
  std::vector<Session> sessions = {
      SessionAt(At(kStart, 9, 0, london), SessionState::kNoShow),
      SessionAt(At(kStart + 3, 9, 0, london), SessionState::kCancelled)};
  EXPECT_FALSE(FindCourseStart(sessions, london).has_value());
  sessions.push_back(SessionAt(At(kStart + 7, 9, 0, london)));
  EXPECT_EQ(FindCourseStart(sessions, london)->day, kStart + 7);
  EXPECT_TRUE(FindCourseStart(sessions, london)->projected);
  sessions.push_back(SessionAt(At(kStart + 14, 9, 0, london), SessionState::kAttended));
  EXPECT_EQ(FindCourseStart(sessions, london)->day, kStart + 14);
  EXPECT_FALSE(FindCourseStart(sessions, london)->projected);
}

std::vector<Pause> AnyPauses() {
  std::vector<Pause> pauses;
  for (auto [first, length] : *rc::gen::container<std::vector<std::pair<int, int>>>(
           rc::gen::pair(rc::gen::inRange(-30, 200), rc::gen::inRange(1, 40)))) {
    pauses.push_back(PauseOf(kStart + first, kStart + (first + length - 1)));
  }
  return pauses;
}

RC_GTEST_PROP(WeekClockPropertyTest, APauseNeverShortensADeadline, ()) {
  std::vector<Pause> pauses = AnyPauses();
  const int weeks = *rc::gen::inRange(1, 30);
  const int cap = *rc::gen::inRange(0, 100);
  const CivilDay before = WeekClock(kStart, weeks, pauses, cap).deadline_day();
  for (const Pause& more : AnyPauses()) pauses.push_back(more);
  RC_ASSERT(WeekClock(kStart, weeks, pauses, cap).deadline_day() >= before);
}

// Counted one day after the other: a day passes unless it is paused and the cap is not used up, and
// the deadline is the day on which the last of 7 * weeks days passes. A pause over the end counts
// with all its days.
RC_GTEST_PROP(WeekClockPropertyTest, AgreesWithCountingDays, ()) {
  const std::vector<Pause> pauses = AnyPauses();
  const int weeks = *rc::gen::inRange(1, 30);
  const int cap = *rc::gen::inRange(0, 100);
  int moved = 0;
  std::set<CivilDay> counted;
  CivilDay deadline = kStart + (7 * weeks - 1);
  for (CivilDay day = kStart; day <= deadline; ++day) {
    if (!InPause(day, pauses) || moved == cap) continue;
    ++moved;
    ++deadline;
    counted.insert(day);
  }
  const WeekClock clock(kStart, weeks, pauses, cap);
  RC_ASSERT(clock.deadline_day() == deadline);
  RC_ASSERT(clock.pause_days() == moved);
  int passed = 0;
  for (CivilDay day = kStart; day <= deadline; ++day) {
    RC_ASSERT(clock.WeekNumber(day) == passed / 7 + 1);
    passed += counted.count(day) == 0;
  }
}

RC_GTEST_PROP(WeekClockPropertyTest, TheOrderOfPausesAndTheirRepetitionDoNotMatter, ()) {
  std::vector<Pause> pauses = AnyPauses();
  const WeekClock clock(kStart, 16, pauses, 28);
  std::vector<Pause> twice(pauses.rbegin(), pauses.rend());
  twice.insert(twice.end(), pauses.begin(), pauses.end());
  RC_ASSERT(WeekClock(kStart, 16, twice, 28).deadline_day() == clock.deadline_day());
  RC_ASSERT(PauseDays(twice) == PauseDays(pauses));
}

}  // namespace
}  // namespace ipt::scheduling
