#include "scheduling/domain/availability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using absl::CivilDay;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum DeviationReason;

const CivilDay kMonday(2026, 1, 5);

class AvailabilityTest : public ::testing::Test {
 protected:
  absl::Time T(CivilDay day, int hour, int minute = 0) const {
    return At(day, hour, minute, zone_);
  }
  Interval I(int hour, int minute = 0, int minutes = 50) const {
    return {T(kMonday, hour, minute), T(kMonday, hour, minute) + absl::Minutes(minutes)};
  }
  // Free starts of a day as "hh:mm".
  std::vector<std::string> Starts(CivilDay day) const {
    std::vector<std::string> out;
    for (absl::Time start :
         FindFreeStarts(calendar_, {DayStart(day, zone_), DayStart(day + 1, zone_)})) {
      out.push_back(absl::FormatTime("%H:%M", start, zone_));
    }
    return out;
  }

  absl::TimeZone zone_ = Zone("Europe/London");
  CalendarInputs calendar_ = Calendar(Zone("Europe/London"), {{Weekday::kMonday, 540, 720}});
};

TEST_F(AvailabilityTest, OffersTheGridOfTheHours) {
  calendar_.slot_minutes = 30;
  EXPECT_THAT(Starts(kMonday), ElementsAre("09:00", "09:30", "10:00", "10:30", "11:00"));
  EXPECT_THAT(Starts(kMonday + 1), IsEmpty());
  calendar_.session_minutes = 180;
  EXPECT_THAT(Starts(kMonday), ElementsAre("09:00"));
  calendar_.therapist_active = false;
  EXPECT_THAT(Starts(kMonday), IsEmpty());
}

TEST_F(AvailabilityTest, KeepsTheGridAroundBookingsAndBuffers) {
  calendar_.slot_minutes = 30;
  calendar_.therapist_busy = {I(10, 0, 60)};
  EXPECT_THAT(Starts(kMonday), ElementsAre("09:00", "11:00"));
  calendar_.buffer_minutes = 15;  // 09:00 to 09:50 and its buffer would reach 10:05
  EXPECT_THAT(Starts(kMonday), ElementsAre("11:00"));
  EXPECT_THAT(CheckSlot(calendar_, I(9)), ElementsAre(kTherapistBooked));
  EXPECT_THAT(CheckSlot(calendar_, I(9, 0, 45)), IsEmpty());
}

TEST_F(AvailabilityTest, BufferMayRunPastTheHours) {
  calendar_.buffer_minutes = 60;
  EXPECT_THAT(CheckSlot(calendar_, I(11, 10)), IsEmpty());
  EXPECT_THAT(CheckSlot(calendar_, I(11, 11)), ElementsAre(kOutsideHours));
}

TEST_F(AvailabilityTest, ASessionLiesWithinOneStretch) {
  calendar_.working_hours = {
      {Weekday::kMonday, 540, 600}, {Weekday::kMonday, 600, 660}, {Weekday::kMonday, 690, 720}};
  EXPECT_THAT(CheckSlot(calendar_, I(9, 30)), IsEmpty());
  EXPECT_THAT(CheckSlot(calendar_, I(10, 50)), ElementsAre(kOutsideHours));
}

TEST_F(AvailabilityTest, StretchesJoinAtMidnight) {
  calendar_.working_hours = {{Weekday::kMonday, 1380, 1440}, {Weekday::kTuesday, 0, 60}};
  calendar_.slot_minutes = 60;
  EXPECT_THAT(CheckSlot(calendar_, I(23, 30)), IsEmpty());
  const auto starts = FindFreeStarts(calendar_, {T(kMonday, 12), T(kMonday + 1, 12)});
  EXPECT_THAT(starts, ElementsAre(T(kMonday, 23), T(kMonday + 1, 0)));
}

TEST_F(AvailabilityTest, TimeOffAndHolidaysGoBeforeExtraHours) {
  const Interval extra = I(14, 0, 120);
  calendar_.extra_hours = {extra};
  EXPECT_THAT(CheckSlot(calendar_, I(14)), IsEmpty());
  calendar_.slot_minutes = 60;
  EXPECT_THAT(Starts(kMonday), ElementsAre("09:00", "10:00", "11:00", "14:00", "15:00"));
  calendar_.time_off = {I(10, 30, 240)};
  EXPECT_THAT(CheckSlot(calendar_, I(14)), ElementsAre(kTimeOff));
  EXPECT_THAT(Starts(kMonday), ElementsAre("09:00", "15:00"));
  calendar_.holidays = {kMonday};
  EXPECT_THAT(CheckSlot(calendar_, I(14)), ElementsAre(kHoliday, kTimeOff));
  EXPECT_THAT(Starts(kMonday), IsEmpty());
}

