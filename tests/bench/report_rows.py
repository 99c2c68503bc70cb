"""The row on reports: GetClinicReport over a million measurements, random filters each time, against
DuckDB computing the same numbers from the raw rows.

The service is given its rows by SQL, as it writes them itself: documents of forms that it recorded, and
copies of courses and sessions as it keeps them. Its results of courses are then made by itself, in the
background, as after an upgrade; how long that takes is said. Both sides get the same questions, and must
give the same answers.
"""

import datetime
import importlib
import json
import math
import os
import random
import sqlite3
import subprocess
import sys
import time
import uuid

import contract
from processes import Failure, Service, Skip, free_port, wait_for
from result import Result, say

MEASUREMENTS = 1_000_000
PACKAGE = "duckdb==2.0.1"
CLINIC = "north"
FIRST, LAST = datetime.date(2020, 1, 1), datetime.date(2025, 12, 31)
EPOCH = datetime.date(1970, 1, 1)
DAY_US, MINUTE_US = 86_400 * 10**6, 60 * 10**6
QUESTIONS = 12  # a measurement, of both sides
ITEMS = {"phq-9": 9, "gad-7": 7}

COURSES = ("clinic_id course_id patient_hash therapist_id variant_id indication state closed_us closure_reason "
           "drop_out closed_early time_zone planned_sessions duration_weeks start_day deadline_day pauses phases "
           "revision listing copied_us").split()
SESSIONS = ("clinic_id course_id session_id therapist_id number phase week start_us end_us state attendance "
            "uses_session revision listing").split()
FORMS = ("clinic_id course_id measurement_id instrument_id state respondent occasion completed_us external_id "
         "unsettled risk invalid revision_number document revision created_us updated_us").split()

# The same report from the raw rows: the first and the last score of each measure within the contacts of
# its course, and all that follows.
BY_DUCKDB = """
WITH picked AS (
  SELECT * FROM courses WHERE closed_day BETWEEN $first AND $last AND indication IN (SELECT unnest($indications))
    AND variant IN (SELECT unnest($variants))),
kept AS (
  SELECT course, count(*) FILTER (state = 2) AS attended, count(*) FILTER (state = 3) AS missed,
         min(day) FILTER (state = 2) AS begun, max(day) FILTER (state = 2) AS ended
  FROM sessions WHERE course IN (SELECT course FROM picked) GROUP BY course),
ends AS (
  SELECT f.course, f.instrument, arg_min(f.score, f.completed) AS first,
         CASE WHEN count(*) > 1 THEN arg_max(f.score, f.completed) END AS last
  FROM forms f JOIN kept k USING (course)
  WHERE f.day BETWEEN k.begun AND k.ended + 14 GROUP BY f.course, f.instrument),
results AS (
  SELECT p.*, k.attended, k.missed, k.ended - k.begun AS days, k.attended >= 2 AS finished,
         d.first AS d1, d.last AS d2, a.first AS a1, a.last AS a2,
         d.last IS NOT NULL AND a.last IS NOT NULL AS both_paired
  FROM picked p JOIN kept k USING (course)
  LEFT JOIN ends d ON d.course = p.course AND d.instrument = 'phq-9'
  LEFT JOIN ends a ON a.course = p.course AND a.instrument = 'gad-7')
SELECT therapist, count(*) AS courses, count(*) FILTER (finished) AS finished,
  count(*) FILTER (finished AND d2 IS NOT NULL) AS pairs,
  (avg(d1) FILTER (finished AND d2 IS NOT NULL) - avg(d2) FILTER (finished AND d2 IS NOT NULL))
    / nullif(stddev_samp(d1) FILTER (finished AND d2 IS NOT NULL), 0) AS d,
  var_samp(d2 - d1) FILTER (finished AND d2 IS NOT NULL) AS change,
  count(*) FILTER (finished AND d2 <= d1 / 2.0) AS response,
  count(*) FILTER (finished AND d2 < 5) AS remission,
  count(*) FILTER (finished AND d1 - d2 >= 6) AS improved,
  count(*) FILTER (finished AND d2 - d1 >= 6) AS deteriorated,
  count(*) FILTER (finished AND d1 - d2 >= 6 AND d1 >= 10 AND d2 < 10) AS significant,
  (avg(a1) FILTER (finished AND a2 IS NOT NULL) - avg(a2) FILTER (finished AND a2 IS NOT NULL))
    / nullif(stddev_samp(a1) FILTER (finished AND a2 IS NOT NULL), 0) AS anxiety_d,
  count(*) FILTER (finished AND both_paired AND (d1 >= 10 OR a1 >= 8) AND d2 < 10 AND a2 < 8) AS recovered,
  count(*) FILTER (finished AND NOT (both_paired AND d1 < 10 AND a1 < 8)) AS of_cases,
  count(*) FILTER (state = 4) AS completed,
  count(*) FILTER (dropped AND attended < planned) AS dropped_out,
  sum(attended) AS attended, sum(missed) AS missed,
  avg(attended) FILTER (finished) AS mean_sessions, avg(days / 7.0) FILTER (finished) AS mean_weeks
FROM results GROUP BY GROUPING SETS ((), (therapist)) ORDER BY therapist NULLS FIRST
"""


