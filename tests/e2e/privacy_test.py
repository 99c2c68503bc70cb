#!/usr/bin/python3
"""Patient data stays in the store and in answers: marked values of everything that can be personal are
sent in right and in wrong calls, then looked for in logs, metrics, error messages and the audit."""

import datetime
import time
import unittest

import support  # first: it makes the generated stubs importable
from support import Refused, at, date, http, next_weekday, now, rid, ts

DAY = datetime.timedelta(days=1)
TODAY = support.today()
MONDAY = next_weekday(0, TODAY + 7 * DAY)
MARK = "CANARY"


class Marked:
    # The most that a log can tell: every call and every statement is slow.
    flags = ("--log_level=debug", "--slow_call=0s", "--slow_statement=0s")

    def setUp(self):
        super().setUp()
        self.errors = []

    def mark(self, what):
        """A value that occurs nowhere else."""
        return f"{MARK}-{what}-{rid()}"

    def call(self, name, /, **fields):
        try:
            return getattr(self.api, name)(**fields)
        except Refused as error:
            self.errors.append(error)
            return None

    def broken(self, name, /, **fields):
        """The same with a string that is no UTF-8."""
        service = self.api.stubs[name][1].containing_service.full_name
        data = self.api.request(name, **fields).SerializeToString().replace(b"Jos", b"J\xe9s")
        with self.assertRaises(Refused) as refusal:
            self.api.raw(f"/{service}/{name}", data)
        self.errors.append(refusal.exception)

    def patient(self, value=None):
        return dict(system=f"https://{MARK}.example/mrn", value=value or self.mark("patient"))

    def nothing_is_told(self, method, reasons):
        """By errors, for these reasons among others; by the audit, the metrics and the log."""
        self.assertGreater(len(self.errors), 15)
        self.assertLessEqual(reasons, {error.reason for error in self.errors})
        for error in self.errors:
            self.assertNotIn(MARK, error.shape(), error)
        audit = self.api.all("ListAuditEntries", "audit_entries", parent=self.clinic)
        self.assertGreater(len(audit), 15)
        self.assertNotIn(MARK, str(audit))
        self.assertNotIn(MARK, http(self.server.admin, "/metrics")[1])

        self.server.stop()  # so that the whole log is written
        log = self.server.log()
        self.assertIn(method, log)  # it is the log that we think it is
        self.assertIn("SELECT", log.upper())
        leaks = [line for line in log.splitlines() if MARK in line or MARK.lower() in line.lower()]
        self.assertEqual([], leaks[:3])
        self.assertNotIn(MARK.encode().hex(), log.lower())
        self.server.start()


@support.on_all(secure=(False,))
class Privacy(Marked):
    def test_nothing_leaks(self):
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

        plan = call("PlanCourse", name=course.name, earliest_time=ts(support.tomorrow()))
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

        self.nothing_is_told("/CreateCourse", {
            "INVALID_FIELDS", "OPEN_COURSE_EXISTS", "RESOURCE_EXISTS", "SLOT_TAKEN", "SERIES_CONFLICT",
            "PATIENT_EXISTS", "RESOURCE_NOT_FOUND", "SESSION_STATE", "ETAG_MISMATCH"})


