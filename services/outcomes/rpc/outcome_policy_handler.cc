#include "outcomes/rpc/outcome_policy_handler.h"

#include <utility>

#include "outcomes/domain/names.h"
#include "outcomes/domain/policy.h"
#include "outcomes/rpc/policy_proto.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/write_once.h"

namespace ipt::outcomes {

absl::StatusOr<pb::OutcomePolicy> OutcomePolicyHandler::GetOutcomePolicy(
    const CallContext& ctx, const pb::GetOutcomePolicyRequest& request) {
  return rpc::ReadView<pb::OutcomePolicy>(
      store_, ctx, request.min_revision(),
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::OutcomePolicy> {
        IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, reader.GetPolicy(ctx.clinic_id));
        pb::OutcomePolicy response;
        WritePolicy(policy, &response);
        return response;
      });
}

absl::StatusOr<pb::OutcomePolicy> OutcomePolicyHandler::UpdateOutcomePolicy(
    const CallContext& ctx, const pb::UpdateOutcomePolicyRequest& request) {
  return rpc::WriteOnce<pb::OutcomePolicy>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::OutcomePolicy> {
        IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, ""));
        IPT_ASSIGN_OR_RETURN(const OutcomePolicy before, tx.GetPolicy(ctx.clinic_id));
        IPT_RETURN_IF_ERROR(rpc::CheckEtag(request.policy().etag(), before.stamp.revision,
                                           kOutcomePolicyType, OutcomePolicyName(ctx.clinic_id)));
        pb::OutcomePolicy merged;
        WritePolicy(before, &merged);
        IPT_RETURN_IF_ERROR(
            rpc::MergeByMask(request.update_mask(), request.policy(), merged, "policy"));
        OutcomePolicy after = ReadPolicy(merged);
        after.clinic_id = ctx.clinic_id;
        FieldViolations bad;
        IPT_RETURN_IF_ERROR(CheckPolicy(tx, catalog_, after, bad.In("policy")));
        IPT_RETURN_IF_ERROR(bad.ToStatus());
        IPT_ASSIGN_OR_RETURN(after, UpdatePolicy(tx, ctx, before, std::move(after)));
        if (ctx.validate_only) after.stamp.revision = 0;
        pb::OutcomePolicy response;
        WritePolicy(after, &response);
        return response;
      });
}

}  // namespace ipt::outcomes
