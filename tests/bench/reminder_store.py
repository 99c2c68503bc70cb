"""A service with as many reminders in its queue as a row needs.

The service itself writes the first ones, of a course that it books under a policy; they and their
course are then copied by SQL. So every row is as the service writes it: the same columns, the same
widths, random ids, and the rows of a course next to each other, as they were when it was booked.
What differs from copy to copy: the ids of course, patient and reminder, and when it is due.
"""

import json
import os
import subprocess
import time

from processes import Failure, wait_for
from result import say

POLICY = {"policy": {"session_rules": [{
    "audience": "REMINDER_AUDIENCE_PATIENT", "minutes_before": 2880,
    "channels": ["REMINDER_CHANNEL_SMS", "REMINDER_CHANNEL_EMAIL"], "template": "session-reminder-days"}]}}
A_COURSE = 10  # reminders that each course is given, at most
CHUNK = 50_000
HOUR_US = 3600 * 10**6
# From here on indexes are dropped first and built again afterwards.
MANY = 200_000

# What the service wrote, in due order, to be copied; and the copies' ids.
TEMPLATE = """
CREATE TABLE bench_patient AS SELECT p.* FROM patients p JOIN courses c USING (clinic_id, patient_id)
  WHERE c.clinic_id = '{clinic}';
CREATE TABLE bench_course AS SELECT * FROM courses WHERE clinic_id = '{clinic}';
CREATE TABLE bench_reminder AS SELECT row_number() OVER (ORDER BY due_us) - 1 AS k, r.* FROM reminders r
  WHERE clinic_id = '{clinic}' AND kind = 1 AND state = 1 ORDER BY due_us LIMIT {a_course};
DELETE FROM reminders WHERE clinic_id = '{clinic}';
CREATE TABLE bench_new (n BIGINT PRIMARY KEY, course_id TEXT NOT NULL, patient_id TEXT NOT NULL);
"""


