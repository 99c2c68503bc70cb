#include "platform/rpc/resource_name.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ipt/scheduling/v1/clinic.pb.h"
#include "ipt/scheduling/v1/therapist.pb.h"

namespace ipt::rpc {
namespace {

constexpr char kCourse[] = "clinics/{clinic}/courses/{course}";

TEST(ResourceNameTest, MatchesItsPattern) {
  EXPECT_TRUE(MatchesPattern("clinics/a/courses/b-1", kCourse, false));
  for (const char* wrong :
       {"", "clinics/a", "clinics/a/courses/", "clinics/a/courses/b/", "/clinics/a/courses/b",
        "clinics//courses/b", "clinics/a/therapists/b", "clinics/A/courses/b",
        "clinics/a/courses/b/sessions/c", "clinics/a/courses/../x", "clinics/a/courses/%2e"}) {
    EXPECT_FALSE(MatchesPattern(wrong, kCourse, false)) << wrong;
  }
}

TEST(ResourceNameTest, AWildcardStandsForAnyPlaceButTheClinic) {
  EXPECT_TRUE(MatchesPattern("clinics/a/courses/-", kCourse, true));
  EXPECT_FALSE(MatchesPattern("clinics/a/courses/-", kCourse, false));
  EXPECT_FALSE(MatchesPattern("clinics/-/courses/b", kCourse, true));
}

TEST(ResourceNameTest, AWriteIsAboutWhatItAnswersWith) {
  scheduling::v1::Clinic clinic;
  EXPECT_EQ(ResourceWritten(clinic, "clinics/a"), "clinics/a");
  clinic.set_name("clinics/b");
  EXPECT_EQ(ResourceWritten(clinic, "clinics/a"), "clinics/b");
  EXPECT_EQ(ResourceWritten(scheduling::v1::WeeklyWindow(), "clinics/a"), "clinics/a");
}

TEST(ResourceNameTest, ComesApartIntoIds) {
  EXPECT_THAT(IdsOf("clinics/a/courses/b/sessions/c"), ::testing::ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace ipt::rpc
