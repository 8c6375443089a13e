"""Dates as people write them in a search, as stretches of time. Pure.

Everything is UTC unless a zone is written. A date stands for all the time that it names: `2024`
for a year, `2024-04-26T10:05` for a minute.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from downstream_node.clock import SECOND, WallTime

DAY = 86_400 * SECOND
MINUTE = 60 * SECOND
YEAR_1970 = date(1970, 1, 1).toordinal()
MONTHS = 12
MILLISECOND_DIGITS = 3
FORM = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?:[Tt](?P<hour>\d\d):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?(?P<zone>[Zz]|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time: first <= t < beyond, in milliseconds since 1970."""

    first: WallTime
    beyond: WallTime


def period(text: str) -> Period | None:
    """The time that *text* names: YYYY, YYYY-MM, YYYY-MM-DD or an ISO instant; None: no date."""
    match = FORM.fullmatch(text)
    if match is None:
        return None
    try:
        return of_instant(match) if match["hour"] else of_date(match)
    except ValueError:
        return None


def of_date(match: re.Match[str]) -> Period:
    """A year, month or day. Raises ValueError where the calendar has no such date."""
    year, month, day = int(match["year"]), int(match["month"] or 1), int(match["day"] or 1)
    first = date(year, month, day).toordinal()
    if match["day"]:
        return days(first, first + 1)
    if match["month"]:
        month += 1
        return days(first, beginning_of(year + (month > MONTHS), (month - 1) % MONTHS + 1))
    return days(first, beginning_of(year + 1, 1))


def beginning_of(year: int, month: int) -> int:
    """The number of the first day of a month, also of the one after the calendar's last."""
    if year > date.max.year:
        return date.max.toordinal() + 1
    return date(year, month, 1).toordinal()


def days(first: int, beyond: int) -> Period:
    """From day *first* until day *beyond* begins, as `date.toordinal` counts."""
    return Period(
        WallTime((first - YEAR_1970) * DAY),
        WallTime((beyond - YEAR_1970) * DAY),
    )


def of_instant(match: re.Match[str]) -> Period:
    """A minute, second or millisecond, as exact as it is written. Raises ValueError."""
    moment = datetime(
        int(match["year"]),
        int(match["month"]),
        int(match["day"]),
        int(match["hour"]),
        int(match["minute"]),
        int(match["second"] or 0),
        tzinfo=zone_of(match["zone"] or "Z"),
    )
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    fraction = (match["fraction"] or "").ljust(MILLISECOND_DIGITS, "0")[:MILLISECOND_DIGITS]
    first = since // timedelta(milliseconds=1) + int(fraction)
    length = 1 if match["fraction"] else SECOND if match["second"] else MINUTE
    return Period(WallTime(first), WallTime(first + length))


def zone_of(text: str) -> timezone:
    """The zone that *text* names: Z or +HH:MM. Raises ValueError if there is none so far away."""
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(-ahead if text[0] == "-" else ahead)
