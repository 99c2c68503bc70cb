"""Expected statistics of a clinic's report: effect sizes, rates, suppression, drop-out. Part of generate.py."""

from math import exp, lgamma, sqrt
from statistics import NormalDist, mean, stdev

Z = NormalDist().inv_cdf(0.975)
BECKER = "Becker 1988, Br J Math Stat Psychol 41:257; R package metafor, escalc(measure = 'SMCR')"
BONETT = "Bonett 2008, Psychol Methods 13:99; metafor, 'SMCRH'"
NEWCOMBE = "Newcombe 1998, Stat Med 17:857, table I, score method"


def bias(m):
    """Hedges' J for m degrees of freedom: exact, by logarithms (the function itself overflows at m of 343); from 10,000
    on the approximation, which then is the same in nine digits."""
    return 1 - 3 / (4 * m - 1) if m > 10000 else exp(lgamma(m / 2) - lgamma((m - 1) / 2)) / sqrt(m / 2)


def around(value, variance):
    half = Z * sqrt(variance)
    return [round(value - half, 9), round(value + half, 9)]


def effect(n, fall, sd_start, r, sd_change=None):
    """`fall`: start minus end, so that improvement is positive where higher is worse."""
    d, j = fall / sd_start, bias(n - 1)
    g = j * d
    made = dict(d=round(d, 9), d_variance_becker=round(2 * (1 - r) / n + d * d / (2 * n), 9),
                d_interval_becker=around(d, 2 * (1 - r) / n + d * d / (2 * n)),
                g=round(g, 9), g_approximate=round(d * (1 - 3 / (4 * (n - 1) - 1)), 9),
                g_variance_becker=round(2 * (1 - r) / n + g * g / (2 * n), 9),
                g_interval_becker=around(g, 2 * (1 - r) / n + g * g / (2 * n)))
    if sd_change is not None:
        variance = sd_change ** 2 / (sd_start ** 2 * (n - 1)) + d * d / (2 * (n - 1))
        made.update(d_variance_bonett=round(variance, 9), d_interval_bonett=around(d, variance))
    return made


# Morris 2008, Organ Res Methods 11:364, table 1, both groups of five studies: mean before and after, SD before and
# after, n, r; then g and its variance as metafor's tests print them. There, after minus before.
MORRIS = (
    (30.6, 38.5, 15.0, 11.6, 20, 0.47, "0.5056", "0.0594"), (23.5, 26.8, 3.1, 4.1, 50, 0.64, "1.0481", "0.0254"),
    (0.5, 0.7, 0.1, 0.1, 9, 0.77, "1.8054", "0.2322"), (53.4, 75.9, 14.5, 4.4, 10, 0.89, "1.4181", "0.1225"),
    (35.6, 36.0, 4.7, 4.6, 14, 0.44, "0.0801", "0.0802"), (23.1, 19.7, 13.8, 14.8, 20, 0.47, "-0.2365", "0.0544"),
    (24.9, 25.3, 4.1, 3.3, 42, 0.64, "0.0958", "0.0173"), (0.6, 0.6, 0.2, 0.2, 9, 0.77, "0.0000", "0.0511"),
    (55.7, 60.7, 17.3, 17.9, 11, 0.89, "0.2667", "0.0232"), (34.8, 33.4, 3.1, 6.9, 14, 0.44, "-0.4250", "0.0864"))


