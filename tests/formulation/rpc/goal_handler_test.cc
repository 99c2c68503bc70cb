#include "formulation/rpc/goal_handler.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "platform/errors/error.h"
#include "platform/rpc/proto_time.h"
#include "tests/formulation/rpc/formulated_course.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// The course has the goals g-row, g-mourning and g-alone.
class GoalHandlerTest : public FormulatedCourseTest {
 protected:
  pb::CreateGoalRequest CreateRequest(const std::string& id, const std::string& area = "row") {
    pb::CreateGoalRequest request;
    request.set_parent(course_name_);
    request.set_goal_id(id);
    request.mutable_goal()->set_description("To talk again.");
    request.mutable_goal()->set_problem_area(Name("problemAreas/" + area));
    return request;
  }
  absl::StatusOr<pb::Goal> Create(const pb::CreateGoalRequest& request) {
    return goals_.CreateGoal(WriteCall(request), request);
  }
  absl::StatusOr<pb::Goal> Update(const pb::UpdateGoalRequest& request) {
    return goals_.UpdateGoal(WriteCall(request), request);
  }
  pb::ChangeGoalStateRequest StateRequest(const std::string& id, pb::GoalState state,
                                          const std::string& reason = "") {
    pb::ChangeGoalStateRequest request;
    request.set_name(Name("goals/" + id));
    request.set_state(state);
    request.set_reason(reason);
    return request;
  }
  absl::StatusOr<pb::Goal> Change(const pb::ChangeGoalStateRequest& request) {
    return goals_.ChangeGoalState(WriteCall(request), request);
  }
  absl::StatusOr<pb::Goal> Change(const std::string& id, pb::GoalState state,
                                  const std::string& reason = "") {
    return Change(StateRequest(id, state, reason));
  }
  absl::StatusOr<pb::DeleteGoalResponse> Delete(const std::string& id,
                                                const std::string& etag = "") {
    pb::DeleteGoalRequest request;
    request.set_name(Name("goals/" + id));
    request.set_etag(etag);
    return goals_.DeleteGoal(WriteCall(request), request);
  }
  pb::RateGoalRequest RateRequest(const std::string& id, int value, absl::CivilDay day,
                                  pb::GoalRater rater = pb::GOAL_RATER_PATIENT) {
    pb::RateGoalRequest request;
    request.set_goal(Name("goals/" + id));
    request.mutable_rating()->set_value(value);
    request.mutable_rating()->set_rater(rater);
    rpc::WriteDay(day, request.mutable_rating()->mutable_rated_on());
    return request;
  }
  absl::StatusOr<pb::GoalRating> Rate(const pb::RateGoalRequest& request) {
    return goals_.RateGoal(WriteCall(request), request);
  }
  absl::StatusOr<pb::GoalRating> Rate(const std::string& id, int value, absl::CivilDay day,
                                      pb::GoalRater rater = pb::GOAL_RATER_PATIENT) {
    return Rate(RateRequest(id, value, day, rater));
  }
  absl::StatusOr<pb::DeleteGoalRatingResponse> DeleteRating(const std::string& name) {
    pb::DeleteGoalRatingRequest request;
    request.set_name(name);
    return goals_.DeleteGoalRating(WriteCall(request), request);
  }
  // The ids of goals, page by page.
  std::vector<std::string> Listed(pb::ListGoalsRequest request = {}) {
    request.set_parent(course_name_);
    std::vector<std::string> ids;
    do {
      const auto page = goals_.ListGoals(ReadCall(), request);
      EXPECT_OK(page);
      if (!page.ok()) break;
      for (const auto& goal : page->goals()) {
        ids.push_back(goal.name().substr(goal.name().rfind('/') + 1));
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }
  // The values of ratings, page by page.
  std::vector<int> RatingsOf(const std::string& goal, int page_size = 0,
                             const std::vector<pb::GoalRater>& raters = {}) {
    pb::ListGoalRatingsRequest request;
    request.set_parent(Name("goals/" + goal));
    request.set_page_size(page_size);
    for (const auto rater : raters) request.add_raters(rater);
    std::vector<int> values;
    do {
      const auto page = goals_.ListGoalRatings(ReadCall(), request);
      EXPECT_OK(page);
      if (!page.ok()) break;
      for (const auto& rating : page->ratings()) values.push_back(rating.value());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return values;
  }

  const absl::CivilDay today_ = DayOfSession(8) + 1;
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(GoalHandlerTest);

TEST_P(GoalHandlerTest, AGoalIsWrittenDownAsProposed) {
  pb::CreateGoalRequest request = CreateRequest("talk");
  pb::Goal& goal = *request.mutable_goal();
  goal.set_measure("Two talks a week.");
  goal.set_state(pb::GOAL_STATE_ACHIEVED);
  rpc::WriteDay(DayOfSession(16), goal.mutable_target_date());
  NewEvents();
  ASSERT_OK_AND_ASSIGN(const pb::Goal created, Create(request));
  EXPECT_THAT(NewEvents(), ElementsAre("GOAL_CHANGED"));
  EXPECT_EQ(created.name(), "clinics/north/courses/k1/goals/talk");
  EXPECT_EQ(created.description(), "To talk again.");
  EXPECT_EQ(created.problem_area(), Name("problemAreas/row"));
  EXPECT_EQ(created.measure(), "Two talks a week.");
  EXPECT_EQ(created.target_date().day(), DayOfSession(16).day());
  EXPECT_EQ(created.state(), pb::GOAL_STATE_PROPOSED);
  EXPECT_EQ(created.rating_count(), 0);
  ASSERT_THAT(created.changes(), SizeIs(1));
  EXPECT_EQ(created.changes(0).caller(), "tester");
  EXPECT_EQ(created.changes(0).state(), pb::GOAL_STATE_PROPOSED);
  EXPECT_GT(created.revision(), 0);
  EXPECT_NE(created.etag(), "");
  EXPECT_EQ(GetGoal("talk")->SerializeAsString(), created.SerializeAsString());

  EXPECT_THAT(Create(request), FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  ASSERT_OK_AND_ASSIGN(const pb::Goal unnamed, Create(CreateRequest("")));
  EXPECT_GT(unnamed.name().size(), Name("goals/").size());
}

TEST_P(GoalHandlerTest, WhatCannotBeIsNamedByField) {
  pb::CreateGoalRequest request = CreateRequest("Not an id");
  request.mutable_goal()->set_description(" ");
  request.mutable_goal()->set_problem_area(Name("problemAreas/none"));
  EXPECT_THAT(Create(request), HasBadFields("goal_id", "goal.description", "goal.problem_area"));
  request = CreateRequest("g");
  request.mutable_goal()->set_problem_area("clinics/north/courses/k2/problemAreas/row");
  EXPECT_THAT(Create(request), HasBadFields("goal.problem_area"));
  request.mutable_goal()->mutable_target_date()->set_year(2026);
  EXPECT_THAT(Create(request), HasBadFields("goal.target_date"));
}

TEST_P(GoalHandlerTest, ACourseHasThirtyGoalsAtMost) {
  for (int i = 3; i < 30; ++i) ASSERT_OK(Create(CreateRequest(absl::StrCat("g", i))));
  const auto refused = Create(CreateRequest("g30"));
  EXPECT_THAT(refused, FailsWith(kPrecondition, "LIMIT_REACHED"));
  EXPECT_THAT(ErrorMetadataOf(refused.status()), Contains(Pair("maximum", "30")));
}

TEST_P(GoalHandlerTest, AnUpdateChangesWhatItNames) {
  ASSERT_OK_AND_ASSIGN(const pb::Goal before, GetGoal("g-row"));
  pb::UpdateGoalRequest request;
  request.mutable_goal()->set_name(before.name());
  request.mutable_goal()->set_etag(before.etag());
  request.mutable_goal()->set_measure("Two talks a week.");
  ASSERT_OK_AND_ASSIGN(const pb::Goal after, Update(request));
  EXPECT_EQ(after.description(), before.description());
  EXPECT_EQ(after.measure(), "Two talks a week.");
  EXPECT_NE(after.etag(), before.etag());
  EXPECT_THAT(Update(request), FailsWith(kAborted, "ETAG_MISMATCH"));
  request.mutable_goal()->clear_etag();
  request.mutable_update_mask()->add_paths("*");
  EXPECT_THAT(Update(request), HasBadFields("goal.description"));
  request.mutable_goal()->set_description("To agree.");
  ASSERT_OK_AND_ASSIGN(const pb::Goal all, Update(request));
  EXPECT_EQ(all.problem_area(), "");
  request.mutable_update_mask()->set_paths(0, "state");
  EXPECT_THAT(Update(request), HasBadFields("update_mask.paths[0]"));
  request.clear_update_mask();
  request.mutable_goal()->set_name(Name("goals/none"));
  EXPECT_THAT(Update(request), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(GoalHandlerTest, AGoalGoesFromStateToStateAsItMay) {
  EXPECT_THAT(Change("g-row", pb::GOAL_STATE_ACHIEVED), FailsWith(kPrecondition, "GOAL_STATE"));
  ASSERT_OK_AND_ASSIGN(const pb::Goal active, Change("g-row", pb::GOAL_STATE_ACTIVE));
  EXPECT_EQ(active.state(), pb::GOAL_STATE_ACTIVE);
  NewEvents();
  ASSERT_OK_AND_ASSIGN(const pb::Goal same, Change("g-row", pb::GOAL_STATE_ACTIVE));
  EXPECT_EQ(same.SerializeAsString(), active.SerializeAsString());
  EXPECT_THAT(NewEvents(), IsEmpty());
  ASSERT_OK(Change("g-row", pb::GOAL_STATE_PARTLY_ACHIEVED));
  EXPECT_THAT(Change("g-row", pb::GOAL_STATE_ACHIEVED), FailsWith(kPrecondition, "GOAL_STATE"));
  EXPECT_THAT(Change("g-row", pb::GOAL_STATE_ACTIVE), HasBadFields("reason"));
  ASSERT_OK(Change("g-row", pb::GOAL_STATE_ACTIVE, "It began anew."));
  EXPECT_THAT(Change("g-row", pb::GOAL_STATE_ABANDONED), HasBadFields("reason"));
  ASSERT_OK_AND_ASSIGN(const pb::Goal abandoned,
                       Change("g-row", pb::GOAL_STATE_ABANDONED, "They parted."));
  ASSERT_THAT(abandoned.changes(), SizeIs(5));
  EXPECT_EQ(abandoned.changes(4).reason(), "They parted.");

  pb::ChangeGoalStateRequest stale =
      StateRequest("g-row", pb::GOAL_STATE_ACTIVE, "Together again.");
  stale.set_etag(active.etag());
  EXPECT_THAT(Change(stale), FailsWith(kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(Change("none", pb::GOAL_STATE_ACTIVE), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(GoalHandlerTest, OnlyAGoalThatWasNeverWorkedOnIsDeleted) {
  ASSERT_OK(Save(Complete("row")));
  const auto used = Delete("g-row");
  EXPECT_THAT(used, FailsWith(kPrecondition, "RESOURCE_IN_USE"));
  ASSERT_THAT(PreconditionViolationsOf(used.status()), SizeIs(1));
  EXPECT_EQ(PreconditionViolationsOf(used.status())[0].subject,
            Name("formulation/revisions/draft"));
  ASSERT_OK(Discard());
  EXPECT_THAT(Delete("g-row", "\"999\""), FailsWith(kAborted, "ETAG_MISMATCH"));
  NewEvents();
  ASSERT_OK_AND_ASSIGN(const auto deleted, Delete("g-row", GetGoal("g-row")->etag()));
  EXPECT_GT(deleted.revision(), 0);
  EXPECT_THAT(NewEvents(), ElementsAre("GOAL_DELETED"));
  EXPECT_THAT(GetGoal("g-row"), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Delete("g-row"), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));

  ASSERT_OK(Rate("g-alone", 3, today_));
  EXPECT_THAT(Delete("g-alone"), FailsWith(kPrecondition, "GOAL_STATE"));
  ASSERT_OK(Change("g-mourning", pb::GOAL_STATE_ACTIVE));
  EXPECT_THAT(Delete("g-mourning"), FailsWith(kPrecondition, "GOAL_STATE"));
}

TEST_P(GoalHandlerTest, AGoalSaysItsFirstAndLastRatings) {
  pb::RateGoalRequest request = RateRequest("g-row", 0, DayOfSession(2));
  request.mutable_rating()->set_session(Name("sessions/s2"));
  request.mutable_rating()->set_note("Not at all.");
  NewEvents();
  ASSERT_OK_AND_ASSIGN(const pb::GoalRating first, Rate(request));
  EXPECT_THAT(NewEvents(), ElementsAre("GOAL_RATED"));
  EXPECT_TRUE(first.has_value());
  EXPECT_EQ(first.value(), 0);
  EXPECT_EQ(first.session(), Name("sessions/s2"));
  EXPECT_EQ(first.note(), "Not at all.");
  EXPECT_EQ(first.caller(), "tester");
  EXPECT_GT(first.revision(), 0);
  EXPECT_TRUE(first.has_create_time());
  const std::string etag = GetGoal("g-row")->etag();

  ASSERT_OK_AND_ASSIGN(const auto last, Rate("g-row", 6, DayOfSession(7)));
  ASSERT_OK(Rate("g-row", 4, DayOfSession(5)));
  ASSERT_OK(Rate("g-row", 5, DayOfSession(6), pb::GOAL_RATER_THERAPIST));
  ASSERT_OK_AND_ASSIGN(const pb::Goal goal, GetGoal("g-row"));
  EXPECT_NE(goal.etag(), etag);
  EXPECT_EQ(goal.rating_count(), 4);
  EXPECT_EQ(goal.first_patient_rating().SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(goal.last_patient_rating().SerializeAsString(), last.SerializeAsString());
  EXPECT_EQ(goal.last_therapist_rating().value(), 5);

  // Several of one day all stand; the one recorded last is the day's.
  ASSERT_OK(Rate("g-row", 7, DayOfSession(7)));
  EXPECT_EQ(GetGoal("g-row")->last_patient_rating().value(), 7);
  EXPECT_EQ(GetGoal("g-row")->rating_count(), 5);

  NewEvents();
  ASSERT_OK(DeleteRating(first.name()));
  EXPECT_THAT(NewEvents(), ElementsAre("GOAL_RATING_DELETED"));
  EXPECT_EQ(GetGoal("g-row")->first_patient_rating().value(), 4);
  EXPECT_EQ(GetGoal("g-row")->rating_count(), 4);
  EXPECT_THAT(DeleteRating(first.name()), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(GoalHandlerTest, RatingsThatCannotBeAreRefused) {
  pb::RateGoalRequest request = RateRequest("g-row", 11, today_ + 1);
  request.mutable_rating()->clear_rater();
  EXPECT_THAT(Rate(request), HasBadFields("rating.value", "rating.rater", "rating.rated_on"));
  request.mutable_rating()->clear_value();
  request.mutable_rating()->clear_rated_on();
  EXPECT_THAT(Rate(request), HasBadFields("rating.value", "rating.rater", "rating.rated_on"));
  // It is the day after there already.
  courses_.answer.course->time_zone = "Pacific/Kiritimati";
  EXPECT_OK(Rate("g-row", 1, today_ + 1));

  request = RateRequest("g-row", 1, today_);
  request.mutable_rating()->set_session(Name("sessions/s99"));
  EXPECT_THAT(Rate(request), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  request.mutable_rating()->set_session("clinics/north/courses/k2/sessions/s1");
  EXPECT_THAT(Rate(request), HasBadFields("rating.session"));
  EXPECT_THAT(Rate("none", 1, today_), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  ASSERT_OK(Change("g-row", pb::GOAL_STATE_ABANDONED, "They parted."));
  EXPECT_THAT(Rate("g-row", 1, today_), FailsWith(kPrecondition, "GOAL_STATE"));
}

TEST_P(GoalHandlerTest, GoalsOfTheCurrentFormulationAreListedFirst) {
  EXPECT_THAT(Listed(), ElementsAre("g-row", "g-mourning", "g-alone"));
  AgreeOn(Complete("alone"));
  ASSERT_OK(Create(CreateRequest("talk")));
  EXPECT_THAT(Listed(), ElementsAre("g-alone", "g-row", "g-mourning", "talk"));
  pb::ListGoalsRequest request;
  request.set_page_size(1);
  EXPECT_THAT(Listed(request), ElementsAre("g-alone", "g-row", "g-mourning", "talk"));
  request.add_states(pb::GOAL_STATE_PROPOSED);
  EXPECT_THAT(Listed(request), ElementsAre("g-row", "g-mourning", "talk"));
  request.set_problem_area(Name("problemAreas/row"));
  EXPECT_THAT(Listed(request), ElementsAre("g-row", "talk"));
  request.set_parent(course_name_);
  ASSERT_OK_AND_ASSIGN(const auto page, goals_.ListGoals(ReadCall(), request));
  EXPECT_FALSE(page.goals(0).in_current_formulation());
  request.set_page_token(page.next_page_token());
  request.set_problem_area(Name("problemAreas/alone"));
  EXPECT_THAT(goals_.ListGoals(ReadCall(), request), HasBadFields("page_token"));
  request.clear_page_token();
  request.set_problem_area("clinics/north/courses/k2/problemAreas/row");
  request.add_states(pb::GOAL_STATE_UNSPECIFIED);
  EXPECT_THAT(goals_.ListGoals(ReadCall(), request), HasBadFields("problem_area", "states[1]"));
}

TEST_P(GoalHandlerTest, RatingsAreListedByDayPageByPage) {
  ASSERT_OK(Rate("g-row", 3, DayOfSession(3)));
  ASSERT_OK(Rate("g-row", 1, DayOfSession(1)));
  ASSERT_OK(Rate("g-alone", 2, DayOfSession(2)));
  ASSERT_OK(Rate("g-row", 4, DayOfSession(3), pb::GOAL_RATER_THERAPIST));
  ASSERT_OK(Rate("g-alone", 5, DayOfSession(3)));
  for (const int page_size : {0, 1, 2, 5}) {
    EXPECT_THAT(RatingsOf("-", page_size), ElementsAre(1, 2, 3, 4, 5)) << page_size;
    EXPECT_THAT(RatingsOf("g-row", page_size), ElementsAre(1, 3, 4)) << page_size;
  }
  EXPECT_THAT(RatingsOf("-", 1, {pb::GOAL_RATER_THERAPIST}), ElementsAre(4));
  EXPECT_THAT(RatingsOf("g-mourning"), IsEmpty());

  pb::ListGoalRatingsRequest request;
  request.set_parent("clinics/north/courses/-/goals/-");
  EXPECT_THAT(goals_.ListGoalRatings(ReadCall(), request), HasBadFields("parent"));
  request.set_parent(Name("goals/none"));
  EXPECT_THAT(goals_.ListGoalRatings(ReadCall(), request),
              FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
  request.set_parent(Name("goals/-"));
  request.add_raters(pb::GOAL_RATER_UNSPECIFIED);
  EXPECT_THAT(goals_.ListGoalRatings(ReadCall(), request), HasBadFields("raters[0]"));
}

TEST_P(GoalHandlerTest, ARepeatedRequestIsAnsweredAsBefore) {
  const auto request = RateRequest("g-row", 3, today_);
  const CallContext ctx = WriteCall(request);
  ASSERT_OK_AND_ASSIGN(const pb::GoalRating first, goals_.RateGoal(ctx, request));
  ASSERT_OK_AND_ASSIGN(const pb::GoalRating again, goals_.RateGoal(ctx, request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(GetGoal("g-row")->rating_count(), 1);
  CallContext other = ctx;
  other.content_hash = "another";
  EXPECT_THAT(goals_.RateGoal(other, request),
              FailsWith(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED"));
}

TEST_P(GoalHandlerTest, WhatIsOnlyTriedLeavesNothing) {
  auto create = CreateRequest("talk");
  create.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const pb::Goal created, Create(create));
  EXPECT_EQ(created.state(), pb::GOAL_STATE_PROPOSED);
  EXPECT_EQ(created.revision(), 0);
  EXPECT_EQ(created.etag(), "");
  EXPECT_THAT(GetGoal("talk"), StatusIs(kAbsent));

  auto rate = RateRequest("g-row", 3, today_);
  rate.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const pb::GoalRating rated, Rate(rate));
  EXPECT_EQ(rated.revision(), 0);
  auto change = StateRequest("g-row", pb::GOAL_STATE_ACTIVE);
  change.set_validate_only(true);
  EXPECT_EQ(Change(change)->state(), pb::GOAL_STATE_ACTIVE);
  pb::UpdateGoalRequest update;
  update.mutable_goal()->set_name(Name("goals/g-row"));
  update.mutable_goal()->set_measure("Two talks a week.");
  update.set_validate_only(true);
  EXPECT_EQ(Update(update)->revision(), 0);
  ASSERT_OK_AND_ASSIGN(const pb::Goal goal, GetGoal("g-row"));
  EXPECT_EQ(goal.rating_count(), 0);
  EXPECT_EQ(goal.state(), pb::GOAL_STATE_PROPOSED);
  EXPECT_EQ(goal.measure(), "");
}

TEST_P(GoalHandlerTest, AnotherClinicSeesNothing) {
  ASSERT_OK_AND_ASSIGN(const pb::GoalRating rating, Rate("g-row", 3, today_));
  pb::GetGoalRequest get;
  get.set_name("clinics/south/courses/k1/goals/g-row");
  EXPECT_THAT(goals_.GetGoal(ReadCall("south"), get), StatusIs(kAbsent));
  pb::ListGoalsRequest list;
  list.set_parent("clinics/south/courses/k1");
  EXPECT_THAT(goals_.ListGoals(ReadCall("south"), list)->goals(), IsEmpty());
  pb::ListGoalRatingsRequest ratings;
  ratings.set_parent("clinics/south/courses/k1/goals/-");
  EXPECT_THAT(goals_.ListGoalRatings(ReadCall("south"), ratings)->ratings(), IsEmpty());
  pb::DeleteGoalRequest remove;
  remove.set_name("clinics/south/courses/k1/goals/g-row");
  EXPECT_THAT(goals_.DeleteGoal(WriteCall(remove, "south"), remove), StatusIs(kAbsent));
}

TEST_P(GoalHandlerTest, WhileSchedulingIsAwayWritesWaitAndReadsGoOn) {
  ASSERT_OK(Rate("g-row", 3, today_));
  NothingIsKnown();
  EXPECT_THAT(Create(CreateRequest("talk")), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Rate("g-row", 4, today_), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Change("g-row", pb::GOAL_STATE_ACTIVE), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Delete("g-alone"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(GetGoal("g-row")->rating_count(), 1);
  EXPECT_THAT(Listed(), SizeIs(3));
  EXPECT_THAT(RatingsOf("g-row"), ElementsAre(3));
  CourseIsAbsent();
  EXPECT_THAT(Create(CreateRequest("talk")), FailsWith(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(GoalHandlerTest, AgreeingIsInTheAuditOfTheGoalsThatItMadeActive) {
  const int64_t before =
      Count("audit_entries WHERE resource = 'clinics/north/courses/k1/goals/g-row'");
  AgreeOn(Complete());
  EXPECT_EQ(Count("audit_entries WHERE resource = 'clinics/north/courses/k1/goals/g-row'"),
            before + 1);
}

}  // namespace
}  // namespace ipt::formulation
