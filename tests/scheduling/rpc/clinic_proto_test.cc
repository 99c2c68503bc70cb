#include "scheduling/rpc/clinic_proto.h"

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::scheduling {
namespace {

using ipt::testing::HasBadFields;

Clinic FullClinic() {
  Clinic clinic;
  clinic.clinic_id = "north";
  clinic.display_name = "North";
  clinic.time_zone = "Europe/London";
  clinic.policy = {.session_minutes = 45,
                   .cadence_days = 14,
                   .cadence_tolerance_days = 3,
                   .cancellation_notice_hours = 48,
                   .pause_cap_days = 21,
                   .no_show_uses_session = true,
                   .late_cancellation_uses_session = false,
                   .slot_minutes = 30,
                   .variant_phases = {{"ipt-b-8", 1, 2}, {"ipsrt", 5, 3}}};
  clinic.stamp = {7, absl::FromUnixSeconds(100), absl::FromUnixSeconds(200)};
  return clinic;
}

TEST(ClinicProtoTest, WritesEveryFieldAndReadsBackWhatACallerMayState) {
  pb::Clinic written;
  WriteClinic(FullClinic(), &written);
  EXPECT_EQ(written.name(), "clinics/north");
  EXPECT_EQ(written.etag(), "\"7\"");
  EXPECT_EQ(written.revision(), 7);
  EXPECT_EQ(written.create_time().seconds(), 100);
  EXPECT_EQ(written.update_time().seconds(), 200);

  FieldViolations bad;
  const Clinic read = ReadClinic(written, bad);
  EXPECT_TRUE(bad.empty());
  EXPECT_EQ(read.display_name, "North");
  EXPECT_EQ(read.time_zone, "Europe/London");
  EXPECT_EQ(read.policy, FullClinic().policy);
  EXPECT_EQ(read.clinic_id, "");
  EXPECT_EQ(read.stamp.revision, 0);
}

TEST(ClinicProtoTest, LeavesUnsetWhatIsUnset) {
  Clinic clinic = FullClinic();
  clinic.policy = {};
  pb::Clinic written;
  WriteClinic(clinic, &written);
  EXPECT_EQ(written.policy().ByteSizeLong(), 0u);
  FieldViolations bad;
  EXPECT_EQ(ReadClinic(written, bad).policy, SchedulingPolicy());
}

TEST(ClinicProtoTest, GivesNoEtagToWhatIsNotStored) {
  Clinic clinic = FullClinic();
  clinic.stamp.revision = 0;
  pb::Clinic written;
  WriteClinic(clinic, &written);
  EXPECT_EQ(written.etag(), "");
}

TEST(ClinicProtoTest, NamesEveryBadHoliday) {
  google::protobuf::RepeatedPtrField<pb::Holiday> holidays;
  const auto add = [&](int year, int month, int day) {
    auto* date = holidays.Add()->mutable_date();
    date->set_year(year);
    date->set_month(month);
    date->set_day(day);
  };
  add(2026, 12, 25);
  holidays.Add();     // [1] no date
  add(2026, 2, 29);   // [2] no such day
  add(2026, 12, 25);  // [3] again
  add(2026, 12, 0);   // [4] a month is no day
  FieldViolations bad;
  const auto read = ReadHolidays(holidays, "north", bad, "holidays");
  EXPECT_THAT(bad.ToStatus(), HasBadFields("holidays[1].date", "holidays[2].date",
                                           "holidays[3].date", "holidays[4].date"));
  ASSERT_EQ(read.size(), 1u);
  pb::Holiday written;
  WriteHoliday(read[0], &written);
  EXPECT_EQ(written.name(), "clinics/north/holidays/2026-12-25");
}

}  // namespace
}  // namespace ipt::scheduling
