"""Files: whole or not at all."""

import os
from pathlib import Path

import pytest

from downstream_node.errors import FarmerStopped
from downstream_node.farmer import files


def fail(_descriptor: int) -> None:
    """Stand in for fsync on a disk that is full."""
    raise OSError(28, "No space left on device")


def test_failed_write_leaves_the_former_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written whole is not written at all, and leaves nothing behind."""
    files.replace(tmp_path / "file", b"former")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        files.replace(tmp_path / "file", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"former"]


def test_create_never_overwrites(tmp_path: Path) -> None:
    """The first of two that create the same file wins."""
    files.create(tmp_path / "file", b"first")
    files.create(tmp_path / "file", b"second")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


def test_folder_is_locked_for_one(tmp_path: Path) -> None:
    """A second farmer in the same folder is refused, until the first has ended."""
    with files.locked(tmp_path), pytest.raises(FarmerStopped), files.locked(tmp_path):
        pytest.fail("both have the folder")
    with files.locked(tmp_path):
        pass
