#include "platform/server/redis_telemetry.h"

#include "absl/strings/str_cat.h"
#include "platform/observability/log.h"

namespace ipt::server {
namespace {

constexpr char kCacheReads[] = "Reads of copies that replicas share, by what they found.";

}  // namespace

RedisTelemetry::RedisTelemetry(Metrics& metrics)
    : round_trip_seconds_(metrics.Histogram("redis_round_trip_seconds",
                                            "Time from handing a command over to its answer.",
                                            LatencyBuckets())),
      errors_(metrics.Counter("redis_errors_total",
                              "Commands that failed or were not answered in time.")),
      refused_(metrics.Counter("redis_refused_total",
                               "Commands refused at once because Redis was away.")),
      connects_(metrics.Counter("redis_connects_total", "Sessions made: the first, and anew.")),
      cache_hits_(metrics.Counter("cache_reads_total", kCacheReads, {{"found", "hit"}})),
      cache_misses_(metrics.Counter("cache_reads_total", kCacheReads, {{"found", "miss"}})),
      cache_errors_(metrics.Counter("cache_reads_total", kCacheReads, {{"found", "error"}})),
      breaker_(metrics.Gauge("redis_breaker_state",
                             "0 closed (connected), 1 half open (trying), 2 open (waiting).")),
      may_evict_(metrics.Gauge("redis_may_evict",
                               "1 when the server's maxmemory-policy is not noeviction.")) {}

void RedisTelemetry::OnRoundTrip(absl::Duration took, bool ok) {
  round_trip_seconds_.Observe(absl::ToDoubleSeconds(took));
  if (!ok) errors_.Increment();
}

void RedisTelemetry::OnRefused() { refused_.Increment(); }

void RedisTelemetry::OnCacheRead(cache::CacheRead found) {
  switch (found) {
    case cache::CacheRead::kHit:
      return cache_hits_.Increment();
    case cache::CacheRead::kMiss:
      return cache_misses_.Increment();
    case cache::CacheRead::kError:
      return cache_errors_.Increment();
  }
}

void RedisTelemetry::OnBreaker(cache::BreakerState state) {
  breaker_.Set(static_cast<double>(state));
}

void RedisTelemetry::OnConnected(const cache::RedisServer& server) {
  connects_.Increment();
  const bool may_evict = server.eviction != "noeviction";
  may_evict_.Set(may_evict ? 1 : 0);
  log::Line(log::Level::kInfo, "redis_connected",
            {{log::Key::kAddress, server.address}, {log::Key::kVersion, server.version}});
  if (may_evict) {
    log::Line(log::Level::kWarning, "redis_may_evict",
              {{log::Key::kAddress, server.address},
               {log::Key::kDetail,
                absl::StrCat("maxmemory-policy is ", server.eviction,
                             ": set noeviction, or reminders are late when memory is full")}});
  }
}

void RedisTelemetry::OnFailure(const absl::Status& why) {
  log::Line(log::Level::kWarning, "redis_down", {{log::Key::kDetail, why.message()}});
}

}  // namespace ipt::server
