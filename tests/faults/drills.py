"""The drills. Each is a function of (world, engine, size) that returns numbers for the table or
raises Failure; `size` is its entry of SIZES."""

import contextlib
import os
import random
import signal
import threading
import time

import reminding
import risking
import rolling
from following import follow
from processes import Failure, Postgres, Service, dead_port, wait_for
from stores import PostgresStore, SqliteStore, check_not_torn, check_store, read_log

COURSES = "ipt.scheduling.v1.CourseService"

# Every client waits as the server asks, but no longer than this: drills are shorter than RetryInfo
# of a full disk.
LONGEST_PAUSE = "1s"


class World:
    """What drills share: the tools, and one PostgreSQL, made when first needed."""

    def __init__(self, tools):
        self.tools = tools
        self._postgres = None
        self._names = 0

    @property
    def postgres(self):
        if self._postgres is None:
            self._postgres = Postgres(self.tools)
        return self._postgres

    def name(self, of):
        self._names += 1
        return f"{of}-{self._names}"

    def service(self, engine, flags=(), tmpfs_mb=None):
        """A service that is not yet started, on an empty store, and the store."""
        name = self.name(engine)
        if engine == "sqlite":
            service = Service(self.tools, engine, name, flags=flags, tmpfs_mb=tmpfs_mb)
            return service, SqliteStore(os.path.join(service.data, "scheduling.db"))
        database = self.postgres.new_database()
        service = Service(self.tools, engine, name, database=self.postgres.url(database), flags=flags)
        return service, PostgresStore(self.postgres, database)

    def outcomes(self, engine):
        """The same of outcomes: ipt-suite with it, or ipt-outcomes by itself, whose scheduling is away."""
        name = self.name(f"outcomes-{engine}")
        if engine == "sqlite":
            service = Service(self.tools, engine, name, flags=["--outcomes"])
            return service, SqliteStore(os.path.join(service.data, "outcomes.db"))
        database = self.postgres.new_database()
        service = Service(self.tools, engine, name, database=self.postgres.url(database),
                          flags=[f"--scheduling=127.0.0.1:{dead_port()}"], binary="ipt-outcomes")
        return service, PostgresStore(self.postgres, database)

    def log_path(self):
        return self.tools.path(self.name("acknowledged"))

    def close(self):
        if self._postgres is not None:
            self._postgres.close()


def start_fight(world, service, size, log_path, **flags):
    fight = world.tools.start_load(
        service, "fight", clients=size["clients"], slots=size["slots"], therapists=size["therapists"],
        duration=f"{size['seconds']}s", longest_pause=LONGEST_PAUSE, acknowledged=log_path, **flags)
    # The first bookings are in: the fight is on.
    wait_for("the first booking", lambda: not fight.running() or has_bookings(log_path), 60)
    return fight


def has_bookings(path):
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as lines:
        return any(line.startswith("booked ") for line in lines)
    return False


def check_fight(world, service, store, log_path, answer):
    """The fight's own verdict, the API's view, and the store's rows."""
    status, fight = answer
    if status != 0 or not fight["ok"]:
        raise Failure(f"the fight failed: {fight['failed']} {fight['failures'][:2]}"
                      f" never filled: {fight['never_filled']}")
    status, verdict = world.tools.load(service, "verify", acknowledged=log_path)
    if status != 0 or not verdict["ok"]:
        raise Failure(f"the API disagrees with what was acknowledged: {verdict['problems'][:3]}")
    rows = check_store(store, log_path)
    if rows != verdict["sessions"]:
        raise Failure(f"the store has {rows} bookings, the API tells of {verdict['sessions']}")
    return {
        "calls": fight["calls"],
        "done": sum(fight["acknowledged"].values()),
        "refused": sum(fight["refused"].values()),
        "sent again": sum(fight["sent_again"].values()),
        "found again": fight["found_again"],
        "filled": f"{verdict['filled']}/{verdict['slots']}",
    }


def fight(world, engine, size):
    """Clients fight for slots: no overlap, nothing lost, every refusal explained, all slots filled."""
    service, store = world.service(engine)
    with service.start():
        log_path = world.log_path()
        running = start_fight(world, service, size, log_path)
        numbers = check_fight(world, service, store, log_path, running.result())
        check_the_checks(world, service, store, log_path)
        return numbers


