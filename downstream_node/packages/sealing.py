"""The sealed form of a package, DSP1: what the store keeps and only the secret opens.

    magic "DSP1"              4 bytes
    package id               16 bytes
    header of the stream     24 bytes
    chunks                   each of up to 65,536 bytes and 17 more

The chunks are a libsodium secretstream (XChaCha20-Poly1305). All but the last hold 65,536 bytes;
the last one has the tag FINAL and may be shorter, and empty only if all is. The first is bound to
magic and id as additional data. So a change, a cut, another order, another id: all are noticed,
and nothing is given out of the chunk that has it. `docs/packages.md` has this for other programs.

libsodium draws the stream's header at random itself.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator

from nacl import bindings as sodium
from nacl.exceptions import CryptoError

from downstream_node.errors import SealBroken
from downstream_node.packages.secrets import ID_BYTES, Secret

MAGIC = b"DSP1"
HEADER = sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES
NAMED = len(MAGIC) + ID_BYTES
PREFIX = NAMED + HEADER
"""Bytes before the first chunk: 44."""
CHUNK = 1 << 16
TAG = sodium.crypto_secretstream_xchacha20poly1305_ABYTES
"""What a chunk has more than its plaintext: 17 bytes."""
SEALED_CHUNK = CHUNK + TAG
MESSAGE = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
FINAL = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
GZIP_WINDOW = 31
"""zlib's number for the largest window with a gzip header."""
GZIP_LEVEL = 6

Data = bytes | bytearray | memoryview


def sealed_size(size: int) -> int:
    """How many bytes *size* bytes are when sealed."""
    return PREFIX + size + TAG * max(1, -(-size // CHUNK))


def stream_header(start: bytes) -> bytes:
    """The 24 bytes of the stream's header, from the first PREFIX bytes of a sealed package.

    Raises SealBroken.
    """
    if not start.startswith(MAGIC) or len(start) < PREFIX:
        raise SealBroken
    return start[NAMED:PREFIX]


class Sealer:
    """Seals bytes as they come, in pieces of any size. *key* is `Secret.key`."""

    def __init__(self, key: bytes, package_id: str) -> None:
        self._name = MAGIC + bytes.fromhex(package_id)
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        self.header = sodium.crypto_secretstream_xchacha20poly1305_init_push(self._state, key)
        self._bound: bytes | None = self._name
        self._waiting = bytearray()
        self._out = bytearray(self._name + self.header)

    def update(self, data: Data) -> bytes:
        """Go on with *data*; the sealed bytes that are ready."""
        self._waiting += data
        # The last chunk is known only at the end, so a full one waits for the next byte.
        with memoryview(self._waiting) as waiting:
            done = 0
            while len(waiting) - done > CHUNK:
                self._push(bytes(waiting[done : done + CHUNK]), MESSAGE)
                done += CHUNK
        del self._waiting[:done]
        return self._taken()

    def finish(self) -> bytes:
        """The sealed bytes that are left, the last chunk among them. Once, and nothing after."""
        self._push(bytes(self._waiting), FINAL)
        self._waiting.clear()
        return self._taken()

    def _push(self, chunk: bytes, tag: int) -> None:
        self._out += sodium.crypto_secretstream_xchacha20poly1305_push(
            self._state, chunk, self._bound, tag
        )
        self._bound = None

    def _taken(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        return out


class Opener:
    """Opens sealed bytes as they come. Raises SealBroken, and is good for nothing after that.

    What came before a broken place has been given out by then: only after `finish` is it known
    that all of it is there.
    """

    def __init__(self, key: bytes, package_id: str) -> None:
        self._key = key
        self._name = MAGIC + bytes.fromhex(package_id)
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        self._bound: bytes | None = self._name
        self._waiting = bytearray()
        self._started = False

    def update(self, data: Data) -> bytes:
        """Go on with *data*; the plaintext of the chunks that are whole."""
        self._waiting += data
        if not self._started and len(self._waiting) >= PREFIX:
            self._start()
        out, done = bytearray(), 0
        while self._started and len(self._waiting) - done > SEALED_CHUNK:
            out += self._pull(bytes(self._waiting[done : done + SEALED_CHUNK]), MESSAGE)
            done += SEALED_CHUNK
        del self._waiting[:done]
        return bytes(out)

    def finish(self) -> bytes:
        """The plaintext of the last chunk, if it is the last."""
        if not self._started:
            raise SealBroken
        return self._pull(bytes(self._waiting), FINAL)

    def _start(self) -> None:
        start = bytes(self._waiting[:PREFIX])
        header = stream_header(start)
        if start[:NAMED] != self._name:
            raise SealBroken
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, self._key)
        del self._waiting[:PREFIX]
        self._started = True

    def _pull(self, chunk: bytes, expected: int) -> bytes:
        if len(chunk) < TAG:
            raise SealBroken
        try:
            plain, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(
                self._state, chunk, self._bound
            )
        except CryptoError:
            raise SealBroken from None
        if tag != expected:
            raise SealBroken
        self._bound = None
        return bytes(plain)


def seal(pieces: Iterable[Data], secret: Secret) -> Iterator[bytes]:
    """The sealed form of *pieces* put together, under *secret*."""
    sealer = Sealer(secret.key, secret.package_id)
    for piece in pieces:
        yield sealer.update(piece)
    yield sealer.finish()


def unseal(pieces: Iterable[Data], secret: Secret) -> Iterator[bytes]:
    """What was sealed into *pieces*. Raises SealBroken, at the latest with the last piece."""
    opener = Opener(secret.key, secret.package_id)
    for piece in pieces:
        yield opener.update(piece)
    yield opener.finish()


class SealedGzip:
    """Where a statistics database is written to: packed, then sealed, then to *write*.

    So the database itself is never on a disk.
    """

    def __init__(self, secret: Secret, write: Callable[[bytes], object]) -> None:
        self._gzip = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
        self._sealer = Sealer(secret.key, secret.package_id)
        self._write = write

    def write(self, data: Data) -> None:
        """Go on with *data*."""
        self._pass_on(self._sealer.update(self._gzip.compress(data)))

    def finish(self) -> None:
        """Write what is left. Once, and nothing after."""
        self._pass_on(self._sealer.update(self._gzip.flush()) + self._sealer.finish())

    def _pass_on(self, sealed: bytes) -> None:
        if sealed:
            self._write(sealed)
