"""Messages made by hand, for the tests of the pages."""

from typing import Any

from downstream_node.chats.places import EPOCH, LOW_BITS, Place
from downstream_node.chats.records import Author, Stored

MINUTE = 60_000
NOON = 1_714_132_800_000
"""26 April 2024, 12:00 UTC."""
ADA = Author(1 << LOW_BITS, "ada.brew", "Ada")
BO = Author(2 << LOW_BITS, "bo", bot=True)


def stored(minute: float, content: str = "", author: Author = ADA, **values: Any) -> Stored:
    """A message so many minutes after noon; its id is its place."""
    place = Place(round(NOON + minute * MINUTE) - EPOCH << LOW_BITS)
    plain: dict[str, Any] = {
        "id": place,
        "guild": 7,
        "channel": 9,
        "channel_name": "general",
        "kind": "Default",
        "edited": None,
        "extras": b"",
        "reply_to": None,
        "pinned": False,
        "deleted": False,
        "revisions": 0,
    }
    return Stored(place=place, author=author, content=content, **{**plain, **values})
