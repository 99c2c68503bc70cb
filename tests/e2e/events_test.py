#!/usr/bin/python3
"""Followers of events, against real servers: how a stream begins and ends, who may, and iptctl's."""

import json
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import support  # first: it makes the generated stubs importable
from support import BUILD, Refused, Server, wait_until

ENGINES = ("suite", "postgres")
RESYNC = ("OUT_OF_RANGE", "RESYNC_REQUIRED")


def kind(name):
    return support.module("ipt.scheduling.v1", "event_service").EventKind.Value("EVENT_KIND_" + name)


class Stream:
    """One WatchEvents."""

    def __init__(self, api, **fields):
        self.call = api.stubs["events.WatchEvents"][0](
            api.request("events.WatchEvents", **fields), metadata=api.metadata, timeout=60)

    def next(self):
        try:
            return next(self.call)
        except support.grpc.RpcError as error:
            raise Refused("WatchEvents", error) from None

    def events(self, count):
        """The next so many events, and the cursor after them."""
        found, cursor = [], ""
        while len(found) < count:
            response = self.next()
            found += response.events
            cursor = response.cursor
        return found, cursor

    def refusal(self):
        try:
            while True:
                self.next()
        except Refused as error:
            return error


class Events(unittest.TestCase):
    def server(self, engine="suite", identity=None, flags=(), **options):
        server = Server(engine, identity, flags, **options)
        self.addCleanup(server.close)
        return server

    def clinic(self, api, name="north"):
        return api.CreateClinic(clinic_id=name, clinic=dict(display_name=name,
                                                            time_zone="Europe/London"))

    def rename(self, api, text):
        return api.UpdateClinic(clinic=dict(name="clinics/north", display_name=text),
                                update_mask=dict(paths=["display_name"]))

    def test_begins_at_once_and_tells_what_follows_in_order(self):
        for engine in ENGINES:
            with self.subTest(engine):
                server = self.server(engine)
                api = server.api()
                self.clinic(api)
                stream = Stream(api, parent="clinics/north")
                began = time.monotonic()
                first = stream.next()
                self.assertLess(time.monotonic() - began, 12)  # a heartbeat would come after fifteen
                self.assertTrue(first.cursor)
                self.assertEqual(0, len(first.events))
                written = [self.rename(api, f"n{i}") for i in range(20)]
                events, cursor = stream.events(20)
                # Where the relay had not been yet, the clinic's creation is told as well.
                more = 20 - len([e for e in events if e.revision > 1 and
                                 e.payload.clinic_changed.display_name.startswith("n")])
                if more:
                    rest, cursor = stream.events(more)
                    events = (events + rest)[more:]
                self.assertEqual([c.display_name for c in written],
                                 [e.payload.clinic_changed.display_name for e in events])
                self.assertEqual([c.revision for c in written], [e.revision for e in events])
                self.assertEqual({"clinics/north"}, {e.subject for e in events})
                self.assertEqual({kind("CLINIC_CHANGED")}, {e.kind for e in events})
                self.assertEqual(20, len({e.event_id for e in events}))
                # From the cursor nothing comes again, but what is new does.
                again = Stream(api, parent="clinics/north", cursor=cursor)
                self.assertEqual(0, len(again.next().events))
                self.rename(api, "later")
                self.assertEqual(["later"], [e.payload.clinic_changed.display_name
                                             for e in again.events(1)[0]])
                oldest = Stream(api, parent="clinics/north", oldest=True)
                self.assertEqual(["north", "n0"], [e.payload.clinic_changed.display_name
                                                   for e in oldest.events(2)[0]][:2])

    def test_filters_and_refusals(self):
        api = self.server().api()
        self.clinic(api)
        self.clinic(api, "south")
        api.CreateHolidays(parent="clinics/north", holidays=[dict(date=dict(year=2031, month=1, day=1))])
        self.rename(api, "n")
        stream = Stream(api, parent="clinics/north", oldest=True, kinds=[kind("HOLIDAY_CREATED")])
        events, cursor = stream.events(1)
        self.assertEqual("clinics/north/holidays/2031-01-01", events[0].subject)
        self.assertEqual(RESYNC, (lambda e: (e.code, e.reason))(
            Stream(api, parent="clinics/south", cursor=cursor).refusal()))
        refused = Stream(api, parent="clinics/north", cursor="nonsense").refusal()
        self.assertEqual(("INVALID_ARGUMENT", ["cursor"]), (refused.code, refused.fields))
        refused = Stream(api, parent="clinics/north", kinds=[0]).refusal()
        self.assertEqual(("INVALID_ARGUMENT", ["kinds[0]"]), (refused.code, refused.fields))
        refused = Stream(api, parent="clinics/north", course="clinics/south/courses/x").refusal()
        self.assertEqual("INVALID_ARGUMENT", refused.code)

    def test_a_heartbeat_brings_a_cursor(self):
        api = self.server(flags=["--event_heartbeat=200ms"]).api()
        self.clinic(api)
        stream = Stream(api, parent="clinics/north", kinds=[kind("HOLIDAY_CREATED")])
        first = stream.next()
        self.rename(api, "n")
        wait_until(lambda: stream.next().cursor != first.cursor, "another cursor")

    def test_is_audited_once_when_it_begins(self):
        api = self.server().api()
        self.clinic(api)
        stream = Stream(api, parent="clinics/north")
        stream.next()
        entries = []

        def audited():
            entries[:] = [e for e in api.ListAuditEntries(parent="clinics/north").audit_entries
                          if e.method.endswith("/WatchEvents")]
            return entries
        wait_until(audited, "the audit entry")
        stream.call.cancel()
        time.sleep(1)
        audited()
        self.assertEqual([1], [e.count for e in entries])

    def test_a_stopping_server_sends_followers_away_and_ends(self):
        for engine in ENGINES:
            with self.subTest(engine):
                server = self.server(engine, flags=["--grace=40s"])
                api = server.api()
                self.clinic(api)
                streams = [Stream(api, parent="clinics/north") for _ in range(20)]
                for stream in streams:
                    stream.next()
                text = support.http(server.admin, "/metrics")[1]
                self.assertIn("rpc_open_streams{", text)
                self.assertIn(" 20", next(line for line in text.splitlines()
                                          if line.startswith("rpc_open_streams{")))
                began = time.monotonic()
                server.process.terminate()
                for stream in streams:
                    refused = stream.refusal()
                    self.assertEqual(("UNAVAILABLE", "SHUTTING_DOWN"), (refused.code, refused.reason))
                    self.assertIn("RetryInfo", refused.details)
                self.assertLess(time.monotonic() - began, 25)
                self.assertEqual(0, server.process.wait(60))

    def test_too_many(self):
        api = self.server(flags=["--max_streams=2"]).api()
        self.clinic(api)
        streams = [Stream(api, parent="clinics/north") for _ in range(2)]
        for stream in streams:
            stream.next()
        refused = Stream(api, parent="clinics/north").refusal()
        self.assertEqual(("RESOURCE_EXHAUSTED", "OVERLOADED"), (refused.code, refused.reason))

    def test_too_old(self):
        api = self.server(flags=["--max_stream_age=3s"]).api()
        self.clinic(api)
        streams = [Stream(api, parent="clinics/north") for _ in range(2)]
        for stream in streams:
            stream.next()
        for stream in streams:
            self.assertRaises(StopIteration, stream.next)  # OK

    def test_what_cannot_be_gone_on_from(self):
        for engine in ENGINES:
            with self.subTest(engine):
                server = self.server(engine)
                api = server.api()
                self.clinic(api)
                cursor = Stream(api, parent="clinics/north").next().cursor
                for i in range(5):
                    self.rename(api, f"n{i}")
                Stream(api, parent="clinics/north", oldest=True).events(6)
                server.stop()
                # All of it is older than what is kept from now on.
                server.flags.append("--keep_events=1ms")
                server.start()
                api = server.api()
                wait_until(lambda: "\nipt_events_purged_total 6" in support.http(
                    server.admin, "/metrics")[1], "the purge")
                refused = Stream(api, parent="clinics/north", cursor=cursor).refusal()
                self.assertEqual(RESYNC, (refused.code, refused.reason))
                fresh = Stream(api, parent="clinics/north").next().cursor
                before = self.rename(api, "last").revision
                server.stop()
                done = server.run("restored", *server.store, *server.flags)
                self.assertEqual(0, done.returncode, done.stderr)
                server.flags.pop()
                server.start()
                api = server.api()
                refused = Stream(api, parent="clinics/north", cursor=fresh).refusal()
                self.assertEqual(RESYNC, (refused.code, refused.reason))
                self.assertGreater(self.rename(api, "new").revision, before + 1_000_000)

    def test_iptctl_goes_on_over_restarts(self):
        self.goes_on_over_restarts(None)

    def test_iptctl_goes_on_over_restarts_with_tls(self):
        self.goes_on_over_restarts(support.Identity())

    def goes_on_over_restarts(self, identity):
        server = self.server(identity=identity)
        api = server.api()
        self.clinic(api)
        with tempfile.TemporaryDirectory() as folder:
            reach = [f"--server=127.0.0.1:{server.port}"]
            if identity:
                token = support.pathlib.Path(folder, "token")
                token.write_text(identity.token())
                reach += ["--tls", f"--ca={identity.dir}/ca.crt", f"--token-file={token}"]
            watch = [BUILD / "bin/iptctl", "events", "watch", "clinics/north", *reach]
            words = [*watch, "--output", "json", f"--cursor-file={folder}/cursor"]
            # The first run keeps where it began.
            first = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                     text=True)
            self.addCleanup(first.kill)
            lines = []
            reader = threading.Thread(target=lambda: lines.extend(iter(first.stdout.readline, "")))
            reader.start()
            cursor = support.pathlib.Path(folder, "cursor")
            wait_until(cursor.exists, "the cursor file")

            def wait_for(name):
                """Told, and kept: what is told only is told again after a kill."""
                before = cursor.read_text()
                self.rename(server.api(), name)
                wait_until(lambda: any(name in line for line in lines), f"the event {name}")
                wait_until(lambda: cursor.read_text() != before, f"the cursor after {name}")

            wait_for("one")
            server.process.kill()
            server.process.wait()
            server.start()
            wait_for("two")
            first.send_signal(signal.SIGKILL)
            first.wait()
            reader.join()
            first.stdout.close()
            self.rename(server.api(), "three")
            done = subprocess.run([*words, "--count", "1"], capture_output=True, text=True, timeout=120)
            self.assertEqual(0, done.returncode, done.stderr)
            names = [json.loads(line)["payload"]["clinicChanged"]["displayName"]
                     for line in [*lines, *done.stdout.splitlines()]]
            self.assertEqual(["one", "two", "three"], [n for n in names if n != "north"])
            table = subprocess.run(
                [*watch, "--oldest", "--count", "2"], capture_output=True, text=True,
                timeout=120)
            self.assertEqual(0, table.returncode, table.stderr)
            self.assertEqual(["clinic-changed", "clinics/north"], table.stdout.split()[2:4])
            wrong = subprocess.run([*watch, "--cursor", "nonsense"], capture_output=True, text=True,
                                   timeout=120)
            self.assertEqual(2, wrong.returncode)
            self.assertIn("cursor", wrong.stderr)


if __name__ == "__main__":
    unittest.main()
