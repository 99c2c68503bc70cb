// What decides about reminders, on the wire <-> in the domain: policies, preferences, sending.
// Readers add a violation for each bad field.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_field.h"
#include "ipt/scheduling/v1/reminder.pb.h"
#include "platform/errors/field_violations.h"
#include "scheduling/domain/reminder_types.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

ReminderPolicy ReadReminderPolicy(const pb::ReminderPolicy& policy, FieldViolations bad);
// Replaces what `out` holds. `course_id` empty: the clinic's.
void WriteReminderPolicy(const HeldReminderPolicy& held, absl::string_view clinic_id,
                         absl::string_view course_id, pb::ReminderPolicy* out);

ContactPreferences ReadPreferences(const pb::ContactPreferences& preferences, FieldViolations bad);
void WritePreferences(const ContactPreferences& preferences, absl::string_view clinic_id,
                      const Identifier& patient, pb::ContactPreferences* out);

void WriteSending(const SendingState& sending, pb::SendingState* out);

std::vector<ReminderChannel> ReadChannels(const google::protobuf::RepeatedField<int>& channels);

}  // namespace ipt::scheduling
