#include "outcomes/domain/scoring.h"

#include <cmath>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/outcomes/instruments.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ::ipt::testing::HasBadFields;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Score ScoreOf(const Answers& answers, const Instrument& instrument = Sample()) {
  return ScoreAnswers(instrument, answers).value();
}

Answers Without(Answers answers, const std::string& item) {
  std::erase_if(answers.answers, [&](const Answer& a) { return a.item == item; });
  return answers;
}

// The sample reverses its second item: q2 = 0 counts 3.
TEST(ScoringTest, AddsUpWhatAnswersCount) {
  const Score score = ScoreOf(Values({1, 0, 2, 0}));
  EXPECT_EQ(score.state, ScoreState::kValid);
  EXPECT_EQ(score.exact, (Fraction{6, 1}));
  EXPECT_EQ(score.rounded, 6);
  EXPECT_EQ(score.possible, (Range{0, 12}));
  EXPECT_TRUE(score.comparable);
  EXPECT_FALSE(score.prorated);
  EXPECT_FALSE(score.from_total);
  EXPECT_EQ(score.n_missing, 0);
  EXPECT_EQ(score.DefaultBand()->band, "high");
  EXPECT_EQ(
      score.items[1],
      (ItemScore{
          .item = "q2", .state = ItemState::kAnswered, .option = "a0", .value = 0, .scored = 3}));
  ASSERT_EQ(score.cut_offs.size(), 2u);
  EXPECT_TRUE(score.cut_offs[0].met);
  EXPECT_FALSE(score.cut_offs[1].met);
  EXPECT_EQ(score.subscales[0].rounded, 4);
}

TEST(ScoringTest, AnOptionAndItsValueAreTheSameAnswer) {
  Answers by_option;
  for (const auto& [item, option] : {std::pair("q1", "a1"), std::pair("q2", "a0"),
                                     std::pair("q3", "a2"), std::pair("q4", "a0")}) {
    by_option.answers.push_back({.item = item, .option = option});
  }
  EXPECT_EQ(ScoreOf(by_option), ScoreOf(Values({1, 0, 2, 0})));
}

TEST(ScoringTest, OneMissingItemIsTakenForTheMeanOfTheOthers) {
  const Score score = ScoreOf(Without(Values({1, 0, 1, 0}), "q4"));
  EXPECT_EQ(score.state, ScoreState::kValid);
  EXPECT_EQ(score.exact, (Fraction{20, 3}));
  EXPECT_DOUBLE_EQ(score.exact.value(), 20.0 / 3);
  EXPECT_EQ(score.rounded, 7);
  EXPECT_TRUE(score.prorated);
  EXPECT_EQ(score.n_missing, 1);
}

TEST(ScoringTest, WithTooManyMissingThereIsNoScoreButItsRisk) {
  Answers answers;
  answers.answers = {{.item = "q4", .value = 1}, {.item = "q1", .value = 3}};
  const Score score = ScoreOf(answers);
  EXPECT_EQ(score.state, ScoreState::kInvalid);
  EXPECT_EQ(score.invalid_reason, InvalidReason::kTooManyMissing);
  EXPECT_EQ(score.n_missing, 2);
  EXPECT_THAT(score.bands, IsEmpty());
  EXPECT_THAT(score.cut_offs, IsEmpty());
  EXPECT_EQ(score.DefaultBand(), nullptr);
  EXPECT_EQ(score.risk.state, RiskState::kRaised);
}

TEST(ScoringTest, AnEmptyFormHasNoScoreAndAnUnknownRisk) {
  const Score score = ScoreOf({});
  EXPECT_EQ(score.invalid_reason, InvalidReason::kNothingAnswered);
  EXPECT_EQ(score.risk.state, RiskState::kUnknown);
  EXPECT_EQ(score.risk.findings[0].why_unknown, UnknownReason::kUnanswered);
}

TEST(ScoringTest, RoundsHalfUp) {
  EXPECT_EQ((Fraction{9, 2}.Rounded()), 5);
  EXPECT_EQ((Fraction{89, 20}.Rounded()), 4);
  EXPECT_EQ((Fraction{0, 1}.Rounded()), 0);
  EXPECT_EQ((Fraction{-9, 2}.Rounded()), -4);
  EXPECT_EQ((Fraction{-91, 20}.Rounded()), -5);
  EXPECT_EQ((Fraction{-3, 1}.Rounded()), -3);
}

