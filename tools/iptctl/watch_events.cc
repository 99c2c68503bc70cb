#include "iptctl/watch_events.h"

#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "ipt/formulation/v1/event_service.pb.h"
#include "ipt/outcomes/v1/event_service.pb.h"
#include "ipt/scheduling/v1/event_service.pb.h"
#include "iptctl/file_output.h"
#include "iptctl/follow_stream.h"
#include "iptctl/value_text.h"
#include "platform/errors/status_macros.h"

namespace ipt::ctl {
namespace {

using formulation::v1::FormulationEvent;
using outcomes::v1::OutcomeEvent;
using scheduling::v1::SchedulingEvent;

// How what changed stands now, where it has a state.
std::string StateOf(const SchedulingEvent& payload) {
  switch (payload.event_case()) {
    case SchedulingEvent::kCourseChanged:
      return EnumField(payload.course_changed(), "state");
    case SchedulingEvent::kForecastChanged:
      return EnumField(payload.forecast_changed().course().forecast(), "state");
    case SchedulingEvent::kSessionChanged:
      return EnumField(payload.session_changed(), "state");
    default:
      return "";
  }
}

std::string StateOf(const OutcomeEvent& payload) {
  switch (payload.event_case()) {
    case OutcomeEvent::kMeasurementRecorded:
      return EnumField(payload.measurement_recorded(), "state");
    case OutcomeEvent::kMeasurementChanged:
      return EnumField(payload.measurement_changed(), "state");
    case OutcomeEvent::kAlertRaised:
      return EnumField(payload.alert_raised(), "state");
    case OutcomeEvent::kAlertChanged:
      return EnumField(payload.alert_changed(), "state");
    case OutcomeEvent::kCoverageChanged:
      return EnumField(payload.coverage_changed(), "state");
    default:
      return "";
  }
}

std::string StateOf(const FormulationEvent& payload) {
  switch (payload.event_case()) {
    case FormulationEvent::kProblemAreaChanged:
      return EnumField(payload.problem_area_changed(), "kind");
    case FormulationEvent::kDraftChanged:
      return EnumField(payload.draft_changed(), "state");
    case FormulationEvent::kDraftDiscarded:
      return EnumField(payload.draft_discarded(), "state");
    case FormulationEvent::kFormulationProposed:
      return EnumField(payload.formulation_proposed(), "state");
    case FormulationEvent::kProposalWithdrawn:
      return EnumField(payload.proposal_withdrawn(), "state");
    case FormulationEvent::kFormulationAgreed:
      return EnumField(payload.formulation_agreed(), "state");
    case FormulationEvent::kGoalChanged:
      return EnumField(payload.goal_changed(), "state");
    case FormulationEvent::kGoalRated:
      return absl::StrCat(payload.goal_rated().rating_value());
    default:
      return "";
  }
}

template <typename Event>
std::string Line(const Event& event, Session& session) {
  const absl::TimeZone zone = session.settings.zone.value_or(absl::UTCTimeZone());
  const absl::Time time = absl::FromUnixSeconds(event.time().seconds());
  const Paint paint = session.show().paint;
  std::string line =
      absl::StrCat(paint(Color::kDim, absl::FormatTime("%Y-%m-%d %H:%M:%S", time, zone)), "  ",
                   paint(Color::kBold, EnumField(event, "kind")), "  ", event.subject());
  if (const std::string state = StateOf(event.payload()); !state.empty()) {
    absl::StrAppend(&line, "  ", state);
  }
  return line;
}

template <typename Request, typename Response>
int WatchEventsOf(const MethodDescriptor& method, const Message& request, Session& session) {
  Request watch;
  watch.ParseFromString(request.SerializeAsString());
  const std::string file = session.settings.Get("cursor-file");
  const absl::StatusOr<int64_t> count = CountOf(session, "events");
  if (!count.ok()) return session.UsageError(absl::string_view(count.status().message()));
  int64_t left = *count;
  if (!file.empty() && watch.start_case() == Request::START_NOT_SET &&
      std::filesystem::exists(file)) {
    const absl::StatusOr<std::string> text = ReadFile(file);
    if (!text.ok()) return session.UsageError(absl::string_view(text.status().message()));
    watch.set_cursor(std::string(absl::StripAsciiWhitespace(*text)));
  }
  return FollowStream(
      method, watch, session, [&](const std::string& bytes) -> absl::StatusOr<bool> {
        Response response;
        if (!response.ParseFromString(bytes)) return true;
        for (int i = 0; i < response.events_size(); ++i) {
          const auto& event = response.events(i);
          if (session.settings.json_output) {
            std::string json;
            google::protobuf::util::MessageToJsonString(event, &json);
            session.env.out << json << "\n";
          } else {
            session.env.out << Line(event, session) << "\n";
          }
          // There is no cursor between the events of a response: those told come
          // again.
          if (left > 0 && --left == 0 && i + 1 < response.events_size()) return false;
        }
        session.env.out << std::flush;
        watch.set_cursor(response.cursor());
        if (!file.empty() && !WriteWhole(file, response.cursor() + "\n").ok()) {
          return absl::InvalidArgumentError(absl::StrCat("--cursor-file: cannot write ", file));
        }
        return left != 0;
      });
}

constexpr char kSchedulingEvents[] = "ipt.scheduling.v1.EventService.WatchEvents";
constexpr char kOutcomesEvents[] = "ipt.outcomes.v1.EventService.WatchEvents";
constexpr char kFormulationEvents[] = "ipt.formulation.v1.EventService.WatchEvents";

}  // namespace

bool IsEventStream(const MethodDescriptor& method) {
  const std::string& name = method.full_name();
  return name == kSchedulingEvents || name == kOutcomesEvents || name == kFormulationEvents;
}

int WatchEvents(const MethodDescriptor& method, const Message& request, Session& session) {
  if (method.full_name() == kOutcomesEvents) {
    return WatchEventsOf<outcomes::v1::WatchEventsRequest, outcomes::v1::WatchEventsResponse>(
        method, request, session);
  }
  if (method.full_name() == kFormulationEvents) {
    return WatchEventsOf<formulation::v1::WatchEventsRequest, formulation::v1::WatchEventsResponse>(
        method, request, session);
  }
  return WatchEventsOf<scheduling::v1::WatchEventsRequest, scheduling::v1::WatchEventsResponse>(
      method, request, session);
}

}  // namespace ipt::ctl
