"""Aggregates that an operator undoes, and measures that were set aside."""

from typing import Any

import pytest
from measures.gathered import NAME, TODAY, bring, count, define, redefine, shown
from simulator import SimulatedNode
from sqlalchemy import func, insert, select

from downstream_node.database import Base
from downstream_node.errors import UnknownMeasure
from downstream_node.measures import aggregating, purging, redoing
from downstream_node.measures.models import (
    BudgetEntry,
    Cell,
    CellContributor,
    QuarantinedMeasure,
)
from downstream_node.measures.periods import DAY
from downstream_node.measures.redoing import Undone


def totals(node: SimulatedNode) -> list[float]:
    """The sums of all cells, by start."""
    with node.parts.database.reading() as connection:
        return list(connection.execute(select(Cell.total).order_by(Cell.start)).scalars())


def rows(node: SimulatedNode, model: type[Base]) -> int:
    """How many rows there are."""
    with node.parts.database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(model)).scalar_one())


@pytest.fixture
def three_days(node: SimulatedNode) -> SimulatedNode:
    """A node that has counted two measures on each of three days."""
    define(node)
    for day in range(3):
        bring(node, [day, 10], start=TODAY + day * DAY)
    assert count(node) == 6
    return node


def test_undoing(three_days: SimulatedNode) -> None:
    """Aggregates from a start on are deleted, and the next aggregation makes the same again."""
    assert redoing.undo(three_days.parts, NAME, TODAY + DAY) == Undone(2, 4, 0)
    assert totals(three_days) == [10]
    assert aggregating.aggregate(three_days.parts, NAME) == 4
    assert totals(three_days) == [10, 11, 12]


def test_undoing_twice(three_days: SimulatedNode) -> None:
    """What is undone is not undone again."""
    redoing.undo(three_days.parts, NAME, TODAY)
    assert redoing.undo(three_days.parts, NAME, TODAY) == Undone(0, 0, 0)


def test_undoing_one_of_two(three_days: SimulatedNode) -> None:
    """Other definitions keep their aggregates."""
    define(three_days, "others")
    bring(three_days, [1], name="others")
    count(three_days, "others")
    redoing.undo(three_days.parts, NAME, 0)
    assert totals(three_days) == [1]


def test_undoing_loses_nothing(three_days: SimulatedNode) -> None:
    """An aggregate of which measures were purged cannot be made again, so it stays."""
    three_days.advance(10 * DAY / 1000)
    bring(three_days, [5], start=TODAY + 5 * DAY)
    count(three_days)
    purging.purge(three_days.parts, NAME, 5)
    assert redoing.undo(three_days.parts, NAME, 0) == Undone(1, 1, 3)
    assert totals(three_days) == [10, 11, 12]


def test_undoing_takes_releases_back(three_days: SimulatedNode) -> None:
    """What was released from undone aggregates is not given out until it is counted again."""
    redefine(three_days, suppress_complements=True, count_contributors=True)
    bring(three_days, [1, 2], start=TODAY + 7 * DAY, contributors=[1, 2])
    count(three_days)
    before = shown(three_days), rows(three_days, CellContributor)
    assert len(before[0]) == 1
    redoing.undo(three_days.parts, NAME, 0)
    assert (shown(three_days), rows(three_days, CellContributor)) == ([], 0)
    aggregating.aggregate(three_days.parts, NAME)
    assert (shown(three_days), rows(three_days, CellContributor)) == before


@pytest.mark.parametrize("more", [0, 1, 2, 3])
def test_undoing_forgets_no_release(node: SimulatedNode, more: int) -> None:
    """After it, too, a release is followed by one of a threshold's worth more, or by itself."""
    define(node, aggregation_threshold=3, release_at_period_end=True)
    bring(node, [1, 2, 4], start=TODAY - DAY)
    count(node)
    redoing.undo(node.parts, NAME, 0)
    bring(node, [100] * more, start=TODAY - DAY)
    count(node)
    assert [row.total for row in shown(node)] == [7 if more < 3 else 307]


def test_undoing_draws_no_noise_again(node: SimulatedNode) -> None:
    """Two draws of noise about the same measures could be averaged: there is one."""
    noise: dict[str, Any] = {"noise_epsilon": 0.5, "noise_budget": 5.0}
    noise |= {"value_min": 0.0, "value_max": 9.0}
    define(node, **noise)
    bring(node, [1] * 50, start=TODAY - DAY)
    count(node)
    before = shown(node)
    redoing.undo(node.parts, NAME, 0)
    assert shown(node) == []
    count(node)
    assert (shown(node), rows(node, BudgetEntry)) == (before, 1)


def test_what_was_set_aside(three_days: SimulatedNode) -> None:
    """It is listed newest first, of all measures or of one."""
    other = define(three_days, "others").id
    poison = {"definition": other, "measure": "{}"}
    with three_days.parts.database.writing() as connection:
        for at, why in enumerate(("old", "new")):
            connection.execute(insert(QuarantinedMeasure).values(rejected=at, reason=why, **poison))
    found = redoing.quarantined(three_days.parts)
    assert [(one.name, one.rejected, one.reason) for one in found] == [
        ("others", 1, "new"),
        ("others", 0, "old"),
    ]
    assert redoing.quarantined(three_days.parts, "others") == found
    assert redoing.quarantined(three_days.parts, NAME) == []


def test_unknown_measure(node: SimulatedNode) -> None:
    """A name that nobody has defined is an error."""
    with pytest.raises(UnknownMeasure):
        redoing.undo(node.parts, "nothing", 0)
    with pytest.raises(UnknownMeasure):
        redoing.quarantined(node.parts, "nothing")
