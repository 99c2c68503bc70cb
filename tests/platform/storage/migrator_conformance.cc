// Migrations on both engines.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/migrator.h"
#include "platform/storage/platform_migrations.h"
#include "tests/support/postgres_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::storage {
namespace {

using ::ipt::testing::FailsWith;
using ::ipt::testing::IsOk;
using ::ipt::testing::PostgresProcess;
using ::ipt::testing::TempDatabase;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Migration kOne = {1, "0001_one",
                            "CREATE TABLE one (id BIGINT PRIMARY KEY); -- a; comment; 'with'\n"
                            "INSERT INTO one (id) VALUES (1); INSERT INTO one (id) VALUES (2);"};
constexpr Migration kTwo = {2, "0002_two", "ALTER TABLE one ADD COLUMN words TEXT"};
constexpr Migration kBroken = {3, "0003_broken",
                               "CREATE TABLE three (id BIGINT); INSERT INTO nowhere VALUES (1)"};
constexpr Migration kOneEdited = {1, "0001_one", "CREATE TABLE one (id BIGINT)"};

// They leave what binaries that know fewer migrations need.
constexpr Migration kAddsNote = {2, "0002_note", "ALTER TABLE one ADD COLUMN note TEXT", 1};
constexpr Migration kAddsMore = {3, "0003_more", "ALTER TABLE one ADD COLUMN more TEXT", 2};
constexpr Migration kRemoves = {3, "0003_removes", "ALTER TABLE one DROP COLUMN note", 3};
constexpr Migration kAddsAfter = {4, "0004_after", "ALTER TABLE one ADD COLUMN after TEXT", 1};

constexpr Migration kExpanded[] = {kOne, kAddsNote};
constexpr Migration kTwiceExpanded[] = {kOne, kAddsNote, kAddsMore};
constexpr Migration kContracted[] = {kOne, kAddsNote, kRemoves};
constexpr Migration kAfterContracted[] = {kOne, kAddsNote, kRemoves, kAddsAfter};
constexpr Migration kFirst[] = {kOne};
constexpr Migration kBoth[] = {kOne, kTwo};
constexpr Migration kEdited[] = {kOneEdited, kTwo};
constexpr Migration kWithBroken[] = {kOne, kTwo, kBroken};

Component Of(absl::Span<const Migration> migrations) { return {"rooms", migrations, migrations}; }

class MigratorTest : public ::testing::TestWithParam<Dialect> {
 protected:
  absl::Status Apply(absl::Span<const Migration> migrations) {
    const Component component = Of(migrations);
    return Migrate(*db_, {&component, 1}, clock_);
  }
  absl::Status Check(absl::Span<const Migration> migrations) {
    const Component component = Of(migrations);
    return CheckSchema(*db_, {&component, 1});
  }
  // Both refuse it, and say what to do.
  void ExpectRefused(absl::Span<const Migration> binary, const char* because) {
    for (const absl::Status& status : {Apply(binary), Check(binary)}) {
      EXPECT_THAT(status, FailsWith(absl::StatusCode::kFailedPrecondition, kSchemaMismatch));
      EXPECT_THAT(std::string(status.message()), HasSubstr(because));
      EXPECT_THAT(std::string(status.message()), HasSubstr("run a release at least as new"));
    }
  }
  void ExpectRuns(absl::Span<const Migration> binary) {
    const int64_t before = Count("SELECT COUNT(*) FROM schema_migrations");
    EXPECT_OK(Check(binary));
    EXPECT_OK(Apply(binary));
    EXPECT_EQ(Count("SELECT COUNT(*) FROM schema_migrations"), before);
  }
  // The table of releases that had no such column.
  void ForgetOldestBinaries() {
    EXPECT_OK(db_->Write({}, [](Connection& conn) {
      return conn.ExecuteScript("ALTER TABLE schema_migrations DROP COLUMN oldest_binary");
    }));
  }
  int64_t Count(const char* sql) {
    int64_t count = -1;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) {
      return conn.Query({sql, {ColumnType::kInt64}}, {}, [&](const Row& row) {
        count = row.Int64(0);
        return absl::OkStatus();
      });
    }));
    return count;
  }

  SystemClock clock_;
  TempDatabase db_{GetParam()};
};

