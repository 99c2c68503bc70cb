#include "scheduling/rpc/course_cache.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "scheduling/domain/names.h"

namespace ipt::scheduling {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Course Make(const std::string& id, const std::string& therapist = "ana") {
  Course course;
  course.clinic_id = "north";
  course.course_id = id;
  course.therapist_id = therapist;
  course.state = CourseState::kActive;
  course.valid_until = kNow + absl::Hours(1);
  course.stamp.revision = 7;
  return course;
}

class CourseCacheTest : public ::testing::Test {
 protected:
  void Keep(const Course& course, const std::string& answer = "answer") {
    cache_.Keep(cache_.BeginRead(), CourseName(course.clinic_id, course.course_id), course, answer);
  }
  bool Has(const std::string& id, int64_t min_revision = 0, absl::Time now = kNow) const {
    return cache_.Find(CourseName("north", id), min_revision, now) != nullptr;
  }
  CourseCache cache_;
};

TEST_F(CourseCacheTest, GivesWhatWasKept) {
  EXPECT_FALSE(Has("c"));
  Keep(Make("c"), "bytes");
  EXPECT_EQ(*cache_.Find("clinics/north/courses/c", 7, kNow), "bytes");
}

TEST_F(CourseCacheTest, IsNeverOlderThanAskedFor) {
  Keep(Make("c"));
  EXPECT_TRUE(Has("c", 7));
  EXPECT_FALSE(Has("c", 8));
}

TEST_F(CourseCacheTest, RunsOutWithTheDerivedValues) {
  Keep(Make("c"));
  EXPECT_TRUE(Has("c", 0, kNow + absl::Minutes(59)));
  EXPECT_FALSE(Has("c", 0, kNow + absl::Hours(1)));
  Course closed = Make("d");
  closed.state = CourseState::kCompleted;
  Keep(closed);
  EXPECT_TRUE(Has("d", 0, kNow + absl::Hours(1000)));
}

TEST_F(CourseCacheTest, ACommitDropsWhatItChangedAndNothingElse) {
  Keep(Make("a", "ana"));
  Keep(Make("b", "bo"));
  Keep(Make("c", "ana"));
  cache_.OnCommitted({.courses = {{"north", "a"}}});
  EXPECT_FALSE(Has("a"));
  EXPECT_TRUE(Has("b"));
  EXPECT_TRUE(Has("c"));
  cache_.OnCommitted({.therapists = {{"north", "ana"}}});
  EXPECT_TRUE(Has("b"));
  EXPECT_FALSE(Has("c"));
  cache_.OnCommitted({.clinics = {"south"}});
  EXPECT_TRUE(Has("b"));
  cache_.OnCommitted({.clinics = {"north"}});
  EXPECT_FALSE(Has("b"));
}

TEST_F(CourseCacheTest, AReadThatBeganBeforeACommitIsNotKeptAsFresh) {
  const uint64_t begun = cache_.BeginRead();
  cache_.OnCommitted({.courses = {{"north", "c"}}});
  cache_.Keep(begun, "clinics/north/courses/c", Make("c"), "old");
  EXPECT_FALSE(Has("c"));
  Keep(Make("c"), "new");
  EXPECT_TRUE(Has("c"));
  cache_.Keep(begun, "clinics/north/courses/c", Make("c"), "old again");
  EXPECT_EQ(*cache_.Find("clinics/north/courses/c", 0, kNow), "new");
}

TEST(CourseCacheBoundTest, StaysWithinItsBound) {
  CourseCache cache(640);
  for (int i = 0; i < 10'000; ++i) {
    const Course course = Make(absl::StrCat("c", i));
    cache.Keep(cache.BeginRead(), CourseName("north", course.course_id), course, "answer");
  }
  int kept = 0;
  for (int i = 0; i < 10'000; ++i) {
    kept += cache.Find(CourseName("north", absl::StrCat("c", i)), 0, kNow) != nullptr;
  }
  EXPECT_LE(kept, 640);
  EXPECT_GT(kept, 300);
}

}  // namespace
}  // namespace ipt::scheduling
