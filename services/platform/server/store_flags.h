// The settings of a binary that keeps its data in one store of the operator's choice: --database,
// --database_file, --database_password_file. A binary has them by linking this target.
#pragma once

#include "absl/status/statusor.h"
#include "platform/server/server.h"

namespace ipt::server {

// Which store the settings name. INVALID_ARGUMENT, naming the setting and never repeating a URL:
// none or two are given, a URL that no store takes, a password in a place that is shown around (a
// list of processes, a dump of an environment), a file that cannot be read.
absl::StatusOr<StoreLocation> ReadStoreFlags();

}  // namespace ipt::server
