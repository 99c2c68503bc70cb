// A goal's ratings as a small line: 0 (as far away as can be) to 10 (reached), over time.
//
// A pure function. All texts are escaped.
#pragma once

#include <string>
#include <vector>

#include "iptctl/formulation_sheet.h"

namespace ipt::ctl {

// Empty where there are no ratings. The patient's are a solid line with dots, the therapist's a
// dashed one with squares.
std::string RatingSvg(const std::vector<SheetRating>& ratings, const std::string& id);

}  // namespace ipt::ctl
