"""The parts of one running node, put together by `app.create_app`.

Services take a `Node` and use what they need of it; nothing reaches for global state.
"""

from dataclasses import dataclass
from functools import lru_cache

from downstream_node.clock import WallClock
from downstream_node.database import Database
from downstream_node.entropy import Keys
from downstream_node.geo import Locator
from downstream_node.heartbeat.registry import make_scheme
from downstream_node.heartbeat.scheme import Scheme
from downstream_node.service_time import ServiceClock
from downstream_node.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node: settings, secrets, database, clocks, and where IP addresses are."""

    settings: Settings
    keys: Keys
    database: Database
    clock: ServiceClock
    wall_clock: WallClock
    locator: Locator

    @property
    def scheme(self) -> Scheme:
        """The scheme of new contracts."""
        return self.scheme_of(self.settings.HEARTBEAT_SCHEME, self.settings.HEARTBEAT_CHALLENGES)

    def scheme_of(self, name: str, challenges: int) -> Scheme:
        """The scheme of a contract that has this number of challenges."""
        return scheme_for(name, self.settings.HEARTBEAT_CHECK_FRACTION, challenges)


@lru_cache(maxsize=16)
def scheme_for(name: str, check_fraction: float, challenges: int) -> Scheme:
    """One object for each scheme with its parameters."""
    return make_scheme(name, check_fraction, challenges)
