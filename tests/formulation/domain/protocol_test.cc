#include "formulation/domain/protocol.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/formulation/protocols.h"

namespace ipt::formulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <typename T>
std::vector<std::string> Codes(const std::vector<const T*>& list) {
  std::vector<std::string> codes;
  for (const T* entry : list) codes.push_back(entry->code);
  return codes;
}

TEST(ProtocolTest, StrategiesOfAPhaseComeInOrderWithThoseOfTheStageFirst) {
  const Area area = *Sample().FindArea("ROLE_DISPUTE");
  EXPECT_THAT(Codes(area.StrategiesIn(Phase::kInitial)), ElementsAre("ROLE_DISPUTE_S1"));
  EXPECT_THAT(Codes(area.StrategiesIn(Phase::kMiddle)),
              ElementsAre("ROLE_DISPUTE_S2", "ROLE_DISPUTE_IMPASSE", "ROLE_DISPUTE_DISSOLUTION"));
  EXPECT_THAT(Codes(area.StrategiesIn(Phase::kMiddle, "DISSOLUTION")),
              ElementsAre("ROLE_DISPUTE_DISSOLUTION", "ROLE_DISPUTE_S2"));
  EXPECT_THAT(Codes(area.StrategiesIn(Phase::kInitial, "DISSOLUTION")),
              ElementsAre("ROLE_DISPUTE_S1"));
}

TEST(ProtocolTest, QuestionsOfAPhaseDoSoToo) {
  const Area area = *Sample().FindArea("ROLE_DISPUTE");
  EXPECT_THAT(Codes(area.QuestionsIn(Phase::kMiddle, "IMPASSE")),
              ElementsAre("ROLE_DISPUTE_Q_IMPASSE", "ROLE_DISPUTE_Q2"));
  EXPECT_THAT(Codes(area.QuestionsIn(Phase::kMiddle, "DISSOLUTION")),
              ElementsAre("ROLE_DISPUTE_Q2"));
}

TEST(ProtocolTest, TechniquesOfAPhaseAreThoseOfItsStrategiesEachOnce) {
  const Area area = *Sample().FindArea("ROLE_DISPUTE");
  EXPECT_THAT(area.TechniquesIn(Phase::kMiddle), ElementsAre("LISTEN", "TALK", "DRILL"));
  EXPECT_THAT(area.TechniquesIn(Phase::kMiddle, "IMPASSE"), ElementsAre("TALK", "LISTEN"));
}

TEST(ProtocolTest, WhatIsThereIsFoundByItsCode) {
  const ProtocolCatalog sample = Sample();
  EXPECT_EQ(sample.FindArea("INTERPERSONAL_DEFICITS"), &sample.areas[2]);
  EXPECT_EQ(sample.FindTask("WORK"), &sample.tasks[1]);
  EXPECT_EQ(sample.FindTechnique("TALK"), &sample.techniques[1]);
  EXPECT_EQ(sample.FindTradition("OLD"), &sample.traditions[1]);
  EXPECT_EQ(sample.FindVariant("special"), &sample.variants[1]);
  EXPECT_EQ(sample.FindArea("WORK"), nullptr);
  const Area& first = sample.areas[0];
  EXPECT_EQ(first.FindCriterion("ROLE_DISPUTE_C1"), &first.criteria[0]);
  EXPECT_EQ(first.FindStrategy("ROLE_DISPUTE_IMPASSE"), &first.strategies[3]);
  EXPECT_EQ(first.FindStage("DISSOLUTION"), &first.stages[1]);
  EXPECT_EQ(first.FindStage("ROLE_DISPUTE_IMPASSE"), nullptr);
}

TEST(ProtocolTest, TheMiddlePhaseHasTheSessionsThatTheOthersLeave) {
  EXPECT_THAT((SessionSplit{16, 4, 4, {}}.Phases()),
              ElementsAre(PhaseSpan{Phase::kInitial, 1, 4}, PhaseSpan{Phase::kMiddle, 5, 12},
                          PhaseSpan{Phase::kEnding, 13, 16}));
  EXPECT_THAT((SessionSplit{2, 1, 1, {}}.Phases()),
              ElementsAre(PhaseSpan{Phase::kInitial, 1, 1}, PhaseSpan{Phase::kEnding, 2, 2}));
}

