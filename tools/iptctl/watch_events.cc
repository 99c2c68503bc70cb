#include "iptctl/watch_events.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/json_util.h"
#include "ipt/scheduling/v1/event_service.pb.h"
#include "iptctl/error_output.h"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;

constexpr absl::Duration kReach = absl::Seconds(2);
constexpr absl::Duration kLongestPause = absl::Seconds(5);

// Either the old cursor or the new one is there, whenever this is stopped.
absl::Status WriteWhole(const std::string& path, const std::string& text) {
  const std::string half = path + ".new";
  std::ofstream file(half, std::ios::trunc);
  file << text << "\n" << std::flush;
  const bool written = static_cast<bool>(file);
  file.close();
  if (!written || std::rename(half.c_str(), path.c_str()) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("--cursor-file: cannot write ", path));
  }
  return absl::OkStatus();
}

// How what changed stands now, where it has a state.
std::string StateOf(const v1::SchedulingEvent& payload) {
  switch (payload.event_case()) {
    case v1::SchedulingEvent::kCourseChanged:
      return EnumText(
          *v1::CourseState_descriptor()->FindValueByNumber(payload.course_changed().state()));
    case v1::SchedulingEvent::kForecastChanged:
      return EnumText(*v1::ForecastState_descriptor()->FindValueByNumber(
          payload.forecast_changed().course().forecast().state()));
    case v1::SchedulingEvent::kSessionChanged:
      return EnumText(
          *v1::SessionState_descriptor()->FindValueByNumber(payload.session_changed().state()));
    default:
      return "";
  }
}

std::string Line(const v1::Event& event, Session& session) {
  const absl::TimeZone zone = session.settings.zone.value_or(absl::UTCTimeZone());
  const absl::Time time = absl::FromUnixSeconds(event.time().seconds());
  const Paint paint = session.show().paint;
  std::string line = absl::StrCat(
      paint(Color::kDim, absl::FormatTime("%Y-%m-%d %H:%M:%S", time, zone)), "  ",
      paint(Color::kBold, EnumText(*v1::EventKind_descriptor()->FindValueByNumber(event.kind()))),
      "  ", event.subject());
  if (const std::string state = StateOf(event.payload()); !state.empty()) {
    absl::StrAppend(&line, "  ", state);
  }
  return line;
}

}  // namespace

int WatchEvents(const MethodDescriptor& method, Message& request, Session& session) {
  v1::WatchEventsRequest watch;
  watch.ParseFromString(request.SerializeAsString());
  const std::string file = session.settings.Get("cursor-file");
  int64_t left = -1;
  if (session.settings.Has("count") &&
      (!absl::SimpleAtoi(session.settings.Get("count"), &left) || left < 1)) {
    return session.UsageError("--count: how many events, 1 or more");
  }
  if (!file.empty() && watch.start_case() == v1::WatchEventsRequest::START_NOT_SET &&
      std::filesystem::exists(file)) {
    const absl::StatusOr<std::string> text = ReadFile(file);
    if (!text.ok()) return session.UsageError(absl::string_view(text.status().message()));
    watch.set_cursor(std::string(absl::StripAsciiWhitespace(*text)));
  }
  absl::Duration pause = absl::ZeroDuration();
  // A server that never answered is more likely a wrong address than one that will come back.
  bool answered = false;
  const absl::Time patience = absl::Now() + session.settings.deadline;
  while (true) {
    std::optional<std::string> complaint;
    const auto on_response = [&](const std::string& bytes) {
      v1::WatchEventsResponse response;
      if (!response.ParseFromString(bytes)) return false;
      pause = absl::ZeroDuration();
      answered = true;
      for (int i = 0; i < response.events_size(); ++i) {
        const v1::Event& event = response.events(i);
        if (session.settings.json_output) {
          std::string json;
          google::protobuf::util::MessageToJsonString(event, &json);
          session.env.out << json << "\n";
        } else {
          session.env.out << Line(event, session) << "\n";
        }
        // There is no cursor between the events of a response: those told come again.
        if (left > 0 && --left == 0 && i + 1 < response.events_size()) return false;
      }
      session.env.out << std::flush;
      watch.set_cursor(response.cursor());
      if (!file.empty()) {
        const absl::Status kept = WriteWhole(file, response.cursor());
        if (!kept.ok()) complaint = std::string(kept.message());
      }
      return left != 0 && !complaint.has_value();
    };
    Connection* const server = session.connection();
    if (server == nullptr) return kExitUsage;
    const grpc::Status status = server->Watch(method, watch, on_response);
    if (complaint.has_value()) return session.UsageError(*complaint);
    if (left == 0) return 0;
    if (!status.ok()) {
      const bool heals = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                         status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED ||
                         status.error_code() == grpc::StatusCode::CANCELLED;
      if (!heals || (!answered && absl::Now() >= patience)) {
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

}  // namespace ipt::ctl
