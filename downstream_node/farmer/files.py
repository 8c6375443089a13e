"""Files that are there as a whole or not at all, whenever the power fails."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from downstream_node.entropy import random_bytes
from downstream_node.errors import FarmerStopped

UNFINISHED = ".part"
"""How the name of a file ends while it is being written."""


def replace(path: Path, content: bytes | bytearray) -> None:
    """Write *content* to *path*, readable by its owner only, over what was there.

    The new name is on the disk for good only after `sync_folder`.
    """
    temporary = write_beside(path, content)
    temporary.replace(path)


def create(path: Path, content: bytes) -> None:
    """Write *content* to *path*, readable by its owner only, unless the file is there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = write_beside(path, content)
    # A link fails if the name is taken, where a rename would overwrite what is there.
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
    sync_folder(path.parent)


def write_beside(path: Path, content: bytes | bytearray) -> Path:
    """Write *content* to a new file in the folder of *path*; returns where it is."""
    temporary = path.with_name(f"{path.name}.{random_bytes(4).hex()}{UNFINISHED}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        # A full disk above all: what could not be written must not fill it further.
        temporary.unlink()
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Put the names in *folder* on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Have *folder*, which is made if it is missing, for this process alone.

    Raises FarmerStopped if another process has it. The lock goes with the process, however
    that ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FarmerStopped(f"Another farmer is at work in {folder}.") from None
        yield