def duckdb_here(bench):
    folder = bench.tools.path("duckdb")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, PACKAGE],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    if done.returncode != 0:
        raise Skip(f"pip cannot install {PACKAGE} here: {done.stdout.strip()[-200:]}")
    sys.path.insert(0, folder)
    return importlib.import_module("duckdb")


class Outcomes(Service):
    """ipt-outcomes by itself, scheduling away, as it is measured here: without tokens."""

    def __init__(self, bench, name, database):
        super().__init__(bench.tools, "postgres", name, database, binary="ipt-outcomes",
                         flags=[f"--scheduling=127.0.0.1:{free_port()}"])
        contract.load(bench.tools.stubs())
        import grpc
        self.channel = grpc.insecure_channel(self.address)

    def call(self, file, service, method, **fields):
        messages = contract.module(f"{file}_pb2", "outcomes")
        stub = getattr(contract.module(f"{file}_pb2_grpc", "outcomes"), f"{service}Stub")(self.channel)
        return getattr(stub, method)(getattr(messages, f"{method}Request")(**fields), timeout=120)

    def report(self, question):
        day = {key: dict(year=question[key].year, month=question[key].month, day=question[key].day)
               for key in ("first", "last")}
        return self.call("report_service", "ReportService", "GetClinicReport", clinic=f"clinics/{CLINIC}",
                         query=dict(first_date=day["first"], last_date=day["last"], group_by=2,
                                    indications=question["indications"], variants=question["variants"]))


class SqliteStore:
    def __init__(self, bench):
        self.path = bench.tools.path("outcomes.db")
        self.url = f"sqlite://{self.path}"

    def read(self, query):
        with sqlite3.connect(self.path, timeout=60) as db:
            return db.execute(query).fetchall()

    def fill(self, tables):
        db = sqlite3.connect(self.path, isolation_level=None)
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        for table, columns, rows in tables:
            db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows)
        db.execute("COMMIT")
        db.close()
        self.analyze()

    def analyze(self):
        self.read("ANALYZE")


class PostgresStore:
    def __init__(self, bench):
        self.postgres = bench.postgres
        self.name = bench.postgres.new_database()
        self.url = bench.postgres.url(self.name)

    def read(self, query):
        rows, error = self.postgres.sql(self.name, query, 600)
        if error:
            raise Failure(error)
        return rows

    def fill(self, tables):
        def text(value):
            return r"\N" if value is None else str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")

        for table, columns, rows in tables:
            psql = subprocess.Popen(
                [f"{self.postgres.bin}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.postgres.folder, "-p",
                 str(self.postgres.port), "-U", "ipt", "-d", self.name,
                 "-c", f"SET session_replication_role = {'origin' if table == 'course_copies' else 'replica'}",
                 "-c", f"COPY {table} ({', '.join(columns)}) FROM STDIN"], stdin=subprocess.PIPE, text=True)
            for row in rows:
                psql.stdin.write("\t".join(map(text, row)) + "\n")
            psql.stdin.close()
            if psql.wait() != 0:
                raise Failure(f"{table} could not be filled")
        self.analyze()

    def analyze(self):
        """What its autovacuum does within a minute or two of such a change."""
        self.read("VACUUM ANALYZE")


