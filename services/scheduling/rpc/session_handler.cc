#include "scheduling/rpc/session_handler.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/write_once.h"
#include "scheduling/domain/availability_rules.h"
#include "scheduling/domain/free_time.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/sessions.h"
#include "scheduling/domain/variants.h"
#include "scheduling/rpc/course_proto.h"
#include "scheduling/rpc/plan_proto.h"
#include "scheduling/rpc/session_proto.h"

namespace ipt::scheduling {
namespace {

// The ids in a session's name, which the adapter has matched.
struct SessionIds {
  explicit SessionIds(absl::string_view name) {
    const auto ids = rpc::IdsOf(name);
    course_id = ids[1];
    session_id = ids[2];
  }
  std::string course_id;
  std::string session_id;
};

BookingOverride ReadOverride(const pb::BookingOverride& override, FieldViolations& bad) {
  BookingOverride read{.outside_availability = override.outside_availability(),
                       .past_deadline = override.past_deadline(),
                       .during_pause = override.during_pause(),
                       .reason = override.reason()};
  if (read.Any() && read.reason.empty()) {
    bad.In("override").Add("reason", "is required where anything is overridden");
  }
  return read;
}

// Positions in lists: microseconds, then ids; ids hold no space.
std::string WritePosition(absl::Time start, absl::string_view id,
                          absl::string_view second_id = "") {
  return absl::StrCat(absl::ToUnixMicros(start), " ", id, " ", second_id);
}
struct Position {
  absl::Time start;
  std::string id;
  std::string second_id;
};
absl::StatusOr<std::optional<Position>> ReadPosition(absl::string_view cursor) {
  if (cursor.empty()) return std::optional<Position>();
  const std::vector<std::string> parts = absl::StrSplit(cursor, ' ');
  int64_t micros = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &micros)) {
    return InvalidField("page_token", "is not a token of this list");
  }
  return std::optional<Position>(Position{absl::FromUnixMicros(micros), parts[1], parts[2]});
}

}  // namespace

template <typename Change>
absl::StatusOr<pb::Session> SessionHandler::WriteSessionOnce(const CallContext& ctx,
                                                             Change&& change) {
  return rpc::WriteOnce<pb::Session>(store_, ctx,
                                     [&](SchedulingTx& tx) -> absl::StatusOr<pb::Session> {
                                       IPT_ASSIGN_OR_RETURN(const Session session, change(tx));
                                       pb::Session response;
                                       WriteSession(session, &response);
                                       return response;
                                     });
}

