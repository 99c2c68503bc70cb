"""The rows on reminders: leased and completed, against the bare SQL and against BullMQ; with ten
million queued; the index's memory, and how long it takes to build; lateness."""

import os
import re
import shutil
import socket
import subprocess
import time
import uuid

import bare_sql
from processes import Failure, Redis, Skip, Tools, wait_for
from reminder_store import A_COURSE, HOUR_US, ReminderStore
from result import Result, say

STREAMS = 8
BATCH = 100
CONCURRENCIES = (20, 50, 100, 200)
PACKAGES = ("bullmq@6.7.0", "ioredis@5.11.1")


def now_us():
    return int(time.time() * 1e6)


def whole_batches(reminders, streams=STREAMS):
    """So many that each stream has as many batches."""
    return max(1, round(reminders / (BATCH * streams))) * BATCH * streams


def past(count):
    """SQL: so many became due one after the other within the last hour."""
    return f"{now_us() - HOUR_US - 60 * 10**6} + :rank * {HOUR_US // count}"


class Leasing:
    """A store with reminders that are all due, and the rate at which the service leases and completes
    some of them. The service runs only while it is measured."""

    def __init__(self, bench, clinic, extra=0):
        self.count = whole_batches(bench.seconds * 5000)
        self.store = ReminderStore(bench, clinic)
        # Of more courses than a run has reminders: no two of one course are due next to each other.
        queued = (bench.pairs + 1) * self.count + extra
        a_course = min(A_COURSE, max(1, queued // (2 * self.count)))
        self.store.add(queued, past(queued), a_course)

    def rate(self):
        with self.store.service:
            self.store.serve(at_least=self.count)
            return self.count / self.store.deliver(self.count, STREAMS)


def lease_sql(bench):
    logged = 40 * BATCH
    ours = Leasing(bench, "leased", extra=logged)
    store = ours.store
    # Tokens that are no other number's twin.
    store.sql("SELECT setval('revision_counter', 1000000)")
    bare_sql.start_logging(store.postgres)
    with store.service:
        store.serve(at_least=logged)
        store.deliver(logged, 1)
    bare_sql.stop_logging(store.postgres)

    def of_a_batch(fits):
        return lambda body: fits(body) and bare_sql.batch_size(body) == BATCH

    script = bare_sql.delivery_script(
        bare_sql.one_of(store.postgres, "lease", of_a_batch(bare_sql.is_lease)),
        bare_sql.one_of(store.postgres, "completion", of_a_batch(bare_sql.is_completion)))
    bare = f"{store.database}_bare"
    store.postgres.sql("postgres", f"CREATE DATABASE {bare} TEMPLATE {store.database}", 600)
    _, error = store.postgres.sql(bare, bare_sql.BATCHES.format(now=now_us(), batch=BATCH), 600)
    if error:
        raise Failure(error)
    for name in (store.database, bare):
        store.postgres.sql(name, "VACUUM ANALYZE", 600)
    path, used = bench.tools.path("lease.sql"), 0

    def run_bare():
        nonlocal used
        batches = ours.count // BATCH
        rate = bare_sql.run_pgbench(store.postgres, bare, script, path, STREAMS, used,
                                    ["-t", str(batches // STREAMS)], 600)
        used += batches
        return rate * BATCH

    rounds = bench.in_turn(ours.rate, run_bare)
    # The script did what it is compared for.
    sent, _ = store.postgres.sql(bare, "SELECT count(*) FROM reminders r JOIN reminder_attempts a "
                                 "USING (clinic_id, reminder_id) WHERE state = 3 AND outcome = 1")
    if int(sent[0][0]) != used * BATCH + logged:
        raise Failure(f"the bare SQL sent {int(sent[0][0]) - logged} of {used * BATCH} reminders")
    return [Result("lease-sql", f"reminders leased and completed, PostgreSQL with Redis, {STREAMS} streams",
                         [(r[0], r[1]) for r in rounds], 0.6,
                         limit_is=f"its SQL alone, pgbench, {STREAMS} clients, batches of {BATCH}")]


class BullMq:
    """BullMQ on Redis of its own: one that syncs each write to disk, one that keeps nothing."""

    def __init__(self, bench):
        if not shutil.which("node") or not shutil.which("npm"):
            raise Skip("BullMQ needs node and npm")
        folder = bench.tools.path("bullmq")
        os.mkdir(folder)
        done = subprocess.run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", *PACKAGES],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        if done.returncode != 0:
            raise Skip(f"npm cannot install {' and '.join(PACKAGES)} here: {done.stdout.strip()[-200:]}")
        self.bench, self.modules = bench, os.path.join(folder, "node_modules")
        self.servers = {}
        for name, flags in (("durable", ["--appendonly", "yes", "--appendfsync", "always"]), ("memory", [])):
            os.mkdir(os.path.join(folder, name))
            self.servers[name] = Redis(Tools(bench.tools.bin, os.path.join(folder, name)), flags)
        self.best = {name: max(CONCURRENCIES, key=lambda c, name=name: self.run(name, c, 4000))
                     for name in self.servers}
        say("BullMQ's best concurrencies: " + ", ".join(f"{n} {c}" for n, c in self.best.items()))

    def run(self, name, concurrency, jobs):
        done = subprocess.run(
            ["node", os.path.join(self.bench.root, "tests", "bench", "bullmq.mjs"), self.modules,
             self.servers[name].socket, str(concurrency), str(jobs)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600)
        if done.returncode != 0:
            raise Failure(f"BullMQ: {done.stderr.strip()[-400:]}")
        return float(done.stdout)

    def rate(self, name):
        return self.run(name, self.best[name], round(self.bench.seconds * 5000))

    def close(self):
        for server in self.servers.values():
            server.close()


def lease_bullmq(bench):
    bullmq = BullMq(bench)
    try:
        ours = Leasing(bench, "leased-mq")
        rounds = bench.in_turn(ours.rate, lambda: bullmq.rate("durable"), lambda: bullmq.rate("memory"))
    finally:
        bullmq.close()
    what = f"reminders leased and completed, PostgreSQL with Redis, {STREAMS} streams"
    return [Result("lease-bullmq", what, [(r[0], r[1]) for r in rounds], 2,
                         limit_is=f"BullMQ, appendfsync always, concurrency {bullmq.best['durable']}"),
            Result("lease-bullmq", what, [(r[0], r[2]) for r in rounds],
                         limit_is=f"BullMQ, nothing kept, concurrency {bullmq.best['memory']}")]


# Of the rows below, their sizes; --quick takes the second.
MANY, MANY_QUICK = 10_000_000, 100_000
FEW, FEW_QUICK = 10_000, 4_000
INDEXED, INDEXED_QUICK = 1_000_000, 50_000
LEAD_US = 15 * 10**6


def lease_many(bench):
    """The same number of reminders is leased from a long queue and from a short one."""
    many = MANY_QUICK if bench.quick else MANY
    few = FEW_QUICK if bench.quick else FEW
    turn = whole_batches(few / 2)
    turns = 1 if bench.quick else 4
    taken = bench.pairs * turns * turn
    long, short = ReminderStore(bench, "many"), ReminderStore(bench, "few")
    # What is taken has just become due; the rest does so within the index's horizon of 48 hours.
    # Each course has ten, hours apart.
    ready, start = 2 * taken, now_us() - HOUR_US
    long.add(many, f"CASE WHEN :rank < {ready} THEN {start} + :rank * {HOUR_US // ready} "
                   f"ELSE {start + 2 * HOUR_US} + (:rank - {ready}) * {40 * HOUR_US // many} END")
    short.add(few, past(few), 1)
    for store, queued in ((long, many), (short, few)):
        with store.service:
            began = time.monotonic()
            store.serve(at_least=queued, seconds=1800)
            say(f"{queued:,} indexed, {time.monotonic() - began:.0f} s")
            store.deliver(turn, STREAMS)  # caches are warm
    short.add(turn, past(turn), 1)

    def cost(store, queued, refill):
        seconds = 0
        for _ in range(turns):
            with store.service:
                store.serve(at_least=queued - turn)
                seconds += store.deliver(turn, STREAMS)
            if refill:
                store.add(turn, past(turn), 1)
                store.forget_index()
        return 1e6 * seconds / (turns * turn)

    rounds = bench.in_turn(lambda: cost(long, many - taken, False), lambda: cost(short, few, True))
    return [Result("lease-many", f"one reminder leased and completed, {many:,} queued",
                         [(r[0], r[1]) for r in rounds], 1.3, "us", f"with {few:,} queued",
                         lower_is_better=True)]


def memory_of(redis):
    return int(re.search(r"^used_memory:(\d+)", redis.cli("INFO", "memory"), re.M)[1])


def bare_set(bench, count):
    """Bytes of one member of a sorted set of ids by milliseconds, as Redis has it."""
    redis = bench.redis
    before = memory_of(redis)
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(redis.socket)
        answers = link.makefile("rb")
        for first in range(0, count, 1000):
            words = ["ZADD", "bare"]
            for i in range(first, min(first + 1000, count)):
                words += [str(1_800_000_000_000 + 17 * i), str(uuid.uuid4())]
            link.sendall(f"*{len(words)}\r\n".encode() + b"".join(
                b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words))
            answers.readline()
    used = (memory_of(redis) - before) / count
    redis.cli("DEL", "bare")
    return used


def due_index(bench):
    count = INDEXED_QUICK if bench.quick else INDEXED
    store = ReminderStore(bench, "indexed")
    store.add(count, f"{now_us() + HOUR_US} + :rank * {40 * HOUR_US // count}")
    took, used = [], []
    with store.service:
        store.serve(at_least=count)
        for _ in range(bench.pairs):
            bench.redis.cli("FLUSHALL")
            before, began = memory_of(bench.redis), time.monotonic()
            wait_for("the index", lambda: store.indexed() == count, 300)
            took.append((time.monotonic() - began, 15.0))
            used.append(((memory_of(bench.redis) - before) / count, 150.0, bare_set(bench, count)))
            say(f"{took[-1][0]:.1f} s, {used[-1][0]:.0f} bytes each, a bare sorted set {used[-1][2]:.0f}")
    return [Result("due-index", f"index of {count:,} reminders lost, built again from SQL", took, 1.0,
                         "s", "15 s", lower_is_better=True),
            Result("due-index", "Redis' memory for one queued reminder", [u[:2] for u in used], 1.0,
                         "bytes", "150 bytes", lower_is_better=True),
            Result("due-index", "Redis' memory for one queued reminder", [(u[0], u[2]) for u in used],
                         unit="bytes", limit_is="a bare sorted set")]


def lateness(bench):
    """So many fall due every second while gateways wait for them; the p99 of how late they come."""
    rate, late = 1000 if bench.quick else 5000, []
    store = ReminderStore(bench, "timely")
    count = round(rate * max(bench.seconds, 2))
    with store.service:
        store.service.start()
        for _ in range(bench.pairs):
            begin = now_us() + HOUR_US
            store.add(count, f"{begin} + :rank * {10**6 // rate}", 1)
            # Early enough that gateways wait for the first.
            earlier = begin - now_us() - LEAD_US
            store.sql(f"UPDATE reminders SET due_us = due_us - {earlier}, next_us = next_us - {earlier} "
                      "WHERE state = 1")
            store.forget_index()
            wait_for("the index", lambda: (store.indexed() or 0) >= count, 60)
            ahead = int(store.one("SELECT max(due_us) FROM reminders WHERE state = 1")) / 1e6 - time.time()
            status, result = bench.tools.load(
                store.service, "deliver", clinics=store.clinic, streams=4, credits=500, warmup="0s",
                duration=f"{ahead + 2:.1f}s", timeout=300, token_file=bench.token_file)
            if status != 0 or result["timely"] != count:
                raise Failure(f"{result['timely']} of {count} reminders came in time to be measured; "
                              f"{result['refused'] or ''} {' '.join(result['errors'])}")
            late.append((result["lateness_ms"]["p99"], 1000.0))
            say(f"lateness p50 {result['lateness_ms']['p50']:.0f} ms, p99 {late[-1][0]:.0f} ms")
    return [Result("lateness", f"lateness, p99, {rate:,} reminders due a second", late, 1.0, "ms",
                         "1 s", lower_is_better=True)]


ROWS = {
    "lease-sql": lease_sql,
    "lease-bullmq": lease_bullmq,
    "due-index": due_index,
    "lateness": lateness,
    "lease-many": lease_many,
}
# Not run unasked: many minutes, and 15 GB of disk.
SLOW = {"lease-many"}
