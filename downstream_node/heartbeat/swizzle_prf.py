"""The keyed function with which Swizzle picks its blocks, coefficients and masks.

Source: storj-heartbeat 0.1.10, C++ Swizzle. The number *i* stands for SHA-256 of its 4 bytes,
little-endian, cut or zero-padded to the byte length of the limit. That block is enciphered with
AES-256 in CFB mode (128-bit segments, zero IV) and read as a big-endian number of as many bits
as the limit has; if that is too large, the same block goes through the cipher, which runs on.
"""

import hashlib
import struct
from collections.abc import Sequence
from functools import lru_cache

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from downstream_node.heartbeat.integers import Integer

_AES_BLOCK = 16  # bytes
_DIGEST_WORDS = 4  # 64-bit words of SHA-256


class Prf:
    """Numbers below *limit* (at least 1) that follow from *key* (32 bytes)."""

    def __init__(self, key: bytes, limit: int) -> None:
        self._width = (limit.bit_length() + 7) // 8
        # Mixing both kinds of integers would cost a conversion each time.
        self._integer = int if self._width <= _AES_BLOCK else Integer
        self._limit = self._integer(limit)
        self._mask = self._integer((1 << limit.bit_length()) - 1)
        self._cfb = Cipher(AES(key), CFB(bytes(_AES_BLOCK)))
        self._ecb = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - the core of our own CFB
        self._first_keystream = self._ecb.update(bytes(_AES_BLOCK))
        self._pads = [
            int.from_bytes(self._first_keystream[start : start + self._width], "big")
            for start in range(0, _AES_BLOCK - self._width + 1, self._width)
        ]

    def value(self, i: int) -> int:
        """Return the number for *i*, which is below 2**32, plainly as the source has it."""
        encipher = self._cfb.encryptor().update
        block = _digest(i)[: self._width].ljust(self._width, b"\0")
        while True:
            value = self._integer.from_bytes(encipher(block), "big") & self._mask
            if value < self._limit:
                return value

    def values(self, numbers: Sequence[int]) -> list[int]:
        """Return `value` of each of *numbers*, much faster than one by one."""
        if self._width <= _AES_BLOCK:
            return [self._narrow_value(i) for i in numbers]
        tries = self._wide_tries(numbers)
        if max(tries, default=0) < self._limit:
            return tries
        pairs = zip(numbers, tries, strict=True)
        return [first if first < self._limit else self.value(i) for i, first in pairs]

    def _narrow_value(self, i: int) -> int:
        """`value` where all tries of one keystream block are at hand without any cipher."""
        block = int.from_bytes(_digest(i)[: self._width], "big")
        for pad in self._pads:
            value = (block ^ pad) & self._mask
            if value < self._limit:
                return value
        return self.value(i)

    def _wide_tries(self, numbers: Sequence[int]) -> list[int]:
        """Return the first try for each of *numbers*, enciphering all of them side by side.

        CFB is a chain within one number, but the chains of many numbers are independent: cipher
        block *k* of all of them takes one call. `words` is the table of the results, one row of
        64-bit words per number, and a cipher block fills two of its columns.
        """
        blocks = -(-self._width // _AES_BLOCK)
        digests = memoryview(b"".join(map(_digest, numbers))).cast("Q")
        words = memoryview(bytearray(blocks * _AES_BLOCK * len(numbers))).cast("Q")
        keystream = self._first_keystream * len(numbers)
        for left in range(0, 2 * blocks, 2):
            if left < _DIGEST_WORDS:
                plain = _pairs(digests[left::_DIGEST_WORDS], digests[left + 1 :: _DIGEST_WORDS])
                keystream = _xor(keystream, plain)
            column = memoryview(keystream).cast("Q")
            words[left :: 2 * blocks] = column[::2]
            words[left + 1 :: 2 * blocks] = column[1::2]
            keystream = self._ecb.update(keystream)
        row = struct.Struct(f"{self._width}s{blocks * _AES_BLOCK - self._width}x")
        from_bytes, mask = self._integer.from_bytes, self._mask
        return [from_bytes(text, "big") & mask for (text,) in row.iter_unpack(words)]


@lru_cache(maxsize=2**15)
def _digest(i: int) -> bytes:
    """Return what stands for *i* under every key, before it is cut or padded."""
    return hashlib.sha256(i.to_bytes(4, "little")).digest()


def _pairs(left: memoryview, right: memoryview) -> bytearray:
    """Return the 64-bit words of *left* and *right* in turns."""
    joined = bytearray(left.nbytes + right.nbytes)
    words = memoryview(joined).cast("Q")
    words[::2], words[1::2] = left, right
    return joined


def _xor(a: bytes, b: bytes | bytearray) -> bytes:
    """Return the exclusive or of two texts of one length."""
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(len(a), "big")
