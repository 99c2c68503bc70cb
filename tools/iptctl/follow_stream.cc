#include "iptctl/follow_stream.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "iptctl/error_output.h"

namespace ipt::ctl {
namespace {

constexpr absl::Duration kReach = absl::Seconds(2);
constexpr absl::Duration kLongestPause = absl::Seconds(5);

// Whether another stream may do better than this one.
bool Heals(const StreamRun& run) {
  switch (run.status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return true;
    case grpc::StatusCode::ABORTED:
      return ReasonOf(run.status) == "STORE_CONFLICT";
    case grpc::StatusCode::UNAUTHENTICATED:
      return run.answered;  // the token was good, and may have a successor in its file
    default:
      return false;
  }
}

}  // namespace

int KeepStreamOpen(Session& session, const std::function<StreamRun(Connection&)>& stream) {
  absl::Duration pause = absl::ZeroDuration();
  // A server that never answered is more likely a wrong address than one that will come back.
  bool answered = false;
  const absl::Time patience = absl::Now() + session.settings.deadline;
  while (true) {
    Connection* const server = session.connection();
    if (server == nullptr) return kExitUsage;
    const StreamRun run = stream(*server);
    if (run.exit.has_value()) return *run.exit;
    if (run.answered) {
      pause = absl::ZeroDuration();
      answered = true;
    }
    if (!run.status.ok()) {
      if (!Heals(run) || (!answered && absl::Now() >= patience)) {
        session.env.err << DescribeError(run.status, "", session.settings.json_output);
        return ExitCodeOf(run.status.error_code());
      }
      if (pause == absl::ZeroDuration()) {
        session.env.err << "note: " << run.status.error_message() << "; trying again\n";
      }
      pause = std::min(kLongestPause, pause * 2 + absl::Milliseconds(250));
    }
    // A stream that ended well had only grown old.
    absl::SleepFor(pause);
    if (!run.status.ok()) server->Reach(kReach);
  }
}

int FollowStream(const MethodDescriptor& method, const Message& request, Session& session,
                 const std::function<absl::StatusOr<bool>(const std::string&)>& on_response) {
  return KeepStreamOpen(session, [&](Connection& server) {
    StreamRun run;
    absl::StatusOr<bool> more = true;
    run.status = server.Watch(method, request, [&](const std::string& bytes) {
      run.answered = true;
      more = on_response(bytes);
      return more.ok() && *more;
    });
    if (!more.ok()) {
      run.exit = session.UsageError(absl::string_view(more.status().message()));
    } else if (!*more) {
      run.exit = 0;
    }
    return run;
  });
}

absl::StatusOr<int64_t> CountOf(const Session& session, const char* of_what) {
  int64_t count = -1;
  if (session.settings.Has("count") &&
      (!absl::SimpleAtoi(session.settings.Get("count"), &count) || count < 1)) {
    return absl::InvalidArgumentError(absl::StrCat("--count: how many ", of_what, ", 1 or more"));
  }
  return count;
}

}  // namespace ipt::ctl
