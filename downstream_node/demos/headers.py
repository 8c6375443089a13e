r"""The header of a demo of Valve's Source engine: 1,072 bytes, little endian.

Layout (Valve's developer wiki, "DEM Format"): "HL2DEMO\0", protocol, network protocol, four texts
of 260 bytes (server, player, map, game folder), seconds as a float, ticks, frames, and the length
of the sign-on data. The last four are only known when the recording ends: the "late bytes".
"""

import math
import struct
from dataclasses import dataclass

SIZE = 1072
LATE_AT = 0x420
LATE_SIZE = 16
STAMP = b"HL2DEMO\0"
LAYOUT = struct.Struct("<8sii260s260s260s260sfiii")
LONGEST_TEXT = 255
LARGEST = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Header:
    """What a demo says of itself; all None where its header could not be read."""

    map: str | None = None
    server: str | None = None
    player: str | None = None
    ticks: int | None = None
    frames: int | None = None
    seconds: float | None = None
    problem: str | None = None
    """What is wrong with it."""


def parse(data: bytes) -> Header:
    """The header at the beginning of *data*. Never raises: what is wrong is noted."""
    if len(data) < SIZE:
        return Header(problem=f"It is {len(data)} bytes long, shorter than a header.")
    stamp, _, _, server, player, game_map, _, seconds, ticks, frames, _ = LAYOUT.unpack(data[:SIZE])
    if stamp != STAMP:
        return Header(problem="It does not begin as a demo does.")
    texts = text(game_map), text(server), text(player)
    if not math.isfinite(seconds) or seconds < 0 or ticks < 0 or frames < 0:
        return Header(*texts, problem="Its duration, ticks or frames make no sense.")
    problem = None if ticks else "The recording was not ended: its duration is not known."
    return Header(*texts, ticks, frames, seconds, problem)


def text(field: bytes) -> str:
    """The text in a field that zeros fill up, fit for a column and for a page."""
    plain = field.split(b"\0", 1)[0].decode("utf-8", "replace")
    return "".join(letter for letter in plain if letter.isprintable())[:LONGEST_TEXT]
