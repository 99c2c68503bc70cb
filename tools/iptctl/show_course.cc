#include "iptctl/show_course.h"

#include "google/protobuf/util/json_util.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "iptctl/render_course.h"
#include "iptctl/resource_names.h"
#include "nlohmann/json.hpp"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;

// Calls by way of the embedded contract, with the generated types that the drawing knows.
int CallTyped(Session& session, const char* method_name, const Message& request,
              Message& response) {
  const MethodDescriptor& method = *FindMethod(method_name);
  const auto sent = NewMessage(*method.input_type());
  const auto received = NewMessage(*method.output_type());
  sent->ParseFromString(request.SerializeAsString());
  const int exit = session.CallPages(method, *sent, *received, true);
  if (exit == 0) response.ParseFromString(received->SerializeAsString());
  return exit;
}

}  // namespace

int ShowCourse(const std::vector<std::string>& words, Session& session) {
  if (words.size() != 1) return session.UsageError("name one course");
  const std::string name =
      ExpandName(words[0], "clinics/{clinic}/courses/{course}", false, session.settings.clinic);
  v1::GetCourseRequest get;
  get.set_name(name);
  v1::Course course;
  if (const int exit =
          CallTyped(session, "ipt.scheduling.v1.CourseService.GetCourse", get, course)) {
    return exit;
  }
  v1::ListSessionsRequest list;
  list.set_parent(name);
  list.set_page_size(1000);
  list.set_min_revision(course.revision());
  v1::ListSessionsResponse answer;
  if (const int exit =
          CallTyped(session, "ipt.scheduling.v1.SessionService.ListSessions", list, answer)) {
    return exit;
  }
  if (session.settings.json_output) {
    // The course, and its sessions beside it as in their list.
    std::string course_json, list_json;
    google::protobuf::util::MessageToJsonString(course, &course_json);
    google::protobuf::util::MessageToJsonString(answer, &list_json);
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(list_json);
    json["course"] = nlohmann::ordered_json::parse(course_json);
    if (!json.contains("sessions")) json["sessions"] = nlohmann::ordered_json::array();
    session.env.out << json.dump(2) << "\n";
    return 0;
  }
  CourseStyle style;
  style.ascii = session.settings.Has("ascii") || !session.utf8();
  style.paint = session.show().paint;
  session.env.out << RenderCourse(course, {answer.sessions().begin(), answer.sessions().end()},
                                  course.has_forecast() ? &course.forecast() : nullptr,
                                  session.env.clock.Now(), style);
  return 0;
}

}  // namespace ipt::ctl
