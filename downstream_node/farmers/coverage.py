"""Uptime as two numbers a farmer.

A contract covers nothing until its first accepted answer, which covers [now, expiry]; every
later answer covers [former expiry, new expiry]. What is alive covers everything from now to
its expiry, so the union of all contracts' coverage is kept by adding what lies beyond
`covered_until`, in constant time per batch of answers.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate

from downstream_node.clock import Instant

NEVER = Instant(0)
"""Before all instants."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a farmer's answers have covered so far, in milliseconds of service time."""

    first_answer: Instant | None = None
    covered: int = 0
    covered_until: Instant = NEVER
    stretch_began: Instant | None = None
    """Since when coverage up to *covered_until* has no gap."""

    def extended(self, now: Instant, expires: Instant) -> "Coverage":
        """After answers accepted at *now*, the longest-lived of which expires at *expires*."""
        added = max(0, expires - max(self.covered_until, now))
        return replace(
            self,
            first_answer=now if self.first_answer is None else self.first_answer,
            covered=self.covered + added,
            covered_until=max(self.covered_until, expires),
            stretch_began=now if self.has_gap(now) else self.stretch_began,
        )

    def has_gap(self, now: Instant) -> bool:
        """Whether an answer accepted at *now* leaves a gap behind it, or is the first."""
        return now > self.covered_until

    def online(self, now: Instant) -> bool:
        """Whether some contract that has been answered is alive at *now*."""
        return self.covered_until > now

    def uptime(self, now: Instant) -> float:
        """Covered part of the time since the first accepted answer, in per cent."""
        if self.first_answer is None:
            return 0.0
        if now <= self.first_answer:
            return 100.0
        past = self.covered - max(0, self.covered_until - now)
        return 100.0 * past / (now - self.first_answer)


class Timeline:
    """Stretches of coverage, to ask how much of any period they cover."""

    def __init__(self, stretches: Iterable[tuple[int, int]]) -> None:
        """*stretches* as (began, ended), which do not overlap, in any order."""
        ordered = sorted(stretches)
        self._begins = [began for began, _ in ordered]
        self._ends = [ended for _, ended in ordered]
        self._before = list(accumulate((end - begin for begin, end in ordered), initial=0))

    def covered(self, begin: int, end: int) -> int:
        """Milliseconds of the period from *begin* to *end* that are covered."""
        return self._until(end) - self._until(begin) if end > begin else 0

    def _until(self, instant: int) -> int:
        index = bisect_right(self._begins, instant)
        if not index:
            return 0
        beyond = max(0, self._ends[index - 1] - instant)
        return self._before[index] - beyond
