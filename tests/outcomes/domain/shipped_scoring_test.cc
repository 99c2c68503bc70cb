// What each shipped instrument makes of answers, against numbers that stand in this file alone.

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/outcomes/instruments.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ::ipt::testing::HasBadFields;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Score ScoreOf(const std::string& id, const Answers& answers) {
  return ScoreAnswers(Shipped(id), answers).value();
}

struct Expected {
  int items;
  Range range;
  int max_missing;
  std::vector<std::pair<int, std::string>> bands;                             // from which score on
  std::vector<std::tuple<std::string, CutOffUse, Comparison, int>> cut_offs;  // all rule sets
  std::vector<std::pair<std::string, double>> reliable_change;                // the default first
  std::vector<std::string> risk_items;
};

const std::map<std::string, Expected>& Table() {
  using enum CutOffUse;
  using enum Comparison;
  static const auto* const kTable = new std::map<std::string, Expected>{
      {"phq-9",
       {9,
        {0, 27},
        2,
        {{0, "minimal"}, {5, "mild"}, {10, "moderate"}, {15, "moderately_severe"}, {20, "severe"}},
        {{"nhs-talking-therapies", kCaseness, kAtLeast, 10}, {"hedis", kRemission, kBelow, 5}},
        {{"nhs-talking-therapies", 6}, {"minimal-important-difference", 5}},
        {"q9"}}},
      {"phq-2",
       {2,
        {0, 6},
        0,
        {},
        {{"kroenke-2003", kScreening, kAtLeast, 3}, {"sensitive", kScreening, kAtLeast, 2}},
        {},
        {}}},
      {"gad-7",
       {7,
        {0, 21},
        1,
        {{0, "minimal"}, {5, "mild"}, {10, "moderate"}, {15, "severe"}},
        {{"nhs-talking-therapies", kCaseness, kAtLeast, 8},
         {"spitzer-2006", kScreening, kAtLeast, 10}},
        {{"nhs-talking-therapies", 4}, {"delgadillo", 5}},
        {}}},
      {"gad-2", {2, {0, 6}, 0, {}, {{"kroenke-2007", kScreening, kAtLeast, 3}}, {}, {}}},
      {"k10",
       {10,
        {10, 50},
        0,
        {{10, "well"}, {20, "mild"}, {25, "moderate"}, {30, "severe"}},
        {{"clinical", kCaseness, kAtLeast, 20}},
        {},
        {}}},
      {"pcl-5",
       {20,
        {0, 80},
        0,
        {},
        {{"ncptsd-lower", kCaseness, kAtLeast, 31},
         {"ncptsd-upper", kCaseness, kAtLeast, 33},
         {"nhs-talking-therapies", kCaseness, kAtLeast, 32}},
        {{"ncptsd-response", 5}, {"ncptsd-meaningful", 10}, {"nhs-talking-therapies", 10}},
        {}}},
      {"ces-d", {20, {0, 60}, 4, {}, {{"radloff-1977", kCaseness, kAtLeast, 16}}, {}, {}}},
      {"ham-d17",
       {17,
        {0, 52},
        0,
        {{0, "none"}, {8, "mild"}, {14, "moderate"}, {19, "severe"}, {23, "very_severe"}},
        {{"trials", kRemission, kAtMost, 7}},
        {},
        {"q3"}}},
      {"epds",
       {10,
        {0, 30},
        0,
        {{0, "unlikely"}, {10, "possible"}, {13, "probable"}},
        {{"probable", kCaseness, kAtLeast, 13}, {"possible", kScreening, kAtLeast, 10}},
        {{"matthey-2004", 4}},
        {"q10"}}},
      {"wsas",
       {5,
        {0, 40},
        0,
        {{0, "subclinical"}, {10, "significant"}, {21, "severe"}},
        {{"mundt-2002", kCaseness, kAtLeast, 10}},
        {},
        {}}},
      {"problem-severity", {1, {0, 10}, 0, {}, {}, {}, {}}},
      {"goal-rating", {1, {0, 10}, 0, {}, {}, {}, {}}},
  };
  return *kTable;
}

std::string BandAt(const Expected& expected, int score) {
  std::string band;
  for (const auto& [from, name] : expected.bands) {
    if (score >= from) band = name;
  }
  return band;
}

TEST(ShippedScoringTest, TheTableKnowsEveryInstrument) {
  for (const auto& [id, instrument] : AllShipped()) EXPECT_TRUE(Table().contains(id)) << id;
  EXPECT_EQ(AllShipped().size(), Table().size());
}

