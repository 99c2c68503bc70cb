// The port through which audit entries are listed; the SQL behind it lives in platform/storage.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/transaction/write_log.h"

namespace ipt::audit {

struct AuditEntry {
  std::string entry_id;
  AuditRecord record;
};

struct AuditFilter {
  std::string clinic_id;            // REQUIRED
  std::string resource;             // this resource and what lies beneath it; empty: all
  std::string caller;               // empty: all
  std::optional<absl::Time> since;  // inclusive
  std::optional<absl::Time> until;  // exclusive
};

// Keyset position: the last entry of the page before.
struct AuditCursor {
  absl::Time time;
  std::string entry_id;
};

// Thread-safe. Fails as the store does: UNAVAILABLE or RESOURCE_EXHAUSTED with retry advice,
// DEADLINE_EXCEEDED at `deadline`.
class AuditReader {
 public:
  virtual ~AuditReader() = default;

  // Newest first by (time, entry_id), at most `limit`, strictly after `after`: entries that are
  // added meanwhile do not move the pages that follow.
  virtual absl::StatusOr<std::vector<AuditEntry>> List(const AuditFilter& filter,
                                                       const std::optional<AuditCursor>& after,
                                                       int limit, absl::Time deadline) = 0;
};

}  // namespace ipt::audit
