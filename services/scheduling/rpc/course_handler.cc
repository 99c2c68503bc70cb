#include "scheduling/rpc/course_handler.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/content_hash.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/write_once.h"
#include "platform/transaction/min_revision.h"
#include "scheduling/domain/course_reads.h"
#include "scheduling/domain/courses.h"
#include "scheduling/domain/free_time.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/patients.h"
#include "scheduling/domain/sessions.h"
#include "scheduling/domain/transfers.h"
#include "scheduling/domain/variants.h"
#include "scheduling/rpc/course_proto.h"
#include "scheduling/rpc/plan_proto.h"
#include "scheduling/rpc/session_proto.h"

namespace ipt::scheduling {
namespace {

constexpr int kMaxPlanSessions = 100;

// The id of the course in a name that the adapter has matched.
std::string CourseId(absl::string_view name) { return rpc::IdsOf(name)[1]; }

// The values of a filter; "unspecified" is none.
template <typename To, typename From>
std::vector<To> ReadStates(const From& states, FieldViolations& bad, absl::string_view field) {
  std::vector<To> read;
  for (int i = 0; i < states.size(); ++i) {
    if (states.Get(i) == 0) bad.At(field, i).Add("", "must be stated");
    read.push_back(static_cast<To>(states.Get(i)));
  }
  return read;
}

std::vector<PastSession> ReadPastSessions(const pb::ImportCourseRequest& request,
                                          FieldViolations& bad) {
  std::vector<PastSession> sessions;
  for (int i = 0; i < request.past_sessions_size(); ++i) {
    const pb::PastSession& past = request.past_sessions(i);
    FieldViolations at = bad.At("past_sessions", i);
    PastSession session;
    if (!past.has_start_time()) {
      at.Add("start_time", "is required");
    } else {
      session.start = rpc::ReadTime(past.start_time(), at, "start_time").value_or(absl::Time());
    }
    session.session_minutes = ReadSessionMinutes(past, at);
    session.outcome = static_cast<AttendanceOutcome>(past.outcome());
    if (session.outcome == AttendanceOutcome::kUnspecified) at.Add("outcome", "is required");
    session.modality = static_cast<Modality>(past.modality());
    sessions.push_back(session);
  }
  return sessions;
}

void WriteTransfer(const Transfer& transfer, pb::TransferCourseResponse* out) {
  WriteCourse(transfer.course, out->mutable_course());
  WriteSessions(transfer.moved, out->mutable_moved_sessions());
  WriteSessions(transfer.cancelled, out->mutable_cancelled_sessions());
}

template <typename Resp>
Resp WritePatientCourses(const CallContext& ctx, const PatientCourses& patient) {
  Resp response;
  for (const std::string& id : patient.course_ids) {
    response.add_courses(CourseName(ctx.clinic_id, id));
  }
  response.set_revision(patient.revision);
  return response;
}

std::string SnapshotKey(const CallContext& ctx, const pb::GetCourseRequest& request) {
  return CourseSnapshotKey(ctx.clinic_id, CourseId(request.name()));
}
// Any words of the same list, whatever is asked of its age.
std::string SnapshotKey(const CallContext& ctx, const pb::ListDeadlinesRequest& request) {
  pb::ListDeadlinesRequest list = request;
  list.clear_min_revision();
  list.clear_consistency();
  return DeadlinesSnapshotKey(ctx.clinic_id, absl::BytesToHexString(rpc::ContentHash(list)));
}

template <typename Req>
void FindSnapshot(CourseSnapshots* snapshots, const CallContext& ctx, const Req& request,
                  CourseSnapshots::Found found) {
  if (snapshots == nullptr || request.consistency() == ipt::common::v1::CONSISTENCY_FRESH) {
    return found(nullptr);
  }
  snapshots->Find(SnapshotKey(ctx, request), request.min_revision(), std::move(found));
}

// A position in the list of deadlines: days since 1970, then the course; ids hold no space.
absl::StatusOr<std::optional<DeadlineCursor>> ReadDeadlineCursor(absl::string_view cursor) {
  if (cursor.empty()) return std::optional<DeadlineCursor>();
  const std::vector<std::string> parts = absl::StrSplit(cursor, ' ');
  int64_t day = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &day)) {
    return InvalidField("page_token", "is not a token of this list");
  }
  return std::optional<DeadlineCursor>(DeadlineCursor{absl::CivilDay() + day, parts[1]});
}

