"""Answers that were given before: in memory, in Redis, and when Redis is gone."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from chats.asking import EVERYTHING, bring, export_of, holder, said, served
from conftest import require
from redis import Redis
from servers import free_port

from downstream_node.chats import searching
from downstream_node.chats.access import operator
from downstream_node.chats.cache import PREFIX, Cache, InRedis, Memory, key_of, size_of
from downstream_node.chats.searching import Question
from downstream_node.clock import monotonic, pause
from downstream_node.errors import InvalidSettings
from downstream_node.limiting import NoLimit, PerMinute
from downstream_node.shared import LEFT_ALONE, PATIENCE, Shared


class Counted:
    """Makes answers and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> list[int]:
        """The number of this call."""
        self.times += 1
        return [self.times]


@pytest.fixture
def redis_url() -> str:
    """A Redis that is there for tests; what is in it stays."""
    url = os.environ.get("TEST_REDIS_URL", "")
    require(url, "TEST_REDIS_URL names no server")
    return url


@pytest.fixture
def shared(redis_url: str) -> Iterator[Shared]:
    """That Redis."""
    made = Shared(redis_url)
    yield made
    made.close()


class Seconds:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The seconds now."""
        return self.now


# In memory


def test_an_answer_is_made_once() -> None:
    """And given again for the same question, not for another."""
    cache, make = Cache(Memory(10_000)), Counted()
    assert [cache.remembered(list[int], ("v1", "pie"), make) for _ in range(3)] == [[1]] * 3
    assert cache.remembered(list[int], ("v2", "pie"), make) == [2]
    assert cache.remembered(list[int], ("v1", "tea"), make) == [3]


def test_keys_stand_for_the_whole_question() -> None:
    """Parts do not run into each other, and forms of answers have keys of their own."""
    questions = [("a", "b"), ("ab",), ("a", "b", None), ("a'b",), (1, "b"), ("1", "b")]
    assert len({key_of(int, question) for question in questions}) == len(questions)
    assert key_of(int, ("a",)) != key_of(str, ("a",))


def test_memory_is_bounded() -> None:
    """What was asked for longest ago goes first; what is too large is not kept."""
    memory = Memory(8 * size_of("a", b"x" * 100))
    for name in "abcdefgh":
        memory.put(name, b"x" * 100)
    assert memory.get("a")
    memory.put("i", b"x" * 100)
    assert memory.get("b") is None
    assert memory.get("a")
    memory.put("large", b"x" * 1000)
    assert memory.get("large") is None
    assert memory.bytes == sum(size_of(key, value) for key, value in memory.entries.items())


def test_replacing_frees_what_was_there() -> None:
    """The count of bytes is that of what is kept."""
    memory = Memory(100_000)
    for size in (100, 5000, 10):
        memory.put("a", b"x" * size)
    assert memory.bytes == size_of("a", b"x" * 10)


def test_no_memory_at_all() -> None:
    """A size of 0 keeps nothing and works."""
    cache, make = Cache(Memory(0)), Counted()
    assert [cache.remembered(list[int], (), make) for _ in range(2)] == [[1], [2]]


def test_what_does_not_parse_counts_as_nothing() -> None:
    """Whatever stands in the store is data, and replaced if it is no answer."""
    memory, make = Memory(10_000), Counted()
    cache = Cache(memory)
    for wrong in (b"", b"\x80\x04.", msgspec.msgpack.encode({"a": 1}), b"cos\nsystem\n"):
        memory.put(key_of(list[int], ("q",)), wrong)
        assert cache.remembered(list[int], ("q",), make) == [make.times]
    assert make.times == 4


def test_an_import_makes_earlier_answers_unreachable(
    tmp_path: Path, empty_sqlite: Path, master_key: Path
) -> None:
    """At once, and though nothing is flushed."""
    node = served(tmp_path / "node", empty_sqlite, master_key)
    ada = holder(node)
    assert ada.get("/api/chats/search", search_term="pie") == {"detail": "No messages found"}
    bring(node, export_of([said(1, "2024-01-01T00:00:00Z", "a pie")], channel=10))
    assert ada.get("/api/chats/search", search_term="pie")["count"] == 1
    assert ada.found("pie") == ["a pie"]
    bring(node, export_of([said(2, "2024-01-02T00:00:00Z", "two pies")], channel=10))
    assert ada.get("/api/chats/search", search_term="pie")["count"] == 2
    node.close()


def test_one_search_written_in_two_ways(
    tmp_path: Path, empty_sqlite: Path, master_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is carried out once, and each answer tells where its own terms stand."""
    node = served(tmp_path / "node", empty_sqlite, master_key)
    bring(node, export_of([said(1, "2024-01-01T00:00:00Z", "a pie")], channel=10))
    first = searching.search(node.parts, operator(), Question("pie tea"))
    monkeypatch.setattr(searching, "page_of", None)
    second = searching.search(node.parts, operator(), Question('  "pie"   AND tea'))
    assert [(one.start, one.end) for one in first.terms] == [(0, 3), (4, 7)]
    assert [(one.start, one.end) for one in second.terms] == [(2, 7), (14, 17)]
    node.close()


