// The port to the queue's rows: what leases, words about leases and the keeper of the index read
// and write. Part of the store's transactions (SchedulingReader::queue, SchedulingTx::delivery);
// errors, threads and lifetimes are theirs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "scheduling/domain/queue_listener.h"
#include "scheduling/domain/reminder_types.h"

namespace ipt::scheduling {

// Whether a clinic may lease, by the store's clock.
struct SendingGate {
  absl::Time now;
  int64_t policy_version = 0;
  bool paused = false;
  std::optional<int64_t> room;  // leases left in the running minute; nullopt: no cap
  absl::Time next_minute;       // when there is new room
};

struct ClaimCommand {
  absl::string_view clinic_id;
  absl::string_view caller;
  absl::Time now;
  absl::Time until;
  int64_t policy_version = 0;
  int64_t channels = -1;  // bits 1 << channel; -1: any
};

// A reminder as the queue has it, and the attempt that a word names by its token.
struct LeaseRecord {
  std::string clinic_id;
  std::string reminder_id;
  ReminderState state = ReminderState::kUnspecified;
  ReminderWhyNot why_not = ReminderWhyNot::kUnspecified;
  int64_t generation = 0;
  absl::Time not_after;
  int attempt = 0;
  int max_attempts = 0;
  bool hold_unknown = false;
  int64_t lease_token = 0;
  DeliveryOutcome delivery = DeliveryOutcome::kUnspecified;
  struct Attempt {
    int64_t lease_token = 0;
    int64_t generation = 0;
    int attempt = 0;
    bool ended = false;
    AttemptOutcome outcome = AttemptOutcome::kUnspecified;
  };
  std::optional<Attempt> named{};
};

// What is written to a reminder. Unset: as it is.
struct RowChange {
  ReminderState state = ReminderState::kUnspecified;
  ReminderWhyNot why_not = ReminderWhyNot::kUnspecified;
  absl::Time next;
  std::optional<absl::Time> quiet_from{};
  std::optional<absl::Time> sent{};
};
struct KeyedRowChange {
  std::string clinic_id;
  std::string reminder_id;
  RowChange change;
};

// And to the attempt that a lease began.
struct AttemptEnd {
  int64_t generation = 0;
  int attempt = 0;
  AttemptOutcome outcome = AttemptOutcome::kUnspecified;
  std::string reason{};
};
struct KeyedAttemptEnd {
  std::string clinic_id;
  std::string reminder_id;
  AttemptEnd end;
};

// One entry of the queue as an index has it.
struct QueueEntry {
  std::string reminder_id;
  int64_t generation = 0;
  absl::Time next;
  bool leased = false;
};

// A clinic that has anything in its queue.
struct QueueHead {
  std::string clinic_id;
  absl::Time next;  // of its first entry, a lease's end among them
  bool paused = false;
};

// Counts of the whole store, cut off at `most` each.
struct QueueCounts {
  int64_t due = 0;
  int64_t leased = 0;
  int64_t dead = 0;
};

class QueueReader {
 public:
  virtual ~QueueReader() = default;

  // The store's clock; `own_now` where the store is this process' own file.
  virtual absl::StatusOr<absl::Time> StoreNow(absl::Time own_now) = 0;

  // Names the store's contents to an index of the queue: another one after a restore.
  virtual absl::StatusOr<std::string> QueueEpoch() = 0;

  // Whether LockLapsed or LockTooLate would find any.
  virtual absl::StatusOr<bool> AnyToSweep(absl::Time now) = 0;
  // By clinic.
  virtual absl::StatusOr<std::vector<QueueHead>> QueueHeads() = 0;
  // SCHEDULED ones by (next, id), strictly after the given position, before `before`.
  virtual absl::StatusOr<std::vector<QueueEntry>> QueuePage(absl::string_view clinic_id,
                                                            absl::Time after_next,
                                                            absl::string_view after_id,
                                                            absl::Time before, int limit) = 0;
  // Those of these ids that are in the queue; in no order.
  virtual absl::StatusOr<std::vector<QueueEntry>> FindQueued(
      absl::string_view clinic_id, const std::vector<std::string>& ids) = 0;
  virtual absl::StatusOr<QueueCounts> CountQueue(absl::Time now, int64_t most) = 0;
};

class DeliveryTx : public QueueReader {
 public:
  // Whether the clinic may lease now. Where it has a pace, until this transaction ends no other one
  // leases for it.
  virtual absl::StatusOr<SendingGate> Gate(absl::string_view clinic_id, absl::Time own_now) = 0;
  // Counts leases of the running minute.
  virtual absl::Status UseRoom(absl::string_view clinic_id, absl::Time now, int64_t leases) = 0;

  // Ids of what Claim would lease, by (next, id); quiet hours are not looked at.
  virtual absl::StatusOr<std::vector<std::string>> DueIds(const ClaimCommand& command,
                                                          int limit) = 0;
  // Leases those of `ids` that may be leased, as one compare-and-set, and begins their attempts.
  // By due time. `lease_token` is of this store and newer than any before.
  virtual absl::StatusOr<std::vector<Reminder>> Claim(const ClaimCommand& command,
                                                      const std::vector<std::string>& ids,
                                                      int64_t& lease_token) = 0;
  // The reminders of these ids that are SCHEDULED, in no order.
  virtual absl::StatusOr<std::vector<Reminder>> FindScheduled(
      absl::string_view clinic_id, const std::vector<std::string>& ids) = 0;

  // The reminders of these ids with the attempts of these tokens (0: none is named), in order;
  // nullopt where there is none. No other transaction changes them until this one ends.
  struct Named {
    std::string reminder_id;
    int64_t lease_token = 0;
  };
  virtual absl::StatusOr<std::vector<std::optional<LeaseRecord>>> LockLeases(
      absl::string_view clinic_id, const std::vector<Named>& leases) = 0;

  // Leases that have run out, and SCHEDULED ones that are too late, of all clinics; `named` is the
  // newest attempt. Those that another transaction holds are left out.
  virtual absl::StatusOr<std::vector<LeaseRecord>> LockLapsed(absl::Time now, int limit) = 0;
  virtual absl::StatusOr<std::vector<LeaseRecord>> LockTooLate(absl::Time now, int limit) = 0;

  // Of each course of these reminders, the first SCHEDULED one that is due.
  virtual absl::StatusOr<std::vector<QueueEntry>> FirstDueOfCourses(
      absl::string_view clinic_id, const std::vector<std::string>& ids, absl::Time now) = 0;

  virtual absl::Status WriteRows(const std::vector<KeyedRowChange>& changes, absl::Time now) = 0;
  virtual absl::Status EndAttempts(const std::vector<KeyedAttemptEnd>& ends, absl::Time now) = 0;
  virtual absl::Status WriteReports(absl::string_view clinic_id,
                                    const std::vector<std::string>& reminder_ids,
                                    DeliveryOutcome outcome, absl::Time time, absl::Time now) = 0;
};

}  // namespace ipt::scheduling
