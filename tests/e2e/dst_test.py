#!/usr/bin/python3
"""A weekly 09:00 course keeps 09:00 across both changes of the clocks, in three zones (one with a change
of half an hour), as planned and booked by the server and as Python's zoneinfo computes it."""

import datetime
import unittest
import zoneinfo

import support  # first: it makes the generated stubs importable
from support import at, date, day_of, instant, next_weekday, ts

DAY = datetime.timedelta(days=1)
WEEK = 7 * DAY
TODAY = support.today()


def changes(zone):
    """The next two days on which clocks change, one of each kind."""
    offset = lambda day: datetime.datetime(  # noqa: E731
        day.year, day.month, day.day, 12, tzinfo=zone).utcoffset()
    days = []
    day = TODAY + 8 * WEEK
    while len(days) < 2:
        if offset(day) != offset(day - DAY):
            days.append(day)
        day += DAY
    assert (offset(days[0]) > offset(days[0] - DAY)) != (offset(days[1]) > offset(days[1] - DAY))
    return days


@support.on_all(secure=(False,))
class Dst:
    def check_zone(self, name):
        zone = zoneinfo.ZoneInfo(name)
        self.make_clinic(time_zone=name)
        self.make_therapist(working_hours=[dict(day=3, start=dict(hours=9), end=dict(hours=10))])
        for i, change in enumerate(changes(zone)):
            first = next_weekday(2, change - 8 * WEEK)
            expected = [at(first + week * WEEK, 9, zone=zone) for week in range(16)]
            # Otherwise the change lies outside the course, and nothing is shown.
            self.assertEqual(2, len({local.astimezone(zone).utcoffset() for local in expected}))

            course = self.make_course(f"c{i}")
            plan = self.api.PlanCourse(name=course.name, earliest_time=ts(at(first, 0, zone=zone)))
            self.assertEqual(expected, [instant(s.start_time) for s in plan.sessions])
            self.assertEqual({1}, {s.verdict for s in plan.sessions})
            booked = self.api.BookPlan(name=course.name, slots=[
                dict(start_time=s.start_time) for s in plan.sessions])
            self.assertEqual(expected, [instant(s.start_time) for s in booked.sessions])
            self.assertEqual({(9, 0)}, {(s.local_time.hours, s.local_time.minutes)
                                        for s in booked.sessions})
            self.assertEqual([first + week * WEEK for week in range(16)],
                             [day_of(s.local_date) for s in booked.sessions])
            self.assertEqual(list(range(1, 17)), [s.week_number for s in booked.sessions])
            deadline = first + 111 * DAY
            self.assertEqual(deadline, day_of(booked.course.progress.deadline_date))
            self.assertEqual(at(deadline + DAY, 0, zone=zone),
                             instant(booked.course.progress.deadline_time))

            # All by two days and half an hour: the wall clock again, not the hours between.
            moved = self.api.RescheduleSession(
                name=booked.sessions[0].name, scope=2,
                start_time=ts(at(first + 2 * DAY, 9, 30, zone=zone)),
                override=dict(outside_availability=True, reason="agreed"))
            self.assertEqual([at(first + 2 * DAY + week * WEEK, 9, 30, zone=zone)
                              for week in range(16)], [instant(s.start_time) for s in moved.sessions])

            # The therapist's own day follows the wall clock as well.
            day = next_weekday(2, change)
            calendar = self.api.GetTherapistCalendar(name=course.therapist, first_day=date(day), days=1)
            self.assertEqual([(at(day, 9, zone=zone), at(day, 10, zone=zone))],
                             [(instant(span.start_time), instant(span.end_time))
                              for span in calendar.available])

    def test_london(self):
        self.check_zone("Europe/London")

    def test_new_york(self):
        self.check_zone("America/New_York")

    def test_lord_howe(self):
        self.check_zone("Australia/Lord_Howe")


if __name__ == "__main__":
    unittest.main()
