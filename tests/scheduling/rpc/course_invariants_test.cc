// Any sequence of calls keeps what must always hold, a refused call changes nothing, and whoever
// replays the events of a store comes to the same forecasts.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "ipt/scheduling/v1/event.pb.h"
#include "platform/rpc/resource_name.h"
#include "scheduling/domain/calendar_loader.h"
#include "scheduling/domain/course_state.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/numbering.h"
#include "scheduling/domain/week_clock.h"
#include "scheduling/rpc/course_proto.h"
#include "scheduling/rpc/session_proto.h"
#include "scheduling/rpc/therapist_proto.h"
#include "scheduling/rpc/window_proto.h"
#include "tests/scheduling/rpc/booking_fixture.h"

namespace ipt::scheduling {
namespace {

// At full size from the first case on: a small one would only ever know the first kinds of calls.
int Int(int from, int to) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(from, to + 1));
}
bool Pick() { return *rc::gen::arbitrary<bool>(); }
template <typename T>
T OneOf(const std::vector<T>& all) {
  return all[Int(0, static_cast<int>(all.size()) - 1)];
}

// A store as a whole: courses and sessions by name.
struct State {
  std::map<std::string, scheduling::Course> courses;
  std::map<std::string, std::vector<scheduling::Session>> sessions;  // of each course, by start
};

// What a write has to change a revision for: all but what time and others bring about.
std::string Essence(const scheduling::Course& course) {
  pb::Course written;
  WriteCourse(course, &written);
  written.clear_state();
  written.clear_progress();
  written.clear_forecast();
  written.clear_etag();
  written.clear_revision();
  written.clear_update_time();
  return written.SerializeAsString();
}
std::string Essence(const scheduling::Session& session) {
  pb::Session written;
  WriteSession(session, &written);
  written.clear_session_number();
  written.clear_phase();
  written.clear_week_number();
  written.clear_etag();
  written.clear_revision();
  written.clear_update_time();
  return written.SerializeAsString();
}

