#include "outcomes/domain/measurements.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "outcomes/domain/binding.h"
#include "outcomes/domain/due_list.h"
#include "outcomes/domain/measurement_alerts.h"
#include "outcomes/domain/names.h"
#include "outcomes/domain/reasons.h"
#include "outcomes/domain/review_alerts.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

Fraction Reduced(Fraction fraction) {
  const int64_t common = std::gcd(fraction.numerator, fraction.denominator);
  if (common > 1) {
    fraction.numerator /= common;
    fraction.denominator /= common;
  }
  return fraction;
}

// Prepares what the scorer takes of what was given, and knows which of it was which.
class ScorerInput {
 public:
  ScorerInput(const Instrument& definition, const MeasurementInput& input, FieldViolations& bad)
      : definition_(definition) {
    if (!input.answers.empty()) {
      FieldViolations in = bad.In("answers");
      ReadAnswers(input.answers, in);
    } else {
      FieldViolations in = bad.In("reported");
      ReadReported(input.reported, in);
    }
  }

  const Answers& answers() const { return answers_; }

  // What the scorer found wrong, under the names of the contract.
  void Translate(const absl::Status& status, FieldViolations& bad) const {
    for (const FieldViolation& violation : FieldViolationsOf(status)) {
      absl::string_view field = violation.field;
      if (absl::ConsumePrefix(&field, "answers[")) {
        At(field, answer_of_, "answers.answers", violation.description, bad);
      } else if (absl::ConsumePrefix(&field, "not_on_form[")) {
        At(field, not_asked_of_, "answers.answers", violation.description, bad);
      } else {
        bad.Add(absl::StrCat("reported.scores[", total_index_, "].points"), violation.description);
      }
    }
  }

 private:
  void ReadAnswers(const std::vector<GivenAnswer>& given, FieldViolations& in) {
    std::set<std::string> seen;
    bool any = false;
    for (size_t i = 0; i < given.size(); ++i) {
      const GivenAnswer& answer = given[i];
      FieldViolations at = in.At("answers", i);
      const Item* item = definition_.FindItem(answer.item);
      if (item == nullptr) {
        at.Add("item", absl::StrCat("must be the id of an item of ", definition_.id));
        any |= answer.none == NoAnswer::kAnswered;
        continue;
      }
      if (!seen.insert(answer.item).second) {
        at.Add("item", "must not be answered twice");
        continue;
      }
      switch (answer.none) {
        case NoAnswer::kAnswered:
          any = true;
          answers_.answers.push_back({answer.item, answer.option, answer.value, false});
          answer_of_.push_back(i);
          break;
        case NoAnswer::kNotApplicable:
          if (!item->may_be_not_applicable) {
            at.Add("none", "must not be NOT_APPLICABLE: this item applies to everybody");
            break;
          }
          answers_.answers.push_back({answer.item, "", std::nullopt, true});
          answer_of_.push_back(i);
          break;
        case NoAnswer::kNotAsked:
          answers_.not_on_form.push_back(answer.item);
          not_asked_of_.push_back(i);
          break;
        case NoAnswer::kLeftOut:
        case NoAnswer::kDeclined:
          break;
      }
    }
    if (!any) in.Add("answers", "must have an answer to one item at least");
  }

  void ReadReported(const std::vector<ReportedScore>& reported, FieldViolations& in) {
    std::set<std::string> seen;
    for (size_t i = 0; i < reported.size(); ++i) {
      const ReportedScore& score = reported[i];
      FieldViolations at = in.At("scores", i);
      if (!seen.insert(score.scale).second) {
        at.Add("scale", "must not be reported twice");
      } else if (score.scale == kTotal) {
        answers_.total = score.points;
        total_index_ = i;
      } else {
        ReadSubscale(score, at);
      }
    }
  }