TEST(ShippedScoringTest, ItemsRangesAndRulesAreThePublishedOnes) {
  for (const auto& [id, expected] : Table()) {
    const Instrument& instrument = Shipped(id);
    EXPECT_EQ(std::count_if(instrument.items.begin(), instrument.items.end(),
                            [](const Item& item) { return item.in_total; }),
              expected.items)
        << id;
    EXPECT_EQ(instrument.range, expected.range) << id;
    EXPECT_EQ(instrument.missing.max_missing, expected.max_missing) << id;
    std::vector<std::string> risks;
    for (const RiskItem& risk : instrument.risk_items) {
      risks.push_back(risk.item);
      EXPECT_EQ(risk.at_least, 1) << id;
    }
    EXPECT_EQ(risks, expected.risk_items) << id;
    EXPECT_THAT(instrument.risk_totals, IsEmpty()) << id;
    std::vector<std::pair<std::string, double>> changes;
    for (const ReliableChange& change : instrument.reliable_change) {
      changes.emplace_back(change.rule_set, change.value);
      EXPECT_TRUE(change.inclusive) << id;
    }
    EXPECT_EQ(changes, expected.reliable_change) << id;
  }
}

// Only what is sure is in force by itself.
TEST(ShippedScoringTest, DefaultsAreTheOnesThatServicesUse) {
  const auto change = [](const std::string& id) {
    const ReliableChange* found = Shipped(id).DefaultReliableChange();
    return found != nullptr ? found->value : 0;
  };
  EXPECT_EQ(change("phq-9"), 6);
  EXPECT_EQ(change("gad-7"), 4);
  EXPECT_EQ(change("epds"), 4);
  EXPECT_EQ(change("pcl-5"), 0);
  const auto caseness = [](const std::string& id) {
    const CutOff* found = Shipped(id).DefaultCutOff(CutOffUse::kCaseness);
    return found != nullptr ? found->value : 0;
  };
  EXPECT_EQ(caseness("phq-9"), 10);
  EXPECT_EQ(caseness("gad-7"), 8);
  EXPECT_EQ(caseness("epds"), 13);
  EXPECT_EQ(caseness("pcl-5"), 31);
  EXPECT_EQ(Shipped("gad-7").DefaultCutOff(CutOffUse::kScreening)->value, 10);
  EXPECT_EQ(Shipped("phq-2").DefaultCutOff(CutOffUse::kScreening)->value, 3);
}

TEST(ShippedScoringTest, EveryTotalHasItsBandAndCutOffsAsATotalAndAsAnswers) {
  for (const auto& [id, expected] : Table()) {
    const Instrument& instrument = Shipped(id);
    for (int total = expected.range.min; total <= expected.range.max; ++total) {
      SCOPED_TRACE(absl::StrCat(id, " at ", total));
      const Score by_total = ScoreOf(id, Total(total));
      const Score by_answers = ScoreOf(id, AnswersFor(instrument, total));
      ASSERT_EQ(by_answers.state, ScoreState::kValid);
      ASSERT_EQ(by_answers.exact, (Fraction{total, 1}));
      ASSERT_EQ(by_total.rounded, total);
      ASSERT_EQ(by_answers.bands, by_total.bands);
      ASSERT_EQ(by_answers.cut_offs, by_total.cut_offs);
      const BandResult* band = by_total.DefaultBand();
      ASSERT_EQ(band != nullptr ? band->band : "", BandAt(expected, total));
      ASSERT_EQ(by_total.cut_offs.size(), expected.cut_offs.size());
      for (size_t i = 0; i < expected.cut_offs.size(); ++i) {
        const auto& [rule_set, use, comparison, value] = expected.cut_offs[i];
        ASSERT_EQ(by_total.cut_offs[i].rule_set, rule_set);
        ASSERT_EQ(by_total.cut_offs[i].use, use);
        const bool met = comparison == Comparison::kAtLeast  ? total >= value
                         : comparison == Comparison::kAtMost ? total <= value
                                                             : total < value;
        ASSERT_EQ(by_total.cut_offs[i].met, met) << rule_set;
      }
    }
    EXPECT_THAT(ScoreAnswers(instrument, Total(expected.range.min - 1)), HasBadFields("total"));
    EXPECT_THAT(ScoreAnswers(instrument, Total(expected.range.max + 1)), HasBadFields("total"));
  }
}

TEST(ShippedScoringTest, TheK10HasTheBandsOfTheAbsBesides) {
  const auto band = [](int total) { return ScoreOf("k10", Total(total)).bands[1].band; };
  EXPECT_EQ(band(10), "low");
  EXPECT_EQ(band(15), "low");
  EXPECT_EQ(band(16), "moderate");
  EXPECT_EQ(band(21), "moderate");
  EXPECT_EQ(band(22), "high");
  EXPECT_EQ(band(29), "high");
  EXPECT_EQ(band(30), "very_high");
}

