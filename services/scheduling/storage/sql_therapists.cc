#include <algorithm>
#include <map>

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

#define SELECT_THERAPIST                                                                         \
  "SELECT therapist_id, display_name, time_zone, working_hours, session_minutes, "               \
  "buffer_minutes, max_active_courses, languages, variants, active, "                            \
  "(SELECT COUNT(*) FROM courses c WHERE c.clinic_id = t.clinic_id "                             \
  "AND c.therapist_id = t.therapist_id AND c.open = 1), t.revision, t.created_us, t.updated_us " \
  "FROM therapists t WHERE t.clinic_id = :clinic"
constexpr ColumnTypes kTherapistColumns = {kText, kText, kText, kText, kInt, kInt, kInt,
                                           kText, kText, kInt,  kInt,  kInt, kInt, kInt};

absl::StatusOr<Therapist> TherapistOf(absl::string_view clinic_id, const Row& row) {
  Therapist therapist;
  therapist.clinic_id = std::string(clinic_id);
  therapist.therapist_id = row.Text(0);
  therapist.display_name = row.Text(1);
  therapist.time_zone = row.Text(2);
  IPT_RETURN_IF_ERROR(DecodeWindows(row.Text(3), therapist.working_hours));
  therapist.session_minutes = row.OptionalInt64(4);
  therapist.buffer_minutes = static_cast<int>(row.Int64(5));
  therapist.max_active_courses = row.OptionalInt64(6);
  IPT_RETURN_IF_ERROR(DecodeStrings(row.Text(7), therapist.languages));
  IPT_RETURN_IF_ERROR(DecodeStrings(row.Text(8), therapist.variants));
  therapist.active = row.Bool(9);
  therapist.open_courses = static_cast<int>(row.Int64(10));
  therapist.stamp = StampOf(row, 11);
  return therapist;
}

constexpr Statement kGetTherapist = {SELECT_THERAPIST " AND t.therapist_id = :therapist",
                                     kTherapistColumns};

constexpr Statement kInsertTherapist = {
    "INSERT INTO therapists (clinic_id, therapist_id, display_name, time_zone, working_hours, "
    "session_minutes, buffer_minutes, max_active_courses, languages, variants, active, revision, "
    "created_us, updated_us) VALUES (:clinic, :therapist, :name, :zone, :hours, :minutes, "
    ":buffer, :max_courses, :languages, :variants, :active, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, therapist_id) DO NOTHING"};

constexpr Statement kInsertCalendar = {
    "INSERT INTO therapist_calendars (clinic_id, therapist_id) VALUES (:clinic, :therapist)"};

constexpr Statement kUpdateTherapist = {
    "UPDATE therapists SET display_name = :name, time_zone = :zone, working_hours = :hours, "
    "session_minutes = :minutes, buffer_minutes = :buffer, max_active_courses = :max_courses, "
    "languages = :languages, variants = :variants, active = :active, revision = :revision, "
    "updated_us = :updated WHERE clinic_id = :clinic AND therapist_id = :therapist"};

constexpr Statement kGetVersion = {
    "SELECT version FROM therapist_calendars WHERE clinic_id = :clinic "
    "AND therapist_id = :therapist",
    {kInt}};

constexpr Statement kTouch = {
    "UPDATE therapist_calendars SET version = version + 1 WHERE clinic_id = :clinic "
    "AND therapist_id = :therapist RETURNING version",
    {kInt}};

absl::StatusOr<int64_t> VersionOf(const Row& row) { return row.Int64(0); }

}  // namespace

absl::StatusOr<Therapist> SqlSchedulingTx::GetTherapist(absl::string_view clinic_id,
                                                        absl::string_view therapist_id) {
  return GetRow(kGetTherapist, {clinic_id, therapist_id}, kTherapistType,
                TherapistName(clinic_id, therapist_id),
                [&](const Row& row) { return TherapistOf(clinic_id, row); });
}

