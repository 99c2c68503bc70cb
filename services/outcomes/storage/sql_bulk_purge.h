// What bringing in and taking out in bulk leaves, deleted by age. Each in a Write, at most `limit`
// rows; how many it deleted.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/storage/database.h"

namespace ipt::outcomes {

// Imports that were opened last, and had their last row, before; and the errors of their rows.
// Measurements stay.
absl::StatusOr<int64_t> PurgeImports(storage::Connection& conn, absl::Time before, int64_t limit);

// States of measurements that were written over before. Exports that began earlier cannot go on.
absl::StatusOr<int64_t> PurgeMeasurementStates(storage::Connection& conn, absl::Time before,
                                               int64_t limit);

}  // namespace ipt::outcomes
