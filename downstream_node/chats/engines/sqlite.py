"""An archive in one file of SQLite, searched with FTS5."""

import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from downstream_node.chats import marks, text
from downstream_node.chats.archive import Facet, Group, Imported, Order
from downstream_node.chats.engines.sqlite_connections import Connections, explained
from downstream_node.chats.engines.sqlite_reading import Search, listed
from downstream_node.chats.engines.sqlite_writing import SqliteWriting, remove_channel
from downstream_node.chats.places import LARGEST, Place
from downstream_node.chats.query import Condition, Marked
from downstream_node.chats.records import (
    Author,
    Channel,
    Counts,
    Export,
    Guild,
    Revision,
    Stored,
)

AUTHOR = "id, name, nickname, discriminator, bot, color, avatar_url"
IMPORTED = ", ".join(
    ("number", "sha256", "name", "channel", "exported", "committed", *Counts.__struct_fields__)
)
BEYOND_ALL = "\U0010ffff"
"""Behind every text that begins like the one that it is put after."""
STORED = """
SELECT m.place, m.id, c.guild, m.channel, c.name, m.author, a.name, a.nickname, a.discriminator,
    a.bot, a.color, a.avatar_url, m.kind, m.edited, m.content, m.extras, m.reply_to, m.marks,
    m.deleted, m.revisions
FROM json_each(?) AS wanted
CROSS JOIN chat_messages AS m ON m.place = wanted.value
JOIN chat_channels AS c ON c.id = m.channel
LEFT JOIN chat_authors AS a ON a.id = m.author
"""
PINNED = marks.is_("pinned")


