"""The keyed function with which Merkle challenges pick their slice.

Source: storj-heartbeat 0.1.10.
"""

import hashlib
from collections.abc import Iterable

from cryptography.hazmat.decrepit.ciphers.modes import CFB8
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES


def pick(keys: Iterable[bytes], limit: int, x: int = 0) -> list[int]:
    """Return for each of *keys* (32 bytes) the number below *limit* that it gives for *x*.

    The block that stands for *x* is enciphered with AES-CFB8 and read as a big-endian number
    of as many bits as *limit* (at least 1) has. If that is too large the same block goes
    through the cipher again, which runs on; each try succeeds with probability 1/2 or more.
    """
    block = _block(x, limit)
    mask = (1 << limit.bit_length()) - 1
    cipher = Cipher(AES(bytes(32)), CFB8(bytes(16)))
    picked = []
    for key in keys:
        # Giving the one Cipher another key saves a quarter of the time of making a new one.
        cipher.algorithm = AES(key)
        encipher = cipher.encryptor().update
        value = limit
        while value >= limit:
            value = int.from_bytes(encipher(block), "big") & mask
        picked.append(value)
    return picked


def _block(x: int, limit: int) -> bytes:
    """Return SHA-256 of the decimal digits of *x*, cut or zero-padded to the bytes of *limit*."""
    width = (limit.bit_length() + 7) // 8
    return hashlib.sha256(b"%d" % x).digest()[:width].ljust(width, b"\0")
