"""News for the clients, from the operator."""

from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from downstream_node.clock import WallTime
from downstream_node.database import AnyRow
from downstream_node.demos.models import DemoBroadcast
from downstream_node.errors import DownstreamError
from downstream_node.node import Node

LONGEST = 1000
MOST_SHOWN = 100


class Importance(StrEnum):
    """How much it matters."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class InvalidBroadcast(DownstreamError):
    """There is no such news, or they cannot be shown. Nothing has been changed."""


def shown(node: Node) -> list[AnyRow]:
    """The news (id, message, importance, created), the newest first; MOST_SHOWN at most."""
    query = select(
        DemoBroadcast.id, DemoBroadcast.message, DemoBroadcast.importance, DemoBroadcast.created
    ).order_by(DemoBroadcast.created.desc(), DemoBroadcast.id.desc())
    ask = query.limit(MOST_SHOWN)
    return list(node.database.read(lambda connection: connection.execute(ask).all()))


def add(node: Node, message: str, importance: str, now: WallTime) -> int:
    """Tell the clients *message*; its number. Raises InvalidBroadcast."""
    if not message.strip() or len(message) > LONGEST:
        raise InvalidBroadcast(f"A message has 1 to {LONGEST} characters.")
    values = {"message": message, "importance": importance, "created": now}

    def work(connection: Connection) -> int:
        made = connection.execute(insert(DemoBroadcast).values(**values)).inserted_primary_key
        assert made is not None  # noqa: S101 - one row was inserted
        return int(made[0])

    return node.database.write(work)


def remove(node: Node, number: int) -> None:
    """Take one back. Raises InvalidBroadcast if there is none."""
    gone = delete(DemoBroadcast).where(DemoBroadcast.id == number)
    if not node.database.write(lambda connection: connection.execute(gone).rowcount):
        raise InvalidBroadcast(f"There is no broadcast {number}.")
