"""Times as packages write them, in UTC whatever the machine's zone. Pure.

Analytics put quotes inside the text ('"2021-06-01T08:30:59.123Z"'), messages write
"2021-06-01 08:30:59", in CSV with "+00:00" behind it. Seconds are cut, as the document says.
A stamp that names another zone is converted; one that names none is UTC.
"""

import re
from datetime import UTC, date, datetime
from functools import lru_cache

STAMP = re.compile(
    r'"?(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|\+00:?00| UTC)?"?', re.ASCII
)
EPOCH = date(1970, 1, 1).toordinal()
FIRST = date.min.toordinal() - EPOCH
LAST = date.max.toordinal() - EPOCH
HOURS = 24
MINUTES = 60
MINUTES_A_DAY = HOURS * MINUTES


def minute_of(stamp: str) -> int:
    """The minute of *stamp*, counted from 1970 UTC. Raises ValueError."""
    found = STAMP.fullmatch(stamp)
    if not found:
        return minute_elsewhere(stamp)
    day, hour, minute = found.groups()
    in_hours, in_minutes = int(hour), int(minute)
    if in_hours >= HOURS or in_minutes >= MINUTES:
        raise ValueError(stamp)
    return day_number(day) * MINUTES_A_DAY + in_hours * MINUTES + in_minutes


def minute_elsewhere(stamp: str) -> int:
    """The minute of a *stamp* in any other form of ISO 8601. Raises ValueError."""
    when = datetime.fromisoformat(stamp.strip('"'))
    aware = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    # Counted without a conversion to UTC, which overflows in the first and the last year.
    offset = aware.utcoffset()
    seconds = (aware.hour * MINUTES + aware.minute) * MINUTES + aware.second
    seconds -= int(offset.total_seconds()) if offset else 0
    minute = (aware.toordinal() - EPOCH) * MINUTES_A_DAY + seconds // MINUTES
    if not FIRST <= minute // MINUTES_A_DAY <= LAST:
        raise ValueError(stamp)
    return minute


@lru_cache(maxsize=1 << 14)
def day_number(day: str) -> int:
    """The number of the *day* "YYYY-MM-DD", counted from 1970. Raises ValueError."""
    return date.fromisoformat(day).toordinal() - EPOCH


@lru_cache(maxsize=1 << 14)
def day_text(day: int) -> str:
    """The day of this number as "YYYY-MM-DD"; raises ValueError outside the years 1 to 9999."""
    return date.fromordinal(day + EPOCH).isoformat()


def seconds_text(minute: int) -> str:
    """*minute* as the document writes times: seconds since 1970 with one decimal, as text."""
    return f"{minute * MINUTES}.0"
