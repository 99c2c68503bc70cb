#include "platform/cache/snapshot_cache.h"

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/support/redis_process.h"
#include "tests/support/status_matchers.h"

namespace ipt::cache {
namespace {

class Reads final : public RedisObserver {
 public:
  void OnCacheRead(CacheRead found) override { ++counts[static_cast<int>(found)]; }
  std::atomic<int> counts[3] = {};
};

class SnapshotCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = testing::RedisProcess::Create();
    ASSERT_OK(server);
    server_ = *std::move(server);
    RedisOptions options;
    options.url = *ParseRedisUrl(server_->Url());
    options.command_timeout = absl::Seconds(5);
    client_ = std::make_unique<RedisClient>(options, &reads_);
    ASSERT_TRUE(client_->AwaitConnected(absl::Seconds(10)));
    cache_ = std::make_unique<SnapshotCache>(*client_, "test", [this] { return history_; });
    // The first fill waits for its script to be sent in full; the tests' do not.
    Fill("first", 1, "value");
    while (Get("first").empty()) absl::SleepFor(absl::Milliseconds(1));
    for (auto& count : reads_.counts) count = 0;
  }

  // "" where there is none.
  std::string Get(const std::string& key, int64_t min_version = 0) {
    std::promise<std::shared_ptr<const std::string>> answer;
    cache_->Get(key, min_version,
                [&](std::shared_ptr<const std::string> found) { answer.set_value(found); });
    const auto found = answer.get_future().get();
    return found == nullptr ? "" : *found;
  }
  void Fill(const std::string& key, int64_t version, const std::string& value) {
    const std::string ticket = cache_->BeginFill(key);
    cache_->Fill(key, ticket, version, value, absl::Minutes(1));
  }

  Reads reads_;
  std::unique_ptr<testing::RedisProcess> server_;
  std::unique_ptr<RedisClient> client_;
  std::string history_ = "h1";
  std::unique_ptr<SnapshotCache> cache_;
};

TEST_F(SnapshotCacheTest, GivesWhatWasFilledByteForByte) {
  EXPECT_EQ(Get("a"), "");
  const std::string value("with \0 and \n and spaces", 23);
  Fill("a", 7, value);
  EXPECT_EQ(Get("a"), value);
  EXPECT_EQ(Get("b"), "");
  EXPECT_EQ(reads_.counts[static_cast<int>(CacheRead::kHit)], 1);
  EXPECT_EQ(reads_.counts[static_cast<int>(CacheRead::kMiss)], 2);
}

TEST_F(SnapshotCacheTest, ATicketAloneIsNoCopy) {
  EXPECT_NE(cache_->BeginFill("a"), "");
  EXPECT_EQ(Get("a"), "");
}

TEST_F(SnapshotCacheTest, IsNeverOlderThanAskedFor) {
  Fill("a", 7, "seven");
  EXPECT_EQ(Get("a", 7), "seven");
  EXPECT_EQ(Get("a", 8), "");
}

TEST_F(SnapshotCacheTest, AnInvalidationDropsCopiesAndTickets) {
  Fill("a", 7, "seven");
  cache_->Invalidate({"a", "b"});
  EXPECT_EQ(Get("a"), "");
  const std::string ticket = cache_->BeginFill("a");
  cache_->Invalidate({"a"});
  cache_->Fill("a", ticket, 8, "read before the write", absl::Minutes(1));
  EXPECT_EQ(Get("a"), "");
}

TEST_F(SnapshotCacheTest, TheLastTicketCounts) {
  const std::string first = cache_->BeginFill("a");
  const std::string second = cache_->BeginFill("a");
  cache_->Fill("a", first, 1, "first", absl::Minutes(1));
  EXPECT_EQ(Get("a"), "");
  cache_->Fill("a", second, 1, "second", absl::Minutes(1));
  EXPECT_EQ(Get("a"), "second");
}

