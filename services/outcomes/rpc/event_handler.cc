#include "outcomes/rpc/event_handler.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/events/watch.h"
#include "platform/rpc/proto_time.h"

namespace ipt::outcomes {
namespace {

constexpr char kKindPrefix[] = "EVENT_KIND_";

class EventStream final : public rpc::ServerStream<pb::WatchEventsResponse> {
 public:
  explicit EventStream(std::unique_ptr<events::Watch> watch) : watch_(std::move(watch)) {}

  absl::StatusOr<rpc::Next<pb::WatchEventsResponse>> NextResponse(const CallContext& ctx) override {
    IPT_ASSIGN_OR_RETURN(rpc::Next<events::Batch> next, watch_->Next(ctx));
    rpc::Next<pb::WatchEventsResponse> written{std::nullopt, next.again, next.end};
    if (!next.response.has_value()) return written;
    pb::WatchEventsResponse& response = written.response.emplace();
    response.set_cursor(std::move(next.response->cursor));
    for (const auto& stored : next.response->events) {
      pb::Event& event = *response.add_events();
      event.set_event_id(stored.event_id);
      pb::EventKind kind = pb::EVENT_KIND_UNSPECIFIED;
      pb::EventKind_Parse(absl::StrCat(kKindPrefix, stored.event.kind), &kind);
      event.set_kind(kind);
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
  const std::unique_ptr<events::Watch> watch_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::ServerStream<pb::WatchEventsResponse>>>
EventHandler::WatchEvents(const CallContext& ctx, const pb::WatchEventsRequest& request,
                          std::shared_ptr<rpc::StreamHandle> handle) {
  events::Start start;
  if (request.has_cursor()) {
    start = {events::Start::From::kCursor, request.cursor()};
  } else if (request.oldest()) {
    start.from = events::Start::From::kOldest;
  }
  events::Filter filter;
  filter.subject = request.course();
  FieldViolations bad;
  for (int i = 0; i < request.kinds_size(); ++i) {
    if (request.kinds(i) == pb::EVENT_KIND_UNSPECIFIED) {
      bad.Add(absl::StrCat("kinds[", i, "]"), "must be a kind");
      continue;
    }
    const std::string& name = pb::EventKind_Name(request.kinds(i));
    filter.kinds.emplace(absl::StripPrefix(name, kKindPrefix));
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(
      std::unique_ptr<events::Watch> watch,
      events::Watch::Open(feed_, ctx, start, std::move(filter), heartbeat_, std::move(handle)));
  return std::make_unique<EventStream>(std::move(watch));
}

}  // namespace ipt::outcomes
