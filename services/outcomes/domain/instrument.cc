#include "outcomes/domain/instrument.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "platform/ids/ids.h"
#include "platform/text/utf8.h"

namespace ipt::outcomes {
namespace {

// Bounds of a definition. A clinic's own comes from outside, and is kept and read for ever.
constexpr size_t kMaxIdBytes = 63;
constexpr size_t kMaxLabelBytes = 200;
constexpr size_t kMaxTextBytes = 4000;
constexpr size_t kMaxItems = 200;
constexpr size_t kMaxOptions = 101;
constexpr size_t kMaxList = 50;
constexpr size_t kMaxLanguageBytes = 35;
constexpr size_t kMaxCodeBytes = 20;
constexpr int kMaxVersion = 1000000;
constexpr int kMaxValue = 1000;  // of an option, either sign
constexpr int kMaxMultiplier = 100;
constexpr int kMaxLookBack = 366;

bool IsLocalId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes && absl::c_all_of(id, [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' || c == '-';
  });
}

void CheckId(absl::string_view id, absl::string_view field, FieldViolations& bad) {
  if (!IsLocalId(id)) bad.Add(field, "must be 1 to 63 of a-z, 0-9, \"_\" and \"-\"");
}

void CheckText(absl::string_view text, absl::string_view field, size_t most, bool required,
               FieldViolations& bad) {
  if (text.size() > most) {
    bad.Add(field, absl::StrCat("must be at most ", most, " bytes"));
  } else if (!IsUtf8(text)) {
    bad.Add(field, "must be valid UTF-8");
  } else if (!IsPlainText(text)) {
    bad.Add(field, "must have no control characters but line feeds");
  } else if (required && absl::StripAsciiWhitespace(text).empty()) {
    bad.Add(field, "must not be empty");
  }
}

// False where the list is not to be looked into.
template <typename T>
bool CheckSize(const std::vector<T>& list, absl::string_view field, size_t least, size_t most,
               FieldViolations& bad) {
  if (list.size() >= least && list.size() <= most) return true;
  bad.Add(field, absl::StrCat("must have ", least, " to ", most, " entries"));
  return false;
}

template <typename Enum>
void CheckEnum(Enum value, Enum last, absl::string_view field, absl::string_view names,
               FieldViolations& bad) {
  if (static_cast<int>(value) < 1 || value > last) {
    bad.Add(field, absl::StrCat("must be ", names));
  }
}

// LOINC's own check digit (modulus 10) finds a mistyped number.
bool IsLoinc(absl::string_view code) {
  const std::vector<absl::string_view> parts = absl::StrSplit(code, '-');
  if (parts.size() != 2 || parts[0].empty() || parts[0].size() > 7 || parts[1].size() != 1) {
    return false;
  }
  if (!absl::c_all_of(parts[0], absl::ascii_isdigit) || !absl::ascii_isdigit(parts[1][0])) {
    return false;
  }
  int sum = 0;
  for (size_t i = 0; i < parts[0].size(); ++i) {
    int digit = parts[0][parts[0].size() - 1 - i] - '0';
    if (i % 2 == 0) {
      digit *= 2;
      if (digit > 9) digit -= 9;
    }
    sum += digit;
  }
  return (10 - sum % 10) % 10 == parts[1][0] - '0';
}

void CheckLoinc(absl::string_view code, FieldViolations& bad) {
  if (!code.empty() && !IsLoinc(code)) {
    bad.Add("loinc", "must be a LOINC number with its check digit, like 44249-1");
  }
}

// An answer's code, like LA6568-5.
void CheckAnswerCode(absl::string_view code, FieldViolations& bad) {
  if (code.empty()) return;
  absl::string_view digits = code;
  const bool fits =
      absl::ConsumePrefix(&digits, "LA") && code.size() <= kMaxCodeBytes && digits.size() >= 3 &&
      digits[digits.size() - 2] == '-' &&
      absl::c_all_of(digits, [](char c) { return absl::ascii_isdigit(c) || c == '-'; }) &&
      absl::c_count(digits, '-') == 1;
  if (!fits) bad.Add("loinc", "must be a LOINC answer code, like LA6568-5");
}

bool GetsWorseUpwards(Comparison comparison) {
  return comparison == Comparison::kAtLeast || comparison == Comparison::kAbove;
}

class Validator {
 public:
  Validator(const Instrument& instrument, FieldViolations& bad) : def_(instrument), bad_(bad) {}

