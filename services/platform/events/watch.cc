#include "platform/events/watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"

namespace ipt::events {
namespace {

absl::Status Resync(absl::string_view why) {
  return OutOfRange(
      reason::kResyncRequired,
      absl::StrCat(why,
                   ": watch from now, list everything anew once the first response has come, and "
                   "go on from its cursor"));
}

}  // namespace

bool Filter::Wants(const storage::outbox::StoredEvent& event) const {
  if (!kinds.empty() && !kinds.contains(event.event.kind)) return false;
  if (subject.empty() || event.event.subject == subject) return true;
  return absl::StartsWith(event.event.subject, subject) &&
         event.event.subject[subject.size()] == '/';
}

absl::StatusOr<std::unique_ptr<Watch>> Watch::Open(Feed& feed, const CallContext& ctx,
                                                   const Start& start, Filter filter,
                                                   absl::Duration heartbeat,
                                                   std::shared_ptr<rpc::StreamHandle> handle) {
  Cursor at;
  if (start.from == Start::From::kCursor) {
    IPT_ASSIGN_OR_RETURN(at, ReadCursor(start.cursor));
    if (at.clinic_id != ctx.clinic_id) return Resync("the cursor is of another clinic");
  }
  IPT_ASSIGN_OR_RETURN(
      std::unique_ptr<Feed::Follower> follower,
      feed.Follow(
          ctx.clinic_id, [handle = std::move(handle)] { handle->Wake(); }, ctx.deadline));
  const Feed::Mark mark = follower->mark();
  if (start.from != Start::From::kCursor) {
    at = {mark.epoch, ctx.clinic_id, start.from == Start::From::kNow ? mark.end : mark.purged};
  } else if (at.epoch == mark.epoch && at.position > mark.end) {
    return Resync("the cursor is ahead of the store, which must have been restored");
  }
  auto watch =
      std::unique_ptr<Watch>(new Watch(feed, std::move(follower), std::move(filter), heartbeat));
  watch->at_ = std::move(at);
  return watch;
}

rpc::Next<Batch> Watch::Send(const CallContext& ctx,
                             std::vector<storage::outbox::StoredEvent> events) {
  sent_ = ctx.now;
  feed_.told().Increment(static_cast<double>(events.size()));
  return rpc::Next<Batch>::Send({std::move(events), WriteCursor(at_)});
}

absl::StatusOr<rpc::Next<Batch>> Watch::Next(const CallContext& ctx) {
  const Feed::Mark mark = follower_->mark();
  if (at_.epoch != mark.epoch) return Resync("the store was restored from a copy");
  if (at_.position < mark.purged) return Resync("the events after the cursor are no longer kept");
  if (!sent_.has_value()) return Send(ctx, {});

  if (mark.newest > at_.position) {
    IPT_ASSIGN_OR_RETURN(storage::outbox::Page page,
                         feed_.Read(ctx.clinic_id, at_.position, mark.end, ctx.deadline));
    if (!page.events.empty()) at_.position = page.events.back().position;
    std::erase_if(page.events, [this](const auto& event) { return !filter_.Wants(event); });
    if (page.complete) at_.position = mark.end;
    if (!page.events.empty()) return Send(ctx, std::move(page.events));
    if (!page.complete) return rpc::Next<Batch>::Later(ctx.now);
  } else {
    at_.position = std::max(at_.position, mark.end);
  }
  if (ctx.now >= *sent_ + heartbeat_) return Send(ctx, {});
  return rpc::Next<Batch>::Later(*sent_ + heartbeat_);
}

}  // namespace ipt::events
