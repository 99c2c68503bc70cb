"""The drill of upgrades: three replicas of each service on one PostgreSQL and one Redis, migrated to the
next release's schema (tests/next_release) while they serve, replaced one by one, and replaced back by the
old release on the newer schema. Clients that know nothing but the shipped service config lose no call."""

import concurrent.futures
import contextlib
import json
import os
import subprocess
import sys
import threading
import time

import contract
import reminding
from processes import Failure, Redis, Service, die_with_parent, wait_for
from sends import tell
from stores import PostgresStore, check_answers_audited, check_not_torn

CLINIC = "rolled"
PARENT = f"clinics/{CLINIC}"
REPLICAS = 3
AREAS = ("scheduling", "outcomes", "formulation")
WRITES = ("BookSession", "CancelSession", "RecordMeasurement", "UpdateRelationship")
HERE = os.path.dirname(os.path.abspath(__file__))
SERVICE_CONFIG = os.path.join(HERE, "..", "..", "docs", "client-service-config.json")
# Nine servers share one PostgreSQL.
FLAGS = ["--database_sessions=8", "--drain_delay=1s"]


class Area:
    """The replicas of one service, and its store."""

    def __init__(self, name, services, store):
        self.name, self.services, self.store = name, services, store

    @property
    def target(self):
        return "ipv4:" + ",".join(service.address for service in self.services)

    def version(self):
        return int(self.store.rows(
            f"SELECT max(version) FROM schema_migrations WHERE component = '{self.name}'")[0][0])


def start_area(world, scheduling, name, end):
    """Replicas of outcomes or formulation, which follow whichever replica of scheduling is there."""
    database = world.postgres.new_database()
    services = []
    for _ in range(REPLICAS):
        services.append(Service(
            world.tools, "postgres", world.name(name), database=world.postgres.url(database),
            flags=[*FLAGS, f"--scheduling={scheduling.target}", "--scheduling_allow_insecure"],
            binary=f"ipt-{name}"))
        end.push(services[-1])
        services[-1].start()
    return Area(name, services, PostgresStore(world.postgres, database))


class Callers:
    """tests/faults/callers.py as a process. Its retries are counted from gRPC's own trace."""

    def __init__(self, world, areas, courses, size):
        self.out = world.tools.path(world.name("callers"))
        self.said = self.out + ".err"
        config = {"targets": {area.name: area.target for area in areas}, "service_config": SERVICE_CONFIG,
                  "courses": courses, "clients": size["clients"], "pause": size["client_pause"],
                  "followers": {area.name: CLINIC for area in areas}, "out": self.out}
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "callers.py"), world.tools.stubs(), json.dumps(config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "GRPC_TRACE": "retry", "GRPC_VERBOSITY": "INFO"}, preexec_fn=die_with_parent)
        self.retries = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self._hear("at work")

    def _read(self):
        with open(self.said, "w", encoding="utf-8") as said:
            for line in self.process.stderr:
                if "retrying failed call in" in line:
                    self.retries += 1
                if "retry_filter.cc" not in line:
                    said.write(line)

    def _hear(self, word):
        if self.process.stdout.readline().strip() != word:
            raise Failure(f"the clients ended; see {self.said}")

    def _say(self, word=""):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def finish(self, areas):
        """No more calls; what was done, once the followers have heard of what had happened by then."""
        self._say()
        self._hear("done")
        happened = {area.name: events(area) for area in areas}
        self._say(json.dumps({name: len(ids) for name, ids in happened.items()}))
        self.process.wait(60)
        self.reader.join(60)
        with open(self.out, encoding="utf-8") as text:
            return {**json.load(text), "happened": happened}

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def make_courses(stage, count):
    client = contract.Client(stage.addresses)
    client.call("clinic_service", "CreateClinic", clinic_id=CLINIC,
                clinic={"display_name": CLINIC, "time_zone": "UTC"})
    courses = []
    for number in range(count):
        stage.add_therapist(client, CLINIC, f"t{number}")
        courses.append(stage.add_course(client, CLINIC, f"t{number}", number))
    return courses


