// ipt.scheduling.v1.SessionService. The adapter has checked the caller, the names and the shape of
// each request; here is what a request means.
#pragma once

#include "absl/status/statusor.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/store.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Thread-safe. `store` and `ids` must outlive it.
class SessionHandler {
 public:
  SessionHandler(SchedulingStore& store, IdSource& ids) : store_(store), ids_(ids) {}

  absl::StatusOr<pb::Session> BookSession(const CallContext& ctx,
                                          const pb::BookSessionRequest& request);
  absl::StatusOr<pb::Session> GetSession(const CallContext& ctx,
                                         const pb::GetSessionRequest& request);
  absl::StatusOr<pb::ListSessionsResponse> ListSessions(const CallContext& ctx,
                                                        const pb::ListSessionsRequest& request);
  absl::StatusOr<pb::Session> UpdateSession(const CallContext& ctx,
                                            const pb::UpdateSessionRequest& request);
  absl::StatusOr<pb::RescheduleSessionResponse> RescheduleSession(
      const CallContext& ctx, const pb::RescheduleSessionRequest& request);
  absl::StatusOr<pb::Session> CancelSession(const CallContext& ctx,
                                            const pb::CancelSessionRequest& request);
  absl::StatusOr<pb::Session> RecordAttendance(const CallContext& ctx,
                                               const pb::RecordAttendanceRequest& request);
  absl::StatusOr<pb::FindSlotsResponse> FindSlots(const CallContext& ctx,
                                                  const pb::FindSlotsRequest& request);

 private:
  // Runs a write whose answer is the session itself; `change(SchedulingTx&)` gives it.
  template <typename Change>
  absl::StatusOr<pb::Session> WriteSessionOnce(const CallContext& ctx, Change&& change);

  SchedulingStore& store_;
  IdSource& ids_;
};

}  // namespace ipt::scheduling
