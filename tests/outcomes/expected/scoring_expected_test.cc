// Every case of scoring.json against the shipped instruments.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "tests/outcomes/expected/expected.h"
#include "tests/outcomes/instruments.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ::ipt::testing::HasBadFields;
using ::nlohmann::json;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

const json& File() {
  static const auto* const kFile = new json(ReadExpected("scoring.json"));
  return *kFile;
}

std::string ItemId(const std::string& number) { return absl::StrCat("q", number); }

// ---- The answers of a case

void AddTheRest(const json& expected, Answers& answers) {
  for (const json& number : expected.value("not_applicable", json::array())) {
    answers.answers.push_back({.item = ItemId(number.dump()), .not_applicable = true});
  }
  const json extra = expected.value("extra", json::object());
  for (const auto& [item, value] : extra.items()) {
    answers.answers.push_back({.item = item, .value = value.get<int>()});
  }
}

// Positions count from 1. One that the form does not have is sent as an option that it does not
// have.
Answers ByOption(const Instrument& instrument, const json& expected) {
  Answers answers;
  for (const auto& [number, position] : expected["options"].items()) {
    const std::vector<Option>& options = instrument.FindItem(ItemId(number))->options;
    const int at = position.get<int>() - 1;
    const bool exists = at >= 0 && at < static_cast<int>(options.size());
    answers.answers.push_back(
        {.item = ItemId(number), .option = exists ? options[at].id : absl::StrCat("none-", at)});
  }
  AddTheRest(expected, answers);
  return answers;
}

// The file's values are scores; a form's are those beside the options, before any reversal.
Answers ByValue(const Instrument& instrument, const json& expected) {
  Answers answers;
  for (const auto& [number, score] : expected["values"].items()) {
    const Item* item = instrument.FindItem(ItemId(number));
    const int scored = score.get<int>();
    answers.answers.push_back(
        {.item = ItemId(number), .value = item == nullptr ? scored : item->Scored(scored)});
  }
  AddTheRest(expected, answers);
  return answers;
}

// ---- What is expected of them

// The field that a rejection names.
std::string RejectedField(const json& outcome, const Answers& answers) {
  const std::string item = ItemId(outcome["item"].dump());
  const auto at = std::find_if(answers.answers.begin(), answers.answers.end(),
                               [&](const Answer& answer) { return answer.item == item; });
  const std::string reason = outcome["reason"];
  std::string field = "item";  // unknown_item
  if (reason == "not_applicable_not_allowed") field = "not_applicable";
  if (reason == "out_of_range") field = at->option.empty() ? "value" : "option";
  return absl::StrCat("answers[", at - answers.answers.begin(), "].", field);
}

std::string InLowestTerms(const Fraction& fraction) {
  const int64_t by = std::gcd(fraction.numerator, fraction.denominator);
  if (fraction.denominator == by) return absl::StrCat(fraction.numerator / by);
  return absl::StrCat(fraction.numerator / by, "/", fraction.denominator / by);
}

// The number of the default band, from 0; null without one.
json BandIndex(const Instrument& instrument, const Score& score) {
  const BandResult* found = score.DefaultBand();
  if (found == nullptr) return nullptr;
  const std::vector<Band>& bands = instrument.DefaultBands()->bands;
  return std::find_if(bands.begin(), bands.end(),
                      [&](const Band& band) { return band.id == found->band; }) -
         bands.begin();
}

// Whether a band is called by the word, in its id or with more words around it in its label: where
// the sources say "well", a patient's chart says "Likely to be well".
bool IsCalled(const BandResult& band, const std::string& word) {
  return absl::StrReplaceAll(band.band, {{"_", " "}}) == word ||
         absl::StrContains(absl::AsciiStrToLower(band.label), word);
}

// Per cut-off, whether the score is above it. Remission is here only where the file has no other
// cut-off of the instrument (HAM-D): PHQ-9's stands in change.json.
std::map<std::string, bool> AtOrAbove(const Instrument& instrument, const Score& score) {
  const bool only_remission =
      std::all_of(instrument.cut_offs.begin(), instrument.cut_offs.end(),
                  [](const CutOff& cut_off) { return cut_off.use == CutOffUse::kRemission; });
  std::map<std::string, bool> found;
  for (size_t i = 0; i < score.cut_offs.size(); ++i) {
    const CutOff& cut_off = instrument.cut_offs[i];
    EXPECT_EQ(score.cut_offs[i].rule_set, cut_off.rule_set);
    if (cut_off.use == CutOffUse::kRemission && !only_remission) continue;
    const bool upper =
        cut_off.comparison == Comparison::kAtLeast || cut_off.comparison == Comparison::kAbove;
    found[absl::StrCat(UpperFrom(cut_off))] = score.cut_offs[i].met == upper;
  }
  return found;
}

