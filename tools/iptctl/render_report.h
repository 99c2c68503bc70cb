// A clinic's report as text: what is to be minded first, then a row a group with the key figures,
// then each measure's, then what was published beside it. The report as JSON and CSV has the rest.
//
// A pure function: the same arguments give the same text.
#pragma once

#include <string>

#include "ipt/outcomes/v1/report.pb.h"
#include "iptctl/text.h"

namespace ipt::ctl {

std::string RenderReport(const outcomes::v1::ClinicReport& report, const Paint& paint);

}  // namespace ipt::ctl
