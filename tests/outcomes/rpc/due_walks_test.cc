#include "outcomes/rpc/due_walks.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace ipt::outcomes {
namespace {

const absl::CivilDay kDay(2026, 3, 2);

class DueWalksTest : public ::testing::Test {
 protected:
  static DueWalks::Walk Made(const std::string& id, int lines) {
    DueWalk walk = {.id = id, .clinic_id = "north", .request = "all"};
    for (int i = 0; i < lines; ++i) {
      DueLine& line = walk.lines.emplace_back();
      line.course_id = absl::StrCat("k", 100 + i);
      line.rule_id = "each";
      line.occasion.day = kDay;
    }
    return std::make_shared<const DueWalk>(std::move(walk));
  }
  static DuePlace After(int line) { return {kDay, absl::StrCat("k", 100 + line), "each"}; }
  DueWalks::Walk Find(const std::string& id, int after, const std::string& clinic = "north",
                      const std::string& request = "all") {
    return walks_.Find(id, clinic, request, After(after), now_);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  DueWalks walks_{25, 10};  // lines of all, and of one
};

TEST_F(DueWalksTest, IsFoundByWhoAskedForIt) {
  walks_.Keep(Made("w", 5), std::nullopt, now_);
  ASSERT_NE(Find("w", 1), nullptr);
  EXPECT_EQ(Find("w", 1)->IndexAfter(After(1)), 2);
  EXPECT_EQ(Find("v", 1), nullptr);
  EXPECT_EQ(Find("w", 1, "south"), nullptr);
  EXPECT_EQ(Find("w", 1, "north", "other"), nullptr);
}

TEST_F(DueWalksTest, IsKeptWhileItIsAskedFor) {
  walks_.Keep(Made("w", 5), std::nullopt, now_);
  for (int i = 0; i < 4; ++i) {
    now_ += absl::Seconds(50);
    EXPECT_NE(Find("w", 1), nullptr);
  }
  now_ += absl::Seconds(61);
  EXPECT_EQ(Find("w", 1), nullptr);
}

TEST_F(DueWalksTest, WhatWasNotAskedForLongestGivesWay) {
  walks_.Keep(Made("a", 10), std::nullopt, now_);
  walks_.Keep(Made("b", 10), std::nullopt, now_);
  EXPECT_NE(Find("a", 1), nullptr);
  walks_.Keep(Made("c", 10), std::nullopt, now_);
  EXPECT_NE(Find("a", 1), nullptr);
  EXPECT_EQ(Find("b", 1), nullptr);
  EXPECT_NE(Find("c", 1), nullptr);
}

TEST_F(DueWalksTest, OneThatIsMadeAnewTakesTheOldOnesPlace) {
  for (int i = 0; i < 5; ++i) walks_.Keep(Made("a", 10), std::nullopt, now_);
  walks_.Keep(Made("b", 10), std::nullopt, now_);
  EXPECT_NE(Find("a", 1), nullptr);
  walks_.Keep(Made("a", 3), std::nullopt, now_);
  EXPECT_EQ(Find("a", 1)->lines.size(), 3);
}

TEST_F(DueWalksTest, OfALargeOneWhatComesNextIsKept) {
  walks_.Keep(Made("w", 40), After(4), now_);
  EXPECT_EQ(Find("w", 3), nullptr);
  const DueWalks::Walk walk = Find("w", 4);
  ASSERT_NE(walk, nullptr);
  EXPECT_EQ(walk->lines.size(), 10);
  EXPECT_EQ(walk->lines[walk->IndexAfter(After(4))].course_id, "k105");
  EXPECT_TRUE(walk->more);
  EXPECT_NE(Find("w", 13), nullptr);
  EXPECT_EQ(Find("w", 14), nullptr);
  // Its end, with nothing after it.
  walks_.Keep(Made("w", 40), After(34), now_);
  ASSERT_NE(Find("w", 34), nullptr);
  EXPECT_FALSE(Find("w", 34)->more);
  EXPECT_EQ(Find("w", 34)->lines.size(), 5);
  EXPECT_NE(Find("w", 39), nullptr);
}

}  // namespace
}  // namespace ipt::outcomes
