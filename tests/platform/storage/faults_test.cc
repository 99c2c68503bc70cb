// What each engine does when what it stands on fails.
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/trace_context.h"
#include "platform/storage/database.h"
#include "platform/storage/idempotency.h"
#include "platform/storage/platform_migrations.h"
#include "platform/storage/sql_error.h"
#include "tests/support/postgres_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::storage {
namespace {

using ::ipt::testing::FailsWith;
using ::ipt::testing::IsOk;
using ::ipt::testing::PostgresProcess;
using ::ipt::testing::StatusIs;
using ::ipt::testing::TempDatabase;

constexpr Statement kInsert = {"INSERT INTO items (id, name) VALUES (:id, :name)"};
constexpr Statement kCount = {"SELECT COUNT(*) FROM items", {ColumnType::kInt64}};

void CreateItems(Database& db) {
  ASSERT_OK(db.Write({}, [](Connection& conn) {
    return conn.ExecuteScript("CREATE TABLE items (id BIGINT PRIMARY KEY, name TEXT NOT NULL)");
  }));
}

absl::Status Insert(Database& db, int64_t id, const std::string& name = "x") {
  return db.Write({}, [&](Connection& conn) { return conn.Execute(kInsert, {id, name}).status(); });
}

absl::StatusOr<int64_t> CountItems(Database& db) {
  int64_t count = -1;
  IPT_RETURN_IF_ERROR(db.Read({}, [&](Connection& conn) {
    return conn.Query(kCount, {}, [&](const Row& row) {
      count = row.Int64(0);
      return absl::OkStatus();
    });
  }));
  return count;
}

// SQLite.

DatabaseOptions SmallFile() {
  DatabaseOptions options;
  options.max_pages = 64;  // 256 KiB
  return options;
}

TEST(SqliteFaultsTest, AFullDiskRefusesWritesAndGoesOnReading) {
  TempDatabase db(Dialect::kSqlite, {}, SmallFile());
  CreateItems(*db);
  int64_t stored = 0;
  absl::Status status;
  while (stored < 1000) {
    status = Insert(*db, stored, std::string(5000, 'x'));
    if (!status.ok()) break;
    ++stored;
  }
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kResourceExhausted, reason::kStoreFull));
  EXPECT_EQ(SqlErrorKindOf(status), SqlErrorKind::kFull);
  EXPECT_EQ(RetryDelayOf(status), absl::Seconds(30));
  EXPECT_GT(stored, 10);
  EXPECT_EQ(CountItems(*db).value(), stored);
  // Room again: writing goes on.
  ASSERT_OK(db->Write({}, [](Connection& conn) {
    return conn.Execute({"DELETE FROM items WHERE id < 5"}).status();
  }));
  EXPECT_OK(Insert(*db, 2000, std::string(5000, 'x')));
  EXPECT_EQ(CountItems(*db).value(), stored - 4);
}

