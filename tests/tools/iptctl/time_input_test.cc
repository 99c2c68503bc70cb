#include "iptctl/time_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace ipt::ctl {
namespace {

using ::ipt::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::TimeZone Zone(const char* name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone));
  return zone;
}

TimeContext In(const char* zone) {
  TimeContext context;
  context.now = absl::FromCivil(absl::CivilSecond(2026, 3, 10, 12, 0, 0), absl::UTCTimeZone());
  if (zone != nullptr) context.zone = Zone(zone);
  return context;
}

std::string Utc(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(TimeInputTest, ReadsInstants) {
  TimeContext context = In("Europe/London");
  const std::pair<const char*, const char*> cases[] = {
      {"2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z"},
      {"2026-12-01t09:00z", "2026-12-01T09:00:00Z"},
      {"2026-12-01T09:00+05:30", "2026-12-01T03:30:00Z"},
      {"2026-07-01T09:00", "2026-07-01T08:00:00Z"},
      {"2026-12-01 09:00", "2026-12-01T09:00:00Z"},
      {"now", "2026-03-10T12:00:00Z"},
      {"+90m", "2026-03-10T13:30:00Z"},
      {"+2w", "2026-03-24T12:00:00Z"},
  };
  for (const auto& [text, wanted] : cases) {
    ASSERT_OK_AND_ASSIGN(const absl::Time time, ParseInstant(text, context));
    EXPECT_EQ(Utc(time), wanted) << text;
  }
  EXPECT_THAT(context.notes, IsEmpty());
}

TEST(TimeInputTest, RefusesWhatIsNoInstant) {
  TimeContext context = In("Europe/London");
  for (const char* text :
       {"", "soon", "2026-12-01", "2026-13-01T09:00", "2026-02-30T09:00", "2026-12-01T25:00",
        "2026-12-01T09", "26-12-01T09:00", "2026-12-01T09:00:60", "2026-12-01T09:00+99", "+",
        "+-3h", "infinite-future", "2026-12-01T09:00 BST"}) {
    EXPECT_THAT(ParseInstant(text, context), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(TimeInputTest, AsksForAZone) {
  TimeContext context = In(nullptr);
  EXPECT_THAT(Message(ParseInstant("2026-12-01T09:00", context).status()), HasSubstr("--zone"));
  EXPECT_THAT(Message(ParseDay("today", context).status()), HasSubstr("--zone"));
  EXPECT_OK(ParseInstant("2026-12-01T09:00Z", context));
  EXPECT_OK(ParseDay("2026-12-01", context));
}

TEST(TimeInputTest, RefusesASkippedTimeAndNamesItsNeighbours) {
  TimeContext context = In("America/New_York");
  const absl::Status status = ParseInstant("2026-03-08T02:30", context).status();
  EXPECT_THAT(Message(status), HasSubstr("clocks go forward"));
  EXPECT_THAT(Message(status), HasSubstr("2026-03-08T01:30-05:00"));
  EXPECT_THAT(Message(status), HasSubstr("2026-03-08T03:30-04:00"));
}

TEST(TimeInputTest, TakesTheFirstOfARepeatedTimeAndSaysSo) {
  TimeContext context = In("America/New_York");
  ASSERT_OK_AND_ASSIGN(const absl::Time time, ParseInstant("2026-11-01T01:30", context));
  EXPECT_EQ(Utc(time), "2026-11-01T05:30:00Z");
  ASSERT_EQ(context.notes.size(), 1u);
  EXPECT_THAT(context.notes[0], HasSubstr("2026-11-01T01:30-05:00"));
  // The second is reached by its offset.
  ASSERT_OK_AND_ASSIGN(const absl::Time second, ParseInstant("2026-11-01T01:30-05:00", context));
  EXPECT_EQ(second - time, absl::Hours(1));
}

TEST(TimeInputTest, ReadsDays) {
  const TimeContext context = In("Pacific/Auckland");  // it is the 11th there already
  const std::pair<const char*, absl::CivilDay> cases[] = {
      {"2026-02-28", absl::CivilDay(2026, 2, 28)},
      {"today", absl::CivilDay(2026, 3, 11)},
      {"tomorrow", absl::CivilDay(2026, 3, 12)},
      {"+2w", absl::CivilDay(2026, 3, 25)},
  };
  for (const auto& [text, wanted] : cases) {
    ASSERT_OK_AND_ASSIGN(const absl::CivilDay day, ParseDay(text, context));
    EXPECT_EQ(day, wanted) << text;
  }
  for (const char* text : {"2026-02-29", "1.12.2026", "+3h", "2026-1-1"}) {
    EXPECT_THAT(ParseDay(text, context), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(TimeInputTest, ReadsTimesOfDay) {
  EXPECT_EQ(*ParseTimeOfDay("09:05"), 545);
  EXPECT_EQ(*ParseTimeOfDay("9:05"), 545);
  EXPECT_EQ(*ParseTimeOfDay("24:00"), 1440);
  for (const char* text : {"24:01", "9", "09:60", "09:5", "-1:00", "009:00", ""}) {
    EXPECT_FALSE(ParseTimeOfDay(text).ok()) << text;
  }
}

TEST(TimeInputTest, ReadsSpans) {
  EXPECT_EQ(*ParseSpan("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseSpan("10d"), absl::Hours(240));
  EXPECT_EQ(*ParseSpan("2w"), absl::Hours(336));
  for (const char* text : {"-1h", "w", "10", "ten minutes", "-2d"}) {
    EXPECT_FALSE(ParseSpan(text).ok()) << text;
  }
}

TEST(TimeInputTest, ReadsRanges) {
  TimeContext context = In("Europe/London");
  for (const char* text : {"2026-12-05T09:00..13:00", "2026-12-05T09:00..+4h",
                           "2026-12-05T09:00..2026-12-05T13:00", "2026-12-05T09:00Z..13:00"}) {
    const auto range = ParseTimeRange(text, context);
    ASSERT_OK(range) << text;
    EXPECT_EQ(range->second - range->first, absl::Hours(4)) << text;
  }
  for (const char* text : {"2026-12-05T09:00", "2026-12-05T09:00..08:00", "..", "a..b"}) {
    EXPECT_FALSE(ParseTimeRange(text, context).ok()) << text;
  }
  ASSERT_OK_AND_ASSIGN(const auto days, ParseDayRange("2026-08-03..2026-08-14", context));
  EXPECT_EQ(days.second - days.first, 11);
  ASSERT_OK_AND_ASSIGN(const auto one, ParseDayRange("2026-08-03", context));
  EXPECT_EQ(one.first, one.second);
  EXPECT_FALSE(ParseDayRange("2026-08-14..2026-08-03", context).ok());
  EXPECT_FALSE(ParseDayRange("2026-08-14..", context).ok());
}

}  // namespace
}  // namespace ipt::ctl
