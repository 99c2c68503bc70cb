// Weekly windows on the wire <-> in the domain; working hours and patients' preferred windows.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "ipt/scheduling/v1/therapist.pb.h"
#include "platform/errors/field_violations.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Adds a violation for each window that is incomplete, ends before it starts, or overlaps one
// before it, with its path below `field` ("working_hours[2].end"); returns the others, in the order
// given.
std::vector<WeeklyWindow> ReadWindows(
    const google::protobuf::RepeatedPtrField<pb::WeeklyWindow>& windows, FieldViolations& bad,
    absl::string_view field);

// Replaces what `out` holds.
void WriteWindows(const std::vector<WeeklyWindow>& windows,
                  google::protobuf::RepeatedPtrField<pb::WeeklyWindow>* out);

}  // namespace ipt::scheduling
