#include "scheduling/domain/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using absl::CivilDay;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum SessionState;

const CivilDay kMonday(2026, 1, 5);

class ForecastTest : public ::testing::Test {
 protected:
  absl::Time T(CivilDay day, int hour, int minute = 0) const {
    return At(day, hour, minute, zone_);
  }

  // Sessions on Mondays at 09:00, from kMonday.
  void AddWeekly(int count, SessionState state) {
    for (int i = 0; i < count; ++i) {
      sessions_.push_back(SessionAt(T(kMonday + 7 * static_cast<int>(sessions_.size()), 9), state));
    }
  }

  CourseOutlook Compute(absl::Time now) {
    windows_.clear();
    auto load = [this](Interval window) -> absl::StatusOr<CalendarInputs> {
      windows_.push_back(window);
      return calendar_;
    };
    return ComputeOutlook({course_, DefaultVariant(), sessions_, zone_, 28, now}, load).value();
  }

  absl::TimeZone zone_ = Zone("Europe/London");
  Course course_ = WeeklyCourse("Europe/London");
  std::vector<Session> sessions_;
  CalendarInputs calendar_ = Calendar(Zone("Europe/London"), OfficeHours(9, 17));
  std::vector<Interval> windows_;
};

TEST_F(ForecastTest, ANewCourseStartsWhereItFirstFits) {
  const CourseOutlook outlook = Compute(T(kMonday - 2, 12));
  EXPECT_EQ(outlook.state, CourseState::kPlanned);
  EXPECT_EQ(outlook.progress.start_day, kMonday);
  EXPECT_TRUE(outlook.progress.start_projected);
  EXPECT_EQ(outlook.progress.deadline_day, kMonday + 111);
  EXPECT_EQ(outlook.progress.week_number, 0);
  EXPECT_EQ(outlook.progress.unbooked_sessions, 16);
  EXPECT_EQ(outlook.progress.next_session_number, 1);
  EXPECT_EQ(outlook.forecast->state, ForecastState::kOnTrack);
  EXPECT_EQ(outlook.forecast->sessions_left, 16);
  EXPECT_THAT(outlook.forecast->reasons, IsEmpty());
  EXPECT_EQ(outlook.forecast->sessions.size(), 16u);
  EXPECT_EQ(outlook.forecast->projected_finish, kMonday + 105);
  EXPECT_EQ(outlook.forecast->slack_days, 6);
  EXPECT_EQ(outlook.progress.mid_course_session, 8);
  EXPECT_EQ(outlook.progress.mid_course_review_day, kMonday + 49);
  EXPECT_EQ(outlook.progress.termination_session, 13);
  EXPECT_EQ(outlook.progress.termination_start_day, kMonday + 84);
  EXPECT_EQ(outlook.valid_until, T(kMonday - 1, 0));
}

TEST_F(ForecastTest, ABookedCourseFollowsItsBookings) {
  AddWeekly(16, kBooked);
  const CourseOutlook outlook = Compute(T(kMonday - 2, 12));
  EXPECT_EQ(windows_.size(), 1u);  // whether they still can be
  EXPECT_EQ(outlook.state, CourseState::kPlanned);
  EXPECT_EQ(outlook.forecast->state, ForecastState::kOnTrack);
  EXPECT_EQ(outlook.forecast->slack_days, 6);
  EXPECT_THAT(outlook.forecast->reasons, IsEmpty());
  EXPECT_EQ(outlook.progress.next_session_id, sessions_[0].session_id);
  EXPECT_EQ(outlook.progress.next_session_time, sessions_[0].interval.start);
  EXPECT_TRUE(outlook.forecast->sessions[15].booked);
  EXPECT_EQ(outlook.forecast->sessions[15].session_number, 16);
}

