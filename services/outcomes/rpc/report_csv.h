// A clinic's report as CSV (RFC 4180, UTF-8): a heading, then a line a group and figure.
#pragma once

#include <string>
#include <vector>

#include "ipt/outcomes/v1/report.pb.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Whole lines, the heading first; each with its CRLF.
std::vector<std::string> ReportLines(const pb::ClinicReport& report);

}  // namespace ipt::outcomes