  void ReadSubscale(const ReportedScore& score, FieldViolations& at) const {
    for (const Subscale& subscale : definition_.subscales) {
      if (subscale.id != score.scale) continue;
      Range range;
      for (const std::string& id : subscale.items) {
        const Item* item = definition_.FindItem(id);
        range.min += item->MinValue();
        range.max += item->MaxValue();
      }
      if (!(score.points >= range.min && score.points <= range.max) ||
          std::trunc(score.points) != score.points) {
        at.Add("points", absl::StrCat("must be a whole number, ", range.min, " to ", range.max));
      }
      return;
    }
    at.Add("scale", absl::StrCat("must be the id of a scale of ", definition_.id));
  }

  // `rest` is of "3].value".
  static void At(absl::string_view rest, const std::vector<size_t>& origins, absl::string_view list,
                 absl::string_view description, FieldViolations& bad) {
    const size_t close = rest.find(']');
    size_t index = 0;
    if (close == absl::string_view::npos || !absl::SimpleAtoi(rest.substr(0, close), &index) ||
        index >= origins.size()) {
      bad.Add(list, description);
      return;
    }
    bad.Add(absl::StrCat(list, "[", origins[index], "]", rest.substr(close + 1)), description);
  }

  const Instrument& definition_;
  Answers answers_;
  std::vector<size_t> answer_of_;     // place in answers_.answers -> place as given
  std::vector<size_t> not_asked_of_;  // the same of not_on_form
  size_t total_index_ = 0;
};

// What follows of an item that was not answered from the answer to another one.
void Imply(const Instrument& definition, const ItemScore& item, GivenAnswer& answer) {
  answer.implied = true;
  answer.points = item.scored;
  for (const Option& option : definition.FindItem(item.item)->options) {
    if (option.value == item.value) answer.option_id = option.id;
  }
}

// What scoring made of each answer, in the order given; those that only follow after them.
std::vector<GivenAnswer> HeldAnswers(const Instrument& definition,
                                     const std::vector<GivenAnswer>& given, const Score& score) {
  std::map<std::string, const ItemScore*> by_item;
  for (const ItemScore& item : score.items) by_item[item.item] = &item;
  std::vector<GivenAnswer> held;
  std::set<std::string> said;
  for (const GivenAnswer& answer : given) {
    GivenAnswer& kept = held.emplace_back();
    kept.item = answer.item;
    kept.option = answer.option;
    kept.value = answer.value;
    kept.none = answer.none;
    const ItemScore& item = *by_item.at(answer.item);
    if (item.state == ItemState::kSkipped) {
      Imply(definition, item, kept);
    } else if (answer.none == NoAnswer::kAnswered) {
      kept.option_id = item.option;
      kept.points = item.scored;
    }
    said.insert(answer.item);
  }
  for (const ItemScore& item : score.items) {
    if (item.state != ItemState::kSkipped || said.contains(item.item)) continue;
    held.emplace_back().item = item.item;
    Imply(definition, item, held.back());
  }
  return held;
}

// Answered and missing items of a scale; what does not apply is neither.
void CountItems(const std::vector<std::string>& items, const Score& score, HeldScore& held) {
  std::map<std::string, ItemState> states;
  for (const ItemScore& item : score.items) states[item.item] = item.state;
  for (const std::string& id : items) {
    switch (states[id]) {
      case ItemState::kAnswered:
      case ItemState::kSkipped:
        ++held.answered;
        break;
      case ItemState::kUnanswered:
      case ItemState::kNotOnForm:
        held.missing.push_back(id);
        break;
      case ItemState::kNotApplicable:
        break;
    }
  }
}

WhyInvalid WhyMissing(const HeldScore& held, int max_missing) {
  if (held.answered == 0) return WhyInvalid::kNothingAnswered;
  return max_missing == 0 ? WhyInvalid::kAllItemsRequired : WhyInvalid::kTooManyMissing;
}

