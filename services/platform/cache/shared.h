// What the replicas of a service share through Redis; without Redis, what one process has for
// itself, by the same faces.
//
// Thread-safe. Redis need not be there when this is made, nor later: each part says what it does
// without.
#pragma once

#include <memory>

#include "platform/cache/due_index.h"
#include "platform/cache/redis_client.h"
#include "platform/cache/wake.h"
#include "platform/time/clock.h"

namespace ipt::cache {

class Shared {
 public:
  // `clock` outlives it.
  static std::unique_ptr<Shared> InProcess(const Clock& clock);
  // `observer` may be null; it outlives it.
  static std::unique_ptr<Shared> OnRedis(RedisOptions options, RedisObserver* observer);

  // Null without Redis.
  RedisClient* redis() { return redis_.get(); }
  // Of reminders.
  DueIndex& due_index() { return *due_index_; }
  Wake& wake() { return *wake_; }

 private:
  Shared() = default;

  std::unique_ptr<RedisClient> redis_;
  std::unique_ptr<DueIndex> due_index_;
  std::unique_ptr<Wake> wake_;
};

}  // namespace ipt::cache
