"""SQL over sessions. What changes a session is guarded by its state."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, false, select, update

from downstream_node.clock import WallTime
from downstream_node.database import AnyRow, insert_missing
from downstream_node.demos.models import DemoSession
from downstream_node.demos.states import End, State

ACTIVE = DemoSession.state == State.ACTIVE


class Noted(NamedTuple):
    """What a row is to say of an active session."""

    session_id: str
    size: int
    last_byte: int
    bytes_per_second: int


def add(connection: Connection, user: int, session_id: str, **values: Any) -> bool:  # noqa: ANN401
    """Store a new active session; False if its user has one."""
    insert_missing(
        connection,
        DemoSession,
        user=user,
        active_user=user,
        session_id=session_id,
        state=State.ACTIVE,
        size=0,
        bytes_per_second=0,
        is_filed=False,
        is_ingested=False,
        **values,
    )
    row = active_of(connection, user)
    return row is not None and row.session_id == session_id


def active_of(connection: Connection, user: int) -> AnyRow | None:
    """The active session of a user."""
    query = select(DemoSession).where(DemoSession.active_user == user)
    return connection.execute(query).one_or_none()


def find(connection: Connection, session_id: str) -> AnyRow | None:
    """The session with this id."""
    query = select(DemoSession).where(DemoSession.session_id == session_id)
    return connection.execute(query).one_or_none()


def by_number(connection: Connection, number: int) -> AnyRow | None:
    """The session in this row."""
    return connection.execute(select(DemoSession).where(DemoSession.id == number)).one_or_none()


def put_late_bytes(connection: Connection, user: int, data: bytes) -> bool:
    """Note the late bytes of the user's active session; False if it has some, or there is none."""
    guarded = update(DemoSession).where(
        DemoSession.active_user == user, DemoSession.late_bytes.is_(None)
    )
    return connection.execute(guarded.values(late_bytes=data)).rowcount == 1


def close(connection: Connection, number: int, size: int, by: End, now: WallTime) -> bool:
    """Close an active session; False if somebody else has."""
    guarded = update(DemoSession).where(DemoSession.id == number, ACTIVE)
    closed = {
        "state": State.CLOSED,
        "active_user": None,
        "ended": now,
        "ended_by": by,
        "size": size,
        "bytes_per_second": 0,
        # Of nothing there is nothing to keep.
        "is_filed": size == 0,
    }
    return connection.execute(guarded.values(closed)).rowcount == 1


def note(connection: Connection, noted: Sequence[Noted]) -> None:
    """Write how far active sessions are."""
    changed = (
        update(DemoSession)
        .where(DemoSession.session_id == bindparam("which"), ACTIVE)
        .values(
            size=bindparam("bytes"),
            last_byte=bindparam("when"),
            bytes_per_second=bindparam("rate"),
        )
    )
    rows = [
        {
            "which": one.session_id,
            "bytes": one.size,
            "when": one.last_byte,
            "rate": one.bytes_per_second,
        }
        for one in sorted(noted)
    ]
    connection.execute(changed, rows)


def overdue(
    connection: Connection, silent_since: WallTime, started_before: WallTime, limit: int
) -> list[AnyRow]:
    """Active sessions to which nothing came since then, or that have lasted too long."""
    is_silent = (DemoSession.started < silent_since) & (
        DemoSession.last_byte.is_(None) | (DemoSession.last_byte < silent_since)
    )
    query = select(DemoSession).where(ACTIVE, is_silent | (DemoSession.started < started_before))
    return list(connection.execute(query.order_by(DemoSession.started).limit(limit)))


def unfiled(connection: Connection, after: int, limit: int) -> list[AnyRow]:
    """Closed sessions behind the row *after* whose bytes are not in custody yet."""
    query = select(DemoSession).where(
        DemoSession.state == State.CLOSED,
        # Not `IS FALSE`, for which MariaDB has no index.
        DemoSession.is_filed == false(),
        DemoSession.id > after,
    )
    return list(connection.execute(query.order_by(DemoSession.id).limit(limit)))


def filed(connection: Connection, number: int, **values: Any) -> None:  # noqa: ANN401 - columns
    """Note that a session's bytes are in custody."""
    connection.execute(
        update(DemoSession).where(DemoSession.id == number).values(is_filed=True, **values)
    )
