"""Expected results of whole courses by the NHS Talking Therapies rules. Part of generate.py."""

from scoring import NHS

COLUMNS = ("first_phq", "last_phq", "first_gad", "last_gad", "at_caseness_at_first", "recovered", "improved",
           "deteriorated", "no_change", "reliably_recovered", "any_deterioration")
PHQ, GAD = (10, 6), (8, 4)  # cut-off, points of reliable change


def direction(first, last, points):
    return -1 if first - last >= points else 1 if last - first >= points else 0


def outcome(first_phq, last_phq, first_gad, last_gad):
    """The results of two paired measures, in the order of COLUMNS."""
    case_first = first_phq >= PHQ[0] or first_gad >= GAD[0]
    case_last = last_phq >= PHQ[0] or last_gad >= GAD[0]
    moves = (direction(first_phq, last_phq, PHQ[1]), direction(first_gad, last_gad, GAD[1]))
    improved = -1 in moves and 1 not in moves
    deteriorated = 1 in moves and -1 not in moves
    recovered = case_first and not case_last
    return dict(at_caseness_at_first=case_first, recovered=recovered, improved=improved, deteriorated=deteriorated,
                no_change=not improved and not deteriorated, reliably_recovered=recovered and improved,
                any_deterioration=1 in moves)


def grid():
    for first_phq in (3, 9, 10, 15, 16):
        for last_phq in sorted({*range(first_phq - 7, first_phq + 8), 9, 10}):
            for first_gad in (3, 7, 8, 12):
                for last_gad in sorted({first_gad + d for d in (-5, -4, -3, -1, 0, 1, 3, 4, 5)} | {7, 8}):
                    if 0 <= last_phq <= 27 and 0 <= last_gad <= 21:
                        scores = (first_phq, last_phq, first_gad, last_gad)
                        yield [*scores, *(int(flag) for flag in outcome(*scores).values())]


# By hand: what single rows must say. r recovered, i improved, d deteriorated, n no change, R reliably recovered.
BY_HAND = {
    (10, 9, 7, 7): "rn", (10, 4, 7, 7): "riR", (10, 5, 7, 7): "rn", (16, 10, 7, 7): "i", (16, 9, 7, 7): "riR",
    (9, 3, 7, 3): "i", (9, 10, 7, 8): "n", (9, 9, 8, 7): "rn", (9, 9, 8, 4): "riR", (9, 9, 8, 5): "rn",
    (16, 9, 12, 8): "i", (16, 9, 3, 7): "rn", (16, 9, 3, 6): "riR", (3, 9, 8, 7): "rd", (3, 9, 8, 4): "rn",
    (15, 9, 12, 7): "riR", (15, 9, 12, 16): "n", (10, 16, 8, 12): "d", (10, 16, 12, 8): "n", (10, 15, 8, 11): "n",
    (9, 15, 7, 7): "d", (9, 14, 7, 7): "n", (16, 16, 8, 12): "d", (3, 3, 3, 7): "d", (3, 8, 3, 6): "n"}


def unpaired():
    """Where a score lacks there is no result: nothing is made of one measure, nor of one score."""
    scores = dict(first_phq=16, last_phq=5, first_gad=12, last_gad=3)
    for full in (scores, dict(first_phq=9, last_phq=3, first_gad=7, last_gad=3)):
        for number in range(1, 16):
            lacking = [key for bit, key in enumerate(full) if number >> bit & 1]
            have = {key: None if key in lacking else value for key, value in full.items()}
            phq, gad = have["first_phq"], have["first_gad"]
            firsts = {None if phq is None else phq >= PHQ[0], None if gad is None else gad >= GAD[0]}
            case = True if True in firsts else None if None in firsts else False  # one missing may have been a case
            yield dict(**have, attended=8, ended=True, finished=True, paired=False, at_caseness_at_first=case,
                       result=None)
    for attended, ended, finished in ((8, True, True), (2, True, True), (1, True, False), (0, True, False),
                                      (8, False, False)):
        made = dict(**scores, attended=attended, ended=ended, finished=finished, paired=True, at_caseness_at_first=True)
        made["result"] = outcome(**scores) if finished else None
        yield made


