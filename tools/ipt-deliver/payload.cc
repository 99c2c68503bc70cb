#include "ipt-deliver/payload.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace ipt::deliver {
namespace {

namespace v1 = ipt::scheduling::v1;
using OrderedJson = nlohmann::ordered_json;

// "SESSION" of REMINDER_KIND_SESSION; its number where this build does not know it, null where it
// is not stated.
OrderedJson Word(int value, const std::string& name, absl::string_view prefix) {
  if (value == 0) return nullptr;
  return name.empty() ? absl::StrCat(value)
                      : std::string(absl::StripPrefix(absl::string_view(name), prefix));
}

OrderedJson Text(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

absl::Time TimeOf(const google::protobuf::Timestamp& stamp) {
  return absl::FromUnixSeconds(stamp.seconds()) + absl::Nanoseconds(stamp.nanos());
}

OrderedJson Utc(bool present, const google::protobuf::Timestamp& stamp) {
  if (!present) return nullptr;
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", TimeOf(stamp), absl::UTCTimeZone());
}

// As a clock on the recipient's wall shows it, with its distance from UTC.
OrderedJson Local(bool present, const google::protobuf::Timestamp& stamp,
                  const std::string& zone_name) {
  absl::TimeZone zone;
  if (!present || zone_name.empty() || !absl::LoadTimeZone(zone_name, &zone)) return nullptr;
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*S%Ez", TimeOf(stamp), zone);
}

OrderedJson Count(int value) { return value == 0 ? OrderedJson(nullptr) : OrderedJson(value); }

std::string ClinicOf(const std::string& reminder_name) {
  return reminder_name.substr(0, reminder_name.find('/', sizeof("clinics/") - 1));
}

OrderedJson FindingsOf(const v1::ReminderVariables& variables) {
  if (variables.findings().empty()) return nullptr;
  OrderedJson findings = OrderedJson::array();
  for (const v1::CourseFinding& finding : variables.findings()) {
    findings.push_back(
        {{"id", finding.finding_id()},
         {"severity", Word(finding.severity(), v1::CourseFindingSeverity_Name(finding.severity()),
                           "COURSE_FINDING_SEVERITY_")}});
  }
  return findings;
}

OrderedJson VariablesOf(const v1::ReminderVariables& variables) {
  const auto& start = variables.session_start_time();
  const auto& end = variables.session_end_time();
  return {
      {"session_start_time", Utc(variables.has_session_start_time(), start)},
      {"session_start_local",
       Local(variables.has_session_start_time(), start, variables.time_zone())},
      {"session_end_time", Utc(variables.has_session_end_time(), end)},
      {"session_end_local", Local(variables.has_session_end_time(), end, variables.time_zone())},
      {"time_zone", Text(variables.time_zone())},
      {"modality",
       Word(variables.modality(), v1::Modality_Name(variables.modality()), "MODALITY_")},
      {"location", Text(variables.location())},
      {"session_number", Count(variables.session_number())},
      {"day", Text(variables.day())},
      {"weeks", Count(variables.weeks())},
      {"findings", FindingsOf(variables)},
  };
}

}  // namespace

std::string PayloadOf(const v1::Reminder& reminder, absl::string_view idempotency_key) {
  OrderedJson channels = OrderedJson::array();
  for (const int channel : reminder.channels()) {
    channels.push_back(Word(channel,
                            v1::ReminderChannel_Name(static_cast<v1::ReminderChannel>(channel)),
                            "REMINDER_CHANNEL_"));
  }
  const OrderedJson json = {
      {"version", kPayloadVersion},
      {"idempotency_key", Text(std::string(idempotency_key))},
      {"reminder", reminder.name()},
      {"clinic", ClinicOf(reminder.name())},
      {"course", reminder.course()},
      {"session", Text(reminder.session())},
      {"kind", Word(reminder.kind(), v1::ReminderKind_Name(reminder.kind()), "REMINDER_KIND_")},
      {"audience", Word(reminder.audience(), v1::ReminderAudience_Name(reminder.audience()),
                        "REMINDER_AUDIENCE_")},
      {"patient", {{"system", reminder.patient().system()}, {"value", reminder.patient().value()}}},
      {"therapist", Text(reminder.therapist())},
      {"channels", std::move(channels)},
      {"template", reminder.template_()},
      {"language", Text(reminder.language())},
      {"variables", VariablesOf(reminder.variables())},
      {"generation", reminder.generation()},
      {"attempt", reminder.attempt()},
      {"due_time", Utc(reminder.has_due_time(), reminder.due_time())},
      {"expire_time", Utc(reminder.has_expire_time(), reminder.expire_time())},
      {"test", reminder.test()},
  };
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace ipt::deliver
