#include "platform/storage/migrator.h"

#include <openssl/evp.h>

#include <algorithm>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
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
    "  PRIMARY KEY (component, version))";

constexpr Statement kTableExistsSqlite = {
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'",
    {ColumnType::kInt64}};
constexpr Statement kTableExistsPostgres = {"SELECT COUNT(to_regclass('schema_migrations'))",
                                            {ColumnType::kInt64}};

constexpr Statement kApplied = {
    "SELECT version, checksum FROM schema_migrations WHERE component = :component "
    "ORDER BY version",
    {ColumnType::kInt64, ColumnType::kText}};

constexpr Statement kRecord = {
    "INSERT INTO schema_migrations (component, version, name, checksum, applied_at_us) "
    "VALUES (:component, :version, :name, :checksum, :at)"};

std::string Checksum(absl::string_view sql) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(sql.data(), sql.size(), digest, &size, EVP_sha256(), nullptr);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
}

// Version -> checksum of what was applied. Fails if this binary cannot go on from there.
absl::StatusOr<std::map<int64_t, std::string>> Applied(Connection& conn,
                                                       const Component& component) {
  std::map<int64_t, std::string> applied;
  IPT_RETURN_IF_ERROR(conn.Query(kApplied, {component.name}, [&](const Row& row) {
    applied[row.Int64(0)] = row.Text(1);
    return absl::OkStatus();
  }));
  const absl::Span<const Migration> known = component.For(conn.dialect());
  if (!applied.empty() && applied.rbegin()->first > static_cast<int64_t>(known.size())) {
    return FailedPrecondition(
        kSchemaMismatch, component.name,
        absl::StrCat("the schema of ", component.name, " is at version ", applied.rbegin()->first,
                     ", newer than this binary's ", known.size(),
                     ": run a release at least as new as the one that migrated it"));
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

absl::StatusOr<bool> TableExists(Connection& conn) {
  const bool sqlite = conn.dialect() == Dialect::kSqlite;
  IPT_ASSIGN_OR_RETURN(auto count, conn.QueryOne(sqlite ? kTableExistsSqlite : kTableExistsPostgres,
                                                 {}, [](const Row& row) { return row.Int64(0); }));
  return count.value_or(0) > 0;
}

// Applies the first migration that is missing. Returns whether there was one.
absl::StatusOr<bool> ApplyNext(Connection& conn, const Component& component, const Clock& clock) {
  IPT_ASSIGN_OR_RETURN(const auto applied, Applied(conn, component));
  for (const Migration& migration : component.For(conn.dialect())) {
    if (applied.contains(migration.version)) continue;
    absl::Status done = conn.ExecuteScript(migration.sql);
    if (!done.ok()) {
      return absl::Status(done.code(), absl::StrCat("migration ", migration.name, " of ",
                                                    component.name, ": ", done.message()));
    }
    IPT_RETURN_IF_ERROR(conn.Execute(kRecord, {component.name, migration.version, migration.name,
                                               Checksum(migration.sql), clock.Now()})
                            .status());
    return true;
  }
  return false;
}

}  // namespace

absl::Status Migrate(Database& db, absl::Span<const Component> components, const Clock& clock) {
  CallOptions options;
  options.statement_timeout = absl::InfiniteDuration();  // rewriting a large table takes its time
  IPT_RETURN_IF_ERROR(db.Write(options, [](Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(Lock(conn));
    return conn.ExecuteScript(kCreateTable);
  }));
  for (const Component& component : components) {
    for (bool more = true; more;) {
      IPT_RETURN_IF_ERROR(db.Write(options, [&](Connection& conn) -> absl::Status {
        IPT_RETURN_IF_ERROR(Lock(conn));
        IPT_ASSIGN_OR_RETURN(more, ApplyNext(conn, component, clock));
        return absl::OkStatus();
      }));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSchema(Database& db, absl::Span<const Component> components) {
  return db.Read({}, [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const bool migrated, TableExists(conn));
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
