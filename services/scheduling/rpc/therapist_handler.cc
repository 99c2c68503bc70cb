#include "scheduling/rpc/therapist_handler.h"

#include <cstdint>
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
#include "scheduling/domain/names.h"
#include "scheduling/domain/therapists.h"
#include "scheduling/domain/variants.h"
#include "scheduling/rpc/session_proto.h"
#include "scheduling/rpc/therapist_proto.h"

namespace ipt::scheduling {
namespace {

constexpr int kDefaultCalendarDays = 7;
constexpr int kMaxCalendarDays = 92;

pb::Therapist ToProto(const Therapist& therapist) {
  pb::Therapist out;
  WriteTherapist(therapist, &out);
  return out;
}

// The revision of this write; 0 where nothing is kept: the one it took may become another write's.
absl::StatusOr<int64_t> KeptRevision(SchedulingTx& tx, const CallContext& ctx) {
  if (ctx.validate_only) return 0;
  return tx.log().Revision();
}

std::string ToCursor(absl::Time start, const std::string& id) {
  return absl::StrCat(absl::ToUnixMicros(start), "/", id);
}

absl::StatusOr<std::optional<SpanCursor>> FromCursor(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('/', 1));
  int64_t micros = 0;
  if (!absl::SimpleAtoi(parts.first, &micros) || parts.second.empty()) {
    return InvalidField("page_token", "is not a token of this list");
  }
  return SpanCursor{absl::FromUnixMicros(micros), parts.second};
}

// The two lists of spans in a therapist's calendar, by start: what they have in common.
// `list(reader, ends_after, cursor, limit)` returns rows, `id_of(row)` their id, `add(row)` writes.
template <typename Resp, typename Request, typename List, typename IdOf, typename Add>
absl::StatusOr<Resp> ListSpans(SchedulingStore& store, const CallContext& ctx,
                               const Request& request, List list, IdOf id_of, Add add) {
  FieldViolations bad;
  absl::Time ends_after = absl::InfinitePast();
  if (request.has_start_time()) {
    ends_after = rpc::ReadTime(request.start_time(), bad, "start_time").value_or(ends_after);
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  IPT_ASSIGN_OR_RETURN(const auto after, FromCursor(page.cursor));
  const std::string therapist_id = rpc::IdsOf(request.parent()).back();
  return rpc::ReadView<Resp>(store, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<Resp> {
    IPT_RETURN_IF_ERROR(reader.GetTherapist(ctx.clinic_id, therapist_id).status());
    IPT_ASSIGN_OR_RETURN(auto rows, list(reader, therapist_id, ends_after, after, page.size + 1));
    Resp response;
    if (rows.size() > static_cast<size_t>(page.size)) {
      rows.resize(page.size);
      response.set_next_page_token(
          rpc::NextPageToken(request, ToCursor(rows.back().interval.start, id_of(rows.back()))));
    }
    for (const auto& row : rows) add(row, response);
    return response;
  });
}

}  // namespace

absl::StatusOr<pb::Therapist> TherapistHandler::CreateTherapist(
    const CallContext& ctx, const pb::CreateTherapistRequest& request) {
  FieldViolations bad;
  if (!request.therapist_id().empty() && !IsValidId(request.therapist_id())) {
    bad.Add("therapist_id", "must be 1 to 63 of a-z, 0-9 and -, starting with a letter or digit");
  }
  FieldViolations in_therapist = bad.In("therapist");
  Therapist therapist = ReadTherapist(request.therapist(), in_therapist);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  therapist.clinic_id = ctx.clinic_id;
  therapist.therapist_id = request.therapist_id().empty() ? ids_.NewUuid() : request.therapist_id();

  return rpc::WriteOnce<pb::Therapist>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::Therapist> {
        IPT_ASSIGN_OR_RETURN(const Therapist created,
                             scheduling::CreateTherapist(tx, ctx, therapist));
        return ToProto(created);
      });
}

