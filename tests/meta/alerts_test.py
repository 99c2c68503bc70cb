#!/usr/bin/python3
"""The alert rules: promtool reads them, each fires and stays quiet as rules_test.yaml says, asks for
nothing that the servers and tools/backup do not tell, and has its section in a runbook and its row in the
operations page."""

import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy/monitoring"
RULES = (FOLDER / "rules.yaml").read_text(encoding="utf-8")
TESTS = (FOLDER / "rules_test.yaml").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")

# What PromQL itself has, and labels that Prometheus or we give.
WORDS = set("absent abs and by changes count histogram_quantile humanize increase job instance last_over_time le "
            "max min module on or rate sum time unless up".split())
RUNBOOKS = sorted((ROOT / "deploy/runbooks").glob("*.md"))
PARTS = ["For patients", "Look", "Do", "Verify", "Escalate"]


def section(title):
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", OPERATIONS, re.M | re.S).group(1)


def rows(title):
    """The cells of a section's tables."""
    return [line.split("|")[1:-1] for line in section(title).splitlines() if line.startswith("| ")]


def alerts():
    """{name: the text of its rule}."""
    return {text.split("\n", 1)[0].strip(): text for text in re.split(r"^      - alert: ", RULES, flags=re.M)[1:]}


def expressions():
    """What rules ask, without the values of labels."""
    blocks = re.findall(r"^        expr: \|\n((?:          .*\n)+)", RULES, re.M)
    return [re.sub(r'"[^"]*"', '""', block) for block in blocks]


def promtool(*words):
    return subprocess.run(["promtool", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)


class AlertsTest(unittest.TestCase):
    maxDiff = None

    def test_promtool_reads_them(self):
        done = promtool("check", "rules", FOLDER / "rules.yaml")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_they_fire_and_stay_quiet(self):
        done = promtool("test", "rules", FOLDER / "rules_test.yaml")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertGreater(len(alerts()), 20)
        self.assertEqual(re.findall(r"^  - name: (\w+)$", TESTS, re.M), list(alerts()))
        for test in re.split(r"^  - name: ", TESTS, flags=re.M)[1:]:
            # Once before it fires, once when it does.
            name = test.split("\n", 1)[0]
            self.assertEqual(test.count(f'alertname="{name}", alertstate="firing"'), 2, name)
            self.assertEqual(test.count("exp_samples:"), 1, name)

    def test_what_they_ask_for_is_told(self):
        # The servers' own, and those of tools/backup, which node_exporter tells.
        told = [*rows("Metrics"), *rows("Backup and restore")]
        metrics = {name for row in told for name in re.findall(r"`(\w+)`", row[0])}
        labels = {name for row in told for name in re.findall(r"`(\w+)`", row[1])}
        recorded = set(re.findall(r"record: (\S+)", RULES))
        asked = set()
        for expression in expressions():
            for word in re.findall(r"\b[a-zA-Z_][\w:]*", re.sub(r"\[\w+\]", "", expression)):
                if ":" in word:
                    self.assertIn(word, recorded)
                elif word not in WORDS and word not in labels:
                    asked.add(re.sub(r"_bucket$", "", word))
        self.assertGreater(len(asked), 15)
        self.assertEqual(asked - metrics, set())

    def test_each_says_what_to_do(self):
        at_three = " ".join(row[0] for row in rows("At three in the morning"))
        for name, text in alerts().items():
            self.assertRegex(text, r"\n        for: \d+[smhd]\n", name)
            self.assertRegex(text, r"\n          severity: (page|ticket)\n", name)
            self.assertRegex(text, r"\n          summary: \S", name)
            self.assertRegex(text, r"\n          description: >-\n            \S", name)
            page, anchor = re.search(r"\n          runbook_url: (\S+)#(\S+)\n", text).groups()
            self.assertEqual(anchor, name.lower())
            section_of_it = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", (ROOT / page).read_text(encoding="utf-8"),
                                      re.M | re.S)
            self.assertTrue(section_of_it, f"{name} in {page}")
            self.assertEqual(re.findall(r"^- \*\*(.*?):\*\* \S", section_of_it.group(1), re.M), PARTS, name)
            self.assertIn(f"`{name}`", at_three, "its row in docs/operations.md")
        named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", at_three))
        self.assertEqual(named, set(alerts()))

    def test_runbooks_are_of_what_there_is(self):
        table = (ROOT / "tools/iptctl/command_table.cc").read_text(encoding="utf-8")
        commands = set(re.findall(r'\{"([a-z-]+)",\s*"([a-z-]+)",', table))
        self.assertGreater(len(commands), 50)
        known = set(re.findall(r"`(\w+)`", OPERATIONS))  # metrics, settings, log lines
        for book in RUNBOOKS:
            text = book.read_text(encoding="utf-8")
            for command in re.findall(r"iptctl ([a-z-]+ [a-z-]+)", text):
                self.assertIn(tuple(command.split()), commands, book.name)
            if f"{book.name}#" in RULES:
                for name in re.findall(r"`((?:ipt|db|rpc|redis|tls|file)_\w+)`", text):
                    self.assertIn(name, known, book.name)
            self.assertEqual({name for name in re.findall(r"^## ([A-Z][a-z]+(?:[A-Z][a-z]+)+)$", text, re.M)}
                             - set(alerts()), set(), book.name)


if __name__ == "__main__":
    unittest.main()
