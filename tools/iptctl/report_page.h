// A clinic's report as a page: what to mind first, then whether there are data in pairs, then the
// numbers with their intervals by group, published results beside their own kind, and what the
// words mean. A pure function. What the report leaves out is said to be left out, with why.
#pragma once

#include <string>

#include "ipt/outcomes/v1/report.pb.h"

namespace ipt::ctl {

std::string ReportPage(const outcomes::v1::ClinicReport& report);

}  // namespace ipt::ctl
