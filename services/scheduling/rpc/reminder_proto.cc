#include "scheduling/rpc/reminder_proto.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "platform/rpc/proto_time.h"
#include "scheduling/domain/names.h"

namespace ipt::scheduling {
namespace {

static_assert(static_cast<int>(ReminderKind::kProtocolFinding) ==
              pb::REMINDER_KIND_PROTOCOL_FINDING);
static_assert(static_cast<int>(CourseFindingSeverity::kOverdue) ==
              pb::COURSE_FINDING_SEVERITY_OVERDUE);
static_assert(static_cast<int>(ReminderAudience::kTherapist) == pb::REMINDER_AUDIENCE_THERAPIST);
static_assert(static_cast<int>(ReminderChannel::kLetter) == pb::REMINDER_CHANNEL_LETTER);
static_assert(static_cast<int>(ReminderState::kSuppressed) == pb::REMINDER_STATE_SUPPRESSED);
static_assert(static_cast<int>(ReminderWhyNot::kOutcomeUnknown) ==
              pb::REMINDER_WHY_NOT_OUTCOME_UNKNOWN);
static_assert(static_cast<int>(DeliveryOutcome::kUnsubscribed) ==
              pb::DELIVERY_OUTCOME_UNSUBSCRIBED);
static_assert(static_cast<int>(AttemptOutcome::kSuperseded) == pb::ATTEMPT_OUTCOME_SUPERSEDED);

}  // namespace

void WriteReminder(const Reminder& reminder, pb::Reminder* out) {
  out->Clear();
  if (!reminder.reminder_id.empty()) {
    out->set_name(ReminderName(reminder.clinic_id, reminder.reminder_id));
  }
  out->set_course(CourseName(reminder.clinic_id, reminder.course_id));
  if (!reminder.key.session_id.empty()) {
    out->set_session(SessionName(reminder.clinic_id, reminder.course_id, reminder.key.session_id));
  }
  out->set_kind(static_cast<pb::ReminderKind>(reminder.key.kind));
  out->set_audience(static_cast<pb::ReminderAudience>(reminder.key.audience));
  out->mutable_patient()->set_system(reminder.patient.system);
  out->mutable_patient()->set_value(reminder.patient.value);
  out->set_therapist(TherapistName(reminder.clinic_id, reminder.therapist_id));
  for (const ReminderChannel channel : reminder.channels) {
    out->add_channels(static_cast<pb::ReminderChannel>(channel));
  }
  out->set_template_(reminder.template_key);
  out->set_language(reminder.language);

  const ReminderVariables& v = reminder.variables;
  pb::ReminderVariables* variables = out->mutable_variables();
  if (v.session_start.has_value()) {
    rpc::WriteTime(*v.session_start, variables->mutable_session_start_time());
  }
  if (v.session_end.has_value()) {
    rpc::WriteTime(*v.session_end, variables->mutable_session_end_time());
  }
  variables->set_time_zone(v.time_zone);
  variables->set_modality(static_cast<pb::Modality>(v.modality));
  variables->set_location(v.location);
  variables->set_session_number(v.session_number);
  if (v.day.has_value()) variables->set_day(absl::FormatCivilTime(*v.day));
  variables->set_weeks(v.weeks);
  for (const CourseFinding& finding : v.findings) {
    pb::CourseFinding* told = variables->add_findings();
    told->set_finding_id(finding.finding_id);
    told->set_severity(static_cast<pb::CourseFindingSeverity>(finding.severity));
    rpc::WriteDay(finding.since_day, told->mutable_since_date());
  }

  out->set_generation(reminder.generation);
  rpc::WriteTime(reminder.due, out->mutable_due_time());
  rpc::WriteTime(reminder.not_after, out->mutable_expire_time());
  out->set_state(static_cast<pb::ReminderState>(reminder.state));
  out->set_why_not(static_cast<pb::ReminderWhyNot>(reminder.why_not));
  out->set_attempt(reminder.attempt);
  if (reminder.state == ReminderState::kScheduled) {
    rpc::WriteTime(reminder.next, out->mutable_next_attempt_time());
  } else if (reminder.state == ReminderState::kLeased) {
    rpc::WriteTime(reminder.next, out->mutable_lease_expire_time());
  }
  if (reminder.sent_time.has_value()) {
    rpc::WriteTime(*reminder.sent_time, out->mutable_sent_time());
  }
  out->set_delivery_outcome(static_cast<pb::DeliveryOutcome>(reminder.delivery));
  if (reminder.delivery_time.has_value()) {
    rpc::WriteTime(*reminder.delivery_time, out->mutable_delivery_time());
  }
  out->set_test(reminder.test);
  out->set_note(reminder.note);
}

void WriteAttempt(const DeliveryAttempt& attempt, pb::DeliveryAttempt* out) {
  out->Clear();
  out->set_attempt(attempt.attempt);
  out->set_generation(attempt.generation);
  rpc::WriteTime(attempt.lease_time, out->mutable_lease_time());
  if (attempt.end_time.has_value()) rpc::WriteTime(*attempt.end_time, out->mutable_end_time());
  out->set_outcome(static_cast<pb::AttemptOutcome>(attempt.outcome));
  out->set_reason(attempt.reason);
  out->set_caller(attempt.caller);
}

}  // namespace ipt::scheduling