// Whether it is at caseness, by the cut-off that the policy names, else the instrument's own.
std::optional<bool> AtCaseness(const Instrument& definition, const OutcomePolicy& policy,
                               const Score& score) {
  const ScaleRules* rules = policy.RulesOf(definition.id, kTotal);
  for (const CutOffResult& cut_off : score.cut_offs) {
    if (rules != nullptr && !rules->cut_off_rule_set.empty()) {
      if (cut_off.rule_set == rules->cut_off_rule_set && cut_off.use != CutOffUse::kRemission) {
        return cut_off.met;
      }
    } else if (cut_off.use == CutOffUse::kCaseness && cut_off.is_default) {
      return cut_off.met;
    }
  }
  return std::nullopt;
}

HeldScore HeldTotal(const Instrument& definition, const OutcomePolicy& policy, const Score& score,
                    bool reported) {
  HeldScore held{.scale = kTotal, .maximum = score.possible.max};
  if (reported) {
    held.reported = score.from_total;
  } else {
    std::vector<std::string> items;
    for (const Item& item : definition.items) {
      if (item.in_total) items.push_back(item.id);
    }
    CountItems(items, score, held);
  }
  if (score.state != ScoreState::kValid) {
    held.state = HeldScoreState::kInvalid;
    held.why_invalid =
        reported ? WhyInvalid::kNotReported : WhyMissing(held, definition.missing.max_missing);
    return held;
  }
  held.state = score.prorated ? HeldScoreState::kProrated : HeldScoreState::kComplete;
  held.exact = Reduced(score.exact);
  held.rounded = score.rounded;
  if (const BandResult* band = score.DefaultBand(); band != nullptr) {
    held.band = band->band;
    held.band_label = band->label;
  }
  held.at_caseness = AtCaseness(definition, policy, score);
  return held;
}

HeldScore HeldSubscale(const Instrument& definition, const Subscale& subscale,
                       const SubscaleScore& scored, const Score& score,
                       const MeasurementInput& input) {
  HeldScore held{.scale = subscale.id};
  std::map<std::string, ItemState> states;
  for (const ItemScore& item : score.items) states[item.item] = item.state;
  for (const std::string& id : subscale.items) {
    if (states[id] != ItemState::kNotApplicable)
      held.maximum += definition.FindItem(id)->MaxValue();
  }
  if (input.answers.empty()) {
    held.why_invalid = WhyInvalid::kNotReported;
    for (const ReportedScore& reported : input.reported) {
      if (reported.scale != subscale.id) continue;
      held.state = HeldScoreState::kComplete;
      held.why_invalid = WhyInvalid::kNone;
      held.exact = {static_cast<int64_t>(reported.points), 1};
      held.rounded = held.exact.Rounded();
      held.reported = true;
    }
    return held;
  }
  CountItems(subscale.items, score, held);
  if (scored.state != ScoreState::kValid) {
    held.why_invalid = WhyMissing(held, subscale.max_missing);
    return held;
  }
  held.state = scored.prorated ? HeldScoreState::kProrated : HeldScoreState::kComplete;
  held.exact = Reduced(scored.exact);
  held.rounded = scored.rounded;
  return held;
}

std::vector<HeldRisk> HeldRisks(const HeldInstrument& instrument, const Score& score) {
  std::vector<HeldRisk> risks;
  for (size_t i = 0; i < score.risk.findings.size(); ++i) {
    const RiskFinding& finding = score.risk.findings[i];
    HeldRisk risk{.rule = instrument.risk_rules[i], .item = finding.item};
    risk.outcome = finding.state == RiskState::kRaised  ? RiskOutcome::kFired
                   : finding.state == RiskState::kClear ? RiskOutcome::kBelow
                                                        : RiskOutcome::kUnknown;
    if (risk.outcome != RiskOutcome::kUnknown) {
      if (finding.item.empty()) {
        if (score.state == ScoreState::kValid) risk.points = score.rounded;
      } else {
        for (const ItemScore& item : score.items) {
          if (item.item == finding.item && item.scored.has_value()) risk.points = *item.scored;
        }
      }
    }
    risks.push_back(std::move(risk));
  }
  return risks;
}

