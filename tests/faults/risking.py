"""The drill of risk answers: clients record forms with one, the server is killed in the middle of their
calls, and each repeats its call until it is acknowledged, while listeners follow the alerts. Each call
has then made one measurement and one alert, has one answer however often it is asked, and was told."""

import collections
import copy
import random
import threading
import time
import uuid

import contract
from processes import Failure, wait_for
from sends import tell
from stores import check_answers_audited, check_told

CLINIC = "risk"
PARENT = f"clinics/{CLINIC}"
COURSES_A_WRITER = 4
HOUR = 3600
# Forms of a course are so far apart in time that none is taken for another one; later ones begin anew.
APART, FORMS = 13 * HOUR, 600
RISK_ITEM, RAISED = 1, 1  # of ALERT_KIND and ALERT_CHANGE_KIND
RISK_KINDS = (1, 2, 3)

# A call that was acknowledged: what it recorded and raised, when (ns), its first answer, those that it
# had when it was asked again, the codes of its tries that failed, and whether one of these was committed.
Call = collections.namedtuple("Call", "measurement alert acknowledged answer again failed found")
Row = collections.namedtuple("Row", "alert measurement kind item")
Notice = collections.namedtuple("Notice", "alert revision change measurement")
# What one stream told: when it was asked for (ns), and how many of its notices came first.
Stream = collections.namedtuple("Stream", "opened first notices")


