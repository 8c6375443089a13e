"""What the archive in PostgreSQL does otherwise than others: pieces, counts, plans, connections."""

import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from chats.archives import NOW, SERVERS, bring, bring_all, new_archive
from chats.generated import DAY, EXPORTED, START, Chats, changed, chats, message
from chats.questions import Questions
from chats.reference import Reference
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from downstream_node.chats import marks
from downstream_node.chats.engines import postgresql_import, postgresql_pieces, postgresql_pool
from downstream_node.chats.engines.postgresql import PostgresqlArchive
from downstream_node.chats.engines.postgresql_conditions import (
    SUBSTRING,
    at_most,
    clause,
    needed_terms,
    pattern,
    signs,
)
from downstream_node.chats.engines.substrings import counted, plainly_counted
from downstream_node.chats.places import Place, first_place
from downstream_node.chats.query import Contains, Everything, Marked, Words
from downstream_node.chats.records import Message
from downstream_node.errors import ArchiveUnavailable, Busy

# Pure parts


@given(st.lists(st.text(alphabet="ab \u00e9\U0001f389\u65e5", max_size=9), max_size=6))
def test_substrings_are_counted_the_same_either_way(texts: list[str]) -> None:
    """With numpy and without, each text counts once for a substring."""
    assert counted(texts) == plainly_counted(texts)


def test_many_texts_are_counted_in_batches() -> None:
    """No text is lost between two batches."""
    assert counted(["ab"] * 4500) == {"a": 4500, "b": 4500, "ab": 4500}


@pytest.mark.parametrize(
    ("text", "like"), [("100%", r"%100\%%"), ("a_b", r"%a\_b%"), ("c:\\t", r"%c:\\t%")]
)
def test_wildcards_are_literal(text: str, like: str) -> None:
    """What LIKE would take for a wildcard stands for itself."""
    assert pattern(text) == like
    assert clause(Contains("xyz" + text)).values[-1] == "%xyz" + like[1:]


def test_signs_are_what_trigrams_leave_out() -> None:
    """Punctuation, pictures and letters beyond ASCII; pairs of those that are no letters."""
    found = {sign[1:] for sign in signs("c++ \u00e9t\u00e9 :/")}
    assert found == {"+", "++", "\u00e9", ":", "/", ":/"}
    assert signs("plain") == set()


def terms_of(one: Message) -> set[str]:
    """All terms of a message that are counted."""
    short = plainly_counted([one.folded])
    return {*one.stems, *one.marks, *(SUBSTRING + text for text in short)}


def test_bounds_are_bounds(some_chats: Chats) -> None:
    """No search has more hits than its terms allow."""
    right = Reference(some_chats.messages)
    counts = Counter(term for one in some_chats.messages for term in terms_of(one))
    for question in Questions(some_chats, 3).all(300):
        known = {term: counts[term] for term in needed_terms(question)}
        assert right.count(question) <= at_most(question, known, len(some_chats.messages)), question


# With a server


@pytest.fixture
def archive(engine: str, tmp_path: Path) -> Any:
    """An empty archive, on PostgreSQL only."""
    if engine not in SERVERS:
        pytest.skip("of PostgreSQL only")
    made = new_archive(engine, tmp_path)
    yield made
    made.close()


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of forty messages are large."""
    for module in (postgresql_pieces, postgresql_import):
        monkeypatch.setattr(module, "LARGE", 40)


@pytest.fixture(scope="session")
def few_chats() -> Chats:
    """Some messages a month."""
    return chats(1500)


def rows(archive: PostgresqlArchive, statement: str) -> list[Any]:
    """What a statement finds in the database of *archive*."""
    return archive._rows(statement)  # noqa: SLF001 - what no caller needs to see


def counts(archive: PostgresqlArchive) -> dict[tuple[str, int], int]:
    """The counts of terms by channel."""
    found = rows(archive, "SELECT term, channel, count FROM chat_terms")
    return {(term, channel): count for term, channel, count in found}


def right_counts(messages: list[Message]) -> Counter[tuple[str, int]]:
    """What they have to be."""
    return Counter((term, one.channel) for one in messages for term in terms_of(one))


@pytest.mark.usefixtures("small_pieces")
def test_large_imports_make_pieces(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """A month's first messages and many more become pieces; a few more join the last one."""
    december = [one for one in few_chats.messages if one.place < first_place(START + 31 * DAY)]
    first, second = (
        [one for one in december if one.channel == c.id] for c in few_chats.channels[:2]
    )
    bring(archive, few_chats, first[:20], 0)
    bring(archive, few_chats, first[20:35], 0)
    assert rows(archive, "SELECT count(*) FROM chat_pieces") == [(1,)]
    bring(archive, few_chats, second, 1)
    assert rows(archive, "SELECT count(*) FROM chat_pieces WHERE month = 24287") == [(2,)]
    assert archive.count(Everything()) == 35 + len(second)


