// What an instrument is: its items and options, and everything that turns answers into a score and
// a score into words. Plain values; instruments/README.md says field by field what each means.
//
// A definition never changes: an edit is a new version, and a score names the version it was made
// with. Nothing here is thread-safe or needs to be.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/errors/field_violations.h"

namespace ipt::outcomes {

// How well a number is founded. What is only likely is never in force by default: a clinic confirms
// it first. (A rule for missing items is always in force, and its evidence says how sure it is.)
enum class Evidence {
  kSeen = 1,     // in the text of a source that is named
  kEstablished,  // well established
  kLikely,       // to be confirmed
  kClinic,       // a clinic's own decision
};

struct Basis {
  Evidence evidence = Evidence::kSeen;
  std::vector<std::string> sources = {};  // keys of the instrument's citations
  std::string note = {};
  friend bool operator==(const Basis&, const Basis&) = default;
};

enum class Direction { kHigherIsWorse = 1, kHigherIsBetter };
enum class Respondent { kSelf = 1, kClinician };
enum class Comparison { kAtLeast = 1, kAbove, kAtMost, kBelow };
enum class CutOffUse { kCaseness = 1, kScreening, kRemission };
enum class TimeUnit { kDay = 1, kWeek, kMonth };
enum class CodeSystem { kLoinc = 1, kSnomedCt };
enum class CodeUse { kPanel = 1, kTotal };

// Whether `score` is at least, above, at most or below `value`.
bool Compare(int score, Comparison comparison, int value);

// What the answer asks about: the span before the day of answering.
struct LookBack {
  int amount = 0;
  TimeUnit unit = TimeUnit::kDay;
  friend bool operator==(const LookBack&, const LookBack&) = default;
};

struct Code {
  CodeSystem system = CodeSystem::kLoinc;
  CodeUse use = CodeUse::kPanel;
  std::string code = {};
  Basis basis = {};
  friend bool operator==(const Code&, const Code&) = default;
};

// One thing that can be ticked. `value` is the number beside it on the form.
struct Option {
  std::string id = {};
  int value = 0;
  std::string text = {};
  std::string loinc = {};
  friend bool operator==(const Option&, const Option&) = default;
};

struct Item {
  std::string id = {};
  std::string label = {};  // short and neutral, for lists and charts
  std::string text = {};   // the wording, where the licence allows it
  bool in_total = true;
  // Scored as least + greatest value - value.
  bool reverse = false;
  bool may_be_not_applicable = false;
  std::string loinc = {};
  std::vector<Option> options = {};
  friend bool operator==(const Item&, const Item&) = default;

