"""Streams over a real connection to a real server: offsets, resumption, limits, one writer."""

import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from demos.journey import (
    ANALYST,
    LATE_BYTES,
    UPLOADER,
    Player,
    Site,
    acknowledged,
    ended,
    offset,
    recording,
    sha256,
    with_late_bytes,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from downstream_node.demos import queries
from downstream_node.demos.states import Scope

MEGABYTE = 1 << 20


def fetched(site: Site, player: Player) -> bytes:
    """The player's demo, as an analyst gets it."""
    analyst = site.player(ANALYST, Scope.ANALYST)
    answer = analyst.fetch(player.session)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_recording_comes_in_whole(shared_site: Site) -> None:
    """Start, stream, late bytes, close, fetch: byte for byte."""
    player, data = shared_site.player(), recording(3 * MEGABYTE + 17)
    assert player.start().text.startswith('{"session_id":')
    with player.stream() as stream:
        assert offset(stream) == 0
        for at in range(0, len(data), 70_000):
            stream.send(data[at : at + 70_000])
        acknowledged(stream, len(data))
        assert player.late().status_code == 201
    assert player.close().json() == {"closed_successfully": True}
    assert fetched(shared_site, player) == with_late_bytes(data, LATE_BYTES)


def test_who_never_reads_acknowledgements_is_served_the_same(shared_site: Site) -> None:
    """As the document's client: it sends, closes, and never looks. It is told few offsets."""
    player, data = shared_site.player(), recording(200_000_000)
    player.start()
    stream = player.stream(acks="")
    for at in range(0, len(data), 1 << 18):
        stream.send(data[at : at + (1 << 18)])
    stream.close()
    assert stream.close_code == 1000
    player.close()
    assert fetched(shared_site, player) == data


def test_who_comes_back_goes_on_from_the_offset(shared_site: Site) -> None:
    """Each time from what the server says, however rudely the connection ended."""
    player, data = shared_site.player(), recording(5 * MEGABYTE)
    player.start()
    at = 0
    for rude in (True, False, True):
        stream = player.stream()
        at = offset(stream)
        stream.send(data[at : at + MEGABYTE + 1])
        if rude:
            stream.socket.close()
        else:
            stream.close()
    with player.stream() as stream:
        at = offset(stream)
        assert at > MEGABYTE
        stream.send(data[at:])
        acknowledged(stream, len(data))
    player.close()
    assert fetched(shared_site, player) == data


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536, 3 * MEGABYTE])
def test_frames_of_any_size(shared_site: Site, size: int) -> None:
    """Whole, and in fragments."""
    player, data = shared_site.player(), recording(max(size, 100))[:size]
    player.start()
    with player.stream() as stream:
        stream.send(data)
        stream.send([data[:1], data[1:]])
        acknowledged(stream, 2 * size)
    player.close()
    assert fetched(shared_site, player) == data + data


def test_a_larger_frame_than_is_allowed_ends_the_stream(site: Site) -> None:
    """What came before it is kept."""
    site.settings["DEMOS_MAX_FRAME"] = MEGABYTE
    player = site.start().player()
    player.start()
    stream = player.stream()
    stream.send(b"x" * 1000)
    acknowledged(stream, 1000)
    with suppress(ConnectionClosed):
        stream.send(b"x" * (MEGABYTE + 1))
    assert ended(stream) == 1009
    player.close()
    assert fetched(site, player) == b"x" * 1000


def test_a_recording_grows_to_its_limit(site: Site) -> None:
    """And no byte further; the session can be closed with what it has."""
    site.settings["DEMOS_MAX_SIZE"] = 5000
    player = site.start().player()
    player.start()
    stream = player.stream()
    stream.send(b"x" * 4000)
    stream.send(b"y" * 4000)
    assert ended(stream) == 1009
    player.close()
    assert fetched(site, player) == b"x" * 4000 + b"y" * 1000


def test_words_are_refused(shared_site: Site) -> None:
    """Only bytes are accepted."""
    player = shared_site.player()
    player.start()
    stream = player.stream()
    stream.send("hello")
    assert ended(stream) == 1003


def test_a_rate_limit_slows_down_and_loses_nothing(site: Site) -> None:
    """1 MB/s: 3 MB take two seconds or more."""
    site.settings["DEMOS_MAX_RATE"] = 1_000_000
    player, data = site.start().player(), recording(3_000_000)
    player.start()
    began = time.monotonic()
    with player.stream() as stream:
        stream.send(data)
        acknowledged(stream, len(data))
    assert time.monotonic() - began > 1.5
    player.close()
    assert fetched(site, player) == data


