// Measurements on the wire.
#pragma once

#include "ipt/outcomes/v1/measurement.pb.h"
#include "ipt/outcomes/v1/measurement_service.pb.h"
#include "outcomes/domain/measurements.h"
#include "outcomes/domain/store.h"
#include "outcomes/domain/types.h"
#include "platform/errors/field_violations.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

void WriteScore(const HeldScore& score, pb::Score* out);
void WriteMeasurement(const Measurement& measurement, pb::Measurement* out);

// What a caller states of one; names and output-only fields are passed over. `bad` is of the
// measurement. The session must be one of `course_id`.
MeasurementInput ReadMeasurement(const pb::Measurement& in, absl::string_view course_id,
                                 FieldViolations& bad);
// All but its course. `bad` is of the filter.
MeasurementFilter ReadMeasurementFilter(const pb::MeasurementFilter& in, FieldViolations& bad);

}  // namespace ipt::outcomes
