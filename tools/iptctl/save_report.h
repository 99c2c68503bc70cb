// `report --html`: a clinic's report into a file.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// `response` is a ClinicReport.
int SaveReport(const Message& response, Session& session);

}  // namespace ipt::ctl