def test_one_writer_for_a_session(shared_site: Site) -> None:
    """A second connection is refused while the first one brings bytes, and the first goes on."""
    player, data = shared_site.player(), recording(MEGABYTE)
    player.start()
    with player.stream() as stream:
        stream.send(data[:1000])
        acknowledged(stream, 1000)
        with pytest.raises(InvalidStatus) as refused:
            player.stream()
        assert refused.value.response.status_code == 409
        stream.send(data[1000:])
        acknowledged(stream, len(data))
    player.close()
    assert fetched(shared_site, player) == data


def test_a_silent_connection_makes_way(site: Site) -> None:
    """Half-open ones never say goodbye: after a while the next one takes over."""
    site.settings["DEMOS_TAKEOVER"] = 1
    player = site.start().player()
    player.start()
    old = player.stream()
    old.send(b"a" * 100)
    acknowledged(old, 100)
    time.sleep(1.5)
    with taken_over(player) as stream:
        assert offset(stream) == 100
        stream.send(b"b" * 100)
        acknowledged(stream, 200)
    with pytest.raises(ConnectionClosed):
        old.recv(10)
    player.close()
    assert fetched(site, player) == b"a" * 100 + b"b" * 100


def taken_over(player: Player) -> ClientConnection:
    """The stream, once the one before it has made way; a busy machine may need a second attempt."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return player.stream()
        except InvalidStatus:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_closing_is_safe_against_an_open_stream(site: Site) -> None:
    """What was sent before is in, the stream is told, and the late bytes are in their place."""
    site.workers = 2
    player, data = site.start().player(), recording(2 * MEGABYTE)
    player.start()
    stream = player.stream()
    stream.send(data)
    assert player.late().status_code == 201
    assert player.close().status_code == 200
    assert ended(stream) == 1000
    assert fetched(site, player) == with_late_bytes(data, LATE_BYTES)
    assert player.start().status_code == 200


def test_a_graceful_stop_loses_nothing(site: Site) -> None:
    """What had arrived is there, the client is told to come back, and goes on."""
    player, data = site.start().player(), recording(2 * MEGABYTE)
    player.start()
    stream = player.stream()
    offset(stream)
    stream.send(data[:MEGABYTE])
    site.stop()
    assert ended(stream) == 1012
    site.start()
    with player.stream() as again:
        assert offset(again) == MEGABYTE
        again.send(data[MEGABYTE:])
        acknowledged(again, len(data))
    player.close()
    assert fetched(site, player) == data


def test_live_streams_are_noted(shared_site: Site) -> None:
    """With their size, every few seconds."""
    player = shared_site.player()
    player.start()
    with player.stream() as stream:
        stream.send(b"x" * 5000)
        acknowledged(stream, 5000)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            row = shared_site.node.database.read(lambda c: queries.find(c, player.session))
            if row is not None and row.size == 5000:
                break
            time.sleep(0.2)
        assert row is not None
        assert (row.size, row.state) == (5000, "active")
        assert row.last_byte >= row.started


# What the document's server got wrong


def test_weakness_2_a_session_is_digits_and_no_path(site: Site) -> None:
    """It never becomes part of a path unless it is the caller's own session."""
    player = site.start().player()
    player.start()
    for session in ("../../../pwn", "%2e%2e%2fpwn", "1", "", "0" * 500, "²"):
        with pytest.raises(InvalidStatus) as refused:
            player.stream(session)
        assert refused.value.response.status_code in {400, 403}
    names = {path.name for path in Path(site.folder).rglob("*.dem")}
    assert not names


def test_weakness_3_nobody_writes_into_the_session_of_another(shared_site: Site) -> None:
    """A key opens its own session alone."""
    victim, data = shared_site.player(), recording(40_000)
    other = shared_site.player(UPLOADER + 5)
    victim.start()
    other.start()
    with victim.stream() as stream:
        stream.send(data)
        acknowledged(stream, len(data))
        with pytest.raises(InvalidStatus) as refused:
            other.stream(victim.session)
        assert refused.value.response.status_code == 403
    victim.close()
    assert fetched(shared_site, victim) == data


def test_weakness_7_a_refused_stream_goes_no_further(site: Site) -> None:
    """Without a key, with a wrong one, without a session, after the close: an answer, no socket."""
    player = site.start().player()
    stranger = Player(site.url, "MB-nobody")
    for one, session, code in ((stranger, "1", 401), (player, "1", 403)):
        with pytest.raises(InvalidStatus) as refused:
            one.stream(session)
        assert refused.value.response.status_code == code
    player.start()
    player.close()
    with pytest.raises(InvalidStatus) as refused:
        player.stream()
    assert refused.value.response.status_code == 403
    assert not list(Path(site.folder).rglob("*.dem"))


