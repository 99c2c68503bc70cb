#include "outcomes/rpc/measurement_proto.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "outcomes/domain/names.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stamp.h"
#include "platform/rpc/stated.h"

namespace ipt::outcomes {
namespace {

// As few digits as say it, at most six behind the point, then rounded half up.
std::string Decimal(const Fraction& fraction) {
  constexpr int64_t kMillionth = 1'000'000;
  const bool negative = fraction.numerator < 0;
  const int64_t numerator = negative ? -fraction.numerator : fraction.numerator;
  int64_t whole = numerator / fraction.denominator;
  // Twice the remainder in millionths, to be rounded by its last bit.
  const int64_t rest = numerator % fraction.denominator;
  int64_t millionths = (2 * rest * kMillionth / fraction.denominator + 1) / 2;
  if (millionths == kMillionth) {
    ++whole;
    millionths = 0;
  }
  std::string text = absl::StrCat(negative ? "-" : "", whole);
  if (millionths == 0) return text;
  std::string digits = absl::StrFormat("%06d", millionths);
  while (digits.back() == '0') digits.pop_back();
  return absl::StrCat(text, ".", digits);
}

void WriteAnswer(const GivenAnswer& answer, pb::Answer* out) {
  out->set_item(answer.item);
  if (answer.none != NoAnswer::kAnswered) {
    out->set_none(static_cast<pb::NoAnswer>(answer.none));
  } else if (!answer.option.empty()) {
    out->set_option(answer.option);
  } else if (answer.value.has_value()) {
    out->set_value(*answer.value);
  }
  out->set_option_id(answer.option_id);
  if (answer.points.has_value()) out->set_points(*answer.points);
  out->set_implied(answer.implied);
}

}  // namespace

void WriteScore(const HeldScore& score, pb::Score* out) {
  out->set_scale(score.scale);
  out->set_state(static_cast<pb::ScoreState>(score.state));
  out->set_invalid_reason(static_cast<pb::InvalidReason>(score.why_invalid));
  if (score.state != HeldScoreState::kInvalid) {
    out->mutable_exact()->set_numerator(score.exact.numerator);
    out->mutable_exact()->set_denominator(score.exact.denominator);
    out->mutable_exact()->set_decimal(Decimal(score.exact));
    out->set_rounded(score.rounded);
  }
  out->set_band(score.band);
  out->set_band_display_name(score.band_label);
  out->set_answered_items(score.answered);
  out->set_missing_item_count(static_cast<int>(score.missing.size()));
  for (const std::string& item : score.missing) out->add_missing_items(item);
  out->set_maximum(score.maximum);
  out->set_reported(score.reported);
  if (score.at_caseness.has_value()) out->set_at_caseness(*score.at_caseness);
}

void WriteMeasurement(const Measurement& m, pb::Measurement* out) {
  out->Clear();
  out->set_name(MeasurementName(m.clinic_id, m.course_id, m.measurement_id));
  out->set_instrument(InstrumentName(m.clinic_id, m.instrument_id));
  out->set_instrument_version(m.instrument_version);
  out->set_state(static_cast<pb::MeasurementState>(m.state));
  for (const GivenAnswer& answer : m.answers) {
    WriteAnswer(answer, out->mutable_answers()->add_answers());
  }
  for (const ReportedScore& score : m.reported) {
    pb::ReportedScore* written = out->mutable_reported()->add_scores();
    written->set_scale(score.scale);
    written->set_points(score.points);
  }
  out->set_respondent(static_cast<pb::Respondent>(m.respondent));
  out->set_mode(static_cast<pb::AnswerMode>(m.mode));
  out->set_language(m.language);
  rpc::WriteTime(m.complete_time, out->mutable_complete_time());
  rpc::WriteTime(m.receive_time, out->mutable_receive_time());
  if (!m.session_id.empty()) {
    out->set_session(SessionName(m.clinic_id, m.course_id, m.session_id));
  }
  out->set_session_number(m.session_number);
  out->set_week_number(m.week_number);
  out->set_phase(static_cast<scheduling::v1::Phase>(m.phase));
  out->set_occasion(static_cast<pb::Occasion>(m.occasion));
  out->set_plan_rule(m.plan_rule);
  out->set_external_id(m.external_id);
  for (const HeldScore& score : m.scores) WriteScore(score, out->add_scores());
  for (const HeldRisk& risk : m.risks) {
    pb::RiskFinding* written = out->add_risks();
    written->set_rule(risk.rule);
    written->set_item(risk.item);
    written->set_state(static_cast<pb::RiskState>(risk.outcome));
    if (risk.points.has_value()) written->set_points(*risk.points);
    if (!risk.alert_id.empty()) {
      written->set_alert(
          absl::StrCat(CourseName(m.clinic_id, m.course_id), "/alerts/", risk.alert_id));
    }
  }
  for (const UnverifiedFact fact : m.unverified) {
    out->add_unverified(static_cast<pb::UnverifiedFact>(fact));
  }
  out->set_binding_problem(static_cast<pb::BindingProblem>(m.binding_problem));
  out->set_superseded(m.superseded);
  out->set_revision_number(m.revision_number);
  out->set_correction_reason(m.correction_reason);
  if (m.entered_in_error.has_value()) {
    pb::EnteredInError* error = out->mutable_entered_in_error();
    rpc::WriteTime(m.entered_in_error->time, error->mutable_time());
    error->set_caller(m.entered_in_error->caller);
    error->set_reason(static_cast<pb::EnteredInErrorReason>(m.entered_in_error->reason));
    error->set_note(m.entered_in_error->note);
  }
  out->set_caller(m.caller);
  for (const MeasurementChange& change : m.changes) {
    pb::MeasurementChange* written = out->add_changes();
    rpc::WriteTime(change.time, written->mutable_time());
    written->set_kind(static_cast<pb::MeasurementChangeKind>(change.kind));
    written->set_caller(change.caller);
    written->set_reason(change.reason);
    written->set_revision_number(change.revision_number);
  }
  if (!m.import_id.empty()) {
    out->set_measurement_import(MeasurementImportName(m.clinic_id, m.import_id));
  }
  rpc::WriteStamp(m.stamp, out);
}

MeasurementInput ReadMeasurement(const pb::Measurement& in, absl::string_view course_id,
                                 FieldViolations& bad) {
  MeasurementInput input;
  const auto instrument = rpc::IdsOf(in.instrument());
  if (instrument.size() == 2) {
    input.instrument_id = instrument[1];
  } else {
    bad.Add("instrument", "is required");
  }
  input.instrument_version = in.instrument_version();
  if (in.instrument_version() < 0) bad.Add("instrument_version", "must not be negative");
  if (in.given_case() == pb::Measurement::GIVEN_NOT_SET) {
    bad.Add("answers", "is required: answers, or reported scores");
  }
  FieldViolations in_answers = bad.In("answers");
  for (int i = 0; i < in.answers().answers_size(); ++i) {
    const pb::Answer& answer = in.answers().answers(i);
    FieldViolations at = in_answers.At("answers", i);
    GivenAnswer given{.item = answer.item()};
    switch (answer.answer_case()) {
      case pb::Answer::kOption:
        given.option = answer.option();
        if (given.option.empty()) at.Add("option", "must be the id of an option");
        break;
      case pb::Answer::kValue:
        given.value = answer.value();
        break;
      case pb::Answer::kNone:
        given.none = answer.none() == pb::NO_ANSWER_UNSPECIFIED
                         ? NoAnswer::kLeftOut
                         : static_cast<NoAnswer>(answer.none());
        break;
      case pb::Answer::ANSWER_NOT_SET:
        if (answer.implied()) continue;  // it comes back as it was read, and follows anew
        at.Add("", "must have an option, a value, or why there is none");
        continue;
    }
    input.answers.push_back(std::move(given));
  }
  if (in.has_answers() && in.answers().answers().empty()) {
    in_answers.Add("answers", "must have an answer to one item at least");
  }
  for (const pb::ReportedScore& score : in.reported().scores()) {
    input.reported.push_back({score.scale(), score.points()});
  }
  if (in.has_reported() && in.reported().scores().empty()) {
    bad.In("reported").Add("scores", "must have one score at least");
  }
  if (in.respondent() == pb::RESPONDENT_UNSPECIFIED) bad.Add("respondent", "is required");
  input.respondent = static_cast<AnsweredBy>(in.respondent());
  input.mode = static_cast<AnswerMode>(in.mode());
  input.language = in.language();
  if (in.has_complete_time()) {
    input.complete_time = rpc::ReadTime(in.complete_time(), bad, "complete_time");
    if (input.complete_time.has_value() && in.complete_time().nanos() != 0) {
      bad.Add("complete_time", "must be whole seconds");
    }
  }
  if (!in.session().empty()) {
    const auto session = rpc::IdsOf(in.session());
    if (session.size() != 3 || session[1] != course_id) {
      bad.Add("session", "must be a session of the measurement's course");
    } else {
      input.session_id = session[2];
    }
  }
  input.external_id = in.external_id();
  return input;
}

MeasurementFilter ReadMeasurementFilter(const pb::MeasurementFilter& in, FieldViolations& bad) {
  MeasurementFilter filter;
  for (const std::string& name : in.instruments()) {
    filter.instrument_ids.push_back(rpc::IdsOf(name)[1]);
  }
  filter.states = rpc::ReadStated<MeasurementState>(in.states(), bad, "states");
  filter.respondents = rpc::ReadStated<AnsweredBy>(in.respondents(), bad, "respondents");
  filter.occasions = rpc::ReadStated<CoursePart>(in.occasions(), bad, "occasions");
  if (in.has_start_time()) filter.from = rpc::ReadTime(in.start_time(), bad, "start_time");
  if (in.has_end_time()) filter.before = rpc::ReadTime(in.end_time(), bad, "end_time");
  if (filter.from.has_value() && filter.before.has_value() && *filter.before <= *filter.from) {
    bad.Add("end_time", "must be after start_time");
  }
  filter.unsettled_only = in.unsettled_only();
  filter.risk_only = in.risk_only();
  filter.invalid_only = in.invalid_only();
  return filter;
}

}  // namespace ipt::outcomes
