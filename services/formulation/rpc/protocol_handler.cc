#include "formulation/rpc/protocol_handler.h"

#include <algorithm>
#include <cstdint>
#include <future>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/rpc/scheduling_view.h"
#include "formulation/domain/adherence.h"
#include "formulation/domain/course_access.h"
#include "formulation/domain/course_findings.h"
#include "formulation/domain/course_view.h"
#include "formulation/domain/findings.h"
#include "formulation/domain/names.h"
#include "formulation/domain/session_guide.h"
#include "formulation/domain/session_work.h"
#include "formulation/rpc/adherence_proto.h"
#include "formulation/rpc/course_entry.h"
#include "formulation/rpc/course_write.h"
#include "formulation/rpc/due_measure_proto.h"
#include "formulation/rpc/entry_field.h"
#include "formulation/rpc/protocol_proto.h"
#include "formulation/rpc/session_work_proto.h"
#include "formulation/rpc/whole_list.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stated.h"

namespace ipt::formulation {
namespace {

using courses::CopiedCourse;
using courses::CopiedSession;
using courses::CourseAnswer;

constexpr int kMostProtocolsAPage = 200;
constexpr int kMostWorkAPage = 100;
// A page of a clinic's findings looks at no more courses than twice its findings, at least a
// hundred, however few of them have any: it then has fewer findings than it could, and the next one
// goes on.
size_t MostCourses(int page_size) { return std::clamp(2 * page_size, 100, 1000); }
constexpr size_t kCoursesAtOnce = 100;

bool IsInUse(const ProtocolSet& protocols, const Protocol& protocol,
             const FormulationPolicy& policy) {
  return protocols.For(protocol.variant_id, policy).protocol == &protocol;
}

// A course as scheduling has it, and what was recorded of it, in one view of the store.
struct LookedAt {
  FormulationPolicy policy;
  const Protocol* protocol;
  CourseView view;
  CourseRecords records;

