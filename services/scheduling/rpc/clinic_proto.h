// Clinics and holidays on the wire <-> in the domain.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "ipt/scheduling/v1/clinic.pb.h"
#include "platform/errors/field_violations.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Replace what `out` holds.
void WriteClinic(const Clinic& clinic, pb::Clinic* out);
void WriteHoliday(const Holiday& holiday, pb::Holiday* out);

// What a caller may state of a clinic, checked by the domain's rules; each bad field is added to
// `bad`. Id and stamp are left empty.
Clinic ReadClinic(const pb::Clinic& clinic, FieldViolations& bad);

// The days, each once, with their paths below `field`.
std::vector<Holiday> ReadHolidays(const google::protobuf::RepeatedPtrField<pb::Holiday>& holidays,
                                  absl::string_view clinic_id, FieldViolations& bad,
                                  absl::string_view field);

}  // namespace ipt::scheduling
