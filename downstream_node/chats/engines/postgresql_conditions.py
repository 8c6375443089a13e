"""A search as PostgreSQL's SQL, and what is known of its number of hits beforehand. Pure.

Stems and marks are lexemes of the column `terms`, substrings are found in `folded` by LIKE, which
pg_trgm's index narrows. That index knows letters and digits only; so whatever else a text has is
among the lexemes, too (`signs`). How many messages have a stem, a mark or a substring of up to 3
characters is counted when they are imported (table `chat_terms`), by channel.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from downstream_node.chats import marks
from downstream_node.chats.engines.substrings import LONGEST
from downstream_node.chats.query import (
    And,
    Between,
    Condition,
    Contains,
    Everything,
    Marked,
    Not,
    Or,
    Words,
)
from downstream_node.chats.text import UNSTORABLE

SUBSTRING = "\ue001"
"""Before a substring among the counted terms: for private use in Unicode, as `marks.SIGN`."""
PAIR = "\ue003"
"""Before two stems in a row, with a space between them, among those that have bitmaps."""
SIGN = "\ue002"
"""Before what `signs` finds, among the lexemes."""
RARE = re.compile(r"[^0-9a-z\s]")
"""Characters that not nearly every text has."""
PAIRS = re.compile(r"(?=([^\w\s]|_)([^\w\s]|_))")
"""Two characters in a row that are no letters."""
TRIGRAMS = re.compile(r"[^\W_]{3}")
"""What pg_trgm can look for."""
CHANNEL = marks.within(0)[:-1]
AUTHOR = marks.by(0)[:-1]


class Clause(NamedTuple):
    """A boolean expression on a row of chat_messages, with the values of its placeholders."""

    sql: str
    values: tuple[str | int, ...] = ()


class Counted(NamedTuple):
    """Terms whose counts add up to the number of hits, in these channels or in all."""

    terms: tuple[str, ...]
    channels: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """first <= place < beyond; None is no bound."""

    first: int | None = None
    beyond: int | None = None

    def within(self, first: int | None, beyond: int | None) -> "Span":
        """What this and [first, beyond) have in common."""
        lows = [bound for bound in (self.first, first) if bound is not None]
        highs = [bound for bound in (self.beyond, beyond) if bound is not None]
        return Span(max(lows, default=None), min(highs, default=None))

    @property
    def clause(self) -> Clause:
        """As SQL."""
        parts = []
        if self.first is not None:
            parts.append(Clause("place >= %s", (self.first,)))
        if self.beyond is not None:
            parts.append(Clause("place < %s", (self.beyond,)))
        return joined(parts, "AND", "TRUE")


NOTHING = Clause("FALSE")


def signs(folded: str) -> set[str]:
    """Lexemes for the characters of a folded text that pg_trgm does not see, or alone does not."""
    if folded.isascii() and folded.isalnum():
        return set()
    return {
        *(SIGN + sign for sign in RARE.findall(folded)),
        *(SIGN + one + other for one, other in PAIRS.findall(folded)),
    }


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold *text*; what it cannot is in no message."""
    return UNSTORABLE.search(text) is None


def lexeme(term: str) -> str:
    """*term* as one lexeme of a tsquery or tsvector."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def pattern(text: str) -> str:
    """What LIKE finds *text* by, wherever it stands, literally."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, "\\" + special)
    return f"%{text}%"


def spaced(stems: Sequence[str]) -> str:
    """Stems as the column `stems` has them: each between spaces, so that phrases are substrings."""
    return f" {' '.join(stems)} " if stems else ""


def joined(clauses: Sequence[Clause], operator: str, empty: str) -> Clause:
    """Clauses joined by AND or OR; none of them is *empty*."""
    if not clauses:
        return Clause(empty)
    if len(clauses) == 1:
        return clauses[0]
    sql = f" {operator} ".join(clause.sql for clause in clauses)
    return Clause(f"({sql})", tuple(value for clause in clauses for value in clause.values))


def lexical(condition: Condition) -> str | None:
    """*condition* as a tsquery, if it is one of stems and marks alone that the index decides."""
    match condition:
        case Words(stems=(stem,)) if stem and storable(stem):
            return lexeme(stem)
        case Marked(marks=some) if some:
            return "(" + " | ".join(lexeme(mark) for mark in sorted(some)) + ")"
        case And(parts=parts) | Or(parts=parts):
            queries = [lexical(part) for part in parts]
            if all(queries):
                sign = " & " if isinstance(condition, And) else " | "
                return "(" + sign.join(query for query in queries if query) + ")"
    return None


def clause(condition: Condition) -> Clause:
    """*condition* as a boolean expression on a row of chat_messages."""
    query = lexical(condition)
    if query is not None:
        return Clause("terms @@ %s::tsquery", (query,))
    match condition:
        case Words(stems=stems):
            made = _phrase(stems)
        case Contains(text=text) if storable(text):
            made = _contains(text)
        case Between(first=first, beyond=beyond):
            made = Span(first, beyond).clause
        case And(parts=parts):
            made = joined(_parts(parts, " & "), "AND", "TRUE")
        case Or(parts=parts):
            made = joined(_parts(parts, " | "), "OR", "FALSE")
        case Not(part=part):
            inner = clause(part)
            made = Clause(f"NOT ({inner.sql})", inner.values)
        case Everything():
            made = Clause("TRUE")
        case _:
            # No marks, or a text that no message can have.
            made = NOTHING
    return made


