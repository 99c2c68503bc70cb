// ipt.outcomes.v1.MeasurementService.
#pragma once

#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "ipt/outcomes/v1/measurement_service.pb.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Thread-safe. What it is given must outlive it.
class MeasurementHandler {
 public:
  // Without a directory (null) nothing is known of courses, and nothing of them is verified.
  MeasurementHandler(OutcomesStore& store, const Catalog& catalog, IdSource& ids,
                     courses::CourseDirectory* courses = nullptr)
      : store_(store), catalog_(catalog), ids_(ids), courses_(courses) {}

  absl::StatusOr<pb::Measurement> RecordMeasurement(const CallContext& ctx,
                                                    const pb::RecordMeasurementRequest& request);
  absl::StatusOr<pb::Measurement> GetMeasurement(const CallContext& ctx,
                                                 const pb::GetMeasurementRequest& request);
  absl::StatusOr<pb::ListMeasurementsResponse> ListMeasurements(
      const CallContext& ctx, const pb::ListMeasurementsRequest& request);
  absl::StatusOr<pb::ListMeasurementRevisionsResponse> ListMeasurementRevisions(
      const CallContext& ctx, const pb::ListMeasurementRevisionsRequest& request);
  absl::StatusOr<pb::Measurement> CorrectMeasurement(const CallContext& ctx,
                                                     const pb::CorrectMeasurementRequest& request);
  absl::StatusOr<pb::MarkMeasurementEnteredInErrorResponse> MarkMeasurementEnteredInError(
      const CallContext& ctx, const pb::MarkMeasurementEnteredInErrorRequest& request);

 private:
  OutcomesStore& store_;
  const Catalog& catalog_;
  IdSource& ids_;
  courses::CourseDirectory* const courses_;
};

}  // namespace ipt::outcomes
