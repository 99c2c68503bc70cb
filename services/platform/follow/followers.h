// Follows another service's events for every clinic, for as long as the process runs: one thread a
// clinic, which applies each event exactly once and in order (docs/decisions/0007). Streams that
// end are opened again with growing, jittered pauses; one on which nothing comes is given up; a
// cursor that the service no longer knows is answered by listing everything anew.
//
// Replicas share the work: who has a clinic's lease follows it, the others look on.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "platform/follow/feed_table.h"
#include "platform/follow/source.h"
#include "platform/observability/metrics.h"
#include "platform/server/periodic.h"
#include "platform/storage/database.h"
#include "platform/time/clock.h"

namespace ipt::follow {

struct FollowersOptions {
  std::string peer;   // the service that is followed: "scheduling"
  std::string owner;  // this process, unlike any other: a UUID
  absl::Duration lease = absl::Seconds(30);
  // Nothing, not even a heartbeat, for so long: the connection is dead.
  absl::Duration silence = absl::Seconds(60);
  absl::Duration first_pause = absl::Milliseconds(50);
  absl::Duration longest_pause = absl::Seconds(10);
  absl::Duration tick = absl::Seconds(1);  // leases, silence, metrics
  absl::Duration look_for_clinics = absl::Seconds(30);
  absl::Duration transaction = absl::Seconds(30);
};

// Thread-safe.
class Followers {
 public:
  // All of them outlive it.
  Followers(FollowersOptions options, storage::Database& db, Source& source, const Clock& clock,
            Metrics& metrics);
  ~Followers();

  void Start();
  // A source that waits on the network is to be stopped first. Lets go of the leases.
  void Stop();

  // A clinic was met that may be new: looks which there are, soon. Never blocks.
  void LookForClinics();

 private:
  class Feed;

  void Tick();
  void FindClinics();
  storage::CallOptions Within(absl::Duration time) const;
  // Waits; false when it is to stop.
  bool Pause(absl::Duration pause);
  bool stopping();
  double Random();

  const FollowersOptions options_;
  storage::Database& db_;
  Source& source_;
  const Clock& clock_;
  // On SQLite one process owns the file: a lease that is there is its own, of its life before.
  const bool alone_;

  prometheus::Gauge& feeds_followed_;
  prometheus::Gauge& lag_;
  prometheus::Gauge& event_age_;
  prometheus::Counter& events_;
  prometheus::Counter& listings_;
  prometheus::Counter& errors_;

  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
  bool look_ = true;
  bool clinics_failing_ = false;  // of the ticking thread
  absl::Time looked_ = absl::InfinitePast();
  std::vector<std::unique_ptr<Feed>> feeds_;
  std::optional<server::Periodic> ticker_;
};

}  // namespace ipt::follow
