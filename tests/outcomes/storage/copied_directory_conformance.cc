// What alerts know of the copy of scheduling's courses, on both engines.
#include "outcomes/storage/copied_directory.h"

#include "course_copies/storage/sql_course_copies.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "outcomes/storage/outcomes_migrations.h"
#include "platform/errors/status_macros.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::IsOk;
using storage::Connection;
using ::testing::ElementsAre;

class CopiedDirectoryTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  ipt::testing::TempDatabase db_{GetParam(), {OutcomesMigrations()}};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(CopiedDirectoryTest);

TEST_P(CopiedDirectoryTest, TellsWhoHasOpenCoursesAndWhichClinicsThereAre) {
  const auto put = [&](const char* clinic, const char* course_id, const char* therapist,
                       courses::CopiedCourseState state) {
    courses::CopiedCourse course;
    course.clinic_id = clinic;
    course.course_id = course_id;
    course.therapist_id = therapist;
    course.state = state;
    EXPECT_OK(db_->Write({}, [&](Connection& conn) {
      return courses::SqlCourseCopies::PutCourse(conn, course, {.at = now_}).status();
    }));
  };
  put("north", "c1", "zoe", courses::CopiedCourseState::kActive);
  put("north", "c2", "ben", courses::CopiedCourseState::kPlanned);
  put("north", "c3", "ben", courses::CopiedCourseState::kActive);
  put("north", "c4", "ann", courses::CopiedCourseState::kCompleted);
  put("north", "c5", "kim", courses::CopiedCourseState::kDiscontinued);
  put("west", "c1", "eve", courses::CopiedCourseState::kActive);
  put("east", "c1", "joe", courses::CopiedCourseState::kActive);
  EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
    CopiedDirectory directory(conn);
    IPT_ASSIGN_OR_RETURN(const auto north, directory.TherapistsWithCourses("north", 10));
    EXPECT_THAT(north, ElementsAre("ben", "zoe"));
    IPT_ASSIGN_OR_RETURN(const auto first, directory.TherapistsWithCourses("north", 1));
    EXPECT_THAT(first, ElementsAre("ben"));
    IPT_ASSIGN_OR_RETURN(const auto clinics, directory.Clinics("", 10));
    EXPECT_THAT(clinics, ElementsAre("east", "north", "west"));
    IPT_ASSIGN_OR_RETURN(const auto two, directory.Clinics("", 2));
    EXPECT_THAT(two, ElementsAre("east", "north"));
    IPT_ASSIGN_OR_RETURN(const auto last, directory.Clinics("north", 10));
    EXPECT_THAT(last, ElementsAre("west"));
    return absl::OkStatus();
  }));
}

}  // namespace
}  // namespace ipt::outcomes
