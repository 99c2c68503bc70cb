#include "course_copies/link/course_proto.h"

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::courses {
namespace {

namespace pb = ::ipt::scheduling::v1;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

pb::Course Course(const std::string& more = "") {
  pb::Course course;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(name: "clinics/north/courses/c1" patient { system: "urn:mrn" value: "4711" }
         therapist: "clinics/north/therapists/ana" variant: "ipt-uk-16"
         indication: INDICATION_PTSD state: COURSE_STATE_ACTIVE planned_sessions: 16
         duration_weeks: 17 cadence_days: 9 create_time { seconds: 1790000000 } time_zone: "Europe/London" revision: 42
         pauses { first_day { year: 2026 month: 12 day: 21 }
                  last_day { year: 2027 month: 1 day: 3 } reason: 1 }
         progress { start_date { year: 2026 month: 11 day: 2 }
                    deadline_date { year: 2027 month: 3 day: 14 }
                    phases { phase: PHASE_INITIAL first_session: 1 last_session: 4 } })",
      &course));
  pb::Course rest;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(more, &rest));
  course.MergeFrom(rest);
  return course;
}

CopiedCourse Copy(const pb::Course& course) {
  auto copy = CopyOf(course, "north");
  EXPECT_OK(copy);
  return copy.value_or(CopiedCourse{});
}

