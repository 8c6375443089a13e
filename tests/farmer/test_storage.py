"""Storage: chunks come back from the disk as they were, or not at all."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from farmer.served import HASH, offer

from downstream_node.chunks.stream import stream
from downstream_node.farmer.messages import Offer
from downstream_node.farmer.storage import CannotKeep, Chunk, DamagedChunk, Loss, Storage

OTHER = "f" * 64


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """An empty storage for 250 bytes."""
    return opened(tmp_path)


def opened(folder: Path) -> Storage:
    """The storage in *folder*, as after a restart."""
    storage = Storage(folder, 250)
    assert storage.scan() == []
    return storage


def names(folder: Path) -> list[str]:
    """The files in *folder*."""
    return sorted(path.name for path in folder.iterdir())


def test_chunk_survives_a_restart(storage: Storage, tmp_path: Path) -> None:
    """A kept chunk is the stream of its seed, with its tag, before and after a restart."""
    storage.keep(offer())
    expected = Chunk(bytes(stream("5eed", 0, 100)), {"tree": [1, "two"]})
    assert storage.load(HASH) == opened(tmp_path).load(HASH) == expected


def test_removed_chunk_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    """Removing a chunk frees its files and its room; removing it again does no harm."""
    storage.keep(offer())
    storage.remove(HASH)
    storage.remove(HASH)
    assert (names(tmp_path), storage.room, list(storage.hashes)) == ([], 250, [])


def test_limit_is_kept(storage: Storage, tmp_path: Path) -> None:
    """A chunk fits if it fills the room to the last byte, and not if it has one byte more."""
    storage.keep(offer(size=100))
    with pytest.raises(CannotKeep, match="more bytes than"):
        storage.keep(offer(OTHER, size=151))
    storage.keep(offer(OTHER, size=150))
    assert (storage.size, storage.room, opened(tmp_path).room) == (250, 0, 0)


def test_lower_limit_keeps_what_is_there(storage: Storage, tmp_path: Path) -> None:
    """Started with a lower limit a farmer has no room, and keeps its contracts."""
    storage.keep(offer())
    smaller = Storage(tmp_path, 50)
    smaller.scan()
    assert (smaller.room, smaller.size) == (0, 100)


def test_known_contract_is_not_written_over(storage: Storage) -> None:
    """A node cannot replace a chunk by offering another one under its name."""
    storage.keep(offer())
    with pytest.raises(CannotKeep, match="already have"):
        storage.keep(Offer(HASH, "another seed", 100, None))
    assert storage.load(HASH).data == bytes(stream("5eed", 0, 100))


@pytest.mark.parametrize("step", range(1, 4))
def test_full_disk_leaves_nothing(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A chunk that cannot be written to its end is not kept, wherever the writing fails."""
    steps = iter(range(1, 4))

    def failing(_descriptor: int) -> None:
        if next(steps) == step:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(CannotKeep, match="No space left"):
        storage.keep(offer())
    assert (names(tmp_path), storage.size) == ([], 0)


def half_written(folder: Path) -> None:
    """The power failed between the two files."""
    (folder / f"{HASH}.json").unlink()


def without_bytes(folder: Path) -> None:
    """Somebody removed the chunk."""
    (folder / f"{HASH}.chunk").unlink()


def cut(folder: Path) -> None:
    """The chunk has lost its last byte."""
    path = folder / f"{HASH}.chunk"
    path.write_bytes(path.read_bytes()[:-1])


def unreadable(folder: Path) -> None:
    """The record is no JSON."""
    (folder / f"{HASH}.json").write_bytes(b"\xff{")


def of_another_form(folder: Path) -> None:
    """The record is JSON of something else."""
    (folder / f"{HASH}.json").write_text('{"size": -1}')


@pytest.mark.parametrize("damage", [half_written, without_bytes, cut, unreadable, of_another_form])
def test_damaged_chunk_is_dropped_at_the_start(
    storage: Storage, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """What is not whole is removed and reported; the other chunks stay."""
    storage.keep(offer())
    storage.keep(offer(OTHER))
    damage(tmp_path)
    (loss,) = Storage(tmp_path, 250).scan()
    assert loss.file_hash == HASH
    assert names(tmp_path) == [f"{OTHER}.chunk", f"{OTHER}.json"]


@pytest.mark.parametrize("damage", [half_written, without_bytes, cut, unreadable, of_another_form])
def test_damage_is_noticed_when_a_chunk_is_used(
    storage: Storage, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """What is damaged while the farmer runs is an error of that chunk only."""
    storage.keep(offer())
    damage(tmp_path)
    with pytest.raises(DamagedChunk):
        storage.load(HASH)


def test_changed_byte_is_noticed(storage: Storage, tmp_path: Path) -> None:
    """One changed byte among the right number of bytes is noticed, too."""
    storage.keep(offer())
    path = tmp_path / f"{HASH}.chunk"
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedChunk, match="changed on the disk"):
        storage.load(HASH)


def test_unfinished_files_go_and_strange_ones_stay(tmp_path: Path) -> None:
    """Only what this module wrote is ever removed."""
    strange = ["notes.txt", "readme.json", f"{HASH.upper()}.chunk", f"{HASH}0.json"]
    for name in [*strange, f"{HASH}.chunk.0123abcd.part"]:
        (tmp_path / name).write_text("?")
    storage = opened(tmp_path)
    assert (names(tmp_path), list(storage.hashes)) == (sorted(strange), [])


def test_what_cannot_be_read_is_reported_and_left(storage: Storage, tmp_path: Path) -> None:
    """A farmer that is started by the wrong user removes nothing."""
    storage.keep(offer())
    (tmp_path / f"{HASH}.json").unlink()
    (tmp_path / f"{HASH}.json").mkdir()  # unreadable even for root
    assert Storage(tmp_path, 250).scan() == [Loss(HASH, "cannot read it: Is a directory")]
    assert names(tmp_path) == [f"{HASH}.chunk", f"{HASH}.json"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("../" + HASH, id="upwards"),
        pytest.param("/" + HASH, id="from the root"),
        pytest.param(HASH + "/x", id="below"),
        pytest.param(HASH + "\n", id="line feed"),
        pytest.param(HASH.upper(), id="upper case"),
    ],
)
def test_no_other_name_becomes_a_path(storage: Storage, tmp_path: Path, name: str) -> None:
    """Whatever a name tries, nothing is read, written or removed."""
    for use in (storage.load, storage.remove, lambda name: storage.keep(offer(name))):
        with pytest.raises(ValueError, match="64 hex digits"):
            use(name)
    assert names(tmp_path) == []