absl::StatusOr<std::vector<Therapist>> SqlSchedulingTx::ListTherapists(
    absl::string_view clinic_id, const TherapistFilter& filter, absl::string_view after_id,
    int limit) {
  FilteredQuery query(SELECT_THERAPIST, {clinic_id});
  query.And("t.therapist_id > :after", {after_id});
  if (filter.active_only) query.And("t.active = 1");
  if (!filter.language.empty()) {
    query.And(absl::StrCat(":language IN ", JsonElements(dialect(), "t.languages")),
              {filter.language});
  }
  if (!filter.variant.empty()) {
    query.And(absl::StrCat("(t.variants = '[]' OR :variant IN ",
                           JsonElements(dialect(), "t.variants"), ")"),
              {filter.variant});
  }
  query.OrderBy("t.therapist_id", limit);
  return storage::GetRows(conn_, query.statement(kTherapistColumns), query.params(),
                          [&](const Row& row) { return TherapistOf(clinic_id, row); });
}

absl::StatusOr<Therapist> SqlSchedulingTx::LockTherapist(absl::string_view clinic_id,
                                                         absl::string_view therapist_id) {
  IPT_RETURN_IF_ERROR(
      LockRow("FROM therapists WHERE clinic_id = :clinic AND therapist_id = :therapist",
              {clinic_id, therapist_id}));
  return GetTherapist(clinic_id, therapist_id);
}

absl::StatusOr<int64_t> SqlSchedulingTx::TherapistCalendarVersion(absl::string_view clinic_id,
                                                                  absl::string_view therapist_id) {
  return GetRow(kGetVersion, {clinic_id, therapist_id}, kTherapistType,
                TherapistName(clinic_id, therapist_id), VersionOf);
}

absl::StatusOr<std::vector<int64_t>> SqlSchedulingTx::TouchTherapistCalendars(
    absl::string_view clinic_id, const std::vector<std::string>& therapist_ids) {
  // In id order, whatever the order given: two transactions never wait for one another.
  std::map<std::string, int64_t> versions;
  for (const std::string& id : therapist_ids) versions.emplace(id, 0);
  for (auto& [id, version] : versions) {
    changes_.therapists.push_back({std::string(clinic_id), id});
    IPT_ASSIGN_OR_RETURN(version, GetRow(kTouch, {clinic_id, id}, kTherapistType,
                                         TherapistName(clinic_id, id), VersionOf));
  }
  std::vector<int64_t> result;
  result.reserve(therapist_ids.size());
  for (const std::string& id : therapist_ids) result.push_back(versions[id]);
  return result;
}

absl::Status SqlSchedulingTx::InsertTherapist(Therapist& therapist, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampNew(therapist.stamp, now));
  IPT_RETURN_IF_ERROR(ExecuteInsert(
      kInsertTherapist,
      {therapist.clinic_id, therapist.therapist_id, therapist.display_name, therapist.time_zone,
       EncodeWindows(therapist.working_hours), therapist.session_minutes, therapist.buffer_minutes,
       therapist.max_active_courses, EncodeStrings(therapist.languages),
       EncodeStrings(therapist.variants), therapist.active, therapist.stamp.revision,
       therapist.stamp.create_time, therapist.stamp.update_time},
      kTherapistType, TherapistName(therapist.clinic_id, therapist.therapist_id)));
  return conn_.Execute(kInsertCalendar, {therapist.clinic_id, therapist.therapist_id}).status();
}

absl::Status SqlSchedulingTx::UpdateTherapist(Therapist& therapist, absl::Time now) {
  IPT_RETURN_IF_ERROR(StampChanged(therapist.stamp, now));
  return ExecuteOnRow(
      kUpdateTherapist,
      {therapist.display_name, therapist.time_zone, EncodeWindows(therapist.working_hours),
       therapist.session_minutes, therapist.buffer_minutes, therapist.max_active_courses,
       EncodeStrings(therapist.languages), EncodeStrings(therapist.variants), therapist.active,
       therapist.stamp.revision, therapist.stamp.update_time, therapist.clinic_id,
       therapist.therapist_id},
      kTherapistType, TherapistName(therapist.clinic_id, therapist.therapist_id));
}

}  // namespace ipt::scheduling
