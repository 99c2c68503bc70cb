#include "platform/cache/wake.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "platform/cache/redis_wake.h"
#include "tests/support/redis_process.h"
#include "tests/support/status_matchers.h"

namespace ipt::cache {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

class Ear {
 public:
  Wake::Heard Hear() {
    return [this](absl::string_view detail) {
      std::lock_guard<std::mutex> lock(mutex_);
      heard_.emplace_back(detail);
    };
  }
  std::vector<std::string> heard() {
    std::lock_guard<std::mutex> lock(mutex_);
    return heard_;
  }
  bool AwaitHeard(const std::string& detail) {
    for (int i = 0; i < 12'000; ++i) {
      for (const std::string& word : heard()) {
        if (word == detail) return true;
      }
      absl::SleepFor(absl::Milliseconds(5));
    }
    return false;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> heard_;
};

TEST(LocalWakeTest, WakesListenersOfTheTopicWhileTheyListen) {
  LocalWake wake;
  Ear reminders;
  Ear events;
  auto listener = wake.Listen("reminders", reminders.Hear());
  const auto other = wake.Listen("events", events.Hear());
  wake.Ring("reminders", "c1");
  listener.reset();
  wake.Ring("reminders", "c2");
  wake.Ring("events", "");
  EXPECT_THAT(reminders.heard(), ElementsAre("c1"));
  EXPECT_THAT(events.heard(), ElementsAre(""));
}

class RedisWakeTest : public ::testing::Test {
 protected:
  // A replica: a process with its own client and subscription.
  struct Replica {
    explicit Replica(const RedisOptions& options) : client(options), wake(client, options) {}
    RedisClient client;
    RedisWake wake;
  };

  void SetUp() override {
    auto server = testing::RedisProcess::Create();
    ASSERT_OK(server);
    server_ = *std::move(server);
  }
  std::unique_ptr<Replica> Start() {
    RedisOptions options;
    options.url = *ParseRedisUrl(server_->Url());
    options.command_timeout = absl::Seconds(10);  // these tests are not about time
    auto replica = std::make_unique<Replica>(options);
    EXPECT_TRUE(replica->client.AwaitConnected(absl::Seconds(60)));
    EXPECT_TRUE(replica->wake.AwaitSubscribed(absl::Seconds(60)));
    return replica;
  }

  std::unique_ptr<testing::RedisProcess> server_;
};

TEST_F(RedisWakeTest, WakesThisReplicaOnceAndTheOthers) {
  const auto one = Start();
  const auto two = Start();
  Ear here;
  Ear there;
  const auto a = one->wake.Listen("events", here.Hear());
  const auto b = two->wake.Listen("events", there.Hear());
  one->wake.Ring("events", "c1");
  EXPECT_THAT(here.heard(), ElementsAre("c1"));  // at once
  EXPECT_TRUE(there.AwaitHeard("c1"));
  two->wake.Ring("events", "c2");
  EXPECT_TRUE(here.AwaitHeard("c2"));
  EXPECT_THAT(here.heard(), ElementsAre("c1", "c2"));  // its own came back to nobody
}

TEST_F(RedisWakeTest, ManyWakesOfAKindBecomeFewMessagesAndTheLastIsHeard) {
  const auto one = Start();
  const auto two = Start();
  Ear there;
  const auto listener = two->wake.Listen("events", there.Hear());
  for (int i = 0; i < 10'000; ++i) one->wake.Ring("events", "c1");
  one->wake.Ring("events", "last");
  EXPECT_TRUE(there.AwaitHeard("last"));
  EXPECT_THAT(there.heard(), Contains("c1"));
  EXPECT_LT(there.heard().size(), 10'000u);
}

TEST_F(RedisWakeTest, WithoutRedisItWakesThisReplicaAndLaterEverybody) {
  const auto one = Start();
  const auto two = Start();
  Ear here;
  Ear there;
  const auto a = one->wake.Listen("events", here.Hear());
  const auto b = two->wake.Listen("events", there.Hear());
  server_->Kill();
  one->wake.Ring("events", "c1");
  EXPECT_THAT(here.heard(), ElementsAre("c1"));
  ASSERT_OK(server_->Start());
  EXPECT_TRUE(there.AwaitHeard(""));  // it may have missed something, and did
  EXPECT_THAT(there.heard(), ::testing::Not(Contains("c1")));
  ASSERT_TRUE(one->client.AwaitConnected(absl::Seconds(60)));
  ASSERT_TRUE(two->wake.AwaitSubscribed(absl::Seconds(60)));
  one->wake.Ring("events", "c2");
  EXPECT_TRUE(there.AwaitHeard("c2"));
}

TEST_F(RedisWakeTest, EndsWhileListenersOfOthersRing) {
  const auto one = Start();
  std::atomic<bool> stop{false};
  std::thread ringing([&] {
    while (!stop) one->wake.Ring("events", "c1");
  });
  for (int i = 0; i < 5; ++i) {
    auto two = Start();
    Ear ear;
    auto listener = two->wake.Listen("events", ear.Hear());
    EXPECT_TRUE(ear.AwaitHeard("c1"));
    listener.reset();
  }
  stop = true;
  ringing.join();
}

}  // namespace
}  // namespace ipt::cache