class ReminderStore:
    """One clinic's reminders in PostgreSQL, with Redis, and the service to serve them."""

    def __init__(self, bench, clinic):
        self.bench, self.clinic, self.postgres = bench, clinic, bench.postgres
        self.database = self.postgres.new_database()
        self.service = bench.service("postgres", clinic, self.postgres.url(self.database),
                                     flags=[f"--redis={bench.redis.url()}"])
        self.courses = 0
        with self.service as service:
            service.start()
            status, result = bench.tools.load(
                service, "run", mix="get-course", clinics=clinic, courses=1, therapists=1,
                warmup="0s", duration="0.1s", token_file=bench.token_file)
            if status != 0:
                raise Failure(f"{clinic}: {result['all']['errors']}")
            subprocess.run(
                [os.path.join(bench.tools.bin, "iptctl"), f"--server={service.address}",
                 f"--token-file={bench.token_file}", "reminders", "set-policy", f"clinics/{clinic}",
                 "--json", json.dumps(POLICY)], check=True, stdout=subprocess.DEVNULL)
            wait_for("reminders of the new policy", lambda: self.one(f"""
                SELECT count(*) >= {A_COURSE} FROM reminders r JOIN clinics c USING (clinic_id)
                WHERE kind = 1 AND state = 1 AND policy_version = c.reminder_version
                  AND clinic_id = '{clinic}'""") == "t", every=0.2)
        self.sql(TEMPLATE.format(clinic=clinic, a_course=A_COURSE))

    def sql(self, text, timeout=1800):
        rows, error = self.postgres.sql(self.database, text, timeout)
        if error:
            raise Failure(error)
        return rows

    def one(self, query):
        return self.sql(query)[0][0]

    def copied(self, table, source, values):
        """INSERT .. SELECT of all columns of `table`, those in `values` as given."""
        columns = [row[0] for row in self.sql(
            f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' "
            "ORDER BY ordinal_position")]
        taken = ", ".join(values.get(column, f"t.{column}") for column in columns)
        return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {taken} FROM {source}"

    def add(self, reminders, due, a_course=A_COURSE):
        """So many more that are due at `due`, SQL of microseconds in which :rank counts from 0: first
        the first one of each course, then the second ones."""
        courses = -(-reminders // a_course)
        first, self.courses = self.courses, self.courses + courses
        due = due.replace(":rank", f"(t.k * {courses} + b.n - {first})")
        # Lateness counts from when they are due; forecasts of copies are never stale.
        new_patients = self.copied("patients", "bench_new b CROSS JOIN bench_patient t", {
            "patient_id": "b.patient_id", "value": "t.value || '-' || b.n"})
        new_courses = self.copied("courses", "bench_new b CROSS JOIN bench_course t", {
            "course_id": "b.course_id", "patient_id": "b.patient_id",
            "valid_until_us": f"t.valid_until_us + {9000 * HOUR_US}"})
        new_reminders = self.copied("reminders", "bench_new b CROSS JOIN bench_reminder t", {
            "reminder_id": "CAST(gen_random_uuid() AS TEXT)", "course_id": "b.course_id",
            "patient_id": "b.patient_id", "due_us": due, "next_us": due,
            "not_after_us": f"{due} + {48 * HOUR_US}"})
        indexes = self.drop_indexes() if reminders >= MANY else []
        began = time.monotonic()
        step = max(1, CHUNK // a_course)
        for n in range(first, first + courses, step):
            here = f"WHERE b.n >= {n} AND b.n < {min(n + step, first + courses)}"
            # Foreign keys need no look: what they name was just copied.
            self.sql(f"""SET session_replication_role = replica;
                INSERT INTO bench_new SELECT n, gen_random_uuid(), gen_random_uuid()
                  FROM generate_series({n}, {min(n + step, first + courses) - 1}) n;
                {new_patients} {here}; {new_courses} {here};
                {new_reminders} {here} AND t.k < {a_course} ORDER BY b.n, t.k;""")
            done = (min(n + step, first + courses) - first) * a_course
            if done % (20 * CHUNK) == 0:
                say(f"{done:,} of {reminders:,} reminders written, {time.monotonic() - began:.0f} s")
        for name, definition in indexes:
            self.sql(f"SET maintenance_work_mem = '1GB'; {definition}")
            say(f"index {name} built, {time.monotonic() - began:.0f} s")
        # As autovacuum does within a minute, where rows come one by one.
        if reminders < CHUNK:
            self.sql("ANALYZE patients; ANALYZE courses; ANALYZE reminders")
        else:
            self.sql("VACUUM ANALYZE patients; VACUUM ANALYZE courses; VACUUM ANALYZE reminders; CHECKPOINT")

    def drop_indexes(self):
        """Returns what builds them again."""
        found = self.sql("SELECT indexname, indexdef, indexname = 'reminders_pkey' FROM pg_indexes "
                         "WHERE tablename = 'reminders' ORDER BY indexname")
        indexes = []
        for name, definition, primary in found:
            if primary == "t":
                self.sql(f"ALTER TABLE reminders DROP CONSTRAINT {name}")
                columns = definition[definition.index("("):]
                definition = f"ALTER TABLE reminders ADD CONSTRAINT {name} PRIMARY KEY {columns}"
            else:
                self.sql(f"DROP INDEX {name}")
            indexes.append((name, definition))
        return indexes

    def key(self, what):
        return f"rem:{{{self.clinic}}}:{what}"

    def indexed(self):
        """How many the index holds; None while it is not built, or the service has not looked yet."""
        if self.bench.redis.cli("EXISTS", self.key("epoch")) != "1":
            return None
        if not self.service.metric("ipt_reminder_queue_depth"):
            return None
        return int(self.bench.redis.cli("ZCARD", self.key("due")))

    def forget_index(self):
        """The service rebuilds it as soon as it looks, within a second."""
        self.bench.redis.cli("DEL", self.key("epoch"))

    def serve(self, at_least=1, seconds=600):
        """Starts the service and waits until the index holds so many."""
        self.service.start()
        wait_for(f"the index of {self.clinic}", lambda: (self.indexed() or 0) >= at_least, seconds)
        return self.service

    def deliver(self, reminders, streams, credits=100):
        """Takes and completes exactly so many; all of it must go well. Returns the seconds."""
        status, result = self.bench.tools.load(
            self.service, "deliver", clinics=self.clinic, reminders=reminders, streams=streams,
            credits=credits, duration="300s", timeout=400, token_file=self.bench.token_file)
        if status != 0 or result["done"] != reminders:
            raise Failure(f"{self.clinic}: {result['done']} of {reminders} reminders done; "
                          f"{result['refused'] or ''} {' '.join(result['errors'])}")
        return result["seconds"]
