#include "scheduling/rpc/course_handler.h"

#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "platform/storage/audit.h"
#include "scheduling/domain/variants.h"
#include "tests/scheduling/rpc/booking_fixture.h"

namespace ipt::scheduling {
namespace {

class CourseHandlerTest : public BookingTest {
 protected:
  absl::StatusOr<pb::Course> Resume(const std::string& course,
                                    std::optional<CivilDay> day = std::nullopt) {
    pb::ResumeCourseRequest request;
    request.set_name(course);
    if (day.has_value()) *request.mutable_resume_day() = Day(*day);
    return courses_.ResumeCourse(Write(request), request);
  }
  absl::StatusOr<pb::CoursePlan> Plan(const std::string& course, int count = 0) {
    pb::PlanCourseRequest request;
    request.set_name(course);
    if (count != 0) request.set_session_count(count);
    return courses_.PlanCourse(Read(), request);
  }
  static std::vector<absl::Time> StartsOf(const pb::CoursePlan& plan) {
    std::vector<absl::Time> starts;
    for (const auto& session : plan.sessions()) starts.push_back(TimeOf(session.start_time()));
    return starts;
  }
  absl::StatusOr<pb::Course> Update(pb::Course course, const std::vector<std::string>& paths) {
    pb::UpdateCourseRequest request;
    *request.mutable_course() = std::move(course);
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return courses_.UpdateCourse(Write(request), request);
  }
  std::vector<std::string> List(const pb::ListCoursesRequest& filter) {
    pb::ListCoursesRequest request = filter;
    request.set_parent("clinics/north");
    const auto response = courses_.ListCourses(Read(), request);
    EXPECT_OK(response);
    return response.ok() ? NamesOf(response->courses()) : std::vector<std::string>();
  }
  // The writes that the audit of a resource shows, in no order.
  std::vector<std::string> WritesTo(const std::string& resource) {
    constexpr absl::string_view kPrefix = "ipt.scheduling.v1.";
    storage::audit::SqlAuditReader reader(*db_);
    audit::AuditFilter filter;
    filter.clinic_id = "north";
    filter.resource = resource;
    const auto entries = reader.List(filter, std::nullopt, 1000, absl::InfiniteFuture());
    EXPECT_OK(entries);
    std::vector<std::string> methods;
    if (!entries.ok()) return methods;
    for (const auto& entry : *entries) {
      methods.emplace_back(
          absl::StripSuffix(absl::StripPrefix(entry.record.method, kPrefix), "Request"));
    }
    return methods;
  }
  RefreshResult RefreshStale() {
    const auto result = RefreshSome(store_, ipt::testing::FakeClock(now_), 1000);
    EXPECT_OK(result);
    return result.value_or(RefreshResult());
  }
};

// ---------------------------------------------------------------------------------- create

TEST_F(CourseHandlerTest, OpensACourseWithDefaults) {
  auto request = NewCourse("p1");
  request.set_course_id("first");
  const auto course = Create(request);
  ASSERT_OK(course);
  EXPECT_EQ(course->name(), "clinics/north/courses/first");
  EXPECT_EQ(course->state(), pb::COURSE_STATE_PLANNED);
  EXPECT_EQ(course->variant(), "ipt-uk-16");
  EXPECT_EQ(course->planned_sessions(), 16);
  EXPECT_EQ(course->duration_weeks(), 16);
  EXPECT_EQ(course->cadence_days(), 7);
  EXPECT_EQ(course->cadence_tolerance_days(), 2);
  EXPECT_EQ(course->session_minutes(), 50);
  EXPECT_EQ(course->time_zone(), "Europe/London");
  EXPECT_EQ(course->progress().unbooked_sessions(), 16);
  EXPECT_EQ(course->forecast().state(), pb::FORECAST_STATE_ON_TRACK);
  EXPECT_EQ(course->changes(0).kind(), pb::COURSE_CHANGE_KIND_CREATED);
  EXPECT_THAT(NewEvents(), ElementsAre("course"));
  EXPECT_EQ(Get(course->name()).SerializeAsString(), course->SerializeAsString());
}

TEST_F(CourseHandlerTest, TakesDefaultsOfTherapistAndClinic) {
  ChangePolicy([](SchedulingPolicy& p) {
    p.session_minutes = 45;
    p.cadence_days = 14;
    p.cadence_tolerance_days = 9;
  });
  ChangeTherapist("b", [](Therapist& t) { t.session_minutes = 60; });
  auto maintenance = NewCourse("p1");
  maintenance.mutable_course()->set_variant("ipt-m");
  const auto opened = Create(maintenance);
  ASSERT_OK(opened);
  const pb::Course& one = *opened;
  EXPECT_EQ(one.session_minutes(), 45);
  EXPECT_EQ(one.cadence_days(), 14);
  EXPECT_EQ(one.cadence_tolerance_days(), 6) << "the largest that the cadence allows";
  const pb::Course two = Get(OpenCourse("p2", "b"));
  EXPECT_EQ(two.session_minutes(), 60);
  EXPECT_EQ(two.cadence_days(), 7) << "the most with which 16 sessions fit in 16 weeks";
}

TEST_F(CourseHandlerTest, HoldsTheCadenceToWhatTheWeeksAllow) {
  auto request = NewCourse("p1");
  pb::Course& course = *request.mutable_course();
  for (int days : {8, 92}) {
    course.set_cadence_days(days);
    const auto refused = Create(request);
    EXPECT_THAT(refused, HasBadFields("course.cadence_days"));
    EXPECT_THAT(refused.status().message(),
                ::testing::HasSubstr("must be 1 to 7: further apart, 16 sessions"));
  }
  pb::ImportCourseRequest import;
  import.set_parent("clinics/north");
  *import.mutable_course() = course;
  import.mutable_course()->set_time_zone("Mars/Olympus");
  EXPECT_THAT(courses_.ImportCourse(Write(import), import),
              HasBadFields("course.time_zone", "course.cadence_days"));
  course.set_planned_sessions(12);
  course.set_cadence_days(11);
  EXPECT_THAT(Create(request), HasBadFields("course.cadence_days"));
  course.set_cadence_days(10);
  const auto made = Create(request);
  ASSERT_OK(made);

  // What was agreed stays when the course grows, and another value has to fit.
  const auto extended = Extend(made->name(), 16, 0);
  ASSERT_OK(extended);
  EXPECT_EQ(extended->cadence_days(), 10);
  pb::Course change;
  change.set_name(made->name());
  change.set_cadence_days(10);
  change.set_modality(pb::MODALITY_VIDEO);
  EXPECT_OK(Update(change, {}));
  change.set_cadence_days(9);
  EXPECT_THAT(Update(change, {}), HasBadFields("course.cadence_days"));
  change.set_cadence_days(7);
  EXPECT_OK(Update(change, {}));
}

TEST_F(CourseHandlerTest, NamesEveryBadFieldOfACourse) {
  auto request = NewCourse("p1");
  request.set_course_id("-x");
  pb::Course* course = request.mutable_course();
  course->mutable_patient()->clear_value();
  course->clear_therapist();
  course->set_planned_sessions(17);
  course->set_duration_weeks(11);
  course->set_cadence_days(93);
  course->set_cadence_tolerance_days(-1);
  course->set_time_zone("Mars/Olympus");
  course->set_session_minutes(300);
  course->add_preferred_windows()->set_day(google::type::MONDAY);
  EXPECT_THAT(
      Create(request),
      HasBadFields("course_id", "course.patient.value", "course.therapist",
                   "course.planned_sessions", "course.duration_weeks", "course.cadence_days",
                   "course.cadence_tolerance_days", "course.time_zone", "course.session_minutes",
                   "course.preferred_windows[0].start", "course.preferred_windows[0].end"));
  auto weeks = NewCourse("p1");
  for (int bad : {0, 11, 17, -1}) {
    weeks.mutable_course()->set_duration_weeks(bad);
    EXPECT_THAT(Create(weeks), HasBadFields("course.duration_weeks"));
  }
  for (int bad : {0, 11, 17}) {
    auto sessions = NewCourse("p1");
    sessions.mutable_course()->set_planned_sessions(bad);
    EXPECT_THAT(Create(sessions), HasBadFields("course.planned_sessions"));
  }
  auto zeros = NewCourse("p1");
  zeros.mutable_course()->set_planned_sessions(0);
  zeros.mutable_course()->set_duration_weeks(0);
  zeros.mutable_course()->set_cadence_days(0);
  zeros.mutable_course()->set_session_minutes(0);
  EXPECT_THAT(Create(zeros), HasBadFields("course.planned_sessions", "course.duration_weeks",
                                          "course.cadence_days", "course.session_minutes"));
  auto variant = NewCourse("p1");
  variant.mutable_course()->set_variant("ipt-99");
  variant.mutable_course()->clear_patient();
  EXPECT_THAT(Create(variant), HasBadFields("course.variant", "course.patient"));
  auto tolerance = NewCourse("p1");
  tolerance.mutable_course()->set_planned_sessions(12);
  tolerance.mutable_course()->set_cadence_tolerance_days(4);  // of a weekly cadence by default
  EXPECT_THAT(Create(tolerance), HasBadFields("course.cadence_tolerance_days"));
  tolerance.mutable_course()->set_cadence_days(8);
  EXPECT_THAT(Create(tolerance), HasBadFields("course.cadence_tolerance_days"));
  tolerance.mutable_course()->set_cadence_days(9);
  EXPECT_OK(Create(tolerance));
}

TEST_F(CourseHandlerTest, KeepsOneOpenCourseAPatientUnlessSaidOtherwise) {
  const std::string first = OpenCourse("p1");
  EXPECT_THAT(Create(NewCourse("p1", "b")), FailsWith(kPrecondition, "OPEN_COURSE_EXISTS"));
  auto beside = NewCourse("p1", "b");
  beside.mutable_course()->set_allow_concurrent(true);
  EXPECT_OK(Create(beside));
  ASSERT_OK(Discontinue(first));
  EXPECT_OK(Create(NewCourse("p1")));
}

TEST_F(CourseHandlerTest, AsksWhetherTheTherapistMayTakeTheCourse) {
  ChangeTherapist("a", [](Therapist& t) { t.max_active_courses = 1; });
  OpenCourse("p1");
  const auto full = Create(NewCourse("p2"));
  EXPECT_THAT(full, FailsWith(kPrecondition, "THERAPIST_FULL"));
  EXPECT_EQ(Meta(full, "max_active_courses"), "1");
  ChangeTherapist("b", [](Therapist& t) { t.variants = {"ipc-6"}; });
  EXPECT_THAT(Create(NewCourse("p2", "b")), FailsWith(kPrecondition, "THERAPIST_LACKS_VARIANT"));
  ChangeTherapist("b", [](Therapist& t) { t.active = false; });
  EXPECT_THAT(Create(NewCourse("p2", "b")), FailsWith(kPrecondition, "THERAPIST_INACTIVE"));
  EXPECT_THAT(Create(NewCourse("p2", "none")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CourseHandlerTest, ImportsACourseUnderWay) {
  pb::ImportCourseRequest request;
  request.set_parent("clinics/north");
  *request.mutable_course() = NewCourse("p1").course();
  const auto add = [&](int day, pb::AttendanceOutcome outcome) {
    auto* past = request.add_past_sessions();
    *past->mutable_start_time() = Stamp(At(CivilMinute(2026, 10, day, 3, 0)));
    past->set_outcome(outcome);
  };
  add(12, pb::ATTENDANCE_OUTCOME_ATTENDED);
  add(5, pb::ATTENDANCE_OUTCOME_NO_SHOW);
  add(26, pb::ATTENDANCE_OUTCOME_ATTENDED_LATE);
  auto* pause = request.add_pauses();
  *pause->mutable_first_day() = Day(CivilDay(2026, 10, 14));
  *pause->mutable_last_day() = Day(CivilDay(2026, 10, 20));
  pause->set_reason(pb::PAUSE_REASON_ILLNESS);
  const auto course = courses_.ImportCourse(Write(request), request);
  ASSERT_OK(course);
  EXPECT_EQ(course->state(), pb::COURSE_STATE_ACTIVE);
  EXPECT_EQ(course->progress().attended_sessions(), 2);
  EXPECT_EQ(DayOf(course->progress().start_date()), CivilDay(2026, 10, 12));
  EXPECT_EQ(DayOf(course->progress().deadline_date()), CivilDay(2026, 10, 12) + 111 + 7);
  EXPECT_EQ(course->changes(0).kind(), pb::COURSE_CHANGE_KIND_IMPORTED);
  const auto sessions = ListSessions(course->name());
  ASSERT_EQ(sessions.size(), 3u);
  EXPECT_EQ(sessions[0].state(), pb::SESSION_STATE_NO_SHOW);
  EXPECT_EQ(sessions[0].session_number(), 0);
  EXPECT_EQ(sessions[2].session_number(), 2);
  EXPECT_EQ(sessions[2].changes(0).kind(), pb::SESSION_CHANGE_KIND_IMPORTED);

  // What took place elsewhere keeps nobody's time here.
  *request.mutable_course() = NewCourse("p2").course();
  EXPECT_OK(courses_.ImportCourse(Write(request), request));
}

TEST_F(CourseHandlerTest, NamesEveryBadFieldOfAnImport) {
  pb::ImportCourseRequest request;
  request.set_parent("clinics/north");
  *request.mutable_course() = NewCourse("p1").course();
  request.add_past_sessions();
  auto* future = request.add_past_sessions();
  *future->mutable_start_time() = Stamp(Monday(1, 10));
  future->set_outcome(pb::ATTENDANCE_OUTCOME_ATTENDED);
  future->set_session_minutes(0);
  auto* pause = request.add_pauses();
  *pause->mutable_first_day() = Day(CivilDay(2026, 10, 20));
  *pause->mutable_last_day() = Day(CivilDay(2026, 10, 14));
  EXPECT_THAT(
      courses_.ImportCourse(Write(request), request),
      HasBadFields("past_sessions[0].start_time", "past_sessions[0].outcome",
                   "past_sessions[0].start_time", "past_sessions[1].session_minutes",
                   "past_sessions[1].start_time", "pauses[0].last_day", "pauses[0].reason"));
  request.clear_past_sessions();
  request.clear_pauses();
  request.mutable_course()->set_planned_sessions(0);
  EXPECT_THAT(courses_.ImportCourse(Write(request), request),
              HasBadFields("course.planned_sessions"));
  request.mutable_course()->clear_planned_sessions();
  for (int i = 0; i < 17; ++i) {
    auto* past = request.add_past_sessions();
    *past->mutable_start_time() = Stamp(At(CivilMinute(2026, 10, 1 + i / 2, 9, 0)));
    past->set_outcome(pb::ATTENDANCE_OUTCOME_ATTENDED);
  }
  const auto refused = courses_.ImportCourse(Write(request), request);
  EXPECT_THAT(refused,
              HasBadFields("past_sessions[1].start_time", "past_sessions[3].start_time",
                           "past_sessions[5].start_time", "past_sessions[7].start_time",
                           "past_sessions[9].start_time", "past_sessions[11].start_time",
                           "past_sessions[13].start_time", "past_sessions[15].start_time"));
}

TEST_F(CourseHandlerTest, ImportsMoreSessionsThanWereAgreed) {
  pb::ImportCourseRequest request;
  request.set_parent("clinics/north");
  *request.mutable_course() = NewCourse("p1").course();
  for (int i = 0; i < 17; ++i) {
    auto* past = request.add_past_sessions();
    *past->mutable_start_time() = Stamp(At(CivilMinute(2026, 10, 1 + i, 9, 0)));
    past->set_outcome(pb::ATTENDANCE_OUTCOME_ATTENDED);
  }
  const auto course = courses_.ImportCourse(Write(request), request);
  ASSERT_OK(course);
  EXPECT_EQ(course->progress().attended_sessions(), 17);
  EXPECT_EQ(course->progress().excess_sessions(), 1);
  EXPECT_EQ(course->forecast().sessions_left(), 0);
}

// ------------------------------------------------------------------------- reads and updates

TEST_F(CourseHandlerTest, UpdatesWhatTheMaskNames) {
  const std::string name = OpenCourse("p1");
  pb::Course course;
  course.set_name(name);
  course.set_cadence_days(6);
  course.set_indication(pb::INDICATION_PTSD);
  course.set_modality(pb::MODALITY_VIDEO);
  const auto updated = Update(course, {"cadence_days", "indication"});
  ASSERT_OK(updated);
  EXPECT_EQ(updated->cadence_days(), 6);
  EXPECT_EQ(updated->indication(), pb::INDICATION_PTSD);
  EXPECT_EQ(updated->modality(), pb::MODALITY_UNSPECIFIED);
  EXPECT_EQ(updated->changes(1).kind(), pb::COURSE_CHANGE_KIND_UPDATED);
  EXPECT_THAT(Update(course, {"therapist"}), HasBadFields("update_mask.paths[0]"));
  EXPECT_THAT(Update(course, {"no_such"}), HasBadFields("update_mask.paths[0]"));
  course.set_cadence_days(4);
  EXPECT_THAT(Update(course, {"cadence_days"}), HasBadFields("course.cadence_tolerance_days"));
  course.set_etag("\"1\"");
  EXPECT_THAT(Update(course, {"modality"}), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  course.set_etag(updated->etag());
  EXPECT_OK(Update(course, {"modality"}));
  ASSERT_OK(Discontinue(name));
  course.clear_etag();
  EXPECT_THAT(Update(course, {"modality"}), FailsWith(kPrecondition, "COURSE_STATE"));
  course.clear_name();
  EXPECT_THAT(Update(course, {"modality"}), HasBadFields("course.name"));
}

TEST_F(CourseHandlerTest, UpdatesACourseShorterThanItsVariant) {
  const std::string name = OpenCourse("p1");
  ASSERT_OK(Shorten(name, 5));
  pb::Course course;
  course.set_name(name);
  course.set_modality(pb::MODALITY_VIDEO);
  EXPECT_OK(Update(course, {}));
  EXPECT_EQ(Get(name).planned_sessions(), 5);
}

TEST_F(CourseHandlerTest, ReadsSeveralInOrderAndFailsOnOneThatIsNotThere) {
  const std::string one = OpenCourse("p1");
  const std::string two = OpenCourse("p2");
  pb::BatchGetCoursesRequest request;
  for (const std::string& name : {two, one, two}) request.add_names(name);
  const auto response = courses_.BatchGetCourses(Read(), request);
  ASSERT_OK(response);
  EXPECT_THAT(NamesOf(response->courses()), ElementsAre(two, one, two));
  request.add_names("clinics/north/courses/none");
  EXPECT_THAT(courses_.BatchGetCourses(Read(), request), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CourseHandlerTest, SaysWhenMinRevisionIsNotReached) {
  const pb::Course course = Get(OpenCourse("p1"));
  pb::GetCourseRequest request;
  request.set_name(course.name());
  request.set_min_revision(course.revision());
  EXPECT_OK(courses_.GetCourse(Read(), request));
  request.set_min_revision(course.revision() + 1000);
  EXPECT_THAT(courses_.GetCourse(Read(), request),
              FailsWith(kPrecondition, "REVISION_NOT_REACHED"));
  pb::GetCourseForecastRequest forecast;
  forecast.set_name(course.name());
  forecast.set_min_revision(course.revision() + 1000);
  EXPECT_THAT(courses_.GetCourseForecast(Read(), forecast),
              FailsWith(kPrecondition, "REVISION_NOT_REACHED"));
}

TEST_F(CourseHandlerTest, ListsDeadlinesTheEarliestFirst) {
  pb::ListDeadlinesRequest request;
  request.set_parent("clinics/north");
  const auto list = [&] {
    const auto response = courses_.ListDeadlines(Read(), request);
    EXPECT_OK(response);
    return response.value_or(pb::ListDeadlinesResponse());
  };
  EXPECT_EQ(list().deadlines_size(), 0);
  auto brief = NewCourse("p1");
  brief.mutable_course()->set_variant("ipt-b-8");
  std::vector<std::string> names = {OpenCourse("p2"), OpenCourse("p3"), OpenCourse("p4", "b")};
  std::sort(names.begin(), names.end());  // of one day, by id
  names.insert(names.begin(), Create(brief)->name());
  ASSERT_OK(Discontinue(OpenCourse("p5", "b")));  // closed: none

  const auto all = list();
  ASSERT_EQ(all.deadlines_size(), 4);
  for (int i = 0; i < 4; ++i) {
    const pb::Course course = Get(names[i]);
    EXPECT_EQ(all.deadlines(i).course(), names[i]);
    EXPECT_EQ(DayOf(all.deadlines(i).deadline_date()), DayOf(course.progress().deadline_date()));
    EXPECT_EQ(all.deadlines(i).forecast_state(), course.forecast().state());
  }
  EXPECT_FALSE(all.has_read_time());  // true now

  std::vector<std::string> paged;
  request.set_page_size(1);
  do {
    const auto page = list();
    ASSERT_EQ(page.deadlines_size(), 1);
    paged.push_back(page.deadlines(0).course());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(paged, names);

  request.Clear();
  request.set_parent("clinics/north");
  *request.mutable_before() = all.deadlines(1).deadline_date();
  EXPECT_EQ(list().deadlines_size(), 1);
  request.mutable_before()->set_month(13);
  EXPECT_THAT(courses_.ListDeadlines(Read(), request), HasBadFields("before"));
  request.clear_before();
  request.set_min_revision(1'000'000);
  EXPECT_THAT(courses_.ListDeadlines(Read(), request),
              FailsWith(kPrecondition, "REVISION_NOT_REACHED"));
}

TEST_F(CourseHandlerTest, ListsByStateTherapistPatientDeadlineAndForecast) {
  auto brief = NewCourse("p1");
  brief.mutable_course()->set_variant("ipt-b-8");
  const std::string one = Create(brief)->name();
  const std::string two = OpenCourse("p2", "b");
  const std::string closed = OpenCourse("p3", "b");
  ASSERT_OK(Discontinue(closed));
  BookAt(one, Monday(1, 9));
  BookAt(two, Monday(1, 9));

  pb::ListCoursesRequest filter;
  EXPECT_THAT(List(filter), SizeIs(3));
  filter.add_states(pb::COURSE_STATE_DISCONTINUED);
  EXPECT_THAT(List(filter), ElementsAre(closed));
  filter.Clear();
  filter.set_therapist("clinics/north/therapists/a");
  EXPECT_THAT(List(filter), ElementsAre(one));
  filter.Clear();
  filter.mutable_patient()->set_system("urn:mrn");
  filter.mutable_patient()->set_value("p2");
  EXPECT_THAT(List(filter), ElementsAre(two));
  filter.Clear();
  *filter.mutable_deadline_before() = Day(CivilDay(2027, 2, 1));
  EXPECT_THAT(List(filter), ElementsAre(one));
  filter.Clear();
  filter.add_forecast_states(pb::FORECAST_STATE_OVERDUE);
  EXPECT_THAT(List(filter), IsEmpty());
  now_ = Monday(9, 0);
  RefreshStale();
  EXPECT_THAT(List(filter), ElementsAre(one));

  filter.Clear();
  filter.set_parent("clinics/north");
  filter.set_page_size(2);
  const auto page = courses_.ListCourses(Read(), filter);
  ASSERT_OK(page);
  EXPECT_EQ(page->courses_size(), 2);
  filter.set_page_token(page->next_page_token());
  const auto rest = courses_.ListCourses(Read(), filter);
  ASSERT_OK(rest);
  EXPECT_EQ(rest->courses_size(), 1);
  EXPECT_TRUE(rest->next_page_token().empty());

  filter.Clear();
  filter.mutable_patient();
  filter.add_states(pb::COURSE_STATE_UNSPECIFIED);
  filter.mutable_deadline_before()->set_month(13);
  EXPECT_THAT(courses_.ListCourses(Read(), filter),
              HasBadFields("patient.system", "patient.value", "states[0]", "deadline_before"));
}

TEST_F(CourseHandlerTest, ListsVariantsByIdInPages) {
  pb::ListVariantsRequest request;
  request.set_page_size(3);
  std::vector<std::string> ids;
  do {
    const auto page = courses_.ListVariants(Read(), request);
    ASSERT_OK(page);
    for (const auto& variant : page->variants()) {
      ids.push_back(variant.id());
      EXPECT_EQ(variant.phases(variant.phases_size() - 1).last_session(),
                variant.default_sessions());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(ids.size(), Variants().size());
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TEST_F(CourseHandlerTest, DividesCoursesIntoPhasesAsTheClinicSays) {
  auto request = NewCourse("p1");
  request.mutable_course()->set_variant("ipt-b-8");
  const auto course = Create(request);
  ASSERT_OK(course);
  const std::string session = BookAt(course->name(), Monday(1, 10));
  const std::string second = BookAt(course->name(), Monday(2, 10));
  EXPECT_EQ(course->progress().termination_session(), 8);
  EXPECT_EQ(GetSession(second).phase(), pb::PHASE_INITIAL);
  NewEvents();
  ChangePolicy([](SchedulingPolicy& p) {
    p.variant_phases = {{"ipt-uk-16", 5, 5}, {"ipt-b-8", 1, 3}};
  });
  EXPECT_EQ(Get(course->name()).progress().termination_session(), 6);
  EXPECT_EQ(Get(OpenCourse("p2", "b")).progress().termination_session(), 12);
  const auto plan = Plan(course->name());
  ASSERT_OK(plan);
  ASSERT_EQ(plan->sessions_size(), 6);
  EXPECT_EQ(plan->sessions(2).phase(), pb::PHASE_MIDDLE) << "the fifth";
  EXPECT_EQ(plan->sessions(3).phase(), pb::PHASE_TERMINATION) << "the sixth";
  RefreshStale();
  EXPECT_THAT(NewEvents(), ::testing::Contains("course")) << "followers keep phases and deadlines";
  EXPECT_EQ(GetSession(session).phase(), pb::PHASE_INITIAL);
  EXPECT_EQ(GetSession(second).phase(), pb::PHASE_MIDDLE);
}

TEST_F(CourseHandlerTest, ACourseThatTapersMayGrowRarer) {
  auto request = NewCourse("p1");
  request.mutable_course()->set_variant("ipsrt");
  const auto course = Create(request);
  ASSERT_OK(course);
  EXPECT_EQ(course->cadence_days(), 7);
  pb::Course change;
  change.set_name(course->name());
  change.set_cadence_days(29);
  EXPECT_THAT(Update(change, {}), HasBadFields("course.cadence_days"));
  change.set_cadence_days(28);
  EXPECT_OK(Update(change, {}));
}

// --------------------------------------------------------------------------- plan and book

TEST_F(CourseHandlerTest, BooksAPlanAsProposed) {
  const std::string course = OpenCourse("p1");
  const auto plan = Plan(course);
  ASSERT_OK(plan);
  EXPECT_EQ(plan->sessions_size(), 16);
  EXPECT_EQ(plan->unplaced_sessions(), 0);
  NewEvents();
  const auto booked = BookPlan(course, StartsOf(*plan));
  ASSERT_OK(booked);
  EXPECT_EQ(booked->sessions_size(), 16);
  EXPECT_EQ(booked->sessions(15).session_number(), 16);
  EXPECT_EQ(booked->sessions(15).phase(), pb::PHASE_TERMINATION);
  EXPECT_EQ(booked->course().progress().unbooked_sessions(), 0);
  EXPECT_EQ(booked->course().forecast().state(), pb::FORECAST_STATE_ON_TRACK);
  EXPECT_EQ(DayOf(booked->course().progress().deadline_date()), DayOf(plan->deadline_date()));
  EXPECT_THAT(NewEvents(), SizeIs(17));  // the course's, too
  // Nothing is left to plan.
  EXPECT_EQ(Plan(course)->sessions_size(), 0);
  EXPECT_EQ(Plan(OpenCourse("p2"), 3)->sessions_size(), 3);
}

TEST_F(CourseHandlerTest, BooksAPlanAllOrNothingAndSaysWhatIsWrongWithEach) {
  const std::string course = OpenCourse("p1");
  BookAt(OpenCourse("p2"), Monday(2, 10));
  AddHoliday(CivilDay(2026, 11, 23));
  NewEvents();
  // In the caller's order, which is not that of time.
  const auto refused = BookPlan(course, {Monday(4, 10), Monday(1, 10), Monday(2, 10), Monday(3, 10),
                                         Monday(18, 10), Monday(4, 10, 30)});
  EXPECT_THAT(refused, FailsWith(kPrecondition, "SERIES_CONFLICT"));
  EXPECT_THAT(Violations(refused),
              ElementsAre("slots[2] SLOT_TAKEN", "slots[3] OUTSIDE_AVAILABILITY",
                          "slots[4] PAST_DEADLINE", "slots[5] SLOT_TAKEN"));
  EXPECT_EQ(Meta(refused, "conflicts"), "4");
  EXPECT_THAT(ListSessions(course), IsEmpty());
  EXPECT_THAT(NewEvents(), IsEmpty());

  EXPECT_THAT(BookPlan(course, {Monday(1, 10), Now(), Monday(1, 10)}),
              HasBadFields("slots[1].start_time", "slots[2].start_time"));
  pb::BookPlanRequest request;
  request.set_name(course);
  request.add_slots()->set_session_minutes(1000);
  EXPECT_THAT(courses_.BookPlan(Write(request), request),
              HasBadFields("slots[0].start_time", "slots[0].session_minutes"));
}

TEST_F(CourseHandlerTest, ABookingMovesTheCoursesEtag) {
  const std::string course = OpenCourse("p1");
  pb::BookPlanRequest request;
  request.set_name(course);
  request.set_etag(Get(course).etag());
  *request.add_slots()->mutable_start_time() = Stamp(Monday(1, 10));
  BookAt(course, Monday(2, 10));
  EXPECT_THAT(courses_.BookPlan(Write(request), request),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  request.set_etag(Get(course).etag());
  EXPECT_OK(courses_.BookPlan(Write(request), request));
}

TEST_F(CourseHandlerTest, ABookingLeavesItsOwnCourseFreshAndOthersStale) {
  const std::string one = OpenCourse("p1");
  const std::string two = OpenCourse("p2");
  const std::string elsewhere = OpenCourse("p3", "b");
  EXPECT_EQ(RefreshStale().refreshed, 0);
  BookAt(one, Monday(1, 10));
  EXPECT_EQ(RefreshStale().refreshed, 1) << "two shares the therapist";
  EXPECT_EQ(RefreshStale().refreshed, 0);
  // Two courses of one patient share the patient's time.
  auto beside = NewCourse("p1", "b");
  beside.mutable_course()->set_allow_concurrent(true);
  ASSERT_OK(Create(beside));
  BookAt(one, Monday(2, 10));
  EXPECT_EQ(RefreshStale().refreshed, 3);
}

TEST_F(CourseHandlerTest, AReadRecomputesWhatIsStaleAndKeepsTheEtag) {
  const std::string course = OpenCourse("p1");
  BookAt(course, Monday(1, 10));
  const pb::Course before = Get(course);
  now_ = At(CivilMinute(2026, 11, 12, 8, 0));
  const pb::Course after = Get(course);
  EXPECT_EQ(TimeOf(after.forecast().as_of()), now_);
  EXPECT_EQ(after.progress().days_left(), before.progress().days_left() - 10);
  EXPECT_EQ(after.progress().week_number(), 1);
  EXPECT_EQ(after.etag(), before.etag());
  now_ += absl::Minutes(5);
  EXPECT_EQ(Get(course).forecast().as_of().seconds(), after.forecast().as_of().seconds());
  pb::GetCourseForecastRequest request;
  request.set_name(course);
  const auto forecast = courses_.GetCourseForecast(Read(), request);
  ASSERT_OK(forecast);
  EXPECT_EQ(TimeOf(forecast->as_of()), now_);
}

TEST_F(CourseHandlerTest, RefreshTellsWhenAForecastOrAStateMoves) {
  const std::string course = OpenCourse("p1");
  BookAt(course, Monday(1, 10));
  ASSERT_OK(Pause(course, CivilDay(2026, 11, 20), CivilDay(2026, 11, 22)));
  NewEvents();
  now_ = At(CivilMinute(2026, 11, 10, 0, 0));
  EXPECT_EQ(RefreshStale().refreshed, 1);
  EXPECT_THAT(NewEvents(), IsEmpty()) << "only time has passed";
  now_ = At(CivilMinute(2026, 11, 20, 0, 0));
  EXPECT_EQ(RefreshStale().refreshed, 1);
  EXPECT_THAT(NewEvents(), ElementsAre("course"));
  EXPECT_EQ(Get(course).state(), pb::COURSE_STATE_PAUSED);
  now_ = At(CivilMinute(2026, 11, 23, 0, 0));
  RefreshStale();
  EXPECT_THAT(NewEvents(), ElementsAre("course"));
  AddTimeOff("a", now_, now_ + absl::Hours(24 * 100));
  RefreshStale();
  EXPECT_THAT(NewEvents(), ElementsAre("forecast"));
  EXPECT_EQ(Get(course).forecast().state(), pb::FORECAST_STATE_INFEASIBLE);
}

// A store whose writes fail, all or those that `fails` picks, while reads go on.
class RefusingStore final : public SchedulingStore {
 public:
  RefusingStore(SchedulingStore& store, std::function<bool(int)> fails,
                absl::Status refusal = ResourceExhausted(ipt::reason::kStoreFull,
                                                         "the disk is full", absl::Seconds(30)))
      : store_(store), fails_(std::move(fails)), refusal_(std::move(refusal)) {}
  absl::Status Read(absl::Time deadline,
                    absl::FunctionRef<absl::Status(SchedulingReader&)> body) override {
    deadlines_.push_back(deadline);
    return store_.Read(deadline, body);
  }
  absl::Status Write(absl::Time deadline,
                     absl::FunctionRef<absl::Status(SchedulingTx&)> body) override {
    deadlines_.push_back(deadline);
    if (fails_(++writes_)) return refusal_;
    return store_.Write(deadline, body);
  }

  int writes() const { return writes_; }
  const std::vector<absl::Time>& deadlines() const { return deadlines_; }

 private:
  SchedulingStore& store_;
  std::function<bool(int)> fails_;
  const absl::Status refusal_;
  int writes_ = 0;
  std::vector<absl::Time> deadlines_;
};

TEST_F(CourseHandlerTest, AReadIsFreshThoughTheStoreTakesNoWrites) {
  const std::string course = OpenCourse("p1");
  BookAt(course, Monday(1, 10));
  now_ = At(CivilMinute(2026, 11, 12, 8, 0));
  RefusingStore full(store_, [](int) { return true; });
  CourseHandler courses(full, ids_);
  pb::GetCourseRequest request;
  request.set_name(course);
  const auto read = courses.GetCourse(Read(), request);
  ASSERT_OK(read);
  EXPECT_EQ(TimeOf(read->forecast().as_of()), now_);
  EXPECT_EQ(RefreshStale().refreshed, 1) << "it was not stored";
}

TEST_F(CourseHandlerTest, ACourseThatCannotBeRefreshedHoldsUpNoOther) {
  for (const char* patient : {"p1", "p2", "p3"}) OpenCourse(patient);
  now_ += absl::Hours(24);
  // The batch fails, then the first of its courses alone.
  RefusingStore flaky(store_, [](int write) { return write <= 2; });
  const auto result = RefreshSome(flaky, ipt::testing::FakeClock(now_), 100);
  ASSERT_OK(result);
  EXPECT_EQ(result->refreshed, 2);
  EXPECT_EQ(result->failed, 1);
  EXPECT_THAT(result->last_error, FailsWith(absl::StatusCode::kResourceExhausted, "STORE_FULL"));
  EXPECT_EQ(RefreshStale().refreshed, 1);
}

TEST_F(CourseHandlerTest, AStoreThatIsAwayEndsTheRoundAndIsAskedUnderItsDeadline) {
  for (const char* patient : {"p1", "p2", "p3"}) OpenCourse(patient);
  now_ += absl::Hours(24);
  RefusingStore away(
      store_, [](int) { return true; },
      Unavailable(ipt::reason::kStoreUnavailable, "away", absl::Seconds(1)));
  // The store measures deadlines by the real clock.
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  const auto result = RefreshSome(away, ipt::testing::FakeClock(now_), 100, deadline);
  ASSERT_OK(result);
  EXPECT_EQ(result->failed, 3);
  EXPECT_THAT(result->last_error, FailsWith(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE"));
  EXPECT_EQ(away.writes(), 1) << "no course is tried alone";
  EXPECT_THAT(away.deadlines(), ElementsAre(deadline, deadline));
  EXPECT_EQ(RefreshStale().refreshed, 3);
}

TEST_F(CourseHandlerTest, CoursesThatAlwaysFailDoNotKeepOthersFromBeingRefreshed) {
  std::vector<std::string> names;
  for (const char* patient : {"p1", "p2", "p3", "p4"}) names.push_back(OpenCourse(patient));
  now_ += absl::Hours(24);
  // Two damaged rows, the first to be found.
  ASSERT_OK(db_->Write({}, [&](storage::Connection& conn) -> absl::Status {
    for (int i : {0, 1}) {
      IPT_RETURN_IF_ERROR(
          conn.Execute({"UPDATE courses SET variant_id = 'none', valid_until_us = 1 "
                        "WHERE course_id = :course"},
                       {names[i].substr(names[i].rfind('/') + 1)})
              .status());
    }
    return absl::OkStatus();
  }));
  FailedRefreshes failures;
  const auto refresh = [&] {
    return *RefreshSome(store_, ipt::testing::FakeClock(now_), 2, absl::InfiniteFuture(),
                        &failures);
  };
  EXPECT_EQ(refresh().failed, 2);
  EXPECT_EQ(refresh().refreshed, 2) << "the others have their turn";
  EXPECT_EQ(refresh().failed, 0);
  // After a minute they are tried again.
  now_ += absl::Minutes(1);
  EXPECT_EQ(refresh().failed, 2);
}

// ------------------------------------------------------------------------ pause and resume

TEST_F(CourseHandlerTest, APauseMovesTheDeadlineByItsDays) {
  const std::string course = OpenCourse("p1");
  Attended(course, Monday(1, 10));
  const CivilDay deadline = DayOf(Get(course).progress().deadline_date());
  const auto paused = Pause(course, CivilDay(2026, 11, 16), CivilDay(2026, 11, 22));
  ASSERT_OK(paused);
  EXPECT_EQ(DayOf(paused->course().progress().deadline_date()), deadline + 7);
  EXPECT_EQ(paused->course().state(), pb::COURSE_STATE_ACTIVE);
  // Days that two pauses share count once.
  const auto more = Pause(course, CivilDay(2026, 11, 20), CivilDay(2026, 11, 25));
  ASSERT_OK(more);
  EXPECT_EQ(DayOf(more->course().progress().deadline_date()), deadline + 10);
  EXPECT_EQ(more->course().progress().pause_days(), 10);
  // Days that are paused already change nothing.
  const auto same = Pause(course, CivilDay(2026, 11, 17), CivilDay(2026, 11, 18));
  ASSERT_OK(same);
  EXPECT_EQ(same->course().etag(), more->course().etag());
  now_ = At(CivilMinute(2026, 11, 16, 0, 0));
  EXPECT_EQ(Get(course).state(), pb::COURSE_STATE_PAUSED);
}

TEST_F(CourseHandlerTest, HoldsPausesToTheCap) {
  ChangePolicy([](SchedulingPolicy& p) { p.pause_cap_days = 10; });
  const std::string course = OpenCourse("p1");
  ASSERT_OK(Pause(course, CivilDay(2026, 11, 16), CivilDay(2026, 11, 22)));
  const auto refused = Pause(course, CivilDay(2026, 11, 23), CivilDay(2026, 11, 26));
  EXPECT_THAT(refused, FailsWith(kPrecondition, "PAUSE_CAP"));
  EXPECT_EQ(Meta(refused, "cap_days"), "10");
  EXPECT_EQ(Meta(refused, "used_days"), "7");
  EXPECT_OK(Pause(course, CivilDay(2026, 11, 23), CivilDay(2026, 11, 25)));
}

TEST_F(CourseHandlerTest, TellsFollowersWhatTheClinicsPolicyMakesOfItsCourses) {
  const std::string course = OpenCourse("p1");
  Attended(course, Monday(1, 10));
  ASSERT_OK(Pause(course, CivilDay(2026, 11, 16), CivilDay(2026, 11, 25)));
  RefreshStale();
  NewEvents();
  ChangePolicy([](SchedulingPolicy& p) { p.cancellation_notice_hours = 12; });
  RefreshStale();
  EXPECT_THAT(NewEvents(), ::testing::Not(::testing::Contains("course")));
  ChangePolicy([](SchedulingPolicy& p) { p.pause_cap_days = 5; });
  RefreshStale();
  EXPECT_THAT(NewEvents(), ::testing::Contains("course")) << "of the pause, only five days count";
  RefreshStale();
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_F(CourseHandlerTest, NamesTheBadFieldsOfAPause) {
  const std::string course = OpenCourse("p1");
  EXPECT_THAT(Pause(course, CivilDay(2026, 11, 22), CivilDay(2026, 11, 16)),
              HasBadFields("pause.last_day"));
  EXPECT_THAT(Pause(course, CivilDay(2026, 11, 22), CivilDay(2026, 11, 22) + 366),
              HasBadFields("pause.last_day"));
  EXPECT_THAT(Pause(course, CivilDay(2026, 11, 2) - 32, CivilDay(2026, 11, 16)),
              HasBadFields("pause.first_day"));
  pb::PauseCourseRequest request;
  request.set_name(course);
  request.mutable_pause();
  EXPECT_THAT(courses_.PauseCourse(Write(request), request),
              HasBadFields("pause.first_day", "pause.last_day", "pause.reason"));
  ASSERT_OK(Discontinue(course));
  EXPECT_THAT(Pause(course, CivilDay(2026, 11, 16), CivilDay(2026, 11, 22)),
              FailsWith(kPrecondition, "COURSE_STATE"));
}

TEST_F(CourseHandlerTest, APauseCancelsOrIsRefusedForTheSessionsInIt) {
  const std::string course = OpenCourse("p1");
  BookAt(course, Monday(1, 10));
  const std::string inside = BookAt(course, Monday(2, 10));
  const std::string after = BookAt(course, Monday(3, 10));
  const CivilDay first(2026, 11, 16);
  const CivilDay last(2026, 11, 22);
  const auto refused = Pause(course, first, last);
  EXPECT_THAT(refused, FailsWith(kPrecondition, "SESSIONS_IN_THE_WAY"));
  EXPECT_EQ(Meta(refused, "sessions"), "1");
  const auto would = Pause(course, first, last, true, true);
  ASSERT_OK(would);
  EXPECT_THAT(NamesOf(would->affected_sessions()), ElementsAre(inside));
  EXPECT_EQ(GetSession(inside).state(), pb::SESSION_STATE_BOOKED);
  NewEvents();
  const auto paused = Pause(course, first, last, true);
  ASSERT_OK(paused);
  EXPECT_EQ(paused->affected_sessions(0).state(), pb::SESSION_STATE_CANCELLED);
  EXPECT_EQ(paused->affected_sessions(0).cancellation().cancelled_by(), pb::CANCELLED_BY_CLINIC);
  EXPECT_FALSE(paused->affected_sessions(0).cancellation().late());
  EXPECT_EQ(GetSession(after).session_number(), 2);
  EXPECT_THAT(NewEvents(), ElementsAre("session", "session", "course")) << "one has a new number";
}

TEST_F(CourseHandlerTest, APauseFromThePastLeavesWhatHasBegunToBeRecorded) {
  const std::string course = OpenCourse("p1");
  const std::string past = BookAt(course, Monday(1, 10));
  const std::string begun = BookAt(course, Monday(2, 10));
  now_ = Monday(2, 10);
  const std::string ahead = BookAt(course, Monday(2, 12));
  const auto refused = Pause(course, CivilDay(2026, 11, 9), CivilDay(2026, 11, 22));
  EXPECT_THAT(refused, FailsWith(kPrecondition, "SESSIONS_IN_THE_WAY"));
  EXPECT_EQ(Meta(refused, "sessions"), "1");
  const auto paused = Pause(course, CivilDay(2026, 11, 9), CivilDay(2026, 11, 22), true);
  ASSERT_OK(paused);
  EXPECT_THAT(NamesOf(paused->affected_sessions()), ElementsAre(ahead));
  EXPECT_EQ(GetSession(past).state(), pb::SESSION_STATE_BOOKED);
  EXPECT_EQ(GetSession(begun).state(), pb::SESSION_STATE_BOOKED);
  EXPECT_OK(Record(past));
}

TEST_F(CourseHandlerTest, ResumesBeforeTheLastDayAndOnlyOnce) {
  const std::string course = OpenCourse("p1");
  Attended(course, Monday(1, 10));
  ASSERT_OK(Pause(course, CivilDay(2026, 11, 16), CivilDay(2026, 11, 29)));
  now_ = At(CivilMinute(2026, 11, 18, 9, 0));
  EXPECT_EQ(Get(course).state(), pb::COURSE_STATE_PAUSED);
  EXPECT_THAT(Resume(course, CivilDay(2026, 12, 1)), HasBadFields("resume_day"));
  const auto resumed = Resume(course);
  ASSERT_OK(resumed);
  EXPECT_EQ(resumed->state(), pb::COURSE_STATE_ACTIVE);
  EXPECT_EQ(resumed->progress().pause_days(), 2);
  EXPECT_EQ(DayOf(resumed->pauses(0).last_day()), CivilDay(2026, 11, 17));
  const auto again = Resume(course);
  ASSERT_OK(again);
  EXPECT_EQ(again->etag(), resumed->etag());
  // A pause taken back before it begins is gone.
  ASSERT_OK(Pause(course, CivilDay(2026, 12, 7), CivilDay(2026, 12, 9)));
  const auto gone = Resume(course, CivilDay(2026, 12, 7));
  ASSERT_OK(gone);
  EXPECT_EQ(gone->pauses_size(), 1);
}

TEST_F(CourseHandlerTest, ResumingTellsTheSessionsThatLiePastTheDeadline) {
  const std::string course = OpenCourse("p1");
  Attended(course, Monday(1, 10));
  ASSERT_OK(Pause(course, CivilDay(2026, 11, 16), CivilDay(2026, 11, 29)));
  BookAt(course, Monday(16, 10));
  const std::string past = BookAt(course, Monday(17, 10));
  const std::string last = BookAt(course, Monday(18, 10));
  now_ = At(CivilMinute(2026, 11, 16, 9, 0));
  const pb::Course paused = Get(course);
  EXPECT_EQ(paused.affected_sessions_size(), 0);

  pb::ResumeCourseRequest request;
  request.set_name(course);
  *request.mutable_resume_day() = Day(CivilDay(2026, 11, 23));
  request.set_validate_only(true);
  auto resumed = courses_.ResumeCourse(Write(request), request);
  ASSERT_OK(resumed);
  EXPECT_THAT(resumed->affected_sessions(), ElementsAre(last));
  EXPECT_EQ(DayOf(resumed->progress().deadline_date()), CivilDay(2026, 11, 9) + 111 + 7);
  EXPECT_EQ(Get(course).etag(), paused.etag()) << "only tried";

  resumed = Resume(course);
  ASSERT_OK(resumed);
  EXPECT_THAT(resumed->affected_sessions(), ElementsAre(past, last));
  EXPECT_EQ(resumed->forecast().state(), pb::FORECAST_STATE_INFEASIBLE);
  EXPECT_EQ(GetSession(last).state(), pb::SESSION_STATE_BOOKED);
  EXPECT_EQ(Get(course).affected_sessions_size(), 0) << "told by ResumeCourse only";
  EXPECT_THAT(Resume(course)->affected_sessions(), ElementsAre(past, last)) << "and again";
  now_ = Monday(17, 12);
  EXPECT_THAT(Resume(course)->affected_sessions(), ElementsAre(last)) << "what is over is not told";
}

// --------------------------------------------------------------------------- length of it

TEST_F(CourseHandlerTest, ExtendsWithinTheBoundsAndPhasesFollow) {
  auto request = NewCourse("p1");
  request.mutable_course()->set_planned_sessions(12);
  request.mutable_course()->set_duration_weeks(12);
  const std::string course = Create(request)->name();
  EXPECT_EQ(Get(course).progress().termination_session(), 9);
  const auto extended = Extend(course, 14, 16);
  ASSERT_OK(extended);
  EXPECT_EQ(extended->progress().termination_session(), 11);
  EXPECT_EQ(extended->changes(1).reason(), "more to do");
  EXPECT_EQ(Extend(course, 14, 16)->etag(), extended->etag()) << "nothing changes";
  const auto refused = Extend(course, 17, 15);
  EXPECT_THAT(refused, FailsWith(kPrecondition, "VARIANT_BOUNDS"));
  EXPECT_THAT(Violations(refused),
              ElementsAre(course + " VARIANT_BOUNDS", course + " VARIANT_BOUNDS"));
  EXPECT_EQ(Meta(refused, "minimum"), "14");
  EXPECT_EQ(Meta(refused, "maximum"), "16");
  EXPECT_THAT(Extend(course, 0, 0), HasBadFields("planned_sessions", "duration_weeks"));
  EXPECT_THAT(Extend(course, -1, 16), HasBadFields("planned_sessions"));
  pb::ExtendCourseRequest none;
  none.set_name(course);
  none.set_planned_sessions(0);
  none.set_duration_weeks(0);
  EXPECT_THAT(courses_.ExtendCourse(Write(none), none),
              HasBadFields("planned_sessions", "duration_weeks"));
}

TEST_F(CourseHandlerTest, ShortensToWhatIsUsedAndTheEndingKeepsItsSessions) {
  const std::string course = OpenCourse("p1");
  Attended(course, Monday(1, 10));
  Attended(course, Monday(2, 10));
  std::vector<std::string> booked;
  for (int week = 3; week <= 6; ++week) booked.push_back(BookAt(course, Monday(week, 10)));
  const auto refused = Shorten(course, 4);
  EXPECT_THAT(refused, FailsWith(kPrecondition, "SESSIONS_IN_THE_WAY"));
  EXPECT_EQ(Meta(refused, "sessions"), "2");
  const auto shortened = Shorten(course, 4, true);
  ASSERT_OK(shortened);
  EXPECT_THAT(NamesOf(shortened->affected_sessions()), ElementsAre(booked[2], booked[3]));
  EXPECT_EQ(shortened->course().progress().termination_session(), 1);
  EXPECT_EQ(shortened->course().progress().unbooked_sessions(), 0);
  EXPECT_THAT(Shorten(course, 1), FailsWith(kPrecondition, "VARIANT_BOUNDS"));
  const auto longer = Shorten(course, 4);
  EXPECT_THAT(longer, FailsWith(kPrecondition, "VARIANT_BOUNDS"));
  EXPECT_EQ(Meta(longer, "minimum"), "2");
  EXPECT_EQ(Meta(longer, "maximum"), "3");
  EXPECT_THAT(Shorten(course, -3), HasBadFields("planned_sessions"));
}

TEST_F(CourseHandlerTest, ShorteningLeavesWhatHasBegunToBeRecorded) {
  const std::string course = OpenCourse("p1");
  Attended(course, Monday(1, 10));
  const std::string second = BookAt(course, Monday(2, 10));
  const std::string third = BookAt(course, Monday(3, 10));
  const std::string ahead = BookAt(course, Monday(5, 10));
  now_ = Monday(4, 10);
  const auto refused = Shorten(course, 2, true);
  EXPECT_THAT(refused, FailsWith(kPrecondition, "SESSIONS_IN_THE_WAY"));
  EXPECT_EQ(Meta(refused, "sessions"), "2");
  const auto shortened = Shorten(course, 3, true);
  ASSERT_OK(shortened);
  EXPECT_THAT(NamesOf(shortened->affected_sessions()), ElementsAre(ahead));
  EXPECT_THAT(NamesOf(ListSessions(course, true)), ElementsAre(second, third));
}

// ------------------------------------------------------------------------- close and reopen

TEST_F(CourseHandlerTest, CompletesACourseWithAnAttendedSession) {
  const std::string course = OpenCourse("p1");
  EXPECT_THAT(Complete(course), FailsWith(kPrecondition, "COURSE_STATE"));
  Attended(course, Monday(1, 10));
  const std::string forgotten = BookAt(course, Monday(2, 10));
  const std::string ahead = BookAt(course, Monday(4, 10));
  now_ = Monday(3, 10);
  const auto refused = Complete(course);
  EXPECT_THAT(refused, FailsWith(kPrecondition, "SESSIONS_IN_THE_WAY"));
  EXPECT_EQ(Meta(refused, "sessions"), "1");
  const auto completed = Complete(course, true);
  ASSERT_OK(completed);
  EXPECT_EQ(completed->state(), pb::COURSE_STATE_COMPLETED);
  EXPECT_TRUE(completed->closure().early());
  EXPECT_FALSE(completed->closure().drop_out());
  EXPECT_FALSE(completed->has_forecast());
  EXPECT_EQ(GetSession(ahead).state(), pb::SESSION_STATE_CANCELLED);
  EXPECT_EQ(GetSession(forgotten).state(), pb::SESSION_STATE_BOOKED);
  EXPECT_THAT(NamesOf(ListSessions(course, true)), ElementsAre(forgotten));
  ASSERT_OK(Record(forgotten));
  EXPECT_EQ(Get(course).progress().attended_sessions(), 2);
  EXPECT_THAT(Complete(course), FailsWith(kPrecondition, "COURSE_STATE"));
  pb::GetCourseForecastRequest request;
  request.set_name(course);
  EXPECT_THAT(courses_.GetCourseForecast(Read(), request),
              FailsWith(kPrecondition, "COURSE_STATE"));
  EXPECT_THAT(Plan(course), FailsWith(kPrecondition, "COURSE_STATE"));
}

TEST_F(CourseHandlerTest, APastSessionWithoutAttendanceDoesNotHoldUpACompletion) {
  auto request = NewCourse("p1");
  request.mutable_course()->set_planned_sessions(12);
  const std::string course = Create(request)->name();
  for (int week = 1; week <= 11; ++week) Attended(course, Monday(week, 10));
  const std::string last = BookAt(course, Monday(12, 10));
  now_ = Monday(12, 11);
  const auto completed = Complete(course);
  ASSERT_OK(completed);
  EXPECT_TRUE(completed->closure().early());
  ASSERT_OK(Record(last));
  EXPECT_FALSE(Get(course).closure().early());
}

TEST_F(CourseHandlerTest, ACompletedCourseKeepsAnAttendedSession) {
  const std::string course = OpenCourse("p1");
  const std::string held = Attended(course, Monday(1, 10));
  ASSERT_OK(Complete(course));
  EXPECT_THAT(Record(held, pb::ATTENDANCE_OUTCOME_NO_SHOW, "wrong"),
              FailsWith(kPrecondition, "COURSE_STATE"));
  EXPECT_OK(Record(held, pb::ATTENDANCE_OUTCOME_ATTENDED_LATE, "came late"));
  EXPECT_EQ(Get(course).state(), pb::COURSE_STATE_COMPLETED);
}

TEST_F(CourseHandlerTest, DiscontinuesWithAReasonAndLeavesThePastToBeRecorded) {
  const std::string course = OpenCourse("p1");
  const std::string past = BookAt(course, Monday(1, 10));
  const std::string ahead = BookAt(course, Monday(3, 10));
  now_ = Monday(2, 10);
  auto closed = Discontinue(course, pb::CLOSURE_REASON_DROPPED_OUT);
  ASSERT_OK(closed);
  EXPECT_TRUE(closed->closure().drop_out());
  EXPECT_EQ(GetSession(ahead).state(), pb::SESSION_STATE_CANCELLED);
  EXPECT_EQ(GetSession(past).state(), pb::SESSION_STATE_BOOKED);
  EXPECT_THAT(ListSessions(course, true), SizeIs(1));
  EXPECT_OK(Record(past, pb::ATTENDANCE_OUTCOME_NO_SHOW));
  EXPECT_THAT(ListSessions(course, true), IsEmpty());
  EXPECT_EQ(Get(course).state(), pb::COURSE_STATE_DISCONTINUED);

  closed = Discontinue(OpenCourse("p2"), pb::CLOSURE_REASON_AGREED_EARLY_FINISH);
  ASSERT_OK(closed);
  EXPECT_FALSE(closed->closure().drop_out()) << "agreed is not dropped out";
}

TEST_F(CourseHandlerTest, UndoesAWrongClosingWhereThereIsRoom) {
  const std::string course = OpenCourse("p1");
  Attended(course, Monday(1, 10));
  EXPECT_THAT(Reopen(course), FailsWith(kPrecondition, "COURSE_STATE"));
  ASSERT_OK(Complete(course));
  const auto reopened = Reopen(course);
  ASSERT_OK(reopened);
  EXPECT_EQ(reopened->state(), pb::COURSE_STATE_ACTIVE);
  EXPECT_FALSE(reopened->has_closure());
  EXPECT_TRUE(reopened->has_forecast());
  EXPECT_EQ(reopened->changes(reopened->changes_size() - 1).reason(), "by mistake");

  ASSERT_OK(Complete(course));
  const std::string next = OpenCourse("p1", "b");
  EXPECT_THAT(Reopen(course), FailsWith(kPrecondition, "OPEN_COURSE_EXISTS"));
  ASSERT_OK(Discontinue(next));
  ChangeTherapist("a", [](Therapist& t) { t.max_active_courses = 1; });
  OpenCourse("p2");
  EXPECT_THAT(Reopen(course), FailsWith(kPrecondition, "THERAPIST_FULL"));
}

TEST_F(CourseHandlerTest, UndoesAWrongClosingAlsoOfATherapistWhoLeft) {
  const std::string course = OpenCourse("p1");
  Attended(course, Monday(1, 10));
  ASSERT_OK(Complete(course));
  ChangeTherapist("a", [](Therapist& t) {
    t.active = false;
    t.variants = {"ipc-6"};
  });
  const auto reopened = Reopen(course);
  ASSERT_OK(reopened);
  EXPECT_EQ(reopened->state(), pb::COURSE_STATE_ACTIVE);
  EXPECT_THAT(reopened->forecast().reasons(),
              ElementsAre(pb::FORECAST_REASON_THERAPIST_UNAVAILABLE));
  EXPECT_THAT(Book(course, Monday(3, 10)), FailsWith(kPrecondition, "THERAPIST_INACTIVE"));
  EXPECT_THAT(BookPlan(course, {Monday(3, 10)}), FailsWith(kPrecondition, "THERAPIST_INACTIVE"));
  ASSERT_OK(Transfer(course, "b"));
  EXPECT_OK(Book(course, Monday(3, 10)));
}

// -------------------------------------------------------------------------------- transfers

TEST_F(CourseHandlerTest, TransfersACourseWithItsSessionsToCome) {
  const std::string course = OpenCourse("p1", "b");
  const std::string held = Attended(course, Monday(1, 10));
  const std::string ahead = BookAt(course, Monday(2, 10));
  BookAt(OpenCourse("p2"), Monday(3, 11));  // a is booked then
  // b keeps no buffer, a ten minutes: 10:10 to 11:00 and then a's buffer until 11:10.
  const std::string tight = BookAt(course, Monday(3, 10, 10));
  NewEvents();
  const auto refused = Transfer(course, "a");
  EXPECT_THAT(refused, FailsWith(kPrecondition, "SERIES_CONFLICT"));
  EXPECT_THAT(Violations(refused), ElementsAre("sessions[1] SLOT_TAKEN"));
  EXPECT_EQ(Get(course).therapist(), "clinics/north/therapists/b");
  const auto done = Transfer(course, "a", pb::TRANSFER_CONFLICT_CANCEL);
  ASSERT_OK(done);
  EXPECT_EQ(done->course().therapist(), "clinics/north/therapists/a");
  EXPECT_THAT(NamesOf(done->moved_sessions()), ElementsAre(ahead));
  EXPECT_THAT(NamesOf(done->cancelled_sessions()), ElementsAre(tight));
  EXPECT_EQ(done->moved_sessions(0).therapist(), "clinics/north/therapists/a");
  EXPECT_EQ(done->moved_sessions(0).changes(1).previous_therapist(), "clinics/north/therapists/b");
  EXPECT_EQ(GetSession(held).therapist(), "clinics/north/therapists/b");
  EXPECT_THAT(NewEvents(), ElementsAre("session", "session", "course"));
  // b is free again, a is not.
  EXPECT_OK(Book(OpenCourse("p3", "b"), Monday(2, 10)));
  EXPECT_THAT(Book(OpenCourse("p4", "a"), Monday(2, 10)), FailsWith(kPrecondition, "SLOT_TAKEN"));
  EXPECT_THAT(Transfer(course, "a"), HasBadFields("therapist"));
}

TEST_F(CourseHandlerTest, ATransferredSessionMustLieInTheNewTherapistsHours) {
  const std::string course = OpenCourse("p1");
  BookAt(course, Monday(1, 10));
  AddTimeOff("b", Monday(1, 0), Monday(1, 12));
  EXPECT_THAT(Violations(Transfer(course, "b")), ElementsAre("sessions[0] OUTSIDE_AVAILABILITY"));
  ChangeTherapist("b", [](Therapist& t) { t.max_active_courses = 0; });
  EXPECT_THAT(Transfer(course, "b"), FailsWith(kPrecondition, "THERAPIST_FULL"));
  ASSERT_OK(Discontinue(course));
  EXPECT_THAT(Transfer(course, "b"), FailsWith(kPrecondition, "COURSE_STATE"));
}

TEST_F(CourseHandlerTest, TransfersAllCoursesOfATherapistTogether) {
  const std::string one = OpenCourse("p1");
  const std::string two = OpenCourse("p2");
  const std::string theirs = OpenCourse("p3", "b");
  const std::string closed = OpenCourse("p4");
  ASSERT_OK(Discontinue(closed));
  BookAt(one, Monday(1, 10));
  BookAt(two, Monday(1, 11));
  const std::string clash = BookAt(two, Monday(2, 10));
  BookAt(theirs, Monday(2, 10));

  pb::TransferCoursesRequest request;
  request.set_from_therapist("clinics/north/therapists/a");
  request.set_to_therapist("clinics/north/therapists/b");
  const auto refused = courses_.TransferCourses(Write(request), request);
  EXPECT_THAT(refused, FailsWith(kPrecondition, "SERIES_CONFLICT"));
  EXPECT_THAT(Violations(refused), ElementsAre(clash + " SLOT_TAKEN"));
  EXPECT_EQ(Get(one).therapist(), "clinics/north/therapists/a");

  request.set_on_conflict(pb::TRANSFER_CONFLICT_CANCEL);
  request.set_validate_only(true);
  auto done = courses_.TransferCourses(Write(request), request);
  ASSERT_OK(done);
  EXPECT_EQ(done->revision(), 0);
  request.set_validate_only(false);
  done = courses_.TransferCourses(Write(request), request);
  ASSERT_OK(done);
  EXPECT_EQ(done->transfers_size(), 2);
  EXPECT_GT(done->revision(), 0);
  EXPECT_EQ(Get(one).therapist(), "clinics/north/therapists/b");
  EXPECT_EQ(Get(two).therapist(), "clinics/north/therapists/b");
  EXPECT_EQ(Get(closed).therapist(), "clinics/north/therapists/a");
  EXPECT_EQ(GetSession(clash).state(), pb::SESSION_STATE_CANCELLED);
  // Both courses' forecasts know of each other's sessions: only the third is stale.
  EXPECT_EQ(RefreshStale().refreshed, 1);
}

TEST_F(CourseHandlerTest, TheAuditOfACourseAndASessionShowsWhatWasDoneToThem) {
  const std::string one = OpenCourse("p1");
  const std::string two = OpenCourse("p2");
  const std::string other = OpenCourse("p3", "b");
  const std::string alone = BookAt(one, Monday(1, 10));
  EXPECT_THAT(WritesTo(one), UnorderedElementsAre("CreateCourse", "BookSession"))
      << "a booking leaves one entry";
  const auto planned = BookPlan(two, {Monday(1, 12), Monday(2, 12), Monday(3, 12)});
  ASSERT_OK(planned);
  std::vector<std::string> sessions = NamesOf(planned->sessions());

  pb::RescheduleSessionRequest move;
  move.set_name(sessions[1]);
  *move.mutable_start_time() = Stamp(Monday(2, 14));
  move.set_scope(pb::RESCHEDULE_SCOPE_THIS_AND_FOLLOWING);
  ASSERT_OK(sessions_.RescheduleSession(Write(move), move));
  EXPECT_THAT(WritesTo(sessions[0]), ElementsAre("BookPlan"));
  for (int i : {1, 2}) {
    EXPECT_THAT(WritesTo(sessions[i]), UnorderedElementsAre("BookPlan", "RescheduleSession"));
  }

  pb::TransferCoursesRequest transfer;
  transfer.set_from_therapist("clinics/north/therapists/a");
  transfer.set_to_therapist("clinics/north/therapists/b");
  transfer.set_validate_only(true);
  ASSERT_OK(courses_.TransferCourses(Write(transfer), transfer));
  EXPECT_THAT(WritesTo(alone), ElementsAre("BookSession"));
  transfer.set_validate_only(false);
  ASSERT_OK(courses_.TransferCourses(Write(transfer), transfer));
  EXPECT_THAT(WritesTo(one), UnorderedElementsAre("CreateCourse", "BookSession", "TransferCourses",
                                                  "TransferCourses"))
      << "the course and its session";
  EXPECT_THAT(WritesTo(alone), UnorderedElementsAre("BookSession", "TransferCourses"));
  EXPECT_THAT(WritesTo(sessions[2]),
              UnorderedElementsAre("BookPlan", "RescheduleSession", "TransferCourses"));
  EXPECT_THAT(WritesTo(other), ElementsAre("CreateCourse"));
}

TEST_F(CourseHandlerTest, TransfersOnlyCoursesOfTheGiver) {
  const std::string one = OpenCourse("p1");
  const std::string theirs = OpenCourse("p2", "b");
  pb::TransferCoursesRequest request;
  request.set_from_therapist("clinics/north/therapists/a");
  request.set_to_therapist("clinics/north/therapists/b");
  request.add_courses(one);
  request.add_courses(theirs);
  EXPECT_THAT(courses_.TransferCourses(Write(request), request), HasBadFields("courses[1]"));
  ChangeTherapist("b", [](Therapist& t) { t.max_active_courses = 1; });
  request.mutable_courses()->RemoveLast();
  EXPECT_THAT(courses_.TransferCourses(Write(request), request),
              FailsWith(kPrecondition, "THERAPIST_FULL"));
  request.set_to_therapist("clinics/north/therapists/a");
  EXPECT_THAT(courses_.TransferCourses(Write(request), request), HasBadFields("to_therapist"));
}

// --------------------------------------------------------------------------------- patients

TEST_F(CourseHandlerTest, ChangesAPatientsIdentifierInAllCourses) {
  const std::string closed = OpenCourse("p1");
  ASSERT_OK(Discontinue(closed));
  const std::string open = OpenCourse("p1");
  OpenCourse("p2");
  NewEvents();
  pb::ChangePatientIdentifierRequest request;
  request.set_parent("clinics/north");
  request.mutable_from()->set_system("urn:mrn");
  request.mutable_from()->set_value("p1");
  request.mutable_to()->set_system("urn:mrn");
  request.mutable_to()->set_value("p2");
  const auto taken = courses_.ChangePatientIdentifier(Write(request), request);
  EXPECT_THAT(taken, FailsWith(kPrecondition, "PATIENT_EXISTS"));
  EXPECT_FALSE(absl::StrContains(std::string(taken.status().ToString()), "urn:mrn"));
  request.mutable_to()->set_value("p9");
  const auto changed = courses_.ChangePatientIdentifier(Write(request), request);
  ASSERT_OK(changed);
  EXPECT_EQ(changed->courses_size(), 2);
  EXPECT_EQ(Get(open).patient().value(), "p9");
  EXPECT_EQ(Get(closed).patient().value(), "p9");
  EXPECT_EQ(Get(closed).state(), pb::COURSE_STATE_DISCONTINUED);
  EXPECT_EQ(Get(open).revision(), changed->revision());
  EXPECT_THAT(NewEvents(), ElementsAre("course", "course"));
  EXPECT_THAT(WritesTo(open), UnorderedElementsAre("CreateCourse", "ChangePatientIdentifier"));
  const auto gone = courses_.ChangePatientIdentifier(Write(request), request);
  EXPECT_THAT(gone, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(absl::StrContains(std::string(gone.status().message()), "p1"));
  request.mutable_to()->set_value("p1");
  request.mutable_from()->clear_system();
  EXPECT_THAT(courses_.ChangePatientIdentifier(Write(request), request),
              HasBadFields("from.system"));
}

TEST_F(CourseHandlerTest, MergesADuplicatePatient) {
  const std::string one = OpenCourse("p1");
  const std::string two = OpenCourse("p2", "b");
  pb::MergePatientsRequest request;
  request.set_parent("clinics/north");
  request.mutable_from()->set_system("urn:mrn");
  request.mutable_from()->set_value("p2");
  request.mutable_into()->set_system("urn:mrn");
  request.mutable_into()->set_value("p1");
  EXPECT_THAT(courses_.MergePatients(Write(request), request),
              FailsWith(kPrecondition, "OPEN_COURSE_EXISTS"));
  ASSERT_OK(Discontinue(one));
  NewEvents();
  const auto merged = courses_.MergePatients(Write(request), request);
  ASSERT_OK(merged);
  std::vector<std::string> both = {one, two};
  std::sort(both.begin(), both.end());
  EXPECT_EQ(std::vector<std::string>(merged->courses().begin(), merged->courses().end()), both);
  EXPECT_EQ(Get(two).patient().value(), "p1");
  EXPECT_THAT(NewEvents(), ElementsAre("course"));
  EXPECT_THAT(WritesTo(two), UnorderedElementsAre("CreateCourse", "MergePatients"));
  EXPECT_THAT(WritesTo(one), UnorderedElementsAre("CreateCourse", "DiscontinueCourse"));
  EXPECT_THAT(courses_.MergePatients(Write(request), request),
              StatusIs(absl::StatusCode::kNotFound));
  *request.mutable_from() = request.into();
  EXPECT_THAT(courses_.MergePatients(Write(request), request), HasBadFields("into"));
}

}  // namespace
}  // namespace ipt::scheduling
