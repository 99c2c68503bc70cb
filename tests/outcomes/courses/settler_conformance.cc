// What could not be checked when it was recorded is checked once scheduling answers. On both
// engines.
#include "outcomes/courses/settler.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/time/clock.h"
#include "tests/outcomes/rpc/handler_fixture.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SettlerTest : public HandlerTest {
 protected:
  pb::Measurement Recorded(const std::vector<int>& values, const std::string& session = "") {
    auto request = Phq9(values);
    if (!session.empty()) {
      request.mutable_measurement()->set_session(
          absl::StrCat("clinics/north/courses/k1/sessions/", session));
    }
    const auto recorded = Record(request);
    EXPECT_OK(recorded.status());
    now_ += absl::Hours(24);  // the next is no duplicate
    return recorded.value_or(pb::Measurement());
  }
  void SchedulingKnows() {
    directory_.answer.known = courses::CourseAnswer::Known::kVerified;
    courses::CopiedCourse& course = directory_.answer.course.emplace();
    course.therapist_id = "ana";
    course.state = courses::CopiedCourseState::kActive;
    course.time_zone = "Europe/London";
    courses::CopiedSession& session = course.sessions.emplace_back();
    session.session_id = "s4";
    session.number = 4;
    session.start = now_;
    session.state = courses::CopiedSessionState::kBooked;
  }
  pb::Measurement Now(const pb::Measurement& measurement) {
    const auto got = Get(measurement.name());
    EXPECT_OK(got.status());
    return got.value_or(pb::Measurement());
  }
  absl::Status Settle() { return settler_.SettleOnce(); }

  SystemClock clock_;  // the store's
  FixedDirectory directory_;
  Settler settler_{store_, catalog_, directory_, clock_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(SettlerTest);

TEST_P(SettlerTest, ChecksWhatWaitedOnceSchedulingAnswers) {
  const pb::Measurement waiting = Recorded({0, 0, 0, 0, 0, 0, 0, 0, 1}, "s4");
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].therapist_id, "");
  NewEvents();
  ASSERT_OK(Settle());  // scheduling is away
  EXPECT_EQ(Now(waiting).unverified_size(), waiting.unverified_size());
  EXPECT_THAT(NewEvents(), IsEmpty());

  SchedulingKnows();
  ASSERT_OK(Settle());
  const pb::Measurement settled = Now(waiting);
  EXPECT_THAT(settled.unverified(), IsEmpty());
  EXPECT_EQ(settled.session_number(), 4);
  EXPECT_EQ(settled.binding_problem(), pb::BINDING_PROBLEM_UNSPECIFIED);
  EXPECT_EQ(settled.revision_number(), waiting.revision_number());
  EXPECT_GT(settled.revision(), waiting.revision());
  EXPECT_EQ(settled.changes().rbegin()->kind(), pb::MEASUREMENT_CHANGE_KIND_VERIFIED);
  EXPECT_EQ(Alerts()[0].therapist_id, "ana");
  EXPECT_EQ(Alerts()[0].owner.therapist_id, "ana");
  EXPECT_THAT(Alerts()[0].unverified, IsEmpty());
  // Of the measurement and of its alert.
  EXPECT_EQ(Count("audit_entries WHERE caller = 'ipt-outcomes'"), 2);
  EXPECT_THAT(NewEvents(), ::testing::Contains("MEASUREMENT_CHANGED"));

  ASSERT_OK(Settle());
  EXPECT_THAT(NewEvents(), IsEmpty());
  EXPECT_EQ(Now(waiting).revision(), settled.revision());
}

TEST_P(SettlerTest, NamesTheRuleThatAskedForIt) {
  MeasurementPlan plan{.clinic_id = "north", .plan_id = "all", .display_name = "All"};
  plan.rules.push_back(
      {.id = "each", .instrument_id = "phq-9", .timing = PlanTiming::kEverySession});
  ASSERT_OK(store_.Write(absl::InfiniteFuture(),
                         [&](OutcomesTx& tx) { return tx.InsertPlan(plan, now_); }));
  const pb::Measurement waiting = Recorded({1, 1, 1, 1, 1, 1, 1, 1, 0}, "s4");
  EXPECT_EQ(waiting.plan_rule(), "");
  SchedulingKnows();
  ASSERT_OK(Settle());
  EXPECT_EQ(Now(waiting).plan_rule(), "each");
}

