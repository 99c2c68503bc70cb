#include "platform/storage/migrator.h"

#include <openssl/evp.h>

#include <algorithm>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/sql_error.h"

namespace ipt::storage {
namespace {

// One number for every replica of every service that shares the database.
constexpr Statement kLock = {"SELECT CAST(pg_advisory_xact_lock(5283745902834) AS TEXT)",
                             {ColumnType::kText}};

constexpr char kCreateTable[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "  component     TEXT NOT NULL,"
    "  version       BIGINT NOT NULL,"
    "  name          TEXT NOT NULL,"
    "  checksum      TEXT NOT NULL,"
    "  applied_at_us BIGINT NOT NULL,"
    "  oldest_binary BIGINT,"
    "  PRIMARY KEY (component, version))";
// Tables made before there was that column.
constexpr char kAddOldestBinary[] = "ALTER TABLE schema_migrations ADD COLUMN oldest_binary BIGINT";

// Whether the table has the column: 1, 0, also where there is no table.
constexpr Statement kHasSqlite = {
    "SELECT COUNT(*) FROM pragma_table_info('schema_migrations') WHERE name = :name",
    {ColumnType::kInt64}};
constexpr Statement kHasPostgres = {
    "SELECT COUNT(*) FROM pg_attribute WHERE attrelid = to_regclass('schema_migrations') "
    "AND attname = :name AND NOT attisdropped",
    {ColumnType::kInt64}};

constexpr Statement kApplied = {
    "SELECT version, checksum, oldest_binary FROM schema_migrations WHERE component = :component "
    "ORDER BY version",
    {ColumnType::kInt64, ColumnType::kText, ColumnType::kInt64}};
constexpr Statement kAppliedBefore = {
    "SELECT version, checksum, CAST(NULL AS BIGINT) FROM schema_migrations "
    "WHERE component = :component ORDER BY version",
    {ColumnType::kInt64, ColumnType::kText, ColumnType::kInt64}};

constexpr Statement kRecord = {
    "INSERT INTO schema_migrations (component, version, name, checksum, applied_at_us, "
    "oldest_binary) VALUES (:component, :version, :name, :checksum, :at, :oldest)"};

std::string Checksum(absl::string_view sql) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(sql.data(), sql.size(), digest, &size, EVP_sha256(), nullptr);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
}

absl::StatusOr<bool> Has(Connection& conn, absl::string_view column) {
  const bool sqlite = conn.dialect() == Dialect::kSqlite;
  IPT_ASSIGN_OR_RETURN(auto count, conn.QueryOne(sqlite ? kHasSqlite : kHasPostgres, {column},
                                                 [](const Row& row) { return row.Int64(0); }));
  return count.value_or(0) > 0;
}

// Version -> checksum of what was applied. Fails if this binary cannot go on from there.
absl::StatusOr<std::map<int64_t, std::string>> Applied(Connection& conn,
                                                       const Component& component) {
  const absl::Span<const Migration> known = component.For(conn.dialect());
  const auto own = static_cast<int64_t>(known.size());
  IPT_ASSIGN_OR_RETURN(const bool told, Has(conn, "oldest_binary"));
  std::map<int64_t, std::string> applied;
  int64_t oldest_binary = 0;  // that what is newer than this binary can be run on with
  IPT_RETURN_IF_ERROR(
      conn.Query(told ? kApplied : kAppliedBefore, {component.name}, [&](const Row& row) {
        const int64_t version = row.Int64(0);
        applied[version] = row.Text(1);
        if (version > own) {
          oldest_binary = std::max(oldest_binary, row.IsNull(2) ? version : row.Int64(2));
        }
        return absl::OkStatus();
      }));
  if (oldest_binary > own) {
    return FailedPrecondition(
        kSchemaMismatch, component.name,
        absl::StrCat("the schema of ", component.name, " is at version ", applied.rbegin()->first,
                     ", newer than this binary's ", own, ", and binaries older than version ",
                     oldest_binary,
                     " cannot run on it: run a release at least as new as the one that migrated "
                     "it, or restore the copy of before"));
  }
  for (const Migration& migration : known) {
    const auto found = applied.find(migration.version);
    if (found != applied.end() && found->second != Checksum(migration.sql)) {
      return FailedPrecondition(
          kSchemaMismatch, component.name,
          absl::StrCat("migration ", migration.name, " of ", component.name,
                       " was applied with another content than this binary holds: an applied "
                       "migration is never edited; run the release that belongs to this store"));
    }
  }
  return applied;
}

absl::Status Lock(Connection& conn) {
  // SQLite's writer is the lock.
  if (conn.dialect() == Dialect::kSqlite) return absl::OkStatus();
  return conn.Query(kLock, {}, [](const Row&) { return absl::OkStatus(); });
}

// Runs the migration, and names it in its error.
absl::Status Apply(Connection& conn, const Component& component, const Migration& migration,
                   const MigrateOptions& options) {
  if (conn.dialect() == Dialect::kPostgres) {
    IPT_RETURN_IF_ERROR(conn.ExecuteScript(absl::StrCat(
        "SET LOCAL lock_timeout = ", absl::ToInt64Milliseconds(options.lock_timeout))));
  }
  const absl::Status done = conn.ExecuteScript(migration.sql);
  if (done.ok()) return done;
  const bool locked = SqlErrorKindOf(done) == SqlErrorKind::kLocked;
  absl::Status named(
      done.code(),
      absl::StrCat("migration ", migration.name, " of ", component.name, ": ",
                   locked ? absl::StrCat("others held a table that it changes for longer than ",
                                         absl::FormatDuration(options.lock_timeout), ", ",
                                         options.lock_tries,
                                         " times: end the oldest transactions of pg_stat_activity, "
                                         "then run `migrate` again")
                          : std::string(done.message())));
  done.ForEachPayload(
      [&](absl::string_view type, const absl::Cord& payload) { named.SetPayload(type, payload); });
  return named;
}

// Applies the first migration that is missing. Returns whether there was one.
absl::StatusOr<bool> ApplyNext(Connection& conn, const Component& component, const Clock& clock,
                               const MigrateOptions& options) {
  IPT_ASSIGN_OR_RETURN(const auto applied, Applied(conn, component));
  for (const Migration& migration : component.For(conn.dialect())) {
    if (applied.contains(migration.version)) continue;
    IPT_RETURN_IF_ERROR(Apply(conn, component, migration, options));
    const int64_t oldest =
        migration.oldest_binary > 0 ? migration.oldest_binary : migration.version;
    IPT_RETURN_IF_ERROR(conn.Execute(kRecord, {component.name, migration.version, migration.name,
                                               Checksum(migration.sql), clock.Now(), oldest})
                            .status());
    return true;
  }
  return false;
}

}  // namespace

absl::Status Migrate(Database& db, absl::Span<const Component> components, const Clock& clock,
                     const MigrateOptions& options) {
  CallOptions call;
  call.statement_timeout = absl::InfiniteDuration();  // rewriting a large table takes its time
  IPT_RETURN_IF_ERROR(db.Write(call, [](Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(Lock(conn));
    IPT_RETURN_IF_ERROR(conn.ExecuteScript(kCreateTable));
    IPT_ASSIGN_OR_RETURN(const bool told, Has(conn, "oldest_binary"));
    return told ? absl::OkStatus() : conn.ExecuteScript(kAddOldestBinary);
  }));
  for (const Component& component : components) {
    int tries = 0;
    for (bool more = true; more;) {
      const absl::Status done = db.Write(call, [&](Connection& conn) -> absl::Status {
        IPT_RETURN_IF_ERROR(Lock(conn));
        IPT_ASSIGN_OR_RETURN(more, ApplyNext(conn, component, clock, options));
        return absl::OkStatus();
      });
      if (done.ok()) {
        tries = 0;
      } else if (SqlErrorKindOf(done) == SqlErrorKind::kLocked && ++tries < options.lock_tries) {
        absl::SleepFor(options.lock_pause);
      } else {
        return done;
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSchema(Database& db, absl::Span<const Component> components) {
  return db.Read({}, [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const bool migrated, Has(conn, "version"));
    for (const Component& component : components) {
      std::map<int64_t, std::string> applied;
      if (migrated) {
        IPT_ASSIGN_OR_RETURN(applied, Applied(conn, component));
      }
      const size_t known = component.For(conn.dialect()).size();
      if (applied.size() < known) {
        return FailedPrecondition(
            kSchemaOutdated, component.name,
            absl::StrCat("the schema of ", component.name, " is at version ", applied.size(),
                         ", this binary needs ", known, ": run `migrate` first"));
      }
    }
    return absl::OkStatus();
  });
}

}  // namespace ipt::storage
