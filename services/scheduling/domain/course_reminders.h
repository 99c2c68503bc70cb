// Keeps a course's reminders in step with it, in the transaction that changes it.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "scheduling/domain/calendar_loader.h"
#include "scheduling/domain/reminder_policy.h"
#include "scheduling/domain/reminder_types.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// The course's desired reminders under `policy`; of a course just read or derived, with all of its
// sessions by start.
absl::StatusOr<std::vector<Reminder>> DesiredOf(ClinicCalendars& calendars, const Course& course,
                                                const std::vector<Session>& sessions,
                                                const ReminderPolicy& policy,
                                                const ContactPreferences& preferences,
                                                absl::Time now);

// Rewrites what is stored to what is desired, and sets the course's reminder_version and
// reminder_digest, for the caller to store. The course's row must be there and this transaction's.
// Costs a query where the digest stays, and two or three statements more where it does not.
absl::Status RewriteCourseReminders(SchedulingTx& tx, ClinicCalendars& calendars, Course& course,
                                    const std::vector<Session>& sessions, absl::Time now);

}  // namespace ipt::scheduling
