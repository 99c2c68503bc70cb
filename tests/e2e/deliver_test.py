#!/usr/bin/python3
"""ipt-deliver against real servers and a webhook that the test plays: signed, each reminder to one
outcome, nothing lost when any of the three dies; the file; wrong settings.

The webhook checks signatures by the receiver of docs/ipt-deliver.md, as it stands there."""

import base64
import collections
import datetime
import http.server
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import support  # first: it makes the generated stubs importable
from support import BUILD, ROOT, EndToEnd, Server, free_port, http as get, now, on_all, ts, wait_until

SMS, EMAIL = 1, 2
PATIENT, THERAPIST = 1, 2
SCHEDULED, LEASED, SENT, DEAD = 1, 2, 3, 4
WORDS = {1: "SENT", 2: "RETRY", 3: "DEAD", 4: "UNKNOWN", 5: "SUPERSEDED", 0: "UNDER WAY"}
DOCUMENT = (ROOT / "docs/ipt-deliver.md").read_text(encoding="utf-8")


def receiver_of_the_document():
    code = next(block for block in re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.M | re.S)
                if "def is_genuine" in block)
    space = {}
    exec(code, space)  # pylint: disable=exec-used
    return space["is_genuine"]


is_genuine = receiver_of_the_document()
Post = collections.namedtuple("Post", "headers body json genuine")


class Webhook:
    """Answers a Post as `answer` says: a status, or with headers, or with a body, too. Else 200."""

    def __init__(self, keys, tls=None, port=0):
        self.keys = keys  # {id: bytes}: those that it knows
        self.posts = []
        self.connections = 0
        self.answer = lambda post: 200
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                hook.connections += 1
                super().setup()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                post = Post(self.headers, body, json.loads(body),
                            is_genuine(self.headers, body, hook.keys))
                hook.posts.append(post)
                said = hook.answer(post) if post.genuine else 401
                status, headers, *text = said if isinstance(said, tuple) else (said, {})
                text = text[0] if text else b"ok"
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    self.close_connection = True  # the other side has heard enough, or was killed

            def log_message(self, *_):
                pass

        class Serving(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # connections of processes that were killed

        self.http = Serving(("127.0.0.1", port), Handler)
        self.scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
            self.scheme = "https"
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/reminders"

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class Gate:
    """An answer that is held back until it is opened."""

    def __init__(self, status=200):
        self.reached, self.open, self.status = threading.Semaphore(0), threading.Event(), status

    def __call__(self, post):
        self.reached.release()
        self.open.wait(120)
        return self.status

    def await_request(self, test):
        test.assertTrue(self.reached.acquire(timeout=60), "no request came")


class Gateway:
    """ipt-deliver as a process."""

    def __init__(self, words, folder):
        self.out, self.err = folder / "out", folder / f"err-{time.monotonic_ns()}"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", BUILD / "bin/ipt-deliver", *words],
                stdout=out, stderr=err, env=Delivering.environment())

    def log(self):
        return self.err.read_text()

    def events(self, name):
        whole = self.log().split("\n")[:-1]  # it is being written
        lines = [json.loads(line) for line in whole if line.startswith("{\"")]
        return [line for line in lines if line["event"] == name]

    def wait_for(self, event, count=1):
        wait_until(lambda: len(self.events(event)) >= count, event, self.process)

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(60)

    def report(self):
        return json.loads(self.out.read_text())


