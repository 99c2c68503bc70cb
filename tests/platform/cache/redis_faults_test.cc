// What the Redis client and the due-index do when Redis does not: each fault on a real server, and
// each first proven to have struck.
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "platform/cache/redis_client.h"
#include "platform/cache/redis_due_index.h"
#include "tests/support/redis_process.h"
#include "tests/support/status_matchers.h"

namespace ipt::cache {
namespace {

using ::ipt::testing::RedisProcess;
using ::ipt::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kClinic[] = "c1";
constexpr char kEpoch[] = "e1";
constexpr absl::Duration kLong = absl::Minutes(5);
// Of the tests of a server that hangs; the others are not about time.
constexpr absl::Duration kCommandLimit = absl::Seconds(1);
constexpr absl::Duration kPatience = absl::Seconds(60);

// Counts what the client says.
class Counts final : public RedisObserver {
 public:
  void OnRoundTrip(absl::Duration, bool ok) override { ++(ok ? answered : failed); }
  void OnRefused() override { ++refused; }
  void OnConnected(const RedisServer& server) override {
    std::lock_guard<std::mutex> lock(mutex);
    ++connected;
    last = server;
  }
  void OnFailure(const absl::Status& why) override {
    std::lock_guard<std::mutex> lock(mutex);
    failures.emplace_back(why.message());
  }
  std::string Failures() {
    std::lock_guard<std::mutex> lock(mutex);
    return absl::StrCat(failures.size(),
                        " failures, the last: ", failures.empty() ? "" : failures.back());
  }

  std::atomic<int> answered{0};
  std::atomic<int> failed{0};
  std::atomic<int> refused{0};
  std::atomic<int> connected{0};
  std::mutex mutex;
  RedisServer last;
  std::vector<std::string> failures;
};

class RedisFaultsTest : public ::testing::Test {
 protected:
  void StartServer(std::vector<std::string> settings = {}, bool tcp = false) {
    auto server = RedisProcess::Create(std::move(settings), tcp);
    ASSERT_OK(server);
    server_ = *std::move(server);
  }
  RedisOptions Options() {
    RedisOptions options;
    options.url = *ParseRedisUrl(server_->Url());
    options.connect_timeout = absl::Milliseconds(500);
    options.command_timeout = absl::Seconds(10);
    return options;
  }
  void ConnectInAHurry() {
    RedisOptions options = Options();
    options.command_timeout = kCommandLimit;
    Connect(std::move(options));
  }
  void Connect() { Connect(Options()); }
  void Connect(RedisOptions options) {
    client_ = std::make_unique<RedisClient>(std::move(options), &counts_);
    ASSERT_TRUE(client_->AwaitConnected(kPatience)) << client_->why_not();
    index_ = std::make_unique<RedisDueIndex>(*client_);
  }
  void Build() {
    ASSERT_OK_AND_ASSIGN(const RebuildTicket ticket, index_->BeginRebuild(kClinic, kEpoch, kLong));
    ASSERT_EQ(ticket.outcome, RebuildTicket::kStarted);
    ASSERT_OK(index_->FinishRebuild(kClinic, ticket.token, kEpoch));
  }
  absl::Status Put(const std::string& id, int64_t generation = 1) {
    return index_->Upsert(kClinic, {DueEntry{id, generation, absl::Now() - absl::Seconds(1)}});
  }
  // Until the condition holds, for as long as a loaded machine may take.
  template <typename Condition>
  static bool Await(Condition condition) {
    for (const absl::Time limit = absl::Now() + kPatience; absl::Now() < limit;) {
      if (condition()) return true;
      absl::SleepFor(absl::Milliseconds(5));
    }
    return condition();
  }

