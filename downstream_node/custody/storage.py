"""The bytes of files on the disk, named by their SHA-256.

Below FILES_PATH, `ab/cd/abcd...` holds the bytes whose SHA-256 in hex is abcd..., and nothing else.
`incoming/` holds what is being written or deleted. A file gets its name by a rename within one
file system, after its bytes were synced: whenever the power fails, a name stands for all the bytes.

Who moves bytes to or from their name has the file's row locked (`queries.lock`).
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from downstream_node.custody.blocks import BLOCK
from downstream_node.entropy import random_bytes
from downstream_node.errors import DamagedFile, StorageFailed, StorageFull
from downstream_node.node import Node

INCOMING = "incoming"
FULL = {errno.ENOSPC, errno.EDQUOT}
PREFIXES = 256
"""Folders of the first level."""


@contextmanager
def disk_errors() -> Iterator[None]:
    """The disk's errors as ours: StorageFull or StorageFailed. They name no path."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull from error
        raise StorageFailed(f"The node cannot store files: {error.strerror}.") from error


def root_of(node: Node) -> Path:
    """The folder of the node's files."""
    return Path(node.settings.FILES_PATH)


def path_of(root: Path, sha256: bytes) -> Path:
    """Where the bytes with this hash are, or would be."""
    name = sha256.hex()
    return root / name[:2] / name[2:4] / name


class Incoming:
    """A new file under a name of its own, in nobody's way until it is placed.

    It is locked as long as it is open, so that housekeeping can tell it from one whose process
    has died, however long ago it was last written to. Raises StorageFull, StorageFailed; after
    that it is good for nothing but to be closed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._failed = False
        with self._disk():
            make_folders(root)
            self._path = new_name(root)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            # Unbuffered: pieces of a stream are large, and an error belongs to its write.
            self._file = os.fdopen(descriptor, "wb", buffering=0)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            except OSError:
                self.close()
                raise

    @contextmanager
    def _disk(self) -> Iterator[None]:
        """One step on the disk. A second try would not help: a sync that failed tells so once."""
        if self._failed:
            raise StorageFailed("The file could not be stored; please send it again.")
        with disk_errors():
            try:
                yield
            except OSError:
                self._failed = True
                raise

    def write(self, data: bytes) -> None:
        """Append *data*."""
        rest = memoryview(data)
        with self._disk():
            while rest:
                rest = rest[self._file.write(rest) :]

    def sync(self, sha256: bytes) -> None:
        """Put the bytes, which have this hash, and the folders for their name on the disk."""
        with self._disk():
            os.fsync(self._file.fileno())
            folder = path_of(self._root, sha256).parent
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Always, also if they are there: who made them may not have come to this line yet.
            sync_folder(folder.parent)
            sync_folder(self._root)

    def place(self, sha256: bytes) -> bool:
        """Move the synced bytes to their name, over what is there; the row must be locked.

        A transaction may be run again, so the bytes may stand there already. False if they were
        taken away in between: then they are lost, and nothing may be acknowledged.
        """
        target = path_of(self._root, sha256)
        with self._disk():
            try:
                self._path.rename(target)
            except FileNotFoundError:
                if not target.exists():
                    return False
            sync_folder(target.parent)
        return True

    def close(self) -> None:
        """Give up the bytes unless they were placed."""
        with suppress(OSError):
            # What cannot be deleted now is left to housekeeping.
            self._path.unlink(missing_ok=True)
        self._file.close()


def make_folders(root: Path) -> None:
    """Make the folder of the files, for its owner alone, and the one of what is incoming."""
    if not (root / INCOMING).is_dir():
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        sync_folder(root.parent)
        (root / INCOMING).mkdir(exist_ok=True, mode=0o700)


def new_name(root: Path) -> Path:
    """A path in the folder of what is incoming that nobody else has."""
    return root / INCOMING / random_bytes(16).hex()


def sync_folder(folder: Path) -> None:
    """Put the names in *folder* on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_aside(root: Path, sha256: bytes) -> Path | None:
    """Take the bytes from their name; the row must be locked. Returns where to unlink them.

    To rename is quick whatever the size; to delete may take seconds, and needs no lock. None if
    there is nothing under the name. Raises StorageFailed.
    """
    path, aside = path_of(root, sha256), new_name(root)
    with disk_errors():
        if not path.exists():
            return None
        make_folders(root)
        path.rename(aside)
        try:
            sync_folder(path.parent)
        except OSError:
            delete(aside)
            raise
    return aside


def delete(aside: Path) -> None:
    """Delete what was set aside; what cannot be deleted now is left to housekeeping."""
    with suppress(OSError):
        aside.unlink()


def size_of(root: Path, sha256: bytes) -> int | None:
    """How many bytes stand under the name of this hash, None if it is not there."""
    try:
        return path_of(root, sha256).stat().st_size
    except FileNotFoundError:
        return None


def opened(root: Path, sha256: bytes, size: int) -> BinaryIO:
    """The file with this hash, open for reading.

    Raises FileNotFoundError if it is not there, DamagedFile if it cannot be read or has another
    size in bytes.
    """
    try:
        file = path_of(root, sha256).open("rb", buffering=0)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedFile(f"The file {sha256.hex()} cannot be read: {error.strerror}.") from error
    found = os.fstat(file.fileno()).st_size
    if found != size:
        file.close()
        raise DamagedFile(
            f"The file {sha256.hex()} is damaged: it has {found} bytes instead of {size}."
        )
    return file


def forget_cached(file: BinaryIO) -> None:
    """Have *file* read from the disk, not from the system's memory, where the system can."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_block(file: BinaryIO, number: int) -> bytes:
    """The block *number* of *file*: shorter at its end. Raises OSError."""
    data = os.pread(file.fileno(), BLOCK, number * BLOCK)
    while 0 < len(data) < BLOCK:
        more = os.pread(file.fileno(), BLOCK - len(data), number * BLOCK + len(data))
        if not more:
            break
        data += more
    return data


def kept(root: Path, prefix: int, since: int, before: int) -> Iterator[bytes]:
    """Hashes of the files in the folder of *prefix*, written *since* and *before* (wall, ms).

    Files that are not named like ours are left alone.
    """
    for folder in sorted(root.glob(f"{prefix:02x}/??")):
        for path in sorted(folder.iterdir()):
            sha256 = hash_in(path.name)
            named = sha256 is not None and path_of(root, sha256) == path
            if sha256 and named and is_older(path, before) and not is_older(path, since):
                yield sha256


def hash_in(name: str) -> bytes | None:
    """The hash that a file is named by, None if it is named otherwise."""
    try:
        sha256 = bytes.fromhex(name)
    except ValueError:
        return None
    return sha256 if sha256.hex() == name else None


def is_older(path: Path, before: int) -> bool:
    """Whether *path* was written *before* this (wall time, ms); False if it is gone."""
    try:
        return path.stat().st_mtime_ns // 1_000_000 < before
    except FileNotFoundError:
        return False


def forget_incoming(root: Path, before: int) -> int:
    """Delete what was left in the folder of what is incoming; returns how many.

    That is what nobody has open for writing, and was written *before* this (wall time, ms).
    """
    if not (root / INCOMING).is_dir():
        return 0
    return sum(forget_one(path, before) for path in sorted((root / INCOMING).iterdir()))


def forget_one(path: Path, before: int) -> bool:
    """Delete the incoming file at *path* if it is old and nobody writes to it."""
    if not is_older(path, before):
        return False
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except (FileNotFoundError, BlockingIOError):
        return False
    return True
