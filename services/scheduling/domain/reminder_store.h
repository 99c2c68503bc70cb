// The reminders' part of the store's port (store.h says what holds for all of it).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "scheduling/domain/reminder_policy.h"
#include "scheduling/domain/reminder_types.h"

namespace ipt::scheduling {

struct ReminderFilter {
  std::string course_id;  // empty: all courses
  std::vector<ReminderState> states;
  std::vector<ReminderKind> kinds;
  std::optional<absl::Time> due_from;
  std::optional<absl::Time> due_before;
};

// Keyset position in a list of reminders: (due, id) of the last one returned.
struct ReminderCursor {
  absl::Time due;
  std::string reminder_id;
};

struct ReminderCounts {
  int64_t scheduled = 0;  // not yet due, retries among them
  int64_t due = 0;        // and not leased
  int64_t leased = 0;
  int64_t retrying = 0;  // scheduled for another attempt
  int64_t dead = 0;
  int64_t sent_day = 0;  // in the last 24 hours
  std::optional<absl::Time> oldest_due;
  std::optional<absl::Time> next_due;
};

class ReminderReader {
 public:
  virtual ~ReminderReader() = default;

  // What decides about a course's reminders, in one statement. NOT_FOUND for the clinic only: a
  // course and a patient that are not there, or are empty, have set nothing.
  virtual absl::StatusOr<ReminderSettings> GetReminderSettings(absl::string_view clinic_id,
                                                               absl::string_view course_id,
                                                               absl::string_view patient_id) = 0;
  // Never set: the default. NOT_FOUND for the clinic.
  virtual absl::StatusOr<SendingState> GetSending(absl::string_view clinic_id) = 0;

  virtual absl::StatusOr<Reminder> GetReminder(absl::string_view clinic_id,
                                               absl::string_view reminder_id) = 0;
  // By due time, then id.
  virtual absl::StatusOr<std::vector<Reminder>> ListReminders(
      absl::string_view clinic_id, const ReminderFilter& filter,
      const std::optional<ReminderCursor>& after, int limit) = 0;
  // By generation, then attempt.
  virtual absl::StatusOr<std::vector<DeliveryAttempt>> ListAttempts(
      absl::string_view clinic_id, absl::string_view reminder_id) = 0;
  // Of each of these ids, in order, the reason of the newest attempt; empty where it has none.
  virtual absl::StatusOr<std::vector<std::string>> LastReasons(
      absl::string_view clinic_id, const std::vector<std::string>& ids) = 0;
  virtual absl::StatusOr<ReminderCounts> CountReminders(absl::string_view clinic_id,
                                                        absl::Time now) = 0;
};

// What writes put into the queue, or take out of it, is told to the store's QueueListener.
class ReminderWriter {
 public:
  virtual ~ReminderWriter() = default;

  // All of a course, tests too, in no order. Nobody else changes them until the transaction ends.
  virtual absl::StatusOr<std::vector<Reminder>> LockReminders(absl::string_view clinic_id,
                                                              absl::string_view course_id) = 0;
  // The same of one reminder. Take its course first, as whoever rewrites or leases does.
  virtual absl::StatusOr<Reminder> LockReminder(absl::string_view clinic_id,
                                                absl::string_view reminder_id) = 0;

  // Of one clinic, in one statement. Insert: those without an id are given one. ALREADY_EXISTS for
  // a second of one key. Both set update_time, Insert also create_time.
  virtual absl::Status InsertReminders(std::vector<Reminder>& reminders, absl::Time now) = 0;
  // An attempt under way of an older generation ends as SUPERSEDED.
  virtual absl::Status UpdateReminders(std::vector<Reminder>& reminders, absl::Time now) = 0;
  // Those of a course that wait are as the clinic's `version` wants them.
  virtual absl::Status KeepReminders(absl::string_view clinic_id, absl::string_view course_id,
                                     int64_t version) = 0;

  // `course_id` empty: the clinic's, which moves its reminder version on.
  virtual absl::Status PutReminderPolicy(absl::string_view clinic_id, absl::string_view course_id,
                                         HeldReminderPolicy& policy, absl::Time now) = 0;
  // A course's own; there may be none.
  virtual absl::Status DeleteReminderPolicy(absl::string_view clinic_id,
                                            absl::string_view course_id) = 0;
  virtual absl::Status PutContactPreferences(absl::string_view clinic_id,
                                             absl::string_view patient_id,
                                             ContactPreferences& preferences, absl::Time now) = 0;
  virtual absl::Status PutSending(SendingState& sending, absl::Time now) = 0;
};

}  // namespace ipt::scheduling
