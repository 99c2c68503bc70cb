// Counts what was done: for the table at the end, and as metrics. No patient in it.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ipt-deliver/outcome.h"
#include "platform/observability/metrics.h"

namespace ipt::deliver {

class Tally {
 public:
  Tally(std::vector<std::string> clinics, Metrics& metrics);

  void AddSend(size_t clinic, const Outcome& outcome, absl::Duration latency);
  // Leased, and given back without an attempt to send it.
  void AddGivenBack(size_t clinic, const Outcome& outcome);
  // The lease was gone before it was sent, or what was said about it came too late.
  void AddLost(size_t clinic);
  void AddStreamBreak() { stream_breaks_->Increment(); }
  void SetReceiverUp(bool up) { receiver_up_->Set(up ? 1 : 0); }

  // Whether anything was leased that is to be tried again.
  bool AnyToRetry() const;

  // `unacknowledged`: leases about which nothing could be said.
  std::string Table(int64_t unacknowledged) const;
  std::string Json(int64_t unacknowledged) const;

 private:
  struct Counts {
    int64_t sent = 0;
    int64_t retry = 0;
    int64_t dead = 0;
    int64_t given_back = 0;
    int64_t lost = 0;
  };

  const std::vector<std::string> clinics_;
  mutable std::mutex mutex_;
  std::vector<Counts> counts_;
  std::map<std::string, int64_t> reasons_;

  prometheus::Counter* const sent_;
  prometheus::Counter* const retry_;
  prometheus::Counter* const dead_;
  prometheus::Counter* const given_back_;
  prometheus::Counter* const lost_;
  prometheus::Counter* const stream_breaks_;
  prometheus::Gauge* const receiver_up_;
  prometheus::Histogram* const seconds_;
};

}  // namespace ipt::deliver