class DueSessionTest : public ::testing::Test {
 protected:
  int DueIn(Phase phase, Due due) {
    Task task{.code = "TASK", .phase = phase, .due = due};
    return DueSession(task, phases_, phases_.empty() ? 0 : phases_.back().last_session);
  }

  std::vector<PhaseSpan> phases_ = SessionSplit{16, 4, 4, {}}.Phases();
};

TEST_F(DueSessionTest, IsTheEndOfThePhase) {
  EXPECT_EQ(DueIn(Phase::kInitial, {DueBy::kPhaseEnd}), 4);
  EXPECT_EQ(DueIn(Phase::kMiddle, {DueBy::kPhaseEnd}), 12);
  EXPECT_EQ(DueIn(Phase::kEnding, {DueBy::kPhaseEnd}), 16);
}

TEST_F(DueSessionTest, IsASessionByNumberButNotAfterThePhase) {
  EXPECT_EQ(DueIn(Phase::kInitial, {DueBy::kSession, 2}), 2);
  phases_ = SessionSplit{12, 3, 3, {}}.Phases();
  EXPECT_EQ(DueIn(Phase::kInitial, {DueBy::kSession, 4}), 3);
}

TEST_F(DueSessionTest, IsHalfOfTheSessionsRoundedUp) {
  EXPECT_EQ(DueIn(Phase::kMiddle, {DueBy::kHalfway}), 8);
  phases_ = SessionSplit{13, 3, 3, {}}.Phases();
  EXPECT_EQ(DueIn(Phase::kMiddle, {DueBy::kHalfway}), 7);
}

TEST_F(DueSessionTest, LeavesSoManySessionsAfterIt) {
  EXPECT_EQ(DueIn(Phase::kEnding, {DueBy::kSessionsLeft, 2, 4}), 14);
  // An ending of one session: before the phase that the task belongs to.
  phases_ = SessionSplit{8, 2, 1, {}}.Phases();
  EXPECT_EQ(DueIn(Phase::kEnding, {DueBy::kSessionsLeft, 2, 4}), 6);
  phases_ = SessionSplit{2, 1, 1, {}}.Phases();
  EXPECT_EQ(DueIn(Phase::kEnding, {DueBy::kSessionsLeft, 2, 4}), 1);
}

TEST_F(DueSessionTest, IsNoneForATaskOfEachSession) {
  EXPECT_EQ(DueIn(Phase::kMiddle, {DueBy::kEachSession}), 0);
}

TEST_F(DueSessionTest, APhaseThatACourseHasNotEndsWithTheOneBefore) {
  phases_ = {{Phase::kInitial, 1, 2}, {Phase::kEnding, 3, 4}};
  EXPECT_EQ(DueIn(Phase::kMiddle, {DueBy::kPhaseEnd}), 2);
  phases_ = {{Phase::kEnding, 1, 3}};
  EXPECT_EQ(DueIn(Phase::kInitial, {DueBy::kPhaseEnd}), 1);
}

TEST(ProtocolTest, ATechniqueIsInUseWhereItsListsSay) {
  const ProtocolCatalog sample = Sample();
  EXPECT_TRUE(sample.FindTechnique("LISTEN")->UsedIn("plain", "OLD"));
  EXPECT_TRUE(sample.FindTechnique("TALK")->UsedIn("plain", "NEW"));
  EXPECT_FALSE(sample.FindTechnique("TALK")->UsedIn("special", "OLD"));
  EXPECT_TRUE(sample.FindTechnique("DRILL")->UsedIn("special", "OLD"));
  EXPECT_FALSE(sample.FindTechnique("DRILL")->UsedIn("plain", "NEW"));
}

TEST(ProtocolTest, BasesAreThoseOfAllThatIsStated) {
  const ProtocolCatalog sample = Sample();
  // Areas: 3 of 9 each, and 5 more in ROLE_DISPUTE. Tasks 3 and a question, techniques 3.
  // Traditions 2 and 7 changes. Variants 2, their splits, and 8 changes.
  EXPECT_EQ(BasesOf(sample).size(), 27u + 5 + 4 + 3 + 9 + 4 + 8);
  EXPECT_THAT(BasesOf(ProtocolCatalog{}), IsEmpty());
}

}  // namespace
}  // namespace ipt::formulation
