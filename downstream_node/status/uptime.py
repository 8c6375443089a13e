"""Uptime of one farmer in periods of the calendar.

    uptime = 100 * covered / expected

What is expected of a farmer in a period is the time since its first accepted answer, less the
time in which the node itself was down. Coverage is kept in service time, which does not contain
such outages; so expected is just the length of the period in service time.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Row

from downstream_node.clock import SECOND, Instant, WallTime, calendar
from downstream_node.farmers.coverage import Coverage, Timeline
from downstream_node.farmers.history import DAY
from downstream_node.service_time import ServiceClock
from downstream_node.status import reports
from downstream_node.status.network import HOUR


class Period(NamedTuple):
    """A period of the calendar, and when it began and ended in service time."""

    wall: WallTime
    wall_end: WallTime
    begin: Instant
    end: Instant

    @property
    def seconds(self) -> float:
        """Its length on the calendar."""
        return (self.wall_end - self.wall) / SECOND


class Measured(NamedTuple):
    """Seconds of a period."""

    expected: float
    covered: float
    node_down: float

    @property
    def uptime(self) -> float | None:
        """Per cent; None where nothing was expected."""
        return 100.0 * self.covered / self.expected if self.expected else None


class Periods:
    """Periods that end now, or are part of the calendar."""

    WINDOWS: ClassVar[dict[reports.WindowName, int]] = {
        "24h": DAY,
        "7d": 7 * DAY,
        "30d": 30 * DAY,
    }

    def __init__(self, clock: ServiceClock) -> None:
        self._clock = clock
        self.now = clock.now()
        self.wall = clock.to_wall(self.now)

    def between(self, wall: int, wall_end: int) -> Period:
        """The period between two wall times; what lies ahead of now is cut off."""
        end = WallTime(min(wall_end, self.wall))
        to_instant = self._clock.to_instant
        return Period(WallTime(wall), end, to_instant(wall), min(to_instant(end), self.now))

    def hours(self, count: int) -> list[Period]:
        """The last *count* hours of the calendar, oldest first; the last one goes on."""
        return self._units(HOUR, count)

    def days(self, count: int) -> list[Period]:
        """The last *count* UTC days, oldest first; the last one is today."""
        return self._units(DAY, count)

    def _units(self, length: int, count: int) -> list[Period]:
        current = self.wall // length
        numbers = range(current - count + 1, current + 1)
        return [self.between(number * length, (number + 1) * length) for number in numbers]

    def measure(self, timeline: Timeline, first: int | None, period: Period) -> Measured:
        """What a farmer that answered first at *first* covered of *period*."""
        if first is None or first >= period.end:
            return Measured(0.0, 0.0, 0.0)
        begin = max(period.begin, first)
        expected = period.end - begin
        wall = max(period.wall, self._clock.to_wall(first))
        down = max(0, period.wall_end - wall - expected)
        return Measured(
            expected / SECOND, timeline.covered(begin, period.end) / SECOND, down / SECOND
        )

    def window(
        self, timeline: Timeline, first: int | None, name: reports.WindowName, length: int
    ) -> reports.Window:
        """Uptime in the last *length* milliseconds of the calendar."""
        period = self.between(self.wall - length, self.wall)
        return self._window(name, self.measure(timeline, first, period), period.wall, first)

    def life(self, coverage: Coverage) -> reports.Window:
        """Uptime since the first accepted answer, from the two numbers that are kept of it."""
        first = coverage.first_answer
        if first is None or first >= self.now:
            return self._window("life", Measured(0.0, 0.0, 0.0), self.wall, None)
        expected = self.now - first
        covered = coverage.covered - max(0, coverage.covered_until - self.now)
        down = self.wall - self._clock.to_wall(first) - expected
        measured = Measured(expected / SECOND, covered / SECOND, max(0, down) / SECOND)
        return self._window("life", measured, self._clock.to_wall(first), first)

    def _window(
        self, name: reports.WindowName, measured: Measured, wall: WallTime, first: int | None
    ) -> reports.Window:
        begin = wall if first is None else max(wall, self._clock.to_wall(first))
        return reports.Window(
            name=name,
            begin=calendar(WallTime(begin)),
            expected=measured.expected,
            covered=measured.covered,
            node_down=measured.node_down,
            uptime=measured.uptime,
        )

    def daily(
        self,
        timeline: Timeline,
        row: Row[Any],
        heartbeats: dict[int, int],
        days: Sequence[Period],
    ) -> list[reports.Day]:
        """*days* of the farmer of *row*, with its heartbeats by day."""
        joined = self._clock.to_wall(row.joined) // DAY
        found = []
        for period in days:
            measured = self.measure(timeline, row.first_answer, period)
            number = period.wall // DAY
            found.append(
                reports.Day(
                    date=calendar(period.wall).date(),
                    heartbeats=heartbeats.get(number, 0) if number >= joined else None,
                    expected=measured.expected,
                    covered=measured.covered,
                    node_down=measured.node_down,
                    uptime=measured.uptime,
                )
            )
        return found