// The two identifiers of a change or merge.
struct IdentifierPair {
  Identifier from;
  Identifier to;
};
absl::StatusOr<IdentifierPair> ReadPair(const ipt::common::v1::Identifier& from,
                                        const ipt::common::v1::Identifier& to,
                                        absl::string_view to_field) {
  FieldViolations bad;
  FieldViolations in_from = bad.In("from");
  FieldViolations in_to = bad.In(to_field);
  IdentifierPair pair{ReadIdentifier(from, in_from), ReadIdentifier(to, in_to)};
  if (bad.empty() && pair.from == pair.to) bad.Add(to_field, "must be another one than from");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return pair;
}

}  // namespace

template <typename Change>
absl::StatusOr<pb::Course> CourseHandler::WriteCourseOnce(const CallContext& ctx, Change&& change) {
  return rpc::WriteOnce<pb::Course>(store_, ctx,
                                    [&](SchedulingTx& tx) -> absl::StatusOr<pb::Course> {
                                      IPT_ASSIGN_OR_RETURN(const Course course, change(tx));
                                      pb::Course response;
                                      WriteCourse(course, &response);
                                      return response;
                                    });
}

absl::StatusOr<pb::Course> CourseHandler::CreateCourse(const CallContext& ctx,
                                                       const pb::CreateCourseRequest& request) {
  FieldViolations bad;
  const std::string id = ReadNewId(request.course_id(), bad, "course_id");
  FieldViolations in_course = bad.In("course");
  const CourseDraft draft = ReadCourse(request.course(), in_course);
  CheckCadence(draft, in_course);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return WriteCourseOnce(
      ctx, [&](SchedulingTx& tx) { return scheduling::CreateCourse(tx, ctx, ids_, id, draft); });
}

