// The face of the SQL store: transactions, statements, rows. SQLite and PostgreSQL stand behind it;
// neither they nor the library that drives them are visible from here.
//
//   constexpr Statement kFindCourse = {
//       "SELECT revision, title FROM courses WHERE clinic_id = :clinic AND course_id = :course",
//       {ColumnType::kInt64, ColumnType::kText}};
//
//   absl::Status status = db.Read(options, [&](Connection& conn) -> absl::Status {
//     IPT_ASSIGN_OR_RETURN(found, conn.QueryOne(kFindCourse, {clinic, course}, [](const Row& row) {
//       return Course{row.Int64(0), row.Text(1)};
//     }));
//     return absl::OkStatus();
//   });
//
// Errors are those of platform/storage/sql_error.h: they never hold a bound value or a driver's
// text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/errors/error.h"
#include "platform/storage/observer.h"
#include "platform/storage/value.h"
#include "platform/time/clock.h"

namespace ipt::storage {

enum class Dialect { kSqlite, kPostgres };

// SQL text and the type of each result column.
//
// Parameters are `:name`; their values are given in the order in which the names FIRST appear in
// the text; a name may appear again. The identity of a statement is its text: it is prepared once
// per session and kept, so texts should be constants, or few. Rules that keep a text the same on
// both engines: no comments, no `?` or `$1`; PostgreSQL must be able to tell a parameter's type
// from its place, so write `CAST(:after AS BIGINT) IS NULL`; BLOB in SQLite is BYTEA in PostgreSQL;
// no booleans (BIGINT 0 or 1).
struct Statement {
  absl::string_view sql;
  ColumnTypes columns = {};
};

// One transaction's view of the store. Not thread-safe; lives only as long as the body it is given
// to. In a Write, a statement that failed dooms the transaction (PostgreSQL knows it no other way,
// and SQLite is made to behave alike): later statements return the same error, and Write rolls back
// even if the body returns OK. Where a violation is an expected answer, write ON CONFLICT DO
// NOTHING and look at the affected rows, or return the error and judge it outside with
// SqlErrorKindOf.
class Connection {
 public:
  virtual ~Connection() = default;

  // Runs a statement without result columns. Returns the number of affected rows.
  virtual absl::StatusOr<int64_t> Execute(const Statement& statement,
                                          absl::Span<const Value> params = {}) = 0;

  // Calls `on_row` for each row; its first error ends the query and is returned. The row is valid
  // during the call only. The same statement must not run again inside `on_row`.
  virtual absl::Status Query(const Statement& statement, absl::Span<const Value> params,
                             absl::FunctionRef<absl::Status(const Row&)> on_row) = 0;

