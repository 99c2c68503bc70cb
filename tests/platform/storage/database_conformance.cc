// What every store promises, on both engines.
#include <atomic>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/database.h"
#include "platform/storage/sql_error.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::storage {
namespace {

using ::ipt::testing::FailsWith;
using ::ipt::testing::IsOk;
using ::ipt::testing::StatusIs;
using ::ipt::testing::TempDatabase;
using ::testing::ElementsAre;

constexpr Statement kInsert = {"INSERT INTO items (id, name) VALUES (:id, :name)"};
constexpr Statement kInsertNew = {
    "INSERT INTO items (id, name) VALUES (:id, :name) ON CONFLICT (id) DO NOTHING"};
constexpr Statement kRename = {"UPDATE items SET name = :name WHERE id = :id"};
constexpr Statement kNames = {"SELECT name FROM items ORDER BY id", {ColumnType::kText}};
constexpr Statement kCount = {"SELECT COUNT(*) FROM items", {ColumnType::kInt64}};
constexpr Statement kName = {"SELECT name FROM items WHERE id = :id", {ColumnType::kText}};

class DatabaseTest : public ::testing::TestWithParam<Dialect> {
 protected:
  void SetUp() override {
    const std::string bytes = GetParam() == Dialect::kSqlite ? "BLOB" : "BYTEA";
    Script(absl::StrCat(
        "CREATE TABLE items (id BIGINT PRIMARY KEY, name TEXT NOT NULL);"
        "CREATE TABLE kinds (id BIGINT PRIMARY KEY, number BIGINT, real_number DOUBLE PRECISION,"
        " words TEXT, bytes ",
        bytes,
        ");"
        "CREATE TABLE parents (id BIGINT PRIMARY KEY);"
        "CREATE TABLE children (id BIGINT PRIMARY KEY, parent BIGINT NOT NULL REFERENCES parents "
        "(id), late BIGINT REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED, "
        "positive BIGINT CONSTRAINT must_be_positive CHECK (positive > 0))"));
  }

  void Script(const std::string& sql) {
    ASSERT_OK(db_->Write({}, [&](Connection& conn) { return conn.ExecuteScript(sql); }));
  }

  absl::Status Insert(int64_t id, absl::string_view name) { return Run(kInsert, {id, name}); }

  absl::Status Run(const Statement& statement, std::vector<Value> params) {
    return db_->Write({},
                      [&](Connection& conn) { return conn.Execute(statement, params).status(); });
  }

  std::vector<std::string> Names() {
    std::vector<std::string> names;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) {
      names.clear();
      return conn.Query(kNames, {}, [&](const Row& row) {
        names.push_back(row.Text(0));
        return absl::OkStatus();
      });
    }));
    return names;
  }

  TempDatabase db_{GetParam()};
};

absl::StatusOr<int64_t> CountItems(Connection& conn) {
  IPT_ASSIGN_OR_RETURN(auto count,
                       conn.QueryOne(kCount, {}, [](const Row& row) { return row.Int64(0); }));
  return count.value_or(-1);
}

// Values.

constexpr Statement kInsertKinds = {
    "INSERT INTO kinds (id, number, real_number, words, bytes) "
    "VALUES (:id, :number, :real, :words, :bytes)"};
constexpr Statement kSelectKinds = {
    "SELECT number, real_number, words, bytes FROM kinds ORDER BY id",
    {ColumnType::kInt64, ColumnType::kDouble, ColumnType::kText, ColumnType::kBytes}};

