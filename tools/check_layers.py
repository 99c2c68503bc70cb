#!/usr/bin/python3
"""Checks that every file under services/ includes and uses only what its layer may.

Debian keeps gRPC, protobuf and Abseil in one include folder, so the linker stops nobody from reaching
across a layer; this does. The rules are the table of docs/architecture.md.

  tools/check_layers.py [ROOT]       checks the tree; prints file:line: rule, and fails if there are any
  tools/check_layers.py --self-test  proves that each rule refuses what it is there to refuse
"""

import pathlib
import re
import sys
import tempfile

# What an include is, by the first of these that its path matches. C++'s own headers have no dot.
KINDS = [
    ("grpc", r"(grpc|grpcpp|grpc\+\+|grpc_security)/|.*\.grpc\.pb\.h$"),
    ("proto", r"google/|ipt/|.*\.pb\.h$"),
    ("sql", r"soci/|sqlite3(ext)?\.h$|libpq|pq-|postgres"),
    ("redis", r"hiredis/|sw/redis"),
    ("json", r"nlohmann/"),
    ("absl", r"absl/"),
    ("system", r"(sys|arpa|netinet)/|(unistd|fcntl|signal|pthread|pwd|stdlib|poll)\.h$"),
    ("std", r"[a-z_0-9]+$"),
]

# What services keep of one another in the same way each: no service, but services' code all the same.
SHARED = {"course_copies"}

# The whole of a service's layers: kinds, and prefixes of our own headers. {own} is the service.
SERVICE_LAYERS = {
    "domain": (
        {"std", "absl"},
        ["{own}/domain/", "course_copies/domain/", "platform/errors/error.h",
         "platform/errors/field_violations.h",
         "platform/errors/status_macros.h", "platform/time/clock.h", "platform/transaction/",
         "platform/zone/",
         "platform/auth/caller.h", "platform/ids/ids.h", "platform/text/"],
    ),
    "storage": (
        {"std", "absl", "json"},
        ["{own}/domain/", "{own}/storage/", "course_copies/domain/", "course_copies/storage/",
         "platform/storage/", "platform/cache/", "platform/json/",
         "platform/errors/error.h", "platform/errors/field_violations.h",
         "platform/errors/status_macros.h", "platform/time/", "platform/transaction/",
         "platform/ids/ids.h"],
    ),
    "reminders": (
        {"std", "absl"},
        ["{own}/domain/", "{own}/reminders/", "platform/cache/", "platform/errors/error.h",
         "platform/errors/status_macros.h", "platform/observability/", "platform/server/periodic.h",
         "platform/time/"],
    ),
    "alerts": (
        {"std", "absl"},
        ["{own}/domain/", "{own}/alerts/", "platform/errors/error.h", "platform/errors/status_macros.h",
         "platform/observability/", "platform/server/periodic.h", "platform/time/"],
    ),
    # Joins another service's contract and the copy of what it tells.
    "link": (
        {"std", "absl", "proto"},
        ["{own}/domain/", "{own}/storage/", "{own}/link/", "course_copies/domain/", "platform/peer/",
         "platform/follow/",
         "platform/storage/database.h", "platform/errors/error.h",
         "platform/errors/field_violations.h", "platform/errors/status_macros.h",
         "platform/ids/ids.h", "platform/observability/", "platform/time/",
         "platform/rpc/content_hash.h", "platform/rpc/proto_time.h",
         "platform/rpc/resource_name.h"],
    ),
    # What a service does by itself with the copy of courses.
    "courses": (
        {"std", "absl"},
        ["{own}/domain/", "{own}/storage/", "{own}/courses/", "course_copies/",
         "platform/storage/database.h", "platform/errors/error.h",
         "platform/errors/status_macros.h", "platform/time/", "platform/observability/log.h",
         "platform/server/periodic.h"],
    ),
    "rpc": (
        {"std", "absl", "proto"},
        ["{own}/domain/", "{own}/reminders/", "{own}/rpc/", "course_copies/domain/",
         "course_copies/rpc/",
         "platform/rpc/", "platform/events/",
         "platform/errors/error.h",
         "platform/errors/field_violations.h", "platform/errors/status_macros.h", "platform/time/",
         "platform/transaction/", "platform/ids/", "platform/text/", "platform/auth/caller.h"],
    ),
}

