// The open streams of a server: how many there may be, their timers, and their common end.
//
// Thread-safe. Has a thread of its own. REQUIRES, to be destroyed: the gRPC server has ended and
// the executor has stopped.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/rpc/stream.h"
#include "platform/time/clock.h"

namespace ipt::rpc {

class StreamSet {
 public:
  class Member : public StreamHandle {
   public:
    // The instant last told to SetTimer has come. Called without locks of the set.
    virtual void OnTimer(absl::Time now) = 0;
  };

  // `max_age`: streams end by themselves, with OK, when they have lived so long.
  StreamSet(const Clock& clock, int limit, absl::Duration max_age);
  ~StreamSet();
  StreamSet(const StreamSet&) = delete;
  StreamSet& operator=(const StreamSet&) = delete;

  // Takes a stream in and holds it until Leave. RESOURCE_EXHAUSTED when too many are open,
  // UNAVAILABLE when the server stops.
  absl::Status Enter(std::shared_ptr<Member> stream);
  void Leave(Member* stream);
  // The earliest instant at which OnTimer is to be called; replaces the one before.
  void SetTimer(Member* stream, absl::Time at);

  // Ends all streams with UNAVAILABLE and refuses new ones.
  void Stop();

  int open() const;
  absl::Duration max_age() const { return max_age_; }

 private:
  struct Entry {
    std::shared_ptr<Member> stream;
    absl::Time timer = absl::InfiniteFuture();
  };
  void Run();

  const Clock& clock_;
  const int limit_;
  const absl::Duration max_age_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  absl::flat_hash_map<Member*, Entry> streams_;
  std::set<std::pair<absl::Time, Member*>> timers_;
  bool stopping_ = false;  // no new streams
  bool ended_ = false;     // no more timers
  std::thread thread_;
};

}  // namespace ipt::rpc
