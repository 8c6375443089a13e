"""Definitions and raw measures put straight into a node's tables, and what can be read of them."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from simulator import START, SimulatedNode
from sqlalchemy import Connection, Select, insert, select

from downstream_node.database import AnyRow, Base
from downstream_node.measures import aggregating, definitions, redefining, results
from downstream_node.measures.cells import cell_key
from downstream_node.measures.models import Cell, MeasureDefinition, RawMeasure
from downstream_node.measures.periods import DAY, period_start

TODAY = period_start("day", START)
ALL = (0, 2 * START)
"""All times of tests."""
NAME = "visits"


def define(node: SimulatedNode, name: str = NAME, **values: Any) -> AnyRow:
    """Store the definition *name* with one group, and a threshold of 1 unless told otherwise."""
    row = {"name": name, "org": "org", "group1_key": "device", "aggregation_threshold": 1} | values
    node.parts.database.write(
        lambda connection: connection.execute(insert(MeasureDefinition).values(row))
    )
    return definition(node, name)


def definition(node: SimulatedNode, name: str = NAME) -> AnyRow:
    """The definition *name*."""
    return results.definition_of(node.parts, name)


def redefine(node: SimulatedNode, name: str = NAME, **values: Any) -> None:
    """Change the definition *name* as an operator does."""
    row = definition(node, name)
    changed = msgspec.structs.replace(definitions.described(row), **values)
    node.parts.database.write(lambda connection: redefining.change(connection, row.id, changed))


def measures(  # noqa: PLR0913 - all that places a measure in its cell
    node: SimulatedNode,
    values: Iterable[float],
    *,
    name: str = NAME,
    start: int = TODAY,
    app: str | None = "app",
    groups: tuple[Any, ...] = ("desktop",),
    contributors: Iterable[int] | None = None,
) -> list[dict[str, Any]]:
    """Raw measures of one cell, as rows."""
    texts = [None if group is None else json.dumps(group) for group in groups]
    texts += [None] * (3 - len(texts))
    row = {
        "definition": definition(node, name).id,
        "start": start,
        "arrived": node.clock.wall,
        "created_by": app,
        "cell_key": cell_key(start, app, texts[0], texts[1], texts[2]),
        **{f"group{slot}": text for slot, text in enumerate(texts, 1)},
    }
    made = [row | {"value": value} for value in values]
    if contributors is None:
        return made
    names = [number.to_bytes(16, "big") for number in contributors]
    return [one | {"contributor": who} for one, who in zip(made, names, strict=True)]


def bring(node: SimulatedNode, values: Iterable[float], **place: Any) -> None:
    """Store raw measures of one cell, as if they had just arrived."""
    rows = measures(node, values, **place)
    if rows:
        node.parts.database.write(lambda connection: insert_into(connection, rows))


def count(node: SimulatedNode, name: str = NAME) -> int:
    """Aggregate now; how many measures were counted."""
    return aggregating.aggregate(node.parts, name, force=True)


def shown(node: SimulatedNode, name: str = NAME, **choice: Any) -> list[results.AggregateRow]:
    """What readers get of all times."""
    return results.aggregates(node.parts, definition(node, name), *ALL, **choice)


def selected(node: SimulatedNode, query: Select[*tuple[Any, ...]]) -> list[AnyRow]:
    """The rows of *query*."""
    return list(node.parts.database.read(lambda connection: connection.execute(query).all()))


def rows(node: SimulatedNode, model: type[Base]) -> list[AnyRow]:
    """All rows of a table, by its key."""
    table = model.__table__
    return selected(node, select(table).order_by(*table.primary_key))


def cell_counts(node: SimulatedNode, what: str = "count") -> list[int]:
    """The counts of all cells, of measures or of contributors."""
    column = Cell.__table__.c[what]
    return [row[0] for row in selected(node, select(column).order_by(Cell.id))]


def day(number: int) -> int:
    """The start of the day *number* days after today."""
    return TODAY + number * DAY


def insert_into(connection: Connection, made: list[dict[str, Any]]) -> None:
    """Store raw measures in a transaction of the test's own."""
    connection.execute(insert(RawMeasure), made)