TEST_P(DatabaseTest, ValuesComeBackAsTheyWent) {
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes.push_back(static_cast<char>(i));
  const std::string words = "naïve 'quoted' \"x\" \\n :name \xf0\x9f\x99\x82";
  ASSERT_OK(db_->Write({}, [&](Connection& conn) -> absl::Status {
    const std::vector<std::vector<Value>> rows = {
        {1, std::numeric_limits<int64_t>::min(), -1.5e-300, words, Bytes{all_bytes}},
        {2, std::nullopt, std::nullopt, std::nullopt, std::nullopt},
        {3, std::numeric_limits<int64_t>::max(), 0.1, "", Bytes{""}},
        {4, 0, 1.7976931348623157e308, std::string(100000, 'x'), Bytes{std::string(100000, '\0')}}};
    for (const auto& row : rows) IPT_RETURN_IF_ERROR(conn.Execute(kInsertKinds, row).status());
    return absl::OkStatus();
  }));
  int line = 0;
  ASSERT_OK(db_->Read({}, [&](Connection& conn) {
    line = 0;
    return conn.Query(kSelectKinds, {}, [&](const Row& row) {
      switch (++line) {
        case 1:
          EXPECT_EQ(row.Int64(0), std::numeric_limits<int64_t>::min());
          EXPECT_EQ(row.Double(1), -1.5e-300);
          EXPECT_EQ(row.Text(2), words);
          EXPECT_EQ(row.Bytes(3), all_bytes);
          break;
        case 2:
          for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(row.IsNull(i)) << i;
          EXPECT_EQ(row.OptionalInt64(0), std::nullopt);
          EXPECT_EQ(row.OptionalDouble(1), std::nullopt);
          EXPECT_EQ(row.OptionalText(2), std::nullopt);
          EXPECT_EQ(row.Text(2), "");
          break;
        case 3:
          EXPECT_EQ(row.Int64(0), std::numeric_limits<int64_t>::max());
          EXPECT_EQ(row.Double(1), 0.1);
          EXPECT_FALSE(row.IsNull(2));
          EXPECT_EQ(row.Text(2), "");
          EXPECT_FALSE(row.IsNull(3));
          EXPECT_EQ(row.Bytes(3), "");
          break;
        case 4:
          EXPECT_EQ(row.Double(1), 1.7976931348623157e308);
          EXPECT_EQ(row.Text(2), std::string(100000, 'x'));
          EXPECT_EQ(row.Bytes(3), std::string(100000, '\0'));
          break;
      }
      return absl::OkStatus();
    });
  }));
  EXPECT_EQ(line, 4);
}

TEST_P(DatabaseTest, BytesAreStoredAsBytes) {
  ASSERT_OK(Run(kInsertKinds, {1, 1, 1.0, "a", Bytes{std::string("a\0b", 3)}}));
  const Statement lengths = {
      GetParam() == Dialect::kSqlite
          ? "SELECT length(bytes), typeof(bytes) FROM kinds"
          : "SELECT CAST(length(bytes) AS BIGINT), CAST(pg_typeof(bytes) AS TEXT) FROM kinds",
      {ColumnType::kInt64, ColumnType::kText}};
  ASSERT_OK(db_->Read({}, [&](Connection& conn) {
    return conn.Query(lengths, {}, [&](const Row& row) {
      EXPECT_EQ(row.Int64(0), 3);
      EXPECT_EQ(row.Text(1), GetParam() == Dialect::kSqlite ? "blob" : "bytea");
      return absl::OkStatus();
    });
  }));
}

TEST_P(DatabaseTest, TextWithNulIsRefused) {
  EXPECT_THAT(Insert(1, absl::string_view("a\0b", 3)),
              FailsWith(absl::StatusCode::kInvalidArgument, reason::kMalformedRequest));
  EXPECT_THAT(Names(), ElementsAre());
}

TEST_P(DatabaseTest, AParameterMayChangeItsTypeAndAppearTwice) {
  constexpr Statement kAfter = {
      "SELECT name FROM items WHERE (CAST(:after AS BIGINT) IS NULL OR id > CAST(:after AS BIGINT))"
      " AND name <> ':no' ORDER BY id LIMIT :limit",
      {ColumnType::kText}};
  for (int i = 1; i <= 3; ++i) ASSERT_OK(Insert(i, absl::StrCat("n", i)));
  const auto after = [&](Value value, int64_t limit) {
    std::vector<std::string> names;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) {
      names.clear();
      return conn.Query(kAfter, {value, limit}, [&](const Row& row) {
        names.push_back(row.Text(0));
        return absl::OkStatus();
      });
    }));
    return names;
  };
  EXPECT_THAT(after(std::nullopt, 2), ElementsAre("n1", "n2"));
  EXPECT_THAT(after(1, 5), ElementsAre("n2", "n3"));
  EXPECT_THAT(after(std::nullopt, 5), ElementsAre("n1", "n2", "n3"));
  EXPECT_THAT(after(3, 5), ElementsAre());
}

