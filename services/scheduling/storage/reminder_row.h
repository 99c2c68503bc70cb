// A reminder's row: its columns as they are read, in one order, and what they mean. Private to this
// folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/storage/value.h"
#include "scheduling/domain/reminder_types.h"

namespace ipt::scheduling {

// Ends with a condition on the clinic; to be followed by AND, ORDER BY. `r` is the reminder.
#define SELECT_REMINDER                                                                           \
  "SELECT r.reminder_id, r.course_id, r.session_id, r.therapist_id, r.patient_id, p.system, "     \
  "p.value, r.kind, r.audience, r.offset_minutes, r.occurrence, r.test, r.generation, r.due_us, " \
  "r.not_after_us, r.state, r.why_not, r.next_us, r.quiet_start, r.quiet_end, r.quiet_us, "       \
  "r.attempt, r.max_attempts, r.lease_token, r.channels, r.template, r.language, r.variables, "   \
  "r.policy_version, r.sent_us, r.delivery, r.delivery_us, r.created_us, r.updated_us, r.note, "  \
  "r.hold_unknown "                                                                               \
  "FROM reminders r JOIN patients p ON p.clinic_id = r.clinic_id "                                \
  "AND p.patient_id = r.patient_id WHERE r.clinic_id = :clinic"
extern const storage::ColumnTypes kReminderColumns;

absl::StatusOr<Reminder> ReminderOf(absl::string_view clinic_id, const storage::Row& row);

// The column `channels`, by preference: "1,2". `channel_mask` has the same as bits.
std::string EncodeChannels(const std::vector<ReminderChannel>& channels);
std::vector<ReminderChannel> DecodeChannels(absl::string_view text);
int64_t ChannelMask(const std::vector<ReminderChannel>& channels);

}  // namespace ipt::scheduling
