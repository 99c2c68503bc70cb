// Who did what to which resource. Entries are appended in the transaction of what they tell, and
// never changed. They hold names and identifiers only: nothing of a resource's content.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/storage/database.h"
#include "platform/transaction/write_log.h"

namespace ipt::storage::audit {

struct Entry {
  AuditRecord record;
  std::string entry_id;
};

// The entry gets a random id.
absl::Status Append(Connection& conn, const AuditRecord& record);

struct Filter {
  std::string clinic_id;            // REQUIRED
  std::string resource;             // this resource and what lies beneath it; empty: all
  std::string caller;               // empty: all
  std::optional<absl::Time> since;  // inclusive
  std::optional<absl::Time> until;  // exclusive
};

// The last entry of the page before.
struct Cursor {
  absl::Time at;
  std::string entry_id;
};

// Newest first, at most `limit`; entries added meanwhile do not move the pages that follow.
absl::StatusOr<std::vector<Entry>> List(Connection& conn, const Filter& filter,
                                        const std::optional<Cursor>& after, int64_t limit);

// Deletes at most `limit` entries of all clinics older than `before`. Returns how many.
absl::StatusOr<int64_t> PurgeOlderThan(Connection& conn, absl::Time before, int64_t limit);

}  // namespace ipt::storage::audit