def _contains(text: str) -> Clause:
    """A substring, by the indexes that can narrow it.

    PostgreSQL would go through all of pg_trgm's index for a LIKE that has no three letters.
    """
    clauses = []
    lexemes = sorted(signs(text))
    if lexemes:
        clauses.append(Clause("terms @@ %s::tsquery", (" & ".join(map(lexeme, lexemes)),)))
    if TRIGRAMS.search(text):
        clauses.append(Clause("folded LIKE %s", (pattern(text),)))
    else:
        clauses.append(Clause("strpos(folded, %s) > 0", (text,)))
    return joined(clauses, "AND", "TRUE")


def has_index(condition: Condition) -> bool:
    """Whether the indexes find the hits of *condition*; else all messages have to be looked at."""
    match condition:
        case Contains(text=text):
            return bool(TRIGRAMS.search(text) or signs(text))
        case Words() | Marked():
            return True
        case And(parts=parts):
            return any(map(has_index, parts))
        case Or(parts=parts):
            return all(map(has_index, parts))
    return False


def _phrase(stems: tuple[str, ...]) -> Clause:
    """Stems in a row: the index finds the messages that have all, their order is looked up.

    A tsvector has positions too, but only 256 for a lexeme and none beyond 16,383.
    """
    if not all(map(storable, stems)):
        return NOTHING
    row = Clause("stems LIKE %s", (pattern(spaced(stems)),))
    distinct = sorted({stem for stem in stems if stem})
    if not distinct:
        return row
    query = " & ".join(map(lexeme, distinct))
    return Clause(f"(terms @@ %s::tsquery AND {row.sql})", (query, *row.values))


def _parts(parts: tuple[Condition, ...], sign: str) -> list[Clause]:
    """*parts* as clauses, those of stems and marks as one: one look into the index for all."""
    queries = [query for part in parts if (query := lexical(part)) is not None]
    clauses = [clause(part) for part in parts if lexical(part) is None]
    if queries:
        clauses.insert(0, Clause("terms @@ %s::tsquery", (sign.join(queries),)))
    return clauses


def conjuncts(condition: Condition) -> tuple[Condition, ...]:
    """The conditions all of which have to be met."""
    if isinstance(condition, And):
        return tuple(inner for part in condition.parts for inner in conjuncts(part))
    return (condition,)


def conjunction(parts: tuple[Condition, ...]) -> Condition:
    """All of *parts* as one condition."""
    if not parts:
        return Everything()
    return parts[0] if len(parts) == 1 else And(parts)


def span(condition: Condition) -> tuple[Span, Condition]:
    """Which places *condition* is confined to, and what else it asks for."""
    span = Span()
    rest: list[Condition] = []
    for part in conjuncts(condition):
        if isinstance(part, Between):
            span = span.within(part.first, part.beyond)
        elif not isinstance(part, Everything):
            rest.append(part)
    return span, conjunction(tuple(rest))


def channels_of(condition: Condition) -> tuple[int, ...] | None:
    """The channels that *condition* names, if it asks for nothing but to be in one of them."""
    if not isinstance(condition, Marked) or not condition.marks:
        return None
    if not all(mark.startswith(CHANNEL) for mark in condition.marks):
        return None
    return tuple(sorted(int(mark.removeprefix(CHANNEL)) for mark in condition.marks))


def term_of(condition: Condition) -> tuple[str, ...] | None:
    """Terms of which each message has at most one, and hits exactly one."""
    match condition:
        case Words(stems=(stem,)) if stem:
            return (stem,)
        case Contains(text=text) if len(text) <= LONGEST:
            return (SUBSTRING + text,)
        case Marked(marks=some) if len(some) == 1 or any(
            some and all(mark.startswith(kind) for mark in some) for kind in (CHANNEL, AUTHOR)
        ):
            return tuple(sorted(some))
    return None


def counted(condition: Condition) -> Counted | None:
    """Which counts add up to the hits of *condition*, if there are such."""
    if isinstance(condition, Everything):
        return Counted(())
    single = term_of(condition)
    if single is not None:
        return Counted(single)
    parts = conjuncts(condition)
    if len(parts) != 2:  # noqa: PLR2004 - a term and its channels
        return None
    for one, other in (parts, parts[::-1]):
        single, channels = term_of(one), channels_of(other)
        if single is not None and channels is not None:
            return Counted(single, channels)
    return None


def needed_terms(condition: Condition) -> set[str]:
    """The counted terms by which `at_most` bounds the hits of *condition*."""
    match condition:
        case Words(stems=stems):
            return {stem for stem in stems if stem}
        case Contains(text=text):
            size = min(len(text), LONGEST)
            return {SUBSTRING + text[at : at + size] for at in range(len(text) - size + 1)}
        case Marked(marks=some):
            return set(some)
        case And(parts=parts) | Or(parts=parts):
            return {term for part in parts for term in needed_terms(part)}
    return set()


def at_most(condition: Condition, counts: Mapping[str, int], everything: int) -> int:
    """A bound on the hits of *condition* in an archive of *everything* messages."""
    match condition:
        case Words() | Contains():
            terms = needed_terms(condition)
            return min((counts.get(term, 0) for term in terms), default=everything)
        case Marked(marks=some):
            return min(everything, sum(counts.get(mark, 0) for mark in some))
        case And(parts=parts):
            return min(at_most(part, counts, everything) for part in parts)
        case Or(parts=parts):
            bounds = (at_most(part, counts, everything) for part in parts)
            return min(everything, sum(bounds))
    return everything
