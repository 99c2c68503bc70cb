// `course show`: reads a course and its sessions, and draws them.
#pragma once

#include <string>
#include <vector>

#include "iptctl/app.h"

namespace ipt::ctl {

int ShowCourse(const std::vector<std::string>& words, Session& session);

}  // namespace ipt::ctl