  void Run() {
    CheckHead();
    // What refers to items, or counts with them, is looked at only where they can be counted with.
    if (!CheckItems()) return;
    CheckRange();
    CheckMissing();
    CheckSkips();
    CheckSubscales();
    CheckBands();
    CheckCutOffs();
    CheckReliableChange();
    CheckRisks();
    CheckSymptomCounts();
  }

 private:
  void CheckHead() {
    if (!IsValidId(def_.id)) {
      bad_.Add("id", "must be 1 to 63 of a-z, 0-9 and \"-\", starting with a letter or digit");
    }
    if (def_.version < 1 || def_.version > kMaxVersion) bad_.Add("version", "must be 1 to 1000000");
    if (!IsLanguageTag(def_.language))
      bad_.Add("language", "must be a BCP 47 tag, like en or pt-BR");
    CheckText(def_.name, "name", kMaxLabelBytes, true, bad_);
    CheckId(def_.measures, "measures", bad_);
    CheckText(def_.licence, "licence", kMaxTextBytes, true, bad_);
    CheckText(def_.attribution, "attribution", kMaxTextBytes, false, bad_);
    CheckText(def_.note, "note", kMaxTextBytes, false, bad_);
    CheckText(def_.instructions, "instructions", kMaxTextBytes, false, bad_);
    if (!def_.text_included && !def_.instructions.empty()) {
      bad_.Add("instructions", "must be empty where text_included is false");
    }
    CheckEnum(def_.direction, Direction::kHigherIsBetter, "direction",
              "higher_is_worse or higher_is_better", bad_);
    CheckRespondents();
    if (def_.look_back.has_value()) {
      FieldViolations in = bad_.In("look_back");
      CheckEnum(def_.look_back->unit, TimeUnit::kMonth, "unit", "day, week or month", in);
      if (def_.look_back->amount < 1 || def_.look_back->amount > kMaxLookBack) {
        in.Add("amount", "must be 1 to 366; a measure of the moment has no look_back");
      }
    }
    CheckCitations();
    if (!CheckSize(def_.codes, "codes", 0, kMaxList, bad_)) return;
    for (size_t i = 0; i < def_.codes.size(); ++i) CheckCode(def_.codes[i], bad_.At("codes", i));
  }

  void CheckRespondents() {
    if (!CheckSize(def_.respondents, "respondents", 1, 2, bad_)) return;
    std::set<Respondent> seen;
    for (size_t i = 0; i < def_.respondents.size(); ++i) {
      FieldViolations at = bad_.At("respondents", i);
      CheckEnum(def_.respondents[i], Respondent::kClinician, "", "self or clinician", at);
      if (!seen.insert(def_.respondents[i]).second) at.Add("", "must not be named twice");
    }
  }

  void CheckCitations() {
    if (!CheckSize(def_.citations, "citations", 1, kMaxList, bad_)) return;
    for (size_t i = 0; i < def_.citations.size(); ++i) {
      FieldViolations at = bad_.At("citations", i);
      CheckNewId(def_.citations[i].key, "key", citations_, at);
      CheckText(def_.citations[i].text, "text", kMaxTextBytes, true, at);
    }
  }