  CourseFacts facts() const { return {view, records, *protocol, policy}; }
};

absl::StatusOr<LookedAt> LookAt(FormulationReader& reader, const ProtocolSet& protocols,
                                const CallContext& ctx, const CopiedCourse& course) {
  IPT_ASSIGN_OR_RETURN(FormulationPolicy policy, reader.GetPolicy(ctx.clinic_id));
  const Protocol& protocol = protocols.Held(course.variant_id, policy);
  IPT_ASSIGN_OR_RETURN(CourseView view, CourseView::Of(course, protocol));
  IPT_ASSIGN_OR_RETURN(auto records, reader.ListCourseRecords(ctx.clinic_id, {course.course_id}));
  return LookedAt{std::move(policy), &protocol, std::move(view), std::move(records.front())};
}

// nullopt: nothing is known of the course.
absl::StatusOr<std::optional<CourseView>> ViewOf(FormulationReader& reader,
                                                 const ProtocolSet& protocols,
                                                 const CallContext& ctx,
                                                 const CourseAnswer& course) {
  if (!course.course.has_value()) return std::nullopt;
  IPT_ASSIGN_OR_RETURN(const FormulationPolicy policy, reader.GetPolicy(ctx.clinic_id));
  return CourseView::Of(*course.course, protocols.Held(course.course->variant_id, policy));
}

SessionPlace PlaceIn(const std::optional<CourseView>& view, absl::string_view session_id) {
  const CopiedSession* session =
      view.has_value() ? view->course().FindSession(session_id) : nullptr;
  if (session == nullptr) return {};
  return {.number = session->number,
          .phase = view->PhaseOf(session->number),
          .day = view->DayOf(session->start),
          .state = session->state};
}

// NOT_FOUND where scheduling says that the course has no such session; reads go on otherwise.
absl::Status RefuseAbsentSession(const CourseAnswer& course, absl::string_view clinic_id,
                                 const EntryIds& ids) {
  IPT_RETURN_IF_ERROR(RefuseAbsent(course, clinic_id, ids.course_id));
  if (course.known != CourseAnswer::Known::kVerified) return absl::OkStatus();
  return SessionOf(*course.course, ids.entry_id).status();
}

// The session to read from. One that an older copy does not have may have been booked since:
// UNAVAILABLE.
absl::StatusOr<const CopiedSession*> SessionToRead(const CourseAnswer& course,
                                                   absl::string_view clinic_id,
                                                   const EntryIds& ids) {
  IPT_ASSIGN_OR_RETURN(const CopiedCourse* known, CourseToRead(course, clinic_id, ids.course_id));
  if (known->FindSession(ids.entry_id) == nullptr) {
    IPT_RETURN_IF_ERROR(CourseToWrite(course, clinic_id, ids.course_id).status());
  }
  return SessionOf(*known, ids.entry_id);
}

absl::StatusOr<pb::SessionWork> Described(FormulationReader& reader, const ProtocolSet& protocols,
                                          const CallContext& ctx, const CourseAnswer& course,
                                          const SessionWork& work) {
  IPT_ASSIGN_OR_RETURN(const auto view, ViewOf(reader, protocols, ctx, course));
  pb::SessionWork response;
  WriteSessionWork(work, &response);
  WriteSession(PlaceIn(view, work.session_id), course, &response);
  return response;
}

absl::StatusOr<pb::Termination> Described(FormulationReader& reader, const ProtocolSet& protocols,
                                          const CallContext& ctx, const CourseAnswer& course,
                                          const Termination& termination) {
  pb::Termination response;
  WriteTermination(termination, &response);
  if (course.course.has_value()) {
    IPT_ASSIGN_OR_RETURN(const LookedAt seen, LookAt(reader, protocols, ctx, *course.course));
    WriteRaised(ctx.clinic_id, course.course->course_id, WhenRaised(seen.facts()), &response);
  }
  courses::WriteScheduling(course, response.mutable_scheduling());
  return response;
}

// ------------------------------------------------------------------------------------ work's list

struct ListedWork {
  std::string session_id{};
  SessionWork work{};
  SessionPlace place{};
  std::optional<absl::Time> start{};
};

// By the sessions' start; those of which it is not known last, as they were recorded.
std::vector<ListedWork> InOrder(std::vector<SessionWork> recorded,
                                const std::optional<CourseView>& view) {
  std::vector<ListedWork> list;
  for (SessionWork& work : recorded) {
    ListedWork& listed = list.emplace_back();
    listed.session_id = work.session_id;
    listed.place = PlaceIn(view, work.session_id);
    const CopiedSession* session =
        view.has_value() ? view->course().FindSession(work.session_id) : nullptr;
    if (session != nullptr) listed.start = session->start;
    listed.work = std::move(work);
  }
  absl::c_stable_sort(list, [](const ListedWork& a, const ListedWork& b) {
    return a.start.value_or(absl::InfiniteFuture()) < b.start.value_or(absl::InfiniteFuture());
  });
  return list;
}

struct WorkFilter {
  std::vector<Phase> phases{};    // empty: all
  std::string problem_area_id{};  // empty: all

  bool Takes(const ListedWork& listed) const {
    if (!phases.empty() &&
        (!listed.place.phase.has_value() || !absl::c_linear_search(phases, *listed.place.phase))) {
      return false;
    }
    return problem_area_id.empty() ||
           absl::c_any_of(listed.work.focus_work, [&](const FocusWork& focus) {
             return focus.problem_area_id == problem_area_id;
           });
  }
};

// --------------------------------------------------------------------------------- findings' list

struct FindingFilter {
  std::vector<FindingRule> rules{};  // empty: all
  FindingSeverity least = FindingSeverity::kUnspecified;
  std::string therapist_id{};  // empty: all

