// Alerts in SQL: implements the port of domain/alert_tx.h within one transaction, a read or a
// write. Private to this folder.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "outcomes/domain/alert_tx.h"
#include "platform/storage/database.h"
#include "platform/transaction/write_log.h"

namespace ipt::outcomes {

class SqlAlertTx final : public AlertTx {
 public:
  // All of them outlive it. In a read, nothing but AlertReader's methods is called.
  SqlAlertTx(storage::Connection& conn, WriteLog& log, const AlertEventEncoder& encoder,
             AlertDirectory& directory)
      : conn_(conn), log_(log), encoder_(encoder), directory_(directory) {}

  // How many alerts of each kind (by its number) this transaction has raised.
  using Raised = std::array<int, 5>;
  const Raised& raised() const { return raised_; }

  absl::StatusOr<Alert> GetAlert(absl::string_view clinic_id, absl::string_view course_id,
                                 absl::string_view alert_id) override;
  absl::StatusOr<std::vector<Alert>> ListAlerts(absl::string_view clinic_id,
                                                const AlertFilter& filter,
                                                const std::optional<AlertCursor>& after,
                                                int limit) override;
  absl::StatusOr<std::vector<std::string>> OpenAlertIds(absl::string_view clinic_id,
                                                        absl::string_view course_id,
                                                        int limit) override;
  absl::StatusOr<std::optional<absl::Time>> NextEscalation() override;
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> TherapistsWithAlerts(
      int limit) override;
  absl::StatusOr<AlertCounts> CountAlerts(absl::string_view clinic_id) override;
  absl::StatusOr<std::optional<AlertRouting>> FindRouting(absl::string_view clinic_id,
                                                          absl::string_view therapist_id) override;
  absl::StatusOr<std::vector<AlertRouting>> ListRoutings(absl::string_view clinic_id,
                                                         absl::string_view after_id,
                                                         int limit) override;
  absl::StatusOr<std::vector<AlertListener>> ListListeners(absl::string_view clinic_id,
                                                           absl::Time now) override;
  absl::StatusOr<std::vector<AlertRecipient>> OpenAssignees(absl::string_view clinic_id,
                                                            int limit) override;
  absl::StatusOr<std::optional<CoverageRow>> FindCoverage(absl::string_view clinic_id) override;
  absl::StatusOr<absl::Duration> Uncovered(absl::string_view clinic_id, absl::Time from,
                                           absl::Time to) override;
  absl::StatusOr<std::vector<std::string>> AlertClinics(absl::string_view after_id,
                                                        int limit) override;
  absl::StatusOr<int64_t> CountCoverage(CoverageState state) override;
  absl::StatusOr<int64_t> CountListeners(absl::Time now) override;
  absl::StatusOr<int64_t> CurrentRevision() override;
  AlertDirectory& directory() override { return directory_; }

  WriteLog& log() override { return log_; }
  absl::Status Emit(const AlertEvent& event, absl::Time now) override;
  absl::StatusOr<Alert> LockAlert(absl::string_view clinic_id, absl::string_view course_id,
                                  absl::string_view alert_id) override;
  absl::StatusOr<std::vector<Alert>> LockAlertsOf(absl::string_view clinic_id,
                                                  absl::string_view course_id,
                                                  absl::string_view measurement_id) override;
  absl::StatusOr<std::vector<Alert>> LockDue(absl::Time now, int limit) override;
  absl::StatusOr<std::vector<Alert>> LockUnacknowledged(absl::string_view clinic_id,
                                                        const AlertRecipient& assignee,
                                                        int limit) override;
  absl::Status InsertAlert(Alert& alert, absl::Time now) override;
  absl::StatusOr<bool> UpdateAlert(Alert& alert, absl::Time now) override;
  absl::Status NoteSent(absl::string_view clinic_id, const std::vector<std::string>& alert_ids,
                        absl::Time now) override;
  absl::StatusOr<bool> PutRouting(AlertRouting& routing, absl::Time now) override;
  absl::Status DeleteRouting(absl::string_view clinic_id, absl::string_view therapist_id) override;
  absl::Status PutListener(const AlertListener& listener) override;
  absl::Status DeleteListener(absl::string_view clinic_id, absl::string_view listener_id) override;
  absl::Status DeleteLapsedListeners(absl::Time now) override;
  absl::StatusOr<bool> MoveCoverage(absl::string_view clinic_id,
                                    const std::optional<CoverageRow>& from,
                                    const CoverageRow& to) override;
  absl::Status PurgeCoverage(absl::Time before) override;

 private:
  using Params = absl::Span<const storage::Value>;

  bool sqlite() const { return conn_.dialect() == storage::Dialect::kSqlite; }
  // Alerts that `rest` (conditions, order, limit) selects.
  absl::StatusOr<std::vector<Alert>> Select(absl::string_view rest, Params params);
  // The same, locked until this transaction ends. `skip`: without those that are locked already.
  // SQLite's writer is one.
  absl::StatusOr<std::vector<Alert>> SelectLocked(absl::string_view rest, Params params, bool skip);
  absl::StatusOr<std::vector<AlertRouting>> SelectRoutings(absl::string_view rest, Params params);

  storage::Connection& conn_;
  WriteLog& log_;
  const AlertEventEncoder& encoder_;
  AlertDirectory& directory_;
  Raised raised_{};
};

}  // namespace ipt::outcomes