class Delivering(EndToEnd):
    """What the tests below begin with; itself without any."""

    @staticmethod
    def environment():
        return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}

    def setUp(self):
        super().setUp()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ipt-deliver-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.keys_file = self.dir / "keys.json"
        self.keys = {}
        self.write_keys(first=secrets.token_bytes(32))
        self.make_clinic()
        self.make_therapist()
        self.courses = 0

    def write_keys(self, **keys):
        self.keys.update(keys)
        aside = self.dir / "keys.new"
        aside.write_text(json.dumps({"keys": [
            {"id": name, "secret": base64.b64encode(secret).decode()}
            for name, secret in keys.items()]}))
        aside.chmod(0o600)
        aside.rename(self.keys_file)

    def webhook(self, **options):
        options.setdefault("tls", self.identity.dir if self.identity else None)
        hook = Webhook(dict(self.keys), **options)
        self.addCleanup(hook.close)
        return hook

    def server_flags(self, scopes="reminders.deliver"):
        words = ["--server", self.server.target(), "--clinics", self.id, "--output=json"]
        if self.identity:
            token = self.dir / "token"
            token.write_text(self.identity.token(clinics=self.id, scopes=scopes))
            words += ["--ca", self.identity.dir / "ca.crt", "--token-file", token]
        return words

    def hook_flags(self, hook):
        words = ["--webhook", hook.url, "--keys-file", self.keys_file]
        return words + (["--webhook-ca", self.identity.dir / "ca.crt"] if self.identity else [])

    def gateway(self, *words):
        gateway = Gateway([*self.server_flags(), *words], self.dir)
        self.addCleanup(gateway.process.wait)
        self.addCleanup(gateway.process.kill)
        return gateway

    def run_once(self, *words, code=0):
        done = self.run_to_end(*self.server_flags(), "--once", *words)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def run_to_end(self, *words):
        return subprocess.run([BUILD / "bin/ipt-deliver", *words], capture_output=True, text=True,
                              timeout=120, env=self.environment())

    def due(self, count=1, audience=THERAPIST):
        """Reminders that are due now, each of a course of its own. Therapists have no quiet hours."""
        names = []
        for _ in range(count):
            self.courses += 1
            course = self.make_course(f"c{self.courses}")
            names.append(self.api.TestReminder(course=course.name, audience=audience,
                                               channels=[SMS, EMAIL], template="hello").name)
        return names

    def reminder(self, name):
        return self.api.GetReminder(name=name)

    def states(self, names):
        return [self.reminder(name).state for name in names]

    def attempts(self, name):
        return [(WORDS[a.outcome], a.reason) for a in self.reminder(name).attempts]

    def await_sent(self, names, seconds=120):
        try:
            wait_until(lambda: set(self.states(names)) == {SENT}, "all to be sent", seconds=seconds)
        except TimeoutError as error:
            logs = "\n".join(file.read_text() for file in self.dir.glob("err-*"))
            raise AssertionError(f"{error}: {[self.reminder(n) for n in names]}\n{logs}") from None


@on_all(engines=("suite", "postgres"))
class Delivery(Delivering):
    """What is to be so on every store and transport."""

    def test_what_is_due_arrives_signed_and_becomes_sent_once(self):
        policy = dict(session_rules=[dict(audience=PATIENT, minutes_before=2880, channels=[SMS],
                                          template="days")])
        self.api.UpdateReminderPolicy(clinic=self.clinic, policy=policy,
                                      update_mask=dict(paths=["session_rules", "quiet_hours"]))
        names = self.due(3, PATIENT) + self.due(1)
        course = self.make_course("booked", patient="p-1")
        self.api.UpdateContactPreferences(
            parent=self.clinic, patient=dict(system="urn:mrn", value="p-1"),
            preferences=dict(language="en-GB", time_zone="America/New_York"))
        start = now().replace(minute=0, second=0, microsecond=0) + datetime.timedelta(hours=36)
        session = self.api.BookSession(
            parent=course.name, start_time=ts(start),
            override=dict(outside_availability=True, reason="agreed"))
        hook = self.webhook()
        report = self.run_once(*self.hook_flags(hook))
        self.assertEqual([dict(clinic=self.clinic, sent=5, retry=0, dead=0, given_back=0, lost=0)],
                         report["clinics"])
        self.assertEqual({}, report["reasons"])

        self.assertEqual(5, len(hook.posts))
        self.assertEqual({True}, {post.genuine for post in hook.posts})
        by_name = {post.json["reminder"]: post for post in hook.posts}
        for name in names:
            self.assertEqual([("SENT", "")], self.attempts(name))
            self.assertTrue(by_name[name].json["test"])
        post = next(post for post in hook.posts if post.json["session"] == session.name)
        self.assertEqual(SENT, self.reminder(post.json["reminder"]).state)
        self.assertEqual("application/json", post.headers["Content-Type"])
        self.assertEqual(post.json["idempotency_key"], post.headers["Idempotency-Key"])
        self.assertEqual(1, post.json["version"])
        self.assertEqual(dict(system="urn:mrn", value="p-1"), post.json["patient"])
        for key, value in dict(clinic=self.clinic, course=course.name, kind="SESSION",
                               audience="PATIENT", channels=["SMS"], template="days", attempt=1,
                               language="en-GB", test=False,
                               therapist=f"{self.clinic}/therapists/ana").items():
            self.assertEqual(value, post.json[key], key)
        said = post.json["variables"]
        self.assertEqual("America/New_York", said["time_zone"])
        for text in (said["session_start_time"], said["session_start_local"]):
            self.assertEqual(start, datetime.datetime.fromisoformat(text.replace("Z", "+00:00")))
        self.assertNotIn("+00:00", said["session_start_local"])

        # The second run finds nothing.
        self.assertEqual(0, self.run_once(*self.hook_flags(hook))["clinics"][0]["sent"])
        self.assertEqual(5, len(hook.posts))

    def test_it_goes_on_through_restarts_of_the_suite_and_ends_when_told(self):
        hook = self.webhook()
        admin = free_port()
        gateway = self.gateway(*self.hook_flags(hook), "--admin-listen", f"127.0.0.1:{admin}")
        gateway.wait_for("begun")
        wait_until(lambda: get(admin, "/readyz")[0] == 200, "readiness", gateway.process)
        self.await_sent(self.due(2))
        self.server.stop()
        wait_until(lambda: gateway.events("stream_broke"), "the loss to be noticed", gateway.process)
        self.server.start()
        type(self).api = self.server.api()
        self.await_sent(self.due(2))
        self.assertIn('ipt_deliver_reminders_total{outcome="sent"} 4', get(admin, "/metrics")[1])
        self.assertEqual(0, gateway.end(), gateway.log())
        self.assertEqual(4, gateway.report()["clinics"][0]["sent"])
        self.assertEqual(4, len({post.headers["Idempotency-Key"] for post in hook.posts}))
        self.assertEqual(4, len(hook.posts))
        self.assertNotIn("urn:mrn", gateway.log())
        self.assertNotIn("hello", gateway.log())