absl::StatusOr<pb::Course> CourseHandler::ImportCourse(const CallContext& ctx,
                                                       const pb::ImportCourseRequest& request) {
  FieldViolations bad;
  ImportCourseCommand command;
  command.course_id = ReadNewId(request.course_id(), bad, "course_id");
  FieldViolations in_course = bad.In("course");
  command.draft = ReadCourse(request.course(), in_course);
  CheckCadence(command.draft, in_course);
  command.past_sessions = ReadPastSessions(request, bad);
  for (int i = 0; i < request.pauses_size(); ++i) {
    FieldViolations at = bad.At("pauses", i);
    command.pauses.push_back(ReadPause(request.pauses(i), at));
  }
  // What depends on the instant is judged in the transaction, so that a retry finds its answer
  // first; but whoever is refused anyway is told of all at once.
  if (!bad.empty()) CheckPastSessions(command.past_sessions, ctx.now, bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return WriteCourseOnce(
      ctx, [&](SchedulingTx& tx) { return scheduling::ImportCourse(tx, ctx, ids_, command); });
}

absl::StatusOr<pb::Course> CourseHandler::GetCourse(const CallContext& ctx,
                                                    const pb::GetCourseRequest& request) {
  const uint64_t begun = cache_ == nullptr ? 0 : cache_->BeginRead();
  const std::string ticket =
      snapshots_ == nullptr ? "" : snapshots_->BeginFill(SnapshotKey(ctx, request));
  IPT_ASSIGN_OR_RETURN(const auto courses, ReadCourses(store_, ctx, {CourseId(request.name())},
                                                       request.min_revision()));
  pb::Course response;
  WriteCourse(courses.front(), &response);
  if (cache_ != nullptr) {
    cache_->Keep(begun, request.name(), courses.front(), response.SerializeAsString());
  }
  if (snapshots_ != nullptr) {
    rpc::WriteTime(ctx.now, response.mutable_read_time());
    const Course& course = courses.front();
    // What is derived from the time does not outlive it.
    const absl::Duration keep = IsOpen(course.state)
                                    ? std::min(kKeepSnapshots, course.valid_until - ctx.now)
                                    : kKeepSnapshots;
    snapshots_->Fill(SnapshotKey(ctx, request), ticket, course.stamp.revision,
                     response.SerializeAsString(), keep);
  }
  return response;
}

std::shared_ptr<const std::string> CourseHandler::GetCourseFromMemory(
    const CallContext& ctx, const pb::GetCourseRequest& request) {
  return cache_ == nullptr ? nullptr
                           : cache_->Find(request.name(), request.min_revision(), ctx.now);
}

void CourseHandler::GetCourseFromSnapshot(const CallContext& ctx,
                                          const pb::GetCourseRequest& request,
                                          CourseSnapshots::Found found) {
  FindSnapshot(snapshots_, ctx, request, std::move(found));
}

absl::StatusOr<pb::ListDeadlinesResponse> CourseHandler::ListDeadlines(
    const CallContext& ctx, const pb::ListDeadlinesRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  FieldViolations bad;
  std::optional<absl::CivilDay> before;
  if (request.has_before()) before = rpc::ReadDay(request.before(), bad, "before");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(const std::optional<DeadlineCursor> after, ReadDeadlineCursor(page.cursor));

  const std::string ticket =
      snapshots_ == nullptr ? "" : snapshots_->BeginFill(SnapshotKey(ctx, request));
  std::vector<CourseDeadline> deadlines;
  int64_t revision = 0;
  IPT_RETURN_IF_ERROR(store_.Read(ctx.deadline, [&](SchedulingReader& reader) -> absl::Status {
    IPT_RETURN_IF_ERROR(CheckMinRevision(reader, request.min_revision()));
    IPT_ASSIGN_OR_RETURN(revision, reader.CurrentRevision());
    IPT_ASSIGN_OR_RETURN(deadlines,
                         reader.ListDeadlines(ctx.clinic_id, before, after, page.size + 1));
    if (!deadlines.empty() || after.has_value()) return absl::OkStatus();
    return reader.GetClinic(ctx.clinic_id).status();
  }));
  pb::ListDeadlinesResponse response;
  if (deadlines.size() > static_cast<size_t>(page.size)) {
    deadlines.pop_back();
    const CourseDeadline& last = deadlines.back();
    response.set_next_page_token(rpc::NextPageToken(
        request, absl::StrCat(last.day - absl::CivilDay(), " ", last.course_id)));
  }
  for (const CourseDeadline& deadline : deadlines) {
    pb::CourseDeadline* out = response.add_deadlines();
    out->set_course(CourseName(ctx.clinic_id, deadline.course_id));
    rpc::WriteDay(deadline.day, out->mutable_deadline_date());
    out->set_forecast_state(static_cast<pb::ForecastState>(deadline.forecast_state));
  }
  if (snapshots_ != nullptr) {
    rpc::WriteTime(ctx.now, response.mutable_read_time());
    snapshots_->Fill(SnapshotKey(ctx, request), ticket, revision, response.SerializeAsString(),
                     kKeepSnapshots);
  }
  return response;
}

void CourseHandler::ListDeadlinesFromSnapshot(const CallContext& ctx,
                                              const pb::ListDeadlinesRequest& request,
                                              CourseSnapshots::Found found) {
  FindSnapshot(snapshots_, ctx, request, std::move(found));
}

absl::StatusOr<pb::BatchGetCoursesResponse> CourseHandler::BatchGetCourses(
    const CallContext& ctx, const pb::BatchGetCoursesRequest& request) {
  std::vector<std::string> ids;
  for (const std::string& name : request.names()) ids.push_back(CourseId(name));
  IPT_ASSIGN_OR_RETURN(const auto courses, ReadCourses(store_, ctx, ids, request.min_revision()));
  pb::BatchGetCoursesResponse response;
  for (const Course& course : courses) WriteCourse(course, response.add_courses());
  return response;
}

absl::StatusOr<pb::ListCoursesResponse> CourseHandler::ListCourses(
    const CallContext& ctx, const pb::ListCoursesRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  FieldViolations bad;
  CourseFilter filter;
  filter.states = ReadStates<CourseState>(request.states(), bad, "states");
  if (!request.therapist().empty()) filter.therapist_id = rpc::IdsOf(request.therapist())[1];
  if (request.has_patient()) {
    FieldViolations patient = bad.In("patient");
    filter.patient = ReadIdentifier(request.patient(), patient);
  }
  if (request.has_deadline_before()) {
    filter.deadline_before = rpc::ReadDay(request.deadline_before(), bad, "deadline_before");
  }
  filter.forecast_states =
      ReadStates<ForecastState>(request.forecast_states(), bad, "forecast_states");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(const CoursePage courses, ReadCoursePage(store_, ctx, filter, page.cursor,
                                                                page.size, request.min_revision()));
  pb::ListCoursesResponse response;
  for (const Course& course : courses.courses) WriteCourse(course, response.add_courses());
  if (!courses.next.empty()) {
    response.set_next_page_token(rpc::NextPageToken(request, courses.next));
  }
  return response;
}

absl::StatusOr<pb::Course> CourseHandler::UpdateCourse(const CallContext& ctx,
                                                       const pb::UpdateCourseRequest& request) {
  if (request.course().name().empty()) return InvalidField("course.name", "is required");
  return WriteCourseOnce(ctx, [&](SchedulingTx& tx) {
    return scheduling::UpdateCourse(
        tx, ctx, CourseId(request.course().name()), rpc::RevisionOfEtag(request.course().etag()),
        [&](const Course& course) -> absl::StatusOr<CourseDraft> {
          pb::Course merged;
          WriteCourse(course, &merged);
          IPT_RETURN_IF_ERROR(
              rpc::MergeByMask(request.update_mask(), request.course(), merged, "course"));
          // Agreed by other verbs, which have bounds of their own.
          merged.clear_planned_sessions();
          merged.clear_duration_weeks();
          FieldViolations bad;
          FieldViolations in_course = bad.In("course");
          CourseDraft draft = ReadCourse(merged, in_course);
          IPT_RETURN_IF_ERROR(bad.ToStatus());
          return draft;
        });
  });
}

absl::StatusOr<pb::Forecast> CourseHandler::GetCourseForecast(
    const CallContext& ctx, const pb::GetCourseForecastRequest& request) {
  return rpc::ReadView<pb::Forecast>(store_, ctx, request.min_revision(),
                                     [&](SchedulingReader& reader) -> absl::StatusOr<pb::Forecast> {
                                       IPT_ASSIGN_OR_RETURN(
                                           const Forecast forecast,
                                           ReadForecast(reader, ctx, CourseId(request.name())));
                                       pb::Forecast response;
                                       WriteForecast(request.name(), forecast, &response);
                                       return response;
                                     });
}

absl::StatusOr<pb::CoursePlan> CourseHandler::PlanCourse(const CallContext& ctx,
                                                         const pb::PlanCourseRequest& request) {
  FieldViolations bad;
  absl::Time earliest = ctx.now;
  if (request.has_earliest_time()) {
    earliest = rpc::ReadTime(request.earliest_time(), bad, "earliest_time").value_or(ctx.now);
    if (earliest > ctx.now + absl::Hours(24 * kBookAheadDays)) {
      bad.Add("earliest_time", "must not be more than five years ahead");
    }
  }
  if (request.has_session_count() &&
      (request.session_count() < 1 || request.session_count() > kMaxPlanSessions)) {
    bad.Add("session_count", absl::StrCat("must be 1 to ", kMaxPlanSessions));
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::ReadView<pb::CoursePlan>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::CoursePlan> {
        IPT_ASSIGN_OR_RETURN(
            const PlannedCourse planned,
            PlanSessions(reader, ctx, CourseId(request.name()), earliest, request.session_count()));
        pb::CoursePlan response;
        WritePlan(planned.course, planned.plan, &response);
        return response;
      });
}

absl::StatusOr<pb::BookPlanResponse> CourseHandler::BookPlan(const CallContext& ctx,
                                                             const pb::BookPlanRequest& request) {
  FieldViolations bad;
  BookPlanCommand command{.course_id = CourseId(request.name()),
                          .if_revision = rpc::RevisionOfEtag(request.etag()),
                          .slots = {}};
  for (int i = 0; i < request.slots_size(); ++i) {
    const pb::PlanSlot& slot = request.slots(i);
    FieldViolations at = bad.At("slots", i);
    PlanSlot read;
    if (!slot.has_start_time()) {
      at.Add("start_time", "is required");
    } else {
      read.start = rpc::ReadTime(slot.start_time(), at, "start_time").value_or(absl::Time());
    }
    read.session_minutes = ReadSessionMinutes(slot, at);
    read.location = slot.location();
    command.slots.push_back(std::move(read));
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::WriteOnce<pb::BookPlanResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::BookPlanResponse> {
        IPT_ASSIGN_OR_RETURN(const BookedPlan booked, scheduling::BookPlan(tx, ctx, ids_, command));
        pb::BookPlanResponse response;
        WriteSessions(booked.sessions, response.mutable_sessions());
        WriteCourse(booked.course, response.mutable_course());
        return response;
      });
}

absl::StatusOr<pb::PauseCourseResponse> CourseHandler::PauseCourse(
    const CallContext& ctx, const pb::PauseCourseRequest& request) {
  FieldViolations bad;
  FieldViolations in_pause = bad.In("pause");
  const PauseCourseCommand command{.course_id = CourseId(request.name()),
                                   .if_revision = rpc::RevisionOfEtag(request.etag()),
                                   .pause = ReadPause(request.pause(), in_pause),
                                   .cancel_sessions = request.cancel_sessions()};
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::WriteOnce<pb::PauseCourseResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::PauseCourseResponse> {
        IPT_ASSIGN_OR_RETURN(const CourseAndSessions paused,
                             scheduling::PauseCourse(tx, ctx, command));
        pb::PauseCourseResponse response;
        WriteCourse(paused.course, response.mutable_course());
        WriteSessions(paused.sessions, response.mutable_affected_sessions());
        return response;
      });
}

