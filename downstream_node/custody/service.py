"""Taking files in, giving them out, letting them go: what the other parts of the node may ask.

Bytes are durable before a row says so, and a row says that a file is gone before its bytes go.
Whoever moves bytes to or from their name has the row locked, so an acknowledged claim always has
its bytes. Hashes are 32 bytes, sizes and positions bytes, times wall time in milliseconds.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from downstream_node.clock import SECOND
from downstream_node.custody import blocks, claims, queries, storage
from downstream_node.custody.blocks import BLOCK, LARGEST_FILE, Hasher
from downstream_node.custody.claims import Claim, Visibility
from downstream_node.custody.models import REASON
from downstream_node.custody.queries import Content, StoredFile
from downstream_node.errors import (
    Busy,
    DamagedFile,
    DownstreamError,
    InvalidRequest,
    RequestTooLarge,
    UnexpectedContent,
    UnknownFile,
)
from downstream_node.node import Node

log = logging.getLogger(__name__)

DAY = 86_400 * SECOND
CHECK_EVERY = 14 * DAY
"""A file is due for a check this long after it came or was last checked."""
SHORTEST_PREFIX = 8
DIGITS = 64
MOST_LISTED = 1000


def root_of(node: Node) -> Path:
    """The folder of the files."""
    return Path(node.settings.FILES_PATH)


# Taking in


def take_in(  # noqa: PLR0913 - as many things are said of a file, all by keyword
    node: Node,
    stream: Iterable[bytes],
    *,
    source: str,
    reference: str,
    name: str,
    media_type: str,
    redundancy: int,
    visibility: Visibility,
    expected_sha256: bytes | None = None,
    limit: int | None = None,
) -> StoredFile:
    """Keep the bytes of *stream*, claimed by *source* for what *reference* names.

    When it returns, the bytes and the claim are durable. The same content again, by the same
    source and reference, updates the claim; by others it adds one. What was removed is there again.

    Args:
        stream: bytes in pieces of any size (`pieces` makes them of a file); read once.
        source: the claiming part: a short word of a-z, 0-9 and dashes.
        reference: the part's own key, up to 200 characters of printable ASCII.
        name: for display; made fit for it, see `claims.display_name`.
        media_type: like "text/plain; charset=utf-8".
        redundancy: copies wanted with farmers, 0 for none.
        visibility: "public": anybody who knows the hash may fetch it, under *name*.
        expected_sha256: refuse other content.
        limit: refuse more bytes.

    Raises:
        InvalidFile: what is said of the file is malformed.
        UnexpectedContent: the content has another hash than *expected_sha256*.
        RequestTooLarge: the stream has more than *limit* bytes, or than LARGEST_FILE.
        StorageFull, StorageFailed: the disk does not take it.
        Busy: the database does not take it.
        After each of them, and whatever *stream* raises, nothing is kept.
    """
    claim = claims.checked(
        Claim(
            source=source,
            reference=reference,
            name=name,
            media_type=media_type,
            redundancy=redundancy,
            visibility=visibility,
        )
    )
    with writer(node, limit=limit) as writing:
        for piece in stream:
            writing.write(piece)
        return writing.keep(claim, expected_sha256)


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """What is in *file* from where it stands, in pieces of up to 1 MiB."""
    while piece := file.read(BLOCK):
        yield piece


def writer(node: Node, *, limit: int | None = None) -> "Writer":
    """For callers whose bytes arrive over time: write, then finish, in a `with` statement.

        with writer(node, limit=...) as writing:
            writing.write(data)
            stored = writing.finish(source=..., reference=..., ...)

    Left without `finish`, nothing is kept. It may take hours; what a process leaves that dies
    meanwhile is deleted a day later. Raises StorageFull, StorageFailed.
    """
    return Writer(node, limit)


class Writer:
    """A file that is being written; for one thread at a time."""

    def __init__(self, node: Node, limit: int | None = None) -> None:
        self._node = node
        self._limit = LARGEST_FILE if limit is None else min(limit, LARGEST_FILE)
        self._hasher = Hasher()
        self._incoming = storage.Incoming(root_of(node))
        self._finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._hasher.size

    @property
    def sha256(self) -> bytes:
        """The hash of what is written so far."""
        return self._hasher.whole

    def write(self, data: bytes) -> None:
        """Append *data*. Raises RequestTooLarge, StorageFull, StorageFailed."""
        if self.size + len(data) > self._limit:
            raise RequestTooLarge(f"The file is larger than {self._limit} bytes.")
        self._incoming.write(data)
        self._hasher.update(data)

    def finish(  # noqa: PLR0913 - as `take_in`
        self,
        *,
        source: str,
        reference: str,
        name: str,
        media_type: str,
        redundancy: int,
        visibility: Visibility,
        expected_sha256: bytes | None = None,
    ) -> StoredFile:
        """Keep what was written; see `take_in` for arguments, errors, and what it means.

        Once only; after InvalidFile it may be called again.
        """
        claim = Claim(
            source=source,
            reference=reference,
            name=name,
            media_type=media_type,
            redundancy=redundancy,
            visibility=visibility,
        )
        return self.keep(claims.checked(claim), expected_sha256)

    def keep(self, claim: Claim, expected_sha256: bytes | None = None) -> StoredFile:
        """The same with a checked *claim*."""
        assert not self._finished, "a file is finished once"  # noqa: S101 - the caller's mistake
        sha256 = self.sha256
        if expected_sha256 not in (None, sha256):
            raise UnexpectedContent
        self._incoming.sync(sha256)
        now = self._node.wall_clock()
        try:
            stored = self._node.database.write(
                lambda connection: self._store(connection, claim, now)
            )
        except BaseException:
            # The bytes may have got their name before it failed. The row may not be locked now,
            # so this looks once more whether somebody else claims them.
            with suppress(DownstreamError, SQLAlchemyError, OSError):
                discard_unclaimed(self._node, sha256)
            raise
        self._finished = True
        return stored

    def _store(self, connection: Connection, claim: Claim, now: int) -> StoredFile:
        """Name the bytes and write the rows, in one transaction that may be run again."""
        sha256 = self.sha256
        row = queries.locked_or_made(connection, sha256, self.size, now)
        if not self._incoming.place(sha256):
            raise Busy("The file was removed while it came in. Please send it again.")
        due = now + CHECK_EVERY
        queries.revive(
            connection, row, size=self.size, blocks=self._hasher.blocks, now=now, due=due
        )
        queries.put_claim(connection, row.id, claim, now)
        stored = queries.find(connection, sha256)
        assert stored is not None  # noqa: S101 - written three lines above
        return stored

    def close(self) -> None:
        """Give up what was written, unless it was finished."""
        self._incoming.close()


# Giving out


def find(node: Node, sha256: bytes) -> StoredFile | None:
    """What is known of the file with this hash, removed or not; None if nothing."""
    return node.database.read(lambda connection: queries.find(connection, sha256))


def resolve(node: Node, prefix: str) -> StoredFile:
    """The file that is kept and whose hash in hex begins with *prefix*, of 8 digits or more.

    Raises UnknownFile if there is none, InvalidRequest if it is no prefix or there are several.
    """
    digits = prefix.lower()
    if not SHORTEST_PREFIX <= len(digits) <= DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise InvalidRequest(f"{prefix} is not the beginning of a hash, of 8 digits or more.")
    low, high = (bytes.fromhex(digits.ljust(DIGITS, filler)) for filler in "0f")
    found = node.database.read(lambda connection: queries.between(connection, low, high, 2))
    if not found:
        raise UnknownFile
    if len(found) > 1:
        raise InvalidRequest(f"Several files begin with {prefix}: give more digits.")
    return found[0]


class Page(NamedTuple):
    """Some files, in the order in which their contents first came."""

    files: list[StoredFile]
    next: int | None
    """What to list after; None: there are no more."""


def listed(node: Node, *, source: str | None = None, after: int = 0, limit: int = 100) -> Page:
    """A page of up to *limit* files (that *source* claims) that are kept, behind *after*."""
    most = min(limit, MOST_LISTED)
    found = node.database.read(
        lambda connection: queries.listed(connection, source, after, most + 1)
    )
    shown = found[:most]
    return Page(shown, shown[-1].id if len(found) > most else None)


def read(node: Node, sha256: bytes, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes from *start* up to *end* (None: to the end) of a file, in pieces up to 1 MiB.

    Each byte lies in a block whose hash was checked before. If the whole file is read, its hash is
    checked as well before the last piece is given out.

    Raises UnknownFile, and InvalidRequest for a part that the file does not have, at once;
    DamagedFile while it is read, after noting it.
    """
    content = content_of(node, sha256)
    return verified(node, content, start, checked_end(content, start, end))


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


