// Every statement of the store finds its rows through an index. SQLite's planner is asked, which
// decides by the schema alone; each index has its twin in PostgreSQL's schema.
#include "tests/support/query_plans.h"
#include "absl/strings/match.h"
#include "scheduling/storage/reminder_purge.h"
#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

class QueryPlansTest : public ::testing::Test {
 protected:
  // One course, behind both of its calendars.
  void SetUp() override {
    ASSERT_OK(store_.Write(absl::InfiniteFuture(), [](SchedulingTx& tx) -> absl::Status {
      Clinic clinic = SampleClinic("c1");
      IPT_RETURN_IF_ERROR(tx.InsertClinic(clinic, Now()));
      Therapist therapist = SampleTherapist("t1");
      IPT_RETURN_IF_ERROR(tx.InsertTherapist(therapist, Now()));
      IPT_RETURN_IF_ERROR(tx.FindOrAddPatient("c1", {"s", "v"}, "p1", Now()).status());
      Course course = SampleCourse("k1");
      course.clinic_calendar_version = course.therapist_calendar_version = 0;
      return tx.InsertCourse(course, Now());
    }));
  }

  // The plans of the statements on `table` that `body` runs.
  template <typename Body>
  std::string PlanOf(absl::string_view table, Body body) {
    recorder_.Take();
    // What the body writes is of no matter, and its answer neither.
    (void)store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      body(tx);
      return absl::CancelledError();
    });
    std::string plan;
    for (const std::string& sql : recorder_.Take()) {
      if (!absl::StrContains(sql, absl::StrCat(" ", table, " "))) continue;
      absl::StrAppend(&plan, ipt::testing::ExplainOnSqlite(*db_, sql));
    }
    return plan;
  }

  ipt::testing::StatementRecorder recorder_;
  ipt::testing::TempDatabase db_{storage::Dialect::kSqlite,
                                 {storage::PlatformMigrations(), SchedulingMigrations()},
                                 {},
                                 nullptr,
                                 &recorder_};
  TestEncoder encoder_;
  SqlSchedulingStore store_{*db_, encoder_};
};

MATCHER_P(Searches, index, absl::StrCat("searches ", index, ", scans and sorts nothing")) {
  *result_listener << arg;
  return absl::StrContains(arg, absl::StrCat("INDEX ", index, " ")) &&
         !absl::StrContains(arg, "SCAN ") && !absl::StrContains(arg, "BLOOM") &&
         !absl::StrContains(arg, "USE TEMP B-TREE");
}

TEST_F(QueryPlansTest, ListsOfCoursesFollowAnIndexInOrder) {
  const auto plan = [&](CourseFilter filter) {
    return PlanOf("courses", [&](SchedulingTx& tx) { (void)tx.ListCourses("c", filter, "x", 9); });
  };
  CourseFilter filter;
  EXPECT_THAT(plan(filter), Searches("sqlite_autoindex_courses_1"));
  filter.states = {CourseState::kActive, CourseState::kPaused};
  EXPECT_THAT(plan(filter), Searches("courses_open_by_id"));
  filter.states.push_back(CourseState::kCompleted);
  EXPECT_THAT(plan(filter), Searches("sqlite_autoindex_courses_1"));
  filter.therapist_id = "t";
  EXPECT_THAT(plan(filter), Searches("courses_by_therapist"));
  filter = {};
  filter.patient = Identifier{"s", "v"};
  EXPECT_THAT(plan(filter), Searches("courses_by_patient"));
  filter = {};
  filter.deadline_before = absl::CivilDay(2026, 1, 1);
  EXPECT_THAT(plan(filter), Searches("courses_open_by_id"));
  filter.forecast_states = {ForecastState::kAtRisk};
  EXPECT_THAT(plan(filter), Searches("courses_open_by_id"));
}

TEST_F(QueryPlansTest, ListsOfSessionsFollowAnIndexInOrder) {
  const auto plan = [&](SessionFilter filter) {
    return PlanOf("sessions", [&](SchedulingTx& tx) {
      (void)tx.ListSessions("c", filter, SessionCursor{At(0), "k", "s"}, 9);
    });
  };
  SessionFilter filter;
  EXPECT_THAT(plan(filter), Searches("sessions_by_start"));
  filter.ends_after = At(0);
  filter.starts_before = At(100);
  EXPECT_THAT(plan(filter), Searches("sessions_by_start"));
  filter.therapist_id = "t";
  EXPECT_THAT(plan(filter), Searches("sessions_by_therapist"));
  filter = {};
  filter.unrecorded_at = At(100);
  EXPECT_THAT(plan(filter), Searches("sessions_booked_by_start"));
  filter = {};
  filter.course_id = "k";  // a course has few: they are sorted
  EXPECT_THAT(plan(filter), ::testing::HasSubstr("INDEX sqlite_autoindex_sessions_1 (clinic_id=? "
                                                 "AND course_id=?"));
}

