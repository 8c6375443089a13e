"""What an operator can do about aggregates that are wrong: look at what was set aside, and undo.

Undoing makes measures count as not yet aggregated. Privacy budget that was spent on the deleted
results stays spent.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from downstream_node.database import batched
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

    One transaction: either all of it happens or nothing. Raises UnknownMeasure.
    """
    definition = definition_of(node, name).id
    return node.database.write(lambda connection: undo_in(connection, definition, start_ms))


def undo_in(connection: Connection, definition: int, start_ms: int) -> Undone:
    """Do what `undo` says within a transaction."""
    cells = select(Cell.id, Cell.last_purged).where(
        Cell.definition == definition, Cell.start >= start_ms
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
        for model in (CellContributor, Release):
            connection.execute(delete(model).where(model.cell.in_(some)))
        connection.execute(delete(Cell).where(Cell.id.in_(some)))
    again = update(MeasureDefinition).where(MeasureDefinition.id == definition)
    connection.execute(again.values(last_run=None))
    return Undone(len(ids), measures, len(found) - len(ids))