TEST_P(DatabaseTest, MisuseOfAStatementIsInternal) {
  EXPECT_THAT(Run(kInsert, {1}), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Run({"INSERT INTO nowhere VALUES (1)"}, {}), StatusIs(absl::StatusCode::kInternal));
  const auto query = [&](const Statement& statement) {
    return db_->Read({}, [&](Connection& conn) {
      return conn.Query(statement, {}, [](const Row&) { return absl::OkStatus(); });
    });
  };
  ASSERT_OK(Insert(1, "a"));
  EXPECT_THAT(query({"SELECT id, name FROM items", {ColumnType::kInt64}}),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(query({"SELECT id FROM items", {ColumnType::kInt64, ColumnType::kText}}),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Names(), ElementsAre("a"));
}

// Transactions.

TEST_P(DatabaseTest, AWriteIsThereAfterwardsAndAfterReopening) {
  ASSERT_OK(Insert(1, "a"));
  EXPECT_THAT(Names(), ElementsAre("a"));
  db_.Reopen();
  EXPECT_THAT(Names(), ElementsAre("a"));
}

TEST_P(DatabaseTest, ABodyThatFailsLeavesNothing) {
  const absl::Status refused = FailedPrecondition("SLOT_TAKEN", "x", "no");
  EXPECT_EQ(db_->Write({},
                       [&](Connection& conn) -> absl::Status {
                         IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {1, "a"}).status());
                         return refused;
                       }),
            refused);
  EXPECT_THAT(Names(), ElementsAre());
}

TEST_P(DatabaseTest, ABodyThatThrowsLeavesNothing) {
  EXPECT_THAT(db_->Write({},
                         [&](Connection& conn) -> absl::Status {
                           IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {1, "a"}).status());
                           throw std::runtime_error("no");
                         }),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Names(), ElementsAre());
  EXPECT_OK(Insert(1, "a"));
}

TEST_P(DatabaseTest, AFailedStatementCannotBeIgnored) {
  ASSERT_OK(Insert(1, "a"));
  const absl::Status status = db_->Write({}, [&](Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {2, "b"}).status());
    EXPECT_EQ(SqlErrorKindOf(conn.Execute(kInsert, {1, "again"}).status()),
              SqlErrorKind::kUniqueViolation);
    EXPECT_EQ(SqlErrorKindOf(conn.Execute(kInsert, {3, "c"}).status()),
              SqlErrorKind::kUniqueViolation);
    return absl::OkStatus();
  });
  EXPECT_EQ(SqlErrorKindOf(status), SqlErrorKind::kUniqueViolation);
  EXPECT_THAT(Names(), ElementsAre("a"));
}

TEST_P(DatabaseTest, AffectedRowsAreCounted) {
  for (int i = 1; i <= 3; ++i) ASSERT_OK(Insert(i, "x"));
  ASSERT_OK(db_->Write({}, [&](Connection& conn) {
    EXPECT_EQ(conn.Execute({"UPDATE items SET name = :name WHERE id >= :id"}, {"y", 2}).value(), 2);
    EXPECT_EQ(conn.Execute(kRename, {"z", 9}).value(), 0);
    EXPECT_EQ(conn.Execute(kInsertNew, {1, "taken"}).value(), 0);
    EXPECT_EQ(conn.Execute(kInsertNew, {4, "new"}).value(), 1);
    EXPECT_EQ(conn.Execute({"DELETE FROM items"}).value(), 4);
    return absl::OkStatus();
  }));
}

TEST_P(DatabaseTest, ReturningGivesRows) {
  constexpr Statement kUpsert = {
      "INSERT INTO items (id, name) VALUES (:id, :name) ON CONFLICT (id) DO UPDATE SET name = "
      "excluded.name RETURNING id, name",
      {ColumnType::kInt64, ColumnType::kText}};
  for (const char* name : {"a", "b"}) {
    ASSERT_OK(db_->Write({}, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(auto row, conn.QueryOne(kUpsert, {7, name}, [](const Row& r) {
        return absl::StrCat(r.Int64(0), r.Text(1));
      }));
      EXPECT_EQ(row, absl::StrCat("7", name));
      return absl::OkStatus();
    }));
  }
  EXPECT_THAT(Names(), ElementsAre("b"));
}

