#include "tests/support/temp_database.h"

#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "tests/support/postgres_process.h"

namespace ipt::testing {
namespace {

// A test cannot go on without its store.
void Require(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, std::string(status.message()).c_str());
  std::abort();
}

std::unique_ptr<storage::Database> Open(const storage::DatabaseOptions& options, const Clock& clock,
                                        storage::StorageObserver* observer) {
  auto database = storage::OpenDatabase(options, clock, observer);
  Require(database.status(), "OpenDatabase");
  return *std::move(database);
}

std::string NewName() {
  static std::atomic<int> counter = 0;
  return absl::StrCat("t", getpid(), "_", ++counter);
}

// The name of a database with this schema, which nobody is connected to: copying it is several
// times faster than applying its migrations.
std::string MigratedPostgres(const std::vector<storage::Component>& components,
                             const Clock& clock) {
  static std::mutex mutex;
  static auto* const made = new std::map<std::string, std::string>();
  std::string key;
  for (const storage::Component& component : components) {
    absl::StrAppend(&key, component.name);
    for (const storage::Migration& migration : component.postgres) {
      absl::StrAppend(&key, " ", migration.version, " ", absl::HashOf(migration.sql));
    }
    absl::StrAppend(&key, "\n");
  }
  const std::lock_guard lock(mutex);
  std::string& name = (*made)[key];
  if (name.empty()) {
    name = NewName();
    Require(PostgresProcess::Shared().CreateDatabase(name), "CREATE DATABASE");
    const auto database = Open({.url = PostgresProcess::Shared().Url(name)}, clock, nullptr);
    Require(storage::Migrate(*database, components, clock), "Migrate");
  }
  return name;
}

}  // namespace

TempDatabase::TempDatabase(storage::Dialect dialect,
                           const std::vector<storage::Component>& components,
                           storage::DatabaseOptions options, const Clock* clock,
                           storage::StorageObserver* observer)
    : dialect_(dialect),
      options_(std::move(options)),
      clock_(clock != nullptr ? clock : &system_clock_),
      observer_(observer) {
  if (dialect_ == storage::Dialect::kSqlite) {
    folder_ = (std::filesystem::temp_directory_path() / "ipt-sqlite-XXXXXX").string();
    if (mkdtemp(folder_.data()) == nullptr) std::abort();
    options_.url = absl::StrCat("sqlite://", folder_, "/store.db");
  } else {
    const std::string from = components.empty() ? "" : MigratedPostgres(components, system_clock_);
    name_ = NewName();
    Require(PostgresProcess::Shared().CreateDatabase(name_, from), "CREATE DATABASE");
    options_.url = PostgresProcess::Shared().Url(name_);
  }
  Reopen();
  if (dialect_ == storage::Dialect::kSqlite && !components.empty()) {
    Require(storage::Migrate(*database_, components, system_clock_), "Migrate");
  }
}

TempDatabase::~TempDatabase() {
  database_.reset();
  if (dialect_ == storage::Dialect::kSqlite) {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  } else {
    (void)PostgresProcess::Shared().DropDatabase(name_);
  }
}

void TempDatabase::Reopen() {
  database_.reset();
  database_ = Open(options_, *clock_, observer_);
}

std::unique_ptr<storage::Database> TempDatabase::OpenAnother(
    storage::DatabaseOptions options) const {
  options.url = options_.url;
  return Open(options, *clock_, nullptr);
}

}  // namespace ipt::testing
