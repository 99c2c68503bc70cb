// Use cases of reminders but their delivery: what a clinic or a course sends, what a patient wants,
// whether a clinic sends at all, and what a person does to single reminders. Each write runs in the
// given transaction, which must be rolled back when it fails, and takes ctx.now as now and
// ctx.clinic_id as clinic. `if_revision` as of CheckIfRevision.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/reminder_types.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// A test that is not fetched by then is not sent.
inline constexpr absl::Duration kTestLifetime = absl::Minutes(15);

// What stands out in a course from now on; its reminders follow in this transaction. Of a closed
// one nothing is kept. NOT_FOUND, INVALID_FIELDS.
absl::Status NoteCourseFindings(SchedulingTx& tx, const CallContext& ctx,
                                const std::string& course_id, std::vector<CourseFinding> findings);

// `course_id` empty: the clinic's. NOT_FOUND for clinic and course.
absl::StatusOr<HeldReminderPolicy> GetReminderPolicy(SchedulingReader& reader,
                                                     const CallContext& ctx,
                                                     const std::string& course_id);

// `redraft` makes the new policy, a valid one, of what holds now. A course's reminders follow in
// this transaction, a clinic's with the next look at stale courses; none is leased by the old one.
absl::StatusOr<HeldReminderPolicy> SetReminderPolicy(
    SchedulingTx& tx, const CallContext& ctx, const std::string& course_id, int64_t if_revision,
    absl::FunctionRef<absl::StatusOr<ReminderPolicy>(const ReminderPolicy&)> redraft);

// Takes a course's own away and returns the one that holds then.
absl::StatusOr<HeldReminderPolicy> ResetReminderPolicy(SchedulingTx& tx, const CallContext& ctx,
                                                       const std::string& course_id);

// NOT_FOUND where the clinic has no such patient.
absl::StatusOr<ContactPreferences> GetContactPreferences(SchedulingReader& reader,
                                                         const CallContext& ctx,
                                                         const Identifier& patient);
// `redraft` as of SetReminderPolicy. The patient's reminders follow in this transaction.
absl::StatusOr<ContactPreferences> SetContactPreferences(
    SchedulingTx& tx, const CallContext& ctx, const Identifier& patient, int64_t if_revision,
    absl::FunctionRef<absl::StatusOr<ContactPreferences>(const ContactPreferences&)> redraft);
// The same of `gone` alone, where it is not so yet.
absl::Status SetPatientGone(SchedulingTx& tx, const CallContext& ctx, const Identifier& patient,
                            bool gone);
// Patients who unsubscribed by what came of a reminder to them: each is opted out of that channel.
// Therapists and reminders that there are not are passed over.
struct Unsubscription {
  std::string reminder_id;
  ReminderChannel channel = ReminderChannel::kUnspecified;
};
absl::Status Unsubscribe(SchedulingTx& tx, const CallContext& ctx,
                         const std::vector<Unsubscription>& unsubscriptions);
// Gives `into` what `from` wanted, too, before the two are merged: opted-out channels and absence
// of either count; language and zone are into's, where it has them.
absl::Status MergeContactPreferences(SchedulingTx& tx, const CallContext& ctx,
                                     const std::string& from_id, const std::string& into_id);

struct SetSendingCommand {
  bool paused = false;
  int max_per_minute = 0;
  std::string reason;
  int64_t if_revision = 0;
};
absl::StatusOr<SendingState> SetSending(SchedulingTx& tx, const CallContext& ctx,
                                        const SetSendingCommand& command);

// What the course would send from now on, by due time: with those that would be suppressed, without
// those that were sent. `draft` null: by the policy that holds.
absl::StatusOr<std::vector<Reminder>> PreviewReminders(SchedulingReader& reader,
                                                       const CallContext& ctx,
                                                       const std::string& course_id,
                                                       const ReminderPolicy* draft);

struct TestReminderCommand {
  std::string course_id;
  ReminderAudience audience = ReminderAudience::kTherapist;
  std::vector<ReminderChannel> channels;
  std::string template_key;
};
// About a made-up session tomorrow. Heeds the patient's wishes and quiet hours as a real one does.
absl::StatusOr<Reminder> TestReminder(SchedulingTx& tx, const CallContext& ctx,
                                      const TestReminderCommand& command);

// REMINDER_STATE unless it is a dead letter that still tells what is so, and in time.
absl::StatusOr<Reminder> ReplayReminder(SchedulingTx& tx, const CallContext& ctx,
                                        const std::string& reminder_id);
// REMINDER_STATE unless it is dead or scheduled.
absl::StatusOr<Reminder> DropReminder(SchedulingTx& tx, const CallContext& ctx,
                                      const std::string& reminder_id, const std::string& reason);

}  // namespace ipt::scheduling
