"""Counts the measures that came into their cells: the job, and by hand.

What is not counted yet has no cell; it gets one in the transaction that counts it. So nothing
depends on the order of clocks or commits: what is committed late is found by the next run. Two
runs at once may start on the same measures; the cells' locks put them in a row, and whoever finds
that measures were counted meanwhile leaves them.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    Connection,
    Subquery,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.exc import DataError, IntegrityError

from downstream_node.database import AnyRow, batched, insert_missing_from, is_among, table_of
from downstream_node.errors import DownstreamError
from downstream_node.measures import cell_quartiles, definitions, releasing, results
from downstream_node.measures.models import (
    LONGEST_REASON,
    Cell,
    CellContributor,
    MeasureDefinition,
    QuarantinedMeasure,
    RawMeasure,
)
from downstream_node.measures.moments import LARGEST, Moments, merged
from downstream_node.measures.periods import is_due
from downstream_node.measures.quantiles import Quartiles
from downstream_node.measures.rules import fingerprint
from downstream_node.node import Node

log = logging.getLogger(__name__)

CHUNK = 100_000
"""Measures in a transaction. A cell is written once in each, however many measures it gets; on
SQLite, where others wait meanwhile, it takes a second or two."""
NO_NUMBER = f"The value is not a number between -{LARGEST:g} and {LARGEST:g}."
PLACE = ("definition", "cell_key", "start", "created_by", "group1", "group2", "group3")
MOMENTS = {
    **dict.fromkeys(("count", "count_not_zero"), int),
    **dict.fromkeys(("total", "mean", "deviations", "least", "greatest"), float),
}
"""The columns of a cell's moments, in the order of `Moments`."""
NO_QUARTILES = (None, None, None)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A measure that is not counted: its id, and the key of its cell (32 bytes)."""

    id: int
    cell_key: bytes


class CountedMeanwhile(DownstreamError):
    """Another run has counted some of these measures: look again for what is left."""


def aggregate_all(node: Node, *, force: bool = False) -> dict[str, int]:
    """One run of every definition that is due (all with *force*): the measures counted, by name.

    A definition that fails is logged and the others run all the same; the first failure is
    raised when all have had their run.
    """
    found = node.database.read(definitions.all_of)
    now = node.wall_clock()
    counts, failures = {}, []
    for row in found:
        if force or is_due(row.last_run, row.execution_frequency, now):
            try:
                counts[row.name] = run(node, row)
            except Exception as failure:
                log.exception("The measures of %r could not be aggregated.", row.name)
                failures.append(failure)
    if failures:
        raise failures[0]
    return counts


def aggregate(node: Node, name: str, *, force: bool = False) -> int:
    """Count what came for the definition *name*; returns how many measures were counted.

    Does nothing before its time by execution_frequency has come, unless *force* is set.
    Raises UnknownMeasure.
    """
    row = results.definition_of(node, name)
    if not force and not is_due(row.last_run, row.execution_frequency, node.wall_clock()):
        return 0
    return run(node, row)


def run(node: Node, definition: AnyRow) -> int:
    """Count all that is not counted yet, a chunk in each transaction; returns how much.

    Then release what may be seen by now: so no release lacks what had come before it.
    """
    began = node.wall_clock()
    counted = 0
    while waiting := node.database.read(lambda connection: oldest(connection, definition.id)):
        sound = [Waiting(row.id, bytes(row.cell_key)) for row in waiting if row.sound]
        for row in waiting:
            if not row.sound:
                set_aside(node, row.id, NO_NUMBER)
        counted += count_or_set_aside(node, definition, sound)
    if definition.with_quartiles and not definition.quartiles_kept:
        cell_quartiles.fill(node, definition.id)
    releasing.release_what_is_due(node, definition)
    node.database.write(lambda connection: note_run(connection, definition, began))
    return counted


def note_run(connection: Connection, definition: AnyRow, began: int) -> None:
    """Note when the run began, unless the rules changed since, which asks for another run."""
    this = MeasureDefinition.id == definition.id
    now = connection.execute(definitions.ALL.where(this).with_for_update(key_share=True)).one()
    if fingerprint(now) == fingerprint(definition):
        connection.execute(update(MeasureDefinition).where(this).values(last_run=began))


def oldest(connection: Connection, definition: int) -> Sequence[AnyRow]:
    """The oldest measures that are not counted: id, cell_key, and whether the value can be."""
    sound = RawMeasure.value.between(-LARGEST, LARGEST).label("sound")
    query = (
        select(RawMeasure.id, RawMeasure.cell_key, sound)
        .where(RawMeasure.definition == definition, RawMeasure.cell.is_(None))
        .order_by(RawMeasure.id)
        .limit(CHUNK)
    )
    return connection.execute(query).all()


def count_or_set_aside(node: Node, definition: AnyRow, waiting: Sequence[Waiting]) -> int:
    """Count the *waiting* measures, but for those that the database refuses; returns how many.

    The refused are found by halving, and quarantined, so that they do not stop the rest.
    """
    if not waiting:
        return 0
    now = node.wall_clock()
    try:
        node.database.write(lambda connection: count_in(connection, definition, waiting, now))
    except CountedMeanwhile:
        return 0
    except (DataError, IntegrityError) as error:
        if len(waiting) == 1:
            set_aside(node, waiting[0].id, f"The database refuses it: {type(error).__name__}.")
            return 0
        middle = len(waiting) // 2
        parts = (waiting[:middle], waiting[middle:])
        return sum(count_or_set_aside(node, definition, part) for part in parts)
    return len(waiting)


def count_in(
    connection: Connection, definition: AnyRow, waiting: Sequence[Waiting], now: int
) -> None:
    """Count the *waiting* measures into their cells.

    Raises CountedMeanwhile, for the caller to roll back, if some of them are counted already.
    """
    # As it is now, and stays until this is committed: see `redefining.change`.
    definition = definitions.held(connection, definition.id)
    chosen = table_of(connection, {"id": int}, [(one.id,) for one in waiting])
    news = {bytes(row.cell_key): row for row in grouped(connection, chosen)}
    if sum(row.counted for row in news.values()) != len(waiting):
        # Another run has counted some, and a purge has deleted them already.
        raise CountedMeanwhile
    places = found_or_made(connection, definition.id, news, now)
    cells = locked_cells(connection, sorted(places.values()))
    mark(connection, [(one.id, places[one.cell_key]) for one in waiting])
    changed = {
        cell.id: merged(moments(cell), moments(news[bytes(cell.cell_key)])) for cell in cells
    }
    bounds = {cell: (values.least, values.greatest) for cell, values in changed.items()}
    quartiles = (
        cell_quartiles.worked_out(connection, definition.id, bounds)
        if definition.with_quartiles
        else {}
    )
    store(connection, changed, quartiles, now)
    if any(row.named for row in news.values()):
        add_contributors(connection, chosen)


def grouped(connection: Connection, chosen: Subquery) -> Sequence[AnyRow]:
    """The moments of the *chosen* measures by cell, and one measure of each.

    `named` says how many of them name a contributor. Deviations are from the group's own mean:
    from sums of squares they would cancel out.
    """
    mean = func.avg(RawMeasure.value).over(partition_by=RawMeasure.cell_key).label("mean")
    columns = (RawMeasure.id, RawMeasure.cell_key, RawMeasure.value, RawMeasure.contributor)
    raw = select(*columns, mean).join(chosen, chosen.c.id == RawMeasure.id).subquery()
    apart = raw.c.value - raw.c.mean
    query = select(
        raw.c.cell_key,
        func.min(raw.c.id).label("first"),
        func.count().label("counted"),
        func.sum(case((raw.c.value != 0, 1), else_=0)).label("count_not_zero"),
        func.sum(raw.c.value).label("total"),
        func.min(raw.c.mean).label("mean"),
        func.sum(apart * apart).label("deviations"),
        func.min(raw.c.value).label("least"),
        func.max(raw.c.value).label("greatest"),
        func.count(raw.c.contributor).label("named"),
    )
    return connection.execute(query.group_by(raw.c.cell_key)).all()


def moments(row: AnyRow) -> Moments:
    """The moments in a row; drivers give sums of whole numbers in types of their own."""
    return Moments(
        row.counted,
        int(row.count_not_zero),
        row.total,
        row.mean,
        row.deviations,
        row.least,
        row.greatest,
    )


def found_or_made(
    connection: Connection, definition: int, news: Mapping[bytes, AnyRow], now: int
) -> dict[bytes, int]:
    """The ids of the cells of *news* by key; those that are missing are made, empty.

    Keys are looked up in one table at a time, here and in what follows no more than one table is
    joined with a list of ids. With a third one in it, PostgreSQL may take the cells of a new
    definition for none, and compare each measure with each cell: minutes instead of seconds.
    """
    places = places_of(connection, definition, sorted(news))
    missing = [key for key in sorted(news) if key not in places]
    if missing:
        make_cells(connection, [news[key].first for key in missing], now)
        places |= places_of(connection, definition, missing)
    return places


def places_of(connection: Connection, definition: int, keys: Sequence[bytes]) -> dict[bytes, int]:
    """The ids of the cells of *definition* that are there, by key."""
    query = select(Cell.cell_key, Cell.id).where(Cell.definition == definition)
    return {
        bytes(key): number
        for some in batched(keys)
        for key, number in connection.execute(
            query.where(is_among(connection, Cell.cell_key, some))
        )
    }


def make_cells(connection: Connection, firsts: Sequence[int], now: int) -> None:
    """Make the cells of the measures with the ids *firsts*, empty, unless somebody else does."""
    place = [getattr(RawMeasure, name) for name in PLACE]
    zeros = [literal(kind(0)).label(name) for name, kind in MOMENTS.items()]
    first = table_of(connection, {"id": int}, [(number,) for number in firsts])
    query = (
        select(*place, *zeros, literal(0).label("contributors"), literal(now).label("now"))
        .where(RawMeasure.id == first.c.id)
        .order_by(RawMeasure.cell_key)
    )
    names = [*PLACE, *MOMENTS, "contributors", "last_updated"]
    insert_missing_from(connection, Cell, names, query)


def locked_cells(connection: Connection, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The cells *ids*, which are in order, as they are, locked until the transaction ends."""
    held = [getattr(Cell, name) for name in list(MOMENTS)[1:]]
    query = select(Cell.id, Cell.cell_key, Cell.count.label("counted"), *held)
    return [
        cell
        for some in batched(ids)
        for cell in connection.execute(
            query.where(is_among(connection, Cell.id, some)).order_by(Cell.id).with_for_update()
        )
    ]


