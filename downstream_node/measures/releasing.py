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
from downstream_node.measures.definitions import has_these_rules
from downstream_node.measures.models import (
    BudgetEntry,
    Cell,
    MeasureDefinition,
    RawMeasure,
    Release,
)
from downstream_node.measures.periods import period_start
from downstream_node.measures.results import (
    NUMBERS,
    PLACE,
    Numbers,
    definition_of,
    is_strict,
    numbers,
    released_weight,
    weight,
)
from downstream_node.measures.rules import fingerprint
from downstream_node.node import Node

log = logging.getLogger(__name__)

ROUNDING = 1e-9
"""How far a sum of epsilons may seem to exceed the budget by its last digits."""
EXACT = 1e300
"""Epsilon of what has no noise: above all that there can be."""
TOO_EXACT = "It was given out with less noise than is asked for now, so it is given out no more."
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
    node.database.write(lambda connection: look_again_after_changes(connection, definition))
    periods = defaultdict(list)
    for start in node.database.read(lambda connection: open_starts(connection, definition, now)):
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


def look_again_after_changes(connection: Connection, definition: AnyRow) -> None:
    """Have all cells of *definition* looked at, if that was last done under other rules."""
    rules = fingerprint(definition)
    if definition.rules is not None and bytes(definition.rules) == rules:
        return
    # The definition first and then its cells, as whoever changes it does.
    noted = update(MeasureDefinition).where(MeasureDefinition.id == definition.id)
    connection.execute(noted.values(rules=rules))
    reopened = update(Cell).where(Cell.definition == definition.id, Cell.pending.is_(False))
    connection.execute(reopened.values(pending=True))


def open_starts(connection: Connection, definition: AnyRow, now: int) -> list[int]:
    """The starts at which something may have to be released or hidden.

    Those are starts of cells that changed. Where results wait for their period's end, so do they;
    with noise there is one answer, the last.
    """
    query = select(Cell.start).where(Cell.definition == definition.id, Cell.pending, Cell.count > 0)
    if definition.release_at_period_end or is_noisy(definition):
        query = query.where(Cell.start < period_start(definition.aggregation_period, now))
    return list(connection.execute(query.distinct().order_by(Cell.start)).scalars())


def is_due(definition: AnyRow) -> ColumnElement[bool]:
    """Whether a cell that may be seen has no release yet, or may have another."""
    return or_(Release.cell.is_(None), may_be_replaced(definition))


def may_be_replaced(definition: AnyRow) -> ColumnElement[bool]:
    """Whether a release may be replaced: after noise never, but by what other rules refused.

    At period ends only by one that so many more have contributed to that their difference may
    be seen as well.
    """
    if is_noisy(definition):
        return and_(Release.count == 0, ~is_known(definition))
    if not definition.release_at_period_end:
        return Release.count != Cell.count
    enough: ColumnElement[bool] = (
        weight(definition) - released_weight(definition) >= definition.aggregation_threshold
    )
    return enough


def is_known(definition: AnyRow) -> ColumnElement[bool]:
    """Whether a release was held against the rules of *definition* before."""
    return func.coalesce(Release.rules, b"") == fingerprint(definition)


def may_stay(definition: AnyRow) -> ColumnElement[bool]:
    """Whether a release keeps the rules by itself: it is large enough, and has enough noise.

    What has too little is not given out again, not with more noise either: there is never a second
    answer about the same contributions, that could be held against the first.
    """
    enough = and_(
        Release.count > 0, released_weight(definition) >= definition.aggregation_threshold
    )
    if not is_noisy(definition):
        return enough
    return and_(enough, func.coalesce(Release.epsilon, EXACT) <= price_of_one(definition))


def price_of_one(definition: AnyRow) -> float:
    """The part of epsilon that falls to each contribution of one contributor."""
    return float(definition.noise_epsilon / definition.most_per_contributor)


