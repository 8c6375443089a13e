"""Conditions as SQL for SQLite's full-text indexes. Pure.

There are three of them, in all of which a row's number is the place of its message:

* `chat_words` holds stems and marks. A mark is no stem, so one word of it is one or the other.
* `chat_trigrams` holds folded text in pieces of three characters, for literal parts of it.
* `chat_shorts` holds it in pieces of one and two: characters are put apart by a U+007F and the
  same tokenizer makes "a" and "ab" of them. It keeps no positions, so it stays small.

A condition that one index answers alone is one expression of FTS5: it walks the index in either
order and stops when a page is full. Several indexes are merged by INTERSECT, UNION and EXCEPT,
which with ORDER BY walk all of them side by side and stop as well. What is more tangled than that
is looked up in windows of messages, each larger than the last (see `sqlite_reading.py`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from downstream_node.chats import simplifying
from downstream_node.chats.places import LARGEST, Place
from downstream_node.chats.query import And, Between, Condition, Contains, Marked, Not, Or, Words

WORDS = "chat_words"
TRIGRAMS = "chat_trigrams"
SHORTS = "chat_shorts"
END = "\x7f"
"""Stands for what is before the first and behind the last character. JSON does not escape it."""
TRIGRAM = 3


class Span(NamedTuple):
    """Messages with first <= place <= last; at first all that there can be."""

    first: int = -LARGEST
    last: int = LARGEST


class Match(NamedTuple):
    """An expression of one index; *negative*: all messages that it does not find."""

    table: str
    expression: str
    negative: bool = False


class Sql(NamedTuple):
    """A piece of SQL with its parameters."""

    text: str
    parameters: tuple[str | int, ...] = ()


def words_text(stems: Sequence[str], marks: Sequence[str]) -> str:
    """What `chat_words` indexes of a message."""
    return f"{' '.join(stems)} {' '.join(marks)}"


def shorts_text(folded: str) -> str:
    """What `chat_shorts` indexes of a message."""
    return END + END.join(folded) + END


def quoted(text: str) -> str:
    """*text* as a phrase of FTS5: in quotes, nothing but a quote means anything."""
    return '"' + text.replace('"', '""') + '"'


def span_of(condition: Condition) -> tuple[Span, Condition]:
    """The range of places that a simple condition is bound to, and what else it asks."""
    if isinstance(condition, Between):
        return span(condition), simplifying.EVERYTHING
    if isinstance(condition, And) and isinstance(condition.parts[0], Between):
        return span(condition.parts[0]), simplifying.conjunction(condition.parts[1:])
    return Span(), condition


def span(range_: Between) -> Span:
    """The bounds of a range as numbers."""
    whole = Span()
    first = whole.first if range_.first is None else max(whole.first, range_.first)
    last = whole.last if range_.beyond is None else min(whole.last, range_.beyond - 1)
    return Span(first, last)


def behind(within: Span, after: Place | None, *, descending: bool) -> Span:
    """The rest of *within* behind the place *after* in this order."""
    if after is None:
        return within
    if descending:
        return within._replace(last=min(within.last, after - 1))
    return within._replace(first=max(within.first, after + 1))


def match_of(condition: Condition) -> Match | None:  # noqa: PLR0911 - one for each kind
    """A simple condition as an expression of one index, or None if it takes more than that."""
    match condition:
        case Words(stems):
            return Match(WORDS, quoted(" ".join(stems)))
        case Marked(marks):
            return Match(WORDS, any_of([quoted(mark) for mark in sorted(marks)]))
        case Contains(text):
            return contains(text)
        case Not(part):
            inner = match_of(part)
            return inner and inner._replace(negative=not inner.negative)
        case And(parts):
            return joined([match_of(part) for part in parts])
        case Or(parts):
            inverted = joined([match_of(Not(part)) for part in parts])
            return inverted and inverted._replace(negative=not inverted.negative)
        case _:
            return None


def contains(text: str) -> Match:
    """A literal part of the folded text, in the index for its length."""
    if len(text) >= TRIGRAM:
        return Match(TRIGRAMS, quoted(text))
    return Match(SHORTS, quoted(piece(text)))


def piece(text: str) -> str:
    """One or two characters as `chat_shorts` has them."""
    return END.join(text) if len(text) > 1 else END + text + END


def any_of(expressions: Sequence[str]) -> str:
    """What one of *expressions* finds."""
    return expressions[0] if len(expressions) == 1 else f"({' OR '.join(expressions)})"


def all_of(expressions: Sequence[str]) -> str:
    """What all *expressions* find."""
    return expressions[0] if len(expressions) == 1 else f"({' AND '.join(expressions)})"


def joined(matches: Sequence[Match | None]) -> Match | None:
    """What meets all of *matches*, if they are of one index."""
    given = [match for match in matches if match is not None]
    index = given[0].table if given else ""
    if len(given) < len(matches) or any(match.table != index for match in given):
        return None
    wanted = [match.expression for match in given if not match.negative]
    unwanted = [match.expression for match in given if match.negative]
    if not wanted:
        # FTS5 has no NOT without something before it: no one of these is not (one of these).
        return Match(index, any_of(unwanted), negative=True)
    if not unwanted:
        return Match(index, all_of(wanted))
    return Match(index, f"({all_of(wanted)} NOT {any_of(unwanted)})")


def test(condition: Condition, column: str, within: Span) -> Sql:
    """Whether the message whose place is *column*, which lies *within*, meets *condition*."""
    alone = match_of(condition)
    if alone is not None:
        found = rows(alone._replace(negative=False), within)
        # The plus keeps SQLite from running the search of *column* anew for each row found.
        return Sql(f"+{column} {'NOT ' * alone.negative}IN ({found.text})", found.parameters)
    match condition:
        case Between():
            bounds = span(condition)
            return Sql(f"{column} BETWEEN ? AND ?", tuple(bounds))
        case Not(part):
            inner = test(part, column, within)
            return Sql(f"NOT ({inner.text})", inner.parameters)
        case And(parts):
            return combined(" AND ", [test(part, column, within) for part in grouped(parts, And)])
        case Or(parts):
            return combined(" OR ", [test(part, column, within) for part in grouped(parts, Or)])
        case _:
            return Sql("1")


def combined(operator: str, pieces: Sequence[Sql]) -> Sql:
    """*pieces* with *operator* between them."""
    parameters = tuple(value for piece in pieces for value in piece.parameters)
    return Sql(f"({operator.join(piece.text for piece in pieces)})", parameters)


def grouped(parts: Sequence[Condition], kind: type[And | Or]) -> list[Condition]:
    """*parts* with those of one index put together, so that each index is asked once."""
    groups: dict[str, list[Condition]] = {}
    rest: list[Condition] = []
    for part in parts:
        alone = match_of(part)
        (rest if alone is None else groups.setdefault(alone.table, [])).append(part)
    together = [some[0] if len(some) == 1 else kind(tuple(some)) for some in groups.values()]
    return [*together, *rest]


def rows(match: Match, within: Span) -> Sql:
    """The places that a positive *match* finds."""
    text = f"SELECT rowid FROM {match.table} WHERE {match.table} MATCH ?"  # noqa: S608 - our names
    if within == Span():
        return Sql(text, (match.expression,))
    return Sql(f"{text} AND rowid BETWEEN ? AND ?", (match.expression, *within))


def merged(condition: Condition, within: Span) -> Sql | None:
    """What one index finds, or several merged; None if the condition is not of that kind.

    The SELECT may be continued with ORDER BY 1, in either direction, and should be: without it
    SQLite would gather everything before it merges.
    """
    parts: Sequence[Condition] = [condition]
    if isinstance(condition, (And, Or)):
        parts = grouped(condition.parts, type(condition))
    matches = [match_of(part) for part in parts]
    wanted = [rows(match, within) for match in matches if match and not match.negative]
    unwanted = [
        rows(match._replace(negative=False), within)
        for match in matches
        if match and match.negative
    ]
    if not wanted or None in matches or (unwanted and isinstance(condition, Or)):
        return None
    operator = " UNION " if isinstance(condition, Or) else " INTERSECT "
    text = operator.join(piece.text for piece in wanted)
    text += "".join(f" EXCEPT {piece.text}" for piece in unwanted)
    parameters = tuple(value for piece in (*wanted, *unwanted) for value in piece.parameters)
    return Sql(text, parameters)


def hits(condition: Condition, within: Span) -> Sql:
    """All places within *within* that meet *condition*, to be continued with ORDER BY 1."""
    found = merged(condition, within)
    if found is not None:
        return found
    parts = grouped(condition.parts, And) if isinstance(condition, And) else [condition]
    drivers = [part for part in parts if is_positive(part)]
    if drivers:
        return driven(drivers[0], [part for part in parts if part != drivers[0]], within)
    tested = test(condition, "place", within)
    return Sql(
        "SELECT place AS rowid FROM chat_messages INDEXED BY ix_chat_messages_keys "  # noqa: S608
        f"WHERE place BETWEEN ? AND ? AND {tested.text}",
        (*within, *tested.parameters),
    )


def is_positive(condition: Condition) -> bool:
    """Whether one index finds what meets *condition*."""
    alone = match_of(condition)
    return alone is not None and not alone.negative


def driven(driver: Condition, others: Sequence[Condition], within: Span) -> Sql:
    """What one index finds for *driver*, less what does not meet the *others*."""
    alone = match_of(driver)
    assert alone is not None  # noqa: S101 - it is positive
    found = rows(alone, within)
    tested = combined(" AND ", [test(part, "rowid", within) for part in others])
    return Sql(f"{found.text} AND {tested.text}", (*found.parameters, *tested.parameters))
