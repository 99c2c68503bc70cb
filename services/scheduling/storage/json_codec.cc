#include "scheduling/storage/json_codec.h"

#include <concepts>
#include <limits>
#include <optional>
#include <tuple>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "platform/json/stored_json.h"
#include "scheduling/storage/reminder_row.h"

namespace ipt::scheduling {
namespace {

using Json = nlohmann::json;

constexpr absl::CivilDay kDayZero(1970, 1, 1);

// Conversions of single values, by type.

template <typename T>
Json ToJson(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return static_cast<int>(value);
  } else {
    return value;
  }
}
Json ToJson(absl::Time value) { return ToMicros(value); }
Json ToJson(absl::CivilDay value) { return ToDayNumber(value); }
template <typename T>
Json ToJson(const std::optional<T>& value) {
  return value.has_value() ? ToJson(*value) : Json();
}

template <typename T>
void FromJson(const Json& json, T& value) {
  if constexpr (std::is_enum_v<T>) {
    value = static_cast<T>(json.get<int>());
  } else {
    json.get_to(value);
  }
}
void FromJson(const Json& json, absl::Time& value) { value = FromMicros(json.get<int64_t>()); }
void FromJson(const Json& json, absl::CivilDay& value) {
  value = FromDayNumber(json.get<int64_t>());
}
template <typename T>
void FromJson(const Json& json, std::optional<T>& value) {
  if (json.is_null()) {
    value.reset();
  } else {
    FromJson(json, value.emplace());
  }
}

// Throws where nlohmann's own find would find nothing.
const Json::object_t& Object(const Json& json) { return json.get_ref<const Json::object_t&>(); }

template <typename... Fields>
Json Tuple(const Fields&... fields) {
  Json::array_t tuple;
  tuple.reserve(sizeof...(fields));
  (tuple.push_back(ToJson(fields)), ...);
  return tuple;
}

template <typename... Fields>
void FromTuple(const Json& tuple, Fields&... fields) {
  size_t i = 0;
  ((i < tuple.size() ? FromJson(tuple.at(i++), fields) : void()), ...);
}

// Structures member by member; const where T is. New members come last.

template <typename T, typename U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

auto Members(Is<WeeklyWindow> auto& v) { return std::tie(v.day, v.start_minute, v.end_minute); }
auto Members(Is<Pause> auto& v) { return std::tie(v.days.first, v.days.last, v.reason); }
auto Members(Is<Closure> auto& v) { return std::tie(v.time, v.reason, v.early); }
auto Members(Is<CourseChange> auto& v) {
  return std::tie(v.time, v.kind, v.caller, v.reason, v.previous_therapist_id);
}
auto Members(Is<PhaseSpan> auto& v) { return std::tie(v.phase, v.first_session, v.last_session); }
auto Members(Is<ProjectedSession> auto& v) { return std::tie(v.session_number, v.start, v.booked); }
auto Members(Is<Attendance> auto& v) { return std::tie(v.outcome, v.source, v.record_time); }
auto Members(Is<Cancellation> auto& v) { return std::tie(v.cancelled_by, v.late, v.time); }
auto Members(Is<SessionChange> auto& v) {
  return std::tie(v.time, v.kind, v.caller, v.reason, v.previous_start, v.previous_outcome,
                  v.previous_therapist_id);
}

auto Members(Is<VariantPhases> auto& v) {
  return std::tie(v.variant_id, v.initial_sessions, v.termination_sessions);
}
auto Members(Is<SchedulingPolicy> auto& v) {
  return std::tie(v.session_minutes, v.cadence_days, v.cadence_tolerance_days,
                  v.cancellation_notice_hours, v.pause_cap_days, v.no_show_uses_session,
                  v.late_cancellation_uses_session, v.slot_minutes);
}
// Its list comes after its members.
constexpr size_t kPolicyPhases = 8;
auto Members(Is<CourseProgress> auto& v) {
  return std::tie(v.start_day, v.start_projected, v.deadline_day, v.deadline, v.pause_days,
                  v.week_number, v.days_left, v.attended_sessions, v.used_sessions,
                  v.booked_sessions, v.unbooked_sessions, v.next_session_number, v.phase,
                  v.mid_course_session, v.mid_course_review_day, v.termination_session,
                  v.termination_start_day, v.next_session_id, v.next_session_time,
                  v.excess_sessions);
}
auto Members(Is<Forecast> auto& v) {
  return std::tie(v.state, v.as_of, v.sessions_left, v.projected_finish, v.slack_days);
}

auto Members(Is<CourseFinding> auto& v) { return std::tie(v.finding_id, v.severity, v.since_day); }
auto Members(Is<FindingNote> auto& v) { return std::tie(v.number, v.day); }
auto Members(Is<ReminderVariables> auto& v) {
  return std::tie(v.session_start, v.session_end, v.time_zone, v.modality, v.location,
                  v.session_number, v.day, v.weeks);
}
// Its list comes after its members.
constexpr size_t kVariablesFindings = 8;
auto Members(Is<QuietHours> auto& v) { return std::tie(v.start_minute, v.end_minute, v.shift); }
auto Members(Is<SessionReminderRule> auto& v) {
  return std::tie(v.audience, v.minutes_before, v.template_key);
}
auto Members(Is<CourseReminderRule> auto& v) {
  return std::tie(v.kind, v.audience, v.weeks_before, v.template_key);
}

template <typename T>
Json Pack(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return ToJson(value);
  } else {
    return std::apply([](const auto&... fields) { return Tuple(fields...); }, Members(value));
  }
}
template <typename T>
void Unpack(const Json& json, T& value) {
  if constexpr (std::is_enum_v<T>) {
    FromJson(json, value);
  } else {
    std::apply([&](auto&... fields) { FromTuple(json, fields...); }, Members(value));
  }
}

