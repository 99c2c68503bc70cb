// `course book-plan --from-plan`: plans a course, shows the plan, and books it all or nothing.
#pragma once

#include <string>
#include <vector>

#include "iptctl/app.h"

namespace ipt::ctl {

// Asks before it books; where nobody can answer, --yes must have been said.
int BookFromPlan(const std::vector<std::string>& words, const std::vector<FlagText>& flags,
                 Session& session);

}  // namespace ipt::ctl
