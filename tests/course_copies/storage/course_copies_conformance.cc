// The copy of scheduling's courses, on both engines.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "course_copies/storage/course_copies_migrations.h"
#include "course_copies/storage/sql_course_copies.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/status_macros.h"
#include "tests/support/query_plans.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::courses {
namespace {

using ipt::testing::IsOk;
using storage::Connection;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class CourseCopiesTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  static CopiedCourse Course(int64_t revision) {
    CopiedCourse course;
    course.clinic_id = "north";
    course.course_id = "c1";
    course.patient_hash = "abc";
    course.therapist_id = "ana";
    course.variant_id = "ipt-uk-16";
    course.indication = 2;
    course.state = CopiedCourseState::kActive;
    course.time_zone = "Europe/London";
    course.planned_sessions = 16;
    course.duration_weeks = 16;
    course.cadence_days = 10;
    course.create_time = absl::FromUnixSeconds(1'790'000'000);
    course.start_day = absl::CivilDay(2026, 11, 2);
    course.deadline_day = absl::CivilDay(2027, 3, 1);
    course.pauses = {{absl::CivilDay(2026, 12, 21), absl::CivilDay(2027, 1, 3)}};
    course.phases = {{1, 1, 4}, {2, 5, 12}, {3, 13, 16}};
    course.revision = revision;
    return course;
  }
  CopiedSession Session(const std::string& id, int number, int64_t revision) const {
    CopiedSession session;
    session.session_id = id;
    session.therapist_id = "ana";
    session.number = number;
    session.phase = 1;
    session.week = number;
    session.start = now_ + number * absl::Hours(24 * 7);
    session.end = session.start + absl::Minutes(50);
    session.state = CopiedSessionState::kAttended;
    session.attendance = 1;
    session.uses_session = true;
    session.revision = revision;
    return session;
  }
  void Put(const CopiedCourse& course, const CopyStamp& stamp) {
    EXPECT_OK(db_->Write({}, [&](Connection& conn) -> absl::Status {
      IPT_RETURN_IF_ERROR(SqlCourseCopies::PutCourse(conn, course, stamp).status());
      for (const CopiedSession& session : course.sessions) {
        IPT_RETURN_IF_ERROR(
            SqlCourseCopies::PutSession(conn, course.clinic_id, course.course_id, session, stamp));
      }
      return absl::OkStatus();
    }));
  }
  std::optional<SqlCourseCopies::Found> Find(const std::string& clinic = "north",
                                             const std::string& course = "c1") {
    auto found = copies_.Find(clinic, course, absl::InfiniteFuture());
    EXPECT_OK(found);
    return found.value_or(std::nullopt);
  }

  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  ipt::testing::TempDatabase db_{GetParam(), {CourseCopiesMigrations()}};
  SqlCourseCopies copies_{*db_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(CourseCopiesTest);

TEST_P(CourseCopiesTest, ACourseComesBackAsItWas) {
  CopiedCourse course = Course(5);
  course.sessions = {Session("s1", 1, 3), Session("s2", 2, 5)};
  Put(course, {.at = now_});
  const auto found = Find();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->course, course);
  EXPECT_EQ(found->copied_at, now_);

  course.state = CopiedCourseState::kDiscontinued;
  course.closed_at = now_ + absl::Microseconds(7);
  course.closure_reason = 1;
  course.drop_out = true;
  course.closed_early = true;
  course.start_day.reset();
  course.deadline_day.reset();
  course.cadence_days = 7;
  course.create_time += absl::Seconds(1);
  course.pauses.clear();
  course.phases.clear();
  course.revision = 6;
  Put(course, {.at = now_ + absl::Seconds(1)});
  EXPECT_EQ(Find()->course, course);
}

TEST_P(CourseCopiesTest, ClinicsAreApart) {
  Put(Course(5), {.at = now_});
  EXPECT_FALSE(Find("south").has_value());
  EXPECT_FALSE(Find("north", "c2").has_value());
}

TEST_P(CourseCopiesTest, SessionsComeByStart) {
  CopiedCourse course = Course(5);
  course.sessions = {Session("z", 3, 1), Session("a", 4, 1), Session("b", 1, 1)};
  Put(course, {.at = now_});
  const auto found = Find();
  ASSERT_TRUE(found.has_value());
  std::vector<std::string> ids;
  for (const auto& session : found->course.sessions) ids.push_back(session.session_id);
  EXPECT_THAT(ids, ElementsAre("b", "z", "a"));
}

// Of a course and of a session alike: what replaces revision 5?
TEST_P(CourseCopiesTest, WhatIsNewerStays) {
  struct Case {
    CopySource source;
    int64_t revision;
    bool replaces;
  };
  for (const Case& c : {Case{CopySource::kEvent, 4, false},
                        {CopySource::kEvent, 5, true},
                        {CopySource::kEvent, 6, true},
                        {CopySource::kAnswer, 4, false},
                        {CopySource::kAnswer, 5, false},
                        {CopySource::kAnswer, 6, true},
                        {CopySource::kListing, 4, true},
                        {CopySource::kListing, 5, true}}) {
    CopiedCourse old = Course(5);
    old.sessions = {Session("s1", 1, 5)};
    Put(old, {.source = CopySource::kListing, .at = now_});
    CopiedCourse other = Course(c.revision);
    other.therapist_id = "ben";
    other.sessions = {Session("s1", 2, c.revision)};
    Put(other, {.source = c.source, .at = now_});
    EXPECT_EQ(Find()->course, c.replaces ? other : old)
        << static_cast<int>(c.source) << " " << c.revision;
  }
}

TEST_P(CourseCopiesTest, SaysWhetherACourseWasNewerThanTheCopy) {
  const auto put = [&](int64_t revision, CopySource source) {
    std::optional<bool> written;
    EXPECT_OK(db_->Write({}, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(written, SqlCourseCopies::PutCourse(conn, Course(revision),
                                                               {.source = source, .at = now_}));
      return absl::OkStatus();
    }));
    return written;
  };
  EXPECT_EQ(put(5, CopySource::kEvent), true);
  EXPECT_EQ(put(4, CopySource::kEvent), false);
  EXPECT_EQ(put(5, CopySource::kAnswer), false);
  EXPECT_EQ(put(6, CopySource::kAnswer), true);
  EXPECT_EQ(put(3, CopySource::kListing), true);
}

TEST_P(CourseCopiesTest, AnAnswerOfTheSameRevisionRenewsTheInstant) {
  Put(Course(5), {.at = now_});
  const absl::Time later = now_ + absl::Minutes(5);
  ASSERT_OK(copies_.PutAnswer(Course(5), later, absl::InfiniteFuture()));
  EXPECT_EQ(Find()->copied_at, later);
  ASSERT_OK(copies_.PutAnswer(Course(5), now_, absl::InfiniteFuture()));
  EXPECT_EQ(Find()->copied_at, later);
  ASSERT_OK(copies_.PutAnswer(Course(4), later + absl::Minutes(5), absl::InfiniteFuture()));
  EXPECT_EQ(Find()->copied_at, later);
}

TEST_P(CourseCopiesTest, WhatAListingHasNotIsDropped) {
  CopiedCourse kept = Course(5), gone = Course(5);
  kept.sessions = {Session("s1", 1, 5), Session("s2", 2, 5)};
  gone.course_id = "c2";
  CopiedCourse elsewhere = Course(5);
  elsewhere.clinic_id = "south";
  for (const CopiedCourse& course : {kept, gone, elsewhere}) {
    Put(course, {.source = CopySource::kListing, .at = now_, .listing = 1});
  }
  kept.sessions.pop_back();
  Put(kept, {.source = CopySource::kListing, .at = now_, .listing = 2});
  Put(kept, {.source = CopySource::kEvent, .at = now_});  // keeps what it was marked with
  EXPECT_OK(db_->Write(
      {}, [&](Connection& conn) { return SqlCourseCopies::DropUnlisted(conn, "north", 2); }));
  EXPECT_EQ(Find()->course, kept);
  EXPECT_FALSE(Find("north", "c2").has_value());
  EXPECT_TRUE(Find("south").has_value());
}

TEST_P(CourseCopiesTest, ListsAClinicsCourses) {
  const auto put = [&](const std::string& clinic, const std::string& course_id,
                       const std::string& therapist, std::optional<absl::Time> closed) {
    CopiedCourse course = Course(5);
    course.clinic_id = clinic;
    course.course_id = course_id;
    course.therapist_id = therapist;
    if (closed.has_value()) {
      course.state = CopiedCourseState::kDiscontinued;
      course.closed_at = closed;
    }
    course.sessions = {Session("s2", 2, 3), Session("s1", 1, 3)};
    Put(course, {.at = now_});
    std::swap(course.sessions[0], course.sessions[1]);  // by start
    return course;
  };
  const absl::Duration d = absl::Hours(24);
  const CopiedCourse open = put("north", "c2", "ana", std::nullopt);
  const CopiedCourse other = put("north", "c1", "ben", std::nullopt);
  const CopiedCourse recent = put("north", "c3", "ana", now_ - d);
  CopiedCourse older = put("north", "c4", "ana", now_ - 10 * d);
  put("north", "c5", "ana", now_ - 30 * d);
  put("south", "c6", "ana", std::nullopt);
  older.sessions.clear();
  const auto list = [&](const std::string& therapist) {
    std::vector<CopiedCourse> courses;
    EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(courses, SqlCourseCopies::List(conn, "north",
                                                          {.therapist_id = therapist,
                                                           .closed_since = now_ - 20 * d,
                                                           .sessions_since = now_ - 5 * d}));
      return absl::OkStatus();
    }));
    return courses;
  };
  EXPECT_THAT(list(""), ElementsAre(other, open, recent, older));
  EXPECT_THAT(list("ana"), ElementsAre(open, recent, older));
  EXPECT_THAT(list("nobody"), ElementsAre());
}

