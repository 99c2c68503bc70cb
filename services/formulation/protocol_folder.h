// The protocol's data in a folder of the operator's.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "formulation/domain/protocol.h"

namespace ipt::formulation {

// Reads all .json files of a folder and of those in it. INVALID_ARGUMENT with a sentence that says
// what to do, and with every error of the data.
absl::StatusOr<ProtocolCatalog> ReadProtocolFolder(const std::string& folder);

}  // namespace ipt::formulation
