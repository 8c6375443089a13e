"""Deletes raw measures that are counted and old; their cells stay as they are.

Where quartiles are wanted, the values go into the sketch of their cell first, so that what comes
later still finds a distribution to be added to.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, and_, bindparam, delete, select, update

from downstream_node.database import AnyRow, Conflict, batched, table_of
from downstream_node.measures import definitions
from downstream_node.measures.models import Cell, RawMeasure
from downstream_node.measures.periods import DAY
from downstream_node.measures.quantiles import with_values
from downstream_node.measures.results import definition_of
from downstream_node.node import Node

CHUNK = 50_000
"""Measures in a transaction."""
DAYS = 90
"""How old measures are that nobody needs any more, unless told otherwise."""


def purge_all(node: Node, days: int = DAYS) -> dict[str, int]:
    """Purge all definitions, as `purge` does; the measures deleted, by name."""
    found = node.database.read(definitions.all_of)
    return {row.name: purge_old(node, row, days) for row in found}


def purge(node: Node, name: str, days: int = DAYS) -> int:
    """Delete the measures of *name* that came *days* ago or earlier and are counted; how many.

    With quartiles at least max_days_to_update_quartile days must have passed, too.
    Raises UnknownMeasure.
    """
    return purge_old(node, definition_of(node, name), days)


def purge_old(node: Node, definition: AnyRow, days: int) -> int:
    """Delete the measures of *definition* that are counted and old enough; how many."""
    if definition.with_quartiles:
        days = max(days, definition.max_days_to_update_quartile)
    now = node.wall_clock()
    purged = 0
    while chunk := node.database.write(
        lambda connection: purge_chunk(connection, definition, now - days * DAY, now)
    ):
        purged += chunk
    return purged


def purge_chunk(connection: Connection, definition: AnyRow, until: int, now: int) -> int:
    """Delete counted measures that arrived at *until* or before, CHUNK at most; how many.

    Raises Conflict if another purge takes them at the same time.
    """
    counted = and_(
        RawMeasure.definition == definition.id,
        RawMeasure.cell.is_not(None),
        RawMeasure.arrived <= until,
    )
    query = select(RawMeasure.id, RawMeasure.cell).where(counted).order_by(RawMeasure.id)
    found = connection.execute(query.limit(CHUNK)).all()
    ids = [row.id for row in found]
    for some in batched(sorted({row.cell for row in found})):
        lock_and_note(connection, definition, some, ids, now)
    return delete_all(connection, ids)


def lock_and_note(
    connection: Connection, definition: AnyRow, cells: Sequence[int], ids: list[int], now: int
) -> None:
    """Stamp the *cells* as purged and put their values among the measures *ids* into sketches.

    A cell from which values were purged without a sketch gets none any more: it would speak of a
    part of the values only.
    """
    query = select(Cell.id, Cell.sketch, Cell.last_purged).where(Cell.id.in_(cells))
    held = connection.execute(query.order_by(Cell.id).with_for_update()).all()
    whole = [cell for cell in held if cell.sketch is not None or cell.last_purged is None]
    keeps = bool(definition.with_quartiles)
    values = values_of(connection, cells, ids) if keeps else {}
    stamp = update(Cell).where(Cell.id.in_(cells))
    connection.execute(stamp.values({"last_purged": now} | ({} if keeps else {"sketch": None})))
    if keeps and whole:
        into = update(Cell).where(Cell.id == bindparam("of")).values(sketch=bindparam("made"))
        made = [
            {"of": cell.id, "made": with_values(cell.sketch, values[cell.id])} for cell in whole
        ]
        connection.execute(into, made)


def values_of(
    connection: Connection, cells: Sequence[int], ids: list[int]
) -> dict[int, list[float]]:
    """The values of the measures *ids* by cell, for those in *cells*."""
    chosen = table_of(connection, {"id": int}, [(number,) for number in ids])
    query = select(RawMeasure.cell.label("marked"), RawMeasure.value)
    query = query.join(chosen, chosen.c.id == RawMeasure.id)
    values: dict[int, list[float]] = defaultdict(list)
    for row in connection.execute(query.where(RawMeasure.cell.in_(cells))):
        values[row.marked].append(row.value)
    return values


def delete_all(connection: Connection, ids: list[int]) -> int:
    """Delete the measures *ids*, which are all there; how many."""
    for some in batched(ids):
        if connection.execute(delete(RawMeasure).where(RawMeasure.id.in_(some))).rowcount != len(
            some
        ):
            raise Conflict
    return len(ids)
