"""The archive in PostgreSQL, for one bigger machine.

Messages are in one table, partitioned by month and each month into pieces (see
`postgresql_import.py`); every piece has an index of stems and marks (GIN on a tsvector that we fill
ourselves) and one of substrings (pg_trgm). A page is found in one of two ways: by walking along the
places and keeping what matches, where hits are frequent, or by taking all hits from the indexes and
sorting them, where they are few. Which one is decided by counts, not by the planner's guess.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from psycopg import errors
from sqlalchemy.pool import NullPool

from downstream_node.chats import schema, tallies
from downstream_node.chats.archive import Facet, Group, Imported, Order, Writing
from downstream_node.chats.engines.blocks import leaves
from downstream_node.chats.engines.frequent import RARE
from downstream_node.chats.engines.postgresql_blocks import Counting
from downstream_node.chats.engines.postgresql_conditions import (
    Clause,
    Counted,
    Span,
    at_most,
    channels_of,
    clause,
    conjuncts,
    counted,
    has_index,
    needed_terms,
    span,
    storable,
)
from downstream_node.chats.engines.postgresql_import import PostgresqlWriting, exclusively, forget
from downstream_node.chats.engines.postgresql_months import bounds_of
from downstream_node.chats.engines.postgresql_pool import Connection, Connections, Row, run
from downstream_node.chats.marks import is_
from downstream_node.chats.places import LARGEST, Place
from downstream_node.chats.query import Condition, Everything, Not, Or
from downstream_node.chats.records import (
    Author,
    Channel,
    Counts,
    Export,
    Guild,
    Revision,
    Stored,
)
from downstream_node.chats.simplifying import conjunction, disjunction, simple
from downstream_node.chats.text import fold
from downstream_node.errors import ArchiveUnavailable

HIT = 5
"""What a hit out of the indexes costs, in messages that one could walk past instead."""
MOST_WALKED = 20_000
"""Messages looked at along the places for a page, before the indexes are asked after all."""
FAR = 1000
"""Hits that may be skipped by walking; for more, whole months are skipped by their counts."""

FEW = RARE
"""One message in so many has what is rare: the indexes find it, and most has no bitmap."""

AUTHOR_COLUMNS = "id, name, nickname, discriminator, bot, color, avatar_url"
STORED = """
SELECT m.place, m.id, m.channel, m.kind, m.edited, m.content, m.extras, m.reply_to, m.marks,
       m.deleted IS NOT NULL, c.guild, c.name, m.author,
       coalesce(a.name, m.author::text), a.nickname, a.discriminator, coalesce(a.bot, FALSE),
       a.color, a.avatar_url, (SELECT count(*) FROM chat_revisions r WHERE r.place = m.place)
