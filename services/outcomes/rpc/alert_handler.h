// ipt.outcomes.v1.AlertService. The adapter has checked the caller, the names and the shape of each
// request; here is what a request means.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ipt/outcomes/v1/alert_service.pb.h"
#include "outcomes/domain/alert_tx.h"
#include "platform/events/feed.h"
#include "platform/ids/ids.h"
#include "platform/rpc/stream.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Thread-safe. All that it is given outlives it and its streams.
class AlertHandler {
 public:
  AlertHandler(AlertStore& store, events::Feed& feed, IdSource& ids)
      : store_(store), feed_(feed), ids_(ids) {}

  absl::StatusOr<pb::Alert> GetAlert(const CallContext& ctx, const pb::GetAlertRequest& request);
  absl::StatusOr<pb::ListAlertsResponse> ListAlerts(const CallContext& ctx,
                                                    const pb::ListAlertsRequest& request);
  absl::StatusOr<pb::Alert> AcknowledgeAlert(const CallContext& ctx,
                                             const pb::AcknowledgeAlertRequest& request);
  absl::StatusOr<pb::Alert> ResolveAlert(const CallContext& ctx,
                                         const pb::ResolveAlertRequest& request);
  absl::StatusOr<pb::Alert> EscalateAlert(const CallContext& ctx,
                                          const pb::EscalateAlertRequest& request);
  absl::StatusOr<pb::Alert> ReassignAlert(const CallContext& ctx,
                                          const pb::ReassignAlertRequest& request);
  absl::StatusOr<pb::Alert> ReopenAlert(const CallContext& ctx,
                                        const pb::ReopenAlertRequest& request);

  using Stream = rpc::ServerStream<pb::WatchAlertsResponse>;
  absl::StatusOr<std::unique_ptr<Stream>> WatchAlerts(const CallContext& ctx,
                                                      const pb::WatchAlertsRequest& request,
                                                      std::shared_ptr<rpc::StreamHandle> handle);

  absl::StatusOr<pb::AlertCoverage> GetAlertCoverage(const CallContext& ctx,
                                                     const pb::GetAlertCoverageRequest& request);
  absl::StatusOr<pb::AlertRouting> GetAlertRouting(const CallContext& ctx,
                                                   const pb::GetAlertRoutingRequest& request);
  absl::StatusOr<pb::ListAlertRoutingsResponse> ListAlertRoutings(
      const CallContext& ctx, const pb::ListAlertRoutingsRequest& request);
  absl::StatusOr<pb::AlertRouting> UpdateAlertRouting(const CallContext& ctx,
                                                      const pb::UpdateAlertRoutingRequest& request);
  absl::StatusOr<pb::AlertRouting> ResetAlertRouting(const CallContext& ctx,
                                                     const pb::ResetAlertRoutingRequest& request);

 private:
  AlertStore& store_;
  events::Feed& feed_;
  IdSource& ids_;
};

}  // namespace ipt::outcomes
