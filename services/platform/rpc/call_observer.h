// What is told of every call once it is over: for metrics, the access log and the audit of reads.
// Holds names, codes and times only: never request or answer.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/rpc/method_info.h"
#include "platform/transaction/call_context.h"

namespace ipt::rpc {

struct FinishedCall {
  const MethodInfo& method;
  // caller is null where authentication failed.
  const CallContext& context;
  const absl::Status& status;
  absl::Duration latency;
  // A stream that its handler had opened (and not a refused one).
  bool stream_begun = false;
};

// Implementations are thread-safe and do not block.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void OnFinished(const FinishedCall& call) = 0;
  // A stream has begun; it is told to OnFinished, too, at its end.
  virtual void OnStreamBegun(const FinishedCall& call) { (void)call; }

  // Asked before a read of patient-bound data is answered: UNAVAILABLE where its audit entry could
  // not be kept.
  virtual absl::Status BeforeRead(const MethodInfo& method) {
    (void)method;
    return absl::OkStatus();
  }
};

}  // namespace ipt::rpc
