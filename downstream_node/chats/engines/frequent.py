"""Which messages of a piece have each of its frequent terms, found while it is filled. Pure.

Terms are stems, pairs of stems in a row, marks and substrings of up to LONGEST characters. What is
frequent is decided by the first SAMPLE messages of a piece. From then on each message is looked at
for those terms alone: so a term has a bit for each message of the piece, or no bitmap at all.
Substrings are looked for behind shorter ones that are frequent, as they have to be.

It takes numpy, which is optional: without it there are no bitmaps, and some counts take longer.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple, Protocol, TypeAlias

from downstream_node.chats import marks
from downstream_node.chats.engines.bitmaps import packed
from downstream_node.chats.engines.postgresql_conditions import PAIR, SUBSTRING
from downstream_node.chats.places import Place

try:
    import numpy as np
except ImportError:  # an optional accelerator
    np = None  # type: ignore[assignment]

SAMPLE = 2048
"""Messages by which is decided what is frequent."""
CHUNK = 1024
"""Messages looked at together; with more, what they need leaves the processor's cache."""
BLOCK = 32 * CHUNK
"""Messages of a block: a bitmap has 4 kB."""
RARE = 80
"""One message in so many has a frequent term. Of others, an index finds all hits fast enough."""
LONGEST = 8
"""Characters of the longest substrings."""
MOST_LETTERS = 250
MOST_STEMS = 500
BREAK = "\x7f"
"""Between texts; folded ones have none."""
CODES = 0x110000

Array: TypeAlias = Any
"""One of numpy's, which need not be there for types to be checked."""


class Text(Protocol):
    """What a message is found by."""

    @property
    def place(self) -> Place:
        """Where it is."""

    @property
    def folded(self) -> str:
        """In which substrings are."""

    @property
    def stems(self) -> Sequence[str]:
        """In order."""

    @property
    def marks(self) -> Sequence[str]:
        """Those that never change."""


class Block(NamedTuple):
    """Some messages, with a bitmap of them for each frequent term, in stored form."""

    places: list[Place]
    gone: int
    bitmaps: dict[str, bytes]


class Found(NamedTuple):
    """Numbers of terms, with the message of the chunk in which each was found."""

    terms: Array
    owners: Array


def is_possible() -> bool:
    """Whether bitmaps can be made."""
    return np is not None


def frequent(keys: Array, owners: Array, least: int) -> Array:
    """Those of *keys* that at least so many *owners* have, in order."""
    found = np.sort(keys.astype(np.int64) * SAMPLE + owners)
    found = found[np.append(True, found[1:] != found[:-1])] // SAMPLE if found.size else found
    starts = np.flatnonzero(np.append(True, found[1:] != found[:-1])) if found.size else found
    return found[starts[np.diff(starts, append=found.size) >= least]]


class Step:
    """From two numbers to the number, from 1 on, of what they make together, or to 0."""

    def __init__(self, keys: Array, first: int, second: int) -> None:
        self._second = second
        self._number = np.zeros(first * second, dtype=np.int32)
        self._number[keys] = np.arange(1, len(keys) + 1)

    def __call__(self, first: Array, second: Array) -> Array:
        """Their numbers, from two arrays of the same length."""
        return self._number.take(first * self._second + second)


