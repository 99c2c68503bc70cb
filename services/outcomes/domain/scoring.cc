#include "outcomes/domain/scoring.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

// "0, 1, 2 or 3": what may be said instead. The refused value itself is never repeated.
std::string OneOf(const std::vector<std::string>& words) {
  if (words.size() == 1) return words[0];
  return absl::StrCat(absl::StrJoin(words.begin(), words.end() - 1, ", "), " or ", words.back());
}

std::string OptionIds(const Item& item) {
  std::vector<std::string> ids;
  for (const Option& option : item.options) ids.push_back(option.id);
  return OneOf(ids);
}

std::string OptionValues(const Item& item) {
  std::set<int> values;
  for (const Option& option : item.options) values.insert(option.value);
  if (values.size() > 2 &&
      *values.rbegin() - *values.begin() == static_cast<int>(values.size()) - 1) {
    return absl::StrCat(*values.begin(), " to ", *values.rbegin());
  }
  std::vector<std::string> words;
  words.reserve(values.size());
  for (int value : values) words.push_back(absl::StrCat(value));
  return OneOf(words);
}

bool Counts(ItemState state) {
  return state == ItemState::kAnswered || state == ItemState::kSkipped;
}

bool IsMissing(ItemState state) {
  return state == ItemState::kUnanswered || state == ItemState::kNotOnForm;
}

// The sum of some items, and what the missing ones of them could add.
struct Tally {
  int sum = 0;
  int n_answered = 0;
  int n_missing = 0;
  int n_not_applicable = 0;
  Range possible;   // of all that apply
  Range reachable;  // given the answers

  void Add(const Item& item, const ItemScore& score) {
    if (score.state == ItemState::kNotApplicable) {
      ++n_not_applicable;
      return;
    }
    possible.min += item.MinValue();
    possible.max += item.MaxValue();
    if (Counts(score.state)) {
      ++n_answered;
      sum += *score.scored;
      reachable.min += *score.scored;
      reachable.max += *score.scored;
    } else {
      ++n_missing;
      reachable.min += item.MinValue();
      reachable.max += item.MaxValue();
    }
  }

  // The mean of the answered ones in the place of the missing ones.
  Fraction Prorated(int multiplier) const {
    const int64_t sum_of = int64_t{sum} * multiplier;
    if (n_missing == 0) return {sum_of, 1};
    return {sum_of * (n_answered + n_missing), n_answered};
  }
};

class Scorer {
 public:
  Scorer(const Instrument& instrument, const Answers& answers) : def_(instrument), in_(answers) {
    for (size_t i = 0; i < def_.items.size(); ++i) {
      index_[def_.items[i].id] = i;
      score_.items.push_back({.item = def_.items[i].id});
    }
  }

  absl::StatusOr<Score> Run() {
    FieldViolations bad;
    ReadAnswers(bad);
    ReadNotOnForm(bad);
    ApplySkips();
    for (size_t i = 0; i < def_.items.size(); ++i) {
      if (def_.items[i].in_total) tally_.Add(def_.items[i], score_.items[i]);
    }
    CheckTotal(bad);
    IPT_RETURN_IF_ERROR(bad.ToStatus());

    ScoreTotal();
    ScoreSubscales();
    FindBands();
    FindPatterns();
    FindRisks();
    return std::move(score_);
  }

 private:
  void ReadAnswers(FieldViolations& bad) {
    std::set<size_t> seen;
    for (size_t i = 0; i < in_.answers.size(); ++i) {
      const Answer& answer = in_.answers[i];
      FieldViolations at = bad.At("answers", i);
      const auto found = index_.find(answer.item);
      if (found == index_.end()) {
        at.Add("item", absl::StrCat("must be the id of an item of ", def_.id));
      } else if (!seen.insert(found->second).second) {
        at.Add("item", "must not be answered twice");
      } else {
        ReadAnswer(answer, def_.items[found->second], score_.items[found->second], at);
      }
    }
  }

  void ReadAnswer(const Answer& answer, const Item& item, ItemScore& score, FieldViolations& at) {
    const bool answered = !answer.option.empty() || answer.value.has_value();
    if (answer.not_applicable) {
      if (answered) {
        at.Add("not_applicable", "must be false for an item that has an answer");
      } else if (!item.may_be_not_applicable) {
        at.Add("not_applicable", "must be false: this item applies to everybody");
      } else {
        score.state = ItemState::kNotApplicable;
      }
      return;
    }
    if (!answered) {
      at.Add("", "must have an option or a value; leave out an item that was not answered");
      return;
    }
    std::vector<const Option*> fits;
    for (const Option& option : item.options) {
      if (!answer.option.empty() ? option.id == answer.option : option.value == *answer.value) {
        fits.push_back(&option);
      }
    }
    if (fits.empty()) {
      if (!answer.option.empty()) {
        at.Add("option", absl::StrCat("must be ", OptionIds(item)));
      } else {
        at.Add("value", absl::StrCat("must be ", OptionValues(item)));
      }
      return;
    }
    if (answer.value.has_value() && fits[0]->value != *answer.value) {
      at.Add("value", "must be the option's own, or absent");
      return;
    }
    score.state = ItemState::kAnswered;
    if (fits.size() == 1) score.option = fits[0]->id;
    score.value = fits[0]->value;
    score.scored = item.Scored(fits[0]->value);
  }

