#include "formulation/rpc/goal_handler.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "formulation/domain/formulation.h"
#include "formulation/domain/goals.h"
#include "formulation/rpc/course_entry.h"
#include "formulation/rpc/course_write.h"
#include "formulation/rpc/entry_field.h"
#include "formulation/rpc/goal_proto.h"
#include "formulation/rpc/whole_list.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stated.h"

namespace ipt::formulation {
namespace {

using courses::CourseAnswer;

constexpr int kMostGoalsAPage = 100;

bool IsInCurrent(const CourseFormulation& formulation, const Goal& goal) {
  return formulation.current.has_value() && NamesGoal(formulation.current->content, goal.goal_id);
}

absl::StatusOr<pb::Goal> Described(FormulationReader& reader, const Goal& goal) {
  IPT_ASSIGN_OR_RETURN(const CourseFormulation formulation,
                       reader.GetFormulation(goal.clinic_id, goal.course_id));
  pb::Goal response;
  WriteGoal(goal, IsInCurrent(formulation, goal), &response);
  return response;
}

// What was only tried has no revision.
absl::StatusOr<pb::Goal> WrittenFor(const CallContext& ctx, FormulationReader& reader, Goal goal) {
  if (ctx.validate_only) goal.stamp.revision = 0;
  return Described(reader, goal);
}

// Positions in lists of ratings: the day, the revision, then ids; none of them holds a space.
std::string WriteRatingCursor(const GoalRating& last) {
  return absl::StrCat(absl::FormatCivilTime(*last.rated_on), " ", last.stamp.revision, " ",
                      last.goal_id, " ", last.rating_id);
}

absl::StatusOr<std::optional<RatingCursor>> ReadRatingCursor(absl::string_view cursor) {
  if (cursor.empty()) return std::optional<RatingCursor>();
  const std::vector<std::string> parts = absl::StrSplit(cursor, ' ');
  RatingCursor read;
  if (parts.size() != 4 || !absl::ParseCivilTime(parts[0], &read.rated_on) ||
      !absl::SimpleAtoi(parts[1], &read.revision)) {
    return InvalidField("page_token", "is not a token of this list");
  }
  read.goal_id = parts[2];
  read.rating_id = parts[3];
  return std::optional<RatingCursor>(std::move(read));
}

}  // namespace

absl::StatusOr<pb::Goal> GoalHandler::CreateGoal(const CallContext& ctx,
                                                 const pb::CreateGoalRequest& request) {
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  FieldViolations bad;
  Goal goal = ReadGoal(request.goal(), course_id, bad.In("goal"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  goal.goal_id = request.goal_id();
  return WriteToCourse<pb::Goal>(
      store_, courses_, ctx, course_id, "",
      [&](FormulationTx& tx, const CourseAnswer& course) -> absl::StatusOr<pb::Goal> {
        IPT_ASSIGN_OR_RETURN(Goal created,
                             formulation::CreateGoal(tx, ctx, ids_, *course.course, goal));
        return WrittenFor(ctx, tx, std::move(created));
      });
}

absl::StatusOr<pb::Goal> GoalHandler::GetGoal(const CallContext& ctx,
                                              const pb::GetGoalRequest& request) {
  const EntryIds ids(request.name());
  return rpc::ReadView<pb::Goal>(store_, ctx, request.min_revision(),
                                 [&](FormulationReader& reader) -> absl::StatusOr<pb::Goal> {
                                   IPT_ASSIGN_OR_RETURN(
                                       const Goal goal,
                                       reader.GetGoal(ctx.clinic_id, ids.course_id, ids.entry_id));
                                   return Described(reader, goal);
                                 });
}

absl::StatusOr<pb::ListGoalsResponse> GoalHandler::ListGoals(const CallContext& ctx,
                                                             const pb::ListGoalsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  FieldViolations bad;
  const auto states = rpc::ReadStated<GoalState>(request.states(), bad, "states");
  const std::string area_id = ReadEntryId(course_id, request.problem_area(), "problem_area", bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  const auto is_other = [&](const Goal& goal) {
    return (!states.empty() && !absl::c_linear_search(states, goal.state)) ||
           (!area_id.empty() && goal.problem_area_id != area_id);
  };
  return rpc::ReadView<pb::ListGoalsResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ListGoalsResponse> {
        IPT_ASSIGN_OR_RETURN(auto goals, reader.ListGoals(ctx.clinic_id, course_id));
        IPT_ASSIGN_OR_RETURN(const CourseFormulation formulation,
                             reader.GetFormulation(ctx.clinic_id, course_id));
        SortGoals(formulation, goals);
        std::erase_if(goals, is_other);
        const auto shown = PageOf(goals, page, kMostGoalsAPage, &Goal::goal_id);
        pb::ListGoalsResponse response;
        for (const Goal& goal : shown.entries) {
          WriteGoal(goal, IsInCurrent(formulation, goal), response.add_goals());
        }
        if (!shown.next_cursor.empty()) {
          response.set_next_page_token(rpc::NextPageToken(request, shown.next_cursor));
        }
        return response;
      });
}

absl::StatusOr<pb::Goal> GoalHandler::UpdateGoal(const CallContext& ctx,
                                                 const pb::UpdateGoalRequest& request) {
  const EntryIds ids(request.goal().name());
  return WriteToCourse<pb::Goal>(
      store_, courses_, ctx, ids.course_id, "",
      [&](FormulationTx& tx, const CourseAnswer&) -> absl::StatusOr<pb::Goal> {
        IPT_ASSIGN_OR_RETURN(const Goal before,
                             tx.GetGoal(ctx.clinic_id, ids.course_id, ids.entry_id));
        pb::Goal merged;
        WriteGoal(before, /*in_current_formulation=*/false, &merged);
        IPT_RETURN_IF_ERROR(
            rpc::MergeByMask(request.update_mask(), request.goal(), merged, "goal"));
        FieldViolations bad;
        Goal after = ReadGoal(merged, ids.course_id, bad.In("goal"));
        IPT_RETURN_IF_ERROR(bad.ToStatus());
        IPT_ASSIGN_OR_RETURN(after, ChangeGoal(tx, ctx, before, std::move(after),
                                               rpc::RevisionOfEtag(request.goal().etag())));
        return WrittenFor(ctx, tx, std::move(after));
      });
}

absl::StatusOr<pb::Goal> GoalHandler::ChangeGoalState(const CallContext& ctx,
                                                      const pb::ChangeGoalStateRequest& request) {
  const EntryIds ids(request.name());
  const GoalStateCommand command{.if_revision = rpc::RevisionOfEtag(request.etag()),
                                 .state = static_cast<GoalState>(request.state()),
                                 .reason = request.reason()};
  return WriteToCourse<pb::Goal>(
      store_, courses_, ctx, ids.course_id, "",
      [&](FormulationTx& tx, const CourseAnswer&) -> absl::StatusOr<pb::Goal> {
        IPT_ASSIGN_OR_RETURN(const Goal before,
                             tx.GetGoal(ctx.clinic_id, ids.course_id, ids.entry_id));
        IPT_ASSIGN_OR_RETURN(Goal after, formulation::ChangeGoalState(tx, ctx, before, command));
        return WrittenFor(ctx, tx, std::move(after));
      });
}

absl::StatusOr<pb::DeleteGoalResponse> GoalHandler::DeleteGoal(
    const CallContext& ctx, const pb::DeleteGoalRequest& request) {
  const EntryIds ids(request.name());
  return WriteToCourse<pb::DeleteGoalResponse>(
      store_, courses_, ctx, ids.course_id, "",
      [&](FormulationTx& tx, const CourseAnswer&) -> absl::StatusOr<pb::DeleteGoalResponse> {
        IPT_ASSIGN_OR_RETURN(const Goal goal,
                             tx.GetGoal(ctx.clinic_id, ids.course_id, ids.entry_id));
        IPT_RETURN_IF_ERROR(RemoveGoal(tx, ctx, goal, rpc::RevisionOfEtag(request.etag())));
        pb::DeleteGoalResponse response;
        IPT_ASSIGN_OR_RETURN(const int64_t revision, tx.log().Revision());
        response.set_revision(revision);
        return response;
      });
}

absl::StatusOr<pb::GoalRating> GoalHandler::RateGoal(const CallContext& ctx,
                                                     const pb::RateGoalRequest& request) {
  const EntryIds ids(request.goal());
  FieldViolations bad;
  const GoalRating rating = ReadRating(request.rating(), ids.course_id, bad.In("rating"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return WriteToCourse<pb::GoalRating>(
      store_, courses_, ctx, ids.course_id, rating.session_id,
      [&](FormulationTx& tx, const CourseAnswer& course) -> absl::StatusOr<pb::GoalRating> {
        IPT_ASSIGN_OR_RETURN(const Goal goal,
                             tx.GetGoal(ctx.clinic_id, ids.course_id, ids.entry_id));
        IPT_ASSIGN_OR_RETURN(GoalRating recorded,
                             formulation::RateGoal(tx, ctx, ids_, *course.course, goal, rating));
        if (ctx.validate_only) recorded.stamp.revision = 0;
        pb::GoalRating response;
        WriteRating(recorded, &response);
        return response;
      });
}

absl::StatusOr<pb::ListGoalRatingsResponse> GoalHandler::ListGoalRatings(
    const CallContext& ctx, const pb::ListGoalRatingsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  IPT_ASSIGN_OR_RETURN(const auto after, ReadRatingCursor(page.cursor));
  const EntryIds ids(request.parent());
  FieldViolations bad;
  RatingFilter filter{.raters = rpc::ReadStated<GoalRater>(request.raters(), bad, "raters")};
  if (ids.course_id == "-") bad.Add("parent", "must name a course: only a goal may be \"-\"");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  if (ids.entry_id != "-") filter.goal_id = ids.entry_id;
  return rpc::ReadView<pb::ListGoalRatingsResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ListGoalRatingsResponse> {
        if (!filter.goal_id.empty()) {
          IPT_RETURN_IF_ERROR(
              reader.GetGoal(ctx.clinic_id, ids.course_id, filter.goal_id).status());
        }
        IPT_ASSIGN_OR_RETURN(auto ratings, reader.ListRatings(ctx.clinic_id, ids.course_id, filter,
                                                              after, page.size + 1));
        pb::ListGoalRatingsResponse response;
        if (ratings.size() > static_cast<size_t>(page.size)) {
          ratings.resize(page.size);
          response.set_next_page_token(
              rpc::NextPageToken(request, WriteRatingCursor(ratings.back())));
        }
        for (const GoalRating& rating : ratings) WriteRating(rating, response.add_ratings());
        return response;
      });
}

absl::StatusOr<pb::DeleteGoalRatingResponse> GoalHandler::DeleteGoalRating(
    const CallContext& ctx, const pb::DeleteGoalRatingRequest& request) {
  const EntryIds ids(request.name());
  const std::string rating_id = rpc::IdsOf(request.name())[3];
  return WriteToCourse<pb::DeleteGoalRatingResponse>(
      store_, courses_, ctx, ids.course_id, "",
      [&](FormulationTx& tx, const CourseAnswer&) -> absl::StatusOr<pb::DeleteGoalRatingResponse> {
        IPT_ASSIGN_OR_RETURN(const GoalRating rating,
                             tx.GetRating(ctx.clinic_id, ids.course_id, ids.entry_id, rating_id));
        IPT_ASSIGN_OR_RETURN(const Goal goal,
                             tx.GetGoal(ctx.clinic_id, ids.course_id, ids.entry_id));
        IPT_RETURN_IF_ERROR(RemoveRating(tx, ctx, goal, rating));
        pb::DeleteGoalRatingResponse response;
        IPT_ASSIGN_OR_RETURN(const int64_t revision, tx.log().Revision());
        response.set_revision(revision);
        return response;
      });
}

}  // namespace ipt::formulation
