"""S8, the fetching part: a link is followed as far as the rules say, and believed in nothing.

Every server is a real one on loopback. Where a link leads to a public host, the connection that
is made to the host's address reaches a server of the test (`Internet`).
"""

import io
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from packages.sites import KIND, Answer, Asked, Authority, Internet, Site, site

from downstream_node.errors import PackageCancelled, PackageRefused, StorageFull
from downstream_node.packages.addresses import is_public
from downstream_node.packages.fetching import FetchRules, Resolve, Watch, fetch, resolve_by_system
from downstream_node.packages.links import (
    PREFIX,
    RETRYABLE,
    SENTENCES,
    FetchRefusal,
    Link,
    allowed_origins,
    read_link,
)
from downstream_node.packages.working import DOWNLOAD, Seal, WorkingWriter, opened, random_key

BODY = b"".join(b"%07d" % number for number in range(30_000))
"""210,000 bytes: four pieces."""
UPN = "u001.AbC-_9" * 50
LINK = read_link(PREFIX + UPN)
DISCORD, STORAGE = "click.discord.com", "storage.example"
PUBLIC = "93.184.216.34"
OTHER_PUBLIC = "2606:2800:220:1::1"
RULES = FetchRules(max_size=1 << 20, seconds=5, idle_seconds=2)
AUTHORITY = Authority()
TLS = AUTHORITY.server(DISCORD, STORAGE)


def package(asked: Asked) -> None:
    """The answer of a good server."""
    asked.say(body=BODY)


def leads_to(*locations: str) -> Answer:
    """Redirects to each of *locations* in turn, the last one again and again."""
    left = list(locations)

    def answer(asked: Asked) -> None:
        asked.say(302, Location=left.pop(0) if len(left) > 1 else left[0])

    return answer


def told(status: int = 200, body: bytes = BODY, **headers: str) -> Answer:
    """One answer for all."""
    return lambda asked: asked.say(status, body, **headers)


def raw(*pieces: bytes, pause: float = 0, again: bool = False) -> Answer:
    """Bytes as they are, with *pause* seconds after each; then the last of them *again*."""

    def answer(asked: Asked) -> None:
        for piece in pieces:
            asked.send(piece)
            asked.ended.wait(pause)
        while again and not asked.ended.wait(pause):
            asked.send(pieces[-1])

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: " + KIND.encode() + b"\r\n"


@pytest.fixture(autouse=True)
def no_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """At no level is anything logged, whatever a test does: not by us, not by a library."""
    caplog.set_level(logging.DEBUG)
    yield
    assert caplog.text == ""


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """In which Discord and a store have addresses."""
    one = Internet()
    monkeypatch.setattr(socket, "create_connection", one.connect)
    return one


def trip(internet: Internet, rules: FetchRules = RULES) -> FetchRules:
    """Rules for the sites of *internet*."""
    return replace(rules, resolve=internet.resolve, tls=AUTHORITY.trusted())


def local(answer: Answer, rules: FetchRules = RULES, into: io.BytesIO | None = None) -> bytes:
    """What is fetched of a server that the setting allows."""
    with site(answer) as one:
        host = f"http://127.0.0.1:{one.port}"
        allowed = allowed_origins(host)
        into = into or io.BytesIO()
        count = fetch(read_link(f"{host}/p.zip", allowed), into, replace(rules, allowed=allowed))
        assert count == len(into.getvalue())
        assert one.methods == ["GET"]
        return into.getvalue()


def code(call: Callable[[], object]) -> str:
    """The code with which *call* is refused: the error has that, a sentence, and no cause."""
    with pytest.raises(PackageRefused) as caught:
        call()
    shown = list(traceback.TracebackException.from_exception(caught.value).format(chain=True))
    assert str(caught.value) == SENTENCES[FetchRefusal(caught.value.code)]
    # One traceback alone, without what the network or a library said.
    assert sum("Traceback" in part for part in shown) == 1
    assert UPN not in "".join(shown)
    return caught.value.code


