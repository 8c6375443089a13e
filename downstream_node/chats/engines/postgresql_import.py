"""One import into PostgreSQL: one transaction that no reader waits for.

What a message replaces is decided in the thread that reads the export; new rows go to the server
through a `Pipeline`, and everything else that the transaction does waits until that is empty.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache, partial

import psycopg
from psycopg import errors

from downstream_node.chats import merging, tallies
from downstream_node.chats.engines import postgresql_blocks as blocks
from downstream_node.chats.engines.postgresql_conditions import SUBSTRING, lexeme, signs, spaced
from downstream_node.chats.engines.postgresql_months import bounds_of
from downstream_node.chats.engines.postgresql_pieces import (
    LARGE,
    Piece,
    Pipeline,
    escaped,
    number,
)
from downstream_node.chats.engines.postgresql_pool import (
    READING,
    TOO_BUSY,
    Connection,
    Connections,
    Row,
    run,
)
from downstream_node.chats.engines.substrings import counted
from downstream_node.chats.marks import is_, mentions
from downstream_node.chats.merging import Fate, Known
from downstream_node.chats.places import Place, month_of
from downstream_node.chats.records import Author, Counts, Export, Message
from downstream_node.chats.text import fold
from downstream_node.errors import ArchiveUnavailable, Busy, InvalidExport

MOST_TERMS = 400_000
"""Counts of terms kept in memory, about 60 MB."""
WRITING = """
SET LOCAL lock_timeout = '300s';
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL jit = off;
SET LOCAL enable_seqscan = off;
SET LOCAL maintenance_work_mem = '256MB';
SET LOCAL work_mem = '64MB';
SET LOCAL default_statistics_target = 10;
SELECT pg_advisory_xact_lock(hashtext('chat_import'));
"""
"""An import waits for the one before it, but not for ever. Of a new piece the planner need not know
much: how a page is found is not left to it."""
DELETED = is_("deleted")
FORGET_AUTHORS = """
DELETE FROM chat_authors AS a
WHERE a.id NOT IN (SELECT author FROM chat_tallies WHERE messages > 0)
    AND NOT EXISTS (SELECT FROM chat_terms WHERE term = %s::text || a.id AND count > 0)
"""
"""Those of whom there is no message, and whom none mentions."""


@contextmanager
def exclusively(connections: Connections) -> Iterator[tuple[Connection, Connection]]:
    """One transaction that alone changes the archive, and a connection beside it for reading.

    Raises Busy, ArchiveUnavailable.
    """
    try:
        with (
            closing(connections.connected()) as beside,
            closing(connections.connected()) as connection,
            connection.transaction(),
        ):
            run(connection, WRITING)
            run(beside, READING)
            yield connection, beside
    except (errors.LockNotAvailable, errors.QueryCanceled) as error:
        raise Busy(TOO_BUSY) from error
    except psycopg.OperationalError as error:
        raise ArchiveUnavailable("The database of the archive went away.") from error


@lru_cache(1 << 14)
def quoted(sign: str) -> str:
    """A lexeme of any characters, in COPY's text form."""
    return escaped(lexeme(sign))