FROM ({hits}) m
LEFT JOIN chat_channels c ON c.id = m.channel
LEFT JOIN chat_authors a ON a.id = m.author
ORDER BY m.place {direction}
"""
DIRECTION = {"newest": "DESC", "oldest": "ASC"}
FACETS = {
    "channel": "channel",
    "author": "author",
    # The number of the last bound that is not above the place.
    "month": "width_bucket(place, %s::bigint[])",
}


class PostgresqlArchive:
    """An `archive.Archive` in the PostgreSQL database of *uri*, for several threads."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._connections = Connections(uri)

    def prepare(self) -> None:
        """Make or update the schema. Raises ArchiveUnavailable."""
        engine = sa.create_engine(
            sa.make_url(self._uri).set(drivername="postgresql+psycopg"), poolclass=NullPool
        )
        try:
            with engine.begin() as connection:
                # Several workers start at once; one makes the schema.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('chat_schema'))"))
                connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
                schema.upgrade(connection)
        except sa.exc.OperationalError as error:
            if isinstance(error.orig, errors.UndefinedFile | errors.FeatureNotSupported):
                raise ArchiveUnavailable(
                    "The PostgreSQL server has no extension pg_trgm; it comes with PostgreSQL's "
                    "contrib package."
                ) from error
            raise ArchiveUnavailable("The database of the archive does not answer.") from error
        except sa.exc.DBAPIError as error:
            if isinstance(error.orig, errors.InsufficientPrivilege):
                raise ArchiveUnavailable(
                    "The user of the archive's database may not make its tables, or the extension "
                    "pg_trgm: have an administrator run CREATE EXTENSION pg_trgm there."
                ) from error
            raise
        finally:
            engine.dispose()

    def close(self) -> None:
        """Close all connections that nobody uses."""
        self._connections.close()

    def version(self) -> str:
        """Another text after every import that changed anything, and for every other archive."""
        [(identity, version)] = self._rows("SELECT identity, version FROM chat_archive")
        return f"{identity}-{version}"

    @contextmanager
    def writing(self, export: Export, sha256: bytes, name: str, now: int) -> Iterator[Writing]:
        """Begin an import: committed when the block ends after `finish`, else rolled back.

        One import at a time; another one waits for it. Raises Busy if that takes too long.
        """
        with exclusively(self._connections) as connections:
            writing = PostgresqlWriting(connections, export, sha256, name, now)
            try:
                yield writing
            finally:
                writing.stop()
            writing.end()

    def page(
        self,
        condition: Condition,
        order: Order,
        limit: int,
        after: Place | None = None,
        skip: int = 0,
    ) -> list[Stored]:
        """At most *limit* messages in order: those behind *after*, less the first *skip*."""
        where, rest = span(simple(condition))
        if after is not None:
            where = (
                where.within(None, after) if order == "newest" else where.within(after + 1, None)
            )
        return self._connections.read(
            lambda connection: Paging(connection, where, rest, order).page(limit, skip)
        )

    def count(self, condition: Condition) -> int:
        """How many messages there are, exactly."""
        return self._connections.read(lambda connection: count(connection, simple(condition)))

    def facet(self, condition: Condition, by: Facet, limit: int) -> list[Group]:
        """The *limit* most frequent values (months: all, in order) with their numbers."""
        return self._connections.read(
            lambda connection: facet(connection, simple(condition), by, limit)
        )

    def one(self, message_id: int) -> Stored | None:
        """The message with this id."""
        if not 0 <= message_id <= LARGEST:
            return None
        # Nearly always the id is the place; the others have an index of their own.
        for where in ("place = %s AND id = place", "id = %s AND id <> place"):
            found = self._stored(f"SELECT * FROM chat_messages WHERE {where}", [message_id])  # noqa: S608
            if found:
                return found[0]
        return None

    def around(self, place: Place, channel: int, before: int, after: int) -> list[Stored]:
        """The message at *place* with its neighbours in the channel, in order of time."""
        hits = """
        (SELECT * FROM chat_messages WHERE channel = %s AND place <= %s
         ORDER BY place DESC LIMIT %s)
        UNION ALL
        (SELECT * FROM chat_messages WHERE channel = %s AND place > %s ORDER BY place LIMIT %s)
        """
        return self._stored(hits, [channel, place, before + 1, channel, place, after])

    def revisions(self, place: Place) -> list[Revision]:
        """What the message said before, oldest first."""
        rows = self._rows(
            "SELECT content, edited, replaced FROM chat_revisions WHERE place = %s "
            "ORDER BY edited NULLS FIRST, replaced, number",
            [place],
        )
        return [Revision(*row) for row in rows]

    def guilds(self) -> list[Guild]:
        """All guilds, by name."""
        rows = self._rows(
            'SELECT id, name, icon_url FROM chat_guilds ORDER BY name COLLATE "C", id'
        )
        return [Guild(*row) for row in rows]

    def channels(self) -> list[Channel]:
        """All channels, by guild and name."""
        rows = self._rows(
            "SELECT c.id, c.guild, c.name, c.kind, c.category, c.topic FROM chat_channels c "
            "JOIN chat_guilds g ON g.id = c.guild "
            'ORDER BY g.name COLLATE "C", g.id, c.name COLLATE "C", c.id'
        )
        return [Channel(*row) for row in rows]

    def authors_named(self, name: str) -> list[Author]:
        """The authors whose name or nickname, folded, is the folded *name*, or whose id it is."""
        if not storable(name):
            return []
        where = "folded_name = %s OR folded_nickname = %s OR id::text = %s"
        return self._authors(f"{where} ORDER BY id", [fold(name), fold(name), name])

    def authors_like(self, beginning: str, limit: int) -> list[Author]:
        """Authors whose name or nickname begins like this, for completing what is typed."""
        if not storable(beginning):
            return []
        folded = fold(beginning)
        where = "starts_with(folded_name, %s) OR starts_with(folded_nickname, %s)"
        return self._authors(
            f'{where} ORDER BY folded_name COLLATE "C", id LIMIT %s', [folded, folded, limit]
        )

    def authors(self, ids: Collection[int]) -> list[Author]:
        """The authors with these ids, those that are known, in any order."""
        return self._authors("id = ANY(%s)", [list(ids)])

    def imports(self, limit: int, channels: Collection[int] | None = None) -> list[Imported]:
        """The last imports (of these channels), the latest first."""
        where = "TRUE" if channels is None else "channel = ANY(%s)"
        names = ", ".join(Counts.__struct_fields__)
        rows = self._rows(
            f"SELECT number, sha256, name, channel, exported, committed, {names} "  # noqa: S608
            f"FROM chat_imports WHERE {where} ORDER BY number DESC LIMIT %s",
            [limit] if channels is None else [list(channels), limit],
        )
        return [Imported._make([*row[:6], Counts(*row[6:])]) for row in rows]

    def remove_channel(self, channel: int) -> int:
        """Remove a channel with all its messages; how many there were."""
        with exclusively(self._connections) as (connection, _):
            return forget(connection, channel)

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        return self._connections.read(lambda connection: run(connection, statement, values))

    def _authors(self, where: str, values: Sequence[object]) -> list[Author]:
        rows = self._rows(f"SELECT {AUTHOR_COLUMNS} FROM chat_authors WHERE {where}", values)  # noqa: S608
        return [Author(*row) for row in rows]

    def _stored(self, hits: str, values: Sequence[object]) -> list[Stored]:
        statement = STORED.format(hits=hits, direction="ASC")
        return [stored(row) for row in self._rows(statement, values)]


