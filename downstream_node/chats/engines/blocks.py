"""What bitmaps of frequent terms tell of a search: hits for sure, and messages that may be. Pure.

A set of messages of a block is a number of Python, with bit n for message n. Where a term has no
bitmap in a block, `Bounds` leave open which messages have it.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from downstream_node.chats.engines.bitmaps import numbers
from downstream_node.chats.engines.frequent import LONGEST
from downstream_node.chats.engines.postgresql_conditions import (
    CHANNEL,
    PAIR,
    SUBSTRING,
    Span,
    storable,
)
from downstream_node.chats.places import Place
from downstream_node.chats.query import (
    And,
    Between,
    Condition,
    Contains,
    Marked,
    Not,
    Or,
    Words,
)

SHORTEST_PART = 3
MOST_PARTS = 60
"""Parts of a substring by which messages are ruled out."""


class Bounds(NamedTuple):
    """Hits for sure, and all messages that may be hits."""

    sure: int
    possible: int


@dataclass(frozen=True, slots=True)
class Block:
    """Messages in the order of their bits, with what is known of them."""

    number: int
    piece: int
    size: int
    first: Place
    last: Place
    ordered: bool
    """Whether the messages are in order of their places."""
    channels: frozenset[int]
    whole: int
    """All messages that are still there."""
    bitmaps: dict[str, int] = field(default_factory=dict)
    places: "array[int]" = field(default_factory=lambda: array("q"))
    """Of all messages, where they are needed."""

    def bounds(self, condition: Condition) -> Bounds:
        """Which of the messages meet *condition*, as far as that is known."""
        match condition:
            case And(parts=parts):
                sure = possible = self.whole
                for part in parts:
                    inner = self.bounds(part)
                    sure, possible = sure & inner.sure, possible & inner.possible
                return Bounds(sure, possible)
            case Or(parts=parts):
                sure = possible = 0
                for part in parts:
                    inner = self.bounds(part)
                    sure, possible = sure | inner.sure, possible | inner.possible
                return Bounds(sure, possible)
            case Not(part=part):
                inner = self.bounds(part)
                return Bounds(self.whole & ~inner.possible, self.whole & ~inner.sure)
        return self._leaf(condition)

    def _leaf(self, condition: Condition) -> Bounds:
        match condition:
            case Marked(marks=some):
                return self._marked(some)
            case Between():
                return self._known(self._between(Span(condition.first, condition.beyond)))
            case Words() | Contains():
                exact = exact_term(condition)
                if exact is not None and exact in self.bitmaps:
                    return self._known(self.bitmaps[exact])
                possible = self.whole
                for part in parts_of(condition):
                    if part in self.bitmaps:
                        possible &= self.bitmaps[part]
                return Bounds(0, possible)
        return self._known(self.whole)

    def _known(self, messages: int) -> Bounds:
        there = messages & self.whole
        return Bounds(there, there)

    def _marked(self, marks: frozenset[str]) -> Bounds:
        sure, unknown = 0, False
        for mark in marks:
            if mark.startswith(CHANNEL) and int(mark.removeprefix(CHANNEL)) not in self.channels:
                continue
            if mark.startswith(CHANNEL) and len(self.channels) == 1:
                return self._known(self.whole)
            unknown |= mark not in self.bitmaps
            sure |= self.bitmaps.get(mark, 0)
        return Bounds(sure & self.whole, self.whole if unknown else sure & self.whole)

    def is_cut(self, span: Span) -> bool:
        """Whether some messages are within *span* and some are not, by their bounds."""
        return not self._inside(span) and not self.is_outside(span)

    def _inside(self, span: Span) -> bool:
        return (span.first is None or span.first <= self.first) and (
            span.beyond is None or self.last < span.beyond
        )

    def is_outside(self, span: Span) -> bool:
        """Whether no message is within *span*, by their bounds."""
        return (span.first is not None and self.last < span.first) or (
            span.beyond is not None and span.beyond <= self.first
        )

    def _between(self, span: Span) -> int:
        """The messages within *span*."""
        if self._inside(span):
            return self.whole
        if self.is_outside(span):
            return 0
        first = self.first if span.first is None else span.first
        beyond = self.last + 1 if span.beyond is None else span.beyond
        if self.ordered:
            low, high = bisect_left(self.places, first), bisect_left(self.places, beyond)
            return (1 << max(low, high)) - (1 << low)
        # An export that is not in order of time, or messages that it has twice.
        bits = ("01"[first <= place < beyond] for place in reversed(self.places))
        return int("".join(bits), 2)

    def places_of(self, messages: int) -> list[Place]:
        """Where these messages are."""
        return [Place(self.places[number]) for number in numbers(messages)]


def exact_term(condition: Condition) -> str | None:
    """The term whose bitmap has the hits of *condition*."""
    match condition:
        case Words(stems=(stem,)) if stem and storable(stem):
            return stem
        case Words(stems=(first, second)) if first and second and storable(first + second):
            return f"{PAIR}{first} {second}"
        case Contains(text=text) if len(text) <= LONGEST and storable(text):
            return SUBSTRING + text
    return None


def parts_of(condition: Condition) -> list[str]:
    """Terms that all hits of *condition* have, those first that fewer messages have."""
    match condition:
        case Words(stems=stems) if len(stems) > 1 and all(map(storable, stems)):
            pairs = [f"{PAIR}{one} {other}" for one, other in pairwise(stems) if one and other]
            return list(dict.fromkeys([*pairs, *filter(None, stems)]))[:MOST_PARTS]
        case Contains(text=text) if storable(text):
            parts = [
                SUBSTRING + text[start : start + length]
                for length in range(min(LONGEST, len(text) - 1), SHORTEST_PART - 1, -1)
                for start in range(len(text) - length + 1)
            ]
            return list(dict.fromkeys(parts))[:MOST_PARTS]
    return []


def leaves(condition: Condition) -> Iterator[Condition]:
    """The conditions of which *condition* is made."""
    match condition:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from leaves(part)
        case Not(part=part):
            yield from leaves(part)
        case _:
            yield condition
