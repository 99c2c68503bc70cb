#include "iptctl/render_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipt/formulation/v1/inventory_service.pb.h"
#include "ipt/scheduling/v1/clinic_service.pb.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "ipt/scheduling/v1/plan.pb.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "ipt/scheduling/v1/therapist_service.pb.h"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;
using ::testing::HasSubstr;
using ::testing::Not;

void PutTime(google::protobuf::Timestamp* out, absl::CivilSecond utc) {
  out->set_seconds(absl::ToUnixSeconds(absl::FromCivil(utc, absl::UTCTimeZone())));
}

TEST(RenderTableTest, AlignsListsAndLeavesOutEmptyColumns) {
  v1::ListTherapistsResponse list;
  auto* ana = list.add_therapists();
  ana->set_name("clinics/north/therapists/ana");
  ana->set_display_name("Ana Ortíz");
  ana->set_active(true);
  ana->set_open_courses(3);
  auto* ben = list.add_therapists();
  ben->set_name("clinics/north/therapists/benjamin");
  ben->set_display_name("Ben");
  ben->set_open_courses(12);
  EXPECT_EQ(RenderMessage(list, {}),
            "NAME                               DISPLAY NAME  ACTIVE  OPEN COURSES\n"
            "clinics/north/therapists/ana       Ana Ortíz     yes     3\n"
            "clinics/north/therapists/benjamin  Ben           no      12\n");
}

TEST(RenderTableTest, ShowsTimesInTheZoneOfTheirResource) {
  v1::ListSessionsResponse list;
  for (const char* zone : {"Europe/London", "America/New_York", ""}) {
    auto* session = list.add_sessions();
    session->set_name("s");
    session->set_time_zone(zone);
    PutTime(session->mutable_start_time(), absl::CivilSecond(2026, 7, 1, 13, 0, 0));
  }
  const std::string text = RenderMessage(list, {});
  EXPECT_THAT(text, HasSubstr("Wed 2026-07-01 14:00 BST"));
  EXPECT_THAT(text, HasSubstr("Wed 2026-07-01 09:00 EDT"));
  EXPECT_THAT(text, HasSubstr("Wed 2026-07-01 13:00 UTC"));
}

TEST(RenderTableTest, ShowsAResourceAsABlock) {
  v1::Clinic clinic;
  clinic.set_name("clinics/north");
  clinic.set_display_name("North Clinic");
  clinic.set_time_zone("Europe/London");
  clinic.mutable_policy()->set_pause_cap_days(28);
  clinic.mutable_policy()->set_no_show_uses_session(false);
  PutTime(clinic.mutable_create_time(), absl::CivilSecond(2026, 7, 1, 13, 0, 0));
  EXPECT_EQ(RenderMessage(clinic, {}),
            "name          clinics/north\n"
            "display name  North Clinic\n"
            "time zone     Europe/London\n"
            "revision      0\n"
            "create time   Wed 2026-07-01 14:00 BST\n"
            "policy\n"
            "  pause cap days        28\n"
            "  no show uses session  no\n");
}

TEST(RenderTableTest, ShowsTheTablesThatAResponseHolds) {
  v1::CreateHolidaysResponse response;
  response.add_holidays()->mutable_date()->set_year(2026);
  auto* session = response.add_affected_sessions();
  session->set_name("clinics/north/courses/c1/sessions/s1");
  session->set_state(v1::SESSION_STATE_NO_SHOW);
  const std::string text = RenderMessage(response, {});
  EXPECT_THAT(text, HasSubstr("affected sessions\n  NAME"));
  EXPECT_THAT(text, HasSubstr("no-show"));
}

TEST(RenderTableTest, ShowsWhatResumingACourseLeavesPastItsDeadline) {
  v1::Course course;
  course.set_name("clinics/north/courses/c1");
  course.add_affected_sessions("clinics/north/courses/c1/sessions/s9");
  EXPECT_THAT(RenderMessage(course, {}),
              HasSubstr("affected sessions  clinics/north/courses/c1/sessions/s9\n"));
}

