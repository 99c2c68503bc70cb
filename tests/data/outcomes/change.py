"""Expected changes: response, remission, reliable change, caseness, and Jacobson-Truax. Part of generate.py."""

from math import sqrt

from scoring import HAMILTON, INSTRUMENTS, NHS, totals

RELIABLE = (  # instrument, points, source
    ("phq-9", 6, NHS + " (NCT05134103)"),
    ("phq-9", 5, "the smallest change that matters to patients; not the NHS rule"),
    ("gad-7", 4, NHS),
    ("gad-7", 5, "Delgadillo et al.: not the NHS rule"),
    ("epds", 4, "Matthey 2004, 95 %"),
    ("pcl-5", 10, NHS + "; National Center for PTSD: meaningful change"),
)
NO_RELIABLE = ("phq-2", "gad-2", "k10", "ces-d", "ham-d17", "wsas")
HALF = "a fall of at least 50 % of the first score (trials; HEDIS DRR)"
TRUAX = "Jacobson, Truax 1991, J Consult Clin Psychol 59:12"


def response(first, last):
    return first > 0 and 2 * (first - last) >= first


def responses():
    for first in (0, 1, 2, 3, 10, 11, 15, 19, 20, 21, 26, 27):
        half = first // 2
        for last in sorted({0, max(0, half - 1), half, half + 1, first, min(27, first + 1)}):
            yield dict(instrument="phq-9", first=first, last=last, response=response(first, last))


def remissions():
    for instrument, below, source in (("phq-9", 5, "HEDIS: PHQ-9 below 5"), ("ham-d17", 8, HAMILTON + ": 7 or less")):
        for last in (0, below - 1, below, below + 1):
            yield dict(instrument=instrument, last=last, remission=last < below, source=source)


def kinds(first, last, points):
    change = last - first
    return "improved" if change <= -points else "deteriorated" if change >= points else "unchanged"


