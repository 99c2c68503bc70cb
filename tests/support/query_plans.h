// What SQLite's planner would do for the statements that a store runs. It decides by the schema
// alone; each index has its twin in PostgreSQL's schema.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/storage/database.h"
#include "tests/support/status_matchers.h"

namespace ipt::testing {

class StatementRecorder final : public storage::StorageObserver {
 public:
  void OnStatement(absl::string_view sql, absl::Duration, bool) override {
    std::lock_guard<std::mutex> lock(mutex_);
    texts_.emplace(sql);
  }
  std::set<std::string> Take() {
    std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(texts_, {});
  }

 private:
  std::mutex mutex_;
  std::set<std::string> texts_;
};

// A line a step. `db`: an SQLite one.
inline std::string ExplainOnSqlite(storage::Database& db, absl::string_view sql) {
  std::set<std::string> parameters;
  for (size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] != ':') continue;
    size_t end = i + 1;
    while (end < sql.size() && (absl::ascii_isalnum(sql[end]) || sql[end] == '_')) ++end;
    parameters.emplace(sql.substr(i, end - i));
  }
  std::string plan;
  EXPECT_OK(db.Read({}, [&](storage::Connection& conn) -> absl::Status {
    const std::string explain = absl::StrCat("EXPLAIN QUERY PLAN ", sql);
    const std::vector<storage::Value> nulls(parameters.size());
    using enum storage::ColumnType;
    return conn.Query({explain, {kInt64, kInt64, kInt64, kText}}, nulls,
                      [&](const storage::Row& row) {
                        absl::StrAppend(&plan, row.Text(3), "\n");
                        return absl::OkStatus();
                      });
  }));
  return plan;
}

}  // namespace ipt::testing
