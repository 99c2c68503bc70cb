// What holds of every instrument and every answer to it.

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "outcomes/domain/scoring.h"
#include "tests/outcomes/instruments.h"

namespace ipt::outcomes {
namespace {

// The range of generated integers includes its ends.
int Between(int least, int greatest) { return *rc::gen::inRange(least, greatest + 1); }

const Instrument& AnyShipped() {
  auto it = AllShipped().begin();
  std::advance(it, Between(0, static_cast<int>(AllShipped().size()) - 1));
  RC_TAG(it->first);
  return it->second;
}

// A sound instrument that nobody has thought of.
Instrument AnyInstrument() {
  Instrument made = Sample();
  const Basis basis = made.missing.basis;
  made.items.clear();
  made.subscales.clear();
  made.symptom_counts.clear();
  made.risk_items.clear();
  made.risk_totals.clear();
  const int least = Between(-3, 3);
  const int width = Between(1, 6);
  const int count = Between(1, 12);
  for (int i = 1; i <= count; ++i) {
    Item item{.id = absl::StrCat("q", i),
              .label = "Question",
              .text = "What?",
              .reverse = *rc::gen::arbitrary<bool>()};
    item.may_be_not_applicable = Between(0, 4) == 0;
    for (int v = least; v <= least + width; ++v) {
      item.options.push_back({absl::StrCat("o", v - least), v, "This", ""});
    }
    made.items.push_back(item);
  }
  made.multiplier = Between(1, 3);
  made.range = {least * count * made.multiplier, (least + width) * count * made.multiplier};
  made.missing.max_missing = Between(0, count / 2);
  const int cut = Between(made.range.min + 1, made.range.max);
  made.bands[0].bands = {{"low", "Low", made.range.min, cut - 1},
                         {"high", "High", cut, made.range.max}};
  made.cut_offs = {{"us", CutOffUse::kCaseness, true, Comparison::kAtLeast, cut, basis}};
  made.reliable_change[0].value = 1;
  made.risk_totals = {{"t", Comparison::kAtLeast, cut, "severity", basis}};
  if (!made.items.back().may_be_not_applicable) {
    made.risk_items = {{made.items.back().id, least + 1, "self_harm", basis}};
  }
  RC_ASSERT(ValidateInstrument(made).ok());
  return made;
}

// Each item answered, left out or not applicable, as it may be.
Answers AnyAnswers(const Instrument& instrument) {
  Answers answers;
  for (const Item& item : instrument.items) {
    const int what = Between(0, 9);
    if (what == 0) continue;
    if (what == 1 && item.may_be_not_applicable) {
      answers.answers.push_back({.item = item.id, .not_applicable = true});
      continue;
    }
    const Option& option = item.options[Between(0, static_cast<int>(item.options.size()) - 1)];
    answers.answers.push_back({.item = item.id, .option = option.id});
  }
  return answers;
}

Instrument Any() { return *rc::gen::arbitrary<bool>() ? AnyShipped() : AnyInstrument(); }

// Scored apart from the code under test; skips are the shipped K10's, and filled in before.
struct Plain {
  int sum = 0;
  int answered = 0;
  int missing = 0;
};
Plain Add(const Instrument& instrument, const Score& score) {
  Plain plain;
  for (size_t i = 0; i < instrument.items.size(); ++i) {
    const Item& item = instrument.items[i];
    if (!item.in_total || score.items[i].state == ItemState::kNotApplicable) continue;
    if (!score.items[i].value.has_value()) {
      ++plain.missing;
      continue;
    }
    ++plain.answered;
    const int value = *score.items[i].value;
    const int top = item.options.back().value + item.options.front().value;
    plain.sum += item.reverse ? top - value : value;
  }
  return plain;
}

RC_GTEST_PROP(ScoringPropertyTest, AScoreLiesInItsRange, ()) {
  const Instrument instrument = Any();
  const Score score = ScoreAnswers(instrument, AnyAnswers(instrument)).value();
  if (score.state != ScoreState::kValid) return;
  RC_ASSERT(score.exact.value() >= score.possible.min);
  RC_ASSERT(score.exact.value() <= score.possible.max);
  RC_ASSERT(score.rounded >= score.possible.min);
  RC_ASSERT(score.rounded <= score.possible.max);
  RC_ASSERT(std::abs(score.rounded - score.exact.value()) <= 0.5);
  RC_ASSERT(score.comparable == (score.possible == instrument.range));
  if (score.comparable && !instrument.bands.empty()) RC_ASSERT(score.DefaultBand() != nullptr);
  if (!score.comparable) RC_ASSERT(score.bands.empty() && score.cut_offs.empty());
}

RC_GTEST_PROP(ScoringPropertyTest, MissingItemsAreProratedByTheRuleAndNoFurther, ()) {
  const Instrument instrument = Any();
  const Score score = ScoreAnswers(instrument, AnyAnswers(instrument)).value();
  const Plain plain = Add(instrument, score);
  RC_ASSERT(score.n_missing == plain.missing);
  const bool valid = plain.answered > 0 && plain.missing <= instrument.missing.max_missing;
  RC_ASSERT((score.state == ScoreState::kValid) == valid);
  RC_ASSERT((score.invalid_reason == InvalidReason::kNone) == valid);
  if (!valid) return;
  RC_ASSERT(score.prorated == (plain.missing > 0));
  const int64_t all = plain.answered + plain.missing;
  RC_ASSERT(score.exact.numerator * plain.answered ==
            plain.sum * all * instrument.multiplier * score.exact.denominator);
}

RC_GTEST_PROP(ScoringPropertyTest, TheOrderOfAnswersIsImmaterial, ()) {
  const Instrument instrument = Any();
  Answers answers = AnyAnswers(instrument);
  const Score score = ScoreAnswers(instrument, answers).value();
  for (size_t i = answers.answers.size(); i > 1; --i) {
    std::swap(answers.answers[i - 1], answers.answers[Between(0, static_cast<int>(i) - 1)]);
  }
  RC_ASSERT(ScoreAnswers(instrument, answers).value() == score);
}

RC_GTEST_PROP(ScoringPropertyTest, ReversingTwiceIsTheIdentity, ()) {
  const Instrument instrument = Any();
  for (Item item : instrument.items) {
    item.reverse = true;
    for (const Option& option : item.options) {
      RC_ASSERT(item.Scored(item.Scored(option.value)) == option.value);
      RC_ASSERT(item.Scored(option.value) >= item.MinValue());
      RC_ASSERT(item.Scored(option.value) <= item.MaxValue());
    }
  }
}

RC_GTEST_PROP(ScoringPropertyTest, ARiskItemIsJudgedByItsAnswerAlone, ()) {
  const Instrument instrument = Any();
  const Answers answers = AnyAnswers(instrument);
  const Score score = ScoreAnswers(instrument, answers).value();
  RC_ASSERT(score.risk.findings.size() ==
            instrument.risk_items.size() + instrument.risk_totals.size());
  RiskState gravest = RiskState::kNotAsked;
  for (const RiskFinding& finding : score.risk.findings) gravest = std::max(gravest, finding.state);
  RC_ASSERT(score.risk.state == gravest);
  for (size_t i = 0; i < instrument.risk_items.size(); ++i) {
    const RiskItem& risk = instrument.risk_items[i];
    const Item& item = *instrument.FindItem(risk.item);
    const auto answer = std::find_if(answers.answers.begin(), answers.answers.end(),
                                     [&](const Answer& a) { return a.item == risk.item; });
    RiskState expected = RiskState::kUnknown;
    if (answer != answers.answers.end()) {
      for (const Option& option : item.options) {
        if (option.id != answer->option) continue;
        expected =
            item.Scored(option.value) >= risk.at_least ? RiskState::kRaised : RiskState::kClear;
      }
    }
    RC_ASSERT(score.risk.findings[i].state == expected);
  }
}

// Whatever the missing answers turn out to be, a total that was raised or clear without a score
// stays so.
RC_GTEST_PROP(ScoringPropertyTest, ARiskOfAnIncompleteTotalHoldsHoweverItIsCompleted, ()) {
  const Instrument instrument = AnyInstrument();
  Answers answers = AnyAnswers(instrument);
  const Score before = ScoreAnswers(instrument, answers).value();
  if (before.state == ScoreState::kValid) return;
  for (size_t i = 0; i < instrument.items.size(); ++i) {
    if (before.items[i].state != ItemState::kUnanswered) continue;
    const auto& options = instrument.items[i].options;
    answers.answers.push_back(
        {.item = instrument.items[i].id,
         .option = options[Between(0, static_cast<int>(options.size()) - 1)].id});
  }
  const Score after = ScoreAnswers(instrument, answers).value();
  if (after.state != ScoreState::kValid) return;  // nothing applied
  const RiskState was = before.risk.findings.back().state;
  if (was != RiskState::kUnknown) RC_ASSERT(after.risk.findings.back().state == was);
}

RC_GTEST_PROP(ScoringPropertyTest, APatternThatIsDecidedHoldsHoweverTheFormIsCompleted, ()) {
  const Instrument& phq9 = Shipped("phq-9");
  Answers answers = AnyAnswers(phq9);
  const PatternResult before = ScoreAnswers(phq9, answers).value().patterns[0];
  for (const Item& item : phq9.items) {
    if (std::any_of(answers.answers.begin(), answers.answers.end(),
                    [&](const Answer& a) { return a.item == item.id; })) {
      continue;
    }
    answers.answers.push_back({.item = item.id, .value = Between(0, 3)});
  }
  const PatternResult after = ScoreAnswers(phq9, answers).value().patterns[0];
  RC_ASSERT(after.state != PatternState::kUndecided);
  if (before.state != PatternState::kUndecided) RC_ASSERT(before == after);
}

RC_GTEST_PROP(ScoringPropertyTest, TheTotalOfAWholeFormSaysWhatItsAnswersSay, ()) {
  const Instrument& instrument = AnyShipped();
  Answers answers;
  for (const Item& item : instrument.items) {
    answers.answers.push_back(
        {.item = item.id,
         .option = item.options[Between(0, static_cast<int>(item.options.size()) - 1)].id});
  }
  const Score by_answers = ScoreAnswers(instrument, answers).value();
  const Score by_total = ScoreAnswers(instrument, Total(by_answers.rounded)).value();
  RC_ASSERT(by_total.exact == by_answers.exact);
  RC_ASSERT(by_total.bands == by_answers.bands);
  RC_ASSERT(by_total.cut_offs == by_answers.cut_offs);
  Answers both = answers;
  both.total = by_answers.rounded;
  RC_ASSERT(ScoreAnswers(instrument, both).value().risk == by_answers.risk);
  both.total = by_answers.rounded + instrument.multiplier;
  RC_ASSERT(!ScoreAnswers(instrument, both).ok());
}

}  // namespace
}  // namespace ipt::outcomes
