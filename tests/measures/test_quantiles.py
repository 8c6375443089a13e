"""Quartiles: exact from values, within 1 % from sketches."""

from statistics import quantiles

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.measures.quantiles import (
    SMALLEST,
    Quartiles,
    opened,
    quartiles,
    sketched_quartiles,
    with_values,
)

FLOATS = st.floats(-1e6, 1e6, allow_subnormal=False)
UNHURRIED = settings(deadline=None)


def exact(values: list[float]) -> Quartiles:
    """The quartiles of *values*, all of them known."""
    return quartiles(len(values), dict(enumerate(sorted(values))))


@given(st.lists(FLOATS, min_size=2, max_size=40))
def test_quartiles_are_interpolated(values: list[float]) -> None:
    """They are those of the standard library's inclusive method."""
    expected = quantiles(values, n=4, method="inclusive")
    assert exact(values) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_quartiles_of_one_value() -> None:
    """One value is all three of its quartiles."""
    assert exact([7.0]) == (7.0, 7.0, 7.0)


def test_only_neighbours_are_needed() -> None:
    """Of many values those beside a quartile are enough."""
    assert quartiles(10, {2: 2.0, 3: 3.0, 4: 4.0, 5: 5.0, 6: 6.0, 7: 7.0}) == (2.25, 4.5, 6.75)


@UNHURRIED
@given(st.lists(FLOATS, min_size=1, max_size=60), st.lists(FLOATS, max_size=20))
def test_sketches_are_near(purged: list[float], later: list[float]) -> None:
    """A sketched quartile is within 1 % of the value at or before its place."""
    values = sorted(purged + later)
    sketch = with_values(None, purged)
    found = sketched_quartiles(sketch, later, values[0], values[-1])
    places = [values[number * (len(values) - 1) // 4] for number in (1, 2, 3)]
    assert found == pytest.approx(places, rel=0.010001, abs=SMALLEST)


@UNHURRIED
@given(st.lists(FLOATS, min_size=1, max_size=60), st.integers(0, 60))
def test_sketches_grow_as_if_made_at_once(values: list[float], cut: int) -> None:
    """A sketch that is stored between two purges counts what one of both purges counts."""
    parts = with_values(with_values(None, values[:cut]), values[cut:])
    bounds = (min(values), max(values))
    whole = with_values(None, values)
    assert opened(parts).count == len(values)
    assert sketched_quartiles(parts, [], *bounds) == sketched_quartiles(whole, [], *bounds)


def test_sketches_stay_small() -> None:
    """Even values of all sizes there are make a sketch that a column holds."""
    extremes = [sign * 10.0**power for sign in (1, -1) for power in range(-300, 141, 20)]
    assert len(with_values(None, extremes)) < 1 << 19