absl::StatusOr<pb::Therapist> TherapistHandler::GetTherapist(
    const CallContext& ctx, const pb::GetTherapistRequest& request) {
  const std::string therapist_id = rpc::IdsOf(request.name()).back();
  return rpc::ReadView<pb::Therapist>(
      store_, ctx, request.min_revision(),
      [&](SchedulingReader& reader) -> absl::StatusOr<pb::Therapist> {
        IPT_ASSIGN_OR_RETURN(const Therapist therapist,
                             reader.GetTherapist(ctx.clinic_id, therapist_id));
        return ToProto(therapist);
      });
}

absl::StatusOr<pb::ListTherapistsResponse> TherapistHandler::ListTherapists(
    const CallContext& ctx, const pb::ListTherapistsRequest& request) {
  FieldViolations bad;
  TherapistFilter filter;
  filter.active_only = request.active_only();
  if (!request.language().empty()) {
    const auto language = CanonicalLanguage(request.language());
    if (!language.has_value()) bad.Add("language", "must be a BCP 47 tag such as en or pt-BR");
    filter.language = language.value_or("");
  }
  filter.variant = request.variant();
  if (!filter.variant.empty() && FindVariant(filter.variant) == nullptr) {
    bad.Add("variant", "is not a variant; CourseService.ListVariants has them");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  return rpc::ReadView<pb::ListTherapistsResponse>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::ListTherapistsResponse> {
        IPT_RETURN_IF_ERROR(reader.GetClinic(ctx.clinic_id).status());
        IPT_ASSIGN_OR_RETURN(auto therapists, reader.ListTherapists(ctx.clinic_id, filter,
                                                                    page.cursor, page.size + 1));
        pb::ListTherapistsResponse response;
        if (therapists.size() > static_cast<size_t>(page.size)) {
          therapists.resize(page.size);
          response.set_next_page_token(rpc::NextPageToken(request, therapists.back().therapist_id));
        }
        for (const Therapist& therapist : therapists) {
          WriteTherapist(therapist, response.add_therapists());
        }
        return response;
      });
}

absl::StatusOr<pb::UpdateTherapistResponse> TherapistHandler::UpdateTherapist(
    const CallContext& ctx, const pb::UpdateTherapistRequest& request) {
  const auto ids = rpc::IdsOf(request.therapist().name());
  if (ids.size() != 2) return InvalidField("therapist.name", "is required");
  return rpc::WriteOnce<pb::UpdateTherapistResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::UpdateTherapistResponse> {
        IPT_ASSIGN_OR_RETURN(const Therapist before, tx.LockTherapist(ids[0], ids[1]));
        IPT_RETURN_IF_ERROR(rpc::CheckEtag(request.therapist().etag(), before.stamp.revision,
                                           kTherapistType, request.therapist().name()));
        pb::Therapist merged = ToProto(before);
        IPT_RETURN_IF_ERROR(
            rpc::MergeByMask(request.update_mask(), request.therapist(), merged, "therapist"));
        FieldViolations bad;
        FieldViolations in_therapist = bad.In("therapist");
        Therapist after = ReadTherapist(merged, in_therapist);
        IPT_RETURN_IF_ERROR(bad.ToStatus());
        after.clinic_id = before.clinic_id;
        after.therapist_id = before.therapist_id;
        after.active = before.active;
        after.open_courses = before.open_courses;
        after.stamp = before.stamp;
        IPT_ASSIGN_OR_RETURN(auto updated,
                             scheduling::UpdateTherapist(tx, ctx, before, std::move(after)));
        if (ctx.validate_only) updated.therapist.stamp = before.stamp;
        pb::UpdateTherapistResponse response;
        WriteTherapist(updated.therapist, response.mutable_therapist());
        WriteAffected(updated.affected, response);
        return response;
      });
}

