#!/usr/bin/env python3
"""What Python's zoneinfo says of local times, for comparison with ours.

Prints one line a local time: zone, local time, Unix seconds, kind (unique, skipped, repeated), by
RFC 5545's rule: a skipped time is read with the offset before the gap, a repeated one is its first
occurrence (fold=0 is both). Lines "day" give the first instant of a local day.
"""

import datetime as dt
import sys
import zoneinfo

UTC = dt.timezone.utc


def instant(local, zone):
    """Unix seconds and kind of a naive local time."""
    first = local.replace(tzinfo=zone, fold=0)
    second = local.replace(tzinfo=zone, fold=1)
    seconds = int(first.timestamp())
    back = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if back != local:
        return seconds, "skipped"
    return seconds, "repeated" if first.utcoffset() != second.utcoffset() else "unique"


def first_instant(day, zone):
    """The first second whose local day is `day`, found by bisection around UTC midnight."""
    low = int(dt.datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - 50 * 3600
    high = low + 100 * 3600
    while low + 1 < high:
        middle = (low + high) // 2
        if dt.datetime.fromtimestamp(middle, zone).date() < day:
            low = middle
        else:
            high = middle
    return high


def main():
    for name in sys.argv[1:]:
        zone = zoneinfo.ZoneInfo(name)
        # Every half hour around each clock change of five years, and every day's start.
        day = dt.date(2024, 1, 1)
        while day < dt.date(2029, 1, 1):
            start = first_instant(day, zone)
            print(name, "day", day.isoformat(), start)
            next_start = first_instant(day + dt.timedelta(days=1), zone)
            if next_start - start != 86400:
                for minute in range(-60, 1500, 10):
                    local = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=minute)
                    print(name, local.strftime("%Y-%m-%dT%H:%M:%S"), *instant(local, zone))
            day += dt.timedelta(days=1)
        # Weekly 09:00, a year from a Monday.
        for week in range(53):
            local = dt.datetime(2026, 1, 5, 9) + dt.timedelta(weeks=week)
            print(name, "weekly", local.strftime("%Y-%m-%dT%H:%M:%S"), *instant(local, zone))


if __name__ == "__main__":
    main()
