// What became of one measure between two scores: change, response, remission, reliable change,
// clinically significant change.
//
// Scores are compared as they are printed (rounded as their instrument rounds), since cut-offs and
// the NHS's reliable-change values are whole points of printed scores. Two scores count as equal,
// and a change as exactly a limit, when they differ by less than a billionth: scores of tenths of
// a point keep their boundaries.
//
// Sources: response (a drop of half) and remission (PHQ-9 below 5) as in HEDIS; caseness and whole
// points that count when reached, NHS Talking Therapies; the reliable change index, the cut-offs
// a, b and c and the categories, Jacobson and Truax, J Consult Clin Psychol 59 (1991).
//
// Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "platform/errors/field_violations.h"

namespace ipt::outcomes {

// Which way a measure gets better. Of most, less is better; of WHO-5, more is.
enum class BetterWhen { kLower, kHigher };

// A limit, and whether a score (or a change) that is exactly there has reached it.
struct Limit {
  double value = 0;
  bool inclusive = true;
  friend bool operator==(const Limit&, const Limit&) = default;
};

// A reliable change in points, and where the value is from: GAD-7's 4 and 5 are of two rule sets.
struct ReliableChangeRule {
  double points = 0;
  bool inclusive = true;  // the NHS's whole points are; a reliable change index is not
  std::string rule_set;
  friend bool operator==(const ReliableChangeRule&, const ReliableChangeRule&) = default;
};

// What one measure's scores are held against; what is unset is not evaluated.
struct ChangeRules {
  BetterWhen better = BetterWhen::kLower;
  // A case at or beyond it (PHQ-9: 10, inclusive), on the worse side.
  std::optional<Limit> cut_off;
  // Remitted at or beyond it, on the better side (PHQ-9: 5, exclusive; HAM-D: 7, inclusive).
  std::optional<Limit> remission;
  // The least drop, as a share of the first score, that is a response (0.5). Only where lower is
  // better: no source defines it for the others.
  std::optional<double> response;
  std::optional<ReliableChangeRule> reliable_change;
  friend bool operator==(const ChangeRules&, const ChangeRules&) = default;
};

// Adds a violation for each field that cannot be.
void CheckChangeRules(const ChangeRules& rules, FieldViolations bad);

// The two scores' distance in points: positive is better, whichever way the measure goes.
double Improvement(BetterWhen better, double first, double last);

// The improvement as a share of the first score. nullopt where higher is better, and from 0.
std::optional<double> FallShare(BetterWhen better, double first, double last);

// nullopt without a cut-off.
std::optional<bool> IsCase(const ChangeRules& rules, double score);
// nullopt without a remission rule.
std::optional<bool> IsRemitted(const ChangeRules& rules, double score);

// at_least: value >= limit; otherwise value > limit. Both up to the tolerance above.
bool Reaches(double value, double limit, bool inclusive);

enum class ReliableVerdict { kNotEvaluated, kImproved, kUnchanged, kDeteriorated };
ReliableVerdict ReliableVerdictOf(const ChangeRules& rules, double first, double last);

// Jacobson and Truax: recovered is a reliable improvement that crossed the cut-off.
enum class SignificantChange { kNotEvaluated, kRecovered, kImproved, kUnchanged, kDeteriorated };
SignificantChange SignificantChangeOf(const ChangeRules& rules, double first, double last);

struct ChangeResult {
  double improvement = 0;  // points; negative is worse
  std::optional<double> fall_share;
  std::optional<bool> case_at_first;
  std::optional<bool> case_at_last;
  std::optional<bool> response;
  std::optional<bool> remission;  // at last
  ReliableVerdict reliable = ReliableVerdict::kNotEvaluated;
  SignificantChange significant = SignificantChange::kNotEvaluated;
  friend bool operator==(const ChangeResult&, const ChangeResult&) = default;
};
ChangeResult EvaluateChange(const ChangeRules& rules, double first, double last);

// ---- Jacobson and Truax's numbers

struct Norm {
  double mean = 0;
  double standard_deviation = 0;
};

struct NormSet {
  double standard_deviation = 0;  // of the sample that the reliability is of
  double reliability = 0;         // below 1
  std::optional<Norm> clinical;
  std::optional<Norm> functional;
};

void CheckNormSet(const NormSet& norms, BetterWhen better, FieldViolations bad);

// SD * sqrt(1 - r), and the root of two times that.
double StandardError(const NormSet& norms);
double DifferenceError(const NormSet& norms);

inline constexpr double kReliableChangeIndex = 1.96;

// (last - first) / DifferenceError: signed as the scores are, not as better and worse.
double ChangeIndex(const NormSet& norms, double first, double last);

// |index| > 1.96, in points and strict.
ReliableChangeRule ReliableChangeOf(const NormSet& norms);

// a: two SD of the clinical norm beyond its mean, towards the functional; b: two SD of the
// functional norm beyond its mean, towards the clinical; c: as likely to be of the one as of the
// other. c where both norms exist and overlap, b where they do not, a without a functional norm.
enum class CutOffKind { kA, kB, kC };
struct NormCutOff {
  CutOffKind kind = CutOffKind::kA;
  double value = 0;
};
// nullopt where there is no norm to take one from (a functional one alone gives b).
std::optional<NormCutOff> CutOffOf(const NormSet& norms, BetterWhen better);

// Finite, at most kLargestScore in size.
bool IsScore(double value);
void CheckScore(double value, absl::string_view field, FieldViolations& bad);

}  // namespace ipt::outcomes