  bool Takes(const CopiedCourse& course) const {
    return therapist_id.empty() || course.therapist_id == therapist_id;
  }
  bool Takes(const Finding& finding) const {
    return (rules.empty() || absl::c_linear_search(rules, finding.rule)) &&
           finding.severity >= least;
  }
};

absl::StatusOr<FindingFilter> ReadFilter(const pb::ListFindingsRequest& request) {
  FieldViolations bad;
  FindingFilter filter;
  filter.rules = rpc::ReadStated<FindingRule>(request.rules(), bad, "rules");
  filter.least = static_cast<FindingSeverity>(request.least_severity());
  if (!request.therapist().empty()) filter.therapist_id = rpc::IdsOf(request.therapist())[1];
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return filter;
}

struct PlaceInCourse {
  int severity = 0;
  int rule = 0;
  std::string finding_id{};
};

// Where a list of findings goes on: after this one of a course; without one, after the course.
struct FindingPlace {
  std::string course_id{};
  std::optional<PlaceInCourse> within{};
};

PlaceInCourse PlaceOf(const Finding& finding) {
  return {static_cast<int>(finding.severity), static_cast<int>(finding.rule), finding.finding_id};
}

bool operator<(const PlaceInCourse& a, const PlaceInCourse& b) {
  return std::tie(b.severity, a.rule, a.finding_id) < std::tie(a.severity, b.rule, b.finding_id);
}

std::string WriteFindingCursor(const Finding& last) {
  const PlaceInCourse place = PlaceOf(last);
  return absl::StrCat(last.course_id, " ", place.severity, " ", place.rule, " ", place.finding_id);
}

absl::StatusOr<std::optional<FindingPlace>> ReadFindingCursor(absl::string_view cursor) {
  if (cursor.empty()) return std::optional<FindingPlace>();
  const std::vector<std::string> parts = absl::StrSplit(cursor, ' ');
  FindingPlace place{.course_id = parts[0]};
  if (parts.size() == 1) return std::optional<FindingPlace>(std::move(place));
  PlaceInCourse& within = place.within.emplace();
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[1], &within.severity) ||
      !absl::SimpleAtoi(parts[2], &within.rule)) {
    return InvalidField("page_token", "is not a token of this list");
  }
  within.finding_id = parts[3];
  return std::optional<FindingPlace>(std::move(place));
}

// Looks at courses, a lot after the other, until a page is full.
class FindingPage {
 public:
  FindingPage(FormulationReader& reader, const ProtocolSet& protocols, const CallContext& ctx,
              const FindingFilter& filter, const courses::CopyAge& age, size_t size)
      : reader_(reader),
        protocols_(protocols),
        ctx_(ctx),
        filter_(filter),
        age_(age),
        size_(size) {}

  // `courses`: by id. The cursor of the next page; empty at the end.
  absl::StatusOr<std::string> Fill(const std::vector<CopiedCourse>& courses,
                                   const std::optional<FindingPlace>& after,
                                   pb::ListFindingsResponse* out) {
    IPT_ASSIGN_OR_RETURN(policy_, reader_.GetPolicy(ctx_.clinic_id));
    const size_t first = after.has_value() ? FirstAfter(courses, *after) : 0;
    const size_t end = std::min(courses.size(), first + MostCourses(static_cast<int>(size_)));
    for (size_t lot = first; lot < end && !more_; lot += kCoursesAtOnce) {
      IPT_RETURN_IF_ERROR(AddLot(courses.data() + lot,
                                 courses.data() + std::min(end, lot + kCoursesAtOnce), after, out));
    }
    if (more_) return WriteFindingCursor(last_);
    return end < courses.size() ? courses[end - 1].course_id : "";
  }

 private:
  static size_t FirstAfter(const std::vector<CopiedCourse>& courses, const FindingPlace& after) {
    const auto first =
        std::find_if(courses.begin(), courses.end(), [&](const CopiedCourse& course) {
          return after.within.has_value() ? course.course_id >= after.course_id
                                          : course.course_id > after.course_id;
        });
    return first - courses.begin();
  }

