"""The chunk stream: every byte of a chunk follows from its seed.

Source: RandomIO 0.2.1, which the published farmer uses. Its stream is the AES-256-CTR
keystream under SHA-256 of the seed, with a 128-bit big-endian counter that starts at 1, so
byte *o* lies in cipher block 1 + o // 16.
"""

import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

_BLOCK = 16  # bytes of one AES block
_FIRST_COUNTER = 1

# The keystream is the encryption of zeros. One small piece is encrypted over and over into
# the caller's buffer: it stays in the processor's cache, and no second copy of a chunk exists.
_ZEROS = bytes(64 * 1024)


def fill(seed: str | bytes, buffer: bytearray | memoryview, offset: int = 0) -> None:
    """Overwrite the whole of *buffer* with the stream of *seed* from byte *offset* on.

    A seed of text is taken as its UTF-8 bytes: a node's seed is 32 hexadecimal digits, which
    are hashed as they stand and not decoded. *buffer* is writable and contiguous.
    Raises ValueError for a negative offset.
    """
    if offset < 0:
        raise ValueError("the stream begins at offset 0")
    block, skip = divmod(offset, _BLOCK)
    counter = (_FIRST_COUNTER + block).to_bytes(_BLOCK, "big")
    keystream = Cipher(AES(_key(seed)), CTR(counter)).encryptor()
    keystream.update(_ZEROS[:skip])
    view, zeros = memoryview(buffer).cast("B"), memoryview(_ZEROS)
    for start in range(0, len(view), len(_ZEROS)):
        piece = view[start : start + len(_ZEROS)]
        keystream.update_into(zeros[: len(piece)], piece)


def stream(seed: str | bytes, offset: int, size: int) -> bytearray:
    """Return *size* bytes of the stream of *seed*, from byte *offset* on.

    Raises ValueError for a negative offset or size.
    """
    made = bytearray(size)
    fill(seed, made, offset)
    return made


def _key(seed: str | bytes) -> bytes:
    """Return the 32-byte AES key of *seed*."""
    return hashlib.sha256(seed.encode() if isinstance(seed, str) else seed).digest()
