"""The hash tree over a contract's leaves, in heap order: the root first, then level by level.

A tree of order *o* has 2**o places for leaves; places beyond the last leaf are empty. The
children of node *j* are 2j + 1 and 2j + 2, so leaf *k* is node k + 2**o - 1. An inner node is
SHA-256(left + right). Source: storj-heartbeat 0.1.10, Merkle.
"""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32

Row = tuple[bytes, bytes]


def order_of(leaves: int) -> int:
    """Return the number of levels above the leaves: the least o with 2**o >= *leaves* >= 1."""
    return (leaves - 1).bit_length()


def build(leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """Return the nodes of the tree over *leaf_hashes*, the root at index 0.

    There are 2 * 2**order of them: the original keeps one more than it needs, always empty.
    """
    places = 1 << order_of(len(leaf_hashes))
    nodes = [b""] * (2 * places)
    nodes[places - 1 : places - 1 + len(leaf_hashes)] = leaf_hashes
    for parent in range(places - 2, -1, -1):
        left = 2 * parent + 1
        nodes[parent] = hashlib.sha256(nodes[left] + nodes[left + 1]).digest()
    return nodes


def path(order: int, index: int) -> list[int]:
    """Return the left node of each pair on the way from leaf *index* up to below the root.

    The right one is its successor. The hashes of the pairs are the rows of the leaf's branch.
    """
    pairs = []
    node = index + (1 << order) - 1
    while node:
        parent = (node - 1) // 2
        pairs.append(2 * parent + 1)
        node = parent
    return pairs


def climb(leaf_hash: bytes, index: int, leaves: int, rows: Sequence[Row]) -> bytes | None:
    """Return the root to which *rows* lead from leaf *index* of *leaves*; None if they do not.

    Strict, since a lax check lets a proof be forged from the tag alone: there is exactly one
    row per level, in each row the hash so far stands on the side that the index dictates, and
    its sibling is a whole hash, or empty where the tree has no leaf.
    """
    if not 0 <= index < leaves or len(rows) != order_of(leaves):
        return None
    running, position = leaf_hash, index
    for row in rows:
        side = position & 1
        sibling = row[1 - side]
        # Only among the leaves can a place lie beyond the last one: above, all are taken.
        expected = HASH_BYTES if position ^ 1 < leaves else 0
        if row[side] != running or len(sibling) != expected:
            return None
        running = hashlib.sha256(row[0] + row[1]).digest()
        position >>= 1
    return running
