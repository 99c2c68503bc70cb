#include "iptctl/show_chart.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "ipt/outcomes/v1/alert_service.pb.h"
#include "ipt/outcomes/v1/outcome_service.pb.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "iptctl/chart_page.h"
#include "iptctl/chart_svg.h"
#include "iptctl/chart_text.h"
#include "iptctl/course_chart.h"
#include "iptctl/part_reader.h"

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

void ReadCourse(PartReader& reader, ChartFacts& facts) {
  s::GetCourseRequest get;
  get.set_name(facts.trajectory.course());
  s::Course course;
  if (!reader.Read("ipt.scheduling.v1.CourseService.GetCourse", get, course,
                   "Deadline, pauses and sessions to come are not shown: scheduling's course could "
                   "not be read")) {
    return;
  }
  facts.course = course;
  s::ListSessionsRequest list;
  list.set_parent(facts.trajectory.course());
  list.set_page_size(1000);
  list.set_min_revision(course.revision());
  reader.ReadPages<s::ListSessionsResponse>(
      "ipt.scheduling.v1.SessionService.ListSessions", list, "Sessions to come are not shown",
      [&facts](const s::ListSessionsResponse& page) {
        facts.sessions.insert(facts.sessions.end(), page.sessions().begin(), page.sessions().end());
      });
}

void ReadAlerts(PartReader& reader, ChartFacts& facts) {
  o::ListAlertsRequest list;
  list.set_parent(facts.trajectory.course());
  list.set_page_size(250);
  for (const o::AlertState state : {o::ALERT_STATE_OPEN, o::ALERT_STATE_ESCALATED,
                                    o::ALERT_STATE_ACKNOWLEDGED, o::ALERT_STATE_RESOLVED}) {
    list.add_states(state);
  }
  reader.ReadPages<o::ListAlertsResponse>(
      "ipt.outcomes.v1.AlertService.ListAlerts", list, "Alerts are shown without their items",
      [&facts](const o::ListAlertsResponse& page) {
        facts.alerts.insert(facts.alerts.end(), page.alerts().begin(), page.alerts().end());
      });
}

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
  PartReader reader(session, facts.missing);
  ReadCourse(reader, facts);
  ReadAlerts(reader, facts);
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
