#include "formulation/asked_outcomes.h"

#include <algorithm>
#include <utility>

#include "platform/server/reload_report.h"

namespace ipt::formulation {
namespace {

// As many calls go out at once, and as many more wait. In one process outcomes answers on the
// threads that guides wait on, so they are never all taken by guides.
int CallsAtOnce(const server::Platform& platform) {
  return std::clamp(platform.settings.executor_threads / 4, 1, 8);
}

}  // namespace

absl::StatusOr<std::unique_ptr<peer::Link>> OpenOutcomesLink(
    const server::Platform& platform, const std::optional<peer::Settings>& outcomes) {
  if (!outcomes.has_value()) {
    return peer::MakeInProcessLink(platform.in_process, CallerOfOutcomes());
  }
  return peer::OpenNetworkLink(*outcomes, platform.clock,
                               server::ReportReloads(kOutcomes, platform.metrics));
}

AskedOutcomes::AskedOutcomes(const server::Platform& platform, std::unique_ptr<peer::Link> outcomes)
    : outcomes_(PeerOfOutcomes(), std::move(outcomes), platform.clock, platform.metrics),
      measures_(
          outcomes_, [this](std::function<void()> ask) { return threads_.TryPost(std::move(ask)); },
          platform.clock),
      threads_(CallsAtOnce(platform), CallsAtOnce(platform)) {}

}  // namespace ipt::formulation