def open_file(node: Node, sha256: bytes) -> OpenFile:
    """The file with this hash, open; close it, or use it in a `with` statement.

    Raises UnknownFile, or DamagedFile after noting it.
    """
    content = content_of(node, sha256)
    return OpenFile(node, content, opened(node, content))


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
        raise InvalidRequest(f"The file has {content.size} bytes, no part from {start} to {upto}.")
    return upto


def verified(node: Node, content: Content, start: int, end: int) -> Iterator[bytes]:
    """`read`, of *content*, where the part is one that it has."""
    with opened(node, content) as file:
        yield from noting(node, content, checked_pieces(file, content, start, end))


def opened(node: Node, content: Content) -> BinaryIO:
    """The bytes of *content*, open. Raises UnknownFile, or DamagedFile after noting it."""
    try:
        return storage.opened(root_of(node), content.sha256, content.size)
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


# Letting go


def release(node: Node, sha256: bytes, source: str, reference: str, reason: str) -> bool:
    """Give up the claim of *source* for *reference*; with the last claim the bytes go.

    The file's row stays, with the time and *reason* (cut to 255 characters). Returns whether this
    call gave up the claim; False if there was none. Raises Busy.
    """

    def drop(connection: Connection, file: int) -> int:
        return queries.drop_claim(connection, file, source, reference)

    return bool(let_go(node, sha256, reason, drop))


