"""The drills of reminders: thousands fall due while a fault strikes and sessions are booked, moved and
cancelled. Each has exactly one outcome, none is sent after its session or with an old time, and none
twice but where nobody can know.

Most are planned: they wait in the index when the fault strikes. Sessions are booked for tomorrow by the
API, and one statement then moves the times of their reminders into the drill, behind the service's
back: rules and starts are whole minutes, for which no drill can wait. The index's auditor finds it out.
Others are due when they are made: sessions booked so late that half of the notice is left."""

import collections
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

import contract
import sends
from gateway import now_us
from processes import Failure, Redis, Sentinel, Service, die_with_parent, free_port, wait_for

BUSY, HELD = "busy", "held"  # the clinic where all happens; one whose sending is paused meanwhile
NOTICE = 480  # minutes
SLOT = 15  # minutes of a session
SLOTS_A_COURSE = 2
COURSES_A_THERAPIST = 20
COURSES_A_MOVER = 10
# Until planned reminders begin to fall due: the auditor looks once a second.
LEAD = 2.5
# Of its planned reminders a clinic's every fifth is of use for this long only, as one whose session
# begins soon.
SHORT_USE = 2.0
HELD_COURSES = 16


def timestamp(seconds):
    return {"seconds": int(seconds)}


class Mover(threading.Thread):
    """Books, moves and cancels sessions of its own courses, and remembers what it was told when."""

    def __init__(self, addresses, number, courses, stop, pause):
        super().__init__(daemon=True)
        self.client = contract.Client(addresses)
        self.courses, self.stop, self.pause = courses, stop, pause
        self.random = random.Random(number)
        self.moves = collections.defaultdict(list)
        self.starts = {}  # name: (course, start) of what is booked
        self.done, self.refused, self.broken = 0, 0, None

    def run(self):
        import grpc

        try:
            while not self.stop.wait(self.pause):
                try:
                    self.random.choices([self.book, self.move, self.cancel], [6, 4, 1])[0]()
                    self.done += 1
                except grpc.RpcError as error:
                    # A patient or a therapist is where one of the others is; the course is full.
                    if error.code().name != "FAILED_PRECONDITION":
                        raise
                    self.refused += 1
        except Exception as error:
            self.broken = f"{type(error).__name__}: {error}"

    def free_start(self, course):
        """Soon enough to be told at once, or, now and then, tomorrow."""
        first = int(time.time()) // (SLOT * 60) + 1
        taken = {start for of, start in self.starts.values() if of == course}

        def free(*hours):
            return [slot * SLOT * 60 for slot in range(*(first + int(hour * 4) for hour in hours))
                    if slot * SLOT * 60 not in taken]

        soon, tomorrow = free(4.5, 7.5), free(25, 40)
        return self.random.choice(tomorrow if not soon or self.random.random() < 0.2 else soon)

    def remember(self, name, start, act):
        """Between the two instants nobody knows which time holds."""
        asked = now_us()
        session = act()
        self.moves[name or session.name.rsplit("/", 1)[1]].append(
            sends.Move(asked, now_us(), None if start is None else start * 1_000_000))
        return session

    def book(self):
        course = self.random.choice(self.courses)
        start = self.free_start(course)
        session = self.remember(None, start, lambda: self.client.call(
            "session_service", "BookSession", parent=course, session_minutes=SLOT,
            start_time=timestamp(start)))
        self.starts[session.name] = (course, start)

    def move(self):
        if not self.starts:
            return self.book()
        name = self.random.choice(sorted(self.starts))
        course = self.starts[name][0]
        start = self.free_start(course)
        self.remember(name.rsplit("/", 1)[1], start, lambda: self.client.call(
            "session_service", "RescheduleSession", name=name, scope=1, start_time=timestamp(start)))
        self.starts[name] = (course, start)

    def cancel(self):
        if not self.starts:
            return self.book()
        name = self.random.choice(sorted(self.starts))
        self.remember(name.rsplit("/", 1)[1], None, lambda: self.client.call(
            "session_service", "CancelSession", name=name, cancelled_by=1))
        del self.starts[name]


