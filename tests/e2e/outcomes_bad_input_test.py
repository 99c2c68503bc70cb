#!/usr/bin/python3
"""Bad input to the outcomes service over the real socket: the precise code, reason and fields, and nothing
half-written; no measurement, and above all no alert."""

import base64
import copy
import datetime
import math
import os
import re
import time
import unittest

import support  # first: it makes the generated stubs importable
from google.protobuf import descriptor
from ipt.common.v1 import options_pb2
from malformed import FIELDS, Fuzz, Refusals, send_unary
from support import OUTCOMES, REPEATED, at, field_text, message_class, next_weekday, now, put, rid, ts

DAY = datetime.timedelta(days=1)
MONDAY = next_weekday(0, support.today() + 7 * DAY)
NOT_FOUND = ("NOT_FOUND", "RESOURCE_NOT_FOUND", None)
ABORTED = ("ABORTED", "ETAG_MISMATCH", None)
IN_FUTURE = ("FAILED_PRECONDITION", "COMPLETED_IN_FUTURE", None)
ALERT_STATE = ("FAILED_PRECONDITION", "ALERT_STATE", None)
RESYNC = ("OUT_OF_RANGE", "RESYNC_REQUIRED", None)
KNOWN = ("ALREADY_EXISTS", "MEASUREMENT_EXISTS", None)
FAR = 2**62  # seconds


def answers(*values):
    """A PHQ-9's, as the form's numbers."""
    return dict(answers=[dict(item=f"q{i + 1}", value=value) for i, value in enumerate(values)])


def set_path(message, path, value):
    """Sets a field by its path as errors write it, "items[0].label". None clears it, a list replaces all."""
    *way, last = path.split(".")
    for step in way:
        name, _, index = step.rstrip("]").partition("[")
        message = getattr(message, name)[int(index)] if index else getattr(message, name)
    if value is None or isinstance(value, list):
        message.ClearField(last)
        for each in value or ():
            values = getattr(message, last)
            values.add(**each) if isinstance(each, dict) else values.append(each)
    else:
        setattr(message, last, value)


def malformed_names(field, pattern):
    """What is no name of that pattern."""
    wildcard = field.GetOptions().Extensions[options_pb2.rules].wildcard
    good = re.sub(r"{[^}]+}", "a", pattern)
    return {good + "/", "/" + good, good.upper(), good + "/a/a", good + "\n", good[:-1] + "\0",
            good[:-1] + "é", good[:-1] + "_", good[:-1] + "%61", good[:-1] + "x" * 64,
            good.replace("clinics/a", "clinics/-"), good.replace("clinics", "clinic"),
            good.replace("/", "//"), "clinics/../" + good, "x" * 5000, "-",
            good if wildcard else good[:-1] + "-"} - {good}