absl::StatusOr<pb::Course> CourseHandler::ResumeCourse(const CallContext& ctx,
                                                       const pb::ResumeCourseRequest& request) {
  FieldViolations bad;
  std::optional<absl::CivilDay> day;
  if (request.has_resume_day()) day = rpc::ReadDay(request.resume_day(), bad, "resume_day");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::WriteOnce<pb::Course>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::Course> {
        IPT_ASSIGN_OR_RETURN(const CourseAndSessions resumed,
                             scheduling::ResumeCourse(tx, ctx, CourseId(request.name()),
                                                      rpc::RevisionOfEtag(request.etag()), day));
        pb::Course response;
        WriteCourse(resumed.course, &response);
        for (const Session& session : resumed.sessions) {
          response.add_affected_sessions(
              SessionName(ctx.clinic_id, session.course_id, session.session_id));
        }
        return response;
      });
}

absl::StatusOr<pb::Course> CourseHandler::ExtendCourse(const CallContext& ctx,
                                                       const pb::ExtendCourseRequest& request) {
  FieldViolations bad;
  if (request.has_planned_sessions() && request.planned_sessions() < 1) {
    bad.Add("planned_sessions", "must be at least 1");
  }
  if (request.has_duration_weeks() && request.duration_weeks() < 1) {
    bad.Add("duration_weeks", "must be at least 1");
  }
  if (!request.has_planned_sessions() && !request.has_duration_weeks()) {
    bad.Add("planned_sessions", "this or duration_weeks must be set");
    bad.Add("duration_weeks", "this or planned_sessions must be set");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  const ExtendCourseCommand command{.course_id = CourseId(request.name()),
                                    .if_revision = rpc::RevisionOfEtag(request.etag()),
                                    .planned_sessions = request.planned_sessions(),
                                    .duration_weeks = request.duration_weeks(),
                                    .reason = request.reason()};
  return WriteCourseOnce(
      ctx, [&](SchedulingTx& tx) { return scheduling::ExtendCourse(tx, ctx, command); });
}

absl::StatusOr<pb::ShortenCourseResponse> CourseHandler::ShortenCourse(
    const CallContext& ctx, const pb::ShortenCourseRequest& request) {
  if (request.planned_sessions() < 1) {
    return InvalidField("planned_sessions", "must be at least 1");
  }
  const ShortenCourseCommand command{.course_id = CourseId(request.name()),
                                     .if_revision = rpc::RevisionOfEtag(request.etag()),
                                     .planned_sessions = request.planned_sessions(),
                                     .reason = request.reason(),
                                     .cancel_sessions = request.cancel_sessions()};
  return rpc::WriteOnce<pb::ShortenCourseResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::ShortenCourseResponse> {
        IPT_ASSIGN_OR_RETURN(const CourseAndSessions shortened,
                             scheduling::ShortenCourse(tx, ctx, command));
        pb::ShortenCourseResponse response;
        WriteCourse(shortened.course, response.mutable_course());
        WriteSessions(shortened.sessions, response.mutable_affected_sessions());
        return response;
      });
}

