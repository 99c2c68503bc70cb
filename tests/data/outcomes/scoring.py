"""Expected scores: how each instrument is scored, and the cases. Part of generate.py."""

from fractions import Fraction
from math import floor

KROENKE = "Kroenke, Spitzer, Williams 2001, J Gen Intern Med 16:606; LOINC 44249-1"
NHS = "NHS Talking Therapies manual; NHS Digital, annual reports"
ARRIETA = "Arrieta et al. 2017: at most 2 of the PHQ-9's items may be missing; each is the mean of the rest"
NO_RULE = "no validated rule is published: every item is required"
COX = "Cox, Holden, Sagovsky 1987, Br J Psychiatry 150:782; Cox, Holden 2003"
RADLOFF = "Radloff 1977, Appl Psychol Meas 1:385"
KESSLER = "Kessler et al. 2003, Arch Gen Psychiatry 60:184; bands of the NSW Health scoring sheet"
ABS = "Australian Bureau of Statistics, 4817.0.55.001: questions 3 and 6 are not asked after 'none of the time'"
MUNDT = "Mundt et al. 2002, Br J Psychiatry 180:461"
NCPTSD = "National Center for PTSD, PCL-5"
HAMILTON = "Hamilton 1960, J Neurol Neurosurg Psychiatry 23:56; severity as in NINDS CDE and CamCOPS"


def straight(items, lowest, highest):
    return {item: list(range(lowest, highest + 1)) for item in range(1, items + 1)}


def reversing(items, lowest, highest, reverse):
    values = straight(items, lowest, highest)
    for item in reverse:
        values[item].reverse()
    return values


HAMD_TO_TWO = (4, 5, 6, 12, 13, 14, 16, 17)

