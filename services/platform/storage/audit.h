// Audit entries in SQL (component `platform` of the schema). They are appended in the transaction
// of what they tell, and never changed. They hold names and identifiers only: nothing of a
// resource's content.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/audit/audit_reader.h"
#include "platform/storage/database.h"
#include "platform/transaction/write_log.h"

namespace ipt::storage::audit {

// The entry gets a random id.
absl::Status Append(Connection& conn, const AuditRecord& record);

// As AuditReader::List.
absl::StatusOr<std::vector<ipt::audit::AuditEntry>> List(
    Connection& conn, const ipt::audit::AuditFilter& filter,
    const std::optional<ipt::audit::AuditCursor>& after, int64_t limit);

// Deletes at most `limit` entries of all clinics older than `before`. Returns how many.
absl::StatusOr<int64_t> PurgeOlderThan(Connection& conn, absl::Time before, int64_t limit);

// Thread-safe. `db` must outlive it.
class SqlAuditReader final : public ipt::audit::AuditReader {
 public:
  explicit SqlAuditReader(Database& db) : db_(db) {}

  absl::StatusOr<std::vector<ipt::audit::AuditEntry>> List(
      const ipt::audit::AuditFilter& filter, const std::optional<ipt::audit::AuditCursor>& after,
      int limit, absl::Time deadline) override;

 private:
  Database& db_;
};

}  // namespace ipt::storage::audit