TEST_P(DatabaseTest, QueryOneTellsNoneFromManyAndStopsAtErrors) {
  ASSERT_OK(Insert(1, "a"));
  ASSERT_OK(Insert(2, "b"));
  const auto text = [](const Row& row) { return row.Text(0); };
  ASSERT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
    EXPECT_EQ(conn.QueryOne(kName, {3}, text).value(), std::nullopt);
    EXPECT_EQ(conn.QueryOne(kName, {2}, text).value(), "b");
    EXPECT_THAT(conn.QueryOne(kNames, {}, text), StatusIs(absl::StatusCode::kInternal));
    // An error of the caller's own does not doom the connection.
    int rows = 0;
    EXPECT_THAT(conn.Query(kNames, {},
                           [&](const Row&) {
                             ++rows;
                             return NotFound("x", "y");
                           }),
                StatusIs(absl::StatusCode::kNotFound));
    EXPECT_EQ(rows, 1);
    EXPECT_EQ(conn.QueryOne(kName, {1}, text).value(), "a");
    return absl::OkStatus();
  }));
}

TEST_P(DatabaseTest, StatementsNestButNotInThemselves) {
  for (int i = 1; i <= 3; ++i) ASSERT_OK(Insert(i, absl::StrCat("n", i)));
  ASSERT_OK(db_->Write({}, [&](Connection& conn) {
    return conn.Query({"SELECT id FROM items ORDER BY id", {ColumnType::kInt64}}, {},
                      [&](const Row& row) {
                        const int64_t id = row.Int64(0);
                        return conn.Execute(kRename, {absl::StrCat("m", id), id}).status();
                      });
  }));
  EXPECT_THAT(Names(), ElementsAre("m1", "m2", "m3"));
  EXPECT_THAT(db_->Read({},
                        [&](Connection& conn) {
                          return conn.Query(kNames, {}, [&](const Row&) {
                            return conn.Query(kNames, {},
                                              [](const Row&) { return absl::OkStatus(); });
                          });
                        }),
              StatusIs(absl::StatusCode::kInternal));
}

TEST_P(DatabaseTest, AReadIsOneSnapshot) {
  ASSERT_OK(Insert(1, "a"));
  ASSERT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
    EXPECT_EQ(CountItems(conn).value(), 1);
    std::thread([&] { EXPECT_OK(Insert(2, "b")); }).join();
    EXPECT_EQ(CountItems(conn).value(), 1);
    return absl::OkStatus();
  }));
  EXPECT_THAT(Names(), ElementsAre("a", "b"));
}

TEST_P(DatabaseTest, AReadCannotWrite) {
  EXPECT_THAT(db_->Read({},
                        [&](Connection& conn) {
                          return conn.Execute(kInsert, {1, "a"}).status();
                        }),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Names(), ElementsAre());
}

TEST_P(DatabaseTest, AReadOfASingleStatementSeesTheLatestCommit) {
  CallOptions single;
  single.single_statement = true;
  for (int64_t i = 1; i <= 20; ++i) {
    ASSERT_OK(Insert(i, "a"));
    ASSERT_OK(db_->Read(single, [&](Connection& conn) -> absl::Status {
      EXPECT_EQ(CountItems(conn).value(), i);
      return absl::OkStatus();
    }));
  }
}

TEST_P(DatabaseTest, PingAnswers) { EXPECT_OK(db_->Ping({})); }

// Violations.

TEST_P(DatabaseTest, ViolationsAreToldApart) {
  ASSERT_OK(Insert(1, "a"));
  ASSERT_OK(Run({"INSERT INTO parents (id) VALUES (1)"}, {}));
  const bool sqlite = GetParam() == Dialect::kSqlite;

  absl::Status status = Insert(1, "secret");
  EXPECT_EQ(SqlErrorKindOf(status), SqlErrorKind::kUniqueViolation);
  EXPECT_EQ(ConstraintNameOf(status), sqlite ? "items.id" : "items_pkey");
  // Neither message nor payload repeats a bound value.
  EXPECT_EQ(status.ToString().find("secret"), std::string::npos) << status;

  status = Run({"INSERT INTO items (id, name) VALUES (:id, :name)"}, {2, std::nullopt});
  EXPECT_EQ(SqlErrorKindOf(status), SqlErrorKind::kCheck);

  constexpr Statement kChild = {
      "INSERT INTO children (id, parent, late, positive) VALUES (:id, :parent, :late, :positive)"};
  status = Run(kChild, {1, 1, 1, -1});
  EXPECT_EQ(SqlErrorKindOf(status), SqlErrorKind::kCheck);
  EXPECT_EQ(ConstraintNameOf(status), "must_be_positive");
  EXPECT_EQ(SqlErrorKindOf(Run(kChild, {1, 99, 1, 1})), SqlErrorKind::kForeignKey);
  // Found at the commit.
  EXPECT_EQ(SqlErrorKindOf(Run(kChild, {1, 1, 99, 1})), SqlErrorKind::kForeignKey);
  EXPECT_OK(Run(kChild, {1, 1, 1, 1}));
}

