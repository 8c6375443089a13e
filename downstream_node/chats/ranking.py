"""The order of relevance among the newest hits. Pure.

What a message scores for each term is BM25: a term counts more the rarer it is, and less each
further time; long messages count a little less. Terms that follow each other in the search add to
it where they stand close to each other.
Rarity and length are those of the hits that are ranked, so the same hits have the same order on
every engine.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from downstream_node.chats import text
from downstream_node.chats.highlighting import Wanted, runs
from downstream_node.chats.query import Contains

WINDOW = 1000
"""Of so many newest hits the order of relevance is made."""
SATURATION = 1.2
"""BM25's k1: how soon it stops to matter that a word comes again."""
LENGTH_WEIGHT = 0.4
"""BM25's b, less than for documents: a long message is no worse than a short one."""
CLOSENESS = 0.5
"""What two terms side by side add, of what the lesser of them weighs."""


class Seen(NamedTuple):
    """One message as it is ranked: its words, and for each term the words where it begins."""

    length: int
    places: list[list[int]]


def ranked(contents: Sequence[str], wanted: Sequence[Wanted]) -> list[int]:
    """The numbers of *contents*, which are newest first, best first; equal ones newest first."""
    messages = [seen(content, wanted) for content in contents]
    weights = [weight(messages, n) for n in range(len(wanted))]
    mean = sum(message.length for message in messages) / max(1, len(messages))
    scores = [score(message, weights, max(mean, 1.0)) for message in messages]
    return sorted(range(len(contents)), key=lambda n: (-scores[n], n))


def seen(content: str, wanted: Sequence[Wanted]) -> Seen:
    """*content* with the places of *wanted* in it, counted in words."""
    stems = text.stems(content)
    return Seen(len(stems), [places(one, content, stems) for one in wanted])


def places(one: Wanted, content: str, stems: Sequence[str]) -> list[int]:
    """The words of a message at which *one* begins."""
    if isinstance(one, Contains):
        starts = [match.start() for match in text.WORD.finditer(content)]
        found = finds(text.fold(content), one.text)
        return [max(0, bisect_right(starts, at) - 1) for at in found]
    return list(runs(stems, one.stems))


def finds(folded: str, needle: str) -> list[int]:
    """Where *needle* begins in *folded*, without overlaps."""
    found: list[int] = []
    at = folded.find(needle)
    while at >= 0:
        found.append(at)
        at = folded.find(needle, at + len(needle))
    return found


def weight(messages: Sequence[Seen], term: int) -> float:
    """How much the term of this number says: more, the fewer messages have it."""
    having = sum(bool(message.places[term]) for message in messages)
    return math.log(1 + (len(messages) - having + 0.5) / (having + 0.5))


def score(message: Seen, weights: Sequence[float], mean: float) -> float:
    """What *message* scores where messages have *mean* words."""
    length = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * message.length / mean
    total = 0.0
    for places, value in zip(message.places, weights, strict=True):
        count = len(places)
        total += value * count * (SATURATION + 1) / (count + SATURATION * length)
    pairs = zip(pairwise(message.places), pairwise(weights), strict=True)
    for (one, other), (left, right) in pairs:
        if one and other:
            total += CLOSENESS * min(left, right) / max(1, nearest(one, other))
    return total


def nearest(one: Sequence[int], other: Sequence[int]) -> int:
    """The least distance between a number of *one* and one of *other*; both are sorted."""
    best = abs(one[0] - other[0])
    left = right = 0
    while left < len(one) and right < len(other):
        best = min(best, abs(one[left] - other[right]))
        if one[left] < other[right]:
            left += 1
        else:
            right += 1
    return best