TEST_F(ForecastTest, ExpiresWithTheNextSessionsEnd) {
  AddWeekly(1, kBooked);
  EXPECT_EQ(Compute(T(kMonday, 8)).valid_until, T(kMonday, 9, 50));
  EXPECT_EQ(Compute(T(kMonday, 9, 49)).valid_until, T(kMonday, 9, 50));
  EXPECT_EQ(Compute(T(kMonday, 9, 50)).valid_until, T(kMonday + 1, 0));
  EXPECT_EQ(Compute(T(kMonday, 9, 50)).progress.next_session_id, "");
}

TEST_F(ForecastTest, TheFirstAttendedSessionStartsTheClock) {
  AddWeekly(1, kNoShow);
  AddWeekly(2, kAttended);
  const CourseOutlook outlook = Compute(T(kMonday + 15, 12));
  EXPECT_EQ(outlook.state, CourseState::kActive);
  EXPECT_EQ(outlook.progress.start_day, kMonday + 7);
  EXPECT_FALSE(outlook.progress.start_projected);
  EXPECT_EQ(outlook.progress.week_number, 2);
  EXPECT_EQ(outlook.progress.attended_sessions, 2);
  EXPECT_EQ(outlook.progress.next_session_number, 3);
  EXPECT_EQ(outlook.forecast->state, ForecastState::kOnTrack);
  EXPECT_EQ(outlook.forecast->sessions[0].session_number, 3);
}

TEST_F(ForecastTest, ToleranceTakesUpTwoMissedWeeksNotThree) {
  AddWeekly(4, kAttended);
  AddWeekly(2, kNoShow);
  // Eleven weeks from this Monday, less two days at either end, is a Thursday.
  CourseOutlook outlook = Compute(T(kMonday + 35, 12));
  EXPECT_EQ(outlook.forecast->state, ForecastState::kOnTrack);
  EXPECT_EQ(outlook.forecast->projected_finish, kMonday + 108);
  AddWeekly(1, kNoShow);
  outlook = Compute(T(kMonday + 42, 12));
  EXPECT_EQ(outlook.forecast->state, ForecastState::kAtRisk);
  EXPECT_EQ(outlook.forecast->reasons.front(), ForecastReason::kBehindCadence);
  EXPECT_EQ(outlook.forecast->slack_days, -4);
  EXPECT_EQ(outlook.forecast->projected_finish, outlook.progress.deadline_day + 4);
}

TEST_F(ForecastTest, LeaveBetweenBookedSessionsIsNamedWhenItsWeeksAreMissedAtTheEnd) {
  // Sixteen weekly sessions, of which the three in the leave were cancelled and the others stand.
  AddWeekly(4, kAttended);
  AddWeekly(12, SessionState::kBooked);
  sessions_.erase(sessions_.begin() + 6, sessions_.begin() + 9);
  calendar_.time_off = {{T(kMonday + 40, 0), T(kMonday + 61, 0)}};
  const CourseOutlook outlook = Compute(T(kMonday + 22, 12));
  EXPECT_EQ(outlook.forecast->state, ForecastState::kAtRisk);
  EXPECT_EQ(outlook.forecast->reasons.front(), ForecastReason::kTherapistAway);
}

TEST_F(ForecastTest, LeaveIsNamedWhereItCostsAPlace) {
  AddWeekly(4, kAttended);
  calendar_.time_off = {{T(kMonday + 33, 0), T(kMonday + 42, 0)}};
  CourseOutlook outlook = Compute(T(kMonday + 22, 12));
  EXPECT_EQ(outlook.forecast->state, ForecastState::kOnTrack);
  EXPECT_THAT(outlook.forecast->reasons, ElementsAre(ForecastReason::kTherapistAway));
  calendar_.time_off = {{T(kMonday + 33, 0), T(kMonday + 49, 0)}};
  outlook = Compute(T(kMonday + 22, 12));
  EXPECT_EQ(outlook.forecast->state, ForecastState::kAtRisk);
  EXPECT_EQ(outlook.forecast->reasons.front(), ForecastReason::kTherapistAway);
  calendar_.time_off.clear();
  for (int day = 33; day < 49; ++day) calendar_.holidays.push_back(kMonday + day);
  EXPECT_EQ(Compute(T(kMonday + 22, 12)).forecast->reasons.front(), ForecastReason::kHoliday);
}