// When it was completed, as it is kept: whole seconds, never ahead.
absl::StatusOr<absl::Time> CompletedAt(const std::optional<absl::Time>& stated, absl::Time now,
                                       absl::string_view subject) {
  const absl::Time at_most = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  if (!stated.has_value()) return at_most;
  if (*stated > now + kCompletedAhead) {
    return FailedPrecondition(
        reason::kCompletedInFuture, subject,
        "complete_time is in the future: correct it, or the clock that it came from");
  }
  return std::min(*stated, at_most);
}

// What of a measurement its input says. Score it before.
void Apply(const MeasurementInput& input, Scored scored, absl::Time completed,
           Measurement& measurement) {
  measurement.answers = std::move(scored.answers);
  measurement.reported = input.reported;
  measurement.scores = std::move(scored.scores);
  measurement.risks = std::move(scored.risks);
  measurement.respondent = input.respondent;
  measurement.mode = input.mode;
  measurement.language = input.language;
  measurement.complete_time = completed;
  measurement.session_id = input.session_id;
}

bool SameForm(const Measurement& a, const Measurement& b) {
  if (a.reported != b.reported || a.instrument_version != b.instrument_version) return false;
  // By what was ticked, however it was said and in whatever order; what was left out is not told
  // apart by whether it was listed.
  const auto told = [](const Measurement& m) {
    std::map<std::string, std::tuple<std::string, int, bool>> answers;
    for (const GivenAnswer& answer : m.answers) {
      if (answer.implied) continue;
      if (answer.none == NoAnswer::kAnswered) {
        answers[answer.item] = {answer.option_id, answer.points.value_or(0), false};
      } else if (answer.none == NoAnswer::kNotApplicable) {
        answers[answer.item] = {"", 0, true};
      }
    }
    return answers;
  };
  return told(a) == told(b);
}

std::string NameOf(const Measurement& measurement) {
  return MeasurementName(measurement.clinic_id, measurement.course_id, measurement.measurement_id);
}

absl::Status Exists(const Measurement& existing, absl::string_view message) {
  return AlreadyExists(reason::kMeasurementExists, kMeasurementType, NameOf(existing), message,
                       {{"measurement", NameOf(existing)}});
}

// Whether one says what the other does. `stated` is not bound to its course yet.
bool SameContent(const Measurement& held, const Measurement& stated) {
  return held.course_id == stated.course_id && held.instrument_id == stated.instrument_id &&
         held.respondent == stated.respondent && held.mode == stated.mode &&
         held.language == stated.language && held.complete_time == stated.complete_time &&
         (stated.session_id.empty() || held.session_id == stated.session_id) &&
         SameForm(held, stated);
}

// Whether it was brought in before, however it was corrected since.
absl::StatusOr<bool> WasBroughtIn(OutcomesTx& tx, const Measurement& held,
                                  const Measurement& stated) {
  if (SameContent(held, stated)) return true;
  if (held.revision_number == 1) return false;
  IPT_ASSIGN_OR_RETURN(
      const auto past,
      tx.ListPastRevisions(held.clinic_id, held.course_id, held.measurement_id, 0, kMostRevisions));
  return std::any_of(past.begin(), past.end(),
                     [&](const Measurement& revision) { return SameContent(revision, stated); });
}

absl::Status RefuseDuplicate(OutcomesTx& tx, const OutcomePolicy& policy,
                             const Measurement& measurement) {
  const absl::Duration window = policy.DuplicateWindow();
  IPT_ASSIGN_OR_RETURN(
      const auto near,
      tx.ListNear({measurement.clinic_id, measurement.course_id, measurement.instrument_id,
                   measurement.respondent},
                  measurement.complete_time - window, measurement.complete_time + window));
  for (const Measurement& other : near) {
    if (SameForm(other, measurement)) {
      return Exists(other,
                    "the same answers were recorded already, and have raised what they had "
                    "to; there is nothing to do");
    }
  }
  return absl::OkStatus();
}

