// What a treatment is to reach, and how near it is.
//
// Each function that writes runs in the caller's transaction, with the course's scope locked since
// what it is given was read. What it refuses, it refuses before it writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/store.h"
#include "formulation/domain/types.h"
#include "platform/errors/field_violations.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {

inline constexpr size_t kMostGoals = 30;
inline constexpr int kMostRatings = 500;
inline constexpr size_t kMostGoalChanges = 50;

// Adds what cannot be, by field, as the contract names them; beyond the fields' own rules.
// `areas`: all of the course's.
void CheckGoal(const Goal& goal, const std::vector<ProblemArea>& areas, FieldViolations bad);
void CheckRating(const GoalRating& rating, absl::CivilDay today, FieldViolations bad);

// Its name in the contract, without the prefix.
absl::string_view NameOf(GoalState state);
// Whether a goal goes from the one to the other; to the same: no step.
bool MayGo(GoalState from, GoalState to);
// Such a step needs a reason.
bool NeedsReason(GoalState from, GoalState to);

// What a goal says of its ratings, of which a later one of a day is the one that was recorded last.
RatingSummary SummaryOf(const std::vector<GoalRating>& ratings);

// Those of the current formulation in its order, then the others as they were.
void SortGoals(const CourseFormulation& formulation, std::vector<Goal>& goals);

// PROPOSED. An empty id: a new one. INVALID_FIELDS, LIMIT_REACHED, RESOURCE_EXISTS.
absl::StatusOr<Goal> CreateGoal(FormulationTx& tx, const CallContext& ctx, IdSource& ids,
                                const courses::CopiedCourse& course, Goal goal);
// `after`: all of it, merged; state, changes and ratings stay. INVALID_FIELDS, ETAG_MISMATCH.
absl::StatusOr<Goal> ChangeGoal(FormulationTx& tx, const CallContext& ctx, const Goal& before,
                                Goal after, int64_t if_revision);

struct GoalStateCommand {
  int64_t if_revision = 0;  // 0: any
  GoalState state = GoalState::kUnspecified;
  std::string reason{};
};
// GOAL_STATE, INVALID_FIELDS, ETAG_MISMATCH. To the state that it is in: writes nothing.
absl::StatusOr<Goal> ChangeGoalState(FormulationTx& tx, const CallContext& ctx, const Goal& before,
                                     const GoalStateCommand& command);
// Of these goals, those that are PROPOSED are ACTIVE afterwards.
absl::Status ActivateGoals(FormulationTx& tx, const CallContext& ctx, absl::string_view clinic_id,
                           absl::string_view course_id, const std::vector<std::string>& goal_ids);
// GOAL_STATE, RESOURCE_IN_USE, ETAG_MISMATCH.
absl::Status RemoveGoal(FormulationTx& tx, const CallContext& ctx, const Goal& goal,
                        int64_t if_revision);

// GOAL_STATE, LIMIT_REACHED, INVALID_FIELDS; NOT_FOUND for a session that the course does not have.
absl::StatusOr<GoalRating> RateGoal(FormulationTx& tx, const CallContext& ctx, IdSource& ids,
                                    const courses::CopiedCourse& course, const Goal& goal,
                                    GoalRating rating);
absl::Status RemoveRating(FormulationTx& tx, const CallContext& ctx, const Goal& goal,
                          const GoalRating& rating);

}  // namespace ipt::formulation
