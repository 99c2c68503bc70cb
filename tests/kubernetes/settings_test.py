#!/usr/bin/python3
"""The settings in the rendered manifests, tried on the real binaries: each is known, together they are no
contradiction, probes ask what is answered, the services find each other and their stores, and a server needs no
more of its database than rows.

What a pod would find under /etc/ipt lies in a folder; addresses are those of this machine. The rest is as rendered.
"""

import base64
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import support  # noqa: E402
from manifests_test import KUBERNETES, OVERLAYS  # noqa: E402
from support import http, metric, wait_until  # noqa: E402

OVERLAY_FOLDER = KUBERNETES / "overlays/local"
FOLDER = tempfile.TemporaryDirectory(prefix="ipt-e2e-pods-")
MADE_FOLDER = pathlib.Path(FOLDER.name, "made")
unittest.addModuleCleanup(FOLDER.cleanup)


def made():
    """{(kind, name): {key: bytes}} as the operator of `local` makes them, and stand-ins for the others'."""
    printed = subprocess.run([OVERLAY_FOLDER / "make_secrets", MADE_FOLDER], check=True, capture_output=True).stdout
    found = {}
    for thing in json.loads(printed)["items"]:
        secret = thing["kind"] == "Secret"
        found[thing["kind"], thing["metadata"]["name"]] = {
            key: base64.b64decode(text) if secret else text.encode() for key, text in thing["data"].items()}
    return found


def stand_ins(local):
    """What cert-manager and the operator make in production."""
    ca = {"ca.crt": local["Secret", "ipt-scheduling-tls"]["ca.crt"]}
    keys = json.dumps({"keys": [{"id": "k", "secret": base64.b64encode(bytes(32)).decode()}]}).encode()
    return {("ConfigMap", "ipt-database-ca"): ca, ("Secret", "ipt-redis"): {"password": b"secret"},
            ("Secret", "ipt-deliver-webhook"): {"keys.json": keys},
            ("Secret", "ipt-deliver-tls"): local["Secret", "ipt-scheduling-tls"],
            **{("Secret", f"ipt-{s}-postgres-ca"): ca for s in ("scheduling", "formulation", "outcomes")}}


MADE = made()


class Run:
    """A pod's container as a process."""

    def __init__(self, bundle, pod, replace=(), settings=None, ports=None):
        self.pod, self.container = pod, pod.containers[0]
        self.root = pathlib.Path(tempfile.mkdtemp(dir=FOLDER.name))
        objects = {("ConfigMap", t["metadata"]["name"]): {k: v.encode() for k, v in (t.get("data") or {}).items()}
                   for t in bundle.of("ConfigMap")}
        objects = {**stand_ins(MADE), **MADE, **objects}
        mounts = {m["name"]: m["mountPath"] for m in self.container.get("volumeMounts", [])}
        for volume in pod.spec.get("volumes", []):
            for source in volume.get("projected", {}).get("sources", []) or [volume]:
                for kind, key in (("Secret", "secret"), ("ConfigMap", "configMap")):
                    if key in source:
                        held = objects[kind, source[key].get("secretName") or source[key]["name"]]
                        items = source[key].get("items") or [{"key": k, "path": k} for k in held]
                        for item in items:
                            self._put(f"{mounts[volume['name']]}/{item['path']}", held[item["key"]])
        self.ports = {number: support.free_port() for number in pod.ports().values()} | (ports or {})
        said = bundle.settings(self.container)
        environment = {k: self._here(v, replace) for k, v in said.items()}
        environment.update(settings or {})
        words = [re.sub(r"\$\((\w+)\)", lambda m: said[m[1]], word) for word in self.container["args"]]
        self.command = [self.binary(pod), *[self._here(word, replace) for word in words]]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("IPT_")}
        self.environment = {**clean, **environment}
        self.process = None

    @staticmethod
    def binary(pod):
        return support.BUILD / "bin" / re.search(r"([\w-]+)[:@]", pod.containers[0]["image"].rsplit("/", 1)[-1])[1]

    def _put(self, path, content):
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o440)

    def _here(self, text, replace):
        for pattern, new in replace:
            text = re.sub(pattern, new, text)
        for number, port in self.ports.items():
            text = text.replace(f"0.0.0.0:{number}", f"127.0.0.1:{port}")
        return text.replace("/etc/ipt", f"{self.root}/etc/ipt")

    def start(self):
        with open(self.root / "log", "ab") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *self.command],
                                            stdout=log, stderr=log, env=self.environment, cwd=self.root)
        return self

    def log(self):
        return (self.root / "log").read_text(errors="replace")

    def probe(self, kind):
        """The status that the probe of this kind sees."""
        ask = self.container[kind]["httpGet"]
        return http(self.ports[self.pod.ports()[ask["port"]]], ask["path"])[0]

    def admin(self):
        return self.ports[self.pod.ports()["admin"]]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def nowhere():
    """Addresses where nobody listens."""
    dead = support.dead_port()
    return [(r"^(postgresql://[^@]+@)[^/]+/", rf"\g<1>127.0.0.1:{dead}/"),
            (r"^(sentinel://[^@]+@)[^/]+/", rf"\g<1>127.0.0.1:{dead}/"),
            (r"^redis://[^/]+/", f"redis://127.0.0.1:{dead}/"),
            (r"ipt-\w+-lb:8443", f"127.0.0.1:{dead}")]


