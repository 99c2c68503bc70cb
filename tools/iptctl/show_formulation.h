// `formulation show`: reads a course's formulation and what belongs to it, and shows it.
#pragma once

#include "iptctl/app.h"

namespace ipt::ctl {

// `request` is a GetFormulationRequest. On the terminal, or into the file of --html.
int ShowFormulation(const Message& request, Session& session);

}  // namespace ipt::ctl
