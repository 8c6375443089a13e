"""Conditions in a simpler form that means the same, as a start for every engine. Pure."""

from collections.abc import Callable, Iterable

from downstream_node.chats.places import LARGEST, Place
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

EVERYTHING = Everything()
NOTHING = Marked(frozenset())
"""No message meets it: a simple condition is this, or has it nowhere inside."""


def simple(condition: Condition) -> Condition:  # noqa: PLR0911 - one for each kind
    """*condition* without parts that say nothing, and without And in And or Or in Or.

    An And has at most one Between, and it stands first; an Or has at most one Marked.
    """
    match condition:
        case Not(part):
            return negated(simple(part))
        case And(parts):
            return conjunction([simple(part) for part in parts])
        case Or(parts):
            return disjunction([simple(part) for part in parts])
        case Between(first, beyond):
            return between(first, beyond)
        case Contains(text) if UNSTORABLE.search(text):
            return NOTHING
        case Words(stems) if any(UNSTORABLE.search(stem) for stem in stems):
            return NOTHING
        case _:
            return condition


def negated(part: Condition) -> Condition:
    """What does not meet *part*, which is simple."""
    if part == EVERYTHING:
        return NOTHING
    if part == NOTHING:
        return EVERYTHING
    return part.part if isinstance(part, Not) else Not(part)


def between(first: Place | None, beyond: Place | None) -> Condition:
    """A range, unless it is all or nothing."""
    if first is None and beyond is None:
        return EVERYTHING
    if beyond is not None and (beyond <= -LARGEST - 1 or (first is not None and first >= beyond)):
        return NOTHING
    return Between(first, beyond)


def conjunction(parts: Iterable[Condition]) -> Condition:
    """What meets all *parts*, which are simple."""
    flat = flattened(parts, lambda part: part.parts if isinstance(part, And) else (part,))
    ranges = [part for part in flat if isinstance(part, Between)]
    span: Condition = EVERYTHING
    for part in ranges:
        span = both(span, part)
    rest = [part for part in flat if not isinstance(part, (Between, Everything))]
    if NOTHING in (span, *rest):
        return NOTHING
    whole = (span, *rest) if isinstance(span, Between) else tuple(rest)
    if not whole:
        return EVERYTHING
    return whole[0] if len(whole) == 1 else And(whole)


def both(left: Condition, right: Between) -> Condition:
    """The range in which two overlap."""
    if not isinstance(left, Between):
        return right if left == EVERYTHING else left
    first = max((place for place in (left.first, right.first) if place is not None), default=None)
    beyond = min(
        (place for place in (left.beyond, right.beyond) if place is not None), default=None
    )
    return between(first, beyond)


def disjunction(parts: Iterable[Condition]) -> Condition:
    """What meets one of *parts*, which are simple."""
    flat = flattened(parts, lambda part: part.parts if isinstance(part, Or) else (part,))
    if EVERYTHING in flat:
        return EVERYTHING
    marks = frozenset[str]().union(*(part.marks for part in flat if isinstance(part, Marked)))
    whole: list[Condition] = [part for part in flat if not isinstance(part, Marked)]
    if marks:
        whole.append(Marked(marks))
    if not whole:
        return NOTHING
    return whole[0] if len(whole) == 1 else Or(tuple(whole))


def flattened(
    parts: Iterable[Condition], inner: Callable[[Condition], tuple[Condition, ...]]
) -> list[Condition]:
    """*parts* with the *inner* ones of each in its place, each once."""
    return list(dict.fromkeys(part for outer in parts for part in inner(outer)))
