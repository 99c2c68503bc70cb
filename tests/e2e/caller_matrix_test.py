#!/usr/bin/python3
"""Who may call what: every method that the server shows by reflection, with every kind of wrong and right
token, over TLS; clinics that may not learn of each other; client certificates; keys that change."""

import base64
import hashlib
import hmac
import json
import pathlib
import re
import shutil
import tempfile
import time
import unittest

import jwt
import support  # first of ours: it makes the generated stubs importable
from ipt.common.v1 import options_pb2
from support import (ALL_SERVICES, FORMULATION, OUTCOMES, SERVICES, Api, Identity, Refused, Server, at, date, field_text, message_class,
                     methods, next_weekday, put, resource_fields, rid, ts, wait_until)

TODAY = support.today()
DAY = support.datetime.timedelta(days=1)
MONDAY = next_weekday(0, TODAY + 7 * DAY)
UNAUTHENTICATED = ("UNAUTHENTICATED", "UNAUTHENTICATED")
NOT_FOUND = ("NOT_FOUND", "RESOURCE_NOT_FOUND")
FIELDS = ("INVALID_ARGUMENT", "INVALID_FIELDS")
GET_CLINIC = "/ipt.scheduling.v1.ClinicService/GetClinic"
# What a request needs beside its names, to be a right one.
PERIOD = dict(query=dict(first_date=dict(year=2026, month=1, day=1), last_date=dict(year=2026, month=1, day=31)))
ALSO = {"WatchAlerts": dict(observer=True), "GetClinicReport": PERIOD, "StreamClinicReport": PERIOD}
BULK = "ipt.outcomes.v1.MeasurementBulkService"


def policy(method):
    return method.GetOptions().Extensions[options_pb2.policy]


