"""Raw measures in parts of a week, on PostgreSQL: what is dropped, and that nothing is lost."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import migrated, own_database, recreate_database, require
from measures.gathered import NAME, bring, cell_counts, count, day, define, redefine, rows, shown
from simulator import ManualClock, SimulatedNode

from downstream_node.errors import NoPartitions
from downstream_node.measures import partitions, purging, redoing
from downstream_node.measures.models import Cell, RawMeasure
from downstream_node.measures.partitions import WEEKS_AHEAD, Kept

WEEK = 7 * 86400
VARIABLE = "TEST_POSTGRESQL_URI"


@pytest.fixture
def plain(master_key: Path, tmp_path: Path) -> Iterator[SimulatedNode]:
    """A node on a PostgreSQL database that no other test uses, since its tables will differ."""
    require(os.environ.get(VARIABLE), f"no PostgreSQL: {VARIABLE} is not set")
    uri = own_database(os.environ[VARIABLE]) + "_parts"
    recreate_database(uri)
    migrated(uri, master_key)
    node = SimulatedNode(
        ManualClock(),
        SQLALCHEMY_DATABASE_URI=uri,
        MASTER_KEY_PATH=str(master_key),
        MMDB_PATH=str(tmp_path / "none.mmdb"),
    )
    yield node
    node.close()


@pytest.fixture
def parted(plain: SimulatedNode) -> SimulatedNode:
    """The same, with measures of before and measures of each of three weeks since, all counted."""
    define(plain)
    bring(plain, [1, 2])
    count(plain)
    partitions.convert(plain.parts)
    for week in range(3):
        plain.clock.jump(WEEK)
        bring(plain, [10, 20, 30], start=day(week))
        count(plain)
    return plain


def test_all_goes_on_as_before(parted: SimulatedNode) -> None:
    """Measures are stored, counted, purged and undone, whichever part they are in."""
    assert [(row.count, row.total) for row in shown(parted)] == [(5, 63), (3, 60), (3, 60)]
    assert redoing.undo(parted.parts, NAME, 0).measures == 11
    assert count(parted) == 11
    parted.clock.jump(WEEK)
    assert purging.purge(parted.parts, NAME, 14) == 8
    assert cell_counts(parted) == [5, 3, 3]


def test_old_parts_are_dropped(parted: SimulatedNode) -> None:
    """All that arrived in them is counted, so their cells stay, with a stamp."""
    parted.clock.jump(WEEK)
    assert partitions.keep(parted.parts, 14) == Kept(made=4, dropped=2, left=[])
    assert len(rows(parted, RawMeasure)) == 6
    assert cell_counts(parted) == [5, 3, 3]
    purged = [cell.last_purged for cell in rows(parted, Cell)]
    assert purged == [parted.clock.wall, None, None]
    assert partitions.keep(parted.parts, 14) == Kept(0, 0, [])


def test_what_is_not_counted_keeps_its_part(parted: SimulatedNode) -> None:
    """It is counted by the next run, and goes then."""
    redoing.undo(parted.parts, NAME, day(2))
    parted.clock.jump(9 * WEEK)
    assert len(partitions.keep(parted.parts, 14).left) == 1
    assert len(rows(parted, RawMeasure)) == 3
    assert count(parted) == 3
    assert partitions.keep(parted.parts, 14).left == []
    assert (rows(parted, RawMeasure), cell_counts(parted)) == ([], [5, 3, 3])


def test_quartiles_keep_a_part_until_they_are_sketched(parted: SimulatedNode) -> None:
    """With quartiles the values go into sketches first, not before the definition's time."""
    redefine(parted, with_quartiles=True, max_days_to_update_quartile=100)
    count(parted)
    parted.clock.jump(9 * WEEK)
    assert len(partitions.keep(parted.parts, 14).left) == 4
    assert len(rows(parted, RawMeasure)) == 11
    parted.clock.jump(9 * WEEK)
    assert partitions.keep(parted.parts, 14).left == []
    assert rows(parted, RawMeasure) == []
    assert all(cell.sketch for cell in rows(parted, Cell))
    assert [row.median for row in shown(parted)] == [10, 20, 20]


def test_a_time_that_has_no_part(parted: SimulatedNode) -> None:
    """Where nobody made parts for months, measures are stored all the same."""
    parted.clock.jump((WEEKS_AHEAD + 20) * WEEK)
    bring(parted, [5], start=day(2))
    assert count(parted) == 1
    assert cell_counts(parted) == [5, 3, 4]


def test_only_once(parted: SimulatedNode) -> None:
    """A table in parts is not converted again."""
    with pytest.raises(NoPartitions, match="already"):
        partitions.convert(parted.parts)


def test_not_before_the_conversion(plain: SimulatedNode) -> None:
    """Without parts there is nothing to keep."""
    with pytest.raises(NoPartitions, match="convert them first"):
        partitions.keep(plain.parts, 90)


def test_only_on_postgresql(lite: SimulatedNode) -> None:
    """Other databases say so, and change nothing."""
    for work in (partitions.convert, lambda node: partitions.keep(node, 90)):
        with pytest.raises(NoPartitions, match="Only on PostgreSQL"):
            work(lite.parts)
