// What operators see of Redis: metrics, and a log line whenever it comes, goes, or may evict keys.
//
// Thread-safe; outlives the clients that report to it.
#pragma once

#include "platform/cache/redis_observer.h"
#include "platform/observability/metrics.h"

namespace ipt::server {

class RedisTelemetry final : public cache::RedisObserver {
 public:
  explicit RedisTelemetry(Metrics& metrics);

  void OnRoundTrip(absl::Duration took, bool ok) override;
  void OnRefused() override;
  void OnCacheRead(cache::CacheRead found) override;
  void OnBreaker(cache::BreakerState state) override;
  void OnConnected(const cache::RedisServer& server) override;
  void OnFailure(const absl::Status& why) override;

 private:
  prometheus::Histogram& round_trip_seconds_;
  prometheus::Counter& errors_;
  prometheus::Counter& refused_;
  prometheus::Counter& connects_;
  prometheus::Counter& cache_hits_;
  prometheus::Counter& cache_misses_;
  prometheus::Counter& cache_errors_;
  prometheus::Gauge& breaker_;
  prometheus::Gauge& may_evict_;
};

}  // namespace ipt::server
