"""No byte is given out before it was checked, and damage is noted."""

import errno
import os
from typing import Any

import pytest
from custody.keeping import bytes_of, content_of, damage, keep, known, path_of, release
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulator import SimulatedNode
from sqlalchemy import update

from downstream_node.custody import queries, service, storage
from downstream_node.custody.blocks import BLOCK, Hasher
from downstream_node.custody.models import File
from downstream_node.custody.queries import StoredFile
from downstream_node.errors import DamagedFile, InvalidRequest, UnknownFile

CONTENT = bytes_of(3 * BLOCK + 100)
SIZE = len(CONTENT)


@pytest.fixture
def node(light: SimulatedNode) -> SimulatedNode:
    """SQLite only: what is noted in the database has tests of its own."""
    return light


@pytest.fixture
def file(node: SimulatedNode) -> StoredFile:
    """A file of four blocks."""
    return keep(node, CONTENT)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(bounds=st.tuples(*[st.integers(0, SIZE)] * 2))
def test_any_range(node: SimulatedNode, file: StoredFile, bounds: tuple[int, int]) -> None:
    """Exactly the bytes of it, in pieces of at most a block."""
    start, end = sorted(bounds)
    pieces = list(service.read(node.parts, file.sha256, start, end))
    assert b"".join(pieces) == CONTENT[start:end]
    assert max(map(len, pieces), default=0) <= BLOCK


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(bounds=st.tuples(*[st.integers(0, SIZE)] * 2), position=st.integers(0, SIZE - 1))
def test_any_range_of_a_damaged_file(
    node: SimulatedNode, file: StoredFile, bounds: tuple[int, int], position: int
) -> None:
    """Right bytes come out until the damaged block, then an error; nothing wrong ever does."""
    start, end = sorted(bounds)
    path_of(node, file).write_bytes(CONTENT)
    damage(node, file, position)
    given_out = bytearray()
    touched = start < end and start // BLOCK <= position // BLOCK <= (end - 1) // BLOCK
    try:
        for piece in service.read(node.parts, file.sha256, start, end):
            given_out += piece
    except DamagedFile:
        assert touched
        end = max(start, position // BLOCK * BLOCK)
    else:
        assert not touched
    assert given_out == CONTENT[start:end]


@pytest.mark.parametrize("bounds", [(-1, 5), (5, 4), (0, SIZE + 1), (SIZE + 1, None)], ids=str)
def test_parts_that_the_file_does_not_have(
    node: SimulatedNode, file: StoredFile, bounds: tuple[int, int | None]
) -> None:
    """They are refused before anything is read."""
    with pytest.raises(InvalidRequest):
        service.read(node.parts, file.sha256, *bounds)


def test_a_file_that_nobody_has(node: SimulatedNode) -> None:
    """It is unknown at once."""
    with pytest.raises(UnknownFile):
        service.read(node.parts, bytes(32))
    with pytest.raises(UnknownFile):
        service.open_file(node.parts, bytes(32))


def test_the_whole_hash_counts_as_well(node: SimulatedNode, file: StoredFile) -> None:
    """Bytes that fit a list of blocks which is not the file's: the last piece is held back."""
    other, given_out = Hasher(), list[bytes]()
    other.update(bytes(SIZE))
    path_of(node, file).write_bytes(bytes(SIZE))
    node.parts.database.write(lambda c: c.execute(update(File).values(blocks=other.blocks)))
    with pytest.raises(DamagedFile, match="its hash is wrong"):
        given_out.extend(service.read(node.parts, file.sha256))
    assert [len(piece) for piece in given_out] == [BLOCK] * 3


@pytest.mark.parametrize("size", [0, 1, SIZE - 1, SIZE + 1])
def test_another_size_is_damage(node: SimulatedNode, file: StoredFile, size: int) -> None:
    """Even where every wanted block is right."""
    os.truncate(path_of(node, file), size)
    with pytest.raises(DamagedFile, match=f"it has {size} bytes instead of {SIZE}"):
        content_of(node, file, 0, 0)


def test_a_file_that_is_gone_from_the_disk(node: SimulatedNode, file: StoredFile) -> None:
    """It is damaged, not unknown: somebody claims it."""
    path_of(node, file).unlink()
    with pytest.raises(DamagedFile, match="not on the disk"):
        content_of(node, file)
    assert known(node, file).damaged == node.clock.wall


def test_a_disk_that_cannot_read(
    node: SimulatedNode, file: StoredFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad sector is damage."""

    def fail(*_: Any) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(DamagedFile, match="cannot be read: Input/output error"):
        content_of(node, file)
    assert service.verify(node.parts, file.sha256) is not None


def test_a_file_that_may_not_be_opened(node: SimulatedNode, file: StoredFile) -> None:
    """Whatever stands under the name, it is not the file."""
    path_of(node, file).unlink()
    path_of(node, file).mkdir()
    with pytest.raises(DamagedFile, match="cannot be read"):
        content_of(node, file)


def test_reads_in_pieces(node: SimulatedNode, file: StoredFile, monkeypatch: Any) -> None:
    """A disk that gives less at a time than was asked for is asked again."""
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, at: pread(fd, min(size, 300_000), at))
    assert content_of(node, file) == CONTENT


def test_damage_that_is_read_is_noted_once(node: SimulatedNode, file: StoredFile) -> None:
    """From when it was first seen."""
    seen = node.clock.wall
    damage(node, file, 0)
    for _ in range(2):
        with pytest.raises(DamagedFile):
            content_of(node, file)
        node.advance(10)
    assert known(node, file).damaged == seen


def test_an_open_file_outlives_its_removal(node: SimulatedNode, file: StoredFile) -> None:
    """Who reads reads on, any number of parts; who comes later gets nothing."""
    with service.open_file(node.parts, file.sha256) as opened:
        release(node, file)
        assert opened.size == SIZE
        assert b"".join(opened.read()) == CONTENT
        assert b"".join(opened.read(5, 10)) == CONTENT[5:10]
        with pytest.raises(InvalidRequest):
            opened.read(0, SIZE + 1)
    with pytest.raises(UnknownFile):
        service.open_file(node.parts, file.sha256)


def test_removed_between_looking_and_opening(node: SimulatedNode, file: StoredFile) -> None:
    """It is unknown, and not taken for damaged."""
    pieces = service.read(node.parts, file.sha256)
    release(node, file)
    with pytest.raises(UnknownFile):
        next(pieces)
    assert known(node, file).damaged is None


# Whole checks


def test_verifying_a_whole_file(node: SimulatedNode, file: StoredFile) -> None:
    """The time of it is noted."""
    node.advance(10)
    assert service.verify(node.parts, file.sha256) is None
    assert known(node, file).verified == node.clock.wall


def test_verifying_a_damaged_file(node: SimulatedNode, file: StoredFile) -> None:
    """It says what is wrong; when it is put right, that is noted as well."""
    damage(node, file, SIZE - 1)
    assert "hash is wrong" in (service.verify(node.parts, file.sha256) or "")
    assert (known(node, file).damaged, known(node, file).verified) == (node.clock.wall, None)
    damage(node, file, SIZE - 1)
    node.advance(1)
    assert service.verify(node.parts, file.sha256) is None
    assert (known(node, file).damaged, known(node, file).verified) == (None, node.clock.wall)


def test_a_damaged_list_of_blocks_is_made_anew(node: SimulatedNode, file: StoredFile) -> None:
    """The bytes are right, as their hash shows: it is the list that is wrong."""
    wrong = {"blocks": bytes(4 * 32)}
    node.parts.database.write(lambda c: c.execute(update(File).values(wrong)))
    with pytest.raises(DamagedFile):
        content_of(node, file)
    assert service.verify(node.parts, file.sha256) is None
    assert known(node, file).damaged is None
    assert content_of(node, file) == CONTENT


def test_what_is_noted_late_does_not_count(node: SimulatedNode, file: StoredFile) -> None:
    """New bytes came while somebody still read the old ones, and found them damaged."""
    seen = node.parts.database.read(lambda c: queries.content(c, file.sha256))
    assert seen is not None
    node.advance(1)
    keep(node, CONTENT)
    node.parts.database.write(lambda c: queries.note_damaged(c, seen, 1, 1))
    assert known(node, file).damaged is None


def test_verifying_what_is_not_there(node: SimulatedNode) -> None:
    """There is nothing to check."""
    with pytest.raises(UnknownFile):
        service.verify(node.parts, bytes(32))


def test_no_other_file_is_taken_for_one_of_ours() -> None:
    """Names that are no hash in lower case."""
    assert storage.hash_in("AB" * 32) is None
    assert storage.hash_in("x") is None
    assert storage.hash_in("ab" * 32) == bytes.fromhex("ab" * 32)
