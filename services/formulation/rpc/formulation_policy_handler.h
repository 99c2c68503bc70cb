// The policy of ipt.formulation.v1.FormulationPolicyService.
#pragma once

#include "absl/status/statusor.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/store.h"
#include "ipt/formulation/v1/formulation_policy_service.pb.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// Thread-safe. What it is given must outlive it.
class FormulationPolicyHandler {
 public:
  FormulationPolicyHandler(FormulationStore& store, const ProtocolSet& protocols)
      : store_(store), protocols_(protocols) {}

  absl::StatusOr<pb::FormulationPolicy> GetFormulationPolicy(
      const CallContext& ctx, const pb::GetFormulationPolicyRequest& request);
  absl::StatusOr<pb::FormulationPolicy> UpdateFormulationPolicy(
      const CallContext& ctx, const pb::UpdateFormulationPolicyRequest& request);

 private:
  FormulationStore& store_;
  const ProtocolSet& protocols_;
};

}  // namespace ipt::formulation
