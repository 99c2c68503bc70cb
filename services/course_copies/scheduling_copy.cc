#include "course_copies/scheduling_copy.h"

#include <utility>

#include "platform/server/peer_link.h"

namespace ipt::courses {
namespace {

follow::FollowersOptions FollowingOptions(IdSource& ids) {
  follow::FollowersOptions options;
  options.peer = kScheduling;
  options.owner = ids.NewUuid();
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<peer::Link>> OpenSchedulingLink(
    const server::Platform& platform, absl::string_view service,
    const std::optional<peer::Settings>& scheduling, const std::vector<std::string>& more_scopes) {
  peer::LocalCaller caller = CallerOfScheduling(service);
  caller.scopes.insert(more_scopes.begin(), more_scopes.end());
  return server::OpenPeerLink(platform, kScheduling, scheduling, std::move(caller));
}

SchedulingCopy::SchedulingCopy(const server::Platform& platform, storage::Database& db,
                               std::unique_ptr<peer::Link> scheduling, IdSource& ids,
                               CopyListener* listener)
    : scheduling_({.name = kScheduling}, std::move(scheduling), platform.clock, platform.metrics),
      source_(scheduling_, listener),
      followers_(FollowingOptions(ids), db, source_, platform.clock, platform.metrics),
      directory_(db, scheduling_, {.unknown_course = [this] { followers_.LookForClinics(); }}) {}

}  // namespace ipt::courses
