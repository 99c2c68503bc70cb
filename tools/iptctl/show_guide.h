// `guide show`: finds a course's session, reads what the protocol offers for it, and shows it.
#pragma once

#include <string>
#include <vector>

#include "iptctl/app.h"

namespace ipt::ctl {

// `words`: the course, and the session or nothing.
int ShowGuide(const std::vector<std::string>& words, Session& session);

}  // namespace ipt::ctl
