"""Working files: what a package is while it is worked on, encrypted piece by piece on the disk.

    magic "DSW1"              4 bytes
    salt                     32 bytes, random
    pieces                   each of up to 65,536 bytes and a tag of 16

Pieces are AES-256-GCM. The key of a file is HKDF-SHA256 of the job's key with the file's salt, and
its purpose, package id and place among the files that belong together. So one key serves many
files, and a file that is written again never meets its first form under the same key. The nonce
is the piece's number (11 bytes) and whether it is the last (1 byte): a cut, a change and another
order are noticed on reading.

A reader decrypts what is asked for only, so a file of gigabytes costs the memory of a few pieces.
"""

import errno
import io
import os
import tempfile
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from downstream_node.entropy import random_bytes
from downstream_node.errors import SealBroken, StorageFailed, StorageFull
from downstream_node.packages.secrets import KEY_BYTES

MAGIC = b"DSW1"
SALT = 32
PREFIX = len(MAGIC) + SALT
PIECE = 1 << 16
TAG = 16
SEALED_PIECE = PIECE + TAG
NUMBER_BYTES = 11
FULL = {errno.ENOSPC, errno.EDQUOT}
OPEN_FILES = 16
"""Of the files that are read as one, at most; an upload may have more than a process may open."""

DOWNLOAD = b"downstream download 1"
UPLOAD = b"downstream upload segment 1"
"""Purposes: a file of one is refused as a file of the other."""


def random_key() -> bytes:
    """A key for the working files of one job, to be kept in memory alone. 32 bytes."""
    return random_bytes(KEY_BYTES)


@contextmanager
def disk_errors() -> Iterator[None]:
    """The disk's errors as ours: StorageFull or StorageFailed. They name no path.

    The same as the store's; its module would bring the whole node into a worker's memory.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull from None
        raise StorageFailed(f"The node cannot store files: {error.strerror}.") from None


def unnamed(folder: Path) -> BinaryIO:
    """A new file in *folder* that has no name: nothing is left of it when its process ends.

    Raises StorageFull, StorageFailed.
    """
    with disk_errors():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Unbuffered: pieces are large, and an error belongs to its write.
        return tempfile.TemporaryFile(dir=folder, buffering=0)


class Seal(NamedTuple):
    """What the working files of one job are sealed with."""

    key: bytes
    """32 bytes: `random_key()`, or `Secret.upload_key`."""
    purpose: bytes
    package_id: str


def cipher_of(seal: Seal, salt: bytes, start: int) -> AESGCM:
    """The cipher of the file whose content starts at the byte *start* of the whole."""
    place = bytes.fromhex(seal.package_id) + start.to_bytes(8, "big")
    info = seal.purpose + b"\0" + place
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=salt, info=info).derive(seal.key))


def nonce_of(number: int, *, last: bool) -> bytes:
    """The nonce of the piece *number*. 12 bytes."""
    return number.to_bytes(NUMBER_BYTES, "big") + bytes([last])


class WorkingWriter:
    """Writes one working file into *file*, which is empty and open for writing.

    *start*: where its content belongs, in bytes of the files that are read as one.
    Without `finish` the file counts as cut off, however much of it is on the disk.
    """

    def __init__(self, file: BinaryIO, seal: Seal, start: int = 0) -> None:
        self.size = 0
        """Bytes of plaintext so far."""
        salt = random_bytes(SALT)
        self._file = file
        self._cipher = cipher_of(seal, salt, start)
        self._number = 0
        self._waiting = bytearray()
        self._put(MAGIC + salt)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Go on with *data*. Raises StorageFull, StorageFailed."""
        self._waiting += data
        self.size += len(data)
        done = 0
        # The last piece is known only at the end, so a full one waits for the next byte.
        while len(self._waiting) - done > PIECE:
            self._seal(bytes(self._waiting[done : done + PIECE]), last=False)
            done += PIECE
        del self._waiting[:done]

    def finish(self, *, durable: bool = False) -> int:
        """Write the last piece; the bytes of plaintext in all. Once, and nothing after.

        *durable*: the content is on the disk when this returns, whatever happens to the machine
        (the name is its maker's to sync).
        """
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()
        with disk_errors():
            self._file.flush()
            if durable:
                os.fsync(self._file.fileno())
        return self.size

    def _seal(self, piece: bytes, *, last: bool) -> None:
        self._put(self._cipher.encrypt(nonce_of(self._number, last=last), piece, None))
        self._number += 1

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        with disk_errors():
            while rest:
                # An unbuffered file may take less than it is given.
                rest = rest[self._file.write(rest) :]