def remove(node: Node, sha256: bytes, reason: str) -> int:
    """Give up all claims of a file, and its bytes; returns how many claims it had. Raises Busy."""
    return let_go(node, sha256, reason, queries.drop_claims)


def let_go(node: Node, sha256: bytes, reason: str, drop: Callable[[Connection, int], int]) -> int:
    """Have *drop* give up claims of a file; returns how many it did. Without any, the bytes go."""
    now = node.wall_clock()
    text = claims.display_name(reason)[:REASON]

    def work(connection: Connection) -> tuple[int, bool]:
        row = queries.lock(connection, sha256)
        dropped = 0 if row is None else drop(connection, row.id)
        if row is None or not dropped or queries.claims_left(connection, row.id):
            return dropped, False
        queries.remove(connection, row.id, now, text)
        return dropped, True

    dropped, last = node.database.write(work)
    if last:
        discard(node, sha256)
    return dropped


def discard(node: Node, sha256: bytes) -> None:
    """Take away the bytes of a removed file, unless somebody took them in again meanwhile."""

    def work(connection: Connection) -> Path | None:
        row = queries.lock(connection, sha256)
        if row is None or row.removed is None:
            return None
        aside = storage.set_aside(root_of(node), sha256)
        queries.bytes_gone(connection, row.id)
        return aside

    aside = node.database.write(work)
    if aside is not None:
        aside.unlink(missing_ok=True)


def discard_unclaimed(node: Node, sha256: bytes) -> bool:
    """The same for bytes that may have no row, because what took them in did not end well.

    A row is made for them first: whoever takes them in at this moment waits for it, or has made
    one already. Returns whether there were bytes that nobody claims.
    """
    size = storage.size_of(root_of(node), sha256)
    if size is None:
        return False
    now = node.wall_clock()
    row = node.database.write(
        lambda connection: queries.locked_or_made(connection, sha256, size, now, INTERRUPTED)
    )
    discard(node, sha256)
    return row.removed is not None


INTERRUPTED = "Its last taking in was interrupted."
"""The reason in the row of bytes that were found without one."""