def stored(row: Row) -> Stored:
    """One row of STORED as a message."""
    place, number, channel, kind, edited, content, extras, reply_to, marks, deleted = row[:10]
    guild, channel_name, *author, revisions = row[10:]
    return Stored(
        place=place,
        id=number,
        guild=guild,
        channel=channel,
        channel_name=channel_name,
        author=Author(*author),
        kind=kind,
        edited=edited,
        content=content,
        extras=extras.encode(),
        reply_to=reply_to,
        pinned=is_("pinned") in marks.split(" "),
        deleted=deleted,
        revisions=revisions,
    )


class Paging:
    """One page of the messages in *where* that meet *rest*."""

    def __init__(self, connection: Connection, where: Span, rest: Condition, order: Order) -> None:
        self._connection = connection
        self._where = where
        self._rest = rest
        self._direction = DIRECTION[order]
        self._order = order

    def page(self, limit: int, skip: int) -> list[Stored]:
        """*limit* messages, less the first *skip*."""
        if isinstance(self._rest, Everything):
            return self._walked(limit, skip, None)
        everything = total(self._connection)
        bound = hits_at_most(self._connection, self._rest, everything)
        if bound == 0:
            return []
        wanted = limit + skip
        # Walking past as many messages as have *wanted* hits among them, were these spread evenly.
        distance = everything * wanted // bound
        if not has_index(self._rest):
            return self._walked(limit, skip, None)
        if HIT * bound <= distance:
            return self._sorted(self._where, limit, skip)
        if skip <= FAR:
            most = min(2 * distance + 1000, MOST_WALKED + 4 * skip)
            found = self._walked(limit, skip, most)
            if len(found) == limit:
                return found
        return self._by_months(limit, skip)

    def _walked(self, limit: int, skip: int, most: int | None) -> list[Stored]:
        """What matches among the first *most* messages in order.

        PostgreSQL never moves a condition into a subquery with a LIMIT: so this is a walk.
        """
        where, rest = self._where.clause, clause(self._rest)
        channels = [
            named[0]
            for part in conjuncts(self._rest)
            if (named := channels_of(part)) is not None and len(named) == 1
        ]
        values: list[object] = list(where.values)
        only = ""
        if channels:
            # There is an index of places by channel.
            only = "AND channel = %s"
            values.append(channels[0])
        hits = f"""
        SELECT * FROM (
            SELECT * FROM chat_messages WHERE {where.sql} {only}
            ORDER BY place {self._direction} LIMIT {"ALL" if most is None else most}
        ) walk WHERE {rest.sql} ORDER BY place {self._direction} LIMIT %s OFFSET %s
        """  # noqa: S608
        return self._read(hits, [*values, *rest.values, limit, skip])

    def _sorted(self, where: Span, limit: int, skip: int) -> list[Stored]:
        """All hits out of the indexes, sorted: OFFSET 0 keeps the order out of finding them."""
        condition = joined_with(where, self._rest)
        hits = f"""
        SELECT * FROM (SELECT * FROM chat_messages WHERE {condition.sql} OFFSET 0) hits
        ORDER BY place {self._direction} LIMIT %s OFFSET %s
        """  # noqa: S608
        return self._read(hits, [*condition.values, limit, skip])

    def _by_months(self, limit: int, skip: int) -> list[Stored]:
        """Hits out of the indexes, first of one month, then of the next four, sixteen, ..."""
        found: list[Stored] = []
        months = [month for (month,) in run(self._connection, MONTHS)]
        if self._order == "newest":
            months.reverse()
        step = 1
        while months and len(found) < limit:
            some, months = sorted(months[:step]), months[step:]
            step *= 4
            part = self._where.within(bounds_of(some[0])[0], bounds_of(some[-1])[1])
            if skip:
                hits = counted_by_index(self._connection, joined_with(part, self._rest))
                if hits <= skip:
                    skip -= hits
                    step = 1
                    continue
            found += self._sorted(part, limit - len(found), skip)
            skip = 0
        return found

    def _read(self, hits: str, values: Sequence[object]) -> list[Stored]:
        statement = STORED.format(hits=hits, direction=self._direction)
        return [stored(row) for row in run(self._connection, statement, values)]


