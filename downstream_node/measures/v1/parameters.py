"""What a question for a page of results says, and the cursor that leads to the next page."""

import base64
import binascii
from typing import Annotated

import msgspec
from msgspec import Meta

from downstream_node.errors import InvalidRequest
from downstream_node.measures import parsing
from downstream_node.measures.cells import NAME, is_text
from downstream_node.measures.results import OrderKey

BAD_CURSOR = "Invalid cursor: take the one that came with the page before."
LARGEST_PAGE = 5000
BEGINNING, END = -(1 << 62), 1 << 62
"""Before and after all starts, in milliseconds."""
LONGEST_CURSOR = 4000
Time = Annotated[str, Meta(max_length=100)]


class Range(msgspec.Struct, forbid_unknown_fields=True):
    """Which results, and from where on."""

    start: Annotated[
        Time | None, Meta(description="first start to give, ISO 8601; the earliest if not given")
    ] = None
    end: Annotated[
        Time | None, Meta(description="first start not to give; all later ones if not given")
    ] = None
    createdBy: Annotated[  # noqa: N815 - the parameter's own name
        Annotated[str, Meta(max_length=NAME)] | None, Meta(description="only those of this app")
    ] = None
    limit: Annotated[
        Annotated[int, Meta(ge=1, le=LARGEST_PAGE)], Meta(description="results in one answer")
    ] = 200
    cursor: Annotated[
        Annotated[str, Meta(max_length=LONGEST_CURSOR)] | None,
        Meta(description="`next` of the page before, with the same other parameters"),
    ] = None

    def first(self) -> int:
        """The first start, in milliseconds. Raises InvalidMeasure."""
        return BEGINNING if self.start is None else parsing.time_of({"start": self.start}, "start")

    def beyond(self) -> int:
        """The first start that is too late, in milliseconds. Raises InvalidMeasure."""
        return END if self.end is None else parsing.time_of({"end": self.end}, "end")

    def app(self) -> str | None:
        """The app whose results are wanted. Raises InvalidMeasure."""
        return parsing.name_or_none({"createdBy": self.createdBy}, "createdBy")

    def after(self) -> OrderKey | None:
        """Behind which result to begin. Raises InvalidRequest."""
        return None if self.cursor is None else read_cursor(self.cursor)


def cursor_text(key: OrderKey) -> str:
    """*key* as it stands in a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read_cursor(text: str) -> OrderKey:
    """The key that `cursor_text` wrote. Raises InvalidRequest if it is none."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        key: OrderKey = msgspec.json.decode(raw, type=OrderKey)
    except (msgspec.MsgspecError, binascii.Error, UnicodeError, ValueError):
        raise InvalidRequest(BAD_CURSOR) from None
    in_range = all(BEGINNING <= number < END for number in (key[0], key[-1]))
    if not in_range or not all(is_text(part, LONGEST_CURSOR) for part in key[1:-1]):
        raise InvalidRequest(BAD_CURSOR)
    return key
