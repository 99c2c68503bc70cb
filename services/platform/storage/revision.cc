#include "platform/storage/revision.h"

#include "platform/errors/status_macros.h"

namespace ipt::storage {
namespace {

// The engines differ here, and here only: SQLite's single writer counts in a row, PostgreSQL's many
// would queue for that row.
struct RevisionSql {
  Statement next;
  Statement current;
  // A transaction's id that is above those of all that have one, and the first that has not ended.
  Statement begun;
  Statement running;
};

constexpr RevisionSql kSqlite = {
    {"UPDATE revision_counter SET value = value + 1 WHERE id = 1 RETURNING value",
     {ColumnType::kInt64}},
    {"SELECT value FROM revision_counter WHERE id = 1", {ColumnType::kInt64}},
    {"SELECT 0", {ColumnType::kInt64}},
    {"SELECT 0", {ColumnType::kInt64}}};

constexpr RevisionSql kPostgres = {
    {"SELECT nextval('revision_counter')", {ColumnType::kInt64}},
    {"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM revision_counter",
     {ColumnType::kInt64}},
    // One of its own: the end of a snapshot would be behind the newest of those that run.
    {"SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)", {ColumnType::kInt64}},
    {"SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)",
     {ColumnType::kInt64}}};

const RevisionSql& For(const Connection& conn) {
  return conn.dialect() == Dialect::kSqlite ? kSqlite : kPostgres;
}

absl::StatusOr<int64_t> One(Connection& conn, const Statement& statement) {
  IPT_ASSIGN_OR_RETURN(auto value,
                       conn.QueryOne(statement, {}, [](const Row& row) { return row.Int64(0); }));
  if (!value.has_value()) return Internal("the engine gave no number");
  return *value;
}

}  // namespace

absl::StatusOr<int64_t> NextRevision(Connection& conn) { return One(conn, For(conn).next); }

absl::StatusOr<int64_t> CurrentRevision(Connection& conn) { return One(conn, For(conn).current); }

absl::StatusOr<int64_t> MarkWriters(Connection& conn) { return One(conn, For(conn).begun); }

absl::StatusOr<bool> WritersAreOver(Connection& conn, int64_t mark) {
  IPT_ASSIGN_OR_RETURN(const int64_t running, One(conn, For(conn).running));
  return running >= mark;
}

}  // namespace ipt::storage