// The instrument, and what `input` comes to by it. All that is wrong with it, at once.
absl::StatusOr<Scored> Evaluate(const HeldInstrument& instrument, const OutcomePolicy& policy,
                                const MeasurementInput& input) {
  FieldViolations bad;
  FieldViolations in = bad.In("measurement");
  if (input.answers.empty() == input.reported.empty()) {
    in.Add("answers", "is required: answers, or reported scores");
  }
  if (std::find(instrument.respondents.begin(), instrument.respondents.end(), input.respondent) ==
      instrument.respondents.end()) {
    in.Add("respondent", "must be one of the instrument's respondents");
  }
  if (!input.language.empty() && !IsLanguageTag(input.language)) {
    in.Add("language", "must be a BCP 47 tag such as en or pt-BR");
  }
  IPT_ASSIGN_OR_RETURN(Scored scored, ScoreMeasurement(instrument, policy, input, in));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return scored;
}

}  // namespace

absl::StatusOr<Scored> ScoreMeasurement(const HeldInstrument& instrument,
                                        const OutcomePolicy& policy, const MeasurementInput& input,
                                        FieldViolations& bad) {
  const Instrument& definition = instrument.definition;
  const ScorerInput prepared(definition, input, bad);
  const absl::StatusOr<Score> score = ScoreAnswers(definition, prepared.answers());
  Scored scored;
  if (!score.ok()) {
    if (!absl::IsInvalidArgument(score.status())) return score.status();
    prepared.Translate(score.status(), bad);
    return scored;
  }
  if (!bad.empty()) return scored;
  if (!input.answers.empty()) {
    scored.answers = HeldAnswers(definition, input.answers, *score);
  }
  scored.scores.push_back(HeldTotal(definition, policy, *score, input.answers.empty()));
  for (size_t i = 0; i < definition.subscales.size(); ++i) {
    scored.scores.push_back(
        HeldSubscale(definition, definition.subscales[i], score->subscales[i], *score, input));
  }
  scored.risks = HeldRisks(instrument, *score);
  return scored;
}

