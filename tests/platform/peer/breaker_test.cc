#include "platform/peer/breaker.h"

#include "gtest/gtest.h"

namespace ipt::peer {
namespace {

class BreakerTest : public ::testing::Test {
 protected:
  void Fail(int times) {
    for (int i = 0; i < times; ++i) breaker_.Failed(now_);
  }

  double random_ = 1;  // whole pauses
  Breaker breaker_{
      {.failures = 3, .first_pause = absl::Seconds(1), .longest_pause = absl::Seconds(3)},
      [this] { return random_; }};
  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
};

TEST_F(BreakerTest, OpensAfterSomeFailuresInARow) {
  EXPECT_FALSE(breaker_.Failed(now_));
  EXPECT_FALSE(breaker_.Failed(now_));
  EXPECT_TRUE(breaker_.Allow(now_));
  EXPECT_TRUE(breaker_.Failed(now_));
  EXPECT_TRUE(breaker_.open());
  EXPECT_FALSE(breaker_.Allow(now_));
}

TEST_F(BreakerTest, AnAnswerBetweenBeginsTheCountAnew) {
  Fail(2);
  EXPECT_FALSE(breaker_.Succeeded());
  Fail(2);
  EXPECT_FALSE(breaker_.open());
}

TEST_F(BreakerTest, LetsOneCallTryAfterThePause) {
  Fail(3);
  now_ += absl::Seconds(1) - absl::Nanoseconds(1);
  EXPECT_FALSE(breaker_.Allow(now_));
  now_ += absl::Nanoseconds(1);
  EXPECT_TRUE(breaker_.Allow(now_));
  EXPECT_FALSE(breaker_.Allow(now_));  // that one's outcome is waited for
}

TEST_F(BreakerTest, ATrialThatSucceedsClosesIt) {
  Fail(3);
  now_ += absl::Seconds(1);
  ASSERT_TRUE(breaker_.Allow(now_));
  EXPECT_TRUE(breaker_.Succeeded());
  EXPECT_FALSE(breaker_.open());
  Fail(2);
  EXPECT_TRUE(breaker_.Allow(now_));
}

TEST_F(BreakerTest, PausesGrowToTheLongest) {
  Fail(3);
  EXPECT_EQ(breaker_.next_trial(), now_ + absl::Seconds(1));
  for (const int seconds : {2, 3, 3}) {
    now_ = breaker_.next_trial();
    ASSERT_TRUE(breaker_.Allow(now_));
    EXPECT_FALSE(breaker_.Failed(now_));
    EXPECT_EQ(breaker_.next_trial(), now_ + absl::Seconds(seconds));
  }
}

TEST_F(BreakerTest, ATrialThatNobodyTellsOfFreesItsPlace) {
  Fail(3);
  now_ += absl::Seconds(1);
  ASSERT_TRUE(breaker_.Allow(now_));
  now_ += absl::Seconds(1);
  EXPECT_TRUE(breaker_.Allow(now_));
}

TEST_F(BreakerTest, PausesAreSpreadOverTheirSecondHalf) {
  random_ = 0;
  Fail(3);
  EXPECT_EQ(breaker_.next_trial(), now_ + absl::Milliseconds(500));
}

}  // namespace
}  // namespace ipt::peer