TEST_F(QueryPlansTest, RemindersAreReadThroughTheirIndexes) {
  const auto plan = [&](ReminderFilter filter) {
    return PlanOf("reminders", [&](SchedulingTx& tx) {
      (void)tx.ListReminders("c", filter, ReminderCursor{At(0), "r"}, 9);
    });
  };
  ReminderFilter filter;
  EXPECT_THAT(plan(filter), Searches("reminders_by_due"));
  filter.due_from = At(0);
  filter.due_before = At(100);
  filter.states = {ReminderState::kScheduled, ReminderState::kDead};
  EXPECT_THAT(plan(filter), Searches("reminders_by_due"));
  filter = {};
  filter.states = {ReminderState::kDead};
  EXPECT_THAT(plan(filter), Searches("reminders_dead"));
  filter = {};
  filter.course_id = "k";  // a course has few: they are sorted
  EXPECT_THAT(plan(filter), ::testing::HasSubstr("INDEX reminders_one_each (clinic_id=? AND "
                                                 "course_id=?"));
  EXPECT_THAT(PlanOf("reminders", [](SchedulingTx& tx) { (void)tx.LockReminders("c", "k"); }),
              Searches("reminders_one_each"));
  EXPECT_THAT(PlanOf("reminders", [](SchedulingTx& tx) { (void)tx.KeepReminders("c", "k", 2); }),
              Searches("reminders_of_course"));
  const ClaimCommand claim{.clinic_id = "c", .caller = "g", .now = At(0), .until = At(1)};
  EXPECT_THAT(PlanOf("reminders", [&](SchedulingTx& tx) { (void)tx.delivery().DueIds(claim, 9); }),
              ::testing::AllOf(Searches("reminders_queue"), Searches("reminders_of_course")));
  EXPECT_THAT(PlanOf("reminders",
                     [&](SchedulingTx& tx) {
                       int64_t token = 0;
                       (void)tx.delivery().Claim(claim, {"r"}, token);
                     }),
              ::testing::AllOf(::testing::HasSubstr("SEARCH r USING INDEX "
                                                    "sqlite_autoindex_reminders_1"),
                               ::testing::HasSubstr("o USING COVERING INDEX reminders_of_course"),
                               ::testing::HasSubstr("e USING INDEX reminders_of_course")));
  EXPECT_THAT(PlanOf("reminders", [](SchedulingTx& tx) { (void)tx.CountReminders("c", At(0)); }),
              ::testing::AllOf(Searches("reminders_of_course"), Searches("reminders_dead"),
                               Searches("reminders_by_age")));
}

TEST_F(QueryPlansTest, RemindersAreWrittenAndLeasedByTheirKeys) {
  const auto by_key =
      ::testing::HasSubstr("INDEX sqlite_autoindex_reminders_1 (clinic_id=? AND reminder_id=?)");
  EXPECT_THAT(PlanOf("reminders",
                     [](SchedulingTx& tx) {
                       Reminder reminder;
                       reminder.clinic_id = "c";
                       reminder.reminder_id = "r";
                       std::vector<Reminder> reminders = {reminder};
                       (void)tx.UpdateReminders(reminders, Now());
                     }),
              by_key);
  EXPECT_THAT(PlanOf("reminders",
                     [](SchedulingTx& tx) {
                       (void)tx.delivery().LockLeases("c", {{"r", 7}});
                     }),
              by_key);
  EXPECT_THAT(
      PlanOf("reminders", [](SchedulingTx& tx) { (void)tx.delivery().FindScheduled("c", {"r"}); }),
      by_key);
}

TEST_F(QueryPlansTest, PurgesBeginWithTheOldest) {
  recorder_.Take();
  ASSERT_OK(db_->Write(
      {}, [](storage::Connection& conn) { return PurgeReminders(conn, At(0), 9).status(); }));
  std::string plan;
  for (const std::string& sql : recorder_.Take()) {
    if (absl::StartsWith(sql, "DELETE"))
      absl::StrAppend(&plan, ipt::testing::ExplainOnSqlite(*db_, sql));
  }
  EXPECT_THAT(plan, ::testing::HasSubstr("INDEX reminders_by_age (updated_us<?)"));
  EXPECT_THAT(plan, ::testing::HasSubstr("INDEX reminder_attempts_by_age (leased_us<?)"));
  EXPECT_THAT(plan, ::testing::Not(::testing::HasSubstr("SCAN r")));
}

