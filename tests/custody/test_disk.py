"""A disk that is full or fails: a clear error, nothing acknowledged, nothing left behind."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from custody.keeping import CLAIM, content_of, keep, known, on_disk, path_of, release, sha256
from simulator import SimulatedNode

from downstream_node.custody import checking, service, storage
from downstream_node.errors import StorageFailed, StorageFull

CONTENT = b"what is to be kept" * 1000
ROOT = Path(__file__).parents[2]


@pytest.fixture
def node(light: SimulatedNode) -> SimulatedNode:
    """SQLite only: what is noted in the database has tests of its own."""
    return light


def failing(step: Callable[..., Any], number: int, at_call: int = 1) -> Callable[..., Any]:
    """*step*, whose call *at_call* (counted from 1) and those after it fail with the error."""
    calls: list[int] = []

    def fail(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) >= at_call:
            raise OSError(number, os.strerror(number), "/secret/path")
        return step(*arguments, **options)

    return fail


STEPS = [
    pytest.param((Path, "mkdir", 1), id="making the folder"),
    pytest.param((os, "open", 1), id="opening"),
    pytest.param((fcntl, "flock", 1), id="locking"),
    pytest.param((os, "fsync", 1), id="syncing the folder of all"),
    pytest.param((os, "fsync", 2), id="syncing the bytes"),
    pytest.param((os, "fsync", 3), id="syncing the outer folder"),
    pytest.param((os, "fsync", 5), id="syncing the name"),
    pytest.param((Path, "rename", 1), id="naming"),
]
ERRORS = [
    pytest.param((errno.ENOSPC, StorageFull), id="full"),
    pytest.param((errno.EDQUOT, StorageFull), id="over quota"),
    pytest.param((errno.EIO, StorageFailed), id="broken"),
    pytest.param((errno.EROFS, StorageFailed), id="read-only"),
]


@pytest.mark.parametrize("failure", ERRORS)
@pytest.mark.parametrize("step", STEPS)
def test_the_disk_fails(
    node: SimulatedNode,
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[Any, str, int],
    failure: tuple[int, type[StorageFailed]],
) -> None:
    """Wherever it does. The error names no path, since strangers may read it."""
    (owner, name, at_call), (number, error) = step, failure
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, failing(getattr(owner, name), number, at_call))
        with pytest.raises(error) as raised:
            keep(node, CONTENT)
    assert type(raised.value) is error
    assert "secret" not in str(raised.value)
    found = service.find(node.parts, sha256(CONTENT))
    assert found is None or found.removed is not None
    checking.check_some(node.parts)
    assert on_disk(node) == set()
    assert content_of(node, keep(node, CONTENT)) == CONTENT


class Limited:
    """A file on a disk with room for so many bytes more."""

    def __init__(self, file: Any, room: int) -> None:
        self._file = file
        self._room = room

    def write(self, data: bytes) -> int:
        """As much as there is room for, as the system does; then the error."""
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = int(self._file.write(data[: self._room]))
        self._room -= written
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_the_disk_becomes_full(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Part of a piece was written: the file can not be finished any more."""
    opened = os.fdopen
    monkeypatch.setattr(os, "fdopen", lambda *a, **o: Limited(opened(*a, **o), 100))
    with service.writer(node.parts) as writer:
        with pytest.raises(StorageFull):
            writer.write(CONTENT)
        with pytest.raises(StorageFailed, match="send it again"):
            writer.finish(**CLAIM)
    assert on_disk(node) == set()
    assert service.find(node.parts, sha256(CONTENT)) is None


def test_short_writes_are_continued(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take less at a time than it is given."""

    class Slow(Limited):
        def write(self, data: bytes) -> int:
            return int(self._file.write(data[:1000]))

    opened = os.fdopen
    monkeypatch.setattr(os, "fdopen", lambda *a, **o: Slow(opened(*a, **o), 0))
    assert content_of(node, keep(node, CONTENT)) == CONTENT


def test_a_sync_that_failed_is_not_tried_again(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system tells only once that it could not write; a second call would say all is well."""
    with service.writer(node.parts) as writer:
        writer.write(CONTENT)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing(os.fsync, errno.EIO))
            with pytest.raises(StorageFailed):
                writer.finish(**CLAIM)
        with pytest.raises(StorageFailed):
            writer.finish(**CLAIM)
    assert on_disk(node) == set()


def test_the_limit_of_the_system_itself(node: SimulatedNode) -> None:
    """A real error of a real write: the process may write no larger files."""
    program = """
import resource, signal, sys
from downstream_node import settings
from downstream_node.app import build
from downstream_node.custody import service
from downstream_node.errors import StorageFailed
node = build(settings.load()).extensions["downstream"]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
with service.writer(node) as writer:
    try:
        for _ in range(40):
            writer.write(bytes(1 << 16))
    except StorageFailed as error:
        print(writer.size, error)
"""
    assert in_process(node, program) == "1048576 The node cannot store files: File too large.\n"
    assert on_disk(node) == set()


def in_process(node: SimulatedNode, program: str) -> str:
    """What *program* prints that runs with the settings of *node*."""
    values = node.parts.settings
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("SQLALCHEMY_DATABASE_URI", "MASTER_KEY_PATH", "MMDB_PATH", "FILES_PATH"):
        environment[f"DOWNSTREAM_{name}"] = getattr(values, name)
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=environment, check=True, timeout=60, capture_output=True, text=True
    )
    return done.stdout


def test_memory_does_not_grow_with_the_file(node: SimulatedNode) -> None:
    """200 MB in and out again, in a process that may not grow by 20."""
    program = """
import resource
from downstream_node import settings
from downstream_node.app import build
from downstream_node.custody import service
node = build(settings.load()).extensions["downstream"]

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

claim = dict(source="demos", reference="1", name="a", media_type="text/plain", redundancy=0)
service.take_in(node, [b"warm up"], visibility="private", **claim)
before = peak()
piece = bytes(range(256)) * 4096
stored = service.take_in(node, (piece for _ in range(200)), visibility="private", **claim)
assert sum(map(len, service.read(node, stored.sha256))) == 200 << 20 == stored.size
assert service.verify(node, stored.sha256) is None
print(peak() - before)
"""
    assert int(in_process(node, program)) < 20


# Letting go


@pytest.mark.parametrize("place", [(Path, "rename"), (os, "fsync"), (Path, "unlink")], ids=str)
def test_bytes_that_can_not_be_taken_away(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str]
) -> None:
    """The file is removed all the same; nobody can read it, and a job tries again."""
    file = keep(node, CONTENT)
    with monkeypatch.context() as patch:
        patch.setattr(*place, failing(getattr(*place), errno.EROFS))
        assert release(node, file)
    assert known(node, file).removed is not None
    checking.check_some(node.parts)
    assert not path_of(node, file).exists()
    storage.forget_incoming(storage.root_of(node.parts), 1 << 60)
    assert on_disk(node) == set()