TEST(SqliteFaultsTest, OnAFullDiskEachWriterHasItsOwnAnswer) {
  TempDatabase db(Dialect::kSqlite, {}, SmallFile());
  CreateItems(*db);
  std::atomic<int64_t> stored = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t i = 0; i < 20; ++i) {
        // Small ones may still fit where large ones do not.
        const absl::Status status =
            Insert(*db, t * 20 + i, std::string(t % 2 == 0 ? 9000 : 10, 'x'));
        if (status.ok()) {
          ++stored;
        } else {
          EXPECT_THAT(status, FailsWith(absl::StatusCode::kResourceExhausted, reason::kStoreFull));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(CountItems(*db).value(), stored);
  db.Reopen();
  EXPECT_EQ(CountItems(*db).value(), stored);
}

TEST(SqliteFaultsTest, ACorruptFileIsUnavailable) {
  TempDatabase db(Dialect::kSqlite);
  CreateItems(*db);
  for (int i = 0; i < 200; ++i) ASSERT_OK(Insert(*db, i, std::string(1000, 'x')));
  db.Reopen();  // the log is now in the file
  const std::string path = db.folder() + "/store.db";
  const int fd = open(path.c_str(), O_WRONLY);
  ASSERT_GE(fd, 0);
  const std::string garbage(100 * 1024, '\x5a');
  ASSERT_EQ(pwrite(fd, garbage.data(), garbage.size(), 4096), static_cast<ssize_t>(garbage.size()));
  close(fd);
  EXPECT_THAT(CountItems(*db),
              FailsWith(absl::StatusCode::kUnavailable, reason::kStoreUnavailable));
  EXPECT_THAT(Insert(*db, 1000),
              FailsWith(absl::StatusCode::kUnavailable, reason::kStoreUnavailable));
}

TEST(SqliteFaultsTest, AFileThatIsNoDatabaseIsRefusedAtOpening) {
  TempDatabase db(Dialect::kSqlite);
  const std::string path = db.folder() + "/other.db";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  const std::string text(4096, 'a');
  ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(fd);
  SystemClock clock;
  DatabaseOptions options;
  options.url = "sqlite://" + path;
  EXPECT_THAT(OpenDatabase(options, clock).status(), StatusIs(absl::StatusCode::kUnavailable));
  options.url = "sqlite:///no/such/folder/x.db";
  EXPECT_THAT(OpenDatabase(options, clock).status(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST(SqliteFaultsTest, AnExclusiveFileHasOneOwnerAtATime) {
  TempDatabase folder(Dialect::kSqlite);
  SystemClock clock;
  DatabaseOptions options;
  options.url = "sqlite://" + folder.folder() + "/owned.db";
  options.exclusive = true;
  auto first = OpenDatabase(options, clock);
  ASSERT_OK(first);
  const absl::Status second = OpenDatabase(options, clock).status();
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(second.message()), ::testing::HasSubstr("another process"));
  first->reset();
  EXPECT_OK(OpenDatabase(options, clock));
}

// A lock on SQLite's range of shared locks, as a program that leaves the store asks for, to see
// whether it is the last one: then it would delete the WAL.
bool MayLock(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = 0x40000000 + 2;
    range.l_len = 510;
    const bool asked = file >= 0 && fcntl(file, F_GETLK, &range) == 0;
    _exit(asked && range.l_type == F_UNLCK ? 1 : asked ? 0 : 2);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_NE(WEXITSTATUS(status), 2);
  return WEXITSTATUS(status) == 1;
}

TEST(SqliteFaultsTest, NoConnectionTakesTheLocksOfAnotherAway) {
  TempDatabase db(Dialect::kSqlite);
  CreateItems(*db);
  const std::string path = db.url().substr(std::string("sqlite://").size());
  EXPECT_FALSE(MayLock(path));
  // Readers are opened one after the other, while the writer is at work.
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      EXPECT_OK(db->Read({}, [&](Connection& conn) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return conn.Query(kCount, {}, [](const Row&) { return absl::OkStatus(); });
      }));
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(MayLock(path));
  ASSERT_OK(Insert(*db, 1));
  EXPECT_FALSE(MayLock(path));
  // And opening the file anew, beside the one that has it.
  const auto other = db.OpenAnother();
  ASSERT_OK_AND_ASSIGN(const int64_t count, CountItems(*other));
  EXPECT_EQ(count, 1);
  EXPECT_FALSE(MayLock(path));
}

TEST(SqliteFaultsTest, TheFilesAreTheOwnersAlone) {
  const mode_t before = umask(0);
  TempDatabase db(Dialect::kSqlite);
  CreateItems(*db);
  umask(before);
  for (const char* name : {"/store.db", "/store.db-wal", "/store.db-shm"}) {
    struct stat info = {};
    ASSERT_EQ(stat((db.folder() + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

TEST(SqliteFaultsTest, AFileHeldByAnotherProcessIsWaitedFor) {
  DatabaseOptions options;
  options.busy_timeout = absl::Milliseconds(200);
  TempDatabase db(Dialect::kSqlite, {}, options);
  CreateItems(*db);
  const auto other = db.OpenAnother();
  ASSERT_OK(other->Write({}, [&](Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {1, "held"}).status());
    absl::Status refused;
    std::thread([&] { refused = Insert(*db, 2); }).join();
    EXPECT_THAT(refused, FailsWith(absl::StatusCode::kUnavailable, reason::kStoreUnavailable));
    EXPECT_EQ(SqlErrorKindOf(refused), SqlErrorKind::kBusy);
    return absl::OkStatus();
  }));
  EXPECT_OK(Insert(*db, 2));
  EXPECT_EQ(CountItems(*db).value(), 2);
}

TEST(SqliteFaultsTest, WaitingForAnotherProcessEndsWithTheCallsOwnTime) {
  DatabaseOptions options;
  options.busy_timeout = absl::Seconds(20);
  TempDatabase db(Dialect::kSqlite, {}, options);
  CreateItems(*db);
  const auto other = db.OpenAnother();
  ASSERT_OK(other->Write({}, [&](Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {1, "held"}).status());
    absl::Status refused;
    std::thread([&] {
      CallOptions call;
      call.deadline = absl::Now() + absl::Milliseconds(100);
      refused = db->Write(call, [](Connection& late) {
        return late.Execute(kInsert, {2, "late"}).status();
      });
    }).join();
    EXPECT_EQ(refused.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(SqlErrorKindOf(refused), SqlErrorKind::kTimeout);
    return absl::OkStatus();
  }));
  EXPECT_EQ(CountItems(*db).value(), 1);
}

TEST(SqliteFaultsTest, TooManyWaitingWritesAreRefused) {
  DatabaseOptions options;
  options.write_queue = 2;
  TempDatabase db(Dialect::kSqlite, {}, options);
  CreateItems(*db);
  std::atomic<int> refused = 0;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  ASSERT_OK(db->Write({}, [&](Connection&) {
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([&, t] {
        const absl::Status status = Insert(*db, t);
        if (!status.ok()) {
          EXPECT_THAT(status, FailsWith(absl::StatusCode::kResourceExhausted, reason::kOverloaded));
          ++refused;
        }
        ++answered;
      });
    }
    // Two of the six can wait while this one holds the writer.
    while (answered < 4) absl::SleepFor(absl::Milliseconds(1));
    return absl::OkStatus();
  }));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 4);
  EXPECT_EQ(CountItems(*db).value(), 2);
}

TEST(SqliteFaultsTest, AWriteThatWaitsPastItsDeadlineIsNotDone) {
  TempDatabase db(Dialect::kSqlite);
  CreateItems(*db);
  std::thread late;
  absl::Status status;
  std::atomic<bool> answered = false;
  ASSERT_OK(db->Write({}, [&](Connection&) {
    late = std::thread([&] {
      CallOptions options;
      options.deadline = absl::Now() + absl::Milliseconds(50);
      status = db->Write(options, [](Connection& conn) {
        return conn.Execute(kInsert, {1, "late"}).status();
      });
      answered = true;
    });
    while (!answered) absl::SleepFor(absl::Milliseconds(1));  // it does not wait for this one
    return absl::OkStatus();
  }));
  late.join();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(CountItems(*db).value(), 0);
}

class CountingObserver : public StorageObserver {
 public:
  void OnCommit(size_t transactions, absl::Duration, bool ok) override {
    EXPECT_TRUE(ok);
    ++commits;
    committed += transactions;
  }
  void OnRetry() override { ++retries; }
  void OnSessionLost() override { ++lost; }
  std::atomic<int> commits = 0;
  std::atomic<size_t> committed = 0;
  std::atomic<int> retries = 0;
  std::atomic<int> lost = 0;
};

// 16 writers that arrive while the writer is held: one commit for all of them, or one for each.
size_t CommitsOf16(bool group_commit) {
  DatabaseOptions options;
  options.group_commit = group_commit;
  CountingObserver observer;
  TempDatabase db(Dialect::kSqlite, {}, options, nullptr, &observer);
  CreateItems(*db);
  std::vector<std::thread> threads;
  std::atomic<int> arrived = 0;
  EXPECT_OK(db->Write({}, [&](Connection&) {
    for (int t = 0; t < 16; ++t) {
      threads.emplace_back([&, t] {
        ++arrived;
        EXPECT_OK(Insert(*db, t));
      });
    }
    while (arrived < 16) absl::SleepFor(absl::Milliseconds(1));
    absl::SleepFor(absl::Milliseconds(300));  // from there into the queue
    return absl::OkStatus();
  }));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(CountItems(*db).value(), 16);
  EXPECT_EQ(observer.committed, 18u);
  return observer.commits;
}

TEST(SqliteFaultsTest, WaitingWritesAreCommittedTogetherUnlessTurnedOff) {
  EXPECT_LE(CommitsOf16(true), 6u);
  EXPECT_EQ(CommitsOf16(false), 18u);
}

// Log lines of its statements are of its trace, whichever thread holds the writer.
TEST(SqliteFaultsTest, AWriteIsRunInTheTraceOfWhoeverWaitsForIt) {
  class Queue final : public StorageObserver {
   public:
    void OnWriteQueue(size_t waiting) override { longest = std::max(longest.load(), waiting); }
    std::atomic<size_t> longest = 0;
  } queue;
  TempDatabase db(Dialect::kSqlite, {}, {}, nullptr, &queue);
  CreateItems(*db);
  std::vector<std::thread> threads;
  std::atomic<int> by_others = 0;
  ASSERT_OK(db->Write({}, [&](Connection&) {
    for (const char digit : {'1', '2', '3', '-'}) {
      threads.emplace_back([&, digit] {
        std::optional<TraceContext> own;
        if (digit != '-') {
          own = TraceContext{.trace_id = std::string(32, digit),
                             .parent_id = std::string(16, digit),
                             .span_id = std::string(16, digit),
                             .state = ""};
        }
        const TraceScope scope(own);
        const std::thread::id waits = std::this_thread::get_id();
        EXPECT_OK(db->Write({}, [&](Connection&) {
          if (std::this_thread::get_id() != waits) ++by_others;
          EXPECT_EQ(TraceScope::Current() != nullptr, own.has_value());
          if (TraceScope::Current() != nullptr && own.has_value()) {
            EXPECT_EQ(TraceScope::Current()->trace_id, own->trace_id);
          }
          return absl::OkStatus();
        }));
      });
    }
    while (queue.longest < 4) absl::SleepFor(absl::Milliseconds(1));
    return absl::OkStatus();
  }));
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(by_others, 0);
}

// PostgreSQL.

TEST(PostgresFaultsTest, RecoversByItselfFromARestart) {
  CountingObserver observer;
  TempDatabase db(Dialect::kPostgres, {}, {}, nullptr, &observer);
  CreateItems(*db);
  ASSERT_OK(Insert(*db, 1));
  ASSERT_OK(PostgresProcess::Shared().Restart());
  // The pooled session is broken; nobody notices.
  EXPECT_OK(Insert(*db, 2));
  ASSERT_OK(PostgresProcess::Shared().Restart());
  EXPECT_EQ(CountItems(*db).value(), 2);
  EXPECT_EQ(observer.lost, 2);
}

TEST(PostgresFaultsTest, IsUnavailableWhileTheServerIsDown) {
  TempDatabase db(Dialect::kPostgres);
  CreateItems(*db);
  ASSERT_OK(Insert(*db, 1));
  ASSERT_OK(PostgresProcess::Shared().Stop());
  for (const absl::Status& status :
       {Insert(*db, 2), CountItems(*db).status(), db->Ping({}), db.OpenAnother()->Ping({})}) {
    EXPECT_THAT(status, FailsWith(absl::StatusCode::kUnavailable, reason::kStoreUnavailable));
    EXPECT_GT(RetryDelayOf(status), absl::ZeroDuration());
  }
  ASSERT_OK(PostgresProcess::Shared().Start());
  EXPECT_OK(Insert(*db, 2));
  EXPECT_EQ(CountItems(*db).value(), 2);
}

TEST(PostgresFaultsTest, ATransactionCutInTheMiddleIsRunAgain) {
  TempDatabase db(Dialect::kPostgres);
  CreateItems(*db);
  int runs = 0;
  EXPECT_OK(db->Write({}, [&](Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {1, "x"}).status());
    if (++runs == 1) {
      EXPECT_OK(PostgresProcess::Shared().Run(
          db.name(),
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ipt' "
          "AND datname = current_database()"));
    }
    return conn.Execute(kInsert, {2, "y"}).status();
  }));
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(CountItems(*db).value(), 2);
}

