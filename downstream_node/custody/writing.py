"""A file that is being written: hashed as it comes, then named and claimed in one step."""

from contextlib import suppress
from types import TracebackType
from typing import Self

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from downstream_node.custody import claims, queries, storage
from downstream_node.custody.blocks import LARGEST_FILE, Hasher
from downstream_node.custody.claims import Claim, Visibility
from downstream_node.custody.models import CHECK_EVERY
from downstream_node.custody.queries import StoredFile
from downstream_node.custody.removing import discard_unclaimed
from downstream_node.errors import Busy, DownstreamError, RequestTooLarge, UnexpectedContent
from downstream_node.node import Node


class Writer:
    """A file that is being written; for one thread at a time."""

    def __init__(self, node: Node, limit: int | None = None) -> None:
        self._node = node
        self._limit = LARGEST_FILE if limit is None else min(limit, LARGEST_FILE)
        self._hasher = Hasher()
        self._incoming = storage.Incoming(storage.root_of(node))
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
        """Append *data*. Raises StorageFull, StorageFailed; after that it cannot be finished.

        Raises RequestTooLarge if *data* is too much; what was written before may be finished.
        """
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
            with suppress(DownstreamError, SQLAlchemyError):
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
