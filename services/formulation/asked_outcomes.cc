#include "formulation/asked_outcomes.h"

#include <algorithm>
#include <utility>

namespace ipt::formulation {
namespace {

// As many calls go out at once, and as many more wait.
int CallsAtOnce(const server::Platform& platform) {
  return std::clamp(platform.settings.executor_threads / 4, 1, 8);
}

// In one process outcomes answers on the threads that guides wait on, and may itself wait for
// scheduling there. So guides never take more than half of them, and of a single one none.
int MostWaiting(const server::Platform& platform, bool in_process) {
  const int most = 2 * CallsAtOnce(platform);
  return in_process ? std::min(most, platform.settings.executor_threads / 2) : most;
}

}  // namespace

AskedOutcomes::AskedOutcomes(const server::Platform& platform, std::unique_ptr<peer::Link> outcomes,
                             bool in_process)
    : most_waiting_(MostWaiting(platform, in_process)),
      outcomes_(PeerOfOutcomes(), std::move(outcomes), platform.clock, platform.metrics),
      measures_(
          outcomes_, [this](std::function<void()> ask) { return Post(std::move(ask)); },
          platform.clock),
      threads_(CallsAtOnce(platform), CallsAtOnce(platform)) {}

bool AskedOutcomes::Post(std::function<void()> ask) {
  bool taken = ++waiting_ <= most_waiting_;
  if (taken) {
    taken = threads_.TryPost([this, ask = std::move(ask)] {
      ask();
      --waiting_;
    });
  }
  if (!taken) --waiting_;
  return taken;
}

}  // namespace ipt::formulation