TEST(PostgresFaultsTest, ACommitWhoseAnswerIsLostIsUnavailable) {
  TempDatabase db(Dialect::kPostgres);
  CreateItems(*db);
  int runs = 0;
  const absl::Status status = db->Write({}, [&](Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {1, "x"}).status());
    if (++runs == 1) {
      EXPECT_OK(PostgresProcess::Shared().Run(
          db.name(),
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ipt' "
          "AND datname = current_database()"));
    }
    return absl::OkStatus();
  });
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kUnavailable, reason::kStoreUnavailable));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(CountItems(*db).value(), 0);
}

// A server that is there and does not answer: the session's process, `hung`, is stopped.
absl::Status Hang(Connection& conn, std::atomic<pid_t>& hung) {
  static constexpr Statement kPid = {"SELECT CAST(pg_backend_pid() AS BIGINT)",
                                     {ColumnType::kInt64}};
  pid_t pid = 0;
  IPT_RETURN_IF_ERROR(conn.Query(kPid, {}, [&](const Row& row) {
    pid = static_cast<pid_t>(row.Int64(0));
    return absl::OkStatus();
  }));
  EXPECT_EQ(kill(pid, SIGSTOP), 0);
  hung = pid;
  return conn.Query(kCount, {}, [](const Row&) { return absl::OkStatus(); });
}

