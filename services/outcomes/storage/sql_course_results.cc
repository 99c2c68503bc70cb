#include <optional>
#include <string>

#include "course_copies/storage/sql_course_copies.h"
#include "outcomes/storage/course_result_text.h"
#include "outcomes/storage/sql_outcomes_tx.h"
#include "outcomes/storage/told_outcomes_json.h"

namespace ipt::outcomes {
namespace {

using storage::ColumnType;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

constexpr Statement kClosed = {
    "SELECT result FROM course_results WHERE clinic_id = :clinic AND stale = 0 "
    "AND closed_day >= :first AND closed_day <= :last",
    {kText}};
constexpr Statement kStarted = {
    "SELECT result FROM course_results WHERE clinic_id = :clinic AND stale = 0 "
    "AND start_day >= :first AND start_day <= :last",
    {kText}};
constexpr Statement kStaleOfClinic = {
    "SELECT course_id FROM course_results WHERE stale = 1 AND clinic_id = :clinic "
    "ORDER BY course_id",
    {kText}};
constexpr Statement kStale = {
    "SELECT clinic_id, course_id, generation, told FROM course_results WHERE stale = 1 "
    "AND (clinic_id, course_id) > (:clinic, :course) ORDER BY clinic_id, course_id LIMIT :limit",
    {kText, kText, kInt, kText}};
constexpr Statement kKeepResult = {
    "UPDATE course_results SET stale = 0, closed_day = :closed, start_day = :start, "
    "result = :result, told = :told WHERE clinic_id = :clinic AND course_id = :course "
    "AND generation = :generation AND stale = 1"};

constexpr absl::CivilDay kEpoch(1970, 1, 1);

std::optional<int64_t> Number(const std::optional<absl::CivilDay>& day) {
  if (!day.has_value()) return std::nullopt;
  return *day - kEpoch;
}

}  // namespace

absl::Status SqlOutcomesTx::ReadCourseResults(
    absl::string_view clinic_id, const ReportPeriod& period,
    absl::FunctionRef<void(const CourseResult&)> on_result, std::vector<std::string>& stale) {
  IPT_ASSIGN_OR_RETURN(
      stale, GetRows(kStaleOfClinic, {clinic_id},
                     [](const Row& row) -> absl::StatusOr<std::string> { return row.Text(0); }));
  CourseResult result;
  return conn_.Query(period.basis == PeriodBasis::kClosed ? kClosed : kStarted,
                     {clinic_id, period.first_day - kEpoch, period.last_day - kEpoch},
                     [&](const Row& row) {
                       if (!DecodeCourseResult(row.Text(0), result)) {
                         return Internal("a kept course result is damaged");
                       }
                       on_result(result);
                       return absl::OkStatus();
                     });
}

absl::StatusOr<std::vector<StaleResult>> SqlOutcomesTx::ListStaleResults(const StaleResult& after,
                                                                         int limit) {
  return GetRows(kStale, {after.clinic_id, after.course_id, limit},
                 [](const Row& row) -> absl::StatusOr<StaleResult> {
                   StaleResult stale{row.Text(0), row.Text(1), row.Int64(2)};
                   if (!row.IsNull(3)) {
                     IPT_ASSIGN_OR_RETURN(stale.told, DecodeToldOutcomes(row.Text(3)));
                   }
                   return stale;
                 });
}

absl::StatusOr<std::optional<courses::CopiedCourse>> SqlOutcomesTx::FindCourseCopy(
    absl::string_view clinic_id, absl::string_view course_id) {
  IPT_ASSIGN_OR_RETURN(auto found, courses::SqlCourseCopies::Find(conn_, clinic_id, course_id));
  if (!found.has_value()) return std::optional<courses::CopiedCourse>();
  return std::optional<courses::CopiedCourse>(std::move(found->course));
}

absl::StatusOr<bool> SqlOutcomesTx::KeepCourseResult(const StaleResult& of,
                                                     const CourseResult& result,
                                                     const ToldOutcomes& told) {
  IPT_ASSIGN_OR_RETURN(
      const int64_t written,
      conn_.Execute(kKeepResult, {Number(result.closed_day), Number(result.start_day),
                                  EncodeCourseResult(result), EncodeToldOutcomes(told),
                                  of.clinic_id, of.course_id, of.generation}));
  return written > 0;
}

}  // namespace ipt::outcomes
