#include "formulation/domain/names.h"
#include "formulation/storage/day_number.h"
#include "formulation/storage/formulation_json.h"
#include "formulation/storage/sql_formulation_tx.h"
#include "platform/storage/sql_text.h"

namespace ipt::formulation {
namespace {

using storage::ColumnType;
using storage::ColumnTypes;
using storage::FilteredQuery;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

#define OF_COURSE " WHERE clinic_id = :clinic AND course_id = :course"
#define OF_GOAL OF_COURSE " AND goal_id = :goal"
#define OF_RATING OF_GOAL " AND rating_id = :rating"
#define SELECT_GOAL                                                                          \
  "SELECT goal_id, problem_area_id, state, document, revision, created_us, updated_us FROM " \
  "goals" OF_COURSE
constexpr ColumnTypes kGoalColumns = {kText, kText, kInt, kText, kInt, kInt, kInt};
#define SELECT_RATING                                                              \
  "SELECT goal_id, rating_id, value, rater, rated_day, session_id, note, caller, " \
  "revision, created_us, updated_us FROM goal_ratings" OF_COURSE
constexpr ColumnTypes kRatingColumns = {kText, kText, kInt, kInt, kInt, kText,
                                        kText, kText, kInt, kInt, kInt};

constexpr Statement kGetGoal = {SELECT_GOAL " AND goal_id = :goal", kGoalColumns};
constexpr Statement kListGoals = {SELECT_GOAL " ORDER BY position", kGoalColumns};
constexpr Statement kInsertGoal = {
    "INSERT INTO goals (clinic_id, course_id, goal_id, position, problem_area_id, state, state_us, "
    "document, revision, created_us, updated_us) VALUES (:clinic, :course, :goal, "
    "(SELECT COALESCE(MAX(position), 0) + 1 FROM goals" OF_COURSE
    "), :area, :state, :since, :document, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, course_id, goal_id) DO NOTHING"};
constexpr Statement kUpdateGoal = {
    "UPDATE goals SET problem_area_id = :area, state = :state, state_us = :since, "
    "document = :document, revision = :revision, updated_us = :updated" OF_GOAL};
constexpr Statement kDeleteGoal = {"DELETE FROM goals" OF_GOAL};

constexpr Statement kGetRating = {SELECT_RATING " AND goal_id = :goal AND rating_id = :rating",
                                  kRatingColumns};
constexpr Statement kInsertRating = {
    "INSERT INTO goal_ratings (clinic_id, course_id, goal_id, rating_id, value, rater, rated_day, "
    "session_id, note, caller, revision, created_us, updated_us) VALUES (:clinic, :course, :goal, "
    ":rating, :value, :rater, :day, :session, :note, :caller, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, course_id, goal_id, rating_id) DO NOTHING"};
constexpr Statement kDeleteRating = {"DELETE FROM goal_ratings" OF_RATING};

absl::StatusOr<Goal> GoalOf(absl::string_view clinic_id, absl::string_view course_id,
                            const Row& row) {
  Goal goal;
  goal.clinic_id = std::string(clinic_id);
  goal.course_id = std::string(course_id);
  goal.goal_id = row.Text(0);
  goal.problem_area_id = row.Text(1);
  goal.state = static_cast<GoalState>(row.Int64(2));
  IPT_RETURN_IF_ERROR(DecodeGoal(row.Text(3), goal));
  goal.stamp = StampOf(row, 4);
  return goal;
}

absl::StatusOr<GoalRating> RatingOf(absl::string_view clinic_id, absl::string_view course_id,
                                    const Row& row) {
  GoalRating rating;
  rating.clinic_id = std::string(clinic_id);
  rating.course_id = std::string(course_id);
  rating.goal_id = row.Text(0);
  rating.rating_id = row.Text(1);
  rating.value = static_cast<int>(row.Int64(2));
  rating.rater = static_cast<GoalRater>(row.Int64(3));
  rating.rated_on = FromDayNumber(row.Int64(4));
  rating.session_id = row.Text(5);
  rating.note = row.Text(6);
  rating.caller = row.Text(7);
  rating.stamp = StampOf(row, 8);
  return rating;
}

std::string NameOf(const Goal& goal) {
  return GoalName(goal.clinic_id, goal.course_id, goal.goal_id);
}
std::string NameOf(const GoalRating& rating) {
  return GoalRatingName(rating.clinic_id, rating.course_id, rating.goal_id, rating.rating_id);
}

}  // namespace

absl::StatusOr<Goal> SqlFormulationTx::GetGoal(absl::string_view clinic_id,
                                               absl::string_view course_id,
                                               absl::string_view goal_id) {
  IPT_ASSIGN_OR_RETURN(
      auto found,
      storage::GetRows(conn_, kGetGoal, {clinic_id, course_id, goal_id},
                       [&](const Row& row) { return GoalOf(clinic_id, course_id, row); }));
  if (found.empty()) return NotFound(kGoalType, GoalName(clinic_id, course_id, goal_id));
  return std::move(found[0]);
}

absl::StatusOr<std::vector<Goal>> SqlFormulationTx::ListGoals(absl::string_view clinic_id,
                                                              absl::string_view course_id) {
  return storage::GetRows(conn_, kListGoals, {clinic_id, course_id},
                          [&](const Row& row) { return GoalOf(clinic_id, course_id, row); });
}

absl::Status SqlFormulationTx::InsertGoal(Goal& goal, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(goal.stamp, now));
  return Insert(kInsertGoal,
                {goal.clinic_id, goal.course_id, goal.goal_id, goal.problem_area_id,
                 static_cast<int>(goal.state), RecordedOf(goal).state_time, EncodeGoal(goal),
                 goal.stamp.revision, goal.stamp.create_time, goal.stamp.update_time},
                kGoalType, NameOf(goal));
}

