#include "platform/storage/postgres_database.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/postgres_connection.h"
#include "platform/storage/run_body.h"
#include "platform/storage/session_pool.h"
#include "platform/storage/socket_watch.h"
#include "platform/storage/sql_error.h"
#include "platform/storage/transaction_retry.h"

namespace ipt::storage {
namespace {

constexpr char kSnapshot[] = "ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr char kReadCommitted[] = "ISOLATION LEVEL READ COMMITTED";
constexpr char kSerializable[] = "ISOLATION LEVEL SERIALIZABLE";

bool IsConflict(SqlErrorKind kind) {
  return kind == SqlErrorKind::kSerialization || kind == SqlErrorKind::kDeadlock ||
         kind == SqlErrorKind::kRetry;
}

// Another session may serve: this one is broken, or talks to a server that no longer takes writes.
bool IsSessionLost(SqlErrorKind kind) {
  return kind == SqlErrorKind::kConnection || kind == SqlErrorKind::kReadOnly;
}

absl::Status CommitUnknown() {
  return Unavailable(reason::kStoreUnavailable,
                     "the store did not confirm the commit, which may or may not have happened; "
                     "send the same request_id again",
                     absl::Seconds(1));
}

class PostgresDatabase final : public Database {
 public:
  PostgresDatabase(std::string connection_string, const DatabaseOptions& options,
                   const Clock& clock, StorageObserver* observer)
      : options_(options),
        clock_(clock),
        observer_(observer),
        sessions_(
            options.sessions, options.session_wait, options.session_max_age,
            [this, connection_string = std::move(connection_string)] {
              return PostgresConnection::Open(connection_string, options_, observer_, end_);
            },
            observer) {}

  absl::Status Read(const CallOptions& options, Body body) override {
    const SteadyTime called_for = DeadlineOf(options, clock_);
    return RunWithRetries(called_for, observer_, [&]() -> Attempt {
      const SteadyTime deadline = std::min(called_for, end_.load());
      auto session = sessions_.Acquire(deadline);
      if (!session.ok()) return {session.status()};
      PostgresConnection& connection = **session;
      const SocketWatch::Guard guard = watch_.Watch(connection.socket(), Patience(deadline));
      const absl::Duration timeout = Timeout(options, deadline);
      // The session's own timeout serves a statement that needs no other.
      const bool transaction = !options.single_statement || timeout != options_.statement_timeout;
      absl::Status status = Start(connection, deadline, transaction ? kSnapshot : nullptr, timeout);
      if (status.ok()) status = RunReadBody(body, connection);
      if (transaction) (void)connection.Commit();
      return Finish(*session, std::move(status));
    });
  }

  absl::Status Write(const CallOptions& options, Body body) override {
    const SteadyTime called_for = DeadlineOf(options, clock_);
    return RunWithRetries(called_for, observer_, [&]() -> Attempt {
      const SteadyTime deadline = std::min(called_for, end_.load());
      auto session = sessions_.Acquire(deadline);
      if (!session.ok()) return {session.status()};
      PostgresConnection& connection = **session;
      const SocketWatch::Guard guard = watch_.Watch(connection.socket(), Patience(deadline));
      absl::Status status =
          Start(connection, deadline, options.serializable ? kSerializable : kReadCommitted,
                Timeout(options, deadline));
      if (status.ok()) status = RunBody(body, connection);
      if (!status.ok()) {
        if (!connection.broken()) (void)connection.Rollback();
        return Finish(*session, std::move(status));
      }
      const SteadyTime start = SteadyClock::now();
      status = connection.Commit();
      if (observer_ != nullptr) observer_->OnCommit(1, Since(start), status.ok());
      if (IsSessionLost(SqlErrorKindOf(status))) {
        session->Discard();
        return {CommitUnknown()};
      }
      return Finish(*session, std::move(status));
    });
  }

  absl::Status Ping(const CallOptions& options) override {
    static constexpr Statement kPing = {"SELECT CAST(1 AS BIGINT)", {ColumnType::kInt64}};
    CallOptions single = options;
    single.single_statement = true;
    return Read(single, [](Connection& conn) {
      return conn.Query(kPing, {}, [](const Row&) { return absl::OkStatus(); });
    });
  }

  void EndWithin(absl::Duration left) override {
    end_ = After(left);
    watch_.EndAt(end_);
  }

  Dialect dialect() const override { return Dialect::kPostgres; }

 private:
  // What a statement may take: the store's own limit, or less when the call has less time left.
  absl::Duration Timeout(const CallOptions& options, SteadyTime deadline) const {
    const absl::Duration timeout = options.statement_timeout.value_or(options_.statement_timeout);
    if (deadline == kNoLimit) return timeout;
    return std::min(timeout, absl::FromChrono(deadline - SteadyClock::now()));
  }

  // Until when an answer is waited for: the server gives up at the deadline, if it can.
  SteadyTime Patience(SteadyTime deadline) const {
    return deadline == kNoLimit ? kNoLimit
                                : deadline + absl::ToChronoNanoseconds(options_.network_timeout);
  }

  absl::Status Start(PostgresConnection& connection, SteadyTime deadline, const char* mode,
                     absl::Duration timeout) {
    connection.ForgetFailure();
    connection.set_limit(deadline);
    return mode == nullptr ? absl::OkStatus() : connection.Begin(mode, timeout);
  }

  // Gives the session back or throws it away, and says whether the same again may succeed. The
  // statement that failed decides, even where the body made its own error of it.
  Attempt Finish(SessionPool<PostgresConnection>::Lease& session, absl::Status status) {
    if (status.ok()) return {status};
    const SqlErrorKind failure = SqlErrorKindOf(session->failure());
    const SqlErrorKind kind = SqlErrorKindOf(status);
    const bool lost = IsSessionLost(failure) || IsSessionLost(kind) || session->broken();
    const bool again = lost || IsConflict(failure) || IsConflict(kind);
    if (lost || !session->idle()) session.Discard();
    return {std::move(status), again};
  }

  const DatabaseOptions options_;
  const Clock& clock_;
  StorageObserver* const observer_;
  std::atomic<SteadyTime> end_{kNoLimit};
  SocketWatch watch_;
  SessionPool<PostgresConnection> sessions_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenPostgres(const DatabaseOptions& options,
                                                       const Clock& clock,
                                                       StorageObserver* observer) {
  IPT_ASSIGN_OR_RETURN(std::string connection_string,
                       PostgresConnection::ConnectionString(options));
  return std::make_unique<PostgresDatabase>(std::move(connection_string), options, clock, observer);
}

}  // namespace ipt::storage