def summary_effects():
    for before, after, sd_before, sd_after, n, r, g, variance in MORRIS:
        sd_change = sqrt(sd_before ** 2 + sd_after ** 2 - 2 * r * sd_before * sd_after)
        made = effect(n, after - before, sd_before, r, sd_change)
        assert abs(made["g"] - float(g)) < 6e-5 and abs(made["g_variance_becker"] - float(variance)) < 6e-5, (made, g)
        yield dict(n=n, mean_start=before, mean_end=after, sd_start=sd_before, sd_end=sd_after, r=r,
                   higher_is_worse=False, printed=dict(g=g, g_variance_becker=variance), expected=made,
                   source="Morris 2008, table 1; digits of metafor's test_analysis_example_morris2008.r")
    for n, why in ((3, "three pairs"), (344, "where a gamma function overflows"), (345, "and beyond"),
                   (1000000, "a million pairs")):
        sd_change = sqrt(5.1 ** 2 + 5.8 ** 2 - 2 * 0.35 * 5.1 * 5.8)
        yield dict(n=n, mean_start=15.2, mean_end=8.1, sd_start=5.1, sd_end=5.8, r=0.35, higher_is_worse=True,
                   printed=None, expected=effect(n, 15.2 - 8.1, 5.1, 0.35, sd_change), source="the formulas: " + why)
    # 6.0 / 5.5: the NHS formula; neither n nor r is given, so there is no interval.
    yield dict(n=None, mean_start=15.4, mean_end=9.4, sd_start=5.5, sd_end=6.4, r=None, higher_is_worse=True,
               printed=dict(d="1.0909"), expected=dict(d=round(6 / 5.5, 9)),
               source="NHS Talking Therapies 2022-23, PHQ-9 of those at caseness; the formula is NHS Digital's")


def correlation(xs, ys):
    mx, my = mean(xs), mean(ys)
    return (sum((x - mx) * (y - my) for x, y in zip(xs, ys))
            / sqrt(sum((x - mx) ** 2 for x in xs) * sum((y - my) ** 2 for y in ys)))


def raw_effects():
    for label, what, start, end, worse in (
            ("by-hand", "README.md has every step", (10, 12, 14, 16, 18), (5, 9, 6, 10, 10), True),
            ("pairs-only", "who has one score is in neither mean, nor in the SD",
             (10, 12, 27, 14, 16, 18, None), (5, 9, None, 6, 10, 10, 0), True),
            ("higher-is-better", "the sign follows the instrument", (5, 9, 6, 10, 10), (10, 12, 14, 16, 18), False),
            ("worse", "an effect for the worse is negative", (5, 9, 6, 10, 10), (10, 12, 14, 16, 18), True),
            ("no-change", "the mean stays: 0, with an interval around it", (8, 11, 14, 19), (11, 8, 19, 14), True),
            ("equal-ends", "no SD at the end, so no correlation: an effect size without an interval", (8, 11, 14, 19),
             (4, 4, 4, 4), True),
            ("two", "two pairs are the fewest", (14, 18), (7, 13), True),
            ("one", "one pair has no SD: no effect size", (14,), (7,), True),
            ("equal-starts", "an SD of 0: no effect size", (15, 15, 15), (9, 3, 6), True),
            ("none", "no pairs", (), (), True)):
        pairs = [(s, e) for s, e in zip(start, end) if s is not None and e is not None]
        made = dict(id=label, what=what, start=start, end=end, higher_is_worse=worse, n=len(pairs), expected=None)
        firsts, lasts = [s for s, _ in pairs], [e for _, e in pairs]
        if len(pairs) >= 2 and stdev(firsts) > 0:
            sign = 1 if worse else -1
            r = correlation(firsts, lasts) if stdev(lasts) > 0 else None
            made.update(mean_start=round(mean(firsts), 9), mean_end=round(mean(lasts), 9),
                        r=None if r is None else round(r, 9), sd_start=round(stdev(firsts), 9),
                        sd_end=round(stdev(lasts), 9))
            fall, sd = sign * (mean(firsts) - mean(lasts)), stdev(firsts)
            change = stdev([s - e for s, e in pairs])
            # With two pairs Hedges' J has one degree of freedom, where neither form of it is defined.
            whole = len(pairs) > 2 and r is not None
            made["expected"] = effect(len(pairs), fall, sd, r, change) if whole else dict(d=round(fall / sd, 9))
            if label == "by-hand":
                e = made["expected"]
                assert (round(e["d"], 4), round(r, 6)) == (1.8974, 0.74162), e
                assert [round(x, 4) for x in e["d_interval_becker"]] == [0.5632, 3.2315], e
                assert e["d_variance_bonett"] == 0.5625, e
                assert [round(x, 4) for x in e["d_interval_bonett"]] == [0.4274, 3.3673], e
                assert round(e["g"], 4) == 1.5139 and round(e["g_approximate"], 4) == 1.5179, e
                # What the same numbers give with another SD: none of these is the effect size.
                made["not"] = dict(sd_end=round(6 / stdev(lasts), 9), sd_change=round(6 / change, 9),
                                   sd_population=round(6 / sqrt(8), 9),
                                   sd_pooled=round(6 / sqrt((sd ** 2 + stdev(lasts) ** 2) / 2), 9))
        yield made


