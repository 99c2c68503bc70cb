// What all services of a server share.
#pragma once

#include "absl/time/time.h"
#include "platform/auth/authenticator.h"
#include "platform/rpc/call_observer.h"
#include "platform/rpc/executor.h"
#include "platform/rpc/stream_set.h"
#include "platform/time/clock.h"

namespace ipt::rpc {

// When to come again, for a client that is turned away because the server is busy.
inline constexpr absl::Duration kBusyRetry = absl::Milliseconds(200);

// Everything outlives the server.
struct RpcRuntime {
  const auth::Authenticator& authenticator;
  const Clock& clock;
  Executor& executor;
  CallObserver& observer;
  StreamSet& streams;
  // Calls that state no deadline get this one; so does each step of a stream.
  absl::Duration default_deadline = absl::Seconds(10);
  // No handler and no store works longer for a call, whatever deadline its client states.
  absl::Duration max_call_time = absl::Seconds(60);
};

}  // namespace ipt::rpc
