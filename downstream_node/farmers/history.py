"""What is kept of the past of each farmer: stretches of coverage, heartbeats by day, failures.

Answers write here only when something ends: a stretch, by a gap in coverage, or a day. What
goes on is kept in the farmer's own row, which every answer changes anyway.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, delete, insert, select, update

from downstream_node.clock import Instant
from downstream_node.database import batched, insert_missing
from downstream_node.farmers.models import Failure, FarmerDay, Stretch

DAY = 86_400_000
"""Milliseconds."""
MINUTE = 60_000
UNANSWERED = "unanswered"
INVALID = "invalid"
CORRUPTED = "corrupted"


@dataclass(frozen=True, slots=True)
class Failed:
    """*count* failures of one kind, the last of them at *last* with *contract*."""

    kind: str
    last: Instant
    count: int
    contract: bytes


def end_stretch(connection: Connection, farmer: int, began: int, ended: int) -> None:
    """Note a stretch of coverage that has ended."""
    connection.execute(insert(Stretch).values(farmer=farmer, began=began, ended=ended))


def end_day(
    connection: Connection, farmer: int, day: int, heartbeats: int, waited: int | None
) -> None:
    """Note the heartbeats of a day that is over; again, where the clock was set back.

    *waited*: milliseconds from challenge to answer, of all of them; None if not known.
    """
    insert_missing(connection, FarmerDay, farmer=farmer, day=day, heartbeats=0, waited=0)
    row = update(FarmerDay).where(FarmerDay.farmer == farmer, FarmerDay.day == day)
    # What is not known stays so: nothing plus a number is nothing.
    more = None if waited is None else FarmerDay.waited + waited
    connection.execute(row.values(heartbeats=FarmerDay.heartbeats + heartbeats, waited=more))


def record_failures(connection: Connection, farmer: int, failures: Iterable[Failed]) -> None:
    """Note *failures* of one farmer: one row for each kind and minute, however many there are."""
    for failed in sorted(failures, key=lambda failed: (failed.last, failed.kind)):
        record_failure(connection, farmer, failed)


def record_failure(connection: Connection, farmer: int, failed: Failed) -> None:
    """Add *failed* to its minute."""
    key = {"farmer": farmer, "minute": failed.last // MINUTE, "kind": failed.kind}
    newer = Failure.last <= failed.last
    more = (
        update(Failure)
        .where(*(getattr(Failure, name) == value for name, value in key.items()))
        # In this order: MySQL computes each value from the columns as already changed.
        .ordered_values(
            (Failure.count, Failure.count + failed.count),
            (Failure.contract, case((newer, failed.contract), else_=Failure.contract)),
            (Failure.last, case((newer, failed.last), else_=Failure.last)),
        )
    )
    if not connection.execute(more).rowcount:
        insert_missing(connection, Failure, **key, last=failed.last, count=0, contract=None)
        connection.execute(more)


def stretches_of(
    connection: Connection, farmers: Sequence[int], since: int
) -> dict[int, list[tuple[int, int]]]:
    """By farmer: (began, ended) of all stretches that ended after *since*, but for the current."""
    query = select(Stretch.farmer, Stretch.began, Stretch.ended)
    query = query.where(Stretch.farmer.in_(farmers), Stretch.ended > since)
    found: dict[int, list[tuple[int, int]]] = {farmer: [] for farmer in farmers}
    for farmer, began, ended in connection.execute(query):
        found[farmer].append((began, ended))
    return found


def days_of(connection: Connection, farmer: int, since: int) -> dict[int, int]:
    """Heartbeats by day, from the day *since* on, of the days that are over."""
    query = select(FarmerDay.day, FarmerDay.heartbeats)
    query = query.where(FarmerDay.farmer == farmer, FarmerDay.day >= since)
    return {row.day: row.heartbeats for row in connection.execute(query)}


def forget(connection: Connection, before: Instant, before_day: int, limit: int) -> int:
    """Delete up to *limit* rows of each kind that are older; how many there were."""
    ages: list[tuple[Any, Any]] = [
        (Stretch, Stretch.ended < before),
        (FarmerDay, FarmerDay.day < before_day),
        (Failure, Failure.last < before),
    ]
    total = 0
    for model, is_old in ages:
        ids = list(connection.execute(select(model.id).where(is_old).limit(limit)).scalars())
        for some in batched(ids):
            connection.execute(delete(model).where(model.id.in_(some)))
        total += len(ids)
    return total
