"""Taking files in, giving them out, letting them go: what the other parts of the node may ask.

Bytes are durable before a row says so, and a row says that a file is gone before its bytes go.
Whoever moves bytes to or from their name has the row locked, so an acknowledged claim always has
its bytes. Hashes are 32 bytes, sizes and positions bytes, times wall time in milliseconds.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from sqlalchemy import Connection

from downstream_node.custody import checking, claims, queries, reading
from downstream_node.custody.blocks import BLOCK
from downstream_node.custody.claims import Claim, Visibility
from downstream_node.custody.queries import StoredFile
from downstream_node.custody.reading import OpenFile
from downstream_node.custody.removing import let_go
from downstream_node.custody.writing import Writer
from downstream_node.errors import InvalidRequest, UnknownFile
from downstream_node.node import Node

SHORTEST_PREFIX = 8
DIGITS = 64
MOST_LISTED = 1000


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


def writer(node: Node, *, limit: int | None = None) -> Writer:
    """For callers whose bytes arrive over time: write, then finish, in a `with` statement.

        with writer(node, limit=...) as writing:
            writing.write(data)
            stored = writing.finish(source=..., reference=..., ...)

    Left without `finish`, nothing is kept. It may take hours; what a process leaves that dies
    meanwhile is deleted a day later. Raises StorageFull, StorageFailed.
    """
    return Writer(node, limit)


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
    content = reading.content_of(node, sha256)
    return reading.verified(node, content, start, reading.checked_end(content, start, end))


def open_file(node: Node, sha256: bytes) -> OpenFile:
    """The file with this hash, open; close it, or use it in a `with` statement.

    Raises UnknownFile, or DamagedFile after noting it.
    """
    content = reading.content_of(node, sha256)
    return OpenFile(node, content, reading.opened(node, content))


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


# Looking after


def verify(node: Node, sha256: bytes) -> str | None:
    """Check a whole file from the disk and note the result.

    Returns what is wrong with it, None if it is whole. Raises UnknownFile.
    """
    return checking.verify(node, sha256)
