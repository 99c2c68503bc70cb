#!/usr/bin/python3
"""The outcomes service against real binaries: what was acknowledged survives kill -9, alerts among it; who
may see it; what is told of it, and what is never written down."""

import collections
import csv
import datetime
import io
import json
import math
import signal
import statistics
import subprocess
import threading
import unittest
from xml.etree import ElementTree

import support  # first: it makes the generated stubs importable
from support import Identity, Refused, Server, message_class, module, rid, ts

ENGINES = ("suite", "sqlite", "postgres")
COURSE = "clinics/north/courses/k1"


class Outcomes(Server):
    """ipt-outcomes on either store, or ipt-suite with outcomes in it."""

    def __init__(self, engine, identity=None):
        if engine == "suite":
            super().__init__("suite", identity, ["--outcomes"])
            if identity is None:
                self.make_course()
            return
        super().__init__("outcomes", identity, start=False, store=[])
        self.store = [f"--database=sqlite://{self.dir}/outcomes.db" if engine == "sqlite"
                      else f"--database={support.postgres().database()}"]
        done = self.run("migrate", *self.store)
        if done.returncode != 0:
            raise RuntimeError(f"migrate: {done.stderr}")
        self.start()

    def make_course(self):
        """What measurements are of, where scheduling is at hand."""
        api = self.api()
        api.CreateClinic(clinic_id="north", clinic=dict(display_name="North", time_zone="Europe/London"))
        for name in ("ana", "ben"):
            api.CreateTherapist(parent="clinics/north", therapist_id=name, therapist=dict(
                display_name=name.title(), working_hours=support.weekly()))
        api.ImportCourse(
            parent="clinics/north", course_id="k1",
            course=dict(patient=dict(system="urn:mrn", value="p-1"), therapist="clinics/north/therapists/ana"),
            past_sessions=[dict(start_time=ts(at), outcome=1) for at in self.sessions()])
        # A copy of it is there: else scheduling is asked, and where that takes a second, all is unverified.
        support.wait_until(lambda: self.call("GetCourseMeasurementPlan", course=COURSE).scheduling.current,
                           "the course's copy")

    @staticmethod
    def sessions():
        """Two, a week and a fortnight ago at noon, by the clinic's calendar."""
        return [support.at(support.today() - datetime.timedelta(days=days), 12) for days in (14, 7)]

    client = None  # of all calls, until everybody leaves

    def leave(self):
        super().leave()
        self.client = None

    def call(self, name, /, token=None, **fields):
        """Calls a method by its name; of a stream, gives the call back."""
        self.client = self.client or support.Api(self.channel())
        call, _ = self.client.stubs[name]
        metadata = [("authorization", f"Bearer {token}")] if token else ()
        try:
            return call(self.client.request(name, **fields), timeout=120, metadata=metadata)
        except support.grpc.RpcError as error:
            raise Refused(name, error) from None


def phq9(values, **more):
    answers = [dict(item=f"q{i + 1}", value=value) for i, value in enumerate(values)]
    return dict(instrument="clinics/north/instruments/phq-9", respondent=1, answers=dict(answers=answers),
                **more)


class Importing:
    """A client that brings in rows by one import, over as many streams as it takes."""

    def __init__(self, server, rows, **opening):
        self.server, self.rows = server, rows
        self.opening = dict(parent="clinics/north", import_id=rid(), **opening)
        self.errors = {}
        self.progress = None

    def stream(self, until=None, token=None):
        """Brings in what is left; breaks off unheard once `until` rows are dealt with."""
        request = message_class(module("ipt.outcomes.v1", "measurement_bulk_service").DESCRIPTOR
                                .message_types_by_name["ImportMeasurementsRequest"])
        known = threading.Event()
        over = threading.Event()

        def messages():
            yield request(open=self.opening)
            known.wait(30)
            rest = self.rows[self.progress.next_row - 1:] if self.progress else []
            for i in range(0, len(rest), 130):
                yield request(rows=dict(rows=rest[i:i + 130]))
            if until is not None:
                over.wait(30)  # leaves its side open

        metadata = [("authorization", f"Bearer {token}")] if token else ()
        stub = module("ipt.outcomes.v1", "measurement_bulk_service", "pb2_grpc").MeasurementBulkServiceStub(
            self.server.channel())
        call = stub.ImportMeasurements(messages(), timeout=120, metadata=metadata)
        try:
            for response in call:
                self.progress = response.progress
                self.errors.update({error.row: error for error in response.errors})
                known.set()
                if until is not None and self.progress.next_row > until:
                    return self.progress
        except support.grpc.RpcError as error:
            raise Refused("ImportMeasurements", error) from None
        finally:
            known.set()
            over.set()
        return self.progress


