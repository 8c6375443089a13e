"""The document's rules for sessions, written down word by word: slow, and easy to believe."""

from collections.abc import Sequence

from downstream_node.packages.reading.sessions import Mark, Session
from downstream_node.packages.reading.voice import Join, VoiceSession

DAY = 24 * 60


def literal_sessions(marks: Sequence[Mark]) -> list[Session]:
    """Sessions of the app, as the specification says it."""
    queue: list[tuple[int, str]] = []
    accepted: list[Session] = []
    for minute, system in sorted(marks, key=lambda mark: mark[0]):
        if system is not None:
            queue.append((minute, system))
            continue
        while queue:
            start, start_system = queue.pop(0)
            if minute - start > DAY:
                continue
            if minute - start < 0:
                queue.insert(0, (start, start_system))
                break
            if any(one.started <= start <= one.ended for one in accepted):
                continue
            accepted.append(Session(start, minute, start_system))
    return accepted


def literal_voice(joins: Sequence[Join], leaves: Sequence[tuple[int, str]]) -> list[VoiceSession]:
    """Sessions in voice of *joins*, looked at in the order in which they are given."""
    accepted: list[VoiceSession] = []
    for join in joins:
        later = [
            minute
            for minute, channel in leaves
            if channel == join.channel and minute >= join.minute
        ]
        if not later or min(later) - join.minute > DAY:
            continue
        before = [one for one in accepted if one.started <= join.minute]
        latest = max(before, key=lambda one: one.started, default=None)
        if latest is not None and latest.ended >= join.minute:
            continue
        accepted.append(VoiceSession(join.channel, join.guild, join.minute, min(later)))
    return accepted


def in_time_order(joins: Sequence[Join]) -> list[Join]:
    """The order that we walk in."""
    return sorted(joins, key=lambda join: join.minute)


def channel_by_channel(joins: Sequence[Join]) -> list[Join]:
    """The order that the original walks in."""
    return sorted(joins, key=lambda join: (join.channel, join.minute))
