// What the service does by itself is audited as a caller's writes are.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/errors/status_macros.h"
#include "platform/transaction/write_log.h"

namespace ipt::outcomes {

inline constexpr char kOwnCaller[] = "ipt-outcomes";

// An entry for each resource that was named as changed in this transaction. `method`: the one that
// a person would have called.
inline absl::Status AuditOwnWork(WriteLog& log, absl::string_view clinic_id,
                                 absl::string_view method, absl::Time now) {
  AuditRecord audit;
  audit.clinic_id = std::string(clinic_id);
  audit.caller = kOwnCaller;
  audit.method = std::string(method);
  audit.write = true;
  audit.time = now;
  audit.last_time = now;
  for (const std::string& changed : log.changed()) {
    audit.resource = changed;
    IPT_RETURN_IF_ERROR(log.AppendAudit(audit));
  }
  return absl::OkStatus();
}

}  // namespace ipt::outcomes
