#include "formulation/domain/goals.h"

#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "formulation/domain/course_access.h"
#include "formulation/domain/formulation.h"
#include "formulation/domain/names.h"
#include "formulation/domain/reasons.h"
#include "formulation/domain/refusals.h"
#include "platform/errors/status_macros.h"

namespace ipt::formulation {
namespace {

std::string NameOf(const Goal& goal) {
  return GoalName(goal.clinic_id, goal.course_id, goal.goal_id);
}

bool IsOutcome(GoalState state) {
  return state == GoalState::kAchieved || state == GoalState::kPartlyAchieved ||
         state == GoalState::kNotAchieved;
}

absl::Status StateForbids(const Goal& goal, absl::string_view what_to_do) {
  return FailedPrecondition(reason::kGoalState, NameOf(goal), what_to_do,
                            {{"state", std::string(NameOf(goal.state))}});
}

GoalNotice NoticeOf(const Goal& goal) {
  return {{goal.clinic_id, goal.course_id, goal.goal_id}, goal.state};
}

RatingNotice NoticeOf(const Goal& goal, const GoalRating& rating) {
  return {NoticeOf(goal), rating.rating_id, *rating.value, rating.rater};
}

void Enter(GoalState state, absl::string_view reason, const CallContext& ctx, Goal& goal) {
  goal.state = state;
  goal.changes.push_back({.time = ctx.now,
                          .state = state,
                          .caller = ctx.caller->subject,
                          .reason = std::string(reason)});
  if (goal.changes.size() > kMostGoalChanges) goal.changes.erase(goal.changes.begin());
}

absl::Status CheckedGoal(FormulationTx& tx, const Goal& goal, FieldViolations& bad) {
  IPT_ASSIGN_OR_RETURN(const auto areas, tx.ListProblemAreas(goal.clinic_id, goal.course_id));
  CheckGoal(goal, areas, bad.In("goal"));
  return bad.ToStatus();
}

// Writes the goal with what its ratings are now, which changes its etag.
absl::Status KeepSummary(FormulationTx& tx, const CallContext& ctx, Goal goal) {
  IPT_ASSIGN_OR_RETURN(
      const auto ratings,
      tx.ListRatings(goal.clinic_id, goal.course_id, {.goal_id = goal.goal_id}, {}, kMostRatings));
  goal.ratings = SummaryOf(ratings);
  return tx.UpdateGoal(goal, ctx.now);
}

}  // namespace

void CheckGoal(const Goal& goal, const std::vector<ProblemArea>& areas, FieldViolations bad) {
  if (IsBlank(goal.description)) bad.Add("description", "is required");
  if (!goal.problem_area_id.empty() && absl::c_none_of(areas, [&](const ProblemArea& area) {
        return area.problem_area_id == goal.problem_area_id;
      })) {
    bad.Add("problem_area", "must be a problem area of the same course");
  }
}

void CheckRating(const GoalRating& rating, absl::CivilDay today, FieldViolations bad) {
  if (!rating.value.has_value()) bad.Add("value", "is required");
  CheckIn(rating.value, 0, 10, "value", bad);
  if (rating.rater == GoalRater::kUnspecified) bad.Add("rater", "is required");
  if (!rating.rated_on.has_value()) {
    bad.Add("rated_on", "is required");
  } else if (*rating.rated_on > today) {
    bad.Add("rated_on", "must not be in the future");
  }
}

absl::string_view NameOf(GoalState state) {
  switch (state) {
    case GoalState::kProposed:
      return "PROPOSED";
    case GoalState::kActive:
      return "ACTIVE";
    case GoalState::kAchieved:
      return "ACHIEVED";
    case GoalState::kPartlyAchieved:
      return "PARTLY_ACHIEVED";
    case GoalState::kNotAchieved:
      return "NOT_ACHIEVED";
    case GoalState::kAbandoned:
      return "ABANDONED";
    case GoalState::kUnspecified:
      break;
  }
  return "GOAL_STATE_UNSPECIFIED";
}

bool MayGo(GoalState from, GoalState to) {
  switch (from) {
    case GoalState::kProposed:
      return to == GoalState::kActive || to == GoalState::kAbandoned;
    case GoalState::kActive:
      return IsOutcome(to) || to == GoalState::kAbandoned;
    case GoalState::kAchieved:
    case GoalState::kPartlyAchieved:
    case GoalState::kNotAchieved:
    case GoalState::kAbandoned:
      return to == GoalState::kActive;
    case GoalState::kUnspecified:
      break;
  }
  return false;
}

bool NeedsReason(GoalState from, GoalState to) {
  if (to == GoalState::kAbandoned) return true;
  return to == GoalState::kActive && from != GoalState::kProposed;
}

RatingSummary SummaryOf(const std::vector<GoalRating>& ratings) {
  RatingSummary summary{.count = static_cast<int>(ratings.size())};
  // Of the ratings of the first day, too, the one that was recorded last is the day's.
  for (const GoalRating& rating : ratings) {
    if (rating.rater == GoalRater::kPatient) {
      if (!summary.first_patient.has_value() ||
          summary.first_patient->rated_on == rating.rated_on) {
        summary.first_patient = rating;
      }
      summary.last_patient = rating;
    } else {
      summary.last_therapist = rating;
    }
  }
  return summary;
}

void SortGoals(const CourseFormulation& formulation, std::vector<Goal>& goals) {
  static const std::vector<std::string> kNone;
  const std::vector<std::string>& order =
      formulation.current.has_value() ? formulation.current->content.goal_ids : kNone;
  const auto place = [&](const Goal& goal) { return absl::c_find(order, goal.goal_id); };
  absl::c_stable_sort(goals, [&](const Goal& a, const Goal& b) { return place(a) < place(b); });
}

absl::StatusOr<Goal> CreateGoal(FormulationTx& tx, const CallContext& ctx, IdSource& ids,
                                const courses::CopiedCourse& course, Goal goal) {
  goal.clinic_id = course.clinic_id;
  goal.course_id = course.course_id;
  goal.ratings = {};
  goal.changes.clear();
  FieldViolations bad;
  CheckNewId(goal.goal_id, "goal_id", bad);
  IPT_RETURN_IF_ERROR(CheckedGoal(tx, goal, bad));
  IPT_ASSIGN_OR_RETURN(const auto others, tx.ListGoals(course.clinic_id, course.course_id));
  IPT_RETURN_IF_ERROR(RefuseMore(others.size(), kMostGoals,
                                 CourseName(course.clinic_id, course.course_id), "goals"));
  if (goal.goal_id.empty()) goal.goal_id = ids.NewUuid();
  Enter(GoalState::kProposed, "", ctx, goal);
  IPT_RETURN_IF_ERROR(tx.InsertGoal(goal, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(GoalChanged{NoticeOf(goal)}, ctx.now));
  return goal;
}

absl::StatusOr<Goal> ChangeGoal(FormulationTx& tx, const CallContext& ctx, const Goal& before,
                                Goal after, int64_t if_revision) {
  IPT_RETURN_IF_ERROR(CheckRevision(if_revision, before.stamp.revision, kGoalType, NameOf(before)));
  Goal goal = before;
  goal.description = std::move(after.description);
  goal.problem_area_id = std::move(after.problem_area_id);
  goal.measure = std::move(after.measure);
  goal.target_date = after.target_date;
  FieldViolations bad;
  IPT_RETURN_IF_ERROR(CheckedGoal(tx, goal, bad));
  IPT_RETURN_IF_ERROR(tx.UpdateGoal(goal, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(GoalChanged{NoticeOf(goal)}, ctx.now));
  return goal;
}

absl::StatusOr<Goal> ChangeGoalState(FormulationTx& tx, const CallContext& ctx, const Goal& before,
                                     const GoalStateCommand& command) {
  FieldViolations bad;
  if (command.state == GoalState::kUnspecified) bad.Add("state", "is required");
  CheckReason(command.reason,
              MayGo(before.state, command.state) && NeedsReason(before.state, command.state), bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_RETURN_IF_ERROR(
      CheckRevision(command.if_revision, before.stamp.revision, kGoalType, NameOf(before)));
  if (command.state == before.state) return before;
  if (!MayGo(before.state, command.state)) {
    return StateForbids(before, "the goal cannot go from its state to this one");
  }
  Goal after = before;
  Enter(command.state, command.reason, ctx, after);
  IPT_RETURN_IF_ERROR(tx.UpdateGoal(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(GoalChanged{NoticeOf(after)}, ctx.now));
  return after;
}

absl::Status ActivateGoals(FormulationTx& tx, const CallContext& ctx, absl::string_view clinic_id,
                           absl::string_view course_id, const std::vector<std::string>& goal_ids) {
  for (const std::string& id : goal_ids) {
    IPT_ASSIGN_OR_RETURN(Goal goal, tx.GetGoal(clinic_id, course_id, id));
    if (goal.state != GoalState::kProposed) continue;
    Enter(GoalState::kActive, "", ctx, goal);
    IPT_RETURN_IF_ERROR(tx.UpdateGoal(goal, ctx.now));
    tx.log().NoteChanged(NameOf(goal));
    IPT_RETURN_IF_ERROR(tx.Emit(GoalChanged{NoticeOf(goal)}, ctx.now));
  }
  return absl::OkStatus();
}

absl::Status RemoveGoal(FormulationTx& tx, const CallContext& ctx, const Goal& goal,
                        int64_t if_revision) {
  IPT_RETURN_IF_ERROR(CheckRevision(if_revision, goal.stamp.revision, kGoalType, NameOf(goal)));
  if (goal.state != GoalState::kProposed || goal.ratings.count > 0) {
    return StateForbids(goal, "only a goal that was never worked on is deleted: abandon it");
  }
  std::vector<std::string> used_by;
  IPT_ASSIGN_OR_RETURN(const auto formulation, tx.GetFormulation(goal.clinic_id, goal.course_id));
  AddRevisionsThat(formulation, used_by, [&](const FormulationContent& content) {
    return NamesGoal(content, goal.goal_id);
  });
  IPT_RETURN_IF_ERROR(RefuseInUse(used_by));
  IPT_RETURN_IF_ERROR(tx.DeleteGoal(goal));
  return tx.Emit(GoalDeleted{NoticeOf(goal)}, ctx.now);
}

absl::StatusOr<GoalRating> RateGoal(FormulationTx& tx, const CallContext& ctx, IdSource& ids,
                                    const courses::CopiedCourse& course, const Goal& goal,
                                    GoalRating rating) {
  IPT_ASSIGN_OR_RETURN(const absl::CivilDay today, DayIn(course, ctx.now));
  FieldViolations bad;
  CheckRating(rating, today, bad.In("rating"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  if (!rating.session_id.empty()) {
    IPT_RETURN_IF_ERROR(SessionOf(course, rating.session_id).status());
  }
  if (goal.state == GoalState::kAbandoned) {
    return StateForbids(goal, "a goal that was given up is not rated: make it active again first");
  }
  IPT_RETURN_IF_ERROR(RefuseMore(goal.ratings.count, kMostRatings, NameOf(goal), "ratings"));
  rating.clinic_id = goal.clinic_id;
  rating.course_id = goal.course_id;
  rating.goal_id = goal.goal_id;
  rating.rating_id = ids.NewUuid();
  rating.caller = ctx.caller->subject;
  IPT_RETURN_IF_ERROR(tx.InsertRating(rating, ctx.now));
  IPT_RETURN_IF_ERROR(KeepSummary(tx, ctx, goal));
  IPT_RETURN_IF_ERROR(tx.Emit(GoalRated{NoticeOf(goal, rating)}, ctx.now));
  return rating;
}

absl::Status RemoveRating(FormulationTx& tx, const CallContext& ctx, const Goal& goal,
                          const GoalRating& rating) {
  IPT_RETURN_IF_ERROR(tx.DeleteRating(rating));
  IPT_RETURN_IF_ERROR(KeepSummary(tx, ctx, goal));
  return tx.Emit(GoalRatingDeleted{NoticeOf(goal, rating)}, ctx.now);
}

}  // namespace ipt::formulation
