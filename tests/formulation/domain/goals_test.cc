#include "formulation/domain/goals.h"

#include <string>
#include <vector>

#include "formulation/domain/reasons.h"
#include "tests/formulation/formulation_fixture.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;

class GoalsTest : public FormulationTest {
 protected:
  Goal Get(const std::string& id = "g-row") { return *tx_.GetGoal("north", "k1", id); }
  absl::StatusOr<Goal> Move(GoalState state, const std::string& reason = "So.") {
    return ChangeGoalState(tx_, ctx_, Get(), {.state = state, .reason = reason});
  }
  absl::StatusOr<GoalRating> Rate(int value, GoalRater rater, absl::CivilDay day) {
    return RateGoal(tx_, ctx_, ids_, course_, Get(),
                    {.value = value, .rater = rater, .rated_on = day});
  }
};

TEST(GoalStateTest, OnlyTheStatedStepsAreTaken) {
  using S = GoalState;
  const std::vector<S> all = {S::kProposed,       S::kActive,      S::kAchieved,
                              S::kPartlyAchieved, S::kNotAchieved, S::kAbandoned};
  const std::vector<std::string> expected = {
      // to:  PROPOSED ACTIVE ACHIEVED PARTLY NOT ABANDONED
      "-+---+",  // from PROPOSED
      "--++++",  // from ACTIVE
      "-+----",  // from ACHIEVED
      "-+----",  // from PARTLY_ACHIEVED
      "-+----",  // from NOT_ACHIEVED
      "-+----",  // from ABANDONED
  };
  for (size_t from = 0; from < all.size(); ++from) {
    std::string row;
    for (const S to : all) row += MayGo(all[from], to) ? '+' : '-';
    EXPECT_EQ(row, expected[from]) << NameOf(all[from]);
  }
}

TEST_F(GoalsTest, AGoalIsProposedWhateverWasStated) {
  Goal stated = GoalOf("new", "row");
  stated.state = GoalState::kAchieved;
  stated.changes = {{}, {}};
  const auto made = CreateGoal(tx_, ctx_, ids_, course_, stated);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->state, GoalState::kProposed);
  ASSERT_EQ(made->changes.size(), 1u);
  EXPECT_EQ(made->changes[0].caller, "ana@north");
  EXPECT_EQ(tx_.Last<GoalChanged>().state, GoalState::kProposed);
  EXPECT_THAT(CreateGoal(tx_, ctx_, ids_, course_, {.problem_area_id = "nowhere"}),
              HasBadFields("goal.description", "goal.problem_area"));
}

TEST_F(GoalsTest, ACourseHasAtMostThirty) {
  for (int i = 3; i < 30; ++i) {
    Must(CreateGoal(tx_, ctx_, ids_, course_, GoalOf(absl::StrCat("g", i), "")));
  }
  EXPECT_THAT(CreateGoal(tx_, ctx_, ids_, course_, GoalOf("one-more", "")),
              FailsWith(kPrecondition, reason::kLimitReached));
}

TEST_F(GoalsTest, AChangeOfItsWordsLeavesItsState) {
  Must(Move(GoalState::kActive, ""));
  Goal after = Get();
  after.description = "To talk";
  after.state = GoalState::kAchieved;
  after.changes.clear();
  const auto changed = ChangeGoal(tx_, ctx_, Get(), after, Get().stamp.revision);
  ASSERT_THAT(changed, IsOk());
  EXPECT_EQ(changed->description, "To talk");
  EXPECT_EQ(changed->state, GoalState::kActive);
  EXPECT_EQ(changed->changes.size(), 2u);
  EXPECT_THAT(ChangeGoal(tx_, ctx_, Get(), after, 1), StatusIs(absl::StatusCode::kAborted));
}

TEST_F(GoalsTest, GivingUpAndTakingUpAgainNeedAReason) {
  EXPECT_THAT(Move(GoalState::kAbandoned, " "), HasBadFields("reason"));
  EXPECT_THAT(Move(GoalState::kActive, ""), IsOk());
  EXPECT_THAT(Move(GoalState::kAbandoned, std::string(257, 'x')), HasBadFields("reason"));
  EXPECT_THAT(Move(GoalState::kAchieved, ""), IsOk());
  EXPECT_THAT(Move(GoalState::kActive, ""), HasBadFields("reason"));
  EXPECT_THAT(Move(GoalState::kActive), IsOk());
  EXPECT_THAT(Move(GoalState::kUnspecified), HasBadFields("state"));
}

TEST_F(GoalsTest, AStepThatThereIsNotIsRefusedAndNoStepWritesNothing) {
  const auto refused = Move(GoalState::kAchieved);
  EXPECT_THAT(refused, FailsWith(kPrecondition, reason::kGoalState));
  EXPECT_EQ(ErrorMetadataOf(refused.status())["state"], "PROPOSED");
  const Goal before = Get();
  EXPECT_THAT(Move(GoalState::kProposed), IsOk());
  EXPECT_EQ(Get(), before);
}

TEST_F(GoalsTest, AgreeingMakesProposedGoalsActiveAndNoOthers) {
  Must(CreateGoal(tx_, ctx_, ids_, course_, GoalOf("given-up", "row")));
  FormulationContent content = Complete();
  content.goal_ids.push_back("given-up");
  Must(Save(content));
  Must(Propose());
  Must(ChangeGoalState(tx_, ctx_, Get("given-up"),
                       {.state = GoalState::kAbandoned, .reason = "No."}));
  tx_.events.clear();
  Must(Agree(DayOfSession(4)));
  EXPECT_EQ(Get("g-row").state, GoalState::kActive);
  EXPECT_EQ(Get("given-up").state, GoalState::kAbandoned);
  EXPECT_EQ(Get("g-mourning").state, GoalState::kProposed);
  EXPECT_EQ(tx_.Told<GoalChanged>(), 1);
  EXPECT_EQ(tx_.Told<FormulationAgreed>(), 1);
}