def rows_of(count, bad=(), risk=(), course=COURSE):
    """One form each 13 hours, the newest first; the bad ones have an answer that there is not."""
    start = support.now().replace(microsecond=0)
    rows = []
    for i in range(1, count + 1):
        values = [i % 4, i // 4 % 4, i // 16 % 4, 9 if i in bad else 1, 0, 0, 0, 0, 2 if i in risk else 0]
        rows.append(dict(row=i, course=course, measurement=phq9(
            values, external_id=f"form-{i}",
            complete_time=ts(start - support.datetime.timedelta(hours=13 * i)))))
    return rows


def points(instrument, total, **more):
    """A form of items of 0 to 3 with so many points; of PHQ-9 none of item 9."""
    items = 9 if instrument == "phq-9" else 7
    values = [max(0, min(3, total - 3 * i)) for i in range(8)][:items] + [0] * (items - 8)
    return dict(phq9(values, **more), instrument=f"clinics/north/instruments/{instrument}")


Came = collections.namedtuple("Came", "therapist sessions left phq gad")  # scores: first, last or None


class Cohort:
    """Courses of three therapists, and what a report must say of them, counted here by itself."""

    def __init__(self):
        self.courses = []
        for number in range(36):
            therapist = "ana" if number < 20 else "ben" if number < 33 else "cyd"
            left = number % 6 == 1
            worse = number % 6 == 3
            phq = (11 + number % 9, None if left else 17 if worse else 3 + number % 4)
            gad = (9 + number % 5, None if phq[1] is None else 15 if worse else 2 + number % 3)
            self.courses.append(Came(therapist, 2 if left else 4, left, phq, gad))

    @staticmethod
    def wilson(hits, of):
        z = 1.959963984540054
        share = hits / of
        middle = (share + z * z / (2 * of)) / (1 + z * z / of)
        half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
        return middle - half, middle + half

    @staticmethod
    def paired(courses):
        return [c for c in courses if c.phq[1] is not None]

    def effect(self, courses):
        first, last = zip(*[c.phq for c in self.paired(courses)])
        d = (statistics.mean(first) - statistics.mean(last)) / statistics.stdev(first)
        change = statistics.variance([b - a for a, b in zip(first, last)])
        n = len(first)
        error = math.sqrt(change / (statistics.variance(first) * (n - 1)) + d * d / (2 * (n - 1)))
        return d, d - 1.959963984540054 * error, d + 1.959963984540054 * error

    def recovered(self, courses):
        """All are cases at first: below both cut-offs at last, of the finished."""
        return len([c for c in self.paired(courses) if c.phq[1] < 10 and c.gad[1] < 8]), len(courses)


class OutcomesTest(unittest.TestCase):
    def bring_in(self, server, cohort):
        """The cohort's courses, at hours of their own, with their forms; closed today."""
        api = server.api()
        api.CreateTherapist(parent="clinics/north", therapist_id="cyd", therapist=dict(
            display_name="Cyd", working_hours=support.weekly()))
        noon = server.sessions()[0]
        for number, came in enumerate(cohort.courses):
            name = f"clinics/north/courses/r{number}"
            starts = [noon + support.datetime.timedelta(hours=number % 20 - 10, days=-200 + 7 * week)
                      for week in range(came.sessions)]
            api.ImportCourse(
                parent="clinics/north", course_id=f"r{number}",
                course=dict(patient=dict(system="urn:mrn", value=f"r-{number}"), indication=1,
                            therapist=f"clinics/north/therapists/{came.therapist}"),
                past_sessions=[dict(start_time=ts(at), outcome=1) for at in starts])
            for instrument, scores in (("phq-9", came.phq), ("gad-7", came.gad)):
                for score, at in zip(scores, (starts[0], starts[-1])):
                    if score is not None:
                        server.call("RecordMeasurement", parent=name,
                                    measurement=points(instrument, score, complete_time=ts(at)))
            if came.left:
                api.DiscontinueCourse(name=name, reason=1)
            else:
                api.CompleteCourse(name=name)

    def check(self, cohort, row, courses):
        """A row that is shown against what is counted here."""
        self.assertEqual((len(courses), 0, 0, len(courses)),
                         (row.flow.courses, row.flow.open, row.flow.never_started, row.flow.finished))
        self.assertAlmostEqual(statistics.mean(c.sessions for c in courses), row.attendance.mean_sessions)
        self.assertAlmostEqual(statistics.mean(c.sessions - 1 for c in courses), row.attendance.mean_weeks)
        phq = row.measures[1]
        self.assertEqual("clinics/north/instruments/phq-9", phq.instrument)
        pairs = cohort.paired(courses)
        self.assertEqual((len(pairs), len(courses)), (phq.paired.hits, phq.paired.of))
        d, low, high = cohort.effect(courses)
        self.assertAlmostEqual(d, phq.effect.d, 6)
        self.assertAlmostEqual(low, phq.effect.interval.low, 6)
        self.assertAlmostEqual(high, phq.effect.interval.high, 6)

    def test_a_clinics_report_counts_what_is_counted_here(self):
        server = self.server("suite")
        cohort = Cohort()
        self.bring_in(server, cohort)
        today = support.today()
        query = dict(first_date=support.date(today - support.datetime.timedelta(days=7)),
                     last_date=support.date(today + support.datetime.timedelta(days=1)), group_by=2)

        def report(**more):
            return server.call("GetClinicReport", clinic="clinics/north", query=dict(query, **more))
        support.wait_until(lambda: report().rows[0].flow.courses == len(cohort.courses), "the courses to be in")
        support.wait_until(lambda: report().scheduling.current, "scheduling's word")
        got = report()
        self.assertEqual(["", *[f"clinics/north/therapists/{name}" for name in ("ana", "ben", "cyd")]],
                         [row.group for row in got.rows])
        everyone = cohort.courses
        of = {name: [c for c in everyone if c.therapist == name] for name in ("ana", "ben", "cyd")}
        all_, ana, ben, cyd = got.rows
        self.check(cohort, all_, everyone)
        self.check(cohort, ana, of["ana"])
        self.assertEqual(sum(4 if c.phq[1] is not None else 2 for c in everyone), got.measurements)
        left = [c for c in everyone if c.left]
        rate = all_.flow.dropped_out
        self.assertEqual((len(left), len(everyone)), (rate.hits, rate.of))
        self.assertAlmostEqual(rate.hits / rate.of, rate.share)
        low, high = cohort.wilson(rate.hits, rate.of)
        self.assertAlmostEqual(low, rate.interval.low)
        self.assertAlmostEqual(high, rate.interval.high)
        recovered = all_.recovery.recovered
        self.assertEqual(cohort.recovered(everyone), (recovered.hits, recovered.of))
        # Cyd's three are too few, and so that nobody can tell them from the rest, ben's go along.
        small, complementary = 1, 2
        self.assertEqual((complementary, small), (ben.suppression, cyd.suppression))
        for row in (ben, cyd):
            self.assertFalse(row.flow.HasField("courses") or row.recovery.recovered.HasField("of") or
                             row.measures[1].effect.HasField("d") or row.attendance.HasField("mean_weeks"))
        # With the worst word for a drop-out and all scores, none of those who left is left out.
        carried = report(population=2, drop_out=3)
        effect = carried.rows[0].measures[1].effect
        self.assertEqual(len(everyone), effect.pairs)
        self.assertLess(effect.d, all_.measures[1].effect.d)
        # Ana's sixteen pairs are told; with the four who left they would tell of these.
        self.assertEqual(16, ana.measures[1].effect.pairs)
        self.assertEqual(small, carried.rows[1].measures[1].effect.suppression)
        # The same as CSV, whole.
        parts = list(server.call("StreamClinicReport", clinic="clinics/north", query=query))
        self.assertEqual([True], [part.complete for part in parts])
        lines = list(csv.DictReader(io.StringIO(parts[0].csv.decode(), newline="")))
        told = {(line["group"], line["instrument"], line["figure"]): line for line in lines}
        self.assertEqual(str(len(everyone)), told["", "", "courses"]["value"])
        self.assertAlmostEqual(all_.measures[1].effect.d,
                               float(told["", "clinics/north/instruments/phq-9", "effect_size"]["value"]))
        self.assertEqual("SMALL", told["clinics/north/therapists/cyd", "", "courses"]["suppression"])
        # A form taken back is in no report from then on, and the kept results survive a restart.
        before = got.measurements
        measurement = server.call("ListMeasurements", parent="clinics/north/courses/r0").measurements[0]
        server.call("MarkMeasurementEnteredInError", name=measurement.name, reason=2)
        self.assertEqual(before - 1, report().measurements)
        self.assertEqual(0, server.stop())
        server.leave()
        server.start()
        self.assertEqual(before - 1, report().measurements)

    def test_all_that_is_wrong_of_a_report_is_named(self):
        server = self.server("sqlite")
        for query, fields in (
                (dict(), ["query.first_date", "query.last_date"]),
                (dict(first_date=dict(year=2026, month=2, day=30), last_date=dict(year=2026, month=3, day=1),
                      smallest_group=-1), ["query.first_date", "query.smallest_group"]),
                (dict(first_date=dict(year=2026, month=2, day=2), last_date=dict(year=2026, month=2, day=1)),
                 ["query.last_date"]),
                (dict(first_date=dict(year=2016, month=2, day=2), last_date=dict(year=2026, month=2, day=3),
                      instruments=["clinics/north/instruments/phq-9"], basis=77), ["query.basis"]),
                (dict(first_date=dict(year=2016, month=2, day=2), last_date=dict(year=2026, month=2, day=3)),
                 ["query.last_date"]),
                (dict(first_date=dict(year=2026, month=2, day=2), last_date=dict(year=2026, month=2, day=3),
                      therapists=["clinics/south/therapists/ana"]), ["query.therapists[0]"]),
                (dict(first_date=dict(year=2026, month=2, day=2), last_date=dict(year=2026, month=2, day=3),
                      instruments=["clinics/north/instruments/phq-99"]), ["query.instruments[0]"])):
            with self.subTest(str(query)), self.assertRaises(Refused) as refused:
                server.call("GetClinicReport", clinic="clinics/north", query=query)
            self.assertEqual(("INVALID_ARGUMENT", "INVALID_FIELDS"),
                             (refused.exception.code, refused.exception.reason))
            self.assertEqual(fields, refused.exception.fields)

    def server(self, engine, identity=None):
        server = Outcomes(engine, identity)
        self.addCleanup(server.close)
        return server

    def test_what_was_acknowledged_is_there_after_kill_9_with_its_alert(self):
        for engine in ENGINES:
            with self.subTest(engine):
                server = self.server(engine)
                fields = dict(parent=COURSE, measurement=phq9([0] * 8 + [1]), request_id=rid())
                recorded = server.call("RecordMeasurement", **fields)
                server.process.kill()
                self.assertEqual(-signal.SIGKILL, server.process.wait(30))
                self.assertEqual(1, recorded.scores[0].rounded)
                server.leave()
                server.start()
                self.assertEqual(recorded, server.call("GetMeasurement", name=recorded.name))
                alerts = server.call("ListAlerts", parent=COURSE).alerts
                self.assertEqual([recorded.risks[0].alert], [alert.name for alert in alerts])
                self.assertEqual(recorded.name, alerts[0].measurement)
                self.assertEqual("q9", alerts[0].item)
                # The client that heard nothing asks again, and nothing happens twice.
                self.assertEqual(recorded, server.call("RecordMeasurement", **fields))
                self.assertEqual(1, len(server.call("ListAlerts", parent=COURSE).alerts))
                self.assertEqual(0, server.stop())

    def test_followers_are_told_of_the_alert_and_the_measurement(self):
        for engine in ENGINES:
            with self.subTest(engine):
                server = self.server(engine)
                stream = server.call("outcome_events.WatchEvents", parent="clinics/north")
                self.assertEqual(0, len(next(stream).events))
                recorded = server.call("RecordMeasurement", parent=COURSE,
                                       measurement=phq9([0] * 8 + [2]))
                told = {}
                while len(told) < 2:
                    for event in next(stream).events:
                        told[event.payload.WhichOneof("event")] = event
                self.assertEqual(recorded, told["measurement_recorded"].payload.measurement_recorded)
                self.assertEqual(recorded.risks[0].alert, told["alert_raised"].subject)
                stream.cancel()

    def test_all_that_is_wrong_is_named_at_once_and_nothing_is_written(self):
        server = self.server("sqlite")
        measurement = phq9([0, 9, 0])
        measurement["answers"]["answers"].append(dict(item="q77", value=1))
        with self.assertRaises(Refused) as refused:
            server.call("RecordMeasurement", parent=COURSE, measurement=measurement)
        self.assertEqual(("INVALID_ARGUMENT", "INVALID_FIELDS"),
                         (refused.exception.code, refused.exception.reason))
        self.assertEqual(["measurement.answers.answers[1].value", "measurement.answers.answers[3].item"],
                         refused.exception.fields)
        ahead = support.now() + support.datetime.timedelta(hours=1)
        with self.assertRaises(Refused) as refused:
            server.call("RecordMeasurement", parent=COURSE,
                        measurement=phq9([0] * 9, complete_time=ts(ahead.replace(microsecond=0))))
        self.assertEqual(("FAILED_PRECONDITION", "COMPLETED_IN_FUTURE"),
                         (refused.exception.code, refused.exception.reason))
        self.assertEqual(0, len(server.call("ListMeasurements", parent=COURSE).measurements))

    def test_the_suite_lists_the_audit_of_all_its_services_as_one(self):
        server = self.server("suite")
        api = server.api()
        clinic = api.GetClinic(name="clinics/north")
        recorded = server.call("RecordMeasurement", parent=COURSE, measurement=phq9([1] * 9))
        server.call("GetCourseResult", course=COURSE)
        api.UpdateClinic(clinic=dict(name=clinic.name, display_name="N"),
                         update_mask=dict(paths=["display_name"]))
        entries = api.all("ListAuditEntries", "audit_entries", parent="clinics/north", page_size=1)
        methods = [entry.method.rsplit("/", 1)[1] for entry in entries if entry.request_id]
        self.assertEqual(["UpdateClinic", "RecordMeasurement", "ImportCourse", "CreateTherapist", "CreateClinic"],
                         [m for i, m in enumerate(methods) if m not in methods[:i]])
        self.assertIn(recorded.name, [entry.resource for entry in entries])
        self.assertEqual(0, server.stop())
        # Reads are written behind the answers, all of them by the end.
        server.leave()
        server.start()
        entries = server.api().all("ListAuditEntries", "audit_entries", parent="clinics/north")
        self.assertIn(("/ipt.outcomes.v1.OutcomeService/GetCourseResult", COURSE),
                      [(entry.method, entry.resource) for entry in entries])
        self.assertEqual(0, server.stop())

    def test_measurements_are_bound_to_what_scheduling_says(self):
        server = self.server("suite")
        second = server.sessions()[1]
        recorded = server.call("RecordMeasurement", parent=COURSE,
                               measurement=phq9([0] * 8 + [1], complete_time=ts(second)))
        self.assertEqual([], list(recorded.unverified))
        self.assertEqual((2, 2), (recorded.week_number, recorded.session_number))
        alert = server.call("GetAlert", name=recorded.risks[0].alert)
        self.assertEqual("clinics/north/therapists/ana", alert.owner.therapist)
        with self.assertRaises(Refused) as refused:
            server.call("RecordMeasurement", parent="clinics/north/courses/nobody",
                        measurement=phq9([0] * 9))
        self.assertEqual("NOT_FOUND", refused.exception.code)
        # Who takes over the course takes over its alerts.
        api = server.api()
        course = api.GetCourse(name=COURSE)
        api.TransferCourse(name=COURSE, therapist="clinics/north/therapists/ben", etag=course.etag)
        support.wait_until(lambda: server.call("GetAlert", name=alert.name).owner.therapist ==
                           "clinics/north/therapists/ben", "the alert to go along")
        self.assertEqual(0, server.stop())

    def test_followers_are_told_of_signals_and_of_a_closed_courses_result(self):
        server = self.server("suite")
        first, second = server.sessions()[:2]
        stream = server.call("outcome_events.WatchEvents", parent="clinics/north", kinds=[7, 8])
        self.assertEqual(0, len(next(stream).events))
        server.call("RecordMeasurement", parent=COURSE, measurement=phq9([1] * 8 + [0], complete_time=ts(first)))
        worse = server.call("RecordMeasurement", parent=COURSE,
                            measurement=phq9([2] * 8 + [0], complete_time=ts(second)))
        api = server.api()
        told = []

        def hear(count):
            while len(told) < count:
                told.extend(event.payload for event in next(stream).events)

        hear(1)
        signal_changed = told[0].signal_changed
        self.assertEqual((COURSE, "deterioration", worse.name, 16, False, ""),
                         (signal_changed.course, signal_changed.signal.rule, signal_changed.signal.measurement,
                          signal_changed.signal.score, signal_changed.withdrawn, signal_changed.signal.text))
        api.DiscontinueCourse(name=COURSE, reason=1, etag=api.GetCourse(name=COURSE).etag)
        hear(2)
        result = told[1].course_result_changed
        read = server.call("GetCourseResult", course=COURSE)
        self.assertEqual((COURSE, 2, read.measures[0].change.last),
                         (result.course, result.state, result.measures[0].change.last))
        self.assertEqual("", result.score_choice)
        stream.cancel()
        self.assertEqual(0, server.stop())

    def test_who_is_on_leave_is_covered_at_once(self):
        server = self.server("suite")
        api = server.api()
        ana, ben = (f"clinics/north/therapists/{name}" for name in ("ana", "ben"))

        def routing():
            return server.call("GetAlertRouting", clinic="clinics/north", therapist=ana)

        support.wait_until(lambda: routing().HasField("scheduling"), "the clinic's therapists to be known")
        server.call("UpdateAlertRouting", clinic="clinics/north", routing=dict(cover=[dict(therapist=ben)]),
                    update_mask=dict(paths=["cover"]))
        self.assertFalse(routing().owner_away)
        waiting = server.call("RecordMeasurement", parent=COURSE, measurement=phq9([0] * 8 + [1]))
        self.assertEqual(ana, server.call("GetAlert", name=waiting.risks[0].alert).assignee.therapist)
        now = support.now().replace(microsecond=0)
        api.CreateTimeOff(parent=ana, time_off=dict(time=dict(
            start_time=ts(now - support.datetime.timedelta(minutes=5)),
            end_time=ts(now + support.datetime.timedelta(days=2)))))
        support.wait_until(lambda: routing().owner_away, "the leave to be known")
        self.assertTrue(routing().scheduling.current)
        raised = server.call("RecordMeasurement", parent=COURSE, measurement=phq9([1] * 8 + [2]))
        alert = server.call("GetAlert", name=raised.risks[0].alert)
        self.assertEqual((ana, ben, 1), (alert.owner.therapist, alert.assignee.therapist, alert.state))
        # What waited goes on, too.
        support.wait_until(lambda: server.call("GetAlert", name=waiting.risks[0].alert).assignee.therapist == ben,
                           "the alert that waited to go on")
        self.assertEqual(0, server.stop())

    def test_what_is_due_follows_from_plans_sessions_and_answers(self):
        server = self.server("suite")
        plan = dict(display_name="Standard", rules=[
            dict(id="each", instrument="clinics/north/instruments/phq-9", timing=1, catch_up=3),
            dict(id="weekly", instrument="clinics/north/instruments/gad-7", timing=2, weeks=1)])
        fields = dict(parent="clinics/north", measurement_plan_id="standard", measurement_plan=plan, request_id=rid())
        created = server.call("CreateMeasurementPlan", **fields)
        self.assertEqual(created, server.call("CreateMeasurementPlan", **fields))
        held = server.call("GetCourseMeasurementPlan", course=COURSE)
        self.assertEqual((True, created.name, True), (held.inherited, held.inherited_from, held.scheduling.current))
        # A course that is asked from today on owes nothing of what was before.
        every = "clinics/north/courses/-"
        support.wait_until(lambda: server.call("ListDueMeasurements", parent=every, states=[1, 2]).due_measurements,
                           "the clinic's courses to be known")
        listed = server.call("ListDueMeasurements", parent=every, states=[1, 2, 3, 4, 5])
        self.assertEqual({COURSE}, {due.course for due in listed.due_measurements})
        self.assertNotIn(4, {due.state for due in listed.due_measurements})
        days = [(due.due_date.year, due.due_date.month, due.due_date.day) for due in listed.due_measurements]
        self.assertEqual(sorted(days), days)
        today = support.today()
        weekly = [due for due in listed.due_measurements if due.rule == "weekly"]
        self.assertEqual((2, today), (weekly[0].state, datetime.date(*days[
            list(listed.due_measurements).index(weekly[0])])))
        answers = [dict(item=f"q{i}", value=1) for i in range(1, 8)]
        recorded = server.call("RecordMeasurement", parent=COURSE, measurement=dict(
            instrument="clinics/north/instruments/gad-7", respondent=1, answers=dict(answers=answers)))
        self.assertEqual("weekly", recorded.plan_rule)
        done = server.call("ListDueMeasurements", parent=COURSE, states=[5], min_revision=recorded.revision)
        self.assertEqual([recorded.name], [due.measurement for due in done.due_measurements])
        # Plans survive, and go with their events; one page at a time.
        self.assertEqual(0, server.stop())
        server.leave()
        server.start()
        self.assertEqual(created, server.call("GetMeasurementPlan", name=created.name))
        own = server.call("UpdateCourseMeasurementPlan", course=COURSE, measurement_plan=dict(etag=held.etag),
                          update_mask=dict(paths=["rules"]))
        self.assertEqual((False, 0), (own.inherited, len(own.rules)))
        self.assertEqual(0, len(server.call("ListDueMeasurements", parent=COURSE,
                                            states=[1, 2, 3, 4, 5]).due_measurements))
        back = server.call("ResetCourseMeasurementPlan", course=COURSE)
        self.assertEqual((True, created.etag), (back.inherited, back.etag))
        self.assertGreater(back.revision, own.revision)
        with self.assertRaises(Refused) as refused:
            server.call("DeleteMeasurementPlan", name=created.name, etag='"999"')
        self.assertEqual("ETAG_MISMATCH", refused.exception.reason)
        server.call("DeleteMeasurementPlan", name=created.name, etag=created.etag)
        self.assertEqual(0, len(server.call("ListMeasurementPlans", parent="clinics/north").measurement_plans))
        told = set()
        stream = server.call("outcome_events.WatchEvents", parent="clinics/north", oldest=True)
        while "plan_deleted" not in told:
            told |= {event.payload.WhichOneof("event") for event in next(stream).events}
        self.assertLessEqual({"plan_changed", "course_plan_changed"}, told)
        stream.cancel()
        self.assertEqual(0, server.stop())

    def test_a_plan_that_cannot_be_is_refused_with_all_its_faults(self):
        server = self.server("sqlite")
        rules = [dict(id="a", instrument="clinics/north/instruments/none", timing=2, weeks=27),
                 dict(id="a", instrument="clinics/north/instruments/phq-9", grace_days=63)]
        with self.assertRaises(Refused) as refused:
            server.call("CreateMeasurementPlan", parent="clinics/north", measurement_plan=dict(rules=rules))
        self.assertEqual(["display_name", "rules[0].instrument", "rules[0].weeks", "rules[1].grace_days", "rules[1].id",
                          "rules[1].timing"],
                         [field.removeprefix("measurement_plan.") for field in refused.exception.fields])
        with self.assertRaises(Refused) as refused:
            server.call("CreateMeasurementPlan", parent="clinics/north", measurement_plan=dict(
                display_name="Many", rules=[dict(id=f"r{i}", instrument="clinics/north/instruments/phq-9", timing=1)
                                            for i in range(31)]))
        self.assertEqual(["measurement_plan.rules"], refused.exception.fields)
        # Of a course that nobody can be asked about nothing is due, and that is said.
        due = server.call("ListDueMeasurements", parent=COURSE)
        self.assertEqual((0, False), (len(due.due_measurements), due.scheduling.current))
        with self.assertRaises(Refused) as refused:
            server.call("UpdateCourseMeasurementPlan", course=COURSE, measurement_plan=dict(rules=[]))
        self.assertEqual(("UNAVAILABLE", "PEER_UNAVAILABLE"), (refused.exception.code, refused.exception.reason))

    def test_what_scheduling_could_not_be_asked_is_said(self):
        recorded = self.server("sqlite").call("RecordMeasurement", parent=COURSE, measurement=phq9([0] * 9))
        names = [recorded.DESCRIPTOR.fields_by_name["unverified"].enum_type.values_by_number[n].name
                 for n in recorded.unverified]
        self.assertEqual(["UNVERIFIED_FACT_" + fact for fact in ("COURSE", "WEEK", "COURSE_STATE", "THERAPIST")],
                         names)

    def test_a_course_is_drawn_without_scheduling(self):
        server = self.server("sqlite")
        noon = support.now().replace(hour=12, minute=0, second=0, microsecond=0)
        for days, values in ((9, [2] * 8 + [0]), (2, [0] * 8 + [1])):
            server.call("RecordMeasurement", parent=COURSE, measurement=phq9(
                values, complete_time=ts(noon - support.datetime.timedelta(days=days))))
        drawn = {}
        for flag in ("--ascii", "--svg=-", "--html=-"):
            done = subprocess.run([support.BUILD / "bin/iptctl", "outcomes", "chart", COURSE, flag,
                                   f"--server=localhost:{server.port}"],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            drawn[flag] = done.stdout
        for flag, text in drawn.items():
            with self.subTest(flag):
                self.assertIn("course could not be", text)
                self.assertIn("UNIMPLEMENTED", text)
                self.assertIn("16 at first, 1 so far: better by 15, reliably improved", text)
                self.assertIn("risk item answered (item q9); open", text)
        self.assertTrue(drawn["--ascii"].isascii())
        for flag, root in (("--svg=-", "svg"), ("--html=-", "html")):
            self.assertEqual(root, ElementTree.fromstring(drawn[flag]).tag.split("}")[1])

    def test_an_import_survives_kill_9_and_an_export_is_what_it_brought_in(self):
        bad, risk = {7, 1500, 2999}, {5, 1200, 2500}
        for engine in ENGINES:
            with self.subTest(engine):
                server = self.server(engine)
                # Made-up forms go up and down: whether that is off track is not asked here.
                server.call("UpdateOutcomePolicy", clinic="clinics/north", policy=dict(no_review_alerts=True))
                work = Importing(server, rows_of(3000, bad, risk), display_name="forms.csv")
                work.stream(until=1000)
                server.process.kill()
                self.assertEqual(-signal.SIGKILL, server.process.wait(30))
                heard = work.progress
                server.leave()
                server.start()
                stored = server.call("GetMeasurementImport", name=heard.name)
                self.assertGreaterEqual(stored.next_row, heard.next_row)
                self.assertLess(stored.next_row, 3001)
                self.assertFalse(stored.complete)
                work.errors.clear()  # whoever goes on may be another process
                done = work.stream()
                self.assertTrue(done.complete)
                self.assertEqual((2997, 0, 3, 3),
                                 (done.recorded_rows, done.known_rows, done.failed_rows, done.alerts))
                self.assertEqual(bad, set(work.errors))
                for error in work.errors.values():
                    self.assertEqual(("INVALID_FIELDS", ["measurement.answers.answers[3].value"]),
                                     (error.reason, [field.field for field in error.fields]))
                self.assertEqual(done, server.call("GetMeasurementImport", name=done.name))
                alerts = server.call("ListAlerts", parent=COURSE).alerts
                self.assertEqual(3, len(alerts))

                exported = [m for part in server.call("ExportMeasurements", parent="clinics/north")
                            for m in part.measurements]
                self.assertEqual(2997, len({m.name for m in exported}))
                told = {m.external_id: ([a.value for a in m.answers.answers], m.complete_time.seconds)
                        for m in exported}
                sent = {row["measurement"]["external_id"]:
                        ([a["value"] for a in row["measurement"]["answers"]["answers"]],
                         row["measurement"]["complete_time"].seconds)
                        for row in work.rows if row["row"] not in bad}
                self.assertEqual(sent, told)
                self.assertEqual({alert.measurement for alert in alerts},
                                 {m.name for m in exported if m.external_id in {f"form-{i}" for i in risk}})
                # The same file once more changes nothing.
                again = Importing(server, work.rows[:200]).stream()
                self.assertEqual((0, 199, 1), (again.recorded_rows, again.known_rows, again.failed_rows))
                self.assertEqual(0, server.stop())

    def test_an_import_alerts_at_once_and_history_does_not(self):
        server = self.server("suite")
        watch = server.call("WatchAlerts", parent="clinics/north", listener="desk")
        while not next(watch).caught_up:
            pass
        rows = rows_of(2, risk={1, 2})
        rows[1]["measurement"]["complete_time"] = ts(support.now().replace(microsecond=0) -
                                                     support.datetime.timedelta(days=400))
        done = Importing(server, rows, history_before_time=ts(
            support.now() - support.datetime.timedelta(days=30))).stream()
        self.assertEqual((2, 1), (done.recorded_rows, done.alerts))
        notices = []
        while not notices:
            notices = list(next(watch).notices)
        self.assertEqual(["q9"], [notice.alert.item for notice in notices])
        watch.cancel()
        # What is only checked raises and records nothing; a course that there is not fails a row.
        rows = rows_of(3, risk={1})[:2] + [dict(rows_of(3)[2], course="clinics/north/courses/nobody")]
        for row in rows:
            row["measurement"]["external_id"] += "-checked"
            row["measurement"]["answers"]["answers"][4]["value"] = 3
        checked = Importing(server, rows, validate_only=True)
        done = checked.stream()
        self.assertEqual((2, 1, 1), (done.recorded_rows, done.failed_rows, done.alerts))
        self.assertEqual("RESOURCE_NOT_FOUND", checked.errors[3].reason)
        self.assertEqual(1, len(server.call("ListAlerts", parent=COURSE).alerts))
        self.assertEqual(0, server.stop())

    def test_who_opens_an_import_again_takes_it_over(self):
        server = self.server("sqlite")
        first = Importing(server, rows_of(400))
        second = Importing(server, first.rows)
        second.opening = first.opening
        first.stream(until=130)  # its stream is still open
        done = second.stream()
        self.assertTrue(done.complete)
        self.assertEqual(400, done.recorded_rows)
        with self.assertRaises(Refused) as refused:
            Importing(server, [dict(first.rows[0], row=2)]).stream()
        self.assertEqual(("FAILED_PRECONDITION", "IMPORT_ROW_ORDER"),
                         (refused.exception.code, refused.exception.reason))

    def test_another_clinic_sees_nothing_and_scopes_hold(self):
        identity = Identity()
        server = self.server("sqlite", identity)
        north, south = identity.token("north"), identity.token("south")
        recorded = server.call("RecordMeasurement", token=north, parent=COURSE,
                               measurement=phq9([0] * 8 + [3]))
        brought = Importing(server, rows_of(1)).stream(token=north)
        with self.assertRaises(Refused) as refused:
            support.Api(server.channel()).with_token(south).ExportMeasurements(parent="clinics/north")
        self.assertEqual("NOT_FOUND", refused.exception.code)
        with self.assertRaises(Refused) as refused:
            Importing(server, rows_of(1)).stream(token=south)
        self.assertEqual("NOT_FOUND", refused.exception.code)
        foreign = Importing(server, rows_of(1), **{})
        foreign.opening["parent"] = "clinics/south"
        foreign.stream(token=south)  # of a clinic that may name none of another's courses
        self.assertEqual({1}, set(foreign.errors))
        for name, fields in (("GetMeasurement", dict(name=recorded.name)),
                             ("ListMeasurements", dict(parent=COURSE)),
                             ("ListAlerts", dict(parent="clinics/north/courses/-")),
                             ("GetTrajectory", dict(course=COURSE)),
                             ("GetCourseResult", dict(course=COURSE)),
                             ("ListMeasurementPlans", dict(parent="clinics/north")),
                             ("GetCourseMeasurementPlan", dict(course=COURSE)),
                             ("ListDueMeasurements", dict(parent="clinics/north/courses/-")),
                             ("GetMeasurementImport", dict(name=brought.name)),
                             ("GetClinicReport", dict(clinic="clinics/north", query=dict(
                                 first_date=dict(year=2026, month=1, day=1),
                                 last_date=dict(year=2026, month=1, day=2)))),
                             ("GetOutcomePolicy", dict(clinic="clinics/north"))):
            with self.subTest(name), self.assertRaises(Refused) as refused:
                server.call(name, token=south, **fields)
            self.assertEqual("NOT_FOUND", refused.exception.code)
        reader = identity.token("north", scopes="outcomes.read")
        self.assertEqual(recorded, server.call("GetMeasurement", token=reader, name=recorded.name))
        seen = server.call("GetTrajectory", token=reader, course=COURSE, min_revision=recorded.revision)
        held = {each.external_id: each.name
                for each in server.call("ListMeasurements", token=reader, parent=COURSE).measurements}
        self.assertEqual([held["form-1"], recorded.name],
                         [point.measurement for point in seen.series[0].points])
        self.assertEqual([recorded.risks[0].alert], [alert.alert for alert in seen.alerts])
        with self.assertRaises(Refused) as refused:
            server.call("RecordMeasurement", token=reader, parent=COURSE, measurement=phq9([1] * 9))
        self.assertEqual(("PERMISSION_DENIED", "SCOPE_MISSING"),
                         (refused.exception.code, refused.exception.reason))

    def test_the_log_holds_nothing_of_patients(self):
        server = self.server("sqlite")
        recorded = server.call("RecordMeasurement", parent=COURSE,
                               measurement=phq9([0] * 8 + [3], external_id="form-of-mrs-brown"))
        server.call("CorrectMeasurement", measurement=dict(name=recorded.name, mode=1),
                    reason="misread-as-told-by-brown")
        server.call("MarkMeasurementEnteredInError", name=recorded.name, reason=5, note="of-mr-brown")
        with self.assertRaises(Refused):
            server.call("RecordMeasurement", parent=COURSE, measurement=phq9([1987654321] * 9))
        rows = rows_of(2)
        rows[0]["measurement"]["external_id"] = "brown"
        rows[1]["measurement"]["answers"]["answers"][0]["value"] = 1987654321
        brought = Importing(server, rows)
        brought.stream()
        self.assertNotIn("1987654321", str(brought.errors[2]))
        self.assertEqual(1, len(list(server.call("ExportMeasurements", parent="clinics/north"))))
        self.assertEqual(0, server.stop())
        log = server.log()
        self.assertIn("RecordMeasurement", log)
        for word in ("brown", "1987654321"):  # no shorter number: a time or an id may hold it
            self.assertNotIn(word, log)

    def test_ipt_load_hears_the_alert_of_each_risk_answer_that_it_records(self):
        server = self.server("suite")
        status, told = self.load(server, "alerts", rate=40, risk=0.5, clinics="load-0", courses=4)
        self.assertEqual((0, True, []), (status, told["ok"], told["errors"]))
        self.assertEqual(40, told["calls"]["calls"])
        self.assertIn(told["raised"], range(18, 23))
        self.assertEqual(told["raised"], told["heard"])
        self.assertGreater(told["alerts_ms"]["p99"], 0)
        self.assertEqual(told["raised"], len(server.call("ListAlerts", parent="clinics/load-0/courses/-",
                                                          kinds=[1]).alerts))
        status, told = self.load(server, "run", mix="record", risk=0, clinics="load-1", courses=4, in_flight=4)
        self.assertEqual((0, {}), (status, told["operations"]["record"]["errors"]))
        self.assertEqual(0, len(server.call("ListAlerts", parent="clinics/load-1/courses/-").alerts))
        # Where scheduling is another server, the courses are made there.
        alone = self.server("sqlite")
        status, told = self.load(alone, "alerts", rate=40, scheduling=f"127.0.0.1:{server.port}",
                                 clinics="load-2", courses=4)
        self.assertEqual((0, told["calls"]["calls"]), (status, told["unverified"]))
        # A server without outcomes.
        server = support.Server("suite")
        self.addCleanup(server.close)
        self.assertEqual(2, self.load(server, "alerts", clinics="load-3", courses=1)[0])

    @staticmethod
    def load(server, command, **flags):
        """The exit status of ipt-load, and what it told."""
        flags = {"warmup": "0s", "duration": "1s", "output": "json", **flags}
        done = subprocess.run(
            [support.BUILD / "bin" / "ipt-load", command, f"--server=127.0.0.1:{server.port}",
             *(f"--{name}={value}" for name, value in flags.items())],
            capture_output=True, text=True, timeout=60)
        return done.returncode, json.loads(done.stdout or "null")


if __name__ == "__main__":
    unittest.main()
