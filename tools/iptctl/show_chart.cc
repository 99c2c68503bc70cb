#include "iptctl/show_chart.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/code.pb.h"
#include "ipt/outcomes/v1/alert_service.pb.h"
#include "ipt/outcomes/v1/outcome_service.pb.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "iptctl/chart_page.h"
#include "iptctl/chart_svg.h"
#include "iptctl/chart_text.h"
#include "iptctl/course_chart.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;
namespace s = scheduling::v1;

constexpr int kPlainWidth = 100;  // where nobody says how wide it is

int WidthOf(Session& session) {
  int width = 0;
  if (session.env.out_is_terminal && session.env.screen != nullptr) {
    width = session.env.screen->size().columns;
  } else if (!absl::SimpleAtoi(session.env.getenv("COLUMNS"), &width)) {
    width = kPlainWidth;
  }
  return std::clamp(width, 50, 160);
}

// What is not there without scheduling or alerts does not keep the chart from being drawn.
class ChartReader {
 public:
  ChartReader(Session& session, ChartFacts& facts) : session_(session), facts_(facts) {}

  void ReadCourse() {
    s::GetCourseRequest get;
    get.set_name(facts_.trajectory.course());
    s::Course course;
    const grpc::Status status = Try("ipt.scheduling.v1.CourseService.GetCourse", get, course);
    if (!status.ok()) {
      Miss(
          "Deadline, pauses and sessions to come are not shown: scheduling's course could not be "
          "read",
          status);
      return;
    }
    facts_.course = course;
    s::ListSessionsRequest list;
    list.set_parent(facts_.trajectory.course());
    list.set_page_size(1000);
    list.set_min_revision(course.revision());
    Pages<s::ListSessionsResponse>(
        "ipt.scheduling.v1.SessionService.ListSessions", list, "Sessions to come are not shown",
        [this](const s::ListSessionsResponse& page) {
          facts_.sessions.insert(facts_.sessions.end(), page.sessions().begin(),
                                 page.sessions().end());
        });
  }

  void ReadAlerts() {
    o::ListAlertsRequest list;
    list.set_parent(facts_.trajectory.course());
    list.set_page_size(250);
    for (const o::AlertState state : {o::ALERT_STATE_OPEN, o::ALERT_STATE_ESCALATED,
                                      o::ALERT_STATE_ACKNOWLEDGED, o::ALERT_STATE_RESOLVED}) {
      list.add_states(state);
    }
    Pages<o::ListAlertsResponse>(
        "ipt.outcomes.v1.AlertService.ListAlerts", list, "Alerts are shown without their items",
        [this](const o::ListAlertsResponse& page) {
          facts_.alerts.insert(facts_.alerts.end(), page.alerts().begin(), page.alerts().end());
        });
  }

 private:
  grpc::Status Try(const char* method, const Message& request, Message& response) {
    return session_.connection()->Call(*FindMethod(method), request, response);
  }

  void Miss(absl::string_view what, const grpc::Status& status) {
    facts_.missing.push_back(absl::StrCat(
        what, " (", google::rpc::Code_Name(static_cast<google::rpc::Code>(status.error_code())),
        ")."));
  }

  template <typename Response, typename Request, typename Take>
  void Pages(const char* method, Request& request, absl::string_view without, const Take& take) {
    do {
      Response page;
      const grpc::Status status = Try(method, request, page);
      if (!status.ok()) return Miss(without, status);
      take(page);
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
  }

  Session& session_;
  ChartFacts& facts_;
};

}  // namespace

int ShowChart(const Message& request, Session& session) {
  o::GetTrajectoryRequest get;
  get.ParseFromString(request.SerializeAsString());
  ChartFacts facts;
  facts.zone = session.settings.zone;
  facts.now = session.env.clock.Now();
  if (const int exit = session.Call(*FindMethod("ipt.outcomes.v1.OutcomeService.GetTrajectory"),
                                    get, facts.trajectory)) {
    return exit;
  }
  if (session.settings.json_output) return session.Print(facts.trajectory);
  ChartReader reader(session, facts);
  reader.ReadCourse();
  reader.ReadAlerts();
  const CourseChart chart = PlanChart(facts);
  if (session.settings.Has("svg")) {
    if (const int exit = session.Save("svg", ChartSvg(chart, {}))) return exit;
  }
  if (session.settings.Has("html")) {
    if (const int exit = session.Save("html", ChartPage(chart))) return exit;
  }
  if (session.settings.Has("svg") || session.settings.Has("html")) return 0;
  ChartTextStyle style;
  style.width = WidthOf(session);
  style.ascii = session.settings.Has("ascii") || !session.utf8();
  style.paint = session.show().paint;
  session.env.out << ChartText(chart, style);
  return 0;
}

}  // namespace ipt::ctl
