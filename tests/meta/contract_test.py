#!/usr/bin/python3
"""What the contract promises of itself: everything is commented, every method says what it demands,
and the reasons of errors are the same in the proto and in the code.

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
