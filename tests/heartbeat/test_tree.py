"""The hash tree, its branches, and what climbing refuses."""

import hashlib

import pytest

from downstream_node.heartbeat import tree


def hashes(count: int) -> list[bytes]:
    """Return *count* distinct leaf hashes."""
    return [hashlib.sha256(b"%d" % number).digest() for number in range(count)]


def branch(nodes: list[bytes], leaves: int, index: int) -> list[tuple[bytes, bytes]]:
    """Return the rows of the branch of leaf *index*."""
    return [(nodes[left], nodes[left + 1]) for left in tree.path(tree.order_of(leaves), index)]


@pytest.mark.parametrize(
    ("leaves", "order"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)]
)
def test_order(leaves: int, order: int) -> None:
    """The order is the binary logarithm of the leaves, rounded up."""
    assert tree.order_of(leaves) == order
    assert len(tree.build(hashes(leaves))) == 2 * 2**order


@pytest.mark.parametrize("leaves", [1, 2, 3, 5, 8, 17, 20])
def test_every_branch_climbs_to_the_root(leaves: int) -> None:
    """Each leaf is proved by its own branch."""
    nodes = tree.build(hashes(leaves))
    for index, leaf in enumerate(hashes(leaves)):
        assert tree.climb(leaf, index, leaves, branch(nodes, leaves, index)) == nodes[0]


@pytest.mark.parametrize("leaves", [2, 3, 5, 8, 17])
def test_a_leaf_stands_at_one_index_only(leaves: int) -> None:
    """A right leaf with its right branch is refused at every other index."""
    nodes, last = tree.build(hashes(leaves)), leaves - 1
    rows = branch(nodes, leaves, last)
    for index in (*range(-2, last), *range(leaves, 40)):
        assert tree.climb(hashes(leaves)[last], index, leaves, rows) is None


def test_sides_may_not_be_swapped_even_beside_an_empty_place() -> None:
    """The last leaf of an odd number has an empty sibling, on the right and nowhere else."""
    (leaf, empty), *rest = branch(tree.build(hashes(3)), 3, 2)
    assert empty == b""
    assert tree.climb(leaf, 2, 3, [(empty, leaf), *rest]) is None


@pytest.mark.parametrize("sibling", [b"", b"s" * 31, b"s" * 33, b"s" * 64])
def test_a_sibling_is_a_whole_hash(sibling: bytes) -> None:
    """A sibling of another length is refused wherever the tree has a node."""
    leaf = hashes(1)[0]
    assert tree.climb(leaf, 0, 2, [(leaf, sibling)]) is None
    assert tree.climb(leaf, 1, 2, [(sibling, leaf)]) is None


def test_a_sibling_beyond_the_last_leaf_is_refused() -> None:
    """Nothing may stand where the tree has no leaf."""
    leaf = hashes(1)[0]
    assert tree.climb(leaf, 2, 3, [(leaf, b"s" * 32), (leaf, leaf)]) is None


@pytest.mark.parametrize("levels", [0, 1, 3])
def test_a_branch_has_one_row_per_level(levels: int) -> None:
    """Rows that fit on each other but stop early, or go on beyond the root, are refused."""
    longer = tree.build(hashes(8))
    rows = branch(longer, 8, 0)[:levels]
    assert tree.climb(hashes(1)[0], 0, 4, rows) is None