  absl::Status AddLot(const CopiedCourse* begin, const CopiedCourse* end,
                      const std::optional<FindingPlace>& after, pb::ListFindingsResponse* out) {
    std::vector<const CopiedCourse*> lot;
    std::vector<std::string> ids;
    for (const CopiedCourse* course = begin; course != end; ++course) {
      if (!filter_.Takes(*course)) continue;
      lot.push_back(course);
      ids.push_back(course->course_id);
    }
    if (lot.empty()) return absl::OkStatus();
    IPT_ASSIGN_OR_RETURN(const auto records, reader_.ListCourseRecords(ctx_.clinic_id, ids));
    for (size_t i = 0; i < lot.size() && !more_; ++i) {
      const bool begun = after.has_value() && after->course_id == ids[i];
      IPT_RETURN_IF_ERROR(
          AddCourse(*lot[i], records[i], begun ? after->within : std::nullopt, out));
    }
    return absl::OkStatus();
  }

  absl::Status AddCourse(const CopiedCourse& course, const CourseRecords& records,
                         const std::optional<PlaceInCourse>& after, pb::ListFindingsResponse* out) {
    IPT_ASSIGN_OR_RETURN(std::vector<Finding> findings,
                         FindingsOf(protocols_, course, records, policy_, ctx_.now));
    absl::c_sort(findings,
                 [](const Finding& a, const Finding& b) { return PlaceOf(a) < PlaceOf(b); });
    for (Finding& finding : findings) {
      if (!filter_.Takes(finding) || (after.has_value() && !(*after < PlaceOf(finding)))) continue;
      if (static_cast<size_t>(out->findings_size()) == size_) {
        more_ = true;
        return absl::OkStatus();
      }
      pb::Finding* written = out->add_findings();
      WriteFinding(ctx_.clinic_id, finding, written);
      courses::WriteScheduling(age_, written->mutable_scheduling());
      last_ = std::move(finding);
    }
    return absl::OkStatus();
  }

  FormulationReader& reader_;
  const ProtocolSet& protocols_;
  const CallContext& ctx_;
  const FindingFilter& filter_;
  const courses::CopyAge age_;
  const size_t size_;
  FormulationPolicy policy_;
  Finding last_;       // that was written
  bool more_ = false;  // come after it
};

}  // namespace

absl::StatusOr<pb::ListProtocolsResponse> ProtocolHandler::ListProtocols(
    const CallContext& ctx, const pb::ListProtocolsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  const int size = std::min(page.size, kMostProtocolsAPage);
  return rpc::ReadView<pb::ListProtocolsResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ListProtocolsResponse> {
        IPT_ASSIGN_OR_RETURN(const FormulationPolicy policy, reader.GetPolicy(ctx.clinic_id));
        pb::ListProtocolsResponse response;
        const Protocol* last = nullptr;
        for (const Protocol& protocol : protocols_.all()) {
          const bool in_use = IsInUse(protocols_, protocol, policy);
          if (protocol.id <= page.cursor || (request.in_use_only() && !in_use) ||
              (!request.variant().empty() && protocol.variant_id != request.variant()) ||
              (!request.tradition().empty() && protocol.tradition != request.tradition())) {
            continue;
          }
          if (response.protocols_size() == size) {
            response.set_next_page_token(rpc::NextPageToken(request, last->id));
            break;
          }
          WriteProtocolHead(ctx.clinic_id, protocol, in_use, response.add_protocols());
          last = &protocol;
        }
        return response;
      });
}

absl::StatusOr<pb::Protocol> ProtocolHandler::GetProtocol(const CallContext& ctx,
                                                          const pb::GetProtocolRequest& request) {
  const Protocol* protocol = protocols_.Find(rpc::IdsOf(request.name())[1]);
  if (protocol == nullptr) return NotFound(kProtocolType, request.name());
  return rpc::ReadView<pb::Protocol>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::Protocol> {
        IPT_ASSIGN_OR_RETURN(const FormulationPolicy policy, reader.GetPolicy(ctx.clinic_id));
        pb::Protocol response;
        WriteProtocol(ctx.clinic_id, *protocol, IsInUse(protocols_, *protocol, policy), &response);
        return response;
      });
}

