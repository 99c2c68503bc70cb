#include "scheduling/domain/reminder_quiet.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using absl::CivilDay;

constexpr QuietHours kNight = {20 * 60, 8 * 60, QuietHoursShift::kEarlier};

// "2026-03-28 20:00 +0000" of both ends, or "".
std::string HoursAt(const QuietHours& quiet, const absl::TimeZone& zone, absl::Time instant) {
  const auto hours = QuietHoursAt(quiet, zone, instant);
  if (!hours.has_value()) return "";
  const auto text = [&](absl::Time time) {
    return absl::FormatTime("%Y-%m-%d %H:%M %z", time, zone);
  };
  return absl::StrCat(text(hours->start), " to ", text(hours->end));
}

TEST(QuietHoursTest, CrossMidnightAndYears) {
  const absl::TimeZone london = Zone("Europe/London");
  EXPECT_EQ(HoursAt(kNight, london, At(CivilDay(2026, 12, 31), 23, 30, london)),
            "2026-12-31 20:00 +0000 to 2027-01-01 08:00 +0000");
  EXPECT_EQ(HoursAt(kNight, london, At(CivilDay(2027, 1, 1), 7, 59, london)),
            "2026-12-31 20:00 +0000 to 2027-01-01 08:00 +0000");
  EXPECT_EQ(HoursAt(kNight, london, At(CivilDay(2027, 1, 1), 8, 0, london)), "");
  EXPECT_EQ(HoursAt(kNight, london, At(CivilDay(2027, 1, 1), 19, 59, london)), "");
}

TEST(QuietHoursTest, WithinADay) {
  const QuietHours noon = {12 * 60, 13 * 60 + 30, QuietHoursShift::kLater};
  const absl::TimeZone london = Zone("Europe/London");
  EXPECT_EQ(HoursAt(noon, london, At(CivilDay(2026, 6, 1), 12, 0, london)),
            "2026-06-01 12:00 +0100 to 2026-06-01 13:30 +0100");
  EXPECT_EQ(HoursAt(noon, london, At(CivilDay(2026, 6, 1), 13, 30, london)), "");
  EXPECT_EQ(HoursAt(noon, london, At(CivilDay(2026, 6, 1), 11, 59, london)), "");
}

TEST(QuietHoursTest, FollowTheWallClockThroughItsChanges) {
  struct Night {
    const char* zone;
    CivilDay day;  // on whose evening they begin
    const char* hours;
  };
  const std::vector<Night> nights = {
      {"Europe/London", CivilDay(2026, 3, 28), "2026-03-28 20:00 +0000 to 2026-03-29 08:00 +0100"},
      {"Europe/London", CivilDay(2026, 10, 24), "2026-10-24 20:00 +0100 to 2026-10-25 08:00 +0000"},
      {"America/New_York", CivilDay(2026, 3, 7),
       "2026-03-07 20:00 -0500 to 2026-03-08 08:00 -0400"},
      {"America/New_York", CivilDay(2026, 10, 31),
       "2026-10-31 20:00 -0400 to 2026-11-01 08:00 -0500"},
      {"Australia/Lord_Howe", CivilDay(2026, 10, 3),
       "2026-10-03 20:00 +1030 to 2026-10-04 08:00 +1100"},
      {"Australia/Lord_Howe", CivilDay(2026, 4, 4),
       "2026-04-04 20:00 +1100 to 2026-04-05 08:00 +1030"},
  };
  for (const Night& night : nights) {
    const absl::TimeZone zone = Zone(night.zone);
    EXPECT_EQ(HoursAt(kNight, zone, At(night.day, 23, 0, zone)), night.hours) << night.zone;
  }
}