template <typename T>
Json PackAll(const std::vector<T>& values) {
  Json::array_t list;
  list.reserve(values.size());
  for (const T& value : values) list.push_back(Pack(value));
  return list;
}
template <typename T>
void UnpackAll(const Json& json, std::vector<T>& values) {
  values.clear();
  values.reserve(json.size());
  for (const Json& item : json) Unpack(item, values.emplace_back());
}

template <typename T>
void WriteList(Json& object, const char* name, const std::vector<T>& values) {
  if (!values.empty()) object[name] = PackAll(values);
}
template <typename T>
void ReadList(const Json& json, const char* name, std::vector<T>& values) {
  values.clear();
  const Json::object_t& object = Object(json);
  if (const auto found = object.find(name); found != object.end()) UnpackAll(found->second, values);
}
template <typename T>
void WriteOptional(Json& object, const char* name, const std::optional<T>& value) {
  if (value.has_value()) object[name] = Pack(*value);
}
template <typename T>
void ReadOptional(const Json& json, const char* name, std::optional<T>& value) {
  value.reset();
  const Json::object_t& object = Object(json);
  if (const auto found = object.find(name); found != object.end()) {
    Unpack(found->second, value.emplace());
  }
}

// A rule's members, then its channels.
template <typename Rule>
Json PackRules(const std::vector<Rule>& rules) {
  Json list = PackAll(rules);
  for (size_t i = 0; i < rules.size(); ++i) list[i].push_back(PackAll(rules[i].channels));
  return list;
}
template <typename Rule>
void UnpackRules(const Json& json, std::vector<Rule>& rules) {
  UnpackAll(json, rules);
  for (size_t i = 0; i < rules.size(); ++i) {
    UnpackAll(json.at(i).at(std::tuple_size_v<decltype(Members(rules[i]))>), rules[i].channels);
  }
}

}  // namespace

int64_t ToMicros(absl::Time time) { return absl::ToUnixMicros(time); }

