// One listener's stream of a clinic's alerts: first those that are not resolved, as the store has
// them, then what is told of them from the instant before on. So an alert that is raised while the
// stream begins is in one of the two; where it is in both, the second is left out.
//
// A stream that listens has a row in the store, which runs out unless its responses are taken.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ipt/outcomes/v1/alert_service.pb.h"
#include "outcomes/domain/alert_tx.h"
#include "platform/events/feed.h"
#include "platform/events/watch.h"
#include "platform/ids/ids.h"
#include "platform/rpc/stream.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// What a stream is asked for.
struct AlertWatchRequest {
  std::string cursor{};
  bool include_open = false;
  std::vector<AlertRecipient> recipients{};
  std::vector<AlertKind> kinds{};
  std::string listener{};
  bool observer = false;
};

// Used by one thread at a time, as streams are. Store and feed outlive it.
class AlertStream final : public rpc::ServerStream<pb::WatchAlertsResponse> {
 public:
  static absl::StatusOr<std::unique_ptr<AlertStream>> Open(
      AlertStore& store, events::Feed& feed, IdSource& ids, const CallContext& ctx,
      AlertWatchRequest request, std::shared_ptr<rpc::StreamHandle> handle);

  absl::StatusOr<rpc::Next<pb::WatchAlertsResponse>> NextResponse(const CallContext& ctx) override;
  void OnOver(const CallContext& ctx) override;

 private:
  using Next = rpc::Next<pb::WatchAlertsResponse>;

  AlertStream(AlertStore& store, AlertWatchRequest request)
      : store_(store), request_(std::move(request)) {}

  absl::Status Register(IdSource& ids, const CallContext& ctx);
  // The response before was taken: notes what it brought, and that somebody listens.
  void NoteTaken(const CallContext& ctx);
  absl::StatusOr<Next> NextOfOpen(const CallContext& ctx);
  absl::StatusOr<Next> NextOfNew(const CallContext& ctx);
  // nullopt: not for this listener, or told already.
  absl::StatusOr<std::optional<pb::AlertNotice>> NoticeOf(
      const storage::outbox::StoredEvent& stored);
  Next Send(const CallContext& ctx, pb::WatchAlertsResponse response);

  AlertStore& store_;
  const AlertWatchRequest request_;
  std::unique_ptr<events::Watch> watch_;
  std::string cursor_;  // of events that were read

  bool opening_ = true;                             // until it is said that what comes next is new
  bool include_open_ = false;                       // before that, with what is not resolved
  std::optional<AlertCursor> opened_;               // the last one of it that was sent
  absl::flat_hash_map<std::string, int64_t> told_;  // by id: the revision that was among them

  std::optional<AlertListener> listener_;  // as its row is; nullopt: does not count
  std::vector<std::string> sending_;       // ids in the response that is on its way
  bool on_its_way_ = false;
  std::optional<absl::Time> sent_;
};

}  // namespace ipt::outcomes
