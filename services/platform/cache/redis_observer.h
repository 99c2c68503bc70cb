// What the Redis client tells metrics and the log. Called on the client's threads and its callers':
// implementations are thread-safe and quick.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/cache/redis_connection.h"

namespace ipt::cache {

enum class BreakerState {
  kClosed = 0,    // connected: commands are sent
  kHalfOpen = 1,  // trying: commands are refused at once
  kOpen = 2,      // waiting before the next try: commands are refused at once
};

// What a read of a shared copy found.
enum class CacheRead { kHit, kMiss, kError };

class RedisObserver {
 public:
  virtual ~RedisObserver() = default;

  // A command was answered (an error answer is not `ok`), from when it was handed over.
  virtual void OnRoundTrip(absl::Duration /*took*/, bool /*ok*/) {}
  // A command was refused at once because the breaker was not closed, or too many waited.
  virtual void OnRefused() {}
  virtual void OnBreaker(BreakerState /*state*/) {}
  virtual void OnCacheRead(CacheRead /*found*/) {}
  // A session stands: the first one, or again.
  virtual void OnConnected(const RedisServer& /*server*/) {}
  // A session broke, or (once for each new reason) none could be had.
  virtual void OnFailure(const absl::Status& /*why*/) {}
};

}  // namespace ipt::cache