// The shared server waits for a standby that there is not, until the object goes.
class NoStandby {
 public:
  NoStandby() { Set("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "nobody"); }
  ~NoStandby() { Set("ALTER SYSTEM RESET synchronous_standby_names", ""); }

 private:
  static void Set(absl::string_view sql, absl::string_view then) {
    EXPECT_OK(PostgresProcess::Shared().Run("postgres", sql));
    EXPECT_OK(PostgresProcess::Shared().Run("postgres", "SELECT pg_reload_conf()"));
    // New sessions have it once the postmaster has read it; those that are, when they are idle.
    const std::string look =
        absl::StrCat("DO $$ BEGIN IF current_setting('synchronous_standby_names') <> '", then,
                     "' THEN RAISE EXCEPTION 'not yet'; END IF; END $$");
    while (!PostgresProcess::Shared().Run("postgres", look).ok()) {
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
};

// Writes, and cancels the commit once it waits for the standby.
absl::Status WriteAndCancel(TempDatabase& db, Body body) {
  std::thread administrator([&] {
    EXPECT_OK(PostgresProcess::Shared().Run(
        "postgres", absl::StrCat("DO $$ BEGIN LOOP PERFORM pg_cancel_backend(pid) FROM "
                                 "pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = '",
                                 db.name(),
                                 "'; EXIT WHEN FOUND; PERFORM pg_stat_clear_snapshot(); "
                                 "PERFORM pg_sleep(0.01); END LOOP; END $$")));
  });
  const absl::Status status = db->Write({}, body);
  administrator.join();
  return status;
}

TEST(PostgresFaultsTest, ACommitThatNoStandbyConfirmedIsUnavailable) {
  TempDatabase db(Dialect::kPostgres);
  CreateItems(*db);
  {
    const NoStandby gone;
    EXPECT_THAT(WriteAndCancel(db,
                               [](Connection& conn) {
                                 return conn.Execute(kInsert, {1, "x"}).status();
                               }),
                FailsWith(absl::StatusCode::kUnavailable, reason::kStoreUnavailable));
    EXPECT_EQ(CountItems(*db).value(), 1);  // reads go on
  }
  EXPECT_OK(Insert(*db, 2));
}

TEST(PostgresFaultsTest, AnAnswerThatNoStandbyConfirmedIsNotRepeated) {
  TempDatabase db(Dialect::kPostgres, {PlatformMigrations()});
  const RequestKey key = {"north", "me", "/Write", "1"};
  std::optional<std::string> found;
  const auto write = [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(found, idempotency::Lookup(conn, key, "hash"));
    if (found.has_value()) return absl::OkStatus();
    return idempotency::Remember(conn, key, "hash", "answer", absl::Now());
  };
  {
    const NoStandby gone;
    for (int i = 0; i < 2; ++i) {
      EXPECT_THAT(WriteAndCancel(db, write),
                  FailsWith(absl::StatusCode::kUnavailable, reason::kStoreUnavailable));
    }
    EXPECT_EQ(found, "answer");  // it was there all the time
  }
  EXPECT_OK(db->Write({}, write));
  EXPECT_EQ(found, "answer");
}

TEST(PostgresFaultsTest, AServerThatHangsIsGivenUpAfterTheDeadline) {
  DatabaseOptions options;
  options.network_timeout = absl::Seconds(1);
  TempDatabase db(Dialect::kPostgres, {}, options);
  CreateItems(*db);
  std::atomic<pid_t> hung = 0;
  const auto hang = [&](Connection& conn) { return Hang(conn, hung); };
  for (const bool write : {false, true}) {
    CallOptions call;
    call.deadline = absl::Now() + absl::Seconds(2);
    const absl::Time began = absl::Now();
    EXPECT_THAT(write ? db->Write(call, hang) : db->Read(call, hang),
                StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_LT(absl::Now() - began, absl::Seconds(20));
    kill(hung, SIGCONT);
    EXPECT_OK(CountItems(*db));
  }
}

// Takes one connection, lets it in, and never says another word.
class MutePostgres {
 public:
  MutePostgres() : listening_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listening_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listening_, 1), 0);
    EXPECT_EQ(getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    url_ = absl::StrCat("postgresql://ipt@127.0.0.1:", ntohs(address.sin_port),
                        "/none?sslmode=disable&gssencmode=disable");
    thread_ = std::thread([this] {
      const int connection = accept(listening_, nullptr, nullptr);
      // AuthenticationOk, ReadyForQuery.
      static constexpr char kWelcome[] = "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
      EXPECT_EQ(write(connection, kWelcome, sizeof(kWelcome) - 1), 15);
      end_.WaitForNotification();
      close(connection);
    });
  }
  ~MutePostgres() {
    end_.Notify();
    thread_.join();
    close(listening_);
  }

  const std::string& url() const { return url_; }

 private:
  const int listening_;
  std::string url_;
  absl::Notification end_;
  std::thread thread_;
};

TEST(PostgresFaultsTest, AServerThatHangsWhileASessionIsMadeIsGivenUp) {
  for (const bool end : {false, true}) {
    MutePostgres server;
    SystemClock clock;
    DatabaseOptions options;
    options.url = server.url();
    options.connect_timeout = end ? absl::Seconds(30) : absl::Milliseconds(300);
    const auto db = OpenDatabase(options, clock);
    ASSERT_OK(db);
    if (end) (*db)->EndWithin(absl::Seconds(2));
    const absl::Time began = absl::Now();
    EXPECT_THAT((*db)->Ping({}),
                FailsWith(absl::StatusCode::kUnavailable, reason::kStoreUnavailable));
    EXPECT_LT(absl::Now() - began, absl::Seconds(20));  // of thirty
  }
}

TEST(PostgresFaultsTest, AServerThatHangsDoesNotHoldUpTheEndOfTheProcess) {
  TempDatabase db(Dialect::kPostgres);
  CreateItems(*db);
  std::atomic<pid_t> hung = 0;
  const absl::Time began = absl::Now();
  std::thread work([&] {
    // No deadline of its own.
    EXPECT_THAT(db->Write({}, [&](Connection& conn) { return Hang(conn, hung); }),
                StatusIs(absl::StatusCode::kDeadlineExceeded));
  });
  while (hung == 0) absl::SleepFor(absl::Milliseconds(1));
  db->EndWithin(absl::Seconds(1));
  work.join();
  EXPECT_LT(absl::Now() - began, absl::Seconds(8));  // of the ten of a statement
  kill(hung, SIGCONT);
}

TEST(PostgresFaultsTest, LosesNoAcknowledgedWriteInACrash) {
  TempDatabase db(Dialect::kPostgres);
  CreateItems(*db);
  std::atomic<bool> stop = false;
  std::atomic<int64_t> acknowledged = 0;
  std::atomic<int64_t> unknown = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t i = 0; !stop; ++i) {
        const absl::Status status = Insert(*db, t * 1'000'000 + i);
        if (status.ok()) {
          ++acknowledged;
        } else {
          EXPECT_THAT(status, FailsWith(absl::StatusCode::kUnavailable, reason::kStoreUnavailable));
          ++unknown;
          absl::SleepFor(absl::Milliseconds(5));
        }
      }
    });
  }
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_OK(PostgresProcess::Shared().Kill());
  EXPECT_OK(PostgresProcess::Shared().Start());
  const int64_t before = acknowledged;
  // It goes on by itself.
  for (int i = 0; i < 3000 && acknowledged < before + 20; ++i) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(acknowledged, before + 20);
  const int64_t stored = CountItems(*db).value();
  EXPECT_GE(stored, acknowledged);
  EXPECT_LE(stored, acknowledged + unknown);
}

