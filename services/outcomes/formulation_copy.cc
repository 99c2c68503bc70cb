#include "outcomes/formulation_copy.h"

#include <utility>

namespace ipt::outcomes {
namespace {

follow::FollowersOptions FollowingOptions(IdSource& ids) {
  follow::FollowersOptions options;
  options.peer = kFormulation;
  options.owner = ids.NewUuid();
  // A look into our own store.
  options.look_for_clinics = absl::Seconds(2);
  return options;
}

}  // namespace

FormulationCopy::FormulationCopy(const server::Platform& platform, storage::Database& db,
                                 std::unique_ptr<peer::Link> formulation, IdSource& ids)
    : formulation_({.name = kFormulation}, std::move(formulation), platform.clock,
                   platform.metrics),
      source_(formulation_, db),
      followers_(FollowingOptions(ids), db, source_, platform.clock, platform.metrics) {}

}  // namespace ipt::outcomes
