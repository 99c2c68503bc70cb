// `report csv`: a clinic's report as the server writes it, whole or not at all.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

int StreamReport(const MethodDescriptor& method, const Message& request, Session& session);

}  // namespace ipt::ctl
