// Goals and their ratings, on the wire.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "formulation/domain/types.h"
#include "ipt/formulation/v1/goal.pb.h"
#include "platform/errors/field_violations.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// `in_current_formulation`: the current formulation names it.
void WriteGoal(const Goal& goal, bool in_current_formulation, pb::Goal* out);
void WriteRating(const GoalRating& rating, pb::GoalRating* out);

// What a caller states of a course's goal; names and output-only fields are passed over.
Goal ReadGoal(const pb::Goal& in, absl::string_view course_id, FieldViolations bad);
GoalRating ReadRating(const pb::GoalRating& in, absl::string_view course_id, FieldViolations bad);

}  // namespace ipt::formulation
