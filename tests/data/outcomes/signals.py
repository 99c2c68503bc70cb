"""Expected sudden gains, and signals of a course that is not on track. Part of generate.py."""

from math import sqrt
from statistics import mean, variance

TANG = "Tang, DeRubeis 1999, J Consult Clin Psychol 67:894; missing scores: Lutz et al. 2013; R package suddengains"
T = {(3, 3): 2.776, (2, 3): 3.182, (3, 2): 3.182, (2, 2): 4.303}


def third(before, after, t=None):
    """Mean difference, and what it must exceed; None where a side has fewer than two scores. No sqrt(1/n1 + 1/n2)."""
    before, after = [s for s in before if s is not None], [s for s in after if s is not None]
    if len(before) < 2 or len(after) < 2:
        return None
    n1, n2 = len(before), len(after)
    pooled = sqrt(((n1 - 1) * variance(before) + (n2 - 1) * variance(after)) / (n1 + n2 - 2))
    return mean(before) - mean(after), (t or T[n1, n2]) * pooled


def interval(before, after, cut_off, ended=True):
    """One interval, between n (the last of `before`) and n+1 (the first of `after`). `ended`: no more scores come."""
    if before[-1] is None or after[0] is None:
        return dict(criteria=[None, None, None], decision="not_evaluable")
    drop = before[-1] - after[0]
    first, second, compared = drop >= cut_off, 4 * drop >= before[-1], third(before, after)
    criteria = [first, second, None if compared is None else compared[0] > compared[1]]
    if not (first and second):
        decision = "no"
    elif compared is not None:
        decision = "gain" if criteria[2] else "no"
        # Nothing decides by a hair: rounding must not matter, nor 2.776 or 2.7764.
        assert abs(compared[0] - compared[1]) > 0.01, (before, after, compared)
    else:
        enough_before = sum(s is not None for s in before) >= 2
        decision = "undecidable" if enough_before and not ended else "not_evaluable"
    made = dict(drop=drop, criteria=criteria, decision=decision)
    if compared is not None:
        made.update(mean_difference=round(compared[0], 9), threshold=round(compared[1], 9))
    return made