def release_period(
    connection: Connection, definition: AnyRow, period: int, starts: Sequence[int], now: int
) -> int:
    """Release the cells of *starts*, which all lie in one *period*; how many results are new.

    None if the rules have changed since *definition* was read: the next run knows the new ones.
    """
    if not has_these_rules(connection, definition, hold=True):
        return 0
    within = of_starts(definition, starts)
    cells = locked(connection, definition, within)
    shown = visible(definition, cells)
    new = [cell for cell in cells if cell.id in shown and cell.due]
    judge(connection, definition, [cell for cell in cells if cell.given], shown)
    connection.execute(update(Cell).where(within, Cell.pending).values(pending=False))
    if not new:
        return 0
    if is_noisy(definition):
        return release_noisily(connection, definition, period, new, now)
    made = {cell.id: without_extremes(numbers(cell, definition.with_quartiles)) for cell in new}
    store(connection, definition, new, made, now)
    return len(made)


def of_starts(definition: AnyRow, starts: Sequence[int]) -> ColumnElement[bool]:
    """The condition for the cells of *starts*: those that have counted anything."""
    # A range, since a list can be longer than a statement; all that lies in it is of the period.
    within = Cell.start.between(min(starts), max(starts))
    return and_(Cell.definition == definition.id, within, Cell.count > 0)


def without_extremes(values: Numbers) -> Numbers:
    """*values* without the least and the greatest: each of them is somebody's own."""
    return msgspec.structs.replace(values, least=None, greatest=None)


def locked(
    connection: Connection, definition: AnyRow, within: ColumnElement[bool]
) -> Sequence[AnyRow]:
    """The cells *within*, with their releases; two runs at once wait for each other here."""
    lock = select(Cell.id).where(within).order_by(Cell.id).with_for_update()
    connection.execute(lock).all()
    query = (
        select(
            *PLACE,
            *NUMBERS,
            Cell.contributors,
            weight(definition).label("weight"),
            func.coalesce(Release.count > 0, false()).label("given"),
            is_known(definition).label("known"),
            is_due(definition).label("due"),
            may_stay(definition).label("may_stay"),
        )
        .outerjoin(Release, Release.cell == Cell.id)
        .where(within)
    )
    return connection.execute(query.order_by(Cell.id)).all()


def visible(definition: AnyRow, cells: Sequence[AnyRow]) -> set[int]:
    """The *cells* that may be seen: in a new release, or in the one that there is."""
    threshold = definition.aggregation_threshold
    withheld = {cell.id for cell in cells if not cell.due and not cell.may_stay}
    if not definition.suppress_complements:
        return {cell.id for cell in cells if cell.weight >= threshold} - withheld
    siblings = [
        Sibling(
            cell.id,
            (cell.start, cell.created_by),
            (cell.group1, cell.group2, cell.group3),
            cell.weight,
        )
        for cell in cells
    ]
    disjoint = not definition.count_contributors
    return shown_safely(siblings, threshold, disjoint=disjoint, withheld=withheld)


def judge(
    connection: Connection, definition: AnyRow, given: Sequence[AnyRow], shown: set[int]
) -> None:
    """Let the releases that were *given* out be read or not, and note by which rules.

    They stay what later ones are compared with. What has noise is not hidden when others change,
    but only when the rules do: it stays the one answer.
    """
    if is_noisy(definition):
        given = [cell for cell in given if not cell.known]
    rules = fingerprint(definition)
    for hidden in (True, False):
        cells = [cell.id for cell in given if (cell.id not in shown) is hidden]
        for some in batched(cells):
            differs = or_(Release.hidden.is_not(hidden), ~is_known(definition))
            changed = update(Release).where(Release.cell.in_(some), differs)
            connection.execute(changed.values(hidden=hidden, rules=rules))


def forget(connection: Connection, cells: Sequence[int]) -> None:
    """Take back the releases of *cells*."""
    for some in batched(cells):
        connection.execute(delete(Release).where(Release.cell.in_(some)))


