"""Lines of a file and elements of a JSON array, found in pieces of bytes. Pure.

Memory is bounded by the longest item that is allowed. An item that is longer, or has no end,
comes out as UNREADABLE, which no decoder takes, so whoever decodes counts it as broken.
"""

import re
from collections.abc import Iterable, Iterator

UNREADABLE = b"\0"
"""Stands for an item that was too long to be held."""
MARK = b"\xef\xbb\xbf"
"""The byte order mark that some programs put before UTF-8."""
TEXT = rb'"(?:[^"\\]++|\\.)*+"'
TOKEN = re.compile(
    rb"(\{(?:[^][{}\"]++|" + TEXT + rb")*+\})|" + TEXT + rb'|[][{}"]',
    re.DOTALL,
)
"""An object with nothing nested in it, as messages are; a whole text; a bracket; or the quote of
a text whose end is not there yet. Nothing is given back once it matched, so time is linear."""
BETWEEN = b" \t\r\n,"
OPENING = b"[{"
QUOTE = b'"'


def unmarked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """*pieces* without a byte order mark at their beginning."""
    rest = iter(pieces)
    start = b""
    for piece in rest:
        start += piece
        if len(start) >= len(MARK):
            break
    yield start.removeprefix(MARK)
    yield from rest


def lines(pieces: Iterable[bytes], longest: int) -> Iterator[list[bytes]]:
    """The lines of *pieces*, without their ends, in batches as they come."""
    rest, too_long = b"", False
    for piece in unmarked(pieces):
        batch = (rest + piece).split(b"\n")
        rest = batch.pop()
        if batch and too_long:
            batch[0], too_long = UNREADABLE, False
        if too_long or len(rest) > longest:
            rest, too_long = b"", True
        yield batch
    if rest or too_long:
        yield [UNREADABLE if too_long else rest]


class CutOff(Exception):
    """The array has no end, or none that can be made out; what came before is whole."""


def elements(pieces: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """The elements of the JSON array in *pieces*, each as it is written.

    What stands between objects and arrays and is not a comma comes out, too, to be found broken.
    Raises CutOff after the last whole element if the array is no array or does not end.
    """
    rest = b""
    inside = False
    for piece in unmarked(pieces):
        rest += piece
        if not inside:
            rest = rest.lstrip()
            inside = rest[:1] == b"["
            if not inside and rest:
                raise CutOff
            rest = rest[1:]
        found, used, ended = whole_elements(rest)
        yield from found
        if ended:
            return
        rest = rest[used:]
        if len(rest) > longest:
            yield UNREADABLE
            raise CutOff
    raise CutOff


def whole_elements(text: bytes) -> tuple[list[bytes], int, bool]:
    """The elements that end within *text*, how much of it they are, and if the array ends."""
    found: list[bytes] = []
    used, start, depth = 0, 0, 0
    for token in TOKEN.finditer(text):
        begin, end = token.span()
        if depth == 0:
            found += odd(text[used:begin])
            used = start = begin
        if token.lastindex is None and end - begin == 1:
            kind = text[begin:end]
            if kind == QUOTE:
                break
            depth += 1 if kind in OPENING else -1
        if depth < 0:
            return found, end, True
        if depth == 0:
            used = end
            found.append(text[start:end])
    return found, used, False


def odd(between: bytes) -> list[bytes]:
    """What stands *between* two elements, if it is more than a comma and space."""
    text = between.strip(BETWEEN)
    return [text] if text else []
