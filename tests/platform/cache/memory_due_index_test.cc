// What of the in-process index the conformance suite does not see: its bound and its size.
#include "platform/cache/memory_due_index.h"

#include <malloc.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::cache {
namespace {

using ::ipt::testing::StatusIs;

std::vector<DueEntry> Many(uint32_t from, uint32_t count) {
  std::vector<DueEntry> entries;
  for (uint32_t i = from; i < from + count; ++i) {
    entries.push_back({absl::StrFormat("%08x-6a44-4c5e-9d2e-%012x", i * 2654435761u, i), 1,
                       absl::FromUnixSeconds(2'000'000'000 + i)});
  }
  return entries;
}

TEST(MemoryDueIndexTest, RefusesBatchesBeyondItsMostAsAWhole) {
  SystemClock clock;
  MemoryDueIndex index(clock, 1000);
  ASSERT_OK(index.Upsert("c1", Many(0, 500)));
  ASSERT_OK(index.Upsert("c2", Many(0, 400)));
  EXPECT_THAT(index.Upsert("c1", Many(500, 200)), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(index.Depth("c1")->queued, 500);
  ASSERT_OK(index.Remove("c2", Many(0, 300)));  // makes room
  EXPECT_OK(index.Upsert("c1", Many(500, 200)));
  EXPECT_EQ(index.Depth("c1")->queued, 700);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(_GLIBCXX_TSAN)
TEST(MemoryDueIndexTest, AnEntryTakesNoMoreThanItMay) {
  constexpr uint32_t kEntries = 1'000'000;
  SystemClock clock;
  MemoryDueIndex index(clock);
  const size_t before = mallinfo2().uordblks;
  for (uint32_t i = 0; i < kEntries; i += 10'000) ASSERT_OK(index.Upsert("c1", Many(i, 10'000)));
  const size_t each = (mallinfo2().uordblks + mallinfo2().hblkhd - before) / kEntries;
  std::printf("bytes an entry: %zu\n", each);
  EXPECT_LE(each, 150u);
}
#endif

}  // namespace
}  // namespace ipt::cache
