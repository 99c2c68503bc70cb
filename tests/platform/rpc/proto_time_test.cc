#include "platform/rpc/proto_time.h"

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::rpc {
namespace {

using ::ipt::testing::HasBadFields;

TEST(ProtoTimeTest, InstantsRoundTripToTheMicrosecond) {
  for (const int64_t micros : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{1'767'225'599'999'999},
                               int64_t{-2'000'000'000'000'000}}) {
    google::protobuf::Timestamp proto;
    WriteTime(absl::FromUnixMicros(micros), &proto);
    EXPECT_GE(proto.nanos(), 0);
    FieldViolations bad;
    EXPECT_EQ(ReadTime(proto, bad, "t"), absl::FromUnixMicros(micros)) << micros;
    EXPECT_OK(bad.ToStatus());
  }
}

TEST(ProtoTimeTest, RefusesInstantsOutOfRange) {
  FieldViolations bad;
  google::protobuf::Timestamp time;
  time.set_nanos(-1);
  EXPECT_EQ(ReadTime(time, bad, "a"), std::nullopt);
  time.set_nanos(1'000'000'000);
  EXPECT_EQ(ReadTime(time, bad, "b"), std::nullopt);
  time.set_nanos(0);
  time.set_seconds(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ReadTime(time, bad, "c"), std::nullopt);
  EXPECT_THAT(bad.ToStatus(), HasBadFields("a", "b", "c"));
}

google::type::Date Date(int year, int month, int day) {
  google::type::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

TEST(ProtoTimeTest, TakesRealDaysOnly) {
  FieldViolations good;
  EXPECT_EQ(ReadDay(Date(2028, 2, 29), good, "d"), absl::CivilDay(2028, 2, 29));
  EXPECT_OK(good.ToStatus());
  for (const auto& wrong : {Date(2026, 2, 29), Date(2026, 13, 1), Date(0, 5, 1), Date(2026, 0, 1),
                            Date(2026, 5, 0), Date(10000, 1, 1), Date(-5, 1, 1)}) {
    FieldViolations bad;
    EXPECT_EQ(ReadDay(wrong, bad, "d"), std::nullopt) << wrong.ShortDebugString();
    EXPECT_THAT(bad.ToStatus(), HasBadFields("d"));
  }
}

TEST(ProtoTimeTest, TimesOfDayAreWholeMinutesUpTo24Hours) {
  google::type::TimeOfDay time;
  FieldViolations good;
  WriteMinute(1440, &time);
  EXPECT_EQ(time.hours(), 24);
  EXPECT_EQ(ReadMinute(time, good, "t"), 1440);
  WriteMinute(9 * 60 + 5, &time);
  EXPECT_EQ(ReadMinute(time, good, "t"), 545);
  EXPECT_OK(good.ToStatus());

  FieldViolations bad;
  time.set_seconds(1);
  EXPECT_EQ(ReadMinute(time, bad, "t"), std::nullopt);
  time.set_seconds(0);
  time.set_hours(24);
  EXPECT_EQ(ReadMinute(time, bad, "t"), std::nullopt);
  time.set_hours(-1);
  EXPECT_EQ(ReadMinute(time, bad, "t"), std::nullopt);
}

}  // namespace
}  // namespace ipt::rpc
