"""Hashes of the whole and of blocks, and what a part takes of each block."""

import hashlib

import pytest
from custody.keeping import bytes_of
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.custody.blocks import BLOCK, Hasher, Part, count, digest, hash_of, parts

CONTENT = bytes_of(3 * BLOCK + 17)
BLOCKS = [CONTENT[at : at + BLOCK] for at in range(0, len(CONTENT), BLOCK)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(CONTENT)), max_size=8))
def test_pieces_of_any_size_make_the_same_hashes(cuts: list[int]) -> None:
    """Where the stream is cut does not matter."""
    hasher, before = Hasher(), 0
    for cut in [*sorted(cuts), len(CONTENT)]:
        hasher.update(CONTENT[before:cut])
        before = cut
    assert hasher.size == len(CONTENT)
    assert hasher.whole == hashlib.sha256(CONTENT).digest()
    assert hasher.blocks == b"".join(map(digest, BLOCKS))


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, 0), (1, 1), (BLOCK - 1, 1), (BLOCK, 1), (BLOCK + 1, 2), (2 * BLOCK, 2)],
)
def test_the_number_of_blocks(size: int, expected: int) -> None:
    """An empty file has none; the last one may be short."""
    hasher = Hasher()
    hasher.update(bytes(size))
    assert count(size) == expected == len(hasher.blocks) // 32


def test_hashes_are_found_by_number() -> None:
    """Behind the end there is none."""
    listed = b"".join(map(digest, BLOCKS))
    assert [hash_of(listed, number) for number in range(4)] == list(map(digest, BLOCKS))
    assert hash_of(listed, 4) == b""


@settings(max_examples=200)
@given(st.tuples(*[st.integers(0, len(CONTENT))] * 2))
def test_parts_put_together_are_the_range(bounds: tuple[int, int]) -> None:
    """Every byte of it once, in order, and nothing of an empty one."""
    start, end = sorted(bounds)
    found = b"".join(BLOCKS[one.number][one.first : one.last] for one in parts(start, end))
    assert found == CONTENT[start:end]
    assert all(one.first < one.last for one in parts(start, end))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param(5, 5, [], id="empty"),
        pytest.param(0, BLOCK, [Part(0, 0, BLOCK)], id="one whole block"),
        pytest.param(
            BLOCK - 1, BLOCK + 1, [Part(0, BLOCK - 1, BLOCK), Part(1, 0, 1)], id="over the edge"
        ),
        pytest.param(BLOCK, BLOCK + 1, [Part(1, 0, 1)], id="on the edge"),
    ],
)
def test_parts_at_the_edges(start: int, end: int, expected: list[Part]) -> None:
    """No block is touched of which nothing is wanted."""
    assert list(parts(start, end)) == expected
