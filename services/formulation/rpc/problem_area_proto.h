// Problem areas on the wire.
#pragma once

#include "absl/strings/string_view.h"
#include "formulation/domain/formulations.h"
#include "formulation/domain/types.h"
#include "ipt/formulation/v1/problem_area.pb.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// What was recorded of it.
void WriteProblemArea(const ProblemArea& area, pb::ProblemArea* out);
// What else is said of it: what follows from the course's other records. `area` is one of the
// ground's.
void WriteStanding(const ProblemArea& area, const CourseFormulation& formulation,
                   const FormulationGround& ground, pb::ProblemArea* out);

// What a caller states of one; names and output-only fields are passed over.
ProblemArea ReadProblemArea(const pb::ProblemArea& in, absl::string_view course_id);

}  // namespace ipt::formulation