def next_release(tools):
    folder = os.path.join(os.path.dirname(os.path.abspath(tools.bin)), "tests", "next_release")
    for area in AREAS:
        if not os.access(os.path.join(folder, f"ipt-{area}"), os.X_OK):
            raise Failure(f"{folder}/ipt-{area} is missing: cmake --build --preset release --target"
                          f" next_release_{area}")
    return folder


def migrate(area, folder):
    """Returns how long it took."""
    began = time.monotonic()
    done = subprocess.run([os.path.join(folder, f"ipt-{area.name}"), "migrate", area.services[0].args[1]],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    if done.returncode != 0:
        raise Failure(f"migrate of {area.name}: {done.stdout.strip()}")
    return time.monotonic() - began


def expect_version(service, is_next):
    lines = [line for line in service.get("/metrics")[1].splitlines() if line.startswith("ipt_build_info{")]
    if len(lines) != 1 or ('-next"' in lines[0]) != is_next:
        raise Failure(f"not the release that was started: {lines}")


def replace_all(areas, folder, is_next):
    """One replica of each service after the other, by those of that folder; of all services at once. While
    both releases run, both write."""
    for number in range(REPLICAS):
        replaced = [area.services[number] for area in areas]
        for service in replaced:
            service.process.terminate()
        for service in replaced:
            service.wait_for_end()
            service.args[0] = os.path.join(folder, os.path.basename(service.args[0]))
            service.start()
            expect_version(service, is_next)
        replicas = [service for area in areas for service in area.services]
        before = [written(service) for service in replicas]
        wait_for("writes of all replicas", lambda: all(
            written(service) > count for service, count in zip(replicas, before)))


def written(service):
    """How many writes this process has answered."""
    return service.total("grpc_server_handled_total", grpc_code=["OK"], grpc_method=WRITES)


def check_done(areas, done):
    """What was acknowledged stands, and what stands was told once."""
    scheduling, outcomes, _ = areas
    tell("calls failed", done["failed"])
    tell("reads did not see the write before", done["wrong"])
    rows = {f"{PARENT}/courses/{course}/sessions/{session}": None if state == "4" else int(start) // 1_000_000
            for course, session, state, start in scheduling.store.rows(
                f"SELECT course_id, session_id, state, start_us FROM sessions WHERE clinic_id = '{CLINIC}'")}
    tell("sessions are not as they were acknowledged", [
        name for name, start in done["sessions"].items() if rows.get(name, "") != start])
    tell("sessions were never acknowledged", sorted(rows.keys() - done["sessions"].keys()))
    rows = {f"{PARENT}/courses/{course}/measurements/{measurement}" for course, measurement in
            outcomes.store.rows("SELECT course_id, measurement_id FROM measurements")}
    tell("measurements are not those that were acknowledged", sorted(rows ^ set(done["measurements"])))
    client = contract.Client([areas[2].services[0].address], "formulation")
    for name, satisfaction in done["relationships"].items():
        found = client.call("inventory_service", "GetRelationship", name=name)
        if found.satisfaction != satisfaction:
            raise Failure(f"{name} is {found.satisfaction}, but {satisfaction} was acknowledged")
    check_not_torn(scheduling.store)
    for area in areas[1:]:
        check_answers_audited(area.store)
    for area in areas:
        told = done["events"][area.name]
        if told["broken"]:
            raise Failure(f"the events of {area.name} broke off: {told['broken']}")
        happened = done["happened"][area.name]
        if told["ids"][:len(happened)] != happened or len(set(told["ids"])) != len(told["ids"]):
            raise Failure(f"of {area.name} {len(happened)} events happened, and {len(told['ids'])} were told"
                          f" ({len(set(told['ids']))} of them different), or in another order")


def events(area):
    """All that have happened, in their order, which they are given a moment after their commit."""
    wait_for("the order of events", lambda: area.store.rows("SELECT count(*) FROM outbox_waiting") == [("0",)])
    return [row[0] for row in area.store.rows(
        "SELECT event_id FROM outbox JOIN outbox_position USING (clinic_id, seq)"
        f" WHERE clinic_id = '{CLINIC}' ORDER BY outbox_position.position")]


def check_the_checks(areas, done):
    """What was lost, or done twice, is found out."""
    check_done(areas, done)
    session = sorted(done["sessions"])[0]
    told = done["events"]["outcomes"]
    for what, forged in {
        "calls failed": {"failed": ["x"]},
        "as they were acknowledged": {"sessions": {**done["sessions"], session + "x": 0}},
        "never acknowledged": {"sessions": {n: s for n, s in done["sessions"].items() if n != session}},
        "measurements are not": {"measurements": done["measurements"][1:]},
        "of outcomes": {"events": {**done["events"], "outcomes": {**told, "ids": told["ids"] + told["ids"][:1]}}},
        "or in another order": {"events": {**done["events"], "outcomes": {**told, "ids": told["ids"][1:]}}},
    }.items():
        try:
            check_done(areas, {**done, **forged})
        except Failure as found:
            if what not in str(found):
                raise Failure(f"forged books ({what}) were taken for: {found}") from None
            continue
        raise Failure(f"the check does not see forged books ({what})")


def restart(world, engine, size):
    """Upgrade and way back, replica by replica, under load: no call is lost, no event, no reminder."""
    following = next_release(world.tools)
    with contextlib.ExitStack() as end:
        redis = Redis(world.tools, name=world.name("redis"))
        end.callback(redis.close)
        stage = end.enter_context(reminding.Stage(world, engine, size, redis.url(), replicas=REPLICAS, flags=FLAGS))
        areas = [Area("scheduling", stage.services, stage.store)]
        courses = make_courses(stage, size["clients"])  # before there is who follows: new clinics are looked for
        for name in AREAS[1:]:
            areas.append(start_area(world, areas[0], name, end))
        stage.begin()
        for area in areas[1:]:
            wait_for(f"the courses in {area.name}", lambda area=area: area.store.rows(
                f"SELECT count(*) FROM course_copies WHERE clinic_id = '{CLINIC}'") == [(str(len(courses)),)])
        callers = Callers(world, areas, courses, size)
        end.callback(callers.kill)

        before = [area.version() for area in areas]
        longest = max(migrate(area, following) for area in areas)
        if [area.version() for area in areas] != [version + 1 for version in before]:
            raise Failure("the next release has no migration of its own")
        began = time.monotonic()
        replace_all(areas, following, is_next=True)
        upgraded = time.monotonic() - began
        replace_all(areas, world.tools.bin, is_next=False)
        if [area.version() for area in areas] != [version + 1 for version in before]:
            raise Failure("the way back changed the schema")
        stage.check_alive()

        done = callers.finish(areas)
        stage.settle()
        reminders = stage.check()
        for gateway in stage.gateways:  # the last that write
            gateway.kill()
        check_the_checks(areas, done)
        with concurrent.futures.ThreadPoolExecutor(REPLICAS * len(AREAS)) as at_once:
            list(at_once.map(Service.stop, [service for area in areas for service in area.services]))
        return {"calls": sum(done["calls"].values()), "failed": len(done["failed"]), "retried": callers.retries,
                "slowest": f"{done['slowest']:.1f} s", "migrate": f"{longest:.1f} s",
                "upgrade": f"{upgraded:.0f} s", "streams": sum(e["streams"] for e in done["events"].values()),
                "events": sum(len(e["ids"]) for e in done["events"].values()),
                "sent": reminders["sent"], "sent twice": reminders["twice"]}


REDUCED = {**reminding.REDUCED, "seconds": 10, "due": 100, "clients": 64, "client_pause": 1.0}
FULL = {**reminding.REDUCED, "seconds": 60, "due": 2000, "clients": 64, "client_pause": 0.1}
