"""The drill of followers: killed again and again, while writers work and servers are killed, too, a
follower ends with exactly what the store holds."""

import base64
import datetime
import os
import random
import subprocess
import sys
import threading
import time

import contract
from processes import Failure, Service, die_with_parent, wait_for

CLINIC = "followed"
PARENT = f"clinics/{CLINIC}"

# Compared is everything that the lists say, field by field, but for values that follow from others:
# they move as time goes by, or with other resources, without a change of the resource itself.
# And when a course was read.
DERIVED = {"Course": ("progress", "forecast", "read_time"), "Therapist": ("open_courses",)}


def day(ahead):
    date = datetime.date.today() + datetime.timedelta(days=ahead)
    return {"year": date.year, "month": date.month, "day": date.day}


def instant(ahead, hour):
    from google.protobuf import timestamp_pb2

    date = datetime.date.today() + datetime.timedelta(days=ahead)
    stamp = timestamp_pb2.Timestamp()
    stamp.FromDatetime(datetime.datetime(date.year, date.month, date.day, hour))
    return stamp


class Writer(threading.Thread):
    """Does whatever can be done in a clinic, at random. Refusals are part of it."""

    def __init__(self, addresses, number, stop):
        super().__init__(daemon=True)
        self.client = contract.Client(addresses)
        self.number, self.stop = number, stop
        self.done, self.refused, self.broken = 0, 0, None
        self.random = random.Random(number)
        self.made = 0
        self.therapists, self.courses, self.sessions = [], [], []
        self.holidays, self.time_off, self.extra = [], [], []

    def run(self):
        import grpc

        acts = [self.book] * 6 + [self.move] * 3 + [self.cancel, self.attend] * 2 + [
            self.new_course, self.pause, self.extend, self.shorten, self.transfer, self.end,
            self.new_therapist, self.change_therapist, self.off, self.back, self.more, self.less,
            self.holiday, self.no_holiday, self.rename_patient, self.change_clinic]
        try:
            self.new_therapist()
            self.new_course()
            while not self.stop.is_set():
                try:
                    if self.random.choice(acts)() is not False:
                        self.done += 1
                except grpc.RpcError as error:
                    if error.code().name not in ("FAILED_PRECONDITION", "ALREADY_EXISTS", "NOT_FOUND",
                                                 "INVALID_ARGUMENT"):
                        raise
                    self.refused += 1
        except Exception as error:
            self.broken = f"{type(error).__name__}: {error}"

    def call(self, file, method, **fields):
        return self.client.call(file, method, **fields)

    def one(self, of):
        return self.random.choice(of) if of else None

    def new_therapist(self):
        self.made += 1
        name = f"t{self.number}-{self.made}"
        self.therapists.append(self.call(
            "therapist_service", "CreateTherapist", parent=PARENT, therapist_id=name, therapist={
                "display_name": name, "session_minutes": 50, "working_hours": [
                    {"day": d, "start": {"hours": 8}, "end": {"hours": 18}} for d in range(1, 6)]}).name)

    def change_therapist(self):
        name = self.one(self.therapists)
        act = self.random.randrange(3)
        if act == 0:
            self.call("therapist_service", "UpdateTherapist", therapist={
                "name": name, "display_name": f"{self.random.random()}"},
                update_mask={"paths": ["display_name"]})
        else:
            self.call("therapist_service", "DeactivateTherapist" if act == 1 else "ActivateTherapist",
                      name=name)

    def off(self):
        first = self.random.randrange(5, 300)
        self.time_off.append(self.call(
            "therapist_service", "CreateTimeOff", parent=self.one(self.therapists), time_off={
                "days": {"first": day(first), "last": day(first + 1)}}).time_off.name)

    def back(self):
        if not self.time_off:
            return False
        self.call("therapist_service", "DeleteTimeOff", name=self.time_off.pop())

    def more(self):
        first = self.random.randrange(5, 300)
        self.extra.append(self.call(
            "therapist_service", "CreateExtraHours", parent=self.one(self.therapists), extra_hours={
                "time": {"start_time": instant(first, 5), "end_time": instant(first, 6)}}).name)

    def less(self):
        if not self.extra:
            return False
        self.call("therapist_service", "DeleteExtraHours", name=self.extra.pop())

    def holiday(self):
        self.holidays.append(self.call(
            "clinic_service", "CreateHolidays", parent=PARENT, holidays=[
                {"date": day(self.random.randrange(100, 300)), "display_name": "x"}]).holidays[0].name)

    def no_holiday(self):
        if not self.holidays:
            return False
        self.call("clinic_service", "DeleteHoliday", name=self.holidays.pop())

    def change_clinic(self):
        self.call("clinic_service", "UpdateClinic", clinic={
            "name": PARENT, "display_name": f"{self.random.random()}"},
            update_mask={"paths": ["display_name"]})

    def new_course(self):
        self.made += 1
        course = self.call("course_service", "CreateCourse", parent=PARENT, course={
            "patient": {"system": "urn:drill", "value": f"p{self.number}-{self.made}"},
            "therapist": self.one(self.therapists), "variant": "ipt-uk-16"})
        self.courses.append((course.name, course.patient.value))

    def rename_patient(self):
        i = self.random.randrange(len(self.courses))
        name, value = self.courses[i]
        self.call("course_service", "ChangePatientIdentifier", parent=PARENT,
                  **{"from": {"system": "urn:drill", "value": value}},
                  to={"system": "urn:drill", "value": value + "x"})
        self.courses[i] = (name, value + "x")

    def course(self):
        return self.one(self.courses)[0]

    def pause(self):
        course = self.course()
        if self.random.random() < 0.5:
            self.call("course_service", "ResumeCourse", name=course)
        else:
            self.call("course_service", "PauseCourse", name=course, cancel_sessions=True, pause={
                "first_day": day(0), "last_day": day(7), "reason": 2})

    def extend(self):
        self.call("course_service", "ExtendCourse", name=self.course(), planned_sessions=17,
                  reason="drill")

    def shorten(self):
        self.call("course_service", "ShortenCourse", name=self.course(), planned_sessions=14,
                  reason="drill", cancel_sessions=True)

    def transfer(self):
        self.call("course_service", "TransferCourse", name=self.course(),
                  therapist=self.one(self.therapists), on_conflict=2, reason="drill")

    def end(self):
        course = self.course()
        act = self.random.randrange(3)
        if act == 0:
            self.call("course_service", "CompleteCourse", name=course, cancel_sessions=True)
        elif act == 1:
            self.call("course_service", "DiscontinueCourse", name=course, reason=1)
        else:
            self.call("course_service", "ReopenCourse", name=course, reason="drill")

    def book(self):
        self.sessions.append(self.call(
            "session_service", "BookSession", parent=self.course(),
            start_time=instant(self.random.randrange(1, 100), self.random.randrange(9, 16))).name)

    def move(self):
        if not self.sessions:
            return False
        self.call("session_service", "RescheduleSession", name=self.one(self.sessions),
                  start_time=instant(self.random.randrange(1, 100), self.random.randrange(9, 16)),
                  scope=self.random.randrange(1, 3))

    def cancel(self):
        if not self.sessions:
            return False
        self.call("session_service", "CancelSession", name=self.one(self.sessions), cancelled_by=1)

    def attend(self):
        self.sessions.append(self.call(
            "session_service", "BookSession", parent=self.course(), retrospective=True,
            start_time=instant(-self.random.randrange(1, 60), self.random.randrange(9, 16))).name)
        self.call("session_service", "RecordAttendance", name=self.sessions[-1], outcome=1)


