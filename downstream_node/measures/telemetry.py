"""The node's own telemetry: measures of each UTC day that is over, from the farmers' rows.

Each farmer is a contributor, so that thresholds count farmers. What is read of a farmer are its
row, its row of that day and its failures of that day; contracts are not looked at.

A pass that is repeated, cut off, or run by two processes records nothing twice: farmers are taken
in fixed ranges of row ids, and each range is recorded together with a receipt for day and range.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select

from downstream_node.clock import SECOND, Instant, WallTime
from downstream_node.database import AnyRow
from downstream_node.errors import InvalidDefinition
from downstream_node.farmers.history import CORRUPTED, DAY, INVALID, MINUTE, UNANSWERED
from downstream_node.farmers.models import Failure, Farmer, FarmerDay
from downstream_node.measures import aggregating, definitions, redefining
from downstream_node.measures.cells import cell_key, group_text
from downstream_node.measures.collecting import KEYS_KEPT
from downstream_node.measures.models import MeasureReceipt, RawMeasure
from downstream_node.measures.periods import period_start
from downstream_node.node import Node

ASSETS = Path(__file__).parent / "assets"
DEFINITIONS = ASSETS / "definitions.json"
"""The definitions of what is recorded here."""
ORG = "node"

ANSWERS = "node-answers-daily"
WAIT = "node-answer-wait-daily"
BYTES = "node-bytes-held-daily"
FARMERS = "node-farmers-daily"

OK = "ok"
UNKNOWN = "not known"
"""Country or client of who has none: a group must have a value."""

GRACE = 10 * MINUTE
"""A day is recorded when it has been over for so long: its last answers and failures are
stored then."""
DAYS_BACK = KEYS_KEPT // DAY
"""A day that was not recorded for so long is left out: the receipts of those that were recorded
are kept for no longer."""
FARMERS_AT_ONCE = 500
RECORD_EVERY = 5 * MINUTE
MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class FarmerOnDay:
    """What telemetry knows of one farmer on one day. *waited* in milliseconds, None: not known.

    *held* in bytes, as it is now: 0 of days before the last, of which nobody knows it any more.
    """

    farmer_id: str
    country: str
    client: str
    held: int
    answered: int
    waited: int | None
    failed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a measure, with its groups in the order of its definition."""

    measure: str
    value: float
    groups: tuple[str, ...] = ()


def values_of(farmer: FarmerOnDay) -> list[Value]:
    """The measures of one farmer on one day; none where there is nothing to tell."""
    outcomes = {OK: farmer.answered, **farmer.failed}
    found = [
        Value(ANSWERS, count, (outcome,))
        for outcome, count in outcomes.items()
        if count and outcome in {OK, UNANSWERED, INVALID, CORRUPTED}
    ]
    if farmer.held:
        found.append(Value(BYTES, farmer.held, (farmer.country,)))
    if farmer.answered:
        found.append(Value(FARMERS, 1, (farmer.country, farmer.client)))
        if farmer.waited is not None:
            found.append(Value(WAIT, farmer.waited / farmer.answered / MILLISECONDS))
    return found


def record(node: Node) -> int:
    """Record the days that are over, are not recorded and can be; how many measures.

    So a day is not lost because no process ran when it ended.
    """
    return sum(record_day(node, day) for day in days_to_record(node))


def days_to_record(node: Node) -> range:
    """The days that are over and of which all is still kept, DAYS_BACK at most, oldest first."""
    last = last_day(node)
    kept_since = node.clock.now() - node.settings.HISTORY_RETENTION * SECOND
    first_kept = node.clock.to_wall(Instant(kept_since)) // DAY + 1
    return range(max(first_kept, last - DAYS_BACK + 1), last + 1)


def last_day(node: Node) -> int:
    """The last day that is over, counted from 1970-01-01."""
    return (node.wall_clock() - GRACE) // DAY - 1


def record_day(node: Node, day: int) -> int:
    """Record the UTC *day*, counted from 1970-01-01, unless that was done; how many measures."""
    if node.database.read(lambda connection: has_receipt(connection, receipt_of(day))):
        return 0
    known = node.database.write(install)
    recorded = sum(record_range(node, known, day, first) for first in ranges(node))
    for name in known:
        # At once: their own frequency would count what came today only tomorrow.
        aggregating.aggregate(node, name, force=True)
    node.database.write(lambda connection: take(connection, receipt_of(day), node.wall_clock()))
    return recorded


def install(connection: Connection) -> dict[str, AnyRow]:
    """Put in the shipped definitions that are missing; all of them, by name.

    Those that are there stay as the operator has them. Raises InvalidDefinition if one is
    somebody else's.
    """
    shipped = {one["name"]: one for one in json.loads(DEFINITIONS.read_text(encoding="utf-8"))}
    there = definitions.by_names(connection, shipped)
    missing = [one for name, one in shipped.items() if name not in there]
    if missing:
        redefining.load(connection, missing)
        there = definitions.by_names(connection, shipped)
    for name, definition in there.items():
        if definition.org != ORG:
            raise InvalidDefinition(f"{name} belongs to {definition.org}, not to the node.")
    return there


def ranges(node: Node) -> Iterator[int]:
    """The first row id of each range in which there are farmers."""
    begin = 0
    while True:
        least = node.database.read(partial(next_row, begin=begin))
        if least is None:
            return
        begin = least - least % FARMERS_AT_ONCE
        yield begin
        begin += FARMERS_AT_ONCE


