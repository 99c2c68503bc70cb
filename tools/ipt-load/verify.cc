#include "ipt-load/verify.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ipt-load/clinic_maker.h"
#include "platform/errors/status_macros.h"

namespace ipt::load {
namespace {

struct Span {
  int64_t start, end;
  std::string session;
};

// How many of a resource's sessions begin before the one before has ended.
int64_t CountOverlaps(const std::string& resource, std::vector<Span> spans, Verdict& verdict) {
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.start < b.start; });
  int64_t overlaps = 0;
  for (size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].start >= spans[i - 1].end) continue;
    ++overlaps;
    verdict.problems.push_back(absl::StrCat(resource, " is booked twice: ", spans[i - 1].session,
                                            " and ", spans[i].session));
  }
  return overlaps;
}

// "clinics/a/courses/b/sessions/c" -> "clinics/a/courses/b"
std::string CourseOf(const std::string& session) {
  return session.substr(0, session.rfind("/sessions/"));
}

}  // namespace

absl::StatusOr<Verdict> Verify(RetryingCaller& caller, const Acknowledged& log) {
  IPT_ASSIGN_OR_RETURN(const std::vector<v1::Course> courses, ListAllCourses(caller, log.clinic));
  std::map<std::string, std::string> patient_of;
  for (const v1::Course& course : courses) {
    patient_of[course.name()] =
        absl::StrCat("patient ", course.patient().system(), "|", course.patient().value());
  }
  v1::ListSessionsRequest request;
  request.set_parent(absl::StrCat(log.clinic, "/courses/-"));
  IPT_ASSIGN_OR_RETURN(const std::vector<v1::Session> sessions, ListAllSessions(caller, request));

  Verdict verdict;
  verdict.acknowledged = static_cast<int64_t>(log.booked.size());
  verdict.slots = static_cast<int64_t>(log.slots.size());
  verdict.twice = static_cast<int64_t>(log.twice.size());
  for (const std::string& name : log.twice) {
    verdict.problems.push_back(absl::StrCat(name, " was acknowledged as new more than once"));
  }
  std::map<std::string, std::vector<Span>> by_therapist, by_patient;
  std::map<std::string, SlotKey> stored;
  std::set<SlotKey> filled;
  for (const v1::Session& session : sessions) {
    if (session.state() == v1::SESSION_STATE_CANCELLED) continue;
    ++verdict.sessions;
    const Span span{absl::ToUnixMicros(FromTimestamp(session.start_time())),
                    absl::ToUnixMicros(FromTimestamp(session.end_time())), session.name()};
    by_therapist[session.therapist()].push_back(span);
    by_patient[patient_of[CourseOf(session.name())]].push_back(span);
    const SlotKey slot{session.therapist(), span.start};
    stored[session.name()] = slot;
    if (log.slots.contains(slot)) filled.insert(slot);
    if (!log.booked.contains(session.name())) {
      ++verdict.unknown;
      verdict.problems.push_back(absl::StrCat(session.name(), " is booked, and ",
                                              log.cancelled.contains(session.name())
                                                  ? "its cancellation was acknowledged"
                                                  : "nobody was told so"));
    }
  }
  verdict.filled = static_cast<int64_t>(filled.size());
  for (auto& [name, spans] : by_therapist) {
    verdict.therapist_overlaps += CountOverlaps(name, std::move(spans), verdict);
  }
  for (auto& [name, spans] : by_patient) {
    verdict.patient_overlaps += CountOverlaps(name, std::move(spans), verdict);
  }
  for (const auto& [name, slot] : log.booked) {
    const auto it = stored.find(name);
    if (it != stored.end() && it->second == slot) continue;
    ++verdict.missing;
    verdict.problems.push_back(
        absl::StrCat(name, " was acknowledged and is ",
                     it == stored.end() ? "not booked" : "booked at another time"));
  }
  if (verdict.problems.size() > 20) verdict.problems.resize(20);
  return verdict;
}

}  // namespace ipt::load
