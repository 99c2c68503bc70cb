#include <map>

#include "absl/strings/str_cat.h"
#include "formulation/storage/day_number.h"
#include "formulation/storage/formulation_json.h"
#include "formulation/storage/sql_formulation_tx.h"
#include "platform/storage/sql_text.h"

namespace ipt::formulation {
namespace {

using storage::ColumnType;
using storage::ColumnTypes;
using storage::InJson;
using storage::Row;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

// Each begins with the course. None reads a word of text.
constexpr absl::string_view kFormulations =
    "SELECT f.course_id, r.number, r.proposed_us, r.agreed_day, r.outline "
    "FROM formulations f LEFT JOIN formulation_revisions r ON r.clinic_id = f.clinic_id "
    "AND r.course_id = f.course_id AND r.state >= 2 WHERE f.clinic_id = :clinic AND ";
constexpr ColumnTypes kFormulationColumns = {kText, kInt, kInt, kInt, kText};
constexpr absl::string_view kGoals =
    "SELECT g.course_id, g.goal_id, g.problem_area_id, g.state, g.state_us "
    "FROM goals g WHERE g.clinic_id = :clinic AND ";
constexpr ColumnTypes kGoalColumns = {kText, kText, kText, kInt, kInt};
constexpr absl::string_view kWork =
    "SELECT w.course_id, w.session_id, w.done FROM session_work w "
    "WHERE w.clinic_id = :clinic AND ";
constexpr ColumnTypes kWorkColumns = {kText, kText, kText};
constexpr absl::string_view kTerminations =
    "SELECT t.course_id, t.plan_given_day FROM terminations t "
    "WHERE t.clinic_id = :clinic AND ";
constexpr ColumnTypes kTerminationColumns = {kText, kInt};

absl::Status AddFormulation(const Row& row, CourseRecords& records) {
  if (!row.IsNull(2)) records.proposed_time = row.Time(2);
  if (row.IsNull(3)) return absl::OkStatus();
  AgreedFormulation& agreed = records.agreed.emplace_back();
  agreed.number = static_cast<int>(row.Int64(1));
  agreed.agreed_on = FromDayNumber(row.Int64(3));
  return DecodeOutline(row.Text(4), agreed);
}

absl::Status AddGoal(const Row& row, CourseRecords& records) {
  records.goals.push_back({.goal_id = row.Text(1),
                           .problem_area_id = row.Text(2),
                           .state = static_cast<GoalState>(row.Int64(3)),
                           .state_time = row.Time(4)});
  return absl::OkStatus();
}

absl::Status AddWork(const Row& row, CourseRecords& records) {
  RecordedWork& work = records.work.emplace_back();
  work.session_id = row.Text(1);
  return DecodeWorkDone(row.Text(2), work);
}

absl::Status AddTermination(const Row& row, CourseRecords& records) {
  records.plan_given_on = DayAt(row, 1);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<CourseRecords>> SqlFormulationTx::ListCourseRecords(
    absl::string_view clinic_id, const std::vector<std::string>& course_ids) {
  std::map<std::string, CourseRecords> of_course;
  for (const std::string& id : course_ids) of_course[id].course_id = id;
  const std::string ids = EncodeStrings(course_ids);
  const auto add = [&](absl::string_view select, absl::string_view alias, absl::string_view order,
                       ColumnTypes columns,
                       absl::Status (*add_row)(const Row&, CourseRecords&)) -> absl::Status {
    const std::string sql =
        absl::StrCat(select, InJson(dialect(), absl::StrCat(alias, ".course_id"), ":courses"),
                     " ORDER BY ", order);
    return conn_.Query({sql, columns}, {clinic_id, ids},
                       [&](const Row& row) { return add_row(row, of_course.at(row.Text(0))); });
  };
  IPT_RETURN_IF_ERROR(
      add(kFormulations, "f", "f.course_id, r.number", kFormulationColumns, AddFormulation));
  IPT_RETURN_IF_ERROR(add(kGoals, "g", "g.course_id, g.position", kGoalColumns, AddGoal));
  IPT_RETURN_IF_ERROR(add(kWork, "w", "w.course_id, w.position", kWorkColumns, AddWork));
  IPT_RETURN_IF_ERROR(add(kTerminations, "t", "t.course_id", kTerminationColumns, AddTermination));
  std::vector<CourseRecords> all;
  for (const std::string& id : course_ids) all.push_back(of_course.at(id));
  return all;
}

}  // namespace ipt::formulation
