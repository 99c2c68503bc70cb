// Local time against an independent implementation: Python's zoneinfo, asked by zoneinfo_oracle.py.
#include <gtest/gtest.h>

#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "scheduling/domain/planner.h"
#include "tests/scheduling/domain/course_fixture.h"

namespace ipt::scheduling {
namespace {

using Line = std::vector<std::string>;

std::vector<Line> AskOracle(const std::string& zone) {
  const std::string command = absl::StrCat(IPT_PYTHON, " ", IPT_ORACLE, " ", zone);
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::vector<Line> lines;
  char buffer[256];
  while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) {
    lines.push_back(
        absl::StrSplit(absl::string_view(buffer), absl::ByAnyChar(" \n"), absl::SkipEmpty()));
  }
  return pclose(pipe) == 0 ? lines : std::vector<Line>{};
}

absl::Time Seconds(const std::string& text) {
  int64_t seconds = 0;
  EXPECT_TRUE(absl::SimpleAtoi(text, &seconds)) << text;
  return absl::FromUnixSeconds(seconds);
}

LocalTimeKind Kind(const std::string& name) {
  return name == "skipped"    ? LocalTimeKind::kSkipped
         : name == "repeated" ? LocalTimeKind::kRepeated
                              : LocalTimeKind::kUnique;
}

class ZoneinfoTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ZoneinfoTest, AgreesOnLocalTimesAndDays) {
  const absl::TimeZone zone = Zone(GetParam());
  const std::vector<Line> lines = AskOracle(GetParam());
  int days = 0;
  int times = 0;
  int skipped = 0;
  int repeated = 0;
  for (const Line& line : lines) {
    if (line[1] == "day") {
      absl::CivilDay day;
      ASSERT_TRUE(absl::ParseCivilTime(line[2], &day));
      ASSERT_EQ(DayStart(day, zone), Seconds(line[3])) << line[2];
      ASSERT_EQ(LocalDay(Seconds(line[3]), zone), day);
      ASSERT_EQ(LocalDay(Seconds(line[3]) - absl::Seconds(1), zone), day - 1);
      ++days;
    } else if (line[1] != "weekly") {
      absl::CivilSecond local;
      ASSERT_TRUE(absl::ParseCivilTime(line[1], &local)) << line[1];
      const LocalInstant at = ResolveLocal(local, zone);
      ASSERT_EQ(at.instant, Seconds(line[2])) << line[1];
      ASSERT_EQ(at.kind, Kind(line[3])) << line[1];
      ++times;
      skipped += at.kind == LocalTimeKind::kSkipped;
      repeated += at.kind == LocalTimeKind::kRepeated;
    }
  }
  EXPECT_EQ(days, 5 * 366 - 3);
  EXPECT_GT(times, 1000);
  EXPECT_GE(skipped, 5 * 3);  // Lord Howe's gap: half an hour, five years
  EXPECT_GE(repeated, 5 * 3);
}

// A weekly 09:00 course keeps 09:00 across both changes of a year.
TEST_P(ZoneinfoTest, AWeeklyCourseKeepsItsLocalTime) {
  const absl::TimeZone zone = Zone(GetParam());
  std::vector<absl::Time> expected;
  for (const Line& line : AskOracle(GetParam())) {
    if (line[1] == "weekly") expected.push_back(Seconds(line[3]));
  }
  ASSERT_EQ(expected.size(), 53u);

  Course course = WeeklyCourse(GetParam());
  course.variant_id = "ipt-m";
  course.planned_sessions = 52;
  course.duration_weeks = 53;
  course.preferred_windows = {{Weekday::kMonday, 540, 600}};
  const std::vector<Session> none;
  const absl::Time earliest = DayStart(absl::CivilDay(2026, 1, 5), zone);
  const CoursePlan plan = PlanCourse({course, *FindVariant("ipt-m"), none, zone, 28, earliest, 0},
                                     Calendar(zone, OfficeHours(9, 17)));
  ASSERT_EQ(plan.sessions.size(), 52u);
  std::set<absl::Duration> offsets;
  for (size_t i = 0; i < plan.sessions.size(); ++i) {
    EXPECT_EQ(plan.sessions[i].interval.start, expected[i]) << i;
    EXPECT_EQ(MinuteOfDay(plan.sessions[i].interval.start, zone), 540);
    EXPECT_EQ(plan.sessions[i].verdict, PlanVerdict::kOnPattern);
    if (i > 0)
      offsets.insert(plan.sessions[i].interval.start - plan.sessions[i - 1].interval.start);
  }
  EXPECT_EQ(offsets.size(), 3u);  // a week; a week and the change; a week less the change
}

INSTANTIATE_TEST_SUITE_P(Zones, ZoneinfoTest,
                         ::testing::Values("Europe/London", "America/New_York",
                                           "Australia/Lord_Howe", "Africa/Cairo",
                                           "America/Santiago"));

}  // namespace
}  // namespace ipt::scheduling
