#include "platform/server/peer_link.h"

#include <utility>

#include "platform/server/reload_report.h"

namespace ipt::server {

absl::StatusOr<std::unique_ptr<peer::Link>> OpenPeerLink(
    const Platform& platform, const std::string& name,
    const std::optional<peer::Settings>& settings, peer::LocalCaller caller) {
  if (!settings.has_value()) {
    return peer::MakeInProcessLink(platform.in_process, std::move(caller));
  }
  return peer::OpenNetworkLink(*settings, platform.clock, ReportReloads(name, platform.metrics),
                               peer::ReportExpiry(name, platform.metrics));
}

}  // namespace ipt::server
