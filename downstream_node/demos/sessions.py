"""Sessions: one at a time for each user, from its start until it is closed with all that came."""

import logging
from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy import Connection

from downstream_node import entropy
from downstream_node.clock import SECOND, WallTime
from downstream_node.database import AnyRow
from downstream_node.demos import queries
from downstream_node.demos.feature import Demos
from downstream_node.demos.models import LATE_BYTES, LONGEST_ADDRESS, LONGEST_NAME
from downstream_node.demos.spool import Held, spool_of
from downstream_node.demos.states import End, State
from downstream_node.errors import Busy, DemoRefused, DownstreamError, StorageFailed
from downstream_node.node import Node

log = logging.getLogger(__name__)

ID_BYTES = 16
CLOSE_SECONDS = 10.0
"""How long a close waits for the stream to take in what has arrived."""
STALE_SECONDS = 1.0
STALE_PER_PASS = 50
IN_SESSION = (
    "User already in a session, either remember your session token or close it out at "
    "`/close_session`!"
)
NOT_IN_SESSION = "User is not in a session, create one at `/session_id`!"
ALREADY_SUBMITTED = "already submitted"
NO_ACTIVE_SESSION = "no active session"


@dataclass(frozen=True, slots=True)
class Closed:
    """A session that has ended."""

    session_id: str
    size: int


def start(  # noqa: PLR0913, PLR0917 - what the document's route is given
    node: Node, user: int, name: str, fake_ip: str, map_name: str, now: WallTime
) -> str:
    """Begin a session; its id, a number below 2**128 in decimal.

    Raises DemoRefused: 403 if the user is in one, 400 if a text is too long or no text.
    """
    for text, longest in (
        (name, LONGEST_NAME),
        (fake_ip, LONGEST_ADDRESS),
        (map_name, LONGEST_NAME),
    ):
        if len(text) > longest or not text.isprintable():
            raise DemoRefused(HTTPStatus.BAD_REQUEST, f"Not a text of {longest} letters at most.")
    session_id = str(int.from_bytes(entropy.random_bytes(ID_BYTES)))
    values = {"name": name, "map": map_name, "fake_ip": fake_ip, "started": now}
    if not node.database.write(lambda found: queries.add(found, user, session_id, **values)):
        raise DemoRefused(HTTPStatus.FORBIDDEN, IN_SESSION)
    return session_id


def require_free(node: Node, user: int) -> None:
    """Raise DemoRefused (403) if the user is in a session: before Steam is asked for anything."""
    if node.database.read(lambda connection: queries.active_of(connection, user)) is not None:
        raise DemoRefused(HTTPStatus.FORBIDDEN, IN_SESSION)


def active(node: Node, user: int, session_id: str) -> AnyRow:
    """The user's own active session with this id. Raises DemoRefused (403)."""
    row = node.database.read(lambda connection: queries.active_of(connection, user))
    if row is None:
        raise DemoRefused(HTTPStatus.FORBIDDEN, NOT_IN_SESSION)
    # One answer for all: whether a stranger's session exists is nobody's business.
    if row.session_id != session_id:
        message = f"Your session is {row.session_id}; this is another one, or none."
        raise DemoRefused(HTTPStatus.FORBIDDEN, message)
    return row


def put_late_bytes(node: Node, user: int, data: bytes) -> None:
    """Note the late bytes of the user's session, once. They take their place when it is filed.

    Raises DemoRefused: 400 unless they are 16, 422 if there are some or there is no session.
    """
    require_late_bytes(data)

    def put(connection: Connection) -> str | None:
        if queries.put_late_bytes(connection, user, data):
            return None
        row = queries.active_of(connection, user)
        return NO_ACTIVE_SESSION if row is None else ALREADY_SUBMITTED

    problem = node.database.write(put)
    if problem is not None:
        raise DemoRefused(HTTPStatus.UNPROCESSABLE_ENTITY, problem)


def require_late_bytes(data: bytes) -> None:
    """Raise DemoRefused (400) unless *data* are as many bytes as come late."""
    if len(data) != LATE_BYTES:
        message = f"Late bytes are {LATE_BYTES} bytes, not {len(data)}."
        raise DemoRefused(HTTPStatus.BAD_REQUEST, message)


def close(  # noqa: PLR0913 - all but the first three by keyword
    node: Node,
    user: int,
    now: WallTime,
    *,
    session_id: str | None = None,
    late: bytes | None = None,
    by: End = End.USER,
) -> Closed:
    """Close the user's session with all that has arrived, also of an open stream.

    With a *session_id* it may be asked again: a session of the user's that is closed already is
    found closed. Raises DemoRefused (403 if there is none), Busy if a stream does not let go.
    """
    row = node.database.read(lambda connection: queries.active_of(connection, user))
    if row is None or session_id not in (None, row.session_id):
        return closed_before(node, user, session_id)
    if late is not None and late != row.late_bytes:
        put_late_bytes(node, user, late)
    return end(node, row, by, now, CLOSE_SECONDS) or closed_before(node, user, row.session_id)


def closed_before(node: Node, user: int, session_id: str | None) -> Closed:
    """The user's closed session with this id. Raises DemoRefused (403)."""
    row = None
    if session_id is not None:
        row = node.database.read(lambda connection: queries.find(connection, session_id))
    if row is None or row.user != user or row.state != State.CLOSED:
        raise DemoRefused(HTTPStatus.FORBIDDEN, NOT_IN_SESSION)
    return Closed(row.session_id, row.size)


def end(node: Node, row: AnyRow, by: End, now: WallTime, seconds: float) -> Closed | None:
    """Close the session in *row*; None if somebody else has. Raises Busy."""
    spool = spool_of(node)
    try:
        # While this holds the file nobody writes, and whoever wants to finds the session closed.
        with spool.taken(row.session_id, seconds) as recording:
            size = recording.size
            if not size and row.size and by is not End.OPERATOR:
                recording.remove()
                raise StorageFailed(
                    f"The bytes of session {row.session_id} are not where they were."
                )
            recording.sync()
            done = node.database.write(
                lambda connection: queries.close(connection, row.id, size, by, now)
            )
            if not size:
                # Only now: while the session is active, a stream would begin another file.
                recording.remove()
    except Held:
        raise Busy("The stream of the session does not end: try again.") from None
    return Closed(row.session_id, size) if done else None


def close_stale(node: Node) -> int:
    """Close sessions to which nothing came for DEMOS_STALE, with what came; returns how many."""
    now = node.wall_clock()
    values = node.settings
    if now - node.feature(Demos).started <= values.DEMOS_STALE * SECOND:
        # Whoever was cut off when the node stopped has as long as ever to come back.
        return 0
    silent_since = WallTime(now - values.DEMOS_STALE * SECOND)
    started_before = WallTime(now - values.DEMOS_MAX_TIME * SECOND)
    rows = node.database.read(
        lambda found: queries.overdue(found, silent_since, started_before, STALE_PER_PASS)
    )
    closed = 0
    for row in rows:
        is_over = row.started < started_before
        # The row is a copy that may be late.
        if not is_over and silent_since <= spool_of(node).changed(row.session_id) <= now:
            continue
        try:
            seconds = STALE_SECONDS if is_over else 0.0
            closed += end(node, row, End.STALE, now, seconds) is not None
        except Busy:
            # It is being streamed: the streamer ends what is silent for too long.
            continue
        except DownstreamError as error:
            log.warning("The stale session %s stays open: %s", row.session_id, error)
    return closed
