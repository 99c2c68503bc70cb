"""Two courses of IPT from intake to termination, as a therapist would enter them: a grief, in 16 sessions,
and a dispute, in 12, whose focus is revised on the way. The people are made up.

    course = Grief(call, "clinics/north", "k1", "clinics/north/therapists/ana", last_day)
    course.play()                                   # all of it, or stage by stage, as tests do

`call(name, **fields)` calls a method of scheduling's or formulation's by its name and gives a write the
request_id that it likes; nothing else is asked of it, so a test, a demo or a script can play them.
"""

import datetime
import zoneinfo

DAY = datetime.timedelta(days=1)
WEEK = 7 * DAY

PRESENT, ABSENT, UNCLEAR = ("CRITERION_FINDING_" + word for word in ("PRESENT", "ABSENT", "UNCLEAR"))


def date(day):
    return dict(year=day.year, month=day.month, day=day.day)


def partial(year, month=0, day=0, **more):
    return dict(date=dict(year=year, month=month, day=day), **more)


def expects(holder, text, fulfilment):
    return dict(holder=f"EXPECTATION_HOLDER_{holder}", text=text, fulfilment=f"EXPECTATION_FULFILMENT_{fulfilment}")


def evidence(*found):
    return [dict(criterion=code, finding=finding, note=note) for code, finding, note in found]


class Work:
    """What is recorded of one session."""

    def __init__(self, tasks=(), strategies=(), techniques=(), **texts):
        self.tasks, self.strategies, self.techniques, self.texts = tasks, dict(strategies), techniques, texts


