#include "scheduling/storage/json_codec.h"

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::scheduling {
namespace {

using ::ipt::testing::StatusIs;

TEST(JsonCodecTest, TimesSurviveAtTheirExtremes) {
  for (absl::Time time : {absl::InfinitePast(), absl::InfiniteFuture(), absl::UnixEpoch(),
                          absl::FromUnixMicros(-1), absl::FromUnixMicros(253402300799999999)}) {
    EXPECT_EQ(FromMicros(ToMicros(time)), time);
  }
}

TEST(JsonCodecTest, DaysCountFromTheEpoch) {
  EXPECT_EQ(ToDayNumber(absl::CivilDay(1970, 1, 1)), 0);
  EXPECT_EQ(ToDayNumber(absl::CivilDay(1969, 12, 31)), -1);
  for (absl::CivilDay day :
       {absl::CivilDay(1, 1, 1), absl::CivilDay(2024, 2, 29), absl::CivilDay(9999, 12, 31)}) {
    EXPECT_EQ(FromDayNumber(ToDayNumber(day)), day);
  }
}

TEST(JsonCodecTest, UnsetIsAbsentAndReadsAsUnset) {
  EXPECT_EQ(EncodeCourseDetails({}), "{}");
  EXPECT_EQ(EncodeSessionDetails({}), "{}");
  Course course;
  course.pauses.emplace_back();
  course.closure.emplace();
  ASSERT_OK(DecodeCourseDetails("{}", course));
  EXPECT_EQ(course, Course());
}

TEST(JsonCodecTest, ReminderVariablesSurvive) {
  const ReminderVariables all{.session_start = absl::FromUnixSeconds(1),
                              .session_end = absl::FromUnixSeconds(2),
                              .time_zone = "Europe/Berlin",
                              .modality = Modality::kVideo,
                              .location = "Room \"2\" \xE2\x98\x83",
                              .session_number = 3,
                              .day = absl::CivilDay(2026, 5, 1),
                              .weeks = 4};
  for (const ReminderVariables& variables : {all, ReminderVariables()}) {
    ReminderVariables read = all;
    ASSERT_OK(DecodeReminderVariables(EncodeReminderVariables(variables), read));
    EXPECT_EQ(read, variables);
  }
}

// Rows of a later version: members and elements beyond those known.
TEST(JsonCodecTest, IgnoresWhatItDoesNotKnow) {
  std::vector<WeeklyWindow> windows;
  ASSERT_OK(DecodeWindows("[[2,60,120,\"new\"]]", windows));
  EXPECT_EQ(windows, (std::vector<WeeklyWindow>{{Weekday::kTuesday, 60, 120}}));
  SchedulingPolicy policy;
  ASSERT_OK(DecodePolicy("[45,null,2]", policy));  // of an earlier one: fewer
  EXPECT_EQ(policy.session_minutes, 45);
  EXPECT_EQ(policy.cadence_days, std::nullopt);
  EXPECT_EQ(policy.cadence_tolerance_days, 2);
  EXPECT_EQ(policy.slot_minutes, std::nullopt);
  EXPECT_EQ(policy.variant_phases, std::vector<VariantPhases>());
  Course course;
  ASSERT_OK(DecodeCourseDetails("{\"new\":{\"x\":1},\"pauses\":[]}", course));
}

TEST(JsonCodecTest, DamagedTextIsAnErrorThatRepeatsNothing) {
  Course course;
  Session session;
  for (const char* text :
       {"", "secret", "{\"progress\":", "{\"progress\":7}", "[]", "{\"progress\":[\"secret\"]}"}) {
    const absl::Status status = DecodeCourseDerived(text, course);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal)) << text;
    EXPECT_EQ(status.ToString().find("secret"), std::string::npos);
  }
  EXPECT_THAT(DecodeSessionDetails("{\"attendance\":{}, \"changes\":[[\"x\"]]}", session),
              StatusIs(absl::StatusCode::kInternal));
}

TEST(JsonCodecTest, BadUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(EncodeStrings({"a\xff"}), "[\"a\xEF\xBF\xBD\"]");
}

}  // namespace
}  // namespace ipt::scheduling
