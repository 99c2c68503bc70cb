// The store in one SQLite file: one writer with group commit, and a pool of readers on WAL
// snapshots beside it. Only storage/open_database.cc needs this header.
#pragma once

#include <memory>
#include <string>

#include "platform/storage/database.h"

namespace ipt::storage {

absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(const std::string& path,
                                                     const DatabaseOptions& options,
                                                     const Clock& clock, StorageObserver* observer);

}  // namespace ipt::storage
