#!/usr/bin/python3
"""tools/demo_clinic against the real suite: a clinic with something of everything in it, and the same one
when it is called again."""

import subprocess
import time
import unittest

import support  # first: it makes the generated stubs importable
from support import Server

COURSES = 24


class DemoClinicTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("suite", flags=["--outcomes", "--formulation"])
        cls.addClassCleanup(cls.server.close)
        # Sessions are at full hours: one that ends between the two fills would be the second's alone.
        while support.now().minute >= 57:
            time.sleep(1)
        cls.first = cls.fill()

    @classmethod
    def fill(cls, *flags):
        return subprocess.run(
            [support.ROOT / "tools/demo_clinic", "--server", cls.server.target(), "--build", support.BUILD,
             "--courses", str(COURSES), *flags], capture_output=True, text=True, timeout=300)

    def test_it_has_something_of_everything(self):
        self.assertEqual((0, ""), (self.first.returncode, self.first.stderr))
        self.assertIn(f"{COURSES} courses", self.first.stdout)
        courses = self.server.api().all("ListCourses", "courses", parent="clinics/demo", page_size=1000)
        self.assertEqual(COURSES + 2, len(courses))  # those that are worked through
        for course in ("grief", "dispute"):
            formulation = self.server.api().GetFormulation(course=f"clinics/demo/courses/{course}")
            self.assertTrue(formulation.HasField("current"))
            self.assertFalse(formulation.HasField("pending"))
        self.assertLess(1, len({course.state for course in courses}))
        self.assertTrue(any(course.closure.drop_out for course in courses))
        forms = self.server.api().all("ListMeasurements", "measurements", parent="clinics/demo/courses/-",
                                      page_size=1000)
        self.assertIn(f"{len(forms)} forms", self.first.stdout)
        self.assertLess(COURSES * 8, len(forms))
        self.assertTrue(any(score.missing_items for form in forms for score in form.scores))
        alerts = self.server.api().all("ListAlerts", "alerts", parent="clinics/demo/courses/-", states=[1, 2, 3, 4],
                                       page_size=1000)
        self.assertLess(0, len(alerts))
        self.assertTrue(any(alert.HasField("resolution") for alert in alerts))

    def test_again_it_is_the_same(self):
        again = self.fill()
        self.assertEqual((0, ""), (again.returncode, again.stderr))
        numbers = lambda done: done.stdout.split(" forms")[0]  # noqa: E731
        self.assertEqual(numbers(self.first), numbers(again))
        forms = self.server.api().all("ListMeasurements", "measurements", parent="clinics/demo/courses/-",
                                      page_size=1000)
        self.assertIn(f"{len(forms)} forms", again.stdout)

    def test_what_is_wrong_is_said(self):
        for flags, word in ((["--courses", "0"], "--courses must be 1 to 2000"), (["--seed", "x"], "invalid int"),
                            (["--token_file", "t"], "--ca_file"), (["--build", "/nowhere"], "ipt_python_stubs")):
            done = self.fill(*flags)
            self.assertEqual(2, done.returncode)
            self.assertIn(word, done.stderr)
        other = self.fill("--seed", "2")  # the clinic is another seed's
        self.assertEqual(1, other.returncode)
        self.assertIn("ALREADY_EXISTS", other.stderr)


if __name__ == "__main__":
    unittest.main()
