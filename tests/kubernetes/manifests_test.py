#!/usr/bin/python3
"""The rendered Kubernetes manifests: nothing to find in them but what is explained, each rule of
tools/check_manifests finds what it is for in a copy that is broken, and they are what the overlays say."""

import copy
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KUBERNETES = ROOT / "deploy/kubernetes"


def tool(name):
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "tools" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


CHECK, RENDER = tool("check_manifests"), tool("render_manifests")
OVERLAYS = {path.stem: CHECK.load(path) for path in sorted((KUBERNETES / "rendered").glob("*.yaml"))}


class Copy:
    """A rendered file to break."""

    def __init__(self, overlay):
        whole = OVERLAYS[overlay]
        self.objects = copy.deepcopy(whole.objects)
        self.made_by_operator = copy.deepcopy(whole.made_by_operator)

    def get(self, kind, name):
        return next(t for t in self.objects if t["kind"] == kind and t["metadata"]["name"] == name)

    def config(self, name):
        """A ConfigMap by its name without the hash."""
        return next(t for t in self.objects if t["kind"] == "ConfigMap"
                    and re.fullmatch(name + r"-[a-z0-9]{10}", t["metadata"]["name"]))["data"]

    def drop(self, kind, name):
        self.objects.remove(self.get(kind, name))

    def pod(self, kind="Deployment", name="ipt-scheduling"):
        return self.get(kind, name)["spec"]["template"]["spec"]

    def container(self, kind="Deployment", name="ipt-scheduling"):
        return self.pod(kind, name)["containers"][0]

    def policy(self, name):
        return self.get("NetworkPolicy", name)["spec"]


MIGRATE = next(t["metadata"]["name"] for t in OVERLAYS["local"].of("Job") if "scheduling" in t["metadata"]["name"])

