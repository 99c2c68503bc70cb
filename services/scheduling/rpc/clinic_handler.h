// ipt.scheduling.v1.ClinicService. The adapter has checked the caller, the names and the shape of
// each request; here is what a request means.
#pragma once

#include "absl/status/statusor.h"
#include "ipt/scheduling/v1/clinic_service.pb.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/store.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Thread-safe. `store` must outlive it.
class ClinicHandler {
 public:
  explicit ClinicHandler(SchedulingStore& store) : store_(store) {}

  absl::StatusOr<pb::Clinic> CreateClinic(const CallContext& ctx,
                                          const pb::CreateClinicRequest& request);
  absl::StatusOr<pb::Clinic> GetClinic(const CallContext& ctx, const pb::GetClinicRequest& request);
  absl::StatusOr<pb::ListClinicsResponse> ListClinics(const CallContext& ctx,
                                                      const pb::ListClinicsRequest& request);
  absl::StatusOr<pb::Clinic> UpdateClinic(const CallContext& ctx,
                                          const pb::UpdateClinicRequest& request);
  absl::StatusOr<pb::CreateHolidaysResponse> CreateHolidays(
      const CallContext& ctx, const pb::CreateHolidaysRequest& request);
  absl::StatusOr<pb::ListHolidaysResponse> ListHolidays(const CallContext& ctx,
                                                        const pb::ListHolidaysRequest& request);
  absl::StatusOr<pb::DeleteHolidayResponse> DeleteHoliday(const CallContext& ctx,
                                                          const pb::DeleteHolidayRequest& request);

 private:
  SchedulingStore& store_;
};

}  // namespace ipt::scheduling