absl::Time FromMicros(int64_t micros) {
  if (micros == std::numeric_limits<int64_t>::max()) return absl::InfiniteFuture();
  if (micros == std::numeric_limits<int64_t>::min()) return absl::InfinitePast();
  return absl::FromUnixMicros(micros);
}

int64_t ToDayNumber(absl::CivilDay day) { return day - kDayZero; }

absl::CivilDay FromDayNumber(int64_t day) { return kDayZero + day; }

std::string EncodePolicy(const SchedulingPolicy& policy) {
  Json json = Pack(policy);
  if (!policy.variant_phases.empty()) json.push_back(PackAll(policy.variant_phases));
  return DumpStored(json);
}

absl::Status DecodePolicy(absl::string_view text, SchedulingPolicy& policy) {
  return ReadStored(text, "policy", [&](const Json& json) {
    Unpack(json, policy);
    policy.variant_phases.clear();
    if (json.size() > kPolicyPhases) UnpackAll(json.at(kPolicyPhases), policy.variant_phases);
  });
}

std::string EncodeWindows(const std::vector<WeeklyWindow>& windows) {
  return DumpStored(PackAll(windows));
}

absl::Status DecodeWindows(absl::string_view text, std::vector<WeeklyWindow>& windows) {
  return ReadStored(text, "list of windows", [&](const Json& json) { UnpackAll(json, windows); });
}

std::string EncodeStrings(const std::vector<std::string>& strings) { return DumpStored(strings); }

absl::Status DecodeStrings(absl::string_view text, std::vector<std::string>& strings) {
  return ReadStored(text, "list of words", [&](const Json& json) { json.get_to(strings); });
}

std::string EncodeCourseDetails(const Course& course) {
  Json json = Json::object();
  WriteList(json, "windows", course.preferred_windows);
  WriteList(json, "pauses", course.pauses);
  WriteOptional(json, "closure", course.closure);
  WriteList(json, "changes", course.changes);
  return DumpStored(json);
}

absl::Status DecodeCourseDetails(absl::string_view text, Course& course) {
  return ReadStored(text, "course", [&](const Json& json) {
    ReadList(json, "windows", course.preferred_windows);
    ReadList(json, "pauses", course.pauses);
    ReadOptional(json, "closure", course.closure);
    ReadList(json, "changes", course.changes);
  });
}

std::string EncodeCourseDerived(const Course& course) {
  Json json = Json::object();
  json["progress"] = Pack(course.progress);
  WriteList(json, "phases", course.progress.phases);
  WriteList(json, "findings", course.findings);
  if (course.finding_note.number > 0) json["noted"] = Pack(course.finding_note);
  WriteOptional(json, "forecast", course.forecast);
  if (course.forecast.has_value()) {
    WriteList(json, "reasons", course.forecast->reasons);
    WriteList(json, "sessions", course.forecast->sessions);
    if (!course.forecast->displaced_ids.empty()) {
      json["displaced"] = course.forecast->displaced_ids;
    }
  }
  return DumpStored(json);
}

absl::Status DecodeCourseDerived(absl::string_view text, Course& course) {
  return ReadStored(text, "course's progress", [&](const Json& json) {
    course.progress = CourseProgress();
    Unpack(json.at("progress"), course.progress);
    ReadList(json, "phases", course.progress.phases);
    ReadList(json, "findings", course.findings);
    course.finding_note = FindingNote();
    if (json.contains("noted")) Unpack(json["noted"], course.finding_note);
    ReadOptional(json, "forecast", course.forecast);
    if (course.forecast.has_value()) {
      ReadList(json, "reasons", course.forecast->reasons);
      ReadList(json, "sessions", course.forecast->sessions);
      if (json.contains("displaced")) {
        json["displaced"].get_to(course.forecast->displaced_ids);
      }
    }
  });
}

