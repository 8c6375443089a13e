"""What is let go: the rules alone, at their edges; then passes over real recordings."""

import logging
from collections.abc import Sequence

import pytest
from conftest import NodeMaker
from custody.keeping import on_disk
from demos.conftest import QUICK
from demos.kept import CHEATER, Asking, analyst, closed, detections, kept, known, opened, uploader
from hypothesis import given
from hypothesis import strategies as st
from simulator import SimulatedNode

from downstream_node.custody import service as custody
from downstream_node.demos import retention
from downstream_node.demos.listing import Demo
from downstream_node.demos.retention import Candidate, Kept, Rules, TooMany, doomed, within

NOW = 1_000_000
OTHER = 76561198000000009


def candidates(*sizes: int) -> list[Candidate]:
    """Recordings of these sizes; each is 100 ms long, the first ended 1000 ms ago."""
    return [
        Candidate(n, str(n), b"", size, NOW - 1100 + n, NOW - 1000 + n)
        for n, size in enumerate(sizes)
    ]


def going(demos: Sequence[Candidate], rules: Rules, size: int | None = None) -> list[int]:
    """Which of *demos* go, where *size* bytes are kept in all."""
    total = sum(one.size for one in demos) if size is None else size
    chosen = doomed(demos, Kept(len(demos), total), rules, NOW)
    return [one.candidate.id for one in chosen]


@pytest.mark.parametrize(
    ("retention_ms", "expected"),
    [
        pytest.param(0, [], id="for ever"),
        pytest.param(1001, [], id="one millisecond early"),
        pytest.param(1000, [0], id="on the instant"),
        pytest.param(999, [0, 1], id="the next one, too"),
        pytest.param(1, [0, 1, 2], id="all"),
    ],
)
def test_age(retention_ms: int, expected: list[int]) -> None:
    """What ended so long ago goes."""
    assert going(candidates(5, 5, 5), Rules(retention_ms, 0, 1.0)) == expected


@pytest.mark.parametrize(
    ("space", "expected"),
    [(0, []), (15, []), (14, [0]), (10, [0]), (9, [0, 1]), (1, [0, 1, 2])],
)
def test_space(space: int, expected: list[int]) -> None:
    """The oldest go until the others fit."""
    assert going(candidates(5, 5, 5), Rules(0, space, 1.0)) == expected


def test_what_is_needed_takes_space_too() -> None:
    """It is counted, and others have to make room for it."""
    assert going(candidates(5, 5, 5), Rules(0, 100, 1.0), size=108) == [0, 1]


def test_reasons_say_which_rule() -> None:
    """Age first."""
    chosen = doomed(candidates(5, 5), Kept(2, 10), Rules(1000, 1, 1.0), NOW)
    first, second = (one.reason for one in chosen)
    assert "days" in first
    assert "space" in second


@given(st.lists(st.integers(0, 50)), st.integers(0, 1200), st.integers(0, 500))
def test_no_more_goes_than_the_rules_say(sizes: list[int], age: int, space: int) -> None:
    """The young stay as long as all fit."""
    demos = candidates(*sizes)
    gone = going(demos, Rules(age, space, 1.0))
    left = [one for one in demos if one.id not in gone]
    for number in gone:
        older = [one for one in demos if one.id < number and one.id in gone]
        is_old = age and demos[number].ended <= NOW - age
        assert is_old or sum(sizes) - sum(one.size for one in older) > space
    assert not space or sum(one.size for one in left) <= space


@pytest.mark.parametrize(("most", "fits"), [(1.0, True), (0.3, True), (0.29, False), (0.0, False)])
def test_a_pass_has_its_measure(most: float, fits: bool) -> None:
    """More than so many of all, and none goes."""
    demos = candidates(*[1] * 10)
    chosen = list(doomed(demos, Kept(10, 10), Rules(0, 7, most), NOW))
    assert len(chosen) == 3
    if fits:
        assert within(chosen, Kept(10, 10), Rules(0, 7, most)) == chosen
    else:
        with pytest.raises(TooMany):
            within(chosen, Kept(10, 10), Rules(0, 7, most))


def test_nothing_to_do_is_not_too_much() -> None:
    """Whatever the share."""
    assert within([], Kept(0, 0), Rules(0, 0, 0.0)) == []


# Passes


@pytest.fixture
def old(make_node: NodeMaker) -> SimulatedNode:
    """A node that lets go after an hour, as many as there are."""
    return make_node(**QUICK, DEMOS_RETENTION=3600, DEMOS_MOST_PRUNED=1.0)