# (rule, overlay, what is said, what is done to the copy)
BROKEN = [
    ("objects", "local", "twice", lambda c: c.objects.append(c.get("Service", "redis"))),
    ("objects", "local", "not in the namespace", lambda c: c.get("Service", "redis")["metadata"].update(namespace="x")),
    ("objects", "local", "secret's content", lambda c: c.objects.append(
        {"kind": "Secret", "metadata": {"name": "s", "namespace": "ipt"}, "data": {}})),
    ("objects", "local", "does not enforce", lambda c: c.get("Namespace", "ipt")["metadata"]["labels"].update(
        {"pod-security.kubernetes.io/enforce": "baseline"})),
    ("images", "local", "may change", lambda c: c.container().update(image="ipt-scheduling:latest")),
    ("images", "local", "may change", lambda c: c.container("Deployment", "redis").update(image="redis")),
    ("images", "production-cnpg", "may change", lambda c: c.get("Cluster", "ipt-scheduling-postgres")["spec"].update(
        imageName="postgresql:15")),
    ("version", "local", "is not of", lambda c: c.container().update(image="ipt-scheduling:0.0.9")),
    ("version", "local", "label", lambda c: c.get("Deployment", "ipt-scheduling")["metadata"]["labels"].update(
        {"app.kubernetes.io/version": "0.0.9"})),
    ("version", "local", "its name", lambda c: c.get("Job", MIGRATE)["metadata"].update(
        name="ipt-scheduling-migrate-0-0-9")),
    ("pod-security", "local", "as root", lambda c: c.container("Deployment", "redis")["securityContext"].update(
        runAsNonRoot=False)),
    ("pod-security", "local", "as root", lambda c: c.pod()["securityContext"].update(runAsUser=0)),
    ("pod-security", "local", "seccomp", lambda c: c.pod()["securityContext"].pop("seccompProfile")),
    ("pod-security", "local", "gain", lambda c: c.container()["securityContext"].pop("allowPrivilegeEscalation")),
    ("pod-security", "local", "capabilities", lambda c: c.container("Job", MIGRATE)["securityContext"].pop(
        "capabilities")),
    ("pod-security", "local", "write to its root", lambda c: c.container()["securityContext"].update(
        readOnlyRootFilesystem=False)),
    ("pod-security", "local", "hostNetwork", lambda c: c.pod().update(hostNetwork=True)),
    ("pod-security", "local", "hostPath", lambda c: c.pod()["volumes"].append(
        {"name": "h", "hostPath": {"path": "/"}})),
    ("identity", "local", "not declared", lambda c: c.drop("ServiceAccount", "ipt-migrate")),
    ("identity", "local", "gives its token", lambda c: c.get("ServiceAccount", "redis").pop(
        "automountServiceAccountToken")),
    ("identity", "local", "mounts a token", lambda c: c.pod().pop("automountServiceAccountToken")),
    ("identity", "local", "addresses", lambda c: c.pod().pop("enableServiceLinks")),
    ("identity", "local", "shares", lambda c: c.pod(name="ipt-outcomes").update(serviceAccountName="ipt-scheduling")),
    ("resources", "local", "requests no cpu", lambda c: c.container()["resources"]["requests"].pop("cpu")),
    ("resources", "local", "no limit of memory", lambda c: c.container()["resources"]["limits"].pop("memory")),
    ("resources", "local", "grow", lambda c: c.pod("Deployment", "redis")["volumes"][0]["emptyDir"].pop("sizeLimit")),
    ("cpu-limit", "local", "CPU", lambda c: None),
    ("secrets", "local", "environment", lambda c: c.container().update(env=[
        {"name": "X", "valueFrom": {"secretKeyRef": {"name": "ipt-scheduling-database", "key": "password"}}}])),
    ("secrets", "local", "looks like", lambda c: c.container().update(env=[{"name": "PASSWORD", "value": "x"}])),
    ("secrets", "local", "takes a Secret", lambda c: c.container()["envFrom"].append(
        {"secretRef": {"name": "ipt-scheduling-database"}})),
    ("secrets", "local", "never replaced", lambda c: c.container()["volumeMounts"][0].update(subPath="tls.crt")),
    ("secrets", "local", "everybody", lambda c: c.pod()["volumes"][0]["secret"].update(defaultMode=0o444)
     if "secret" in c.pod()["volumes"][0] else next(v for v in c.pod()["volumes"] if "secret" in v)["secret"].update(
         defaultMode=0o444)),
    ("references", "local", "nobody makes", lambda c: c.made_by_operator.clear()),
    ("references", "local", "has no password", lambda c: next(
        e for e in c.made_by_operator if e["name"] == "ipt-scheduling-owner").update(keys=["username"])),
    ("references", "production", "nobody makes", lambda c: c.drop("Certificate", "ipt-outcomes")),
    ("references", "production-cnpg", "nobody makes", lambda c: c.drop("ExternalSecret", "ipt-scheduling-database")),
    ("references", "production", "no pod uses", lambda c: c.pod(name="ipt-deliver")["containers"][0].pop("envFrom")),
    ("references", "local", "not there", lambda c: c.pod()["volumes"].pop()),
    ("references", "local", "not mounted", lambda c: c.container()["volumeMounts"].pop()),
    ("files", "local", "tls/server.crt", lambda c: c.config("ipt-server").update(
        IPT_TLS_CERT_FILE="/etc/ipt/tls/server.crt")),
    ("files", "production", "webhook/key.json", lambda c: c.container(name="ipt-deliver")["args"].append(
        "--keys-file=/etc/ipt/webhook/key.json")),
    ("jobs", "local", "ttlSeconds", lambda c: c.get("Job", MIGRATE)["spec"].pop("ttlSecondsAfterFinished")),
    ("jobs", "local", "changes its name", lambda c: c.container("Job", MIGRATE)["envFrom"].append(
        {"configMapRef": {"name": "ipt-scheduling-742kdkd5bc"}})),
    ("settings", "production", "not notice", lambda c: c.container(name="ipt-deliver")["envFrom"][0]["configMapRef"].update(
        name="ipt-deliver")),
    ("ports", "local", "readinessProbe", lambda c: c.container()["readinessProbe"]["httpGet"].update(port="http")),
    ("ports", "local", "port grpcs", lambda c: c.get("Service", "ipt-scheduling")["spec"]["ports"][0].update(
        targetPort="grpcs")),
    ("ports", "local", "cannot turn", lambda c: c.get("Service", "ipt-scheduling")["spec"]["ports"][0].update(port=443)),
    ("ports", "local", "lets in", lambda c: c.policy("ipt-scheduling")["ingress"][0]["ports"][0].update(port=8444)),
    ("selectors", "local", "hits the pods of 0", lambda c: c.get("Service", "redis")["spec"]["selector"].update(
        {"app.kubernetes.io/name": "reddis"})),
    # Without the component it would balance to the pods of the migrate Job, too.
    ("selectors", "local", "hits the pods of 2", lambda c: c.get("Service", "ipt-scheduling")["spec"]["selector"].pop(
        "app.kubernetes.io/component")),
    ("selectors", "local", "its own pods", lambda c: c.get("Deployment", "ipt-scheduling")["spec"]["template"][
        "metadata"]["labels"].update({"app.kubernetes.io/name": "x"})),
    ("selectors", "local", "another workload", lambda c: c.get("Deployment", "ipt-scheduling")["spec"]["selector"][
        "matchLabels"].pop("app.kubernetes.io/component")),
    ("selectors", "local", "spread by", lambda c: c.pod()["topologySpreadConstraints"][0]["labelSelector"][
        "matchLabels"].update({"app.kubernetes.io/component": "web"})),
    ("selectors", "production", "one workload", lambda c: c.get("PodDisruptionBudget", "ipt-scheduling")["spec"][
        "selector"]["matchLabels"].pop("app.kubernetes.io/component")),
    ("selectors", "local", "for no pod", lambda c: c.policy("to-redis")["podSelector"]["matchLabels"].update(
        {"app.kubernetes.io/component": "web"})),
    ("selectors", "local", "not there", lambda c: c.policy("to-redis")["egress"][0]["to"][0]["podSelector"][
        "matchLabels"].update({"app.kubernetes.io/name": "reddis"})),
    ("selectors", "production", "all servers", lambda c: c.get("Service", "ipt-outcomes-admin")["metadata"][
        "labels"].pop("app.kubernetes.io/component")),
    ("selectors", "production", "asks port", lambda c: c.get("ServiceMonitor", "ipt")["spec"]["endpoints"][0].update(
        port="metrics")),
    ("selectors", "production", "sees no pod", lambda c: c.get("PodMonitor", "ipt-deliver")["spec"]["selector"][
        "matchLabels"].update({"app.kubernetes.io/component": "server"})),
    ("selectors", "production", "asks port", lambda c: c.get("PodMonitor", "ipt-deliver")["spec"][
        "podMetricsEndpoints"][0].update(port="metrics")),
    ("scaling", "production", "not there", lambda c: c.get("HorizontalPodAutoscaler", "ipt-outcomes")["spec"][
        "scaleTargetRef"].update(kind="StatefulSet")),
    ("scaling", "production", "states replicas", lambda c: c.get("Deployment", "ipt-outcomes")["spec"].update(
        replicas=3)),
    ("scaling", "production", "fewer than two", lambda c: c.get("HorizontalPodAutoscaler", "ipt-outcomes")[
        "spec"].update(minReplicas=1)),
    ("scaling", "local", "nobody says", lambda c: c.get("Deployment", "ipt-outcomes")["spec"].pop("replicas")),
    ("scaling", "production", "no budget", lambda c: c.drop("PodDisruptionBudget", "ipt-outcomes")),
    ("scaling", "production", "only pod", lambda c: (c.drop("HorizontalPodAutoscaler", "ipt-outcomes"), c.get(
        "Deployment", "ipt-outcomes")["spec"].update(replicas=1))),
    ("scaling", "production", "one at a time", lambda c: c.get("PodDisruptionBudget", "ipt-outcomes")["spec"].update(
        maxUnavailable=2)),
    ("scaling", "production", "hold a node", lambda c: c.get("PodDisruptionBudget", "ipt-outcomes")["spec"].pop(
        "unhealthyPodEvictionPolicy")),
    ("rollout", "production", "before new ones", lambda c: c.get("Deployment", "ipt-outcomes")["spec"]["strategy"][
        "rollingUpdate"].update(maxUnavailable=1)),
    ("rollout", "production", "minReady", lambda c: c.get("Deployment", "ipt-outcomes")["spec"].pop("minReadySeconds")),
    ("stop", "production", "to end and gets 60 s", lambda c: c.config("ipt-server").update(IPT_GRACE="40s")),
    ("stop", "production", "gets 30 s", lambda c: c.pod().pop("terminationGracePeriodSeconds")),
    ("stop", "production", "forgotten", lambda c: c.container().pop("lifecycle")),
    ("stop", "production", "more than 60 s", lambda c: c.container(name="ipt-deliver")["args"].append("--grace=1m")),
    ("probes", "production", "no readinessProbe", lambda c: c.container().pop("readinessProbe")),
    ("probes", "production", "elsewhere", lambda c: c.container()["readinessProbe"]["httpGet"].update(path="/livez")),
    ("probes", "production", "outside", lambda c: c.container()["livenessProbe"]["httpGet"].update(path="/readyz")),
    ("probes", "production", "outside", lambda c: c.container()["startupProbe"]["httpGet"].update(path="/startupz")),
    ("probes", "production", "half a minute", lambda c: c.container()["livenessProbe"].update(failureThreshold=2)),
    ("flows", "local", "closes", lambda c: c.drop("NetworkPolicy", "default-deny")),
    ("flows", "local", "kept from", lambda c: c.policy("ipt-scheduling")["ingress"][0]["from"].pop()),
    ("flows", "local", "kept from", lambda c: c.policy("ipt-outcomes")["egress"].clear()),
    ("flows", "local", "kept from Deployment/ipt-outcomes", lambda c: c.policy("ipt-outcomes")["ingress"][0][
        "from"].pop()),
    ("flows", "local", "may reach Deployment/ipt-outcomes", lambda c: c.config("ipt-formulation").pop("IPT_OUTCOMES")),
    ("flows", "local", "kept from", lambda c: c.drop("NetworkPolicy", "to-postgres")),
    ("flows", "local", "may reach", lambda c: (
        c.policy("to-redis")["podSelector"].clear(), c.policy("redis")["ingress"][0].pop("from"))),
    ("flows", "local", "no Service is", lambda c: c.config("ipt-outcomes").update(IPT_SCHEDULING="scheduling:8443")),
    ("flows", "production", "not let out", lambda c: c.policy("to-redis")["egress"][0]["ports"].pop()),
    ("flows", "production-cnpg", "kept from", lambda c: c.policy("ipt-outcomes-postgres")["egress"].clear()),
    ("certificates", "production", "know whose", lambda c: c.get("Certificate", "ipt-outcomes")["spec"].update(
        uris=["spiffe://other.example/ns/ipt/sa/ipt-outcomes"])),
    ("certificates", "production", "later than", lambda c: c.get("Certificate", "ipt-outcomes")["spec"].update(
        renewBefore="100h")),
    ("certificates", "production", "has not", lambda c: c.get("Certificate", "ipt-scheduling")["spec"][
        "dnsNames"].remove("ipt-scheduling-lb")),
    ("certificates", "production", "calls ipt-outcomes-lb", lambda c: c.get("Certificate", "ipt-outcomes")["spec"][
        "dnsNames"].remove("ipt-outcomes-lb")),
    ("sessions", "production-cnpg", "four fifths", lambda c: c.config("ipt-server").update(IPT_DATABASE_SESSIONS="16")),
]


