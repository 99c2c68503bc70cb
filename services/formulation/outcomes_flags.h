// Where formulation, running by itself, finds outcomes.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "platform/peer/link.h"

namespace ipt::formulation {

// nullopt: outcomes is not asked. INVALID_ARGUMENT with a sentence that says what to do.
absl::StatusOr<std::optional<peer::Settings>> ReadOutcomesFlags();

}  // namespace ipt::formulation
