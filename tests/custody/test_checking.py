"""Files are checked in the background: all of them, slowly, whatever their size."""

from pathlib import Path
from typing import Any, BinaryIO

import pytest
from custody.keeping import bytes_of, damage, keep, known, path_of, release
from operators.browser import HEALTH, Browser
from simulator import START, SimulatedNode

from downstream_node.custody import checking, reading, service
from downstream_node.custody.blocks import BLOCK
from downstream_node.custody.models import CHECK_EVERY
from downstream_node.operators import keys

DAYS = CHECK_EVERY / 1000


def due(node: SimulatedNode) -> SimulatedNode:
    """A moment when all files that came before are due."""
    node.clock.jump(DAYS)
    return node


def test_nothing_is_due_at_first(node: SimulatedNode) -> None:
    """What has just come is not checked at once: it would come from memory."""
    keep(node, b"new")
    node.clock.jump(DAYS - 1)
    assert checking.check_some(node.parts) == 0
    node.clock.jump(1)
    assert checking.check_some(node.parts) == 1


def test_a_check_is_noted(node: SimulatedNode) -> None:
    """The next one follows as long after it."""
    file = keep(node, b"old")
    checking.check_some(due(node).parts)
    assert known(node, file).verified == START + CHECK_EVERY
    assert checking.check_some(node.parts) == 0
    assert checking.check_some(due(node).parts) == 1


def test_those_due_longest_come_first(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass does so much and no more; what is left waits for the next."""
    monkeypatch.setattr(checking, "BLOCKS_PER_PASS", 2)
    files = []
    for number in range(5):
        files.append(keep(node, b"%d" % number))
        node.advance(1)
    due(node)
    assert [checking.check_some(node.parts) for _ in range(4)] == [2, 2, 1, 0]
    assert all(known(node, file).verified for file in files)


def test_a_large_file_takes_several_passes(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is done when the last block is."""
    monkeypatch.setattr(checking, "BLOCKS_PER_PASS", 2)
    file = keep(node, bytes_of(4 * BLOCK + 1))
    due(node)
    assert [checking.check_some(node.parts) for _ in range(2)] == [0, 0]
    assert known(node, file).verified is None
    assert checking.check_some(node.parts) == 1
    assert known(node, file).verified == START + CHECK_EVERY


@pytest.mark.parametrize("position", [0, 2 * BLOCK, 4 * BLOCK])
def test_damage_anywhere_is_found(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    """In the first block as well as in the last, also if a check began before it came."""
    monkeypatch.setattr(checking, "BLOCKS_PER_PASS", 3)
    file = keep(node, bytes_of(4 * BLOCK + 1))
    damage(due(node), file, position)
    for _ in range(2):
        checking.check_some(node.parts)
    assert known(node, file).damaged == START + CHECK_EVERY
    assert checking.check_some(node.parts) == 0


def test_new_bytes_are_checked_from_the_beginning(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found right of the old ones does not count for them."""
    monkeypatch.setattr(checking, "BLOCKS_PER_PASS", 3)
    content = bytes_of(4 * BLOCK)
    keep(node, content)
    assert checking.check_some(due(node).parts) == 0
    file = keep(node, content)
    damage(due(node), file, 0)
    assert checking.check_some(node.parts) == 1
    assert known(node, file).damaged


def test_what_was_put_right_is_found_right(node: SimulatedNode) -> None:
    """The next check clears it."""
    file = keep(node, b"old")
    damage(node, file, 0)
    checking.check_some(due(node).parts)
    assert known(node, file).damaged
    damage(node, file, 0)
    checking.check_some(due(node).parts)
    assert known(node, file).damaged is None


def test_removed_files_are_not_checked(node: SimulatedNode) -> None:
    """There is nothing to check, and nothing is damaged."""
    file = keep(node, b"old")
    release(node, file)
    assert checking.check_some(due(node).parts) == 0
    assert known(node, file).damaged is None


def test_removed_while_it_is_checked(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pass goes on with the next."""
    file, other = keep(node, b"old"), keep(node, b"other")

    def removed(*arguments: Any) -> BinaryIO:
        release(node, file)
        return reading.opened(*arguments)

    monkeypatch.setattr(checking, "opened", removed)
    assert checking.check_some(due(node).parts) == 2
    assert known(node, file).damaged is None
    assert known(node, other).verified


def test_both_jobs_run(node: SimulatedNode) -> None:
    """With all others."""
    keep(node, b"old")
    done = due(node).run_jobs()
    assert (done["check files"], done["tidy files"]) == (1, 0)


def test_jobs_make_no_folder(node: SimulatedNode) -> None:
    """A node that keeps no files has none."""
    due(node).run_jobs()
    assert not Path(node.parts.settings.FILES_PATH).exists()


# What the operator sees


def problem_texts(node: SimulatedNode) -> list[str]:
    """What the report for monitoring says of files."""
    name = f"monitor{node.clock.wall}"
    header = {"Authorization": f"Bearer {keys.add(node.parts, name)}"}
    problems = Browser(node).get(HEALTH, headers=header).get_json()["problems"]
    return [one["text"] for one in problems if one["name"] == "files_damaged"]


def test_damage_is_a_problem(node: SimulatedNode) -> None:
    """As long as it lasts; some of the files are named."""
    files = [keep(node, b"%d" % number) for number in range(4)]
    assert problem_texts(node) == []
    for file in files:
        path_of(node, file).unlink()
        node.advance(1)
        assert service.verify(node.parts, file.sha256)
    names = ", ".join(file.sha256.hex() for file in files[:3])
    assert problem_texts(node) == [f"4 files in custody damaged: {names} and others."]
    for number, file in enumerate(files[1:], 1):
        keep(node, b"%d" % number)
        assert service.verify(node.parts, file.sha256) is None
    node.advance(1)
    assert problem_texts(node) == [f"1 file in custody damaged: {files[0].sha256.hex()}."]
    service.remove(node.parts, files[0].sha256, "lost")
    node.advance(1)
    assert problem_texts(node) == []