def next_row(connection: Connection, begin: int) -> int | None:
    """The least row id of a farmer from *begin* on."""
    query = select(func.min(Farmer.id)).where(Farmer.id >= begin)
    return connection.execute(query).scalar_one()


def record_range(node: Node, known: Mapping[str, AnyRow], day: int, first: int) -> int:
    """Record the farmers from row *first* on, unless that was done; how many measures."""
    receipt = receipt_of(day, first)
    if node.database.read(lambda connection: has_receipt(connection, receipt)):
        return 0
    farmers = node.database.read(lambda connection: farmers_on(connection, node, day, first))
    now = node.wall_clock()
    rows = [
        raw(node, known[value.measure], value, farmer.farmer_id, day, now)
        for farmer in farmers
        for value in values_of(farmer)
    ]

    def store(connection: Connection) -> int:
        if not take(connection, receipt, now):
            return 0
        if rows:
            connection.execute(insert(RawMeasure), rows)
        return len(rows)

    return node.database.write(store)


def farmers_on(connection: Connection, node: Node, day: int, first: int) -> list[FarmerOnDay]:
    """The farmers of one range of rows on *day*, but for those who joined later."""
    begin, end = (node.clock.to_instant(midnight) for midnight in (day * DAY, (day + 1) * DAY))
    # One SELECT for both places of a day: an answer may just move it from one to the other.
    that_day = and_(FarmerDay.farmer == Farmer.id, FarmerDay.day == day)
    query = (
        select(
            *(Farmer.id, Farmer.farmer_id, Farmer.country, Farmer.client, Farmer.size),
            *(Farmer.day, Farmer.day_heartbeats, Farmer.day_waited),
            *(FarmerDay.heartbeats, FarmerDay.waited),
        )
        .outerjoin(FarmerDay, that_day)
        .where(Farmer.id >= first, Farmer.id < first + FARMERS_AT_ONCE, Farmer.joined < end)
    )
    rows = list(connection.execute(query))
    failed = failures_on(connection, [row.id for row in rows], begin, end)
    is_last = day == last_day(node)
    return [farmer_on(row, day, failed.get(row.id, {}), is_last=is_last) for row in rows]


def farmer_on(row: AnyRow, day: int, failed: Mapping[str, int], *, is_last: bool) -> FarmerOnDay:
    """One farmer on *day*, from its row and its row of that day."""
    parts = [(row.heartbeats or 0, row.waited)]
    if row.day == day:
        parts.append((row.day_heartbeats, row.day_waited))
    counted = [(count, waited) for count, waited in parts if count]
    waits = [waited for _, waited in counted]
    return FarmerOnDay(
        farmer_id=row.farmer_id,
        country=row.country or UNKNOWN,
        client=row.client or UNKNOWN,
        held=row.size if is_last else 0,
        answered=sum(count for count, _ in counted),
        waited=None if None in waits else sum(waits),
        failed=failed,
    )


def failures_on(
    connection: Connection, farmers: list[int], begin: int, end: int
) -> dict[int, dict[str, int]]:
    """Failures of these *farmers* from the instant *begin* to *end*, by farmer and kind."""
    query = (
        select(Failure.farmer, Failure.kind, func.sum(Failure.count))
        .where(
            Failure.farmer.in_(farmers),
            # By minute for the sake of the index, by instant for exactness.
            Failure.minute.between(begin // MINUTE, end // MINUTE),
            Failure.last >= begin,
            Failure.last < end,
        )
        .group_by(Failure.farmer, Failure.kind)
    )
    found: dict[int, dict[str, int]] = {}
    for farmer, kind, count in connection.execute(query):
        found.setdefault(farmer, {})[kind] = int(count)
    return found


def raw(  # noqa: PLR0913, PLR0917 - all that a row is made of
    node: Node, definition: AnyRow, value: Value, farmer_id: str, day: int, now: WallTime
) -> dict[str, Any]:
    """The row of one measure."""
    start = day * DAY
    texts = [group_text(group) or group_text(UNKNOWN) for group in value.groups]
    groups = (*texts, None, None, None)[:3]
    period = period_start(definition.aggregation_period, start)
    return {
        "definition": definition.id,
        "value": float(value.value),
        "start": start,
        "arrived": now,
        "aggregation_period": definition.aggregation_period,
        **dict(zip(("group1", "group2", "group3"), groups, strict=True)),
        "cell_key": cell_key(start, None, *groups),
        "contributor": node.keys.contributor_hash(definition.id, period, farmer_id),
    }


def receipt_of(day: int, first: int | None = None) -> bytes:
    """What stands for a recorded range, or without *first* for a whole day. 32 bytes.

    No request can come with the same key: those are texts without a zero.
    """
    return hashlib.sha256(f"\0telemetry {day} {first}".encode()).digest()


def has_receipt(connection: Connection, receipt: bytes) -> bool:
    """Whether that was recorded."""
    query = select(MeasureReceipt.id)
    query = query.where(MeasureReceipt.org == ORG, MeasureReceipt.key_hash == receipt)
    return connection.execute(query).one_or_none() is not None


def take(connection: Connection, receipt: bytes, now: WallTime) -> bool:
    """Note that it is recorded; False if it was noted before.

    Of two processes at once the unique key of receipts refuses one, which then looks again.
    """
    if has_receipt(connection, receipt):
        return False
    row = {"org": ORG, "key_hash": receipt, "content_hash": receipt, "arrived": now}
    connection.execute(insert(MeasureReceipt).values(row))
    return True