# values: per item, the score of each option in the order in which the form prints them.
# bands: the first total of each, with its word where the source has one.
# may_miss: how many items may be missing; the total is then sum * items / answered.
INSTRUMENTS = {
    "phq-9": dict(
        values=straight(9, 0, 3), reverse=(), may_miss=2, risk=(9,),
        bands=((0, "minimal"), (5, "mild"), (10, "moderate"), (15, "moderately severe"), (20, "severe")),
        cut_offs=((10, NHS + ": caseness; the same in screening, Kroenke 2001"),),
        sources=dict(scoring=KROENKE, missing=ARRIETA, risk=KROENKE + ": item 9, any answer above 'not at all'")),
    "phq-2": dict(
        values=straight(2, 0, 3), reverse=(), may_miss=0, risk=(), bands=(),
        cut_offs=((2, "Kroenke, Spitzer, Williams 2003, Med Care 41:1284: the more sensitive one (86/78 %)"),
                  (3, "Kroenke, Spitzer, Williams 2003, Med Care 41:1284")),
        sources=dict(scoring="Kroenke, Spitzer, Williams 2003, Med Care 41:1284", missing=NO_RULE)),
    "gad-7": dict(
        values=straight(7, 0, 3), reverse=(), may_miss=1, risk=(),
        bands=((0, "minimal"), (5, "mild"), (10, "moderate"), (15, "severe")),
        cut_offs=((8, NHS + ": caseness"), (10, "Spitzer et al. 2006, Arch Intern Med 166:1092: screening")),
        sources=dict(scoring="Spitzer et al. 2006, Arch Intern Med 166:1092",
                     missing="as PHQ-9, with the cautious limit of 1; a limit of 2 is in use, too (variants)")),
    "gad-2": dict(
        values=straight(2, 0, 3), reverse=(), may_miss=0, risk=(), bands=(),
        cut_offs=((3, "Kroenke et al. 2007, Ann Intern Med 146:317"),),
        sources=dict(scoring="Kroenke et al. 2007, Ann Intern Med 146:317", missing=NO_RULE)),
    "k10": dict(
        values=straight(10, 1, 5), reverse=(), may_miss=0, risk=(),
        bands=((10, "well"), (20, "mild"), (25, "moderate"), (30, "severe")),
        cut_offs=((20, KESSLER),), skips={3: 2, 6: 5},
        sources=dict(scoring=KESSLER, missing=NO_RULE, skips=ABS)),
    "pcl-5": dict(
        values=straight(20, 0, 4), reverse=(), may_miss=0, risk=(), bands=(),
        cut_offs=((31, NCPTSD + ": 31 to 33"), (32, NHS + ": caseness"), (33, NCPTSD + ": 31 to 33")),
        sources=dict(scoring=NCPTSD, missing=NO_RULE, risk="none: item 16 (risky behaviour) does not ask of suicide")),
    "ces-d": dict(
        values=reversing(20, 0, 3, (4, 8, 12, 16)), reverse=(4, 8, 12, 16), may_miss=4, risk=(), bands=(),
        cut_offs=((16, RADLOFF),), sources=dict(scoring=RADLOFF, missing="at most 4 items, as commonly applied")),
    "ham-d17": dict(
        values={item: list(range(3 if item in HAMD_TO_TWO else 5)) for item in range(1, 18)},
        reverse=(), may_miss=0, risk=(3,),
        bands=((0, "none"), (8, "mild"), (14, "moderate"), (19, "severe"), (23, "very severe")),
        cut_offs=((8, HAMILTON + ": remission is 7 or less"),),
        sources=dict(scoring=HAMILTON, missing=NO_RULE, risk=HAMILTON + ": item 3, rated by a clinician")),
    "epds": dict(
        values=reversing(10, 0, 3, (3, 5, 6, 7, 8, 9, 10)), reverse=(3, 5, 6, 7, 8, 9, 10), may_miss=0, risk=(10,),
        bands=((0, None), (10, "possible"), (13, "probable")), cut_offs=((10, COX), (13, COX)),
        sources=dict(scoring=COX, missing=NO_RULE, risk=COX + ": item 10, any answer but 'never'")),
    "wsas": dict(
        values=straight(5, 0, 8), reverse=(), may_miss=0, risk=(), may_not_apply=(1,),
        bands=((0, "subclinical"), (10, "significant"), (21, "moderately severe")), cut_offs=((10, MUNDT),),
        sources=dict(scoring=MUNDT, missing=NO_RULE,
                     not_applicable=NHS + ": item 1 does not apply to who is retired or does not work by choice")),
}


def lowest(name, item):
    return min(INSTRUMENTS[name]["values"][item])


def highest(name, item):
    return max(INSTRUMENTS[name]["values"][item])


def items_of(name):
    return sorted(INSTRUMENTS[name]["values"])


def band_of(name, total):
    """Index and word of a total's band."""
    index = None
    for number, (first, _) in enumerate(INSTRUMENTS[name]["bands"]):
        if total >= first:
            index = number
    return index, None if index is None else INSTRUMENTS[name]["bands"][index][1]


def half_up(exact):
    return floor(exact + Fraction(1, 2))


def syndrome(values):
    """The PHQ-9's algorithm: items at 2 or more, item 9 at 1 or more, item 1 or 2 among them."""
    counting = {item for item, value in values.items() if value >= (1 if item == 9 else 2)}
    if not counting & {1, 2}:
        return "none"
    return "major" if len(counting) >= 5 else "other" if len(counting) >= 2 else "none"


