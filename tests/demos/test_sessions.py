"""Sessions: one at a time, late bytes in their own, closed with what arrived."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import NodeMaker
from demos.journey import (
    ANALYST,
    LATE_BYTES,
    UPLOADER,
    Site,
    acknowledged,
    ended,
    recording,
    user,
    with_late_bytes,
)
from simulator import SimulatedNode
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from downstream_node.custody import service as custody
from downstream_node.demos import queries, sessions
from downstream_node.demos.filing import ensure_filed, file_closed
from downstream_node.demos.models import DemoSession, DemoUser
from downstream_node.demos.spool import Held, spool_of
from downstream_node.demos.states import Scope
from downstream_node.errors import DemoRefused

ASKED = {"fake_ip": "169.254.1.2:27015", "map": "cp_dustbowl", "demo_name": "a.dem"}


def get(node: SimulatedNode, path: str, **asked: str) -> TestResponse:
    """One request."""
    return node.app.test_client().get(path, query_string=asked)


def post(node: SimulatedNode, path: str, key: str, body: object) -> TestResponse:
    """One request with the key in the header."""
    return node.app.test_client().post(path, json=body, headers={"X-Api-Key": key})


def started(node: SimulatedNode, key: str, **asked: str) -> str:
    """The id of a new session."""
    answer = get(node, "/session_id", api_key=key, **{**ASKED, **asked})
    assert answer.status_code == 200, answer.text
    session: str = answer.get_json()["session_id"]
    return session


def streamed(node: SimulatedNode, session: str, data: bytes) -> None:
    """Bytes have come, as the streamer writes them."""
    recorded = spool_of(node.parts).hold(session)
    recorded.append(data)
    recorded.close()


def row_of(node: SimulatedNode, session: str) -> Any:
    """The session's row."""
    return node.parts.database.read(lambda connection: queries.find(connection, session))


def filed(node: SimulatedNode, session: str) -> bytes:
    """The demo as custody has it."""
    row = row_of(node, session)
    ensure_filed(node.parts, row.id)
    return b"".join(custody.read(node.parts, row_of(node, session).sha256))


def test_one_session_for_each_user(demo_node: SimulatedNode) -> None:
    """Another one is refused in the document's words until the first is closed."""
    key = user(demo_node)
    started(demo_node, key)
    again = get(demo_node, "/session_id", api_key=key, **ASKED)
    assert (again.status_code, again.text) == (403, sessions.IN_SESSION)
    assert get(demo_node, "/close_session", api_key=key).get_json() == {"closed_successfully": True}
    started(demo_node, key)


def test_of_many_at_once_one_starts(demo_node: SimulatedNode) -> None:
    """The database decides."""
    user(demo_node)
    gate = threading.Barrier(8)

    def start(_: int) -> str | None:
        gate.wait()
        try:
            return sessions.start(
                demo_node.parts, UPLOADER, "a", "1.2.3.4:5", "m", demo_node.parts.wall_clock()
            )
        except DemoRefused:
            return None

    with ThreadPoolExecutor(8) as pool:
        assert len([one for one in pool.map(start, range(8)) if one]) == 1


@pytest.mark.parametrize("missing", ["fake_ip", "map"])
def test_what_is_missing_is_named(demo_node: SimulatedNode, missing: str) -> None:
    """A 400, in plain text."""
    asked = {name: value for name, value in ASKED.items() if name != missing}
    answer = get(demo_node, "/session_id", api_key=user(demo_node), **asked)
    assert answer.status_code == 400
    assert missing in answer.text
    assert answer.content_type.startswith("text/plain")


def test_without_a_key(demo_node: SimulatedNode) -> None:
    """401 where the document's server broke down with 500; a header will do as well."""
    for path in ("/session_id", "/close_session", "/demos"):
        answer = get(demo_node, path)
        assert (answer.status_code, answer.text) == (401, "Unauthorized")
    key = user(demo_node)
    client = demo_node.app.test_client()
    for header in ({"X-Api-Key": key}, {"Authorization": f"Bearer {key}"}):
        assert client.get("/close_session", headers=header).status_code == 403


