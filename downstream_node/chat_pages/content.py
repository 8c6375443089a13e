"""From the text of a message to what a template shows: blocks, links, code, highlights. Pure.

Nothing here makes markup: a template writes each piece out, and escapes it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

LONG = 700
"""Characters of a message that are shown at once; the rest is folded."""
MANY_LINES = 16
HIDDEN = "\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u00ad\x00-\x08\x0b-\x1f\x7f-\x9f"
"""Characters that cannot be seen, or that change the order of those around them."""
UNSEEN = re.compile(f"[{HIDDEN}]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

FENCED = re.compile(r"```(?:[\w+#.-]{1,20}(?=\n))?\n?(?P<inside>.+?)\n?```", re.DOTALL)
QUOTED = re.compile(r"`(?P<inside>[^`\n]+)`")
ADDRESS = re.compile(rf"https?://[^\s<>\"`|{HIDDEN}]+", re.IGNORECASE)
TRAILING = ".,;:!?'*_~"
"""At the end of an address: rather of the sentence around it."""
PAIRS = {")": "(", "]": "["}
LONGEST_ADDRESS = 2000
MOST_PARTS = 500
"""Links and stretches of code in one message: more are no writing, and a page has many messages."""
MOST_HIGHLIGHTS = 500
"""In one message: nobody looks through more, and each is an element of the page."""

Kind = Literal["plain", "code", "link"]


class Span(NamedTuple):
    """Characters of a text from *start* up to, but without, *end*."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters in a row, highlighted or not."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Pieces of one kind in a row; *href* is where a link leads."""

    kind: Kind
    pieces: tuple[Piece, ...]
    href: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, with its newlines, or a block of code."""

    code: bool
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """A message: what is shown at once, and what is folded; *opened*: highlights are only there."""

    head: tuple[Block, ...]
    rest: tuple[Block, ...] = ()
    opened: bool = False


class Part(NamedTuple):
    """A stretch of the content that is shown otherwise than the text around it.

    *start* and *end* are with what stands around it (backquotes), *inner* is without.
    """

    start: int
    end: int
    inner: Span
    kind: Literal["block", "code", "link"]


def body(content: str, spans: Sequence[tuple[int, int]] = (), *, fold: bool = True) -> Body:
    """*content* as blocks, with *spans* of it highlighted, and folded if it is long.

    Spans may come in any order, overlap and reach beyond the end. Behind the first MOST_PARTS and
    MOST_HIGHLIGHTS all is plain text.
    """
    marks = merged(spans, len(content))[:MOST_HIGHLIGHTS]
    parts = list(islice(parts_of(content), MOST_PARTS))
    cut = fold_at(content, parts) if fold else len(content)
    head = tuple(blocks(content, parts, marks, Span(0, cut)))
    rest = tuple(blocks(content, parts, marks, Span(cut, len(content))))
    return Body(head, rest, opened=bool(rest and marks and marks[0].start >= cut))


def merged(spans: Sequence[tuple[int, int]], length: int) -> list[Span]:
    """*spans* in order, without overlaps, within a text of *length* characters."""
    found: list[Span] = []
    for start, end in sorted(spans):
        begin, stop = max(0, start), min(end, length)
        if begin >= stop:
            continue
        if found and begin <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, stop))
        else:
            found.append(Span(begin, stop))
    return found


def parts_of(content: str) -> Iterator[Part]:
    """Code and links of *content*, in order: blocks of code first, then code, then links."""
    at = 0
    for fenced in FENCED.finditer(content):
        yield from inline_parts(content, Span(at, fenced.start()))
        yield Part(*fenced.span(), Span(*fenced.span("inside")), "block")
        at = fenced.end()
    yield from inline_parts(content, Span(at, len(content)))


def inline_parts(content: str, where: Span) -> Iterator[Part]:
    """Code and links in *where*, which has no block of code."""
    at = where.start
    for quoted in QUOTED.finditer(content, where.start, where.end):
        yield from links(content, Span(at, quoted.start()))
        yield Part(*quoted.span(), Span(*quoted.span("inside")), "code")
        at = quoted.end()
    yield from links(content, Span(at, where.end))


