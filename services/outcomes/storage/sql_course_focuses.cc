#include "outcomes/storage/sql_course_focuses.h"

#include <string>

#include "outcomes/domain/course_result.h"

namespace ipt::outcomes {
namespace {

using storage::ColumnType;
using storage::Connection;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;

constexpr Statement kPut = {
    "INSERT INTO course_focuses (clinic_id, course_id, primary_kind, secondary_kind, agreed_day, "
    "revision_number, first_primary_kind, revision, listing) VALUES (:clinic, :course, :primary, "
    ":secondary, :agreed, :number, :first, :revision, :listing) "
    "ON CONFLICT (clinic_id, course_id) DO UPDATE SET primary_kind = excluded.primary_kind, "
    "secondary_kind = excluded.secondary_kind, agreed_day = excluded.agreed_day, "
    "revision_number = excluded.revision_number, "
    "first_primary_kind = excluded.first_primary_kind, revision = excluded.revision, "
    "listing = CASE WHEN excluded.listing > course_focuses.listing THEN excluded.listing "
    "ELSE course_focuses.listing END "
    "WHERE CAST(:anyway AS BIGINT) = 1 OR course_focuses.revision <= excluded.revision"};
constexpr Statement kDrop = {
    "DELETE FROM course_focuses WHERE clinic_id = :clinic AND listing < :listing"};
constexpr Statement kFind = {
    "SELECT primary_kind, secondary_kind, agreed_day, revision_number, first_primary_kind, "
    "revision FROM course_focuses WHERE clinic_id = :clinic AND course_id = :course",
    {kInt, kInt, kInt, kInt, kInt, kInt}};

absl::Status Put(Connection& conn, const CourseFocus& focus, int64_t listing, bool anyway) {
  return conn
      .Execute(kPut, {focus.clinic_id, focus.course_id, focus.primary_kind, focus.secondary_kind,
                      DayNumber(focus.agreed_on).number(), focus.revision_number,
                      focus.first_primary_kind, focus.revision, listing, anyway})
      .status();
}

}  // namespace

absl::Status SqlCourseFocuses::PutTold(Connection& conn, const CourseFocus& focus) {
  return Put(conn, focus, 0, /*anyway=*/false);
}

absl::Status SqlCourseFocuses::PutListed(Connection& conn, const CourseFocus& focus,
                                         int64_t number) {
  return Put(conn, focus, number, /*anyway=*/true);
}

absl::Status SqlCourseFocuses::DropUnlisted(Connection& conn, absl::string_view clinic_id,
                                            int64_t number) {
  return conn.Execute(kDrop, {clinic_id, number}).status();
}

absl::StatusOr<std::optional<CourseFocus>> SqlCourseFocuses::Find(Connection& conn,
                                                                  absl::string_view clinic_id,
                                                                  absl::string_view course_id) {
  return conn.QueryOne(kFind, {clinic_id, course_id}, [&](const Row& row) {
    return CourseFocus{.clinic_id = std::string(clinic_id),
                       .course_id = std::string(course_id),
                       .primary_kind = static_cast<int>(row.Int64(0)),
                       .secondary_kind = static_cast<int>(row.Int64(1)),
                       .agreed_on = DayNumber(static_cast<int>(row.Int64(2))),
                       .revision_number = static_cast<int>(row.Int64(3)),
                       .first_primary_kind = static_cast<int>(row.Int64(4)),
                       .revision = row.Int64(5)};
  });
}

}  // namespace ipt::outcomes