def score(name, values, not_applicable=(), may_miss=None):
    """What is to come out for scored values by item; missing items are absent."""
    what = INSTRUMENTS[name]
    limit = what["may_miss"] if may_miss is None else may_miss
    for item, value in values.items():
        if item not in what["values"]:
            return dict(outcome="rejected", reason="unknown_item", item=item)
        if value not in what["values"][item]:
            return dict(outcome="rejected", reason="out_of_range", item=item)
    for item in not_applicable:
        if item not in what.get("may_not_apply", ()):
            return dict(outcome="rejected", reason="not_applicable_not_allowed", item=item)
    risk = {str(item): "unknown" if item not in values else "fired" if values[item] >= 1 else "none"
            for item in what["risk"]}
    skipped = {item: 1 for item, asked in what.get("skips", {}).items()
               if item not in values and values.get(asked) == 1}
    counted = {**values, **skipped}
    required = [item for item in what["values"] if item not in not_applicable]
    missing = sum(item not in counted for item in required)
    if not values:
        return dict(outcome="invalid", reason="none_answered", n_missing=missing, risk=risk)
    if missing > limit:
        return dict(outcome="invalid", reason="too_many_missing", n_missing=missing, risk=risk)
    exact = Fraction(sum(counted.values()) * len(required), len(counted))
    total = half_up(exact)
    index, word = band_of(name, total)
    expected = dict(outcome="valid", exact=round(float(exact), 9), exact_as=str(exact), rounded=total, band=word,
                    band_index=index, at_or_above={str(at): total >= at for at, _ in what["cut_offs"]},
                    prorated=missing > 0, n_missing=missing, risk=risk)
    if skipped:
        expected["skipped"] = sorted(skipped)
    if not_applicable:  # a total of 32 is not one of 40: neither band nor cut-off
        expected.update(band=None, band_index=None, at_or_above={},
                        highest_possible=sum(highest(name, item) for item in required))
    if name == "phq-9" and missing == 0:
        expected["syndrome"] = syndrome(values)
    return expected


def case(name, label, values, what, **more):
    """One case: `values` are scores; `options` the same answers as printed positions, from 1."""
    made = dict(id=f"{name}/{label}", instrument=name, what=what)
    printed = INSTRUMENTS[name]["values"]
    if all(item in printed and value in printed[item] for item, value in values.items()):
        made["options"] = {str(item): printed[item].index(value) + 1 for item, value in sorted(values.items())}
    made["values"] = {str(item): value for item, value in sorted(values.items())}
    if more.get("not_applicable"):
        made["not_applicable"] = list(more["not_applicable"])
    if "may_miss" in more:
        made["may_miss"] = more["may_miss"]
    if "extra" in more:
        made["extra"] = more["extra"]
    made["expected"] = score(name, values, more.get("not_applicable", ()), more.get("may_miss"))
    return made


def level(name, wanted, items=None, spread=False):
    """Values of the items that sum to `wanted`: the first ones full, or all as equal as can be."""
    items = items or items_of(name)
    values = {item: lowest(name, item) for item in items}
    left = wanted - sum(values.values())
    while left > 0:
        for item in items:
            room = highest(name, item) - values[item]
            step = min(left, room, 1 if spread else room)
            values[item] += step
            left -= step
        assert any(values[i] < highest(name, i) for i in items) or left == 0
    assert sum(values.values()) == wanted
    return values


def uneven(name, items):
    """Some value for each item, not all the same."""
    return {item: min(highest(name, item), lowest(name, item) + (1, 2, 1, 3)[item % 4]) for item in items}


def totals(name):
    least = sum(lowest(name, item) for item in items_of(name))
    return least, sum(highest(name, item) for item in items_of(name))


