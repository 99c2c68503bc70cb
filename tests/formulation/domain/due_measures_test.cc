#include "formulation/domain/due_measures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/formulation/courses.h"
#include "tests/support/status_matchers.h"

namespace ipt::formulation {
namespace {

using courses::CopiedCourse;
using courses::CopiedCourseState;
using courses::CopiedSession;
using courses::CopiedSessionState;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kUpcoming = DueMeasureState::kUpcoming;
constexpr auto kDue = DueMeasureState::kDue;
constexpr auto kOverdue = DueMeasureState::kOverdue;

// Eight sessions were attended; the ninth and the tenth are booked.
class DueMeasuresTest : public ::testing::Test {
 protected:
  DueMeasuresTest() {
    CopiedSession tenth = Number(9);
    tenth.session_id = SessionId(10);
    tenth.number = 10;
    tenth.start = At(DayOfSession(10));
    course_.sessions.push_back(tenth);
  }

  CopiedSession& Number(int number) { return course_.sessions[number - 1]; }
  static DueMeasure Measure(const std::string& id, DueMeasureState state, absl::CivilDay day,
                            const std::string& session_id = "") {
    return {.instrument_id = id, .state = state, .session_id = session_id, .due_day = day};
  }
  std::vector<std::string> Due(int number, std::vector<DueMeasure> of_course) {
    const auto due = DueFor(course_, Number(number), std::move(of_course));
    EXPECT_THAT(due, IsOk());
    std::vector<std::string> ids;
    for (const DueMeasure& measure : *due) ids.push_back(measure.instrument_id);
    return ids;
  }

  CopiedCourse course_ = CourseOf("ipt-uk-16", 8);
};

TEST_F(DueMeasuresTest, AreAskedForAroundTheSessionThatComesAndTheLastOneHeld) {
  for (const int current : {8, 9, 10}) EXPECT_TRUE(CanBeDueFor(course_, Number(current)));
  for (const int past : {1, 7}) EXPECT_FALSE(CanBeDueFor(course_, Number(past)));
  for (const auto state : {CopiedSessionState::kCancelled, CopiedSessionState::kNoShow}) {
    Number(9).state = state;
    EXPECT_FALSE(CanBeDueFor(course_, Number(9)));
  }
  EXPECT_TRUE(CanBeDueFor(course_, Number(8)));  // the one after it did not take place
  // One whose attendance is not recorded yet is booked all the same.
  Number(5).state = CopiedSessionState::kBooked;
  EXPECT_TRUE(CanBeDueFor(course_, Number(5)));
  for (const auto state : {CopiedCourseState::kCompleted, CopiedCourseState::kDiscontinued}) {
    course_.state = state;
    for (const int any : {1, 8, 10}) EXPECT_FALSE(CanBeDueFor(course_, Number(any)));
  }
}

TEST_F(DueMeasuresTest, ASessionsOwnAreDueForItAndNoOtherUpcomingOnes) {
  const std::vector<DueMeasure> all = {
      Measure("eighth", kOverdue, DayOfSession(8), "s8"),
      Measure("ninth", kDue, DayOfSession(9), "s9"),
      Measure("tenth", kUpcoming, DayOfSession(10), "s10"),
      Measure("eleventh", kUpcoming, DayOfSession(11)),
  };
  EXPECT_THAT(Due(8, all), ElementsAre("eighth"));
  EXPECT_THAT(Due(9, all), ElementsAre("eighth", "ninth"));
  EXPECT_THAT(Due(10, all), ElementsAre("eighth", "ninth", "tenth"));
  Number(9).start = At(DayOfSession(10), 9);
  EXPECT_THAT(Due(10, {Measure("ninth", kUpcoming, DayOfSession(10), "s9")}), IsEmpty());
}

TEST_F(DueMeasuresTest, ThoseOfWeeksBelongToTheSessionThatTheyComeBefore) {
  const absl::CivilDay ninth = DayOfSession(9);
  const auto weekly = [](DueMeasureState state, absl::CivilDay day) {
    return std::vector<DueMeasure>{Measure("weekly", state, day)};
  };
  EXPECT_THAT(Due(9, weekly(kUpcoming, ninth)), ElementsAre("weekly"));
  EXPECT_THAT(Due(9, weekly(kUpcoming, ninth - 6)), ElementsAre("weekly"));
  EXPECT_THAT(Due(10, weekly(kUpcoming, ninth)), IsEmpty());
  EXPECT_THAT(Due(10, weekly(kUpcoming, ninth + 1)), ElementsAre("weekly"));
  for (const auto state : {kUpcoming, kDue, kOverdue}) {
    EXPECT_THAT(Due(9, weekly(state, ninth + 1)), IsEmpty());
  }
  // What can be answered now is due now, however far ahead the session is.
  EXPECT_THAT(Due(10, weekly(kDue, ninth)), ElementsAre("weekly"));
  EXPECT_THAT(Due(10, weekly(kOverdue, DayOfSession(3))), ElementsAre("weekly"));
  // A session that did not take place is none that they come before.
  Number(9).state = CopiedSessionState::kCancelled;
  EXPECT_THAT(Due(10, weekly(kUpcoming, ninth)), ElementsAre("weekly"));
  // Before the first session there is none.
  EXPECT_THAT(Due(1, weekly(kUpcoming, DayOfSession(1) - 30)), ElementsAre("weekly"));
}

TEST_F(DueMeasuresTest, OfTwoSessionsOfADayEachHasItsOwn) {
  Number(10).start = At(DayOfSession(9), 15);
  const std::vector<DueMeasure> all = {Measure("morning", kDue, DayOfSession(9), "s9"),
                                       Measure("afternoon", kDue, DayOfSession(9), "s10")};
  EXPECT_THAT(Due(9, all), ElementsAre("morning"));
  EXPECT_THAT(Due(10, all), ElementsAre("morning", "afternoon"));
}

// A session at half past midnight in London is on the day before in UTC, in summer.
TEST_F(DueMeasuresTest, DaysAreThoseOfTheCoursesTimeZone) {
  const absl::CivilDay day(2026, 7, 1);
  Number(10).start = At(day, 0) + absl::Minutes(30);
  EXPECT_EQ(*DayOfSession(course_, Number(10)), day);
  EXPECT_THAT(Due(10, {Measure("own", kDue, day)}), ElementsAre("own"));
  course_.time_zone = "Atlantis/Capital";
  EXPECT_THAT(DayOfSession(course_, Number(10)), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(DueFor(course_, Number(10), {}), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace ipt::formulation