TEST_F(AvailabilityTest, SaysAllThatStandsInTheWay) {
  calendar_.pauses = {{kMonday, kMonday}};
  calendar_.patient_busy = {I(13)};
  calendar_.therapist_busy = {I(13)};
  calendar_.patient_windows = {{Weekday::kTuesday, 0, 1440}};
  EXPECT_THAT(CheckSlot(calendar_, I(13)), ElementsAre(kPause, kOutsideHours, kTherapistBooked,
                                                       kPatientBooked, kPatientWindows));
}

TEST_F(AvailabilityTest, ReadsEachListInItsOwnZone) {
  // A therapist in London, a patient in Auckland (13 hours ahead in January), a clinic in New York.
  calendar_.course_zone = Zone("Pacific/Auckland");
  calendar_.clinic_zone = Zone("America/New_York");
  calendar_.working_hours = {{Weekday::kMonday, 0, 1440}};
  calendar_.patient_windows = {{Weekday::kTuesday, 480, 600}};  // Monday 19:00 to 21:00 in London
  calendar_.slot_minutes = 60;
  EXPECT_THAT(Starts(kMonday), ElementsAre("19:00", "20:00"));
  calendar_.holidays = {kMonday - 1};  // until Monday 05:00 in London
  EXPECT_THAT(Starts(kMonday), ElementsAre("19:00", "20:00"));
  calendar_.holidays = {kMonday};
  EXPECT_THAT(Starts(kMonday), IsEmpty());
}

TEST_F(AvailabilityTest, HoursAreWallClockTimeAcrossClockChanges) {
  calendar_.working_hours = {{Weekday::kSunday, 0, 240}};
  calendar_.slot_minutes = 60;
  // Clocks go from 01:00 to 02:00 on 29 March and from 02:00 to 01:00 on 25 October 2026.
  EXPECT_THAT(Starts(CivilDay(2026, 3, 22)), ElementsAre("00:00", "01:00", "02:00", "03:00"));
  EXPECT_THAT(Starts(CivilDay(2026, 3, 29)), ElementsAre("00:00", "02:00", "03:00"));
  EXPECT_THAT(Starts(CivilDay(2026, 10, 25)), ElementsAre("00:00", "01:00", "02:00", "03:00"));
  const auto starts =
      FindFreeStarts(calendar_, {T(CivilDay(2026, 10, 25), 0), T(CivilDay(2026, 10, 26), 0)});
  EXPECT_EQ(starts[1] - starts[0], absl::Hours(1));  // the first 01:00
  EXPECT_EQ(starts[2] - starts[1], absl::Hours(2));
}

TEST_F(AvailabilityTest, KeepsWithinTheWindowAsked) {
  calendar_.slot_minutes = 30;
  EXPECT_THAT(FindFreeStarts(calendar_, {T(kMonday, 9, 10), T(kMonday, 11)}),
              ElementsAre(T(kMonday, 9, 30), T(kMonday, 10)));
}

TEST_F(AvailabilityTest, TellsWhichStepTakesTheLastRoom) {
  using enum Availability::Layer;
  calendar_.time_off = {I(9, 0, 90)};
  calendar_.therapist_busy = {I(11, 0, 60)};
  const Availability availability(calendar_, {T(kMonday, 0), T(kMonday + 1, 0)});
  const Interval day{T(kMonday, 0), T(kMonday + 1, 0)};
  EXPECT_TRUE(availability.HasRoom(day, kHours));
  EXPECT_TRUE(availability.HasRoom(day, kTimeOff));
  EXPECT_FALSE(availability.HasRoom(day, kTherapistBusy));
  EXPECT_FALSE(availability.HasRoom({T(kMonday, 11, 11), T(kMonday, 12)}, kHours));
}

}  // namespace
}  // namespace ipt::scheduling
