// A service's copy of scheduling's courses, wired: it follows scheduling in the background, and
// finds courses in the copy or asks scheduling.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "course_copies/link/scheduling_directory.h"
#include "course_copies/link/scheduling_source.h"
#include "platform/follow/followers.h"
#include "platform/ids/ids.h"
#include "platform/peer/link.h"
#include "platform/peer/peer.h"
#include "platform/server/server.h"
#include "platform/storage/database.h"

namespace ipt::courses {

// To scheduling where it is: by the network, or (unset) in this process. `service` ("outcomes") is
// how scheduling knows the caller, and `more_scopes` are those that it needs beside the copy's.
absl::StatusOr<std::unique_ptr<peer::Link>> OpenSchedulingLink(
    const server::Platform& platform, absl::string_view service,
    const std::optional<peer::Settings>& scheduling,
    const std::vector<std::string>& more_scopes = {});

// Directory and peer are thread-safe; the rest is the module's, in its own order. `db` (with the
// tables of follow and of course copies) and `listener` (may be nullptr) outlive it.
class SchedulingCopy {
 public:
  SchedulingCopy(const server::Platform& platform, storage::Database& db,
                 std::unique_ptr<peer::Link> scheduling, IdSource& ids,
                 CopyListener* listener = nullptr);

  SchedulingDirectory& directory() { return directory_; }
  peer::Peer& scheduling() { return scheduling_; }

  void Start() { followers_.Start(); }
  // No call to scheduling begins after it, nor goes on: before the server is shut down, which they
  // may lead to.
  void EndCalls() { scheduling_.Stop(); }
  void Stop() { followers_.Stop(); }

 private:
  peer::Peer scheduling_;
  SchedulingSource source_;
  follow::Followers followers_;
  SchedulingDirectory directory_;
};

}  // namespace ipt::courses
