#!/usr/bin/python3
"""The outcomes service against real binaries: what was acknowledged survives kill -9, alerts among it; who
may see it; what is told of it, and what is never written down."""

import signal
import unittest

import support  # first: it makes the generated stubs importable
from support import Identity, Refused, Server, rid, ts

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

    @staticmethod
    def sessions():
        """Two, a week and a fortnight ago at noon."""
        noon = support.now().replace(hour=12, minute=0, second=0, microsecond=0)
        return [noon - support.datetime.timedelta(days=days) for days in (14, 7)]

    def call(self, name, /, token=None, **fields):
        """Calls a method by its name; of a stream, gives the call back."""
        api = support.Api(self.channel())
        for attribute in support.OUTCOMES:
            if f"{attribute}.{name}" not in api.stubs:
                continue
            call, _ = api.stubs[f"{attribute}.{name}"]
            metadata = [("authorization", f"Bearer {token}")] if token else ()
            try:
                return call(api.request(f"{attribute}.{name}", **fields), timeout=30, metadata=metadata)
            except support.grpc.RpcError as error:
                raise Refused(name, error) from None
        raise AttributeError(name)


def phq9(values, **more):
    answers = [dict(item=f"q{i + 1}", value=value) for i, value in enumerate(values)]
    return dict(instrument="clinics/north/instruments/phq-9", respondent=1, answers=dict(answers=answers),
                **more)


class OutcomesTest(unittest.TestCase):
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
                stream = server.call("WatchEvents", parent="clinics/north")
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

    def test_what_scheduling_could_not_be_asked_is_said(self):
        recorded = self.server("sqlite").call("RecordMeasurement", parent=COURSE, measurement=phq9([0] * 9))
        names = [recorded.DESCRIPTOR.fields_by_name["unverified"].enum_type.values_by_number[n].name
                 for n in recorded.unverified]
        self.assertEqual(["UNVERIFIED_FACT_" + fact for fact in ("COURSE", "WEEK", "COURSE_STATE", "THERAPIST")],
                         names)

    def test_another_clinic_sees_nothing_and_scopes_hold(self):
        identity = Identity()
        server = self.server("sqlite", identity)
        north, south = identity.token("north"), identity.token("south")
        recorded = server.call("RecordMeasurement", token=north, parent=COURSE,
                               measurement=phq9([0] * 8 + [3]))
        for name, fields in (("GetMeasurement", dict(name=recorded.name)),
                             ("ListMeasurements", dict(parent=COURSE)),
                             ("ListAlerts", dict(parent="clinics/north/courses/-")),
                             ("GetTrajectory", dict(course=COURSE)),
                             ("GetCourseResult", dict(course=COURSE)),
                             ("GetOutcomePolicy", dict(clinic="clinics/north"))):
            with self.subTest(name), self.assertRaises(Refused) as refused:
                server.call(name, token=south, **fields)
            self.assertEqual("NOT_FOUND", refused.exception.code)
        reader = identity.token("north", scopes="outcomes.read")
        self.assertEqual(recorded, server.call("GetMeasurement", token=reader, name=recorded.name))
        seen = server.call("GetTrajectory", token=reader, course=COURSE, min_revision=recorded.revision)
        self.assertEqual([recorded.name], [point.measurement for point in seen.series[0].points])
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
            server.call("RecordMeasurement", parent=COURSE, measurement=phq9([4321] * 9))
        self.assertEqual(0, server.stop())
        log = server.log()
        self.assertIn("RecordMeasurement", log)
        for word in ("brown", "4321"):
            self.assertNotIn(word, log)


if __name__ == "__main__":
    unittest.main()
