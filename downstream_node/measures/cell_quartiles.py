"""The quartiles of cells, worked out anew when a cell changes and kept with it.

They are exact where all values of a cell are there. Where some were purged into its sketch, they
come from the sketch and from what came later. A cell whose values were purged without a sketch
has none.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, func, select, update

from downstream_node.database import MOST_PARAMETERS, batched, is_among, table_of
from downstream_node.measures.models import Cell, MeasureDefinition, RawMeasure
from downstream_node.measures.quantiles import Quartiles, quartiles, sketched_quartiles
from downstream_node.node import Node

NAMES = ("first_quartile", "median", "third_quartile")
QUARTERS = (1, 2, 3)
Bounds: TypeAlias = tuple[float, float]
"""The least and the greatest value of a cell."""


def fill(node: Node, definition: int) -> None:
    """Work out the quartiles of the cells that have none, though they can have them; once.

    That is where with_quartiles was set after measures had come. From then on whoever counts into
    a cell keeps them.
    """
    complete = Cell.last_purged.is_(None) | Cell.sketch.is_not(None)
    query = select(Cell.id, Cell.least, Cell.greatest).where(
        Cell.definition == definition, Cell.median.is_(None), Cell.count > 0, complete
    )
    query = query.order_by(Cell.id).limit(MOST_PARAMETERS).with_for_update()
    wanted = update(MeasureDefinition).where(
        MeasureDefinition.id == definition, MeasureDefinition.with_quartiles
    )

    def some(connection: Connection) -> int:
        cells = connection.execute(query).all()
        bounds = {cell.id: (cell.least, cell.greatest) for cell in cells}
        store(connection, worked_out(connection, definition, bounds))
        return len(cells)

    while node.database.write(some) == MOST_PARAMETERS:
        pass
    # Whoever sets with_quartiles to another value takes this back.
    node.database.write(lambda connection: connection.execute(wanted.values(quartiles_kept=True)))


def store(connection: Connection, quartiles_of: Mapping[int, Quartiles]) -> None:
    """Write the quartiles of cells."""
    rows = [(cell, *values) for cell, values in quartiles_of.items()]
    new = table_of(connection, {"id": int, **dict.fromkeys(NAMES, float)}, rows)
    values = {name: new.c[name] for name in NAMES}
    connection.execute(update(Cell).values(values).where(Cell.id == new.c.id))


def worked_out(
    connection: Connection, definition: int, bounds: Mapping[int, Bounds]
) -> dict[int, Quartiles]:
    """The quartiles of cells of *definition*, which are locked; of those that can have any.

    *bounds* has the least and the greatest value of each. Their measures are marked already, so
    that all that counts is found.
    """
    found: dict[int, Quartiles] = {}
    for some in batched(bounds):
        query = select(Cell.id, Cell.sketch, Cell.last_purged)
        cells = connection.execute(query.where(is_among(connection, Cell.id, some))).all()
        whole = [cell.id for cell in cells if cell.last_purged is None]
        purged = {cell.id: cell.sketch for cell in cells if cell.sketch is not None}
        found |= exact(connection, definition, whole)
        found |= sketched(connection, definition, purged, bounds)
    return found


def exact(connection: Connection, definition: int, ids: Sequence[int]) -> dict[int, Quartiles]:
    """The quartiles of the cells *ids*, all of whose values are there.

    The database puts the values in order, and gives out only those next to a quartile: the ones
    at the places p, counted from 0, with |4p - q(n - 1)| < 4 for a quartile q of n values.
    """
    cell = RawMeasure.cell
    place = func.row_number().over(partition_by=cell, order_by=RawMeasure.value) - 1
    count = func.count().over(partition_by=cell)
    raw = (
        values_of(connection, definition, ids)
        .add_columns(place.label("place"), count.label("counted"))
        .subquery()
    )
    quarters = 4 * raw.c.place
    last = raw.c.counted - 1
    near = [quarters.between(q * last - 3, q * last + 3) for q in QUARTERS]
    query = select(raw).where(near[0] | near[1] | near[2])
    counts: dict[int, int] = {}
    ordered: dict[int, dict[int, float]] = defaultdict(dict)
    for number, value, at, counted in connection.execute(query).all() if ids else ():
        ordered[number][at] = value
        counts[number] = counted
    return {number: quartiles(counts[number], ordered[number]) for number in ordered}


def sketched(
    connection: Connection,
    definition: int,
    sketches: Mapping[int, bytes],
    bounds: Mapping[int, Bounds],
) -> dict[int, Quartiles]:
    """The quartiles of cells with *sketches*, from these and from what came later."""
    later: dict[int, list[float]] = defaultdict(list)
    if sketches:
        query = values_of(connection, definition, list(sketches))
        for number, value in connection.execute(query):
            later[number].append(value)
    return {
        cell: sketched_quartiles(sketch, later[cell], *bounds[cell])
        for cell, sketch in sketches.items()
    }


def values_of(
    connection: Connection, definition: int, ids: Sequence[int]
) -> Select[*tuple[Any, ...]]:
    """The query for the raw values of the cells *ids*, with the cell of each.

    A list of ids: each database finds the index by it, where a join can lead it astray.
    """
    query = select(RawMeasure.cell, RawMeasure.value)
    among = is_among(connection, RawMeasure.cell, ids)
    return query.where(RawMeasure.definition == definition, among)
