"""Moments that are merged are those of one pass."""

from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.measures.moments import LARGEST, Moments, merged, sample_deviation

NOTHING = Moments(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
VALUES = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=30)


def moments_of(values: list[float]) -> Moments:
    """The moments of *values* in one pass over all of them."""
    mean = fmean(values)
    return Moments(
        count=len(values),
        count_not_zero=sum(value != 0 for value in values),
        total=sum(values),
        mean=mean,
        deviations=sum((value - mean) ** 2 for value in values),
        least=min(values),
        greatest=max(values),
    )


def assert_close(left: Moments, right: Moments, size: float) -> None:
    """All numbers agree within 1e-9 of the *size* of the values."""
    assert (left.count, left.count_not_zero) == (right.count, right.count_not_zero)
    assert (left.least, left.greatest) == (right.least, right.greatest)
    assert left.mean == pytest.approx(right.mean, rel=1e-9, abs=1e-9 * size)
    assert left.total == pytest.approx(right.total, rel=1e-9, abs=1e-9 * size)
    assert left.deviations == pytest.approx(right.deviations, rel=1e-9, abs=1e-9 * size**2)


@given(VALUES, VALUES)
def test_merging_is_one_pass(left: list[float], right: list[float]) -> None:
    """The moments of two parts make those of the whole."""
    whole = moments_of(left + right)
    size = max(abs(value) for value in (*left, *right, 1e-3))
    assert_close(merged(moments_of(left), moments_of(right)), whole, size)


@given(VALUES)
def test_nothing_changes_nothing(values: list[float]) -> None:
    """Merged with no values, moments stay as they are, to the bit."""
    some = moments_of(values)
    assert merged(some, NOTHING) == some == merged(NOTHING, some)


def test_small_spread_around_a_large_mean_is_kept() -> None:
    """Where sums of squares would have lost all digits, merged deviations have theirs."""
    values = [1e9 + number % 7 for number in range(700)]
    whole = NOTHING
    for start in range(0, 700, 7):
        whole = merged(whole, moments_of(values[start : start + 7]))
    assert sample_deviation(700, whole.deviations) == pytest.approx(stdev(values), rel=1e-9)


def test_a_single_value_does_not_deviate() -> None:
    """Its sample deviation is 0, not undefined."""
    assert sample_deviation(1, 0.0) == 0.0


def test_the_largest_values_stay_finite() -> None:
    """Even a thousand million of the largest values of both signs overflow nothing."""
    many = 10**9
    high = Moments(many, many, many * LARGEST, LARGEST, 0.0, LARGEST, LARGEST)
    low = Moments(many, many, -many * LARGEST, -LARGEST, 0.0, -LARGEST, -LARGEST)
    both = merged(high, low)
    assert both.mean == 0
    assert both.deviations == pytest.approx(2 * many * LARGEST**2)
