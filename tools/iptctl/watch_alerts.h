// `alert watch`: listens for a clinic's alerts until it is stopped, a line a change, over restarts
// of the server. While it runs, its recipients are heard (unless --observer).
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// `request` is bound. Ends with an error that a new stream would not heal, or after --count lines.
int WatchAlerts(const MethodDescriptor& method, const Message& request, Session& session);

}  // namespace ipt::ctl
