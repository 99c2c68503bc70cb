// Where outcomes, running by itself, finds formulation.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "platform/peer/link.h"

namespace ipt::outcomes {

// nullopt: formulation is not followed. INVALID_ARGUMENT with a sentence that says what to do.
absl::StatusOr<std::optional<peer::Settings>> ReadFormulationFlags();

}  // namespace ipt::outcomes
