#!/usr/bin/python3
"""Bad input over the real socket: the precise code, reason and fields, and nothing half-written."""

import datetime
import unittest

import support  # first: it makes the generated stubs importable
from google.protobuf import field_mask_pb2
from ipt.common.v1 import options_pb2
from ipt.scheduling.v1 import plan_pb2
from malformed import FIELDS, Fuzz, Refusals, send_unary
from support import LONDON, at, date, instant, next_weekday, now, rid, ts, wait_until

DAY = datetime.timedelta(days=1)
TODAY = support.today()
MONDAY = next_weekday(0, TODAY + 7 * DAY)


def spring_change(zone):
    """The next Sunday or so on which clocks go forward, with the three weeks before it still ahead."""
    day = TODAY + 21 * DAY
    while True:
        before = datetime.datetime(day.year, day.month, day.day, tzinfo=zone).utcoffset()
        after = datetime.datetime(day.year, day.month, day.day, 12, tzinfo=zone).utcoffset()
        if after > before:
            return day
        day += DAY


@support.on_all(secure=(False,))
class BadInput(Refusals):
    def setUp(self):
        super().setUp()
        self.make_clinic()
        self.make_therapist()
        self.ana = f"{self.clinic}/therapists/ana"
        self.course = self.make_course()
        self.before = None

    def snapshot(self):
        """All that the clinic's tables show, and every write that the audit knows to have happened."""
        every = lambda name, items, **fields: self.api.all(name, items, page_size=1000, **fields)  # noqa: E731
        return [
            self.api.GetClinic(name=self.clinic),
            every("ListHolidays", "holidays", parent=self.clinic),
            every("ListTherapists", "therapists", parent=self.clinic),
            every("ListTimeOff", "time_off", parent=self.ana),
            every("ListExtraHours", "extra_hours", parent=self.ana),
            [(c.name, c.etag, c.state) for c in every("ListCourses", "courses", parent=self.clinic)],
            every("ListSessions", "sessions", parent=f"{self.clinic}/courses/-"),
            every("ListReminders", "reminders", parent=self.clinic),
            self.api.GetReminderPolicy(clinic=self.clinic), self.api.GetSending(clinic=self.clinic),
            [(e.method, e.request_id) for e in every("ListAuditEntries", "audit_entries",
                                                     parent=self.clinic)
             if e.access == options_pb2.ACCESS_WRITE and e.outcome == "OK"],
        ]

    def given_up(self, method):
        """How many calls of a method the server says that it gave up: by its own clock or its client's."""
        return support.total(self.server.admin, "grpc_server_handled_total", grpc_method=[method],
                             grpc_code=["DEADLINE_EXCEEDED", "CANCELLED"])

    # ------------------------------------------------------------------------------ values of fields

    def test_unknown_zones(self):
        other = self.id + "x"
        with self.refused(*FIELDS, ["clinic.time_zone"]):
            self.api.CreateClinic(clinic_id=other, clinic=dict(display_name="X",
                                                               time_zone="Mars/Base"))
        with self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND"):
            self.api.GetClinic(name=f"clinics/{other}")
        self.check([
            ("CreateTherapist", dict(parent=self.clinic, therapist=dict(
                display_name="Ben", time_zone="Europe/Nowhere")), *FIELDS, ["therapist.time_zone"]),
            ("CreateCourse", dict(parent=self.clinic, course=self.course_fields(
                "p2", time_zone="../etc/passwd")), *FIELDS, ["course.time_zone"]),
            ("UpdateClinic", dict(clinic=dict(name=self.clinic, time_zone="europe/london ")), *FIELDS,
             ["clinic.time_zone"]),
        ])

    def test_ends_before_starts(self):
        hours = lambda **window: dict(parent=self.clinic, therapist=dict(  # noqa: E731
            display_name="Ben", working_hours=[window]))
        span = lambda start, end: dict(start_time=ts(at(MONDAY, start)),  # noqa: E731
                                       end_time=ts(at(MONDAY, end)))
        days = dict(first=date(MONDAY), last=date(MONDAY - DAY))
        self.check([
            ("CreateTherapist", hours(day=1, start=dict(hours=17), end=dict(hours=9)), *FIELDS,
             ["therapist.working_hours[0].end"]),
            ("CreateTherapist", hours(day=1, start=dict(hours=9), end=dict(hours=9)), *FIELDS,
             ["therapist.working_hours[0].end"]),
            ("CreateTimeOff", dict(parent=self.ana, time_off=dict(time=span(12, 10))), *FIELDS,
             ["time_off.time.end_time"]),
            ("CreateTimeOff", dict(parent=self.ana, time_off=dict(days=days)), *FIELDS,
             ["time_off.days.last"]),
            ("CreateExtraHours", dict(parent=self.ana, extra_hours=dict(time=span(12, 12))), *FIELDS,
             ["extra_hours.time.end_time"]),
            ("FindSlots", dict(parent=self.clinic, **span(12, 10)), *FIELDS, ["end_time"]),
            ("PauseCourse", dict(name=self.course.name, pause=dict(
                first_day=date(MONDAY), last_day=date(MONDAY - DAY), reason=1)), *FIELDS,
             ["pause.last_day"]),
            ("PauseCourse", dict(name=self.course.name, pause=dict(
                first_day=date(MONDAY), last_day=date(MONDAY))), *FIELDS, ["pause.reason"]),
        ])

    def test_lengths_of_courses(self):
        make = lambda **fields: dict(parent=self.clinic,  # noqa: E731
                                     course=self.course_fields("p2", **fields))
        cases = [("CreateCourse", make(**{field: value}), *FIELDS, [f"course.{field}"])
                 for field, value in (("duration_weeks", 11), ("duration_weeks", 17),
                                      ("duration_weeks", -1), ("duration_weeks", 0),
                                      ("planned_sessions", 0), ("planned_sessions", -1),
                                      ("planned_sessions", 10**6), ("cadence_days", 0),
                                      ("cadence_days", 8), ("cadence_days", 93), ("cadence_tolerance_days", 4),
                                      ("session_minutes", 14), ("session_minutes", 241),
                                      ("variant", "no-such-variant"))]
        cases += [
            ("CreateCourse", make(duration_weeks=11, session_minutes=5, time_zone="X"), *FIELDS,
             ["course.duration_weeks", "course.session_minutes", "course.time_zone"]),
            ("ImportCourse", make(duration_weeks=17), *FIELDS, ["course.duration_weeks"]),
            ("ImportCourse", make(planned_sessions=0), *FIELDS, ["course.planned_sessions"]),
            ("ExtendCourse", dict(name=self.course.name, planned_sessions=0, reason="x"), *FIELDS,
             ["planned_sessions"]),
            ("BookPlan", dict(name=self.course.name), *FIELDS, ["slots"]),
            ("ShortenCourse", dict(name=self.course.name, reason="x"), *FIELDS, ["planned_sessions"]),
            ("PlanCourse", dict(name=self.course.name, session_count=-1), *FIELDS, ["session_count"]),
            ("PlanCourse", dict(name=self.course.name, session_count=0), *FIELDS, ["session_count"]),
            ("BatchGetCourses", dict(parent=self.clinic), *FIELDS, ["names"]),
            ("ExtendCourse", dict(name=self.course.name, duration_weeks=16), *FIELDS, ["reason"]),
        ]
        self.check(cases)

    def test_reminders(self):
        rule = dict(audience=1, minutes_before=60, channels=[1], template="t")
        policy = lambda **fields: dict(clinic=self.clinic, policy=fields)  # noqa: E731
        deadline = dict(kind=4, audience=2, channels=[2], template="t")  # without weeks_before
        patient = dict(parent=self.clinic, patient=dict(system=self.course.patient.system, value=self.course.patient.value))
        cases = [("UpdateReminderPolicy", policy(session_rules=[dict(rule, **wrong)]), *FIELDS,
                  [f"policy.session_rules[0].{field}"])
                 for wrong, field in ((dict(audience=0), "audience"), (dict(minutes_before=4), "minutes_before"),
                                      (dict(minutes_before=40321), "minutes_before"),
                                      (dict(channels=[]), "channels"), (dict(channels=[1, 1]), "channels[1]"),
                                      (dict(template="a b"), "template"), (dict(template=""), "template"))]
        cases += [
            ("UpdateReminderPolicy", policy(session_rules=[rule, rule]), *FIELDS,
             ["policy.session_rules[1].minutes_before"]),
            ("UpdateReminderPolicy", policy(course_rules=[deadline]), *FIELDS,
             ["policy.course_rules[0].weeks_before"]),
            ("UpdateReminderPolicy", policy(course_rules=[dict(deadline, kind=8)]), *FIELDS,
             ["policy.course_rules[0].kind"]),
            ("UpdateReminderPolicy", policy(quiet_hours=dict(start=dict(hours=8), end=dict(hours=8))), *FIELDS,
             ["policy.quiet_hours.end"]),
            ("UpdateReminderPolicy", policy(quiet_hours=dict(start=dict(hours=8))), *FIELDS,
             ["policy.quiet_hours.end"]),
            ("UpdateReminderPolicy", policy(course_reminder_time=dict(hours=24)), *FIELDS,
             ["policy.course_reminder_time"]),
            ("UpdateReminderPolicy", policy(max_attempts=21), *FIELDS, ["policy.max_attempts"]),
            ("UpdateReminderPolicy", policy(after_unknown=3), *FIELDS, ["policy.after_unknown"]),
            ("UpdateReminderPolicy", dict(clinic=self.clinic), *FIELDS, ["policy"]),
            ("UpdateReminderPolicy", policy(etag='"1"', max_attempts=3), "ABORTED", "ETAG_MISMATCH", None),
            ("UpdateReminderPolicy", dict(policy(max_attempts=3), course=f"{self.clinic}/courses/none"),
             "NOT_FOUND", "RESOURCE_NOT_FOUND", None),
            ("PreviewReminders", dict(course=self.course.name, policy=dict(max_attempts=-1)), *FIELDS,
             ["policy.max_attempts"]),
            ("UpdateContactPreferences", dict(patient, preferences=dict(
                time_zone="Mars/Base", language="x", opted_out=[1, 1])), *FIELDS,
             ["preferences.language", "preferences.opted_out[1]", "preferences.time_zone"]),
            ("UpdateContactPreferences", dict(patient, preferences=dict(), update_mask=field_mask_pb2.FieldMask(
                paths=["patient"])), *FIELDS, ["update_mask.paths[0]"]),
            ("GetContactPreferences", dict(parent=self.clinic, patient=dict(system="s", value="nobody")),
             "NOT_FOUND", "RESOURCE_NOT_FOUND", None),
            ("GetContactPreferences", dict(parent=self.clinic), *FIELDS, ["patient"]),
            ("SetSending", dict(clinic=self.clinic, paused=True), *FIELDS, ["reason"]),
            ("SetSending", dict(clinic=self.clinic, max_per_minute=-1), *FIELDS, ["max_per_minute"]),
            ("TestReminder", dict(course=self.course.name), *FIELDS, ["channels", "template"]),
            ("TestReminder", dict(course=self.course.name, channels=[9], template="t"), *FIELDS, None),
            ("DropReminder", dict(name=f"{self.clinic}/reminders/none"), *FIELDS, ["reason"]),
            ("DropReminder", dict(name=f"{self.clinic}/reminders/none", reason="x"), "NOT_FOUND",
             "RESOURCE_NOT_FOUND", None),
            ("ListReminders", dict(parent=self.clinic, states=[0]), *FIELDS, ["states[0]"]),
            ("ListReminders", dict(parent=self.clinic, start_time=ts(at(MONDAY, 9)),
                                   end_time=ts(at(MONDAY, 9))), *FIELDS, ["end_time"]),
        ]
        self.check(cases)

    def test_days_times_and_numbers_that_do_not_exist(self):
        session = dict(parent=self.course.name)
        self.check([
            ("CreateHolidays", dict(parent=self.clinic, holidays=[
                dict(date=dict(year=2027, month=2, day=30))]), *FIELDS, ["holidays[0].date"]),
            ("CreateHolidays", dict(parent=self.clinic, holidays=[
                dict(date=date(MONDAY)), dict(date=date(MONDAY))]), *FIELDS, ["holidays[1].date"]),
            ("CreateTherapist", dict(parent=self.clinic, therapist=dict(
                display_name="B", working_hours=[dict(day=0, start=dict(hours=25),
                                                      end=dict(hours=12, seconds=1))])), *FIELDS,
             ["therapist.working_hours[0].day", "therapist.working_hours[0].end",
              "therapist.working_hours[0].start"]),
            ("CreateTherapist", dict(parent=self.clinic, therapist=dict(
                display_name="A\0B", working_hours=[dict(day=9)])), *FIELDS,
             ["therapist.display_name", "therapist.working_hours[0].day"]),
            ("BookSession", dict(start_time=ts(at(MONDAY, 10) + datetime.timedelta(seconds=1)),
                                 **session), *FIELDS, ["start_time"]),
            ("BookSession", dict(start_time=ts(now() - DAY), **session), *FIELDS, ["start_time"]),
            ("BookSession", dict(start_time=ts(at(MONDAY, 10)), session_minutes=10, **session),
             *FIELDS, ["session_minutes"]),
            ("BookSession", dict(start_time=ts(at(MONDAY, 10)), session_minutes=0, **session),
             *FIELDS, ["session_minutes"]),
            ("BookSession", dict(start_time=ts(at(MONDAY, 10)), modality=77, **session), *FIELDS,
             ["modality"]),
            ("BookSession", dict(start_time=dict(seconds=2**62), **session), *FIELDS, ["start_time"]),
            ("BookSession", dict(start_time=dict(seconds=1, nanos=-5), **session), *FIELDS,
             ["start_time"]),
            ("BookSession", dict(start_time=ts(at(MONDAY, 10)), override=dict(past_deadline=True),
                                 **session), *FIELDS, ["override.reason"]),
            ("BookSession", session, *FIELDS, ["start_time"]),
            ("BookSession", dict(start_time=ts(now() - 40 * DAY), retrospective=True, **session),
             *FIELDS, ["start_time"]),
            ("ListCourses", dict(parent=self.clinic, page_size=-1), *FIELDS, ["page_size"]),
            ("GetTherapistCalendar", dict(name=self.ana, first_day=date(TODAY), days=93), *FIELDS,
             ["days"]),
            ("FindSlots", dict(parent=self.clinic, start_time=ts(now()), end_time=ts(now() + 93 * DAY)),
             *FIELDS, ["end_time"]),
            ("CreateClinic", dict(clinic_id=self.id + "y", clinic=dict(
                display_name="", time_zone="Europe/London", policy=dict(
                    session_minutes=5, pause_cap_days=400, slot_minutes=7))), *FIELDS,
             ["clinic.display_name", "clinic.policy.pause_cap_days", "clinic.policy.session_minutes",
              "clinic.policy.slot_minutes"]),
            ("CreateTherapist", dict(parent=self.clinic, therapist=dict(display_name="é" * 65)),
             *FIELDS, ["therapist.display_name"]),
            ("DiscontinueCourse", dict(name=self.course.name, reason=99), *FIELDS, ["reason"]),
            ("UpdateClinic", dict(clinic=dict(name=self.clinic, display_name="x"),
                                  update_mask=field_mask_pb2.FieldMask(paths=["etag"])), *FIELDS,
             ["update_mask.paths[0]"]),
        ])

    def test_overlaps(self):
        windows = [dict(day=1, start=dict(hours=9), end=dict(hours=12)),
                   dict(day=1, start=dict(hours=11), end=dict(hours=13))]
        past = [dict(start_time=ts(at(TODAY - 7 * DAY, 10)), outcome=1),
                dict(start_time=ts(at(TODAY - 7 * DAY, 10, 30)), outcome=1)]
        self.check([
            ("CreateTherapist", dict(parent=self.clinic, therapist=dict(
                display_name="B", working_hours=windows)), *FIELDS, ["therapist.working_hours[1]"]),
            ("ImportCourse", dict(parent=self.clinic, course=self.course_fields("p2"),
                                  past_sessions=past), *FIELDS, ["past_sessions[1].start_time"]),
            ("BookPlan", dict(name=self.course.name, slots=[
                dict(start_time=ts(at(MONDAY, 10))), dict(start_time=ts(at(MONDAY, 10, 30)))]),
             "FAILED_PRECONDITION", "SERIES_CONFLICT", None),
        ])
        self.api.BookSession(parent=self.course.name, start_time=ts(at(MONDAY, 10)))
        other = self.make_course("c2")
        self.check([("BookSession", dict(parent=other.name, start_time=ts(at(MONDAY, 10, 45))),
                     "FAILED_PRECONDITION", "SLOT_TAKEN", [])])

    # ------------------------------------------------------------------------------------ DST changes

    def test_reschedule_into_the_gap_of_a_clock_change(self):
        """A following session whose local time is skipped takes the offset before the gap (RFC 5545)."""
        gap = spring_change(LONDON)  # 01:00 to 02:00 does not exist
        self.api.UpdateTherapist(therapist=dict(name=self.ana, working_hours=[
            dict(day=7, start=dict(hours=0), end=dict(hours=6))]))
        first, second = (self.api.BookSession(
            parent=self.course.name, start_time=ts(at(day, 0)), session_minutes=30,
            override=dict(past_deadline=True, reason="far ahead")) for day in (gap - 7 * DAY, gap))
        moved = self.api.RescheduleSession(
            name=first.name, scope=2, start_time=ts(at(gap - 7 * DAY, 1, 30)),
            override=dict(past_deadline=True, reason="far ahead")).sessions
        self.assertEqual([first.name, second.name], [s.name for s in moved])
        self.assertEqual(datetime.datetime(gap.year, gap.month, gap.day, 1, 30, tzinfo=support.UTC),
                         instant(moved[1].start_time))
        self.assertEqual((2, 30), (moved[1].local_time.hours, moved[1].local_time.minutes))

    def test_planning_across_the_gap_of_a_clock_change(self):
        """Sixteen Sundays are open, one of them in the gap: the plan says what moved that one."""
        gap = spring_change(LONDON)
        self.make_therapist("sun", working_hours=[])
        for week in range(-2, 14):
            start = at(gap + week * 7 * DAY, 1)  # on the day itself: 01:00 GMT, which is 02:00 BST
            self.api.CreateExtraHours(
                parent=f"{self.clinic}/therapists/sun", extra_hours=dict(time=dict(
                    start_time=ts(start), end_time=ts(start + datetime.timedelta(minutes=50)))))
        plan = self.api.PlanCourse(name=self.make_course("c2", therapist="sun").name,
                                   earliest_time=ts(at(gap - 20 * DAY, 0)))
        self.assertEqual((16, 7, 1), (len(plan.sessions), plan.day, plan.time.hours))
        moved = [s for s in plan.sessions if s.verdict != plan_pb2.PLAN_VERDICT_ON_PATTERN]
        self.assertEqual([(gap, 2, 0)], [(support.day_of(s.local_date), s.local_time.hours,
                                          s.local_time.minutes) for s in moved])
        self.assertIn(plan_pb2.DEVIATION_REASON_CLOCK_CHANGE, moved[0].reasons)

    # ------------------------------------------------------------------------------------------ names

    def test_malformed_names(self):
        names = ["courses/c1", f"{self.clinic}/courses", f"{self.clinic}/courses/",
                 f"{self.clinic}/courses/c1/", f"/{self.clinic}/courses/c1", f"{self.clinic}/courses/C1",
                 f"{self.clinic}/courses/c_1", f"{self.clinic}/courses/-", f"clinics//courses/c1",
                 f"{self.clinic}/courses/" + "x" * 64, f"{self.clinic}/therapists/ana",
                 f"{self.clinic}/courses/c1\n", f"{self.clinic}/courses/../courses/c1", "clinics/-/courses/c1",
                 f"{self.clinic}/courses/c%31", "x" * 5000]
        self.check([("GetCourse", dict(name=name), *FIELDS, ["name"]) for name in ["", *names]] + [
            ("CancelSession", dict(name=self.course.name, cancelled_by=1), *FIELDS, ["name"]),
            ("CreateCourse", dict(parent="clinics", course_id="UPPER", course=dict(
                patient=dict(system="", value="x" * 129), therapist="ana")), *FIELDS, None),
            ("CreateCourse", dict(parent=self.clinic, course_id="Upper", course=self.course_fields("q")),
             *FIELDS, ["course_id"]),
            ("CreateCourse", dict(parent=self.clinic, course=self.course_fields("q", "nobody")),
             "NOT_FOUND", "RESOURCE_NOT_FOUND", None),
            ("BookSession", dict(parent=self.course.name, session_id="a b", start_time=ts(at(MONDAY, 9))),
             *FIELDS, ["session_id"]),
            ("CreateHolidays", dict(parent="nonsense", holidays=[dict(date=date(MONDAY))]), *FIELDS,
             ["parent"]),
            ("DeleteHoliday", dict(name=f"{self.clinic}/holidays/2027-02-30"), *FIELDS, ["name"]),
        ])

    def test_another_clinics_names(self):
        other = "clinics/o" + self.id
        self.api.CreateClinic(clinic_id=other.split("/")[1], clinic=dict(
            display_name="Other", time_zone="Europe/London"))
        self.api.CreateTherapist(parent=other, therapist_id="eve", therapist=dict(
            display_name="Eve", working_hours=support.weekly()))
        eve = f"{other}/therapists/eve"
        theirs = self.api.CreateCourse(parent=other, course_id="c9", course=dict(
            patient=dict(system="urn:mrn", value="x"), therapist=eve)).name
        when = dict(start_time=ts(at(MONDAY, 9)), end_time=ts(at(MONDAY, 12)))
        self.check([
            ("CreateCourse", dict(parent=self.clinic, course=dict(
                patient=dict(system="s", value="v"), therapist=eve)), *FIELDS, ["course.therapist"]),
            ("BatchGetCourses", dict(parent=self.clinic, names=[self.course.name, theirs]), *FIELDS,
             ["names[1]"]),
            ("TransferCourse", dict(name=self.course.name, therapist=eve), *FIELDS, ["therapist"]),
            ("TransferCourses", dict(from_therapist=self.ana, to_therapist=eve), *FIELDS,
             ["to_therapist"]),
            ("ListCourses", dict(parent=self.clinic, therapist=eve), *FIELDS, ["therapist"]),
            ("FindSlots", dict(parent=self.clinic, therapists=[self.ana, eve], **when), *FIELDS,
             ["therapists[1]"]),
            ("FindSlots", dict(parent=self.clinic, course=theirs, **when), *FIELDS, ["course"]),
        ])

    # ------------------------------------------------------------------- etags, request ids, page tokens

    def test_stale_etags(self):
        session = self.api.BookSession(parent=self.course.name, start_time=ts(at(MONDAY, 9)))
        stale = self.course.etag
        name = dict(name=self.course.name, etag=stale)
        old = dict(name=session.name, etag=session.etag)
        self.api.UpdateSession(session=dict(name=session.name, location="elsewhere"))
        therapist = self.api.GetTherapist(name=self.ana)
        self.api.UpdateTherapist(therapist=dict(name=self.ana, display_name="Ana B"))
        pause = dict(first_day=date(MONDAY + 60 * DAY), last_day=date(MONDAY + 61 * DAY), reason=1)
        aborted = ("ABORTED", "ETAG_MISMATCH", None)
        self.check([
            ("UpdateCourse", dict(course=dict(indication=1, **name)), *aborted),
            ("PauseCourse", dict(pause=pause, **name), *aborted),
            ("PauseCourse", dict(pause=pause, validate_only=True, **name), *aborted),
            ("ShortenCourse", dict(planned_sessions=12, reason="x", **name), *aborted),
            ("DiscontinueCourse", dict(reason=1, **name), *aborted),
            ("BookPlan", dict(slots=[dict(start_time=ts(at(MONDAY + DAY, 9)))], **name), *aborted),
            ("RescheduleSession", dict(start_time=ts(at(MONDAY, 11)), **old), *aborted),
            ("CancelSession", dict(cancelled_by=1, **old), *aborted),
            ("UpdateSession", dict(session=dict(location="x", **old)), *aborted),
            ("UpdateTherapist", dict(therapist=dict(name=self.ana, display_name="C",
                                                    etag=therapist.etag)), *aborted),
            ("DeactivateTherapist", dict(name=self.ana, etag="nonsense", force=True), *aborted),
        ])

    def test_request_ids(self):
        used = rid()
        fields = dict(parent=self.clinic, holidays=[dict(date=date(MONDAY))], request_id=used)
        self.api.CreateHolidays(**fields)
        cases = [("CreateHolidays", dict(fields, holidays=[dict(date=date(MONDAY + DAY))]),
                  "ALREADY_EXISTS", "REQUEST_ID_REUSED", None)]
        for bad in ("", "1", "not-a-uuid", used + "0", "g" * 36):
            cases.append(("CreateHolidays", dict(fields, request_id=bad), "INVALID_ARGUMENT",
                          "REQUEST_ID_REQUIRED", ["request_id"]))
        self.check(cases)
        # Every write of every service asks for one before it looks at anything else's value; but a
        # conversation's messages, which each stand for themselves.
        for path, (_, method) in support.methods().items():
            if "request_id" not in method.input_type.fields_by_name:
                continue
            if method.GetOptions().Extensions[options_pb2.policy].access == options_pb2.ACCESS_WRITE:
                with self.subTest(path):
                    with self.assertRaises(support.Refused) as refusal:
                        self.api.send(method.name, support.message_class(method.input_type)())
                    self.assertEqual("INVALID_ARGUMENT", refusal.exception.code)
                    self.assertIn("request_id", refusal.exception.fields)

    def test_page_tokens_of_other_lists(self):
        self.make_therapist("ben")
        self.api.CreateHolidays(parent=self.clinic, holidays=[
            dict(date=date(MONDAY + i * DAY)) for i in range(3)])
        token = self.api.ListTherapists(parent=self.clinic, page_size=1).next_page_token
        self.assertTrue(token)
        ask = lambda method, token, **fields: (  # noqa: E731
            method, dict(parent=self.clinic, page_size=1, page_token=token, **fields), *FIELDS,
            ["page_token"])
        changed = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
        self.check([
            ask("ListHolidays", token), ask("ListCourses", token), ask("ListAuditEntries", token),
            ask("ListTherapists", token, language="en"), ask("ListTherapists", changed),
            ask("ListTherapists", "garbage"), ask("ListTherapists", "é"), ask("ListTherapists", token + "A"),
            ask("ListTherapists", token[:8]), ask("ListTherapists", "A" * 3000)])
        other = "clinics/o" + self.id
        self.api.CreateClinic(clinic_id=other.split("/")[1],
                              clinic=dict(display_name="Other", time_zone="Europe/London"))
        with self.refused(*FIELDS, ["page_token"]):
            self.api.ListTherapists(parent=other, page_size=1, page_token=token)

    # --------------------------------------------------------------------------------- bytes and time

    def test_bytes_that_are_no_request(self):
        before = self.snapshot()
        path = "/ipt.scheduling.v1.CourseService/GetCourse"
        for data in (b"\x0a\xff", b"\x0a\x05abc", b"\xff" * 50, b"\x0b" * 7):
            with self.subTest(data), self.refused("INVALID_ARGUMENT", "MALFORMED_REQUEST"):
                self.api.raw(path, data)
        with self.refused(*FIELDS, ["name"]):  # not UTF-8
            self.api.raw(path, b"\x0a\x03\xff\xfe\xfd")
        create = self.api.request("CreateCourse", parent=self.clinic,
                                  course=self.course_fields("Jos")).SerializeToString()
        with self.refused(*FIELDS, ["course.patient.value"]):
            self.api.raw("/ipt.scheduling.v1.CourseService/CreateCourse",
                         create.replace(b"Jos", b"J\xe9s"))
        with self.assertRaises(support.Refused) as refusal:
            self.api.raw(path, b"\x0a" + b"x" * (5 << 20))
        self.assertEqual("RESOURCE_EXHAUSTED", refusal.exception.code)
        with self.assertRaises(support.Refused) as refusal:
            self.api.raw("/ipt.scheduling.v1.CourseService/NoSuchMethod", b"")
        self.assertEqual("UNIMPLEMENTED", refusal.exception.code)
        self.assertEqual(before, self.snapshot())

    def test_a_deadline_passed(self):
        """While writes must wait, calls whose time is up before their turn write nothing."""
        path = "/ipt.scheduling.v1.ClinicService/CreateHolidays"
        before = self.snapshot()
        request = self.api.request("CreateHolidays", parent=self.clinic,
                                   holidays=[dict(date=date(MONDAY))])
        before_it = self.given_up("CreateHolidays")
        release = self.server.hold_writes()
        try:
            with self.assertRaises(support.Refused) as refusal:
                self.api.send("CreateHolidays", request, timeout=3)
            self.assertEqual("DEADLINE_EXCEEDED", refusal.exception.code)
            # The server counts its time from the call's arrival: writes wait until it has given up, too.
            wait_until(lambda: self.given_up("CreateHolidays") == before_it + 1,
                       "the server to give up")
            # No client sends a call that has no time left, so say it to the server by hand. It ends such a
            # call at once, mostly before it begins: then nothing counts it.
            send_unary(self.server.port, path, request.SerializeToString(), [("grpc-timeout", "1n")])
        finally:
            release()
        self.assertEqual(before, self.snapshot())
        # The same bytes with time are taken: it was the deadline that refused them.
        send_unary(self.server.port, path, request.SerializeToString(), [("grpc-timeout", "10S")])
        self.assertEqual(1, len(self.api.all("ListHolidays", "holidays", parent=self.clinic)))

    # ------------------------------------------------------------------------------------------- fuzz

    def test_mutated_requests(self):
        session = self.api.BookSession(parent=self.course.name, start_time=ts(at(MONDAY, 9)))
        drawn = Fuzz(self, {
            "clinics/{clinic}": [self.clinic],
            "clinics/{clinic}/therapists/{therapist}": [self.ana],
            "clinics/{clinic}/courses/{course}": [self.course.name],
            "clinics/{clinic}/courses/{course}/sessions/{session}": [session.name]}, {
                "time_zone": ["Europe/London"],
                "paths": ["*", "display_name", "policy", "location", "modality", "working_hours", "indication"]})
        calls = list(support.methods().items())
        for _ in range(2000):
            path, (_, method) = drawn.choice(calls)
            drawn.send(path, drawn.filled(support.message_class(method.input_type)))
        drawn.check()
        self.api.GetClinic(name=self.clinic)


if __name__ == "__main__":
    unittest.main()
