"""The farmer's loop, told as stories: a real node over HTTP, on a clock that the test moves."""

import threading
from pathlib import Path

import pytest
from farmer.served import NEVER, ScriptedNode, ServedNode, Volunteer
from sqlalchemy import delete

from downstream_node.contracts.models import Contract
from downstream_node.errors import FarmerStopped
from downstream_node.farmer import loop, node_client
from downstream_node.farmer.identity import load_identity
from downstream_node.farmer.loop import MOST_WAIT, Pass, backoff, run
from downstream_node.farmer.messages import Value, decode
from downstream_node.farmers.models import Farmer
from downstream_node.heartbeat.merkle import Merkle

INTERVAL = 60
KEPT = 3 * 1024


class Waits(threading.Event):
    """A stop event that lets no time pass, notes how long it was waited for, and is set then."""

    def __init__(self, passes: int) -> None:
        super().__init__()
        self.passes = passes
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Note *timeout*; stop after so many passes."""
        self.seconds.append(timeout)
        if len(self.seconds) == self.passes:
            self.set()
        return self.is_set()


def forget_all(served: ServedNode, model: type[Farmer | Contract]) -> None:
    """Have the node lose all its farmers, or all its contracts."""
    served.node.parts.database.write(lambda connection: connection.execute(delete(model)))


def reasons(done: Pass) -> list[str]:
    """Why contracts were dropped."""
    return [loss.reason for loss in done.dropped]


def test_join_take_answer(served: ServedNode, volunteer: Volunteer) -> None:
    """The first pass joins and fills the room, the second answers; the node counts it."""
    with served.up():
        first, second = volunteer.work(), volunteer.work()
    assert (first.taken, first.answered, first.size) == (3, 0, KEPT)
    assert (second.taken, second.answered, second.accepted) == (0, 3, 3)
    (status,) = served.listed()
    assert (status["heartbeats"], status["contracts"], status["size"]) == (3, 3, KEPT)
    assert (status["online"], status["address"]) == (True, volunteer.identity.address)


@pytest.mark.parametrize(
    "node_settings", [{"HEARTBEAT_SCHEME": "Swizzle", "HEARTBEAT_CHECK_FRACTION": 1.0}]
)
def test_other_schemes_are_farmed_alike(served: ServedNode, volunteer: Volunteer) -> None:
    """The node says with which scheme proofs are made, after a restart as well."""
    with served.up():
        assert volunteer.work(2).accepted == 3
        served.node.advance(INTERVAL)
        volunteer.restart()
        assert volunteer.work().accepted == 3


@pytest.mark.parametrize("node_settings", [{"SIGNATURE_MAX_AGE": 60, "NODE_NAME": "barn"}])
def test_fresh_signature(served: ServedNode, volunteer: Volunteer) -> None:
    """A node that wants fresh signatures gets one with its name and the time."""
    with served.up():
        assert volunteer.work().taken == 3


def test_one_heartbeat_in_each_interval(served: ServedNode, volunteer: Volunteer) -> None:
    """An answered challenge is left alone until the next one is to be had."""
    with served.up():
        volunteer.work(2)
        for expected in (3, 6, 9):
            assert (volunteer.work().answered, served.heartbeats()) == (0, expected)
            served.node.advance(INTERVAL)
            assert volunteer.work().accepted == 3
    assert (served.heartbeats(), served.listed()[0]["uptime"]) == (12, 100.0)


@pytest.mark.parametrize(
    ("passed", "wait"),
    [
        pytest.param(0, MOST_WAIT, id="at most half a minute"),
        pytest.param(INTERVAL - 10, 10, id="until the next challenge"),
        pytest.param(INTERVAL - 0.1, loop.LEAST_WAIT, id="at least a moment"),
    ],
)
def test_sleep_until_the_next_challenge(
    served: ServedNode, volunteer: Volunteer, passed: float, wait: float
) -> None:
    """A farmer without room sleeps until its next challenge is to be had, within bounds."""
    with served.up():
        volunteer.work(2)
        served.node.advance(passed)
        assert volunteer.work().wait == pytest.approx(wait)


def test_what_was_taken_is_answered_at_once(served: ServedNode, volunteer: Volunteer) -> None:
    """The first challenge of a new contract is not waited for."""
    with served.up():
        assert volunteer.work().wait == loop.LEAST_WAIT


def test_restart_goes_on(served: ServedNode, volunteer: Volunteer) -> None:
    """After a restart the farmer has the same token and the same contracts."""
    with served.up():
        volunteer.work(2)
        token, files = volunteer.token(), volunteer.files()
        volunteer.restart()
        assert volunteer.work().dropped == ()  # asks for its old contracts: all answered
        served.node.advance(INTERVAL)
        assert volunteer.work().accepted == 3
    assert (volunteer.token(), volunteer.files()) == (token, files)
    assert (len(served.listed()), served.heartbeats()) == (1, 6)


def test_damaged_chunk_costs_one_contract(served: ServedNode, volunteer: Volunteer) -> None:
    """A chunk that changed on the disk is dropped with its reason; the others are proven."""
    with served.up():
        volunteer.work(2)
        volunteer.files()[0].write_bytes(bytes(1024))
        served.node.advance(INTERVAL)
        done = volunteer.work()
    assert (done.accepted, done.contracts) == (2, 2)
    assert reasons(done) == ["it has changed on the disk"]


def test_half_written_chunk_is_reported(served: ServedNode, volunteer: Volunteer) -> None:
    """A chunk whose writing a power cut ended is dropped at the next start, and replaced."""
    with served.up():
        volunteer.work(2)
        volunteer.files()[1].unlink()
        volunteer.restart()
        done = volunteer.work()
    assert reasons(done) == ["it was only half written"]
    assert (done.taken, done.contracts) == (1, 3)


def test_expired_contracts_are_replaced(served: ServedNode, volunteer: Volunteer) -> None:
    """A farmer that was away too long drops what expired, and takes new chunks at once."""
    with served.up():
        volunteer.work(2)
        former = volunteer.files()
        served.node.advance(2 * INTERVAL)
        done = volunteer.work()
    assert reasons(done) == ["contract expired"] * 3
    assert (done.taken, done.contracts) == (3, 3)
    assert not set(former) & set(volunteer.files())


def test_contracts_that_the_node_forgot_are_dropped(
    served: ServedNode, volunteer: Volunteer
) -> None:
    """What the node does not know needs no room on our disk."""
    with served.up():
        volunteer.work(2)
        forget_all(served, Contract)
        volunteer.restart()
        assert reasons(volunteer.work()) == ["contract not found"] * 3


@pytest.mark.parametrize("node_settings", [{"HEARTBEAT_CHALLENGES": 1}])
def test_contract_that_ran_out_is_dropped(served: ServedNode, volunteer: Volunteer) -> None:
    """After its last challenge a contract makes room for another one."""
    with served.up():
        assert volunteer.work(2).accepted == 3
        served.node.advance(INTERVAL)
        done = volunteer.work()
    assert (reasons(done), done.taken) == (["no more challenges"] * 3, 3)


def test_refused_proof_costs_the_contract(
    served: ServedNode, volunteer: Volunteer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal is told with the node's reason, and no new chunk is asked for in a while."""
    monkeypatch.setattr(Merkle, "prove", lambda *_: {"leaf": "?"})
    with served.up():
        volunteer.work()
        done = volunteer.work()
        assert [loss.reason for loss in done.refused] == ["Proof corrupted"] * 3
        assert (done.contracts, done.taken, done.wait) == (0, 0, MOST_WAIT)
        served.node.advance(MOST_WAIT)
        assert volunteer.work().taken == 3


