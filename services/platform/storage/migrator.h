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
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
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

// Applies what is missing, component after component. Idempotent. FAILED_PRECONDITION for a schema
// newer than this binary or a migration that was edited after it had been applied.
absl::Status Migrate(Database& db, absl::Span<const Component> components, const Clock& clock);

// Changes nothing. FAILED_PRECONDITION unless every component is exactly at this binary's version.
absl::Status CheckSchema(Database& db, absl::Span<const Component> components);

}  // namespace ipt::storage
