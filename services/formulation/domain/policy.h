// Which tradition a clinic follows, and what its courses are looked at for.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "formulation/domain/protocol.h"
#include "formulation/domain/store.h"
#include "formulation/domain/types.h"
#include "platform/errors/field_violations.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {

// Adds what cannot be, by field, as the contract names them.
void CheckPolicy(const FormulationPolicy& policy, const ProtocolCatalog& catalog,
                 FieldViolations bad);

// With how many agreed sessions still to come the ending is to be raised: as the policy says, else
// as the protocol does of TERMINATION_RAISED, else 2.
int TerminationSessionsBeforeEnd(const FormulationPolicy& policy, const Protocol& protocol);

bool IsOn(const FormulationPolicy& policy, FindingRule rule);

// Writes `after`, all of it, in the place of `before`, as its next version. The clinic's scope is
// locked since `before` was read. INVALID_FIELDS, ETAG_MISMATCH.
absl::StatusOr<FormulationPolicy> UpdatePolicy(FormulationTx& tx, const CallContext& ctx,
                                               const ProtocolCatalog& catalog,
                                               const FormulationPolicy& before,
                                               FormulationPolicy after, int64_t if_revision);

}  // namespace ipt::formulation