absl::StatusOr<pb::Session> SessionHandler::BookSession(const CallContext& ctx,
                                                        const pb::BookSessionRequest& request) {
  FieldViolations bad;
  BookSessionCommand command;
  command.course_id = rpc::IdsOf(request.parent())[1];
  command.session_id = ReadNewId(request.session_id(), bad, "session_id");
  const auto start = rpc::ReadTime(request.start_time(), bad, "start_time");
  command.start = start.value_or(absl::Time());
  command.session_minutes = ReadSessionMinutes(request, bad);
  command.modality = static_cast<Modality>(request.modality());
  command.location = request.location();
  command.override = ReadOverride(request.override(), bad);
  command.retrospective = request.retrospective();
  // What depends on the instant is judged in the transaction, so that a retry finds its answer
  // first; but whoever is refused anyway is told of all at once.
  if (!bad.empty() && start.has_value()) {
    CheckStart(*start, ctx.now, command.retrospective, bad, "start_time");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return WriteSessionOnce(
      ctx, [&](SchedulingTx& tx) { return scheduling::BookSession(tx, ctx, ids_, command); });
}

absl::StatusOr<pb::Session> SessionHandler::GetSession(const CallContext& ctx,
                                                       const pb::GetSessionRequest& request) {
  const SessionIds ids(request.name());
  return rpc::ReadView<pb::Session>(
      store_, ctx, request.min_revision(),
      [&](SchedulingReader& reader) -> absl::StatusOr<pb::Session> {
        IPT_ASSIGN_OR_RETURN(const Session session,
                             reader.GetSession(ctx.clinic_id, ids.course_id, ids.session_id));
        pb::Session response;
        WriteSession(session, &response);
        return response;
      });
}

absl::StatusOr<pb::ListSessionsResponse> SessionHandler::ListSessions(
    const CallContext& ctx, const pb::ListSessionsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  IPT_ASSIGN_OR_RETURN(const auto position, ReadPosition(page.cursor));
  std::optional<SessionCursor> after;
  if (position.has_value()) after = {position->start, position->id, position->second_id};

  FieldViolations bad;
  SessionFilter filter;
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  if (course_id != "-") filter.course_id = course_id;
  for (int i = 0; i < request.states_size(); ++i) {
    if (request.states(i) == 0) bad.At("states", i).Add("", "must be stated");
    filter.states.push_back(static_cast<SessionState>(request.states(i)));
  }
  if (!request.therapist().empty()) filter.therapist_id = rpc::IdsOf(request.therapist())[1];
  if (request.has_start_time()) {
    filter.ends_after = rpc::ReadTime(request.start_time(), bad, "start_time");
  }
  if (request.has_end_time()) {
    filter.starts_before = rpc::ReadTime(request.end_time(), bad, "end_time");
  }
  if (filter.ends_after.has_value() && filter.starts_before.has_value() &&
      *filter.starts_before <= *filter.ends_after) {
    bad.Add("end_time", "must be after start_time");
  }
  if (request.unrecorded_only()) filter.unrecorded_at = ctx.now;
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::ReadView<pb::ListSessionsResponse>(
      store_, ctx, request.min_revision(),
      [&](SchedulingReader& reader) -> absl::StatusOr<pb::ListSessionsResponse> {
        IPT_ASSIGN_OR_RETURN(auto sessions,
                             reader.ListSessions(ctx.clinic_id, filter, after, page.size + 1));
        if (sessions.empty() && !filter.course_id.empty()) {
          IPT_RETURN_IF_ERROR(reader.GetCourse(ctx.clinic_id, filter.course_id).status());
        }
        pb::ListSessionsResponse response;
        if (sessions.size() > static_cast<size_t>(page.size)) {
          sessions.resize(page.size);
          const Session& last = sessions.back();
          response.set_next_page_token(rpc::NextPageToken(
              request, WritePosition(last.interval.start, last.course_id, last.session_id)));
        }
        WriteSessions(sessions, response.mutable_sessions());
        return response;
      });
}

absl::StatusOr<pb::Session> SessionHandler::UpdateSession(const CallContext& ctx,
                                                          const pb::UpdateSessionRequest& request) {
  if (request.session().name().empty()) return InvalidField("session.name", "is required");
  const SessionIds ids(request.session().name());
  return WriteSessionOnce(ctx, [&](SchedulingTx& tx) -> absl::StatusOr<Session> {
    return scheduling::UpdateSession(
        tx, ctx, ids.course_id, ids.session_id, rpc::RevisionOfEtag(request.session().etag()),
        [&](const Session& session) -> absl::StatusOr<SessionDetails> {
          pb::Session merged;
          WriteSession(session, &merged);
          IPT_RETURN_IF_ERROR(
              rpc::MergeByMask(request.update_mask(), request.session(), merged, "session"));
          return SessionDetails{static_cast<Modality>(merged.modality()), merged.location()};
        });
  });
}

absl::StatusOr<pb::RescheduleSessionResponse> SessionHandler::RescheduleSession(
    const CallContext& ctx, const pb::RescheduleSessionRequest& request) {
  FieldViolations bad;
  const SessionIds ids(request.name());
  RescheduleCommand command;
  command.course_id = ids.course_id;
  command.session_id = ids.session_id;
  command.if_revision = rpc::RevisionOfEtag(request.etag());
  const auto start = rpc::ReadTime(request.start_time(), bad, "start_time");
  command.start = start.value_or(absl::Time());
  command.session_minutes = ReadSessionMinutes(request, bad);
  command.following = request.scope() == pb::RESCHEDULE_SCOPE_THIS_AND_FOLLOWING;
  command.reason = request.reason();
  command.override = ReadOverride(request.override(), bad);
  if (!bad.empty() && start.has_value()) CheckStart(*start, ctx.now, false, bad, "start_time");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::WriteOnce<pb::RescheduleSessionResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::RescheduleSessionResponse> {
        IPT_ASSIGN_OR_RETURN(const Rescheduled moved,
                             scheduling::RescheduleSession(tx, ctx, command));
        pb::RescheduleSessionResponse response;
        WriteSessions(moved.sessions, response.mutable_sessions());
        if (!ctx.validate_only) response.set_revision(moved.revision);
        return response;
      });
}