class Gateway:
    """tests/faults/gateway.py as a process; its log goes on over its restarts."""

    def __init__(self, stage, number, how="calls", manner="", most=0, lease_seconds=30, batch=50,
                 clinics=(BUSY, HELD)):
        self.manner = manner
        self.log = stage.tools.path(f"{stage.name}-gateway-{number}.log")
        self.said = self.log + ".err"
        open(self.log, "ab").close()
        config = {"addresses": stage.addresses, "clinics": clinics, "log": self.log, "how": how,
                  "lease_seconds": lease_seconds, "batch": batch, "manner": manner, "most": most}
        self.args = [sys.executable, os.path.join(os.path.dirname(__file__), "gateway.py"), stage.stubs,
                     json.dumps(config)]
        self.process = None

    def start(self):
        with open(self.said, "ab") as said:
            self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                            preexec_fn=die_with_parent)

    def check(self):
        """It ends by itself only as it was told to."""
        if self.manner != "dies" and self.process.poll() not in (None, 0):
            with open(self.said, encoding="utf-8") as said:
                raise Failure(f"a gateway ended with {self.process.returncode}: {said.read().strip()[-300:]}")

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Stage:
    """Servers, a store, perhaps a Redis; courses, gateways, and who moves sessions."""

    def __init__(self, world, engine, size, redis=None, replicas=1, flags=(), ahead=0):
        """`redis`: its URL, or None. `ahead`: of the last replica's clock, in seconds."""
        self.tools, self.size, self.engine = world.tools, size, engine
        self.stubs = self.tools.stubs()
        contract.load(self.stubs)
        if redis is not None:
            flags = [f"--redis={redis}", *flags]
        first, self.store = world.service(engine, flags=flags)
        self.name = os.path.basename(first.log)[:-len(".log")]
        self.services = [first]
        for number in range(1, replicas):
            self.services.append(Service(
                self.tools, engine, f"{self.name}-replica-{number}", flags=flags,
                database=first.args[1].split("=", 1)[1], ahead=ahead if number == replicas - 1 else 0))
        self.addresses = [service.address for service in self.services]
        self.gateways, self.movers, self.threads = [], [], []
        self.stop = threading.Event()

    def __enter__(self):
        try:
            for service in self.services:
                service.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, traceback):
        self.stop.set()
        for gateway in self.gateways:
            gateway.kill()
        for service in self.services:
            if service.process is None or service.process.poll() is not None:
                continue
            if kind is None:
                service.stop()
            else:
                service.kill()

    @property
    def service(self):
        return self.services[0]

    def metric(self, name):
        """Over all replicas."""
        return sum(service.metric(name) or 0 for service in self.services)

    def count(self, condition):
        return int(self.store.rows(f"SELECT count(*) FROM reminders WHERE {condition}")[0][0])

    # ------------------------------------------------------------------------------- the clinic

    def populate(self):
        """Two clinics and their courses. Of the busy one, those of `planned` are for tomorrow; the
        movers' have no session yet."""
        client = contract.Client(self.addresses[:1])
        for clinic in (BUSY, HELD):
            client.call("clinic_service", "CreateClinic", clinic_id=clinic, clinic={
                "display_name": clinic, "time_zone": "UTC"})
            client.call("reminder_service", "UpdateReminderPolicy", clinic=f"clinics/{clinic}", policy={
                "session_rules": [{"audience": audience, "minutes_before": NOTICE, "channels": [1, 2],
                                   "template": "drill"} for audience in (1, 2)]})
        client.call("reminder_service", "SetSending", clinic=f"clinics/{HELD}", paused=True, reason="drill")
        courses = -(-self.size["due"] // (2 * SLOTS_A_COURSE))
        work = [(BUSY, f"a{i}", range(i * COURSES_A_THERAPIST, min((i + 1) * COURSES_A_THERAPIST, courses)))
                for i in range(-(-courses // COURSES_A_THERAPIST))]
        work.append((HELD, "held", range(HELD_COURSES)))
        movers = [[] for _ in range(self.size["movers"])]
        work += [(BUSY, f"m{number}-{i}", movers[number])
                 for number in range(self.size["movers"]) for i in range(COURSES_A_MOVER)]
        lock, broken = threading.Lock(), []

        def build():
            mine = contract.Client(self.addresses[:1])
            try:
                while True:
                    with lock:
                        if not work:
                            return
                        clinic, therapist, courses = work.pop()
                    self.add_therapist(mine, clinic, therapist)
                    if isinstance(courses, list):
                        courses.append(self.add_course(mine, clinic, therapist, therapist))
                        continue
                    for place, number in enumerate(courses):
                        self.add_planned(mine, clinic, therapist, number, place)
            except Exception as error:
                broken.append(f"{type(error).__name__}: {error}")

        builders = [threading.Thread(target=build, daemon=True) for _ in range(4)]
        for builder in builders:
            builder.start()
        for builder in builders:
            builder.join(300)
        if broken:
            raise Failure(f"the clinic was not made: {broken[0]}")
        for number, courses in enumerate(movers):
            self.movers.append(Mover(self.addresses, number, courses, self.stop, self.size["pause"]))

    def add_therapist(self, client, clinic, therapist):
        client.call("therapist_service", "CreateTherapist", parent=f"clinics/{clinic}", therapist_id=therapist,
                    therapist={"display_name": therapist, "session_minutes": SLOT, "working_hours": [
                        {"day": day, "start": {}, "end": {"hours": 24}} for day in range(1, 8)]})

    def add_course(self, client, clinic, therapist, number):
        return client.call("course_service", "CreateCourse", parent=f"clinics/{clinic}", course={
            "patient": {"system": "urn:drill", "value": f"p{number}"}, "variant": "ipt-uk-16",
            "therapist": f"clinics/{clinic}/therapists/{therapist}"}).name

    def add_planned(self, client, clinic, therapist, number, place):
        course = self.add_course(client, clinic, therapist, number)
        first = (int(time.time()) // (SLOT * 60) + 26 * 4 + place * SLOTS_A_COURSE) * SLOT * 60
        client.call("course_service", "BookPlan", name=course, slots=[
            {"start_time": timestamp(first + i * SLOT * 60), "session_minutes": SLOT}
            for i in range(SLOTS_A_COURSE if clinic == BUSY else 1)])

    def schedule(self):
        """Spreads what is planned over the drill's time, from LEAD seconds from now on."""
        first = now_us() + int(LEAD * 1e6)
        span = int(self.size["seconds"] * 1e6)
        # Any number that differs from row to row, and not by the order of anything.
        if self.engine == "sqlite":
            spread = "(abs(random()) % {})"
        else:
            spread = "CAST(floor(random() * {}) AS BIGINT)"
        planned = f"kind = 1 AND state = 1 AND due_us > {first}"
        self.store.write(f"UPDATE reminders SET next_us = {first} + {spread.format(span)} WHERE {planned}")
        self.store.write(f"UPDATE reminders SET due_us = next_us WHERE {planned}")
        self.store.write(f"UPDATE reminders SET not_after_us = due_us + {int(SHORT_USE * 1e6)}"
                         f" WHERE kind = 1 AND state = 1 AND due_us < {first + span} AND (due_us % 5 = 0"
                         # There are few, and one at least has to be too late.
                         f" OR clinic_id = '{HELD}' AND due_us % 2 = 0)")

    # ----------------------------------------------------------------------------- the drill

    def add_gateway(self, **config):
        gateway = Gateway(self, len(self.gateways), **config)
        self.gateways.append(gateway)
        gateway.start()
        return gateway

    def add_good_gateways(self):
        self.add_gateway(how="calls")
        self.add_gateway(how="stream", lease_seconds=10)

    def begin(self, gateways=True):
        self.populate()
        self.schedule()
        self.began = time.monotonic() + LEAD
        if gateways:
            self.add_good_gateways()
        for mover in self.movers:
            mover.start()

    def at(self, share):
        """Waits for that share of the time in which reminders fall due."""
        time.sleep(max(0.0, self.began + share * self.size["seconds"] - time.monotonic()))

    def check_alive(self):
        for mover in self.movers:
            if mover.broken is not None:
                raise Failure(f"a mover broke: {mover.broken}")
        for gateway in self.gateways:
            gateway.check()
        for service in self.services:
            if service.process.poll() is not None:
                raise Failure(f"the service ended with {service.process.returncode}; see {service.log}")

    def settle(self, seconds=120):
        """Nothing new; what was held goes out; all that is due has its outcome."""
        self.at(1)
        self.stop.set()
        for mover in self.movers:
            mover.join(90)
        self.check_alive()
        contract.Client(self.addresses).call("reminder_service", "SetSending", clinic=f"clinics/{HELD}")
        self.until = now_us()

        def drained():
            self.check_alive()
            return self.count(f"state = 2 OR state = 1 AND (due_us <= {self.until} OR next_us <= {self.until})"
                              ) == 0

        try:
            wait_for("all outcomes", drained, seconds, every=0.2)
        except Failure:
            left = self.store.rows("SELECT clinic_id, reminder_id, state, generation, due_us, next_us,"
                                   " policy_version FROM reminders WHERE state = 2 OR state = 1"
                                   f" AND (due_us <= {self.until} OR next_us <= {self.until}) LIMIT 3")
            raise Failure(f"reminders that are due have no outcome, e.g. {left}") from None

    def check(self, **struck):
        """The promises, and the numbers of the table."""
        moves = {session: [sends.Move(0, 0, int(start))] for session, start in self.store.rows(
            "SELECT session_id, start_us FROM sessions")}
        for mover in self.movers:
            moves.update(mover.moves)
        books = sends.Books(*sends.read_store(self.store), *sends.read_logs([g.log for g in self.gateways]),
                            moves)
        injected = sum(len(sends.unanswered(*sends.read_logs([g.log])))
                       for g in self.gateways if g.manner)
        numbers = sends.check(books, self.until, injected)
        sends.check_the_checks(books, self.until, injected)
        held = [row for row in books.rows if row.clinic == HELD]
        late = [row for row in held if row.state == sends.SUPPRESSED]
        if not late or not any(row.state == sends.SENT for row in held):
            raise Failure(f"of {len(held)} held back, {len(late)} were too late")
        moved = sum(mover.done for mover in self.movers)
        seconds = sends.lateness(books, without=(HELD,))
        lateness = {"p50": seconds[len(seconds) // 2], "p99": seconds[len(seconds) * 99 // 100],
                    "max": seconds[-1]}
        due = sum(row.due <= self.until for row in books.rows)
        return {"lateness": lateness, **struck, "due": due, **numbers, "moves": moved}


# ------------------------------------------------------------------------------------- the faults
# Each strikes in the middle of the drill, proves that it struck, and tells of it. Where Redis is
# concerned, `stage.redis` is the server.


def queued(redis):
    """What waits in the index for the busy clinic."""
    return redis.cli("ZRANGE", f"rem:{{{BUSY}}}:due", "0", "-1").split()


def expect_queued(redis):
    ids = queued(redis)
    if not ids:
        raise Failure("nothing waits in Redis, so there is nothing to lose")
    return ids


def grew(stage, name, by=1, seconds=60):
    """Waits until a counter has grown. Returns a function, so that it is read before the fault."""
    before = stage.metric(name)

    def wait():
        wait_for(f"growth of {name}", lambda: stage.metric(name) >= before + by, seconds)
        return int(stage.metric(name) - before)

    return wait


def back(stage):
    wait_for("the session with Redis",
             lambda: all(service.metric("redis_breaker_state") == 0 for service in stage.services))


def away(stage):
    wait_for("redis_breaker_state above 0",
             lambda: all(service.metric("redis_breaker_state") > 0 for service in stage.services))


def flushed(stage):
    """Redis: FLUSHALL, again and again."""
    rebuilds = 0
    for share in (0.2, 0.4, 0.6):
        stage.at(share)
        expect_queued(stage.redis)
        rebuilt = grew(stage, "ipt_reminder_index_rebuilds_total")
        stage.redis.cli("FLUSHALL")
        rebuilds += rebuilt()
    return {"flushes": 3, "rebuilds": rebuilds}


def killed_empty(stage):
    """Redis: kill -9, and a restart with nothing in it."""
    stage.at(0.3)
    lost = len(expect_queued(stage.redis))
    rebuilt = grew(stage, "ipt_reminder_index_rebuilds_total")
    connected = grew(stage, "redis_connects_total")
    stage.redis.kill()
    stage.redis.start()
    connected()
    return {"lost": lost, "rebuilds": rebuilt()}


def old_snapshot(stage):
    """Redis: kill -9, and a restart with an old snapshot."""
    stage.at(0.1)
    stage.redis.save()
    saved = expect_queued(stage.redis)
    stage.at(0.5)
    rebuilt = grew(stage, "ipt_reminder_index_rebuilds_total")

    def over_by_now():
        return len(set(saved) & {row[0] for row in stage.store.rows(
            f"SELECT reminder_id FROM reminders WHERE clinic_id = '{BUSY}' AND state > 2")})

    wait_for("the end of a saved one", over_by_now)
    stage.redis.kill()
    over = over_by_now()
    stage.redis.start()
    loaded = int(stage.redis.info("rdb_last_load_keys_loaded") or 0)
    if loaded == 0 or over == 0:
        raise Failure(f"the snapshot was not old: {loaded} keys, {over} of its reminders are over")
    return {"old entries": over, "rebuilds": rebuilt()}


def frozen(stage):
    """Redis: SIGSTOP."""
    stage.at(0.2)
    expect_queued(stage.redis)
    errors, claims = grew(stage, "redis_errors_total"), grew(stage, "ipt_reminder_fallback_claims_total")
    stage.redis.freeze()
    frozen_at = time.monotonic()
    away(stage)
    time.sleep(max(0.0, frozen_at + stage.size["frozen"] - time.monotonic()))
    stage.redis.thaw()
    back(stage)
    return {"frozen": f"{stage.size['frozen']} s", "errors": errors(), "SQL claims": claims()}


def refusing(stage):
    """Redis: refuses connections, first as it has no room for clients, then as it is not there."""
    stage.at(0.2)
    expect_queued(stage.redis)
    claims = grew(stage, "ipt_reminder_fallback_claims_total")
    with socket.socket(socket.AF_UNIX) as only:
        only.connect(stage.redis.socket)
        for command in ("CONFIG SET maxclients 1", "CLIENT KILL TYPE pubsub", "CLIENT KILL TYPE normal"):
            only.sendall(command.encode() + b"\r\n")
        away(stage)
        stage.at(0.4)
        no_room = refusals(stage, "max number of clients")
        only.sendall(b"CONFIG SET maxclients 10000\r\n")
        back(stage)
    stage.at(0.5)
    stage.redis.kill()
    away(stage)
    stage.at(0.8)
    not_there = refusals(stage, "refused")
    stage.redis.start()
    back(stage)
    return {"no room": no_room, "not there": not_there, "SQL claims": claims()}


def refusals(stage, why):
    """How many lines of the log say that Redis was left for this reason; waits for one."""

    def count():
        return sum(why in line.get("detail", "") for service in stage.services
                   for line in service.logged("redis_down"))

    return wait_for(f"a line redis_down of the log that says: {why}", count)


def full(stage):
    """Redis: out of memory from then on, with noeviction. All goes out all the same."""
    stage.at(0.2)
    expect_queued(stage.redis)
    errors, claims = grew(stage, "redis_errors_total"), grew(stage, "ipt_reminder_fallback_claims_total")
    stage.redis.cli("CONFIG", "SET", "maxmemory", "1")
    refused, claimed = errors(), claims()
    if stage.redis.info("maxmemory_policy") != "noeviction":
        raise Failure("Redis may evict")
    return {"errors": refused, "SQL claims": claimed}


def wrong_password(stage):
    """Redis: another password, which the service is told later."""
    stage.at(0.2)
    expect_queued(stage.redis)
    claims = grew(stage, "ipt_reminder_fallback_claims_total")
    stage.redis.cli("CONFIG", "SET", "requirepass", "second")
    stage.redis.password = "second"
    stage.redis.cli("CLIENT", "KILL", "TYPE", "pubsub")
    stage.redis.cli("CLIENT", "KILL", "TYPE", "normal")
    away(stage)
    stage.at(0.7)
    refused = refusals(stage, "WRONGPASS")
    write_password(stage.tools, "second")
    back(stage)
    return {"refused": refused, "SQL claims": claims()}


def write_password(tools, password):
    path = tools.path("redis-password")
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.write(password + "\n")
    os.replace(path + ".new", path)
    return path


def service_killed(stage):
    """The service: kill -9 between lease and acknowledgement, again and again."""
    leases = 0
    for kill in range(stage.size["kills"]):
        stage.at((kill + 0.5) / stage.size["kills"])
        # Killed in the middle of it, more often than not; else again.
        for _ in range(20):
            wait_for("a lease", lambda: stage.count("state = 2") > 0)
            stage.service.kill()
            left = stage.count("state = 2")
            stage.service.start()
            leases += left
            if left > 0:
                break
        else:
            raise Failure("the service was never killed while a reminder was leased")
    struck = {"kills": stage.service.starts - 1, "leased then": leases}
    if stage.redis is None:  # the twin in the process died with it
        struck["rebuilds"] = int(wait_for(
            "a rebuild from SQLite", lambda: stage.metric("ipt_reminder_index_rebuilds_total")))
    return struck


def killed_before_queue(stage):
    """The service: kill -9 between commit and queue write."""
    stage.at(0.1)
    stage.redis.freeze()
    away(stage)  # from here on a change that is committed reaches no Redis
    before = sum(mover.done for mover in stage.movers)
    wait_for("commits", lambda: sum(mover.done for mover in stage.movers) >= before + 20)
    stage.service.kill()
    stage.redis.thaw()
    wait_for("Redis", lambda: stage.redis.cli("PING") == "PONG")

    def missing():
        there = set(queued(stage.redis))
        return {row[0] for row in stage.store.rows(
            f"SELECT reminder_id FROM reminders WHERE clinic_id = '{BUSY}' AND kind = 1 AND state = 1")
            if row[0] not in there}

    lost = missing()
    if not lost:
        raise Failure("every change reached Redis")
    stage.service.start()
    # Nobody leases: so it is the auditor who brings them back.
    wait_for("the lost ones in the index", lambda: not missing() & lost)
    mended = int(stage.metric('ipt_reminder_index_mended_total{way="added"}'))
    if mended == 0 or stage.metric("ipt_reminder_index_rebuilds_total"):
        raise Failure(f"the index was not mended, but rebuilt: {mended}")
    stage.add_good_gateways()
    return {"lost": len(lost), "mended": mended}


def two_replicas(stage):
    """Two replicas at once: both lease, neither what the other has."""
    stage.at(1)

    def leased():
        return [int(service.metric("ipt_reminders_leased_total")) for service in stage.services]

    wait_for("leases of both", lambda: min(leased()) > 0)
    return {"leased": " and ".join(map(str, leased()))}


def clock_ahead(stage):
    """The clock of one of two replicas is ahead."""
    ahead = stage.services[-1]
    offset = wait_for("the offset", lambda: ahead.metric("ipt_store_clock_offset_seconds"))
    if abs(offset + AHEAD) > 5 or not ahead.logged("clock_differs"):
        raise Failure(f"the clock is ahead by {-offset} s, and the log says {ahead.logged('clock_differs')}")
    return {"ahead": f"{-offset:.1f} s", **two_replicas(stage)}


def bad_gateways(stage):
    """Gateways that never acknowledge, do so twice, or late, or die between sending and acknowledging."""
    lapsed = grew(stage, "ipt_reminders_lapsed_total")
    short = {"lease_seconds": 5, "batch": min(stage.size["bad"], 100), "most": stage.size["bad"],
             "clinics": [BUSY]}
    never, late = stage.add_gateway(manner="never", **short), stage.add_gateway(manner="late", **short)
    again = stage.add_gateway(manner="twice", batch=10)
    dying = stage.add_gateway(manner="dies", lease_seconds=5, batch=5, clinics=[BUSY])
    deaths = 0
    while deaths < stage.size["deaths"]:
        dying.process.wait(60)
        deaths += 1
        if deaths < stage.size["deaths"]:
            dying.start()
    for gateway in (never, late):
        gateway.process.wait(60)
    stage.add_good_gateways()
    numbers = {"lapsed": lapsed(), "deaths": deaths}
    for gateway, what in ((never, "never"), (dying, "died")):
        numbers[what] = len(sends.unanswered(*sends.read_logs([gateway.log])))
    told, words = sends.read_logs([late.log])
    ends = {(send.id, send.token): send.lease_end for send in told}
    numbers["late"] = sum(word.at > ends.get((word.id, word.token), word.at) for word in words)
    words = sends.read_logs([again.log])[1]
    numbers["again"] = sum(word.verdict == "REPEATED" for word in words)
    if 0 in numbers.values():
        raise Failure(f"not all of it happened: {numbers}")
    return numbers


# -------------------------------------------------------------------------------------- the drills


def run(world, engine, size, strike=None, flags=(), redis=None, gateways=True, **stage_flags):
    """`redis`: its URL, where it is not the drill's own; None on SQLite, which has no replicas."""
    with contextlib.ExitStack() as end:
        server = None
        if engine == "postgres" and redis is None:
            server = Redis(world.tools, name=world.name("redis"))
            end.callback(server.close)
            redis = server.url()
        stage = end.enter_context(Stage(world, engine, size, redis, flags=flags, **stage_flags))
        stage.redis = server
        stage.begin(gateways)
        struck = strike(stage) if strike is not None else {}
        stage.settle()
        return stage.check(**struck)


def drill(strike, **settings):
    """A drill of one fault."""

    def one(world, engine, size):
        return run(world, engine, size, strike, **settings)

    one.__doc__ = strike.__doc__
    return one


def fault_free(world, engine, size):
    """No fault: how late reminders are."""
    numbers = run(world, engine, size)
    if "p99" in size and numbers["lateness"]["p99"] > size["p99"]:
        raise Failure(f"lateness p99 is {numbers['lateness']['p99']:.2f} s, not {size['p99']} s")
    return numbers


def failover(world, engine, size):
    """Redis: the master dies, and Sentinel makes another."""
    ports = free_port(), free_port()
    with contextlib.ExitStack() as end:
        master = Redis(world.tools, name=world.name("master"), port=ports[0])
        end.callback(master.close)
        replica = Redis(world.tools, ["--replicaof", f"127.0.0.1 {ports[0]}"], world.name("replica"), ports[1])
        end.callback(replica.close)
        sentinel = Sentinel(world.tools, ports[0], down_ms=1000)
        end.callback(sentinel.close)
        wait_for("the replica", lambda: replica.info("master_link_status") == "up" and sentinel.replicas() == 1)

        def strike(stage):
            stage.at(0.2)
            expect_queued(master)
            rebuilt = grew(stage, "ipt_reminder_index_rebuilds_total")
            claims = grew(stage, "ipt_reminder_fallback_claims_total")
            master.kill()
            died = time.monotonic()
            wait_for("a new master", lambda: sentinel.master_port() == ports[1], 60)
            back(stage)
            took = time.monotonic() - died
            if replica.info("role") != "master":
                raise Failure("the replica is no master")
            return {"back in": f"{took:.1f} s", "SQL claims": claims(), "rebuilds": rebuilt()}

        return run(world, engine, size, strike, redis=sentinel.url())


def password(world, engine, size):
    flags = [f"--redis_password_file={write_password(world.tools, 'first')}"]
    server = Redis(world.tools, ["--requirepass", "first"], world.name("redis"), password="first")
    with contextlib.closing(server):

        def strike(stage):
            stage.redis = server
            return wrong_password(stage)

        return run(world, engine, size, strike, flags=flags, redis=server.url())


password.__doc__ = wrong_password.__doc__

AHEAD = 90  # seconds

# (name, engines, what to run, what else its sizes say)
FAULTS = [
    ("reminders", ("sqlite", "postgres"), fault_free, {}, {"p99": 1.0}),
    ("redis-flushed", ("postgres",), drill(flushed), {}, {}),
    ("redis-killed", ("postgres",), drill(killed_empty), {}, {}),
    ("redis-snapshot", ("postgres",), drill(old_snapshot), {}, {}),
    ("redis-frozen", ("postgres",), drill(frozen), {"frozen": 3}, {"frozen": 30}),
    ("redis-refusing", ("postgres",), drill(refusing), {}, {}),
    ("redis-full", ("postgres",), drill(full), {}, {}),
    ("redis-failover", ("postgres",), failover, {}, {}),
    ("redis-password", ("postgres",), password, {}, {}),
    ("killed-leasing", ("sqlite", "postgres"), drill(service_killed), {"kills": 2}, {"kills": 6}),
    ("killed-unqueued", ("postgres",), drill(killed_before_queue, gateways=False), {}, {}),
    ("two-replicas", ("postgres",), drill(two_replicas, replicas=2), {}, {}),
    ("clock-ahead", ("postgres",), drill(clock_ahead, replicas=2, ahead=AHEAD), {}, {}),
    ("bad-gateways", ("sqlite", "postgres"), drill(bad_gateways, gateways=False), {"bad": 10, "deaths": 3},
     {"bad": 200, "deaths": 20}),
]
REDUCED = {"due": 400, "seconds": 4, "movers": 2, "pause": 0.1}
FULL = {"due": 10_000, "seconds": 60, "movers": 8, "pause": 0.1}