def check_the_checks(world, service, store, log_path):
    """A log that tells of a booking that is not there, or not of one that is, must be found out."""
    with open(log_path, encoding="utf-8") as lines:
        lines = lines.read().splitlines()
    _, _, booked = read_log(log_path)
    name, (therapist, start) = random.choice(sorted(booked.items()))
    clinic = name.split("/")[1]
    forged = {
        "missing": lines + [f"booked clinics/{clinic}/courses/c/sessions/forged"
                            f" clinics/{clinic}/therapists/{therapist} {start}"],
        "never_acknowledged": [line for line in lines if line.split()[1] != name],
    }
    for count, text in forged.items():
        path = world.log_path()
        with open(path, "w", encoding="utf-8") as out:
            out.write("\n".join(text) + "\n")
        status, verdict = world.tools.load(service, "verify", acknowledged=path)
        if status != 1 or verdict[count] != 1:
            raise Failure(f"ipt-load verify does not see a forged log ({count})")
        try:
            check_store(store, path)
        except Failure:
            continue
        raise Failure(f"the check of the store does not see a forged log ({count})")


def expect_refusals(answer, *expected):
    """That clients had to send again for no other reasons than these, and those of any busy service: it has
    no room for all of them at once (a machine with other work; sessions that wait for a lost store), or
    PostgreSQL lets one of two writes go first."""
    _, fight = answer
    odd = set(fight["sent_again"]) - {"RESOURCE_EXHAUSTED OVERLOADED", "ABORTED STORE_CONFLICT", *expected}
    if odd:
        raise Failure(f"clients were also told {sorted(odd)}")
    overloaded = fight["sent_again"].get("RESOURCE_EXHAUSTED OVERLOADED", 0)
    if fight["sent_again_with_delay"].get("RESOURCE_EXHAUSTED OVERLOADED", 0) != overloaded:
        raise Failure(f"OVERLOADED {overloaded} times, but with a delay: {fight['sent_again_with_delay']}")


def kill(world, engine, size):
    """kill -9 of the service at random moments of the fight, and a restart each time."""
    service, store = world.service(engine)
    with service.start():
        log_path = world.log_path()
        running = start_fight(world, service, size, log_path)
        kills = 0
        for _ in range(size["kills"]):
            time.sleep(random.uniform(0.3, 1.0) * size["seconds"] / (size["kills"] + 1))
            if not running.running():
                break  # restarts take longer on a machine with other work
            service.kill()
            service.start()
            kills += 1
        answer = running.result()
        numbers = check_fight(world, service, store, log_path, answer)
        away = {name: n for name, n in answer[1]["sent_again"].items() if name == "UNAVAILABLE"}
        if not away:
            raise Failure("no client noticed a kill")
        return {"kills": kills, **numbers}


def lost_answers(world, engine, size):
    """Clients give up within moments and ask again: what was done is found, what was not is done."""
    service, store = world.service(engine)
    with service.start():
        log_path = world.log_path()
        running = start_fight(world, service, size, log_path, abandon=0.3)
        answer = running.result()
        numbers = check_fight(world, service, store, log_path, answer)
        expect_refusals(answer, "CANCELLED")
        if numbers["found again"] == 0:
            raise Failure("no answer was lost, so none was found again")
        return numbers


@contextlib.contextmanager
def polling(what):
    """Calls `what` every 50 ms in the background. Yields the list of its answers."""
    answers, stop = [], threading.Event()

    def poll():
        while not stop.wait(0.05):
            answers.append(what())

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()