  void ReadNotOnForm(FieldViolations& bad) {
    for (size_t i = 0; i < in_.not_on_form.size(); ++i) {
      FieldViolations at = bad.At("not_on_form", i);
      const auto found = index_.find(in_.not_on_form[i]);
      if (found == index_.end()) {
        at.Add("", absl::StrCat("must be the id of an item of ", def_.id));
        continue;
      }
      ItemScore& score = score_.items[found->second];
      if (score.state == ItemState::kNotOnForm) {
        at.Add("", "must not be named twice");
      } else if (score.state != ItemState::kUnanswered) {
        at.Add("", "must not be an item that is answered");
      } else if (in_.total.has_value() && def_.items[found->second].in_total) {
        at.Add("", "must be empty with a total: that of a shorter form is another measure's");
      } else {
        score.state = ItemState::kNotOnForm;
      }
    }
  }

  void ApplySkips() {
    for (const SkipRule& skip : def_.skips) {
      const ItemScore& asked = score_.items[index_.at(skip.if_item)];
      ItemScore& skipped = score_.items[index_.at(skip.then_item)];
      if (asked.state != ItemState::kAnswered || *asked.value != skip.if_value) continue;
      if (skipped.state != ItemState::kUnanswered) continue;
      skipped.state = ItemState::kSkipped;
      skipped.value = skip.then_value;
      skipped.scored = def_.items[index_.at(skip.then_item)].Scored(skip.then_value);
    }
  }

  void CheckTotal(FieldViolations& bad) {
    if (!in_.total.has_value()) return;
    const double least = double{1} * tally_.possible.min * def_.multiplier;
    const double greatest = double{1} * tally_.possible.max * def_.multiplier;
    if (!(*in_.total >= least && *in_.total <= greatest)) {  // also of what is no number
      bad.Add("total", absl::StrCat("must be ", least, " to ", greatest));
    } else if (std::fmod(*in_.total, def_.multiplier) != 0) {
      bad.Add("total", def_.multiplier == 1
                           ? std::string("must be a whole number; of an incomplete form, send the "
                                         "answers")
                           : absl::StrCat("must be a multiple of ", def_.multiplier));
    } else if (*in_.total < double{1} * tally_.reachable.min * def_.multiplier ||
               *in_.total > double{1} * tally_.reachable.max * def_.multiplier) {
      bad.Add("total", "must be what the answers beside it can add up to");
    }
  }

  void ScoreTotal() {
    score_.n_not_applicable = tally_.n_not_applicable;
    score_.possible = {tally_.possible.min * def_.multiplier,
                       tally_.possible.max * def_.multiplier};
    score_.comparable = score_.possible == def_.range;
    if (in_.total.has_value()) {
      score_.from_total = true;
      score_.exact = {static_cast<int64_t>(*in_.total), 1};
    } else {
      score_.n_missing = tally_.n_missing;
      if (tally_.n_answered == 0) {
        score_.invalid_reason = InvalidReason::kNothingAnswered;
        return;
      }
      if (tally_.n_missing > def_.missing.max_missing) {
        score_.invalid_reason = InvalidReason::kTooManyMissing;
        return;
      }
      score_.prorated = tally_.n_missing > 0;
      score_.exact = tally_.Prorated(def_.multiplier);
    }
    score_.state = ScoreState::kValid;
    score_.rounded = score_.exact.Rounded();
  }

  void ScoreSubscales() {
    for (const Subscale& subscale : def_.subscales) {
      Tally tally;
      for (const std::string& id : subscale.items) {
        tally.Add(def_.items[index_.at(id)], score_.items[index_.at(id)]);
      }
      SubscaleScore result{.id = subscale.id, .n_missing = tally.n_missing};
      if (tally.n_answered > 0 && tally.n_missing <= subscale.max_missing) {
        result.state = ScoreState::kValid;
        result.exact = tally.Prorated(1);
        result.rounded = result.exact.Rounded();
        result.prorated = tally.n_missing > 0;
      }
      score_.subscales.push_back(std::move(result));
    }
  }

