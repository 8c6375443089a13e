"""Many requests at once, on real databases: nothing is counted twice, nothing is overrun."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import NodeMaker
from simulator import CHUNK, FarmerSimulator, SimulatedNode

from downstream_node.chunks.pool import counts

THREADS = 16
CONTRACTS = 100


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """What *work* returns for 0, 1, … *threads* - 1, all run at the same time."""
    with ThreadPoolExecutor(threads) as executor:
        return list(executor.map(work, range(threads)))


def farmer_with(node: SimulatedNode, contracts: int) -> FarmerSimulator:
    """A farmer who holds *contracts* chunks."""
    return FarmerSimulator(node.fill_pool(contracts)).join().take(contracts)


def outcomes(reports: list[list[dict[str, Any]]]) -> Counter[tuple[str, str]]:
    """How often each (file hash, outcome) was reported."""
    return Counter(
        (entry["file_hash"], entry.get("status") or entry["error"])
        for report in reports
        for entry in report
    )


def test_the_same_answers_from_many_threads_are_accepted_once(make_node: NodeMaker) -> None:
    """Each challenge is accepted exactly once, and heartbeats are exactly the sum."""
    farmer = farmer_with(make_node(), CONTRACTS)
    proofs = farmer.proofs()
    seen = outcomes(at_once(lambda _: farmer.send(proofs)))
    accepted = [count for (_, outcome), count in seen.items() if outcome == "ok"]
    assert accepted == [1] * CONTRACTS
    assert {outcome for _, outcome in seen} == {"ok", "Challenge already answered."}
    assert farmer.node.status(farmer)["heartbeats"] == CONTRACTS


def test_batches_in_any_order_do_not_block_each_other(make_node: NodeMaker) -> None:
    """Batches that overlap and run in opposite orders all come to an end, without an error."""
    farmer = farmer_with(make_node(), CONTRACTS)
    proofs = farmer.proofs()
    parts = [proofs[start : start + 60][:: -1 if start % 20 else 1] for start in range(0, 80, 10)]
    seen = outcomes(at_once(lambda number: farmer.send(parts[number % len(parts)])))
    assert sorted(name for name, outcome in seen if outcome == "ok") == sorted(farmer.held)
    assert farmer.node.status(farmer)["heartbeats"] == CONTRACTS


def test_no_chunk_goes_to_two_farmers(make_node: NodeMaker) -> None:
    """Everything in the pool is handed out once."""
    node = make_node(MAX_TOKENS_PER_IP=THREADS).fill_pool(40)
    farmers = [FarmerSimulator(node, f"farmer {number}").join() for number in range(THREADS)]
    taken = at_once(lambda number: farmers[number].ask_for(5 * CHUNK))
    seeds = [chunk["seed"] for chunks in taken for chunk in chunks]
    with node.parts.database.reading() as connection:
        left = sum(counts(connection).values())
    assert len(set(seeds)) == len(seeds) == 40 - left
    assert max(len(chunks) for chunks in taken) <= 5


def test_the_quota_of_an_address_holds(make_node: NodeMaker) -> None:
    """Parallel requests of several tokens of one address get no more than the quota in all."""
    quota = 10 * CHUNK
    node = make_node(MAX_SIZE_PER_ADDRESS=quota, MAX_TOKENS_PER_IP=THREADS).fill_pool(60)
    farmers = [FarmerSimulator(node).join() for _ in range(4)]
    taken = at_once(lambda number: farmers[number % 4].ask_for(3 * CHUNK))
    assert sum(chunk["size"] for chunks in taken for chunk in chunks) == quota
    assert sum(node.status(farmer)["size"] for farmer in farmers) == quota


def test_the_limit_of_tokens_per_ip_holds(make_node: NodeMaker) -> None:
    """Of many that join at once from one address, only as many get in as may."""
    node = make_node(MAX_TOKENS_PER_IP=3)
    farmers = [FarmerSimulator(node, f"farmer {number}") for number in range(THREADS)]
    for farmer in farmers:
        node.whitelist(farmer.address)
    codes = at_once(lambda number: farmers[number].try_to_join()[0])
    assert sorted(codes) == [200] * 3 + [400] * (THREADS - 3)


def test_closing_and_answering_at_once_count_every_contract_once(make_node: NodeMaker) -> None:
    """While a job closes what expired, answers for the rest are counted, and sizes add up."""
    node = make_node(DEFAULT_INTERVAL=60)
    farmer = farmer_with(node, 40)
    first = farmer.proofs()[:20]
    assert {entry["status"] for entry in farmer.send(first)} == {"ok"}
    node.advance(70)
    proofs = farmer.proofs()
    at_once(lambda number: farmer.send(proofs) if number % 2 else node.run_jobs())
    status = node.status(farmer)
    assert (status["contracts"], status["size"], status["heartbeats"]) == (20, 20 * CHUNK, 40)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_challenges_from_sixteen_threads(make_node: NodeMaker) -> None:
    """Exactly one acceptance each, and heartbeats exactly the sum, at full size."""
    node = make_node(MAX_CHUNKS_PER_REQUEST=10_000, HEARTBEAT_CHALLENGES=4)
    farmer = farmer_with(node, 10_000)
    proofs = farmer.proofs()
    parts = [proofs[start : start + 500] for start in range(0, len(proofs), 500)]

    def answer(number: int) -> list[dict[str, Any]]:
        order = parts[number:] + parts[:number] if number % 2 else parts[::-1]
        return [entry for part in order for entry in farmer.send(part)]

    seen = outcomes(at_once(answer))
    assert sorted(seen.values()) == [1] * 10_000 + [THREADS - 1] * 10_000
    assert {outcome for _, outcome in seen} == {"ok", "Challenge already answered."}
    assert node.status(farmer)["heartbeats"] == 10_000
