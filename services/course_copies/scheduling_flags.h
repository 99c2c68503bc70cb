// Where a service that runs by itself finds scheduling.
#pragma once

#include "absl/status/statusor.h"
#include "platform/peer/link.h"

namespace ipt::courses {

// INVALID_ARGUMENT with a sentence that says what to do.
absl::StatusOr<peer::Settings> ReadSchedulingFlags();

}  // namespace ipt::courses
