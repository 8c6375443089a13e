"""Batches of rows and their entries in the indexes of an archive in SQLite.

A batch travels as one JSON parameter of each statement, and a statement takes it in one step, in
which the interpreter is free for the thread that reads the export. With `executemany` each row
would be a step, and would wait up to 5 ms for the interpreter behind that thread.
"""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
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

BATCH = 4000
"""Messages that one statement takes; 4 MB or so."""
DELETED = marks.is_("deleted")

COLUMNS = (
    *("place", "id", "channel", "author", "kind", "edited", "exported", "deleted", "reply_to"),
    *("fingerprint", "revisions", "marks", "content", "extras"),
)
PICKED = ", ".join(f"value ->> {number}" for number in range(len(COLUMNS)))
INSERT_MESSAGES = (
    f"INSERT INTO chat_messages ({', '.join(COLUMNS)}) "  # noqa: S608 - our names
    f"SELECT {PICKED} FROM json_each(?)"
)
REPLACE_MESSAGES = INSERT_MESSAGES.replace("INSERT", "REPLACE", 1)

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
        f"SELECT {values}CAST(key AS INTEGER), value FROM json_each(?)"
    )


class Tables:
    """Messages and what the indexes have of them, in the transaction of *connection*."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def run(self, statement: str, rows: Sequence[object] | Mapping[Place, str]) -> None:
        """Run *statement* over *rows*, which it gets as JSON."""
        if rows:
            self.connection.execute(statement, (encode(rows).decode(),))

    def insert(self, rows: Sequence[Row], texts: Sequence[Indexed]) -> None:
        """Store new rows, with what the indexes get of each, in order of places."""
        self.run(INSERT_MESSAGES, rows)
        pairs = list(zip(rows, texts, strict=True))
        self.run(entries(WORDS), {row.place: known.words for row, known in pairs})
        self._folded({row.place: known.folded for row, known in pairs})

    def replace(self, changes: Sequence[Change]) -> None:
        """Put new rows in place of old ones, in the indexes as well."""
        self.run(REPLACE_MESSAGES, [new for _, new in changes])
        known = [(old.place, indexed(old), indexed(new)) for old, new in changes]
        words = [(place, old.words, new.words) for place, old, new in known]
        words = [change for change in words if change[1] != change[2]]
        self.run(entries(WORDS, "delete"), {place: old for place, old, _ in words})
        self.run(entries(WORDS), {place: new for place, _, new in words})
        folded = [(place, old.folded, new.folded) for place, old, new in known]
        folded = [change for change in folded if change[1] != change[2]]
        self._folded({place: old for place, old, _ in folded}, "delete")
        self._folded({place: new for place, _, new in folded})

    def remove(self, places: Sequence[int]) -> None:
        """Remove the messages at *places* with all that was kept of them."""
        rows = self.rows(places).values()
        self.run(entries(WORDS, "delete"), {row.place: words_of(row) for row in rows})
        self._folded({row.place: text.fold(row.content) for row in rows}, "delete")
        for table in ("chat_messages", "chat_revisions"):
            self.run(
                f"DELETE FROM {table} "  # noqa: S608 - our names
                "WHERE place IN (SELECT value FROM json_each(?))",
                places,
            )

    def _folded(self, texts: Mapping[Place, str], command: str = "") -> None:
        """Tell both indexes for literal parts of folded texts."""
        self.run(entries(TRIGRAMS, command), texts)
        shorts = {place: shorts_text(content) for place, content in texts.items()}
        self.run(entries(SHORTS, command), shorts)

    def of_channel(self, channel: int, within: Span) -> Sequence[int]:
        """The places of all messages of a channel in this range, in order."""
        found = self.connection.execute(
            "SELECT rowid FROM chat_words WHERE chat_words MATCH ? AND rowid BETWEEN ? AND ?",
            (quoted(marks.within(channel)), *within),
        )
        return array("q", (place for (place,) in found))

    def known(self, places: Sequence[Place]) -> dict[Place, Known]:
        """What is known of the messages at *places*."""
        found = self._listed(
            "SELECT json_group_array(json_array(m.place, json_array(m.id, m.channel, "
            "m.fingerprint, m.edited, m.exported, m.deleted))) "
            "FROM json_each(?) CROSS JOIN chat_messages AS m ON m.place = value",
            places,
        )
        return dict(decode_known(found))

    def rows(self, places: Sequence[int]) -> dict[Place, Row]:
        """The rows of the messages at *places*, in this order."""
        found = self._listed(
            f"SELECT json_group_array(json_array({', '.join(f'm.{name}' for name in COLUMNS)})) "  # noqa: S608 - ours
            "FROM json_each(?) CROSS JOIN chat_messages AS m ON m.place = value",
            places,
        )
        return {row.place: row for row in decode_rows(found)}

    def revised(self, places: Sequence[Place]) -> dict[Place, set[str]]:
        """The texts that are kept as revisions of the messages at *places*."""
        found = self._listed(
            "SELECT json_group_array(json_array(place, content)) "
            "FROM json_each(?) CROSS JOIN chat_revisions ON place = value",
            places,
        )
        texts: dict[Place, set[str]] = {}
        for place, content in decode_texts(found):
            texts.setdefault(place, set()).add(content)
        return texts

    def _listed(self, statement: str, places: Sequence[int]) -> str:
        """The one value that *statement* gives for *places*: rows as JSON, in one step."""
        found = self.connection.execute(statement, (encode(places).decode(),)).fetchone()
        return str(found[0])
