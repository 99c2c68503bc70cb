#include "course_copies/domain/therapist_copies.h"

#include <gtest/gtest.h>

namespace ipt::courses {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

CopiedTherapist Away(const std::vector<std::pair<int, int>>& hours) {
  CopiedTherapist therapist;
  for (const auto& [from, to] : hours) {
    therapist.time_off.push_back(
        {.start = kNow + absl::Hours(from), .end = kNow + absl::Hours(to)});
  }
  return therapist;
}

TEST(TherapistAwayTest, FromTheStartOfTimeOffToItsEnd) {
  EXPECT_EQ(Away({}).AwayUntil(kNow), std::nullopt);
  EXPECT_EQ(Away({{0, 2}}).AwayUntil(kNow), kNow + absl::Hours(2));
  EXPECT_EQ(Away({{0, 2}}).AwayUntil(kNow - absl::Microseconds(1)), std::nullopt);
  EXPECT_EQ(Away({{-2, 0}}).AwayUntil(kNow), std::nullopt);
  EXPECT_EQ(Away({{-2, 0}}).AwayUntil(kNow - absl::Microseconds(1)), kNow);
  EXPECT_EQ(Away({{1, 2}}).AwayUntil(kNow), std::nullopt);
}

TEST(TherapistAwayTest, UntilTheEndOfAllThatFollowsWithoutABreak) {
  EXPECT_EQ(Away({{-1, 2}, {2, 5}}).AwayUntil(kNow), kNow + absl::Hours(5));
  EXPECT_EQ(Away({{-1, 9}, {1, 5}, {8, 10}}).AwayUntil(kNow), kNow + absl::Hours(10));
  EXPECT_EQ(Away({{-1, 2}, {3, 5}}).AwayUntil(kNow), kNow + absl::Hours(2));
  EXPECT_EQ(Away({{-5, -1}, {1, 5}}).AwayUntil(kNow), std::nullopt);
}

}  // namespace
}  // namespace ipt::courses