TEST_P(MigratorTest, AppliesInOrderAndOnce) {
  ASSERT_OK(Apply(kFirst));
  EXPECT_EQ(Count("SELECT COUNT(*) FROM one"), 2);
  ASSERT_OK(Apply(kBoth));
  ASSERT_OK(Apply(kBoth));
  EXPECT_EQ(Count("SELECT COUNT(*) FROM one WHERE words IS NULL"), 2);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM schema_migrations"), 2);
}

TEST_P(MigratorTest, ComponentsAreNumberedEachOnItsOwn) {
  const std::vector<Component> components = {PlatformMigrations(), Of(kBoth)};
  EXPECT_THAT(CheckSchema(*db_, components),
              FailsWith(absl::StatusCode::kFailedPrecondition, kSchemaOutdated));
  ASSERT_OK(Migrate(*db_, components, clock_));
  EXPECT_OK(CheckSchema(*db_, components));
  EXPECT_EQ(Count("SELECT COUNT(*) FROM schema_migrations WHERE component = 'rooms'"), 2);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM schema_migrations WHERE component = 'platform'"),
            static_cast<int64_t>(PlatformMigrations().For(GetParam()).size()));
}

TEST_P(MigratorTest, CheckChangesNothing) {
  const absl::Status status = Check(kBoth);
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kFailedPrecondition, kSchemaOutdated));
  EXPECT_THAT(std::string(status.message()), HasSubstr("migrate"));
  ASSERT_OK(Apply(kFirst));
  EXPECT_THAT(Check(kBoth), FailsWith(absl::StatusCode::kFailedPrecondition, kSchemaOutdated));
  ASSERT_OK(Apply(kBoth));
  EXPECT_OK(Check(kBoth));
}

TEST_P(MigratorTest, ANewerSchemaThatSaysNothingIsRefused) {
  ASSERT_OK(Apply(kBoth));
  ExpectRefused(kFirst,
                "at version 2, newer than this binary's 1, and binaries older than version 2");
}

TEST_P(MigratorTest, ANewerSchemaIsRunOnAsFarAsItSays) {
  ASSERT_OK(Apply(kExpanded));
  ExpectRuns(kFirst);
  ASSERT_OK(Apply(kTwiceExpanded));
  ExpectRuns(kExpanded);
  ExpectRefused(kFirst, "older than version 2");
}

TEST_P(MigratorTest, WhatWasRemovedStaysRemovedWhateverComesAfter) {
  ASSERT_OK(Apply(kContracted));
  ExpectRefused(kExpanded, "older than version 3");
  ASSERT_OK(Apply(kAfterContracted));
  ExpectRefused(kExpanded, "older than version 3");
  ExpectRuns(kContracted);
}

TEST_P(MigratorTest, AnEditedMigrationIsRefusedOnANewerSchemaToo) {
  ASSERT_OK(Apply(kExpanded));
  EXPECT_THAT(Check({&kOneEdited, 1}),
              FailsWith(absl::StatusCode::kFailedPrecondition, kSchemaMismatch));
}

TEST_P(MigratorTest, AStoreOfAReleaseThatNamedNoOldestBinaryIsTakenOver) {
  ASSERT_OK(Apply(kFirst));
  ForgetOldestBinaries();
  EXPECT_OK(Check(kFirst));
  EXPECT_THAT(Check(kExpanded), FailsWith(absl::StatusCode::kFailedPrecondition, kSchemaOutdated));
  ASSERT_OK(Apply(kExpanded));
  ExpectRuns(kFirst);
}

TEST_P(MigratorTest, ANewerSchemaOfAReleaseThatNamedNoOldestBinaryIsRefused) {
  ASSERT_OK(Apply(kExpanded));
  ForgetOldestBinaries();
  EXPECT_THAT(Check(kFirst), FailsWith(absl::StatusCode::kFailedPrecondition, kSchemaMismatch));
}

TEST_P(MigratorTest, AnEditedMigrationIsRefused) {
  ASSERT_OK(Apply(kFirst));
  for (const absl::Status& status : {Apply(kEdited), Check(kEdited)}) {
    EXPECT_THAT(status, FailsWith(absl::StatusCode::kFailedPrecondition, kSchemaMismatch));
    EXPECT_THAT(std::string(status.message()), HasSubstr("0001_one"));
  }
  EXPECT_EQ(Count("SELECT COUNT(*) FROM schema_migrations"), 1);
}

TEST_P(MigratorTest, ABrokenMigrationLeavesTheOnesBeforeIt) {
  const absl::Status status = Apply(kWithBroken);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("0003_broken"));
  EXPECT_OK(Check(kBoth));
  // Nothing of the broken one: its table can be made.
  EXPECT_OK(db_->Write(
      {}, [](Connection& conn) { return conn.ExecuteScript("CREATE TABLE three (id BIGINT)"); }));
}

