// Plans, slots and variants on the wire.
#pragma once

#include "ipt/scheduling/v1/plan.pb.h"
#include "ipt/scheduling/v1/variant.pb.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Replace what `out` holds. Days and wall-clock times are those of the course's zone.
void WritePlan(const Course& course, const CoursePlan& plan, pb::CoursePlan* out);
void WriteSlot(const std::string& clinic_id, const Slot& slot, pb::Slot* out);
void WriteVariant(const Variant& variant, pb::Variant* out);

}  // namespace ipt::scheduling
