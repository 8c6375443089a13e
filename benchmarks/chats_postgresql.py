"""The archive in PostgreSQL beside the document's own SQL, on the same messages, in one run.

    PYTHONPATH=.:tests python -m benchmarks.chats_postgresql postgresql+psycopg://USER@HOST/DATABASE

The database has an archive already (fill it with `benchmarks.chats_search --archive`). The
document's table is made beside it: dates without a time, tsvector('english'), pg_trgm on the
content, partitions by month (with bounds that let every message in: with those of its README none
could be stored). Both are asked on one connection in turn, and everything was read once before.
"""

import argparse
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from statistics import median
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from benchmarks.harness import machine, print_table
from downstream_node.chats.engines.postgresql import PostgresqlArchive
from downstream_node.chats.places import EPOCH, Place, first_place
from downstream_node.chats.query import And, Between, Condition, Contains, Words
from downstream_node.chats.text import fold, stems
from downstream_node.clock import monotonic

ROUNDS = 7
DAY = 86_400_000
PAGE = 10
SENT = f"to_timestamp(((place >> 22) + {EPOCH}) / 1000.0) AT TIME ZONE 'UTC'"
MAKE = f"""
SET search_path = original, public;
CREATE TABLE discord_chats (message_id bigint, channel_id bigint, message_date date, content text,
    content_tsvector tsvector, PRIMARY KEY (message_id, message_date))
    PARTITION BY RANGE (message_date);
DO $$
DECLARE month date;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', {SENT})::date FROM public.chat_messages LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF discord_chats FOR VALUES FROM (%L) TO (%L)',
            'discord_chats_' || to_char(month, 'YYYY_MM'), month, month + interval '1 month');
    END LOOP;
END $$;
INSERT INTO discord_chats
    SELECT id, channel, ({SENT})::date, content, to_tsvector('english', content)
    FROM public.chat_messages ON CONFLICT DO NOTHING;
CREATE INDEX ON discord_chats USING gin (content_tsvector);
CREATE INDEX ON discord_chats (message_date);
CREATE INDEX ON discord_chats USING gin (content gin_trgm_ops);
"""

Search = tuple[str, Condition, str, list[Any]]


def searches(first: Place) -> list[Search]:
    """Name, our condition, the document's WHERE and its values."""
    day = datetime.fromtimestamp((((first >> 22) + EPOCH) // DAY + 60) * DAY / 1000, UTC)
    start = first_place(int(day.timestamp()) * 1000)
    found: list[Search] = [
        (f'exact "{text}"', Contains(fold(text)), "content ILIKE %s", [f"%{text}%"])
        for text in ("pecan pie", "zymurg", "storage", "the", "pi")
    ]
    found += [
        (f'context "{text}"', all_words(text), MATCHES, [text])
        for text in ("pecan pie", "running", "storage proof", "zymurgy")
    ]
    found += [
        (
            f'all "{text}"',
            And((Contains(fold(text)), all_words(text))),
            f"{MATCHES} AND content ILIKE %s",
            [text, f"%{text}%"],
        )
        for text in ("storage", "running")
    ]
    for days in (1, 30):
        end = first_place(int(day.timestamp()) * 1000 + days * DAY)
        last = datetime.fromtimestamp(day.timestamp() + (days - 1) * 86400, UTC)
        between = [day.date(), last.date()]
        found.append(
            (f"{days} days", Between(start, end), "message_date BETWEEN %s AND %s", between)
        )
    return found


MATCHES = "content_tsvector @@ plainto_tsquery('english', %s)"


def all_words(text: str) -> Condition:
    """All words of *text*, in any order, as plainto_tsquery has it."""
    words = tuple(Words((stem,)) for stem in stems(text))
    return words[0] if len(words) == 1 else And(words)


def milliseconds(work: Callable[[], object]) -> float:
    """The median of some times, after a first one that does not count."""
    times = []
    for _ in range(1 + ROUNDS):
        began = monotonic()
        work()
        times.append(1000 * (monotonic() - began))
    return median(times[1:])


def row(archive: PostgresqlArchive, original: psycopg.Connection[Any], search: Search) -> list[Any]:
    """One line: the original's times and hits, ours, and how many times faster ours are."""
    name, condition, where, values = search

    def theirs(what: str, limit: str) -> list[Any]:
        sql = f"SELECT {what} FROM original.discord_chats WHERE {where} {limit}"
        return original.execute(sql, values).fetchall()

    def deep(offset: int) -> object:
        return theirs("message_id, channel_id, content, message_date", f"LIMIT 10 OFFSET {offset}")

    their_hits = int(theirs("count(*)", "")[0][0])
    hits = archive.count(condition)
    times = [
        milliseconds(lambda: deep(0)),
        milliseconds(lambda: archive.page(condition, "newest", PAGE)),
        milliseconds(lambda: theirs("count(*)", "")),
        milliseconds(lambda: archive.count(condition)),
    ]
    far = max(0, min(their_hits, hits) - PAGE)
    cursor = archive.page(condition, "newest", 1, skip=far - 1) if far else []
    place = cursor[0].place if cursor else None
    times += [
        milliseconds(lambda: deep(far)),
        milliseconds(lambda: archive.page(condition, "newest", PAGE, place)),
    ]
    ratios = [times[at] / times[at + 1] for at in (0, 2, 4)]
    pairs = [f"{times[2 * at]:.1f} / {times[2 * at + 1]:.1f} = {ratios[at]:.1f}" for at in range(3)]
    return [name, their_hits, hits, *pairs]


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri", help="the archive's address")
    uri = parser.parse_args().uri
    address = make_url(uri).set(drivername="postgresql").render_as_string(hide_password=False)
    archive = PostgresqlArchive(uri)
    archive.prepare()
    with closing(archive), psycopg.connect(address, autocommit=True) as original:
        print(machine())
        if original.execute("SELECT to_regclass('original.discord_chats')").fetchone() == (None,):
            began = monotonic()
            original.execute("CREATE SCHEMA IF NOT EXISTS original")
            original.execute(MAKE.encode())
            original.execute("VACUUM ANALYZE original.discord_chats")
            print(f"The document's table was made in {monotonic() - began:.0f} s.")
        [oldest] = archive.page(all_messages(), "oldest", 1)
        print_table(
            "The document's SQL / ours = times faster, milliseconds",
            ("search", "its hits", "our hits", "first page", "count", "last page"),
            [row(archive, original, search) for search in searches(oldest.place)],
        )


def all_messages() -> Condition:
    """Every message."""
    return Between()


if __name__ == "__main__":
    main()
