// Copies of what SQL answers, shared by all replicas, each under a key for a bounded time. A copy
// is stored only if nothing was invalidated since its reader began: the reader takes a ticket
// before it reads the truth, an invalidation drops it, and without it nothing is stored, unless the
// copy is of a newer version than the one that is there. (Versions alone would not do: a row's
// derived values change under one version.) So a copy is old only where an invalidation did not
// reach Redis, and then no longer than it is kept.
//
// Keys carry the history of the store: after a restore, copies of what it lost are not found,
// however new their version is.
//
// A failing Redis is a miss. Thread-safe. Gets of concurrent callers share round trips.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/cache/redis_client.h"

namespace ipt::cache {

class SnapshotCache {
 public:
  using Found = std::function<void(std::shared_ptr<const std::string>)>;

  // Names the store's history; empty while it is not known, and then nothing is found or stored.
  // Asked at each call; it must not block.
  using History = std::function<std::string()>;

  // `redis` outlives it. Keys begin with `prefix`.
  SnapshotCache(RedisClient& redis, absl::string_view prefix, History history);

  // The copy under `key`, or null: there is none of at least `min_version`, or Redis does not say.
  // `found` is called once, on the client's thread (it must not block) or before Get returns.
  void Get(absl::string_view key, int64_t min_version, Found found);

  // Before the truth is read: the ticket of a reader that means to store a copy. Empty when there
  // is a copy already, or Redis does not answer. Waits for one round trip.
  std::string BeginFill(absl::string_view key);
  // Stores the copy for at most `keep` (less up to a tenth, so that copies do not end together).
  void Fill(absl::string_view key, absl::string_view ticket, int64_t version,
            absl::string_view value, absl::Duration keep);

  // Drops the copies and the tickets. Sent at once, not waited for.
  void Invalidate(absl::Span<const std::string> keys);

 private:
  // Empty while the history is not known.
  std::string Key(absl::string_view key) const;

  RedisClient& redis_;
  const std::string prefix_;
  const History history_;
};

}  // namespace ipt::cache
