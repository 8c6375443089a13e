"""Gives out the results of strict definitions: what is released, when, and at what price.

A release is kept as it was made, and readers get that. What the four rules protect, and what
they do not, is written down in docs/measures.md.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from downstream_node.database import AnyRow, batched, table_of
from downstream_node.measures import noise
from downstream_node.measures.complements import Sibling, shown_safely
from downstream_node.measures.models import BudgetEntry, Cell, RawMeasure, Release
from downstream_node.measures.periods import period_end, period_start
from downstream_node.measures.results import (
    NUMBERS,
    PLACE,
    Numbers,
    definition_of,
    is_strict,
    numbers,
    weight,
)
from downstream_node.node import Node

log = logging.getLogger(__name__)

ROUNDING = 1e-9
"""How far a sum of epsilons may seem to exceed the budget by its last digits."""
OUT_OF_BOUNDS = "Values outside of value_min and value_max were purged, so they cannot be bounded."


class Refusal(msgspec.Struct, frozen=True):
    """A release that was not made: the start of its cell and when it was refused (ms), and why."""

    start: int
    refused: int
    reason: str


def release(node: Node, name: str) -> int:
    """Release what may be seen of *name* by now; how many results are new. Raises UnknownMeasure.

    Aggregation does it at its end, so that what came within a period is in its release.
    """
    return release_what_is_due(node, definition_of(node, name))


def release_what_is_due(node: Node, definition: AnyRow) -> int:
    """Release what may be seen of *definition* by now; how many results are new."""
    if not is_strict(definition):
        return 0
    now = node.wall_clock()
    periods = defaultdict(list)
    for start in node.database.read(lambda connection: open_starts(connection, definition)):
        if is_over(definition, start, now):
            periods[period_start(definition.aggregation_period, start)].append(start)
    return sum(
        node.database.write(
            lambda connection, period=period, starts=starts: release_period(  # type: ignore[misc]
                connection, definition, period, starts, now
            )
        )
        for period, starts in sorted(periods.items())
    )


def is_noisy(definition: AnyRow) -> bool:
    """Whether results get noise."""
    return definition.noise_epsilon is not None


def is_over(definition: AnyRow, start: int, now: int) -> bool:
    """Whether results of *start* may be seen at all; with noise there is one answer, the last."""
    if not definition.release_at_period_end and not is_noisy(definition):
        return True
    return period_end(definition.aggregation_period, start) <= now


def open_starts(connection: Connection, definition: AnyRow) -> list[int]:
    """The starts at which something may have to be released or hidden."""
    due = and_(weight(definition) >= definition.aggregation_threshold, is_due(definition))
    changed: ColumnElement[bool] = false()
    if definition.suppress_complements:
        # A cell that stays hidden can need others to hide beside it.
        changed = Cell.last_updated >= (definition.last_run or 0)
    query = (
        select(Cell.start)
        .outerjoin(Release, Release.cell == Cell.id)
        .where(Cell.definition == definition.id, or_(due, changed))
        .distinct()
        .order_by(Cell.start)
    )
    return list(connection.execute(query).scalars())


def is_due(definition: AnyRow) -> ColumnElement[bool]:
    """Whether a cell that may be seen has no release yet, or may have another."""
    return or_(Release.cell.is_(None), may_be_replaced(definition))


def may_be_replaced(definition: AnyRow) -> ColumnElement[bool]:
    """Whether a release may be replaced: after noise never, but by what was refused.

    At period ends only by one that so many more have contributed to that their difference may
    be seen as well.
    """
    if is_noisy(definition):
        return Release.count == 0
    if not definition.release_at_period_end:
        return Release.count != Cell.count
    before = Release.contributors if definition.count_contributors else Release.count
    enough: ColumnElement[bool] = weight(definition) - before >= definition.aggregation_threshold
    return enough


def release_period(
    connection: Connection, definition: AnyRow, period: int, starts: Sequence[int], now: int
) -> int:
    """Release the cells of *starts*, which all lie in one *period*; how many results are new."""
    cells = locked(connection, definition, starts)
    shown = visible(definition, cells)
    if not is_noisy(definition):
        kept = [cell for cell in cells if cell.released]
        hide(connection, [cell.id for cell in kept if cell.id not in shown], hidden=True)
        hide(connection, [cell.id for cell in kept if cell.id in shown], hidden=False)
    new = [cell for cell in cells if cell.id in shown and cell.due]
    if not new:
        return 0
    if is_noisy(definition):
        return release_noisily(connection, definition, period, new, now)
    made = {cell.id: without_extremes(numbers(cell, definition.with_quartiles)) for cell in new}
    store(connection, new, made, now)
    return len(made)


def without_extremes(values: Numbers) -> Numbers:
    """*values* without the least and the greatest: each of them is somebody's own."""
    return msgspec.structs.replace(values, least=None, greatest=None)


def locked(connection: Connection, definition: AnyRow, starts: Sequence[int]) -> Sequence[AnyRow]:
    """All cells of *starts*, with their releases; two runs at once wait for each other here."""
    # A range, since a list can be longer than a statement; all that lies in it is of the period.
    within = Cell.start.between(min(starts), max(starts))
    of_starts = and_(Cell.definition == definition.id, within, Cell.count > 0)
    lock = select(Cell.id).where(of_starts).order_by(Cell.id).with_for_update()
    connection.execute(lock).all()
    query = (
        select(
            *PLACE,
            *NUMBERS,
            Cell.contributors,
            weight(definition).label("weight"),
            Release.cell.is_not(None).label("released"),
            is_due(definition).label("due"),
        )
        .outerjoin(Release, Release.cell == Cell.id)
        .where(of_starts)
    )
    return connection.execute(query.order_by(Cell.id)).all()