absl::StatusOr<pb::DeactivateTherapistResponse> TherapistHandler::DeactivateTherapist(
    const CallContext& ctx, const pb::DeactivateTherapistRequest& request) {
  const std::string therapist_id = rpc::IdsOf(request.name()).back();
  return rpc::WriteOnce<pb::DeactivateTherapistResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::DeactivateTherapistResponse> {
        IPT_ASSIGN_OR_RETURN(const Therapist before, tx.LockTherapist(ctx.clinic_id, therapist_id));
        IPT_RETURN_IF_ERROR(
            rpc::CheckEtag(request.etag(), before.stamp.revision, kTherapistType, request.name()));
        IPT_ASSIGN_OR_RETURN(auto result,
                             scheduling::DeactivateTherapist(tx, ctx, before, request.force()));
        if (ctx.validate_only) result.therapist.stamp = before.stamp;
        pb::DeactivateTherapistResponse response;
        WriteTherapist(result.therapist, response.mutable_therapist());
        WriteAffected(result.affected, response);
        for (const std::string& course_id : result.open_courses) {
          response.add_open_courses(CourseName(ctx.clinic_id, course_id));
        }
        return response;
      });
}

absl::StatusOr<pb::Therapist> TherapistHandler::ActivateTherapist(
    const CallContext& ctx, const pb::ActivateTherapistRequest& request) {
  const std::string therapist_id = rpc::IdsOf(request.name()).back();
  return rpc::WriteOnce<pb::Therapist>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::Therapist> {
        IPT_ASSIGN_OR_RETURN(Therapist therapist, tx.LockTherapist(ctx.clinic_id, therapist_id));
        IPT_RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), therapist.stamp.revision, kTherapistType,
                                           request.name()));
        IPT_ASSIGN_OR_RETURN(therapist,
                             scheduling::ActivateTherapist(tx, ctx, std::move(therapist)));
        return ToProto(therapist);
      });
}

absl::StatusOr<pb::CreateTimeOffResponse> TherapistHandler::CreateTimeOff(
    const CallContext& ctx, const pb::CreateTimeOffRequest& request) {
  FieldViolations bad;
  FieldViolations in_time_off = bad.In("time_off");
  TimeOff time_off = ReadTimeOff(request.time_off(), in_time_off);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  time_off.clinic_id = ctx.clinic_id;
  time_off.therapist_id = rpc::IdsOf(request.parent()).back();
  time_off.time_off_id = ids_.NewUuid();
  return rpc::WriteOnce<pb::CreateTimeOffResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::CreateTimeOffResponse> {
        IPT_ASSIGN_OR_RETURN(auto created, scheduling::CreateTimeOff(tx, ctx, time_off));
        if (ctx.validate_only) created.time_off.stamp.revision = 0;
        pb::CreateTimeOffResponse response;
        WriteTimeOff(created.time_off, response.mutable_time_off());
        WriteAffected(created.affected, response);
        IPT_ASSIGN_OR_RETURN(const int64_t revision, KeptRevision(tx, ctx));
        response.set_revision(revision);
        return response;
      });
}

absl::StatusOr<pb::ListTimeOffResponse> TherapistHandler::ListTimeOff(
    const CallContext& ctx, const pb::ListTimeOffRequest& request) {
  return ListSpans<pb::ListTimeOffResponse>(
      store_, ctx, request,
      [&](SchedulingReader& reader, const std::string& therapist_id, absl::Time ends_after,
          const std::optional<SpanCursor>& after, int limit) {
        return reader.ListTimeOff(ctx.clinic_id, therapist_id, ends_after, absl::InfiniteFuture(),
                                  after, limit);
      },
      [](const TimeOff& row) { return row.time_off_id; },
      [](const TimeOff& row, pb::ListTimeOffResponse& response) {
        WriteTimeOff(row, response.add_time_off());
      });
}

absl::StatusOr<pb::DeleteTimeOffResponse> TherapistHandler::DeleteTimeOff(
    const CallContext& ctx, const pb::DeleteTimeOffRequest& request) {
  const auto ids = rpc::IdsOf(request.name());
  return rpc::WriteOnce<pb::DeleteTimeOffResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::DeleteTimeOffResponse> {
        IPT_RETURN_IF_ERROR(scheduling::DeleteTimeOff(tx, ctx, ids[0], ids[1], ids[2]));
        pb::DeleteTimeOffResponse response;
        IPT_ASSIGN_OR_RETURN(const int64_t revision, KeptRevision(tx, ctx));
        response.set_revision(revision);
        return response;
      });
}