absl::StatusOr<pb::TransferCourseResponse> CourseHandler::TransferCourse(
    const CallContext& ctx, const pb::TransferCourseRequest& request) {
  const TransferCourseCommand command{
      .course_id = CourseId(request.name()),
      .if_revision = rpc::RevisionOfEtag(request.etag()),
      .therapist_id = rpc::IdsOf(request.therapist())[1],
      .cancel_conflicts = request.on_conflict() == pb::TRANSFER_CONFLICT_CANCEL,
      .reason = request.reason()};
  return rpc::WriteOnce<pb::TransferCourseResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::TransferCourseResponse> {
        IPT_ASSIGN_OR_RETURN(const Transfer transfer, scheduling::TransferCourse(tx, ctx, command));
        pb::TransferCourseResponse response;
        WriteTransfer(transfer, &response);
        return response;
      });
}

absl::StatusOr<pb::TransferCoursesResponse> CourseHandler::TransferCourses(
    const CallContext& ctx, const pb::TransferCoursesRequest& request) {
  TransferCoursesCommand command{
      .from_therapist_id = rpc::IdsOf(request.from_therapist())[1],
      .to_therapist_id = rpc::IdsOf(request.to_therapist())[1],
      .course_ids = {},
      .cancel_conflicts = request.on_conflict() == pb::TRANSFER_CONFLICT_CANCEL,
      .reason = request.reason()};
  if (command.from_therapist_id == command.to_therapist_id) {
    return InvalidField("to_therapist", "must be another one than from_therapist");
  }
  for (const std::string& name : request.courses()) command.course_ids.push_back(CourseId(name));
  return rpc::WriteOnce<pb::TransferCoursesResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::TransferCoursesResponse> {
        IPT_ASSIGN_OR_RETURN(const Transfers transfers,
                             scheduling::TransferCourses(tx, ctx, command));
        pb::TransferCoursesResponse response;
        for (const Transfer& transfer : transfers.transfers) {
          WriteTransfer(transfer, response.add_transfers());
        }
        if (!ctx.validate_only) response.set_revision(transfers.revision);
        return response;
      });
}