def contact(day, kind, phq=None, gad=None, **more):
    return dict(day=day, kind=kind, phq=phq, gad=gad, **more)


def first_and_last():
    """Which scores count. day: when the form was completed; 0 is the first contact of the episode. "invalid": a form
    that has no score."""
    def course(label, what, contacts, phq, gad, attended, finished=True):
        paired = None not in phq and None not in gad
        scores = dict(first_phq=phq[0], last_phq=phq[1], first_gad=gad[0], last_gad=gad[1])
        return dict(id=label, what=what, contacts=contacts, **scores, attended=attended, finished=finished,
                    paired=paired, result=outcome(**scores) if paired and finished else None)

    yield course("plain", "every contact measured", [
        contact(0, "assessment", 17, 13), contact(7, "treatment", 16, 12), contact(14, "treatment", 12, 9),
        contact(21, "treatment", 8, 6)], (17, 8), (13, 6), 3)
    yield course("stale-referral", "the referrer's old score is not the first", [
        contact(-60, "referral", 24, 19), contact(0, "assessment", 12, 9), contact(7, "treatment", 12, 9),
        contact(14, "treatment", 9, 7)], (12, 9), (9, 7), 2)
    yield course("follow-up", "a follow-up months later is not the last", [
        contact(0, "treatment", 15, 12), contact(7, "treatment", 11, 8), contact(112, "treatment", 10, 8),
        contact(290, "follow_up", 3, 2)], (15, 10), (12, 8), 3)
    yield course("each-its-own", "each measure has a first and a last of its own", [
        contact(0, "treatment", 15), contact(7, "treatment", None, 12), contact(14, "treatment", 9, 7),
        contact(21, "treatment", 8)], (15, 8), (12, 7), 4)
    yield course("invalid-ends", "a form without a score is neither first nor last", [
        contact(0, "treatment", "invalid", 12), contact(7, "treatment", 16, 12), contact(14, "treatment", 9, 5),
        contact(21, "treatment", "invalid", 4)], (16, 9), (12, 4), 4)
    yield course("single", "one score is no pair: no result, not 'no change'", [
        contact(0, "treatment", 16, 12), contact(7, "treatment")], (16, None), (12, None), 2)
    yield course("single-of-one", "one measure has a pair, the other has one score", [
        contact(0, "treatment", 16, 12), contact(7, "treatment", 5)], (16, 5), (12, None), 2)
    yield course("one-session", "one attended session only: not a finished course", [
        contact(0, "assessment", 16, 12), contact(7, "treatment", 5, 3)], (16, 5), (12, 3), 1, finished=False)
    yield course("assessments-do-not-count", "two assessments and one treatment session", [
        contact(0, "assessment", 16, 12), contact(5, "assessment", 15, 12), contact(9, "treatment", 5, 3)],
        (16, 5), (12, 3), 1, finished=False)
    yield course("missed-do-not-count", "missed and cancelled sessions are not attended", [
        contact(0, "treatment", 16, 12), contact(7, "missed"), contact(14, "cancelled"), contact(21, "missed", 9, 7)],
        (16, 9), (12, 7), 1, finished=False)
    yield course("received-out-of-order", "the order is that of completion, not of receipt", [
        contact(14, "treatment", 8, 6, received=14), contact(0, "treatment", 16, 12, received=30),
        contact(7, "treatment", 13, 11, received=7)], (16, 8), (12, 6), 3)
    yield course("entered-in-error", "a form of another patient's is no score of this course", [
        contact(0, "treatment", 25, 20, entered_in_error=True), contact(0, "treatment", 14, 12),
        contact(7, "treatment", 12, 9), contact(14, "treatment", 9, 7),
        contact(14, "treatment", 2, 1, entered_in_error=True)],
        (14, 9), (12, 7), 3)
    yield course("sent-twice", "the same form sent twice is one score: no pair", [
        contact(0, "treatment", 16, 12), contact(0, "treatment", 16, 12, duplicate_of_previous=True),
        contact(7, "treatment")], (16, None), (12, None), 2)
    yield course("peak-in-between", "the worst score in between is neither first nor last", [
        contact(0, "treatment", 9, 7), contact(7, "treatment", 22, 18), contact(14, "treatment", 9, 7)],
        (9, 9), (7, 7), 3)


