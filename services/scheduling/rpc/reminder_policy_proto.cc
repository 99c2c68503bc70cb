#include "scheduling/rpc/reminder_policy_proto.h"

#include <optional>
#include <string>

#include "platform/rpc/etag.h"
#include "platform/rpc/proto_time.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/reminder_policy.h"

namespace ipt::scheduling {
namespace {

static_assert(static_cast<int>(QuietHoursShift::kLater) == pb::QUIET_HOURS_SHIFT_LATER);
static_assert(static_cast<int>(AfterUnknown::kHold) == pb::AFTER_UNKNOWN_HOLD);

// Within a day: 24:00 is the next day's 00:00.
int ReadMinuteOfDay(bool present, const google::type::TimeOfDay& time, FieldViolations& bad,
                    absl::string_view field) {
  if (!present) {
    bad.Add(field, "is required");
    return 0;
  }
  const std::optional<int> minute = rpc::ReadMinute(time, bad, field);
  return minute.value_or(0);
}

// What the rules of both lists have in common.
template <typename Proto, typename Rule>
void ReadRule(const Proto& proto, Rule& rule) {
  rule.audience = static_cast<ReminderAudience>(proto.audience());
  rule.channels = ReadChannels(proto.channels());
  rule.template_key = proto.template_();
}
template <typename Rule, typename Proto>
void WriteRule(const Rule& rule, Proto* out) {
  out->set_audience(static_cast<pb::ReminderAudience>(rule.audience));
  for (const ReminderChannel channel : rule.channels) {
    out->add_channels(static_cast<pb::ReminderChannel>(channel));
  }
  out->set_template_(rule.template_key);
}

}  // namespace

std::vector<ReminderChannel> ReadChannels(const google::protobuf::RepeatedField<int>& channels) {
  std::vector<ReminderChannel> read;
  for (const int channel : channels) read.push_back(static_cast<ReminderChannel>(channel));
  return read;
}

ReminderPolicy ReadReminderPolicy(const pb::ReminderPolicy& policy, FieldViolations bad) {
  ReminderPolicy read;
  for (const pb::SessionReminderRule& rule : policy.session_rules()) {
    SessionReminderRule& to = read.session_rules.emplace_back();
    ReadRule(rule, to);
    to.minutes_before = rule.minutes_before();
  }
  for (const pb::CourseReminderRule& rule : policy.course_rules()) {
    CourseReminderRule& to = read.course_rules.emplace_back();
    ReadRule(rule, to);
    to.kind = static_cast<ReminderKind>(rule.kind());
    to.weeks_before = rule.weeks_before();
  }
  if (policy.has_quiet_hours()) {
    FieldViolations in = bad.In("quiet_hours");
    const pb::QuietHours& quiet = policy.quiet_hours();
    QuietHours hours;
    hours.start_minute = ReadMinuteOfDay(quiet.has_start(), quiet.start(), in, "start");
    hours.end_minute = ReadMinuteOfDay(quiet.has_end(), quiet.end(), in, "end");
    hours.shift = static_cast<QuietHoursShift>(quiet.shift());
    if (in.empty()) read.quiet_hours = hours;  // else told of already
  }
  if (policy.has_course_reminder_time()) {
    read.course_reminder_minute =
        rpc::ReadMinute(policy.course_reminder_time(), bad, "course_reminder_time");
  }
  read.max_attempts = policy.max_attempts();
  read.after_unknown = static_cast<AfterUnknown>(policy.after_unknown());
  CheckReminderPolicy(read, bad);
  return read;
}

void WriteReminderPolicy(const HeldReminderPolicy& held, absl::string_view clinic_id,
                         absl::string_view course_id, pb::ReminderPolicy* out) {
  out->Clear();
  out->set_name(ReminderPolicyName(clinic_id, course_id));
  const ReminderPolicy& policy = held.policy;
  for (const SessionReminderRule& rule : policy.session_rules) {
    pb::SessionReminderRule* to = out->add_session_rules();
    WriteRule(rule, to);
    to->set_minutes_before(rule.minutes_before);
  }
  for (const CourseReminderRule& rule : policy.course_rules) {
    pb::CourseReminderRule* to = out->add_course_rules();
    WriteRule(rule, to);
    to->set_kind(static_cast<pb::ReminderKind>(rule.kind));
    to->set_weeks_before(rule.weeks_before);
  }
  if (policy.quiet_hours.has_value()) {
    pb::QuietHours* quiet = out->mutable_quiet_hours();
    rpc::WriteMinute(policy.quiet_hours->start_minute, quiet->mutable_start());
    rpc::WriteMinute(policy.quiet_hours->end_minute, quiet->mutable_end());
    quiet->set_shift(static_cast<pb::QuietHoursShift>(policy.quiet_hours->shift));
  }
  if (policy.course_reminder_minute.has_value()) {
    rpc::WriteMinute(*policy.course_reminder_minute, out->mutable_course_reminder_time());
  }
  out->set_max_attempts(policy.max_attempts);
  out->set_after_unknown(static_cast<pb::AfterUnknown>(policy.after_unknown));
  out->set_inherited(held.inherited);
  if (held.revision == 0) return;  // the suite's own, or a draft
  out->set_etag(rpc::Etag(held.revision));
  out->set_revision(held.revision);
  rpc::WriteTime(held.update_time, out->mutable_update_time());
}

ContactPreferences ReadPreferences(const pb::ContactPreferences& preferences, FieldViolations bad) {
  ContactPreferences read;
  read.opted_out = ReadChannels(preferences.opted_out());
  read.language = preferences.language();
  read.time_zone = preferences.time_zone();
  read.gone = preferences.gone();
  CheckContactPreferences(read, bad);
  return read;
}

void WritePreferences(const ContactPreferences& preferences, absl::string_view clinic_id,
                      const Identifier& patient, pb::ContactPreferences* out) {
  out->Clear();
  out->set_clinic(ClinicName(clinic_id));
  out->mutable_patient()->set_system(patient.system);
  out->mutable_patient()->set_value(patient.value);
  for (const ReminderChannel channel : preferences.opted_out) {
    out->add_opted_out(static_cast<pb::ReminderChannel>(channel));
  }
  out->set_language(preferences.language);
  out->set_time_zone(preferences.time_zone);
  out->set_gone(preferences.gone);
  if (preferences.revision == 0) return;
  out->set_etag(rpc::Etag(preferences.revision));
  out->set_revision(preferences.revision);
  rpc::WriteTime(preferences.update_time, out->mutable_update_time());
}

void WriteSending(const SendingState& sending, pb::SendingState* out) {
  out->Clear();
  out->set_clinic(ClinicName(sending.clinic_id));
  out->set_paused(sending.paused);
  out->set_max_per_minute(sending.max_per_minute);
  out->set_reason(sending.reason);
  out->set_caller(sending.caller);
  if (sending.revision == 0) return;
  rpc::WriteTime(sending.update_time, out->mutable_update_time());
  out->set_etag(rpc::Etag(sending.revision));
}

}  // namespace ipt::scheduling
