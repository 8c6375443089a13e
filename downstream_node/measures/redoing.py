"""What an operator can do about aggregates that are wrong: look at what was set aside, and undo.

Undoing makes measures count as not yet aggregated. Privacy budget that was spent on the deleted
results stays spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, null, select, update

from downstream_node.database import batched
from downstream_node.measures import cell_quartiles
from downstream_node.measures.models import (
    Cell,
    CellContributor,
    MeasureDefinition,
    QuarantinedMeasure,
    RawMeasure,
    Release,
)
from downstream_node.measures.results import definition_of
from downstream_node.node import Node

MOST_LISTED = 1000
EMPTY: dict[str, Any] = {
    **dict.fromkeys(("count", "count_not_zero", "contributors"), 0),
    **dict.fromkeys(("total", "mean", "deviations", "least", "greatest"), 0.0),
    **dict.fromkeys(cell_quartiles.NAMES, null()),
}
"""What a cell has counted that has counted nothing."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A measure that was set aside: of which definition, when (wall time, ms), as JSON, and why."""

    name: str
    rejected: int
    measure: str
    reason: str


@dataclass(frozen=True, slots=True)
class Undone:
    """How many aggregates are deleted, measures uncounted, aggregates of purged measures kept."""

    cells: int
    measures: int
    kept: int


def quarantined(node: Node, name: str | None = None) -> list[Quarantined]:
    """Up to MOST_LISTED measures (of *name*) that were set aside, newest first.

    Raises UnknownMeasure.
    """
    query = (
        select(
            MeasureDefinition.name,
            QuarantinedMeasure.rejected,
            QuarantinedMeasure.measure,
            QuarantinedMeasure.reason,
        )
        .join(MeasureDefinition, MeasureDefinition.id == QuarantinedMeasure.definition)
        .order_by(QuarantinedMeasure.id.desc())
        .limit(MOST_LISTED)
    )

    if name is not None:
        query = query.where(QuarantinedMeasure.definition == definition_of(node, name).id)
    rows = node.database.read(lambda connection: connection.execute(query).all())
    return [Quarantined(*row) for row in rows]


def undo(node: Node, name: str, start_ms: int) -> Undone:
    """Delete the aggregates of *name* from *start_ms* on whose measures are all still there.

    What was released of them is not given out until they are counted again, and stays what later
    releases are compared with. One transaction: either all of it happens or nothing. Raises
    UnknownMeasure.
    """
    definition = definition_of(node, name).id
    return node.database.write(lambda connection: undo_in(connection, definition, start_ms))


def undo_in(connection: Connection, definition: int, start_ms: int) -> Undone:
    """Do what `undo` says within a transaction."""
    # First the definition, then its cells, as whoever counts does.
    again = update(MeasureDefinition).where(MeasureDefinition.id == definition)
    connection.execute(again.values(last_run=None))
    cells = select(Cell.id, Cell.last_purged).where(
        Cell.definition == definition, Cell.start >= start_ms, Cell.count > 0
    )
    # Locked in the order in which aggregation does it. Who counts into one of them meanwhile
    # waits, finds it gone, and starts again.
    found = connection.execute(cells.order_by(Cell.id).with_for_update()).all()
    ids = [cell.id for cell in found if cell.last_purged is None]
    measures = 0
    for some in batched(ids):
        waiting = update(RawMeasure).where(
            RawMeasure.definition == definition, RawMeasure.cell.in_(some)
        )
        measures += connection.execute(waiting.values(cell=None)).rowcount
        connection.execute(delete(CellContributor).where(CellContributor.cell.in_(some)))
        remove(connection, some)
    return Undone(len(ids), measures, len(found) - len(ids))


def remove(connection: Connection, cells: Sequence[int]) -> None:
    """Delete the *cells*; those of which something was released are emptied, and keep that."""
    query = select(Release.cell).where(Release.cell.in_(cells))
    released = connection.execute(query.order_by(Release.cell)).scalars().all()
    emptied = update(Cell).where(Cell.id.in_(released))
    connection.execute(emptied.values(EMPTY))
    unjudged = update(Release).where(Release.cell.in_(released))
    connection.execute(unjudged.values(rules=None))
    gone = sorted(set(cells).difference(released))
    connection.execute(delete(Cell).where(Cell.id.in_(gone)))
