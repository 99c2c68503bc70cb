// `measurement import`: brings in a CSV file, over restarts of the server and of iptctl itself.
// What fails is written to a file beside it.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// `request` is bound: its `open`, with the file's path as display_name.
int ImportMeasurements(const MethodDescriptor& method, const Message& request, Session& session);

}  // namespace ipt::ctl
