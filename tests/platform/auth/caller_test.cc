#include "platform/auth/caller.h"

#include "gtest/gtest.h"

namespace ipt {
namespace {

TEST(CallerTest, EntersOnlyItsClinics) {
  const Caller caller{.subject = "s", .clinics = {"north", "south"}};
  EXPECT_TRUE(caller.MayEnter("north"));
  EXPECT_FALSE(caller.MayEnter("nort"));
  EXPECT_FALSE(caller.MayEnter(""));
  EXPECT_TRUE((Caller{.subject = "s", .all_clinics = true}).MayEnter("anywhere"));
}

TEST(CallerTest, DefaultCallerMayDoNothing) {
  EXPECT_FALSE(Caller().MayEnter("north"));
  EXPECT_FALSE(Caller().HasScope("system/Appointment.r"));
  EXPECT_FALSE(Caller().HasScope(""));
}

TEST(CallerTest, ScopesCoverWhatTheyGrant) {
  const auto has = [](std::vector<std::string> granted, absl::string_view required) {
    return Caller{.subject = "s", .scopes = std::move(granted)}.HasScope(required);
  };
  EXPECT_TRUE(has({"system/Appointment.cruds"}, "system/Appointment.r"));
  EXPECT_TRUE(has({"system/Appointment.rs"}, "system/Appointment.rs"));
  EXPECT_TRUE(has({"system/*.rs"}, "system/Appointment.s"));
  EXPECT_TRUE(has({"system/Appointment.read"}, "system/Appointment.rs"));
  EXPECT_TRUE(has({"system/Appointment.write"}, "system/Appointment.cud"));
  EXPECT_TRUE(has({"system/*.*"}, "system/Appointment.cruds"));
  EXPECT_TRUE(has({"system/Appointment.r", "system/Appointment.u"}, "system/Appointment.ru"));
  EXPECT_TRUE(has({"ipt.admin"}, "ipt.admin"));

  EXPECT_FALSE(has({"system/Appointment.rs"}, "system/Appointment.u"));
  EXPECT_FALSE(has({"system/Appointment.rs"}, "system/Appointment.rsu"));
  EXPECT_FALSE(has({"user/Appointment.cruds"}, "system/Appointment.r"));
  EXPECT_FALSE(has({"system/Appointment.cruds"}, "system/AppointmentX.r"));
  EXPECT_FALSE(has({"system/Appointment.sr"}, "system/Appointment.r")) << "letters out of order";
  EXPECT_FALSE(has({"system/Appointment.rr"}, "system/Appointment.r"));
  EXPECT_FALSE(has({"system/Appointment."}, "system/Appointment.r"));
  EXPECT_FALSE(has({"system/.r", "/Appointment.r", "system.r", ""}, "system/Appointment.r"));
  EXPECT_FALSE(has({"ipt.*"}, "ipt.admin"));
}

}  // namespace
}  // namespace ipt