class Substrings:
    """The frequent substrings of a piece."""

    def __init__(self, texts: Sequence[str], least: int) -> None:
        """Decide by *texts*, in at least so many of which they have to be."""
        codes, owners = characters(texts)
        present = frequent(codes, owners, least)
        present = present[present != ord(BREAK)][:MOST_LETTERS]
        letters = [chr(code) for code in present.tolist()]
        self._letter = np.zeros(CODES, dtype=np.uint8)
        self._letter[present] = np.arange(1, len(letters) + 1)
        self._steps: list[tuple[int, Step]] = []
        self.names: list[str] = []
        known, width = letters, len(letters) + 1
        ids, starts, states = self._begin(codes)
        for length in range(1, LONGEST):
            self.names += known
            behind = ids[starts + length]
            keys = states * width + behind
            keys = frequent(keys[behind != 0], owners[starts[behind != 0]], least)
            step = Step(keys, len(known) + 1, width)
            self._steps.append((len(self.names), step))
            known = [known[key // width - 1] + letters[key % width - 1] for key in keys.tolist()]
            states = step(states, behind)
            starts, states = starts[states != 0], states[states != 0]
        self.names += known

    def _begin(self, codes: Array) -> tuple[Array, Array, Array]:
        """Numbers of letters; and where frequent ones are, with their numbers."""
        # Behind the last text nothing is frequent either.
        ids = np.zeros(codes.size + LONGEST, dtype=np.int32)
        ids[: codes.size] = self._letter.take(codes)
        starts = np.flatnonzero(ids != 0)
        return ids, starts, ids.take(starts)

    def find(self, texts: Sequence[str]) -> Found:
        """All of them in *texts*."""
        codes, owners = characters(texts)
        ids, starts, states = self._begin(codes)
        terms, places = [states - 1], [starts]
        for length, (before, step) in enumerate(self._steps, 1):
            states = step(states, ids.take(starts + length))
            kept = np.flatnonzero(states != 0)
            starts, states = starts.take(kept), states.take(kept)
            terms.append(states + (before - 1))
            places.append(starts)
        return Found(np.concatenate(terms), owners.take(np.concatenate(places)))


def characters(texts: Sequence[str]) -> tuple[Array, Array]:
    """The codes of all characters, a BREAK behind each text, and in which text they are."""
    joined = BREAK.join([*texts, ""])
    codes = np.frombuffer(joined.encode("utf-32-le"), dtype="<u4")
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + 1
    return codes, np.repeat(np.arange(len(texts), dtype=np.int32), lengths)


class Words:
    """The frequent ones of words that messages have: stems or marks."""

    def __init__(self, lists: Sequence[Sequence[str]], least: int, always: Iterable[str]) -> None:
        """Decide by *lists* of words, at least so many of which have to have them."""
        counts = Counter(word for words in lists for word in set(words) if word)
        often = [word for word, count in counts.most_common(MOST_STEMS) if count >= least]
        self.names = list(dict.fromkeys([*often, *always]))
        self._number = {name: number for number, name in enumerate(self.names, 1)}

    def numbers(self, lists: Sequence[Sequence[str]]) -> Found:
        """All words in order; those that are not frequent have the number 0."""
        lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
        count = int(lengths.sum())
        words = map(self._number.get, chain.from_iterable(lists), repeat(0))
        return Found(
            np.fromiter(words, dtype=np.int64, count=count),
            np.repeat(np.arange(len(lists), dtype=np.int32), lengths),
        )


class Pairs:
    """Pairs in a row of stems that messages often have both, in a row or not.

    Where the index would find many messages for a phrase, it is known which of them have it.
    """

    def __init__(self, found: Found, names: Sequence[str], least: int) -> None:
        """Decide by the stems *found*, in at least so many messages of which both have to be."""
        width = len(names) + 1
        has = np.zeros((width, SAMPLE), dtype=bool)
        has[found.terms, found.owners] = True
        rows = [int.from_bytes(row.tobytes(), "little") for row in np.packbits(has, axis=1)]
        keys = np.array(
            [
                first * width + second
                for first in range(1, width)
                for second in range(1, width)
                if (rows[first] & rows[second]).bit_count() >= least
            ],
            dtype=np.int64,
        )
        self._step = Step(keys, width, width)
        self.names = [
            f"{names[key // width - 1]} {names[key % width - 1]}" for key in keys.tolist()
        ]

    def find(self, found: Found) -> Found:
        """All of them among stems in order."""
        first, second, owners = neighbours(found)
        numbers = self._step(first, second)
        kept = np.flatnonzero(numbers != 0)
        return Found(numbers[kept] - 1, owners[kept])


def neighbours(found: Found) -> tuple[Array, Array, Array]:
    """Frequent stems beside each other in a message: their numbers, and the message."""
    first, second = found.terms[:-1], found.terms[1:]
    kept = (first != 0) & (second != 0) & (found.owners[:-1] == found.owners[1:])
    return first[kept], second[kept], found.owners[:-1][kept]


class Terms:
    """The frequent terms of a piece, and in which messages they are."""

    def __init__(self, texts: Sequence[Text], channels: Iterable[int]) -> None:
        """Decide by *texts*; all *channels* of the piece are frequent."""
        least = max(1, len(texts) // RARE)
        self._substrings = Substrings([text.folded for text in texts], least)
        stems = [text.stems for text in texts]
        self._stems = Words(stems, least, ())
        self._pairs = Pairs(self._stems.numbers(stems), self._stems.names, least)
        self._marks = Words([text.marks for text in texts], least, map(marks.within, channels))
        self.names = [
            *(SUBSTRING + name for name in self._substrings.names),
            *self._stems.names,
            *(PAIR + name for name in self._pairs.names),
            *self._marks.names,
        ]

        self._matrix = np.zeros(len(self.names) * CHUNK, dtype=np.uint8)

    def bitmaps(self, texts: Sequence[Text]) -> Array:
        """A matrix of bytes: a row for each term, a bit for each of CHUNK messages at most."""
        matrix = self._matrix
        matrix.fill(0)
        stems = self._stems.numbers([text.stems for text in texts])
        start = 0
        for names, found in (
            (self._substrings.names, self._substrings.find([text.folded for text in texts])),
            (self._stems.names, present(stems)),
            (self._pairs.names, self._pairs.find(stems)),
            (self._marks.names, present(self._marks.numbers([text.marks for text in texts]))),
        ):
            matrix[(found.terms + start) * CHUNK + found.owners] = 1
            start += len(names)
        return np.packbits(matrix.reshape(-1, CHUNK), axis=1, bitorder="little")


def present(found: Found) -> Found:
    """Those words that are frequent, numbered from 0 on."""
    kept = np.flatnonzero(found.terms != 0)
    return Found(found.terms[kept] - 1, found.owners[kept])


class Piece:
    """Gathers the bitmaps of one piece."""

    def __init__(self, channels: Iterable[int]) -> None:
        """*channels*: those of its messages."""
        self._channels = sorted(channels)
        self._terms: Terms | None = None
        self._places: list[Place] = []
        self._waiting: list[Text] = []
        self._gone: set[int] = set()
        self._chunks: list[Array] = []

    def add(self, texts: Iterable[Text]) -> list[Block]:
        """Look at *texts*; the blocks that have become full."""
        some = [*texts]
        self._places += [text.place for text in some]
        self._waiting += some
        full = []
        if self._terms is None and len(self._waiting) >= SAMPLE:
            self._decide()
        while self._terms is not None and len(self._waiting) >= CHUNK:
            self._look(self._terms)
            if len(self._chunks) * CHUNK == BLOCK:
                full.append(self._take(self._terms))
        return full

    def forget(self, places: Collection[Place]) -> None:
        """The messages at *places* are no longer in the piece, as far as no block has them yet."""
        self._gone.update(numbers_of(self._places, places))

    def rest(self) -> list[Block]:
        """What is not in a full block yet."""
        terms = self._terms or self._decide()
        while self._waiting:
            self._look(terms)
        return [self._take(terms)] if self._places else []

    def _decide(self) -> Terms:
        self._terms = Terms(self._waiting[:SAMPLE], self._channels)
        return self._terms

    def _look(self, terms: Terms) -> None:
        texts, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
        self._chunks.append(terms.bitmaps(texts))

    def _take(self, terms: Terms) -> Block:
        size = len(self._places) - len(self._waiting)
        stored = packed(self._chunks)
        block = Block(
            self._places[:size],
            sum(1 << number for number in self._gone if number < size),
            dict(zip(terms.names, stored, strict=True)),
        )
        self._gone = {number - size for number in self._gone if number >= size}
        self._places = self._places[size:]
        self._chunks = []
        return block


def numbers_of(places: Sequence[int], wanted: Collection[Place]) -> list[int]:
    """The numbers of messages, by their *places*, that are at one of those *wanted*."""
    some = set(wanted)
    return [number for number, place in enumerate(places) if place in some]
