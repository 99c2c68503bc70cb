#include "outcomes/domain/binding.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/zone/time_zone.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time At(int month, int day, int hour, int minute = 0) {
  return absl::FromCivil(absl::CivilMinute(2026, month, day, hour, minute),
                         *LoadZone("Europe/London"));
}

courses::CopiedSession Session(
    const std::string& id, int number, absl::Time start,
    courses::CopiedSessionState state = courses::CopiedSessionState::kAttended) {
  return {.session_id = id,
          .number = number,
          .phase = number <= 1 ? 1 : 2,
          .start = start,
          .end = start + absl::Minutes(50),
          .state = state,
          .uses_session = state == courses::CopiedSessionState::kAttended};
}

// Sessions on Mondays at 10 from 2 November 2026; the second was cancelled, the third is booked.
courses::CourseAnswer Known(
    courses::CourseAnswer::Known known = courses::CourseAnswer::Known::kVerified) {
  courses::CopiedCourse course;
  course.clinic_id = "north";
  course.course_id = "k1";
  course.therapist_id = "ana";
  course.state = courses::CopiedCourseState::kActive;
  course.time_zone = "Europe/London";
  course.start_day = absl::CivilDay(2026, 11, 2);
  course.phases = {{.phase = 1, .first_session = 1, .last_session = 1},
                   {.phase = 2, .first_session = 2, .last_session = 12}};
  course.sessions = {Session("s1", 1, At(11, 2, 10)),
                     Session("s2", 0, At(11, 9, 10), courses::CopiedSessionState::kCancelled),
                     Session("s3", 2, At(11, 16, 10), courses::CopiedSessionState::kBooked)};
  return {.known = known, .course = course, .as_of = At(11, 9, 12)};
}

Measurement Completed(absl::Time time, const std::string& session = "") {
  Measurement measurement;
  measurement.clinic_id = "north";
  measurement.course_id = "k1";
  measurement.complete_time = time;
  measurement.session_id = session;
  return measurement;
}

TEST(BindingTest, TakesTheSessionOfTheDayOrOfTheNextThree) {
  for (const auto& [time, session] :
       {std::pair(At(10, 29, 23, 59), ""), std::pair(At(10, 30, 0), "s1"),
        std::pair(At(11, 2, 23, 59), "s1"), std::pair(At(11, 9, 9), ""),  // it was cancelled
        std::pair(At(11, 13, 12), "s3"), std::pair(At(11, 17, 0), "")}) {
    Measurement measurement = Completed(time);
    ASSERT_OK(BindToCourse(Known(), measurement));
    EXPECT_EQ(measurement.session_id, session) << time;
    EXPECT_THAT(measurement.unverified, IsEmpty());
  }
}

TEST(BindingTest, CountsWeeksFromTheDayOfTheFirstSessionInItsZone) {
  for (const auto& [time, week] : {std::pair(At(11, 1, 23, 59), 0), std::pair(At(11, 2, 0), 1),
                                   std::pair(At(11, 8, 23, 59), 1), std::pair(At(11, 9, 0), 2),
                                   std::pair(At(11, 30, 12), 5)}) {
    Measurement measurement = Completed(time);
    ASSERT_OK(BindToCourse(Known(), measurement));
    EXPECT_EQ(measurement.week_number, week) << time;
  }
}

TEST(BindingTest, DaysOfPausesAreNoneOfTheWeeks) {
  courses::CourseAnswer course = Known();
  course.course->pauses = {{absl::CivilDay(2026, 11, 9), absl::CivilDay(2026, 11, 22)}};
  for (const auto& [day, week] : {std::pair(8, 1), {9, 2}, {22, 2}, {29, 2}, {30, 3}}) {
    Measurement measurement = Completed(At(11, day, 12));
    ASSERT_OK(BindToCourse(course, measurement));
    EXPECT_EQ(measurement.week_number, week) << day;
  }
}

TEST(BindingTest, TellsThePartOfTheCourseByTheInstant) {
  courses::CourseAnswer course = Known();
  const auto part = [&](absl::Time time) {
    Measurement measurement = Completed(time);
    EXPECT_OK(BindToCourse(course, measurement));
    return measurement.occasion;
  };
  EXPECT_EQ(part(At(11, 2, 9, 59)), CoursePart::kBeforeTreatment);
  EXPECT_EQ(part(At(11, 2, 10)), CoursePart::kTreatment);
  EXPECT_EQ(part(At(12, 20, 10)), CoursePart::kTreatment);
  course.course->state = courses::CopiedCourseState::kCompleted;
  course.course->closed_at = At(12, 1, 12);
  EXPECT_EQ(part(At(12, 1, 12)), CoursePart::kTreatment);
  EXPECT_EQ(part(At(12, 1, 12, 1)), CoursePart::kFollowUp);
}

TEST(BindingTest, HasTheSessionsNumberAndPhaseElseThoseReached) {
  Measurement of_third = Completed(At(11, 16, 9));
  ASSERT_OK(BindToCourse(Known(), of_third));
  EXPECT_EQ(of_third.session_number, 2);
  EXPECT_EQ(of_third.phase, 2);
  Measurement between = Completed(At(11, 9, 9));
  ASSERT_OK(BindToCourse(Known(), between));
  EXPECT_EQ(between.session_number, 0);
  EXPECT_EQ(between.phase, 1);
  Measurement before = Completed(At(10, 20, 9));
  ASSERT_OK(BindToCourse(Known(), before));
  EXPECT_EQ(before.phase, 0);
}

TEST(BindingTest, TakesTheSessionThatIsNamedWhateverItsDay) {
  Measurement measurement = Completed(At(11, 12, 9), "s1");
  ASSERT_OK(BindToCourse(Known(), measurement));
  EXPECT_EQ(measurement.session_id, "s1");
  EXPECT_EQ(measurement.session_number, 1);
}

TEST(BindingTest, RefusesOnlyWhatSchedulingSaysThereIsNot) {
  Measurement measurement = Completed(At(11, 12, 9), "s9");
  EXPECT_THAT(BindToCourse(Known(), measurement), StatusIs(absl::StatusCode::kNotFound));
  const courses::CourseAnswer absent{.known = courses::CourseAnswer::Known::kAbsent};
  EXPECT_THAT(BindToCourse(absent, measurement), StatusIs(absl::StatusCode::kNotFound));
}

TEST(BindingTest, SaysWhatAnOldCopyLeavesOpen) {
  Measurement measurement = Completed(At(11, 12, 9), "s9");
  ASSERT_OK(BindToCourse(Known(courses::CourseAnswer::Known::kNotVerified), measurement));
  EXPECT_EQ(measurement.week_number, 2);
  EXPECT_EQ(measurement.session_id, "s9");
  EXPECT_THAT(measurement.unverified,
              ElementsAre(UnverifiedFact::kSession, UnverifiedFact::kWeek,
                          UnverifiedFact::kCourseState, UnverifiedFact::kTherapist));
}

TEST(BindingTest, ClaimsNothingOfACourseThatIsNotKnown) {
  Measurement measurement = Completed(At(11, 12, 9));
  ASSERT_OK(BindToCourse(courses::CourseAnswer(), measurement));
  EXPECT_EQ(measurement.occasion, CoursePart::kUnspecified);
  EXPECT_EQ(measurement.week_number, 0);
  EXPECT_THAT(measurement.unverified,
              ElementsAre(UnverifiedFact::kCourse, UnverifiedFact::kWeek,
                          UnverifiedFact::kCourseState, UnverifiedFact::kTherapist));
}

}  // namespace
}  // namespace ipt::outcomes
