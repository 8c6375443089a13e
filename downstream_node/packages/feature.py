"""What packages keep in memory while the node runs: how often one may ask, and who listens."""

import threading
from functools import cached_property

from downstream_node.errors import PackageRefused
from downstream_node.limiting import Limiter, NoLimit, PerMinute
from downstream_node.packages.links import Origin, allowed_origins
from downstream_node.packages.states import Code
from downstream_node.settings import Settings
from downstream_node.shared import Shared


class Packages:
    """The part that `node.feature(Packages)` gives. Raises InvalidSettings."""

    def __init__(self, values: Settings) -> None:
        self.allowed: frozenset[Origin] = allowed_origins(values.PACKAGES_ALLOWED_HOSTS)
        self.streams = threading.BoundedSemaphore(max(1, values.PACKAGES_STREAMS))
        """Taken by each stream of live progress. With a setting of 0 there is none."""
        self._values = values

    @cached_property
    def shared(self) -> Shared | None:
        """Redis, if there is one. Raises InvalidSettings."""
        url = self._values.REDIS_URL
        return Shared(url) if url else None

    @cached_property
    def submissions(self) -> Limiter:
        """How often packages may be submitted."""
        return self._per_minute(self._values.PACKAGES_SUBMIT_LIMIT)

    @cached_property
    def questions(self) -> Limiter:
        """How often may be asked for them."""
        return self._per_minute(self._values.PACKAGES_RATE_LIMIT)

    def _per_minute(self, amount: int) -> Limiter:
        return PerMinute(amount, self.shared) if amount else NoLimit()

    def listen(self) -> None:
        """Take a stream; give it back with `streams.release`. Raises PackageRefused."""
        if not self._values.PACKAGES_STREAMS or not self.streams.acquire(blocking=False):
            raise PackageRefused(
                Code.TOO_MANY_STREAMS, "Too many listen at once: ask for the status instead."
            )

    def close(self) -> None:
        """Close the connections to Redis."""
        if "shared" in self.__dict__ and self.shared is not None:
            self.shared.close()
