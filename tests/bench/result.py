"""What a row comes to."""

import statistics
import sys


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


class Result:
    """One line of the table. `pairs`: measured and limit of each pair, in `unit`."""

    def __init__(self, row, what, pairs, reach=None, unit="/s", limit_is="", lower_is_better=False):
        self.row = row
        self.what = what
        self.limit_is = limit_is
        self.unit = unit
        self.reach = reach
        self.lower_is_better = lower_is_better
        self.measured = statistics.median(p[0] for p in pairs)
        self.limit = statistics.median(p[1] for p in pairs)
        ratios = [p[0] / p[1] for p in pairs]
        self.ratio, self.least, self.most = statistics.median(ratios), min(ratios), max(ratios)
        self.reached = None
        if reach is not None:
            self.reached = self.ratio <= reach if lower_is_better else self.ratio >= reach

    def as_json(self):
        return {key: getattr(self, key) for key in (
            "row", "what", "limit_is", "unit", "measured", "limit", "ratio", "least", "most",
            "reach", "reached")}


def pairs_of(rounds, a, b):
    """Of rounds of several sides, two of them."""
    return [(r[a], r[b]) for r in rounds]


class Skipped:
    """A row that cannot be measured here, and why."""

    def __init__(self, row, why):
        self.row, self.why = row, why

    def as_json(self):
        return {"row": self.row, "skipped": self.why}
