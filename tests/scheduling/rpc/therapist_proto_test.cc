#include "scheduling/rpc/therapist_proto.h"

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::scheduling {
namespace {

using ipt::testing::HasBadFields;

TEST(TherapistProtoTest, WritesEveryFieldAndReadsBackWhatACallerMayState) {
  Therapist therapist;
  therapist.clinic_id = "north";
  therapist.therapist_id = "a";
  therapist.display_name = "Dr A";
  therapist.time_zone = "Europe/London";
  therapist.working_hours = {{Weekday::kMonday, 540, 1020}};
  therapist.session_minutes = 50;
  therapist.buffer_minutes = 10;
  therapist.max_active_courses = 12;
  therapist.languages = {"en", "pt-BR"};
  therapist.variants = {"ipt-uk-16"};
  therapist.active = true;
  therapist.open_courses = 3;
  therapist.stamp = {9, absl::FromUnixSeconds(100), absl::FromUnixSeconds(200)};
  pb::Therapist written;
  WriteTherapist(therapist, &written);
  EXPECT_EQ(written.name(), "clinics/north/therapists/a");
  EXPECT_TRUE(written.active());
  EXPECT_EQ(written.open_courses(), 3);
  EXPECT_EQ(written.etag(), "\"9\"");

  FieldViolations bad;
  const Therapist read = ReadTherapist(written, bad);
  EXPECT_TRUE(bad.empty());
  EXPECT_EQ(read.display_name, therapist.display_name);
  EXPECT_EQ(read.time_zone, therapist.time_zone);
  EXPECT_EQ(read.working_hours, therapist.working_hours);
  EXPECT_EQ(read.session_minutes, therapist.session_minutes);
  EXPECT_EQ(read.buffer_minutes, therapist.buffer_minutes);
  EXPECT_EQ(read.max_active_courses, therapist.max_active_courses);
  EXPECT_EQ(read.languages, therapist.languages);
  EXPECT_EQ(read.variants, therapist.variants);
}

TEST(TherapistProtoTest, NamesBadHoursAndBadRulesTogether) {
  pb::Therapist therapist;
  therapist.add_working_hours();
  therapist.set_session_minutes(5);
  FieldViolations bad;
  FieldViolations in = bad.In("therapist");
  ReadTherapist(therapist, in);
  EXPECT_THAT(bad.ToStatus(),
              HasBadFields("therapist.display_name", "therapist.session_minutes",
                           "therapist.working_hours[0].day", "therapist.working_hours[0].start",
                           "therapist.working_hours[0].end"));
}

class TimeOffProtoTest : public ::testing::Test {
 protected:
  absl::Status Read() {
    FieldViolations bad;
    FieldViolations in = bad.In("time_off");
    read_ = ReadTimeOff(time_off_, in);
    return bad.ToStatus();
  }
  static void Set(google::type::Date* date, int year, int month, int day) {
    date->set_year(year);
    date->set_month(month);
    date->set_day(day);
  }

  pb::TimeOff time_off_;
  TimeOff read_;
};

TEST_F(TimeOffProtoTest, WantsDaysOrTime) { EXPECT_THAT(Read(), HasBadFields("time_off.period")); }

TEST_F(TimeOffProtoTest, NamesEveryBadDay) {
  time_off_.mutable_days();
  EXPECT_THAT(Read(), HasBadFields("time_off.days.first", "time_off.days.last"));
  Set(time_off_.mutable_days()->mutable_first(), 2026, 2, 30);
  Set(time_off_.mutable_days()->mutable_last(), 2026, 3, 1);
  EXPECT_THAT(Read(), HasBadFields("time_off.days.first"));
  Set(time_off_.mutable_days()->mutable_first(), 2026, 3, 2);
  EXPECT_THAT(Read(), HasBadFields("time_off.days.last"));
}

TEST_F(TimeOffProtoTest, NamesEveryBadInstant) {
  time_off_.mutable_time();
  EXPECT_THAT(Read(), HasBadFields("time_off.time.start_time", "time_off.time.end_time"));
  time_off_.mutable_time()->mutable_start_time()->set_seconds(1'800'000'000);
  time_off_.mutable_time()->mutable_end_time()->set_seconds(1'800'000'000);
  EXPECT_THAT(Read(), HasBadFields("time_off.time.end_time"));
  time_off_.mutable_time()->mutable_end_time()->set_seconds(1'800'000'000 + 732 * 86'400);
  EXPECT_THAT(Read(), HasBadFields("time_off.time.end_time"));
}

TEST_F(TimeOffProtoTest, WritesBackTheFormThatItWasGivenIn) {
  Set(time_off_.mutable_days()->mutable_first(), 2026, 3, 2);
  Set(time_off_.mutable_days()->mutable_last(), 2026, 3, 6);
  time_off_.set_reason(pb::TIME_OFF_REASON_SICKNESS);
  ASSERT_OK(Read());
  read_.clinic_id = "north";
  read_.therapist_id = "a";
  read_.time_off_id = "t";
  read_.interval = {absl::FromUnixSeconds(1000), absl::FromUnixSeconds(2000)};
  pb::TimeOff written;
  WriteTimeOff(read_, &written);
  EXPECT_EQ(written.name(), "clinics/north/therapists/a/timeOff/t");
  EXPECT_EQ(written.days().ShortDebugString(), time_off_.days().ShortDebugString());
  EXPECT_EQ(written.reason(), pb::TIME_OFF_REASON_SICKNESS);
  EXPECT_EQ(written.start_time().seconds(), 1000);
  EXPECT_EQ(written.end_time().seconds(), 2000);
  read_.days.reset();
  WriteTimeOff(read_, &written);
  EXPECT_EQ(written.time().start_time().seconds(), 1000);
}

TEST(ExtraHoursProtoTest, WantsAtMostADay) {
  pb::ExtraHours extra_hours;
  FieldViolations missing;
  ReadExtraHours(extra_hours, missing);
  EXPECT_THAT(missing.ToStatus(), HasBadFields("time"));
  extra_hours.mutable_time()->mutable_start_time()->set_seconds(1'800'000'000);
  extra_hours.mutable_time()->mutable_end_time()->set_seconds(1'800'000'000 + 86'401);
  FieldViolations too_long;
  ReadExtraHours(extra_hours, too_long);
  EXPECT_THAT(too_long.ToStatus(), HasBadFields("time.end_time"));
  extra_hours.mutable_time()->mutable_end_time()->set_seconds(1'800'000'000 + 86'400);
  FieldViolations none;
  ReadExtraHours(extra_hours, none);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace ipt::scheduling
