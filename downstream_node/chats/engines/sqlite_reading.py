"""Searching an archive in SQLite: pages, counts and facets of one state of it."""

import json
import sqlite3
from collections.abc import Iterable, Iterator

from downstream_node.chats import tallies
from downstream_node.chats.archive import Facet, Group, Order
from downstream_node.chats.engines.sqlite_search import (
    TRIGRAM,
    Span,
    Sql,
    behind,
    hits,
    match_of,
    merged,
    piece,
    rows,
    span_of,
)
from downstream_node.chats.places import Place, month_of, month_start
from downstream_node.chats.query import And, Condition, Contains, Not, Or
from downstream_node.chats.simplifying import (
    EVERYTHING,
    NOTHING,
    conjunction,
    disjunction,
    negated,
    simple,
)

WINDOW = 2000
"""Messages in the first window that a search over several indexes looks at."""
GROWTH = 4
"""How much larger each window is than the one before: all together cost little more than one."""
KEYS = "chat_messages INDEXED BY ix_chat_messages_keys"


class Search:
    """What meets one condition, in the state that *connection* sees."""

    def __init__(self, connection: sqlite3.Connection, condition: Condition) -> None:
        self._connection = connection
        whole = simple(condition)
        self._within, self._rest = span_of(whole)
        self._is_empty = whole == NOTHING
        self._tallied = tallies.clause(whole)
        self._stops = self._rest == EVERYTHING or merged(self._rest, self._within) is not None
        """Whether a page can be read in order without a look at what is behind it."""

    def page(self, order: Order, limit: int, after: Place | None, skip: int) -> list[Place]:
        """At most *limit* places in *order* behind *after*, less the first *skip*."""
        descending = order == "newest"
        within = behind(self._within, after, descending=descending)
        if self._is_empty or within.first > within.last or limit <= 0:
            return []
        if self._stops:
            return self._ordered(within, limit, skip, descending=descending)
        found: list[Place] = []
        for window in self._windows(within, descending=descending):
            found += self._ordered(window, skip + limit - len(found), 0, descending=descending)
            if len(found) >= skip + limit:
                break
        return found[skip:]

    def _ordered(self, within: Span, limit: int, skip: int, *, descending: bool) -> list[Place]:
        found = places(self._rest, within)
        direction = "DESC" if descending else "ASC"
        return [
            Place(place)
            for (place,) in self._connection.execute(
                f"{found.text} ORDER BY 1 {direction} LIMIT ? OFFSET ?",
                (*found.parameters, limit, skip),
            )
        ]

    def _windows(self, within: Span, *, descending: bool) -> Iterator[Span]:
        """*within* in pieces, in this order, the first one of WINDOW messages."""
        direction = "DESC" if descending else "ASC"
        size = WINDOW
        while True:
            edge = self._connection.execute(
                f"SELECT place FROM {KEYS} WHERE place BETWEEN ? AND ? "  # noqa: S608 - our names
                f"ORDER BY place {direction} LIMIT 1 OFFSET ?",
                (*within, size),
            ).fetchone()
            if edge is None:
                yield within
                return
            if descending:
                yield within._replace(first=edge[0] + 1)
                within = within._replace(last=edge[0])
            else:
                yield within._replace(last=edge[0] - 1)
                within = within._replace(first=edge[0])
            size *= GROWTH

    def count(self) -> int:
        """How many there are."""
        if self._tallied is not None:
            return self._tally(self._tallied)
        return self._count(self._rest, self._within)

    def _count(self, rest: Condition, within: Span) -> int:  # noqa: PLR0911 - one for each kind
        if within.first > within.last or rest == NOTHING:
            return 0
        if rest == EVERYTHING:
            return self._count_all(within)
        if isinstance(rest, Not):
            return self._count_all(within) - self._count(rest.part, within)
        if isinstance(rest, Contains) and len(rest.text) < TRIGRAM and within == Span():
            return self._known(piece(rest.text))
        match = match_of(rest)
        if match is not None and match.negative:
            found = rows(match._replace(negative=False), within)
            return self._count_all(within) - self._number(found)
        inverted = inverse(rest)
        if merged(rest, within) is None and inverted and merged(inverted, within):
            return self._count_all(within) - self._count(inverted, within)
        return self._number(places(rest, within))

    def _count_all(self, within: Span) -> int:
        """How many messages there are in this range: whole months by tally, at its ends one by one.

        An end that is no bound has no messages.
        """
        first, last = month_of(Place(within.first)), month_of(Place(within.last))
        if first == last:
            return self._walk(within)
        head = within._replace(last=month_start(first + 1) - 1)
        tail = within._replace(first=month_start(last))
        between = self._tally(f"month > {first} AND month < {last}")
        return self._walk(head) + between + self._walk(tail)

    def _tally(self, where: str) -> int:
        return int(self._connection.execute(tallies.count(where)).fetchone()[0])

    def _walk(self, within: Span) -> int:
        return self._number(places(EVERYTHING, within))

    def _known(self, wanted: str) -> int:
        """How many texts have a piece of one or two characters."""
        statement = "SELECT doc FROM chat_pieces_of_text WHERE term = ?"
        found = self._connection.execute(statement, (wanted,)).fetchone()
        return int(found[0]) if found else 0

    def _number(self, found: Sql) -> int:
        counted = f"SELECT count(*) FROM ({found.text} ORDER BY 1)"  # noqa: S608 - our names
        return int(self._connection.execute(counted, found.parameters).fetchone()[0])

    def facet(self, by: Facet, limit: int) -> list[Group]:
        """How many there are of each channel, author or month."""
        if self._is_empty or limit <= 0:
            return []
        if self._tallied is not None:
            counted = self._connection.execute(tallies.facet(self._tallied, by, limit))
            return [Group(*row) for row in counted]
        return self._months() if by == "month" else self._grouped(by, limit)

    def _grouped(self, column: str, limit: int) -> list[Group]:
        found = places(self._rest, self._within)
        counted = self._connection.execute(
            f"SELECT {column}, count(*) FROM ({found.text} ORDER BY 1) AS hit "  # noqa: S608 - our names
            f"CROSS JOIN {KEYS} ON chat_messages.place = hit.rowid "
            "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
            (*found.parameters, limit),
        )
        return [Group(*row) for row in counted]

    def _months(self) -> list[Group]:
        """The count of each month from the first to the last that has any; a range each."""
        edges = [*self.page("oldest", 1, None, 0), *self.page("newest", 1, None, 0)]
        if not edges:
            return []
        groups = []
        for month in range(month_of(edges[0]), month_of(edges[-1]) + 1):
            first = max(self._within.first, month_start(month))
            last = min(self._within.last, month_start(month + 1) - 1)
            groups.append(Group(month, self._count(self._rest, Span(first, last))))
        return [group for group in groups if group.count]


def inverse(condition: Condition) -> Condition | None:
    """What does not meet an And or Or, as an Or or And (De Morgan); None for other conditions."""
    match condition:
        case And(parts):
            return disjunction([negated(part) for part in parts])
        case Or(parts):
            return conjunction([negated(part) for part in parts])
        case _:
            return None


def places(condition: Condition, within: Span) -> Sql:
    """All places within *within* that meet a simple condition, as a SELECT of `rowid`."""
    if condition == EVERYTHING:
        return Sql(
            f"SELECT place AS rowid FROM {KEYS} WHERE place BETWEEN ? AND ?",  # noqa: S608 - ours
            tuple(within),
        )
    return hits(condition, within)


def listed(numbers: Iterable[int]) -> str:
    """*numbers* as the one parameter of a statement."""
    return json.dumps(list(numbers))
