"""What was missing in a package, or broken, counted: never fatal, never in silence. Pure."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Problem(StrEnum):
    """What is wrong with a part of a package."""

    MISSING = "missing"
    """It is not there."""
    BROKEN = "broken"
    """It is there and cannot be read."""
    INCOMPLETE = "incomplete"
    """It can be read, but lacks what its row needs."""
    CUT_OFF = "cut off"
    """Its beginning could be read; its end is missing or not to be made out."""


@dataclass(frozen=True, slots=True)
class Missing:
    """*count* parts of the kind *part* had this *problem*. Says nothing about the person."""

    part: str
    problem: Problem
    count: int


class Problems:
    """The problems met so far."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Problem]] = Counter()

    def add(self, part: str, problem: Problem, count: int = 1) -> None:
        """Count *count* more parts of the kind *part* with *problem*."""
        if count:
            self._counts[part, problem] += count

    def all(self) -> tuple[Missing, ...]:
        """All problems, by part."""
        return tuple(
            Missing(part, problem, count) for (part, problem), count in sorted(self._counts.items())
        )
