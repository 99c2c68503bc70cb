// The WriteLog of one transaction, over this folder's tables (component `platform`).
#pragma once

#include <optional>

#include "platform/storage/database.h"
#include "platform/transaction/write_log.h"

namespace ipt::storage {

// `conn` must outlive it. Make one inside the body: it is of one run of it only.
class SqlWriteLog final : public WriteLog {
 public:
  explicit SqlWriteLog(Connection& conn) : conn_(conn) {}

  absl::StatusOr<std::optional<std::string>> FindAnswer(const RequestKey& key,
                                                        absl::string_view content_hash) override;
  absl::Status KeepAnswer(const RequestKey& key, absl::string_view content_hash,
                          absl::string_view answer, absl::Time now) override;
  absl::Status AppendEvent(const OutboxEvent& event) override;
  absl::Status AppendAudit(const AuditRecord& record) override;
  absl::StatusOr<int64_t> Revision() override;

 private:
  Connection& conn_;
  std::optional<int64_t> revision_;
};

}  // namespace ipt::storage
