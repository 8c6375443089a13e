"""What may be given out of a definition's cells: the only way from cells to readers.

A definition with the document's rule alone is read from its cells. A stricter one is read from
its releases, which stay as they are until the rules allow others (`releasing.py`).
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_

from downstream_node.database import AnyRow
from downstream_node.errors import Busy, UnknownMeasure
from downstream_node.measures import definitions
from downstream_node.measures.cells import Scalar, group_value
from downstream_node.measures.models import Cell, Release
from downstream_node.measures.moments import sample_deviation
from downstream_node.measures.rules import fingerprint
from downstream_node.node import Node

OrderKey: TypeAlias = tuple[int, str, str, str, str, int]
"""Where a row stands in the order of results, to continue after it."""
PAGE = 2000
"""Rows that are in memory at once where results are streamed."""
RULES_CHANGED = "The rules of this measure have just been changed. Please ask again."


class Numbers(msgspec.Struct, frozen=True):
    """The numbers of one aggregate as they are given out. None: not given out."""

    count: int
    total: float
    avg: float
    count_not_zero: int | None = None
    least: float | None = None
    greatest: float | None = None
    std: float | None = None
    first_quartile: float | None = None
    median: float | None = None
    third_quartile: float | None = None
    approximate: bool = False
    noisy: bool = False


NO_QUARTILES: dict[str, Any] = {
    **dict.fromkeys(("first_quartile", "median", "third_quartile")),
    "approximate": False,
}


class AggregateRow(Numbers, frozen=True, kw_only=True):
    """One aggregate that may be given out.

    `start` is in milliseconds; `groups` has for each slot (group1, group2, group3) its value, or
    None. `approximate` speaks of the quartiles: they come from a sketch. A `noisy` row has no
    numbers but count, total and avg.
    """

    start: int
    created_by: str | None
    groups: dict[str, Scalar | None]
    order_key: OrderKey


def definition_of(node: Node, name: str) -> AnyRow:
    """The definition *name*. Raises UnknownMeasure."""
    row = node.database.read(lambda connection: definitions.by_name(connection, name))
    if row is None:
        raise UnknownMeasure(name)
    return row


def is_strict(definition: AnyRow) -> bool:
    """Whether results have to be released before they can be read."""
    return bool(
        definition.release_at_period_end
        or definition.suppress_complements
        or definition.noise_epsilon is not None
    )


def weight(definition: AnyRow) -> ColumnElement[int]:
    """What the threshold counts in a cell: contributions or contributors."""
    column = Cell.contributors if definition.count_contributors else Cell.count
    return column.expression


def released_weight(definition: AnyRow) -> ColumnElement[int]:
    """What the threshold counts in what a release was made from."""
    column = Release.contributors if definition.count_contributors else Release.count
    return column.expression


NUMBERS = (
    # Not "count": every row of SQLAlchemy has a method of that name.
    *(
        Cell.count.label("counted"),
        Cell.count_not_zero,
        Cell.total,
        Cell.mean,
        Cell.deviations,
        Cell.least,
    ),
    *(Cell.greatest, Cell.first_quartile, Cell.median, Cell.third_quartile),
    Cell.sketch.is_not(None).label("sketched"),
    *(Cell.last_updated, Cell.last_purged),
)
PLACE = (Cell.id, Cell.start, Cell.created_by, Cell.group1, Cell.group2, Cell.group3)
ORDER = (
    Cell.start,
    *(func.coalesce(name, "") for name in PLACE[2:]),
    Cell.id,
)
"""Nulls sort first on each database this way; the id tells an empty name from none."""


def aggregates(  # noqa: PLR0913, PLR0917 - who asks may narrow it in each way
    node: Node,
    definition: AnyRow,
    start_ms: int,
    end_ms: int,
    created_by: str | None = None,
    after: OrderKey | None = None,
    limit: int | None = None,
) -> list[AggregateRow]:
    """Results with *start_ms* <= start < *end_ms*, as far as they may be given out.

    Ordered by start, app and groups; those of one app if *created_by* is given; at most *limit*,
    from behind the row whose order_key is *after*. Raises Busy if the rules have changed since
    *definition* was read.
    """
    query = chosen(definition).where(
        Cell.definition == definition.id,
        Cell.start >= (start_ms if after is None else max(start_ms, after[0])),
        Cell.start < end_ms,
    )
    if created_by is not None:
        query = query.where(Cell.created_by == created_by)
    if after is not None:
        query = query.where(tuple_(*ORDER) > tuple_(*after))

    def work(connection: Connection) -> list[AggregateRow]:
        page = query if limit is None else upto(connection, query, limit)
        rows = read(connection, definition, page.order_by(*ORDER).limit(limit))
        # Asked afterwards: rules that hold now held when the rows were read.
        if not definitions.has_these_rules(connection, definition):
            raise Busy(RULES_CHANGED)
        return rows

    return node.database.read(work)


def pages(
    node: Node, definition: AnyRow, start_ms: int, end_ms: int, created_by: str | None = None
) -> Iterator[list[AggregateRow]]:
    """What `aggregates` returns, PAGE rows at a time: each page is read when it is asked for.

    The last one has fewer rows, perhaps none. Between two pages results may change: each row is
    one that could be read meanwhile, and none comes twice.
    """
    after = None
    while True:
        rows = aggregates(node, definition, start_ms, end_ms, created_by, after, PAGE)
        yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1].order_key


def upto(
    connection: Connection, query: Select[*tuple[Any, ...]], limit: int
) -> Select[*tuple[Any, ...]]:
    """*query* without the starts that lie beyond its first *limit* rows.

    Starts are found in order through an index; the whole order is not, and without this each page
    would sort all that follows it.
    """
    starts = query.with_only_columns(Cell.start).order_by(Cell.start)
    last = connection.execute(starts.offset(limit - 1).limit(1)).scalar_one_or_none()
    return query if last is None else query.where(Cell.start <= last)


def chosen(definition: AnyRow) -> Select[*tuple[Any, ...]]:
    """The query for what may be given out, of all starts.

    Of a strict definition that is what was released, was large enough when it was, and has been
    held against the rules of today.
    """
    threshold = definition.aggregation_threshold
    if is_strict(definition):
        released = select(*PLACE, Release.result).join(Release, Release.cell == Cell.id)
        return released.where(
            Release.count > 0,
            released_weight(definition) >= threshold,
            Release.hidden.is_(False),
            Release.rules == fingerprint(definition),
        )
    return select(*PLACE, *NUMBERS).where(weight(definition) >= threshold, Cell.count > 0)


def read(
    connection: Connection, definition: AnyRow, query: Select[*tuple[Any, ...]]
) -> list[AggregateRow]:
    """The rows of *query*, which comes from `chosen`."""
    quartiles = bool(definition.with_quartiles)
    found = released_numbers if is_strict(definition) else numbers
    return [placed(row, found(row, quartiles)) for row in connection.execute(query)]


def released_numbers(row: AnyRow, with_quartiles: bool) -> Numbers:
    """The numbers of a release."""
    values = msgspec.json.decode(row.result, type=Numbers)
    return values if with_quartiles else msgspec.structs.replace(values, **NO_QUARTILES)


def numbers(row: AnyRow, with_quartiles: bool) -> Numbers:
    """The numbers of a cell, from the columns NUMBERS."""
    return Numbers(
        count=row.counted,
        count_not_zero=row.count_not_zero,
        total=row.total,
        avg=row.mean,
        least=row.least,
        greatest=row.greatest,
        std=sample_deviation(row.counted, row.deviations),
        first_quartile=row.first_quartile if with_quartiles else None,
        median=row.median if with_quartiles else None,
        third_quartile=row.third_quartile if with_quartiles else None,
        approximate=with_quartiles and is_approximate(row),
    )


def is_approximate(row: AnyRow) -> bool:
    """Whether a cell's quartiles come from its sketch.

    What was worked out before the values were purged is exact, and stays until more come.
    """
    return bool(row.sketched and row.median is not None and row.last_updated >= row.last_purged)


def placed(row: AnyRow, values: Numbers) -> AggregateRow:
    """*values* with the place of their cell, from the columns PLACE."""
    texts = (row.group1, row.group2, row.group3)
    groups = {
        f"group{slot}": None if text is None else group_value(text)
        for slot, text in enumerate(texts, 1)
    }
    key = (row.start, row.created_by or "", *(text or "" for text in texts), row.id)
    return AggregateRow(
        *msgspec.structs.astuple(values),
        start=row.start,
        created_by=row.created_by,
        groups=groups,
        order_key=key,
    )
