"""Writers, runs and purges at once, each with connections of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from conftest import NodeMaker
from measures.gathered import (
    NAME,
    bring,
    cell_counts,
    count,
    define,
    definition,
    insert_into,
    measures,
    rows,
    selected,
    shown,
)
from simulator import SimulatedNode
from sqlalchemy import func, select

from downstream_node.clock import monotonic, pause
from downstream_node.measures import aggregating, purging
from downstream_node.measures.models import Cell, CellContributor, RawMeasure

GROUPS = 40


def at_once(*work: Callable[[], Any]) -> list[Any]:
    """What each of *work* returns, all begun at the same moment."""
    begin = Barrier(len(work))

    def run(one: Callable[[], Any]) -> Any:
        begin.wait()
        return one()

    with ThreadPoolExecutor(len(work)) as executor:
        return [future.result() for future in [executor.submit(run, one) for one in work]]


def spread(node: SimulatedNode, each: int) -> list[dict[str, Any]]:
    """*each* measures for each of GROUPS cells, of three contributors."""
    return [
        row
        for group in range(GROUPS)
        for row in measures(
            node, range(each), groups=(group,), contributors=[n % 3 for n in range(each)]
        )
    ]


def assert_counted_once(node: SimulatedNode, each: int) -> None:
    """Each cell has *each* measures and its contributors, once."""
    assert [row.count for row in shown(node)] == [each] * GROUPS
    assert [row.total for row in shown(node)] == [each * (each - 1) / 2] * GROUPS
    assert {row.contributors for row in rows(node, Cell)} == {3}
    assert len(rows(node, CellContributor)) == 3 * GROUPS


def test_d5_a_late_commit_is_counted(node: SimulatedNode) -> None:
    """A measure whose transaction began before a run and ends after it is in the next one."""
    if node.parts.database.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    define(node)
    with ThreadPoolExecutor(1) as executor:
        with node.parts.database.writing() as slow:
            insert_into(slow, measures(node, [1]))
            bring(node, [10])
            run = executor.submit(count, node)
            if node.parts.database.dialect == "mysql":
                pause(0.5)  # MariaDB's locks may have the run wait for the writer
            else:
                wait_for(lambda: [row.total for row in shown(node)] == [10])
        first = run.result()
    assert first + count(node) == 2
    assert (shown(node)[0].count, shown(node)[0].total) == (2, 11)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds, 30 seconds at most."""
    give_up = monotonic() + 30
    while not condition():
        assert monotonic() < give_up
        pause(0.02)


def test_d5_writers_and_runs_at_once(make_node: NodeMaker) -> None:
    """While four clients write, runs go on; in the end each measure is counted once."""
    node = make_node()
    define(node, with_quartiles=True)

    def write() -> int:
        made = spread(node, 10)
        for start in range(0, len(made), 20):
            some = made[start : start + 20]
            node.parts.database.write(lambda connection, some=some: insert_into(connection, some))
        return 0

    def run() -> int:
        return sum(count(node) for _ in range(8))

    counted = sum(at_once(write, write, write, write, run, run)) + count(node)
    assert counted == 40 * GROUPS == sum(row.count for row in shown(node))
    assert selected(node, select(func.count()).where(RawMeasure.cell.is_(None)))[0][0] == 0


@pytest.mark.parametrize("warm", [False, True], ids=["new cells", "cells that are there"])
def test_d6_runs_at_once_count_once(make_node: NodeMaker, warm: bool) -> None:
    """Of several runs of one definition at the same moment, each measure is counted by one."""
    nodes = [make_node() for _ in range(4)]
    define(nodes[0], with_quartiles=True)
    made = spread(nodes[0], 20)
    for part in (made[::2], made[1::2]) if warm else (made,):
        nodes[0].parts.database.write(lambda connection, part=part: insert_into(connection, part))
        counted = at_once(*[lambda node=node: count(node) for node in nodes])
        assert sum(counted) == len(part)
    assert_counted_once(nodes[0], 20)


def test_purges_and_runs_at_once(make_node: NodeMaker) -> None:
    """A purge beside runs and another purge loses nothing, and each deletion is reported once."""
    node = make_node()
    define(node, with_quartiles=True, max_days_to_update_quartile=0)

    def purge() -> int:
        return sum(purging.purge(node.parts, NAME, 0) for _ in range(5))

    def write_and_run() -> int:
        made = spread(node, 6)
        node.parts.database.write(lambda connection: insert_into(connection, made))
        return count(node)

    _, _, *purged = at_once(write_and_run, write_and_run, purge, purge)
    count(node)
    purged.append(purging.purge(node.parts, NAME, 0))
    assert sum(purged) == 12 * GROUPS
    assert cell_counts(node) == [12] * GROUPS
    assert {row.median is None for row in rows(node, Cell)} == {False}


def test_a_run_that_dies_has_counted_nothing(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a run ends before its commit, the next one finds all as it was."""
    define(node, with_quartiles=True)
    for step in ("make_cells", "mark", "store", "add_contributors"):
        bring(node, [1], contributors=[7])
        with monkeypatch.context() as patch:
            patch.setattr(aggregating, step, died)
            with pytest.raises(KeyboardInterrupt):
                count(node)
    assert rows(node, Cell) == []
    assert definition(node).last_run is None
    assert count(node) == 4
    assert shown(node)[0].count == 4


def died(*_arguments: object) -> None:
    """End as a process does that is killed here: nothing after it runs."""
    raise KeyboardInterrupt


def test_measures_that_were_counted_and_purged_meanwhile(make_node: NodeMaker) -> None:
    """A run that had read them before counts nothing, and does not fail."""
    node = make_node()
    define(node, with_quartiles=True, max_days_to_update_quartile=0)
    made = spread(node, 1)
    node.parts.database.write(lambda connection: insert_into(connection, made))
    defined = definition(node)
    seen = [
        aggregating.Waiting(row.id, bytes(row.cell_key))
        for row in node.parts.database.read(lambda found: aggregating.oldest(found, defined.id))
    ]
    assert count(node) == GROUPS
    assert purging.purge(node.parts, NAME, 0) == GROUPS
    assert aggregating.count_or_set_aside(node.parts, defined, seen) == 0
    assert cell_counts(node) == [1] * GROUPS
