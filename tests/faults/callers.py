#!/usr/bin/python3
"""Clients as integrators write them: one channel over all replicas of a service, balanced and retried by
the service config that the suite ships, and nothing else. A call that fails is written down, not made again.

  callers.py STUBS CONFIG

CONFIG is JSON:
  targets         {area: target of all its replicas}
  service_config  the file
  courses         a course for each client
  clients         how many; each works at all areas
  pause           of each between two calls, in seconds
  followers       {area: clinic} whose events are followed, from the oldest on
  out             what was done is written there, as JSON

It prints "at work" when each client has done something, stops at a line of standard input, prints "done", is
told how many events there are by now ({area: number}), and ends. gRPC's trace of retries goes to standard error.
"""

import collections
import json
import random
import sys
import threading
import time
import uuid

import contract

SLOT = 15 * 60


def form(number):
    """A PHQ-9 without a risk answer, other ones than all before."""
    return {"answers": [{"item": f"q{i + 1}", "value": number // 4**i % 4} for i in range(8)]
            + [{"item": "q9", "value": 0}]}


class Callers:
    def __init__(self, config):
        import grpc

        self.grpc, self.config = grpc, config
        with open(config["service_config"], encoding="utf-8") as text:
            service_config = text.read()
        self.channels = {area: grpc.insecure_channel(target, options=[
            ("grpc.service_config", service_config)]) for area, target in config["targets"].items()}
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.calls, self.failed = collections.Counter(), []
        self.slowest = 0.0

    def call(self, area, file, method, **fields):
        service = "".join(word.capitalize() for word in file.split("_"))
        requests = contract.module(f"{file}_pb2", area)
        stub = getattr(contract.module(f"{file}_pb2_grpc", area), service + "Stub")(self.channels[area])
        request = getattr(requests, method + "Request")(**fields)
        if "request_id" in request.DESCRIPTOR.fields_by_name:
            request.request_id = str(uuid.uuid4())
        began = time.monotonic()
        try:
            return getattr(stub, method)(request)
        except self.grpc.RpcError as error:
            with self.lock:
                self.failed.append(f"{method}: {error.code().name}: {error.details()}")
            raise
        finally:
            with self.lock:
                self.calls[area] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)

    def stream(self, area, clinic, cursor):
        requests = contract.module("event_service_pb2", area)
        stub = contract.module("event_service_pb2_grpc", area).EventServiceStub(self.channels[area])
        start = {"cursor": cursor} if cursor else {"oldest": True}
        return stub.WatchEvents(requests.WatchEventsRequest(parent=f"clinics/{clinic}", **start))


class Client(threading.Thread):
    """Books and cancels, measures, and keeps a relationship; reads back what it was told."""

    def __init__(self, callers, number, course):
        super().__init__(daemon=True)
        self.callers, self.number, self.course = callers, number, course
        self.random = random.Random(number)
        self.began = int(time.time())
        self.rounds = 0
        self.sessions, self.measurements, self.relationship = {}, [], None
        self.satisfaction, self.wrong = None, []

    def run(self):
        acts = [self.session, self.measure, self.relate]
        self.random.shuffle(acts)
        while not self.callers.stop.is_set():
            try:
                acts[self.rounds % len(acts)]()
            except self.callers.grpc.RpcError:
                pass  # it is written down
            self.rounds += 1

    def call(self, *words, **fields):
        self.callers.stop.wait(self.callers.config["pause"])
        return self.callers.call(*words, **fields)

    def expect(self, what, found, expected):
        if found != expected:
            self.wrong.append(f"{what}: {found}, not {expected}")

    def session(self):
        """One session of the course at a time, so that it is never full."""
        start = (self.began // SLOT + 4 * 24 + 2 * (self.rounds % 500)) * SLOT
        name = self.call("scheduling", "session_service", "BookSession", parent=self.course,
                         session_minutes=15, start_time={"seconds": start}).name
        self.sessions[name] = start
        found = self.call("scheduling", "session_service", "GetSession", name=name)
        self.expect(name, found.start_time.seconds, start)
        if self.callers.stop.is_set():
            return
        self.call("scheduling", "session_service", "CancelSession", name=name, cancelled_by=1)
        self.sessions[name] = None

    def measure(self):
        number = len(self.measurements)
        name = self.call("outcomes", "measurement_service", "RecordMeasurement", parent=self.course, measurement={
            "instrument": self.course.split("/courses/")[0] + "/instruments/phq-9", "respondent": 1,
            "answers": form(number), "complete_time": {"seconds": self.began - (1 + number % 600) * 13 * 3600}}).name
        self.measurements.append(name)
        found = self.call("outcomes", "measurement_service", "GetMeasurement", name=name)
        self.expect(name, found.name, name)

    def relate(self):
        if self.relationship is None:
            made = self.call("formulation", "inventory_service", "CreateRelationship", parent=self.course,
                             relationship={"display_name": "N.", "kind": 6, "satisfaction": 0})
            self.relationship, self.satisfaction = made.name, 0
        value = self.rounds % 11
        self.call("formulation", "inventory_service", "UpdateRelationship", relationship={
            "name": self.relationship, "satisfaction": value}, update_mask={"paths": ["satisfaction"]})
        self.satisfaction = value
        found = self.call("formulation", "inventory_service", "GetRelationship", name=self.relationship)
        self.expect(self.relationship, found.satisfaction, value)


class Follower(threading.Thread):
    """Follows from the oldest event on, over as many streams as it takes."""

    def __init__(self, callers, area, clinic):
        super().__init__(daemon=True)
        self.callers, self.area, self.clinic = callers, area, clinic
        self.events, self.streams, self.broken = [], 0, None

    def run(self):
        cursor = ""
        while True:
            self.streams += 1
            try:
                for response in self.callers.stream(self.area, self.clinic, cursor):
                    self.events += [event.event_id for event in response.events]
                    cursor = response.cursor
            except self.callers.grpc.RpcError as error:
                if error.code().name != "UNAVAILABLE":
                    self.broken = f"{error.code().name}: {error.details()}"
                    return
            time.sleep(0.02)


def main():
    contract.load(sys.argv[1])
    config = json.loads(sys.argv[2])
    callers = Callers(config)
    clients = [Client(callers, i, config["courses"][i]) for i in range(config["clients"])]
    followers = [Follower(callers, area, clinic) for area, clinic in config["followers"].items()]
    for thread in clients + followers:
        thread.start()
    while any(client.rounds == 0 for client in clients):
        time.sleep(0.05)
    print("at work", flush=True)
    sys.stdin.readline()
    callers.stop.set()
    for client in clients:
        client.join(60)
    print("done", flush=True)
    # How many events there are of each area: the last are on their way for some moments.
    expected = json.loads(sys.stdin.readline())
    limit = time.monotonic() + 60
    while time.monotonic() < limit and any(
            f.broken is None and len(f.events) < expected[f.area] for f in followers):
        time.sleep(0.05)
    with open(config["out"], "w", encoding="utf-8") as out:
        json.dump({
            "calls": callers.calls, "failed": callers.failed, "slowest": callers.slowest,
            "wrong": [wrong for client in clients for wrong in client.wrong],
            "sessions": {name: start for client in clients for name, start in client.sessions.items()},
            "measurements": [name for client in clients for name in client.measurements],
            "relationships": {client.relationship: client.satisfaction for client in clients
                              if client.relationship is not None},
            "events": {f.area: {"ids": f.events, "streams": f.streams, "broken": f.broken}
                       for f in followers}}, out)


if __name__ == "__main__":
    main()