absl::StatusOr<pb::ExtraHours> TherapistHandler::CreateExtraHours(
    const CallContext& ctx, const pb::CreateExtraHoursRequest& request) {
  FieldViolations bad;
  FieldViolations in_hours = bad.In("extra_hours");
  ExtraHours extra_hours = ReadExtraHours(request.extra_hours(), in_hours);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  extra_hours.clinic_id = ctx.clinic_id;
  extra_hours.therapist_id = rpc::IdsOf(request.parent()).back();
  extra_hours.extra_hours_id = ids_.NewUuid();
  return rpc::WriteOnce<pb::ExtraHours>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::ExtraHours> {
        IPT_ASSIGN_OR_RETURN(const ExtraHours created,
                             scheduling::CreateExtraHours(tx, ctx, extra_hours));
        pb::ExtraHours response;
        WriteExtraHours(created, &response);
        return response;
      });
}

absl::StatusOr<pb::ListExtraHoursResponse> TherapistHandler::ListExtraHours(
    const CallContext& ctx, const pb::ListExtraHoursRequest& request) {
  return ListSpans<pb::ListExtraHoursResponse>(
      store_, ctx, request,
      [&](SchedulingReader& reader, const std::string& therapist_id, absl::Time ends_after,
          const std::optional<SpanCursor>& after, int limit) {
        return reader.ListExtraHours(ctx.clinic_id, therapist_id, ends_after,
                                     absl::InfiniteFuture(), after, limit);
      },
      [](const ExtraHours& row) { return row.extra_hours_id; },
      [](const ExtraHours& row, pb::ListExtraHoursResponse& response) {
        WriteExtraHours(row, response.add_extra_hours());
      });
}

absl::StatusOr<pb::DeleteExtraHoursResponse> TherapistHandler::DeleteExtraHours(
    const CallContext& ctx, const pb::DeleteExtraHoursRequest& request) {
  const auto ids = rpc::IdsOf(request.name());
  return rpc::WriteOnce<pb::DeleteExtraHoursResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::DeleteExtraHoursResponse> {
        IPT_ASSIGN_OR_RETURN(const auto affected,
                             scheduling::DeleteExtraHours(tx, ctx, ids[0], ids[1], ids[2]));
        pb::DeleteExtraHoursResponse response;
        WriteAffected(affected, response);
        IPT_ASSIGN_OR_RETURN(const int64_t revision, KeptRevision(tx, ctx));
        response.set_revision(revision);
        return response;
      });
}

absl::StatusOr<pb::TherapistCalendar> TherapistHandler::GetTherapistCalendar(
    const CallContext& ctx, const pb::GetTherapistCalendarRequest& request) {
  FieldViolations bad;
  std::optional<absl::CivilDay> first;
  if (request.has_first_day()) {
    first = rpc::ReadDay(request.first_day(), bad, "first_day");
  } else {
    bad.Add("first_day", "is required");
  }
  const int days = request.days() == 0 ? kDefaultCalendarDays : request.days();
  if (days < 1 || days > kMaxCalendarDays) {
    bad.Add("days",
            absl::StrCat("must be 1 to ", kMaxCalendarDays, ", or 0 for ", kDefaultCalendarDays));
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  const std::string therapist_id = rpc::IdsOf(request.name()).back();
  return rpc::ReadView<pb::TherapistCalendar>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::TherapistCalendar> {
        IPT_ASSIGN_OR_RETURN(const TherapistCalendar calendar,
                             scheduling::GetTherapistCalendar(reader, ctx.clinic_id, therapist_id,
                                                              {*first, *first + (days - 1)}));
        pb::TherapistCalendar response;
        response.set_therapist(request.name());
        response.set_time_zone(calendar.time_zone);
        for (const Interval& span : calendar.available) {
          WriteInterval(span, response.add_available());
        }
        for (const TimeOff& span : calendar.time_off) WriteTimeOff(span, response.add_time_off());
        for (const absl::CivilDay day : calendar.holidays) {
          rpc::WriteDay(day, response.add_holidays());
        }
        WriteSessions(calendar.sessions, response.mutable_sessions());
        return response;
      });
}

}  // namespace ipt::scheduling
