// A formulation as text for a terminal: at most 100 columns wide, plain ASCII but for what was
// entered.
//
// A pure function.
#pragma once

#include <string>

#include "iptctl/formulation_sheet.h"
#include "iptctl/text.h"

namespace ipt::ctl {

std::string FormulationText(const FormulationSheet& sheet, const Paint& paint);

}  // namespace ipt::ctl
