"""What happens between a node and its farmers, told as stories."""

from conftest import NodeMaker
from simulator import CHUNK, FarmerSimulator, ManualClock, SimulatedNode

from downstream_node.chunks.pool import counts
from downstream_node.contracts.whitelist import replace

IP_FULL = "IP Disallowed, only 1 tokens are permitted per IP address"


def farmer_with(node: SimulatedNode, contracts: int) -> FarmerSimulator:
    """A farmer who has joined and taken *contracts* chunks."""
    return FarmerSimulator(node.fill_pool(contracts)).join().take(contracts)


def pool_size(node: SimulatedNode) -> int:
    """How many chunks wait, ready or not."""
    with node.parts.database.reading() as connection:
        return sum(counts(connection).values())


def test_a_farmer_joins_answers_and_is_online(node: SimulatedNode) -> None:
    """Heartbeats, contracts and size are counted from the first accepted answers on."""
    farmer = farmer_with(node, 3)
    assert not node.status(farmer)["online"]
    assert farmer.answer_all() == ["ok"] * 3
    status = node.status(farmer)
    assert (status["online"], status["uptime"], status["heartbeats"]) == (True, 100.0, 3)
    assert (status["contracts"], status["size"]) == (3, 3 * CHUNK)


def test_a_farmer_who_never_answers_has_no_uptime(node: SimulatedNode) -> None:
    """Taking contracts alone makes nobody online."""
    farmer = farmer_with(node, 1)
    node.advance(30)
    status = node.status(farmer)
    assert (status["online"], status["uptime"], status["heartbeats"]) == (False, 0.0, 0)


def test_a_silent_farmer_goes_offline(node: SimulatedNode) -> None:
    """An answer covers until the next challenge is due; after that the farmer is offline."""
    farmer = farmer_with(node, 1)
    farmer.answer_all()
    node.advance(119)
    assert node.status(farmer)["online"]
    node.advance(1)
    assert not node.status(farmer)["online"]
    node.advance(120)
    assert node.status(farmer)["uptime"] == 50.0


def test_uptime_survives_many_windows(node: SimulatedNode) -> None:
    """Who answers in every window has 100 per cent, whatever the moment within the window."""
    farmer = farmer_with(node, 2)
    for wait in (5, 70, 20, 80, 64, 1, 59):
        node.advance(wait)
        assert farmer.answer_all() in (["ok", "ok"], ["Challenge already answered."] * 2)
    assert node.status(farmer)["uptime"] == 100.0


def test_a_farmer_comes_back_on_another_ip(node: SimulatedNode) -> None:
    """The token moves along, and the status shows the hash of the new address."""
    farmer = farmer_with(node, 1)
    before = node.status(farmer)["ip_hash"]
    farmer.ip = "198.51.100.7"
    assert farmer.answer_all() == ["ok"]
    after = node.status(farmer)["ip_hash"]
    assert before != after
    assert farmer.ip not in after


def test_two_farmers_on_one_ip_are_over_the_limit(make_node: NodeMaker) -> None:
    """The second token is refused, and so is a farmer who moves to a full address."""
    node = make_node(MAX_TOKENS_PER_IP=1)
    FarmerSimulator(node, "first").join()
    second = FarmerSimulator(node, "second")
    assert second.try_to_join() == (400, {"status": "error", "message": IP_FULL})
    second.ip = "198.51.100.7"
    second.join().ip = "192.0.2.1"
    code, body = node.request("GET", f"/chunk/{second.token}", ip=second.ip)
    assert (code, body["message"]) == (400, IP_FULL)


def test_an_expired_contract_is_closed_and_its_chunk_returns(node: SimulatedNode) -> None:
    """Nothing lasting is lost: the counts go down, and the same chunk can be taken again."""
    farmer = farmer_with(node, 1)
    (seed,) = (chunk["seed"] for chunk in farmer.held.values())
    node.advance(66)
    assert node.run_jobs()["close expired contracts"] == 1
    assert (node.status(farmer)["contracts"], node.status(farmer)["size"]) == (0, 0)
    node.advance(5)
    assert pool_size(node) == 1
    node.run_jobs()
    assert [chunk["seed"] for chunk in farmer.ask_for(CHUNK)] == [seed]


def test_a_returned_chunk_gets_new_challenges(node: SimulatedNode) -> None:
    """The challenges of its first life are known to somebody, so they are not asked again."""
    farmer = farmer_with(node, 1)
    ((old_hash, old),) = farmer.held.items()
    node.advance(66)
    node.run_jobs()
    (new,) = farmer.ask_for(CHUNK)
    assert new["file_hash"] != old_hash
    assert new["challenge"] != old["challenge"]
    assert farmer.challenges()[old_hash]["error"] == "contract expired"


