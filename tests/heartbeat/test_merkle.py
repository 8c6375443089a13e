"""The Merkle scheme as the node and the farmer use it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from downstream_node.errors import InvalidSettings, MalformedProof
from downstream_node.heartbeat.merkle import Merkle

SECRET = bytes(range(32))
DATA = bytes(range(256)) * 4


def answer(scheme: Merkle, data: bytes, index: int, held: bytes | None = None) -> bool:
    """Say whether a farmer that holds *held* passes challenge *index* of a contract for *data*."""
    encoding = scheme.encode(data, SECRET)
    challenge = scheme.challenge(SECRET, index, encoding.commitment)
    proof = scheme.prove(data if held is None else held, json.loads(encoding.tag), challenge)
    return scheme.verify(json.dumps(proof).encode(), SECRET, index, encoding.commitment)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 3000), st.floats(0.001, 1), st.data())
def test_round_trip(challenges: int, size: int, fraction: float, draw: st.DataObject) -> None:
    """Whoever holds the file passes every challenge, for any file and any settings."""
    assume(int(fraction * size) >= 1)
    index = draw.draw(st.integers(0, challenges - 1))
    data = hashlib.shake_128(b"%d" % size).digest(size)
    assert answer(Merkle(fraction, challenges), data, index)


def test_a_changed_byte_fails_when_it_is_looked_at() -> None:
    """With the whole file in each slice, one changed byte fails."""
    assert answer(Merkle(1.0, 4), DATA, 3)
    assert not answer(Merkle(1.0, 4), DATA, 3, held=DATA[:-1] + b"\0")


def test_many_challenges_find_a_missing_half() -> None:
    """Of a file half lost, about half of the small slices fail."""
    scheme = Merkle(0.01, 64)
    held = DATA[:512] + b"\xee" * 512
    passed = sum(answer(scheme, DATA, index, held) for index in range(64))
    assert 16 < passed < 48


def test_challenges_are_random_access_and_depend_on_the_secret() -> None:
    """Challenge k is the same whenever it is asked for, and different from all others."""
    scheme = Merkle()
    asked = [(secret, k) for secret in (SECRET, bytes(32)) for k in range(256)]
    seeds = {str(scheme.challenge(secret, k, b"")["seed"]) for secret, k in reversed(asked)}
    assert len(seeds) == 512


def test_challenge_on_the_wire() -> None:
    """A challenge is its number and HMAC-SHA-256(secret, number as 8 bytes) in base64."""
    seed = hmac.new(SECRET, b"\0\0\0\0\0\0\x01\x02", hashlib.sha256).digest()
    expected = {"seed": base64.b64encode(seed).decode(), "index": 258}
    assert Merkle(0.01, 300).challenge(SECRET, 258, b"") == expected


@pytest.mark.parametrize("index", [-1, 256, 2**70])
def test_there_is_no_challenge_beyond_the_last(index: int) -> None:
    """Asking for one is an error, and nothing verifies there."""
    with pytest.raises(IndexError):
        Merkle().challenge(SECRET, index, b"")
    proof = {"leaf": {"index": index, "blob": "A" * 43 + "="}, "branch": {"rows": []}}
    assert not Merkle().verify(json.dumps(proof).encode(), SECRET, index, bytes(32))


@pytest.mark.parametrize("fraction", [0, -0.1, 1.0001, float("nan"), float("inf")])
def test_fractions_that_prove_nothing_are_refused(fraction: float) -> None:
    """A check fraction is above 0 and at most 1."""
    with pytest.raises(InvalidSettings, match="check_fraction"):
        Merkle(fraction)


def test_a_contract_has_at_least_one_challenge() -> None:
    """No challenges would mean that nothing is ever proved."""
    with pytest.raises(InvalidSettings, match="challenges"):
        Merkle(0.01, 0)


@pytest.mark.parametrize(
    ("size", "proves"),
    [pytest.param(99, False, id="no byte"), pytest.param(100, True, id="one byte")],
)
def test_slices_without_a_byte_are_refused(size: int, proves: bool) -> None:
    """The smallest file of a scheme is the one with one byte in a slice."""
    scheme = Merkle(0.01)
    if proves:
        scheme.check_size(size)
        return
    for attempt in (lambda: scheme.check_size(size), lambda: scheme.encode(bytes(size), SECRET)):
        with pytest.raises(InvalidSettings, match="less than one byte"):
            attempt()


def test_sizes_of_the_encoding() -> None:
    """The node keeps 32 bytes, the farmer twice 256 hashes."""
    encoding = Merkle().encode(bytes(32768), SECRET)
    assert len(encoding.commitment) == 32
    assert len(json.loads(encoding.tag)["tree"]["nodes"]) == 512


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_can_be_encoded(kind: Callable[[bytes], Any]) -> None:
    """Data may be a view of a mapped file as well as bytes."""
    assert Merkle().encode(kind(DATA), SECRET) == Merkle().encode(DATA, SECRET)


def with_field(value: Any, path: str, field: Any) -> Any:
    """Return a copy of *value* in which the field at the dotted *path* is *field*."""
    copy = json.loads(json.dumps(value))
    *parents, last = path.split(".")
    place = copy
    for parent in parents:
        place = place[parent]
    place[last] = field
    return copy


@pytest.mark.parametrize(
    ("path", "field"),
    [
        pytest.param("tag.filesz", 1023, id="tag of another file"),
        pytest.param("tag.chunksz", -1, id="negative slice"),
        pytest.param("tag.chunksz", "10", id="slice as text"),
        pytest.param("tag.tree.order", 33, id="order too large"),
        pytest.param("tag.tree.order", 7, id="order of another tree"),
        pytest.param("tag.tree.nodes", [], id="no nodes"),
        pytest.param("tag.tree.nodes", ["\ud800"] * 512, id="nodes that are not base64"),
        pytest.param("tag.tree", None, id="no tree"),
        pytest.param("challenge.index", 256, id="index beyond the tree"),
        pytest.param("challenge.index", -1, id="negative index"),
        pytest.param("challenge.index", 1.5, id="index of another type"),
        pytest.param("challenge.seed", "AAAA", id="short seed"),
        pytest.param("challenge.seed", 5, id="seed of another type"),
    ],
)
def test_a_farmer_refuses_what_a_node_may_not_send(path: str, field: Any) -> None:
    """A tag or challenge that makes no sense is named as such; the farmer does not fall over."""
    scheme = Merkle()
    tag = json.loads(scheme.encode(DATA, SECRET).tag)
    sent = {"tag": tag, "challenge": scheme.challenge(SECRET, 0, b"")}
    scheme.prove(DATA, sent["tag"], sent["challenge"])
    sent = with_field(sent, path, field)
    with pytest.raises(MalformedProof):
        scheme.prove(DATA, sent["tag"], sent["challenge"])


def test_a_slice_longer_than_the_file_is_the_whole_file() -> None:
    """As in the original, whose slices have 8,192 bytes when nothing else is said."""
    scheme = Merkle(1.0, 1)
    tag = json.loads(scheme.encode(DATA, SECRET).tag)
    challenge = scheme.challenge(SECRET, 0, b"")
    longer = with_field(tag, "chunksz", 2**80)
    assert scheme.prove(DATA, longer, challenge) == scheme.prove(DATA, tag, challenge)
    assert base64.b64decode(tag["tree"]["nodes"][0]) == scheme.encode(DATA, SECRET).commitment
