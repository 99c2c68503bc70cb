#!/usr/bin/python3
"""The formulation service against real binaries: two courses from intake to termination, two editors of one
draft, scheduling away, kill -9, who may see what, and what is told and never written down."""

import collections
import copy
import datetime
import functools
import json
import pathlib
import random
import re
import shutil
import signal
import tempfile
import threading
import time
import types
import unittest

import support  # first: it makes the generated stubs importable
from worked_courses import Dispute, Grief
from ipt.common.v1 import options_pb2
from ipt.formulation.v1 import (adherence_pb2, due_measure_pb2, event_service_pb2, finding_pb2, formulation_pb2,
                                goal_pb2, problem_area_pb2, session_work_pb2, warning_pb2)
from ipt.scheduling.v1 import session_pb2, variant_pb2
from support import FORMULATION, Identity, Refused, Server, date, day_of, message_class, methods, rid, ts, wait_until

ENGINES = ("suite", "sqlite", "postgres")
DAY = datetime.timedelta(days=1)
TODAY = support.today()
NORTH = "clinics/north"
WRITES_EACH = 80  # of each writer in the test of kill -9
METHODS = {path: method for path, (_, method) in methods(FORMULATION).items()}
NAMES = {method.input_type.full_name: method.name for method in METHODS.values()}  # by the request
OWN = {method.name for method in METHODS.values()}
WRITES = [method for method in METHODS.values()
          if method.GetOptions().Extensions[options_pb2.policy].access == options_pb2.ACCESS_WRITE]


def word(enum, value):
    """An enum's value without the enum's name: "AGREED"."""
    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.DESCRIPTOR.name).upper() + "_"
    return enum.Name(value).removeprefix(prefix)


def ids(resources):
    return [each.name.rsplit("/", 1)[1] for each in resources]


# ------------------------------------------------------------------------------------ servers, clients

class Alone(Server):
    """A service by itself, on either store."""

    def __init__(self, service, engine, flags=(), store=None, identity=None):
        self.service = service
        super().__init__("alone", identity, flags, start=False, store=store or ["none yet"])
        if store:  # another replica
            self.start()
            return
        self.store = [f"--database=sqlite://{self.dir}/{service}.db" if engine == "sqlite"
                      else f"--database={support.postgres().database()}"]
        done = self.run("migrate", *self.store)
        if done.returncode != 0:
            raise RuntimeError(f"migrate: {done.stderr}")
        self.start()

    @property
    def binary(self):
        return support.BUILD / "bin" / f"ipt-{self.service}"


class Client(support.Api):
    """All methods by their names, each at the server that has it. Clients come back soon after a restart."""

    OPTIONS = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 400)]

    def __init__(self, world, token=None):
        self.own = own = world.server.channel(options=self.OPTIONS)
        metadata = [("authorization", f"Bearer {token}")] if token else ()
        super().__init__(own if world.scheduling is world.server else
                         world.scheduling.channel(options=self.OPTIONS), metadata, timeout=30)
        for attribute, (package, file, service) in FORMULATION.items():
            stub = getattr(support.module(package, file, "pb2_grpc"), service + "Stub")(own)
            setattr(self, attribute, stub)
        for path, (attribute, method) in methods(FORMULATION).items():
            found = (getattr(getattr(self, attribute), method.name), method)
            self.stubs[path] = self.stubs[f"{attribute}.{method.name}"] = found
            if method.name != "WatchEvents":
                self.stubs[method.name] = found
        if world.outcomes:
            theirs = support.Api(world.outcomes.channel(options=self.OPTIONS))
            self.stubs.update({name: stub for name, stub in theirs.stubs.items() if stub[1].full_name.startswith(
                "ipt.outcomes.")})
        audit = support.module("ipt.audit.v1", "audit_service", "pb2_grpc").AuditServiceStub(own)
        self.stubs["ListAuditEntries"] = (audit.ListAuditEntries, self.stubs["ListAuditEntries"][1])

    def call(self, name, /, **fields):
        return self.send(name, self.request(name, **fields))

    def raw(self, path, data, **options):
        other = copy.copy(self)
        other.channel = self.own if path in METHODS else self.channel
        return support.Api.raw(other, path, data, **options)

    def findings(self, parent, **more):
        return {each.finding_id: each for each in self.all("ListFindings", "findings", parent=parent, **more)}

    def rules(self, parent):
        return {word(finding_pb2.FindingRule, each.rule) for each in self.findings(parent).values()}


class World:
    """Scheduling and formulation, with outcomes or without, in one process or as servers of their own, with a
    clinic and two therapists. `outcomes_identity`: who outcomes as a server of its own takes calls from."""

    def __init__(self, engine, identity=None, flags=(), clinics=("north",), outcomes=False, outcomes_identity=None):
        self.identity = identity
        self.outcomes = None  # a server of its own
        if engine == "suite":
            self.server = self.scheduling = Server("suite", identity, [
                "--formulation", *(["--outcomes"] if outcomes else []), *flags])
        else:
            self.scheduling = Alone("scheduling", engine)
            beside = [f"--scheduling=127.0.0.1:{self.scheduling.port}"]
            if outcomes:
                self.outcomes = Alone("outcomes", engine, beside, identity=outcomes_identity)
                flags = [f"--outcomes=localhost:{self.outcomes.port}", *flags]
            self.server = Alone("formulation", engine, [*beside, *flags])
        self.everywhere = identity.token() if identity else None
        client = self.client()
        for clinic in clinics:
            client.CreateClinic(clinic_id=clinic, clinic=dict(display_name=clinic, time_zone="Europe/London"))
            for name in ("ana", "ben"):
                client.CreateTherapist(parent=f"clinics/{clinic}", therapist_id=name, therapist=dict(
                    display_name=name.title(), working_hours=support.weekly()))

    def client(self, token=None):
        return Client(self, token or self.everywhere)

    def replica(self):
        """Scheduling, and another server of formulation on the same store."""
        other = Alone("formulation", "postgres", self.server.flags, store=self.server.store)
        return types.SimpleNamespace(server=other, scheduling=self.scheduling, outcomes=self.outcomes,
                                     close=other.close)

    def close(self):
        self.server.close()
        if self.outcomes:
            self.outcomes.close()
        self.scheduling.close()


class Follower:
    """One WatchEvents of formulation."""

    def __init__(self, client, **fields):
        name = "formulation_events.WatchEvents"
        self.call = client.stubs[name][0](client.request(name, **fields), metadata=client.metadata, timeout=60)
        self.events, self.cursor = [], ""

    def next(self):
        try:
            response = next(self.call)
        except support.grpc.RpcError as error:
            raise Refused("WatchEvents", error) from None
        self.events += response.events
        self.cursor = response.cursor
        return response

    def until(self, condition):
        while not condition(self.events):
            self.next()
        return self.events


