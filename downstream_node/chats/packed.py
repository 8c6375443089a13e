"""Exports that come packed: gzip is unpacked in constant memory, other forms are refused. Pure."""

import zlib
from collections.abc import Iterable, Iterator

from downstream_node.errors import InvalidExport

GZIP = b"\x1f\x8b"
GZIP_WINDOW = 31
"""zlib's number for the largest window with a gzip header."""
ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
BLOCK = 1 << 20
"""Bytes that are unpacked together at most."""
MOST_RATIO = 200
"""How many times longer than its packed form an export may be; exports reach 30."""
UNSUSPECTED = 64 << 20
"""Bytes up to which any ratio passes."""


def unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of an export, which may come as gzip. Raises InvalidExport."""
    rest = iter(pieces)
    beginning = b""
    for piece in rest:
        beginning += piece
        if len(beginning) >= len(ZIPS[0]):
            break
    if beginning.startswith(ZIPS):
        raise InvalidExport("The export is a zip archive: unpack it first. Gzip is read as it is.")
    if beginning.startswith(GZIP):
        yield from gunzipped(beginning, rest)
        return
    if beginning:
        yield beginning
    yield from rest


def gunzipped(beginning: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """What the gzip file holds that begins like this. Raises InvalidExport."""
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    taken = given = 0
    packed: bytes | None = beginning
    while packed is not None and not unpacker.eof:
        taken += len(packed)
        while packed and not unpacker.eof:
            try:
                data = unpacker.decompress(packed, BLOCK)
            except zlib.error:
                raise InvalidExport(f"The gzip file is damaged, before byte {taken}.") from None
            packed = unpacker.unconsumed_tail
            given += len(data)
            if given > max(UNSUSPECTED, taken * MOST_RATIO):
                raise InvalidExport(
                    f"The gzip file unpacks to more than {MOST_RATIO} times its size."
                )
            if data:
                yield data
        packed = next(rest, None)
    if not unpacker.eof:
        raise InvalidExport(f"The gzip file ends too early, at byte {taken}.")
    if unpacker.unused_data or any(packed or b"" for packed in [packed, *rest]):
        raise InvalidExport("Something follows the gzip file.")
