"""What is purged is counted and old; what comes later is counted all the same."""

from statistics import stdev

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measures.gathered import NAME, bring, count, define, redefine, rows, shown
from simulator import SimulatedNode

from downstream_node.measures import purging
from downstream_node.measures.models import Cell, RawMeasure

NEAR = 0.010001
"""The part of itself by which a sketched quartile may be off."""


def pass_days(node: SimulatedNode, days: float) -> None:
    """Let *days* pass."""
    node.clock.jump(days * 86400)


def purge(node: SimulatedNode, days: int = 90) -> int:
    """Purge the one measure there is."""
    return purging.purge(node.parts, NAME, days)


@pytest.mark.parametrize(
    ("days", "expected"),
    [pytest.param(89.99, 0, id="too young"), pytest.param(90, 3, id="old enough")],
)
def test_age_is_counted_from_arrival(node: SimulatedNode, days: float, expected: int) -> None:
    """Measures go 90 days after they came, whatever day they speak of."""
    define(node)
    bring(node, [1, 2, 3], start=0)
    count(node)
    pass_days(node, days)
    assert purge(node) == expected
    assert len(rows(node, RawMeasure)) == 3 - expected
    assert rows(node, Cell)[0].last_purged == (node.clock.wall if expected else None)


def test_a_purge_changes_no_number(node: SimulatedNode) -> None:
    """Results are the same before and after, and still exact."""
    define(node, with_quartiles=True)
    bring(node, [1, 2, 3, 10])
    count(node)
    before = shown(node)
    pass_days(node, 100)
    assert purge(node) == 4
    assert shown(node) == before
    assert not before[0].approximate


@pytest.mark.parametrize(("days", "expected"), [(99.99, 0), (100, 2)])
def test_quartiles_keep_measures_longer(node: SimulatedNode, days: float, expected: int) -> None:
    """With quartiles, max_days_to_update_quartile days must have passed, too."""
    define(node, with_quartiles=True, max_days_to_update_quartile=100)
    bring(node, [1, 2])
    count(node)
    pass_days(node, days)
    assert purge(node, 10) == expected


def test_d4_what_is_not_counted_stays(node: SimulatedNode) -> None:
    """However old it is: three measures that wait are counted after the purge, 13 becomes 16."""
    define(node)
    bring(node, [10, 3])
    count(node)
    bring(node, [1, 1, 1])
    pass_days(node, 200)
    assert purge(node) == 2
    assert len(rows(node, RawMeasure)) == 3
    assert count(node) == 3
    assert (shown(node)[0].count, shown(node)[0].total) == (5, 16)


def test_d14_late_measures_are_counted_once(node: SimulatedNode) -> None:
    """What comes after a purge changes its cell, once, and nothing is put aside again."""
    define(node, with_quartiles=True, max_days_to_update_quartile=0)
    bring(node, range(1, 101))
    count(node)
    purge(node, 0)
    for late in (101, 102, 103):
        bring(node, [late])
        assert count(node) == 1
    (row,) = shown(node)
    values = list(range(1, 104))
    assert (row.count, row.total) == (103, sum(values))
    assert row.std == pytest.approx(stdev(values))
    assert row.approximate
    found = (row.first_quartile, row.median, row.third_quartile)
    assert found == pytest.approx([26, 52, 77], rel=NEAR)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(st.floats(0.1, 1e4), min_size=1, max_size=15), min_size=2, max_size=4))
def test_quartiles_after_any_purges(node: SimulatedNode, batches: list[list[float]]) -> None:
    """With a purge after each run but the last, quartiles are within 1 % of a value beside them."""
    name = define(node, f"m{id(batches)}", with_quartiles=True, max_days_to_update_quartile=0).name
    for batch in batches:
        purging.purge(node.parts, name, 0)
        bring(node, batch, name=name)
        count(node, name)
    (row,) = shown(node, name)
    values = sorted(value for batch in batches for value in batch)
    places = [values[number * (len(values) - 1) // 4] for number in (1, 2, 3)]
    found = (row.first_quartile, row.median, row.third_quartile)
    assert found == pytest.approx(places, rel=NEAR)


def test_a_part_of_the_values_makes_no_quartiles(node: SimulatedNode) -> None:
    """What was purged while nobody wanted quartiles cannot be had later: there are none."""
    define(node, max_days_to_update_quartile=0)
    bring(node, [1, 2, 3])
    count(node)
    purge(node, 0)
    redefine(node, with_quartiles=True)
    for value in (100, 200):
        bring(node, [value])
        count(node)
        purge(node, 0)
    (row,) = shown(node)
    assert (row.count, row.median, row.approximate) == (5, None, False)


def test_a_sketch_that_missed_values_is_dropped(node: SimulatedNode) -> None:
    """Where quartiles were wanted, then not, then again, none are given for what was purged."""
    define(node, with_quartiles=True, max_days_to_update_quartile=0)
    for wanted in (True, False, True):
        redefine(node, with_quartiles=wanted)
        bring(node, [1, 2, 3])
        count(node)
        purge(node, 0)
    assert (shown(node)[0].count, shown(node)[0].median) == (9, None)


def test_chunks(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than fits one transaction goes in several, and all values reach the sketches."""
    monkeypatch.setattr(purging, "CHUNK", 7)
    monkeypatch.setattr("downstream_node.database.MOST_PARAMETERS", 3)
    define(node, with_quartiles=True, max_days_to_update_quartile=0)
    for group in range(5):
        bring(node, [100 * group + value for value in range(1, 10)], groups=(group,))
    count(node)
    assert purge(node, 0) == 45
    for group in range(5):
        bring(node, [100 * group + 5], groups=(group,))
    count(node)
    expected = [100 * group + 5 for group in range(5)]
    assert [row.median for row in shown(node)] == pytest.approx(expected, rel=NEAR)


def test_all_definitions_are_purged(node: SimulatedNode) -> None:
    """Each by its own rule, and the counts are given by name."""
    define(node, "short")
    define(node, "long", with_quartiles=True, max_days_to_update_quartile=300)
    for name in ("short", "long"):
        bring(node, [1, 2], name=name)
        count(node, name)
    pass_days(node, 90)
    assert purging.purge_all(node.parts) == {"short": 2, "long": 0}
