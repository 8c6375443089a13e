"""What the document's routes are asked, and the forms of their answers. Pure.

Where the document says less than a program has to know: order is that of time, the oldest first, as
in its example; malformed paging, dates and too long keywords are 422, as with the original, with
one text; unknown parameters are not looked at; `size` is another name of `page_size`; with
`ids=string` ids are texts, since JavaScript rounds them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from downstream_node.chats import dates, text
from downstream_node.chats.places import first_place, sent_at
from downstream_node.chats.query import And, Between, Condition, Contains, Or, Words
from downstream_node.chats.records import Stored
from downstream_node.clock import calendar
from downstream_node.errors import InvalidParameter, InvalidRequest

EMPTY_KEYWORD = "Keyword must not be empty"
NONE_FOUND = "No messages found"
NO_TOKEN = "Missing Discord token."  # noqa: S105 - a text
START_AFTER_END = "Start date must be less than or equal to end date."
LONG_KEYWORD = "{name} must have at most 100 characters."
BAD_PAGE = "page must be a whole number from 1 on."
BAD_PAGE_SIZE = "page_size must be a whole number from 1 to 100."
BAD_DATE = "{name} must be a date as YYYY-MM-DD."
BAD_IDS = "ids must be number or string."
BAD_CHANNEL = "channel_id must be a whole number."
LONGEST_KEYWORD = 100
LARGEST_PAGE_SIZE = 100
MOST_DIGITS = 9
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Arguments = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Paging:
    """One page, counted from 1, of so many messages."""

    page: int
    size: int

    @property
    def skip(self) -> int:
        """Messages on the pages before."""
        return (self.page - 1) * self.size


def keyword(arguments: Arguments, name: str) -> str:
    """What to search for. Raises InvalidRequest if it is empty, InvalidParameter if too long."""
    found = arguments.get(name, "")
    if not found.strip():
        raise InvalidRequest(EMPTY_KEYWORD)
    if len(found) > LONGEST_KEYWORD:
        raise InvalidParameter(LONG_KEYWORD.format(name=name))
    return found


def paging(arguments: Arguments) -> Paging:
    """Which page. Raises InvalidParameter."""
    size = arguments.get("page_size", arguments.get("size", "10"))
    return Paging(
        number(arguments.get("page", "1"), None, BAD_PAGE),
        number(size, LARGEST_PAGE_SIZE, BAD_PAGE_SIZE),
    )


def number(given: str, largest: int | None, wrong: str) -> int:
    """A whole number from 1 to *largest*. Raises InvalidParameter with the text *wrong*."""
    is_number = given.isascii() and given.isdigit() and len(given) <= MOST_DIGITS
    value = int(given) if is_number else 0
    if value < 1 or (largest is not None and value > largest):
        raise InvalidParameter(wrong)
    return value


def days(arguments: Arguments) -> Condition:
    """Sent from the start to the end date, both included, in UTC.

    Raises InvalidParameter, and InvalidRequest if the start is after the end.
    """
    start, end = day(arguments, "start_date"), day(arguments, "end_date")
    if start.first > end.first:
        raise InvalidRequest(START_AFTER_END)
    return Between(first_place(start.first), first_place(end.beyond))


def day(arguments: Arguments, name: str) -> dates.Period:
    """The day that a parameter names. Raises InvalidParameter."""
    given = arguments.get(name, "")
    found = dates.period(given) if DATE.fullmatch(given) else None
    if found is None:
        raise InvalidParameter(BAD_DATE.format(name=name))
    return found


def wants_texts(arguments: Arguments) -> bool:
    """Whether ids are wanted as texts. Raises InvalidParameter."""
    given = arguments.get("ids", "number")
    if given not in ("number", "string"):
        raise InvalidParameter(BAD_IDS)
    return given == "string"


def containing(term: str) -> Condition:
    """Messages that contain *term* as it is, whatever its case: no sign in it is a wildcard."""
    return Contains(text.fold(term))


def in_context(term: str) -> Condition:
    """Messages with all words of *term* in any form; stop words are words."""
    words = each_word(term)
    return words[0] if len(words) == 1 else And(tuple(words))


def matching(term: str) -> Condition:
    """Messages with any word of *term* in any form, as Elasticsearch's match does."""
    words = each_word(term)
    return words[0] if len(words) == 1 else Or(tuple(words))


def each_word(term: str) -> list[Condition]:
    """The words of *term*, each once; where there are none, the characters as they are."""
    stems = dict.fromkeys(stem for stem in text.stems(term) if stem)
    return [Words((stem,)) for stem in stems] or [Contains(text.fold(term.strip()))]


def messages(found: Iterable[Stored], *, as_texts: bool) -> list[dict[str, Any]]:
    """Messages in the document's form; their date is that in UTC."""
    return [
        {
            "message_id": str(one.id) if as_texts else one.id,
            "channel_id": str(one.channel) if as_texts else one.channel,
            "content": one.content,
            "message_date": calendar(sent_at(one.place)).date().isoformat(),
        }
        for one in found
    ]
