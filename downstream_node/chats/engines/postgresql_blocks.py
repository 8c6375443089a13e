"""Bitmaps of frequent terms in PostgreSQL, by which searches with very many hits are counted.

PostgreSQL visits the row of each hit that an index finds; bitmaps need no rows. A piece has blocks
with bitmaps of all its messages, or none. Blocks are written once: of a message that was changed
or removed, its block notes that it is gone. What bitmaps leave open is looked up, row by row if
these are few, else for the whole piece.
"""

import sys
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

from downstream_node.chats.engines import frequent
from downstream_node.chats.engines.bitmaps import unpacked
from downstream_node.chats.engines.blocks import Block, exact_term, leaves, parts_of
from downstream_node.chats.engines.postgresql_conditions import Span, clause, has_index, span
from downstream_node.chats.engines.postgresql_months import piece_name
from downstream_node.chats.engines.postgresql_pool import Connection, run
from downstream_node.chats.places import Place
from downstream_node.chats.query import Between, Condition, Marked
from downstream_node.chats.records import Message

FEW = 50
"""Of so many messages of a piece, one may be looked at by itself where bitmaps leave it open; if
more are open, the indexes find the hits of the piece."""
FEW_UNINDEXED = 8
"""The same where the indexes would have to look at all messages."""
MOST_TERMS = 200
"""Bitmaps asked for together; without the others, more is left open."""
FETCHED = 2000
"""Rows of a piece read at once."""


def stored(places: Sequence[Place]) -> bytes:
    """*places* as bytes, the lowest first."""
    numbers = array("q", places)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def read(places: bytes) -> "array[int]":
    """What `stored` made."""
    numbers = array("q", places)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


# Writing


class Row(NamedTuple):
    """A `frequent.Text` out of chat_messages."""

    place: Place
    folded: str
    stems: list[str]
    marks: list[str]


def write(connection: Connection, piece: int, block: frequent.Block, channels: list[int]) -> None:
    """Store a *block* of *piece* with its bitmaps."""
    size = len(block.places)
    [(number,)] = run(
        connection,
        "INSERT INTO chat_blocks (piece, size, first, last, ordered, channels, places, gone) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING number",
        [
            *(piece, size, min(block.places), max(block.places)),
            *(block.places == sorted(block.places), channels),
            *(stored(block.places), bits_of(block.gone, size)),
        ],
    )
    statement = "COPY chat_bits (block, term, bits) FROM STDIN WITH (FORMAT BINARY)"
    with connection.cursor().copy(statement) as copy:
        copy.set_types(["int4", "text", "bytea"])
        for row in sorted(block.bitmaps.items()):
            copy.write_row((number, *row))


def has_blocks(connection: Connection, piece: int) -> bool:
    """Whether the messages of *piece* are in blocks."""
    found = run(connection, "SELECT 1 FROM chat_blocks WHERE piece = %s LIMIT 1", [piece])
    return bool(found)


def drop(connection: Connection, pieces: Collection[int]) -> None:
    """Forget the blocks of *pieces*."""
    run(
        connection,
        "WITH gone AS (DELETE FROM chat_blocks WHERE piece = ANY(%s) RETURNING number) "
        "DELETE FROM chat_bits USING gone WHERE block = gone.number",
        [list(pieces)],
    )


def make(connection: Connection, piece: int, least: int) -> None:
    """Make the blocks of *piece* out of its rows, if it has so many and numpy is there."""
    if not frequent.is_possible():
        return
    within = "FROM chat_messages WHERE piece = %s"
    [(size,)] = run(connection, f"SELECT count(*) {within}", [piece])
    if size < least:
        return
    channels = [
        channel for (channel,) in run(connection, f"SELECT DISTINCT channel {within}", [piece])
    ]
    building = frequent.Piece(channels)
    with connection.cursor("chat_texts") as cursor:
        cursor.itersize = FETCHED
        cursor.execute(f"SELECT place, folded, stems, marks {within} ORDER BY place", [piece])
        while rows := cursor.fetchmany(FETCHED):
            texts = [
                Row(place, folded, stems.split(" ")[1:-1], marks.split(" "))
                for place, folded, stems, marks in rows
            ]
            for block in building.add(texts):
                write(connection, piece, block, channels)
    for block in building.rest():
        write(connection, piece, block, channels)