  void CheckCode(const Code& code, FieldViolations at) {
    CheckEnum(code.system, CodeSystem::kSnomedCt, "system", "loinc or snomed-ct", at);
    CheckEnum(code.use, CodeUse::kTotal, "use", "panel or total", at);
    if (code.system == CodeSystem::kLoinc && !IsLoinc(code.code)) {
      at.Add("code", "must be a LOINC number with its check digit, like 44249-1");
    }
    if (code.system == CodeSystem::kSnomedCt && (code.code.size() < 6 || code.code.size() > 18 ||
                                                 !absl::c_all_of(code.code, absl::ascii_isdigit))) {
      at.Add("code", "must be the 6 to 18 digits of a SNOMED CT concept");
    }
    CheckBasis(code.basis, at);
  }

  bool CheckItems() {
    if (!CheckSize(def_.items, "items", 1, kMaxItems, bad_)) return false;
    bool countable = true;
    std::set<std::string> ids;
    for (size_t i = 0; i < def_.items.size(); ++i) {
      const Item& item = def_.items[i];
      FieldViolations at = bad_.At("items", i);
      CheckNewId(item.id, "id", ids, at);
      CheckText(item.label, "label", kMaxLabelBytes, true, at);
      CheckWording(item.text, at);
      CheckLoinc(item.loinc, at);
      countable &= CheckOptions(item, at);
      if (item.in_total) scored_.push_back(&item);
      if (!item.in_total && item.may_be_not_applicable) {
        at.Add("may_be_not_applicable", "must be false for an item outside of the total");
      }
    }
    if (scored_.empty()) bad_.Add("items", "must have one at least that counts in the total");
    return countable && !scored_.empty();
  }

  // False where the values cannot be counted with.
  bool CheckOptions(const Item& item, FieldViolations& at) {
    if (!CheckSize(item.options, "options", 2, kMaxOptions, at)) return false;
    std::set<std::string> ids;
    bool countable = true;
    for (size_t k = 0; k < item.options.size(); ++k) {
      const Option& option = item.options[k];
      FieldViolations in = at.At("options", k);
      CheckNewId(option.id, "id", ids, in);
      CheckWording(option.text, in);
      CheckAnswerCode(option.loinc, in);
      if (option.value < -kMaxValue || option.value > kMaxValue) {
        in.Add("value", "must be -1000 to 1000");
        countable = false;
      }
    }
    if (!countable) return false;
    if (item.MinValue() == item.MaxValue()) at.Add("options", "must have different values");
    const auto has = [&](int value) {
      return absl::c_any_of(item.options, [&](const Option& o) { return o.value == value; });
    };
    if (item.reverse &&
        !absl::c_all_of(item.options, [&](const Option& o) { return has(item.Scored(o.value)); })) {
      at.Add("reverse", "must be false where the values, turned round, are others");
    }
    return true;
  }

  // Item and option texts: all of them, or none.
  void CheckWording(absl::string_view text, FieldViolations& at) {
    CheckText(text, "text", kMaxTextBytes, def_.text_included, at);
    if (!def_.text_included && !text.empty()) {
      at.Add("text", "must be absent where text_included is false");
    }
  }

  void CheckRange() {
    if (def_.multiplier < 1 || def_.multiplier > kMaxMultiplier) {
      bad_.Add("multiplier", "must be 1 to 100");
      return;
    }
    Range is;  // 200 items of 1000, a hundredfold: no int overflows
    for (const Item* item : scored_) {
      is.min += item->MinValue() * def_.multiplier;
      is.max += item->MaxValue() * def_.multiplier;
    }
    FieldViolations in = bad_.In("range");
    if (is.min != def_.range.min) {
      in.Add("min", absl::StrCat("must be the least that the items can add up to, ", is.min));
    }
    if (is.max != def_.range.max) {
      in.Add("max", absl::StrCat("must be the most that the items can add up to, ", is.max));
    }
  }

  void CheckMissing() {
    FieldViolations in = bad_.In("missing");
    CheckProrating(def_.missing.max_missing, scored_, in);
    CheckBasis(def_.missing.basis, in);
  }

