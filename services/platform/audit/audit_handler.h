// ipt.audit.v1.AuditService: who read and wrote what in a clinic.
#pragma once

#include "absl/status/statusor.h"
#include "ipt/audit/v1/audit_service.pb.h"
#include "platform/audit/audit_reader.h"
#include "platform/transaction/call_context.h"

namespace ipt::audit {

// Thread-safe. `reader` must outlive it.
class AuditHandler {
 public:
  explicit AuditHandler(AuditReader& reader) : reader_(reader) {}

  absl::StatusOr<v1::ListAuditEntriesResponse> ListAuditEntries(
      const CallContext& ctx, const v1::ListAuditEntriesRequest& request);

 private:
  AuditReader& reader_;
};

}  // namespace ipt::audit
