// `events watch`, `outcomes watch` and `formulation watch`: follow a clinic's events until they are
// stopped, a line an event, over restarts of the server; with --cursor-file also over their own.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// Whether WatchEvents follows this method.
bool IsEventStream(const MethodDescriptor& method);

// `request` is bound. Ends with an error that a new stream would not heal, or after --count events.
int WatchEvents(const MethodDescriptor& method, const Message& request, Session& session);

}  // namespace ipt::ctl
