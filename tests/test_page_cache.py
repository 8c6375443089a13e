"""What is kept of public answers, for how long, for whom; and what threads do to it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.validate import validator

import pytest
from conftest import NodeMaker
from werkzeug.test import Client, TestResponse

from downstream_node import page_cache
from downstream_node.clock import monotonic
from downstream_node.page_cache import MOST_BODY_BYTES, OVERHEAD, PageCache

PUBLIC = "public, max-age=10"
PLAIN = ("Content-Type", "text/plain")


@dataclass
class Site:
    """An application that counts its calls, behind a cache on a clock that the test moves."""

    headers: dict[str, str] = field(default_factory=lambda: {"Cache-Control": PUBLIC})
    status: str = "200 OK"
    body: Callable[[], Iterable[bytes]] | None = None
    calls: list[WSGIEnvironment] = field(default_factory=list)
    time: float = 1000.0
    most_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        """Put the cache before it."""
        self.cache = PageCache(
            self.app,
            below=("/pages/",),
            exactly=["/"],
            most_bytes=self.most_bytes,
            now=lambda: self.time,
        )
        self.client = Client(self.cache)

    def app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the number of the call."""
        self.calls.append(environ)
        number = len(self.calls)
        body = [b"call %d" % number] if self.body is None else self.body()
        start_response(self.status, [PLAIN, *self.headers.items()])
        return body

    def get(self, path: str = "/pages/a", method: str = "GET", **headers: str) -> TestResponse:
        """One request; headers by keyword, with _ for -."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.client.open(path, method=method, headers=named, buffered=True)


# What is kept


def test_an_answer_is_kept_for_its_time() -> None:
    """The application is asked again after exactly max-age seconds."""
    site = Site()
    texts = []
    for site.time in (1000, 1000, 1009.9, 1010, 1019.9, 1020):
        texts.append(site.get().text)
    assert texts == ["call 1"] * 3 + ["call 2"] * 2 + ["call 3"]


def test_a_hit_says_how_old_it_is() -> None:
    """Age is in whole seconds, and is not sent the first time."""
    site = Site()
    assert "Age" not in site.get().headers
    site.time += 3.7
    assert site.get().headers["Age"] == "3"


def test_a_clock_that_is_set_back_makes_answers_old() -> None:
    """Nothing is kept for longer than it says because of a wrong clock."""
    site = Site()
    site.get()
    site.time -= 1
    assert site.get().text == "call 2"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no Cache-Control"),
        pytest.param({"Cache-Control": "public"}, id="no max-age"),
        pytest.param({"Cache-Control": "max-age=10"}, id="not public"),
        pytest.param({"Cache-Control": "public, max-age=0"}, id="no time"),
        pytest.param({"Cache-Control": "public, max-age=-1"}, id="a negative time"),
        pytest.param({"Cache-Control": "public, max-age=9999999999"}, id="an absurd time"),
        pytest.param({"Cache-Control": "public, max-age=1, max-age=2"}, id="two times"),
        pytest.param({"Cache-Control": f"{PUBLIC}, private"}, id="private"),
        pytest.param({"Cache-Control": f"{PUBLIC}, No-Store"}, id="no-store"),
        pytest.param({"Cache-Control": f"{PUBLIC}, no-cache"}, id="no-cache"),
        pytest.param({"Cache-Control": PUBLIC, "Set-Cookie": "a=b"}, id="a cookie"),
        pytest.param({"Cache-Control": PUBLIC, "Vary": "Cookie"}, id="by cookie"),
        pytest.param({"Cache-Control": PUBLIC, "Vary": "Accept, Cookie"}, id="also by cookie"),
        pytest.param({"Cache-Control": PUBLIC, "Vary": "*"}, id="by anything"),
        pytest.param({"Cache-Control": PUBLIC, "Content-Length": "1048577"}, id="too long"),
    ],
)
def test_what_is_not_public_is_not_kept(headers: dict[str, str]) -> None:
    """It passes as it came, without an ETag of ours."""
    site = Site(headers)
    answers = [site.get() for _ in range(2)]
    assert [answer.text for answer in answers] == ["call 1", "call 2"]
    assert dict(answers[0].headers) == {"Content-Type": "text/plain", **headers}
    assert site.cache.bytes == 0


@pytest.mark.parametrize("status", ["201 CREATED", "304 NOT MODIFIED", "404 NOT FOUND", "500 NO"])
def test_only_200_is_kept(status: str) -> None:
    """An error is told anew to each who asks."""
    site = Site(status=status)
    assert [site.get().status_code for _ in range(2)] == [int(status[:3])] * 2
    assert len(site.calls) == 2


@pytest.mark.parametrize(
    "control", ["max-age=10,public", "Public, Max-Age=10", "s-maxage=1, public, max-age=10"]
)
def test_cache_control_is_a_list(control: str) -> None:
    """Order, case and other directives do not matter."""
    site = Site({"Cache-Control": control})
    assert {site.get().text, site.get().text} == {"call 1"}


@pytest.mark.parametrize("header", ["Authorization", "Range"])
def test_requests_that_are_not_for_everybody(header: str) -> None:
    """They are neither answered from the cache nor put into it."""
    site = Site()
    assert [site.get(**{header: "x"}).text for _ in range(2)] == ["call 1", "call 2"]
    assert site.get().text == "call 3"
    assert site.get(**{header: "x"}).text == "call 4"


def test_only_reading_fills_the_cache() -> None:
    """POST and DELETE pass."""
    site = Site()
    for method in ("POST", "DELETE"):
        site.get(method=method)
    assert site.get().text == "call 3"
    assert site.get().text == "call 3"


def test_head_is_get_without_the_body() -> None:
    """It fills the cache, is told the ETag, and sends no body even of what is not kept."""
    site = Site()
    head = site.get(method="HEAD")
    assert head.headers["ETag"]
    assert head.data == b""
    assert site.get().text == "call 1"
    site.headers = {"Cache-Control": "no-store"}
    assert site.get(path="/pages/private", method="HEAD").data == b""


def test_head_is_served_from_a_kept_get() -> None:
    """It has the same headers and no body."""
    site = Site()
    site.get()
    full, head = site.get(), site.get(method="HEAD")
    assert (head.status_code, head.data, dict(head.headers)) == (200, b"", dict(full.headers))
    assert head.headers["Content-Length"] == "6"
    assert len(site.calls) == 1


def test_head_renews_an_old_answer() -> None:
    """HEAD of what has run out renews it, too."""
    site = Site()
    site.get()
    site.time += 10
    site.get(method="HEAD")
    assert [site.get().text for _ in range(2)] == ["call 2"] * 2


@pytest.mark.parametrize("path", ["/other", "/pages", "/a", "/api/downstream/v1/status/list"])
def test_other_paths_pass(path: str) -> None:
    """The application gets the very environ and start_response of the server."""
    site = Site()
    seen: list[object] = []
    site.cache.app = lambda *given: seen.extend(given) or []  # type: ignore[func-returns-value]
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path}
    site.cache(environ, start := lambda *_: lambda _: None)
    assert seen[0] is environ
    assert seen[1] is start


def test_an_exact_path_is_kept() -> None:
    """`/` alone does not stand for all that is below it."""
    site = Site()
    assert [site.get("/").text for _ in range(2)] == ["call 1"] * 2


# The key


def test_path_and_query_tell_pages_apart() -> None:
    """The host does not."""
    site = Site()
    for path in ("/pages/a", "/pages/b", "/pages/a?x=1", "/pages/a?x=2"):
        site.get(path)
    assert len(site.calls) == 4
    assert site.get(Host="elsewhere.example").text == "call 1"


def test_accept_counts_where_the_answer_varies() -> None:
    """Each Accept header has its own answer, found in two steps."""
    site = Site({"Cache-Control": PUBLIC, "Vary": "accept"})
    first = [site.get(Accept=kind).text for kind in ("text/html", "application/json")]
    again = [site.get(Accept=kind).text for kind in ("text/html", "application/json")]
    assert first == again == ["call 1", "call 2"]


def test_accept_does_not_count_elsewhere() -> None:
    """One answer serves all."""
    site = Site()
    assert {site.get(Accept=kind).text for kind in ("text/html", "*/*")} == {"call 1"}


def test_a_page_may_begin_to_vary() -> None:
    """And may end it: what the last answer says counts."""
    site = Site()
    site.get()
    site.time += 10
    site.headers["Vary"] = "Accept"
    assert [site.get(Accept=kind).text for kind in "aab"] == ["call 2", "call 2", "call 3"]
    site.time += 10
    del site.headers["Vary"]
    assert [site.get(Accept=kind).text for kind in "abc"] == ["call 4"] * 3


# Conditions


def test_kept_answers_have_a_strong_etag() -> None:
    """Already the first time, the same for the same body, another for another."""
    site = Site()
    etags = [site.get().headers["ETag"], site.get().headers["ETag"]]
    site.time += 10
    etags.append(site.get().headers["ETag"])
    assert etags[0] == etags[1] != etags[2]
    assert all(etag.startswith('"') and etag.endswith('"') for etag in etags)


def test_an_etag_of_the_application_stays() -> None:
    """It may know better."""
    site = Site({"Cache-Control": PUBLIC, "ETag": 'W/"mine"'})
    assert site.get().headers.get_all("ETag") == ['W/"mine"']
    assert site.get(If_None_Match='"mine"').status_code == 304


@pytest.mark.parametrize(
    ("form", "status"),
    [
        pytest.param("{0}", 304, id="itself"),
        pytest.param("*", 304, id="any"),
        pytest.param("W/{0}", 304, id="weak"),
        pytest.param('"x", {0}', 304, id="a list"),
        pytest.param('W/"x",W/{0} , "y"', 304, id="a list of weak ones"),
        pytest.param('"x"', 200, id="another"),
        pytest.param("", 200, id="none"),
        pytest.param("x{0}x", 304, id="junk around it"),
        pytest.param('"*"', 200, id="a quoted star"),
    ],
)
@pytest.mark.parametrize("kept", [False, True])
def test_if_none_match(form: str, status: int, kept: bool) -> None:
    """Whoever has the answer gets 304 and no body, be it kept already or not."""
    site, other = Site(), Site()
    etag = other.get().headers["ETag"]
    if kept:
        site.get()
    answer = site.get(If_None_Match=form.format(etag))
    assert (answer.status_code, answer.data) == (status, b"" if status == 304 else b"call 1")


def test_the_headers_of_a_304() -> None:
    """Those that a cache updates and those that a browser checks; nothing about the body."""
    cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag"}
    site = Site({"Cache-Control": PUBLIC, "Vary": "Accept", "X-Other": "x", **cors})
    etag = site.get(Accept="a").headers["ETag"]
    answer = site.get(Accept="a", If_None_Match=etag)
    expected = {"Cache-Control": PUBLIC, "Vary": "Accept", "ETag": etag, "Age": "0", **cors}
    assert dict(answer.headers) == expected


def test_the_application_does_not_see_conditions() -> None:
    """Its 304 could not be kept, and everybody's next request would reach it."""
    site = Site()
    site.get(If_None_Match='"x"', If_Modified_Since="Sun, 22 Nov 2026 00:00:00 GMT")
    assert not set(page_cache.CONDITIONS) & set(site.calls[0])


