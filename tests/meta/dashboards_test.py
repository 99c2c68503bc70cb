#!/usr/bin/python3
"""The dashboards: as tools/dashboards says, each panel said whole, and every metric and label that they or the
alert rules ask for is told by servers that run.

  tests/meta/dashboards_test.py       IPT_E2E_BUILD names the build (build/release)
"""

import importlib.machinery
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/e2e"))

import support  # noqa: E402

FOLDER = ROOT / "deploy/monitoring"
RULES = (FOLDER / "rules.yaml").read_text(encoding="utf-8")
DASHBOARDS = {file.stem: json.loads(file.read_text(encoding="utf-8"))
              for file in sorted((FOLDER / "dashboards").glob("*.json"))}
RECORDED = set(re.findall(r"record: (\S+)", RULES))

# What PromQL itself has; what Prometheus adds.
WORDS = set("absent abs and by changes count histogram_quantile increase last_over_time max min on or rate sum time "
            "unless".split())
ADDED = {"job", "instance", "le"}
# Not told by servers: Prometheus' own, and what node_exporter reads from a backup's file.
ELSEWHERE = {"up", "ipt_backup_last_success_timestamp_seconds"}
UNITS = {"none", "reqps", "ops", "s", "d", "percentunit", "bool_on_off"}


def tool():
    """tools/dashboards as a module."""
    loader = importlib.machinery.SourceFileLoader("dashboards", str(ROOT / "tools/dashboards"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("dashboards", loader))
    loader.exec_module(module)
    return module


def panels():
    return [(name, panel) for name, board in DASHBOARDS.items() for panel in board["panels"]
            if panel["type"] != "row"]


def of_dashboards():
    return [(f"{name}: {panel['title']}", target["expr"].replace("$__rate_interval", "5m"))
            for name, panel in panels() for target in panel["targets"]]


def of_rules():
    blocks = re.findall(r"^        expr: \|\n((?:          .*\n)+)", RULES, re.M)
    return [("rules.yaml", block) for block in blocks]


def asked(expression):
    """({metric: labels that it is selected by}, labels that are grouped by)."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    grouped = {label.strip() for labels in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", bare)
               for label in labels.split(",")}
    bare = re.sub(r"\[[\w:]+\]|\b(?:by|on)\s*\([^)]*\)", " ", bare)
    metrics = {}
    for metric, labels in re.findall(r"([a-zA-Z_][\w:]*)\s*(?:\{([^}]*)\})?", bare):
        if metric not in WORDS:
            metrics.setdefault(metric, set()).update(re.findall(r"(\w+)\s*[=!]", labels))
    return metrics, grouped


class DashboardsTest(unittest.TestCase):
    maxDiff = None

    def test_they_are_as_described(self):
        self.assertEqual(tool().differing(), [])
        self.assertEqual(len(DASHBOARDS), 5)

    def test_each_panel_says_what_it_shows(self):
        self.assertGreater(len(panels()), 60)
        for name, board in DASHBOARDS.items():
            self.assertTrue(board["title"] and board["uid"], name)
            ids = [panel["id"] for panel in board["panels"]]
            self.assertEqual(len(set(ids)), len(ids), name)
            taken = set()
            for panel in board["panels"]:
                place = panel["gridPos"]
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                         for y in range(place["y"], place["y"] + place["h"])}
                self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
                self.assertFalse(cells & taken, panel["title"])
                taken |= cells
        titles = {}
        for name, panel in panels():
            where = f"{name}: {panel['title']}"
            self.assertTrue(panel["title"], where)
            self.assertRegex(panel["description"], r"\w.*\.$", where)
            self.assertIn(panel["fieldConfig"]["defaults"]["unit"], UNITS, where)
            self.assertTrue(panel["targets"], where)
            self.assertNotIn(where, titles)
            titles[where] = True
            for target in panel["targets"]:
                # A legend names labels that the answer has.
                for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                    self.assertTrue(re.search(rf"by \([^)]*\b{label}\b", target["expr"])
                                    or " by " not in target["expr"], f"{where}: {label}")

    def test_alerts_that_they_name_are_alerts(self):
        alerts = set(re.findall(r"- alert: (\w+)", RULES))
        for name, panel in panels():
            self.assertEqual(set(re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", panel["description"]))
                             - alerts - self.methods(), set(), f"{name}: {panel['title']}")

    @staticmethod
    def methods():
        return {path.rsplit("/", 1)[1] for path in support.methods(support.ALL_SERVICES)}

    def test_prometheus_reads_what_they_ask(self):
        rules = {"groups": [{"name": "asked", "rules": [
            {"record": f"asked:{i}", "expr": expression.replace("$job", ".*").replace("$service", ".*")}
            for i, (_, expression) in enumerate(of_dashboards())]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(rules, file)  # JSON is YAML
            file.flush()
            done = subprocess.run(["promtool", "check", "rules", file.name], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_they_ask_for_is_told(self):
        told = self.told()
        missing = []
        for where, expression in [*of_dashboards(), *of_rules()]:
            metrics, grouped = asked(expression)
            labels = set(ADDED)
            for metric, selected in metrics.items():
                if metric in ELSEWHERE:
                    labels |= grouped  # unknown here
                if metric in RECORDED | ELSEWHERE:
                    continue
                if metric not in told:
                    missing.append(f"{where}: nobody tells {metric}")
                    continue
                labels |= told[metric]
                missing += [f"{where}: {metric} has no label {label}"
                            for label in selected - told[metric] - ADDED]
            missing += [f"{where}: none of its metrics has a label {label}" for label in grouped - labels]
        self.assertEqual(missing, [])

    def test_notices_what_nobody_tells(self):
        self.assertEqual(
            asked('histogram_quantile(0.9, sum by (le, peer) (rate(ipt_x_bucket{job=~"$job", why!="a b"}[5m]))) > 2\n'
                  "and on (job) count by (job) (ipt:y:rate5m)"),
            ({"ipt_x_bucket": {"job", "why"}, "ipt:y:rate5m": set()}, {"le", "peer", "job"}))

    def told(self):
        """{sample's name: its labels} of an ipt-suite with all services, and of an ipt-outcomes that shows it a
        client's certificate."""
        identity = support.Identity()
        suite = support.Server("suite", identity, ["--outcomes", "--formulation"])
        self.addCleanup(suite.close)
        suite.api().CreateClinic(clinic_id="a", clinic=dict(display_name="A", time_zone="Europe/London"))
        token = identity.dir / "scheduling.token"
        token.write_text(identity.token())
        with tempfile.TemporaryDirectory() as folder:
            outcomes = support.Server("outcomes", identity, [
                f"--scheduling=localhost:{suite.port}", f"--scheduling_ca_file={identity.dir}/ca.crt",
                f"--scheduling_cert_file={identity.dir}/client.crt",
                f"--scheduling_key_file={identity.dir}/client.key", f"--scheduling_token_file={token}"],
                store=[f"--database=sqlite:///{folder}/outcomes.db"], start=False)
            self.addCleanup(outcomes.close)
            done = outcomes.run("migrate", *outcomes.store)
            self.assertEqual(done.returncode, 0, done.stderr)
            outcomes.start()
            # Calls to a peer are told from the first one on, and its lag once a clinic is followed.
            support.wait_until(lambda: support.metric(outcomes.admin, 'ipt_follower_feeds{peer="scheduling"}') == 1,
                               "the clinic to be followed", outcomes.process)
            pages = [support.http(server.admin, "/metrics")[1] for server in (suite, outcomes)]
            outcomes.close()
        suite.close()
        told = {}
        for line in "\n".join(pages).splitlines():
            sample = re.match(r"(\w+)(?:\{(.*)\})? ", line)
            if sample:
                told.setdefault(sample[1], set()).update(re.findall(r'(\w+)="', sample[2] or ""))
        return told


if __name__ == "__main__":
    unittest.main()
