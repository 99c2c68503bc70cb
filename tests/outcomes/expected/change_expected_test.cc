// Every case of change.json: response, remission, reliable change and caseness by what the shipped
// instruments have, Jacobson and Truax by the numbers of the case.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/outcomes/expected/expected.h"
#include "tests/outcomes/instruments.h"

namespace ipt::outcomes {
namespace {

using ::nlohmann::json;
using ::testing::IsEmpty;

constexpr double kNear = 1e-6;

const json& File() {
  static const auto* const kFile = new json(ReadExpected("change.json"));
  return *kFile;
}

const json& Cases(const std::string& group) {
  const json& cases = File()[group]["cases"];
  EXPECT_FALSE(cases.empty()) << group;
  return cases;
}

std::string WordOf(ReliableVerdict verdict) {
  switch (verdict) {
    case ReliableVerdict::kNotEvaluated:
      return "not evaluated";
    case ReliableVerdict::kImproved:
      return "improved";
    case ReliableVerdict::kUnchanged:
      return "unchanged";
    case ReliableVerdict::kDeteriorated:
      return "deteriorated";
  }
  return "";
}

std::string WordOf(SignificantChange change) {
  switch (change) {
    case SignificantChange::kNotEvaluated:
      return "not evaluated";
    case SignificantChange::kRecovered:
      return "recovered";
    case SignificantChange::kImproved:
      return "improved";
    case SignificantChange::kUnchanged:
      return "unchanged";
    case SignificantChange::kDeteriorated:
      return "deteriorated";
  }
  return "";
}

TEST(ChangeExpectedTest, Response) {
  for (const json& expected : Cases("response")) {
    const double first = expected["first"];
    const ChangeResult change =
        EvaluateChange(RulesOf(expected["instrument"].get<std::string>()), first, expected["last"]);
    // From a score of 0 there is nothing to respond by. The file says that there is no response,
    // the code that it cannot be told: such a course is in neither number of the rate.
    EXPECT_EQ(change.response.has_value(), first > 0) << NameOf(expected);
    EXPECT_EQ(change.response.value_or(false), expected["response"].get<bool>())
        << NameOf(expected);
  }
}

TEST(ChangeExpectedTest, Remission) {
  for (const json& expected : Cases("remission")) {
    EXPECT_EQ(IsRemitted(RulesOf(expected["instrument"].get<std::string>()), expected["last"]),
              expected["remission"].get<bool>())
        << NameOf(expected);
  }
}

// The instrument's rule of so many points, of which there may be several of one value.
ChangeRules WithPoints(const Instrument& instrument, double points) {
  ChangeRules rules = RulesOf(instrument);
  rules.reliable_change.reset();
  for (const ReliableChange& change : instrument.reliable_change) {
    if (change.value != points) continue;
    rules.reliable_change = ReliableChangeRule{change.value, change.inclusive, change.rule_set};
  }
  return rules;
}

TEST(ChangeExpectedTest, ReliableChange) {
  std::set<std::string> instruments;
  for (const json& expected : Cases("reliable_change")) {
    const std::string id = expected["instrument"];
    instruments.insert(id);
    const ChangeRules rules = WithPoints(Shipped(id), expected["points"]);
    EXPECT_EQ(WordOf(ReliableVerdictOf(rules, expected["first"], expected["last"])),
              expected["change"].get<std::string>())
        << NameOf(expected);
  }
  for (const json& none : File()["reliable_change"]["none_for"]) {
    const std::string id = none;
    instruments.insert(id);
    EXPECT_THAT(Shipped(id).reliable_change, IsEmpty()) << id;
    EXPECT_EQ(ReliableVerdictOf(RulesOf(id), 10, 0), ReliableVerdict::kNotEvaluated) << id;
  }
  for (const auto& [id, instrument] : AllShipped()) {
    EXPECT_EQ(instruments.contains(id), instrument.normed) << id;
  }
}

// The NHS's numbers are in force where there are several; PCL-5's wait for a clinic to confirm
// them.
TEST(ChangeExpectedTest, ReliableChangeInForce) {
  EXPECT_EQ(RulesOf("phq-9").reliable_change->points, 6);
  EXPECT_EQ(RulesOf("gad-7").reliable_change->points, 4);
  EXPECT_EQ(RulesOf("epds").reliable_change->points, 4);
  EXPECT_EQ(RulesOf("pcl-5").reliable_change, std::nullopt);
}

TEST(ChangeExpectedTest, Caseness) {
  for (const json& expected : Cases("caseness")) {
    const Instrument& instrument = Shipped(expected["instrument"]);
    const int total = expected["total"];
    int found = 0;
    for (const CutOff& cut_off : instrument.cut_offs) {
      if (UpperFrom(cut_off) != expected["cut_off"].get<int>()) continue;
      ++found;
      // Of "at most 7", 8 and more are the others: HAM-D has remission instead of a caseness.
      const bool lower = cut_off.use == CutOffUse::kRemission;
      EXPECT_EQ(Compare(total, cut_off.comparison, cut_off.value) != lower,
                expected["at_caseness"].get<bool>())
          << NameOf(expected);
    }
    EXPECT_EQ(found, 1) << NameOf(expected);
    ChangeRules rules;
    rules.cut_off = Limit{expected["cut_off"].get<double>(), true};
    EXPECT_EQ(IsCase(rules, total), expected["at_caseness"].get<bool>()) << NameOf(expected);
  }
}

TEST(ChangeExpectedTest, ResponseRemissionCasenessAndChangeAreNotTheSame) {
  for (const json& expected : Cases("not_the_same")) {
    SCOPED_TRACE(NameOf(expected));
    const ChangeResult change = EvaluateChange(RulesOf(expected["instrument"].get<std::string>()),
                                               expected["first"], expected["last"]);
    EXPECT_EQ(change.response, expected["response"].get<bool>());
    EXPECT_EQ(change.remission, expected["remission"].get<bool>());
    EXPECT_EQ(change.case_at_first, expected["case_at_first"].get<bool>());
    EXPECT_EQ(!*change.case_at_last, expected["below_cut_off_at_last"].get<bool>());
    EXPECT_EQ(*change.case_at_first && !*change.case_at_last,
              expected["left_caseness"].get<bool>());
    EXPECT_EQ(WordOf(change.reliable), expected["change"].get<std::string>());
  }
}

// No shipped instrument gets better upwards, so that the rules are the case's.
TEST(ChangeExpectedTest, HigherIsBetter) {
  for (const json& expected : Cases("higher_is_better")) {
    ChangeRules rules;
    rules.better = BetterWhen::kHigher;
    rules.reliable_change =
        ReliableChangeRule{.points = expected["points"], .inclusive = true, .rule_set = "who-5"};
    EXPECT_EQ(WordOf(ReliableVerdictOf(rules, expected["first"], expected["last"])),
              expected["change"].get<std::string>())
        << NameOf(expected);
  }
}

NormSet NormsOf(const json& expected) {
  return {.standard_deviation = expected["sd"],
          .reliability = expected["reliability"],
          .clinical = std::nullopt,
          .functional = std::nullopt};
}

TEST(JacobsonTruaxExpectedTest, WorkedExamples) {
  for (const json& expected : File()["jacobson_truax"]["worked"]) {
    SCOPED_TRACE(NameOf(expected));
    const NormSet norms = NormsOf(expected);
    EXPECT_NEAR(StandardError(norms), expected["sem"].get<double>(), kNear);
    EXPECT_NEAR(DifferenceError(norms), expected["s_diff"].get<double>(), kNear);
    EXPECT_NEAR(ReliableChangeOf(norms).points, expected["threshold"].get<double>(), kNear);
  }
}

TEST(JacobsonTruaxExpectedTest, Indices) {
  for (const json& expected : File()["jacobson_truax"]["indices"]) {
    SCOPED_TRACE(NameOf(expected));
    const NormSet norms = NormsOf(expected);
    ChangeRules rules;
    rules.reliable_change = ReliableChangeOf(norms);
    EXPECT_NEAR(ChangeIndex(norms, expected["first"], expected["last"]),
                expected["rci"].get<double>(), kNear);
    EXPECT_EQ(ReliableVerdictOf(rules, expected["first"], expected["last"]) !=
                  ReliableVerdict::kUnchanged,
              expected["reliable"].get<bool>());
  }
}

std::optional<Norm> NormOf(const json& mean, const json& standard_deviation) {
  if (mean.is_null()) return std::nullopt;
  return Norm{mean, standard_deviation};
}

TEST(JacobsonTruaxExpectedTest, CutOffs) {
  for (const json& expected : File()["jacobson_truax"]["cut_offs"]) {
    SCOPED_TRACE(NameOf(expected));
    const BetterWhen better =
        expected["higher_is_worse"].get<bool>() ? BetterWhen::kLower : BetterWhen::kHigher;
    NormSet norms;
    norms.clinical = NormOf(expected["clinical_mean"], expected["clinical_sd"]);
    norms.functional = NormOf(expected["norm_mean"], expected["norm_sd"]);
    const std::optional<NormCutOff> used = CutOffOf(norms, better);
    ASSERT_TRUE(used.has_value());
    EXPECT_EQ(absl::StrCat(used->kind == CutOffKind::kA   ? "a"
                           : used->kind == CutOffKind::kB ? "b"
                                                          : "c"),
              expected["use"].get<std::string>());
    EXPECT_NEAR(used->value, expected["cut_off"].get<double>(), kNear);

    NormSet clinical;
    clinical.clinical = norms.clinical;
    EXPECT_NEAR(CutOffOf(clinical, better)->value, expected["a"].get<double>(), kNear);
    NormSet functional;
    functional.functional = norms.functional;
    const std::optional<NormCutOff> b = CutOffOf(functional, better);
    ASSERT_EQ(b.has_value(), !expected["b"].is_null());
    if (!b.has_value()) continue;
    EXPECT_NEAR(b->value, expected["b"].get<double>(), kNear);
  }
}

TEST(JacobsonTruaxExpectedTest, Categories) {
  for (const json& expected : File()["jacobson_truax"]["categories"]) {
    ChangeRules rules;
    rules.cut_off = Limit{expected["cut_off"], true};
    rules.reliable_change = ReliableChangeOf(NormsOf(expected));
    EXPECT_EQ(WordOf(SignificantChangeOf(rules, expected["first"], expected["last"])),
              expected["category"].get<std::string>())
        << NameOf(expected);
  }
}

}  // namespace
}  // namespace ipt::outcomes
