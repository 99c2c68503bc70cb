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

bool Heals(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED ||
         status.error_code() == grpc::StatusCode::CANCELLED;
}

}  // namespace

int FollowStream(const MethodDescriptor& method, const Message& request, Session& session,
                 const std::function<absl::StatusOr<bool>(const std::string&)>& on_response) {
  absl::Duration pause = absl::ZeroDuration();
  // A server that never answered is more likely a wrong address than one that will come back.
  bool answered = false;
  const absl::Time patience = absl::Now() + session.settings.deadline;
  while (true) {
    absl::StatusOr<bool> more = true;
    Connection* const server = session.connection();
    if (server == nullptr) return kExitUsage;
    const grpc::Status status = server->Watch(method, request, [&](const std::string& bytes) {
      pause = absl::ZeroDuration();
      answered = true;
      more = on_response(bytes);
      return more.ok() && *more;
    });
    if (!more.ok()) return session.UsageError(absl::string_view(more.status().message()));
    if (!*more) return 0;
    if (!status.ok()) {
      if (!Heals(status) || (!answered && absl::Now() >= patience)) {
        session.env.err << DescribeError(status, "", session.settings.json_output);
        return ExitCodeOf(status.error_code());
      }
      if (pause == absl::ZeroDuration()) {
        session.env.err << "note: " << status.error_message() << "; trying again\n";
      }
      pause = std::min(kLongestPause, pause * 2 + absl::Milliseconds(250));
    }
    // A stream that ended well had only grown old.
    absl::SleepFor(pause);
    if (!status.ok()) server->Reach(kReach);
  }
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
