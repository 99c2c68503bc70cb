#include "platform/storage/postgres_connection.h"

#include "platform/storage/soci_include.h"
// The PostgreSQL backend comes after SOCI itself.
#include <soci/postgresql/soci-postgresql.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/sql_error.h"

namespace ipt::storage {
namespace {

soci::postgresql_statement_backend& BackendOf(soci::details::statement_backend* statement) {
  return *static_cast<soci::postgresql_statement_backend*>(statement);
}

absl::string_view Field(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? absl::string_view() : text;
}

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

absl::Status ErrorOf(PGconn* connection, const PGresult* result) {
  const absl::string_view sqlstate = Field(result, PG_DIAG_SQLSTATE);
  if (PQstatus(connection) == CONNECTION_BAD) {
    return SqlError(
        SqlErrorKind::kConnection,
        absl::StrCat("connection lost", sqlstate.empty() ? "" : ", SQLSTATE ", sqlstate));
  }
  return PostgresError(sqlstate, Field(result, PG_DIAG_CONSTRAINT_NAME),
                       Field(result, PG_DIAG_MESSAGE_PRIMARY));
}

bool Succeeded(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

absl::Status Exec(PGconn* connection, const char* sql) {
  const Result result(PQexec(connection, sql));
  return Succeeded(result.get()) ? absl::OkStatus() : ErrorOf(connection, result.get());
}

int64_t Milliseconds(absl::Duration timeout) {
  // Zero would mean no timeout at all.
  return timeout >= absl::Hours(24) ? 0 : std::max<int64_t>(1, absl::ToInt64Milliseconds(timeout));
}

void Append(std::string& conninfo, absl::string_view key, absl::string_view value) {
  absl::StrAppend(&conninfo, conninfo.empty() ? "" : " ", key, "='");
  for (char c : value) {
    if (c == '\'' || c == '\\') conninfo.push_back('\\');
    conninfo.push_back(c);
  }
  conninfo.push_back('\'');
}

struct FreeConnectionInfo {
  void operator()(PQconninfoOption* info) const { PQconninfoFree(info); }
};
using ConnectionInfo = std::unique_ptr<PQconninfoOption, FreeConnectionInfo>;

absl::string_view Given(const ConnectionInfo& parsed, absl::string_view key) {
  for (const PQconninfoOption* o = parsed.get(); o->keyword != nullptr; ++o) {
    if (key == o->keyword && o->val != nullptr) return o->val;
  }
  return "";
}

absl::StatusOr<ConnectionInfo> Parse(const std::string& url) {
  char* unused = nullptr;
  ConnectionInfo parsed(PQconninfoParse(url.c_str(), &unused));
  PQfreemem(unused);  // what libpq says repeats the URL, and a URL may hold a password
  if (parsed == nullptr) {
    return absl::InvalidArgumentError("is no PostgreSQL URL that libpq understands");
  }
  // libpq would say so at each connection.
  for (const absl::string_view port : absl::StrSplit(Given(parsed, "port"), ',')) {
    int number = 0;
    if (!port.empty() && (!absl::SimpleAtoi(port, &number) || number < 1 || number > 65535)) {
      return absl::InvalidArgumentError("has a port that is no number from 1 to 65535");
    }
  }
  return parsed;
}

}  // namespace

absl::StatusOr<bool> PostgresConnection::HoldsPassword(const std::string& url) {
  IPT_ASSIGN_OR_RETURN(const ConnectionInfo parsed, Parse(url));
  return !Given(parsed, "password").empty() || !Given(parsed, "sslpassword").empty();
}

absl::StatusOr<std::string> PostgresConnection::ConnectionString(const DatabaseOptions& options) {
  IPT_ASSIGN_OR_RETURN(const ConnectionInfo parsed, Parse(options.url));
  std::string conninfo;
  const auto given = [&](absl::string_view key) { return Given(parsed, key); };
  const auto set_default = [&](absl::string_view key, absl::string_view value) {
    if (given(key).empty()) Append(conninfo, key, value);
  };
  for (const PQconninfoOption* o = parsed.get(); o->keyword != nullptr; ++o) {
    if (o->val != nullptr) Append(conninfo, o->keyword, o->val);
  }
  set_default("application_name", "ipt");
  set_default("connect_timeout",
              absl::StrCat(std::max<int64_t>(2, absl::ToInt64Seconds(options.connect_timeout))));
  set_default("tcp_user_timeout", absl::StrCat(Milliseconds(options.network_timeout)));
  set_default("keepalives_idle", "10");
  set_default("keepalives_interval", "5");
  set_default("keepalives_count", "3");
  set_default("client_encoding", "UTF8");
  // Of several hosts only the primary takes writes, and after a failover it is another one.
  if (given("host").find(',') != absl::string_view::npos ||
      given("hostaddr").find(',') != absl::string_view::npos) {
    set_default("target_session_attrs", "read-write");
  }
  return conninfo;
}

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(
    const std::string& connection_string, const DatabaseOptions& options, StorageObserver* observer,
    const std::atomic<SteadyTime>& end) {
  // libpq's connect_timeout, which is per address, ends where the session is let in; but SOCI goes
  // on to talk before it shows its socket to anybody. So a thread connects, and is left to itself
  // when it takes longer than any number of addresses would.
  struct Connecting {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<absl::StatusOr<std::unique_ptr<PostgresConnection>>> result;
  };
  std::string full = connection_string;
  if (options.password != nullptr) {
    const absl::StatusOr<std::string> password = options.password();
    if (!password.ok()) {
      return SqlError(SqlErrorKind::kConnection, "the password's file cannot be read");
    }
    Append(full, "password", *password);
  }
  const auto connecting = std::make_shared<Connecting>();
  std::thread([connecting, full = std::move(full), options, observer] {
    auto result = Connect(full, options, observer);
    std::lock_guard<std::mutex> lock(connecting->mutex);
    connecting->result = std::move(result);
    connecting->done.notify_one();
  }).detach();

  const SteadyTime limit = After(10 * options.connect_timeout);
  std::unique_lock<std::mutex> lock(connecting->mutex);
  while (!connecting->result.has_value() && SteadyClock::now() < std::min(limit, end.load())) {
    connecting->done.wait_for(lock, std::chrono::milliseconds(100));
  }
  if (connecting->result.has_value()) return *std::move(connecting->result);
  return SqlError(SqlErrorKind::kConnection, "no connection in time");
}

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresConnection::Connect(
    const std::string& connection_string, const DatabaseOptions& options,
    StorageObserver* observer) {
  std::unique_ptr<soci::session> session;
  try {
    session = std::make_unique<soci::session>(soci::postgresql, connection_string);
  } catch (const std::exception& error) {
    // Its text says where and as whom, not with what; all the same, of it only whether to look at
    // the password or at the network.
    const absl::string_view text = error.what();
    const bool refused = absl::StrContains(text, "authentication failed") ||
                         absl::StrContains(text, "no password supplied");
    return SqlError(SqlErrorKind::kConnection,
                    refused ? "the server refused the user or the password" : "no connection");
  }
  std::unique_ptr<PostgresConnection> connection(
      new PostgresConnection(std::move(session), options, observer));
  // An open transaction whose client hangs would hold its locks and hold back vacuum.
  const std::string set_up =
      absl::StrCat("SET statement_timeout = ", Milliseconds(options.statement_timeout),
                   "; SET idle_in_transaction_session_timeout = 60000; SET bytea_output = hex; "
                   "SET standard_conforming_strings = on; SET client_min_messages = warning");
  IPT_RETURN_IF_ERROR(Exec(connection->connection_, set_up.c_str()));
  return connection;
}

PostgresConnection::PostgresConnection(std::unique_ptr<soci::session> session,
                                       const DatabaseOptions& options, StorageObserver* observer)
    : SociConnection(std::move(session), observer),
      connection_(
          static_cast<soci::postgresql_session_backend*>(this->session().get_backend())->conn_),
      socket_(std::make_shared<SocketHandle>(PQsocket(connection_))),
      statement_timeout_(options.statement_timeout) {
  // libpq would print notices to stderr, and they may quote data.
  PQsetNoticeReceiver(
      connection_,
      [](void* warned, const PGresult* notice) {
        if (Field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) == "WARNING") {
          *static_cast<bool*>(warned) = true;
        }
      },
      &warned_);
}

PostgresConnection::~PostgresConnection() { AbandonStatements(); }

absl::Status PostgresConnection::Begin(absl::string_view mode, absl::Duration timeout) {
  std::string sql = absl::StrCat("BEGIN ", mode);
  if (timeout != statement_timeout_) {
    absl::StrAppend(&sql, "; SET LOCAL statement_timeout = ", Milliseconds(timeout));
  }
  return Exec(connection_, sql.c_str());
}

absl::Status PostgresConnection::Commit() {
  warned_ = false;
  const Result result(PQexec(connection_, "COMMIT"));
  if (!Succeeded(result.get())) return ErrorOf(connection_, result.get());
  // The server answers COMMIT of a failed transaction with success, and the tag ROLLBACK.
  if (std::strcmp(PQcmdStatus(result.get()), "COMMIT") != 0) {
    return Internal("COMMIT of a failed transaction");
  }
  // Told to cancel while it waits for its synchronous standby, the server no longer waits, and
  // answers with success and a warning. A failover would lose what such an answer promises.
  if (warned_) return SqlError(SqlErrorKind::kConnection, "not confirmed by a standby");
  return absl::OkStatus();
}

absl::Status PostgresConnection::Rollback() { return Exec(connection_, "ROLLBACK"); }

bool PostgresConnection::idle() const { return PQtransactionStatus(connection_) == PQTRANS_IDLE; }

bool PostgresConnection::broken() const { return PQstatus(connection_) == CONNECTION_BAD; }

absl::Status PostgresConnection::RunScript(const std::string& sql) {
  const Result result(PQexec(connection_, sql.c_str()));
  if (Succeeded(result.get())) return absl::OkStatus();
  // Class 42, an error in the SQL itself, tells of nothing but the SQL.
  if (absl::StartsWith(Field(result.get(), PG_DIAG_SQLSTATE), "42")) {
    return SqlError(SqlErrorKind::kOther, Field(result.get(), PG_DIAG_MESSAGE_PRIMARY));
  }
  return ErrorOf(connection_, result.get());
}

absl::Status PostgresConnection::ErrorNow(soci::details::statement_backend* statement) {
  if (statement != nullptr) {
    if (const PGresult* result = BackendOf(statement).result_.get_result()) {
      if (!Succeeded(result)) return ErrorOf(connection_, result);
    }
  }
  if (broken()) return ErrorOf(connection_, nullptr);
  // No result is kept of a failed PREPARE; SOCI's exception has its SQLSTATE.
  try {
    throw;
  } catch (const soci::postgresql_soci_error& error) {
    const std::string sqlstate = error.sqlstate();
    return PostgresError(absl::StripAsciiWhitespace(sqlstate), "", "");
  } catch (const std::exception&) {
    return SqlError(SqlErrorKind::kOther, "misuse");
  }
}

int PostgresConnection::ColumnCount(soci::details::statement_backend* statement) {
  return PQnfields(BackendOf(statement).result_.get_result());
}

void PostgresConnection::Finish(soci::details::statement_backend* statement) {
  BackendOf(statement).result_.reset();
}

void PostgresConnection::Abandon(soci::details::statement_backend* statement) {
  // The server forgets the statements of a session that ends: no DEALLOCATE for each.
  BackendOf(statement).statementName_.clear();
}

}  // namespace ipt::storage