class Follower:
    """tests/faults/follower.py, killed and started again."""

    def __init__(self, tools, stubs, addresses):
        self.path = tools.path(f"follower-{random.getrandbits(40):x}.json")
        self.log = self.path + ".log"
        self.args = [sys.executable, os.path.join(os.path.dirname(__file__), "follower.py"), stubs,
                     ",".join(addresses), CLINIC, self.path]
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.args, stdout=log, stderr=log,
                                            preexec_fn=die_with_parent)

    def kill(self):
        if self.process.poll() is not None:
            raise Failure(f"the follower ended by itself; see {self.log}")
        self.process.kill()
        self.process.wait()

    def state(self):
        import follower

        return follower.read(self.path)


def canonical(message):
    copy = type(message)()
    copy.CopyFrom(message)
    for field in DERIVED.get(message.DESCRIPTOR.name, ()):
        copy.ClearField(field)
    return copy.SerializeToString(deterministic=True)


def listed(client):
    """{name: message} of everything in the clinic."""
    found = [client.call("clinic_service", "GetClinic", name=PARENT)]
    found += client.all("clinic_service", "ListHolidays", "holidays", parent=PARENT)
    therapists = client.all("therapist_service", "ListTherapists", "therapists", parent=PARENT)
    found += therapists
    for therapist in therapists:
        found += client.all("therapist_service", "ListTimeOff", "time_off", parent=therapist.name)
        found += client.all("therapist_service", "ListExtraHours", "extra_hours", parent=therapist.name)
    found += client.all("course_service", "ListCourses", "courses", parent=PARENT)
    found += client.all("session_service", "ListSessions", "sessions", parent=f"{PARENT}/courses/-")
    return {message.name: message for message in found}


