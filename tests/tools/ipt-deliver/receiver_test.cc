#include "ipt-deliver/receiver.h"

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ipt::deliver {
namespace {

using ::testing::ElementsAre;
using State = Receiver::State;

class ReceiverTest : public ::testing::Test {
 protected:
  void Fault(int times) {
    for (int i = 0; i < times; ++i) receiver_.Note(ReceiverFault("TIMEOUT"));
  }

  std::vector<State> changes_;
  std::string why_;
  Receiver receiver_{[this](State state, const std::string& reason) {
    changes_.push_back(state);
    why_ = reason;
  }};
};

TEST_F(ReceiverTest, FallsAfterFaultsInARow) {
  Fault(Receiver::kFaults - 1);
  receiver_.Note(Sent());
  Fault(Receiver::kFaults - 1);
  EXPECT_EQ(receiver_.Window(8), 8);
  EXPECT_THAT(changes_, ElementsAre());
  Fault(1);
  EXPECT_FALSE(receiver_.MaySend());
  EXPECT_EQ(receiver_.Window(8), 0);
  EXPECT_THAT(changes_, ElementsAre(State::kDown));
  EXPECT_EQ(why_, "TIMEOUT");
}

TEST_F(ReceiverTest, IsTriedByOneAndUpAgainWhenThatIsSent) {
  Fault(Receiver::kFaults);
  ASSERT_TRUE(receiver_.AwaitTurn());
  EXPECT_EQ(receiver_.Window(8), 1);
  Fault(1);
  EXPECT_FALSE(receiver_.MaySend());
  ASSERT_TRUE(receiver_.AwaitTurn());
  receiver_.Note(Sent());
  EXPECT_EQ(receiver_.Window(8), 8);
  EXPECT_THAT(changes_,
              ElementsAre(State::kDown, State::kTrying, State::kDown, State::kTrying, State::kUp));
  EXPECT_TRUE(receiver_.AwaitTurn());
}

TEST_F(ReceiverTest, AWordAboutAMessageSaysThatItWorks) {
  Fault(Receiver::kFaults);
  ASSERT_TRUE(receiver_.AwaitTurn());
  const Outcome outcome = receiver_.Note(OutcomeOfStatus(422, {}));
  EXPECT_EQ(outcome.word, v1::ATTEMPT_OUTCOME_DEAD);
  EXPECT_EQ(receiver_.state(), State::kUp);
}

TEST_F(ReceiverTest, KeepsRemindersOfOneThatRefusesEverything) {
  for (int i = 1; i < Receiver::kRefusals; ++i) {
    EXPECT_EQ(receiver_.Note(OutcomeOfStatus(400, {})).word, v1::ATTEMPT_OUTCOME_DEAD) << i;
  }
  const Outcome kept = receiver_.Note(OutcomeOfStatus(400, {}));
  EXPECT_EQ(kept.word, v1::ATTEMPT_OUTCOME_RETRY);
  EXPECT_EQ(kept.reason, "HTTP_400");
  EXPECT_EQ(receiver_.state(), State::kDown);
  EXPECT_EQ(receiver_.Note(OutcomeOfStatus(400, {})).word, v1::ATTEMPT_OUTCOME_RETRY);
  receiver_.Note(Sent());
  EXPECT_EQ(receiver_.state(), State::kUp);
  EXPECT_EQ(receiver_.Note(OutcomeOfStatus(400, {})).word, v1::ATTEMPT_OUTCOME_DEAD);
}

TEST_F(ReceiverTest, WaitsEndWhenTold) {
  Fault(Receiver::kFaults);
  receiver_.EndWaits();
  EXPECT_FALSE(receiver_.AwaitTurn());
}

}  // namespace
}  // namespace ipt::deliver
