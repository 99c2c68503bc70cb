// `outcomes chart`: reads a course's trajectory, and of scheduling what it lacks, and draws it.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// `request` is a GetTrajectoryRequest. On the terminal, or into the files of --svg and --html.
int ShowChart(const Message& request, Session& session);

}  // namespace ipt::ctl