TEST(ShippedScoringTest, EveryCountOfMissingItems) {
  for (const auto& [id, expected] : Table()) {
    const Instrument& instrument = Shipped(id);
    for (int missing = 0; missing <= expected.items; ++missing) {
      SCOPED_TRACE(absl::StrCat(id, " without ", missing));
      Answers answers = AnswersFor(instrument, instrument.range.max);
      answers.answers.erase(answers.answers.begin(), answers.answers.begin() + missing);
      // One answer below the top, so that the mean is no whole number.
      int sum = 0;
      for (size_t i = 0; i < answers.answers.size(); ++i) {
        const Item& item = *instrument.FindItem(answers.answers[i].item);
        if (i == 0) answers.answers[i].value = item.Scored(item.MaxValue() - 1);
        sum += item.Scored(*answers.answers[i].value);
      }
      const Score score = ScoreOf(id, answers);
      EXPECT_EQ(score.n_missing, missing);
      if (missing == expected.items) {
        EXPECT_EQ(score.invalid_reason, InvalidReason::kNothingAnswered);
      } else if (missing > expected.max_missing) {
        EXPECT_EQ(score.invalid_reason, InvalidReason::kTooManyMissing);
      } else {
        ASSERT_EQ(score.state, ScoreState::kValid);
        EXPECT_EQ(score.prorated, missing > 0);
        const int answered = expected.items - missing;
        EXPECT_DOUBLE_EQ(score.exact.value(), double{1} * sum * expected.items / answered);
      }
    }
  }
}

TEST(ShippedScoringTest, AnAnsweredRiskItemIsARiskInEveryFormAtEveryTotal) {
  for (const auto& [id, expected] : Table()) {
    const Instrument& instrument = Shipped(id);
    for (const std::string& risk_item : expected.risk_items) {
      const Item& item = *instrument.FindItem(risk_item);
      for (const Option& option : item.options) {
        const RiskState state =
            item.Scored(option.value) > 0 ? RiskState::kRaised : RiskState::kClear;
        Answers alone;
        alone.answers = {{.item = risk_item, .option = option.id}};
        EXPECT_EQ(ScoreOf(id, alone).risk.state, state);
        Answers whole = AnswersFor(instrument, instrument.range.min);
        std::erase_if(whole.answers, [&](const Answer& a) { return a.item == risk_item; });
        EXPECT_EQ(ScoreOf(id, whole).risk.state, RiskState::kUnknown);
        whole.answers.push_back({.item = risk_item, .option = option.id});
        EXPECT_EQ(ScoreOf(id, whole).risk.state, state);
        EXPECT_EQ(ScoreOf(id, whole).rounded, item.Scored(option.value));
      }
    }
    if (expected.risk_items.empty()) {
      EXPECT_EQ(ScoreOf(id, Total(instrument.range.max)).risk.state, RiskState::kNotAsked) << id;
    } else {
      EXPECT_EQ(ScoreOf(id, Total(instrument.range.min)).risk.state, RiskState::kUnknown) << id;
    }
  }
}

// ------------------------------------------------------------------------------- by instrument

TEST(ShippedScoringTest, EveryPairOfAnswersOfPhq2AndGad2) {
  for (const char* id : {"phq-2", "gad-2"}) {
    for (int first = 0; first <= 4; ++first) {  // 4: not answered
      for (int second = 0; second <= 4; ++second) {
        Answers answers;
        if (first < 4) answers.answers.push_back({.item = "q1", .value = first});
        if (second < 4) answers.answers.push_back({.item = "q2", .value = second});
        const Score score = ScoreOf(id, answers);
        if (first < 4 && second < 4) {
          EXPECT_EQ(score.rounded, first + second);
          EXPECT_EQ(score.cut_offs[0].met, first + second >= 3);
        } else {
          EXPECT_EQ(score.state, ScoreState::kInvalid);
        }
      }
    }
  }
}

