// The nouns of reminders: plain values, no behaviour. Enumerators have the numbers of their proto
// twins (rpc/ asserts it), so that conversion is a cast. protos/ipt/scheduling/v1/reminder.proto
// says what each field means; here is what the contract does not show.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

inline constexpr int kMinutesOfDay = 24 * 60;  // of the wall clock

enum class ReminderKind {
  kUnspecified = 0,
  kSession,
  kMidCourseReview,
  kTerminationStart,
  kDeadlineAhead,
  kDeadlineDay,
  kOverdue,
  kNoSessionBooked,
  kMeasureDue,
  kProtocolFinding
};

enum class ReminderAudience { kUnspecified = 0, kPatient, kTherapist };

enum class ReminderChannel { kUnspecified = 0, kSms, kEmail, kPush, kVoice, kLetter };

// ------------------------------------------------------------------------------------- policies

enum class QuietHoursShift { kUnspecified = 0, kEarlier, kLater };

// Minutes from local midnight, 0 to 1439; end <= start: on the next day. Never a whole day.
struct QuietHours {
  int start_minute = 0;
  int end_minute = 0;
  QuietHoursShift shift = QuietHoursShift::kUnspecified;
  friend bool operator==(const QuietHours&, const QuietHours&) = default;
};

struct SessionReminderRule {
  ReminderAudience audience = ReminderAudience::kUnspecified;
  int minutes_before = 0;
  std::vector<ReminderChannel> channels;
  std::string template_key;
  friend bool operator==(const SessionReminderRule&, const SessionReminderRule&) = default;
};

struct CourseReminderRule {
  ReminderKind kind = ReminderKind::kUnspecified;
  ReminderAudience audience = ReminderAudience::kUnspecified;
  int weeks_before = 0;
  std::vector<ReminderChannel> channels;
  std::string template_key;
  friend bool operator==(const CourseReminderRule&, const CourseReminderRule&) = default;
};

enum class AfterUnknown { kUnspecified = 0, kResend, kHold };

struct ReminderPolicy {
  std::vector<SessionReminderRule> session_rules;
  std::vector<CourseReminderRule> course_rules;
  std::optional<QuietHours> quiet_hours;
  std::optional<int> course_reminder_minute;
  int max_attempts = 0;
  AfterUnknown after_unknown = AfterUnknown::kUnspecified;
  friend bool operator==(const ReminderPolicy&, const ReminderPolicy&) = default;
};

// What holds where a policy leaves a value unset.
struct ReminderDefaults {
  static constexpr int kCourseReminderMinute = 9 * 60;
  static constexpr int kMaxAttempts = 8;
  static constexpr AfterUnknown kAfterUnknown = AfterUnknown::kResend;
};

// A policy as it is stored, or as it holds for a course. Never stored: revision 0.
struct HeldReminderPolicy {
  ReminderPolicy policy;
  bool inherited = false;  // of a course that has none of its own
  int64_t revision = 0;
  absl::Time update_time;
};

struct SendingState {
  std::string clinic_id;
  bool paused = false;
  int max_per_minute = 0;
  std::string reason;
  std::string caller;
  // When it was last set; never: revision 0.
  int64_t revision = 0;
  absl::Time update_time;
  friend bool operator==(const SendingState&, const SendingState&) = default;
};

struct ContactPreferences {
  std::vector<ReminderChannel> opted_out;  // sorted, each once
  std::string language;
  std::string time_zone;
  bool gone = false;
  // Never set: revision 0.
  int64_t revision = 0;
  absl::Time update_time;
  friend bool operator==(const ContactPreferences&, const ContactPreferences&) = default;
};

// ------------------------------------------------------------------------------------ reminders

enum class ReminderState {
  kUnspecified = 0,
  kScheduled,
  kLeased,
  kSent,
  kDead,
  kCancelled,
  kSuppressed
};

// Whether it is still in the queue.
inline bool IsQueued(ReminderState state) {
  return state == ReminderState::kScheduled || state == ReminderState::kLeased;
}

