// The audits of several stores as one list: where services share a process, each keeps its own.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/audit/audit_reader.h"

namespace ipt::audit {

// Thread-safe. The readers must outlive it. Fails where one of them does: a list without some of
// its entries would pass for all of them.
class MergedAuditReader final : public AuditReader {
 public:
  explicit MergedAuditReader(std::vector<AuditReader*> readers) : readers_(std::move(readers)) {}

  absl::StatusOr<std::vector<AuditEntry>> List(const AuditFilter& filter,
                                               const std::optional<AuditCursor>& after, int limit,
                                               absl::Time deadline) override;

 private:
  const std::vector<AuditReader*> readers_;
};

}  // namespace ipt::audit