absl::StatusOr<pb::SessionGuide> ProtocolHandler::GetSessionGuide(
    const CallContext& ctx, const pb::GetSessionGuideRequest& request) {
  const EntryIds ids(request.session());
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course,
                       FindCourse(courses_, ctx, ids.course_id, ids.entry_id));
  IPT_ASSIGN_OR_RETURN(const CopiedSession* session, SessionToRead(course, ctx.clinic_id, ids));
  // Outcomes answers while the store is read.
  std::optional<std::future<DueMeasures>> asked;
  if (due_ != nullptr && CanBeDueFor(*course.course, *session)) {
    IPT_ASSIGN_OR_RETURN(const absl::CivilDay day, DayOfSession(*course.course, *session));
    asked = due_->Ask({.clinic_id = ctx.clinic_id,
                       .course_id = ids.course_id,
                       .last_day = day,
                       .deadline = ctx.deadline});
  }
  IPT_ASSIGN_OR_RETURN(pb::SessionGuide guide, GuideInStore(ctx, request, course, *session));
  DueMeasures due{.state = due_ == nullptr ? DueMeasuresState::kNotConfigured
                                           : DueMeasuresState::kKnown};
  if (asked.has_value()) {
    due = asked->get();
    IPT_ASSIGN_OR_RETURN(due.measures, DueFor(*course.course, *session, std::move(due.measures)));
  }
  WriteDueMeasures(ctx.clinic_id, ids.course_id, due, guide.mutable_due_measures());
  return guide;
}

absl::StatusOr<pb::SessionGuide> ProtocolHandler::GuideInStore(
    const CallContext& ctx, const pb::GetSessionGuideRequest& request, const CourseAnswer& course,
    const CopiedSession& session) {
  return rpc::ReadView<pb::SessionGuide>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::SessionGuide> {
        IPT_ASSIGN_OR_RETURN(const LookedAt seen, LookAt(reader, protocols_, ctx, *course.course));
        IPT_ASSIGN_OR_RETURN(const auto areas,
                             reader.ListProblemAreas(ctx.clinic_id, course.course->course_id));
        IPT_ASSIGN_OR_RETURN(const int64_t revision, reader.CurrentRevision());
        pb::SessionGuide response;
        WriteGuide(ctx.clinic_id, course.course->course_id, *seen.protocol,
                   GuideFor(seen.facts(), areas, session, ctx.now), &response);
        for (pb::Finding& finding : *response.mutable_findings()) {
          courses::WriteScheduling(course, finding.mutable_scheduling());
        }
        response.set_revision(revision);
        courses::WriteScheduling(course, response.mutable_scheduling());
        return response;
      });
}

absl::StatusOr<pb::SessionWork> ProtocolHandler::RecordSessionWork(
    const CallContext& ctx, const pb::RecordSessionWorkRequest& request) {
  const EntryIds ids(request.session());
  return WriteToCourse<pb::SessionWork>(
      store_, courses_, ctx, ids.course_id, ids.entry_id,
      [&](FormulationTx& tx, const CourseAnswer& course) -> absl::StatusOr<pb::SessionWork> {
        IPT_ASSIGN_OR_RETURN(const SessionWork before,
                             tx.GetSessionWork(ctx.clinic_id, ids.course_id, ids.entry_id));
        pb::SessionWork merged;
        WriteSessionWork(before, &merged);
        IPT_RETURN_IF_ERROR(rpc::MergeByMask(request.update_mask(), request.session_work(), merged,
                                             "session_work"));
        IPT_ASSIGN_OR_RETURN(
            SessionWork after,
            formulation::RecordSessionWork(tx, ctx, protocols_, *course.course, before,
                                           ReadSessionWork(merged, ids.course_id),
                                           rpc::RevisionOfEtag(request.session_work().etag())));
        if (ctx.validate_only) after.stamp.revision = 0;
        return Described(tx, protocols_, ctx, course, after);
      });
}