def restart(world, engine, size):
    """PostgreSQL restarted in the middle of the fight."""
    service, store = world.service(engine)
    with service.start():
        log_path = world.log_path()
        running = start_fight(world, service, size, log_path)
        named = world.tools.start_load(service, "watch", service=COURSES, duration="120s")
        whole = world.tools.start_load(service, "watch", duration="120s")
        with polling(lambda: service.get("/readyz")[0]) as readiness:
            time.sleep(0.5)
            for _ in range(size["restarts"]):
                world.postgres.stop(size["mode"])
                down = time.monotonic()
                wait_for("store_up 0", lambda: service.metric("store_up") == 0)
                time.sleep(max(0.0, size["down"] - (time.monotonic() - down)))
                world.postgres.start()
                started = time.monotonic()
                wait_for("store_up 1", lambda: service.metric("store_up") == 1)
                back = time.monotonic() - started
                time.sleep(0.3)
            answer = running.result()
        numbers = check_fight(world, service, store, log_path, answer)
        if service.starts != 1 or service.process.poll() is not None:
            raise Failure("the service did not survive")
        if set(readiness) != {200}:
            raise Failure(f"/readyz followed the store: {sorted(set(readiness))}")

        again, delayed = answer[1]["sent_again"], answer[1]["sent_again_with_delay"]
        refused = again.get("UNAVAILABLE STORE_UNAVAILABLE", 0)
        if refused == 0:
            raise Failure(f"no client was told UNAVAILABLE STORE_UNAVAILABLE: {again}")
        if delayed.get("UNAVAILABLE STORE_UNAVAILABLE") != refused:
            raise Failure(f"{refused} refusals, but RetryInfo and grpc-retry-pushback-ms with {delayed}")
        expect_refusals(answer, "UNAVAILABLE STORE_UNAVAILABLE")
        expect_changes(named, ["SERVING"] + ["NOT_SERVING", "SERVING"] * size["restarts"], "of " + COURSES)
        expect_changes(whole, ["SERVING"], "of the server")
        return {"down": f"{size['down']} s", "back in": f"{back:.1f} s", **numbers}


def lines(path):
    with open(path, "rb") as text:
        return text.read().count(b"\n")


def failover(world, engine, size):
    """PostgreSQL's primary is killed, its synchronous standby promoted: nothing acknowledged is lost."""
    with contextlib.ExitStack() as end:
        primary = Postgres(world.tools, world.name("primary"))
        end.callback(primary.close)
        standby = Postgres(world.tools, world.name("standby"), primary)
        end.callback(standby.close)
        primary.follow_with(standby)
        database = primary.new_database()
        url = (f"postgresql://ipt@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/{database}"
               "?target_session_attrs=read-write&connect_timeout=3")
        services = []
        for _ in range(2):
            services.append(Service(world.tools, engine, world.name("failover"), database=url))
            end.push(services[-1])
            services[-1].start()
        log_path = world.log_path()
        running = start_fight(world, services[0], size, log_path)
        time.sleep(size["seconds"] / 4)
        primary.crash()
        died = time.monotonic()
        wait_for("store_up 0", lambda: all(service.metric("store_up") == 0 for service in services))
        time.sleep(max(0.0, size["away"] - (time.monotonic() - died)))
        acknowledged = lines(log_path)
        standby.promote()
        promoted = time.monotonic()
        wait_for("acknowledged writes", lambda: lines(log_path) > acknowledged, every=0.01)
        back = time.monotonic()
        wait_for("store_up 1", lambda: all(service.metric("store_up") == 1 for service in services))
        up = time.monotonic()
        answer = running.result()
        numbers = check_fight(world, services[1], PostgresStore(standby, database), log_path, answer)
        for service in services:
            if service.starts != 1 or service.process.poll() is not None:
                raise Failure("a service did not survive")
        again = answer[1]["sent_again"]
        if again.get("UNAVAILABLE STORE_UNAVAILABLE", 0) == 0:
            raise Failure(f"no client was told UNAVAILABLE STORE_UNAVAILABLE: {again}")
        expect_refusals(answer, "UNAVAILABLE STORE_UNAVAILABLE")
        return {"away": f"{promoted - died:.1f} s", "writes after promotion": f"{back - promoted:.2f} s",
                "all up after": f"{up - promoted:.2f} s", **numbers}


def expect_changes(watch, expected, whose):
    """Ends a watch and compares. It is stopped by SIGINT, upon which it tells what it saw."""
    watch.process.send_signal(signal.SIGINT)
    _, history = watch.result()
    states = [change["state"] for change in history["changes"]]
    if states != expected:
        raise Failure(f"the health {whose} went {states}, not {expected}")


