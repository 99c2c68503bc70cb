// The EventService of every service: platform/events in the words of its own protos, which all have
// the same form (WatchEventsRequest: kinds, course, cursor or oldest; WatchEventsResponse: cursor,
// events).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/generated_enum_reflection.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/events/feed.h"
#include "platform/events/watch.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/stream.h"
#include "platform/transaction/call_context.h"

namespace ipt::events {

// Thread-safe. `feed` must outlive it and its streams.
template <typename Request, typename Response>
class EventHandler {
 public:
  // A follower that hears of no event for `heartbeat` hears that there is none.
  EventHandler(Feed& feed, absl::Duration heartbeat) : feed_(feed), heartbeat_(heartbeat) {}

  absl::StatusOr<std::unique_ptr<rpc::ServerStream<Response>>> WatchEvents(
      const CallContext& ctx, const Request& request, std::shared_ptr<rpc::StreamHandle> handle) {
    Start start;
    if (request.has_cursor()) {
      start = {Start::From::kCursor, request.cursor()};
    } else if (request.oldest()) {
      start.from = Start::From::kOldest;
    }
    Filter filter;
    filter.subject = request.course();
    FieldViolations bad;
    for (int i = 0; i < request.kinds_size(); ++i) {
      const auto* kind = Kinds()->FindValueByNumber(request.kinds(i));
      if (kind == nullptr || kind->number() == 0) {
        bad.Add(absl::StrCat("kinds[", i, "]"), "must be a kind");
        continue;
      }
      filter.kinds.emplace(absl::StripPrefix(kind->name(), kKindPrefix));
    }
    IPT_RETURN_IF_ERROR(bad.ToStatus());
    IPT_ASSIGN_OR_RETURN(
        std::unique_ptr<Watch> watch,
        Watch::Open(feed_, ctx, start, std::move(filter), heartbeat_, std::move(handle)));
    return std::make_unique<EventStream>(std::move(watch));
  }

 private:
  using Event = std::decay_t<decltype(std::declval<const Response&>().events(0))>;
  using Kind = decltype(std::declval<const Event&>().kind());

  static constexpr char kKindPrefix[] = "EVENT_KIND_";

  static const google::protobuf::EnumDescriptor* Kinds() {
    return google::protobuf::GetEnumDescriptor<Kind>();
  }

  class EventStream final : public rpc::ServerStream<Response> {
   public:
    explicit EventStream(std::unique_ptr<Watch> watch) : watch_(std::move(watch)) {}

    absl::StatusOr<rpc::Next<Response>> NextResponse(const CallContext& ctx) override {
      IPT_ASSIGN_OR_RETURN(rpc::Next<Batch> next, watch_->Next(ctx));
      rpc::Next<Response> written{std::nullopt, next.again, next.end};
      if (!next.response.has_value()) return written;
      Response& response = written.response.emplace();
      response.set_cursor(std::move(next.response->cursor));
      for (const auto& stored : next.response->events) {
        Event& event = *response.add_events();
        event.set_event_id(stored.event_id);
        // A kind that only a newer release knows stays unspecified.
        const auto* kind = Kinds()->FindValueByName(absl::StrCat(kKindPrefix, stored.event.kind));
        if (kind != nullptr) event.set_kind(static_cast<Kind>(kind->number()));
        event.set_subject(stored.event.subject);
        rpc::WriteTime(stored.event.time, event.mutable_time());
        event.set_revision(stored.revision);
        if (!event.mutable_payload()->ParseFromString(stored.event.payload)) {
          return Internal("a stored event does not parse");
        }
      }
      return written;
    }

   private:
    const std::unique_ptr<Watch> watch_;
  };

  Feed& feed_;
  const absl::Duration heartbeat_;
};

}  // namespace ipt::events
