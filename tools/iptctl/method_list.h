// `iptctl methods`: every method of a server, by reflection, and the command that calls it.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// With --offline the methods that iptctl knows. Exit code 7 when a method of the suite has no
// command.
int ListMethodsAndCommands(Session& session);

}  // namespace ipt::ctl