absl::StatusOr<pb::Session> SessionHandler::CancelSession(const CallContext& ctx,
                                                          const pb::CancelSessionRequest& request) {
  const SessionIds ids(request.name());
  const CancelSessionCommand command{
      .course_id = ids.course_id,
      .session_id = ids.session_id,
      .if_revision = rpc::RevisionOfEtag(request.etag()),
      .cancelled_by = static_cast<CancelledBy>(request.cancelled_by()),
      .reason = request.reason()};
  return WriteSessionOnce(
      ctx, [&](SchedulingTx& tx) { return scheduling::CancelSession(tx, ctx, command); });
}

absl::StatusOr<pb::Session> SessionHandler::RecordAttendance(
    const CallContext& ctx, const pb::RecordAttendanceRequest& request) {
  const SessionIds ids(request.name());
  const RecordAttendanceCommand command{
      .course_id = ids.course_id,
      .session_id = ids.session_id,
      .if_revision = rpc::RevisionOfEtag(request.etag()),
      .outcome = static_cast<AttendanceOutcome>(request.outcome()),
      .source = static_cast<AttendanceSource>(request.source()),
      .correction_reason = request.correction_reason()};
  return WriteSessionOnce(
      ctx, [&](SchedulingTx& tx) { return scheduling::RecordAttendance(tx, ctx, command); });
}

absl::StatusOr<pb::FindSlotsResponse> SessionHandler::FindSlots(
    const CallContext& ctx, const pb::FindSlotsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  IPT_ASSIGN_OR_RETURN(const auto position, ReadPosition(page.cursor));
  std::optional<SlotCursor> after;
  if (position.has_value()) after = {position->start, position->id};

  FieldViolations bad;
  SlotQuery query;
  for (const std::string& name : request.therapists()) {
    query.therapist_ids.push_back(rpc::IdsOf(name)[1]);
  }
  const auto from = rpc::ReadTime(request.start_time(), bad, "start_time");
  const auto to = rpc::ReadTime(request.end_time(), bad, "end_time");
  if (from.has_value() && to.has_value()) {
    query.within = {*from, *to};
    if (*to <= *from) {
      bad.Add("end_time", "must be after start_time");
    } else if (*to - *from > absl::Hours(24 * kSlotSearchDays)) {
      bad.Add("end_time",
              absl::StrCat("must be at most ", kSlotSearchDays, " days after start_time"));
    }
  }
  query.session_minutes = ReadSessionMinutes(request, bad);
  if (!request.language().empty()) {
    const auto language = CanonicalLanguage(request.language());
    if (!language.has_value()) bad.Add("language", "must be a BCP 47 tag such as en or pt-BR");
    query.language = language.value_or("");
  }
  query.variant_id = request.variant();
  if (!query.variant_id.empty() && FindVariant(query.variant_id) == nullptr) {
    bad.Add("variant", "must be the id of a variant, as ListVariants has them");
  }
  if (!request.course().empty()) query.course_id = rpc::IdsOf(request.course())[1];
  if (!request.ignore_session().empty()) {
    const SessionIds ids(request.ignore_session());
    query.ignore_course_id = ids.course_id;
    query.ignore_session_id = ids.session_id;
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::ReadView<pb::FindSlotsResponse>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::FindSlotsResponse> {
        IPT_ASSIGN_OR_RETURN(auto slots,
                             scheduling::FindSlots(reader, ctx, query, after, page.size + 1));
        pb::FindSlotsResponse response;
        if (slots.size() > static_cast<size_t>(page.size)) {
          slots.resize(page.size);
          response.set_next_page_token(rpc::NextPageToken(
              request, WritePosition(slots.back().interval.start, slots.back().therapist_id)));
        }
        for (const Slot& slot : slots) WriteSlot(ctx.clinic_id, slot, response.add_slots());
        return response;
      });
}

}  // namespace ipt::scheduling
