// The policy of ipt.outcomes.v1.OutcomePolicyService.
#pragma once

#include "absl/status/statusor.h"
#include "ipt/outcomes/v1/outcome_policy_service.pb.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Thread-safe. Store and catalog must outlive it.
class OutcomePolicyHandler {
 public:
  OutcomePolicyHandler(OutcomesStore& store, const Catalog& catalog)
      : store_(store), catalog_(catalog) {}

  absl::StatusOr<pb::OutcomePolicy> GetOutcomePolicy(const CallContext& ctx,
                                                     const pb::GetOutcomePolicyRequest& request);
  absl::StatusOr<pb::OutcomePolicy> UpdateOutcomePolicy(
      const CallContext& ctx, const pb::UpdateOutcomePolicyRequest& request);

 private:
  OutcomesStore& store_;
  const Catalog& catalog_;
};

}  // namespace ipt::outcomes
