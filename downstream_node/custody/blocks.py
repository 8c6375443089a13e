"""The hashes of a file: of the whole, and of each block of 1 MiB, so that any part can be checked.

The list of block hashes is their SHA-256 digests one after the other. It is made from the same
pass over the same bytes as the hash of the whole, before either is stored.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

BLOCK = 1 << 20
"""Bytes of a block; the last one of a file may be shorter. An empty file has none."""
DIGEST = 32
"""Bytes of a SHA-256."""
LARGEST_FILE = 128 << 30
"""Bytes of the largest file: its list of block hashes is 4 MiB, which fits one statement."""


def digest(data: bytes) -> bytes:
    """The SHA-256 of *data*, 32 bytes."""
    return hashlib.sha256(data).digest()


class Hasher:
    """Hashes bytes as they come, in pieces of any size."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes so far."""
        self._whole = hashlib.sha256()
        self._block = hashlib.sha256()
        self._full = bytearray()

    def update(self, data: bytes) -> None:
        """Go on with *data*."""
        self._whole.update(data)
        rest = memoryview(data)
        while rest:
            room = BLOCK - self.size % BLOCK
            part, rest = rest[:room], rest[room:]
            self._block.update(part)
            self.size += len(part)
            if len(part) == room:
                self._full += self._block.digest()
                self._block = hashlib.sha256()

    @property
    def whole(self) -> bytes:
        """The SHA-256 of all bytes so far."""
        return self._whole.digest()

    @property
    def blocks(self) -> bytes:
        """The list of block hashes of all bytes so far."""
        return bytes(self._full) + (self._block.digest() if self.size % BLOCK else b"")


class Part(NamedTuple):
    """The bytes from *first* up to *last* within the block *number*."""

    number: int
    first: int
    last: int


def parts(start: int, end: int) -> Iterator[Part]:
    """What the bytes from *start* up to *end* of a file take of each block, in order."""
    for number in range(start // BLOCK, -(-end // BLOCK) if start < end else 0):
        base = number * BLOCK
        yield Part(number, max(start - base, 0), min(end - base, BLOCK))


def count(size: int) -> int:
    """How many blocks a file of *size* bytes has."""
    return -(-size // BLOCK)


def hash_of(blocks: bytes, number: int) -> bytes:
    """The hash of the block *number* in a list of block hashes; b"" if the list has none."""
    return blocks[number * DIGEST : (number + 1) * DIGEST]