def forget(connection: Connection, piece: int, places: Collection[Place]) -> None:
    """The messages at *places* are no longer in *piece*."""
    if not places:
        return
    rows = run(
        connection,
        "SELECT number, size, places, gone FROM chat_blocks "
        "WHERE piece = %s AND first <= %s AND last >= %s",
        [piece, max(places), min(places)],
    )
    for number, size, known, gone in rows:
        bits = int.from_bytes(gone, "little")
        for bit in frequent.numbers_of(read(known), places):
            bits |= 1 << bit
        run(
            connection,
            "UPDATE chat_blocks SET gone = %s WHERE number = %s",
            [bits_of(bits, size), number],
        )


class Gathering:
    """The blocks of a piece that an import fills, written as soon as they are full.

    Exports are in order of time, so a piece is filled in one go. Of one that is not, the blocks
    would be small and many: it gets them at the end of the import, out of its rows.
    """

    def __init__(
        self,
        connection: Connection,
        submit: Callable[[Callable[[], None]], None],
        piece: int,
        channel: int,
    ) -> None:
        """*submit* has work on *connection* done, later and in order."""
        self._connection = connection
        self._submit = submit
        self._piece = piece
        self._channels = [channel]
        self._building = frequent.Piece(self._channels) if frequent.is_possible() else None
        self._ended = False
        self._written = False

    def add(self, messages: Sequence[Message]) -> None:
        """Look at *messages*, which the piece gets."""
        if self._ended:
            self.give_up()
        if self._building is not None:
            self._write(self._building.add(messages))

    def end(self) -> None:
        """Write the rest: no more messages are expected."""
        if self._building is not None and not self._ended:
            self._ended = True
            self._write(self._building.rest())

    def give_up(self) -> None:
        """Have no blocks after all."""
        self._building = None
        if self._written:
            self._written = False
            self._submit(partial(drop, self._connection, [self._piece]))

    def forget(self, places: Collection[Place]) -> None:
        """The messages at *places* are no longer in the piece. Nothing may be waiting."""
        if self._building is not None:
            self._building.forget(places)
        if self._written:
            forget(self._connection, self._piece, places)

    def _write(self, blocks: Iterable[frequent.Block]) -> None:
        for block in blocks:
            self._written = True
            self._submit(partial(write, self._connection, self._piece, block, self._channels))


# Counting