def common_cases(name):
    items, (least, most) = items_of(name), totals(name)
    bottom = {item: lowest(name, item) for item in items}
    top = {item: highest(name, item) for item in items}
    printed = INSTRUMENTS[name]["values"]
    yield case(name, "minimum", bottom, "every item at its lowest score")
    yield case(name, "maximum", top, "every item at its highest score")
    yield case(name, "first-option", {i: printed[i][0] for i in items}, "the first printed option all down the form")
    yield case(name, "last-option", {i: printed[i][-1] for i in items}, "the last printed option all down the form")
    edges = {first for first, _ in INSTRUMENTS[name]["bands"][1:]} | {at for at, _ in INSTRUMENTS[name]["cut_offs"]}
    for total in sorted({near for edge in edges for near in (edge - 1, edge)}):
        yield case(name, f"edge-{total}-front", level(name, total), "beside an edge, the first items full")
        yield case(name, f"edge-{total}-spread", level(name, total, spread=True), "the same total, spread out")
    for item in items:
        yield case(name, f"alone-{item}", {**bottom, item: top[item]},
                   "one reversed item at its highest score" if item in INSTRUMENTS[name]["reverse"]
                   else "one item at its highest score")
    for item in items:
        rest = [i for i in items if i != item]
        yield case(name, f"without-{item}", uneven(name, rest), "one item missing")
    for count in range(len(items) + 1):
        yield case(name, f"missing-first-{count}", uneven(name, items[count:]), f"the first {count} items missing")
        if 0 < count < len(items):
            yield case(name, f"missing-last-{count}", uneven(name, items[:-count]), f"the last {count} items missing")
    for item in (items[0], items[-1]):
        yield case(name, f"below-{item}", {**bottom, item: lowest(name, item) - 1}, "a value below the item's lowest")
        yield case(name, f"above-{item}", {**bottom, item: top[item] + 1}, "a value above the item's highest")
    stranger = 11 if name == "phq-9" else len(items) + 1  # PHQ-9's tenth question is its difficulty
    yield case(name, f"unknown-{stranger}", {**bottom, stranger: 1}, "an item that the instrument does not have")
    yield case(name, "unknown-0", {**bottom, 0: 1}, "items count from 1")


def prorating_cases(name, missing, sums):
    left = [item for item in items_of(name) if item not in missing]
    most = sum(highest(name, item) for item in left)
    for total in range(most + 1) if sums is None else sums:
        yield case(name, f"prorated-{'+'.join(map(str, missing))}-{total}", level(name, total, left, spread=True),
                   f"{len(missing)} missing, the answered ones sum to {total}")


def risk_cases(name):
    items = items_of(name)
    bottom = {item: lowest(name, item) for item in items}
    for item in INSTRUMENTS[name]["risk"]:
        for value in range(lowest(name, item) + 1, highest(name, item) + 1):
            yield case(name, f"risk-{item}-alone-{value}", {**bottom, item: value},
                       "nothing but the risk item: it fires at any total")
        top = {i: highest(name, i) for i in items}
        yield case(name, f"risk-{item}-zero-at-top", {**top, item: lowest(name, item)},
                   "everything but the risk item at its highest: no risk answer")
        for label, others in (("minimum", bottom), ("maximum", top)):
            yield case(name, f"risk-{item}-unanswered-{label}", {i: others[i] for i in items if i != item},
                       f"the risk item alone unanswered, the others at their {label}: unknown, never none")
        yield case(name, f"risk-{item}-only-fired", {item: 1}, "the risk item alone answered: invalid, and it fires")
        yield case(name, f"risk-{item}-only-zero", {item: 0}, "the risk item alone answered, with no: invalid")
        yield case(name, f"risk-{item}-in-invalid", {**{i: 0 for i in items[:-4] if i != item}, item: 2},
                   "an invalid form, the risk item among its answers: it fires")


