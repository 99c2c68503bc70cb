// The whole of it: desks that lease, a queue that is fair to clinics, threads that send.
//
//   suite --stream--> Desk --+                        +--> sender --+
//   suite --stream--> Desk --+--> FairQueue --+--> sender --+--> Sink: webhook, file
//                      |  ^                                 |
//    suite <--calls----+  +------------- outcome -----------+
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/support/status.h"
#include "ipt-deliver/desk.h"
#include "ipt-deliver/fair_queue.h"
#include "ipt-deliver/receiver.h"
#include "ipt-deliver/server_link.h"
#include "ipt-deliver/sink.h"
#include "ipt-deliver/tally.h"

namespace ipt::deliver {

class Gateway {
 public:
  // `link`, `sink` and `tally` outlive it. The window is the sink's.
  Gateway(const std::vector<std::string>& clinics, DeskOptions options, ServerLink& link,
          Sink& sink, Tally& tally);
  ~Gateway();

  void Start();

  // All clinics' first leases went well.
  bool HasBegun() const;
  // Nothing is leased any more: --once is through, or there was an error.
  bool IsThrough() const;
  // The error that ends it.
  std::optional<grpc::Status> fatal() const;
  bool receiver_is_up() const { return receiver_.MaySend(); }

  // Leases no more, sends and acknowledges what was leased, within `grace`; what cannot be sent in
  // it is given back. Returns how many leases are left without a word.
  int64_t Stop(absl::Duration grace);

 private:
  void Send();
  // Nothing but what may be sent now; the rest is given back or dropped.
  void Sift(std::vector<Job>& jobs);
  void GiveBack(const Job& job, const char* reason);

  const absl::Duration timeout_;
  Sink& sink_;
  Tally& tally_;
  Receiver receiver_;
  FairQueue queue_;
  std::vector<std::unique_ptr<Desk>> desks_;
  std::vector<std::thread> senders_;
  // From then on no send begins; in steady nanoseconds.
  std::atomic<int64_t> last_send_;

  mutable std::mutex mutex_;
  std::optional<grpc::Status> fatal_;
};

}  // namespace ipt::deliver
