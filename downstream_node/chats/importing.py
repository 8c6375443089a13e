"""From a file to the archive: an export is kept in custody, and its messages are stored."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from downstream_node.chats.records import Channel, Counts, Guild
from downstream_node.node import Node

MOST_REASONS = 20
"""Broken messages of an import that are told with their reasons; the others are counted."""

Progress = Callable[[int, int], None]
"""Told now and then: messages stored so far, and how many the file has."""


@dataclass(frozen=True, slots=True)
class Broken:
    """One message of an export that could not be read."""

    index: int
    """Its place in the file, from 0."""
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one import did, after it was committed."""

    name: str
    sha256: bytes
    size: int
    """Bytes of the file."""
    guild: Guild
    channel: Channel
    exported: int | None
    counts: Counts
    broken: tuple[Broken, ...]
    """The first MOST_REASONS of them; `counts.broken` says how many there are."""
    notes: tuple[str, ...]
    """What is odd about the file but was understood, in words."""


def import_export(
    node: Node,
    source: Path | Iterable[bytes],
    name: str,
    *,
    mark_missing: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Take one export file into custody and its messages into the archive, all or nothing.

    Args:
        node: the node.
        source: the file, or its bytes in pieces of any size; plain or gzip.
        name: for display.
        mark_missing: messages of the channel in the time that the export covers and that are not
            in it are marked as deleted.
        progress: called now and then.

    Raises:
        InvalidExport: it is no export; says where.
        RequestTooLarge: it is larger than CHATS_MAX_EXPORT_SIZE.
        ArchiveUnavailable, StorageFull, StorageFailed, Busy: nothing was changed.
        After each of them, and whatever *source* raises, neither has anything of it.
    """
    raise NotImplementedError