class ManifestsTest(unittest.TestCase):
    maxDiff = None

    def test_nothing_is_found_but_what_is_explained(self):
        done = subprocess.run([ROOT / "tools/check_manifests"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout.count("\n")), (0, 1), done.stdout + done.stderr)
        self.assertEqual(set(OVERLAYS), {"local", "production", "production-cnpg"})
        self.assertEqual(set(OVERLAYS), {p.name for p in (KUBERNETES / "overlays").iterdir()})

    def test_each_rule_finds_what_it_is_for(self):
        self.assertEqual({rule for rule, *_ in BROKEN}, set(CHECK.RULES))
        for rule, overlay, says, broken in BROKEN:
            with self.subTest(rule=rule, says=says):
                copied = Copy(overlay)
                before = {f for f in CHECK.findings(OVERLAYS[overlay]) if f[0] == rule and rule != "cpu-limit"}
                broken(copied)
                found = CHECK.findings(CHECK.Bundle(copied.objects, copied.made_by_operator))
                self.assertEqual(before, set())
                self.assertTrue([f for f in found if f[0] == rule and says in f[2]], found)

    def test_what_is_accepted_has_its_reason(self):
        told = CHECK.accepted_file()
        for entry in told["accepted"]:
            self.assertGreater(len(entry["why"]), 40, entry)
            self.assertIn("object", entry)

    def test_the_operators_objects_are_in_the_page(self):
        page = (KUBERNETES / "README.md").read_text(encoding="utf-8")
        for entry in CHECK.accepted_file()["made_by_operator"]:
            self.assertTrue(set(entry["overlays"]) <= set(OVERLAYS))
            wanted = {name for overlay in entry["overlays"] for _, _, name, _ in OVERLAYS[overlay].wanted()}
            self.assertIn(entry["name"], wanted)
            service = re.sub(r"^ipt-(scheduling|formulation|outcomes)-", "ipt-SERVICE-", entry["name"])
            self.assertTrue(f"`{entry['name']}`" in page or f"`{service}`" in page, entry["name"])
            for key in entry["keys"]:
                self.assertIn(f"`{key}`", page)

    def test_callers_have_scopes_that_there_are(self):
        there = {scope for proto in (ROOT / "protos").rglob("*.proto")
                 for scope in re.findall(r'^\s*scope: "([^"]+)"', proto.read_text(encoding="utf-8"), re.M)}
        self.assertGreater(len(there), 20)
        for path in KUBERNETES.rglob("callers.json"):
            given = set(re.findall(r'"([a-z_]+\.[a-z]+)"', path.read_text(encoding="utf-8")))
            self.assertTrue(given and given <= there, (path, given - there))

    def test_alert_rules_are_those_of_monitoring(self):
        rules = (ROOT / "deploy/monitoring/rules.yaml").read_text(encoding="utf-8")
        written = CHECK.yaml.safe_load(RENDER.RULE_OBJECT.read_text(encoding="utf-8"))
        self.assertEqual(written["spec"], CHECK.yaml.safe_load(rules))
        self.assertEqual(RENDER.RULE_OBJECT.read_text(encoding="utf-8"), RENDER.rule_object(rules))
        for overlay in ("production", "production-cnpg"):
            self.assertEqual(OVERLAYS[overlay].find("PrometheusRule", "ipt")["spec"], written["spec"])

    def test_fields_that_are_not_known_are_found(self):
        name = "kubernetes-validate"
        if not (os.environ.get("KUBERNETES_VALIDATE") or shutil.which(name)):
            self.skipTest(f"{name} is not installed")
        with tempfile.TemporaryDirectory() as folder:
            broken = pathlib.Path(folder, "local.yaml")
            text = (KUBERNETES / "rendered/local.yaml").read_text(encoding="utf-8")
            broken.write_text(text.replace("maxSurge:", "maxSurgee:"), encoding="utf-8")
            done = subprocess.run([ROOT / "tools/check_manifests", "--fields", broken], capture_output=True, text=True,
                                  check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("maxSurgee", done.stdout)

    def test_other_checkers_are_asked_and_missed(self):
        """By commands that answer as the real ones do."""
        score = [{"type_meta": {"kind": "Deployment"}, "object_meta": {"name": "ipt-scheduling"}, "checks": [
            {"check": {"id": "pod-probes"}, "skipped": False, "grade": 1, "comments": [{"summary": "Bad probe"}]},
            {"check": {"id": "stable-version"}, "skipped": False, "grade": 10, "comments": None},
            {"check": {"id": "container-resources"}, "skipped": False, "grade": 1, "comments": [
                {"summary": "CPU limit is not set"}]}]}]
        lint = {"Reports": [{"Diagnostic": {"Message": "is privileged"}, "Check": "privileged-container", "Object": {
            "K8sObject": {"Name": "redis", "GroupVersionKind": {"Kind": "Deployment"}}}}]}
        with tempfile.TemporaryDirectory() as folder:
            environment = {k: v for k, v in os.environ.items() if k not in ("IPT_NPM", "KUBERNETES_VALIDATE")}
            environment["PATH"] = "/usr/bin:/bin"
            for name, answer in (("KUBE_SCORE", score), ("KUBE_LINTER", lint)):
                command = pathlib.Path(folder, name)
                command.write_text(f"#!/bin/sh\necho lint errors found >&2\ncat <<'E'\n{json.dumps(answer)}\nE\nexit 1\n",
                                   encoding="utf-8")
                command.chmod(0o755)
                environment[name] = str(command)
            ask = lambda: subprocess.run(  # noqa: E731
                [ROOT / "tools/check_manifests", "--external", KUBERNETES / "rendered/local.yaml"], capture_output=True,
                text=True, check=False, env=environment)
            done = ask()
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout.splitlines(), [
                "local.yaml: Deployment/ipt-scheduling: pod-probes: Bad probe (kube-score)",
                "local.yaml: Deployment/redis: privileged-container: is privileged (kube-linter)"])
            for missing in ("kubernetes-validate", "IPT_NPM"):
                self.assertRegex(done.stderr, f"SKIPPED: .*{missing}")
            pathlib.Path(environment["KUBE_LINTER"]).write_text("#!/bin/sh\necho it broke >&2\n", encoding="utf-8")
            self.assertRegex(ask().stderr, "KUBE_LINTER: it broke")

    def test_what_is_written_from_other_files_is_compared(self):
        with tempfile.TemporaryDirectory() as folder:
            kubectl = pathlib.Path(folder, "kubectl")
            kubectl.write_text("#!/bin/sh\n[ $1 = kustomize ] || echo '{\"clientVersion\": {\"major\": \"1\", "
                               "\"minor\": \"30\"}}'\n", encoding="utf-8")
            kubectl.chmod(0o755)
            for command, status in ((kubectl, 1), (pathlib.Path(folder, "none"), RENDER.SKIPPED)):
                done = subprocess.run([ROOT / "tools/render_manifests", "--check"], capture_output=True, text=True,
                                      env={**os.environ, "KUBECTL": str(command)}, check=False)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn("rendered/", done.stderr)


if __name__ == "__main__":
    unittest.main()
