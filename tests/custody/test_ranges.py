"""What a Range header asks for, at every edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.custody.ranges import Bounds, wanted_part

SIZE = 10


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=0-10", (0, 10)),
        ("bytes=9-", (9, 10)),
        ("bytes=10-", (10, 10)),
        ("bytes=11-20", (10, 10)),
        ("bytes=-10", (0, 10)),
        ("bytes=-11", (0, 10)),
        ("bytes=-0", (10, 10)),
        ("bytes=00-00", (0, 1)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("", None),
    ],
)
def test_the_edges(header: str, part: Bounds | None) -> None:
    """A part behind the end is empty; what is no range does not count."""
    assert wanted_part(header, SIZE) == part


@given(st.from_regex(r"bytes=[0-9]{0,3}-[0-9]{0,3}\Z"), st.integers(0, 1000))
def test_a_part_lies_within_the_file(header: str, size: int) -> None:
    """Whatever is asked for."""
    start, end = wanted_part(header, size) or (0, size)
    assert 0 <= start <= end <= size


@given(st.text(max_size=30))
def test_any_text(header: str) -> None:
    """It is a part or none, never an error."""
    assert wanted_part(header, SIZE) is None or header.lower().startswith("bytes=")
