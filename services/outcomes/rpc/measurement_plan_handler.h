// ipt.outcomes.v1.MeasurementPlanService.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "course_copies/domain/course_copies.h"
#include "ipt/outcomes/v1/measurement_plan_service.pb.h"
#include "outcomes/domain/due_list.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "outcomes/rpc/due_walks.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Thread-safe. What it is given must outlive it.
class MeasurementPlanHandler {
 public:
  MeasurementPlanHandler(OutcomesStore& store, const Catalog& catalog, IdSource& ids,
                         courses::CourseDirectory& courses, courses::CourseLister& lister)
      : store_(store), catalog_(catalog), ids_(ids), courses_(courses), lister_(lister) {}

  absl::StatusOr<pb::MeasurementPlan> CreateMeasurementPlan(
      const CallContext& ctx, const pb::CreateMeasurementPlanRequest& request);
  absl::StatusOr<pb::MeasurementPlan> GetMeasurementPlan(
      const CallContext& ctx, const pb::GetMeasurementPlanRequest& request);
  absl::StatusOr<pb::ListMeasurementPlansResponse> ListMeasurementPlans(
      const CallContext& ctx, const pb::ListMeasurementPlansRequest& request);
  absl::StatusOr<pb::MeasurementPlan> UpdateMeasurementPlan(
      const CallContext& ctx, const pb::UpdateMeasurementPlanRequest& request);
  absl::StatusOr<pb::DeleteMeasurementPlanResponse> DeleteMeasurementPlan(
      const CallContext& ctx, const pb::DeleteMeasurementPlanRequest& request);
  absl::StatusOr<pb::CourseMeasurementPlan> GetCourseMeasurementPlan(
      const CallContext& ctx, const pb::GetCourseMeasurementPlanRequest& request);
  absl::StatusOr<pb::CourseMeasurementPlan> UpdateCourseMeasurementPlan(
      const CallContext& ctx, const pb::UpdateCourseMeasurementPlanRequest& request);
  absl::StatusOr<pb::CourseMeasurementPlan> ResetCourseMeasurementPlan(
      const CallContext& ctx, const pb::ResetCourseMeasurementPlanRequest& request);
  absl::StatusOr<pb::ListDueMeasurementsResponse> ListDueMeasurements(
      const CallContext& ctx, const pb::ListDueMeasurementsRequest& request);

 private:
  // Asked before the transaction: it may wait for scheduling. NOT_FOUND where that says that there
  // is no such course.
  absl::StatusOr<courses::CourseAnswer> FindCourse(const CallContext& ctx,
                                                   absl::string_view course_id);
  // The whole of a list, made now.
  absl::StatusOr<DueWalk> Walk(const CallContext& ctx,
                               const pb::ListDueMeasurementsRequest& request,
                               const DueQuery& query);

  OutcomesStore& store_;
  const Catalog& catalog_;
  IdSource& ids_;
  courses::CourseDirectory& courses_;
  courses::CourseLister& lister_;
  DueWalks walks_;
};

}  // namespace ipt::outcomes
