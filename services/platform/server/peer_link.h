// The way from a service to another one, wherever that is.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "platform/peer/in_process.h"
#include "platform/peer/link.h"
#include "platform/server/server.h"

namespace ipt::server {

// By the network, or (`settings` unset) in this process as `caller`. `name` is the other service's,
// in metrics and log. `platform` outlives it.
absl::StatusOr<std::unique_ptr<peer::Link>> OpenPeerLink(
    const Platform& platform, const std::string& name,
    const std::optional<peer::Settings>& settings, peer::LocalCaller caller);

}  // namespace ipt::server
