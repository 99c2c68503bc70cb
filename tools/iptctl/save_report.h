// `report get --html`: a clinic's report as a page, in a file.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// `method` returns a ClinicReport.
int SaveReport(const MethodDescriptor& method, const Message& request, Session& session);

}  // namespace ipt::ctl
