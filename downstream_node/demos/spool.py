"""Recordings while they are streamed: one file a session, one writer a file, and a bell.

A session's file is in the folder DEMOS_PATH, named after the session. Whoever writes it, or moves
it on, holds its lock (flock): the system frees it when a process dies, however it dies, so no
lock is ever left behind. The bytes in the file are the truth about how far a session is.

Processes that share the folder ring for each other: a file in the folder `bell` named after a
session tells the process that streams it to let go. Each looks at the folder's time of change.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from downstream_node.clock import SECOND, monotonic, pause, system_clock
from downstream_node.custody.storage import disk_errors, sync_folder
from downstream_node.errors import DownstreamError
from downstream_node.node import Node

SESSION = re.compile(r"[0-9]{1,39}")
SUFFIX = ".dem"
BELL = "bell"
LOOK_SECONDS = 0.01
BELL_SECONDS = 15.0
"""A bell that is older was left by a process that died while it waited."""


class Held(DownstreamError):
    """Somebody else writes this session's file."""


class Wish:
    """What a bell may ask for."""

    END = ".end"
    """The session is being closed: take what has arrived, and let go."""
    YIELD = ".yield"
    """Another connection would go on with the session: let go if nothing comes any more."""


class Spool:
    """The folder of recordings that are being streamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bells = folder / BELL

    def prepare(self) -> None:
        """Make the folders. Raises StorageFailed."""
        with disk_errors():
            self.bells.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, session_id: str) -> Path:
        """The file of a session. An id is digits alone, so it names nothing else."""
        if not SESSION.fullmatch(session_id):
            raise ValueError(session_id)
        return self.folder / f"{session_id}{SUFFIX}"

    def changed(self, session_id: str) -> int:
        """When bytes last came into a session's file, in milliseconds; 0 if there is none."""
        try:
            return self.path(session_id).stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            return 0

    def hold(self, session_id: str) -> "Recording":
        """The file of a session, open and locked; made if it is not there.

        Raises Held if somebody else holds it; StorageFull, StorageFailed.
        """
        self.prepare()
        path = self.path(session_id)
        with disk_errors():
            while True:
                is_new = not path.exists()
                number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                try:
                    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    # Whoever held it before may have moved the file on meanwhile.
                    is_it = is_same(number, path)
                except BlockingIOError:
                    os.close(number)
                    raise Held from None
                except BaseException:
                    os.close(number)
                    raise
                if is_it:
                    if is_new:
                        # Bytes that are durable in a file whose name is not would be lost.
                        sync_folder(self.folder)
                    return Recording(path, number)
                os.close(number)

    @contextmanager
    def taken(self, session_id: str, seconds: float) -> Iterator["Recording"]:
        """The same for the length of a `with` statement; whoever streams is told to end.

        Raises Held if nobody has let go after so many *seconds*.
        """
        recording = self.wait_for(session_id, Wish.END, seconds)
        try:
            yield recording
        finally:
            recording.close()

    def wait_for(self, session_id: str, wish: str, seconds: float) -> "Recording":
        """`hold` a session once whoever streams it has heard the *wish*; it may not follow it.

        Raises Held after so many *seconds*.
        """
        give_up = monotonic() + seconds
        rung = False
        try:
            while True:
                try:
                    return self.hold(session_id)
                except Held:
                    if monotonic() >= give_up:
                        raise
                if not rung:
                    self.ring(session_id, wish)
                    rung = True
                pause(LOOK_SECONDS)
        finally:
            if rung:
                self.quiet(session_id, wish)

    # The bell

    def ring(self, session_id: str, wish: str) -> None:
        """Ask whoever streams this session to let go."""
        with disk_errors():
            (self.bells / f"{session_id}{wish}").touch()

    def quiet(self, session_id: str, wish: str) -> None:
        """Take back what was rung for this session."""
        with suppress(FileNotFoundError):
            (self.bells / f"{session_id}{wish}").unlink()

    def last_rung(self) -> int:
        """When the folder of bells last changed, in nanoseconds: a cheap look."""
        try:
            return self.bells.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def wishes(self) -> dict[str, set[str]]:
        """What is wished, by session."""
        found: dict[str, set[str]] = {}
        with suppress(FileNotFoundError):
            for path in self.bells.iterdir():
                if is_left(path):
                    path.unlink(missing_ok=True)
                    continue
                session, dot, wish = path.name.partition(".")
                found.setdefault(session, set()).add(dot + wish)
        return found


class Recording:
    """The open file of one session, locked. Not for several threads at once."""

    def __init__(self, path: Path, number: int) -> None:
        self.path = path
        self._number = number

    @property
    def size(self) -> int:
        """Bytes in it."""
        return os.fstat(self._number).st_size

    def append(self, data: bytes) -> None:
        """Write *data* behind what is there. Raises StorageFull, StorageFailed."""
        with disk_errors():
            view = memoryview(data)
            while view:
                view = view[os.write(self._number, view) :]

    def sync(self) -> None:
        """Return when everything in it is durable; from any thread. Raises StorageFailed."""
        with disk_errors():
            os.fsync(self._number)

    def put(self, data: bytes, at: int) -> None:
        """Replace bytes. Raises StorageFailed."""
        # The file is open for appending, where Linux puts even pwrite at the end.
        with disk_errors(), self.path.open("r+b", buffering=0) as file:
            file.seek(at)
            file.write(data)
            os.fsync(file.fileno())

    def read(self, size: int, at: int = 0) -> bytes:
        """Up to *size* bytes from *at*."""
        with disk_errors():
            return os.pread(self._number, size, at)

    def cut(self, size: int) -> None:
        """Keep the first *size* bytes."""
        with disk_errors():
            os.ftruncate(self._number, size)

    def pieces(self, size: int) -> Iterator[bytes]:
        """All of it, in pieces of *size* bytes."""
        at = 0
        while piece := self.read(size, at):
            yield piece
            at += len(piece)

    def remove(self) -> None:
        """Remove the file, while it is held: whoever waits for it finds that it is gone."""
        with disk_errors(), suppress(FileNotFoundError):
            self.path.unlink()

    def close(self) -> None:
        """Let go of it."""
        os.close(self._number)


def is_left(bell: Path) -> bool:
    """Whether nobody waits for this *bell* any more."""
    try:
        return system_clock() / SECOND - bell.stat().st_mtime > BELL_SECONDS
    except FileNotFoundError:
        return True


def is_same(number: int, path: Path) -> bool:
    """Whether the open file *number* is still the one at *path*."""
    mine = os.fstat(number)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def spool_of(node: Node) -> Spool:
    """The spool of a node."""
    return Spool(Path(node.settings.DEMOS_PATH))
