// Brings a store's schema to what this binary expects, and checks that it is.
//
// A component (the platform's own tables, a service's) is a numbered list of SQL files per dialect,
// embedded at build time by ipt_embed_sql (tools/cmake/IptSql.cmake):
//
//   migrations/sqlite/0001_courses.sql     migrations/postgres/0001_courses.sql
//
// Numbers start at 1 without gaps. Each file is applied in one transaction, together with its row
// in schema_migrations(component, version, name, checksum, applied_at_us), under a lock
// (PostgreSQL's advisory one; SQLite's writer), so that replicas which start together apply it
// once. A file that was applied is never edited: a changed checksum is refused.
//
// Upgrades without a stop (docs/decisions/0008-schema-compatibility.md): a migration that leaves
// what older binaries need says so, in a line of its own,
//
//   -- oldest_binary: 3
//
// and binaries that know three migrations of this component, or more, start and go on on the schema
// that it leaves. Without that line only binaries that know the migration itself do.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/storage/database.h"
#include "platform/time/clock.h"

namespace ipt::storage {

// ErrorInfo.reason of a schema that this binary cannot work with: FAILED_PRECONDITION whose message
// says what to do. Met at start and by `migrate` only, never by a client.
inline constexpr char kSchemaMismatch[] = "SCHEMA_MISMATCH";
// The same of a schema that is only too old: `migrate` mends it, so waiting is worth while.
inline constexpr char kSchemaOutdated[] = "SCHEMA_OUTDATED";

struct Migration {
  int64_t version = 0;
  absl::string_view name;  // "0001_courses"
  absl::string_view sql;
  // The fewest migrations that a binary must know to run on the schema that this one leaves; 0: as
  // many as this one's version.
  int64_t oldest_binary = 0;
};

// All views are of constants.
struct Component {
  absl::string_view name;
  absl::Span<const Migration> sqlite;
  absl::Span<const Migration> postgres;

  absl::Span<const Migration> For(Dialect dialect) const {
    return dialect == Dialect::kSqlite ? sqlite : postgres;
  }
};

// How a migration shares PostgreSQL with the servers that work meanwhile.
struct MigrateOptions {
  // For a lock on a table. Whoever comes after a session that waits for one waits, too, so it does
  // not wait for long, but again.
  absl::Duration lock_timeout = absl::Seconds(3);
  int lock_tries = 20;
  absl::Duration lock_pause = absl::Seconds(1);
};

// Applies what is missing, component after component. Idempotent; on a newer schema that this
// binary can run on there is nothing to do. FAILED_PRECONDITION for one that it cannot run on or a
// migration that was edited after it had been applied; DEADLINE_EXCEEDED where others held a table
// for too long: what was applied stays, and the same again goes on from there.
absl::Status Migrate(Database& db, absl::Span<const Component> components, const Clock& clock,
                     const MigrateOptions& options = {});

// Changes nothing. FAILED_PRECONDITION unless every component is at this binary's version, or at a
// later one that this binary can run on.
absl::Status CheckSchema(Database& db, absl::Span<const Component> components);

}  // namespace ipt::storage