  // The one row converted by `convert` (Row -> T), or nothing. INTERNAL when there are more.
  template <typename Convert>
  auto QueryOne(const Statement& statement, absl::Span<const Value> params, Convert convert)
      -> absl::StatusOr<std::optional<std::invoke_result_t<Convert, const Row&>>> {
    std::optional<std::invoke_result_t<Convert, const Row&>> result;
    absl::Status status = Query(statement, params, [&](const Row& row) {
      if (result.has_value()) return Internal("more than one row where one was expected");
      result.emplace(convert(row));
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    return result;
  }

  // Runs several statements separated by semicolons, without parameters or results: migrations and
  // tests. Not prepared, not kept.
  virtual absl::Status ExecuteScript(absl::string_view sql) = 0;

  virtual Dialect dialect() const = 0;
};

struct CallOptions {
  // Work that has not finished by then ends with DEADLINE_EXCEEDED: waiting for a session or for
  // the writer, as well as a statement that runs.
  absl::Time deadline = absl::InfiniteFuture();

  // Read: the body runs one statement only, which is its own snapshot: saves PostgreSQL two round
  // trips, and with them the guard against writing.
  bool single_statement = false;

  // Write, PostgreSQL: SERIALIZABLE instead of READ COMMITTED. SQLite's writer is always serial.
  bool serializable = false;

  // Instead of the store's own statement_timeout; migrations and purges take longer.
  std::optional<absl::Duration> statement_timeout;
};

using Body = absl::FunctionRef<absl::Status(Connection&)>;

// A store. Thread-safe. A body must not call Read or Write of the same store again (the writer and
// a session would wait for themselves), and should not wait for anything else either.
class Database {
 public:
  virtual ~Database() = default;

  // Runs `body` on one consistent snapshot: SQLite a WAL snapshot on a reader connection,
  // PostgreSQL REPEATABLE READ READ ONLY. The body may run again on a fresh session when the first
  // one broke.
  virtual absl::Status Read(const CallOptions& options, Body body) = 0;

  // Runs `body` in one durable transaction and returns OK only after its commit. A non-OK status of
  // the body rolls all of it back and is returned.
  //
  // The body may run again, from the start, on another thread than the caller's (never at the same
  // time), so it must have no effect outside the transaction that a second run would repeat: set
  // results, do not append to them. Serialization failures and deadlocks are retried up to 3 times
  // with jitter, then ABORTED with reason STORE_CONFLICT. UNAVAILABLE with STORE_UNAVAILABLE: not
  // committed, or (connection lost during the commit itself) not known to be: the caller's
  // request_id makes trying again safe.
  virtual absl::Status Write(const CallOptions& options, Body body) = 0;

  // OK if the store answers a read.
  virtual absl::Status Ping(const CallOptions& options) = 0;

  // The process ends: from now on nobody waits for the store longer than `left`. Work that begins
  // later has at most that deadline; PostgreSQL's running work loses its connection then, SQLite's
  // ends by its statement_timeout. The last call holds.
  virtual void EndWithin(absl::Duration left) = 0;

  virtual Dialect dialect() const = 0;
};

struct DatabaseOptions {
  // "sqlite:///var/lib/ipt/x.db", "sqlite:relative.db", or whatever libpq takes as
  // "postgresql://..." (several hosts included; target_session_attrs=read-write is then added).
  std::string url;
  // PostgreSQL: asked for the password at each new connection, so that it may change; the store is
  // unavailable while there is none. Null: as the URL and libpq's own defaults have it.
  std::function<absl::StatusOr<std::string>()> password = nullptr;

  int sessions = 8;                                // PostgreSQL sessions, or SQLite readers
  absl::Duration session_wait = absl::Seconds(2);  // for a free session; then RESOURCE_EXHAUSTED
  absl::Duration statement_timeout = absl::Seconds(10);
  absl::Duration connect_timeout = absl::Seconds(3);
  // PostgreSQL: unacknowledged data for this long breaks the connection (tcp_user_timeout), and so
  // does an answer that is missing for this long after the call's deadline.
  absl::Duration network_timeout = absl::Seconds(10);
  absl::Duration session_max_age = absl::Minutes(30);

  // SQLite's writer. Writes that wait are committed together, each in its own savepoint.
  bool group_commit = true;
  int max_batch = 256;
  int write_queue = 1024;                          // writes waiting; then RESOURCE_EXHAUSTED
  absl::Duration busy_timeout = absl::Seconds(5);  // while another process holds the file
  // Refuse to open a file that another process has opened so: what is kept in memory beside it (a
  // cache) would not hear of the other's commits.
  bool exclusive = false;
  // A cap on the file's size (PRAGMA max_page_count), zero for none.
  int64_t max_pages = 0;
};

struct StoreUrl {
  Dialect dialect = Dialect::kSqlite;
  bool holds_password = false;  // or another secret
};

// What a URL for DatabaseOptions names. INVALID_ARGUMENT with a sentence that says what it must be
// and never repeats it.
absl::StatusOr<StoreUrl> ParseStoreUrl(const std::string& url);

// Opens a store. SQLite: creates the file (mode 0600) where it is absent. PostgreSQL: connects on
// first use, so that a service can start before its database; Ping tells. INVALID_ARGUMENT for a
// malformed url. `clock` must outlive the store, as must `observer`, which may be null.
absl::StatusOr<std::unique_ptr<Database>> OpenDatabase(const DatabaseOptions& options,
                                                       const Clock& clock,
                                                       StorageObserver* observer = nullptr);

}  // namespace ipt::storage