class SqliteArchive:
    """See `archive.Archive`."""

    def __init__(self, path: Path) -> None:
        self._connections = Connections(path)

    def prepare(self) -> None:
        """See `archive.Archive`."""
        path = self._connections.path
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # What is in it is for the node's user only; SQLite gives its log the same mode. One
            # that is there is not opened: to close it would free the locks of this process.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._connections.prepare()

    def close(self) -> None:
        """See `archive.Archive`."""
        self._connections.close()

    def version(self) -> str:
        """See `archive.Archive`."""
        return str(self._all("SELECT identity || '.' || version FROM chat_archive")[0][0])

    @contextmanager
    def writing(
        self, export: Export, sha256: bytes, name: str, now: int
    ) -> Iterator[SqliteWriting]:
        """See `archive.Archive`."""
        with self._connections.writing() as connection:
            writing = SqliteWriting(connection, export, sha256, name, now)
            yield writing
            if not writing.finished:
                connection.execute("ROLLBACK")

    def page(
        self,
        condition: Condition,
        order: Order,
        limit: int,
        after: Place | None = None,
        skip: int = 0,
    ) -> list[Stored]:
        """See `archive.Archive`."""
        with self._connections.reading() as connection:
            places = Search(connection, condition).page(order, limit, after, skip)
            return stored(connection, places)

    def count(self, condition: Condition) -> int:
        """See `archive.Archive`."""
        with self._connections.reading() as connection:
            return Search(connection, condition).count()

    def facet(self, condition: Condition, by: Facet, limit: int) -> list[Group]:
        """See `archive.Archive`."""
        with self._connections.reading() as connection:
            return Search(connection, condition).facet(by, limit)

    def one(self, message_id: int) -> Stored | None:
        """See `archive.Archive`."""
        if not 0 <= message_id <= LARGEST:
            return None
        with self._connections.reading() as connection:
            found = connection.execute(
                "SELECT place FROM chat_messages WHERE place = ?1 AND id = ?1 UNION ALL "
                "SELECT place FROM chat_messages WHERE id = ?1 AND id <> place LIMIT 1",
                (message_id,),
            )
            return next(iter(stored(connection, [place for (place,) in found])), None)

    def around(self, place: Place, channel: int, before: int, after: int) -> list[Stored]:
        """See `archive.Archive`."""
        with self._connections.reading() as connection:
            search = Search(connection, Marked(frozenset({marks.within(channel)})))
            earlier = search.page("newest", before, place, 0)
            later = search.page("oldest", after + 1, Place(place - 1), 0)
            return stored(connection, [*reversed(earlier), *later])

    def revisions(self, place: Place) -> list[Revision]:
        """See `archive.Archive`."""
        rows = self._all(
            "SELECT content, edited, replaced FROM chat_revisions WHERE place = ? "
            "ORDER BY edited IS NOT NULL, edited, replaced, number",
            place,
        )
        return [Revision(*row) for row in rows]

    def guilds(self) -> list[Guild]:
        """See `archive.Archive`."""
        return [Guild(*row) for row in self._all("SELECT * FROM chat_guilds ORDER BY name, id")]

    def channels(self) -> list[Channel]:
        """See `archive.Archive`."""
        rows = self._all(
            "SELECT c.id, c.guild, c.name, c.kind, c.category, c.topic FROM chat_channels AS c "
            "JOIN chat_guilds AS g ON g.id = c.guild ORDER BY g.name, g.id, c.name, c.id"
        )
        return [Channel(*row) for row in rows]

    def authors_named(self, name: str) -> list[Author]:
        """See `archive.Archive`."""
        number = int(name) if name.isascii() and name.isdecimal() else -1
        return self._authors(
            "folded_name = ?1 OR folded_nickname = ?1 OR id = ?2 ORDER BY id",
            text.fold(name),
            min(number, LARGEST),
        )

    def authors_like(self, beginning: str, limit: int) -> list[Author]:
        """See `archive.Archive`."""
        first = text.fold(beginning)
        return self._authors(
            "folded_name BETWEEN ?1 AND ?2 OR folded_nickname BETWEEN ?1 AND ?2 "
            "ORDER BY folded_name, id LIMIT ?3",
            first,
            first + BEYOND_ALL,
            limit,
        )

    def authors(self, ids: Collection[int]) -> list[Author]:
        """See `archive.Archive`."""
        return self._authors("id IN (SELECT value FROM json_each(?))", listed(ids))

    def imports(self, limit: int, channels: Collection[int] | None = None) -> list[Imported]:
        """See `archive.Archive`."""
        rows = self._all(
            f"SELECT {IMPORTED} FROM chat_imports "  # noqa: S608 - our names
            "WHERE ?1 IS NULL OR channel IN (SELECT value FROM json_each(?1)) "
            "ORDER BY number DESC LIMIT ?2",
            None if channels is None else listed(channels),
            limit,
        )
        return [imported_of(row) for row in rows]

    def remove_channel(self, channel: int) -> int:
        """See `archive.Archive`."""
        with self._connections.writing() as connection:
            return remove_channel(connection, channel)

    def _authors(self, condition: str, *parameters: object) -> list[Author]:
        rows = self._all(
            f"SELECT {AUTHOR} FROM chat_authors WHERE {condition}",  # noqa: S608 - our conditions
            *parameters,
        )
        return [author_of(row) for row in rows]

    def _all(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._connections.reading() as connection:
            return connection.execute(statement, parameters).fetchall()


def stored(connection: sqlite3.Connection, places: Sequence[int]) -> list[Stored]:
    """The messages at *places*, in this order."""
    rows = connection.execute(STORED, (listed(places),))
    return [stored_of(row) for row in rows]


def stored_of(row: tuple[Any, ...]) -> Stored:
    """One row of STORED as a value."""
    place, number, guild, channel, channel_name, author_id, *author = row[:12]
    kind, edited, content, extras, reply_to, own_marks, deleted, revisions = row[12:]
    # An author whom no export described has only an id.
    known = (str(author_id), None, None, 0, None, None) if author[0] is None else author
    return Stored(
        place,
        number,
        guild,
        channel,
        channel_name,
        author_of((author_id, *known)),
        kind,
        edited,
        content,
        extras.encode(),
        reply_to,
        PINNED in own_marks.split(" "),
        deleted is not None,
        revisions,
    )


def imported_of(row: tuple[Any, ...]) -> Imported:
    """A row of IMPORTED as a value."""
    number, sha256, name, channel, exported, committed, *counts = row
    return Imported(number, sha256, name, channel, exported, committed, Counts(*counts))


def author_of(row: Sequence[Any]) -> Author:
    """A row of AUTHOR as a value."""
    number, name, nickname, discriminator, bot, color, avatar_url = row
    return Author(number, name, nickname, discriminator, bool(bot), color, avatar_url)
