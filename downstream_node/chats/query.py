"""What is searched for, as a tree that every engine can carry out. Pure.

`language.py` makes it from what people write; engines get it with all names resolved to marks.
A condition is one of these; engines must agree on each exactly.
"""

from dataclasses import dataclass

from downstream_node.chats.places import Place


@dataclass(frozen=True, slots=True)
class Words:
    """Messages with these stems in a row: one stem is a word, more are a phrase. Never empty."""

    stems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """Messages whose folded text contains this folded text literally. Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Marked:
    """Messages with at least one of these marks; with none of them: no message."""

    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Between:
    """Messages with first <= place < beyond; None is no bound."""

    first: Place | None = None
    beyond: Place | None = None


@dataclass(frozen=True, slots=True)
class Everything:
    """All messages."""


@dataclass(frozen=True, slots=True)
class And:
    """Messages that meet all; at least two parts."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """Messages that meet at least one; at least two parts."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Messages that do not meet it."""

    part: "Condition"


Condition = Words | Contains | Marked | Between | Everything | And | Or | Not
