// What of the protocol was done in a course, and what stands out in it, on the wire.
#pragma once

#include "absl/strings/string_view.h"
#include "formulation/domain/adherence.h"
#include "formulation/domain/findings.h"
#include "formulation/domain/protocol.h"
#include "formulation/domain/types.h"
#include "ipt/formulation/v1/adherence.pb.h"
#include "ipt/formulation/v1/finding.pb.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// Both without what is known of scheduling, and the profile without the revision.
void WriteFinding(absl::string_view clinic_id, const Finding& finding, pb::Finding* out);
void WriteAdherence(absl::string_view clinic_id, absl::string_view course_id,
                    const Protocol& protocol, const FormulationPolicy& policy,
                    const ProtocolAdherence& adherence, pb::ProtocolAdherence* out);

}  // namespace ipt::formulation
