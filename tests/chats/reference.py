"""What a search has to find: a plain look at every message, which the engines are held against."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import reduce

from downstream_node.chats.archive import Facet, Group, Order
from downstream_node.chats.places import month_of
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
from downstream_node.chats.records import Message

Found = frozenset[int]
"""Indices of messages."""


class Reference:
    """Messages in order of places, none twice; what each part of a search finds is remembered."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = sorted(messages, key=lambda message: message.place)
        self.all = frozenset(range(len(self.messages)))
        self._found: dict[Condition, Found] = {}
        self.months = [month_of(message.place) for message in self.messages]
        self._places: dict[Condition, list[int]] = {}
        self._with_stem: dict[str, set[int]] = defaultdict(set)
        for index, message in enumerate(self.messages):
            for stem in message.stems:
                self._with_stem[stem].add(index)

    def find(self, condition: Condition) -> Found:
        """The messages that meet *condition*."""
        found = self._found.get(condition)
        if found is None:
            found = self._found[condition] = self._look(condition)
        return found

    def _look(self, condition: Condition) -> Found:
        match condition:
            case Everything():
                return self.all
            case Not(part):
                return self.all - self.find(part)
            case And(parts):
                return reduce(frozenset.intersection, map(self.find, parts))
            case Or(parts):
                return reduce(frozenset.union, map(self.find, parts))
            case Words(stems):
                candidates = reduce(set.intersection, (self._with_stem[stem] for stem in stems))
                return frozenset(
                    index for index in candidates if in_a_row(self.messages[index].stems, stems)
                )
            case _:
                return self._where(meets(condition))

    def _where(self, test: Callable[[Message], bool]) -> Found:
        return frozenset(index for index, message in enumerate(self.messages) if test(message))

    def page(
        self,
        condition: Condition,
        order: Order,
        limit: int,
        after: int | None = None,
        skip: int = 0,
    ) -> list[int]:
        """The places of one page."""
        places = self.places(condition)
        if order == "newest":
            places = places[: None if after is None else bisect_left(places, after)][::-1]
        elif after is not None:
            places = places[bisect_right(places, after) :]
        return places[skip : skip + limit]

    def places(self, condition: Condition) -> list[int]:
        """The places of all that meets *condition*, in order."""
        if condition not in self._places:
            found = sorted(self.find(condition))
            self._places[condition] = [self.messages[index].place for index in found]
        return self._places[condition]

    def count(self, condition: Condition) -> int:
        """How many there are."""
        return len(self.find(condition))

    def facet(self, condition: Condition, by: Facet, limit: int) -> list[Group]:
        """The most frequent channels or authors, or all months in order."""
        if by == "month":
            months = Counter(self.months[index] for index in self.find(condition))
            return [Group(month, count) for month, count in sorted(months.items())]
        counts = Counter(getattr(self.messages[index], by) for index in self.find(condition))
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [Group(key, count) for key, count in ordered[:limit]]


def in_a_row(stems: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the *wanted* stems stand in a row among *stems*."""
    return any(
        tuple(stems[at : at + len(wanted)]) == tuple(wanted)
        for at, stem in enumerate(stems)
        if stem == wanted[0]
    )


def meets(condition: Condition) -> Callable[[Message], bool]:
    """A test for one message of a condition without parts."""
    match condition:
        case Contains(text):
            return lambda message: text in message.folded
        case Marked(marks):
            return lambda message: not marks.isdisjoint(message.marks)
        case Between(first, beyond):
            return lambda message: (
                (first is None or first <= message.place)
                and (beyond is None or message.place < beyond)
            )
        case _:
            raise TypeError(condition)