TEST_P(DatabaseTest, ATriggerAbortsByName) {
  Script(GetParam() == Dialect::kSqlite
             ? "CREATE TRIGGER t BEFORE INSERT ON items BEGIN "
               "SELECT RAISE(ABORT, 'slot_taken') WHERE new.name = 'bad'; END"
             : "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
               "IF new.name = 'bad' THEN RAISE EXCEPTION 'slot_taken'; END IF; RETURN new; END $$;"
               "CREATE TRIGGER t BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION f()");
  const absl::Status status = Insert(1, "bad");
  EXPECT_EQ(SqlErrorKindOf(status), SqlErrorKind::kTriggerAbort);
  EXPECT_EQ(ConstraintNameOf(status), "slot_taken");
  EXPECT_OK(Insert(1, "good"));
}

// Concurrency.

TEST_P(DatabaseTest, ConcurrentWritersLoseNothingAndRollBackAlone) {
  constexpr int kThreads = 16;
  constexpr int kWrites = 40;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kWrites; ++i) {
        const int64_t id = t * kWrites + i;
        // Every third body gives up after its insert; every fifth runs into a violation.
        const absl::Status status = db_->Write({}, [&](Connection& conn) -> absl::Status {
          IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {id, "x"}).status());
          if (id % 3 == 0) return NotFound("x", "y");
          if (id % 5 == 0) return conn.Execute(kInsert, {id, "twice"}).status();
          return absl::OkStatus();
        });
        if (id % 3 == 0) {
          EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
        } else if (id % 5 == 0) {
          EXPECT_EQ(SqlErrorKindOf(status), SqlErrorKind::kUniqueViolation);
        } else {
          EXPECT_OK(status);
          continue;
        }
        ++refused;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int64_t> ids;
  ASSERT_OK(db_->Read({}, [&](Connection& conn) {
    ids.clear();
    return conn.Query({"SELECT id FROM items ORDER BY id", {ColumnType::kInt64}}, {},
                      [&](const Row& row) {
                        ids.push_back(row.Int64(0));
                        return absl::OkStatus();
                      });
  }));
  EXPECT_EQ(ids.size(), kThreads * kWrites - refused);
  for (int64_t id : ids) EXPECT_TRUE(id % 3 != 0 && id % 5 != 0) << id;
}

TEST_P(DatabaseTest, ConcurrentIncrementsAddUp) {
  ASSERT_OK(Run({"INSERT INTO kinds (id, number) VALUES (1, 0)"}, {}));
  CallOptions options;
  options.serializable = true;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        // Read, then write what was read plus one: only serial transactions get this right.
        const absl::Status status = db_->Write(options, [&](Connection& conn) -> absl::Status {
          IPT_ASSIGN_OR_RETURN(
              auto number,
              conn.QueryOne({"SELECT number FROM kinds WHERE id = 1", {ColumnType::kInt64}}, {},
                            [](const Row& row) { return row.Int64(0); }));
          return conn.Execute({"UPDATE kinds SET number = :n WHERE id = 1"}, {*number + 1})
              .status();
        });
        if (status.ok()) {
          ++done;
        } else {
          EXPECT_THAT(status, FailsWith(absl::StatusCode::kAborted, reason::kStoreConflict));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(
        auto number, conn.QueryOne({"SELECT number FROM kinds WHERE id = 1", {ColumnType::kInt64}},
                                   {}, [](const Row& row) { return row.Int64(0); }));
    EXPECT_EQ(number, done.load());
    return absl::OkStatus();
  }));
  EXPECT_GE(done, 25);
}

TEST_P(DatabaseTest, ABodyMayAskToRunAgainThreeTimes) {
  int runs = 0;
  EXPECT_OK(db_->Write({}, [&](Connection& conn) -> absl::Status {
    IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {1, "a"}).status());
    return ++runs < 4 ? RetryTransaction() : absl::OkStatus();
  }));
  EXPECT_EQ(runs, 4);
  EXPECT_THAT(Names(), ElementsAre("a"));
  runs = 0;
  EXPECT_THAT(db_->Write({},
                         [&](Connection&) {
                           ++runs;
                           return RetryTransaction();
                         }),
              FailsWith(absl::StatusCode::kAborted, reason::kStoreConflict));
  EXPECT_EQ(runs, 4);
}

