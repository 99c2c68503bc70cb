"""What every end-to-end test stands on: servers, stores, certificates, tokens, clients.

The binaries and the generated stubs are found in the build folder that IPT_E2E_BUILD names (ctest sets
it; by hand it defaults to build/release). Everything started here ends with the test's process.
"""

import atexit
import collections
import contextlib
import copy
import datetime
import functools
import importlib
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zoneinfo

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("IPT_E2E_BUILD", ROOT / "build/release"))
sys.path.insert(0, str(BUILD / "generated_python"))
sys.path.insert(1, str(ROOT / "tools"))  # worked_courses

import google  # noqa: E402

google.__path__.append(str(BUILD / "generated_python/google"))  # google.rpc, google.type

import grpc  # noqa: E402
from google.protobuf import descriptor, descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from ipt.common.v1 import options_pb2  # noqa: E402

UTC = datetime.timezone.utc
LONDON = zoneinfo.ZoneInfo("Europe/London")
REPEATED = descriptor.FieldDescriptor.LABEL_REPEATED

# Attribute of Api: (package, file, service).
SERVICES = {  # what ipt-scheduling serves, and ipt-suite --nooutcomes --noformulation
    "clinics": ("ipt.scheduling.v1", "clinic_service", "ClinicService"),
    "therapists": ("ipt.scheduling.v1", "therapist_service", "TherapistService"),
    "courses": ("ipt.scheduling.v1", "course_service", "CourseService"),
    "sessions": ("ipt.scheduling.v1", "session_service", "SessionService"),
    "reminders": ("ipt.scheduling.v1", "reminder_service", "ReminderService"),
    "deliveries": ("ipt.scheduling.v1", "delivery_service", "DeliveryService"),
    "events": ("ipt.scheduling.v1", "event_service", "EventService"),
    "audit": ("ipt.audit.v1", "audit_service", "AuditService"),
}
OUTCOMES = {  # what ipt-outcomes serves beside the audit
    "instruments": ("ipt.outcomes.v1", "instrument_service", "InstrumentService"),
    "plans": ("ipt.outcomes.v1", "measurement_plan_service", "MeasurementPlanService"),
    "measurements": ("ipt.outcomes.v1", "measurement_service", "MeasurementService"),
    "bulk": ("ipt.outcomes.v1", "measurement_bulk_service", "MeasurementBulkService"),
    "alerts": ("ipt.outcomes.v1", "alert_service", "AlertService"),
    "outcomes": ("ipt.outcomes.v1", "outcome_service", "OutcomeService"),
    "policies": ("ipt.outcomes.v1", "outcome_policy_service", "OutcomePolicyService"),
    "reports": ("ipt.outcomes.v1", "report_service", "ReportService"),
    "outcome_events": ("ipt.outcomes.v1", "event_service", "EventService"),
}
FORMULATION = {  # what ipt-formulation serves beside the audit
    "inventory": ("ipt.formulation.v1", "inventory_service", "InventoryService"),
    "problem_areas": ("ipt.formulation.v1", "problem_area_service", "ProblemAreaService"),
    "formulations": ("ipt.formulation.v1", "formulation_service", "FormulationService"),
    "goals": ("ipt.formulation.v1", "goal_service", "GoalService"),
    "protocol": ("ipt.formulation.v1", "protocol_service", "ProtocolService"),
    "formulation_policies": ("ipt.formulation.v1", "formulation_policy_service", "FormulationPolicyService"),
    "formulation_events": ("ipt.formulation.v1", "event_service", "EventService"),
}
ALL_SERVICES = {**SERVICES, **OUTCOMES, **FORMULATION}  # what ipt-suite serves


@functools.lru_cache(maxsize=None)
def module(package, file, suffix="pb2"):
    return importlib.import_module(f"{package}.{file}_{suffix}")