def disk_full(world, engine, size):
    """The disk fills up under SQLite; reads go on; a kill while it is full; then room is made."""
    service, store = world.service(engine, tmpfs_mb=size["megabytes"])
    with service:
        service.start()
        log_path = world.log_path()
        running = start_fight(world, service, size, log_path)
        time.sleep(0.5)
        ballast = os.path.join(service.data, "ballast")

        def refusals():
            return service.total("grpc_server_handled_total", grpc_code=["RESOURCE_EXHAUSTED"])

        def full():
            fill(ballast)  # again and again: SQLite may have given room back
            return refusals() > 0

        wait_for("a refused write", full)
        # Reads go on, while writes are refused.
        clinic = wait_for("the clinic", lambda: read_log(log_path)[0])
        before = refusals()
        status, reads = world.tools.load(
            service, "run", setup="false", clinics=clinic, mix="get-course=4,list-sessions=1",
            in_flight=4, warmup="0s", duration=f"{size['reading']}s")
        if status != 0:
            raise Failure(f"reads failed on a full disk: {reads['all']['errors']}")
        wait_for("another refused write", lambda: fill(ballast) or refusals() > before)
        service.kill()
        service.start()
        wait_for("a refused write after the restart", lambda: fill(ballast) or refusals() > 0)
        os.remove(ballast)

        answer = running.result()
        numbers = check_fight(world, service, store, log_path, answer)
        again, delayed = answer[1]["sent_again"], answer[1]["sent_again_with_delay"]
        refused = again.get("RESOURCE_EXHAUSTED STORE_FULL", 0)
        if refused == 0 or delayed.get("RESOURCE_EXHAUSTED STORE_FULL") != refused:
            raise Failure(f"STORE_FULL with RetryInfo was expected: {again}, with delay {delayed}")
        expect_refusals(answer, "RESOURCE_EXHAUSTED STORE_FULL", "UNAVAILABLE")
        return {"STORE_FULL": refused, "reads meanwhile": reads["all"]["calls"], **numbers}


def fill(path):
    """Writes until there is no room."""
    with contextlib.suppress(OSError), open(path, "ab", buffering=0) as out:
        for block in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while out.write(b"\0" * block) == block:
                    pass


def same_request(world, engine, size):
    """Equal requests with one request_id at once: one row, one answer."""
    service, store = world.service(engine)
    with service.start():
        status, result = world.tools.load(
            service, "same", clients=size["clients"], rounds=size["rounds"], connections=16)
        if status != 0 or not result["ok"]:
            raise Failure(f"{result}")
        rows = int(store.rows("SELECT count(*) FROM sessions")[0][0])
        if rows != size["rounds"]:
            raise Failure(f"{rows} rows of {size['rounds']} bookings")
        check_not_torn(store)
        return {"calls": result["calls"], "rows": rows, "sent again": result["sent_again"]}


def full_queue(world, engine, size):
    """More calls than threads and queue hold: refused at once, with a delay; health answers."""
    service, _ = world.service(engine, flags=["--executor_threads=1", "--executor_queue=8"])
    with service.start():
        watch = world.tools.start_load(service, "watch", service=COURSES, duration=f"{size['seconds']}s")
        status, load = world.tools.load(
            service, "run", mix="plan", in_flight=size["in_flight"], clinics="queue", therapists=1, courses=4,
            warmup="0s", duration=f"{size['seconds']}s")
        _, health = watch.result()
        plan = load["operations"]["plan"]
        refused = plan["failed"]
        if status != 1 or set(plan["errors"]) != {"RESOURCE_EXHAUSTED OVERLOADED"}:
            raise Failure(f"RESOURCE_EXHAUSTED OVERLOADED was expected, and nothing else: {plan['errors']}")
        if plan["errors_with_retry_info"] != refused or plan["errors_with_pushback"] != refused:
            raise Failure(f"of {refused} refusals, {plan['errors_with_retry_info']} had RetryInfo and"
                          f" {plan['errors_with_pushback']} grpc-retry-pushback-ms")
        if plan["calls"] == refused:
            raise Failure("nothing was done at all")
        if [change["state"] for change in health["changes"]] != ["SERVING"]:
            raise Failure(f"health changed: {health['changes']}")
        if health["latency_ms"]["p99"] > 500:
            raise Failure(f"health took {health['latency_ms']['p99']} ms")
        # And when the crowd has gone, all is as before.
        status, calm = world.tools.load(service, "run", mix="get-course", setup="false", clinics="queue",
                                        in_flight=1, warmup="0s", duration="0.3s")
        if status != 0:
            raise Failure(f"calls fail after the overload: {calm['all']['errors']}")
        return {"done": plan["calls"] - refused, "refused": refused,
                "health p99": f"{health['latency_ms']['p99']:.1f} ms"}


