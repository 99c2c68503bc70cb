#!/usr/bin/python3
"""Bad input to the formulation service over the real socket: requests drawn at random, with what nearly could be
right, are answered or refused with fields that exist; and what was taken can be read, all of it."""

import unittest

import support  # first: it makes the generated stubs importable
from malformed import Fuzz, Refusals
from support import FORMULATION, date, message_class
from worked_courses import Dispute

DAY = support.datetime.timedelta(days=1)


@support.on_all(engines=("suite",), secure=(False,))
class FormulationBadInput(Refusals):
    flags = ("--formulation",)

    def setUp(self):
        super().setUp()
        self.methods = {path: method for path, (_, method) in support.methods(FORMULATION).items()
                        if not method.server_streaming}
        self.make_clinic()
        ana = self.make_therapist().name
        call = lambda method, /, **fields: getattr(self.api, method)(**fields)  # noqa: E731
        self.worked = Dispute(call, self.clinic, "c1", ana, support.today() - DAY)
        self.worked.bring_in()
        self.worked.take_inventory()
        self.worked.assess()
        self.worked.write_goals("g1", "g2")
        self.course = self.worked.name

    def test_requests_at_random(self):
        course = self.course
        formulation = f"{course}/formulation/revisions"
        protocol = self.api.GetFormulation(course=course).protocol
        area = next(area for area in self.api.GetProtocol(name=protocol).areas if area.kind == 2)
        names = lambda kind, ids: [f"{course}/{kind}/{id_}" for id_ in ids]  # noqa: E731
        areas = names("problemAreas", self.worked.problem_areas)
        goals = names("goals", ("g1", "g2"))
        drawn = Fuzz(self, {
            "clinics/{clinic}": [self.clinic],
            "clinics/{clinic}/therapists/{therapist}": [f"{self.clinic}/therapists/ana"],
            "clinics/{clinic}/courses/{course}": [course],
            "clinics/{clinic}/courses/{course}/sessions/{session}": self.worked.sessions[1:],
            "clinics/{clinic}/courses/{course}/relationships/{relationship}":
                names("relationships", self.worked.relationships),
            "clinics/{clinic}/courses/{course}/lifeEvents/{life_event}":
                names("lifeEvents", self.worked.life_events),
            "clinics/{clinic}/courses/{course}/problemAreas/{problem_area}": areas,
            "clinics/{clinic}/courses/{course}/goals/{goal}": goals,
            "clinics/{clinic}/courses/{course}/formulation/revisions/{revision}":
                [f"{formulation}/draft", f"{formulation}/1", f"{formulation}/2"],
            "clinics/{clinic}/protocols/{protocol}": [protocol]}, {
                "criterion": [each.code for each in area.criteria], "year": [2025, 2026], "month": [0, 1, 12],
                "day": [0, 1, 28], "kind": [1, 2, 3], "etag": ["", '"1"'], "task": ["TIMELINE", "GOALS"],
                "techniques": ["CLARIFICATION", "a"], "strategies": ["a"], "tradition": ["", "WMK", "IPT_UK"],
                "display_name": ["A", "B"], "description": ["To sleep."], "value": [0, 5, 10], "rater": [1, 2],
                "paths": ["*", "display_name", "kind", "patient_narrative", "focus", "contract.sessions", "tasks"]})
        right = [
            ("CreateLifeEvent", lambda: dict(parent=course, life_event=dict(
                display_name="E", kind=drawn.choice([1, 4, 5]), start_date=dict(date=dict(year=2026))))),
            ("CreateProblemArea", lambda: dict(parent=course, problem_area=dict(
                display_name="A", kind=2, evidence=[dict(criterion=area.criteria[0].code, finding=1)]))),
            ("RateGoal", lambda: dict(goal=drawn.choice(goals), rating=dict(
                value=3, rater=1, rated_on=date(support.today())))),
            ("SaveFormulationDraft", lambda: dict(
                course=course, etag=self.api.GetFormulation(course=course).pending.etag, on_conflict=2,
                content=dict(patient_narrative="N", focus=[dict(problem_area=areas[0])], goals=goals[:1]))),
            ("RecordSessionWork", lambda: dict(session=drawn.choice(self.worked.sessions[1:]), session_work=dict(
                tasks=[dict(task="TIMELINE", state=2)], process_notes="N"))),
            ("UpdateTermination", lambda: dict(course=course, termination=dict(gains="G", early_warning_signs=["S"]))),
            ("UpdateFormulationPolicy", lambda: dict(clinic=self.clinic, policy=dict(focus_by_session=4))),
        ]
        calls = list(self.methods.items())
        paths = {method.name: path for path, method in calls}
        for _ in range(700):
            path, method = drawn.choice(calls)
            drawn.send(path, drawn.filled(message_class(method.input_type)))
            name, fields = drawn.choice(right)
            request = self.api.request(name, **fields())
            for _ in range(drawn.choice([0, 1, 1, 2, 5])):
                drawn.vary(request)
            drawn.send(paths[name], request)
        drawn.check()
        # What was taken can be read, all of it, and reckoned with.
        for name, items in (("ListRelationships", "relationships"), ("ListLifeEvents", "life_events"),
                            ("ListProblemAreas", "problem_areas"), ("ListGoals", "goals"),
                            ("ListFormulationRevisions", "revisions"), ("ListSessionWork", "session_work"),
                            ("ListFindings", "findings")):
            self.api.all(name, items, parent=course)
        for name in ("GetInterpersonalInventory", "GetFormulation", "GetTermination", "GetProtocolAdherence"):
            self.api.send(name, self.api.request(name, course=course))
        for session in self.worked.sessions[1:]:
            self.api.GetSessionGuide(session=session)


if __name__ == "__main__":
    unittest.main()