TEST(ScoringTest, TheMultiplierIsOfTheScoreAndNotOfItsSubscales) {
  Instrument instrument = Sample();
  instrument.multiplier = 4;
  instrument.range = {0, 48};
  instrument.bands.clear();
  ASSERT_EQ(ValidateInstrument(instrument), absl::OkStatus());
  const Score score = ScoreOf(Values({1, 3, 1, 0}), instrument);
  EXPECT_EQ(score.rounded, 8);
  EXPECT_EQ(score.subscales[0].rounded, 1);
  EXPECT_EQ(score.possible, (Range{0, 48}));
  EXPECT_THAT(ScoreAnswers(instrument, Total(10)), HasBadFields("total"));
  EXPECT_EQ(ScoreOf(Total(48), instrument).rounded, 48);
}

// ------------------------------------------------------------------------------------- refusals

TEST(ScoringTest, WhatCannotBeAnAnswerIsRefusedByFieldAllAtOnce) {
  Answers answers;
  answers.answers = {{.item = "q1", .value = 4},
                     {.item = "q9", .value = 1},
                     {.item = "q2", .option = "a7"},
                     {.item = "q3", .option = "a1", .value = 2},
                     {.item = "q4"},
                     {.item = "q1", .value = 1},
                     {.item = "q2", .value = -1}};
  EXPECT_THAT(ScoreAnswers(Sample(), answers),
              HasBadFields("answers[0].value", "answers[1].item", "answers[2].option",
                           "answers[3].value", "answers[4]", "answers[5].item", "answers[6].item"));
}

TEST(ScoringTest, ARefusalSaysWhatMayBeSaidAndNotWhatWas) {
  const auto refused = ScoreAnswers(Sample(), Values({77}));
  const auto violations = FieldViolationsOf(refused.status());
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].description, "must be 0 to 3");
  EXPECT_THAT(std::string(refused.status().message()), Not(HasSubstr("77")));

  Instrument gaps = Sample();
  gaps.items[0].options[2].value = 5;
  gaps.items[0].options[3].value = 7;
  EXPECT_EQ(FieldViolationsOf(ScoreAnswers(gaps, Values({4})).status())[0].description,
            "must be 0, 1, 5 or 7");
}

TEST(ScoringTest, NotApplicableIsOnlyWhatMayBe) {
  Answers answers;
  answers.answers = {{.item = "q1", .not_applicable = true}};
  EXPECT_THAT(ScoreAnswers(Sample(), answers), HasBadFields("answers[0].not_applicable"));
  Instrument instrument = Sample();
  instrument.items[0].may_be_not_applicable = true;
  EXPECT_EQ(ScoreOf(answers, instrument).items[0].state, ItemState::kNotApplicable);
  answers.answers[0].value = 1;
  EXPECT_THAT(ScoreAnswers(instrument, answers), HasBadFields("answers[0].not_applicable"));
}

// ---------------------------------------------------------------------------------------- total

TEST(ScoringTest, ATotalAloneIsAScoreWithAnUnknownRisk) {
  const Score score = ScoreOf(Total(7));
  EXPECT_EQ(score.state, ScoreState::kValid);
  EXPECT_TRUE(score.from_total);
  EXPECT_EQ(score.rounded, 7);
  EXPECT_EQ(score.n_missing, 0);
  EXPECT_EQ(score.DefaultBand()->band, "high");
  EXPECT_EQ(score.subscales[0].state, ScoreState::kInvalid);
  EXPECT_EQ(score.patterns[0].state, PatternState::kUndecided);
  EXPECT_EQ(score.risk.state, RiskState::kUnknown);
  EXPECT_EQ(score.risk.findings[0].why_unknown, UnknownReason::kTotalOnly);
  EXPECT_EQ(score.risk.findings[1].state, RiskState::kClear);
}

TEST(ScoringTest, ATotalIsAWholeNumberInRange) {
  EXPECT_EQ(ScoreOf(Total(0)).rounded, 0);
  EXPECT_EQ(ScoreOf(Total(12)).rounded, 12);
  for (double total : {-1.0, 12.5, 13.0, 3.5, std::numeric_limits<double>::quiet_NaN(), 1e300,
                       -std::numeric_limits<double>::infinity()}) {
    EXPECT_THAT(ScoreAnswers(Sample(), Total(total)), HasBadFields("total")) << total;
  }
}

TEST(ScoringTest, AnswersBesideATotalTellTheRiskAndMustFitIt) {
  Answers answers = Total(3);
  answers.answers = {{.item = "q4", .value = 2}};
  const Score score = ScoreOf(answers);
  EXPECT_EQ(score.rounded, 3);
  EXPECT_EQ(score.risk.state, RiskState::kRaised);
  answers.total = 1;  // less than the one answer
  EXPECT_THAT(ScoreAnswers(Sample(), answers), HasBadFields("total"));
  answers.total = 12;  // more than it leaves possible
  EXPECT_THAT(ScoreAnswers(Sample(), answers), HasBadFields("total"));
  answers.total = 11;
  EXPECT_EQ(ScoreOf(answers).rounded, 11);
}