def store_guards(world, engine, size):
    """Overlaps written straight by SQL, behind the service: the store itself refuses them."""
    service, store = world.service(engine)
    with service.start():
        log_path = world.log_path()
        running = start_fight(world, service, size, log_path)
        check_fight(world, service, store, log_path, running.result())
    cases = 0
    for case, kind, sql in overlapping_writes(store):
        # The same statement is refused with the guard and does harm without it: so what refuses is
        # the guard, and the check for overlaps sees.
        error, _ = store.attempt(sql)
        guard = store.guards[kind] if kind else None
        if guard is None:
            if error:
                raise Failure(f"{case}: is no overlap, but refused: {error}")
            continue
        if error is None:
            raise Failure(f"{case}: the store took it; is {guard} missing?")
        if guard not in error:
            raise Failure(f"{case}: refused by something else than {guard}: {error}")
        error, overlaps = store.attempt(store.remove_guards, sql)
        if error or overlaps == 0:
            raise Failure(f"{case}: without the guard it should have made an overlap: {error}")
        cases += 1
    return {"refused": cases}


def overlapping_writes(store):
    """(what it is, who would be double-booked or None, SQL)"""
    columns = ("clinic_id, course_id, session_id, therapist_id, patient_id, start_us, end_us,"
               " blocked_until_us, blocking, time_zone, state, modality, location, uses_session,"
               " sequence, details, session_number, phase, week_number, revision, created_us, updated_us")
    # A booking, and one at another time with another therapist and patient.
    clinic, course, session, therapist, patient, other_course, other_session = store.rows(
        "SELECT a.clinic_id, a.course_id, a.session_id, a.therapist_id, a.patient_id, b.course_id,"
        " b.session_id FROM sessions a JOIN sessions b ON a.clinic_id = b.clinic_id"
        " AND a.therapist_id <> b.therapist_id AND a.patient_id <> b.patient_id"
        " AND a.start_us >= b.blocked_until_us"
        " WHERE a.blocking = 1 AND b.blocking = 1 ORDER BY a.session_id, b.session_id LIMIT 1")[0]
    row = f"clinic_id = '{clinic}' AND course_id = '{course}' AND session_id = '{session}'"
    other = f"clinic_id = '{clinic}' AND course_id = '{other_course}' AND session_id = '{other_session}'"

    def copy(**changes):
        values = ", ".join(changes.get(c, c) for c in columns.split(", "))
        return f"INSERT INTO sessions ({columns}) SELECT {values} FROM sessions WHERE {row}"

    minute = 60_000_000
    nobody = {"therapist_id": "'nobody'"} , {"patient_id": "'nobody'"}
    new = {"session_id": "'drill'"}
    later = {c: f"{c} + {49 * minute}" for c in ("start_us", "end_us", "blocked_until_us")}
    earlier = {c: f"{c} - {49 * minute}" for c in ("start_us", "end_us", "blocked_until_us")}
    inside = {"start_us": f"start_us + {minute}", "end_us": f"end_us - {minute}",
              "blocked_until_us": f"blocked_until_us - {minute}"}
    yield "insert, same time, therapist", "therapist", copy(**new, **nobody[1])
    yield "insert, same time, patient", "patient", copy(**new, **nobody[0])
    yield "insert, last minute, therapist", "therapist", copy(**new, **nobody[1], **later)
    yield "insert, first minute, patient", "patient", copy(**new, **nobody[0], **earlier)
    yield "insert, inside, therapist", "therapist", copy(**new, **nobody[1], **inside)
    times = ", ".join(f"{c} = (SELECT {c} FROM sessions WHERE {row})"
                      for c in ("start_us", "end_us", "blocked_until_us"))
    yield ("update of times, therapist", "therapist",
           f"UPDATE sessions SET therapist_id = '{therapist}', patient_id = 'nobody', {times} WHERE {other}")
    yield ("update of times, patient", "patient",
           f"UPDATE sessions SET patient_id = '{patient}', therapist_id = 'nobody', {times} WHERE {other}")
    free = copy(**new, therapist_id="'nobody'", patient_id="'none'")
    mine = f"clinic_id = '{clinic}' AND session_id = 'drill'"
    yield ("update of the therapist", "therapist",
           f"{free}; UPDATE sessions SET therapist_id = '{therapist}' WHERE {mine}")
    yield ("update of the patient", "patient",
           f"{free}; UPDATE sessions SET patient_id = '{patient}' WHERE {mine}")
    idle = copy(**new, **nobody[1], blocking="0", state="4")
    yield ("update of the state", "therapist",
           f"{idle}; UPDATE sessions SET blocking = 1, state = 1 WHERE {mine}")
    # What is no overlap is taken.
    yield "insert, nobody's time", None, free
    yield "insert, cancelled", None, idle
    gone = {c: f"{c} + {3650 * 1440 * minute}" for c in ("start_us", "end_us", "blocked_until_us")}
    back_to_back = {"start_us": f"blocked_until_us + {3650 * 1440 * minute}",
                    "end_us": f"blocked_until_us + {(3650 * 1440 + 50) * minute}",
                    "blocked_until_us": f"blocked_until_us + {(3650 * 1440 + 50) * minute}"}
    yield "insert, back to back", None, f"{copy(**new, **gone)}; {copy(session_id=chr(39) + 'next' + chr(39), **back_to_back)}"


