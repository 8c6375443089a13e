"""Claims are given up; with the last one the row says so, and then the bytes go."""

import logging
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from downstream_node.custody import claims, queries, storage
from downstream_node.custody.models import REASON
from downstream_node.errors import DownstreamError
from downstream_node.node import Node

log = logging.getLogger(__name__)

INTERRUPTED = "Its last taking in was interrupted."
"""The reason in the row of bytes that were found without one."""


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
        try:
            discard(node, sha256)
        except DownstreamError:
            # The file is removed, whatever the disk says; a job takes the bytes away.
            log.exception("The bytes of %s could not be taken away yet.", sha256.hex())
    return dropped


def discard(node: Node, sha256: bytes) -> None:
    """Take away the bytes of a removed file, unless somebody took them in again meanwhile.

    Raises StorageFailed, Busy.
    """

    def work(connection: Connection) -> Path | None:
        row = queries.lock(connection, sha256)
        if row is None or row.removed is None:
            return None
        aside = storage.set_aside(storage.root_of(node), sha256)
        queries.bytes_gone(connection, row.id)
        return aside

    aside = node.database.write(work)
    if aside is not None:
        storage.delete(aside)


def discard_unclaimed(node: Node, sha256: bytes) -> bool:
    """The same for bytes that may have no row, because what took them in did not end well.

    A row is made for them first: whoever takes them in at this moment waits for it, or has made
    one already. Returns whether there were bytes that nobody claims.
    """
    size = storage.size_of(storage.root_of(node), sha256)
    if size is None:
        return False
    now = node.wall_clock()
    row = node.database.write(
        lambda connection: queries.locked_or_made(connection, sha256, size, now, INTERRUPTED)
    )
    discard(node, sha256)
    return row.removed is not None