def cohort():
    """A small clinic, counted by hand below."""
    courses = [  # id, ended, attended, first PHQ-9, last, first GAD-7, last
        ("c01", True, 16, 18, 4, 14, 3), ("c02", True, 12, 16, 10, 7, 7), ("c03", True, 16, 10, 9, 7, 7),
        ("c04", True, 8, 15, 9, 12, 16), ("c05", True, 2, 9, 15, 7, 7), ("c06", True, 16, 9, 3, 7, 3),
        ("c07", True, 1, 20, 5, 15, 4), ("c08", True, 6, 22, None, 16, None), ("c09", False, 9, 14, 6, 10, 5),
        ("c10", True, 16, 20, 10, 9, 9), ("c11", True, 14, 9, 9, 8, 4), ("c12", True, 16, 16, 9, 3, 7)]
    keys = ("id", "ended", "attended", "first_phq", "last_phq", "first_gad", "last_gad")
    counts = dict(courses=12, finished=10, finished_paired=9, finished_not_at_caseness=2,
                  finished_minus_not_at_caseness=8, finished_paired_at_caseness=7, recovered=4,
                  reliably_recovered=2, improved=5, deteriorated=1, no_change=3,
                  response_of_phq_cases=2, remission_of_phq_cases=1, phq_cases_paired=6)
    finished = [dict(zip(keys, row)) for row in courses if row[1] and row[2] >= 2]
    paired = [course for course in finished if None not in course.values()]
    results = [outcome(*(course[key] for key in keys[3:])) for course in paired]
    cases = [course for course in paired if course["first_phq"] >= 10]
    got = dict(courses=len(courses), finished=len(finished), finished_paired=len(paired),
               finished_not_at_caseness=sum(c["first_phq"] < PHQ[0] and c["first_gad"] < GAD[0] for c in finished),
               finished_minus_not_at_caseness=sum(
                   c["first_phq"] >= PHQ[0] or c["first_gad"] >= GAD[0] for c in finished),
               finished_paired_at_caseness=sum(result["at_caseness_at_first"] for result in results),
               **{key: sum(result[key] for result in results)
                  for key in ("recovered", "reliably_recovered", "improved", "deteriorated", "no_change")},
               response_of_phq_cases=sum(2 * c["last_phq"] <= c["first_phq"] for c in cases),
               remission_of_phq_cases=sum(c["last_phq"] < 5 for c in cases), phq_cases_paired=len(cases))
    assert got == counts, got
    return dict(what="The published denominators: of recovery and reliable recovery, finished minus not at caseness; "
                     "of improvement, deterioration and no change, all finished. c08 is finished, at caseness and "
                     "unpaired: it is in these, and not where paired scores are asked for; a rate must say which.",
                courses=[dict(zip(keys, row)) for row in courses], expected=counts)


def recovery():
    rows = list(grid())
    letters = dict(recovered="r", improved="i", deteriorated="d", no_change="n", reliably_recovered="R")
    for row in rows:
        found = dict(zip(COLUMNS, row))
        expected = BY_HAND.get(tuple(row[:4]))
        got = "".join(letter for key, letter in letters.items() if found[key])
        assert expected is None or got == expected, (row, expected)
    assert set(BY_HAND) <= {tuple(row[:4]) for row in rows}, set(BY_HAND) - {tuple(row[:4]) for row in rows}
    return dict(source=NHS + "; NHS England, measure definitions 2024-25; deterioration on any measure: CORC",
                rule="PHQ-9: cut-off 10, 6 points; GAD-7: cut-off 8, 4 points; finished, two sessions or "
                     "more, both paired",
                columns=COLUMNS, rows=rows, unpaired=list(unpaired()), first_and_last=list(first_and_last()),
                cohort=cohort())
