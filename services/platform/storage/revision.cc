#include "platform/storage/revision.h"

#include "platform/errors/status_macros.h"

namespace ipt::storage {
namespace {

// The engines differ here, and here only: SQLite's single writer counts in a row, PostgreSQL's many
// would queue for that row.
struct RevisionSql {
  Statement next;
  Statement current;
  Statement mark;
};

constexpr RevisionSql kSqlite = {
    {"UPDATE revision_counter SET value = value + 1 WHERE id = 1 RETURNING value",
     {ColumnType::kInt64}},
    {"SELECT value FROM revision_counter WHERE id = 1", {ColumnType::kInt64}},
    {"SELECT 0", {ColumnType::kInt64}}};

constexpr RevisionSql kPostgres = {
    {"SELECT nextval('revision_counter')", {ColumnType::kInt64}},
    {"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM revision_counter",
     {ColumnType::kInt64}},
    // An id of its own: ids are given in order, and each is seen in pg_stat_activity from before
    // the next one is given until its transaction is over. The end of a snapshot would not do: it
    // is behind the newest of those that run.
    {"SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)", {ColumnType::kInt64}}};

// PostgreSQL: those before the mark, of this database (a snapshot has all of the cluster).
// backend_xid is the lower half of an id, and ids that run at once are less than 2^31 apart.
constexpr Statement kWritersBefore = {
    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND "
    "((CAST(CAST(backend_xid AS TEXT) AS BIGINT) - CAST(:mark AS BIGINT)) & 4294967295) "
    ">= 2147483648",
    {ColumnType::kInt64}};

const RevisionSql& For(const Connection& conn) {
  return conn.dialect() == Dialect::kSqlite ? kSqlite : kPostgres;
}

absl::StatusOr<int64_t> One(Connection& conn, const Statement& statement,
                            absl::Span<const Value> params = {}) {
  IPT_ASSIGN_OR_RETURN(
      auto value, conn.QueryOne(statement, params, [](const Row& row) { return row.Int64(0); }));
  if (!value.has_value()) return Internal("the engine gave no number");
  return *value;
}

}  // namespace

absl::StatusOr<int64_t> NextRevision(Connection& conn) { return One(conn, For(conn).next); }

absl::StatusOr<int64_t> CurrentRevision(Connection& conn) { return One(conn, For(conn).current); }

absl::StatusOr<int64_t> MarkWriters(Connection& conn) { return One(conn, For(conn).mark); }

absl::StatusOr<bool> WritersAreOver(Connection& conn, int64_t mark) {
  if (conn.dialect() == Dialect::kSqlite) return true;
  IPT_ASSIGN_OR_RETURN(const int64_t writers, One(conn, kWritersBefore, {mark}));
  return writers == 0;
}

}  // namespace ipt::storage
