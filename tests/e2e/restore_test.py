#!/usr/bin/python3
"""tools/backup and tools/restore with real servers: a backup that is taken while writes go on, and what a store that
was put back from it does, beside a Redis that lived on; and all that they refuse."""

import hashlib
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import support  # first: it makes the generated stubs importable
from support import BUILD, ROOT, Refused, Server, postgres, wait_until

sys.path.insert(0, str(ROOT / "tests/faults"))

from processes import Redis, Tools  # noqa: E402
from stores import check_answers_audited  # noqa: E402

SENT, RETRY, DEAD = 1, 2, 3
THERAPIST, EMAIL = 2, 2
NORTH = "clinics/north"
RESYNC = ("OUT_OF_RANGE", "RESYNC_REQUIRED")


def tool(name, *words, status=0):
    """What a tool prints as JSON, or where it must refuse its sentence."""
    json_too = [] if status else ["--json"]
    done = subprocess.run([ROOT / "tools" / name, *map(str, words), *json_too], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)
    if done.returncode != status:
        raise AssertionError(f"tools/{name} {words}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stderr if status else json.loads(done.stdout)


def restore(*words, status=0):
    return tool("restore", *words, "--bin", BUILD / "bin", status=status)


class Rows:
    """A store, asked by plain SQL, as the drills ask it."""

    def __init__(self, store):
        self.store = store

    def rows(self, sql):
        if self.store.startswith("postgresql://"):
            text = postgres().sql(sql, self.store.rsplit("/", 1)[1])
            return [tuple(line.split("|")) for line in text.splitlines()]
        with sqlite3.connect(self.store) as db:
            found = [tuple(map(str, row)) for row in db.execute(sql)]
        db.close()
        return found


class Writers:
    """Clients that rename a clinic each, one name after the other, as fast as they are answered."""

    def __init__(self, api, count=3):
        self.api, self.stopping = api, threading.Event()
        self.done = [0] * count
        for i in range(count):
            api.CreateClinic(clinic_id=f"w{i}", clinic=dict(display_name="n0", time_zone="Europe/London"))
        self.threads = [threading.Thread(target=self.write, args=(i,)) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def write(self, i):
        while not self.stopping.is_set():
            self.api.UpdateClinic(clinic=dict(name=f"clinics/w{i}", display_name=f"n{self.done[i] + 1}"),
                                  update_mask=dict(paths=["display_name"]))
            self.done[i] += 1

    def await_more(self):
        """Until each has written again. Returns how much each has written before."""
        before = list(self.done)
        wait_until(lambda: all(now > then for now, then in zip(self.done, before)), "the writers")
        return before

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class Stores:
    """One engine's servers and stores, over a restore."""

    def __init__(self, test, engine):
        self.test, self.engine = test, engine
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ipt-e2e-restore-"))
        test.addCleanup(shutil.rmtree, self.folder)
        self.redis = None
        flags = ["--outcomes", "--formulation"]
        if engine == "postgres":
            self.redis = Redis(Tools(BUILD / "bin", str(self.folder)))
            test.addCleanup(self.redis.close)
            flags = [f"--redis={self.redis.url()}"]
        self.flags = flags
        self.server = Server(engine, flags=flags)
        test.addCleanup(self.server.close)
        self.others = {}  # PostgreSQL: stores that are backed up with it, by service
        if engine == "postgres":
            for service in ("outcomes", "formulation"):
                other = Server(service, start=False)
                test.addCleanup(other.close)
                self.others[service] = other.store[0].split("=", 1)[1]

    @property
    def backups(self):
        return self.folder / "backups"

    def of(self):
        """The words that name the stores to the tools."""
        where = self.server.store[0].split("=", 1)[1]
        if self.engine == "suite":
            return ["--data-dir", where]
        return [word for service, url in {"scheduling": where, **self.others}.items()
                for word in ("--store", f"{service}={url}")]

    def scheduling(self):
        where = self.server.store[0].split("=", 1)[1]
        return where if self.engine == "postgres" else f"{where}/scheduling.db"

    def take(self, *words):
        return tool("backup", "take", "--to", self.backups, *self.of(), *words)

    def restore(self, backup, *words):
        """Into an empty place, in which a server then serves."""
        self.server.stop()
        if self.engine == "suite":
            store = f"--data_dir={self.folder}/restored"
        else:
            store = f"--database={postgres().database()}"
            self.others = {service: postgres().database() for service in self.others}
        self.server = Server(self.engine, flags=self.flags, store=[store], start=False)
        self.test.addCleanup(self.server.close)
        done = restore(backup, *self.of(), *words)
        self.server.start()
        return done


class Restored(unittest.TestCase):
    maxDiff = None

    def test_suite(self):
        self.goes_on_from_its_backup("suite")

    def test_postgres_beside_a_redis_that_lived_on(self):
        self.goes_on_from_its_backup("postgres")

    def goes_on_from_its_backup(self, engine):
        stores = Stores(self, engine)
        key = stores.folder / "key"
        tool("backup", "key", key)
        api = stores.server.api()
        api.CreateClinic(clinic_id="north", clinic=dict(display_name="North", time_zone=support.noon_zone()))
        api.CreateTherapist(parent=NORTH, therapist_id="ana", therapist=dict(
            display_name="Ana", working_hours=support.weekly(range(1, 8), 0, 24)))
        course = self.course(api, "kept")
        sent = self.remind(api, course)
        self.assertEqual(["APPLIED"], self.complete(api, self.lease(api), SENT))
        waiting = self.remind(api, course)
        kept = api.request("UpdateClinic", clinic=dict(name=NORTH, display_name="Kept"),
                           update_mask=dict(paths=["display_name"]))
        kept_answer = api.send("UpdateClinic", kept)
        cursor = api.send("events.WatchEvents", api.request("events.WatchEvents", parent=NORTH)).cursor

        writers = Writers(api)
        self.addCleanup(writers.stop)
        before = writers.await_more()
        backup = stores.take("--key-file", key)
        after = writers.await_more()
        writers.stop()
        self.assertTrue(all(now > then for now, then in zip(after, before)), "writes went on meanwhile")

        # What is lost: a course, a new name, and a reminder that the gateway put off.
        self.course(api, "lost")
        lost = api.request("UpdateClinic", clinic=dict(name=NORTH, display_name="Lost"),
                           update_mask=dict(paths=["display_name"]))
        lost_answer = api.send("UpdateClinic", lost)
        self.complete(api, self.lease(api), DEAD, reason="NO_ADDRESS")
        api.ReplayReminder(name=waiting.name)
        put_off = self.lease(api)
        self.complete(api, put_off, RETRY, reason="BUSY", retry_delay=dict(seconds=3600))
        self.assertEqual(2, api.GetReminder(name=waiting.name).generation)
        changed = api.UpdateCourse(course=dict(name=course.name, session_minutes=75),
                                   update_mask=dict(paths=["session_minutes"]))
        if stores.redis:  # its copy of the course, and where it has the reminder, live on
            wait_until(lambda: api.GetCourse(name=course.name) and self.course_copies(stores.redis), "a copy")
            for copy in self.course_copies(stores.redis):
                stores.redis.cli("PERSIST", copy)
            due = float(stores.redis.cli("ZSCORE", "rem:{north}:due", waiting.name.rsplit("/", 1)[1]))
            self.assertGreater(due / 262144 * 0.125, time.time() + 3000)

        done = stores.restore(backup["backup"], "--key-file", key)
        api = stores.server.api()
        if stores.redis:
            self.assertTrue(self.course_copies(stores.redis), "it lived on")
        # Counts, and no row of what a write leaves without the others.
        told = {one["service"]: one for one in backup["stores"]}
        for one in done["restored"]:
            self.assertEqual(told[one["service"]]["tables"], one["tables"])
            self.assertNotEqual(one["history"]["before"], one["history"]["after"])
        self.assertEqual({"scheduling", "outcomes", "formulation"}, {one["service"] for one in done["restored"]})
        rows = Rows(stores.scheduling())
        check_answers_audited(rows)
        for i, (least, most) in enumerate(zip(before, writers.done)):
            names = int(api.GetClinic(name=f"clinics/w{i}").display_name[1:])
            self.assertLessEqual(least, names)
            self.assertLessEqual(names, most)
            for table in ("outbox", "idempotency"):
                self.assertEqual([(str(names + 1),)],
                                 rows.rows(f"SELECT count(*) FROM {table} WHERE clinic_id = 'w{i}'"), table)

        # Reads have nothing of the lost time.
        self.assertEqual(course.session_minutes, api.GetCourse(name=course.name).session_minutes)
        self.assertEqual([course.name], [d.course for d in api.ListDeadlines(parent=NORTH).deadlines])
        with self.assertRaises(Refused) as absent:
            api.GetCourse(name=f"{NORTH}/courses/lost")
        self.assertEqual("NOT_FOUND", absent.exception.code)

        # Each reminder as it was then: one was sent, the other one is offered now, not in an hour.
        self.assertEqual("SENT", self.state(api, sent))
        leased = self.lease(api)
        offered = leased.reminder
        self.assertEqual((waiting.name, 1, 1), (offered.name, offered.generation, offered.attempt))
        self.assertEqual(["LOST"], self.complete(api, put_off, SENT), "a lease of the lost time")
        self.assertEqual(["APPLIED"], self.complete(api, leased, SENT))
        self.assertEqual(0, len(api.LeaseReminders(clinic=NORTH).reminders), "nothing is offered twice")

        # Requests: one that the copy knows is answered from it, and does nothing.
        events = rows.rows("SELECT count(*) FROM outbox WHERE clinic_id = 'north'")
        self.assertEqual(kept_answer, api.send("UpdateClinic", kept))
        self.assertEqual(events, rows.rows("SELECT count(*) FROM outbox WHERE clinic_id = 'north'"))
        self.assertEqual("Kept", api.GetClinic(name=NORTH).display_name)
        # What is of the lost time is no etag any more, and no revision comes again.
        with self.assertRaises(Refused) as stale:
            api.UpdateCourse(course=dict(name=course.name, session_minutes=60, etag=changed.etag),
                             update_mask=dict(paths=["session_minutes"]))
        self.assertEqual("ABORTED", stale.exception.code)
        self.assertGreater(api.send("UpdateClinic", lost).revision, max(lost_answer.revision, changed.revision))

        # Followers are told, and begin anew with what the copy has.
        with self.assertRaises(Refused) as resync:
            api.send("events.WatchEvents", api.request("events.WatchEvents", parent=NORTH, cursor=cursor))
        self.assertEqual(RESYNC, (resync.exception.code, resync.exception.reason))
        ((count,),) = rows.rows("SELECT count(*) FROM outbox WHERE clinic_id = 'north'")
        subjects = self.subjects(api, int(count))
        self.assertIn(course.name, subjects)
        self.assertNotIn(f"{NORTH}/courses/lost", subjects)

    def subjects(self, api, count):
        """Of the oldest so many events."""
        call = api.stubs["events.WatchEvents"][0](
            api.request("events.WatchEvents", parent=NORTH, oldest=True), timeout=60)
        found = []
        while len(found) < count:
            found += [event.subject for event in next(call).events]
        call.cancel()
        return found

    def course(self, api, name):
        return api.CreateCourse(parent=NORTH, course_id=name, course=dict(
            patient=dict(system="urn:mrn", value=name), therapist=f"{NORTH}/therapists/ana"))

    def remind(self, api, course):
        return api.TestReminder(course=course.name, audience=THERAPIST, channels=[EMAIL], template="test")

    def lease(self, api):
        found = []
        wait_until(lambda: found.extend(api.LeaseReminders(clinic=NORTH).reminders) or found, "a reminder to lease")
        self.assertEqual(1, len(found))
        return found[0]

    def complete(self, api, leased, outcome, **fields):
        answer = api.CompleteReminders(clinic=NORTH, completions=[dict(
            reminder=leased.reminder.name, lease_token=leased.lease_token, outcome=outcome, **fields)])
        verdict = support.module("ipt.scheduling.v1", "delivery_service").LeaseVerdict
        return [verdict.Name(r.verdict).removeprefix("LEASE_VERDICT_") for r in answer.results]

    def state(self, api, reminder):
        found = api.GetReminder(name=reminder.name).state
        return support.module("ipt.scheduling.v1", "reminder").ReminderState.Name(found).removeprefix("REMINDER_STATE_")

    @staticmethod
    def course_copies(redis):
        return [key for key in redis.cli("KEYS", "course:*:kept").splitlines()
                if redis.cli("GETRANGE", key, "0", "0") == "V"]


class Refusals(unittest.TestCase):
    """Of backups that are not whole, and of places that are not empty. Nothing is written then."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="ipt-e2e-restore-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        server = Server("suite")
        cls.addClassCleanup(server.close)
        api = server.api()
        for i in range(40):  # more than one sealed chunk takes some data
            api.CreateClinic(clinic_id=f"c{i}", clinic=dict(display_name="x" * 100, time_zone="Europe/London"))
        cls.sqlite = ["--data-dir", f"{server.dir}/data"]
        stored = Server("postgres")
        cls.addClassCleanup(stored.close)
        stored.api().CreateClinic(clinic_id="c", clinic=dict(display_name="C", time_zone="Europe/London"))
        cls.url = stored.store[0].removeprefix("--database=")
        cls.key, cls.other_key = cls.folder / "key", cls.folder / "other"
        for key in (cls.key, cls.other_key):
            tool("backup", "key", key)
        take = lambda name, *words: pathlib.Path(  # noqa: E731
            tool("backup", "take", "--to", cls.folder / name, *words)["backup"])
        cls.plain = {"sqlite": take("a", *cls.sqlite), "postgres": take("b", "--store", f"scheduling={cls.url}")}
        cls.sealed = {"sqlite": take("c", *cls.sqlite, "--key-file", cls.key),
                      "postgres": take("d", "--store", f"scheduling={cls.url}", "--key-file", cls.key)}

    def setUp(self):
        self.here = pathlib.Path(tempfile.mkdtemp(prefix="ipt-e2e-restore-"))
        self.addCleanup(shutil.rmtree, self.here)

    def target(self, engine):
        if engine == "sqlite":
            return ["--data-dir", self.here / "data"]
        return ["--store", f"scheduling={postgres().database()}"]

    def is_empty(self, target):
        if target[0] == "--data-dir":
            return not list(target[1].glob("*.db*")) if target[1].exists() else True
        return postgres().sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
                              target[1].rsplit("/", 1)[1]).strip() == "0"

    def refused(self, backup, engine, sentence, *words):
        target = self.target(engine)
        self.assertRegex(restore(backup, *target, *words, status=1), sentence)
        self.assertTrue(self.is_empty(target))
        self.assertRegex(tool("backup", "verify", backup, *words, status=1), sentence)

    def copy(self, backup, name):
        copied = self.here / name
        shutil.copytree(backup, copied)
        (stored,) = [file for file in copied.iterdir() if file.name != "manifest.json"]
        return copied, stored

    def test_a_damaged_one(self):
        for engine in ("sqlite", "postgres"):
            for kind, backups, words in (("plain", self.plain, ()), ("sealed", self.sealed, ("--key-file", self.key))):
                with self.subTest(engine=engine, kind=kind):
                    backup, file = self.copy(backups[engine], f"{engine}-{kind}")
                    whole = file.read_bytes()
                    damaged = bytearray(whole)
                    damaged[len(damaged) // 2] ^= 1
                    file.write_bytes(damaged)
                    self.refused(backup, engine, "SHA-256", *words)
                    file.write_bytes(whole[:-1])
                    self.refused(backup, engine, r"has \d+ bytes, and had", *words)
                    file.unlink()
                    self.refused(backup, engine, "is missing", *words)
                    file.write_bytes(whole)
                    (backup / "manifest.json").write_text("{}")
                    self.refused(backup, engine, "manifest.json is damaged", *words)

    def forge(self, backup, file, data):
        """The manifest says what is there: whoever could write the one could write the other."""
        manifest = json.loads((backup / "manifest.json").read_text())
        file.write_bytes(data)
        manifest["stores"][0].update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        (backup / "manifest.json").write_text(json.dumps(manifest))

    def test_a_changed_one_whose_manifest_was_changed_with_it(self):
        for engine in ("sqlite", "postgres"):
            with self.subTest(engine):
                backup, file = self.copy(self.sealed[engine], engine + "-sealed")
                self.forge(backup, file, file.read_bytes()[:-20])
                self.refused(backup, engine, "another key, or its manifest.json was changed", "--key-file", self.key)
                # Without a seal the engine has the last word: half a file is none.
                backup, file = self.copy(self.plain[engine], engine + "-plain")
                self.forge(backup, file, file.read_bytes()[:file.stat().st_size // 2])
                self.refused(backup, engine, "malformed|damaged|pg_restore")

    def test_a_sealed_one_without_its_key(self):
        for engine in ("sqlite", "postgres"):
            with self.subTest(engine):
                backup = self.sealed[engine]
                self.refused(backup, engine, "another key", "--key-file", self.other_key)
                self.refused(backup, engine, "name its --key-file")
        shown = self.here / "shown"
        shutil.copy(self.key, shown)
        shown.chmod(0o640)
        self.refused(self.sealed["sqlite"], "sqlite", "others may read it", "--key-file", shown)
        for file in (f for backup in self.sealed.values() for f in backup.iterdir() if f.suffix == ".sealed"):
            data = file.read_bytes()
            self.assertNotIn(b"SQLite format", data)
            self.assertNotIn(b"PGDMP", data)

    def test_a_plain_one_where_a_key_is_named(self):
        for engine, backup in self.plain.items():
            with self.subTest(engine=engine):
                self.refused(backup, engine, "is not sealed", "--key-file", self.key)

    def test_into_a_place_that_is_not_empty(self):
        folder = self.here / "data"
        folder.mkdir()
        for there in ("scheduling.db", "scheduling.db-wal"):
            (folder / there).write_bytes(b"somebody's")
            said = restore(self.plain["sqlite"], "--data-dir", folder, status=1)
            self.assertRegex(said, f"{there} exists.*move .* aside")
            self.assertEqual([(there, b"somebody's")], [(f.name, f.read_bytes()) for f in folder.iterdir()])
            (folder / there).unlink()
        before = Rows(self.url).rows("SELECT count(*) FROM audit_entries")
        said = restore(self.plain["postgres"], "--store", f"scheduling={self.url}", status=1)
        self.assertRegex(said, r"has \d+ tables.*createdb")
        self.assertEqual(before, Rows(self.url).rows("SELECT count(*) FROM audit_entries"))

    def test_restored_where_nothing_was_put_back(self):
        server = Server("suite", store=[f"--data_dir={self.here}/data"], start=False)
        self.addCleanup(server.close)
        done = server.run("restored", *server.store)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, "there is no such store")
        self.assertFalse((self.here / "data").exists())

    def test_into_a_folder_whose_server_still_runs(self):
        server = Server("suite")
        self.addCleanup(server.close)
        folder = server.dir / "data"
        for there in list(folder.glob("scheduling.db*")):
            if there.suffix != ".lock":
                there.rename(self.here / there.name)
        said = restore(self.plain["sqlite"], "--data-dir", folder, status=1)
        self.assertRegex(said, "a server runs .* stop it first")
        self.assertEqual([], list(folder.glob("*.db")))

    def test_into_a_database_where_a_server_may_wait(self):
        target = self.target("postgres")
        session = postgres().session(target[1].rsplit("/", 1)[1])
        session.stdin.write("SELECT 'here';\n")
        session.stdin.flush()
        session.stdout.readline()
        said = restore(self.plain["postgres"], *target, status=1)
        self.assertRegex(said, "1 other sessions .* stop all servers")
        session.communicate()
        self.assertTrue(self.is_empty(target))

    def test_of_another_engine_or_service(self):
        self.assertRegex(restore(self.plain["sqlite"], *self.target("postgres"), status=1), "is of sqlite")
        self.assertRegex(restore(self.plain["sqlite"], "--store", f"outcomes=sqlite://{self.here}/o.db", status=1),
                         "has no store of outcomes")


class Taking(unittest.TestCase):
    def setUp(self):
        self.here = pathlib.Path(tempfile.mkdtemp(prefix="ipt-e2e-restore-"))
        self.addCleanup(shutil.rmtree, self.here)

    def test_keeps_the_newest_and_tells_prometheus_of_good_ones_alone(self):
        server = Server("suite", flags=["--outcomes", "--formulation"])
        self.addCleanup(server.close)
        collection, metrics = self.here / "backups", self.here / "ipt.prom"
        words = ["--to", collection, "--data-dir", f"{server.dir}/data", "--keep", 2, "--metrics-file", metrics]
        before = int(time.time())
        taken = [tool("backup", "take", *words) for _ in range(3)]
        self.assertEqual([pathlib.Path(taken[0]["backup"]).name], taken[2]["dropped"])
        self.assertEqual([one["backup"] for one in taken[1:]],
                         [one["backup"] for one in tool("backup", "list", collection)["backups"]])
        self.assertTrue(tool("backup", "verify", taken[2]["backup"])["whole"])
        for path in pathlib.Path(taken[2]["backup"]).iterdir():
            self.assertEqual(0o600, path.stat().st_mode & 0o777, path)
        self.assertEqual(0o700, pathlib.Path(taken[2]["backup"]).stat().st_mode & 0o777)
        told = dict(line.rsplit(" ", 1) for line in metrics.read_text().splitlines() if not line.startswith("#"))
        for service in ("scheduling", "formulation", "outcomes"):
            age = int(told[f'ipt_backup_last_success_timestamp_seconds{{store="{service}"}}']) - before
            self.assertTrue(0 <= age < 300, age)
        checked = subprocess.run(["promtool", "check", "metrics"], input=metrics.read_text(), text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual((0, ""), (checked.returncode, checked.stdout))

        # One that fails leaves nothing, drops nothing, and does not look like a good one.
        good, there = metrics.read_text(), sorted(collection.iterdir())
        broken = self.here / "data"
        broken.mkdir()
        (broken / "scheduling.db").write_bytes(b"no database at all")
        words[3] = broken
        tool("backup", "take", *words, status=1)
        self.assertEqual((good, there), (metrics.read_text(), sorted(collection.iterdir())))

    def test_says_what_it_cannot_do(self):
        self.assertRegex(tool("backup", "take", "--to", self.here, "--data-dir", self.here, status=1), "holds no store")
        dead = f"scheduling=postgresql://ipt:secret@127.0.0.1:{support.dead_port()}/none"
        said = tool("backup", "take", "--to", self.here, "--store", dead, status=1)
        self.assertRegex(said, "scheduling: psql: ")
        self.assertNotIn("secret", said)
        self.assertRegex(tool("backup", "verify", self.here, status=1), "is no backup")
        foreign = postgres().database()
        self.assertRegex(tool("backup", "take", "--to", self.here, "--store", f"scheduling={foreign}", status=1),
                         "no store of the suite")
        (self.here / "odd/scheduling.db").mkdir(parents=True)  # as root, no file is one that may not be read
        self.assertRegex(tool("backup", "take", "--to", self.here / "b", "--data-dir", self.here / "odd", status=1),
                         "SQLite: unable to open")

    def test_a_base_backup_and_archived_wal_lead_to_any_instant(self):
        """The way back to just before a mistake, which a dump of the night does not have."""
        origin = support.Postgres()
        self.addCleanup(origin.stop)
        # Where PostgreSQL's user may read and write.
        for name in ("backup", "backups.py"):
            shutil.copy(ROOT / "tools" / name, origin.dir / name)
        wal = origin.dir / "wal"
        wal.mkdir()
        if origin.user:
            shutil.chown(wal, "postgres", "postgres")
        origin.sql("ALTER SYSTEM SET archive_mode = on")
        command = f"/usr/bin/python3 {origin.dir}/backup archive --to {wal} %p %f"
        origin.sql(f"ALTER SYSTEM SET archive_command = '{command}'")
        origin.halt()
        origin.start()
        url = origin.database()
        server = Server("postgres", store=[f"--database={url}"], start=False)
        self.addCleanup(server.close)
        self.assertEqual(0, server.run("migrate", *server.store).returncode)
        server.start()
        api = server.api()
        clinic = lambda name: api.CreateClinic(  # noqa: E731
            clinic_id=name, clinic=dict(display_name=name, time_zone="Europe/London"))
        clinic("before")
        base = pathlib.Path(tool("backup", "base", "--to", origin.dir / "base", "--database",
                                 f"postgresql://ipt@127.0.0.1:{origin.port}/postgres")["backup"])
        clinic("between")
        origin.sql("SELECT pg_create_restore_point('good')")
        clinic("mistake")
        segment = origin.sql("SELECT pg_walfile_name(pg_switch_wal())").strip()
        wait_until(lambda: (wal / segment).exists(), "the archived WAL")
        server.stop()
        origin.halt()

        # The base backup in the place of the data, and the WAL up to the restore point.
        shutil.rmtree(origin.dir / "data")
        base.rename(origin.dir / "data")
        with open(origin.dir / "data/postgresql.auto.conf", "a", encoding="ascii") as settings:
            settings.write(f"restore_command = 'cp {wal}/%f %p'\nrecovery_target_name = 'good'\n"
                           "recovery_target_action = 'promote'\narchive_mode = off\n")
        (origin.dir / "data/recovery.signal").touch()
        if origin.user:
            for path in ((origin.dir / "data"), *(origin.dir / "data").rglob("*")):
                shutil.chown(path, "postgres", "postgres")
        origin.start()
        wait_until(lambda: origin.sql("SELECT pg_is_in_recovery()").strip() == "f", "the promotion")
        self.assertEqual(0, server.run("restored", *server.store).returncode)
        server.start()
        self.assertEqual(["before", "between"],
                         sorted(c.display_name for c in server.api().ListClinics().clinics))

    def test_archived_wal_is_never_written_over(self):
        wal, segment = self.here / "wal", self.here / "000000010000000000000001"
        wal.mkdir()
        segment.write_bytes(b"one")
        for _ in range(2):  # PostgreSQL asks again where it did not hear the answer
            tool("backup", "archive", "--to", wal, segment, segment.name)
        segment.write_bytes(b"another")
        self.assertRegex(tool("backup", "archive", "--to", wal, segment, segment.name, status=1), "two servers")
        self.assertEqual(b"one", (wal / segment.name).read_bytes())
        self.assertRegex(tool("backup", "archive", "--to", self.here / "none", segment, "x", status=1), "No such file")
        self.assertEqual([segment.name], [f.name for f in wal.iterdir()])


if __name__ == "__main__":
    unittest.main()
