"""The challenge schedule as a pure function of time.

A contract has a start, an interval, a number of challenges n, and one mutable integer: the
last window answered, -1 at first. Window k is the k-th interval since the start; challenge k
may be answered in window k, and is due when the window ends. A contract lives while its
previous challenge is answered.
"""

from enum import Enum, auto
from typing import NamedTuple

from downstream_node.clock import Instant


class Standing(Enum):
    """What can be done with a contract now."""

    OPEN = auto()
    """The challenge of this window waits for its answer."""
    ANSWERED = auto()
    """The challenge of this window is answered; the next one comes when it is due."""
    EXHAUSTED = auto()
    """All challenges are answered; the contract ends one interval later."""
    EXPIRED = auto()
    """A challenge was not answered in time, or all of them are and the contract has ended."""


class Schedule(NamedTuple):
    """The four numbers that decide. Times in milliseconds of service time."""

    started: int
    interval: int
    challenges: int
    answered_through: int = -1

    def window(self, now: Instant) -> int:
        """The number of the window that *now* lies in; 0 begins with the contract.

        Another process may see the contract a moment before its start: that is window 0, too.
        """
        return max(0, (now - self.started) // self.interval)

    def due(self, window: int) -> Instant:
        """The first instant at which it is too late to answer the challenge of *window*."""
        return Instant(self.started + (window + 1) * self.interval)

    @property
    def expires(self) -> Instant:
        """The first instant at which the contract is dead if no further answer comes."""
        return self.due(self.answered_through + 1)


def judge(schedule: Schedule, now: Instant) -> Standing:
    """What a request that arrives at *now* finds."""
    window = schedule.window(now)
    if window > schedule.answered_through + 1:
        return Standing.EXPIRED
    if window >= schedule.challenges:
        return Standing.EXHAUSTED
    return Standing.ANSWERED if window <= schedule.answered_through else Standing.OPEN
