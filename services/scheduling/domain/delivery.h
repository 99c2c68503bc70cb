// What becomes of a reminder in a gateway's hands: pure decisions, and the steps of one transaction
// that carry them out. The port to the rows is delivery_tx.h.
//
// The guarantee: an outcome is applied once; a send happens at least once, and more than once only
// where a gateway sent and its word did not reach the store before the lease ended. Then the same
// generation is leased again, under the same idempotency key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "scheduling/domain/delivery_tx.h"
#include "scheduling/domain/queue_listener.h"
#include "scheduling/domain/reminder_types.h"

namespace ipt::scheduling {

// ------------------------------------------------------------------------------------- decisions

struct BackOff {
  absl::Duration first = absl::Seconds(30);
  absl::Duration most = absl::Hours(1);
};

// How long to wait after the attempt of this number (from 1) failed: doubles from `first` to
// `most`, between half of it and all of it as `random` (0 to 1) says.
absl::Duration WaitAfter(int attempt, const BackOff& back_off, double random);

enum class LeaseVerdict { kUnspecified = 0, kApplied, kRepeated, kLost, kSuperseded, kNotFound };

// A gateway's word about a lease.
struct Completion {
  std::string reminder_id;
  int64_t lease_token = 0;
  AttemptOutcome outcome = AttemptOutcome::kUnspecified;  // kSent, kRetry or kDead
  std::string reason;
  absl::Duration retry_delay{};
};

// What it does: the verdict, the state afterwards, and what is to be written (nullopt: nothing).
struct Judgement {
  LeaseVerdict verdict = LeaseVerdict::kUnspecified;
  ReminderState state = ReminderState::kUnspecified;
  std::optional<RowChange> row{};
  std::optional<AttemptEnd> attempt{};
};

// `found`: nullopt where there is no such reminder.
Judgement JudgeCompletion(const std::optional<LeaseRecord>& found, const Completion& word,
                          absl::Time now, const BackOff& back_off, double random);

// Whether a lease may be kept for longer; on kApplied until `until`, or the reminder's end.
Judgement JudgeExtension(const std::optional<LeaseRecord>& found, absl::Time until);

// What becomes of a lease that ended without a word, or of a reminder whose time has passed.
Judgement JudgeEnd(const LeaseRecord& record, absl::Time now);

// ----------------------------------------------------------------------------------------- steps

struct LeaseCommand {
  std::string clinic_id;
  std::string caller;
  int most = 0;
  absl::Duration lease_for;
  // Bits 1 << channel; nullopt: all.
  std::optional<int64_t> channels;
  // Candidates, of which the store decides; nullopt: the store looks for them itself.
  std::optional<std::vector<std::string>> candidates;
};

struct LeaseResult {
  SendingGate gate;
  int64_t lease_token = 0;
  std::vector<Reminder> leased;  // by due time
  // The candidates that were not, and when they may be (nullopt: they are in the queue no more).
  std::vector<QueueChange> refused;
};

// Leases what is due by the store's own clock (`own_now` where it has none): of each course the
// first, and only while no other of it is leased; none while the clinic's sending is paused, beyond
// its pace, by an old policy, in quiet hours, or once it is too late.
absl::StatusOr<LeaseResult> LeaseDue(DeliveryTx& tx, const LeaseCommand& command,
                                     absl::Time own_now);

struct Verdict {
  LeaseVerdict verdict = LeaseVerdict::kUnspecified;
  ReminderState state = ReminderState::kUnspecified;
  absl::Time lease_until{};  // extensions that were applied
};

// One verdict for each, in order; each stands by itself. `changes`: what is in the queue again, and
// what of the same courses waited for its turn.
struct WordResult {
  std::vector<Verdict> verdicts;
  std::vector<QueueChange> changes;
  int sent = 0;
  int retried = 0;
  int dead = 0;
};
absl::StatusOr<WordResult> CompleteLeases(DeliveryTx& tx, absl::string_view clinic_id,
                                          const std::vector<Completion>& words, absl::Time own_now,
                                          const BackOff& back_off, double random);

struct Extension {
  std::string reminder_id;
  int64_t lease_token = 0;
};
absl::StatusOr<WordResult> ExtendLeases(DeliveryTx& tx, absl::string_view clinic_id,
                                        const std::vector<Extension>& leases,
                                        absl::Duration lease_for, absl::Time own_now);

struct DeliveryReport {
  std::string reminder_id;
  DeliveryOutcome outcome = DeliveryOutcome::kUnspecified;
  ReminderChannel channel = ReminderChannel::kUnspecified;  // by which it went
  absl::Time time{};
};
absl::StatusOr<WordResult> ReportDeliveries(DeliveryTx& tx, absl::string_view clinic_id,
                                            const std::vector<DeliveryReport>& reports,
                                            absl::Time now);

// Ends leases that ran out and reminders that are too late, at most `most` of each.
struct SweepResult {
  int lapsed = 0;    // leases that ended without a word
  int dead = 0;      // of these, given up
  int too_late = 0;  // reminders
  bool more = false;
  std::vector<QueueChange> changes;
};
absl::StatusOr<SweepResult> Sweep(DeliveryTx& tx, absl::Time own_now, int most);

}  // namespace ipt::scheduling
