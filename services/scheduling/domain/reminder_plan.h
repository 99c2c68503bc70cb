// What a course is to remind of, by its policy: one reminder of each rule and session, and of each
// rule and deadline. Pure functions, thread-safe.
//
// What counts for a day is what is booked: a review or a termination whose session is only
// projected is not reminded of, nor a deadline before any session is booked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "scheduling/domain/reminder_types.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// A zone and its name.
struct NamedZone {
  std::string name;
  absl::TimeZone zone;
};

struct ReminderInputs {
  const Course& course;                  // with its progress
  const std::vector<Session>& sessions;  // all of it, by start
  const ReminderPolicy& policy;
  const ContactPreferences& preferences;
  absl::TimeZone course_zone;
  NamedZone patient_zone;
  NamedZone therapist_zone;
  absl::Time now;
};

// By due time, then key: SCHEDULED, or SUPPRESSED where the recipient wants or needs none. Without
// id, generation and version. Only how often OVERDUE has come by depends on `now`, so a reminder
// whose time has passed is among them as any other; reminder_rewrite.h decides about those. None of
// a closed course.
std::vector<Reminder> DesiredReminders(const ReminderInputs& inputs);

// Tells lists of desired reminders apart; the same in every process. Positive.
int64_t DigestOf(const std::vector<Reminder>& desired);

}  // namespace ipt::scheduling