TEST(ShippedScoringTest, EveryFormOfTheWsas) {
  const Instrument& wsas = Shipped("wsas");
  int forms = 0;
  for (int first = 0; first <= 9; ++first) {  // 9: not applicable
    for (int rest = 0; rest < 9 * 9 * 9 * 9; ++rest) {
      Answers answers = Values({first, rest % 9, rest / 9 % 9, rest / 81 % 9, rest / 729});
      int sum = rest % 9 + rest / 9 % 9 + rest / 81 % 9 + rest / 729;
      if (first == 9) {
        answers.answers[0] = {.item = "q1", .not_applicable = true};
      } else {
        sum += first;
      }
      const Score score = ScoreAnswers(wsas, answers).value();
      ASSERT_EQ(score.exact, (Fraction{sum, 1}));
      ASSERT_EQ(score.possible.max, first == 9 ? 32 : 40);
      ASSERT_EQ(score.comparable, first != 9);
      if (first == 9) {
        ASSERT_THAT(score.bands, IsEmpty());
        ASSERT_THAT(score.cut_offs, IsEmpty());
      } else {
        ASSERT_EQ(score.cut_offs[0].met, sum >= 10);
        ASSERT_EQ(score.DefaultBand()->band, sum < 10    ? "subclinical"
                                             : sum <= 20 ? "significant"
                                                         : "severe");
      }
      ++forms;
    }
  }
  EXPECT_EQ(forms, 10 * 6561);
  // The other items apply to everybody, and none may be missing.
  Answers second;
  second.answers = {{.item = "q2", .not_applicable = true}};
  EXPECT_THAT(ScoreAnswers(wsas, second), HasBadFields("answers[0].not_applicable"));
}

TEST(ShippedScoringTest, TheDifficultyQuestionNeverCounts) {
  Answers answers = Values({1, 1, 1, 1, 1, 1, 1, 1, 0});
  const Score without = ScoreOf("phq-9", answers);
  answers.answers.push_back({.item = "difficulty", .value = 3});
  const Score with = ScoreOf("phq-9", answers);
  EXPECT_EQ(with.rounded, 8);
  EXPECT_EQ(with.exact, without.exact);
  EXPECT_EQ(without.n_missing, 0);
  Answers alone;
  alone.answers = {{.item = "difficulty", .value = 3}};
  EXPECT_EQ(ScoreOf("phq-9", alone).invalid_reason, InvalidReason::kNothingAnswered);
}

// With two missing, 15 x 9 / 7 = 19.29 is 19.
TEST(ShippedScoringTest, ThePhq9ProratesUpToTwoMissingItems) {
  const Score score = ScoreOf("phq-9", Values({3, 3, 3, 2, 2, 1, 1}));
  EXPECT_EQ(score.exact, (Fraction{135, 7}));
  EXPECT_EQ(score.rounded, 19);
  EXPECT_EQ(score.DefaultBand()->band, "moderately_severe");
  EXPECT_EQ(score.n_missing, 2);
  EXPECT_EQ(ScoreOf("phq-9", Values({3, 3, 3, 2, 2, 1})).state, ScoreState::kInvalid);
  // 4 x 9 / 8 = 4.5 is 5: mild, and no remission.
  const Score half = ScoreOf("phq-9", Values({1, 1, 1, 1, 0, 0, 0, 0}));
  EXPECT_EQ(half.exact, (Fraction{36, 8}));
  EXPECT_EQ(half.rounded, 5);
  EXPECT_EQ(half.DefaultBand()->band, "mild");
  EXPECT_FALSE(half.cut_offs[1].met);
}

// At least five symptoms on more than half the days, thoughts of death at all, with low mood or no
// interest among them: major; two to four: other. Every answer to these three items, and the two
// answers at the threshold to the other six.
TEST(ShippedScoringTest, ThePhq9PatternOnEverySetOfSymptoms) {
  const Instrument& phq9 = Shipped("phq-9");
  std::map<std::string, int> forms;
  for (int form = 0; form < 4 * 4 * 4 * 64; ++form) {
    std::vector<int> values = {form & 3, form >> 2 & 3};
    for (int i = 0; i < 6; ++i) values.push_back(1 + (form >> (6 + i) & 1));
    values.push_back(form >> 4 & 3);
    int present = values[8] >= 1 ? 1 : 0;
    for (int i = 0; i < 8; ++i) present += values[i] >= 2 ? 1 : 0;
    const bool key = values[0] >= 2 || values[1] >= 2;
    const std::string result = !key ? "" : present >= 5 ? "major" : present >= 2 ? "other" : "";
    const PatternResult found = ScoreAnswers(phq9, Values(values)).value().patterns[0];
    ASSERT_EQ(found.result, result);
    ASSERT_EQ(found.state, result.empty() ? PatternState::kNone : PatternState::kFound);
    ++forms[result];
  }
  EXPECT_THAT(forms, SizeIs(3));
}

