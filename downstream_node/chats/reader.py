"""The process that reads one export for an import: `python -m downstream_node.chats.reader`.

It is apart so that it has a processor and an interpreter for itself while the import stores what
it has read. It imports no more than it needs. Through its standard input come the number of the
channel and the bytes of the export; through its standard output go frames (see `apart.py`). When
the import dies, there is nobody to write to, and it ends.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress

from downstream_node.chats.batches import batches, seldom_collecting
from downstream_node.chats.frames import NUMBER, Refused, frame
from downstream_node.errors import InvalidExport

INPUT, OUTPUT = 0, 1
"""File descriptors."""
PIECE = 1 << 20


def main() -> None:
    """Read the export that comes in."""
    pieces = received()
    channel = NUMBER.unpack(next(pieces))[0]
    with suppress(BrokenPipeError), seldom_collecting():
        try:
            for item in batches(pieces, channel):
                send(frame(item))
        except InvalidExport as error:
            send(frame(Refused(str(error))))


def received() -> Iterator[bytes]:
    """What comes in: first the NUMBER, then the bytes of the export in pieces of any size."""
    beginning = b""
    while len(beginning) < NUMBER.size:
        more = os.read(INPUT, NUMBER.size - len(beginning))
        if not more:  # the import died before it had said anything
            sys.exit()
        beginning += more
    yield beginning
    while piece := os.read(INPUT, PIECE):
        yield piece


def send(data: bytes) -> None:
    """Send *data*, whole."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(OUTPUT, rest) :]


if __name__ == "__main__":
    main()
