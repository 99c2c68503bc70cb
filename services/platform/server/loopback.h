// Whether only this machine reaches an address to listen on.
#pragma once

#include "absl/strings/string_view.h"

namespace ipt::server {

// `address` as gRPC takes it: "127.0.0.1:50051" (all of 127.0.0.0/8), "[::1]:50051", "::1",
// "localhost:50051", "unix:...". Anything else is taken for reachable, a name that merely begins
// like these among it.
bool IsLoopback(absl::string_view address);

}  // namespace ipt::server
