// By itself, so that a test's binary can bring its own (tests/next_release).
#include "platform/server/server_flags.h"

namespace ipt::server {

std::string Version() { return IPT_VERSION; }

}  // namespace ipt::server