class CourseInvariantsTest : public BookingTest {
 protected:
  CourseInvariantsTest() {
    // Told to replayers, as creating them would.
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const Clinic clinic, tx.GetClinic("north"));
      IPT_RETURN_IF_ERROR(tx.Emit(ClinicChanged{clinic}, now_));
      for (const char* id : {"a", "b"}) {
        IPT_ASSIGN_OR_RETURN(const Therapist therapist, tx.GetTherapist("north", id));
        IPT_RETURN_IF_ERROR(tx.Emit(TherapistChanged{therapist}, now_));
      }
      return absl::OkStatus();
    }));
  }

  static absl::StatusOr<State> Load(SchedulingReader& reader) {
    State state;
    IPT_ASSIGN_OR_RETURN(const auto courses, reader.ListCourses("north", {}, "", kNoLimit));
    for (const auto& course : courses) {
      const std::string name = CourseName("north", course.course_id);
      state.courses[name] = course;
      IPT_ASSIGN_OR_RETURN(state.sessions[name], AllSessions(reader, "north", course.course_id));
    }
    return state;
  }
  State Load() {
    State state;
    EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](SchedulingReader& reader) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(state, Load(reader));
      return absl::OkStatus();
    }));
    return state;
  }

  // One call of any kind; what came of it.
  absl::Status AnyCall(const State& state) {
    std::vector<std::string> courses;
    std::vector<std::string> sessions = {"clinics/north/courses/none/sessions/none"};
    for (const auto& [name, course] : state.courses) {
      courses.push_back(name);
      for (const auto& s : state.sessions.at(name)) {
        sessions.push_back(SessionName("north", s.course_id, s.session_id));
      }
    }
    const std::string course = OneOf(courses);
    const std::string session = OneOf(sessions);
    const std::string patient = absl::StrCat("p", Int(1, 3));
    const std::string therapist = Pick() ? "a" : "b";
    const CivilDay today(LoadZone("Europe/London")->At(now_).cs);
    // Few distinct times, so that calls meet one another.
    const absl::Time soon = At(CivilMinute(today + Int(0, 20)) + 60 * Int(8, 11) + 30 * Int(0, 1));
    switch (Int(0, 19)) {
      case 0:
      case 1: {
        auto request = NewCourse(patient, therapist);
        request.mutable_course()->set_allow_concurrent(Pick());
        if (Pick()) request.mutable_course()->set_variant("ipc-6");
        return Create(request).status();
      }
      case 2:
      case 3: {
        auto request = Booking(course, soon);
        request.mutable_override()->set_outside_availability(Pick());
        request.mutable_override()->set_past_deadline(Pick());
        request.mutable_override()->set_reason("r");
        return Book(request).status();
      }
      case 4:
      case 5: {
        pb::PlanCourseRequest request;
        request.set_name(course);
        request.set_session_count(Int(1, 6));
        const auto plan = courses_.PlanCourse(Read(), request);
        if (!plan.ok() || plan->sessions_size() == 0) return plan.status();
        std::vector<absl::Time> starts;
        for (const auto& s : plan->sessions()) starts.push_back(TimeOf(s.start_time()));
        const absl::Status booked = BookPlan(course, starts).status();
        RC_ASSERT(booked.ok() || !"a plan cannot be booked as proposed");
        return booked;
      }
      case 6:
        return Move(session, soon,
                    Pick() ? pb::RESCHEDULE_SCOPE_THIS : pb::RESCHEDULE_SCOPE_THIS_AND_FOLLOWING)
            .status();
      case 7:
        return Cancel(session, static_cast<pb::CancelledBy>(Int(1, 3))).status();
      case 8:
      case 9:
      case 10:
        return Record(session, static_cast<pb::AttendanceOutcome>(Int(1, 3)), Pick() ? "c" : "")
            .status();
      case 11: {
        const CivilDay first = today + Int(-5, 15);
        return Pause(course, first, first + Int(0, 20), Pick()).status();
      }
      case 12: {
        pb::ResumeCourseRequest request;
        request.set_name(course);
        if (Pick()) *request.mutable_resume_day() = Day(today + Int(0, 10));
        return courses_.ResumeCourse(Write(request), request).status();
      }
      case 13:
        return Pick() ? Extend(course, Int(0, 16), Int(0, 16)).status()
                      : Shorten(course, Int(1, 16), Pick()).status();
      case 14:
        return Transfer(course, therapist,
                        Pick() ? pb::TRANSFER_CONFLICT_CANCEL : pb::TRANSFER_CONFLICT_REFUSE)
            .status();
      case 15:
        return Pick() ? Complete(course, Pick()).status() : Discontinue(course).status();
      case 16:
        return Reopen(course).status();
      case 17: {
        if (Pick()) {
          pb::MergePatientsRequest request;
          request.set_parent("clinics/north");
          request.mutable_from()->set_system("urn:mrn");
          request.mutable_from()->set_value(patient);
          request.mutable_into()->set_system("urn:mrn");
          request.mutable_into()->set_value(absl::StrCat("p", Int(1, 3)));
          return courses_.MergePatients(Write(request), request).status();
        }
        pb::TransferCoursesRequest request;
        request.set_from_therapist("clinics/north/therapists/a");
        request.set_to_therapist("clinics/north/therapists/b");
        request.set_on_conflict(pb::TRANSFER_CONFLICT_CANCEL);
        return courses_.TransferCourses(Write(request), request).status();
      }
      case 18: {
        TimeOff off;
        off.clinic_id = "north";
        off.therapist_id = therapist;
        off.time_off_id = ids_.NewUuid();
        off.interval = {soon, soon + absl::Hours(Int(1, 72))};
        return store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
          IPT_RETURN_IF_ERROR(tx.TouchTherapistCalendars("north", {therapist}).status());
          IPT_RETURN_IF_ERROR(tx.InsertTimeOff(off, now_));
          return tx.Emit(TimeOffCreated{off}, now_);
        });
      }
      default: {
        auto request = Booking(course, now_ - absl::Minutes(60 * Int(1, 100)));
        request.set_retrospective(true);
        return Book(request).status();
      }
    }
  }

  // What does not hold; empty when all does.
  std::string Broken(const State& state) {
    std::map<std::string, std::vector<Interval>> taken;
    for (const auto& [name, course] : state.courses) {
      const auto& sessions = state.sessions.at(name);
      const absl::TimeZone zone = *LoadZone(course.time_zone);
      int used = 0;
      int booked = 0;
      std::set<int> numbers;
      for (const auto& session : sessions) {
        if (session.blocking) {
          taken["t/" + session.therapist_id].push_back(
              {session.interval.start, session.blocked_until});
          taken["p/" + session.patient_id].push_back(session.interval);
        }
        if (session.blocking == (session.state == SessionState::kCancelled)) {
          return name + ": a session blocks that should not, or the other way round";
        }
        if (session.patient_id != course.patient_id) return name + ": a session of another patient";
        used += IsUsed(session) ? 1 : 0;
        booked += session.state == SessionState::kBooked ? 1 : 0;
        if (session.session_number != 0) numbers.insert(session.session_number);
      }
      if (course.progress.excess_sessions != std::max(0, used + booked - course.planned_sessions)) {
        return name + ": more than agreed, and not told";
      }
      if (static_cast<int>(numbers.size()) != used + booked ||
          (!numbers.empty() && *numbers.rbegin() != used + booked)) {
        return name + ": numbers have gaps";
      }
      if (course.progress.used_sessions != used || course.progress.booked_sessions != booked) {
        return name + ": counts are wrong";
      }
      const auto start = FindCourseStart(sessions, zone);
      if (start.has_value() && start->day != course.progress.start_day) {
        return name + ": the week clock starts on the wrong day";
      }
      if (course.progress.deadline_day != course.progress.start_day + 7 * course.duration_weeks -
                                              1 + course.progress.pause_days ||
          course.progress.pause_days > PolicyDefaults::kPauseCapDays) {
        return name + ": the deadline is wrong";
      }
      if (IsOpen(course.state) != course.forecast.has_value() ||
          IsOpen(course.state) == course.closure.has_value()) {
        return name + ": state, forecast and closure disagree";
      }
    }
    for (auto& [who, spans] : taken) {
      std::sort(spans.begin(), spans.end(),
                [](const Interval& a, const Interval& b) { return a.start < b.start; });
      for (size_t i = 1; i < spans.size(); ++i) {
        if (spans[i].start < spans[i - 1].end) return who + " is in two places";
      }
    }
    return NotDerived(state);
  }

  // Derived values that are called fresh and are not what computing them anew gives.
  std::string NotDerived(const State& state) {
    std::string wrong;
    EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](SchedulingReader& reader) -> absl::Status {
      ClinicCalendars calendars(reader, "north");
      for (const auto& [name, stored] : state.courses) {
        if (!stored.forecast.has_value()) continue;
        IPT_ASSIGN_OR_RETURN(const bool fresh, IsFresh(calendars, stored, now_));
        if (!fresh) continue;
        scheduling::Course course = stored;
        auto sessions = state.sessions.at(name);
        IPT_ASSIGN_OR_RETURN(const auto renumbered,
                             Derive(calendars, course, sessions, stored.forecast->as_of));
        if (!renumbered.empty()) wrong = name + ": numbers are stale";
        if (course.state != stored.state) wrong = name + ": the state is stale";
        if (course.progress != stored.progress) wrong = name + ": progress is stale";
        if (course.forecast != stored.forecast) wrong = name + ": the forecast is stale";
      }
      return absl::OkStatus();
    }));
    return wrong;
  }

  // What changed without a new revision, or at all although the call was refused.
  static std::string Unmarked(const State& before, const State& after, bool refused) {
    if (refused && after.courses.size() != before.courses.size()) return "refused, but created";
    for (const auto& [name, course] : after.courses) {
      const auto old = before.courses.find(name);
      if (old == before.courses.end()) continue;
      const bool changed = Essence(course) != Essence(old->second);
      const bool moved = course.stamp.revision > old->second.stamp.revision;
      if (refused && (changed || moved)) return name + ": refused, but changed";
      if (changed && !moved) return name + ": changed, but the etag stayed";
      std::map<std::string, const scheduling::Session*> sessions;
      for (const auto& session : before.sessions.at(name)) sessions[session.session_id] = &session;
      for (const auto& session : after.sessions.at(name)) {
        const auto was = sessions.find(session.session_id);
        if (was == sessions.end()) {
          if (refused) return name + ": refused, but booked";
          continue;
        }
        const bool other = Essence(session) != Essence(*was->second);
        if (refused && other) return name + ": refused, but a session changed";
        if (other && session.stamp.revision <= was->second->stamp.revision) {
          return name + ": a session changed, but its etag stayed";
        }
        sessions.erase(was);
      }
      if (!sessions.empty()) return name + ": a session is gone";
    }
    return "";
  }

  // Rebuilds a store from nothing but this one's events.
  void Replay(SchedulingStore& into) {
    std::map<std::string, pb::Course> courses;
    std::map<std::string, pb::Session> sessions;
    ASSERT_OK(db_->Read({}, [&](storage::Connection& conn) -> absl::Status {
      return conn.Query({"SELECT payload FROM outbox ORDER BY seq", {storage::ColumnType::kBytes}},
                        {}, [&](const storage::Row& row) -> absl::Status {
                          pb::SchedulingEvent event;
                          if (!event.ParseFromString(row.Bytes(0))) return Internal("payload");
                          return Apply(event, into, courses, sessions);
                        });
    }));
    ASSERT_OK(into.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      for (const auto& [name, course] : courses) IPT_RETURN_IF_ERROR(Insert(tx, course));
      // By start, as the port asks for; their therapists' buffers are known.
      std::map<std::pair<absl::Time, std::string>, scheduling::Session> sorted;
      for (const auto& [name, session] : sessions) {
        IPT_ASSIGN_OR_RETURN(const auto rebuilt, Rebuild(tx, session));
        sorted[{rebuilt.interval.start, name}] = rebuilt;
      }
      std::vector<scheduling::Session> all;
      for (auto& [key, session] : sorted) all.push_back(session);
      return tx.InsertSessions(all, now_);
    }));
  }
  absl::Status Apply(const pb::SchedulingEvent& event, SchedulingStore& into,
                     std::map<std::string, pb::Course>& courses,
                     std::map<std::string, pb::Session>& sessions) {
    switch (event.event_case()) {
      case pb::SchedulingEvent::kCourseChanged:
        courses[event.course_changed().name()] = event.course_changed();
        return absl::OkStatus();
      case pb::SchedulingEvent::kForecastChanged:
        return absl::OkStatus();
      case pb::SchedulingEvent::kSessionChanged:
        sessions[event.session_changed().name()] = event.session_changed();
        return absl::OkStatus();
      default:
        break;
    }
    return into.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      if (event.has_clinic_changed()) {
        Clinic clinic;
        clinic.clinic_id = "north";
        clinic.time_zone = event.clinic_changed().time_zone();
        return tx.InsertClinic(clinic, now_);
      }
      if (event.has_therapist_changed()) {
        const auto& changed = event.therapist_changed();
        FieldViolations bad;
        Therapist therapist = ReadTherapist(changed, bad);
        therapist.clinic_id = "north";
        therapist.therapist_id = rpc::IdsOf(changed.name())[1];
        therapist.active = changed.active();
        return tx.InsertTherapist(therapist, now_);
      }
      TimeOff off;
      off.clinic_id = "north";
      off.therapist_id = rpc::IdsOf(event.time_off_created().name())[1];
      off.time_off_id = rpc::IdsOf(event.time_off_created().name())[2];
      off.interval = {TimeOf(event.time_off_created().start_time()),
                      TimeOf(event.time_off_created().end_time())};
      return tx.InsertTimeOff(off, now_);
    });
  }
  absl::Status Insert(SchedulingTx& tx, const pb::Course& from) {
    scheduling::Course course;
    course.clinic_id = "north";
    course.course_id = rpc::IdsOf(from.name())[1];
    course.patient = {from.patient().system(), from.patient().value()};
    IPT_ASSIGN_OR_RETURN(course.patient_id, tx.FindOrAddPatient("north", course.patient,
                                                                from.patient().value(), now_));
    course.therapist_id = rpc::IdsOf(from.therapist())[1];
    course.variant_id = from.variant();
    course.state = static_cast<CourseState>(from.state());
    course.planned_sessions = from.planned_sessions();
    course.duration_weeks = from.duration_weeks();
    course.cadence_days = from.cadence_days();
    course.cadence_tolerance_days = from.cadence_tolerance_days();
    course.time_zone = from.time_zone();
    course.session_minutes = from.session_minutes();
    course.allow_concurrent = from.allow_concurrent();
    for (const auto& pause : from.pauses()) {
      course.pauses.push_back({{DayOf(pause.first_day()), DayOf(pause.last_day())},
                               static_cast<PauseReason>(pause.reason())});
    }
    if (from.has_closure()) course.closure = Closure{TimeOf(from.closure().time()), {}, false};
    return tx.InsertCourse(course, TimeOf(from.create_time()));
  }
  absl::StatusOr<scheduling::Session> Rebuild(SchedulingTx& tx, const pb::Session& from) {
    scheduling::Session session;
    session.clinic_id = "north";
    session.course_id = rpc::IdsOf(from.name())[1];
    session.session_id = rpc::IdsOf(from.name())[2];
    session.therapist_id = rpc::IdsOf(from.therapist())[1];
    IPT_ASSIGN_OR_RETURN(const auto course, tx.GetCourse("north", session.course_id));
    session.patient_id = course.patient_id;
    session.interval = {TimeOf(from.start_time()), TimeOf(from.end_time())};
    IPT_ASSIGN_OR_RETURN(const Therapist therapist, tx.GetTherapist("north", session.therapist_id));
    session.blocked_until = session.interval.end + absl::Minutes(therapist.buffer_minutes);
    session.time_zone = from.time_zone();
    session.state = static_cast<SessionState>(from.state());
    session.blocking = session.state != SessionState::kCancelled;
    session.uses_session = from.uses_session();
    return session;
  }

  // Forecast and progress of every course, as computed at `now_`.
  std::map<std::string, std::string> Outlooks(SchedulingStore& store) {
    std::map<std::string, std::string> outlooks;
    EXPECT_OK(store.Read(absl::InfiniteFuture(), [&](SchedulingReader& reader) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(State state, Load(reader));
      ClinicCalendars calendars(reader, "north");
      for (auto& [name, course] : state.courses) {
        IPT_RETURN_IF_ERROR(Derive(calendars, course, state.sessions.at(name), now_).status());
        pb::Course written;
        WriteCourse(course, &written);
        outlooks[name] =
            absl::StrCat(written.progress().ShortDebugString(), " | ",
                         written.forecast().ShortDebugString(), " | ", written.state());
        for (const auto& session : state.sessions.at(name)) {
          absl::StrAppend(&outlooks[name], " ", session.session_number);
        }
      }
      return absl::OkStatus();
    }));
    return outlooks;
  }
};

