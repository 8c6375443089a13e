"""Exports that are put into a folder are imported: by a job, or because an export is asked for.

Files that are still being copied are left alone, and what is imported moves to `done/`, what
cannot be to `failed/`, with a text beside it that says why. One process at a time.
"""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from downstream_node.chats.importing import Allowed, ImportReport, head, import_export
from downstream_node.chats.packed import unpacked
from downstream_node.clock import SECOND, WallTime, monotonic, pause
from downstream_node.custody.service import pieces
from downstream_node.errors import Busy, DownstreamError, InvalidRequest, RequestTooLarge
from downstream_node.node import Node

DONE = "done"
FAILED = "failed"
LOCK = ".lock"
EXPORTING = ".exporting-"
"""Begins the names of folders in which exports are made."""
DAY = 86_400 * SECOND
QUIET_SECONDS = 3.0
"""A file that has not changed for so long is whole."""
LOCK_SECONDS = 30.0
"""How long a request waits for another import from the folder."""
LOCK_PAUSE = 0.1
LONGEST_NAME = 200
"""Characters of a name that are kept when more is put behind it."""
NO_FILE = "This is no file but a link, a folder or the like, which is not followed."


class Look(NamedTuple):
    """How a file looked at one moment."""

    inode: int
    size: int
    changed: int


def import_dropped(node: Node, quiet: float | None = None) -> int:
    """Import what is in the drop folder; returns how many files. A folder may be missing.

    Raises what hinders all imports now (ArchiveUnavailable, Busy, StorageFull, OSError); what is
    wrong with one file does not hinder the others.
    """
    folder = Path(node.settings.CHATS_DROP_FOLDER)
    with locked(folder, wait=0) as is_mine:
        if not is_mine:
            return 0
        given_up = DAY + node.settings.CHATS_EXPORT_TIMEOUT * SECOND
        remove_unfinished(folder, WallTime(node.wall_clock() - given_up))
        reports = [try_one(node, path) for path in quiet_ones(folder, quiet)]
    return sum(report is not None for report in reports)


def import_channel(
    node: Node, channel: int, allowed: Allowed | None, quiet: float | None = None
) -> list[ImportReport]:
    """Import what the drop folder has of one channel.

    Raises InvalidRequest and whatever else `importing.import_export` raises for the first file
    that fails, which has been put aside then; and Busy.
    """
    folder = Path(node.settings.CHATS_DROP_FOLDER)
    with locked(folder, wait=LOCK_SECONDS) as is_mine:
        if not is_mine:
            if folder.is_dir():
                raise Busy("Another import from the drop folder is under way. Please try again.")
            return []
        found = [path for path in quiet_ones(folder, quiet) if channel_of(path) == channel]
        return [import_one(node, path, allowed) for path in found]


def remove_unfinished(folder: Path, before: WallTime) -> None:
    """Delete the folders of exports that were not touched since *before*: their node was killed."""
    for path in folder.glob(f"{EXPORTING}*"):
        # One that ends just now is not there any more.
        with suppress(FileNotFoundError):
            about = path.lstat()
            if stat.S_ISDIR(about.st_mode) and about.st_mtime * SECOND < before:
                shutil.rmtree(path)


@contextmanager
def locked(folder: Path, wait: float) -> Iterator[bool]:
    """Whether this process alone goes through *folder* until the block ends."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except (FileNotFoundError, NotADirectoryError):
        yield False
        return
    try:
        yield took_lock(descriptor, wait)
    finally:
        os.close(descriptor)


def took_lock(descriptor: int, wait: float) -> bool:
    """Whether the file could be locked within *wait* seconds."""
    until = monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() >= until:
                return False
            pause(LOCK_PAUSE)
        else:
            return True


def quiet_ones(folder: Path, quiet: float | None) -> list[Path]:
    """What is called *.json in *folder* and looks the same twice, *quiet* seconds apart.

    QUIET_SECONDS if *quiet* does not say otherwise.
    """
    before = looks(folder)
    if not before:
        return []
    pause(QUIET_SECONDS if quiet is None else quiet)
    now = looks(folder)
    return [path for path, look in now.items() if before.get(path) == look]


def looks(folder: Path) -> dict[Path, Look]:
    """How everything that is called *.json in *folder* looks, by name."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() == ".json" and not path.name.startswith("."):
            with suppress(FileNotFoundError):
                about = path.lstat()
                found[path] = Look(about.st_ino, about.st_size, about.st_mtime_ns)
    return found


def try_one(node: Node, path: Path) -> ImportReport | None:
    """Import one file; None if something is wrong with it, which is written beside it."""
    try:
        return import_one(node, path, None)
    except (InvalidRequest, RequestTooLarge, FileNotFoundError):
        return None


def import_one(node: Node, path: Path, allowed: Allowed | None) -> ImportReport:
    """Import one file and put it aside. Raises as `importing.import_export`, OSError."""
    try:
        with opened(path) as file:
            report = import_export(node, pieces(file), path.name, allowed=allowed)
    except (InvalidRequest, RequestTooLarge) as error:
        set_aside(path, FAILED, str(error))
        raise
    set_aside(path, DONE)
    return report


def opened(path: Path) -> BinaryIO:
    """The file at *path*, open. Raises InvalidRequest if it is none but a link or so, OSError."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise InvalidRequest(NO_FILE)
    # It may be exchanged meanwhile; a link is not followed and a pipe not waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidRequest(NO_FILE)
    return os.fdopen(descriptor, "rb", buffering=0)


def channel_of(path: Path) -> int | None:
    """The channel that an export is of; None for what is no export."""
    try:
        with opened(path) as file:
            return head(unpacked(pieces(file))).channel.id
    except (DownstreamError, OSError):
        return None


def set_aside(path: Path, where: str, reason: str | None = None) -> None:
    """Move a file into a folder beside it, under a name that is free; the reason goes with it."""
    folder = path.parent / where
    folder.mkdir(mode=0o700, exist_ok=True)
    target = free_name(folder, path)
    if reason is not None:
        target.with_name(f"{target.name}.txt").write_text(f"{reason}\n", encoding="utf-8")
    with suppress(FileNotFoundError):
        path.rename(target)


def forget(node: Node, channel: int) -> int:
    """Delete the files of a channel that were put aside, with the reasons; how many there were.

    What cannot be read so far that its channel is known stays.
    """
    folder = Path(node.settings.CHATS_DROP_FOLDER)
    aside = [path for where in (DONE, FAILED) for path in sorted((folder / where).glob("*"))]
    own = [path for path in aside if path.suffix != ".txt" and channel_of(path) == channel]
    for path in own:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.txt").unlink(missing_ok=True)
    return len(own)


def free_name(folder: Path, path: Path) -> Path:
    """Where in *folder* nothing is yet, named like *path*."""
    stem = path.stem[:LONGEST_NAME]
    number = 1
    target = folder / f"{stem}{path.suffix}"
    while os.path.lexists(target):
        number += 1
        target = folder / f"{stem} ({number}){path.suffix}"
    return target
