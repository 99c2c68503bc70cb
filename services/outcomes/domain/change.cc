#include "outcomes/domain/change.h"

#include <cmath>

#include "outcomes/domain/statistics.h"

namespace ipt::outcomes {
namespace {

constexpr double kTolerance = 1e-9;

double Sign(BetterWhen better) { return better == BetterWhen::kLower ? 1 : -1; }

void CheckNorm(const Norm& norm, FieldViolations bad) {
  CheckScore(norm.mean, "mean", bad);
  if (!(norm.standard_deviation > 0 && norm.standard_deviation <= kLargestScore)) {
    bad.Add("standard_deviation", "must be above 0, up to 10000");
  }
}

}  // namespace

bool IsScore(double value) { return std::isfinite(value) && std::abs(value) <= kLargestScore; }

void CheckScore(double value, absl::string_view field, FieldViolations& bad) {
  if (!IsScore(value)) bad.Add(field, "must be -10000 to 10000");
}

bool Reaches(double value, double limit, bool inclusive) {
  return inclusive ? value >= limit - kTolerance : value > limit + kTolerance;
}

void CheckChangeRules(const ChangeRules& rules, FieldViolations bad) {
  if (rules.cut_off.has_value()) CheckScore(rules.cut_off->value, "cut_off.value", bad);
  if (rules.remission.has_value()) {
    CheckScore(rules.remission->value, "remission.value", bad);
    if (rules.cut_off.has_value() &&
        Improvement(rules.better, rules.cut_off->value, rules.remission->value) < 0) {
      bad.Add("remission.value", "must not lie on the worse side of the cut-off");
    }
  }
  if (rules.response.has_value()) {
    if (!(*rules.response > 0 && *rules.response <= 1)) {
      bad.Add("response", "must be above 0, up to 1");
    } else if (rules.better == BetterWhen::kHigher) {
      bad.Add("response", "must be unset where higher is better: a drop is not defined there");
    }
  }
  if (rules.reliable_change.has_value()) {
    const ReliableChangeRule& rule = *rules.reliable_change;
    if (!(rule.points > 0 && rule.points <= kLargestScore)) {
      bad.Add("reliable_change.points", "must be above 0, up to 10000");
    }
    if (rule.rule_set.empty()) {
      bad.Add("reliable_change.rule_set", "must name the rule set that the value is of");
    }
  }
}

double Improvement(BetterWhen better, double first, double last) {
  return Sign(better) * (first - last);
}

std::optional<double> FallShare(BetterWhen better, double first, double last) {
  if (better == BetterWhen::kHigher || first <= 0) return std::nullopt;
  return (first - last) / first;
}

std::optional<bool> IsCase(const ChangeRules& rules, double score) {
  if (!rules.cut_off.has_value()) return std::nullopt;
  const double sign = Sign(rules.better);
  return Reaches(sign * score, sign * rules.cut_off->value, rules.cut_off->inclusive);
}

std::optional<bool> IsRemitted(const ChangeRules& rules, double score) {
  if (!rules.remission.has_value()) return std::nullopt;
  const double sign = -Sign(rules.better);
  return Reaches(sign * score, sign * rules.remission->value, rules.remission->inclusive);
}

ReliableVerdict ReliableVerdictOf(const ChangeRules& rules, double first, double last) {
  if (!rules.reliable_change.has_value()) return ReliableVerdict::kNotEvaluated;
  const double better = Improvement(rules.better, first, last);
  const ReliableChangeRule& rule = *rules.reliable_change;
  if (Reaches(better, rule.points, rule.inclusive)) return ReliableVerdict::kImproved;
  if (Reaches(-better, rule.points, rule.inclusive)) return ReliableVerdict::kDeteriorated;
  return ReliableVerdict::kUnchanged;
}

SignificantChange SignificantChangeOf(const ChangeRules& rules, double first, double last) {
  if (!rules.cut_off.has_value()) return SignificantChange::kNotEvaluated;
  switch (ReliableVerdictOf(rules, first, last)) {
    case ReliableVerdict::kNotEvaluated:
      return SignificantChange::kNotEvaluated;
    case ReliableVerdict::kUnchanged:
      return SignificantChange::kUnchanged;
    case ReliableVerdict::kDeteriorated:
      return SignificantChange::kDeteriorated;
    case ReliableVerdict::kImproved:
      break;
  }
  const bool crossed = *IsCase(rules, first) && !*IsCase(rules, last);
  return crossed ? SignificantChange::kRecovered : SignificantChange::kImproved;
}

ChangeResult EvaluateChange(const ChangeRules& rules, double first, double last) {
  ChangeResult result;
  result.improvement = Improvement(rules.better, first, last);
  result.fall_share = FallShare(rules.better, first, last);
  result.case_at_first = IsCase(rules, first);
  result.case_at_last = IsCase(rules, last);
  // In points, since the quotient would round: half of 7 is 3.5, whatever 3.5 / 7 is.
  if (rules.response.has_value() && result.fall_share.has_value()) {
    result.response = Reaches(first - last, *rules.response * first, true);
  }
  result.remission = IsRemitted(rules, last);
  result.reliable = ReliableVerdictOf(rules, first, last);
  result.significant = SignificantChangeOf(rules, first, last);
  return result;
}

void CheckNormSet(const NormSet& norms, BetterWhen better, FieldViolations bad) {
  if (!(norms.standard_deviation > 0 && norms.standard_deviation <= kLargestScore)) {
    bad.Add("standard_deviation", "must be above 0, up to 10000");
  }
  if (!(norms.reliability >= 0 && norms.reliability < 1)) {
    bad.Add("reliability", "must be 0 or more and below 1");
  }
  if (norms.clinical.has_value()) CheckNorm(*norms.clinical, bad.In("clinical"));
  if (norms.functional.has_value()) CheckNorm(*norms.functional, bad.In("functional"));
  if (norms.clinical.has_value() && norms.functional.has_value() &&
      !(Improvement(better, norms.clinical->mean, norms.functional->mean) > 0)) {
    bad.Add("functional.mean", "must lie on the better side of the clinical mean");
  }
}

double StandardError(const NormSet& norms) {
  return norms.standard_deviation * std::sqrt(1 - norms.reliability);
}

double DifferenceError(const NormSet& norms) { return std::sqrt(2.0) * StandardError(norms); }

double ChangeIndex(const NormSet& norms, double first, double last) {
  return (last - first) / DifferenceError(norms);
}

ReliableChangeRule ReliableChangeOf(const NormSet& norms) {
  return {.points = kReliableChangeIndex * DifferenceError(norms),
          .inclusive = false,
          .rule_set = "jacobson-truax"};
}

std::optional<NormCutOff> CutOffOf(const NormSet& norms, BetterWhen better) {
  const double sign = Sign(better);
  double a = 0;
  double b = 0;
  if (norms.clinical.has_value()) {
    a = norms.clinical->mean - sign * 2 * norms.clinical->standard_deviation;
  }
  if (norms.functional.has_value()) {
    b = norms.functional->mean + sign * 2 * norms.functional->standard_deviation;
  }
  if (!norms.clinical.has_value() && !norms.functional.has_value()) return std::nullopt;
  if (!norms.functional.has_value()) return NormCutOff{CutOffKind::kA, a};
  // They overlap where the one's two SD reach into the other's; where they just touch, b is c.
  if (!norms.clinical.has_value() || sign * a > sign * b) return NormCutOff{CutOffKind::kB, b};
  const Norm& clinical = *norms.clinical;
  const Norm& functional = *norms.functional;
  return NormCutOff{CutOffKind::kC,
                    (functional.standard_deviation * clinical.mean +
                     clinical.standard_deviation * functional.mean) /
                        (functional.standard_deviation + clinical.standard_deviation)};
}

}  // namespace ipt::outcomes
