"""How far a package is, told as it happens: server-sent events.

Whoever listens holds a thread of the server, so few may at once, and for a while.
"""

from collections.abc import Callable, Iterator

import msgspec

from downstream_node.clock import monotonic, pause
from downstream_node.packages.forms import StatusAnswer

LOOK_SECONDS = 0.5
SILENCE_SECONDS = 5.0
"""A line that says nothing is sent so often: that is how a client that has gone is noticed."""
LONGEST_SECONDS = 300.0
SILENCE = b": waiting\n\n"


def events(look: Callable[[], StatusAnswer]) -> Iterator[bytes]:
    """An event for each change of what *look* says, until the package is done, failed or gone."""
    end = monotonic() + LONGEST_SECONDS
    said, when = b"", 0.0
    while monotonic() < end:
        answer = look()
        text = msgspec.json.encode(answer)
        if text != said:
            said, when = text, monotonic()
            yield b"event: status\ndata: " + text + b"\n\n"
            if not answer.is_processing:
                return
        elif monotonic() > when + SILENCE_SECONDS:
            when = monotonic()
            yield SILENCE
        pause(LOOK_SECONDS)
