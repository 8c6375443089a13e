"""One import into an archive in SQLite."""

import sqlite3
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from downstream_node.chats import marks, merging, tallies, text
from downstream_node.chats.engines.sqlite_search import Span, quoted, words_text
from downstream_node.chats.engines.sqlite_tables import (
    BATCH,
    GIVEN,
    Change,
    Indexed,
    Revised,
    Row,
    Tables,
    batched,
)
from downstream_node.chats.merging import Fate, Known
from downstream_node.chats.places import LARGEST, Place, month_of
from downstream_node.chats.records import Author, Counts, Export, Message
from downstream_node.errors import InvalidExport

INSERT_GUILD = (
    "INSERT INTO chat_guilds VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
    "SET name = excluded.name, icon_url = excluded.icon_url "
    "WHERE (name, icon_url) IS NOT (excluded.name, excluded.icon_url)"
)
INSERT_NEW_GUILD = "INSERT INTO chat_guilds VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING"
INSERT_CHANNEL = (
    "INSERT INTO chat_channels VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
    "SET name = excluded.name, kind = excluded.kind, category = excluded.category, "
    "topic = excluded.topic, exported = excluded.exported WHERE exported < excluded.exported"
)
AUTHOR_COLUMNS = (
    *("name", "nickname", "discriminator", "bot", "color", "avatar_url"),
    *("folded_name", "folded_nickname", "exported"),
)
INSERT_AUTHORS = (
    f"INSERT INTO chat_authors (id, {', '.join(AUTHOR_COLUMNS)}) "  # noqa: S608 - our names
    f"SELECT {', '.join(f'value ->> {number}' for number in range(10))} "
    # The WHERE keeps SQLite from reading ON as part of a join.
    f"FROM {GIVEN} WHERE 1 ON CONFLICT (id) DO UPDATE "
    f"SET {', '.join(f'{name} = excluded.{name}' for name in AUTHOR_COLUMNS)} "
    "WHERE exported < excluded.exported"
)
INSERT_REVISIONS = (
    "INSERT INTO chat_revisions (place, content, edited, replaced) "  # noqa: S608 - ours
    f"SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM {GIVEN}"
)

MOST_TALLIES = 100_000
"""Counts that are kept in memory; 20 MB."""


def row_of(message: Message, moment: int, deleted: int | None, revisions: int) -> Row:
    """The row of *message* out of an export made at *moment*.

    Raises InvalidExport for a text that SQLite would cut off.
    """
    if "\0" in message.content:
        raise InvalidExport(f"Message {message.id} contains a NUL character.")
    return Row(
        message.place,
        message.id,
        message.channel,
        message.author,
        message.kind,
        message.edited,
        moment,
        deleted,
        message.reply_to,
        message.fingerprint,
        revisions,
        " ".join(message.marks),
        message.content,
        message.extras.decode(),
    )


def is_among(places: Sequence[int], place: int) -> bool:
    """Whether *place* is one of *places*, which are sorted."""
    position = bisect_left(places, place)
    return position < len(places) and places[position] == place


