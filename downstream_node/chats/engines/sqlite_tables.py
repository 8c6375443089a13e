"""Batches of rows and their entries in the indexes of an archive in SQLite.

A statement takes many rows in one step, in which the interpreter is free for the thread that reads
the export. With `executemany` each row would be a step, and would wait up to 5 ms for the
interpreter behind that thread.

At the end of each statement of several rows, FTS5 writes out what it has gathered: so texts wait
for their index until there are many, and go there as the one JSON parameter of one statement. It
goes as bytes: a text with one picture in it has four bytes for each character in Python.
"""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

import msgspec

from downstream_node.chats import marks, text
from downstream_node.chats.engines.sqlite_search import (
    SHORTS,
    TRIGRAMS,
    WORDS,
    Span,
    quoted,
    shorts_text,
    words_text,
)
from downstream_node.chats.merging import Known
from downstream_node.chats.places import Place

BATCH = 8000
"""Messages that are stored together; 8 MB or so."""
GATHERED = 6 * BATCH
"""Texts that wait for the three indexes together. One of them has its turn at each batch, so it
takes half of that, and whoever reads never waits for all three."""
SIZES = (512, 64, 8, 1)
"""Rows that one statement takes: SQLite keeps the compiled statements, so there are only a few."""
DELETED = marks.is_("deleted")

COLUMNS = (
    *("place", "id", "channel", "author", "kind", "edited", "exported", "deleted", "reply_to"),
    *("fingerprint", "revisions", "marks", "content", "extras"),
)
INSERT_MESSAGES = f"INSERT INTO chat_messages ({', '.join(COLUMNS)})"
REPLACE_MESSAGES = INSERT_MESSAGES.replace("INSERT", "REPLACE", 1)

GIVEN = "json_each(CAST(? AS TEXT))"
"""The rows that a statement gets as JSON in bytes."""

encode = msgspec.json.Encoder().encode


class Row(NamedTuple):
    """One row of chat_messages."""

    place: Place
    id: int
    channel: int
    author: int
    kind: str
    edited: int | None
    exported: int
    deleted: int | None
    reply_to: int | None
    fingerprint: int
    revisions: int
    marks: str
    content: str
    extras: str

    @property
    def known(self) -> Known:
        """What decides about a message that comes for this row."""
        return Known(
            self.id, self.channel, self.fingerprint, self.edited, self.exported, self.deleted
        )


class Indexed(NamedTuple):
    """What the indexes have of a message."""

    words: str
    folded: str


PARTS = {WORDS: 0, TRIGRAMS: 1, SHORTS: 1}
"""Which part each index gets."""


def indexed(row: Row) -> Indexed:
    """What the indexes have of *row*, worked out again: they keep no texts."""
    return Indexed(words_of(row), text.fold(row.content))


def words_of(row: Row) -> str:
    """What the index of words has of *row*."""
    own = [row.marks] if row.deleted is None else [row.marks, DELETED]
    return words_text(text.stems(row.content), own)


Change = tuple[Row, Row]
"""A row as it was and as it is to be."""
Revised = tuple[Place, str, int | None, int]
"""A text that a message no longer has: its place, the text, when edited, when replaced."""

decode_known = msgspec.json.Decoder(list[tuple[Place, Known]]).decode
decode_rows = msgspec.json.Decoder(list[Row]).decode
decode_texts = msgspec.json.Decoder(list[tuple[Place, str]]).decode


def batched(places: Iterable[int]) -> Iterator[list[int]]:
    """*places* in lists of at most BATCH."""
    rest = iter(places)
    while some := list(islice(rest, BATCH)):
        yield some


def entries(index: str, command: str = "") -> str:
    """The statement that gives texts by place to *index*, to know or, for "delete", to forget."""
    columns, values = (f"{index}, ", f"'{command}', ") if command else ("", "")
    return (
        f"INSERT INTO {index} ({columns}rowid, text) "  # noqa: S608 - our names
        f"SELECT {values}CAST(key AS INTEGER), value FROM {GIVEN}"
    )


Texts = dict[Place, str]
"""What an index has of messages."""


def given_to(index: str, texts: Texts) -> bytes:
    """What *index* gets of *texts*, as JSON."""
    if index == SHORTS:
        return encode({place: shorts_text(folded) for place, folded in texts.items()})
    return encode(texts)


