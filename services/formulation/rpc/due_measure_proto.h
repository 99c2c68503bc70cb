// Which measures are due for a session, on the wire.
#pragma once

#include "absl/strings/string_view.h"
#include "formulation/domain/due_measures.h"
#include "ipt/formulation/v1/due_measure.pb.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

void WriteDueMeasures(absl::string_view clinic_id, absl::string_view course_id,
                      const DueMeasures& due, pb::DueMeasures* out);

}  // namespace ipt::formulation