def visible(definition: AnyRow, cells: Sequence[AnyRow]) -> set[int]:
    """The *cells* that may be seen."""
    threshold = definition.aggregation_threshold
    if not definition.suppress_complements:
        return {cell.id for cell in cells if cell.weight >= threshold}
    siblings = [
        Sibling(
            cell.id,
            (cell.start, cell.created_by),
            (cell.group1, cell.group2, cell.group3),
            cell.weight,
        )
        for cell in cells
    ]
    return shown_safely(siblings, threshold, disjoint=not definition.count_contributors)


def hide(connection: Connection, cells: Sequence[int], *, hidden: bool) -> None:
    """Let the releases of *cells* be read, or not. They stay what later ones are compared with."""
    for some in batched(cells):
        changed = update(Release).where(Release.cell.in_(some), Release.hidden.is_(not hidden))
        connection.execute(changed.values(hidden=hidden))


def forget(connection: Connection, cells: Sequence[int]) -> None:
    """Take back the releases of *cells*."""
    for some in batched(cells):
        connection.execute(delete(Release).where(Release.cell.in_(some)))


def store(
    connection: Connection,
    cells: Sequence[AnyRow],
    made: Mapping[int, Numbers],
    now: int,
    reasons: Mapping[int, str] | None = None,
) -> None:
    """Store what was *made* of *cells*, and the *reasons* why nothing was made of the others.

    A refusal is a release made from 0 contributions, which no reader gets.
    """
    forget(connection, [cell.id for cell in cells])
    rows = [
        {
            "cell": cell.id,
            "released": now,
            "count": cell.counted if cell.id in made else 0,
            "contributors": cell.contributors if cell.id in made else 0,
            "hidden": False,
            "result": msgspec.json.encode(made.get(cell.id, (reasons or {}).get(cell.id))).decode(),
        }
        for cell in cells
    ]
    connection.execute(insert(Release), rows)


def release_noisily(
    connection: Connection, definition: AnyRow, period: int, cells: Sequence[AnyRow], now: int
) -> int:
    """Release *cells* with noise if the budget of their *period* allows it; how many.

    All cells of a period share one price: a contributor's measures, most_per_contributor at most,
    change all counts together by no more than their number.
    """
    refused = exceeded(definition, spent(connection, definition.id, period))
    if refused is not None:
        log.warning("No release of %s: %s", definition.name, refused)
        store(connection, cells, {}, now, {cell.id: refused for cell in cells})
        return 0
    totals = clamped_totals(connection, definition, cells)
    made = {
        cell.id: with_noise(definition, cell.counted, totals[cell.id])
        for cell in cells
        if cell.id in totals
    }
    if made:
        price = {"definition": definition.id, "start": period}
        price |= {"epsilon": definition.noise_epsilon, "spent": now}
        connection.execute(insert(BudgetEntry).values(price))
    store(connection, cells, made, now, {cell.id: OUT_OF_BOUNDS for cell in cells})
    return len(made)


def spent(connection: Connection, definition: int, period: int) -> float:
    """The epsilon that releases of the *period* have spent."""
    query = select(func.coalesce(func.sum(BudgetEntry.epsilon), 0.0))
    query = query.where(BudgetEntry.definition == definition, BudgetEntry.start == period)
    return float(connection.execute(query).scalar_one())


def exceeded(definition: AnyRow, before: float) -> str | None:
    """Why a further release is beyond the budget of a period that has spent so much; else None."""
    if before + definition.noise_epsilon <= definition.noise_budget * (1 + ROUNDING):
        return None
    return (
        f"Its period has spent {before:g} of its privacy budget of {definition.noise_budget:g}, "
        f"and this release would cost {definition.noise_epsilon:g}."
    )


def clamped_totals(
    connection: Connection, definition: AnyRow, cells: Sequence[AnyRow]
) -> dict[int, float]:
    """The sums of the *cells*, each value brought into bounds; not where it was purged."""
    low, high = definition.value_min, definition.value_max
    within = {cell.id: cell.total for cell in cells if low <= cell.least <= cell.greatest <= high}
    others = [cell.id for cell in cells if cell.id not in within and cell.last_purged is None]
    value = case(
        (RawMeasure.value < low, low), (RawMeasure.value > high, high), else_=RawMeasure.value
    )
    chosen = table_of(connection, {"id": int}, [(cell,) for cell in others])
    query = (
        select(RawMeasure.cell, func.sum(value))
        .join(chosen, chosen.c.id == RawMeasure.cell)
        .where(RawMeasure.definition == definition.id)
        .group_by(RawMeasure.cell)
    )
    return within | {row[0]: row[1] for row in connection.execute(query)}


def with_noise(definition: AnyRow, count: int, total: float) -> Numbers:
    """The released numbers of a cell: half of epsilon for its count, half for its sum."""
    most, epsilon = definition.most_per_contributor, definition.noise_epsilon / 2
    low, high = definition.value_min, definition.value_max
    noisy_count = max(0, noise.noisy_count(count, most, epsilon))
    noisy_total = noise.noisy_sum(total, most * max(abs(low), abs(high)), epsilon)
    avg = min(max(noisy_total / max(noisy_count, 1), low), high)
    return Numbers(count=noisy_count, total=noisy_total, avg=avg, noisy=True)


def refusals(node: Node, definition: AnyRow) -> list[Refusal]:
    """The releases of *definition* that were refused for good reasons, by start."""
    query = (
        select(Cell.start, Release.released, Release.result)
        .join(Release, Release.cell == Cell.id)
        .where(Cell.definition == definition.id, Release.count == 0)
        .order_by(Cell.start, Cell.id)
    )
    rows = node.database.read(lambda connection: connection.execute(query).all())
    return [Refusal(start, refused, msgspec.json.decode(text)) for start, refused, text in rows]