def refusal(answer: Answer, rules: FetchRules = RULES) -> str:
    """The code with which what an allowed server says is refused."""
    return code(lambda: local(answer, rules))


# What is fetched


def test_a_package_comes_into_an_encrypted_file() -> None:
    """Piece by piece; the operator's own server is asked once."""
    seal = Seal(random_key(), DOWNLOAD, LINK.secret.package_id)
    file = io.BytesIO()
    with site(package) as one:
        host = f"http://127.0.0.1:{one.port}"
        rules = replace(RULES, allowed=allowed_origins(host))
        writer = WorkingWriter(file, seal)
        assert fetch(read_link(host + "/p", rules.allowed), writer, rules) == len(BODY)
    assert writer.finish() == len(BODY)
    assert BODY[:50] not in file.getvalue()
    assert opened([file], seal).read() == BODY


def test_discord_is_asked_and_then_sends(internet: Internet) -> None:
    """HEAD, then GET, each led on to the store; whoever is asked must have the right name."""
    with site(package, TLS) as store, site(leads_to(f"https://{STORAGE}/x?sig=1"), TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        internet.put(STORAGE, OTHER_PUBLIC, store)
        into = io.BytesIO()
        assert fetch(LINK, into, trip(internet)) == len(BODY)
    assert into.getvalue() == BODY
    assert discord.methods == store.methods == ["HEAD", "GET"]
    assert discord.requests[1][1] == f"/ls/click?upn={UPN}"
    assert store.requests[1][1] == "/x?sig=1"


def test_s8_no_secret_is_sent_on_to_another_host(internet: Internet) -> None:
    """The store is told its own name and what everybody is told; no cookie comes back."""
    sends = told(302, Location=f"https://{STORAGE}/x", Set_Cookie="a=b")
    with site(package, TLS) as store, site(sends, TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        internet.put(STORAGE, OTHER_PUBLIC, store)
        fetch(LINK, io.BytesIO(), trip(internet))
    headers = [text.replace(DISCORD, STORAGE) for _method, _path, text in discord.requests]
    assert [text for _method, _path, text in store.requests] == headers
    assert UPN not in "".join(headers)
    assert f"Host: {STORAGE}\n" in headers[0]


def test_a_server_that_does_not_know_head_is_asked_to_send(internet: Internet) -> None:
    """405 says nothing of the link."""
    answer: Answer = lambda asked: asked.say(405 if asked.command == "HEAD" else 200, BODY)  # noqa: E731
    with site(answer, TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        assert fetch(LINK, io.BytesIO(), trip(internet)) == len(BODY)


def test_an_expired_link_is_not_asked_to_send(internet: Internet) -> None:
    """HEAD tells."""
    with site(told(404), TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        assert code(lambda: fetch(LINK, io.BytesIO(), trip(internet))) == "EXPIRED_LINK"
    assert discord.methods == ["HEAD"]


def test_progress_is_told() -> None:
    """Bytes received, and announced."""
    seen: list[tuple[int, int | None]] = []
    with site(package) as one:
        link, rules = allowed_link(one)
        fetch(link, io.BytesIO(), rules, Watch(progress=lambda *both: seen.append(both)))
    assert [received for received, _ in seen] == sorted({received for received, _ in seen})
    assert seen[-1] == (len(BODY), len(BODY))


def allowed_link(one: Site) -> tuple[Link, FetchRules]:
    """A link to *one*, and rules that allow it."""
    host = f"http://127.0.0.1:{one.port}"
    rules = replace(RULES, allowed=allowed_origins(host))
    return read_link(host + "/p.zip", rules.allowed), rules


def test_a_fetch_that_nobody_wants_ends() -> None:
    """In the middle of an endless body."""
    with site(raw(HEAD + b"\r\n", b"x" * 1000, again=True)) as one:
        link, rules = allowed_link(one)
        with pytest.raises(PackageCancelled):
            fetch(link, io.BytesIO(), rules, Watch(cancelled=lambda: True))


def test_errors_of_the_disk_pass() -> None:
    """They are not the network's."""

    class Full(io.BytesIO):
        def write(self, _data: object) -> int:
            raise StorageFull

    with pytest.raises(StorageFull):
        local(package, into=Full())


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be told the link, and resolve names as it likes."""
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert local(package) == BODY


# Answers


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, "EXPIRED_LINK") for status in (400, 401, 403, 404, 410, 429, 499)),
        *((status, "INVALID_LINK") for status in (201, 204, 206, 300, 304, 500, 503, 600)),
    ],
)
def test_other_statuses_are_refused(status: int, expected: str) -> None:
    """4xx is an expired link, the rest no link at all."""
    assert refusal(told(status)) == expected


@pytest.mark.parametrize("kind", ["application/zip", "Application/Octet-Stream; charset=x"])
def test_types_of_packages(kind: str) -> None:
    """The store says one, Discord the other."""
    assert local(told(Content_Type=kind)) == BODY


@pytest.mark.parametrize("kind", ["text/html", "", "application/json", "application/zipper", "x"])
def test_other_types_are_refused(kind: str) -> None:
    """Such as a page that says what went wrong."""
    assert refusal(told(Content_Type=kind)) == "INVALID_LINK"


def test_packed_answers_are_refused() -> None:
    """They were not asked for, and could be larger than they look."""
    assert refusal(told(Content_Encoding="gzip")) == "INVALID_LINK"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(raw(b"220 smtp ready\r\n"), "INVALID_LINK", id="another protocol"),
        pytest.param(raw(b"HTTP/1.1 999999 x\r\n\r\n"), "INVALID_LINK", id="no status"),
        pytest.param(raw(HEAD + b"X: " + b"x" * 70_000), "INVALID_LINK", id="endless header"),
        pytest.param(raw(HEAD + b"X: x\r\n" * 200 + b"\r\n"), "INVALID_LINK", id="many headers"),
        pytest.param(raw(b""), "UNREACHABLE", id="nothing"),
    ],
)
def test_what_is_no_http_is_refused(answer: Answer, expected: str) -> None:
    """With a code, whatever it is."""
    assert refusal(answer) == expected


# Lengths


def length(*said: str, body: bytes = BODY) -> Answer:
    """An answer that announces *said* and sends *body*."""
    lines = "".join(f"Content-Length: {text}\r\n" for text in said)
    return raw(HEAD + lines.encode() + b"\r\n", body)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([str((1 << 20) + 1)], "TOO_LARGE", id="too large"),
        pytest.param(["9" * 18], "TOO_LARGE", id="absurd"),
        pytest.param(["9" * 5000], "INVALID_LINK", id="endless"),
        pytest.param([str(len(BODY) + 1)], "UNREACHABLE", id="more than comes"),
        pytest.param(["-1"], "INVALID_LINK", id="negative"),
        pytest.param(["0x10"], "INVALID_LINK", id="hex"),
        pytest.param([""], "INVALID_LINK", id="empty"),
        pytest.param(["7", "8"], "INVALID_LINK", id="two"),
        pytest.param(["7, 7"], "INVALID_LINK", id="two in one"),
    ],
)
def test_s8_lengths_that_lie(said: list[str], expected: str) -> None:
    """The too large is refused before its first byte, the cut at its end."""
    assert refusal(length(*said)) == expected


def test_no_more_is_read_than_was_announced() -> None:
    """What follows is not part of the package."""
    assert local(length("1000")) == BODY[:1000]


def test_a_length_need_not_be_announced() -> None:
    """The body ends with the connection, or with its last chunk."""
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    chunks = b"3e8\r\n" + BODY[:1000] + b"\r\n0\r\n\r\n"
    assert local(raw(HEAD + b"\r\n", BODY)) == BODY
    assert local(raw(chunked + chunks)) == BODY[:1000]
    assert refusal(raw(chunked + chunks[:500])) == "UNREACHABLE"
    assert refusal(raw(chunked + b"xyz\r\n")) in {"INVALID_LINK", "UNREACHABLE"}


@pytest.mark.parametrize("size", [len(BODY) - 1, len(BODY), len(BODY) + 1])
def test_the_largest_package(size: int) -> None:
    """A byte more is refused, announced or not, and not written."""
    rules = replace(RULES, max_size=size)
    for answer in (package, raw(HEAD + b"\r\n", BODY)):
        if size < len(BODY):
            assert refusal(answer, rules) == "TOO_LARGE"
        else:
            assert local(answer, rules) == BODY


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(b"x" * 65536, id="plain"),
        pytest.param(b"1000\r\n" + b"x" * 4096 + b"\r\n", id="chunked"),
    ],
)
def test_s8_endless_bodies_end_at_the_limit(piece: bytes) -> None:
    """The original filled its disk."""
    coding = b"Transfer-Encoding: chunked\r\n" if piece.startswith(b"1") else b""
    into = io.BytesIO()
    endless = raw(HEAD + coding + b"\r\n", piece, again=True)
    assert code(lambda: local(endless, into=into)) == "TOO_LARGE"
    assert len(into.getvalue()) <= RULES.max_size


# Time

QUICK = replace(RULES, seconds=0.4, idle_seconds=0.2)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(raw(b"", pause=9), id="no answer"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\n", b"X", pause=0.05, again=True), id="slow header"),
        pytest.param(raw(HEAD, b"X: x\r\n", pause=0.05, again=True), id="slow headers"),
        pytest.param(raw(HEAD + b"\r\n", pause=9), id="no body"),
        pytest.param(raw(HEAD + b"\r\n", b"x", pause=0.05, again=True), id="slow body"),
        pytest.param(
            raw(HEAD + b"Content-Length: 99999\r\n\r\n", b"x", pause=0.05, again=True),
            id="slow body with a length",
        ),
        pytest.param(
            raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x", pause=0.05, again=True),
            id="slow chunk header",
        ),
        pytest.param(
            raw(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.01, again=True), id="endless promises"
        ),
    ],
)
@pytest.mark.parametrize("encrypted", [False, True])
def test_s8_slow_servers_are_left(internet: Internet, answer: Answer, encrypted: bool) -> None:
    """Whether nothing comes, or a byte now and then: not later than the time for all of it."""
    started = time.monotonic()
    with site(answer, TLS if encrypted else None) as one:
        port = 443 if encrypted else 80
        internet.put(DISCORD, PUBLIC, one, port)
        host = f"http{'s' * encrypted}://{DISCORD}"
        rules = replace(trip(internet, QUICK), allowed=allowed_origins(host))
        link = read_link(host + "/p.zip", rules.allowed)
        assert code(lambda: fetch(link, io.BytesIO(), rules)) == "TIMED_OUT"
        assert time.monotonic() - started < 4


def test_s8_a_server_that_does_not_shake_hands_is_left(internet: Internet) -> None:
    """Connected, and silent from then on."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        internet.names[DISCORD] = [[PUBLIC]]
        internet.places[PUBLIC, 443] = silent.getsockname()[1]
        assert code(lambda: fetch(LINK, io.BytesIO(), trip(internet, QUICK))) == "TIMED_OUT"


def test_redirects_have_one_time_together(internet: Internet) -> None:
    """Each of them is quick enough, all of them are not."""

    def answer(asked: Asked) -> None:
        asked.ended.wait(0.15)
        asked.say(302, Location="/again")

    with site(answer, TLS) as one:
        internet.put(DISCORD, PUBLIC, one)
        assert code(lambda: fetch(LINK, io.BytesIO(), trip(internet, QUICK))) == "TIMED_OUT"


def test_nothing_is_left_running() -> None:
    """The thread that watches the time ends with the fetch."""
    before = threading.active_count()
    assert local(package) == BODY
    assert threading.active_count() == before


# Where redirects lead


@pytest.mark.parametrize(("hops", "good"), [(5, True), (6, False)])
def test_the_number_of_redirects(hops: int, good: bool) -> None:
    """Five are followed."""
    left = list(range(hops))

    def answer(asked: Asked) -> None:
        if left:
            asked.say(307, Location=f"/{left.pop()}")
        else:
            package(asked)

    with site(answer) as one:
        link, rules = allowed_link(one)
        if good:
            assert fetch(link, io.BytesIO(), rules) == len(BODY)
        else:
            assert code(lambda: fetch(link, io.BytesIO(), rules)) == "INVALID_LINK"
    assert len(one.requests) == 6


def test_a_redirect_to_nowhere_is_refused() -> None:
    """Without Location it leads to itself, for five times."""
    with site(told(302)) as one:
        link, rules = allowed_link(one)
        assert code(lambda: fetch(link, io.BytesIO(), rules)) == "INVALID_LINK"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0", "localhost", "[::1]", "10.0.0.1"),
        *("169.254.169.254", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"),
        *("[fd00::1]", "[fe80::1]", "192.168.1.1", "100.64.0.1", "224.0.0.1", "0.0.0.0"),  # noqa: S104
    ],
)
def test_s8_no_redirect_leads_inside(internet: Internet, host: str, scheme: str) -> None:
    """However the address is written; nobody there is even connected to."""
    rules = replace(trip(internet), resolve=resolve_here(internet))
    with site(leads_to(f"{scheme}://{host}/latest/meta-data"), TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        assert code(lambda: fetch(LINK, io.BytesIO(), rules)) == "INVALID_LINK"
    assert set(internet.connected) == {(PUBLIC, 443)}


def resolve_here(internet: Internet) -> Resolve:
    """The system's resolver for what needs no network, *internet*'s for its names."""

    def resolve(host: str, port: int) -> Sequence[str]:
        own = host in internet.names
        return internet.resolve(host, port) if own else resolve_by_system(host, port)

    return resolve


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:10.0.0.1", "fe80::1%1"])
def test_s8_no_name_leads_inside(internet: Internet, inside: str) -> None:
    """Also if it has a public address, too."""
    with site(leads_to(f"https://{STORAGE}/"), TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        for answer in ([inside], [OTHER_PUBLIC, inside]):
            internet.names[STORAGE] = [answer]
            assert code(lambda: fetch(LINK, io.BytesIO(), trip(internet))) == "INVALID_LINK"
    assert set(internet.connected) == {(PUBLIC, 443)}


@pytest.mark.parametrize("port", [22, 80, 8443])
def test_s8_no_redirect_leads_to_another_port(internet: Internet, port: int) -> None:
    """Nobody's other services are tried out through us."""
    with site(leads_to(f"https://{STORAGE}:{port}/"), TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        internet.names[STORAGE] = [[OTHER_PUBLIC]]
        assert code(lambda: fetch(LINK, io.BytesIO(), trip(internet))) == "INVALID_LINK"
    assert internet.asked == [DISCORD]


def test_redirects_lead_to_allowed_hosts_wherever_they_are(internet: Internet) -> None:
    """The operator's own store, on plain HTTP."""
    with site(package) as store:
        inside = f"http://127.0.0.1:{store.port}"
        internet.places["127.0.0.1", store.port] = store.port
        with site(leads_to(inside + "/p"), TLS) as discord:
            internet.put(DISCORD, PUBLIC, discord)
            rules = replace(trip(internet), allowed=allowed_origins(inside))
            assert fetch(LINK, io.BytesIO(), rules) == len(BODY)


# Names that change


def test_s8_a_name_that_changes_gains_nothing(internet: Internet) -> None:
    """The address that was checked is connected to; the name is not looked up again for it."""
    with site(package, TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        internet.names[DISCORD] = [[PUBLIC], [PUBLIC], ["127.0.0.1"]]
        assert fetch(LINK, io.BytesIO(), trip(internet)) == len(BODY)
    assert internet.connected == [(PUBLIC, 443)] * 2
    assert internet.asked == [DISCORD] * 2


def test_s8_each_request_checks_anew(internet: Internet) -> None:
    """HEAD went outside, GET would go inside."""
    with site(package, TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        internet.names[DISCORD] = [[PUBLIC], ["127.0.0.1"]]
        assert code(lambda: fetch(LINK, io.BytesIO(), trip(internet))) == "INVALID_LINK"
    assert internet.connected == [(PUBLIC, 443)]


def test_the_next_address_is_tried(internet: Internet) -> None:
    """A host of whose addresses one is down."""
    with site(package, TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        internet.names[DISCORD] = [[OTHER_PUBLIC, PUBLIC]]
        assert fetch(LINK, io.BytesIO(), trip(internet)) == len(BODY)
    assert internet.connected[:2] == [(OTHER_PUBLIC, 443), (PUBLIC, 443)]


@pytest.mark.parametrize("answers", [[], [[]], [["93.184.216.34"]]])
def test_who_is_not_there_may_come_back(internet: Internet, answers: list[list[str]]) -> None:
    """No such name, no address, no server: worth another attempt."""
    internet.names[DISCORD] = list(answers)
    found = code(lambda: fetch(LINK, io.BytesIO(), trip(internet)))
    assert found == "UNREACHABLE"
    assert found in RETRYABLE


def test_the_system_resolves_addresses_without_a_network() -> None:
    """As themselves, once each."""
    assert resolve_by_system("127.0.0.1", 80) == ["127.0.0.1"]
    assert resolve_by_system("::1", 443) == ["::1"]


# TLS


@pytest.mark.parametrize(
    "context",
    [
        pytest.param(AUTHORITY.server(STORAGE), id="another host's"),
        pytest.param(AUTHORITY.server(PUBLIC), id="of the address"),
        pytest.param(Authority().server(DISCORD), id="of nobody we trust"),
        pytest.param(None, id="none"),
    ],
)
def test_certificates_are_checked(internet: Internet, context: "object | None") -> None:
    """Against the name of the host; the link is sent to nobody else."""
    with site(package, context) as discord:  # type: ignore[arg-type]
        internet.put(DISCORD, PUBLIC, discord)
        assert code(lambda: fetch(LINK, io.BytesIO(), trip(internet))) == "UNREACHABLE"
    assert discord.requests == []


def test_a_cut_of_tls_is_no_end(internet: Internet) -> None:
    """Without a length only a goodbye ends a body."""

    def answer(asked: Asked) -> None:
        asked.send(HEAD + b"\r\n" + BODY)
        # The plain connection is ended below TLS, as somebody on the way can.
        socket.socket.shutdown(asked.connection, socket.SHUT_RDWR)

    with site(answer, TLS) as discord:
        internet.put(DISCORD, PUBLIC, discord)
        assert code(lambda: fetch(LINK, io.BytesIO(), trip(internet))) == "UNREACHABLE"


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "93.184.216.34", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.63.255.255"),
        *("100.128.0.0", "223.255.255.255", "169.253.255.255", "2606:4700::1111", "2a00::1"),
        *("2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "2001:200::"),
    ],
)
def test_public_addresses(address: str) -> None:
    """Those right beside the others, too."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"),  # noqa: S104
        *("127.0.0.1", "127.255.255.255", "169.254.0.1", "169.254.169.254", "172.16.0.0"),
        *("172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1"),
        *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255"),
        *("240.0.0.1", "255.255.255.255", "168.63.129.16"),
        *("::", "::1", "::2", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:0"),
        *("::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808"),
        *("100::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1"),
        *("2002:7f00:1::", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fc00::1"),
        *("fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2606:4700::1%eth0", "fec0::1", "ff02::1"),
        *("", "localhost", "1.2.3", "8.8.8.8/32", "08.8.8.8", "0x8.8.8.8", "1.1.1.1 "),
    ],
)
def test_addresses_inside_and_what_is_none(address: str) -> None:
    """With the first and last of each range."""
    assert not is_public(address)