def test_tag_of_another_scheme_costs_the_contract(served: ServedNode, volunteer: Volunteer) -> None:
    """A tag that does not fit our prover is no crash; the node is asked again for its scheme."""
    with served.up():
        volunteer.work()
        record = volunteer.files()[1]
        record.write_text(record.read_text().replace('"filesz"', '"other"'))
        done = volunteer.work()
        assert "filesz" in reasons(done)[0]
        assert (done.accepted, volunteer.work().contracts) == (2, 2)


def lose_reports(content: bytes, kind: type[Value]) -> Value | None:
    """Stand in for `decode` where answers to /answer do not arrive whole."""
    return None if b'"report"' in content else decode(content, kind)


def test_lost_acknowledgement_is_no_loss(
    served: ServedNode, volunteer: Volunteer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof that the node accepted without our learning of it keeps its contract."""
    with served.up():
        volunteer.work()
        with monkeypatch.context() as patched:
            patched.setattr(node_client, "decode", lose_reports)
            assert volunteer.work().trouble is not None
        done = volunteer.work()
    assert (done.dropped, done.refused, done.contracts, served.heartbeats()) == ((), (), 3, 3)


def test_empty_pool_is_asked_now_and_then(served: ServedNode, volunteer: Volunteer) -> None:
    """Room that nothing fills leads to one request in half a minute, not in every pass."""
    volunteer.limit = 20 * 1024
    volunteer.restart()
    with served.up():
        assert [volunteer.work().taken for _ in range(2)] == [10, 0]
        served.node.fill_pool(1)
        assert volunteer.work().taken == 0
        served.node.advance(MOST_WAIT)
        assert volunteer.work().taken == 1


def test_batches_are_split(
    served: ServedNode, volunteer: Volunteer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More contracts than one request takes are asked for and answered in several."""
    monkeypatch.setattr(loop, "BATCH", 2)
    with served.up():
        volunteer.work()
        assert volunteer.work().accepted == 3


def test_node_gone_and_back(served: ServedNode, volunteer: Volunteer) -> None:
    """While the node is away nothing is lost; the waits grow, and then all goes on."""
    with served.up():
        volunteer.work(2)
    served.node.advance(INTERVAL)
    waits = Waits(passes=7)
    run(volunteer.farmer, waits, lambda _done: None)
    assert waits.seconds == [1, 2, 4, 8, 16, 30, 30]
    with served.up():
        done = volunteer.work()
    assert (done.accepted, done.trouble, done.wait) == (3, None, MOST_WAIT)


def test_node_that_is_not_up_yet(served: ServedNode, volunteer: Volunteer) -> None:
    """A farmer may be started before its node."""
    done = volunteer.work()
    assert done.trouble == f"There is no connection to the node at {served.url}."
    with served.up():
        assert volunteer.work(2).accepted == 3


def test_removed_token_is_replaced(served: ServedNode, volunteer: Volunteer) -> None:
    """A farmer that the node removed joins again, drops its old contracts, and goes on."""
    with served.up():
        volunteer.work(2)
        forget_all(served, Contract)
        forget_all(served, Farmer)
        served.node.advance(INTERVAL)
        done = volunteer.work()
        assert (done.trouble, done.wait) == (loop.JOIN_AGAIN, 1)
        assert reasons(volunteer.work()) == ["contract not found"] * 3
        assert volunteer.work().accepted == 3
    assert served.heartbeats() == 3


def test_token_removed_while_the_farmer_was_away(served: ServedNode, volunteer: Volunteer) -> None:
    """A stored token that is unknown now is replaced, too."""
    with served.up():
        volunteer.work(2)
        forget_all(served, Contract)
        forget_all(served, Farmer)
        volunteer.restart()
        assert volunteer.work(3).accepted == 3


def test_damaged_token_file_is_no_token(served: ServedNode, volunteer: Volunteer) -> None:
    """Whatever happened to farmer.json, the farmer joins again."""
    volunteer.folder.mkdir(exist_ok=True)
    (volunteer.folder / "farmer.json").write_bytes(b"{\xff")
    with served.up():
        assert volunteer.work(2).accepted == 3


def test_token_is_shown_to_its_own_node_only(
    served: ServedNode, volunteer: Volunteer, scripted: ScriptedNode
) -> None:
    """A farmer that is sent to another node does not tell it the first one's token."""
    with served.up():
        volunteer.work()
    volunteer.client.close()
    volunteer.client = node_client.NodeClient(scripted.url)
    volunteer.restart()
    volunteer.work()
    assert scripted.asked[0][0] == "GET /api/downstream/v1"


@pytest.mark.parametrize("node_settings", [{"MIN_SJCX_BALANCE": 10_000}])
def test_refusal_of_the_node_ends_the_farmer(served: ServedNode, volunteer: Volunteer) -> None:
    """A farmer that may not join is told why."""
    with served.up(), pytest.raises(FarmerStopped, match="address must be in whitelist"):
        volunteer.work()


def test_unknown_scheme_ends_the_farmer(scripted: ScriptedNode, tmp_path: Path) -> None:
    """Proofs of a kind that we cannot make are named."""
    scripted.says('{"token": "00", "type": "Later", "heartbeat": {}}')
    client = node_client.NodeClient(scripted.url)
    own = loop.make_farmer(client, tmp_path, KEPT, load_identity(tmp_path / "key"))
    with pytest.raises(FarmerStopped, match="heartbeat type 'Later'"):
        own.one_pass(NEVER)
    client.close()


def test_stop_ends_a_pass_early(served: ServedNode, volunteer: Volunteer) -> None:
    """Once the event is set, nothing more is begun."""
    stop = threading.Event()
    stop.set()
    with served.up():
        volunteer.work()
        assert volunteer.farmer.one_pass(stop).answered == 0
    run(volunteer.farmer, stop, lambda _done: pytest.fail("a pass was begun"))


def test_number_of_passes_is_kept(served: ServedNode, volunteer: Volunteer) -> None:
    """After the last of the wanted passes there is no wait."""
    waits = Waits(passes=9)
    told: list[Pass] = []
    with served.up():
        run(volunteer.farmer, waits, told.append, passes=2)
    assert ([done.accepted for done in told], len(waits.seconds)) == ([0, 3], 1)


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1), (2, 2), (5, 16), (6, 30), (10_000, 30)])
def test_backoff_is_bounded(failures: int, seconds: float) -> None:
    """Waits double up to half a minute."""
    assert backoff(failures) == seconds
