// Deletes reminders that are over, and attempts to deliver some, by age.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/storage/database.h"

namespace ipt::scheduling {

// At most `limit` of each, oldest first; returns how many of both. Reminders of open courses stay:
// one that is gone would be made anew, and sent again.
absl::StatusOr<int64_t> PurgeReminders(storage::Connection& conn, absl::Time before, int64_t limit);

}  // namespace ipt::scheduling