std::map<std::string, std::string> RiskByItem(const Score& score) {
  static const auto* const kNames = new std::map<RiskState, std::string>{
      {RiskState::kRaised, "fired"}, {RiskState::kClear, "none"}, {RiskState::kUnknown, "unknown"}};
  std::map<std::string, std::string> found;
  for (const RiskFinding& finding : score.risk.findings) {
    found[finding.item.substr(1)] = kNames->at(finding.state);
  }
  return found;
}

std::vector<int> Skipped(const Score& score) {
  std::vector<int> found;
  for (size_t i = 0; i < score.items.size(); ++i) {
    if (score.items[i].state == ItemState::kSkipped) found.push_back(static_cast<int>(i) + 1);
  }
  return found;
}

std::string Syndrome(const Score& score) {
  if (score.patterns.size() != 1) return "";
  switch (score.patterns[0].state) {
    case PatternState::kFound:
      return score.patterns[0].result;
    case PatternState::kNone:
      return "none";
    case PatternState::kUndecided:
      break;
  }
  return "undecided";
}

void ExpectValid(const Instrument& instrument, const json& outcome, const Score& score) {
  ASSERT_EQ(score.state, ScoreState::kValid);
  EXPECT_EQ(InLowestTerms(score.exact), outcome["exact_as"].get<std::string>());
  EXPECT_NEAR(score.exact.value(), outcome["exact"].get<double>(), 1e-6);
  EXPECT_EQ(score.rounded, outcome["rounded"].get<int>());
  EXPECT_EQ(score.prorated, outcome["prorated"].get<bool>());
  EXPECT_EQ(BandIndex(instrument, score), outcome["band_index"]);
  if (!outcome["band"].is_null() && score.DefaultBand() != nullptr) {
    EXPECT_TRUE(IsCalled(*score.DefaultBand(), outcome["band"])) << score.DefaultBand()->band;
  }
  EXPECT_EQ(AtOrAbove(instrument, score),
            (outcome["at_or_above"].get<std::map<std::string, bool>>()));
  EXPECT_EQ(Skipped(score), outcome.value("skipped", std::vector<int>()));
  if (outcome.contains("syndrome")) {
    EXPECT_EQ(Syndrome(score), outcome["syndrome"].get<std::string>());
  }
  EXPECT_EQ(score.comparable, !outcome.contains("highest_possible"));
  EXPECT_EQ(score.possible.max, outcome.value("highest_possible", instrument.range.max));
}

void ExpectInvalid(const json& outcome, const Score& score) {
  EXPECT_EQ(score.state, ScoreState::kInvalid);
  EXPECT_EQ(score.invalid_reason, outcome["reason"] == "none_answered"
                                      ? InvalidReason::kNothingAnswered
                                      : InvalidReason::kTooManyMissing);
  EXPECT_THAT(score.bands, IsEmpty());
  EXPECT_THAT(score.cut_offs, IsEmpty());
}

void ExpectOutcome(const Instrument& instrument, const json& outcome, const Answers& answers) {
  const absl::StatusOr<Score> score = ScoreAnswers(instrument, answers);
  if (outcome["outcome"] == "rejected") {
    EXPECT_THAT(score, HasBadFields(RejectedField(outcome, answers)));
    return;
  }
  ASSERT_OK(score);
  if (outcome["outcome"] == "valid") {
    ExpectValid(instrument, outcome, *score);
  } else {
    ASSERT_EQ(outcome["outcome"], "invalid");
    ExpectInvalid(outcome, *score);
  }
  EXPECT_EQ(score->n_missing, outcome["n_missing"].get<int>());
  EXPECT_EQ(RiskByItem(*score), (outcome["risk"].get<std::map<std::string, std::string>>()));
}

// By option and by value, each where the case has them.
void ExpectCase(const Instrument& instrument, const json& expected) {
  const bool by_option = expected.contains("options");
  const bool by_value = expected.contains("values");
  EXPECT_TRUE(by_option || by_value) << NameOf(expected);
  if (by_option) {
    SCOPED_TRACE(
        absl::StrCat(NameOf(expected), " by option: ", expected["what"].get<std::string>()));
    ExpectOutcome(instrument, expected["expected"], ByOption(instrument, expected));
  }
  if (by_value) {
    SCOPED_TRACE(
        absl::StrCat(NameOf(expected), " by value: ", expected["what"].get<std::string>()));
    ExpectOutcome(instrument, expected["expected"], ByValue(instrument, expected));
  }
}

TEST(ScoringExpectedTest, EveryCase) {
  ASSERT_FALSE(File()["cases"].empty());
  for (const json& expected : File()["cases"]) {
    ExpectCase(Shipped(expected["instrument"]), expected);
  }
}

