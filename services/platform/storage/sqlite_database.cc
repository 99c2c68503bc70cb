#include "platform/storage/sqlite_database.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/trace_context.h"
#include "platform/storage/file_lock.h"
#include "platform/storage/group_commit.h"
#include "platform/storage/run_body.h"
#include "platform/storage/session_pool.h"
#include "platform/storage/sql_error.h"
#include "platform/storage/sqlite_connection.h"
#include "platform/storage/transaction_retry.h"

namespace ipt::storage {
namespace {

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::string path, std::unique_ptr<FileLock> lock,
                 std::unique_ptr<SqliteConnection> writer, const DatabaseOptions& options,
                 const Clock& clock, StorageObserver* observer)
      : lock_(std::move(lock)),
        options_(options),
        clock_(clock),
        observer_(observer),
        writer_(std::move(writer)),
        commits_(
            options.group_commit ? options.max_batch : 1, options.write_queue,
            [this](absl::Span<GroupCommit::Write* const> batch) { RunBatch(batch); }, observer),
        readers_(
            options.sessions, options.session_wait, absl::InfiniteDuration(),
            [path = std::move(path), options, observer] {
              return SqliteConnection::Open(path, SqliteConnection::Mode::kReader, options,
                                            observer);
            },
            observer) {}

  absl::Status Read(const CallOptions& options, Body body) override {
    const SteadyTime deadline = std::min(DeadlineOf(options, clock_), end_.load());
    IPT_ASSIGN_OR_RETURN(auto reader, readers_.Acquire(deadline));
    reader->ForgetFailure();
    reader->set_limit(std::min(deadline, After(StatementTimeout(options))));
    if (!options.single_statement) IPT_RETURN_IF_ERROR(reader->BeginSnapshot());
    absl::Status status = RunReadBody(body, *reader);
    if (!options.single_statement && reader->in_transaction()) (void)reader->Rollback();
    const SqlErrorKind failure = SqlErrorKindOf(reader->failure());
    // A file that was mended or replaced is seen by a new connection only.
    if (failure == SqlErrorKind::kCorrupt || reader->in_transaction()) reader.Discard();
    return status;
  }

  absl::Status Write(const CallOptions& options, Body body) override {
    const SteadyTime deadline = std::min(DeadlineOf(options, clock_), end_.load());
    return RunWithRetries(deadline, observer_, [&]() -> Attempt {
      absl::Status status = commits_.Run(body, deadline, StatementTimeout(options));
      return {status, SqlErrorKindOf(status) == SqlErrorKind::kRetry};
    });
  }

  absl::Status Ping(const CallOptions& options) override {
    static constexpr Statement kPing = {"SELECT COUNT(*) FROM sqlite_master", {ColumnType::kInt64}};
    CallOptions single = options;
    single.single_statement = true;
    return Read(single, [](Connection& conn) {
      return conn.Query(kPing, {}, [](const Row&) { return absl::OkStatus(); });
    });
  }

  void EndWithin(absl::Duration left) override { end_ = After(left); }

  Dialect dialect() const override { return Dialect::kSqlite; }

 private:
  using PendingWrite = GroupCommit::Write;

  absl::Duration StatementTimeout(const CallOptions& options) const {
    return options.statement_timeout.value_or(options_.statement_timeout);
  }

  // Every write of the batch ends either committed or with an error of its own. A batch that fails
  // as a whole by the fault of one (SQLite rolls all back when a write is interrupted, or a
  // deferred foreign key is found broken at the commit) is run again one by one.
  void RunBatch(absl::Span<PendingWrite* const> batch) {
    if (batch.size() > 1 && RunTogether(batch)) return;
    for (PendingWrite* write : batch) {
      PendingWrite* const alone[] = {write};
      if (!IsFinal(*write)) RunTogether(alone);
    }
  }

  // False if the batch was rolled back and is to be run one by one, without those who have a
  // result.
  bool RunTogether(absl::Span<PendingWrite* const> batch) {
    writer_->set_limit(batch.size() == 1 ? batch[0]->deadline : kNoLimit);
    writer_->ForgetFailure();
    if (writer_->in_transaction()) (void)writer_->Rollback();  // a rollback had failed
    if (absl::Status begun = writer_->BeginWrite(); !begun.ok()) {
      for (PendingWrite* write : batch) write->result = begun;
      return true;
    }
    size_t committing = 0;
    for (PendingWrite* write : batch) {
      write->result = RunOne(*write, batch.size() > 1);
      if (!writer_->in_transaction()) return batch.size() == 1;
      if (write->result.ok()) ++committing;
    }
    if (committing == 0) {
      (void)writer_->Rollback();
      return true;
    }
    const SteadyTime start = SteadyClock::now();
    absl::Status committed = writer_->Commit();
    if (observer_ != nullptr) observer_->OnCommit(committing, Since(start), committed.ok());
    if (committed.ok()) return true;
    if (writer_->in_transaction()) (void)writer_->Rollback();
    if (batch.size() > 1 && SqlErrorKindOf(committed) == SqlErrorKind::kForeignKey) return false;
    for (PendingWrite* write : batch) {
      if (write->result.ok()) write->result = committed;
    }
    return true;
  }

  absl::Status RunOne(PendingWrite& write, bool in_savepoint) {
    const TraceScope trace(write.trace);
    if (SteadyClock::now() >= write.deadline) {
      return SqlError(SqlErrorKind::kTimeout, "writer wait");
    }
    writer_->ForgetFailure();
    writer_->set_limit(std::min(write.deadline, After(write.statement_timeout)));
    if (in_savepoint) IPT_RETURN_IF_ERROR(writer_->Savepoint());
    absl::Status status = RunBody(write.body, *writer_);
    writer_->ForgetFailure();  // the status goes to another thread, and to that one alone
    writer_->set_limit(kNoLimit);
    if (!writer_->in_transaction()) {
      return status.ok() ? Internal("a transaction's body ended the transaction") : status;
    }
    if (!in_savepoint) {
      if (!status.ok()) (void)writer_->Rollback();
      return status;
    }
    const absl::Status ended = status.ok() ? writer_->Release() : writer_->RollbackToSavepoint();
    // Neither can fail while the transaction lives; if one does, nothing of the batch may commit.
    if (!ended.ok()) {
      (void)writer_->Rollback();
      return ended;
    }
    return status;
  }

  // A result that another run would not change for the better.
  static bool IsFinal(const PendingWrite& write) { return !write.result.ok(); }

  const std::unique_ptr<FileLock> lock_;
  const DatabaseOptions options_;
  const Clock& clock_;
  StorageObserver* const observer_;
  std::atomic<SteadyTime> end_{kNoLimit};
  std::unique_ptr<SqliteConnection> writer_;
  GroupCommit commits_;
  SessionPool<SqliteConnection> readers_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(const std::string& path,
                                                     const DatabaseOptions& options,
                                                     const Clock& clock,
                                                     StorageObserver* observer) {
  std::unique_ptr<FileLock> lock;
  if (options.exclusive) {
    IPT_ASSIGN_OR_RETURN(lock, FileLock::Take(absl::StrCat(path, ".lock")));
  }
  IPT_ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(path, SqliteConnection::Mode::kWriter,
                                                           options, observer));
  return std::make_unique<SqliteDatabase>(path, std::move(lock), std::move(writer), options, clock,
                                          observer);
}

}  // namespace ipt::storage