// In lots, each course with its own.
TEST_P(CourseCopiesTest, ListsManyCoursesWithTheirSessions) {
  EXPECT_OK(db_->Write({}, [&](Connection& conn) -> absl::Status {
    for (int i = 0; i < 600; ++i) {
      CopiedCourse course = Course(5);
      course.course_id = absl::StrCat("c", 1000 + i);
      if (i % 3 == 0) {
        course.state = CopiedCourseState::kCompleted;
        course.closed_at = now_ - absl::Hours(i % 2 == 0 ? 1 : 100);
      }
      IPT_RETURN_IF_ERROR(SqlCourseCopies::PutCourse(conn, course, {.at = now_}).status());
      IPT_RETURN_IF_ERROR(SqlCourseCopies::PutSession(
          conn, "north", course.course_id, Session(absl::StrCat("s", i), 1, 1), {.at = now_}));
    }
    return absl::OkStatus();
  }));
  EXPECT_OK(db_->Read({}, [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const auto courses,
                         SqlCourseCopies::List(conn, "north",
                                               {.closed_since = now_ - absl::Hours(200),
                                                .sessions_since = now_ - absl::Hours(10)}));
    EXPECT_EQ(courses.size(), 600);
    for (size_t i = 0; i < courses.size(); ++i) {
      const bool with = i % 3 != 0 || i % 2 == 0;
      EXPECT_EQ(courses[i].sessions.size(), with ? 1 : 0) << i;
      if (with) {
        EXPECT_EQ(courses[i].sessions[0].session_id, absl::StrCat("s", i));
      }
    }
    return absl::OkStatus();
  }));
}

