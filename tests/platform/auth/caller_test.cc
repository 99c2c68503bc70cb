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
  EXPECT_FALSE(Caller().HasScope("courses.read"));
  EXPECT_FALSE(Caller().HasScope(""));
}

TEST(CallerTest, HasOnlyTheScopesThatWereGranted) {
  const Caller caller{.subject = "s", .scopes = {"courses.read", "sessions.write"}};
  EXPECT_TRUE(caller.HasScope("courses.read"));
  EXPECT_FALSE(caller.HasScope("courses.write"));
  EXPECT_FALSE(caller.HasScope("courses"));
  EXPECT_FALSE(caller.HasScope("Courses.read"));
  EXPECT_TRUE((Caller{.subject = "s", .all_scopes = true}).HasScope("anything"));
}

}  // namespace
}  // namespace ipt
