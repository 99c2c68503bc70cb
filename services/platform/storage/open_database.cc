#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "platform/errors/error.h"
#include "platform/storage/database.h"
#include "platform/storage/postgres_database.h"
#include "platform/storage/sqlite_database.h"

namespace ipt::storage {
namespace {

absl::Status BadUrl() {
  return InvalidField("store url",
                      "must be sqlite:///path/file.db, sqlite:file.db or postgresql://...");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenDatabase(const DatabaseOptions& options,
                                                       const Clock& clock,
                                                       StorageObserver* observer) {
  if (options.sessions < 1 || options.max_batch < 1 || options.write_queue < 1) {
    return InvalidField("store options", "sessions, max_batch and write_queue must be positive");
  }
  const absl::string_view url = options.url;
  if (absl::StartsWith(url, "postgresql://") || absl::StartsWith(url, "postgres://")) {
    return OpenPostgres(options, clock, observer);
  }
  absl::string_view path = url;
  if (!absl::ConsumePrefix(&path, "sqlite:")) return BadUrl();
  absl::ConsumePrefix(&path, "//");
  // SOCI takes the name between double quotes.
  if (path.empty() || absl::StrContains(path, '"') || absl::StrContains(path, '\0')) {
    return BadUrl();
  }
  return OpenSqlite(std::string(path), options, clock, observer);
}

}  // namespace ipt::storage
