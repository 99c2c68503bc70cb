// A formulation as a page that is whole by itself: what the sheet says, with the closeness circles,
// the timeline, and a line a goal.
//
// A pure function. All texts are escaped.
#pragma once

#include <string>

#include "iptctl/formulation_sheet.h"

namespace ipt::ctl {

std::string FormulationPage(const FormulationSheet& sheet);

}  // namespace ipt::ctl
