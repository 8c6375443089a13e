"""What is special about an archive in SQLite: its file, its locks, its indexes."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest
from chats.archives import NOW, bring
from chats.generated import START, Chats, chats, message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downstream_node.chats import text
from downstream_node.chats.engines import sqlite_connections
from downstream_node.chats.engines.sqlite import SqliteArchive
from downstream_node.chats.places import Place, first_place
from downstream_node.chats.query import And, Condition, Contains, Everything, Not, Or, Words
from downstream_node.chats.records import Author, Channel, Counts, Guild, Message
from downstream_node.clock import monotonic, pause
from downstream_node.errors import ArchiveUnavailable, Busy, InvalidExport, SchemaOutdated

ROOT = Path(__file__).parents[2]
FIRST = first_place(START)
FEW = Chats([Guild(1, "Guild")], [Channel(11, 1, "one")], [Author(1, "ada")], [])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the archive is."""
    return tmp_path / "folder" / "chats.db"


@pytest.fixture
def own(path: Path) -> Iterator[SqliteArchive]:
    """An empty archive."""
    archive = SqliteArchive(path)
    archive.prepare()
    yield archive
    archive.close()


def said(number: int, content: str) -> Message:
    """A message."""
    return message(FIRST + number, content, 11)


def told(archive: SqliteArchive) -> list[str]:
    """What all messages say."""
    return [found.content for found in archive.page(Everything(), "oldest", 100_000)]


# The file


def test_an_archive_can_be_opened_again(own: SqliteArchive, path: Path) -> None:
    """By another process, say."""
    bring(own, FEW, [said(1, "a")])
    other = SqliteArchive(path)
    other.prepare()
    assert told(other) == ["a"]
    assert other.version() == own.version()
    other.close()


def test_another_archive_has_another_version(own: SqliteArchive, tmp_path: Path) -> None:
    """Though nothing is in either."""
    other = SqliteArchive(tmp_path / "other.db")
    other.prepare()
    assert other.version() != own.version()
    other.close()


def test_a_path_may_have_any_name(tmp_path: Path) -> None:
    """Nothing in it is taken for an address."""
    archive = SqliteArchive(tmp_path / "what? 100% #1 \u00e9.db")
    archive.prepare()
    bring(archive, FEW, [said(1, "a")])
    assert (tmp_path / "what? 100% #1 \u00e9.db").exists()
    archive.close()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """It is no database."""
    path = tmp_path / "photo.db"
    path.write_bytes(b"\x89PNG" * 5000)
    with pytest.raises(
        ArchiveUnavailable, match=r"photo\.db cannot be used: file is not a database"
    ):
        SqliteArchive(path).prepare()


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """And nothing is written into it."""
    path = tmp_path / "node.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE farmers (id)")
    with pytest.raises(ArchiveUnavailable, match="is a database of something else"):
        SqliteArchive(path).prepare()
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("farmers",)]
    connection.close()


def test_a_later_schema_is_refused(own: SqliteArchive, path: Path) -> None:
    """Of a program that is not there yet."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE chats_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises((ArchiveUnavailable, SchemaOutdated), match="9999"):
        own.prepare()


def test_a_damaged_archive_says_so(own: SqliteArchive, path: Path) -> None:
    """Not as an error of SQLite."""
    made = chats(3000)
    bring(own, made, made.of(0))
    own.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (size - 8192))
    damaged = SqliteArchive(path)
    with pytest.raises(ArchiveUnavailable, match="cannot be used"):
        damaged.page(Words(("the",)), "newest", 10)
    damaged.close()


def test_a_missing_archive_is_not_made_by_reading(tmp_path: Path) -> None:
    """Only `prepare` makes one."""
    with pytest.raises(ArchiveUnavailable, match="unable to open"):
        SqliteArchive(tmp_path / "none.db").count(Everything())
    assert not (tmp_path / "none.db").exists()


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    """It cannot be opened."""
    with pytest.raises(ArchiveUnavailable):
        SqliteArchive(tmp_path).prepare()


def test_the_file_is_for_its_user_only(tmp_path: Path) -> None:
    """With its log; the mode of one that is there is left alone."""
    path = tmp_path / "new" / "chats.db"
    umask = os.umask(0o022)
    try:
        archive = SqliteArchive(path)
        archive.prepare()
        with archive.writing(FEW.export(), bytes(32), "first", NOW) as writing:
            writing.finish(0)
            modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
        archive.close()
    finally:
        os.umask(umask)
    assert modes == {f"chats.db{end}": 0o600 for end in ("", "-wal", "-shm")}
    path.chmod(0o640)
    SqliteArchive(path).prepare()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_removed_text_leaves_the_file(tmp_path: Path) -> None:
    """Its pages are overwritten, not only free."""
    path = tmp_path / "removed.db"
    archive = SqliteArchive(path)
    archive.prepare()
    made = [message((1 << 40) + n, "unforgettable " * 300, 11, 1) for n in range(20)]
    with archive.writing(FEW.export(), bytes(32), "removed", NOW) as writing:
        writing.add(made)
        writing.finish(0)
    assert archive.remove_channel(FEW.channels[0].id) == 20
    archive.close()
    assert b"unforgettable unforgettable" not in path.read_bytes()


# Several at a time


def test_another_import_waits(own: SqliteArchive) -> None:
    """Until the first one is over."""
    began, may_end = Event(), Event()

    def first() -> None:
        with own.writing(FEW.export(), bytes(32), "first", NOW) as writing:
            writing.add([said(1, "a")])
            began.set()
            may_end.wait(30)
            writing.finish(0)

    thread = Thread(target=first)
    thread.start()
    assert began.wait(30)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(bring, own, FEW, [said(1, "a"), said(2, "b")])
        pause(0.2)
        assert not second.done()
        may_end.set()
        assert second.result(30) == Counts(new=1, unchanged=1)
    thread.join()


def test_waiting_has_an_end(own: SqliteArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the archive is busy."""
    monkeypatch.setattr(sqlite_connections, "WAIT_SECONDS", 0.1)
    with own.writing(FEW.export(), bytes(32), "first", NOW), pytest.raises(Busy):
        bring(own, FEW, [said(1, "a")])