absl::StatusOr<pb::Course> CourseHandler::CompleteCourse(const CallContext& ctx,
                                                         const pb::CompleteCourseRequest& request) {
  return WriteCourseOnce(ctx, [&](SchedulingTx& tx) {
    return scheduling::CompleteCourse(tx, ctx, CourseId(request.name()),
                                      rpc::RevisionOfEtag(request.etag()),
                                      request.cancel_sessions());
  });
}

absl::StatusOr<pb::Course> CourseHandler::DiscontinueCourse(
    const CallContext& ctx, const pb::DiscontinueCourseRequest& request) {
  return WriteCourseOnce(ctx, [&](SchedulingTx& tx) {
    return scheduling::DiscontinueCourse(tx, ctx, CourseId(request.name()),
                                         rpc::RevisionOfEtag(request.etag()),
                                         static_cast<ClosureReason>(request.reason()));
  });
}

absl::StatusOr<pb::Course> CourseHandler::ReopenCourse(const CallContext& ctx,
                                                       const pb::ReopenCourseRequest& request) {
  return WriteCourseOnce(ctx, [&](SchedulingTx& tx) {
    return scheduling::ReopenCourse(tx, ctx, CourseId(request.name()),
                                    rpc::RevisionOfEtag(request.etag()), request.reason());
  });
}

absl::StatusOr<pb::ChangePatientIdentifierResponse> CourseHandler::ChangePatientIdentifier(
    const CallContext& ctx, const pb::ChangePatientIdentifierRequest& request) {
  IPT_ASSIGN_OR_RETURN(const IdentifierPair pair, ReadPair(request.from(), request.to(), "to"));
  return rpc::WriteOnce<pb::ChangePatientIdentifierResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::ChangePatientIdentifierResponse> {
        IPT_ASSIGN_OR_RETURN(const PatientCourses patient,
                             scheduling::ChangePatientIdentifier(tx, ctx, pair.from, pair.to));
        return WritePatientCourses<pb::ChangePatientIdentifierResponse>(ctx, patient);
      });
}

absl::StatusOr<pb::MergePatientsResponse> CourseHandler::MergePatients(
    const CallContext& ctx, const pb::MergePatientsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const IdentifierPair pair, ReadPair(request.from(), request.into(), "into"));
  return rpc::WriteOnce<pb::MergePatientsResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::MergePatientsResponse> {
        IPT_ASSIGN_OR_RETURN(const PatientCourses patient,
                             scheduling::MergePatients(tx, ctx, pair.from, pair.to));
        return WritePatientCourses<pb::MergePatientsResponse>(ctx, patient);
      });
}

absl::StatusOr<pb::ListVariantsResponse> CourseHandler::ListVariants(
    const CallContext&, const pb::ListVariantsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  pb::ListVariantsResponse response;
  for (const Variant& variant : Variants()) {
    if (variant.id <= page.cursor) continue;
    if (response.variants_size() == page.size) {
      response.set_next_page_token(
          rpc::NextPageToken(request, response.variants(page.size - 1).id()));
      break;
    }
    WriteVariant(variant, response.add_variants());
  }
  return response;
}

}  // namespace ipt::scheduling
