// A clinic's policy of outcomes on the wire.
#pragma once

#include "ipt/outcomes/v1/policy.pb.h"
#include "outcomes/domain/types.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

void WritePolicy(const OutcomePolicy& policy, pb::OutcomePolicy* out);
// Without clinic, version and stamp. What may stand in it is CheckPolicy's to say.
OutcomePolicy ReadPolicy(const pb::OutcomePolicy& in);

}  // namespace ipt::outcomes
