"""How often one key, or one address without a key, may ask."""

import math
from typing import Protocol

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from downstream_node import clock
from downstream_node.clock import SECOND
from downstream_node.shared import Shared

MINUTE = 60
PREFIX = "downstream:limits"


class Limiter(Protocol):
    """Counts requests."""

    def hit(self, who: str) -> int:
        """Count a request of *who*: 0 if it may go on, else how many seconds to wait."""


class NoLimit:
    """Lets everything go on."""

    def hit(self, who: str) -> int:  # noqa: ARG002 - as Limiter has it
        """0."""
        return 0


class PerMinute:
    """At most *amount* requests a minute, of each; in Redis if there is one, else in memory.

    The library keeps its own time, the system's.
    """

    def __init__(self, amount: int, shared: Shared | None) -> None:
        self.item: RateLimitItem = RateLimitItemPerMinute(amount)
        self.memory = SlidingWindowCounterRateLimiter(MemoryStorage())
        self.shared = shared
        self.redis = None if shared is None else SlidingWindowCounterRateLimiter(stored_in(shared))

    def hit(self, who: str) -> int:
        """Count a request of *who*: 0 if it may go on, else how many seconds to wait."""
        if self.shared is not None and self.redis is not None:
            redis = self.redis
            waited = self.shared.ask(lambda: self.hit_in(redis, who))
            if waited is not None:
                return waited
        return self.hit_in(self.memory, who)

    def hit_in(self, limiter: SlidingWindowCounterRateLimiter, who: str) -> int:
        """The same with one *limiter*."""
        if limiter.hit(self.item, who):
            return 0
        reset = limiter.get_window_stats(self.item, who).reset_time
        left = reset - clock.system_clock() / SECOND
        return max(1, min(MINUTE, math.ceil(left)))


def stored_in(shared: Shared) -> RedisStorage:
    """Counters in Redis, over the connections of *shared*."""
    return RedisStorage("redis://", connection_pool=shared.pool, key_prefix=PREFIX)