TEST(ScoringExpectedTest, EveryVariantOfTheRules) {
  ASSERT_FALSE(File()["variants"].empty());
  for (const json& expected : File()["variants"]) {
    Instrument instrument = Shipped(expected["instrument"]);
    instrument.missing.max_missing = expected["may_miss"];
    ExpectCase(instrument, expected);
  }
}

TEST(ScoringExpectedTest, EveryTotal) {
  for (const auto& [id, expected] : File()["instruments"].items()) {
    const Instrument& instrument = Shipped(id);
    EXPECT_EQ(expected["by_total"].size(), instrument.range.max - instrument.range.min + 1u) << id;
    for (const json& row : expected["by_total"]) {
      SCOPED_TRACE(absl::StrCat(id, " ", row.dump()));
      const absl::StatusOr<Score> score = ScoreAnswers(instrument, Total(row[0].get<double>()));
      ASSERT_OK(score);
      EXPECT_EQ(score->state, ScoreState::kValid);
      EXPECT_EQ(score->rounded, row[0].get<int>());
      EXPECT_EQ(BandIndex(instrument, *score), row[1]);
      std::vector<std::string> reached;
      for (const auto& [cut_off, above] : AtOrAbove(instrument, *score)) {
        if (above) reached.push_back(cut_off);
      }
      std::vector<std::string> expected_reached;
      for (const json& cut_off : row[2]) expected_reached.push_back(cut_off.dump());
      EXPECT_THAT(reached, UnorderedElementsAreArray(expected_reached));
      for (const auto& [item, state] : RiskByItem(*score)) EXPECT_EQ(state, "unknown") << item;
    }
    for (const json& total : expected["rejected_totals"]) {
      EXPECT_THAT(ScoreAnswers(instrument, Total(total.get<double>())), HasBadFields("total"))
          << id << " " << total;
    }
  }
}

TEST(ScoringExpectedTest, EveryInstrumentsShape) {
  for (const auto& [id, expected] : File()["instruments"].items()) {
    SCOPED_TRACE(id);
    const Instrument& instrument = Shipped(id);
    EXPECT_EQ(std::count_if(instrument.items.begin(), instrument.items.end(),
                            [](const Item& item) { return item.in_total; }),
              expected["items"].get<int>());
    EXPECT_EQ(instrument.range, (Range{expected["lowest"], expected["highest"]}));
    EXPECT_EQ(instrument.missing.max_missing, expected["may_miss"].get<int>());
    for (const auto& [number, values] : expected["option_values"].items()) {
      const Item* item = instrument.FindItem(ItemId(number));
      ASSERT_NE(item, nullptr) << number;
      std::vector<int> scores;
      for (const Option& option : item->options) scores.push_back(item->Scored(option.value));
      // HAM-D's item 16 has its options twice, by history and by measurement; the file has them
      // once.
      if (id == "ham-d17" && number == "16") {
        EXPECT_THAT(scores, ElementsAre(0, 1, 2, 0, 1, 2));
        scores.resize(3);
      }
      EXPECT_THAT(scores, ElementsAreArray(values.get<std::vector<int>>())) << number;
    }
    std::vector<std::string> risk_items;
    for (const json& number : expected["risk_items"]) risk_items.push_back(ItemId(number.dump()));
    std::vector<std::string> found;
    for (const RiskItem& risk : instrument.risk_items) {
      EXPECT_EQ(risk.at_least, 1) << "any score but 0 is a risk";
      found.push_back(risk.item);
    }
    EXPECT_THAT(found, ElementsAreArray(risk_items));
    EXPECT_THAT(instrument.risk_totals, IsEmpty());
  }
}

// Ratings of one item, which are their own score and are held against nothing.
const std::set<std::string>& WithoutExpectedValues() {
  static const auto* const kNone = new std::set<std::string>{"goal-rating", "problem-severity"};
  return *kNone;
}

TEST(ScoringExpectedTest, EveryShippedInstrumentHasExpectedValuesAndNoOtherHas) {
  std::set<std::string> expected = WithoutExpectedValues();
  for (const auto& [id, values] : File()["instruments"].items()) expected.insert(id);
  std::set<std::string> shipped;
  for (const auto& [id, instrument] : AllShipped()) shipped.insert(id);
  EXPECT_EQ(shipped, expected);
  for (const std::string& id : WithoutExpectedValues()) {
    EXPECT_FALSE(Shipped(id).normed) << id;
    EXPECT_EQ(Shipped(id).items.size(), 1u) << id;
  }
  std::set<std::string> with_cases;
  for (const json& one : File()["cases"]) with_cases.insert(one["instrument"].get<std::string>());
  for (const std::string& id : WithoutExpectedValues()) with_cases.insert(id);
  EXPECT_EQ(with_cases, shipped);
}

}  // namespace
}  // namespace ipt::outcomes