class World:
    """A clinic with one of everything that can be named; of what outcomes has, where it is served."""

    def __init__(self, api, clinic, served):
        self.clinic = clinic
        parent = f"clinics/{clinic}"
        api.CreateClinic(clinic_id=clinic, clinic=dict(display_name="N", time_zone="Europe/London"))
        ana = api.CreateTherapist(parent=parent, therapist_id="ana", therapist=dict(
            display_name="Ana", working_hours=support.weekly())).name
        course = api.CreateCourse(parent=parent, course_id="c1", course=dict(
            patient=dict(system="s", value="v"), therapist=ana)).name
        session = api.BookSession(parent=course, session_id="s1", start_time=ts(at(MONDAY, 9))).name
        hours = dict(start_time=ts(at(MONDAY, 19)), end_time=ts(at(MONDAY, 20)))
        self.names = {
            "{clinic}": clinic,
            "clinics/{clinic}": parent,
            "clinics/{clinic}/therapists/{therapist}": ana,
            "clinics/{clinic}/courses/{course}": course,
            "clinics/{clinic}/courses/{course}/sessions/{session}": session,
            "clinics/{clinic}/holidays/{holiday}": api.CreateHolidays(
                parent=parent, holidays=[dict(date=date(MONDAY + 30 * DAY))]).holidays[0].name,
            "clinics/{clinic}/therapists/{therapist}/timeOff/{time_off}": api.CreateTimeOff(
                parent=ana, time_off=dict(time=hours)).time_off.name,
            "clinics/{clinic}/therapists/{therapist}/extraHours/{extra_hours}": api.CreateExtraHours(
                parent=ana, extra_hours=dict(time=hours)).name,
            "clinics/{clinic}/reminders/{reminder}": api.TestReminder(
                course=course, channels=[2], template="t").name,
        }
        if "ipt.outcomes.v1.MeasurementService" in served:
            self.names.update(self.outcomes(api, parent, course, ana))
        if "ipt.formulation.v1.FormulationService" in served:
            self.names.update(self.formulation(api, course))

    @staticmethod
    def outcomes(api, parent, course, therapist):
        mood = api.GetInstrument(name=f"{parent}/instruments/phq-9")
        mood.ClearField("version")
        instrument = api.RegisterInstrument(parent=parent, instrument_id="mood", instrument=mood).name
        measurement = api.RecordMeasurement(parent=course, measurement_id="m1", measurement=dict(
            instrument=instrument, respondent=1, answers=dict(answers=[dict(item="q9", value=1)])))
        plan, brought_in = f"{parent}/measurementPlans/p1", f"{parent}/measurementImports/{rid()}"
        rules = [dict(id="each", instrument=instrument, timing=1)]
        api.CreateMeasurementPlan(parent=parent, measurement_plan_id="p1", measurement_plan=dict(
            display_name="P", rules=rules))
        api.UpdateCourseMeasurementPlan(course=course, measurement_plan=dict(rules=rules))
        api.ImportMeasurements(open=dict(parent=parent, import_id=brought_in.rsplit("/", 1)[1]))
        return {
            "clinics/{clinic}/instruments/{instrument}": instrument,
            "clinics/{clinic}/courses/{course}/measurements/{measurement}": measurement.name,
            "clinics/{clinic}/courses/{course}/alerts/{alert}": measurement.risks[0].alert,
            "clinics/{clinic}/measurementPlans/{measurement_plan}": plan,
            "clinics/{clinic}/courses/{course}/measurementPlan": f"{course}/measurementPlan",
            "clinics/{clinic}/measurementImports/{measurement_import}": brought_in,
            "clinics/{clinic}/alertRouting": api.UpdateAlertRouting(
                clinic=parent, routing=dict(resolve_minutes=600)).name,
            "clinics/{clinic}/therapists/{therapist}/alertRouting": api.UpdateAlertRouting(
                clinic=parent, therapist=therapist, routing=dict(resolve_minutes=600)).name,
            "clinics/{clinic}/outcomePolicy": api.UpdateOutcomePolicy(
                clinic=parent, policy=dict(baseline_days=1)).name,
        }

    @staticmethod
    def formulation(api, course):
        person = api.CreateRelationship(parent=course, relationship_id="r1", relationship=dict(
            display_name="R", kind=1)).name
        events = {id_: api.CreateLifeEvent(parent=course, life_event_id=id_, life_event=dict(
            display_name="E", kind=kind, start_date=dict(date=dict(year=2026)))).name
                  for id_, kind in (("onset", 5), ("quarrel", 4))}
        protocol = api.GetProtocol(name=api.GetFormulation(course=course).protocol)
        criterion = next(a for a in protocol.areas if a.kind == 2).criteria[0].code
        area = api.CreateProblemArea(parent=course, problem_area_id="a1", problem_area=dict(
            display_name="A", kind=2, evidence=[dict(criterion=criterion, finding=1)])).name
        goal = api.CreateGoal(parent=course, goal_id="g1", goal=dict(description="G", problem_area=area)).name
        saved = api.SaveFormulationDraft(course=course, content=dict(
            patient_narrative="N", focus=[dict(problem_area=area)], goals=[goal], links=[dict(
                symptom_event=events["onset"], life_event=events["quarrel"], problem_area=area,
                explanation="L")])).saved
        proposed = api.ProposeFormulation(course=course, etag=saved.etag).pending
        agreed = api.AgreeFormulation(course=course, etag=proposed.etag, agreed_on=date(TODAY), agreed_by=1,
                                      mode=2).current
        return {
            "clinics/{clinic}/courses/{course}/relationships/{relationship}": person,
            "clinics/{clinic}/courses/{course}/lifeEvents/{life_event}": events["quarrel"],
            "clinics/{clinic}/courses/{course}/problemAreas/{problem_area}": area,
            "clinics/{clinic}/courses/{course}/goals/{goal}": goal,
            "clinics/{clinic}/courses/{course}/goals/{goal}/ratings/{rating}": api.RateGoal(
                goal=goal, rating=dict(value=3, rater=1, rated_on=date(TODAY))).name,
            "clinics/{clinic}/courses/{course}/formulation/revisions/{revision}": agreed.name,
            "clinics/{clinic}/protocols/{protocol}": protocol.name,
        }

    def missing(self, pattern):
        """A name of that pattern in this clinic that nothing has."""
        name = self.names[pattern]
        if pattern == "{clinic}":
            return "absent" + self.clinic
        if pattern == "clinics/{clinic}":
            return "clinics/absent" + self.clinic
        parent, _, last = name.rpartition("/")
        if not pattern.endswith("}"):  # one of its parent
            return self.missing(pattern.rpartition("/")[0]) + "/" + last
        return f"{parent}/" + ("2031-01-01" if "holidays" in parent else "absent-" + last)

    def request(self, method):
        """A request whose names are of this clinic; its writes are harmless or refused. Of a stream it is
        the first one."""
        request = message_class(method.input_type)()
        for path, pattern in resource_fields(method.input_type):
            one_of = path[0].containing_oneof
            if not one_of or request.WhichOneof(one_of.name) in (None, path[0].name):
                put(request, path, self.names[pattern])
        request.MergeFrom(type(request)(**ALSO.get(method.name, {})))
        if method.name == "ImportMeasurements":
            request.open.import_id = rid()
        if "request_id" in request.DESCRIPTOR.fields_by_name:
            request.request_id = rid()
        return request


