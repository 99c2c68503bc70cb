#include "scheduling/rpc/clinic_handler.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/write_once.h"
#include "scheduling/domain/clinics.h"
#include "scheduling/domain/names.h"
#include "scheduling/rpc/clinic_proto.h"
#include "scheduling/rpc/session_proto.h"

namespace ipt::scheduling {
namespace {

// Every day that a holiday can have lies between them.
constexpr absl::CivilDay kFirstDay(1900, 1, 1);
constexpr absl::CivilDay kLastDay(9999, 12, 31);

// "2026-12-25", and nothing that only resembles it.
std::optional<absl::CivilDay> ParseDay(const std::string& text) {
  absl::CivilDay day;
  if (!absl::ParseCivilTime(text, &day) || absl::FormatCivilTime(day) != text) return std::nullopt;
  return day;
}

}  // namespace

absl::StatusOr<pb::Clinic> ClinicHandler::CreateClinic(const CallContext& ctx,
                                                       const pb::CreateClinicRequest& request) {
  FieldViolations bad;
  if (!IsValidId(request.clinic_id())) {
    bad.Add("clinic_id", "must be 1 to 63 of a-z, 0-9 and -, starting with a letter or digit");
  }
  FieldViolations in_clinic = bad.In("clinic");
  Clinic clinic = ReadClinic(request.clinic(), in_clinic);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  clinic.clinic_id = request.clinic_id();

  return rpc::WriteOnce<pb::Clinic>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::Clinic> {
        IPT_ASSIGN_OR_RETURN(const Clinic created, scheduling::CreateClinic(tx, ctx, clinic));
        pb::Clinic response;
        WriteClinic(created, &response);
        return response;
      });
}

absl::StatusOr<pb::Clinic> ClinicHandler::GetClinic(const CallContext& ctx,
                                                    const pb::GetClinicRequest& request) {
  return rpc::ReadView<pb::Clinic>(store_, ctx, request.min_revision(),
                                   [&](SchedulingReader& reader) -> absl::StatusOr<pb::Clinic> {
                                     IPT_ASSIGN_OR_RETURN(const Clinic clinic,
                                                          reader.GetClinic(ctx.clinic_id));
                                     pb::Clinic response;
                                     WriteClinic(clinic, &response);
                                     return response;
                                   });
}

absl::StatusOr<pb::ListClinicsResponse> ClinicHandler::ListClinics(
    const CallContext& ctx, const pb::ListClinicsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  std::optional<std::vector<std::string>> only;
  if (!ctx.caller->all_clinics) {
    only.emplace(ctx.caller->clinics.begin(), ctx.caller->clinics.end());
    if (only->empty()) return pb::ListClinicsResponse();
  }
  return rpc::ReadView<pb::ListClinicsResponse>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::ListClinicsResponse> {
        IPT_ASSIGN_OR_RETURN(auto clinics, reader.ListClinics(only, page.cursor, page.size + 1));
        pb::ListClinicsResponse response;
        if (clinics.size() > static_cast<size_t>(page.size)) {
          clinics.resize(page.size);
          response.set_next_page_token(rpc::NextPageToken(request, clinics.back().clinic_id));
        }
        for (const Clinic& clinic : clinics) WriteClinic(clinic, response.add_clinics());
        return response;
      });
}