def test_texts_that_do_not_fit(demo_node: SimulatedNode) -> None:
    """A 400, not a broken database."""
    key = user(demo_node)
    for name in ("demo_name", "map", "fake_ip"):
        for value in ("x" * 300, "a\0b", "a\nb"):
            answer = get(demo_node, "/session_id", api_key=key, **{**ASKED, name: value})
            assert answer.status_code == 400


def test_ids_as_numbers_on_request(demo_node: SimulatedNode) -> None:
    """As the document's server gave them."""
    key = user(demo_node)
    answer = get(demo_node, "/session_id", api_key=key, integers="true", **ASKED)
    assert isinstance(answer.get_json()["session_id"], int)


def test_a_session_without_bytes(demo_node: SimulatedNode) -> None:
    """Is closed with nothing; there is nothing to file."""
    key = user(demo_node)
    session = started(demo_node, key)
    assert get(demo_node, "/close_session", api_key=key).status_code == 200
    row = row_of(demo_node, session)
    assert (row.size, row.is_filed, row.sha256) == (0, True, None)


def test_closing_is_idempotent(demo_node: SimulatedNode) -> None:
    """Who did not hear the answer asks again, with the session's id."""
    key = user(demo_node)
    session = started(demo_node, key)
    streamed(demo_node, session, recording(5000))
    for _ in range(3):
        answer = get(demo_node, "/close_session", api_key=key, session_id=session)
        assert answer.get_json() == {"closed_successfully": True}
    without = get(demo_node, "/close_session", api_key=key)
    assert (without.status_code, without.text) == (403, sessions.NOT_IN_SESSION)
    other = user(demo_node, UPLOADER + 1)
    strange = get(demo_node, "/close_session", api_key=other, session_id=session)
    assert strange.status_code == 403


def test_of_many_closes_at_once_one_closes(demo_node: SimulatedNode) -> None:
    """And all say that it is closed."""
    key = user(demo_node)
    session = started(demo_node, key)
    streamed(demo_node, session, recording(5000))

    def close(_: int) -> int:
        return get(demo_node, "/close_session", api_key=key, session_id=session).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(close, range(8))) == {200}
    assert filed(demo_node, session) == recording(5000)


def test_close_with_late_bytes(demo_node: SimulatedNode) -> None:
    """In one request."""
    key = user(demo_node)
    session = started(demo_node, key)
    streamed(demo_node, session, recording(5000))
    answer = post(demo_node, "/close_session", key, {"late_bytes": LATE_BYTES.hex()})
    assert answer.status_code == 200
    assert filed(demo_node, session) == with_late_bytes(recording(5000), LATE_BYTES)


def test_the_job_files_what_is_closed(demo_node: SimulatedNode) -> None:
    """The header is read, the file is in custody, the spool is empty."""
    key = user(demo_node)
    session = started(demo_node, key)
    streamed(demo_node, session, recording(5000, ticks=660))
    get(demo_node, "/close_session", api_key=key)
    assert file_closed(demo_node.parts) == 1
    assert file_closed(demo_node.parts) == 0
    row = row_of(demo_node, session)
    assert (row.header_map, row.header_player, row.header_ticks) == ("pl_badwater", "player1", 660)
    assert (row.header_seconds, row.header_problem) == (10.0, None)
    stored = custody.find(demo_node.parts, row.sha256)
    assert stored is not None
    assert stored.size == 5000
    assert not spool_of(demo_node.parts).path(session).exists()


def test_a_broken_header_is_noted(demo_node: SimulatedNode) -> None:
    """The demo is kept all the same."""
    key = user(demo_node)
    session = started(demo_node, key)
    streamed(demo_node, session, b"no demo at all" * 200)
    get(demo_node, "/close_session", api_key=key)
    file_closed(demo_node.parts)
    row = row_of(demo_node, session)
    assert row.header_problem == "It does not begin as a demo does."
    assert row.sha256 is not None


