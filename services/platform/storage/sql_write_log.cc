#include "platform/storage/sql_write_log.h"

#include "platform/errors/status_macros.h"
#include "platform/storage/audit.h"
#include "platform/storage/idempotency.h"
#include "platform/storage/outbox.h"
#include "platform/storage/revision.h"

namespace ipt::storage {

absl::StatusOr<std::optional<std::string>> SqlWriteLog::FindAnswer(const RequestKey& key,
                                                                   absl::string_view content_hash) {
  return idempotency::Lookup(conn_, key, content_hash);
}

absl::Status SqlWriteLog::KeepAnswer(const RequestKey& key, absl::string_view content_hash,
                                     absl::string_view answer, absl::Time now) {
  return idempotency::Remember(conn_, key, content_hash, answer, now);
}

absl::Status SqlWriteLog::AppendEvent(const OutboxEvent& event) {
  IPT_ASSIGN_OR_RETURN(const int64_t revision, Revision());
  return outbox::Append(conn_, event, revision);
}

absl::Status SqlWriteLog::AppendAudit(const AuditRecord& record) {
  return audit::Append(conn_, record);
}

absl::StatusOr<int64_t> SqlWriteLog::Revision() {
  if (!revision_.has_value()) {
    IPT_ASSIGN_OR_RETURN(revision_, NextRevision(conn_));
  }
  return *revision_;
}

}  // namespace ipt::storage
