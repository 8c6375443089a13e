"""Time in voice channels, from joins and leaves, by the document's rules. Pure.

The partner of a join is the first leave of that channel at or after it; a join without one, or
whose leave is over 24 hours away, is dropped. A join during an accepted session, of whichever
channel, is dropped. A leave can serve several joins.

The original walks channel by channel in the order of their ids, though its test for "during an
accepted session" takes for granted that sessions are accepted in time order; so its result
changes with the ids. Here joins of all channels are walked in time order, those of one minute in
the package's. So sessions never overlap, and the accepted session with the latest start at or
before a join is simply the last one.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from downstream_node.packages.reading.stamps import MINUTES_A_DAY


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody joined a channel; *minute* from 1970."""

    minute: int
    channel: str
    guild: str | None


@dataclass(frozen=True, slots=True)
class VoiceSession:
    """One stay in a voice channel; times are minutes from 1970."""

    channel: str
    guild: str | None
    started: int
    ended: int

    @property
    def minutes(self) -> int:
        """How long it was."""
        return self.ended - self.started


def voice_sessions(joins: Iterable[Join], leaves: Iterable[tuple[int, str]]) -> list[VoiceSession]:
    """The sessions of *joins* and *leaves* (minute and channel), which are in any order."""
    by_channel: defaultdict[str, list[int]] = defaultdict(list)
    for minute, channel in sorted(leaves):
        by_channel[channel].append(minute)
    accepted: list[VoiceSession] = []
    for join in sorted(joins, key=attrgetter("minute")):
        ended = partner(join.minute, by_channel.get(join.channel, []))
        if ended is None or (accepted and accepted[-1].ended >= join.minute):
            continue
        accepted.append(VoiceSession(join.channel, join.guild, join.minute, ended))
    return accepted


def partner(minute: int, leaves: list[int]) -> int | None:
    """The first of the sorted *leaves* at or after *minute*, if it is within 24 hours."""
    position = bisect_left(leaves, minute)
    if position == len(leaves) or leaves[position] - minute > MINUTES_A_DAY:
        return None
    return leaves[position]
