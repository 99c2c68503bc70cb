#include "platform/storage/sqlite_connection.h"

// SOCI would declare SQLite's C functions inside a namespace of its own; it is given ours instead.
#include <sqlite3.h>
namespace sqlite_api {
using ::sqlite3;
using ::sqlite3_destructor_type;
using ::sqlite3_int64;
using ::sqlite3_stmt;
using ::sqlite3_uint64;
}  // namespace sqlite_api

#include "platform/storage/soci_include.h"
// The SQLite backend comes after SOCI itself.
#include <fcntl.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/sql_error.h"

namespace ipt::storage {
namespace {

// Virtual machine instructions between two looks at the clock: some tens of microseconds.
constexpr int kProgressInstructions = 2000;

constexpr const char* kControlSql[] = {
    "BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT s", "RELEASE s", "ROLLBACK TO s",
};

::sqlite3* HandleOf(soci::session& session) {
  return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
}

::sqlite3_stmt* HandleOf(soci::details::statement_backend* statement) {
  return static_cast<soci::sqlite3_statement_backend*>(statement)->stmt_;
}

// So that no other user of the machine reads the file, whatever the umask. SQLite gives the WAL and
// its index the mode of the database. A file that is there is not opened: POSIX drops all locks
// that the process has on a file when it closes any descriptor of it, and without SQLite's the next
// program that looks into the store takes itself for the last one and deletes the WAL under us.
absl::Status CreatePrivateFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) return absl::OkStatus();
  if (fd < 0) {
    return Unavailable(reason::kStoreUnavailable,
                       absl::StrCat("cannot create or open the SQLite file ", path,
                                    ": check that its folder exists and is writable"),
                       absl::Seconds(1));
  }
  close(fd);
  return absl::OkStatus();
}

// For the whole process, before its first connection: no connection is used by two threads at once,
// so none needs a lock of its own, and nobody asks how much memory SQLite holds, which costs a lock
// shared by all at each allocation. Where somebody has used SQLite before, it stays as it was.
void ConfigureSqlite() {
  static const bool done = [] {
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return true;
  }();
  (void)done;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(
    const std::string& path, Mode mode, const DatabaseOptions& options, StorageObserver* observer) {
  ConfigureSqlite();
  if (mode == Mode::kWriter) IPT_RETURN_IF_ERROR(CreatePrivateFile(path));
  std::unique_ptr<soci::session> session;
  try {
    session = std::make_unique<soci::session>(soci::sqlite3, absl::StrCat("dbname=\"", path, "\""));
  } catch (const soci::sqlite3_soci_error& error) {
    return SqliteError(error.result(), "");
  } catch (const std::exception&) {
    return SqlError(SqlErrorKind::kCorrupt, "open");
  }
  std::unique_ptr<SqliteConnection> connection(
      new SqliteConnection(std::move(session), options, observer));
  IPT_RETURN_IF_ERROR(connection->SetUp(mode, options));
  return connection;
}

SqliteConnection::SqliteConnection(std::unique_ptr<soci::session> session,
                                   const DatabaseOptions& options, StorageObserver* observer)
    : SociConnection(std::move(session), observer),
      db_(HandleOf(this->session())),
      busy_timeout_(options.busy_timeout) {
  sqlite3_progress_handler(db_, kProgressInstructions, &OnProgress, this);
  sqlite3_busy_handler(db_, &OnBusy, this);
}

SqliteConnection::~SqliteConnection() {
  AbandonStatements();
  for (::sqlite3_stmt* statement : control_) sqlite3_finalize(statement);
}

absl::Status SqliteConnection::SetUp(Mode mode, const DatabaseOptions& options) {
  // The journal of a savepoint stays in memory; the write-ahead log may grow to 16 MiB before a
  // commit pays for a checkpoint, and is cut back to that once it was longer.
  std::string script =
      "PRAGMA foreign_keys = ON;"
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -8192;";
  if (mode == Mode::kWriter) {
    absl::StrAppend(&script,
                    "PRAGMA journal_mode = WAL;"
                    "PRAGMA synchronous = FULL;"
                    "PRAGMA wal_autocheckpoint = 4096;"
                    "PRAGMA journal_size_limit = 16777216;");
    if (options.max_pages > 0) {
      absl::StrAppend(&script, "PRAGMA max_page_count = ", options.max_pages, ";");
    }
  } else {
    // Pages are read where the system has them, without a call and a copy for each: a report reads
    // thousands. Of readers only, since a disk that fails under a mapped page ends the process.
    absl::StrAppend(&script, "PRAGMA query_only = ON;", "PRAGMA mmap_size = 2147418112;");
  }
  return RunScript(script);
}

absl::Status SqliteConnection::LastError() const {
  const int code = sqlite3_extended_errcode(db_);
  // Another process held the store until the call's own time was up.
  if ((code & 0xff) == SQLITE_BUSY && IsOver()) return SqlError(SqlErrorKind::kTimeout, "BUSY");
  return SqliteError(code, sqlite3_errmsg(db_));
}

absl::Status SqliteConnection::ErrorNow(soci::details::statement_backend*) { return LastError(); }

int SqliteConnection::ColumnCount(soci::details::statement_backend* statement) {
  return sqlite3_column_count(HandleOf(statement));
}

void SqliteConnection::Finish(soci::details::statement_backend* statement) {
  sqlite3_reset(HandleOf(statement));
}

absl::Status SqliteConnection::RunScript(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  // An error in the SQL itself tells of nothing but the SQL.
  if (code == SQLITE_ERROR) return SqlError(SqlErrorKind::kOther, sqlite3_errmsg(db_));
  return LastError();
}

absl::Status SqliteConnection::Control(ControlStatement which) {
  ::sqlite3_stmt*& statement = control_[which];
  if (statement == nullptr &&
      sqlite3_prepare_v3(db_, kControlSql[which], -1, SQLITE_PREPARE_PERSISTENT, &statement,
                         nullptr) != SQLITE_OK) {
    return LastError();
  }
  absl::Status status;
  if (sqlite3_step(statement) != SQLITE_DONE) status = LastError();
  sqlite3_reset(statement);
  return status;
}

absl::Status SqliteConnection::Commit() {
  set_limit(kNoLimit);  // what was done in time is not thrown away at its end
  return Control(kCommit);
}

absl::Status SqliteConnection::RollbackToSavepoint() {
  IPT_RETURN_IF_ERROR(Control(kRollbackTo));
  return Control(kRelease);
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

bool SqliteConnection::IsOver() const {
  return limit() != kNoLimit && SteadyClock::now() >= limit();
}

int SqliteConnection::OnProgress(void* self) {
  return static_cast<const SqliteConnection*>(self)->IsOver() ? 1 : 0;
}

int SqliteConnection::OnBusy(void* self, int attempts) {
  auto& connection = *static_cast<SqliteConnection*>(self);
  if (attempts == 0) connection.busy_since_ = SteadyClock::now();
  if (Since(connection.busy_since_) >= connection.busy_timeout_ || connection.IsOver()) return 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(std::min(1 + attempts, 20)));
  return 1;
}

}  // namespace ipt::storage
