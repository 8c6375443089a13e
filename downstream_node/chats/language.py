"""The language of the search box: what people write, as a tree, and a tree as a condition. Pure.

    pecan pie              both words, in any form: "pies" is found as well
    "pecan pie"            these words in a row
    contains:"100%"        exactly these characters, whatever they are
    from:ada in:#general   by an author, in a channel or guild; names with spaces in quotes; ids too
    mentions:ada           mentions somebody
    has:image is:pinned    see records.HAS and records.IS
    before:2024-04-26      before that day (month, year, minute) begins; UTC
    after:2024-04-26       from when that day is over, as in Discord
    during:2024-04         in that month
    pie OR cake -peach     AND is between words anyway; NOT is another way to write "-"
    (pie OR cake) tea      parentheses group

A quotation mark within quotation marks is written twice. What has no meaning is text: `http:`,
smileys, a lone "-". A word without letters or digits is searched for literally, and so are the
signs in words like C++ or 100%, beside the word.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from downstream_node.chats import dates, marks, text
from downstream_node.chats.places import first_place
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
from downstream_node.errors import InvalidSearch

LONGEST = 1000
"""Characters of a search."""
MOST_TERMS = 50
DEEPEST = 10
"""Parentheses and negations within each other."""

NAMED = ("from", "in", "mentions")
"""Operators whose values are names, which only the archive knows."""
DATED = ("before", "after", "during")
OPERATORS = (*NAMED, *DATED, "has", "is", "contains")
TEXT = "text"
"""The kind of a term without an operator."""
KEYWORDS = ("AND", "OR", "NOT")

OPERATOR = re.compile(r"([A-Za-z]+):")
SPACE = re.compile(r"\s+")
BARE = re.compile(r"[^\W_]\w*")
"""What can be written without quotation marks and read again as the same."""
CLOSING = {'"': '"', "\u201c": "\u201d\u201c", "\u201e": "\u201c\u201d"}
"""Quotation marks by what closes them; telephones write the curved ones."""
NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
SIGNS = "#%"
"""Signs that mean something in a word, beside Unicode's symbols."""
DRESS = "`~|"
"""Signs around a word that are mark-up."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to search for; *start* and *end* say where it was written."""

    kind: str
    value: str
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class AllOf:
    """What meets all; at least two parts."""

    parts: "tuple[Tree, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """What meets at least one; at least two parts."""

    parts: "tuple[Tree, ...]"


@dataclass(frozen=True, slots=True)
class Negated:
    """What does not meet it; *start* is where the sign or word of negation stands."""

    part: "Tree"
    start: int = field(default=0, compare=False)


Tree = Term | AllOf | AnyOf | Negated


@dataclass(frozen=True, slots=True)
class Sign:
    """A parenthesis, a keyword or a sign of negation, and where it stands."""

    name: str
    start: int


# Reading


def read(written: str) -> Tree | None:
    """What *written* asks for; None: nothing in particular.

    Raises InvalidSearch, and nothing else, with the position and what to do.
    """
    if len(written) > LONGEST:
        raise InvalidSearch(f"A search has at most {LONGEST} characters.", LONGEST)
    strange = NOT_TEXT.search(written)
    if strange:
        raise InvalidSearch("No message contains this character.", strange.start())
    pieces = list(Pieces(written))
    terms = [piece for piece in pieces if isinstance(piece, Term)]
    if len(terms) > MOST_TERMS:
        raise InvalidSearch(f"A search has at most {MOST_TERMS} terms.", terms[MOST_TERMS].start)
    if not pieces:
        return None
    return Reader(pieces, len(written)).whole()


class Pieces:
    """The terms and signs of a text, in order."""

    def __init__(self, written: str) -> None:
        self.written = written
        self.at = 0
        self.depth = 0

    def __iter__(self) -> Iterator[Term | Sign]:
        """Each piece. Raises InvalidSearch."""
        while True:
            space = SPACE.match(self.written, self.at)
            self.at = space.end() if space else self.at
            if self.at >= len(self.written):
                return
            yield self.sign() or self.term()

    def sign(self) -> Sign | None:
        """The parenthesis or the sign of negation here, if it is one."""
        character, start = self.written[self.at], self.at
        if character == "(":
            self.depth += 1
        elif character == ")" and self.depth:
            self.depth -= 1
        elif not (character == "-" and self.begins_something(start + 1)):
            return None
        self.at += 1
        return Sign(character, start)

    def begins_something(self, at: int) -> bool:
        """Whether a term or parenthesis begins at *at*, so that a "-" before it negates.

        Arrows and rulers of dashes stay text.
        """
        character = self.written[at : at + 1]
        if character.isascii():
            return character.isalnum() or (character in '"(#' and character != "")
        return not character.isspace()

    def term(self) -> Term | Sign:
        """The term or keyword here."""
        start = self.at
        operator = OPERATOR.match(self.written, start)
        kind = operator[1].lower() if operator else TEXT
        if operator is None or kind not in OPERATORS:
            kind = TEXT
        else:
            self.at = operator.end()
        value = self.quoted()
        if value is None:
            value = self.bare()
            if kind == TEXT and value in KEYWORDS:
                return Sign(value, start)
        if not value:
            raise InvalidSearch(nothing_in(kind), start)
        return Term(kind, checked(kind, value, start), start, self.at)

    def quoted(self) -> str | None:
        """What stands here between quotation marks; None if it does not begin with one."""
        start = self.at
        opening = self.written[start : start + 1]
        closing = CLOSING.get(opening)
        if not closing:
            return None
        at = start + 1
        while at < len(self.written):
            if self.written[at] not in closing:
                at += 1
            elif opening == '"' and self.written[at + 1 : at + 2] == '"':
                at += 2
            else:
                self.at = at + 1
                inner = self.written[start + 1 : at]
                return inner.replace('""', '"') if opening == '"' else inner
        if opening != '"':
            return None
        raise InvalidSearch("This quotation mark is not closed: put another one behind.", start)

    def bare(self) -> str:
        """What stands here up to a space, or to a parenthesis that was opened before it."""
        start, opened = self.at, 0
        while self.at < len(self.written):
            character = self.written[self.at]
            if character.isspace():
                break
            if character == "(":
                opened += 1
            elif character == ")":
                if opened == 0 and self.depth:
                    break
                opened = max(0, opened - 1)
            self.at += 1
        return self.written[start : self.at]


def nothing_in(kind: str) -> str:
    """What is wrong with a term without a value."""
    if kind == TEXT:
        return "There is nothing between these quotation marks."
    return (
        f"{kind}: needs something right behind it, like {kind}:{EXAMPLES[kind]} (without a space)."
    )


EXAMPLES = {
    "from": "ada",
    "in": "general",
    "mentions": "ada",
    "has": "image",
    "is": "pinned",
    "contains": '"100%"',
    **dict.fromkeys(DATED, "2024-04-26"),
}


def checked(kind: str, value: str, start: int) -> str:
    """*value* as a term of this *kind* has it. Raises InvalidSearch if it makes no sense there."""
    if kind in DATED and dates.period(value) is None:
        raise InvalidSearch(
            f"{kind}: takes a date as 2024, 2024-04, 2024-04-26 or 2024-04-26T10:05Z.", start
        )
    if kind not in ("has", "is"):
        return value
    known = HAS if kind == "has" else IS
    word = value.lower()
    if word not in known:
        word = word.removesuffix("s")
    if word not in known:
        raise InvalidSearch(f"{kind}: knows {', '.join(known)}.", start)
    return word


class Reader:
    """Puts pieces together: OR binds weakest, then AND, then NOT."""

    def __init__(self, pieces: list[Term | Sign], end: int) -> None:
        self.pieces = pieces
        self.end = end
        self.at = 0

    def peek(self) -> Term | Sign | None:
        """The next piece."""
        return self.pieces[self.at] if self.at < len(self.pieces) else None

    def take(self, *names: str) -> Sign | None:
        """The next piece if it is a sign of these *names*, which is then done with."""
        piece = self.peek()
        if isinstance(piece, Sign) and piece.name in names:
            self.at += 1
            return piece
        return None

    def whole(self) -> Tree:
        """All pieces. Every ")" among them closes something, or it would be text."""
        return self.any(0)

    def any(self, depth: int) -> Tree:
        """One or more with OR between them."""
        parts = [self.all(depth)]
        while self.take("OR"):
            parts.append(self.all(depth))
        return joined(AnyOf, parts)

    def all(self, depth: int) -> Tree:
        """One or more with AND or nothing between them."""
        parts = [self.part(depth)]
        while True:
            piece = self.peek()
            if piece is None or (isinstance(piece, Sign) and piece.name in ("OR", ")")):
                return joined(AllOf, parts)
            self.take("AND")
            parts.append(self.part(depth))

    def part(self, depth: int) -> Tree:
        """A term, a negation or a group."""
        piece = self.peek()
        if isinstance(piece, Term):
            self.at += 1
            return piece
        if piece is None or piece.name in ("AND", "OR", ")"):
            raise self.missing(piece)
        if depth == DEEPEST:
            raise InvalidSearch(f"At most {DEEPEST} levels go into each other.", piece.start)
        self.at += 1
        if piece.name != "(":
            return negated(self.part(depth + 1), piece.start)
        inner = self.any(depth + 1)
        if not self.take(")"):
            raise InvalidSearch(
                'This parenthesis is not closed: put a ")" behind, or write contains:"(".',
                piece.start,
            )
        return inner

    def missing(self, piece: Sign | None) -> InvalidSearch:
        """The error where something to search for should stand, and *piece* does."""
        before = self.pieces[self.at - 1] if self.at else None
        keyword = next(
            (one for one in (piece, before) if isinstance(one, Sign) and one.name in KEYWORDS), None
        )
        if keyword is not None:
            sides = "behind it" if keyword.name == "NOT" else "on both sides"
            word = keyword.name
            return InvalidSearch(
                f'{word} needs something {sides}; to find the word, write "{word}" in quotation '
                "marks.",
                keyword.start,
            )
        if piece is not None:
            return InvalidSearch("There is nothing between these parentheses.", piece.start)
        if isinstance(before, Sign) and before.name == "(":
            return InvalidSearch("This parenthesis is not closed.", before.start)
        return InvalidSearch("Something to search for is missing here.", self.end)


def joined(kind: type[AllOf] | type[AnyOf], parts: list[Tree]) -> Tree:
    """*parts* as one, without a level that says nothing."""
    flat: list[Tree] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def negated(part: Tree, start: int) -> Tree:
    """What does not meet *part*."""
    return part.part if isinstance(part, Negated) else Negated(part, start)


# Writing


def written(tree: Tree | None) -> str:
    """*tree* as text that is read as the same tree, and alike for all ways to write it."""
    if tree is None:
        return ""
    if isinstance(tree, Term):
        return quoted(tree.kind, tree.value)
    if isinstance(tree, Negated):
        return f"-{grouped(tree.part, AllOf, AnyOf)}"
    if isinstance(tree, AllOf):
        return " ".join(grouped(part, AnyOf) for part in tree.parts)
    return " OR ".join(map(written, tree.parts))


def grouped(tree: Tree, *kinds: type[AllOf] | type[AnyOf]) -> str:
    """*tree* as text, in parentheses if it is of one of these *kinds*."""
    return f"({written(tree)})" if isinstance(tree, kinds) else written(tree)


def quoted(kind: str, value: str) -> str:
    """A term as text, in quotation marks where it needs them."""
    prefix = "" if kind == TEXT else f"{kind}:"
    if kind in (*DATED, "has", "is"):
        return prefix + value
    if kind != "contains" and BARE.fullmatch(value) and value not in KEYWORDS:
        return prefix + value
    doubled = value.replace('"', '""')
    return f'{prefix}"{doubled}"'


def narrowed(text: str, term: str) -> str:
    """The search *text* with *term* to be met, too; *text* itself if it cannot be read."""
    try:
        tree = read(text)
    except InvalidSearch:
        return text
    if tree is None:
        return term
    # Written anew: a smiley at the end of *text* would take our parenthesis for its own.
    return f"({written(tree)}) {term}" if isinstance(tree, AnyOf) else f"{text} {term}"


def without(text: str, start: int) -> str:
    """The search *text* less the term that begins at *start*, its negation included.

    Raises InvalidSearch if it cannot be read.
    """
    tree = read(text)
    return written(None if tree is None else pruned(tree, start))


def pruned(tree: Tree, start: int) -> Tree | None:
    """*tree* less the term that begins at *start*; None if that was all."""
    if isinstance(tree, Term):
        return None if tree.start == start else tree
    if isinstance(tree, Negated):
        if isinstance(tree.part, Term):
            return None if tree.start == start else tree
        inner = pruned(tree.part, start)
        return None if inner is None else replace(tree, part=inner)
    left = [part for part in (pruned(part, start) for part in tree.parts) if part is not None]
    return joined(type(tree), left) if left else None


# What it means


def terms(tree: Tree | None, *, is_negated: bool = False) -> Iterator[tuple[Term, bool]]:
    """Every term with whether it is negated; its start is that of its sign of negation."""
    if isinstance(tree, Term):
        yield tree, is_negated
    elif isinstance(tree, Negated):
        for term, inner in terms(tree.part, is_negated=not is_negated):
            alone = term is tree.part
            yield (replace(term, start=tree.start) if alone else term), inner
    elif tree is not None:
        for part in tree.parts:
            yield from terms(part, is_negated=is_negated)


Resolve = Callable[[Term], frozenset[str]]
"""The marks that stand for the name of a term of one of the kinds NAMED."""


def condition(tree: Tree | None, resolve: Resolve) -> Condition:
    """What a message has to meet; *resolve* knows the names."""
    if tree is None:
        return Everything()
    if isinstance(tree, Term):
        return of_term(tree, resolve)
    if isinstance(tree, Negated):
        return Not(condition(tree.part, resolve))
    parts = tuple(condition(part, resolve) for part in tree.parts)
    return And(parts) if isinstance(tree, AllOf) else Or(parts)


def of_term(term: Term, resolve: Resolve) -> Condition:
    """What a message has to meet for one term."""
    if term.kind in NAMED:
        return Marked(resolve(term))
    if term.kind == "has":
        return Marked(frozenset([marks.has(term.value)]))
    if term.kind == "is":
        return Marked(frozenset([marks.is_(term.value)]))
    if term.kind == "contains":
        return Contains(text.fold(term.value))
    if term.kind in DATED:
        return of_date(term)
    return of_text(term.value)


def of_date(term: Term) -> Condition:
    """When a message has to be sent."""
    period = dates.period(term.value)
    assert period is not None  # noqa: S101 - `checked` has read it
    first, beyond = first_place(period.first), first_place(period.beyond)
    if term.kind == "before":
        return Between(None, first)
    return Between(beyond, None) if term.kind == "after" else Between(first, beyond)


def of_text(value: str) -> Condition:
    """What a message has to meet for the words of *value*, in a row."""
    stems = tuple(stem for stem in text.stems(value) if stem)
    if not stems:
        return Contains(text.fold(value))
    literal = [Contains(text.fold(word)) for word in map(undressed, value.split()) if signed(word)]
    parts: tuple[Condition, ...] = (Words(stems), *dict.fromkeys(literal))
    return parts[0] if len(parts) == 1 else And(parts)


def undressed(word: str) -> str:
    """*word* without the punctuation and mark-up around it."""
    first, end = 0, len(word)
    while first < end and is_dress(word[first]):
        first += 1
    while first < end and is_dress(word[end - 1]):
        end -= 1
    return word[first:end]


def is_dress(character: str) -> bool:
    """Whether a sign around a word does not belong to it."""
    if character in DRESS:
        return True
    return unicodedata.category(character)[0] == "P" and character not in SIGNS


def signed(word: str) -> bool:
    """Whether *word* has signs that belong to it, as in C++."""
    return any(sign in SIGNS or unicodedata.category(sign)[0] == "S" for sign in word)


def to_highlight(found: Condition) -> Iterator[Words | Contains]:
    """The words, phrases and substrings that made a message meet *found*."""
    if isinstance(found, (Words, Contains)):
        yield found
    elif isinstance(found, (And, Or)):
        for part in found.parts:
            yield from to_highlight(part)
