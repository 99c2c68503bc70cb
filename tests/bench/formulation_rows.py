"""The rows on formulation: its hot reads, against the empty call. The courses are the worked ones of the demo."""

import datetime
import os
import sys

from processes import Failure
from result import Result, pairs_of

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLINICS = "worked"
COURSES = 20


def fill(bench, service):
    """Worked courses, each with its formulation, of a therapist of its own."""
    os.environ["IPT_E2E_BUILD"] = bench.build
    sys.path[:0] = [os.path.join(ROOT, "tests", "e2e"), os.path.join(ROOT, "tools")]
    import grpc
    import support
    del os.environ["IPT_E2E_BUILD"]  # servers read their settings from there
    from worked_courses import Dispute, Grief

    with open(bench.token_file, encoding="utf-8") as file:
        api = support.Api(grpc.insecure_channel(service.address)).with_token(file.read().strip())
    clinics = bench.clinic_ids(CLINICS).split(",")
    for clinic in clinics:
        api.CreateClinic(clinic_id=clinic, clinic=dict(display_name="Worked", time_zone="Europe/London"))
    for i in range(COURSES):
        parent = f"clinics/{clinics[i % len(clinics)]}"
        therapist = api.CreateTherapist(parent=parent, therapist_id=f"t{i}", therapist=dict(
            display_name=f"T{i}", working_hours=support.weekly())).name
        call = lambda method, /, **fields: getattr(api, method)(**fields)  # noqa: E731
        (Grief if i % 2 else Dispute)(call, parent, f"k{i}", therapist,
                                      support.today() - datetime.timedelta(days=1)).play()


def reads(bench, mix, what):
    """Of closed courses, whose copy does not age: nobody asks scheduling."""
    with bench.service("sqlite", mix, flags=["--formulation"]) as service:
        service.start()
        fill(bench, service)
        # It warms up: what came to be known by asking is followed then.
        read = lambda: bench.rate(service, mix=mix, setup="false", clinics=CLINICS, in_flight=64)  # noqa: E731
        if read() <= 0:
            raise Failure(f"{mix}: nothing was answered")
        rounds = bench.in_turn(read, lambda: bench.empty(service))
    return [Result(mix, f"{what}, suite on SQLite, 64 in flight", pairs_of(rounds, 0, 1),
                   limit_is="empty call")]


def formulation(bench):
    return reads(bench, "get-formulation", "GetFormulation")


def guide(bench):
    return reads(bench, "get-guide", "GetSessionGuide")


ROWS = {
    "get-formulation": formulation,
    "get-guide": guide,
}