def form(began, number):
    """A PHQ-9 with a risk answer, other ones than all before."""
    values = [number // 4**k % 4 for k in range(8)] + [1 + number % 3]
    return {"instrument": f"{PARENT}/instruments/phq-9", "respondent": 1,
            "answers": {"answers": [{"item": f"q{i + 1}", "value": v} for i, v in enumerate(values)]},
            "complete_time": {"seconds": began - (1 + number % FORMS) * APART}}


class Writer(threading.Thread):
    """Records one form after the other, each under a request_id of its own, until it is acknowledged."""

    def __init__(self, address, number, courses, stop):
        super().__init__(daemon=True)
        self.client = contract.Client([address], "outcomes")
        self.courses, self.stop = courses, stop
        self.random = random.Random(number)
        self.began = int(time.time())
        self.requests, self.calls, self.broken = [], [], None

    def run(self):
        try:
            while not self.stop.wait(0.005):
                self.record()
        except Exception as error:
            self.broken = f"{type(error).__name__}: {error}"

    def send(self, request):
        return self.client.call("measurement_service", "RecordMeasurement", **request)

    def record(self):
        number, course = divmod(len(self.calls), len(self.courses))
        request = {"parent": self.courses[course], "measurement": form(self.began, number),
                   "request_id": str(uuid.uuid4())}
        answer = self.send(request)
        acknowledged, failed = time.time_ns(), self.client.failed
        # Server and client share a clock: what was done before the last try was sent, an earlier one did.
        found = bool(failed) and answer.receive_time.ToNanoseconds() < self.client.sent
        again = [self.send(request)] if self.random.random() < 0.2 else []
        alerts = [risk.alert for risk in answer.risks]
        if len(alerts) != 1 or not alerts[0]:
            raise Failure(f"{answer.name} tells of alerts {alerts}")
        self.requests.append(request)
        self.calls.append(Call(answer.name, alerts[0], acknowledged, answer, again, failed, found))

    def repeat(self):
        """All of them once more."""
        try:
            for request, call in zip(self.requests, self.calls):
                call.again.append(self.send(request))
        except Exception as error:
            self.broken = f"{type(error).__name__}: {error}"


class Listener(threading.Thread):
    """Listens again and again: from its last cursor, or (`anew`) with all that is not resolved first."""

    def __init__(self, address, label, anew=False, cursor=""):
        super().__init__(daemon=True)
        self.client = contract.Client([address], "outcomes")
        self.label, self.anew, self.cursor = label, anew, cursor
        self.streams, self.call, self.broken = [], None, None
        self.over = threading.Event()

    def run(self):
        import grpc

        requests = contract.module("alert_service_pb2", "outcomes")
        while not self.over.is_set():
            request = requests.WatchAlertsRequest(
                parent=PARENT, listener=self.label, kinds=RISK_KINDS, include_open=self.anew,
                cursor="" if self.anew else self.cursor)
            stream = Stream(time.time_ns(), [], [])
            try:
                self.call = self.client.stub("AlertService", "alert_service").WatchAlerts(
                    request, wait_for_ready=True)
                self.streams.append(stream)
                for response in self.call:
                    stream.notices.extend(
                        Notice(n.alert.name, n.revision, n.change, n.alert.measurement)
                        for n in response.notices)
                    if response.caught_up:
                        stream.first.append(len(stream.notices))
                    self.cursor = response.cursor
            except grpc.RpcError as error:
                if error.code().name not in ("UNAVAILABLE", "CANCELLED"):
                    self.broken = f"{self.label}: {error.code().name}: {error.details()}"
                    return
            time.sleep(0.02)

    def told(self):
        return [notice for stream in list(self.streams) for notice in list(stream.notices)]

    def end(self):
        self.over.set()
        if self.call is not None:
            self.call.cancel()
        self.join(30)


class Books:
    """Everything that is compared."""

    def __init__(self, calls, measurements, rows, listed, told, order, anew):
        self.calls = calls
        self.measurements = measurements  # names, as the store has them
        self.rows, self.listed = rows, listed  # alerts: as the store has them, as ListAlerts lists them
        self.told = told    # to who followed by cursor, over all streams
        self.order = order  # the same as one stream tells it that nothing interrupts
        self.anew = anew    # streams that began with what was not resolved


def read_rows(store):
    measurements = [f"{PARENT}/courses/{course}/measurements/{measurement}" for course, measurement in
                    store.rows("SELECT course_id, measurement_id FROM measurements")]
    rows = [Row(f"{PARENT}/courses/{course}/alerts/{alert}",
                f"{PARENT}/courses/{course}/measurements/{measurement}", int(kind), item)
            for course, alert, measurement, kind, item in store.rows(
                f"SELECT course_id, alert_id, measurement_id, kind, item FROM alerts WHERE kind = {RISK_ITEM}")]
    return measurements, rows


def more_than_once(values):
    return [value for value, count in collections.Counter(values).items() if count > 1]


def check(books):
    """Raises Failure for the first promise that does not hold."""
    acknowledged = {call.measurement: call.alert for call in books.calls}
    tell("calls were answered with the same measurement", more_than_once(
        call.measurement for call in books.calls))
    tell("calls were answered otherwise when they were asked again", [
        call.measurement for call in books.calls if any(again != call.answer for again in call.again)])
    tell("calls were never asked again", [c.measurement for c in books.calls if not c.again])
    tell("acknowledged measurements are not in the store", sorted(
        acknowledged.keys() - set(books.measurements)))
    tell("measurements in the store were never acknowledged", sorted(
        set(books.measurements) - acknowledged.keys()))
    tell("measurements have no alert", sorted(
        set(books.measurements) - {row.measurement for row in books.rows}))
    tell("measurements have two alerts", more_than_once(row.measurement for row in books.rows))
    tell("alerts are not of the answer", [
        row for row in books.rows
        if acknowledged.get(row.measurement) != row.alert or (row.kind, row.item) != (RISK_ITEM, "q9")])
    tell("alerts are not listed once", sorted(
        (collections.Counter(row.alert for row in books.rows) -
         collections.Counter(books.listed)).elements()))
    tell("alerts are listed that are not there, or twice", sorted(
        (collections.Counter(books.listed) -
         collections.Counter(row.alert for row in books.rows)).elements()))
    # By cursor: all, in order, and what was read from one on is not told from there again.
    told = {notice.measurement: notice.alert for notice in books.told if notice.change == RAISED}
    tell("alerts were never told as raised", [
        call.alert for call in books.calls if told.get(call.measurement) != call.alert])
    tell("notices came twice", more_than_once(books.told))
    tell("notices came in another order, or not at all", [
        (a, b) for a, b in zip(books.told, books.order) if a != b] or
        books.told[len(books.order):] or books.order[len(books.told):])
    # Anew: whatever was acknowledged before a stream was asked for is among its first.
    for stream in books.anew:
        if stream.first:
            first = {notice.alert for notice in stream.notices[:stream.first[0]]}
            tell("alerts were not among those that come first", [
                call.alert for call in books.calls
                if call.acknowledged < stream.opened and call.alert not in first])
    heard = {notice.alert for stream in books.anew for notice in stream.notices}
    tell("alerts were never told to who began anew", [c.alert for c in books.calls if c.alert not in heard])


def check_the_checks(books):
    """Each forged book must be found out, and by the check that is for it."""
    check(books)
    call, other = books.calls[0], books.calls[-1]
    row = next(row for row in books.rows if row.alert == call.alert)
    heard = next(n for n in books.told if n.alert == call.alert and n.change == RAISED)
    opening = next(s for s in reversed(books.anew) if s.first and call.acknowledged < s.opened)

    def forge(what, **changes):
        forged = copy.copy(books)
        for name, change in changes.items():
            setattr(forged, name, change(list(getattr(books, name))))
        try:
            check(forged)
        except Failure as found:
            if what not in str(found):
                raise Failure(f"forged books ({what}) were taken for: {found}") from None
            return
        raise Failure(f"the check does not see forged books ({what})")

    def instead(old, new):
        return lambda of: [new if each is old else each for each in of]

    def without(old):
        return lambda of: [each for each in of if each != old]

    forge("the same measurement", calls=lambda of: of + [call])
    forge("answered otherwise", calls=instead(call, call._replace(again=[other.answer])))
    forge("never asked again", calls=instead(call, call._replace(again=[])))
    forge("not in the store", measurements=without(call.measurement))
    forge("never acknowledged", measurements=lambda of: of + [call.measurement + "2"])
    forge("have no alert", rows=without(row))
    forge("have two alerts", rows=lambda of: of + [row._replace(alert=row.alert + "2")])
    forge("not of the answer", rows=instead(row, row._replace(alert=row.alert + "2")))
    forge("not listed once", listed=without(call.alert))
    forge("not there, or twice", listed=lambda of: of + [call.alert])
    forge("never told as raised", told=without(heard))
    forge("came twice", told=lambda of: of + [heard])
    forge("another order", told=lambda of: of[1:] + of[:1])
    forge("another order", order=lambda of: of + [heard._replace(alert="later")])
    forge("among those that come first", anew=instead(opening, opening._replace(
        notices=[n for n in opening.notices if n.alert != call.alert])))
    forge("to who began anew", anew=lambda of: [])


def make_courses(address, count):
    client = contract.Client([address])
    client.call("clinic_service", "CreateClinic", clinic_id=CLINIC,
                clinic={"display_name": CLINIC, "time_zone": "Europe/London"})
    therapist = client.call("therapist_service", "CreateTherapist", parent=PARENT, therapist_id="ana",
                            therapist={"display_name": "ana"}).name
    return [client.call("course_service", "CreateCourse", parent=PARENT, course={
        "patient": {"system": "urn:drill", "value": f"p{i}"}, "therapist": therapist}).name
        for i in range(count)]


def killed(world, engine, size):
    """kill -9 at random moments of calls with a risk answer: one measurement, one alert, told, each."""
    contract.load(world.tools.stubs())
    service, store = world.outcomes(engine)
    stop = threading.Event()
    writers, listeners = [], []

    def check_alive():
        for thread in writers + listeners:
            if thread.broken is not None:
                raise Failure(f"a client broke: {thread.broken}")

    def acknowledged():
        check_alive()
        return sum(len(writer.calls) for writer in writers)

    def listen(label, **how):
        listeners.append(Listener(service.address, label, **how))
        listeners[-1].start()
        wait_for(label, lambda: check_alive() or listeners[-1].cursor)
        return listeners[-1]

    with service:
        try:
            service.start()
            count = size["writers"] * COURSES_A_WRITER
            # Without scheduling no course is known; measurements are taken all the same.
            courses = make_courses(service.address, count) if engine == "sqlite" else [
                f"{PARENT}/courses/c{i}" for i in range(count)]
            follower = listen("who follows")
            start = follower.cursor
            beginner = listen("who begins anew", anew=True)
            for number in range(size["writers"]):
                writers.append(Writer(service.address, number, courses[number::size["writers"]], stop))
                writers[-1].start()
            for _ in range(size["kills"]):
                before = acknowledged()
                wait_for("acknowledgements", lambda: acknowledged() >= before + size["writers"])
                time.sleep(random.uniform(0, 0.1))
                service.kill()
                service.start()
            stop.set()
            for writer in writers:
                writer.join(90)
            check_alive()
            repeaters = [threading.Thread(target=writer.repeat, daemon=True) for writer in writers]
            for repeater in repeaters:
                repeater.start()
            for repeater in repeaters:
                repeater.join(90)
            check_alive()

            calls = [call for writer in writers for call in writer.calls]
            alerts = {call.alert for call in calls}
            for listener in (follower, beginner):
                wait_for(f"all alerts for {listener.label}", lambda: check_alive() or not (
                    alerts - {notice.alert for notice in listener.told()}), every=0.2)
            follower.end()
            told = follower.told()
            # The order is what one stream tells from where the first one began.
            once = listen("who reads once", cursor=start)
            wait_for("the last for who reads all at once", lambda: check_alive() or told[-1] in once.told())
            for listener in listeners:
                listener.end()
            check_alive()

            measurements, rows = read_rows(store)
            client = contract.Client([service.address], "outcomes")
            listed = [alert.name for alert in client.all(
                "alert_service", "ListAlerts", "alerts", parent=f"{PARENT}/courses/-", kinds=[RISK_ITEM])]
            # Since then it may have been told of more, such as what scheduling said of a course.
            order = once.told()
            order = order[:order.index(told[-1]) + 1]
            check_the_checks(Books(calls, measurements, rows, listed, told, order, beginner.streams))
            check_answers_audited(store)
            check_told(store, "measurements", "MEASUREMENT_RECORDED")
            check_told(store, "alerts", "ALERT_RAISED")
            store.check_files()

            struck = [call for call in calls if "UNAVAILABLE" in call.failed]
            found = sum(call.found for call in struck)
            if not struck or size.get("both") and found in (0, len(struck)):
                raise Failure(f"of {len(calls)} calls {len(struck)} were struck, {found} of them once committed")
            return {"kills": service.starts - 1, "calls": len(calls), "struck": len(struck),
                    "found again": found, "done anew": len(struck) - found, "notices": len(told),
                    "streams": sum(len(listener.streams) for listener in listeners)}
        finally:
            stop.set()
            for listener in listeners:
                listener.end()