def test_what_is_old_goes(old: SimulatedNode) -> None:
    """Its bytes, not its row; whoever asks is told why."""
    first = kept(old, b"first")
    old.advance(3600)
    second = kept(old, b"second")
    assert retention.prune(old.parts) == 1
    gone = known(old, first.session_id)
    assert gone.pruned == old.parts.wall_clock()
    response = analyst(old).get("/demodata", session_id=first.session_id)
    assert response.status_code == 410
    assert "It was kept for 0.0416667 days" in response.text
    assert known(old, second.session_id).pruned is None
    assert (first.sha256 or b"").hex() not in on_disk(old)
    tombstone = custody.find(old.parts, first.sha256 or b"")
    assert tombstone is not None
    assert tombstone.reason == gone.prune_reason
    assert retention.prune(old.parts) == 0


def test_what_is_needed_stays(old: SimulatedNode) -> None:
    """Reported or detected, whatever its age; a detection of nobody is none."""
    reported, detected, clean = kept(old, b"1"), kept(old, b"2"), kept(old, b"3")
    report(uploader(old), reported)
    bodies = {detected.session_id: detections(CHEATER), clean.session_id: detections()}
    analyst(old).post("/ingest", {"analyses": bodies})
    old.advance(7200)
    assert retention.prune(old.parts) == 1
    assert known(old, clean.session_id).pruned is not None
    for demo in (reported, detected):
        assert known(old, demo.session_id).pruned is None


def report(asking: Asking, demo: Demo) -> None:
    """Report somebody."""
    body = {"session_id": demo.session_id, "target_steam_id": CHEATER, "reason": "bot"}
    assert asking.post("/report", body).status_code == 201


def test_what_is_not_there_yet_stays(old: SimulatedNode) -> None:
    """A session that goes on, or waits to be filed, or has no bytes."""
    waiting, empty = closed(old, b"waits"), closed(old, b"", by=OTHER)
    live = opened(old, by=OTHER)
    old.advance(7200)
    assert retention.prune(old.parts) == 0
    assert [known(old, one).pruned for one in (waiting, empty, live)] == [None] * 3


def test_room_is_made(make_node: NodeMaker) -> None:
    """The oldest go; what two sessions brought alike stays for the second."""
    node = make_node(**QUICK, DEMOS_SPACE=12, DEMOS_MOST_PRUNED=1.0)
    first, same, last = kept(node, b"12345"), kept(node, b"12345"), kept(node, b"54321")
    assert retention.prune(node.parts) == 1
    assert known(node, first.session_id).prune_reason == retention.NO_SPACE
    response = analyst(node).get("/demodata", session_id=same.session_id)
    assert (response.status_code, response.data) == (200, b"12345")
    assert known(node, last.session_id).pruned is None


def test_a_pass_that_would_let_go_too_much(
    make_node: NodeMaker, caplog: pytest.LogCaptureFixture
) -> None:
    """Lets nothing go, and says so; forced, it does it once."""
    node = make_node(**QUICK, DEMOS_RETENTION=60, DEMOS_MOST_PRUNED=0.5)
    demos = [kept(node, bytes([number])) for number in range(4)]
    node.advance(3600)
    with caplog.at_level(logging.ERROR):
        assert retention.prune(node.parts) == 0
    assert "it would be more than 0.5 of 4" in caplog.text
    assert [known(node, demo.session_id).pruned for demo in demos] == [None] * 4
    assert retention.prune(node.parts, force=True) == 4


def test_without_rules_everything_stays(demo_node: SimulatedNode) -> None:
    """For ever."""
    demo = kept(demo_node)
    demo_node.advance(10**8)
    assert retention.prune(demo_node.parts) == 0
    assert known(demo_node, demo.session_id).pruned is None


def test_a_report_comes_first(old: SimulatedNode) -> None:
    """Somebody is reported between the choice and the deed: the recording stays."""
    demo = kept(old)
    old.advance(7200)
    now = old.parts.wall_clock()
    chosen = list(doomed(retention.candidates(old.parts), Kept(1, 4), Rules(1, 0, 1.0), now))
    report(uploader(old), demo)
    assert [retention.let_go(old.parts, one, now) for one in chosen] == [False]
    assert known(old, demo.session_id).pruned is None


def test_an_interrupted_pass_is_finished(old: SimulatedNode) -> None:
    """Marked, and the process died before the bytes went: the next pass takes them away."""
    demo = kept(old)
    old.advance(7200)
    now = old.parts.wall_clock()
    (one,) = doomed(retention.candidates(old.parts), Kept(1, 4), Rules(1, 0, 1.0), now)
    assert old.parts.database.write(lambda connection: retention.mark(connection, one, now))
    assert (demo.sha256 or b"").hex() in on_disk(old)
    retention.prune(old.parts)
    assert (demo.sha256 or b"").hex() not in on_disk(old)


def test_pages_of_candidates(old: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each comes once, the oldest first, however few are read at a time."""
    monkeypatch.setattr(retention, "PAGE", 2)
    demos = [kept(old, bytes([number])) for number in range(5)]
    found = [one.session_id for one in retention.candidates(old.parts)]
    assert found == [demo.session_id for demo in demos]
