"""Bytes of files on their way out: none before the block that it lies in was checked."""

import hashlib
import logging
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Self

from downstream_node.custody import blocks, queries, storage
from downstream_node.custody.models import CHECK_EVERY
from downstream_node.custody.queries import Content
from downstream_node.errors import DamagedFile, InvalidRequest, UnknownFile
from downstream_node.node import Node

NO_SUCH_PART = "The file has no such part."

log = logging.getLogger(__name__)


class OpenFile:
    """A file that is open: it can be read to its end even if it is removed meanwhile."""

    def __init__(self, node: Node, content: Content, file: BinaryIO) -> None:
        self._node = node
        self._content = content
        self._file = file
        self.size = content.size
        """Bytes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def read(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """As `service.read`; any number of times, one after the other."""
        upto = checked_end(self._content, start, end)
        return noting(
            self._node, self._content, checked_pieces(self._file, self._content, start, upto)
        )

    def close(self) -> None:
        """Close it."""
        self._file.close()


def content_of(node: Node, sha256: bytes) -> Content:
    """What is needed to read the file with this hash. Raises UnknownFile."""
    content = node.database.read(lambda connection: queries.content(connection, sha256))
    if content is None:
        raise UnknownFile
    return content


def checked_end(content: Content, start: int, end: int | None) -> int:
    """Where a part ends that begins at *start*. Raises InvalidRequest if there is no such part."""
    upto = content.size if end is None else end
    if not 0 <= start <= upto <= content.size:
        raise InvalidRequest(NO_SUCH_PART)
    return upto


def verified(node: Node, content: Content, start: int, end: int) -> Iterator[bytes]:
    """`read`, of *content*, where the part is one that it has."""
    with opened(node, content) as file:
        yield from noting(node, content, checked_pieces(file, content, start, end))


def opened(node: Node, content: Content) -> BinaryIO:
    """The bytes of *content*, open. Raises UnknownFile, or DamagedFile after noting it."""
    try:
        return storage.opened(storage.root_of(node), content.sha256, content.size)
    except FileNotFoundError:
        # It may have been removed since its row was read.
        content_of(node, content.sha256)
        missing = DamagedFile(f"The file {content.sha256.hex()} is damaged: it is not on the disk.")
        note_damage(node, content, missing)
        raise missing from None
    except DamagedFile as damage:
        note_damage(node, content, damage)
        raise


def noting(node: Node, content: Content, parts: Iterator[bytes]) -> Iterator[bytes]:
    """*parts* of *content*; if it turns out to be damaged, that is noted."""
    try:
        yield from parts
    except DamagedFile as damage:
        note_damage(node, content, damage)
        raise


def note_damage(node: Node, content: Content, damage: DamagedFile) -> None:
    """Write down that *content* is damaged, for the operator. It is checked again as any file."""
    log.error("%s", damage)
    now = node.wall_clock()
    node.database.write(
        lambda connection: queries.note_damaged(connection, content, now, now + CHECK_EVERY)
    )


def checked_pieces(file: BinaryIO, content: Content, start: int, end: int) -> Iterator[bytes]:
    """The bytes from *start* up to *end* of *file*, none before its block was checked.

    Raises DamagedFile.
    """
    whole = hashlib.sha256() if (start, end) == (0, content.size) else None
    for part in blocks.parts(start, end):
        data = checked_block(file, content, part.number)
        if whole is not None:
            whole.update(data)
            is_last = part.number == blocks.count(content.size) - 1
            if is_last and whole.digest() != content.sha256:
                raise DamagedFile(f"The file {content.sha256.hex()} is damaged: its hash is wrong.")
        yield data if len(data) == part.last - part.first else data[part.first : part.last]


def checked_block(file: BinaryIO, content: Content, number: int) -> bytes:
    """One block of *file*. Raises DamagedFile unless its hash is that of *content*'s list."""
    name = content.sha256.hex()
    try:
        data = storage.read_block(file, number)
    except OSError as error:
        raise DamagedFile(f"The file {name} cannot be read: {error.strerror}.") from error
    if blocks.digest(data) != blocks.hash_of(content.blocks, number):
        raise DamagedFile(f"The file {name} is damaged: block {number} is wrong.")
    return data
