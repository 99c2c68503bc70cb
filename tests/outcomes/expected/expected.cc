#include "tests/outcomes/expected/expected.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/outcomes/instruments.h"

namespace ipt::outcomes {
namespace {

bool IsInclusive(Comparison comparison) {
  return comparison == Comparison::kAtLeast || comparison == Comparison::kAtMost;
}

std::optional<Limit> LimitOf(const CutOff* cut_off) {
  if (cut_off == nullptr) return std::nullopt;
  return Limit{static_cast<double>(cut_off->value), IsInclusive(cut_off->comparison)};
}

}  // namespace

nlohmann::json ReadExpected(const std::string& file) {
  std::ifstream in(absl::StrCat(IPT_EXPECTED_VALUES, "/", file));
  return nlohmann::json::parse(in);
}

std::string NameOf(const nlohmann::json& expected) {
  return expected.contains("id") ? expected["id"].get<std::string>() : expected.dump();
}

std::optional<double> NumberOf(const nlohmann::json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<double>();
}

ChangeRules RulesOf(const Instrument& instrument) {
  const bool worse = instrument.direction == Direction::kHigherIsWorse;
  ChangeRules rules;
  rules.better = worse ? BetterWhen::kLower : BetterWhen::kHigher;
  rules.cut_off = LimitOf(instrument.DefaultCutOff(CutOffUse::kCaseness));
  rules.remission = LimitOf(instrument.DefaultCutOff(CutOffUse::kRemission));
  if (worse) rules.response = 0.5;
  if (const ReliableChange* change = instrument.DefaultReliableChange(); change != nullptr) {
    rules.reliable_change = ReliableChangeRule{change->value, change->inclusive, change->rule_set};
  }
  return rules;
}

ChangeRules RulesOf(const std::string& instrument) { return RulesOf(Shipped(instrument)); }

int UpperFrom(const CutOff& cut_off) {
  const bool from_itself =
      cut_off.comparison == Comparison::kAtLeast || cut_off.comparison == Comparison::kBelow;
  return from_itself ? cut_off.value : cut_off.value + 1;
}

}  // namespace ipt::outcomes
