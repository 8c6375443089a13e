"""Where in a message stands what was searched for. Pure.

Spans are [start, end) in code points of the message's own text.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from downstream_node.chats import text
from downstream_node.chats.answers import Span
from downstream_node.chats.query import Contains, Words
from downstream_node.chats.text import Token

Wanted = Words | Contains

ELLIPSIS = "\u2026"
VOWELS_OF_JAMO = range(0x1160, 0x1200)
"""Korean letters that melt into the one before them."""


def spans(content: str, wanted: Iterable[Wanted]) -> list[Span]:
    """What to highlight in *content* for *wanted*: in order, none touching another."""
    words: list[Words] = []
    literal: list[Contains] = []
    for one in wanted:
        if isinstance(one, Words):
            words.append(one)
        else:
            literal.append(one)
    found: list[Span] = []
    if words:
        tokens = list(text.tokens(content))
        for one in words:
            found += of_words(tokens, one.stems)
    if literal:
        folded = Folded(content)
        for one in literal:
            found += folded.places_of(one.text)
    return merged(found)


def of_words(tokens: Sequence[Token], stems: Sequence[str]) -> Iterator[Span]:
    """Where *stems* stand in a row among *tokens*."""
    for first in runs([token.stem for token in tokens], stems):
        yield tokens[first].start, tokens[first + len(stems) - 1].end


def runs(text_stems: Sequence[str], stems: Sequence[str]) -> Iterator[int]:
    """Where *stems*, at least one, stand in a row among those of a text."""
    wanted, head, length = list(stems), stems[0], len(stems)
    for first, stem in enumerate(text_stems):
        if stem == head and (length == 1 or text_stems[first : first + length] == wanted):
            yield first


class Folded:
    """A text as it is searched for substrings, with the way back to the text itself."""

    def __init__(self, content: str) -> None:
        self.text = text.fold(content)
        # Each piece of the text folds alone; from each place of what comes out, back to its piece.
        self.pieces: list[Span] = []
        folded: list[str] = []
        for start, end in pieces(content):
            one = text.fold(content[start:end])
            folded.append(one)
            self.pieces += [(start, end)] * len(one)
        if "".join(folded) != self.text:
            # Letters that melt together across pieces: nothing is highlighted, rather than wrong.
            self.pieces = []

    def places_of(self, needle: str) -> Iterator[Span]:
        """Where *needle*, folded and not empty, stands in the text itself."""
        at = self.text.find(needle) if self.pieces else -1
        while at >= 0:
            end = at + len(needle)
            yield self.pieces[at][0], self.pieces[end - 1][1]
            at = self.text.find(needle, end)


def pieces(content: str) -> Iterator[Span]:
    """The characters of *content*, each with the accents that follow it."""
    start = 0
    for at in range(1, len(content)):
        if not melts(content[at]):
            yield start, at
            start = at
    if content:
        yield start, len(content)


def melts(character: str) -> bool:
    """Whether *character* may become one with the one before it."""
    if character.isascii():
        return False
    return unicodedata.category(character)[0] == "M" or ord(character) in VOWELS_OF_JAMO


def merged(found: Iterable[Span]) -> list[Span]:
    """*found* in order, with those that overlap or touch as one."""
    result: list[Span] = []
    for start, end in sorted(found):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


class Snippet(NamedTuple):
    """A part of a message; *spans* are within it, signs of leaving out not counted as found."""

    text: str
    spans: list[Span]


def snippet(content: str, found: Sequence[Span], width: int) -> Snippet:
    """About *width* characters of *content* around the first of *found*, cut between words."""
    if len(content) <= width:
        return Snippet(content, list(found))
    first = found[0][0] if found else 0
    start = max(0, min(first - width // 3, len(content) - width))
    end = start + width
    start = after_space(content, start, first)
    end = before_space(content, start, end)
    before = ELLIPSIS if start else ""
    after = ELLIPSIS if end < len(content) else ""
    shift = len(before) - start
    inside = [(max(one, start), min(other, end)) for one, other in found]
    kept = [(one + shift, other + shift) for one, other in inside if one < other]
    return Snippet(before + content[start:end] + after, kept)


def after_space(content: str, start: int, latest: int) -> int:
    """The beginning of a word at or behind *start*, not behind *latest*."""
    if start == 0 or content[start - 1].isspace():
        return start
    return next((at + 1 for at in range(start, latest) if content[at].isspace()), start)


def before_space(content: str, start: int, end: int) -> int:
    """The end of a word at or before *end*, if there is one behind the middle."""
    if end >= len(content) or content[end].isspace():
        return min(end, len(content))
    middle = (start + end) // 2
    return next((at for at in range(end - 1, middle, -1) if content[at].isspace()), end)
