#include "tests/platform/cache/due_index_maker.h"

#include <cstdio>
#include <cstdlib>

#include "platform/cache/memory_due_index.h"
#include "platform/cache/redis_due_index.h"
#include "platform/time/clock.h"
#include "tests/support/redis_process.h"

namespace ipt::cache {
namespace {

class MemoryMaker final : public DueIndexMaker {
 public:
  std::unique_ptr<DueIndex> Open() override { return std::make_unique<MemoryDueIndex>(clock_); }
  void LoseContent(std::unique_ptr<DueIndex>& index) override { index = Open(); }

 private:
  SystemClock clock_;
};

testing::RedisProcess& SharedRedis() {
  static const std::unique_ptr<testing::RedisProcess> server = [] {
    auto created = testing::RedisProcess::Create();
    if (!created.ok()) {
      std::fprintf(stderr, "%s\n", std::string(created.status().message()).c_str());
      std::exit(1);
    }
    return *std::move(created);
  }();
  return *server;
}

class RedisMaker final : public DueIndexMaker {
 public:
  std::unique_ptr<DueIndex> Open() override {
    Flush();
    return std::make_unique<RedisDueIndex>(client_);
  }
  void LoseContent(std::unique_ptr<DueIndex>&) override { Flush(); }

 private:
  static RedisOptions Options() {
    RedisOptions options;
    options.url = *ParseRedisUrl(SharedRedis().Url());
    options.command_timeout = absl::Seconds(10);  // these tests are not about time
    return options;
  }
  void Flush() {
    if (!client_.AwaitConnected(absl::Seconds(10)) || !client_.Call({"FLUSHALL"}).ok()) {
      std::fprintf(stderr, "cannot flush Redis\n");
      std::exit(1);
    }
  }

  RedisClient client_{Options()};
};

}  // namespace

std::vector<DueIndexKind> DueIndexKinds() { return {DueIndexKind::kMemory, DueIndexKind::kRedis}; }

std::string DueIndexKindName(DueIndexKind kind) {
  return kind == DueIndexKind::kMemory ? "Memory" : "Redis";
}

std::unique_ptr<DueIndexMaker> MakeDueIndexMaker(DueIndexKind kind) {
  if (kind == DueIndexKind::kMemory) return std::make_unique<MemoryMaker>();
  return std::make_unique<RedisMaker>();
}

}  // namespace ipt::cache
