"""Files are taken in, found, read, claimed by several, and let go."""

import pytest
from custody.keeping import bytes_of, content_of, keep, on_disk, path_of, sha256
from simulator import START, SimulatedNode

from downstream_node.custody import service
from downstream_node.custody.blocks import BLOCK

CONTENT = b"what is to be kept"
NAMES = ["plain.txt", "Übung 日本 🎮.zip", "x" * 255]


@pytest.mark.parametrize("name", NAMES)
def test_what_was_taken_in_is_there(node: SimulatedNode, name: str) -> None:
    """With all that was said of it."""
    stored = keep(node, CONTENT, name=name, redundancy=3)
    assert service.find(node.parts, stored.sha256) == stored
    assert (stored.sha256, stored.size) == (sha256(CONTENT), len(CONTENT))
    assert (stored.taken_in, stored.verified, stored.damaged, stored.removed) == (START,) + 3 * (
        None,
    )
    assert [(claim.name, claim.redundancy) for claim in stored.claims] == [(name, 3)]
    assert content_of(node, stored) == CONTENT


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_sizes_around_a_block(node: SimulatedNode, size: int) -> None:
    """Whatever the pieces it comes in, all bytes come back."""
    content = bytes_of(size)
    stored = keep(node, (content[at : at + 70_000] for at in range(0, size, 70_000)))
    assert stored.size == size
    assert content_of(node, stored) == content


def test_the_layout_on_the_disk(node: SimulatedNode) -> None:
    """One file under its hash, for its owner alone, and nothing incoming."""
    stored = keep(node, CONTENT)
    name = sha256(CONTENT).hex()
    root = service.root_of(node.parts)
    assert path_of(node, stored) == root / name[:2] / name[2:4] / name
    assert path_of(node, stored).read_bytes() == CONTENT
    assert path_of(node, stored).stat().st_mode & 0o777 == 0o600
    assert on_disk(node) == {name}
