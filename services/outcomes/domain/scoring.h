// Turns the answers to an instrument into a score, and says which of them are a risk. Pure: the
// same definition and answers give the same score for ever.
//
// What cannot be an answer (an unknown item, a value that no option has) is refused, all of it at
// once, by field. What can be one but does not make a score (too many items missing) is a score all
// the same: INVALID, with the reason, and with its risks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "outcomes/domain/instrument.h"

namespace ipt::outcomes {

// One answered item: by its option, by the value that is printed beside the option, or by both.
struct Answer {
  std::string item = {};
  std::string option = {};        // empty: not said
  std::optional<int> value = {};  // as on the form, before any reversal
  bool not_applicable = false;
};

// What came in. With both a total and answers the total is the score, and the answers, which must
// be able to add up to it, say what they say of risk.
struct Answers {
  std::vector<Answer> answers = {};
  std::optional<double> total = {};
  // Items that the form in use does not have (a PHQ-9 without item 9): unanswered, and never clear.
  std::vector<std::string> not_on_form = {};
};

// A number that is no rounding of itself.
struct Fraction {
  int64_t numerator = 0;
  int64_t denominator = 1;
  friend bool operator==(const Fraction&, const Fraction&) = default;

  double value() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
  // Half goes up: 4.5 is 5, and -4.5 is -4.
  int Rounded() const;
};

enum class ItemState { kAnswered = 1, kSkipped, kNotApplicable, kUnanswered, kNotOnForm };

// What became of an item, in the instrument's order. Keep option and scored value: with them a
// form can be shown again as it was, whatever the printed order of its options.
struct ItemScore {
  std::string item = {};
  ItemState state = ItemState::kUnanswered;
  std::string option = {};        // empty where a value alone was given that two options have
  std::optional<int> value = {};  // as on the form
  std::optional<int> scored = {};
  friend bool operator==(const ItemScore&, const ItemScore&) = default;
};

enum class ScoreState { kValid = 1, kInvalid };
enum class InvalidReason { kNone = 0, kNothingAnswered, kTooManyMissing };

struct SubscaleScore {
  std::string id = {};
  ScoreState state = ScoreState::kInvalid;
  Fraction exact = {};  // when valid, as `rounded` and `prorated`
  int rounded = 0;
  bool prorated = false;
  int n_missing = 0;
  friend bool operator==(const SubscaleScore&, const SubscaleScore&) = default;
};

struct BandResult {
  std::string rule_set = {};
  std::string band = {};
  std::string label = {};
  bool is_default = false;
  friend bool operator==(const BandResult&, const BandResult&) = default;
};

struct CutOffResult {
  std::string rule_set = {};
  CutOffUse use = CutOffUse::kCaseness;
  bool is_default = false;
  bool met = false;
  friend bool operator==(const CutOffResult&, const CutOffResult&) = default;
};

// kUndecided: unanswered items could change the result.
enum class PatternState { kFound = 1, kNone, kUndecided };

struct PatternResult {
  std::string id = {};
  PatternState state = PatternState::kUndecided;
  std::string result = {};  // when found
  std::string label = {};
  friend bool operator==(const PatternResult&, const PatternResult&) = default;
};

// In rising order of what must be done: nothing was asked; answered and below the threshold; to be
// asked; to be acted on.
enum class RiskState { kNotAsked = 1, kClear, kUnknown, kRaised };
enum class UnknownReason { kNone = 0, kUnanswered, kTotalOnly, kNotOnForm, kNoScore };

struct RiskFinding {
  std::string item = {};  // or, of a total, empty
  std::string total = {};
  std::string about = {};
  RiskState state = RiskState::kUnknown;
  UnknownReason why_unknown = UnknownReason::kNone;
  friend bool operator==(const RiskFinding&, const RiskFinding&) = default;
};

struct Risk {
  RiskState state = RiskState::kNotAsked;  // the gravest of the findings
  std::vector<RiskFinding> findings = {};  // one for each risk of the definition
  friend bool operator==(const Risk&, const Risk&) = default;
};

struct Score {
  ScoreState state = ScoreState::kInvalid;
  InvalidReason invalid_reason = InvalidReason::kNone;
  // When valid. Bands and cut-offs are of the rounded value.
  Fraction exact = {};
  int rounded = 0;
  // What this form could have scored: less than the instrument's where items are not applicable.
  Range possible = {};
  // False where `possible` is not the instrument's range: then there are no bands and no cut-offs.
  bool comparable = true;
  bool prorated = false;
  bool from_total = false;
  int n_missing = 0;  // of the items that count in the total
  int n_not_applicable = 0;
  std::vector<ItemScore> items = {};
  std::vector<SubscaleScore> subscales = {};
  std::vector<BandResult> bands = {};
  std::vector<CutOffResult> cut_offs = {};
  std::vector<PatternResult> patterns = {};
  Risk risk = {};
  friend bool operator==(const Score&, const Score&) = default;

  // The band of the default rule set, or nullptr.
  const BandResult* DefaultBand() const;
};

// REQUIRES: ValidateInstrument(instrument) passes. Fails with INVALID_ARGUMENT, fields named as in
// Answers ("answers[3].value").
absl::StatusOr<Score> ScoreAnswers(const Instrument& instrument, const Answers& answers);

}  // namespace ipt::outcomes
