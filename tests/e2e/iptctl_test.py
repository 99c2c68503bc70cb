#!/usr/bin/python3
"""A hospital's days at the command line: the real iptctl, against both stores, without and with TLS and
a token. What it prints is read as a person reads tables, or as a script reads JSON."""

import csv
import datetime
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
from xml.etree import ElementTree

import support  # first: it makes the generated stubs importable
from google.protobuf import json_format
from support import BUILD, LONDON, at, next_weekday, rid

IPTCTL = BUILD / "bin/iptctl"
DAY = datetime.timedelta(days=1)
WEEK = 7 * DAY
TODAY = support.today()
# Have tests of their own.
ELSEWHERE = {"events", "delivery", "completion", "reminders watch", "reminders replay-many", "reminders drop-many"}


def local(day, hour, minute=0):
    """A local time as one types it."""
    return f"{day}T{hour:02}:{minute:02}"


# When plans begin: see support.tomorrow.
TOMORROW = local(TODAY + DAY, 0)


def told(day, hour, minute=0):
    """A time in London as iptctl prints it."""
    return at(day, hour, minute).astimezone(LONDON).strftime("%a %Y-%m-%d %H:%M %Z")


def day_in(value):
    return datetime.date(value["year"], value["month"], value["day"])


def instant_in(value):
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))


def below(lines, heading):
    """The lines of a heading's block."""
    start = next((i for i, line in enumerate(lines) if line == heading), len(lines)) + 1
    block = []
    for line in lines[start:]:
        if not line.startswith("  "):
            break
        block.append(line[2:])
    return block


class Answer:
    """What a run of iptctl came to."""

    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def json(self):
        return json.loads(self.out)

    def shown(self):
        """A block of keys and values, those of inner blocks as "progress.days left"."""
        values, path = {}, []
        for line in self.out.splitlines():
            del path[(len(line) - len(line.lstrip())) // 2:]
            key, _, value = line.strip().partition("  ")
            path.append(key)
            values[".".join(path)] = value.strip()
        return values

    def rows(self, *headings):
        """A table, that of a list or that below the headings, as a dict for each row."""
        lines = self.out.splitlines()
        for heading in headings:
            lines = below(lines, heading)
        if lines in ([], ["none"]):
            return []
        # Cells stand below the beginnings of their headers.
        heads = [(m.group(), m.start()) for m in re.finditer(r"\S+(?: \S+)*", lines[0])]
        ends = [start for _, start in heads[1:]] + [None]
        return [{name: line[start:end].strip() for (name, start), end in zip(heads, ends)}
                for line in lines[1:]]

    def column(self, name, *headings):
        return [row[name] for row in self.rows(*headings)]


class Runner:
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        home = tempfile.TemporaryDirectory(prefix="ipt-e2e-ctl-")
        cls.addClassCleanup(home.cleanup)
        cls.home = pathlib.Path(home.name)
        sanitizers = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        cls.env = {"HOME": home.name, "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"], **sanitizers}
        cls.general = [f"--server=localhost:{cls.server.port}", "--zone=Europe/London", "--deadline=20s"]
        if cls.secure:
            cls.general += ["--tls", f"--ca={cls.identity.dir}/ca.crt",
                            f"--token-file={cls.token_file('token')}"]

    @classmethod
    def token_file(cls, name, **options):
        (cls.home / name).write_text(cls.identity.token(**options) + "\n", encoding="utf-8")
        return str(cls.home / name)

    # --------------------------------------------------------------------------- running iptctl

    def run_iptctl(self, command, *words, **flags):
        general = [f for f in self.general if f.split("=")[0][2:].replace("-", "_") not in flags]
        line = [str(IPTCTL), *command.split(), *map(str, words), *general]
        for name, values in flags.items():
            for value in values if isinstance(values, list) else [values]:
                line.append("--" + name.replace("_", "-") + ("" if value is True else f"={value}"))
        return Answer(subprocess.run(line, capture_output=True, text=True, timeout=60, env=self.env,
                                     stdin=subprocess.DEVNULL))

    def ctl(self, command, *words, **flags):
        answer = self.run_iptctl(command, *words, **flags)
        self.assertEqual((0, ""), (answer.status, answer.err), (command, words, flags))
        return answer

    def json(self, command, *words, **flags):
        return self.ctl(command, *words, output="json", **flags).json()

    def refused(self, status, reason_, command, *words, fields=(), **flags):
        answer = self.run_iptctl(command, *words, **flags)
        self.assertEqual((status, ""), (answer.status, answer.out), (command, words, flags, answer.err))
        self.assertRegex(answer.err, rf"\Aiptctl: ([A-Z_]+ \({reason_}\)|{reason_}): ")
        self.assertIn("\n  what to do: ", answer.err)
        for field in fields:
            self.assertRegex(answer.err, rf"\n  {re.escape(field)}: ")
        return answer

    # ---------------------------------------- what most tests begin with: not by iptctl, which takes longer

    def therapist_name(self, name):
        return f"{self.clinic}/therapists/{name}"

    def course_name(self, name):
        return f"{self.clinic}/courses/{name}"

    def open_clinic(self, *therapists, **policy):
        self.make_clinic(**policy)
        for name in therapists or ["ana"]:
            self.make_therapist(name)

    def open_course(self, name="c1", therapist="ana", patient=None, **fields):
        """Its name."""
        return self.make_course(name, patient, therapist, **fields).name

    def bring_in(self, name, starts, therapist="ana"):
        """A running course whose sessions at these local times were attended; its name."""
        starts = [datetime.datetime.fromisoformat(start).replace(tzinfo=LONDON) for start in starts]
        return self.import_course(name, starts, therapist=therapist).name

    def book_plan(self, course):
        """The sessions, as JSON."""
        return [json_format.MessageToDict(session)
                for session in super().book_plan(self.api.GetCourse(name=course)).sessions]

    @staticmethod
    def weekly(count, weeks_ago, hour=10):
        return [local(TODAY - weeks_ago * WEEK + i * WEEK, hour) for i in range(count)]


