#include "outcomes/storage/sql_alert_store.h"

#include "outcomes/domain/own_work.h"
#include "outcomes/storage/sql_alert_tx.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/sql_write_log.h"

namespace ipt::outcomes {

template <typename Body>
absl::Status SqlAlertStore::In(storage::Connection& conn, const Body& body) const {
  storage::SqlWriteLog log(conn);
  const std::unique_ptr<AlertDirectory> directory = directory_(conn);
  SqlAlertTx tx(conn, log, encoder_, *directory);
  return body(tx);
}

absl::Status SqlAlertStore::Read(absl::Time deadline,
                                 absl::FunctionRef<absl::Status(AlertReader&)> body) {
  storage::CallOptions options;
  options.deadline = deadline;
  return db_.Read(options, [&](storage::Connection& conn) { return In(conn, body); });
}

absl::Status SqlAlertStore::Write(absl::Time deadline,
                                  absl::FunctionRef<absl::Status(AlertTx&)> body) {
  storage::CallOptions options;
  options.deadline = deadline;
  absl::Status status =
      db_.Write(options, [&](storage::Connection& conn) { return In(conn, body); });
  // A store that went away during the commit may have committed.
  if (status.ok() || absl::IsUnavailable(status)) committed_();
  return status;
}

absl::Status SqlAlertStore::WriteIn(storage::Connection& conn, absl::string_view clinic_id,
                                    absl::Time now,
                                    absl::FunctionRef<absl::Status(AlertTx&)> body) {
  return In(conn, [&](AlertTx& tx) -> absl::Status {
    IPT_RETURN_IF_ERROR(body(tx));
    return AuditOwnWork(tx.log(), clinic_id, kEscalateMethod, now);
  });
}

}  // namespace ipt::outcomes