absl::StatusOr<Recorded> RecordOne(OutcomesTx& tx, const CallContext& ctx, IdSource& ids,
                                   const Catalog& catalog, const OutcomePolicy& policy,
                                   const HeldInstrument& instrument,
                                   const courses::CourseAnswer& course, RecordCommand command) {
  const MeasurementInput& input = command.input;
  IPT_ASSIGN_OR_RETURN(Scored scored, Evaluate(instrument, policy, input));
  IPT_ASSIGN_OR_RETURN(
      const absl::Time completed,
      CompletedAt(input.complete_time, ctx.now, CourseName(ctx.clinic_id, command.course_id)));
  if (instrument.retired && instrument.retire_time < completed) {
    return FailedPrecondition(reason::kInstrumentRetired,
                              InstrumentName(ctx.clinic_id, input.instrument_id),
                              "the instrument was retired before the form was completed: record "
                              "with the current version, or reinstate it");
  }
  Recorded recorded;
  Measurement& measurement = recorded.measurement;
  measurement.clinic_id = ctx.clinic_id;
  measurement.course_id = command.course_id;
  measurement.measurement_id =
      command.measurement_id.empty() ? ids.NewUuid() : command.measurement_id;
  measurement.instrument_id = input.instrument_id;
  measurement.instrument_version = instrument.definition.version;
  measurement.state = MeasurementState::kRecorded;
  measurement.external_id = input.external_id;
  measurement.receive_time = ctx.now;
  measurement.caller = ctx.caller->subject;
  measurement.import_id = command.import_id;
  Apply(input, std::move(scored), completed, measurement);
  const bool imported = !command.import_id.empty();
  if (command.same_external_id.has_value()) {
    const Measurement& held = *command.same_external_id;
    if (imported) {
      IPT_ASSIGN_OR_RETURN(recorded.known, WasBroughtIn(tx, held, measurement));
    }
    if (!recorded.known) {
      return Exists(held,
                    "a measurement with this external_id is there already; where its "
                    "answers are others, correct that one");
    }
    measurement = held;
    return recorded;
  }
  if (!command.measurement_id.empty()) {
    const absl::Status taken =
        tx.GetMeasurement(ctx.clinic_id, command.course_id, command.measurement_id, {}).status();
    if (taken.ok()) {
      return AlreadyExists(::ipt::reason::kResourceExists, kMeasurementType, NameOf(measurement),
                           "the id is taken: choose another one");
    }
    if (!absl::IsNotFound(taken)) return taken;
  }
  IPT_RETURN_IF_ERROR(BindToCourse(course, measurement));
  if (!command.history) {
    IPT_RETURN_IF_ERROR(NameRule(tx, catalog, policy, course, ctx.now, measurement));
  }
  IPT_RETURN_IF_ERROR(RefuseDuplicate(tx, policy, measurement));
  measurement.changes.push_back(
      {.time = ctx.now,
       .kind = imported ? MeasurementChangeKind::kImported : MeasurementChangeKind::kRecorded,
       .caller = measurement.caller,
       .revision_number = 1});
  if (!command.history) {
    IPT_RETURN_IF_ERROR(RaiseFor(tx, ctx, ids, TherapistOf(course), measurement));
  }
  IPT_RETURN_IF_ERROR(tx.InsertMeasurement(measurement, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(MeasurementRecorded{measurement}, ctx.now));
  return recorded;
}

absl::StatusOr<Measurement> RecordMeasurement(OutcomesTx& tx, const CallContext& ctx, IdSource& ids,
                                              const Catalog& catalog,
                                              const courses::CourseAnswer& course,
                                              absl::string_view course_id,
                                              absl::string_view measurement_id,
                                              MeasurementInput input) {
  IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, tx.GetPolicy(ctx.clinic_id));
  IPT_ASSIGN_OR_RETURN(
      const HeldInstrument instrument,
      FindInstrument(tx, catalog, ctx.clinic_id, input.instrument_id, input.instrument_version));
  RecordCommand command{.course_id = std::string(course_id),
                        .measurement_id = std::string(measurement_id),
                        .input = std::move(input)};
  if (!command.input.external_id.empty()) {
    IPT_ASSIGN_OR_RETURN(command.same_external_id,
                         tx.FindByExternalId(ctx.clinic_id, command.input.external_id));
  }
  IPT_ASSIGN_OR_RETURN(const Recorded recorded, RecordOne(tx, ctx, ids, catalog, policy, instrument,
                                                          course, std::move(command)));
  IPT_RETURN_IF_ERROR(
      RaiseReviews(tx, ids, catalog, policy, course, recorded.measurement, ctx.now).status());
  return tx.GetMeasurement(ctx.clinic_id, course_id, recorded.measurement.measurement_id,
                           policy.DuplicateWindow());
}

