"""Sets of messages of one block as bitmaps: how they are stored, and made numbers of Python. Pure.

Message number n of the block has bit n. Stored is either the whole bitmap, the lowest bits in the
first byte; or, where most of its bytes are zero, which of them are not, as a bitmap of the bytes,
and those.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

try:
    import numpy as np
except ImportError:  # an optional accelerator
    np = None  # type: ignore[assignment]

WHOLE = 0
SPARSE = 1
"""The first byte of what is stored; the next three have how many bytes the bitmap has."""
HEADER = 4
ROWS = 256
"""Bitmaps packed at once: more of them leave the processor's cache."""

Array: TypeAlias = Any
"""One of numpy's, which need not be there for types to be checked."""


def packed(chunks: Sequence[Array]) -> list[bytes]:
    """The stored form of each row of some matrices of bytes, side by side."""
    size = sum(chunk.shape[1] for chunk in chunks)
    whole, sparse = (bytes([kind]) + size.to_bytes(3, "little") for kind in (WHOLE, SPARSE))
    found = []
    for start in range(0, len(chunks[0]), ROWS):
        some = np.concatenate([chunk[start : start + ROWS] for chunk in chunks], axis=1)
        used = some != 0
        values = some[used].tobytes()
        places = np.packbits(used, axis=1, bitorder="little")
        end = 0
        numbers = np.count_nonzero(used, axis=1)
        for row, kept, number in zip(some, places, numbers.tolist(), strict=True):
            first, end = end, end + number
            if len(kept) + number < size:
                found.append(sparse + kept.tobytes() + values[first:end])
            else:
                found.append(whole + row.tobytes())
    return found


def unpacked(stored: bytes) -> int:
    """The bitmap as one number."""
    if stored[0] == WHOLE:
        return int.from_bytes(stored[HEADER:], "little")
    size = int.from_bytes(stored[1:HEADER], "little")
    values = HEADER + (size + 7) // 8
    if np is None:
        return _plainly_unpacked(stored[HEADER:values], stored[values:], size)
    places = np.frombuffer(stored, np.uint8, values - HEADER, HEADER)
    whole = np.zeros(size, np.uint8)
    used = np.unpackbits(places, count=size, bitorder="little").view(bool)
    whole[used] = np.frombuffer(stored, np.uint8, offset=values)
    return int.from_bytes(whole.tobytes(), "little")


def _plainly_unpacked(places: bytes, values: bytes, size: int) -> int:
    """The same without numpy."""
    whole = bytearray(size)
    for number, value in zip(numbers(int.from_bytes(places, "little")), values, strict=True):
        whole[number] = value
    return int.from_bytes(whole, "little")


def numbers(messages: int) -> list[int]:
    """The numbers of the bits that are set, in order."""
    bits = f"{messages:b}"[::-1]
    found = []
    bit = bits.find("1")
    while bit >= 0:
        found.append(bit)
        bit = bits.find("1", bit + 1)
    return found