def differences(client, state):
    """Names that the follower and the store tell differently."""
    store = listed(client)
    kept = {}
    for name, text in state["resources"].items():
        kind = type(store[name]) if name in store else None
        kept[name] = canonical(kind.FromString(base64.b64decode(text))) if kind else text
    told = {name: canonical(message) for name, message in store.items()}
    return sorted(n for n in told.keys() | kept.keys() if told.get(n) != kept.get(n)), len(told)


def check_alive(writers):
    for writer in writers:
        if writer.broken is not None:
            raise Failure(f"a writer broke: {writer.broken}")


def follow(world, engine, size):
    """A follower killed again and again, and servers, too: it ends with exactly the store's content."""
    stubs = world.tools.stubs()
    contract.load(stubs)
    first, _ = world.service(engine)
    services = [first]
    if engine == "postgres":
        database = first.args[1].split("=", 1)[1]
        services.append(Service(world.tools, engine, "second-replica", database=database))
    stop = threading.Event()
    writers, follower = [], None
    try:
        for service in services:
            service.start()
        addresses = [service.address for service in services]
        client = contract.Client(addresses)
        client.call("clinic_service", "CreateClinic", clinic_id=CLINIC,
                    clinic={"display_name": CLINIC, "time_zone": "Europe/London"})
        writers = [Writer(addresses, i, stop) for i in range(size["writers"])]
        for writer in writers:
            writer.start()
        follower = Follower(world.tools, stubs, addresses)
        follower.start()
        wait_for("the first events", lambda: follower.state()["events"] > 0)
        struck = 0
        with_a_server = set(random.sample(range(size["kills"]), size["server_kills"]))
        for kill in range(size["kills"]):
            time.sleep(random.uniform(0.05, 2 * size["seconds"] / size["kills"]))
            check_alive(writers)
            before = follower.state()["events"]
            follower.kill()
            struck += 1
            if kill in with_a_server:
                killed = random.choice(services)
                killed.kill()
                time.sleep(random.uniform(0, 0.3))
                killed.start()
            follower.start()
            if kill % 10 == 9:  # it does come forward between the kills
                wait_for("progress", lambda: follower.state()["events"] > before)
        stop.set()
        for writer in writers:
            writer.join(60)
        check_alive(writers)
        wrong = []

        def same():
            wrong[:] = differences(client, follower.state())[0]
            return not wrong

        try:
            # Courses that became stale in the last moments are recomputed within seconds.
            wait_for("the same content", same, seconds=60, every=0.5)
        except Failure:
            raise Failure(f"the follower and the store differ in {len(wrong)}: {wrong[:5]}") from None
        if follower.process.poll() is not None:
            raise Failure(f"the follower ended by itself; see {follower.log}")
        count = check_the_comparison(client, follower.state())
        return {"kills": struck, "of servers": sum(s.starts - 1 for s in services),
                "written": sum(w.done for w in writers), "refused": sum(w.refused for w in writers),
                "events": follower.state()["events"], "resources": count}
    finally:
        stop.set()
        if follower is not None and follower.process is not None and follower.process.poll() is None:
            follower.kill()
        for service in services:
            if service.process is not None and service.process.poll() is None:
                service.stop()


def check_the_comparison(client, state):
    """A follower that missed one event, or kept what is gone, is found out."""
    wrong, count = differences(client, state)
    if wrong:
        raise Failure(f"what was the same differs: {wrong[:5]}")
    missed = dict(state, resources=dict(state["resources"]))
    missed["resources"].pop(random.choice(sorted(missed["resources"])))
    kept = dict(state, resources={**state["resources"], f"{PARENT}/holidays/1999-01-01": "eA=="})
    for forged in (missed, kept):
        if len(differences(client, forged)[0]) != 1:
            raise Failure("the comparison does not see a forged follower")
    return count