// ----------------------------------------------------------------------------------------- risk

TEST(ScoringTest, AnyAnswerAtTheThresholdRaisesARisk) {
  EXPECT_EQ(ScoreOf(Values({0, 3, 0, 0})).risk.state, RiskState::kClear);
  EXPECT_EQ(ScoreOf(Values({0, 3, 0, 1})).risk.state, RiskState::kRaised);
  EXPECT_EQ(ScoreOf(Values({0, 3, 0, 1})).rounded, 1);
}

TEST(ScoringTest, AReversedRiskItemIsARiskByWhatItCounts) {
  Instrument instrument = Sample();
  instrument.items[3].reverse = true;
  EXPECT_EQ(ScoreOf(Values({0, 3, 0, 3}), instrument).risk.state, RiskState::kClear);
  EXPECT_EQ(ScoreOf(Values({0, 3, 0, 2}), instrument).risk.state, RiskState::kRaised);
}

TEST(ScoringTest, AnUnansweredRiskItemIsUnknownAndNeverTakenForAMean) {
  const Score score = ScoreOf(Without(Values({3, 0, 3, 0}), "q4"));
  EXPECT_EQ(score.rounded, 12);
  EXPECT_EQ(score.risk.findings[0].state, RiskState::kUnknown);
  EXPECT_EQ(score.risk.findings[0].why_unknown, UnknownReason::kUnanswered);
  const Score low = ScoreOf(Without(Values({0, 3, 0, 0}), "q4"));
  EXPECT_EQ(low.rounded, 0);
  EXPECT_EQ(low.risk.state, RiskState::kUnknown);
}

TEST(ScoringTest, AFormWithoutTheRiskItemLeavesTheRiskUnknown) {
  Answers answers = Without(Values({0, 3, 0, 0}), "q4");
  answers.not_on_form = {"q4"};
  const Score score = ScoreOf(answers);
  EXPECT_EQ(score.state, ScoreState::kValid);
  EXPECT_EQ(score.items[3].state, ItemState::kNotOnForm);
  EXPECT_EQ(score.risk.findings[0].why_unknown, UnknownReason::kNotOnForm);
}

TEST(ScoringTest, WhatIsNotOnTheFormIsAnItemThatIsNotAnswered) {
  Answers answers = Values({0, 3, 0});
  answers.not_on_form = {"q4", "q4", "q1", "q9"};
  EXPECT_THAT(ScoreAnswers(Sample(), answers),
              HasBadFields("not_on_form[1]", "not_on_form[2]", "not_on_form[3]"));
  Answers total = Total(3);
  total.not_on_form = {"q4"};
  EXPECT_THAT(ScoreAnswers(Sample(), total), HasBadFields("not_on_form[0]"));
}

TEST(ScoringTest, ATotalCanBeARiskByItself) {
  EXPECT_EQ(ScoreOf(Values({3, 0, 3, 1})).risk.findings[1].state, RiskState::kClear);
  EXPECT_EQ(ScoreOf(Values({3, 0, 3, 2})).risk.findings[1].state, RiskState::kRaised);
  EXPECT_EQ(ScoreOf(Total(11)).risk.state, RiskState::kRaised);
}

TEST(ScoringTest, WithoutAScoreATotalIsARiskIfItMustBeOne) {
  Instrument instrument = Sample();
  instrument.risk_totals[0].value = 6;
  const auto found = [&](const Answers& answers) {
    return ScoreOf(answers, instrument).risk.findings[1];
  };
  EXPECT_EQ(found(Values({3, 0})).state, RiskState::kRaised);  // 6 already
  EXPECT_EQ(found(Values({2, 0})).why_unknown, UnknownReason::kNoScore);
  instrument.risk_totals[0].value = 8;
  EXPECT_EQ(found(Values({1, 3})).state, RiskState::kClear);  // at most 7
}

TEST(ScoringTest, AnInstrumentWithoutRiskItemsIsNotClear) {
  Instrument instrument = Sample();
  instrument.risk_items.clear();
  instrument.risk_totals.clear();
  const Score score = ScoreOf(Values({0, 3, 0, 0}), instrument);
  EXPECT_EQ(score.risk.state, RiskState::kNotAsked);
  EXPECT_THAT(score.risk.findings, IsEmpty());
}