def test_challenges_run_out(make_node: NodeMaker) -> None:
    """After the last answer there are no more challenges; later the contract is expired."""
    node = make_node(DEFAULT_INTERVAL=60, HEARTBEAT_CHALLENGES=2)
    farmer = farmer_with(node, 1)
    assert farmer.answer_all() == ["ok"]
    node.advance(60)
    assert farmer.answer_all() == ["ok"]
    node.advance(60)
    (entry,) = farmer.challenges().values()
    assert entry["status"] == "no more challenges"
    node.advance(60)
    (entry,) = farmer.challenges().values()
    assert entry["error"] == "contract expired"


def test_the_same_answer_twice_counts_once(node: SimulatedNode) -> None:
    """A repeated answer is told apart from a wrong one, and is not counted."""
    farmer = farmer_with(node, 1)
    proofs = farmer.proofs()
    assert farmer.send(proofs)[0]["status"] == "ok"
    assert farmer.send(proofs)[0]["error"] == "Challenge already answered."
    assert node.status(farmer)["heartbeats"] == 1


def test_an_answer_one_second_before_its_due_time_is_accepted(node: SimulatedNode) -> None:
    """The whole interval may be used."""
    farmer = farmer_with(node, 1)
    proofs = farmer.proofs()
    node.advance(59)
    assert farmer.send(proofs)[0]["status"] == "ok"


def test_an_answer_on_its_due_time_is_too_late(node: SimulatedNode) -> None:
    """The due time itself is outside."""
    farmer = farmer_with(node, 1)
    proofs = farmer.proofs()
    node.advance(60)
    assert farmer.send(proofs)[0]["error"] == "contract expired"


def test_an_answer_one_second_after_its_due_time_is_too_late(node: SimulatedNode) -> None:
    """And so is everything later."""
    farmer = farmer_with(node, 1)
    proofs = farmer.proofs()
    node.advance(61)
    assert farmer.send(proofs)[0]["error"] == "contract expired"


def test_the_answer_of_the_window_before_is_invalid(node: SimulatedNode) -> None:
    """A proof answers one challenge only."""
    farmer = farmer_with(node, 1)
    proofs = farmer.proofs()
    farmer.send(proofs)
    node.advance(60)
    assert farmer.send(proofs)[0]["error"] == "proof invalid"


def test_an_outage_of_the_node_costs_no_farmer_anything(
    node: SimulatedNode, clock: ManualClock
) -> None:
    """A contract that would have expired while the node was down goes on afterwards."""
    farmer = farmer_with(node, 1)
    farmer.answer_all()
    node.advance(100)
    clock.jump(3600)
    assert node.status(farmer)["online"]
    assert farmer.answer_all() == ["ok"]
    assert node.status(farmer)["uptime"] == 100.0


def test_a_clock_that_is_set_back_stops_nothing(node: SimulatedNode, clock: ManualClock) -> None:
    """Service time goes on from where it was."""
    farmer = farmer_with(node, 1)
    farmer.answer_all()
    clock.jump(-7200)
    node.advance(60)
    assert farmer.answer_all() == ["ok"]
    assert node.status(farmer)["uptime"] == 100.0


def test_a_quota_counts_open_contracts_only(make_node: NodeMaker) -> None:
    """What expired a moment ago makes room at once, before any job has run."""
    node = make_node(DEFAULT_INTERVAL=60, MAX_SIZE_PER_ADDRESS=2 * CHUNK)
    farmer = FarmerSimulator(node.fill_pool(5)).join().take(2)
    assert farmer.ask_for(CHUNK) == []
    node.advance(60)
    assert len(farmer.ask_for(CHUNK)) == 1


def test_a_removed_farmer_leaves_its_chunks_to_others(node: SimulatedNode) -> None:
    """Who is taken off the whitelist is unknown from then on; its chunks are tagged anew."""
    farmer = farmer_with(node, 2)
    change = node.parts.database.write(lambda connection: replace(connection, {}))
    assert (change.removed, change.removed_tokens, change.removed_contracts) == (1, 1, 2)
    assert node.request("GET", f"/challenge/{farmer.token}")[1]["message"] == "Nonexistent token."
    assert node.run_jobs()["tag returned chunks"] == 2
    assert len(FarmerSimulator(node, "other").join().ask_for(2 * CHUNK)) == 2