def test_stale_sessions_are_closed_with_what_arrived(make_node: NodeMaker) -> None:
    """A second before, on and after the instant; never deleted."""
    node = make_node(DEMOS_CHECK_SERVERS=False, DEMOS_STALE=100)
    key = user(node)
    session = started(node, key)
    streamed(node, session, recording(5000))
    node.advance(100)
    assert sessions.close_stale(node.parts) == 0
    node.advance(1)
    assert sessions.close_stale(node.parts) == 1
    row = row_of(node, session)
    assert (row.state, row.ended_by, row.size) == ("closed", "stale", 5000)
    assert filed(node, session) == recording(5000)
    started(node, key)


def test_a_session_that_lasts_too_long_is_closed(make_node: NodeMaker) -> None:
    """Although bytes keep coming."""
    node = make_node(DEMOS_CHECK_SERVERS=False, DEMOS_MAX_TIME=3600)
    session = started(node, user(node))
    node.advance(3601)
    assert sessions.close_stale(node.parts) == 1
    assert row_of(node, session).state == "closed"


# What the document's server got wrong


@pytest.mark.parametrize("number", [3, 10])
def test_weakness_4_late_bytes_go_into_their_own_session(
    demo_node: SimulatedNode, number: int
) -> None:
    """Of many users at once each has the own ones, once; past sessions keep theirs."""
    keys = [user(demo_node, UPLOADER + one) for one in range(number)]
    found = []
    for one, key in enumerate(keys):
        session = started(demo_node, key)
        streamed(demo_node, session, recording(5000, one))
        found.append(session)
    late = [bytes([one + 1]) * 16 for one in range(number)]
    for key, data in zip(keys, late, strict=True):
        answer = post(demo_node, "/late_bytes", key, {"late_bytes": data.hex()})
        assert (answer.status_code, answer.get_json()) == (201, {"late_bytes": True})
    again = post(demo_node, "/late_bytes", keys[0], {"late_bytes": "ff" * 16})
    assert (again.status_code, again.text) == (422, "already submitted")
    for key in keys:
        get(demo_node, "/close_session", api_key=key)
    after = post(demo_node, "/late_bytes", keys[0], {"late_bytes": "ff" * 16})
    assert (after.status_code, after.text) == (422, "no active session")
    for one, session in enumerate(found):
        assert filed(demo_node, session) == with_late_bytes(recording(5000, one), late[one])


def test_weakness_5_many_close_together_while_streams_are_open(site: Site) -> None:
    """60 streams on two workers are closed at once, sockets open: none hangs, none is lost."""
    site.workers = 2
    site.start()
    players = [site.player(UPLOADER + 10 + one) for one in range(60)]
    streams = []
    for one, player in enumerate(players):
        assert player.start().ok
        stream = player.stream()
        stream.send(recording(20_000, one))
        streams.append(stream)
    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(lambda player: player.close().status_code, players))
    assert set(codes) == {200}
    assert {ended(stream) for stream in streams} == {1000}
    analyst = site.player(ANALYST, Scope.ANALYST)
    for one, player in enumerate(players):
        assert analyst.fetch(player.session).content == recording(20_000, one)
    query = select(DemoSession.state).distinct()
    states = site.node.database.read(lambda connection: connection.execute(query).scalars().all())
    assert states == ["closed"]


@pytest.mark.parametrize("text", ["00" * 4, "00" * 15, "00" * 17, "", "zz" * 16, "0" * 31])
def test_weakness_6_late_bytes_are_16_or_refused(demo_node: SimulatedNode, text: str) -> None:
    """With a 400; the session is closed as ever, and a new one starts."""
    key = user(demo_node)
    session = started(demo_node, key)
    streamed(demo_node, session, recording(5000))
    for path in ("/late_bytes", "/close_session"):
        assert post(demo_node, path, key, {"late_bytes": text}).status_code == 400
    bodies: tuple[object, ...] = ([], {"late_bytes": 7}, {}, "x")
    for body in bodies:
        assert post(demo_node, "/late_bytes", key, body).status_code == 400
    assert get(demo_node, "/close_session", api_key=key).status_code == 200
    assert filed(demo_node, session) == recording(5000)
    started(demo_node, key)