def filled(message):
    """The message, with something in each field that it must have."""
    for field in message.DESCRIPTOR.fields:
        rules = field.GetOptions().Extensions[options_pb2.rules]
        many = field.label == support.REPEATED
        there = len(getattr(message, field.name)) if many else (
            message.HasField(field.name) if field.has_presence else getattr(message, field.name))
        some = "x" if field.type == field.TYPE_STRING else 1
        if rules.required and not there:
            if many:
                values = getattr(message, field.name)
                values.add() if field.message_type else values.append(some)
            elif field.message_type:
                getattr(message, field.name).SetInParent()
            else:
                setattr(message, field.name, some)
        if field.message_type and field.message_type.full_name.startswith("ipt."):
            values = getattr(message, field.name)
            for value in values if many else [values] if message.HasField(field.name) else []:
                filled(value)
    return message


class Matrix:
    """All methods of some services, with all kinds of callers."""

    maxDiff = None
    services, flags, least_named = {}, (), 0

    @classmethod
    def setUpClass(cls):
        cls.identity = Identity()
        cls.server = Server("suite", cls.identity, ["--reflection=on", *cls.flags])
        cls.addClassCleanup(cls.server.close)
        cls.key = (cls.identity.dir / "key-1.pem").read_text()
        cls.served = cls.server.services()
        cls.methods = {path: method for path, (_, method) in methods(cls.services).items()
                       if path.split("/")[1] in cls.served}
        cls.scopes = sorted({policy(m).scope for _, m in methods(ALL_SERVICES).values()})
        cls.anybody = Api(cls.server.channel())
        cls.everywhere = cls.anybody.with_token(cls.identity.token())
        cls.north, cls.south = cls.world("north"), cls.world("south")

    @classmethod
    def world(cls, clinic):
        return World(cls.everywhere, clinic, cls.served)

    def token(self, key=None, algorithm="ES256", kid="key-1", **changes):
        now = int(time.time())
        claims = dict(iss=Identity.issuer, aud=Identity.audience, sub="dr-jones", iat=now, exp=now + 600,
                      clinics=["north"], scope=" ".join(self.scopes))
        claims.update(changes)
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key or self.key, algorithm=algorithm,
                          headers={"kid": kid, "typ": "at+jwt"} if kid else None)

    def forged(self, alg, signature):
        """A token with any header, signed by a function of what is signed."""
        _, claims, _ = self.token().split(".")
        header = base64.urlsafe_b64encode(json.dumps(
            {"alg": alg, "kid": "key-1", "typ": "at+jwt"}).encode()).rstrip(b"=").decode()
        signed = f"{header}.{claims}"
        return signed + "." + base64.urlsafe_b64encode(
            signature(signed.encode())).rstrip(b"=").decode()

    def outcome(self, api, path, request=None, **options):
        try:
            api.send(path, request or self.north.request(api.stubs[path][1]), **options)
            return ("OK", "")
        except Refused as error:
            self.assertNotIn(error.code, ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED"), str(error))
            return (error.code, error.reason)

    @staticmethod
    def told(error):
        return (error.code, error.reason, error.fields)

    def test_reflection_shows_the_methods_that_are_tested(self):
        every = methods({**SERVICES, **self.services})
        expected = {path.split("/")[1] for path in every}
        self.assertEqual(expected, self.served)
        for service in self.served:
            files = [support.descriptor_pb2.FileDescriptorProto.FromString(data) for data in self.server.reflect(
                file_containing_symbol=service).file_descriptor_response.file_descriptor_proto]
            names = {f"/{service}/{m.name}" for file in files for s in file.service
                     if f"{file.package}.{s.name}" == service for m in s.method}
            self.assertEqual({path for path in every if path.split("/")[1] == service}, names)

    def test_every_method_with_every_wrong_token(self):
        now = int(time.time())
        stranger = tempfile.mkdtemp(prefix="ipt-e2e-keys-")
        self.addCleanup(shutil.rmtree, stranger)
        self.identity.key("key-1", folder=stranger)
        other_key = pathlib.Path(stranger, "key-1.pem").read_text()
        public = json.dumps(json.loads((self.identity.dir / "jwks.json").read_text())["keys"][0])
        good = self.token()
        wrong = {
            "no token": [],
            "garbage": ["Bearer nonsense"],
            "empty": ["Bearer "],
            "another scheme": ["Basic " + good],
            "two tokens": [f"Bearer {good}", f"Bearer {good}"],
            "expired": ["Bearer " + self.token(exp=now - 120)],
            "without an end": ["Bearer " + self.token(exp=None)],
            "not yet valid": ["Bearer " + self.token(nbf=now + 300)],
            "wrong audience": ["Bearer " + self.token(aud="other")],
            "no audience": ["Bearer " + self.token(aud=None)],
            "wrong issuer": ["Bearer " + self.token(iss="https://evil.example")],
            "wrong key": ["Bearer " + self.token(key=other_key)],
            "unknown key id": ["Bearer " + self.token(kid="key-9")],
            "no subject": ["Bearer " + self.token(sub=None)],
            "changed claims": ["Bearer " + ".".join([good.split(".")[0], self.token(
                clinics="*").split(".")[1], good.split(".")[2]])],
            "alg none": ["Bearer " + self.forged("none", lambda _: b"")],
            "alg none, signed": ["Bearer " + self.forged("none", lambda _: b"x" * 64)],
            "HS256 with the public key": ["Bearer " + self.forged("HS256", lambda data: hmac.new(
                public.encode(), data, hashlib.sha256).digest())],
            "another algorithm's name": ["Bearer " + self.forged("ES384", lambda _: b"x" * 96)],
            "empty signature": ["Bearer " + self.forged("ES256", lambda _: b"")],
            "zero signature": ["Bearer " + self.forged("ES256", lambda _: bytes(64))],
        }
        for path in self.methods:
            for name, headers in wrong.items():
                with self.subTest(path, token=name):
                    self.assertEqual(UNAUTHENTICATED, self.outcome(
                        self.anybody, path, metadata=[("authorization", h) for h in headers]))
        # The same claims are good when nothing is wrong, even within the minute of skew.
        for good in (self.token(), self.token(exp=now - 20), self.token(nbf=now + 20)):
            self.assertEqual(("OK", ""), self.outcome(self.anybody.with_token(good), GET_CLINIC))

    def test_every_method_with_scopes_and_clinics(self):
        elsewhere = self.anybody.with_token(self.token(clinics=["south"]))
        right = self.anybody.with_token(self.token())
        for path, method in self.methods.items():
            scope = policy(method).scope
            lacking = self.token(scope=" ".join(s for s in self.scopes if s != scope))
            almost = self.token(scope=" ".join([scope[:-1], scope + "x", scope.upper(), "*"]))
            for token in (lacking, almost, self.token(scope=None), self.token(scope="")):
                with self.subTest(path, token="missing scope"):
                    try:
                        self.anybody.with_token(token).send(path, self.north.request(method))
                        self.fail("allowed without its scope")
                    except Refused as error:
                        self.assertEqual(("PERMISSION_DENIED", "SCOPE_MISSING"),
                                         (error.code, error.reason))
                        self.assertEqual(scope, error.info["scope"])
            with self.subTest(path, token="another clinic"):
                named = list(resource_fields(method.input_type))
                self.assertEqual(NOT_FOUND if named else ("OK", ""), self.outcome(elsewhere, path))
            with self.subTest(path, token="only its scope"):
                code, _ = self.outcome(self.anybody.with_token(self.token(scope=scope)), path)
                self.assertNotIn(code, ("UNAUTHENTICATED", "PERMISSION_DENIED"))
            with self.subTest(path, token="right"):
                code, _ = self.outcome(right, path)
                self.assertNotIn(code, ("UNAUTHENTICATED", "PERMISSION_DENIED"))

    def test_a_foreign_name_in_any_field_tells_nothing(self):
        """The south's caller names the north's things: refused, and alike whether they exist or not."""
        south = self.anybody.with_token(self.token(clinics=["south"]))
        count = 0

        def shape(path, request, word):
            try:
                south.send(path, request)
            except Refused as error:
                error.details.pop("RequestInfo", None)
                self.assertIn((error.code, error.reason), (NOT_FOUND, FIELDS), str(error))
                return error.shape(word)
            return self.fail(f"{path} took another clinic's {word}")

        for path, method in self.methods.items():
            for field, pattern in resource_fields(method.input_type):
                for alone in (True, False):
                    shapes = []
                    for name in (self.north.names[pattern], self.north.missing(pattern)):
                        request = message_class(method.input_type)()
                        if alone:
                            put(request, field, name)
                            if request.DESCRIPTOR.fields_by_name.get("request_id"):
                                request.request_id = rid()
                        else:
                            request = self.south.request(method)
                            put(request, field, name)  # in a list: beside one of its own
                        shapes.append(shape(path, request, name))
                        count += 1
                    with self.subTest(path, field=field_text(field), alone=alone):
                        strip = lambda s: re.sub(r"(clinics/)?(absent)?north", "?", s)  # noqa: E731
                        self.assertEqual(strip(shapes[0]), strip(shapes[1]))
        self.assertGreater(count, self.least_named)

    def test_refused_calls_on_patients_data_leave_entries(self):
        """The clinic that was asked for sees who was refused, as an outsider and without the scope. Of a
        member's request with bad fields nothing is told: what it is about is not known."""
        tried = {path: method for path, method in self.methods.items() if policy(method).patient_data}
        callers = (("outsider", "NOT_FOUND", dict(clinics=["south"])),
                   ("scopeless", "PERMISSION_DENIED", dict(scope="")))
        for subject, code, claims in callers:
            api = self.anybody.with_token(self.token(sub=subject, **claims))
            for path, method in tried.items():
                self.assertEqual(code, self.outcome(api, path, filled(self.north.request(method)))[0], path)
        expected = {(subject, path, policy(method).access, code) for subject, code, _ in callers
                    for path, method in tried.items()}
        auditor = self.anybody.with_token(self.token())

        def entries():
            return {(e.caller, e.method, e.access, e.outcome) for subject, *_ in callers
                    for e in auditor.all("ListAuditEntries", "audit_entries", parent="clinics/north",
                                         caller=subject)}
        wait_until(lambda: len(entries()) >= len(expected), "the entries")
        self.assertEqual(expected, entries())
        with self.assertRaises(Refused) as refusal:
            auditor.ListAuditEntries(parent="clinics/north", resource="clinics/south")
        self.assertEqual((*FIELDS, ["resource"]), self.told(refusal.exception))
        self.assertEqual([], auditor.with_token(self.token(clinics=["south"])).all(
            "ListAuditEntries", "audit_entries", parent="clinics/south", caller="outsider"))


class CallerMatrix(Matrix, unittest.TestCase):
    services, least_named = SERVICES, 150

    def test_everybody_is_listed_their_own_clinics(self):
        listed = lambda **claims: [  # noqa: E731
            c.name for c in self.anybody.with_token(self.token(**claims)).ListClinics().clinics]
        self.assertEqual(["clinics/north"], listed())
        self.assertEqual(["clinics/south"], listed(clinics=["south"]))
        self.assertEqual([], listed(clinics=[]))
        self.assertEqual(["clinics/north", "clinics/south"], listed(clinics="*"))

    def test_a_name_below_a_foreign_one(self):
        """A session of one's own course id in another's clinic, and ids that only the other one has."""
        south = self.anybody.with_token(self.token(clinics=["south"]))
        both = self.anybody.with_token(self.token(clinics=["north", "south"]))
        with self.assertRaises(Refused) as refusal:
            south.GetSession(name="clinics/north/courses/c1/sessions/s1")
        self.assertEqual(NOT_FOUND, (refusal.exception.code, refusal.exception.reason))
        with self.assertRaises(Refused) as refusal:
            both.BatchGetCourses(parent="clinics/south", names=["clinics/north/courses/c1"])
        self.assertEqual("INVALID_ARGUMENT", refusal.exception.code)
        # Who may enter both reads each under its own name.
        self.assertEqual({"clinics/north/courses/c1", "clinics/south/courses/c1"}, {
            both.GetCourse(name=w.names["clinics/{clinic}/courses/{course}"]).name
            for w in (self.north, self.south)})

    def test_entries_of_refused_calls_name_what_was_asked_for(self):
        course = "clinics/north/courses/c1"
        for subject, claims in (("stranger", dict(clinics=["south"])), ("lacking", dict(scope=""))):
            api = self.anybody.with_token(self.token(sub=subject, **claims))
            for call in (lambda: api.GetCourse(name=course), lambda: api.ResumeCourse(name=course)):
                with self.assertRaises(Refused):
                    call()
        auditor = self.anybody.with_token(self.token())

        def entries():
            return {(e.caller, e.method.split("/")[-1], e.access, e.resource, e.outcome)
                    for subject in ("stranger", "lacking") for e in auditor.ListAuditEntries(
                        parent="clinics/north", caller=subject).audit_entries}
        wait_until(lambda: len(entries()) >= 4, "the entries")
        self.assertEqual({(subject, method, access, course, outcome)
                          for subject, outcome in (("stranger", "NOT_FOUND"),
                                                   ("lacking", "PERMISSION_DENIED"))
                          for method, access in (("GetCourse", 1), ("ResumeCourse", 2))}, entries())

    def test_all_four_algorithms(self):
        for alg in ("ES256", "ES384", "RS256", "RS384"):
            self.identity.key(f"k-{alg.lower()}", alg)
        for alg in ("ES256", "ES384", "RS256", "RS384"):
            api = self.anybody.with_token(self.identity.token(kid=f"k-{alg.lower()}"))
            support.wait_until(lambda: self.outcome(api, GET_CLINIC) == ("OK", ""),
                               f"the {alg} key to be known")

    def test_keys_change_without_a_restart(self):
        get = GET_CLINIC
        own = Identity()
        server = Server("suite", own)
        self.addCleanup(server.close)
        anybody = Api(server.channel())
        anybody.with_token(own.token()).CreateClinic(
            clinic_id="north", clinic=dict(display_name="N", time_zone="Europe/London"))
        old = anybody.with_token(own.token())
        own.key("key-2")
        new = anybody.with_token(own.token(kid="key-2"))
        support.wait_until(lambda: self.outcome(new, get) == ("OK", ""), "the second key to be known")
        self.assertEqual(("OK", ""), self.outcome(old, get))

        good = (own.dir / "jwks.json").read_text()
        for broken in ("{", '{"keys": []}', '{"keys": 7}'):  # each refused for another reason
            before = server.log().count("file_reload")
            (own.dir / "jwks.json").write_text(broken)
            support.wait_until(lambda: server.log().count("file_reload") > before,
                               f"the log to tell of the key file {broken}")
            # The last good keys hold, for tokens never seen before as well.
            for kid in ("key-1", "key-2"):
                self.assertEqual(("OK", ""), self.outcome(anybody.with_token(self.token(
                    (own.dir / f"{kid}.pem").read_text(), kid=kid, sub=rid())), get))
        only_new = json.loads(good)
        only_new["keys"] = [key for key in only_new["keys"] if key["kid"] == "key-2"]
        (own.dir / "jwks.json").write_text(json.dumps(only_new))
        first = (own.dir / "key-1.pem").read_text()  # with subjects that no cache knows
        support.wait_until(lambda: self.outcome(anybody.with_token(
            self.token(first, sub=rid())), get) == UNAUTHENTICATED, "the first key to be forgotten")
        self.assertEqual(("OK", ""), self.outcome(new, get))


class OthersMatrix(Matrix):
    def test_right_callers_are_answered(self):
        """So that what the others were refused is there. In a clinic of its own: others write."""
        east = self.world("east")
        api = self.anybody.with_token(self.token(clinics=["east"]))
        for path, method in self.methods.items():
            if policy(method).access == options_pb2.ACCESS_READ:
                with self.subTest(path):
                    self.assertEqual(("OK", ""), self.outcome(api, path, east.request(method)))


class OutcomesMatrix(OthersMatrix, unittest.TestCase):
    services, flags, least_named = OUTCOMES, ("--outcomes",), 150

    def test_a_clinics_lists_and_streams_hold_nothing_of_another(self):
        both = self.anybody.with_token(self.token(clinics=["north", "south"]))
        south, courses = dict(parent="clinics/south"), dict(parent="clinics/south/courses/-")
        shown = [both.all("ListMeasurements", "measurements", **courses),
                 both.all("ListAlerts", "alerts", states=[1, 2, 3, 4], **courses),
                 both.all("ListInstruments", "instruments", **south),
                 both.all("ListAlertRoutings", "alert_routings", **south),
                 both.GetAlertCoverage(clinic="clinics/south"),
                 both.GetTrajectory(course="clinics/south/courses/c1")]
        watch, _ = both.stubs["outcome_events.WatchEvents"]
        told = []
        stream = watch(both.request("outcome_events.WatchEvents", oldest=True, **south), timeout=60,
                       metadata=both.metadata)
        while not any(event.payload.HasField("policy_changed") for event in told):
            told += next(stream).events
        stream.cancel()
        alerts, _ = both.stubs["WatchAlerts"]
        stream = alerts(both.request("WatchAlerts", include_open=True, observer=True, **south), timeout=60,
                        metadata=both.metadata)
        open_ = []
        for answer in stream:
            open_ += answer.notices
            if answer.caught_up:
                break
        stream.cancel()
        self.assertEqual(["clinics/south/courses/c1"], sorted({
            notice.alert.name.split("/alerts")[0] for notice in open_}))
        seen = str([*shown, told, open_])
        self.assertIn("clinics/south", seen)
        self.assertNotIn("clinics/north", seen)

    def test_the_audit_of_anothers_names_tells_nothing(self):
        """Every name that there is, its own clinic's auditor sees what was written; another one is refused,
        and alike whether it exists or not."""
        own = self.anybody.with_token(self.token())
        other = self.anybody.with_token(self.token(clinics=["south"]))

        def refused(parent, name):
            with self.assertRaises(Refused) as refusal:
                other.ListAuditEntries(parent=parent, resource=name)
            refusal.exception.details.pop("RequestInfo", None)
            return refusal.exception
        written = 0
        for pattern, name in self.north.names.items():
            if pattern == "{clinic}":  # an id, and no resource's name
                continue
            with self.subTest(pattern):
                written += len(own.ListAuditEntries(parent="clinics/north",
                                                    resource=name).audit_entries) > 0
                for parent, expected in (("clinics/south", (*FIELDS, ["resource"])),
                                         ("clinics/north", (*NOT_FOUND, []))):
                    there, missing = refused(parent, name), refused(parent, self.north.missing(pattern))
                    self.assertEqual(expected, self.told(there))
                    self.assertEqual(there.shape(), missing.shape())
        self.assertGreater(written, 10)

    def test_a_foreign_name_in_an_imports_row_tells_nothing(self):
        """The south's caller brings in rows that name the north's things: refused one by one, and alike
        whether they exist or not; and so is an import that goes over to another clinic."""
        path = f"/{BULK}/ImportMeasurements"
        south = self.anybody.with_token(self.token(clinics=["south"]))
        call, method = south.stubs[path]
        make = message_class(method.input_type)
        opened = lambda: make(open=dict(parent="clinics/south", import_id=rid()))  # noqa: E731
        right = dict(course="clinics/south/courses/c1", measurement=dict(
            instrument="clinics/south/instruments/phq-9", respondent=1,
            complete_time=ts(at(TODAY - 3 * DAY, 9)), answers=dict(answers=[dict(item="q1", value=1)])))
        rows, wrong = [], []
        for field, pattern in resource_fields(method.input_type):
            if field[0].name != "rows":
                continue
            for name in (self.north.names[pattern], self.north.missing(pattern)):
                row = make(rows=dict(rows=[dict(right, row=len(rows) + 1)]))
                put(row, field, name)
                rows += row.rows.rows
                wrong.append(".".join(step.name for step in field[2:]))
        self.assertEqual(["course", "measurement.instrument", "measurement.session"], sorted(set(wrong)))
        before = south.all("ListMeasurements", "measurements", parent="clinics/south/courses/-")
        answers = list(call(iter([opened(), make(rows=dict(rows=rows))]), timeout=60,
                            metadata=south.metadata))
        errors = [error for answer in answers for error in answer.errors]
        self.assertEqual([*range(1, len(rows) + 1)], [error.row for error in errors])
        done = answers[-1].progress
        self.assertEqual((0, len(rows)), (done.recorded_rows, done.failed_rows))
        for field, error in zip(wrong, errors):
            self.assertEqual("INVALID_FIELDS", error.reason, error)
            self.assertIn(field, [each.field for each in error.fields], error)
            self.assertNotIn("north", str(error))
        plain = [(error.reason, error.message, [str(each) for each in error.fields]) for error in errors]
        self.assertEqual(plain[::2], plain[1::2])
        self.assertEqual(before, south.all("ListMeasurements", "measurements",
                                           parent="clinics/south/courses/-"))
        # Only the first message says of which clinic.
        with self.assertRaises(support.grpc.RpcError) as refusal:
            list(call(iter([opened(), self.north.request(method)]), timeout=60, metadata=south.metadata))
        error = Refused(path, refusal.exception)
        self.assertIn((error.code, error.reason), (NOT_FOUND, FIELDS), str(error))


class FormulationMatrix(OthersMatrix, unittest.TestCase):
    services, flags, least_named = FORMULATION, ("--formulation",), 150

    def test_a_clinics_lists_and_streams_hold_nothing_of_another(self):
        both = self.anybody.with_token(self.token(clinics=["north", "south"]))
        south, course = dict(parent="clinics/south"), dict(parent="clinics/south/courses/c1")
        shown = [both.all("ListCourseFocuses", "course_focuses", **south),
                 both.all("ListRelationships", "relationships", **course),
                 both.all("ListFindings", "findings", parent="clinics/south/courses/-"),
                 both.GetFormulation(course="clinics/south/courses/c1")]
        watch, _ = both.stubs["formulation_events.WatchEvents"]
        told = []
        stream = watch(both.request("formulation_events.WatchEvents", oldest=True, **south), timeout=60,
                       metadata=both.metadata)
        while not any(event.payload.HasField("formulation_agreed") for event in told):
            told += next(stream).events
        stream.cancel()
        seen = str([*shown, told])
        self.assertIn("clinics/south", seen)
        self.assertNotIn("clinics/north", seen)


class ClientCertificates(unittest.TestCase):
    def start(self, clients, *flags):
        identity = Identity()
        file = identity.dir / "clients.json"
        file.write_text(json.dumps({"clients": clients}))
        server = Server("suite", identity, [f"--tls_client_ca_file={identity.dir}/ca.crt",
                                            f"--client_certs_file={file}", *flags])
        self.addCleanup(server.close)
        return server, file

    def refusal(self, call):
        with self.assertRaises(Refused) as refusal:
            call()
        return refusal.exception.code, refusal.exception.reason

    def test_a_certificate_is_a_caller(self):
        name = "uri:spiffe://dev.ipt/ns/ipt/sa/client"
        server, file = self.start({name: dict(subject="gateway", clinics=["north"], scopes=[
            "clinics.read", "clinics.write", "audit.read"])})
        by_certificate = Api(server.channel(client_certificate=True))
        clinic = dict(display_name="N", time_zone="Europe/London")
        by_certificate.CreateClinic(clinic_id="north", clinic=clinic)
        entries = by_certificate.ListAuditEntries(parent="clinics/north").audit_entries
        self.assertEqual(["gateway"], [e.caller for e in entries])
        self.assertEqual(NOT_FOUND, self.refusal(
            lambda: by_certificate.CreateClinic(clinic_id="south", clinic=clinic)))
        self.assertEqual(("PERMISSION_DENIED", "SCOPE_MISSING"), self.refusal(
            lambda: by_certificate.ListTherapists(parent="clinics/north")))
        # A bad token is not forgiven because of a good certificate; a good one goes before it.
        self.assertEqual(UNAUTHENTICATED, self.refusal(
            lambda: by_certificate.with_token("nonsense").GetClinic(name="clinics/north")))
        token = server.identity.token(clinics="south", subject="person")
        by_certificate.with_token(token).CreateClinic(clinic_id="south", clinic=clinic)
        # Without a certificate, and without one that is known.
        self.assertEqual(UNAUTHENTICATED, self.refusal(
            lambda: Api(server.channel()).GetClinic(name="clinics/north")))
        file.write_text(json.dumps({"clients": {"cn:somebody-else": dict(
            subject="x", clinics=["north"], scopes=["clinics.read"])}}))
        support.wait_until(lambda: _code(by_certificate) == "UNAUTHENTICATED",
                           "the known clients to be read again")

    def test_a_certificate_may_be_demanded(self):
        server, _ = self.start({}, "--tls_require_client_cert")
        token = server.identity.token()
        with self.assertRaises(Refused) as refusal:
            Api(server.channel()).with_token(token).ListClinics()
        self.assertEqual("UNAVAILABLE", refusal.exception.code)
        Api(server.channel(client_certificate=True)).with_token(token).ListClinics()


def _code(api):
    try:
        api.GetClinic(name="clinics/north")
        return "OK"
    except Refused as error:
        return error.code


if __name__ == "__main__":
    unittest.main()
