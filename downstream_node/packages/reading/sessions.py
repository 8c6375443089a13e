"""Sessions of the app, from starts and ends, by the document's rules. Pure.

In time order, starts queue up. An end takes the oldest start: one over 24 hours back is dropped;
so is one within a session that was accepted before; else the two are a session. It goes on until
the queue is empty, so one end closes every open start.

The document asks whether a start lies in *any* accepted session. Starts leave the queue in time
order, and so do ends: the session accepted last began and ended last of all, so a start at or
after its beginning lies in some session exactly if it lies in this one. That makes the sort the
most expensive part.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from downstream_node.packages.reading.stamps import MINUTES_A_DAY

Mark = tuple[int, str | None]
"""A minute, and the operating system of the start of a session; None for an end."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session; times are minutes from 1970."""

    started: int
    ended: int
    device_os: str

    @property
    def minutes(self) -> int:
        """How long it was."""
        return self.ended - self.started


def sessions(marks: Iterable[Mark]) -> list[Session]:
    """The sessions of *marks*, which are in any order; those of one minute stay in theirs."""
    accepted: list[Session] = []
    waiting: deque[tuple[int, str]] = deque()
    for minute, device_os in sorted(marks, key=itemgetter(0)):
        if device_os is not None:
            waiting.append((minute, device_os))
            continue
        while waiting:
            # Never negative, as all that waits came before: the rule for that is not needed.
            started, system = waiting.popleft()
            if minute - started <= MINUTES_A_DAY and not covers(accepted, started):
                accepted.append(Session(started, minute, system))
    return accepted


def covers(accepted: list[Session], minute: int) -> bool:
    """Whether *minute* lies in one of the sessions, given that it is in time order."""
    return bool(accepted) and minute <= accepted[-1].ended
