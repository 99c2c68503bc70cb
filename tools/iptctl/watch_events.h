// `events watch`: follows a clinic's events until it is stopped, a line an event, over restarts of
// the server; with --cursor-file also over its own.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// `request` is bound. Ends with an error that a new stream would not heal, or after --count events.
int WatchEvents(const MethodDescriptor& method, Message& request, Session& session);

}  // namespace ipt::ctl
