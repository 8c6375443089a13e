"""Counting measures into cells: exactly, once, and whatever else is among them."""

import math
from collections.abc import Sequence
from statistics import fmean, quantiles, stdev

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measures.gathered import (
    NAME,
    bring,
    cell_counts,
    count,
    day,
    define,
    definition,
    insert_into,
    measures,
    redefine,
    rows,
    shown,
)
from simulator import SimulatedNode
from sqlalchemy import Connection
from sqlalchemy.exc import DataError

from downstream_node.database import AnyRow
from downstream_node.errors import UnknownMeasure
from downstream_node.measures import aggregating, cell_quartiles
from downstream_node.measures.aggregating import Waiting
from downstream_node.measures.models import Cell, QuarantinedMeasure, RawMeasure
from downstream_node.measures.moments import LARGEST

EXACT = pytest.approx


def test_one_cell(node: SimulatedNode) -> None:
    """All the document's numbers of one cell, from one run."""
    define(node, with_quartiles=True)
    bring(node, [4, 0, 1, 3])
    assert count(node) == 4
    (row,) = shown(node)
    assert (row.count, row.count_not_zero, row.total, row.least, row.greatest) == (4, 3, 8, 0, 4)
    assert (row.avg, row.std) == EXACT((2, stdev([4, 0, 1, 3])))
    assert (row.first_quartile, row.median, row.third_quartile) == (0.75, 2, 3.25)
    assert (row.created_by, row.groups["group1"], row.groups["group2"]) == ("app", "desktop", None)
    assert not row.approximate
    assert not row.noisy


def test_later_measures_are_merged(node: SimulatedNode) -> None:
    """What comes later changes its cell as if all had come at once; the rest stays."""
    define(node, with_quartiles=True)
    bring(node, [1, 2, 3])
    bring(node, [5], groups=("mobile",))
    assert count(node) == 4
    bring(node, [10, 20])
    assert count(node) == 2
    desktop, mobile = shown(node)
    assert (desktop.count, desktop.median, desktop.third_quartile) == (5, 3, 10)
    assert desktop.std == EXACT(stdev([1, 2, 3, 10, 20]))
    assert (mobile.count, mobile.std, mobile.median) == (1, 0, 5)


def test_nothing_new_changes_nothing(node: SimulatedNode) -> None:
    """A run without new measures leaves all cells as they are."""
    define(node, with_quartiles=True)
    bring(node, [1, 2, 3])
    count(node)
    before = rows(node, Cell)
    node.clock.jump(60)
    assert count(node) == 0
    assert rows(node, Cell) == before


def test_an_unknown_measure(node: SimulatedNode) -> None:
    """What nobody defined cannot be aggregated."""
    with pytest.raises(UnknownMeasure, match="No measure definition found for: nothing"):
        aggregating.aggregate(node.parts, "nothing")


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), min_size=1, max_size=5))
def test_batches_make_one_pass(node: SimulatedNode, batches: list[list[float]]) -> None:
    """However the measures are spread over runs, the numbers are those of one pass, to 1e-9."""
    name = define(node, f"m{len(rows(node, Cell))}-{id(batches)}", with_quartiles=True).name
    for batch in batches:
        bring(node, batch, name=name)
        assert count(node, name) == len(batch)
    values = [value for batch in batches for value in batch]
    assert [row.count for row in shown(node, name)] == ([len(values)] if values else [])
    for row in shown(node, name):
        assert_numbers(row, values)


def assert_numbers(row: object, values: list[float]) -> None:
    """*row* has the numbers of *values*, to 1e-9 of their size."""
    size = max(abs(value) for value in values) * 1e-9
    assert row.total == EXACT(math.fsum(values), rel=1e-9, abs=size)  # type: ignore[attr-defined]
    assert row.avg == EXACT(fmean(values), rel=1e-9, abs=size)  # type: ignore[attr-defined]
    if len(values) > 1:
        found = (row.first_quartile, row.median, row.third_quartile)  # type: ignore[attr-defined]
        assert row.std == EXACT(stdev(values), rel=1e-9, abs=size)  # type: ignore[attr-defined]
        assert found == EXACT(quantiles(values, n=4, method="inclusive"), rel=1e-9, abs=size)


