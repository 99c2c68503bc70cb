// ipt.outcomes.v1.EventService: platform/events in outcomes' words.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ipt/outcomes/v1/event_service.pb.h"
#include "platform/events/feed.h"
#include "platform/rpc/stream.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Thread-safe. `feed` must outlive it and its streams.
class EventHandler {
 public:
  // A follower that hears of no event for `heartbeat` hears that there is none.
  EventHandler(events::Feed& feed, absl::Duration heartbeat) : feed_(feed), heartbeat_(heartbeat) {}

  absl::StatusOr<std::unique_ptr<rpc::ServerStream<pb::WatchEventsResponse>>> WatchEvents(
      const CallContext& ctx, const pb::WatchEventsRequest& request,
      std::shared_ptr<rpc::StreamHandle> handle);

 private:
  events::Feed& feed_;
  const absl::Duration heartbeat_;
};

}  // namespace ipt::outcomes