# In Redis


def test_processes_share_answers(shared: Shared) -> None:
    """What one has made another one gets."""
    make, question = Counted(), ("test", os.urandom(8).hex())
    for _ in range(2):
        cache = Cache(InRedis(shared, Memory(10_000)))
        assert cache.remembered(list[int], question, make) == [1]
    Redis(connection_pool=shared.pool).delete(PREFIX + key_of(list[int], question))


def test_answers_in_redis_end_by_themselves(shared: Shared) -> None:
    """After an hour; nothing is flushed."""
    question = ("test", os.urandom(8).hex())
    Cache(InRedis(shared, Memory(10_000))).remembered(list[int], question, Counted())
    redis, key = Redis(connection_pool=shared.pool), PREFIX + key_of(list[int], question)
    assert 3500 < redis.ttl(key) <= 3600
    redis.delete(key)


class OwnRedis:
    """A Redis of the test's own, which it stops and starts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        self.process = subprocess.Popen(
            ["redis-server", *options, str(self.folder)], stdout=subprocess.DEVNULL
        )
        give_up = monotonic() + 10
        while monotonic() < give_up:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            pause(0.02)
        pytest.fail("Redis did not start.")

    def stop(self) -> None:
        """Kill it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """It runs, and is gone after the test."""
    require(shutil.which("redis-server"), "redis-server is not installed")
    made = OwnRedis(tmp_path)
    made.start()
    yield made
    made.stop()


def test_what_is_too_large_for_memory_is_no_more_in_redis(own_redis: OwnRedis) -> None:
    """A whole chat is not sent there; what is just small enough is."""
    shared = Shared(own_redis.url)
    memory = Memory(8 * size_of("a", b"x" * 100))
    store = InRedis(shared, memory)
    store.put("a", b"x" * 100)
    store.put("b", b"x" * 101)
    assert Redis(connection_pool=shared.pool).keys() == [f"{PREFIX}a".encode()]
    assert (store.get("a"), store.get("b")) == (b"x" * 100, None)
    assert not memory.entries
    shared.close()


