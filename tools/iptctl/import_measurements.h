// `measurement import`: brings in a CSV file, over restarts of the server and of iptctl itself.
// What fails is written to a file beside it.
#pragma once

#include <string>

#include "iptctl/app.h"

namespace ipt::ctl {

// `request` is bound: its `open`. `path`: the file.
int ImportMeasurements(const MethodDescriptor& method, const Message& request,
                       const std::string& path, Session& session);

}  // namespace ipt::ctl