class Answers(Delivering):
    """What the webhook answers, and what it is when it does not."""

    def test_a_receiver_that_is_busy_is_given_it_again(self):
        patient, busy = self.due(2)
        hook = self.webhook()
        hook.answer = lambda post: (200 if post.json["attempt"] > 1 else (503, {"Retry-After": "90"})
                                    if post.json["reminder"] == patient else 503)
        gateway = self.gateway(*self.hook_flags(hook))
        gateway.wait_for("delivery", 2)
        wait_until(lambda: set(self.states([patient, busy])) == {SCHEDULED}, "both to be given back")
        told = self.reminder(patient)
        waits = told.next_attempt_time.ToSeconds() - told.attempts[0].end_time.ToSeconds()
        self.assertGreaterEqual(waits, 89)
        self.await_sent([busy])
        self.assertEqual([("RETRY", "HTTP_503"), ("SENT", "")], self.attempts(busy))
        keys = {post.headers["Idempotency-Key"] for post in hook.posts
                if post.json["reminder"] == busy}
        self.assertEqual(1, len(keys))
        self.assertEqual(0, gateway.end())

    def test_a_message_that_is_refused_for_ever_is_a_dead_letter(self):
        first, second = self.due(2)
        hook = self.webhook()
        hook.answer = lambda post: 422 if post.json["reminder"] == first else 204
        report = self.run_once(*self.hook_flags(hook))
        self.assertEqual({"HTTP_422": 1}, report["reasons"])
        self.assertEqual([DEAD, SENT], self.states([first, second]))
        self.assertEqual([("DEAD", "HTTP_422")], self.attempts(first))
        self.assertEqual("REMINDER_WHY_NOT_REJECTED", support.module(
            "ipt.scheduling.v1", "reminder").ReminderWhyNot.Name(self.reminder(first).why_not))
        hook.answer = lambda post: 200
        self.api.ReplayReminder(name=first)
        self.assertEqual(1, self.run_once(*self.hook_flags(hook))["clinics"][0]["sent"])

    def test_a_wrong_path_kills_no_queue(self):
        names = self.due(12)
        hook = self.webhook()
        hook.answer = lambda post: 404
        report = self.run_once("--concurrency=1", *self.hook_flags(hook), code=6)
        # Five tell that it is down. The others are not even leased.
        self.assertEqual(5, len(hook.posts))
        self.assertEqual({"HTTP_404": 5}, report["reasons"])
        self.assertEqual({SCHEDULED}, set(self.states(names)))
        self.assertEqual(7, sum(not self.reminder(name).attempts for name in names))

    def test_redirects_are_not_followed(self):
        name, = self.due()
        other = self.webhook()
        hook = self.webhook()
        hook.answer = lambda post: (307, {"Location": other.url})
        self.assertEqual({"HTTP_307": 1}, self.run_once(*self.hook_flags(hook), code=6)["reasons"])
        self.assertEqual([], other.posts)
        self.assertEqual([("RETRY", "HTTP_307")], self.attempts(name))

    def test_an_answer_is_its_first_line_however_long_it_is(self):
        names = self.due(2)
        hook = self.webhook()
        hook.answer = lambda post: (200, {}, b"x" * (64 << 20))
        self.assertEqual(2, self.run_once(*self.hook_flags(hook))["clinics"][0]["sent"])
        self.assertEqual([SENT, SENT], self.states(names))

    def test_a_receiver_that_is_silent_times_out(self):
        name, = self.due()
        hook = self.webhook()
        hook.answer = gate = Gate()
        report = self.run_once("--timeout=300ms", *self.hook_flags(hook), code=6)
        gate.open.set()
        self.assertEqual({"TIMEOUT": 1}, report["reasons"])
        self.assertEqual([("RETRY", "TIMEOUT")], self.attempts(name))

    def test_a_receiver_that_was_down_gets_them_all_when_it_is_back(self):
        names = self.due(9)
        port = free_port()
        hook = Webhook(dict(self.keys), port=port)
        flags = self.hook_flags(hook)
        hook.close()
        gateway = self.gateway("--concurrency=3", *flags)
        gateway.wait_for("receiver_down")
        hook = self.webhook(port=port)
        self.await_sent(names)
        gateway.wait_for("receiver_up")
        self.assertEqual(0, gateway.end())
        self.assertEqual(sorted(names), sorted(post.json["reminder"] for post in hook.posts))
        failed = [why for name in names for word, why in self.attempts(name) if word != "SENT"]
        self.assertLessEqual(set(failed), {"CONNECTION_FAILED", "RECEIVER_DOWN"})
        self.assertGreaterEqual(failed.count("CONNECTION_FAILED"), 5)

    def test_keys_change_while_it_runs_and_nothing_is_refused(self):
        hook = self.webhook()
        old = self.keys["first"]
        gateway = self.gateway(*self.hook_flags(hook))
        gateway.wait_for("begun")
        self.await_sent(self.due())
        new = secrets.token_bytes(32)
        self.write_keys(first=old, second=new)
        gateway.wait_for("file_reload", 2)
        self.await_sent(self.due())
        self.assertRegex(hook.posts[-1].headers["Ipt-Signature"],
                         "^v1=[0-9a-f]{64};key=first, v1=[0-9a-f]{64};key=second$")
        hook.keys = {"second": new}  # the receiver changes at a time of its own
        self.await_sent(self.due())
        self.write_keys(second=new)
        gateway.wait_for("file_reload", 3)
        aside = self.dir / "keys.torn"  # at once: a file that is cut off first would be another fault
        aside.write_text("{")
        aside.chmod(0o600)
        aside.rename(self.keys_file)
        gateway.wait_for("file_reload", 4)
        self.assertEqual(["info"] * 3 + ["error"], [e["level"] for e in gateway.events("file_reload")])
        self.await_sent(self.due())
        self.assertRegex(hook.posts[-1].headers["Ipt-Signature"], "^v1=[0-9a-f]{64};key=second$")
        self.assertEqual(0, gateway.end())
        self.assertEqual([True] * 4, [post.genuine for post in hook.posts])
        self.assertEqual(1, hook.connections)  # it is kept and used again

    def test_the_receiver_of_the_document_refuses_what_is_not_genuine(self):
        self.due()
        hook = self.webhook()
        self.run_once(*self.hook_flags(hook))
        post, = hook.posts
        headers = dict(post.headers)
        for good, keys, change, body in [
                (True, hook.keys, {}, post.body),
                (False, hook.keys, {}, post.body + b" "),
                (False, {"first": b"x" * 32}, {}, post.body),
                (False, {"other": hook.keys["first"]}, {}, post.body),
                (False, hook.keys, {"Ipt-Timestamp": str(int(headers["Ipt-Timestamp"]) - 301)}, post.body),
                (False, hook.keys, {"Ipt-Timestamp": "now"}, post.body),
                (False, hook.keys, {"Ipt-Timestamp": "\xb2"}, post.body),
                (False, hook.keys, {"Ipt-Signature": ""}, post.body),
                (False, hook.keys, {"Ipt-Signature": "v1=\xe9;key=first"}, post.body),
                (True, hook.keys, {"Ipt-Signature": "v1=0;key=first, v1=0;key=new, "
                                   + headers["Ipt-Signature"]}, post.body)]:
            self.assertEqual(good, is_genuine({**headers, **change}, body, keys), change)
        # Signed in the same second, the header says the same as Python's hmac.
        self.assertTrue(abs(time.time() - int(headers["Ipt-Timestamp"])) < 300)