ENDLESS = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT max(n) FROM n"


def test_searching_has_an_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the other engines; what is asked afterwards has its own time."""
    connections = sqlite_connections.Connections(path)
    connections.prepare()
    monkeypatch.setattr(sqlite_connections, "SEARCH_SECONDS", 0.2)
    for _ in range(2):
        began = monotonic()
        with pytest.raises(Busy, match="search for less"), connections.reading() as connection:
            connection.execute(ENDLESS).fetchall()
        assert 0.2 <= monotonic() - began < 5
    for _ in range(3):
        with connections.reading() as connection:
            pause(0.1)
            assert connection.execute("SELECT count(*) FROM chat_messages").fetchone() == (0,)
    with connections.writing() as connection:
        # An import takes as long as it takes.
        limited = ENDLESS.replace("FROM n)", "FROM n LIMIT 3000000)")
        assert connection.execute(limited).fetchone() == (3_000_000,)
    connections.close()


def test_a_search_that_takes_too_long(own: SqliteArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended in the middle, also where it reads several indexes, and works again later."""
    bring(own, FEW, [said(n, f"pie {n}") for n in range(500)])
    wanted = Or((Words(("pie",)), Contains("pie 1")))
    monkeypatch.setattr(sqlite_connections, "STEPS", 100)
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_connections, "SEARCH_SECONDS", 0.0)
        with pytest.raises(Busy):
            own.count(wanted)
        with pytest.raises(Busy):
            own.page(wanted, "newest", 25)
    assert own.count(wanted) == 500


def test_an_archive_opens_during_an_import(own: SqliteArchive, path: Path) -> None:
    """Its schema is there already, so nothing has to be written."""
    with own.writing(FEW.export(), bytes(32), "first", NOW) as writing:
        writing.add([said(1, "a")])
        other = SqliteArchive(path)
        other.prepare()
        assert told(other) == []
        other.close()


def test_many_readers_during_imports(own: SqliteArchive) -> None:
    """Each sees whole imports only."""
    over = Event()

    def read() -> set[int]:
        seen = set()
        while not over.is_set():
            seen.add(own.count(Words(("same",))))
        return seen

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        for round_ in range(5):
            bring(own, FEW, [said(1000 * round_ + n, "same") for n in range(1000)])
        over.set()
        assert set().union(*(reader.result() for reader in readers)) <= set(range(0, 6000, 1000))


KILLED = """
import sys
from pathlib import Path
from chats.test_sqlite import FEW, NOW, said
from downstream_node.chats.engines.sqlite import SqliteArchive
archive = SqliteArchive(Path(sys.argv[1]))
with archive.writing(FEW.export(), bytes(32), "killed", NOW) as writing:
    for n in range(1, 2_000_000, 4000):
        writing.add([said(k, f"killed {k} " * 20) for k in range(n, n + 4000)])
        print(n, flush=True)
"""