TEST_F(QueryPlansTest, FreeTimeIsReadThroughShortRanges) {
  const Interval day = {At(0), At(1440)};
  EXPECT_THAT(PlanOf("sessions", [&](SchedulingTx& tx) { (void)tx.TherapistBusy("c", "t", day); }),
              Searches("sessions_by_therapist (clinic_id=? AND therapist_id=? AND start_us>? AND"));
  EXPECT_THAT(
      PlanOf("sessions", [&](SchedulingTx& tx) { (void)tx.PatientBusy("c", "p", day); }),
      Searches("sessions_blocking_patient (clinic_id=? AND patient_id=? AND start_us>? AND"));
  EXPECT_THAT(
      PlanOf("time_off",
             [&](SchedulingTx& tx) {
               (void)tx.ListTimeOff("c", "t", day.start, day.end, SpanCursor{At(0), "x"}, 9);
             }),
      Searches("time_off_by_start"));
  EXPECT_THAT(PlanOf("extra_hours",
                     [&](SchedulingTx& tx) {
                       (void)tx.ListExtraHours("c", "t", day.start, day.end, std::nullopt, 9);
                     }),
              Searches("extra_hours_by_start"));
}

TEST_F(QueryPlansTest, CountsOfOpenCoursesStayWithinTheTherapist) {
  EXPECT_THAT(PlanOf("courses", [](SchedulingTx& tx) { (void)tx.CountOpenCourses("c", "t"); }),
              Searches("courses_open_by_therapist_calendar"));
  EXPECT_THAT(PlanOf("therapists", [](SchedulingTx& tx) { (void)tx.GetTherapist("c", "t"); }),
              ::testing::HasSubstr("SEARCH c USING INDEX courses_open_by_therapist_calendar"));
}

// The index that has all columns that are asked for.
TEST_F(QueryPlansTest, CountsOfAllOpenCoursesReadOneIndex) {
  EXPECT_THAT(
      PlanOf("courses", [](SchedulingTx& tx) { (void)tx.CountOpenCoursesOfAll(); }),
      ::testing::HasSubstr("SEARCH courses USING INDEX courses_open_by_id (ANY(clinic_id)"));
}

// Calendars are walked through; of the courses only the oldest under each is looked at.
TEST_F(QueryPlansTest, StaleCoursesAreReachedFromCalendars) {
  const auto stale = [&](SchedulingTx& tx) { (void)tx.StaleCourses(At(0), 9, {}); };
  for (absl::string_view table : {"courses", "clinics", "therapist_calendars"}) {
    const std::string plan = PlanOf(table, stale);
    EXPECT_THAT(plan, ::testing::Not(::testing::HasSubstr("BLOOM")));
    EXPECT_THAT(plan, ::testing::Not(::testing::HasSubstr("SCAN c")));
  }
  EXPECT_THAT(
      PlanOf("clinics", stale),
      ::testing::HasSubstr("SEARCH c USING INDEX courses_open_by_clinic_calendar (clinic_id=? "
                           "AND clinic_calendar_version<?)"));
  EXPECT_THAT(
      PlanOf("therapist_calendars", stale),
      ::testing::HasSubstr("SEARCH c USING INDEX courses_open_by_therapist_calendar "
                           "(clinic_id=? AND therapist_id=? AND therapist_calendar_version<?)"));
  EXPECT_THAT(
      PlanOf("clinics", stale),
      ::testing::HasSubstr("SEARCH c USING INDEX courses_open_by_reminder_version (clinic_id=? "
                           "AND reminder_version<?)"));
  const std::string plan = PlanOf("courses", stale);
  for (const char* step :
       {"courses_open_by_age (valid_until_us<?)",
        "courses_open_by_clinic_calendar (clinic_id=? AND clinic_calendar_version<?)",
        "courses_open_by_therapist_calendar (clinic_id=? AND therapist_id=? AND "
        "therapist_calendar_version<?)"}) {
    EXPECT_THAT(plan, ::testing::HasSubstr(step));
  }
}

TEST_F(QueryPlansTest, WritesOfSeveralRowsReachEachByItsKey) {
  const std::vector<Session> sessions = {SampleSession("a", 0), SampleSession("b", 100)};
  const auto by_key = ::testing::HasSubstr(
      "INDEX sqlite_autoindex_sessions_1 (clinic_id=? AND course_id=? AND "
      "session_id=?)");
  EXPECT_THAT(
      PlanOf("sessions", [&](SchedulingTx& tx) { (void)tx.UpdateSessionNumbers(sessions); }),
      by_key);
  EXPECT_THAT(PlanOf("sessions",
                     [&](SchedulingTx& tx) {
                       std::vector<Session> copy = sessions;
                       (void)tx.UpdateSessions(copy, Now());
                     }),
              by_key);
}

}  // namespace
}  // namespace ipt::scheduling
