#!/usr/bin/python3
"""What the contract promises of itself: everything is commented, every method says what it demands and
whether it reaches a patient, and the reasons of errors are the same in the proto and in the code.

  tests/meta/contract_test.py protoc -I protos -I ...
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from google.protobuf import descriptor_pb2

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROTOC = []  # the command, import paths included

CODES = ("INVALID_ARGUMENT", "ALREADY_EXISTS", "ABORTED", "NOT_FOUND", "UNAUTHENTICATED",
         "PERMISSION_DENIED", "DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED", "UNAVAILABLE",
         "INTERNAL", "FAILED_PRECONDITION", "OUT_OF_RANGE")


def compile_protos(files, paths=()):
    """Descriptors with comments and with our options understood."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        command = [*PROTOC, *paths, "--include_imports", "--include_source_info",
                   f"--descriptor_set_out={out / 'set'}", f"--python_out={out}",
                   *sorted({"ipt/common/v1/options.proto", *files})]
        subprocess.run(command, check=True)
        if "ipt.common.v1.options_pb2" not in sys.modules:
            sys.path.insert(0, folder)
            import ipt.common.v1.options_pb2  # noqa: F401  registers the extensions
            sys.path.pop(0)
        everything = descriptor_pb2.FileDescriptorSet.FromString((out / "set").read_bytes())
    return [file for file in everything.file if file.name in files]


# Methods whose request names a course although they tell nothing of its patient, and why.
TELLS_NOTHING_OF_PATIENTS = {
    "ReminderService.GetReminderPolicy": "rules for sending, a clinic's or a course's: no patient, no times",
    "ReminderService.UpdateReminderPolicy": "the same",
    "ReminderService.ResetReminderPolicy": "the same",
}


def options():
    return sys.modules["ipt.common.v1.options_pb2"]


# Field numbers of descriptor.proto that make up a SourceCodeInfo path.
def walk(file):
    """Every element of a file that needs a comment: (full name, path)."""
    def message(name, node, path):
        yield name, path
        for i, field in enumerate(node.field):
            yield f"{name}.{field.name}", path + (2, i)
        for i, oneof in enumerate(node.oneof_decl):
            if not oneof.name.startswith("_"):  # those of `optional` fields
                yield f"{name}.{oneof.name}", path + (8, i)
        for i, nested in enumerate(node.nested_type):
            if not nested.options.map_entry:
                yield from message(f"{name}.{nested.name}", nested, path + (3, i))
        for i, nested in enumerate(node.enum_type):
            yield from enum(f"{name}.{nested.name}", nested, path + (4, i))

    def enum(name, node, path):
        yield name, path
        for i, value in enumerate(node.value):
            yield f"{name}.{value.name}", path + (2, i)

    for i, node in enumerate(file.message_type):
        yield from message(node.name, node, (4, i))
    for i, node in enumerate(file.enum_type):
        yield from enum(node.name, node, (5, i))
    for i, node in enumerate(file.service):
        yield node.name, (6, i)
        for j, method in enumerate(node.method):
            yield f"{node.name}.{method.name}", (6, i, 2, j)
    for i, extension in enumerate(file.extension):
        yield extension.name, (7, i)


def comments(file):
    return {tuple(place.path): place.leading_comments.strip()
            for place in file.source_code_info.location}


def uncommented(file):
    """Elements without a comment that is a sentence."""
    said = comments(file)
    return [f"{file.name}: {name}" for name, path in walk(file)
            if not re.search(r"[.:]$", said.get(path, ""))]


def bad_policies(file):
    """What is wrong with the methods' policies."""
    requests = {node.name: node for node in file.message_type}
    wrong = []
    for service in file.service:
        for method in service.method:
            name = f"{file.name}: {service.name}.{method.name}"
            policy = method.options.Extensions[options().policy]
            if not re.fullmatch(r"[a-z_]+\.[a-z_]+", policy.scope):
                wrong.append(f"{name}: no scope such as \"courses.read\"")
            if policy.access not in (options().ACCESS_READ, options().ACCESS_WRITE):
                wrong.append(f"{name}: no access")
                continue
            fields = {field.name for field in requests[method.input_type.split(".")[-1]].field}
            writes = policy.access == options().ACCESS_WRITE
            # On a stream of requests each stands for itself, told apart by what it is about.
            if not method.client_streaming and writes != ("request_id" in fields):
                wrong.append(f"{name}: a write has a request_id, a read has none")
            if not writes and "validate_only" in fields:
                wrong.append(f"{name}: a read has nothing to validate only")
            if policy.scope.endswith(".read") == writes:
                wrong.append(f"{name}: the scope {policy.scope} contradicts its access")
    return wrong


