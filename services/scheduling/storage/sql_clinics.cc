#include "absl/time/civil_time.h"
#include "scheduling/domain/names.h"
#include "scheduling/storage/json_codec.h"
#include "scheduling/storage/sql_scheduling_tx.h"
#include "scheduling/storage/sql_text.h"

namespace ipt::scheduling {
namespace {

using storage::ColumnType;
using storage::ColumnTypes;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

#define SELECT_CLINIC                                                                         \
  "SELECT clinic_id, display_name, time_zone, policy, revision, created_us, updated_us FROM " \
  "clinics"
constexpr ColumnTypes kClinicColumns = {kText, kText, kText, kText, kInt, kInt, kInt};

absl::StatusOr<Clinic> ClinicOf(const Row& row) {
  Clinic clinic;
  clinic.clinic_id = row.Text(0);
  clinic.display_name = row.Text(1);
  clinic.time_zone = row.Text(2);
  IPT_RETURN_IF_ERROR(DecodePolicy(row.Text(3), clinic.policy));
  clinic.stamp = StampOf(row, 4);
  return clinic;
}

constexpr Statement kGetClinic = {SELECT_CLINIC " WHERE clinic_id = :clinic", kClinicColumns};

constexpr Statement kInsertClinic = {
    "INSERT INTO clinics (clinic_id, display_name, time_zone, policy, revision, created_us, "
    "updated_us) VALUES (:clinic, :name, :zone, :policy, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id) DO NOTHING"};

constexpr Statement kUpdateClinic = {
    "UPDATE clinics SET display_name = :name, time_zone = :zone, policy = :policy, "
    "revision = :revision, updated_us = :updated WHERE clinic_id = :clinic"};

constexpr Statement kGetVersion = {"SELECT calendar_version FROM clinics WHERE clinic_id = :clinic",
                                   {kInt}};

constexpr Statement kTouch = {
    "UPDATE clinics SET calendar_version = calendar_version + 1 WHERE clinic_id = :clinic "
    "RETURNING calendar_version",
    {kInt}};

constexpr Statement kListHolidays = {
    "SELECT day, display_name, revision, created_us, updated_us FROM holidays "
    "WHERE clinic_id = :clinic AND day >= :first AND day <= :last ORDER BY day LIMIT :limit",
    {kInt, kText, kInt, kInt, kInt}};

constexpr Statement kPutHoliday = {
    "INSERT INTO holidays (clinic_id, day, display_name, revision, created_us, updated_us) "
    "VALUES (:clinic, :day, :name, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, day) DO UPDATE SET display_name = excluded.display_name, "
    "revision = excluded.revision, updated_us = excluded.updated_us RETURNING created_us",
    {kInt}};

constexpr Statement kDeleteHoliday = {
    "DELETE FROM holidays WHERE clinic_id = :clinic AND day = :day"};

absl::StatusOr<int64_t> VersionOf(const Row& row) { return row.Int64(0); }

}  // namespace

absl::StatusOr<Clinic> SqlSchedulingTx::GetClinic(absl::string_view clinic_id) {
  return GetRow(kGetClinic, {clinic_id}, kClinicType, ClinicName(clinic_id), ClinicOf);
}

absl::StatusOr<std::vector<Clinic>> SqlSchedulingTx::ListClinics(
    const std::optional<std::vector<std::string>>& only, absl::string_view after_id, int limit) {
  FilteredQuery query(SELECT_CLINIC " WHERE clinic_id > :after", {after_id});
  if (only.has_value()) {
    query.And(InJson(dialect(), "clinic_id", ":only"), {EncodeStrings(*only)});
  }
  query.OrderBy("clinic_id", limit);
  return storage::GetRows(conn_, query.statement(kClinicColumns), query.params(), ClinicOf);
}

absl::StatusOr<Clinic> SqlSchedulingTx::LockClinic(absl::string_view clinic_id) {
  IPT_RETURN_IF_ERROR(LockRow("FROM clinics WHERE clinic_id = :clinic", {clinic_id}));
  return GetClinic(clinic_id);
}

absl::StatusOr<int64_t> SqlSchedulingTx::ClinicCalendarVersion(absl::string_view clinic_id) {
  return GetRow(kGetVersion, {clinic_id}, kClinicType, ClinicName(clinic_id), VersionOf);
}

absl::StatusOr<int64_t> SqlSchedulingTx::TouchClinicCalendar(absl::string_view clinic_id) {
  changes_.clinics.emplace_back(clinic_id);
  return GetRow(kTouch, {clinic_id}, kClinicType, ClinicName(clinic_id), VersionOf);
}

absl::Status SqlSchedulingTx::InsertClinic(Clinic& clinic, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(clinic.stamp, now));
  return ExecuteInsert(
      kInsertClinic,
      {clinic.clinic_id, clinic.display_name, clinic.time_zone, EncodePolicy(clinic.policy),
       clinic.stamp.revision, clinic.stamp.create_time, clinic.stamp.update_time},
      kClinicType, ClinicName(clinic.clinic_id));
}

absl::Status SqlSchedulingTx::UpdateClinic(Clinic& clinic, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampChanged(clinic.stamp, now));
  return ExecuteOnRow(kUpdateClinic,
                      {clinic.display_name, clinic.time_zone, EncodePolicy(clinic.policy),
                       clinic.stamp.revision, clinic.stamp.update_time, clinic.clinic_id},
                      kClinicType, ClinicName(clinic.clinic_id));
}

absl::StatusOr<std::vector<Holiday>> SqlSchedulingTx::ListHolidays(absl::string_view clinic_id,
                                                                   absl::CivilDay first,
                                                                   absl::CivilDay last, int limit) {
  return storage::GetRows(conn_, kListHolidays,
                          {clinic_id, ToDayNumber(first), ToDayNumber(last), limit},
                          [&](const Row& row) -> absl::StatusOr<Holiday> {
                            return Holiday{.clinic_id = std::string(clinic_id),
                                           .day = FromDayNumber(row.Int64(0)),
                                           .display_name = row.Text(1),
                                           .stamp = StampOf(row, 2)};
                          });
}

absl::Status SqlSchedulingTx::PutHoliday(Holiday& holiday, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(holiday.stamp, now));
  return conn_.Query(kPutHoliday,
                     {holiday.clinic_id, ToDayNumber(holiday.day), holiday.display_name,
                      holiday.stamp.revision, holiday.stamp.create_time, holiday.stamp.update_time},
                     [&](const Row& row) {
                       holiday.stamp.create_time = FromMicros(row.Int64(0));
                       return absl::OkStatus();
                     });
}

absl::Status SqlSchedulingTx::DeleteHoliday(absl::string_view clinic_id, absl::CivilDay day) {
  return ExecuteOnRow(kDeleteHoliday, {clinic_id, ToDayNumber(day)}, kHolidayType,
                      HolidayName(clinic_id, absl::FormatCivilTime(day)));
}

}  // namespace ipt::scheduling
