"""What interrupted work has left on the disk is deleted a day later."""

from collections.abc import Iterator

from downstream_node.clock import SECOND
from downstream_node.custody import queries, storage
from downstream_node.custody.models import DAY
from downstream_node.custody.removing import discard_unclaimed
from downstream_node.database import batched
from downstream_node.node import Node

TIDY_EVERY = 300 * SECOND
KEPT_FOR = DAY
"""Nothing younger is touched, though the locks would allow it: somebody may want to look."""


def tidy(node: Node) -> int:
    """One pass: what is incoming, and one of the 256 folders; returns how many files went.

    Which folder follows from the time, so all are looked through within a day.
    """
    now = node.wall_clock()
    forgotten = storage.forget_incoming(storage.root_of(node), now - KEPT_FOR)
    prefix = now // TIDY_EVERY % storage.PREFIXES
    return forgotten + tidy_folder(node, prefix, now - KEPT_FOR)


def tidy_folder(node: Node, prefix: int, before: int) -> int:
    """Take away bytes in the folder of *prefix*, written *before* this, that have no claim.

    Bytes that are older than all that the database knows are left alone: it may be a new one
    beside the files of another.
    """
    since = node.database.read(queries.beginning)
    if since is None:
        return 0
    strays = list(unclaimed(node, prefix, since, before))
    return sum(discard_unclaimed(node, sha256) for sha256 in strays)


def unclaimed(node: Node, prefix: int, since: int, before: int) -> Iterator[bytes]:
    """Hashes of such bytes, written from *since* on and *before* this (wall, ms)."""
    for hashes in batched(storage.kept(storage.root_of(node), prefix, since, before)):
        known = node.database.read(lambda c: queries.kept_among(c, hashes))  # noqa: B023 - called here
        yield from (sha256 for sha256 in hashes if sha256 not in known)