def pods():
    """Those of ours, of all overlays."""
    return [(overlay, bundle, pod) for overlay, bundle in OVERLAYS.items() for pod in bundle.workloads() if pod.ours]


class SettingsTest(unittest.TestCase):
    def test_each_setting_is_known(self):
        self.assertGreater(len(pods()), 15)
        for overlay, bundle, pod in pods():
            container = pod.containers[0]
            with self.subTest(overlay=overlay, pod=pod.name):
                said = subprocess.run([Run.binary(pod), "--help"], capture_output=True, text=True, check=True).stdout
                known = set(re.findall(r"^  +--([\w-]+)", said, re.M))
                self.assertGreater(len(known), 15, said)
                settings = {name[4:].lower() for name in bundle.settings(container) if name.startswith("IPT_")}
                flags = {word[2:].split("=")[0] for word in container["args"] if word.startswith("--")}
                commands = {word for word in container["args"] if not word.startswith("--")}
                self.assertEqual((settings | flags) - known, set())
                self.assertTrue(all(re.search(rf"\b{word}\b", said) for word in commands))
                self.assertTrue(settings or flags)

    def test_they_start_and_wait_unready_for_their_stores(self):
        for overlay, bundle, pod in pods():
            if pod.owner["kind"] == "Job":
                continue
            with self.subTest(overlay=overlay, pod=pod.name):
                run = Run(bundle, pod, nowhere()).start()
                try:
                    wait_until(lambda: run.probe("livenessProbe") == 200, f"{pod.name}: {run.log()}", run.process, 30)
                    self.assertEqual(run.probe("readinessProbe"), 503)
                    if "startupProbe" in run.container:
                        self.assertEqual(run.probe("startupProbe"), 200)
                        wait_until(lambda: "waiting_for_store" in run.log(), "its log", run.process, 30)
                        self.assertIn("127.0.0.1", run.log())
                    self.assertEqual(run.stop(), 0, run.log())
                finally:
                    run.kill()

    def test_one_that_is_not_known_stops_the_start(self):
        bundle = OVERLAYS["local"]
        pod = bundle.servers()[0]
        run = Run(bundle, pod, nowhere(), {"IPT_MAX_CONNECTION_AGES": "5m"}).start()
        self.addCleanup(run.kill)
        self.assertEqual(run.process.wait(30), 2)
        self.assertIn("there is no setting max_connection_ages", run.log())