TEST_P(MigratorTest, ReplicasThatStartTogetherApplyOnce) {
  std::vector<std::unique_ptr<Database>> replicas;
  for (int i = 0; i < 4; ++i) replicas.push_back(db_.OpenAnother());
  const std::vector<Component> components = {PlatformMigrations(), Of(kBoth)};
  std::vector<std::thread> threads;
  for (auto& replica : replicas) {
    threads.emplace_back([&] { EXPECT_OK(Migrate(*replica, components, clock_)); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Count("SELECT COUNT(*) FROM one"), 2);
  const auto own = static_cast<int64_t>(PlatformMigrations().For(GetParam()).size());
  EXPECT_EQ(Count("SELECT COUNT(*) FROM schema_migrations"), own + 2);
}

// PostgreSQL alone has servers that work while the schema changes.
class MigratorLockTest : public MigratorTest {
 protected:
  MigratorLockTest() {
    EXPECT_OK(Apply(kFirst));
    reader_ = std::thread([this] {
      EXPECT_OK(other_->Read({}, [this](Connection& conn) {
        const absl::Status status = Look(conn);
        reading_.Notify();
        release_.WaitForNotification();
        return status;
      }));
    });
    reading_.WaitForNotification();
  }
  ~MigratorLockTest() override {
    Release();
    reader_.join();
  }

  static absl::Status Look(Connection& conn) {
    return conn.Query({"SELECT COUNT(*) FROM one", {ColumnType::kInt64}}, {},
                      [](const Row&) { return absl::OkStatus(); });
  }
  void Release() {
    if (!release_.HasBeenNotified()) release_.Notify();
  }
  absl::Status ApplyBoth(const MigrateOptions& options) {
    const Component component = Of(kBoth);
    return Migrate(*db_, {&component, 1}, clock_, options);
  }

  const std::unique_ptr<Database> other_ = db_.OpenAnother();
  absl::Notification reading_, release_;
  std::thread reader_;
};

TEST_P(MigratorLockTest, ATableThatIsHeldForTooLongIsNamedAndNothingIsChanged) {
  const absl::Status status =
      ApplyBoth({absl::Milliseconds(50), /*lock_tries=*/2, absl::Milliseconds(1)});
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr("migration 0002_two of rooms"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("50ms, 2 times"));
  EXPECT_OK(Check(kFirst));
}

TEST_P(MigratorLockTest, OthersGoOnWhileItWaitsAndItIsAppliedAfterwards) {
  std::thread migration([this] {
    EXPECT_OK(ApplyBoth({absl::Milliseconds(50), /*lock_tries=*/100000, absl::Milliseconds(1)}));
  });
  // Each has to get by the lock that the migration asks for.
  for (int i = 0; i < 20; ++i) {
    CallOptions soon;
    soon.deadline = clock_.Now() + absl::Seconds(30);
    EXPECT_OK(other_->Read(soon, Look));
  }
  Release();
  migration.join();
  EXPECT_OK(Check(kBoth));
}

// Whoever cancels it wants it to end, not to begin again.
TEST_P(MigratorLockTest, OneThatIsCancelledEnds) {
  std::thread administrator([this] {
    EXPECT_OK(PostgresProcess::Shared().Run(
        "postgres",
        absl::StrCat("DO $$ BEGIN LOOP PERFORM pg_cancel_backend(pid) FROM pg_stat_activity WHERE "
                     "wait_event_type = 'Lock' AND datname = '",
                     db_.name(),
                     "'; EXIT WHEN FOUND; PERFORM pg_stat_clear_snapshot(); PERFORM "
                     "pg_sleep(0.01); END LOOP; END $$")));
  });
  const absl::Status status =
      ApplyBoth({absl::Minutes(1), /*lock_tries=*/2, absl::Milliseconds(1)});
  administrator.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr("migration 0002_two of rooms"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("others held")));
  EXPECT_OK(Check(kFirst));
}

IPT_INSTANTIATE_ON_BOTH_ENGINES(MigratorTest);
INSTANTIATE_TEST_SUITE_P(Engines, MigratorLockTest, ::testing::Values(Dialect::kPostgres),
                         [](const auto& info) { return ::ipt::testing::DialectName(info.param); });

}  // namespace
}  // namespace ipt::storage