# Both stores and both transports, each once: iptctl sees nothing of which goes with which.
@support.on_all(engines=("suite",), secure=(False,))
@support.on_all(engines=("postgres",), secure=(True,))
class Iptctl(Runner):
    def add_therapist(self, name, **flags):
        flags.setdefault("working_hours", "mon-fri 09:00-17:00")
        return self.ctl("therapist create", self.therapist_name(name), display_name=name.title(), **flags)

    def add_course(self, **flags):
        """Its name."""
        made = self.ctl("course create", self.course_name("c1"), patient="urn:mrn|c1",
                        therapist=self.therapist_name("ana"), **flags).shown()
        self.assertEqual(("planned", "urn:mrn|c1"), (made["state"], made["patient"]))
        return made["name"]

    # -------------------------------------------------------------------------- clinics, therapists

    def test_a_clinic_its_rules_and_its_holidays(self):
        made = self.ctl("clinic create", self.id, display_name="North Clinic", time_zone="Europe/London",
                        session_minutes=45, pause_cap_days=21).shown()
        self.assertEqual((self.clinic, "North Clinic", "Europe/London", "45", "21"), (
            made["name"], made["display name"], made["time zone"], made["policy.session minutes"],
            made["policy.pause cap days"]))
        self.refused(4, "RESOURCE_EXISTS", "clinic create", self.id, display_name="B", time_zone="UTC")
        bad = self.refused(2, "INVALID_FIELDS", "clinic create", self.id + "b", time_zone="Mars/Olympus",
                           fields=["clinic.display_name", "clinic.time_zone"])
        self.assertIn("must be an IANA time zone, e.g. Europe/London", bad.err)

        changed = self.ctl("clinic update", self.clinic, no_show_uses_session=True,
                           cancellation_notice_hours=48, etag=made["etag"]).shown()
        self.assertEqual(("yes", "48", "21", "North Clinic"), (
            changed["policy.no show uses session"], changed["policy.cancellation notice hours"],
            changed["policy.pause cap days"], changed["display name"]))
        stale = self.refused(4, "ETAG_MISMATCH", "clinic update", self.clinic, display_name="Late",
                             etag=made["etag"])
        self.assertIn("what to do: read the resource again", stale.err)
        got = self.json("clinic get", self.clinic)
        self.assertEqual(dict(sessionMinutes=45, cancellationNoticeHours=48, pauseCapDays=21,
                              noShowUsesSession=True), got["policy"])
        self.assertEqual(changed["etag"], got["etag"])
        self.assertIn({"NAME": self.clinic, "DISPLAY NAME": "North Clinic", "ZONE": "Europe/London"},
                      self.ctl("clinic list", all=True).rows())

        self.make_therapist()
        third = self.book_plan(self.open_course())[2]
        day = str(day_in(third["localDate"]))
        asked = ("holiday add", self.clinic, day, "Founders' Day")
        would = self.ctl(*asked, validate_only=True)
        self.assertEqual("none\n", self.ctl("holiday list", self.clinic).out)
        for answer in (would, self.ctl(*asked)):
            self.assertEqual("1", answer.shown()["affected count"])
            self.assertEqual([third["name"]], answer.column("NAME", "affected sessions"))
        name = f"{self.clinic}/holidays/{day}"
        self.assertEqual([{"NAME": name, "DATE": day, "DISPLAY NAME": "Founders' Day"}],
                         self.ctl("holiday list", self.clinic).rows())
        self.ctl("holiday delete", name)
        self.assertEqual("none\n", self.ctl("holiday list", self.clinic).out)
        gone = self.refused(3, "RESOURCE_NOT_FOUND", "holiday delete", name)
        self.assertIn(f"\n  resource: {name}\n", gone.err)

    def test_therapists_and_what_they_offer(self):
        self.ctl("clinic create", self.id, display_name="North", time_zone="Europe/London")
        ana = self.therapist_name("ana")
        made = self.add_therapist("ana", session_minutes=50, buffer_minutes=10, max_active_courses=1,
                                  language=["en", "pt-BR"], variant="ipt-uk-16",
                                  working_hours=["mon-thu 09:00-17:00", "fri 09:00-12:00"]).shown()
        self.assertEqual((ana, "Ana", "Europe/London", "50", "10", "1", "en, pt-BR", "ipt-uk-16", "yes"), (
            made["name"], made["display name"], made["time zone"], made["session minutes"],
            made["buffer minutes"], made["max active courses"], made["languages"], made["variants"],
            made["active"]))
        hours = self.json("therapist get", ana)["workingHours"]
        self.assertEqual([("MONDAY", 9, 17), ("FRIDAY", 9, 12)],
                         [(w["day"], w["start"]["hours"], w["end"]["hours"]) for w in hours[::4]])
        self.add_therapist("ben", language="en")
        self.assertEqual({"NAME": ana, "DISPLAY NAME": "Ana", "ACTIVE": "yes", "OPEN COURSES": "0",
                          "AT MOST": "1", "LANGUAGES": "en, pt-BR"},
                         self.ctl("therapist list", self.clinic, active_only=True).rows()[0])
        self.assertEqual([ana], self.ctl("therapist list", self.clinic, language="pt-BR").column("NAME"))
        variants = {row["ID"]: row for row in self.ctl("variant list").rows()}
        self.assertEqual(("16", "12", "16", "7", "initial 1-4, middle 5-12, termination 13-16"), tuple(
            variants["ipt-uk-16"][c] for c in ("SESSIONS", "LEAST", "WEEKS", "CADENCE", "PHASES")))
        self.assertEqual([self.therapist_name("ben")],
                         self.ctl("therapist list", self.clinic, variant="ipt-b-8").column("NAME"))
        self.open_course()
        full = self.refused(4, "THERAPIST_FULL", "course create", self.course_name("c2"),
                            patient="urn:mrn|2", therapist=ana)
        self.assertIn(ana, full.err)
        self.refused(4, "THERAPIST_LACKS_VARIANT", "course create", self.course_name("c2"),
                     patient="urn:mrn|2", therapist=ana, variant="ipt-b-8")
        self.refused(2, "INVALID_FIELDS", "therapist create", self.therapist_name("cy"),
                     display_name="Cy", working_hours=["mon 09:00-12:00", "mon 11:00-13:00"],
                     session_minutes=5, fields=["therapist.session_minutes"])

    def test_hours_time_off_and_extra_hours(self):
        self.open_clinic()
        ana = self.therapist_name("ana")
        booked = self.book_plan(self.open_course())
        names = [s["name"] for s in booked]
        days = [day_in(s["localDate"]) for s in booked]
        hour = booked[0]["localTime"]["hours"]

        # Weekly hours without the day of the plan: all of its sessions are left outside.
        others = ",".join(d for i, d in enumerate(("mon", "tue", "wed", "thu", "fri"))
                          if i != days[0].weekday())
        narrow = ("therapist update", ana)
        would = self.ctl(*narrow, working_hours=f"{others} 09:00-17:00", validate_only=True)
        self.assertEqual(names, would.column("NAME", "affected sessions"))
        self.assertEqual(5, len(self.json("therapist get", ana)["workingHours"]))
        self.assertEqual(names, self.ctl(*narrow, working_hours=f"{others} 09:00-17:00")
                         .column("NAME", "affected sessions"))
        self.assertEqual(4, len(self.json("therapist get", ana)["workingHours"]))
        self.ctl(*narrow, working_hours="mon-fri 09:00-17:00")

        asked = dict(days=f"{days[1]}..{days[2]}", reason="leave")
        would = self.ctl("time-off add", ana, validate_only=True, **asked)
        self.assertEqual("none\n", self.ctl("time-off list", ana).out)
        leave = self.ctl("time-off add", ana, **asked)
        for answer in (would, leave):
            self.assertEqual(names[1:3], answer.column("NAME", "affected sessions"))
            self.assertEqual([told(d, hour) for d in days[1:3]], answer.column("START", "affected sessions"))
        off = leave.shown()["time off.name"]
        self.assertEqual([{"NAME": off, "FROM": told(days[1], 0), "UNTIL": told(days[2] + DAY, 0),
                           "REASON": "leave"}], self.ctl("time-off list", ana).rows())
        calendar = self.ctl("therapist calendar", ana, first_day=days[1] - DAY, days=2)
        self.assertEqual(([off], [names[1]]),
                         (calendar.column("NAME", "time off"), calendar.column("NAME", "sessions")))
        self.assertNotIn(str(days[1]), calendar.shown().get("available", ""))
        refusal = self.refused(4, "OUTSIDE_AVAILABILITY", "session book", self.open_course("c2"),
                               start_time=local(days[1], hour + 2))
        self.assertIn("--outside-availability --override.reason WHY", refusal.err)
        self.ctl("time-off delete", off)
        self.assertEqual("none\n", self.ctl("time-off list", ana).out)
        self.assertIn(f"{days[1].strftime('%a')} {days[1]} 09:00-17:00", self.ctl(
            "therapist calendar", ana, first_day=days[1], days=1).shown()["available"])

        saturday = next_weekday(5, TODAY + 2 * WEEK)
        find = ("slots find", self.clinic)
        span = dict(start_time=local(saturday, 0), end_time=local(saturday + DAY, 0))
        self.assertEqual("none\n", self.ctl(*find, **span).out)
        extra = self.ctl("extra-hours add", ana, time=f"{local(saturday, 10)}..12:00").shown()
        self.assertRegex(extra["time"], rf"^Sat {saturday} 10:00-12:00 (GMT|BST)$")
        self.assertEqual([{"NAME": extra["name"], "TIME": extra["time"]}],
                         self.ctl("extra-hours list", ana).rows())
        slots = self.ctl(*find, all=True, **span).rows()
        self.assertEqual([told(saturday, 10 + m // 60, m % 60) for m in range(0, 61, 15)],
                         [s["START TIME"] for s in slots])
        self.assertEqual({ana}, {s["THERAPIST"] for s in slots})
        session = self.ctl("session book", self.course_name("c2"), start_time=local(saturday, 10)).shown()
        for flags in (dict(validate_only=True), {}):
            self.assertEqual([session["name"]], self.ctl(
                "extra-hours delete", extra["name"], **flags).column("NAME", "affected sessions"))
        self.assertEqual("none\n", self.ctl("extra-hours list", ana).out)

    def test_a_therapist_leaves(self):
        self.open_clinic("ana", "ben")
        ana, ben = self.therapist_name("ana"), self.therapist_name("ben")
        courses = [self.open_course(f"c{i}") for i in range(3)]
        sessions = [s for c in courses[:2] for s in self.book_plan(c)]
        refusal = self.refused(4, "THERAPIST_HAS_COURSES", "therapist deactivate", ana)
        self.assertIn("\n  count: 3\n", refusal.err)
        self.assertIn("what to do: give the courses away first (iptctl course transfer-all)", refusal.err)
        would = self.ctl("therapist deactivate", ana, force=True, validate_only=True)
        for course in courses:
            self.assertIn(course, would.out)
        self.assertEqual(len(sessions), len(would.rows("affected sessions")))
        self.assertEqual("yes", self.ctl("therapist get", ana).shown()["active"])

        # One course first, then the others together. One of ben's own sessions is in the way.
        self.assertEqual(sorted(s["name"] for s in sessions[:16]), sorted(self.ctl(
            "course transfer", courses[0], ben, validate_only=True).column("NAME", "moved sessions")))
        self.assertEqual(ana, self.ctl("course get", courses[0]).shown()["therapist"])
        moved = self.ctl("course transfer", courses[0], ben, reason="ana leaves")
        self.assertEqual({ben}, set(moved.column("THERAPIST", "moved sessions")))
        self.assertEqual("ana leaves", moved.rows("course", "changes")[-1]["REASON"])
        clash = sessions[20]
        self.ctl("session book", self.open_course("own", "ben"),
                 start_time=clash["startTime"])
        refusal = self.refused(4, "SERIES_CONFLICT", "course transfer-all", ana, ben)
        self.assertIn("SLOT_TAKEN", refusal.err)
        self.assertEqual("2", self.ctl("therapist get", ana).shown()["open courses"])
        would = self.json("course transfer-all", ana, ben, on_conflict="cancel", validate_only=True)
        done = self.json("course transfer-all", ana, ben, on_conflict="cancel", reason="ana leaves")
        for answer in (would, done):
            self.assertEqual(courses[1:], [t["course"]["name"] for t in answer["transfers"]])
            self.assertEqual([clash["name"]],
                             [s["name"] for t in answer["transfers"] for s in t.get("cancelledSessions", ())])
        self.assertEqual(4, len(self.ctl("course list", self.clinic, therapist=ben).rows()))
        gone = self.ctl("therapist deactivate", ana).shown()
        self.assertEqual(("no", "0"), (gone["therapist.active"], gone["affected count"]))
        self.assertEqual([ben], self.ctl("therapist list", self.clinic, active_only=True).column("NAME"))
        self.refused(4, "THERAPIST_INACTIVE", "course create", self.course_name("late"),
                     patient="urn:mrn|late", therapist=ana)
        self.assertEqual("yes", self.ctl("therapist activate", ana).shown()["active"])

    # ------------------------------------------------------------------------------ courses, plans

    def test_sixteen_weeks_planned_booked_and_drawn(self):
        self.open_clinic()
        course = self.add_course(indication="depression", modality="video",
                                 preferred_windows="tue,wed 10:00-13:00")
        made = self.ctl("course get", course).shown()
        self.assertEqual(("ipt-uk-16", "depression", "16", "16", "7", "video", "16"), (
            made["variant"], made["indication"], made["planned sessions"], made["duration weeks"],
            made["cadence days"], made["modality"], made["progress.unbooked sessions"]))
        for weeks in (11, 17):
            outside = self.refused(2, "INVALID_FIELDS", "course create", self.course_name("c2"),
                                   patient="urn:mrn|2", therapist=self.therapist_name("ana"),
                                   duration_weeks=weeks, fields=["course.duration_weeks"])
            self.assertIn("\n  course.duration_weeks: must be 12 to 16\n", outside.err)
        changed = self.ctl("course update", course, indication="late-life-depression",
                           etag=made["etag"]).shown()
        self.assertEqual("late-life-depression", changed["indication"])

        plan = self.ctl("course plan", course, earliest_time=TOMORROW)
        head, rows = plan.shown(), plan.rows("sessions")
        self.assertEqual([str(n) for n in range(1, 17)], [r["NO"] for r in rows])
        self.assertEqual(["initial"] * 4 + ["middle"] * 8 + ["termination"] * 4, [r["PHASE"] for r in rows])
        self.assertEqual({"on-pattern"}, {r["VERDICT"] for r in rows})
        first = datetime.date.fromisoformat(rows[0]["START"].split()[1])
        self.assertIn(first.weekday(), (1, 2))
        self.assertEqual([told(first + i * WEEK, 10) for i in range(16)], [r["START"] for r in rows])
        self.assertEqual((first.strftime("%A").lower(), "10:00", "0", str(first + 15 * WEEK),
                          str(first + 111 * DAY), "6"), tuple(head[k] for k in (
                              "day", "time", "unplaced sessions", "finish date", "deadline date",
                              "slack days")))
        self.assertIn(f"{told(first, 10, 15)}, 10:30, 10:45", rows[0]["ALTERNATIVES"])
        few = self.ctl("course plan", course, earliest_time=local(first + 2 * WEEK, 0), session_count=3)
        self.assertEqual([told(first + i * WEEK, 10) for i in (2, 3, 4)], few.column("START", "sessions"))

        # Nobody is there to say yes; a choice of one's own; then all of the plan.
        unasked = self.run_iptctl("course book-plan", course, from_plan=True)
        self.assertEqual((1, ""), (unasked.status, unasked.out))
        self.assertIn("nobody can be asked here: add --yes", unasked.err)
        would = self.ctl("course book-plan", course, validate_only=True, slot=[
            f"start-time={local(first + i * WEEK, 11)},location=Room 4" for i in range(2)])
        self.assertEqual([told(first, 11), told(first + WEEK, 11)], would.column("START", "sessions"))
        self.assertEqual("none\n", self.ctl("session list", course).out)
        taken = self.refused(4, "SERIES_CONFLICT", "course book-plan", course, slot=[
            f"start-time={local(first, 11)}", f"start-time={local(first + WEEK, 18)}"])
        self.assertIn("slots[1]: OUTSIDE_AVAILABILITY", taken.err)
        booked = self.ctl("course book-plan", course, from_plan=True, yes=True, earliest_time=TOMORROW)
        self.assertIn(f"unplaced sessions  0\nfinish date        {first + 15 * WEEK}\n", booked.out)
        listed = self.ctl("session list", course, all=True).rows()
        self.assertEqual([told(first + i * WEEK, 10) for i in range(16)], [r["START"] for r in listed])
        self.assertEqual([("booked", str(i + 1), str(i + 1)) for i in range(16)],
                         [(r["STATE"], r["NO"], r["WEEK"]) for r in listed])
        for row in listed:
            self.assertIn(row["NAME"], booked.out)
        page = self.run_iptctl("session list", course, page_size=7)
        self.assertEqual((0, 7), (page.status, len(page.rows())))
        token = re.fullmatch(r"more: add --all, or --page-token (\S+)\n", page.err).group(1)
        self.assertEqual(listed[7], self.run_iptctl("session list", course, page_size=7,
                                                    page_token=token).rows()[0])
        limit = self.refused(4, "SESSION_LIMIT", "session book", course,
                             start_time=local(first + DAY, 15))
        self.assertIn("what to do: extend the course first: iptctl course extend --help", limit.err)

        forecast = self.ctl("course forecast", course)
        self.assertEqual(("on-track", "16", str(first + 15 * WEEK), "6"), tuple(
            forecast.shown()[k] for k in ("state", "sessions left", "projected finish date", "slack days")))
        self.assertEqual(["yes"] * 16, forecast.column("BOOKED", "sessions"))
        self.assertEqual([{"COURSE": course, "DEADLINE DATE": str(first + 111 * DAY),
                           "FORECAST STATE": "on-track"}], self.ctl("course deadlines", self.clinic).rows())
        self.check_drawing(course, first)

    def check_drawing(self, course, first):
        drawn = self.ctl("course show", course).out
        self.assertRegex(drawn, rf"\A{course} +PLANNED\n")
        for text in (f"{self.therapist_name('ana')} · ipt-uk-16 · weekly · 50 min · video · Europe/London",
                     "Session   0 of 16  ○○○○○○○○○○○○○○○○  next: initial phase, " + told(first, 10),
                     f"deadline {(first + 111 * DAY).strftime('%a')} {first + 111 * DAY}, ",
                     f"Forecast  ON TRACK: would finish {(first + 15 * WEEK).strftime('%a')} "
                     f"{first + 15 * WEEK}, 6 days before the deadline",
                     f"usually {first.strftime('%a')} 10:00"):
            self.assertIn(text, drawn)
        heads, = [text for text in drawn.splitlines() if text.startswith("week  Monday")]
        end = heads.index(first.strftime("%a")) + 3  # of the weekday's column
        for week, phase in zip(range(1, 17), ["initial"] * 4 + ["middle"] * 8 + ["termination"] * 4):
            monday = first + (week - 1) * WEEK - first.weekday() * DAY
            line, = [text for text in drawn.splitlines() if text.startswith(f"{week:4}  {monday}  {phase}")]
            self.assertEqual(f"{week}○", line[end - 5:end + 1].strip(), line)
            self.assertEqual(week == 8, "mid-course review" in line, line)
        plain = self.ctl("course show", course, ascii=True).out
        self.assertTrue(plain.isascii())
        self.assertIn("Session   0 of 16  oooooooooooooooo  next: initial phase", plain)
        both = self.json("course show", course)
        self.assertEqual((course, 16), (both["course"]["name"], len(both["sessions"])))

    def test_a_course_that_is_under_way_elsewhere(self):
        self.open_clinic(no_show_uses_session=False)
        starts = self.weekly(8, 10)
        outcomes = ["attended"] * 3 + ["no-show", "attended-late"] + ["attended"] * 3
        pause = TODAY - 2 * WEEK
        asked = dict(patient="urn:mrn|1", therapist=self.therapist_name("ana"),
                     past_session=[f"start-time={s},outcome={o}" for s, o in zip(starts, outcomes)],
                     pause=f"first-day={pause},last-day={pause + 13 * DAY},reason=illness")
        would = self.ctl("course import", self.course_name("c1"), validate_only=True, **asked)
        self.refused(3, "RESOURCE_NOT_FOUND", "course get", self.course_name("c1"))
        begun = TODAY - 10 * WEEK
        for made in (would, self.ctl("course import", self.course_name("c1"), **asked)):
            self.assertEqual([{"FIRST DAY": str(pause), "LAST DAY": str(pause + 13 * DAY),
                               "REASON": "illness"}], made.rows("pauses"))
            shown = made.shown()
            self.assertEqual((str(begun), str(begun + 125 * DAY), "14", "7", "8", "middle"), tuple(
                shown["progress." + k] for k in ("start date", "deadline date", "pause days",
                                                 "attended sessions", "next session number", "phase")))
        listed = self.ctl("session list", self.course_name("c1")).rows()
        self.assertEqual(["1", "2", "3", "0", "4", "5", "6", "7"], [r["NO"] for r in listed])
        self.assertEqual([o.removesuffix("-late") for o in outcomes], [r["STATE"] for r in listed])
        drawn = self.ctl("course show", self.course_name("c1"), ascii=True).out
        self.assertIn("pause: illness", drawn)
        self.assertIn("moved 14 days by pauses", drawn)
        self.assertIn("today", drawn)
        bad = self.refused(2, "INVALID_FIELDS", "course import", self.course_name("c2"),
                           patient="urn:mrn|2", therapist=self.therapist_name("ana"),
                           past_session=[f"start-time={starts[0]},outcome=attended",
                                         f"start-time={local(TODAY + DAY, 9)},outcome=attended"],
                           fields=["past_sessions[1].start_time"])
        self.assertNotIn("past_sessions[0]", bad.err)

    def test_pause_and_resume(self):
        self.open_clinic(pause_cap_days=21)
        course = self.bring_in("c1", self.weekly(3, 3))
        deadline = TODAY - 3 * WEEK + 111 * DAY
        booked = self.book_plan(course)
        inside = [s["name"] for s in booked if day_in(s["localDate"]) <= TODAY + 13 * DAY]
        asked = dict(first_day=TODAY, last_day=TODAY + 13 * DAY, reason="illness")
        way = self.refused(4, "SESSIONS_IN_THE_WAY", "course pause", course, **asked)
        self.assertIn(f"\n  sessions: {len(inside)}\n", way.err)
        self.assertIn("or add --cancel-sessions", way.err)
        would = self.ctl("course pause", course, cancel_sessions=True, validate_only=True, **asked)
        self.assertEqual("active", self.ctl("course get", course).shown()["state"])
        paused = self.ctl("course pause", course, cancel_sessions=True, **asked)
        for answer in (would, paused):
            self.assertEqual(inside, answer.column("NAME", "affected sessions"))
            shown = answer.shown()
            self.assertEqual(("paused", str(deadline + 14 * DAY), "14"), tuple(shown["course." + k] for k in (
                "state", "progress.deadline date", "progress.pause days")))
        cap = self.refused(4, "PAUSE_CAP", "course pause", course, first_day=TODAY + 30 * DAY,
                           last_day=TODAY + 40 * DAY, reason="patient-away")
        self.assertIn("\n  cap_days: 21\n  used_days: 14\n", cap.err)
        self.refused(4, "COURSE_PAUSED", "session book", course, start_time=local(
            next_weekday(0, TODAY + 2 * DAY), 16))
        self.assertIn("PAUSED", self.ctl("course show", course).out.splitlines()[0])
        earlier = self.ctl("course resume", course, resume_day=TODAY + 7 * DAY).shown()
        self.assertEqual(("paused", str(deadline + 7 * DAY)),
                         (earlier["state"], earlier["progress.deadline date"]))
        now = self.ctl("course resume", course)
        self.assertEqual(("active", str(deadline), []), (
            now.shown()["state"], now.shown()["progress.deadline date"], now.rows("pauses")))
        self.assertEqual(["imported", "paused", "resumed", "resumed"], now.column("KIND", "changes"))

    def test_extend_and_shorten(self):
        self.open_clinic()
        course = self.open_course(planned_sessions=12, duration_weeks=12)
        before = self.ctl("course get", course).shown()
        longer = self.ctl("course extend", course, planned_sessions=14, duration_weeks=14,
                          reason="agreed at review").shown()
        self.assertEqual(("14", "14"), (longer["planned sessions"], longer["duration weeks"]))
        date = lambda shown: datetime.date.fromisoformat(shown["progress.deadline date"])  # noqa: E731
        self.assertEqual(date(before) + 2 * WEEK, date(longer))
        bounds = self.refused(4, "VARIANT_BOUNDS", "course extend", course, duration_weeks=17, reason="more")
        self.assertRegex(bounds.err, r"\n  maximum: 16\n")
        self.refused(2, "INVALID_FIELDS", "course extend", course, duration_weeks=15, fields=["reason"])
        booked = [s["name"] for s in self.book_plan(course)]
        self.assertEqual(14, len(booked))
        asked = dict(planned_sessions=11, reason="goals reached")
        self.refused(4, "SESSIONS_IN_THE_WAY", "course shorten", course, **asked)
        would = self.ctl("course shorten", course, cancel_sessions=True, validate_only=True, **asked)
        for answer in (would, self.ctl("course shorten", course, cancel_sessions=True, **asked)):
            self.assertEqual(booked[11:], answer.column("NAME", "affected sessions"))
            self.assertEqual("11", answer.shown()["course.planned sessions"])
        listed = self.ctl("session list", course, state="booked").rows()
        self.assertEqual((booked[:11], "termination"), ([r["NAME"] for r in listed], listed[-1]["PHASE"]))
        self.assertEqual("goals reached", self.ctl("course get", course).column("REASON", "changes")[-1])

    def test_complete_discontinue_and_reopen(self):
        self.open_clinic()
        course = self.bring_in("c1", self.weekly(14, 14))
        booked = self.book_plan(course)
        self.refused(4, "SESSIONS_IN_THE_WAY", "course complete", course)
        would = self.ctl("course complete", course, cancel_sessions=True, validate_only=True).shown()
        self.assertEqual("active", self.ctl("course get", course).shown()["state"])
        done = self.ctl("course complete", course, cancel_sessions=True).shown()
        for shown in (would, done):
            self.assertEqual(("completed", "yes", "no", False), (
                shown["state"], shown["closure.early"], shown["closure.drop out"], "forecast" in shown))
        over = self.refused(4, "COURSE_STATE", "course pause", course, first_day=TODAY, last_day=TODAY,
                            reason="illness")
        self.assertRegex(over.err, r"\n  state: \S*COMPLETED\n")
        self.assertEqual("none\n", self.ctl("course deadlines", self.clinic).out)
        self.refused(2, "INVALID_FIELDS", "course reopen", course, fields=["reason"])
        again = self.ctl("course reopen", course, reason="closed the wrong one")
        self.assertEqual("active", again.shown()["state"])
        self.assertEqual(["imported", "completed", "reopened"], again.column("KIND", "changes"))
        self.assertEqual("closed the wrong one", again.column("REASON", "changes")[-1])
        self.assertEqual("cancelled", self.ctl("session get", booked[0]["name"]).shown()["state"])
        for reason, drop_out in (("agreed-early-finish", "no"), ("dropped-out", "yes")):
            other = self.open_course(reason)
            self.ctl("session book", other, start_time=local(next_weekday(0, TODAY + WEEK), 9))
            self.assertEqual("discontinued", self.ctl("course discontinue", other, reason=reason,
                                                      validate_only=True).shown()["state"])
            self.assertEqual("planned", self.ctl("course get", other).shown()["state"])
            ended = self.ctl("course discontinue", other, reason=reason).shown()
            self.assertEqual(("discontinued", reason, drop_out), (
                ended["state"], ended["closure.reason"], ended["closure.drop out"]))
            self.assertEqual(["cancelled"], self.ctl("session list", other).column("STATE"))
        self.refused(2, "INVALID_FIELDS", "course discontinue", course, fields=["reason"])
        wrong = self.run_iptctl("course discontinue", course, reason="bored")
        self.assertEqual(1, wrong.status)
        self.assertIn("agreed-early-finish", wrong.err)

    def test_forecasts_and_lists(self):
        self.open_clinic("ana", "ben")
        name = self.course_name
        track = self.bring_in("on-track", self.weekly(8, 8, 6))
        self.bring_in("at-risk", self.weekly(4, 10, 7))
        late = [local(TODAY - 16 * WEEK + 2 * DAY, 8)]
        self.bring_in("infeasible", late, therapist="ben")
        self.bring_in("overdue", self.weekly(10, 17, 9))
        planned = self.open_course("planned", "ben")
        states = {"on-track": "on-track", "at-risk": "at-risk", "infeasible": "infeasible",
                  "overdue": "overdue"}
        rows = {r["NAME"]: r for r in self.ctl("course list", self.clinic).rows()}
        self.assertEqual(states, {k: rows[name(k)]["FORECAST"] for k in states})
        self.assertEqual(("active", "8", "16", "9", str(TODAY - 8 * WEEK + 111 * DAY)), tuple(
            rows[track][c] for c in ("STATE", "USED", "OF", "WEEK", "DEADLINE")))
        for state in states:
            self.assertEqual([name(state)] + ([planned] if state == "on-track" else []), self.ctl(
                "course list", self.clinic, forecast_state=state).column("NAME"))
            shown = self.ctl("course forecast", name(state)).shown()
            self.assertEqual((state, state != "on-track"), (shown["state"], "reasons" in shown))
        self.assertRegex(self.ctl("course show", name("overdue")).out, r"\nForecast  OVERDUE: ")
        listed = lambda **by: self.ctl("course list", self.clinic, **by).column("NAME")  # noqa: E731
        self.assertEqual([planned], listed(state="planned"))
        self.assertEqual([name("infeasible"), planned], listed(therapist=self.therapist_name("ben")))
        self.assertEqual([track], listed(patient="urn:mrn|on-track"))
        self.assertEqual("none\n", self.ctl("course list", self.clinic, patient="urn:mrn|x").out)
        self.assertEqual([name("infeasible"), name("overdue")], listed(deadline_before=TODAY + 5 * DAY))
        self.assertEqual([name("at-risk"), name("infeasible")],
                         listed(forecast_state=["at-risk", "infeasible"]))
        self.assertEqual([name("overdue"), name("infeasible")], self.ctl(
            "course deadlines", self.clinic, before=TODAY + 5 * DAY).column("COURSE"))
        got = self.json("course batch-get", self.clinic, planned, track)
        self.assertEqual([planned, track], [c["name"] for c in got["courses"]])
        self.refused(3, "RESOURCE_NOT_FOUND", "course batch-get", self.clinic, planned, name("none"))

        leave = self.ctl("time-off add", self.therapist_name("ana"),
                         days=f"{TODAY}..{TODAY + 120 * DAY}").shown()
        shown = self.ctl("course forecast", track).shown()
        self.assertEqual("infeasible", shown["state"])
        self.assertIn("therapist-away", shown["reasons"])
        self.ctl("time-off delete", leave["time off.name"])
        self.assertEqual("on-track", self.ctl("course get", track).shown()["forecast.state"])

    # ----------------------------------------------------------------------------------- sessions

    def test_booking_moving_and_updating(self):
        self.open_clinic()
        day = next_weekday(1, TODAY + WEEK)
        course, other = self.open_course("c1"), self.open_course("c2")
        session = f"{course}/sessions/s1"
        asked = dict(start_time=local(day, 10), location="Room 4")
        would = self.ctl("session book", session, validate_only=True, **asked).shown()
        self.assertEqual("none\n", self.ctl("session list", course).out)
        request = rid()
        made = self.ctl("session book", session, request_id=request, **asked)
        for shown in (would, made.shown()):
            self.assertEqual((session, told(day, 10), told(day, 10, 50), "booked", "1", "initial", "Room 4"), (
                shown["name"], shown["start time"], shown["end time"], shown["state"],
                shown["session number"], shown["phase"], shown["location"]))
        # A retry is answered as the first time; the same id for another request is not.
        self.assertEqual(made.out, self.ctl("session book", session, request_id=request, **asked).out)
        self.refused(4, "REQUEST_ID_REUSED", "session book", session, request_id=request,
                     start_time=local(day, 12))
        for hour, minute in ((10, 0), (10, 49), (9, 30)):
            for flags in ({}, dict(validate_only=True)):
                taken = self.refused(4, "SLOT_TAKEN", "session book", other,
                                     start_time=local(day, hour, minute), **flags)
                self.assertIn("what to do: find a free time: iptctl slots find --help", taken.err)
        self.assertEqual("none\n", self.ctl("session list", other).out)
        outside = self.refused(4, "OUTSIDE_AVAILABILITY", "session book", other, start_time=local(day, 18))
        self.assertIn("--override.reason", outside.err)
        late = self.ctl("session book", other, start_time=local(day, 18), outside_availability=True,
                        **{"override.reason": "evening clinic"})
        self.assertEqual("evening clinic", late.rows("changes")[-1]["REASON"])
        self.refused(2, "INVALID_FIELDS", "session book", other, start_time=local(day, 19),
                     outside_availability=True, fields=["override.reason"])

        changed = self.ctl("session update", session, modality="video", location="https://v.example/1").shown()
        self.assertEqual(("video", "https://v.example/1"), (changed["modality"], changed["location"]))
        self.assertEqual({"year": day.year, "month": day.month, "day": day.day},
                         self.json("session get", session)["localDate"])

        booked = [made.shown()["name"]] + [s["name"] for s in self.book_plan(course)]
        third = self.ctl("session get", booked[2]).shown()
        third_day = datetime.date.fromisoformat(third["local date"])
        asked = dict(start_time=local(third_day, 15), reason="new job")
        would = self.ctl("session reschedule", booked[2], validate_only=True, **asked)
        self.assertEqual(third, self.ctl("session get", booked[2]).shown())
        moved = self.ctl("session reschedule", booked[2], etag=third["etag"], **asked)
        for answer in (would, moved):
            row, = answer.rows("sessions")
            self.assertEqual((booked[2], told(third_day, 15), third["session number"]),
                             (row["NAME"], row["START"], row["NO"]))
        history = self.ctl("session get", booked[2]).rows("changes")[-1]
        self.assertEqual(("rescheduled", "new job", third["start time"]), (
            history["KIND"], history["REASON"], history["PREVIOUS START TIME"]))
        self.refused(4, "ETAG_MISMATCH", "session reschedule", booked[2], etag=third["etag"], **asked)

        before = self.ctl("session list", course).rows()[4:]
        start = datetime.date.fromisoformat(before[0]["START"].split()[1])
        clock = int(before[0]["START"].split()[2][:2])
        moved = self.ctl("session reschedule", booked[4], scope="this-and-following",
                         start_time=local(start, clock + 3)).rows("sessions")
        self.assertEqual([r["NAME"] for r in before], [r["NAME"] for r in moved])
        self.assertEqual(
            [told(datetime.date.fromisoformat(r["START"].split()[1]), clock + 3) for r in before],
            [r["START"] for r in moved])
        # Another's session on one of those times: none of them moves.
        self.ctl("session book", other, start_time=local(
            datetime.date.fromisoformat(before[3]["START"].split()[1]), clock + 1))
        clash = self.refused(4, "SERIES_CONFLICT", "session reschedule", booked[4],
                             scope="this-and-following", start_time=local(start, clock + 1))
        self.assertEqual(1, clash.err.count("SLOT_TAKEN"), clash.err)
        self.assertEqual(moved, self.ctl("session list", course).rows()[4:])

    def test_cancelling(self):
        self.open_clinic(late_cancellation_uses_session=True)
        course = self.open_course()
        book = lambda start: self.ctl("session book", course, start_time=start,  # noqa: E731
                                      outside_availability=True, **{"override.reason": "walk-in"}).shown()
        soon = (support.now() + datetime.timedelta(hours=3)).replace(second=0, microsecond=0)
        sessions = [book((soon + offset).isoformat()) for offset in (0 * DAY, DAY / 12, 2 * DAY)]
        would = self.ctl("session cancel", sessions[0]["name"], cancelled_by="patient",
                         validate_only=True).shown()
        self.assertEqual(("yes", "yes"), (would["cancellation.late"], would["uses session"]))
        self.assertEqual("booked", self.ctl("session get", sessions[0]["name"]).shown()["state"])
        for session, by, late in zip(sessions, ("patient", "clinic", "patient"), ("yes", "no", "no")):
            gone = self.ctl("session cancel", session["name"], cancelled_by=by, reason="flu",
                            etag=session["etag"])
            shown = gone.shown()
            self.assertEqual(("cancelled", by, late, late), (
                shown["state"], shown["cancellation.cancelled by"], shown["cancellation.late"],
                shown["uses session"]))
            self.assertEqual(("cancelled", "flu"), tuple(gone.rows("changes")[-1][c]
                                                         for c in ("KIND", "REASON")))
        over = self.refused(4, "SESSION_STATE", "session cancel", sessions[0]["name"], cancelled_by="patient")
        self.assertRegex(over.err, r"\n  state: \S*CANCELLED\n")
        self.refused(2, "INVALID_FIELDS", "session cancel", sessions[0]["name"], fields=["cancelled_by"])
        self.assertEqual("1", self.ctl("course get", course).shown()["progress.used sessions"])
        book(instant_in(self.json("session get", sessions[2]["name"])["startTime"]).isoformat())

    def test_attendance_and_the_work_list(self):
        self.open_clinic()
        course = self.open_course()
        past = [self.ctl("session book", course, start_time=local(TODAY - n * DAY, 12), retrospective=True,
                         outside_availability=True, **{"override.reason": "was not booked"}).shown()["name"]
                for n in (9, 2)]
        future = self.ctl("session book", course, start_time=local(
            next_weekday(2, TODAY + 2 * DAY), 12)).shown()["name"]
        work = lambda: self.ctl("session list", self.clinic, unrecorded_only=True,  # noqa: E731
                                all=True).column("NAME")
        self.assertEqual(past, work())
        self.refused(4, "SESSION_IN_FUTURE", "session attend", future, "attended")
        seen = self.ctl("session attend", past[0], "no-show", source="front-desk").shown()
        self.assertEqual(("no-show", "0", "front-desk"),
                         (seen["state"], seen["session number"], seen["attendance.source"]))
        self.assertEqual(past[1:], work())
        attended = self.ctl("session attend", past[1], "attended-late").shown()
        self.assertEqual(("1", "attended-late"), (attended["session number"], attended["attendance.outcome"]))
        self.assertEqual([], work())
        shown = self.ctl("course get", course).shown()
        self.assertEqual(("active", str(TODAY - 2 * DAY), "no"), (
            shown["state"], shown["progress.start date"], shown["progress.start projected"]))
        self.refused(2, "INVALID_FIELDS", "session attend", past[0], "attended", fields=["correction_reason"])
        fixed = self.ctl("session attend", past[0], "attended", correction_reason="wrong patient ticked")
        change = fixed.rows("changes")[-1]
        self.assertEqual(("1", "attendance-corrected", "no-show", "wrong patient ticked"), (
            fixed.shown()["session number"], change["KIND"], change["PREVIOUS OUTCOME"], change["REASON"]))
        self.assertEqual(["1", "2", "3"], self.ctl("session list", course).column("NO"))
        shown = self.ctl("course get", course).shown()
        self.assertEqual((str(TODAY - 9 * DAY), "2"), (shown["progress.start date"],
                                                       shown["progress.attended sessions"]))

    def test_free_slots(self):
        self.open_clinic("ana")
        self.add_therapist("ben", working_hours="mon-fri 12:00-15:00", language="es")
        monday = next_weekday(0, TODAY + WEEK)
        span = dict(start_time=local(monday, 0), end_time=local(monday + DAY, 0))
        rows = self.ctl("slots find", self.clinic, all=True, page_size=7, **span).rows()
        self.assertEqual(29 + 9, len(rows))  # 9:00 to 16:00 and 12:00 to 14:00, every 15 minutes
        self.assertEqual((told(monday, 9), told(monday, 16)), (rows[0]["START TIME"], rows[-1]["START TIME"]))
        ben = self.therapist_name("ben")
        self.assertEqual(9, len(self.ctl("slots find", self.clinic, therapist=ben, **span).rows()))
        self.assertEqual([ben], sorted(set(self.ctl("slots find", self.clinic, language="es", **span)
                                           .column("THERAPIST"))))
        course = self.add_course(preferred_windows="mon 13:00-15:00")
        session = self.ctl("session book", course, start_time=local(monday, 13)).shown()["name"]
        mine = dict(course=course, therapist=self.therapist_name("ana"), **span)
        self.assertEqual([told(monday, 14)], self.ctl("slots find", self.clinic, **mine).column("START TIME"))
        self.assertEqual([told(monday, 13, m) for m in (0, 15, 30, 45)] + [told(monday, 14)], self.ctl(
            "slots find", self.clinic, ignore_session=session, **mine).column("START TIME"))

    # ------------------------------------------------------------- patients, reminders, audit, errors

    def test_patients_identifiers(self):
        self.open_clinic()
        course = self.open_course("c1", patient="old")
        twin = self.open_course("c2", patient="twin")
        self.refused(4, "OPEN_COURSE_EXISTS", "course create", self.course_name("c3"),
                     patient="urn:mrn|old", therapist=self.therapist_name("ana"))
        changed = self.ctl("patient change-identifier", self.clinic, "urn:mrn|old", "urn:mrn|new").shown()
        self.assertEqual(course, changed["courses"])
        of = lambda patient: self.ctl("course list", self.clinic,  # noqa: E731
                                      patient=f"urn:mrn|{patient}").column("NAME")
        self.assertEqual(([], [course]), (of("old"), of("new")))
        gone = self.refused(3, "RESOURCE_NOT_FOUND", "patient change-identifier", self.clinic,
                            "urn:mrn|old", "urn:mrn|newer")
        self.assertNotIn("urn:mrn", gone.err)
        exists = self.refused(4, "PATIENT_EXISTS", "patient change-identifier", self.clinic,
                              "urn:mrn|new", "urn:mrn|twin")
        self.assertIn("what to do: merge the two: iptctl patient merge --help", exists.err)
        # Both have an open course: what is advised is what helps.
        both = self.refused(4, "OPEN_COURSE_EXISTS", "patient merge", self.clinic, "urn:mrn|twin",
                            "urn:mrn|new")
        self.assertIn("each of the two patients has an open course in this clinic: close one of them, then "
                      "merge\n", both.err)
        self.assertIn("what to do: close the other course first; ", both.err)
        self.assertEqual([twin], of("twin"))
        self.ctl("course discontinue", twin, reason="other")
        merged = self.ctl("patient merge", self.clinic, "urn:mrn|twin", "urn:mrn|new").shown()
        self.assertEqual(f"{course}, {twin}", merged["courses"])
        self.assertEqual(([], [course, twin]), (of("twin"), of("new")))
        self.assertEqual("patient-changed", self.ctl("course get", twin).column("KIND", "changes")[-1])
        malformed = self.run_iptctl("patient merge", self.clinic, "twin", "urn:mrn|new")
        self.assertEqual(1, malformed.status)
        self.assertIn("write SYSTEM|VALUE", malformed.err)
        self.assertNotIn("twin", malformed.err)

    def test_reminders(self):
        self.open_clinic()
        course = self.open_course()
        default = self.ctl("reminders policy", self.clinic)
        self.assertIn("no-session-booked", default.column("KIND", "course rules"))
        self.assertEqual([], default.rows("session rules"))
        rules = {"policy": {"session_rules": [{
            "audience": "REMINDER_AUDIENCE_PATIENT", "minutes_before": 2880, "template": "days",
            "channels": ["REMINDER_CHANNEL_SMS", "REMINDER_CHANNEL_EMAIL"]}]}}
        held = self.ctl("reminders set-policy", self.clinic, json=json.dumps(rules))
        rule, = held.rows("session rules")
        self.assertEqual(("patient", "2880", "sms, email", "days"), tuple(
            rule[c] for c in ("AUDIENCE", "MINUTES BEFORE", "CHANNELS", "TEMPLATE")))
        day = next_weekday(0, TODAY + 3 * WEEK)
        session = self.ctl("session book", course, start_time=local(day, 10)).shown()["name"]
        kept = lambda: [r for r in self.ctl(  # noqa: E731
            "reminders list", self.clinic, course=course, state="scheduled", all=True).rows()
            if r["KIND"] == "session"]
        self.assertEqual([(told(day - 2 * DAY, 10), "patient", "sms, email")],
                         [(r["DUE"], r["FOR"], r["CHANNELS"]) for r in kept()])
        self.ctl("session reschedule", session, start_time=local(day + DAY, 11))
        first, = kept()
        self.assertEqual(told(day - DAY, 11), first["DUE"])
        self.ctl("reminders set-preferences", self.clinic, "urn:mrn|c1", opted_out="sms", language="cy")
        wishes = self.ctl("reminders preferences", self.clinic, "urn:mrn|c1").shown()
        self.assertEqual(("sms", "cy"), (wishes["opted out"], wishes["language"]))
        got = self.ctl("reminders get", first["NAME"]).shown()
        self.assertEqual(("email", "cy", session, "days"),
                         (got["channels"], got["language"], got["session"], got["template"]))
        preview = self.ctl("reminders preview", course).rows("reminders")
        self.assertIn(("session", "patient", told(day - DAY, 11)),
                      [(r["KIND"], r["FOR"], r["DUE"]) for r in preview])
        dropped = self.ctl("reminders drop", first["NAME"], reason="told by telephone").shown()
        self.assertEqual("told by telephone", dropped["note"])
        self.assertEqual([], kept())
        self.refused(4, "REMINDER_STATE", "reminders replay", first["NAME"])
        trial = self.ctl("reminders test", course, channel="email", template="days").shown()
        self.assertEqual(("yes", "days"), (trial["test"], trial["template"]))
        paused = self.ctl("reminders pause", self.clinic, reason="the gateway is being replaced").shown()
        self.assertEqual(("yes", "the gateway is being replaced"), (paused["paused"], paused["reason"]))
        self.assertEqual("yes", self.ctl("reminders queue", self.clinic).shown()["paused"])
        self.assertEqual("no", self.ctl("reminders resume", self.clinic, max_per_minute=600).shown()["paused"])
        self.assertEqual("600", self.ctl("reminders sending", self.clinic).shown()["max per minute"])
        own = self.ctl("reminders set-policy", self.clinic, course=course, json=json.dumps(
            {"policy": {"session_rules": [dict(rules["policy"]["session_rules"][0], template="own")]}}))
        self.assertEqual(["own"], own.column("TEMPLATE", "session rules"))
        self.assertEqual(["days"], self.ctl("reminders reset-policy", course).column(
            "TEMPLATE", "session rules"))

    def test_audit(self):
        self.open_clinic()
        course = self.open_course()
        self.ctl("course get", course)
        self.refused(4, "OPEN_COURSE_EXISTS", "course create", self.course_name("c2"),
                     patient="urn:mrn|c1", therapist=self.therapist_name("ana"))
        entries = []

        def read_is_there():
            entries[:] = self.ctl("audit list", self.clinic, all=True).rows()
            return any(e["METHOD"].endswith("/GetCourse") for e in entries)
        support.wait_until(read_is_there, "the audit entry of a read")
        by = {e["METHOD"].rsplit("/")[-1]: e for e in entries}
        self.assertEqual({"developer" if self.secure else "anonymous"}, {e["CALLER"] for e in entries})
        self.assertEqual((course, "OK", "1"), tuple(by["CreateCourse"][c]
                                                    for c in ("RESOURCE", "OUTCOME", "COUNT")))
        self.assertEqual(course, by["GetCourse"]["RESOURCE"])
        self.assertLessEqual({"CreateClinic", "CreateTherapist", "CreateCourse", "GetCourse"}, set(by))
        self.assertEqual({course}, set(self.ctl("audit list", self.clinic, resource=course)
                                       .column("RESOURCE")))
        self.assertEqual("none\n", self.ctl("audit list", self.clinic, caller="somebody-else").out)
        self.assertEqual("none\n", self.ctl("audit list", self.clinic, start_time="+1d").out)
        got = self.json("audit list", self.clinic, resource=course)["auditEntries"]
        self.assertIn("ACCESS_WRITE", [e["access"] for e in got])

    def test_errors_as_people_and_scripts_read_them(self):
        self.open_clinic()
        course = self.open_course()

        def usage(text, command, *words, **flags):
            answer = self.run_iptctl(command, *words, **flags)
            self.assertEqual((1, ""), (answer.status, answer.out))
            self.assertIn(text, answer.err)

        usage("unknown flag --stat (did you mean --states?)", "course list", self.clinic, stat="planned")
        usage("is not an instant: write 2026-12-01T09:00 (with --zone)", "session book", course,
              start_time="tomorrow at nine")
        usage("COURSE is missing", "course get")
        usage("did you mean", "course gett", course)
        usage("nothing to change", "course update", course)

        error = self.run_iptctl("course create", self.course_name("c2"), patient="urn:mrn|2",
                                therapist=self.therapist_name("none"), session_minutes=5,
                                cadence_days=500, output="json")
        self.assertEqual((2, ""), (error.status, error.out))
        told_ = json.loads(error.err)["error"]
        self.assertEqual(("INVALID_ARGUMENT", "INVALID_FIELDS", 2),
                         (told_["code"], told_["reason"], told_["exitCode"]))
        self.assertLessEqual({"course.cadence_days", "course.session_minutes"},
                             {f["field"] for f in told_["fields"]})
        self.assertRegex(told_["requestId"], r"^[0-9a-f-]{36}$")
        self.assertTrue(told_["hint"])
        self.refused(2, "INVALID_FIELDS", "course get", "clinics/UPPER/courses/c1", fields=["name"])
        foreign = self.run_iptctl("course get", "clinics/another/courses/c1")
        self.assertEqual(3, foreign.status, foreign.err)

        # Nobody listens there.
        gone = Answer(subprocess.run(
            [IPTCTL, "clinic", "list", f"--server=127.0.0.1:{support.dead_port()}", "--deadline=10s"],
            capture_output=True, text=True, env=self.env, timeout=60))
        self.assertEqual(6, gone.status, gone.err)
        self.assertIn("check --server", gone.err)
        if not self.secure:
            return
        ana = self.therapist_name("ana")
        as_other = lambda **options: dict(token_file=self.token_file(rid(), **options))  # noqa: E731
        missing = self.refused(5, "SCOPE_MISSING", "therapist get", ana, **as_other(scopes="courses.read"))
        self.assertIn("\n  scope: therapists.read\n", missing.err)
        self.assertIn("what to do: ask for a token with the scope named above", missing.err)
        self.refused(3, "RESOURCE_NOT_FOUND", "course get", course, **as_other(clinics="another"))
        expired = self.refused(5, "UNAUTHENTICATED", "course get", course, **as_other(ttl="-3600"))
        self.assertIn("what to do: give a valid token with --token-file", expired.err)
        self.refused(5, "UNAUTHENTICATED", "course get", course, token_file=os.devnull)
        # The server is not the one that its certificate names.
        wrong = self.run_iptctl("course get", course, tls_name="elsewhere.example", deadline="2s")
        self.assertEqual((6, ""), (wrong.status, wrong.out), wrong.err)

    def test_methods_are_all_known(self):
        if self.secure:  # where reflection is off unless it is asked for
            off = self.run_iptctl("methods")
            self.assertEqual((4, ""), (off.status, off.out))
            self.assertIn("its reflection is off. iptctl methods --offline lists", off.err)
        listed = self.ctl("methods", **(dict(offline=True) if self.secure else {})).out
        for path in support.methods():
            self.assertRegex(listed, rf"(?m)^{re.escape(path)} +(\S+ \S+|-)$")
        self.assertEqual(1, listed.count(" -\n"), "a gateway's conversation")


@support.on_all(engines=("suite",), secure=(False,))
class IptctlOutcomes(Runner):
    flags = ("--outcomes",)

    def name_of(self, collection, id_):
        return f"{self.clinic}/{collection}/{id_}"

    def record(self, values, id_, **flags):
        """A PHQ-9 of the course; its name."""
        answers = [dict(item=f"q{i + 1}", value=value) for i, value in enumerate(values)]
        given = dict(measurement=dict(instrument=self.name_of("instruments", "phq-9"),
                                      respondent="RESPONDENT_SELF", answers=dict(answers=answers)))
        return self.json("measurement record", f"{self.course}/measurements/{id_}", json=json.dumps(given),
                         **flags)

    def setUp(self):
        super().setUp()
        self.open_clinic("ana", "ben")
        self.course = self.bring_in("c1", self.weekly(2, 2))
        # A copy of it is there: else scheduling is asked, and where that takes a second, all is unverified.
        support.wait_until(lambda: self.api.GetCourseMeasurementPlan(course=self.course).scheduling.current,
                           "the course's copy")

    def test_instruments(self):
        names = self.ctl("instrument list", self.clinic, all=True).column("NAME")
        self.assertIn(self.name_of("instruments", "phq-9"), names)
        shown = self.json("instrument get", self.name_of("instruments", "phq-9"))
        self.assertEqual(9, len([item for item in shown["items"] if item["id"] != "difficulty"][:9]))
        mine = self.name_of("instruments", "our-phq")
        for key in ("name", "version"):
            shown.pop(key, None)
        made = self.json("instrument register", mine, json=json.dumps(dict(instrument=shown)))
        self.assertEqual((mine, 1), (made["name"], made["version"]))
        self.ctl("instrument retire", mine, reason="replaced")
        self.assertEqual("INSTRUMENT_STATE_RETIRED", self.json("instrument get", mine, version=1)["state"])
        self.ctl("instrument reinstate", mine, version=1)
        self.assertEqual("INSTRUMENT_STATE_ACTIVE", self.json("instrument get", mine, version=1)["state"])

    def test_measurements_and_what_they_come_to(self):
        first = self.record([2] * 8 + [0], "m1")
        self.assertEqual(16, first["scores"][0]["rounded"])
        shown = self.ctl("measurement get", first["name"]).shown()
        self.assertEqual("recorded", shown["state"])
        [row] = self.ctl("measurement list", self.course).rows()
        self.assertEqual((first["name"], "recorded", ""), (row["NAME"], row["STATE"], row.get("UNVERIFIED", "")))
        corrected = self.json("measurement correct", first["name"], mode="paper", reason="as the form says")
        self.assertEqual(2, corrected["revisionNumber"])
        self.assertEqual(2, len(self.json("measurement revisions", first["name"])["measurements"]))
        trajectory = self.json("outcomes trajectory", self.course)
        self.assertEqual([first["name"]], [point["measurement"] for point in trajectory["series"][0]["points"]])
        self.assertEqual(self.course, self.json("outcomes result", self.course)["course"])
        self.ctl("measurement take-back", first["name"], "wrong-patient")
        self.assertEqual([], self.ctl("measurement list", self.course).rows())

    def test_a_course_drawn(self):
        """The chart of a real course on the terminal, as a picture and as a page; read back from each."""
        days = [TODAY - 2 * WEEK, TODAY - WEEK]
        ends = [self.record([most, *[2] * 7, risk], f"d{most}", **{"measurement.complete-time": local(day, 12)})
                for day, most, risk in zip(days, (3, 1), (0, 1))]
        scores = [end["scores"][0]["rounded"] for end in ends]
        self.assertEqual([17, 16], scores)

        drawn = self.ctl("outcomes chart", self.course).out
        self.assertTrue(drawn.startswith(f"Outcomes of {self.course}\n"), drawn)
        for text in ("PHQ-9  answered by the patient", "17 at first, 16 so far: better by 1, no reliable change",
                     "cut 10", "│init", f"Alert, {days[1]}: risk item answered (item q9); open", "deadline"):
            self.assertIn(text, drawn)
        self.assertTrue(all(len(line) <= 100 for line in drawn.splitlines()), drawn)
        self.assertNotIn("\x1b", drawn)
        self.assertTrue(self.ctl("outcomes chart", self.course, ascii=True).out.isascii())

        svg_file, html_file = self.home / "chart.svg", self.home / "chart.html"
        wrote = self.ctl("outcomes chart", self.course, svg=svg_file, html=html_file).out
        self.assertEqual([f"wrote {svg_file}", f"wrote {html_file}"], wrote.splitlines())
        for written in (svg_file, html_file):
            self.assertEqual(0o600, written.stat().st_mode & 0o777)
        svg = ElementTree.parse(svg_file).getroot()
        self.assertEqual("{http://www.w3.org/2000/svg}svg", svg.tag)
        points = [dict(circle.attrib, title=group[0].text) for group in svg.iter(svg.tag[:-3] + "g")
                  if group.get("class") == "point" for circle in group if circle.get("class") == "dot"]
        self.assertEqual([f"{day}: {score} (Moderately severe)" for day, score in zip(days, scores)],
                         [point["title"].split(";")[0] for point in points])
        self.assertLess(float(points[0]["cx"]), float(points[1]["cx"]))
        self.assertLess(float(points[0]["cy"]), float(points[1]["cy"]), "17 stands above 16")
        self.assertEqual(svg_file.read_text(encoding="utf-8"), self.ctl("outcomes chart", self.course, svg="-").out)

        page = ElementTree.parse(html_file).getroot()
        self.assertEqual("{http://www.w3.org/1999/xhtml}html", page.tag)
        text = "\n".join(page.itertext())
        for words in ("17, Moderately severe", "initial phase", "better by 1 (6 %)", "risk item answered (item q9)"):
            self.assertIn(words, text)
        source = html_file.read_text(encoding="utf-8")
        self.assertNotIn("urn:mrn", source)
        self.assertEqual([], re.findall(r"<script|<link|<img|src=|href=", source))
        self.assertEqual([], [tag for tag in (element.tag for element in page.iter()) if "}" not in tag])

        unwritable = self.run_iptctl("outcomes chart", self.course, svg=self.home / "no/such/folder.svg")
        self.assertEqual((1, ""), (unwritable.status, unwritable.out))
        self.assertIn("--svg: ", unwritable.err)
        self.refused(3, "RESOURCE_NOT_FOUND", "outcomes chart", self.course_name("nobody"))

    def test_plans_and_what_is_due(self):
        name = self.name_of("measurementPlans", "standard")
        rule = dict(id="each", instrument=self.name_of("instruments", "phq-9"), timing="PLAN_TIMING_EVERY_SESSION")
        made = self.json("plan create", name, json=json.dumps(dict(
            measurementPlan=dict(displayName="Standard", rules=[rule]))))
        self.assertEqual((name, "each"), (made["name"], made["rules"][0]["id"]))
        self.assertEqual([name], self.ctl("plan list", self.clinic).column("NAME"))
        changed = self.json("plan update", name, display_name="All courses")
        self.assertEqual(changed, self.json("plan get", name))
        self.assertEqual(name, self.json("plan of-course", self.course)["inheritedFrom"])
        due = self.ctl("measurement due", self.course, state="upcoming").rows()
        self.assertEqual({(self.course, "each", "upcoming", "yes")},
                         {(row["COURSE"], row["RULE"], row["STATE"], row["PROJECTED"]) for row in due})
        own = self.json("plan set-course", self.course, json=json.dumps(dict(measurementPlan=dict(rules=[
            dict(rule, id="monthly", timing="PLAN_TIMING_EVERY_WEEKS", weeks=4)]))))
        self.assertFalse(own.get("inherited", False))
        self.assertTrue(self.json("plan reset-course", self.course)["inherited"])
        self.ctl("plan delete", name, etag=changed["etag"])
        self.assertEqual([], self.ctl("plan list", self.clinic).rows())

    def file(self, name, lines):
        path = self.home / name
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return path

    @staticmethod
    def table(path):
        return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))

    def test_measurements_in_bulk(self):
        heading = "course,instrument,complete_time,respondent,external_id,item.q1,item.q2"
        def line(number, q1=1, time="2025-03-{:02}T09:00:00Z"):
            return f"c1,phq-2,{time.format(number)},self,'=form-{number},{q1},"
        lines = [heading, *(line(n) for n in range(1, 21))]
        lines[3] = line(3, q1=7)
        lines[5] = line(5, time="yesterday")
        lines[6] = line(6) + ",one-more"
        path = self.file("forms.csv", lines)
        checked = self.run_iptctl("measurement import", self.clinic, path, validate_only=True)
        self.assertEqual(2, checked.status)
        self.assertEqual([], self.ctl("measurement list", self.course).rows())
        brought = self.run_iptctl("measurement import", self.clinic, path, output="json")
        self.assertEqual(2, brought.status, brought.err)
        done = json.loads(brought.out)
        self.assertEqual(("17", "3", True), (done["recordedRows"], done["failedRows"], done["complete"]))
        self.assertEqual(done, self.json("measurement get-import", done["name"]))
        errors = self.table(pathlib.Path(f"{path}.errors.csv"))
        self.assertEqual([("3", "measurement.answers.answers[0].value"), ("5", ""), ("6", "")],
                         [(error["row"], error["field"]) for error in errors])
        self.assertIn("complete_time: must be a time", errors[1]["message"])
        self.assertIn("8 cells, the heading 7", errors[2]["message"])
        self.assertFalse(pathlib.Path(f"{path}.import").exists())
        self.assertEqual("", done.get("displayName", ""))

        # What is taken out can be brought in: it is there.
        out = path.with_name("out.csv")
        taken = self.run_iptctl("measurement export", self.clinic, format="csv", to=out,
                                instrument=self.name_of("instruments", "phq-2"))
        self.assertEqual((0, ""), (taken.status, taken.out), taken.err)
        self.assertIn("17 measurements, all of revision", taken.err)
        for written in (out, pathlib.Path(f"{path}.errors.csv")):
            self.assertEqual(0o600, written.stat().st_mode & 0o777)
        exported = {line["external_id"]: line for line in self.table(out)}
        self.assertEqual(17, len(exported))
        self.assertEqual((self.course, "1", ""),
                         tuple(exported["'=form-1"][c] for c in ("course", "item.q1", "item.q2")))
        again = self.json("measurement import", self.clinic, out)
        self.assertEqual("17", again["knownRows"])
        lines = self.run_iptctl("measurement export", self.clinic).out.splitlines()
        self.assertEqual({f"=form-{n}" for n in range(1, 21)} - {"=form-3", "=form-5", "=form-6"},
                         {json.loads(line)["externalId"] for line in lines})

    def test_an_import_that_broke_off(self):
        heading = "course,instrument,complete_time,respondent,item.q1,item.q2"
        rows = [f"c1,phq-2,2025-{1 + n // 28:02}-{1 + n % 28:02}T09:00:00Z,self,{n % 4},1" for n in range(250)]
        path = self.file("broken.csv", [heading, *rows[:240], 'c1,phq-2,"2025', *rows[241:]])
        broken = self.run_iptctl("measurement import", self.clinic, path)
        self.assertEqual(1, broken.status, broken.err)
        self.assertIn("line 242", broken.err)
        self.assertIn("200 rows are dealt with; go on by --resume", broken.err)
        self.file("broken.csv", [heading, *rows])
        refused = self.run_iptctl("measurement import", self.clinic, path)
        self.assertEqual(1, refused.status)
        self.assertIn("broke off", refused.err)
        self.file("broken.csv", [heading, rows[0].replace("self", "proxy"), *rows[1:]])
        refused = self.run_iptctl("measurement import", self.clinic, path, resume=True)
        self.assertEqual(1, refused.status)
        self.assertIn("not what it was", refused.err)
        self.file("broken.csv", [heading, *rows])
        done = self.json("measurement import", self.clinic, path, resume=True)
        self.assertEqual(("250", "251"), (done["recordedRows"], done["nextRow"]))
        wrong = self.run_iptctl("measurement import", self.clinic, self.file("x.csv", ["course,itme.q1"]))
        self.assertEqual(1, wrong.status)
        self.assertIn("unknown column itme.q1", wrong.err)

    def test_reports(self):
        period = dict(first_date=f"{TODAY.year - 5}-01-01", last_date=f"{TODAY.year + 4}-12-31")
        span = "{first_date} to {last_date}".format(**period)
        self.record([2] * 8 + [0], "m1")
        self.ctl("course discontinue", self.course, reason="dropped-out")
        # It is closed in scheduling; outcomes reads of it in its own time, and says until then that some are missing.
        support.wait_until(lambda: "not all in yet" not in self.ctl("report get", self.clinic, **period).out and
                           "SMALL" in self.ctl("report csv", self.clinic, **period).out, "the closed course")
        report = self.json("report get", self.clinic, group_by="therapist", **period)
        self.assertEqual(("PERIOD_BASIS_CLOSED", 5), (report["query"]["basis"], report["query"]["smallestGroup"]))
        shown = self.ctl("report get", self.clinic, group_by="therapist", **period)
        self.assertIn(span, shown.out)
        # One course is too few, and says so.
        self.assertRegex(shown.out, r"\nAll +few +few ")
        csv = self.ctl("report csv", self.clinic, **period).out
        self.assertTrue(csv.startswith("grouping,group,display_name,section,"))
        self.assertIn(",,All,flow,,,courses,,,,,,SMALL\n", csv.replace("\r", ""))
        written = self.home / "report.html"
        self.assertEqual(f"wrote {written}\n", self.ctl("report get", self.clinic, html=written, **period).out)
        text = "\n".join(ElementTree.parse(written).getroot().itertext())
        for words in (span, "Paired data", "not shown: too few", "What the words mean"):
            self.assertIn(words, text)
        self.assertEqual([], re.findall(r"<script|<link|<img|src=|href=", written.read_text(encoding="utf-8")))
        wrong = self.run_iptctl("report csv", self.clinic, first_date="2020-01-01")
        self.assertEqual(2, wrong.status)
        self.assertIn("query.last_date", wrong.err)

    def test_the_policy(self):
        before = self.json("outcomes policy", self.clinic)
        after = self.json("outcomes set-policy", self.clinic, duplicate_minutes=60)
        self.assertEqual(60, after["duplicateMinutes"])
        self.assertNotEqual(before.get("duplicate_minutes"), after["duplicateMinutes"])

    def test_alerts(self):
        alerts = [self.record([0] * 7 + [n, 1], f"r{n}")["risks"][0]["alert"] for n in (1, 2)]
        listed = self.ctl("alert list", f"{self.clinic}/courses/-").rows()
        self.assertEqual(sorted(alerts), sorted(row["NAME"] for row in listed))
        self.assertEqual({("risk-item", "open", "q9", self.therapist_name("ana"))},
                         {(row["KIND"], row["STATE"], row["ITEM"], row["THERAPIST"]) for row in listed})
        self.assertEqual("open", self.ctl("alert get", alerts[0]).shown()["state"])
        self.ctl("alert acknowledge", alerts[0], note="calling now")
        self.ctl("alert resolve", alerts[0], "risk-assessed", note="seen today")
        self.assertEqual("resolved", self.ctl("alert get", alerts[0]).shown()["state"])
        self.assertEqual("1", self.json("alert coverage", self.clinic)["unacknowledged"])
        self.ctl("alert reopen", alerts[0], reason="resolved by mistake")
        self.ctl("alert escalate", alerts[1], desk="crisis", reason="not reached")
        self.assertEqual("crisis", self.json("alert get", alerts[1])["assignee"]["desk"])
        self.ctl("alert reassign", alerts[1], therapist=self.therapist_name("ben"), reason="on leave")
        self.assertEqual(self.therapist_name("ben"), self.json("alert get", alerts[1])["owner"]["therapist"])
        told = self.run_iptctl("alert watch", self.clinic, listener="desk", include_open=True, count=2)
        self.assertEqual((0, ""), (told.status, told.err))
        self.assertEqual(sorted(alerts), sorted(re.findall(r"\S+/alerts/\S+", told.out)))

    def test_routings(self):
        self.ctl("alert set-routing", self.clinic, json=json.dumps(dict(routing=dict(
            cover=[dict(desk="duty")], steps=[dict(after_minutes=15, to=dict(desk="crisis"))]))))
        self.assertEqual("duty", self.json("alert routing", self.clinic)["cover"][0]["desk"])
        self.ctl("alert set-routing", self.clinic, therapist=self.therapist_name("ana"), json=json.dumps(
            dict(routing=dict(cover=[dict(therapist=self.therapist_name("ben"))]))))
        self.assertEqual(1, len(self.ctl("alert routings", self.clinic, all=True).rows()))
        self.ctl("alert reset-routing", self.therapist_name("ana"))
        self.assertTrue(self.json("alert routing", self.clinic, therapist=self.therapist_name("ana"))["inherited"])

    def test_events(self):
        measurement = self.record([0] * 8 + [1], "m1")
        told = self.run_iptctl("outcomes watch", self.clinic, oldest=True, count=2)
        self.assertEqual((0, ""), (told.status, told.err))
        self.assertIn(measurement["name"], told.out)
        self.assertIn(measurement["risks"][0]["alert"], told.out)


