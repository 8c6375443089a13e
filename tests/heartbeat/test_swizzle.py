"""The Swizzle scheme as the node and the farmer use it."""

import hashlib
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.errors import InvalidSettings, MalformedProof
from downstream_node.heartbeat.swizzle import STANDARD, Swizzle
from downstream_node.heartbeat.swizzle_wire import (
    Challenge,
    Heartbeat,
    Proof,
    pack_integers,
    read_tag,
)
from downstream_node.heartbeat.wire import to_base64

SECRET = bytes(range(32))
BLOCK = STANDARD.block_bytes
DATA = hashlib.shake_128(b"data").digest(32768)
SMALL = Heartbeat(sectors=3, sector_bytes=2, prime=2**31 - 1)


def answer(scheme: Swizzle, data: bytes, index: int, held: bytes | None = None) -> bool:
    """Say whether a farmer that holds *held* passes challenge *index* of a contract for *data*."""
    encoding = scheme.encode(data, SECRET)
    challenge = scheme.challenge(SECRET, index, encoding.commitment)
    proof = scheme.prove(data if held is None else held, json.loads(encoding.tag), challenge)
    return scheme.verify(json.dumps(proof).encode(), SECRET, index, encoding.commitment)


@settings(deadline=None)
@given(
    st.integers(1, 20_000),
    st.floats(0.001, 1),
    st.integers(0, 2**31 - 2),
    st.sampled_from([STANDARD, SMALL]),
)
def test_round_trip(size: int, fraction: float, index: int, heartbeat: Heartbeat) -> None:
    """Whoever holds the file passes every challenge, for any file and any settings."""
    data = hashlib.shake_128(b"%d" % size).digest(size)
    assert answer(Swizzle(fraction, heartbeat), data, index)


@pytest.mark.parametrize("at", [0, 126, 127, 1269, 1270, 32767])
def test_a_changed_byte_fails_when_its_block_is_checked(at: int) -> None:
    """With every block in each challenge, one changed byte fails wherever it is."""
    held = bytearray(DATA)
    held[at] ^= 1
    assert answer(Swizzle(1.0), DATA, 3)
    assert not answer(Swizzle(1.0), DATA, 3, held=bytes(held))


@pytest.mark.parametrize(
    ("size", "checked"),
    [
        pytest.param(1, 1, id="one byte"),
        pytest.param(100 * BLOCK - 1, 1, id="100 blocks but a byte"),
        pytest.param(100 * BLOCK, 1, id="100 blocks, none of them empty"),
        pytest.param(200 * BLOCK, 2, id="200 blocks"),
    ],
)
def test_every_challenge_checks_a_block(size: int, checked: int) -> None:
    """One block at least is checked, where the original let a proof of zeros pass."""
    scheme, data = Swizzle(0.01), bytes(size)
    encoding = scheme.encode(data, SECRET)
    challenge = Challenge.from_text(scheme.challenge(SECRET, 0, encoding.commitment))
    assert challenge.checked == checked
    zeros = json.dumps(Proof([0] * 10, 0).to_text()).encode()
    assert not scheme.verify(zeros, SECRET, 0, encoding.commitment)


@pytest.mark.parametrize(("size", "blocks"), [(1, 1), (BLOCK, 1), (BLOCK + 1, 2), (3 * BLOCK, 3)])
def test_no_block_is_empty(size: int, blocks: int) -> None:
    """A file that ends with a block has no empty block, which could be proved without the file."""
    tag = json.loads(Swizzle().encode(bytes(size), SECRET).tag)
    assert len(read_tag(tag)) == blocks


def test_contracts_outlive_a_change_of_the_fraction() -> None:
    """How many blocks are checked is settled when the file is encoded."""
    commitment = Swizzle(0.5).encode(DATA, SECRET).commitment
    assert len(commitment) == 8
    asked = [Swizzle(fraction).challenge(SECRET, 1, commitment) for fraction in (0.5, 0.01)]
    assert asked[0] == asked[1]