absl::StatusOr<pb::SessionWork> ProtocolHandler::GetSessionWork(
    const CallContext& ctx, const pb::GetSessionWorkRequest& request) {
  const EntryIds ids(request.session());
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course,
                       FindCourse(courses_, ctx, ids.course_id, ids.entry_id));
  IPT_RETURN_IF_ERROR(RefuseAbsentSession(course, ctx.clinic_id, ids));
  return rpc::ReadView<pb::SessionWork>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::SessionWork> {
        IPT_ASSIGN_OR_RETURN(const SessionWork work,
                             reader.GetSessionWork(ctx.clinic_id, ids.course_id, ids.entry_id));
        return Described(reader, protocols_, ctx, course, work);
      });
}

absl::StatusOr<pb::ListSessionWorkResponse> ProtocolHandler::ListSessionWork(
    const CallContext& ctx, const pb::ListSessionWorkRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  FieldViolations bad;
  const WorkFilter filter{
      .phases = rpc::ReadStated<Phase>(request.phases(), bad, "phases"),
      .problem_area_id = ReadEntryId(course_id, request.problem_area(), "problem_area", bad)};
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course, FindCourseToRead(courses_, ctx, course_id));
  return rpc::ReadView<pb::ListSessionWorkResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ListSessionWorkResponse> {
        IPT_ASSIGN_OR_RETURN(const auto view, ViewOf(reader, protocols_, ctx, course));
        IPT_ASSIGN_OR_RETURN(auto recorded, reader.ListSessionWork(ctx.clinic_id, course_id));
        std::vector<ListedWork> list = InOrder(std::move(recorded), view);
        std::erase_if(list, [&](const ListedWork& listed) { return !filter.Takes(listed); });
        const auto shown = PageOf(list, page, kMostWorkAPage, &ListedWork::session_id);
        pb::ListSessionWorkResponse response;
        for (const ListedWork& listed : shown.entries) {
          pb::SessionWork* written = response.add_session_work();
          WriteSessionWork(listed.work, written);
          WriteSession(listed.place, course, written);
        }
        if (!shown.next_cursor.empty()) {
          response.set_next_page_token(rpc::NextPageToken(request, shown.next_cursor));
        }
        courses::WriteScheduling(course, response.mutable_scheduling());
        return response;
      });
}

absl::StatusOr<pb::Termination> ProtocolHandler::GetTermination(
    const CallContext& ctx, const pb::GetTerminationRequest& request) {
  const std::string course_id = rpc::IdsOf(request.course())[1];
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course, FindCourseToRead(courses_, ctx, course_id));
  return rpc::ReadView<pb::Termination>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::Termination> {
        IPT_ASSIGN_OR_RETURN(const Termination termination,
                             reader.GetTermination(ctx.clinic_id, course_id));
        return Described(reader, protocols_, ctx, course, termination);
      });
}

absl::StatusOr<pb::Termination> ProtocolHandler::UpdateTermination(
    const CallContext& ctx, const pb::UpdateTerminationRequest& request) {
  const std::string course_id = rpc::IdsOf(request.course())[1];
  return WriteToCourse<pb::Termination>(
      store_, courses_, ctx, course_id, "",
      [&](FormulationTx& tx, const CourseAnswer& course) -> absl::StatusOr<pb::Termination> {
        IPT_ASSIGN_OR_RETURN(const Termination before, tx.GetTermination(ctx.clinic_id, course_id));
        pb::Termination merged;
        WriteTermination(before, &merged);
        IPT_RETURN_IF_ERROR(
            rpc::MergeByMask(request.update_mask(), request.termination(), merged, "termination"));
        FieldViolations bad;
        Termination after = ReadTermination(merged, bad.In("termination"));
        IPT_RETURN_IF_ERROR(bad.ToStatus());
        IPT_ASSIGN_OR_RETURN(after, formulation::UpdateTermination(
                                        tx, ctx, before, std::move(after),
                                        rpc::RevisionOfEtag(request.termination().etag())));
        if (ctx.validate_only) after.stamp.revision = 0;
        return Described(tx, protocols_, ctx, course, after);
      });
}