  void FindBands() {
    if (score_.state != ScoreState::kValid || !score_.comparable) return;
    for (const BandSet& set : def_.bands) {
      for (const Band& band : set.bands) {
        if (score_.rounded < band.low || score_.rounded > band.high) continue;
        score_.bands.push_back({set.rule_set, band.id, band.label, set.is_default});
      }
    }
    for (const CutOff& cut : def_.cut_offs) {
      score_.cut_offs.push_back({cut.rule_set, cut.use, cut.is_default,
                                 Compare(score_.rounded, cut.comparison, cut.value)});
    }
  }

  void FindPatterns() {
    for (const SymptomCount& pattern : def_.symptom_counts) {
      score_.patterns.push_back(FindPattern(pattern));
    }
  }

  // Tries every way in which the missing symptoms could have been answered: only how many of them
  // are present matters, apart for those that must be among them.
  PatternResult FindPattern(const SymptomCount& pattern) const {
    int present = 0;
    bool one_is = pattern.one_of.empty();
    int missing_key = 0;
    int missing_other = 0;
    for (const SymptomCount::Symptom& symptom : pattern.symptoms) {
      const ItemScore& score = score_.items[index_.at(symptom.item)];
      const bool key = absl::c_linear_search(pattern.one_of, symptom.item);
      if (IsMissing(score.state)) {
        ++(key ? missing_key : missing_other);
      } else if (Counts(score.state) && *score.scored >= symptom.at_least) {
        ++present;
        one_is |= key;
      }
    }
    std::set<const SymptomCount::Result*> results;  // nullptr: none of them
    for (int keys = 0; keys <= missing_key; ++keys) {
      for (int others = 0; others <= missing_other; ++others) {
        results.insert(ResultOf(pattern, present + keys + others, one_is || keys > 0));
      }
    }
    PatternResult found{.id = pattern.id};
    if (results.size() > 1) return found;
    const SymptomCount::Result* result = *results.begin();
    found.state = result != nullptr ? PatternState::kFound : PatternState::kNone;
    if (result != nullptr) {
      found.result = result->id;
      found.label = result->label;
    }
    return found;
  }

  static const SymptomCount::Result* ResultOf(const SymptomCount& pattern, int count, bool one_is) {
    for (const SymptomCount::Result& result : pattern.results) {
      if (one_is && count >= result.low && count <= result.high) return &result;
    }
    return nullptr;
  }

  void FindRisks() {
    Risk& risk = score_.risk;
    for (const RiskItem& item : def_.risk_items) risk.findings.push_back(FindRisk(item));
    for (const RiskTotal& total : def_.risk_totals) risk.findings.push_back(FindRisk(total));
    for (const RiskFinding& finding : risk.findings)
      risk.state = std::max(risk.state, finding.state);
  }

  // The answer alone decides: not the total, nor whether there is one.
  RiskFinding FindRisk(const RiskItem& risk) const {
    RiskFinding finding{.item = risk.item, .about = risk.about};
    const ItemScore& score = score_.items[index_.at(risk.item)];
    if (Counts(score.state)) {
      finding.state = *score.scored >= risk.at_least ? RiskState::kRaised : RiskState::kClear;
    } else if (score.state == ItemState::kNotOnForm) {
      finding.why_unknown = UnknownReason::kNotOnForm;
    } else {
      finding.why_unknown =
          score_.from_total ? UnknownReason::kTotalOnly : UnknownReason::kUnanswered;
    }
    return finding;
  }

  // Without a score, whatever the missing items could have added decides.
  RiskFinding FindRisk(const RiskTotal& risk) const {
    RiskFinding finding{.total = risk.id, .about = risk.about};
    int least = tally_.reachable.min * def_.multiplier;
    int greatest = tally_.reachable.max * def_.multiplier;
    if (score_.state == ScoreState::kValid) least = greatest = score_.rounded;
    const bool at_least_end = Compare(least, risk.comparison, risk.value);
    const bool at_greatest_end = Compare(greatest, risk.comparison, risk.value);
    if (at_least_end == at_greatest_end) {
      finding.state = at_least_end ? RiskState::kRaised : RiskState::kClear;
    } else {
      finding.why_unknown = UnknownReason::kNoScore;
    }
    return finding;
  }

  const Instrument& def_;
  const Answers& in_;
  absl::flat_hash_map<std::string, size_t> index_;
  Tally tally_;
  Score score_;
};

}  // namespace

int Fraction::Rounded() const {
  const int64_t twice = 2 * numerator + denominator;
  const int64_t by = 2 * denominator;
  int64_t down = twice / by;
  if (twice % by < 0) --down;
  return static_cast<int>(down);
}

const BandResult* Score::DefaultBand() const {
  for (const BandResult& band : bands) {
    if (band.is_default) return &band;
  }
  return nullptr;
}

absl::StatusOr<Score> ScoreAnswers(const Instrument& instrument, const Answers& answers) {
  return Scorer(instrument, answers).Run();
}

}  // namespace ipt::outcomes