TEST_F(ForecastTest, BookedSessionsThatLostTheirPlaceArePlacedAnewAndNamed) {
  AddWeekly(4, kAttended);
  AddWeekly(12, kBooked);
  const absl::Time now = T(kMonday + 22, 12);
  const CalendarInputs before = calendar_;
  // One is in leave: two days later it finds a place.
  calendar_.time_off = {{T(kMonday + 28, 0), T(kMonday + 29, 0)}};
  CourseOutlook outlook = Compute(now);
  EXPECT_EQ(outlook.forecast->state, ForecastState::kOnTrack);
  EXPECT_THAT(outlook.forecast->displaced_ids, ElementsAre(sessions_[4].session_id));
  EXPECT_THAT(outlook.forecast->reasons, Contains(ForecastReason::kSessionsDisplaced));
  EXPECT_EQ(outlook.forecast->sessions_left, 12);
  EXPECT_EQ(outlook.forecast->sessions.size(), 12u);
  EXPECT_FALSE(outlook.forecast->sessions[0].booked);
  EXPECT_NE(outlook.forecast->sessions[0].start, sessions_[4].interval.start);
  EXPECT_TRUE(outlook.forecast->sessions[1].booked);
  EXPECT_EQ(outlook.progress.booked_sessions, 12);
  EXPECT_EQ(outlook.progress.unbooked_sessions, 0);
  // Booked there by override, it stays.
  sessions_[4].outside_availability = true;
  outlook = Compute(now);
  EXPECT_THAT(outlook.forecast->displaced_ids, IsEmpty());
  EXPECT_THAT(outlook.forecast->reasons, IsEmpty());
  sessions_[4].outside_availability = false;
  // A holiday; hours on another day; those that were held are past it all.
  calendar_ = before;
  calendar_.holidays = {kMonday + 14, kMonday + 35};
  EXPECT_THAT(Compute(now).forecast->displaced_ids, ElementsAre(sessions_[5].session_id));
  calendar_ = before;
  calendar_.working_hours.erase(calendar_.working_hours.begin());
  outlook = Compute(now);
  EXPECT_EQ(outlook.forecast->displaced_ids.size(), 12u);
  EXPECT_EQ(outlook.forecast->state, ForecastState::kOnTrack);
  // Leave until the end, or a therapist who has left: there is no place.
  calendar_ = before;
  calendar_.time_off = {{T(kMonday + 23, 0), T(kMonday + 600, 0)}};
  outlook = Compute(now);
  EXPECT_EQ(outlook.forecast->state, ForecastState::kInfeasible);
  EXPECT_THAT(outlook.forecast->reasons, Contains(ForecastReason::kTherapistAway));
  calendar_ = before;
  calendar_.therapist_active = false;
  outlook = Compute(now);
  EXPECT_EQ(outlook.forecast->state, ForecastState::kInfeasible);
  EXPECT_EQ(outlook.forecast->reasons.front(), ForecastReason::kTherapistUnavailable);
  EXPECT_THAT(outlook.forecast->reasons, Contains(ForecastReason::kSessionsDisplaced));
  // A session with another therapist stands by their hours, which are not looked at here.
  for (Session& session : sessions_) session.therapist_id = "another";
  EXPECT_EQ(Compute(now).forecast->state, ForecastState::kOnTrack);
}

TEST_F(ForecastTest, APauseTakesWeeksAndMovesTheDeadline) {
  AddWeekly(4, kAttended);
  course_.pauses = {PauseOf(kMonday + 28, kMonday + 41)};
  const CourseOutlook outlook = Compute(T(kMonday + 22, 12));
  EXPECT_EQ(outlook.state, CourseState::kActive);
  EXPECT_EQ(outlook.progress.deadline_day, kMonday + 125);
  EXPECT_EQ(outlook.progress.pause_days, 14);
  EXPECT_EQ(outlook.forecast->state, ForecastState::kOnTrack);
  EXPECT_EQ(outlook.forecast->sessions[0].start, T(kMonday + 42, 9));
  EXPECT_EQ(Compute(T(kMonday + 30, 12)).state, CourseState::kPaused);
  course_.pauses = {PauseOf(kMonday + 28, kMonday + 28 + 41)};
  EXPECT_THAT(Compute(T(kMonday + 22, 12)).forecast->reasons, Contains(ForecastReason::kPause));
}

