"""The parts of one running node, put together by `app.create_app`.

Services take a `Node` and use what they need of it; nothing reaches for global state.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from downstream_node.clock import WallClock
from downstream_node.database import Database
from downstream_node.entropy import Keys
from downstream_node.geo import Locator
from downstream_node.heartbeat.registry import make_scheme
from downstream_node.heartbeat.scheme import Scheme
from downstream_node.service_time import ServiceClock
from downstream_node.settings import Settings


class Feature(Protocol):
    """What a feature keeps open as long as the node runs."""

    def close(self) -> None:
        """Close it."""


Kind = TypeVar("Kind", bound=Feature)


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node: settings, secrets, database, clocks, and where IP addresses are.

    Features that keep more open than the database put it into *features* under its type; the
    node itself does not know them.
    """

    settings: Settings
    keys: Keys
    database: Database
    clock: ServiceClock
    wall_clock: WallClock
    locator: Locator
    features: dict[type[Any], Any] = field(default_factory=dict, compare=False, repr=False)

    def feature(self, kind: type[Kind]) -> Kind:
        """What `app.build` put there for the feature that has this type."""
        found: Kind = self.features[kind]
        return found

    def close(self) -> None:
        """Close what the features keep open, and all connections to the database."""
        for feature in self.features.values():
            feature.close()
        self.database.dispose()

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
