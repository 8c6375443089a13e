"""Results of one period taken together are those of all their values."""

from statistics import fmean, stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.dashboard.combining import combined
from downstream_node.measures.results import AggregateRow

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


def result(values: list[float], **more: Any) -> AggregateRow:
    """The result of *values*."""
    numbers = {
        "count": len(values),
        "total": sum(values),
        "avg": fmean(values),
        "count_not_zero": sum(value != 0 for value in values),
        "least": min(values),
        "greatest": max(values),
        "std": stdev(values) if len(values) > 1 else 0.0,
        "median": 1.0,
    }
    place: dict[str, Any] = {"start": 5, "created_by": "a", "groups": {}}
    return AggregateRow(**numbers | place | {"order_key": (5, "", "", "", "", 1)} | more)


@given(st.lists(VALUES, min_size=2, max_size=5))
def test_it_is_the_result_of_all_values(parts: list[list[float]]) -> None:
    """But for quartiles, which nobody knows."""
    got = combined([result(values) for values in parts])
    whole = result([value for values in parts for value in values], median=None)
    for field in ("count", "count_not_zero", "least", "greatest", "start"):
        assert getattr(got, field) == getattr(whole, field)
    for field in ("total", "avg", "std"):
        assert getattr(got, field) == pytest.approx(getattr(whole, field), rel=1e-9, abs=1e-4)
    assert got.median is None


def test_one_alone() -> None:
    """It stays as it is, quartiles included."""
    one = result([1.0, 2.0])
    assert combined([one]) is one


def test_what_one_part_does_not_have() -> None:
    """The whole does not have it either, and noise of a part is in the whole."""
    nothing = dict.fromkeys(("std", "least", "greatest", "count_not_zero"))
    got = combined([result([1.0]), result([3.0], noisy=True, **nothing)])
    assert (got.std, got.least, got.greatest, got.count_not_zero, got.noisy) == (*[None] * 4, True)
    assert (got.count, got.total, got.avg) == (2, 4.0, 2.0)


def test_noise_that_left_no_contribution() -> None:
    """A mean is given all the same."""
    none = [result([1.0], count=0, avg=avg) for avg in (1.0, 3.0)]
    assert combined(none).avg == 2