@functools.lru_cache(maxsize=None)
def _methods(services):
    found = {}
    for attribute, (package, file, service) in services:
        for method in module(package, file).DESCRIPTOR.services_by_name[service].methods:
            found[f"/{package}.{service}/{method.name}"] = (attribute, method)
    return found


def methods(services=SERVICES):
    """Every method of these services: {full path: (service attribute, MethodDescriptor)}."""
    return _methods(tuple(services.items()))


def streams(method):
    """Whether the method answers with a stream, and whether it takes one."""
    proto = descriptor_pb2.MethodDescriptorProto()
    method.CopyToProto(proto)
    return proto.server_streaming, proto.client_streaming


def first_answer(method, call, request, **options):
    """Of `call`, which is of the method's kind, the answer or the first of them."""
    answers, takes_stream = streams(method)
    answer = call(iter([request]) if takes_stream else request, **options)
    if not answers:
        return answer
    try:
        return next(answer, None)  # a stream may end well without one
    finally:
        answer.cancel()


def message_class(descriptor):
    return getattr(importlib.import_module(
        descriptor.file.name.removesuffix(".proto").replace("/", ".") + "_pb2"), descriptor.name)


def resource_fields(message, is_request=True, path=(), seen=()):
    """Paths of all fields of a request that hold a resource name, as (path, pattern)."""
    if message.full_name in seen:
        return
    is_update = "update_mask" in message.fields_by_name
    for field in message.fields:
        rules = field.GetOptions().Extensions[options_pb2.rules]
        here = path + (field,)
        if rules.output_only:
            continue
        if rules.resource or rules.clinic_id:
            yield here, rules.resource or "{clinic}"
        elif field.message_type and field.message_type.full_name.startswith("ipt."):
            for found in resource_fields(field.message_type, False, here, seen + (message.full_name,)):
                # A nested resource's own name says which one only in an update; elsewhere it is
                # ignored, as the methods' comments state.
                if found[0][-1].name != "name" or is_update:
                    yield found


def put(message, path, value):
    """Sets a field by its path; in repeated messages, that of a first element."""
    *way, last = path
    for field in way:
        message = getattr(message, field.name)
        if field.label == REPEATED:
            message = message[0] if message else message.add()
    if last.label == REPEATED:
        getattr(message, last.name).append(value)
    else:
        setattr(message, last.name, value)


def field_text(path):
    """As an error names it, of what `put` makes of it alone."""
    return ".".join(field.name + "[0]" * (field.label == REPEATED) for field in path)


def names_field(message, path):
    """Whether a path of an error, "cover[1].desk", is one of that message; a oneof's own name is, too."""
    if path == "...":  # where there are more than fit
        return True
    *way, last = path.split(".")
    for step in (*way, last):
        parts = re.fullmatch(r"(\w+)(\[\d+\])?", step)
        field = parts and message and message.fields_by_name.get(parts[1])
        if not field:
            return bool(message) and step is last and step in message.oneofs_by_name
        if bool(parts[2]) != (field.label == REPEATED) and (parts[2] or step is not last):
            return False
        message = field.message_type
    return True


@functools.lru_cache(maxsize=None)
def protoset():
    """All protos, gRPC's health and reflection among them, in a pool of their own."""
    pool = descriptor_pool.DescriptorPool()
    data = (BUILD / "generated_python/all.protoset").read_bytes()
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        pool.Add(file)
    return pool


def dynamic(full_name):
    return message_factory.MessageFactory(protoset()).GetPrototype(
        protoset().FindMessageTypeByName(full_name))


# ----------------------------------------------------------------------------------------- values

def rid():
    return str(uuid.uuid4())


def now():
    return datetime.datetime.now(UTC)


def ts(when):
    stamp = timestamp_pb2.Timestamp()
    stamp.FromDatetime(when.astimezone(UTC).replace(tzinfo=None))
    return stamp


def instant(stamp):
    return stamp.ToDatetime().replace(tzinfo=UTC)


