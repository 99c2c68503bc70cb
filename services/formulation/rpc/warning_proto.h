// What a clinician should look at once more, on the wire.
#pragma once

#include "formulation/domain/warnings.h"
#include "ipt/formulation/v1/warning.pb.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

inline void WriteWarning(const Warning& warning, pb::Warning* out) {
  out->set_code(static_cast<pb::WarningCode>(warning.code));
  out->set_field(warning.field);
  out->set_subject(warning.subject);
  out->set_message(warning.message);
}

}  // namespace ipt::formulation