// Clocks go 01:00 to 02:00 on 29 March, and 02:00 back to 01:00 on 25 October.
TEST(QuietHoursTest, BeginOrEndInAChangeOfClocks) {
  const absl::TimeZone london = Zone("Europe/London");
  const absl::Time spring = At(CivilDay(2026, 3, 29), 0, 30, london);
  EXPECT_EQ(HoursAt({22 * 60, 90, {}}, london, spring),
            "2026-03-28 22:00 +0000 to 2026-03-29 02:00 +0100");
  EXPECT_EQ(HoursAt({90, 8 * 60, {}}, london, spring), "");
  EXPECT_EQ(HoursAt({90, 8 * 60, {}}, london, spring + absl::Minutes(30)),
            "2026-03-29 02:00 +0100 to 2026-03-29 08:00 +0100");
  const absl::Time autumn = At(CivilDay(2026, 10, 25), 0, 30, london);
  EXPECT_EQ(HoursAt({22 * 60, 90, {}}, london, autumn),
            "2026-10-24 22:00 +0100 to 2026-10-25 01:30 +0000");
  EXPECT_EQ(HoursAt({90, 8 * 60, {}}, london, autumn + absl::Minutes(75)),
            "2026-10-25 01:30 +0100 to 2026-10-25 08:00 +0000");
}

TEST(QuietHoursTest, AReminderIsCarriedToTheirEnd) {
  const absl::TimeZone london = Zone("Europe/London");
  Reminder reminder;
  reminder.variables.time_zone = "Europe/London";
  reminder.quiet_hours = kNight;
  reminder.not_after = At(CivilDay(2026, 6, 2), 8, 30, london);
  ASSERT_TRUE(SkipQuietHours(reminder, At(CivilDay(2026, 6, 1), 22, 0, london)));
  EXPECT_EQ(reminder.next, At(CivilDay(2026, 6, 2), 8, 0, london));
  EXPECT_EQ(reminder.quiet_from, At(CivilDay(2026, 6, 2), 20, 0, london));

  ASSERT_TRUE(SkipQuietHours(reminder, At(CivilDay(2026, 6, 1), 19, 0, london)));
  EXPECT_EQ(reminder.next, At(CivilDay(2026, 6, 1), 19, 0, london));
  EXPECT_EQ(reminder.quiet_from, At(CivilDay(2026, 6, 1), 20, 0, london));

  reminder.not_after = At(CivilDay(2026, 6, 2), 8, 0, london);
  EXPECT_FALSE(SkipQuietHours(reminder, At(CivilDay(2026, 6, 1), 22, 0, london)));

  reminder.quiet_hours.reset();
  ASSERT_TRUE(SkipQuietHours(reminder, At(CivilDay(2026, 6, 1), 22, 0, london)));
  EXPECT_EQ(reminder.next, At(CivilDay(2026, 6, 1), 22, 0, london));
  EXPECT_EQ(reminder.quiet_from, kNoQuietTime);
}

// Whatever the clock on the wall says is within them, is.
RC_GTEST_PROP(QuietHoursPropertyTest, NoInstantThatReadsWithinThemIsOutside, ()) {
  const absl::TimeZone zone =
      Zone(*rc::gen::element("Europe/London", "America/New_York", "Australia/Lord_Howe",
                             "Asia/Kathmandu", "America/Santiago", "Africa/Casablanca"));
  QuietHours quiet;
  quiet.start_minute = *rc::gen::inRange(0, 1440);
  quiet.end_minute = (quiet.start_minute + *rc::gen::inRange(1, 23 * 60 + 1)) % 1440;
  const absl::Time instant =
      absl::FromUnixSeconds(1767225600) + absl::Minutes(*rc::gen::inRange(0, 2 * 366 * 1440));
  const int minute = MinuteOfDay(instant, zone);
  const bool reads_within = quiet.start_minute < quiet.end_minute
                                ? quiet.start_minute <= minute && minute < quiet.end_minute
                                : minute >= quiet.start_minute || minute < quiet.end_minute;
  const auto hours = QuietHoursAt(quiet, zone, instant);
  if (reads_within) RC_ASSERT(hours.has_value());
  if (hours.has_value()) {
    RC_ASSERT(hours->start <= instant);
    RC_ASSERT(instant < hours->end);
  } else {
    const absl::Time next = NextQuietHours(quiet, zone, instant);
    RC_ASSERT(next > instant);
    RC_ASSERT(QuietHoursAt(quiet, zone, next).has_value());
    RC_ASSERT(!QuietHoursAt(quiet, zone, next - absl::Minutes(1)).has_value());
  }
}

}  // namespace
}  // namespace ipt::scheduling