def test_weakness_8_any_process_may_close(site: Site) -> None:
    """Three workers share the sessions; each close works, whichever worker it reaches."""
    site.workers = 3
    site.start()
    players = [site.player(UPLOADER + number) for number in range(6)]
    for number, player in enumerate(players):
        player.start()
        with player.stream() as stream:
            stream.send(recording(10_000, number))
            acknowledged(stream, 10_000)
    for player in players:
        assert player.close().status_code == 200
    for number, player in enumerate(players):
        assert sha256(fetched(site, player)) == sha256(recording(10_000, number))


def test_weakness_12_a_dropped_connection_does_not_lose_the_match(site: Site) -> None:
    """The worker is killed in the middle of the match; the client goes on with the next one."""
    player, data = site.start().player(), recording(4 * MEGABYTE)
    player.start()
    stream = player.stream()
    stream.send(data[: 2 * MEGABYTE])
    acknowledged(stream, 0)
    told = 0
    with suppress(TimeoutError):
        while told < MEGABYTE:
            told = offset(stream, 5)
    site.kill_worker()
    with suppress(ConnectionClosed):
        while True:
            told = json.loads(stream.recv(20))["offset"]
    deadline = time.monotonic() + 30
    while True:
        try:
            again = player.stream()
            break
        except (OSError, InvalidStatus, ConnectionClosed):
            assert time.monotonic() < deadline
            time.sleep(0.2)
    with again:
        at = offset(again)
        assert at >= told
        again.send(data[at:])
        acknowledged(again, len(data))
    player.close()
    assert fetched(site, player) == data


def test_no_key_in_a_log(site: Site) -> None:
    """Although the document has it in every query."""
    player = site.start().player()
    player.start()
    player.close()
    player.start(map="")
    site.stop()
    log = (site.folder / "node.log").read_bytes()
    assert b"/session_id" in log
    assert player.key.encode() not in log


# What a review found


def test_a_bell_that_was_left_ends_nothing(site: Site) -> None:
    """Whoever rang it was killed: the stream goes on when others ring."""
    player = site.start().player()
    player.start()
    bells = Path(site.folder) / "demos" / "bell"
    bells.mkdir(parents=True, exist_ok=True)
    left = bells / f"{player.session}.end"
    left.touch()
    os.utime(left, (1, 1))
    with player.stream() as stream:
        for number in range(3):
            (bells / "1.end").touch()
            stream.send(b"x" * 1000)
            acknowledged(stream, 1000 * (number + 1))
            (bells / "1.end").unlink()
    assert not left.exists()


def test_what_follows_a_refused_text_is_not_stored(shared_site: Site) -> None:
    """Not its own continuation either."""
    player = shared_site.player()
    player.start()
    stream = player.stream()
    stream.send(b"abc")
    with suppress(ConnectionClosed):
        stream.send(["TXT", "MORE", "END"])
    assert ended(stream) == 1003
    player.close()
    assert fetched(shared_site, player) == b"abc"


def test_who_sends_too_much_hears_why(site: Site) -> None:
    """Although more is on its way: the connection is not reset before the last words."""
    site.settings["DEMOS_MAX_SIZE"] = 1 << 20
    site.start()
    for _ in range(5):
        player = site.player()
        player.start()
        stream = player.stream()
        with suppress(ConnectionClosed):
            while True:
                stream.send(b"x" * 65536)
        assert ended(stream) == 1009
        player.close()


def test_closing_a_stream_in_full_flow_holds_up_nobody(site: Site) -> None:
    """It is cut off after a while; others are served meanwhile."""
    site.start()
    fast, other = site.player(), site.player()
    fast.start()
    other.start()
    stream = fast.stream()
    flow = threading.Thread(target=send_for_ever, args=(stream,), daemon=True)
    flow.start()
    with other.stream() as quiet:
        assert fast.close().status_code == 200
        quiet.send(b"x" * 100)
        acknowledged(quiet, 100, 15)
    flow.join(30)


def send_for_ever(stream: ClientConnection) -> None:
    """Until the server ends it."""
    with suppress(ConnectionClosed):
        while True:
            stream.send(b"x" * 65536)


def test_pings_without_end_take_no_memory(site: Site) -> None:
    """Their answers are not read: then neither are the pings."""
    player = site.start().player()
    player.start()
    stream = player.stream()
    (worker,) = site.worker_processes()
    before = resident(worker)
    raw = stream.socket
    raw.settimeout(5)
    ping = b"\x89\xfd\0\0\0\0" + bytes(125)
    with suppress(OSError):
        for _ in range(2_000):
            raw.sendall(ping * 300)
    assert resident(worker) - before < 60_000
    player.close()


def resident(pid: int) -> int:
    """Memory of a process, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