absl::StatusOr<pb::ProtocolAdherence> ProtocolHandler::GetProtocolAdherence(
    const CallContext& ctx, const pb::GetProtocolAdherenceRequest& request) {
  const std::string course_id = rpc::IdsOf(request.course())[1];
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course, FindCourse(courses_, ctx, course_id));
  IPT_ASSIGN_OR_RETURN(const CopiedCourse* known, CourseToRead(course, ctx.clinic_id, course_id));
  return rpc::ReadView<pb::ProtocolAdherence>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ProtocolAdherence> {
        IPT_ASSIGN_OR_RETURN(const LookedAt seen, LookAt(reader, protocols_, ctx, *known));
        IPT_ASSIGN_OR_RETURN(const int64_t revision, reader.CurrentRevision());
        pb::ProtocolAdherence response;
        WriteAdherence(ctx.clinic_id, course_id, *seen.protocol, seen.policy,
                       EvaluateAdherence(seen.facts()), &response);
        response.set_revision(revision);
        courses::WriteScheduling(course, response.mutable_scheduling());
        return response;
      });
}

absl::StatusOr<courses::ListedCourses> ProtocolHandler::CoursesOf(
    const CallContext& ctx, const pb::ListFindingsRequest& request,
    const std::string& from_course_id, int page_size) {
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  if (course_id == "-") {
    // Of closed courses none.
    courses::CourseListing open{.closed_since = absl::InfiniteFuture(),
                                .sessions_since = absl::InfiniteFuture(),
                                .from_course_id = from_course_id,
                                // The one that it goes on from may be done, and one more follows.
                                .limit = static_cast<int>(MostCourses(page_size)) + 2};
    if (!request.therapist().empty()) open.therapist_id = rpc::IdsOf(request.therapist())[1];
    return lister_.ListCourses(ctx.clinic_id, open, ctx.now, ctx.deadline);
  }
  IPT_ASSIGN_OR_RETURN(CourseAnswer course, FindCourseToRead(courses_, ctx, course_id));
  courses::ListedCourses listed;
  listed.age = {.as_of = course.as_of, .current = course.known == CourseAnswer::Known::kVerified};
  if (course.course.has_value()) listed.courses.push_back(*std::move(course.course));
  return listed;
}

absl::StatusOr<pb::ListFindingsResponse> ProtocolHandler::ListFindings(
    const CallContext& ctx, const pb::ListFindingsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  IPT_ASSIGN_OR_RETURN(const auto after, ReadFindingCursor(page.cursor));
  IPT_ASSIGN_OR_RETURN(const FindingFilter filter, ReadFilter(request));
  IPT_ASSIGN_OR_RETURN(
      const courses::ListedCourses listed,
      CoursesOf(ctx, request, after.has_value() ? after->course_id : "", page.size));
  return rpc::ReadView<pb::ListFindingsResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ListFindingsResponse> {
        pb::ListFindingsResponse response;
        FindingPage filled(reader, protocols_, ctx, filter, listed.age, page.size);
        IPT_ASSIGN_OR_RETURN(const std::string next, filled.Fill(listed.courses, after, &response));
        if (!next.empty()) response.set_next_page_token(rpc::NextPageToken(request, next));
        courses::WriteScheduling(listed.age, response.mutable_scheduling());
        return response;
      });
}

}  // namespace ipt::formulation
