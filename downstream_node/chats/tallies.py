"""How many messages there are of each channel, author and month: what that alone answers. Pure.

An archive on SQLite or PostgreSQL keeps it in a table, exact after every import (`chat_tallies`:
channel, author, month, messages). Every message counts in one of its rows, so conditions on
channels, authors and whole months are conditions on rows, however they are combined.
"""

from collections import Counter
from collections.abc import Iterable

from downstream_node.chats import marks
from downstream_node.chats.archive import Facet
from downstream_node.chats.places import LARGEST, Place, month_of, month_start
from downstream_node.chats.query import And, Between, Condition, Everything, Marked, Not, Or
from downstream_node.chats.records import Message

Tally = tuple[int, int]
"""Author and month."""
COLUMNS = {"channel": marks.within(0)[:-1], "author": marks.by(0)[:-1]}
"""By which marks the columns are told."""
ADD = (
    "INSERT INTO chat_tallies (channel, author, month, messages) VALUES ({}) "
    "ON CONFLICT (channel, author, month) "
    "DO UPDATE SET messages = chat_tallies.messages + excluded.messages"
)
"""Adds to one row; its four values take the place of the braces."""


def of(messages: Iterable[Message]) -> Counter[Tally]:
    """The messages of one channel by author and month."""
    return Counter((message.author, month_of(message.place)) for message in messages)


def clause(condition: Condition) -> str | None:
    """A simple condition as SQL on the rows; None if they do not tell what meets it.

    It has numbers and no other values in it, so it needs no parameters.
    """
    match condition:
        case Everything():
            return "1 = 1"
        case Marked(some):
            return marked(some)
        case Between(first, beyond):
            return between(first, beyond)
        case Not(part):
            inner = clause(part)
            return inner and f"NOT {inner}"
        case And(parts) | Or(parts):
            pieces = [piece for part in parts if (piece := clause(part)) is not None]
            operator = " AND " if isinstance(condition, And) else " OR "
            return f"({operator.join(pieces)})" if len(pieces) == len(parts) else None
        case _:
            return None


def marked(some: Iterable[str]) -> str | None:
    """With one of these marks, if all of them are of channels and authors."""
    numbers: dict[str, list[int]] = {column: [] for column in COLUMNS}
    for mark in sorted(some):
        column = next((name for name, kind in COLUMNS.items() if mark.startswith(kind)), None)
        if column is None:
            return None
        numbers[column].append(int(mark.removeprefix(COLUMNS[column])))
    pieces = [f"{column} IN ({', '.join(map(str, ids))})" for column, ids in numbers.items() if ids]
    return f"({' OR '.join(pieces)})" if pieces else "1 = 0"


def between(first: Place | None, beyond: Place | None) -> str | None:
    """In these months, if they are whole ones."""
    bounds = [place for place in (first, beyond) if place is not None]
    if any(abs(place) > LARGEST or month_start(month_of(place)) != place for place in bounds):
        return None
    pieces = []
    if first is not None:
        pieces.append(f"month >= {month_of(first)}")
    if beyond is not None:
        pieces.append(f"month < {month_of(beyond)}")
    return f"({' AND '.join(pieces)})" if pieces else "1 = 1"


def count(where: str) -> str:
    """The statement that counts the messages of the rows *where* this holds."""
    return f"SELECT coalesce(sum(messages), 0) FROM chat_tallies WHERE {where}"  # noqa: S608 - ours


def facet(where: str, by: Facet, limit: int) -> str:
    """The statement that gives the values of a facet with their numbers, as `Archive.facet`."""
    last = "ORDER BY 1" if by == "month" else f"ORDER BY 2 DESC, 1 LIMIT {limit}"
    return (
        f"SELECT {by}, sum(messages) FROM chat_tallies WHERE {where} "  # noqa: S608 - ours
        f"GROUP BY 1 HAVING sum(messages) > 0 {last}"
    )