class Counting:
    """Counts what meets *condition*, by the bitmaps as far as they tell it.

    All its statements have to see the same archive: the caller has begun a transaction.
    """

    def __init__(self, connection: Connection, condition: Condition) -> None:
        self._connection = connection
        self._condition = condition
        rows = run(connection, BLOCKS)
        # Of all pieces, by number.
        self._tables = {
            number: piece_name(month, number)
            for number, month in run(connection, "SELECT number, month FROM chat_pieces")
        }
        self._blocks = [
            Block(number, piece, size, first, last, ordered, frozenset(channels), there(size, gone))
            for number, piece, size, first, last, ordered, channels, gone in rows
        ]

    def count(self) -> int:
        """How many there are."""
        exact = {term for leaf in leaves(self._condition) for term in exact_terms(leaf)}
        where, _ = span(self._condition)
        within = [block for block in self._blocks if not block.is_outside(where)]
        cut = [
            block
            for block in within
            if any(block.is_cut(Span(one.first, one.beyond)) for one in self._ranges())
        ]
        self._load_places(cut)
        self._load_bitmaps(within, exact)
        narrower = [block for block in within if self._open(block)]
        if narrower:
            parts = {term for leaf in leaves(self._condition) for term in parts_of(leaf)}
            self._load_bitmaps(narrower, parts - exact)
        return self._counted(within)

    def _ranges(self) -> list[Between]:
        return [leaf for leaf in leaves(self._condition) if isinstance(leaf, Between)]

    def _open(self, block: Block) -> int:
        """Messages of *block* of which the bitmaps do not tell whether they are hits."""
        bounds = block.bounds(self._condition)
        return bounds.possible & ~bounds.sure

    def _counted(self, within: list[Block]) -> int:
        """Hits by the bitmaps, and those that have to be looked for."""
        found = 0
        few: list[Block] = []
        many: set[int] = set()
        most = FEW if has_index(self._condition) else FEW_UNINDEXED
        for piece, some in groupby(within, lambda block: block.piece):
            blocks = [*some]
            left_open = sum(self._open(block).bit_count() for block in blocks)
            if left_open * most > sum(block.size for block in blocks):
                many.add(piece)
                continue
            found += sum(block.bounds(self._condition).sure.bit_count() for block in blocks)
            few += [block for block in blocks if left_open and self._open(block)]
        self._load_places([block for block in few if not block.places])
        answered = {block.piece for block in self._blocks} - many
        return found + self._looked_at(few) + self._by_index(answered)

    def _looked_at(self, blocks: Iterable[Block]) -> int:
        """Hits among what is open in *blocks*."""
        meets = clause(self._condition)
        pieces, values = [], []
        for piece, some in groupby(blocks, lambda block: block.piece):
            places = [place for block in some for place in block.places_of(self._open(block))]
            # By its own name: finding it among all pieces takes longer than looking it up.
            pieces.append(
                f"SELECT * FROM (SELECT * FROM {self._tables[piece]} "  # noqa: S608 - our words
                f"WHERE place = ANY(%s) OFFSET 0) m WHERE {meets.sql}"
            )
            values += [places, *meets.values]
        if not pieces:
            return 0
        union = " UNION ALL ".join(pieces)
        [(found,)] = run(self._connection, f"SELECT count(*) FROM ({union}) hits", values)  # noqa: S608
        return int(found)

    def _by_index(self, answered: Collection[int]) -> int:
        """Hits in all other pieces."""
        others = [number for number in self._tables if number not in answered]
        if not others:
            return 0
        meets = clause(self._condition)
        # A list of all pieces would only keep the planner busy.
        only, values = ("piece = ANY(%s) AND", [others]) if answered else ("", [])
        [(found,)] = run(
            self._connection,
            f"SELECT count(*) FROM chat_messages WHERE {only} {meets.sql}",  # noqa: S608
            [*values, *meets.values],
        )
        return int(found)

    def _load_bitmaps(self, blocks: list[Block], terms: Collection[str]) -> None:
        by_number = {block.number: block for block in blocks}
        if not blocks or not terms:
            return
        cursor = self._connection.cursor(binary=True)
        cursor.execute(BITMAPS, [[*by_number], [*terms][:MOST_TERMS]])
        for number, term, bits in cursor:
            by_number[number].bitmaps[term] = unpacked(bits)

    def _load_places(self, blocks: list[Block]) -> None:
        by_number = {block.number: block for block in blocks}
        if not blocks:
            return
        cursor = self._connection.cursor(binary=True)
        cursor.execute(
            "SELECT number, places FROM chat_blocks WHERE number = ANY(%s)", [[*by_number]]
        )
        for number, places in cursor:
            by_number[number].places.extend(read(places))


def bits_of(messages: int, size: int) -> bytes:
    """*messages* of a block of *size* as stored: most often there are none."""
    return messages.to_bytes((size + 7) // 8, "little") if messages else b""


def there(size: int, gone: bytes) -> int:
    """Of *size* messages those that are not *gone*, as bits."""
    return ((1 << size) - 1) & ~int.from_bytes(gone, "little")


def exact_terms(leaf: Condition) -> set[str]:
    """The terms by whose bitmaps the hits of *leaf* are known."""
    if isinstance(leaf, Marked):
        return set(leaf.marks)
    term = exact_term(leaf)
    return set() if term is None else {term}


BLOCKS = """
SELECT number, piece, size, first, last, ordered, channels, gone FROM chat_blocks
ORDER BY piece, number
"""
BITMAPS = """
SELECT b.number, found.term, found.bits FROM unnest(%s::int[]) AS b(number) CROSS JOIN LATERAL (
    SELECT term, bits FROM chat_bits WHERE block = b.number AND term = ANY(%s) OFFSET 0
) found
"""