  // The mean of the answered items stands for the missing ones only where all count alike.
  void CheckProrating(int max_missing, const std::vector<const Item*>& items, FieldViolations& in) {
    if (max_missing < 0 || max_missing > static_cast<int>(items.size()) / 2) {
      in.Add("max_missing", "must be 0 to half of the items");
      return;
    }
    if (max_missing > 0 && absl::c_any_of(items, [&](const Item* item) {
          return item->MinValue() != items[0]->MinValue() ||
                 item->MaxValue() != items[0]->MaxValue();
        })) {
      in.Add("max_missing", "must be 0 where items have different ranges");
    }
  }

  void CheckSkips() {
    if (!CheckSize(def_.skips, "skips", 0, kMaxList, bad_)) return;
    std::set<std::string> filled;
    for (size_t i = 0; i < def_.skips.size(); ++i) {
      const SkipRule& skip = def_.skips[i];
      FieldViolations at = bad_.At("skips", i);
      CheckValueOf(skip.if_item, skip.if_value, "if_item", "if_value", at);
      CheckValueOf(skip.then_item, skip.then_value, "then_item", "then_value", at);
      if (skip.if_item == skip.then_item) at.Add("then_item", "must be another item than if_item");
      if (!filled.insert(skip.then_item).second)
        at.Add("then_item", "must be skipped by one rule only");
      if (absl::c_any_of(def_.risk_items,
                         [&](const RiskItem& risk) { return risk.item == skip.then_item; })) {
        at.Add("then_item", "must not be a risk item: that is asked, never filled in");
      }
      CheckBasis(skip.basis, at);
    }
    for (size_t i = 0; i < def_.skips.size(); ++i) {
      if (filled.contains(def_.skips[i].if_item)) {
        bad_.At("skips", i).Add("if_item", "must not be an item that another rule skips");
      }
    }
  }

  void CheckValueOf(const std::string& id, int value, absl::string_view id_field,
                    absl::string_view value_field, FieldViolations& at) {
    const Item* item = def_.FindItem(id);
    if (item == nullptr) {
      at.Add(id_field, "must be the id of an item");
    } else if (absl::c_none_of(item->options, [&](const Option& o) { return o.value == value; })) {
      at.Add(value_field, "must be the value of one of the item's options");
    }
  }

  void CheckSubscales() {
    if (!CheckSize(def_.subscales, "subscales", 0, kMaxList, bad_)) return;
    std::set<std::string> ids;
    for (size_t i = 0; i < def_.subscales.size(); ++i) {
      const Subscale& subscale = def_.subscales[i];
      FieldViolations at = bad_.At("subscales", i);
      CheckNewId(subscale.id, "id", ids, at);
      CheckText(subscale.label, "label", kMaxLabelBytes, true, at);
      CheckBasis(subscale.basis, at);
      if (!CheckSize(subscale.items, "items", 1, kMaxItems, at)) continue;
      CheckProrating(subscale.max_missing, CheckItemList(subscale.items, "items", at), at);
    }
  }

  // The items of these ids, each of which must exist and be named once.
  std::vector<const Item*> CheckItemList(const std::vector<std::string>& names,
                                         absl::string_view field, FieldViolations& at) {
    std::vector<const Item*> items;
    std::set<std::string> seen;
    for (size_t k = 0; k < names.size(); ++k) {
      const Item* item = def_.FindItem(names[k]);
      if (item == nullptr) {
        at.At(field, k).Add("", "must be the id of an item");
      } else if (!seen.insert(names[k]).second) {
        at.At(field, k).Add("", "must not be named twice");
      } else {
        items.push_back(item);
      }
    }
    return items;
  }

