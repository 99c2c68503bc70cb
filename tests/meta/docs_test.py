#!/usr/bin/python3
"""The documents tell the truth about what can be looked up: links, settings, metrics, log lines."""

import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
SOURCES = {p: p.read_text(encoding="utf-8") for p in sorted((ROOT / "services").rglob("*.cc"))}
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def section(title):
    """The text under a heading of the operations page."""
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", OPERATIONS, re.M | re.S).group(1)


def first_cells(text):
    """The `words` in the first column of a section's tables."""
    words = set()
    for line in text.splitlines():
        if line.startswith("|"):
            words.update(re.findall(r"`([^`]+)`", line.split("|")[1]))
    return words


def in_sources(pattern):
    return {match for text in SOURCES.values() for match in re.findall(pattern, text, re.S)}


def anchors(text):
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
            for title in re.findall(r"^#+ (.*)$", text, re.M)}


class DocsTest(unittest.TestCase):
    maxDiff = None

    def test_links_lead_somewhere(self):
        broken = []
        for document in DOCUMENTS:
            text = document.read_text(encoding="utf-8")
            prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
            for target in re.findall(r"\]\(([^)\s]+)\)", prose):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                file = (document.parent / path).resolve() if path else document
                if not file.exists() or (
                        anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
                    broken.append(f"{document.relative_to(ROOT)}: {target}")
        self.assertGreater(len(DOCUMENTS), 5)
        self.assertEqual(broken, [])

    def test_capacity_is_computed_from_what_was_measured(self):
        def table(page, heading):
            text = (ROOT / "docs" / page).read_text(encoding="utf-8")
            part = text[text.index(heading):]
            return [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines()
                    if line.startswith("| ") and not line.startswith("| ---")]
        benchmarks = {(row[0], row[1]) for row in table("benchmarks.md", "<!-- begin")}
        cited = [tuple(row) for row in table("capacity.md", "## What was measured") if len(row) == 2][1:]
        self.assertGreater(len(cited), 8)
        self.assertEqual([row for row in cited if row not in benchmarks], [])
        # The country's: a course times 100,000, by 7.2 million seconds, five times, of what was measured.
        number = lambda text: float(re.search(r"[\d.,]+", text).group().replace(",", ""))  # noqa: E731
        rows = [row for row in table("capacity.md", "## A country of ten million") if len(row) == 7][1:]
        self.assertGreater(len(rows), 3)
        for what, course, year, mean, busiest, measured, share in rows:
            self.assertAlmostEqual(number(course) / 10, number(year), 6, what)  # millions
            if mean.endswith("/s"):
                self.assertAlmostEqual(number(course) * 1e5 / 7.2e6 / number(mean), 1, 1, what)
                self.assertAlmostEqual(number(mean) * 5 / number(busiest), 1, 1, what)
                rate = number(busiest)
            else:
                self.assertEqual(number(course) * 1e5 / 250, number(mean), what)
                rate = number(busiest.split(":")[1])
                self.assertEqual(round(number(mean) / 60), rate, what)
            self.assertIn(measured, {row[1] for row in cited}, what)
            self.assertAlmostEqual(rate / number(measured) * 100 / number(share), 1, 0, what)

    def test_all_decisions_are_in_the_index(self):
        index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
        decisions = sorted(p.name for p in (ROOT / "docs/decisions").glob("0*.md"))
        self.assertEqual(sorted(re.findall(r"\]\((0[^)]+)\)", index)), decisions)

    def test_settings_are_documented(self):
        flags = in_sources(r"ABSL_FLAG\([^,]+(?:<[^>]*>)?,\s*(\w+),")
        self.assertGreater(len(flags), 20)
        self.assertEqual(first_cells(section("Settings")), flags)

    def test_metrics_are_documented(self):
        metrics = in_sources(r'(?:Counter|Gauge|Histogram)\(\s*"(\w+)"')
        self.assertGreater(len(metrics), 20)
        self.assertEqual(first_cells(section("Metrics")), metrics)

    def test_log_lines_are_documented(self):
        log = section("Log")
        events = {word for call in in_sources(r"(?:log::Line|Format)\((.*?)\{")
                  for word in re.findall(r'"(\w+)"', call)}
        self.assertGreater(len(events), 8)
        documented = set(re.findall(r"`(\w+)`", log[log.index("Events:"):]))
        self.assertEqual(documented, events)
        keys = set(re.findall(r'case Key::k\w+:\s*return "(\w+)";',
                              SOURCES[ROOT / "services/platform/observability/log.cc"]))
        self.assertGreater(len(keys), 10)
        self.assertEqual(first_cells(log), keys | {"time", "level", "event"})

    def test_the_service_config_leaves_streams_alone(self):
        """They last longer than any call, and who follows one opens the next with its own cursor."""
        config = json.loads((ROOT / "docs/client-service-config.json").read_text(encoding="utf-8"))
        calls, streams = config["methodConfig"]
        self.assertEqual([{}], calls["name"])
        self.assertFalse({"timeout", "retryPolicy"} & streams.keys())
        declared = set()
        for path in (ROOT / "protos/ipt").rglob("*.proto"):
            text = path.read_text(encoding="utf-8")
            package = re.search(r"^package (\S+);", text, re.M).group(1)
            for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", text, re.M | re.S):
                for method, signature in re.findall(r"^  rpc (\w+)(\([^{;]*)", body, re.M):
                    if "stream " in signature:
                        declared.add((f"{package}.{service}", method))
        self.assertGreater(len(declared), 5)
        self.assertEqual(declared, {(name["service"], name["method"]) for name in streams["name"]})


if __name__ == "__main__":
    unittest.main()
