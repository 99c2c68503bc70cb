#!/usr/bin/python3
"""The Dockerfile has an image for every binary, and says the same of each in all its places.

  tests/images/dockerfile_test.py BINARY...     all that the build makes
"""

import json
import pathlib
import re
import runpy
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")
# Measures; nobody runs it beside patients.
NOT_SHIPPED = {"ipt-load"}
BINARIES = set()


def stages():
    """{name: (what it is from, its lines)}, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE)
    found = {}
    for stage in re.split(r"^(?=FROM )", text, flags=re.MULTILINE)[1:]:
        first, *lines = [line for line in stage.splitlines() if line and not line.startswith("#")]
        origin, name = re.fullmatch(r"FROM (\S+) AS (\S+)", first).groups()
        found[name] = (origin, lines)
    return found


def values(lines, word):
    return [line.split(" ", 1)[1] for line in lines if line.startswith(f"{word} ")]


class DockerfileTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.stages = stages()
        self.final = {name: lines for name, (origin, lines) in self.stages.items() if origin == "image"}
        self.shipped = BINARIES - NOT_SHIPPED

    def test_every_binary_of_the_build_has_an_image(self):
        self.assertGreater(len(self.shipped), 3)
        self.assertLessEqual(NOT_SHIPPED, BINARIES)
        self.assertEqual({f"ipt-{name}" if name != "iptctl" else name for name in self.final}, self.shipped)

    def test_compiles_and_collects_these_binaries(self):
        origin, lines = self.stages["build"]
        self.assertEqual(origin, "${BASE}")
        listed, = re.findall(r'^BINARIES="(.*)"$', "\n".join(values(lines, "ARG")), re.MULTILINE)
        self.assertEqual(sorted(self.shipped), listed.split())
        uses = [line for line in values(lines, "RUN") if "${BINARIES}" in line]
        self.assertEqual(len(uses), 2, uses)

    def test_every_image_has_its_own_binary_and_no_other(self):
        for name, lines in self.final.items():
            binary = name if name == "iptctl" else f"ipt-{name}"
            with self.subTest(name):
                self.assertEqual(values(lines, "COPY"), [f"--from=collected /{binary}/ /"])
                self.assertEqual([json.loads(v) for v in values(lines, "ENTRYPOINT")], [[f"/usr/bin/{binary}"]])
                self.assertIn(f'org.opencontainers.image.title="{binary}"', "".join(values(lines, "LABEL")))

    def test_servers_serve_and_say_their_ports(self):
        for name, lines in self.final.items():
            is_server = (ROOT / "services" / name / "main.cc").exists()
            with self.subTest(name):
                self.assertEqual(values(lines, "CMD"), ['["serve"]'] if is_server else [])
                if is_server:
                    self.assertEqual(values(lines, "EXPOSE"), ["8443 9090"])

    def test_final_images_come_from_nothing_and_run_as_nobody(self):
        origin, lines = self.stages["image"]
        self.assertEqual(origin, "scratch")
        self.assertEqual(values(lines, "USER"), ["65532:65532"])
        for name in self.final:
            self.assertEqual(values(self.final[name], "USER") + values(self.final[name], "RUN"), [], name)

    def test_the_base_is_pinned_and_the_version_the_project_s(self):
        self.assertRegex(DOCKERFILE, r"(?m)^ARG BASE=debian:12-slim@sha256:[0-9a-f]{64}$")
        version = re.search(r"project\(ipt_suite VERSION ([\d.]+)",
                            (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
        self.assertEqual(set(re.findall(r"^ARG VERSION=(.*)$", DOCKERFILE, re.MULTILINE)), {version})

    def test_the_builder_knows_these_targets(self):
        builder = runpy.run_path(str(ROOT / "tools/build_images"))
        self.assertEqual(builder["targets"](),
                         {name: name if name == "iptctl" else f"ipt-{name}" for name in self.final})
        collect = runpy.run_path(str(ROOT / "deploy/docker/collect"))
        self.assertEqual(set(builder["DATA_PACKAGES"]), set(collect["DATA_PACKAGES"]))
        self.assertEqual(str(collect["BILL"]), builder["BILL"])

    def test_the_readme_has_a_row_for_each(self):
        readme = (ROOT / "deploy/docker/README.md").read_text(encoding="utf-8")
        self.assertEqual(set(re.findall(r"^\| `([\w-]+)` \|", readme, re.MULTILINE)), self.shipped)

    def test_what_is_built_is_not_sent_to_the_compile_stage(self):
        ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
        self.assertLessEqual({"/.git", "/build", "/build-*"}, set(ignored))


if __name__ == "__main__":
    BINARIES.update(sys.argv[1:])
    unittest.main(argv=sys.argv[:1])