  void CheckBands() {
    if (!CheckNormed(def_.bands.empty(), "bands")) return;
    if (!CheckSize(def_.bands, "bands", 0, kMaxList, bad_)) return;
    std::set<std::string> rule_sets;
    int defaults = 0;
    for (size_t i = 0; i < def_.bands.size(); ++i) {
      const BandSet& set = def_.bands[i];
      FieldViolations at = bad_.At("bands", i);
      CheckNewId(set.rule_set, "rule_set", rule_sets, at);
      if (set.is_default) CheckDefault(++defaults, set.basis, at);
      CheckBasis(set.basis, at);
      if (!CheckSize(set.bands, "bands", 2, kMaxList, at)) continue;
      std::set<std::string> ids;
      int64_t next = def_.range.min;
      for (size_t k = 0; k < set.bands.size(); ++k) {
        const Band& band = set.bands[k];
        FieldViolations in = at.At("bands", k);
        CheckNewId(band.id, "id", ids, in);
        CheckText(band.label, "label", kMaxLabelBytes, true, in);
        if (band.low != next) {
          in.Add("low", absl::StrCat("must be ", next, ": bands leave no gap and do not overlap"));
        }
        if (band.high < band.low) in.Add("high", "must not be below low");
        next = int64_t{band.high} + 1;
      }
      if (set.bands.back().high != def_.range.max) {
        at.At("bands", set.bands.size() - 1)
            .Add("high", absl::StrCat("must be ", def_.range.max, ", the greatest score"));
      }
    }
  }

  void CheckCutOffs() {
    if (!CheckNormed(def_.cut_offs.empty(), "cut_offs")) return;
    if (!CheckSize(def_.cut_offs, "cut_offs", 0, kMaxList, bad_)) return;
    std::set<std::pair<std::string, CutOffUse>> rule_sets;
    std::map<CutOffUse, int> defaults;
    for (size_t i = 0; i < def_.cut_offs.size(); ++i) {
      const CutOff& cut = def_.cut_offs[i];
      FieldViolations at = bad_.At("cut_offs", i);
      CheckId(cut.rule_set, "rule_set", at);
      CheckEnum(cut.use, CutOffUse::kRemission, "use", "caseness, screening or remission", at);
      if (!rule_sets.emplace(cut.rule_set, cut.use).second) {
        at.Add("rule_set", "must have one cut-off of a use only");
      }
      if (cut.is_default) CheckDefault(++defaults[cut.use], cut.basis, at);
      CheckThreshold(cut.comparison, cut.value, cut.use != CutOffUse::kRemission, at);
      CheckBasis(cut.basis, at);
    }
  }

  void CheckReliableChange() {
    if (!CheckNormed(def_.reliable_change.empty(), "reliable_change")) return;
    if (!CheckSize(def_.reliable_change, "reliable_change", 0, kMaxList, bad_)) return;
    std::set<std::string> rule_sets;
    int defaults = 0;
    for (size_t i = 0; i < def_.reliable_change.size(); ++i) {
      const ReliableChange& change = def_.reliable_change[i];
      FieldViolations at = bad_.At("reliable_change", i);
      CheckNewId(change.rule_set, "rule_set", rule_sets, at);
      if (change.is_default) CheckDefault(++defaults, change.basis, at);
      if (!std::isfinite(change.value) || change.value <= 0 ||
          change.value > double{1} * def_.range.max - def_.range.min) {
        at.Add("value", "must be more than 0 and at most the width of the range");
      }
      CheckBasis(change.basis, at);
    }
  }

  void CheckRisks() {
    if (!CheckSize(def_.risk_items, "risk_items", 0, kMaxList, bad_)) return;
    std::set<std::string> items;
    for (size_t i = 0; i < def_.risk_items.size(); ++i) {
      const RiskItem& risk = def_.risk_items[i];
      FieldViolations at = bad_.At("risk_items", i);
      CheckId(risk.about, "about", at);
      CheckReachable(risk.item, risk.at_least, at);
      if (!items.insert(risk.item).second) at.Add("item", "must not be named twice");
      const Item* item = def_.FindItem(risk.item);
      if (item != nullptr && item->may_be_not_applicable) {
        at.Add("item", "must not be an item that may be not applicable");
      }
      CheckBasis(risk.basis, at);
    }
    if (!CheckSize(def_.risk_totals, "risk_totals", 0, kMaxList, bad_)) return;
    std::set<std::string> totals;
    for (size_t i = 0; i < def_.risk_totals.size(); ++i) {
      const RiskTotal& risk = def_.risk_totals[i];
      FieldViolations at = bad_.At("risk_totals", i);
      CheckNewId(risk.id, "id", totals, at);
      CheckId(risk.about, "about", at);
      CheckThreshold(risk.comparison, risk.value, true, at);
      CheckBasis(risk.basis, at);
    }
  }

