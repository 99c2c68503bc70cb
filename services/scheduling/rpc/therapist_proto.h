// Therapists, their time off and extra hours on the wire <-> in the domain.
#pragma once

#include "ipt/scheduling/v1/therapist.pb.h"
#include "platform/errors/field_violations.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Replace what `out` holds.
void WriteTherapist(const Therapist& therapist, pb::Therapist* out);
void WriteTimeOff(const TimeOff& time_off, pb::TimeOff* out);
void WriteExtraHours(const ExtraHours& extra_hours, pb::ExtraHours* out);
void WriteInterval(const Interval& interval, pb::TimeRange* out);

// Read what a caller may state, checked by the domain's rules; each bad field is added to `bad`.
// Ids and stamps are left empty, and so is the interval of time off that is given in days.
Therapist ReadTherapist(const pb::Therapist& therapist, FieldViolations& bad);
TimeOff ReadTimeOff(const pb::TimeOff& time_off, FieldViolations& bad);
ExtraHours ReadExtraHours(const pb::ExtraHours& extra_hours, FieldViolations& bad);

}  // namespace ipt::scheduling
