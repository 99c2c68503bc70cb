// The queue of reminders in SQL: implements the port of domain/delivery_tx.h within one
// transaction. Private to this folder.
//
// PostgreSQL: a claim takes the rows of the courses first (skipping those that another transaction
// holds), so that it neither meets a rewriting of their reminders half way nor another claim of the
// same course. SQLite's writer is one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/storage/database.h"
#include "platform/transaction/write_log.h"
#include "scheduling/domain/delivery_tx.h"

namespace ipt::scheduling {

class SqlDelivery final : public DeliveryTx {
 public:
  // Both outlive it.
  SqlDelivery(storage::Connection& conn, WriteLog& log) : conn_(conn), log_(log) {}

  absl::StatusOr<absl::Time> StoreNow(absl::Time own_now) override;
  absl::StatusOr<std::string> QueueEpoch() override;
  absl::StatusOr<bool> AnyToSweep(absl::Time now) override;
  absl::StatusOr<std::vector<QueueHead>> QueueHeads() override;
  absl::StatusOr<std::vector<QueueEntry>> QueuePage(absl::string_view clinic_id,
                                                    absl::Time after_next,
                                                    absl::string_view after_id, absl::Time before,
                                                    int limit) override;
  absl::StatusOr<std::vector<QueueEntry>> FindQueued(absl::string_view clinic_id,
                                                     const std::vector<std::string>& ids) override;
  absl::StatusOr<QueueCounts> CountQueue(absl::Time now, int64_t most) override;

  absl::StatusOr<SendingGate> Gate(absl::string_view clinic_id, absl::Time own_now) override;
  absl::Status UseRoom(absl::string_view clinic_id, absl::Time now, int64_t leases) override;
  absl::StatusOr<std::vector<std::string>> DueIds(const ClaimCommand& command, int limit) override;
  absl::StatusOr<std::vector<Reminder>> Claim(const ClaimCommand& command,
                                              const std::vector<std::string>& ids,
                                              int64_t& lease_token) override;
  absl::StatusOr<std::vector<Reminder>> FindScheduled(absl::string_view clinic_id,
                                                      const std::vector<std::string>& ids) override;
  absl::StatusOr<std::vector<std::optional<LeaseRecord>>> LockLeases(
      absl::string_view clinic_id, const std::vector<Named>& leases) override;
  absl::StatusOr<std::vector<LeaseRecord>> LockLapsed(absl::Time now, int limit) override;
  absl::StatusOr<std::vector<LeaseRecord>> LockTooLate(absl::Time now, int limit) override;
  absl::StatusOr<std::vector<QueueEntry>> FirstDueOfCourses(absl::string_view clinic_id,
                                                            const std::vector<std::string>& ids,
                                                            absl::Time now) override;
  absl::Status WriteRows(const std::vector<KeyedRowChange>& changes, absl::Time now) override;
  absl::Status EndAttempts(const std::vector<KeyedAttemptEnd>& ends, absl::Time now) override;
  absl::Status WriteReports(absl::string_view clinic_id,
                            const std::vector<std::string>& reminder_ids, DeliveryOutcome outcome,
                            absl::Time time, absl::Time now) override;

 private:
  bool sqlite() const { return conn_.dialect() == storage::Dialect::kSqlite; }
  absl::StatusOr<std::vector<Reminder>> ReadReminders(absl::string_view clinic_id,
                                                      absl::string_view condition,
                                                      std::vector<storage::Value> params);
  absl::StatusOr<std::vector<LeaseRecord>> LockQueued(absl::string_view condition, absl::Time now,
                                                      int limit);

  storage::Connection& conn_;
  WriteLog& log_;
};

}  // namespace ipt::scheduling