MONTHS = "SELECT DISTINCT month FROM chat_pieces ORDER BY month"


def joined_with(where: Span, rest: Condition) -> Clause:
    """*where* and *rest* as one clause."""
    bounds, others = where.clause, clause(rest)
    return Clause(f"{bounds.sql} AND {others.sql}", (*bounds.values, *others.values))


def known_counts(connection: Connection, terms: Collection[str]) -> dict[str, int]:
    """How many messages have each of *terms*; those that none has are left out."""
    rows = run(
        connection,
        "SELECT term, sum(count)::bigint FROM chat_terms WHERE term = ANY(%s) GROUP BY term",
        [[term for term in terms if storable(term)]],
    )
    return dict(rows)


def total(connection: Connection) -> int:
    """How many messages there are."""
    [(found,)] = run(connection, tallies.count("1 = 1"))
    return int(found)


def hits_at_most(connection: Connection, condition: Condition, everything: int) -> int:
    """A bound on the hits of *condition* in an archive of *everything* messages."""
    counts: Mapping[str, int] = known_counts(connection, needed_terms(condition))
    return at_most(condition, counts, everything)


def count(connection: Connection, condition: Condition) -> int:
    """How many messages meet *condition*."""
    known = told(connection, condition)
    if known is not None:
        return known
    with connection.transaction():
        return looked_for(connection, condition)


def told(connection: Connection, condition: Condition) -> int | None:
    """How many messages meet *condition*, if the counts of terms tell it."""
    tallied = tallies.clause(condition)
    if tallied is not None:
        [(found,)] = run(connection, tallies.count(tallied))
        return int(found)
    where, rest = span(condition)
    if where != Span():
        return None
    known = counted(rest)
    if known is not None:
        return summed(connection, known)
    inner = told(connection, rest.part) if isinstance(rest, Not) else None
    return None if inner is None else total(connection) - inner