def test_a_killed_import_leaves_the_old_state(own: SqliteArchive, path: Path) -> None:
    """With SIGKILL, after some of it was written to the disk."""
    bring(own, FEW, [said(0, "a")])
    before = own.version()
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, "-c", KILLED, str(path)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    log = path.with_name("chats.db-wal")
    give_up = monotonic() + 60
    while monotonic() < give_up and not (log.exists() and log.stat().st_size > 1 << 20):
        pause(0.02)
    written = log.stat().st_size
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert written > 1 << 20
    assert process.returncode == -signal.SIGKILL
    assert told(own) == ["a"]
    assert own.version() == before
    assert bring(own, FEW, [said(1, "b")]) == Counts(new=1)
    assert own.count(Contains("killed")) == 0


# What is asked for is never taken for a part of the question

TRICKY = st.text(
    st.one_of(
        st.sampled_from(
            "\0\1\x7f\"'*^:{}()+-%_\\ aAeE\u0301\u00e9\u00df\u65e5\U0001f389\ufffd\ufffe\uffff"
        ),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteArchive, list[Message]]]:
    """An archive with texts of all kinds of characters."""
    archive = SqliteArchive(tmp_path_factory.mktemp("odd") / "chats.db")
    archive.prepare()
    texts = [
        *(chr(code) * (1 + code % 3) for code in range(1, 0x3000, 7)),
        *(
            '"',
            '""',
            '"a"',
            "a\u0301",
            "\ufffe",
            "\uffff",
            "\ufffd",
            "\1",
            "a\1b",
            "AND",
            "NOT a OR b",
        ),
        *(
            "stems : a",
            "{a}",
            "a*",
            "^a",
            "NEAR(a b)",
            "%",
            "_",
            "\\",
            "'",
            "--",
            ";",
            "\U0010ffff",
        ),
    ]
    messages = [said(number, content) for number, content in enumerate(texts)]
    bring(archive, FEW, messages)
    yield archive, messages
    archive.close()


QUIET = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUIET
@given(TRICKY.filter(bool))
def test_every_literal_is_found_literally(
    odd: tuple[SqliteArchive, list[Message]], content: str
) -> None:
    """Whatever characters it has."""
    archive, messages = odd
    wanted = text.fold(content)
    right = [m.place for m in messages if wanted in m.folded]
    assert [m.place for m in archive.page(Contains(wanted), "oldest", 5000)] == right
    assert archive.count(Not(Contains(wanted))) == len(messages) - len(right)


@QUIET
@given(st.text(st.characters(), min_size=1, max_size=6))
def test_any_text_may_be_asked_for(odd: tuple[SqliteArchive, list[Message]], content: str) -> None:
    """Folded or not, with NUL or lone surrogates."""
    archive, messages = odd
    right = sum(content in m.folded for m in messages)
    assert archive.count(Contains(content)) == right
    assert archive.count(Words((content,))) <= len(messages)


@QUIET
@given(TRICKY)
def test_every_text_is_found_by_its_words(
    odd: tuple[SqliteArchive, list[Message]], content: str
) -> None:
    """Those that `text.stems` finds in it."""
    archive, messages = odd
    for stem in text.stems(content):
        right = sum(stem in m.stems for m in messages)
        assert archive.count(Words((stem,))) == right


def test_a_text_with_nul_is_refused(own: SqliteArchive) -> None:
    """SQLite would cut it off; reading exports replaces it."""
    with pytest.raises(InvalidExport, match="NUL"):
        bring(own, FEW, [said(1, "a\0b")])
    assert told(own) == []


DEEPEST = 12
"""More than `language.py` lets through."""


def test_deep_and_wide_conditions(own: SqliteArchive) -> None:
    """Hundreds of parts, a dozen levels."""
    bring(own, FEW, [said(n, f"w{n}") for n in range(50)])
    wide = tuple(Words((f"w{n}",)) for n in range(0, 1000, 2))
    assert own.count(Or(wide)) == 25
    assert own.count(Or(tuple(map(Not, wide)))) == 50
    deep: Condition = Words(("w1",))
    for level in range(DEEPEST):
        deep = And((Or((deep, Contains(f"w{level}"))), Not(Words(("w2",)))))
    assert own.count(deep) == sum(deep_is_met(f"w{n}") for n in range(50))


def deep_is_met(content: str) -> bool:
    """What the deep condition says of one word."""
    met = content == "w1"
    for level in range(DEEPEST):
        met = (met or f"w{level}" in content) and content != "w2"
    return met


def test_places_at_the_edges(own: SqliteArchive) -> None:
    """The first and the last place that there can be."""
    places = (-(2**63) + 1, -1, 0, 2**63 - 1)
    bring(own, FEW, [message(place, "edge", 11, number=n) for n, place in enumerate(places)])
    assert [m.place for m in own.page(Words(("edg",)), "oldest", 9)] == list(places)
    assert [m.place for m in own.page(Contains("edge"), "newest", 9, Place(0))] == [-1, places[0]]
    assert own.count(Everything()) == 4