def test_challenges_are_random_access_and_depend_on_the_secret() -> None:
    """Challenge k is the same whenever it is asked for, and different from all others."""
    commitment = Swizzle().encode(DATA, SECRET).commitment
    asked = [(secret, k) for secret in (SECRET, bytes(32)) for k in (0, 1, 256, 2**31 - 2)]
    challenges = {Swizzle().challenge(secret, k, commitment) for secret, k in asked}
    assert len(challenges) == 8


@pytest.mark.parametrize("index", [-1, 2**31 - 1])
def test_there_is_no_challenge_beyond_the_last(index: int) -> None:
    """Asking for one is an error, and nothing verifies there."""
    commitment = Swizzle().encode(DATA, SECRET).commitment
    with pytest.raises(IndexError):
        Swizzle().challenge(SECRET, index, commitment)
    proof = json.dumps(Proof([0] * 10, 0).to_text()).encode()
    assert not Swizzle().verify(proof, SECRET, index, commitment)


@pytest.mark.parametrize("fraction", [0, -0.1, 1.0001, float("nan")])
def test_fractions_that_prove_nothing_are_refused(fraction: float) -> None:
    """A check fraction is above 0 and at most 1."""
    with pytest.raises(InvalidSettings, match="check_fraction"):
        Swizzle(fraction)


@pytest.mark.parametrize("size", [0, 2**32 * BLOCK])
def test_sizes_that_cannot_be_proved_are_refused(size: int) -> None:
    """There is nothing to prove about no bytes, and no counting beyond 32 bits of blocks."""
    with pytest.raises(InvalidSettings, match="cannot be proved"):
        Swizzle().check_size(size)
    Swizzle().check_size(size - BLOCK if size else 1)


def test_sectors_are_elements_of_the_field() -> None:
    """No two contents of a sector are the same number modulo the prime, and the prime is one."""
    assert 256**STANDARD.sector_bytes <= STANDARD.prime
    assert all(pow(base, STANDARD.prime - 1, STANDARD.prime) == 1 for base in (2, 3, 5, 7))


class Contract:
    """A contract of which the farmer has the file and all proofs so far."""

    def __init__(self) -> None:
        self.scheme = Swizzle(0.1)
        encoding = self.scheme.encode(DATA, SECRET)
        self.commitment, self.tag = encoding.commitment, json.loads(encoding.tag)
        asked = [self.scheme.challenge(SECRET, k, self.commitment) for k in range(5)]
        self.proofs = [self.scheme.prove(DATA, self.tag, one) for one in asked]

    def accepts(self, text: bytes, index: int) -> bool:
        """Say whether the node accepts; a malformed proof is one way not to."""
        try:
            return self.scheme.verify(text, SECRET, index, self.commitment)
        except MalformedProof:
            return False


CONTRACT = Contract()


def mutate(rng: random.Random, text: str) -> str:
    """Return the text of a proof with one number changed, exchanged, added or left out."""
    proof = Proof.from_text(text)
    numbers = [int(number) for number in (*proof.mu, proof.sigma)]
    a, b = rng.sample(range(len(numbers)), 2)
    change = rng.choice(["bit", "zero", "add prime", "exchange", "leave out", "repeat"])
    if change == "bit":
        numbers[a] ^= 1 << rng.randrange(1024)
    elif change == "zero":
        numbers[a] = 0
    elif change == "add prime":
        numbers[a] += STANDARD.prime
    elif change == "exchange":
        numbers[a], numbers[b] = numbers[b], numbers[a]
    else:
        numbers[a : a + 1] = [numbers[a]] * (2 * (change == "repeat"))
    return Proof(numbers[:-1], numbers[-1]).to_text()


def test_good_proofs_pass_and_mutations_do_not() -> None:
    """Of 5,000 seeded random mutations of good proofs none is accepted."""
    rng = random.Random(2008)  # noqa: S311 - the same in every run
    for index, proof in enumerate(CONTRACT.proofs):
        assert CONTRACT.accepts(json.dumps(proof).encode(), index)
        assert not CONTRACT.accepts(json.dumps(proof).encode(), index + 1)
        for _ in range(1000):
            text = mutate(rng, proof)
            assert not CONTRACT.accepts(json.dumps(text).encode(), index), text