absl::StatusOr<pb::Clinic> ClinicHandler::UpdateClinic(const CallContext& ctx,
                                                       const pb::UpdateClinicRequest& request) {
  const auto ids = rpc::IdsOf(request.clinic().name());
  if (ids.size() != 1) return InvalidField("clinic.name", "is required");
  return rpc::WriteOnce<pb::Clinic>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::Clinic> {
        IPT_ASSIGN_OR_RETURN(const Clinic before, tx.LockClinic(ids[0]));
        IPT_RETURN_IF_ERROR(rpc::CheckEtag(request.clinic().etag(), before.stamp.revision,
                                           kClinicType, request.clinic().name()));
        pb::Clinic merged;
        WriteClinic(before, &merged);
        IPT_RETURN_IF_ERROR(
            rpc::MergeByMask(request.update_mask(), request.clinic(), merged, "clinic"));
        FieldViolations bad;
        FieldViolations in_clinic = bad.In("clinic");
        Clinic after = ReadClinic(merged, in_clinic);
        IPT_RETURN_IF_ERROR(bad.ToStatus());
        after.clinic_id = before.clinic_id;
        after.stamp = before.stamp;
        IPT_ASSIGN_OR_RETURN(after, scheduling::UpdateClinic(tx, ctx, before, std::move(after)));
        pb::Clinic response;
        WriteClinic(after, &response);
        return response;
      });
}

absl::StatusOr<pb::CreateHolidaysResponse> ClinicHandler::CreateHolidays(
    const CallContext& ctx, const pb::CreateHolidaysRequest& request) {
  FieldViolations bad;
  const auto holidays = ReadHolidays(request.holidays(), ctx.clinic_id, bad, "holidays");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::WriteOnce<pb::CreateHolidaysResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::CreateHolidaysResponse> {
        IPT_ASSIGN_OR_RETURN(auto created,
                             scheduling::CreateHolidays(tx, ctx, ctx.clinic_id, holidays));
        pb::CreateHolidaysResponse response;
        for (Holiday& holiday : created.holidays) {
          if (ctx.validate_only) holiday.stamp.revision = 0;
          WriteHoliday(holiday, response.add_holidays());
        }
        WriteAffected(created.affected, response);
        if (!ctx.validate_only) {
          IPT_ASSIGN_OR_RETURN(const int64_t revision, tx.log().Revision());
          response.set_revision(revision);
        }
        return response;
      });
}

absl::StatusOr<pb::ListHolidaysResponse> ClinicHandler::ListHolidays(
    const CallContext& ctx, const pb::ListHolidaysRequest& request) {
  FieldViolations bad;
  absl::CivilDay first = kFirstDay;
  if (request.has_first_day()) {
    first = rpc::ReadDay(request.first_day(), bad, "first_day").value_or(first);
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  if (!page.cursor.empty()) {
    const auto last_seen = ParseDay(page.cursor);
    if (!last_seen.has_value()) return InvalidField("page_token", "is not a token of this list");
    first = *last_seen + 1;
  }
  return rpc::ReadView<pb::ListHolidaysResponse>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::ListHolidaysResponse> {
        IPT_RETURN_IF_ERROR(reader.GetClinic(ctx.clinic_id).status());
        IPT_ASSIGN_OR_RETURN(auto holidays,
                             reader.ListHolidays(ctx.clinic_id, first, kLastDay, page.size + 1));
        pb::ListHolidaysResponse response;
        if (holidays.size() > static_cast<size_t>(page.size)) {
          holidays.resize(page.size);
          response.set_next_page_token(
              rpc::NextPageToken(request, absl::FormatCivilTime(holidays.back().day)));
        }
        for (const Holiday& holiday : holidays) WriteHoliday(holiday, response.add_holidays());
        return response;
      });
}

absl::StatusOr<pb::DeleteHolidayResponse> ClinicHandler::DeleteHoliday(
    const CallContext& ctx, const pb::DeleteHolidayRequest& request) {
  const auto day = ParseDay(rpc::IdsOf(request.name()).back());
  if (!day.has_value()) return InvalidField("name", "must end in a day such as 2026-12-25");
  return rpc::WriteOnce<pb::DeleteHolidayResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::DeleteHolidayResponse> {
        IPT_RETURN_IF_ERROR(scheduling::DeleteHoliday(tx, ctx, ctx.clinic_id, *day));
        pb::DeleteHolidayResponse response;
        IPT_ASSIGN_OR_RETURN(const int64_t revision, tx.log().Revision());
        response.set_revision(revision);
        return response;
      });
}

}  // namespace ipt::scheduling
