// W3C Trace Context (https://www.w3.org/TR/trace-context/, level 1): which trace a call belongs to,
// so that an operations team can follow one user's action through gateways, our services and their
// logs. It is read, logged and handed on; a call that brings none has none.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace ipt {

struct TraceContext {
  std::string trace_id;   // 32 lower-case hexadecimal digits, not all 0
  std::string parent_id;  // 16 of them, not all 0: the caller's span
  std::string span_id;    // this call's own
  bool sampled = false;   // the caller records this trace
  std::string state;      // `tracestate`, handed on unread; empty where there is none
};

// What a caller sent, with a new span_id. Absent where `traceparent` is not what the standard says,
// as it then asks; a `tracestate` that is too long (512) or not printable is left out.
std::optional<TraceContext> ReadTraceContext(absl::string_view traceparent,
                                             absl::string_view tracestate);

// The `traceparent` of calls made on behalf of this one.
std::string TraceParent(const TraceContext& trace);

// While it lives, this thread works for a call of this trace: log lines and calls to other services
// say so. Null: for none.
class TraceScope {
 public:
  explicit TraceScope(const TraceContext* trace);
  explicit TraceScope(const std::optional<TraceContext>& trace)
      : TraceScope(trace.has_value() ? &*trace : nullptr) {}
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

  // Of this thread; null without one. A copy is for work that another thread does for the call.
  static const TraceContext* Current();
  static std::optional<TraceContext> Copy();

 private:
  const TraceContext* const before_;
};

}  // namespace ipt