def today():
    """The day in London, for the whole test: not taken in the minutes before it ends."""
    while (now() + datetime.timedelta(minutes=6)).astimezone(LONDON).date() != now().astimezone(
            LONDON).date():
        time.sleep(1)
    return now().astimezone(LONDON).date()


def tomorrow():
    """When plans of tests begin: what is left of a working day would give the whole plan its time of day,
    and its first session would begin while the test goes on."""
    return at(now().astimezone(LONDON).date() + datetime.timedelta(days=1), 0)


def date(day):
    return dict(year=day.year, month=day.month, day=day.day)


def day_of(message):
    return datetime.date(message.year, message.month, message.day)


def at(day, hour, minute=0, zone=LONDON):
    return datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


def next_weekday(weekday, not_before):
    """The first such weekday (Monday is 0) on or after a day."""
    return not_before + datetime.timedelta(days=(weekday - not_before.weekday()) % 7)


def weekly(days=range(1, 6), start=9, end=17):
    return [dict(day=d, start=dict(hours=start), end=dict(hours=end)) for d in days]


# ----------------------------------------------------------------------------------------- errors

class Refused(Exception):
    """A gRPC error with its google.rpc details read."""

    def __init__(self, call, error):
        self.code = error.code().name
        self.message = error.details()
        self.metadata = dict(error.trailing_metadata() or ())
        self.details = {}
        for any_ in status_pb2.Status.FromString(
                self.metadata.get("grpc-status-details-bin", b"")).details:
            kind = any_.type_url.rsplit(".", 1)[-1]
            self.details[kind] = getattr(error_details_pb2, kind).FromString(any_.value)
        info = self.details.get("ErrorInfo")
        self.reason = info.reason if info else ""
        self.domain = info.domain if info else ""
        self.info = dict(info.metadata) if info else {}
        bad = self.details.get("BadRequest")
        self.fields = sorted(v.field for v in bad.field_violations) if bad else []
        failed = self.details.get("PreconditionFailure")
        self.preconditions = [(v.type, v.subject) for v in failed.violations] if failed else []
        super().__init__(f"{call}: {self.code} {self.reason} {self.fields} {self.preconditions} "
                         f"{self.info}: {self.message}")

    def shape(self, *ignore):
        """All that the client sees, but for words that name the asked-for resource."""
        text = repr((self.code, self.message, sorted((k, str(v)) for k, v in self.details.items())))
        for word in ignore:
            text = text.replace(word, "?")
        return text


# ---------------------------------------------------------------------------------------- clients

class Api:
    """Calls any method by its name: api.CreateClinic(clinic_id="a", ...). Writes get a request_id of
    their own unless one is given; every call has a deadline; errors arrive as Refused. Of a stream
    it is the first answer that comes back.

    A name that several services have says which: send("outcome_events.WatchEvents", ...). So may any
    name, and a full path names its method as well."""

    def __init__(self, channel, metadata=(), timeout=20):
        self.channel = channel
        self.metadata = tuple(metadata)
        self.timeout = timeout
        self.stubs = {}  # by path, by service and name, and by name where no other service has it
        for attribute, (package, file, service) in ALL_SERVICES.items():
            stub = getattr(module(package, file, "pb2_grpc"), service + "Stub")(channel)
            setattr(self, attribute, stub)
        known = methods(ALL_SERVICES)
        names = collections.Counter(method.name for _, method in known.values())
        for path, (attribute, method) in known.items():
            found = (getattr(getattr(self, attribute), method.name), method)
            self.stubs[path] = self.stubs[f"{attribute}.{method.name}"] = found
            if names[method.name] == 1:
                self.stubs[method.name] = found

    def with_token(self, token):
        other = copy.copy(self)
        other.metadata = (("authorization", f"Bearer {token}"),)
        return other

    def request(self, name, /, **fields):
        method = self.stubs[name][1]
        if "request_id" in method.input_type.fields_by_name:
            fields.setdefault("request_id", rid())
        return message_class(method.input_type)(**fields)

    def send(self, name, /, request, **options):
        options.setdefault("timeout", self.timeout)
        options.setdefault("metadata", self.metadata)
        call, method = self.stubs[name]
        try:
            return first_answer(method, call, request, **options)
        except grpc.RpcError as error:
            raise Refused(name, error) from None

    def raw(self, path, data, **options):
        """Sends bytes as they are; answers bytes."""
        options.setdefault("timeout", self.timeout)
        options.setdefault("metadata", self.metadata)
        try:
            if path not in self.stubs:
                return self.channel.unary_unary(path)(data, **options)
            method = self.stubs[path][1]
            kind = {(False, False): "unary_unary", (True, False): "unary_stream",
                    (True, True): "stream_stream"}[streams(method)]
            return first_answer(method, getattr(self.channel, kind)(path), data, **options)
        except grpc.RpcError as error:
            raise Refused(path, error) from None

    def __getattr__(self, name):
        if name.startswith("_") or name not in self.__dict__.get("stubs", {}):
            raise AttributeError(name)
        return lambda **fields: self.send(name, self.request(name, **fields))

    def all(self, name, items, /, **fields):
        """Every item of a list, page by page."""
        found, token = [], ""
        while True:
            page = getattr(self, name)(page_token=token, **fields)
            found += getattr(page, items)
            token = page.next_page_token
            if not token:
                return found


