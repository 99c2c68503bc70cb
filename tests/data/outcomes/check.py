#!/usr/bin/python3
"""The expected values are what their generator makes, and hold the cases that they are there for.

  tests/data/outcomes/check.py
"""

import json
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True

import generate  # noqa: E402  beside this file

FOLDER = pathlib.Path(__file__).resolve().parent
REMEDY = "run tests/data/outcomes/generate.py and look at what it changed"
# Items, and the lowest and highest total, as the instruments' authors give them.
RANGES = {"phq-9": (9, 0, 27), "phq-2": (2, 0, 6), "gad-7": (7, 0, 21), "gad-2": (2, 0, 6), "k10": (10, 10, 50),
          "pcl-5": (20, 0, 80), "ces-d": (20, 0, 60), "ham-d17": (17, 0, 52), "epds": (10, 0, 30), "wsas": (5, 0, 40)}


def read(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


class FilesTest(unittest.TestCase):
    def test_they_are_what_the_generator_makes(self):
        made = generate.make()
        self.assertEqual({p.name for p in FOLDER.glob("*.json")}, set(made), REMEDY)
        for name, text in made.items():
            kept = (FOLDER / name).read_text(encoding="utf-8")
            differing = [f"{name}:{number}: {old} / {new}" for number, (old, new)
                         in enumerate(zip(kept.splitlines(), text.splitlines()), 1) if old != new]
            self.assertEqual(differing[:3], [], REMEDY)
            self.assertEqual(kept == text, True, f"{name}: {REMEDY}")


class ScoringTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = read("scoring.json")
        cls.cases = cls.file["cases"]

    def of(self, instrument):
        return [case for case in self.cases if case["instrument"] == instrument]

    def test_ids_are_unique(self):
        ids = [case["id"] for case in self.cases]
        self.assertEqual(len(ids), len(set(ids)))

    def test_ranges_are_the_authors(self):
        self.assertEqual({name: (what["items"], what["lowest"], what["highest"])
                          for name, what in self.file["instruments"].items()}, RANGES)

    def test_options_and_values_are_the_same_answers(self):
        for case in self.cases:
            if "options" in case and "values" in case:
                printed = self.file["instruments"][case["instrument"]]["option_values"]
                self.assertEqual({item: printed[item][option - 1] for item, option in case["options"].items()},
                                 case["values"], case["id"])

    def test_both_sides_of_every_edge(self):
        for name, instrument in self.file["instruments"].items():
            totals = {case["expected"].get("rounded") for case in self.of(name)}
            edges = [band["first"] for band in instrument["bands"][1:]] + [cut["at"] for cut in instrument["cut_offs"]]
            for edge in edges:
                self.assertLessEqual({edge - 1, edge}, totals, f"{name} {edge}")
            self.assertLessEqual({instrument["lowest"], instrument["highest"]}, totals, name)

    def test_bands_join(self):
        for name, instrument in self.file["instruments"].items():
            bands = instrument["bands"]
            for before, after in zip(bands, bands[1:]):
                self.assertEqual(before["last"] + 1, after["first"], name)
            if bands:
                self.assertEqual((bands[0]["first"], bands[-1]["last"]), (instrument["lowest"], instrument["highest"]))
            self.assertEqual([row[0] for row in instrument["by_total"]],
                             list(range(instrument["lowest"], instrument["highest"] + 1)), name)

    def test_every_missing_count(self):
        for name, instrument in self.file["instruments"].items():
            outcomes = {}
            for case in self.of(name):
                if "n_missing" in case["expected"] and not case.get("not_applicable"):
                    outcomes.setdefault(case["expected"]["n_missing"], set()).add(case["expected"]["outcome"])
            self.assertEqual(outcomes, {count: {"valid"} if count <= instrument["may_miss"] else {"invalid"}
                                        for count in range(instrument["items"] + 1)}, name)

    def test_every_item_alone_and_every_item_missing(self):
        for name, instrument in self.file["instruments"].items():
            ids = {case["id"] for case in self.of(name)}
            for item in range(1, instrument["items"] + 1):
                self.assertLessEqual({f"{name}/alone-{item}", f"{name}/without-{item}"}, ids)

    def test_risk_fires_at_any_total_and_is_never_guessed(self):
        for name, instrument in self.file["instruments"].items():
            for item in map(str, instrument["risk_items"]):
                seen = set()
                for case in self.of(name):
                    expected = case["expected"]
                    if expected["outcome"] == "rejected":
                        continue
                    value = case["values"].get(item)
                    self.assertEqual(expected["risk"][item],
                                     "unknown" if value is None else "none" if value == 0 else "fired", case["id"])
                    seen.add((expected["outcome"], expected["risk"][item]))
                wanted = {(outcome, risk) for outcome in ("valid", "invalid") for risk in ("fired", "none", "unknown")}
                # Where every item is required, a form without the risk item has no score.
                self.assertEqual(seen, wanted if instrument["may_miss"] else wanted - {("valid", "unknown")}, name)

    def test_halves_go_up(self):
        halves = [case for case in self.cases if str(case["expected"].get("exact_as", "")).endswith("/2")]
        self.assertGreater(len(halves), 10)
        for case in halves:
            self.assertEqual(case["expected"]["rounded"], case["expected"]["exact"] + 0.5, case["id"])

    def test_every_verdict_of_the_syndrome(self):
        self.assertEqual({case["expected"].get("syndrome") for case in self.of("phq-9")},
                         {None, "major", "other", "none"})


class RecoveryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = read("recovery.json")
        cls.rows = [dict(zip(cls.file["columns"], row)) for row in cls.file["rows"]]

    def test_rows_are_unique(self):
        self.assertEqual(len({tuple(row[:4]) for row in self.file["rows"]}), len(self.file["rows"]))

    def test_exactly_one_of_three(self):
        for row in self.rows:
            self.assertEqual(row["improved"] + row["deteriorated"] + row["no_change"], 1, row)

    def test_nobody_recovers_who_was_no_case_and_nobody_reliably_who_got_worse(self):
        for row in self.rows:
            self.assertLessEqual(row["recovered"], row["at_caseness_at_first"], row)
            self.assertLessEqual(row["reliably_recovered"], row["recovered"] * (1 - row["any_deterioration"]), row)

    def test_every_possible_combination_is_there(self):
        flags = {tuple(row[4:]) for row in self.file["rows"]}
        # case, recovered, improved, deteriorated, no change, reliably recovered, any deterioration
        self.assertEqual(flags, {
            (0, 0, 1, 0, 0, 0, 0), (0, 0, 0, 1, 0, 0, 1), (0, 0, 0, 0, 1, 0, 0), (0, 0, 0, 0, 1, 0, 1),
            (1, 0, 1, 0, 0, 0, 0), (1, 0, 0, 1, 0, 0, 1), (1, 0, 0, 0, 1, 0, 0), (1, 0, 0, 0, 1, 0, 1),
            (1, 1, 1, 0, 0, 1, 0), (1, 1, 0, 1, 0, 0, 1), (1, 1, 0, 0, 1, 0, 0), (1, 1, 0, 0, 1, 0, 1)})


class OthersTest(unittest.TestCase):
    def test_every_points_rule_has_both_sides(self):
        cases = read("change.json")["reliable_change"]["cases"]
        for rule in {(case["instrument"], case["points"]) for case in cases}:
            found = {(case["last"] - case["first"], case["change"]) for case in cases
                     if (case["instrument"], case["points"]) == rule}
            points = rule[1]
            self.assertLessEqual({(-points, "improved"), (1 - points, "unchanged"), (points, "deteriorated"),
                                  (points - 1, "unchanged"), (0, "unchanged")}, found, rule)

    def test_signals_speak_and_keep_silent(self):
        for name, rule in read("not_on_track.json").items():
            if name != "about":
                self.assertEqual({case["speaks"] for case in rule["cases"]}, {True, False}, name)

    def test_every_verdict_on_an_interval(self):
        self.assertEqual({case["decision"] for case in read("sudden_gains.json")["intervals"]},
                         {"gain", "no", "undecidable", "not_evaluable"})

    def test_intervals_hold_their_rate(self):
        for case in read("statistics.json")["wilson"]["cases"]:
            if case["n"]:
                low, high = case["interval"]
                self.assertTrue(0 <= low <= case["rate"] <= high <= 1, case)


if __name__ == "__main__":
    unittest.main()
