#include "course_copies/storage/sql_therapist_copies.h"

#include <string>

#include "platform/errors/status_macros.h"

namespace ipt::courses {
namespace {

using storage::ColumnType;
using storage::Connection;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

constexpr Statement kPutTherapist = {
    "INSERT INTO therapist_copies (clinic_id, therapist_id, active, revision, listing, copied_us) "
    "VALUES (:clinic, :therapist, :active, :revision, :listing, :at) "
    "ON CONFLICT (clinic_id, therapist_id) DO UPDATE SET active = excluded.active, "
    "revision = excluded.revision, "
    "listing = CASE WHEN excluded.listing > therapist_copies.listing THEN excluded.listing "
    "ELSE therapist_copies.listing END, copied_us = excluded.copied_us "
    "WHERE CAST(:anyway AS BIGINT) = 1 OR therapist_copies.revision <= excluded.revision"};
constexpr Statement kPutTimeOff = {
    "INSERT INTO time_off_copies (clinic_id, therapist_id, time_off_id, start_us, end_us, "
    "revision, "
    "listing) VALUES (:clinic, :therapist, :time_off, :start, :end, :revision, :listing) "
    "ON CONFLICT (clinic_id, therapist_id, time_off_id) DO UPDATE SET "
    "start_us = excluded.start_us, end_us = excluded.end_us, revision = excluded.revision, "
    "listing = CASE WHEN excluded.listing > time_off_copies.listing THEN excluded.listing "
    "ELSE time_off_copies.listing END "
    "WHERE CAST(:anyway AS BIGINT) = 1 OR time_off_copies.revision <= excluded.revision"};
constexpr Statement kDeleteTimeOff = {
    "DELETE FROM time_off_copies WHERE clinic_id = :clinic AND therapist_id = :therapist "
    "AND time_off_id = :time_off"};
constexpr Statement kDropTherapists = {
    "DELETE FROM therapist_copies WHERE clinic_id = :clinic AND listing < :listing"};
constexpr Statement kDropTimeOff = {
    "DELETE FROM time_off_copies WHERE clinic_id = :clinic AND listing < :listing"};
constexpr Statement kFindTherapist = {
    "SELECT active, revision, copied_us FROM therapist_copies WHERE clinic_id = :clinic "
    "AND therapist_id = :therapist",
    {kInt, kInt, kInt}};
constexpr Statement kFindTimeOff = {
    "SELECT time_off_id, start_us, end_us, revision FROM time_off_copies "
    "WHERE clinic_id = :clinic AND therapist_id = :therapist AND end_us > :now "
    "ORDER BY start_us, time_off_id",
    {kText, kInt, kInt, kInt}};

}  // namespace

absl::Status SqlTherapistCopies::PutTherapist(Connection& conn, const CopiedTherapist& therapist,
                                              const CopyStamp& stamp) {
  return conn
      .Execute(kPutTherapist,
               {therapist.clinic_id, therapist.therapist_id, therapist.active, therapist.revision,
                stamp.listing, stamp.at, stamp.source == CopySource::kListing})
      .status();
}

absl::Status SqlTherapistCopies::PutTimeOff(Connection& conn, absl::string_view clinic_id,
                                            absl::string_view therapist_id,
                                            const CopiedTimeOff& time_off, const CopyStamp& stamp) {
  return conn
      .Execute(kPutTimeOff,
               {clinic_id, therapist_id, time_off.time_off_id, time_off.start, time_off.end,
                time_off.revision, stamp.listing, stamp.source == CopySource::kListing})
      .status();
}

absl::Status SqlTherapistCopies::DeleteTimeOff(Connection& conn, absl::string_view clinic_id,
                                               absl::string_view therapist_id,
                                               absl::string_view time_off_id) {
  return conn.Execute(kDeleteTimeOff, {clinic_id, therapist_id, time_off_id}).status();
}

absl::Status SqlTherapistCopies::DropUnlisted(Connection& conn, absl::string_view clinic_id,
                                              int64_t number) {
  IPT_RETURN_IF_ERROR(conn.Execute(kDropTherapists, {clinic_id, number}).status());
  return conn.Execute(kDropTimeOff, {clinic_id, number}).status();
}

absl::StatusOr<std::optional<SqlTherapistCopies::Found>> SqlTherapistCopies::Find(
    Connection& conn, absl::string_view clinic_id, absl::string_view therapist_id, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(
      std::optional<Found> found,
      conn.QueryOne(kFindTherapist, {clinic_id, therapist_id}, [](const Row& row) {
        return Found{{.active = row.Bool(0), .revision = row.Int64(1)}, row.Time(2)};
      }));
  if (!found.has_value()) return found;
  found->therapist.clinic_id = std::string(clinic_id);
  found->therapist.therapist_id = std::string(therapist_id);
  IPT_RETURN_IF_ERROR(conn.Query(kFindTimeOff, {clinic_id, therapist_id, now}, [&](const Row& row) {
    found->therapist.time_off.push_back({.time_off_id = row.Text(0),
                                         .start = row.Time(1),
                                         .end = row.Time(2),
                                         .revision = row.Int64(3)});
    return absl::OkStatus();
  }));
  return found;
}

}  // namespace ipt::courses
