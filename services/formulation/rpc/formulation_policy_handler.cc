#include "formulation/rpc/formulation_policy_handler.h"

#include "formulation/domain/policy.h"
#include "formulation/rpc/policy_proto.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/write_once.h"

namespace ipt::formulation {

absl::StatusOr<pb::FormulationPolicy> FormulationPolicyHandler::GetFormulationPolicy(
    const CallContext& ctx, const pb::GetFormulationPolicyRequest& request) {
  return rpc::ReadView<pb::FormulationPolicy>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::FormulationPolicy> {
        IPT_ASSIGN_OR_RETURN(const FormulationPolicy policy, reader.GetPolicy(ctx.clinic_id));
        pb::FormulationPolicy response;
        WritePolicy(policy, &response);
        return response;
      });
}

absl::StatusOr<pb::FormulationPolicy> FormulationPolicyHandler::UpdateFormulationPolicy(
    const CallContext& ctx, const pb::UpdateFormulationPolicyRequest& request) {
  return rpc::WriteOnce<pb::FormulationPolicy>(
      store_, ctx, [&](FormulationTx& tx) -> absl::StatusOr<pb::FormulationPolicy> {
        IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, ""));
        IPT_ASSIGN_OR_RETURN(const FormulationPolicy before, tx.GetPolicy(ctx.clinic_id));
        pb::FormulationPolicy merged;
        WritePolicy(before, &merged);
        IPT_RETURN_IF_ERROR(
            rpc::MergeByMask(request.update_mask(), request.policy(), merged, "policy"));
        IPT_ASSIGN_OR_RETURN(FormulationPolicy after,
                             UpdatePolicy(tx, ctx, protocols_.catalog(), before, ReadPolicy(merged),
                                          rpc::RevisionOfEtag(request.policy().etag())));
        if (ctx.validate_only) after.stamp.revision = 0;
        pb::FormulationPolicy response;
        WritePolicy(after, &response);
        return response;
      });
}

}  // namespace ipt::formulation
