// Reminder policies and contact preferences: what may be in them, and what holds where nothing was
// set. Pure functions, thread-safe.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "platform/errors/field_violations.h"
#include "scheduling/domain/reminder_types.h"

namespace ipt::scheduling {

// Without a policy a clinic's patients are sent nothing, since what they are told is for the
// hospital to decide. Therapists are reminded of their courses' deadlines by e-mail.
const ReminderPolicy& DefaultReminderPolicy();

// Everything that decides what a course sends, as it is stored.
struct ReminderSettings {
  int64_t version = 0;  // the clinic's reminder_version
  std::optional<HeldReminderPolicy> clinic;
  std::optional<HeldReminderPolicy> course;
  ContactPreferences preferences;
};

// The policy that holds: the course's own, else the clinic's, else the default.
HeldReminderPolicy PolicyOf(const ReminderSettings& settings, bool of_course);

// Adds a violation for each bad field, by the contract's names.
void CheckReminderPolicy(const ReminderPolicy& policy, FieldViolations bad);
// Opted-out channels in any order, each at most once.
void CheckContactPreferences(const ContactPreferences& preferences, FieldViolations bad);
// As a rule's; at least one channel, each once.
void CheckChannels(const std::vector<ReminderChannel>& channels, FieldViolations& bad);
void CheckTemplate(absl::string_view key, FieldViolations& bad);

}  // namespace ipt::scheduling