@support.on_all(engines=("suite", "outcomes"), secure=(False,))
class OutcomesBadInput(Refusals):
    """ipt-suite on SQLite, whose scheduling can be asked, and ipt-outcomes on PostgreSQL, whose cannot."""

    @classmethod
    def setUpClass(cls):
        cls.flags = ("--outcomes",) if cls.engine == "suite" else ()
        super().setUpClass()
        cls.methods = {path: method for path, (_, method) in support.methods(OUTCOMES).items()}

    def setUp(self):
        super().setUp()
        self.course, self.ana = f"{self.clinic}/courses/c1", f"{self.clinic}/therapists/ana"
        self.other = f"clinics/o{self.id}"
        self.session = f"{self.course}/sessions/s1"
        self.phq9 = f"{self.clinic}/instruments/phq-9"
        if self.engine == "suite":
            self.make_clinic()
            self.make_therapist()
            self.make_course("c1")
            self.api.BookSession(parent=self.course, session_id="s1", start_time=ts(at(MONDAY, 9)))
        self.recorded = self.api.RecordMeasurement(
            parent=self.course, measurement_id="m1", measurement=self.form(
                answers=answers(0, 1, 0, 0, 0, 0, 0, 0, 1), external_id="form-1",
                complete_time=ts(now().replace(microsecond=0) - DAY)))
        self.m1, self.alert = self.recorded.name, self.recorded.risks[0].alert

    def form(self, **fields):
        fields.setdefault("instrument", self.phq9)
        fields.setdefault("respondent", 1)
        if "reported" not in fields:
            fields.setdefault("answers", answers(0, 0, 0, 0, 0, 0, 0, 0, 2))
        return {name: value for name, value in fields.items() if value is not None}

    def snapshot(self):
        """All that was recorded and decided, and every write that the audit knows to have happened."""
        every = lambda name, items, **fields: self.api.all(name, items, page_size=1000,  # noqa: E731
                                                           **fields)
        courses = f"{self.clinic}/courses/-"
        measurements = every("ListMeasurements", "measurements", parent=courses,
                             filter=dict(states=[1, 2, 3]))
        routings = every("ListAlertRoutings", "alert_routings", parent=self.clinic)
        for routing in routings:
            routing.ClearField("scheduling")  # as of when; that goes on
        return [
            measurements,
            [every("ListMeasurementRevisions", "measurements", parent=m.name) for m in measurements],
            every("ListAlerts", "alerts", parent=courses, states=[1, 2, 3, 4]),
            every("ListInstruments", "instruments", parent=self.clinic, all_versions=True),
            routings, self.api.GetAlertRouting(clinic=self.clinic),
            self.api.GetOutcomePolicy(clinic=self.clinic),
            len(self.api.GetAlertCoverage(clinic=self.clinic).listeners),
            [(e.method, e.request_id) for e in every("ListAuditEntries", "audit_entries", parent=self.clinic)
             if e.access == options_pb2.ACCESS_WRITE and e.outcome == "OK"],
        ]

    def record(self, *expected, parent=None, **fields):
        """A case of RecordMeasurement: what is in the measurement, what must come of it."""
        return ("RecordMeasurement", dict(parent=parent or self.course, measurement=self.form(**fields)),
                *expected)

    def wrong(self, *fields):
        return (*FIELDS, [f"measurement.{field}" for field in fields])

    # ------------------------------------------------------------------------------------------ names

    def test_malformed_names_in_every_field(self):
        before = self.snapshot()
        count = 0
        for path, method in self.methods.items():
            for way, pattern in support.resource_fields(method.input_type):
                if way[0].name == "rows":  # not of a first message: see below
                    continue
                for name in malformed_names(way[-1], pattern):
                    request = message_class(method.input_type)()
                    put(request, way, name)
                    if "request_id" in request.DESCRIPTOR.fields_by_name:
                        request.request_id = rid()
                    count += 1
                    with self.subTest(path, field=field_text(way), name=name[:80]):
                        with self.refused(*FIELDS) as refusal:
                            self.api.send(path, request)
                        self.assertIn(field_text(way), refusal.error.fields)
                        self.fields_exist(path, refusal.error)
        self.assertGreater(count, 800)
        self.assertEqual(before, self.snapshot(), "something was written")

    def test_an_import_that_is_not_opened_well(self):
        path = "/ipt.outcomes.v1.MeasurementBulkService/ImportMeasurements"
        good = dict(parent=self.clinic, import_id=rid())
        opened = lambda *bad, **fields: (path, dict(open=dict(good, **fields)), *FIELDS,  # noqa: E731
                                         [f"open.{field}" for field in bad])
        self.check([
            (path, {}, *FIELDS, ["open"]), (path, dict(rows={}), *FIELDS, ["open"]),
            (path, dict(rows=dict(rows=[dict(row=1)])), *FIELDS, ["open"]),
            (path, dict(open={}), *FIELDS, None),
            (path, dict(open=dict(import_id=rid())), *FIELDS, ["open.parent"]),
            *(opened("import_id", import_id=bad) for bad in ("", "1", rid() + "0", "g" * 36, "x" * 64)),
            opened("display_name", display_name="x" * 129), opened("display_name", display_name="a\0b"),
            opened("history_before_time", history_before_time=dict(seconds=FAR)),
            opened("history_before_time", history_before_time=ts(now() - 13 * DAY)),
            # Of both in one message the last one counts, as protobuf has it.
            (path, dict(open=good, rows=dict(rows=[dict(row=1)])), *FIELDS, ["open"]),
        ])

    def test_malformed_rows(self):
        """Each row is told for itself, its fields by their paths in it; nothing of it is written."""
        call, method = self.api.stubs["ImportMeasurements"]
        make = message_class(method.input_type)
        row = lambda **fields: make(rows=dict(rows=[dict(row=1, **fields)]))  # noqa: E731
        form = lambda day=3, **fields: self.form(  # noqa: E731
            complete_time=ts(now().replace(microsecond=0) - day * DAY), **fields)
        cases = []  # a message of one row, and the fields of it that must be named
        for way, pattern in support.resource_fields(method.input_type):
            if way[0].name == "rows":
                for name in malformed_names(way[-1], pattern):
                    case = row(course=self.course, measurement=form())
                    put(case, way, name)
                    cases.append((case, {".".join(field.name for field in way[2:])}))
        self.assertGreater(len(cases), 40)
        cases += [
            (row(), {"course", "measurement"}), (row(course=self.course), {"measurement"}),
            (row(measurement=form()), {"course"}),
            (row(course=self.course, measurement=self.form()), {"measurement.complete_time"}),
            (row(course=self.course, measurement=form(answers=answers(0, 4))),
             {"measurement.answers.answers[1].value"}),
            (row(course=self.course, measurement=form(respondent=99)), {"measurement.respondent"}),
            (row(course=self.course, measurement=form(external_id="x" * 129)), {"measurement.external_id"}),
            (row(course=f"{self.other}/courses/c1", measurement=form()), {"course"}),
            (row(course=self.course, measurement=form(instrument=f"{self.other}/instruments/phq-9")),
             {"measurement.instrument"}),
            (row(course=self.course, measurement=form(session=f"{self.clinic}/courses/c2/sessions/s1")),
             {"measurement.session"})]
        rows = []
        for case, _ in cases:
            rows += case.rows.rows
            rows[-1].row = len(rows)
        right = row(course=self.course, measurement=form(day=5)).rows.rows[0]
        right.row = len(rows) + 1  # a row that fails stops no other
        *before, _ = self.snapshot()
        opened = make(open=dict(parent=self.clinic, import_id=rid(), validate_only=True))
        answered = list(call(iter([opened, make(rows=dict(rows=[*rows, right]))]), timeout=60,
                             metadata=self.api.metadata))
        errors = {error.row: error for answer in answered for error in answer.errors}
        self.assertEqual({*range(1, len(rows) + 1)}, set(errors))
        for number, (case, fields) in enumerate(cases, 1):
            with self.subTest(fields, row=str(case)[:200]):
                error = errors[number]
                self.assertEqual("INVALID_FIELDS", error.reason, error)
                named = {each.field for each in error.fields}
                self.assertLessEqual(fields, named, error)
                descriptor_ = case.rows.rows[0].DESCRIPTOR
                self.assertTrue(all(support.names_field(descriptor_, field) for field in named), error)
                self.assertTrue(all(each.description for each in error.fields), error)
        done = answered[-1].progress
        self.assertEqual((True, 1, len(rows)), (done.complete, done.recorded_rows, done.failed_rows))
        self.assertEqual(before, self.snapshot()[:-1], "something was written")

    def test_messages_of_an_import_that_are_no_rows(self):
        call, method = self.api.stubs["ImportMeasurements"]
        make = message_class(method.input_type)
        opening = dict(parent=self.clinic, import_id=rid())
        right = dict(course=self.course, measurement=self.form(
            complete_time=ts(now().replace(microsecond=0) - 3 * DAY)))
        order = ("FAILED_PRECONDITION", "IMPORT_ROW_ORDER", [])
        *before, _ = self.snapshot()
        for message, expected in (
                (dict(open=opening), (*FIELDS, ["open"])), ({}, (*FIELDS, ["rows"])),
                (dict(rows={}), (*FIELDS, ["rows.rows"])),
                (dict(rows=dict(rows=[dict(right, row=i + 1) for i in range(501)])),
                 (*FIELDS, ["rows.rows"])),
                (dict(rows=dict(rows=[dict(right, row=2)])), order),
                (dict(rows=dict(rows=[dict(right, row=0)])), order),
                (dict(rows=dict(rows=[dict(right, row=-2**63)])), order)):
            with self.subTest(expected, message=str(message)[:80]):
                with self.assertRaises(support.grpc.RpcError) as refusal:
                    list(call(iter([make(open=opening), make(**message)]), timeout=60,
                              metadata=self.api.metadata))
                error = support.Refused("ImportMeasurements", refusal.exception)
                self.assertEqual(expected, (error.code, error.reason, error.fields), str(error))
        self.assertEqual(before, self.snapshot()[:-1], "something was written")

    def test_names_that_nothing_has(self):
        alert, measurement = f"{self.course}/alerts/none", f"{self.course}/measurements/none"
        instrument = f"{self.clinic}/instruments/none"
        elsewhere = [self.m1.replace("/c1/", "/c2/"), self.alert.replace("/c1/", "/c2/")]
        why = dict(reason="x")
        cases = [("GetMeasurement", dict(name=name), *NOT_FOUND) for name in (measurement, elsewhere[0])]
        cases += [("GetAlert", dict(name=name), *NOT_FOUND) for name in (alert, elsewhere[1])]
        for name in (alert, elsewhere[1]):
            cases += [
                ("AcknowledgeAlert", dict(name=name), *NOT_FOUND),
                ("ResolveAlert", dict(name=name, outcome=1), *NOT_FOUND),
                ("EscalateAlert", dict(name=name, **why), *NOT_FOUND),
                ("ReassignAlert", dict(name=name, owner=dict(desk="d")), *NOT_FOUND),
                ("ReopenAlert", dict(name=name, **why), *NOT_FOUND)]
        cases += [
            ("GetMeasurement", dict(name=self.m1, revision_number=2), *NOT_FOUND),
            ("GetMeasurement", dict(name=self.m1, revision_number=-1), *FIELDS, ["revision_number"]),
            ("ListMeasurementRevisions", dict(parent=measurement), *NOT_FOUND),
            ("CorrectMeasurement", dict(measurement=dict(name=elsewhere[0], mode=1), **why), *NOT_FOUND),
            ("MarkMeasurementEnteredInError", dict(name=measurement, reason=3), *NOT_FOUND),
            ("GetInstrument", dict(name=instrument), *NOT_FOUND),
            ("GetInstrument", dict(name=self.phq9, version=9), *NOT_FOUND),
            ("GetInstrument", dict(name=self.phq9, version=-1), *NOT_FOUND),
            ("RetireInstrument", dict(name=instrument, **why), *NOT_FOUND),
            ("RetireInstrument", dict(name=self.phq9, version=2, **why), *NOT_FOUND),
            ("RetireInstrument", dict(name=self.phq9, version=-1, **why), *FIELDS, ["version"]),
            ("ReinstateInstrument", dict(name=instrument), *NOT_FOUND),
            ("ReinstateInstrument", dict(name=self.phq9, version=-1), *FIELDS, ["version"]),
            self.record(*NOT_FOUND, instrument=instrument),
            self.record(*NOT_FOUND, instrument_version=7),
        ]
        if self.engine == "suite":  # elsewhere nobody can be asked, and nothing is refused for it
            nobodys = f"{self.clinic}/courses/none"
            cases += [
                self.record(*NOT_FOUND, parent=nobodys),
                self.record(*NOT_FOUND, session=f"{self.course}/sessions/none"),
                ("CorrectMeasurement", dict(measurement=dict(
                    name=self.m1, session=f"{self.course}/sessions/none"), **why), *NOT_FOUND),
                ("GetTrajectory", dict(course=nobodys), *NOT_FOUND),
                ("GetCourseResult", dict(course=nobodys), *NOT_FOUND),
            ]
        else:
            cases.append(("UpdateCourseMeasurementPlan", dict(course=self.course, measurement_plan=dict(
                rules=[dict(id="each", instrument=self.phq9, timing=1)])),
                "UNAVAILABLE", "PEER_UNAVAILABLE", None))
        for method, fields in (
                ("GetMeasurement", dict(name=self.m1)), ("GetAlert", dict(name=self.alert)),
                ("GetInstrument", dict(name=self.phq9)), ("GetTrajectory", dict(course=self.course)),
                ("ListAlerts", dict(parent=self.course)), ("ListMeasurements", dict(parent=self.course)),
                ("GetCourseResult", dict(course=self.course)), ("GetAlertRouting", dict(clinic=self.clinic)),
                ("GetOutcomePolicy", dict(clinic=self.clinic)),
                ("ListInstruments", dict(parent=self.clinic))):
            cases.append((method, dict(fields, min_revision=2**60), "FAILED_PRECONDITION",
                          "REVISION_NOT_REACHED", None))
        self.check(cases)

    def test_another_clinics_names(self):
        theirs = lambda rest: f"{self.other}/{rest}"  # noqa: E731
        eve = dict(therapist=theirs("therapists/eve"))
        ours, gad7 = dict(therapist=self.ana), theirs("instruments/gad-7")
        routing = lambda **fields: dict(clinic=self.clinic, routing=fields)  # noqa: E731
        policy = lambda **fields: dict(clinic=self.clinic, policy=fields)  # noqa: E731
        self.check([
            self.record(*self.wrong("instrument"), instrument=gad7),
            self.record(*self.wrong("session"), session=theirs("courses/c1/sessions/s1")),
            self.record(*self.wrong("session"), session=f"{self.clinic}/courses/c2/sessions/s1"),
            ("CorrectMeasurement", dict(measurement=dict(name=self.m1,
                                                         session=theirs("courses/c1/sessions/s1")),
                                        reason="x"), *FIELDS, ["measurement.session"]),
            ("CorrectMeasurement", dict(measurement=dict(name=self.m1,
                                                         session=f"{self.clinic}/courses/c2/sessions/s1"),
                                        reason="x"), *FIELDS, ["measurement.session"]),
            ("ListMeasurements", dict(parent=self.course, filter=dict(instruments=[self.phq9, gad7])),
             *FIELDS,
             ["filter.instruments[1]"]),
            ("ListAlerts", dict(parent=self.course, assignee=eve), *FIELDS, ["assignee.therapist"]),
            ("ListAlerts", dict(parent=self.course, measurement=theirs("courses/c1/measurements/m1")),
             *FIELDS,
             ["measurement"]),
            ("ListAlerts", dict(parent=self.course, measurement=f"{self.clinic}/courses/c2/measurements/m1"),
             *FIELDS, ["measurement"]),
            ("EscalateAlert", dict(name=self.alert, to=eve, reason="x"), *FIELDS, ["to.therapist"]),
            ("ReassignAlert", dict(name=self.alert, owner=eve), *FIELDS, ["owner.therapist"]),
            ("WatchAlerts", dict(parent=self.clinic, observer=True, recipients=[ours, eve]), *FIELDS,
             ["recipients[1].therapist"]),
            ("outcome_events.WatchEvents", dict(parent=self.clinic, course=theirs("courses/c1")), *FIELDS,
             ["course"]),
            ("GetAlertRouting", dict(clinic=self.clinic, **eve), *FIELDS, ["therapist"]),
            ("UpdateAlertRouting", dict(routing(resolve_minutes=5), **eve), *FIELDS, ["therapist"]),
            ("UpdateAlertRouting", routing(owner=eve, cover=[ours, eve],
                                           steps=[dict(after_minutes=5, to=eve)]),
             *FIELDS, ["routing.cover[1].therapist", "routing.owner.therapist",
                       "routing.steps[0].to.therapist"]),
            ("UpdateOutcomePolicy", policy(
                depression_instrument=gad7, anxiety_instrument=gad7, scale_rules=[dict(instrument=gad7)],
                not_on_track=dict(instrument=gad7)), *FIELDS,
             ["policy.anxiety_instrument", "policy.depression_instrument", "policy.not_on_track.instrument",
              "policy.scale_rules[0].instrument"]),
            ("GetTrajectory", dict(course=self.course, instruments=[self.phq9, gad7]), *FIELDS,
             ["instruments[1]"]),
        ])

    # ----------------------------------------------------------------------------------- measurements

    def test_measurements(self):
        given = lambda *all_: dict(answers=list(all_))  # noqa: E731
        at_answers = lambda given_, *fields: self.record(  # noqa: E731
            *self.wrong(*(f"answers.answers{field}" for field in fields)), answers=given_)
        reported = lambda scores, *fields: self.record(  # noqa: E731
            *self.wrong(*(f"reported.scores{field}" for field in fields)), reported=dict(scores=scores))
        total = lambda points: dict(scale="total", points=points)  # noqa: E731
        one = dict(item="q1", value=1)
        self.check([
            at_answers(answers(4), "[0].value"), at_answers(answers(0, -1), "[1].value"),
            at_answers(answers(2**31 - 1, 0, -2**31), "[0].value", "[2].value"),
            at_answers(given(dict(item="q1", option="no-such")), "[0].option"),
            at_answers(given(dict(item="q1", option="")), "[0].option"),
            at_answers(given(one, one), "[1].item"),
            at_answers(given(one, dict(item="q2", none=4), dict(item="q77", value=1), dict(item="", none=1)),
                       "[1].none", "[2].item", "[3].item"),
            at_answers(given(one, dict(item="q9", none=9)), "[1].none"),
            at_answers(given(one, dict(item="q2")), "[1]"),
            at_answers(given(dict(item="q1", none=1), dict(item="q9", none=2)), ""),
            at_answers(given(), ""),
            at_answers(given(*[one] * 201), ""),
            at_answers(given(dict(item="x" * 64, value=1)), "[0].item"),
            reported([], ""), reported([total(28)], "[0].points"), reported([total(-1)], "[0].points"),
            reported([total(3.5)], "[0].points"), reported([total(math.nan)], "[0].points"),
            reported([total(math.inf)], "[0].points"), reported([total(3), total(3)], "[1].scale"),
            reported([total(3), dict(scale="mood", points=1)], "[1].scale"),
            reported([dict(points=1)], "[0].scale"),
            reported([total(3)] * 31, ""),
            self.record(*self.wrong("answers"), answers=None),
            self.record(*self.wrong("respondent"), respondent=0),
            self.record(*self.wrong("respondent"), respondent=3),
            self.record(*self.wrong("respondent"), respondent=4),
            self.record(*self.wrong("respondent"), respondent=99),
            self.record(*self.wrong("mode"), mode=99),
            self.record(*self.wrong("instrument"), instrument=None),
            self.record(*self.wrong("instrument_version"), instrument_version=-1),
            *(self.record(*self.wrong("language"), language=tag) for tag in ("x", "en_GB", "en-", "e" * 36)),
            self.record(*self.wrong("external_id"), external_id="x" * 129),
            self.record(*self.wrong("external_id"), external_id="a\0b"),
            *(self.record(*self.wrong("complete_time"), complete_time=when) for when in (
                dict(seconds=FAR), dict(seconds=-FAR), dict(seconds=1, nanos=-5), dict(seconds=1, nanos=5),
                dict(seconds=-5 * 10**9))),
            self.record(*IN_FUTURE, complete_time=ts(now().replace(microsecond=0) + DAY / 24)),
            self.record(*IN_FUTURE, complete_time=ts(datetime.datetime(9999, 12, 1, tzinfo=support.UTC))),
            self.record(*KNOWN, answers=answers(0, 1, 0, 0, 0, 0, 0, 0, 1),
                        complete_time=ts(now().replace(microsecond=0) - DAY)),
            self.record(*KNOWN, external_id="form-1"),
            ("RecordMeasurement", dict(parent=self.course), *FIELDS, ["measurement"]),
            ("RecordMeasurement", dict(measurement=self.form()), *FIELDS, ["parent"]),
            ("RecordMeasurement", dict(parent=self.course, measurement={}), *FIELDS,
             ["measurement.answers", "measurement.instrument", "measurement.respondent"]),
            ("RecordMeasurement", dict(parent=self.course, measurement_id="Upper", measurement=self.form(
                answers=None, respondent=0)), *FIELDS,
             ["measurement.answers", "measurement.respondent", "measurement_id"]),
            ("RecordMeasurement", dict(parent=self.course, measurement_id="m1", measurement=self.form()),
             "ALREADY_EXISTS", "RESOURCE_EXISTS", None),
            ("ListMeasurements", dict(parent=self.course, filter=dict(
                states=[1, 0], respondents=[0], occasions=[0], start_time=ts(now()),
                end_time=ts(now() - DAY))),
             *FIELDS, ["filter.end_time", "filter.occasions[0]", "filter.respondents[0]",
                       "filter.states[1]"]),
            ("ListMeasurements", dict(parent=self.course, filter=dict(states=[9])), *FIELDS,
             ["filter.states[0]"]),
            ("ListMeasurements", dict(parent=self.course, filter=dict(start_time=dict(seconds=FAR))), *FIELDS,
             ["filter.start_time"]),
            ("GetTrajectory", dict(course=self.course, instruments=[self.phq9] * 21), *FIELDS,
             ["instruments"]),
        ])

    def test_answers_and_reported_scores_at_once(self):
        """Of both in the bytes the last one counts, as protobuf has it; the other is not half taken."""
        path = "/ipt.outcomes.v1.MeasurementService/RecordMeasurement"
        make = lambda **fields: self.api.request(  # noqa: E731
            "RecordMeasurement", parent=self.course, measurement=fields, request_id=used).SerializeToString()
        used = rid()
        before = self.snapshot()
        right = make(**self.form())
        with self.refused(*FIELDS, ["measurement.reported.scores[0].scale"]):
            self.api.raw(path, right + make(reported=dict(scores=[dict(scale="mood", points=1)])))
        with self.refused(*FIELDS, ["measurement.answers.answers[0].value"]):
            self.api.raw(path, make(**self.form(reported=dict(scores=[dict(scale="total", points=3)]))) +
                         make(answers=answers(7)))
        self.assertEqual(before, self.snapshot(), "something was written")
        taken = type(self.recorded).FromString(self.api.raw(
            path, right + make(reported=dict(scores=[dict(scale="total", points=3)]))))
        self.assertEqual(("reported", 3), (taken.WhichOneof("given"), taken.scores[0].rounded))
        self.assertEqual([2], [risk.state for risk in taken.risks], "a total tells nothing of risk")

    def test_corrections_and_what_is_taken_back(self):
        correct = lambda reason="x", mask=None, **fields: (  # noqa: E731
            "CorrectMeasurement", dict(measurement=dict(name=self.m1, **fields), reason=reason,
                                       update_mask=mask and dict(paths=mask)))
        mark = lambda **fields: ("MarkMeasurementEnteredInError", dict(name=self.m1, **fields))  # noqa: E731
        masks = lambda *paths: (*correct(mask=list(paths), mode=1), *FIELDS, [  # noqa: E731
            f"update_mask.paths[{i}]" for i in range(len(paths))])
        stale = self.recorded.etag
        self.api.CorrectMeasurement(measurement=dict(name=self.m1, mode=2), reason="x")
        self.check([
            (*correct("", mode=1), *FIELDS, ["reason"]), (*correct("x" * 257, mode=1), *FIELDS, ["reason"]),
            ("CorrectMeasurement", dict(reason="x"), *FIELDS, ["measurement"]),
            ("CorrectMeasurement", dict(measurement=dict(mode=1), reason="x"), *FIELDS, ["measurement.name"]),
            masks("no_such"), masks(""), masks("external_id", "instrument", "name"), masks("scores", "state"),
            masks("answers.answers.value", "mode.x", "complete_time..seconds", "*"),
            (*correct(mask=["mode"] * 101, mode=1), *FIELDS, ["update_mask.paths"]),
            (*correct(mask=["answers"]), *FIELDS, ["measurement.answers"]),
            (*correct(mask=["respondent"]), *FIELDS, ["measurement.respondent"]),
            (*correct(answers=answers(0, 9)), *FIELDS, ["measurement.answers.answers[1].value"]),
            (*correct(reported=dict(scores=[dict(scale="total", points=99)])), *FIELDS,
             ["measurement.reported.scores[0].points"]),
            (*correct(respondent=4), *FIELDS, ["measurement.respondent"]),
            (*correct(language="-"), *FIELDS, ["measurement.language"]),
            (*correct(complete_time=dict(seconds=1, nanos=1)), *FIELDS, ["measurement.complete_time"]),
            (*correct(complete_time=ts(now().replace(microsecond=0) + DAY)), *IN_FUTURE),
            (*correct(mode=1, etag=stale), *ABORTED), (*correct(mode=1, etag="nonsense"), *ABORTED),
            (*mark(), *FIELDS, ["reason"]), (*mark(reason=5), *FIELDS, ["note"]),
            (*mark(reason=99), *FIELDS, ["reason"]), (*mark(reason=3, note="x" * 257), *FIELDS, ["note"]),
            (*mark(reason=3, etag=stale), *ABORTED),
            (*mark(reason=3, etag='"0"', validate_only=True), *ABORTED),
        ])
        self.api.MarkMeasurementEnteredInError(name=self.m1, reason=3)
        state = ("FAILED_PRECONDITION", "MEASUREMENT_STATE", None)
        self.check([(*correct(mode=1), *state), (*mark(reason=3), *state)])

    # ----------------------------------------------------------------------------- alerts and routing

    def test_alerts(self):
        named = lambda method, *expected, **fields: (method, dict(fields, name=self.alert),  # noqa: E731
                                                     *expected)
        wrong = lambda *fields: (*FIELDS, list(fields))  # noqa: E731
        watch = lambda *expected, **fields: (  # noqa: E731
            "WatchAlerts", {"parent": self.clinic, "observer": True, **fields}, *expected)
        events = lambda *expected, **fields: (  # noqa: E731
            "outcome_events.WatchEvents", dict(fields, parent=self.clinic), *expected)
        listed = lambda *expected, **fields: ("ListAlerts", dict(fields, parent=self.course),  # noqa: E731
                                              *expected)
        long = "x" * 513
        stale = self.api.GetAlert(name=self.alert).etag
        self.api.EscalateAlert(name=self.alert, to=dict(desk="duty"), reason="x")
        cursor, theirs = (self.api.WatchAlerts(parent=clinic, observer=True).cursor
                          for clinic in (self.clinic, self.other))
        self.check([
            named("ResolveAlert", *wrong("outcome")), named("ResolveAlert", *wrong("outcome"), outcome=4),
            named("ResolveAlert", *wrong("outcome"), outcome=7),
            named("ResolveAlert", *wrong("outcome"), outcome=99),
            named("ResolveAlert", *wrong("note"), outcome=8),
            named("ResolveAlert", *wrong("note"), outcome=1, note=long),
            named("ResolveAlert", *ABORTED, outcome=1, etag=stale),
            named("AcknowledgeAlert", *ABORTED, etag=stale), named("AcknowledgeAlert", *ABORTED, etag="x"),
            named("AcknowledgeAlert", *wrong("note"), note=long),
            named("EscalateAlert", *wrong("reason")), named("EscalateAlert", *wrong("reason"), reason=long),
            named("EscalateAlert", *wrong("to.recipient"), reason="x", to={}),
            named("EscalateAlert", *wrong("to.desk"), reason="x", to=dict(desk="Bad Desk")),
            named("EscalateAlert", *wrong("to.desk"), reason="x", to=dict(desk="x" * 64)),
            named("EscalateAlert", *ABORTED, reason="x", etag=stale),
            named("ReassignAlert", *wrong("owner")),
            named("ReassignAlert", *wrong("owner.recipient"), owner={}),
            named("ReassignAlert", *wrong("owner.recipient"), owner=dict(desk="")),
            named("ReassignAlert", *wrong("reason"), owner=dict(desk="d"), reason=long),
            named("ReassignAlert", *ABORTED, owner=dict(desk="d"), etag=stale),
            named("ReopenAlert", *wrong("reason")), named("ReopenAlert", *ALERT_STATE, reason="x"),
            named("ReopenAlert", *ABORTED, reason="x", etag=stale),
            listed(*wrong("states[0]"), states=[0]), listed(*wrong("states[1]"), states=[1, 9]),
            listed(*wrong("kinds[0]"), kinds=[0]), listed(*wrong("assignee.recipient"), assignee={}),
            listed(*wrong("assignee.desk"), assignee=dict(desk="É")),
            listed(*wrong("end_time"), start_time=ts(now()), end_time=ts(now() - DAY)),
            listed(*wrong("end_time", "start_time"), start_time=dict(seconds=FAR),
                   end_time=dict(seconds=1, nanos=-1)),
            watch(*wrong("listener"), observer=False), watch(*wrong("listener"), listener="x" * 65),
            watch(*wrong("include_open"), include_open=True, cursor=cursor),
            watch(*wrong("kinds[0]", "recipients[0].recipient", "recipients[1].desk"), kinds=[0],
                  recipients=[{}, dict(desk="-x")]),
            watch(*wrong("recipients"), recipients=[dict(desk="d")] * 101),
            watch(*wrong("cursor"), cursor="x" * 2049),
            *(each(*wrong("cursor"), cursor=text) for each in (watch, events) for text in (
                "garbage", "é", cursor + "A", cursor[2:], base64.urlsafe_b64encode(os.urandom(40)).decode())),
            events(*wrong("kinds[0]"), kinds=[0]), events(*wrong("kinds[0]"), kinds=[99]),
            events(*wrong("cursor"), cursor=""), watch(*RESYNC, cursor=theirs),
            events(*RESYNC, cursor=theirs),
        ])
        self.api.ResolveAlert(name=self.alert, outcome=1)
        self.check([named("AcknowledgeAlert", *ALERT_STATE), named("ResolveAlert", *ALERT_STATE, outcome=1),
                    named("EscalateAlert", *ALERT_STATE, reason="x"),
                    named("ReassignAlert", *ALERT_STATE, owner=dict(desk="d"))])

    def test_routing(self):
        first = self.api.UpdateAlertRouting(clinic=self.clinic, routing=dict(resolve_minutes=60))
        self.api.UpdateAlertRouting(clinic=self.clinic, routing=dict(resolve_minutes=61))
        of_ana = self.api.UpdateAlertRouting(clinic=self.clinic, therapist=self.ana,
                                             routing=dict(resolve_minutes=6))
        update = lambda *fields, mask=(), therapist="", **routing: (  # noqa: E731
            "UpdateAlertRouting", dict(clinic=self.clinic, therapist=therapist, routing=routing,
                                       update_mask=dict(paths=mask)), *FIELDS, list(fields))
        step = lambda minutes=5, to=dict(desk="d"): dict(after_minutes=minutes, to=to)  # noqa: B008, E731
        desks = [dict(desk=f"d{i}") for i in range(11)]
        self.check([
            ("UpdateAlertRouting", dict(clinic=self.clinic), *FIELDS, ["routing"]),
            ("UpdateAlertRouting", dict(routing=dict(resolve_minutes=1)), *FIELDS, ["clinic"]),
            update("routing.cover[1]", cover=[desks[0], desks[0]]), update("routing.cover", cover=desks),
            update("routing.cover[0].recipient", "routing.cover[1].desk", cover=[{}, dict(desk="D")]),
            update("routing.owner.desk", owner=dict(desk="_")),
            update("routing.steps[0].after_minutes", "routing.steps[1].after_minutes",
                   "routing.steps[2].after_minutes",
                   steps=[step(0), step(10081), step(-1)]),
            update("routing.steps[0].to.recipient", "routing.steps[1].to.desk",
                   steps=[step(to={}), step(to=dict(desk="é"))]),
            update("routing.steps", steps=[step(i + 1) for i in range(11)]),
            update("routing.resolve_minutes", resolve_minutes=-1),
            update("routing.resolve_minutes", "routing.steps[0].after_minutes", resolve_minutes=43201,
                   steps=[step(0)]),
            update("routing.away_until_time", away_until_time=ts(now() + DAY)),
            update("routing.away_until_time", therapist=self.ana, away_until_time=dict(seconds=FAR)),
            update("update_mask.paths[0]", "update_mask.paths[1]", "update_mask.paths[3]", resolve_minutes=5,
                   mask=["name", "no_such", "cover", "owner_away"]),
            update("update_mask.paths[0]", cover=desks[:1], mask=["cover.desk"]),
            ("UpdateAlertRouting", dict(clinic=self.clinic, routing=dict(resolve_minutes=5, etag=first.etag)),
             *ABORTED),
            ("UpdateAlertRouting", dict(clinic=self.clinic, therapist=self.ana, validate_only=True,
                                        routing=dict(
                resolve_minutes=5, etag=first.etag)), *ABORTED),
            ("UpdateAlertRouting", dict(clinic=self.clinic,
                                        routing=dict(resolve_minutes=5, etag=of_ana.etag)), *ABORTED),
            ("ResetAlertRouting", dict(therapist=self.clinic), *FIELDS, ["therapist"]),
        ])

    def test_policies(self):
        update = lambda *fields, mask=(), **policy: (  # noqa: E731
            "UpdateOutcomePolicy", dict(clinic=self.clinic, policy=policy, update_mask=dict(paths=mask)),
            *FIELDS,
            [f"policy.{field}" for field in fields])
        first = self.api.UpdateOutcomePolicy(clinic=self.clinic, policy=dict(baseline_days=1))
        self.api.UpdateOutcomePolicy(clinic=self.clinic, policy=dict(baseline_days=2))
        none, gad7 = f"{self.clinic}/instruments/none", f"{self.clinic}/instruments/gad-7"
        rules = lambda **fields: dict(instrument=gad7, **fields)  # noqa: E731
        numbers = dict(response_percent=(0, 100.5, -1, math.nan, math.inf), baseline_days=(-1, 181),
                       last_score_days=(-1, 91), duplicate_minutes=(-1, 10081),
                       smallest_group=(2, 101, 2**31 - 1))
        below = dict(baseline_at_least=(-1, 1001, math.nan), slow_start_days=(6, 181),
                     slow_start_sessions=(0, 21),
                     slow_start_percent=(0, 101, -math.inf), late_week=(3, 53),
                     late_percent=(0.5, 101, math.nan),
                     missed_in_a_row=(0, 21))
        self.check([
            ("UpdateOutcomePolicy", dict(clinic=self.clinic), *FIELDS, ["policy"]),
            *(update(field, **{field: value}) for field, values in numbers.items() for value in values),
            *(update(f"not_on_track.{field}", not_on_track={field: value}) for field, values in below.items()
              for value in values),
            update("not_on_track.disabled_rules[1]", not_on_track=dict(disabled_rules=["late", "x"])),
            update("not_on_track.disabled_rules", not_on_track=dict(disabled_rules=["late"] * 11)),
            update("anxiety_instrument", "depression_instrument", "not_on_track.instrument",
                   anxiety_instrument=none,
                   depression_instrument=none, not_on_track=dict(instrument=none)),
            update("scale_rules[0].instrument", "scale_rules[1].instrument", "scale_rules[2].scale",
                   "scale_rules[4].scale",
                   scale_rules=[{}, dict(instrument=none), rules(scale="mood"), rules(),
                                rules(scale="total")]),
            update("scale_rules[0].cut_off_rule_set", "scale_rules[0].reliable_change_rule_set",
                   scale_rules=[rules(cut_off_rule_set="x", reliable_change_rule_set="y")]),
            update("scale_rules", scale_rules=[rules(scale=f"s{i}") for i in range(51)]),
            update("drop_out", "review_alert_level", drop_out=9, review_alert_level=9),
            ("UpdateOutcomePolicy", dict(clinic=self.clinic, policy=dict(baseline_days=3), update_mask=dict(
                paths=["version", "x", "not_on_track.x", "scale_rules.scale"])), *FIELDS,
             [f"update_mask.paths[{i}]" for i in range(4)]),
            ("UpdateOutcomePolicy", dict(clinic=self.clinic, policy=dict(baseline_days=3, etag=first.etag)),
             *ABORTED),
        ])

    # ------------------------------------------------------------------------------------ instruments

    def test_instruments(self):
        shown = self.api.GetInstrument(name=self.phq9)
        shown.ClearField("version")

        def one(path, value, *fields):
            """One fault, and the fields that must be named for it: those that begin with these."""
            return {path: value}, fields or (path,)
        source = dict(citation="C", evidence=1)
        total = "scales[0]"
        option = "items[0].options[0]"
        cases = [
            one("display_name", None), one("display_name", "x" * 129), one("display_name", "a\tb"),
            one("construct", 0), one("construct", 99), one("language", None), one("language", "english!"),
            one("licence.title", None), one("licence.attribution", None),
            one("licence.attribution", "x" * 1025),
            one("citations", []), one("citations", ["x" * 513], "citations[0]"),
            one("citations", ["\x01"], "citations[0]"),
            one("respondents", []), one("respondents", [1, 1], "respondents[1]"),
            one("respondents", [0], "respondents",
                                                                                     "respondents[0]"),
            one("lookback_days", -1), one("lookback_days", 367), one("stem", "x" * 1025),
            one("notes", "a\x07"),
            one("loinc_code", "44249-2"), one("version", -1), one("items", []),
            one("items[0].id", None), one("items[0].id", "Q 1"), one("items[0].number", 7),
            one("items[0].label", None),
            one("items[0].text", "x" * 1025), one("items[0].text", None), one("items[0].loinc_code", "x"),
            one("items[0].options", []), one("items[0].reverse_scored", True, "items[0].options"),
            one(f"{option}.id", ""), one(f"{option}.value", None), one(f"{option}.points", None),
            one(f"{option}.value", 1, "items[0].options[1].value"), one(f"{option}.value", 1001),
            one(f"{option}.label", None),
            one(f"{option}.label", "x" * 257), one(f"{option}.loinc_code", "44249-1"),
            one("scales", []), one(f"{total}.id", "sum", "scales"), one(f"{total}.items", []),
            one(f"{total}.items", ["q1", "q1", "q0"]), one(f"{total}.minimum", 1),
            one(f"{total}.maximum", 26),
            one(f"{total}.maximum", math.nan), one(f"{total}.maximum", 27.5), one(f"{total}.direction", 0),
            one(f"{total}.direction", 2, "risk_rules[0].item"), one(f"{total}.multiplier", 101),
            one(f"{total}.multiplier", -1),
            one(f"{total}.aggregation", 2), one(f"{total}.decimals", 1), 
            one(f"{total}.without_norms", True, f"{total}.bands", f"{total}.cut_offs",
                f"{total}.reliable_changes"),
            one(f"{total}.missing_items.max_missing", 9), one(f"{total}.missing_items.max_missing", 0),
            one(f"{total}.missing_items.source", None), one(f"{total}.bands_source", None),
            one(f"{total}.bands[1].id", "minimal"), one(f"{total}.bands[1].display_name", None),
            one(f"{total}.bands[1].lowest", 6), one(f"{total}.bands[1].highest", math.inf),
            one(f"{total}.bands[4].highest", 26),
            one(f"{total}.cut_offs[0].kind", 0), one(f"{total}.cut_offs[0].points", 28),
            one(f"{total}.cut_offs[0].points", 9.5), one(f"{total}.cut_offs[0].rule_set", None),
            one(f"{total}.cut_offs[0].source", None), one(f"{total}.cut_offs[0].source.evidence", 0),
            one(f"{total}.reliable_changes[0].points", 0),
            one(f"{total}.reliable_changes[0].points", math.nan),
            one(f"{total}.reliable_changes[0].points", 28),
            one(f"{total}.reliable_changes[0].rule_set", "A b"),
            one(f"{total}.loinc_code", "1-1"), one(f"{total}.snomed_code", "abc"),
            one(f"{total}.highest_of", [dict(items=["q1", "q2"])]),
            one("risk_rules[0].id", None), one("risk_rules[0].id", "Not an id"),
            one("risk_rules[0].display_name", None),
            one("risk_rules[0].item", "q99"), one("risk_rules[0].item", None),
            one("risk_rules[0].at_points", 0),
            one("risk_rules[0].at_points", 4), one("risk_rules[0].at_points", 0.5),
            one("risk_rules[0].source", None),
            one("risk_rules[0].scale", "mood"), one("risk_rules", [dict(
                id="r", display_name="R", scale="total", at_points=99, source=source)],
                "risk_rules[0].at_points"),
            one("items[8].may_be_not_applicable", True, "risk_rules[0].item"),
            one("items[1].implied.item", "q99"),
            one("items[1].implied.item", "q1", "items[1].implied.option", "items[1].implied.implied_option"),
        ]
        before = self.snapshot()
        for values, fields in cases:
            instrument = copy.deepcopy(shown)
            for path, value in values.items():
                set_path(instrument, path, value)
            with self.subTest(values), self.refused(*FIELDS) as refusal:
                self.api.RegisterInstrument(parent=self.clinic, instrument_id="mood", instrument=instrument)
            with self.subTest(values, named=refusal.error and refusal.error.fields):
                self.fields_exist("RegisterInstrument", refusal.error)
                for field in fields:
                    self.assertTrue(any(named.startswith(f"instrument.{field}") for named in refusal.error.fields),
                                    refusal.error)
        self.assertEqual(before, self.snapshot(), "something was written")
        plain = lambda *expected, **fields: (  # noqa: E731
            "RegisterInstrument", {"parent": self.clinic, "instrument_id": "mood", "instrument": shown,
                                   **fields},
            *expected)
        self.check([
            plain(*FIELDS, ["instrument_id"], instrument_id="Mood"),
            plain(*FIELDS, ["instrument_id"], instrument_id=""),
            plain(*FIELDS, ["instrument_id"], instrument_id="x" * 64),
            plain(*FIELDS, ["instrument"], instrument=None),
            plain("ALREADY_EXISTS", "RESOURCE_EXISTS", None, instrument_id="phq-9"),
            plain(*FIELDS, ["instrument.licence.grant"], licensed_pack=True),
            plain("FAILED_PRECONDITION", "INSTRUMENT_VERSION", None, instrument=type(shown).FromString(
                shown.SerializeToString() + type(shown)(version=2).SerializeToString())),
            ("ListInstruments", dict(parent=self.clinic, constructs=[0, 1], origins=[1, 0], states=[9]),
             *FIELDS, None),
            ("ListInstruments", dict(parent=self.clinic, constructs=[0, 1], origins=[1, 0]), *FIELDS,
             ["constructs[0]", "origins[1]"]),
        ])

    def test_retired_instruments(self):
        shown = self.api.GetInstrument(name=self.phq9)
        shown.ClearField("version")
        mood = self.api.RegisterInstrument(parent=self.clinic, instrument_id="mood", instrument=shown)
        retire = lambda *expected, **fields: ("RetireInstrument",  # noqa: E731
                                              {"name": mood.name, "reason": "x", **fields},
                                              *expected)
        self.check([retire(*FIELDS, ["reason"], reason=""), retire(*FIELDS, ["reason"], reason="x" * 257),
                    retire(*ABORTED, etag='"1"'), retire(*ABORTED, etag=self.recorded.etag),
                    retire(*ABORTED, etag="x", validate_only=True)])
        retired = self.api.RetireInstrument(name=mood.name, reason="x")
        time.sleep(1.1)  # forms are completed at whole seconds: those to come are so after it
        gone = ("FAILED_PRECONDITION", "INSTRUMENT_RETIRED", None)
        self.check([
            self.record(*gone, instrument=mood.name),
            self.record(*gone, instrument=mood.name, instrument_version=1),
            self.record(*gone, instrument=mood.name,  # counts as now
                        complete_time=ts(now().replace(microsecond=0) + DAY / 24 / 60)),
            retire(*ABORTED, etag=mood.etag), ("ReinstateInstrument", dict(name=mood.name, etag=mood.etag),
                                               *ABORTED)])
        self.api.RecordMeasurement(parent=self.course, measurement=self.form(  # completed before
            instrument=mood.name, answers=answers(*[1] * 9),
            complete_time=ts(now().replace(microsecond=0) - DAY)))
        self.api.ReinstateInstrument(name=mood.name, etag=retired.instrument.etag)
        self.api.RecordMeasurement(parent=self.course, measurement=self.form(instrument=mood.name))

    # ------------------------------------------------------------------------------ lists, request ids

    def test_page_tokens_and_sizes(self):
        self.api.RecordMeasurement(parent=self.course, measurement=self.form())
        self.api.CorrectMeasurement(measurement=dict(name=self.m1, mode=1), reason="x")
        for therapist in ("ana", "ben"):
            self.api.UpdateAlertRouting(clinic=self.clinic, therapist=f"{self.clinic}/therapists/{therapist}",
                                        routing=dict(resolve_minutes=5))
        lists = {"ListInstruments": dict(parent=self.clinic), "ListMeasurements": dict(parent=self.course),
                 "ListMeasurementRevisions": dict(parent=self.m1), "ListAlerts": dict(parent=self.course),
                 "ListAlertRoutings": dict(parent=self.clinic)}
        token_of = lambda name: getattr(self.api, name)(page_size=1,  # noqa: E731
                                                        **lists[name]).next_page_token
        tokens = {name: token_of(name) for name in lists}
        self.assertNotIn("", tokens.values())
        ask = lambda name, token, **more: (  # noqa: E731
            name, {**lists[name], "page_size": 1, "page_token": token, **more}, *FIELDS, ["page_token"])
        cases = []
        for name, token in tokens.items():
            changed = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
            wrong = [tokens[other] for other in lists if other != name] + [
                changed, "garbage", "é", token + "A", token[:8], "A" * 2000, "A" * 3000, "\u202e",
                base64.urlsafe_b64encode(os.urandom(24)).decode(),
                os.urandom(30).decode("latin-1").replace("\0", "")]
            cases += [ask(name, each) for each in wrong]
            cases.append((name, dict(lists[name], page_size=-1), *FIELDS, ["page_size"]))
            cases.append((name, dict(lists[name], page_size=-2**31), *FIELDS, ["page_size"]))
            whole, most = (list(getattr(self.api, name)(page_size=size, **lists[name]).ListFields()[0][1])
                           for size in (0, 2**31 - 1))
            self.assertEqual([(each.name, each.etag) for each in whole],
                             [(each.name, each.etag) for each in most])
        cases += [ask("ListInstruments", tokens["ListInstruments"], all_versions=True),
                  ask("ListMeasurements", tokens["ListMeasurements"], newest_first=True),
                  ask("ListMeasurements", tokens["ListMeasurements"], parent=f"{self.clinic}/courses/-"),
                  ask("ListMeasurements", tokens["ListMeasurements"], filter=dict(risk_only=True)),
                  ask("ListAlerts", tokens["ListAlerts"], kinds=[1]),
                  ask("ListAlertRoutings", tokens["ListAlertRoutings"], parent=self.other)]
        self.check(cases)

    def test_request_ids(self):
        fields = dict(parent=self.course, measurement=self.form(), request_id=rid())
        first = self.api.RecordMeasurement(**fields)
        self.assertEqual(first, self.api.RecordMeasurement(**fields))
        cases = [("RecordMeasurement", dict(fields, measurement=self.form(mode=2)), "ALREADY_EXISTS",
                  "REQUEST_ID_REUSED", None)]
        cases += [("RecordMeasurement", dict(fields, request_id=bad), "INVALID_ARGUMENT",
                   "REQUEST_ID_REQUIRED",
                   ["request_id"]) for bad in ("", "1", "not-a-uuid", rid() + "0", "g" * 36)]
        used = rid()
        self.api.AcknowledgeAlert(name=self.alert, request_id=used)
        cases.append(("AcknowledgeAlert", dict(name=self.alert, note="x", request_id=used), "ALREADY_EXISTS",
                      "REQUEST_ID_REUSED", None))
        self.check(cases)
        for path, method in self.methods.items():
            if method.GetOptions().Extensions[options_pb2.policy].access == options_pb2.ACCESS_WRITE and (
                    "request_id" in method.input_type.fields_by_name):
                with self.subTest(path), self.assertRaises(support.Refused) as refusal:
                    self.api.send(path, message_class(method.input_type)())
                self.assertEqual("INVALID_ARGUMENT", refusal.exception.code)
                self.assertIn("request_id", refusal.exception.fields)
                self.fields_exist(path, refusal.exception)

    # --------------------------------------------------------------------------------- bytes and time

    def test_bytes_that_are_no_request(self):
        before = self.snapshot()
        fields = descriptor.FieldDescriptor
        for path, method in self.methods.items():
            for data in (b"\xff" * 50, b"\x0b" * 7, b"\x0a\x05abc"):
                with self.subTest(path, data=data), self.refused("INVALID_ARGUMENT", "MALFORMED_REQUEST"):
                    self.api.raw(path, data)
            for field in method.input_type.fields:
                if field.type == fields.TYPE_STRING:  # not UTF-8
                    name = field.name + "[0]" * (field.label == REPEATED)
                    tag = bytes([field.number << 3 | 2])
                    with self.subTest(path, field=name), self.refused(*FIELDS, [name]):
                        self.api.raw(path, tag + b"\x03\xff\xfe\xfd")
        path = "/ipt.outcomes.v1.MeasurementService/RecordMeasurement"
        request = self.api.request("RecordMeasurement", parent=self.course, measurement=self.form(
            external_id="Jos")).SerializeToString()
        with self.refused(*FIELDS, ["measurement.external_id"]):
            self.api.raw(path, request.replace(b"Jos", b"J\xe9s"))
        with self.refused(*FIELDS, ["measurement.answers.answers[8].item"]):
            self.api.raw(path, request.replace(b"q9", b"q\xe9"))
        with self.assertRaises(support.Refused) as refusal:
            self.api.raw(path, b"\x0a" + b"x" * (5 << 20))
        self.assertEqual("RESOURCE_EXHAUSTED", refusal.exception.code)
        self.assertEqual(before, self.snapshot(), "something was written")

    def test_a_deadline_passed(self):
        """While writes must wait, forms whose time is up before their turn record and raise nothing."""
        path = "/ipt.outcomes.v1.MeasurementService/RecordMeasurement"
        before = self.snapshot()
        request = self.api.request("RecordMeasurement", parent=self.course, measurement=self.form())
        release = self.server.hold_writes("outcomes")
        try:
            with self.assertRaises(support.Refused) as refusal:
                self.api.send("RecordMeasurement", request, timeout=0.3)
            self.assertEqual("DEADLINE_EXCEEDED", refusal.exception.code)
            # No client sends a call that has no time left, so say it to the server by hand.
            send_unary(self.server.port, path, request.SerializeToString(), [("grpc-timeout", "1n")])
        finally:
            release()
        time.sleep(0.5)  # long enough for what was not given up
        self.assertEqual(before, self.snapshot(), "something was written")
        # The same bytes with time are taken: it was the deadline that refused them.
        send_unary(self.server.port, path, request.SerializeToString(), [("grpc-timeout", "10S")])
        self.assertEqual(2, len(self.api.ListMeasurements(parent=self.course).measurements))
        self.assertEqual(2, len(self.api.ListAlerts(parent=self.course).alerts))

    # ------------------------------------------------------------------------------------------- fuzz

    def test_mutated_requests(self):
        shown = self.api.GetInstrument(name=self.phq9)
        shown.ClearField("version")
        mood = self.api.RegisterInstrument(parent=self.clinic, instrument_id="mood", instrument=shown).name
        drawn = Fuzz(self, {
            "clinics/{clinic}": [self.clinic],
            "clinics/{clinic}/therapists/{therapist}": [self.ana],
            "clinics/{clinic}/courses/{course}": [self.course],
            "clinics/{clinic}/courses/{course}/sessions/{session}": [self.session],
            "clinics/{clinic}/instruments/{instrument}": [self.phq9, mood, f"{self.clinic}/instruments/wsas"],
            "clinics/{clinic}/courses/{course}/measurements/{measurement}": [self.m1],
            "clinics/{clinic}/courses/{course}/alerts/{alert}": [self.alert]}, {
                "item": [f"q{i}" for i in range(1, 10)], "items": ["q1", "q2", "q9"], "scale": ["total"],
                "option": ["0", "1", "a"], "value": [0, 1, 2, 3], "points": [0, 1, 2, 3],
                "desk": ["duty", "d"],
                "language": ["en", "en-GB"], "instrument_version": [0, 1], "version": [0, 1],
                "respondent": [1, 2],
                "rule_set": ["nhs", "a"], "instrument_id": ["mood", "other"],
                "paths": ["*", "answers", "mode", "cover", "baseline_days", "not_on_track.late_week"]},
            # It copies the course's facts into the plan, and nothing can be asked for them.
            away=() if self.engine == "suite" else (
                "/ipt.outcomes.v1.MeasurementPlanService/UpdateCourseMeasurementPlan",))
        calls = list(self.methods.items())
        right = [
            ("RecordMeasurement", lambda: dict(parent=self.course, measurement=self.form(
                answers=answers(*(drawn.choice([0, 1, 2, 3]) for _ in range(9)))))),
            ("CorrectMeasurement", lambda: dict(measurement=dict(name=self.m1, answers=answers(
                *(drawn.choice([0, 1, 2, 3]) for _ in range(9)))), reason="x")),
            ("RegisterInstrument", lambda: dict(parent=self.clinic, instrument_id="mood", instrument=shown)),
            ("UpdateOutcomePolicy", lambda: dict(clinic=self.clinic, policy=dict(
                baseline_days=1, not_on_track=dict(late_week=9), scale_rules=[dict(instrument=mood)]))),
            ("UpdateAlertRouting", lambda: dict(clinic=self.clinic, routing=dict(
                owner=dict(desk="d"), cover=[dict(desk="e")],
                steps=[dict(after_minutes=5, to=dict(desk="f"))]))),
        ]
        for _ in range(700):
            path, method = drawn.choice(calls)
            drawn.send(path, drawn.filled(message_class(method.input_type)))
            name, fields = drawn.choice(right)
            request = self.api.request(name, **fields())
            for _ in range(drawn.choice([0, 1, 1, 2, 5])):
                drawn.vary(request)
            drawn.send(next(path for path in self.methods if path.endswith(f"/{name}")), request)
        drawn.check()
        # What was taken can be read, all of it, and counted with.
        self.snapshot()
        self.api.GetTrajectory(course=self.course, all_scales=True)
        self.api.GetCourseResult(course=self.course)


if __name__ == "__main__":
    unittest.main()