@support.on_all(engines=("suite",), secure=(False,))
class IptctlFormulation(Runner):
    flags = ("--outcomes", "--formulation")

    def of(self, path):
        return f"{self.course}/{path}"

    def setUp(self):
        super().setUp()
        self.make_clinic()
        self.make_therapist()
        self.days = [TODAY - n * WEEK for n in range(5, 0, -1)]
        self.course = self.import_course("c1", [at(day, 10) for day in self.days]).name
        listed = self.api.ListSessions(parent=self.course).sessions
        self.sessions = [s.name for s in sorted(listed, key=lambda s: s.start_time.seconds)]
        self.formulation = self.of("formulation")
        # A copy of it is there: else scheduling is asked, which may take a second.
        support.wait_until(lambda: self.api.GetFormulation(course=self.course).scheduling.current,
                           "the course's copy")

    def assess(self):
        """A grief with what a formulation names: who died, when sleep went, an area and its goal."""
        for id_, kind, name, when in (("death", "LOSS_BY_DEATH", "Death of mother", dict(year=2024, month=3)),
                                      ("sleep", "SYMPTOM_ONSET", "Sleep went", dict(year=2024, month=4, day=20))):
            self.api.CreateLifeEvent(parent=self.course, life_event_id=id_, life_event=dict(
                kind=f"LIFE_EVENT_KIND_{kind}", display_name=name, start_date=dict(date=when)))
        self.api.CreateRelationship(parent=self.course, relationship_id="mother", relationship=dict(
            display_name="A., mother", kind="RELATIONSHIP_KIND_PARENT", status="RELATIONSHIP_STATUS_DECEASED",
            closeness_circle=1))
        self.api.CreateProblemArea(parent=self.course, problem_area_id="mum", problem_area=dict(
            kind="PROBLEM_AREA_KIND_GRIEF", display_name="Losing Mum",
            grief=dict(deceased=self.of("relationships/mother")),
            evidence=[dict(criterion="DEATH_OF_SOMEONE_CLOSE", finding="CRITERION_FINDING_PRESENT")]))
        self.api.CreateGoal(parent=self.course, goal_id="talk", goal=dict(
            description="Talk with my sister about Mum", problem_area=self.of("problemAreas/mum")))

    def agree(self):
        """On that, in the fourth session."""
        self.assess()
        etag = self.api.SaveFormulationDraft(course=self.course, content=dict(
            patient_narrative="It began when your mother died.", clinical_narrative="Delayed mourning.",
            focus=[dict(problem_area=self.of("problemAreas/mum"))], goals=[self.of("goals/talk")],
            links=[dict(symptom_event=self.of("lifeEvents/sleep"), life_event=self.of("lifeEvents/death"),
                        problem_area=self.of("problemAreas/mum"), goals=[self.of("goals/talk")])])).saved.etag
        etag = self.api.ProposeFormulation(course=self.course, etag=etag).pending.etag
        return self.api.AgreeFormulation(
            course=self.course, etag=etag, agreed_on=support.date(self.days[3]), session=self.sessions[3],
            agreed_by="AGREEMENT_PARTY_PATIENT", mode="AGREEMENT_MODE_IN_SESSION").current.etag

    def test_the_inventory(self):
        mother, sister = self.of("relationships/mother"), self.of("relationships/sister")
        self.ctl("relationship add", mother, display_name="A., mother", kind="parent", status="deceased",
                 start_date="1979", end_date="2024-03", closeness_circle=1, quality="mixed")
        added = self.ctl("relationship add", sister, display_name="M., sister", kind="sibling").shown()
        self.assertEqual((sister, "M., sister"), (added["name"], added["display name"]))
        changed = self.ctl("relationship update", sister, quality="supportive", etag=added["etag"],
                           expectation="holder=patient,text=a call a week,fulfilment=unmet")
        self.assertEqual([{"HOLDER": "patient", "TEXT": "a call a week", "FULFILMENT": "unmet"}],
                         changed.rows("expectations"))
        self.assertEqual("RELATIONSHIP_QUALITY_SUPPORTIVE", self.json("relationship get", sister)["quality"])
        self.assertEqual([(sister, "M., sister", "sibling", "supportive")],
                         [tuple(row[c] for c in ("NAME", "WHO", "KIND", "QUALITY")) for row in
                          self.ctl("relationship list", self.course, statuses="current", all=True).rows()])
        self.refused(4, "ETAG_MISMATCH", "relationship update", sister, quality="mixed", etag=added["etag"])
        self.refused(3, "RESOURCE_NOT_FOUND", "relationship get", self.of("relationships/nobody"))

        death, sleep = self.of("lifeEvents/death"), self.of("lifeEvents/sleep")
        self.ctl("life-event add", death, kind="loss-by-death", display_name="Death of mother",
                 start_date="2024-03", relationship=mother, impact=-5)
        self.ctl("life-event add", sleep, kind="symptom-onset", display_name="Sleep went", start_date="2024-04")
        self.assertEqual("about 2024-04-20", self.ctl(
            "life-event update", sleep, start_date="~2024-04-20").shown()["start date"])
        self.assertEqual(("2024-03", "-5", mother), tuple(
            self.ctl("life-event get", death).shown()[key] for key in ("start date", "impact", "relationships")))
        self.assertEqual([(sleep, "about 2024-04-20", "symptom-onset")],
                         [(row["NAME"], row["FROM"], row["KIND"]) for row in
                          self.ctl("life-event list", self.course, kind="symptom-onset", all=True).rows()])
        self.refused(2, "INVALID_FIELDS", "life-event update", death, impact=-6, fields=["life_event.impact"])

        taken = self.ctl("inventory get", self.course)
        self.assertEqual({mother, sister}, set(taken.column("NAME", "relationships")))
        self.assertEqual([death, sleep], taken.column("NAME", "life events"))
        self.assertEqual("yes", taken.shown()["scheduling.current"])
        used = self.refused(4, "RESOURCE_IN_USE", "relationship delete", mother)
        self.assertIn(f"\n  {death}: RESOURCE_IN_USE: ", used.err)
        for command, name in (("life-event delete", death), ("relationship delete", mother)):
            self.assertEqual(["revision"], list(self.ctl(command, name).shown()))
        left = self.json("inventory get", self.course)
        self.assertEqual([[sister], [sleep]], [[each["name"] for each in left[kind]]
                                               for kind in ("relationships", "lifeEvents")])

    def test_problem_areas_and_goals(self):
        mum, boss = self.of("problemAreas/mum"), self.of("problemAreas/boss")
        made = self.ctl("problem-area add", mum, kind="grief", display_name="Losing Mum", patient_severity=8, rank=1,
                        evidence=["criterion=DEATH_OF_SOMEONE_CLOSE,finding=present",
                                  "criterion=MOURNING_ABNORMAL,finding=unclear"])
        self.assertEqual([("DEATH_OF_SOMEONE_CLOSE", "present"), ("MOURNING_ABNORMAL", "unclear")],
                         [(row["CRITERION"], row["FINDING"]) for row in made.rows("evidence")])
        self.refused(2, "INVALID_FIELDS", "problem-area add", self.course, kind="grief", display_name="Dad",
                     evidence="criterion=SAD,finding=present", fields=["problem_area.evidence[0].criterion"])
        doubtful = self.ctl("problem-area add", boss, kind="role-dispute", display_name="The boss", rank=2)
        self.assertIn("dispute-without-stage", doubtful.column("CODE", "warnings"))
        changed = self.ctl("problem-area update", boss, **{"role-dispute.stage": "impasse"})
        self.assertNotIn("dispute-without-stage", changed.column("CODE", "warnings"))
        self.assertEqual("impasse", self.ctl("problem-area get", boss).shown()["role dispute.stage"])
        self.assertEqual([("1", "grief", "Losing Mum", "1", "8"), ("2", "role-dispute", "The boss", "0", "")],
                         [tuple(row[c] for c in ("RANK", "KIND", "CALLED", "CRITERIA PRESENT", "PATIENT"))
                          for row in self.ctl("problem-area list", self.course).rows()])

        talk, house = self.of("goals/talk"), self.of("goals/house")
        self.assertEqual("proposed", self.ctl("goal add", talk, description="Talk with my sister about Mum",
                                              problem_area=mum).shown()["state"])
        self.ctl("goal add", house, description="Sell the house", problem_area=boss)
        target = TODAY + WEEK
        self.assertEqual(str(target), self.ctl("goal update", talk, target_date=target).shown()["target date"])
        self.refused(4, "RESOURCE_IN_USE", "problem-area delete", boss)
        self.ctl("goal delete", house)
        self.ctl("problem-area delete", boss)
        self.assertEqual([mum], [area["name"] for area in self.json("problem-area list", self.course)["problemAreas"]])
        self.assertEqual([{"NAME": talk, "STATE": "proposed", "IN FORMULATION": "no", "RATINGS": "0", "BY": str(target),
                           "DESCRIPTION": "Talk with my sister about Mum"}],
                         self.ctl("goal list", self.course, all=True).rows())

        self.refused(4, "GOAL_STATE", "goal change-state", talk, "achieved")
        self.assertEqual(["proposed", "active"],
                         self.ctl("goal change-state", talk, "active").column("STATE", "changes"))
        self.refused(2, "INVALID_FIELDS", "goal rate", talk, 11, rater="patient", rated_on=TODAY,
                     fields=["rating.value"])
        rated = [self.ctl("goal rate", talk, value, rater=rater, rated_on=self.days[4], session=self.sessions[4])
                 .shown()["name"] for value, rater in ((6, "patient"), (4, "therapist"))]
        self.assertEqual([{"DAY": str(self.days[4]), "VALUE": "6", "RATER": "patient", "NAME": rated[0]}],
                         self.ctl("goal ratings", self.of("goals/-"), rater="patient", all=True).rows())
        self.ctl("goal delete-rating", rated[0])
        goal = self.ctl("goal get", talk).shown()
        self.assertEqual(("1", "4", None), (goal["rating count"], goal["last therapist rating.value"],
                                            goal.get("last patient rating.value")))
        worked_on = self.refused(4, "GOAL_STATE", "goal delete", talk)
        self.assertIn("\n  state: ACTIVE\n", worked_on.err)

    def test_a_formulation_from_the_draft_to_the_patients_copy(self):
        self.assess()
        self.assertEqual("none", self.ctl("formulation get", self.course).shown()["state"])
        self.refused(4, "FORMULATION_STATE", "formulation propose", self.course, '"1"')
        mum, talk = self.of("problemAreas/mum"), self.of("goals/talk")
        begun = self.ctl("formulation save", self.course, focus=f"problem-area={mum}",
                         patient_narrative="It began when your mother died.")
        self.assertEqual(["focus-without-goal", "no-link"], sorted(begun.column("CODE", "saved", "open points")))
        first = begun.shown()["saved.etag"]
        lacking = self.refused(4, "FORMULATION_INCOMPLETE", "formulation propose", self.course, first)
        self.assertIn("\n  focus[0]: FOCUS_WITHOUT_GOAL: ", lacking.err)
        self.assertIn("\n  links: NO_LINK: ", lacking.err)
        saved = self.ctl("formulation save", self.course, etag=first, goals=talk, sessions=16, weeks=16,
                         clinical_narrative="Delayed mourning.", here_and_now_focus="Your life as it is now.",
                         links=f"symptom-event={self.of('lifeEvents/sleep')},life-event={self.of('lifeEvents/death')},"
                               f"problem-area={mum},goals={talk},explanation=Sleep went when she died.")
        self.assertEqual(("16", "Delayed mourning."), (saved.shown()["saved.content.contract.sessions"],
                                                       saved.shown()["saved.content.clinical narrative"]))
        etag = saved.shown()["saved.etag"]

        # Who saves over what another saved is told, or shown both.
        stale = self.refused(4, "ETAG_MISMATCH", "formulation save", self.course, etag=first,
                             patient_narrative="Mine.")
        self.assertIn(f"\n  etag: {etag}\n", stale.err)
        both = self.ctl("formulation save", self.course, etag=first, patient_narrative="Mine.",
                        on_conflict="return-both")
        self.assertIn({"PATH": "patient_narrative", "KIND": "changed", "BEFORE": "It began when your mother died.",
                       "AFTER": "Mine."}, both.rows("conflict", "differences"))

        proposed = self.ctl("formulation propose", self.course, etag).shown()
        self.assertEqual("proposed", proposed["state"])
        withdrawn = self.ctl("formulation withdraw", self.course, proposed["pending.etag"], reason="one more goal")
        self.assertEqual(("withdrawn", "one more goal"), tuple(
            withdrawn.rows("pending", "changes")[-1][column] for column in ("KIND", "REASON")))
        proposed = self.ctl("formulation propose", self.course, withdrawn.shown()["pending.etag"])
        self.assertEqual(["Losing Mum"], proposed.column("DISPLAY NAME", "pending", "snapshot", "problem areas"))
        agreed_by = dict(agreed_on=self.days[3], agreed_by="patient", mode="in-session", session=self.sessions[3])
        agreed = self.ctl("formulation agree", self.course, proposed.shown()["pending.etag"], **agreed_by).shown()
        self.assertEqual(("agreed", "4"), (agreed["state"], agreed["current.agreement.session number"]))
        self.refused(4, "FORMULATION_STATE", "formulation agree", self.course, agreed["current.etag"], **agreed_by)
        self.assertEqual([{"COURSE": self.course, "PRIMARY": "grief", "AGREED": str(self.days[3]), "REVISION": "1",
                           "FIRST WAS": "grief"}],
                         self.ctl("formulation focuses", self.clinic, kind="grief", primary_only=True, all=True).rows())

        again = self.ctl("formulation revise", self.course, agreed["current.etag"], "focus-changed").shown()
        self.assertEqual(("focus-changed", "1"), (again["pending.reason"], again["pending.based on"]))
        draft = self.ctl("formulation save", self.course, etag=again["pending.etag"],
                         patient_narrative="It began when your mum died.").shown()["saved.etag"]
        names = [f"{self.formulation}/revisions/{id_}" for id_ in ("1", "draft")]
        self.assertEqual([{"PATH": "patient_narrative", "KIND": "changed", "BEFORE": "It began when your mother died.",
                           "AFTER": "It began when your mum died."}],
                         self.ctl("formulation diff", *names).rows("changes"))
        self.assertEqual("It began when your mum died.",
                         self.json("formulation get-revision", names[1])["content"]["patientNarrative"])
        discarded = self.json("formulation discard", self.course, draft)
        self.assertNotIn("pending", discarded)
        self.refused(3, "RESOURCE_NOT_FOUND", "formulation get-revision", names[1])
        self.assertEqual([("1", "agreed", str(self.days[3]), "patient")],
                         [tuple(row[c] for c in ("NUMBER", "STATE", "AGREED", "BY")) for row in
                          self.ctl("formulation revisions", self.course, all=True).rows()])

        copy = self.ctl("formulation patient-copy", self.course)
        self.assertEqual(("It began when your mother died.", "16"),
                         (copy.shown()["narrative"], copy.shown()["contract.sessions"]))
        self.assertEqual([{"POSITION": "primary", "HEADING": "Grief after a death", "DISPLAY NAME": "Losing Mum",
                           "GOALS": "Talk with my sister about Mum"}], copy.rows("focus"))
        self.assertNotIn("Delayed mourning", copy.out)

    def test_sessions_by_the_protocol(self):
        self.agree()
        fifth, mum = self.sessions[4], self.of("problemAreas/mum")
        guide = self.json("guide get", fifth)
        self.assertEqual((5, 11, "PHASE_MIDDLE"), tuple(
            guide["standing"][key] for key in ("sessionNumber", "sessionsLeft", "phase")))
        self.assertIn("GRIEF_EXPLORE_FEELINGS", [s["strategy"]["code"] for s in guide["focus"][0]["strategies"]])
        page = self.ctl("guide show", self.course).out
        self.assertTrue(page.startswith(f"Guide for session 5 of 16, {fifth}\n"), page)
        for words in ("\nPRIMARY FOCUS: GRIEF\n", '"Losing Mum"; not worked on yet', "(GRIEF_EXPLORE_FEELINGS)",
                      "[overdue] Sick role, due by session 4 (SICK_ROLE)", "\nMEASURES DUE\n",
                      "\nWHAT STANDS OUT\n"):
            self.assertIn(words, page)
        self.assertTrue(all(len(line) <= 100 for line in page.splitlines()[1:]), page)
        self.assertEqual(page, self.ctl("guide show", self.course, fifth.rsplit("/", 1)[1]).out)
        self.refused(3, "RESOURCE_NOT_FOUND", "guide show", self.course, "s99")

        self.refused(2, "INVALID_FIELDS", "session-work record", fifth, technique="HYPNOSIS",
                     fields=["session_work.techniques[0]"])
        self.ctl("session-work record", fifth, task=["task=SICK_ROLE,state=done", "task=TIMELINE,state=begun"],
                 technique="COMMUNICATION_ANALYSIS", tryouts_agreed="write to M.",
                 focus_work=f"problem-area={mum},strategies=GRIEF_EXPLORE_FEELINGS")
        work = self.ctl("session-work get", fifth)
        self.assertEqual([("SICK_ROLE", "done"), ("TIMELINE", "begun")],
                         [(row["TASK"], row["STATE"]) for row in work.rows("tasks")])
        self.assertEqual(("COMMUNICATION_ANALYSIS", "write to M.", "5"), tuple(
            work.shown()[key] for key in ("techniques", "tryouts agreed", "session number")))
        self.assertEqual([("5", str(self.days[4]), "middle")], [
            tuple(row[c] for c in ("NO", "DAY", "PHASE"))
            for row in self.ctl("session-work list", self.course, phase="middle", all=True).rows()])

        self.ctl("termination update", self.course, early_warning_sign=["lying awake", "no appetite"],
                 plan_step="call M.", contact="display-name=GP practice,how=in the morning", plan_given_on=TODAY)
        self.refused(4, "ETAG_MISMATCH", "termination update", self.course, gains="sleep", etag='"1"')
        ending = self.ctl("termination get", self.course)
        self.assertEqual(("lying awake, no appetite", str(TODAY)),
                         tuple(ending.shown()[key] for key in ("early warning signs", "plan given on")))
        self.assertEqual([{"DISPLAY NAME": "GP practice", "HOW": "in the morning"}], ending.rows("contacts"))

        done = self.ctl("adherence get", self.course)
        self.assertEqual(("4", "yes", "1", "5"), tuple(done.shown()[key] for key in (
            "focus agreed session number", "focus agreed in time", "sessions recorded.count", "sessions recorded.of")))
        self.assertEqual([("COMMUNICATION_ANALYSIS", "1")],
                         [(row["TECHNIQUE"], row["SESSIONS"]) for row in done.rows("techniques")])
        overdue = self.ctl("finding list", f"{self.clinic}/courses/-", least_severity="overdue", all=True).rows()
        self.assertEqual({(self.course, "overdue", "task-overdue", "4")}, {
            tuple(row[c] for c in ("COURSE", "SEVERITY", "RULE", "DUE BY SESSION")) for row in overdue})
        self.assertIn("TIMELINE", [row["TASK"] for row in overdue])
        self.assertNotIn("SICK_ROLE", [row["TASK"] for row in overdue])

        # A clinic's policy: what is looked at, and by which protocol.
        protocol = f"{self.clinic}/protocols/ipt-uk-16--ipt-uk"
        in_use = self.ctl("protocol list", self.clinic, in_use_only=True, all=True)
        self.assertIn(protocol, in_use.column("NAME"))
        said = self.ctl("protocol get", protocol)
        self.assertEqual(("IPT_UK", "2"), (said.shown()["tradition"], said.shown()["max focus areas"]))
        self.assertIn("GRIEF", said.column("CODE", "areas"))
        self.refused(2, "INVALID_FIELDS", "formulation set-policy", self.clinic, tradition="FREUD",
                     fields=["policy.tradition"])
        self.ctl("formulation set-policy", self.clinic, disabled_rules="task-overdue", focus_by_session=3)
        policy = self.ctl("formulation policy", self.clinic).shown()
        self.assertEqual(("1", "3", "task-overdue"), tuple(
            policy[key] for key in ("version", "focus by session", "disabled rules")))
        self.assertEqual("none\n", self.ctl("finding list", self.course, least_severity="overdue").out)

    def test_a_formulation_to_read(self):
        self.agree()
        shown = self.ctl("formulation show", self.course).out
        self.assertTrue(shown.startswith(f"Formulation of {self.course}\nAgreed: revision 1\n"), shown)
        for words in ('\n  Primary focus: Grief, "Losing Mum"\n', "\n    Who died: A., mother\n",
                      "[present] Someone close to the patient has died", "It began when your mother died.",
                      "Sleep went (20 Apr 2024) -> Death of mother (Mar 2024) -> Losing Mum ->",
                      "[active] Talk with my sister about Mum",
                      f"Agreed on {self.days[3]} by the patient, in session 4",
                      "[overdue] look at it: Sick role is not recorded as done"):
            self.assertIn(words, shown)
        self.assertTrue(all(len(line) <= 100 for line in shown.splitlines()), shown)
        parts = self.json("formulation show", self.course)
        self.assertEqual(("FORMULATION_STATE_AGREED", self.course), (parts["formulation"]["state"],
                                                                     parts["course"]["name"]))
        self.assertEqual([self.of("goals/talk")], [goal["name"] for goal in parts["goals"]])
        self.assertEqual([self.of("relationships/mother")], [r["name"] for r in parts["inventory"]["relationships"]])
        self.assertFalse(parts.get("missing"))

        file = self.home / "formulation.html"
        self.assertEqual(f"wrote {file}\n", self.ctl("formulation show", self.course, html=file).out)
        self.assertEqual(0o600, file.stat().st_mode & 0o777)
        page = ElementTree.parse(file).getroot()
        self.assertEqual("{http://www.w3.org/1999/xhtml}html", page.tag)
        drawings = list(page.iter("{http://www.w3.org/2000/svg}svg"))
        titles = ["".join(drawing[0].itertext()) for drawing in drawings]
        self.assertLessEqual({"Closeness circles", "Timeline"}, set(titles))
        text = "\n".join(page.itertext())
        for words in ("Losing Mum (Grief)", "A., mother (died): parent, circle 1", "symptom onset, 20 Apr 2024",
                      "It began when your mother died.", "What stands out"):
            self.assertIn(words, text)
        source = file.read_text(encoding="utf-8")
        self.assertEqual([], re.findall(r"<script|<link|<img|<iframe|src=|href=|@import|url\((?!#)", source))
        self.assertEqual({"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"},
                         set(re.findall(r"\w+://[^\s\"'<)]+", source)), "names of namespaces alone")
        self.assertNotIn("urn:mrn", source)
        unwritable = self.run_iptctl("formulation show", self.course, html=self.home / "no/such/folder.html")
        self.assertEqual((1, ""), (unwritable.status, unwritable.out))
        self.assertIn("--html: ", unwritable.err)
        self.refused(3, "RESOURCE_NOT_FOUND", "formulation show", self.course_name("nobody"))

    def test_what_is_told_of_it(self):
        self.agree()
        told = self.run_iptctl("formulation watch", self.clinic, oldest=True, count=2, course=self.course,
                               kinds=["problem-area-changed", "formulation-agreed"])
        self.assertEqual((0, ""), (told.status, told.err))
        self.assertEqual([("problem-area-changed", self.of("problemAreas/mum")),
                          ("formulation-agreed", self.formulation)],
                         [tuple(line.split()[2:4]) for line in told.out.splitlines()])
        self.assertNotIn("Mum", told.out)

        # What formulation tells of a course itself.
        self.refused(2, "INVALID_FIELDS", "reminders note-findings", self.course,
                     findings="finding-id=a b,severity=overdue,since-date=2024-07-07",
                     fields=["findings[0].finding_id"])
        noted = self.ctl("reminders note-findings", self.course,
                         findings=f"finding-id=TASK_OVERDUE:TIMELINE,severity=overdue,since-date={self.days[3]}")
        self.assertEqual(["revision"], list(noted.shown()))
        self.assertIn(("protocol-finding", "therapist"), [(row["KIND"], row["FOR"]) for row in self.ctl(
            "reminders list", self.clinic, course=self.course, all=True).rows()])


class Commands(unittest.TestCase):
    def test_every_command_is_run_here(self):
        text = pathlib.Path(__file__).read_text(encoding="utf-8")
        lines = subprocess.run([IPTCTL, "--help"], capture_output=True, text=True,
                               check=True).stdout.splitlines()
        commands = re.findall(r"^([a-z-]+) ([a-z][a-z-]*)  ", "\n".join(below(lines, "Commands:")), re.M)
        self.assertGreater(len(commands), 50)
        self.assertEqual([], [f"{noun} {verb}" for noun, verb in commands
                              if not ELSEWHERE & {noun, f"{noun} {verb}"} and f'"{noun} {verb}"' not in text])


if __name__ == "__main__":
    unittest.main()
