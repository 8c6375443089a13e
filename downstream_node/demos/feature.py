"""What recordings keep in memory while the node runs: how often one may ask, and the streams."""

from functools import cached_property

from downstream_node.demos.streamer import Streamer
from downstream_node.limiting import Limiter, NoLimit, PerMinute
from downstream_node.node import Node
from downstream_node.shared import Shared


class Demos:
    """The part that `node.feature(Demos)` gives."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.started = node.wall_clock()

    @cached_property
    def shared(self) -> Shared | None:
        """Redis, if there is one. Raises InvalidSettings."""
        url = self._node.settings.REDIS_URL
        return Shared(url) if url else None

    @cached_property
    def requests(self) -> Limiter:
        """How often one may ask."""
        amount = self._node.settings.DEMOS_RATE_LIMIT
        return PerMinute(amount, self.shared) if amount else NoLimit()

    @cached_property
    def streamer(self) -> Streamer:
        """The streams of this process; its thread starts with the first one."""
        return Streamer(self._node)

    def close(self) -> None:
        """End the streams, with all they brought on the disk; close the connections to Redis."""
        if "streamer" in self.__dict__:
            self.streamer.close()
        if "shared" in self.__dict__ and self.shared is not None:
            self.shared.close()
