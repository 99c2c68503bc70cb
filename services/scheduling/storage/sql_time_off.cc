// Time off and extra hours: spans in a therapist's calendar, listed alike.
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

#define WHERE_THERAPIST " WHERE clinic_id = :clinic AND therapist_id = :therapist"

#define SELECT_TIME_OFF                                                                       \
  "SELECT time_off_id, start_us, end_us, first_day, last_day, reason, revision, created_us, " \
  "updated_us FROM time_off" WHERE_THERAPIST
constexpr ColumnTypes kTimeOffColumns = {kText, kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt};

constexpr Statement kGetTimeOff = {SELECT_TIME_OFF " AND time_off_id = :id", kTimeOffColumns};

constexpr Statement kInsertTimeOff = {
    "INSERT INTO time_off (clinic_id, therapist_id, time_off_id, start_us, end_us, first_day, "
    "last_day, reason, revision, created_us, updated_us) VALUES (:clinic, :therapist, :id, :start, "
    ":end, :first, :last, :reason, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, therapist_id, time_off_id) DO NOTHING"};

constexpr Statement kUpdateTimeOff = {
    "UPDATE time_off SET start_us = :start, end_us = :end, revision = :revision, "
    "updated_us = :updated" WHERE_THERAPIST " AND time_off_id = :id"};

constexpr Statement kDeleteTimeOff = {"DELETE FROM time_off" WHERE_THERAPIST
                                      " AND time_off_id = :id"};

#define SELECT_EXTRA_HOURS                                                     \
  "SELECT extra_hours_id, start_us, end_us, revision, created_us, updated_us " \
  "FROM extra_hours" WHERE_THERAPIST
constexpr ColumnTypes kExtraHoursColumns = {kText, kInt, kInt, kInt, kInt, kInt};

constexpr Statement kGetExtraHours = {SELECT_EXTRA_HOURS " AND extra_hours_id = :id",
                                      kExtraHoursColumns};

constexpr Statement kInsertExtraHours = {
    "INSERT INTO extra_hours (clinic_id, therapist_id, extra_hours_id, start_us, end_us, revision, "
    "created_us, updated_us) VALUES (:clinic, :therapist, :id, :start, :end, :revision, :created, "
    ":updated) ON CONFLICT (clinic_id, therapist_id, extra_hours_id) DO NOTHING"};

constexpr Statement kDeleteExtraHours = {"DELETE FROM extra_hours" WHERE_THERAPIST
                                         " AND extra_hours_id = :id"};

// A query for spans of one therapist in a page; `id` is the id's column.
FilteredQuery SpansOf(absl::string_view select, absl::string_view id, absl::string_view clinic_id,
                      absl::string_view therapist_id, absl::Time ends_after,
                      absl::Time starts_before, const std::optional<SpanCursor>& after, int limit) {
  FilteredQuery query(select, {clinic_id, therapist_id});
  if (ends_after != absl::InfinitePast()) query.And("end_us > :ends_after", {ends_after});
  if (starts_before != absl::InfiniteFuture()) {
    query.And("start_us < :starts_before", {starts_before});
  }
  if (after.has_value()) {
    query.And(absl::StrCat("(start_us, ", id, ") > (:after_start, :after_id)"),
              {after->start, after->id});
  }
  query.OrderBy(absl::StrCat("start_us, ", id), limit);
  return query;
}

absl::StatusOr<TimeOff> TimeOffOf(absl::string_view clinic_id, absl::string_view therapist_id,
                                  const Row& row) {
  std::optional<DayRange> days;
  if (!row.IsNull(3)) days = DayRange{FromDayNumber(row.Int64(3)), FromDayNumber(row.Int64(4))};
  return TimeOff{.clinic_id = std::string(clinic_id),
                 .therapist_id = std::string(therapist_id),
                 .time_off_id = row.Text(0),
                 .interval = {FromMicros(row.Int64(1)), FromMicros(row.Int64(2))},
                 .days = days,
                 .reason = static_cast<TimeOffReason>(row.Int64(5)),
                 .stamp = StampOf(row, 6)};
}

absl::StatusOr<ExtraHours> ExtraHoursOf(absl::string_view clinic_id, absl::string_view therapist_id,
                                        const Row& row) {
  return ExtraHours{.clinic_id = std::string(clinic_id),
                    .therapist_id = std::string(therapist_id),
                    .extra_hours_id = row.Text(0),
                    .interval = {FromMicros(row.Int64(1)), FromMicros(row.Int64(2))},
                    .stamp = StampOf(row, 3)};
}

}  // namespace