def intervals():
    for label, before, after, cut_off, decision, what in (
            ("published", (32, 31, 33), (5, 6, 7), 7, "gain", "the worked example of check_interval: 26 > 2.776"),
            ("published-missing", (None, 31, 33), (5, None, 7), 7, "gain", "the same, one missing on each side: 4.303"),
            ("drop-6-of-24", (25, 24, 24), (18, 18, 17), 6, "gain", "the cut-off exactly, and 25 % exactly"),
            ("drop-5", (20, 19, 19), (14, 13, 14), 6, "no", "one point less than the cut-off"),
            ("drop-6-of-25", (25, 26, 25), (19, 18, 19), 6, "no", "24 %: less than a quarter of score n"),
            ("drop-7-of-27", (27, 27, 27), (20, 20, 19), 6, "gain", "25.9 %"),
            ("drop-6-of-27", (27, 27, 27), (21, 20, 21), 6, "no", "22 %, though all are steady"),
            ("quarter-of-n-not-of-mean", (27, 26, 24), (18, 17, 18), 6, "gain", "of the mean before it is 23 %"),
            ("noisy", (10, 24, 18), (12, 6, 15), 6, "no", "the scores spread more than they fall"),
            ("steady-decline", (20, 17, 14), (8, 5, 2), 6, "gain", "a known false positive of the method: shown"),
            ("no-spread", (15, 15, 15), (9, 9, 9), 6, "gain", "both variances 0: 6 > 0"),
            ("no-square-root", (18, 12, 15), (9, 11, 7), 6, "no", "6 < 7.08; a t-test proper (5.78) would say yes"),
            ("sample-variance", (18, 13, 14), (8, 12, 8), 6, "no", "5.67 < 6.89; n for n-1 (5.63) would say yes"),
            ("missing-before", (None, 20, 19), (12, 11, 12), 6, "gain", "n-2 missing: 3.182"),
            ("missing-before-2", (20, None, 19), (12, 11, 12), 6, "gain", "n-1 missing: 3.182"),
            ("missing-after", (20, 19, 20), (12, None, 11), 6, "gain", "n+2 missing: 3.182"),
            ("two-before", (None, 20, 16), (10, 12, 10), 6, "gain", "7.33 > 6.00"),
            ("two-before-noisy", (None, 20, 15), (9, 13, 10), 6, "no", "6.83 < 8.45; 2.776 (7.37) says no, too"),
            ("adjusted-t", (None, 12, 15), (6, 9, 9), 6, "no", "5.50 < 5.95; 2.776 unadjusted (5.19) would say yes"),
            ("pooled-by-size", (None, 12, 17), (6, 6, 8), 6, "gain", "7.83 > 7.15; the plain mean of variances: 8.37"),
            ("score-n-missing", (20, 19, None), (11, 11, 11), 6, "not_evaluable", "no interval without score n"),
            ("score-n+1-missing", (20, 19, 20), (None, 11, 11), 6, "not_evaluable", "nor without n+1: gaps stay"),
            ("one-before", (None, None, 20), (11, 11, 11), 6, "not_evaluable", "the first interval of a course"),
            ("rise", (12, 11, 12), (20, 19, 20), 6, "no", "a rise is none, however sudden")):
        made = dict(id=label, what=what, before=before, after=after, cut_off=cut_off,
                    **interval(before, after, cut_off))
        assert made["decision"] == decision, made
        yield made
    for label, after, decision, what in (
            ("one-later", (12, None, None), "undecidable", "n+1 alone: wait"),
            ("two-later", (12, 11, None), "gain", "two later scores decide, with 3.182"),
            ("three-later-relapse", (12, 11, 25), "no", "the third may take it back: decide anew with each score"),
            ("one-later-too-small", (15, None, None), "no", "too small a drop is decided at once")):
        made = dict(id=label, what=what, before=(20, 19, 20), after=after, cut_off=6, ended=False,
                    **interval((20, 19, 20), after, 6, ended=False))
        assert made["decision"] == decision, made
        yield made
    drop, threshold = third((32, 31, 33), (5, 6, 7), 4.604)  # its output with alpha .01
    assert drop == 26 and abs(threshold - 4.604) < 1e-9
    drop, threshold = third((None, 31, 33), (5, None, 7), 9.925)
    assert drop == 26 > threshold > 14.03


def series():
    for label, scores, ended, gains, undecidable, what in (
            ("one", (20, 19, 20, 12, 11, 10, 9, 8), True, (3,), (), "between the third and the fourth"),
            ("first-interval", (20, 10, 9, 8), True, (), (), "one score before: cannot be told"),
            ("second-interval", (20, 19, 11, 11, 10), True, (2,), (), "two before are enough: 3.182"),
            ("gap", (20, 19, None, 12, 11, 10), True, (), (), "a missed session between: left out it would be one"),
            ("two", (24, 23, 24, 16, 15, 16, 8, 7, 8), True, (3, 6), (), "two gains"),
            ("waiting", (20, 19, 20, 12), False, (), (3,), "one later score: undecidable yet"),
            ("waited", (20, 19, 20, 12, 11), False, (3,), (), "the next one decides"),
            ("ended-early", (20, 19, 20, 12), True, (), (), "no more to come: it stays undecided, and is no gain"),
            ("at-the-end", (20, 19, 20, 19, 18, 10, 9), True, (5,), (), "decided by the last two"),
            ("none", (18, 17, 16, 14, 13, 11, 10, 8), True, (), (), "steady, small steps")):
        found = {"gain": [], "undecidable": []}
        for n in range(1, len(scores)):
            before = [scores[n - back] if n - back >= 0 else None for back in (3, 2, 1)]
            after = [scores[n + ahead] if n + ahead < len(scores) else None for ahead in (0, 1, 2)]
            found.setdefault(interval(before, after, 6, ended)["decision"], []).append(n)
        assert (tuple(found["gain"]), tuple(found["undecidable"])) == (gains, undecidable), (label, found)
        yield dict(id=label, what=what, scores=scores, ended=ended, cut_off=6, gains_after=gains,
                   undecidable_after=undecidable)


