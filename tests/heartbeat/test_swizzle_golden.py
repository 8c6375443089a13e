"""Swizzle gives and takes on the wire what the C++ Swizzle of storj-heartbeat 0.1.10 did."""

import base64
import hmac

import pytest
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from heartbeat.golden import Case, cases, file_of, within

from downstream_node.heartbeat import integers, swizzle_prf, swizzle_sums, swizzle_wire
from downstream_node.heartbeat.registry import make_prover
from downstream_node.heartbeat.swizzle_wire import (
    Challenge,
    Heartbeat,
    Proof,
    Reader,
    pack_blob,
    pack_count,
    pack_integers,
)
from downstream_node.heartbeat.wire import to_base64


@pytest.fixture(params=["installed integers", "Python's integers"], autouse=True)
def _integers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do everything with gmpy2, if there is gmpy2, and without it."""
    integer = integers.Integer if request.param.startswith("installed") else int
    for module in (swizzle_prf, swizzle_sums, swizzle_wire):
        monkeypatch.setattr(module, "Integer", integer)


def keys_of(case: Case) -> tuple[Heartbeat, swizzle_sums.Keys]:
    """Return the public and the secret parameters of the case."""
    heartbeat, secret = Heartbeat.from_text(case["public_heartbeat"]), case["decoded"]
    f_key, alpha_key = (base64.b64decode(secret[name]) for name in ("f_key", "alpha_key"))
    return heartbeat, swizzle_sums.Keys(heartbeat, f_key, alpha_key)


def holds(case: Case, played: Case) -> bool:
    """Say whether the proof answers the challenge, by the arithmetic alone."""
    heartbeat, keys = keys_of(case)
    challenge, proof = Challenge.from_text(played["challenge"]), Proof.from_text(played["proof"])
    blocks = case["decoded"]["chunks"]
    expected = swizzle_sums.expected_sigma(heartbeat, keys, challenge, blocks, proof.mu)
    return expected == proof.sigma


def signed_state(case: Case) -> tuple[bytes, bytes]:
    """Return the signed part of the case's state, and the signature."""
    outer = Reader(to_base64(Reader(case["state"]).blob()))
    return outer.blob(), outer.blob()


@pytest.mark.parametrize("case", cases("swizzle.json"))
def test_public_heartbeat(case: Case) -> None:
    """The public heartbeat says how files are cut, and is written as it was read."""
    heartbeat, decoded = Heartbeat.from_text(case["public_heartbeat"]), case["decoded"]
    assert heartbeat.sectors == decoded["sectors"]
    assert heartbeat.sector_bytes == decoded["sector_size"]
    assert heartbeat.prime == int(decoded["prime"])
    assert heartbeat.to_text() == case["public_heartbeat"]


@pytest.mark.parametrize("case", cases("swizzle.json"))
def test_private_heartbeat(case: Case) -> None:
    """The original's private heartbeat is the public one with two keys; we can read and write it.

    It never goes to a farmer. Our node has no such keys, since it has no state to seal.
    """
    reader, decoded = Reader(case["heartbeat"]), case["decoded"]
    assert reader.take(1) == b"\0"
    sealing = [reader.blob(), reader.blob()]
    assert [to_base64(key) for key in sealing] == [decoded["k_enc"], decoded["k_mac"]]
    public = base64.b64decode(Heartbeat.from_text(case["public_heartbeat"]).to_text())
    written = b"\0" + b"".join(map(pack_blob, sealing)) + public[1:]
    assert to_base64(written) == case["heartbeat"]


@pytest.mark.parametrize("case", cases("swizzle.json"))
def test_state(case: Case) -> None:
    """The original's sealed state is as we read it: signed, and around the keys of the file."""
    decoded = case["decoded"]
    signed, mac = signed_state(case)
    assert mac == hmac.digest(base64.b64decode(decoded["k_mac"]), signed, "sha256")
    state = Reader(to_base64(signed))
    blocks, iv, sealed = state.count(), state.blob(), state.blob()
    assert blocks == decoded["chunks"]
    keys = b"".join(pack_blob(base64.b64decode(decoded[k])) for k in ("f_key", "alpha_key"))
    resealed = Cipher(AES(base64.b64decode(decoded["k_enc"])), CFB(iv)).encryptor().update(keys)
    assert sealed == resealed


@pytest.mark.parametrize("case", cases("swizzle.json"))
def test_state_is_written_as_it_was_read(case: Case) -> None:
    """From its parts, the state is put together again byte by byte."""
    signed, mac = signed_state(case)
    state = Reader(to_base64(signed))
    parts = pack_count(state.count()) + pack_blob(state.blob()) + pack_blob(state.blob())
    assert to_base64(pack_blob(pack_blob(parts) + pack_blob(mac))) == case["state"]


@pytest.mark.parametrize("case", cases("swizzle.json"))
def test_tag(case: Case) -> None:
    """The tag recomputed from the file and its keys is the recorded one."""
    heartbeat, keys = keys_of(case)
    blocks = case["decoded"]["chunks"]
    tag = list(swizzle_sums.authenticators(heartbeat, keys, file_of(case), blocks))
    assert to_base64(pack_integers(tag)) == case["tag"]


@pytest.mark.parametrize(("case", "played"), within("swizzle.json", "rounds", "round"))
def test_challenge(case: Case, played: Case) -> None:
    """A challenge is read as recorded, and written as it was read."""
    challenge = Challenge.from_text(played["challenge"])
    assert challenge.checked == played["decoded_l"]
    assert to_base64(challenge.key) == played["decoded_key"]
    assert challenge.limit == int(case["decoded"]["prime"])
    assert challenge.to_text() == played["challenge"]


@pytest.mark.parametrize(("case", "played"), within("swizzle.json", "rounds", "round"))
def test_proof(case: Case, played: Case) -> None:
    """Our farmer answers every recorded challenge with the recorded proof."""
    prover = make_prover("Swizzle", case["public_heartbeat"])
    assert prover.prove(file_of(case), case["tag"], played["challenge"]) == played["proof"]
    assert Proof.from_text(played["proof"]).to_text() == played["proof"]


@pytest.mark.parametrize(
    ("case", "played"),
    [
        *within("swizzle.json", "rounds", "round"),
        *[
            param
            for param in within("swizzle.json", "negative", "negative")
            if "state" not in param.values[1]  # sealed against its own storage: not on the wire
        ],
    ],
)
def test_verification(case: Case, played: Case) -> None:
    """The sums of every recorded proof hold, or do not hold, as they did."""
    assert holds(case, played) == played["verify"]


@pytest.mark.parametrize(("case", "played"), within("swizzle.json", "rounds", "round"))
def test_proof_of_zeros(case: Case, played: Case) -> None:
    """A proof of zeros holds for nothing but a challenge that checks no block."""
    zeros = Proof([0] * case["decoded"]["sectors"], 0).to_text()
    assert holds(case, {**played, "proof": zeros}) == played["all_zero_proof_verifies"]
    assert played["all_zero_proof_verifies"] == (played["decoded_l"] == 0)


def test_both_kinds_of_integers_are_tried(request: pytest.FixtureRequest) -> None:
    """The modules count with the integers that the fixture gave them."""
    if "Python's" in request.node.name:
        assert vars(swizzle_sums)["Integer"] is int
