// One follower's way through the events of a clinic: what to send it next. Services put it behind
// their own streaming method and turn batches into their own messages.
//
// Used by one thread at a time, as streams are (platform/rpc/stream.h). The feed outlives it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/events/cursor.h"
#include "platform/events/feed.h"
#include "platform/rpc/stream.h"
#include "platform/storage/outbox.h"
#include "platform/transaction/call_context.h"

namespace ipt::events {

// Events of these kinds, of this resource or one beneath it. Empty: all.
struct Filter {
  absl::flat_hash_set<std::string> kinds{};
  std::string subject{};

  bool Wants(const storage::outbox::StoredEvent& event) const;
};

// Where a follower begins.
struct Start {
  enum class From { kNow, kOldest, kCursor };
  From from = From::kNow;
  std::string cursor{};
};

// What goes out in one response. Without events it says that there are none up to the cursor.
struct Batch {
  std::vector<storage::outbox::StoredEvent> events{};
  std::string cursor{};
};

class Watch {
 public:
  // INVALID_ARGUMENT for what is no cursor; OUT_OF_RANGE (RESYNC_REQUIRED) for one of another
  // clinic, of a history that a restore ended, or older than what is kept. `handle` is woken when
  // there is something new.
  static absl::StatusOr<std::unique_ptr<Watch>> Open(Feed& feed, const CallContext& ctx,
                                                     const Start& start, Filter filter,
                                                     absl::Duration heartbeat,
                                                     std::shared_ptr<rpc::StreamHandle> handle);

  // The first batch comes at once, without events: its cursor is where the follower begins.
  // OUT_OF_RANGE (RESYNC_REQUIRED) once the follower was overtaken by the purge.
  absl::StatusOr<rpc::Next<Batch>> Next(const CallContext& ctx);

 private:
  Watch(Feed& feed, std::unique_ptr<Feed::Follower> follower, Filter filter,
        absl::Duration heartbeat)
      : feed_(feed),
        follower_(std::move(follower)),
        filter_(std::move(filter)),
        heartbeat_(heartbeat) {}
  rpc::Next<Batch> Send(const CallContext& ctx, std::vector<storage::outbox::StoredEvent> events);

  Feed& feed_;
  const std::unique_ptr<Feed::Follower> follower_;
  const Filter filter_;
  const absl::Duration heartbeat_;
  Cursor at_;
  std::optional<absl::Time> sent_;  // the last batch
};

}  // namespace ipt::events
