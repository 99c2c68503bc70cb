// Migrations on both engines.
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/migrator.h"
#include "platform/storage/platform_migrations.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::storage {
namespace {

using ::ipt::testing::FailsWith;
using ::ipt::testing::IsOk;
using ::ipt::testing::TempDatabase;
using ::testing::HasSubstr;

constexpr Migration kOne = {1, "0001_one",
                            "CREATE TABLE one (id BIGINT PRIMARY KEY); -- a; comment; 'with'\n"
                            "INSERT INTO one (id) VALUES (1); INSERT INTO one (id) VALUES (2);"};
constexpr Migration kTwo = {2, "0002_two", "ALTER TABLE one ADD COLUMN words TEXT"};
constexpr Migration kBroken = {3, "0003_broken",
                               "CREATE TABLE three (id BIGINT); INSERT INTO nowhere VALUES (1)"};
constexpr Migration kOneEdited = {1, "0001_one", "CREATE TABLE one (id BIGINT)"};

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

TEST_P(MigratorTest, ANewerSchemaIsRefused) {
  ASSERT_OK(Apply(kBoth));
  for (const absl::Status& status : {Apply(kFirst), Check(kFirst)}) {
    EXPECT_THAT(status, FailsWith(absl::StatusCode::kFailedPrecondition, kSchemaMismatch));
    EXPECT_THAT(std::string(status.message()), HasSubstr("newer"));
  }
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

IPT_INSTANTIATE_ON_BOTH_ENGINES(MigratorTest);

}  // namespace
}  // namespace ipt::storage