@settings(deadline=None)
@given(st.binary() | st.binary().map(to_base64).map(json.dumps).map(str.encode), st.integers(0, 99))
def test_arbitrary_texts_are_malformed_or_wrong(text: bytes, cut: int) -> None:
    """No text whatever lets another exception out, or is accepted."""
    assert not CONTRACT.accepts(text, 0)
    assert not CONTRACT.accepts(json.dumps(CONTRACT.proofs[0]).encode()[: -1 - cut], 0)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0\0\0", id="half a count"),
        pytest.param(b"\xff\xff\xff\xff", id="a count of what is not there"),
        pytest.param(b"\0\0\0\0\xff\xff\xff\xff1", id="a length beyond the end"),
        pytest.param(b"\0\0\0\0\0\0\0\0", id="an integer without bytes"),
        pytest.param(b"\0\0\0\0\2\0\0\0\0\1", id="an integer with a leading zero"),
        pytest.param(b"\0\0\0\0\1\0\0\0\1\0", id="a byte too many"),
    ],
)
def test_malformed(raw: bytes) -> None:
    """What is not a proof's wire form is called malformed, not wrong."""
    with pytest.raises(MalformedProof):
        CONTRACT.scheme.verify(json.dumps(to_base64(raw)).encode(), SECRET, 0, CONTRACT.commitment)


@pytest.mark.parametrize(
    "text",
    [b"", b"null", b"5", b'{"mu": []}', b'"AB=="', b'"\\ud800"', b'"\xff"', b"[" * 100_000],
)
def test_not_one_base64_text(text: bytes) -> None:
    """A proof is one text of base64 in JSON."""
    with pytest.raises(MalformedProof):
        CONTRACT.scheme.verify(text, SECRET, 0, CONTRACT.commitment)


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        pytest.param("tag", to_base64(pack_integers([1] * 25)), id="tag of another file"),
        pytest.param("tag", to_base64(pack_integers([1] * 26) + b"x"), id="tag with more"),
        pytest.param("tag", None, id="no tag"),
        pytest.param("challenge", {"seed": ""}, id="challenge of another scheme"),
        pytest.param("challenge", Challenge(1, b"short", 5).to_text(), id="short key"),
        pytest.param("challenge", Challenge(1, bytes(32), 0).to_text(), id="no coefficients"),
        pytest.param("challenge", Challenge(1, bytes(32), 2**8192).to_text(), id="huge ones"),
    ],
)
def test_a_farmer_refuses_what_a_node_may_not_send(part: str, sent: object) -> None:
    """A tag or challenge that makes no sense is named as such; the farmer does not fall over."""
    parts = {"tag": CONTRACT.tag, "challenge": Challenge(1, bytes(32), 5).to_text()}
    Swizzle().prove(DATA, *parts.values())
    with pytest.raises(MalformedProof):
        Swizzle().prove(DATA, *{**parts, part: sent}.values())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(Heartbeat(0, 127, STANDARD.prime).to_text(), id="no sectors"),
        pytest.param(Heartbeat(1025, 127, STANDARD.prime).to_text(), id="too many sectors"),
        pytest.param(Heartbeat(10, 0, STANDARD.prime).to_text(), id="empty sectors"),
        pytest.param(Heartbeat(10, 129, STANDARD.prime).to_text(), id="sectors beyond the prime"),
        pytest.param(Heartbeat(10, 127, 2**8192).to_text(), id="huge prime"),
        pytest.param(Heartbeat(10, 127, 0).to_text(), id="no prime"),
        pytest.param(to_base64(b"\0" + bytes(20)), id="private"),
        pytest.param({"check_fraction": 0.01, "key": ""}, id="of another scheme"),
    ],
)
def test_a_farmer_refuses_absurd_parameters(text: object) -> None:
    """A hostile heartbeat is refused before any work is done with it."""
    with pytest.raises(MalformedProof):
        Heartbeat.from_text(text)