// Deadlines.

// Counts for minutes.
constexpr Statement kEndless = {
    "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE "
    "i < 10000000000) SELECT COUNT(*) FROM n",
    {ColumnType::kInt64}};

absl::Status RunEndless(Connection& conn) {
  return conn.Query(kEndless, {}, [](const Row&) { return absl::OkStatus(); });
}

TEST_P(DatabaseTest, AStatementEndsAtTheDeadline) {
  const absl::Time start = absl::Now();
  CallOptions options;
  options.deadline = start + absl::Milliseconds(200);
  EXPECT_THAT(db_->Read(options, RunEndless),
              FailsWith(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded));
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  options.deadline = absl::Now() + absl::Milliseconds(200);
  EXPECT_THAT(db_->Write(options,
                         [](Connection& conn) -> absl::Status {
                           IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {1, "a"}).status());
                           return RunEndless(conn);
                         }),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  EXPECT_THAT(Names(), ElementsAre());
  EXPECT_OK(Insert(1, "a"));
}

TEST_P(DatabaseTest, AStatementEndsAtTheStatementTimeout) {
  CallOptions options;
  options.statement_timeout = absl::Milliseconds(100);
  EXPECT_THAT(db_->Read(options, RunEndless), StatusIs(absl::StatusCode::kDeadlineExceeded));
  options.single_statement = true;
  EXPECT_THAT(db_->Read(options, RunEndless), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_OK(Insert(1, "a"));
}

TEST_P(DatabaseTest, ADeadlineThatPassedDoesNothing) {
  CallOptions options;
  options.deadline = absl::Now() - absl::Seconds(1);
  EXPECT_THAT(db_->Write(options,
                         [](Connection& conn) {
                           return conn.Execute(kInsert, {1, "a"}).status();
                         }),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(Names(), ElementsAre());
}

TEST_P(DatabaseTest, AfterTheEndNothingIsDoneUntilTheEndIsMoved) {
  const auto insert = [](Connection& conn) { return conn.Execute(kInsert, {1, "a"}).status(); };
  db_->EndWithin(absl::ZeroDuration());
  EXPECT_THAT(db_->Write({}, insert), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(db_->Ping({}), StatusIs(absl::StatusCode::kDeadlineExceeded));
  db_->EndWithin(absl::Minutes(1));
  EXPECT_OK(db_->Write({}, insert));
  EXPECT_THAT(Names(), ElementsAre("a"));
}

// A slow body does not take those beside it down: each has its own answer.
TEST_P(DatabaseTest, AnInterruptedWriteHarmsNoOther) {
  std::vector<std::thread> threads;
  std::atomic<int> stored = 0;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&, t] {
      CallOptions options;
      if (t % 4 == 0) options.statement_timeout = absl::Milliseconds(50);
      const absl::Status status = db_->Write(options, [&](Connection& conn) -> absl::Status {
        IPT_RETURN_IF_ERROR(conn.Execute(kInsert, {t, "x"}).status());
        return t % 4 == 0 ? RunEndless(conn) : absl::OkStatus();
      });
      if (t % 4 == 0) {
        EXPECT_THAT(status, StatusIs(absl::StatusCode::kDeadlineExceeded));
      } else {
        EXPECT_OK(status);
        ++stored;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Names().size(), 9u);
  EXPECT_EQ(stored, 9);
}

TEST_P(DatabaseTest, SessionsAreBounded) {
  DatabaseOptions options;
  options.sessions = 1;
  options.session_wait = absl::Milliseconds(50);
  const auto other = db_.OpenAnother(options);
  ASSERT_OK(other->Read({}, [&](Connection&) {
    absl::Status second;
    std::thread([&] {
      second = other->Read({}, [](Connection&) { return absl::OkStatus(); });
    }).join();
    EXPECT_THAT(second, FailsWith(absl::StatusCode::kResourceExhausted, reason::kOverloaded));
    EXPECT_GT(RetryDelayOf(second), absl::ZeroDuration());
    return absl::OkStatus();
  }));
  EXPECT_OK(other->Ping({}));
}

IPT_INSTANTIATE_ON_BOTH_ENGINES(DatabaseTest);

}  // namespace
}  // namespace ipt::storage
