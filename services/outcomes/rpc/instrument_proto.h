// Instruments on the wire.
#pragma once

#include "ipt/outcomes/v1/instrument.pb.h"
#include "outcomes/domain/types.h"
#include "platform/errors/field_violations.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

void WriteInstrument(const HeldInstrument& instrument, pb::Instrument* out);

// A definition to be registered: what scores it, and itself word for word. Adds everything in it
// that cannot be scored, under the contract's names; then the result is not to be used.
HeldInstrument ReadInstrument(const pb::Instrument& in, absl::string_view instrument_id,
                              FieldViolations& bad);

}  // namespace ipt::outcomes