# Bodies


def test_a_body_in_pieces_is_kept_whole() -> None:
    """And closed once, when it was read."""
    closed: list[bool] = []
    site = Site(body=lambda: Pieces([b"a", b"", b"b"], closed))
    assert [site.get().text, site.get().text] == ["ab", "ab"]
    assert closed == [True]


@pytest.mark.parametrize(("extra", "calls"), [(0, 1), (1, 2)])
def test_a_body_has_a_limit(extra: int, calls: int) -> None:
    """What is larger arrives whole, is closed, and is not kept."""
    closed: list[bool] = []
    half = MOST_BODY_BYTES // 2
    pieces = [b"a" * half, b"b" * (half + extra), b"c" * 10 * extra]
    site = Site(body=lambda: Pieces(pieces, closed), most_bytes=8 << 20)
    assert [site.get().data == b"".join(pieces) for _ in range(2)] == [True, True]
    assert (len(site.calls), len(closed)) == (calls, calls)


class Pieces:
    """A body that tells when it is closed, and may break."""

    def __init__(self, pieces: list[bytes], closed: list[bool], *, broken: bool = False) -> None:
        self.pieces = pieces
        self.closed = closed
        self.broken = broken

    def __iter__(self) -> Iterator[bytes]:
        """The pieces."""
        yield from self.pieces
        if self.broken:
            raise OSError

    def close(self) -> None:
        """Tell it."""
        self.closed.append(True)


