// ipt.formulation.v1.ProblemAreaService.
#pragma once

#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/store.h"
#include "ipt/formulation/v1/problem_area_service.pb.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// Thread-safe. What it is given must outlive it.
class ProblemAreaHandler {
 public:
  ProblemAreaHandler(FormulationStore& store, const ProtocolSet& protocols, IdSource& ids,
                     courses::CourseDirectory& courses)
      : store_(store), protocols_(protocols), ids_(ids), courses_(courses) {}

  absl::StatusOr<pb::ProblemArea> CreateProblemArea(const CallContext& ctx,
                                                    const pb::CreateProblemAreaRequest& request);
  absl::StatusOr<pb::ProblemArea> GetProblemArea(const CallContext& ctx,
                                                 const pb::GetProblemAreaRequest& request);
  absl::StatusOr<pb::ListProblemAreasResponse> ListProblemAreas(
      const CallContext& ctx, const pb::ListProblemAreasRequest& request);
  absl::StatusOr<pb::ProblemArea> UpdateProblemArea(const CallContext& ctx,
                                                    const pb::UpdateProblemAreaRequest& request);
  absl::StatusOr<pb::DeleteProblemAreaResponse> DeleteProblemArea(
      const CallContext& ctx, const pb::DeleteProblemAreaRequest& request);

 private:
  FormulationStore& store_;
  const ProtocolSet& protocols_;
  IdSource& ids_;
  courses::CourseDirectory& courses_;
};

}  // namespace ipt::formulation
