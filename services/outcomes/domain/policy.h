// How a clinic's measures are read: its policy, and what may stand in it.
#pragma once

#include "absl/status/statusor.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "outcomes/domain/types.h"
#include "platform/errors/field_violations.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {

// Adds what cannot be, by field, as the contract names them. Looks up instruments and rule sets.
absl::Status CheckPolicy(OutcomesReader& reader, const Catalog& catalog,
                         const OutcomePolicy& policy, FieldViolations bad);

// Writes `after` (checked) in the place of `before`, as its next version. The clinic's scope is
// locked since `before` was read.
absl::StatusOr<OutcomePolicy> UpdatePolicy(OutcomesTx& tx, const CallContext& ctx,
                                           const OutcomePolicy& before, OutcomePolicy after);

}  // namespace ipt::outcomes