class FormulationTest(unittest.TestCase):
    maxDiff = None

    def world(self, engine, identity=None, **options):
        world = World(engine, identity, **options)
        self.addCleanup(world.close)
        return world

    def known(self, client, course):
        """Waits until a copy of the course is there: else scheduling is asked at each call."""
        wait_until(lambda: client.GetFormulation(course=course.name).scheduling.current, "the course's copy")

    def followed(self, client):
        """Waits until the whole clinic is known, not only courses that were asked about."""
        wait_until(lambda: client.ListFindings(parent=f"{NORTH}/courses/-").scheduling.current, "the clinic's copy")

    def ready(self, client, course_id="k1", clinic=NORTH, therapist="ana", held=None):
        """A grief with all that its first formulation needs; its hour is the course's own."""
        course = Grief(client.call, clinic, course_id, f"{clinic}/therapists/{therapist}", TODAY - DAY)
        course.hour = 8 + int(course_id[1:])
        course.bring_in(held)
        course.take_inventory()
        course.assess()
        course.write_goals()
        return course

    def refused(self, code, reason, call, /, *args, fields=None, **more):
        with self.assertRaises(Refused) as refused:
            call(*args, **more)
        error = refused.exception
        self.assertEqual((code, reason), (error.code, error.reason), str(error))
        if fields is not None:
            self.assertEqual(fields, error.fields, str(error))
        return error

    # --------------------------------------------------------------------------------- worked courses

    def test_a_grief_in_sixteen_sessions(self):
        for engine in ENGINES:
            with self.subTest(engine):
                client = self.world(engine).client()
                # The last session is longer ago than what a missing record is given.
                course = Grief(client.call, NORTH, "k1", f"{NORTH}/therapists/ana", TODAY - 5 * DAY)
                self.begins(client, course)
                self.inventory_of_a_grief(client, course)
                self.areas_of_a_grief(client, course)
                course.write_goals()
                self.sessions_of_a_grief(client, course, 1, 3)
                self.formulation_of_a_grief(client, course)
                self.sessions_of_a_grief(client, course, 4, 16)
                self.ending_of_a_grief(client, course)

    def begins(self, client, course):
        course.bring_in()
        self.known(client, course)
        none = client.GetFormulation(course=course.name)
        self.assertEqual((course.of("formulation"), "NONE", f"{NORTH}/protocols/ipt-uk-16--ipt-uk", 2, 0, 0), (
            none.name, word(formulation_pb2.FormulationState, none.state), none.protocol, none.max_focus_areas,
            none.agreed_revisions, none.revision))
        self.assertFalse(none.HasField("current") or none.HasField("pending") or none.HasField("update_time"))
        self.assertLess(support.now() - support.instant(none.scheduling.as_of_time), datetime.timedelta(seconds=65))
        self.assertFalse(client.GetInterpersonalInventory(course=course.name).relationships)
        empty = client.GetSessionWork(session=course.sessions[1])
        self.assertEqual((0, "", ""), (empty.revision, empty.etag, empty.caller))
        self.assertEqual("", client.GetTermination(course=course.name).etag)
        self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND", client.GetFormulation, course=f"{NORTH}/courses/none")
        self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND", client.GetSessionWork, session=course.of("sessions/none"))
        self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND", client.CreateGoal, parent=f"{NORTH}/courses/none",
                     goal=dict(description="x"))
        # Nothing is recorded of sixteen attended sessions: what another rule speaks of is no overdue task.
        found = client.findings(course.name)
        self.assertEqual({"FOCUS_NOT_AGREED", "WORK_NOT_RECORDED", "MIDPOINT_REVIEW_MISSED",
                          "TERMINATION_NOT_RAISED", "TASK_OVERDUE"}, client.rules(course.name))
        overdue = {id_.split(":")[1] for id_ in found if id_.startswith("TASK_OVERDUE:")}
        self.assertLessEqual({"TIMELINE", "RISK_ASSESSMENT", "RELAPSE_PLAN"}, overdue)
        self.assertFalse({"MIDPOINT_REVIEW", "TERMINATION_RAISED", "FOCUS_SELECTION", "MOOD_REVIEW"} & overdue)
        self.assertEqual({f"{NORTH}/therapists/ana"}, {each.therapist for each in found.values()})
        self.assertEqual(sorted((-each.severity, each.rule) for each in found.values()),
                         [(-each.severity, each.rule) for each in found.values()])
        self.assertEqual(set(found), set(client.findings(f"{NORTH}/courses/-")))

    def inventory_of_a_grief(self, client, course):
        course.take_inventory()
        inventory = client.GetInterpersonalInventory(course=course.name)
        self.assertEqual(["r2", "r3", "r4", "r5", "r1"], ids(inventory.relationships))  # by status, then circle
        self.assertEqual(["e4", "e1", "e2", "e5", "e3"], ids(inventory.life_events))  # by what is known of the day
        by_id = {name: each for name, each in zip(ids(inventory.life_events), inventory.life_events)}
        for id_ in ("e1", "e2", "e5"):  # a month is all that is known
            self.assertEqual(course.life_events[id_](course)["start_date"]["date"],
                             dict(year=by_id[id_].start_date.date.year, month=by_id[id_].start_date.date.month, day=0))
        self.assertEqual((2009, 0, 0, 2010), (by_id["e4"].start_date.date.year, by_id["e4"].start_date.date.month,
                                              by_id["e4"].start_date.date.day, by_id["e4"].end_date.date.year))
        self.assertTrue(by_id["e5"].start_date.approximate and not by_id["e1"].start_date.approximate)
        for each in inventory.relationships:
            self.assertEqual(each, client.GetRelationship(name=each.name))
            for field, value in course.relationships[each.name.rsplit("/", 1)[1]](course).items():
                self.assertTrue(self.says(each, field, value), (field, value, each))
        for each in inventory.life_events:
            self.assertEqual(each, client.GetLifeEvent(name=each.name))
        self.assertEqual(["r2", "r4"], ids(client.ListRelationships(
            parent=course.name, confidants_only=True).relationships))
        mother = course.of("relationships/r1")
        self.assertEqual(["e1", "e3"], ids(client.ListLifeEvents(parent=course.name, relationship=mother).life_events))
        self.assertEqual(ids(inventory.life_events), ids(client.all(
            "ListLifeEvents", "life_events", parent=course.name, page_size=2)))
        sister = client.GetRelationship(name=course.of("relationships/r3"))
        changed = client.UpdateRelationship(relationship=dict(name=sister.name, satisfaction=3, etag=sister.etag),
                                            update_mask=dict(paths=["satisfaction"]))
        self.assertEqual((3, sister.display_name), (changed.satisfaction, changed.display_name))
        self.refused("ABORTED", "ETAG_MISMATCH", client.UpdateRelationship,
                     relationship=dict(name=sister.name, satisfaction=4, etag=sister.etag))
        wrong = self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", client.CreateLifeEvent, parent=course.name,
                             life_event=dict(kind="LIFE_EVENT_KIND_OTHER", display_name="A day without a month",
                                             start_date=dict(date=dict(year=2020, day=3))))
        self.assertTrue(wrong.fields[0].startswith("life_event.start_date"), wrong.fields)

    @staticmethod
    def says(message, field, value):
        """Whether the message has what was given for the field."""
        return getattr(type(message)(**{field: value}), field) == getattr(message, field)

    def areas_of_a_grief(self, client, course):
        course.assess()
        protocol = client.GetProtocol(name=f"{NORTH}/protocols/ipt-uk-16--ipt-uk")
        self.assertTrue(protocol.in_use)
        grief = next(area for area in protocol.areas if area.code == "GRIEF")
        area = client.GetProblemArea(name=course.of("problemAreas/a1"))
        self.assertEqual({c.code for c in grief.criteria}, {e.criterion for e in area.evidence})
        self.assertEqual((5, 0), (area.present_criteria, area.focus))  # what is unclear does not count
        self.assertEqual([], list(area.warnings))
        self.assertEqual(["a1", "a2"], ids(client.ListProblemAreas(parent=course.name).problem_areas))
        doubtful = client.CreateProblemArea(parent=course.name, validate_only=True, problem_area=dict(
            kind="PROBLEM_AREA_KIND_GRIEF", display_name="The divorce"))
        self.assertEqual({"GRIEF_WITHOUT_DEATH", "PERSON_NOT_NAMED"},
                         {word(warning_pb2.WarningCode, each.code) for each in doubtful.warnings})
        self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", client.CreateProblemArea, parent=course.name,
                     problem_area=dict(kind="PROBLEM_AREA_KIND_GRIEF", display_name="x", evidence=[
                         dict(criterion="LIFE_CHANGE", finding=1)]), fields=["problem_area.evidence[0].criterion"])
        self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", client.CreateProblemArea, parent=course.name,
                     problem_area=dict(kind="PROBLEM_AREA_KIND_GRIEF_FOR_THE_HEALTHY_SELF", display_name="x"),
                     fields=["problem_area.kind"])
        self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", client.CreateProblemArea, parent=course.name,
                     problem_area=dict(kind="PROBLEM_AREA_KIND_GRIEF", display_name="x", role_dispute=dict(issue="x")),
                     fields=["problem_area.role_dispute"])
        self.assertEqual(2, len(client.ListProblemAreas(parent=course.name).problem_areas))
        used = self.refused("FAILED_PRECONDITION", "RESOURCE_IN_USE", client.DeleteRelationship,
                            name=course.of("relationships/r1"))
        self.assertEqual("3", used.info["used_by"])  # two events, and the area
        self.assertEqual({course.of(path) for path in ("lifeEvents/e1", "lifeEvents/e3", "problemAreas/a1")},
                         {subject for _, subject in used.preconditions})

    def formulation_of_a_grief(self, client, course):
        points = lambda draft: {word(formulation_pb2.OpenPointCode, p.code) for p in draft.open_points}  # noqa: E731
        expected = ({"NO_FOCUS", "NO_LINK"}, {"NO_FOCUS", "NO_LINK"}, {"NO_LINK", "FOCUS_WITHOUT_GOAL"}, {"NO_LINK"},
                    set(), set())
        first = {}
        for content, open_ in zip(course.drafts, expected, strict=True):
            if open_ and course.etag:
                short = self.refused("FAILED_PRECONDITION", "FORMULATION_INCOMPLETE", course.propose)
                self.assertEqual(points(saved), {type_ for type_, _ in short.preconditions})
                self.assertEqual(str(len(short.preconditions)), short.info["open_points"])
            before = course.etag
            saved = course.save(content(course))
            self.assertEqual(open_, points(saved))
            self.assertEqual((course.of("formulation/revisions/draft"), 0, "DRAFT"), (
                saved.name, saved.number, word(formulation_pb2.RevisionState, saved.state)))
            if saved.revision > first.setdefault("revision", saved.revision):  # there was one already
                stale = self.refused("ABORTED", "ETAG_MISMATCH", client.SaveFormulationDraft, course=course.name,
                                     etag=before, content=dict(clinical_narrative="lost"))
                self.assertEqual(saved.etag, stale.info["etag"])
        # Checked only, nothing of it is there.
        would = client.SaveFormulationDraft(course=course.name, etag=course.etag, validate_only=True,
                                            content=dict(clinical_narrative="not to be"))
        self.assertEqual(("not to be", 0), (would.saved.content.clinical_narrative, would.revision))
        read = client.GetFormulation(course=course.name)
        self.assertEqual((saved.content, saved.etag, "DRAFT"), (
            read.pending.content, read.pending.etag, word(formulation_pb2.FormulationState, read.state)))
        self.assertEqual(saved.content, client.GetFormulationRevision(
            name=course.of("formulation/revisions/draft")).content)
        self.assertEqual([], list(read.pending.warnings))
        self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", client.SaveFormulationDraft, course=course.name,
                     etag=course.etag, content=dict(goals=[course.of("goals/g1"), course.of("goals/none")]),
                     fields=["content.goals[1]"])

        proposed = course.propose()
        pending = proposed.pending
        self.assertEqual(("PROPOSED", "PROPOSED", 1, course.of("formulation/revisions/1")), (
            word(formulation_pb2.FormulationState, proposed.state),
            word(formulation_pb2.RevisionState, pending.state), pending.number, pending.name))
        snapshot = pending.snapshot
        self.assertEqual([(course.of("problemAreas/a1"), "Losing Mum", 1)], [
            (each.problem_area, each.display_name, each.position) for each in snapshot.problem_areas])
        self.assertEqual([words for words, _, _ in course.goals.values()], [g.description for g in snapshot.goals])
        self.assertEqual({"e1", "e2"}, {each.life_event.rsplit("/", 1)[1] for each in snapshot.life_events})
        blocked = self.refused("FAILED_PRECONDITION", "FORMULATION_STATE", client.SaveFormulationDraft,
                               course=course.name, etag=course.etag, content=dict(clinical_narrative="x"))
        self.assertEqual("PROPOSED", blocked.info["state"])
        self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND", client.GetPatientCopy, course=course.name)
        self.assertEqual("PROPOSED", word(formulation_pb2.RevisionState, client.GetPatientCopy(
            course=course.name, number=1).state))
        self.assertIn("FOCUS_NOT_AGREED", client.rules(course.name))

        agreement = dict(course=course.name, etag=course.etag, agreed_by=1, mode=1)
        self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", client.AgreeFormulation, **agreement,
                     agreed_on=date(TODAY + 2 * DAY), fields=["agreed_on"])
        agreed = course.agree(3)
        current = agreed.current
        self.assertEqual(("AGREED", 1, False), (word(formulation_pb2.FormulationState, agreed.state),
                                                agreed.agreed_revisions, agreed.HasField("pending")))
        self.assertEqual((saved.content, 3, course.sessions[3], course.days[3]), (
            current.content, current.agreement.session_number, current.agreement.session,
            day_of(current.agreement.agreed_on)))
        self.assertEqual(snapshot, current.snapshot)
        self.assertEqual([], list(current.warnings))
        self.assertEqual(["BEGUN", "PROPOSED", "AGREED"], [
            word(formulation_pb2.RevisionChangeKind, change.kind) for change in current.changes])
        goals = client.ListGoals(parent=course.name).goals
        self.assertEqual([("ACTIVE", True)] * 2, [
            (word(goal_pb2.GoalState, goal.state), goal.in_current_formulation) for goal in goals])
        self.assertEqual(1, client.GetProblemArea(name=course.of("problemAreas/a1")).focus)
        self.assertNotIn("FOCUS_NOT_AGREED", client.rules(course.name))

        copy = client.GetPatientCopy(course=course.name)
        protocol = client.GetProtocol(name=agreed.protocol)
        plain = next(area.plain_name for area in protocol.areas if area.code == "GRIEF")
        self.assertEqual((1, saved.content.patient_narrative, saved.content.contract, course.days[3]),
                         (copy.number, copy.narrative, copy.contract, day_of(copy.agreed_on)))
        self.assertEqual([(plain, "Losing Mum", [words for words, _, _ in course.goals.values()])],
                         [(each.heading, each.display_name, list(each.goals)) for each in copy.focus])
        for hidden in (saved.content.clinical_narrative, saved.content.focus[0].reason, "guilt over not having"):
            self.assertNotIn(hidden, str(copy))
        focus = client.ListCourseFocuses(parent=NORTH).course_focuses
        self.assertEqual([(course.name, problem_area_pb2.PROBLEM_AREA_KIND_GRIEF, 0, 1)], [
            (each.course, each.primary_kind, each.secondary_kind, each.revision_number) for each in focus])
        # What the current formulation names stays.
        for method, path in ((client.DeleteProblemArea, "problemAreas/a1"), (client.DeleteLifeEvent, "lifeEvents/e1")):
            self.refused("FAILED_PRECONDITION", "RESOURCE_IN_USE", method, name=course.of(path))
        with self.assertRaises(Refused) as refused:
            client.DeleteGoal(name=course.of("goals/g1"))
        self.assertIn(refused.exception.reason, ("GOAL_STATE", "RESOURCE_IN_USE"))

    def sessions_of_a_grief(self, client, course, first, last):
        """Each session is prepared by its guide, and recorded; what is recorded was offered."""
        phases = ["INITIAL"] * 4 + ["MIDDLE"] * 8 + ["TERMINATION"] * 4
        for number in range(first, last + 1):
            guide = course.guide(number)
            self.stands(course, guide, number, phases[number - 1], midpoint=8, ending=13)
            self.assertEqual(f"{NORTH}/protocols/ipt-uk-16--ipt-uk", guide.protocol)
            offered = [each.task.code for each in guide.tasks]
            work = course.work[number]
            self.assertLessEqual({task.lstrip("~") for task in work.tasks}, set(offered), number)
            if number > 4:
                each_session = ["MOOD_REVIEW", "FOCUS_WORK"] if number <= 12 else ["MOOD_REVIEW"]
                self.assertEqual(set(each_session), set(offered[:len(each_session)]))
            if number <= 12:  # from four sessions left on
                self.assertEqual(number == 12, "TERMINATION_RAISED" in offered, number)
            cited = {source.key for source in guide.sources}
            for task in guide.tasks:
                self.assertTrue(task.task.basis.sources)
                self.assertLessEqual(set(task.task.basis.sources), cited)
            if number > 3:
                focus = guide.focus[0]
                self.assertEqual((1, [1, course.of("problemAreas/a1")]), (
                    len(guide.focus), [focus.position, focus.problem_area]))
                at_hand = {each.strategy.code: each for each in focus.strategies}
                for _, (codes, _) in work.strategies.items():
                    self.assertLessEqual(set(codes), set(at_hand), number)
                    for code in codes:
                        used = sum(code in codes for n in range(1, number)
                                   for codes, _ in course.work[n].strategies.values())
                        self.assertEqual(used, at_hand[code].sessions_used, (number, code))
                self.assertEqual(number - 1, focus.last_worked_session_number)
                self.assertLessEqual(set(focus.techniques), {each.code for each in guide.techniques})
            self.assertFalse(guide.work_recorded)
            recorded = course.record(number)
            self.assertEqual((number, course.sessions[number] + "/work",
                              phases[number - 1], course.days[number]),
                             (recorded.session_number, recorded.name, word(variant_pb2.Phase, recorded.phase),
                              day_of(recorded.session_date)))
            self.assertTrue(course.guide(number).work_recorded)
            self.assertEqual(number <= 14, "WORK_NOT_RECORDED" in client.rules(course.name), number)  # two in a row
        self.assertEqual(last < 8, "MIDPOINT_REVIEW_MISSED" in client.rules(course.name))

    def stands(self, course, guide, number, phase, midpoint, ending):
        standing = guide.standing
        self.assertEqual(
            (number, course.planned, course.planned - number, number, course.weeks, phase, midpoint, ending,
             course.days[1] + course.weeks * 7 * DAY - DAY),
            (standing.session_number, standing.planned_sessions, standing.sessions_left, standing.week_number,
             standing.duration_weeks, word(variant_pb2.Phase, standing.phase), standing.mid_course_session,
             standing.termination_session, day_of(standing.deadline_date)))

    def ending_of_a_grief(self, client, course):
        listed = client.all("ListSessionWork", "session_work", parent=course.name, page_size=5)
        self.assertEqual(list(range(1, 17)), [each.session_number for each in listed])
        listed = client.ListSessionWork(parent=course.name, phases=[2]).session_work
        self.assertEqual(list(range(5, 13)), [each.session_number for each in listed])
        listed = client.ListSessionWork(parent=course.name, problem_area=course.of("problemAreas/a1")).session_work
        self.assertEqual(list(range(3, 16)), [each.session_number for each in listed])

        goal = client.GetGoal(name=course.of("goals/g1"))
        self.assertEqual((1, 9, 9, 6), (goal.first_patient_rating.value, goal.last_patient_rating.value,
                                        goal.last_therapist_rating.value, goal.rating_count))
        self.assertEqual((course.days[4], course.days[16]), (day_of(goal.first_patient_rating.rated_on),
                                                             day_of(goal.last_patient_rating.rated_on)))
        ratings = client.ListGoalRatings(parent=goal.name, raters=[1]).ratings
        self.assertEqual([1, 5, 8, 9], [each.value for each in ratings])
        self.assertEqual(len(course.ratings), len(client.ListGoalRatings(parent=course.of("goals/-")).ratings))

        course.end()
        termination = client.GetTermination(course=course.name)
        self.assertEqual((course.of("termination"), course.sessions[12], 4, course.days[15]), (
            termination.name, termination.raised_in, termination.sessions_left_when_raised,
            day_of(termination.plan_given_on)))
        self.assertEqual(["I say yes to everything.", "Awake at five."], list(termination.early_warning_signs))
        self.assertEqual({}, client.findings(course.name))
        for closed in (False, True):
            if closed:
                course.close()
                wait_until(lambda: client.GetCourse(name=course.name).closure.HasField("time"), "the closing")
                self.assertEqual({}, client.findings(course.name))
                wait_until(lambda: not client.findings(f"{NORTH}/courses/-"), "the closing to be known")
            profile = client.GetProtocolAdherence(course=course.name)
            self.counts(client, course, profile)
            self.phases(profile, {"INITIAL": (1, 4, 12, 12, 0, 0, 0), "MIDDLE": (5, 12, 3, 3, 0, 0, 0),
                                  "TERMINATION": (13, 16, 5, 5, 0, 0, 0)})
            self.verdicts(profile, focus=3, agreed=1, left=4)
            self.assertEqual([(16, 16), (8, 8), (16, 16)], [(each.count, each.of) for each in (
                profile.sessions_recorded, profile.middle_sessions_with_focus_work, profile.sessions_with_technique)])
            tasks = {task.task: task for phase in profile.phases for task in phase.tasks}
            for code, session in (("GOALS", 3), ("CONTRACT", 3), ("RELAPSE_PLAN", 15)):  # from what is stored
                self.assertEqual((True, "DONE", session), (
                    tasks[code].inferred, word(session_work_pb2.TaskState, tasks[code].state),
                    tasks[code].done_session_number), code)
            for code, session, due in (("TIMELINE", 2, 4), ("FORMULATION", 3, 4), ("MIDPOINT_REVIEW", 8, 8),
                                       ("TERMINATION_RAISED", 12, 14), ("PROGRESS_REVIEW", 13, 16)):
                task = tasks[code]
                self.assertEqual((False, session, course.sessions[session], due), (
                    task.inferred, task.done_session_number, task.done_session, task.due_session_number), code)
            self.assertEqual([(12, 12), (8, 8)], [(tasks[code].sessions_done, tasks[code].sessions_expected)
                                                  for code in ("MOOD_REVIEW", "FOCUS_WORK")])

    def phases(self, profile, expected):
        self.assertEqual(expected, {
            word(variant_pb2.Phase, phase.phase): (phase.span.first_session, phase.span.last_session, phase.expected,
                                                   phase.done, phase.late, phase.missing, phase.open)
            for phase in profile.phases})

    def verdicts(self, profile, focus, agreed, left):
        yes = adherence_pb2.ADHERENCE_VERDICT_YES
        self.assertEqual([yes] * 4, [profile.focus_agreed_in_time, profile.formulation_before_middle,
                                     profile.midpoint_review_in_time, profile.ending_raised_in_time])
        self.assertEqual((focus, agreed, left), (profile.focus_agreed_session_number, profile.agreed_formulations,
                                                 profile.sessions_left_when_ending_raised))

    def counts(self, client, course, profile):
        """Techniques and their families, against what was recorded."""
        protocol = client.GetProtocol(name=profile.protocol)
        families = {each.code: each.family for each in protocol.techniques}
        used = collections.Counter(code for work in course.work.values() for code in work.techniques)
        self.assertEqual(used, {each.technique: each.sessions for each in profile.techniques if each.sessions})
        told = [each.sessions for each in profile.techniques]
        self.assertEqual(sorted(told, reverse=True), told)
        self.assertEqual({each.technique: families[each.technique] for each in profile.techniques},
                         {each.technique: each.family for each in profile.techniques})
        by_family = collections.defaultdict(lambda: (0, 0))
        for family in set(families.values()):
            sessions = sum(any(families[code] == family for code in work.techniques) for work in course.work.values())
            uses = sum(count for code, count in used.items() if families[code] == family)
            if uses:
                by_family[family] = (sessions, uses)
        self.assertEqual(by_family, {each.family: (each.sessions, each.uses)
                                     for each in profile.families if each.uses})

    def test_a_dispute_in_twelve_sessions_with_a_revised_focus(self):
        for engine in ENGINES:
            with self.subTest(engine):
                client = self.world(engine).client()
                policy = client.UpdateFormulationPolicy(clinic=NORTH, policy=dict(
                    unrecorded_in_a_row=1, record_days=0), update_mask=dict(
                        paths=["unrecorded_in_a_row", "record_days"]))
                self.assertEqual((1, 1), (policy.version, policy.unrecorded_in_a_row))
                course = Dispute(client.call, NORTH, "k2", f"{NORTH}/therapists/ana", TODAY - DAY)
                course.bring_in(8)
                self.known(client, course)
                course.take_inventory()
                course.assess()
                course.write_goals("g1", "g2")
                self.first_focus(client, course)
                self.second_focus(client, course)
                self.findings_come_and_go(client, course)
                self.ending_of_a_dispute(client, course)

    def first_focus(self, client, course):
        for number in range(1, 4):
            course.record(number)
        course.formulate()
        current = client.GetFormulation(course=course.name).current
        self.assertEqual("DISPUTE_STAGE_RENEGOTIATION", problem_area_pb2.DisputeStage.Name(
            current.snapshot.problem_areas[0].dispute_stage))
        guide = course.guide(4)
        self.assertEqual("DISPUTE_CALM_DOWN", guide.focus[0].strategies[0].strategy.code)
        self.assertEqual(problem_area_pb2.DISPUTE_STAGE_RENEGOTIATION, guide.focus[0].dispute_stage)
        course.record(4)
        # Of the initial tasks one was forgotten, and is made up for.
        overdue = client.findings(course.name)["TASK_OVERDUE:MEDICATION_REVIEW"]
        self.assertEqual(("OVERDUE", 3, "INITIAL", "MEDICATION_REVIEW", 1), (
            word(finding_pb2.FindingSeverity, overdue.severity), overdue.due_session_number,
            word(variant_pb2.Phase, overdue.phase), overdue.task, overdue.policy_version))
        self.assertEqual({"TASK_OVERDUE", "WORK_NOT_RECORDED", "MIDPOINT_REVIEW_MISSED"}, client.rules(course.name))
        self.assertIn("MEDICATION_REVIEW", [each.task.code for each in course.guide(5).tasks])
        course.record(5)
        self.assertNotIn("TASK_OVERDUE:MEDICATION_REVIEW", client.findings(course.name))
        course.record(6)
        self.assertEqual({"WORK_NOT_RECORDED"}, client.rules(course.name))

    def second_focus(self, client, course):
        name = course.of("formulation/revisions/")
        first = client.GetFormulationRevision(name=name + "1")
        course.fall_silent()
        # Another wording of a goal does not reach what was agreed.
        client.UpdateGoal(goal=dict(name=course.of("goals/g2"), description="Decide together, and write it down."),
                          update_mask=dict(paths=["description"]))
        held = client.GetFormulation(course=course.name).current
        self.assertEqual((first.content, first.snapshot), (held.content, held.snapshot))
        changed = [each for each in held.warnings if each.code == warning_pb2.WARNING_CODE_CHANGED_SINCE]
        self.assertIn(course.of("goals/g2"), [each.subject for each in changed])
        self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", client.ReviseFormulation, course=course.name,
                     etag=course.etag, reason="REVISION_REASON_OTHER", fields=["reason_text"])
        # One that was begun by mistake is thrown away, and takes no number.
        begun = course.begin_again()
        again = self.refused("FAILED_PRECONDITION", "FORMULATION_STATE", client.ReviseFormulation,
                             course=course.name, etag=held.etag, reason="REVISION_REASON_FOCUS_CHANGED")
        self.assertEqual("DRAFT", again.info["state"])
        client.DiscardFormulationDraft(course=course.name, etag=begun.pending.etag)
        course.etag = client.GetFormulation(course=course.name).current.etag
        begun = course.begin_again()
        self.assertEqual((first.content, 1, True), (begun.pending.content, begun.pending.based_on,
                                                    begun.pending_differs))
        # A copy, which reads otherwise only in what was changed beside it.
        told = client.DiffFormulationRevisions(from_revision=name + "1", to_revision=name + "draft").changes
        self.assertEqual({"snapshot.goals[g2].description"},
                         {each.path for each in told if each.path.startswith("snapshot.goals")})
        self.assertEqual([], [each.path for each in told if not each.path.startswith("snapshot.")])
        self.assertEqual("AGREED", word(formulation_pb2.FormulationState, begun.state))
        course.write_goals("g3")
        points = lambda draft: {word(formulation_pb2.OpenPointCode, point.code): point  # noqa: E731
                                for point in draft.open_points}
        expected = ({"SECOND_FOCUS_WITHOUT_REASON", "FOCUS_WITHOUT_GOAL"}, set(), set())
        for content, open_ in zip(course.revisions, expected, strict=True):
            saved = course.save(content(course))
            self.assertEqual(open_, set(points(saved)))
            if open_:
                self.assertEqual("focus[1].reason", points(saved)["SECOND_FOCUS_WITHOUT_REASON"].field)
        proposed = course.propose()
        self.assertEqual((2, True), (proposed.pending.number, proposed.pending_differs))
        withdrawn = client.WithdrawProposal(course=course.name, etag=course.etag, reason="a word to change")
        self.assertEqual((2, "DRAFT"), (withdrawn.pending.number,
                                        word(formulation_pb2.RevisionState, withdrawn.pending.state)))
        course.etag = withdrawn.pending.etag
        self.assertEqual(2, course.propose().pending.number)
        self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", client.AgreeFormulation, course=course.name,
                     etag=course.etag, agreed_on=date(course.days[2]), agreed_by=1, mode=2, fields=["agreed_on"])
        agreed = course.agree(7)
        self.assertEqual((2, 2, 7), (agreed.agreed_revisions, agreed.current.number,
                                     agreed.current.agreement.session_number))
        self.assertEqual(["BEGUN", "PROPOSED", "WITHDRAWN", "PROPOSED", "AGREED"], [
            word(formulation_pb2.RevisionChangeKind, change.kind) for change in agreed.current.changes])
        self.assertEqual([("a1", 1, "IMPASSE"), ("a2", 2, "UNSPECIFIED")], [
            (each.problem_area.rsplit("/", 1)[1], each.position,
             word(problem_area_pb2.DisputeStage, each.dispute_stage))
            for each in agreed.current.snapshot.problem_areas])
        self.assertEqual([], list(agreed.current.warnings))
        revisions = client.ListFormulationRevisions(parent=course.name).revisions
        self.assertEqual([(2, "AGREED"), (1, "SUPERSEDED")], [
            (each.number, word(formulation_pb2.RevisionState, each.state)) for each in revisions])
        self.assertEqual((first.content, first.snapshot, first.agreement), (
            revisions[1].content, revisions[1].snapshot, revisions[1].agreement))
        self.assertEqual("ACTIVE", word(goal_pb2.GoalState, client.GetGoal(name=course.of("goals/g3")).state))
        diff = client.DiffFormulationRevisions(from_revision=name + "1", to_revision=name + "2").changes
        self.assertEqual([("patient_narrative", "CHANGED"), ("focus[a2]", "ADDED"), ("links[l2]", "ADDED"),
                          ("goals[g3]", "ADDED")], [
                              (each.path, word(formulation_pb2.FieldChangeKind, each.kind)) for each in diff
                              if not each.path.startswith("snapshot.")])
        words = next(each for each in diff if each.path == "snapshot.goals[g2].description")
        self.assertEqual(("Decide together who works when.", "Decide together, and write it down."),
                         (words.before, words.after))
        self.assertEqual((first.content.patient_narrative, agreed.current.content.patient_narrative),
                         (diff[0].before, diff[0].after))
        focus = client.ListCourseFocuses(parent=NORTH, kinds=["PROBLEM_AREA_KIND_ROLE_TRANSITION"]).course_focuses
        self.assertEqual([(2, 3, 2, 2)], [(each.primary_kind, each.secondary_kind, each.first_primary_kind,
                                           each.revision_number) for each in focus])
        self.assertFalse(client.ListCourseFocuses(parent=NORTH, kinds=[3], primary_only=True).course_focuses)
        old = client.GetPatientCopy(course=course.name, number=1)
        self.assertEqual(first.content.patient_narrative, old.narrative)
        guide = course.guide(7)
        self.assertEqual(["a1", "a2"], [each.problem_area.rsplit("/", 1)[1] for each in guide.focus])
        self.assertEqual("DISPUTE_OPEN_CONFLICT", guide.focus[0].strategies[0].strategy.code)

    def findings_come_and_go(self, client, course):
        rules = lambda: client.rules(course.name)  # noqa: E731
        course.record(7)
        self.assertEqual({"WORK_NOT_RECORDED"}, rules())
        course.record(8)  # with work, but on no focus, and with no technique
        found = client.findings(course.name)
        self.assertEqual({"SESSION_WITHOUT_FOCUS_WORK", "SESSION_WITHOUT_TECHNIQUE"}, rules())
        self.assertEqual({(course.sessions[8], 8)}, {(each.session, each.session_number) for each in found.values()})
        self.assertEqual(["REVIEW", "INFO"], [word(finding_pb2.FindingSeverity, each.severity)
                                              for each in found.values()])
        listed = client.ListFindings(parent=course.name, least_severity="FINDING_SEVERITY_REVIEW").findings
        self.assertEqual(["SESSION_WITHOUT_FOCUS_WORK"], [word(finding_pb2.FindingRule, each.rule) for each in listed])
        course.hold(9)
        wait_until(lambda: "WORK_NOT_RECORDED" in rules(), "the ninth session to be missed")
        self.stands(course, course.guide(9), 9, "MIDDLE", midpoint=6, ending=10)
        course.record(9)
        self.assertEqual(set(), rules())
        course.hold(10)  # of which nothing is recorded
        wait_until(lambda: rules() == {"WORK_NOT_RECORDED"}, "the tenth session to be missed")
        course.hold(11)
        attended = lambda number: client.GetSessionWork(  # noqa: E731
            session=course.sessions[number]).session_state == session_pb2.SESSION_STATE_ATTENDED
        wait_until(lambda: attended(11), "the eleventh")
        self.assertEqual({"WORK_NOT_RECORDED"}, rules())
        course.record(11)
        self.assertEqual(set(), rules())
        course.hold(12)
        wait_until(lambda: attended(12), "the twelfth")
        course.record(12)
        self.assertFalse({"WORK_NOT_RECORDED", "TERMINATION_NOT_RAISED"} & rules())

    def ending_of_a_dispute(self, client, course):
        course.end()
        self.assertEqual({}, client.findings(course.name))
        self.refused("FAILED_PRECONDITION", "GOAL_STATE", client.RateGoal, goal=course.of("goals/g2"), rating=dict(
            value=1, rater=1, rated_on=date(TODAY)))
        client.ChangeGoalState(name=course.of("goals/g1"), state="GOAL_STATE_ACTIVE", reason="not quite")
        course.close()
        wait_until(lambda: client.rules(course.name) == {"GOALS_LEFT_OPEN"}, "a goal left open")
        course.change_goals(g1=("ACHIEVED", ""))
        self.assertEqual({}, client.findings(course.name))
        profile = client.GetProtocolAdherence(course=course.name)
        self.counts(client, course, profile)
        self.phases(profile, {"INITIAL": (1, 3, 12, 11, 1, 0, 0), "MIDDLE": (4, 9, 3, 2, 0, 1, 0),
                              "TERMINATION": (10, 12, 5, 5, 0, 0, 0)})
        self.verdicts(profile, focus=3, agreed=2, left=3)
        self.assertEqual((1, [(11, 12), (5, 6), (10, 11)]), (profile.policy_version, [
            (each.count, each.of) for each in (profile.sessions_recorded, profile.middle_sessions_with_focus_work,
                                               profile.sessions_with_technique)]))
        tasks = {task.task: task for phase in profile.phases for task in phase.tasks}
        state = lambda code: word(session_work_pb2.TaskState, tasks[code].state)  # noqa: E731
        self.assertEqual(("DONE_LATE", 5), (state("MEDICATION_REVIEW"),
                                            tasks["MEDICATION_REVIEW"].done_session_number))
        self.assertEqual(("MISSED", 5, 6), (state("FOCUS_WORK"), tasks["FOCUS_WORK"].sessions_done,
                                            tasks["FOCUS_WORK"].sessions_expected))
        self.assertEqual(("DONE", 8, 8), (state("MOOD_REVIEW"), tasks["MOOD_REVIEW"].sessions_done,
                                          tasks["MOOD_REVIEW"].sessions_expected))

    def test_what_was_not_held_has_no_work_and_counts_nowhere(self):
        client = self.world("suite").client()
        course = self.ready(client, held=3)
        self.known(client, course)
        for number in (1, 2, 3):
            course.record(number)
        recorded = lambda: (lambda f: (f.count, f.of))(  # noqa: E731
            client.GetProtocolAdherence(course=course.name).sessions_recorded)
        self.assertEqual((3, 3), recorded())
        third = course.sessions[3]
        client.RecordAttendance(name=third, outcome="ATTENDANCE_OUTCOME_NO_SHOW", correction_reason="a slip")
        state = lambda name: client.GetSessionWork(session=name).session_state  # noqa: E731
        wait_until(lambda: state(third) == session_pb2.SESSION_STATE_NO_SHOW, "the correction")
        work = client.GetSessionWork(session=third)
        self.assertEqual(3, len(work.tasks))  # it stays
        self.assertEqual((2, 2), recorded())
        record = dict(session_work=dict(mood_and_events="x"))
        for name, expected in ((third, "NO_SHOW"), (self.book_and_cancel(client, course), "CANCELLED")):
            error = self.refused("FAILED_PRECONDITION", "SESSION_NOT_HELD", client.RecordSessionWork,
                                 session=name, **record)
            self.assertEqual(expected, error.info["state"])

    def book_and_cancel(self, client, course):
        slot = client.PlanCourse(name=course.name, earliest_time=ts(support.tomorrow()), session_count=1).sessions[0]
        booked = client.BookPlan(name=course.name, slots=[dict(start_time=slot.start_time)]).sessions[0].name
        guide = client.GetSessionGuide(session=booked)
        self.assertGreater(guide.standing.session_number, 2)
        self.assertIn("INTERPERSONAL_INVENTORY", [each.task.code for each in guide.tasks])  # of the one missed
        error = self.refused("FAILED_PRECONDITION", "SESSION_NOT_HELD", client.RecordSessionWork, session=booked,
                             session_work=dict(mood_and_events="x"))
        self.assertEqual("BOOKED", error.info["state"])
        self.refused("FAILED_PRECONDITION", "SESSION_NOT_HELD", client.RecordSessionWork, session=booked,
                     session_work=dict(mood_and_events="x"), validate_only=True)
        client.CancelSession(name=booked, cancelled_by="CANCELLED_BY_CLINIC", reason="burst pipe")
        wait_until(lambda: client.GetSessionGuide(session=booked).standing.session_number == 0, "the cancelling")
        guide = client.GetSessionGuide(session=booked)
        self.assertEqual((0, 0), (guide.standing.phase, len(guide.tasks)))
        return booked

    def test_requests_are_told_apart_and_nothing_changes_for_nothing(self):
        client = self.world("suite").client()
        course = self.ready(client, held=3)
        asked = client.request("CreateGoal", parent=course.name, goal=dict(description="once"))
        goal = client.send("CreateGoal", asked)
        self.assertEqual(goal, client.send("CreateGoal", asked))
        asked.goal.description = "twice"
        self.refused("ALREADY_EXISTS", "REQUEST_ID_REUSED", client.send, "CreateGoal", asked)
        self.refused("ALREADY_EXISTS", "RESOURCE_EXISTS", client.CreateGoal, parent=course.name, goal_id="g1",
                     goal=dict(description="x"))
        same = client.ChangeGoalState(name=goal.name, state="GOAL_STATE_PROPOSED")
        self.assertEqual((goal.etag, goal.revision), (same.etag, same.revision))
        self.refused("FAILED_PRECONDITION", "GOAL_STATE", client.ChangeGoalState, name=goal.name, state=3)
        self.refused("FAILED_PRECONDITION", "REVISION_NOT_REACHED", client.GetGoal, name=goal.name,
                     min_revision=2**60)
        for i in range(len(course.problem_areas), 20):
            client.CreateProblemArea(parent=course.name, problem_area=dict(kind=3, display_name=f"a{i}"))
        error = self.refused("FAILED_PRECONDITION", "LIMIT_REACHED", client.CreateProblemArea, parent=course.name,
                             problem_area=dict(kind=3, display_name="one more"))
        self.assertEqual("20", error.info["maximum"])
        self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", client.CreateGoal, parent=course.name, goal=dict(
            description="x" * 1001), fields=["goal.description"])
        client.DeleteGoal(name=goal.name)
        self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND", client.GetGoal, name=goal.name)
        self.refused("FAILED_PRECONDITION", "FORMULATION_STATE", client.AgreeFormulation, course=course.name,
                     etag='"1"', agreed_on=date(TODAY), agreed_by=1, mode=2)
        self.assertEqual(0, client.GetFormulation(course=course.name).agreed_revisions)

    def test_a_clinics_findings_say_as_of_when_they_are(self):
        client = self.world("suite").client()
        self.known(client, self.ready(client))
        self.followed(client)
        listed = client.ListFindings(parent=f"{NORTH}/courses/-")
        self.assertTrue(listed.findings)
        for view in (listed.scheduling, *(each.scheduling for each in listed.findings)):
            self.assertTrue(view.HasField("as_of_time"))

    def test_what_stands_out_reminds_the_therapist(self):
        """In one process and in two, as soon as the clinic has begun its first formulation."""
        for engine in ("suite", "postgres"):
            with self.subTest(engine):
                client = self.world(engine).client()
                course = self.ready(client, held=6)
                self.followed(client)
                reminders = lambda: [  # noqa: E731
                    each for each in client.ListReminders(parent=NORTH, course=course.name).reminders
                    if each.template == "protocol-finding"]
                self.assertIn("FOCUS_NOT_AGREED", client.rules(course.name))
                client.SaveFormulationDraft(course=course.name, content=dict(patient_narrative="It begins."))
                wait_until(reminders, "a reminder of what stands out")
                told = {each.finding_id: each.severity for each in reminders()[0].variables.findings}
                self.assertEqual(3, told["FOCUS_NOT_AGREED"])
                self.assertEqual({id_ for id_, each in client.findings(course.name).items() if each.severity > 1},
                                 set(told))
                self.assertEqual(f"{NORTH}/therapists/ana", reminders()[0].therapist)

    def test_a_scheduling_that_hangs_holds_nobody_up(self):
        world = self.world("sqlite")
        client = world.client()
        course = self.ready(client, held=3)
        self.followed(client)
        process = world.scheduling.process
        process.send_signal(signal.SIGSTOP)
        self.addCleanup(process.send_signal, signal.SIGCONT)
        began = time.monotonic()
        self.assertTrue(client.GetFormulation(course=course.name).scheduling.HasField("as_of_time"))
        unknown = f"{NORTH}/courses/unknown"
        self.assertFalse(client.GetFormulation(course=unknown).scheduling.current)
        for _ in range(5):
            self.refused("UNAVAILABLE", "PEER_UNAVAILABLE", client.CreateGoal, parent=unknown,
                         goal=dict(description="To sleep."))
        self.assertLess(time.monotonic() - began, 15, "each asks for a second at most, and soon none asks")
        process.send_signal(signal.SIGCONT)
        absent = lambda: self.outcome(  # noqa: E731
            client.CreateGoal, parent=unknown, goal=dict(description="To sleep.")) == "NOT_FOUND"
        wait_until(absent, "scheduling to be asked again")

    # ----------------------------------------------------------------------------------- measures due

    def recent(self, client, held=3):
        """A course whose last session was yesterday."""
        course = Grief(client.call, NORTH, "k1", f"{NORTH}/therapists/ana", TODAY - DAY + (16 - held) * 7 * DAY)
        course.bring_in(held)
        return course

    def due(self, client, session):
        due = client.GetSessionGuide(session=session).due_measures
        return word(due_measure_pb2.DueMeasuresState, due.state), due

    def test_a_guide_tells_which_measures_are_due(self):
        for engine in ENGINES:
            with self.subTest(engine):
                world = self.world(engine, outcomes=True)
                client = world.client()
                course = self.recent(client)
                client.CreateMeasurementPlan(parent=NORTH, measurement_plan=dict(display_name="All", rules=[
                    dict(id="each", instrument=f"{NORTH}/instruments/phq-9", timing=1, open_days_before=14),
                    dict(id="weekly", instrument=f"{NORTH}/instruments/gad-7", timing=2, weeks=1)]))
                slots = client.PlanCourse(name=course.name, earliest_time=ts(support.tomorrow()),
                                          session_count=2).sessions
                first, second = (each.name for each in client.BookPlan(
                    name=course.name, slots=[dict(start_time=each.start_time) for each in slots]).sessions)
                days = [support.instant(each.start_time).astimezone(support.LONDON).date() for each in slots]
                self.says_what_is_due(client, course, first, second, days)
                if world.outcomes:
                    self.goes_on_without_outcomes(world, client, first)

    def says_what_is_due(self, client, course, first, second, days):
        weeks = lambda after, until: [  # noqa: E731
            ("gad-7", day, "UPCOMING", "EVERY_WEEKS", "") for day in (TODAY + (6 + 7 * n) * DAY for n in range(5))
            if after < day <= until]
        phq = lambda session, day, state: ("phq-9", day, state, "EVERY_SESSION", session)  # noqa: E731
        shown = lambda due: [  # noqa: E731
            (each.instrument.rsplit("/", 1)[1], day_of(each.due_date),
             word(due_measure_pb2.DueMeasureState, each.state),
             word(due_measure_pb2.DueMeasureOccasion, each.occasion), each.session) for each in due.measures]
        wait_until(lambda: self.due(client, first)[0] == "KNOWN", "outcomes to know the course")
        state, due = self.due(client, first)
        now = phq(first, days[0], "DUE")
        self.assertCountEqual([now, *weeks(TODAY, days[0])], shown(due))
        self.assertIn("PHQ-9", [each.display_name for each in due.measures if each.instrument.endswith("phq-9")][0])
        self.assertLess(abs(support.instant(due.asked_time) - support.now()), datetime.timedelta(seconds=30))
        self.assertTrue(due.scheduling.current)
        state, due = self.due(client, second)
        self.assertEqual("KNOWN", state)
        self.assertCountEqual([now, *weeks(days[0], days[1]), phq(second, days[1], "UPCOMING")], shown(due))
        # Of those that were held before the plan nothing is; of the first of them nobody asks.
        for number, asked in ((3, True), (1, False)):
            state, due = self.due(client, course.sessions[number])
            self.assertEqual(("KNOWN", 0, asked), (state, len(due.measures), due.HasField("asked_time")))
        client.RecordMeasurement(parent=course.name, measurement=dict(
            instrument=f"{NORTH}/instruments/phq-9", respondent=1, session=first,
            answers=dict(answers=[dict(item=f"q{i}", value=1) for i in range(1, 10)])))
        self.assertEqual(weeks(TODAY, days[0]), shown(self.due(client, first)[1]))

    def goes_on_without_outcomes(self, world, client, session):
        outcomes = world.outcomes.process
        before = client.GetSessionGuide(session=session)
        self.assertEqual("KNOWN", self.due(client, session)[0])
        for stop, seconds in ((signal.SIGSTOP, 2), (signal.SIGKILL, 1)):
            outcomes.send_signal(stop)
            # A signal is sent before each thread has heard of it.
            wait_until(lambda: self.rests(outcomes.pid), "outcomes to rest")
            began = time.monotonic()
            state, due = self.due(client, session)
            self.assertLess(time.monotonic() - began, seconds + 3, "no guide waits longer for outcomes")
            self.assertEqual(("UNAVAILABLE", 0), (state, len(due.measures)))
            guide = client.GetSessionGuide(session=session)
            for each in (before, guide):
                each.ClearField("due_measures")
                each.ClearField("scheduling")
                for finding in each.findings:
                    finding.ClearField("scheduling")
            self.assertEqual(before, guide)
            # Soon nobody waits.
            quick = lambda: self.takes(lambda: client.GetSessionGuide(session=session)) < 1  # noqa: E731
            wait_until(quick, "guides to be quick again", seconds=60)
            outcomes.send_signal(signal.SIGCONT)
        outcomes.wait()
        details = self.not_told(world)
        self.assertTrue(details)
        self.assertEqual(1, max(details.values()), "once for each cause")
        world.outcomes.start()
        wait_until(lambda: self.due(client, session)[0] == "KNOWN", "outcomes to be asked again")

    @staticmethod
    def rests(pid):
        """Whether all threads of a process are stopped or dead."""
        try:
            return all(task.read_text().rsplit(") ", 1)[1][0] in "TZX"
                       for task in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"))
        except OSError:  # one ended meanwhile
            return False

    @staticmethod
    def takes(call):
        began = time.monotonic()
        call()
        return time.monotonic() - began

    @staticmethod
    def not_told(world):
        """How often each cause is in the log."""
        lines = [json.loads(line) for line in world.server.log().splitlines() if "due_measures_not_told" in line]
        return collections.Counter((line["detail"], line.get("clinic", "")) for line in lines)

    def test_a_guide_says_that_outcomes_refuses_to_tell(self):
        identity = Identity()
        token = pathlib.Path(tempfile.mkdtemp(prefix="ipt-e2e-token-")) / "token"
        self.addCleanup(shutil.rmtree, token.parent)
        token.write_text(identity.token("north", scopes="plans.read"))
        world = self.world("sqlite", outcomes=True, outcomes_identity=identity, flags=[
            f"--outcomes_ca_file={identity.dir}/ca.crt", f"--outcomes_token_file={token}"])
        client = world.client()
        session = self.recent(client).sessions[3]
        state = lambda: self.due(client, session)[0]  # noqa: E731
        self.assertEqual("NOT_PERMITTED", state())
        for text, expected in ((identity.token("north", scopes="outcomes.read"), "KNOWN"),
                               (identity.token("south", scopes="outcomes.read"), "NOT_PERMITTED"),
                               (identity.token("north", scopes="outcomes.read"), "KNOWN"),
                               (identity.token("north", scopes="outcomes.read", ttl="-3600"), "NOT_PERMITTED")):
            token.write_text(text)
            wait_until(lambda: state() == expected, f"{expected} by another token", seconds=30)
        for _ in range(10):
            self.assertEqual("NOT_PERMITTED", state())
        self.assertEqual([1, 1, 1], list(self.not_told(world).values()))
        self.assertEqual(["", "", "north"], sorted(clinic for _, clinic in self.not_told(world)))
        # A server that was told of no outcomes says so.
        alone = self.world("suite").client()
        self.assertEqual("NOT_CONFIGURED", self.due(alone, self.recent(alone).sessions[3])[0])

    def test_guides_leave_outcomes_a_thread_of_a_small_suite(self):
        world = self.world("suite", outcomes=True, flags=["--executor_threads=2"])
        client = world.client()
        course = self.recent(client)
        session = course.sessions[3]
        client.ListDueMeasurements(parent=course.name)  # so outcomes looks for it at once
        wait_until(lambda: self.due(client, session)[0] == "KNOWN", "outcomes to know the course")
        states = collections.Counter()

        def read():
            own = world.client()
            for _ in range(25):
                states[self.due(own, session)[0]] += 1

        before = self.calls_of_outcomes(world)
        readers = [threading.Thread(target=read) for _ in range(12)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        self.assertEqual(300, sum(states.values()))
        self.assertGreater(states["KNOWN"], 0)
        after = self.calls_of_outcomes(world)
        self.assertGreater(after["OK"], before["OK"])
        self.assertEqual(before["DEADLINE_EXCEEDED"], after["DEADLINE_EXCEEDED"])

    @staticmethod
    def calls_of_outcomes(world):
        """How many calls to outcomes ended, by code."""
        return {code: support.total(world.server.admin, "ipt_peer_calls_total", peer=["outcomes"], grpc_code=[code])
                for code in ("OK", "DEADLINE_EXCEEDED")}

    @staticmethod
    def outcome(call, **fields):
        try:
            call(**fields)
            return "OK"
        except Refused as error:
            return error.code

    def test_a_callers_trace_is_in_the_lines_of_both_services(self):
        for engine in ("suite", "sqlite"):
            world, trace = self.world(engine), f"{random.getrandbits(128) | 1:032x}"
            client = world.client()
            client.metadata = (*client.metadata, ("traceparent", f"00-{trace}-{'b' * 16}-01"))
            self.assertEqual("NOT_FOUND", self.outcome(client.CreateGoal, parent=f"{NORTH}/courses/{rid()}",
                                                       goal=dict(description="To sleep.")))
            lines = functools.partial(self.lines_of, world, trace)
            wait_until(lambda lines=lines: len(lines()) == 2, "a line of each service")
            goal, asked = lines()["CreateGoal"], lines()["GetCourse"]
            self.assertEqual("b" * 16, goal["parent_span_id"])
            self.assertEqual(goal["span_id"], asked["parent_span_id"])
            self.assertNotEqual(goal["span_id"], asked["span_id"])

    @staticmethod
    def lines_of(world, trace):
        """The log lines of calls of that trace, by method."""
        told = "".join(server.log() for server in {world.server, world.scheduling})
        lines = [json.loads(line) for line in told.splitlines() if trace in line and line.endswith("}")]
        return {line["method"].rsplit("/", 1)[1]: line for line in lines if line["event"] == "call"}

    def test_a_folder_of_ones_own_changes_the_guide_without_a_rebuild(self):
        """As a mounted ConfigMap has it: links into a folder whose name begins with dots."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="ipt-e2e-protocol-"))
        self.addCleanup(shutil.rmtree, folder)
        shutil.copytree(support.ROOT / "services/formulation/protocol", folder / "..data")
        tasks = folder / "..data" / "tasks.json"
        tasks.write_text(tasks.read_text().replace('"Timeline"', '"Our own timeline"'))
        for entry in (folder / "..data").iterdir():
            (folder / entry.name).symlink_to(pathlib.Path("..data") / entry.name)
        world = World("suite", flags=[f"--protocol_dir={folder}"])
        self.addCleanup(world.close)
        client = world.client()
        course = self.ready(client, held=2)
        names = {task.task.display_name for task in client.GetSessionGuide(session=course.sessions[1]).tasks}
        self.assertIn("Our own timeline", names)
        self.assertNotIn("Timeline", names)

        for broken in (folder / "..data" / "areas" / "grief.json", tasks):
            broken.write_text("{")
        done = world.server.run(*world.server.store, "--formulation", f"--protocol_dir={folder}")
        self.assertNotEqual(0, done.returncode)
        for named in ("areas/grief.json", "tasks.json"):
            self.assertIn(named, done.stderr)

    def test_both_courses_are_played_in_one_go(self):
        """As a demo does it."""
        client = self.world("suite").client()
        for make, id_ in ((Grief, "k1"), (Dispute, "k2")):
            course = make(client.call, NORTH, id_, f"{NORTH}/therapists/ana", TODAY - DAY)
            course.play()
            wait_until(lambda: not client.findings(course.name), "no finding to be left")
        self.assertEqual(2, len(client.ListCourseFocuses(parent=NORTH).course_focuses))

    # ------------------------------------------------------------------------------------ two at once

    def test_two_editors_of_a_draft_lose_nothing(self):
        for engine in ("suite", "postgres"):
            with self.subTest(engine):
                world = self.world(engine)
                client = world.client()
                course = self.ready(client, held=3)
                save = lambda **more: client.SaveFormulationDraft(course=course.name, **more)  # noqa: E731
                base = save(content=dict(patient_narrative="begun", clinical_narrative="ours")).saved
                # One is saved, the other is told of both.
                first = save(etag=base.etag, content=dict(patient_narrative="mine")).saved
                asked = dict(etag=base.etag, content=dict(patient_narrative="yours"), request_id=rid(),
                             on_conflict="CONFLICT_HANDLING_RETURN_BOTH")
                both = save(**asked)
                self.assertEqual(("conflict", 0), (both.WhichOneof("result"), both.revision))
                conflict = both.conflict
                self.assertEqual(("yours", "ours", "mine", first.etag, base.etag), (
                    conflict.mine.patient_narrative, conflict.mine.clinical_narrative,
                    conflict.theirs.content.patient_narrative, conflict.theirs.etag, conflict.base_etag))
                self.assertEqual([("patient_narrative", "mine", "yours")], [
                    (each.path, each.before, each.after) for each in conflict.differences])
                self.assertEqual("mine", client.GetFormulation(course=course.name).pending.content.patient_narrative)
                save(etag=first.etag, content=dict(patient_narrative="both"))
                self.assertEqual(both, save(**asked))  # kept under its request_id
                self.many_editors(world, course)

    def many_editors(self, world, course, threads=8, saves=25):
        """Each adds lines of its own to what it last saw: all are there in the end, once, in their order."""
        errors, conflicts = [], collections.Counter()
        replicas = [world]
        if world.scheduling is not world.server:
            replicas.append(world.replica())
            self.addCleanup(replicas[1].close)

        def edit(number):
            client = Client(replicas[number % len(replicas)])
            seen = client.GetFormulation(course=course.name).pending
            for i in range(saves):
                while True:
                    request = client.request(
                        "SaveFormulationDraft", course=course.name, etag=seen.etag, on_conflict=2, content=dict(
                            patient_narrative=f"{seen.content.patient_narrative}\n{number}-{i}"))
                    answer = again(client, request)
                    if answer.WhichOneof("result") == "saved":
                        seen = answer.saved
                        break
                    conflicts[number] += 1
                    seen = answer.conflict.theirs

        self.in_threads([lambda n=n: edit(n) for n in range(threads)], errors)
        draft = world.client().GetFormulation(course=course.name).pending
        lines = draft.content.patient_narrative.split("\n")[1:]
        self.assertEqual(threads * saves, len(lines))
        for number in range(threads):
            self.assertEqual([f"{number}-{i}" for i in range(saves)],
                             [line for line in lines if line.startswith(f"{number}-")])
        self.assertGreater(sum(conflicts.values()), 0)

    def in_threads(self, works, errors):
        def run(work):
            try:
                work()
            except Exception as error:
                errors.append(error)
        running = [threading.Thread(target=run, args=(work,)) for work in works]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        self.assertEqual([], errors)

    def test_two_who_propose_agree_and_revise_never_make_two_current(self):
        for engine in ("suite", "postgres"):
            with self.subTest(engine):
                world = self.world(engine)
                client = world.client()
                course = self.ready(client, held=3)
                for content in course.drafts:
                    course.save(content(course))
                self.one_wins(world, course, lambda c, etag: c.ProposeFormulation(course=course.name, etag=etag))
                self.one_wins(world, course, lambda c, etag: c.AgreeFormulation(
                    course=course.name, etag=etag, agreed_on=date(TODAY), agreed_by=1, mode=1))
                self.one_wins(world, course, lambda c, etag: c.ReviseFormulation(
                    course=course.name, etag=etag, reason=2))
                self.many_revisions(world, course)

    def one_wins(self, world, course, act):
        """Of four with the same etag one is heard."""
        before = world.client().GetFormulation(course=course.name)
        etag = (before.pending if before.HasField("pending") else before.current).etag
        start, heard, refused = threading.Barrier(4), [], []

        def try_it():
            client = world.client()
            start.wait()
            try:
                heard.append(act(client, etag))
            except Refused as error:
                refused.append((error.code, error.reason))

        self.in_threads([try_it] * 4, [])
        self.assertEqual((1, 3), (len(heard), len(refused)), refused)
        self.assertLessEqual(set(refused), {("ABORTED", "ETAG_MISMATCH"), ("FAILED_PRECONDITION", "FORMULATION_STATE"),
                                            ("ABORTED", "STORE_CONFLICT")})
        self.one_current(world.client(), course)

    def one_current(self, client, course):
        states = collections.Counter(
            word(formulation_pb2.RevisionState, each.state)
            for each in client.ListFormulationRevisions(parent=course.name, page_size=20).revisions)
        self.assertLessEqual(states["AGREED"], 1)
        self.assertLessEqual(states["DRAFT"] + states["PROPOSED"], 1)
        formulation = client.GetFormulation(course=course.name)
        if formulation.HasField("current"):
            self.assertEqual("AGREED", word(formulation_pb2.RevisionState, formulation.current.state))

    def many_revisions(self, world, course, actors=4, seconds=4):
        errors, agreed, over = [], [], time.monotonic() + seconds

        def act(seed):
            client, rng = world.client(), random.Random(seed)
            while time.monotonic() < over:
                seen = client.GetFormulation(course=course.name)
                time.sleep(rng.random() / 100)
                try:
                    if not seen.HasField("pending"):
                        client.ReviseFormulation(course=course.name, etag=seen.current.etag, reason=2)
                    elif seen.pending.state == formulation_pb2.REVISION_STATE_DRAFT:
                        client.ProposeFormulation(course=course.name, etag=seen.pending.etag)
                    elif rng.random() < 0.2:
                        client.WithdrawProposal(course=course.name, etag=seen.pending.etag, reason="once more")
                    else:
                        done = client.AgreeFormulation(course=course.name, etag=seen.pending.etag,
                                                       agreed_on=date(TODAY), agreed_by=1, mode=2)
                        agreed.append(done.current.number)
                except Refused as error:
                    if error.reason not in ("ETAG_MISMATCH", "FORMULATION_STATE", "STORE_CONFLICT", "LIMIT_REACHED"):
                        raise

        def look():
            client = world.client()
            while time.monotonic() < over:
                self.one_current(client, course)

        self.in_threads([lambda n=n: act(n) for n in range(actors)] + [look], errors)
        client = world.client()
        revisions = client.all("ListFormulationRevisions", "revisions", parent=course.name)
        numbers = [each.number for each in revisions if each.number]
        self.assertEqual(sorted(set(numbers), reverse=True), numbers)
        held = [each.number for each in revisions if word(formulation_pb2.RevisionState, each.state) in
                ("AGREED", "SUPERSEDED")]
        self.assertEqual(sorted([1, *agreed], reverse=True), held)
        self.assertEqual(len(held), client.GetFormulation(course=course.name).agreed_revisions)
        self.assertGreater(len(agreed), 2)

    # --------------------------------------------------------------------------------- scheduling away

    def test_reads_go_on_and_writes_wait_while_scheduling_is_away(self):
        for engine in ("sqlite", "postgres"):
            with self.subTest(engine):
                world = self.world(engine)
                client = world.client()
                course = self.ready(client)
                for number in range(1, 4):
                    course.record(number)
                course.formulate()
                self.known(client, course)
                self.followed(client)
                before = client.GetFormulation(course=course.name)
                guide = course.guide(5)
                profile = client.GetProtocolAdherence(course=course.name)
                world.scheduling.process.kill()
                world.scheduling.process.wait()
                self.away(client, course, before, guide, profile)
                # What is known of it survives, and is no younger for that.
                known = client.GetFormulation(course=course.name)
                world.server.process.kill()
                world.server.process.wait()
                world.server.start()
                client = world.client()
                course.call = client.call
                self.assertEqual(known, client.GetFormulation(course=course.name))
                # It comes back, and so do writes.
                world.scheduling.start()
                wait_until(lambda: self.works(client.CreateGoal, parent=course.name, goal_id="g9",
                                              goal=dict(description="after all")), "writes to work again", seconds=60)
                course.record(4)
                self.assertEqual(4, client.GetSessionWork(session=course.sessions[4]).session_number)
                wait_until(lambda: client.GetFormulation(course=course.name).scheduling.current, "the copy to follow")
                # What happened there meanwhile arrives, too.
                client.TransferCourse(name=course.name, therapist=f"{NORTH}/therapists/ben")
                wait_until(lambda: {each.therapist for each in client.findings(course.name).values()} ==
                           {f"{NORTH}/therapists/ben"}, "the transfer")

    def works(self, call, **fields):
        try:
            call(**fields)
            return True
        except Refused as error:
            self.assertEqual(("UNAVAILABLE", "PEER_UNAVAILABLE"), (error.code, error.reason), str(error))
            return False

    def away(self, client, course, before, guide, profile):
        wait_until(lambda: not client.GetFormulation(course=course.name).scheduling.current, "the copy to age")
        plain = self.without_view
        now = client.GetFormulation(course=course.name)
        self.assertEqual(plain(before), plain(now))
        self.assertGreater(support.now() - support.instant(now.scheduling.as_of_time), datetime.timedelta(0))
        time.sleep(1.2)
        self.assertEqual(now.scheduling.as_of_time,  # it is no younger for being asked
                         client.GetFormulation(course=course.name).scheduling.as_of_time)
        for name, fields, expected in (
                ("GetSessionGuide", dict(session=course.sessions[5]), guide),
                ("GetProtocolAdherence", dict(course=course.name), profile),
                ("GetInterpersonalInventory", dict(course=course.name), None),
                ("GetTermination", dict(course=course.name), None),
                ("GetSessionWork", dict(session=course.sessions[1]), None),
                ("ListSessionWork", dict(parent=course.name), None),
                ("ListFindings", dict(parent=course.name), None),
                ("ListFindings", dict(parent=f"{NORTH}/courses/-"), None),
                ("GetProblemArea", dict(name=course.of("problemAreas/a1")), None)):
            answer = client.call(name, **fields)
            self.assertFalse(answer.scheduling.current, name)
            self.assertTrue(answer.scheduling.HasField("as_of_time"), name)
            if expected is not None:
                self.assertEqual(plain(expected), plain(answer))
        for name, fields in (("GetPatientCopy", dict(course=course.name)), ("ListGoals", dict(parent=course.name)),
                             ("ListCourseFocuses", dict(parent=NORTH)), ("ListProtocols", dict(parent=NORTH)),
                             ("ListFormulationRevisions", dict(parent=course.name)),
                             ("ListGoalRatings", dict(parent=course.of("goals/-"))),
                             ("GetRelationship", dict(name=course.of("relationships/r1")))):
            client.call(name, **fields)
        current = now.current.etag
        for name, fields in (
                ("CreateRelationship", dict(parent=course.name, relationship=dict(display_name="N.", kind=6))),
                ("UpdateRelationship", dict(relationship=dict(name=course.of("relationships/r3"), satisfaction=1))),
                ("DeleteRelationship", dict(name=course.of("relationships/r4"))),
                ("CreateLifeEvent", dict(parent=course.name, life_event=dict(
                    kind=10, display_name="x", start_date=dict(date=dict(year=2000))))),
                ("UpdateLifeEvent", dict(life_event=dict(name=course.of("lifeEvents/e5"), impact=2))),
                ("DeleteLifeEvent", dict(name=course.of("lifeEvents/e5"))),
                ("CreateProblemArea", dict(parent=course.name, problem_area=dict(kind=2, display_name="x"))),
                ("UpdateProblemArea", dict(problem_area=dict(name=course.of("problemAreas/a2"), rank=3))),
                ("DeleteProblemArea", dict(name=course.of("problemAreas/a2"))),
                ("CreateGoal", dict(parent=course.name, goal=dict(description="x"))),
                ("UpdateGoal", dict(goal=dict(name=course.of("goals/g1"), measure="x"))),
                ("ChangeGoalState", dict(name=course.of("goals/g1"), state=3)),
                ("RateGoal", dict(goal=course.of("goals/g1"), rating=dict(value=3, rater=1, rated_on=date(TODAY)))),
                ("SaveFormulationDraft", dict(course=course.name, content=dict(patient_narrative="x"))),
                ("ReviseFormulation", dict(course=course.name, etag=current, reason=2)),
                ("RecordSessionWork", dict(session=course.sessions[4], session_work=dict(mood_and_events="x"))),
                ("UpdateTermination", dict(course=course.name, termination=dict(gains="x")))):
            error = self.refused("UNAVAILABLE", "PEER_UNAVAILABLE", client.call, name, **fields)
            self.assertIn("RetryInfo", error.details, name)
            self.assertTrue(error.info.get("service"), name)
        # Of a course that nothing is known of.
        unknown = f"{NORTH}/courses/nobody"
        formulation = client.GetFormulation(course=unknown)
        self.assertEqual(("NONE", False), (word(formulation_pb2.FormulationState, formulation.state),
                                           formulation.scheduling.current))
        for name, fields in (("GetSessionGuide", dict(session=f"{unknown}/sessions/s1")),
                             ("GetProtocolAdherence", dict(course=unknown))):
            error = self.refused("UNAVAILABLE", "PEER_UNAVAILABLE", client.call, name, **fields)
            self.assertIn("RetryInfo", error.details)
        self.assertEqual(plain(before), plain(client.GetFormulation(course=course.name)))  # nothing was written

    @staticmethod
    def without_view(message):
        """What is stated, without as of when scheduling was known: it is in findings and revisions, too."""
        other = type(message)()
        other.CopyFrom(message)
        if not hasattr(other, "etag") and hasattr(other, "revision"):  # that of the store
            other.ClearField("revision")
        todo = [other]
        while todo:
            each = todo.pop()
            for field, value in each.ListFields():
                if field.name == "scheduling":
                    each.ClearField("scheduling")
                elif field.message_type and field.message_type.full_name.startswith("ipt."):
                    todo += list(value) if field.label == support.REPEATED else [value]
        return other

    # ------------------------------------------------------------------------------------------ kill -9

    def test_what_was_acknowledged_survives_kill_9_and_nothing_comes_twice(self):
        for engine in ENGINES:
            with self.subTest(engine):
                world = self.world(engine)
                course = self.ready(world.client())
                self.known(world.client(), course)
                draft = world.client().SaveFormulationDraft(course=course.name, content=dict(
                    patient_narrative="begun")).saved
                errors, acknowledged, broken = [], [], []

                def write(work):
                    client = world.client()
                    for i in range(WRITES_EACH):
                        name, fields = work(i)
                        request = client.request(name, **fields)
                        answer = again(client, request, broken)
                        acknowledged.append((name, request, answer))

                seen = [draft]

                def save(i):
                    drafts = [a.saved for n, _, a in acknowledged if n == "SaveFormulationDraft"]
                    last = (drafts or seen)[-1]
                    return "SaveFormulationDraft", dict(course=course.name, etag=last.etag, content=dict(
                        patient_narrative=f"{last.content.patient_narrative} {i}"))

                works = (
                    save,
                    lambda i: ("CreateRelationship", dict(parent=course.name, relationship=dict(
                        display_name=f"n{i}", kind=6))),
                    lambda i: ("CreateLifeEvent", dict(parent=course.name, life_event=dict(
                        kind=10, display_name=f"n{i}", start_date=dict(date=dict(year=1950 + i))))),
                    lambda i: ("RateGoal", dict(goal=course.of("goals/g1"), rating=dict(
                        value=i % 11, rater=2, rated_on=date(TODAY), note=f"n{i}"))),
                    lambda i: ("RecordSessionWork", dict(session=course.sessions[1 + i % 16], session_work=dict(
                        process_notes=f"n{i}"))),
                )
                # The main thread kills and starts: a server ends with the thread that started it.
                running = [threading.Thread(target=self.keep, args=(errors, write, work)) for work in works]
                for thread in running:
                    thread.start()
                for pause in (0.15, 0.05, 0.1):
                    time.sleep(pause)
                    world.server.process.kill()
                    self.assertEqual(-signal.SIGKILL, world.server.process.wait(30))
                    world.server.start()
                for thread in running:
                    thread.join(300)
                self.assertEqual([], errors)
                self.assertTrue(broken, "no call was under way when it was killed")
                self.is_there(world.client(), course, acknowledged)

    @staticmethod
    def keep(errors, work, *args):
        try:
            work(*args)
        except Exception as error:
            errors.append(error)

    def is_there(self, client, course, acknowledged):
        of = lambda name: [answer for method, _, answer in acknowledged if method == name]  # noqa: E731
        self.assertEqual(5 * WRITES_EACH, len(acknowledged))
        inventory = client.GetInterpersonalInventory(course=course.name)
        self.assertEqual(sorted(ids(of("CreateRelationship"))),
                         sorted(name for name in ids(inventory.relationships) if len(name) > 3))
        self.assertEqual(sorted(ids(of("CreateLifeEvent"))),
                         sorted(name for name in ids(inventory.life_events) if len(name) > 3))
        for each in of("CreateRelationship")[-3:]:
            self.assertEqual(each, client.GetRelationship(name=each.name))
        ratings = client.ListGoalRatings(parent=course.of("goals/g1"), page_size=1000).ratings
        self.assertEqual([each.note for each in of("RateGoal")], [each.note for each in ratings])
        self.assertEqual(WRITES_EACH, client.GetGoal(name=course.of("goals/g1")).rating_count)
        draft = client.GetFormulation(course=course.name).pending
        self.assertEqual(" ".join(["begun", *map(str, range(WRITES_EACH))]), draft.content.patient_narrative)
        last = {}
        for method, request, answer in acknowledged:
            if method == "RecordSessionWork":
                last[request.session] = answer
        for session, answer in last.items():
            self.assertEqual((answer.process_notes, answer.etag, answer.revision), (
                lambda read: (read.process_notes, read.etag, read.revision))(client.GetSessionWork(session=session)))
        # The same request again gets the same answer.
        for method, request, answer in acknowledged[-5:]:
            self.assertEqual(answer, client.send(method, request))
        # Each write has its entry in the audit, once.
        entries = client.all("ListAuditEntries", "audit_entries", parent=NORTH, page_size=1000)
        told = collections.Counter(entry.request_id for entry in entries if entry.outcome == "OK" and (
            "/ipt.formulation" in entry.method))
        for method, request, _ in acknowledged:
            self.assertGreaterEqual(told[request.request_id], 1, method)
        rated = [entry for entry in entries if entry.method.endswith("/RateGoal") and entry.outcome == "OK"]
        self.assertEqual(WRITES_EACH, len({entry.request_id for entry in rated}))

    # --------------------------------------------------------------------------- who may, who takes over

    def test_a_transferred_course_keeps_its_formulation(self):
        for engine in ("suite", "postgres"):
            with self.subTest(engine):
                client = self.world(engine).client()
                ana, ben = (f"{NORTH}/therapists/{name}" for name in ("ana", "ben"))
                courses = [self.ready(client, f"k{i}", held=3) for i in (1, 2)]
                for course in courses:
                    course.formulate()
                before = [client.GetFormulation(course=course.name).current for course in courses]
                wait_until(lambda: {f.course for f in client.ListFindings(
                    parent=f"{NORTH}/courses/-", therapist=ana).findings} == {course.name for course in courses},
                           "findings of both courses")
                client.TransferCourses(from_therapist=ana, to_therapist=ben, reason="leaves the clinic")
                wait_until(lambda: {f.course for f in client.ListFindings(
                    parent=f"{NORTH}/courses/-", therapist=ben).findings} == {course.name for course in courses},
                           "the findings to go along")
                self.assertFalse(client.ListFindings(parent=f"{NORTH}/courses/-", therapist=ana).findings)
                for course, held in zip(courses, before):
                    now = client.GetFormulation(course=course.name).current
                    self.assertEqual((held.content, held.etag, held.agreement), (now.content, now.etag, now.agreement))
                    self.assertEqual(5, len(client.GetInterpersonalInventory(course=course.name).relationships))
                    self.assertEqual(2, len(client.ListGoals(parent=course.name).goals))
                    course.record(1)  # who takes over goes on with it

    def test_another_clinic_sees_nothing_scopes_hold_and_readers_are_written_down(self):
        identity = Identity()
        world = self.world("suite", identity, clinics=("north", "south"))
        client = world.client()
        course = self.ready(client, held=3)
        course.formulate()
        names = {"clinics/{clinic}": NORTH, "clinics/{clinic}/courses/{course}": course.name,
                 "clinics/{clinic}/courses/{course}/sessions/{session}": course.sessions[1],
                 "clinics/{clinic}/therapists/{therapist}": f"{NORTH}/therapists/ana",
                 "clinics/{clinic}/protocols/{protocol}": f"{NORTH}/protocols/ipt-uk-16--ipt-uk",
                 "clinics/{clinic}/courses/{course}/formulation/revisions/{revision}":
                     course.of("formulation/revisions/1"),
                 "clinics/{clinic}/courses/{course}/relationships/{relationship}": course.of("relationships/r1"),
                 "clinics/{clinic}/courses/{course}/lifeEvents/{life_event}": course.of("lifeEvents/e1"),
                 "clinics/{clinic}/courses/{course}/problemAreas/{problem_area}": course.of("problemAreas/a1"),
                 "clinics/{clinic}/courses/{course}/goals/{goal}": course.of("goals/g1"),
                 "clinics/{clinic}/courses/{course}/goals/{goal}/ratings/{rating}": course.of("goals/g1/ratings/x")}
        requests = {}
        for path, method in METHODS.items():
            request = message_class(method.input_type)()
            for way, pattern in support.resource_fields(method.input_type):
                one_of = way[0].containing_oneof
                if not one_of or request.WhichOneof(one_of.name) in (None, way[0].name):
                    support.put(request, way, names[pattern])
            requests[path] = request
        scopes = {method.GetOptions().Extensions[options_pb2.policy].scope for method in METHODS.values()}
        self.assertEqual({"inventory.read", "inventory.write", "formulations.read", "formulations.write",
                          "patient_copy.read", "focus.read", "protocols.read", "session_work.read",
                          "session_work.write", "adherence.read", "formulation_events.read",
                          "formulation_policy.read", "formulation_policy.write"}, scopes)
        stranger = world.client(identity.token("south"))
        only = functools.lru_cache(lambda scope: world.client(identity.token("north", scopes=scope)))
        but = functools.lru_cache(lambda scope: world.client(
            identity.token("north", scopes=" ".join(scopes - {scope}))))
        for path, request in requests.items():
            with self.subTest(path):
                method = METHODS[path]
                policy = method.GetOptions().Extensions[options_pb2.policy]
                if "request_id" in method.input_type.fields_by_name:
                    request.request_id = rid()
                self.refused("NOT_FOUND", "RESOURCE_NOT_FOUND", stranger.send, path, request)
                others = but(policy.scope)
                error = self.refused("PERMISSION_DENIED", "SCOPE_MISSING", others.send, path, request)
                self.assertEqual(policy.scope, error.info["scope"])
                if policy.access == options_pb2.ACCESS_READ:
                    only(policy.scope).send(path, request)
        self.refused("UNAUTHENTICATED", "UNAUTHENTICATED", Client(world).GetFormulation,
                     course=course.name)
        # A name of another clinic, in a field of a request of one's own.
        south = world.client(identity.token("south"))
        theirs = self.ready(south, "k1", clinic="clinics/south", held=3)
        self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", south.CreateGoal, parent=theirs.name, goal=dict(
            description="x", problem_area=course.of("problemAreas/a1")))
        self.assertFalse(south.ListCourseFocuses(parent="clinics/south").course_focuses)
        # A portal that may read the patient's copy reads nothing else; supervision reads counts.
        portal = world.client(identity.token("north", scopes="patient_copy.read"))
        self.assertTrue(portal.GetPatientCopy(course=course.name).narrative)
        self.refused("PERMISSION_DENIED", "SCOPE_MISSING", portal.GetFormulation, course=course.name)
        # Who read the inventory is written down, and who was refused it.
        reader = world.client(identity.token("north", subject="dr-jones", scopes="inventory.read"))
        reader.GetInterpersonalInventory(course=course.name)
        curious = world.client(identity.token("north", subject="dr-nosy", scopes="patient_copy.read"))
        self.refused("PERMISSION_DENIED", "SCOPE_MISSING", curious.GetInterpersonalInventory, course=course.name)
        entries = lambda: {(e.caller, e.resource, e.outcome) for e in client.all(  # noqa: E731
            "ListAuditEntries", "audit_entries", parent=NORTH) if e.method.endswith("/GetInterpersonalInventory")}
        wait_until(lambda: {("dr-jones", course.name, "OK"), ("dr-nosy", course.name, "PERMISSION_DENIED")}
                   <= entries(), "who read the inventory", seconds=10)

    # -------------------------------------------------------------------------------------------- privacy

    def test_what_is_said_of_patients_is_in_the_store_and_nowhere_else(self):
        for engine in ("suite", "postgres"):
            with self.subTest(engine):
                world = self.world(engine, flags=("--log_level=debug", "--slow_call=0s", "--slow_statement=0s"))
                marking = Marking(world.client())
                for make, id_ in ((Grief, "k1"), (Dispute, "k2")):
                    make(marking.call, NORTH, id_, f"{NORTH}/therapists/ana", TODAY - DAY).play()
                self.revise_and_withdraw(marking, f"{NORTH}/courses/k1")
                self.assertEqual(set(), Marking.fields() - marking.marked)
                client = marking.client
                course = f"{NORTH}/courses/k1"
                # It is all there, for whom it is there.
                for answer, fields in (
                        (client.GetInterpersonalInventory(course=course), ("attachment_notes", "mood_link", "text")),
                        (client.GetProblemArea(name=f"{course}/problemAreas/a1"), ("circumstances", "therapist_view")),
                        (client.GetFormulation(course=course), ("clinical_narrative", "patient_narrative",
                                                                "explanation")),
                        (client.ListSessionWork(parent=course), ("process_notes", "tryouts_agreed")),
                        (client.GetTermination(course=course), ("gains", "plan_steps", "how"))):
                    for field in fields:
                        self.assertIn(f"CANARY-{field}", str(answer))
                copy = str(client.GetPatientCopy(course=course))
                self.assertEqual({"patient_narrative", "display_name", "description", "missed_session_policy",
                                  "here_and_now_focus", "practicalities"}, set(re.findall(r"CANARY-(\w+)", copy)))
                for name, fields in (("ListFindings", dict(parent=f"{NORTH}/courses/-")),
                                     ("GetProtocolAdherence", dict(course=course)),
                                     ("ListCourseFocuses", dict(parent=NORTH)),
                                     ("ListAuditEntries", dict(parent=NORTH, page_size=1000))):
                    self.assertNotIn("CANARY", str(client.call(name, **fields)), name)
                follower = Follower(client, parent=NORTH, oldest=True)
                last = client.GetTermination(course=f"{NORTH}/courses/k2").revision
                follower.until(lambda events: events and events[-1].revision >= last)
                self.assertGreater(len(follower.events), 100)
                self.assertNotIn("CANARY", str(follower.events))
                follower.call.cancel()
                self.wrong_calls_tell_nothing(client, course)
                self.assertNotIn("CANARY", str(client.all("ListAuditEntries", "audit_entries", parent=NORTH)))
                self.assertNotIn("CANARY", support.http(world.server.admin, "/metrics")[1])
                world.server.stop()  # so that the whole log is written
                log = world.server.log()
                self.assertIn("/SaveFormulationDraft", log)
                self.assertIn("SELECT", log.upper())
                self.assertEqual([], [line for line in log.splitlines() if "canary" in line.lower()][:3])
                self.assertNotIn(b"CANARY".hex(), log.lower())
                if world.scheduling is not world.server:
                    world.scheduling.stop()
                    self.assertNotIn("CANARY", world.scheduling.log())

    def revise_and_withdraw(self, marking, course):
        """What the worked courses have no use for."""
        etag = marking.client.GetFormulation(course=course).current.etag
        revised = marking.call("ReviseFormulation", course=course, etag=etag, reason=6, reason_text="a word")
        proposed = marking.call("ProposeFormulation", course=course, etag=revised.pending.etag)
        withdrawn = marking.call("WithdrawProposal", course=course, etag=proposed.pending.etag, reason="no")
        marking.call("DiscardFormulationDraft", course=course, etag=withdrawn.pending.etag)
        marking.call("UpdateRelationship", relationship=dict(name=f"{course}/relationships/r3", satisfaction=2))
        marking.call("UpdateLifeEvent", life_event=dict(name=f"{course}/lifeEvents/e5", impact=2))
        marking.call("UpdateGoal", goal=dict(name=f"{course}/goals/g1", measure="by ear"))

    def wrong_calls_tell_nothing(self, client, course):
        mark = "CANARY-of-mrs-brown"
        session = client.ListSessions(parent=course).sessions[0].name
        draft = client.call("ReviseFormulation", course=course, reason=2,
                            etag=client.GetFormulation(course=course).current.etag).pending
        errors = []
        for name, fields in (
                ("CreateRelationship", dict(parent=course, relationship_id=mark, relationship=dict(
                    display_name="x", kind=1))),
                ("CreateRelationship", dict(parent=course, relationship=dict(display_name=mark * 20, kind=1))),
                ("CreateRelationship", dict(parent=course, relationship=dict(
                    display_name=mark, kind=1, satisfaction=99, end_date=dict(date=dict(year=2020))))),
                ("UpdateRelationship", dict(relationship=dict(name=f"{course}/relationships/r1", etag=mark,
                                                              mood_link=mark))),
                ("CreateLifeEvent", dict(parent=course, life_event=dict(display_name=mark, description=mark * 400))),
                ("ListLifeEvents", dict(parent=course, page_token=mark)),
                ("CreateProblemArea", dict(parent=course, problem_area=dict(
                    kind=1, display_name="x", evidence=[dict(criterion=mark, finding=1)]))),
                ("SaveFormulationDraft", dict(course=course, etag=mark, content=dict(patient_narrative=mark))),
                ("SaveFormulationDraft", dict(course=course, etag=draft.etag, content=dict(
                    links=[dict(id=mark, explanation=mark)], patient_narrative=mark * 1000))),
                ("SaveFormulationDraft", dict(course=course, etag=draft.etag, content=dict(
                    patient_narrative=mark), update_mask=dict(paths=[mark]))),
                ("DiscardFormulationDraft", dict(course=course, etag=mark)),
                ("WithdrawProposal", dict(course=course, etag=draft.etag, reason=mark)),
                ("WithdrawProposal", dict(course=course, etag=draft.etag, reason=mark * 20)),
                ("CreateGoal", dict(parent=course, goal=dict(description=mark * 100))),
                ("ChangeGoalState", dict(name=f"{course}/goals/g1", state=6, reason=mark * 20)),
                ("ChangeGoalState", dict(name=f"{course}/goals/g1", state=1, reason=mark)),
                ("RateGoal", dict(goal=f"{course}/goals/g1", rating=dict(value=77, rater=1, note=mark * 100))),
                ("RecordSessionWork", dict(session=f"{course}/sessions/none", session_work=dict(process_notes=mark))),
                ("RecordSessionWork", dict(session=session, session_work=dict(
                    tasks=[dict(task=mark, state=1)], techniques=[mark], focus_work=[dict(
                        problem_area=f"{course}/problemAreas/a1", strategies=[mark])]))),
                ("UpdateTermination", dict(course=course, termination=dict(
                    plan_steps=[mark * 50], contacts=[dict(how=mark)]))),
                ("UpdateFormulationPolicy", dict(clinic=NORTH, policy=dict(tradition=mark))),
                ("GetFormulation", dict(course=f"{NORTH}/courses/{mark} x")),
                ("formulation_events.WatchEvents", dict(parent=NORTH, cursor=mark))):
            try:
                client.call(name, **fields)
            except Refused as error:
                errors.append((name, error))
                continue
            self.fail(f"{name} was not refused: {fields}")
        # With a string that is no UTF-8.
        path = "/ipt.formulation.v1.FormulationService/SaveFormulationDraft"
        data = client.request(path, course=course, etag=draft.etag, content=dict(
            patient_narrative=f"Jos {mark}")).SerializeToString().replace(b"Jos", b"J\xe9s")
        errors.append((path, self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", client.raw, path, data,
                                          fields=["content.patient_narrative"])))
        for name, error in errors:
            self.assertNotIn(error.code, ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED"), str(error))
            self.assertNotIn("CANARY", error.shape(), name)

    # --------------------------------------------------------------------------------------------- events

    def test_followers_are_told_of_everything_over_restarts(self):
        for engine in ENGINES:
            with self.subTest(engine):
                world = self.world(engine)
                client = world.client()
                follower = Follower(client, parent=NORTH)
                self.assertEqual(0, len(follower.next().events))
                course = Grief(client.call, NORTH, "k1", f"{NORTH}/therapists/ana", TODAY - DAY)
                course.bring_in()
                course.take_inventory()
                course.assess()
                course.write_goals()
                told = follower.until(lambda events: len(events) >= 14)
                self.assertEqual(["RELATIONSHIP_CHANGED"] * 5 + ["LIFE_EVENT_CHANGED"] * 5 +
                                 ["PROBLEM_AREA_CHANGED"] * 2 + ["GOAL_CHANGED"] * 2, [self.kind(e) for e in told])
                self.assertEqual([course.of(f"relationships/r{i}") for i in range(1, 6)],
                                 [e.subject for e in told[:5]])
                cursor = follower.cursor
                follower.call.cancel()
                for number in range(1, 4):
                    course.record(number)
                # It is killed before the follower comes again, and stopped while it follows.
                world.server.process.kill()
                world.server.process.wait()
                world.server.start()
                client = world.client()
                course.call = client.call
                follower = Follower(client, parent=NORTH, cursor=cursor)
                course.formulate()
                follower.until(lambda events: "FORMULATION_AGREED" in map(self.kind, events))
                cursor = follower.cursor
                world.server.process.terminate()
                with self.assertRaises(Refused) as refused:
                    follower.until(lambda events: False)
                self.assertEqual("UNAVAILABLE", refused.exception.code)
                self.assertEqual(0, world.server.process.wait(60))
                world.server.start()
                client = world.client()
                course.call = client.call
                rest = Follower(client, parent=NORTH, cursor=cursor)
                course.record(4)
                course.end()
                client.UpdateFormulationPolicy(clinic=NORTH, policy=dict(focus_by_session=3))
                rest.until(lambda events: events and self.kind(events[-1]) == "POLICY_CHANGED")
                self.everything_was_told(client, course, told, follower.events + rest.events)
                rest.call.cancel()

    @staticmethod
    def kind(event):
        return word(event_service_pb2.EventKind, event.kind)

    def everything_was_told(self, client, course, first, rest):
        events = list({event.event_id: event for event in [*first, *rest]}.values())  # told once at least
        self.assertEqual(sorted(e.revision for e in events), [e.revision for e in events])
        for event in events:
            self.assertEqual(self.kind(event), event.payload.WhichOneof("event").upper())
            self.assertTrue(event.subject.startswith(NORTH))
        of = lambda kind: [e for e in events if self.kind(e) == kind]  # noqa: E731
        self.assertEqual([(session, True) for session in course.sessions[1:5]], [
            (e.payload.session_work_changed.session, e.payload.session_work_changed.first)
            for e in of("SESSION_WORK_CHANGED")])
        self.assertEqual(len(course.drafts), len(of("DRAFT_CHANGED")))
        self.assertEqual(1, len(of("FORMULATION_PROPOSED")))
        (agreed,) = of("FORMULATION_AGREED")
        notice = agreed.payload.formulation_agreed
        self.assertEqual((course.of("formulation"), course.of("formulation/revisions/1"), 1, "AGREED", 1), (
            notice.name, notice.revision_name, notice.number,
            word(formulation_pb2.FormulationState, notice.state), notice.focus.primary_kind))
        self.assertEqual([1, 0], [e.payload.goal_rated.rating_value for e in of("GOAL_RATED")])
        self.assertEqual(1, len(of("TERMINATION_CHANGED")))
        self.assertEqual(1, of("POLICY_CHANGED")[0].payload.policy_changed.version)
        # A read with an event's revision sees it; by kind and by course it is told, too.
        client.GetFormulation(course=course.name, min_revision=events[-1].revision)
        only = Follower(client, parent=NORTH, oldest=True, kinds=["EVENT_KIND_FORMULATION_AGREED"])
        self.assertEqual([agreed.event_id], [e.event_id for e in only.until(lambda got: got)])
        only.call.cancel()
        other = Follower(client, parent=NORTH, oldest=True, course=f"{NORTH}/courses/other")
        self.assertEqual(0, len(other.next().events))
        other.call.cancel()
        text = str(events)
        for content in ("Losing Mum", "mother", "depression", "photographs", "brought cake"):
            self.assertNotIn(content.lower(), text.lower())


def again(client, request, broken=None, seconds=60):
    """The answer, however often the request has to be sent until one is heard."""
    name = NAMES[request.DESCRIPTOR.full_name]
    end = time.monotonic() + seconds
    while True:
        try:
            return client.send(name, request)
        except Refused as error:
            if (error.code != "UNAVAILABLE" and error.reason != "STORE_CONFLICT") or time.monotonic() > end:
                raise
            if broken is not None:
                broken.append(error)
            time.sleep(0.05)


class Marking:
    """A client that writes a mark, with the field's name, into every text of every write of formulation."""

    CODES = {"etag", "request_id", "criterion", "task", "strategies", "techniques", "tradition", "id", "page_token"}

    def __init__(self, client):
        self.client = client
        self.marked = set()

    @classmethod
    def is_text(cls, field):
        rules = field.GetOptions().Extensions[options_pb2.rules]
        return (field.type == field.TYPE_STRING and not rules.resource and not rules.output_only and
                field.name not in cls.CODES and not field.name.endswith("_id"))

    @classmethod
    def fields(cls):
        """All texts that can be written: (message, field)."""
        found, todo, seen = set(), [method.input_type for method in WRITES], set()
        while todo:
            message = todo.pop()
            if message.full_name in seen:
                continue
            seen.add(message.full_name)
            for field in message.fields:
                if field.GetOptions().Extensions[options_pb2.rules].output_only:
                    continue
                if field.message_type and field.message_type.full_name.startswith("ipt.formulation."):
                    todo.append(field.message_type)
                elif cls.is_text(field):
                    found.add((message.full_name, field.name))
        return found

    def call(self, name, /, **fields):
        request = self.client.request(name, **fields)
        if name in OWN:
            self.mark(request)
        return self.client.send(name, request)

    def mark(self, message):
        for field in message.DESCRIPTOR.fields:
            one_of = field.containing_oneof
            chosen = not one_of or message.WhichOneof(one_of.name) == field.name
            many = field.label == support.REPEATED
            if self.is_text(field) and chosen:
                most = field.GetOptions().Extensions[options_pb2.rules].max_bytes or 256
                made = lambda text: f"CANARY-{field.name} {text}"[:most]  # noqa: E731
                if many:
                    texts = [made(text) for text in getattr(message, field.name) or [""]]
                    del getattr(message, field.name)[:]
                    getattr(message, field.name).extend(texts)
                else:
                    setattr(message, field.name, made(getattr(message, field.name)))
                self.marked.add((message.DESCRIPTOR.full_name, field.name))
            elif field.message_type and field.message_type.full_name.startswith("ipt.formulation."):
                values = getattr(message, field.name)
                for value in values if many else [values] if message.HasField(field.name) else []:
                    self.mark(value)


if __name__ == "__main__":
    unittest.main()
