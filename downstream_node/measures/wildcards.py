"""Aggregates over all values of some groups, worked out from raw measures when they are asked for.

They are printed and not stored: beside the cells of which they are the total they would tell what
is hidden among these. So there are none of strict definitions.
"""

from collections.abc import Collection

from sqlalchemy import Connection, case, func, literal, select

from downstream_node.database import AnyRow
from downstream_node.errors import NotAllowed
from downstream_node.measures.models import RawMeasure
from downstream_node.measures.moments import LARGEST, sample_deviation
from downstream_node.measures.results import (
    AggregateRow,
    Numbers,
    definition_of,
    is_strict,
    placed,
)
from downstream_node.node import Node

ANY = '"*"'
"""The JSON text that stands for all values of a group."""
SLOTS = ("group1", "group2", "group3")


def wildcard(
    node: Node, name: str, slots: Collection[str], first_ms: int, beyond_ms: int
) -> list[AggregateRow]:
    """Results of *name* without the groups *slots*, of what arrived in a range of times.

    From the raw measures that are left: what was purged is not in it. Quartiles are not worked out.
    Raises UnknownMeasure; NotAllowed for a strict definition, or for a slot that it does not have.
    """
    definition = definition_of(node, name)
    if is_strict(definition):
        raise NotAllowed(
            f"{name} has stricter rules: a total over its groups could give away what is hidden."
        )
    for slot in slots:
        if slot not in SLOTS or getattr(definition, f"{slot}_key") is None:
            raise NotAllowed(f"{name} has no {slot[:20]}: groups are group1, group2 and group3.")
    rows = node.database.read(
        lambda connection: found(connection, definition, slots, first_ms, beyond_ms)
    )
    return [result(row) for row in rows]


def found(
    connection: Connection, definition: AnyRow, slots: Collection[str], first: int, beyond: int
) -> list[AnyRow]:
    """The moments by what is left of the groups, of those with a threshold's worth."""
    groups = [
        (literal(ANY) if slot in slots else getattr(RawMeasure, slot)).label(slot) for slot in SLOTS
    ]
    kept = [getattr(RawMeasure, slot) for slot in SLOTS if slot not in slots]
    mean = func.avg(RawMeasure.value).over(
        partition_by=[RawMeasure.start, RawMeasure.created_by, *kept]
    )
    raw = (
        select(
            RawMeasure.start,
            RawMeasure.created_by,
            *groups,
            RawMeasure.value,
            RawMeasure.contributor,
            mean.label("mean"),
        )
        .where(
            RawMeasure.definition == definition.id,
            RawMeasure.arrived >= first,
            RawMeasure.arrived < beyond,
            RawMeasure.value.between(-LARGEST, LARGEST),
        )
        .subquery()
    )
    counted = (
        func.count(raw.c.contributor.distinct())
        if definition.count_contributors
        else (func.count())
    )
    apart = raw.c.value - raw.c.mean
    columns = [raw.c.start, raw.c.created_by, *(raw.c[slot] for slot in SLOTS)]
    query = select(
        *columns,
        literal(0).label("id"),
        func.count().label("counted"),
        func.sum(case((raw.c.value != 0, 1), else_=0)).label("count_not_zero"),
        func.sum(raw.c.value).label("total"),
        func.min(raw.c.mean).label("mean"),
        func.sum(apart * apart).label("deviations"),
        func.min(raw.c.value).label("least"),
        func.max(raw.c.value).label("greatest"),
    )
    query = query.group_by(*columns).having(counted >= definition.aggregation_threshold)
    return list(connection.execute(query.order_by(*columns)))


def result(row: AnyRow) -> AggregateRow:
    """One row as results have it."""
    values = Numbers(
        count=row.counted,
        total=row.total,
        avg=row.mean,
        count_not_zero=int(row.count_not_zero),
        least=row.least,
        greatest=row.greatest,
        std=sample_deviation(row.counted, row.deviations),
    )
    return placed(row, values)
