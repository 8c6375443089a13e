"""A process is killed between steps: what was not committed never happened, the rest stays.

The processes are real ones, and die by SIGKILL. What another one finds and does then is what is
tested, on each database.
"""

from collections.abc import Callable
from typing import Any

import pytest
from measures.gathered import (
    NAME,
    bring,
    cell_counts,
    count,
    define,
    definition,
    redefine,
    rows,
    shown,
)
from measures.killing import killed
from measures.sending import MEASURE, Sender, stored
from measures.test_telemetry import RECORDED, TODAY, crowd, recorded
from simulator import SimulatedNode
from sqlalchemy import update

from downstream_node.measures import purging, quantiles, telemetry
from downstream_node.measures.collecting import Item, Verdict, collect
from downstream_node.measures.models import BudgetEntry, Cell, RawMeasure, Release
from downstream_node.measures.periods import DAY

NOISY: dict[str, Any] = {
    "noise_epsilon": 0.5,
    "noise_budget": 5.0,
    "value_min": 0.0,
    "value_max": 9.0,
}
LONG_AGO = 18_000 * DAY
"""A day that is over by every clock."""


# Collecting


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        pytest.param("receipts", 0, id="before anything is written"),
        pytest.param("insert_receipts", 0, id="between receipt and measure"),
        pytest.param("store", 0, id="before the commit"),
        pytest.param("collect", 1, id="before the answer"),
    ],
)
def test_whoever_is_killed_sends_again(owner: Sender, after: str, kept: int) -> None:
    """Receipt and measure are there together or not at all, so that it counts exactly once."""
    work = f"collect(node, 'grandlyon', [Item({MEASURE!r}, 'key')], 5)"
    killed(owner.node, "collecting", work, after=after)
    assert stored(owner.node) == kept
    (outcome,) = collect(owner.node.parts, "grandlyon", [Item(MEASURE, "key")], 6)
    assert outcome.verdict is (Verdict.REPEATED if kept else Verdict.STORED)
    assert stored(owner.node) == 1


# Aggregation

AGGREGATE = f"aggregate(node, {NAME!r}, force=True)"


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        pytest.param("make_cells", [], id="between the cells and what they count"),
        pytest.param("mark", [], id="between the measures' marks and the cells' numbers"),
        pytest.param("count_in", [], id="before the commit"),
        pytest.param("count_or_set_aside", [3, 3], id="before the release"),
    ],
)
def test_a_run_that_is_killed(node: SimulatedNode, after: str, kept: list[int]) -> None:
    """Measures are counted with all that follows from it or not at all, and released later."""
    define(node, with_quartiles=True, suppress_complements=True)
    for device in ("a", "b"):
        bring(node, [1, 2, 6], groups=(device,), contributors=[1, 1, 2])
    killed(node, "aggregating", AGGREGATE, after=after)
    assert (cell_counts(node), shown(node), definition(node).last_run) == (kept, [], None)
    assert count(node) == (0 if kept else 6)
    assert cell_counts(node, "contributors") == [2, 2]
    assert [(row.count, row.total, row.median) for row in shown(node)] == [(3, 9, 2)] * 2


def test_setting_aside_is_killed(node: SimulatedNode) -> None:
    """A poisonous measure is with the others or in quarantine, never in neither."""
    define(node)
    bring(node, [1e200, 5])
    killed(node, "aggregating", AGGREGATE, after="quarantine")
    assert len(rows(node, RawMeasure)) == 2
    assert (count(node), cell_counts(node), len(rows(node, RawMeasure))) == (1, [1], 1)


# Releases


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        pytest.param("judge", 0, id="between looking at cells and releasing them"),
        pytest.param("release_noisily", 0, id="before the commit"),
        pytest.param("release_what_is_due", 1, id="after the commit"),
    ],
)
def test_a_release_that_is_killed(node: SimulatedNode, after: str, kept: int) -> None:
    """Noise and its price go together, and what may have been read is not drawn again."""
    define(node, aggregation_threshold=100)
    bring(node, [1] * 50, start=LONG_AGO)
    count(node)
    redefine(node, aggregation_threshold=5, **NOISY)
    killed(node, "releasing", f"release(node, {NAME!r})", after=after)
    before = rows(node, Release)
    assert (len(before), len(rows(node, BudgetEntry))) == (kept, kept)
    count(node)
    assert (len(shown(node)), len(rows(node, BudgetEntry))) == (1, 1)
    assert not kept or rows(node, Release) == before


def test_hiding_is_killed(node: SimulatedNode) -> None:
    """Cells that have to be looked at again stay noted until that is committed."""
    define(node, aggregation_threshold=2, suppress_complements=True)
    bring(node, [1] * 5, groups=("a",))
    bring(node, [1] * 6, groups=("b",))
    count(node)
    bring(node, [1], groups=("small",))
    killed(node, "aggregating", AGGREGATE, after="count_or_set_aside")
    killed(node, "releasing", f"release(node, {NAME!r})", after="judge")
    count(node)
    assert [row.groups["group1"] for row in shown(node)] == ["b"]


# Purging


@pytest.mark.parametrize(
    ("after", "left"),
    [
        pytest.param("lock_and_note", 40, id="between sketches and deletion"),
        pytest.param("delete_all", 40, id="before the commit"),
        pytest.param("purge_old", 0, id="after the commit"),
    ],
)
def test_a_purge_that_is_killed(node: SimulatedNode, after: str, left: int) -> None:
    """Each value is in the table or in the sketch of its cell, never in both or neither."""
    define(node, with_quartiles=True, max_days_to_update_quartile=0)
    bring(node, range(1, 41))
    count(node)
    # So that they are old enough for both processes, whatever the machine's clock says.
    node.parts.database.write(
        lambda connection: connection.execute(update(RawMeasure).values(arrived=LONG_AGO))
    )
    killed(node, "purging", f"purge(node, {NAME!r})", after=after)
    assert len(rows(node, RawMeasure)) == left
    assert purging.purge(node.parts, NAME) == left
    (cell,) = rows(node, Cell)
    assert quantiles.opened(cell.sketch).count == 40
    assert shown(node)[0].median == 20.5


# Telemetry


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        pytest.param("take", 0, id="between receipt and measures"),
        pytest.param("record_range", 5, id="before the aggregation"),
        pytest.param("record_day", 5, id="before the next day"),
    ],
)
def test_telemetry_that_is_killed(
    make_node: Callable[..., SimulatedNode], after: str, kept: int
) -> None:
    """A day is recorded and counted once, whoever began with it."""
    node = make_node(DEFAULT_INTERVAL=60, MAX_TOKENS_PER_IP=100)
    crowd(node)
    node.advance(RECORDED)
    killed(node, "telemetry", f"record_day(node, {TODAY})", after=after)
    assert recorded(node)[telemetry.ANSWERS, "ok", 1.0] == kept
    telemetry.record(node.parts)
    telemetry.record(node.parts)
    assert recorded(node)[telemetry.ANSWERS, "ok", 1.0] == 5
    assert set(cell_counts(node)) == {5}