def reliable_changes():
    for instrument, points, source in RELIABLE:
        least, most = totals(instrument)
        for first in sorted({least, points - 1, points, (least + most) // 2, most - points, most - points + 1, most}):
            for last in range(first - points - 1, first + points + 2):
                if least <= last <= most and (abs(last - first) >= points - 1 or last == first):
                    yield dict(instrument=instrument, points=points, first=first, last=last,
                               change=kinds(first, last, points), source=source)


def caseness():
    for instrument, what in INSTRUMENTS.items():
        for at, source in what["cut_offs"]:
            for total in (at - 1, at, at + 1):
                yield dict(instrument=instrument, cut_off=at, total=total, at_caseness=total >= at, source=source)


def not_the_same():
    """PHQ-9 first to last: what is one of these is not the others."""
    for first, last in ((18, 9), (10, 4), (10, 5), (27, 13), (12, 9), (16, 10), (15, 9), (15, 10), (9, 4), (9, 3),
                        (9, 9), (4, 4), (4, 10), (10, 10), (20, 10), (21, 11), (16, 9), (8, 4), (27, 27), (21, 27)):
        yield dict(instrument="phq-9", first=first, last=last, response=response(first, last), remission=last < 5,
                   case_at_first=first >= 10, below_cut_off_at_last=last < 10,
                   left_caseness=first >= 10 > last, change=kinds(first, last, 6))


def higher_is_better():
    """The same points, the other way round: WHO-5, 0 to 100, 10 points (Topp et al. 2015)."""
    for first, last in ((40, 49), (40, 50), (50, 41), (50, 40), (40, 40), (0, 100), (100, 0)):
        yield dict(instrument="who-5", points=10, first=first, last=last, change=kinds(-first, -last, 10))


def truax(sd, reliability):
    sem = sd * sqrt(1 - reliability)
    difference = sqrt(2) * sem
    return sem, difference, 1.96 * difference


def jacobson_truax():
    worked = []
    for sd, reliability, printed, source in (
            (10.5, 0.931, ("2.7581", "3.9006", "7.6451"), "worked example: SEM, S diff, 1.96 S diff"),
            (7.5, 0.80, ("3.35", "4.74", None), TRUAX + ", their example: (47.5 - 32.5) / 4.74 = 3.16")):
        for got, shown in zip(truax(sd, reliability), printed):
            assert shown is None or f"{got:.{len(shown.split('.')[1])}f}" == shown, (got, shown)
        sem, difference, threshold = truax(sd, reliability)
        worked.append(dict(sd=sd, reliability=reliability, sem=round(sem, 9), s_diff=round(difference, 9),
                           threshold=round(threshold, 9), printed=printed, source=source))
    assert f"{(47.5 - 32.5) / truax(7.5, 0.80)[1]:.2f}" == "3.16"
    indices = []
    for sd, reliability, first, last, exact in (
            (10.5, 0.931, 30, 22, None), (10.5, 0.931, 30, 23, None), (10.5, 0.931, 22, 30, None),
            (10.5, 0.931, 23, 30, None), (7.5, 0.80, 32.5, 47.5, None), (10.5, 0.931, 20, 20, None),
            # |RCI| is 1.96 to the last digit, however it is rounded on the way: not reliable. The next point is.
            (25, 0.5, 60, 11, -1.96), (25, 0.5, 11, 60, 1.96), (25, 0.5, 60, 10, -2.0), (25, 0.5, 10, 60, 2.0),
            (50, 0.875, 60, 11, -1.96), (50, 0.875, 11, 60, 1.96), (50, 0.875, 60, 10, -2.0)):
        index = exact if exact is not None else (last - first) / truax(sd, reliability)[1]
        # Beside the boundary on both sides, in whole thousandths: no rounding decides these.
        assert exact is not None or abs(abs(index) - 1.96) > 0.001
        indices.append(dict(sd=sd, reliability=reliability, first=first, last=last, rci=round(index, 9),
                            reliable=abs(index) > 1.96, on_boundary=abs(index) == 1.96))
    return dict(worked=worked, indices=indices, cut_offs=list(cut_offs()), categories=list(categories()))


def cut_offs():
    """a: 2 SD from the clinical mean; b: 2 SD (of the norm) from the norm's mean; c: between, weighted by both SDs."""
    for clinical, norm, higher_is_worse, why in (
            ((20.0, 5.0), (5.0, 3.0), True, "the norms overlap: c"),
            ((20.0, 4.0), (3.0, 1.0), True, "they do not: b"),
            ((20.0, 5.0), None, True, "clinical norms only: a"),
            ((24.0, 6.0), (10.0, 3.0), True, "b with the clinical SD would be 22 and pass for fine"),
            ((40.0, 7.5), (60.0, 7.5), False, "higher is better; " + TRUAX + ": a 55, b 45, c 50"),
            ((30.0, 10.0), (80.0, 5.0), False, "higher is better, no overlap: b"),
            ((35.0, 12.0), None, False, "higher is better, clinical norms only: a")):
        sign = 1 if higher_is_worse else -1
        a = clinical[0] - sign * 2 * clinical[1]
        made = dict(clinical_mean=clinical[0], clinical_sd=clinical[1], norm_mean=None, norm_sd=None,
                    higher_is_worse=higher_is_worse, a=a, b=None, c=None, use="a", cut_off=a, why=why)
        if norm:
            b = norm[0] + sign * 2 * norm[1]
            c = (norm[1] * clinical[0] + clinical[1] * norm[0]) / (norm[1] + clinical[1])
            overlap = sign * (b - a) > 0  # the two ranges of 2 SD reach into each other
            made.update(norm_mean=norm[0], norm_sd=norm[1], b=b, c=round(c, 9), use="c" if overlap else "b",
                        cut_off=round(c if overlap else b, 9))
        yield made


def categories():
    """recovered: reliable and across the cut-off; improved: reliable only; a reliable rise is deteriorated."""
    sd, reliability, cut_off = 10.5, 0.931, 14.5
    for first, last in ((30, 10), (30, 14), (30, 15), (30, 22), (30, 23), (16, 14), (22, 14), (23, 14), (14, 6),
                        (14, 13), (10, 17), (10, 18), (14, 22), (30, 38), (30, 37), (30, 30)):
        index = (last - first) / truax(sd, reliability)[1]
        category = ("unchanged" if abs(index) <= 1.96 else "deteriorated" if index > 0
                    else "recovered" if first > cut_off > last else "improved")
        yield dict(sd=sd, reliability=reliability, cut_off=cut_off, first=first, last=last, category=category)


def change():
    return dict(
        response=dict(source=HALF, cases=list(responses())),
        remission=dict(cases=list(remissions())),
        reliable_change=dict(rule="a change of exactly the points counts", none_for=NO_RELIABLE,
                             cases=list(reliable_changes())),
        caseness=dict(rule="a score of exactly the cut-off is at caseness", cases=list(caseness())),
        not_the_same=dict(rule="PHQ-9, 6 points, cut-off 10", cases=list(not_the_same())),
        higher_is_better=dict(cases=list(higher_is_better())),
        jacobson_truax=dict(rule="|RCI| > 1.96, strictly", source=TRUAX, **jacobson_truax()))