def test_redis_killed_in_the_middle(
    own_redis: OwnRedis,
    tmp_path: Path,
    empty_sqlite: Path,
    master_key: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Answers go on as before, soon, with one line in the log; the same when it is back."""
    values = {"REDIS_URL": own_redis.url, "CHATS_RATE_LIMIT": 1000}
    node = served(tmp_path / "node", empty_sqlite, master_key, **values)
    bring(node, export_of([said(1, "2024-01-01T00:00:00Z", "a pie")], channel=10))
    ada = holder(node)
    first = ada.get("/api/chats/v1/search", q="pie")
    own_redis.stop()
    began = monotonic()
    for n in range(20):
        assert ada.get("/api/chats/v1/search", q="pie") == first
        assert ada.found(f"pie -tea{n}") == ["a pie"]
    assert monotonic() - began < 5
    own_redis.start()
    assert ada.get("/api/chats/v1/search", q="pie") == first
    node.close()
    lines = [record.message for record in caplog.records if "Redis" in record.message]
    assert len(lines) == 1
    assert str(own_redis.port) not in lines[0]


def test_redis_that_was_never_there(tmp_path: Path, empty_sqlite: Path, master_key: Path) -> None:
    """The node starts and answers."""
    values = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", "CHATS_RATE_LIMIT": 2}
    node = served(tmp_path / "node", empty_sqlite, master_key, **values)
    ada = holder(node)
    codes = [ada.ask("/api/chats/v1/channels").status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    node.close()


def test_redis_that_does_not_answer() -> None:
    """A server that takes connections and says nothing is waited for once, and shortly."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        shared = Shared(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        cache, make = Cache(InRedis(shared, Memory(10_000))), Counted()
        began = monotonic()
        assert [cache.remembered(list[int], ("q",), make) for _ in range(50)] == [[1]] * 50
        assert PATIENCE <= monotonic() - began < 4 * PATIENCE
        shared.close()


def test_redis_is_left_alone_for_a_while(own_redis: OwnRedis) -> None:
    """After a failure it is asked again when its time is over, and then answers."""
    now = Seconds()
    shared = Shared(own_redis.url, now)
    redis = Redis(connection_pool=shared.pool)
    asked: list[bool] = []

    def ping() -> bool:
        asked.append(True)
        return bool(redis.ping())

    own_redis.stop()
    assert [shared.ask(ping) for _ in range(3)] == [None] * 3
    assert len(asked) == 1
    own_redis.start()
    now.now += LEFT_ALONE - 0.001
    assert shared.ask(ping) is None
    now.now += 0.001
    assert shared.ask(ping) is True
    assert shared.ask(ping) is True
    shared.close()


@pytest.mark.parametrize("url", ["nowhere", "http://host", "redis://host:port/0"])
def test_addresses_of_no_redis(url: str) -> None:
    """They are refused, and not shown."""
    with pytest.raises(InvalidSettings, match="REDIS_URL") as caught:
        Shared(url)
    assert url not in str(caught.value)


# Rate limits


@pytest.mark.parametrize("where", ["memory", "redis"])
def test_requests_a_minute(where: str, request: pytest.FixtureRequest) -> None:
    """So many pass, and then there is a time to wait; each is counted alone."""
    shared = request.getfixturevalue("shared") if where == "redis" else None
    limiter, one, other = PerMinute(3, shared), os.urandom(8).hex(), os.urandom(8).hex()
    assert [limiter.hit(one) for _ in range(3)] == [0, 0, 0]
    assert 1 <= limiter.hit(one) <= 60
    assert limiter.hit(other) == 0


def test_processes_count_together(shared: Shared) -> None:
    """With Redis there is one count for all."""
    who = os.urandom(8).hex()
    waits = [PerMinute(2, shared).hit(who) for _ in range(3)]
    assert [bool(wait) for wait in waits] == [False, False, True]


def test_no_limit() -> None:
    """0 in the settings."""
    assert [NoLimit().hit("ada") for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("path", "field"),
    [("/api/chats/search?search_term=pie", "detail"), ("/api/chats/v1/search", "message")],
)
def test_429_in_the_form_of_the_api(
    tmp_path: Path, empty_sqlite: Path, master_key: Path, path: str, field: str
) -> None:
    """With Retry-After; of each key, and of each address without one."""
    node = served(tmp_path / "node", empty_sqlite, master_key, CHATS_RATE_LIMIT=2)
    ada, bo = holder(node), holder(node, name="bo")
    answers = [ada.ask(path) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    wait = answers[2].headers["Retry-After"]
    expected = f"Too many requests. Please try again in {wait} s."
    assert answers[2].get_json()[field] == expected
    assert 1 <= int(wait) <= 60
    assert bo.ask(path).status_code == 200
    node.close()


def test_wrong_keys_are_counted(tmp_path: Path, empty_sqlite: Path, master_key: Path) -> None:
    """Of the address that tries them; another address goes on."""
    node = served(tmp_path / "node", empty_sqlite, master_key, CHATS_RATE_LIMIT=2)
    client = node.app.test_client()

    def attempt(address: str) -> Callable[[], int]:
        headers = {"Authorization": f"Bearer dsck_{os.urandom(4).hex()}"}
        return lambda: (
            client.get(
                "/api/chats/v1/search", headers=headers, environ_base={"REMOTE_ADDR": address}
            ).status_code
        )

    assert [attempt("192.0.2.1")() for _ in range(3)] == [401, 401, 429]
    assert attempt("192.0.2.2")() == 401
    node.close()


def test_everything_is_a_scope_like_others() -> None:
    """Whoever has the machine itself is not a key, and has everything."""
    assert operator().reads == EVERYTHING
