// How a command-line tool reaches a server, and where a token may travel.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/peer/channel.h"

namespace ipt::client {

using peer::OpenChannel;
using peer::PatientArguments;
using peer::ReadFile;
using peer::RetryDelay;
using peer::Target;
using peer::TlsFileTexts;
using peer::UsesTls;

// INVALID_ARGUMENT where a certificate comes without its key.
absl::Status CheckTarget(const Target& target);

// INVALID_ARGUMENT where a token would cross the network in the clear. `consent` is the flag that
// allows it, e.g. "--allow-insecure".
absl::Status CheckTokenIsSafe(const Target& target, absl::string_view consent);

}  // namespace ipt::client
