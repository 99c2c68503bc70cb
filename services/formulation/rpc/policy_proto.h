// A clinic's policy of formulation on the wire.
#pragma once

#include "formulation/domain/types.h"
#include "ipt/formulation/v1/policy.pb.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

void WritePolicy(const FormulationPolicy& policy, pb::FormulationPolicy* out);
// Without clinic, version and stamp. What may stand in it is CheckPolicy's to say.
FormulationPolicy ReadPolicy(const pb::FormulationPolicy& in);

}  // namespace ipt::formulation
