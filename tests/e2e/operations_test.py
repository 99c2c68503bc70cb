#!/usr/bin/python3
"""What whoever runs the servers relies on: probes, health, metrics, settings, stopping, dying, starting
again, certificates that are renewed, two servers where one should be."""

import datetime
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import support  # first: it makes the generated stubs importable
from support import ROOT, Api, Identity, Refused, Server, free_port, http, wait_until

ENGINES = ("suite", "postgres")
VERSION = re.search(r"project\(ipt_suite VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
SERVICES = [path.split("/")[1] for path in support.methods()]


def settings_in_the_source(binary):
    """Names of the flags that a binary defines."""
    own, absent = (("suite", "store_flags.cc") if binary == "ipt-suite" else ("scheduling", None))
    return {name for folder in ("platform", own) for file in (ROOT / "services" / folder).rglob("*.cc")
            if file.name != absent
            for name in re.findall(r"ABSL_FLAG\([^,]+,\s*(\w+)", file.read_text())}


class Operations(unittest.TestCase):
    def server(self, engine="suite", identity=None, flags=(), **options):
        server = Server(engine, identity, flags, **options)
        self.addCleanup(server.close)
        return server

    def health_method(self, server, kind, name):
        return getattr(server.channel(), kind)(
            f"/grpc.health.v1.Health/{name}",
            request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=lambda data: self.status_name(
                support.dynamic("grpc.health.v1.HealthCheckResponse").FromString(data)))

    @staticmethod
    def status_name(answer):
        return answer.DESCRIPTOR.fields_by_name["status"].enum_type.values_by_number[
            answer.status].name

    def health(self, server, service=""):
        try:
            return self.health_method(server, "unary_unary", "Check")(
                support.dynamic("grpc.health.v1.HealthCheckRequest")(service=service), timeout=60)
        except support.grpc.RpcError as error:
            return error.code().name

    def watch_health(self, server):
        return self.health_method(server, "unary_stream", "Watch")(
            support.dynamic("grpc.health.v1.HealthCheckRequest")())

    def make_clinic(self, api, name):
        return api.CreateClinic(clinic_id=name, clinic=dict(display_name=name,
                                                            time_zone="Europe/London"))

    def test_what_is_older_than_it_is_kept_is_deleted(self):
        for engine in ENGINES:
            with self.subTest(engine):
                server = self.server(engine)
                api = server.api()
                clinic = api.CreateClinic(clinic_id="a", clinic=dict(display_name="A",
                                                                     time_zone=support.noon_zone()))
                api.CreateTherapist(parent=clinic.name, therapist_id="ana", therapist=dict(
                    display_name="Ana", working_hours=support.weekly(range(1, 8), 0, 24)))
                course = api.CreateCourse(parent=clinic.name, course_id="c1", course=dict(
                    patient=dict(system="urn:mrn", value="1"), therapist="clinics/a/therapists/ana"))
                api.TestReminder(course=course.name, audience=2, channels=[2], template="test")
                leased = []
                wait_until(lambda: leased.extend(api.LeaseReminders(clinic=clinic.name).reminders) or leased,
                           "the reminder")
                self.assertEqual(0, server.stop())
                server.flags.append("--keep_reminders=1ms")
                server.start()
                wait_until(lambda: re.search(r"(?m)^ipt_reminders_purged_total [1-9]",
                                             http(server.admin, "/metrics")[1]), "the attempt to be deleted")
                self.assertEqual(0, server.stop())

    # --------------------------------------------------------------------------- probes and metrics

    def test_probes_metrics_and_version(self):
        for engine in ENGINES:
            server = self.server(engine)
            for probe in ("/startupz", "/readyz", "/livez"):
                self.assertEqual(200, http(server.admin, probe)[0], probe)
            self.assertEqual(404, http(server.admin, "/nonsense")[0])
            self.make_clinic(server.api(), "a")
            with self.assertRaises(Refused):
                server.api().GetClinic(name="clinics/b")
            status, text = http(server.admin, "/metrics")
            self.assertEqual(200, status)
            binary = server.binary.name
            build = next(line for line in text.splitlines() if line.startswith("ipt_build_info"))
            self.assertIn(f'version="{VERSION}"', build)
            self.assertIn(f'binary="{binary}"', build)
            self.assertTrue(build.endswith(" 1"), build)

            def handled(method, code):
                return [float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                        if line.startswith("grpc_server_handled_total{")
                        and f'grpc_method="{method}"' in line and f'grpc_code="{code}"' in line]
            self.assertEqual([1], handled("CreateClinic", "OK"))
            self.assertEqual([1], handled("GetClinic", "NOT_FOUND"))
            done = server.run("--version")
            self.assertEqual((0, f"{binary} {VERSION}\n"), (done.returncode, done.stdout))

    def test_open_courses_are_counted(self):
        for engine in ENGINES:
            with self.subTest(engine):
                server = self.server(engine)
                api = server.api()
                clinic = self.make_clinic(api, "a").name
                api.CreateTherapist(parent=clinic, therapist_id="ana", therapist=dict(
                    display_name="Ana", working_hours=support.weekly()))

                def course(patient, weeks_ago):
                    starts = [support.at(support.today() - datetime.timedelta(weeks=weeks_ago - i), 10)
                              for i in range(2)]
                    return api.ImportCourse(parent=clinic, course_id=patient, course=dict(
                        patient=dict(system="urn:mrn", value=patient),
                        therapist=f"{clinic}/therapists/ana"),
                        past_sessions=[dict(start_time=support.ts(s), outcome=1) for s in starts])

                def told():
                    return [support.metric(server.admin, name) for name in (
                        "ipt_courses_open", "ipt_courses_overdue", "ipt_course_oldest_overdue_days")]
                course("now", 2)
                course("late", 40)
                # A course of sixteen weeks: it was over 24 weeks ago, on the day before.
                wait_until(lambda: told()[:2] == [2, 1], "the courses to be counted", server.process)
                self.assertIn(told()[2], (24 * 7, 24 * 7 + 1, 24 * 7 + 2))  # by UTC's days
                api.DiscontinueCourse(name=f"{clinic}/courses/late", reason=1)
                wait_until(lambda: told() == [1, 0, 0], "none to be overdue", server.process)

    def test_silent_connections_do_not_keep_probes_waiting(self):
        server = self.server()

        def took():
            silent = [socket.create_connection(("127.0.0.1", server.admin)) for _ in range(10)]
            try:
                for connection in silent:
                    connection.sendall(b"GET /")
                began = time.monotonic()
                self.assertEqual(200, http(server.admin, "/livez")[0])
                return time.monotonic() - began
            finally:  # what they hold is for the next round
                for connection in silent:
                    connection.close()
        # As long as kubelet waits. The best of some: the machine may have other work.
        self.assertLess(min(took() for _ in range(3)), 1)

    def test_health_needs_no_token(self):
        server = self.server(identity=Identity())
        wait_until(lambda: self.health(server, SERVICES[0]) == "SERVING", "the first look at the store",
                   server.process)
        for service in ("", *SERVICES):
            self.assertEqual("SERVING", self.health(server, service), service)
        self.assertEqual("NOT_FOUND", self.health(server, "ipt.no.such.Service"))

    def test_a_lost_store_is_told_and_comes_back_by_itself(self):
        database = support.Postgres()
        self.addCleanup(database.stop)
        store = [f"--database={database.database()}"]
        self.assertEqual(0, self.server("postgres", start=False, store=store).run(
            "migrate", *store).returncode)
        server = self.server("postgres", store=store)
        api = server.api()
        self.make_clinic(api, "a")
        database.halt()
        with self.assertRaises(Refused) as refusal:
            api.GetClinic(name="clinics/a")
        self.assertEqual(("UNAVAILABLE", "STORE_UNAVAILABLE"),
                         (refusal.exception.code, refusal.exception.reason))
        self.assertGreater(refusal.exception.details["RetryInfo"].retry_delay.ToMilliseconds(), 0)
        self.assertGreater(int(refusal.exception.metadata["grpc-retry-pushback-ms"]), 0)
        wait_until(lambda: self.health(server, SERVICES[0]) == "NOT_SERVING", "the named service's fall")
        # A shared outage must not take every replica out of the balancers.
        self.assertEqual("SERVING", self.health(server))
        self.assertEqual((200, 200), (http(server.admin, "/readyz")[0], http(server.admin, "/livez")[0]))
        database.start()
        wait_until(lambda: self.health(server, SERVICES[0]) == "SERVING", "the named service's return")
        self.assertEqual("a", api.GetClinic(name="clinics/a").display_name)
        self.make_clinic(api, "b")

    def test_a_password_is_changed_without_a_restart(self):
        database = support.Postgres()
        self.addCleanup(database.stop)
        (database.dir / "data/pg_hba.conf").write_text(
            "local all all trust\nhost all locked 127.0.0.1/32 scram-sha-256\n"
            "host all ipt 127.0.0.1/32 trust\n")
        url = database.database().replace("ipt@", "locked@")

        def change(password):
            database.sql(f"ALTER ROLE locked PASSWORD '{password}'")
            database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                         "WHERE usename = 'locked'")
        database.sql("CREATE ROLE locked SUPERUSER LOGIN PASSWORD 'geheim-first'; SELECT pg_reload_conf()")
        server = self.server("postgres", start=False, store=[f"--database={url}"])
        file = server.dir / "password"
        file.write_text("geheim-first\n")
        server.store.append(f"--database_password_file={file}")
        self.assertEqual(0, server.run("migrate", *server.store).returncode)
        api = server.start().api()
        self.make_clinic(api, "a")
        file.write_text("geheim-second\n")
        change("geheim-second")
        self.assertEqual("a", api.GetClinic(name="clinics/a").display_name)
        change("geheim-third")
        with self.assertRaises(Refused) as refusal:
            api.GetClinic(name="clinics/a")
        self.assertEqual("STORE_UNAVAILABLE", refusal.exception.reason)
        wait_until(lambda: "refused the user or the password" in server.log(), "it to be told of")
        file.write_text("geheim-third\n")
        self.assertEqual("a", api.GetClinic(name="clinics/a").display_name)
        self.assertNotIn("geheim", server.log())

    def test_reflection_on_and_off(self):
        ask = support.dynamic("grpc.reflection.v1alpha.ServerReflectionRequest")(list_services="")

        def shown(server):
            call = server.channel().stream_stream(
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                request_serializer=lambda m: m.SerializeToString(),
                response_deserializer=support.dynamic(
                    "grpc.reflection.v1alpha.ServerReflectionResponse").FromString)
            try:
                return "ipt.scheduling.v1.CourseService" in str(next(call(iter([ask]), timeout=60)))
            except support.grpc.RpcError as error:
                self.assertEqual("UNIMPLEMENTED", error.code().name)
                return False
        identity = Identity()
        self.assertTrue(shown(self.server()))
        self.assertFalse(shown(self.server(flags=["--reflection=off"])))
        self.assertFalse(shown(self.server(identity=identity)))
        self.assertTrue(shown(self.server(identity=identity, flags=["--reflection=on"])))

    def test_a_suite_serves_everything_unless_it_is_told_not_to(self):
        def served(*of):
            return {f"{package}.{service}" for each in of for package, _, service in each.values()}

        server = Server("suite", start=False)
        self.addCleanup(server.close)
        server.flags = []  # as somebody starts it who has read nothing
        server.start()
        self.assertEqual(served(support.ALL_SERVICES), server.services())
        self.assertEqual(0, server.stop())

        server.flags = ["--nooutcomes"]
        server.start()
        self.assertEqual(served(support.SERVICES, support.FORMULATION), server.services())
        self.assertEqual(0, server.stop())

        server.flags, server.environment = [], {"IPT_FORMULATION": "false"}
        server.start()
        self.assertEqual(served(support.SERVICES, support.OUTCOMES), server.services())
        self.assertEqual(0, server.stop())

        # After a restore every store that it serves from must be there.
        server.environment = {}
        history = self.history(server)
        (server.dir / "data" / "outcomes.db").unlink()
        done = server.run("restored", *server.store)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, "no such store: .*/outcomes.db; .* or add --noformulation, --nooutcomes")
        self.assertEqual(history, self.history(server))
        self.assertEqual(0, server.run("restored", *server.store, "--nooutcomes").returncode)
        self.assertNotEqual(history, self.history(server))

    @staticmethod
    def history(server):
        """Of scheduling: it changes with each `restored`."""
        with sqlite3.connect(server.dir / "data" / "scheduling.db") as store:
            return store.execute("SELECT epoch FROM event_feed").fetchall()

    # -------------------------------------------------------------------------------------- settings

    def test_help_mentions_every_setting(self):
        for engine in ENGINES:
            server = self.server(engine, start=False, store=[])
            done = server.run("--help")
            self.assertEqual(0, done.returncode, done.stderr)
            names = settings_in_the_source(server.binary.name)
            self.assertGreater(len(names), 25)
            documented = (ROOT / "docs/operations.md").read_text()
            for name in names:
                self.assertRegex(done.stdout, rf"--{name}\b")
                self.assertIn(f"`{name}`", documented)

    def test_wrong_settings_stop_the_start_with_a_sentence(self):
        server = self.server(start=False)
        folder = server.dir
        (folder / "unknown").write_text("no_such_setting = 1\n")
        (folder / "words").write_text("# fine\nlisten 127.0.0.1:1\n")
        (folder / "value").write_text("executor_threads = many\n")
        (folder / "nested").write_text("config = other\n")
        cases = [
            (["--listen=0.0.0.0:50051"], {}, ["--tls_cert_file", "--allow_insecure"]),
            (["--listen=127.evil.example:1"], {}, ["--tls_cert_file", "--allow_insecure"]),
            (["--listen=0.0.0.0:50051", "--allow_insecure"], {}, ["--auth", "loopback"]),
            (["--tls_cert_file=/x"], {}, ["--tls_key_file"]),
            (["--tls_client_ca_file=/x"], {}, ["--tls_cert_file"]),
            (["--tls_require_client_cert"], {}, ["--tls_client_ca_file"]),
            (["--auth=jwt"], {}, ["--jwks_file", "--jwt_issuer", "--jwt_audience"]),
            (["--jwks_file=/x", "--jwt_issuer=x", "--jwt_audience=ipt,"], {}, ["--jwt_audience", "empty"]),
            (["--jwks_file=/x", "--jwt_issuer=x"], {"IPT_JWT_AUDIENCE": "ipt, ,b"},
             ["--jwt_audience", "empty"]),
            (["--auth=none", "--jwks_file=/x"], {}, ["--jwks_file"]),
            (["--auth=magic"], {}, ["jwt", "none"]),
            (["--executor_threads=0"], {}, ["executor_threads", "1"]),
            (["--executor_threads=many"], {}, ["executor_threads", "many"]),
            (["--database_sessions=1000"], {}, ["database_sessions", "256"]),
            (["--statement_timeout=0s"], {}, ["statement_timeout"]),
            (["--grace=-1s"], {}, ["grace"]),
            (["--max_connection_age=597h"], {}, ["--max_connection_age", "at most 596h"]),
            (["--max_connection_age=inf"], {}, ["--max_connection_age", "at most 596h"]),
            (["--max_call_time=0s"], {}, ["max_call_time"]),
            (["--max_call_time=inf"], {}, ["max_call_time", "24h"]),
            (["--default_deadline=2m"], {}, ["--default_deadline=2m", "--max_call_time=1m"]),
            (["--reflection=maybe"], {}, ["reflection", "auto"]),
            (["--log_level=loud"], {}, ["log_level", "debug"]),
            (["--no_such_setting=1"], {}, ["no_such_setting"]),
            (["stray"], {}, ["stray"]),
            ([], {"IPT_NO_SUCH_SETTING": "1"}, ["no_such_setting", "--help"]),
            ([], {"IPT_GRACE": "soon"}, ["IPT_GRACE", "soon"]),
            ([f"--config={folder}/absent"], {}, ["absent"]),
            ([f"--config={folder}/unknown"], {}, ["unknown:1", "no_such_setting"]),
            ([f"--config={folder}/words"], {}, ["words:2", "name = value"]),
            ([f"--config={folder}/value"], {}, ["value:1", "executor_threads"]),
            ([f"--config={folder}/nested"], {}, ["nested:1"]),
        ]
        for flags, environment, words in cases:
            with self.subTest(flags or environment):
                server.environment = environment
                done = server.run(f"--data_dir={folder}/data", *flags)
                self.assertEqual(2, done.returncode, done.stderr)
                for word in words:
                    self.assertIn(word.lower(), done.stderr.lower())
                self.assertFalse((folder / "data").exists(), "something was made before the refusal")
        server.environment = {}
        scheduling = self.server("postgres", start=False, store=[])
        (folder / "url").write_text("postgresql://ipt:geheim@127.0.0.1/x\n")
        (folder / "broken").write_text("postgresql://ipt:geheim@127.0.0.1/x?no=such\n")
        (folder / "password").write_text("geheim\n")
        (folder / "empty").write_text("")
        password = f"--database_password_file={folder}/password"
        for flags, environment, words in (
                ([], {}, ["--database and --database_file"]),
                (["--database=nonsense://geheim"], {}, ["--database:", "postgresql://"]),
                (["--database=postgresql://ipt@h:port/x"], {}, ["--database:", "port"]),
                ([f"--database_file={folder}/broken"], {}, ["--database_file:", "libpq"]),
                (["--database_file=/absent"], {}, ["--database_file:", "absent"]),
                (["--database=postgresql://ipt:geheim@h/x"], {},
                 ["--database:", "--database_password_file"]),
                (["--database=postgresql://ipt@h/x?password=geheim"], {},
                 ["--database:", "--database_password_file"]),
                (["--database=postgresql://h/x?sslpassword=geheim"], {}, ["--database:"]),
                ([], {"IPT_DATABASE": "postgresql://ipt:geheim@h/x"},
                 ["--database:", "--database_password_file"]),
                ([f"--database_file={folder}/url", password], {}, ["--database_password_file:"]),
                (["--database=sqlite:///x.db", password], {}, ["--database_password_file:"]),
                (["--database=postgresql://ipt@h/x", f"--database_password_file={folder}/empty"], {},
                 ["--database_password_file:", "empty"]),
                (["dance"], {}, ["dance"])):
            for command in ([], ["migrate"]):
                with self.subTest(flags or environment, command=command):
                    scheduling.environment = environment
                    done = scheduling.run(*command, *flags)
                    self.assertEqual(2, done.returncode, done.stderr)
                    for word in words:
                        self.assertIn(word, done.stderr)
                    self.assertNotIn("geheim", done.stderr)

    def test_later_settings_win(self):
        """A file gives way to the environment, and both to the command line."""
        ports = [free_port() for _ in range(3)]
        listen = [f"127.0.0.1:{port}" for port in ports]
        for i in range(3):
            server = self.server(start=False)
            file = server.dir / "settings"
            file.write_text(f"# a comment\n\n admin_listen = {listen[0]}\nlisten={server.target()}\n")
            environment = {"IPT_CONFIG": str(file)}
            if i >= 1:
                environment["IPT_ADMIN_LISTEN"] = listen[1]
            flags = [f"--admin_listen={listen[2]}"] if i >= 2 else []
            process = subprocess.Popen([server.binary, *server.store, *flags], stderr=subprocess.DEVNULL,
                                       env={**server.env(), **environment})
            wait_until(lambda i=i: http(ports[i], "/readyz")[0] == 200, f"the setting of round {i}",
                       process)
            self.assertEqual([], server.api().ListClinics().clinics[:])
            for other in ports[:i]:
                self.assertEqual(0, http(other, "/readyz")[0])
            process.kill()
            process.wait()

    def test_a_server_waits_for_its_schema(self):
        server = self.server("postgres", start=False,
                             store=[f"--database={support.postgres().database()}"])
        server.start(wait=False)
        wait_until(lambda: http(server.admin, "/livez")[0] == 200, "the admin port")
        for path in ("/startupz", "/readyz"):
            wait_until(lambda path=path: "run `migrate` first" in http(server.admin, path)[1], "its reason")
            self.assertEqual(503, http(server.admin, path)[0])
        self.assertEqual(0, support.metric(server.admin, "ipt_ready"))
        wait_until(lambda: support.metric(server.admin, "ipt_schema_outdated") == 1, "the metric")
        for _ in range(2):  # the second time changes nothing
            done = server.run("migrate", *server.store)
            self.assertEqual(0, done.returncode, done.stderr)
        wait_until(lambda: http(server.admin, "/readyz")[0] == 200, "the start", server.process)
        self.assertEqual(200, http(server.admin, "/startupz")[0])
        self.assertEqual([1, 0], [support.metric(server.admin, name)
                                  for name in ("ipt_ready", "ipt_schema_outdated")])
        self.make_clinic(server.api(), "a")

    def test_a_server_that_waits_stops_as_asked_and_says_what_it_waits_for(self):
        database = support.postgres().database()
        away = "postgresql://127.0.0.1:1/none?connect_timeout=2"
        for store, reason in ((database, "run `migrate` first"), (away, "SQLSTATE|no connection")):
            with self.subTest(reason):
                server = self.server("postgres", start=False, store=[f"--database={store}"])
                server.start(wait=False)
                wait_until(lambda: "waiting_for_store" in server.log(), "it to wait", server.process)
                self.assertRegex(server.log(), reason)
                began = time.monotonic()
                self.assertEqual(0, server.stop(), server.log())
                self.assertLess(time.monotonic() - began, 20)

    def test_a_migration_can_be_interrupted(self):
        database = support.postgres().database()
        name = database.rsplit("/", 1)[1].split("?")[0]
        session = support.postgres().session(name)
        session.stdin.write("BEGIN; SELECT pg_advisory_xact_lock(5283745902834); SELECT 'held';\n")
        session.stdin.flush()
        while "held" not in session.stdout.readline():
            pass
        self.addCleanup(lambda: session.communicate("ROLLBACK;\n"))
        server = self.server("postgres", start=False, store=[f"--database={database}"])
        migrate = subprocess.Popen([server.binary, "migrate", *server.store], env=server.env(),
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(migrate.communicate)
        self.addCleanup(migrate.kill)
        with self.assertRaises(subprocess.TimeoutExpired):
            migrate.wait(1)  # another one is at it
        migrate.send_signal(signal.SIGTERM)
        self.assertEqual(1, migrate.wait(60))

    # --------------------------------------------------------------------------- stopping and dying

    def test_calls_in_flight_finish_before_the_end(self):
        for engine in ENGINES:
            with self.subTest(engine):
                server = self.server(engine)
                api = server.api()
                self.make_clinic(api, "first")
                release = server.hold_writes()
                answers = []

                def write(name):
                    try:
                        answers.append(self.make_clinic(api, name).name)
                    except Refused as error:
                        answers.append(str(error))
                writers = [threading.Thread(target=write, args=(f"w{i}",)) for i in range(8)]
                for thread in writers:
                    thread.start()
                # All are at the server by then. SQLite lets them wait for five seconds, so that the rest
                # has to be over within these.
                time.sleep(1.5)
                self.assertEqual([], answers)  # they do wait
                server.process.send_signal(signal.SIGTERM)
                wait_until(lambda: http(server.admin, "/readyz")[0] == 503, "readiness to go first",
                           server.process, seconds=3)
                self.assertEqual(200, http(server.admin, "/livez")[0])
                self.assertEqual([], answers)
                release()
                for thread in writers:
                    thread.join(20)
                self.assertEqual([f"clinics/w{i}" for i in range(8)], sorted(answers))
                self.assertEqual(0, server.process.wait(60))
                again = server.start().api()
                self.assertEqual(9, len(again.ListClinics().clinics))

    def test_a_draining_server_serves_on_while_not_ready(self):
        server = self.server(flags=["--drain_delay=6s"])
        api = server.api()
        self.assertEqual("SERVING", self.health(server))
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: http(server.admin, "/readyz")[0] == 503, "not ready", server.process)
        wait_until(lambda: self.health(server) == "NOT_SERVING", "health to follow", server.process)
        self.make_clinic(api, "late")
        server.leave()
        self.assertEqual(0, server.process.wait(60))
        self.assertGreaterEqual(time.monotonic() - began, 5.9)

    def test_a_server_without_clients_stops_at_once(self):
        server = self.server()
        self.assertEqual(0, len(server.api().ListClinics().clinics))
        began = time.monotonic()
        self.assertEqual(0, server.stop())
        self.assertLess(time.monotonic() - began, 20)  # of a grace of thirty

    def test_who_only_watches_or_idles_does_not_hold_up_the_end(self):
        server = self.server()
        idle = server.api()
        self.assertEqual(0, len(idle.ListClinics().clinics))
        watch = self.watch_health(server)
        self.assertEqual("SERVING", next(watch))
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual("NOT_SERVING", next(watch))
        with self.assertRaises(support.grpc.RpcError) as cut:
            next(watch)
        self.assertEqual("UNAVAILABLE", cut.exception.code().name)
        self.assertEqual(0, server.process.wait(60))
        self.assertLess(time.monotonic() - began, 20)  # of a grace of thirty

    def test_calls_that_never_end_are_cut_after_the_grace(self):
        server = self.server(flags=["--grace=1s"])
        release = server.hold_writes()
        self.addCleanup(release)
        stuck = threading.Thread(target=lambda: self.assertRaises(
            Refused, self.make_clinic, server.api(), "a"))
        stuck.start()
        time.sleep(0.3)
        began = time.monotonic()
        self.assertIn(server.stop(), (0, 1))
        self.assertLess(time.monotonic() - began, 20)
        stuck.join()

    def test_a_store_that_hangs_does_not_hold_up_the_end(self):
        database = support.Postgres()
        self.addCleanup(database.stop)
        store = [f"--database={database.database()}"]
        server = self.server("postgres", start=False, store=store, flags=["--grace=1s"])
        self.assertEqual(0, server.run("migrate", *store).returncode)
        api = server.start().api()
        self.make_clinic(api, "a")
        database.freeze()
        # A read whose audit entry will wait for the store in vain, and which itself does.
        stuck = threading.Thread(target=lambda: self.assertRaises(
            Refused, api.GetCourse, name="clinics/a/courses/c0ffee"))
        stuck.start()
        time.sleep(2)  # it is at the server by then: else it leaves no entry, and none is lost
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, server.process.wait(60))
        self.assertLess(time.monotonic() - began, 25)  # grace, the last entries, connecting in vain
        stuck.join()
        lost = [line for line in server.log().splitlines() if "audit_not_written" in line]
        self.assertEqual([1], [json.loads(line)["count"] for line in lost])
        self.assertNotIn("c0ffee", lost[0])

    def test_killed_servers_lose_no_acknowledged_write(self):
        for engine in ENGINES:
            with self.subTest(engine):
                server = self.server(engine)
                acknowledged, stop = set(), threading.Event()

                def write(worker):
                    api = server.api()
                    for i in range(10**6):
                        if stop.is_set():
                            return
                        try:
                            acknowledged.add(self.make_clinic(api, f"w{worker}-{i}").name)
                        except Refused:
                            return
                writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
                for thread in writers:
                    thread.start()
                wait_until(lambda: len(acknowledged) > 100, "a hundred writes", server.process)
                server.process.kill()
                stop.set()
                for thread in writers:
                    thread.join(30)
                server.process.wait()
                api = server.start().api()
                kept = {c.name for c in api.all("ListClinics", "clinics", page_size=1000)}
                self.assertEqual(set(), acknowledged - kept)
                self.assertLessEqual(len(kept - acknowledged), len(writers))  # in flight when it died
                self.make_clinic(api, "afterwards")

    # ----------------------------------------------------------------------------- certificates, ports

    def test_a_certificate_is_renewed_under_load(self):
        identity = Identity()
        server = self.server(identity=identity)
        token = identity.token()
        self.make_clinic(server.api(token), "a")
        stop, errors, calls = threading.Event(), [], [0]

        def serial():
            context = ssl.create_default_context(cafile=str(identity.dir / "ca.crt"))
            context.set_alpn_protocols(["h2"])
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
                with context.wrap_socket(raw, server_hostname="localhost") as wire:
                    return wire.getpeercert()["serialNumber"]

        def load():
            while not stop.is_set():
                channel = server.channel()  # a handshake each, and calls on it
                api = Api(channel).with_token(token)
                for _ in range(20):
                    try:
                        api.GetClinic(name="clinics/a")
                        calls[0] += 1
                    except Refused as error:
                        errors.append(str(error))
                channel.close()
        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(2):
                before = serial()
                identity.certs()  # renewed: another key and serial, the same authority
                wait_until(lambda: serial() != before, "the new certificate")
            wait_until(lambda: calls[0] > 100 or errors, "a hundred calls")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual([], errors[:3])
        self.assertGreater(calls[0], 100)

    def test_two_servers_in_one_place(self):
        first = self.server()
        other = tempfile.mkdtemp(prefix="ipt-e2e-")
        self.addCleanup(shutil.rmtree, other)
        done = first.run(f"--data_dir={other}", f"--listen={first.target()}")
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn(str(first.port), done.stderr)
        done = first.run(f"--data_dir={other}", f"--admin_listen=127.0.0.1:{first.admin}")
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn(str(first.admin), done.stderr)
        done = first.run(*first.store)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertIn("another process serves from this file", done.stderr)
        self.make_clinic(first.api(), "a")  # the first one is none the worse

    def test_files_of_the_store_are_its_owners_alone(self):
        server = self.server(start=False)
        for name, flag in (("plain", "plain"), ("slash", "slash/"), ("dots", "x/../dots/.")):
            server.store = [f"--data_dir={server.dir}/{flag}"]
            server.start().stop()
            self.assertEqual(0o700, os.stat(server.dir / name).st_mode & 0o777, name)

    def test_a_folder_that_cannot_be_made_is_told_of(self):
        server = self.server(start=False)
        (server.dir / "file").write_text("")
        for folder in (f"{server.dir}/file", f"{server.dir}/file/below", ""):
            done = server.run(f"--data_dir={folder}")
            self.assertEqual(2, done.returncode, done.stderr)
            self.assertIn(f"--data_dir: cannot make {folder}:", done.stderr)


if __name__ == "__main__":
    unittest.main()