class _Part:
    """One finished working file, read at any place."""

    def __init__(self, file: Callable[[], BinaryIO], seal: Seal, start: int) -> None:
        self._file = file
        prefix = self._read(0, PREFIX)
        sealed = file().seek(0, io.SEEK_END) - PREFIX
        if len(prefix) < PREFIX or not prefix.startswith(MAGIC) or sealed < TAG:
            raise SealBroken
        self._cipher = cipher_of(seal, prefix[len(MAGIC) :], start)
        self._last = (sealed - 1) // SEALED_PIECE
        self.size = sealed - TAG * (self._last + 1)
        """Bytes of plaintext."""
        # The last piece tells whether the file is whole, so it is looked at first.
        if sealed - self._last * SEALED_PIECE < TAG:
            raise SealBroken
        self.piece(self._last)

    def piece(self, number: int) -> bytes:
        """The plaintext of the piece *number*. Raises SealBroken."""
        sealed = self._read(PREFIX + number * SEALED_PIECE, SEALED_PIECE)
        try:
            return self._cipher.decrypt(nonce_of(number, last=number == self._last), sealed, None)
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def _read(self, position: int, count: int) -> bytes:
        with disk_errors():
            file = self._file()
            file.seek(position)
            found = bytearray()
            while len(found) < count and (more := file.read(count - len(found))):
                found += more
        return bytes(found)


class _Lately:
    """Files that are opened when they are read. Those read last stay open, OPEN_FILES at most."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, BinaryIO] = OrderedDict()

    def file(self, path: Path) -> BinaryIO:
        """The file at *path*, open until so many others were asked for. Raises OSError."""
        found = self._open.pop(path, None)
        if found is None:
            while len(self._open) >= OPEN_FILES:
                self._open.popitem(last=False)[1].close()
            found = path.open("rb", buffering=0)
        self._open[path] = found
        return found

    def close(self) -> None:
        """Close what is open."""
        while self._open:
            self._open.popitem()[1].close()


class _Joined(io.RawIOBase):
    """Working files, one after the other, as one that can be read at any place."""

    def __init__(self, parts: list[_Part], held: ExitStack) -> None:
        self._parts = parts
        self._held = held
        self._ends = list(accumulate(part.size for part in parts))
        self._position = 0
        self._at = (-1, -1)
        self._piece = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("There is nothing before the start.")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._position >= self._size:
            return 0
        index = bisect_right(self._ends, self._position)
        inside = self._position - (self._ends[index - 1] if index else 0)
        number, start = divmod(inside, PIECE)
        found = self._piece_at(index, number)[start : start + len(buffer)]
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)

    def close(self) -> None:
        if not self.closed:
            self._held.close()
            self._piece = b""
        super().close()

    @property
    def _size(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _piece_at(self, index: int, number: int) -> bytes:
        if self._at != (index, number):
            self._piece = self._parts[index].piece(number)
            self._at = (index, number)
        return self._piece


def opened(files: Sequence[BinaryIO | Path], seal: Seal) -> io.BufferedReader:
    """Finished working *files*, in order, as one file that can be read at any place.

    Raises SealBroken, now or on reading, for a file that is cut, changed, out of its place, of
    another purpose or package; StorageFailed. The files belong to what is returned, and are
    closed with it; of those given by their paths only a few are open at a time.
    """
    parts: list[_Part] = []
    start = 0
    lately = _Lately()
    with ExitStack() as held:
        held.callback(lately.close)
        for file in files:
            if isinstance(file, Path):
                parts.append(_Part(partial(lately.file, file), seal, start))
            else:
                held.callback(file.close)
                parts.append(_Part(partial(_same, file), seal, start))
            start += parts[-1].size
        return io.BufferedReader(_Joined(parts, held.pop_all()), PIECE)


def _same(file: BinaryIO) -> BinaryIO:
    return file


def size_of(file: BinaryIO, seal: Seal, start: int = 0) -> int:
    """Bytes of plaintext in a working file. Raises SealBroken if it is not whole.

    The last piece is opened, the others are not looked at.
    """
    return _Part(partial(_same, file), seal, start).size
