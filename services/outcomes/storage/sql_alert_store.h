// Transactions of alerts alone, on SQL: implements AlertStore on SQLite and PostgreSQL.
// Thread-safe.
//
// Measurements raise alerts in transactions of their own store, which makes a SqlAlertTx on its
// connection; these are for all that becomes of alerts afterwards.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "outcomes/domain/alert_tx.h"
#include "platform/storage/database.h"

namespace ipt::outcomes {

class SqlAlertStore final : public AlertStore {
 public:
  // What a transaction may know of scheduling.
  using OpenDirectory = std::function<std::unique_ptr<AlertDirectory>(storage::Connection&)>;

  // `db` (with outcomes' and the platform's components in it) and `encoder` outlive it. `committed`
  // is called after each write: it wakes whoever follows events, and never blocks.
  SqlAlertStore(storage::Database& db, const AlertEventEncoder& encoder, OpenDirectory directory,
                std::function<void()> committed)
      : db_(db),
        encoder_(encoder),
        directory_(std::move(directory)),
        committed_(std::move(committed)) {}

  absl::Status Read(absl::Time deadline,
                    absl::FunctionRef<absl::Status(AlertReader&)> body) override;
  absl::Status Write(absl::Time deadline, absl::FunctionRef<absl::Status(AlertTx&)> body) override;
  // In a transaction that the service makes by itself: what it changes is audited as EscalateAlert
  // by the service. `committed` is not called.
  absl::Status WriteIn(storage::Connection& conn, absl::string_view clinic_id, absl::Time now,
                       absl::FunctionRef<absl::Status(AlertTx&)> body);

 private:
  // Runs `body` on alerts in the transaction of this connection.
  template <typename Body>
  absl::Status In(storage::Connection& conn, const Body& body) const;

  storage::Database& db_;
  const AlertEventEncoder& encoder_;
  const OpenDirectory directory_;
  const std::function<void()> committed_;
};

}  // namespace ipt::outcomes
