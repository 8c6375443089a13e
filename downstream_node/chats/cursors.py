"""Where the next page begins: an opaque text that belongs to one search. Pure.

A page begins at a key, not after a number of messages, so the last one costs as much as the first,
and what is imported meanwhile moves nothing. In the order of relevance it begins at a number among
the hits up to a key, so what is imported meanwhile moves nothing if it is newer than those.
"""

import base64
import binascii
import hashlib
from typing import Literal

import msgspec

from downstream_node.chats.places import LARGEST
from downstream_node.errors import InvalidRequest

BAD_CURSOR = "Invalid cursor: take the one that came with the page before, with the same search."
LONGEST = 100
Where = Literal["after", "before", "ranked"]


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Begin *after* a place, end *before* it, or begin at a number in the order of relevance."""

    where: Where
    number: int
    search: bytes
    """Names the search that it belongs to."""
    newest: int | None = None
    """The place of the newest hit that was ranked; None in an order of time."""


def search_of(*parts: str) -> bytes:
    """What stands in cursors for the search of these *parts*."""
    return hashlib.sha256(msgspec.msgpack.encode(parts)).digest()[:8]


def written(where: Where, number: int, search: bytes, newest: int | None = None) -> str:
    """A cursor as it stands in a URL."""
    raw = msgspec.msgpack.encode(Cursor(where, number, search, newest))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read(text: str, search: bytes) -> Cursor:
    """The cursor that `written` wrote. Raises InvalidRequest if it is none of this search."""
    try:
        if len(text) > LONGEST:
            raise InvalidRequest(BAD_CURSOR)
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = msgspec.msgpack.decode(raw, type=Cursor)
    except (msgspec.MsgspecError, binascii.Error, UnicodeError, ValueError):
        raise InvalidRequest(BAD_CURSOR) from None
    if found.search != search or max(abs(found.number), abs(found.newest or 0)) > LARGEST:
        raise InvalidRequest(BAD_CURSOR)
    if found.where == "ranked" and found.number < 0:
        raise InvalidRequest(BAD_CURSOR)
    return found