def mark(connection: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    """Note at measures which cell counts them: *pairs* of their ids.

    Raises CountedMeanwhile unless all of them had none.
    """
    marks = table_of(connection, {"id": int, "cell": int}, pairs)
    marking = update(RawMeasure).values(cell=marks.c.cell)
    marking = marking.where(
        RawMeasure.id == marks.c.id,
        # Not "IS NULL": who counts on few such rows would look for each of them in the list.
        func.coalesce(RawMeasure.cell, 0) == 0,
    )
    if connection.execute(marking).rowcount != len(pairs):
        raise CountedMeanwhile


def store(
    connection: Connection,
    changed: Mapping[int, Moments],
    quartiles: Mapping[int, Quartiles],
    now: int,
) -> None:
    """Write the moments of the *changed* cells, and their *quartiles*: who has none loses them."""
    columns = MOMENTS | dict.fromkeys(cell_quartiles.NAMES, float) if quartiles else MOMENTS
    stale = {} if quartiles else dict.fromkeys(cell_quartiles.NAMES, null())
    for some in batched(changed.items()):
        rows = [
            (
                cell,
                *(getattr(values, name) for name in MOMENTS),
                *(quartiles.get(cell, NO_QUARTILES) if quartiles else ()),
            )
            for cell, values in some
        ]
        new = table_of(connection, {"id": int, **columns}, rows)
        values = {name: new.c[name] for name in columns} | {"last_updated": now} | stale
        values["pending"] = True
        connection.execute(update(Cell).values(values).where(Cell.id == new.c.id))


def add_contributors(connection: Connection, chosen: Subquery) -> None:
    """Count who contributed to a cell for the first time with one of the *chosen* measures."""
    # Distinct first: that is joined by itself, whatever PostgreSQL expects of those who are known.
    given = (
        select(RawMeasure.cell, RawMeasure.contributor)
        .join(chosen, chosen.c.id == RawMeasure.id)
        .where(RawMeasure.contributor.is_not(None))
        .distinct()
        .subquery()
    )
    known = exists().where(
        CellContributor.cell == given.c.cell, CellContributor.contributor == given.c.contributor
    )
    query = select(given.c.cell, given.c.contributor).where(~known)
    pairs = query.subquery()
    per_cell = select(pairs.c.cell, func.count()).group_by(pairs.c.cell)
    # The cells are locked, so what is new now is what the second statement inserts.
    added = table_of(
        connection,
        {"cell": int, "added": int},
        [tuple(row) for row in connection.execute(per_cell)],
    )
    insert_missing_from(connection, CellContributor, ["cell", "contributor"], query)
    more = update(Cell).values(contributors=Cell.contributors + added.c.added)
    connection.execute(more.where(Cell.id == added.c.cell))


def set_aside(node: Node, measure: int, reason: str) -> None:
    """Move the raw measure with the id *measure* into quarantine, unless it is counted."""
    log.warning("Measure %d is set aside: %s", measure, reason)
    now = node.wall_clock()
    node.database.write(lambda connection: quarantine(connection, measure, reason, now))


def quarantine(connection: Connection, measure: int, reason: str, now: int) -> None:
    """Move one raw measure into quarantine, unless it is counted or gone."""
    waits = and_(RawMeasure.id == measure, RawMeasure.cell.is_(None))
    row = connection.execute(select(RawMeasure.__table__).where(waits)).one_or_none()
    if row is None or connection.execute(delete(RawMeasure).where(waits)).rowcount != 1:
        return
    kept = {
        "definition": row.definition,
        "measure": as_json(row),
        "reason": reason[:LONGEST_REASON],
        "rejected": now,
    }
    connection.execute(insert(QuarantinedMeasure).values(kept))


def as_json(row: AnyRow) -> str:
    """A raw measure as JSON, without its contributor; its value is a text, whatever it is."""
    names = ("start", "arrived", "created_by", "aggregation_period", "group1", "group2", "group3")
    shown = {name: getattr(row, name) for name in names} | {"value": repr(row.value)}
    return msgspec.json.encode(shown).decode()
