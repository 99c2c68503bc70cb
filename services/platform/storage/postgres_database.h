// The store in PostgreSQL: a pool of sessions that mend themselves after a restart or a failover.
// Only storage/open_database.cc needs this header.
#pragma once

#include <memory>

#include "platform/storage/database.h"

namespace ipt::storage {

absl::StatusOr<std::unique_ptr<Database>> OpenPostgres(const DatabaseOptions& options,
                                                       const Clock& clock,
                                                       StorageObserver* observer);

}  // namespace ipt::storage
