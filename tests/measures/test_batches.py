"""Batches: good items are stored together, bad ones told by index; nothing counts twice."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from measures.sending import API, MEASURE, Sender, stored
from simulator import SimulatedNode
from sqlalchemy import Engine, create_engine, event, select

from downstream_node.measures import collecting
from downstream_node.measures.collecting import Item, collect, forget_old_receipts
from downstream_node.measures.models import MeasureReceipt, RawMeasure


def keyed(key: object, **changes: Any) -> dict[str, Any]:
    """MEASURE with an idempotency key."""
    return {**MEASURE, "idempotencyKey": key, **changes}


def test_the_bad_are_told_by_index(owner: Sender) -> None:
    """Each with its status and text; the rest is stored."""
    bad = MEASURE | {"value": "NaN"}
    response = owner.send_all(MEASURE, bad, 5, MEASURE, keyed(7), MEASURE | {"measureName": "x"})
    number = "value type is incorrect, it must be a number"
    key = "idempotencyKey type is incorrect, it must be a short text"
    texts = {1: number, 2: "The measure cannot be empty", 4: key}
    texts[5] = "No measure definition found for: x"
    refused = [{"index": n, "status": 400, "error": text} for n, text in texts.items()]
    assert response.get_json() == {"stored": 2, "repeated": [], "refused": refused}
    assert stored(owner.node) == 2


def test_foreign_measures_are_refused_one_by_one(stranger: Sender) -> None:
    """D9: in a batch, too."""
    (refused,) = stranger.send_all(MEASURE).get_json()["refused"]
    assert (refused["index"], refused["status"]) == (0, 403)
    assert stored(stranger.node) == 0


def test_a_batch_that_comes_again_counts_once(owner: Sender) -> None:
    """All its items are told as repeated."""
    batch = [keyed(f"k{n}") for n in range(3)]
    assert owner.send_all(*batch).get_json()["stored"] == 3
    again = {"stored": 0, "repeated": [0, 1, 2], "refused": []}
    assert owner.send_all(*batch).get_json() == again
    assert stored(owner.node) == 3


def test_a_key_twice_in_one_batch(owner: Sender) -> None:
    """The first counts; an equal one is repeated, another one is refused with 409."""
    answer = owner.send_all(keyed("k"), keyed("k"), keyed("k", value=2)).get_json()
    assert (answer["stored"], answer["repeated"]) == (1, [1])
    assert [(one["index"], one["status"]) for one in answer["refused"]] == [(2, 409)]
    assert stored(owner.node) == 1


def test_keys_are_the_same_by_both_routes(owner: Sender) -> None:
    """What was sent alone is repeated in a batch."""
    assert owner.send(key="k").status_code == 201
    assert owner.send_all(keyed("k")).get_json()["repeated"] == [0]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"measures": 5}', b"\x1f\x8b"])
def test_bodies_that_are_no_batch(owner: Sender, body: bytes) -> None:
    """400 in the form of the API, and nothing is stored."""
    response = owner.ask("POST", f"{API}/measures", data=body)
    assert response.status_code == 400
    assert response.get_json()["status"] == "error"


def test_batches_have_a_limit(owner: Sender) -> None:
    """5,000 are taken in one transaction, one more is refused as a whole."""
    assert owner.send_all(*[{}] * 5001).status_code == 400
    answer = owner.send_all(*[keyed(f"k{n}") for n in range(5000)]).get_json()
    assert answer == {"stored": 5000, "repeated": [], "refused": []}
    assert stored(owner.node) == 5000


def test_nothing_is_stored_by_halves(owner: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the measures cannot be stored, neither are the receipts: what is sent again counts."""
    with monkeypatch.context() as broken:
        broken.setattr("downstream_node.measures.collecting.INSERT", "no statement")
        assert owner.send_all(keyed("k")).status_code == 500
    assert owner.send_all(keyed("k")).get_json()["stored"] == 1


def test_an_empty_batch_is_nothing(owner: Sender) -> None:
    """It is answered, and no transaction begun for it."""
    assert owner.send_all().get_json() == {"stored": 0, "repeated": [], "refused": []}


def test_a_single_measure_is_a_transaction_of_its_own(owner: Sender) -> None:
    """When it is answered it is there for everybody, without a further commit."""
    assert owner.send().status_code == 201
    other = create_engine(owner.node.parts.settings.SQLALCHEMY_DATABASE_URI)
    with other.connect() as connection:
        assert connection.execute(select(RawMeasure.value)).scalars().all() == [1]
    other.dispose()


