"""Redis, which several processes may share, as something that may be gone at any time.

Whoever uses it has its own memory to fall back to. A Redis that does not answer is left alone for
a while, so that no request waits for it, and the log has one line when it goes and one when it is
back.
"""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from redis import ConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from downstream_node import clock
from downstream_node.errors import InvalidSettings

log = logging.getLogger(__name__)

PATIENCE = 0.25
"""Seconds to wait for Redis, to connect and to answer."""
LEFT_ALONE = 5.0
"""Seconds in which it is not asked again after it failed."""

Result = TypeVar("Result")


class Shared:
    """Redis at one address. Threads may share one."""

    def __init__(self, url: str, now: Callable[[], float] = clock.monotonic) -> None:
        try:
            # One attempt each: what Redis does not tell at once is asked of memory.
            self.pool = ConnectionPool.from_url(
                url,
                socket_timeout=PATIENCE,
                socket_connect_timeout=PATIENCE,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            # The address itself is not shown: it may contain a password.
            raise InvalidSettings(f"REDIS_URL is not the address of a Redis: {error}") from None
        self.now = now
        self.lock = threading.Lock()
        self.failed: float | None = None
        """When it failed last, until it answers again."""

    def ask(self, question: Callable[[], Result]) -> Result | None:
        """What *question* gets from Redis; None if Redis is gone."""
        if not self.may_ask():
            return None
        try:
            answer = question()
        except (RedisError, OSError) as error:
            self.note_failure(error)
            return None
        if self.failed is not None:
            self.note_answer()
        return answer

    def may_ask(self) -> bool:
        """Whether it answers, or is to be tried again: by one of those who want to."""
        if self.failed is None:
            return True
        with self.lock:
            if self.failed is None:
                return True
            if self.now() - self.failed < LEFT_ALONE:
                return False
            self.failed = self.now()
            return True

    def note_failure(self, error: Exception) -> None:
        """Leave it alone from now on."""
        with self.lock:
            first, self.failed = self.failed is None, self.now()
        if first:
            # Its text may name the address.
            kind = type(error).__name__
            log.warning("Redis does not answer (%s): going on with memory alone.", kind)

    def note_answer(self) -> None:
        """It is back."""
        with self.lock:
            was_gone, self.failed = self.failed is not None, None
        if was_gone:
            log.warning("Redis answers again.")

    def close(self) -> None:
        """Close all connections."""
        self.pool.disconnect()