@support.on_all(engines=("suite", "outcomes"), secure=(False,))
class PrivacyOfOutcomes(Marked):
    @classmethod
    def setUpClass(cls):
        if cls.engine == "suite":
            cls.flags = ("--outcomes", *Marked.flags)
        super().setUpClass()

    def test_nothing_leaks(self):
        call, mark = self.call, self.mark
        course, ana = f"{self.clinic}/courses/c1", f"{self.clinic}/therapists/ana"
        if self.engine == "suite":
            self.make_clinic()
            self.make_therapist()
            call("CreateCourse", parent=self.clinic, course_id="c1",
                 course=dict(patient=self.patient(), therapist=ana))
        phq9 = f"{self.clinic}/instruments/phq-9"

        def form(instrument=phq9, given=(0, 1, 2, 0, 1, 2, 0, 1, 1), **fields):
            listed = [dict(item=f"q{i + 1}", value=value) for i, value in enumerate(given)]
            return {"instrument": instrument, "respondent": 1, "answers": dict(answers=listed), **fields}

        record = lambda **fields: call("RecordMeasurement", parent=course, **fields)  # noqa: E731
        first = record(measurement=form(external_id=mark("form")))
        one = dict(item="q1", value=1)
        told = mark("form")
        again = lambda **fields: record(measurement=form(given=[3] * 9, **fields))  # noqa: E731
        again(external_id=told)
        again(external_id=told, mode=1)  # MEASUREMENT_EXISTS
        again(external_id=mark("form"))  # the same
        again(external_id=MARK * 30)
        again(language=mark("tongue"))
        again(complete_time=ts(now().replace(microsecond=0) + DAY), external_id=mark("form"))
        again(session=f"{course}/sessions/" + mark("no session"))
        record(measurement_id=mark("id"), measurement=form())
        for wrong in (dict(item=mark("item"), value=1), dict(item="q2", option=mark("option")),
                      dict(item="q2", value=864213579)):
            record(measurement=form(answers=dict(answers=[one, wrong])))
        for scale, points in ((mark("scale"), 1), ("total", 864213579)):
            record(measurement=dict(instrument=phq9, respondent=1, reported=dict(
                scores=[dict(scale=scale, points=points)])))
        record(measurement=form(instrument=f"{self.clinic}/instruments/" + mark("instrument")))
        self.broken("RecordMeasurement", parent=course, measurement=form(external_id="Jos" + MARK))

        correct = lambda reason, **fields: call(  # noqa: E731
            "CorrectMeasurement", measurement=dict(name=first.name, **fields), reason=reason)
        correct(mark("reason"), language="en-GB", mode=1)
        correct(mark("reason"), etag=mark("etag"), mode=2)
        correct(mark("reason"), language=mark("tongue"))
        correct(MARK * 60, mode=2)
        self.broken("CorrectMeasurement", measurement=dict(name=first.name, mode=1), reason="Jos" + MARK)
        call("CorrectMeasurement", measurement=dict(name=first.name, mode=1), reason=mark("reason"),
             update_mask=dict(paths=[mark("path")]))

        alert = first.risks[0].alert
        call("AcknowledgeAlert", name=alert, note=mark("note"))
        call("AcknowledgeAlert", name=alert, note=MARK * 100)
        call("EscalateAlert", name=alert, to=dict(desk=mark("desk")), reason=mark("reason"))
        call("EscalateAlert", name=alert, to=dict(desk="duty"), reason=mark("reason"))
        call("ReassignAlert", name=alert, owner=dict(therapist=ana), reason=mark("reason"))
        call("ReassignAlert", name=alert, owner=dict(therapist=ana), reason=mark("reason"), etag=mark("etag"))
        call("ResolveAlert", name=alert, outcome=4, note=mark("note"))
        call("ResolveAlert", name=alert, outcome=8, note=mark("note"))
        call("ResolveAlert", name=alert, outcome=1, note=mark("note"))  # ALERT_STATE
        call("ReopenAlert", name=alert, reason=mark("reason"))
        call("ReopenAlert", name=alert, reason=mark("reason"))
        self.broken("ReopenAlert", name=alert, reason="Jos" + MARK)
        call("ListAlerts", parent=course, assignee=dict(desk=mark("desk")))
        call("ListAlerts", parent=course, page_token=mark("token"))
        call("GetAlert", name=alert + mark("malformed name"))
        call("WatchAlerts", parent=self.clinic, listener=mark("pager"), include_open=True)
        call("WatchAlerts", parent=self.clinic, listener=MARK * 20)
        call("WatchAlerts", parent=self.clinic, listener=mark("pager"), cursor=mark("cursor"))
        call("outcome_events.WatchEvents", parent=self.clinic, cursor=mark("cursor"))
        call("outcome_events.WatchEvents", parent=self.clinic, oldest=True)
        call("GetAlertCoverage", clinic=self.clinic)
        call("UpdateAlertRouting", clinic=self.clinic,
             routing=dict(cover=[dict(desk=mark("desk"))], etag=mark("etag")))
        call("UpdateAlertRouting", clinic=self.clinic, routing=dict(cover=[dict(desk=mark("desk"))]))

        own = call("GetInstrument", name=phq9)
        own.ClearField("version")
        own.display_name, own.notes = mark("our form"), mark("notes")
        own.items[0].label, own.licence.uri = mark("item"), mark("where")
        own.scales[0].reliable_changes[0].source.citation = mark("citation")
        register = lambda id_: call("RegisterInstrument", parent=self.clinic, instrument_id=id_,  # noqa: E731
                                    instrument=own)
        mood = register("mood")
        register("phq-9")
        register(mark("id"))
        own.items[0].id = own.scales[0].bands[0].id = own.risk_rules[0].id = mark("id")
        own.language, own.loinc_code = mark("tongue"), mark("")[:32]
        register("mood")
        record(measurement=form(instrument=mood.name))
        call("RetireInstrument", name=mood.name, reason=mark("reason"))
        time.sleep(1.1)  # forms are completed at whole seconds: this one after the retirement
        record(measurement=form(instrument=mood.name, given=[1] * 9))  # INSTRUMENT_RETIRED
        call("RetireInstrument", name=mood.name, reason=mark("reason"), etag=mark("etag"))
        call("UpdateOutcomePolicy", clinic=self.clinic, policy=dict(
            scale_rules=[dict(instrument=phq9, scale=mark("scale"), cut_off_rule_set=mark("rules"))],
            not_on_track=dict(disabled_rules=[mark("rule")])))

        call("MarkMeasurementEnteredInError", name=first.name, reason=5, note=MARK * 60)
        call("MarkMeasurementEnteredInError", name=first.name, reason=5, note=mark("note"), etag=mark("etag"))
        call("MarkMeasurementEnteredInError", name=first.name, reason=5, note=mark("note"))
        call("MarkMeasurementEnteredInError", name=first.name, reason=5,
             note=mark("note"))  # MEASUREMENT_STATE
        seen = [call("ListMeasurements", parent=course), call("GetTrajectory", course=course),
                call("GetCourseResult", course=course), call("ListMeasurementRevisions", parent=first.name)]
        self.assertIn(MARK, str(seen), "what was sent is there for those who may read it")
        call("ListMeasurements", parent=course, page_token=mark("token"))
        call("ListAuditEntries", parent=self.clinic, caller=mark("caller"))

        for error in self.errors:
            self.assertNotIn("864213579", error.shape(), error)
        self.nothing_is_told("/RecordMeasurement", {
            "INVALID_FIELDS", "MEASUREMENT_EXISTS", "MEASUREMENT_STATE", "COMPLETED_IN_FUTURE", "ALERT_STATE",
            "RESOURCE_EXISTS", "ETAG_MISMATCH", "INSTRUMENT_RETIRED"})
        self.assertNotIn("864213579", self.server.log())


if __name__ == "__main__":
    unittest.main()