  Counts counts_;
  std::unique_ptr<RedisProcess> server_;
  std::unique_ptr<RedisClient> client_;
  std::unique_ptr<DueIndex> index_;
};

TEST_F(RedisFaultsTest, ConcurrentCallsGetTheirOwnAnswers) {
  StartServer();
  Connect();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string text = absl::StrCat(t, "-", i);
        const auto answer = client_->Call({"ECHO", text});
        ASSERT_OK(answer);
        ASSERT_EQ(answer->text(), text);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_GE(counts_.answered, 16000);
  EXPECT_EQ(counts_.failed, 0);
}

TEST_F(RedisFaultsTest, BigAnswersAndCommandsPass) {
  StartServer();
  Connect();
  const std::string big(8 << 20, 'x');
  ASSERT_OK(client_->Call({"SET", "big", big}));
  ASSERT_OK_AND_ASSIGN(const RedisReply answer, client_->Call({"GET", "big"}));
  EXPECT_EQ(answer.text(), big);
}

TEST_F(RedisFaultsTest, AnErrorAnswerIsAnErrorOfThatCallAlone) {
  StartServer();
  Connect();
  EXPECT_THAT(client_->Call({"NOSUCHCOMMAND"}), StatusIs(absl::StatusCode::kInternal));
  EXPECT_OK(client_->Call({"PING"}));
  EXPECT_EQ(counts_.connected, 1);
}

TEST_F(RedisFaultsTest, ScriptsThatTheServerForgotAreSentAgain) {
  StartServer();
  Connect();
  Build();
  ASSERT_OK(Put("a"));
  ASSERT_OK(server_->Run({"SCRIPT", "FLUSH"}));
  ASSERT_OK_AND_ASSIGN(const std::string before, server_->Run({"INFO", "memory"}));
  EXPECT_THAT(before, HasSubstr("number_of_cached_scripts:0"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) EXPECT_OK(Put(absl::StrCat("t", t, "-", i)));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(index_->Depth(kClinic)->queued, 201);
}

TEST_F(RedisFaultsTest, AServerThatIsNotThereRefusesAtOnceAndComesByItself) {
  StartServer();
  server_->Kill();
  client_ = std::make_unique<RedisClient>(Options(), &counts_);
  index_ = std::make_unique<RedisDueIndex>(*client_);
  ASSERT_TRUE(Await([&] { return client_->state() == BreakerState::kOpen; }));
  const absl::Time began = absl::Now();
  for (int i = 0; i < 1000; ++i) EXPECT_THAT(Put("a"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LT(absl::Now() - began, absl::Seconds(5));
  EXPECT_GE(counts_.refused, 1000);
  EXPECT_FALSE(client_->why_not().ok());
  ASSERT_OK(server_->Start());
  ASSERT_TRUE(client_->AwaitConnected(kPatience));
  EXPECT_OK(Put("a"));
  EXPECT_OK(client_->why_not());
}

TEST_F(RedisFaultsTest, AServerThatIsKilledAndComesBackEmptyIsRebuilt) {
  StartServer();
  Connect();
  Build();
  ASSERT_OK(Put("a"));
  server_->Kill();
  EXPECT_THAT(index_->Claim(kClinic, kEpoch, 10, kLong), StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_OK(server_->Start());
  ASSERT_TRUE(client_->AwaitConnected(kPatience));
  EXPECT_TRUE(IsRebuildNeeded(index_->Claim(kClinic, kEpoch, 10, kLong).status()));
  Build();
  ASSERT_OK(Put("b"));
  EXPECT_THAT(index_->Claim(kClinic, kEpoch, 10, kLong)->entries, SizeIs(1));
  EXPECT_GE(counts_.connected, 2);
}

TEST_F(RedisFaultsTest, AServerThatComesBackWithAnOldSnapshotIsRebuilt) {
  StartServer({"--dbfilename", "dump.rdb"});
  Connect();
  Build();
  ASSERT_OK(Put("old"));
  ASSERT_OK(server_->Run({"SAVE"}));
  ASSERT_OK(Put("lost"));
  server_->Kill();
  ASSERT_OK(server_->Start());
  ASSERT_TRUE(Await([&] { return counts_.connected >= 2 && client_->connected(); }));
  // It has the epoch, and the entries of then: proof that the snapshot was loaded.
  ASSERT_OK_AND_ASSIGN(const auto states, index_->Lookup(kClinic, {"old", "lost"}));
  EXPECT_TRUE(states[0].has_value());
  EXPECT_FALSE(states[1].has_value());
  ASSERT_THAT(*server_->Run({"EXISTS", "rem:{c1}:epoch"}), "1");
  EXPECT_TRUE(IsRebuildNeeded(index_->Claim(kClinic, kEpoch, 10, kLong).status()));
  Build();
  EXPECT_OK(index_->Claim(kClinic, kEpoch, 10, kLong));
}

TEST_F(RedisFaultsTest, ARebuildDoesNotEndOnAServerThatRestartedInBetween) {
  StartServer({"--dbfilename", "dump.rdb"});
  Connect();
  ASSERT_OK_AND_ASSIGN(const RebuildTicket ticket, index_->BeginRebuild(kClinic, kEpoch, kLong));
  ASSERT_OK(server_->Run({"SAVE"}));
  ASSERT_OK(Put("a"));
  server_->Kill();
  ASSERT_OK(server_->Start());
  ASSERT_TRUE(Await([&] { return counts_.connected >= 2 && client_->connected(); }));
  EXPECT_TRUE(IsRebuildNeeded(index_->KeepRebuild(kClinic, ticket.token, kLong)));
  (void)index_->FinishRebuild(kClinic, ticket.token, kEpoch);
  EXPECT_TRUE(IsRebuildNeeded(index_->Claim(kClinic, kEpoch, 10, kLong).status()));
}

TEST_F(RedisFaultsTest, AServerThatHangsIsGivenUpInTimeAndTakenAgain) {
  StartServer();
  ConnectInAHurry();
  Build();
  ASSERT_OK(Put("a"));
  server_->Freeze();
  const absl::Time began = absl::Now();
  EXPECT_THAT(Put("b"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LT(absl::Now() - began, 10 * kCommandLimit);
  EXPECT_TRUE(Await([&] { return absl::StrContains(counts_.Failures(), "no answer in time"); }))
      << counts_.Failures();  // told by another thread
  // The breaker is open: nobody waits.
  const absl::Time refused = absl::Now();
  for (int i = 0; i < 100; ++i) EXPECT_THAT(Put("c"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LT(absl::Now() - refused, 20 * kCommandLimit);  // of a hundred, had each waited
  EXPECT_GE(counts_.refused, 100);
  server_->Thaw();
  ASSERT_TRUE(client_->AwaitConnected(kPatience));
  // The same server: what it holds still counts.
  EXPECT_OK(index_->Claim(kClinic, kEpoch, 10, kLong));
}

TEST_F(RedisFaultsTest, AServerThatHangsIsNoticedThoughNobodyAsks) {
  StartServer();
  ConnectInAHurry();
  server_->Freeze();
  EXPECT_TRUE(Await([&] { return !client_->connected(); }));
  server_->Thaw();
  EXPECT_TRUE(client_->AwaitConnected(kPatience));
}

TEST_F(RedisFaultsTest, ClosedConnectionsAreMadeAnew) {
  StartServer();
  Connect();
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK(server_->Run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}));
    ASSERT_TRUE(Await([&] { return counts_.connected >= i + 2 && client_->connected(); })) << i;
    EXPECT_OK(client_->Call({"PING"}));
  }
}

TEST_F(RedisFaultsTest, WhatIsUnderWayWhenTheConnectionBreaksFailsAndIsNotLost) {
  StartServer();
  Connect();
  std::atomic<bool> stop{false};
  std::atomic<int> good{0};
  std::atomic<int> bad{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      while (!stop) ++(client_->Call({"PING"}).ok() ? good : bad);
    });
  }
  for (int i = 0; i < 10; ++i) {
    absl::SleepFor(absl::Milliseconds(20));
    server_->Kill();
    ASSERT_OK(server_->Start());
    ASSERT_TRUE(client_->AwaitConnected(kPatience));
  }
  stop = true;
  for (auto& thread : threads) thread.join();  // every call got an answer
  EXPECT_GT(good, 0);
  EXPECT_GT(bad, 0);
}

TEST_F(RedisFaultsTest, OutOfMemoryIsAnErrorAndNotALoss) {
  StartServer({"--maxmemory", "3mb", "--maxmemory-policy", "noeviction"});
  Connect();
  Build();
  int64_t taken = 0;
  absl::Status status;
  while (status.ok()) {
    std::vector<DueEntry> entries;
    for (int i = 0; i < DueIndex::kMaxBatch; ++i) {
      entries.push_back(
          {absl::StrCat("0b7c2a9e-6a44-4c5e-9d2e-", taken + i), 1, absl::Now() - absl::Seconds(1)});
    }
    status = index_->Upsert(kClinic, entries);
    if (status.ok()) taken += DueIndex::kMaxBatch;
    ASSERT_LT(taken, 1'000'000);
  }
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
  ASSERT_OK_AND_ASSIGN(const DueDepth depth, index_->Depth(kClinic));
  EXPECT_EQ(depth.queued, taken);  // of the refused batch, nothing
  EXPECT_TRUE(client_->connected());
  // What is there is handed out and completed, which makes room.
  int64_t claimed = 0;
  while (claimed < taken) {
    auto some = index_->Claim(kClinic, kEpoch, DueIndex::kMaxBatch, kLong);
    ASSERT_OK(some);
    ASSERT_FALSE(some->entries.empty());
    std::vector<std::string> ids;
    for (const DueEntry& entry : some->entries) ids.push_back(entry.id);
    ASSERT_EQ(*index_->Complete(kClinic, some->lease, ids), static_cast<int>(ids.size()));
    claimed += static_cast<int64_t>(ids.size());
  }
  EXPECT_EQ(claimed, taken);
  EXPECT_OK(Put("again"));
}

TEST_F(RedisFaultsTest, AWrongPasswordIsSaidAndARightOneTakenUp) {
  StartServer({"--requirepass", "right"});
  std::mutex mutex;
  std::string password = "wrong";
  RedisOptions options = Options();
  options.password = [&]() -> absl::StatusOr<std::string> {
    std::lock_guard<std::mutex> lock(mutex);
    return password;
  };
  client_ = std::make_unique<RedisClient>(options, &counts_);
  ASSERT_TRUE(Await([&] { return absl::StrContains(counts_.Failures(), "WRONGPASS"); }))
      << counts_.Failures();
  EXPECT_THAT(counts_.Failures(), ::testing::Not(HasSubstr("wrong ")));
  EXPECT_THAT(client_->Call({"PING"}), StatusIs(absl::StatusCode::kUnavailable));
  {
    std::lock_guard<std::mutex> lock(mutex);
    password = "right";
  }
  ASSERT_TRUE(client_->AwaitConnected(kPatience));
  EXPECT_OK(client_->Call({"PING"}));
}

TEST_F(RedisFaultsTest, NoPasswordWhereOneIsNeededIsSaid) {
  StartServer({"--requirepass", "right"});
  client_ = std::make_unique<RedisClient>(Options(), &counts_);
  ASSERT_TRUE(Await([&] { return absl::StrContains(counts_.Failures(), "NOAUTH"); }))
      << counts_.Failures();
}

TEST_F(RedisFaultsTest, SpeaksAsTheUserOfTheUrlInItsDatabase) {
  StartServer({}, /*tcp=*/true);
  // What docs/operations.md says that the user needs.
  ASSERT_OK(server_->Run({"ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@read", "+@write",
                          "+@scripting", "+@connection", "+@pubsub", "+role", "+info", "+time"}));
  RedisOptions options = Options();
  options.url = *ParseRedisUrl(absl::StrCat("redis://app@127.0.0.1:", server_->port(), "/5"));
  options.password = []() -> absl::StatusOr<std::string> { return std::string("secret"); };
  Connect(options);
  EXPECT_THAT(*server_->Run({"CLIENT", "LIST"}), HasSubstr("user=app"));
  EXPECT_THAT(client_->Call({"CONFIG", "GET", "*"}), StatusIs(absl::StatusCode::kUnavailable));
  Build();
  ASSERT_OK(Put("a"));
  EXPECT_THAT(index_->Claim(kClinic, kEpoch, 10, kLong)->entries, SizeIs(1));
  EXPECT_THAT(*server_->Run({"INFO", "keyspace"}), HasSubstr("db5:keys=3"));
}

TEST_F(RedisFaultsTest, SaysWhatMayBeEvicted) {
  StartServer({"--maxmemory-policy", "allkeys-lru"});
  Connect();
  EXPECT_EQ(counts_.last.eviction, "allkeys-lru");
  EXPECT_FALSE(counts_.last.run_id.empty());
  EXPECT_THAT(counts_.last.version, ::testing::StartsWith("7."));
}

TEST_F(RedisFaultsTest, AReplicaIsNotTakenForTheMaster) {
  StartServer({}, /*tcp=*/true);
  auto replica = RedisProcess::Create({"--replicaof", absl::StrCat("127.0.0.1 ", server_->port())},
                                      /*tcp=*/true);
  ASSERT_OK(replica);
  RedisOptions options = Options();
  options.url = *ParseRedisUrl((*replica)->Url());
  client_ = std::make_unique<RedisClient>(options, &counts_);
  ASSERT_TRUE(Await([&] { return absl::StrContains(counts_.Failures(), "not the master"); }))
      << counts_.Failures();
  EXPECT_THAT(client_->Call({"PING"}), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(RedisFaultsTest, AServerThatIsDemotedIsLeft) {
  StartServer({}, /*tcp=*/true);
  auto other = RedisProcess::Create({}, /*tcp=*/true);
  ASSERT_OK(other);
  Connect();
  ASSERT_OK(server_->Run({"REPLICAOF", "127.0.0.1", absl::StrCat((*other)->port())}));
  EXPECT_TRUE(Await([&] { return !client_->connected(); }));
  ASSERT_OK(server_->Run({"REPLICAOF", "NO", "ONE"}));
  EXPECT_TRUE(client_->AwaitConnected(kPatience));
}

TEST_F(RedisFaultsTest, FollowsAFailoverBySentinelAndAsksForARebuild) {
  StartServer({}, /*tcp=*/true);
  auto replica = RedisProcess::Create({"--replicaof", absl::StrCat("127.0.0.1 ", server_->port())},
                                      /*tcp=*/true);
  ASSERT_OK(replica);
  ASSERT_TRUE(Await([&] {  // else Sentinel hears of it ten seconds later
    return absl::StrContains(*server_->Run({"INFO", "replication"}), "connected_slaves:1");
  }));
  auto sentinel = RedisProcess::CreateSentinel(server_->port());
  ASSERT_OK(sentinel);
  RedisOptions options = Options();
  options.url = *ParseRedisUrl(  // the first sentinel is away
      absl::StrCat("sentinel://127.0.0.1:1,127.0.0.1:", (*sentinel)->port(), "/mymaster"));
  Connect(options);
  EXPECT_THAT(counts_.last.address, ::testing::EndsWith(absl::StrCat(server_->port())));
  Build();
  ASSERT_OK(Put("a"));
  ASSERT_TRUE(Await([&] {  // replicated, and known to the sentinel
    return absl::StrContains(*(*replica)->Run({"INFO", "keyspace"}), "db0:keys=") &&
           absl::StrContains(*(*sentinel)->Run({"SENTINEL", "replicas", "mymaster"}),
                             absl::StrCat((*replica)->port()));
  }));
  server_->Kill();
  for (const absl::Time limit = absl::Now() + kPatience;
       absl::Now() < limit && counts_.connected < 2;) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  ASSERT_TRUE(client_->AwaitConnected(kPatience)) << counts_.Failures();
  EXPECT_THAT(counts_.last.address, ::testing::EndsWith(absl::StrCat((*replica)->port())));
  EXPECT_TRUE(index_->Lookup(kClinic, {"a"})->at(0).has_value());  // it was replicated
  EXPECT_TRUE(IsRebuildNeeded(index_->Claim(kClinic, kEpoch, 10, kLong).status()));
  Build();
  EXPECT_THAT(index_->Claim(kClinic, kEpoch, 10, kLong)->entries, SizeIs(1));
}

TEST_F(RedisFaultsTest, ClosingFailsWhatIsUnderWay) {
  StartServer();
  Connect();
  server_->Freeze();
  std::atomic<int> ended{0};
  for (int i = 0; i < 10; ++i) {
    client_->Send({"PING"}, [&](RedisClient::Answer answer) {
      EXPECT_FALSE(answer.ok());
      ++ended;
    });
  }
  index_.reset();
  client_.reset();
  EXPECT_EQ(ended, 10);
}

TEST_F(RedisFaultsTest, AnEntryTakesNoMoreThanItMay) {
  StartServer();
  Connect();
  Build();
  constexpr int kEntries = 200'000;
  const auto used = [&] {
    const std::string info = *server_->Run({"INFO", "memory"});
    const size_t at = info.find("used_memory:") + 12;
    return std::stoll(info.substr(at));
  };
  const int64_t before = used();
  std::vector<DueEntry> entries;
  for (int i = 0; i < kEntries; ++i) {
    entries.push_back({absl::StrFormat("%08x-6a44-4c5e-9d2e-%012x", i * 2654435761u, i), i % 1000,
                       absl::Now() + absl::Seconds(i)});
  }
  for (int i = 0; i < kEntries; i += 20'000) {
    ASSERT_OK(index_->Upsert(kClinic, absl::MakeSpan(entries).subspan(i, 20'000)));
  }
  const int64_t each = (used() - before) / kEntries;
  RecordProperty("bytes_an_entry", static_cast<int>(each));
  std::printf("bytes an entry: %lld\n", static_cast<long long>(each));
  EXPECT_LE(each, 150);
}

}  // namespace
}  // namespace ipt::cache