def carried_forward():
    """Completers alone flatter a clinic: beside them, all who started, each with the last score that there is."""
    courses = [dict(scores=scores, completed=completed) for scores, completed in (
        ((18, 14, 9, 6), True), ((15, 12, 5), True), ((20, 21, 9), True), ((14, 8), True), ((16, 15), False),
        ((19,), False))]
    completers = [(c["scores"][0], c["scores"][-1]) for c in courses if c["completed"]]
    everyone = [(c["scores"][0], c["scores"][-1]) for c in courses]
    expected = {}
    for label, pairs, by_hand in (("completers", completers, (4, 16.75, 7, 9.75)),
                                  ("everyone", everyone, (6, 17, 62 / 6, 40 / 6))):
        firsts, lasts = [s for s, _ in pairs], [e for _, e in pairs]
        got = (len(pairs), mean(firsts), mean(lasts), mean(firsts) - mean(lasts))
        assert all(abs(a - b) < 1e-12 for a, b in zip(got, by_hand)), got
        expected[label] = dict(n=got[0], mean_start=round(got[1], 9), mean_end=round(got[2], 9),
                               d=round(got[3] / stdev(firsts), 9))
    return dict(what="a course of one score counts among everyone, as unchanged; among pairs it does not",
                courses=courses, expected=expected)


def wilson(x, n, level=0.95):
    z = Z if level == 0.95 else NormalDist().inv_cdf((1 + level) / 2)
    p = x / n
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return [0.0 if x == 0 else round(low, 9), 1.0 if x == n else round(high, 9)]


def wilsons():
    for x, n, level, printed, source in (
            (81, 263, 0.95, ("0.2553", "0.3662"), NEWCOMBE), (15, 148, 0.95, ("0.0624", "0.1605"), NEWCOMBE),
            (0, 20, 0.95, ("0.0000", "0.1611"), NEWCOMBE), (1, 29, 0.95, ("0.0061", "0.1718"), NEWCOMBE),
            (13, 16, 0.95, ("0.5699", "0.9341"), "R package contingencytables, tests (Ligaarden 2010)"),
            (6, 32, 0.95, ("0.08889545", "0.35309155"), "R, mtcars with mpg >= 25"),
            (5, 10, 0.90, ("0.2692718", "0.7307282"), "R package tern, tests of prop_wilson"),
            (10, 14, 0.95, ("0.4535", "0.8828"), "wilson-score-interval, README"),
            (430, 474, 0.95, ("0.8777", "0.9301"), "wilson-score-interval, README"),
            (20, 20, 0.95, None, None), (0, 1, 0.95, None, None), (1, 1, 0.95, None, None), (1, 2, 0.95, None, None),
            (1, 1000000, 0.95, None, None), (999999, 1000000, 0.95, None, None), (500000, 1000000, 0.95, None, None),
            (4, 8, 0.95, None, None), (2, 8, 0.95, None, None)):
        interval = wilson(x, n, level)
        for got, shown in zip(interval, printed or ()):
            assert f"{got:.{len(shown) - 2}f}" == shown, (x, n, got, shown)
        yield dict(x=x, n=n, level=level, rate=round(x / n, 9), interval=interval, printed=printed,
                   source=source or "the formula")
    yield dict(x=0, n=0, level=0.95, rate=None, interval=None, printed=None,
               source="nobody: no rate, no interval, no 0 %")


