"""Who asks, and what of the archive that opens: pure rules.

Every condition that reaches an engine is joined with `readable` of who asks, so nothing has to be
left out of an answer afterwards.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from downstream_node.chats import marks
from downstream_node.chats.query import And, Condition, Everything, Marked
from downstream_node.chats.records import Channel


@dataclass(frozen=True, slots=True)
class Scope:
    """Some guilds and channels by their ids, or everything."""

    everything: bool = False
    guilds: frozenset[int] = frozenset()
    channels: frozenset[int] = frozenset()

    def holds(self, guild: int, channel: int) -> bool:
        """Whether *channel* of *guild* is in it."""
        return self.holds_guild(guild) or channel in self.channels

    def holds_guild(self, guild: int) -> bool:
        """Whether all of *guild* is in it."""
        return self.everything or guild in self.guilds

    def with_(self, other: "Scope") -> "Scope":
        """Both together."""
        return Scope(
            self.everything or other.everything,
            self.guilds | other.guilds,
            self.channels | other.channels,
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be in it."""
        return not (self.everything or self.guilds or self.channels)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the name of a key, None without one; what may be read and imported.

    *reads* contains what everybody may read.
    """

    name: str | None
    key_hash: bytes | None
    reads: Scope
    imports: Scope


def digest(scope: Scope) -> str:
    """A text that names *scope*, another for every other."""
    parts = (scope.everything, sorted(scope.guilds), sorted(scope.channels))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def readable(scope: Scope, channels: Iterable[Channel]) -> list[Channel]:
    """Those of *channels* that *scope* opens."""
    return [one for one in channels if scope.holds(one.guild, one.id)]


def condition(scope: Scope, channels: Iterable[Channel]) -> Condition:
    """What a message has to meet to be in *scope*, where *channels* are all that there are."""
    if scope.everything:
        return Everything()
    opened = readable(scope, channels)
    return Marked(frozenset(marks.within(one.id) for one in opened))


def within(limits: Condition, wanted: Condition) -> Condition:
    """Messages that meet both: what is *wanted*, within what may be read."""
    if isinstance(limits, Everything):
        return wanted
    if isinstance(wanted, Everything):
        return limits
    return And((limits, wanted))
