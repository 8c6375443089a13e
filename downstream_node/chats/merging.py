"""What becomes of a message that is imported, beside what is stored of it. Pure.

All engines ask here, so that an archive holds the same in whatever order exports come in.
"""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from downstream_node.chats.places import Place
from downstream_node.chats.records import Message


class Known(NamedTuple):
    """What has to be known of a stored message to decide.

    *exported* is when the export was made that its text comes from, *deleted* when the one was
    made that no longer had it.
    """

    id: int
    channel: int
    fingerprint: int
    edited: int | None
    exported: int
    deleted: int | None


class Fate(Enum):
    """What becomes of a message."""

    NEW = "new"
    """It is stored."""
    UNCHANGED = "unchanged"
    """It is as it is stored."""
    CHANGED = "changed"
    """It takes the place of what is stored, whose text becomes a revision if it is another."""
    OLDER = "older"
    """What is stored is later; its text becomes a revision if nobody knows it yet."""
    FOREIGN = "foreign"
    """Another message has its place, or the same one in another channel: it counts as broken.

    Nobody who may import into one channel changes another by it.
    """


def moment_of(exported: int | None, now: int) -> int:
    """When an export was made (ms since 1970); one that does not say, when it is imported.

    One that says that it comes from the future is made now: it would win over all that follow.
    """
    return now if exported is None else min(exported, now)


def decide(message: Message, known: Known | None, moment: int) -> Fate:
    """What becomes of *message* out of an export made at *moment*.

    A later edit wins. Of the same edit, the later export wins: reactions and pins change without
    one. At the same moment the first wins, so that a file changes nothing when it comes again.
    """
    if known is None:
        return Fate.NEW
    if (known.id, known.channel) != (message.id, message.channel):
        return Fate.FOREIGN
    if known.fingerprint == message.fingerprint:
        return Fate.UNCHANGED
    # Never edited is before every edit.
    stored = (known.edited is not None, known.edited or 0, known.exported)
    given = (message.edited is not None, message.edited or 0, moment)
    return Fate.CHANGED if given > stored else Fate.OLDER


def is_restored(known: Known, moment: int) -> bool:
    """Whether a message that was deleted is there again, in an export made at *moment*.

    An export from before it was deleted had it of course.
    """
    return known.deleted is not None and moment > known.deleted


def is_missed(known: Known, moment: int) -> bool:
    """Whether a message that an export made at *moment* does not have is now deleted."""
    return known.deleted is None and moment > known.exported


def distinct(batch: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """*batch* cut, so that no part has a place twice: the second is decided after the first."""
    if len({message.place for message in batch}) == len(batch):
        yield batch
        return
    part: dict[Place, Message] = {}
    for message in batch:
        if message.place in part:
            yield list(part.values())
            part = {}
        part[message.place] = message
    yield list(part.values())
