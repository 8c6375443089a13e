"""A closed session's file gets its late bytes and moves into custody.

Whoever comes first does it: the node's job, or somebody who asks for the demo before. The file's
lock makes others wait; each step may be done again after an interruption.
"""

import logging

from downstream_node.custody import service as custody
from downstream_node.custody.blocks import BLOCK
from downstream_node.database import AnyRow
from downstream_node.demos import headers, queries
from downstream_node.demos.spool import Held, Recording, spool_of
from downstream_node.errors import Busy, DownstreamError, StorageFailed
from downstream_node.node import Node

log = logging.getLogger(__name__)

SOURCE = "demos"
MEDIA_TYPE = "application/octet-stream"
WAIT_SECONDS = 30.0
PER_PASS = 20


def file_closed(node: Node) -> int:
    """Move some closed demos into custody; returns how many."""
    filed, after = 0, 0
    while filed < PER_PASS:
        rows = unfiled_behind(node, after)
        if not rows:
            break
        after = rows[-1].id
        for row in rows:
            try:
                filed += file_one(node, row, seconds=0)
            except DownstreamError as error:
                # The others do not wait for one that is broken.
                log.warning("The session %s cannot be filed: %s", row.session_id, error)
    return filed


def unfiled_behind(node: Node, after: int) -> list[AnyRow]:
    """Some closed sessions behind this row that are not filed."""
    return node.database.read(lambda connection: queries.unfiled(connection, after, PER_PASS))


def ensure_filed(node: Node, session: int) -> None:
    """Return when the closed session in this row is filed.

    Raises Busy if somebody else has been at it for too long; StorageFull, StorageFailed.
    """
    row = node.database.read(lambda connection: queries.by_number(connection, session))
    if row is not None and not row.is_filed:
        file_one(node, row, WAIT_SECONDS)


def file_one(node: Node, seen: AnyRow, seconds: float) -> bool:
    """File the session in a row that was *seen* unfiled, waiting for its file so many *seconds*.

    Returns whether this call did it.
    """
    try:
        with spool_of(node).taken(seen.session_id, seconds) as recording:
            # Somebody else may have filed it while this waited for the file.
            row = node.database.read(lambda connection: queries.by_number(connection, seen.id))
            if row is None or row.is_filed:
                recording.remove()
                return False
            keep(node, row, recording)
            recording.remove()
    except Held:
        if seconds:
            raise Busy("The demo is still being filed: try again.") from None
        return False
    return True


def keep(node: Node, row: AnyRow, recording: Recording) -> None:
    """Give the bytes of *recording* to custody, and note them.

    Raises StorageFailed if they are not those with which the session was closed.
    """
    if recording.size != row.size:
        found = recording.size
        if not found:
            recording.remove()
        raise StorageFailed(f"{found} bytes are there of {row.size} with which it was closed.")
    if row.late_bytes is not None and recording.size >= headers.SIZE:
        recording.put(row.late_bytes, headers.LATE_AT)
    header = headers.parse(recording.read(headers.SIZE))
    stored = custody.take_in(
        node,
        recording.pieces(BLOCK),
        source=SOURCE,
        reference=row.session_id,
        name=f"{row.session_id}.dem",
        media_type=MEDIA_TYPE,
        redundancy=node.settings.DEMOS_REDUNDANCY,
        visibility="private",
    )
    noted = {
        "size": stored.size,
        "sha256": stored.sha256,
        "header_map": header.map,
        "header_server": header.server,
        "header_player": header.player,
        "header_ticks": header.ticks,
        "header_frames": header.frames,
        "header_seconds": header.seconds,
        "header_problem": header.problem,
    }
    node.database.write(lambda connection: queries.filed(connection, row.id, **noted))
