"""The fast ways through Swizzle's keyed function give what the plain way gives."""

import random

import pytest

from downstream_node.heartbeat.swizzle_prf import Prf

KEY = bytes(range(32))
LIMITS = [1, 2, 3, 255, 256, 257, 16385, 26422, 2**64, 2**120 + 1, 2**128 - 1]
WIDE_LIMITS = [2**128, 2**129, 2**200 + 5, 2**256 - 1, 2**257, 2**512 + 1, 2**1024 - 105]


@pytest.mark.parametrize("limit", LIMITS + WIDE_LIMITS)
def test_many_at_once_are_as_one_by_one(limit: int) -> None:
    """Side by side or alone, each number below 2**32 has its value, and it is below the limit."""
    rng = random.Random(limit)  # noqa: S311 - the same in every run
    numbers = [0, 1, 2**32 - 1, *(rng.randrange(2**32) for _ in range(100))]
    prf = Prf(KEY, limit)
    values = prf.values(numbers)
    assert values == [prf.value(number) for number in numbers]
    assert all(0 <= value < limit for value in values)


def test_no_numbers() -> None:
    """Nothing in, nothing out."""
    assert Prf(KEY, 5).values([]) == []
    assert Prf(KEY, 2**1024).values([]) == []


def test_values_cover_the_range_and_depend_on_the_key() -> None:
    """Every value below a small limit comes up, and another key gives other values."""
    values = Prf(KEY, 5).values(range(200))
    assert set(values) == {0, 1, 2, 3, 4}
    assert Prf(bytes(32), 5).values(range(200)) != values
