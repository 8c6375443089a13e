"""From a file to the archive: an export is kept in custody, and its messages are stored.

The bytes come first: they are durable and claimed before the archive's transaction begins. So
an import that is in the archive always has its file, whatever ends the process in between. A
file without an import may be left then; whoever sends it again, or rebuilds the archive from the
files, imports it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from downstream_node.chats import reading
from downstream_node.chats.apart import batches_apart
from downstream_node.chats.archive import Writing
from downstream_node.chats.batches import Batch, Ending, batches, seldom_collecting
from downstream_node.chats.feature import Chats
from downstream_node.chats.packed import unpacked
from downstream_node.chats.reading import Broken
from downstream_node.chats.records import Channel, Counts, Export, Guild
from downstream_node.chats.splitting import Splitter
from downstream_node.chats.threads import ahead
from downstream_node.custody import service as custody
from downstream_node.custody.claims import display_name
from downstream_node.custody.queries import StoredFile
from downstream_node.custody.reading import OpenFile
from downstream_node.errors import Busy, DownstreamError
from downstream_node.node import Node

SOURCE = "chats"
MEDIA_TYPE = "application/json"
FAILED = "Its import failed."
MOST_BATCHES = 8
"""Batches that are read ahead of being stored."""
LARGE = 4 << 20
"""Bytes from which a file is read by a process of its own; starting one takes a tenth of a second,
in which some megabytes are read."""
PART = re.compile(r"\[part \d+\]")
"""In the names of all files but the first of an export that the exporter wrote in parts."""

Progress = Callable[[int, int, int], None]
"""Told now and then: messages so far, bytes of the file that were read, bytes that it has."""


class Rights(NamedTuple):
    """What whoever imports into a channel may do besides; all of it for the operator."""

    names_guild: bool = True
    """A guild that the archive has takes the name that the export gives it."""
    reads_everything: bool = True
    """Is told which messages count as broken because another channel has them."""


Allowed = Callable[[Guild, Channel], Rights]
"""Raises what refuses an import into this channel."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one import did, after it was committed."""

    name: str
    sha256: bytes
    size: int
    """Bytes of the file, unpacked."""
    guild: Guild
    channel: Channel
    exported: int | None
    counts: Counts
    broken: tuple[Broken, ...]
    """The first of them; `counts.broken` says how many there are."""
    notes: tuple[str, ...]
    """What is odd about the file but was understood, in words."""


def import_export(  # noqa: PLR0913 - as its arguments say
    node: Node,
    source: Path | Iterable[bytes],
    name: str,
    *,
    mark_missing: bool = False,
    progress: Progress | None = None,
    allowed: Allowed | None = None,
) -> ImportReport:
    """Take one export file into custody and its messages into the archive, all or nothing.

    Args:
        node: the node.
        source: the file, or its bytes in pieces of any size; plain or gzip.
        name: for display.
        mark_missing: messages of the channel in the time that the export covers and that are not
            in it are marked as deleted.
        progress: called now and then.
        allowed: asked before anything is stored; None allows everything.

    Raises:
        InvalidExport: it is no export; says where.
        RequestTooLarge: it is larger than CHATS_MAX_EXPORT_SIZE.
        ArchiveUnavailable, StorageFull, StorageFailed, Busy: the node cannot take it now.
        After each of them, and whatever *source* and *allowed* raise, nothing was changed.
    """
    is_part = PART.search(name) is not None or has_parts(source)
    with take_in(node, source, name, allowed) as taken:
        if allowed is not None:
            # Again: while a slow file came in, others may have made its guild or channel known.
            taken.grant(allowed(taken.export.guild, taken.export.channel))
        return store(node, taken, mark_missing=mark_missing, is_part=is_part, progress=progress)


def has_parts(source: Path | Iterable[bytes]) -> bool:
    """Whether beside this file there is the second part of the same export."""
    if not isinstance(source, Path):
        return False
    return source.with_name(f"{source.stem} [part 2]{source.suffix}").exists()


# Into custody


class Taken:
    """An export in custody; an error that ends its block gives it up, unless it was there before.

    *is_new*: it was not in custody for this channel.
    """

    def __init__(
        self, node: Node, export: Export, file: StoredFile, name: str, *, is_new: bool
    ) -> None:
        self.export = export
        self.file = file
        self.name = name
        self.rights = Rights()
        self._node = node
        self._is_new = is_new

    def grant(self, rights: Rights) -> None:
        """Store it with these rights only."""
        self.rights = rights
        self.export = msgspec.structs.replace(self.export, names_guild=rights.names_guild)

    @property
    def is_kept(self) -> bool:
        """Whether it is in custody for its channel."""
        return is_claimed(self._node, self.file.sha256, reference_of(self.export.channel.id))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if error is None or not self._is_new:
            return
        # Once only: later the claim may be another import's of the same file.
        self._is_new = False
        # What ended the import is what is to be told.
        with suppress(DownstreamError, SQLAlchemyError, OSError):
            reference = reference_of(self.export.channel.id)
            custody.release(self._node, self.file.sha256, SOURCE, reference, FAILED)


