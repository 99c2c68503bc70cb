// ipt.formulation.v1.InventoryService.
#pragma once

#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/store.h"
#include "ipt/formulation/v1/inventory_service.pb.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// Thread-safe. What it is given must outlive it.
class InventoryHandler {
 public:
  InventoryHandler(FormulationStore& store, IdSource& ids, courses::CourseDirectory& courses)
      : store_(store), ids_(ids), courses_(courses) {}

  absl::StatusOr<pb::InterpersonalInventory> GetInterpersonalInventory(
      const CallContext& ctx, const pb::GetInterpersonalInventoryRequest& request);
  absl::StatusOr<pb::Relationship> CreateRelationship(const CallContext& ctx,
                                                      const pb::CreateRelationshipRequest& request);
  absl::StatusOr<pb::Relationship> GetRelationship(const CallContext& ctx,
                                                   const pb::GetRelationshipRequest& request);
  absl::StatusOr<pb::ListRelationshipsResponse> ListRelationships(
      const CallContext& ctx, const pb::ListRelationshipsRequest& request);
  absl::StatusOr<pb::Relationship> UpdateRelationship(const CallContext& ctx,
                                                      const pb::UpdateRelationshipRequest& request);
  absl::StatusOr<pb::DeleteRelationshipResponse> DeleteRelationship(
      const CallContext& ctx, const pb::DeleteRelationshipRequest& request);
  absl::StatusOr<pb::LifeEvent> CreateLifeEvent(const CallContext& ctx,
                                                const pb::CreateLifeEventRequest& request);
  absl::StatusOr<pb::LifeEvent> GetLifeEvent(const CallContext& ctx,
                                             const pb::GetLifeEventRequest& request);
  absl::StatusOr<pb::ListLifeEventsResponse> ListLifeEvents(
      const CallContext& ctx, const pb::ListLifeEventsRequest& request);
  absl::StatusOr<pb::LifeEvent> UpdateLifeEvent(const CallContext& ctx,
                                                const pb::UpdateLifeEventRequest& request);
  absl::StatusOr<pb::DeleteLifeEventResponse> DeleteLifeEvent(
      const CallContext& ctx, const pb::DeleteLifeEventRequest& request);

 private:
  FormulationStore& store_;
  IdSource& ids_;
  courses::CourseDirectory& courses_;
};

}  // namespace ipt::formulation
