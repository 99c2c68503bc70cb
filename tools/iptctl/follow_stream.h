// Keeps a stream of the server open: over restarts of the server, with growing pauses.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "iptctl/app.h"

namespace ipt::ctl {

// How a stream went.
struct StreamRun {
  grpc::Status status{};
  bool answered = false;      // a response came
  std::optional<int> exit{};  // all is done: the exit code
};

// Runs streams by `stream`, another one whenever one ends, until one says that all is done. Ends
// with an error that a new stream would not heal.
int KeepStreamOpen(Session& session, const std::function<StreamRun(Connection&)>& stream);

// Opens `method` with `request` as it is then, and again whenever the stream ends. `on_response`
// gets each response's bytes, moves the request's cursor on, and says whether to go on; an error of
// its own is a wrong use, and ends it, too. Ends with an error that a new stream would not heal, or
// 0.
int FollowStream(const MethodDescriptor& method, const Message& request, Session& session,
                 const std::function<absl::StatusOr<bool>(const std::string&)>& on_response);

// How many lines --count asks for, at least 1; -1 without it. INVALID_ARGUMENT.
absl::StatusOr<int64_t> CountOf(const Session& session, const char* of_what);

}  // namespace ipt::ctl
