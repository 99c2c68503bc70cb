#include "ipt-deliver/outcome.h"

#include "gtest/gtest.h"

namespace ipt::deliver {
namespace {

TEST(OutcomeOfStatusTest, IsTheTableOfTheDocuments) {
  for (const int status : {200, 201, 202, 204, 299}) {
    EXPECT_EQ(OutcomeOfStatus(status, absl::Seconds(9)).word, v1::ATTEMPT_OUTCOME_SENT) << status;
  }
  for (const int status : {400, 410, 413, 422}) {
    const Outcome outcome = OutcomeOfStatus(status, absl::ZeroDuration());
    EXPECT_EQ(outcome.word, v1::ATTEMPT_OUTCOME_DEAD) << status;
    EXPECT_EQ(outcome.reason, "HTTP_" + std::to_string(status));
    EXPECT_FALSE(outcome.receiver_fault) << status;
  }
  for (const int status : {301, 302, 307, 308, 401, 403, 404, 405, 406, 408, 411, 415,
                           418, 421, 425, 429, 451, 500, 501, 502, 503, 504, 599, 999}) {
    const Outcome outcome = OutcomeOfStatus(status, absl::ZeroDuration());
    EXPECT_EQ(outcome.word, v1::ATTEMPT_OUTCOME_RETRY) << status;
    EXPECT_EQ(outcome.reason, "HTTP_" + std::to_string(status));
    EXPECT_TRUE(outcome.receiver_fault) << status;
  }
  EXPECT_EQ(OutcomeOfStatus(409, {}).word, v1::ATTEMPT_OUTCOME_RETRY);
  EXPECT_FALSE(OutcomeOfStatus(409, {}).receiver_fault);
}

TEST(OutcomeOfStatusTest, HeedsRetryAfterUpToADay) {
  EXPECT_EQ(OutcomeOfStatus(503, absl::Seconds(120)).retry_delay, absl::Seconds(120));
  EXPECT_EQ(OutcomeOfStatus(429, absl::Hours(48)).retry_delay, absl::Hours(24));
  EXPECT_EQ(OutcomeOfStatus(503, absl::Seconds(-5)).retry_delay, absl::ZeroDuration());
}

}  // namespace
}  // namespace ipt::deliver
