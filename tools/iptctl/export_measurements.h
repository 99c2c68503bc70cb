// `measurement export`: takes out a clinic's measurements, as CSV or a JSON object a line, over
// restarts of the server.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// `request` is bound.
int ExportMeasurements(const MethodDescriptor& method, const Message& request, Session& session);

}  // namespace ipt::ctl