@pytest.mark.usefixtures("small_pieces")
def test_counts_follow_every_change(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """New, edited, missing, restored and removed messages leave the counts of terms exact."""
    bring_all(archive, few_chats)
    assert counts(archive) == right_counts(few_chats.messages)
    own = few_chats.of(0)
    edited = [changed(one, one.content + " indeed", NOW) for one in own[:50]]
    bring(
        archive,
        few_chats,
        edited + own[80:],
        exported=EXPORTED + DAY,
        now=EXPORTED + DAY,
        missing=span_of(own),
    )
    gone = [with_mark(one) for one in own[50:80]]
    others = [one for one in few_chats.messages if one.channel != own[0].channel]
    assert counts(archive) == right_counts(edited + gone + own[80:] + others)
    bring(archive, few_chats, own[50:80], exported=EXPORTED + 2 * DAY, now=EXPORTED + 2 * DAY)
    assert counts(archive) == right_counts(edited + own[50:] + others)
    archive.remove_channel(own[0].channel)
    assert counts(archive) == right_counts(others)


def span_of(messages: list[Message]) -> tuple[Place, Place]:
    """From the first of *messages* to the last."""
    return messages[0].place, Place(messages[-1].place + 1)


def with_mark(one: Message) -> Message:
    """*one* when it was found missing."""
    more = [*one.marks[2:], marks.is_("deleted")]
    return message(one.place, one.content, one.channel, one.author, more=more)


@pytest.mark.usefixtures("small_pieces")
def test_order_does_not_matter(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """An export from the latest to the earliest, some of it twice, is stored once."""
    own = few_chats.of(0)
    done = bring(archive, few_chats, [*reversed(own), *own[::7]], batch=40)
    assert (done.new, done.unchanged) == (len(own), len(own[::7]))
    assert counts(archive) == right_counts(own)


def test_phrases_behind_many_repetitions(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """A tsvector keeps 256 places of a word, and none behind 16,383; phrases are found there."""
    far = "spam " * 20_000 + "spam eggs"
    channel = few_chats.channels[0].id
    bring(archive, few_chats, [message(first_place(START), far, channel)])
    assert archive.count(Words(("spam", "egg"))) == 1
    assert archive.count(Words(("egg", "spam"))) == 0


def test_hits_far_in_the_past(
    archive: PostgresqlArchive, few_chats: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that was frequent once is found though no walk meets it."""
    monkeypatch.setattr("downstream_node.chats.engines.postgresql.MOST_WALKED", 10)
    channel = few_chats.channels[0].id
    made = [
        message(first_place(START + n * DAY), "then" if n < 150 else "now", channel)
        for n in range(300)
    ]
    bring(archive, few_chats, made)
    found = archive.page(Words(("then",)), "newest", 100, skip=20)
    assert [one.place for one in found] == [one.place for one in made[129:29:-1]]


def test_readers_do_not_wait_for_an_import(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """While an import is about to be committed, readers see what was there before."""
    bring(archive, few_chats, few_chats.of(0))
    seen: list[int] = []
    with archive.writing(few_chats.export(1), bytes(32), "n", NOW) as writing:
        writing.add(few_chats.of(1))
        writing.finish(0)
        reader = threading.Thread(target=lambda: seen.append(archive.count(Contains("pecan p"))))
        reader.start()
        reader.join(timeout=10)
    right = Reference(few_chats.of(0))
    assert seen == [right.count(Contains("pecan p"))]
    assert archive.count(Everything()) == len(few_chats.of(0)) + len(few_chats.of(1))


def fail_after(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """Begin an import that an exception ends."""
    with archive.writing(few_chats.export(0), bytes(32), "n", NOW) as writing:
        writing.add(few_chats.of(0))
        raise ZeroDivisionError


def test_failed_import_leaves_nothing(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """What an exception ends, and what was not finished, was never there."""
    version = archive.version()
    with suppress(ZeroDivisionError):
        fail_after(archive, few_chats)
    with archive.writing(few_chats.export(0), bytes(32), "n", NOW) as writing:
        writing.add(few_chats.of(0))
    assert (archive.count(Everything()), archive.version()) == (0, version)
    assert (archive.channels(), counts(archive)) == ([], {})


def test_imports_wait_but_not_for_ever(
    archive: PostgresqlArchive, few_chats: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second import gives up after a time."""
    shorter = postgresql_import.WRITING.replace("'300s'", "'100ms'")
    monkeypatch.setattr(postgresql_import, "WRITING", shorter)
    with (
        archive.writing(few_chats.export(0), bytes(32), "n", NOW),
        pytest.raises(Busy),
        archive.writing(few_chats.export(1), bytes(32), "n", NOW),
    ):
        pass


def test_cut_connections_are_replaced(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """After the server was restarted, the next search succeeds."""
    bring(archive, few_chats, few_chats.of(0))
    assert archive.count(Words(("the",)))
    cut(archive)
    assert archive.count(Words(("the",)))


def cut(archive: PostgresqlArchive) -> None:
    """End all connections to the archive's database from the server's side."""
    url = archive._connections.address  # noqa: SLF001
    with psycopg.connect(
        url.set(database="postgres").render_as_string(hide_password=False), autocommit=True
    ) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            [url.database],
        )


def lose_while_writing(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """Begin an import whose connection is cut."""
    with archive.writing(few_chats.export(0), bytes(32), "n", NOW) as writing:
        writing.add(few_chats.of(0))
        cut(archive)
        writing.finish(0)


def test_import_that_loses_its_connection(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """It says so, and nothing of it stays."""
    with pytest.raises(ArchiveUnavailable):
        lose_while_writing(archive, few_chats)
    assert archive.count(Everything()) == 0


def test_hostile_searches_end(
    archive: PostgresqlArchive, few_chats: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that takes too long gives its connection back."""
    bring_all(archive, few_chats)
    archive.close()
    shorter = postgresql_pool.READING.replace("'10s'", "'1ms'")
    monkeypatch.setattr(postgresql_pool, "READING", shorter)
    slow = Contains("a " * 2000)
    with pytest.raises(Busy):
        archive._rows("SELECT pg_sleep(2)")  # noqa: SLF001
    monkeypatch.undo()
    assert archive.count(slow) == 0


def test_no_server() -> None:
    """Nobody listens there."""
    nowhere = PostgresqlArchive("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    for work in (nowhere.prepare, nowhere.version):
        with pytest.raises(ArchiveUnavailable):
            work()


def test_user_without_rights(archive: PostgresqlArchive) -> None:
    """Who may not make the extension is told that it takes an administrator."""
    url = archive._connections.address  # noqa: SLF001
    name = f"{url.database}_poor"
    admin = url.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        for statement in (
            f"DROP DATABASE IF EXISTS {name}",
            f"DROP ROLE IF EXISTS {name}",
            f"CREATE ROLE {name} LOGIN",
            f"CREATE DATABASE {name}",
        ):
            connection.execute(statement)
        poor = make_url(f"{url}").set(drivername="postgresql+psycopg", username=name, database=name)
        try:
            with pytest.raises(ArchiveUnavailable, match="CREATE EXTENSION pg_trgm"):
                PostgresqlArchive(poor.render_as_string(hide_password=False)).prepare()
        finally:
            connection.execute(f"DROP DATABASE {name}")
            connection.execute(f"DROP ROLE {name}")


def test_marks_of_several_kinds_are_not_added_up(
    archive: PostgresqlArchive, few_chats: Chats
) -> None:
    """A message with two of the marks counts once."""
    bring(archive, few_chats, few_chats.of(0))
    both = Marked(frozenset({marks.has("attachment"), marks.has("image")}))
    assert archive.count(both) == Reference(few_chats.of(0)).count(both)