def links(content: str, where: Span) -> Iterator[Part]:
    """Addresses in *where* that lead to a host by http or https."""
    for found in ADDRESS.finditer(content, where.start, where.end):
        if found.end() - found.start() > LONGEST_ADDRESS:
            continue
        address = trimmed(found[0])
        if has_host(address):
            span = Span(found.start(), found.start() + len(address))
            yield Part(*span, span, "link")


def trimmed(address: str) -> str:
    """*address* without the punctuation of the sentence in which it stands."""
    # How many more brackets close than open; an opening one is never cut off.
    surplus = {last: address.count(last) - address.count(first) for last, first in PAIRS.items()}
    end = len(address)
    while end:
        last = address[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in TRAILING:
            break
        end -= 1
    return address[:end]


def has_host(address: str) -> bool:
    """Whether *address* leads anywhere, and names no user in front of its host."""
    try:
        split = urlsplit(address)
        split.port  # noqa: B018 - it is read only then
    except ValueError:
        return False
    # "https://bank.example@evil.example" looks as if it led to the bank.
    return bool(split.hostname) and "@" not in split.netloc


def fold_at(content: str, parts: Sequence[Part]) -> int:
    """Where what is shown at once ends: at a line, else a word; never inside a link or code."""
    lines = [found.start() for found in re.finditer("\n", content)]
    limit = LONG if len(lines) < MANY_LINES else min(LONG, lines[MANY_LINES - 1])
    if len(content) <= limit * 5 // 4 and len(lines) <= MANY_LINES * 5 // 4:
        return len(content)
    ends = (content.rfind("\n", limit // 2, limit + 1), content.rfind(" ", limit // 2, limit))
    cut = next((end for end in ends if end >= 0), limit)
    for part in parts:
        if part.kind != "block" and part.start < cut < part.end:
            # At the very beginning there is nothing to show before it.
            cut = part.start or part.end
    return cut


def blocks(
    content: str, parts: Sequence[Part], marks: Sequence[Span], where: Span
) -> Iterator[Block]:
    """What stands in *where*, as blocks."""
    at, runs = where.start, list[Run]()
    for part in parts:
        inner = Span(max(part.inner.start, where.start), min(part.inner.end, where.end))
        if part.end <= where.start or part.start >= where.end:
            continue
        if part.kind == "block":
            before = content[at : max(at, part.start)].rstrip("\n")
            runs += plain(content, marks, Span(at, at + len(before)))
            yield from paragraph(runs)
            runs = []
            if inner.start < inner.end:
                yield Block(code=True, runs=(Run("plain", pieces(content, marks, inner)),))
            at = min(part.end, where.end)
            at += content.startswith("\n", at) and at < where.end
        else:
            runs += plain(content, marks, Span(at, part.start))
            href = content[part.start : part.end] if part.kind == "link" else ""
            runs.append(Run(part.kind, pieces(content, marks, inner), href))
            at = part.end
    runs += plain(content, marks, Span(at, where.end))
    yield from paragraph(runs)


def paragraph(runs: Sequence[Run]) -> Iterator[Block]:
    """A block of *runs*, if there is anything in them to see."""
    if any(piece.text.strip() for run in runs for piece in run.pieces):
        yield Block(code=False, runs=tuple(runs))


def plain(content: str, marks: Sequence[Span], where: Span) -> list[Run]:
    """The plain text of *where*: one run, or none if it is empty."""
    return [Run("plain", pieces(content, marks, where))] if where.start < where.end else []


def pieces(content: str, marks: Sequence[Span], where: Span) -> tuple[Piece, ...]:
    """The characters of *where*, cut where a highlight begins or ends."""
    found, at = list[Piece](), where.start
    # Marks are in order and apart, so those before this place and behind it are not looked at.
    first = bisect_right(marks, where.start, key=lambda mark: mark.end)
    for number in range(first, len(marks)):
        mark = marks[number]
        start, end = max(mark.start, at), min(mark.end, where.end)
        if start >= end:
            break
        if at < start:
            found.append(Piece(content[at:start]))
        found.append(Piece(content[start:end], marked=True))
        at = end
    if at < where.end:
        found.append(Piece(content[at : where.end]))
    return tuple(found)


def visible(name: str) -> str:
    """*name* with a sign in the place of what cannot be seen or turns the direction of writing.

    For names of people, channels and files, which stand in one line with other text.
    """
    return UNSEEN.sub(REPLACEMENT, name)