def suppression():
    """Groups under the threshold are hidden. One hidden alone can be told from the total: a second goes, too."""
    for threshold, groups, hidden, second, what in (
            (5, dict(a=4, b=40, c=50), ("a",), "b", "the smallest shown one is hidden with it"),
            (5, dict(a=5, b=40, c=50), (), None, "exactly the threshold is shown"),
            (5, dict(a=1, b=4, c=50), ("a", "b"), None, "two hidden keep each other"),
            (5, dict(a=0, b=40, c=50), (), None, "nobody is not a small number of people"),
            (5, dict(a=0, b=3, c=50), ("b",), "c", "an empty group keeps nobody's secret"),
            (5, dict(a=4), ("a",), None, "the only group: its total is hidden with it"),
            (8, dict(a=7, b=8, c=9), ("a",), "b", "a clinic that sets 8: 7 is hidden"),
            (8, dict(a=8, b=8, c=9), (), None, "8 is shown"),
            (1, dict(a=1, b=2), (), None, "a threshold of 1 hides nothing")):
        got = tuple(name for name, count in groups.items() if 0 < count < threshold)
        shown = [name for name, count in sorted(groups.items(), key=lambda g: (g[1], g[0])) if count >= threshold]
        assert (got, shown[0] if len(got) == 1 and shown else None) == (hidden, second), what
        yield dict(threshold=threshold, groups=groups, hidden=hidden, hidden_second=second, what=what)


def drop_out():
    """(a) ended before the contracted sessions without agreement; (b) under half of them; (c) any non-completion."""
    for contracted, attended, ended, agreed, a, b, c, what in (
            (16, 16, True, True, 0, 0, 0, "completed"), (16, 15, True, False, 1, 0, 1, "one short, not agreed"),
            (16, 12, True, True, 0, 0, 0, "an early finish that was agreed is no drop-out by any of them"),
            (16, 8, True, False, 1, 0, 1, "half of them exactly is not under half"),
            (16, 7, True, False, 1, 1, 1, "under half"), (15, 7, True, False, 1, 1, 1, "7 of 15 is under half"),
            (15, 8, True, False, 1, 0, 1, "8 of 15 is not"), (16, 7, True, True, 0, 0, 0, "agreed, and under half"),
            (16, 0, True, False, 1, 1, 1, "never came"), (16, 17, True, False, 0, 0, 0, "more than contracted"),
            (16, 3, False, False, 0, 0, 0, "still open: not ended, so not dropped out")):
        yield dict(contracted=contracted, attended=attended, ended=ended, agreed=agreed, what=what,
                   drop_out=dict(a=bool(a), b=bool(b), c=bool(c)))


def statistics():
    return dict(
        effect_sizes=dict(
            rule="d = (mean start - mean end) / SD of the start (n - 1), pairs only; z = 1.959963985 in every interval",
            methods=dict(becker=BECKER, bonett=BONETT, g="J = gamma(m/2) / (sqrt(m/2) gamma((m-1)/2)), m = n - 1",
                         g_approximate="J = 1 - 3 / (4 m - 1)"),
            summary=list(summary_effects()), raw=list(raw_effects()), carried_forward=carried_forward()),
        wilson=dict(rule="Wilson 1927, without continuity correction", cases=list(wilsons())),
        suppression=dict(source="official statistics hide counts of 1 to 4 (GP Patient Survey; AIHW) or 1 to 7 (NHS "
                                "Digital), and the next smallest where one alone would be told from the total",
                         cases=list(suppression())),
        drop_out=dict(source="Linardon et al. 2019, Psychother Res: rates depend on the definition; (a) is the default",
                      cases=list(drop_out())))