enum class ReminderWhyNot {
  kUnspecified = 0,
  kOptedOut,
  kTooLate,
  kCourseClosed,
  kRecipientGone,
  kSessionGone,
  kSuperseded,
  kNoRule,
  kAttemptsExhausted,
  kRejected,
  kDropped,
  kBornLate,
  kOutcomeUnknown
};

enum class DeliveryOutcome { kUnspecified = 0, kDelivered, kBounced, kUnsubscribed };

enum class AttemptOutcome { kUnspecified = 0, kSent, kRetry, kDead, kUnknown, kSuperseded };

struct ReminderVariables {
  std::optional<absl::Time> session_start;
  std::optional<absl::Time> session_end;
  std::string time_zone;  // the recipient's, in which quiet hours are read, too; never empty
  Modality modality = Modality::kUnspecified;
  std::string location;
  int session_number = 0;
  std::optional<absl::CivilDay> day;
  int weeks = 0;
  std::vector<CourseFinding> findings{};
  friend bool operator==(const ReminderVariables&, const ReminderVariables&) = default;
};

// Which of a course's reminders: there is one of each.
struct ReminderKey {
  std::string session_id;  // empty where it is about no session
  ReminderKind kind = ReminderKind::kUnspecified;
  ReminderAudience audience = ReminderAudience::kUnspecified;
  // SESSION: minutes before. DEADLINE_AHEAD: the weeks before, in minutes.
  int offset_minutes = 0;
  // OVERDUE: which week, from 0. PROTOCOL_FINDING: the number of its note. Of a test, any that is
  // its own.
  int64_t occurrence = 0;
  friend auto operator<=>(const ReminderKey&, const ReminderKey&) = default;
};

struct Reminder {
  std::string clinic_id;
  std::string reminder_id;
  std::string course_id;
  ReminderKey key;
  std::string therapist_id;
  std::string patient_id;
  Identifier patient;  // read-only: the patient's of the moment
  bool test = false;

  // Grows with every rewriting; what is leased or acknowledged of an older one is void.
  int64_t generation = 0;
  absl::Time due;
  absl::Time not_after;  // never leased at or after it

  ReminderState state = ReminderState::kUnspecified;
  ReminderWhyNot why_not = ReminderWhyNot::kUnspecified;
  // SCHEDULED: the earliest next lease. LEASED: the lease's end. Else meaningless.
  absl::Time next;
  int attempt = 0;  // of this generation
  int max_attempts = 0;
  bool hold_unknown = false;  // dead, not leased again, once a lease ended without a word
  int64_t lease_token = 0;    // the newest lease's; kept when the reminder changes under it

  std::vector<ReminderChannel> channels;
  std::string template_key;
  std::string language;
  ReminderVariables variables;

  // The recipient's quiet hours (of no use: shift), and when the ones that follow `next` begin
  // (kNoQuietTime: none). Never leased at or after that: a reminder that a pause, an outage or a
  // retry has carried into them is given another `next` first, by SkipQuietHours of
  // reminder_quiet.h.
  std::optional<QuietHours> quiet_hours;
  absl::Time quiet_from;

  int64_t policy_version = 0;  // not leased unless the clinic's
  std::string note;            // why a person dropped it
  std::optional<absl::Time> sent_time;
  DeliveryOutcome delivery = DeliveryOutcome::kUnspecified;
  std::optional<absl::Time> delivery_time;
  absl::Time create_time;
  absl::Time update_time;
  friend bool operator==(const Reminder&, const Reminder&) = default;
};

// The year 9999, which SQL, protobuf and civil time all hold.
inline constexpr absl::Time kNoQuietTime = absl::FromUnixSeconds(253402300799);

struct DeliveryAttempt {
  int64_t generation = 0;
  int attempt = 0;
  int64_t lease_token = 0;
  std::string caller;
  absl::Time lease_time;
  std::optional<absl::Time> end_time;
  AttemptOutcome outcome = AttemptOutcome::kUnspecified;
  std::string reason;
  friend bool operator==(const DeliveryAttempt&, const DeliveryAttempt&) = default;
};

}  // namespace ipt::scheduling