TEST(PostgresFaultsTest, DeadlocksAreRetried) {
  CountingObserver observer;
  TempDatabase db(Dialect::kPostgres, {}, {}, nullptr, &observer);
  CreateItems(*db);
  ASSERT_OK(Insert(*db, 1));
  ASSERT_OK(Insert(*db, 2));
  constexpr Statement kTouch = {"UPDATE items SET name = :name WHERE id = :id"};
  std::atomic<int> first_locks = 0;
  const auto crosswise = [&](int64_t first, int64_t second) {
    bool waited = false;
    return db->Write({}, [&](Connection& conn) -> absl::Status {
      IPT_RETURN_IF_ERROR(conn.Execute(kTouch, {"x", first}).status());
      ++first_locks;
      while (!waited && first_locks < 2) absl::SleepFor(absl::Milliseconds(1));
      waited = true;
      return conn.Execute(kTouch, {"y", second}).status();
    });
  };
  std::thread other([&] { EXPECT_OK(crosswise(2, 1)); });
  EXPECT_OK(crosswise(1, 2));
  other.join();
  EXPECT_GE(observer.retries, 1);
}

TEST(PostgresFaultsTest, AnExclusionViolationHasItsKindAndName) {
  TempDatabase db(Dialect::kPostgres);
  ASSERT_OK(db->Write({}, [](Connection& conn) {
    return conn.ExecuteScript(
        "CREATE TABLE slots (id BIGINT PRIMARY KEY, begins BIGINT, ends BIGINT, "
        "CONSTRAINT no_overlap EXCLUDE USING gist (int8range(begins, ends) WITH &&))");
  }));
  const auto book = [&](int64_t id, int64_t begins, int64_t ends) {
    return db->Write({}, [&](Connection& conn) {
      return conn
          .Execute({"INSERT INTO slots (id, begins, ends) VALUES (:id, :begins, :ends)"},
                   {id, begins, ends})
          .status();
    });
  };
  ASSERT_OK(book(1, 10, 20));
  ASSERT_OK(book(2, 20, 30));
  const absl::Status status = book(3, 15, 25);
  EXPECT_EQ(SqlErrorKindOf(status), SqlErrorKind::kExclusionViolation);
  EXPECT_EQ(ConstraintNameOf(status), "no_overlap");
}

