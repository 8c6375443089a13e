"""The network as a whole: totals from the farmers' rows, and a sample of them every minute."""

from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select, update

from downstream_node.clock import SECOND, Instant
from downstream_node.database import insert_missing
from downstream_node.farmers.models import Farmer
from downstream_node.farmers.queries import is_online
from downstream_node.node import Node
from downstream_node.status.models import NetworkHour

HOUR = 3_600_000
"""Milliseconds."""
SAMPLE_EVERY = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over all farmers."""

    farmers: int
    online: int
    contracts: int
    size: int
    heartbeats: int


def sums(connection: Connection, now: Instant) -> Sums:
    """The network at *now*. One pass over the farmers, none over the contracts."""
    online = func.sum(case((is_online(now), 1), else_=0))
    others = (func.sum(column) for column in (Farmer.contracts, Farmer.size, Farmer.heartbeats))
    row = connection.execute(select(func.count(Farmer.id), online, *others)).one()
    return Sums(*(int(value or 0) for value in row))


def sample(node: Node) -> int:
    """Add what is seen now to the row of this hour; returns 1."""
    hour = node.wall_clock() // HOUR
    now = node.clock.now()
    node.database.write(lambda connection: add_sample(connection, hour, sums(connection, now)))
    return 1


def add_sample(connection: Connection, hour: int, seen: Sums) -> None:
    """Add *seen* to the row of *hour*.

    Heartbeats are counted by the growth of their sum. Farmers that were taken off the whitelist
    since the last sample take theirs along; then the sample counts none.
    """
    through = select(NetworkHour.heartbeats_through).order_by(NetworkHour.hour.desc()).limit(1)
    before = connection.execute(through).scalar_one_or_none()
    grown = 0 if before is None else max(0, seen.heartbeats - before)
    zero = dict.fromkeys(("samples", "online_sum", "farmers", "contracts", "size"), 0)
    insert_missing(connection, NetworkHour, hour=hour, heartbeats=0, heartbeats_through=0, **zero)
    connection.execute(
        update(NetworkHour)
        .where(NetworkHour.hour == hour)
        .values(
            samples=NetworkHour.samples + 1,
            online_sum=NetworkHour.online_sum + seen.online,
            farmers=seen.farmers,
            contracts=seen.contracts,
            size=seen.size,
            heartbeats=NetworkHour.heartbeats + grown,
            heartbeats_through=seen.heartbeats,
        )
    )
