// ipt.formulation.v1.GoalService.
#pragma once

#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/store.h"
#include "ipt/formulation/v1/goal_service.pb.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// Thread-safe. What it is given must outlive it.
class GoalHandler {
 public:
  GoalHandler(FormulationStore& store, IdSource& ids, courses::CourseDirectory& courses)
      : store_(store), ids_(ids), courses_(courses) {}

  absl::StatusOr<pb::Goal> CreateGoal(const CallContext& ctx, const pb::CreateGoalRequest& request);
  absl::StatusOr<pb::Goal> GetGoal(const CallContext& ctx, const pb::GetGoalRequest& request);
  absl::StatusOr<pb::ListGoalsResponse> ListGoals(const CallContext& ctx,
                                                  const pb::ListGoalsRequest& request);
  absl::StatusOr<pb::Goal> UpdateGoal(const CallContext& ctx, const pb::UpdateGoalRequest& request);
  absl::StatusOr<pb::Goal> ChangeGoalState(const CallContext& ctx,
                                           const pb::ChangeGoalStateRequest& request);
  absl::StatusOr<pb::DeleteGoalResponse> DeleteGoal(const CallContext& ctx,
                                                    const pb::DeleteGoalRequest& request);
  absl::StatusOr<pb::GoalRating> RateGoal(const CallContext& ctx,
                                          const pb::RateGoalRequest& request);
  absl::StatusOr<pb::ListGoalRatingsResponse> ListGoalRatings(
      const CallContext& ctx, const pb::ListGoalRatingsRequest& request);
  absl::StatusOr<pb::DeleteGoalRatingResponse> DeleteGoalRating(
      const CallContext& ctx, const pb::DeleteGoalRatingRequest& request);

 private:
  FormulationStore& store_;
  IdSource& ids_;
  courses::CourseDirectory& courses_;
};

}  // namespace ipt::formulation
