"""The only callers of the system time.

Wall time is what calendars show. Everything that the node decides runs on *service time*
(`service_time.py`); an `Instant` is one moment of it.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NewType

Instant = NewType("Instant", int)
"""Milliseconds of service time. Differences are durations in milliseconds."""

WallTime = NewType("WallTime", int)
"""Milliseconds since 1970-01-01 UTC on the machine's clock."""

WallClock = Callable[[], WallTime]

SECOND = 1000
"""One second in the unit of `Instant` and `WallTime`."""


def system_clock() -> WallTime:
    """The wall time now."""
    return WallTime(time.time_ns() // 1_000_000)


def monotonic() -> float:
    """Seconds on a clock that only ever runs forward; for measuring and waiting."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def calendar(wall: WallTime) -> datetime:
    """*wall* as an aware UTC date."""
    return datetime.fromtimestamp(wall / SECOND, tz=UTC)


def iso(wall: WallTime) -> str:
    """*wall* as ISO 8601 UTC with whole seconds, like 2026-11-22T01:44:00Z."""
    return calendar(wall).strftime("%Y-%m-%dT%H:%M:%SZ")