TEST_P(SettlerTest, ACourseThatDoesNotExistIsAPersonsWork) {
  const pb::Measurement waiting = Recorded({1, 1, 1, 1, 1, 1, 1, 1, 0});
  directory_.answer.known = courses::CourseAnswer::Known::kAbsent;
  ASSERT_OK(Settle());
  const pb::Measurement settled = Now(waiting);
  EXPECT_THAT(settled.unverified(), IsEmpty());
  EXPECT_EQ(settled.binding_problem(), pb::BINDING_PROBLEM_NO_SUCH_COURSE);
  pb::ListMeasurementsRequest work;
  work.mutable_filter()->set_unsettled_only(true);
  EXPECT_THAT(Listed(work), ElementsAre(waiting.name()));
  NewEvents();
  ASSERT_OK(Settle());  // it does not wait for scheduling any more
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_P(SettlerTest, SoIsASessionThatDoesNotExistAndTheOthersAreSettled) {
  const pb::Measurement astray = Recorded({1, 1, 1, 1, 1, 1, 1, 1, 0}, "s77");
  const pb::Measurement right = Recorded({2, 2, 2, 2, 2, 2, 2, 2, 0}, "s4");
  SchedulingKnows();
  ASSERT_OK(Settle());
  EXPECT_EQ(Now(astray).binding_problem(), pb::BINDING_PROBLEM_NO_SUCH_SESSION);
  EXPECT_THAT(Now(astray).unverified(), IsEmpty());
  EXPECT_EQ(Now(right).binding_problem(), pb::BINDING_PROBLEM_UNSPECIFIED);
  EXPECT_THAT(Now(right).unverified(), IsEmpty());
}

TEST_P(SettlerTest, WhatTellsNothingOfAMeasurementLeavesItWaiting) {
  const pb::Measurement waiting = Recorded({1, 1, 1, 1, 1, 1, 1, 1, 0}, "s4");
  SchedulingKnows();
  directory_.answer.course->time_zone = "Nowhere/AtAll";  // not known to this machine
  ASSERT_OK(Settle());
  EXPECT_EQ(Now(waiting).unverified_size(), waiting.unverified_size());
  EXPECT_EQ(Now(waiting).binding_problem(), pb::BINDING_PROBLEM_UNSPECIFIED);
}

// The copy may not have a session yet that was booked a moment ago.
TEST_P(SettlerTest, ASessionIsMissingOnlyWhereSchedulingItselfSaysSo) {
  class BehindTheCopy final : public courses::CourseDirectory {
   public:
    explicit BehindTheCopy(courses::CourseDirectory& inner) : inner_(inner) {}
    absl::StatusOr<courses::CourseAnswer> FindCourse(absl::string_view clinic,
                                                     absl::string_view course,
                                                     const courses::CourseDemand& demand,
                                                     absl::Time now, absl::Time deadline) override {
      auto answer = inner_.FindCourse(clinic, course, demand, now, deadline);
      if (demand.max_age > absl::ZeroDuration()) answer->course->sessions.clear();
      return answer;
    }

   private:
    courses::CourseDirectory& inner_;
  };
  const pb::Measurement waiting = Recorded({1, 1, 1, 1, 1, 1, 1, 1, 0}, "s4");
  SchedulingKnows();
  BehindTheCopy directory(directory_);
  Settler settler(store_, catalog_, directory, clock_);
  ASSERT_OK(settler.SettleOnce());
  EXPECT_EQ(Now(waiting).binding_problem(), pb::BINDING_PROBLEM_UNSPECIFIED);
  EXPECT_EQ(Now(waiting).session_number(), 4);
}

TEST_P(SettlerTest, ACourseOfWhichNothingIsLearntHoldsUpNoOther) {
  class ButTheFirst final : public courses::CourseDirectory {
   public:
    explicit ButTheFirst(courses::CourseDirectory& inner) : inner_(inner) {}
    absl::StatusOr<courses::CourseAnswer> FindCourse(absl::string_view clinic,
                                                     absl::string_view course,
                                                     const courses::CourseDemand& demand,
                                                     absl::Time now, absl::Time deadline) override {
      if (course == "k0") return courses::CourseAnswer();
      return inner_.FindCourse(clinic, course, demand, now, deadline);
    }

   private:
    courses::CourseDirectory& inner_;
  };
  const auto stuck = Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0}, "k0"));
  ASSERT_OK(stuck.status());
  const pb::Measurement other = Recorded({1, 1, 1, 1, 1, 1, 1, 1, 0});
  SchedulingKnows();
  ButTheFirst directory(directory_);
  Settler settler(store_, catalog_, directory, clock_);
  ASSERT_OK(settler.SettleOnce());
  EXPECT_EQ(Now(*stuck).unverified_size(), stuck->unverified_size());
  EXPECT_THAT(Now(other).unverified(), IsEmpty());
}

TEST_P(SettlerTest, WhatWasTakenBackStaysAsItIs) {
  const pb::Measurement wrong = Recorded({1, 1, 1, 1, 1, 1, 1, 1, 0});
  pb::MarkMeasurementEnteredInErrorRequest request;
  request.set_name(wrong.name());
  request.set_reason(pb::ENTERED_IN_ERROR_REASON_WRONG_PATIENT);
  ASSERT_OK(measurements_.MarkMeasurementEnteredInError(WriteCall(request), request).status());
  NewEvents();
  SchedulingKnows();
  ASSERT_OK(Settle());
  EXPECT_THAT(NewEvents(), IsEmpty());
}

}  // namespace
}  // namespace ipt::outcomes
