#include "outcomes/rpc/alert_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ipt/outcomes/v1/event.pb.h"
#include "outcomes/domain/alert_coverage.h"
#include "outcomes/domain/alerts.h"
#include "outcomes/rpc/alert_proto.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

constexpr char kRaised[] = "ALERT_RAISED";
constexpr char kChanged[] = "ALERT_CHANGED";
constexpr int kPage = 200;
constexpr size_t kPageBytes = 1 << 20;
// A listener that goes may come back at once: it counts for so long.
constexpr absl::Duration kComingBack = absl::Seconds(10);
// Somewhat less than a heartbeat, which does not come to the millisecond.
constexpr absl::Duration kNoteEvery = absl::Seconds(8);
// What waits to be told does not wait for notes for longer.
constexpr absl::Duration kNoteTime = absl::Seconds(2);

// A cursor within the alerts that come first: where they go on, then where events do.
constexpr char kOpeningFormat[] = "open1";

struct OpeningCursor {
  std::optional<AlertCursor> opened{};  // nullopt: they are all sent
  std::string cursor{};
};

std::string WriteOpening(const AlertCursor& opened, absl::string_view cursor) {
  return absl::WebSafeBase64Escape(absl::StrCat(
      kOpeningFormat, ",", absl::ToUnixMicros(opened.raised), ",", opened.alert_id, ",", cursor));
}

// Whatever is none of these is left to the reader of plain cursors.
OpeningCursor ReadOpening(const std::string& cursor) {
  std::string plain;
  if (!absl::WebSafeBase64Unescape(cursor, &plain)) return {.cursor = cursor};
  const std::vector<std::string> parts = absl::StrSplit(plain, absl::MaxSplits(',', 3));
  int64_t micros = 0;
  if (parts.size() != 4 || parts[0] != kOpeningFormat || !absl::SimpleAtoi(parts[1], &micros) ||
      !IsValidId(parts[2])) {
    return {.cursor = cursor};
  }
  return {.opened = AlertCursor{.raised = absl::FromUnixMicros(micros), .alert_id = parts[2]},
          .cursor = parts[3]};
}

bool HearsRisk(const std::vector<AlertKind>& kinds) {
  const auto has = [&](AlertKind kind) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  return kinds.empty() ||
         (has(AlertKind::kRiskItem) && has(AlertKind::kRiskScore) && has(AlertKind::kRiskUnknown));
}

std::string IdOf(const pb::Alert& alert) {
  return alert.name().substr(alert.name().rfind('/') + 1);
}

}  // namespace

absl::StatusOr<std::unique_ptr<AlertStream>> AlertStream::Open(
    AlertStore& store, events::Feed& feed, IdSource& ids, const CallContext& ctx,
    AlertWatchRequest request, std::shared_ptr<rpc::StreamHandle> handle) {
  auto stream = std::unique_ptr<AlertStream>(new AlertStream(store, std::move(request)));
  const AlertWatchRequest& asked = stream->request_;
  events::Start start;
  stream->include_open_ = asked.include_open;
  if (!asked.cursor.empty()) {
    OpeningCursor from = ReadOpening(asked.cursor);
    stream->include_open_ = from.opened.has_value();
    stream->opened_ = from.opened;
    start = {.from = events::Start::From::kCursor, .cursor = std::move(from.cursor)};
  }
  events::Filter filter;
  filter.kinds = {kRaised, kChanged};
  IPT_ASSIGN_OR_RETURN(stream->watch_, events::Watch::Open(feed, ctx, start, std::move(filter),
                                                           kListenerHeartbeat, std::move(handle)));
  // Its first batch is empty and says where events begin: before what the store is asked for now.
  IPT_ASSIGN_OR_RETURN(rpc::Next<events::Batch> first, stream->watch_->Next(ctx));
  if (!first.response.has_value()) return Internal("a follower does not say where it begins");
  stream->cursor_ = std::move(first.response->cursor);
  if (!asked.observer && HearsRisk(asked.kinds)) {
    IPT_RETURN_IF_ERROR(stream->Register(ids, ctx));
  }
  return stream;
}

absl::Status AlertStream::Register(IdSource& ids, const CallContext& ctx) {
  AlertListener listener;
  listener.listener_id = ids.NewUuid();
  listener.clinic_id = ctx.clinic_id;
  listener.label = request_.listener;
  listener.caller = ctx.caller->subject;
  listener.recipients = request_.recipients;
  listener.since = ctx.now;
  listener.last_response = ctx.now;
  listener.expires = ctx.now + kListenerLife;
  IPT_RETURN_IF_ERROR(store_.Write(ctx.deadline, [&](AlertTx& tx) -> absl::Status {
    IPT_RETURN_IF_ERROR(tx.PutListener(listener));
    return UpdateCoverage(tx, listener.clinic_id, ctx.now).status();
  }));
  listener_ = std::move(listener);
  return absl::OkStatus();
}

void AlertStream::NoteTaken(const CallContext& ctx) {
  if (!on_its_way_) return;
  on_its_way_ = false;
  if (!listener_.has_value()) return;
  const bool row = ctx.now - listener_->last_response >= kNoteEvery;
  if (!row && sending_.empty()) return;
  AlertListener after = *listener_;
  after.last_response = ctx.now;
  after.expires = ctx.now + kListenerLife;
  const absl::Time deadline = std::min(ctx.deadline, ctx.now + kNoteTime);
  const absl::Status status = store_.Write(deadline, [&](AlertTx& tx) -> absl::Status {
    IPT_RETURN_IF_ERROR(tx.NoteSent(after.clinic_id, sending_, ctx.now));
    return tx.PutListener(after);
  });
  // A store that is away is asked again with the next response; the listener is told all the same.
  if (!status.ok()) return;
  listener_ = std::move(after);
  sending_.clear();
}

