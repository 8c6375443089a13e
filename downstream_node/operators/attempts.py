"""How often a client may show a wrong key: counted in memory, per process."""

from collections import OrderedDict
from threading import Lock

from downstream_node.clock import SECOND, WallTime

MOST_FAILURES = 10
PER = 60 * SECOND
MOST_CLIENTS = 1000
"""Clients that are remembered; beyond that, the one heard of least recently is forgotten."""


class Attempts:
    """Failed tries of the last minute, by client. Threads may share one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures: OrderedDict[str, list[WallTime]] = OrderedDict()

    def begin(self, client: str, now: WallTime) -> int:
        """Seconds that *client* has to wait before it may try; 0: it tries now.

        The try counts as failed until `succeeded` is called, so that tries at the same time do
        not slip through together.
        """
        with self._lock:
            recent = [at for at in self._failures.pop(client, []) if 0 <= now - at < PER]
            self._failures[client] = recent
            if len(recent) >= MOST_FAILURES:
                return -((now - recent[0] - PER) // SECOND)
            recent.append(now)
            if len(self._failures) > MOST_CLIENTS:
                self._failures.popitem(last=False)
            return 0

    def succeeded(self, client: str) -> None:
        """Forget the failures of *client*."""
        with self._lock:
            self._failures.pop(client, None)
