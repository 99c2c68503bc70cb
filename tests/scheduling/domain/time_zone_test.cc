#include "scheduling/domain/time_zone.h"

#include <gtest/gtest.h>

#include "platform/errors/error.h"
#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using absl::CivilDay;
using absl::CivilSecond;

absl::Time Utc(int y, int m, int d, int hh, int mm) {
  return absl::FromCivil(CivilSecond(y, m, d, hh, mm, 0), absl::UTCTimeZone());
}

TEST(LoadZoneTest, LoadsIanaNames) {
  for (const char* name : {"Europe/London", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+3",
                           "Australia/Lord_Howe", "America/Port-au-Prince"}) {
    EXPECT_TRUE(LoadZone(name).ok()) << name;
    EXPECT_EQ(LoadZone(name)->name(), name);
  }
}

TEST(LoadZoneTest, RefusesEverythingElse) {
  for (const char* name :
       {"", "localtime", "UTC+3", "+03:00", "Fixed/UTC+03:00:00", "Europe/Nowhere", "Europe",
        "europe/london", "EUROPE/LONDON", "posix/Europe/London", "right/Europe/London",
        "../zoneinfo/Europe/London", "/usr/share/zoneinfo/Europe/London", "Europe/../Europe/London",
        "Factory", "zone.tab", "Europe/London ", "file:Europe/London"}) {
    const auto zone = LoadZone(name);
    EXPECT_EQ(zone.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(FieldViolationsOf(zone.status()).size(), 1u) << name;
  }
}

TEST(ResolveLocalTest, ReadsASkippedTimeWithTheOffsetBeforeTheGap) {
  const LocalInstant at = ResolveLocal(CivilSecond(2026, 3, 8, 2, 30, 0), Zone("America/New_York"));
  EXPECT_EQ(at.kind, LocalTimeKind::kSkipped);
  EXPECT_EQ(at.instant, Utc(2026, 3, 8, 7, 30));
}

TEST(ResolveLocalTest, TakesTheFirstOfARepeatedTime) {
  const LocalInstant at =
      ResolveLocal(CivilSecond(2026, 11, 1, 1, 30, 0), Zone("America/New_York"));
  EXPECT_EQ(at.kind, LocalTimeKind::kRepeated);
  EXPECT_EQ(at.instant, Utc(2026, 11, 1, 5, 30));
}

TEST(DayStartTest, StartsAtTheEndOfAGapOverMidnight) {
  // Clocks in Cairo go from 00:00 to 01:00 on the last Friday of April.
  EXPECT_EQ(DayStart(CivilDay(2026, 4, 24), Zone("Africa/Cairo")), Utc(2026, 4, 23, 22, 0));
  EXPECT_EQ(DayStart(CivilDay(2018, 11, 4), Zone("America/Sao_Paulo")), Utc(2018, 11, 4, 3, 0));
  EXPECT_EQ(LocalDay(Utc(2018, 11, 4, 3, 0), Zone("America/Sao_Paulo")), CivilDay(2018, 11, 4));
  EXPECT_EQ(LocalDay(Utc(2018, 11, 4, 2, 59), Zone("America/Sao_Paulo")), CivilDay(2018, 11, 3));
}

TEST(DayStartTest, ASkippedDayIsEmpty) {
  // Samoa went from 29 to 31 December 2011.
  const absl::TimeZone apia = Zone("Pacific/Apia");
  EXPECT_EQ(DayStart(CivilDay(2011, 12, 30), apia), DayStart(CivilDay(2011, 12, 31), apia));
}

TEST(WeekdayOfTest, CountsFromMonday) {
  EXPECT_EQ(WeekdayOf(CivilDay(2026, 1, 5)), Weekday::kMonday);
  EXPECT_EQ(WeekdayOf(CivilDay(2026, 1, 11)), Weekday::kSunday);
  EXPECT_EQ(WeekdayOf(CivilDay(2024, 2, 29)), Weekday::kThursday);
}

// Every day and half hour of LocalDays is what the slow functions say, clock changes included.
class LocalDaysTest : public ::testing::TestWithParam<const char*> {};

TEST_P(LocalDaysTest, AgreesWithTheZoneItself) {
  const absl::TimeZone zone = Zone(GetParam());
  const CivilDay first(2026, 2, 20);
  const LocalDays days(zone, first, CivilDay(2026, 11, 20));
  int changes = 0;
  for (int i = 0; i < days.size(); ++i) {
    ASSERT_EQ(days.start(i), DayStart(first + i, zone)) << first + i;
    ASSERT_EQ(days.IndexAt(days.start(i)), i);
    ASSERT_EQ(days.IndexAt(days.start(i + 1) - absl::Nanoseconds(1)), i);
    changes += days.clock_change(i);
    for (int minute = 0; minute < 1440; minute += 30) {
      const LocalInstant expected = ResolveLocal(CivilSecond(first + i) + 60 * minute, zone);
      const LocalInstant at = days.At(i, minute);
      ASSERT_EQ(at.instant, expected.instant) << first + i << " " << minute;
      ASSERT_EQ(at.kind, expected.kind);
      if (at.kind != LocalTimeKind::kSkipped) {
        ASSERT_EQ(days.MinuteAt(i, at.instant), minute);
        ASSERT_EQ(days.Bound(i, minute), at.instant);
      } else {
        ASSERT_EQ(LocalDay(days.Bound(i, minute), zone), first + i);
        ASSERT_GE(MinuteOfDay(days.Bound(i, minute), zone), minute);
      }
    }
    ASSERT_EQ(days.Bound(i, 1440), days.start(i + 1));
  }
  EXPECT_GE(changes, 2);
  EXPECT_LE(changes, 4);
  EXPECT_EQ(days.IndexAt(days.start(0) - absl::Seconds(1)), -1);
  EXPECT_EQ(days.IndexAt(days.start(days.size())), days.size());
}

INSTANTIATE_TEST_SUITE_P(Zones, LocalDaysTest,
                         ::testing::Values("Europe/London", "America/New_York",
                                           "Australia/Lord_Howe", "Africa/Cairo",
                                           "America/Santiago"));

TEST(SpanOfDaysTest, RunsFromMidnightToMidnight) {
  const CivilDay back(2026, 10, 25);
  const Interval long_day = SpanOfDays({back, back}, Zone("Europe/London"));
  EXPECT_EQ(long_day.end - long_day.start, absl::Hours(25));
  const Interval two = SpanOfDays({back, back + 1}, Zone("Europe/London"));
  EXPECT_EQ(two.end - two.start, absl::Hours(49));
  // Beirut skips midnight itself: the day begins at 01:00.
  const CivilDay forward(2022, 3, 27);
  const Interval day = SpanOfDays({forward, forward}, Zone("Asia/Beirut"));
  EXPECT_EQ(absl::ToCivilHour(day.start, Zone("Asia/Beirut")), absl::CivilHour(2022, 3, 27, 1));
  EXPECT_EQ(day.end - day.start, absl::Hours(23));
}

TEST(StoredZoneTest, TakesAnUnknownZoneForAFaultOfTheMachine) {
  EXPECT_TRUE(StoredZone("Europe/London").ok());
  EXPECT_EQ(StoredZone("Europe/Atlantis").status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace ipt::scheduling
