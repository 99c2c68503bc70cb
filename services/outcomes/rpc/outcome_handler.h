// ipt.outcomes.v1.OutcomeService.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "course_copies/domain/course_copies.h"
#include "ipt/outcomes/v1/outcome_service.pb.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Thread-safe. What it is given must outlive it.
class OutcomeHandler {
 public:
  // Without a directory (null) nothing is known of courses: scores go by their dates alone.
  OutcomeHandler(OutcomesStore& store, const Catalog& catalog,
                 courses::CourseDirectory* courses = nullptr)
      : store_(store), catalog_(catalog), courses_(courses) {}

  absl::StatusOr<pb::Trajectory> GetTrajectory(const CallContext& ctx,
                                               const pb::GetTrajectoryRequest& request);
  absl::StatusOr<pb::CourseResult> GetCourseResult(const CallContext& ctx,
                                                   const pb::GetCourseResultRequest& request);

 private:
  // Asked before the transaction: it may wait for scheduling.
  absl::StatusOr<courses::CourseAnswer> FindCourse(const CallContext& ctx,
                                                   absl::string_view course_id);

  OutcomesStore& store_;
  const Catalog& catalog_;
  courses::CourseDirectory* const courses_;
};

}  // namespace ipt::outcomes
