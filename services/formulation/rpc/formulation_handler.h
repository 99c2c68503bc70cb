// ipt.formulation.v1.FormulationService.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/store.h"
#include "ipt/formulation/v1/formulation_service.pb.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// Thread-safe. What it is given must outlive it.
class FormulationHandler {
 public:
  FormulationHandler(FormulationStore& store, const ProtocolSet& protocols, IdSource& ids,
                     courses::CourseDirectory& courses)
      : store_(store), protocols_(protocols), ids_(ids), courses_(courses) {}

  absl::StatusOr<pb::Formulation> GetFormulation(const CallContext& ctx,
                                                 const pb::GetFormulationRequest& request);
  absl::StatusOr<pb::SaveFormulationDraftResponse> SaveFormulationDraft(
      const CallContext& ctx, const pb::SaveFormulationDraftRequest& request);
  absl::StatusOr<pb::Formulation> ProposeFormulation(const CallContext& ctx,
                                                     const pb::ProposeFormulationRequest& request);
  absl::StatusOr<pb::Formulation> WithdrawProposal(const CallContext& ctx,
                                                   const pb::WithdrawProposalRequest& request);
  absl::StatusOr<pb::Formulation> AgreeFormulation(const CallContext& ctx,
                                                   const pb::AgreeFormulationRequest& request);
  absl::StatusOr<pb::Formulation> ReviseFormulation(const CallContext& ctx,
                                                    const pb::ReviseFormulationRequest& request);
  absl::StatusOr<pb::Formulation> DiscardFormulationDraft(
      const CallContext& ctx, const pb::DiscardFormulationDraftRequest& request);
  absl::StatusOr<pb::ListFormulationRevisionsResponse> ListFormulationRevisions(
      const CallContext& ctx, const pb::ListFormulationRevisionsRequest& request);
  absl::StatusOr<pb::FormulationRevision> GetFormulationRevision(
      const CallContext& ctx, const pb::GetFormulationRevisionRequest& request);
  absl::StatusOr<pb::DiffFormulationRevisionsResponse> DiffFormulationRevisions(
      const CallContext& ctx, const pb::DiffFormulationRevisionsRequest& request);
  absl::StatusOr<pb::PatientCopy> GetPatientCopy(const CallContext& ctx,
                                                 const pb::GetPatientCopyRequest& request);
  absl::StatusOr<pb::ListCourseFocusesResponse> ListCourseFocuses(
      const CallContext& ctx, const pb::ListCourseFocusesRequest& request);

 private:
  using Step = absl::FunctionRef<absl::StatusOr<CourseFormulation>(
      FormulationTx& tx, const courses::CopiedCourse& course, const CourseFormulation& before)>;

  // Takes a step of the formulation of the course that `course_name` names. `session_id` (empty:
  // none): a session that has to be known, too.
  absl::StatusOr<pb::Formulation> Take(const CallContext& ctx, const std::string& course_name,
                                       const std::string& session_id, Step step);
  FormulationStore& store_;
  const ProtocolSet& protocols_;
  IdSource& ids_;
  courses::CourseDirectory& courses_;
};

}  // namespace ipt::formulation
