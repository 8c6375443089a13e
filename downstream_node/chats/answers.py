"""What a search gives back, as values: the service makes them, caches them, and routes show them.

Spans are [start, end) in code points, as Python counts; a program in JavaScript, which counts
UTF-16 code units, cuts `Array.from(content)`.
"""

from typing import Literal

import msgspec

from downstream_node.chats.records import Stored

Order = Literal["newest", "oldest", "relevance"]
Span = tuple[int, int]


class Term(msgspec.Struct, frozen=True, gc=False):
    """One term of a search as it was understood.

    *start* and *end* say where it stands in what was written, a sign of negation included.
    *known*: whether the name that it gives is anybody's, as far as who asks may know; true for
    terms that name nobody.
    """

    kind: str
    value: str
    start: int
    end: int
    negated: bool
    known: bool


class Hit(msgspec.Struct, frozen=True):
    """One message that was found, what to highlight in it, and its neighbours in the channel."""

    message: Stored
    spans: list[Span]
    before: list[Stored]
    after: list[Stored]


class Found(msgspec.Struct, frozen=True):
    """One page of a search.

    *total* is exact, None where it was not asked for. *previous* and *next* are cursors, None
    where there is nothing more. *ranked*: how many of the newest hits were put in order of
    relevance, with the older ones behind them in order of time; None in order of time.
    """

    hits: list[Hit]
    total: int | None
    previous: str | None
    next: str | None
    ranked: int | None
    terms: list[Term]


class FacetValue(msgspec.Struct, frozen=True, gc=False):
    """One channel or author with its number of hits, and the *term* that narrows to it."""

    id: int
    name: str
    count: int
    term: str


class Month(msgspec.Struct, frozen=True, gc=False):
    """One month with its number of hits; *month* is 1 to 12, *term* narrows to it."""

    year: int
    month: int
    count: int
    term: str


class Facets(msgspec.Struct, frozen=True):
    """What hits can be narrowed by: most frequent channels and authors first, months in order.

    *counted*: the newest hits of which channels and authors were counted, where there are more;
    None if all were. Months are always of all.
    """

    channels: list[FacetValue]
    authors: list[FacetValue]
    months: list[Month]
    counted: int | None = None


class ChannelView(msgspec.Struct, frozen=True, gc=False):
    """A channel that may be read, and the term that narrows to it."""

    id: int
    name: str
    kind: str
    category: str | None
    topic: str | None
    guild: int
    guild_name: str
    term: str


class AuthorView(msgspec.Struct, frozen=True, gc=False):
    """An author of something that may be read, and the term that narrows to what he wrote."""

    id: int
    name: str
    nickname: str | None
    bot: bool
    term: str