def special_cases():
    # The halves: 4 of 8 answered is 4.5, and a mild 5; half to even would make a minimal 4 of it.
    yield from prorating_cases("phq-9", (4,), None)
    yield from prorating_cases("phq-9", (4, 7), None)
    yield from prorating_cases("gad-7", (3,), None)
    yield from prorating_cases("ces-d", (20,), range(13, 18))
    yield from prorating_cases("ces-d", (4,), range(13, 18))  # a reversed one: missing is not its first option
    yield from prorating_cases("ces-d", (4, 8), range(12, 18))
    yield from prorating_cases("ces-d", (1, 8, 12), range(11, 18))
    yield from prorating_cases("ces-d", (4, 8, 12, 16), None)

    two = {i: 2 for i in range(1, 6)}
    yield case("gad-7", "variant-two-missing", two, "two missing where a clinic's rule allows two", may_miss=2)
    yield case("gad-7", "variant-three-missing", {i: 2 for i in range(1, 5)}, "three missing where two may be",
               may_miss=2)

    zero = {i: 0 for i in range(1, 10)}
    for label, answers in (
            ("major-least", {1: 2, 3: 2, 4: 2, 5: 2, 9: 1}),          # total 9: major below the cut-off of 10
            ("major-by-item-2", {2: 2, 3: 2, 4: 2, 5: 2, 6: 2}),
            ("major-item-9-at-1", {1: 3, 2: 3, 7: 2, 8: 2, 9: 1}),
            ("other-item-9-at-1", {1: 2, 9: 1}),
            ("other-four", {1: 2, 2: 2, 3: 2, 4: 2}),
            ("other-four-and-item-9-at-0", {1: 3, 2: 3, 3: 3, 4: 3, 5: 1, 6: 1, 7: 1, 8: 1}),
            ("other-at-cut-off", {1: 2, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1}),
            ("none-one-symptom", {1: 3}),
            ("none-without-1-and-2", {3: 2, 4: 2, 5: 2, 6: 2, 7: 2, 8: 2, 9: 3}),
            ("none-1-and-2-at-1", {1: 1, 2: 1, 3: 3, 4: 3, 5: 3, 6: 3, 7: 3, 8: 3, 9: 3}),
            ("none-all-ones", {i: 1 for i in range(1, 10)}),
            ("none-item-9-alone", {9: 3})):
        yield case("phq-9", f"syndrome-{label}", {**zero, **answers}, "the algorithm, apart from the total")
    yield case("phq-9", "difficulty-not-in-total", zero, "the tenth question is no part of the total",
               extra={"difficulty": 3})
    yield case("phq-9", "difficulty-no-substitute", {i: 3 for i in range(4, 10)},
               "three items missing: the tenth question answers none of them", extra={"difficulty": 3})
    yield case("phq-9", "as-phq-8", {i: 1 for i in range(1, 9)}, "without item 9: a score, and risk unknown, not clear")

    ones = {i: 1 for i in range(1, 11)}
    for label, answers, what in (
            ("skip-3", {i: 1 for i in ones if i != 3}, "question 3 not asked after 'none' to 2: it is 1"),
            ("skip-6", {**{i: 2 for i in ones if i != 6}, 5: 1}, "question 6 not asked after 'none' to 5: it is 1"),
            ("skip-both", {i: 1 for i in ones if i not in (3, 6)}, "both not asked: the lowest total of all"),
            ("skip-both-edge", {1: 5, 2: 1, 4: 4, 5: 1, 7: 3, 8: 2, 9: 1, 10: 1}, "a total of 20 with both not asked"),
            ("skip-answered", ones, "asked all the same, and answered with 'none'"),
            ("skip-3-without-reason", {**{i: 1 for i in ones if i != 3}, 2: 2}, "2 is not 'none': 3 is missing"),
            ("skip-6-without-reason", {**{i: 1 for i in ones if i != 6}, 5: 5}, "5 is not 'none': 6 is missing"),
            ("skip-3-by-5", {**{i: 1 for i in ones if i != 3}, 2: 3, 5: 1}, "'none' to 5 excuses 6, not 3"),
            ("skip-2-and-3", {i: 1 for i in ones if i not in (2, 3)}, "2 is missing itself, so 3 is, too")):
        yield case("k10", label, answers, what)

    for label, answers in (("zero", {2: 0, 3: 0, 4: 0, 5: 0}), ("nine", {2: 5, 3: 4, 4: 0, 5: 0}),
                           ("ten", {2: 5, 3: 5, 4: 0, 5: 0}), ("top", {2: 8, 3: 8, 4: 8, 5: 8})):
        yield case("wsas", f"item-1-not-applicable-{label}", answers, "of 32: no band, no cut-off, not prorated",
                   not_applicable=(1,))
    yield case("wsas", "item-1-unanswered", {2: 5, 3: 5, 4: 5, 5: 5}, "unanswered is not the same as not applicable")
    yield case("wsas", "item-1-not-applicable-2-missing", {3: 5, 4: 5, 5: 5}, "another one missing",
               not_applicable=(1,))
    yield case("wsas", "item-2-not-applicable", {1: 5, 3: 5, 4: 5, 5: 5}, "only item 1 may be", not_applicable=(2,))

    bottom = {i: 0 for i in range(1, 18)}
    for item in HAMD_TO_TWO:
        yield case("ham-d17", f"item-{item}-at-3", {**bottom, item: 3}, "this item goes to 2 only")

    # By printed position alone, where a reader of positions and a reader of values part.
    for name, options in (("epds", 4), ("ces-d", 4), ("phq-9", 4), ("k10", 5), ("wsas", 9)):
        items = items_of(name)
        for position in (0, options + 1):
            yield dict(id=f"{name}/option-{position}", instrument=name, what="a position that the form does not have",
                       options={**{str(i): 1 for i in items}, "1": position},
                       expected=dict(outcome="rejected", reason="out_of_range", item=1))


