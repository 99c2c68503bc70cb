#include "outcomes/rpc/outcome_handler.h"

#include <string>
#include <vector>

#include "outcomes/domain/due_list.h"
#include "outcomes/domain/outcomes.h"
#include "outcomes/rpc/outcome_proto.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"

namespace ipt::outcomes {

absl::StatusOr<courses::CourseAnswer> OutcomeHandler::FindCourse(const CallContext& ctx,
                                                                 absl::string_view course_id) {
  if (courses_ == nullptr) return courses::CourseAnswer();
  return courses_->FindCourse(ctx.clinic_id, course_id, {}, ctx.now, ctx.deadline);
}

absl::StatusOr<pb::Trajectory> OutcomeHandler::GetTrajectory(
    const CallContext& ctx, const pb::GetTrajectoryRequest& request) {
  const OutcomeQuery query{.course_id = rpc::IdsOf(request.course())[1],
                           .all_scales = request.all_scales()};
  std::vector<std::string> instrument_ids;
  for (const std::string& name : request.instruments()) {
    instrument_ids.push_back(rpc::IdsOf(name)[1]);
  }
  IPT_ASSIGN_OR_RETURN(const courses::CourseAnswer course, FindCourse(ctx, query.course_id));
  return rpc::ReadView<pb::Trajectory>(
      store_, ctx, request.min_revision(),
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::Trajectory> {
        IPT_ASSIGN_OR_RETURN(CourseOutcomes outcomes,
                             LoadOutcomes(reader, catalog_, ctx.clinic_id, query, course, ctx.now));
        IPT_RETURN_IF_ERROR(FindMissed(reader, catalog_, ctx.now, outcomes));
        pb::Trajectory response;
        WriteTrajectory(outcomes, instrument_ids, &response);
        return response;
      });
}

absl::StatusOr<pb::CourseResult> OutcomeHandler::GetCourseResult(
    const CallContext& ctx, const pb::GetCourseResultRequest& request) {
  const OutcomeQuery query{.course_id = rpc::IdsOf(request.course())[1]};
  IPT_ASSIGN_OR_RETURN(const courses::CourseAnswer course, FindCourse(ctx, query.course_id));
  return rpc::ReadView<pb::CourseResult>(
      store_, ctx, request.min_revision(),
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::CourseResult> {
        IPT_ASSIGN_OR_RETURN(const CourseOutcomes outcomes,
                             LoadOutcomes(reader, catalog_, ctx.clinic_id, query, course, ctx.now));
        pb::CourseResult response;
        WriteCourseResult(outcomes, &response);
        return response;
      });
}

}  // namespace ipt::outcomes