TEST_F(SnapshotCacheTest, OnlyANewerVersionReplacesACopy) {
  Fill("a", 9, "nine");
  EXPECT_EQ(cache_->BeginFill("a"), "");  // there is one already
  cache_->Fill("a", "", 9, "another nine", absl::Minutes(1));
  cache_->Fill("a", "", 8, "eight", absl::Minutes(1));
  EXPECT_EQ(Get("a"), "nine");
  cache_->Fill("a", "", 10, "ten", absl::Minutes(1));
  EXPECT_EQ(Get("a"), "ten");
  cache_->Fill("a", "", 9'000'000'000'000'000'001, "huge", absl::Minutes(1));
  EXPECT_EQ(Get("a"), "huge");
  cache_->Fill("a", "", 9'000'000'000'000'000'000, "less", absl::Minutes(1));
  EXPECT_EQ(Get("a", 9'000'000'000'000'000'001), "huge");
  // Without a copy there, a version alone stores nothing.
  cache_->Fill("b", "", 1, "one", absl::Minutes(1));
  EXPECT_EQ(Get("b"), "");
}

// A restored store has gone back: its version is the lower one, and the true one.
TEST_F(SnapshotCacheTest, AnotherHistorysCopiesAreNotFound) {
  Fill("a", 5, "lost");
  const std::string old_ticket = cache_->BeginFill("b");
  history_ = "h2";
  EXPECT_EQ(Get("a"), "");
  Fill("a", 3, "restored");
  EXPECT_EQ(Get("a"), "restored");
  // Whoever read what was lost does not store it any more.
  cache_->Fill("b", old_ticket, 5, "lost", absl::Minutes(1));
  EXPECT_EQ(Get("b"), "");
  cache_->Invalidate({"a"});
  EXPECT_EQ(Get("a"), "");
}

TEST_F(SnapshotCacheTest, WithoutAKnownHistoryThereAreNoCopies) {
  Fill("a", 1, "one");
  history_.clear();
  EXPECT_EQ(Get("a"), "");
  EXPECT_EQ(cache_->BeginFill("b"), "");
  cache_->Fill("b", "", 1, "one", absl::Minutes(1));
  cache_->Invalidate({"a"});
  history_ = "h1";
  EXPECT_EQ(Get("a"), "one");
  EXPECT_EQ(Get("b"), "");
}

TEST_F(SnapshotCacheTest, ACopyEndsInTime) {
  const std::string ticket = cache_->BeginFill("a");
  cache_->Fill("a", ticket, 1, "short", absl::Seconds(2));
  EXPECT_EQ(Get("a"), "short");
  absl::SleepFor(absl::Milliseconds(2020));
  EXPECT_EQ(Get("a"), "");
  cache_->Fill("b", cache_->BeginFill("b"), 1, "gone already", absl::ZeroDuration());
  EXPECT_EQ(Get("b"), "");
}

TEST_F(SnapshotCacheTest, AFailingRedisIsAMissAndCounted) {
  Fill("a", 1, "one");
  server_->Kill();
  EXPECT_EQ(Get("a"), "");
  EXPECT_EQ(cache_->BeginFill("a"), "");
  cache_->Fill("a", "T", 1, "one", absl::Minutes(1));
  cache_->Invalidate({"a"});
  EXPECT_GE(reads_.counts[static_cast<int>(CacheRead::kError)], 1);
}

// Readers fill what they read while a writer raises the number and invalidates: once all have
// ended, the copy is the last number or none.
TEST_F(SnapshotCacheTest, ReadersAndWritersAtOnceLeaveNoOldCopy) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int64_t> truth{1};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          const std::string ticket = cache_->BeginFill("a");
          const int64_t read = truth;
          // One version throughout: the tickets have to do it.
          cache_->Fill("a", ticket, 1, absl::StrCat(read), absl::Minutes(1));
        }
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        ++truth;
        cache_->Invalidate({"a"});
      }
    });
    for (auto& thread : threads) thread.join();
    const std::string left = Get("a");
    EXPECT_TRUE(left.empty() || left == absl::StrCat(truth.load())) << left;
  }
}

}  // namespace
}  // namespace ipt::cache
