// What a use case may know of the call that it serves. No transport in it: a background job makes
// one as well as the RPC adapter does.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "platform/auth/caller.h"
#include "platform/observability/trace_context.h"

namespace ipt {

struct CallContext {
  // Never null.
  std::shared_ptr<const Caller> caller;
  // Full method, "/ipt.scheduling.v1.CourseService/GetCourse".
  std::string method;
  // The server's id of this call, for logs and errors.
  std::string call_id;
  // The trace that the caller counts this call to, if it said so.
  std::optional<TraceContext> trace;
  // The instant that this call takes as now; one for all of the call.
  absl::Time now;
  // Work that is not done by then is given up.
  absl::Time deadline = absl::InfiniteFuture();

  // What the request is about: the clinic of its resource names (empty where it has none), and the
  // first of these names.
  std::string clinic_id;
  std::string resource;

  // Writes only. The caller's key for retries, and a hash over all that the request says.
  std::string request_id;
  std::string content_hash;
  // True: answer as if it were done, and do nothing.
  bool validate_only = false;
  // Whether the client has given up on this call, and may have sent it again. Unset: it never does.
  std::function<bool()> abandoned{};
};

}  // namespace ipt
