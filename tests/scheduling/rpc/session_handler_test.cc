#include "scheduling/rpc/session_handler.h"

#include "tests/scheduling/rpc/booking_fixture.h"

namespace ipt::scheduling {
namespace {

class SessionHandlerTest : public BookingTest {};

TEST_F(SessionHandlerTest, BooksASession) {
  const std::string course = OpenCourse("p1");
  NewEvents();
  auto request = Booking(course, Monday(1, 10));
  request.set_session_id("first");
  request.set_location("Room 3");
  const auto session = Book(request);
  ASSERT_OK(session);
  EXPECT_EQ(session->name(), course + "/sessions/first");
  EXPECT_EQ(session->therapist(), "clinics/north/therapists/a");
  EXPECT_EQ(session->state(), pb::SESSION_STATE_BOOKED);
  EXPECT_EQ(TimeOf(session->end_time()) - TimeOf(session->start_time()), absl::Minutes(50));
  EXPECT_EQ(session->local_time().hours(), 10);
  EXPECT_EQ(session->session_number(), 1);
  EXPECT_EQ(session->phase(), pb::PHASE_INITIAL);
  EXPECT_EQ(session->week_number(), 1);
  EXPECT_EQ(session->location(), "Room 3");
  EXPECT_FALSE(session->uses_session());
  ASSERT_EQ(session->changes_size(), 1);
  EXPECT_EQ(session->changes(0).caller(), "tester");
  EXPECT_THAT(NewEvents(), ElementsAre("session", "course"));

  const pb::Course after = Get(course);
  EXPECT_EQ(after.progress().booked_sessions(), 1);
  EXPECT_EQ(after.progress().unbooked_sessions(), 15);
  EXPECT_EQ(after.progress().next_session(), session->name());
  EXPECT_EQ(DayOf(after.progress().start_date()), CivilDay(2026, 11, 9));
  EXPECT_EQ(DayOf(after.progress().deadline_date()), CivilDay(2026, 11, 9) + 111);
  EXPECT_EQ(GetSession(session->name()).SerializeAsString(), session->SerializeAsString());
}

TEST_F(SessionHandlerTest, ARetryGetsTheFirstAnswerEvenAfterTheStart) {
  const std::string course = OpenCourse("p1");
  const auto request = Booking(course, Monday(1, 10));
  CallContext ctx = Write(request);
  const auto first = sessions_.BookSession(ctx, request);
  ASSERT_OK(first);
  ctx.now = now_ = Monday(1, 11);
  const auto again = sessions_.BookSession(ctx, request);
  ASSERT_OK(again);
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_THAT(ListSessions(course), SizeIs(1));
}

TEST_F(SessionHandlerTest, NamesEveryBadFieldOfABooking) {
  auto request = Booking(OpenCourse("p1"), Now() - absl::Hours(1));
  request.set_session_id("No Such Id");
  request.set_session_minutes(14);
  request.mutable_override()->set_past_deadline(true);
  EXPECT_THAT(Book(request),
              HasBadFields("session_id", "session_minutes", "override.reason", "start_time"));
  const std::string course = OpenCourse("p2");
  EXPECT_THAT(Book(course, Now()), HasBadFields("start_time"));
  EXPECT_THAT(Book(course, Monday(1, 10) + absl::Seconds(1)), HasBadFields("start_time"));
  EXPECT_THAT(Book(course, Now() + absl::Hours(24 * 366 * 6)), HasBadFields("start_time"));
}

TEST_F(SessionHandlerTest, RefusesWhatOverlapsTherapistOrPatient) {
  const std::string one = OpenCourse("p1");
  const std::string two = OpenCourse("p2");
  BookAt(one, Monday(1, 10));
  const auto taken = Book(two, Monday(1, 10, 30));
  EXPECT_THAT(taken, FailsWith(kPrecondition, "SLOT_TAKEN"));
  EXPECT_EQ(Meta(taken, "taken"), "THERAPIST");
  // The ten minutes after a session are the therapist's, before and after.
  EXPECT_THAT(Book(two, Monday(1, 10, 55)), FailsWith(kPrecondition, "SLOT_TAKEN"));
  EXPECT_THAT(Book(two, Monday(1, 9, 5)), FailsWith(kPrecondition, "SLOT_TAKEN"));
  EXPECT_OK(Book(two, Monday(1, 11)));
  EXPECT_OK(Book(two, Monday(1, 9)));

  auto beside = NewCourse("p1", "b");
  beside.mutable_course()->set_allow_concurrent(true);
  const auto other = Create(beside);
  ASSERT_OK(other);
  const auto patient = Book(other->name(), Monday(1, 10, 30));
  EXPECT_THAT(patient, FailsWith(kPrecondition, "SLOT_TAKEN"));
  EXPECT_EQ(Meta(patient, "taken"), "PATIENT");
  EXPECT_OK(Book(other->name(), Monday(1, 10, 50)));
}

TEST_F(SessionHandlerTest, KeepsToTheTherapistsAvailability) {
  const std::string course = OpenCourse("p1");
  AddHoliday(CivilDay(2026, 11, 10));
  AddTimeOff("a", At(CivilMinute(2026, 11, 11, 9, 0)), At(CivilMinute(2026, 11, 11, 12, 0)));
  const std::map<absl::Time, std::string> bad = {
      {Monday(1, 8), "OUTSIDE_HOURS"},
      {Monday(1, 16, 30), "OUTSIDE_HOURS"},
      {At(CivilMinute(2026, 11, 10, 10, 0)), "HOLIDAY"},
      {At(CivilMinute(2026, 11, 11, 11, 30)), "TIME_OFF"},
      {At(CivilMinute(2026, 11, 14, 10, 0)), "OUTSIDE_HOURS"}};
  for (const auto& [start, reason] : bad) {
    const auto refused = Book(course, start);
    EXPECT_THAT(refused, FailsWith(kPrecondition, "OUTSIDE_AVAILABILITY"));
    EXPECT_EQ(Meta(refused, "reasons"), reason);
    auto anyway = Booking(course, start);
    anyway.mutable_override()->set_outside_availability(true);
    anyway.mutable_override()->set_reason("crisis");
    anyway.set_validate_only(true);
    const auto booked = Book(anyway);
    ASSERT_OK(booked);
    EXPECT_EQ(booked->changes(0).reason(), "crisis");
  }
  EXPECT_THAT(ListSessions(course), IsEmpty());
}

TEST_F(SessionHandlerTest, AnOverlapIsNeverOverridden) {
  BookAt(OpenCourse("p1"), Monday(1, 10));
  auto request = Booking(OpenCourse("p2"), Monday(1, 10));
  request.mutable_override()->set_outside_availability(true);
  request.mutable_override()->set_past_deadline(true);
  request.mutable_override()->set_during_pause(true);
  request.mutable_override()->set_reason("crisis");
  EXPECT_THAT(Book(request), FailsWith(kPrecondition, "SLOT_TAKEN"));
}

TEST_F(SessionHandlerTest, KeepsToDeadlineAndPauses) {
  const std::string course = OpenCourse("p1");
  BookAt(course, Monday(1, 10));
  const auto late = Book(course, Monday(17, 10));
  EXPECT_THAT(late, FailsWith(kPrecondition, "PAST_DEADLINE"));
  EXPECT_EQ(Meta(late, "deadline"), "2027-03-01T00:00:00Z");
  EXPECT_OK(Book(course, Monday(16, 10)));
  ASSERT_OK(Pause(course, CivilDay(2026, 11, 16), CivilDay(2026, 11, 22)));
  EXPECT_THAT(Book(course, Monday(2, 10)), FailsWith(kPrecondition, "COURSE_PAUSED"));
  EXPECT_OK(Book(course, Monday(17, 10))) << "the pause has moved the deadline";
  auto paused = Booking(course, Monday(2, 10));
  paused.mutable_override()->set_during_pause(true);
  paused.mutable_override()->set_reason("agreed");
  EXPECT_OK(Book(paused));
}

TEST_F(SessionHandlerTest, BooksNoMoreThanAgreed) {
  auto request = NewCourse("p1");
  request.mutable_course()->set_planned_sessions(12);
  const auto course = Create(request);
  ASSERT_OK(course);
  std::vector<absl::Time> starts;
  for (int week = 1; week <= 12; ++week) starts.push_back(Monday(week, 10));
  ASSERT_OK(BookPlan(course->name(), starts));
  EXPECT_THAT(Book(course->name(), Monday(13, 10)), FailsWith(kPrecondition, "SESSION_LIMIT"));
  const auto more = BookPlan(course->name(), {Monday(13, 10), Monday(14, 10)});
  EXPECT_THAT(more, FailsWith(kPrecondition, "SERIES_CONFLICT"));
  EXPECT_THAT(Violations(more), ElementsAre("slots[0] SESSION_LIMIT", "slots[1] SESSION_LIMIT"));
  ASSERT_OK(Extend(course->name(), 13, 0));
  EXPECT_OK(Book(course->name(), Monday(13, 10)));
}

TEST_F(SessionHandlerTest, RefusesBookingsOfClosedCoursesAndInactiveTherapists) {
  const std::string course = OpenCourse("p1");
  ChangeTherapist("a", [](Therapist& t) { t.active = false; });
  EXPECT_THAT(Book(course, Monday(1, 10)), FailsWith(kPrecondition, "THERAPIST_INACTIVE"));
  ChangeTherapist("a", [](Therapist& t) { t.active = true; });
  ASSERT_OK(Discontinue(course));
  const auto closed = Book(course, Monday(1, 10));
  EXPECT_THAT(closed, FailsWith(kPrecondition, "COURSE_STATE"));
  EXPECT_EQ(Meta(closed, "state"), "DISCONTINUED");
  EXPECT_THAT(Book("clinics/north/courses/none", Monday(1, 10)),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SessionHandlerTest, TakesASessionIdOnce) {
  const std::string course = OpenCourse("p1");
  auto request = Booking(course, Monday(1, 10));
  request.set_session_id("one");
  ASSERT_OK(Book(request));
  *request.mutable_start_time() = Stamp(Monday(2, 10));
  EXPECT_THAT(Book(request), FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
}

TEST_F(SessionHandlerTest, WritesDownASessionThatTookPlaceUnbooked) {
  const std::string course = OpenCourse("p1");
  auto request = Booking(course, Now() - absl::Hours(24 * 3) + absl::Hours(10));  // a Friday, 22:00
  EXPECT_THAT(Book(request), HasBadFields("start_time"));
  request.set_retrospective(true);
  const auto session = Book(request);
  ASSERT_OK(session);
  ASSERT_OK(Record(session->name()));
  EXPECT_EQ(Get(course).state(), pb::COURSE_STATE_ACTIVE);
  *request.mutable_start_time() = Stamp(Now() - absl::Hours(24 * 32));
  EXPECT_THAT(Book(request), HasBadFields("start_time"));
  *request.mutable_start_time() = Stamp(Now() + absl::Hours(24));
  EXPECT_THAT(Book(request), HasBadFields("start_time"));
}

TEST_F(SessionHandlerTest, ValidateOnlyAnswersAndWritesNothing) {
  const std::string course = OpenCourse("p1");
  NewEvents();
  auto request = Booking(course, Monday(1, 10));
  request.set_validate_only(true);
  const auto session = Book(request);
  ASSERT_OK(session);
  EXPECT_EQ(session->session_number(), 1);
  EXPECT_THAT(ListSessions(course), IsEmpty());
  EXPECT_THAT(NewEvents(), IsEmpty());
}

// The revision that was rolled back is issued again: its etag would pass for the next write's.
TEST_F(SessionHandlerTest, ValidateOnlyTellsNoRevisionThatIsNotKept) {
  const std::string course = OpenCourse("p1");
  auto request = Booking(course, Monday(1, 10));
  request.set_validate_only(true);
  const auto created = Book(request);
  ASSERT_OK(created);
  EXPECT_EQ(created->revision(), 0);
  EXPECT_EQ(created->etag(), "");

  const auto plan = BookPlan(course, {Monday(1, 10)}, /*validate_only=*/true);
  ASSERT_OK(plan);
  EXPECT_EQ(plan->sessions(0).etag(), "");
  EXPECT_EQ(plan->course().etag(), Get(course).etag());

  const std::string name = BookAt(course, Monday(1, 10));
  pb::CancelSessionRequest cancel;
  cancel.set_name(name);
  cancel.set_cancelled_by(pb::CANCELLED_BY_CLINIC);
  cancel.set_validate_only(true);
  const auto cancelled = sessions_.CancelSession(Write(cancel), cancel);
  ASSERT_OK(cancelled);
  EXPECT_EQ(cancelled->etag(), GetSession(name).etag());
  // What it told may be sent back with the write itself.
  cancel.set_etag(cancelled->etag());
  cancel.set_validate_only(false);
  EXPECT_OK(sessions_.CancelSession(Write(cancel), cancel));
}

// ------------------------------------------------------------------------------------ move

TEST_F(SessionHandlerTest, MovesASessionInPlace) {
  const std::string course = OpenCourse("p1");
  const std::string name = BookAt(course, Monday(1, 10));
  NewEvents();
  const auto moved = Move(name, Monday(1, 10, 30));  // overlaps its old place
  ASSERT_OK(moved);
  ASSERT_EQ(moved->sessions_size(), 1);
  const pb::Session& session = moved->sessions(0);
  EXPECT_EQ(session.name(), name);
  EXPECT_EQ(session.sequence(), 1);
  EXPECT_EQ(Local(session.start_time()), "11-09 10:30");
  EXPECT_EQ(session.changes(1).kind(), pb::SESSION_CHANGE_KIND_RESCHEDULED);
  EXPECT_EQ(session.changes(1).reason(), "asked for");
  EXPECT_EQ(TimeOf(session.changes(1).previous_start_time()), Monday(1, 10));
  EXPECT_EQ(moved->revision(), session.revision());
  EXPECT_THAT(NewEvents(), ElementsAre("session", "course"));
  // To where it is already: nothing changes.
  const auto again = Move(name, Monday(1, 10, 30));
  ASSERT_OK(again);
  EXPECT_EQ(again->sessions(0).sequence(), 1);
  EXPECT_EQ(again->sessions(0).etag(), session.etag());
}

TEST_F(SessionHandlerTest, AMoveToWhereItIsTakesThePresentBuffer) {
  const std::string course = OpenCourse("p1");
  const std::string other = OpenCourse("p2");
  const std::string name = BookAt(course, Monday(1, 10));
  ChangeTherapist("a", [](Therapist& t) { t.buffer_minutes = 30; });
  const auto moved = Move(name, Monday(1, 10));
  ASSERT_OK(moved);
  EXPECT_EQ(moved->sessions(0).sequence(), 0) << "its time has not changed";
  EXPECT_EQ(moved->sessions(0).changes_size(), 1);
  EXPECT_THAT(Book(other, Monday(1, 11, 15)), FailsWith(kPrecondition, "SLOT_TAKEN"));
  EXPECT_OK(Book(other, Monday(1, 11, 20)));
  // Nothing is left to change.
  const auto again = Move(name, Monday(1, 10));
  ASSERT_OK(again);
  EXPECT_EQ(again->sessions(0).etag(), GetSession(name).etag());
  EXPECT_EQ(again->sessions(0).etag(), moved->sessions(0).etag());
}

TEST_F(SessionHandlerTest, MovesASeriesByLocalTimeAcrossAClockChange) {
  const std::string course = OpenCourse("p1");
  now_ = At(CivilMinute(2027, 3, 1, 12, 0));
  // Clocks go forward in London on 28 March 2027.
  std::vector<std::string> names;
  for (int day : {8, 15, 22, 29}) {
    names.push_back(BookAt(course, At(CivilMinute(2027, 3, day, 10, 0))));
  }
  const auto moved =
      Move(names[1], At(CivilMinute(2027, 3, 16, 11, 15)), pb::RESCHEDULE_SCOPE_THIS_AND_FOLLOWING);
  ASSERT_OK(moved);
  ASSERT_EQ(moved->sessions_size(), 3);
  EXPECT_EQ(Local(moved->sessions(0).start_time()), "03-16 11:15");
  EXPECT_EQ(Local(moved->sessions(1).start_time()), "03-23 11:15");
  EXPECT_EQ(Local(moved->sessions(2).start_time()), "03-30 11:15");
  EXPECT_EQ(Local(GetSession(names[0]).start_time()), "03-08 10:00");
}

TEST_F(SessionHandlerTest, MovesASeriesOntoItselfOrNotAtAll) {
  const std::string course = OpenCourse("p1");
  std::vector<std::string> names;
  for (int week = 1; week <= 3; ++week) names.push_back(BookAt(course, Monday(week, 10)));
  // By a week: each takes the place that the one after it leaves.
  ASSERT_OK(Move(names[0], Monday(2, 10), pb::RESCHEDULE_SCOPE_THIS_AND_FOLLOWING));
  EXPECT_EQ(Local(GetSession(names[2]).start_time()), "11-30 10:00");

  BookAt(OpenCourse("p2"), Monday(3, 14));
  AddHoliday(CivilDay(2026, 11, 30));
  const auto refused = Move(names[0], Monday(2, 14), pb::RESCHEDULE_SCOPE_THIS_AND_FOLLOWING);
  EXPECT_THAT(refused, FailsWith(kPrecondition, "SERIES_CONFLICT"));
  EXPECT_THAT(Violations(refused),
              ElementsAre("sessions[1] SLOT_TAKEN", "sessions[2] OUTSIDE_AVAILABILITY"));
  EXPECT_EQ(Local(GetSession(names[0]).start_time()), "11-16 10:00");
}

TEST_F(SessionHandlerTest, MovesOnlyBookedSessionsToCome) {
  const std::string course = OpenCourse("p1");
  const std::string first = BookAt(course, Monday(1, 10));
  const std::string second = BookAt(course, Monday(2, 10));
  ASSERT_OK(Cancel(second));
  const auto cancelled = Move(second, Monday(3, 10));
  EXPECT_THAT(cancelled, FailsWith(kPrecondition, "SESSION_STATE"));
  EXPECT_EQ(Meta(cancelled, "state"), "CANCELLED");
  now_ = Monday(1, 10);
  EXPECT_THAT(Move(first, Monday(3, 10)), FailsWith(kPrecondition, "SESSION_STATE"));
  EXPECT_THAT(Move(course + "/sessions/none", Monday(3, 10)),
              FailsWith(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Move(first, Monday(1, 9)), HasBadFields("start_time"));
}

TEST_F(SessionHandlerTest, AStaleEtagIsTold) {
  const std::string course = OpenCourse("p1");
  const pb::Session before = GetSession(BookAt(course, Monday(1, 10)));
  ASSERT_OK(Move(before.name(), Monday(1, 11)));
  pb::RescheduleSessionRequest move;
  move.set_name(before.name());
  move.set_etag(before.etag());
  *move.mutable_start_time() = Stamp(Monday(1, 12));
  EXPECT_THAT(sessions_.RescheduleSession(Write(move), move),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  move.set_etag("rubbish");
  EXPECT_THAT(sessions_.RescheduleSession(Write(move), move),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  move.set_etag(GetSession(before.name()).etag());
  EXPECT_OK(sessions_.RescheduleSession(Write(move), move));
}

TEST_F(SessionHandlerTest, AHistoryEndsButNotBeforeWhatEndsTheSession) {
  const std::string course = OpenCourse("p1");
  const std::string name = BookAt(course, Monday(1, 10));
  const std::string other = BookAt(course, Monday(1, 14));
  for (const std::string& session : {name, other}) {
    for (int i = 1; i < 80; ++i) {
      ASSERT_OK(Move(session, TimeOf(GetSession(session).start_time()) +
                                  absl::Minutes(i % 2 == 0 ? -15 : 15)));
    }
  }
  const auto full = FailsWith(kPrecondition, "SESSION_HISTORY_FULL");
  const auto refused = Move(name, Monday(1, 11));
  EXPECT_THAT(refused, full);
  EXPECT_EQ(Meta(refused, "changes"), "80");
  EXPECT_THAT(Move(name, Monday(1, 11), pb::RESCHEDULE_SCOPE_THIS_AND_FOLLOWING), full);
  pb::UpdateSessionRequest update;
  update.mutable_session()->set_name(name);
  update.mutable_session()->set_location("Room 3");
  EXPECT_THAT(sessions_.UpdateSession(Write(update), update), full);
  EXPECT_THAT(Violations(Transfer(course, "b")),
              ElementsAre("sessions[0] SESSION_HISTORY_FULL", "sessions[1] SESSION_HISTORY_FULL"));
  EXPECT_OK(Cancel(other));

  now_ = Monday(1, 12);
  ASSERT_OK(Record(name, pb::ATTENDANCE_OUTCOME_NO_SHOW));
  for (int i = 82; i <= 100; ++i) {
    ASSERT_OK(Record(name,
                     i % 2 == 0 ? pb::ATTENDANCE_OUTCOME_ATTENDED : pb::ATTENDANCE_OUTCOME_NO_SHOW,
                     "was there, or not"));
  }
  EXPECT_THAT(Record(name, pb::ATTENDANCE_OUTCOME_NO_SHOW, "not"), full);
  EXPECT_EQ(GetSession(name).changes_size(), 100);
}

TEST_F(SessionHandlerTest, ACourseKeepsNoMoreThan500Sessions) {
  std::vector<absl::Time> starts;
  starts.reserve(498);
  for (int i = 0; i < 498; ++i) starts.push_back(Monday(1, 0) + i * absl::Hours(1));
  AddCourse("p1", "a", starts, SessionState::kCancelled);
  const std::string course = "clinics/north/courses/kp1";
  const auto too_many = FailsWith(kPrecondition, "TOO_MANY_SESSIONS");
  const auto plan = BookPlan(course, {Monday(1, 10), Monday(2, 10), Monday(3, 10)});
  EXPECT_THAT(plan, too_many);
  EXPECT_EQ(Meta(plan, "maximum"), "500");
  ASSERT_OK(BookPlan(course, {Monday(1, 10), Monday(2, 10)}));
  EXPECT_THAT(Book(course, Monday(3, 10)), too_many);
}

// ---------------------------------------------------------------------------------- cancel

TEST_F(SessionHandlerTest, ACancellationIsLateByThePolicyOfTheMoment) {
  ChangePolicy([](SchedulingPolicy& p) {
    p.cancellation_notice_hours = 24;
    p.late_cancellation_uses_session = true;
  });
  const std::string course = OpenCourse("p1");
  const std::string in_time = BookAt(course, Monday(1, 10));
  const std::string late = BookAt(course, Monday(1, 11));
  const std::string by_clinic = BookAt(course, Monday(1, 12));
  now_ = Monday(1, 10) - absl::Hours(24);  // exactly the notice asked for
  auto session = Cancel(in_time);
  ASSERT_OK(session);
  EXPECT_FALSE(session->cancellation().late());
  EXPECT_EQ(session->session_number(), 0);
  now_ = Monday(1, 11) - absl::Hours(24) + absl::Seconds(1);
  session = Cancel(late);
  ASSERT_OK(session);
  EXPECT_TRUE(session->cancellation().late());
  EXPECT_TRUE(session->uses_session());
  EXPECT_EQ(session->session_number(), 1);
  session = Cancel(by_clinic, pb::CANCELLED_BY_CLINIC);
  ASSERT_OK(session);
  EXPECT_FALSE(session->cancellation().late());
  EXPECT_FALSE(session->uses_session());
  const pb::Course after = Get(course);
  EXPECT_EQ(after.progress().used_sessions(), 1);
  EXPECT_EQ(after.progress().attended_sessions(), 0);
  EXPECT_EQ(after.state(), pb::COURSE_STATE_PLANNED) << "only attendance starts a course";
  // The time is free again.
  EXPECT_OK(Book(OpenCourse("p2"), Monday(1, 12)));
}

TEST_F(SessionHandlerTest, CancelsOnlyBookedSessionsToCome) {
  const std::string course = OpenCourse("p1");
  const std::string name = BookAt(course, Monday(1, 10));
  ASSERT_OK(Cancel(name));
  EXPECT_THAT(Cancel(name), FailsWith(kPrecondition, "SESSION_STATE"));
  const std::string begun = BookAt(course, Monday(1, 11));
  now_ = Monday(1, 11);
  EXPECT_THAT(Cancel(begun), FailsWith(kPrecondition, "SESSION_STATE"));
}

TEST_F(SessionHandlerTest, NumbersCloseUpBehindACancellation) {
  const std::string course = OpenCourse("p1");
  std::vector<std::string> names;
  for (int week = 1; week <= 3; ++week) names.push_back(BookAt(course, Monday(week, 10)));
  ASSERT_OK(Cancel(names[0]));
  EXPECT_EQ(GetSession(names[0]).session_number(), 0);
  EXPECT_EQ(GetSession(names[1]).session_number(), 1);
  EXPECT_EQ(GetSession(names[2]).session_number(), 2);
  EXPECT_EQ(GetSession(names[1]).week_number(), 1) << "the projected start has moved";
}

// ------------------------------------------------------------------------------ attendance

TEST_F(SessionHandlerTest, AttendanceStartsTheWeekClock) {
  const std::string course = OpenCourse("p1");
  const std::string missed = BookAt(course, Monday(1, 10));
  const std::string held = BookAt(course, Monday(2, 10));
  EXPECT_THAT(Record(missed), FailsWith(kPrecondition, "SESSION_IN_FUTURE"));
  now_ = Monday(2, 10);
  NewEvents();
  auto session = Record(missed, pb::ATTENDANCE_OUTCOME_NO_SHOW);
  ASSERT_OK(session);
  EXPECT_EQ(session->state(), pb::SESSION_STATE_NO_SHOW);
  EXPECT_EQ(session->attendance().source(), pb::ATTENDANCE_SOURCE_THERAPIST);
  EXPECT_EQ(session->session_number(), 0);
  EXPECT_THAT(NewEvents(), ElementsAre("session", "session", "course")) << "one has a new number";
  session = Record(held, pb::ATTENDANCE_OUTCOME_ATTENDED_LATE);
  ASSERT_OK(session);
  EXPECT_EQ(session->session_number(), 1);
  EXPECT_THAT(NewEvents(), ElementsAre("session", "course")) << "the course became ACTIVE";
  const pb::Course after = Get(course);
  EXPECT_EQ(after.state(), pb::COURSE_STATE_ACTIVE);
  EXPECT_FALSE(after.progress().start_projected());
  EXPECT_EQ(DayOf(after.progress().start_date()), CivilDay(2026, 11, 16));
  EXPECT_EQ(DayOf(after.progress().deadline_date()), CivilDay(2026, 11, 16) + 111);
}

TEST_F(SessionHandlerTest, ACorrectionNeedsAReasonAndKeepsHistory) {
  const std::string course = OpenCourse("p1");
  const std::string name = Attended(course, Monday(1, 10));
  EXPECT_THAT(Record(name, pb::ATTENDANCE_OUTCOME_NO_SHOW), HasBadFields("correction_reason"));
  const auto session = Record(name, pb::ATTENDANCE_OUTCOME_NO_SHOW, "wrong patient");
  ASSERT_OK(session);
  const pb::SessionChange& change = session->changes(session->changes_size() - 1);
  EXPECT_EQ(change.kind(), pb::SESSION_CHANGE_KIND_ATTENDANCE_CORRECTED);
  EXPECT_EQ(change.previous_outcome(), pb::ATTENDANCE_OUTCOME_ATTENDED);
  EXPECT_EQ(change.reason(), "wrong patient");
  const pb::Course after = Get(course);
  EXPECT_EQ(after.state(), pb::COURSE_STATE_PLANNED);
  EXPECT_TRUE(after.progress().start_projected());
  EXPECT_EQ(after.progress().attended_sessions(), 0);
}

TEST_F(SessionHandlerTest, ANoShowUsesUpASessionByThePolicyOfThatMoment) {
  ChangePolicy([](SchedulingPolicy& p) { p.no_show_uses_session = true; });
  const std::string course = OpenCourse("p1");
  const std::string first = BookAt(course, Monday(1, 10));
  const std::string second = BookAt(course, Monday(2, 10));
  now_ = Monday(2, 12);
  ASSERT_OK(Record(first, pb::ATTENDANCE_OUTCOME_NO_SHOW));
  ChangePolicy([](SchedulingPolicy& p) { p.no_show_uses_session = false; });
  ASSERT_OK(Record(second, pb::ATTENDANCE_OUTCOME_NO_SHOW));
  EXPECT_TRUE(GetSession(first).uses_session());
  EXPECT_FALSE(GetSession(second).uses_session());
  EXPECT_EQ(Get(course).progress().used_sessions(), 1);
}

TEST_F(SessionHandlerTest, ACancelledSessionHasNoAttendance) {
  const std::string course = OpenCourse("p1");
  const std::string name = BookAt(course, Monday(1, 10));
  ASSERT_OK(Cancel(name));
  now_ = Monday(1, 11);
  EXPECT_THAT(Record(name), FailsWith(kPrecondition, "SESSION_STATE"));
}

// What took place is recorded, whatever was agreed: the excess is told.
TEST_F(SessionHandlerTest, ACorrectionMayUseUpMoreThanAgreed) {
  auto request = NewCourse("p1");
  request.mutable_course()->set_planned_sessions(12);
  const std::string course = Create(request)->name();
  const std::string missed = BookAt(course, Monday(1, 10));
  now_ = Monday(1, 11);
  ASSERT_OK(Record(missed, pb::ATTENDANCE_OUTCOME_NO_SHOW));
  std::vector<absl::Time> starts;
  for (int week = 2; week <= 13; ++week) starts.push_back(Monday(week, 10));
  const auto booked = BookPlan(course, starts);
  ASSERT_OK(booked);
  EXPECT_EQ(Get(course).progress().excess_sessions(), 0);
  ASSERT_OK(Record(missed, pb::ATTENDANCE_OUTCOME_ATTENDED, "was there"));
  const pb::Course after = Get(course);
  EXPECT_EQ(after.progress().used_sessions(), 1);
  EXPECT_EQ(after.progress().booked_sessions(), 12);
  EXPECT_EQ(after.progress().unbooked_sessions(), 0);
  EXPECT_EQ(after.progress().excess_sessions(), 1);
  const std::string last = booked->sessions(11).name();
  EXPECT_EQ(GetSession(last).session_number(), 13);
  // Booked ones may still be moved; further ones are not booked.
  EXPECT_OK(Move(last, Monday(13, 11)));
  EXPECT_OK(
      Move(booked->sessions(10).name(), Monday(12, 11), pb::RESCHEDULE_SCOPE_THIS_AND_FOLLOWING));
  EXPECT_THAT(Book(course, Monday(14, 10)), FailsWith(kPrecondition, "SESSION_LIMIT"));
  ASSERT_OK(Cancel(last));
  EXPECT_EQ(Get(course).progress().excess_sessions(), 0);
  EXPECT_THAT(Book(course, Monday(14, 10)), FailsWith(kPrecondition, "SESSION_LIMIT"));
}

TEST_F(SessionHandlerTest, ASessionThatTookPlaceIsWrittenDownBeyondTheAgreedNumber) {
  auto request = NewCourse("p1");
  request.mutable_course()->set_planned_sessions(12);
  const std::string course = Create(request)->name();
  std::vector<absl::Time> starts;
  for (int week = 1; week <= 12; ++week) starts.push_back(Monday(week, 10));
  ASSERT_OK(BookPlan(course, starts));
  now_ = Monday(2, 9);
  auto held = Booking(course, Monday(1, 14));
  held.set_retrospective(true);
  const auto session = Book(held);
  ASSERT_OK(session);
  ASSERT_OK(Record(session->name()));
  EXPECT_EQ(Get(course).progress().excess_sessions(), 1);
}

// ---------------------------------------------------------------------------- update, lists

TEST_F(SessionHandlerTest, UpdatesModalityAndLocationOnly) {
  const std::string name = BookAt(OpenCourse("p1"), Monday(1, 10));
  pb::UpdateSessionRequest request;
  request.mutable_session()->set_name(name);
  request.mutable_session()->set_modality(pb::MODALITY_VIDEO);
  request.mutable_session()->set_location("https://video.example/1");
  const auto session = sessions_.UpdateSession(Write(request), request);
  ASSERT_OK(session);
  EXPECT_EQ(session->modality(), pb::MODALITY_VIDEO);
  EXPECT_EQ(session->sequence(), 0);
  EXPECT_EQ(session->changes(1).kind(), pb::SESSION_CHANGE_KIND_UPDATED);
  request.mutable_update_mask()->add_paths("state");
  EXPECT_THAT(sessions_.UpdateSession(Write(request), request),
              HasBadFields("update_mask.paths[0]"));
  request.mutable_session()->clear_name();
  EXPECT_THAT(sessions_.UpdateSession(Write(request), request), HasBadFields("session.name"));
}

TEST_F(SessionHandlerTest, ListsPageByPageAndTheWorkListOfMissingAttendance) {
  const std::string one = OpenCourse("p1");
  const std::string two = OpenCourse("p2", "b");
  for (int week = 1; week <= 3; ++week) {
    BookAt(one, Monday(week, 10));
    BookAt(two, Monday(week, 10));
  }
  pb::ListSessionsRequest request;
  request.set_parent("clinics/north/courses/-");
  request.set_page_size(4);
  std::vector<std::string> names;
  int pages = 0;
  do {
    const auto page = sessions_.ListSessions(Read(), request);
    ASSERT_OK(page);
    for (const auto& session : page->sessions()) names.push_back(session.name());
    request.set_page_token(page->next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(names.size(), 6u);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 6u);

  now_ = Monday(2, 10, 50);
  EXPECT_THAT(ListSessions("clinics/north/courses/-", true), SizeIs(4));
  ASSERT_OK(Record(ListSessions(one)[0].name()));
  EXPECT_THAT(ListSessions(one, true), SizeIs(1));

  pb::ListSessionsRequest bad;
  bad.set_parent(one);
  bad.add_states(pb::SESSION_STATE_UNSPECIFIED);
  *bad.mutable_start_time() = Stamp(now_);
  *bad.mutable_end_time() = Stamp(now_);
  EXPECT_THAT(sessions_.ListSessions(Read(), bad), HasBadFields("states[0]", "end_time"));
  bad.Clear();
  bad.set_parent("clinics/north/courses/none");
  EXPECT_THAT(sessions_.ListSessions(Read(), bad), StatusIs(absl::StatusCode::kNotFound));
}

// --------------------------------------------------------------------------------- FindSlots

class FindSlotsTest : public BookingTest {
 protected:
  FindSlotsTest() {
    request_.set_parent("clinics/north");
    *request_.mutable_start_time() = Stamp(Monday(1, 0));
    *request_.mutable_end_time() = Stamp(Monday(1, 12));
    request_.set_page_size(1000);
  }
  // "a 11-09 09:00" of each.
  std::vector<std::string> Find() {
    const auto response = sessions_.FindSlots(Read(), request_);
    EXPECT_OK(response);
    std::vector<std::string> found;
    if (!response.ok()) return found;
    for (const pb::Slot& slot : response->slots()) {
      found.push_back(absl::StrCat(slot.therapist().substr(slot.therapist().rfind('/') + 1), " ",
                                   Local(slot.start_time())));
    }
    request_.set_page_token(response->next_page_token());
    return found;
  }
  pb::FindSlotsRequest request_;
};

TEST_F(FindSlotsTest, FindsFreeTimesOfAllTherapistsInPages) {
  request_.set_session_minutes(60);
  *request_.mutable_end_time() = Stamp(Monday(1, 10, 30));
  const std::vector<std::string> all = Find();
  EXPECT_THAT(all, ElementsAre("a 11-09 09:00", "b 11-09 09:00", "a 11-09 09:15", "b 11-09 09:15",
                               "a 11-09 09:30", "b 11-09 09:30"));
  request_.set_page_size(4);
  std::vector<std::string> paged;
  do {
    for (const std::string& slot : Find()) paged.push_back(slot);
  } while (!request_.page_token().empty());
  EXPECT_EQ(paged, all);
}

TEST_F(FindSlotsTest, EverySlotThatItFindsCanBeBooked) {
  const std::string course = OpenCourse("p1");
  BookAt(OpenCourse("p2"), Monday(1, 10));
  request_.add_therapists("clinics/north/therapists/a");
  request_.set_course(course);
  *request_.mutable_end_time() = Stamp(Monday(3, 12));
  const auto response = sessions_.FindSlots(Read(), request_);
  ASSERT_OK(response);
  ASSERT_GT(response->slots_size(), 50);
  for (const pb::Slot& slot : response->slots()) {
    auto booking = Booking(course, TimeOf(slot.start_time()));
    booking.set_validate_only(true);
    EXPECT_THAT(Book(booking), IsOk()) << Local(slot.start_time());
  }
}

TEST_F(FindSlotsTest, KeepsTheBufferBeforeABookingThatBeginsWhereTheSearchEnds) {
  BookAt(OpenCourse("p2"), Monday(1, 12));
  request_.add_therapists("clinics/north/therapists/a");  // 10 minutes after each session
  request_.set_session_minutes(45);
  *request_.mutable_start_time() = Stamp(Monday(1, 10, 45));
  EXPECT_THAT(Find(), ElementsAre("a 11-09 10:45", "a 11-09 11:00"));
}

TEST_F(FindSlotsTest, LeavesOutWhereTherapistOrPatientIsTaken) {
  const std::string course = OpenCourse("p1", "b");
  const std::string session = BookAt(course, Monday(1, 9, 30));
  request_.add_therapists("clinics/north/therapists/a");
  *request_.mutable_end_time() = Stamp(Monday(1, 10, 30));
  EXPECT_THAT(Find(), ElementsAre("a 11-09 09:00", "a 11-09 09:15", "a 11-09 09:30"));
  request_.set_course(course);
  EXPECT_THAT(Find(), IsEmpty()) << "the patient is with b";
  request_.set_ignore_session(session);
  EXPECT_THAT(Find(), SizeIs(3));
  request_.set_ignore_session(course + "/sessions/none");
  EXPECT_THAT(sessions_.FindSlots(Read(), request_), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FindSlotsTest, KeepsToWindowsPausesLanguageAndVariant) {
  auto wish = NewCourse("p1");
  auto* window = wish.mutable_course()->add_preferred_windows();
  window->set_day(google::type::MONDAY);
  window->mutable_start()->set_hours(11);
  window->mutable_end()->set_hours(12);
  const std::string course = Create(wish)->name();
  request_.set_course(course);
  EXPECT_THAT(Find(), ElementsAre("a 11-09 11:00", "b 11-09 11:00"));
  ChangeTherapist("b", [](Therapist& t) {
    t.languages = {"fr"};
    t.variants = {"ipc-6"};
  });
  for (const char* french : {"fr", "FR"}) {
    request_.set_language(french);
    EXPECT_THAT(Find(), ElementsAre("b 11-09 11:00")) << french;
  }
  request_.clear_language();
  request_.set_variant("ipt-uk-16");
  EXPECT_THAT(Find(), ElementsAre("a 11-09 11:00"));
  ASSERT_OK(Pause(course, CivilDay(2026, 11, 9), CivilDay(2026, 11, 9)));
  EXPECT_THAT(Find(), IsEmpty());
}

TEST_F(FindSlotsTest, OffersNothingInThePastAndNothingOfInactiveTherapists) {
  now_ = Monday(1, 10);
  EXPECT_EQ(Find().front(), "a 11-09 10:15");
  ChangeTherapist("a", [](Therapist& t) { t.active = false; });
  EXPECT_EQ(Find().front(), "b 11-09 10:15");
  request_.add_therapists("clinics/north/therapists/a");
  EXPECT_THAT(Find(), IsEmpty());
  request_.add_therapists("clinics/north/therapists/none");
  EXPECT_THAT(sessions_.FindSlots(Read(), request_), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FindSlotsTest, NamesItsBadFields) {
  *request_.mutable_end_time() = Stamp(Monday(1, 0) + absl::Hours(24 * 93));
  request_.set_session_minutes(5);
  request_.set_variant("no-such");
  request_.set_language("no such");
  EXPECT_THAT(sessions_.FindSlots(Read(), request_),
              HasBadFields("end_time", "session_minutes", "language", "variant"));
  request_.clear_language();
  *request_.mutable_end_time() = request_.start_time();
  request_.set_session_minutes(0);
  request_.clear_variant();
  EXPECT_THAT(sessions_.FindSlots(Read(), request_), HasBadFields("end_time", "session_minutes"));
  request_.clear_session_minutes();
  EXPECT_THAT(sessions_.FindSlots(Read(), request_), HasBadFields("end_time"));
}

}  // namespace
}  // namespace ipt::scheduling
