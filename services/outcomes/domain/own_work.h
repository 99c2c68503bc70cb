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
// The methods that a person would have called.
inline constexpr char kEscalateMethod[] = "/ipt.outcomes.v1.AlertService/EscalateAlert";
inline constexpr char kRecordMethod[] = "/ipt.outcomes.v1.MeasurementService/RecordMeasurement";

// An entry for one resource.
inline absl::Status AuditOwnWork(WriteLog& log, absl::string_view clinic_id,
                                 const std::string& resource, absl::string_view method,
                                 absl::Time now) {
  AuditRecord audit;
  audit.clinic_id = std::string(clinic_id);
  audit.caller = kOwnCaller;
  audit.method = std::string(method);
  audit.write = true;
  audit.resource = resource;
  audit.time = now;
  audit.last_time = now;
  return log.AppendAudit(audit);
}

// An entry for each resource that was named as changed in this transaction.
inline absl::Status AuditOwnWork(WriteLog& log, absl::string_view clinic_id,
                                 absl::string_view method, absl::Time now) {
  for (const std::string& changed : log.changed()) {
    IPT_RETURN_IF_ERROR(AuditOwnWork(log, clinic_id, changed, method, now));
  }
  return absl::OkStatus();
}

}  // namespace ipt::outcomes