class SqliteWriting:
    """See `archive.Writing`."""

    def __init__(
        self, connection: sqlite3.Connection, export: Export, sha256: bytes, name: str, now: int
    ) -> None:
        self._connection = connection
        self._tables = Tables(connection)
        self._export = export
        self._import = (sha256, name, export.channel.id, export.exported, now)
        self._moment = merging.moment_of(export.exported, now)
        self._waiting: list[Message] = []
        self._seen = array("q")
        """Places of all messages of the export: 8 bytes each."""
        self._counts: Counter[str] = Counter()
        self._tallies: Counter[tallies.Tally] = Counter()
        self._changes_before = connection.total_changes
        self.finished = False
        self._know_channel()

    def _know_channel(self) -> None:
        """Store guild and channel. Raises InvalidExport if the channel was in another guild."""
        guild, channel = self._export.guild, self._export.channel
        run = self._connection.execute
        found = run("SELECT guild FROM chat_channels WHERE id = ?", (channel.id,)).fetchone()
        if found is not None and found[0] != guild.id:
            raise InvalidExport(
                f"Channel {channel.id} is of guild {found[0]} in the archive, and of guild "
                f"{guild.id} in this export."
            )
        later = "SELECT 1 FROM chat_channels WHERE guild = ? AND exported > ?"
        if not self._export.names_guild:
            run(INSERT_NEW_GUILD, msgspec.structs.astuple(guild))
        elif run(later, (guild.id, self._moment)).fetchone() is None:
            run(INSERT_GUILD, msgspec.structs.astuple(guild))
        run(INSERT_CHANNEL, (*msgspec.structs.astuple(channel), self._moment))

    def authors(self, authors: Iterable[Author]) -> None:
        """See `archive.Writing`."""
        self._tables.run(INSERT_AUTHORS, [self._author(author) for author in authors])

    def _author(self, author: Author) -> tuple[object, ...]:
        nickname = None if author.nickname is None else text.fold(author.nickname)
        names = (text.fold(author.name), nickname)
        return (*msgspec.structs.astuple(author), *names, self._moment)

    def add(self, batch: Sequence[Message]) -> None:
        """See `archive.Writing`."""
        self._seen.extend(message.place for message in batch)
        self._waiting += batch
        if len(self._waiting) >= BATCH:
            self._flush()

    def missing(self, first: Place, beyond: Place) -> None:
        """See `archive.Writing`."""
        self._flush()
        within = Span(max(first, -LARGEST), min(beyond - 1, LARGEST))
        stored = self._tables.of_channel(self._export.channel.id, within)
        seen = sorted(self._seen)
        for places in batched(place for place in stored if not is_among(seen, place)):
            rows = self._tables.rows(places).values()
            missed = [row for row in rows if merging.is_missed(row.known, self._moment)]
            self._counts["deleted"] += len(missed)
            self._tables.replace([(row, row._replace(deleted=self._moment)) for row in missed])

    def finish(self, broken: int) -> Counts:
        """See `archive.Writing`."""
        self._flush()
        self._tables.settle()
        self._write_tallies()
        total = {name: self._counts[name] for name in Counts.__struct_fields__}
        total["broken"] = broken + self._counts[Fate.FOREIGN.value]
        counts = Counts(**total)
        if self._connection.total_changes > self._changes_before:
            self._connection.execute("UPDATE chat_archive SET version = version + 1")
        self._connection.execute(
            "INSERT INTO chat_imports (sha256, name, channel, exported, committed, "  # noqa: S608
            f"{', '.join(total)}) VALUES ({', '.join('?' * 12)})",
            (*self._import, *total.values()),
        )
        self.finished = True
        return counts

    def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        for part in merging.distinct(batch):
            # In order of places: at each step back, FTS5 writes out what it has gathered.
            self._store(sorted(part, key=lambda message: message.place))

    def _store(self, batch: Sequence[Message]) -> None:
        """Store some messages, no two of one place."""
        known = self._tables.known([message.place for message in batch])
        new = [message for message in batch if message.place not in known]
        self._counts[Fate.NEW.value] += len(new)
        others = []
        for message in batch if known else ():
            stored = known.get(message.place)
            if stored is not None:
                fate = merging.decide(message, stored, self._moment)
                self._counts[fate.value] += 1
                if self._touches(fate, stored):
                    others.append((message, fate))
        self._tally(tallies.of(new))
        self._tables.insert(
            [row_of(message, self._moment, None, 0) for message in new],
            [Indexed(words_text(message.stems, message.marks), message.folded) for message in new],
        )
        if others:
            self._merge(others)

    def _tally(self, more: Mapping[tallies.Tally, int]) -> None:
        """Count messages by author and month."""
        self._tallies.update(more)
        if len(self._tallies) > MOST_TALLIES:
            self._write_tallies()

    def _write_tallies(self) -> None:
        """Add what was counted to what there is of the channel."""
        channel = self._export.channel.id
        self._connection.executemany(
            tallies.ADD.format("?, ?, ?, ?"),
            [(channel, *tally, count) for tally, count in sorted(self._tallies.items()) if count],
        )
        self._tallies.clear()

    def _touches(self, fate: Fate, stored: Known) -> bool:
        """Whether this changes what is stored."""
        if fate in {Fate.UNCHANGED, Fate.FOREIGN}:
            return fate is Fate.UNCHANGED and merging.is_restored(stored, self._moment)
        return True

    def _merge(self, others: Sequence[tuple[Message, Fate]]) -> None:
        """Change stored messages, and keep the texts that they do not have."""
        places = [message.place for message, _ in others]
        rows = self._tables.rows(places)
        texts = self._tables.revised(places)
        changes: list[Change] = []
        revisions: list[Revised] = []
        for message, fate in others:
            old = rows[message.place]
            new, lost = self._merged(message, fate, old)
            if lost[1] not in {new.content, *texts.get(old.place, ())}:
                revisions.append(lost)
                new = new._replace(revisions=old.revisions + 1)
            if new != old:
                changes.append((old, new))
        self._tables.replace(changes)
        self._tables.run(INSERT_REVISIONS, revisions)
        for old, new in changes:
            # Of a message of a webhook, say, a later export may tell another author.
            if old.author != new.author:
                month = month_of(old.place)
                self._tally({(old.author, month): -1, (new.author, month): 1})

    def _merged(self, message: Message, fate: Fate, old: Row) -> tuple[Row, Revised]:
        """The row that is to be in place of *old*, and the text that it does not have."""
        restored = merging.is_restored(old.known, self._moment)
        self._counts["restored"] += restored
        deleted = None if restored else old.deleted
        if fate is Fate.CHANGED:
            new = row_of(message, self._moment, deleted, old.revisions)
            return new, (old.place, old.content, old.edited, self._moment)
        lost = (old.place, message.content, message.edited, old.exported)
        return old._replace(deleted=deleted), lost


def remove_channel(connection: sqlite3.Connection, channel: int) -> int:
    """See `archive.Archive`; in the transaction of *connection*."""
    # Else the texts stay in the file until their pages are used again. Not while importing: an
    # index in FTS5 gives up pages all the time, and no text goes then.
    connection.execute("PRAGMA secure_delete = ON")
    tables = Tables(connection)
    places = tables.of_channel(channel, Span())
    for some in batched(places):
        tables.remove(some)
    connection.execute("DELETE FROM chat_tallies WHERE channel = ?", (channel,))
    connection.execute("DELETE FROM chat_channels WHERE id = ?", (channel,))
    connection.execute("DELETE FROM chat_guilds WHERE id NOT IN (SELECT guild FROM chat_channels)")
    forget_authors(connection)
    connection.execute("UPDATE chat_archive SET version = version + 1")
    return len(places)


def forget_authors(connection: sqlite3.Connection) -> None:
    """Remove the authors of whom there is no message, and whom none mentions."""
    silent = connection.execute(
        "SELECT id FROM chat_authors "
        "WHERE id NOT IN (SELECT author FROM chat_tallies WHERE messages > 0)"
    ).fetchall()
    mentioning = "SELECT 1 FROM chat_words WHERE chat_words MATCH ? LIMIT 1"
    for (author,) in silent:
        mark = quoted(marks.mentions(author))
        if connection.execute(mentioning, (mark,)).fetchone() is None:
            connection.execute("DELETE FROM chat_authors WHERE id = ?", (author,))
