"""What is measured: each row a function that runs its sides in turn and returns its results."""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import bare_sql
import formulation_rows
import outcome_rows
import reminder_rows
import report_rows
from processes import Failure, Postgres, Redis, Service, Tools
from result import Result, pairs_of

CLINICS = 2
# More therapists than clients, so that clients meet on a calendar as seldom as in a clinic.
THERAPISTS = 64
GET_COURSES = 64


class Bench:
    """The servers, clients and stores of one run."""

    def __init__(self, root, build, folder, pairs, seconds, quick=False):
        self.root, self.build, self.folder = root, build, folder
        self.pairs, self.seconds, self.quick = pairs, seconds, quick
        self.tools = Tools(os.path.join(build, "bin"), folder)
        # Servers run from copies: a rebuild in the middle of a run changes nothing.
        self.tools.bin = os.path.join(folder, "bin")
        shutil.copytree(os.path.join(build, "bin"), self.tools.bin)
        os.symlink(os.path.join(build, "generated_python"), os.path.join(folder, "generated_python"))
        for name in ("ipt-suite", "ipt-scheduling", "ipt-outcomes"):
            shutil.copy(os.path.join(self.tools.bin, name), self.tools.path(f"bench-{name}"))
        self.keys = self.tools.path("keys")
        dev_token = os.path.join(root, "tools", "dev_token")
        subprocess.run([dev_token, "key", "--dir", self.keys], check=True, stderr=subprocess.DEVNULL)
        token = subprocess.run([dev_token, "sign", "--dir", self.keys, "--ttl", "86400"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout
        self.token_file = self.tools.path("token")
        with open(self.token_file, "w", encoding="utf-8") as file:
            file.write(token)
        self._postgres = None
        self._redis = None
        self.runs = 0

    @property
    def postgres(self):
        if self._postgres is None:
            self._postgres = Postgres(self.tools)
        return self._postgres

    @property
    def redis(self):
        if self._redis is None:
            self._redis = Redis(self.tools)
        return self._redis

    def close(self):
        if self._redis is not None:
            self._redis.close()
        if self._postgres is not None:
            self._postgres.close()

    def service(self, engine, name, database=None, flags=(), binary="ipt-scheduling"):
        """A server as in production: tokens, scopes, metrics, access log."""
        service = Service(self.tools, engine, name, database, flags=(
            "--log_level=info", f"--jwks_file={self.keys}/jwks.json", "--jwt_issuer=https://dev.ipt",
            "--jwt_audience=ipt", *flags), binary=binary)
        service.args[0] = self.tools.path("bench-" + os.path.basename(service.args[0]))
        return service

    def clinic_ids(self, name):
        return ",".join(f"{name}-{i}" for i in range(CLINICS))

    def load(self, service, clinics="load", **flags):
        """Calls of one kind a second; every one must be answered."""
        flags = {"token_file": self.token_file, "warmup": f"{self.seconds / 4}s",
                 "duration": f"{self.seconds}s",
                 "clinics": self.clinic_ids(clinics), **flags}
        status, result = self.tools.load(service, "run", timeout=300, **flags)
        if status != 0:
            raise Failure(f"{flags['mix']}: {result['all']['errors'] or 'no room was left'}")
        return result["operations"][flags["mix"]]

    def rate(self, service, **flags):
        return self.load(service, **flags)["calls_per_second"]

    def prepare_reads(self, service):
        """Courses without sessions: GetCourse answers some 600 bytes."""
        self.load(service, mix="get-course", courses=1, spare_courses=GET_COURSES // CLINICS,
                  therapists=8, clinics="reads", warmup="0s", duration="0.1s")

    def reads(self, service, in_flight=64):
        return self.rate(service, mix="get-course", setup="false", clinics="reads",
                         in_flight=in_flight)

    def empty(self, service, in_flight=64):
        return self.rate(service, mix="empty", in_flight=in_flight)

    def bare_commits(self):
        """Commits a second of the sqlite3 library alone, one by one."""
        done = subprocess.run(
            [os.path.join(self.build, "tests", "bare_commits"), self.tools.path("bare.db"),
             str(self.seconds)], check=True, stdout=subprocess.PIPE, text=True)
        return float(done.stdout)

    def bookings(self, service, in_flight):
        """BookSession with courses of its own: as many as the fastest store could fill."""
        self.runs += 1
        spare = round(in_flight + self.seconds * 1.25 * 4000 / 16) // CLINICS
        rate = self.rate(service, mix="book-session", in_flight=in_flight, courses=1,
                         therapists=THERAPISTS, spare_courses=spare, clinics=f"r{self.runs}")
        self.settle(service)
        return rate

    def settle(self, service):
        """Until forecasts that the bookings made stale are recomputed: nobody else pays for them."""
        def refreshed():
            found = re.search(r"^ipt_forecasts_refreshed_total (\S+)", service.get("/metrics")[1], re.M)
            return found and float(found[1])

        last, since = None, time.monotonic()
        while time.monotonic() - since < 3.5:
            now = refreshed()
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.2)

    def in_turn(self, *sides):
        """Runs the sides of one pair after each other, `pairs` times, every other time backwards."""
        rounds = []
        for i in range(self.pairs):
            order = range(len(sides)) if i % 2 == 0 else reversed(range(len(sides)))
            found = {k: sides[k]() for k in order}
            rounds.append([found[k] for k in range(len(sides))])
            print("  " + "  ".join(f"{value:.0f}" for value in rounds[-1]), file=sys.stderr)
        return rounds

    def against_commits(self, row, what, rounds):
        """Of rounds of writes, bare commits, empty calls, and the same writes without group commit."""
        limits = [(r[0], min(8 * r[1], 0.25 * r[2])) for r in rounds]
        return [
            Result(row, what, limits, 1.0,
                   limit_is="the lesser of 8 times bare commits and 0.25 of empty calls"),
            Result(row, what, pairs_of(rounds, 0, 1), limit_is="bare commits, one by one"),
            Result(row, what, pairs_of(rounds, 0, 2), limit_is="empty call"),
            Result(row, what, pairs_of(rounds, 0, 3), limit_is="the same, group commit off"),
        ]


def get_course_sqlite(bench):
    with bench.service("sqlite", "reads") as service:
        service.start()
        bench.prepare_reads(service)
        rounds = bench.in_turn(lambda: bench.reads(service), lambda: bench.empty(service))
    return [Result("get-sqlite", "GetCourse, suite on SQLite, 64 in flight", pairs_of(rounds, 0, 1),
                   0.85, limit_is="empty call")]


def get_course_postgres(bench):
    database = bench.postgres.new_database()
    service = bench.service("postgres", "pg-reads", bench.postgres.url(database))
    with service:
        service.start()
        bench.prepare_reads(service)
    bare_sql.start_logging(bench.postgres)
    with service:
        service.start()
        bench.rate(service, mix="get-course", setup="false", clinics="reads", in_flight=1,
                   warmup="0s", duration="0.3s")
    bare_sql.stop_logging(bench.postgres)
    script = bare_sql.read_script(*bare_sql.one_of(
        bench.postgres, "GetCourse",
        lambda body: body and re.search(r"FROM courses c .*c\.course_id = \$2$", body[0].text)
        and not any(s.text.startswith(("INSERT", "UPDATE")) for s in body)))
    bench.postgres.sql(database, bare_sql.COURSES + "VACUUM ANALYZE;")
    path = bench.tools.path("reads.sql")
    service.args.append(f"--redis={bench.redis.url()}")
    with service:
        service.start()
        rounds = bench.in_turn(
            lambda: bench.reads(service), lambda: bench.empty(service),
            lambda: bare_sql.pgbench(bench.postgres, database, script, path, 16, bench.seconds))
        hits = re.search(r'^cache_reads_total{found="hit"} (\S+)', service.get("/metrics")[1], re.M)
        if not hits or float(hits[1]) == 0:
            raise Failure("no read was answered from Redis")
    what = "GetCourse, PostgreSQL with Redis, 64 in flight"
    return [Result("get-postgres", what, pairs_of(rounds, 0, 1), 0.5, limit_is="empty call"),
            Result("get-postgres", what, pairs_of(rounds, 0, 2), 1.2,
                   limit_is="its prepared reads, pgbench, 16 sessions")]


def book_postgres(bench):
    database = bench.postgres.new_database()
    service = bench.service("postgres", "pg-books", bench.postgres.url(database))
    # Courses for pgbench, as many as for the server, and a transaction to show it.
    bare_sql.start_logging(bench.postgres)
    with service:
        service.start()
        bench.load(service, mix="book-session", in_flight=1, courses=1, therapists=THERAPISTS,
                   spare_courses=round(bench.pairs * bench.seconds * 100) + 64, clinics="bare",
                   warmup="0s", duration="1.5s")
    bare_sql.stop_logging(bench.postgres)

    def is_booking(body):
        session = bare_sql.session_of(body)
        # One like most: with the eighth, the reminder of the review is written, once a course.
        return session is not None and session["session_number"] == "6" and \
            sum(s.text.startswith("INSERT INTO sessions") for s in body) == 1

    script = bare_sql.booking_script(*bare_sql.one_of(bench.postgres, "BookSession", is_booking))
    bench.postgres.sql(database, bare_sql.COURSES)
    bare = f"{database}_bare"
    bench.postgres.sql("postgres", f"CREATE DATABASE {bare} TEMPLATE {database}")
    for name in (database, bare):
        bench.postgres.sql(name, "VACUUM ANALYZE")
    path = bench.tools.path("books.sql")
    clients = 16
    with service:
        service.start()

        def run_bare():
            return bare_sql.pgbench(bench.postgres, bare, script, path, clients, bench.seconds)

        rounds = bench.in_turn(lambda: bench.bookings(service, clients), run_bare)
    return [Result("book-postgres", "BookSession, PostgreSQL, 16 clients", pairs_of(rounds, 0, 1), 0.7,
                   limit_is="its SQL alone, pgbench, 16 clients")]


def book_sqlite(bench):
    with bench.service("sqlite", "books") as grouped, \
            bench.service("sqlite", "single", flags=["--group_commit=false"]) as single:
        grouped.start()
        single.start()
        rounds = bench.in_turn(
            lambda: bench.bookings(grouped, 64), bench.bare_commits,
            lambda: bench.empty(grouped), lambda: bench.bookings(single, 64))
    return bench.against_commits("book-sqlite", "BookSession, suite on SQLite, 64 clients", rounds)


def planning(bench):
    done = subprocess.run(
        [os.path.join(bench.build, "tests", "planning_bench"), "--benchmark_format=json",
         "--benchmark_filter=BM_PlanSixteenSessions/80$", f"--benchmark_repetitions={bench.pairs}",
         "--benchmark_min_time=0.2"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True)
    planned = [(run["real_time"] / 1000, 1.0) for run in json.loads(done.stdout)["benchmarks"]
               if run["run_type"] == "iteration"]
    with bench.service("sqlite", "plans") as service:
        service.start()
        bench.load(service, mix="plan", clinics="plans", therapists=2, courses=40,
                   warmup="0s", duration="0.1s")
        calls = [(bench.load(service, mix="plan", setup="false", clinics="plans", in_flight=1)
                  ["latency_ms"]["p50"], 1.0) for _ in range(bench.pairs)]
    return [Result("planning", "16 sessions planned, calendar 80 % booked", planned, 1.0, "ms",
                   "1 ms", lower_is_better=True),
            Result("planning", "PlanCourse over the socket, one client, median", calls, None, "ms",
                   "1 ms")]


def idle(bench):
    results = []
    for engine, what in (("postgres", "ipt-scheduling on PostgreSQL"), ("sqlite", "ipt-suite on SQLite, scheduling alone")):
        database = bench.postgres.url(bench.postgres.new_database()) if engine == "postgres" else None
        service = bench.service(engine, f"idle-{engine}", database)
        memory, starts = [], []
        for _ in range(bench.pairs):
            with service:
                began = time.monotonic()
                service.start()
                starts.append((time.monotonic() - began, 0.3))
                time.sleep(1)
                with open(f"/proc/{service.process.pid}/status", encoding="ascii") as status:
                    resident = re.search(r"VmRSS:\s+(\d+) kB", status.read())
                memory.append((int(resident[1]) / 1024, 40.0))
        results += [Result("idle", f"idle memory, {what}", memory, 1.0, "MiB", "40 MB",
                           lower_is_better=True),
                    Result("idle", f"start to ready, {what}", starts, 1.0, "s", "0.3 s",
                           lower_is_better=True)]
    return results


ROWS = {
    "get-sqlite": get_course_sqlite,
    "get-postgres": get_course_postgres,
    "book-postgres": book_postgres,
    "book-sqlite": book_sqlite,
    "planning": planning,
    "idle": idle,
    **formulation_rows.ROWS,
    **outcome_rows.ROWS,
    **reminder_rows.ROWS,
    **report_rows.ROWS,
}
SLOW = reminder_rows.SLOW | report_rows.SLOW