absl::StatusOr<Measurement> CorrectMeasurement(OutcomesTx& tx, const CallContext& ctx,
                                               IdSource& ids, const Catalog& catalog,
                                               const courses::CourseAnswer& course,
                                               const Measurement& before,
                                               CorrectionCommand command) {
  if (before.state == MeasurementState::kEnteredInError) {
    return FailedPrecondition(reason::kMeasurementState, NameOf(before),
                              "the measurement was taken back: record it anew");
  }
  if (before.revision_number >= kMostRevisions) {
    return FailedPrecondition(reason::kMeasurementHistoryFull, NameOf(before),
                              "the measurement was corrected too often: take it back, and record "
                              "it anew");
  }
  const MeasurementInput& input = command.input;
  IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, tx.GetPolicy(ctx.clinic_id));
  IPT_ASSIGN_OR_RETURN(
      const HeldInstrument instrument,
      FindInstrument(tx, catalog, ctx.clinic_id, before.instrument_id, before.instrument_version));
  IPT_ASSIGN_OR_RETURN(Scored scored, Evaluate(instrument, policy, input));
  IPT_ASSIGN_OR_RETURN(const absl::Time completed,
                       CompletedAt(input.complete_time, ctx.now, NameOf(before)));
  Measurement after = before;
  after.state = MeasurementState::kCorrected;
  after.revision_number = before.revision_number + 1;
  after.correction_reason = command.reason;
  after.caller = ctx.caller->subject;
  Apply(input, std::move(scored), completed, after);
  IPT_RETURN_IF_ERROR(BindToCourse(course, after));
  IPT_RETURN_IF_ERROR(NameRule(tx, catalog, policy, course, ctx.now, after));
  after.changes.push_back({.time = ctx.now,
                           .kind = MeasurementChangeKind::kCorrected,
                           .caller = after.caller,
                           .reason = command.reason,
                           .revision_number = after.revision_number});
  IPT_RETURN_IF_ERROR(RaiseFor(tx, ctx, ids, TherapistOf(course), after));
  IPT_RETURN_IF_ERROR(tx.KeepRevision(before));
  IPT_RETURN_IF_ERROR(tx.UpdateMeasurement(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(MeasurementChanged{after}, ctx.now));
  IPT_RETURN_IF_ERROR(RaiseReviews(tx, ids, catalog, policy, course, after, ctx.now).status());
  return tx.GetMeasurement(ctx.clinic_id, after.course_id, after.measurement_id,
                           policy.DuplicateWindow());
}

absl::StatusOr<TakenBack> TakeBackMeasurement(OutcomesTx& tx, const CallContext& ctx,
                                              const TakeBackCommand& command) {
  IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, command.course_id));
  IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, tx.GetPolicy(ctx.clinic_id));
  TakenBack result;
  Measurement& measurement = result.measurement;
  IPT_ASSIGN_OR_RETURN(measurement,
                       tx.GetMeasurement(ctx.clinic_id, command.course_id, command.measurement_id,
                                         policy.DuplicateWindow()));
  if (command.if_revision != 0 && command.if_revision != measurement.stamp.revision) {
    return EtagMismatch(kMeasurementType, NameOf(measurement));
  }
  if (measurement.state == MeasurementState::kEnteredInError) {
    return FailedPrecondition(reason::kMeasurementState, NameOf(measurement),
                              "the measurement was taken back already; there is nothing to do");
  }
  measurement.state = MeasurementState::kEnteredInError;
  measurement.superseded = false;
  measurement.entered_in_error = EnteredInError{.time = ctx.now,
                                                .caller = ctx.caller->subject,
                                                .reason = command.reason,
                                                .note = command.note};
  measurement.changes.push_back({.time = ctx.now,
                                 .kind = MeasurementChangeKind::kEnteredInError,
                                 .caller = ctx.caller->subject,
                                 .reason = command.note,
                                 .revision_number = measurement.revision_number});
  IPT_ASSIGN_OR_RETURN(result.open_alert_ids, NoteTakenBack(tx, ctx, measurement));
  IPT_RETURN_IF_ERROR(tx.UpdateMeasurement(measurement, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(MeasurementEnteredInError{measurement}, ctx.now));
  return result;
}

absl::StatusOr<Measurement> ReadRevision(OutcomesReader& reader, absl::string_view clinic_id,
                                         absl::string_view course_id,
                                         absl::string_view measurement_id, int revision_number) {
  IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, reader.GetPolicy(clinic_id));
  IPT_ASSIGN_OR_RETURN(
      Measurement present,
      reader.GetMeasurement(clinic_id, course_id, measurement_id, policy.DuplicateWindow()));
  if (revision_number == 0 || revision_number == present.revision_number) return present;
  IPT_ASSIGN_OR_RETURN(auto found, reader.ListPastRevisions(clinic_id, course_id, measurement_id,
                                                            revision_number - 1, 1));
  if (found.empty() || found[0].revision_number != revision_number) {
    return NotFound(kMeasurementType, NameOf(present));
  }
  return std::move(found[0]);
}

}  // namespace ipt::outcomes