absl::Status SqlFormulationTx::UpdateGoal(Goal& goal, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(goal.stamp, now));
  return ExecuteOnRow(kUpdateGoal,
                      {goal.problem_area_id, static_cast<int>(goal.state),
                       RecordedOf(goal).state_time, EncodeGoal(goal), goal.stamp.revision,
                       goal.stamp.update_time, goal.clinic_id, goal.course_id, goal.goal_id},
                      kGoalType, NameOf(goal));
}

absl::Status SqlFormulationTx::DeleteGoal(const Goal& goal) {
  return ExecuteOnRow(kDeleteGoal, {goal.clinic_id, goal.course_id, goal.goal_id}, kGoalType,
                      NameOf(goal));
}

absl::StatusOr<GoalRating> SqlFormulationTx::GetRating(absl::string_view clinic_id,
                                                       absl::string_view course_id,
                                                       absl::string_view goal_id,
                                                       absl::string_view rating_id) {
  IPT_ASSIGN_OR_RETURN(
      auto found,
      storage::GetRows(conn_, kGetRating, {clinic_id, course_id, goal_id, rating_id},
                       [&](const Row& row) { return RatingOf(clinic_id, course_id, row); }));
  if (found.empty()) {
    return NotFound(kGoalRatingType, GoalRatingName(clinic_id, course_id, goal_id, rating_id));
  }
  return std::move(found[0]);
}

absl::StatusOr<std::vector<GoalRating>> SqlFormulationTx::ListRatings(
    absl::string_view clinic_id, absl::string_view course_id, const RatingFilter& filter,
    const std::optional<RatingCursor>& after, int limit) {
  FilteredQuery query(SELECT_RATING, {clinic_id, course_id});
  if (!filter.goal_id.empty()) query.And("goal_id = :goal", {filter.goal_id});
  if (!filter.raters.empty()) query.AndIn("rater", "rater", filter.raters);
  if (after.has_value()) {
    query.And(
        "(rated_day, revision, goal_id, rating_id) > "
        "(:after_day, :after_revision, :after_goal, :after_rating)",
        {ToDayNumber(after->rated_on), after->revision, after->goal_id, after->rating_id});
  }
  query.OrderBy("rated_day, revision, goal_id, rating_id", limit);
  return storage::GetRows(conn_, query.statement(kRatingColumns), query.params(),
                          [&](const Row& row) { return RatingOf(clinic_id, course_id, row); });
}

absl::Status SqlFormulationTx::InsertRating(GoalRating& rating, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(rating.stamp, now));
  return Insert(
      kInsertRating,
      {rating.clinic_id, rating.course_id, rating.goal_id, rating.rating_id, rating.value,
       static_cast<int>(rating.rater), ToDayNumber(rating.rated_on), rating.session_id, rating.note,
       rating.caller, rating.stamp.revision, rating.stamp.create_time, rating.stamp.update_time},
      kGoalRatingType, NameOf(rating));
}

absl::Status SqlFormulationTx::DeleteRating(const GoalRating& rating) {
  return ExecuteOnRow(kDeleteRating,
                      {rating.clinic_id, rating.course_id, rating.goal_id, rating.rating_id},
                      kGoalRatingType, NameOf(rating));
}

}  // namespace ipt::formulation
