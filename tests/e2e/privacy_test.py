#!/usr/bin/python3
"""Patient data stays in the store and in answers: marked values of everything that can be personal are
sent in right and in wrong calls, then looked for in logs, metrics, error messages and the audit."""

import datetime
import unittest

import support  # first: it makes the generated stubs importable
from support import Refused, at, date, http, next_weekday, now, rid, ts

DAY = datetime.timedelta(days=1)
TODAY = support.today()
MONDAY = next_weekday(0, TODAY + 7 * DAY)
MARK = "CANARY"


@support.on_all(secure=(False,))
class Privacy:
    # The most that a log can tell: every call and every statement is slow.
    flags = ("--log_level=debug", "--slow_call=0s", "--slow_statement=0s")

    def mark(self, what):
        """A value that occurs nowhere else."""
        return f"{MARK}-{what}-{rid()}"

    def patient(self, value=None):
        return dict(system=f"https://{MARK}.example/mrn", value=value or self.mark("patient"))

    def test_nothing_leaks(self):
        self.errors = []
        self.make_clinic()
        ana = self.make_therapist().name
        self.make_therapist("ben", working_hours=support.weekly(range(1, 3)))
        call = self.call
        first, second, third = (self.patient() for _ in range(3))
        make = lambda name, patient, **more: call("CreateCourse", parent=self.clinic,  # noqa: E731
                                                  course_id=name, course=dict(
                                                      patient=patient, therapist=ana, **more))
        course = make("c1", first)
        make("c2", first)  # OPEN_COURSE_EXISTS
        make("c1", second)  # RESOURCE_EXISTS
        make("c3", second)
        make("c4", dict(system=f"{MARK}" * 60, value=f"{MARK}" * 30))
        make("c5", third, variant=self.mark("variant"), time_zone=self.mark("zone"))
        self.broken("CreateCourse", parent=self.clinic, course=dict(patient=self.patient(
            "Jos" + MARK), therapist=ana))
        call("ImportCourse", parent=self.clinic, course_id="c6", course=dict(
            patient=third, therapist=ana), past_sessions=[
                dict(start_time=ts(at(TODAY - n * DAY, 8)), outcome=1) for n in (14, 7)])
        call("ImportCourse", parent=self.clinic, course=dict(patient=third, therapist=ana),
             past_sessions=[dict(start_time=ts(at(TODAY - 7 * DAY, 8)), outcome=1)])

        plan = call("PlanCourse", name=course.name)
        slots = [dict(start_time=s.start_time, location=self.mark("room")) for s in plan.sessions]
        booked = call("BookPlan", name=course.name, slots=slots)
        call("BookPlan", name=f"{self.clinic}/courses/c3", slots=slots)  # SERIES_CONFLICT
        call("BookPlan", name=course.name, slots=slots, etag=self.mark("etag"))
        one, two = booked.sessions[:2]
        over = dict(outside_availability=True, reason=self.mark("override"))
        call("BookSession", parent=f"{self.clinic}/courses/c3", start_time=one.start_time,
             location=self.mark("room"), override=over)  # SLOT_TAKEN
        call("BookSession", parent=f"{self.clinic}/courses/c3", start_time=ts(at(MONDAY, 22)),
             location=MARK * 200)
        call("RescheduleSession", name=one.name, reason=self.mark("reason"), override=over,
             start_time=ts(support.instant(one.start_time) + DAY / 24))
        call("RescheduleSession", name=one.name, reason=MARK * 60, start_time=ts(now() - DAY))
        call("CancelSession", name=two.name, cancelled_by=1, reason=self.mark("reason"))
        call("CancelSession", name=two.name, cancelled_by=1, reason=self.mark("reason"))
        call("UpdateSession", session=dict(name=one.name, location=self.mark("link")))
        past = call("BookSession", parent=f"{self.clinic}/courses/c3", retrospective=True,
                    start_time=ts(at(TODAY - 2 * DAY, 12)), override=over)
        call("RecordAttendance", name=past.name, outcome=1)
        call("RecordAttendance", name=past.name, outcome=3, correction_reason=self.mark("reason"))
        call("ShortenCourse", name=course.name, planned_sessions=12, reason=self.mark("reason"))
        call("ShortenCourse", name=course.name, planned_sessions=12, reason=self.mark("reason"),
             cancel_sessions=True)
        call("TransferCourse", name=course.name, therapist=f"{self.clinic}/therapists/ben",
             reason=self.mark("reason"))
        call("TransferCourse", name=course.name, therapist=f"{self.clinic}/therapists/ben",
             reason=self.mark("reason"), on_conflict=2)
        call("ListCourses", parent=self.clinic, patient=first)
        call("ListCourses", parent=self.clinic, patient=first, page_token=self.mark("token"))
        call("GetCourse", name=course.name, min_revision=2**60)
        call("GetCourse", name=f"{self.clinic}/courses/" + self.mark("malformed name"))
        patients = dict(parent=self.clinic)
        call("ChangePatientIdentifier", **patients, **{"from": first, "to": second})  # PATIENT_EXISTS
        call("ChangePatientIdentifier", **patients, **{"from": first, "to": self.patient()})
        call("ChangePatientIdentifier", **patients, **{"from": first, "to": self.patient()})  # gone
        call("MergePatients", **patients, **{"from": self.patient(), "into": second})
        call("MergePatients", **patients, **{"from": second, "into": third})
        policy = dict(session_rules=[dict(audience=1, minutes_before=2880, channels=[1], template="days")])
        call("UpdateReminderPolicy", clinic=self.clinic, policy=policy)
        policy["session_rules"][0]["template"] = self.mark("no template")
        call("UpdateReminderPolicy", clinic=self.clinic, policy=policy)
        for who in (third, self.patient()):  # the second is unknown
            call("UpdateContactPreferences", **patients, patient=who,
                 preferences=dict(language="en", opted_out=[1]))
            call("UpdateContactPreferences", **patients, patient=who,
                 preferences=dict(language=self.mark("tongue"), time_zone=self.mark("zone")))
            call("GetContactPreferences", **patients, patient=who)
        call("PreviewReminders", course=course.name)
        test = call("TestReminder", course=course.name, channels=[2], template="days")
        call("SetSending", clinic=self.clinic, paused=True, reason=self.mark("pause"))
        call("SetSending", clinic=self.clinic, reason=MARK * 60)
        call("DropReminder", name=test.name, reason=self.mark("note"))
        call("ReplayReminder", name=test.name)
        self.assertGreater(len(call("ListReminders", parent=self.clinic).reminders), 3)
        call("CompleteCourse", name=course.name, cancel_sessions=True)
        call("DiscontinueCourse", name=f"{self.clinic}/courses/c3", reason=1)
        call("ReopenCourse", name=f"{self.clinic}/courses/c3", reason=self.mark("reason"))
        call("ListAuditEntries", parent=self.clinic, caller=self.mark("caller"))
        call("CreateHolidays", parent=self.clinic, holidays=[dict(date=date(MONDAY))])

        self.assertGreater(len(self.errors), 15)
        reasons = {error.reason for error in self.errors}
        self.assertLessEqual({"INVALID_FIELDS", "OPEN_COURSE_EXISTS", "RESOURCE_EXISTS", "SLOT_TAKEN",
                              "SERIES_CONFLICT", "PATIENT_EXISTS", "RESOURCE_NOT_FOUND",
                              "SESSION_STATE", "ETAG_MISMATCH"}, reasons)
        for error in self.errors:
            self.assertNotIn(MARK, error.shape(), error)
        audit = self.api.all("ListAuditEntries", "audit_entries", parent=self.clinic)
        self.assertGreater(len(audit), 15)
        self.assertNotIn(MARK, str(audit))
        self.assertNotIn(MARK, http(self.server.admin, "/metrics")[1])

        self.server.stop()  # so that the whole log is written
        log = self.server.log()
        self.assertIn("/CreateCourse", log)  # it is the log that we think it is
        self.assertIn("SELECT", log.upper())
        leaks = [line for line in log.splitlines() if MARK in line or MARK.lower() in line.lower()]
        self.assertEqual([], leaks[:3])
        self.assertNotIn(MARK.encode().hex(), log.lower())
        self.server.start()

    def call(self, name, /, **fields):
        try:
            return getattr(self.api, name)(**fields)
        except Refused as error:
            self.errors.append(error)
            return None

    def broken(self, name, /, **fields):
        """The same with a string that is no UTF-8."""
        service = "CourseService"
        data = self.api.request(name, **fields).SerializeToString().replace(b"Jos", b"J\xe9s")
        with self.assertRaises(Refused) as refusal:
            self.api.raw(f"/ipt.scheduling.v1.{service}/{name}", data)
        self.errors.append(refusal.exception)


if __name__ == "__main__":
    unittest.main()