TEST(ScoringTest, TheGravestFindingIsTheRiskOfTheForm) {
  Instrument instrument = Sample();
  instrument.risk_items.push_back({"q3", 2, "harm_to_others", instrument.missing.basis});
  EXPECT_EQ(ScoreOf(Values({0, 3, 2}), instrument).risk.state, RiskState::kRaised);
  EXPECT_EQ(ScoreOf(Values({0, 3, 1}), instrument).risk.state, RiskState::kUnknown);
  EXPECT_EQ(ScoreOf(Values({0, 3, 1, 0}), instrument).risk.state, RiskState::kClear);
}

// ----------------------------------------------------------------------- skips, not applicable

TEST(ScoringTest, ASkippedItemCountsWhatTheFormSaysAndIsNotMissing) {
  Instrument instrument = Sample();
  instrument.skips = {{"q1", 0, "q3", 1, instrument.missing.basis}};
  const Score score = ScoreOf(Without(Values({0, 3, 0, 0}), "q3"), instrument);
  EXPECT_EQ(score.rounded, 1);
  EXPECT_EQ(score.n_missing, 0);
  EXPECT_FALSE(score.prorated);
  EXPECT_EQ(score.items[2].state, ItemState::kSkipped);
  // Another answer to q1 skips nothing, and an answer to q3 is an answer.
  EXPECT_EQ(ScoreOf(Without(Values({1, 3, 0, 0}), "q3"), instrument).n_missing, 1);
  EXPECT_EQ(ScoreOf(Values({0, 3, 2, 0}), instrument).rounded, 2);
}

TEST(ScoringTest, AnItemThatIsNotApplicableMakesTheScoreIncomparable) {
  Instrument instrument = Sample();
  instrument.items[0].may_be_not_applicable = true;
  Answers answers = Without(Values({0, 0, 2, 0}), "q1");
  answers.answers.push_back({.item = "q1", .not_applicable = true});
  const Score score = ScoreOf(answers, instrument);
  EXPECT_EQ(score.state, ScoreState::kValid);
  EXPECT_EQ(score.exact, (Fraction{5, 1}));
  EXPECT_EQ(score.possible, (Range{0, 9}));
  EXPECT_FALSE(score.comparable);
  EXPECT_EQ(score.n_not_applicable, 1);
  EXPECT_EQ(score.n_missing, 0);
  EXPECT_THAT(score.bands, IsEmpty());
  EXPECT_THAT(score.cut_offs, IsEmpty());
  // A total may say so, too, and is then of what is left.
  Answers total = Total(9);
  total.answers = {{.item = "q1", .not_applicable = true}};
  EXPECT_EQ(ScoreOf(total, instrument).possible, (Range{0, 9}));
  total.total = 10;
  EXPECT_THAT(ScoreAnswers(instrument, total), HasBadFields("total"));
}

TEST(ScoringTest, AValueThatTwoOptionsHaveTellsTheScoreButNotTheOption) {
  Instrument instrument = Sample();
  instrument.items[0].options.push_back({"b1", 1, "The other 1", ""});
  const Score by_value = ScoreOf(Values({1, 3, 0, 0}), instrument);
  EXPECT_EQ(by_value.rounded, 1);
  EXPECT_EQ(by_value.items[0].option, "");
  Answers answers = Without(Values({1, 3, 0, 0}), "q1");
  answers.answers.push_back({.item = "q1", .option = "b1"});
  EXPECT_EQ(ScoreOf(answers, instrument).rounded, 1);
  EXPECT_EQ(ScoreOf(answers, instrument).items[0].option, "b1");
}

// ------------------------------------------------------------------------------------- patterns

TEST(ScoringTest, APatternIsSoManySymptomsWithOneOfTheNamedAmongThem) {
  const auto found = [](const Answers& answers) { return ScoreOf(answers).patterns[0]; };
  EXPECT_EQ(found(Values({2, 1, 2, 0})).result, "full");
  EXPECT_EQ(found(Values({2, 3, 2, 0})).result, "part");
  EXPECT_EQ(found(Values({2, 3, 1, 0})).state, PatternState::kNone);  // one alone
  EXPECT_EQ(found(Values({1, 3, 2, 0})).state, PatternState::kNone);  // and none of q1, q2
}

TEST(ScoringTest, APatternThatAMissingItemCouldChangeIsUndecided) {
  const auto found = [](const Answers& answers) { return ScoreOf(answers).patterns[0]; };
  EXPECT_EQ(found(Without(Values({2, 1, 2, 0}), "q3")).state, PatternState::kUndecided);
  EXPECT_EQ(found(Without(Values({1, 3, 2, 0}), "q3")).state, PatternState::kNone);
  EXPECT_EQ(found(Without(Values({2, 1, 2, 0}), "q4")).result, "full");
}

}  // namespace
}  // namespace ipt::outcomes