def test_weakness_6_a_demo_shorter_than_its_header(demo_node: SimulatedNode) -> None:
    """Has no place for late bytes; it is kept as it is."""
    key = user(demo_node)
    session = started(demo_node, key)
    streamed(demo_node, session, recording(500))
    post(demo_node, "/late_bytes", key, {"late_bytes": LATE_BYTES.hex()})
    get(demo_node, "/close_session", api_key=key)
    assert filed(demo_node, session) == recording(500)


def test_weakness_11_limits(site: Site) -> None:
    """Streams at once in a process are limited, too: one more is told to try again."""
    site.settings["DEMOS_MOST_STREAMS"] = 1
    site.start()
    first, second = site.player(), site.player(UPLOADER + 1)
    first.start()
    second.start()
    with first.stream() as stream:
        stream.send(b"x" * 10)
        acknowledged(stream, 10)
        with pytest.raises(Exception, match="503"):
            second.stream()


# What a review found


def test_a_stream_that_comes_while_an_empty_session_closes(
    demo_node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either it is in time and its bytes count, or it is refused; never told and lost."""
    key = user(demo_node)
    session = started(demo_node, key)
    held = []
    close = queries.close

    def slow(*arguments: Any) -> bool:
        # The file is held all the while: nobody can begin another one.
        with pytest.raises(Held):
            held.append(spool_of(demo_node.parts).hold(session))
        return close(*arguments)

    monkeypatch.setattr(queries, "close", slow)
    assert get(demo_node, "/close_session", api_key=key).status_code == 200
    assert not held


def test_bytes_that_are_not_there_are_not_filed_as_none(demo_node: SimulatedNode) -> None:
    """A wrong folder, a lost disk: the session stays unfiled, and the others go on."""
    key, other = user(demo_node), user(demo_node, UPLOADER + 1)
    lost, kept = started(demo_node, key), started(demo_node, other)
    for session in (lost, kept):
        streamed(demo_node, session, recording(5000))
    get(demo_node, "/close_session", api_key=key)
    get(demo_node, "/close_session", api_key=other)
    spool_of(demo_node.parts).path(lost).unlink()
    assert file_closed(demo_node.parts) == 1
    row = row_of(demo_node, lost)
    assert (row.is_filed, row.size, row.sha256) == (False, 5000, None)
    assert row_of(demo_node, kept).is_filed


def test_a_fresh_file_is_not_stale(make_node: NodeMaker) -> None:
    """The row is a copy: the session of a stream that is being written stays open."""
    node = make_node(DEMOS_CHECK_SERVERS=False, DEMOS_STALE=100)
    session = started(node, user(node))
    held = spool_of(node.parts).hold(session)
    node.advance(500)
    assert sessions.close_stale(node.parts) == 0
    held.close()
    assert sessions.close_stale(node.parts) == 1


@pytest.mark.parametrize("value", ["", "\0", "1\0", "é", "٣", "😀", "-1", "0" * 60, "1e5"])
def test_a_session_id_that_is_none(demo_node: SimulatedNode, value: str) -> None:
    """Is refused as one that is not there, on each database."""
    key = user(demo_node)
    answer = get(demo_node, "/close_session", api_key=key, session_id=value)
    assert (answer.status_code, answer.text) == (403, sessions.NOT_IN_SESSION)


def test_who_is_shut_out(demo_node: SimulatedNode) -> None:
    """Has no key, and gets none."""
    key = user(demo_node, UPLOADER, Scope.ANALYST)
    values = {"key_hash": None, "scopes": Scope.BLOCKED.value}
    changed = update(DemoUser).values(values)
    demo_node.parts.database.write(lambda connection: connection.execute(changed))
    assert get(demo_node, "/session_id", api_key=key, **ASKED).status_code == 401
    with pytest.raises(DemoRefused):
        user(demo_node)