TEST(ShippedScoringTest, CesDCountsItsFourPositiveItemsTheOtherWay) {
  const Score never = ScoreOf("ces-d", Values(std::vector<int>(20, 0)));
  EXPECT_EQ(never.rounded, 4 * 3);
  const Score always = ScoreOf("ces-d", Values(std::vector<int>(20, 3)));
  EXPECT_EQ(always.rounded, 16 * 3);
  for (int item = 1; item <= 20; ++item) {
    std::vector<int> values(20, 0);
    values[item - 1] = 1;
    const bool reversed = item == 4 || item == 8 || item == 12 || item == 16;
    EXPECT_EQ(ScoreOf("ces-d", Values(values)).rounded, reversed ? 11 : 13) << item;
  }
}

TEST(ShippedScoringTest, EpdsOptionsCountAsPrinted) {
  const auto all = [](const std::string& option) {
    Answers answers;
    for (int i = 1; i <= 10; ++i) {
      answers.answers.push_back({.item = absl::StrCat("q", i), .option = option});
    }
    return ScoreOf("epds", answers);
  };
  EXPECT_EQ(all("a").rounded, 3 * 0 + 7 * 3);
  EXPECT_EQ(all("b").rounded, 3 * 1 + 7 * 2);
  EXPECT_EQ(all("c").rounded, 3 * 2 + 7 * 1);
  EXPECT_EQ(all("d").rounded, 3 * 3 + 7 * 0);
  for (int i = 1; i <= 10; ++i) {
    const bool rises = i == 1 || i == 2 || i == 4;
    EXPECT_EQ(all("a").items[i - 1].scored, rises ? 0 : 3) << i;
    EXPECT_EQ(all("a").items[i - 1].option, "a");
  }
  EXPECT_EQ(all("c").risk.state, RiskState::kRaised);
  EXPECT_EQ(all("d").risk.state, RiskState::kClear);  // the last option of item 10 is "never"
}

TEST(ShippedScoringTest, K10SkipsWhatItSaysToSkip) {
  Answers answers = Values(std::vector<int>(10, 1));
  std::erase_if(answers.answers, [](const Answer& a) { return a.item == "q3" || a.item == "q6"; });
  const Score score = ScoreOf("k10", answers);
  EXPECT_EQ(score.state, ScoreState::kValid);
  EXPECT_EQ(score.rounded, 10);
  EXPECT_EQ(score.items[2].state, ItemState::kSkipped);
  EXPECT_EQ(score.items[5].state, ItemState::kSkipped);
  for (int gate : {2, 5}) {  // nervous, or restless, a little: then the next question must be asked
    Answers asked = answers;
    for (Answer& answer : asked.answers) {
      if (answer.item == absl::StrCat("q", gate)) answer.value = 2;
    }
    EXPECT_EQ(ScoreOf("k10", asked).invalid_reason, InvalidReason::kTooManyMissing);
  }
}

TEST(ShippedScoringTest, HamdHasNineItemsTo4AndEightTo2) {
  int to4 = 0;
  int to2 = 0;
  for (const Item& item : Shipped("ham-d17").items) {
    to4 += item.MaxValue() == 4 ? 1 : 0;
    to2 += item.MaxValue() == 2 ? 1 : 0;
  }
  EXPECT_EQ(to4, 9);
  EXPECT_EQ(to2, 8);
  EXPECT_THAT(Shipped("ham-d17").respondents, ElementsAre(Respondent::kClinician));
  // Weight loss by measurement counts as by history does.
  Answers answers = AnswersFor(Shipped("ham-d17"), 0);
  for (Answer& answer : answers.answers) {
    if (answer.item == "q16") answer = {.item = "q16", .option = "b2"};
  }
  EXPECT_EQ(ScoreOf("ham-d17", answers).rounded, 2);
}

TEST(ShippedScoringTest, Phq9CodesAreTheOnesOfItsPanel) {
  std::vector<std::string> codes;
  for (const Item& item : Shipped("phq-9").items) codes.push_back(item.loinc);
  EXPECT_THAT(codes, ElementsAre("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2",
                                 "44252-5", "44253-3", "44260-8", "69722-7"));
}

TEST(ShippedScoringTest, OnlyTheRatingsOfGoalsAreBetterWhenHigher) {
  for (const auto& [id, instrument] : AllShipped()) {
    EXPECT_EQ(instrument.direction == Direction::kHigherIsBetter, id == "goal-rating") << id;
    EXPECT_EQ(!instrument.normed, id == "goal-rating" || id == "problem-severity") << id;
    EXPECT_EQ(!instrument.text_included, id == "epds" || id == "wsas") << id;
  }
}

}  // namespace
}  // namespace ipt::outcomes
