// What tests of courses' results share: courses as scheduling's copy has them, their scores, and
// the keeper of their results.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "course_copies/storage/sql_course_copies.h"
#include "outcomes/courses/result_keeper.h"
#include "outcomes/domain/clinic_reports.h"
#include "platform/time/clock.h"
#include "tests/outcomes/rpc/handler_fixture.h"
#include "tests/support/status_matchers.h"

namespace ipt::outcomes {

class CourseResultTest : public HandlerTest {
 protected:
  explicit CourseResultTest(SqlCourseFocuses::AgeOf formulation_age = nullptr)
      : HandlerTest(formulation_age) {
    now_ = absl::FromCivil(absl::CivilDay(2027, 1, 10), absl::UTCTimeZone());
  }

  // A weekly course of 16 agreed sessions from Monday, 5 January 2026, closed a week after its
  // last session.
  struct Course {
    std::string id{};
    std::string therapist = "ana";
    int attended = 8;
    courses::CopiedCourseState state = courses::CopiedCourseState::kCompleted;
    int reason = 0;
    std::string clinic = "north";
  };
  static absl::Time TimeOf(int session) {
    return absl::FromCivil(absl::CivilHour(2026, 1, 5 + 7 * (session - 1), 10),
                           absl::UTCTimeZone());
  }
  static courses::CopiedCourse CopyOf(const Course& course) {
    courses::CopiedCourse copy;
    copy.clinic_id = course.clinic;
    copy.course_id = course.id;
    copy.patient_hash = course.id;
    copy.therapist_id = course.therapist;
    copy.variant_id = "ipt-16";
    copy.indication = 1;
    copy.state = course.state;
    if (copy.closed()) copy.closed_at = TimeOf(course.attended + 1);
    copy.closure_reason = course.reason;
    copy.drop_out = course.reason == 1;
    copy.time_zone = "Europe/London";
    copy.planned_sessions = 16;
    copy.revision = 1;
    for (int number = 1; number <= course.attended; ++number) {
      courses::CopiedSession& session = copy.sessions.emplace_back();
      session.session_id = absl::StrCat(course.id, "-", number);
      session.therapist_id = course.therapist;
      session.number = number;
      session.start = TimeOf(number);
      session.end = session.start + absl::Minutes(50);
      session.state = courses::CopiedSessionState::kAttended;
      session.uses_session = true;
      session.revision = 1;
    }
    return copy;
  }
  void Put(const courses::CopiedCourse& copy) {
    ASSERT_OK(courses::SqlCourseCopies(*db_).PutAnswer(copy, now_, absl::InfiniteFuture()));
  }
  // What comes of the same revision as an event does.
  void Tell(const courses::CopiedCourse& copy) {
    ASSERT_OK(db_->Write({}, [&](storage::Connection& conn) -> absl::Status {
      IPT_RETURN_IF_ERROR(courses::SqlCourseCopies::PutCourse(conn, copy, {.at = now_}).status());
      for (const courses::CopiedSession& session : copy.sessions) {
        IPT_RETURN_IF_ERROR(courses::SqlCourseCopies::PutSession(
            conn, copy.clinic_id, copy.course_id, session, {.at = now_}));
      }
      return absl::OkStatus();
    }));
  }

  // `total` points at a session's time.
  pb::Measurement Fill(const std::string& course, const std::string& instrument, int total,
                       int session) {
    std::vector<int> values(instrument == "phq-9" ? 9 : 7);
    for (size_t i = 0; i < values.size() && i < 8; ++i) {
      values[i] = std::min(3, total);
      total -= values[i];
    }
    pb::RecordMeasurementRequest request = Phq9(values, course);
    request.mutable_measurement()->set_instrument("clinics/north/instruments/" + instrument);
    SetCompleted(TimeOf(session), request);
    const auto recorded = Record(request);
    EXPECT_OK(recorded.status());
    return recorded.value_or(pb::Measurement());
  }
  // First and last score of both measures.
  void Score(const std::string& course, int phq_first, int phq_last, int gad_first, int gad_last,
             int last_session = 8) {
    Fill(course, "phq-9", phq_first, 1);
    Fill(course, "phq-9", phq_last, last_session);
    Fill(course, "gad-7", gad_first, 1);
    Fill(course, "gad-7", gad_last, last_session);
  }

  std::string MadeByNow() {
    std::string made_by;
    EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](OutcomesReader& reader) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, reader.GetPolicy("north"));
      made_by = MadeBy(policy, catalog_, reader.follows_formulation());
      return absl::OkStatus();
    }));
    return made_by;
  }
  // What changed, and what was made by other rules than north's.
  int64_t Stale() {
    return Count(absl::StrCat("course_results WHERE stale = 1 OR made_by <> '", MadeByNow(), "'"));
  }
  // Makes all that is stale, and says how many courses that were.
  int64_t Keep() {
    const int64_t stale = Stale();
    EXPECT_OK(keeper_.KeepOnce());
    EXPECT_EQ(Stale(), 0);
    return stale;
  }

  SystemClock clock_;  // the store's
  ResultKeeper keeper_{store_, catalog_, clock_};
};

}  // namespace ipt::outcomes