def by_total(name):
    least, most = totals(name)
    return [[total, band_of(name, total)[0], [at for at, _ in INSTRUMENTS[name]["cut_offs"] if total >= at]]
            for total in range(least, most + 1)]


def instrument(name):
    what, (least, most) = INSTRUMENTS[name], totals(name)
    starts = [first for first, _ in what["bands"]] + [most + 1]
    return dict(
        items=len(what["values"]), lowest=least, highest=most,
        option_values={str(item): values for item, values in what["values"].items()}, reverse=list(what["reverse"]),
        may_miss=what["may_miss"], risk_items=list(what["risk"]),
        bands=[dict(index=i, first=starts[i], last=starts[i + 1] - 1, word=word)
               for i, (_, word) in enumerate(what["bands"])],
        cut_offs=[dict(at=at, source=source) for at, source in what["cut_offs"]],
        rejected_totals=[least - 1, most + 1], by_total=by_total(name), sources=what["sources"])


# Written down by hand, before any formula: what some cases must come to.
BY_HAND = {
    "phq-9/prorated-4-4": ("9/2", 5, "mild"), "phq-9/prorated-4-12": ("27/2", 14, "moderate"),
    "phq-9/prorated-4-20": ("45/2", 23, "severe"), "phq-9/prorated-4-13": ("117/8", 15, "moderately severe"),
    "gad-7/prorated-3-3": ("7/2", 4, "minimal"), "gad-7/prorated-3-9": ("21/2", 11, "moderate"),
    "gad-7/prorated-3-4": ("14/3", 5, "mild"), "ces-d/prorated-4+8-14": ("140/9", 16, None),
    "ces-d/prorated-4+8+12+16-2": ("5/2", 3, None), "ces-d/first-option": ("12", 12, None),
    "ces-d/last-option": ("48", 48, None), "epds/first-option": ("21", 21, "probable"),
    "epds/last-option": ("9", 9, None), "epds/alone-10": ("3", 3, None), "k10/minimum": ("10", 10, "well"),
    "k10/skip-both": ("10", 10, "well"), "k10/skip-both-edge": ("20", 20, "mild"),
    "ham-d17/maximum": ("52", 52, "very severe"), "pcl-5/maximum": ("80", 80, None),
    "wsas/maximum": ("40", 40, "moderately severe"), "wsas/item-1-not-applicable-ten": ("10", 10, None),
}


def scoring():
    cases = []
    for name in INSTRUMENTS:
        cases += common_cases(name)
        cases += risk_cases(name)
    cases += special_cases()
    found = {made["id"]: made["expected"] for made in cases}
    for label, (exact, rounded, band) in BY_HAND.items():
        got = found[label]
        assert (got["exact_as"], got["rounded"], got["band"]) == (exact, rounded, band), (label, got)
    default = [made for made in cases if "may_miss" not in made]
    return dict(instruments={name: instrument(name) for name in INSTRUMENTS}, cases=default,
                variants=[made for made in cases if "may_miss" in made])
