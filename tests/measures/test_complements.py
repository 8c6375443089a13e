"""What is hidden among siblings cannot be told from what is shown."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.measures.complements import Sibling, shown_safely, sibling_sets

THRESHOLD = 5


def siblings(weights: list[int]) -> list[Sibling]:
    """Cells that differ in their first group, numbered from 0."""
    return [
        Sibling(number, (0, "app"), (str(number), None, None), weight)
        for number, weight in enumerate(weights)
    ]


@pytest.mark.parametrize(
    ("weights", "shown"),
    [
        pytest.param([5, 6, 7], {0, 1, 2}, id="nothing hidden"),
        pytest.param([4, 6, 7], {2}, id="one hidden takes the smallest with it"),
        pytest.param([4, 4, 7], {2}, id="two hidden protect each other"),
        pytest.param([1, 2, 7, 8], {3}, id="two hidden that are too small together"),
        pytest.param([4, 9], set(), id="one of two"),
        pytest.param([4], set(), id="alone"),
        pytest.param([9], {0}, id="alone and large"),
        pytest.param([], set(), id="none"),
    ],
)
def test_one_group(weights: list[int], shown: set[int]) -> None:
    """The smallest that is shown is hidden until the hidden ones are safe together."""
    assert shown_safely(siblings(weights), THRESHOLD) == shown


def test_starts_and_apps_are_no_siblings() -> None:
    """A hidden cell of one app or start says nothing of another's."""
    cells = [
        Sibling(number, place, ("a", None, None), weight)
        for number, (place, weight) in enumerate(
            [((0, "x"), 4), ((0, "y"), 9), ((0, None), 9), ((1, "x"), 9)]
        )
    ]
    assert shown_safely(cells, THRESHOLD) == {1, 2, 3}


def test_hiding_goes_on_among_the_other_group() -> None:
    """What is hidden for its row's sake is not left alone in its column."""
    weights = {("a", "x"): 1, ("a", "y"): 10, ("b", "x"): 11, ("b", "y"): 12, ("b", "z"): 13}
    cells = [
        Sibling(number, (0, None), (*place, None), weight)
        for number, (place, weight) in enumerate(weights.items())
    ]
    assert shown_safely(cells, THRESHOLD) == {4}


@given(st.lists(st.integers(0, 20), min_size=1, max_size=12), st.integers(1, 8))
def test_no_complement_is_small(weights: list[int], threshold: int) -> None:
    """Among all siblings, in each group, what is hidden is nothing, everything, or large."""
    places = product("ab", "xyz", "12")
    cells = [
        Sibling(number, (0, None), place, weight)
        for number, (place, weight) in enumerate(zip(places, weights, strict=False))
    ]
    shown = shown_safely(cells, threshold)
    assert all(cell.weight >= threshold for cell in cells if cell.cell in shown)
    for some in sibling_sets(cells):
        hidden = [cell.weight for cell in some if cell.cell not in shown]
        large = len(hidden) > 1 and sum(hidden) >= threshold
        assert large or len(hidden) in {0, len(some)}