def test_a_single_measure_that_is_not_stored(owner: Sender) -> None:
    """D1: a statement that fails is no 201, and leaves nothing behind."""

    def fail(_link: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith("INSERT"):
            raise RuntimeError

    event.listen(Engine, "before_cursor_execute", fail)
    try:
        assert owner.send().status_code == 500
    finally:
        event.remove(Engine, "before_cursor_execute", fail)
    assert stored(owner.node) == 0


@pytest.mark.parametrize("several", [False, True], ids=["with a key", "a batch"])
def test_the_answer_comes_after_the_commit(owner: Sender, several: bool) -> None:
    """D1: a commit that fails is no 201, and leaves nothing behind."""
    engine = owner.node.parts.database.writer

    def fail(_connection: object) -> None:
        raise RuntimeError

    event.listen(engine, "commit", fail)
    try:
        response = owner.send_all(MEASURE, MEASURE) if several else owner.send(key="once")
        assert response.status_code == 500
    finally:
        event.remove(engine, "commit", fail)
    assert stored(owner.node) == 0


# Races


def together(count: int, work: Callable[[int], None]) -> None:
    """Run *work* in so many threads that begin at once."""
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_racing_repetitions_count_once(owner: Sender) -> None:
    """Eight batches of the same keys, in different orders: each key is stored once."""
    batch = [keyed(f"k{n}") for n in range(40)]
    answers: list[Any] = []

    def work(number: int) -> None:
        turned = batch[number * 5 :] + batch[: number * 5]
        answers.append(
            owner.node.app.test_client()
            .post(
                f"{API}/measures",
                json={"measures": turned},
                headers={"Authorization": f"Bearer {owner.token}"},
            )
            .get_json()
        )

    together(8, work)
    assert sum(answer["stored"] for answer in answers) == 40 == stored(owner.node)
    assert all(answer["refused"] == [] for answer in answers)


def test_a_key_that_races_twice_is_settled(owner: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Losing one key after the other to others is a repetition in the end, no error."""
    look = collecting.receipts
    rivals = [Item(MEASURE, "a"), Item(MEASURE, "b")]

    def late(*arguments: Any) -> dict[bytes, bytes]:
        known = look(*arguments)
        if rivals:
            rival = rivals.pop(0)
            monkeypatch.setattr(collecting, "receipts", look)
            lose_to(owner.node, rival)
            monkeypatch.setattr(collecting, "receipts", late)
        return known

    if owner.node.parts.database.dialect == "sqlite":
        pytest.skip("SQLite lets one writer in at a time")
    monkeypatch.setattr(collecting, "receipts", late)
    answer = owner.send_all(keyed("a"), keyed("b")).get_json()
    assert answer == {"stored": 0, "repeated": [0, 1], "refused": []}


def lose_to(node: SimulatedNode, rival: Item) -> None:
    """Have *rival* stored on another connection, before our transaction goes on."""
    thread = threading.Thread(target=lambda: collect(node.parts, "grandlyon", [rival], 5))
    thread.start()
    thread.join()


# Receipts


def test_old_receipts_are_forgotten(owner: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a week, so many at a time; measures stay, and later receipts, too."""
    monkeypatch.setattr(collecting, "FORGET_PER_PASS", 2)
    owner.send_all(*[keyed(f"k{n}") for n in range(3)])
    owner.node.advance(7 * 86_400)
    assert forget_old_receipts(owner.node.parts) == 0
    owner.send(key="late")
    owner.node.advance(1)
    assert [forget_old_receipts(owner.node.parts) for _ in range(3)] == [2, 1, 0]
    assert owner.send(key="late").status_code == 201
    assert stored(owner.node) == 4


def test_the_job_forgets_receipts(owner: Sender) -> None:
    """It is one of the node's own."""
    owner.send(key="k")
    owner.node.advance(8 * 86_400)
    assert owner.node.run_jobs()["forget receipts of measures"] == 1


def test_batches_know_their_arrival(owner: Sender) -> None:
    """All measures and receipts of a request came at one time."""
    owner.send_all(keyed("a"), MEASURE)
    read = owner.node.parts.database.read
    for arrived in (RawMeasure.arrived, MeasureReceipt.arrived):
        times = set(
            read(lambda connection, what=arrived: connection.execute(select(what)).scalars())
        )
        assert times == {owner.node.clock.wall}