std::string EncodeSessionDetails(const Session& session) {
  Json json = Json::object();
  WriteOptional(json, "attendance", session.attendance);
  WriteOptional(json, "cancellation", session.cancellation);
  WriteList(json, "changes", session.changes);
  if (session.outside_availability) json["outside"] = true;
  return DumpStored(json);
}

absl::Status DecodeSessionDetails(absl::string_view text, Session& session) {
  return ReadStored(text, "session", [&](const Json& json) {
    ReadOptional(json, "attendance", session.attendance);
    ReadOptional(json, "cancellation", session.cancellation);
    ReadList(json, "changes", session.changes);
    session.outside_availability = json.contains("outside");
  });
}

std::string EncodeReminderVariables(const ReminderVariables& variables) {
  Json json = Pack(variables);
  if (!variables.findings.empty()) json.push_back(PackAll(variables.findings));
  return DumpStored(json);
}

absl::Status DecodeReminderVariables(absl::string_view text, ReminderVariables& variables) {
  return ReadStored(text, "reminder's variables", [&](const Json& json) {
    Unpack(json, variables);
    variables.findings.clear();
    if (json.size() > kVariablesFindings) {
      UnpackAll(json.at(kVariablesFindings), variables.findings);
    }
  });
}

std::string EncodeReminderPolicy(const ReminderPolicy& policy) {
  Json json = Json::object();
  json["sessions"] = PackRules(policy.session_rules);
  json["courses"] = PackRules(policy.course_rules);
  WriteOptional(json, "quiet", policy.quiet_hours);
  if (policy.course_reminder_minute.has_value()) json["minute"] = *policy.course_reminder_minute;
  json["attempts"] = policy.max_attempts;
  json["unknown"] = static_cast<int>(policy.after_unknown);
  return DumpStored(json);
}

absl::Status DecodeReminderPolicy(absl::string_view text, ReminderPolicy& policy) {
  return ReadStored(text, "reminder policy", [&](const Json& json) {
    policy = ReminderPolicy();
    UnpackRules(json.at("sessions"), policy.session_rules);
    UnpackRules(json.at("courses"), policy.course_rules);
    ReadOptional(json, "quiet", policy.quiet_hours);
    if (json.contains("minute")) policy.course_reminder_minute = json["minute"].get<int>();
    json.at("attempts").get_to(policy.max_attempts);
    policy.after_unknown = static_cast<AfterUnknown>(json.at("unknown").get<int>());
  });
}

std::string EncodeReminders(const std::vector<Reminder>& reminders, absl::Time now) {
  Json::array_t rows;
  rows.reserve(reminders.size());
  for (const Reminder& r : reminders) {
    const QuietHours quiet = r.quiet_hours.value_or(QuietHours());
    rows.push_back(Tuple(
        r.reminder_id, r.course_id, r.key.session_id, r.therapist_id, r.patient_id, r.key.kind,
        r.key.audience, r.key.offset_minutes, r.key.occurrence, static_cast<int>(r.test),
        r.generation, r.due, r.not_after, r.state, r.why_not, r.next, quiet.start_minute,
        quiet.end_minute, r.quiet_from, r.attempt, r.max_attempts, static_cast<int>(r.hold_unknown),
        r.lease_token, EncodeChannels(r.channels), ChannelMask(r.channels), r.template_key,
        r.language, EncodeReminderVariables(r.variables), r.note, r.policy_version, now));
  }
  return DumpStored(rows);
}

std::string EncodeSessionKeys(const std::vector<Session>& sessions) {
  Json::array_t rows;
  for (const Session& s : sessions) rows.push_back(Tuple(s.course_id, s.session_id));
  return DumpStored(rows);
}

std::string EncodeSessionNumbers(const std::vector<Session>& sessions) {
  Json::array_t rows;
  for (const Session& s : sessions) {
    rows.push_back(Tuple(s.course_id, s.session_id, s.session_number, s.phase, s.week_number));
  }
  return DumpStored(rows);
}

}  // namespace ipt::scheduling
