// ipt.formulation.v1.ProtocolService.
#pragma once

#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/due_measures.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/store.h"
#include "ipt/formulation/v1/protocol_service.pb.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// Thread-safe. What it is given must outlive it.
class ProtocolHandler {
 public:
  // `due`: nullptr where no outcomes is configured.
  ProtocolHandler(FormulationStore& store, const ProtocolSet& protocols,
                  courses::CourseDirectory& courses, courses::CourseLister& lister,
                  DueMeasureSource* due = nullptr)
      : store_(store), protocols_(protocols), courses_(courses), lister_(lister), due_(due) {}

  absl::StatusOr<pb::ListProtocolsResponse> ListProtocols(const CallContext& ctx,
                                                          const pb::ListProtocolsRequest& request);
  absl::StatusOr<pb::Protocol> GetProtocol(const CallContext& ctx,
                                           const pb::GetProtocolRequest& request);
  absl::StatusOr<pb::SessionGuide> GetSessionGuide(const CallContext& ctx,
                                                   const pb::GetSessionGuideRequest& request);
  absl::StatusOr<pb::SessionWork> RecordSessionWork(const CallContext& ctx,
                                                    const pb::RecordSessionWorkRequest& request);
  absl::StatusOr<pb::SessionWork> GetSessionWork(const CallContext& ctx,
                                                 const pb::GetSessionWorkRequest& request);
  absl::StatusOr<pb::ListSessionWorkResponse> ListSessionWork(
      const CallContext& ctx, const pb::ListSessionWorkRequest& request);
  absl::StatusOr<pb::Termination> GetTermination(const CallContext& ctx,
                                                 const pb::GetTerminationRequest& request);
  absl::StatusOr<pb::Termination> UpdateTermination(const CallContext& ctx,
                                                    const pb::UpdateTerminationRequest& request);
  absl::StatusOr<pb::ProtocolAdherence> GetProtocolAdherence(
      const CallContext& ctx, const pb::GetProtocolAdherenceRequest& request);
  absl::StatusOr<pb::ListFindingsResponse> ListFindings(const CallContext& ctx,
                                                        const pb::ListFindingsRequest& request);

 private:
  // All of a guide but what outcomes says.
  absl::StatusOr<pb::SessionGuide> GuideInStore(const CallContext& ctx,
                                                const pb::GetSessionGuideRequest& request,
                                                const courses::CourseAnswer& course,
                                                const courses::CopiedSession& session);
  // The course of the request, or the clinic's open ones: what is known of them, before the
  // store is read, since asking may wait for scheduling.
  absl::StatusOr<courses::ListedCourses> CoursesOf(const CallContext& ctx,
                                                   const pb::ListFindingsRequest& request,
                                                   const std::string& from_course_id,
                                                   int page_size);

  FormulationStore& store_;
  const ProtocolSet& protocols_;
  courses::CourseDirectory& courses_;
  courses::CourseLister& lister_;
  DueMeasureSource* const due_;
};

}  // namespace ipt::formulation