TEST(RenderTableTest, ShowsNestedAnswersWhole) {
  v1::TransferCoursesResponse response;
  auto* transfer = response.add_transfers();
  transfer->mutable_course()->set_name("clinics/north/courses/c1");
  transfer->add_cancelled_sessions()->set_name("clinics/north/courses/c1/sessions/s9");
  const std::string text = RenderMessage(response, {});
  EXPECT_THAT(text, HasSubstr("clinics/north/courses/c1"));
  EXPECT_THAT(text, HasSubstr("clinics/north/courses/c1/sessions/s9"));
}

TEST(RenderTableTest, NamesADayOnceAmongSeveralTimes) {
  v1::CoursePlan plan;
  auto* session = plan.add_sessions();
  PutTime(session->mutable_start_time(), absl::CivilSecond(2026, 7, 1, 13, 0, 0));
  for (int hour : {14, 15, 38}) {
    PutTime(session->add_alternatives(), absl::CivilSecond(2026, 7, 1, hour, 0, 0));
  }
  EXPECT_THAT(RenderMessage(plan, {}),
              HasSubstr("Wed 2026-07-01 14:00 UTC, 15:00, Thu 2026-07-02 14:00 UTC\n"));
}

TEST(RenderTableTest, PutsLongListsBelowEachOther) {
  v1::TherapistCalendar calendar;
  calendar.set_time_zone("Europe/London");
  for (int day = 1; day <= 4; ++day) {
    auto* range = calendar.add_available();
    PutTime(range->mutable_start_time(), absl::CivilSecond(2026, 7, day, 8, 0, 0));
    PutTime(range->mutable_end_time(), absl::CivilSecond(2026, 7, day, day == 4 ? 40 : 16, 0, 0));
  }
  EXPECT_EQ(RenderMessage(calendar, {}),
            "time zone  Europe/London\n"
            "available  Wed 2026-07-01 09:00-17:00 BST\n"
            "           Thu 2026-07-02 09:00-17:00 BST\n"
            "           Fri 2026-07-03 09:00-17:00 BST\n"
            "           Sat 2026-07-04 09:00 BST .. Sun 2026-07-05 17:00 BST\n");
}

TEST(RenderTableTest, ShowsAsMuchOfADateAsIsKnown) {
  formulation::v1::ListLifeEventsResponse list;
  const auto add = [&](int year, int month, int day, bool about) {
    auto& event = *list.add_life_events();
    event.set_name("e");
    auto& date = *event.mutable_start_date();
    date.mutable_date()->set_year(year);
    date.mutable_date()->set_month(month);
    date.mutable_date()->set_day(day);
    date.set_approximate(about);
  };
  add(2009, 0, 0, true);
  add(2019, 3, 0, false);
  add(2026, 3, 12, false);
  EXPECT_EQ(RenderMessage(list, {}),
            "NAME  FROM        GOES ON\n"
            "e     about 2009  no\n"
            "e     2019-03     no\n"
            "e     2026-03-12  no\n");
}

TEST(RenderTableTest, SaysThatThereIsNothing) {
  EXPECT_EQ(RenderMessage(v1::ListClinicsResponse(), {}), "none\n");
}

TEST(RenderTableTest, ShowsValuesOfANewerServer) {
  v1::Course course;
  course.set_state(static_cast<v1::CourseState>(77));
  EXPECT_THAT(RenderMessage(course, {}), HasSubstr("state             77\n"));
}

TEST(RenderTableTest, KeepsForeignTextFromSteeringTheTerminal) {
  v1::Clinic clinic;
  clinic.set_display_name("a\x1b[2Jb\nc");
  EXPECT_THAT(RenderMessage(clinic, {}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(RenderMessage(clinic, {}), HasSubstr("a [2Jb c"));
}

TEST(RenderTableTest, ColoursOnlyWhenAsked) {
  v1::ListCoursesResponse list;
  list.add_courses()->set_state(v1::COURSE_STATE_PAUSED);
  EXPECT_THAT(RenderMessage(list, {}), Not(HasSubstr("\x1b")));
  ShowContext context;
  context.paint.on = true;
  EXPECT_THAT(RenderMessage(list, context), HasSubstr("\x1b[33mpaused\x1b[0m"));
}

}  // namespace
}  // namespace ipt::ctl