def store(  # noqa: PLR0913, PLR0917 - what is stored, of what, when, and why not
    connection: Connection,
    definition: AnyRow,
    cells: Sequence[AnyRow],
    made: Mapping[int, Numbers],
    now: int,
    reasons: Mapping[int, str] | None = None,
) -> None:
    """Store what was *made* of *cells*, and the *reasons* why nothing was made of the others.

    A refusal is a release made from 0 contributions, which no reader gets.
    """
    forget(connection, [cell.id for cell in cells])
    rules = fingerprint(definition)
    rows = [
        {
            "cell": cell.id,
            "released": now,
            "count": cell.counted if cell.id in made else 0,
            "contributors": cell.contributors if cell.id in made else 0,
            "hidden": False,
            "result": encoded(made.get(cell.id) or (reasons or {}).get(cell.id)),
            "rules": rules,
            "epsilon": price_of_one(definition) if is_noisy(definition) else None,
        }
        for cell in cells
    ]
    connection.execute(insert(Release), rows)


def keep_what_was_shown(connection: Connection, definition: AnyRow) -> None:
    """Store what everybody could read of *definition*, which was not strict, as its releases.

    Stricter rules may come, and with them it counts: as what later releases are compared with, and
    as what was given out without noise. Nobody gets it before it was held against these rules.
    """
    shown = and_(
        Cell.definition == definition.id,
        Cell.count > 0,
        weight(definition) >= definition.aggregation_threshold,
    )
    lock = select(Cell.id).where(shown).order_by(Cell.id).with_for_update()
    for some in batched(connection.execute(lock).scalars().all()):
        query = select(Cell.id, *NUMBERS, Cell.contributors).where(Cell.id.in_(some))
        forget(connection, some)
        rows = [
            {
                "cell": cell.id,
                "released": cell.last_updated,
                "count": cell.counted,
                "contributors": cell.contributors,
                "hidden": True,
                "result": encoded(without_extremes(numbers(cell, definition.with_quartiles))),
            }
            for cell in connection.execute(query)
        ]
        connection.execute(insert(Release), rows)


def encoded(result: Numbers | str | None) -> str:
    """What is kept of a release, or of the reason for a refusal."""
    return msgspec.json.encode(result).decode()


def release_noisily(
    connection: Connection, definition: AnyRow, period: int, cells: Sequence[AnyRow], now: int
) -> int:
    """Release *cells* with noise if the budget of their *period* allows it; how many.

    All cells of a period share one price: a contributor's measures, most_per_contributor at most,
    change all counts together by no more than their number.
    """
    refused = exceeded(definition, spent(connection, definition, period))
    if refused is not None:
        log.warning("No release of %s: %s", definition.name, refused)
        store(connection, definition, cells, {}, now, {cell.id: refused for cell in cells})
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
        price |= {"most": definition.most_per_contributor}
        connection.execute(insert(BudgetEntry).values(price))
    store(connection, definition, cells, made, now, {cell.id: OUT_OF_BOUNDS for cell in cells})
    return len(made)


def spent(connection: Connection, definition: AnyRow, period: int) -> float:
    """The epsilon that releases of the *period* have spent.

    What was spent on fewer contributions of one contributor than there can be by now has cost
    those who contribute more often accordingly more.
    """
    most = definition.most_per_contributor
    cost = case(
        (BudgetEntry.most < most, BudgetEntry.epsilon * most / BudgetEntry.most),
        else_=BudgetEntry.epsilon,
    )
    query = select(func.coalesce(func.sum(cost), 0.0))
    query = query.where(BudgetEntry.definition == definition.id, BudgetEntry.start == period)
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
    """The releases of *definition* that were refused for good reasons, by start.

    Among them are those that have less noise than it asks for by now.
    """
    refused = Release.count == 0
    if is_noisy(definition):
        too_exact = func.coalesce(Release.epsilon, EXACT) > price_of_one(definition)
        refused = or_(refused, and_(Release.hidden, too_exact))
    query = (
        select(Cell.start, Release.released, Release.count, Release.result)
        .join(Release, Release.cell == Cell.id)
        .where(Cell.definition == definition.id, refused)
        .order_by(Cell.start, Cell.id)
    )
    rows = node.database.read(lambda connection: connection.execute(query).all())
    return [
        Refusal(start, released, TOO_EXACT if count else msgspec.json.decode(text))
        for start, released, count, text in rows
    ]
