#include "outcomes/storage/sql_alert_store.h"

#include "outcomes/domain/own_work.h"
#include "outcomes/storage/sql_alert_tx.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/sql_write_log.h"

namespace ipt::outcomes {

absl::Status SqlAlertStore::Read(absl::Time deadline,
                                 absl::FunctionRef<absl::Status(AlertReader&)> body) {
  storage::CallOptions options;
  options.deadline = deadline;
  return db_.Read(options, [&](storage::Connection& conn) {
    storage::SqlWriteLog log(conn);
    const std::unique_ptr<AlertDirectory> directory = directory_(conn);
    SqlAlertTx tx(conn, log, encoder_, *directory);
    return body(tx);
  });
}

absl::Status SqlAlertStore::Write(absl::Time deadline,
                                  absl::FunctionRef<absl::Status(AlertTx&)> body) {
  storage::CallOptions options;
  options.deadline = deadline;
  const absl::Status status = db_.Write(options, [&](storage::Connection& conn) {
    storage::SqlWriteLog log(conn);
    const std::unique_ptr<AlertDirectory> directory = directory_(conn);
    SqlAlertTx tx(conn, log, encoder_, *directory);
    return body(tx);
  });
  // A store that went away during the commit may have committed.
  if (status.ok() || absl::IsUnavailable(status)) committed_();
  return status;
}

absl::Status SqlAlertStore::WriteIn(storage::Connection& conn, absl::string_view clinic_id,
                                    absl::Time now,
                                    absl::FunctionRef<absl::Status(AlertTx&)> body) {
  storage::SqlWriteLog log(conn);
  const std::unique_ptr<AlertDirectory> directory = directory_(conn);
  SqlAlertTx tx(conn, log, encoder_, *directory);
  IPT_RETURN_IF_ERROR(body(tx));
  return AuditOwnWork(log, clinic_id, "/ipt.outcomes.v1.AlertService/EscalateAlert", now);
}

}  // namespace ipt::outcomes
