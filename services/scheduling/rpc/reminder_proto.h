// Reminders on the wire.
#pragma once

#include "ipt/scheduling/v1/reminder.pb.h"
#include "scheduling/domain/reminder_types.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Replaces what `out` holds; without its attempts, and without a name where it is not stored.
void WriteReminder(const Reminder& reminder, pb::Reminder* out);
void WriteAttempt(const DeliveryAttempt& attempt, pb::DeliveryAttempt* out);

}  // namespace ipt::scheduling