TEST_F(ForecastTest, InfeasibleWhenDaysAreTooFew) {
  AddWeekly(2, kAttended);
  calendar_.working_hours = {{Weekday::kMonday, 540, 600}};
  calendar_.time_off = {{T(kMonday + 14, 0), T(kMonday + 35, 0)}};
  const CourseOutlook outlook = Compute(T(kMonday + 8, 12));
  EXPECT_EQ(outlook.forecast->state, ForecastState::kInfeasible);
  EXPECT_EQ(outlook.forecast->reasons.front(), ForecastReason::kTherapistAway);
  EXPECT_EQ(outlook.forecast->projected_finish, kMonday + 14 + 7 * 16);
  EXPECT_EQ(outlook.forecast->slack_days, -15);
}

TEST_F(ForecastTest, FullCalendarsAndNarrowWindowsAreNamed) {
  AddWeekly(2, kAttended);
  for (int day = 8; day < 130; ++day) {
    calendar_.therapist_busy.push_back({T(kMonday + day, 9), T(kMonday + day, 17)});
  }
  EXPECT_THAT(Compute(T(kMonday + 8, 8)).forecast->reasons,
              ElementsAre(ForecastReason::kTherapistBusy));
  calendar_.therapist_busy.clear();
  course_.preferred_windows = {{Weekday::kSunday, 540, 1020}};
  const CourseOutlook outlook = Compute(T(kMonday + 8, 8));
  EXPECT_EQ(outlook.forecast->state, ForecastState::kInfeasible);
  EXPECT_THAT(outlook.forecast->reasons, ElementsAre(ForecastReason::kPatientWindows));
  EXPECT_EQ(outlook.forecast->projected_finish, std::nullopt);
}

TEST_F(ForecastTest, ATherapistWithoutHoursIsNamed) {
  AddWeekly(2, kAttended);
  calendar_.therapist_active = false;
  const CourseOutlook outlook = Compute(T(kMonday + 8, 8));
  EXPECT_EQ(outlook.forecast->state, ForecastState::kInfeasible);
  EXPECT_THAT(outlook.forecast->reasons, ElementsAre(ForecastReason::kTherapistUnavailable));
  EXPECT_EQ(outlook.progress.mid_course_review_day, std::nullopt);
}

TEST_F(ForecastTest, BookedSessionsPastTheDeadlineDoNotFit) {
  AddWeekly(15, kAttended);
  sessions_.push_back(SessionAt(T(kMonday + 112, 9)));
  const CourseOutlook outlook = Compute(T(kMonday + 100, 8));
  EXPECT_EQ(outlook.forecast->state, ForecastState::kInfeasible);
  EXPECT_THAT(outlook.forecast->reasons, ElementsAre(ForecastReason::kBookedPastDeadline));
  EXPECT_EQ(outlook.forecast->slack_days, -1);
}

TEST_F(ForecastTest, OverdueFromTheInstantTheDeadlineDayEnds) {
  AddWeekly(15, kAttended);
  EXPECT_NE(Compute(T(kMonday + 111, 23, 59)).forecast->state, ForecastState::kOverdue);
  const CourseOutlook outlook = Compute(T(kMonday + 112, 0));
  EXPECT_EQ(outlook.forecast->state, ForecastState::kOverdue);
  EXPECT_EQ(outlook.forecast->reasons.front(), ForecastReason::kDeadlinePassed);
  EXPECT_EQ(outlook.progress.days_left, -1);
  EXPECT_EQ(outlook.forecast->sessions.size(), 1u);
}