# The platform's folders (or files) that may see what the others must not.
PLATFORM_ONLY = {
    "grpc": ["rpc/", "server/", "auth/", "peer/", "errors/grpc_status"],
    "sql": ["storage/"],
    "redis": ["cache/"],
}

# What code must not say outside the places that are there for it.
WORDS = [
    (r"absl::Now\s*\(|system_clock\b|\bCLOCK_REALTIME\b|\bgettimeofday\s*\(|\btime\s*\(\s*(nullptr|NULL|0)\s*\)",
     "time comes from Clock (platform/time/clock.h)",
     ["platform/time/",
      "platform/observability/log.cc",    # a line's time of writing, not of the call
      "platform/rpc/incoming_call.cc",    # gRPC states deadlines in the system clock
      "platform/server/server.cc"]),      # and takes the one of a shutdown in it
    (r"\bLoadTimeZone\s*\(|\bLocalTimeZone\s*\(",
     "a time zone is loaded by platform/zone/time_zone.h's LoadZone only",
     ["platform/zone/time_zone."]),
    (r"\bthrow\b",
     "errors are absl::Status (platform/errors/error.h); nothing of ours throws",
     ["platform/storage/"]),              # a driver's library throws, and is caught, there
    (r"\bstd::(cout|cerr|printf|fprintf)\b|(?<![\w:])f?printf\s*\(",
     "what happens is said by platform/observability/log.h",
     ["platform/server/server.cc", "platform/server/server_flags.cc",  # a refused start, --help
      "suite/main.cc", "/main.cc"]),
]

