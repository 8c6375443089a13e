"""Lines and elements come out whole however the file is cut into pieces, within bounds."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.packages.reading.splitting import UNREADABLE, CutOff, elements, lines

LONGEST = 64
VALUES = st.recursive(
    st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
MESSAGES = st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=8)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """*data* in pieces of *size* bytes."""
    return (data[start : start + size] for start in range(0, len(data), size))


@given(
    st.lists(st.binary(max_size=LONGEST).map(lambda line: line.replace(b"\n", b"."))),
    st.integers(1, 50),
)
def test_lines_are_those_of_split(given_lines: list[bytes], size: int) -> None:
    """Whatever the pieces, the lines are the same; a last one without an end counts."""
    data = b"#" + b"\n".join(given_lines)
    found = [line for batch in lines(pieces(data, size), LONGEST + 1) for line in batch]
    expected = data.split(b"\n")
    assert found == (expected if expected[-1] else expected[:-1])


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_long_line_is_unreadable_and_the_next_is_not(size: int) -> None:
    """What is too long to be held is counted in its place."""
    data = b"a\n" + b"x" * 5000 + b"\nb\n" + b"y" * 5000
    found = [line for batch in lines(pieces(data, size), LONGEST) for line in batch]
    expected = [b"a", UNREADABLE, b"b", UNREADABLE]
    # A line that comes within one piece is held already, so it may as well be read.
    assert [line if len(line) < LONGEST else UNREADABLE for line in found] == expected


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    """Not even when it comes byte by byte."""
    data = b"\xef\xbb\xbf{}\n{}"
    assert [batch for batch in lines(pieces(data, 1), LONGEST) if batch] == [[b"{}"], [b"{}"]]


@given(MESSAGES, st.integers(1, 50), st.sampled_from([None, 1]), st.booleans())
def test_elements_are_those_of_json(
    messages: list[dict[str, Any]], size: int, indent: int | None, ascii_only: bool
) -> None:
    """Whatever the pieces, the spaces and the texts, the elements are the same."""
    data = json.dumps(messages, indent=indent, ensure_ascii=ascii_only).encode()
    found = [json.loads(element) for element in elements(pieces(data, size), 10_000)]
    assert found == messages


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b'{"a": 1}', [], id="no array"),
        pytest.param(b'[{"a": 1}, {"b"', [b'{"a": 1}'], id="cut in an element"),
        pytest.param(b'[{"a": 1}, {"b": "', [b'{"a": 1}'], id="cut in a text"),
        pytest.param(b'[{"a": 1},', [b'{"a": 1}'], id="cut between"),
        pytest.param(b'[{"a": 1}, {"' + b"x" * 99, [b'{"a": 1}', UNREADABLE], id="too long"),
    ],
)
def test_what_is_cut_off_says_so_after_what_is_whole(data: bytes, whole: list[bytes]) -> None:
    """No element before the damage is lost."""
    found: list[bytes] = []
    with pytest.raises(CutOff):
        # Unlike list(), extend keeps what came before the error.
        found.extend(elements(pieces(data, 16), LONGEST))
    assert found == whole


def test_what_is_no_message_comes_out_to_be_found_broken() -> None:
    """Numbers and texts between the elements are not passed over."""
    data = b'[1, {"a": 1}, "x", {"b": 2} true]'
    assert list(elements([data], LONGEST)) == [b"1", b'{"a": 1}', b'"x"', b'{"b": 2}', b"true"]
