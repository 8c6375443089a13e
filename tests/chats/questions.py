"""Generated searches of every kind, the same for the same seed."""

import random
from collections.abc import Callable, Iterator

from chats.generated import Chats

from downstream_node.chats import marks
from downstream_node.chats.places import Place, month_of, month_start
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
from downstream_node.chats.records import HAS, IS
from downstream_node.chats.text import fold, stems

FIXED: tuple[Condition, ...] = (
    Everything(),
    Not(Everything()),
    Marked(frozenset()),
    Not(Marked(frozenset())),
    Between(),
    Between(first=Place(0)),
    Between(beyond=Place(0)),
    Words(("no", "such", "word")),
    Words(("the",)),
    Not(Words(("the",))),
    Or((Words(("the",)), Words(("to",)))),
    Or((Words(("the",)), Not(Words(("the",))))),
    And((Words(("the",)), Not(Words(("the",))))),
    And((Not(Words(("the",))), Not(Words(("to",))))),
    Or((Not(Words(("the",))), Not(Words(("to",))))),
    And((Not(Contains("e")), Not(Words(("to",))))),
    Or((Not(Contains("storage")), Words(("to",)))),
    And((Contains("the"), Contains("pi"), Contains("e"), Words(("the",)))),
    Not(And((Contains("the"), Contains("pi"), Words(("the",))))),
    Words(("the", "the")),
    Not(Not(Words(("pie",)))),
    *(Contains(fold(text)) for text in ("the", "pi", "e", "pecan pie", "100%", "_", "\\", "%")),
    *(Contains(fold(text)) for text in ("c++", '"', '""', "'", "*", "^", "x\u00a0y", " ", "  ")),
    *(
        Contains(fold(text))
        for text in ("\u65e5", "\u65e5\u672c", "\u65e5\u672c\u8a9e", "\U0001f389")
    ),
    *(
        Contains(fold(text))
        for text in ("\U0001f389\U0001f389", "stra\u00dfe", "\u00e9", "e\u0301", "\n")
    ),
    *(
        Contains(fold(text))
        for text in ("AND", "stems:the", "-- ;drop", "no such text", "\0", "\ufffd")
    ),
    *(Contains(text) for text in ("\0", "\1", "\x7f", "a\0", "\ufffe\uffff", "\ud800", "THE")),
)
"""What every engine has to get right however few messages there are."""


MONTHS = 0.3
"""The share of ranges that are whole months."""


class Questions:
    """Draws conditions that have to do with the given chats."""

    def __init__(self, chats: Chats, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - test data
        self.chats = chats
        self.texts = [message for message in chats.messages if message.stems]

    def word(self) -> Condition:
        """A word of some message."""
        return Words((self.random.choice(self.random.choice(self.texts).stems),))

    def phrase(self) -> Condition:
        """Some words in a row of some message; now and then turned round."""
        own = self.random.choice(self.texts).stems
        start = self.random.randrange(len(own))
        some = own[start : start + self.random.randint(1, 4)]
        return Words(tuple(reversed(some)) if self.random.random() < 0.2 else tuple(some))

    def contains(self) -> Condition:
        """A literal part of some message."""
        own = self.random.choice(self.texts).folded
        start = self.random.randrange(len(own))
        return Contains(own[start : start + self.random.choice((1, 1, 2, 2, 3, 4, 5, 8, 20))])

    def needle(self) -> Condition:
        """One of the words that come together in needles, as a phrase or literally."""
        text = self.random.choice(("pecan pie", "proof of storage", "running late", "don't panic"))
        return self.random.choice((Words(tuple(stems(text))), Contains(fold(text))))

    def mark(self) -> Condition:
        """Some channels, authors or properties."""
        channels = [marks.within(channel.id) for channel in self.chats.channels]
        authors = [marks.by(author.id) for author in self.chats.authors]
        mentioned = [marks.mentions(author.id) for author in self.chats.authors]
        properties = [*(marks.has(what) for what in HAS), *(marks.is_(what) for what in IS)]
        pool = self.random.choice((channels, authors, mentioned, properties))
        return Marked(frozenset(self.random.sample(pool, self.random.randint(1, 3))))

    def between(self) -> Condition:
        """A range from one message to another."""
        first, beyond = sorted(self.random.choice(self.chats.messages).place for _ in range(2))
        if self.random.random() < MONTHS:
            first, beyond = month_start(month_of(first)), month_start(month_of(beyond) + 1)
        return self.random.choice(
            (Between(first, beyond), Between(first), Between(None, beyond), Between(first, first))
        )

    def leaf(self) -> Condition:
        """A condition without parts."""
        kinds: tuple[Callable[[], Condition], ...] = (
            *(self.word, self.phrase, self.contains, self.needle),
            *(self.mark, self.between, Everything),
        )
        return self.random.choices(kinds, (6, 3, 6, 2, 4, 2, 0.2))[0]()

    def tree(self, depth: int) -> Condition:
        """A condition of conditions, at most *depth* levels of them."""
        dice = self.random.random()
        if depth == 0 or dice < 0.25:
            return self.leaf()
        if dice < 0.45:
            return Not(self.tree(depth - 1))
        parts = tuple(self.tree(depth - 1) for _ in range(self.random.randint(2, 4)))
        return And(parts) if dice < 0.75 else Or(parts)

    def tallied(self) -> Condition:
        """One that the numbers of messages by channel, author and month answer alone."""
        start = month_start(month_of(self.random.choice(self.chats.messages).place))
        leaves: list[Condition] = [
            *(Marked(frozenset({marks.within(channel.id)})) for channel in self.chats.channels),
            *(Marked(frozenset({marks.by(author.id)})) for author in self.chats.authors),
            *(Between(first=start), Between(beyond=start), Everything()),
        ]
        one, two, three = self.random.sample(leaves, 3)
        return self.random.choice(
            (And((one, Not(two))), Or((one, two)), Or((And((one, two)), Not(three))), one)
        )

    def all(self, count: int) -> Iterator[Condition]:
        """The fixed ones, then *count* generated ones, of every kind and depth."""
        yield from FIXED
        for _ in range(count // 10):
            yield from (self.word(), self.phrase(), self.contains(), self.mark(), self.between())
            yield self.tallied()
            yield from (self.tree(1), self.tree(1), self.tree(2), self.tree(3), self.tree(4))
