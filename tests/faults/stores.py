"""The store itself, asked and tampered with by plain SQL behind the service's back."""

import sqlite3

from processes import Failure


class SqliteStore:
    engine = "sqlite"
    guards = {"therapist": "slot_taken_therapist", "patient": "slot_taken_patient"}
    remove_guards = "DROP TRIGGER sessions_free_insert; DROP TRIGGER sessions_free_update;"

    def __init__(self, path):
        self._path = path

    def _open(self):
        db = sqlite3.connect(self._path, timeout=20, isolation_level=None)
        db.execute("PRAGMA foreign_keys = ON")
        return db

    def rows(self, sql):
        db = self._open()
        try:
            return [tuple(str(v) for v in row) for row in db.execute(sql)]
        finally:
            db.close()

    def write(self, sql):
        db = self._open()
        try:
            db.execute(sql)
        finally:
            db.close()

    def attempt(self, *statements):
        """Runs the statements in a transaction, undone afterwards. Returns the error or None, and
        the overlaps that the store had before it was undone."""
        db = self._open()
        try:
            db.execute("BEGIN IMMEDIATE")
            try:
                for sql in statements:
                    for part in sql.rstrip("; ").split(";"):
                        db.execute(part)
                overlaps = sum(db.execute(OVERLAPS.format(**c)).fetchone()[0] for c in KINDS.values())
                return None, overlaps
            except sqlite3.Error as e:
                return str(e), 0
            finally:
                db.execute("ROLLBACK")
        finally:
            db.close()

    def check_files(self):
        for pragma in ("integrity_check", "foreign_key_check"):
            found = self.rows(f"PRAGMA {pragma}")
            if found not in ([], [("ok",)]):
                raise Failure(f"PRAGMA {pragma}: {found[:3]}")


class PostgresStore:
    engine = "postgres"
    guards = {"therapist": "sessions_therapist_free", "patient": "sessions_patient_free"}
    remove_guards = (
        "ALTER TABLE sessions DROP CONSTRAINT sessions_therapist_free;"
        "ALTER TABLE sessions DROP CONSTRAINT sessions_patient_free;"
    )

    def __init__(self, postgres, database):
        self._postgres, self._database = postgres, database

    def rows(self, sql):
        rows, error = self._postgres.sql(self._database, sql)
        if error:
            raise Failure(f"psql: {error}")
        return rows

    write = rows

    def attempt(self, *statements):
        counts = " + ".join(f"({OVERLAPS.format(**c)})" for c in KINDS.values())
        rows, error = self._postgres.sql(
            self._database, "BEGIN;" + ";".join(statements) + f"; SELECT {counts}; ROLLBACK;")
        return error, 0 if error else int(rows[-1][0])

    def check_files(self):
        pass  # PostgreSQL checks its own pages; its log would say so


# What may not be double-booked, and until when a session holds it.
KINDS = {
    "therapist": {"who": "therapist_id", "end": "blocked_until_us"},
    "patient": {"who": "patient_id", "end": "end_us"},
}
OVERLAPS = """SELECT count(*) FROM sessions a JOIN sessions b ON a.clinic_id = b.clinic_id
  AND a.{who} = b.{who} AND a.start_us < b.{end} AND b.start_us < a.{end}
  AND (a.course_id < b.course_id OR (a.course_id = b.course_id AND a.session_id < b.session_id))
  WHERE a.blocking = 1 AND b.blocking = 1"""


def read_log(path):
    """What a fight wrote down: the clinic's id, its slots, the bookings that must stand."""
    clinic, slots, booked = None, set(), {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            kind, name, *rest = line.split()
            if kind == "clinic":
                clinic = name.split("/")[1]
            elif kind == "slot":
                slots.add((name.split("/")[3], rest[0]))
            elif kind in ("booked", "moved"):
                booked[name] = (rest[0].split("/")[3], rest[1])
            elif kind == "cancelled":
                del booked[name]
    return clinic, slots, booked


def check_store(store, log_path):
    """Everything that a fight's log promises, from the rows themselves. Returns how many bookings."""
    clinic, slots, booked = read_log(log_path)
    for what, columns in KINDS.items():
        count = int(store.rows(OVERLAPS.format(**columns))[0][0])
        if count:
            raise Failure(f"the store has {count} overlapping sessions of a {what}")
    there = {
        f"clinics/{clinic}/courses/{course}/sessions/{session}": (therapist, start)
        for course, session, therapist, start in store.rows(
            "SELECT course_id, session_id, therapist_id, start_us FROM sessions"
            f" WHERE blocking = 1 AND clinic_id = '{clinic}'")
    }
    lost = [name for name, slot in booked.items() if there.get(name) != slot]
    if lost:
        raise Failure(f"{len(lost)} acknowledged bookings are not in the store, e.g. {lost[0]}")
    unknown = [name for name in there if name not in booked]
    if unknown:
        raise Failure(f"{len(unknown)} bookings in the store were never acknowledged, e.g. {unknown[0]}")
    free = slots - set(there.values())
    if free:
        raise Failure(f"{len(free)} of {len(slots)} slots are free in the store")
    check_not_torn(store)
    return len(there)


def check_not_torn(store):
    """A write's rows stand together: its answer, its audit entries, its events."""
    check_answers_audited(store)
    check_told(store, "sessions", "SESSION_CHANGED")
    store.check_files()


def check_answers_audited(store):
    answers = dict(store.rows("SELECT method, count(*) FROM idempotency GROUP BY method"))
    entries = dict(store.rows(
        "SELECT method, count(DISTINCT clinic_id || ' ' || caller || ' ' || request_id) FROM audit_entries"
        # What is done on a stream has no request_id, and so no answer that is kept.
        " WHERE action = 2 AND outcome = 'OK' AND method NOT LIKE '%/Stream%' GROUP BY method"))
    if answers != entries:
        raise Failure(f"answers and audited writes differ: {answers} against {entries}")
    # A write has an entry for each resource that it changed, and never two for one.
    twice = store.rows(
        "SELECT method, resource FROM audit_entries WHERE action = 2 AND outcome = 'OK' AND request_id <> ''"
        " GROUP BY clinic_id, caller, method, request_id, resource HAVING count(*) > 1")
    if twice:
        raise Failure(f"{len(twice)} writes are audited twice, e.g. {twice[0]}")


def check_told(store, table, kind):
    """Each row has its event."""
    rows = store.rows(f"SELECT count(*) FROM {table}")
    events = store.rows(f"SELECT count(DISTINCT subject) FROM outbox WHERE kind = '{kind}'")
    if rows != events:
        raise Failure(f"{rows[0][0]} {table}, but events {kind} of {events[0][0]}")