def test_chunks(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """More measures than fit a transaction are counted in several, oldest first, in one run."""
    define(node, with_quartiles=True)
    monkeypatch.setattr(aggregating, "CHUNK", 7)
    bring(node, range(50))
    bring(node, range(50), groups=("mobile",))
    assert count(node) == 100
    assert [(row.count, row.median) for row in shown(node)] == [(50, 24.5), (50, 24.5)]


def test_many_cells(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells are written in as many statements as parameters and rows need."""
    define(node, with_quartiles=True)
    monkeypatch.setattr("downstream_node.database.MOST_PARAMETERS", 10)
    made = [row for n in range(35) for row in measures(node, [n, n + 2], groups=(str(n),))]
    node.parts.database.write(lambda connection: insert_into(connection, made))
    assert count(node) == 70
    assert sorted(row.median or 0 for row in shown(node)) == [n + 1 for n in range(35)]


def test_quartiles_that_are_wanted_later(node: SimulatedNode) -> None:
    """Quartiles of cells that were there before come with the next run, without new measures."""
    define(node)
    bring(node, [1, 2, 3])
    count(node)
    redefine(node, with_quartiles=True)
    assert shown(node)[0].median is None
    assert count(node) == 0
    assert shown(node)[0].median == 2


def test_quartiles_are_filled_once(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs do not look through all cells again, until they were not wanted for a while."""
    define(node, with_quartiles=True)
    bring(node, [1, 2, 3])
    count(node)
    with monkeypatch.context() as patch:
        patch.setattr(cell_quartiles, "fill", None)
        count(node)
    redefine(node, with_quartiles=False)
    bring(node, [4])
    count(node)
    redefine(node, with_quartiles=True)
    assert shown(node)[0].median is None
    count(node)
    assert shown(node)[0].median == 2.5


def test_quartiles_that_are_not_wanted_any_more(node: SimulatedNode) -> None:
    """They are not shown at once, and what is stale is not shown later."""
    define(node, with_quartiles=True)
    bring(node, [1, 2, 3])
    count(node)
    redefine(node, with_quartiles=False)
    assert shown(node)[0].median is None
    bring(node, [9, 9])
    count(node)
    assert rows(node, Cell)[0].median is None


def test_contributors_are_counted_once(node: SimulatedNode) -> None:
    """Who contributes again to a cell, in the same run or later, is still one contributor."""
    define(node)
    bring(node, [1, 1, 1], contributors=[1, 1, 2])
    bring(node, [1], groups=("mobile",), contributors=[1])
    bring(node, [1])
    count(node)
    bring(node, [1, 1], contributors=[2, 3])
    count(node)
    assert (cell_counts(node), cell_counts(node, "contributors")) == ([6, 1], [3, 1])


# Its time


def test_runs_wait_for_their_time(node: SimulatedNode) -> None:
    """A weekly measure is aggregated once a week, and at once by force."""
    define(node, execution_frequency="week")
    bring(node, [1])
    assert aggregating.aggregate(node.parts, NAME) == 1
    bring(node, [1])
    node.clock.jump(6.99 * 86400)
    assert aggregating.aggregate(node.parts, NAME) == 0
    assert aggregating.aggregate_all(node.parts) == {}
    node.clock.jump(0.01 * 86400)
    assert aggregating.aggregate_all(node.parts) == {NAME: 1}
    assert definition(node).last_run == node.clock.wall


def test_all_definitions_are_run(node: SimulatedNode) -> None:
    """With force each has its run, and its count is that of measures."""
    define(node, "a")
    define(node, "b")
    bring(node, [1, 2], name="b")
    assert aggregating.aggregate_all(node.parts) == {"a": 0, "b": 2}
    bring(node, [1], name="a")
    assert aggregating.aggregate_all(node.parts, force=True) == {"a": 1, "b": 0}


def test_the_job_aggregates(node: SimulatedNode) -> None:
    """The node's own job does it without anybody asking."""
    define(node)
    bring(node, [1, 2])
    assert node.run_jobs()["aggregate measures"] == 2
    assert shown(node)[0].count == 2


# Defects that must not come back


def test_d3_poison_is_set_aside(node: SimulatedNode) -> None:
    """A value that no cell can hold goes into quarantine, and six good ones are counted."""
    define(node)
    bring(node, [1, 2, 3, 1e150, 4, 5, 6, -LARGEST * 1.001])
    assert count(node) == 6
    assert shown(node)[0].total == 21
    kept = [(row.reason, row.rejected) for row in rows(node, QuarantinedMeasure)]
    assert kept == [(aggregating.NO_NUMBER, node.clock.wall)] * 2
    assert '"value":"1e+150"' in rows(node, QuarantinedMeasure)[0].measure
    assert len(rows(node, RawMeasure)) == 6
    assert count(node) == 0


def test_d3_infinity_is_set_aside(node: SimulatedNode) -> None:
    """What is no number does not spoil a cell, where a database stores it at all."""
    define(node)
    if node.parts.database.dialect == "mysql":
        pytest.skip("MariaDB stores no infinity")
    bring(node, [1, math.inf, 2, -math.inf])
    assert count(node) == 2
    assert (shown(node)[0].total, len(rows(node, QuarantinedMeasure))) == (3, 2)


def test_d3_what_the_database_refuses_is_found(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measures at which a statement fails are found among the rest, which is counted."""
    define(node, with_quartiles=True)
    bring(node, range(100))
    poison = {row.id for row in rows(node, RawMeasure) if row.value in {13, 14, 77}}
    real = aggregating.count_in

    def refusing(connection: Connection, row: AnyRow, waiting: Sequence[Waiting], now: int) -> None:
        if poison & {one.id for one in waiting}:
            raise DataError("INSERT", {}, ValueError("too long"))
        real(connection, row, waiting, now)

    monkeypatch.setattr(aggregating, "count_in", refusing)
    assert count(node) == 97
    assert shown(node)[0].total == 4950 - 13 - 14 - 77
    assert [row.reason for row in rows(node, QuarantinedMeasure)] == [
        "The database refuses it: DataError."
    ] * 3


def test_d3_sums_have_room(node: SimulatedNode) -> None:
    """Sums far beyond the former ten digits are counted."""
    define(node)
    bring(node, [9.9e12] * 3)
    assert count(node) == 3
    assert shown(node)[0].total == EXACT(2.97e13)


def test_d3_one_definition_does_not_stop_the_others(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one fails altogether, all others are run, and the failure is told."""
    for name in ("a", "b", "c"):
        define(node, name)
        bring(node, [1], name=name)
    real = aggregating.run

    def failing(parts: object, row: AnyRow) -> int:
        if row.name == "a":
            raise RuntimeError("no disk")
        return real(parts, row)  # type: ignore[arg-type]

    monkeypatch.setattr(aggregating, "run", failing)
    with pytest.raises(RuntimeError, match="no disk"):
        aggregating.aggregate_all(node.parts)
    assert [len(shown(node, name)) for name in ("a", "b", "c")] == [0, 1, 1]


def test_d7_quartiles_are_of_their_own_app(node: SimulatedNode) -> None:
    """Two apps with equal groups keep their own medians after a merge."""
    define(node, with_quartiles=True)
    for offset, app in ((0, "a"), (100, "b")):
        bring(node, [offset + 1, offset + 2, offset + 3], app=app)
    count(node)
    for offset, app in ((0, "a"), (100, "b")):
        bring(node, [offset + 3, offset + 3], app=app)
    count(node)
    assert [(row.created_by, row.median) for row in shown(node)] == [("a", 3), ("b", 103)]


def test_d8_nothing_given_is_one_cell(node: SimulatedNode) -> None:
    """Measures without app or group find the cell of those before them."""
    define(node)
    for _ in range(2):
        bring(node, [1], app=None)
        bring(node, [1], groups=(None,))
        bring(node, [1])
        count(node)
    assert [row.count for row in shown(node)] == [2, 2, 2]


def test_d16_deviation_does_not_drift(node: SimulatedNode) -> None:
    """After six batches the deviation is that of one pass, and fine values keep their digits."""
    define(node)
    values = [(number * 37 % 101) + number / 7 for number in range(60)]
    for start in range(0, 60, 10):
        bring(node, values[start : start + 10])
        count(node)
    bring(node, [0.00501], start=day(1))
    count(node)
    now, fine = shown(node)
    assert now.std == EXACT(stdev(values), rel=1e-12)
    assert (fine.total, fine.median) == (0.00501, None)


def test_d17_what_is_counted_is_reported(node: SimulatedNode) -> None:
    """Measures that only change cells that were there are counted in the report, too."""
    define(node)
    for _ in range(3):
        bring(node, [1, 2])
        assert count(node) == 2


def test_filling_goes_on_beyond_one_statement(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many cells lack their quartiles, one run works out all of them."""
    define(node)
    for number in range(7):
        bring(node, [number], groups=(number,))
    count(node)
    redefine(node, with_quartiles=True)
    monkeypatch.setattr(cell_quartiles, "MOST_PARAMETERS", 3)
    count(node)
    assert [row.median for row in shown(node)] == list(range(7))