// A clinic's history is no part of what its list of open courses costs.
TEST(CourseCopiesPlanTest, AListFindsItsRowsThroughIndices) {
  ipt::testing::StatementRecorder recorder;
  ipt::testing::TempDatabase db{
      storage::Dialect::kSqlite, {CourseCopiesMigrations()}, {}, nullptr, &recorder};
  CopiedCourse course;
  course.clinic_id = "north";
  course.course_id = "c1";
  course.state = CopiedCourseState::kActive;
  EXPECT_OK(db->Write(
      {}, [&](Connection& conn) { return SqlCourseCopies::PutCourse(conn, course, {}).status(); }));
  recorder.Take();
  EXPECT_OK(db->Read(
      {}, [&](Connection& conn) { return SqlCourseCopies::List(conn, "north", {}).status(); }));
  std::string plan;
  for (const std::string& sql : recorder.Take()) {
    if (absl::StartsWith(sql, "SELECT")) {
      absl::StrAppend(&plan, ipt::testing::ExplainOnSqlite(*db, sql));
    }
  }
  EXPECT_THAT(plan, HasSubstr("INDEX course_copies_open "));
  EXPECT_THAT(plan, HasSubstr("INDEX course_copies_closed (clinic_id=? AND closed_us>?)"));
  EXPECT_THAT(plan, HasSubstr("s USING PRIMARY KEY (clinic_id=? AND course_id=?)"));
  EXPECT_THAT(plan, Not(HasSubstr("SCAN s")));
  EXPECT_THAT(plan, Not(HasSubstr("SCAN course")));
}

TEST(CopiedCourseTest, IsPausedOnTheDaysOfAPauseWhileItIsOpen) {
  CopiedCourse course;
  course.state = CopiedCourseState::kPlanned;
  course.pauses = {{absl::CivilDay(2026, 12, 21), absl::CivilDay(2026, 12, 22)}};
  EXPECT_EQ(course.StateOn(absl::CivilDay(2026, 12, 20)), CopiedCourseState::kPlanned);
  EXPECT_EQ(course.StateOn(absl::CivilDay(2026, 12, 21)), CopiedCourseState::kPaused);
  EXPECT_EQ(course.StateOn(absl::CivilDay(2026, 12, 22)), CopiedCourseState::kPaused);
  EXPECT_EQ(course.StateOn(absl::CivilDay(2026, 12, 23)), CopiedCourseState::kPlanned);
  course.state = CopiedCourseState::kCompleted;
  EXPECT_EQ(course.StateOn(absl::CivilDay(2026, 12, 21)), CopiedCourseState::kCompleted);
}

}  // namespace
}  // namespace ipt::courses