rpc::Next<pb::WatchAlertsResponse> AlertStream::Send(const CallContext& ctx,
                                                     pb::WatchAlertsResponse response) {
  for (const pb::AlertNotice& notice : response.notices()) {
    sending_.push_back(IdOf(notice.alert()));
  }
  on_its_way_ = true;
  sent_ = ctx.now;
  return Next::Send(std::move(response));
}

absl::StatusOr<rpc::Next<pb::WatchAlertsResponse>> AlertStream::NextResponse(
    const CallContext& ctx) {
  NoteTaken(ctx);
  return opening_ ? NextOfOpen(ctx) : NextOfNew(ctx);
}

absl::StatusOr<rpc::Next<pb::WatchAlertsResponse>> AlertStream::NextOfOpen(const CallContext& ctx) {
  pb::WatchAlertsResponse response;
  bool more = false;
  AlertFilter filter;
  filter.kinds = request_.kinds;
  filter.assignees = request_.recipients;
  if (include_open_) {
    IPT_RETURN_IF_ERROR(store_.Read(ctx.deadline, [&](AlertReader& reader) -> absl::Status {
      response.Clear();
      IPT_ASSIGN_OR_RETURN(const std::vector<Alert> alerts,
                           reader.ListAlerts(ctx.clinic_id, filter, opened_, kPage));
      more = alerts.size() == kPage;
      size_t bytes = 0;
      for (const Alert& alert : alerts) {
        IPT_ASSIGN_OR_RETURN(
            const std::vector<std::string> other_open,
            OtherOpenAlerts(reader, alert.clinic_id, alert.course_id, alert.alert_id));
        pb::AlertNotice notice;
        WriteAlert(alert, other_open, notice.mutable_alert());
        notice.set_revision(alert.revision);
        bytes += notice.ByteSizeLong();
        if (bytes > kPageBytes && response.notices_size() > 0) {
          more = true;
          break;
        }
        *response.add_notices() = std::move(notice);
        opened_ = AlertCursor{.raised = alert.raised, .alert_id = alert.alert_id};
      }
      return absl::OkStatus();
    }));
  }
  for (const pb::AlertNotice& notice : response.notices()) {
    told_[IdOf(notice.alert())] = notice.revision();
  }
  response.set_cursor(more ? WriteOpening(*opened_, cursor_) : cursor_);
  response.set_caught_up(!more);
  opening_ = more;
  return Send(ctx, std::move(response));
}

absl::StatusOr<std::optional<pb::AlertNotice>> AlertStream::NoticeOf(
    const storage::outbox::StoredEvent& stored) {
  pb::OutcomeEvent event;
  if (!event.ParseFromString(stored.event.payload)) {
    return Internal("a stored event does not parse");
  }
  pb::Alert& alert =
      event.has_alert_raised() ? *event.mutable_alert_raised() : *event.mutable_alert_changed();
  const auto told = told_.find(IdOf(alert));
  if (told != told_.end()) {
    if (stored.revision <= told->second) return std::optional<pb::AlertNotice>();
    told_.erase(told);
  }
  const auto wants_kind = [&] {
    return request_.kinds.empty() ||
           std::find(request_.kinds.begin(), request_.kinds.end(),
                     static_cast<AlertKind>(alert.kind())) != request_.kinds.end();
  };
  // With one of them now, or before the change: whoever loses it is told once more.
  const auto wants_recipient = [&] {
    if (request_.recipients.empty()) return true;
    const auto among = [&](const pb::AlertRecipient& recipient) {
      return std::find(request_.recipients.begin(), request_.recipients.end(),
                       ReadAlertRecipient(recipient)) != request_.recipients.end();
    };
    const int changes = alert.changes_size();
    return among(alert.assignee()) || (changes > 1 && among(alert.changes(changes - 2).assignee()));
  };
  if (!wants_kind() || !wants_recipient()) return std::optional<pb::AlertNotice>();
  pb::AlertNotice notice;
  if (alert.changes_size() > 0) {
    notice.set_change(alert.changes(alert.changes_size() - 1).kind());
  }
  notice.set_revision(stored.revision);
  *notice.mutable_alert() = std::move(alert);
  return std::optional<pb::AlertNotice>(std::move(notice));
}

absl::StatusOr<rpc::Next<pb::WatchAlertsResponse>> AlertStream::NextOfNew(const CallContext& ctx) {
  IPT_ASSIGN_OR_RETURN(rpc::Next<events::Batch> next, watch_->Next(ctx));
  pb::WatchAlertsResponse response;
  if (next.response.has_value()) {
    cursor_ = std::move(next.response->cursor);
    for (const auto& stored : next.response->events) {
      IPT_ASSIGN_OR_RETURN(std::optional<pb::AlertNotice> notice, NoticeOf(stored));
      if (notice.has_value()) *response.add_notices() = *std::move(notice);
    }
  }
  // What was read and is for others does not put the heartbeat off.
  const absl::Time heartbeat = *sent_ + kListenerHeartbeat;
  if (response.notices().empty() && ctx.now < heartbeat) {
    return Next::Later(next.response.has_value() ? ctx.now : std::min(next.again, heartbeat));
  }
  response.set_cursor(cursor_);
  return Send(ctx, std::move(response));
}

void AlertStream::OnOver(const CallContext& ctx) {
  if (!listener_.has_value()) return;
  AlertListener after = *listener_;
  after.expires = std::min(after.expires, ctx.now + kComingBack);
  // Should it fail, the row runs out by itself.
  (void)store_.Write(ctx.deadline, [&](AlertTx& tx) { return tx.PutListener(after); });
}

}  // namespace ipt::outcomes
