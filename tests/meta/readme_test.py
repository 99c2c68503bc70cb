#!/usr/bin/python3
"""What the README promises a newcomer: the demo's day, and the first calls while it serves; and the gateway
of docs/delivery.md.

  tests/meta/readme_test.py BUILD     the folder with bin/ipt-suite and bin/iptctl
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DELIVERY = (ROOT / "docs/delivery.md").read_text(encoding="utf-8")
BUILD = pathlib.Path()


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % s.getsockname()[1]


def block(begins, page=README):
    """The code block of a page that begins so."""
    return next(b for b in re.findall(r"^```\w*\n(.*?)^```", page, re.M | re.S)
                if b.startswith(begins))


class ReadmeTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.listen = free_address()
        cls.demo = subprocess.Popen(
            [ROOT / "tools/demo", "--build", BUILD, "--listen", cls.listen, "--admin_listen",
             free_address(), "--data_dir", f"{cls.folder.name}/data"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        watchdog = threading.Timer(300, cls.demo.kill)
        watchdog.start()
        cls.day = ""
        for line in cls.demo.stdout:
            cls.day += line
            if "iptctl --help" in line:
                break
        watchdog.cancel()

    @classmethod
    def tearDownClass(cls):
        if cls.demo.poll() is None:
            os.killpg(cls.demo.pid, signal.SIGKILL)
        cls.demo.wait()
        cls.demo.stdout.close()
        cls.folder.cleanup()

    def here(self, text):
        text = text.replace("127.0.0.1:50051", self.listen).replace("/tmp/ipt", self.folder.name)
        return text.replace("$PWD/build/release", str(BUILD))

    def environment(self):
        return {**os.environ, "IPTCTL_SERVER": self.listen, "PATH": f"{BUILD}/bin:{os.environ['PATH']}",
                "PYTHONPATH": f"{self.folder.name}/python"}

    def run_block(self, text, shell):
        text, environment = self.here(text), self.environment()
        done = subprocess.run(shell, input=text, cwd=ROOT, env=environment, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_1_the_demo_plays_the_day(self):
        self.assertIn("until Ctrl-C", self.day)
        for promised in ("unplaced sessions  0", "SLOT_TAKEN", "at-risk", "on-track", "deadline",
                         "CourseService/PauseCourse"):
            self.assertIn(promised, self.day)

    def test_2_the_first_calls_work(self):
        output = self.run_block(block("export PATH"), ["bash", "-e"])
        self.assertIn("clinics/north/courses/c1", output)
        self.assertIn("mid-course review", output)

    def test_3_python_calls_it(self):
        self.run_block(block("google="), ["bash", "-e"])
        lines = self.run_block(block("import uuid"), ["/usr/bin/python3", "-"]).splitlines()
        self.assertEqual(lines[0], lines[1])
        self.assertIn("INVALID_ARGUMENT INVALID_FIELDS", lines[2:])
        self.assertIn("clinic.time_zone", lines[2] + lines[3])

    def test_4_the_gateway_delivers(self):
        self.run_block(block("google="), ["bash", "-e"])
        tried = block("iptctl reminders test", DELIVERY).replace("watch clinics/north",
                                                                 "watch clinics/north --count 1")
        self.assertIn("dead 0", self.run_block(tried, ["bash", "-e"]))
        gateway = subprocess.Popen(["/usr/bin/python3", "-c", self.here(block("import queue", DELIVERY))],
                                   env=self.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        watchdog = threading.Timer(60, gateway.kill)
        watchdog.start()
        said = []
        for line in gateway.stdout:
            said.append(line.strip())
            if "VERDICT" in line:
                break
        gateway.kill()
        gateway.wait()
        gateway.stdout.close()
        watchdog.cancel()
        self.assertEqual(said, ["send session-reminder-days", "LEASE_VERDICT_APPLIED"])
        self.assertIn("sent", self.run_block("iptctl reminders list clinics/north --state sent",
                                             ["bash", "-e"]))

    def test_5_the_demo_ends_when_told_to(self):
        self.assertIsNone(self.demo.poll(), "it serves on until then")
        self.demo.terminate()
        self.assertEqual(self.demo.wait(timeout=30), 130)
        with self.assertRaises(ConnectionRefusedError):
            host, port = self.listen.split(":")
            socket.create_connection((host, int(port))).close()
        self.assertTrue(pathlib.Path(self.folder.name, "data/scheduling.db").exists())


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv[1]).resolve()
    unittest.main(argv=sys.argv[:1])
