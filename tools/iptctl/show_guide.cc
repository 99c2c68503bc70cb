#include "iptctl/show_guide.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ipt/formulation/v1/problem_area_service.pb.h"
#include "ipt/formulation/v1/protocol_service.pb.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "iptctl/guide_text.h"
#include "iptctl/json_parts.h"
#include "iptctl/part_reader.h"
#include "iptctl/resource_names.h"
#include "iptctl/value_text.h"

namespace ipt::ctl {
namespace {

namespace f = formulation::v1;
namespace s = scheduling::v1;

// The next one that is booked and not over, else the last one that was held; nothing where there is
// neither. `sessions`: by their start.
std::optional<s::Session> NextSession(const std::vector<s::Session>& sessions, absl::Time now) {
  std::optional<s::Session> held;
  for (const s::Session& session : sessions) {
    if (session.state() == s::SESSION_STATE_BOOKED && InstantOf(session.end_time()) > now) {
      return session;
    }
    if (session.state() == s::SESSION_STATE_ATTENDED) held = session;
  }
  return held;
}

void ReadBeside(const std::string& course, PartReader& reader, GuideFacts& facts) {
  if (!facts.session.has_start_time()) {
    s::GetSessionRequest get;
    get.set_name(facts.session.name());
    reader.Read("ipt.scheduling.v1.SessionService.GetSession", get, facts.session,
                "When the session is, is not shown");
  }
  f::ListProblemAreasRequest areas;
  areas.set_parent(course);
  reader.ReadPages<f::ListProblemAreasResponse>(
      "ipt.formulation.v1.ProblemAreaService.ListProblemAreas", areas,
      "What the focus is called is not shown", [&facts](const f::ListProblemAreasResponse& page) {
        for (const f::ProblemArea& area : page.problem_areas()) {
          facts.areas[area.name()] = area.display_name();
        }
      });
}

std::string NameOfSession(const std::string& course, const std::string& word, Session& session) {
  if (!absl::StrContains(word, "/")) return absl::StrCat(course, "/sessions/", word);
  return ExpandName(word, "clinics/{clinic}/courses/{course}/sessions/{session}", false,
                    session.settings.clinic);
}

// The course's next session; an exit code where there is none.
int FindNextSession(const std::string& course, Session& session, s::Session& found) {
  s::ListSessionsRequest list;
  list.set_parent(course);
  list.set_page_size(1000);
  const MethodDescriptor& method = *FindMethod("ipt.scheduling.v1.SessionService.ListSessions");
  std::vector<s::Session> sessions;
  do {
    s::ListSessionsResponse page;
    if (const int exit = session.Call(method, list, page)) return exit;
    sessions.insert(sessions.end(), page.sessions().begin(), page.sessions().end());
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  const std::optional<s::Session> next = NextSession(sessions, session.env.clock.Now());
  if (!next.has_value()) {
    return session.UsageError("the course has no session that is booked or was held");
  }
  found = *next;
  return 0;
}

}  // namespace

int ShowGuide(const std::vector<std::string>& words, Session& session) {
  if (words.empty() || words.size() > 2) {
    return session.UsageError("name one course, and at most one of its sessions");
  }
  const std::string course =
      ExpandName(words[0], "clinics/{clinic}/courses/{course}", false, session.settings.clinic);
  GuideFacts facts;
  if (words.size() == 2) {
    facts.session.set_name(NameOfSession(course, words[1], session));
  } else if (const int exit = FindNextSession(course, session, facts.session)) {
    return exit;
  }
  f::GetSessionGuideRequest get;
  get.set_session(facts.session.name());
  if (const int exit = session.Call(
          *FindMethod("ipt.formulation.v1.ProtocolService.GetSessionGuide"), get, facts.guide)) {
    return exit;
  }
  PartReader reader(session, facts.missing);
  ReadBeside(course, reader, facts);
  if (session.settings.json_output) {
    JsonParts parts;
    parts.Put("guide", facts.guide);
    parts.Put("session", facts.session);
    session.env.out << parts.Text(facts.missing) << "\n";
    return 0;
  }
  ShowContext context = session.show();
  if (!session.settings.zone.has_value()) context = Within(facts.session, context);
  if (facts.session.has_start_time()) {
    facts.when = InstantText(InstantOf(facts.session.start_time()), context.zone);
  }
  session.env.out << GuideText(facts, context.paint);
  return 0;
}

}  // namespace ipt::ctl