TEST_F(GoalsTest, OnlyWhatWasNeverWorkedOnIsDeleted) {
  Must(Save(Complete()));
  EXPECT_THAT(RemoveGoal(tx_, ctx_, Get(), 0), FailsWith(kPrecondition, reason::kResourceInUse));
  Must(Discard());
  const auto rating = Rate(3, GoalRater::kPatient, DayOfSession(1));
  EXPECT_THAT(RemoveGoal(tx_, ctx_, Get(), 0), FailsWith(kPrecondition, reason::kGoalState));
  Must(RemoveRating(tx_, ctx_, Get(), *rating));
  EXPECT_EQ(tx_.Last<GoalRatingDeleted>().value, 3);
  EXPECT_THAT(RemoveGoal(tx_, ctx_, Get(), 1), StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(RemoveGoal(tx_, ctx_, Get(), 0), IsOk());
  EXPECT_EQ(tx_.Told<GoalDeleted>(), 1);
}

TEST_F(GoalsTest, ARatingIsFromZeroToTenOfADayThatHasBeen) {
  for (const int value : {0, 10}) {
    EXPECT_THAT(Rate(value, GoalRater::kTherapist, DayOfSession(8) + 1), IsOk());
  }
  EXPECT_THAT(Rate(11, GoalRater::kUnspecified, DayOfSession(8) + 2),
              HasBadFields("rating.value", "rating.rater", "rating.rated_on"));
  EXPECT_THAT(RateGoal(tx_, ctx_, ids_, course_, Get(), {}),
              HasBadFields("rating.value", "rating.rater", "rating.rated_on"));
  GoalRating rating{.value = 5,
                    .rater = GoalRater::kPatient,
                    .rated_on = DayOfSession(1),
                    .session_id = "nowhere"};
  EXPECT_THAT(RateGoal(tx_, ctx_, ids_, course_, Get(), rating),
              StatusIs(absl::StatusCode::kNotFound));
  rating.session_id = "s1";
  EXPECT_THAT(RateGoal(tx_, ctx_, ids_, course_, Get(), rating), IsOk());
}

TEST_F(GoalsTest, TheDayOfARatingIsTheCoursesToday) {
  // Half past midnight in London, where it is British Summer Time, and the day before in UTC.
  ctx_.now = absl::FromCivil(absl::CivilMinute(2026, 6, 9, 23, 30), absl::UTCTimeZone());
  EXPECT_THAT(Rate(5, GoalRater::kPatient, absl::CivilDay(2026, 6, 10)), IsOk());
  EXPECT_THAT(Rate(5, GoalRater::kPatient, absl::CivilDay(2026, 6, 11)),
              HasBadFields("rating.rated_on"));
}

TEST_F(GoalsTest, AGoalSaysItsFirstAndLastRatingsByDay) {
  const int64_t before = Get().stamp.revision;
  Must(Rate(4, GoalRater::kPatient, DayOfSession(5)));
  Must(Rate(2, GoalRater::kPatient, DayOfSession(1)));
  Must(Rate(3, GoalRater::kPatient, DayOfSession(1)));
  Must(Rate(7, GoalRater::kPatient, DayOfSession(8)));
  Must(Rate(6, GoalRater::kPatient, DayOfSession(8)));
  Must(Rate(1, GoalRater::kTherapist, DayOfSession(2)));
  const Goal goal = Get();
  EXPECT_EQ(goal.ratings.first_patient->value, 3);
  EXPECT_EQ(goal.ratings.last_patient->value, 6);
  EXPECT_EQ(goal.ratings.last_therapist->value, 1);
  EXPECT_EQ(goal.ratings.count, 6);
  EXPECT_GT(goal.stamp.revision, before);
  EXPECT_EQ(tx_.Last<GoalRated>().rater, GoalRater::kTherapist);
}

TEST_F(GoalsTest, WhatWasGivenUpIsNotRatedAndNothingMoreThanFiveHundredTimes) {
  Goal goal = Get();
  goal.ratings.count = 499;
  const GoalRating rating{.value = 5, .rater = GoalRater::kPatient, .rated_on = DayOfSession(1)};
  EXPECT_THAT(RateGoal(tx_, ctx_, ids_, course_, goal, rating), IsOk());
  goal.ratings.count = 500;
  EXPECT_THAT(RateGoal(tx_, ctx_, ids_, course_, goal, rating),
              FailsWith(kPrecondition, reason::kLimitReached));
  Must(Move(GoalState::kAbandoned));
  EXPECT_THAT(RateGoal(tx_, ctx_, ids_, course_, Get(), rating),
              FailsWith(kPrecondition, reason::kGoalState));
}

TEST_F(GoalsTest, ThoseOfTheCurrentFormulationComeFirstInItsOrder) {
  FormulationContent content = Complete();
  content.focus.push_back({"alone", "Both."});
  content.goal_ids = {"g-alone", "g-row"};
  AgreeOn(content);
  std::vector<Goal> goals = *tx_.ListGoals("north", "k1");
  SortGoals(Present(), goals);
  std::vector<std::string> ids;
  for (const Goal& goal : goals) ids.push_back(goal.goal_id);
  EXPECT_THAT(ids, ElementsAre("g-alone", "g-row", "g-mourning"));
}

}  // namespace
}  // namespace ipt::formulation