  int MinValue() const;
  int MaxValue() const;
  // What a value counts; the same again gives the value back.
  int Scored(int value) const { return reverse ? MinValue() + MaxValue() - value : value; }
};

struct Range {
  int min = 0;
  int max = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

// Up to `max_missing` unanswered items are taken for the mean of the answered ones; with more there
// is no score.
struct MissingRule {
  int max_missing = 0;
  Basis basis = {};
  friend bool operator==(const MissingRule&, const MissingRule&) = default;
};

// An item that the form says to leave out, and what it then counts as answered with.
struct SkipRule {
  std::string if_item = {};
  int if_value = 0;
  std::string then_item = {};
  int then_value = 0;
  Basis basis = {};
  friend bool operator==(const SkipRule&, const SkipRule&) = default;
};

struct Subscale {
  std::string id = {};
  std::string label = {};
  std::vector<std::string> items = {};
  int max_missing = 0;
  Basis basis = {};
  friend bool operator==(const Subscale&, const Subscale&) = default;
};

// Rounded scores from `low` to `high`, both included.
struct Band {
  std::string id = {};
  std::string label = {};
  int low = 0;
  int high = 0;
  friend bool operator==(const Band&, const Band&) = default;
};

struct BandSet {
  std::string rule_set = {};
  bool is_default = false;
  std::vector<Band> bands = {};
  Basis basis = {};
  friend bool operator==(const BandSet&, const BandSet&) = default;
};

struct CutOff {
  std::string rule_set = {};
  CutOffUse use = CutOffUse::kCaseness;
  bool is_default = false;
  Comparison comparison = Comparison::kAtLeast;
  int value = 0;
  Basis basis = {};
  friend bool operator==(const CutOff&, const CutOff&) = default;
};

// A change of `value` is reliable already (inclusive), or only a greater one.
struct ReliableChange {
  std::string rule_set = {};
  bool is_default = false;
  double value = 0;
  bool inclusive = true;
  Basis basis = {};
  friend bool operator==(const ReliableChange&, const ReliableChange&) = default;
};

// A scored answer of at least `at_least` is a risk, whatever the total.
struct RiskItem {
  std::string item = {};
  int at_least = 1;
  std::string about = {};
  Basis basis = {};
  friend bool operator==(const RiskItem&, const RiskItem&) = default;
};

// A rounded total that is a risk by itself.
struct RiskTotal {
  std::string id = {};
  Comparison comparison = Comparison::kAtLeast;
  int value = 0;
  std::string about = {};
  Basis basis = {};
  friend bool operator==(const RiskTotal&, const RiskTotal&) = default;
};

// A pattern of symptoms rather than a sum: so many of `symptoms` are present, one of `one_of`
// among them.
struct SymptomCount {
  struct Symptom {
    std::string item = {};
    int at_least = 1;
    friend bool operator==(const Symptom&, const Symptom&) = default;
  };
  struct Result {
    std::string id = {};
    std::string label = {};
    int low = 0;
    int high = 0;
    friend bool operator==(const Result&, const Result&) = default;
  };
  std::string id = {};
  std::vector<Symptom> symptoms = {};
  std::vector<std::string> one_of = {};
  std::vector<Result> results = {};
  Basis basis = {};
  friend bool operator==(const SymptomCount&, const SymptomCount&) = default;
};

struct Citation {
  std::string key = {};
  std::string text = {};
  friend bool operator==(const Citation&, const Citation&) = default;
};

struct Instrument {
  std::string id = {};
  int version = 0;
  std::string language = {};  // BCP 47
  std::string name = {};
  std::string measures = {};  // what it is a measure of: depression, anxiety, ...
  std::string licence = {};
  std::string attribution = {};
  std::string note = {};
  bool text_included = false;
  bool normed = true;
  std::vector<Respondent> respondents = {};
  Direction direction = Direction::kHigherIsWorse;
  std::optional<LookBack> look_back = {};
  std::string instructions = {};
  std::vector<Code> codes = {};
  std::vector<Item> items = {};
  int multiplier = 1;  // of the sum of the items
  Range range = {};
  MissingRule missing = {};
  std::vector<SkipRule> skips = {};
  std::vector<Subscale> subscales = {};
  std::vector<BandSet> bands = {};
  std::vector<CutOff> cut_offs = {};
  std::vector<ReliableChange> reliable_change = {};
  std::vector<RiskItem> risk_items = {};
  std::vector<RiskTotal> risk_totals = {};
  std::vector<SymptomCount> symptom_counts = {};
  std::vector<Citation> citations = {};
  friend bool operator==(const Instrument&, const Instrument&) = default;

  // nullptr where there is none.
  const Item* FindItem(absl::string_view item_id) const;
  const BandSet* DefaultBands() const;
  const CutOff* DefaultCutOff(CutOffUse use) const;
  const ReliableChange* DefaultReliableChange() const;
};

// The scale of a whole instrument, beside its subscales.
inline constexpr char kTotal[] = "total";

// Without control characters but line feeds.
bool IsPlainText(absl::string_view text);

// Subtags of letters and digits, as BCP 47 has them.
bool IsLanguageTag(absl::string_view tag);

// Adds every error of a definition to `bad`, by field. What passes can be scored.
void ValidateInstrument(const Instrument& instrument, FieldViolations bad);

// The same, as INVALID_ARGUMENT.
absl::Status ValidateInstrument(const Instrument& instrument);

}  // namespace ipt::outcomes
