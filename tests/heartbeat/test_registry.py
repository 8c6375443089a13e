"""Schemes are made by their name on the wire."""

import json

import pytest

from downstream_node.errors import InvalidSettings, MalformedProof
from downstream_node.heartbeat.registry import SCHEMES, make_prover, make_scheme

SECRET = b"s" * 32
DATA = bytes(range(256)) * 128


@pytest.mark.parametrize("name", SCHEMES)
def test_node_and_farmer_meet_through_json_alone(name: str) -> None:
    """A farmer that knows only what the node sent it passes, and knows the scheme by its name."""
    scheme = make_scheme(name, 0.5)
    encoding = scheme.encode(DATA, SECRET)
    sent = {"heartbeat": scheme.public(), "tag": json.loads(encoding.tag)}
    sent["challenge"] = scheme.challenge(SECRET, 5, encoding.commitment)
    got = json.loads(json.dumps(sent))
    proof = make_prover(scheme.name, got["heartbeat"]).prove(DATA, got["tag"], got["challenge"])
    assert scheme.verify(json.dumps(proof).encode(), SECRET, 5, encoding.commitment)
    assert not scheme.verify(json.dumps(proof).encode(), SECRET, 6, encoding.commitment)


@pytest.mark.parametrize("name", SCHEMES)
def test_fractions_that_prove_nothing_are_refused(name: str) -> None:
    """Every scheme refuses a check fraction of nothing."""
    with pytest.raises(InvalidSettings, match="check_fraction"):
        make_scheme(name, 0.0)


def test_unknown_names_are_refused() -> None:
    """A wrong setting is the operator's, a wrong message the node's."""
    with pytest.raises(InvalidSettings, match="PySwizzle"):
        make_scheme("PySwizzle", 0.01)
    with pytest.raises(MalformedProof, match="PySwizzle"):
        make_prover("PySwizzle", None)


def test_the_number_of_challenges_is_a_setting() -> None:
    """A Merkle contract has as many challenges as it was made with."""
    assert make_scheme("Merkle", 0.01).challenges == 256
    assert make_scheme("Merkle", 0.01, challenges=3).challenges == 3
