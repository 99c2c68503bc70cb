#!/usr/bin/python3
"""A hospital's days with the scheduling service, as its integration engineer would script them: on both
stores, without and with TLS and a token. What must be in the past is imported, as on a first day."""

import datetime
import unittest
import zoneinfo

import support  # first: it makes the generated stubs importable
from google.protobuf import field_mask_pb2
from ipt.common.v1 import options_pb2
from ipt.scheduling.v1 import course_pb2, plan_pb2, session_pb2, variant_pb2

from support import LONDON, at, date, day_of, instant, next_weekday, now, ts

DAY = datetime.timedelta(days=1)
WEEK = 7 * DAY
TODAY = support.today()


def mask(*paths):
    return field_mask_pb2.FieldMask(paths=paths)


def past_weekly(count, weeks_ago, hour=10):
    """Starts of `count` weekly sessions, the first so many weeks ago, on today's weekday."""
    return [at(TODAY - weeks_ago * WEEK + i * WEEK, hour) for i in range(count)]


def kinds(resource, enum):
    return [enum.Name(change.kind).rsplit("_KIND_", 1)[1] for change in resource.changes]


@support.on_all()
class Journey:
    # ------------------------------------------------------------------ clinics, therapists, hours

    def test_clinic_defaults_and_update(self):
        made = self.make_clinic()
        self.assertEqual(self.clinic, made.name)
        self.assertEqual("Europe/London", made.time_zone)
        self.assertFalse(made.policy.HasField("session_minutes"))  # its default holds
        self.assertEqual(made, self.api.GetClinic(name=self.clinic))
        self.assertIn(made, self.api.all("ListClinics", "clinics", page_size=2))

        changed = self.api.UpdateClinic(
            clinic=dict(name=self.clinic, display_name="Ignored", policy=dict(pause_cap_days=14),
                        etag=made.etag), update_mask=mask("policy.pause_cap_days"))
        self.assertEqual((14, "North"), (changed.policy.pause_cap_days, changed.display_name))
        self.assertNotEqual(made.etag, changed.etag)
        self.assertGreater(changed.revision, made.revision)
        with self.refused("ABORTED", "ETAG_MISMATCH"):
            self.api.UpdateClinic(clinic=dict(name=self.clinic, display_name="New", etag=made.etag))
        with self.refused("ALREADY_EXISTS", "RESOURCE_EXISTS"):
            self.make_clinic()

    def test_holidays_tell_affected_sessions(self):
        self.make_clinic()
        self.make_therapist()
        booked = self.book_plan(self.make_course()).sessions
        third = booked[2]
        holidays = [dict(date=third.local_date, display_name="Founders' day")]
        asked = dict(parent=self.clinic, holidays=holidays)
        for validate_only in (True, False):
            answer = self.api.CreateHolidays(validate_only=validate_only, **asked)
            self.assertEqual([third.name], [s.name for s in answer.affected_sessions])
            self.assertEqual(validate_only, answer.revision == 0)
            listed = self.api.all("ListHolidays", "holidays", parent=self.clinic)
            self.assertEqual(0 if validate_only else 1, len(listed))
        day = f"{third.local_date.year}-{third.local_date.month:02}-{third.local_date.day:02}"
        self.assertEqual(f"{self.clinic}/holidays/{day}", listed[0].name)
        self.assertEqual(session_pb2.SESSION_STATE_BOOKED,
                         self.api.GetSession(name=third.name).state)
        with self.refused("FAILED_PRECONDITION", "OUTSIDE_AVAILABILITY"):
            self.api.BookSession(parent=self.make_course("c2").name,
                                 start_time=ts(instant(third.start_time) + 2 * DAY / 24))
        self.api.DeleteHoliday(name=listed[0].name)
        self.assertEqual([], self.api.all("ListHolidays", "holidays", parent=self.clinic))
        with self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND"):
            self.api.DeleteHoliday(name=listed[0].name)

    def test_therapists_are_found_by_what_they_offer(self):
        self.make_clinic()
        ana = self.make_therapist("ana", languages=["en", "pt-BR"], variants=["ipt-uk-16"],
                                  buffer_minutes=10, max_active_courses=1)
        self.make_therapist("ben", languages=["en"])
        self.assertTrue(ana.active)
        listed = lambda **by: [t.name.rsplit("/")[-1] for t in self.api.all(  # noqa: E731
            "ListTherapists", "therapists", parent=self.clinic, page_size=1, **by)]
        self.assertEqual(["ana", "ben"], listed())
        self.assertEqual(["ana"], listed(language="pt-BR"))
        self.assertEqual(["ana", "ben"], listed(variant="ipt-uk-16"))
        other = next(v.id for v in self.api.ListVariants().variants if v.id != "ipt-uk-16")
        self.assertEqual(["ben"], listed(variant=other))
        with self.refused("FAILED_PRECONDITION", "THERAPIST_LACKS_VARIANT"):
            self.make_course("c0", variant=other)
        self.make_course("c1")
        self.assertEqual(1, self.api.GetTherapist(name=ana.name).open_courses)
        with self.refused("FAILED_PRECONDITION", "THERAPIST_FULL"):
            self.make_course("c2")
        changed = self.api.UpdateTherapist(
            therapist=dict(name=ana.name, max_active_courses=2, languages=["en"]),
            update_mask=mask("max_active_courses", "languages")).therapist
        self.assertEqual((2, ["en"], 10), (changed.max_active_courses, list(changed.languages),
                                           changed.buffer_minutes))
        self.make_course("c2")

    def test_hours_time_off_and_extra_hours(self):
        self.make_clinic()
        ana = self.make_therapist().name
        booked = self.book_plan(self.make_course()).sessions
        first, second, third = booked[:3]
        asked = dict(parent=ana, time_off=dict(reason=1, days=dict(first=second.local_date,
                                                                   last=third.local_date)))
        would = self.api.CreateTimeOff(validate_only=True, **asked)
        self.assertEqual([], self.api.all("ListTimeOff", "time_off", parent=ana))
        leave = self.api.CreateTimeOff(**asked)
        for answer in (would, leave):
            self.assertEqual([second.name, third.name], [s.name for s in answer.affected_sessions])
        self.assertEqual(at(day_of(second.local_date), 0), instant(leave.time_off.start_time))
        self.assertEqual(at(day_of(third.local_date) + DAY, 0), instant(leave.time_off.end_time))
        with self.refused("FAILED_PRECONDITION", "OUTSIDE_AVAILABILITY"):
            self.api.BookSession(parent=self.make_course("c2").name,
                                 start_time=ts(instant(second.start_time) + 2 * DAY / 24))
        calendar = self.api.GetTherapistCalendar(name=ana, first_day=second.local_date, days=1)
        self.assertEqual(([], [leave.time_off.name], [second.name]),
                         (list(calendar.available), [t.name for t in calendar.time_off],
                          [s.name for s in calendar.sessions]))
        self.api.DeleteTimeOff(name=leave.time_off.name)
        self.assertEqual([], self.api.all("ListTimeOff", "time_off", parent=ana))

        saturday = next_weekday(5, TODAY + 2 * WEEK)
        slots = lambda: self.api.all(  # noqa: E731
            "FindSlots", "slots", parent=self.clinic, start_time=ts(at(saturday, 0)),
            end_time=ts(at(saturday + DAY, 0)))
        self.assertEqual([], slots())
        extra = self.api.CreateExtraHours(parent=ana, extra_hours=dict(time=dict(
            start_time=ts(at(saturday, 10)), end_time=ts(at(saturday, 12)))))
        self.assertEqual([extra], self.api.all("ListExtraHours", "extra_hours", parent=ana))
        found = slots()
        self.assertEqual(at(saturday, 10), instant(found[0].start_time))
        self.assertEqual(at(saturday, 11), instant(found[4].start_time))
        self.assertEqual(5, len(found))  # 50 minutes every 15: 10:00 to 11:00
        session = self.api.BookSession(parent=self.make_course("c3").name,
                                       start_time=found[0].start_time)
        gone = self.api.DeleteExtraHours(name=extra.name, validate_only=True)
        self.assertEqual(([session.name], 0), ([s.name for s in gone.affected_sessions], gone.revision))
        self.assertEqual([session.name], [s.name for s in self.api.DeleteExtraHours(
            name=extra.name).affected_sessions])
        self.assertEqual([], self.api.all("ListExtraHours", "extra_hours", parent=ana))

        day = day_of(first.local_date).isoweekday()
        narrowed = self.api.UpdateTherapist(therapist=dict(name=ana, working_hours=support.weekly(
            [d for d in range(1, 6) if d != day])), update_mask=mask("working_hours"))
        self.assertEqual([s.name for s in booked if day_of(s.local_date).isoweekday() == day],
                         [s.name for s in narrowed.affected_sessions])

    def test_therapist_leaves_and_courses_are_transferred_together(self):
        self.make_clinic()
        ana = self.make_therapist("ana").name
        ben = self.make_therapist("ben").name
        courses = [self.make_course(f"c{i}") for i in range(3)]
        sessions = [s for c in courses[:2] for s in self.book_plan(c).sessions]
        with self.refused("FAILED_PRECONDITION", "THERAPIST_HAS_COURSES"):
            self.api.DeactivateTherapist(name=ana)
        would = self.api.DeactivateTherapist(name=ana, force=True, validate_only=True)
        self.assertEqual([c.name for c in courses], list(would.open_courses))
        self.assertEqual(len(sessions), len(would.affected_sessions))
        self.assertTrue(self.api.GetTherapist(name=ana).active)

        # One of ben's own sessions is in the way of one of ana's.
        own = self.make_course("own", therapist="ben")
        clash = self.api.BookSession(parent=own.name, start_time=sessions[4].start_time)
        move = dict(from_therapist=ana, to_therapist=ben, reason="ana leaves")
        with self.refused("FAILED_PRECONDITION", "SERIES_CONFLICT") as refusal:
            self.api.TransferCourses(**move)
        self.assertEqual(1, len(refusal.error.preconditions), refusal.error)
        self.assertEqual(3, self.api.GetTherapist(name=ana).open_courses)  # all or none
        would = self.api.TransferCourses(on_conflict=2, validate_only=True, **move)
        self.assertEqual(0, would.revision)
        done = self.api.TransferCourses(on_conflict=2, **move)
        self.assertEqual([c.name for c in courses], [t.course.name for t in done.transfers])
        cancelled = [s for t in done.transfers for s in t.cancelled_sessions]
        self.assertEqual([sessions[4].name], [s.name for s in cancelled])
        self.assertEqual(len(sessions) - 1, sum(len(t.moved_sessions) for t in done.transfers))
        self.assertEqual(session_pb2.CANCELLED_BY_CLINIC, cancelled[0].cancellation.cancelled_by)
        course = self.api.GetCourse(name=courses[0].name)
        self.assertEqual(ben, course.therapist)
        given = [e for e in self.api.all("ListAuditEntries", "audit_entries", parent=self.clinic,
                                         resource=course.name) if e.method.endswith("/TransferCourses")]
        self.assertIn(course.name, [e.resource for e in given])
        self.assertEqual(1, len({e.request_id for e in given}))
        self.assertEqual((ana, "ana leaves"), (course.changes[-1].previous_therapist,
                                               course.changes[-1].reason))
        self.assertEqual(session_pb2.SESSION_STATE_BOOKED, self.api.GetSession(name=clash.name).state)
        left = self.api.DeactivateTherapist(name=ana)
        self.assertEqual(([], [], False), (list(left.open_courses), list(left.affected_sessions),
                                           left.therapist.active))
        with self.refused("FAILED_PRECONDITION", "THERAPIST_INACTIVE"):
            self.make_course("late")
        self.assertTrue(self.api.ActivateTherapist(name=ana).active)
        back = self.api.TransferCourse(name=courses[0].name, therapist=ana)
        self.assertEqual(ana, back.course.therapist)
        self.assertTrue(all(s.therapist == ana for s in back.moved_sessions))
        self.assertIn("TRANSFERRED", kinds(back.moved_sessions[0], session_pb2.SessionChangeKind))

    # ---------------------------------------------------------------------- a course from its start

    def test_plan_and_book_sixteen_weeks(self):
        self.make_clinic()
        self.make_therapist()
        course = self.make_course()
        self.assertEqual((course_pb2.COURSE_STATE_PLANNED, "ipt-uk-16", 16, 16, 7),
                         (course.state, course.variant, course.planned_sessions,
                          course.duration_weeks, course.cadence_days))
        plan = self.api.PlanCourse(name=course.name, earliest_time=ts(support.tomorrow()))
        self.assertEqual((16, 0), (len(plan.sessions), plan.unplaced_sessions))
        self.assertEqual(list(range(1, 17)), [s.session_number for s in plan.sessions])
        phase = variant_pb2.Phase.Name
        self.assertEqual(["PHASE_INITIAL"] * 4 + ["PHASE_MIDDLE"] * 8 + ["PHASE_TERMINATION"] * 4,
                         [phase(s.phase) for s in plan.sessions])
        for s in plan.sessions:
            self.assertEqual(plan_pb2.PLAN_VERDICT_ON_PATTERN, s.verdict)
            self.assertEqual([], list(s.reasons))
            self.assertLessEqual(len(s.alternatives), 5)
            local = instant(s.start_time).astimezone(LONDON)
            self.assertEqual((plan.day, plan.time.hours, plan.time.minutes),
                             (local.isoweekday(), local.hour, local.minute))
            self.assertEqual(50 * 60, s.end_time.seconds - s.start_time.seconds)
        days = [day_of(s.local_date) for s in plan.sessions]
        self.assertEqual({WEEK}, {b - a for a, b in zip(days, days[1:])})
        self.assertEqual(days[0] + 111 * DAY, day_of(plan.deadline_date))
        self.assertEqual((plan.finish_date, 6), (plan.sessions[-1].local_date, plan.slack_days))
        self.assertEqual([], self.api.all("ListSessions", "sessions", parent=course.name))

        slots = [dict(start_time=s.start_time, location="Room 4") for s in plan.sessions]
        would = self.api.BookPlan(name=course.name, slots=slots, validate_only=True)
        self.assertEqual(16, len(would.sessions))
        self.assertEqual([], self.api.all("ListSessions", "sessions", parent=course.name))
        booked = self.api.BookPlan(name=course.name, slots=slots, etag=course.etag)
        self.assertEqual([s.start_time for s in plan.sessions], [s.start_time for s in booked.sessions])
        self.assertEqual(booked.course, self.api.GetCourse(name=course.name,
                                                           min_revision=booked.course.revision))
        progress = booked.course.progress
        self.assertTrue(progress.start_projected)
        self.assertEqual((days[0], days[0] + 111 * DAY, 16, 0, 1, 8, 13),
                         (day_of(progress.start_date), day_of(progress.deadline_date),
                          progress.booked_sessions, progress.unbooked_sessions,
                          progress.next_session_number, progress.mid_course_session,
                          progress.termination_session))
        self.assertEqual((days[7], days[12]), (day_of(progress.mid_course_review_date),
                                               day_of(progress.termination_start_date)))
        self.assertEqual(at(days[0] + 112 * DAY, 0), instant(progress.deadline_time))
        self.assertEqual((booked.sessions[0].name, booked.sessions[0].start_time),
                         (progress.next_session, progress.next_session_time))
        self.assertEqual(course_pb2.FORECAST_STATE_ON_TRACK, booked.course.forecast.state)
        forecast = self.api.GetCourseForecast(name=course.name)
        self.assertEqual((16, days[-1], 6), (forecast.sessions_left,
                                             day_of(forecast.projected_finish_date),
                                             forecast.slack_days))
        self.assertTrue(all(s.booked for s in forecast.sessions))
        listed = self.api.all("ListSessions", "sessions", parent=course.name, page_size=7)
        self.assertEqual(list(booked.sessions), listed)
        self.assertEqual("Room 4", listed[0].location)
        with self.refused("FAILED_PRECONDITION", "SESSION_LIMIT"):
            self.api.BookSession(parent=course.name,
                                 start_time=ts(instant(plan.sessions[0].start_time) + DAY))
        calendar = self.api.GetTherapistCalendar(name=course.therapist, first_day=date(days[0]), days=8)
        self.assertEqual([s.name for s in listed[:2]], [s.name for s in calendar.sessions])
        self.assertEqual("Europe/London", calendar.time_zone)

    def test_preferred_windows_and_deviations(self):
        self.make_clinic()
        self.make_therapist()
        window = [dict(day=3, start=dict(hours=14), end=dict(hours=16)),
                  dict(day=4, start=dict(hours=9), end=dict(hours=10))]
        course = self.make_course(preferred_windows=window)
        first = self.api.PlanCourse(name=course.name).sessions
        allowed = {(3, 14), (3, 15), (4, 9)}
        self.assertLessEqual({(day_of(s.local_date).isoweekday(), s.local_time.hours)
                              for s in first}, allowed)
        # Whichever of the two days it keeps, one of these closures is in its way.
        wednesday = next_weekday(2, TODAY + 6 * WEEK)
        closed = [date(wednesday), date(wednesday + 2 * WEEK + DAY)]
        self.api.CreateHolidays(parent=self.clinic, holidays=[dict(date=day) for day in closed])
        plan = self.api.PlanCourse(name=course.name)
        self.assertEqual(16, len(plan.sessions))
        self.assertLessEqual({(day_of(s.local_date).isoweekday(), s.local_time.hours)
                              for s in plan.sessions}, allowed)
        self.assertLess(day_of(plan.sessions[0].local_date), TODAY + 2 * WEEK)
        off = [s for s in plan.sessions if s.verdict != plan_pb2.PLAN_VERDICT_ON_PATTERN]
        self.assertEqual([plan_pb2.PLAN_VERDICT_OTHER_DAY], [s.verdict for s in off])
        self.assertIn(plan_pb2.DEVIATION_REASON_HOLIDAY, off[0].reasons)
        later = instant(first[2].start_time) - DAY
        some = self.api.PlanCourse(name=course.name, earliest_time=ts(later), session_count=3)
        self.assertEqual(3, len(some.sessions))
        self.assertGreaterEqual(instant(some.sessions[0].start_time), later)

    def test_double_booking_is_refused(self):
        self.make_clinic()
        self.make_therapist("ana", buffer_minutes=10)
        self.make_therapist("ben")
        one = self.make_course("c1", patient="same", allow_concurrent=True)
        other = self.make_course("c2")
        third = self.make_course("c3", patient="same", therapist="ben", allow_concurrent=True)
        start = at(next_weekday(1, TODAY + WEEK), 10)
        minutes = datetime.timedelta(minutes=1)
        self.api.BookSession(parent=one.name, start_time=ts(start), session_id="s1")
        for course, offset in ((other, 0), (other, -30), (other, 50), (other, 59), (third, 0),
                               (third, 49)):
            for validate_only in (True, False):
                with self.refused("FAILED_PRECONDITION", "SLOT_TAKEN"):
                    self.api.BookSession(parent=course.name, start_time=ts(start + offset * minutes),
                                         validate_only=validate_only,
                                         override=dict(outside_availability=True, reason="please"))
        with self.refused("ALREADY_EXISTS", "RESOURCE_EXISTS"):
            self.api.BookSession(parent=one.name, start_time=ts(start + DAY), session_id="s1")
        with self.refused("FAILED_PRECONDITION", "SERIES_CONFLICT") as refusal:
            self.api.BookPlan(name=other.name, slots=[
                dict(start_time=ts(start + DAY)), dict(start_time=ts(start)),
                dict(start_time=ts(start + 2 * DAY))])
        self.assertEqual(1, len(refusal.error.preconditions))
        self.assertEqual([], self.api.all("ListSessions", "sessions", parent=other.name))
        self.api.BookSession(parent=other.name, start_time=ts(start + 60 * minutes))
        self.api.BookSession(parent=third.name, start_time=ts(start + 50 * minutes))

    def test_find_slots_across_therapists_in_pages(self):
        self.make_clinic()
        self.make_therapist("ana")
        self.make_therapist("ben", working_hours=support.weekly(start=12, end=15))
        monday = next_weekday(0, TODAY + WEEK)
        asked = dict(parent=self.clinic, start_time=ts(at(monday, 0)), end_time=ts(at(monday + DAY, 0)))
        everything = self.api.all("FindSlots", "slots", page_size=1000, **asked)
        paged = self.api.all("FindSlots", "slots", page_size=7, **asked)
        self.assertEqual(everything, paged)
        self.assertEqual(29 + 9, len(paged))  # 9:00 to 16:00 and 12:00 to 14:00, every 15 minutes
        key = [(instant(s.start_time), s.therapist) for s in paged]
        self.assertEqual(sorted(key), key)
        ben = f"{self.clinic}/therapists/ben"
        self.assertEqual(9, len(self.api.all("FindSlots", "slots", therapists=[ben], **asked)))

        course = self.make_course(preferred_windows=[dict(day=1, start=dict(hours=13),
                                                          end=dict(hours=15))])
        session = self.api.BookSession(parent=course.name, start_time=ts(at(monday, 13)))
        mine = [instant(s.start_time) for s in self.api.all(
            "FindSlots", "slots", course=course.name, therapists=[course.therapist], **asked)]
        self.assertEqual([at(monday, 14)], mine)
        mine = [instant(s.start_time) for s in self.api.all(
            "FindSlots", "slots", course=course.name, therapists=[course.therapist],
            ignore_session=session.name, **asked)]
        self.assertEqual([at(monday, 13, m) for m in (0, 15, 30, 45)] + [at(monday, 14)], mine)

    # ------------------------------------------------------------------------------------- sessions

    def test_reschedule_one_and_this_and_following(self):
        self.make_clinic()
        self.make_therapist()
        booked = self.book_plan(self.make_course()).sessions
        third = booked[2]
        to = instant(third.start_time) + 2 * DAY / 24
        move = dict(name=third.name, start_time=ts(to), reason="patient's work")
        would = self.api.RescheduleSession(validate_only=True, **move)
        self.assertEqual((ts(to), 0), (would.sessions[0].start_time, would.revision))
        self.assertEqual(third, self.api.GetSession(name=third.name))
        moved = self.api.RescheduleSession(etag=third.etag, **move).sessions
        self.assertEqual(1, len(moved))
        self.assertEqual((third.name, ts(to), third.sequence + 1, third.session_number),
                         (moved[0].name, moved[0].start_time, moved[0].sequence,
                          moved[0].session_number))
        change = moved[0].changes[-1]
        self.assertEqual((session_pb2.SESSION_CHANGE_KIND_RESCHEDULED, "patient's work",
                          third.start_time), (change.kind, change.reason, change.previous_start_time))
        with self.refused("ABORTED", "ETAG_MISMATCH"):
            self.api.RescheduleSession(etag=third.etag, **move)

        fifth = booked[4]
        day_later = (instant(fifth.start_time).astimezone(LONDON) + DAY)
        if day_later.isoweekday() > 5:  # plans start on the therapist's first free weekday
            day_later -= 2 * DAY
        moved = self.api.RescheduleSession(name=fifth.name, scope=2, start_time=ts(
            day_later.replace(fold=0)), override=dict(outside_availability=True, reason="agreed"))
        self.assertEqual([s.name for s in booked[4:]], [s.name for s in moved.sessions])
        shift = day_later.date() - day_of(fifth.local_date)
        for before, after in zip(booked[4:], moved.sessions):
            self.assertEqual((day_of(before.local_date) + shift, before.local_time),
                             (day_of(after.local_date), after.local_time))
        self.assertEqual(list(booked[:2]), self.api.all("ListSessions", "sessions",
                                                        parent=booked[0].name.rsplit("/", 2)[0])[:2])

    def test_following_onto_a_taken_slot_moves_none(self):
        self.make_clinic()
        self.make_therapist()
        booked = self.book_plan(self.make_course()).sessions
        hour = DAY / 24
        to = instant(booked[0].start_time) + 3 * hour
        other = self.make_course("c2")
        self.api.BookSession(parent=other.name, start_time=ts(instant(booked[6].start_time) + 3 * hour))
        with self.refused("FAILED_PRECONDITION", "SERIES_CONFLICT") as refusal:
            self.api.RescheduleSession(name=booked[0].name, scope=2, start_time=ts(to))
        self.assertEqual(1, len(refusal.error.preconditions), refusal.error)
        self.assertEqual(list(booked), self.api.all("ListSessions", "sessions",
                                                    parent=booked[0].name.rsplit("/", 2)[0]))

    def test_cancel_late_and_in_time(self):
        self.make_clinic(late_cancellation_uses_session=True)
        self.make_therapist()
        course = self.make_course()
        soon = (now() + datetime.timedelta(hours=3)).replace(second=0, microsecond=0)
        book = lambda when: self.api.BookSession(  # noqa: E731
            parent=course.name, start_time=ts(when),
            override=dict(outside_availability=True, reason="walk-in"))
        late = book(soon)
        by_clinic = book(soon + datetime.timedelta(hours=2))
        in_time = book(soon + 2 * DAY)
        would = self.api.CancelSession(name=late.name, cancelled_by=1, validate_only=True)
        self.assertTrue(would.cancellation.late)
        self.assertEqual(session_pb2.SESSION_STATE_BOOKED, self.api.GetSession(name=late.name).state)
        for session, by, is_late in ((late, 1, True), (by_clinic, 3, False), (in_time, 1, False)):
            gone = self.api.CancelSession(name=session.name, cancelled_by=by, etag=session.etag,
                                          reason="flu")
            self.assertEqual((session_pb2.SESSION_STATE_CANCELLED, by, is_late, is_late, "flu"),
                             (gone.state, gone.cancellation.cancelled_by, gone.cancellation.late,
                              gone.uses_session, gone.changes[-1].reason))
            self.assertEqual(1 if is_late else 0, gone.session_number)
        with self.refused("FAILED_PRECONDITION", "SESSION_STATE") as refusal:
            self.api.CancelSession(name=late.name, cancelled_by=1)
        self.assertIn("CANCELLED", refusal.error.info["state"])
        self.assertEqual(1, self.api.GetCourse(name=course.name).progress.used_sessions)
        book(soon + 2 * DAY)  # the slot is free again

    def test_attendance_correction_and_the_work_list(self):
        self.make_clinic()
        self.make_therapist()
        course = self.make_course()
        work_list = lambda: [s.name for s in self.api.all(  # noqa: E731
            "ListSessions", "sessions", parent=f"{self.clinic}/courses/-", unrecorded_only=True)]
        past = [self.api.BookSession(parent=course.name, start_time=ts(at(TODAY - n * DAY, 12)),
                                     retrospective=True, override=dict(
                                         outside_availability=True, reason="was not booked"))
                for n in (9, 2)]
        future = self.api.BookSession(parent=course.name, start_time=ts(
            at(next_weekday(2, TODAY + 2 * DAY), 12)))
        self.assertEqual([s.name for s in past], work_list())
        with self.refused("FAILED_PRECONDITION", "SESSION_IN_FUTURE"):
            self.api.RecordAttendance(name=future.name, outcome=1)
        seen = self.api.RecordAttendance(name=past[0].name, outcome=3, source=2)
        self.assertEqual((session_pb2.SESSION_STATE_NO_SHOW, 0, session_pb2.ATTENDANCE_SOURCE_FRONT_DESK),
                         (seen.state, seen.session_number, seen.attendance.source))
        self.assertEqual([past[1].name], work_list())
        self.assertEqual(course_pb2.COURSE_STATE_PLANNED, self.api.GetCourse(name=course.name).state)
        attended = self.api.RecordAttendance(name=past[1].name, outcome=2)
        self.assertEqual((session_pb2.SESSION_STATE_ATTENDED, 1, 1),
                         (attended.state, attended.session_number, attended.week_number))
        self.assertEqual([], work_list())
        active = self.api.GetCourse(name=course.name)
        self.assertEqual((course_pb2.COURSE_STATE_ACTIVE, TODAY - 2 * DAY, False),
                         (active.state, day_of(active.progress.start_date),
                          active.progress.start_projected))
        with self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", ["correction_reason"]):
            self.api.RecordAttendance(name=past[0].name, outcome=1)
        fixed = self.api.RecordAttendance(name=past[0].name, outcome=1,
                                          correction_reason="wrong patient ticked")
        self.assertEqual((1, 3, "wrong patient ticked"),
                         (fixed.session_number, fixed.changes[-1].previous_outcome,
                          fixed.changes[-1].reason))
        self.assertEqual("ATTENDANCE_CORRECTED", kinds(fixed, session_pb2.SessionChangeKind)[-1])
        after = self.api.GetCourse(name=course.name)
        self.assertEqual((TODAY - 9 * DAY, 2, 2, 3), (
            day_of(after.progress.start_date), after.progress.attended_sessions,
            after.progress.used_sessions, after.progress.next_session_number))
        self.assertEqual(2, self.api.GetSession(name=past[1].name).session_number)

    def test_update_session(self):
        self.make_clinic()
        self.make_therapist()
        session = self.api.BookSession(parent=self.make_course().name,
                                       start_time=ts(at(next_weekday(0, TODAY + WEEK), 9)))
        changed = self.api.UpdateSession(session=dict(
            name=session.name, modality=2, location="https://video.example/1", etag=session.etag))
        self.assertEqual((2, "https://video.example/1"), (changed.modality, changed.location))
        with self.refused("INVALID_ARGUMENT", "INVALID_FIELDS"):
            self.api.UpdateSession(session=dict(name=session.name), update_mask=mask("start_time"))
        self.assertEqual(changed, self.api.GetSession(name=session.name))

    # ------------------------------------------------------------------ pauses, length, the deadline

    def test_pause_moves_the_deadline_once_and_up_to_the_cap(self):
        self.make_clinic(pause_cap_days=21)
        self.make_therapist()
        course = self.import_course("c1", past_weekly(3, 3))
        start = TODAY - 3 * WEEK
        deadline = start + 111 * DAY
        self.assertEqual((start, deadline), (day_of(course.progress.start_date),
                                             day_of(course.progress.deadline_date)))
        pause = lambda first, last, **more: self.api.PauseCourse(  # noqa: E731
            name=course.name, pause=dict(first_day=date(TODAY + first * DAY),
                                         last_day=date(TODAY + last * DAY), reason=1), **more)
        would = pause(10, 16, validate_only=True)
        self.assertEqual(deadline + 7 * DAY, day_of(would.course.progress.deadline_date))
        self.assertEqual(course, self.api.GetCourse(name=course.name))
        one = pause(10, 16).course
        self.assertEqual((deadline + 7 * DAY, 7), (day_of(one.progress.deadline_date),
                                                   one.progress.pause_days))
        two = pause(14, 20).course  # four days of it are new
        self.assertEqual((deadline + 11 * DAY, 11), (day_of(two.progress.deadline_date),
                                                     two.progress.pause_days))
        with self.refused("FAILED_PRECONDITION", "PAUSE_CAP") as refusal:
            pause(30, 40)
        self.assertEqual(("21", "11"), (refusal.error.info["cap_days"], refusal.error.info["used_days"]))
        self.assertEqual(two, self.api.GetCourse(name=course.name))
        three = pause(30, 39).course
        self.assertEqual((deadline + 21 * DAY, 21), (day_of(three.progress.deadline_date),
                                                     three.progress.pause_days))
        inside = at(next_weekday(0, TODAY + 11 * DAY), 10)
        with self.refused("FAILED_PRECONDITION", "COURSE_PAUSED"):
            self.api.BookSession(parent=course.name, start_time=ts(inside))
        session = self.api.BookSession(parent=course.name, start_time=ts(inside),
                                       override=dict(during_pause=True, reason="crisis"))
        self.assertEqual("crisis", session.changes[-1].reason)

    def test_pause_now_and_resume(self):
        self.make_clinic()
        self.make_therapist()
        course = self.import_course("c1", past_weekly(3, 3))
        deadline = day_of(course.progress.deadline_date)
        booked = self.book_plan(course).sessions
        inside = [s.name for s in booked if day_of(s.local_date) <= TODAY + 13 * DAY]
        asked = dict(name=course.name, pause=dict(first_day=date(TODAY), reason=2,
                                                  last_day=date(TODAY + 13 * DAY)))
        with self.refused("FAILED_PRECONDITION", "SESSIONS_IN_THE_WAY") as refusal:
            self.api.PauseCourse(**asked)
        self.assertEqual(str(len(inside)), refusal.error.info["sessions"])
        would = self.api.PauseCourse(cancel_sessions=True, validate_only=True, **asked)
        paused = self.api.PauseCourse(cancel_sessions=True, **asked)
        for answer in (would, paused):
            self.assertEqual(inside, [s.name for s in answer.affected_sessions])
        self.assertEqual((course_pb2.COURSE_STATE_PAUSED, deadline + 14 * DAY),
                         (paused.course.state, day_of(paused.course.progress.deadline_date)))
        self.assertEqual(session_pb2.CANCELLED_BY_CLINIC,
                         self.api.GetSession(name=inside[0]).cancellation.cancelled_by)
        resumed = self.api.ResumeCourse(name=course.name, resume_day=date(TODAY + 7 * DAY))
        self.assertEqual((course_pb2.COURSE_STATE_PAUSED, deadline + 7 * DAY),
                         (resumed.state, day_of(resumed.progress.deadline_date)))
        # What is booked in the last of the weeks that the pause gave stays, and the answer tells it.
        late = self.api.BookSession(parent=course.name, start_time=ts(at(next_weekday(0, deadline + DAY), 10)))
        would = self.api.ResumeCourse(name=course.name, validate_only=True)
        self.assertEqual([late.name], list(would.affected_sessions))
        self.assertEqual(7, self.api.GetCourse(name=course.name).progress.pause_days)
        resumed = self.api.ResumeCourse(name=course.name)
        self.assertEqual([late.name], list(resumed.affected_sessions))
        self.assertEqual((course_pb2.COURSE_STATE_ACTIVE, deadline, 0),
                         (resumed.state, day_of(resumed.progress.deadline_date), len(resumed.pauses)))
        again = self.api.ResumeCourse(name=course.name)  # changes nothing
        self.assertEqual(resumed.progress.deadline_date, again.progress.deadline_date)
        self.assertEqual(["PAUSED", "RESUMED", "RESUMED"],
                         [k for k in kinds(again, course_pb2.CourseChangeKind) if "SED" in k
                          or "SUMED" in k])

    def test_extend_and_shorten(self):
        self.make_clinic()
        self.make_therapist()
        variant = next(v for v in self.api.ListVariants().variants if v.id == "ipt-uk-16")
        self.assertEqual((12, 16), (variant.min_weeks, variant.max_weeks))
        course = self.make_course(planned_sessions=variant.min_sessions, duration_weeks=12)
        longer = self.api.ExtendCourse(name=course.name, planned_sessions=variant.min_sessions + 2,
                                       duration_weeks=14, reason="agreed at review")
        self.assertEqual((variant.min_sessions + 2, 14), (longer.planned_sessions,
                                                          longer.duration_weeks))
        ending = lambda c: (lambda p: p.last_session - p.first_session + 1)(  # noqa: E731
            c.progress.phases[-1])
        self.assertEqual(ending(course), ending(longer))
        self.assertEqual(longer.planned_sessions, longer.progress.phases[-1].last_session)
        self.assertEqual(day_of(course.progress.deadline_date) + 2 * WEEK,
                         day_of(longer.progress.deadline_date))
        with self.refused("FAILED_PRECONDITION", "VARIANT_BOUNDS") as refusal:
            self.api.ExtendCourse(name=course.name, duration_weeks=17, reason="more")
        self.assertEqual("16", refusal.error.info["maximum"])

        booked = self.book_plan(longer).sessions
        target = len(booked) - 3
        asked = dict(name=course.name, planned_sessions=target, reason="well already")
        with self.refused("FAILED_PRECONDITION", "SESSIONS_IN_THE_WAY"):
            self.api.ShortenCourse(**asked)
        would = self.api.ShortenCourse(cancel_sessions=True, validate_only=True, **asked)
        shorter = self.api.ShortenCourse(cancel_sessions=True, **asked)
        for answer in (would, shorter):
            self.assertEqual([s.name for s in booked[target:]],
                             [s.name for s in answer.affected_sessions])
        self.assertEqual((target, ending(course)), (shorter.course.planned_sessions,
                                                    ending(shorter.course)))
        phases = {s.session_number: s.phase for s in self.api.all(
            "ListSessions", "sessions", parent=course.name, states=[1])}
        self.assertEqual(variant_pb2.PHASE_TERMINATION, phases[target])
        self.assertEqual(variant_pb2.PHASE_TERMINATION, phases[target - ending(course) + 1])
        self.assertEqual("well already", shorter.course.changes[-1].reason)
        for not_less in (target, target + 1):
            with self.refused("FAILED_PRECONDITION", "VARIANT_BOUNDS") as refusal:
                self.api.ShortenCourse(name=course.name, planned_sessions=not_less, reason="x")
            self.assertEqual(("1", str(target - 1)), (refusal.error.info["minimum"],
                                                      refusal.error.info["maximum"]))
        with self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", ["planned_sessions"]):
            self.api.ShortenCourse(name=course.name, planned_sessions=0, reason="x")

    # ------------------------------------------------------------------------- endings and histories

    def test_complete_and_reopen(self):
        self.make_clinic()
        self.make_therapist()
        course = self.import_course("c1", past_weekly(14, 14))
        booked = self.book_plan(course).sessions
        with self.refused("FAILED_PRECONDITION", "SESSIONS_IN_THE_WAY"):
            self.api.CompleteCourse(name=course.name)
        would = self.api.CompleteCourse(name=course.name, cancel_sessions=True, validate_only=True)
        self.assertEqual(course_pb2.COURSE_STATE_COMPLETED, would.state)
        self.assertEqual(course_pb2.COURSE_STATE_ACTIVE, self.api.GetCourse(name=course.name).state)
        done = self.api.CompleteCourse(name=course.name, cancel_sessions=True)
        self.assertEqual((course_pb2.COURSE_STATE_COMPLETED, True, False, False),
                         (done.state, done.closure.early, done.closure.drop_out,
                          done.HasField("forecast")))
        for call in (lambda: self.api.GetCourseForecast(name=course.name),
                     lambda: self.api.PlanCourse(name=course.name),
                     lambda: self.api.PauseCourse(name=course.name, pause=dict(
                         first_day=date(TODAY), last_day=date(TODAY), reason=1)),
                     lambda: self.api.CompleteCourse(name=course.name)):
            with self.refused("FAILED_PRECONDITION", "COURSE_STATE") as refusal:
                call()
            self.assertIn("COMPLETED", refusal.error.info["state"])
        with self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", ["reason"]):
            self.api.ReopenCourse(name=course.name)
        again = self.api.ReopenCourse(name=course.name, reason="closed the wrong one")
        self.assertEqual((course_pb2.COURSE_STATE_ACTIVE, False, True),
                         (again.state, again.HasField("closure"), again.HasField("forecast")))
        self.assertEqual(["IMPORTED", "COMPLETED", "REOPENED"],
                         kinds(again, course_pb2.CourseChangeKind))
        self.assertEqual(session_pb2.SESSION_STATE_CANCELLED,
                         self.api.GetSession(name=booked[0].name).state)
        fresh = self.make_course("c2")
        with self.refused("FAILED_PRECONDITION", "COURSE_STATE"):
            self.api.CompleteCourse(name=fresh.name)

    def test_what_took_place_is_recorded_beyond_the_agreed_number_and_after_the_end(self):
        self.make_clinic()
        self.make_therapist()
        course = self.import_course("c1", past_weekly(16, 16))
        held = self.api.BookSession(parent=course.name, start_time=ts(at(TODAY - 2 * DAY, 12)),
                                    retrospective=True)
        self.assertEqual(17, held.session_number)
        self.assertEqual(1, self.api.GetCourse(name=course.name).progress.excess_sessions)
        with self.refused("FAILED_PRECONDITION", "SESSION_LIMIT"):
            self.api.BookSession(parent=course.name,
                                 start_time=ts(at(next_weekday(2, TODAY + 2 * DAY), 12)))
        done = self.api.CompleteCourse(name=course.name, cancel_sessions=True)
        self.assertEqual(course_pb2.COURSE_STATE_COMPLETED, done.state)
        self.assertEqual([held.name], [s.name for s in self.api.all(
            "ListSessions", "sessions", parent=course.name, unrecorded_only=True)])
        self.api.RecordAttendance(name=held.name, outcome=1)
        self.assertEqual(17, self.api.GetCourse(name=course.name).progress.attended_sessions)

    def test_a_therapists_zone_takes_whole_days_off_along(self):
        self.make_clinic()
        ana = self.make_therapist().name
        day = next_weekday(0, TODAY + WEEK)
        off = self.api.CreateTimeOff(parent=ana, time_off=dict(
            reason=1, days=dict(first=date(day), last=date(day)))).time_off
        self.assertEqual(at(day, 0), instant(off.start_time))
        self.api.UpdateTherapist(therapist=dict(name=ana, time_zone="America/New_York"),
                                 update_mask=mask("time_zone"))
        moved, = self.api.all("ListTimeOff", "time_off", parent=ana)
        new_york = zoneinfo.ZoneInfo("America/New_York")
        midnight = lambda d: datetime.datetime(d.year, d.month, d.day, tzinfo=new_york)  # noqa: E731
        self.assertEqual((off.name, off.days, midnight(day), midnight(day + DAY)),
                         (moved.name, moved.days, instant(moved.start_time), instant(moved.end_time)))

    def test_discontinue_reasons(self):
        self.make_clinic()
        self.make_therapist()
        for reason in range(1, 11):
            course = self.make_course(f"c{reason}")
            session = self.api.BookSession(parent=course.name, start_time=ts(
                at(next_weekday(0, TODAY + WEEK), 9)))
            would = self.api.DiscontinueCourse(name=course.name, reason=reason, validate_only=True)
            done = self.api.DiscontinueCourse(name=course.name, reason=reason)
            for answer in (would, done):
                self.assertEqual(
                    (course_pb2.COURSE_STATE_DISCONTINUED, reason,
                     reason == course_pb2.CLOSURE_REASON_DROPPED_OUT),
                    (answer.state, answer.closure.reason, answer.closure.drop_out))
            self.assertEqual(session_pb2.SESSION_STATE_CANCELLED,
                             self.api.GetSession(name=session.name).state)
        with self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", ["reason"]):
            self.api.DiscontinueCourse(name=self.make_course("last").name)

    def test_one_open_course_a_patient(self):
        self.make_clinic()
        self.make_therapist()
        first = self.make_course("c1", patient="p")
        with self.refused("FAILED_PRECONDITION", "OPEN_COURSE_EXISTS"):
            self.make_course("c2", patient="p")
        self.make_course("c3", patient="p", allow_concurrent=True)
        self.api.DiscontinueCourse(name=first.name, reason=8)
        self.api.DiscontinueCourse(name=f"{self.clinic}/courses/c3", reason=8)
        self.make_course("c2", patient="p")
        with self.refused("FAILED_PRECONDITION", "OPEN_COURSE_EXISTS"):
            self.api.ReopenCourse(name=first.name, reason="mistake")

    def test_import_of_a_running_course(self):
        self.make_clinic()
        self.make_therapist()
        starts = past_weekly(8, 10)  # week 4 was missed, week 6 and 7 paused
        outcomes = [1, 1, 2, 3, 1, 1, 1, 1]
        pause = dict(first_day=date(TODAY - 2 * WEEK), last_day=date(TODAY - 2 * WEEK + 13 * DAY),
                     reason=2)
        fields = dict(parent=self.clinic, course_id="c1", course=self.course_fields(), pauses=[pause],
                      past_sessions=[dict(start_time=ts(s), outcome=o)
                                     for s, o in zip(starts, outcomes)])
        would = self.api.ImportCourse(validate_only=True, **fields)
        with self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND"):
            self.api.GetCourse(name=f"{self.clinic}/courses/c1")
        course = self.api.ImportCourse(**fields)
        start = TODAY - 10 * WEEK
        for answer in (would, course):
            p = answer.progress
            self.assertEqual((start, start + 111 * DAY + 14 * DAY, 14),
                             (day_of(p.start_date), day_of(p.deadline_date), p.pause_days))
            self.assertEqual((7, 7, 8, 9), (p.attended_sessions, p.used_sessions,
                                            p.next_session_number, p.week_number))
            self.assertEqual(variant_pb2.PHASE_MIDDLE, p.phase)
            self.assertEqual((p.deadline_date, (start + 125 * DAY - TODAY).days),
                             (p.deadline_date, p.days_left))
        sessions = self.api.all("ListSessions", "sessions", parent=course.name)
        self.assertEqual([1, 2, 3, 0, 4, 5, 6, 7], [s.session_number for s in sessions])
        self.assertEqual(list(range(1, 9)), [s.week_number for s in sessions])
        self.assertEqual(["IMPORTED"], kinds(sessions[0], session_pb2.SessionChangeKind))
        plan = self.api.PlanCourse(name=course.name)
        self.assertEqual(8, plan.sessions[0].session_number)
        with self.refused("ALREADY_EXISTS", "RESOURCE_EXISTS"):
            self.api.ImportCourse(**dict(fields, course=self.course_fields("other")))
        with self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", ["past_sessions[1].start_time"]):
            self.import_course("c2", [starts[0], now() + DAY])

    def test_forecast_states(self):
        self.make_clinic()
        self.make_therapist()
        state = course_pb2.ForecastState.Name
        # So many sessions left, so many weeks gone of sixteen.
        for name, attended, weeks_gone, expected in (
                ("on-track", 8, 8, "ON_TRACK"), ("at-risk", 4, 10, "AT_RISK"),
                ("infeasible", 1, 16, "INFEASIBLE"), ("overdue", 10, 17, "OVERDUE")):
            # Weeks are counted back from tomorrow's deadline for the infeasible one.
            shift = DAY if expected == "INFEASIBLE" else 0 * DAY
            starts = [s + shift * 2 for s in past_weekly(attended, weeks_gone, 10)]
            hour = dict(zip(("on-track", "at-risk", "infeasible", "overdue"), range(6, 10)))[name]
            starts = [s.replace(hour=hour) for s in starts]
            course = self.import_course(name, starts)
            self.assertEqual("FORECAST_STATE_" + expected, state(course.forecast.state), name)
            forecast = self.api.GetCourseForecast(name=course.name)
            self.assertEqual(course.forecast.state, forecast.state)
            self.assertLess(abs(instant(forecast.as_of) - now()), datetime.timedelta(seconds=30))
            if expected != "ON_TRACK":
                self.assertTrue(forecast.reasons)
            listed = self.api.all("ListCourses", "courses", parent=self.clinic,
                                  forecast_states=[course.forecast.state])
            self.assertEqual([course.name], [c.name for c in listed])
        overdue = self.api.GetCourse(name=f"{self.clinic}/courses/overdue")
        self.assertLess(overdue.progress.days_left, 0)
        self.assertIn(course_pb2.FORECAST_REASON_DEADLINE_PASSED, overdue.forecast.reasons)
        # Leave until far beyond the deadline makes what was on track impossible; taking it back mends it.
        ana = f"{self.clinic}/therapists/ana"
        leave = self.api.CreateTimeOff(parent=ana, time_off=dict(days=dict(
            first=date(TODAY), last=date(TODAY + 120 * DAY))))
        hit = self.api.GetCourse(name=f"{self.clinic}/courses/on-track", min_revision=leave.revision)
        self.assertEqual("FORECAST_STATE_INFEASIBLE", state(hit.forecast.state))
        self.assertIn(course_pb2.FORECAST_REASON_THERAPIST_AWAY, hit.forecast.reasons)
        self.api.DeleteTimeOff(name=leave.time_off.name)
        self.assertEqual("FORECAST_STATE_ON_TRACK", state(self.api.GetCourse(name=hit.name).forecast.state))

    # ------------------------------------------------------------------------- patients and look-ups

    def test_patient_identifier_change_and_merge(self):
        self.make_clinic()
        self.make_therapist()
        old, new, twin = (dict(system="urn:mrn", value=v) for v in ("old", "new", "twin"))
        first = self.make_course("c1", patient="old")
        other = self.make_course("c2", patient="twin", allow_concurrent=True)
        changed = self.api.ChangePatientIdentifier(**{"parent": self.clinic, "from": old, "to": new})
        self.assertEqual([first.name], list(changed.courses))
        of = lambda patient: [c.name for c in self.api.all(  # noqa: E731
            "ListCourses", "courses", parent=self.clinic, patient=patient)]
        self.assertEqual(([], [first.name]), (of(old), of(new)))
        with self.refused("FAILED_PRECONDITION", "PATIENT_EXISTS"):
            self.api.ChangePatientIdentifier(**{"parent": self.clinic, "from": new, "to": twin})
        with self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND"):
            self.api.ChangePatientIdentifier(**{"parent": self.clinic, "from": old, "to": new})
        merged = self.api.MergePatients(**{"parent": self.clinic, "from": twin, "into": new})
        self.assertEqual([first.name, other.name], list(merged.courses))
        self.assertEqual(([], [first.name, other.name]), (of(twin), of(new)))
        course = self.api.GetCourse(name=other.name)
        self.assertEqual("new", course.patient.value)
        self.assertEqual("PATIENT_CHANGED", kinds(course, course_pb2.CourseChangeKind)[-1])
        written = [e.method.rsplit("/")[-1] for e in self.api.all(
            "ListAuditEntries", "audit_entries", parent=self.clinic)]
        self.assertIn("ChangePatientIdentifier", written)
        self.assertIn("MergePatients", written)
        done_to = lambda name: [e.method.rsplit("/")[-1] for e in self.api.all(  # noqa: E731
            "ListAuditEntries", "audit_entries", parent=self.clinic, resource=name)
            if e.access == options_pb2.ACCESS_WRITE and e.outcome == "OK"]
        self.assertEqual(["ChangePatientIdentifier", "CreateCourse"], done_to(first.name))
        self.assertEqual(["MergePatients", "CreateCourse"], done_to(other.name))

    def test_reminders_follow_the_course(self):
        self.make_clinic()
        self.make_therapist()
        course = self.make_course()
        kept = lambda: {  # noqa: E731
            (r.kind, r.audience): r for r in self.api.all("ListReminders", "reminders", parent=self.clinic,
                                                          course=course.name, states=[1])}
        self.assertEqual({(7, 2)}, set(kept()), "the therapist's, from the default: nothing is booked")
        day = next_weekday(0, TODAY + 21 * DAY)
        session = self.api.BookSession(parent=course.name, start_time=ts(at(day, 10)))
        self.assertEqual({(4, 2), (5, 2), (6, 2), (7, 2)}, set(kept()))

        policy = dict(session_rules=[dict(audience=1, minutes_before=2880, channels=[1, 2], template="days")])
        held = self.api.UpdateReminderPolicy(clinic=self.clinic, policy=policy)
        self.assertEqual(9, len(held.course_rules), "the default's stay")
        support.wait_until(lambda: (1, 1) in kept(), "the reminders to follow the policy")
        first = kept()[1, 1]
        self.assertEqual(at(day - 2 * DAY, 10), instant(first.due_time))
        self.assertEqual((session.name, "days", [1, 2]),
                         (first.session, first.template, list(first.channels)))
        self.assertEqual(course.patient, first.patient)

        self.api.RescheduleSession(name=session.name, start_time=ts(at(day + DAY, 11)), reason="asked for")
        moved = self.api.GetReminder(name=first.name)
        self.assertEqual(at(day - DAY, 11), instant(moved.due_time))
        self.assertEqual(at(day + DAY, 11), instant(moved.variables.session_start_time))
        self.assertEqual(first.generation + 1, moved.generation)

        wishes = self.api.UpdateContactPreferences(parent=self.clinic, patient=dict(
            system=course.patient.system, value=course.patient.value), preferences=dict(
                opted_out=[1], language="cy"))
        self.assertEqual([1], list(wishes.opted_out))
        moved = self.api.GetReminder(name=first.name)
        self.assertEqual(([2], "cy"), (list(moved.channels), moved.language))

        preview = self.api.PreviewReminders(course=course.name, policy=dict(session_rules=[
            dict(audience=1, minutes_before=60, channels=[1], template="hour")])).reminders
        self.assertEqual([("hour", 6, 1)], [(r.template, r.state, r.why_not) for r in preview
                                            if r.template == "hour"])
        dropped = self.api.DropReminder(name=first.name, reason="told by telephone")
        self.assertEqual((6, 10, "told by telephone"), (dropped.state, dropped.why_not, dropped.note))
        with self.refused("FAILED_PRECONDITION", "REMINDER_STATE"):
            self.api.ReplayReminder(name=first.name)
        self.api.SetSending(clinic=self.clinic, paused=True, reason="a trial")
        queue = self.api.GetReminderQueue(clinic=self.clinic)
        # Of the deadline ahead there are three.
        self.assertEqual((len(kept()) + 2, 0, True), (queue.scheduled, queue.due, queue.paused))
        self.api.DiscontinueCourse(name=course.name, reason=1)
        self.assertEqual({}, kept())

    def test_batch_get_and_list_filters(self):
        self.make_clinic()
        self.make_therapist("ana")
        self.make_therapist("ben")
        active = self.import_course("active", past_weekly(3, 3), therapist="ben")
        names = [self.make_course(n).name for n in ("b", "a")]
        got = self.api.BatchGetCourses(parent=self.clinic, names=[names[0], active.name, names[1]])
        self.assertEqual([names[0], active.name, names[1]], [c.name for c in got.courses])
        with self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND"):
            self.api.BatchGetCourses(parent=self.clinic, names=[names[0], f"{self.clinic}/courses/no"])
        listed = lambda **by: [c.name.rsplit("/")[-1] for c in self.api.all(  # noqa: E731
            "ListCourses", "courses", parent=self.clinic, **by)]
        self.assertEqual(["a", "active", "b"], listed(page_size=2))
        self.assertEqual(["active"], listed(states=[course_pb2.COURSE_STATE_ACTIVE]))
        self.assertEqual(["a", "b"], listed(therapist=f"{self.clinic}/therapists/ana"))
        self.assertEqual(["a"], listed(patient=dict(system="urn:mrn", value="a")))
        self.assertEqual([], listed(patient=dict(system="urn:other", value="a")))
        deadline = day_of(active.progress.deadline_date)
        self.assertEqual(["active"], listed(deadline_before=date(deadline + DAY)))
        self.assertEqual([], listed(deadline_before=date(deadline)))
        self.api.DiscontinueCourse(name=active.name, reason=1)
        self.assertEqual([], listed(deadline_before=date(deadline + DAY)))
        self.assertEqual(["active"], listed(states=[course_pb2.COURSE_STATE_DISCONTINUED]))

    def test_a_clinic_divides_its_courses_into_phases(self):
        self.make_clinic()
        self.make_therapist()
        course = self.make_course(variant="ipt-b-8")
        ends = lambda phases: [p.last_session for p in phases]  # noqa: E731
        brief = next(v for v in self.api.ListVariants().variants if v.id == "ipt-b-8")
        self.assertTrue(brief.phases_proposed)
        self.assertEqual(ends(brief.phases), ends(course.progress.phases))
        own = dict(variant="ipt-b-8", initial_sessions=1, termination_sessions=3)
        changed = self.api.UpdateClinic(
            clinic=dict(name=self.clinic, policy=dict(variant_phases=[own])),
            update_mask=mask("policy.variant_phases"))
        course = self.api.GetCourse(name=course.name, min_revision=changed.revision)
        self.assertEqual([1, 5, 8], ends(course.progress.phases))

    def test_update_course(self):
        self.make_clinic()
        self.make_therapist()
        course = self.make_course(indication=1)
        changed = self.api.UpdateCourse(course=dict(name=course.name, indication=2, cadence_days=6,
                                                    etag=course.etag),
                                        update_mask=mask("indication", "cadence_days"))
        self.assertEqual((2, 6), (changed.indication, changed.cadence_days))
        for path in ("patient", "therapist", "state", "planned_sessions", "nonsense"):
            with self.refused("INVALID_ARGUMENT", "INVALID_FIELDS"):
                self.api.UpdateCourse(course=dict(name=course.name), update_mask=mask(path))

    # --------------------------------------------------------------------- the promises of every call

    def test_replay_gives_the_first_answer(self):
        self.make_clinic()
        self.make_therapist()
        course = self.make_course()
        start = at(next_weekday(0, TODAY + WEEK), 9)
        request = self.api.request("BookSession", parent=course.name, start_time=ts(start))
        path = "/ipt.scheduling.v1.SessionService/BookSession"
        first = self.api.raw(path, request.SerializeToString())
        session = session_pb2.Session.FromString(first)
        self.api.RescheduleSession(name=session.name, start_time=ts(start + DAY / 24))
        self.assertEqual(first, self.api.raw(path, request.SerializeToString()))
        self.assertEqual(1, len(self.api.all("ListSessions", "sessions", parent=course.name)))
        other = type(request)()
        other.CopyFrom(request)
        other.location = "elsewhere"
        with self.refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
            self.api.send("BookSession", other)

    def test_reads_with_min_revision(self):
        clinic = self.make_clinic()
        self.assertEqual(clinic, self.api.GetClinic(name=self.clinic, min_revision=clinic.revision))
        with self.refused("FAILED_PRECONDITION", "REVISION_NOT_REACHED"):
            self.api.GetClinic(name=self.clinic, min_revision=clinic.revision + 10**9)

    def test_pages_are_stable_while_rows_are_added(self):
        self.make_clinic()
        for i in range(5):
            self.make_therapist(f"t{i}0")
        seen, token = [], ""
        for step in range(10):
            page = self.api.ListTherapists(parent=self.clinic, page_size=2, page_token=token)
            seen += [t.name.rsplit("/")[-1] for t in page.therapists]
            token = page.next_page_token
            if not token:
                break
            self.make_therapist(f"t{step}5")  # some before the place reached, some after it
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(sorted(seen), seen)
        self.assertLessEqual({f"t{i}0" for i in range(5)}, set(seen))

    def test_audit_of_writes_and_reads(self):
        self.make_clinic()
        self.make_therapist()
        course = self.make_course()
        for _ in range(3):
            self.api.GetCourse(name=course.name)
        entries = []

        def read_is_there():
            entries[:] = self.api.all("ListAuditEntries", "audit_entries", parent=self.clinic)
            return any(e.method.endswith("/GetCourse") for e in entries)
        support.wait_until(read_is_there, "the audit entry of a read")
        subject = "developer" if self.secure else "anonymous"
        self.assertEqual({subject}, {e.caller for e in entries})
        by = {e.method.rsplit("/")[-1]: e for e in entries}
        self.assertEqual(options_pb2.ACCESS_WRITE, by["CreateCourse"].access)
        self.assertEqual(("OK", 1), (by["CreateCourse"].outcome, by["CreateCourse"].count))
        self.assertTrue(by["CreateCourse"].request_id)
        self.assertEqual(options_pb2.ACCESS_READ, by["GetCourse"].access)
        self.assertEqual(course.name, by["GetCourse"].resource)
        times = [instant(e.time) for e in entries]
        self.assertEqual(sorted(times, reverse=True), times)
        support.wait_until(lambda: sum(e.count for e in self.api.all(
            "ListAuditEntries", "audit_entries", parent=self.clinic, resource=course.name)
            if e.method.endswith("/GetCourse")) == 3, "all three reads")
        self.assertEqual([], self.api.all("ListAuditEntries", "audit_entries", parent=self.clinic,
                                          caller="somebody-else"))
        self.assertEqual([], self.api.all("ListAuditEntries", "audit_entries", parent=self.clinic,
                                          start_time=ts(now() + DAY)))


if __name__ == "__main__":
    unittest.main()
