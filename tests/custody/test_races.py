"""Many at once, in threads and processes: a claim that was acknowledged has its bytes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from conftest import NodeMaker
from custody.keeping import CLAIM, bytes_of, content_of, keep, on_disk, path_of, release, sha256
from simulator import SimulatedNode

from downstream_node.custody import checking, queries, removing, service
from downstream_node.custody.storage import Incoming
from downstream_node.database import Conflict
from downstream_node.errors import Busy

CONTENT = bytes_of(100_000)
THREADS = 6
ROUNDS = 5


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """What *work* returns for 0, 1, … *threads* - 1, all begun at the same moment."""
    barrier = Barrier(threads)

    def begin(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as executor:
        return list(executor.map(begin, range(threads)))


def test_many_take_in_the_same_content(node: SimulatedNode) -> None:
    """Each gets its claim, and the bytes are there once."""
    at_once(lambda number: keep(node, CONTENT, reference=str(number)))
    (file,) = service.listed(node.parts).files
    assert sorted(claim.reference for claim in file.claims) == list("012345")
    assert content_of(node, file) == CONTENT
    assert on_disk(node) == {file.sha256.hex()}


def test_the_same_claim_from_many(node: SimulatedNode) -> None:
    """It is there once."""
    at_once(lambda _: keep(node, CONTENT))
    (file,) = service.listed(node.parts).files
    assert len(file.claims) == 1


def test_taking_in_against_releasing(node: SimulatedNode) -> None:
    """As long as anybody has a claim, it can read; after the last release nothing is left.

    Meanwhile jobs look for bytes to take away.
    """

    def come_and_go(number: int) -> None:
        if number == 0:
            for _ in range(4 * ROUNDS):
                removing.discard_unclaimed(node.parts, sha256(CONTENT))
                checking.check_some(node.parts)
            return
        for _ in range(ROUNDS):
            file = keep(node, CONTENT, reference=str(number))
            assert content_of(node, file) == CONTENT
            assert release(node, file, reference=str(number))

    at_once(come_and_go)
    assert on_disk(node) == set()
    assert service.listed(node.parts).files == []


def test_released_once_by_many(node: SimulatedNode) -> None:
    """Exactly one of them gave up the claim."""
    file = keep(node, CONTENT)
    assert sorted(at_once(lambda _: release(node, file))) == [False] * (THREADS - 1) + [True]


def test_come_again_before_the_bytes_went(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the release and the deletion somebody takes the same content in: it stays."""
    file = keep(node, CONTENT)
    discard = removing.discard

    def come_between(*arguments: Any) -> None:
        keep(node, CONTENT, reference="2")
        discard(*arguments)

    monkeypatch.setattr(removing, "discard", come_between)
    assert release(node, file)
    assert content_of(node, file) == CONTENT


def test_tidied_up_before_the_rows(make_node: NodeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes whose rows are just about to be committed are not taken for left over.

    Whoever tidies up waits for the transaction, or has made the row before it.
    """
    node, tidier = make_node(), make_node()
    place, pool = Incoming.place, ThreadPoolExecutor(1)
    tidying = []

    def placed(incoming: Incoming, digest: bytes) -> bool:
        done = place(incoming, digest)
        tidying.append(pool.submit(removing.discard_unclaimed, tidier.parts, digest))
        return done

    monkeypatch.setattr(Incoming, "place", placed)
    file = keep(node, CONTENT)
    assert [one.result() for one in tidying] == [False]
    pool.shutdown()
    assert content_of(node, file) == CONTENT


def test_a_transaction_that_runs_again(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes have their name since the first time; the second one finds them there."""
    place, calls = Incoming.place, []

    def raced(incoming: Incoming, digest: bytes) -> bool:
        calls.append(place(incoming, digest))
        if len(calls) == 1:
            raise Conflict
        return calls[-1]

    monkeypatch.setattr(Incoming, "place", raced)
    assert content_of(node, keep(node, CONTENT)) == CONTENT
    assert calls == [True, True]


def test_a_transaction_run_twice_without_bytes(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody took them away in between: nothing is acknowledged, and nothing stays."""
    place, calls = Incoming.place, []

    def raced(incoming: Incoming, digest: bytes) -> bool:
        calls.append(place(incoming, digest))
        if len(calls) == 1:
            path_of(node, digest).unlink()
            raise Conflict
        return calls[-1]

    monkeypatch.setattr(Incoming, "place", raced)
    with pytest.raises(Busy):
        keep(node, CONTENT)
    assert service.find(node.parts, sha256(CONTENT)) is None
    assert on_disk(node) == set()


def test_the_database_fails_after_the_bytes_have_their_name(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are taken away again, unless somebody else claims them."""

    def fail(*_: Any) -> None:
        raise RuntimeError

    other = keep(node, b"other", source="chats")
    monkeypatch.setattr(queries, "put_claim", fail)
    for content in (CONTENT, b"other"):
        with pytest.raises(RuntimeError):
            keep(node, content, **CLAIM)
    assert on_disk(node) == {other.sha256.hex()}
    assert content_of(node, other) == b"other"