# ----------------------------------------------------------------------- keys, tokens, certificates

class Identity:
    """Certificates, signing keys and tokens of one test, made by the tools that developers use."""

    issuer, audience = "https://dev.ipt", "ipt"

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ipt-e2e-keys-"))
        atexit.register(shutil.rmtree, self.dir, ignore_errors=True)
        self.certs()
        self.key("key-1")

    def certs(self):
        subprocess.run([ROOT / "tools/dev_certs.sh", self.dir], check=True, stdout=subprocess.DEVNULL)

    def key(self, kid, alg="ES256", folder=None):
        self._tool("key", "--alg", alg, "--kid", kid, "--dir", str(folder or self.dir))

    def token(self, clinics="*", scopes=None, folder=None, **options):
        words = ["sign", "--dir", str(folder or self.dir), "--clinics", clinics]
        if scopes is not None:
            words += ["--scopes", scopes]
        for name, value in options.items():
            words += [f"--{name}", str(value)]
        return self._tool(*words).strip()

    @staticmethod
    def _tool(*words):
        return subprocess.run(["/usr/bin/python3", ROOT / "tools/dev_token", *words], check=True,
                              capture_output=True, text=True).stdout

    def flags(self):
        return [f"--tls_cert_file={self.dir}/tls.crt", f"--tls_key_file={self.dir}/tls.key",
                f"--jwks_file={self.dir}/jwks.json", f"--jwt_issuer={self.issuer}",
                f"--jwt_audience={self.audience}"]

    def credentials(self, client_certificate=False):
        read = lambda name: (self.dir / name).read_bytes()  # noqa: E731
        if client_certificate:
            return grpc.ssl_channel_credentials(read("ca.crt"), read("client.key"), read("client.crt"))
        return grpc.ssl_channel_credentials(read("ca.crt"))


# ----------------------------------------------------------------------------------------- servers

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


_dead = []


def dead_port():
    """A port where nobody listens, nor can while this process lives."""
    _dead.append(socket.socket())
    _dead[-1].bind(("127.0.0.1", 0))
    return _dead[-1].getsockname()[1]


def http(port, path):
    """(status, body) of the admin port; (0, "") where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def metric(port, name):
    """A metric's value by its name with its labels, as they stand on the page; 0 before its first time."""
    lines = http(port, "/metrics")[1].splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.rsplit(" ", 1)[0] == name)


