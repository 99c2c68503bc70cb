#include "platform/audit/merged_reader.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/error.h"
#include "tests/support/status_matchers.h"

namespace ipt::audit {
namespace {

using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

// Entries of these seconds, as a store would list them.
class ListedReader final : public AuditReader {
 public:
  ListedReader(std::string name, std::vector<int> seconds) {
    std::sort(seconds.rbegin(), seconds.rend());
    for (int second : seconds) {
      AuditEntry& entry = entries_.emplace_back();
      entry.entry_id = absl::StrCat(name, second);
      entry.record.time = absl::FromUnixSeconds(second);
    }
  }
  absl::StatusOr<std::vector<AuditEntry>> List(const AuditFilter&,
                                               const std::optional<AuditCursor>& after, int limit,
                                               absl::Time) override {
    if (away) return Unavailable(reason::kStoreUnavailable, "away", absl::Seconds(1));
    std::vector<AuditEntry> listed;
    for (const AuditEntry& entry : entries_) {
      if (after.has_value() &&
          std::tie(entry.record.time, entry.entry_id) >= std::tie(after->time, after->entry_id)) {
        continue;
      }
      if (listed.size() < static_cast<size_t>(limit)) listed.push_back(entry);
    }
    return listed;
  }
  bool away = false;

 private:
  std::vector<AuditEntry> entries_;
};

std::vector<std::string> Page(AuditReader& reader, std::optional<AuditCursor>& after, int limit) {
  std::vector<std::string> ids;
  const auto listed = reader.List({}, after, limit, absl::InfiniteFuture());
  EXPECT_OK(listed);
  for (const AuditEntry& entry : *listed) {
    ids.push_back(entry.entry_id);
    after = AuditCursor{entry.record.time, entry.entry_id};
  }
  return ids;
}

TEST(MergedAuditReaderTest, ListsAllOfThemNewestFirstPageByPage) {
  ListedReader a("a", {1, 4, 5, 9});
  ListedReader b("b", {4, 2, 8});
  MergedAuditReader merged({&a, &b});
  std::optional<AuditCursor> after;
  EXPECT_THAT(Page(merged, after, 3), ElementsAre("a9", "b8", "a5"));
  EXPECT_THAT(Page(merged, after, 3), ElementsAre("b4", "a4", "b2"));
  EXPECT_THAT(Page(merged, after, 3), ElementsAre("a1"));
  EXPECT_THAT(Page(merged, after, 3), ElementsAreArray(std::vector<std::string>()));
}

TEST(MergedAuditReaderTest, FailsRatherThanLeavesSomeOut) {
  ListedReader a("a", {1});
  ListedReader b("b", {2});
  b.away = true;
  EXPECT_THAT(MergedAuditReader({&a, &b}).List({}, std::nullopt, 10, absl::InfiniteFuture()),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace ipt::audit