def sudden_gains():
    return dict(source=TANG, rule="drop >= cut-off (PHQ-9: 6), drop >= 25 % of score n, and the third, strictly >",
                critical_values=[dict(before=b, after=a, t=t) for (b, a), t in T.items()],
                intervals=list(intervals()), series=list(series()))


EARLY = "less than 20 % below a baseline of 10 or more, at 28 days or more and 3 sessions or more"


def early(baseline, score, days, sessions):
    return baseline >= 10 and days >= 28 and sessions >= 3 and 5 * (baseline - score) < baseline


def not_on_track():
    """Each rule by itself: whether it speaks. All are defaults that a clinic may set."""
    def slow():
        for baseline in range(9, 28):
            at = {baseline, baseline + 1, baseline * 4 // 5, baseline * 4 // 5 - 1, baseline * 4 // 5 + 1}
            for score in sorted(s for s in at if s <= 27):
                yield baseline, score, 28, 3
        for days, sessions in ((27, 3), (28, 2), (27, 2), (28, 3), (29, 3), (28, 4), (35, 2), (20, 5), (0, 0)):
            yield 20, 19, days, sessions

    def risen():
        for instrument, points, pairs in (
                ("phq-9", 6, ((10, 15), (10, 16), (10, 17), (21, 27), (22, 27), (8, 14), (8, 13), (0, 6), (0, 5),
                                (16, 10))),
                ("gad-7", 4, ((12, 15), (12, 16), (12, 17), (7, 11), (7, 10), (17, 21), (18, 21), (16, 12)))):
            for baseline, score in pairs:
                yield dict(instrument=instrument, points=points, baseline=baseline, score=score, days=7, sessions=1,
                           speaks=score - baseline >= points)

    def midpoint():
        for instrument, points, baseline, scores in (("phq-9", 6, 18, (18, 13, 12, 11, 24)),
                                                     ("gad-7", 4, 14, (14, 11, 10, 9))):
            for score in scores:
                for session, contracted in ((7, 16), (8, 16), (5, 12), (6, 12), (3, 8), (4, 8)):
                    yield dict(instrument=instrument, points=points, baseline=baseline, score=score, session=session,
                               contracted=contracted, speaks=2 * session >= contracted and baseline - score < points)

    def week_12():
        for baseline, score in ((19, 10), (19, 9), (20, 10), (20, 11), (21, 10), (21, 11), (12, 9), (12, 10), (27, 14),
                                (27, 13), (16, 8), (10, 10), (10, 9), (24, 24)):
            for days in (76, 84, 90):
                yield dict(instrument="phq-9", cut_off=10, baseline=baseline, score=score, days=days,
                           speaks=days >= 84 and score >= 10 and 2 * (baseline - score) < baseline)

    def ipt_a():
        for baseline, score in ((20, 17), (20, 16), (37, 31), (37, 32), (31, 26), (31, 25), (19, 16), (18, 15),
                                (25, 21), (25, 20)):
            yield dict(instrument="ham-d17", baseline=baseline, score=score, week=4,
                       speaks=1000 * (baseline - score) < 162 * baseline)

    return dict(
        early=dict(rule=EARLY, says="AMBER", source="default, to be signed off by a clinician", cases=[
            dict(instrument="phq-9", baseline=b, score=s, days=d, sessions=n, speaks=early(b, s, d, n))
            for b, s, d, n in slow()]),
        rise=dict(rule="a rise from the baseline by the points of reliable change or more, at once, at any baseline",
                  says="RED", source="default, to be signed off by a clinician", cases=list(risen())),
        midpoint=dict(rule="no reliable improvement when half of the contracted sessions are used", says="AMBER",
                      source="default, to be signed off by a clinician", cases=list(midpoint())),
        week_12=dict(rule="after 12 weeks less than 50 % below the baseline, and at the cut-off or above",
                     says="CONSIDER_CHANGE", source="default, to be signed off by a clinician", cases=list(week_12())),
        ipt_a_week_4=dict(rule="a fall of less than 16.2 % of the HAM-D by week 4; off by default", says="AMBER",
                          source="Gunlicks-Stoessel, Mufson 2011 (n = 63)", cases=list(ipt_a())))