# Single includes that a file has against its layer's rule, each with its reason.
EXCEPTIONS = {
    # It asks tzdata whether it has a file of a name before Abseil keeps that name for ever.
    ("platform/zone/time_zone.cc", "sys/stat.h"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def kind_of(header):
    for kind, pattern in KINDS:
        if re.match(pattern, header):
            return kind
    return "other"


def service_rule(path, header, services, own):
    """Why a service's file may not include the header; None if it may."""
    parts = path.split("/")
    first = header.split("/")[0]
    if own == "suite":
        if first in services | SHARED and header != f"{first}/module.h":
            return "suite/ sees a service by its module.h alone"
        return None
    if first in services and first != own:
        return f"no service includes another ({own} reaches {first} through its generated client)"
    layer = parts[1] if len(parts) > 2 else None
    if layer not in SERVICE_LAYERS:
        return None  # module and main: all of their own service and of the platform
    kinds, prefixes = SERVICE_LAYERS[layer]
    if first in {"platform", own} | SHARED:
        allowed = any(header.startswith(p.format(own=own)) for p in prefixes)
    else:
        allowed = kind_of(header) in kinds
    return None if allowed else f"{layer}/ may not include {header}"


def platform_rule(path, header, services):
    inside = path[len("platform/"):]
    first = header.split("/")[0]
    if first in services | SHARED or first == "suite":
        return "platform/ knows no service"
    kind = kind_of(header)
    if header.startswith("ipt/") and not re.match(r"ipt/(common|audit)/", header):
        return "platform/ knows no service, nor its protos"
    if kind in PLATFORM_ONLY and not any(inside.startswith(p) for p in PLATFORM_ONLY[kind]):
        return f"only platform/{{{', '.join(PLATFORM_ONLY[kind])}}} may include {header}"
    return None


def without_comments(text):
    """The text with comments and string literals blanked out, line for line."""
    def blank(match):
        piece = match.group(0)
        if piece.startswith(("/", "'")):
            return re.sub(r"[^\n]", " ", piece)
        return '"' + re.sub(r"[^\n]", " ", piece[1:-1]) + '"'
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', blank, text,
                  flags=re.S)


def check_file(path, text, services):
    """Complaints about one file; `path` is relative to services/."""
    complaints = []
    own = path.split("/")[0]
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match or (path, match.group(1)) in EXCEPTIONS:
            continue
        rule = (platform_rule(path, match.group(1), services) if own == "platform"
                else service_rule(path, match.group(1), services, own))
        if rule:
            complaints.append((number, rule))
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        for pattern, rule, places in WORDS:
            if re.search(pattern, line) and not any(
                    path.startswith(p) or (p[0] == "/" and path.endswith(p)) for p in places):
                complaints.append((number, rule))
    return [f"services/{path}:{number}: {rule}" for number, rule in sorted(complaints)]


def check_tree(root):
    services_dir = root / "services"
    files = sorted(p for p in services_dir.rglob("*") if p.suffix in (".h", ".cc"))
    services = {p.name for p in services_dir.iterdir() if p.is_dir()} - {"platform", "suite"} - SHARED
    complaints = []
    for file in files:
        path = file.relative_to(services_dir).as_posix()
        complaints += check_file(path, file.read_text(encoding="utf-8"), services)
    return len(files), complaints


# Path, line, and whether it is to be refused.
CASES = [
    ("scheduling/domain/a.cc", '#include <vector>', False),
    ("scheduling/domain/a.cc", '#include "absl/time/time.h"', False),
    ("scheduling/domain/a.cc", '#include "scheduling/domain/types.h"', False),
    ("scheduling/domain/a.cc", '#include "platform/errors/error.h"', False),
    ("scheduling/domain/a.cc", '#include "platform/transaction/write_log.h"', False),
    ("outcomes/domain/a.cc", '#include "platform/text/utf8.h"', False),
    ("outcomes/domain/a.cc", '#include "nlohmann/json.hpp"', True),
    ("outcomes/domain/a.cc", '#include "scheduling/domain/types.h"', True),
    ("outcomes/storage/a.cc", '#include "nlohmann/json.hpp"', False),
    ("outcomes/storage/a.cc", '#include "platform/json/strict_json.h"', False),
    ("outcomes/domain/a.cc", '#include "platform/json/strict_json.h"', True),
    ("scheduling/domain/a.cc", '#include "platform/errors/grpc_status.h"', True),
    ("scheduling/domain/a.cc", '#include "platform/storage/database.h"', True),
    ("scheduling/domain/a.cc", '#include "platform/auth/token_verifier.h"', True),
    ("scheduling/domain/a.cc", '#include "scheduling/storage/sql_store.h"', True),
    ("scheduling/domain/a.cc", '#include "scheduling/rpc/course_proto.h"', True),
    ("scheduling/domain/a.cc", '#include "ipt/scheduling/v1/course.pb.h"', True),
    ("scheduling/domain/a.cc", '#include "grpcpp/grpcpp.h"', True),
    ("scheduling/domain/a.cc", '#include <sqlite3.h>', True),
    ("scheduling/domain/a.cc", '#include <unistd.h>', True),
    ("scheduling/domain/a.cc", '#include "nlohmann/json.hpp"', True),
    ("scheduling/domain/a.cc", '  #  include "spdlog/spdlog.h"', True),
    ("scheduling/domain/a.cc", '#include "tests/support/fake_clock.h"', True),
    ("scheduling/storage/a.cc", '#include "platform/storage/database.h"', False),
    ("scheduling/storage/a.cc", '#include "nlohmann/json.hpp"', False),
    ("scheduling/storage/a.cc", '#include "scheduling/domain/types.h"', False),
    ("scheduling/storage/a.cc", '#include "scheduling/rpc/course_proto.h"', True),
    ("scheduling/storage/a.cc", '#include "platform/rpc/paging.h"', True),
    ("scheduling/storage/a.cc", '#include <soci/soci.h>', True),
    ("scheduling/storage/a.cc", '#include <hiredis/hiredis.h>', True),
    ("scheduling/storage/a.cc", '#include "ipt/scheduling/v1/course.pb.h"', True),
    ("scheduling/rpc/a.cc", '#include "ipt/scheduling/v1/course.pb.h"', False),
    ("scheduling/rpc/a.cc", '#include "google/type/date.pb.h"', False),
    ("scheduling/rpc/a.cc", '#include "platform/rpc/paging.h"', False),
    ("scheduling/rpc/a.cc", '#include "platform/auth/caller.h"', False),
    ("scheduling/rpc/a.cc", '#include "ipt/scheduling/v1/course_service.grpc.pb.h"', True),
    ("scheduling/rpc/a.cc", '#include "grpcpp/server_context.h"', True),
    ("scheduling/rpc/a.cc", '#include "scheduling/storage/sql_store.h"', True),
    ("scheduling/rpc/a.cc", '#include "platform/storage/database.h"', True),
    ("scheduling/rpc/a.cc", '#include "platform/server/server.h"', True),
    ("course_copies/link/a.cc", '#include "ipt/scheduling/v1/course.pb.h"', False),
    ("course_copies/link/a.cc", '#include "platform/peer/peer.h"', False),
    ("course_copies/link/a.cc", '#include "platform/follow/source.h"', False),
    ("course_copies/link/a.cc", '#include "course_copies/storage/sql_course_copies.h"', False),
    ("course_copies/link/a.cc", '#include "ipt/scheduling/v1/course_service.grpc.pb.h"', True),
    ("course_copies/link/a.cc", '#include "grpcpp/channel.h"', True),
    ("course_copies/link/a.cc", '#include "scheduling/domain/types.h"', True),
    ("course_copies/link/a.cc", '#include "outcomes/domain/types.h"', True),
    ("outcomes/link/a.cc", '#include "ipt/formulation/v1/formulation.pb.h"', False),
    ("outcomes/link/a.cc", '#include "outcomes/storage/sql_course_focuses.h"', False),
    ("outcomes/link/a.cc", '#include "formulation/domain/types.h"', True),
    ("outcomes/link/a.cc", '#include "outcomes/rpc/outcome_proto.h"', True),
    ("course_copies/domain/a.cc", '#include "outcomes/domain/types.h"', True),
    ("course_copies/domain/a.cc", '#include "course_copies/link/course_proto.h"', True),
    ("course_copies/storage/a.cc", '#include "nlohmann/json.hpp"', False),
    ("course_copies/storage/a.cc", '#include "platform/peer/peer.h"', True),
    ("outcomes/domain/a.cc", '#include "course_copies/domain/course_copies.h"', False),
    ("outcomes/domain/a.cc", '#include "course_copies/storage/sql_course_copies.h"', True),
    ("outcomes/storage/a.cc", '#include "course_copies/storage/sql_course_copies.h"', False),
    ("outcomes/storage/a.cc", '#include "course_copies/link/course_proto.h"', True),
    ("outcomes/rpc/a.cc", '#include "course_copies/domain/course_copies.h"', False),
    ("outcomes/rpc/a.cc", '#include "course_copies/link/scheduling_directory.h"', True),
    ("outcomes/module.cc", '#include "course_copies/link/scheduling_source.h"', False),
    ("suite/main.cc", '#include "course_copies/domain/course_copies.h"', True),
    ("platform/follow/a.cc", '#include "course_copies/domain/course_copies.h"', True),
    ("outcomes/courses/a.cc", '#include "course_copies/link/scheduling_source.h"', False),
    ("outcomes/courses/a.cc", '#include "outcomes/storage/sql_alert_store.h"', False),
    ("outcomes/courses/a.cc", '#include "ipt/scheduling/v1/course.pb.h"', True),
    ("outcomes/courses/a.cc", '#include "platform/peer/peer.h"', True),
    ("outcomes/courses/a.cc", '#include "scheduling/domain/types.h"', True),
    ("outcomes/courses/a.cc", '#include "outcomes/rpc/measurement_handler.h"', True),
    ("outcomes/courses/a.cc", '#include "platform/server/server.h"', True),
    ("outcomes/domain/a.cc", '#include "platform/peer/peer.h"', True),
    ("outcomes/rpc/a.cc", '#include "platform/peer/peer.h"', True),
    ("outcomes/rpc/a.cc", '#include "outcomes/courses/settler.h"', True),
    ("course_copies/scheduling_flags.cc", '#include "platform/peer/link.h"', False),
    ("platform/peer/peer.cc", '#include "grpcpp/channel.h"', False),
    ("platform/peer/peer.cc", '#include "ipt/scheduling/v1/course.pb.h"', True),
    ("platform/follow/followers.cc", '#include "grpcpp/channel.h"', True),
    ("platform/follow/followers.cc", '#include <soci/soci.h>', True),
    ("scheduling/module.cc", '#include "scheduling/storage/sql_store.h"', False),
    ("scheduling/module.cc", '#include "platform/server/server.h"', False),
    ("outcomes/alerts/a.cc", '#include "platform/server/periodic.h"', False),
    ("outcomes/alerts/a.cc", '#include "platform/cache/wake.h"', True),
    ("outcomes/alerts/a.cc", '#include "outcomes/storage/sql_alert_store.h"', True),
    ("outcomes/rpc/a.cc", '#include "outcomes/alerts/alert_keeper.h"', True),
    ("scheduling/module.cc", '#include "outcomes/module.h"', True),
    ("scheduling/rpc/a.cc", '#include "outcomes/domain/score.h"', True),
    ("suite/main.cc", '#include "scheduling/module.h"', False),
    ("suite/main.cc", '#include "scheduling/storage/sql_store.h"', True),
    ("platform/rpc/a.cc", '#include "grpcpp/grpcpp.h"', False),
    ("platform/errors/grpc_status.cc", '#include "grpcpp/support/status.h"', False),
    ("platform/errors/error.cc", '#include "grpcpp/support/status.h"', True),
    ("platform/storage/a.cc", '#include <soci/soci.h>', False),
    ("platform/storage/a.cc", '#include "grpcpp/grpcpp.h"', True),
    ("platform/server/a.cc", '#include <libpq-fe.h>', True),
    ("platform/storage/a.cc", '#include <hiredis/hiredis.h>', True),
    ("platform/cache/a.cc", '#include <hiredis/hiredis.h>', False),
    ("platform/rpc/a.cc", '#include "scheduling/domain/types.h"', True),
    ("platform/audit/a.cc", '#include "ipt/audit/v1/audit_service.pb.h"', False),
    ("platform/audit/a.cc", '#include "ipt/scheduling/v1/course.pb.h"', True),
    ("scheduling/domain/a.cc", 'auto t = absl::Now();', True),
    ("scheduling/domain/a.cc", 'auto t = std::chrono::system_clock::now();', True),
    ("scheduling/domain/a.cc", 'srand(time(nullptr));', True),
    ("scheduling/domain/a.cc", '// never absl::Now() here', False),
    ("scheduling/domain/a.cc", 'auto t = clock.Now();', False),
    ("platform/time/clock.h", 'return absl::Now();', False),
    ("platform/storage/a.cc", 'auto t = absl::Now();', True),
    ("scheduling/rpc/a.cc", 'absl::LoadTimeZone(name, &zone);', True),
    ("scheduling/rpc/a.cc", 'LoadZone(name);', False),
    ("platform/zone/time_zone.cc", 'absl::LoadTimeZone(name, &zone);', False),
    ("scheduling/domain/a.cc", 'throw std::runtime_error("no");', True),
    ("scheduling/domain/a.cc", 'std::cout << patient;', True),
    ("scheduling/domain/a.cc", 'absl::SNPrintF(b, 1, "printf(");', False),
]


def self_test():
    wrong = []
    services = {"scheduling", "outcomes"}
    for path, line, refused in CASES:
        found = check_file(path, f"// a file\n{line}\n", services)
        if bool(found) != refused:
            wrong.append(f"{path}: {line}: {'accepted' if refused else found}")
        elif refused and not found[0].startswith(f"services/{path}:2: "):
            wrong.append(f"{path}: {line}: wrong place: {found[0]}")
    # And the same through the file system.
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "services/scheduling/domain").mkdir(parents=True)
        (root / "services/scheduling/domain/bad.h").write_text('\n\n#include "grpcpp/grpcpp.h"\n')
        expected = ["services/scheduling/domain/bad.h:3: domain/ may not include grpcpp/grpcpp.h"]
        if check_tree(root) != (1, expected):
            wrong.append(f"tree: {check_tree(root)}")
    print("\n".join(wrong) or f"{len(CASES)} cases as expected")
    return 1 if wrong else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) > 2 or sys.argv[1:] and sys.argv[1].startswith("-"):
        print(__doc__)
        return 2
    root = pathlib.Path(sys.argv[1] if sys.argv[1:] else pathlib.Path(__file__).parent.parent)
    count, complaints = check_tree(root)
    if count == 0:
        complaints = [f"{root}: no services to check"]
    print("\n".join(complaints) or f"{count} files keep to their layers")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
