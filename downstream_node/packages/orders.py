"""What a worker and the process that reads a package for it say to each other, over pipes.

The worker sends one line: an order. It gets frames: a letter, four bytes of length, content. Pure.
"""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from downstream_node.errors import DownstreamError

LENGTH_BYTES = 4
HEAD = 1 + LENGTH_BYTES
LONGEST = 1 << 24
"""Bytes of the longest frame that is believed."""


class Kind(StrEnum):
    """What a frame holds."""

    TOLD = "T"
    """How far it is, as JSON."""
    DATA = "D"
    """Bytes of the sealed result."""
    ENDED = "E"
    """What came of it, as JSON: all of the result has been sent."""
    REFUSED = "R"
    """Why nothing comes of it, as JSON."""


class Order(msgspec.Struct, frozen=True):
    """Everything that is needed to read one package; not shown by accident."""

    package_id: str
    secret: str
    url: str | None
    """None: it was uploaded, and is in *segments*."""
    segments: list[str]
    working: str
    """The folder for files without a name."""
    allowed: str
    """The setting PACKAGES_ALLOWED_HOSTS."""
    max_size: int
    fetch_seconds: float

    def __repr__(self) -> str:
        return f"Order({self.package_id})"


class Told(msgspec.Struct, frozen=True):
    """How much of a stage is done, from 0.0 to 1.0."""

    stage: str
    done: float


class Ended(msgspec.Struct, frozen=True):
    """What is known of a package that was read; nothing of it says anything about a person."""

    is_partial: bool
    messages: int
    events: int
    database_bytes: int


class Refused(msgspec.Struct, frozen=True):
    """Why nothing comes of a package."""

    code: str
    where: str = ""
    """For an error that nobody foresaw: its kind and place in our code, and nothing else."""


class BrokenFrame(DownstreamError):
    """The reading process sends what is no frame."""


def frame(kind: Kind, content: bytes) -> bytes:
    """One frame."""
    return kind.encode() + len(content).to_bytes(LENGTH_BYTES, "big") + content


class Frames:
    """Cuts what comes through a pipe into frames."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """The frames that *data* completes. Raises BrokenFrame."""
        self._waiting += data
        while len(self._waiting) >= HEAD:
            length = int.from_bytes(self._waiting[1:HEAD], "big")
            if length > LONGEST or chr(self._waiting[0]) not in set(Kind):
                raise BrokenFrame
            if len(self._waiting) < HEAD + length:
                return
            kind = Kind(chr(self._waiting[0]))
            content = bytes(self._waiting[HEAD : HEAD + length])
            del self._waiting[: HEAD + length]
            yield kind, content
