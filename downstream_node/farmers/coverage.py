"""Uptime as two numbers a farmer.

A contract covers nothing until its first accepted answer, which covers [now, expiry]; every
later answer covers [former expiry, new expiry]. What is alive covers everything from now to
its expiry, so the union of all contracts' coverage is kept by adding what lies beyond
`covered_until`, in constant time per batch of answers.
"""

from dataclasses import dataclass, replace

from downstream_node.clock import Instant

NEVER = Instant(0)
"""Before all instants."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a farmer's answers have covered so far, in milliseconds of service time."""

    first_answer: Instant | None = None
    covered: int = 0
    covered_until: Instant = NEVER

    def extended(self, now: Instant, expires: Instant) -> "Coverage":
        """After answers accepted at *now*, the longest-lived of which expires at *expires*."""
        added = max(0, expires - max(self.covered_until, now))
        return replace(
            self,
            first_answer=now if self.first_answer is None else self.first_answer,
            covered=self.covered + added,
            covered_until=max(self.covered_until, expires),
        )

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