class Deaths(Delivering):
    """Any of the three is killed at the worst of times."""

    def test_killed_before_it_acknowledged_the_same_key_comes_again(self):
        name, = self.due()
        hook = self.webhook()
        hook.answer = gate = Gate()
        gateway = self.gateway(*self.hook_flags(hook), "--lease=8s", "--timeout=4s")
        gate.await_request(self)
        self.assertEqual(-signal.SIGKILL, gateway.end(signal.SIGKILL))
        gate.open.set()
        hook.answer = lambda post: 200
        again = self.gateway(*self.hook_flags(hook))
        self.await_sent([name])
        self.assertEqual(0, again.end())
        self.assertEqual(2, len(hook.posts))
        self.assertEqual(1, len({post.headers["Idempotency-Key"] for post in hook.posts}))
        self.assertEqual([1, 2], [post.json["attempt"] for post in hook.posts])
        self.assertEqual([("UNKNOWN", ""), ("SENT", "")], self.attempts(name))

    def test_the_suite_is_killed_before_it_hears_of_it(self):
        name, = self.due()
        hook = self.webhook()
        hook.answer = gate = Gate()
        gateway = self.gateway(*self.hook_flags(hook))
        gate.await_request(self)
        self.server.stop(signal.SIGKILL)
        gate.open.set()
        gateway.wait_for("acknowledge_failed")
        self.server.start()
        type(self).api = self.server.api()
        self.await_sent([name])
        self.assertEqual(0, gateway.end())
        self.assertEqual(1, len(hook.posts))
        self.assertEqual([("SENT", "")], self.attempts(name))

    def test_told_to_stop_it_finishes_what_is_in_flight_and_leases_no_more(self):
        names = self.due(2)
        hook = self.webhook()
        hook.answer = gate = Gate()
        gateway = self.gateway(*self.hook_flags(hook), "--timeout=20s", "--grace=60s")
        gate.await_request(self)
        gate.await_request(self)
        gateway.process.send_signal(signal.SIGTERM)
        gateway.wait_for("stopping")
        later, = self.due()
        gate.open.set()
        self.assertEqual(0, gateway.process.wait(60), gateway.log())
        self.assertEqual([SENT, SENT], self.states(names))
        self.assertEqual([("SENT", "")], self.attempts(names[0]))
        self.assertEqual([], self.attempts(later))
        self.assertEqual(dict(clinic=self.clinic, sent=2, retry=0, dead=0, given_back=0, lost=0),
                         gateway.report()["clinics"][0])
        self.assertEqual(0, gateway.report()["unacknowledged"])

    def test_told_twice_it_ends_at_once(self):
        self.due()
        hook = self.webhook()
        hook.answer = gate = Gate()
        gateway = self.gateway(*self.hook_flags(hook), "--timeout=30s", "--grace=1h")
        gate.await_request(self)
        gateway.process.send_signal(signal.SIGTERM)
        gateway.wait_for("stopping")
        gateway.process.send_signal(signal.SIGTERM)
        self.assertEqual(1, gateway.process.wait(60))
        gate.open.set()

    def test_two_of_them_share_the_work_of_two_clinics(self):
        names = self.due(20)
        hook = self.webhook()
        first, self.id = self.id, self.id + "b"
        self.clinic = f"clinics/{self.id}"
        self.make_clinic()
        self.make_therapist()
        names += self.due(5)
        flags = ["--server", self.server.target(), "--clinics", f"{first},{self.id}",
                 *self.hook_flags(hook), "--concurrency=2"]
        gateways = [Gateway([*flags, "--output=json"], self.dir) for _ in range(2)]
        for gateway in gateways:
            self.addCleanup(gateway.process.wait)
            self.addCleanup(gateway.process.kill)
        self.await_sent(names)
        for gateway in gateways:
            self.assertEqual(0, gateway.end())
        self.assertEqual(sorted(names), sorted(post.json["reminder"] for post in hook.posts))

    def test_the_file_is_appended_to_rotated_and_synced_before_it_counts(self):
        path = self.dir / "out.ndjson"
        first = self.due(3)
        gateway = self.gateway("--file", path)
        self.await_sent(first)
        self.assertEqual(0o600, path.stat().st_mode & 0o777)
        path.rename(self.dir / "out.1")
        second = self.due(2)
        self.await_sent(second)
        shutil.copy(path, self.dir / "out.2")
        path.unlink()
        gateway.process.send_signal(signal.SIGHUP)
        third = self.due(1)
        self.await_sent(third)
        self.assertEqual(0, gateway.end())
        for file, names in ((self.dir / "out.1", first), (self.dir / "out.2", second), (path, third)):
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            self.assertEqual(sorted(names), sorted(line["reminder"] for line in lines))
            self.assertEqual({1}, {line["version"] for line in lines})

    def test_a_dry_run_shows_what_is_due_and_changes_nothing(self):
        names = self.due(2)
        done = self.run_to_end(*self.server_flags(), "--dry-run")
        self.assertEqual(0, done.returncode, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(sorted(names), sorted(line["reminder"] for line in lines))
        self.assertEqual({None}, {line["idempotency_key"] for line in lines})
        self.assertEqual([SCHEDULED, SCHEDULED], self.states(names))
        self.assertEqual([], self.attempts(names[0]))


class WrongSettings(Delivering):
    """A clear word, and the exit code that scripts branch on."""

    secure = True

    def refused(self, code, words, *flags):
        done = self.run_to_end(*flags)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("Bearer", done.stderr)

    def test_each_ends_with_its_exit_code(self):
        hook = self.webhook()
        good = [*self.server_flags(), *self.hook_flags(hook)]

        def but(flag, value):
            words = list(good)
            words[words.index(flag) + 1] = value
            return words

        self.refused(1, ["ipt-deliver: say which clinics", "ipt-deliver --help"])
        self.refused(1, ["--keys-file", "cannot be read"], *but("--keys-file", self.dir / "none"))
        self.refused(1, ["--webhook-ca: cannot read"], *but("--webhook-ca", self.dir / "none"))
        self.refused(1, ["cannot read"], *but("--ca", self.dir / "none"))
        self.keys_file.chmod(0o644)
        self.refused(1, ["--keys-file", "mode 0644", "chmod 600"], *good)
        self.keys_file.chmod(0o600)

        self.refused(3, ["NOT_FOUND", "clinics/none"], *but("--clinics", "none"))
        token = self.dir / "other"
        token.write_text("not.a.token")
        self.refused(5, ["UNAUTHENTICATED", "--token-file"], *but("--token-file", token))
        token.write_text(self.identity.token(clinics=self.id, scopes="reminders.read"))
        self.refused(5, ["PERMISSION_DENIED", "reminders.deliver"], *but("--token-file", token))

        other = support.Identity()  # an authority that signed nothing here
        self.refused(6, ["UNAVAILABLE", "server_away", "certificate verify failed"],
                     *but("--ca", other.dir / "ca.crt"), "--connect-within=5s")
        self.refused(6, ["UNAVAILABLE"], *but("--server", f"127.0.0.1:{support.dead_port()}"),
                     "--connect-within=1s")
        self.due()
        done = self.run_to_end(*but("--webhook-ca", other.dir / "ca.crt"), "--once")
        self.assertEqual(6, done.returncode, done.stderr)
        self.assertEqual({"TLS_FAILED": 1}, json.loads(done.stdout)["reasons"])
        self.assertEqual([], hook.posts)

    def test_an_unknown_clinic_is_told_to_one_who_may_enter_all(self):
        token = self.dir / "all"
        token.write_text(self.identity.token(scopes="reminders.deliver"))
        words = [*self.server_flags(), *self.hook_flags(self.webhook())]
        words[words.index("--token-file") + 1] = token
        words[words.index("--clinics") + 1] = "nowhere"
        self.refused(3, ["NOT_FOUND", "clinics/nowhere"], *words)

    def test_a_token_that_is_replaced_is_used(self):
        hook = self.webhook()
        words = self.server_flags()
        token = self.dir / "token"
        gateway = self.gateway(*self.hook_flags(hook))
        gateway.wait_for("begun")
        self.assertIn("--token-file", words)
        aside = self.dir / "token.new"
        aside.write_text(self.identity.token(clinics=self.id, scopes="reminders.deliver",
                                             subject="renewed"))
        aside.rename(token)
        gateway.wait_for("file_reload", 3)  # the keys', the first and the second token's
        name, = self.due()
        self.await_sent([name])
        # By whom it was acknowledged.
        entries = self.api.all("ListAuditEntries", "audit_entries", parent=self.clinic)
        self.assertIn("renewed", {entry.caller for entry in entries
                                  if entry.method.endswith("CompleteReminders")})
        self.assertEqual(0, gateway.end())


if __name__ == "__main__":
    unittest.main()