def test_a_body_that_breaks_is_not_kept() -> None:
    """The error reaches the server, the body is closed, and the next request works."""
    closed: list[bool] = []
    site = Site(body=lambda: Pieces([b"a"], closed, broken=True))
    with pytest.raises(OSError, match=r"^$"):
        site.get()
    site.body = None
    assert (site.get().text, closed) == ("call 2", [True])


def lazy(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    """An application that starts its answer only when its body is asked for."""
    start_response("200 OK", [PLAIN, ("Cache-Control", PUBLIC)])
    yield b"late"


def writing(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """An application that uses the old way to send."""
    start_response("200 OK", [PLAIN, ("Cache-Control", PUBLIC)])(b"old ")
    return [b"way"]


@pytest.mark.parametrize(("app", "text"), [(lazy, "late"), (writing, "old way")])
def test_unusual_applications(app: Any, text: str) -> None:
    """All that PEP 3333 allows arrives as it is."""
    client = Client(PageCache(app, below=("/",)))
    assert [client.get("/").text for _ in range(2)] == [text] * 2


def test_the_cache_speaks_wsgi() -> None:
    """A checker on both sides finds nothing, for a miss, a hit, a 304 and what passes."""
    site = Site()
    inner = PageCache(validator(site.app), below=("/pages/",))
    client = Client(validator(inner))
    statuses = [
        client.get(path, headers=headers, buffered=True).status_code
        for path, headers in (("/pages/", {}), ("/pages/", {"If-None-Match": "*"}), ("/no", {}))
    ]
    assert statuses == [200, 304, 200]


# Room


def test_the_least_recently_used_goes_first() -> None:
    """When the bytes are used up, what was not asked for longest has to be made anew."""
    site = Site(most_bytes=3 * (OVERHEAD + 100))
    for path in ("/pages/a", "/pages/b", "/pages/c", "/pages/a", "/pages/d"):
        site.get(path)
    assert len(site.calls) == 4
    assert [site.get(f"/pages/{name}").text for name in "adc"] == ["call 1", "call 4", "call 3"]
    assert site.get("/pages/b").text == "call 5"


def test_many_pages_do_not_use_more_than_the_room() -> None:
    """Keys count, too: nobody fills the memory with long queries or Accept headers."""
    site = Site({"Cache-Control": PUBLIC, "Vary": "Accept"}, most_bytes=100_000)
    for number in range(200):
        site.get(f"/pages/a?{'x' * 1000}{number}", Accept="y" * 1000)
        assert site.cache.bytes <= 100_000
    sizes = [entry.size for entry in site.cache.entries.values()]
    assert 10 < len(sizes) < 100
    assert site.cache.bytes == sum(sizes)


def test_what_exceeds_all_room_is_still_answered() -> None:
    """It is just not kept."""
    site = Site(most_bytes=10)
    assert [site.get().text for _ in range(2)] == ["call 1", "call 2"]
    assert site.cache.bytes == 0


def test_clearing_forgets_everything() -> None:
    """The next request reaches the application."""
    site = Site()
    site.get()
    site.cache.clear()
    assert (site.cache.bytes, site.get().text) == (0, "call 2")


# Threads

MANY = 8


class Gate:
    """A body that waits until the test opens the gate; fails if it is told to."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.opened = threading.Event()
        self.fails = False

    def __call__(self) -> list[bytes]:
        """The body, late."""
        self.reached.release()
        assert self.opened.wait(5)
        if self.fails:
            raise OSError
        return [b"new"]


def gated() -> tuple[Site, Gate]:
    """A page that has just run out, and the gate to its renewal."""
    site, gate = Site(), Gate()
    site.get()
    site.time += 10
    site.body = gate
    return site, gate


def attempt(site: Site) -> str:
    """One request: its text, or "failed"."""
    try:
        return Client(site.cache).get("/pages/a").text
    except OSError:
        return "failed"


def test_only_one_thread_renews() -> None:
    """The others wait for it and get what it got."""
    site, gate = gated()
    with ThreadPoolExecutor(MANY) as threads:
        answers = [threads.submit(attempt, site) for _ in range(MANY)]
        assert gate.reached.acquire(timeout=5)
        assert not gate.reached.acquire(timeout=0.2)
        gate.opened.set()
    assert [answer.result() for answer in answers] == ["new"] * MANY
    assert len(site.calls) == 2


@pytest.mark.parametrize("status", ["", "503 BUSY"])
def test_if_renewing_fails_the_others_try_themselves(status: str) -> None:
    """Nobody hangs, whether it failed by an exception or by an error that is not kept."""
    site, gate = gated()
    gate.fails, site.status = not status, status or site.status
    with ThreadPoolExecutor(MANY) as threads:
        answers = [threads.submit(attempt, site) for _ in range(MANY)]
        assert gate.reached.acquire(timeout=5)
        gate.opened.set()
    assert {answer.result() for answer in answers} == {"new" if status else "failed"}
    assert len(site.calls) == 1 + MANY


def test_who_has_waited_long_enough_tries_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal that hangs holds up nobody for good."""
    monkeypatch.setattr(page_cache, "LONGEST_WAIT", 0.05)
    site, gate = gated()
    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(attempt, site) for _ in range(2)]
        assert gate.reached.acquire(timeout=5)
        assert gate.reached.acquire(timeout=5)
        gate.opened.set()
    assert [answer.result() for answer in answers] == ["new"] * 2


def test_what_was_never_kept_is_not_waited_for() -> None:
    """Pages that may be private do not queue up."""
    site, gate = Site({}), Gate()
    site.body = gate
    with ThreadPoolExecutor(2) as threads:
        for _ in range(2):
            threads.submit(attempt, site)
        both = [gate.reached.acquire(timeout=5) for _ in range(2)]
        gate.opened.set()
    assert both == [True, True]


def test_threads_keep_the_books_right() -> None:
    """After many threads asked for many pages that come and go, the bytes are still those kept."""
    site = Site(most_bytes=20 * OVERHEAD)
    site.headers["Cache-Control"] = "public, max-age=1"

    def read(first: int) -> None:
        for number in range(300):
            site.time += 0.01
            assert site.get(f"/pages/{(first + number * 7) % 30}").text.startswith("call ")

    with ThreadPoolExecutor(MANY) as threads:
        list(threads.map(read, range(MANY)))
    assert site.cache.bytes == sum(entry.size for entry in site.cache.entries.values())
    assert 0 < site.cache.bytes <= site.most_bytes


# Speed, and the node


@pytest.mark.slow
@pytest.mark.parametrize("condition", [{}, {"HTTP_IF_NONE_MATCH": "*"}])
def test_hits_are_cheap(condition: dict[str, str]) -> None:
    """One thread serves more than 30,000 hits a second."""
    site = Site()
    environ = {**site.get().request.environ, **condition}
    start, count = monotonic(), 30_000
    for _ in range(count):
        site.cache(environ, lambda *_: lambda _: None)
    assert count / (monotonic() - start) > 30_000
    assert len(site.calls) == 1


def test_the_node_leaves_v1_alone(make_node: NodeMaker) -> None:
    """The cache is there, and no path of v1 enters it, however public its answer says it is."""
    app = make_node().app
    cache = app.wsgi_app
    assert isinstance(cache, PageCache)
    app.after_request(
        lambda answer: (answer.headers.setdefault("Cache-Control", PUBLIC), answer)[1]
    )
    for path in ("/api/downstream/v1/status/list", "/api/downstream/status/list"):
        assert "ETag" not in app.test_client().get(path).headers
    assert "ETag" in app.test_client().get("/openapi.json").headers
    assert len(cache.entries) == 1
