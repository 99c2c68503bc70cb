// What tests of courses and sessions share: a clinic in London with two therapists, a clock that
// the test moves, and the verbs of both services as short calls.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "platform/rpc/proto_time.h"
#include "scheduling/domain/course_state.h"
#include "scheduling/rpc/course_handler.h"
#include "scheduling/rpc/session_handler.h"
#include "tests/scheduling/rpc/handler_fixture.h"
#include "tests/support/fake_clock.h"

namespace ipt::scheduling {

using absl::CivilDay;
using absl::CivilMinute;
using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

inline google::protobuf::Timestamp Stamp(absl::Time time) {
  google::protobuf::Timestamp stamp;
  rpc::WriteTime(time, &stamp);
  return stamp;
}
inline google::type::Date Day(CivilDay day) {
  google::type::Date date;
  rpc::WriteDay(day, &date);
  return date;
}
inline absl::Time TimeOf(const google::protobuf::Timestamp& stamp) {
  return absl::FromUnixSeconds(stamp.seconds()) + absl::Nanoseconds(stamp.nanos());
}
inline CivilDay DayOf(const google::type::Date& date) {
  return CivilDay(date.year(), date.month(), date.day());
}
inline std::string Local(const google::protobuf::Timestamp& stamp,
                         const char* zone = "Europe/London") {
  return absl::FormatTime("%m-%d %H:%M", TimeOf(stamp), *LoadZone(zone));
}

template <typename T>
std::string Meta(const T& result, const std::string& key) {
  return ErrorMetadataOf(ipt::testing::GetStatus(result))[key];
}
// "slots[3] SLOT_TAKEN" of each violated precondition.
template <typename T>
std::vector<std::string> Violations(const T& result) {
  std::vector<std::string> all;
  for (const auto& v : PreconditionViolationsOf(ipt::testing::GetStatus(result))) {
    all.push_back(absl::StrCat(v.subject, " ", v.reason));
  }
  return all;
}

class BookingTest : public HandlerTest {
 protected:
  // Weekdays 9 to 17; "a" keeps 10 minutes free after each session, "b" none.
  explicit BookingTest(storage::Dialect dialect = storage::Dialect::kSqlite)
      : HandlerTest(dialect) {
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      Clinic clinic;
      clinic.clinic_id = "north";
      clinic.display_name = "North";
      clinic.time_zone = "Europe/London";
      IPT_RETURN_IF_ERROR(tx.InsertClinic(clinic, Now()));
      for (const std::string id : {"a", "b"}) {
        Therapist therapist;
        therapist.clinic_id = "north";
        therapist.therapist_id = id;
        therapist.display_name = id;
        therapist.time_zone = "Europe/London";
        for (int day = 1; day <= 5; ++day) {
          therapist.working_hours.push_back({static_cast<Weekday>(day), 540, 1020});
        }
        therapist.buffer_minutes = id == "a" ? 10 : 0;
        IPT_RETURN_IF_ERROR(tx.InsertTherapist(therapist, Now()));
      }
      return absl::OkStatus();
    }));
  }

  template <typename Change>
  void ChangePolicy(Change change) {
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(Clinic clinic, tx.LockClinic("north"));
      change(clinic.policy);
      IPT_RETURN_IF_ERROR(tx.TouchClinicCalendar("north").status());
      return tx.UpdateClinic(clinic, now_);
    }));
  }
  template <typename Change>
  void ChangeTherapist(const std::string& id, Change change) {
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(Therapist therapist, tx.LockTherapist("north", id));
      change(therapist);
      IPT_RETURN_IF_ERROR(tx.TouchTherapistCalendars("north", {id}).status());
      return tx.UpdateTherapist(therapist, now_);
    }));
  }
  void AddHoliday(CivilDay day) {
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      Holiday holiday{.clinic_id = "north", .day = day, .display_name = "", .stamp = {}};
      IPT_RETURN_IF_ERROR(tx.TouchClinicCalendar("north").status());
      return tx.PutHoliday(holiday, now_);
    }));
  }
  void AddTimeOff(const std::string& therapist, absl::Time start, absl::Time end) {
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      TimeOff off;
      off.clinic_id = "north";
      off.therapist_id = therapist;
      off.time_off_id = ids_.NewUuid();
      off.interval = {start, end};
      IPT_RETURN_IF_ERROR(tx.TouchTherapistCalendars("north", {therapist}).status());
      return tx.InsertTimeOff(off, now_);
    }));
  }

  // Monday of week `week` of a course that starts in the week after Now(): 9 November 2026 is week
  // 1. Local time in London.
  static absl::Time Monday(int week, int hour, int minute = 0) {
    return At(CivilMinute(CivilDay(2026, 11, 9) + 7 * (week - 1)) + hour * 60 + minute);
  }

  CallContext Read() {
    CallContext ctx = ReadCall();
    ctx.now = now_;
    return ctx;
  }
  template <typename Request>
  CallContext Write(const Request& request) {
    CallContext ctx = WriteCall(request);
    ctx.now = now_;
    return ctx;
  }

  // --------------------------------------------------------------------------------- courses

  static pb::CreateCourseRequest NewCourse(const std::string& patient,
                                           const std::string& therapist = "a") {
    pb::CreateCourseRequest request;
    request.set_parent("clinics/north");
    request.mutable_course()->mutable_patient()->set_system("urn:mrn");
    request.mutable_course()->mutable_patient()->set_value(patient);
    request.mutable_course()->set_therapist(absl::StrCat("clinics/north/therapists/", therapist));
    return request;
  }
  absl::StatusOr<pb::Course> Create(const pb::CreateCourseRequest& request) {
    return courses_.CreateCourse(Write(request), request);
  }
  // The name of a new course.
  std::string OpenCourse(const std::string& patient, const std::string& therapist = "a") {
    const auto course = Create(NewCourse(patient, therapist));
    EXPECT_OK(course);
    return course.ok() ? course->name() : "";
  }
  pb::Course Get(const std::string& name) {
    pb::GetCourseRequest request;
    request.set_name(name);
    const auto course = courses_.GetCourse(Read(), request);
    EXPECT_OK(course);
    return course.value_or(pb::Course());
  }
  absl::StatusOr<pb::PauseCourseResponse> Pause(const std::string& course, CivilDay first,
                                                CivilDay last, bool cancel = false,
                                                bool validate_only = false) {
    pb::PauseCourseRequest request;
    request.set_name(course);
    *request.mutable_pause()->mutable_first_day() = Day(first);
    *request.mutable_pause()->mutable_last_day() = Day(last);
    request.mutable_pause()->set_reason(pb::PAUSE_REASON_PATIENT_AWAY);
    request.set_cancel_sessions(cancel);
    request.set_validate_only(validate_only);
    return courses_.PauseCourse(Write(request), request);
  }
  absl::StatusOr<pb::Course> Complete(const std::string& course, bool cancel = false) {
    pb::CompleteCourseRequest request;
    request.set_name(course);
    request.set_cancel_sessions(cancel);
    return courses_.CompleteCourse(Write(request), request);
  }
  absl::StatusOr<pb::Course> Discontinue(const std::string& course,
                                         pb::ClosureReason reason = pb::CLOSURE_REASON_OTHER) {
    pb::DiscontinueCourseRequest request;
    request.set_name(course);
    request.set_reason(reason);
    return courses_.DiscontinueCourse(Write(request), request);
  }
  absl::StatusOr<pb::Course> Reopen(const std::string& course) {
    pb::ReopenCourseRequest request;
    request.set_name(course);
    request.set_reason("by mistake");
    return courses_.ReopenCourse(Write(request), request);
  }
  absl::StatusOr<pb::Course> Extend(const std::string& course, int sessions, int weeks) {
    pb::ExtendCourseRequest request;
    request.set_name(course);
    if (sessions != 0) request.set_planned_sessions(sessions);
    if (weeks != 0) request.set_duration_weeks(weeks);
    request.set_reason("more to do");
    return courses_.ExtendCourse(Write(request), request);
  }
  absl::StatusOr<pb::ShortenCourseResponse> Shorten(const std::string& course, int sessions,
                                                    bool cancel = false) {
    pb::ShortenCourseRequest request;
    request.set_name(course);
    request.set_planned_sessions(sessions);
    request.set_reason("goals reached");
    request.set_cancel_sessions(cancel);
    return courses_.ShortenCourse(Write(request), request);
  }
  absl::StatusOr<pb::TransferCourseResponse> Transfer(
      const std::string& course, const std::string& to,
      pb::TransferConflict on_conflict = pb::TRANSFER_CONFLICT_REFUSE) {
    pb::TransferCourseRequest request;
    request.set_name(course);
    request.set_therapist(absl::StrCat("clinics/north/therapists/", to));
    request.set_on_conflict(on_conflict);
    return courses_.TransferCourse(Write(request), request);
  }
  absl::StatusOr<pb::BookPlanResponse> BookPlan(const std::string& course,
                                                const std::vector<absl::Time>& starts,
                                                bool validate_only = false) {
    pb::BookPlanRequest request;
    request.set_name(course);
    for (absl::Time start : starts) *request.add_slots()->mutable_start_time() = Stamp(start);
    request.set_validate_only(validate_only);
    return courses_.BookPlan(Write(request), request);
  }

  // -------------------------------------------------------------------------------- sessions

  static pb::BookSessionRequest Booking(const std::string& course, absl::Time start) {
    pb::BookSessionRequest request;
    request.set_parent(course);
    *request.mutable_start_time() = Stamp(start);
    return request;
  }
  absl::StatusOr<pb::Session> Book(const pb::BookSessionRequest& request) {
    return sessions_.BookSession(Write(request), request);
  }
  absl::StatusOr<pb::Session> Book(const std::string& course, absl::Time start) {
    return Book(Booking(course, start));
  }
  // The name of a new session.
  std::string BookAt(const std::string& course, absl::Time start) {
    const auto session = Book(course, start);
    EXPECT_OK(session);
    return session.ok() ? session->name() : "";
  }
  pb::Session GetSession(const std::string& name) {
    pb::GetSessionRequest request;
    request.set_name(name);
    const auto session = sessions_.GetSession(Read(), request);
    EXPECT_OK(session);
    return session.value_or(pb::Session());
  }
  absl::StatusOr<pb::RescheduleSessionResponse> Move(
      const std::string& session, absl::Time start,
      pb::RescheduleScope scope = pb::RESCHEDULE_SCOPE_THIS) {
    pb::RescheduleSessionRequest request;
    request.set_name(session);
    *request.mutable_start_time() = Stamp(start);
    request.set_scope(scope);
    request.set_reason("asked for");
    return sessions_.RescheduleSession(Write(request), request);
  }
  absl::StatusOr<pb::Session> Cancel(const std::string& session,
                                     pb::CancelledBy by = pb::CANCELLED_BY_PATIENT) {
    pb::CancelSessionRequest request;
    request.set_name(session);
    request.set_cancelled_by(by);
    return sessions_.CancelSession(Write(request), request);
  }
  absl::StatusOr<pb::Session> Record(
      const std::string& session, pb::AttendanceOutcome outcome = pb::ATTENDANCE_OUTCOME_ATTENDED,
      const std::string& correction = "") {
    pb::RecordAttendanceRequest request;
    request.set_name(session);
    request.set_outcome(outcome);
    request.set_correction_reason(correction);
    return sessions_.RecordAttendance(Write(request), request);
  }
  // Books a session, lets it pass and records it attended.
  std::string Attended(const std::string& course, absl::Time start) {
    const std::string session = BookAt(course, start);
    now_ = start + absl::Hours(1);
    EXPECT_OK(Record(session));
    return session;
  }
  std::vector<pb::Session> ListSessions(const std::string& parent, bool unrecorded_only = false) {
    pb::ListSessionsRequest request;
    request.set_parent(parent);
    request.set_unrecorded_only(unrecorded_only);
    const auto response = sessions_.ListSessions(Read(), request);
    EXPECT_OK(response);
    if (!response.ok()) return {};
    return {response->sessions().begin(), response->sessions().end()};
  }

  absl::Time now_ = Now();
  CourseHandler courses_{store_, ids_};
  SessionHandler sessions_{store_, ids_};
};

}  // namespace ipt::scheduling