REDUCED_FIGHT = {"clients": 32, "slots": 80, "therapists": 4, "seconds": 3}
FULL_FIGHT = {"clients": 64, "slots": 200, "therapists": 4, "seconds": 20}
SMALL = {"clients": 8, "slots": 16, "therapists": 4, "seconds": 0.5}


class Drill:
    def __init__(self, name, engine, run, reduced, full):
        self.name, self.engine, self.run, self.reduced, self.full = name, engine, run, reduced, full

    @property
    def needs_disk(self):
        return "megabytes" in self.reduced

    @property
    def summary(self):
        return self.run.__doc__.split("\n")[0]


def both(name, run, reduced, full):
    return [Drill(name, engine, run, reduced, full) for engine in ("sqlite", "postgres")]


DRILLS = [
    *both("fight", fight, REDUCED_FIGHT, FULL_FIGHT),
    *both("store-guards", store_guards, SMALL, SMALL),
    *both("kill", kill, {**REDUCED_FIGHT, "seconds": 4, "kills": 3}, {**FULL_FIGHT, "kills": 8}),
    *both("lost-answers", lost_answers, REDUCED_FIGHT, FULL_FIGHT),
    Drill("restart-fast", "postgres", restart,
          {**REDUCED_FIGHT, "seconds": 6, "mode": "fast", "down": 3, "restarts": 1},
          {**FULL_FIGHT, "seconds": 30, "mode": "fast", "down": 5, "restarts": 3}),
    Drill("restart-immediate", "postgres", restart,
          {**REDUCED_FIGHT, "seconds": 6, "mode": "immediate", "down": 3, "restarts": 1},
          {**FULL_FIGHT, "seconds": 30, "mode": "immediate", "down": 5, "restarts": 3}),
    Drill("disk-full", "sqlite", disk_full, {**REDUCED_FIGHT, "megabytes": 48, "reading": 1},
          {**FULL_FIGHT, "megabytes": 128, "reading": 5}),
    *both("same-request", same_request, {"clients": 64, "rounds": 4}, {"clients": 64, "rounds": 16}),
    *both("follow", follow, {"writers": 3, "kills": 50, "server_kills": 3, "seconds": 20},
          {"writers": 6, "kills": 200, "server_kills": 12, "seconds": 120}),
    *both("risk-killed", risking.killed, {"writers": 8, "kills": 5}, {"writers": 24, "kills": 50, "both": True}),
    Drill("full-queue", "sqlite", full_queue, {"in_flight": 64, "seconds": 2},
          {"in_flight": 256, "seconds": 10}),
    Drill("rolling-restart", "postgres", rolling.restart, rolling.REDUCED, rolling.FULL),
    Drill("postgres-failover", "postgres", failover, {**REDUCED_FIGHT, "seconds": 8, "away": 2},
          {**FULL_FIGHT, "seconds": 40, "away": 10}),
    *[Drill(name, engine, run, {**reminding.REDUCED, **reduced}, {**reminding.FULL, **full})
      for name, engines, run, reduced, full in reminding.FAULTS for engine in engines],
]