TEST_F(ForecastTest, FillsGapsBetweenBookedSessionsInTheirCadence) {
  AddWeekly(2, kAttended);
  sessions_.push_back(SessionAt(T(kMonday + 14, 9)));
  sessions_.push_back(SessionAt(T(kMonday + 28, 9)));
  sessions_.push_back(SessionAt(T(kMonday + 38, 9)));  // 10 days on: no room between
  const CourseOutlook outlook = Compute(T(kMonday + 8, 8));
  ASSERT_EQ(outlook.forecast->sessions.size(), 14u);
  const auto& placed = outlook.forecast->sessions;
  EXPECT_EQ(placed[1].start, T(kMonday + 21, 9));
  EXPECT_FALSE(placed[1].booked);
  EXPECT_EQ(placed[1].session_number, 4);
  EXPECT_TRUE(placed[2].booked);
  EXPECT_TRUE(placed[3].booked);
  EXPECT_EQ(placed[4].start, T(kMonday + 43, 9));  // two days early at most
}

TEST_F(ForecastTest, PlacesNothingBeforeTheBookedStart) {
  sessions_.push_back(SessionAt(T(kMonday + 21, 9)));
  const CourseOutlook outlook = Compute(T(kMonday, 8));
  EXPECT_EQ(outlook.progress.start_day, kMonday + 21);
  EXPECT_TRUE(outlook.forecast->sessions[0].booked);
  EXPECT_EQ(outlook.forecast->state, ForecastState::kOnTrack);
}

TEST_F(ForecastTest, ClosedCoursesStandStill) {
  AddWeekly(16, kAttended);
  course_.state = CourseState::kCompleted;
  course_.closure = Closure{T(kMonday + 105, 12), ClosureReason::kUnspecified, false};
  const CourseOutlook outlook = Compute(T(kMonday + 400, 12));
  EXPECT_EQ(outlook.state, CourseState::kCompleted);
  EXPECT_FALSE(outlook.forecast.has_value());
  EXPECT_EQ(outlook.progress.week_number, 16);
  EXPECT_EQ(outlook.progress.next_session_number, 0);
  EXPECT_EQ(outlook.valid_until, absl::InfiniteFuture());
}

TEST_F(ForecastTest, AsksForMoreOnlyWhenTheFirstWindowDoesNotDecide) {
  AddWeekly(4, kAttended);
  Compute(T(kMonday + 22, 12));
  ASSERT_EQ(windows_.size(), 1u);
  EXPECT_EQ(windows_[0].start, T(kMonday + 22, 12));
  EXPECT_LE(windows_[0].end, T(kMonday + 112 + 28, 0));
  calendar_.time_off = {{T(kMonday + 22, 0), T(kMonday + 200, 0)}};
  EXPECT_TRUE(Compute(T(kMonday + 22, 12)).forecast->projected_finish.has_value());
  EXPECT_EQ(windows_.size(), 2u);
}

TEST_F(ForecastTest, PassesOnTheLoadersError) {
  auto load = [](Interval) -> absl::StatusOr<CalendarInputs> {
    return absl::UnavailableError("down");
  };
  EXPECT_EQ(ComputeOutlook({course_, DefaultVariant(), sessions_, zone_, 28, T(kMonday, 8)}, load)
                .status()
                .code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(ForecastTest, RefreshStoresTheOutlookAndNumbersTheSessions) {
  AddWeekly(2, kAttended);
  auto load = [this](Interval) -> absl::StatusOr<CalendarInputs> { return calendar_; };
  const auto changed =
      RefreshDerived(DefaultVariant(), zone_, 28, T(kMonday + 8, 8), course_, sessions_, load);
  EXPECT_THAT(*changed, ElementsAre(0, 1));
  EXPECT_EQ(sessions_[1].session_number, 2);
  EXPECT_EQ(sessions_[1].week_number, 2);
  EXPECT_EQ(course_.state, CourseState::kActive);
  EXPECT_EQ(course_.forecast->state, ForecastState::kOnTrack);
  EXPECT_EQ(course_.valid_until, T(kMonday + 9, 0));
}

}  // namespace
}  // namespace ipt::scheduling