  // A threshold of an item's scored value that some answers reach and some do not.
  void CheckReachable(const std::string& id, int at_least, FieldViolations& at) {
    const Item* item = def_.FindItem(id);
    if (item == nullptr) {
      at.Add("item", "must be the id of an item");
    } else if (at_least <= item->MinValue() || at_least > item->MaxValue()) {
      at.Add("at_least", "must be more than the item's least value and at most its greatest");
    }
  }

  void CheckSymptomCounts() {
    if (!CheckSize(def_.symptom_counts, "symptom_counts", 0, kMaxList, bad_)) return;
    std::set<std::string> ids;
    for (size_t i = 0; i < def_.symptom_counts.size(); ++i) {
      const SymptomCount& count = def_.symptom_counts[i];
      FieldViolations at = bad_.At("symptom_counts", i);
      CheckNewId(count.id, "id", ids, at);
      CheckBasis(count.basis, at);
      if (!CheckSize(count.symptoms, "symptoms", 1, kMaxItems, at)) continue;
      std::set<std::string> symptoms;
      for (size_t k = 0; k < count.symptoms.size(); ++k) {
        FieldViolations in = at.At("symptoms", k);
        CheckReachable(count.symptoms[k].item, count.symptoms[k].at_least, in);
        if (!symptoms.insert(count.symptoms[k].item).second)
          in.Add("item", "must not be named twice");
      }
      if (!CheckSize(count.one_of, "one_of", 0, kMaxItems, at)) continue;
      CheckItemList(count.one_of, "one_of", at);
      for (size_t k = 0; k < count.one_of.size(); ++k) {
        if (!symptoms.contains(count.one_of[k])) {
          at.At("one_of", k).Add("", "must be one of the symptoms");
        }
      }
      if (!CheckSize(count.results, "results", 1, kMaxList, at)) continue;
      std::set<std::string> results;
      for (size_t k = 0; k < count.results.size(); ++k) {
        const SymptomCount::Result& result = count.results[k];
        FieldViolations in = at.At("results", k);
        CheckNewId(result.id, "id", results, in);
        CheckText(result.label, "label", kMaxLabelBytes, true, in);
        if (result.low < 1) in.Add("low", "must be 1 or more");
        if (result.high < result.low || result.high > static_cast<int>(count.symptoms.size())) {
          in.Add("high", "must be low to the number of symptoms");
        }
        for (size_t other = 0; other < k; ++other) {
          if (result.low <= count.results[other].high && count.results[other].low <= result.high) {
            in.Add("low", "must not overlap another result");
            break;
          }
        }
      }
    }
  }

  // A rating without norms has none of the things that norms are for.
  bool CheckNormed(bool empty, absl::string_view field) {
    if (def_.normed || empty) return true;
    bad_.Add(field, "must be empty for a rating without norms (normed is false)");
    return false;
  }

  // `nth`: the how many-th default this is.
  void CheckDefault(int nth, const Basis& basis, FieldViolations& at) {
    if (basis.evidence == Evidence::kLikely) {
      at.Add("default", "must be false while the evidence is likely: confirm it first");
    }
    if (nth > 1) at.Add("default", "must be true once only");
  }

