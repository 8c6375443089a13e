"""A process is killed between two steps: the file is there as a whole, or not at all.

Whatever else it leaves behind is tidied up a day later.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from custody.keeping import (
    CLAIM,
    a_day_later,
    content_of,
    keep,
    known,
    on_disk,
    path_of,
    release,
    sha256,
    tidy_all,
    touch_all,
)
from simulator import SimulatedNode

from downstream_node.clock import SECOND
from downstream_node.custody import checking, removing, service, storage, tidying

CONTENT = b"what is to be kept" * 1000
FIRST = b"what was there before"
"""Bytes that are older than all files of a database are left alone; this is its first."""

PROGRAM = """
import importlib, json, os, signal, sys
from downstream_node import settings
from downstream_node.app import build
from downstream_node.custody import service

def die(values, place, when, work):
    owner, name = place.rsplit(".", 1)
    module, _, kind = owner.partition(":")
    owner = importlib.import_module("downstream_node." + module)
    owner = getattr(owner, kind) if kind else owner
    step = getattr(owner, name)

    def last(*arguments, **options):
        if when == "after":
            step(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, last)
    node = build(settings.checked(values)).extensions["downstream"]
    content = b"what is to be kept" * 1000
    if work == "take in":
        claim = dict(source="operator", reference="1", name="a", media_type="text/plain")
        service.take_in(node, [content, content], redundancy=0, visibility="private", **claim)
    else:
        service.release(node, bytes.fromhex(work), "operator", "1", "gone")

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            die(*json.loads(line))
        finally:
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def mortals() -> Iterator["subprocess.Popen[str]"]:
    """A process that makes others, which die; to import all modules takes each of them too long."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield process


Killing = Callable[[str, str, str], int]


@pytest.fixture
def killed(node: SimulatedNode, mortals: "subprocess.Popen[str]") -> Killing:
    """The exit code of a process that dies before or after the function at a place, at work."""
    names = ("SQLALCHEMY_DATABASE_URI", "MASTER_KEY_PATH", "MMDB_PATH", "FILES_PATH")
    values = {name: getattr(node.parts.settings, name) for name in names}

    def run(place: str, when: str, work: str) -> int:
        assert mortals.stdin
        assert mortals.stdout
        mortals.stdin.write(json.dumps([values, place, when, work]) + "\n")
        mortals.stdin.flush()
        return int(mortals.stdout.readline())

    return run


@pytest.mark.parametrize(
    ("place", "when", "left"),
    [
        pytest.param("custody.storage:Incoming.write", "after", "part", id="while it comes"),
        pytest.param("custody.storage:Incoming.sync", "after", "part", id="before it has a name"),
        pytest.param("custody.storage:Incoming.place", "after", "whole", id="before the rows"),
        pytest.param("custody.queries.put_claim", "after", "whole", id="before the commit"),
        pytest.param("custody.storage:Incoming.close", "before", "kept", id="before the answer"),
    ],
)
def test_killed_while_it_takes_in(
    node: SimulatedNode, killed: Killing, place: str, when: str, left: str
) -> None:
    """Only after the commit it is there; what else is on the disk goes. It can be sent again."""
    first, name = keep(node, FIRST), sha256(2 * CONTENT)
    assert killed(place, when, "take in") == -signal.SIGKILL
    others = on_disk(node) - {first.sha256.hex()}
    assert (others == {name.hex()}) == (left != "part")
    assert len(others) == 1
    a_day_later(node)
    if left == "kept":
        assert content_of(node, known(node, name)) == 2 * CONTENT
    else:
        assert on_disk(node) == {first.sha256.hex()}
    assert content_of(node, keep(node, 2 * CONTENT)) == 2 * CONTENT


@pytest.mark.parametrize(
    ("place", "when", "gone"),
    [
        pytest.param("custody.queries.remove", "after", False, id="before the commit"),
        pytest.param("custody.removing.discard", "before", True, id="before the bytes go"),
        pytest.param("custody.storage.set_aside", "after", True, id="while the bytes go"),
        pytest.param("custody.storage.delete", "before", True, id="before they are deleted"),
    ],
)
def test_killed_while_it_releases(
    node: SimulatedNode, killed: Killing, place: str, when: str, gone: bool
) -> None:
    """The claim is given up or not; if it is, a job takes the bytes away."""
    first, file = keep(node, FIRST), keep(node, CONTENT)
    assert killed(place, when, file.sha256.hex()) == -signal.SIGKILL
    if not gone:
        assert content_of(node, file) == CONTENT
        assert release(node, file)
    # Times of the killed process are the machine's own: on the node's clock they are long past.
    checking.check_some(node.parts)
    assert not path_of(node, file).exists()
    assert known(node, file).removed is not None
    a_day_later(node)
    assert on_disk(node) == {first.sha256.hex()}
    assert content_of(node, keep(node, CONTENT)) == CONTENT


def test_what_is_being_written_is_left_alone(node: SimulatedNode) -> None:
    """However long it takes: a day without a byte is no reason to take it away."""
    keep(node, FIRST)
    with service.writer(node.parts) as writer:
        writer.write(CONTENT)
        a_day_later(node)
        writer.write(CONTENT)
        stored = writer.finish(**CLAIM)
    assert content_of(node, stored) == 2 * CONTENT


def put_bytes(node: SimulatedNode) -> Path:
    """Bytes of CONTENT under their name, and no row."""
    path = path_of(node, sha256(CONTENT))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT)
    touch_all(node)
    return path


def test_bytes_of_an_earlier_database_are_left_alone(node: SimulatedNode) -> None:
    """A new and empty database beside a folder of files is no reason to delete them."""
    path = put_bytes(node)
    node.advance(25 * 3600)
    assert tidy_all(node) == 0
    keep(node, FIRST)
    node.advance(25 * 3600)
    assert tidy_all(node) == 0
    assert path.exists()


@pytest.mark.parametrize(("after", "gone"), [(-1, 0), (0, 0), (1, 1)])
def test_leftovers_stay_for_a_day(node: SimulatedNode, after: int, gone: int) -> None:
    """To the second: they go a second later. Their row says what they were."""
    keep(node, FIRST)
    path = put_bytes(node)
    node.advance(24 * 3600 + after)
    assert tidy_all(node) == gone
    assert path.exists() == (not gone)
    assert service.find(node.parts, sha256(CONTENT)) is None or (
        known(node, sha256(CONTENT)).reason == removing.INTERRUPTED
    )


def test_all_folders_within_a_day(node: SimulatedNode) -> None:
    """Each pass of the job looks through one, and which one follows from the time."""
    keep(node, FIRST)
    path = put_bytes(node)
    node.advance(25 * 3600)
    gone = 0
    for _ in range(storage.PREFIXES):
        node.clock.jump(tidying.TIDY_EVERY / SECOND)
        gone += tidying.tidy(node.parts)
    assert (gone, path.exists()) == (1, False)
    assert storage.PREFIXES * tidying.TIDY_EVERY <= tidying.KEPT_FOR


def test_what_is_not_ours_is_left_alone(node: SimulatedNode) -> None:
    """Files with other names, and in other places."""
    file = keep(node, FIRST)
    strange = [path_of(node, file).with_name("notes.txt"), path_of(node, file).with_name("ab" * 32)]
    for path in strange:
        path.write_bytes(b"")
    a_day_later(node)
    assert all(path.exists() for path in strange)
