// Any sequence of calls keeps what must always hold, on either engine, a refused call changes
// nothing, and whoever replays the events of a store comes to the same calendars and forecasts.
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
#include "scheduling/rpc/clinic_handler.h"
#include "scheduling/rpc/clinic_proto.h"
#include "scheduling/rpc/course_proto.h"
#include "scheduling/rpc/session_proto.h"
#include "scheduling/rpc/therapist_handler.h"
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

// A store as a whole: courses and sessions by name, and what calendars are made of.
struct State {
  // Clinic, holidays, therapists, time off and extra hours, as bytes by name.
  std::map<std::string, std::string> calendars;
  std::vector<TimeOff> time_off;
  std::vector<std::string> extra_hours;
  std::vector<std::string> holidays;
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

// What one or more weekly windows of these days are, in hours.
void SetWindows(const std::vector<int>& days, int from, int to,
                google::protobuf::RepeatedPtrField<pb::WeeklyWindow>* out) {
  out->Clear();
  for (int day : days) {
    pb::WeeklyWindow& window = *out->Add();
    window.set_day(static_cast<google::type::DayOfWeek>(day));
    window.mutable_start()->set_hours(from);
    window.mutable_end()->set_hours(to);
  }
}

class CourseInvariantsTest : public BookingTest {
 protected:
  explicit CourseInvariantsTest(storage::Dialect dialect = storage::Dialect::kSqlite)
      : BookingTest(dialect) {
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
    IPT_ASSIGN_OR_RETURN(const Clinic clinic, reader.GetClinic("north"));
    Keep(clinic, &WriteClinic, state);
    IPT_ASSIGN_OR_RETURN(const auto holidays,
                         reader.ListHolidays("north", CivilDay(2026), CivilDay(2036), kNoLimit));
    for (const Holiday& holiday : holidays) {
      state.holidays.push_back(Keep(holiday, &WriteHoliday, state));
    }
    for (const char* id : {"a", "b"}) {
      IPT_ASSIGN_OR_RETURN(Therapist therapist, reader.GetTherapist("north", id));
      therapist.open_courses = 0;  // counted, not kept
      Keep(therapist, &WriteTherapist, state);
      IPT_ASSIGN_OR_RETURN(const auto time_off,
                           reader.ListTimeOff("north", id, absl::InfinitePast(),
                                              absl::InfiniteFuture(), {}, kNoLimit));
      for (const TimeOff& off : time_off) {
        Keep(off, &WriteTimeOff, state);
        state.time_off.push_back(off);
      }
      IPT_ASSIGN_OR_RETURN(const auto extra_hours,
                           reader.ListExtraHours("north", id, absl::InfinitePast(),
                                                 absl::InfiniteFuture(), {}, kNoLimit));
      for (const ExtraHours& extra : extra_hours) {
        state.extra_hours.push_back(Keep(extra, &WriteExtraHours, state));
      }
    }
    return state;
  }
  // Its name.
  template <typename Thing, typename Written>
  static std::string Keep(const Thing& thing, void (*write)(const Thing&, Written*), State& state) {
    Written written;
    write(thing, &written);
    state.calendars[written.name()] = written.SerializeAsString();
    return written.name();
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
    const std::string patient = absl::StrCat("p", Int(1, 4));
    const std::string therapist = Pick() ? "a" : "b";
    const CivilDay today(LoadZone("Europe/London")->At(now_).cs);
    // Few distinct times, so that calls meet one another.
    const absl::Time soon = At(CivilMinute(today + Int(0, 20)) + 60 * Int(8, 11) + 30 * Int(0, 1));
    if (Int(0, 2) == 0) return AnyCalendarCall(state, therapist, soon);
    switch (Int(0, 21)) {
      case 0:
      case 1: {
        auto request = NewCourse(patient, therapist);
        request.mutable_course()->set_allow_concurrent(Pick());
        if (Pick()) {
          request.mutable_course()->set_variant("ipc-6");
        } else if (Pick()) {  // can be extended
          request.mutable_course()->set_planned_sessions(12);
          request.mutable_course()->set_duration_weeks(12);
        }
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
        for (const auto& [name, other] : state.courses) {
          if (!IsOpen(other.state)) return Reopen(name).status();
        }
        return Reopen(course).status();
      case 17: {
        pb::TransferCoursesRequest request;
        request.set_from_therapist(absl::StrCat("clinics/north/therapists/", therapist));
        request.set_to_therapist(
            absl::StrCat("clinics/north/therapists/", therapist == "a" ? "b" : "a"));
        request.set_on_conflict(pb::TRANSFER_CONFLICT_CANCEL);
        return courses_.TransferCourses(Write(request), request).status();
      }
      case 18: {
        const std::string& one = state.courses.at(course).patient.value;
        const std::string other = absl::StrCat("p", Int(1, 6));
        return Pick() ? Readdress<pb::MergePatientsRequest>(one, other,
                                                            &pb::MergePatientsRequest::mutable_into,
                                                            &CourseHandler::MergePatients)
                      : Readdress<pb::ChangePatientIdentifierRequest>(
                            one, other, &pb::ChangePatientIdentifierRequest::mutable_to,
                            &CourseHandler::ChangePatientIdentifier);
      }
      case 19: {
        pb::ImportCourseRequest request;
        request.set_parent("clinics/north");
        *request.mutable_course() = NewCourse(patient, therapist).course();
        request.mutable_course()->set_allow_concurrent(Pick());
        const int sessions = Int(0, 4);
        for (int i = 0; i < sessions; ++i) {
          auto* session = request.add_past_sessions();
          *session->mutable_start_time() = Stamp(now_ - absl::Minutes(60 * Int(1, 300)));
          session->set_outcome(static_cast<pb::AttendanceOutcome>(Int(1, 3)));
        }
        if (Pick()) {
          const CivilDay first = today - Int(0, 10);
          auto* pause = request.add_pauses();
          *pause->mutable_first_day() = Day(first);
          *pause->mutable_last_day() = Day(first + Int(0, 13));
          pause->set_reason(pb::PAUSE_REASON_ILLNESS);
        }
        return courses_.ImportCourse(Write(request), request).status();
      }
      case 20: {
        pb::UpdateCourseRequest request;
        request.mutable_course()->set_name(course);
        switch (Int(0, 3)) {
          case 0:
            request.mutable_course()->set_cadence_days(Int(3, 14));
            request.mutable_update_mask()->add_paths("cadence_days");
            break;
          case 1:
            request.mutable_course()->set_session_minutes(Pick() ? 50 : 80);
            request.mutable_update_mask()->add_paths("session_minutes");
            break;
          case 2:
            request.mutable_course()->set_modality(static_cast<pb::Modality>(Int(1, 2)));
            request.mutable_update_mask()->add_paths("modality");
            break;
          default:
            if (Pick()) {
              SetWindows({Int(1, 5), 6}, Int(8, 10), Int(11, 17),
                         request.mutable_course()->mutable_preferred_windows());
            }
            request.mutable_update_mask()->add_paths("preferred_windows");
        }
        return courses_.UpdateCourse(Write(request), request).status();
      }
      case 21: {
        pb::UpdateSessionRequest request;
        request.mutable_session()->set_name(session);
        request.mutable_session()->set_modality(static_cast<pb::Modality>(Int(1, 2)));
        request.mutable_update_mask()->add_paths("modality");
        return sessions_.UpdateSession(Write(request), request).status();
      }
      default: {
        auto request = Booking(course, now_ - absl::Minutes(60 * Int(1, 100)));
        request.set_retrospective(true);
        return Book(request).status();
      }
    }
  }

  // A merge, or a change of an identifier.
  template <typename Request, typename Target, typename Method>
  absl::Status Readdress(const std::string& from, const std::string& to, Target target,
                         Method method) {
    Request request;
    request.set_parent("clinics/north");
    request.mutable_from()->set_system("urn:mrn");
    request.mutable_from()->set_value(from);
    (request.*target)()->set_system("urn:mrn");
    (request.*target)()->set_value(to);
    return (courses_.*method)(Write(request), request).status();
  }

  // One call that changes when somebody is free, or a rule.
  absl::Status AnyCalendarCall(const State& state, const std::string& therapist, absl::Time soon) {
    const std::string name = absl::StrCat("clinics/north/therapists/", therapist);
    const CivilDay today(LoadZone("Europe/London")->At(now_).cs);
    switch (Int(0, 10)) {
      case 0:
      case 1: {
        pb::UpdateTherapistRequest request;
        request.mutable_therapist()->set_name(name);
        if (Pick()) {
          static const auto& kDays = *new std::vector<std::vector<int>>{
              {1, 2, 3, 4, 5}, {1, 3, 5}, {2, 4}, {1, 2, 3, 4, 5, 6, 7}, {}};
          SetWindows(OneOf(kDays), Int(7, 10), Int(13, 18),
                     request.mutable_therapist()->mutable_working_hours());
          request.mutable_update_mask()->add_paths("working_hours");
        } else if (Pick()) {
          request.mutable_therapist()->set_time_zone(Pick() ? "Europe/London" : "America/New_York");
          request.mutable_update_mask()->add_paths("time_zone");
        } else {
          request.mutable_therapist()->set_max_active_courses(Int(1, 6));
          request.mutable_update_mask()->add_paths("max_active_courses");
        }
        return therapists_.UpdateTherapist(Write(request), request).status();
      }
      case 2: {
        if (Int(0, 2) > 0) {
          pb::ActivateTherapistRequest request;
          request.set_name(name);
          return therapists_.ActivateTherapist(Write(request), request).status();
        }
        pb::DeactivateTherapistRequest request;
        request.set_name(name);
        request.set_force(Pick());
        return therapists_.DeactivateTherapist(Write(request), request).status();
      }
      case 3: {
        pb::CreateHolidaysRequest request;
        request.set_parent("clinics/north");
        auto* holiday = request.add_holidays();
        *holiday->mutable_date() = Day(today + Int(0, 20));
        holiday->set_display_name(Pick() ? "Closed" : "Founders' Day");
        return clinics_.CreateHolidays(Write(request), request).status();
      }
      case 4: {
        pb::DeleteHolidayRequest request;
        request.set_name(AnyOf(state.holidays, "clinics/north/holidays/2026-01-01"));
        return clinics_.DeleteHoliday(Write(request), request).status();
      }
      case 5:
      case 6: {
        pb::CreateTimeOffRequest request;
        request.set_parent(name);
        if (Pick()) {
          const CivilDay first = today + Int(0, 20);
          *request.mutable_time_off()->mutable_days()->mutable_first() = Day(first);
          *request.mutable_time_off()->mutable_days()->mutable_last() = Day(first + Int(0, 6));
        } else {
          *request.mutable_time_off()->mutable_time()->mutable_start_time() = Stamp(soon);
          *request.mutable_time_off()->mutable_time()->mutable_end_time() =
              Stamp(soon + absl::Hours(Int(1, 72)));
        }
        return therapists_.CreateTimeOff(Write(request), request).status();
      }
      case 7: {
        std::vector<std::string> names;
        for (const TimeOff& off : state.time_off) {
          names.push_back(TimeOffName("north", off.therapist_id, off.time_off_id));
        }
        pb::DeleteTimeOffRequest request;
        request.set_name(AnyOf(names, name + "/timeOff/none"));
        return therapists_.DeleteTimeOff(Write(request), request).status();
      }
      case 8: {
        pb::CreateExtraHoursRequest request;
        request.set_parent(name);
        *request.mutable_extra_hours()->mutable_time()->mutable_start_time() = Stamp(soon);
        *request.mutable_extra_hours()->mutable_time()->mutable_end_time() =
            Stamp(soon + absl::Hours(Int(1, 12)));
        return therapists_.CreateExtraHours(Write(request), request).status();
      }
      case 9: {
        pb::DeleteExtraHoursRequest request;
        request.set_name(AnyOf(state.extra_hours, name + "/extraHours/none"));
        return therapists_.DeleteExtraHours(Write(request), request).status();
      }
      default: {
        pb::UpdateClinicRequest request;
        request.mutable_clinic()->set_name("clinics/north");
        pb::SchedulingPolicy& policy = *request.mutable_clinic()->mutable_policy();
        const int cap = 7 * Int(2, 6);
        switch (Int(0, 3)) {
          case 0:
            policy.set_pause_cap_days(cap);
            request.mutable_update_mask()->add_paths("policy.pause_cap_days");
            break;
          case 1:
            policy.set_no_show_uses_session(Pick());
            policy.set_late_cancellation_uses_session(Pick());
            request.mutable_update_mask()->add_paths("policy.no_show_uses_session");
            request.mutable_update_mask()->add_paths("policy.late_cancellation_uses_session");
            break;
          case 2:
            policy.set_slot_minutes(Pick() ? 15 : 30);
            request.mutable_update_mask()->add_paths("policy.slot_minutes");
            break;
          default:
            policy.set_session_minutes(Pick() ? 50 : 45);
            request.mutable_update_mask()->add_paths("policy.session_minutes");
        }
        const absl::Status status = clinics_.UpdateClinic(Write(request), request).status();
        if (status.ok() && policy.has_pause_cap_days()) largest_cap_ = std::max(largest_cap_, cap);
        return status;
      }
    }
  }
  // One of those that are there, now and then one that is not.
  static std::string AnyOf(std::vector<std::string> names, const std::string& none) {
    names.push_back(none);
    return OneOf(names);
  }

  // What does not hold; empty when all does.
  std::string Broken(const State& state) {
    for (const TimeOff& off : state.time_off) {
      if (!off.days.has_value() || off.interval.end <= now_) continue;
      pb::Therapist therapist;
      therapist.ParseFromString(
          state.calendars.at(absl::StrCat("clinics/north/therapists/", off.therapist_id)));
      const Interval days = {At(CivilMinute(off.days->first), therapist.time_zone().c_str()),
                             At(CivilMinute(off.days->last + 1), therapist.time_zone().c_str())};
      if (off.interval != days) return off.time_off_id + ": whole days off are elsewhere";
    }
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
        // What took place elsewhere may have been at the same time as anything.
        const bool imported = !session.changes.empty() &&
                              session.changes.front().kind == SessionChangeKind::kImported;
        if (session.blocking != (session.state != SessionState::kCancelled && !imported)) {
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
          course.progress.pause_days > largest_cap_) {
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
    if (refused && after.calendars != before.calendars) return "refused, but a calendar changed";
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

  // What the events of a store tell, by name: the last of each.
  struct Told {
    std::map<std::string, pb::Clinic> clinics;
    std::map<std::string, pb::Holiday> holidays;
    std::map<std::string, pb::Therapist> therapists;
    std::map<std::string, pb::TimeOff> time_off;
    std::map<std::string, pb::ExtraHours> extra_hours;
    std::map<std::string, pb::Course> courses;
    std::map<std::string, pb::Session> sessions;
  };
  // Rebuilds a store from nothing but this one's events.
  void Replay(SchedulingStore& into) {
    Told told;
    ASSERT_OK(db_->Read({}, [&](storage::Connection& conn) -> absl::Status {
      return conn.Query({"SELECT payload FROM outbox ORDER BY seq", {storage::ColumnType::kBytes}},
                        {}, [&](const storage::Row& row) -> absl::Status {
                          pb::SchedulingEvent event;
                          if (!event.ParseFromString(row.Bytes(0))) return Internal("payload");
                          Hear(event, told);
                          return absl::OkStatus();
                        });
    }));
    ASSERT_OK(into.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      IPT_RETURN_IF_ERROR(InsertCalendars(tx, told));
      for (const auto& [name, course] : told.courses) IPT_RETURN_IF_ERROR(Insert(tx, course));
      // By start, as the port asks for; their therapists' buffers are known.
      std::map<std::pair<absl::Time, std::string>, scheduling::Session> sorted;
      for (const auto& [name, session] : told.sessions) {
        IPT_ASSIGN_OR_RETURN(const auto rebuilt, Rebuild(tx, session));
        sorted[{rebuilt.interval.start, name}] = rebuilt;
      }
      std::vector<scheduling::Session> all;
      for (auto& [key, session] : sorted) all.push_back(session);
      return tx.InsertSessions(all, now_);
    }));
  }
  static void Hear(const pb::SchedulingEvent& event, Told& told) {
    switch (event.event_case()) {
      case pb::SchedulingEvent::kClinicChanged:
        told.clinics[event.clinic_changed().name()] = event.clinic_changed();
        return;
      case pb::SchedulingEvent::kHolidayCreated:
        told.holidays[event.holiday_created().name()] = event.holiday_created();
        return;
      case pb::SchedulingEvent::kHolidayDeleted:
        RC_ASSERT(told.holidays.erase(event.holiday_deleted().name()) == 1U);
        return;
      case pb::SchedulingEvent::kTherapistChanged:
        told.therapists[event.therapist_changed().name()] = event.therapist_changed();
        return;
      case pb::SchedulingEvent::kTimeOffCreated:
        told.time_off[event.time_off_created().name()] = event.time_off_created();
        return;
      case pb::SchedulingEvent::kTimeOffMoved:
        RC_ASSERT(told.time_off.contains(event.time_off_moved().name()));
        told.time_off[event.time_off_moved().name()] = event.time_off_moved();
        return;
      case pb::SchedulingEvent::kTimeOffDeleted:
        RC_ASSERT(told.time_off.erase(event.time_off_deleted().name()) == 1U);
        return;
      case pb::SchedulingEvent::kExtraHoursCreated:
        told.extra_hours[event.extra_hours_created().name()] = event.extra_hours_created();
        return;
      case pb::SchedulingEvent::kExtraHoursDeleted:
        RC_ASSERT(told.extra_hours.erase(event.extra_hours_deleted().name()) == 1U);
        return;
      case pb::SchedulingEvent::kCourseChanged:
        told.courses[event.course_changed().name()] = event.course_changed();
        return;
      case pb::SchedulingEvent::kSessionChanged:
        told.sessions[event.session_changed().name()] = event.session_changed();
        return;
      default:  // a forecast's state, which is derived; reminders are another test's
        return;
    }
  }
  absl::Status InsertCalendars(SchedulingTx& tx, const Told& told) {
    FieldViolations bad;
    for (const auto& [name, written] : told.clinics) {
      Clinic clinic = ReadClinic(written, bad);
      clinic.clinic_id = rpc::IdsOf(name)[0];
      IPT_RETURN_IF_ERROR(tx.InsertClinic(clinic, now_));
    }
    for (const auto& [name, written] : told.holidays) {
      Holiday holiday{.clinic_id = "north",
                      .day = DayOf(written.date()),
                      .display_name = written.display_name(),
                      .stamp = {}};
      IPT_RETURN_IF_ERROR(tx.PutHoliday(holiday, now_));
    }
    for (const auto& [name, written] : told.therapists) {
      Therapist therapist = ReadTherapist(written, bad);
      therapist.clinic_id = "north";
      therapist.therapist_id = rpc::IdsOf(name)[1];
      therapist.active = written.active();
      IPT_RETURN_IF_ERROR(tx.InsertTherapist(therapist, now_));
    }
    for (const auto& [name, written] : told.time_off) {
      TimeOff off = ReadTimeOff(written, bad);
      off.clinic_id = "north";
      off.therapist_id = rpc::IdsOf(name)[1];
      off.time_off_id = rpc::IdsOf(name)[2];
      off.interval = {TimeOf(written.start_time()), TimeOf(written.end_time())};
      IPT_RETURN_IF_ERROR(tx.InsertTimeOff(off, now_));
    }
    for (const auto& [name, written] : told.extra_hours) {
      ExtraHours extra = ReadExtraHours(written, bad);
      extra.clinic_id = "north";
      extra.therapist_id = rpc::IdsOf(name)[1];
      extra.extra_hours_id = rpc::IdsOf(name)[2];
      IPT_RETURN_IF_ERROR(tx.InsertExtraHours(extra, now_));
    }
    return bad.ToStatus();
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
    FieldViolations bad;
    course.preferred_windows = ReadWindows(from.preferred_windows(), bad, "preferred_windows");
    IPT_RETURN_IF_ERROR(bad.ToStatus());
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
    session.blocking =
        session.state != SessionState::kCancelled &&
        (from.changes().empty() || from.changes(0).kind() != pb::SESSION_CHANGE_KIND_IMPORTED);
    session.uses_session = from.uses_session();
    session.outside_availability = from.outside_availability();
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

  void AnySequenceOfCallsKeepsThem() {
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
                                "DELETE FROM time_off; DELETE FROM extra_hours; "
                                "DELETE FROM therapist_calendars; DELETE FROM holidays; "
                                "DELETE FROM therapists; DELETE FROM clinics;");
                          })
                  .ok());
    SqlSchedulingStore replayed(*other, encoder_);
    Replay(replayed);
    RC_ASSERT(Outlooks(replayed) == Outlooks(store_));
  }

 private:
  ClinicHandler clinics_{store_};
  TherapistHandler therapists_{store_, ids_};
  int largest_cap_ = PolicyDefaults::kPauseCapDays;
};

class CourseInvariantsOnPostgresTest : public CourseInvariantsTest {
 protected:
  CourseInvariantsOnPostgresTest() : CourseInvariantsTest(storage::Dialect::kPostgres) {}
};

RC_GTEST_FIXTURE_PROP(CourseInvariantsTest, Hold, ()) { AnySequenceOfCallsKeepsThem(); }
RC_GTEST_FIXTURE_PROP(CourseInvariantsOnPostgresTest, Hold, ()) { AnySequenceOfCallsKeepsThem(); }

}  // namespace
}  // namespace ipt::scheduling