  // A threshold of the total that some scores meet and some do not, on the side that it is for.
  void CheckThreshold(Comparison comparison, int value, bool is_worse, FieldViolations& at) {
    CheckEnum(comparison, Comparison::kBelow, "comparison", "at_least, above, at_most or below",
              at);
    const bool upwards = (def_.direction != Direction::kHigherIsBetter) == is_worse;
    if (GetsWorseUpwards(comparison) != upwards) {
      at.Add("comparison", upwards ? "must be at_least or above" : "must be at_most or below");
    }
    if (Compare(def_.range.min, comparison, value) == Compare(def_.range.max, comparison, value)) {
      at.Add("value", "must part the range: some scores must meet it and some not");
    }
  }

  void CheckBasis(const Basis& basis, FieldViolations& at) {
    CheckEnum(basis.evidence, Evidence::kClinic, "evidence", "seen, established, likely or clinic",
              at);
    CheckText(basis.note, "note", kMaxTextBytes, false, at);
    if (!CheckSize(basis.sources, "sources", 1, kMaxList, at)) return;
    for (size_t k = 0; k < basis.sources.size(); ++k) {
      if (!citations_.contains(basis.sources[k])) {
        at.At("sources", k).Add("", "must be the key of a citation");
      }
    }
  }

  void CheckNewId(const std::string& id, absl::string_view field, std::set<std::string>& seen,
                  FieldViolations& at) {
    CheckId(id, field, at);
    if (!seen.insert(id).second) at.Add(field, "must not be used twice");
  }

  const Instrument& def_;
  FieldViolations& bad_;
  std::set<std::string> citations_;
  std::vector<const Item*> scored_;
};

}  // namespace

bool IsPlainText(absl::string_view text) {
  return absl::c_none_of(text,
                         [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; });
}

bool IsLanguageTag(absl::string_view tag) {
  if (tag.empty() || tag.size() > kMaxLanguageBytes) return false;
  const std::vector<absl::string_view> subtags = absl::StrSplit(tag, '-');
  return subtags.front().size() >= 2 && absl::c_all_of(subtags.front(), absl::ascii_isalpha) &&
         absl::c_all_of(subtags, [](absl::string_view subtag) {
           return !subtag.empty() && subtag.size() <= 8 &&
                  absl::c_all_of(subtag, absl::ascii_isalnum);
         });
}

bool Compare(int score, Comparison comparison, int value) {
  switch (comparison) {
    case Comparison::kAtLeast:
      return score >= value;
    case Comparison::kAbove:
      return score > value;
    case Comparison::kAtMost:
      return score <= value;
    case Comparison::kBelow:
      return score < value;
  }
  return false;
}

int Item::MinValue() const {
  int least = options.empty() ? 0 : options[0].value;
  for (const Option& option : options) least = std::min(least, option.value);
  return least;
}

int Item::MaxValue() const {
  int greatest = options.empty() ? 0 : options[0].value;
  for (const Option& option : options) greatest = std::max(greatest, option.value);
  return greatest;
}

const Item* Instrument::FindItem(absl::string_view item_id) const {
  for (const Item& item : items) {
    if (item.id == item_id) return &item;
  }
  return nullptr;
}

const BandSet* Instrument::DefaultBands() const {
  for (const BandSet& set : bands) {
    if (set.is_default) return &set;
  }
  return nullptr;
}

const CutOff* Instrument::DefaultCutOff(CutOffUse use) const {
  for (const CutOff& cut : cut_offs) {
    if (cut.is_default && cut.use == use) return &cut;
  }
  return nullptr;
}

const ReliableChange* Instrument::DefaultReliableChange() const {
  for (const ReliableChange& change : reliable_change) {
    if (change.is_default) return &change;
  }
  return nullptr;
}

void ValidateInstrument(const Instrument& instrument, FieldViolations bad) {
  Validator(instrument, bad).Run();
}

absl::Status ValidateInstrument(const Instrument& instrument) {
  FieldViolations bad;
  Validator(instrument, bad).Run();
  return bad.ToStatus();
}

}  // namespace ipt::outcomes
