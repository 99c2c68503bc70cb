#include "platform/server/server_flags.h"

namespace ipt::server {

std::string Version() { return IPT_VERSION "-next"; }

}  // namespace ipt::server