class TogetherTest(unittest.TestCase):
    """All of `local`: stores as its pods make them, schemas by its Jobs, three services that follow each other."""

    @classmethod
    def setUpClass(cls):
        cls.bundle, cls.postgres = OVERLAYS["local"], support.postgres()
        init = next(t for t in cls.bundle.of("ConfigMap") if t["metadata"]["name"].startswith("postgres-init"))
        script = pathlib.Path(FOLDER.name, "databases.sh")
        script.write_text(init["data"]["databases.sh"], encoding="utf-8")
        subprocess.run(["sh", script], check=True, env={
            **os.environ, "PATH": f"{cls.postgres.bin}:{os.environ['PATH']}", "PGHOST": "127.0.0.1",
            "PGPORT": str(cls.postgres.port), "POSTGRES_USER": "ipt", "IPT_PASSWORDS": str(MADE_FOLDER)})
        # From here on the passwords count.
        (cls.postgres.dir / "data/pg_hba.conf").write_text(
            "host all ipt 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8")
        cls.postgres.sql("SELECT pg_reload_conf()")
        redis = next(pod for pod in cls.bundle.pods if pod.name == "Deployment/redis")
        cls.redis_port = support.free_port()
        cls.redis = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "redis-server", *redis.containers[0]["args"], "--bind",
             "127.0.0.1", "--port", str(cls.redis_port), "--dir", FOLDER.name], stdout=subprocess.DEVNULL)
        cls.addClassCleanup(cls.redis.kill)

    def stores(self):
        return [(r"^(postgresql://[^@]+@)[^/]+/", rf"\g<1>127.0.0.1:{self.postgres.port}/"),
                (r"^redis://[^/]+/", f"redis://127.0.0.1:{self.redis_port}/")]

    def serve(self, server):
        server.start()
        wait_until(lambda: server.probe("readinessProbe") == 200, server.log(), server.process, 60)

    def wait_for_feed(self, server, peer):
        wait_until(lambda: metric(server.admin(), f'ipt_follower_feeds{{peer="{peer}"}}') >= 1,
                   f"{server.pod.name} to follow {peer}", server.process, 60)

    @contextlib.contextmanager
    def person(self, server):
        """As a person calls by a forwarded port: a certificate to be let in, a token to be somebody."""
        token = support.Identity._tool("sign", "--dir", str(MADE_FOLDER), "--clinics", "*").strip()
        files = [(MADE_FOLDER / name).read_bytes() for name in ("ca.crt", "client.key", "client.crt")]
        with support.grpc.secure_channel(f"localhost:{server.ports[8443]}",
                                         support.grpc.ssl_channel_credentials(*files)) as channel:
            yield support.Api(channel).with_token(token)

    def make_course(self, server):
        """The first session that is booked of it."""
        with self.person(server) as api:
            api.CreateClinic(clinic_id="north", clinic=dict(display_name="North", time_zone="Europe/London"))
            api.CreateTherapist(parent="clinics/north", therapist_id="ana", therapist=dict(
                display_name="Ana", working_hours=support.weekly()))
            course = api.CreateCourse(parent="clinics/north", course_id="c1", course=dict(
                patient=dict(system="urn:mrn", value="p-1"), therapist="clinics/north/therapists/ana")).name
            slot = api.PlanCourse(name=course, earliest_time=support.ts(support.tomorrow())).sessions[0]
            return api.BookPlan(name=course, slots=[dict(start_time=slot.start_time)]).sessions[0].name

    def asks_outcomes(self, formulation, session):
        """By the certificate that callers.json knows, with the scope that it gives."""
        known = support.module("ipt.formulation.v1", "due_measure").DUE_MEASURES_STATE_KNOWN

        def told():
            due = api.GetSessionGuide(session=session).due_measures
            return due.state == known and due.HasField("asked_time")
        with self.person(formulation) as api:
            wait_until(told, "outcomes to say what is due", formulation.process, 60)

    def test_they_serve_and_follow_each_other(self):
        for pod in (pod for pod in self.bundle.workloads() if pod.owner["kind"] == "Job"):
            job = Run(self.bundle, pod, self.stores()).start()
            self.assertEqual(job.process.wait(120), 0, job.log())
        servers = {}
        # Some are called by those that start before them.
        ports = {service: support.free_port() for service in ("scheduling", "formulation", "outcomes")}
        peers = [(rf"^ipt-{name}-lb:8443$", f"127.0.0.1:{port}") for name, port in ports.items()]
        for service, port in ports.items():
            pod = next(p for p in self.bundle.servers() if p.owner["metadata"]["name"] == f"ipt-{service}")
            said = self.bundle.settings(pod.containers[0])
            names = {f"IPT_{name.upper()}_TLS_NAME": f"ipt-{name}-lb" for name in ports
                     if f"IPT_{name.upper()}" in said}
            servers[service] = Run(self.bundle, pod, [*self.stores(), *peers], names, {8443: port})
            self.addCleanup(servers[service].kill)
            self.serve(servers[service])
            if service == "scheduling":
                session = self.make_course(servers[service])
        self.wait_for_feed(servers["formulation"], "scheduling")
        self.wait_for_feed(servers["outcomes"], "scheduling")
        self.wait_for_feed(servers["outcomes"], "formulation")
        self.asks_outcomes(servers["formulation"], session)
        for server in servers.values():
            self.assertIn("redis_connected", server.log())
            server.process.send_signal(signal.SIGTERM)
        for server in servers.values():
            self.assertEqual(server.process.wait(60), 0, server.log()[-3000:])

        # Who serves changes rows, and nothing else; each in its own database.
        for service in ("scheduling", "formulation", "outcomes"):
            for text, database in (("CREATE TABLE x (i int)", service), ("DROP TABLE audit_entries", service),
                                   ("SELECT 1", "outcomes" if service != "outcomes" else "scheduling")):
                done = subprocess.run(
                    [self.postgres.bin / "psql", "-h", "127.0.0.1", "-p", str(self.postgres.port), "-U",
                     f"ipt_{service}", "-d", f"ipt_{database}", "-c", text], capture_output=True, text=True,
                    env={**os.environ, "PGPASSWORD": (MADE_FOLDER / f"{service}-database").read_text()}, check=False)
                self.assertNotEqual(done.returncode, 0, text)
                self.assertRegex(done.stderr, "permission denied|must be owner", text)


if __name__ == "__main__":
    unittest.main()
