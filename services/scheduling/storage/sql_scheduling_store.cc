#include "scheduling/storage/sql_scheduling_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/storage/revision.h"
#include "platform/storage/sql_error.h"
#include "scheduling/domain/reasons.h"
#include "scheduling/storage/json_codec.h"
#include "scheduling/storage/sql_scheduling_tx.h"

namespace ipt::scheduling {

using storage::Statement;

absl::Status SqlSchedulingStore::Read(absl::Time deadline,
                                      absl::FunctionRef<absl::Status(SchedulingReader&)> body) {
  storage::CallOptions options;
  options.deadline = deadline;
  return db_.Read(options, [&](storage::Connection& conn) {
    SqlSchedulingTx tx(conn, encoder_);
    return body(tx);
  });
}

absl::Status SqlSchedulingStore::Write(absl::Time deadline,
                                       absl::FunctionRef<absl::Status(SchedulingTx&)> body) {
  storage::CallOptions options;
  options.deadline = deadline;
  CommittedChanges changes;
  std::vector<QueueChange> queue_changes;
  const absl::Status status = db_.Write(options, [&](storage::Connection& conn) {
    SqlSchedulingTx tx(conn, encoder_);
    absl::Status ran = body(tx);
    changes = tx.TakeChanges();
    queue_changes = tx.TakeQueueChanges();
    return ran;
  });
  // A store that went away during the commit may have committed.
  if (status.ok() || absl::IsUnavailable(status)) {
    if (listener_ != nullptr) listener_->OnCommitted(changes);
    if (queue_listener_ != nullptr && !queue_changes.empty()) {
      queue_listener_->OnQueueChanged(queue_changes);
    }
  }
  return status;
}

absl::Status SqlSchedulingTx::Emit(const Event& event, absl::Time now) {
  EventEncoder::Encoded encoded = encoder_.Encode(event);
  return log_.AppendEvent({.clinic_id = std::move(encoded.clinic_id),
                           .subject = std::move(encoded.subject),
                           .kind = std::move(encoded.kind),
                           .payload = std::move(encoded.payload),
                           .time = now});
}

absl::StatusOr<int64_t> SqlSchedulingTx::CurrentRevision() {
  return storage::CurrentRevision(conn_);
}

// PostgreSQL: a statement of its own, so that whatever is read after it is newer than the last
// holder's commit (READ COMMITTED takes its snapshot at the start of each statement, which for a
// locking SELECT is before the wait). NO KEY: rows that refer to this one may still be inserted.
absl::Status SqlSchedulingTx::LockRow(absl::string_view sql_from_where, Params params,
                                      absl::string_view strength) {
  if (dialect() == storage::Dialect::kSqlite) return absl::OkStatus();
  const std::string sql = absl::StrCat("SELECT 1 ", sql_from_where, " FOR ", strength);
  return conn_.Query({sql, {storage::ColumnType::kInt64}}, params,
                     [](const storage::Row&) { return absl::OkStatus(); });
}

absl::Status SqlSchedulingTx::ExecuteOnRow(const Statement& statement, Params params,
                                           absl::string_view resource_type,
                                           absl::string_view resource_name) {
  IPT_ASSIGN_OR_RETURN(const int64_t affected, conn_.Execute(statement, params));
  if (affected == 0) return NotFound(resource_type, resource_name);
  return absl::OkStatus();
}

absl::Status SqlSchedulingTx::ExecuteInsert(const Statement& statement, Params params,
                                            absl::string_view resource_type,
                                            absl::string_view resource_name) {
  IPT_ASSIGN_OR_RETURN(const int64_t affected, conn_.Execute(statement, params));
  if (affected != 0) return absl::OkStatus();
  return AlreadyExists(::ipt::reason::kResourceExists, resource_type, resource_name,
                       "the id is taken: choose another one");
}

absl::Status SqlSchedulingTx::StampNew(Stamp& stamp, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampChanged(stamp, now));
  stamp.create_time = stamp.update_time;
  return absl::OkStatus();
}

absl::Status SqlSchedulingTx::StampChanged(Stamp& stamp, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(stamp.revision, log_.Revision());
  stamp.update_time = FromMicros(ToMicros(now));
  return absl::OkStatus();
}

Stamp StampOf(const storage::Row& row, size_t revision_column) {
  return {.revision = row.Int64(revision_column),
          .create_time = FromMicros(row.Int64(revision_column + 1)),
          .update_time = FromMicros(row.Int64(revision_column + 2))};
}

absl::Status SlotTakenOr(const absl::Status& status, absl::string_view subject) {
  const storage::SqlErrorKind kind = storage::SqlErrorKindOf(status);
  if (kind != storage::SqlErrorKind::kExclusionViolation &&
      kind != storage::SqlErrorKind::kTriggerAbort) {
    return status;
  }
  const std::string name = storage::ConstraintNameOf(status);
  const bool therapist = name == "sessions_therapist_free" || name == "slot_taken_therapist";
  if (!therapist && name != "sessions_patient_free" && name != "slot_taken_patient") return status;
  const absl::string_view who = therapist ? "therapist" : "patient";
  return FailedPrecondition(
      reason::kSlotTaken, subject,
      absl::StrCat("the ", who, " has another session at that time: choose another time"),
      {{"taken", std::string(who)}});
}

absl::Status OpenCourseExistsOr(const absl::Status& status, absl::string_view subject,
                                absl::string_view message) {
  if (storage::SqlErrorKindOf(status) != storage::SqlErrorKind::kUniqueViolation) return status;
  return FailedPrecondition(reason::kOpenCourseExists, subject, message);
}

}  // namespace ipt::scheduling
