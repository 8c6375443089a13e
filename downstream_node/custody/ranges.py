"""Which part of a file a request's Range header asks for (RFC 9110, 14.1.2)."""

import re

RANGE = re.compile(r"bytes=([0-9]{0,100})-([0-9]{0,100})", re.IGNORECASE)

Bounds = tuple[int, int]
"""Where a part starts, and where what follows it starts, in bytes."""


def wanted_part(header: str, size: int) -> Bounds | None:
    """The part of a file of *size* bytes that *header* asks for; None: the whole.

    An empty part means that the file has no such one. Several parts in one request, units other
    than bytes, and what is malformed, do not count, as the RFC allows.
    """
    found = RANGE.fullmatch(header)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return None
    end = min(int(last) + 1, size) if last else size
    return min(int(first), end), end
