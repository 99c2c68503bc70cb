// ipt.scheduling.v1.TherapistService. The adapter has checked the caller, the names and the shape
// of each request; here is what a request means.
#pragma once

#include "absl/status/statusor.h"
#include "ipt/scheduling/v1/therapist_service.pb.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/store.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Thread-safe. `store` and `ids` must outlive it.
class TherapistHandler {
 public:
  TherapistHandler(SchedulingStore& store, IdSource& ids) : store_(store), ids_(ids) {}

  absl::StatusOr<pb::Therapist> CreateTherapist(const CallContext& ctx,
                                                const pb::CreateTherapistRequest& request);
  absl::StatusOr<pb::Therapist> GetTherapist(const CallContext& ctx,
                                             const pb::GetTherapistRequest& request);
  absl::StatusOr<pb::ListTherapistsResponse> ListTherapists(
      const CallContext& ctx, const pb::ListTherapistsRequest& request);
  absl::StatusOr<pb::UpdateTherapistResponse> UpdateTherapist(
      const CallContext& ctx, const pb::UpdateTherapistRequest& request);
  absl::StatusOr<pb::DeactivateTherapistResponse> DeactivateTherapist(
      const CallContext& ctx, const pb::DeactivateTherapistRequest& request);
  absl::StatusOr<pb::Therapist> ActivateTherapist(const CallContext& ctx,
                                                  const pb::ActivateTherapistRequest& request);
  absl::StatusOr<pb::CreateTimeOffResponse> CreateTimeOff(const CallContext& ctx,
                                                          const pb::CreateTimeOffRequest& request);
  absl::StatusOr<pb::ListTimeOffResponse> ListTimeOff(const CallContext& ctx,
                                                      const pb::ListTimeOffRequest& request);
  absl::StatusOr<pb::DeleteTimeOffResponse> DeleteTimeOff(const CallContext& ctx,
                                                          const pb::DeleteTimeOffRequest& request);
  absl::StatusOr<pb::ExtraHours> CreateExtraHours(const CallContext& ctx,
                                                  const pb::CreateExtraHoursRequest& request);
  absl::StatusOr<pb::ListExtraHoursResponse> ListExtraHours(
      const CallContext& ctx, const pb::ListExtraHoursRequest& request);
  absl::StatusOr<pb::DeleteExtraHoursResponse> DeleteExtraHours(
      const CallContext& ctx, const pb::DeleteExtraHoursRequest& request);
  absl::StatusOr<pb::TherapistCalendar> GetTherapistCalendar(
      const CallContext& ctx, const pb::GetTherapistCalendarRequest& request);

 private:
  SchedulingStore& store_;
  IdSource& ids_;
};

}  // namespace ipt::scheduling