def total(port, name, **labels):
    """A metric's values over all lines that have each of these labels, with one of its values; added up."""
    wanted = [[f'{label}="{value}"' for value in values] for label, values in labels.items()]
    return sum(float(line.rsplit(" ", 1)[1]) for line in http(port, "/metrics")[1].splitlines()
               if line.startswith(name + "{") and all(any(one in line for one in each) for each in wanted))


class Postgres:
    """A PostgreSQL of this process alone, on loopback, as an unprivileged user."""

    def __init__(self):
        self.bin = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ipt-e2e-pg-"))
        atexit.register(self.stop)
        self.user = []
        if os.getuid() == 0:
            self.user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self.dir, "postgres", "postgres")
        subprocess.run(["setpriv", *self.user, "--", self.bin / "initdb", "-D", self.dir / "data", "-U",
                        "ipt", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/")
        self.process = None
        self.port = free_port()
        self.start()

    def start(self):
        with open(self.dir / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", *self.user, "--pdeathsig", "INT", "--", self.bin / "postgres", "-D",
                 self.dir / "data", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-k",
                 self.dir, "-c", "shared_buffers=16MB"], stdout=log, stderr=log, cwd="/")
        wait_until(lambda: subprocess.run(
            [self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0,
                   "PostgreSQL", self.process)

    def sql(self, text, database="postgres"):
        return subprocess.run([self.bin / "psql", "-qAt", "-h", "127.0.0.1", "-p", str(self.port), "-U",
                               "ipt", "-d", database, "-v", "ON_ERROR_STOP=1", "-c", text], check=True,
                              capture_output=True, text=True).stdout

    def database(self):
        name = "d" + uuid.uuid4().hex[:12]
        self.sql(f"CREATE DATABASE {name}")
        return f"postgresql://ipt@127.0.0.1:{self.port}/{name}"

    def session(self, database):
        """psql, fed by its standard input."""
        return subprocess.Popen([self.bin / "psql", "-qAt", "-h", "127.0.0.1", "-p", str(self.port), "-U",
                                 "ipt", "-d", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True)

    def freeze(self, how=signal.SIGSTOP):
        """All of it hangs: it is there, keeps its connections, and answers nobody."""
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            os.kill(each, how)

    def halt(self):
        if self.process and self.process.poll() is None:
            self.freeze(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def stop(self):
        self.halt()
        shutil.rmtree(self.dir, ignore_errors=True)


@functools.lru_cache(maxsize=None)
def postgres():
    return Postgres()


def noon_zone():
    """A zone where it is about noon: no quiet hours, and the working day goes on for a while."""
    ahead = 12 - now().hour
    return "Etc/GMT" + (f"{-ahead:+d}" if ahead else "")


def wait_until(condition, what, process=None, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{what} ended with {process.returncode}")
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Server:
    """ipt-suite on SQLite, or ipt-scheduling ("postgres"), ipt-outcomes ("outcomes") or ipt-formulation
    ("formulation") on PostgreSQL, as a process. The scheduling of the last two is away, unless `flags` name
    one; a suite serves scheduling alone, unless `flags` ask for more."""

    BINARIES = {"suite": "ipt-suite", "postgres": "ipt-scheduling", "outcomes": "ipt-outcomes",
                "formulation": "ipt-formulation"}

    def __init__(self, engine="suite", identity=None, flags=(), environment=None, start=True,
                 store=None):
        self.engine = engine
        self.identity = identity
        self.flags = list(flags)
        if engine == "suite":  # the last of a flag holds
            self.flags[:0] = ["--nooutcomes", "--noformulation"]
        if engine in ("outcomes", "formulation") and not any(f.startswith("--scheduling=") for f in self.flags):
            self.flags.append(f"--scheduling=127.0.0.1:{dead_port()}")
        self.environment = environment or {}
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ipt-e2e-"))
        self.port, self.admin = free_port(), free_port()
        self.process = None
        self.channels = []
        atexit.register(self.close)
        if engine == "suite":
            self.store = store or [f"--data_dir={self.dir}/data"]
        else:
            self.store = store or [f"--database={postgres().database()}"]
            if store is None:
                done = self.run("migrate", *self.store)
                if done.returncode != 0:
                    raise RuntimeError(f"migrate: {done.stderr}")
        if start:
            self.start()

    @property
    def binary(self):
        return BUILD / "bin" / self.BINARIES[self.engine]

    def env(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("IPT_")}
        return {**clean, **self.environment}

    def run(self, *words, timeout=120):
        """The binary, to its end. On any free ports: another test may hold the ones of the defaults."""
        ports = {"IPT_LISTEN": "127.0.0.1:0", "IPT_ADMIN_LISTEN": "127.0.0.1:0"}
        return subprocess.run([self.binary, *words], capture_output=True, text=True, timeout=timeout,
                              env={**ports, **self.env()})

    def command(self):
        return [self.binary, *self.store, f"--listen=127.0.0.1:{self.port}",
                f"--admin_listen=127.0.0.1:{self.admin}",
                *(self.identity.flags() if self.identity else []), *self.flags]

    def start(self, wait=True):
        """To be called in the main thread: the process ends with the thread that started it."""
        is_first = self.process is None  # later ones keep the ports, which clients know
        for attempt in range(3):  # another process may have taken a port meanwhile
            try:
                return self._start(wait)
            except RuntimeError as error:
                if not is_first or attempt == 2 or "in use by another process" not in str(error):
                    raise
                self.port, self.admin = free_port(), free_port()

    def _start(self, wait):
        with open(self.dir / "log", "ab") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *self.command()],
                                            stdout=log, stderr=log, env=self.env())
        if not wait:
            return self
        try:
            wait_until(lambda: http(self.admin, "/readyz")[0] == 200, self.binary.name, self.process)
        except Exception as error:
            raise RuntimeError(f"{error}\n{self.log()}") from None
        return self

    def log(self):
        return (self.dir / "log").read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def target(self):
        return f"127.0.0.1:{self.port}"

    def channel(self, client_certificate=False, options=()):
        options = [("grpc.max_receive_message_length", 64 << 20),
                   ("grpc.use_local_subchannel_pool", 1), *options]
        if self.identity:
            channel = grpc.secure_channel(self.target(),
                                          self.identity.credentials(client_certificate), options)
        else:
            channel = grpc.insecure_channel(self.target(), options)
        self.channels.append(channel)
        return channel

    def api(self, token=None, **options):
        """A client that may do everything, or that holds the given token."""
        if not self.identity:
            return Api(self.channel(**options))
        return Api(self.channel(**options)).with_token(token or self.identity.token())

    def reflect(self, **question):
        """What reflection says; it needs no token."""
        call = self.channel().stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=dynamic("grpc.reflection.v1alpha.ServerReflectionResponse").FromString)
        ask = dynamic("grpc.reflection.v1alpha.ServerReflectionRequest")
        return next(call(iter([ask(**question)]), timeout=60))

    def services(self):
        """The ipt services that it serves."""
        listed = self.reflect(list_services="").list_services_response.service
        return {service.name for service in listed if service.name.startswith("ipt.")}

    def hold_writes(self, service="scheduling"):
        """Keeps every write of a service waiting until what this returns is called."""
        if self.engine == "suite":
            lock = sqlite3.connect(self.dir / "data" / f"{service}.db", isolation_level=None,
                                   check_same_thread=False)
            lock.execute("BEGIN IMMEDIATE")
            return lambda: (lock.execute("ROLLBACK"), lock.close())
        name = urllib.parse.urlparse(self.store[0].split("=", 1)[1]).path[1:]
        tables = postgres().sql(
            "SELECT string_agg(quote_ident(schemaname) || '.' || quote_ident(tablename), ',') "
            "FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
            name).strip()
        session = postgres().session(name)
        session.stdin.write(f"BEGIN; LOCK TABLE {tables} IN SHARE MODE; SELECT 'held';\n")
        session.stdin.flush()
        while "held" not in session.stdout.readline():
            pass
        return lambda: session.communicate("ROLLBACK;\n")

    def stop(self, how=signal.SIGTERM, seconds=40):
        """Its exit status. Clients leave first: idle ones of Python's do not hear that they should."""
        self.leave()
        if self.alive():
            self.process.send_signal(how)
        return self.process.wait(seconds)

    def leave(self):
        for channel in self.channels:
            channel.close()
        self.channels.clear()

    def close(self):
        self.leave()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


# ------------------------------------------------------------------------------------------- tests

class EndToEnd(unittest.TestCase):
    """A server for all tests of a class; each test works in a clinic of its own."""

    engine, secure, flags = "suite", False, ()
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.identity = Identity() if cls.secure else None
        cls.server = Server(cls.engine, cls.identity, cls.flags)
        cls.addClassCleanup(cls.server.close)
        cls.api = cls.server.api()

    def setUp(self):
        self.id = "c" + uuid.uuid4().hex[:10]
        self.clinic = f"clinics/{self.id}"

    def tearDown(self):
        self.assertTrue(self.server.alive(), "the server died:\n" + self.server.log()[-4000:])

    # What most tests begin with.
    def make_clinic(self, time_zone="Europe/London", **policy):
        return self.api.CreateClinic(clinic_id=self.id, clinic=dict(
            display_name="North", time_zone=time_zone, policy=policy or None))

    def make_therapist(self, name="ana", **fields):
        fields.setdefault("working_hours", weekly())
        return self.api.CreateTherapist(parent=self.clinic, therapist_id=name, therapist=dict(
            display_name=name.title(), **fields))

    def course_fields(self, patient="p-1", therapist="ana", **fields):
        return dict(patient=dict(system="urn:mrn", value=patient),
                    therapist=f"{self.clinic}/therapists/{therapist}", **fields)

    def make_course(self, name="c1", patient=None, therapist="ana", **fields):
        return self.api.CreateCourse(parent=self.clinic, course_id=name,
                                     course=self.course_fields(patient or name, therapist, **fields))

    def import_course(self, name, starts, patient=None, therapist="ana", pauses=(), outcome=1,
                      **fields):
        """A running course whose sessions at `starts` were attended, or had the outcomes given."""
        outcomes = outcome if isinstance(outcome, list) else [outcome] * len(starts)
        return self.api.ImportCourse(
            parent=self.clinic, course_id=name, pauses=pauses,
            course=self.course_fields(patient or name, therapist, **fields),
            past_sessions=[dict(start_time=ts(s), outcome=o) for s, o in zip(starts, outcomes)])

    def book_plan(self, course):
        plan = self.api.PlanCourse(name=course.name, earliest_time=ts(tomorrow()))
        return self.api.BookPlan(name=course.name,
                                 slots=[dict(start_time=s.start_time) for s in plan.sessions])

    @contextlib.contextmanager
    def refused(self, code, reason, fields=None):
        """The block must end with exactly this refusal; its details are in `.error` afterwards."""
        result = type("Result", (), {"error": None})()
        try:
            yield result
        except Refused as error:
            result.error = error
            self.assertEqual((code, reason), (error.code, error.reason), str(error))
            self.assertEqual("ipt", error.domain, str(error))
            if fields is not None:
                self.assertEqual(sorted(fields), error.fields, str(error))
            return
        self.fail(f"not refused; expected {code} {reason}")


def on_all(engines=("suite", "postgres"), secure=(False, True)):
    """Turns a mixin into one TestCase for each store and each transport, in the mixin's module."""
    def decorate(mixin):
        space = sys.modules[mixin.__module__]
        for engine in engines:
            for safe in secure:
                name = f"{mixin.__name__}_{engine}_{'tls' if safe else 'plain'}"
                setattr(space, name, type(name, (mixin, EndToEnd), {
                    "engine": engine, "secure": safe, "__module__": mixin.__module__}))
        return mixin
    return decorate
