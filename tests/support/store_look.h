// What a service's store holds, for tests that look into it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "platform/storage/database.h"
#include "tests/support/status_matchers.h"

namespace ipt::testing {

// Kinds of the events in the outbox after `seen`, in order; `seen` is the last one's then.
inline std::vector<std::string> NewEvents(storage::Database& db, int64_t& seen) {
  std::vector<std::string> kinds;
  const std::string sql =
      absl::StrCat("SELECT kind, seq FROM outbox WHERE seq > ", seen, " ORDER BY seq");
  EXPECT_THAT(db.Read({},
                      [&](storage::Connection& conn) {
                        return conn.Query(
                            {sql, {storage::ColumnType::kText, storage::ColumnType::kInt64}}, {},
                            [&](const storage::Row& row) {
                              kinds.push_back(row.Text(0));
                              seen = row.Int64(1);
                              return absl::OkStatus();
                            });
                      }),
              IsOk());
  return kinds;
}

inline int64_t CountRows(storage::Database& db, const std::string& table) {
  int64_t count = -1;
  const std::string sql = absl::StrCat("SELECT COUNT(*) FROM ", table);
  EXPECT_THAT(db.Read({},
                      [&](storage::Connection& conn) {
                        return conn.Query({sql, {storage::ColumnType::kInt64}}, {},
                                          [&](const storage::Row& row) {
                                            count = row.Int64(0);
                                            return absl::OkStatus();
                                          });
                      }),
              IsOk());
  return count;
}

}  // namespace ipt::testing
