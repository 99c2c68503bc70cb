// A fresh store of either engine for one test: an SQLite file in its own folder, or a database of
// its own in the test binary's PostgreSQL server. Gone with this object.
//
//   class CourseStoreTest : public ::testing::TestWithParam<storage::Dialect> {
//    protected:
//     TempDatabase db_{GetParam(), {storage::PlatformMigrations(), CourseMigrations()}};
//   };
//   IPT_INSTANTIATE_ON_BOTH_ENGINES(CourseStoreTest);
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "platform/storage/database.h"
#include "platform/storage/migrator.h"
#include "platform/time/clock.h"

namespace ipt::testing {

class TempDatabase {
 public:
  // `components` are migrated. `options` without a url; a test that needs a clock of its own for
  // deadlines, or an observer, gives it.
  explicit TempDatabase(storage::Dialect dialect,
                        const std::vector<storage::Component>& components = {},
                        storage::DatabaseOptions options = {}, const Clock* clock = nullptr,
                        storage::StorageObserver* observer = nullptr);
  ~TempDatabase();

  storage::Database& operator*() { return *database_; }
  storage::Database* operator->() { return database_.get(); }
  storage::Database* get() { return database_.get(); }

  // Closes the store and opens it again.
  void Reopen();
  // Another Database over the same store, as another process would have it.
  std::unique_ptr<storage::Database> OpenAnother(storage::DatabaseOptions options = {}) const;

  const std::string& url() const { return options_.url; }
  const std::string& folder() const { return folder_; }  // SQLite only
  const std::string& name() const { return name_; }      // PostgreSQL only

 private:
  const storage::Dialect dialect_;
  storage::DatabaseOptions options_;
  SystemClock system_clock_;
  const Clock* clock_;
  storage::StorageObserver* observer_;
  std::string folder_;
  std::string name_;
  std::unique_ptr<storage::Database> database_;
};

inline std::string DialectName(storage::Dialect dialect) {
  return dialect == storage::Dialect::kSqlite ? "Sqlite" : "Postgres";
}

#define IPT_INSTANTIATE_ON_BOTH_ENGINES(suite)                                                 \
  INSTANTIATE_TEST_SUITE_P(                                                                    \
      Engines, suite,                                                                          \
      ::testing::Values(::ipt::storage::Dialect::kSqlite, ::ipt::storage::Dialect::kPostgres), \
      [](const auto& info) { return ::ipt::testing::DialectName(info.param); })

}  // namespace ipt::testing
