#include "platform/storage/revision.h"

#include "platform/errors/status_macros.h"

namespace ipt::storage {
namespace {

// The engines differ here, and here only: SQLite's single writer counts in a row, PostgreSQL's many
// would queue for that row.
struct RevisionSql {
  Statement next;
  Statement current;
};

constexpr RevisionSql kSqlite = {
    {"UPDATE revision_counter SET value = value + 1 WHERE id = 1 RETURNING value",
     {ColumnType::kInt64}},
    {"SELECT value FROM revision_counter WHERE id = 1", {ColumnType::kInt64}}};

constexpr RevisionSql kPostgres = {
    {"SELECT nextval('revision_counter')", {ColumnType::kInt64}},
    {"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM revision_counter",
     {ColumnType::kInt64}}};

const RevisionSql& For(const Connection& conn) {
  return conn.dialect() == Dialect::kSqlite ? kSqlite : kPostgres;
}

absl::StatusOr<int64_t> One(Connection& conn, const Statement& statement) {
  IPT_ASSIGN_OR_RETURN(auto value,
                       conn.QueryOne(statement, {}, [](const Row& row) { return row.Int64(0); }));
  if (!value.has_value()) return Internal("the revision counter has no row");
  return *value;
}

}  // namespace

absl::StatusOr<int64_t> NextRevision(Connection& conn) { return One(conn, For(conn).next); }

absl::StatusOr<int64_t> CurrentRevision(Connection& conn) { return One(conn, For(conn).current); }

}  // namespace ipt::storage