TEST(PostgresFaultsTest, AMigrationUnderARunningServerDoesNotBreakIt) {
  TempDatabase db(Dialect::kPostgres);
  CreateItems(*db);
  ASSERT_OK(Insert(*db, 1));
  constexpr Statement kAll = {"SELECT id FROM items", {ColumnType::kInt64}};
  const auto read_all = [&] {
    return db->Read({}, [&](Connection& conn) {
      return conn.Query(kAll, {}, [](const Row&) { return absl::OkStatus(); });
    });
  };
  ASSERT_OK(read_all());
  ASSERT_OK(
      PostgresProcess::Shared().Run(db.name(), "ALTER TABLE items ALTER COLUMN id TYPE INTEGER"));
  EXPECT_OK(read_all());  // "cached plan must not change result type" is mended by a fresh session
}

TEST(PostgresFaultsTest, InvalidUtf8IsTheCallersFault) {
  TempDatabase db(Dialect::kPostgres);
  CreateItems(*db);
  EXPECT_THAT(Insert(*db, 1, "a\xff"),
              FailsWith(absl::StatusCode::kInvalidArgument, reason::kMalformedRequest));
}

TEST(OpenDatabaseTest, RefusesWhatItDoesNotUnderstand) {
  SystemClock clock;
  for (const char* url :
       {"", "mysql://x", "sqlite:", "sqlite://", "postgresql://h:notaport/db?x=1",
        "postgresql://h:port/db", "postgresql://h:0,i/db", "sqlite:///tmp/a\"b.db"}) {
    DatabaseOptions options;
    options.url = url;
    EXPECT_THAT(OpenDatabase(options, clock), StatusIs(absl::StatusCode::kInvalidArgument)) << url;
    EXPECT_THAT(ParseStoreUrl(url), StatusIs(absl::StatusCode::kInvalidArgument)) << url;
  }
}

TEST(ParseStoreUrlTest, SeesASecretWhereverItStands) {
  for (const char* url : {"postgresql://u:p@h/db", "postgres://u:p@a,b/db", "postgresql://:p@h",
                          "postgresql://u@h/db?password=p", "postgresql://h/db?sslpassword=p"}) {
    ASSERT_OK(ParseStoreUrl(url));
    EXPECT_TRUE(ParseStoreUrl(url)->holds_password) << url;
    EXPECT_EQ(ParseStoreUrl(url)->dialect, Dialect::kPostgres);
  }
  for (const char* url : {"postgresql://u@h/db", "postgresql://u@a:1,b:2/password",
                          "postgresql://u@h/db?passfile=/x", "sqlite:///a:b@c.db"}) {
    ASSERT_OK(ParseStoreUrl(url));
    EXPECT_FALSE(ParseStoreUrl(url)->holds_password) << url;
  }
}

}  // namespace
}  // namespace ipt::storage