RC_GTEST_FIXTURE_PROP(CourseInvariantsTest, AnySequenceOfCallsKeepsThem, ()) {
  for (const char* patient : {"p1", "p2"}) {
    const auto course = Create(NewCourse(patient, Pick() ? "a" : "b"));
    RC_ASSERT(course.ok());
    for (int week = 0; week < 3; ++week) {
      (void)Book(course->name(), At(CivilMinute(CivilDay(2026, 11, 3) + 7 * week) + 60 * 10));
    }
  }
  State before = Load();
  const int calls = Int(1, 40);
  for (int i = 0; i < calls; ++i) {
    if (Int(0, 2) == 0) now_ += absl::Minutes(30 * Int(1, 24 * 2 * 5));
    const absl::Status status = AnyCall(before);
    RC_LOG() << ipt::testing::Describe(status) << "\n";
    RC_ASSERT(status.ok() || absl::IsInvalidArgument(status) || absl::IsNotFound(status) ||
              absl::IsFailedPrecondition(status));
    const State after = Load();
    const std::string broken = Broken(after);
    RC_LOG() << broken << "\n";
    RC_ASSERT(broken.empty());
    const std::string unmarked = Unmarked(before, after, !status.ok());
    RC_LOG() << unmarked << "\n";
    RC_ASSERT(unmarked.empty());
    before = after;
  }

  // The background catches up with everything, and then nothing is left to do.
  const auto refreshed = RefreshSome(store_, ipt::testing::FakeClock(now_), 1000);
  RC_ASSERT(refreshed.ok());
  RC_ASSERT(refreshed->failed == 0);
  RC_ASSERT(RefreshSome(store_, ipt::testing::FakeClock(now_), 1000)->refreshed == 0);
  RC_ASSERT(Broken(Load()).empty());

  static ipt::testing::TempDatabase& other = *new ipt::testing::TempDatabase(
      storage::Dialect::kSqlite, {storage::PlatformMigrations(), SchedulingMigrations()});
  RC_ASSERT(other
                ->Write({},
                        [](storage::Connection& conn) {
                          return conn.ExecuteScript(
                              "DELETE FROM sessions; DELETE FROM courses; DELETE FROM patients; "
                              "DELETE FROM time_off; DELETE FROM therapist_calendars; "
                              "DELETE FROM therapists; DELETE FROM clinics;");
                        })
                .ok());
  SqlSchedulingStore replayed(*other, encoder_);
  Replay(replayed);
  RC_ASSERT(Outlooks(replayed) == Outlooks(store_));
}

}  // namespace
}  // namespace ipt::scheduling
