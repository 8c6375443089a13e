"""Swizzle's binary forms, each of which is one base64 text on the wire.

Source: storj-heartbeat 0.1.10, C++ Swizzle. Lengths and counts are 32-bit little-endian;
integers are big-endian without leading zeros (but at least one byte), a length before them.
Whatever does not parse to its last byte is a MalformedProof.
"""

import struct
from dataclasses import dataclass
from typing import Self

from downstream_node.errors import MalformedProof
from downstream_node.heartbeat import wire
from downstream_node.heartbeat.integers import Integer

_PUBLIC = b"\x01"  # the flags of a heartbeat without its keys
_KEY_BYTES = 32
_MAX_PRIME_BITS = 8192  # far beyond any use; keeps a hostile node from burning our time
_MAX_SECTORS = 1024


class Reader:
    """Takes one value after the other from bytes that somebody else wrote."""

    def __init__(self, text: object) -> None:
        if not isinstance(text, str):
            raise MalformedProof(f"expected base64 text, got {type(text).__name__}")
        self._raw = wire.from_base64(text)
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return the next *size* bytes."""
        taken = self._raw[self._at : self._at + size]
        if len(taken) != size:
            raise MalformedProof(f"ends {size - len(taken)} bytes too early")
        self._at += size
        return taken

    def count(self) -> int:
        """Return a 32-bit number."""
        return int.from_bytes(self.take(4), "little")

    def blob(self) -> bytes:
        """Return bytes that have their length before them."""
        return self.take(self.count())

    def integer(self) -> int:
        """Return an integer in its shortest form."""
        return read_integer(self.blob())

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self._at != len(self._raw):
            raise MalformedProof(f"{len(self._raw) - self._at} bytes too many")


def read_integer(blob: bytes) -> int:
    """Return the integer that *blob* stands for; MalformedProof unless in its shortest form."""
    if not blob or (blob[0] == 0 and len(blob) > 1):
        raise MalformedProof("not an integer in its shortest form")
    return Integer.from_bytes(blob, "big")


def pack_count(number: int) -> bytes:
    """Return *number*, below 2**32, as `Reader.count` reads it."""
    return struct.pack("<I", number)


def pack_blob(blob: bytes) -> bytes:
    """Return *blob* as `Reader.blob` reads it."""
    return pack_count(len(blob)) + blob


def pack_integer(number: int) -> bytes:
    """Return *number*, not negative, as `Reader.integer` reads it."""
    return pack_blob(number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big"))


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The public parameters: how a file is cut, and the field in which it is counted.

    A block is *sectors* sectors of *sector_bytes* bytes, each of them an element of the field
    of integers modulo *prime*. Blocks follow each other; the last sector may be short.
    """

    sectors: int
    sector_bytes: int
    prime: int

    @property
    def block_bytes(self) -> int:
        """Size of a block in bytes."""
        return self.sectors * self.sector_bytes

    def to_text(self) -> str:
        """Return the public form, without keys."""
        sizes = pack_count(self.sectors) + pack_count(self.sector_bytes)
        return wire.to_base64(_PUBLIC + sizes + pack_integer(self.prime))

    @classmethod
    def from_text(cls, text: object) -> Self:
        """Read the public form; MalformedProof also for parameters that no node would choose."""
        reader = Reader(text)
        if reader.take(1) != _PUBLIC:
            raise MalformedProof("not a public heartbeat")
        heartbeat = cls(reader.count(), reader.count(), reader.integer())
        reader.end()
        bits = heartbeat.prime.bit_length()
        if not (1 <= heartbeat.sectors <= _MAX_SECTORS and bits <= _MAX_PRIME_BITS):
            raise MalformedProof("a heartbeat with absurdly many sectors or bits")
        if not 1 <= heartbeat.sector_bytes <= bits // 8:
            raise MalformedProof("a heartbeat whose sectors do not fit its prime")
        return heartbeat


@dataclass(frozen=True, slots=True)
class Challenge:
    """Asks for *checked* blocks, which follow from *key* (32 bytes) together with coefficients.

    The coefficients are below *limit*. With *checked* at or above the number of blocks each
    block is asked for once; otherwise they are picked one by one, and may repeat.
    """

    checked: int
    key: bytes
    limit: int

    def to_text(self) -> str:
        """Return the wire form."""
        return wire.to_base64(
            pack_count(self.checked) + pack_blob(self.key) + pack_integer(self.limit)
        )

    @classmethod
    def from_text(cls, text: object) -> Self:
        """Read the wire form."""
        reader = Reader(text)
        challenge = cls(reader.count(), reader.blob(), reader.integer())
        reader.end()
        if len(challenge.key) != _KEY_BYTES:
            raise MalformedProof(f"a challenge's key has {_KEY_BYTES} bytes")
        if not 1 <= challenge.limit.bit_length() <= _MAX_PRIME_BITS:
            raise MalformedProof("a challenge whose coefficients are nothing, or absurdly large")
        return challenge


@dataclass(frozen=True, slots=True)
class Proof:
    """The answer: the combined sectors *mu*, one per place in a block, and authenticators."""

    mu: list[int]
    sigma: int

    def to_text(self) -> str:
        """Return the wire form."""
        return wire.to_base64(pack_integers(self.mu) + pack_integer(self.sigma))

    @classmethod
    def from_text(cls, text: object) -> Self:
        """Read the wire form."""
        reader = Reader(text)
        proof = cls([reader.integer() for _ in range(reader.count())], reader.integer())
        reader.end()
        return proof


def pack_integers(numbers: list[int]) -> bytes:
    """Return the count of *numbers* and each of them: the form of a tag, and of mu."""
    return pack_count(len(numbers)) + b"".join(map(pack_integer, numbers))


def read_tag(text: object) -> list[bytes]:
    """Return a tag's authenticators, one per block, still as big-endian bytes."""
    reader = Reader(text)
    blobs = [reader.blob() for _ in range(reader.count())]
    reader.end()
    return blobs
