#include "platform/cache/shared.h"

#include <utility>

#include "platform/cache/memory_due_index.h"
#include "platform/cache/redis_due_index.h"
#include "platform/cache/redis_wake.h"

namespace ipt::cache {

std::unique_ptr<Shared> Shared::InProcess(const Clock& clock) {
  std::unique_ptr<Shared> shared(new Shared);
  shared->due_index_ = std::make_unique<MemoryDueIndex>(clock);
  shared->wake_ = std::make_unique<LocalWake>();
  return shared;
}

std::unique_ptr<Shared> Shared::OnRedis(RedisOptions options, RedisObserver* observer) {
  std::unique_ptr<Shared> shared(new Shared);
  shared->redis_ = std::make_unique<RedisClient>(options, observer);
  shared->due_index_ = std::make_unique<RedisDueIndex>(*shared->redis_);
  shared->wake_ = std::make_unique<RedisWake>(*shared->redis_, std::move(options));
  return shared;
}

}  // namespace ipt::cache