class Worked:
    """A course that is entered step by step."""

    variant, planned, weeks, hour, minutes = "", 0, 0, 10, 50
    therapist_hours = dict(outside_availability=True, reason="held at another hour")
    agreed_in = 3  # the session in which the first formulation is agreed
    relationships, life_events, problem_areas, goals, drafts, work, ratings = {}, {}, {}, {}, (), {}, ()

    def __init__(self, call, clinic, course_id, therapist, last_day, zone="Europe/London"):
        self.call, self.clinic, self.id, self.therapist = call, clinic, course_id, therapist
        self.zone = zoneinfo.ZoneInfo(zone)
        self.name = f"{clinic}/courses/{course_id}"
        self.days = [None, *(last_day - (self.planned - 1 - i) * WEEK for i in range(self.planned))]
        self.sessions = [None]  # by number
        self.etag = ""  # of the draft, the proposal, then of what is current

    # ------------------------------------------------------------------------------------ names, days

    def of(self, path):
        return f"{self.name}/{path}"

    def month(self, before, **more):
        """The month so many before the first session's."""
        months = self.days[1].year * 12 + self.days[1].month - 1 - before
        return partial(months // 12, months % 12 + 1, **more)

    def day(self, before):
        """A day so many before the first session's."""
        day = self.days[1] - before * DAY
        return partial(day.year, day.month, day.day)

    def start(self, number):
        day = self.days[number]
        return dict(seconds=int(datetime.datetime(day.year, day.month, day.day, self.hour,
                                                  tzinfo=self.zone).timestamp()))

    # --------------------------------------------------------------------------------- in scheduling

    def bring_in(self, held=None):
        """The course, with its first sessions held (unless said otherwise, all of them)."""
        self.call("ImportCourse", parent=self.clinic, course_id=self.id, course=dict(
            patient=dict(system="urn:ipt:demo", value=f"worked-{self.id}"), therapist=self.therapist,
            variant=self.variant, indication="INDICATION_DEPRESSION", planned_sessions=self.planned,
            duration_weeks=self.weeks, cadence_days=7, session_minutes=self.minutes), past_sessions=[
                dict(start_time=self.start(number), outcome="ATTENDANCE_OUTCOME_ATTENDED")
                for number in range(1, (held or self.planned) + 1)])
        listed = self.call("ListSessions", parent=self.name, page_size=100).sessions
        self.sessions += [each.name for each in sorted(listed, key=lambda each: each.start_time.seconds)]

    def hold(self, number):
        """One session more, booked afterwards: within the last month."""
        booked = self.call("BookSession", parent=self.name, start_time=self.start(number), retrospective=True,
                           override=self.therapist_hours)
        self.call("RecordAttendance", name=booked.name, outcome="ATTENDANCE_OUTCOME_ATTENDED")
        self.sessions.append(booked.name)
        assert len(self.sessions) == number + 1

    # ------------------------------------------------------------------------------------ assessment

    def take_inventory(self):
        for id_, fields in self.relationships.items():
            self.call("CreateRelationship", parent=self.name, relationship_id=id_, relationship=fields(self))
        for id_, fields in self.life_events.items():
            self.call("CreateLifeEvent", parent=self.name, life_event_id=id_, life_event=fields(self))

    def assess(self, *ids):
        for id_ in ids or self.problem_areas:
            self.call("CreateProblemArea", parent=self.name, problem_area_id=id_,
                      problem_area=self.problem_areas[id_](self))

    def write_goals(self, *ids):
        for id_ in ids or self.goals:
            words, area, more = self.goals[id_]
            self.call("CreateGoal", parent=self.name, goal_id=id_, goal=dict(
                description=words, problem_area=self.of(f"problemAreas/{area}"), **more))

    # ------------------------------------------------------------------------------------ formulation

    def save(self, content, *paths):
        """Saves these fields of the draft; the draft as saved."""
        saved = self.call("SaveFormulationDraft", course=self.name, etag=self.etag, content=content,
                          update_mask=dict(paths=paths or list(content))).saved
        self.etag = saved.etag
        return saved

    def contract(self, **more):
        course = self.call("GetCourse", name=self.name)
        return dict(sessions=course.planned_sessions, weeks=course.duration_weeks,
                    session_minutes=course.session_minutes, cadence_days=course.cadence_days,
                    end_date=date(self.days[self.planned]),
                    missed_session_policy="A missed session counts, unless it was cancelled two days before.",
                    here_and_now_focus="We speak about your life as it is now.", **more)

    def propose(self):
        formulation = self.call("ProposeFormulation", course=self.name, etag=self.etag)
        self.etag = formulation.pending.etag
        return formulation

    def agree(self, number):
        """In the session of this number."""
        formulation = self.call(
            "AgreeFormulation", course=self.name, etag=self.etag, agreed_on=date(self.days[number]),
            agreed_by="AGREEMENT_PARTY_PATIENT", mode="AGREEMENT_MODE_IN_SESSION", session=self.sessions[number])
        self.etag = formulation.current.etag
        return formulation

    def revise(self, reason, text):
        formulation = self.call("ReviseFormulation", course=self.name, etag=self.etag,
                                reason=f"REVISION_REASON_{reason}", reason_text=text)
        self.etag = formulation.pending.etag
        return formulation

    def formulate(self):
        """The first formulation, from its first words until it is agreed."""
        for content in self.drafts:
            self.save(content(self))
        self.propose()
        self.agree(self.agreed_in)

    # --------------------------------------------------------------------------- session after session

    def guide(self, number):
        return self.call("GetSessionGuide", session=self.sessions[number])

    def record(self, number):
        """What was done in this session, and how near the goals were in it."""
        done = self.work[number]
        recorded = self.call("RecordSessionWork", session=self.sessions[number], session_work=dict(
            tasks=[dict(task=task.lstrip("~"), state="TASK_WORK_STATE_" + ("BEGUN" if task[0] == "~" else "DONE"))
                   for task in done.tasks],
            focus_work=[dict(problem_area=self.of(f"problemAreas/{area}"), strategies=codes, note=note)
                        for area, (codes, note) in done.strategies.items()],
            techniques=done.techniques, **done.texts))
        for session, goal, rater, value, note in self.ratings:
            if session == number:
                self.call("RateGoal", goal=self.of(f"goals/{goal}"), rating=dict(
                    value=value, rater=f"GOAL_RATER_{rater}", rated_on=date(self.days[number]),
                    session=self.sessions[number], note=note))
        return recorded

    def change_goals(self, **states):
        for id_, (state, reason) in states.items():
            self.call("ChangeGoalState", name=self.of(f"goals/{id_}"), state=f"GOAL_STATE_{state}", reason=reason)

    def close(self):
        self.call("CompleteCourse", name=self.name)


class Grief(Worked):
    """A mother's death that was not mourned: 16 sessions, one focus, agreed in the third."""

    variant, planned, weeks = "ipt-uk-16", 16, 16

    relationships = {
        "r1": lambda of: dict(
            display_name="A., mother", kind="RELATIONSHIP_KIND_PARENT", status="RELATIONSHIP_STATUS_DECEASED",
            start_date=partial(1979), end_date=of.month(14), closeness_circle=1,
            quality="RELATIONSHIP_QUALITY_MIXED", contact_frequency="CONTACT_FREQUENCY_DAILY",
            contact_note="Spoke every evening; she cooked for her on Sundays.",
            expectations=[expects("PATIENT", "That she would say once that she was proud.", "UNMET"),
                          expects("OTHER", "That the patient is there whenever she calls.", "PARTLY_MET")],
            satisfying_aspects="Being needed; the jokes that only they had.",
            unsatisfying_aspects="Whatever she did was not quite right.", satisfaction=6,
            changes_wanted="To have told her that it hurt.", confidant=False,
            mood_link="Worst on Sundays, when she used to go there.",
            attachment_notes="Idealises; corrects herself at once when anger shows."),
        "r2": lambda of: dict(
            display_name="T., husband", kind="RELATIONSHIP_KIND_PARTNER", start_date=partial(2004, 6),
            closeness_circle=1, quality="RELATIONSHIP_QUALITY_SUPPORTIVE",
            contact_frequency="CONTACT_FREQUENCY_DAILY", contact_note="Evenings together; they walk the dog.",
            expectations=[expects("PATIENT", "That he asks, and does not only leave her in peace.", "UNMET"),
                          expects("OTHER", "That she says what she needs.", "UNMET")],
            satisfying_aspects="He is reliable.", unsatisfying_aspects="He changes the subject when she cries.",
            satisfaction=5, changes_wanted="To be able to speak about her mother with him.", confidant=True,
            mood_link="Better after evenings on which they talk."),
        "r3": lambda of: dict(
            display_name="M., sister", kind="RELATIONSHIP_KIND_SIBLING", start_date=partial(1983), closeness_circle=2,
            quality="RELATIONSHIP_QUALITY_DISTANT", contact_frequency="CONTACT_FREQUENCY_RARELY",
            contact_note="Not since they cleared the flat.",
            expectations=[expects("PATIENT", "That she takes her part of what is left to do.", "UNCLEAR")],
            satisfaction=2, confidant=False),
        "r4": lambda of: dict(
            display_name="S., friend", kind="RELATIONSHIP_KIND_FRIEND", start_date=of.month(200, approximate=True),
            closeness_circle=2, quality="RELATIONSHIP_QUALITY_SUPPORTIVE",
            contact_frequency="CONTACT_FREQUENCY_MONTHLY", satisfying_aspects="She lost her own mother.",
            satisfaction=8, confidant=True),
        "r5": lambda of: dict(
            display_name="The choir", kind="RELATIONSHIP_KIND_NEIGHBOUR_OR_COMMUNITY",
            status="RELATIONSHIP_STATUS_PAST", start_date=partial(2015), end_date=of.month(13),
            quality="RELATIONSHIP_QUALITY_SUPPORTIVE", contact_frequency="CONTACT_FREQUENCY_WEEKLY",
            unsatisfying_aspects="Her mother sang there, too."),
    }
    life_events = {
        "e1": lambda of: dict(
            kind="LIFE_EVENT_KIND_LOSS_BY_DEATH", display_name="Mother's death", start_date=of.month(14),
            relationships=[of.of("relationships/r1")], impact=-5,
            description="In hospital, at night; the call came in the morning. She did not see her again."),
        "e2": lambda of: dict(
            kind="LIFE_EVENT_KIND_SYMPTOM_ONSET", display_name="Cannot sleep, no joy in anything",
            start_date=of.month(12), ongoing=True, impact=-4, description="Began when the flat was cleared."),
        "e3": lambda of: dict(
            kind="LIFE_EVENT_KIND_SYMPTOM_WORSENING", display_name="The first anniversary", start_date=of.day(61),
            relationships=[of.of("relationships/r1"), of.of("relationships/r3")], impact=-5),
        "e4": lambda of: dict(
            kind="LIFE_EVENT_KIND_EPISODE", display_name="An earlier episode", start_date=partial(2009),
            end_date=partial(2010), description="After the first child; it went without treatment."),
        "e5": lambda of: dict(
            kind="LIFE_EVENT_KIND_TREATMENT", display_name="Tablets from the GP",
            start_date=of.month(3, approximate=True), ongoing=True, impact=1),
    }
    problem_areas = {
        "a1": lambda of: dict(
            kind="PROBLEM_AREA_KIND_GRIEF", display_name="Losing Mum",
            evidence=evidence(
                ("DEATH_OF_SOMEONE_CLOSE", PRESENT, "Her mother, fourteen months ago."),
                ("DEATH_LINKED_TO_EPISODE", PRESENT, "Two months from the death to the first symptoms."),
                ("MOURNING_ABNORMAL", PRESENT, "Did not cry, arranged everything, back at work after three days."),
                ("REMINDERS_AVOIDED", PRESENT, "The choir, the street, the photographs."),
                ("ANNIVERSARY_REACTION", PRESENT, "Off work for two weeks at the anniversary."),
                ("DECEASED_IDEALISED", UNCLEAR, "She was a saint; and then a pause.")),
            onset_links=[dict(life_event=of.of("lifeEvents/e1"), relation="EVENT_RELATION_BEFORE_ONSET",
                              note="Nothing else happened that year."),
                         dict(life_event=of.of("lifeEvents/e3"), relation="EVENT_RELATION_MAINTAINS"),
                         dict(life_event=of.of("lifeEvents/e4"), relation="EVENT_RELATION_UNRELATED")],
            grief=dict(deceased=of.of("relationships/r1"),
                       circumstances="A short illness that was not taken seriously; a call at six in the morning.",
                       mourning="Held up: she did what had to be done, for everybody."),
            patient_severity=9, therapist_severity=8, patient_view="I should be over it by now.",
            therapist_view="The guilt over not having been there is what keeps it shut.",
            change_prospect="CHANGE_PROSPECT_LIKELY", rank=1),
        "a2": lambda of: dict(
            kind="PROBLEM_AREA_KIND_ROLE_TRANSITION", display_name="The children leaving",
            evidence=evidence(("LIFE_CHANGE", PRESENT, "The elder one studies since the autumn."),
                              ("CHANGE_LINKED_TO_EPISODE", ABSENT, "It came months after the onset.")),
            role_transition=dict(old_role="Somebody to cook for.", new_role="Not clear yet.", losses="The noise.",
                                 supports="Her husband."),
            patient_severity=3, therapist_severity=3, change_prospect="CHANGE_PROSPECT_POSSIBLE", rank=2),
    }
    goals = {
        "g1": ("Look at the photographs, and tell T. about them.", "a1",
               dict(measure="Once a week, for as long as it is bearable.")),
        "g2": ("Sing again, in the choir or in another one.", "a1", {}),
    }
    drafts = (
        lambda of: dict(patient_narrative="You have a depression."),
        lambda of: dict(patient_narrative=(
            "You have a depression. It is an illness, it can be treated, and it came after your mother died. You "
            "looked after everybody and had no time to mourn her. We will make that time now.")),
        lambda of: dict(focus=[dict(problem_area=of.of("problemAreas/a1"),
                                    reason="Closest in time and in feeling, and she wants to.")]),
        lambda of: dict(goals=[of.of("goals/g1"), of.of("goals/g2")],
                        clinical_narrative="Delayed mourning with guilt over absence; marriage as a resource."),
        lambda of: dict(links=[dict(id="l1", symptom_event=of.of("lifeEvents/e2"), life_event=of.of("lifeEvents/e1"),
                                    problem_area=of.of("problemAreas/a1"), goals=[of.of("goals/g1")],
                                    explanation="What could not be felt came back as sleepless nights.")]),
        lambda of: dict(contract=of.contract(practicalities="Room 4; T. may come along once.")),
    )
    work = {
        1: Work(["RISK_ASSESSMENT", "SYMPTOM_REVIEW", "DIAGNOSIS", "PSYCHOEDUCATION", "~TIMELINE"], {},
                ["DIRECT_ELICITATION", "DIRECTIVE"], process_notes="Apologises for crying."),
        2: Work(["SICK_ROLE", "MEDICATION_REVIEW", "TIMELINE", "~INTERPERSONAL_INVENTORY"], {},
                ["DIRECT_ELICITATION", "CLARIFICATION"], tryouts_agreed="To sleep in on Sunday."),
        3: Work(["INTERPERSONAL_INVENTORY", "FOCUS_SELECTION", "FORMULATION"],
                {"a1": (["GRIEF_LINK_SYMPTOMS"], "Onset and death on one line.")}, ["CLARIFICATION", "CONTRACTING"]),
        4: Work([], {"a1": (["GRIEF_RECONSTRUCT_RELATIONSHIP"], "Who she was.")}, ["NONDIRECTIVE_EXPLORATION"]),
        5: Work(["MOOD_REVIEW", "FOCUS_WORK"], {"a1": (["GRIEF_TELL_THE_DEATH"], "The morning of the call.")},
                ["NONDIRECTIVE_EXPLORATION", "ENCOURAGEMENT_OF_AFFECT"],
                mood_and_events="Worse on Sunday; she was alone."),
        6: Work(["MOOD_REVIEW", "FOCUS_WORK"],
                {"a1": (["GRIEF_TELL_THE_DEATH", "GRIEF_EXPLORE_FEELINGS"], "Anger at the hospital, then at her.")},
                ["ENCOURAGEMENT_OF_AFFECT", "CLARIFICATION"], mood_and_events="Cried, and slept afterwards."),
        7: Work(["MOOD_REVIEW", "FOCUS_WORK"], {"a1": (["GRIEF_EXPLORE_FEELINGS"], "Guilt.")},
                ["ENCOURAGEMENT_OF_AFFECT"], tryouts_agreed="One photograph, with T."),
        8: Work(["MOOD_REVIEW", "FOCUS_WORK", "MIDPOINT_REVIEW"],
                {"a1": (["GRIEF_RECONSTRUCT_RELATIONSHIP"], "The good and the bad of it.")},
                ["NONDIRECTIVE_EXPLORATION", "CLARIFICATION"], tryouts_reviewed="They looked at nine."),
        9: Work(["MOOD_REVIEW", "FOCUS_WORK"], {"a1": (["GRIEF_RECONSTRUCT_RELATIONSHIP"], "")},
                ["DIRECT_ELICITATION"], process_notes="Speaks of her as of a person."),
        10: Work(["MOOD_REVIEW", "FOCUS_WORK"], {"a1": (["GRIEF_NEW_INVOLVEMENT"], "What singing was to her.")},
                 ["DECISION_ANALYSIS"]),
        11: Work(["MOOD_REVIEW", "FOCUS_WORK"], {"a1": (["GRIEF_NEW_INVOLVEMENT"], "How to ring the choir.")},
                 ["ROLE_PLAY", "COMMUNICATION_ANALYSIS"], tryouts_agreed="To ring."),
        12: Work(["MOOD_REVIEW", "FOCUS_WORK", "TERMINATION_RAISED"],
                 {"a1": (["GRIEF_NEW_INVOLVEMENT"], "She rang.")}, ["CLARIFICATION"],
                 mood_and_events="Four sessions left: said aloud."),
        13: Work(["MOOD_REVIEW", "PROGRESS_REVIEW"], {"a1": (["GRIEF_REVIEW_MOURNING"], "")}, ["CLARIFICATION"]),
        14: Work(["MOOD_REVIEW", "GRIEF_OF_ENDING"],
                 {"a1": (["GRIEF_FEEL_THE_ENDING"], "A parting with time for it.")},
                 ["ENCOURAGEMENT_OF_AFFECT", "USE_OF_THERAPEUTIC_RELATIONSHIP"]),
        15: Work(["MOOD_REVIEW"], {"a1": (["GRIEF_PLAN_FOR_ANNIVERSARIES"], "The birthday in spring.")},
                 ["BEHAVIOUR_CHANGE"]),
        16: Work(["MOOD_REVIEW", "NONRESPONSE_OR_CONTINUATION"], {}, ["DIRECTIVE"], process_notes="Brought cake."),
    }
    ratings = (
        (4, "g1", "PATIENT", 1, "Cannot imagine it."), (4, "g2", "PATIENT", 0, ""),
        (8, "g1", "PATIENT", 5, ""), (8, "g1", "THERAPIST", 4, "More than she thinks."), (8, "g2", "PATIENT", 1, ""),
        (12, "g1", "PATIENT", 8, ""), (12, "g2", "PATIENT", 4, "She has rung."),
        (16, "g1", "PATIENT", 9, ""), (16, "g1", "THERAPIST", 9, ""), (16, "g2", "PATIENT", 7, ""),
    )

    def end(self):
        self.call("UpdateTermination", course=self.name, termination=dict(
            gains="Sleeps; sings; speaks of her mother, and you did that yourself.",
            remaining_difficulties="The sister.", feelings_about_ending="Sad, and that it is fine to be.",
            early_warning_signs=["I say yes to everything.", "Awake at five."],
            risk_situations=["Her birthday.", "Selling the flat."],
            plan_steps=["Tell T.", "Look at the plan.", "Ring the practice."],
            contacts=[dict(display_name="T."), dict(display_name="GP practice", how="Weekdays until six.")],
            plan_given_on=date(self.days[15]), nonresponse_plan="Not needed.",
            continuation="CONTINUATION_DECISION_FOLLOW_UP", continuation_note="One session in three months.",
            decided_on=date(self.days[16])))
        self.change_goals(g1=("ACHIEVED", ""), g2=("PARTLY_ACHIEVED", "Goes to rehearsals, no concert yet."))

    def play(self):
        self.bring_in()
        self.take_inventory()
        self.assess()
        self.write_goals()
        for number in range(1, self.agreed_in + 1):
            self.record(number)
        self.formulate()
        for number in range(self.agreed_in + 1, self.planned + 1):
            self.record(number)
        self.end()
        self.close()


class Dispute(Worked):
    """A couple that wants other things of each other than it says: 12 sessions; after the midpoint what was a
    renegotiation is an impasse, and a second focus comes in. Of the tenth session nothing is recorded."""

    variant, planned, weeks, hour = "ipt-wmk-12", 12, 12, 14
    brought_in = 8  # sessions; the others are held one by one

    relationships = {
        "r1": lambda of: dict(
            display_name="J., partner", kind="RELATIONSHIP_KIND_PARTNER", start_date=partial(2011),
            closeness_circle=1, quality="RELATIONSHIP_QUALITY_CONFLICTUAL",
            contact_frequency="CONTACT_FREQUENCY_DAILY", contact_note="One kitchen, two time-tables.",
            expectations=[expects("PATIENT", "That work at home is shared.", "UNMET"),
                          expects("OTHER", "That the job comes first while it lasts.", "PARTLY_MET")],
            satisfying_aspects="The same humour.", unsatisfying_aspects="Silence for days.", satisfaction=3,
            changes_wanted="To be asked before things are decided.", confidant=False,
            mood_link="Every quarrel is followed by two days in bed."),
        "r2": lambda of: dict(
            display_name="K., daughter", kind="RELATIONSHIP_KIND_CHILD", start_date=of.month(40), closeness_circle=1,
            quality="RELATIONSHIP_QUALITY_SUPPORTIVE", contact_frequency="CONTACT_FREQUENCY_DAILY", satisfaction=9),
        "r3": lambda of: dict(
            display_name="Head of department", kind="RELATIONSHIP_KIND_SUPERVISOR",
            quality="RELATIONSHIP_QUALITY_DISTANT", contact_frequency="CONTACT_FREQUENCY_WEEKLY", satisfaction=5,
            expectations=[expects("OTHER", "Full time again by the summer.", "UNMET")]),
        "r4": lambda of: dict(
            display_name="L., friend", kind="RELATIONSHIP_KIND_FRIEND", closeness_circle=2,
            quality="RELATIONSHIP_QUALITY_SUPPORTIVE", contact_frequency="CONTACT_FREQUENCY_SEVERAL_TIMES_A_WEEK",
            satisfaction=8, confidant=True),
    }
    life_events = {
        "e1": lambda of: dict(
            kind="LIFE_EVENT_KIND_DISPUTE", display_name="The move that was decided alone", start_date=of.month(7),
            relationships=[of.of("relationships/r1")], impact=-4, description="Signed before it was spoken about."),
        "e2": lambda of: dict(
            kind="LIFE_EVENT_KIND_SYMPTOM_ONSET", display_name="Tired, irritable, no appetite",
            start_date=of.month(6, approximate=True), ongoing=True, impact=-3),
        "e3": lambda of: dict(
            kind="LIFE_EVENT_KIND_ROLE_CHANGE", display_name="Back to work", start_date=of.day(70), impact=-2,
            relationships=[of.of("relationships/r3")]),
        "e4": lambda of: dict(
            kind="LIFE_EVENT_KIND_OTHER_LOSS", display_name="Separation of the parents", start_date=partial(1996)),
    }
    problem_areas = {
        "a1": lambda of: dict(
            kind="PROBLEM_AREA_KIND_ROLE_DISPUTE", display_name="J. and me",
            evidence=evidence(
                ("OTHER_PARTY_NAMED", PRESENT, "J."),
                ("EXPECTATIONS_NOT_RECIPROCAL", PRESENT, "Sharing; the job first."),
                ("DISPUTE_ISSUE", PRESENT, "Who decides, and who stays at home."),
                ("DISPUTE_LINKED_TO_EPISODE", PRESENT, "A month from the one to the other."),
                ("DISPUTE_REPEATED", UNCLEAR, "Perhaps as with the mother."),
                ("POWER_AND_RESOURCES", PRESENT, "The lease is in J.'s name."),
                ("SAFETY_IN_RELATIONSHIP", ABSENT, "Asked alone; no fear, no violence.")),
            onset_links=[dict(life_event=of.of("lifeEvents/e1"), relation="EVENT_RELATION_BEFORE_ONSET")],
            role_dispute=dict(other_party=of.of("relationships/r1"), stage="DISPUTE_STAGE_RENEGOTIATION",
                              issue="Who decides, and who stays at home.", patient_expectation="To be asked.",
                              other_expectation="To be trusted.", history="Small things until the move."),
            patient_severity=8, therapist_severity=7, patient_view="We do not talk any more.",
            therapist_view="They do, and it is the same sentence each time.",
            change_prospect="CHANGE_PROSPECT_POSSIBLE", rank=1),
        "a2": lambda of: dict(
            kind="PROBLEM_AREA_KIND_ROLE_TRANSITION", display_name="Back at work",
            evidence=evidence(("LIFE_CHANGE", PRESENT, "Part time since the autumn."),
                              ("NEW_ROLE_DEMANDS", PRESENT, "Two time-tables."),
                              ("SUPPORTS_CHANGED", UNCLEAR, "")),
            onset_links=[dict(life_event=of.of("lifeEvents/e3"), relation="EVENT_RELATION_MAINTAINS")],
            role_transition=dict(life_event=of.of("lifeEvents/e3"), old_role="At home with K.: close, and bored.",
                                 new_role="Two places at once: tired, and somebody again.",
                                 losses="Afternoons.", supports="L. and the nursery."),
            patient_severity=6, therapist_severity=6, change_prospect="CHANGE_PROSPECT_LIKELY", rank=2),
        "a3": lambda of: dict(
            kind="PROBLEM_AREA_KIND_INTERPERSONAL_DEFICITS", display_name="Being alone with it",
            evidence=evidence(("RELATIONSHIPS_FEW_OR_UNFULFILLING", ABSENT, "L., K., the choir of friends."),
                              ("NO_OTHER_AREA_FITS", ABSENT, "")),
            interpersonal_deficits=dict(past_relationships="Long friendships.", patterns="None that comes back."),
            change_prospect="CHANGE_PROSPECT_UNLIKELY", rank=3),
    }
    goals = {
        "g1": ("Say to J. what I expect before I am angry.", "a1", dict(measure="Once in the week.")),
        "g2": ("Decide together who works when.", "a1", {}),
        "g3": ("Two afternoons a week that are mine.", "a2", {}),
    }
    drafts = (
        lambda of: dict(patient_narrative=(
            "You have a depression, and it began a month after the move was decided without you. What you and J. "
            "expect of each other does not fit at present. We look at that, and at what you can say.")),
        lambda of: dict(focus=[dict(problem_area=of.of("problemAreas/a1"))],
                        goals=[of.of("goals/g1"), of.of("goals/g2")]),
        lambda of: dict(links=[dict(id="l1", symptom_text="Tired and irritable.", life_event=of.of("lifeEvents/e1"),
                                    problem_area=of.of("problemAreas/a1"), goals=[of.of("goals/g1")],
                                    explanation="Each quarrel ends in two days in bed.")],
                        contract=of.contract()),
    )
    # The second one, in this order.
    revisions = (
        lambda of: dict(focus=[dict(problem_area=of.of("problemAreas/a1")),
                               dict(problem_area=of.of("problemAreas/a2"))]),
        lambda of: dict(focus=[dict(problem_area=of.of("problemAreas/a1")),
                               dict(problem_area=of.of("problemAreas/a2"),
                                    reason="Each talk ends at the time-tables: one moves only with the other.")],
                        goals=[of.of("goals/g1"), of.of("goals/g2"), of.of("goals/g3")]),
        lambda of: dict(patient_narrative=(
            "You have a depression, and it began a month after the move was decided without you. You and J. have "
            "fallen silent over it, and going back to work keeps it so. We bring both up."),
            links=[dict(id="l1", symptom_text="Tired and irritable.", life_event=of.of("lifeEvents/e1"),
                        problem_area=of.of("problemAreas/a1"), goals=[of.of("goals/g1")],
                        explanation="Each quarrel ends in two days in bed."),
                   dict(id="l2", symptom_event=of.of("lifeEvents/e2"), life_event=of.of("lifeEvents/e3"),
                        problem_area=of.of("problemAreas/a2"), goals=[of.of("goals/g3")],
                        explanation="No hour in which to be tired.")]),
    )
    work = {
        1: Work(["RISK_ASSESSMENT", "SYMPTOM_REVIEW", "DIAGNOSIS", "PSYCHOEDUCATION", "SICK_ROLE"], {},
                ["DIRECT_ELICITATION", "DIRECTIVE"]),
        2: Work(["TIMELINE", "INTERPERSONAL_INVENTORY"], {}, ["DIRECT_ELICITATION", "CLOSENESS_CIRCLE"]),
        3: Work(["FOCUS_SELECTION", "FORMULATION", "GOALS", "CONTRACT"],
                {"a1": (["DISPUTE_SET_STAGE"], "Both still try.")}, ["CLARIFICATION", "CONTRACTING"]),
        4: Work(["MOOD_REVIEW", "FOCUS_WORK"], {"a1": (["DISPUTE_CLARIFY_EXPECTATIONS"], "A list, each for both.")},
                ["DIRECT_ELICITATION"]),
        5: Work(["MOOD_REVIEW", "FOCUS_WORK", "MEDICATION_REVIEW"],
                {"a1": (["DISPUTE_CALM_DOWN", "DISPUTE_ANALYSE_COMMUNICATION"],
                        "The quarrel of Tuesday, word by word."),
                 "a2": (["TRANSITION_REVIEW_OLD_ROLE"], "")},
                ["COMMUNICATION_ANALYSIS", "ROLE_PLAY"], mood_and_events="In bed on Thursday, after Tuesday."),
        6: Work(["MOOD_REVIEW", "FOCUS_WORK", "MIDPOINT_REVIEW"],
                {"a1": (["DISPUTE_WHAT_KEEPS_IT_GOING"], "They have fallen silent.")}, ["CLARIFICATION"]),
        7: Work(["MOOD_REVIEW", "FOCUS_WORK"], {"a1": (["DISPUTE_OPEN_CONFLICT"], ""),
                                                "a2": (["TRANSITION_REVIEW_NEW_ROLE"], "")},
                ["ENCOURAGEMENT_OF_AFFECT", "ROLE_PLAY"]),
        # A crisis at work took the hour.
        8: Work(["MOOD_REVIEW"], {"a3": (["DEFICITS_FIND_PATTERNS"], "Is it always like that? No.")}, [],
                process_notes="The time went on the head of department."),
        9: Work(["MOOD_REVIEW", "FOCUS_WORK", "TERMINATION_RAISED"],
                {"a1": (["DISPUTE_OPEN_CONFLICT", "DISPUTE_REHEARSE"], "Said it, and J. answered."),
                 "a2": (["TRANSITION_SUPPORTS_AND_SKILLS"], "Two afternoons.")},
                ["COMMUNICATION_ANALYSIS", "ROLE_PLAY"]),
        11: Work(["MOOD_REVIEW", "PROGRESS_REVIEW", "GRIEF_OF_ENDING"], {"a1": (["DISPUTE_REVIEW_CHANGES"], "")},
                 ["CLARIFICATION"]),
        12: Work(["MOOD_REVIEW", "RELAPSE_PLAN", "NONRESPONSE_OR_CONTINUATION"],
                 {"a1": (["DISPUTE_PLAN_FOR_NEXT"], "")},
                 ["DIRECTIVE"]),
    }
    ratings = ((4, "g1", "PATIENT", 2, ""), (9, "g1", "PATIENT", 6, ""), (12, "g1", "PATIENT", 8, ""),
               (9, "g3", "PATIENT", 5, ""), (12, "g3", "PATIENT", 10, ""))

    def fall_silent(self):
        """The stage that the dispute has come to."""
        return self.call("UpdateProblemArea", problem_area=dict(
            name=self.of("problemAreas/a1"), role_dispute=dict(stage="DISPUTE_STAGE_IMPASSE")),
            update_mask=dict(paths=["role_dispute.stage"]))

    def begin_again(self):
        return self.revise("FOCUS_CHANGED", "The midpoint review: they have fallen silent; work has its part in it.")

    def end(self):
        self.call("UpdateTermination", course=self.name, termination=dict(
            gains="You said it before you were angry, three times.", feelings_about_ending="Proud, a bit lost.",
            early_warning_signs=["Two days in bed."], risk_situations=["The next lease."],
            plan_steps=["L.", "The list.", "The practice."], contacts=[dict(display_name="GP practice")],
            plan_given_on=date(self.days[12]), continuation="CONTINUATION_DECISION_END",
            decided_on=date(self.days[12])))
        self.change_goals(g1=("ACHIEVED", ""), g2=("ABANDONED", "It decided itself."), g3=("ACHIEVED", ""))

    def play(self):
        self.bring_in(self.brought_in)
        self.take_inventory()
        self.assess()
        self.write_goals("g1", "g2")
        for number in range(1, self.agreed_in + 1):
            self.record(number)
        self.formulate()
        for number in range(self.agreed_in + 1, 7):
            self.record(number)
        self.fall_silent()
        self.begin_again()
        self.write_goals("g3")
        for content in self.revisions:
            self.save(content(self))
        self.propose()
        self.agree(7)
        for number in range(7, self.planned + 1):
            if number > self.brought_in:
                self.hold(number)
            if number in self.work:
                self.record(number)
        self.end()
        self.close()
