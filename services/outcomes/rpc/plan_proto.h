// Measurement plans, and what is due by them, on the wire.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "ipt/outcomes/v1/measurement_plan.pb.h"
#include "outcomes/domain/due_list.h"
#include "outcomes/domain/plan_types.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

void WritePlan(const MeasurementPlan& plan, pb::MeasurementPlan* out);
// Without `scheduling`, which is of who asks.
void WriteCoursePlan(const CoursePlan& plan, pb::CourseMeasurementPlan* out);
void WriteDue(absl::string_view clinic_id, const DueLine& line, pb::DueMeasurement* out);

// What a caller states; names and output-only fields are passed over.
MeasurementPlan ReadPlan(const pb::MeasurementPlan& in);
std::vector<MeasurementRule> ReadRules(const pb::CourseMeasurementPlan& in);

}  // namespace ipt::outcomes