class Tables:
    """Messages and what the indexes have of them, in the transaction of *connection*."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._waiting: dict[str, Texts] = {WORDS: {}, TRIGRAMS: {}, SHORTS: {}}

    def run(self, statement: str, rows: Sequence[object]) -> None:
        """Run *statement* over *rows*, which it gets as JSON."""
        if rows:
            self.connection.execute(statement, (encode(rows),))

    def put(self, statement: str, rows: Sequence[Row]) -> None:
        """Run *statement*, an INSERT but for its values, over *rows*."""
        value = f"({', '.join('?' * len(COLUMNS))})"
        start = 0
        for size in SIZES:
            values = ", ".join([value] * size)
            while len(rows) - start >= size:
                some = chain.from_iterable(rows[start : start + size])
                self.connection.execute(f"{statement} VALUES {values}", tuple(some))
                start += size

    def insert(self, rows: Sequence[Row], texts: Sequence[Indexed]) -> None:
        """Store new rows, with what the indexes get of each, in order of places."""
        self.put(INSERT_MESSAGES, rows)
        for row, (words, folded) in zip(rows, texts, strict=True):
            self._waiting[WORDS][row.place] = words
            self._waiting[TRIGRAMS][row.place] = folded
            self._waiting[SHORTS][row.place] = folded
        if sum(map(len, self._waiting.values())) >= GATHERED:
            self._write(max(self._waiting, key=lambda index: len(self._waiting[index])))

    def settle(self) -> None:
        """Give the indexes all that waits for them."""
        for index in self._waiting:
            self._write(index)

    def _write(self, index: str) -> None:
        texts, self._waiting[index] = self._waiting[index], {}
        if texts:
            given = given_to(index, texts)
            # They take megabytes, and so will what the index makes of them.
            del texts
            self.connection.execute(entries(index), (given,))

    def _tell(self, index: str, texts: Texts, command: str = "") -> None:
        """Have *index* know texts or, for "delete", forget them."""
        if texts:
            self.connection.execute(entries(index, command), (given_to(index, texts),))

    def replace(self, changes: Sequence[Change]) -> None:
        """Put new rows in place of old ones, in the indexes as well."""
        self.settle()
        self.put(REPLACE_MESSAGES, [new for _, new in changes])
        known = [(old.place, indexed(old), indexed(new)) for old, new in changes]
        for index, part in PARTS.items():
            told = [(place, old[part], new[part]) for place, old, new in known]
            told = [change for change in told if change[1] != change[2]]
            self._tell(index, {place: old for place, old, _ in told}, "delete")
            self._tell(index, {place: new for place, _, new in told})

    def remove(self, places: Sequence[int]) -> None:
        """Remove the messages at *places* with all that was kept of them."""
        self.settle()
        rows = self.rows(places).values()
        for index, part in PARTS.items():
            self._tell(index, {row.place: indexed(row)[part] for row in rows}, "delete")
        for table in ("chat_messages", "chat_revisions"):
            self.run(
                f"DELETE FROM {table} "  # noqa: S608 - our names
                f"WHERE place IN (SELECT value FROM {GIVEN})",
                places,
            )

    def of_channel(self, channel: int, within: Span) -> Sequence[int]:
        """The places of all messages of a channel in this range, in order."""
        self.settle()
        found = self.connection.execute(
            "SELECT rowid FROM chat_words WHERE chat_words MATCH ? AND rowid BETWEEN ? AND ?",
            (quoted(marks.within(channel)), *within),
        )
        return array("q", (place for (place,) in found))

    def known(self, places: Sequence[Place]) -> dict[Place, Known]:
        """What is known of the messages at *places*."""
        found = self._listed(
            "SELECT json_group_array(json_array(m.place, json_array(m.id, m.channel, "  # noqa: S608 - ours
            "m.fingerprint, m.edited, m.exported, m.deleted))) "
            f"FROM {GIVEN} CROSS JOIN chat_messages AS m ON m.place = value",
            places,
        )
        return dict(decode_known(found))

    def rows(self, places: Sequence[int]) -> dict[Place, Row]:
        """The rows of the messages at *places*, in this order."""
        found = self._listed(
            f"SELECT json_group_array(json_array({', '.join(f'm.{name}' for name in COLUMNS)})) "  # noqa: S608 - ours
            f"FROM {GIVEN} CROSS JOIN chat_messages AS m ON m.place = value",
            places,
        )
        return {row.place: row for row in decode_rows(found)}

    def revised(self, places: Sequence[Place]) -> dict[Place, set[str]]:
        """The texts that are kept as revisions of the messages at *places*."""
        found = self._listed(
            "SELECT json_group_array(json_array(place, content)) "  # noqa: S608 - ours
            f"FROM {GIVEN} CROSS JOIN chat_revisions ON place = value",
            places,
        )
        texts: dict[Place, set[str]] = {}
        for place, content in decode_texts(found):
            texts.setdefault(place, set()).add(content)
        return texts

    def _listed(self, statement: str, places: Sequence[int]) -> str:
        """The one value that *statement* gives for *places*: rows as JSON, in one step."""
        found = self.connection.execute(statement, (encode(places),)).fetchone()
        return str(found[0])