def looked_for(connection: Connection, condition: Condition, *, split: bool = True) -> int:
    """How many messages meet *condition*, of which the counts of terms do not tell it.

    What has few hits is found by the indexes, what has many by the bitmaps of frequent terms. So
    a mixture of both is put together of conditions of one kind; of one Or at most (*split*), as
    each makes three.
    """
    known = told(connection, condition)
    if known is not None:
        return known
    everything = total(connection)
    terms = {term for leaf in leaves(condition) for term in needed_terms(leaf)}
    counts = known_counts(connection, terms)

    def is_rare(part: Condition) -> bool:
        return at_most(part, counts, everything) * FEW <= everything

    if is_rare(condition) and has_index(condition):
        return counted_by_index(connection, joined_with(*span(condition)))
    parts = conjuncts(condition)
    excluded = [part for part in parts if isinstance(part, Not) and is_rare(part.part)]
    if excluded:
        # |A and not B| = |A| - |A and B|
        rest = conjunction(part for part in parts if part not in excluded)
        some = conjunction((rest, disjunction(part.part for part in excluded)))
        return looked_for(connection, rest, split=split) - looked_for(connection, some, split=False)
    mixed = next(
        (part for part in parts if isinstance(part, Or) and any(map(is_rare, part.parts))), None
    )
    if mixed is not None and split:
        # |A or B| = |A| + |B| - |A and B|
        others = [part for part in parts if part != mixed]
        few = disjunction(part for part in mixed.parts if is_rare(part))
        many = disjunction(part for part in mixed.parts if not is_rare(part))
        one, other, both = (
            looked_for(connection, conjunction([*others, *more]), split=False)
            for more in ((few,), (many,), (few, many))
        )
        return one + other - both
    return Counting(connection, condition).count()


def summed(connection: Connection, known: Counted) -> int:
    """What the counts of terms add up to."""
    if not known.terms:
        return total(connection)
    terms = [term for term in known.terms if storable(term)]
    only = "" if known.channels is None else "AND channel = ANY(%s)"
    values = [terms] if known.channels is None else [terms, list(known.channels)]
    [(found,)] = run(
        connection,
        f"SELECT coalesce(sum(count), 0)::bigint FROM chat_terms WHERE term = ANY(%s) {only}",  # noqa: S608
        values,
    )
    return int(found)


def counted_by_index(connection: Connection, condition: Clause) -> int:
    """How many messages meet *condition*, by looking."""
    [(found,)] = run(
        connection,
        f"SELECT count(*) FROM chat_messages WHERE {condition.sql}",  # noqa: S608
        condition.values,
    )
    return int(found)


def facet(connection: Connection, condition: Condition, by: Facet, limit: int) -> list[Group]:
    """The *limit* most frequent values (months: all, in order) with their numbers."""
    if limit <= 0:
        return []
    tallied = tallies.clause(condition)
    if tallied is not None:
        return [Group(*row) for row in run(connection, tallies.facet(tallied, by, limit))]
    known = counted(condition)
    if by == "channel" and known is not None and len(known.terms) == 1:
        return _channels_counted(connection, known, limit)
    where, rest = span(condition)
    matching = joined_with(where, rest)
    values: list[object] = list(matching.values)
    months: list[int] = []
    if by == "month":
        months = [month for (month,) in run(connection, MONTHS)]
        values.insert(0, [bounds_of(month)[0] for month in months])
    last = "ORDER BY 1" if by == "month" else "ORDER BY 2 DESC, 1 LIMIT %s"
    if by != "month":
        values.append(limit)
    rows = run(
        connection,
        f"SELECT {FACETS[by]}, count(*) FROM chat_messages WHERE {matching.sql} "  # noqa: S608
        f"GROUP BY 1 {last}",
        values,
    )
    return [Group(months[key - 1] if by == "month" else key, number) for key, number in rows]


def _channels_counted(connection: Connection, known: Counted, limit: int) -> list[Group]:
    """How often a term is in each channel, most frequent first."""
    if not storable(known.terms[0]):
        return []
    channels = None if known.channels is None else list(known.channels)
    rows = run(
        connection,
        "SELECT channel, count FROM chat_terms WHERE term = %s AND count > 0 "
        "AND (%s::bigint[] IS NULL OR channel = ANY(%s)) ORDER BY 2 DESC, 1 LIMIT %s",
        [known.terms[0], channels, channels, limit],
    )
    return [Group(*row) for row in rows]