class Clinic:
    """Closed courses of six years, each with a PHQ-9 and a GAD-7 at every attended session."""

    def __init__(self, measurements):
        self.random = random.Random(20)
        self.courses = []
        forms = 0
        while forms < measurements:
            self.courses.append(self.course(len(self.courses)))
            forms += 2 * len(self.courses[-1]["scores"])
        self.forms = forms

    def course(self, number):
        r = self.random
        end = r.choices(("completed", "agreed", "dropped", "moved"), (70, 8, 18, 4))[0]
        planned = r.choice((8, 12, 16, 16, 16))
        attended = planned if end == "completed" else r.randint(1, planned - 1)
        start = FIRST + datetime.timedelta(days=r.randint(0, (LAST - FIRST).days - 7 * planned - 21))
        gain = r.gauss(0.5, 0.35)
        first = (r.randint(8, 25), r.randint(5, 19))
        scores = []
        for n in range(attended):
            way = n / max(1, planned - 1)
            scores.append(tuple(min(top, max(0, round(f * (1 - gain * way) + (r.gauss(0, 1.5) if n else 0))))
                                for f, top in zip(first, (24, 21))))
        return dict(id=f"c{number:06d}", therapist=f"t{r.randint(1, 40)}", indication=r.randint(1, 9),
                    variant=f"v{r.randint(1, 4)}", end=end, planned=planned, start=start, hour=r.randint(8, 17),
                    missed=r.randint(0, 2), scores=scores)

    @staticmethod
    def at_us(course, week):
        day = (course["start"] - EPOCH).days + 7 * week
        return day, day * DAY_US + course["hour"] * 60 * MINUTE_US

    def closed_us(self, course):
        return self.at_us(course, len(course["scores"]))[1] + 30 * MINUTE_US

    def course_rows(self):
        state = {"completed": 4}
        reason = {"completed": 0, "agreed": 2, "dropped": 1, "moved": 4}
        for c in self.courses:
            yield (CLINIC, c["id"], c["id"], c["therapist"], c["variant"], c["indication"], state.get(c["end"], 5),
                   self.closed_us(c), reason[c["end"]], int(c["end"] == "dropped"), 0, "UTC", c["planned"],
                   c["planned"], self.at_us(c, 0)[0], None, "[]", "[]", 1, 1, 1)

    def session_rows(self):
        for c in self.courses:
            for n in range(len(c["scores"]) + c["missed"]):
                came = n < len(c["scores"])
                at = self.at_us(c, n)[1]
                yield (CLINIC, c["id"], f"{c['id']}-{n}", c["therapist"], n + 1 if came else 0, 0, n + 1, at,
                       at + 50 * MINUTE_US, 2 if came else 3, 1 if came else 3, int(came), 1, 1)

    def form_rows(self, documents):
        for c in self.courses:
            for n, scores in enumerate(c["scores"]):
                at = self.at_us(c, n)[1] - 30 * MINUTE_US
                for instrument, score in zip(ITEMS, scores):
                    document = documents[instrument, score].replace('"AT"', str(at))
                    yield (CLINIC, c["id"], f"{c['id']}-{n}-{instrument}", instrument, 1, 1, 2, at, None, 0, 0, 0, 1,
                           document, 1, at, at)

    def raw(self, duckdb, path):
        """The raw rows for DuckDB, in its own format."""
        db = duckdb.connect(path)
        for name, columns, rows in (
                ("courses", "course VARCHAR, therapist VARCHAR, variant VARCHAR, indication INT, state INT, "
                            "dropped BOOLEAN, planned INT, closed_day INT",
                 ((c["id"], c["therapist"], c["variant"], c["indication"], 4 if c["end"] == "completed" else 5,
                   c["end"] == "dropped", c["planned"], self.closed_us(c) // DAY_US) for c in self.courses)),
                ("sessions", "course VARCHAR, day INT, state INT",
                 ((c["id"], self.at_us(c, n)[0], 2 if n < len(c["scores"]) else 3) for c in self.courses
                  for n in range(len(c["scores"]) + c["missed"]))),
                ("forms", "course VARCHAR, instrument VARCHAR, day INT, completed BIGINT, score INT",
                 ((c["id"], instrument, self.at_us(c, n)[0], self.at_us(c, n)[1], score) for c in self.courses
                  for n, scores in enumerate(c["scores"]) for instrument, score in zip(ITEMS, scores)))):
            file = f"{path}.{name}.csv"
            with open(file, "w", encoding="ascii") as out:
                out.writelines(",".join(map(str, row)) + "\n" for row in rows)
            db.execute(f"CREATE TABLE {name} ({columns})")
            db.execute(f"COPY {name} FROM '{file}' (HEADER FALSE)")
            os.remove(file)
        return db

    def question(self):
        r = self.random
        first = FIRST + datetime.timedelta(days=r.randint(0, 1200))
        return dict(first=first, last=min(LAST, first + datetime.timedelta(days=r.randint(300, 2191))),
                    indications=sorted(r.sample(range(1, 10), r.randint(5, 9))),
                    variants=sorted(r.sample(("v1", "v2", "v3", "v4"), r.randint(2, 4))))


def record_forms(service):
    """One of each score of each instrument."""
    for instrument, items in ITEMS.items():
        for total in range(3 * min(items, 8) + 1):
            values = [max(0, min(3, total - 3 * i)) for i in range(min(items, 8))] + [0] * (items - min(items, 8))
            service.call("measurement_service", "MeasurementService", "RecordMeasurement",
                         parent=f"clinics/{CLINIC}/courses/{instrument}-{total}", request_id=str(uuid.uuid4()),
                         measurement=dict(instrument=f"clinics/{CLINIC}/instruments/{instrument}", respondent=1, mode=2,
                                          answers=dict(answers=[dict(item=f"q{i + 1}", value=v)
                                                                for i, v in enumerate(values)])))


def documents_of(store):
    """Of each score of each instrument its document as the service wrote it, with "AT" for its times."""
    documents = {}
    for instrument, document in store.read("SELECT instrument_id, document FROM measurements"):
        form = json.loads(document)
        form.pop("unverified", None)
        for change in [form, *form.get("changes", [])]:
            for key in ("completed", "received", "time"):
                if key in change:
                    change[key] = "AT"
        documents[instrument, form["scores"][0].get("rounded", 0)] = json.dumps(form, separators=(",", ":"))
    for table in ("measurements", "course_results"):
        store.read(f"DELETE FROM {table}")
    return documents


def compare(report, expected):
    """Both tell the same, of all courses and of each therapist whose numbers are shown."""
    rows = {(row.group.rsplit("/", 1)[-1] or None): row for row in report.rows}
    if set(rows) != {row["therapist"] for row in expected}:
        raise Failure("the report and DuckDB have other therapists")
    compared = 0
    for want in expected:
        row = rows[want["therapist"]]
        phq = next(m for m in row.measures if m.instrument.endswith("/phq-9"))
        gad = next(m for m in row.measures if m.instrument.endswith("/gad-7"))
        got = [("courses", row.flow, "courses"), ("finished", row.flow, "finished"),
               ("completed", row.flow.completed, "hits"), ("dropped_out", row.flow.dropped_out, "hits"),
               ("attended", row.attendance.attended, "hits"), ("mean_sessions", row.attendance, "mean_sessions"),
               ("mean_weeks", row.attendance, "mean_weeks"), ("pairs", phq.effect, "pairs"), ("d", phq.effect, "d"),
               ("anxiety_d", gad.effect, "d"), ("response", phq.response, "hits"), ("remission", phq.remission, "hits"),
               ("improved", phq.reliably_improved, "hits"), ("deteriorated", phq.reliably_deteriorated, "hits"),
               ("significant", phq.significantly_changed, "hits"), ("recovered", row.recovery.recovered, "hits"),
               ("of_cases", row.recovery.recovered, "of")]
        for name, message, field in got:
            if not message.HasField(field):
                continue  # small, or with others it would tell a small one
            compared += 1
            if not math.isclose(getattr(message, field), want[name], rel_tol=1e-6, abs_tol=1e-9):
                raise Failure(f"{name} of {want['therapist'] or 'all'}: {getattr(message, field)}, "
                              f"by DuckDB {want[name]}")
    return compared


def report(bench):
    duckdb = duckdb_here(bench)
    clinic = Clinic(MEASUREMENTS // 50 if bench.quick else MEASUREMENTS)
    raw = clinic.raw(duckdb, bench.tools.path("raw.duckdb"))
    say(f"{clinic.forms:,} measurements of {len(clinic.courses):,} courses")
    results = []
    for engine, store in (("SQLite", SqliteStore(bench)), ("PostgreSQL", PostgresStore(bench))):
        service = Outcomes(bench, f"report-{engine}", store.url)
        with service:
            service.start()
            record_forms(service)
        documents = documents_of(store)
        began = time.monotonic()
        # The courses last: they mark their results as to be made.
        store.fill([("course_session_copies", SESSIONS, clinic.session_rows()),
                    ("measurements", FORMS, clinic.form_rows(documents)),
                    ("course_copies", COURSES, clinic.course_rows())])
        say(f"{engine} filled, {time.monotonic() - began:.0f} s")
        with service:
            service.start()
            began = time.monotonic()
            wait_for("the courses' results", lambda: int(store.read(
                "SELECT count(*) FROM course_results WHERE stale = 1")[0][0]) == 0, 1800, every=1)
            say(f"{engine}: results of {len(clinic.courses):,} courses made, {time.monotonic() - began:.0f} s")
            store.analyze()

            def by_service(questions):
                began = time.monotonic()
                told = [service.report(question) for question in questions]
                return (time.monotonic() - began) * 1000 / len(questions), told

            def by_duckdb(questions):
                began, told = time.monotonic(), []
                for question in questions:
                    days = {key: (question[key] - EPOCH).days for key in ("first", "last")}
                    cursor = raw.execute(BY_DUCKDB, {**question, **days})
                    names = [column[0] for column in cursor.description]
                    told.append([dict(zip(names, row)) for row in cursor.fetchall()])
                return (time.monotonic() - began) * 1000 / len(questions), told

            pairs, compared = [], 0
            for i in range(bench.pairs):
                questions = [clinic.question() for _ in range(QUESTIONS)]
                sides = [by_service, by_duckdb] if i % 2 == 0 else [by_duckdb, by_service]
                found = {side: side(questions) for side in sides}
                pairs.append((found[by_service][0], found[by_duckdb][0]))
                say(f"{engine} {pairs[-1][0]:.1f} ms  DuckDB {pairs[-1][1]:.1f} ms")
                compared += sum(compare(*both) for both in zip(found[by_service][1], found[by_duckdb][1]))
            if not compared:
                raise Failure(f"{engine}: no number was shown to be compared")
            say(f"{compared:,} numbers compared")
        results.append(Result("report", f"GetClinicReport, {clinic.forms:,} measurements, {engine}", pairs, 0.5,
                              "ms", "DuckDB from the raw rows", lower_is_better=True))
    return results


ROWS = {"report": report}
# Not run unasked: some minutes, and 4 GB of disk.
SLOW = {"report"}
