#!/usr/bin/python3
"""iptctl reminders: a queue watched on a real terminal, and dead letters handled, against a real server."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
import unittest

import support  # first: it makes the generated stubs importable
from support import BUILD, wait_until

IPTCTL = BUILD / "bin/iptctl"
TAKE, GIVE_BACK = "\x1b[?1049h", "\x1b[?1049l"
HOME = "\x1b[H"


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, words, columns, lines):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.read(0, 1)  # until the terminal has its size
            os.execve(words[0], [str(w) for w in words], {**os.environ, "TERM": "xterm"})
        self.resize(columns, lines)
        os.write(self.fd, b"\n")
        self.text = ""
        self.status = None

    def resize(self, columns, lines):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, condition, what, seconds=60):
        """Reads on until it holds of all that was written."""
        deadline = time.monotonic() + seconds
        while not condition(self.text):
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"{what} did not come; last: {self.text[-2000:]!r}")
            try:
                self.text += os.read(self.fd, 65536).decode()
            except OSError:  # it has ended
                raise AssertionError(f"ended before {what}; last: {self.text[-2000:]!r}") from None

    def frames(self):
        """The pictures drawn whole, without their steering."""
        return [[re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).rstrip("\r") for line in frame.split("\n")]
                for frame in (f.split("\x1b[J")[0] for f in self.text.split(HOME)[1:] if "\x1b[J" in f)]

    def end(self):
        """The rest of what it writes, and its exit status."""
        while True:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.text += data.decode()
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


class RemindersWatch(support.EndToEnd):
    def setUp(self):
        super().setUp()
        self.make_clinic()
        self.make_therapist()
        for name in ("c1", "c2", "c3"):
            self.make_course(name, patient="4711-" + name)

    def remind(self, *courses):
        """One of each, due at once; leased."""
        for course in courses:
            self.api.TestReminder(course=f"{self.clinic}/courses/{course}", channels=[1], template="t")
        found = []

        def all_leased():
            found.extend(self.api.LeaseReminders(
                clinic=self.clinic, lease_duration=dict(seconds=600)).reminders)
            return len(found) == len(courses)
        wait_until(all_leased, "the leases")
        return found

    def complete(self, leased, outcome, reason=""):
        results = self.api.CompleteReminders(clinic=self.clinic, completions=[dict(
            reminder=leased.reminder.name, lease_token=leased.lease_token, outcome=outcome,
            reason=reason)]).results
        self.assertEqual([1], [r.verdict for r in results])

    def words(self, *words):
        return [str(IPTCTL), "reminders", *words, f"--server=127.0.0.1:{self.server.port}"]

    def iptctl(self, *words):
        done = subprocess.run(self.words(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def watch(self, *words, size=(100, 30)):
        terminal = Terminal(self.words("watch", self.clinic, *words), *size)
        self.addCleanup(terminal.close)
        return terminal

    def test_a_terminal_shows_the_queue_until_ctrl_c(self):
        dead, sent, _ = self.remind("c1", "c2", "c3")
        self.complete(dead, 3, "NO_ADDRESS")
        terminal = self.watch("--interval", "200ms")
        terminal.read(lambda text: "NO_ADDRESS" in text and len(terminal.frames()) > 1, "the picture")
        self.assertIn(TAKE, terminal.text)
        picture = "\n".join(terminal.frames()[-1])
        for shown in ("reminders of " + self.clinic, "yes, without a cap", "LEASED (2)", "DEAD LETTERS (1)",
                      dead.reminder.name.rsplit("/", 1)[1], "rejected", "tried 1"):
            self.assertIn(shown, picture)
        self.assertRegex(picture, r"\bin [1-9]m")
        self.assertNotIn("4711", terminal.text)

        # What happens shows by itself.
        self.complete(sent, 1)
        self.api.SetSending(clinic=self.clinic, paused=True, reason="the gateway is being replaced")
        terminal.read(lambda _: any("PAUSED" in line for line in terminal.frames()[-1]) and
                      any("LEASED (1)" in line for line in terminal.frames()[-1]), "what happened")
        self.assertIn("the gateway is being replaced", "\n".join(terminal.frames()[-1]))

        # A smaller terminal gets a smaller picture.
        terminal.resize(50, 12)
        terminal.read(lambda _: len(terminal.frames()[-1]) <= 12 and
                      all(len(line) <= 50 for line in terminal.frames()[-1]), "a smaller picture")
        os.write(terminal.fd, b"\x03")
        self.assertEqual(0, terminal.end())
        after = terminal.text.split(GIVE_BACK)[1]
        self.assertIn("\x1b[?25h", terminal.text)
        self.assertIn("reminders of " + self.clinic, after)

    def test_ctrl_c_ends_it_while_the_server_hangs(self):
        terminal = self.watch("--interval", "200ms", "--deadline", "10m")
        terminal.read(lambda _: terminal.frames(), "the picture")
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            drawn = len(terminal.frames())
            os.write(terminal.fd, b"\x03")
            self.assertEqual(0, terminal.end())
            self.assertLessEqual(drawn, len(terminal.frames()))
        finally:
            self.server.process.send_signal(signal.SIGCONT)

    def test_a_pipe_gets_a_line_a_look(self):
        code, text = self.iptctl("watch", self.clinic, "--count", "2", "--interval", "200ms")
        self.assertEqual(0, code, text)
        self.assertEqual(2, len(re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, due 0, ", text, re.M)), text)
        code, text = self.iptctl("watch", self.clinic, "--count", "2", "--interval", "200ms", "-o", "json")
        self.assertEqual(["0", "0"], [json.loads(line)["queue"]["due"] for line in text.splitlines()])
        running = subprocess.Popen(self.words("watch", self.clinic), stdout=subprocess.PIPE, text=True)
        self.addCleanup(running.stdout.close)
        self.addCleanup(running.kill)
        self.assertIn("due 0", running.stdout.readline())
        running.send_signal(signal.SIGINT)
        self.assertEqual(0, running.wait(timeout=60))
        self.assertEqual(3, self.iptctl("watch", "clinics/nowhere")[0])

    def test_it_goes_on_over_a_restart(self):
        running = subprocess.Popen(self.words("watch", self.clinic, "--interval", "200ms"),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(running.stdout.close)
        self.addCleanup(running.stderr.close)
        self.addCleanup(running.kill)
        self.assertIn("due 0", running.stdout.readline())
        self.server.process.kill()
        self.server.process.wait()
        self.assertIn("trying again", running.stderr.readline())
        self.server.start()
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(running.stdout.readline, "")))
        reader.start()
        seen = len(lines)
        wait_until(lambda: len(lines) > seen + 1, "more looks")
        running.kill()
        running.wait()
        reader.join()

    def test_dead_letters_are_handled_together(self):
        for course, reason in (("c1", "NO_ADDRESS"), ("c2", "PROVIDER_DOWN"), ("c3", "PROVIDER_DOWN")):
            leased, = self.remind(course)
            self.complete(leased, 3, reason)
        code, text = self.iptctl("list", self.clinic, "--state", "dead")
        self.assertEqual(0, code, text)
        self.assertRegex(text, r"dead +rejected +PROVIDER_DOWN +1 ")
        code, text = self.iptctl("replay-many", self.clinic, "--because", "PROVIDER_DOWN")
        self.assertEqual(1, code, "nobody can be asked")
        code, text = self.iptctl("replay-many", self.clinic, "--because", "provider-down", "--yes")
        self.assertEqual((0, True), (code, "replayed 2 of 2 dead letters" in text), text)
        code, text = self.iptctl("drop-many", self.clinic, "--note", "told by telephone", "--yes")
        self.assertEqual((0, True), (code, "dropped 1 of 1 dead letter\n" in text), text)
        self.assertEqual(0, self.api.GetReminderQueue(clinic=self.clinic).dead)
        waiting = self.api.ListReminders(parent=self.clinic, states=[1]).reminders
        self.assertEqual(2, sum(reminder.test for reminder in waiting))
        dropped, = self.api.ListReminders(parent=self.clinic, states=[6]).reminders
        self.assertEqual(("told by telephone", 10), (dropped.note, dropped.why_not))
        code, text = self.iptctl("replay-many", self.clinic, "--yes")
        self.assertEqual((0, "none\n"), (code, text))


if __name__ == "__main__":
    unittest.main()
