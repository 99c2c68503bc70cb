#include "platform/audit/read_audit.h"

#include <atomic>
#include <mutex>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "platform/errors/error.h"
#include "tests/support/status_matchers.h"

namespace ipt::audit {
namespace {

AuditRecord Read(const std::string& resource, absl::Time at) {
  AuditRecord record;
  record.clinic_id = "a";
  record.caller = "ehr";
  record.method = "/x/Get";
  record.resource = resource;
  record.time = at;
  record.last_time = at;
  return record;
}

struct Store {
  absl::Status Write(const std::vector<AuditRecord>& batch) {
    std::lock_guard<std::mutex> lock(mutex);
    if (down) return Unavailable(reason::kStoreUnavailable, "down", absl::Seconds(1));
    records.insert(records.end(), batch.begin(), batch.end());
    return absl::OkStatus();
  }
  std::mutex mutex;
  bool down = false;
  std::vector<AuditRecord> records;
};

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

TEST(ReadAuditTest, FoldsEqualReadsOfOneSecond) {
  Store store;
  ReadAudit audit([&](const auto& batch) { return store.Write(batch); });
  audit.Add(Read("clinics/a/courses/1", kNow));
  audit.Add(Read("clinics/a/courses/1", kNow + absl::Milliseconds(400)));
  audit.Add(Read("clinics/a/courses/1", kNow + absl::Milliseconds(1400)));
  audit.Add(Read("clinics/a/courses/2", kNow));
  ASSERT_OK(audit.Flush());
  int64_t total = 0;
  for (const auto& record : store.records) {
    total += record.count;
    if (record.count == 2) {
      EXPECT_EQ(record.time, kNow);
      EXPECT_EQ(record.last_time, kNow + absl::Milliseconds(400));
    }
  }
  EXPECT_EQ(total, 4);
  EXPECT_LE(store.records.size(), 4u);
}

TEST(ReadAuditTest, KeepsEntriesWhileTheStoreIsDown) {
  Store store;
  store.down = true;
  ReadAudit audit([&](const auto& batch) { return store.Write(batch); }, 2);
  audit.Add(Read("clinics/a/courses/1", kNow));
  EXPECT_FALSE(audit.Flush().ok());
  EXPECT_OK(audit.MayRead());
  audit.Add(Read("clinics/a/courses/2", kNow));
  EXPECT_THAT(audit.MayRead(),
              testing::FailsWith(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE"));
  {
    std::lock_guard<std::mutex> lock(store.mutex);
    store.down = false;
  }
  ASSERT_OK(audit.Flush());
  EXPECT_OK(audit.MayRead());
  EXPECT_EQ(store.records.size(), 2u);
}

// Else a store that hangs would let in twice as many as may wait.
TEST(ReadAuditTest, WhatIsBeingWrittenWaitsStill) {
  absl::Notification writing;
  absl::Notification hanging;
  size_t written = 0;
  ReadAudit audit(
      [&](const auto& batch) {
        if (!writing.HasBeenNotified()) writing.Notify();
        hanging.WaitForNotification();
        written += batch.size();
        return absl::OkStatus();
      },
      2);
  audit.Add(Read("clinics/a/courses/1", kNow));
  writing.WaitForNotification();
  EXPECT_EQ(audit.waiting(), 1u);
  EXPECT_OK(audit.MayRead());
  audit.Add(Read("clinics/a/courses/2", kNow));
  EXPECT_EQ(audit.waiting(), 2u);
  EXPECT_THAT(audit.MayRead(),
              testing::FailsWith(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE"));
  hanging.Notify();
  ASSERT_OK(audit.Flush());
  EXPECT_EQ(audit.waiting(), 0u);
  EXPECT_EQ(written, 2u);
}

TEST(ReadAuditTest, WhatCouldNotBeWrittenAtTheEndIsTriedOnceAndCounted) {
  std::atomic<int> tries = 0;
  int before = 0;
  {
    ReadAudit audit([&](const auto&) {
      ++tries;
      return Unavailable(reason::kStoreUnavailable, "down", absl::Seconds(1));
    });
    audit.Add(Read("clinics/a/courses/1", kNow));
    before = tries;  // the writer's own, twice a second
    EXPECT_FALSE(audit.Stop().ok());
    EXPECT_EQ(audit.waiting(), 1u);
  }
  EXPECT_EQ(tries, before + 1);
}

TEST(ReadAuditTest, WritesWhatWaitsBeforeItEnds) {
  Store store;
  {
    ReadAudit audit([&](const auto& batch) { return store.Write(batch); });
    audit.Add(Read("clinics/a/courses/1", kNow));
  }
  EXPECT_EQ(store.records.size(), 1u);
}

}  // namespace
}  // namespace ipt::audit