def messages(files):
    """Every message of the files by its full name, with the leading dot of type names."""
    found = {}

    def add(scope, node):
        found[f"{scope}.{node.name}"] = node
        for nested in node.nested_type:
            add(f"{scope}.{node.name}", nested)

    for file in files:
        for node in file.message_type:
            add(f".{file.package}", node)
    return found


def patients_way(known, type_name, passed=()):
    """The way of fields by which a message reaches a patient: an identifier, or the name of what is
    one patient's. None where there is none."""
    for field in known[type_name].field if type_name in known and type_name not in passed else ():
        resource = field.options.Extensions[options().rules].resource
        if field.type_name == ".ipt.common.v1.Identifier" or re.search("/(courses|reminders)/", resource):
            return field.name
        way = patients_way(known, field.type_name, (*passed, type_name))
        if way is not None:
            return f"{field.name}.{way}"
    return None


def bad_patient_data(files, exempt):
    """Methods whose policy does not say what request and answer hold."""
    known = messages(files)
    wrong, unused = [], set(exempt)
    for service in (service for file in files for service in file.service):
        for method in service.method:
            name = f"{service.name}.{method.name}"
            states = method.options.Extensions[options().policy].patient_data
            asks, answers = (patients_way(known, t) for t in (method.input_type, method.output_type))
            if answers is not None and not states:
                wrong.append(f"{name}: answers with {answers}, but has no patient_data")
            elif answers is None and asks is not None and not states and name not in exempt:
                wrong.append(f"{name}: is asked with {asks}, but has no patient_data")
            elif answers is None and asks is None and states:
                wrong.append(f"{name}: has patient_data, but neither request nor answer reaches a patient")
            elif name in exempt and asks is not None and answers is None and not states:
                unused.remove(name)
    return wrong + [f"{name}: needs no exemption" for name in sorted(unused)]


def reasons_in_code(root):
    """value -> the constants that hold it, from every header with a namespace `reason`."""
    found = {}
    for header in sorted((root / "services").rglob("*.h")):
        text = header.read_text(encoding="utf-8")
        for block in re.findall(r"namespace (?:ipt::\w+::)?reason \{(.*?)\n\}", text, re.S):
            for constant, value in re.findall(r'constexpr char (k\w+)\[\] = "([^"]*)"', block):
                found.setdefault(value, []).append((header.relative_to(root).as_posix(), constant))
    return found


class ContractTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = sorted(p.relative_to(ROOT / "protos").as_posix()
                           for p in (ROOT / "protos/ipt").rglob("*.proto"))
        cls.files = compile_protos(cls.names)

    def test_reads_all_protos(self):
        self.assertGreater(len(self.names), 10)
        self.assertEqual(len(self.files), len(self.names))
        built = (ROOT / "protos/CMakeLists.txt").read_text(encoding="utf-8")
        self.assertEqual([name for name in self.names if name not in built], [])

    def test_everything_is_commented(self):
        self.assertEqual([c for file in self.files for c in uncommented(file)], [])

    def test_every_method_states_its_policy(self):
        self.assertGreater(sum(len(s.method) for file in self.files for s in file.service), 20)
        self.assertEqual([c for file in self.files for c in bad_policies(file)], [])

    def test_what_reaches_a_patient_is_said_to(self):
        self.assertEqual(bad_patient_data(self.files, TELLS_NOTHING_OF_PATIENTS), [])
        known = messages(self.files)
        # It finds what it looks for, however deep.
        for name, way in (("Course", "name"), ("Session", "name"), ("Reminder", "patient"),
                          ("CreateHolidaysResponse", "affected_sessions.name"),
                          ("WatchEventsResponse", "events.payload.course_changed.name"),
                          ("Clinic", None), ("Therapist", None)):
            self.assertEqual(patients_way(known, f".ipt.scheduling.v1.{name}"), way, name)
        for name, way in (("Measurement", "name"), ("Alert", "patient"), ("Trajectory", "course"),
                          ("WatchAlertsResponse", "notices.alert.patient"),
                          ("WatchEventsResponse", "events.payload.measurement_recorded.name"),
                          ("Instrument", None), ("AlertCoverage", None), ("ClinicReport", None)):
            self.assertEqual(patients_way(known, f".ipt.outcomes.v1.{name}"), way, name)
        for name, way in (("Relationship", "name"), ("Formulation", "current.name"), ("PatientCopy", "revision_name"),
                          ("ListCourseFocusesResponse", "course_focuses.course"), ("Finding", "course"),
                          ("WatchEventsResponse", "events.payload.relationship_changed.course"),
                          ("Protocol", None), ("FormulationPolicy", None)):
            self.assertEqual(patients_way(known, f".ipt.formulation.v1.{name}"), way, name)

    def test_notices_patient_data_that_is_not_said(self):
        bad = """
            syntax = "proto3";
            package ipt.bad.v1;
            import "ipt/common/v1/identifier.proto";
            import "ipt/common/v1/options.proto";
            service BadService {
              rpc Answers(Plain) returns (Deep);
              rpc Asked(Named) returns (Plain);
              rpc Exempt(Named) returns (Plain);
              rpc Says(Named) returns (Deep) { option (ipt.common.v1.policy) = { patient_data: true }; }
              rpc SaysTooMuch(Plain) returns (Plain) {
                option (ipt.common.v1.policy) = { patient_data: true };
              }
              rpc Plainly(Plain) returns (Plain);
            }
            message Plain { string name = 1 [(ipt.common.v1.rules) = {resource: "clinics/{clinic}"}]; }
            message Named {
              string of = 1 [(ipt.common.v1.rules) = {resource: "clinics/{clinic}/courses/{course}"}];
            }
            message Deep {
              message Inner { repeated ipt.common.v1.Identifier who = 1; }
              Plain plain = 1;
              oneof either { Deep again = 2; Inner inner = 3; }
            }
        """
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "bad.proto").write_text(bad, encoding="utf-8")
            files = compile_protos(["bad.proto"], ["-I", folder])
        self.assertEqual(bad_patient_data(files, {"BadService.Exempt", "BadService.Says", "BadService.Gone"}), [
            "BadService.Answers: answers with inner.who, but has no patient_data",
            "BadService.Asked: is asked with of, but has no patient_data",
            "BadService.SaysTooMuch: has patient_data, but neither request nor answer reaches a patient",
            "BadService.Gone: needs no exemption", "BadService.Says: needs no exemption"])

    def test_reasons_are_the_same_in_proto_and_code(self):
        file = next(f for f in self.files if f.name == "ipt/common/v1/error_reason.proto")
        said = comments(file)
        enum = file.enum_type[0]
        in_proto = set()
        for i, value in enumerate(enum.value):
            self.assertTrue(value.name.startswith("ERROR_REASON_"), value.name)
            if value.number == 0:
                continue
            in_proto.add(value.name[len("ERROR_REASON_"):])
            # A reader learns which status code comes with it.
            self.assertIn(said[(5, 0, 2, i)].split(":")[0], CODES, value.name)
        in_code = reasons_in_code(ROOT)
        self.assertEqual(in_proto, set(in_code))
        for value, constants in in_code.items():
            self.assertEqual(len(constants), 1, f"{value} is defined more than once: {constants}")
            name = "k" + "".join(word.capitalize() for word in value.split("_"))
            self.assertEqual(constants[0][1], name)

    def test_notices_what_is_missing(self):
        bad = """
            syntax = "proto3";
            package ipt.bad.v1;
            import "ipt/common/v1/options.proto";
            // Fine.
            service BadService {
              rpc Bare(BareRequest) returns (BareRequest);
              // Writes without a request_id.
              rpc Write(BareRequest) returns (BareRequest) {
                option (ipt.common.v1.policy) = { scope: "bad.read" access: ACCESS_WRITE };
              }
            }
            // Request.
            message BareRequest {
              string bare = 1;
              // no sentence
              string half = 2;
              // Whole.
              optional string whole = 3;
            }
            enum Bare { BARE_UNSPECIFIED = 0; }
        """
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "bad.proto").write_text(bad, encoding="utf-8")
            file, = compile_protos(["bad.proto"], ["-I", folder])
        self.assertEqual(uncommented(file), [f"bad.proto: {name}" for name in (
            "BareRequest.bare", "BareRequest.half", "Bare", "Bare.BARE_UNSPECIFIED",
            "BadService.Bare")])
        self.assertEqual(bad_policies(file), [
            'bad.proto: BadService.Bare: no scope such as "courses.read"',
            "bad.proto: BadService.Bare: no access",
            "bad.proto: BadService.Write: a write has a request_id, a read has none",
            "bad.proto: BadService.Write: the scope bad.read contradicts its access"])


if __name__ == "__main__":
    PROTOC = sys.argv[1:]
    if not PROTOC:
        sys.exit(__doc__)
    unittest.main(argv=sys.argv[:1])
