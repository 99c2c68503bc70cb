// Wakes all replicas through one Redis channel. Listeners in this process are woken at once and
// without Redis; the others by a subscription on a connection of its own, which is made anew when
// it breaks, and then wakes everybody, since it may have missed something.
//
// Thread-safe. While Redis is away, wakes reach this process only.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/cache/redis_client.h"
#include "platform/cache/wake.h"

namespace ipt::cache {

class RedisWake final : public Wake {
 public:
  // `redis` publishes and outlives it; `options` are those that it was made with.
  RedisWake(RedisClient& redis, RedisOptions options, absl::string_view channel = "ipt:wake");
  ~RedisWake() override;

  void Ring(absl::string_view topic, absl::string_view detail) override;
  std::unique_ptr<Listener> Listen(absl::string_view topic, Heard heard) override;

  // Waits until it hears other replicas, for tests. True when it does.
  bool AwaitSubscribed(absl::Duration limit) const;

 private:
  struct Outbox;
  static void Publish(const std::shared_ptr<Outbox>& outbox, const std::string& message);

  void Run();
  // Listens until the connection fails or the wake ends.
  absl::Status Subscribe(RedisConnection& connection);
  void Hear(const RedisReply& message);

  const RedisOptions options_;
  const std::string channel_;
  LocalWake local_;
  std::shared_ptr<Outbox> outbox_;  // shared with answers under way
  int stop_fd_ = -1;
  std::atomic<bool> subscribed_{false};
  std::thread thread_;
};

}  // namespace ipt::cache
