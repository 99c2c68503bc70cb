#include <algorithm>

#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

class CoursesTest : public SchedulingStoreTest {
 protected:
  void SetUp() override { AddBasics(); }

  std::vector<std::string> Ids(const CourseFilter& filter, absl::string_view after = "",
                               int limit = 100) {
    std::vector<std::string> ids;
    const auto found =
        Read([&](SchedulingReader& r) { return r.ListCourses("c1", filter, after, limit); });
    EXPECT_OK(found);
    for (const Course& course : *found) {
      ids.push_back(course.course_id);
    }
    return ids;
  }
  std::vector<std::string> Stale(absl::Time now, int limit = 100,
                                 const std::set<CourseKey>& but = {}) {
    std::vector<std::string> ids;
    const auto found = Read([&](SchedulingReader& r) { return r.StaleCourses(now, limit, but); });
    EXPECT_OK(found);
    for (const CourseKey& key : *found) {
      ids.push_back(absl::StrCat(key.clinic_id, "/", key.course_id));
    }
    return ids;
  }
  absl::Status UpdateDerived(const Course& course) {
    return Write([&](SchedulingTx& tx) { return tx.UpdateCourseDerived(course); });
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(CoursesTest);

// Every field set, lists long, instants to the microsecond.
Course FullCourse(const std::string& id) {
  Course course = SampleCourse(id);
  course.allow_concurrent = true;
  course.preferred_windows = {{Weekday::kTuesday, 480, 720}, {Weekday::kSunday, 0, 1440}};
  course.pauses = {
      {{absl::CivilDay(2026, 2, 1), absl::CivilDay(2026, 2, 7)}, PauseReason::kHospitalStay},
      {{absl::CivilDay(2026, 3, 1), absl::CivilDay(2026, 3, 1)}, PauseReason::kOther}};
  course.closure = Closure{At(5), ClosureReason::kAgreedEarlyFinish, true};
  for (int i = 0; i < 200; ++i) {
    course.changes.push_back({At(i) + absl::Microseconds(i), CourseChangeKind::kTransferred,
                              absl::StrCat("caller-", i), kHardText, "t2"});
  }
  CourseProgress& progress = course.progress;
  progress.start_day = absl::CivilDay(2026, 1, 2);
  progress.start_projected = false;
  progress.deadline_day = absl::CivilDay(2026, 5, 1);
  progress.deadline = absl::FromUnixMicros(1777680000000001);
  progress.pause_days = 8;
  progress.week_number = 3;
  progress.days_left = -4;
  progress.attended_sessions = 5;
  progress.used_sessions = 6;
  progress.booked_sessions = 7;
  progress.unbooked_sessions = 3;
  progress.excess_sessions = 2;
  progress.next_session_number = 7;
  progress.phase = Phase::kMiddle;
  progress.phases = {{Phase::kInitial, 1, 4}, {Phase::kTermination, 14, 16}};
  progress.mid_course_session = 8;
  progress.mid_course_review_day = absl::CivilDay(2026, 3, 3);
  progress.termination_session = 14;
  progress.termination_start_day = absl::CivilDay(2026, 4, 4);
  progress.next_session_id = "s7";
  progress.next_session_time = At(777);
  Forecast& forecast = course.forecast.emplace();
  forecast.state = ForecastState::kAtRisk;
  forecast.as_of = Now();
  forecast.sessions_left = 10;
  forecast.projected_finish = absl::CivilDay(2026, 4, 30);
  forecast.slack_days = -1;
  forecast.reasons = {ForecastReason::kHoliday, ForecastReason::kBookedPastDeadline};
  for (int i = 7; i <= 16; ++i) forecast.sessions.push_back({i, At(10080 * i), i % 2 == 0});
  course.valid_until = At(500);
  course.therapist_calendar_version = int64_t{1} << 40;
  course.clinic_calendar_version = 12;
  return course;
}

TEST_P(CoursesTest, RoundTripKeepsEveryField) {
  ASSERT_OK_AND_ASSIGN(const Course full, Insert(FullCourse("full")));
  Course bare = SampleCourse("bare", "p2");
  bare.valid_until = absl::InfinitePast();
  ASSERT_OK_AND_ASSIGN(bare, Insert(bare));
  EXPECT_EQ(GetCourse("full").value(), full);
  EXPECT_EQ(GetCourse("bare").value(), bare);
  EXPECT_EQ(Write([](SchedulingTx& tx) { return tx.LockCourse("c1", "full"); }).value(), full);
  EXPECT_THAT(Read([](SchedulingReader& r) { return r.ListCourses("c1", {}, "", 9); }).value(),
              ElementsAre(bare, full));
}

TEST_P(CoursesTest, EveryStateAndEnumeratorRoundTrips) {
  for (int state = 1; state <= 5; ++state) {
    Course course = SampleCourse(absl::StrCat("k", state));
    course.allow_concurrent = true;
    course.state = static_cast<CourseState>(state);
    course.indication = static_cast<Indication>(state);
    course.modality = static_cast<Modality>(state % 4);
    ASSERT_OK_AND_ASSIGN(course, Insert(course));
    EXPECT_EQ(GetCourse(course.course_id).value(), course);
  }
}

TEST_P(CoursesTest, UpdateReplacesEveryFieldButCreation) {
  ASSERT_OK_AND_ASSIGN(const Course before, Insert(SampleCourse("k1")));
  Course course = FullCourse("k1");
  course.stamp = before.stamp;
  course.therapist_id = "t2";
  course.state = CourseState::kDiscontinued;
  ASSERT_OK(Write([&](SchedulingTx& tx) { return tx.UpdateCourse(course, At(9)); }));
  EXPECT_GT(course.stamp.revision, before.stamp.revision);
  EXPECT_EQ(course.stamp.update_time, At(9));
  EXPECT_EQ(GetCourse("k1").value(), course);
}

TEST_P(CoursesTest, UpdateDerivedLeavesTheRevisionAndTheRestAlone) {
  ASSERT_OK_AND_ASSIGN(const Course before, Insert(SampleCourse("k1")));
  Course derived = FullCourse("k1");
  derived.state = CourseState::kPaused;
  ASSERT_OK(UpdateDerived(derived));
  Course expected = before;
  expected.state = derived.state;
  expected.progress = derived.progress;
  expected.forecast = derived.forecast;
  expected.valid_until = derived.valid_until;
  expected.therapist_calendar_version = derived.therapist_calendar_version;
  expected.clinic_calendar_version = derived.clinic_calendar_version;
  EXPECT_EQ(GetCourse("k1").value(), expected);
}

TEST_P(CoursesTest, AbsentAndTakenAreSaid) {
  ASSERT_OK(Insert(SampleCourse("k1")));
  Course again = SampleCourse("k1", "p2");
  EXPECT_THAT(Insert(again), FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  const auto absent = FailsWith(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND");
  EXPECT_THAT(GetCourse("nope"), absent);
  EXPECT_THAT(Read([](SchedulingReader& r) { return r.GetCourse("c2", "k1"); }), absent);
  EXPECT_THAT(Write([](SchedulingTx& tx) { return tx.LockCourse("c1", "nope"); }), absent);
  Course course = SampleCourse("nope");
  EXPECT_THAT(Write([&](SchedulingTx& tx) { return tx.UpdateCourse(course, Now()); }), absent);
  EXPECT_THAT(UpdateDerived(course), absent);
}

TEST_P(CoursesTest, OneOpenCourseUnlessOneAllowsAnother) {
  const auto refused = FailsWith(absl::StatusCode::kFailedPrecondition, reason::kOpenCourseExists);
  ASSERT_OK_AND_ASSIGN(Course first, Insert(SampleCourse("k1")));
  EXPECT_THAT(Insert(SampleCourse("k2")), refused);
  Course closed = SampleCourse("closed");
  closed.state = CourseState::kCompleted;
  ASSERT_OK_AND_ASSIGN(closed, Insert(closed));
  // Opened again, it is a second open one.
  closed.state = CourseState::kActive;
  EXPECT_THAT(Write([&](SchedulingTx& tx) { return tx.UpdateCourse(closed, Now()); }), refused);
  EXPECT_THAT(UpdateDerived(closed), refused);
  // One that allows another beside it may join, and be joined.
  Course concurrent = SampleCourse("k3");
  concurrent.allow_concurrent = true;
  ASSERT_OK(Insert(concurrent));
  EXPECT_THAT(Insert(SampleCourse("k4")), refused);  // k1 and k4: neither allows the other
  first.state = CourseState::kCompleted;
  ASSERT_OK(Write([&](SchedulingTx& tx) { return tx.UpdateCourse(first, Now()); }));
  EXPECT_OK(Insert(SampleCourse("k4")));
  // Another patient is another matter.
  EXPECT_OK(Insert(SampleCourse("k5", "p2")));
}

TEST_P(CoursesTest, ListsCombineFilters) {
  const auto add = [&](const std::string& id, CourseState state, const std::string& patient,
                       const std::string& therapist, ForecastState forecast, int deadline) {
    Course course = SampleCourse(id, patient, therapist);
    course.allow_concurrent = true;
    course.state = state;
    if (IsOpen(state)) course.forecast.emplace().state = forecast;
    course.progress.deadline_day = absl::CivilDay(2026, 1, deadline);
    ASSERT_OK(Insert(course));
  };
  using S = CourseState;
  using F = ForecastState;
  add("a", S::kPlanned, "p1", "t1", F::kOnTrack, 10);
  add("b", S::kActive, "p1", "t2", F::kAtRisk, 20);
  add("c", S::kPaused, "p2", "t1", F::kInfeasible, 30);
  add("d", S::kCompleted, "p2", "t1", F::kUnspecified, 5);
  add("e", S::kActive, "p2", "t1", F::kOverdue, 1);
  const auto filter = [](auto set) {
    CourseFilter f;
    set(f);
    return f;
  };
  const auto ids = [&](auto set) { return Ids(filter(set)); };
  EXPECT_THAT(Ids({}), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(ids([](auto& f) { f.states = {S::kActive}; }), ElementsAre("b", "e"));
  EXPECT_THAT(ids([](auto& f) {
                f.states = {S::kActive, S::kCompleted, S::kActive};
              }),
              ElementsAre("b", "d", "e"));
  EXPECT_THAT(ids([](auto& f) { f.therapist_id = "t1"; }), ElementsAre("a", "c", "d", "e"));
  EXPECT_THAT(ids([](auto& f) {
                f.patient = Identifier{"urn:mrn", "value-p2"};
              }),
              ElementsAre("c", "d", "e"));
  EXPECT_THAT(ids([](auto& f) { f.patient = Identifier{"urn:other", "value-p2"}; }), IsEmpty());
  EXPECT_THAT(ids([](auto& f) { f.deadline_before = absl::CivilDay(2026, 1, 20); }),
              ElementsAre("a", "e"));
  EXPECT_THAT(ids([](auto& f) {
                f.forecast_states = {F::kAtRisk, F::kOverdue};
              }),
              ElementsAre("b", "e"));
  EXPECT_THAT(ids([](auto& f) {
                f.states = {S::kActive, S::kPaused};
                f.therapist_id = "t1";
                f.patient = Identifier{"urn:mrn", "value-p2"};
                f.deadline_before = absl::CivilDay(2026, 1, 31);
                f.forecast_states = {F::kInfeasible};
              }),
              ElementsAre("c"));
  EXPECT_THAT(Ids(filter([](auto& f) { f.therapist_id = "t1"; }), "c", 1), ElementsAre("d"));
  EXPECT_THAT(Read([](SchedulingReader& r) { return r.ListCourses("c2", {}, "", 9); }).value(),
              IsEmpty());
}

TEST_P(CoursesTest, ListsDeadlinesOfOpenCoursesByDayThenId) {
  const auto add = [&](const std::string& id, CourseState state, int deadline) {
    Course course = SampleCourse(id, "p1", "t1");
    course.allow_concurrent = true;
    course.state = state;
    if (IsOpen(state)) course.forecast.emplace().state = ForecastState::kAtRisk;
    course.progress.deadline_day = absl::CivilDay(2026, 1, deadline);
    ASSERT_OK(Insert(course));
  };
  add("d", CourseState::kActive, 20);
  add("b", CourseState::kPlanned, 20);
  add("c", CourseState::kPaused, 10);
  add("a", CourseState::kActive, 30);
  add("e", CourseState::kCompleted, 5);
  const auto list = [&](std::optional<absl::CivilDay> before, std::optional<DeadlineCursor> after,
                        int limit) {
    std::vector<std::string> ids;
    const auto found =
        Read([&](SchedulingReader& r) { return r.ListDeadlines("c1", before, after, limit); });
    EXPECT_OK(found);
    for (const CourseDeadline& deadline : *found) {
      EXPECT_EQ(deadline.forecast_state, ForecastState::kAtRisk);
      ids.push_back(absl::StrCat(deadline.course_id, deadline.day.day()));
    }
    return ids;
  };
  EXPECT_THAT(list({}, {}, 9), ElementsAre("c10", "b20", "d20", "a30"));
  EXPECT_THAT(list(absl::CivilDay(2026, 1, 20), {}, 9), ElementsAre("c10"));
  EXPECT_THAT(list({}, DeadlineCursor{absl::CivilDay(2026, 1, 20), "b"}, 1), ElementsAre("d20"));
  EXPECT_THAT(list({}, DeadlineCursor{absl::CivilDay(2026, 1, 20), "d"}, 9), ElementsAre("a30"));
  EXPECT_THAT(Read([](SchedulingReader& r) { return r.ListDeadlines("c2", {}, {}, 9); }).value(),
              ::testing::IsEmpty());
}

TEST_P(CoursesTest, PagesAreStableWhileCoursesAreAdded) {
  const auto add = [&](const std::string& id) {
    Course course = SampleCourse(id);
    course.allow_concurrent = true;
    ASSERT_OK(Insert(course));
  };
  for (const char* id : {"b", "d", "f", "h"}) add(id);
  EXPECT_THAT(Ids({}, "", 2), ElementsAre("b", "d"));
  for (const char* id : {"a", "c", "e"}) add(id);
  EXPECT_THAT(Ids({}, "d", 2), ElementsAre("e", "f"));
  EXPECT_THAT(Ids({}, "f", 2), ElementsAre("h"));
}

TEST_P(CoursesTest, StaleByAge) {
  Course course = SampleCourse("k1");
  course.valid_until = At(100);
  ASSERT_OK_AND_ASSIGN(course, Insert(course));
  ASSERT_OK(Insert(SampleCourse("k2", "p2")));
  EXPECT_THAT(Stale(At(100) - absl::Microseconds(1)), IsEmpty());
  EXPECT_THAT(Stale(At(100)), ElementsAre("c1/k1"));
  // Seen to, it is fresh again; closed, it is nobody's concern.
  course.valid_until = At(200);
  ASSERT_OK(UpdateDerived(course));
  EXPECT_THAT(Stale(At(100)), IsEmpty());
  course.state = CourseState::kCompleted;
  ASSERT_OK(UpdateDerived(course));
  EXPECT_THAT(Stale(absl::InfiniteFuture()), ElementsAre("c1/k2"));
}

TEST_P(CoursesTest, StaleByItsTherapistsCalendarOnly) {
  ASSERT_OK_AND_ASSIGN(Course course, Insert(SampleCourse("k1", "p1", "t1")));
  ASSERT_OK(Insert(SampleCourse("k2", "p2", "t2")));
  EXPECT_THAT(Stale(At(0)), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto versions, Write([](SchedulingTx& tx) {
                         return tx.TouchTherapistCalendars("c1", {"t1"});
                       }));
  EXPECT_THAT(Stale(At(0)), ElementsAre("c1/k1"));
  course.therapist_calendar_version = versions[0];
  ASSERT_OK(UpdateDerived(course));
  EXPECT_THAT(Stale(At(0)), IsEmpty());
}

TEST_P(CoursesTest, StaleByTheClinicsCalendar) {
  ASSERT_OK_AND_ASSIGN(Course course, Insert(SampleCourse("k1", "p1", "t1")));
  ASSERT_OK(Insert(SampleCourse("k2", "p2", "t2")));
  ASSERT_OK_AND_ASSIGN(course.clinic_calendar_version,
                       Write([](SchedulingTx& tx) { return tx.TouchClinicCalendar("c1"); }));
  EXPECT_THAT(Stale(At(0)), UnorderedElementsAre("c1/k1", "c1/k2"));
  ASSERT_OK(UpdateDerived(course));
  EXPECT_THAT(Stale(At(0)), ElementsAre("c1/k2"));
}

TEST_P(CoursesTest, StaleForSeveralReasonsIsNamedOnceAndTheLimitHolds) {
  for (int i = 0; i < 5; ++i) {
    Course course = SampleCourse(absl::StrCat("k", i));
    course.allow_concurrent = true;
    course.valid_until = i < 2 ? At(0) : absl::InfiniteFuture();
    ASSERT_OK(Insert(course));
  }
  ASSERT_OK(Write([](SchedulingTx& tx) -> absl::Status {
    IPT_RETURN_IF_ERROR(tx.TouchClinicCalendar("c1").status());
    return tx.TouchTherapistCalendars("c1", {"t1"}).status();
  }));
  EXPECT_THAT(Stale(At(1)), UnorderedElementsAre("c1/k0", "c1/k1", "c1/k2", "c1/k3", "c1/k4"));
  EXPECT_EQ(Stale(At(1), 1).size(), 1u);
  EXPECT_EQ(Stale(At(1), 3).size(), 3u);
}

// Stale by age, by the clinic's calendar and by the therapist's alike.
TEST_P(CoursesTest, StaleCoursesThatArePassedOverTakeNoOthersPlace) {
  std::vector<Course> courses;
  for (int i = 0; i < 6; ++i) {
    Course course = SampleCourse(absl::StrCat("k", i), "p1", i < 3 ? "t1" : "t2");
    course.allow_concurrent = true;
    course.valid_until = At(0);
    ASSERT_OK_AND_ASSIGN(course, Insert(course));
    courses.push_back(course);
  }
  const std::set<CourseKey> but = {{"c1", "k0"}, {"c1", "k1"}, {"c1", "k2"}, {"c1", "k3"}};
  const auto others = ElementsAre(::testing::AnyOf("c1/k4", "c1/k5"));
  EXPECT_THAT(Stale(At(1), 1, but), others);
  EXPECT_THAT(Stale(At(1), 9, but), UnorderedElementsAre("c1/k4", "c1/k5"));
  for (Course& course : courses) {
    course.valid_until = absl::InfiniteFuture();
    ASSERT_OK(UpdateDerived(course));
  }
  ASSERT_OK(Write([](SchedulingTx& tx) { return tx.TouchTherapistCalendars("c1", {"t1", "t2"}); }));
  EXPECT_THAT(Stale(At(1), 1, but), others);
  ASSERT_OK(Write([](SchedulingTx& tx) { return tx.TouchClinicCalendar("c1"); }));
  EXPECT_THAT(Stale(At(1), 1, but), others);
}

TEST_P(CoursesTest, OpenCoursesOfAllClinicsAreCountedByTheirForecast) {
  const auto count = [&] {
    const auto counts = Read([](SchedulingReader& r) { return r.CountOpenCoursesOfAll(); });
    EXPECT_OK(counts);
    return counts.value_or(OpenCourseCounts{.open = -1});
  };
  EXPECT_EQ(count(), OpenCourseCounts());
  const auto add = [&](const std::string& id, std::optional<ForecastState> forecast,
                       absl::CivilDay deadline, CourseState state = CourseState::kActive) {
    Course course = SampleCourse(id);
    course.allow_concurrent = true;
    course.state = state;
    course.progress.deadline_day = deadline;
    if (forecast.has_value()) course.forecast.emplace().state = *forecast;
    ASSERT_OK(Insert(course));
  };
  const absl::CivilDay day(2026, 5, 1);
  add("none", std::nullopt, day);
  add("fine", ForecastState::kOnTrack, day - 9);
  add("risk", ForecastState::kAtRisk, day - 8);
  add("risk2", ForecastState::kAtRisk, day);
  add("infeasible", ForecastState::kInfeasible, day - 7);
  EXPECT_EQ(count(), (OpenCourseCounts{.open = 5, .at_risk = 2, .infeasible = 1}));
  add("over", ForecastState::kOverdue, day - 3);
  add("over2", ForecastState::kOverdue, day - 4);
  add("closed", ForecastState::kOverdue, day - 99, CourseState::kCompleted);
  EXPECT_EQ(
      count(),
      (OpenCourseCounts{
          .open = 7, .at_risk = 2, .infeasible = 1, .overdue = 2, .oldest_overdue = day - 4}));
}

}  // namespace
}  // namespace ipt::scheduling
