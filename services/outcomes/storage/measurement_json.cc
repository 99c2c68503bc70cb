#include "outcomes/storage/measurement_json.h"

#include <optional>
#include <type_traits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "platform/json/stored_json.h"

namespace ipt::outcomes {
namespace {

using Json = nlohmann::json;

// Single members: what has its default is left out.
template <typename T>
void Put(Json& json, const char* name, const T& value) {
  if (value == T()) return;
  if constexpr (std::is_enum_v<T>) {
    json[name] = static_cast<int>(value);
  } else {
    json[name] = value;
  }
}
void Put(Json& json, const char* name, absl::Time value) { json[name] = absl::ToUnixMicros(value); }
template <typename T>
void Put(Json& json, const char* name, const std::optional<T>& value) {
  if (value.has_value()) json[name] = *value;
}

template <typename T>
void Get(const Json& json, const char* name, T& value) {
  const auto found = json.find(name);
  if (found == json.end()) return;
  if constexpr (std::is_enum_v<T>) {
    value = static_cast<T>(found->template get<int>());
  } else {
    found->get_to(value);
  }
}
void Get(const Json& json, const char* name, absl::Time& value) {
  int64_t micros = 0;
  Get(json, name, micros);
  value = absl::FromUnixMicros(micros);
}
template <typename T>
void Get(const Json& json, const char* name, std::optional<T>& value) {
  const auto found = json.find(name);
  if (found != json.end()) value = found->template get<T>();
}

// Lists: `write(Json&, const T&)` and `read(const Json&, T&)` an element each.
template <typename T, typename Write>
void PutList(Json& json, const char* name, const std::vector<T>& values, Write write) {
  if (values.empty()) return;
  Json& list = json[name] = Json::array();
  for (const T& value : values) {
    list.push_back(Json::object());
    write(list.back(), value);
  }
}
template <typename T, typename Read>
void GetList(const Json& json, const char* name, std::vector<T>& values, Read read) {
  const auto found = json.find(name);
  if (found == json.end()) return;
  for (const Json& element : *found) read(element, values.emplace_back());
}

template <typename Enum>
Json Numbers(const std::vector<Enum>& values) {
  Json list = Json::array();
  for (const Enum value : values) list.push_back(static_cast<int>(value));
  return list;
}
template <typename Enum>
void ReadNumbers(const Json& list, std::vector<Enum>& values) {
  for (const Json& value : list) values.push_back(static_cast<Enum>(value.get<int>()));
}

// ---------------------------------------------------------------------------------- measurements

void WriteAnswer(Json& json, const GivenAnswer& answer) {
  Put(json, "item", answer.item);
  Put(json, "option", answer.option);
  Put(json, "value", answer.value);
  Put(json, "none", answer.none);
  Put(json, "option_id", answer.option_id);
  Put(json, "points", answer.points);
  Put(json, "implied", answer.implied);
}
void ReadAnswer(const Json& json, GivenAnswer& answer) {
  Get(json, "item", answer.item);
  Get(json, "option", answer.option);
  Get(json, "value", answer.value);
  Get(json, "none", answer.none);
  Get(json, "option_id", answer.option_id);
  Get(json, "points", answer.points);
  Get(json, "implied", answer.implied);
}

// Where the text of a measurement goes on after its answers, which come first since members are
// written in the order of their names; 0: it has none, or is not what is written here.
size_t EndOfAnswers(absl::string_view text) {
  static constexpr absl::string_view kBegin = "{\"answers\":[";
  if (!absl::StartsWith(text, kBegin)) return 0;
  int open = 1;
  bool quoted = false;
  for (size_t at = kBegin.size(); at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[') {
      ++open;
    } else if (c == ']' && --open == 0) {
      return at + 2 < text.size() && text[at + 1] == ',' ? at + 2 : 0;
    }
  }
  return 0;
}

void WriteReported(Json& json, const ReportedScore& score) {
  Put(json, "scale", score.scale);
  Put(json, "points", score.points);
}
void ReadReported(const Json& json, ReportedScore& score) {
  Get(json, "scale", score.scale);
  Get(json, "points", score.points);
}

void WriteScore(Json& json, const HeldScore& score) {
  Put(json, "scale", score.scale);
  Put(json, "state", score.state);
  Put(json, "why", score.why_invalid);
  Put(json, "numerator", score.exact.numerator);
  json["denominator"] = score.exact.denominator;
  Put(json, "rounded", score.rounded);
  Put(json, "band", score.band);
  Put(json, "band_label", score.band_label);
  Put(json, "answered", score.answered);
  Put(json, "missing", score.missing);
  Put(json, "maximum", score.maximum);
  Put(json, "reported", score.reported);
  Put(json, "at_caseness", score.at_caseness);
}
void ReadScore(const Json& json, HeldScore& score) {
  Get(json, "scale", score.scale);
  Get(json, "state", score.state);
  Get(json, "why", score.why_invalid);
  Get(json, "numerator", score.exact.numerator);
  Get(json, "denominator", score.exact.denominator);
  Get(json, "rounded", score.rounded);
  Get(json, "band", score.band);
  Get(json, "band_label", score.band_label);
  Get(json, "answered", score.answered);
  Get(json, "missing", score.missing);
  Get(json, "maximum", score.maximum);
  Get(json, "reported", score.reported);
  Get(json, "at_caseness", score.at_caseness);
}

void WriteRisk(Json& json, const HeldRisk& risk) {
  Put(json, "rule", risk.rule);
  Put(json, "item", risk.item);
  Put(json, "outcome", risk.outcome);
  Put(json, "points", risk.points);
  Put(json, "alert", risk.alert_id);
}
void ReadRisk(const Json& json, HeldRisk& risk) {
  Get(json, "rule", risk.rule);
  Get(json, "item", risk.item);
  Get(json, "outcome", risk.outcome);
  Get(json, "points", risk.points);
  Get(json, "alert", risk.alert_id);
}

void WriteChange(Json& json, const MeasurementChange& change) {
  Put(json, "time", change.time);
  Put(json, "kind", change.kind);
  Put(json, "caller", change.caller);
  Put(json, "reason", change.reason);
  Put(json, "number", change.revision_number);
}
void ReadChange(const Json& json, MeasurementChange& change) {
  Get(json, "time", change.time);
  Get(json, "kind", change.kind);
  Get(json, "caller", change.caller);
  Get(json, "reason", change.reason);
  Get(json, "number", change.revision_number);
}

// ---------------------------------------------------------------------------------------- policy

void WriteScaleRules(Json& json, const ScaleRules& rules) {
  Put(json, "instrument", rules.instrument_id);
  Put(json, "scale", rules.scale);
  Put(json, "cut_off", rules.cut_off_rule_set);
  Put(json, "change", rules.reliable_change_rule_set);
}
void ReadScaleRules(const Json& json, ScaleRules& rules) {
  Get(json, "instrument", rules.instrument_id);
  Get(json, "scale", rules.scale);
  Get(json, "cut_off", rules.cut_off_rule_set);
  Get(json, "change", rules.reliable_change_rule_set);
}

// ----------------------------------------------------------------------------------------- plans

void WriteSince(Json& json, const SinceWhen& since) {
  Put(json, "of", since.of);
  Put(json, "since", since.since);
}
void ReadSince(const Json& json, SinceWhen& since) {
  Get(json, "of", since.of);
  Get(json, "since", since.since);
}

void WriteRule(Json& json, const MeasurementRule& rule) {
  Put(json, "id", rule.id);
  Put(json, "instrument", rule.instrument_id);
  Put(json, "timing", rule.timing);
  Put(json, "weeks", rule.weeks);
  Put(json, "months", rule.months);
  Put(json, "respondent", rule.respondent);
  Put(json, "open_days", rule.open_days_before);
  Put(json, "grace_days", rule.grace_days);
  Put(json, "catch_up", rule.catch_up);
  Put(json, "voluntary", rule.voluntary);
  Put(json, "since", rule.since);
  PutList(json, "months_since", rule.months_since, WriteSince);
}
void ReadRule(const Json& json, MeasurementRule& rule) {
  Get(json, "id", rule.id);
  Get(json, "instrument", rule.instrument_id);
  Get(json, "timing", rule.timing);
  Get(json, "weeks", rule.weeks);
  Get(json, "months", rule.months);
  Get(json, "respondent", rule.respondent);
  Get(json, "open_days", rule.open_days_before);
  Get(json, "grace_days", rule.grace_days);
  Get(json, "catch_up", rule.catch_up);
  Get(json, "voluntary", rule.voluntary);
  Get(json, "since", rule.since);
  GetList(json, "months_since", rule.months_since, ReadSince);
}

}  // namespace

std::string EncodeMeasurement(const Measurement& m) {
  Json json = Json::object();
  Put(json, "instrument", m.instrument_id);
  Put(json, "version", m.instrument_version);
  Put(json, "state", m.state);
  PutList(json, "answers", m.answers, WriteAnswer);
  PutList(json, "given_scores", m.reported, WriteReported);
  Put(json, "respondent", m.respondent);
  Put(json, "mode", m.mode);
  Put(json, "language", m.language);
  Put(json, "completed", m.complete_time);
  Put(json, "received", m.receive_time);
  Put(json, "session", m.session_id);
  Put(json, "session_number", m.session_number);
  Put(json, "week", m.week_number);
  Put(json, "phase", m.phase);
  Put(json, "occasion", m.occasion);
  Put(json, "plan_rule", m.plan_rule);
  Put(json, "external_id", m.external_id);
  PutList(json, "scores", m.scores, WriteScore);
  PutList(json, "risks", m.risks, WriteRisk);
  if (!m.unverified.empty()) json["unverified"] = Numbers(m.unverified);
  Put(json, "problem", m.binding_problem);
  Put(json, "number", m.revision_number);
  Put(json, "correction", m.correction_reason);
  if (m.entered_in_error.has_value()) {
    Json& error = json["error"] = Json::object();
    Put(error, "time", m.entered_in_error->time);
    Put(error, "caller", m.entered_in_error->caller);
    Put(error, "reason", m.entered_in_error->reason);
    Put(error, "note", m.entered_in_error->note);
  }
  Put(json, "caller", m.caller);
  PutList(json, "changes", m.changes, WriteChange);
  Put(json, "import", m.import_id);
  return DumpStored(json);
}

absl::Status DecodeMeasurement(absl::string_view text, Measurement& m) {
  return ReadStored(text, "measurement", [&](const Json& json) {
    Get(json, "instrument", m.instrument_id);
    Get(json, "version", m.instrument_version);
    Get(json, "state", m.state);
    GetList(json, "answers", m.answers, ReadAnswer);
    GetList(json, "given_scores", m.reported, ReadReported);
    Get(json, "respondent", m.respondent);
    Get(json, "mode", m.mode);
    Get(json, "language", m.language);
    Get(json, "completed", m.complete_time);
    Get(json, "received", m.receive_time);
    Get(json, "session", m.session_id);
    Get(json, "session_number", m.session_number);
    Get(json, "week", m.week_number);
    Get(json, "phase", m.phase);
    Get(json, "occasion", m.occasion);
    Get(json, "plan_rule", m.plan_rule);
    Get(json, "external_id", m.external_id);
    GetList(json, "scores", m.scores, ReadScore);
    GetList(json, "risks", m.risks, ReadRisk);
    if (json.contains("unverified")) ReadNumbers(json["unverified"], m.unverified);
    Get(json, "problem", m.binding_problem);
    Get(json, "number", m.revision_number);
    Get(json, "correction", m.correction_reason);
    if (const auto error = json.find("error"); error != json.end()) {
      EnteredInError& read = m.entered_in_error.emplace();
      Get(*error, "time", read.time);
      Get(*error, "caller", read.caller);
      Get(*error, "reason", read.reason);
      Get(*error, "note", read.note);
    }
    Get(json, "caller", m.caller);
    GetList(json, "changes", m.changes, ReadChange);
    Get(json, "import", m.import_id);
  });
}

absl::Status DecodeWithoutAnswers(absl::string_view text, Measurement& m) {
  const size_t rest = EndOfAnswers(text);
  return rest == 0 ? DecodeMeasurement(text, m)
                   : DecodeMeasurement(absl::StrCat("{", text.substr(rest)), m);
}

std::string EncodePolicy(const OutcomePolicy& policy) {
  Json json = Json::object();
  Put(json, "depression", policy.depression_instrument_id);
  Put(json, "anxiety", policy.anxiety_instrument_id);
  PutList(json, "scale_rules", policy.scale_rules, WriteScaleRules);
  Put(json, "response_percent", policy.response_percent);
  Put(json, "baseline_days", policy.baseline_days);
  Put(json, "last_score_days", policy.last_score_days);
  Put(json, "duplicate_minutes", policy.duplicate_minutes);
  Put(json, "review_level", policy.review_alert_level);
  Put(json, "no_review_alerts", policy.no_review_alerts);
  Put(json, "drop_out", policy.drop_out);
  Put(json, "smallest_group", policy.smallest_group);
  Json& rules = json["not_on_track"] = Json::object();
  Put(rules, "instrument", policy.not_on_track.instrument_id);
  Put(rules, "baseline_at_least", policy.not_on_track.baseline_at_least);
  Put(rules, "slow_start_days", policy.not_on_track.slow_start_days);
  Put(rules, "slow_start_sessions", policy.not_on_track.slow_start_sessions);
  Put(rules, "slow_start_percent", policy.not_on_track.slow_start_percent);
  Put(rules, "late_week", policy.not_on_track.late_week);
  Put(rules, "late_percent", policy.not_on_track.late_percent);
  Put(rules, "missed_in_a_row", policy.not_on_track.missed_in_a_row);
  Put(rules, "disabled", policy.not_on_track.disabled_rules);
  return DumpStored(json);
}

absl::Status DecodePolicy(absl::string_view text, OutcomePolicy& policy) {
  return ReadStored(text, "policy", [&](const Json& json) {
    Get(json, "depression", policy.depression_instrument_id);
    Get(json, "anxiety", policy.anxiety_instrument_id);
    GetList(json, "scale_rules", policy.scale_rules, ReadScaleRules);
    Get(json, "response_percent", policy.response_percent);
    Get(json, "baseline_days", policy.baseline_days);
    Get(json, "last_score_days", policy.last_score_days);
    Get(json, "duplicate_minutes", policy.duplicate_minutes);
    Get(json, "review_level", policy.review_alert_level);
    Get(json, "no_review_alerts", policy.no_review_alerts);
    Get(json, "drop_out", policy.drop_out);
    Get(json, "smallest_group", policy.smallest_group);
    const auto rules = json.find("not_on_track");
    if (rules == json.end()) return;
    Get(*rules, "instrument", policy.not_on_track.instrument_id);
    Get(*rules, "baseline_at_least", policy.not_on_track.baseline_at_least);
    Get(*rules, "slow_start_days", policy.not_on_track.slow_start_days);
    Get(*rules, "slow_start_sessions", policy.not_on_track.slow_start_sessions);
    Get(*rules, "slow_start_percent", policy.not_on_track.slow_start_percent);
    Get(*rules, "late_week", policy.not_on_track.late_week);
    Get(*rules, "late_percent", policy.not_on_track.late_percent);
    Get(*rules, "missed_in_a_row", policy.not_on_track.missed_in_a_row);
    Get(*rules, "disabled", policy.not_on_track.disabled_rules);
  });
}

std::string EncodePlan(const MeasurementPlan& plan) {
  Json json = Json::object();
  Put(json, "display_name", plan.display_name);
  Put(json, "indications", plan.indications);
  PutList(json, "rules", plan.rules, WriteRule);
  PutList(json, "for_since", plan.for_since, WriteSince);
  return DumpStored(json);
}

absl::Status DecodePlan(absl::string_view text, MeasurementPlan& plan) {
  return ReadStored(text, "measurement plan", [&](const Json& json) {
    Get(json, "display_name", plan.display_name);
    Get(json, "indications", plan.indications);
    GetList(json, "rules", plan.rules, ReadRule);
    GetList(json, "for_since", plan.for_since, ReadSince);
  });
}

std::string EncodeCoursePlan(const StoredCoursePlan& plan) {
  Json json = Json::object();
  PutList(json, "rules", plan.rules, WriteRule);
  if (plan.reset_time.has_value()) Put(json, "reset", *plan.reset_time);
  return DumpStored(json);
}

absl::Status DecodeCoursePlan(absl::string_view text, StoredCoursePlan& plan) {
  return ReadStored(text, "course's measurement plan", [&](const Json& json) {
    GetList(json, "rules", plan.rules, ReadRule);
    if (json.contains("reset")) Get(json, "reset", plan.reset_time.emplace());
  });
}

std::string EncodeStrings(const std::vector<std::string>& strings) {
  return DumpStored(Json(strings));
}
absl::Status DecodeStrings(absl::string_view text, std::vector<std::string>& strings) {
  return ReadStored(text, "list of words", [&](const Json& json) { json.get_to(strings); });
}
std::string EncodeRespondents(const std::vector<AnsweredBy>& respondents) {
  return DumpStored(Numbers(respondents));
}
absl::Status DecodeRespondents(absl::string_view text, std::vector<AnsweredBy>& respondents) {
  return ReadStored(text, "list of respondents",
                    [&](const Json& json) { ReadNumbers(json, respondents); });
}

std::string EncodeImportRowError(const ImportRowError& error) {
  Json json = Json::object();
  Put(json, "reason", error.reason);
  PutList(json, "fields", error.fields, [](Json& field, const FieldViolation& violation) {
    Put(field, "field", violation.field);
    Put(field, "description", violation.description);
  });
  Put(json, "message", error.message);
  return DumpStored(json);
}
absl::Status DecodeImportRowError(absl::string_view text, ImportRowError& error) {
  return ReadStored(text, "error of an import's row", [&](const Json& json) {
    Get(json, "reason", error.reason);
    GetList(json, "fields", error.fields, [](const Json& field, FieldViolation& violation) {
      Get(field, "field", violation.field);
      Get(field, "description", violation.description);
    });
    Get(json, "message", error.message);
  });
}

}  // namespace ipt::outcomes
