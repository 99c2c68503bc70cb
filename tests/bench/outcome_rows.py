"""The rows on outcomes: measurements recorded, against the bare SQL and bare commits; and how long
after a risk answer its alert is heard, at half of the peak."""

import os

import bare_sql
from bare_sql import FORMS_A_COURSE
from processes import Failure
from result import Result, pairs_of, say
from stores import PostgresStore, SqliteStore

RISK = 0.25  # of the forms
THERAPISTS = 16  # a clinic
# What no store here reaches: so many courses are made that none has more forms than that.
MOST_A_SECOND = 2500


class Recording:
    """A server of outcomes: the suite, or ipt-outcomes beside ipt-scheduling, as in production. Every
    run has courses of its own, all of whose sessions are booked."""

    def __init__(self, bench, engine, name, flags=()):
        self.bench = bench
        self.scheduling, self.database = None, None
        if engine == "sqlite":
            self.service = bench.service(engine, name, flags=["--outcomes", *flags])
            self.store = SqliteStore(os.path.join(self.service.data, "outcomes.db"))
            return
        self.scheduling = bench.service(engine, f"{name}-scheduling",
                                        bench.postgres.url(bench.postgres.new_database()))
        self.database = bench.postgres.new_database()
        self.store = PostgresStore(bench.postgres, self.database)
        self.service = bench.service(
            engine, name, bench.postgres.url(self.database), binary="ipt-outcomes",
            flags=[f"--scheduling={self.scheduling.address}",
                   f"--scheduling_token_file={bench.token_file}", *flags])

    def __enter__(self):
        if self.scheduling is not None:
            self.scheduling.start()
        self.service.start()
        return self

    def __exit__(self, kind, value, traceback):
        try:
            if kind is None:
                self.check()
        finally:
            self.service.__exit__(kind, value, traceback)
            if self.scheduling is not None:
                self.scheduling.__exit__(kind, value, traceback)

    def check(self):
        """What was measured is what is meant: bound to its course, and no course has too many."""
        all_of, unsettled = map(int, self.store.rows("SELECT count(*), sum(unsettled) FROM measurements")[0])
        most = int(self.store.rows("SELECT max(n) FROM (SELECT count(*) AS n FROM measurements "
                             "GROUP BY clinic_id, course_id) AS each")[0][0])
        if unsettled > all_of / 100 or most > 2 * FORMS_A_COURSE:
            raise Failure(f"of {all_of} measurements {unsettled} are unsettled; {most} are of one course")

    def flags(self, in_flight, rate):
        """No two of a course at once, and no course has more than it has in life."""
        courses = max(in_flight, rate * self.bench.seconds * 1.25 / FORMS_A_COURSE)
        self.bench.runs += 1
        flags = {"clinics": f"m{self.bench.runs}", "courses": round(courses / 2) + 1,
                 "therapists": THERAPISTS, "risk": RISK}
        if self.scheduling is not None:
            flags["scheduling"] = self.scheduling.address
        return flags

    def rate(self, in_flight, **changes):
        """Measurements a second, as many as there can be."""
        flags = {**self.flags(in_flight, MOST_A_SECOND), **changes}
        return self.bench.rate(self.service, mix="record", in_flight=in_flight, **flags)

    def alert_way(self, rate):
        """The milliseconds that alerts took, by percentile, at a steady rate. All came."""
        flags = self.flags(64, rate)
        flags["clinics"] = self.bench.clinic_ids(flags["clinics"])
        status, told = self.bench.tools.load(
            self.service, "alerts", timeout=300, token_file=self.bench.token_file, rate=rate,
            warmup=f"{self.bench.seconds / 4}s", duration=f"{self.bench.seconds}s", **flags)
        if status != 0:
            raise Failure(f"alerts: {told['calls']['errors']}, {told['missing']} missing, {told['errors']}")
        return told["alerts_ms"]


def record_postgres(bench):
    clients = 16
    ours = Recording(bench, "postgres", "pg-records")
    bare_sql.start_logging(bench.postgres)
    with ours:
        ours.rate(1, courses=64, warmup="0s", duration="3s")
    bare_sql.stop_logging(bench.postgres)
    scripts = bare_sql.record_scripts(bench.postgres, RISK)
    bare = f"{ours.database}_bare"
    bench.postgres.sql("postgres", f"CREATE DATABASE {bare} TEMPLATE {ours.database}")
    bare_sql.make_record_courses(bench.postgres, bare,
                                 round(bench.pairs * (bench.seconds * 4000 / FORMS_A_COURSE + clients)))
    for name in (ours.database, bare):
        bench.postgres.sql(name, "VACUUM ANALYZE")

    def run_bare():
        return bare_sql.pgbench(bench.postgres, bare, scripts, bench.tools.path("records.sql"), clients,
                                bench.seconds, "measurements")

    with ours:
        rounds = bench.in_turn(lambda: ours.rate(clients), run_bare)
    return [Result("record-postgres", f"RecordMeasurement, PostgreSQL, {clients} clients",
                   pairs_of(rounds, 0, 1), 0.7, limit_is=f"its SQL alone, pgbench, {clients} clients")]


def record_sqlite(bench):
    what = "RecordMeasurement, suite on SQLite, 64 clients"
    with Recording(bench, "sqlite", "records") as grouped, \
            Recording(bench, "sqlite", "records-single", ["--group_commit=false"]) as single:
        rounds = bench.in_turn(lambda: grouped.rate(64), bench.bare_commits,
                               lambda: bench.empty(grouped.service), lambda: single.rate(64))
    return bench.against_commits("record-sqlite", what, rounds)


def alerts(bench, engine, row, what, in_flight):
    late = []
    with Recording(bench, engine, row) as ours:
        for _ in range(bench.pairs):
            peak = ours.rate(in_flight)
            told = ours.alert_way(peak / 2)
            late.append((told["p99"], 100.0))
            say(f"peak {peak:.0f}/s; at half of it p50 {told['p50']:.1f} ms, p99 {told['p99']:.1f} ms, "
                f"max {told['max']:.1f} ms")
    return [Result(row, f"from a risk answer to its alert, p99, {what}, half of the peak", late, 1.0, "ms",
                   "100 ms", lower_is_better=True)]


def alerts_postgres(bench):
    return alerts(bench, "postgres", "alerts-postgres", "PostgreSQL", 16)


def alerts_sqlite(bench):
    return alerts(bench, "sqlite", "alerts-sqlite", "suite on SQLite", 64)


ROWS = {
    "record-postgres": record_postgres,
    "record-sqlite": record_sqlite,
    "alerts-postgres": alerts_postgres,
    "alerts-sqlite": alerts_sqlite,
}