def reference_of(channel: int) -> str:
    """What custody knows the exports of a channel by."""
    return f"channel-{channel}"


def take_in(
    node: Node, source: Path | Iterable[bytes], name: str, allowed: Allowed | None
) -> Taken:
    """Keep an export, whose root fields must make sense. Raises as `import_export`."""
    with custody.writer(node, limit=node.settings.CHATS_MAX_EXPORT_SIZE) as writing:

        def kept() -> Iterator[bytes]:
            for piece in unpacked(pieces_of(source)):
                writing.write(piece)
                yield piece

        pieces = kept()
        export = head(pieces)
        if allowed is not None:
            allowed(export.guild, export.channel)
        for _ in pieces:
            pass
        sha256, reference = writing.sha256, reference_of(export.channel.id)
        is_new = not is_claimed(node, sha256, reference)
        file = writing.finish(
            source=SOURCE,
            reference=reference,
            name=name,
            media_type=MEDIA_TYPE,
            redundancy=node.settings.CHATS_REDUNDANCY,
            visibility="private",
        )
    return Taken(node, export, file, display_name(name), is_new=is_new)


def pieces_of(source: Path | Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of *source*. Raises OSError."""
    if not isinstance(source, Path):
        yield from source
        return
    with source.open("rb") as file:
        yield from custody.pieces(file)


def head(pieces: Iterable[bytes]) -> Export:
    """Where an export comes from; reads on only until that is known. Raises InvalidExport."""
    splitter = Splitter(pieces)
    for _ in splitter:
        # The exporter writes all but the number of messages before the messages.
        if {"guild", "channel", "dateRange", "exportedAt"} <= splitter.fields.keys():
            break
    return reading.header(splitter.fields)


def is_claimed(node: Node, sha256: bytes, reference: str) -> bool:
    """Whether this file is in custody for the channel with this reference."""
    file = custody.find(node, sha256)
    return file is not None and any(
        (claim.source, claim.reference) == (SOURCE, reference) for claim in file.claims
    )


# Into the archive


def store(
    node: Node,
    taken: Taken,
    *,
    mark_missing: bool,
    is_part: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """The messages of an export in custody go into the archive, all or none."""
    archive = node.feature(Chats).archive
    now = node.wall_clock()
    with custody.open_file(node, taken.file.sha256) as file:
        source = Source(taken.export)
        opening = archive.writing(taken.export, taken.file.sha256, taken.name, now)
        # The file is given up, if it is, before the archive is free for the next import.
        reading_ahead = read_ahead(file, taken.export.channel.id)
        with opening as writing, taken, seldom_collecting(), reading_ahead as items:
            for batch in source.batches(items):
                if batch.people:
                    writing.authors(batch.people)
                if batch.messages:
                    writing.add(batch.messages)
                if progress is not None:
                    progress(batch.count, batch.offset, taken.file.size)
            notes = source.notes()
            if mark_missing:
                notes += marked(writing, source, is_part)
            counts = writing.finish(source.ending.broken)
            foreign = counts.broken - source.ending.broken
            # To others it would tell which messages there are where they may not read.
            if foreign and taken.rights.reads_everything:
                notes.append(f"{foreign} messages are in the archive already in another channel.")
            if not taken.is_kept:
                # By another import of the same file, which failed before this one began.
                raise Busy("The file was removed while it was imported. Please send it again.")
    return ImportReport(
        name=taken.name,
        sha256=taken.file.sha256,
        size=taken.file.size,
        guild=taken.export.guild,
        channel=taken.export.channel,
        exported=taken.export.exported,
        counts=counts,
        broken=tuple(source.ending.reasons),
        notes=tuple(notes),
    )


def read_ahead(file: OpenFile, channel: int) -> AbstractContextManager[Iterator[Batch | Ending]]:
    """What *file* holds, as `batches` has it, read while what came before is stored."""
    if file.size < LARGE:
        return ahead(batches(file.read(), channel), MOST_BATCHES)
    return batches_apart(file.read(), channel)


class Source:
    """The messages of an export on their way; what is told of them stands in it afterwards."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.ending = Ending()

    def batches(self, items: Iterable[Batch | Ending]) -> Iterator[Batch]:
        """All messages that can be read, the others are noted. Raises InvalidExport."""
        for item in items:
            if isinstance(item, Batch):
                yield item
            else:
                self.ending = item

    def notes(self) -> list[str]:
        """What is odd about the file but was understood."""
        return list(self.ending.notes)


def marked(writing: Writing, source: Source, is_part: bool) -> list[str]:
    """Mark what the export left out as deleted; returns what there is to say about it.

    Its date range is that of all its parts together, so a part covers only its own messages.
    """
    if source.ending.broken:
        return ["Nothing was marked as deleted, since some messages could not be read."]
    first, last = source.ending.first, source.ending.last
    if is_part:
        own = Export(source.export.guild, source.export.channel, None, None, None)
        covered = reading.covered(own, first, last)
    else:
        covered = reading.covered(source.export, first, last)
    if covered is None:
        return ["Nothing was marked as deleted: the export does not tell which time it covers."]
    writing.missing(*covered)
    return []
