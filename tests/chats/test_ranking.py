"""The order of relevance."""

import pytest

from downstream_node.chats.query import Contains, Words
from downstream_node.chats.ranking import WINDOW, nearest, ranked

PECAN, PIE = Words(("pecan",)), Words(("pie",))


def order(contents: list[str], *wanted: Words | Contains) -> list[str]:
    """*contents*, best first."""
    return [contents[n] for n in ranked(contents, wanted)]


def test_equal_messages_are_newest_first() -> None:
    """They come in as they go out."""
    assert ranked(["pie"] * 5, [PIE]) == [0, 1, 2, 3, 4]


def test_nothing_to_rank_by() -> None:
    """A search without words keeps the order of time."""
    assert ranked(["b", "a", "c"], []) == [0, 1, 2]
    assert ranked([], [PIE]) == []


def test_rare_words_count_more() -> None:
    """The message with the word that few have comes first."""
    assert order(["pie one"] * 5 + ["pecan one"], PIE, PECAN)[0] == "pecan one"


def test_repetition_saturates() -> None:
    """Both words beat one of them many times."""
    assert order(["pie " * 50, "pecan pie"], PIE, PECAN)[0] == "pecan pie"
    assert order(["pie tea", "pie pie"], PIE)[0] == "pie pie"


def test_short_messages_come_before_long_ones() -> None:
    """The same word says more of a message that has little else."""
    assert order(["pie " + "tea " * 40, "pie tea"], PIE)[0] == "pie tea"


def test_closeness_counts() -> None:
    """Words side by side come before the same words far apart."""
    apart, beside = "pecan a b c d e f pie", "pecan pie a b c d e f"
    assert order([apart, beside], PECAN, PIE) == [beside, apart]


def test_substrings_and_phrases_are_ranked() -> None:
    """They are terms like words."""
    contents = ["pie pecan", "a pecan pie", "c++"]
    assert order(contents, Words(("pecan", "pie")))[0] == "a pecan pie"
    assert order(contents, Contains("++"))[0] == "c++"


@pytest.mark.parametrize(
    ("one", "other", "distance"), [([1], [5], 4), ([1, 9], [5, 8], 1), ([3], [3], 0)]
)
def test_nearest(one: list[int], other: list[int], distance: int) -> None:
    """The least distance between two lists."""
    assert nearest(one, other) == distance


def test_a_window_is_ranked_soon() -> None:
    """A full window of usual messages, ten terms."""
    contents = [f"pie {n % 7} pecan {n} and some more words of a chat" for n in range(WINDOW)]
    wanted = [Words((str(n),)) for n in range(10)]
    assert sorted(ranked(contents, wanted)) == list(range(WINDOW))
