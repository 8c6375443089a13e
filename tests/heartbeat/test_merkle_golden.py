"""Merkle gives and takes on the wire what storj-heartbeat 0.1.10 gave and took."""

import base64
import json
from typing import Any

import msgspec
import pytest
from heartbeat.golden import Case, cases, chained_seeds, file_of, load, within

from downstream_node.heartbeat.merkle import Merkle, build_tree, make_tag
from downstream_node.heartbeat.registry import make_prover

# What guarded the original's own state against its storage. Our node keeps no such state: a
# secret and a root from its database take the place of all of it but the index and the root.
NOT_ON_THE_WIRE = (
    "verified with another key",
    "state field n tampered",
    "state field seed tampered",
    "state field timestamp tampered",
    "state field hmac tampered",
)
NEGATIVE = [
    param
    for param in within("merkle.json", "negative", "negative")
    if param.values[1]["what"] not in NOT_ON_THE_WIRE
]
FORGED = [
    param
    for param in within("merkle.json", "rounds", "round")
    if "forged_without_file" in param.values[1]
]


def accepts(case: Case, proof: Any, index: int, root: str | None = None) -> bool:
    """Say whether our node accepts *proof* for challenge *index* of the case's contract."""
    commitment = base64.b64decode(root or case["state"]["root"])
    return Merkle(challenges=case["n"]).verify(json.dumps(proof).encode(), b"", index, commitment)


@pytest.mark.parametrize("case", cases("merkle.json"))
def test_tag(case: Case) -> None:
    """The tag of the recorded file and challenge seeds is the recorded one, and so is its root."""
    data, slice_size = file_of(case), case["tag"]["chunksz"]
    nodes = build_tree(data, chained_seeds(case), slice_size)
    assert msgspec.to_builtins(make_tag(nodes, len(data), slice_size)) == case["tag"]
    assert nodes[0] == base64.b64decode(case["state"]["root"])


@pytest.mark.parametrize(
    "case",
    [
        param
        for param in cases("merkle.json")
        if param.values[0]["check_fraction"] and param.values[0]["chunksz_argument"] is None
        if param.values[0]["tag"]["chunksz"]
    ],
)
def test_slice_size(case: Case) -> None:
    """A check fraction means the same number of bytes as it did, and is handed out as it was."""
    scheme = Merkle(case["check_fraction"], case["n"])
    tag = json.loads(scheme.encode(file_of(case), b"secret").tag)
    assert tag["chunksz"] == case["tag"]["chunksz"]
    assert tag["filesz"] == case["tag"]["filesz"]
    assert scheme.public() == case["public_heartbeat"]


@pytest.mark.parametrize(("case", "played"), within("merkle.json", "rounds", "round"))
def test_challenge_seed(case: Case, played: Case) -> None:
    """The recorded challenges are the chain of seeds from which the tag was rebuilt."""
    seed = chained_seeds(case)[played["challenge"]["index"]]
    assert seed == base64.b64decode(played["challenge"]["seed"])


@pytest.mark.parametrize(("case", "played"), within("merkle.json", "rounds", "round"))
def test_proof(case: Case, played: Case) -> None:
    """Our farmer answers every recorded challenge with the recorded proof."""
    prover = make_prover("Merkle", case["public_heartbeat"])
    assert prover.prove(file_of(case), case["tag"], played["challenge"]) == played["proof"]


@pytest.mark.parametrize(("case", "played"), within("merkle.json", "rounds", "round"))
def test_verification(case: Case, played: Case) -> None:
    """Our node accepts every recorded good proof, and only for its own challenge."""
    index = played["challenge"]["index"]
    assert played["verify"]
    assert accepts(case, played["proof"], index)
    assert not accepts(case, played["proof"], index + 1)


@pytest.mark.parametrize(("case", "negative"), NEGATIVE)
def test_negative(case: Case, negative: Case) -> None:
    """Damaged proofs and tampered roots and indices get the verdict of a sound implementation."""
    state = negative["state"]
    verdict = accepts(case, negative["proof"], state["index"] - 1, state["root"])
    assert verdict == negative["should_verify"]


@pytest.mark.parametrize(("case", "played"), FORGED)
def test_forgery_from_the_tag_alone(case: Case, played: Case) -> None:
    """An inner node in the place of a leaf convinced the original, and does not convince us."""
    forged = played["forged_without_file"]
    assert forged["original_verify"]
    assert not forged["should_verify"]
    assert not accepts(case, forged["proof"], played["challenge"]["index"])


def test_the_vectors_contain_forgeries() -> None:
    """The selections above are not empty."""
    assert len(FORGED) == 13
    assert len(NEGATIVE) > 10 * len(load("merkle.json")["cases"])