TEST(CourseProtoTest, CopiesWhatDoesNotFollowFromToday) {
  const CopiedCourse copy = Copy(Course());
  EXPECT_EQ(copy.clinic_id, "north");
  EXPECT_EQ(copy.course_id, "c1");
  EXPECT_EQ(copy.therapist_id, "ana");
  EXPECT_EQ(copy.variant_id, "ipt-uk-16");
  EXPECT_EQ(copy.indication, pb::INDICATION_PTSD);
  EXPECT_EQ(copy.state, CopiedCourseState::kActive);
  EXPECT_EQ(copy.planned_sessions, 16);
  EXPECT_EQ(copy.duration_weeks, 17);
  EXPECT_EQ(copy.cadence_days, 9);
  EXPECT_EQ(copy.create_time, absl::FromUnixSeconds(1'790'000'000));
  EXPECT_EQ(copy.start_day, absl::CivilDay(2026, 11, 2));
  EXPECT_EQ(copy.deadline_day, absl::CivilDay(2027, 3, 14));
  EXPECT_THAT(copy.pauses,
              ElementsAre(CopiedPause{absl::CivilDay(2026, 12, 21), absl::CivilDay(2027, 1, 3)}));
  EXPECT_THAT(copy.phases, ElementsAre(CopiedPhase{1, 1, 4}));
  EXPECT_EQ(copy.revision, 42);
  EXPECT_FALSE(copy.closed());
}

TEST(CourseProtoTest, AProjectedStartIsNone) {
  const CopiedCourse copy =
      Copy(Course("state: COURSE_STATE_PLANNED progress { start_projected: true }"));
  EXPECT_FALSE(copy.start_day.has_value());
  EXPECT_FALSE(copy.deadline_day.has_value());
}

TEST(CourseProtoTest, PausedIsWhereTheCourseStandsOtherwise) {
  EXPECT_EQ(Copy(Course("state: COURSE_STATE_PAUSED")).state, CopiedCourseState::kActive);
  EXPECT_EQ(Copy(Course("state: COURSE_STATE_PAUSED progress { start_projected: true }")).state,
            CopiedCourseState::kPlanned);
}

TEST(CourseProtoTest, AClosureSaysWhenAndWhy) {
  const CopiedCourse copy = Copy(
      Course("state: COURSE_STATE_DISCONTINUED closure { time { seconds: 1800000000 nanos: 7000 } "
             "reason: CLOSURE_REASON_DROPPED_OUT drop_out: true early: true }"));
  EXPECT_TRUE(copy.closed());
  EXPECT_EQ(copy.closed_at, absl::FromUnixMicros(1'800'000'000'000'007));
  EXPECT_EQ(copy.closure_reason, pb::CLOSURE_REASON_DROPPED_OUT);
  EXPECT_TRUE(copy.drop_out);
  EXPECT_TRUE(copy.closed_early);
}

TEST(CourseProtoTest, APatientIsTheSameInOneClinicOnly) {
  const std::string hash = Copy(Course()).patient_hash;
  EXPECT_EQ(hash.size(), 64);
  EXPECT_THAT(hash, Not(HasSubstr("4711")));
  EXPECT_EQ(Copy(Course("indication: INDICATION_OTHER")).patient_hash, hash);
  EXPECT_NE(Copy(Course("patient { value: '4712' }")).patient_hash, hash);
  EXPECT_NE(Copy(Course("patient { system: 'urn:other' }")).patient_hash, hash);
  const auto south = CopyOf(Course("name: 'clinics/south/courses/c1' "
                                   "therapist: 'clinics/south/therapists/ana'"),
                            "south");
  ASSERT_OK(south);
  EXPECT_NE(south->patient_hash, hash);
}

TEST(CourseProtoTest, WhatNoReleaseSaysIsRefusedWithoutItsContent) {
  for (const std::string wrong :
       {"name: 'clinics/south/courses/c1'", "name: 'courses/c1'",
        "therapist: 'clinics/south/therapists/ana'", "therapist: ''",
        "progress { start_date { month: 13 } }", "closure { time { nanos: -1 } }"}) {
    pb::Course course = Course(wrong);
    if (wrong == "therapist: ''") course.clear_therapist();  // a merge leaves it
    EXPECT_THAT(CopyOf(course, "north"), StatusIs(absl::StatusCode::kInternal)) << wrong;
  }
}

TEST(CourseProtoTest, ASessionIsCopied) {
  pb::Session session;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(name: "clinics/north/courses/c1/sessions/s1" therapist: "clinics/north/therapists/ana"
         start_time { seconds: 1800000000 } end_time { seconds: 1800003000 }
         state: SESSION_STATE_NO_SHOW session_number: 3 phase: PHASE_MIDDLE week_number: 4
         attendance { outcome: ATTENDANCE_OUTCOME_NO_SHOW } uses_session: true revision: 9)",
      &session));
  const auto copy = CopyOf(session, "north");
  ASSERT_OK(copy);
  EXPECT_EQ(copy->course_id, "c1");
  CopiedSession expected;
  expected.session_id = "s1";
  expected.therapist_id = "ana";
  expected.number = 3;
  expected.phase = 2;
  expected.week = 4;
  expected.start = absl::FromUnixSeconds(1'800'000'000);
  expected.end = absl::FromUnixSeconds(1'800'003'000);
  expected.state = CopiedSessionState::kNoShow;
  expected.attendance = 3;
  expected.uses_session = true;
  expected.revision = 9;
  EXPECT_EQ(copy->session, expected);
  EXPECT_THAT(CopyOf(session, "south"), StatusIs(absl::StatusCode::kInternal));
}

TEST(CourseProtoTest, OfATherapistIsCopiedWhetherTheyWorkAndWhenNot) {
  pb::Therapist therapist;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(name: "clinics/north/therapists/ana" display_name: "Ana" active: true revision: 7)",
      &therapist));
  ASSERT_OK_AND_ASSIGN(const CopiedTherapist copy, CopyOf(therapist, "north"));
  EXPECT_EQ(copy, (CopiedTherapist{
                      .clinic_id = "north", .therapist_id = "ana", .active = true, .revision = 7}));
  EXPECT_THAT(CopyOf(therapist, "south"), StatusIs(absl::StatusCode::kInternal));

  pb::TimeOff off;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(name: "clinics/north/therapists/ana/timeOff/t1" reason: TIME_OFF_REASON_SICKNESS
         start_time { seconds: 1800000000 } end_time { seconds: 1800003600 } revision: 9)",
      &off));
  ASSERT_OK_AND_ASSIGN(const TimeOffOfTherapist span, CopyOf(off, "north"));
  EXPECT_EQ(span.therapist_id, "ana");
  EXPECT_EQ(span.time_off, (CopiedTimeOff{.time_off_id = "t1",
                                          .start = absl::FromUnixSeconds(1'800'000'000),
                                          .end = absl::FromUnixSeconds(1'800'003'600),
                                          .revision = 9}));
  EXPECT_THAT(CopyOf(off, "south"), StatusIs(absl::StatusCode::kInternal));
  off.mutable_end_time()->set_nanos(-1);
  EXPECT_THAT(CopyOf(off, "north"), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace ipt::courses
