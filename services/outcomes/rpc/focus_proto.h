// What is known of formulation on the wire.
#pragma once

#include "ipt/outcomes/v1/focus.pb.h"
#include "outcomes/domain/course_focus.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

void WriteFocus(const CourseFocus& focus, pb::CourseFocus* out);
void WriteFormulation(const FormulationAge& age, pb::FormulationView* out);

}  // namespace ipt::outcomes
