// ipt.scheduling.v1.CourseService. The adapter has checked the caller, the names and the shape of
// each request; here is what a request means.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/course_snapshots.h"
#include "scheduling/domain/store.h"
#include "scheduling/rpc/course_cache.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Thread-safe. `store` and `ids` must outlive it.
class CourseHandler {
 public:
  // `cache` is null where others write the store, too; `snapshots` where they share no copies.
  CourseHandler(SchedulingStore& store, IdSource& ids, CourseCache* cache = nullptr,
                CourseSnapshots* snapshots = nullptr)
      : store_(store), ids_(ids), cache_(cache), snapshots_(snapshots) {}

  absl::StatusOr<pb::Course> CreateCourse(const CallContext& ctx,
                                          const pb::CreateCourseRequest& request);
  absl::StatusOr<pb::Course> ImportCourse(const CallContext& ctx,
                                          const pb::ImportCourseRequest& request);
  absl::StatusOr<pb::Course> GetCourse(const CallContext& ctx, const pb::GetCourseRequest& request);
  // The serialized answer of GetCourse, nullptr when the store has to be asked.
  std::shared_ptr<const std::string> GetCourseFromMemory(const CallContext& ctx,
                                                         const pb::GetCourseRequest& request);
  // Looks for it among the shared copies, without waiting: `found` gets the serialized answer, or
  // nullptr when the store has to be asked.
  void GetCourseFromSnapshot(const CallContext& ctx, const pb::GetCourseRequest& request,
                             CourseSnapshots::Found found);
  absl::StatusOr<pb::ListDeadlinesResponse> ListDeadlines(const CallContext& ctx,
                                                          const pb::ListDeadlinesRequest& request);
  // As GetCourseFromSnapshot.
  void ListDeadlinesFromSnapshot(const CallContext& ctx, const pb::ListDeadlinesRequest& request,
                                 CourseSnapshots::Found found);
  absl::StatusOr<pb::BatchGetCoursesResponse> BatchGetCourses(
      const CallContext& ctx, const pb::BatchGetCoursesRequest& request);
  absl::StatusOr<pb::ListCoursesResponse> ListCourses(const CallContext& ctx,
                                                      const pb::ListCoursesRequest& request);
  absl::StatusOr<pb::Course> UpdateCourse(const CallContext& ctx,
                                          const pb::UpdateCourseRequest& request);
  absl::StatusOr<pb::Forecast> GetCourseForecast(const CallContext& ctx,
                                                 const pb::GetCourseForecastRequest& request);
  absl::StatusOr<pb::CoursePlan> PlanCourse(const CallContext& ctx,
                                            const pb::PlanCourseRequest& request);
  absl::StatusOr<pb::BookPlanResponse> BookPlan(const CallContext& ctx,
                                                const pb::BookPlanRequest& request);
  absl::StatusOr<pb::PauseCourseResponse> PauseCourse(const CallContext& ctx,
                                                      const pb::PauseCourseRequest& request);
  absl::StatusOr<pb::Course> ResumeCourse(const CallContext& ctx,
                                          const pb::ResumeCourseRequest& request);
  absl::StatusOr<pb::Course> ExtendCourse(const CallContext& ctx,
                                          const pb::ExtendCourseRequest& request);
  absl::StatusOr<pb::ShortenCourseResponse> ShortenCourse(const CallContext& ctx,
                                                          const pb::ShortenCourseRequest& request);
  absl::StatusOr<pb::TransferCourseResponse> TransferCourse(
      const CallContext& ctx, const pb::TransferCourseRequest& request);
  absl::StatusOr<pb::TransferCoursesResponse> TransferCourses(
      const CallContext& ctx, const pb::TransferCoursesRequest& request);
  absl::StatusOr<pb::Course> CompleteCourse(const CallContext& ctx,
                                            const pb::CompleteCourseRequest& request);
  absl::StatusOr<pb::Course> DiscontinueCourse(const CallContext& ctx,
                                               const pb::DiscontinueCourseRequest& request);
  absl::StatusOr<pb::Course> ReopenCourse(const CallContext& ctx,
                                          const pb::ReopenCourseRequest& request);
  absl::StatusOr<pb::ChangePatientIdentifierResponse> ChangePatientIdentifier(
      const CallContext& ctx, const pb::ChangePatientIdentifierRequest& request);
  absl::StatusOr<pb::MergePatientsResponse> MergePatients(const CallContext& ctx,
                                                          const pb::MergePatientsRequest& request);
  absl::StatusOr<pb::ListVariantsResponse> ListVariants(const CallContext& ctx,
                                                        const pb::ListVariantsRequest& request);

 private:
  // Runs a write whose answer is the course itself; `change(SchedulingTx&)` gives it.
  template <typename Change>
  absl::StatusOr<pb::Course> WriteCourseOnce(const CallContext& ctx, Change&& change);

  SchedulingStore& store_;
  IdSource& ids_;
  CourseCache* const cache_;
  CourseSnapshots* const snapshots_;
};

}  // namespace ipt::scheduling
