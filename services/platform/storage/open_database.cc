#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/database.h"
#include "platform/storage/postgres_connection.h"
#include "platform/storage/postgres_database.h"
#include "platform/storage/sqlite_database.h"

namespace ipt::storage {
namespace {

// SQLite's file. SOCI takes the name between double quotes.
absl::StatusOr<std::string> PathOf(absl::string_view url) {
  if (absl::ConsumePrefix(&url, "sqlite:")) {
    absl::ConsumePrefix(&url, "//");
    if (!url.empty() && !absl::StrContains(url, '"') && !absl::StrContains(url, '\0')) {
      return std::string(url);
    }
  }
  return absl::InvalidArgumentError(
      "must be sqlite:///path/file.db, sqlite:file.db or postgresql://...");
}

bool IsPostgres(absl::string_view url) {
  return absl::StartsWith(url, "postgresql://") || absl::StartsWith(url, "postgres://");
}

}  // namespace

absl::StatusOr<StoreUrl> ParseStoreUrl(const std::string& url) {
  if (!IsPostgres(url)) {
    IPT_RETURN_IF_ERROR(PathOf(url).status());
    return StoreUrl{Dialect::kSqlite};
  }
  IPT_ASSIGN_OR_RETURN(const bool holds_password, PostgresConnection::HoldsPassword(url));
  return StoreUrl{Dialect::kPostgres, holds_password};
}

absl::StatusOr<std::unique_ptr<Database>> OpenDatabase(const DatabaseOptions& options,
                                                       const Clock& clock,
                                                       StorageObserver* observer) {
  if (options.sessions < 1 || options.max_batch < 1 || options.write_queue < 1) {
    return InvalidField("store options", "sessions, max_batch and write_queue must be positive");
  }
  if (IsPostgres(options.url)) return OpenPostgres(options, clock, observer);
  IPT_ASSIGN_OR_RETURN(const std::string path, PathOf(options.url));
  return OpenSqlite(path, options, clock, observer);
}

}  // namespace ipt::storage