class PostgresqlWriting:
    """An `archive.Writing`."""

    def __init__(
        self,
        connections: tuple[Connection, Connection],
        export: Export,
        sha256: bytes,
        name: str,
        now: int,
    ) -> None:
        # The second one looks at what was there before, while the first one is busy.
        self._connection, self._beside = connections
        self._pipeline = Pipeline()
        self._export = export
        self._channel = export.channel.id
        self._file = (sha256, name)
        self._now = now
        self._moment = merging.moment_of(export.exported, now)
        self._months = {
            month for (month,) in run(self._connection, "SELECT month FROM chat_pieces")
        }
        self._pieces: dict[int, Piece] = {}
        self._counts: Counter[str] = Counter()
        self._terms: Counter[str] = Counter()
        self._tallies: Counter[tallies.Tally] = Counter()
        self._seen = array("q")
        self._touched: set[Place] = set()
        self._authors: dict[int, Author] = {}
        self._finished = False
        self._changed = False
        self._name_channel()

    def end(self) -> None:
        """Roll back unless `finish` was called."""
        if not self._finished:
            raise psycopg.Rollback

    def stop(self) -> None:
        """Leave the connection alone."""
        self._pipeline.stop()

    def _name_channel(self) -> None:
        """Know the guild and the channel, named as in the latest export.

        Raises InvalidExport if the channel was in another guild.
        """
        guild, channel = self._export.guild, self._export.channel
        found = run(self._connection, "SELECT guild FROM chat_channels WHERE id = %s", [channel.id])
        if found and found[0][0] != guild.id:
            raise InvalidExport(
                f"Channel {channel.id} is of guild {found[0][0]} in the archive, and of guild "
                f"{guild.id} in this export."
            )
        self._change(
            "INSERT INTO chat_guilds (id, name, icon_url) VALUES (%s, %s, %s) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name, icon_url = excluded.icon_url "
            "WHERE (chat_guilds.name, chat_guilds.icon_url) "
            "IS DISTINCT FROM (excluded.name, excluded.icon_url) AND %s AND NOT EXISTS "
            "(SELECT FROM chat_channels WHERE guild = excluded.id AND exported > %s)",
            [guild.id, guild.name, guild.icon_url, self._export.names_guild, self._moment],
        )
        self._change(
            "INSERT INTO chat_channels (id, guild, name, kind, category, topic, exported) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET "
            "name = excluded.name, kind = excluded.kind, "
            "category = excluded.category, topic = excluded.topic, exported = excluded.exported "
            "WHERE excluded.exported > chat_channels.exported",
            [
                *(channel.id, guild.id, channel.name, channel.kind),
                *(channel.category, channel.topic, self._moment),
            ],
        )

    def authors(self, authors: Iterable[Author]) -> None:
        """Know these authors; their names as of this export."""
        self._authors.update((author.id, author) for author in authors)

    def _write_authors(self) -> None:
        """Store who was in the export; an export made later may have other names."""
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO chat_authors (id, name, nickname, discriminator, bot, color, "
                "avatar_url, folded_name, folded_nickname, exported) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET "
                "name = excluded.name, nickname = excluded.nickname, "
                "discriminator = excluded.discriminator, bot = excluded.bot, "
                "color = excluded.color, avatar_url = excluded.avatar_url, "
                "folded_name = excluded.folded_name, folded_nickname = excluded.folded_nickname, "
                "exported = excluded.exported WHERE excluded.exported > chat_authors.exported",
                [
                    (
                        *(author.id, author.name, author.nickname, author.discriminator),
                        *(author.bot, author.color, author.avatar_url, fold(author.name)),
                        None if author.nickname is None else fold(author.nickname),
                        self._moment,
                    )
                    for _, author in sorted(self._authors.items())
                ],
            )
            self._changed |= cursor.rowcount > 0

    def _change(self, statement: str, values: Sequence[object]) -> None:
        """Run a statement that changes something or nothing."""
        cursor = self._connection.execute(statement, values)
        self._changed |= cursor.rowcount > 0

    def add(self, batch: Sequence[Message]) -> None:
        """Store some messages, as `merging.decide` says of each beside what is stored."""
        for part in merging.distinct(batch):
            if part:
                self._add(part)

    def _add(self, batch: Sequence[Message]) -> None:
        """Store messages of different places."""
        known = self._known([message.place for message in batch])
        fates: dict[Fate, list[Message]] = {fate: [] for fate in Fate}
        for message in batch:
            fates[merging.decide(message, known.get(message.place), self._moment)].append(message)
        for fate, messages in fates.items():
            self._counts[fate.value] += len(messages)
        self._seen.extend(known)
        foreign = {message.place for message in fates[Fate.FOREIGN]}
        restored = [
            place
            for place, one in known.items()
            if place not in foreign and merging.is_restored(one, self._moment)
        ]
        self._counts["restored"] += len(restored)
        changed = {message.place for message in fates[Fate.CHANGED]}
        if restored or changed or fates[Fate.OLDER]:
            self._pipeline.wait()
            self._touched.update(restored, changed)
        self._restore([place for place in restored if place not in changed])
        if fates[Fate.OLDER]:
            self._keep_older(fates[Fate.OLDER], known)
        if changed:
            self._take_out(fates[Fate.CHANGED])
        self._store(fates[Fate.NEW] + fates[Fate.CHANGED], known)

    def _pieces_with(self, places: Sequence[Place]) -> list[str]:
        """The tables of this import that may have some of *places*."""
        pieces = [piece for piece in self._pieces.values() if piece.may_have(places)]
        if pieces:
            self._pipeline.wait()
        for piece in pieces:
            piece.make_key()
        return [piece.name for piece in pieces]

    def _is_stored(self, places: Sequence[Place]) -> bool:
        """Whether there were messages of these months before this import."""
        months = range(month_of(min(places)), month_of(max(places)) + 1)
        return any(month in self._months for month in months)

    def _tables(self, places: Sequence[Place]) -> list[str]:
        """All tables that may have some of *places*."""
        tables = ["chat_messages"] if self._is_stored(places) else []
        return tables + self._pieces_with(places)

    def _known(self, places: list[Place]) -> dict[Place, Known]:
        """What is known of the messages at *places*."""
        tables = self._pieces_with(places)
        connection = self._connection
        if self._is_stored(places):
            tables.append("chat_messages")
            if len(tables) == 1 and self._touched.isdisjoint(places):
                connection = self._beside
            else:
                self._pipeline.wait()
        return {
            place: Known(*known)
            for table in tables
            for place, *known in run(
                connection,
                "SELECT place, id, channel, fingerprint, edited, exported, deleted "  # noqa: S608
                f"FROM {table} WHERE place = ANY(%s)",
                [places],
            )
        }

    def _restore(self, places: list[Place]) -> None:
        """Messages that were deleted are there again."""
        if places:
            run(
                self._connection,
                "UPDATE chat_messages SET deleted = NULL, terms = ts_delete(terms, %s) "
                "WHERE place = ANY(%s)",
                [DELETED, places],
            )
            self._terms[DELETED] -= len(places)

    def _texts(self, places: list[Place]) -> dict[Place, set[str]]:
        """All texts that are kept of the messages at *places*, the present ones among them."""
        texts: dict[Place, set[str]] = defaultdict(set)
        for table in ("chat_revisions", *self._tables(places)):
            rows = run(
                self._connection,
                f"SELECT place, content FROM {table} WHERE place = ANY(%s)",  # noqa: S608
                [places],
            )
            for place, content in rows:
                texts[place].add(content)
        return texts

    def _keep_older(self, messages: list[Message], known: dict[Place, Known]) -> None:
        """Keep texts from before the ones that are stored."""
        texts = self._texts([message.place for message in messages])
        self._revise(
            (message.place, message.content, message.edited, known[message.place].exported)
            for message in messages
            if message.content not in texts[message.place]
        )

    def _take_out(self, messages: list[Message]) -> None:
        """Remove what is stored of *messages*; the texts become revisions."""
        given = {message.place: message.content for message in messages}
        places = list(given)
        kept: dict[Place, set[str]] = defaultdict(set)
        for place, content in run(
            self._connection,
            "SELECT place, content FROM chat_revisions WHERE place = ANY(%s)",
            [places],
        ):
            kept[place].add(content)
        gone: list[Row] = []
        for table in self._tables(places):
            gone += run(
                self._connection,
                f"DELETE FROM {table} WHERE place = ANY(%s) "  # noqa: S608
                "RETURNING place, content, edited, folded, stems, marks, deleted, author, piece",
                [places],
            )
        self._forget_bits(gone)
        self._revise(
            (place, content, edited, self._moment)
            for place, content, edited, *_ in gone
            if content != given[place] and content not in kept[place]
        )
        self._terms.subtract(
            {SUBSTRING + text: n for text, n in counted([row[3] for row in gone]).items()}
        )
        for place, _, _, _, stems, marks, deleted, author, _ in gone:
            self._tallies[author, month_of(place)] -= 1
            self._terms.subtract(set(stems.split()) | set(marks.split()))
            self._terms[DELETED] -= deleted is not None

    def _forget_bits(self, gone: list[Row]) -> None:
        """The rows that are *gone* are not to be counted by the bitmaps of their pieces."""
        by_piece: dict[int, list[Place]] = defaultdict(list)
        for place, *_, piece in gone:
            by_piece[piece].append(place)
        own = {one.number: one for one in self._pieces.values()}
        for piece, places in by_piece.items():
            if piece in own:
                own[piece].gathering.forget(places)
            else:
                blocks.forget(self._connection, piece, places)

    def _revise(self, revisions: Iterable[tuple[Place, str, int | None, int]]) -> None:
        """Keep what messages said before."""
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO chat_revisions (place, content, edited, replaced) "
                "VALUES (%s, %s, %s, %s)",
                list(revisions),
            )

    def _store(self, messages: list[Message], known: dict[Place, Known]) -> None:
        """Copy *messages* into the pieces of their months, and count their terms."""
        self._tallies.update(tallies.of(messages))
        by_month: dict[int, list[Message]] = defaultdict(list)
        for message in messages:
            by_month[self._month_of(message.place)].append(message)
        for month, some in by_month.items():
            piece = self._pieces.get(month)
            if piece is None:
                self._pipeline.wait()
                piece = Piece(self._connection, month, self._channel, self._pipeline.submit)
                self._pieces[month] = piece
            lines = "".join(
                [self._line(message, known.get(message.place), piece) for message in some]
            )
            piece.expect([message.place for message in some])
            self._pipeline.submit(partial(piece.copy, lines))
            piece.gathering.add(some)
        for month, piece in self._pieces.items():
            # Exports are in order of time: nothing more will come for a month left behind.
            if by_month and month not in by_month:
                if piece.rows >= LARGE:
                    piece.gathering.end()
                    self._pipeline.submit(piece.make_indexes)
                else:
                    piece.gathering.give_up()
        for text, texts in counted([message.folded for message in messages]).items():
            self._terms[SUBSTRING + text] += texts
        if len(self._terms) + len(self._tallies) > MOST_TERMS:
            self._pipeline.wait()
            self._write_terms()

    def _month_of(self, place: Place) -> int:
        """The month of *place*; hardly ever another one than last time."""
        if not self._first <= place < self._beyond:
            self._month = month_of(place)
            self._first, self._beyond = bounds_of(self._month)
        return self._month

    _month = 0
    _first = 0
    _beyond = 0

    def _line(self, message: Message, known: Known | None, piece: Piece) -> str:
        """One row in COPY's text form; its stems and marks are counted."""
        gone = known is not None and not merging.is_restored(known, self._moment)
        deleted = known.deleted if known is not None and gone else None
        marks = message.marks if deleted is None else [*message.marks, DELETED]
        lexemes = {*message.stems, *marks}
        self._terms.update(lexemes)
        return "\t".join(
            (
                *(str(message.place), str(piece.number), str(message.id), str(message.channel)),
                *(str(message.author), escaped(message.kind), number(message.edited)),
                *(str(self._moment), number(deleted), number(message.reply_to)),
                *(str(message.fingerprint), " ".join(message.marks), escaped(message.content)),
                *(escaped(message.extras.decode()), escaped(message.folded), spaced(message.stems)),
                " ".join(lexemes | set(map(quoted, signs(message.folded)))) + "\n",
            )
        )

    def missing(self, first: Place, beyond: Place) -> None:
        """Mark stored messages of the channel in this range that the export left out as deleted."""
        self._pipeline.wait()
        run(self._connection, "CREATE TEMPORARY TABLE chat_seen (place bigint) ON COMMIT DROP")
        with self._connection.cursor().copy("COPY chat_seen FROM STDIN") as copy:
            for start in range(0, len(self._seen), MOST_TERMS):
                some = self._seen[start : start + MOST_TERMS]
                copy.write("".join(f"{place}\n" for place in some))
        run(self._connection, "ANALYZE chat_seen")
        missed = run(
            self._connection,
            "UPDATE chat_messages SET deleted = %s, terms = terms || %s::tsvector "
            "WHERE channel = %s AND place >= %s AND place < %s AND deleted IS NULL "
            "AND exported < %s AND NOT EXISTS "
            "(SELECT FROM chat_seen WHERE chat_seen.place = chat_messages.place) RETURNING 1",
            [self._moment, DELETED, self._channel, first, beyond, self._moment],
        )
        run(self._connection, "DROP TABLE chat_seen")
        self._counts["deleted"] += len(missed)
        self._terms[DELETED] += len(missed)

    def finish(self, broken: int) -> Counts:
        """End the import and tell what it did; *broken* messages could not be read."""
        self._pipeline.wait()
        for piece in self._pieces.values():
            self._settle(piece)
        self._write_terms()
        self._write_authors()
        self._counts["broken"] = broken + self._counts.pop(Fate.FOREIGN.value, 0)
        counts = Counts(**self._counts)
        sha256, name = self._file
        values = [getattr(counts, field) for field in Counts.__struct_fields__]
        run(
            self._connection,
            "INSERT INTO chat_imports (sha256, name, channel, exported, committed, "  # noqa: S608
            f"{', '.join(Counts.__struct_fields__)}) "
            f"VALUES (%s, %s, %s, %s, %s, {', '.join(['%s'] * len(values))})",
            [sha256, name, self._channel, self._export.exported, self._now, *values],
        )
        # An older text may be known already; what reads the version need not know.
        if self._changed or any(
            (counts.new, counts.changed, counts.older, counts.deleted, counts.restored)
        ):
            run(self._connection, "UPDATE chat_archive SET version = version + 1")
        self._finished = True
        return counts

    def _settle(self, piece: Piece) -> None:
        """Make *piece* a partition if it is large or no other one can have its rows."""
        if piece.rows >= LARGE:
            piece.gathering.end()
        else:
            piece.gathering.give_up()
        self._pipeline.wait()
        earlier = run(
            self._connection,
            "SELECT max(number) FROM chat_pieces WHERE month = %s AND number <> %s",
            [piece.month, piece.number],
        )[0][0]
        number = piece.number
        if piece.rows == 0:
            piece.drop()
        # A piece with blocks gets no more rows.
        elif piece.rows >= LARGE or earlier is None or blocks.has_blocks(self._connection, earlier):
            piece.become_partition()
        else:
            number = earlier
            piece.move_into(earlier)
        if not blocks.has_blocks(self._connection, number):
            blocks.make(self._connection, number, LARGE)

    def _write_terms(self) -> None:
        """Add the counts of terms, and of messages, to those of the channel."""
        with self._connection.cursor() as cursor:
            cursor.executemany(
                tallies.ADD.format("%s, %s, %s, %s"),
                [
                    (self._channel, *tally, count)
                    for tally, count in sorted(self._tallies.items())
                    if count
                ],
            )
        self._tallies.clear()
        run(
            self._connection,
            'CREATE TEMPORARY TABLE chat_counted (term text COLLATE "C", count integer)',
        )
        lines = [
            f"{escaped(term)}\t{count}\n" for term, count in sorted(self._terms.items()) if count
        ]
        with self._connection.cursor().copy("COPY chat_counted FROM STDIN") as copy:
            copy.write("".join(lines))
        run(
            self._connection,
            "INSERT INTO chat_terms (term, channel, count) "
            "SELECT term, %s, count FROM chat_counted ON CONFLICT (term, channel) "
            "DO UPDATE SET count = chat_terms.count + excluded.count",
            [self._channel],
        )
        run(
            self._connection,
            "DELETE FROM chat_terms USING chat_counted WHERE chat_counted.count < 0 "
            "AND chat_terms.term = chat_counted.term AND channel = %s AND chat_terms.count = 0",
            [self._channel],
        )
        run(self._connection, "DROP TABLE chat_counted")
        self._terms.clear()


def forget(connection: Connection, channel: int) -> int:
    """Remove *channel* with all its messages; how many there were."""
    pieces = [
        piece
        for (piece,) in run(
            connection, "SELECT DISTINCT piece FROM chat_messages WHERE channel = %s", [channel]
        )
    ]
    run(
        connection,
        "DELETE FROM chat_revisions r USING chat_messages m "
        "WHERE r.place = m.place AND m.channel = %s",
        [channel],
    )
    gone = connection.execute("DELETE FROM chat_messages WHERE channel = %s", [channel]).rowcount
    blocks.drop(connection, pieces)
    for piece in pieces:
        blocks.make(connection, piece, LARGE)
    for statement in (
        "DELETE FROM chat_terms WHERE channel = %s",
        "DELETE FROM chat_tallies WHERE channel = %s",
        "DELETE FROM chat_channels WHERE id = %s",
    ):
        run(connection, statement, [channel])
    run(connection, "DELETE FROM chat_guilds WHERE id NOT IN (SELECT guild FROM chat_channels)")
    run(connection, FORGET_AUTHORS, [mentions(0)[:-1]])
    run(connection, "UPDATE chat_archive SET version = version + 1")
    return gone