absl::StatusOr<std::vector<TimeOff>> SqlSchedulingTx::ListTimeOff(
    absl::string_view clinic_id, absl::string_view therapist_id, absl::Time ends_after,
    absl::Time starts_before, const std::optional<SpanCursor>& after, int limit) {
  const FilteredQuery query = SpansOf(SELECT_TIME_OFF, "time_off_id", clinic_id, therapist_id,
                                      ends_after, starts_before, after, limit);
  return storage::GetRows(conn_, query.statement(kTimeOffColumns), query.params(),
                          [&](const Row& row) { return TimeOffOf(clinic_id, therapist_id, row); });
}

absl::StatusOr<TimeOff> SqlSchedulingTx::GetTimeOff(absl::string_view clinic_id,
                                                    absl::string_view therapist_id,
                                                    absl::string_view time_off_id) {
  return GetRow(kGetTimeOff, {clinic_id, therapist_id, time_off_id}, kTimeOffType,
                TimeOffName(clinic_id, therapist_id, time_off_id),
                [&](const Row& row) { return TimeOffOf(clinic_id, therapist_id, row); });
}

absl::Status SqlSchedulingTx::InsertTimeOff(TimeOff& time_off, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(time_off.stamp, now));
  std::optional<int64_t> first, last;
  if (time_off.days.has_value()) {
    first = ToDayNumber(time_off.days->first);
    last = ToDayNumber(time_off.days->last);
  }
  return ExecuteInsert(
      kInsertTimeOff,
      {time_off.clinic_id, time_off.therapist_id, time_off.time_off_id, time_off.interval.start,
       time_off.interval.end, first, last, static_cast<int>(time_off.reason),
       time_off.stamp.revision, time_off.stamp.create_time, time_off.stamp.update_time},
      kTimeOffType, TimeOffName(time_off.clinic_id, time_off.therapist_id, time_off.time_off_id));
}

absl::Status SqlSchedulingTx::UpdateTimeOff(TimeOff& time_off, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampChanged(time_off.stamp, now));
  return ExecuteOnRow(
      kUpdateTimeOff,
      {time_off.interval.start, time_off.interval.end, time_off.stamp.revision,
       time_off.stamp.update_time, time_off.clinic_id, time_off.therapist_id, time_off.time_off_id},
      kTimeOffType, TimeOffName(time_off.clinic_id, time_off.therapist_id, time_off.time_off_id));
}

absl::Status SqlSchedulingTx::DeleteTimeOff(absl::string_view clinic_id,
                                            absl::string_view therapist_id,
                                            absl::string_view time_off_id) {
  return ExecuteOnRow(kDeleteTimeOff, {clinic_id, therapist_id, time_off_id}, kTimeOffType,
                      TimeOffName(clinic_id, therapist_id, time_off_id));
}

absl::StatusOr<std::vector<ExtraHours>> SqlSchedulingTx::ListExtraHours(
    absl::string_view clinic_id, absl::string_view therapist_id, absl::Time ends_after,
    absl::Time starts_before, const std::optional<SpanCursor>& after, int limit) {
  const FilteredQuery query = SpansOf(SELECT_EXTRA_HOURS, "extra_hours_id", clinic_id, therapist_id,
                                      ends_after, starts_before, after, limit);
  return storage::GetRows(
      conn_, query.statement(kExtraHoursColumns), query.params(),
      [&](const Row& row) { return ExtraHoursOf(clinic_id, therapist_id, row); });
}

absl::StatusOr<ExtraHours> SqlSchedulingTx::GetExtraHours(absl::string_view clinic_id,
                                                          absl::string_view therapist_id,
                                                          absl::string_view extra_hours_id) {
  return GetRow(kGetExtraHours, {clinic_id, therapist_id, extra_hours_id}, kExtraHoursType,
                ExtraHoursName(clinic_id, therapist_id, extra_hours_id),
                [&](const Row& row) { return ExtraHoursOf(clinic_id, therapist_id, row); });
}

absl::Status SqlSchedulingTx::InsertExtraHours(ExtraHours& extra_hours, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(extra_hours.stamp, now));
  return ExecuteInsert(
      kInsertExtraHours,
      {extra_hours.clinic_id, extra_hours.therapist_id, extra_hours.extra_hours_id,
       extra_hours.interval.start, extra_hours.interval.end, extra_hours.stamp.revision,
       extra_hours.stamp.create_time, extra_hours.stamp.update_time},
      kExtraHoursType,
      ExtraHoursName(extra_hours.clinic_id, extra_hours.therapist_id, extra_hours.extra_hours_id));
}

absl::Status SqlSchedulingTx::DeleteExtraHours(absl::string_view clinic_id,
                                               absl::string_view therapist_id,
                                               absl::string_view extra_hours_id) {
  return ExecuteOnRow(kDeleteExtraHours, {clinic_id, therapist_id, extra_hours_id}, kExtraHoursType,
                      ExtraHoursName(clinic_id, therapist_id, extra_hours_id));
}

}  // namespace ipt::scheduling
